"""A slip of disposal: proposed by a head, confirmed by a second one who read the very list."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.disposal import destroying
from ged.disposal.destroying import NOT_ASKED, Looked
from ged.disposal.lists import Line, digest_of, eligible
from ged.disposal.models import Disposal, DisposalLine
from ged.errors import Forbidden, Invalid, NotFound
from ged.natures.models import FinalAct
from ged.notices import finding
from ged.notices.models import ASKED, Occasion
from ged.org import people, tree
from ged.org.actors import load_actor
from ged.org.models import Post, PostRole
from ged.register.models import Mail
from ged.seconded import DECIDING, Step, are_two, humans, is_undecided, step_of, undecided
from ged.unit import SYSTEM, Actor, HeldPost, Role, Services, UnitOfWork

LASTS = timedelta(days=15)
"""How long a slip waits: to read a list takes longer than to answer a question."""
MAX_REASON = 300
SETTLED = ":settled"
HEADS = frozenset({Role.HEAD, Role.AUTHORITY})


def spoken_units(posts: Iterable[HeldPost], actor: Actor) -> frozenset[int]:
    """The units for whose letters these posts speak: as their head, as a head above them, as an authority of their entity."""
    deciding = [post for post in posts if post.because in DECIDING and post.roles & HEADS]
    entities = {tree.entity_of(post.unit_id, actor.units) for post in deciding if Role.AUTHORITY in post.roles}
    near = {unit for unit in actor.units if tree.entity_of(unit, actor.units) in entities} if entities else set()
    return frozenset(near) | tree.headed([post.unit_id for post in deciding], actor.units)


def sides_of(session: Session, unit_id: int, actor: Actor, *, on: date) -> tuple[tuple[HeldPost, frozenset[int]], ...]:
    """The posts by which an actor speaks for a unit's letters, with the humans behind each; own posts first."""
    return tuple(
        (post, humans(session, actor, post, on=on)) for post in actor.posts if unit_id in spoken_units([post], actor)
    )


def look_to_propose(services: Services, unit_id: int, *, actor: Actor, now: datetime) -> Looked:
    """What the store says of the files that a proposal would destroy: it is asked before ``propose`` begins.

    Raises:
        Forbidden: ``disposal.not_head``.
    """
    on = now.astimezone(services.zone).date()
    with services.reading() as session:
        _sides(session, unit_id, actor, on)
        doomed = _to_destroy(eligible(session, unit_id, actor, on=on, zone=services.zone))
    return destroying.look(services, doomed)


