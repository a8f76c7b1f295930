"""The words of the pages of figures."""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from ged.dashboard.letters import GIVEN, PAPERS, SOON, What
from ged.figures.definitions import ALL, Definition
from ged.figures.stages import Stage
from ged.languages import SOURCE
from ged.typography import french, plain
from web.words.languages import language
from web.words.messages import gettext as _
from web.words.messages import ngettext

ENTITY = "entite"
"""Value of ``seul`` in an address: the unit is an entity, with its units and without the entities below it."""
MOST_TYPED = 60
"""Signs that a message repeats of what was typed."""
_DEFINED: Mapping[str, Definition] = {one.name: one for one in ALL}


def what(one: What) -> str:
    """What letters of a figure have in common, as a heading: the name that the monthly report has for it."""
    match one:
        case What.IN_TIME:
            return str(_("En instance, dans les délais"))
        case What.WAITING:
            return str(_("En instance aujourd'hui"))
        case What.DELAY:
            return str(_("Délai"))
        case What.PASSED:
            return str(_("Confiés d'un service à un autre"))
        case What.HOUR:
            return str(_("Enregistrés à cette heure"))
        case What.ROUND:
            return str(_("Courriers renvoyés plusieurs fois"))
        case What.GIVEN:
            return str(_("Confiés et en cours"))
        case What.GIVEN_LATE:
            return str(_("Confiés et en retard"))
        case What.GIVEN_IN_TIME:
            return str(_("Confiés, dans les délais ou sans échéance"))
        case What.GIVEN_SOON:
            return str(_("Confiés et à échéance sous %(days)s jours", days=SOON))
        case What.FINISHED:
            return str(_("Terminés"))
        case What.ON_SENT:
            return str(_("Courriers des bordereaux envoyés"))
        case What.ON_RECEIVED:
            return str(_("Courriers des bordereaux reçus et déchargés"))
        case What.AT_FAULT:
            return str(_("Courriers manquants ou endommagés"))
        case What.WAITED:
            return str(_("Courriers des bordereaux, par délai de décharge"))
        case What.SCANNED:
            return str(_("Courriers numérisés"))
        case What.READ:
            return str(_("Courriers dont des pages ont été lues"))
        case What.UNCERTAIN:
            return str(_("Courriers à la lecture incertaine"))
        case What.TEXTLESS:
            return str(_("Courriers avec une page sans texte"))
        case _:
            return _name(_DEFINED[one])


def stage(one: Stage) -> str:
    """A stage of a letter's path."""
    return _name(_DEFINED[one])


def definition(one: What) -> str:
    """What exactly is counted, as the monthly report says it; empty for what no report counts."""
    if one in GIVEN:
        return _of_given(one)
    if one in PAPERS:
        return _of_papers(one)
    found = _DEFINED.get(one)
    return "" if found is None else french(found.meaning) if _is_french() else found.meaning_in_english


def _of_given(one: What) -> str:
    """What was given to a unit or to a post: no monthly report counts it."""
    match one:
        case What.GIVEN:
            return str(
                _(
                    "Courriers confiés à ce service ou à ses agents, pas encore terminés, quel que soit le service pilote."
                )
            )
        case What.GIVEN_LATE:
            return str(_("Courriers confiés et non terminés dont l'échéance de l'attribution est passée."))
        case What.GIVEN_IN_TIME:
            return str(_("Courriers confiés et non terminés dont aucune attribution n'a son échéance passée."))
        case What.GIVEN_SOON:
            return str(
                _(
                    "Courriers confiés et non terminés dont l'attribution est à échéance aujourd'hui ou dans les %(days)s jours.",
                    days=SOON,
                )
            )
        case _:
            return str(
                _(
                    "Courriers que ce service ou ses agents ont terminés dans la période et n'ont plus en cours, quel que soit le service pilote."
                )
            )


