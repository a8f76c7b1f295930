"""A register goes on after a restore: the last number on paper is said, and the numbers up to it are void as lost."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import select, update

from ged import locks
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.org.models import Person
from ged.ports import MailId
from ged.register import clock
from ged.register.allocation import entity_code
from ged.register.counters import counter_of, is_by_year, open_day
from ged.register.models import MailNumber, Register, RegisterCounter
from ged.register.numbering import MAX_SEQUENCE, format_number
from ged.register.operations import mail_for
from ged.register.registers import clerk_post, number_of
from ged.resuming.models import RegisterHold
from ged.resuming.queries import lost_clause
from ged.unit import Actor, UnitOfWork

RESUMED = "register.resumed"
RETAKEN = "number.retaken"
FAR = 500
"""More lost numbers than these are perhaps mistyped: the clerk says so once more."""
TOO_FAR = 20_000
"""No register gives so many numbers between two copies."""


@dataclass(frozen=True)
class Released:
    """A register that gives numbers again.

    Attributes:
        first, last: the lost numbers' sequences, both included; ``last`` < ``first``: none is lost.
        is_repeated: it was said before, alike.
    """

    register: str
    year: int
    first: int
    last: int
    is_repeated: bool = False

    @property
    def lost(self) -> int:
        """How many numbers are lost."""
        return self.last - self.first + 1


def release(
    uow: UnitOfWork, hold_id: int, *, last_sequence: int | None, confirmed: bool = False, actor: Actor
) -> Released:
    """Say the last number that the paper bears, and let the register give numbers again. Said twice alike, it counts once.

    Args:
        last_sequence: None: no number was given since the copy.
        confirmed: the clerk has looked again at a number that is ``FAR`` from the restored one.

    Raises:
        NotFound: ``hold.unknown``.
        Forbidden: ``register.not_clerk``.
        Invalid: ``hold.below``, ``hold.far`` (until confirmed), ``hold.too_far``, at ``last_number``.
        InvalidTransition: ``hold.released``: somebody has said another number; ``register.closed``, ``clock.ahead``,
            ``clock.jump``.
    """
    session = uow.session
    hold = session.get(RegisterHold, hold_id)
    if hold is None:
        raise NotFound("hold.unknown", "choose a register of the list", id=hold_id)
    register = session.get_one(Register, hold.register_id)
    post = clerk_post(session, register.id, actor)
    # Before the counter: it may read the tree of units, and others wait for that lock.
    entity = entity_code(session, register.unit, actor.units)
    # The counter's lock decides between two clerks: the second one sees what the first one said.
    locks.take_turn(session, RegisterCounter, (register.id, hold.year))
    counter = locks.hold_one(session, RegisterCounter, (register.id, hold.year))
    stands = counter.last_sequence if counter is not None else 0
    # Under the lock: it was read before another clerk may have answered.
    session.refresh(hold)
    stated = stands if last_sequence is None else last_sequence
    if hold.released_at is not None:
        return _said_before(uow, hold, register, last_sequence)
    _check(stated, stands, register, confirmed)
    hold.released_at, hold.released_by_id = uow.now, actor.person_id or None
    hold.from_sequence, hold.told_sequence = stands, stated
    session.flush()  # from here on the database takes numbers of this register
    if stated > stands:
        counter = counter or counter_of(session, register.id, hold.year)
        _lose(uow, hold, register, counter, stated, entity, actor, post.post_id)
    uow.record(
        RESUMED, "register", register.id, actor=actor, post=post, register=register.code, year=hold.year, sequence=stated,
        lost=stated - stands, copied_at=hold.copied_at.isoformat(), restored_at=hold.restored_at.isoformat(),
    )  # fmt: skip
    return Released(register.name, hold.year, stands + 1, stated)


def release_unused(uow: UnitOfWork, hold_ids: Collection[int], *, actor: Actor) -> list[Released]:
    """Say of several registers that none has given a number since the copy: all of them go on, or none does.

    Raises:
        Invalid: ``hold.none_chosen``.
        As ``release``.
    """
    if not hold_ids:
        raise Invalid("hold.none_chosen", "tick at least one", field="hold")
    # Their counters are locked in this order, as ``hold_registers`` locks them.
    of_ids = select(RegisterHold.id).where(RegisterHold.id.in_(sorted(set(hold_ids))))
    found = uow.session.scalars(of_ids.order_by(RegisterHold.register_id, RegisterHold.year)).all()
    if len(found) != len(set(hold_ids)):
        raise NotFound("hold.unknown", "choose registers of the list")
    return [release(uow, one, last_sequence=None, actor=actor) for one in found]


def _said_before(uow: UnitOfWork, hold: RegisterHold, register: Register, last_sequence: int | None) -> Released:
    first, last = hold.from_sequence or 0, hold.told_sequence or 0
    if last != (first if last_sequence is None else last_sequence):
        by = uow.session.get(Person, hold.released_by_id) if hold.released_by_id else None
        raise InvalidTransition(
            "hold.released", "look at the register", register=register.name, last=last, by=by.name if by else "",
        )  # fmt: skip
    return Released(register.name, hold.year, first + 1, last, is_repeated=True)


def _check(stated: int, stands: int, register: Register, confirmed: bool) -> None:
    if stated < stands:
        raise Invalid("hold.below", "type a higher one, or none", field="last_number", stands=stands)
    if stated - stands > TOO_FAR or stated > MAX_SEQUENCE:
        raise Invalid("hold.too_far", "correct the number", field="last_number", stands=stands, most=TOO_FAR)
    if stated - stands > FAR and not confirmed:
        raise Invalid(
            "hold.far", "look again at the paper, then confirm", field="last_number", stands=stands, told=stated, lost=stated - stands,
            register=register.name,
        )  # fmt: skip


def _lose(
    uow: UnitOfWork, hold: RegisterHold, register: Register, counter: RegisterCounter, stated: int, entity: str,
    actor: Actor, post_id: int,
) -> None:  # fmt: skip
    """Give the numbers up to ``stated``, each void from its first moment. One statement, and not a line of the journal for each."""
    on = _day(uow, hold, register, counter.last_on)
    clock.check(uow, on, counter.last_on)
    zone = uow.services.zone
    at = max(uow.now, datetime.combine(on, time(), tzinfo=zone).astimezone(UTC))
    reason = reason_of(hold.copied_at.astimezone(zone), hold.restored_at.astimezone(zone))
    first = counter.last_sequence + 1
    counter.last_sequence, counter.last_on = stated, on
    uow.session.flush()
    uow.session.add_all(
        MailNumber(
            register=register, year=hold.year, sequence=sequence, registered_at=at, registered_on=on,
            text=format_number(
                register.pattern, sequence=sequence, on=on, entity=entity, unit=register.unit.code, register=register.code
            ),
            person_id=actor.person_id or None, post_id=post_id, voided_at=at, void_reason=reason,
        )
        for sequence in range(first, stated + 1)
    )  # fmt: skip
    uow.session.flush()


def _day(uow: UnitOfWork, hold: RegisterHold, register: Register, last_on: date | None) -> date:
    """The day of lost numbers: today, as that of every number; in a year that is over, its last day, which is still open."""
    on = max(open_day(uow, register.id), last_on or date.min)
    return date(hold.year, 12, 31) if is_by_year(register) and on.year > hold.year else on


def reason_of(copied_at: datetime, restored_at: datetime) -> str:
    """Why a number is void, as the register shows and prints it: its record is in French, as every reason is.

    Args:
        copied_at, restored_at: in the installation's zone.
    """
    return (
        f"Perdu entre la copie du {copied_at:%d/%m/%Y à %H:%M} et la remise en service du {restored_at:%d/%m/%Y à %H:%M} ; "
        "à ressaisir depuis le papier"
    )


def retake(uow: UnitOfWork, number_id: int, mail_id: MailId | int, *, actor: Actor) -> None:
    """Join a letter that was entered again to the lost number on its paper. The number stays void: a void is never taken back,
    and a closing may list it. So the letter is found by both numbers.

    Raises:
        NotFound: ``number.unknown``.
        Forbidden: ``register.not_clerk``.
        Invalid: ``number.not_again``: the letter was not entered again in the lost number's register.
        InvalidTransition: ``number.not_lost``: the number is none of the lost ones, or a letter was joined to it already.
    """
    number = number_of(uow.session, number_id)
    post = clerk_post(uow.session, number.register_id, actor)
    mail_for(uow, mail_id, actor=actor)
    again = select(MailNumber.id).where(
        MailNumber.mail_id == int(mail_id), MailNumber.register_id == number.register_id, MailNumber.id > number.id,
        MailNumber.voided_at.is_(None),
    )  # fmt: skip
    if uow.session.scalar(again.limit(1)) is None:
        raise Invalid("number.not_again", "enter the letter again first", field="number", register=number.register.name)
    free = MailNumber.mail_id.is_(None), lost_clause()
    # Of two clerks with one paper, the second finds it taken: PostgreSQL looks again at the row that it waited for.
    joined = uow.session.execute(
        update(MailNumber)
        .where(MailNumber.id == number.id, *free)
        .values(mail_id=int(mail_id))
        .returning(MailNumber.id)
        .execution_options(synchronize_session=False)
    ).first()
    if joined is None:
        raise InvalidTransition("number.not_lost", "look at the register", number=number.text)
    # The statement went past the session.
    uow.session.expire(number, ["mail_id"])
    uow.reindex(int(mail_id))
    uow.record(RETAKEN, "mail", int(mail_id), actor=actor, post=post, lost_number=number.text, number_id=number.id)
