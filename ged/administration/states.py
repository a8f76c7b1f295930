"""The state of an act, from its times. Pure."""

from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class ActState(StrEnum):
    """How far an act has come; it is stored as its times, not as a member."""

    PROPOSED = "proposed"
    PLANNED = "planned"
    DONE = "done"
    REFUSED = "refused"
    """On its day it did not fit any more."""
    WITHDRAWN = "withdrawn"
    UNDONE = "undone"


class Timed(Protocol):
    """The times of an act."""

    @property
    def planned_on(self) -> date | None: ...  # noqa: D102
    @property
    def done_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def refused_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def withdrawn_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def undone_at(self) -> datetime | None: ...  # noqa: D102


def state_of(act: Timed) -> ActState:
    """The state of an act."""
    if act.undone_at is not None:
        return ActState.UNDONE
    if act.done_at is not None:
        return ActState.DONE
    if act.withdrawn_at is not None:
        return ActState.WITHDRAWN
    if act.refused_at is not None:
        return ActState.REFUSED
    return ActState.PROPOSED if act.planned_on is None else ActState.PLANNED
