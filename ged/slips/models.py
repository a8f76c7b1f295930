"""Tables of the slips and of the custody of paper originals."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ged.db import Base, Code, Id, UtcDateTime, only_where
from ged.org.models import Unit
from ged.register.models import MailNumber
from ged.slips.states import LineState, SlipState


class SlipKind(StrEnum):
    """The kind of a slip."""

    TRANSMITTAL = "transmittal"
    RETURN = "return"
    """Pieces go back to the sender of an earlier slip, which it cites."""
    DISCREPANCY = "discrepancy"
    """A fault found after the reception of an earlier slip, which it cites; no paper moves."""


class SlipPurpose(StrEnum):
    """Why the pieces are handed over."""

    HANDOVER = "handover"
    INFORMATION = "information"
    FOLLOW_UP = "follow_up"
    ON_LOAN = "on_loan"
    """The pieces must be returned by a date."""


class ReceiptWay(StrEnum):
    """How the receiver signed."""

    DIGITAL = "digital"
    PAPER = "paper"


class TaskState(StrEnum):
    """The state of a task."""

    OPEN = "open"
    SETTLED = "settled"


class Slip(Base):
    """A slip from one unit to one other. ``act_id``: the first slip of the act that made several."""

    __tablename__ = "slips"
    __table_args__ = (
        Index("ix_slips_receiver_state", "receiver_unit_id", "state"),
        Index("ix_slips_sender_state", "sender_unit_id", "state"),
        Index("ix_slips_sender_unit_id_id", "sender_unit_id", "id"),
        Index("ix_slips_receiver_unit_id_id", "receiver_unit_id", "id"),
        Index("ix_slips_sender_unit_id_handed_at", "sender_unit_id", "handed_at"),
        # Slips of a period are counted in the index alone.
        Index("ix_slips_sent_at", "sent_at", "kind", "state", "sender_unit_id"),
        Index("ix_slips_received_at", "received_at", "kind", "state", "receiver_unit_id", "sender_unit_id", "sent_at"),
        Index("ix_slips_on_loan", "sender_unit_id", "return_by", **only_where("purpose = 'on_loan'")),
        Index("ix_slips_issuing", "state", **only_where("state = 'issuing'")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[SlipKind] = mapped_column(Code(SlipKind), default=SlipKind.TRANSMITTAL)
    state: Mapped[SlipState] = mapped_column(Code(SlipState), default=SlipState.ISSUING)
    purpose: Mapped[SlipPurpose] = mapped_column(Code(SlipPurpose))
    act_id: Mapped[int | None] = mapped_column(Id, index=True)
    number_id: Mapped[int | None] = mapped_column(ForeignKey("mail_numbers.id"))
    sender_unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    sender_post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    sender_person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    sender_name: Mapped[str] = mapped_column(String(200))
    sender_title: Mapped[str] = mapped_column(String(200))
    sender_capacity: Mapped[str] = mapped_column(String(200), default="")
    receiver_unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    remark: Mapped[str] = mapped_column(String(500), default="")
    return_by: Mapped[date | None]
    messenger: Mapped[str] = mapped_column(String(120), default="")
    handed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    void_reason: Mapped[str] = mapped_column(String(500), default="")
    cites_id: Mapped[int | None] = mapped_column(ForeignKey("slips.id"), index=True)
    cited_digest: Mapped[str] = mapped_column(String(64), default="")
    receiver_field: Mapped[list[float]] = mapped_column(JSON, default=list)
    """Page and box of the receiver's signature field: [page, x1, y1, x2, y2]; written with the first signature."""
    version: Mapped[int] = mapped_column(Integer)
    number: Mapped[MailNumber | None] = relationship(foreign_keys=[number_id], lazy="joined")
    sender_unit: Mapped[Unit] = relationship(foreign_keys=[sender_unit_id], lazy="joined", innerjoin=True)
    receiver_unit: Mapped[Unit] = relationship(foreign_keys=[receiver_unit_id], lazy="joined", innerjoin=True)
    lines: Mapped[list["SlipLine"]] = relationship(order_by="SlipLine.position", lazy="selectin", back_populates="slip")
    revisions: Mapped[list["SlipRevision"]] = relationship(order_by="SlipRevision.sequence", lazy="selectin")
    receipt: Mapped["SlipReceipt | None"] = relationship(lazy="joined")
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def number_text(self) -> str:
        """The slip's number; empty only inside the transaction that assigns it."""
        return self.number.text if self.number is not None else ""


