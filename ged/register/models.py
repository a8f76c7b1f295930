"""Tables of the register. Rows edited by people have a version; jobs write into separate tables."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ged.db import Base, Code, Id, UtcDateTime, only_where
from ged.org.models import Unit
from ged.ports import Confidentiality
from ged.register.numbering import number_key
from ged.register.states import MailState


class Direction(StrEnum):
    """The direction of a letter."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    INTERNAL = "internal"


class RegisterNature(StrEnum):
    """What a register numbers."""

    ARRIVAL = "arrivee"
    DEPARTURE = "depart"
    INTERNAL = "interne"
    ENVELOPE = "pli_ferme"
    SLIP = "bordereau"
    NOTE = "note_service"
    DECISION = "decision"
    ARCHIVE = "archive"
    """An imported paper book: letters keep the book's numbers and days; the sequence counts the imported letters."""


class Channel(StrEnum):
    """How a letter came or left."""

    HAND = "hand"
    POST = "post"
    RECORDED_DELIVERY = "recorded_delivery"
    EMAIL = "email"
    COURIER = "courier"
    FAX = "fax"


class Priority(StrEnum):
    """The urgency of a letter."""

    NORMAL = "normal"
    URGENT = "urgent"
    VERY_URGENT = "very_urgent"


class AttachmentKind(StrEnum):
    """The kind of an attachment."""

    DOCUMENT = "document"
    """The letter itself as received (scan or file)."""
    ANNEX = "annex"
    PROOF = "proof"
    """Annotated sheet, signed printed slip, discharge."""
    RENDERED = "rendered"
    """Outgoing letter as typeset for the signature book."""
    SIGNED = "signed"
    """Outgoing letter as signed: the reference copy."""


class Register(Base):
    """A numbered book of a unit."""

    __tablename__ = "registers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    direction: Mapped[Direction] = mapped_column(Code(Direction))
    nature: Mapped[RegisterNature] = mapped_column(Code(RegisterNature))
    pattern: Mapped[str] = mapped_column(String(64))
    restarts_yearly: Mapped[bool] = mapped_column(Boolean, default=True)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unit: Mapped[Unit] = relationship(lazy="joined")


class RegisterCounter(Base):
    """The row from which numbers are allocated, locked until the commit. ``year`` 0: no yearly restart."""

    __tablename__ = "register_counters"

    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"), primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    opening_sequence: Mapped[int] = mapped_column(Integer, default=0)
    """Last number of the paper book that this register continues."""
    opening_reason: Mapped[str] = mapped_column(String(300), default="")
    last_sequence: Mapped[int] = mapped_column(Integer, default=0)
    last_on: Mapped[date | None]


def _key_of_text(context: DefaultExecutionContext) -> str:
    given: Mapping[str, Any] = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return number_key(given["text"])


