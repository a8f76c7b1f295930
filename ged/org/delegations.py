"""Delegation, interim and signing by order: a post's powers, given to a person between two days by a named legal act.

The holder of a post delegates it. A head above records an interim for a post that is empty or whose holder is declared
absent. The head must name another person than themself, and the holder is notified. An administrator can do neither:
the role must give access to no letter, also not in this way. No stored right to letters changes: rights are derived
from the row while it is in force (``ged.org.actors``).
"""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.org import notices
from ged.org.actors import heading_post, load_actor
from ged.org.models import Absence, Delegation, DelegationKind, Holding, NoticeKind, Person, Post
from ged.org.names import person_names, post_names
from ged.org.tree import of_ministry
from ged.org.turns import one_at_a_time
from ged.ports import PersonId, PostId
from ged.typeset import refuse_unprintable
from ged.unit import Actor, HeldPost, Role, UnitOfWork

MAX_DAYS = 366
MAX_ACT = 200


@dataclass(frozen=True)
class DelegationForm:
    """The powers that are granted.

    Attributes:
        may_sign: False: all powers except signing.
        template_codes: types of letters that the delegation covers; empty: all.
        max_amount_xof: the largest amount at stake, in F CFA; None: any.
    """

    post_id: PostId
    person_id: PersonId
    kind: DelegationKind
    act: str
    from_on: date
    until_on: date
    may_sign: bool = True
    template_codes: tuple[str, ...] = ()
    max_amount_xof: int | None = None


@dataclass(frozen=True)
class DelegationRow:
    """A delegation as the page shows it."""

    id: int
    kind: DelegationKind
    post_title: str
    unit_name: str
    person_name: str
    act: str
    from_on: date
    until_on: date
    may_sign: bool
    template_codes: tuple[str, ...]
    max_amount_xof: int | None
    is_withdrawn: bool
    may_withdraw: bool


