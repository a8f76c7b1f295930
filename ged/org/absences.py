"""Absences: who is away between two days, and who replaces them - by an existing delegation or interim, or nobody.

An absence moves no letters: they stay with the post, so nothing is lost when the absence ends. The replacement acts
through the delegation while it is in force, and sees what reaches the absent post. For a person who cannot declare the
absence, an administrator or a head above does (``ged.org.absence_rights``); the person is notified
(``absence_notices``).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.org import absence_notices
from ged.org.absence_rights import speaking_post
from ged.org.models import Absence, Delegation, DelegationKind, Holding, Person, Post, held_on
from ged.org.tree import of_ministry
from ged.ports import PersonId
from ged.unit import Actor, HeldPost, Role, UnitOfWork

MAX_DAYS = 366
SENT_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class AbsenceForm:
    """The declaration of an absence.

    Attributes:
        delegation_id: delegation of a post of the absent person, through which somebody replaces; None: nobody.
        person_id: who is away; None: the actor.
    """

    from_on: date
    until_on: date
    delegation_id: int | None = None
    person_id: PersonId | None = None


@dataclass(frozen=True)
class AbsenceRow:
    """An absence as lists show it.

    Attributes:
        replacement: empty when nobody replaces (any more).
        declared_by: another person who declared it; empty: the absent person.
        may_end: the actor may end the absence.
    """

    id: int
    person: str
    from_on: date
    until_on: date
    replacement: str
    kind: DelegationKind | None
    act: str
    is_mine: bool
    replaced_by_me: bool
    declared_by: str = ""
    may_end: bool = False


@dataclass(frozen=True)
class Away:
    """Why a post is not attended: its holder is away, until when, and who acts for the post meanwhile."""

    post_id: int
    post: str
    person: str
    until_on: date
    replacements: tuple[str, ...]


# --- declaring ----------------------------------------------------------------------------------------------------


def declare(uow: UnitOfWork, form: AbsenceForm, *, actor: Actor) -> int:
    """Declare the actor's absence, or another person's, who is then notified. Returns the absence's id.

    Raises:
        Forbidden: ``absence.not_for_them``.
        NotFound: ``person.unknown``.
        Invalid: ``absence.dates``, ``absence.overlap``; ``absence.replacement``: not a delegation of the person's post;
            ``absence.not_covered``: the delegation is not in force on every day of the absence.
    """
    today = uow.now.astimezone(uow.services.zone).date()
    person_id = actor.person_id if form.person_id is None else form.person_id
    through = speaking_post(uow.session, person_id, actor, on=today)
    # The lock serialises concurrent declarations: the second sees the first, so no period is declared twice.
    locks.hold(uow.session, Person, [person_id])
    if form.until_on < max(form.from_on, today) or (form.until_on - form.from_on).days > MAX_DAYS:
        raise Invalid("absence.dates", "give a period to come, of a year at most", field="until_on")
    others = _standing().where(Absence.person_id == person_id)
    meeting = uow.session.scalar(
        others.where(Absence.from_on <= form.until_on, Absence.until_on >= form.from_on).limit(1)
    )
    if meeting is not None and _is_sent_again(meeting, form, uow.now):
        return meeting.id
    if meeting is not None:
        raise Invalid("absence.overlap", "end the other one first", field="from_on")
    if form.delegation_id is not None:
        _check_replacement(uow.session, form, person_id, today)
    row = Absence(
        person_id=person_id,
        from_on=form.from_on,
        until_on=form.until_on,
        delegation_id=form.delegation_id,
        declared_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    uow.record(
        "absence.declared" if through is None else absence_notices.DECLARED, "absence", row.id, actor=actor,
        post=through, from_on=form.from_on.isoformat(), until_on=form.until_on.isoformat(),
        delegation=form.delegation_id, **_of(through, person_id),
    )  # fmt: skip
    return row.id


def _is_sent_again(absence: Absence, form: AbsenceForm, now: datetime) -> bool:
    """Whether the form is a double click: it made this absence a moment ago."""
    same = (absence.from_on, absence.until_on, absence.delegation_id) == (
        form.from_on,
        form.until_on,
        form.delegation_id,
    )
    return same and now - absence.declared_at < SENT_AGAIN


def _of(through: HeldPost | None, person_id: int) -> dict[str, int]:
    """The journal's extra field for another person's absence: whose absence it is."""
    return {} if through is None else {"of_person": int(person_id)}


def _check_replacement(session: Session, form: AbsenceForm, person_id: int, today: date) -> None:
    given = session.get(Delegation, form.delegation_id)
    if given is None or given.post_id not in _own_posts(session, person_id, today) or given.withdrawn_at is not None:
        raise Invalid("absence.replacement", "choose a delegation of the list", field="delegation_id")
    if given.from_on > form.from_on or given.until_on < form.until_on:
        raise Invalid("absence.not_covered", "have it last as long as the absence", field="delegation_id")


def _own_posts(session: Session, person_id: int, on: date) -> set[int]:
    return set(session.scalars(select(Holding.post_id).where(Holding.person_id == person_id, *held_on(on))))


def end(uow: UnitOfWork, absence_id: int, *, actor: Actor) -> None:
    """End an absence early, or cancel it. For another person: rights as in ``declare``.

    Raises:
        NotFound: ``absence.unknown``, ``person.unknown``.
        Forbidden: ``absence.not_for_them``.
        InvalidTransition: ``absence.ended``.
    """
    row = locks.hold_one(uow.session, Absence, absence_id)
    if row is None:
        raise NotFound("absence.unknown", "reload the list", id=absence_id)
    today = uow.now.astimezone(uow.services.zone).date()
    through = speaking_post(uow.session, row.person_id, actor, on=today)
    if row.ended_at is not None:
        raise InvalidTransition("absence.ended", "it ended already", id=absence_id)
    row.ended_at = uow.now
    action = "absence.ended" if through is None else absence_notices.ENDED
    uow.record(action, "absence", row.id, actor=actor, post=through, **_of(through, row.person_id))


def _standing() -> Select[Absence]:
    return select(Absence).where(Absence.ended_at.is_(None))


# --- reading ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Replacement:
    """A delegation through which a person may replace the absent."""

    id: int
    person: str
    kind: DelegationKind
    act: str
    from_on: date
    until_on: date


def replacement_choices(session: Session, person_id: PersonId | int, *, on: date) -> list[Replacement]:
    """The delegations (not yet over) of the posts that a person holds, to choose the replacement."""
    own = sorted(_own_posts(session, person_id, on))
    rows = session.execute(
        select(Delegation, Person.name)
        .join(Person, Person.id == Delegation.person_id)
        .where(Delegation.post_id.in_(own), Delegation.until_on >= on, Delegation.withdrawn_at.is_(None))
        .order_by(Delegation.from_on, Delegation.id)
    )
    return [Replacement(d.id, name, d.kind, d.act, d.from_on, d.until_on) for d, name in rows]


def listing(session: Session, actor: Actor, *, on: date, others: Collection[int] = frozenset()) -> list[AbsenceRow]:
    """Present and future absences: the actor's, of people whom the actor replaces, and of the actor's units.

    ``others``: people whose absences the actor may end; their absences are listed too.
    """
    units = sorted(actor.unit_ids | actor.headed_unit_ids)
    beside = (
        select(Holding.person_id).join(Post, Post.id == Holding.post_id).where(Post.unit_id.in_(units), *held_on(on))
    )
    mine = select(Delegation.id).where(Delegation.person_id == actor.person_id)
    concerned = or_(
        Absence.person_id == actor.person_id, Absence.person_id.in_(beside), Absence.delegation_id.in_(mine)
    )
    if others:
        # An administrator may end all absences of the ministry: the query needs no list of people.
        concerned = (
            or_(concerned, of_ministry(Absence.person_id, actor, Role.ADMINISTRATOR))
            if actor.has(Role.ADMINISTRATOR)
            else or_(concerned, Absence.person_id.in_(sorted(others)))
        )
    query = _standing().where(Absence.until_on >= on).where(concerned)
    replaced = (Delegation.id == Absence.delegation_id) & Delegation.withdrawn_at.is_(None)
    rows = session.execute(
        query.outerjoin(Delegation, replaced)
        .outerjoin(Person, Person.id == Delegation.person_id)
        .add_columns(Delegation, Person.name)
        .order_by(Absence.from_on, Absence.id)
    ).all()
    if not rows:
        return []
    names = _names(session, [row.person_id for row, _, _ in rows])
    by = absence_notices.declared_by(session, [row.id for row, _, _ in rows])
    return [
        _absence_row(
            row,
            given,
            names.get(row.person_id, ""),
            replacement or "",
            by.get(row.id, ""),
            actor,
            may_end=row.person_id in others,
        )
        for row, given, replacement in rows
    ]


def _absence_row(
    row: Absence,
    given: Delegation | None,
    person: str,
    replacement: str,
    declared_by: str,
    actor: Actor,
    *,
    may_end: bool,
) -> AbsenceRow:
    return AbsenceRow(
        id=row.id,
        person=person,
        from_on=row.from_on,
        until_on=row.until_on,
        replacement=replacement,
        kind=given.kind if given is not None else None,
        act=given.act if given is not None else "",
        is_mine=row.person_id == actor.person_id,
        replaced_by_me=given is not None and given.person_id == actor.person_id,
        declared_by=declared_by,
        may_end=may_end or row.person_id == actor.person_id,
    )


def away(session: Session, post_ids: Iterable[int], *, on: date) -> dict[int, Away]:
    """The posts among these whose holders are all away on a day."""
    held = session.execute(
        select(Holding.post_id, Holding.person_id, Post.title, Person.name)
        .join(Post, Post.id == Holding.post_id)
        .join(Person, Person.id == Holding.person_id)
        .where(Holding.post_id.in_(sorted(set(post_ids))), *held_on(on))
        .order_by(Holding.id)
    ).all()
    absent = {row.person_id: row.until_on for row in _absent(session, {row.person_id for row in held}, on)}
    if not absent:
        return {}
    present = {row.post_id for row in held if row.person_id not in absent}
    gone = {row.post_id: row for row in reversed(held) if row.post_id not in present}
    acting = _acting(session, list(gone), on)
    return {
        post_id: Away(post_id, row.title, row.name, absent[row.person_id], tuple(acting.get(post_id, ())))
        for post_id, row in gone.items()
    }


def _absent(session: Session, person_ids: Collection[int], on: date) -> list[Absence]:
    query = _standing().where(Absence.person_id.in_(sorted(person_ids)))
    return list(session.scalars(query.where(Absence.from_on <= on, Absence.until_on >= on)))


def away_in(session: Session, unit_ids: Iterable[int], *, on: date) -> dict[int, tuple[Away, ...]]:
    """By unit, its posts whose holders are away on a day."""
    unit_ids = sorted(set(unit_ids))
    if not unit_ids:
        return {}
    units = dict(session.execute(select(Post.id, Post.unit_id).where(Post.unit_id.in_(unit_ids))).all())
    found: dict[int, tuple[Away, ...]] = {}
    for post_id, one in away(session, units, on=on).items():
        found[units[post_id]] = (*found.get(units[post_id], ()), one)
    return found


def _acting(session: Session, post_ids: list[int], on: date) -> dict[int, list[str]]:
    """Who acts for posts on a day: the declared replacement, and all others with a delegation or an interim."""
    rows = session.execute(
        select(Delegation.post_id, Person.name)
        .join(Person, Person.id == Delegation.person_id)
        .where(Delegation.post_id.in_(post_ids), Delegation.withdrawn_at.is_(None))
        .where(Delegation.from_on <= on, Delegation.until_on >= on, Person.is_active)
        .order_by(Delegation.id)
    )
    found: dict[int, list[str]] = {}
    for post_id, name in rows:
        if name not in found.setdefault(post_id, []):
            found[post_id].append(name)
    return found


def _names(session: Session, person_ids: list[int]) -> dict[int, str]:
    return dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(person_ids))).all())
