"""Numbers as people type them: the one way from a text to the numbers, letters and envelopes that bear it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import Invalid
from ged.ports import MailId
from ged.register.models import Mail, MailNumber, Register
from ged.register.numbering import number_key
from ged.unit import Actor


@dataclass(frozen=True)
class Bearer:
    """A letter that bears a number which was typed."""

    mail_id: MailId
    number: str
    register: str
    registered_on: date
    is_voided: bool


def typed(text: str) -> ColumnElement[bool]:
    """Numbers whose text is this one, however it is written (``number_key``); found by an index."""
    key = number_key(text)
    if not key:
        return false()
    # A number given by the previous release, while both run, has no key yet: it is found as it is printed.
    return or_(MailNumber.text_key == key, and_(MailNumber.text_key == "", MailNumber.text == text.strip()))


def bearers(session: Session, text: str, actor: Actor | None) -> list[Bearer]:
    """Letters that bear a number as typed, the newest first; one whose number is void only when no other bears it.

    Args:
        actor: sees only its own; None on the command line, where everything may be read.
    """
    query = (
        select(Mail.id, MailNumber.text, Register.name, MailNumber.registered_on, MailNumber.voided_at)
        .join(MailNumber, MailNumber.mail_id == Mail.id)
        .join(Register, Register.id == MailNumber.register_id)
        .where(typed(text))
        .order_by(Mail.id.desc(), MailNumber.id)
    )
    if actor is not None:
        query = query.where(access.visible_clause(Mail.id, Mail.level, actor.principals))
    found: dict[tuple[int, bool], Bearer] = {}
    for mail_id, number, register, on, voided_at in session.execute(query):
        is_voided = voided_at is not None
        found.setdefault((mail_id, is_voided), Bearer(MailId(mail_id), number, register, on, is_voided))
    return [one for one in found.values() if not one.is_voided] or list(found.values())


def letter_by_number(session: Session, text: str, actor: Actor, *, field: str, chosen: int | None = None) -> MailId:
    """The letter that bears a valid number as typed, when the actor may see it.

    Args:
        chosen: the letter that a person chose among several of this number.

    Raises:
        Invalid: ``number.none_visible``; ``number.several``: its ``choices`` are (letter, words) pairs to choose from.
    """
    valid = [one for one in bearers(session, text, actor) if not one.is_voided]
    if not valid:
        raise Invalid("number.none_visible", "check the number", field=field, number=text)
    return choose(valid, text, field=field, chosen=chosen)


def choose(found: Sequence[Bearer], text: str, *, field: str, chosen: int | None = None) -> MailId:
    """The only letter of these, or the one chosen.

    Raises:
        Invalid: ``number.several``, as ``letter_by_number``.
    """
    picked = [one for one in found if one.mail_id == chosen] if len(found) > 1 else found
    if len(picked) == 1:
        return picked[0].mail_id
    choices = tuple((one.mail_id, words(one)) for one in found)
    raise Invalid("number.several", "choose one of the letters", field=field, number=text, choices=choices)


def words(one: Bearer) -> str:
    """What tells a letter from another of the same number, without its content."""
    return f"{one.number} · {one.register} · {one.registered_on:%d/%m/%Y}"
