"""The reset of a person's second step: one administrator asks, another person confirms within a day.

Whoever resets a second step and knows the password is that person. So nobody resets their own, and who may confirm is who may
confirm a first access (``ged.administration.seconds``): another administrator who looks after the account, or a head or an
authority above the person. Where there is nobody, the operator does it at the machine.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session, aliased

from ged import locks
from ged.administration.reach import Reach
from ged.administration.seconds import Finder, seconds_of
from ged.entry import factors
from ged.entry.models import FactorReset
from ged.errors import Forbidden, Invalid, NotFound
from ged.notices import finding
from ged.notices.models import FactorStep, Occasion
from ged.org.models import Person
from ged.seconded import Step, is_undecided, step_of, undecided
from ged.unit import SYSTEM, Actor, Role, Services, UnitOfWork

LASTS = timedelta(hours=24)
SHOWN = 100
"""The most rows on the page."""
NAMED = 3


@dataclass(frozen=True)
class ResetRow:
    """A reset as the page shows it.

    Attributes:
        second_name: who decided; empty: nobody.
        may_confirm: whether the reader may decide; second_people: names of some who may.
    """

    id: int
    person_id: int
    name: str
    account: str
    reason: str
    by_name: str
    second_name: str
    state: Step
    asked_at: datetime
    expires_at: datetime
    may_confirm: bool
    second_people: tuple[str, ...]


def ask(uow: UnitOfWork, person_id: int, reason: str, *, actor: Actor) -> None:
    """Ask for the reset of a person's second step. An earlier request that waits lapses. Who can confirm is told.

    Raises:
        NotFound: ``person.unknown``: no such person, or one whom the actor does not look after.
        Forbidden: ``second_step.own_reset``: it is the actor's own.
        Invalid: ``second_step.nothing``: the person has no second step; ``second_step.no_second``: nobody can confirm it.
    """
    reach = Reach(actor, uow.services.installation_accounts)
    mine = reach.opened_by(uow.now.astimezone(uow.services.zone).date())
    if uow.session.scalar(select(Person.id).where(Person.id == person_id, mine)) is None:
        raise NotFound("person.unknown", "open it from the list again", id=person_id)
    if person_id == int(actor.person_id):
        raise Forbidden("second_step.own_reset", "another administrator asks for it")
    person = factors.hold(uow, person_id)
    if not factors.is_armed(uow.session, person.id):
        raise Invalid("second_step.nothing", "nothing to reset")
    able, asked = _seconds(uow, person.id, int(actor.person_id))
    if not able:
        raise Invalid("second_step.no_second", "let the operator do it at the machine", account=person.account)
    for earlier in uow.session.scalars(_open().where(FactorReset.person_id == person.id)).all():
        _lapse(uow, earlier)
    row = FactorReset(
        person_id=person.id, reason=reason[:300], asked_by_id=int(actor.person_id), asked_at=uow.now,
        expires_at=uow.now + LASTS,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    uow.record(
        "second_step.reset_asked", "person", person.id, actor=actor, reset=row.id, reason=row.reason,
        until=row.expires_at.isoformat(), second_people=sorted(able),
    )  # fmt: skip
    _tell(uow, row, FactorStep.ASKED, asked)


def confirm(uow: UnitOfWork, reset_id: int, *, actor: Actor) -> None:
    """Take the person's second step away, as the second person. Their sessions end, and they are told.

    Raises:
        NotFound: ``second_step.reset_unknown``, also where the actor has nothing to do with it.
        Forbidden: ``second_step.not_second``: the actor asked for it, or it is the actor's own.
        Invalid: ``second_step.reset_settled``: it does not wait any more.
    """
    row, person = _held(uow, reset_id, actor)
    row.second_id, row.confirmed_at = int(actor.person_id), uow.now
    factors.take_away(uow, person)
    uow.record("second_step.reset", "person", person.id, actor=actor, reset=row.id, asked_by=row.asked_by_id)


def refuse(uow: UnitOfWork, reset_id: int, *, actor: Actor) -> None:
    """Refuse a reset, as the second person. Who asked, and the person, are told.

    Raises:
        As ``confirm``.
    """
    row, person = _held(uow, reset_id, actor)
    row.second_id, row.refused_at = int(actor.person_id), uow.now
    uow.record("second_step.reset_refused", "person", person.id, actor=actor, reset=row.id, asked_by=row.asked_by_id)
    _tell(uow, row, FactorStep.REFUSED, {row.asked_by_id, person.id})


def lapse_due(uow: UnitOfWork) -> int:
    """Note in the journal the resets on which nobody decided in time. Returns how many."""
    due = uow.session.scalars(_open().where(FactorReset.expires_at <= uow.now)).all()
    noted = 0
    locks.hold(uow.session, Person, {row.person_id for row in due})
    for row in due:
        uow.session.refresh(row)
        if is_undecided(row):
            _lapse(uow, row)
            noted += 1
    return noted


def is_lapse_due(session: Session, *, now: datetime) -> bool:
    """Whether ``lapse_due`` would find something."""
    return session.scalar(_open().where(FactorReset.expires_at <= now).limit(1)) is not None


def _lapse(uow: UnitOfWork, row: FactorReset) -> None:
    row.lapsed_at = uow.now
    uow.record(
        "second_step.reset_lapsed", "person", row.person_id, actor=SYSTEM, reset=row.id, asked_by=row.asked_by_id
    )


def _open() -> Select[FactorReset]:
    return select(FactorReset).where(*undecided(FactorReset)).order_by(FactorReset.id)


def _held(uow: UnitOfWork, reset_id: int, actor: Actor) -> tuple[FactorReset, Person]:
    """A reset that waits for the actor, under the lock of its person: of two who decide, one does."""
    row = uow.session.get(FactorReset, reset_id)
    if row is None:
        raise NotFound("second_step.reset_unknown", "open it from the list again", id=reset_id)
    person = factors.hold(uow, row.person_id)
    uow.session.refresh(row)
    if int(actor.person_id) not in _seconds(uow, row.person_id, row.asked_by_id)[0]:
        if int(actor.person_id) not in (row.person_id, row.asked_by_id):
            raise NotFound("second_step.reset_unknown", "open it from the list again", id=reset_id)
        raise Forbidden("second_step.not_second", "another administrator or a head above decides", id=reset_id)
    if step_of(row, uow.now) is not Step.WAITING:
        raise Invalid("second_step.reset_settled", "look at it again")
    return row, person


def _seconds(uow: UnitOfWork, person_id: int, maker_id: int) -> tuple[frozenset[int], frozenset[int]]:
    """Who may confirm, and who of them is told."""
    found = seconds_of(
        uow.session, person_id, maker_id=maker_id, installation_accounts=uow.services.installation_accounts,
        on=uow.now.astimezone(uow.services.zone).date(),
    )  # fmt: skip
    return found.able, found.asked


def _tell(uow: UnitOfWork, row: FactorReset, step: FactorStep, people: Iterable[int]) -> None:
    key = f"second-step:reset-{row.id}:{step.value}"
    finding.tell(uow, [finding.Found(one, Occasion.SECOND_STEP, key, None, row.person_id) for one in people])


def listing(session: Session, services: Services, actor: Actor, *, now: datetime) -> tuple[ResetRow, ...]:
    """Resets: those that wait for the actor first; of administrators, all of the people whom they look after. The newest first."""
    by, second = aliased(Person), aliased(Person)
    on = now.astimezone(services.zone).date()
    near = _looked_after(services, actor, on)
    may_wait = and_(*undecided(FactorReset), FactorReset.expires_at > now)
    found = session.execute(
        select(FactorReset, Person, by.name, second.name)
        .join(Person, Person.id == FactorReset.person_id)
        .join(by, by.id == FactorReset.asked_by_id)
        .outerjoin(second, second.id == FactorReset.second_id)
        .where(or_(near, may_wait))
        .order_by(FactorReset.id.desc())
        .limit(SHOWN)
    ).all()
    if not found:
        return ()
    ids = {person.id for _row, person, *_ in found}
    mine = frozenset(session.scalars(select(Person.id).where(Person.id.in_(sorted(ids)), near)))
    waiting = {row.id for row, *_ in found if step_of(row, now) is Step.WAITING}
    both = {one for row, *_ in found if row.id in waiting for one in (row.person_id, row.asked_by_id)}
    finder = Finder(session, both, installation_accounts=services.installation_accounts, on=on) if both else None
    able = {row.id: finder.of(row.person_id, row.asked_by_id).able for row, *_ in found if finder and row.id in waiting}
    named = {one for ids in able.values() for one in sorted(ids)[:NAMED]}
    names = dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(named))).all()) if named else {}
    rows = [
        ResetRow(
            row.id, person.id, person.name, person.account, row.reason, by_name, second_name or "", step_of(row, now),
            row.asked_at, row.expires_at, int(actor.person_id) in able.get(row.id, ()),
            tuple(names[one] for one in sorted(able.get(row.id, ()))[:NAMED]),
        )
        for row, person, by_name, second_name in found
        if person.id in mine or int(actor.person_id) in able.get(row.id, ())
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda one: not one.may_confirm))


def _looked_after(services: Services, actor: Actor, on: date) -> ColumnElement[bool]:
    if not actor.has(Role.ADMINISTRATOR):
        return false()
    return Reach(actor, services.installation_accounts).opened_by(on)
