"""Tables of rights by exception."""

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime
from ged.seconded import Seconded


class LetterException(Seconded, Base):
    """Somebody who works on a SECRET letter proposes that another person read it; a second one confirms. Then that person reads
    this letter, and changes nothing of it, up to ``until_on``."""

    __tablename__ = "letter_exceptions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    reason: Mapped[str] = mapped_column(String(500))
    until_on: Mapped[date] = mapped_column(index=True)
    """The last day, in the installation's zone."""
    behind: Mapped[list[int]] = mapped_column(JSON)
    """The humans behind who asked, by id: see ``ged.seconded.humans``."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the right was taken back, or the program noted that its last day is over."""
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """None: its last day was over."""


class ExceptionRequest(Base):
    """Somebody asks to read a letter by exception, and knows no more of it than a number."""

    __tablename__ = "exception_requests"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    number: Mapped[str] = mapped_column(String(64))
    """As typed."""
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), index=True)
    """None: no SECRET letter of the ministry bears the number. Who asks is not told."""
    reason: Mapped[str] = mapped_column(String(500))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody proposed the right, or set the request aside."""
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
