"""What the index may know of a letter, read from SQL as it is now."""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.org.models import Post
from ged.ports import AttachmentId, Confidentiality, IndexDocument, IndexedPage, MailId
from ged.registry.models import Attachment, Mail, PageText, Register


def index_document(
    session: Session, mail_id: MailId | int, *, version: int, units: tuple[str, ...]
) -> IndexDocument | None:
    """The document of a letter, or None when there is none.

    SECRET letters are indexed by numbers, dates and principals only.

    Args:
        version: number of the job (or the latest one, for a rebuild): an older one never overwrites a newer.
        units: codes of the units that work on it.
    """
    mail = session.get(Mail, mail_id)
    if mail is None:
        return None
    level = Confidentiality(mail.level)
    registers = session.scalars(select(Register.code).where(Register.id.in_([n.register_id for n in mail.numbers])))
    document = IndexDocument(
        mail_id=MailId(mail.id),
        version=version,
        level=level,
        principals=access.principals_of(session, mail.id),
        numbers=tuple(n.text for n in mail.numbers),
        registers=tuple(registers),
        direction=mail.direction.value,
        state=mail.state.value,
        registered_at=mail.numbers[0].registered_at if mail.numbers else mail.created_at,
        written_on=mail.written_on,
        received_on=mail.received_on,
        due_on=mail.due_on,
    )
    return document if level is Confidentiality.SECRET else _with_text(session, mail, document, units)


def _with_text(session: Session, mail: Mail, bare: IndexDocument, units: tuple[str, ...]) -> IndexDocument:
    addressed = session.get(Post, mail.addressed_post_id) if mail.addressed_post_id else None
    texts = session.execute(
        select(PageText.attachment_id, PageText.page_no, PageText.text)
        .join(Attachment, Attachment.id == PageText.attachment_id)
        .where(Attachment.mail_id == mail.id)
        .order_by(PageText.attachment_id, PageText.page_no)
    )
    return replace(
        bare,
        subject=mail.subject,
        sender=mail.sender_name,
        addressee=mail.addressee or (addressed.title if addressed is not None else ""),
        their_reference=mail.their_reference,
        nature=mail.nature,
        priority=mail.priority.value,
        units=units,
        pages=tuple(IndexedPage(AttachmentId(a), n, text) for a, n, text in texts),
    )
