"""The table of registers that wait after a restore."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime, only_where


class RegisterHold(Base):
    """A register that waits, in one year (0: it never restarts), for the last number on paper. A released row stays: it says
    which numbers were lost."""

    __tablename__ = "register_holds"
    __table_args__ = (
        Index("ux_register_holds_open", "register_id", "year", unique=True, **only_where("released_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    year: Mapped[int] = mapped_column(Integer)
    copied_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """The moment of the copy: whatever was numbered since may be lost."""
    restored_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_number_id: Mapped[int | None] = mapped_column(Id)
    """The highest id of a number in the copy. Labels on paper may bear a higher one that is given again (see
    ``queries.may_be_of_the_lost``)."""
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    from_sequence: Mapped[int | None] = mapped_column(Integer)
    """The counter at the release."""
    told_sequence: Mapped[int | None] = mapped_column(Integer)
    """The last number on paper. The numbers behind ``from_sequence`` up to this one are lost; none when both are equal."""
