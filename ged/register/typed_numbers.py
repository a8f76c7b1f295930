"""Lookup of typed numbers: the only way from a text to its numbers, letters and envelopes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from ged import access
from ged.codes import CodeKind, read_code
from ged.errors import Invalid
from ged.ports import MailId
from ged.register.models import Mail, MailNumber, Register, RegisterNature
from ged.register.numbering import number_key
from ged.unit import Actor

_SHORT = re.compile(r"(\d{1,7})(?:\s?[/-]\s?(\d{4}))?")
"""A count (it is at most ``numbering.MAX_SEQUENCE``), and a year."""
MAX_TYPED = 300
"""In characters. A longer text is no number, and is not read as one: a number has 64 at most, and people type signs and blanks into it."""


def may_be_one(text: str) -> bool:
    """Whether a typed text may be a number: it has a digit, and is not too long."""
    return len(text) <= MAX_TYPED and any(char.isdigit() for char in text)


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
    found = _bearers(session, actor, typed(text), with_void=True)
    return [one for one in found if not one.is_voided] or found


def _bearers(
    session: Session, actor: Actor | None, which: ColumnElement[bool], *, with_void: bool = False
) -> list[Bearer]:
    query = (
        select(Mail.id, MailNumber.text, Register.name, MailNumber.registered_on, MailNumber.voided_at)
        .join(MailNumber, MailNumber.mail_id == Mail.id)
        .join(Register, Register.id == MailNumber.register_id)
        .where(which)
        .order_by(Mail.id.desc(), MailNumber.id)
    )
    if not with_void:
        query = query.where(MailNumber.voided_at.is_(None))
    if actor is not None:
        query = query.where(access.visible_clause(Mail.id, Mail.level, actor.principals))
    found: dict[tuple[int, bool], Bearer] = {}
    for mail_id, number, register, on, voided_at in session.execute(query):
        is_voided = voided_at is not None
        found.setdefault((mail_id, is_voided), Bearer(MailId(mail_id), number, register, on, is_voided))
    return list(found.values())


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


def letter_by_short_number(
    session: Session, text: str, actor: Actor, *, year: int, code_key: bytes, field: str, chosen: int | None = None
) -> MailId:
    """As ``letter_by_number``, also for the code of a label, for a count of this year (4, 00004), and for a count with its year
    (4/2026). A count is looked for in the registers of the actor's units, then in those of others; an arrival comes first.

    Args:
        code_key: the key of the installation's codes (``ged.codes``).

    Raises:
        Invalid: as ``letter_by_number``.
    """
    typed_text = text.strip()
    code = read_code(typed_text, key=code_key)
    if code is not None and code.kind is CodeKind.LABEL:
        found = _bearers(session, actor, MailNumber.id == code.subject_id)
    elif (short := _SHORT.fullmatch(typed_text)) and not (short[2] and bearers(session, text, actor)):
        years = (int(short[2]),) if short[2] else (0, year)  # a register that counts on has no year
        of_year = (MailNumber.sequence == int(short[1])) & MailNumber.year.in_(years)
        mine = of_year & Register.unit_id.in_(actor.unit_ids)
        arrivals = Register.nature == RegisterNature.ARRIVAL
        places = (mine & arrivals, mine, of_year & arrivals, of_year)
        found = next(filter(None, (_bearers(session, actor, place) for place in places)), [])
    else:
        found = []
    return (
        choose(found, text, field=field, chosen=chosen)
        if found
        else letter_by_number(session, text, actor, field=field, chosen=chosen)
    )


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
