"""What a ministry still has to set before it works: read from what is there, never ticked by hand but for the backup.

No letter is looked at. The number of statements does not depend on the size of the organisation.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from ged.administration.reach import Reach
from ged.archive.copies import DRILLED
from ged.audit import AuditEntry
from ged.capture.models import Bridge
from ged.errors import ConfigError, EngineFailed
from ged.links import is_loopback
from ged.notices.returned import WRONG, LoopState, last_loop
from ged.org.models import Holding, Person, Post, PostRole, Unit, held_on
from ged.register.models import Register, RegisterClosing, RegisterNature
from ged.routing.models import Holiday
from ged.unit import Actor, Role, Services, UnitOfWork

BACKUP_SEEN = "backup.seen"
BACKUP_LASTS = timedelta(days=31)
"""How long a drill that proved a copy counts (`ged restore --drill`), or a person's word that a backup was restored."""
BINDING = frozenset({Role.SIGNATORY, Role.CLERK, Role.ADMINISTRATOR})
"""Roles whose password alone would let a thief sign, number or change accounts."""
MOST_NAMED = 3
"""How many names a line tells."""
ON_PAPER = (RegisterNature.ARRIVAL,)
"""Registers whose letters come as paper: their unit needs a scanner."""


class Item(StrEnum):
    """A line of the list, in its order."""

    REGISTERS = "registers"
    HEADS = "heads"
    VACANT = "vacant"
    CLERKS = "clerks"
    FIRST_ACCESS = "first_access"
    SCANNERS = "scanners"
    HOLIDAYS = "holidays"
    ADDRESS = "address"
    SECOND_STEP = "second_step"
    SEAL = "seal"
    TIME_STAMP = "time_stamp"
    MAIL_LOOP = "mail_loop"
    BACKUP = "backup"
    FIRST_CLOSING = "first_closing"


OF_INSTALLATION = frozenset(
    {Item.ADDRESS, Item.SECOND_STEP, Item.SEAL, Item.TIME_STAMP, Item.MAIL_LOOP, Item.BACKUP, Item.HOLIDAYS}
)
"""Lines that only an administrator of the whole installation sees."""


@dataclass(frozen=True)
class Line:
    """A line.

    Attributes:
        missing: how many things are not set; 0: the line is done.
        names: the first of them.
        day: when it was last seen to work, for the mail loop and the backup.
    """

    item: Item
    missing: int
    names: tuple[str, ...] = ()
    day: datetime | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def checklist(session: Session, services: Services, actor: Actor, *, on: date, now: datetime) -> tuple[Line, ...]:
    """The lines that an administrator looks after, in their order."""
    reach = Reach(actor, services.installation_accounts)
    units = reach.units
    near, is_open = Post.unit_id.in_(units), Unit.closed_at.is_(None)
    made: Mapping[Item, Callable[[], Line]] = {
        Item.REGISTERS: lambda: _registers(session, units),
        Item.HEADS: lambda: _names(
            session, Item.HEADS, Unit.name, Unit, Unit.id.in_(units), is_open, ~_has_post(Role.HEAD, Unit.id, on)
        ),
        Item.VACANT: lambda: _vacant(session, near, is_open, on),
        Item.CLERKS: lambda: _names(
            session, Item.CLERKS, Register.name, Register, Register.unit_id.in_(units), Register.closed_at.is_(None),
            Register.nature != RegisterNature.ARCHIVE, ~_has_post(Role.CLERK, Register.unit_id, on),
        ),
        Item.FIRST_ACCESS: lambda: _names(
            session, Item.FIRST_ACCESS, Person.name, Person, reach.people, Person.is_active.is_(True), Person.password_hash == ""
        ),
        Item.SCANNERS: lambda: _names(
            session, Item.SCANNERS, Register.name, Register, Register.unit_id.in_(units), Register.closed_at.is_(None),
            Register.nature.in_(ON_PAPER),
            ~exists().where(Bridge.unit_id == Register.unit_id, Bridge.revoked_at.is_(None), Bridge.last_seen_at.is_not(None)),
        ),
        Item.HOLIDAYS: lambda: _holidays(session, on),
        Item.ADDRESS: lambda: Line(Item.ADDRESS, int(is_loopback(urlsplit(services.public_url).hostname or ""))),
        Item.SECOND_STEP: lambda: Line(Item.SECOND_STEP, len(BINDING - services.second_factor_roles)),
        Item.SEAL: lambda: Line(Item.SEAL, int(not _has_seal(services))),
        Item.TIME_STAMP: lambda: Line(Item.TIME_STAMP, int(services.timestamper is None)),
        Item.MAIL_LOOP: lambda: _loop(session, now),
        Item.BACKUP: lambda: _backup(session, now),
        Item.FIRST_CLOSING: lambda: _closing(session, units),
    }  # fmt: skip
    return tuple(made[item]() for item in Item if reach.is_whole or item not in OF_INSTALLATION)


