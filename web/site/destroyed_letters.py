"""Which letters of a list were destroyed by a slip of disposal: a list says so in the place of their state."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from ged import destroyed
from ged.destroyed import Destroyed
from ged.register.states import MailState
from ged.unit import ReadSession
from web.site.i18n import short_date
from web.words.messages import gettext


class Listed(Protocol):
    """A row of a list of letters; a row without a state shows no letter."""

    @property
    def mail_id(self) -> int | None:
        """The letter."""

    @property
    def state(self) -> MailState | None:
        """Its state."""


def words(found: Destroyed) -> str:
    """``Détruit le 24/11/2026`` when the last file is gone; before, the day of the decision."""
    if found.done_at is None:
        return str(gettext("Destruction décidée le %(day)s", day=short_date(found.decided_at)))
    return str(gettext("Détruit le %(day)s", day=short_date(found.done_at)))


def of_rows(session: ReadSession, rows: Iterable[Listed]) -> Mapping[int, Destroyed]:
    """The destructions, by letter. One query for a list with closed letters, none for another: only a closed letter is destroyed."""
    closed = [row.mail_id for row in rows if row.mail_id is not None and row.state is MailState.CLOSED]
    return destroyed.of_letters(session, closed) if closed else {}
