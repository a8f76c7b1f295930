"""What a clerk's registers already hold of each sender, for completion while the registration form is typed.

Only ordinary letters that the clerk may see count, and none that came in a sealed envelope.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from ged import access
from ged.ports import Confidentiality
from ged.register.correspondents import fold
from ged.register.models import Correspondent, Direction, Mail, MailNumber, Register, SealedEnvelope
from ged.register.states import MailState
from ged.unit import Actor

LETTERS = 400
"""The newest letters of each unit that are read: some weeks of a registry."""
SENDERS, SUBJECTS, REFERENCES = 150, 5, 3
"""How many senders are told, and of each one how many subjects and references."""
DEPARTED = 150
"""How many subjects of letters that leave are told."""
LONGEST = 200
"""A longer subject is told to nobody: it is one letter's own. In characters."""
_HALF = 50
"""The letter this many places back counts half as much as the newest one."""


@dataclass
class KnownSender:
    """A sender, with its latest different subjects and references, newest first."""

    name: str
    subjects: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


def known_senders(session: Session, actor: Actor, *, unit_ids: Collection[int]) -> list[KnownSender]:
    """The senders of the newest arrivals of these units; the most frequent and most recent ones come first.

    A name is told as the newest letter bears it, or as the directory's entry is called now.
    """
    rows = sorted(
        (row for unit_id in sorted(unit_ids) for row in _newest(session, actor, unit_id)), key=lambda row: -row[0]
    )
    found: dict[str, KnownSender] = {}
    weight = defaultdict[str, float](float)
    for place, (_mail_id, name, subject, reference) in enumerate(rows):
        key = fold(name)
        if not key:
            continue
        one = found.setdefault(key, KnownSender(name))
        weight[key] += 0.5 ** (place / _HALF)
        _keep(one.subjects, subject, SUBJECTS)
        _keep(one.references, reference, REFERENCES)
    ranked = sorted(found, key=lambda key: -weight[key])
    return [found[key] for key in ranked[:SENDERS]]


def known_subjects(session: Session, actor: Actor, *, unit_ids: Collection[int], direction: Direction) -> list[str]:
    """The different subjects that registers of these units bear of letters that leave, or that stay within; newest first.

    Of each register the last numbers are read, by their index: a letter may belong to another unit than its register.
    """
    in_envelope = exists().where(SealedEnvelope.mail_id == Mail.id)
    registers = select(Register.id).where(Register.unit_id.in_(unit_ids), Register.direction == direction)
    rows: list[tuple[int, str]] = []
    for register_id in session.scalars(registers.order_by(Register.id)).all():
        read = session.execute(
            select(Mail.id, Mail.subject)
            .join(MailNumber, MailNumber.mail_id == Mail.id)
            .where(
                MailNumber.register_id == register_id,
                MailNumber.voided_at.is_(None),
                Mail.level == int(Confidentiality.ORDINARY),
                ~in_envelope,
                access.visible_clause(Mail.id, Mail.level, actor.principals),
            )
            .order_by(MailNumber.year.desc(), MailNumber.sequence.desc())
            .limit(LETTERS)
        )
        rows += [(mail_id, subject) for mail_id, subject in read]
    found: list[str] = []
    for _mail_id, subject in sorted(rows, key=lambda row: -row[0]):
        _keep(found, subject, DEPARTED)
    return found


def _newest(session: Session, actor: Actor, unit_id: int) -> list[tuple[int, str, str, str]]:
    in_envelope = exists().where(SealedEnvelope.mail_id == Mail.id)
    in_use = and_(Correspondent.is_active, Correspondent.merged_into_id.is_(None))
    rows = session.execute(
        select(Mail.id, func.coalesce(Correspondent.name, Mail.sender_name), Mail.subject, Mail.their_reference)
        .outerjoin(Correspondent, Correspondent.id == Mail.sender_id)
        .where(
            Mail.unit_id == unit_id,
            Mail.direction == Direction.INCOMING,
            Mail.level == int(Confidentiality.ORDINARY),
            Mail.state != MailState.VOIDED,
            ~in_envelope,
            or_(Mail.sender_id.is_(None), in_use),
            access.visible_clause(Mail.id, Mail.level, actor.principals),
        )
        .order_by(Mail.id.desc())
        .limit(LETTERS)
    )
    return [(mail_id, name, subject, reference) for mail_id, name, subject, reference in rows]


def _keep(kept: list[str], text: str, most: int) -> None:
    """Add a text that is not there yet, as it would be typed."""
    plain = " ".join(text.split())
    if plain and len(plain) <= LONGEST and len(kept) < most and fold(plain) not in {fold(one) for one in kept}:
        kept.append(plain)
