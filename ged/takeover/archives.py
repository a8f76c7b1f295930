"""The registers of earlier archives: who takes letters and scans into them, and from when on."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import schema
from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.register import registers
from ged.register.models import Register, RegisterNature
from ged.unit import Actor, Role

OPENED_BY = "0191"
"""The contraction that opens the jobs of take-overs: a program of the release before cannot read them."""


def targets(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """The registers of earlier archives that the actor keeps: id and name."""
    units = {post.unit_id for post in actor.posts if Role.CLERK in post.roles}
    rows = session.execute(
        select(Register.id, Register.name)
        .where(Register.nature == RegisterNature.ARCHIVE, Register.closed_at.is_(None), Register.unit_id.in_(units))
        .order_by(Register.name, Register.id)
    )
    return [(register_id, name) for register_id, name in rows]


def require_target(session: Session, register_id: int, actor: Actor) -> None:
    """Refuse a register into which the actor may not take over.

    Raises:
        Forbidden: ``register.not_clerk``; InvalidTransition: ``register.closed``; Invalid: ``takeover.not_archive``.
    """
    registers.clerk_post(session, register_id, actor)
    if registers.nature_of(session, register_id) is not RegisterNature.ARCHIVE:
        raise Invalid("takeover.not_archive", "choose a register of earlier archives", field="register_id")


def keeps(session: Session, register_id: int, actor: Actor) -> bool:
    """Whether the actor still keeps a register, and it is open."""
    try:
        registers.clerk_post(session, register_id, actor)
    except (Forbidden, InvalidTransition):
        return False
    return True


def require_opened(session: Session) -> None:
    """Refuse to ask for a job that a program of the release before cannot read.

    Raises:
        Invalid: ``upgrade.not_finished``.
    """
    schema.require_opened(session, OPENED_BY)
