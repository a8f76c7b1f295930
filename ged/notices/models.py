"""Tables of notices: what a person was told, the person's choices, the e-mails, and how far the journal was read."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Code, Id, UtcDateTime


class Occasion(StrEnum):
    """Why a person is told something."""

    ASSIGNED = "assigned"
    """A letter was imputed or assigned."""
    RETURNED = "returned"
    """An assignment that the person gave, or a draft of the person's, came back."""
    TO_SIGN = "to_sign"
    """A draft waits for a visa, an opinion or a signature."""
    DUE_SOON = "due_soon"
    LATE = "late"
    ANSWERED = "answered"
    """What the person assigned was done."""
    DELEGATED = "delegated"
    """The person may act for another's post."""
    ACCOUNT = "account"
    """Somebody else's account, or the person's own, gets its first access."""
    CHANGE_REFUSED = "change_refused"
    """A change of the organisation that was planned was refused on its day."""
    SECOND_STEP = "second_step"
    """Something happened to the second step of the person's own sign-in, or another's waits for the person's agreement."""
    EXCEPTION = "exception"
    """Somebody asks to read a SECRET letter by exception, it was decided, or the person may read one."""
    DISPOSAL = "disposal"
    """A slip of disposal waits for the person's decision, or the person's own was decided."""
    SUPERVISES = "supervises"
    """An act makes the person, or a post of the person's, supervisor of services."""
    MORNING = "morning"
    """The morning's point of a day: something is pending (``ged.morning``)."""


ASKED = ":asked"
"""Ends the key of a notice of a slip of disposal on which the person may decide."""


class FactorStep(StrEnum):
    """What a notice of ``Occasion.SECOND_STEP`` reports: the last part of its key."""

    ADDED = "added"
    REMOVED = "removed"
    CODE_USED = "code_used"
    """A recovery code opened the account."""
    GUESSED = "guessed"
    """Somebody who knows the password tried many wrong codes."""
    RESET = "reset"
    """All of it was taken away."""
    ASKED = "asked"
    """An administrator asks for the reset of somebody's second step, and the reader may confirm it."""
    REFUSED = "refused"
    """The reset that the reader asked for, or that was asked for the reader, was refused."""
    GLASS_USED = "glass_used"
    """To administrators: the password of a break-glass account was typed (``ged.directory.glass``)."""
    GLASS_NAMED = "glass_named"
    """To administrators: a break-glass account was named."""


class Way(StrEnum):
    """When the e-mail about a notice is sent. The site shows every notice."""

    AT_ONCE = "at_once"
    DIGEST = "digest"
    """One e-mail in the morning of a working day."""
    NONE = "none"


class DeliveryState(StrEnum):
    """The state of an e-mail to a person."""

    QUEUED = "queued"
    SENT = "sent"
    """A mail server has taken it. That server may still send it back."""
    NEEDLESS = "needless"
    """Before it was sent, the person had read all its notices or lost the right to see their letters, or all was over."""
    FAILED = "failed"
    """The mail server refused it for good."""
    UNCERTAIN = "uncertain"
    """Sending failed on the way: nobody knows whether it was sent. Only a person has it sent again."""
    BOUNCED = "bounced"
    """It was sent back later."""


class NoticeMail(Base):
    """An e-mail to a person about one or more notices.

    ``message_id`` is fixed before the first attempt. ``address`` is that of the last attempt; before it, the one that the person had when
    the e-mail was ordered.
    """

    __tablename__ = "notice_mails"
    __table_args__ = (Index("ix_notice_mails_person_id_id", "person_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    address: Mapped[str] = mapped_column(String(200))
    state: Mapped[DeliveryState] = mapped_column(Code(DeliveryState), default=DeliveryState.QUEUED)
    reason: Mapped[str] = mapped_column(String(200), default="")
    """An error code of ours, or the status of RFC 3463 that a mail server gave."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PersonalNotice(Base):
    """A notice to a person. ``key`` names what it reports: of each thing a person is told once.

    It holds no text: number and words are looked up when it is shown, with the person's rights of that moment.
    """

    __tablename__ = "personal_notices"
    __table_args__ = (
        UniqueConstraint("person_id", "key"),
        Index("ix_personal_notices_person_id_id", "person_id", "id"),
        Index("ix_personal_notices_person_id_read_at", "person_id", "read_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    occasion: Mapped[Occasion] = mapped_column(Code(Occasion))
    key: Mapped[str] = mapped_column(String(100))
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), index=True)
    """None: it is about no letter."""
    subject_id: Mapped[int] = mapped_column(Id)
    """The assignment, the draft's letter, the delegation, the first access, or the person whose second step it is."""
    way: Mapped[Way] = mapped_column(Code(Way))
    sent_in_id: Mapped[int | None] = mapped_column(ForeignKey("notice_mails.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class NoticeChoice(Base):
    """A person's choice for an occasion; without a row the default holds."""

    __tablename__ = "notice_choices"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    occasion: Mapped[Occasion] = mapped_column(Code(Occasion), primary_key=True)
    way: Mapped[Way] = mapped_column(Code(Way))


class NoticeCursor(Base):
    """One row: the entry of the journal up to which notices were made."""

    __tablename__ = "notice_cursor"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(Id)


class DateReminder(Base):
    """A reminder of an assignment's date that the nightly job made. A date that was moved is reminded of afresh."""

    __tablename__ = "date_reminders"
    __table_args__ = (UniqueConstraint("assignment_id", "due_on", "step"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    due_on: Mapped[date]
    step: Mapped[str] = mapped_column(String(16))
    """See ``ged.notices.rules.step``."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MailReport(Base):
    """A report of a mail server about a message of ours: it was not delivered, or is delayed."""

    __tablename__ = "mail_reports"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[str] = mapped_column(String(300))
    recipient: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20))
    is_permanent: Mapped[bool] = mapped_column(Boolean)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), index=True)
    """The letter that the message brought, if it brought one."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class MailLoop(Base):
    """A message that the program wrote to itself, to see that e-mail goes out and comes in."""

    __tablename__ = "mail_loops"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failure: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The code of the error with which it did not leave."""
