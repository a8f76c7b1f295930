"""Slips of disposal as pages show them."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from ged import destroyed
from ged.destroyed import Destroyed
from ged.disposal import holds
from ged.disposal.holds import Hold
from ged.disposal.lists import Line, digest_of, eligible
from ged.disposal.models import Disposal, DisposalLine
from ged.disposal.operations import HEADS, second_post, sides_of, spoken_units
from ged.errors import Forbidden, NotFound
from ged.org.models import Person, Unit
from ged.ports import MailId
from ged.register.models import Mail
from ged.register.states import MailState
from ged.seconded import DECIDING, Step, step_of
from ged.unit import Actor

SHOWN = 100


@dataclass(frozen=True)
class DisposalRow:
    """A slip of disposal.

    Attributes:
        second_name: who decided; empty: nobody.
        may_decide, is_own: what the reader may do while it waits.
    """

    id: int
    unit_name: str
    reason: str
    count: int
    digest: str
    by_name: str
    asked_at: datetime
    expires_at: datetime
    second_name: str
    decided_at: datetime | None
    step: Step
    may_decide: bool
    is_own: bool


@dataclass(frozen=True)
class LineNow:
    """A letter as it was frozen, and as it is now; ``present`` is None where it may not be eliminated any more, or is not seen."""

    mail_id: int
    number: str
    closed_on: date
    kept_until: date
    final_act: str
    present: Line | None

    @property
    def subject(self) -> str:
        """Of a letter that is there as it was."""
        return self.present.subject if self.present is not None else ""

    @property
    def files(self) -> tuple[str, ...]:
        """The digests of its files."""
        return self.present.files if self.present is not None else ()


@dataclass(frozen=True)
class OpenedDisposal:
    """A slip with its lines. ``is_same``: the letters are what was frozen."""

    row: DisposalRow
    lines: tuple[LineNow, ...]
    is_same: bool


@dataclass(frozen=True)
class Proposal:
    """What a head may propose of a unit."""

    unit_id: int
    unit_name: str
    lines: tuple[Line, ...]
    digest: str


@dataclass(frozen=True)
class Decided:
    """The slip on which the disposal of a letter was decided. ``destroyed`` None: of its paper alone."""

    id: int
    by_name: str
    second_name: str
    decided_at: datetime
    destroyed: Destroyed | None


@dataclass(frozen=True)
class Panel:
    """What a letter's page says of its disposal. ``may_hold``: the reader may hold the letter. ``may_lift``: the reader may lift its hold.

    ``is_late``: its files are still there long after the decision.
    """

    decided: Decided | None
    held: Hold | None
    may_hold: bool
    may_lift: bool
    is_late: bool


def units_of(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """The units that an actor heads by a post of their own, or for another: a slip is proposed for one of them."""
    own = [post.unit_id for post in actor.posts if post.because in DECIDING and post.roles & HEADS]
    rows = session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(sorted(set(own)))).order_by(Unit.id))
    return [(unit_id, name) for unit_id, name in rows]


def proposal(session: Session, unit_id: int, actor: Actor, *, on: date, zone: ZoneInfo) -> Proposal:
    """The letters of a unit that may be eliminated.

    Raises:
        Forbidden: ``disposal.not_head``.
    """
    if unit_id not in actor.units or not sides_of(session, unit_id, actor, on=on):
        raise Forbidden("disposal.not_head", "ask the head of the unit", unit=unit_id)
    lines = tuple(eligible(session, unit_id, actor, on=on, zone=zone))
    return Proposal(unit_id, session.get_one(Unit, unit_id).name, lines, digest_of(unit_id, lines))


def listing(session: Session, actor: Actor, *, now: datetime, on: date) -> tuple[DisposalRow, ...]:
    """The slips of the units that an actor heads: those that wait for the actor first, then the newest."""
    units = sorted(spoken_units(actor.posts, actor))
    rows = [
        _disposal_row(session, *found, actor, now, on)
        for found in session.execute(_slips().where(Disposal.unit_id.in_(units)))
    ]
    return tuple(sorted(rows, key=lambda row: not row.may_decide))


def slip(
    session: Session, disposal_id: int, actor: Actor, *, now: datetime, on: date, zone: ZoneInfo
) -> OpenedDisposal:
    """A slip with its lines, for who heads its unit.

    Raises:
        NotFound: ``disposal.unknown``.
    """
    found = session.execute(_slips().where(Disposal.id == disposal_id)).one_or_none()
    if found is None or not sides_of(session, found[0].unit_id, actor, on=on):
        raise NotFound("disposal.unknown", "open it from the list again", id=disposal_id)
    row = found[0]
    frozen = session.scalars(
        select(DisposalLine)
        .where(DisposalLine.disposal_id == row.id)
        .order_by(DisposalLine.closed_on, DisposalLine.mail_id)
    ).all()
    present = eligible(session, row.unit_id, actor, on=on, zone=zone, only=[one.mail_id for one in frozen])
    is_same = len(present) == row.count and digest_of(row.unit_id, present) == row.content_hash
    seen = {one.mail_id: one for one in present}
    lines = tuple(
        LineNow(one.mail_id, one.number, one.closed_on, one.kept_until, one.final_act, seen.get(one.mail_id))
        for one in frozen
    )
    return OpenedDisposal(_disposal_row(session, *found, actor, now, on), lines, is_same)


def of_letter(session: Session, mail_id: MailId) -> Decided | None:
    """The slip on which the disposal of a letter was decided; None: none. The caller has checked access to the letter.

    Of a slip that was lost by a restore its number is known, and nobody's name.
    """
    if session.get_one(Mail, mail_id).state is not MailState.CLOSED:
        return None
    by, second = aliased(Person), aliased(Person)
    found = session.execute(
        select(Disposal.id, by.name, second.name, Disposal.confirmed_at)
        .join(DisposalLine, DisposalLine.disposal_id == Disposal.id)
        .join(by, by.id == Disposal.asked_by_id)
        .join(second, second.id == Disposal.second_id)
        .where(DisposalLine.mail_id == mail_id, Disposal.confirmed_at.is_not(None))
    ).first()
    gone = destroyed.of_letter(session, mail_id)
    if found is None or found[3] is None:
        return Decided(gone.slip_no, "", "", gone.decided_at, gone) if gone is not None else None
    return Decided(found[0], found[1], found[2], found[3], gone)


def panel(session: Session, mail_id: MailId, actor: Actor, *, now: datetime) -> Panel | None:
    """What a letter's page says of its disposal; None: nothing. The caller has checked access to the letter."""
    mail = session.get_one(Mail, mail_id)
    if mail.state is not MailState.CLOSED:
        return None
    decided = of_letter(session, mail_id)
    is_late = decided is not None and decided.destroyed is not None and decided.destroyed.is_late(now)
    held = holds.of_letter(session, mail_id)
    may_lift = held is not None and holds.may_lift(mail, held.unit_id, actor)
    found = Panel(decided, held, holds.may_hold(mail, actor), may_lift, is_late)
    return found if found.decided or found.held or found.may_hold else None


def _slips() -> Select[Disposal, str, str, str | None]:
    by, second = aliased(Person), aliased(Person)
    return (
        select(Disposal, Unit.name, by.name, second.name)
        .join(Unit, Unit.id == Disposal.unit_id)
        .join(by, by.id == Disposal.asked_by_id)
        .outerjoin(second, second.id == Disposal.second_id)
        .order_by(Disposal.id.desc())
        .limit(SHOWN)
    )


def _disposal_row(
    session: Session, row: Disposal, unit: str, by: str, second: str | None, actor: Actor, now: datetime, on: date
) -> DisposalRow:
    step = step_of(row, now)
    is_waiting = step is Step.WAITING
    return DisposalRow(
        row.id, unit, row.reason, row.count, row.content_hash, by, row.asked_at, row.expires_at, second or "",
        row.confirmed_at or row.refused_at, step,
        is_waiting and second_post(session, row, actor, on=on) is not None,
        is_waiting and row.asked_by_id == int(actor.person_id),
    )  # fmt: skip
