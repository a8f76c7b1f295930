"""Queries for the clerk's form: registers, letters to link, and earlier registrations of the same letter."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rapidfuzz import fuzz
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import NotFound
from ged.org.models import Post, PostRole, Unit
from ged.org.names import post_names
from ged.org.tree import ministry, same_entity
from ged.ports import Confidentiality, MailId
from ged.register.correspondents import fold
from ged.register.models import Correspondent, Direction, Mail, MailNumber, Register, RegisterNature
from ged.register.operations import IncomingForm, bears
from ged.register.queries import clerk_unit_ids
from ged.register.states import MailState
from ged.unit import Actor, Role

NEAR_DAYS = timedelta(days=15)
"""A letter that was registered twice came twice in these days; the report of each month is another letter."""
NEAR_SUBJECT = 92
"""Likeness of two subjects, 0 to 100 (rapidfuzz): misread or mistyped words, not other words."""
COMPARED = 50
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class DuplicateRow:
    """A letter of the same sender with the same reference. Without the right to see it, ``mail_id`` is None."""

    mail_id: int | None
    number: str = ""
    subject: str = ""
    received_on: date | None = None


def arrival_registers(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """Open registers of arrivals that the actor keeps."""
    rows = session.execute(
        select(Register.id, Register.name)
        .where(
            Register.unit_id.in_(clerk_unit_ids(actor)),
            Register.closed_at.is_(None),
            Register.nature == RegisterNature.ARRIVAL,
        )
        .order_by(Register.id)
    )
    return [(register_id, name) for register_id, name in rows]


def authorities(session: Session, actor: Actor, *, on: date) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Posts to which a letter may be addressed: (posts of the clerk's own entity, posts of the other
    entities of the ministry)."""
    own = same_entity(session, clerk_unit_ids(actor))
    rows = session.execute(
        select(Post.id, Post.unit_id)
        .join(PostRole, (PostRole.post_id == Post.id) & (PostRole.role == Role.AUTHORITY))
        .where(Post.unit_id.in_(ministry(actor)))
        .order_by(Post.id)
    ).all()
    names = post_names(session, [row.id for row in rows], on=on)
    near: list[tuple[int, str]] = []
    far: list[tuple[int, str]] = []
    for post_id, unit_id in rows:
        (near if unit_id in own else far).append((post_id, names[post_id].text))
    return near, far


