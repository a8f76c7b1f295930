"""Tables of the follow-up."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class Reminder(Base):
    """A reminder of an assignment that waits. There is at most one a day; it is never changed."""

    __tablename__ = "reminders"
    __table_args__ = (UniqueConstraint("assignment_id", "reminded_on"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    reminded_on: Mapped[date]
    """The day in the installation's zone."""
    by_person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    by_post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    """The post that gave the letter or heads the unit, also when its secretary acted."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LetterNote(Base):
    """A note on a letter, by somebody who may see it: a remark, a question to a post, or the answer to a question.

    It is never changed nor deleted: who wants to correct it writes another.
    """

    __tablename__ = "letter_notes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    """The post through which the writer sees the letter."""
    text: Mapped[str] = mapped_column(Text)
    to_post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), index=True)
    """A question: the post that is asked. It waits until a note answers it."""
    answer_to_id: Mapped[int | None] = mapped_column(ForeignKey("letter_notes.id"), unique=True)
    """An answer: its question."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
