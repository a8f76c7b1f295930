"""Notes beside the pages of a letter in the circuit: each is attached to a page and, optionally, to a spot on it.

Notes are stored in their own table, and never typeset, printed or signed. Only members of the circuit see them - its
posts, people acting for these, and the author's side - not everybody who may see the letter.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.ports import MailId
from ged.register.models import Attachment
from ged.register.states import MailState
from ged.signbook import book
from ged.signbook.models import Annotation, Draft, NoticeKind
from ged.unit import Actor, HeldPost, UnitOfWork

MAX_TEXT = 1000
MAX_NOTES = 200
WHOLE = 1000
"""A page's width and height in the unit of spots: thousandths, from the upper left corner."""
_OPEN = (MailState.DRAFT, MailState.IN_CIRCUIT)


@dataclass(frozen=True)
class Spot:
    """A place on the pages. ``x`` and ``y`` in thousandths of the page; both None: the whole page."""

    page_no: int
    x: int | None = None
    y: int | None = None


@dataclass(frozen=True)
class AnnotationRow:
    """A note as shown to the circuit. ``is_current``: it is on the version that the pages show now."""

    id: int
    number: int
    spot: Spot
    version_no: int
    is_current: bool
    text: str
    by: str
    post: str
    at: datetime
    answer: str
    answered_by: str
    resolved_at: datetime | None


@dataclass(frozen=True)
class Margin:
    """The notes of a letter, and what the actor may do with them; empty for people outside the circuit."""

    notes: tuple[AnnotationRow, ...] = ()
    may_annotate: bool = False
    may_answer: bool = False


def part_in(draft: Draft, actor: Actor) -> HeldPost | None:
    """The post through which an actor belongs to the circuit: a step's, the signatory's, or the author's side."""
    for post_id in [*(step.post_id for step in draft.steps), draft.signatory_post_id]:
        held = actor.holds(post_id) if post_id is not None else None
        if held is not None:
            return held
    return _author(draft, actor)


def _author(draft: Draft, actor: Actor) -> HeldPost | None:
    try:
        return book.author_post(draft, actor)
    except Forbidden:
        return None


# --- writing ------------------------------------------------------------------------------------------------------


