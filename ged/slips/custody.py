"""Custody of paper originals: it starts at the registering unit, and passes only by accepted slip lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, bindparam, exists, select
from sqlalchemy.orm import Session, aliased, joinedload

from ged.errors import NotFound
from ged.org.models import Post, Unit
from ged.ports import MailId, UnitId
from ged.register.models import Channel, Mail, MailNumber, SealedEnvelope
from ged.slips.models import PaperCustody, Slip, SlipLine
from ged.unit import Actor, HeldPost, UnitOfWork

REGISTERED = "registered"
SLIP = "slip"
PAPER_SLIP = "paper_slip"
KEPT = "kept"
"""The paper stays where it was registered: nobody has to carry it."""
WITHOUT_PAPER = (Channel.EMAIL,)
"""Of a letter that came this way no original lies at the registry. What is printed of it may still go on a slip."""


@dataclass(frozen=True)
class CustodyRow:
    """A period of custody. ``slip_number`` and ``slip_id`` name the slip that began it; none for the first period."""

    unit_id: UnitId
    unit_name: str
    post_title: str
    since: datetime
    because: str
    slip_id: int | None = None
    slip_number: str = ""


def custody_of(session: Session, mail_id: MailId | int) -> tuple[CustodyRow, ...]:
    """The custody history of a letter's paper, oldest first; the last row is the present holder. The caller has checked
    access.

    Raises:
        NotFound: ``mail.unknown``.
    """
    rows = session.execute(_custody_of(), {"mail": int(mail_id)}).all()
    if not rows:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    first = CustodyRow(UnitId(rows[0][0]), rows[0][1], "", rows[0][2], REGISTERED)
    return (first, *(_custody_row(*found[3:]) for found in rows if found[3] is not None))


@cache
def _custody_of() -> Executable:
    """The statement of ``custody_of`` for the letter ``mail``, composed once."""
    unit = aliased(Unit)
    return (
        _with_slips(
            select(unit.id, unit.name, Mail.created_at, PaperCustody, Post.title, Slip.id, MailNumber.text)
            .select_from(Mail)
            .join(unit, unit.id == Mail.unit_id)
            .outerjoin(PaperCustody, PaperCustody.mail_id == Mail.id)
        )
        .where(Mail.id == bindparam("mail"))
        .order_by(PaperCustody.id)
        .options(joinedload(PaperCustody.unit, innerjoin=False))  # a letter that never moved has a row too
    )


def custody_of_envelope(session: Session, envelope_id: int) -> tuple[CustodyRow, ...]:
    """The custody history of a sealed envelope.

    Raises:
        NotFound: ``envelope.unknown``.
    """
    envelope = session.get(SealedEnvelope, envelope_id)
    if envelope is None or not envelope.numbers:
        raise NotFound("envelope.unknown", "check the number", id=envelope_id)
    unit = envelope.numbers[0].register.unit
    first = CustodyRow(UnitId(unit.id), unit.name, "", envelope.arrived_at, REGISTERED)
    return (first, *_moves(session, PaperCustody.envelope_id == envelope_id))


def has_paper(session: Session, mail: Mail) -> bool:
    """Whether there is an original on paper: not of an e-mail, unless a slip carried a paper as its original."""
    if mail.channel not in WITHOUT_PAPER:
        return True
    return session.scalar(select(exists().where(PaperCustody.mail_id == mail.id))) or False


def holder(session: Session, line: SlipLine) -> UnitId | None:
    """The unit that holds the paper of a line now; None for a free piece."""
    if line.mail_id is not None:
        return (
            _last_unit(session, PaperCustody.mail_id == line.mail_id) or custody_of(session, line.mail_id)[-1].unit_id
        )
    if line.envelope_id is not None:
        of = PaperCustody.envelope_id == line.envelope_id
        return _last_unit(session, of) or custody_of_envelope(session, line.envelope_id)[-1].unit_id
    return None


def _last_unit(session: Session, of: ColumnElement[bool]) -> UnitId | None:
    """The unit of the last move; None while the paper is still at the registering unit."""
    last = session.scalar(select(PaperCustody.unit_id).where(of).order_by(PaperCustody.id.desc()).limit(1))
    return None if last is None else UnitId(last)


def move(
    uow: UnitOfWork, line: SlipLine, *, to_unit: int, post_id: int | None, because: str, actor: Actor, post: HeldPost
) -> None:
    """Pass custody of an accepted line's paper to the receiver. Free pieces and copies have no custody."""
    if not line.is_original or (line.mail_id is None and line.envelope_id is None):
        return
    if holder(uow.session, line) == to_unit:
        return
    uow.session.add(
        PaperCustody(
            mail_id=line.mail_id,
            envelope_id=line.envelope_id,
            unit_id=to_unit,
            post_id=post_id,
            since=uow.now,
            because=because,
            slip_line_id=line.id,
        )
    )
    uow.session.flush()
    kind, subject_id = ("mail", line.mail_id) if line.mail_id is not None else ("envelope", line.envelope_id)
    uow.record("custody.moved", kind, subject_id, actor=actor, post=post, to_unit=to_unit, slip=line.slip_id)


def keep(uow: UnitOfWork, mail_id: int, *, actor: Actor, post: HeldPost) -> None:
    """Note that the paper of a letter stays with the unit of a post that holds it."""
    uow.session.add(
        PaperCustody(mail_id=mail_id, unit_id=post.unit_id, post_id=post.post_id, since=uow.now, because=KEPT)
    )
    uow.session.flush()
    uow.record("custody.kept", "mail", mail_id, actor=actor, post=post, unit=post.unit_id)


def _moves(session: Session, of: ColumnElement[bool]) -> Sequence[CustodyRow]:
    asked = _with_slips(select(PaperCustody, Post.title, Slip.id, MailNumber.text))
    return [_custody_row(*found) for found in session.execute(asked.where(of).order_by(PaperCustody.id))]


def _with_slips(asked: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """A statement over moves, with the post that received and the slip by which the paper went."""
    return (
        asked.outerjoin(Post, Post.id == PaperCustody.post_id)
        .outerjoin(SlipLine, SlipLine.id == PaperCustody.slip_line_id)
        .outerjoin(Slip, Slip.id == SlipLine.slip_id)
        .outerjoin(MailNumber, MailNumber.id == Slip.number_id)
    )


def _custody_row(move: PaperCustody, title: str | None, slip_id: int | None, number: str | None) -> CustodyRow:
    return CustodyRow(
        UnitId(move.unit_id), move.unit.name, title or "", move.since, move.because, slip_id, number or ""
    )
