"""Validates signed files from outside, on arrival and on view, for the time of reception. Their bytes never change.

A PDF contains its signatures; a ``.p7m`` contains the signed file; a ``.p7s`` signs another file of the letter.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ged import destroyed, locks, slots
from ged.capture.models import Scan, ScanPage, ScanState
from ged.errors import NotFound
from ged.jobs import LIVE_STATES, Job, JobKind
from ged.ports import BlobStore, Digest, SignatureReport, Verdict
from ged.recognition.models import ScanSignatureCheck, SignatureCheck
from ged.register import documents
from ged.register.models import Attachment, AttachmentPage
from ged.register.signed_kinds import APART, CMS_TYPES, FROM_OUTSIDE
from ged.suggestions import readings
from ged.unit import SYSTEM, Actor, Services, UnitOfWork

_ORDER = (Verdict.NONE, Verdict.GREEN, Verdict.AMBER, Verdict.RED)
OF_SCAN = "scan"
"""``params["of"]`` of the job that checks a waiting scan; without it the subject is an attachment."""
_CANDIDATES = 20
"""The most files of a letter that a detached signature is compared with."""


@dataclass(frozen=True)
class SignedFile:
    """A file of an attachment that contains signatures, or is a signature.

    Attributes:
        candidates: files that a detached signature may sign.
    """

    digest: Digest
    media_type: str
    candidates: tuple[Digest, ...] = ()

    @property
    def is_cms(self) -> bool:
        """Whether the signature is a file of its own."""
        return self.media_type in CMS_TYPES

    @property
    def is_apart(self) -> bool:
        """Whether it signs another file of the letter."""
        return self.media_type == APART


@dataclass(frozen=True)
class FileCheck:
    """The validity of signatures of one file. ``on_arrival``: the result then, None if the file was not checked."""

    file: SignedFile
    verdict: Verdict
    reports: tuple[SignatureReport, ...]
    received_at: datetime
    on_arrival: Verdict | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True)
class LetterVerdict:
    """The validity of the signatures of a letter on arrival, or of a waiting scan: the worst verdict of its files.

    Attributes:
        attachment_id: the file with this verdict; its page shows the details. None for a scan.
        reason: the code of ``SignatureReport``.
    """

    attachment_id: int | None
    verdict: Verdict
    reason: str
    signer: str


def of_letters(session: Session, mail_ids: Collection[int]) -> dict[int, LetterVerdict]:
    """The verdicts of the letters of a list, in one query, without the letters that have no signature.

    The caller has checked that the actor may see the letters.
    """
    rows = session.execute(
        select(Attachment.mail_id, SignatureCheck)
        .join(Attachment, Attachment.id == SignatureCheck.attachment_id)
        .where(Attachment.mail_id.in_(mail_ids), SignatureCheck.verdict != Verdict.NONE)
        .order_by(SignatureCheck.id)
    )
    return _worst_of_each((mail_id, check.attachment_id, check.verdict, check.reports) for mail_id, check in rows)


def of_scans(session: Session, scan_ids: Collection[int]) -> dict[int, LetterVerdict]:
    """The verdicts of waiting scans, in one query, without the scans that have no signature or are not checked yet.

    The caller has checked that the actor may see the scans.
    """
    rows = session.scalars(
        select(ScanSignatureCheck)
        .where(ScanSignatureCheck.scan_id.in_(scan_ids), ScanSignatureCheck.verdict != Verdict.NONE)
        .order_by(ScanSignatureCheck.id)
    )
    return _worst_of_each((row.scan_id, None, row.verdict, row.reports) for row in rows)


def _worst_of_each(
    checks: Iterable[tuple[int, int | None, Verdict, list[dict[str, Any]]]],
) -> dict[int, LetterVerdict]:
    found: dict[int, LetterVerdict] = {}
    for owner_id, attachment_id, verdict, reports in checks:
        before = found.get(owner_id)
        if before is None or _ORDER.index(verdict) > _ORDER.index(before.verdict):
            report = next((one for one in reports if one["verdict"] == verdict), {})
            found[owner_id] = LetterVerdict(
                attachment_id, verdict, str(report.get("reason", "")), str(report.get("signer", ""))
            )
    return found


def awaited_scans(session: Session, scan_ids: Collection[int]) -> set[int]:
    """Those of these scans whose signatures are being checked, or wait for it."""
    rows = session.execute(
        select(Job.subject_id, Job.params).where(
            Job.kind == JobKind.CHECK_SIGNATURES, Job.subject_id.in_(scan_ids), Job.state.in_(LIVE_STATES)
        )
    )
    return {scan_id for scan_id, params in rows if params.get("of") == OF_SCAN}


def ask_for_batch(uow: UnitOfWork, batch_id: int) -> None:
    """Queue the check of the scans of a batch that wait and have signed files."""
    waiting = select(Scan).where(Scan.state == ScanState.WAITING, Scan.batch_id == batch_id).order_by(Scan.id)
    for scan in uow.session.scalars(waiting):
        if readings.may_be_read(uow.session, scan) and _unchecked(uow.session, scan):
            uow.defer(JobKind.CHECK_SIGNATURES, scan.id, params={"of": OF_SCAN})


def run_scan_check(services: Services, scan_id: int, *, now: datetime) -> None:
    """Validate the signatures of a waiting scan for the time at which it came, once, and store the reports."""
    with services.reading() as session:
        scan = session.get(Scan, scan_id)
        if scan is None or not readings.may_be_read(session, scan):
            return
        at, files = scan.created_at, _unchecked(session, scan)
    # Outside of the session: to check a signature may take long.
    found = [(file, reports_on(services, file, at=at)) for file in files]
    for attempt in services.attempts(now):
        with attempt as uow:
            # Of two jobs of one scan the second sees the first's reports.
            held = locks.hold_one(uow.session, Scan, scan_id)
            if held is not None and held.state is ScanState.WAITING:
                wanted = {file.digest for file in _unchecked(uow.session, held)}
                _store(uow, held, [one for one in found if one[0].digest in wanted])


def _store(uow: UnitOfWork, scan: Scan, found: Sequence[tuple[SignedFile, Sequence[SignatureReport]]]) -> None:
    for file, reports in found:
        verdict = worst(reports)
        uow.session.add(
            ScanSignatureCheck(
                scan_id=scan.id, sha256=file.digest, verdict=verdict, reports=[_as_json(one) for one in reports],
                checked_at=uow.now,
            )
        )  # fmt: skip
        uow.record(
            "signature.checked", "scan", scan.id, actor=SYSTEM, digest=file.digest, verdict=verdict.value,
            reasons=sorted({one.reason for one in reports}),
        )  # fmt: skip


def forget(uow: UnitOfWork, *, now: datetime) -> None:
    """Delete the reports on scans that no longer wait: the letter has reports of its own."""
    over = select(Scan.id).where(Scan.state.not_in((ScanState.WAITING, ScanState.DISCARDED)))
    uow.session.execute(
        delete(ScanSignatureCheck).where(
            ScanSignatureCheck.scan_id.in_(over), ScanSignatureCheck.checked_at < now - readings.FORGET_AFTER
        )
    )


def _unchecked(session: Session, scan: Scan) -> list[SignedFile]:
    """The signed files of a scan that have no report yet."""
    known = set(session.scalars(select(ScanSignatureCheck.sha256).where(ScanSignatureCheck.scan_id == scan.id)))
    pages = [leaf.page for leaf in scan.leaves if not leaf.removed]
    signed = {page.digest: page.media_type for page in pages if page.media_type in CMS_TYPES}
    if scan.is_signed and scan.digest is not None and scan.digest not in signed and pages:
        signed[scan.digest] = pages[0].media_type
    # A detached signature came with its file in one message, if not in one scan.
    together = session.scalars(
        select(ScanPage.digest).where(ScanPage.batch_id == scan.batch_id).order_by(ScanPage.position, ScanPage.id)
    )
    others = tuple(dict.fromkeys(Digest(one) for one in [*(p.digest for p in pages), *together] if one not in signed))
    return [
        SignedFile(Digest(digest), media_type, others if media_type in CMS_TYPES else ())
        for digest, media_type in signed.items()
        if digest not in known
    ]


def run_check(services: Services, attachment_id: int, *, now: datetime) -> None:
    """Validate the signatures of an incoming attachment, once, and store the reports."""
    with services.reading() as session:
        row = session.get(Attachment, attachment_id)
        if row is None or destroyed.of_letter(session, row.mail_id) is not None:
            return
        mail_id, at, files = row.mail_id, row.added_at, list(_signed_files(session, row))
        known = set(session.scalars(select(SignatureCheck.digest).where(SignatureCheck.attachment_id == attachment_id)))
    found = [(file, reports_on(services, file, at=at)) for file in files if file.digest not in known]
    for attempt in services.attempts(now):
        with attempt as uow:
            for file, reports in found:
                verdict = worst(reports)
                uow.session.add(
                    SignatureCheck(
                        attachment_id=attachment_id, digest=file.digest, verdict=verdict,
                        reports=[_as_json(one) for one in reports], at=at, checked_at=now,
                    )
                )  # fmt: skip
                reasons = sorted({one.reason for one in reports})
                uow.record(
                    "signature.checked", "mail", mail_id, actor=SYSTEM, attachment=attachment_id, digest=file.digest,
                    verdict=verdict.value, reasons=reasons,
                )  # fmt: skip


def on_view(services: Services, attachment_id: int, actor: Actor) -> tuple[FileCheck, ...]:
    """Validate the signatures of an attachment now, for the time of its reception; returned beside the first result.

    Raises:
        NotFound: ``attachment.unknown``, ``mail.unknown`` (also when the actor may not know).
        EngineFailed: ``check.unavailable``; ``work.busy``.
    """
    with services.reading() as session:
        documents.attachment(session, attachment_id, actor)
        row = session.get_one(Attachment, attachment_id)
        at, files = row.added_at, list(_signed_files(session, row))
        wanted = select(SignatureCheck).where(SignatureCheck.attachment_id == attachment_id)
        kept = {one.digest: (one.verdict, one.checked_at) for one in session.scalars(wanted)}
    with slots.heavy() if files else nullcontext():
        found = [(file, reports_on(services, file, at=at)) for file in files]
    checks = []
    for file, reports in found:
        then, checked_at = kept.get(file.digest, (None, None))
        checks.append(FileCheck(file, worst(reports), reports, at, then, checked_at))
    return tuple(checks)


def signed_revision(services: Services, attachment_id: int, digest: str, end: int, actor: Actor) -> bytes:
    """The first bytes of a signed PDF, up to ``end``: the revision that a signature covers.

    Raises:
        NotFound: ``attachment.unknown``, ``mail.unknown``; ``signature.revision_unknown``: no signature ends there.
    """
    for check in on_view(services, attachment_id, actor):
        if check.file.digest == digest and any(one.covers_bytes == end for one in check.reports) and end > 0:
            return _read(services.blobs, check.file.digest)[:end]
    raise NotFound("signature.revision_unknown", "open the signatures of the document again", id=attachment_id)


def reports_on(services: Services, file: SignedFile, *, at: datetime) -> tuple[SignatureReport, ...]:
    """The checker's reports on a file; a detached signature is checked with the file that it matches."""
    data = _read(services.blobs, file.digest)
    if not file.is_cms:
        return services.checker.check(data, at=at)
    first = services.checker.check_cms(data, at=at)
    if not any(one.reason == "content_missing" for one in first):
        return first
    found = first
    for candidate in file.candidates[:_CANDIDATES]:
        found = services.checker.check_cms(data, at=at, content=_read(services.blobs, candidate))
        if not any(one.reason == "broken" for one in found):
            return found
    return found if len(file.candidates) == 1 else first


