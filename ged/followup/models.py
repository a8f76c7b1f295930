"""Tables of the follow-up."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
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