def propose(
    uow: UnitOfWork, unit_id: int, *, reason: str, shown: str, actor: Actor, looked: Looked = NOT_ASKED
) -> Disposal:
    """Freeze the list of letters of a unit that may be eliminated, and propose it.

    Args:
        shown: the digest of the list that the actor saw.
        looked: as ``look_to_propose`` returned it.

    Raises:
        Forbidden: ``disposal.not_head``.
        Invalid: ``disposal.reason``, ``disposal.empty``, ``disposal.changed``: the list is not the one that was shown; as
            ``destroying.require_possible``.
    """
    on = _today(uow)
    sides = _sides(uow.session, unit_id, actor, on)
    if not reason.strip() or len(reason) > MAX_REASON:
        raise Invalid("disposal.reason", "name the rule, or the visa", field="reason")
    seen = eligible(uow.session, unit_id, actor, on=on, zone=uow.services.zone)
    # Before the locks: the store is asked, which may be a bucket behind a network.
    destroying.require_possible(uow, _to_destroy(seen), looked)
    locks.hold(uow.session, Mail, [one.mail_id for one in seen])
    # Read once more under the locks: a letter may have been reopened or held meanwhile.
    lines = eligible(uow.session, unit_id, actor, on=on, zone=uow.services.zone)
    if not lines:
        raise Invalid("disposal.empty", "nothing to do")
    digest = digest_of(unit_id, lines)
    if digest != shown or digest != digest_of(unit_id, seen):
        raise Invalid("disposal.changed", "read the list again")
    row = Disposal(
        unit_id=unit_id, reason=reason.strip(), count=len(lines), content_hash=digest, behind=sorted(sides[0][1]),
        asked_by_id=int(actor.person_id), asked_at=uow.now, expires_at=uow.now + LASTS,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    uow.session.add_all(
        DisposalLine(
            disposal_id=row.id,
            mail_id=one.mail_id,
            number=one.number,
            closed_on=one.closed_on,
            kept_until=one.kept_until,
            final_act=one.final_act,
        )
        for one in lines
    )
    uow.record(
        "disposal.proposed", "disposal", row.id, actor=actor, post=sides[0][0], unit=unit_id, count=row.count,
        content_hash=digest, reason=row.reason,
    )  # fmt: skip
    _tell(uow, row, _able(uow.session, row, on=on), ASKED)
    return row


def look_to_confirm(services: Services, disposal_id: int, *, actor: Actor, now: datetime) -> Looked:
    """What the store says of the files that a slip would destroy: it is asked before ``confirm`` begins.

    Raises:
        NotFound: ``disposal.unknown``.
    """
    with services.reading() as session:
        row = _spoken_for(session, disposal_id, actor, on=now.astimezone(services.zone).date())
        doomed = _doomed(session, disposal_id) if step_of(row, now) is Step.WAITING else ()
    return destroying.look(services, doomed)


def confirm(uow: UnitOfWork, disposal_id: int, *, shown: str, actor: Actor, looked: Looked = NOT_ASKED) -> None:
    """Decide the disposal, as the second person. The journal names both, and each letter says so.

    From the commit on, the files of letters whose final act is their destruction are opened by nobody; a job destroys them.

    Args:
        shown: the digest of the list that the actor read.
        looked: as ``look_to_confirm`` returned it.

    Raises:
        NotFound: ``disposal.unknown``.
        Forbidden: ``disposal.not_head``; ``disposal.not_second``: a human of the proposal stands behind the actor too.
        Invalid: ``disposal.settled``: it waits no more; ``disposal.first_lost``: who proposed it heads the unit no more;
            ``disposal.changed``: a letter of the list is not as it was, or the actor does not see it; as
            ``destroying.require_possible``.
    """
    _spoken_for(
        uow.session, disposal_id, actor, on=_today(uow)
    )  # before the files are asked for: that is not for everybody
    destroying.require_possible(uow, _doomed(uow.session, disposal_id), looked)
    row, post = _held(uow, disposal_id, actor)
    lines = current(uow.session, row, actor, on=_today(uow), zone=uow.services.zone)
    if len(lines) != row.count or digest_of(row.unit_id, lines) != row.content_hash or shown != row.content_hash:
        raise Invalid("disposal.changed", "refuse it, and let the list be proposed anew")
    row.second_id, row.confirmed_at = int(actor.person_id), uow.now
    uow.record(
        "disposal.confirmed", "disposal", row.id, actor=actor, post=post, asked_by=row.asked_by_id, count=row.count,
        content_hash=row.content_hash,
    )  # fmt: skip
    destroying.decide(uow, _doomed(uow.session, row.id), slip_no=row.id)
    for one in sorted(lines, key=lambda line: line.mail_id):
        uow.record(
            "mail.disposal_decided",
            "mail",
            one.mail_id,
            actor=actor,
            post=post,
            disposal=row.id,
            asked_by=row.asked_by_id,
            **({"final_act": one.final_act} if one.final_act else {}),
        )
    _tell(uow, row, {row.asked_by_id}, SETTLED)


def _to_destroy(lines: Iterable[Line]) -> list[int]:
    return [one.mail_id for one in lines if one.final_act == FinalAct.DESTROY]


def _doomed(session: Session, disposal_id: int) -> Sequence[int]:
    """The letters of a slip whose files are destroyed by it."""
    lines = select(DisposalLine.mail_id).where(DisposalLine.disposal_id == disposal_id)
    return session.scalars(lines.where(DisposalLine.final_act == FinalAct.DESTROY)).all()


def refuse(uow: UnitOfWork, disposal_id: int, *, actor: Actor) -> None:
    """Refuse a slip, as the second person; who proposed it takes it back by this act.

    Raises:
        As ``confirm``.
    """
    own = uow.session.get(Disposal, disposal_id)
    if own is not None and own.asked_by_id == int(actor.person_id):
        # Who proposed it is no second person, and needs no post to take it back.
        row, post = _waiting(uow, disposal_id), None
        action = "disposal.withdrawn"
    else:
        row, post = _held(uow, disposal_id, actor)
        action = "disposal.refused"
    row.second_id, row.refused_at = int(actor.person_id), uow.now
    uow.record(action, "disposal", row.id, actor=actor, post=post, asked_by=row.asked_by_id)
    _tell(uow, row, {row.asked_by_id} - {int(actor.person_id)}, SETTLED)


def lapse_due(uow: UnitOfWork) -> int:
    """Note in the journal the slips on which nobody decided in time. Returns how many."""
    due = select(Disposal.id).where(*undecided(Disposal), Disposal.expires_at <= uow.now).order_by(Disposal.id)
    done = 0
    for row in locks.hold(uow.session, Disposal, uow.session.scalars(due).all()):
        if is_undecided(row):
            row.lapsed_at = uow.now
            uow.record("disposal.lapsed", "disposal", row.id, actor=SYSTEM, asked_by=row.asked_by_id)
            _tell(uow, row, {row.asked_by_id}, SETTLED)
            done += 1
    return done


def current(session: Session, row: Disposal, actor: Actor, *, on: date, zone: ZoneInfo) -> list[Line]:
    """The letters of a slip as they are now, those that may still be eliminated and that the actor sees."""
    ids = session.scalars(select(DisposalLine.mail_id).where(DisposalLine.disposal_id == row.id)).all()
    return eligible(session, row.unit_id, actor, on=on, zone=zone, only=ids)


def second_post(session: Session, row: Disposal, actor: Actor, *, on: date) -> HeldPost | None:
    """The post by which an actor may decide on a slip as the second person; None: by none."""
    behind: Iterable[int] = row.behind
    return next(
        (post for post, side in sides_of(session, row.unit_id, actor, on=on) if are_two(frozenset(behind), side)), None
    )


def _able(session: Session, row: Disposal, *, on: date) -> set[int]:
    """Who may confirm a slip as the second person."""
    units = tree.all_units(session)
    entity = tree.entity_of(row.unit_id, units)
    near = [unit for unit in units if tree.entity_of(unit, units) == entity]
    heads = select(PostRole.post_id).join(Post, Post.id == PostRole.post_id)
    heads = heads.where(Post.unit_id.in_(sorted(near)), PostRole.role.in_(sorted(HEADS)))
    acting = people.of_posts(session, session.scalars(heads).all(), on=on)
    return {one for one in acting if second_post(session, row, load_actor(session, one, on=on), on=on) is not None}


def _tell(uow: UnitOfWork, row: Disposal, persons: Iterable[int], step: str) -> None:
    """A slip is about no one letter: who is told sees on its page what the own rights show."""
    key = f"disposal:{row.id}{step}"
    finding.tell(uow, [finding.Found(one, Occasion.DISPOSAL, key, None, row.id) for one in persons])


def _today(uow: UnitOfWork) -> date:
    return uow.now.astimezone(uow.services.zone).date()


def _sides(session: Session, unit_id: int, actor: Actor, on: date) -> tuple[tuple[HeldPost, frozenset[int]], ...]:
    sides = sides_of(session, unit_id, actor, on=on) if unit_id in actor.units else ()
    if not sides:
        raise Forbidden("disposal.not_head", "ask the head of the unit", unit=unit_id)
    return sides


def _waiting(uow: UnitOfWork, disposal_id: int) -> Disposal:
    """A slip that waits, under its lock and those of its letters."""
    ids = uow.session.scalars(select(DisposalLine.mail_id).where(DisposalLine.disposal_id == disposal_id)).all()
    locks.hold(uow.session, Mail, ids)
    row = locks.hold_one(uow.session, Disposal, disposal_id)
    if row is None:
        raise NotFound("disposal.unknown", "open it from the list again", id=disposal_id)
    if step_of(row, uow.now) is not Step.WAITING:
        raise Invalid("disposal.settled", "look at it again")
    return row


def _spoken_for(session: Session, disposal_id: int, actor: Actor, *, on: date) -> Disposal:
    """A slip for whose unit an actor speaks."""
    known = session.get(Disposal, disposal_id)
    if known is None or not sides_of(session, known.unit_id, actor, on=on):
        raise NotFound("disposal.unknown", "open it from the list again", id=disposal_id)
    return known


def _held(uow: UnitOfWork, disposal_id: int, actor: Actor) -> tuple[Disposal, HeldPost]:
    on = _today(uow)
    _spoken_for(uow.session, disposal_id, actor, on=on)
    row = _waiting(uow, disposal_id)
    post = second_post(uow.session, row, actor, on=on)
    if post is None:
        raise Forbidden("disposal.not_second", "another head confirms it", id=row.id)
    try:
        first = load_actor(uow.session, row.asked_by_id, on=on)
    except NotFound:
        raise Invalid("disposal.first_lost", "let it be proposed anew") from None
    if not any(set(row.behind) == side for _post, side in sides_of(uow.session, row.unit_id, first, on=on)):
        raise Invalid("disposal.first_lost", "let it be proposed anew")
    return row, post
