"""Which letters of a list were destroyed by a slip of disposal: a list says so in the place of their state."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from ged import destroyed
from ged.register.states import MailState
from ged.unit import ReadSession


class Listed(Protocol):
    """A row of a list of letters; a row without a state shows no letter."""

    @property
    def mail_id(self) -> int | None:
        """The letter."""

    @property
    def state(self) -> MailState | None:
        """Its state."""


def days(session: ReadSession, rows: Iterable[Listed]) -> Mapping[int, datetime]:
    """When the destruction was decided, by letter. One query for a list with closed letters, none for another: only a closed letter
    is destroyed."""
    closed = [row.mail_id for row in rows if row.mail_id is not None and row.state is MailState.CLOSED]
    return {mail_id: one.decided_at for mail_id, one in destroyed.of_letters(session, closed).items()} if closed else {}