def worst(reports: Sequence[SignatureReport]) -> Verdict:
    """The worst verdict of several; a document time-stamp counts only if it is altered, or alone."""
    people = [one.verdict for one in reports if not one.is_timestamp or one.verdict is Verdict.RED]
    return max(people or [one.verdict for one in reports], key=_ORDER.index, default=Verdict.NONE)


def _signed_files(session: Session, row: Attachment) -> Iterator[SignedFile]:
    if row.kind not in FROM_OUTSIDE:
        return
    if row.is_signed and row.digest is not None and row.media_type not in CMS_TYPES:
        yield SignedFile(Digest(row.digest), row.media_type)
    cms = {page.digest: page.media_type for page in row.pages if page.media_type in CMS_TYPES}
    if row.digest is not None and row.media_type in CMS_TYPES:
        cms[row.digest] = row.media_type
    others = _files_of_letter(session, row.mail_id) if cms else ()
    for digest, media_type in cms.items():
        yield SignedFile(Digest(digest), media_type, tuple(one for one in others if one not in cms))


def _files_of_letter(session: Session, mail_id: int) -> tuple[Digest, ...]:
    whole = select(Attachment.digest).where(Attachment.mail_id == mail_id, Attachment.digest.is_not(None))
    pages = (
        select(AttachmentPage.digest)
        .join(Attachment, Attachment.id == AttachmentPage.attachment_id)
        .where(Attachment.mail_id == mail_id)
    )
    return tuple(dict.fromkeys(Digest(one) for one in [*session.scalars(whole), *session.scalars(pages)] if one))


def _read(blobs: BlobStore, digest: Digest) -> bytes:
    with blobs.open(digest) as stored:
        return stored.read()


def _as_json(report: SignatureReport) -> dict[str, Any]:
    fields = asdict(report)
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in fields.items()}