class MailNumber(Base):
    """A number of a letter, a sealed envelope or a slip. Never deleted, never changed; voided with a reason."""

    __tablename__ = "mail_numbers"
    __table_args__ = (
        UniqueConstraint("register_id", "year", "sequence"),
        Index("ix_mail_numbers_text", "text"),
        Index("ix_mail_numbers_text_key", "text_key"),
        Index("ix_mail_numbers_voided", "register_id", "voided_at", **only_where("voided_at IS NOT NULL")),
        CheckConstraint("slip_id IS NULL OR (mail_id IS NULL AND envelope_id IS NULL)", name="one_subject"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    year: Mapped[int] = mapped_column(Integer)
    sequence: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(String(64))
    text_key: Mapped[str] = mapped_column(String(128), default=_key_of_text, server_default="")
    """``number_key`` of the text; empty for a number given by the previous release during an upgrade."""
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    registered_on: Mapped[date] = mapped_column(index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), index=True)
    envelope_id: Mapped[int | None] = mapped_column(ForeignKey("sealed_envelopes.id"), index=True)
    slip_id: Mapped[int | None] = mapped_column(Id, ForeignKey("slips.id", use_alter=True), index=True)
    """The two tables refer to each other: so this key is added (``use_alter``) once both tables exist."""
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    void_reason: Mapped[str] = mapped_column(String(500), default="")
    register: Mapped[Register] = relationship(lazy="joined")
    """No inner join, although it is always there: behind an optional number, SQLite would first join all numbers."""


class ClosingPeriod(StrEnum):
    """The period of a closing."""

    DAY = "day"
    YEAR = "year"


class RegisterClosing(Base):
    """A closed span of a register: no number can be given in it any more. Rows are never changed.

    Spans have no gaps: a closing covers all days since the previous closing. ``seal`` is the installation's Ed25519
    signature (hex) over ``ged.closing.operations.sealed_body``, which names the previous closing.
    """

    __tablename__ = "register_closings"
    __table_args__ = (UniqueConstraint("register_id", "period", "sequence"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    period: Mapped[ClosingPeriod] = mapped_column(Code(ClosingPeriod))
    sequence: Mapped[int] = mapped_column(Integer)
    from_on: Mapped[date]
    until_on: Mapped[date]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    """Digest of the PDF/A that lists numbers, voids, rectifications and digests."""
    content_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the listed data in canonical JSON: the same rows give the same hash."""
    previous_digest: Mapped[str | None] = mapped_column(String(64))
    seal: Mapped[str] = mapped_column(String(128))
    number_count: Mapped[int] = mapped_column(Integer)
    void_count: Mapped[int] = mapped_column(Integer)
    rectification_count: Mapped[int] = mapped_column(Integer)
    closed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """None: the nightly job."""
    lines_kept: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether ``closing_lines`` stores the listed corrections. Closings of old releases listed them by time only."""


class ClosingLine(Base):
    """A void (without ``rectification_id``) or a rectification in a closing; each is in only one. Written once.

    A rectification of a letter with numbers in two registers is in a closing of each register.
    """

    __tablename__ = "closing_lines"
    __table_args__ = (
        Index("ux_closing_lines_void", "number_id", unique=True, **only_where("rectification_id IS NULL")),
        UniqueConstraint("rectification_id", "number_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    closing_id: Mapped[int] = mapped_column(ForeignKey("register_closings.id"), index=True)
    number_id: Mapped[int] = mapped_column(ForeignKey("mail_numbers.id"))
    rectification_id: Mapped[int | None] = mapped_column(ForeignKey("rectifications.id"))


class ClosingRevision(Base):
    """The closing's PDF/A with the institution's seal, and each later revision. Each begins with the bytes of the
    closing's own PDF/A. Written once."""

    __tablename__ = "closing_revisions"
    __table_args__ = (UniqueConstraint("closing_id", "sequence"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    closing_id: Mapped[int] = mapped_column(ForeignKey("register_closings.id"))
    sequence: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    level: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Correspondent(Base):
    """An outside person or organisation (or an entity) with whom letters are exchanged, in one entity's directory.

    Other entities can read shared entries; no entity changes another's entry.
    """

    __tablename__ = "correspondents"
    __table_args__ = (
        # One entry for each name in a directory, also in the common stock: for a unique key, NULLs all differ.
        UniqueConstraint("entity_id", "folded_name"),
        Index(
            "uq_correspondents_common_folded_name",
            "folded_name",
            unique=True,
            sqlite_where=text("entity_id IS NULL"),
            postgresql_where=text("entity_id IS NULL"),
        ),
        Index("ix_correspondents_folded_name", "folded_name"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    entity_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    """The entity of the directory; None: the installation's common stock (from the organisation file)."""
    is_shared: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Other entities see the entry too. All entities see the common stock."""
    name: Mapped[str] = mapped_column(String(200), index=True)
    folded_name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(32), default="")
    address: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(String(200), default="")
    email_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the address was replaced by another: the next dispatch shows it for confirmation."""
    email_changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    phone: Mapped[str] = mapped_column(String(50), default="")
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("correspondents.id"), index=True)
    """The entry of which this is a double: it is shown and chosen instead, with the letters of both."""
    merged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class FilingClass(Base):
    """A class of the filing plan. A closed one keeps its letters and takes no more."""

    __tablename__ = "filing_classes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    is_closed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())


class Mail(Base):
    """A letter: incoming, outgoing or internal. One table, any number of registers."""

    __tablename__ = "mails"
    __table_args__ = (
        Index("ix_mails_state_due_on", "state", "due_on"),
        Index("ix_mails_unit_id_direction_id", "unit_id", "direction", "id"),
        Index("ix_mails_sender_id_id", "sender_id", "id"),
        CheckConstraint("level BETWEEN 0 AND 2", name="level"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    direction: Mapped[Direction] = mapped_column(Code(Direction))
    state: Mapped[MailState] = mapped_column(Code(MailState), index=True)
    level: Mapped[int] = mapped_column(Integer, default=int(Confidentiality.ORDINARY))
    nature: Mapped[str] = mapped_column(String(32), default="")
    channel: Mapped[Channel] = mapped_column(Code(Channel), default=Channel.HAND)
    priority: Mapped[Priority] = mapped_column(Code(Priority), default=Priority.NORMAL)
    subject: Mapped[str] = mapped_column(Text, default="")
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("correspondents.id"))
    sender_name: Mapped[str] = mapped_column(String(200), default="")
    addressee: Mapped[str] = mapped_column(String(300), default="")
    their_reference: Mapped[str] = mapped_column(String(100), default="")
    written_on: Mapped[date | None]
    received_on: Mapped[date | None]
    enclosure_count: Mapped[int] = mapped_column(Integer, default=0)
    enclosure_note: Mapped[str] = mapped_column(String(300), default="")
    due_on: Mapped[date | None]
    due_from: Mapped[date | None]
    """The origin of ``due_on``, which is ``due_days`` working days later. For a typed date: that date, and 0 days."""
    due_days: Mapped[int | None] = mapped_column(Integer)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    """The unit that registered or writes it."""
    responsible_unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    addressed_post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), index=True)
    """The authority in whose queue 'à imputer' the letter waits."""
    author_person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    author_post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), index=True)
    filing_class_id: Mapped[int | None] = mapped_column(ForeignKey("filing_classes.id"))
    outcome: Mapped[str] = mapped_column(Text, default="")
    request_token: Mapped[str | None] = mapped_column(String(43), unique=True)
    """Token of the form that registered the letter: a form sent twice registers one letter."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)
    sender: Mapped[Correspondent | None] = relationship(lazy="joined")
    numbers: Mapped[list[MailNumber]] = relationship(order_by="MailNumber.id", lazy="selectin", viewonly=True)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


REPLY = "reply_to"
"""The kind of a link from an answer to the letter that it answers."""


class MailLink(Base):
    """A link between two letters: ``REPLY``, ``reminder_of``, ``related``."""

    __tablename__ = "mail_links"
    __table_args__ = (UniqueConstraint("from_id", "to_id", "kind"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    from_id: Mapped[int] = mapped_column(ForeignKey("mails.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))


class SealedEnvelope(Base):
    """A closed envelope. Only its outside is known: no subject, no scan, no text."""

    __tablename__ = "sealed_envelopes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    arrived_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sender_name: Mapped[str] = mapped_column(String(200), default="")
    addressed_post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), index=True)
    marks: Mapped[str] = mapped_column(String(300), default="")
    kind: Mapped[str] = mapped_column(String(32), default="confidentiel")
    count: Mapped[int] = mapped_column(Integer, default=1)
    state: Mapped[str] = mapped_column(String(32), default="waiting")
    """``waiting`` -> ``kept_sealed`` | ``opened`` (scanned at the addressee's desk) | ``returned`` as ordinary."""
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), index=True)
    request_token: Mapped[str | None] = mapped_column(String(43), unique=True)
    """Token of the form that registered the envelope: a form sent twice registers one envelope."""
    version: Mapped[int] = mapped_column(Integer)
    numbers: Mapped[list[MailNumber]] = relationship(order_by="MailNumber.id", lazy="selectin", viewonly=True)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class LevelRequest(Base):
    """A request to lower the level of a SECRET letter. Two people are needed; a letter has at most one open request."""

    __tablename__ = "level_requests"
    __table_args__ = (
        Index(
            "uq_level_requests_open",
            "mail_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    level: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(String(500))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    agreed: Mapped[bool] = mapped_column(Boolean, default=False)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class Rectification(Base):
    """A change of a register entry. The old value stays readable for ever."""

    __tablename__ = "rectifications"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    field: Mapped[str] = mapped_column(String(32))
    old_value: Mapped[str] = mapped_column(Text)
    new_value: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(500))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Attachment(Base):
    """A file or scan of a letter. A new version is stored beside the old one, with a reason."""

    __tablename__ = "attachments"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    kind: Mapped[AttachmentKind] = mapped_column(Code(AttachmentKind))
    version_no: Mapped[int] = mapped_column(Integer, default=1)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"), index=True)
    reason: Mapped[str] = mapped_column(String(500), default="")
    filename: Mapped[str] = mapped_column(String(200), default="")
    media_type: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str | None] = mapped_column(String(64), index=True)
    """The original file; None for a scan, whose originals are its pages."""
    size_bytes: Mapped[int] = mapped_column(Id, default=0)
    page_count: Mapped[int] = mapped_column(Integer, default=0)
    is_signed: Mapped[bool] = mapped_column(Boolean, default=False)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    pages: Mapped[list["AttachmentPage"]] = relationship(order_by="AttachmentPage.page_no", cascade="all")


class AttachmentPage(Base):
    """The source of page ``page_no``: a page of a blob, and its rotation by a person."""

    __tablename__ = "attachment_pages"

    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"), primary_key=True)
    page_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(100))
    page_index: Mapped[int] = mapped_column(Integer, default=0)
    rotation: Mapped[int] = mapped_column(Integer, default=0)


class Rendition(Base):
    """A generated form of the original: ``searchable_pdf``, ``thumbnail``, ``page_image``."""

    __tablename__ = "renditions"
    __table_args__ = (UniqueConstraint("attachment_id", "kind", "page_no"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    page_no: Mapped[int] = mapped_column(Integer, default=0)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int] = mapped_column(Id)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PageText(Base):
    """The text read on a page. ``words``: [text, x, y, width, height, confidence] in fractions of the page."""

    __tablename__ = "page_texts"

    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"), primary_key=True)
    page_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    words: Mapped[list[list[Any]]] = mapped_column(JSON)
    confidence: Mapped[float] = mapped_column(Float)
    language: Mapped[str] = mapped_column(String(16), default="")
    flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReadMark(Base):
    """A person has seen a letter: the only thing besides the journal of readings that a GET writes."""

    __tablename__ = "read_marks"

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class RecentLetter(Base):
    """A letter that a person opened lately, for the person's own home page. Old rows are deleted each night."""

    __tablename__ = "recent_letters"
    __table_args__ = (Index("ix_recent_letters_person_id_opened_at", "person_id", "opened_at"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True, index=True)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
