"""Tables of the organisation. Mail belongs to posts and units, not to people."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    false,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ged.db import Base, Code, Id, UtcDateTime
from ged.ports import Confidentiality
from ged.unit import Role


class Unit(Base):
    """An organisation unit: ministry, entity, direction, service … of any depth."""

    __tablename__ = "units"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(32), default="service")
    is_entity: Mapped[bool] = mapped_column(Boolean, default=False)
    address: Mapped[str] = mapped_column(String(200), server_default="", deferred=True)
    """Printed at the foot of its sheets: street, post-office box, telephone. Empty: that of the unit above, up to the entity. Few pages need it."""
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))


class Post(Base):
    """A post in a unit. A post keeps its mail when its holder leaves."""

    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    secretary_of_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    roles: Mapped[list["PostRole"]] = relationship(lazy="selectin", cascade="all, delete-orphan")
    unit: Mapped[Unit] = relationship(lazy="joined", innerjoin=True)


class PostRole(Base):
    """A role of a post."""

    __tablename__ = "post_roles"

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(Code(Role), primary_key=True)


class Person(Base):
    """A person with an account. ``session_epoch`` is raised to end all sessions."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(200), default="")
    clearance: Mapped[int] = mapped_column(Integer, default=int(Confidentiality.ORDINARY))
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    session_epoch: Mapped[int] = mapped_column(Integer, default=0)
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Another person set the password: its owner must change it at the first sign-in."""
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    language: Mapped[str] = mapped_column(String(8), default="", server_default="")
    """The language that the person chose (``ged.languages``); empty: none, the browser's counts."""
    toured_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person finished or skipped the tour of the first day."""
    excepted_until: Mapped[date | None]
    """The last day of the person's last right to read a letter by exception (``ged.exceptional``); None: never one."""


class FirstAccess(Base):
    """The last code that let, or lets, a new person choose a password, once. Its state follows from its times: see
    ``ged.org.openings``."""

    __tablename__ = "first_accesses"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), unique=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the code."""
    made_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_alone: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Made when nobody could be asked to confirm it: it works without a second person."""
    second_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """Who confirmed or refused it."""
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Holding(Base):
    """Who holds a post, from when until when."""

    __tablename__ = "holdings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    from_on: Mapped[date]
    until_on: Mapped[date | None]


def held_on(on: date | BindParameter[date]) -> tuple[ColumnElement[bool], ...]:
    """The clauses of a holding in force on a day."""
    return Holding.from_on <= on, or_(Holding.until_on.is_(None), Holding.until_on >= on)


class DelegationKind(StrEnum):
    """Why somebody acts for another's post."""

    DELEGATION = "delegation"
    INTERIM = "interim"
    ORDER = "order"
    """Signs by order (*P.O.*) of the holder, who has decided."""


class Delegation(Base):
    """A post's powers, given to a person between two days (inclusive) by a named legal act.

    The types of letters and the amount limit what may be decided in the signature book, not what may be read.
    """

    __tablename__ = "delegations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[DelegationKind] = mapped_column(Code(DelegationKind))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    act: Mapped[str] = mapped_column(String(200))
    may_sign: Mapped[bool] = mapped_column(Boolean, default=True)
    template_codes: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Templates of the letters that the delegation covers; empty: all letters."""
    max_amount_xof: Mapped[int | None] = mapped_column(BigInteger)
    from_on: Mapped[date]
    until_on: Mapped[date]
    granted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """None: granted before this column existed."""
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Absence(Base):
    """A person is away between two days (inclusive). The replacement acts by an existing delegation or interim."""

    __tablename__ = "absences"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    from_on: Mapped[date]
    until_on: Mapped[date]
    delegation_id: Mapped[int | None] = mapped_column(ForeignKey("delegations.id"), index=True)
    """None: nobody replaces; letters wait."""
    declared_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Ended early, or cancelled, at this time."""


class NoticeKind(StrEnum):
    """The act of another person that a notice reports."""

    INTERIM = "interim"
    """Somebody was named to act for the person's post."""
    LEVEL_RAISED = "level_raised"
    """A letter over which the person decides was made more confidential."""
    LEVEL_ASKED = "level_asked"
    """A secret letter waits for a second person to agree to a lower level."""


class Notice(Base):
    """A notice of another person's act, shown on the home page until its recipient acknowledges it."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_person_read", "person_id", "read_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[NoticeKind] = mapped_column(Code(NoticeKind))
    subject_id: Mapped[int] = mapped_column(Id)
    """The delegation or the letter concerned."""
    by_person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SigningKey(Base):
    """A person's key and certificate. The PKCS#12 opens only with passphrase and server secret together."""

    __tablename__ = "signing_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    keystore: Mapped[bytes] = mapped_column(LargeBinary)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    certificate_pem: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_tries: Mapped[int] = mapped_column(Integer, default=0)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The last wrong attempt; with time, attempts are forgotten one by one."""
    renewal_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the owner opened the key, its certificate expired soon, but the authority was locked: a renewal waits."""


class CertificateKind(StrEnum):
    """The purpose of a certificate of our own authority."""

    PERSON = "person"
    SEAL = "seal"


class IssuedCertificate(Base):
    """A certificate that our own authority issued. Revocation lists and OCSP responses are built from these rows.

    ``revoked_at`` is published to everybody. A key that was only replaced is not revoked: its signatures stay valid.
    """

    __tablename__ = "certificates"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    serial: Mapped[str] = mapped_column(String(40), unique=True)
    """Hexadecimal, without leading zeros."""
    kind: Mapped[CertificateKind] = mapped_column(Code(CertificateKind))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    subject: Mapped[str] = mapped_column(Text)
    certificate_pem: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(32), default="")
    """As RFC 5280, 5.3.1 spells it."""


class OpenSession(Base):
    """An open session. The cookie holds a random text, this row only its digest."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    epoch: Mapped[int] = mapped_column(Integer)
    """The person's epoch at the sign-in; a session with an older epoch has ended."""
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    proved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the person last entered their password."""
    address: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(200))
    """The browser's ``User-Agent``."""


class Bucket(Base):
    """A leaky bucket of recent attempts: see ``ged.org.throttle``."""

    __tablename__ = "throttle_buckets"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), unique=True)
    drained_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    """When the bucket will be empty again, milliseconds since 1970."""
    refused: Mapped[int] = mapped_column(Integer)
    """Attempts refused since the bucket was last empty."""


class Installation(Base):
    """One row with the organisation's data from the organisation file: its name, and versioned lists as settings."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
