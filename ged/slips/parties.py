"""Who may send, receive and see a slip, and which register numbers it."""

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ged import access, locks
from ged.access import Because
from ged.db import ByOtherIndex
from ged.errors import Forbidden, Invalid, NotFound
from ged.org.models import Unit
from ged.org.tree import entities, heirs, heirs_among, upwards, with_predecessors
from ged.org.words import CAPACITIES
from ged.ports import RegisterId, UnitId, unit_principal
from ged.register.models import Register, RegisterNature
from ged.slips.models import Slip, SlipLine
from ged.slips.states import SlipState
from ged.unit import Actor, HeldPost, UnitOfWork


def units_seen(actor: Actor) -> frozenset[UnitId]:
    """Units whose slips the actor may see: units of the actor's posts, headed units, and closed units they succeed."""
    return frozenset(UnitId(int(p[1:])) for p in actor.principals.ordinary if p.startswith("u"))


def visible_clause(actor: Actor, *, is_narrowed: bool = False) -> ColumnElement[bool]:
    """Who sees a slip: the rule as an SQL clause.

    Args:
        is_narrowed: other conditions leave few slips. SQLite would find slips by the units, and read those of all years.
    """
    units = sorted(units_seen(actor))
    ends = (Slip.sender_unit_id, Slip.receiver_unit_id)
    return or_(*((ByOtherIndex(one) if is_narrowed else one).in_(units) for one in ends))


def sees(slip: Slip, actor: Actor) -> bool:
    """Whether the actor sees the slip: the rule as a check."""
    ends = {unit_principal(slip.sender_unit_id), unit_principal(slip.receiver_unit_id)}
    return not ends.isdisjoint(actor.principals.ordinary)


def require(session: Session, slip_id: int, actor: Actor) -> Slip:
    """A slip that the actor may see.

    Raises:
        NotFound: ``slip.unknown``; with ``refused`` when the slip exists, so that the refusal is recorded.
    """
    slip = session.get(Slip, slip_id)
    if slip is None:
        raise NotFound("slip.unknown", "check the number", id=int(slip_id))
    if not sees(slip, actor):
        raise NotFound("slip.unknown", "check the number", id=int(slip_id), refused=True)
    return slip


def locked(uow: UnitOfWork, slip_id: int, actor: Actor) -> Slip:
    """As ``require``, and lock the slip for a change.

    Raises:
        NotFound: ``slip.unknown``.
    """
    require(uow.session, slip_id, actor)
    return locks.hold_known(uow.session, Slip, slip_id)


def sending_post(actor: Actor, post_id: int | None) -> HeldPost:
    """The post through which the actor sends; the first post when ``post_id`` is None.

    Raises:
        Forbidden: ``slip.not_sender``.
    """
    for post in actor.working_posts:
        if post_id in (None, post.post_id):
            return post
    raise Forbidden("slip.not_sender", "send through a post that you hold", post=post_id)


def sending_post_of(slip: Slip, actor: Actor) -> HeldPost:
    """The post of the sender's unit through which the actor handles a slip sent.

    Raises:
        Forbidden: ``slip.not_sender``.
    """
    posts = [p for p in actor.working_posts if p.unit_id == slip.sender_unit_id]
    if not posts:
        raise Forbidden("slip.not_sender", "ask the unit that sent it", id=slip.id)
    return next((p for p in posts if p.post_id == slip.sender_post_id), posts[0])


def receiving_post(session: Session, slip: Slip, actor: Actor) -> HeldPost:
    """The post of the receiving unit (or of its successor) through which the actor receives.

    Raises:
        Forbidden: ``slip.not_receiver``.
    """
    unit_id = current_unit(session, slip.receiver_unit_id)
    for post in actor.working_posts:
        if post.unit_id == unit_id:
            return post
    raise Forbidden("slip.not_receiver", "a post of the receiving unit receives it", id=slip.id)


def holds(session: Session, unit_id: int, post: HeldPost) -> bool:
    """Whether what lies in a unit is in the hands of a post's unit: the same, or the one that took over its work."""
    return unit_id == post.unit_id or current_unit(session, unit_id) == post.unit_id


def units_held(actor: Actor) -> frozenset[UnitId]:
    """The units whose work is that of one of the actor's posts: their own, without a closed one, and those that they took over."""
    own = {post.unit_id for post in actor.working_posts}
    found = with_predecessors(own, actor.units)
    return frozenset(UnitId(one) for one in found if heirs_among(one, actor.units)[-1] in own)


def current_unit(session: Session, unit_id: int) -> UnitId:
    """The unit itself; when it is closed, its successor."""
    return UnitId(heirs(session, unit_id)[-1])


def capacity_of(post: HeldPost) -> str:
    """The capacity in which an actor uses a post, as printed on the slip; empty for its holder."""
    said = CAPACITIES.get(post.because, "")
    return f"{said} ({post.act})" if said and post.act else said


def slip_register(session: Session, unit_id: int) -> RegisterId:
    """The register that numbers a unit's slips: the unit's own, a unit's above, or the entity's mail office's.

    Raises:
        Invalid: ``slip.no_register``.
    """
    open_ones = list(
        session.scalars(
            select(Register)
            .where(Register.nature == RegisterNature.SLIP, Register.closed_at.is_(None))
            .order_by(Register.id)
        )
    )
    by_unit = {register.unit_id: register for register in reversed(open_ones)}
    unit = session.get_one(Unit, unit_id)
    for above in upwards(session, unit.id):
        if above.id in by_unit:
            return RegisterId(by_unit[above.id].id)
        if above.is_entity:
            break
    of = entities(session)
    for register in open_ones:
        if of[register.unit_id] == of[unit.id]:
            return RegisterId(register.id)
    raise Invalid("slip.no_register", "an administrator has to open a register of slips", unit=unit.code)


def withdraw_access(uow: UnitOfWork, slip: Slip, line: SlipLine) -> None:
    """Withdraw the receiving unit's right to a letter that this slip gave, unless another slip gave it too."""
    if line.mail_id is None:
        return
    other = uow.session.scalar(
        select(Slip.id)
        .join(SlipLine, SlipLine.slip_id == Slip.id)
        .where(SlipLine.mail_id == line.mail_id, Slip.id != slip.id, Slip.receiver_unit_id == slip.receiver_unit_id)
        # Not ISSUING: a slip that is not signed yet gave nothing.
        .where(Slip.state.in_((SlipState.SENT, SlipState.RECEIVING, SlipState.RECEIVED)))
        .limit(1)
    )
    if other is None:
        access.revoke(uow, line.mail_id, unit_principal(slip.receiver_unit_id), Because.SLIP)
