"""Tables of the dispatch: one line for each addressee and each copy (ampliation)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ged.db import Base, Code, Id, UtcDateTime
from ged.register.models import Channel, Mail


@dataclass(frozen=True)
class Party:
    """An addressee, or a recipient of a copy (ampliation). ``address`` may have several lines."""

    name: str
    address: str = ""
    email: str = ""


class DispatchState(StrEnum):
    """The state of a line."""

    TO_SEND = "to_send"
    SENDING = "sending"
    """E-mail: a job will send it."""
    LEFT = "left"
    """Sent, with its proof of sending."""
    DELIVERED = "delivered"
    """The receiver has given a discharge."""


class DispatchLine(Base):
    """One copy of a signed letter on its way to one addressee.

    ``reference``: proof of sending (number of the recorded delivery, Message-ID, the courier's receipt).
    ``discharge_*``: who received, and the receiver's own number.
    """

    __tablename__ = "dispatch_lines"
    __table_args__ = (
        UniqueConstraint("mail_id", "position"),
        Index("ix_dispatch_lines_state_left", "state", "left_at"),
        Index("ix_dispatch_lines_correspondent_id_mail_id", "correspondent_id", "mail_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    is_copy: Mapped[bool] = mapped_column(Boolean, default=False)
    name: Mapped[str] = mapped_column(String(300))
    correspondent_id: Mapped[int | None] = mapped_column(ForeignKey("correspondents.id"))
    """The entry of the directory that bore this name when the line was made."""
    address: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(String(200), default="")
    channel: Mapped[Channel] = mapped_column(Code(Channel), default=Channel.HAND)
    state: Mapped[DispatchState] = mapped_column(Code(DispatchState), default=DispatchState.TO_SEND)
    reference: Mapped[str] = mapped_column(String(300), default="")
    carrier: Mapped[str] = mapped_column(String(200), default="")
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    sent_by_post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    discharge_name: Mapped[str] = mapped_column(String(200), default="")
    discharge_capacity: Mapped[str] = mapped_column(String(200), default="")
    discharged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    discharge_number: Mapped[str] = mapped_column(String(100), default="")
    discharge_attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"))
    """The first scan of the stamped copy; all of them are ``DispatchProof`` rows."""
    version: Mapped[int] = mapped_column(Integer)
    mail: Mapped[Mail] = relationship(lazy="joined", innerjoin=True)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class DispatchProof(Base):
    """A scan of the stamped copy of a line. A line may have several; none replaces another."""

    __tablename__ = "dispatch_proofs"

    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"), primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("dispatch_lines.id"), index=True)
