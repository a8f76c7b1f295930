"""A file that a person joins to a letter on its page, without a scan."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from ged.capture.files import Upload
from ged.capture.intake import document_of
from ged.errors import Forbidden, Invalid
from ged.ports import AttachmentId, MailId
from ged.register.models import Attachment, AttachmentKind, Mail
from ged.register.operations import attach, mail_to_change, working_post
from ged.register.states import MailState
from ged.unit import Actor, Role, UnitOfWork

CLOSED_TO_FILES = (MailState.DRAFT, MailState.IN_CIRCUIT, MailState.NUMBERED, MailState.VOIDED)
"""A draft has its own attachments; a void letter gets no more."""


def kinds(mail: Mail, actor: Actor) -> tuple[AttachmentKind, ...]:
    """What the actor may join to a letter: who works on it an annex, a clerk of its unit also the letter itself."""
    if mail.state in CLOSED_TO_FILES:
        return ()
    if any(Role.CLERK in post.roles and post.unit_id == mail.unit_id for post in actor.posts):
        return (AttachmentKind.ANNEX, AttachmentKind.DOCUMENT)
    try:
        working_post(mail, actor)
    except Forbidden:
        return ()
    return (AttachmentKind.ANNEX,)


def may_join(session: Session, mail_id: MailId, actor: Actor) -> bool:
    """Whether the actor may join anything. The caller has checked the access, and loaded the letter."""
    return bool(kinds(session.get_one(Mail, mail_id), actor))


def join_file(
    uow: UnitOfWork,
    mail_id: MailId | int,
    upload: Upload,
    *,
    kind: AttachmentKind,
    reason: str,
    actor: Actor,
    now: datetime,
) -> AttachmentId:
    """Join an inspected file. A second document is a new version of the first and needs a reason.

    Raises:
        NotFound: ``mail.unknown``.
        Forbidden: ``mail.file_forbidden``.
        Invalid: ``attachment.present``, ``attachment.reason``.
    """
    mail = mail_to_change(uow, mail_id, actor=actor)
    if kind not in kinds(mail, actor):
        raise Forbidden("mail.file_forbidden", "ask who works on the letter", id=mail.id)
    if (already := _with_file(uow.session, mail.id, kind, upload.digest)) is not None:
        raise Invalid("attachment.present", "choose another file", field="file", filename=already or upload.filename)
    present = document_of(uow, mail.id) if kind is AttachmentKind.DOCUMENT else None
    if present is not None and not reason.strip():
        raise Invalid("attachment.reason", "say why the document is replaced", field="reason")
    return attach(
        uow, mail.id, kind=kind, pages=upload.pages, media_type=upload.facts.media_type, actor=actor, now=now,
        filename=upload.filename, digest=upload.digest, size_bytes=upload.size_bytes, is_signed=upload.facts.signed,
        replaces=AttachmentId(present.id) if present is not None else None, reason=reason.strip(),
    )  # fmt: skip


def _with_file(session: Session, mail_id: int, kind: AttachmentKind, digest: str) -> str | None:
    """The name of the letter's attachment of this kind that is this file, in its newest version; None: there is none.

    An annex that is the letter itself, joined by mistake, can still become its document.
    """
    newer = aliased(Attachment)
    return session.scalar(
        select(Attachment.filename)
        .where(Attachment.mail_id == mail_id, Attachment.kind == kind, Attachment.digest == digest)
        .where(~exists().where(newer.replaces_id == Attachment.id))
        .limit(1)
    )