def _of_papers(one: What) -> str:
    """What was on slips, or was scanned: the figures count slips and pages, and the list has their letters."""
    match one:
        case What.ON_SENT:
            return str(
                _(
                    "Courriers portés par les bordereaux que ces services ont envoyés pendant la période. Un bordereau en porte un, plusieurs, ou aucun."
                )
            )
        case What.ON_RECEIVED:
            return str(
                _(
                    "Courriers portés par les bordereaux que ces services ont reçus et déchargés pendant la période. Un bordereau en porte un, plusieurs, ou aucun."
                )
            )
        case What.AT_FAULT:
            return str(
                _(
                    "Courriers manquants ou endommagés à la réception de leur bordereau par ces services pendant la période. Un courrier mal adressé n'y est pas : il est arrivé entier. Une pièce sans courrier n'est pas dans la liste."
                )
            )
        case What.WAITED:
            return str(
                _(
                    "Courriers portés par les bordereaux envoyés par ces services et déchargés pendant la période, après ce délai. Un bordereau en porte un, plusieurs, ou aucun."
                )
            )
        case What.SCANNED:
            return str(
                _(
                    "Courriers ordinaires dont un document a été fait pendant la période des pages venues des stations de ces services. Une page qui attend encore son courrier n'est pas dans la liste."
                )
            )
        case What.READ:
            return str(_("Courriers ordinaires numérisés pendant la période, dont la machine a lu des pages."))
        case What.UNCERTAIN:
            return str(
                _(
                    "Courriers ordinaires numérisés pendant la période, avec une page au moins dont la lecture est incertaine."
                )
            )
        case _:
            return str(
                _(
                    "Courriers ordinaires numérisés pendant la période, avec une page au moins où la machine n'a trouvé aucun texte."
                )
            )


def _name(of: Definition) -> str:
    return french(of.french) if _is_french() else of.english


def _is_french() -> bool:
    return language() == SOURCE


def recounts() -> str:
    """That days are about to be counted again."""
    return str(_("Quelques jours sont encore recomptés : ces nombres peuvent changer dans les minutes qui viennent."))


def days(number: int) -> str:
    """A delay in working days, as in a table."""
    return str(_("%(num)s j", num=number))


def letters(count: int) -> str:
    """Letters, as the name of what is counted."""
    return str(ngettext("courrier", "courriers", count))


def slips(count: int) -> str:
    """As ``letters``."""
    return str(ngettext("bordereau", "bordereaux", count))


def pages(count: int) -> str:
    """As ``letters``."""
    return str(ngettext("page", "pages", count))


def day_unit() -> str:
    """What stands behind a number of days in a table, with its space: for spreadsheets, whose cells are numbers."""
    return plain(str(_("%(num)s j", num=""))).rstrip()


def calendar_days(number: int) -> str:
    """Days of the calendar: those for which somebody waits, or those of a month that are counted."""
    return str(ngettext("%(num)s jour", "%(num)s jours", number))


def hour(one: int) -> str:
    """An hour of the day, as the heading of a column."""
    return str(_("%(num)s h", num=one))


def before_hour(one: int) -> str:
    """The hours of a day before this one."""
    return str(_("avant %(num)s h", num=one))


def from_hour(one: int) -> str:
    """The hours of a day from this one on."""
    return str(_("dès %(num)s h", num=one))


def hours(first: int, last: int, whole: int) -> str:
    """Hours of a day, as their column is called; ``whole``: how many a day has."""
    if first == last:
        return hour(first)
    if first == 0:
        return before_hour(last + 1)
    return from_hour(first) if last == whole - 1 else f"{hour(first)}–{hour(last)}"


def bin_name(first: int, after: int | None) -> str:
    """The working days of a bin, from the first one up to before the bin behind it."""
    if after is None:
        return str(_("%(num)s j et plus", num=first))
    return days(first) if after == first + 1 else str(_("%(first)s à %(last)s j", first=first, last=after - 1))


