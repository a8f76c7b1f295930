"""Builds index documents of letters from the present state of SQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from ged import access, destroyed
from ged.org.models import Post
from ged.ports import AttachmentId, Confidentiality, IndexDocument, IndexedPage, MailId, Principal
from ged.register.models import Attachment, Mail, MailNumber, PageText, Register
from ged.reserve import queries as reserve
from ged.search.models import MarginNote, PageReadAgain


def index_document(
    session: Session, mail_id: MailId | int, *, version: int, units: tuple[str, ...]
) -> IndexDocument | None:
    """The document of one letter, or None when the letter does not exist; see ``index_documents``."""
    found = index_documents(session, {int(mail_id): version}, units={int(mail_id): units})
    return found[0] if found else None


def index_documents(
    session: Session, versions: Mapping[int, int], *, units: Mapping[int, Sequence[str]]
) -> list[IndexDocument]:
    """The documents of letters, in a constant number of queries; deleted letters are left out.

    SECRET letters, and letters whose files were destroyed, are indexed only by numbers, dates and principals.

    Args:
        versions: letter -> id of its job (for a rebuild: the latest job id): an older version never overwrites a newer.
        units: letter -> codes of the units that work on it.
    """
    # Columns, not objects: a whole archive comes through here.
    mails = session.execute(select(*(getattr(Mail, name) for name in _MAIL_COLUMNS)).where(Mail.id.in_(versions))).all()
    registers = dict(iter(session.execute(select(Register.id, Register.code))))
    numbers = _numbers(session, versions)
    principals = access.principals_of_many(session, versions)
    gone = destroyed.of_letters(session, [mail.id for mail in mails])
    indexed = [mail.id for mail in mails if mail.level != Confidentiality.SECRET and mail.id not in gone]
    pages = _pages(session, indexed)
    titles = _titles(session, mails)
    lines = reserve.texts_of(session, versions)
    documents, open_letters = [], frozenset(indexed)
    for mail in mails:
        seen_by = principals.get(mail.id, frozenset())
        bare = _bare(mail, versions[mail.id], seen_by, numbers.get(mail.id, ()), registers)
        if mail.id in lines:  # people find it by the number on their receipt too
            bare = replace(bare, numbers=(*bare.numbers, lines[mail.id]))
        if mail.id in open_letters:
            addressed = titles.get(mail.addressed_post_id or 0, "")
            bare = _with_text(mail, bare, tuple(units.get(mail.id, ())), addressed, tuple(pages.get(mail.id, ())))
        documents.append(bare)
    return documents


_MAIL_COLUMNS = (
    "id", "level", "direction", "state", "created_at", "written_on", "received_on", "due_on", "subject", "sender_name",
    "addressee", "their_reference", "nature", "priority", "addressed_post_id",
)  # fmt: skip
"""The columns of a letter that the index is told."""


def _numbers(session: Session, mail_ids: Collection[int]) -> Mapping[int, Sequence[Any]]:
    """The numbers of each letter, the first one first."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    rows = session.execute(
        select(MailNumber.mail_id, MailNumber.text, MailNumber.register_id, MailNumber.registered_at)
        .where(MailNumber.mail_id.in_(mail_ids))
        .order_by(MailNumber.id)
    )
    for row in rows:
        found[row.mail_id].append(row)
    return found


def _bare(
    mail: Row[Any],
    version: int,
    principals: frozenset[Principal],
    numbers: Sequence[Any],
    registers: Mapping[int, str],
) -> IndexDocument:
    return IndexDocument(
        mail_id=MailId(mail.id),
        version=version,
        level=Confidentiality(mail.level),
        principals=principals,
        numbers=tuple(n.text for n in numbers),
        registers=tuple(dict.fromkeys(registers[n.register_id] for n in numbers)),
        direction=mail.direction.value,
        state=mail.state.value,
        registered_at=numbers[0].registered_at if numbers else mail.created_at,
        written_on=mail.written_on,
        received_on=mail.received_on,
        due_on=mail.due_on,
    )


def _with_text(
    mail: Row[Any], bare: IndexDocument, units: tuple[str, ...], addressed: str, pages: tuple[IndexedPage, ...]
) -> IndexDocument:
    return replace(
        bare,
        subject=mail.subject,
        sender=mail.sender_name,
        addressee=mail.addressee or addressed,
        their_reference=mail.their_reference,
        nature=mail.nature,
        priority=mail.priority.value,
        units=units,
        pages=pages,
    )


def _pages(session: Session, mail_ids: Sequence[int]) -> Mapping[int, list[IndexedPage]]:
    found: defaultdict[int, list[IndexedPage]] = defaultdict(list)
    typed = notes_of(session, mail_ids)
    rows = session.execute(
        select(Attachment.mail_id, PageText.attachment_id, PageText.page_no, PageText.text, PageReadAgain.others)
        .join(Attachment, Attachment.id == PageText.attachment_id)
        .outerjoin(
            PageReadAgain,
            (PageReadAgain.attachment_id == PageText.attachment_id) & (PageReadAgain.page_no == PageText.page_no),
        )
        .where(Attachment.mail_id.in_(mail_ids))
        .order_by(PageText.attachment_id, PageText.page_no)
    )
    for mail_id, attachment_id, page_no, text, others in rows:
        whole = "\n".join((text, *typed.get((attachment_id, page_no), ())))
        found[mail_id].append(IndexedPage(AttachmentId(attachment_id), page_no, whole, others or ""))
    return found


def notes_of(session: Session, mail_ids: Collection[int]) -> Mapping[tuple[int, int], list[str]]:
    """(attachment, page) -> what people typed of the notes in its margins; dismissed ones are left out."""
    rows = session.execute(
        select(MarginNote.attachment_id, MarginNote.page_no, MarginNote.text)
        .join(Attachment, Attachment.id == MarginNote.attachment_id)
        .where(Attachment.mail_id.in_(mail_ids), MarginNote.text != "", ~MarginNote.is_dismissed)
        .order_by(MarginNote.attachment_id, MarginNote.page_no, MarginNote.y, MarginNote.id)
    )
    found: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for attachment_id, page_no, text in rows:
        found[attachment_id, page_no].append(text)
    return found


def _titles(session: Session, mails: Sequence[Row[Any]]) -> Mapping[int, str]:
    wanted = {mail.addressed_post_id for mail in mails if mail.addressed_post_id}
    if not wanted:
        return {}
    rows = session.execute(select(Post.id, Post.title).where(Post.id.in_(wanted)))
    return dict(iter(rows))
