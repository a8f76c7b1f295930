"""Tables of capture: batches and pages as received, and their arrangement by people.

People never change ``ScanPage`` rows and their blobs. An arrangement is stored separately (``Scan`` and its
``ScanLeaf`` rows), and can always be undone.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ged.codes import CodeKind
from ged.db import Base, Code, Id, UtcDateTime

BLANK_FROM = 0.9
"""From this ``blank_score`` a page is shown as blank. It is flagged, never dropped automatically."""

BOOK_PAGE, BOOK_ELSEWHERE = "reserve_sheet", "reserve_elsewhere"
"""Notes of a scan that is a page of a reserve book: it is no letter, and nobody is led to register it as one."""


class BatchSource(StrEnum):
    """How a batch came."""

    BRIDGE = "bridge"
    UPLOAD = "upload"
    EMAIL = "email"


class BatchState(StrEnum):
    """The state of a batch. A late page reopens its batch: no page is refused or lost."""

    OPEN = "open"
    COMPLETE = "complete"
    """All pages have arrived; they are being inspected."""
    SETTLED = "settled"
    """Every page is in a scan."""


class ScanState(StrEnum):
    """The state of a scan."""

    WAITING = "waiting"
    JOINED = "joined"
    """Joined to a letter, or taken as a proof."""
    DISCARDED = "discarded"
    MERGED = "merged"
    """Its pages were moved into another waiting scan."""


class OrderState(StrEnum):
    """The state of a scan order."""

    WAITING = "waiting"
    SCANNING = "scanning"
    UPLOADING = "uploading"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PaperState(StrEnum):
    """The state of a code on paper that a person must confirm."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    """The code was refused: its scan waits for a clerk again."""


FINAL_ORDER_STATES = frozenset({OrderState.DONE, OrderState.FAILED, OrderState.CANCELLED})


class Bridge(Base):
    """A scanner bridge at a desk. Only the hash of its token is stored."""

    __tablename__ = "bridges"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    devices: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    program_version: Mapped[str] = mapped_column(String(40), default="", server_default="")
    paired_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PairingCode(Base):
    """A short-lived code for pairing one bridge; stored as a hash, usable once."""

    __tablename__ = "pairing_codes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SeparatorSheet(Base):
    """A kind of sheet that a clerk puts between letters: the next letter gets its unit, nature and level.

    Any number of copies can be printed; all bear the same code.
    """

    __tablename__ = "separator_sheets"
    __table_args__ = (UniqueConstraint("unit_id", "nature", "level"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    """The recipient unit: the clerk's form proposes the authority of this unit or of the nearest unit above."""
    nature: Mapped[str] = mapped_column(String(32), default="")
    level: Mapped[int] = mapped_column(Integer, default=0)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ScanBatch(Base):
    """Pages that came together. The sender chooses ``key``, so that a repeated begin makes no second batch."""

    __tablename__ = "scan_batches"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    bridge_id: Mapped[int | None] = mapped_column(ForeignKey("bridges.id"), index=True)
    uploaded_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """Who uploaded the file; None for a bridge, a mailbox, or a batch from before this column existed."""
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    source: Mapped[BatchSource] = mapped_column(Code(BatchSource))
    state: Mapped[BatchState] = mapped_column(Code(BatchState), default=BatchState.OPEN, index=True)
    device: Mapped[str] = mapped_column(String(200), default="")
    filename: Mapped[str] = mapped_column(String(200), default="")
    digest: Mapped[str | None] = mapped_column(String(64), index=True)
    """The uploaded file."""
    is_signed: Mapped[bool] = mapped_column(Boolean, default=False)
    into_scan_id: Mapped[int | None] = mapped_column(Id)
    """The waiting scan into which its pages are inserted (a rescanned page)."""
    into_leaf_id: Mapped[int | None] = mapped_column(Id)
    """The page of that scan behind which they are inserted; None: at the end."""
    replaces_leaf: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    """Whether the inserted pages replace that page."""
    into_mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"))
    """The letter to which its pages are attached, whatever codes they bear."""
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pages: Mapped[list["ScanPage"]] = relationship(
        order_by="[ScanPage.position, ScanPage.order_id, ScanPage.sequence, ScanPage.page_index, ScanPage.id]"
    )


