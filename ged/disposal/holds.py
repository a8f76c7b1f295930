"""A letter that a head keeps off every slip of disposal ("gel"): while a lawsuit, an inquiry or an audit may ask for it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged import destroyed
from ged.disposal.models import LetterHold
from ged.disposal.operations import MAX_REASON, spoken_units
from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.org import tree
from ged.org.models import Person, Unit
from ged.ports import MailId
from ged.register.models import Mail
from ged.register.operations import mail_to_change
from ged.unit import Actor, UnitOfWork


@dataclass(frozen=True)
class Hold:
    """An open hold of a letter.

    Attributes:
        unit_id: the highest unit that its holder spoke for; None: not known.
        unit_name: its name; empty: not known.
    """

    reason: str
    by_name: str
    held_at: datetime
    unit_id: int | None
    unit_name: str


def may_hold(mail: Mail, actor: Actor) -> bool:
    """Whether an actor speaks for the disposal of a letter: as the head of its unit, or above."""
    return _unit_of(mail) in spoken_units(actor.posts, actor)


def may_lift(mail: Mail, unit_id: int | None, actor: Actor) -> bool:
    """Whether an actor may lift a hold: who speaks for the letter, and for the unit in whose name it is held.

    So the head of a service cannot lift a hold of the directorate or of the ministry, which may stand for a court's order. A unit may have
    come into another entity since, or be one: nobody speaks for the letter and for what was above it then. The top of its entity lifts the hold.
    """
    spoken = spoken_units(actor.posts, actor)
    if _unit_of(mail) not in spoken or unit_id is None or unit_id in spoken:
        return _unit_of(mail) in spoken
    above = _above(mail, actor)
    return above[-1] in spoken and set(above).isdisjoint(tree.heirs_among(unit_id, actor.units))


def _unit_of(mail: Mail) -> int:
    return mail.responsible_unit_id or mail.unit_id


def _above(mail: Mail, actor: Actor) -> list[int]:
    """The unit of a letter and those above it, within its entity; the nearest first."""
    found = tree.ids_upwards(_unit_of(mail), actor.units)
    return found[: found.index(tree.entity_of(_unit_of(mail), actor.units)) + 1]


def _highest(mail: Mail, actor: Actor) -> int | None:
    """The highest unit above a letter, within its entity, that an actor speaks for."""
    spoken = spoken_units(actor.posts, actor)
    return next((one for one in reversed(_above(mail, actor)) if one in spoken), None)


def of_letter(session: Session, mail_id: int) -> Hold | None:
    """The open hold of a letter; None: none. The caller has checked access to the letter."""
    found = session.execute(
        select(
            LetterHold.reason, Person.name, LetterHold.held_at, LetterHold.held_unit_id, func.coalesce(Unit.name, "")
        )
        .join(Person, Person.id == LetterHold.held_by_id)
        .outerjoin(Unit, Unit.id == LetterHold.held_unit_id)
        .where(LetterHold.mail_id == mail_id, LetterHold.lifted_at.is_(None))
    ).first()
    return Hold(*found) if found is not None else None


def hold(uow: UnitOfWork, mail_id: MailId, *, reason: str, actor: Actor) -> None:
    """Keep a letter off slips of disposal. A slip that waits with it can no longer be confirmed.

    Raises:
        NotFound: ``mail.unknown``; Forbidden: ``disposal.not_head``.
        Invalid: ``hold.reason``.
        InvalidTransition: ``hold.standing``, ``mail.destroyed``.
    """
    mail = _letter(uow, mail_id, actor)
    if not reason.strip() or len(reason) > MAX_REASON:
        raise Invalid("hold.reason", "say why", field="reason")
    destroyed.require_there(uow.session, int(mail_id))
    if _open(uow, mail_id) is not None:
        raise InvalidTransition("hold.standing", "look at the letter again", id=int(mail_id))
    uow.session.add(
        LetterHold(
            mail_id=mail_id,
            reason=reason.strip(),
            held_by_id=int(actor.person_id),
            held_at=uow.now,
            held_unit_id=_highest(mail, actor),
        )
    )
    uow.record("mail.held", "mail", int(mail_id), actor=actor, reason=reason.strip())


def lift(uow: UnitOfWork, mail_id: MailId, *, actor: Actor) -> None:
    """Let a letter be on slips of disposal again.

    Raises:
        NotFound: ``mail.unknown``; Forbidden: ``disposal.not_head``; ``hold.above``: it is held in the name of a unit above.
        InvalidTransition: ``hold.none``.
    """
    mail = _letter(uow, mail_id, actor)
    row = _open(uow, mail_id)
    if row is None:
        raise InvalidTransition("hold.none", "look at the letter again", id=int(mail_id))
    if not may_lift(mail, row.held_unit_id, actor):
        raise Forbidden("hold.above", "ask who holds it, or their unit", unit=row.held_unit_id)
    row.lifted_by_id, row.lifted_at = int(actor.person_id), uow.now
    uow.record("mail.hold_lifted", "mail", int(mail_id), actor=actor, reason=row.reason)


def _letter(uow: UnitOfWork, mail_id: MailId, actor: Actor) -> Mail:
    mail = mail_to_change(uow, mail_id, actor=actor)
    _require_head(mail, actor)
    return mail


def require_head(session: Session, mail_id: MailId, actor: Actor) -> None:
    """Refuse who does not speak for the disposal of a letter. The caller has checked access to the letter.

    Raises:
        Forbidden: ``disposal.not_head``.
    """
    _require_head(session.get_one(Mail, int(mail_id)), actor)


def _require_head(mail: Mail, actor: Actor) -> None:
    if not may_hold(mail, actor):
        raise Forbidden("disposal.not_head", "ask the head of the unit", unit=_unit_of(mail))


def _open(uow: UnitOfWork, mail_id: MailId) -> LetterHold | None:
    """The open hold. The letter's lock keeps others out."""
    return uow.session.scalar(select(LetterHold).where(LetterHold.mail_id == mail_id, LetterHold.lifted_at.is_(None)))
