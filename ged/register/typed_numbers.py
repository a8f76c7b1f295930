"""Lookup of typed numbers: the only way from a text to its numbers, letters and envelopes."""

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
    """A letter with a typed number."""

    mail_id: MailId
    number: str
    register: str
    registered_on: date
    is_voided: bool


def typed(text: str) -> ColumnElement[bool]:
    """Numbers that equal this text in any spelling (``number_key``); uses an index."""
    key = number_key(text)
    if not key:
        return false()
    # A number given by the previous release during an upgrade has no key yet: it is found by its printed text.
    return or_(MailNumber.text_key == key, and_(MailNumber.text_key == "", MailNumber.text == text.strip()))


def bearers(session: Session, text: str, actor: Actor | None) -> list[Bearer]:
    """Letters with a typed number, the newest first. Letters with a void number only if no other matches.

    Args:
        actor: only letters that the actor may see; None on the command line, where all letters may be read.
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
    """The letter with a valid typed number, if the actor may see it.

    Args:
        chosen: the letter that a person chose among several with this number.

    Raises:
        Invalid: ``number.none_visible``; ``number.several``: its ``choices`` are (letter, words) pairs to choose from.
    """
    valid = [one for one in bearers(session, text, actor) if not one.is_voided]
    if not valid:
        raise Invalid("number.none_visible", "check the number", field=field, number=text)
    return choose(valid, text, field=field, chosen=chosen)


def choose(found: Sequence[Bearer], text: str, *, field: str, chosen: int | None = None) -> MailId:
    """The only letter among these, or the chosen one.

    Raises:
        Invalid: ``number.several``, as ``letter_by_number``.
    """
    picked = [one for one in found if one.mail_id == chosen] if len(found) > 1 else found
    if len(picked) == 1:
        return picked[0].mail_id
    choices = tuple((one.mail_id, words(one)) for one in found)
    raise Invalid("number.several", "choose one of the letters", field=field, number=text, choices=choices)


def words(one: Bearer) -> str:
    """A text that distinguishes letters with the same number, without their content."""
    return f"{one.number} · {one.register} · {one.registered_on:%d/%m/%Y}"
