"""Bytes and text of attachments, each under the access rule of its letter; openings of restricted ones are recorded."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from ged import access, destroyed
from ged.errors import NotFound
from ged.jobs import Job, JobKind, JobState
from ged.ports import AttachmentId, Confidentiality, Digest, MailId, has_programs
from ged.register.models import Attachment, AttachmentKind, AttachmentPage, Mail, PageText, Rendition
from ged.register.signed_kinds import is_to_check
from ged.unit import Actor, UnitOfWork

READING = (JobKind.RECOGNISE, JobKind.RECOGNISE_BACKLOG)


@dataclass(frozen=True)
class PictureSource:
    """The source of a page's picture: a stored rendition, or a file to draw from."""

    made: Digest | None
    source: Digest
    media_type: str
    page_index: int
    rotation: int
    mail_id: int | None = None
    """The letter to which the scan was joined."""


@dataclass(frozen=True)
class FileRow:
    """One file to send: its digest and name. ``form``: original, original_page or a rendition."""

    attachment_id: int
    mail_id: int
    level: Confidentiality
    digest: Digest
    media_type: str
    filename: str
    form: str
    page_no: int = 0


@dataclass(frozen=True)
class PageRow:
    """A page of an attachment, as read."""

    page_no: int
    text: str
    confidence: float
    language: str
    flags: tuple[str, ...]
    is_read: bool
    rotation: int
    has_programs: bool = False
    """Its file carries macros."""


@dataclass(frozen=True)
class AttachmentRow:
    """An attachment with its pages."""

    id: int
    mail_id: int
    level: Confidentiality
    kind: AttachmentKind
    version_no: int
    reason: str
    filename: str
    media_type: str
    is_signed: bool
    has_signatures: bool
    """The file came from outside, with signatures (``ged.recognition.signatures``)."""
    has_original: bool
    is_read: bool
    is_latest: bool
    replaces_id: int | None
    """The version before this one."""
    mail_unit_id: int
    pages: tuple[PageRow, ...]
    progress: tuple[int, int] | None
    """(pages read, pages in total) while OCR is running."""

    @property
    def has_programs(self) -> bool:
        """Whether a file of it carries macros."""
        return any(page.has_programs for page in self.pages)


def attachment(session: Session, attachment_id: int, actor: Actor) -> AttachmentRow:
    """An attachment of a letter that the actor may see.

    Raises:
        NotFound: ``attachment.unknown``, ``mail.unknown``.
    """
    row, _mail = _visible(session, attachment_id, actor)
    return shown(session, row.id)


def shown(session: Session, attachment_id: int) -> AttachmentRow:
    """As ``attachment``; the caller has checked access to the letter. One query."""
    replaced, searchable = aliased(Attachment), Rendition.kind == "searchable_pdf"
    made = exists().where(Rendition.attachment_id == Attachment.id, searchable, Rendition.page_no == 0)
    running = (
        select(Job.progress)
        .where(Job.kind.in_(READING), Job.subject_id == Attachment.id, Job.state == JobState.RUNNING)
        .limit(1)
        .scalar_subquery()
    )
    found = session.execute(
        select(
            Attachment,
            Mail.level,
            Mail.unit_id,
            AttachmentPage,
            PageText,
            made,
            exists().where(replaced.replaces_id == Attachment.id),
            running,
        )
        .join(Mail, Mail.id == Attachment.mail_id)
        .outerjoin(AttachmentPage, AttachmentPage.attachment_id == Attachment.id)
        .outerjoin(PageText, (PageText.attachment_id == Attachment.id) & (PageText.page_no == AttachmentPage.page_no))
        .where(Attachment.id == attachment_id)
        .order_by(AttachmentPage.page_no)
    ).all()
    row, level, unit_id, _page, _text, is_read, has_newer, progress = found[0]
    pages = [(page, text) for _, _, _, page, text, *_ in found if page is not None]
    return AttachmentRow(
        id=row.id,
        mail_id=row.mail_id,
        level=Confidentiality(level),
        kind=row.kind,
        version_no=row.version_no,
        reason=row.reason,
        filename=row.filename,
        media_type=row.media_type,
        is_signed=row.is_signed,
        has_signatures=is_to_check(row.kind, [page.media_type for page, _ in pages], is_signed=row.is_signed),
        has_original=row.digest is not None,
        is_read=is_read,
        is_latest=not has_newer,
        replaces_id=row.replaces_id,
        mail_unit_id=unit_id,
        pages=tuple(_page_row(page, text) for page, text in pages),
        progress=None if is_read else _progress(progress),
    )


def words(session: Session, attachment_id: int, page_no: int, actor: Actor) -> list[list[Any]]:
    """The words of a page with their boxes, ``[text, x, y, width, height, confidence]``; empty before the page is read.

    Raises:
        NotFound: ``attachment.unknown``, ``mail.unknown``.
    """
    row, _mail = _visible(session, attachment_id, actor)
    page = session.get(PageText, (row.id, page_no))
    return list(page.words) if page is not None else []


def _progress(said: str | None) -> tuple[int, int] | None:
    done, bar, total = (said or "").partition("/")
    return (int(done), int(total)) if bar else None