def delegate(uow: UnitOfWork, form: DelegationForm, *, actor: Actor) -> int:
    """Give a post's powers to a person.

    Raises:
        Forbidden: ``delegation.forbidden``: not the actor's own post, and no interim recorded by a head above.
        Invalid: ``delegation.person``, ``delegation.act``, ``typeset.glyph``, ``delegation.dates``, ``delegation.itself``,
            ``delegation.amount``; of a head above: ``delegation.oneself``, ``delegation.present``.
    """
    today = uow.now.astimezone(uow.services.zone).date()
    one_at_a_time(uow)
    # The giver may have left the post while this waited for an act of the administration: the rights are read again.
    actor = load_actor(uow.session, actor.person_id, on=today)
    through = _granting_post(uow.session, form.post_id, form.kind, actor)
    wanted = select(Person).where(Person.id == form.person_id, of_ministry(Person.id, actor))
    person = uow.session.scalar(wanted)
    if person is None or not person.is_active:
        raise Invalid("delegation.person", "choose a person of the list", field="person_id")
    if not form.act.strip() or len(form.act) > MAX_ACT:
        raise Invalid("delegation.act", "name the act that grants it", field="act", limit=MAX_ACT)
    refuse_unprintable(form.act, field="act")
    if (field := wrong_day(form.from_on, form.until_on, today=today)) is not None:
        raise Invalid("delegation.dates", "give a period to come, of a year at most", field=field)
    if form.max_amount_xof is not None and form.max_amount_xof <= 0:
        raise Invalid("delegation.amount", "give an amount, or none", field="max_amount_xof")
    if form.person_id in notices.holders(uow.session, [form.post_id], on=form.from_on):
        raise Invalid("delegation.itself", "choose somebody else than the holder", field="person_id")
    of_another = through.post_id != form.post_id
    if of_another:
        _check_interim(uow.session, form, actor)
    row = Delegation(
        kind=form.kind,
        post_id=form.post_id,
        person_id=form.person_id,
        act=form.act.strip(),
        may_sign=form.may_sign,
        template_codes=list(form.template_codes),
        max_amount_xof=form.max_amount_xof,
        from_on=form.from_on,
        until_on=form.until_on,
        granted_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    if of_another:
        _replace_absent(uow, row, today)
        holders = notices.holders(uow.session, [form.post_id], on=today)
        notices.tell(uow, NoticeKind.INTERIM, row.id, people=holders, actor=actor)
    uow.record(
        "delegation.granted", "delegation", row.id, actor=actor, post=through, kind=form.kind.value,
        of_post=int(form.post_id), to_person=int(form.person_id), act=row.act, may_sign=form.may_sign,
        from_on=form.from_on.isoformat(), until_on=form.until_on.isoformat(),
        templates=list(form.template_codes), max_amount_xof=form.max_amount_xof,
    )  # fmt: skip
    return row.id


def wrong_day(from_on: date, until_on: date, *, today: date) -> str | None:
    """The day of a period (``from_on``, ``until_on``) that is wrong: it is over, of more than a year, or begins long ago; None: neither."""
    if from_on < today - timedelta(days=MAX_DAYS):
        return "from_on"
    is_wrong = until_on < from_on or until_on < today or (until_on - from_on).days > MAX_DAYS
    return "until_on" if is_wrong else None


def _check_interim(session: Session, form: DelegationForm, actor: Actor) -> None:
    """Check an interim: a head above must not give themself a post's powers, nor bypass a holder who is present."""
    if form.person_id == actor.person_id:
        raise Invalid("delegation.oneself", "let the holder, or another head, name you", field="person_id")
    present = _first_day_with_holder(session, form)
    if present is not None:
        raise Invalid(
            "delegation.present", "declare the holder's absence first", field="from_on", day=present.isoformat()
        )


def _replace_absent(uow: UnitOfWork, interim: Delegation, today: date) -> None:
    """Set this interim as the replacement of absences that have none, if it covers their days."""
    held = sorted(notices.holders(uow.session, [interim.post_id], on=interim.from_on))
    bare = select(Absence.id).where(
        Absence.person_id.in_(held),
        Absence.ended_at.is_(None),
        Absence.delegation_id.is_(None),
        Absence.until_on >= today,
        Absence.from_on >= interim.from_on,
        Absence.until_on <= interim.until_on,
    )
    for absence in locks.hold(uow.session, Absence, uow.session.scalars(bare).all()):
        absence.delegation_id = interim.id


def _first_day_with_holder(session: Session, form: DelegationForm) -> date | None:
    """The first day of the interim on which somebody holds the post and is not declared absent."""
    held = session.scalars(
        select(Holding).where(
            Holding.post_id == form.post_id,
            Holding.from_on <= form.until_on,
            or_(Holding.until_on.is_(None), Holding.until_on >= form.from_on),
        )
    ).all()
    away = session.scalars(
        select(Absence).where(
            Absence.person_id.in_(sorted({row.person_id for row in held})),
            Absence.ended_at.is_(None),
            Absence.from_on <= form.until_on,
            Absence.until_on >= form.from_on,
        )
    ).all()
    for number in range((form.until_on - form.from_on).days + 1):
        day = form.from_on + timedelta(days=number)
        holders = {
            row.person_id for row in held if row.from_on <= day and (row.until_on is None or day <= row.until_on)
        }
        if holders - {row.person_id for row in away if row.from_on <= day <= row.until_on}:
            return day
    return None


def withdraw(uow: UnitOfWork, delegation_id: int, *, actor: Actor) -> DelegationKind:
    """End a delegation at once. Returns its kind.

    Raises:
        NotFound: ``delegation.unknown``.
        Forbidden: ``delegation.forbidden``.
        InvalidTransition: ``delegation.withdrawn``.
    """
    row = locks.hold_one(uow.session, Delegation, delegation_id)
    if row is None:
        raise NotFound("delegation.unknown", "reload the list", id=delegation_id)
    through = _granting_post(uow.session, PostId(row.post_id), row.kind, actor)
    if row.withdrawn_at is not None:
        raise InvalidTransition("delegation.withdrawn", "it ended already", id=delegation_id)
    row.withdrawn_at = uow.now
    uow.record("delegation.withdrawn", "delegation", row.id, actor=actor, post=through)
    return row.kind


def _granting_post(session: Session, post_id: PostId, kind: DelegationKind, actor: Actor) -> HeldPost:
    held = actor.holds(post_id)
    # Received powers cannot be passed on: only the holder's own post counts.
    if held is not None and held.because == "holder":
        return held
    post = session.get(Post, post_id)
    above = heading_post(post.unit_id, actor) if post is not None and kind is DelegationKind.INTERIM else None
    if above is not None and above.because == "holder" and above.post_id != post_id:
        return above
    raise Forbidden(
        "delegation.forbidden", "only the holder delegates; a head above records an interim", id=int(post_id)
    )


def is_near(actor: Actor) -> ColumnElement[bool]:
    """Delegations, with their posts, that the actor gave, received or may end."""
    return or_(
        Delegation.post_id.in_(_held(actor)),
        Delegation.person_id == actor.person_id,
        Post.unit_id.in_(headed_itself(actor)),
    )


def _held(actor: Actor) -> list[PostId]:
    return [post.post_id for post in actor.posts if post.because == "holder"]


def listing(session: Session, actor: Actor, *, on: date) -> list[DelegationRow]:
    """Delegations that the actor gave, received or may end, in force or to come."""
    own = _held(actor)
    query = (
        select(Delegation, Post, Person.name)
        .join(Post, Post.id == Delegation.post_id)
        .join(Person, Person.id == Delegation.person_id)
        .where(Delegation.until_on >= on)
        .where(is_near(actor))
        .order_by(Delegation.withdrawn_at.is_not(None), Delegation.from_on, Delegation.id)
    )
    return [
        DelegationRow(
            id=d.id,
            kind=d.kind,
            post_title=post.title,
            unit_name=post.unit.name,
            person_name=name,
            act=d.act,
            from_on=d.from_on,
            until_on=d.until_on,
            may_sign=d.may_sign,
            template_codes=tuple(d.template_codes),
            max_amount_xof=d.max_amount_xof,
            is_withdrawn=d.withdrawn_at is not None,
            may_withdraw=d.withdrawn_at is None
            and (d.post_id in own or (d.kind is DelegationKind.INTERIM and post.unit_id in headed_itself(actor))),
        )
        for d, post, name in session.execute(query).unique()
    ]


def ended(session: Session, actor: Actor, *, since: date, on: date) -> list[tuple[DelegationKind, str, date]]:
    """Powers that the actor had received and has no more: kind, title of the post, the last day; the newest first."""
    rows = session.execute(
        select(Delegation, Post.title)
        .join(Post, Post.id == Delegation.post_id)
        .where(Delegation.person_id == actor.person_id, Delegation.from_on <= on, Delegation.until_on >= since)
        .where(or_(Delegation.withdrawn_at.is_not(None), Delegation.until_on < on))
        .order_by(Delegation.id.desc())
    )
    found: dict[int, tuple[DelegationKind, str, date]] = {}
    for row, title in rows:
        day = min(row.until_on, row.withdrawn_at.date()) if row.withdrawn_at else row.until_on
        if day >= since and actor.holds(PostId(row.post_id)) is None:
            found.setdefault(row.post_id, (row.kind, title, day))
    return list(found.values())


def not_in_force(session: Session, post_id: int, person_id: int, *, on: date) -> Delegation | None:
    """The last delegation of a post's signature to a person that is over, withdrawn, or not yet begun on a day."""
    return session.scalar(
        select(Delegation)
        .where(Delegation.post_id == post_id, Delegation.person_id == person_id, Delegation.may_sign)
        .where(or_(Delegation.until_on < on, Delegation.from_on > on, Delegation.withdrawn_at.is_not(None)))
        .order_by(Delegation.until_on.desc(), Delegation.id.desc())
        .limit(1)
    )


def headed_itself(actor: Actor) -> frozenset[int]:
    """Units that the actor heads by their own post."""
    heads = any(p.because == "holder" and p.roles & {Role.HEAD, Role.AUTHORITY} for p in actor.posts)
    return frozenset(actor.headed_unit_ids) if heads else frozenset()


def post_choices(session: Session, actor: Actor, *, on: date) -> list[tuple[int, str]]:
    """Posts that the actor may delegate: their own, then those of the units they head (interim)."""
    own = [p.post_id for p in actor.posts if p.because == "holder"]
    query = select(Post.id).where(or_(Post.id.in_(own), Post.unit_id.in_(headed_itself(actor))))
    ids = session.scalars(query.order_by(Post.unit_id, Post.id)).all()
    names = post_names(session, ids, on=on)
    return sorted(((post_id, names[post_id].text) for post_id in ids), key=lambda choice: choice[0] not in own)


def person_choices(session: Session, actor: Actor, *, on: date) -> list[tuple[int, str]]:
    """People of the actor's ministry with an open account, by name, each with a post that they hold."""
    return list(person_names(session, actor, on=on).items())
