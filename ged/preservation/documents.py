"""One interface to all sorts of signed documents: their last revision, and storing a new one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged import destroyed, locks
from ged.errors import StaleVersion
from ged.monthly.models import MonthlyReport, MonthlyReportRevision
from ged.ports import AttachmentId, Digest, MailId, RaisedPdf
from ged.preservation.models import Preservation
from ged.register.models import Attachment, AttachmentKind, ClosingRevision, Mail, RegisterClosing
from ged.register.operations import SourcePage, attach
from ged.signbook.models import SignedRevision
from ged.slips.models import ReceiptWay, Slip, SlipReceipt, SlipRevision
from ged.unit import SYSTEM, UnitOfWork

_PDF = "application/pdf"
Revision = SignedRevision | SlipRevision | ClosingRevision | MonthlyReportRevision


class SignedKind(StrEnum):
    """The sort of a signed document."""

    MAIL = "mail"
    SLIP = "slip"
    CLOSING = "closing"
    REPORT = "report"


SEALED: Mapping[SignedKind, type[RegisterClosing] | type[MonthlyReport]] = {
    SignedKind.CLOSING: RegisterClosing,
    SignedKind.REPORT: MonthlyReport,
}
"""Documents that no person signs: the institution's seal is laid on them, perhaps later."""


@dataclass(frozen=True)
class LastRevision:
    """The last stored revision of a document. A closing or a report without a seal has sequence 0 and no level."""

    sort: SignedKind
    subject_id: int
    sequence: int
    digest: Digest
    level: str


def last_of(session: Session, sort: SignedKind, subject_id: int) -> LastRevision | None:
    """The last revision; None when the document is not signed or was destroyed, or while somebody is adding a signature."""
    if sort is SignedKind.MAIL and destroyed.of_letter(session, subject_id) is not None:
        return None
    row = session.scalar(_latest_revision(sort, subject_id))
    if row is None and sort in SEALED:
        made = cast("RegisterClosing | MonthlyReport", session.get_one(SEALED[sort], subject_id))
        return LastRevision(sort, subject_id, 0, Digest(made.digest), "")
    if row is None or (sort is SignedKind.SLIP and _being_received(session, subject_id)):
        return None
    return LastRevision(sort, subject_id, row.sequence, Digest(row.digest), row.level)


def is_signed(session: Session, sort: SignedKind, subject_id: int) -> bool:
    """Whether the document exists and has a signature to raise."""
    if sort in SEALED:
        return session.get(SEALED[sort], subject_id) is not None
    if sort is SignedKind.MAIL and destroyed.of_letter(session, subject_id) is not None:
        return False
    return session.scalar(_latest_revision(sort, subject_id)) is not None


def append(uow: UnitOfWork, last: LastRevision, raised: RaisedPdf, digest: Digest) -> LastRevision:
    """Store a revision that was made from the last one.

    Raises:
        StaleVersion: ``preserve.stale``: the document was signed meanwhile; start again.
    """
    if last.sort is SignedKind.MAIL:
        # Two jobs for one letter may run at once: the job from its signature, and the daily job.
        locks.hold(uow.session, Mail, [last.subject_id])
    elif last.sort is SignedKind.SLIP:
        # A receiver begins under the same lock, and signs the revision that is last at that moment.
        locks.hold(uow.session, Slip, [last.subject_id])
    elif last.sort in SEALED:
        locks.hold(uow.session, SEALED[last.sort], [last.subject_id])
    if last_of(uow.session, last.sort, last.subject_id) != last:
        raise StaleVersion("preserve.stale", "begin again", id=last.subject_id)
    row = _new(uow, last, raised, digest)
    uow.session.add(row)
    uow.record(
        "signature.raised", last.sort.value, last.subject_id, actor=SYSTEM, level=raised.level, digest=digest,
        revision=row.sequence,
    )  # fmt: skip
    return LastRevision(last.sort, last.subject_id, row.sequence, digest, raised.level)


