"""Due dates in words: how many working days are left, and how pressing that is."""

from dataclasses import dataclass
from datetime import date

from ged.routing.deadlines import WorkCalendar, working_days_between
from web.words.messages import gettext, ngettext

SOON = 2
"""Working days from which a date presses."""


@dataclass(frozen=True)
class DueWords:
    """What stands beside a date, and the tone of its badge."""

    text: str
    tone: str

    @property
    def is_late(self) -> bool:
        """Whether the date has passed."""
        return self.tone == "danger"


def late_end(due_on: date, ended_on: date, calendar: WorkCalendar) -> str:
    """``avec 2 jours ouvrés de retard``: of what was dealt with after its date."""
    days = working_days_between(due_on, ended_on, calendar)
    if not days:
        return str(gettext("avec retard"))
    return str(ngettext("avec un jour ouvré de retard", "avec %(num)s jours ouvrés de retard", days))


def due_words(due_on: date | None, today: date, calendar: WorkCalendar) -> DueWords | None:
    """``dans 3 jours ouvrés``, ``aujourd'hui``, ``en retard de 2 jours ouvrés``; None without a date."""
    if due_on is None:
        return None
    days = working_days_between(today, due_on, calendar)
    if due_on < today:
        # Past, but no working day has gone by since: the weekend after the date.
        late = ngettext("en retard d'un jour ouvré", "en retard de %(num)s jours ouvrés", -days)
        return DueWords(late if days else gettext("en retard"), "danger")
    if due_on == today:
        return DueWords(gettext("aujourd'hui"), "warning")
    if days == 0:
        return DueWords(gettext("avant le prochain jour ouvré"), "warning")
    text = ngettext("dans un jour ouvré", "dans %(num)s jours ouvrés", days)
    return DueWords(text, "warning" if days <= SOON else "info")
