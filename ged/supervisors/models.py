"""The table of the acts that name supervisors."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class Supervisor(Base):
    """An act that makes a person, or whoever holds a post, supervisor of a branch of the tree: they see its figures, and no letter by it."""

    __tablename__ = "supervisors"
    __table_args__ = (CheckConstraint("(person_id IS NULL) <> (post_id IS NULL)", name="one_of_two"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    """The unit at the top of the branch."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), index=True)
    act: Mapped[str] = mapped_column(String(200))
    """Number and date of the act, as typed."""
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    """The last day; None: until it is ended."""
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_act: Mapped[str] = mapped_column(String(200))
    """The act that ended it before its last day; empty: none did."""