def _page_row(page: AttachmentPage, text: PageText | None) -> PageRow:
    if text is None:
        return PageRow(page.page_no, "", 0.0, "", (), False, page.rotation, has_programs(page.media_type))
    return PageRow(
        page.page_no, text.text, text.confidence, text.language, tuple(text.flags), True, page.rotation,
        has_programs(page.media_type),
    )  # fmt: skip


def _visible(session: Session, attachment_id: int, actor: Actor) -> tuple[Attachment, Mail]:
    row = session.get(Attachment, attachment_id)
    if row is None:
        raise NotFound("attachment.unknown", "reload the letter", id=attachment_id)
    mail = session.get_one(Mail, row.mail_id)
    if not access.may_see(session, mail.id, Confidentiality(mail.level), actor):
        # The same error as for a document that does not exist.
        raise NotFound("attachment.unknown", "reload the letter", id=attachment_id, refused=True)
    destroyed.require_readable(session, mail.id)
    return row, mail


def _rendition(session: Session, attachment_id: int, kind: str, page_no: int) -> Rendition | None:
    return session.scalar(
        select(Rendition).where(
            Rendition.attachment_id == attachment_id, Rendition.kind == kind, Rendition.page_no == page_no
        )
    )


def original(session: Session, attachment_id: int, actor: Actor) -> FileRow:
    """The original file, unchanged.

    Raises:
        NotFound: ``attachment.unknown``, ``mail.unknown``, ``document.no_original`` (a scan: its originals are pages).
    """
    row, mail = _visible(session, attachment_id, actor)
    if row.digest is None:
        raise NotFound("document.no_original", "open the searchable document or a single page", id=attachment_id)
    return _file(row, mail, Digest(row.digest), row.media_type, row.filename or "document", "original")


def original_page(session: Session, attachment_id: int, page_no: int, actor: Actor) -> FileRow:
    """The original file of one page, unchanged.

    Raises:
        NotFound: ``attachment.unknown``, ``mail.unknown``, ``document.page_unknown``.
    """
    row, mail = _visible(session, attachment_id, actor)
    page = session.get(AttachmentPage, (attachment_id, page_no))
    if page is None:
        raise NotFound("document.page_unknown", "choose a page of the document", id=attachment_id, page=page_no)
    name = f"page-{page_no}"
    return _file(row, mail, Digest(page.digest), page.media_type, name, "original_page", page_no)


def rendition(session: Session, attachment_id: int, kind: str, actor: Actor, *, page_no: int = 0) -> FileRow:
    """A rendition: ``page_image`` (of a page), ``thumbnail``, ``searchable_pdf``.

    Raises:
        NotFound: ``attachment.unknown``, ``mail.unknown``, ``document.not_read`` (not read yet, or no such page).
    """
    row, mail = _visible(session, attachment_id, actor)
    made = _rendition(session, attachment_id, kind, page_no)
    if made is None:
        raise NotFound("document.not_read", "wait until the document is read", id=attachment_id, page=page_no)
    stem = (row.filename.rpartition(".")[0] or row.filename) if row.filename else f"document-{row.id}"
    name = f"{stem}-p{page_no}" if page_no else stem
    return _file(row, mail, Digest(made.digest), made.media_type, name, kind, page_no)


def page_source(session: Session, attachment_id: int, page_no: int, actor: Actor) -> tuple[FileRow, PictureSource]:
    """The source for drawing a page before its rendition exists.

    Raises:
        NotFound: ``attachment.unknown``, ``mail.unknown``, ``document.page_unknown``.
    """
    row, mail = _visible(session, attachment_id, actor)
    page = session.get(AttachmentPage, (attachment_id, page_no))
    if page is None:
        raise NotFound("document.page_unknown", "choose a page of the document", id=attachment_id, page=page_no)
    digest = Digest(page.digest)
    picture = PictureSource(None, digest, page.media_type, page.page_index, page.rotation)
    return _file(row, mail, digest, "image/jpeg", f"page-{page_no}", "page_image", page_no), picture


def text_of(row: AttachmentRow, page_no: int) -> FileRow:
    """The access to a page's text, in the form of ``FileRow``, for the journal."""
    return FileRow(row.id, row.mail_id, row.level, Digest(""), "text/plain", "", "text", page_no)


def _file(
    row: Attachment, mail: Mail, digest: Digest, media_type: str, filename: str, form: str, page_no: int = 0
) -> FileRow:
    level = Confidentiality(mail.level)
    return FileRow(row.id, mail.id, level, digest, media_type, filename, form, page_no)


def record_opening(uow: UnitOfWork, file: FileRow, *, actor: Actor) -> None:
    """Record in the journal that a restricted or secret document was opened. Ordinary documents are not recorded."""
    if file.level >= Confidentiality.RESTRICTED:
        post = access.through(uow.session, file.mail_id, file.level, actor)
        uow.record(
            "document.opened", "mail", file.mail_id, actor=actor, post=post, attachment=file.attachment_id,
            form=file.form, page=file.page_no,
        )  # fmt: skip


def latest_document(session: Session, mail_id: MailId | int) -> AttachmentId | None:
    """The newest version of the letter's document; the caller has checked that the actor may see the letter."""
    found = session.scalar(
        select(Attachment.id)
        .where(Attachment.mail_id == mail_id, Attachment.kind == AttachmentKind.DOCUMENT)
        .order_by(Attachment.version_no.desc(), Attachment.id.desc())
        .limit(1)
    )
    return AttachmentId(found) if found is not None else None
