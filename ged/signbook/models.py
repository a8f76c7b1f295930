"""Tables of the signature book. A visa refers to a version of the content; versions are never changed."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ged.db import Base, Code, Id, UtcDateTime
from ged.natures.steps import StepKind
from ged.org.stock import OfEntity, once_by_code
from ged.register.models import Mail, MailNumber


class SignatureWay(StrEnum):
    """How a letter is signed; the signatory chooses at the confirmation."""

    DIGITAL = "digital"
    INK = "ink"


class CircuitAct(StrEnum):
    """The acts on a draft: the lines of its history."""

    SUBMIT = "submit"
    VISA = "visa"
    OPINION = "opinion"
    REFUSE = "refuse"
    SEND_BACK = "send_back"
    """Sent back to an earlier visa, which must be given again."""
    TAKE_BACK = "take_back"
    """The last person who gave, refused or sent back undoes this act."""
    CIRCUIT = "circuit"
    """The author sets another circuit for a letter that came back."""
    RECALL = "recall"
    ABANDON = "abandon"
    """The author abandons the letter before it has a number."""
    CHANGE = "change"
    CONFIRM = "confirm"
    """The signatory's decision to sign: number and date are given (digital), or the letter is printed (ink)."""
    CANCEL_INK = "cancel_ink"
    """The print is abandoned before a number is written on it."""
    NUMBER = "number"
    """Ink: the mail office numbers and dates the signed original."""
    SIGN = "sign"


class Stance(StrEnum):
    """The stance of an opinion."""

    FAVOURABLE = "favourable"
    RESERVED = "reserved"
    UNFAVOURABLE = "unfavourable"


class NoticeKind(StrEnum):
    """The subject of a notice."""

    VISA_CANCELLED = "visa_cancelled"
    REFUSED = "refused"
    CAME_BACK = "came_back"
    """To who refused: the letter is handed in again, and his post is asked again."""
    WITHOUT_YOU = "without_you"
    """To who refused: the letter is handed in again, and goes on without his visa."""
    SENT_BACK = "sent_back"
    ANNOTATED = "annotated"
    NOTE_ANSWERED = "note_answered"
    SIGNED = "signed"


class LetterTemplate(OfEntity, Base):
    """A template of outgoing letters; names in braces are filled when a letter is drafted."""

    __tablename__ = "letter_templates"
    __table_args__ = once_by_code("letter_templates")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer, default=0)


