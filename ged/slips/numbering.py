"""The letters of a received slip get the numbers of the receiving unit's own register, all in one act."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import InvalidTransition
from ged.ports import RegisterId, SlipId
from ged.register import operations
from ged.register.models import Mail, MailNumber, Register, RegisterNature
from ged.register.queries import clerk_unit_ids
from ged.register.states import MailState
from ged.slips import parties
from ged.slips.models import Slip, SlipLine
from ged.slips.states import ACCEPTED, SlipState
from ged.unit import Actor, UnitOfWork


@dataclass(frozen=True)
class OwnNumbers:
    """Registers of arrivals that the actor keeps, and how many letters of the slip have no number in each."""

    register_id: RegisterId
    register_name: str
    waiting: int


def offered(session: Session, slip_id: SlipId | int, actor: Actor) -> list[OwnNumbers]:
    """The registers in which letters of a received slip still get a number; empty before the reception.

    Raises:
        NotFound: ``slip.unknown``.
    """
    slip = parties.require(session, int(slip_id), actor)
    if not _is_received_here(session, slip, actor):
        return []
    letters = _letters(session, slip.id, actor)
    registers = session.execute(
        select(Register.id, Register.name)
        .where(Register.unit_id.in_(clerk_unit_ids(actor)), Register.closed_at.is_(None))
        .where(Register.nature == RegisterNature.ARRIVAL)
        .order_by(Register.id)
    ).all()
    numbered = {
        (register_id, mail_id)
        for register_id, mail_id in session.execute(
            select(MailNumber.register_id, MailNumber.mail_id).where(
                MailNumber.mail_id.in_(letters), MailNumber.voided_at.is_(None)
            )
        )
    }
    found = [
        OwnNumbers(RegisterId(register_id), name, sum((register_id, mail_id) not in numbered for mail_id in letters))
        for register_id, name in registers
    ]
    return [one for one in found if one.waiting]


def number_received(
    uow: UnitOfWork, slip_id: SlipId | int, register_id: RegisterId | int, *, actor: Actor
) -> list[MailNumber]:
    """Number the received letters of a slip in a register of the receiver, in the order of their ids. Letters that have
    a number there keep it, so that a second call changes nothing.

    Raises:
        NotFound: ``slip.unknown``, ``register.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``slip.not_received``: not yet, or not by a unit of the actor.
    """
    slip = parties.require(uow.session, int(slip_id), actor)
    if not _is_received_here(uow.session, slip, actor):
        raise InvalidTransition("slip.not_received", "receive the slip first", id=slip.id)
    return operations.take_numbers(uow, _letters(uow.session, slip.id, actor), register_id, actor=actor)


def _is_received_here(session: Session, slip: Slip, actor: Actor) -> bool:
    working = {post.unit_id for post in actor.working_posts}
    return slip.state is SlipState.RECEIVED and parties.current_unit(session, slip.receiver_unit_id) in working


def _letters(session: Session, slip_id: int, actor: Actor) -> list[int]:
    """The accepted letters that the actor may see."""
    rows = session.scalars(
        select(SlipLine.mail_id)
        .join(Mail, Mail.id == SlipLine.mail_id)
        .where(SlipLine.slip_id == slip_id, SlipLine.state.in_(ACCEPTED), Mail.state != MailState.VOIDED)
        .where(access.visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(SlipLine.mail_id)
    )
    return sorted({mail_id for mail_id in rows if mail_id is not None})