class SlipLine(Base):
    """One line: a letter, a sealed envelope, or a free piece.

    ``description`` and ``number`` are the printed texts: they never contain a confidential letter's subject.
    """

    __tablename__ = "slip_lines"
    __table_args__ = (
        UniqueConstraint("slip_id", "position"),
        CheckConstraint("count > 0", name="count"),
        Index("ix_slip_lines_faults", "slip_id", **only_where("state IN ('missing', 'damaged')")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slip_id: Mapped[int] = mapped_column(ForeignKey("slips.id"))
    position: Mapped[int] = mapped_column(Integer)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), index=True)
    envelope_id: Mapped[int | None] = mapped_column(ForeignKey("sealed_envelopes.id"), index=True)
    number: Mapped[str] = mapped_column(String(64), default="")
    description: Mapped[str] = mapped_column(String(300))
    count: Mapped[int] = mapped_column(Integer, default=1)
    remark: Mapped[str] = mapped_column(String(200), default="")
    is_original: Mapped[bool] = mapped_column(Boolean, default=True)
    """The paper original goes with the slip; a copy moves no custody."""
    is_confidential: Mapped[bool] = mapped_column(Boolean, default=False)
    returns_line_id: Mapped[int | None] = mapped_column(ForeignKey("slip_lines.id"), index=True)
    """The line of the cited slip that this line answers."""
    claim: Mapped[LineState | None] = mapped_column(Code(LineState))
    """On a statement of discrepancy: the later finding."""
    state: Mapped[LineState] = mapped_column(Code(LineState), default=LineState.PENDING)
    reception_remark: Mapped[str] = mapped_column(String(200), default="")
    slip: Mapped[Slip] = relationship(back_populates="lines")


class SlipReceipt(Base):
    """A reception. Until ``signed_at``, the decisions are not yet signed by the receiver.

    ``decisions``: position -> [state, remark]; ``attempt`` distinguishes concurrent receivers.
    """

    __tablename__ = "slip_receipts"

    slip_id: Mapped[int] = mapped_column(ForeignKey("slips.id"), primary_key=True)
    way: Mapped[ReceiptWay] = mapped_column(Code(ReceiptWay))
    attempt: Mapped[int] = mapped_column(Integer, default=1)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """Who signed; on paper: who recorded the signed print."""
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    name: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(String(200), default="")
    capacity: Mapped[str] = mapped_column(String(200), default="")
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decisions: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class SlipRevision(Base):
    """The file stored at each signature, in order: the ``issued`` revisions of the signature checker."""

    __tablename__ = "slip_revisions"

    slip_id: Mapped[int] = mapped_column(ForeignKey("slips.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """None: nobody signed; a time-stamp or revocation data was appended."""
    level: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class SlipProof(Base):
    """A page of the scan of the print that a receiver signed by hand."""

    __tablename__ = "slip_proofs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slip_id: Mapped[int] = mapped_column(ForeignKey("slips.id"), index=True)
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("scans.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(100))
    page_index: Mapped[int] = mapped_column(Integer, default=0)
    rotation: Mapped[int] = mapped_column(Integer, default=0)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SlipReading(Base):
    """What the boxes of a scanned slip say, as the machine read them. Written once for each scan; it only proposes."""

    __tablename__ = "slip_readings"

    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id"), primary_key=True, autoincrement=False)
    slip_id: Mapped[int] = mapped_column(ForeignKey("slips.id"), index=True)
    pages: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Each page with a table that was read: id of the scan's page, text of the table's code, boxes, areas (as in ``sheet_readings``)."""
    unclear: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """The codes of tables whose boxes were not found exactly."""
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SlipTask(Base):
    """A problem that a unit has to resolve after a reception. ``kind``: the line's state."""

    __tablename__ = "slip_tasks"
    __table_args__ = (Index("ix_slip_tasks_unit_state", "unit_id", "state"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[LineState] = mapped_column(Code(LineState))
    slip_id: Mapped[int] = mapped_column(ForeignKey("slips.id"), index=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("slip_lines.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    state: Mapped[TaskState] = mapped_column(Code(TaskState), default=TaskState.OPEN)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    remark: Mapped[str] = mapped_column(String(500), default="")


class PaperCustody(Base):
    """Who holds a paper original since when. Without a row the registering unit holds it."""

    __tablename__ = "paper_custody"
    __table_args__ = (
        CheckConstraint("(mail_id IS NULL) <> (envelope_id IS NULL)", name="one_subject"),
        Index("ix_paper_custody_mail_since", "mail_id", "since"),
        Index("ix_paper_custody_envelope_since", "envelope_id", "since"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"))
    envelope_id: Mapped[int | None] = mapped_column(ForeignKey("sealed_envelopes.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    because: Mapped[str] = mapped_column(String(32))
    slip_line_id: Mapped[int | None] = mapped_column(ForeignKey("slip_lines.id"))
    unit: Mapped[Unit] = relationship(lazy="joined", innerjoin=True)
