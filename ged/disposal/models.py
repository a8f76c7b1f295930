"""Tables of the slips of disposal."""

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime, only_where
from ged.seconded import Seconded


class Disposal(Seconded, Base):
    """A list of letters that one person proposes to eliminate, as it was frozen then, and the decision of a second person."""

    __tablename__ = "disposals"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    """The letters are this unit's, or of the units below it."""
    reason: Mapped[str] = mapped_column(String(300))
    """The rule or the visa on which it rests."""
    count: Mapped[int] = mapped_column(Integer)
    content_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the list: see ``ged.disposal.lists.digest_of``."""
    behind: Mapped[list[int]] = mapped_column(JSON)
    """The humans behind who asked, by id: see ``ged.seconded.humans``."""


class DisposalLine(Base):
    """A letter on a slip of disposal."""

    __tablename__ = "disposal_lines"

    disposal_id: Mapped[int] = mapped_column(ForeignKey("disposals.id"), primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True, index=True)
    number: Mapped[str] = mapped_column(String(64))
    closed_on: Mapped[date]
    kept_until: Mapped[date]
    """The last day of the time of keeping, as the letter's nature gave it then."""
    final_act: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """What becomes of the letter's files (``ged.natures.models.FinalAct``), as its nature gave it then."""


class LetterHold(Base):
    """A head's word that a letter is on no slip of disposal, until it is lifted: a lawsuit, an inquiry, an audit."""

    __tablename__ = "letter_holds"
    __table_args__ = (Index("uq_letter_holds_open", "mail_id", unique=True, **only_where("lifted_at IS NULL")),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    reason: Mapped[str] = mapped_column(String(300))
    held_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    held_at: Mapped[datetime] = mapped_column(UtcDateTime)
    held_unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    """The highest unit that the holder spoke for; None: of a hold of a release that did not note it."""
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