def annotate(uow: UnitOfWork, mail_id: MailId | int, spot: Spot, text: str, *, version_no: int, actor: Actor) -> int:
    """Add a note to the pages shown; the author is notified. Pages that others have open do not become stale.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``annotation.not_in_circuit``.
        InvalidTransition: ``annotation.not_open``: the letter is not in the circuit.
        StaleVersion: ``draft.changed``.
        Invalid: ``annotation.empty``, ``annotation.too_long``, ``annotation.too_many``, ``annotation.place``.
    """
    draft = book.locked(uow, mail_id, actor)
    post = part_in(draft, actor)
    if post is None:
        raise Forbidden("annotation.not_in_circuit", "only those of the circuit annotate", id=draft.mail_id)
    if draft.mail.state is not MailState.IN_CIRCUIT or draft.way is not None:
        raise InvalidTransition("annotation.not_open", "the letter is not in the circuit", id=draft.mail_id)
    if draft.version_no != version_no:
        raise StaleVersion("draft.changed", "read the letter again: it changed since", id=draft.mail_id)
    _check_place(uow.session, draft, spot)
    row = Annotation(
        mail_id=draft.mail_id,
        version_no=version_no,
        page_no=spot.page_no,
        x_permille=spot.x,
        y_permille=spot.y,
        text=_text(text, "note"),
        person_id=actor.person_id,
        person_name=actor.name,
        post_title=post.title,
        at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    # Without the text: people outside the circuit read the journal.
    uow.record("signbook.annotated", "mail", draft.mail_id, actor=actor, post=post, note=row.id, page=spot.page_no)
    book.tell(uow, draft, draft.mail.author_person_id, NoticeKind.ANNOTATED, actor=actor, text=row.text)
    return row.id


def _check_place(session: Session, draft: Draft, spot: Spot) -> None:
    pages = session.scalar(select(Attachment.page_count).where(Attachment.id == draft.preview_id)) or 0
    both = (spot.x is None) == (spot.y is None)
    inside = all(value is None or 0 <= value <= WHOLE for value in (spot.x, spot.y))
    if not 1 <= spot.page_no <= pages or not both or not inside:
        raise Invalid("annotation.place", "choose a page of the letter", field="page_no")
    if len(_notes_of(session, draft)) >= MAX_NOTES:
        raise Invalid("annotation.too_many", "settle some first", field="note", limit=MAX_NOTES)


def _text(text: str, field: str) -> str:
    if not text.strip():
        raise Invalid("annotation.empty", "write something", field=field)
    if len(text) > MAX_TEXT:
        raise Invalid("annotation.too_long", "shorten it", field=field, limit=MAX_TEXT)
    return text.strip()


def answer(uow: UnitOfWork, mail_id: MailId | int, note_id: int, text: str, *, actor: Actor) -> None:
    """Store the author's answer to a note; the note's writer is notified.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``, ``annotation.unknown``.
        Forbidden: ``draft.not_author``.
        InvalidTransition: ``annotation.not_open``: the letter has its number, or the note is settled.
        Invalid: ``annotation.empty``, ``annotation.too_long``.
    """
    draft, post, row = _for_author(uow, mail_id, note_id, actor)
    row.answer, row.answered_by_name, row.answered_at = _text(text, "answer"), actor.name, uow.now
    uow.record("signbook.note_answered", "mail", draft.mail_id, actor=actor, post=post, note=row.id)
    book.tell(uow, draft, row.person_id, NoticeKind.NOTE_ANSWERED, actor=actor, text=row.answer)


def resolve(uow: UnitOfWork, mail_id: MailId | int, note_id: int, *, actor: Actor) -> None:
    """Mark a note as settled, by the author.

    Raises:
        NotFound, Forbidden, InvalidTransition: as ``answer``.
    """
    draft, post, row = _for_author(uow, mail_id, note_id, actor)
    row.resolved_at = uow.now
    uow.record("signbook.note_resolved", "mail", draft.mail_id, actor=actor, post=post, note=row.id)


def _for_author(
    uow: UnitOfWork, mail_id: MailId | int, note_id: int, actor: Actor
) -> tuple[Draft, HeldPost, Annotation]:
    draft = book.locked(uow, mail_id, actor)
    post = book.author_post(draft, actor)
    row = uow.session.get(Annotation, note_id)
    if row is None or row.mail_id != draft.mail_id:
        raise NotFound("annotation.unknown", "reload the page", id=note_id)
    if draft.mail.state not in _OPEN or row.resolved_at is not None:
        raise InvalidTransition("annotation.not_open", "it is settled, or the letter is confirmed", id=note_id)
    return draft, post, row


# --- reading ------------------------------------------------------------------------------------------------------


def margin(session: Session, mail_id: MailId | int, actor: Actor) -> Margin:
    """The notes of a letter, in the order of its pages; empty for people outside the circuit who may see the letter.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    draft = book.require(session, mail_id, actor)
    if part_in(draft, actor) is None:
        return Margin()
    return Margin(
        notes=tuple(
            _annotation_row(draft, row, number) for number, row in enumerate(_notes_of(session, draft), start=1)
        ),
        may_annotate=draft.mail.state is MailState.IN_CIRCUIT and draft.way is None,
        may_answer=draft.mail.state in _OPEN and _author(draft, actor) is not None,
    )


def _notes_of(session: Session, draft: Draft) -> list[Annotation]:
    query = select(Annotation).where(Annotation.mail_id == draft.mail_id)
    return list(session.scalars(query.order_by(Annotation.version_no, Annotation.page_no, Annotation.id)))


def _annotation_row(draft: Draft, row: Annotation, number: int) -> AnnotationRow:
    return AnnotationRow(
        id=row.id,
        number=number,
        spot=Spot(row.page_no, row.x_permille, row.y_permille),
        version_no=row.version_no,
        is_current=row.version_no == draft.preview_version_no,
        text=row.text,
        by=row.person_name,
        post=row.post_title,
        at=row.at,
        answer=row.answer,
        answered_by=row.answered_by_name,
        resolved_at=row.resolved_at,
    )