class Draft(Base):
    """The signature book's part of an outgoing letter; one row for each letter, from its drafting on.

    ``confirmed_*``: who confirmed and in which capacity, as printed in the mark; stored so that a failed signing is
    retried with the same wording. ``mark_field``: page and box of the mark, [page, x1, y1, x2, y2].
    """

    __tablename__ = "drafts"

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True)
    template_code: Mapped[str] = mapped_column(String(64), default="")
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), index=True)
    """The incoming letter that this letter answers."""
    version_no: Mapped[int] = mapped_column(Integer, default=1)
    """The current version of the content."""
    signatory_post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), index=True)
    way: Mapped[SignatureWay | None] = mapped_column(Code(SignatureWay))
    preview_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"))
    """The pages of the current version, as shown in the signature book."""
    preview_version_no: Mapped[int] = mapped_column(Integer, default=0)
    letter: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The content of those pages without number, date and signature. The signed pages are typeset from it, so that a
    renaming in the organisation meanwhile changes nothing."""
    print_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"))
    """The pages printed with our code, to be signed by hand."""
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    confirmed_name: Mapped[str] = mapped_column(String(200), default="")
    confirmed_title: Mapped[str] = mapped_column(String(200), default="")
    confirmed_capacity: Mapped[str] = mapped_column(String(300), default="")
    number_id: Mapped[int | None] = mapped_column(ForeignKey("mail_numbers.id"))
    numbered_on: Mapped[date | None]
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    failure: Mapped[str] = mapped_column(String(64), default="")
    """Error code of the last signing; empty after a success, or without an attempt."""
    version: Mapped[int] = mapped_column(Integer)
    mail: Mapped[Mail] = relationship(foreign_keys=[mail_id], lazy="joined", innerjoin=True)
    number: Mapped[MailNumber | None] = relationship(lazy="joined")
    steps: Mapped[list["CircuitStep"]] = relationship(
        order_by="CircuitStep.position", lazy="selectin", cascade="all, delete-orphan"
    )
    entries: Mapped[list["CircuitEntry"]] = relationship(order_by="CircuitEntry.id", lazy="selectin")
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class DraftVersion(Base):
    """One version of a letter's content. ``addressees`` and ``copies``: [name, address, email] each."""

    __tablename__ = "draft_versions"

    mail_id: Mapped[int] = mapped_column(ForeignKey("drafts.mail_id"), primary_key=True)
    version_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    civility: Mapped[str] = mapped_column(String(100), default="")
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    """The text without forms."""
    rich: Mapped[str] = mapped_column(Text, default="")
    """The text with its forms (``ged.richtext.document``); empty for a text from before forms."""
    addressees: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    copies: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    word_id: Mapped[int | None] = mapped_column(Id)
    """The Word file in which this version is written, an attachment as those of ``annexes``; None: it is written in the site."""
    word_left: Mapped[list[int]] = mapped_column(JSON, default=list)
    """Followed changes and comments in it."""
    annexes: Mapped[list[int]] = mapped_column(JSON, default=list)
    """Attachments of the letter, in order."""
    annex_titles: Mapped[list[str]] = mapped_column(JSON, default=list)
    """The printed titles of the annexes, in the same order; missing in versions from before titles."""
    amount_xof: Mapped[int | None] = mapped_column(BigInteger)
    """The amount at stake, in F CFA: a delegation may limit it. None: the letter commits no money."""
    written_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WorkingCopy(Base):
    """What a person has typed in the page of a draft and not saved yet, stored as it is typed: no version.

    ``base_version``: the draft's row version when the page was opened. ``revision``: counts the stores, so that two
    pages never overwrite each other. ``fields``: [name, value] of each field of the form.
    """

    __tablename__ = "working_copies"

    mail_id: Mapped[int] = mapped_column(ForeignKey("drafts.mail_id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    base_version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(Integer)
    fields: Mapped[list[list[str]]] = mapped_column(JSON)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CircuitStep(Base):
    """A visa or an opinion of a post, required before the signature; one ``stage`` is open at a time."""

    __tablename__ = "circuit_steps"

    mail_id: Mapped[int] = mapped_column(ForeignKey("drafts.mail_id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    stage: Mapped[int] = mapped_column(Integer)
    kind: Mapped[StepKind] = mapped_column(Code(StepKind))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), index=True)


class CircuitEntry(Base):
    """An act in the circuit: who, through which post and in which capacity, on which version, with which text.

    A visa cancelled by a change, or an act taken back, has ``cancelled_at``; it stays readable.
    """

    __tablename__ = "circuit_entries"
    __table_args__ = (Index("ix_circuit_entries_mail", "mail_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("drafts.mail_id"))
    act: Mapped[CircuitAct] = mapped_column(Code(CircuitAct))
    version_no: Mapped[int] = mapped_column(Integer)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """None: the intake, when the scan of an ink-signed original comes back."""
    person_name: Mapped[str] = mapped_column(String(200))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    post_title: Mapped[str] = mapped_column(String(200), default="")
    acted_as: Mapped[str] = mapped_column(String(32), default="holder")
    act_reference: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    stance: Mapped[Stance | None] = mapped_column(Code(Stance))
    """Only for an opinion."""
    to_post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    """For a letter sent back: to which post."""
    to_post_title: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Annotation(Base):
    """A note beside a page of a draft, for the circuit only; not part of the pages, so never signed."""

    __tablename__ = "draft_annotations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("drafts.mail_id"), index=True)
    version_no: Mapped[int] = mapped_column(Integer)
    page_no: Mapped[int] = mapped_column(Integer)
    x_permille: Mapped[int | None] = mapped_column(Integer)
    y_permille: Mapped[int | None] = mapped_column(Integer)
    """The spot, in thousandths of the page from its upper left corner; None: the whole page."""
    text: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str] = mapped_column(String(200))
    post_title: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by_name: Mapped[str] = mapped_column(String(200), default="")
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Notice(Base):
    """A notice to a person in the signature book, shown until it is seen."""

    __tablename__ = "signbook_notices"
    __table_args__ = (Index("ix_signbook_notices_person_seen", "person_id", "seen_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    kind: Mapped[NoticeKind] = mapped_column(Code(NoticeKind))
    text: Mapped[str] = mapped_column(Text, default="")
    by_name: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignedRevision(Base):
    """The file stored at each signature, in order: ``issued`` for the checker. No row for a letter in ink."""

    __tablename__ = "signed_revisions"

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"))
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """None: nobody signed; a time-stamp or revocation data was appended."""
    level: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