def show(uow: UnitOfWork, last: LastRevision, *, size_bytes: int) -> None:
    """Make a letter's page and its dispatch use the last revision. Pages of other sorts do so by themselves."""
    if last.sort is not SignedKind.MAIL:
        return
    locks.hold(uow.session, Mail, [last.subject_id])
    row = uow.session.scalar(_latest_revision(last.sort, last.subject_id))
    if not isinstance(row, SignedRevision):
        return
    shown = uow.session.get_one(Attachment, row.attachment_id)
    if shown.digest == row.digest:
        return
    row.attachment_id = attach(
        uow,
        MailId(last.subject_id),
        kind=AttachmentKind.SIGNED,
        pages=[SourcePage(Digest(row.digest), _PDF, n) for n in range(shown.page_count)],
        media_type=_PDF,
        actor=SYSTEM,
        now=uow.now,
        filename=shown.filename,
        digest=Digest(row.digest),
        size_bytes=size_bytes,
        is_signed=True,
        replaces=AttachmentId(shown.id),
        reason=f"Preuve de la signature portée au niveau {row.level}",
    )


def unwatched(session: Session, sort: SignedKind, limit: int) -> list[int]:
    """Signed documents without a row in ``preservations``: they were signed before an authority was set."""
    subject = _SUBJECT[sort]
    watched = watched_by(sort)
    found = select(subject).where(~exists().where(watched == subject)).distinct().order_by(subject).limit(limit)
    return list(session.scalars(found))


def watched_by(sort: SignedKind) -> InstrumentedAttribute[int | None]:
    """The column of ``preservations`` that names a document of a sort."""
    columns = {
        SignedKind.MAIL: Preservation.mail_id,
        SignedKind.SLIP: Preservation.slip_id,
        SignedKind.CLOSING: Preservation.closing_id,
        SignedKind.REPORT: Preservation.report_id,
    }
    return columns[sort]


def subject_of(row: Preservation) -> tuple[SignedKind, int]:
    """The document of a row."""
    return next((sort, found) for sort in SignedKind if (found := getattr(row, watched_by(sort).key)) is not None)


_SUBJECT: dict[SignedKind, InstrumentedAttribute[int]] = {
    SignedKind.MAIL: SignedRevision.mail_id,
    SignedKind.SLIP: SlipRevision.slip_id,
    SignedKind.CLOSING: RegisterClosing.id,
    SignedKind.REPORT: MonthlyReport.id,
}


def _new(uow: UnitOfWork, last: LastRevision, raised: RaisedPdf, digest: Digest) -> Revision:
    sequence, level = last.sequence + 1, raised.level
    if last.sort is SignedKind.SLIP:
        return SlipRevision(slip_id=last.subject_id, sequence=sequence, digest=digest, level=level, at=uow.now)
    if last.sort is SignedKind.CLOSING:
        return ClosingRevision(closing_id=last.subject_id, sequence=sequence, digest=digest, level=level, at=uow.now)
    if last.sort is SignedKind.REPORT:
        return MonthlyReportRevision(
            report_id=last.subject_id,
            sequence=sequence,
            digest=digest,
            size_bytes=len(raised.pdf),
            level=level,
            at=uow.now,
        )
    attachment_id = uow.session.scalar(
        select(SignedRevision.attachment_id).where(
            SignedRevision.mail_id == last.subject_id, SignedRevision.sequence == last.sequence
        )
    )
    return SignedRevision(
        mail_id=last.subject_id, sequence=sequence, digest=digest, level=level, at=uow.now,
        attachment_id=attachment_id,
    )  # fmt: skip


def _being_received(session: Session, slip_id: int) -> bool:
    begun: datetime | None = session.scalar(
        select(SlipReceipt.received_at).where(
            SlipReceipt.slip_id == slip_id, SlipReceipt.way == ReceiptWay.DIGITAL, SlipReceipt.signed_at.is_(None)
        )
    )
    return begun is not None


def _latest_revision(sort: SignedKind, subject_id: int) -> Select[Revision]:
    if sort is SignedKind.MAIL:
        mine = select(SignedRevision).where(SignedRevision.mail_id == subject_id)
        return mine.order_by(SignedRevision.sequence.desc()).limit(1)
    if sort is SignedKind.SLIP:
        given = select(SlipRevision).where(SlipRevision.slip_id == subject_id)
        return given.order_by(SlipRevision.sequence.desc()).limit(1)
    if sort is SignedKind.REPORT:
        revisions = select(MonthlyReportRevision).where(MonthlyReportRevision.report_id == subject_id)
        return revisions.order_by(MonthlyReportRevision.sequence.desc()).limit(1)
    closed = select(ClosingRevision).where(ClosingRevision.closing_id == subject_id)
    return closed.order_by(ClosingRevision.sequence.desc()).limit(1)
