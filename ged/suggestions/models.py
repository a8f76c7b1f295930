"""Tables of automatic readings, comparisons and models. They have no version, and raise none."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Code, Id, UtcDateTime


class ScanPageReading(Base):
    """The reading of a waiting scan's page, before its letter has a number. Access as for the scan; deleted later."""

    __tablename__ = "scan_page_readings"

    scan_page_id: Mapped[int] = mapped_column(ForeignKey("scan_pages.id"), primary_key=True)
    rotation: Mapped[int] = mapped_column(Integer)
    """The page's rotation by a person; after another rotation the page is read again."""
    text: Mapped[str] = mapped_column(Text)
    confidence: Mapped[float] = mapped_column(Float)
    flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ScanPageField(Base):
    """A field found on a page of a waiting scan; the box is in fractions of the page as it is shown."""

    __tablename__ = "scan_page_fields"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scan_page_id: Mapped[int] = mapped_column(ForeignKey("scan_pages.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(Text)
    x: Mapped[float] = mapped_column(Float)
    y: Mapped[float] = mapped_column(Float)
    width: Mapped[float] = mapped_column(Float)
    height: Mapped[float] = mapped_column(Float)
    confidence: Mapped[float] = mapped_column(Float)


class AttachmentField(Base):
    """A field found on a page of an attachment (``ged.ports.FieldReading``)."""

    __tablename__ = "attachment_fields"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(Text)
    page_no: Mapped[int] = mapped_column(Integer)
    x: Mapped[float] = mapped_column(Float)
    y: Mapped[float] = mapped_column(Float)
    width: Mapped[float] = mapped_column(Float)
    height: Mapped[float] = mapped_column(Float)
    confidence: Mapped[float] = mapped_column(Float)


class LetterSketch(Base):
    """The sketch of a letter's first page, for comparison with later letters. The text cannot be recovered from it."""

    __tablename__ = "letter_sketches"

    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"), primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    image_hash: Mapped[str] = mapped_column(String(64), default="")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SketchBand(Base):
    """One band key of a sketch: two pages that share a key are compared in full."""

    __tablename__ = "sketch_bands"
    __table_args__ = (Index("ix_sketch_bands_band_no_value", "band_no", "value"),)

    attachment_id: Mapped[int] = mapped_column(ForeignKey("letter_sketches.attachment_id"), primary_key=True)
    band_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class Lookalike(Base):
    """A waiting scan, or a letter, that resembles an earlier letter: probably sent again. Scores are 0..1."""

    __tablename__ = "lookalikes"
    __table_args__ = (UniqueConstraint("scan_id", "other_mail_id"), UniqueConstraint("mail_id", "other_mail_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("scans.id"))
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"))
    other_mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    text_score: Mapped[float] = mapped_column(Float)
    image_score: Mapped[float] = mapped_column(Float)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Lesson(StrEnum):
    """What is learned from the register."""

    NATURE = "nature"
    UNIT = "unit"
    CORRESPONDENT = "correspondent"


class LearnedVersion(Base):
    """A model trained on the register, with its figures on held-out letters.

    ``digest`` identifies its bytes (``ged.suggestions.linear``); None when training was impossible (``reason``), or
    after newer versions replaced it.
    """

    __tablename__ = "learned_versions"
    __table_args__ = (Index("ix_learned_versions_lesson_id", "lesson", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    lesson: Mapped[Lesson] = mapped_column(Code(Lesson))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(32), default="")
    """Why nothing is proposed: ``too_few_letters``, ``too_few_choices``, ``too_unsure``."""
    letters: Mapped[int] = mapped_column(Integer, default=0)
    choices: Mapped[int] = mapped_column(Integer, default=0)
    threshold: Mapped[float] = mapped_column(Float, default=1.0)
    held_out: Mapped[int] = mapped_column(Integer, default=0)
    """Number of the newest letters, held out for the measurement."""
    correct: Mapped[int] = mapped_column(Integer, default=0)
    """Held-out letters whose first choice was right, at any confidence."""
    proposed: Mapped[int] = mapped_column(Integer, default=0)
    """Held-out letters with enough confidence for a proposal."""
    proposed_correct: Mapped[int] = mapped_column(Integer, default=0)
    most_frequent: Mapped[int] = mapped_column(Integer, default=0)
    """Held-out letters that would be right if the most frequent choice were always proposed."""
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