def filter_name(name: str, *, alone: str = "") -> str:
    """A filter of the page by its name in the address, as its field is called.

    Args:
        alone: the value of ``seul``: not empty, the unit without those below it; of an entity, without the entities below it.

    Raises:
        ValueError: a filter that has no words.
    """
    match name:
        case "unite":
            if alone == ENTITY:
                return filter_name("entite")
            return str(_("Service, sans ceux qui en dépendent") if alone else _("Service, avec ceux qui en dépendent"))
        case "entite":
            return str(_("Entité, sans celles qui en dépendent"))
        case "nature":
            return str(_("Nature"))
        case "sens":
            return str(_("Sens"))
        case "registre":
            return str(_("Registre"))
        case "canal":
            return str(_("Canal"))
        case "priorite":
            return str(_("Priorité"))
        case "periode":
            return str(_("Période"))
        case "du":
            return str(_("Du"))
        case "au":
            return str(_("Au"))
        case "sans":
            return str(_("Jours laissés de côté"))
        case "vue":
            return str(_("Vue"))
        case "quoi":
            return str(_("Chiffre"))
        case "expediteur":
            return str(_("Expéditeur"))
        case "poste":
            return str(_("Agent"))
        case "station":
            return str(_("Station"))
        case "etape":
            return str(_("Délai montré"))
        case "heure":
            return str(_("Jour et heure"))
        case "delai":
            return str(_("Délai"))
        case "depuis":
            return str(_("Service qui confie"))
        case "vers":
            return str(_("Service qui reçoit"))
        case _:
            raise ValueError(name)


def problems(those: Iterable[tuple[str, str]]) -> str:
    """(name of a filter, what was typed) of an address: those that are not applied, in words.

    What does not name a unit may have been meant for a service or for an entity.
    """
    return ", ".join(
        str(
            _(
                "%(filter)s « %(typed)s »",
                filter=_("Service ou entité") if name in ("unite", "entite") else filter_name(name),
                typed=shortened(_as_written(typed) if name in ("du", "au") else typed),
            )
        )
        for name, typed in those
    )


_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _as_written(day: str) -> str:
    """A day of an address in the order in which people write it; anything else, and a day of no calendar, as it was typed."""
    try:
        found = date.fromisoformat(day) if _ISO_DAY.fullmatch(day) else None
    except ValueError:
        return day
    return f"{found:%d/%m}/{found.year:04}" if found else day  # %Y leaves out the zeros of an early year


def periods(those: Iterable[str]) -> str:
    """Several spans of days, each in words."""
    return ", ".join(those)


def shortened(typed: str) -> str:
    """What was typed, as far as a message has room for it."""
    return typed if len(typed) <= MOST_TYPED else typed[:MOST_TYPED] + "…"


def no_nature() -> str:
    """Letters without a nature, as a choice and as a row."""
    return str(_("Sans nature"))


def view(name: str, *, overseen: bool) -> str:
    """A view of a page, by its name in the address.

    Raises:
        ValueError: a view that has no words.
    """
    match name:
        case "attente":
            return str(_("Courriers en attente"))
        case "bordereaux":
            return str(_("Bordereaux"))
        case "decharge":
            return str(_("Décharges"))
        case "numerisation":
            return str(_("Numérisation"))
        case "lecture":
            return str(_("Lecture des pages"))
        case "rythme":
            return str(_("Rythme de la semaine"))
        case "heures":
            return str(_("Heures d'enregistrement"))
        case "delais":
            return str(_("Délais") if overseen else _("Délais et retards"))
        case "charge":
            return str(_("Charge"))
        case "natures":
            return str(_("Natures"))
        case "mois":
            return str(_("Douze mois"))
        case "prevision":
            return str(_("Prévision"))
        case "circulation":
            return str(_("Circulation"))
        case "expediteurs":
            return str(_("Expéditeurs"))
        case "correspondants":
            return str(_("Expéditeurs en attente"))
        case "":
            return str(_("Services") if overseen else _("Arrivées et suites"))
        case _:
            raise ValueError(name)