def left(lines: Iterable[Line]) -> int:
    """How many lines are not done."""
    return sum(not line.is_done for line in lines)


def _registers(session: Session, units: Collection[int]) -> Line:
    """Whether a register is open: of none, the lines about each register would be done."""
    found = session.scalar(
        select(Register.id).where(Register.unit_id.in_(units), Register.closed_at.is_(None)).limit(1)
    )
    return Line(Item.REGISTERS, int(found is None))


def _has_seal(services: Services) -> bool:
    """Whether there is a key to seal with, and it can be opened now."""
    try:
        return services.sealer is not None and services.sealer.certificate() is not None
    except (ConfigError, EngineFailed):
        return False


def _has_post(role: Role, unit_id: ColumnElement[int] | object, on: date) -> ColumnElement[bool]:
    """Whether a post of a unit has a role and a holder with an open account."""
    return exists().where(
        Post.unit_id == unit_id, PostRole.post_id == Post.id, PostRole.role == role, Holding.post_id == Post.id,
        Person.id == Holding.person_id, Person.is_active, *held_on(on),
    )  # fmt: skip


def _names(session: Session, item: Item, name: object, model: type[object], *where: ColumnElement[bool]) -> Line:
    """A line about rows that lack something: how many, and the first names. One statement."""
    rows = session.execute(
        select(name, func.count().over()).select_from(model).where(*where).order_by(model.id).limit(MOST_NAMED)  # type: ignore[call-overload, attr-defined]
    ).all()
    return Line(item, rows[0][1] if rows else 0, tuple(row[0] for row in rows))


def _vacant(session: Session, near: ColumnElement[bool], is_open: ColumnElement[bool], on: date) -> Line:
    held = exists().where(Holding.post_id == Post.id, *held_on(on))
    return _names(
        session, Item.VACANT, Post.title, Post, near, ~held, exists().where(Unit.id == Post.unit_id, is_open)
    )  # fmt: skip


def _holidays(session: Session, on: date) -> Line:
    """The holidays of the next year: without them time limits that reach into it are wrong."""
    next_year = Holiday.on.between(date(on.year + 1, 1, 1), date(on.year + 1, 12, 31))
    return Line(Item.HOLIDAYS, int(session.scalar(select(Holiday.on).where(next_year).limit(1)) is None))


def _loop(session: Session, now: datetime) -> Line:
    loop = last_loop(session, now=now)
    is_wrong = loop.state in WRONG or loop.state is LoopState.NEVER or loop.good_at is None
    return Line(Item.MAIL_LOOP, int(is_wrong), day=loop.good_at)


def _backup(session: Session, now: datetime) -> Line:
    # OFFSET 0 keeps PostgreSQL from walking the whole journal backwards in search of an act that may never have been.
    said = select(AuditEntry.at).where(AuditEntry.action.in_((BACKUP_SEEN, DRILLED))).offset(0).subquery()
    seen = session.scalar(select(func.max(said.c.at)))
    return Line(Item.BACKUP, int(seen is None or now - seen > BACKUP_LASTS), day=seen)


def _closing(session: Session, units: frozenset[int]) -> Line:
    near = select(Register.id).where(Register.unit_id.in_(units))
    closed = session.scalar(select(RegisterClosing.id).where(RegisterClosing.register_id.in_(near)).limit(1))
    return Line(Item.FIRST_CLOSING, int(closed is None))


def see_backup(uow: UnitOfWork, *, actor: Actor) -> None:
    """A person says that a backup was restored elsewhere and verified; it counts for ``BACKUP_LASTS``."""
    uow.record(BACKUP_SEEN, "organisation", None, actor=actor)
