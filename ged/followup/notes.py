"""Notes and questions on a letter. Who may see the letter reads and writes them; a question waits for its post.

The text stands in the journal too: it is part of the letter's history and of its case file.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ged import access, locks, paging
from ged.db import Id
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.followup.listing import holders
from ged.followup.models import LetterNote, Reminder
from ged.org.models import Person, Post, PostRole, Unit
from ged.paging import START, Place, Slice
from ged.ports import Confidentiality, MailId, post_principal
from ged.register.models import Direction, Mail
from ged.register.operations import mail_for
from ged.register.queries import first_numbers
from ged.register.words import is_told
from ged.routing.models import Assignment, Imputation
from ged.routing.rights import ENDED, HEADS
from ged.routing.states import LIVE, AssignmentState
from ged.unit import Actor, UnitOfWork

MAX_TEXT = 2_000
MAX_NOTES = 200
"""Notes and questions of a letter: its page shows them all."""
SENT_TWICE = timedelta(minutes=5)
"""An equal note within this time is one form that was sent twice: it is stored once."""


@dataclass(frozen=True)
class NoteRow:
    """A note on the letter's page.

    Attributes:
        to_post: the post that is asked; empty: no question. ``to_name``: who holds it.
        answer: of a question; None while it waits.
        may_answer: whether the actor may answer it now.
        is_reminder: a reminder to ``to_post``, a post or a unit; it has no text.
    """

    id: int
    person_name: str
    post_title: str
    text: str
    at: datetime
    to_post: str
    to_name: str
    answer: "NoteRow | None"
    may_answer: bool = False
    is_reminder: bool = False


@dataclass(frozen=True)
class Notes:
    """The notes of a letter. ``posts``: whom the actor may ask, as (id, title with holder and unit)."""

    rows: tuple[NoteRow, ...]
    posts: tuple[tuple[int, str], ...]
    may_write: bool


@dataclass(frozen=True)
class QuestionRow:
    """A question that waits, in a list; on a SECRET letter without its subject and text.

    ``asked_of``: title and holder of the post.
    """

    id: int
    mail_id: MailId
    number: str
    subject: str
    text: str
    by_name: str
    by_post: str
    asked_of: str
    at: datetime


# --- acts


def write(uow: UnitOfWork, mail_id: MailId, *, text: str, to_post_id: int | None, actor: Actor) -> int:
    """Write a note, or ask a post of the letter's path. The same note sent twice is written once.

    Raises:
        NotFound: ``mail.unknown``.
        Invalid: ``note.empty``, ``note.too_long``, ``note.not_on_path``, ``note.too_many``.
        InvalidTransition: ``mail.wrong_state``: closed or voided.
    """
    mail = _open(uow, mail_id, actor)
    said = _checked(text)
    if to_post_id is not None and to_post_id not in {one for one, _ in _askable(uow.session, mail, actor, _day(uow))}:
        raise Invalid("note.not_on_path", "choose from the list", field="to_post")
    same = _just_written(uow, mail.id, actor)
    if same is not None and (same.text, same.to_post_id) == (said, to_post_id):
        return same.id
    count = select(func.count(LetterNote.id)).where(LetterNote.mail_id == mail.id, LetterNote.answer_to_id.is_(None))
    if (uow.session.scalar(count) or 0) >= MAX_NOTES:
        raise Invalid("note.too_many", "write a letter or close this one", field="note", limit=MAX_NOTES)
    row = _add(uow, mail, said, actor, to_post_id=to_post_id)
    action = "mail.noted" if to_post_id is None else "mail.asked"
    uow.record(
        action, "mail", mail.id, actor=actor, post=access.through(uow.session, mail.id, Confidentiality(mail.level), actor),
        note_id=row.id, note=said, to_post=to_post_id,
    )  # fmt: skip
    return row.id


def answer(uow: UnitOfWork, mail_id: MailId, question_id: int, *, text: str, actor: Actor) -> int:
    """Answer a question, as the post that was asked.

    Raises:
        NotFound: ``mail.unknown``, ``note.unknown``.
        Forbidden: ``note.not_asked``.
        Invalid: ``note.empty``, ``note.too_long``.
        InvalidTransition: ``note.answered``; ``mail.wrong_state``.
    """
    mail = _open(uow, mail_id, actor)
    question = uow.session.get(LetterNote, question_id)
    if question is None or question.mail_id != mail.id or question.to_post_id is None:
        raise NotFound("note.unknown", "reload the letter", id=question_id)
    post = actor.holds(question.to_post_id)
    if post is None:
        raise Forbidden("note.not_asked", "write a note instead", id=question_id)
    if uow.session.scalar(select(LetterNote.id).where(LetterNote.answer_to_id == question.id)) is not None:
        raise InvalidTransition("note.answered", "read the answer", id=question_id)
    said = _checked(text)
    row = _add(uow, mail, said, actor, answer_to_id=question.id, post_id=post.post_id)
    uow.record(
        "mail.question_answered", "mail", mail.id, actor=actor, post=post, note_id=row.id, question=question.id, note=said
    )  # fmt: skip
    return row.id


def _open(uow: UnitOfWork, mail_id: MailId, actor: Actor) -> Mail:
    locks.hold(uow.session, Mail, [mail_id])
    mail = mail_for(uow, mail_id, actor=actor)
    if not _takes_notes(mail):
        raise InvalidTransition("mail.wrong_state", "reload the letter: it is closed", state=mail.state.value)
    return mail


def _takes_notes(mail: Mail) -> bool:
    return mail.direction is not Direction.OUTGOING and mail.state not in ENDED


def _checked(text: str) -> str:
    said = text.strip()
    if not said:
        raise Invalid("note.empty", "write something", field="note")
    if len(said) > MAX_TEXT:
        raise Invalid("note.too_long", "shorten it", field="note", limit=MAX_TEXT)
    return said


def _day(uow: UnitOfWork) -> date:
    return uow.now.astimezone(uow.services.zone).date()


def _just_written(uow: UnitOfWork, mail_id: int, actor: Actor) -> LetterNote | None:
    """The actor's last note on a letter, if it is recent."""
    return uow.session.scalars(
        select(LetterNote)
        .where(
            LetterNote.mail_id == mail_id, LetterNote.person_id == actor.person_id, LetterNote.answer_to_id.is_(None),
            LetterNote.at >= uow.now - SENT_TWICE,
        )
        .order_by(LetterNote.id.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip


def _add(
    uow: UnitOfWork,
    mail: Mail,
    text: str,
    actor: Actor,
    *,
    to_post_id: int | None = None,
    answer_to_id: int | None = None,
    post_id: int | None = None,
) -> LetterNote:
    through = access.through(uow.session, mail.id, Confidentiality(mail.level), actor) if post_id is None else None
    row = LetterNote(
        mail_id=mail.id,
        person_id=actor.person_id,
        post_id=through.post_id if through is not None else post_id,
        text=text,
        to_post_id=to_post_id,
        answer_to_id=answer_to_id,
        at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


# --- reading


def of_letter(session: Session, mail_id: MailId | int, actor: Actor, *, on: date | None = None) -> Notes:
    """The notes and reminders of a letter, the oldest first, each answer with its question. The caller has checked the access.

    Args:
        on: with a day, also who holds the posts that are asked, and whom the actor may ask; else one statement.
    """
    mail = session.get_one(Mail, mail_id)
    found = sorted(session.execute(_written(), {"mail_id": mail.id}), key=lambda row: (row.at, row.is_reminder, row.id))
    may_write = _takes_notes(mail)
    asked_posts = {row.to_post_id for row in found if row.to_post_id is not None and not row.is_reminder}
    held = holders(session, asked_posts, on=on) if on is not None else {}
    answers = {
        row.answer_to_id: NoteRow(row.id, row.person_name, row.post_title, row.text, row.at, "", "", None)
        for row in found
        if row.answer_to_id is not None
    }
    rows: list[NoteRow] = []
    for row in found:
        if row.answer_to_id is not None:
            continue
        reply = answers.get(row.id) if not row.is_reminder else None
        waits = may_write and row.to_post_id is not None and reply is None and not row.is_reminder
        rows.append(
            NoteRow(
                row.id, row.person_name, row.post_title, row.text, row.at, row.to_post, held.get(row.to_post_id, ""),
                reply, may_answer=waits and actor.holds(row.to_post_id) is not None, is_reminder=bool(row.is_reminder),
            )
        )  # fmt: skip
    return Notes(
        tuple(rows), tuple(_askable(session, mail, actor, on)) if may_write and on is not None else (), may_write
    )


@cache
def _written() -> CompoundSelect[Any]:
    """Notes and reminders of a letter (``mail_id``), in one statement: the letter's page is opened often."""
    asked, unit, mail_id = aliased(Post), aliased(Unit), bindparam("mail_id", type_=Id)
    noted = (
        select(
            literal(0).label("is_reminder"), LetterNote.id, LetterNote.at, Person.name.label("person_name"),
            func.coalesce(Post.title, "").label("post_title"), LetterNote.text, LetterNote.to_post_id,
            func.coalesce(asked.title, "").label("to_post"), LetterNote.answer_to_id,
        )
        .join(Person, Person.id == LetterNote.person_id)
        .outerjoin(Post, Post.id == LetterNote.post_id)
        .outerjoin(asked, asked.id == LetterNote.to_post_id)
        .where(LetterNote.mail_id == mail_id)
    )  # fmt: skip
    reminded = (
        select(
            literal(1), Reminder.id, Reminder.at, Person.name, Post.title, literal(""), Assignment.post_id,
            func.coalesce(asked.title, unit.name), null(),
        )
        .join(Person, Person.id == Reminder.by_person_id)
        .join(Post, Post.id == Reminder.by_post_id)
        .join(Assignment, Assignment.id == Reminder.assignment_id)
        .join(unit, unit.id == Assignment.unit_id)
        .outerjoin(asked, asked.id == Assignment.post_id)
        .where(Reminder.mail_id == mail_id)
    )  # fmt: skip
    return union_all(noted, reminded)


def _askable(session: Session, mail: Mail, actor: Actor, on: date) -> list[tuple[int, str]]:
    """The posts on a letter's path, but the actor's own: those that decided or gave it, have it, or head a unit of it.

    Above the ordinary level only those to whom the letter itself gives a right: others may not know of it.
    """
    given = Assignment.state.in_((*LIVE, AssignmentState.DONE))
    rows = session.execute(
        select(Assignment.unit_id, Assignment.post_id, Assignment.assigned_by_post_id)
        .where(Assignment.mail_id == mail.id, given)
    ).all()  # fmt: skip
    posts = {mail.addressed_post_id, *(row[1] for row in rows), *(row[2] for row in rows)}
    posts |= set(session.scalars(select(Imputation.post_id).where(Imputation.mail_id == mail.id)))
    units = {row[0] for row in rows}
    heading = select(PostRole.post_id).where(PostRole.role.in_(HEADS))
    found = list(
        session.scalars(
            select(Post).where(
                or_(
                    Post.id.in_({one for one in posts if one is not None}),
                    Post.unit_id.in_(units) & Post.id.in_(heading),
                )
            )
        ).unique()
    )
    if mail.level > Confidentiality.ORDINARY:
        granted = access.principals_of(session, mail.id)
        found = [one for one in found if post_principal(one.id) in granted]
    own = {post.post_id for post in actor.posts if post.because == "holder"}
    held = holders(session, {one.id for one in found}, on=on)
    askable = [(one.id, _post_text(one, held)) for one in found if one.id not in own]
    return sorted(askable, key=lambda pair: pair[1])


def _post_text(post: Post, held: dict[int, str]) -> str:
    name = f" ({held[post.id]})" if post.id in held else ""
    return f"{post.title}{name}, {post.unit.name}"


def count_questions(actor: Actor) -> Select[int]:
    """The statement that counts the questions that wait for an actor."""
    return select(func.count()).select_from(LetterNote).join(Mail, Mail.id == LetterNote.mail_id).where(_waits(actor))


def _waits(actor: Actor) -> ColumnElement[bool]:
    return LetterNote.to_post_id.in_(sorted(actor.post_ids)) & _is_open(actor)


def _is_open(actor: Actor) -> ColumnElement[bool]:
    reply = aliased(LetterNote)
    seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
    return ~exists().where(reply.answer_to_id == LetterNote.id) & Mail.state.not_in(ENDED) & seen


def questions(
    session: Session, actor: Actor, at: Place = START, *, on: date, limit: int, asked: bool = False
) -> tuple[list[QuestionRow], Slice]:
    """A page of the questions that wait for the actor, the oldest first; with ``asked`` those that the actor asked."""
    whose = (
        LetterNote.to_post_id.is_not(None) & (LetterNote.person_id == actor.person_id) & _is_open(actor)
        if asked
        else _waits(actor)
    )
    query = select(LetterNote.id).join(Mail, Mail.id == LetterNote.mail_id).where(whose)
    page = paging.read(session, query, LetterNote.id, at, limit=limit)
    return _question_rows(session, page.ids, on), page


def _question_rows(session: Session, ids: Iterable[int], on: date) -> list[QuestionRow]:
    by = aliased(Post)
    found = session.execute(
        select(LetterNote, Mail.subject, Mail.level, Person.name, by.title, Post.title)
        .join(Mail, Mail.id == LetterNote.mail_id)
        .join(Person, Person.id == LetterNote.person_id)
        .join(Post, Post.id == LetterNote.to_post_id)
        .outerjoin(by, by.id == LetterNote.post_id)
        .where(LetterNote.id.in_(list(ids)))
        .order_by(LetterNote.id)
    ).all()
    numbers = first_numbers(session, [row.mail_id for row, *_ in found])
    held = holders(session, {row.to_post_id for row, *_ in found if row.to_post_id is not None}, on=on)
    return [
        QuestionRow(
            row.id, MailId(row.mail_id), numbers.get(row.mail_id, ""),
            *((subject, row.text) if is_told(Confidentiality(level)) else ("", "")), name, by_title or "",
            f"{title} ({held[row.to_post_id]})" if row.to_post_id in held else title, row.at,
        )
        for row, subject, level, name, by_title, title in found
    ]  # fmt: skip
