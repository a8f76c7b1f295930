"""The versions of a letter's text, two of them compared, and what a person typed compared with the present one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import destroyed
from ged.errors import NotFound
from ged.org.models import Person
from ged.ports import AttachmentId, MailId
from ged.register.documents import latest_document
from ged.register.models import Attachment
from ged.signbook import book, drafts
from ged.signbook.drafts import DraftForm
from ged.signbook.models import DraftVersion
from ged.unit import Actor
from ged.writing.compare import Part, compare


@dataclass(frozen=True)
class VersionRow:
    """A version: who saved it, and when."""

    no: int
    by: str
    at: datetime


@dataclass(frozen=True)
class Compared:
    """Two contents side by side; ``after`` is None for what is typed and not saved."""

    before: VersionRow
    after: VersionRow | None
    parts: tuple[Part, ...]

    @property
    def is_changed(self) -> bool:
        """Whether anything differs."""
        return any(part.is_changed for part in self.parts)


@dataclass(frozen=True)
class PagesBeside:
    """The pages of the letter that is answered."""

    attachment_id: AttachmentId
    page_count: int


def versions(session: Session, mail_id: MailId | int, actor: Actor) -> tuple[VersionRow, ...]:
    """The versions of a letter that the actor may see, the latest first.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    book.require(session, mail_id, actor)
    rows = session.execute(
        select(DraftVersion.version_no, Person.name, DraftVersion.written_at)
        .join(Person, Person.id == DraftVersion.written_by_id)
        .where(DraftVersion.mail_id == mail_id)
        .order_by(DraftVersion.version_no.desc())
    )
    return tuple(VersionRow(no, by, at) for no, by, at in rows)


def compared(session: Session, mail_id: MailId | int, before: int, after: int, *, actor: Actor) -> Compared:
    """Two versions side by side, the earlier first.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``, ``draft.no_version``.
    """
    rows = {row.no: row for row in versions(session, mail_id, actor)}
    first, second = sorted((before, after))
    for no in (first, second):
        if no not in rows:
            raise NotFound("draft.no_version", "choose versions of the list", version=no)
    draft = book.require(session, mail_id, actor)
    contents = [book.content_of(session, draft, no) for no in (first, second)]
    return Compared(rows[first], rows[second], compare(*contents))


def beside_typed(session: Session, mail_id: MailId | int, form: DraftForm, *, actor: Actor) -> Compared:
    """The present version beside what the actor typed and could not save.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Invalid: as ``drafts.save``: what is typed cannot be read.
    """
    draft = book.require(session, mail_id, actor)
    present = next(row for row in versions(session, mail_id, actor) if row.no == draft.version_no)
    content = book.content_of(session, draft)
    return Compared(present, None, compare(content, drafts.as_typed(content, form)))


def pages_beside(session: Session, answered_id: MailId | int) -> PagesBeside | None:
    """The pages of the answered letter, which the caller has found visible; None: it has no document with pages, or was destroyed."""
    if destroyed.of_letter(session, int(answered_id)) is not None:
        return None
    attachment_id = latest_document(session, answered_id)
    count = session.scalar(select(Attachment.page_count).where(Attachment.id == attachment_id)) or 0
    return PagesBeside(attachment_id, count) if attachment_id is not None and count else None