class ScanPage(Base):
    """A received page. The result of its first look (``inspected_at``) is filled once; the rest never changes."""

    __tablename__ = "scan_pages"
    __table_args__ = (
        UniqueConstraint("batch_id", "token", "page_index"),
        Index("ix_scan_pages_received_at", "received_at", "batch_id"),  # pages of a period are counted in it alone
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("scan_batches.id"), index=True)
    token: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[int] = mapped_column(Id, default=0)
    sequence: Mapped[int] = mapped_column(Integer, default=0)
    position: Mapped[int] = mapped_column(Integer, default=0)
    """Place in the completed batch; 0 before."""
    digest: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int] = mapped_column(Id)
    page_index: Mapped[int] = mapped_column(Integer, default=0)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    width_px: Mapped[int] = mapped_column(Integer, default=0)
    height_px: Mapped[int] = mapped_column(Integer, default=0)
    dpi: Mapped[int] = mapped_column(Integer, default=0)
    blank_score: Mapped[float] = mapped_column(Float, default=0.0)
    codes: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Texts of *our* codes read on the page; foreign barcodes are not stored."""
    warnings: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    """Faults that would spoil its OCR (``PageFacts.warnings``): shown before the numbering, never an obstacle."""
    filename: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """Name of the file, if it came with others in one message."""
    problem: Mapped[str] = mapped_column(String(64), default="")
    """Why the page could not be inspected; it is stored and shown all the same."""
    inspected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ScanPicture(Base):
    """A small JPEG of a page, made by a job for the screen."""

    __tablename__ = "scan_pictures"

    scan_page_id: Mapped[int] = mapped_column(ForeignKey("scan_pages.id"), primary_key=True)
    width_px: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)


class Scan(Base):
    """A document that waits for its letter: an arrangement of pages that a clerk edits.

    ``edits`` counts changes of the leaves, so that each change raises ``version``.
    """

    __tablename__ = "scans"
    __table_args__ = (
        Index("ix_scans_unit_id_state", "unit_id", "state"),
        Index("ix_scans_created_at", "created_at", "batch_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("scan_batches.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    state: Mapped[ScanState] = mapped_column(Code(ScanState), default=ScanState.WAITING)
    filename: Mapped[str] = mapped_column(String(200), default="")
    digest: Mapped[str | None] = mapped_column(String(64), index=True)
    """The uploaded file, if the scan is exactly this file, not split."""
    is_signed: Mapped[bool] = mapped_column(Boolean, default=False)
    note: Mapped[str] = mapped_column(String(32), default="")
    """Why it still waits: ``document_exists``, ``number_voided``, ``number_unknown``, ``sealed_envelope``,
    ``code_waits``, ``code_refused``, ``code_elsewhere``,
    ``separator_foreign``, ``separator_withdrawn``, ``separator_unknown``, ``separator_alone``,
    ``virus``; ``BOOK_PAGE``, or ``BOOK_ELSEWHERE`` where the unit does not keep the book's register.

    The first three and the envelope come from a label of a register that the unit keeps. ``code_waits``: a person has
    to confirm the code; ``code_refused``: the person refused. ``code_elsewhere``: nobody can confirm the code. The
    separator notes come from a separator sheet that is ignored, or that no page follows.
    """
    separator_id: Mapped[int | None] = mapped_column(ForeignKey("separator_sheets.id"))
    """The separator sheet before it, which pre-fills the form."""
    number_id: Mapped[int | None] = mapped_column(ForeignKey("mail_numbers.id"))
    """The number on its label."""
    proof_kind: Mapped[str] = mapped_column(String(8), default="")
    """The kind of the code that waits for a person (``PaperCode``); only this person sees the code's text."""
    proof_subject_id: Mapped[int | None] = mapped_column(Id)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), index=True)
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("scans.id"), index=True)
    edits: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)
    leaves: Mapped[list["ScanLeaf"]] = relationship(
        order_by="ScanLeaf.position", lazy="selectin", back_populates="scan", cascade="save-update, merge"
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class ScanTurn(Base):
    """Which clerk has a waiting scan in work, so that two clerks of one pile are not led to the same scan."""

    __tablename__ = "scan_turns"

    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class ScanLeaf(Base):
    """One page of the arrangement: its position, its rotation, whether it is removed."""

    __tablename__ = "scan_leaves"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id"), index=True)
    scan_page_id: Mapped[int] = mapped_column(ForeignKey("scan_pages.id"), unique=True)
    position: Mapped[int] = mapped_column(Integer)
    rotation: Mapped[int] = mapped_column(Integer, default=0)
    removed: Mapped[bool] = mapped_column(Boolean, default=False)
    scan: Mapped[Scan] = relationship(back_populates="leaves")
    page: Mapped[ScanPage] = relationship(lazy="joined", innerjoin=True)


class PaperCode(Base):
    """Our code on a scan that a person must confirm before it takes effect.

    ``kind`` and ``subject_id`` are the code's subject. They are shown only to people with rights to it (``ged.paper``).
    The scan stays with the unit that brought it.
    """

    __tablename__ = "paper_codes"
    __table_args__ = (Index("ix_paper_codes_state_kind_subject_id", "state", "kind", "subject_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id"), unique=True)
    kind: Mapped[CodeKind] = mapped_column(Code(CodeKind))
    subject_id: Mapped[int] = mapped_column(Id)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    """The unit whose desk brought the scan."""
    uploaded_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    bridge_id: Mapped[int | None] = mapped_column(ForeignKey("bridges.id"))
    reason: Mapped[str] = mapped_column(String(32))
    """Why it has no effect by itself: ``not_kept`` (the unit does not keep the label's register), ``needs_person``,
    ``after_restore`` (the label may be of a letter that was lost, and bear an id that was given again)."""
    state: Mapped[PaperState] = mapped_column(Code(PaperState), default=PaperState.WAITING)
    met_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decided_post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    refusal: Mapped[str] = mapped_column(String(500), default="")
    """Why it was refused, for the unit that brought the scan."""


class ScanOrder(Base):
    """An order to a scanner, given by a person. The bridge fetches it and reports its progress."""

    __tablename__ = "scan_orders"
    __table_args__ = (Index("ix_scan_orders_bridge_id_state", "bridge_id", "state"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    bridge_id: Mapped[int] = mapped_column(ForeignKey("bridges.id"))
    batch_key: Mapped[str] = mapped_column(String(64), index=True)
    device: Mapped[str | None] = mapped_column(String(200))
    source: Mapped[str | None] = mapped_column(String(100))
    mode: Mapped[str] = mapped_column(String(32))
    dpi: Mapped[int] = mapped_column(Integer)
    duplex: Mapped[bool] = mapped_column(Boolean, default=False)
    side: Mapped[str] = mapped_column(String(8), default="", server_default="")
    """``front`` or ``back`` when a one-sided feeder scans both sides in two passes, else empty."""
    paper: Mapped[str] = mapped_column(String(16), default="a4", server_default="a4")
    complete: Mapped[bool] = mapped_column(Boolean, default=True)
    """Whether the batch is complete after this order."""
    state: Mapped[OrderState] = mapped_column(Code(OrderState), default=OrderState.WAITING)
    pages: Mapped[int] = mapped_column(Integer, default=0)
    code: Mapped[str] = mapped_column(String(64), default="")
    detail: Mapped[str] = mapped_column(String(500), default="")
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    ordered_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    ordered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MessageState(StrEnum):
    """The result of an e-mail."""

    TAKEN = "taken"
    """The e-mail became a batch of scans."""
    REFUSED = "refused"
    """The e-mail is in the mailbox's folder of errors; administrators see why."""


class MailboxMessage(Base):
    """An e-mail that was collected or refused. The row is written before the message is moved in its mailbox. If a
    crash comes between the two, the message is found again, and only moved.
    """

    __tablename__ = "mailbox_messages"
    __table_args__ = (
        UniqueConstraint("mailbox", "uid_validity", "uid"),
        Index("ix_mailbox_messages_mailbox_digest", "mailbox", "digest"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mailbox: Mapped[str] = mapped_column(String(64))
    uid_validity: Mapped[int] = mapped_column(Id)
    uid: Mapped[int] = mapped_column(Id)
    message_id: Mapped[str] = mapped_column(String(300), default="")
    digest: Mapped[str | None] = mapped_column(String(64), index=True)
    """The raw message; None when it was too large to be fetched."""
    size_bytes: Mapped[int] = mapped_column(Id)
    state: Mapped[MessageState] = mapped_column(Code(MessageState))
    reason: Mapped[str] = mapped_column(String(64), default="")
    """The code of the refusal."""
    sender_name: Mapped[str] = mapped_column(String(200), default="")
    sender_address: Mapped[str] = mapped_column(String(200), default="")
    subject: Mapped[str] = mapped_column(String(500), default="")
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("scan_batches.id"), index=True)
