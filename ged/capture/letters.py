"""Letters to which a waiting scan may belong, and letters that already hold the same bytes."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged import access
from ged.capture.models import Scan, ScanLeaf, ScanPage, ScanState
from ged.capture.queries import ScanRow, clerk_units, scan_units
from ged.org.tree import same_entity
from ged.register import typed_numbers
from ged.register.models import Attachment, AttachmentKind, AttachmentPage, Mail
from ged.register.queries import first_number
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
            Scan.unit_id.in_(scan_units(actor)),
            # The other half of a file that was split holds these bytes too.
            Scan.batch_id.not_in(select(Scan.batch_id).where(Scan.id == (except_scan or 0))),
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


def received_before(session: Session, rows: Sequence[ScanRow], actor: Actor) -> dict[int, tuple[EarlierRow, ...]]:
    """Of each scan of a list the letters that hold its very file already, those that the actor may see, and the scan
    of the list that is the same file and came earlier.
    """
    files = [(row.id, row.digest) for row in sorted(rows, key=lambda row: row.id) if row.digest]
    found = session.execute(
        select(Attachment.digest, Mail.id, first_number(Mail.id))
        .join(Mail, Mail.id == Attachment.mail_id)
        .where(
            Attachment.digest.in_({digest for _, digest in files}),
            access.visible_clause(Mail.id, Mail.level, actor.principals),
        )
        .order_by(Mail.id)
    )
    earlier: defaultdict[str, list[EarlierRow]] = defaultdict(list)
    for digest, mail_id, number in found:
        earlier[digest or ""].append(EarlierRow(mail_id=mail_id, number=number or ""))
    earlier_by_scan: dict[int, tuple[EarlierRow, ...]] = {}
    for scan_id, digest in files:
        earlier_by_scan[scan_id] = tuple(earlier[digest][:3])
        earlier[digest].append(EarlierRow(scan_id=scan_id))
    return earlier_by_scan


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
            ~document_of(Mail.id),
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
    return _choice(mail, has_document=session.scalar(select(document_of(Mail.id)).where(Mail.id == mail.id)) or False)


def document_of(mail_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether a letter has a document: its scan, or its file."""
    found = select(Attachment.id).where(Attachment.mail_id == mail_id, Attachment.kind == AttachmentKind.DOCUMENT)
    # ``OFFSET 0``: PostgreSQL asks for each letter found, instead of hashing the documents of all letters.
    return found.correlate(mail_id.parent.local_table).offset(0).exists()


def _choice(mail: Mail, *, has_document: bool) -> LetterChoice:
    number = next((n.text for n in mail.numbers if n.voided_at is None), "")
    return LetterChoice(mail.id, number, mail.subject, mail.sender_name, has_document)
