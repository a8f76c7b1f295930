"""Letters to which a waiting scan may belong, and letters that already hold the same bytes."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged import access
from ged.capture.models import Scan, ScanLeaf, ScanPage, ScanState
from ged.capture.queries import clerk_units
from ged.org.tree import same_entity
from ged.register import typed_numbers
from ged.register.models import Attachment, AttachmentKind, AttachmentPage, Mail
from ged.register.states import MailState
from ged.unit import Actor


@dataclass(frozen=True)
class EarlierRow:
    """An earlier copy of the same bytes. ``mail_id`` and ``number`` are set only if the actor may see that letter."""

    mail_id: int | None = None
    number: str = ""
    scan_id: int | None = None


def same_bytes(
    session: Session, digests: Collection[str], actor: Actor, *, except_scan: int | None = None
) -> list[EarlierRow]:
    """Letters and waiting scans that already hold the same bytes.

    Letters that the actor may not see are shown as one row without id and number.
    """
    earlier = _letters_with(session, digests, actor)
    scans = session.scalars(
        select(Scan.id)
        .join(ScanLeaf, ScanLeaf.scan_id == Scan.id)
        .join(ScanPage, ScanPage.id == ScanLeaf.scan_page_id)
        .where(
            ScanPage.digest.in_(digests),
            Scan.state == ScanState.WAITING,
            Scan.unit_id.in_(clerk_units(actor)),
            Scan.id != (except_scan or 0),
        )
        .distinct()
        .order_by(Scan.id)
        .limit(5)
    )
    return earlier + [EarlierRow(scan_id=scan_id) for scan_id in scans]


def _letters_with(session: Session, digests: Collection[str], actor: Actor) -> list[EarlierRow]:
    here = or_(Attachment.digest.in_(digests), AttachmentPage.digest.in_(digests))
    holders = (
        select(Attachment.mail_id)
        .outerjoin(AttachmentPage, AttachmentPage.attachment_id == Attachment.id)
        .where(here)
        .distinct()
    )
    visible = session.scalars(
        select(Mail)
        .where(Mail.id.in_(holders), access.visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(Mail.id)
        .limit(5)
    ).all()
    rows = [EarlierRow(mail_id=mail.id, number=next((n.text for n in mail.numbers), "")) for mail in visible]
    # Copies in other entities are not disclosed: they may well have received the same file.
    own = same_entity(session, actor.unit_ids)
    near = select(func.count(Mail.id)).where(Mail.id.in_(holders), Mail.unit_id.in_(sorted(own)))
    total = session.scalar(near) or 0
    return rows + ([EarlierRow()] if total > len(rows) else [])


def digests_of_scan(session: Session, scan_id: int) -> frozenset[str]:
    """The digests of the blobs of a scan's pages."""
    return frozenset(
        session.scalars(
            select(ScanPage.digest)
            .join(ScanLeaf, ScanLeaf.scan_page_id == ScanPage.id)
            .where(ScanLeaf.scan_id == scan_id)
        )
    )


@dataclass(frozen=True)
class LetterChoice:
    """A letter to which a scan may be joined."""

    mail_id: int
    number: str
    subject: str
    sender: str
    has_document: bool


def letters_to_join(session: Session, actor: Actor, *, limit: int = 12) -> list[LetterChoice]:
    """Letters without a document that the actor's units registered recently, newest first."""
    rows = session.scalars(
        select(Mail)
        .where(
            Mail.unit_id.in_(clerk_units(actor)),
            Mail.state != MailState.VOIDED,
            ~_document_of(Mail.id),
            access.visible_clause(Mail.id, Mail.level, actor.principals),
        )
        .order_by(Mail.id.desc())
        .limit(limit)
    )
    return [_choice(mail, has_document=False) for mail in rows]


def letter_by_number(
    session: Session, text: str, actor: Actor, *, field: str = "number", chosen: int | None = None
) -> LetterChoice:
    """The letter that bears a number as typed, when the actor may see it.

    Raises:
        Invalid: as ``typed_numbers.letter_by_number``.
    """
    mail = session.get_one(Mail, typed_numbers.letter_by_number(session, text, actor, field=field, chosen=chosen))
    return _choice(mail, has_document=session.scalar(select(_document_of(Mail.id)).where(Mail.id == mail.id)) or False)


def _document_of(mail_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    return exists().where(Attachment.mail_id == mail_id, Attachment.kind == AttachmentKind.DOCUMENT)


def _choice(mail: Mail, *, has_document: bool) -> LetterChoice:
    number = next((n.text for n in mail.numbers if n.voided_at is None), "")
    return LetterChoice(mail.id, number, mail.subject, mail.sender_name, has_document)