def last_addressed(session: Session, actor: Actor) -> int | None:
    """The authority of the unit's latest arrival, proposed in the form."""
    # A unit's latest letter is the last entry of an index. Sorting all letters would take longer each year.
    latest = (
        select(Mail.id)
        .where(Mail.unit_id == Unit.id, Mail.direction == Direction.INCOMING, Mail.addressed_post_id.is_not(None))
        .order_by(Mail.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = session.scalars(select(latest).select_from(Unit).where(Unit.id.in_(clerk_unit_ids(actor))))
    newest = max((one for one in found if one is not None), default=None)
    return None if newest is None else session.scalar(select(Mail.addressed_post_id).where(Mail.id == newest))


def registered_before(
    session: Session, *, sender_name: str, their_reference: str, actor: Actor, except_mail: int | None = None,
    request_token: str | None = None,
) -> list[DuplicateRow]:  # fmt: skip
    """Letters of the same sender with the same reference in the clerk's own entity, newest first.

    Letters that the actor may not see give one row, which shows only that they exist. Letters of other entities are
    not disclosed: they may well have received the same letter.
    """
    folded, reference = fold(sender_name), "".join(their_reference.split())
    if not folded or not reference:
        return []
    rows = session.execute(
        _of_sender(session, folded, actor, request_token)
        .add_columns(access.visible_clause(Mail.id, Mail.level, actor.principals))
        .where(
            # ``lower`` in SQLite changes only ASCII letters, in PostgreSQL all letters.
            func.lower(func.replace(Mail.their_reference, " ", "")).in_({reference.lower(), _ascii_lower(reference)}),
            Mail.id != (except_mail or 0),
        )
        .limit(5)
    ).all()
    seen = [_duplicate(mail) for mail, visible in rows if visible]
    return seen + [DuplicateRow(None)] * any(not visible for _, visible in rows)


def like_letters(
    session: Session, *, sender_name: str, subject: str, received_on: date | None, actor: Actor, request_token: str | None
) -> list[DuplicateRow]:  # fmt: skip
    """Letters of one sender with nearly one subject that came within ``NEAR_DAYS``, newest first.

    For a letter without a reference. Only letters that the actor may see are compared: who tries subjects must not learn
    that of a hidden letter.

    Args:
        request_token: of the form itself: the letter that it registered already is not a duplicate.
    """
    folded = fold(sender_name)
    if not folded or received_on is None:
        return []
    rows = session.scalars(
        _of_sender(session, folded, actor, request_token)
        .where(
            Mail.received_on.between(received_on - NEAR_DAYS, received_on + NEAR_DAYS),
            access.visible_clause(Mail.id, Mail.level, actor.principals),
        )
        .limit(COMPARED)
    )
    return [_duplicate(mail) for mail in rows if is_near(subject, mail.subject)][:5]


def _of_sender(session: Session, folded: str, actor: Actor, request_token: str | None) -> Select[Mail]:
    """Valid letters of a sender in the clerk's own entity, newest first, without the letter of the form itself."""
    own = same_entity(session, clerk_unit_ids(actor))
    return (
        select(Mail)
        .join(Correspondent, Correspondent.id == Mail.sender_id)
        .where(
            Correspondent.folded_name == folded,
            Mail.unit_id.in_(sorted(own)),
            Mail.state != MailState.VOIDED,
            or_(Mail.request_token.is_(None), Mail.request_token != (request_token or "")),
        )
        .order_by(Mail.id.desc())
    )


def lookalikes(session: Session, form: IncomingForm, *, actor: Actor) -> list[DuplicateRow]:
    """Letters that the new letter may repeat: same sender and reference, else same sender, near subject and near day."""
    token, name = form.request_token, form.sender_name
    first = session.scalar(select(Mail).where(Mail.request_token == token)) if token else None
    if first is not None and not bears(form, first):  # changed since it was registered, perhaps because no answer came
        token = None
    return registered_before(
        session, sender_name=name, their_reference=form.their_reference, actor=actor, request_token=token
    ) or like_letters(
        session, sender_name=name, subject=form.subject, received_on=form.received_on, actor=actor, request_token=token
    )


def mark_of(rows: Sequence[DuplicateRow]) -> str:
    """A mark of the letters that a clerk was shown. The clerk's confirmation holds for these letters only."""
    return ".".join(str(row.mail_id or 0) for row in rows)


def is_near(one: str, other: str) -> bool:
    """Whether two subjects may be of one letter: nearly the words, and the numbers are those of the other.

    >>> is_near("Demande d'audience", "demande d’audiense"), is_near("Facture n° 123", "Facture n° 124")
    (True, False)
    """
    first, second = fold(one), fold(other)
    return _DIGITS.findall(first) == _DIGITS.findall(second) and fuzz.ratio(first, second) >= NEAR_SUBJECT


def _ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def _duplicate(mail: Mail) -> DuplicateRow:
    number = next((n.text for n in mail.numbers if n.voided_at is None), "")
    return DuplicateRow(mail.id, number, mail.subject, mail.received_on)


def mail_of_number(session: Session, number_id: int, actor: Actor) -> MailId:
    """The letter that bears a number, if the actor may see it.

    Raises:
        NotFound: ``number.unknown``; the same error if the actor may not see the letter.
    """
    mail = session.scalar(
        select(Mail).join(MailNumber, MailNumber.mail_id == Mail.id).where(MailNumber.id == number_id)
    )
    if mail is None:
        raise NotFound("number.unknown", "check the number", id=number_id)
    if not access.may_see(session, mail.id, Confidentiality(mail.level), actor):
        raise NotFound("number.unknown", "check the number", id=number_id, refused=True)
    return MailId(mail.id)
