"""What a line of the morning's point is, and what the queries of its kinds look at."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select
from sqlalchemy.orm import Session

from ged.access import visible_clause
from ged.ports import Confidentiality
from ged.register.models import Mail
from ged.unit import Actor, Services

SHOWN = 5
"""Lines of a kind among the others; the list of the kind shows up to ``MOST``."""
MOST = 100
"""A kind reads no more rows. What is a count and no list of rows may be larger (``kinds.Source.most``)."""


class Kind(StrEnum):
    """What is pending. The order of the members is that of the page: letters and papers first, machines last."""

    UNREAD = "unread"
    """Letters past their date that nobody of the unit has opened."""
    LATE = "late"
    """Letters past their date that somebody of the unit has opened, and not answered."""
    UNDECIDED = "undecided"
    """Letters that wait for the decision of an authority: past their date, or for long without one."""
    EMPTY_POSTS = "empty_posts"
    """Letters that wait at a post that nobody holds, and for which nobody acts."""
    TO_DISPATCH = "to_dispatch"
    """Letters that are signed and have not left."""
    SLIPS = "slips"
    """Slips that were sent and not acknowledged."""
    DISCREPANCIES = "discrepancies"
    """Pieces of a slip that did not arrive as they should."""
    LOANS = "loans"
    """Originals on loan that did not come back by their date."""
    PAPERS = "papers"
    """Originals that lie at a desk since an earlier day and belong elsewhere."""
    NO_SCAN = "no_scan"
    """Letters with a number and without a document."""
    SCANS = "scans"
    """Scans without a number."""
    DAYS = "days"
    """Registers with days that are over and not closed."""
    DELEGATIONS = "delegations"
    """Powers that end within days."""
    CERTIFICATES = "certificates"
    """Certificates that end soon: the reader's own; for whoever runs the installation, all of them."""
    TIMESTAMPS = "timestamps"
    """Signatures whose proof is not kept up: a time-stamp ends, a step failed."""
    JOBS = "jobs"
    """Jobs that wait for a person's decision."""
    MAILS = "mails"
    """People whom the last e-mail did not reach."""
    DESKS = "desks"
    """Scanning stations that are silent."""


@dataclass(frozen=True)
class Line:
    """One thing that is pending.

    Attributes:
        subject_id: the letter, slip, register, ...: what the address of the kind takes; 0: none.
        name: its number, code or title; empty: it has none.
        text: the subject of an ordinary letter, a unit, a title; empty: nothing that the reader may be shown.
        level: of a letter; above ordinary the text is empty, for others may see the screen.
        who: who must act, by name (a unit, a post, a person); empty: whom the kind names.
        to: who received a power, by name.
        on: the day that the line is about: since when it waits, or when it ends.
        code: a member or code of the kind that the page puts into words.
        count: how many things the line stands for.
    """

    subject_id: int = 0
    name: str = ""
    text: str = ""
    level: Confidentiality = Confidentiality.ORDINARY
    who: str = ""
    to: str = ""
    on: date | None = None
    code: str = ""
    count: int = 1


@dataclass(frozen=True)
class Part:
    """What a kind tells a reader.

    Attributes:
        lines: the first ``SHOWN`` (of one kind alone: ``MOST``), those that wait longest first.
        total: how many there are.
        is_cut: there may be more than ``total``.
        is_unknown: the kind could not be read. Then there are no lines, and whether something is pending is not known.
    """

    kind: Kind
    lines: tuple[Line, ...]
    total: int
    is_cut: bool = False
    is_unknown: bool = False

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - sum(line.count for line in self.lines)


@dataclass(frozen=True)
class Ground:
    """What the queries look at: one reader, one moment.

    Attributes:
        shown: how many lines of a kind are wanted; 0: its count alone.
        overdue: once read, the rows of the kinds that one statement finds together.
        assignments: once read, what lines of assignments tell, by their ids; ``holders``: who holds their posts, by name.
    """

    session: Session
    services: Services
    actor: Actor
    now: datetime
    shown: int = SHOWN
    today: date = field(init=False)
    overdue: list[Sequence[Row[*tuple[Any, ...]]]] = field(default_factory=list, compare=False)
    assignments: dict[int, Row[*tuple[Any, ...]]] = field(default_factory=dict, compare=False)
    holders: dict[int, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Set the local day."""
        object.__setattr__(self, "today", self.now.astimezone(self.services.zone).date())

    @property
    def midnight(self) -> datetime:
        """The begin of the local day: what came today is not pending yet."""
        return datetime.combine(self.today, time(), tzinfo=self.services.zone)

    @property
    def next_midnight(self) -> datetime:
        """The end of the local day. A statement that finds what may become pending until then is composed once a day, not for each moment."""
        return datetime.combine(self.today + timedelta(days=1), time(), tzinfo=self.services.zone)


Found = tuple[Sequence[Line], int]
"""The first ``Ground.shown`` lines of a kind, and how many there are; of rows at most ``MOST``."""
NOTHING: Found = ((), 0)

Probe = tuple[Callable[..., Select[Any]], tuple[Hashable, ...]]
"""A composed statement (``ged.counting.composed``), and what it is asked with besides the actor."""


def may_be_told(actor: Actor, letter: type[Mail] = Mail) -> ColumnElement[bool]:
    """Letters that the point may tell the actor: the rule of access, without SECRET letters.

    A SECRET letter is told to nobody here, not even to who may open it: the page lies open on a desk in the morning.
    """
    return visible_clause(letter.id, letter.level, actor.principals) & (letter.level < int(Confidentiality.SECRET))
