"""The French of the follow-up as paper bears it; the site's labels are made of it too."""

from collections.abc import Mapping

from ged.followup.listing import DueTime

DUE_TIMES: Mapping[DueTime, str] = {
    DueTime.LATE: "En retard",
    DueTime.TODAY: "À rendre aujourd'hui",
    DueTime.SOON: "Dans les cinq jours ouvrés",
    DueTime.LATER: "Plus tard",
    DueTime.NONE: "Sans échéance",
}
