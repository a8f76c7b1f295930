"""Registers as rows: open registers, their clerks, and the continuation of a paper book."""

from datetime import date

from sqlalchemy.orm import Session

from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, NumberTaken
from ged.ports import RegisterId
from ged.register.counters import counter_of, year_of
from ged.register.models import MailNumber, Register, RegisterNature
from ged.unit import Actor, HeldPost, Role, UnitOfWork


def open_register(session: Session, register_id: RegisterId | int) -> Register:
    """The register, if it is open for numbers.

    Raises:
        NotFound: ``register.unknown``.
        InvalidTransition: ``register.closed``.
    """
    register = session.get(Register, register_id)
    if register is None:
        raise NotFound("register.unknown", "choose a register of the list", id=register_id)
    if register.closed_at is not None:
        raise InvalidTransition("register.closed", "choose an open register", register=register.code)
    return register


def nature_of(session: Session, register_id: RegisterId | int) -> RegisterNature:
    """What a register numbers.

    Raises:
        NoResultFound: there is no such register.
    """
    return session.get_one(Register, register_id).nature


def clerk_post(session: Session, register_id: RegisterId | int, actor: Actor) -> HeldPost:
    """The post through which the actor may keep this register.

    Raises:
        Forbidden: ``register.not_clerk``.
    """
    register = open_register(session, register_id)
    for post in actor.posts:
        if Role.CLERK in post.roles and post.unit_id == register.unit_id:
            return post
    raise Forbidden("register.not_clerk", "ask the mail office that keeps this register", register=register.code)


def open_at(uow: UnitOfWork, register_id: RegisterId, *, last_number: int, on: date, reason: str, actor: Actor) -> None:
    """Continue a paper book: the next number is ``last_number`` + 1 (the opening entry records this for ever).

    Args:
        on: today; a register that restarts each year goes on from the book in this year.

    Raises:
        NumberTaken: ``register.started``: the register has already given numbers.
        Invalid: ``register.opening_reason``, ``register.opening_number``.
    """
    post = clerk_post(uow.session, register_id, actor)
    if not reason.strip():
        raise Invalid("register.opening_reason", "name the paper book that is continued", field="reason")
    if last_number < 0:
        raise Invalid("register.opening_number", "give the last number of the paper book", field="last_number")
    register = open_register(uow.session, register_id)
    year = year_of(register, on)
    counter = counter_of(uow.session, register.id, year)
    if counter.last_on is not None or counter.last_sequence:
        raise NumberTaken(
            "register.started", "a register opens at a number only before its first one", register=register.code
        )
    counter.opening_sequence = counter.last_sequence = last_number
    counter.opening_reason = reason.strip()
    uow.record(
        "register.opened",
        "register",
        register.id,
        actor=actor,
        post=post,
        last_number=last_number,
        reason=reason,
        year=year,
    )


def number_of(session: Session, number_id: int) -> MailNumber:
    """A number by its id.

    Raises:
        NotFound: ``number.unknown``.
    """
    number = session.get(MailNumber, number_id)
    if number is None:
        raise NotFound("number.unknown", "check the number", id=number_id)
    return number
