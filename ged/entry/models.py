"""Tables of the second step of signing in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, ForeignKey, Integer, LargeBinary, String, false
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Code, Id, UtcDateTime
from ged.seconded import Seconded


class TotpSecret(Base):
    """What a person's telephone and the program share, to make codes of six digits (RFC 6238). A person has one that counts, and at
    most one that waits for its first right code."""

    __tablename__ = "totp_secrets"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """Encrypted under the installation's secret: see ``ged.entry.sealing``."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    armed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """None: no right code was typed yet, and it opens nothing."""
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """The step of 30 s of the last code that was taken: neither it nor one before it is taken again."""
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """One of the ten codes on the sheet in a sealed envelope."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of person and code."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Passkey(Base):
    """A key of a device that signs a person in (WebAuthn). Only its public half is here."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    credential_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of ``credential_id``, which may be longer than an index takes."""
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    """COSE."""
    user_handle: Mapped[bytes] = mapped_column(LargeBinary)
    """What the device knows its person by: it tells nothing, and is one for all passkeys of a person."""
    sign_count: Mapped[int] = mapped_column(BigInteger)
    """The device's count of its signatures at the last one; always 0 where the device does not count."""
    rp_id: Mapped[str] = mapped_column(String(255))
    """The host for which it was made: it works nowhere else."""
    is_synced: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Its maker's cloud keeps a copy: it is not bound to one device."""
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StepKind(StrEnum):
    """What a browser is in the middle of."""

    SECOND = "second"
    """The password was right: the second step is due."""
    ALONE = "alone"
    """A passkey is asked for in place of account and password."""
    ADD = "add"
    """A person who is signed in adds a passkey."""


class SignInStep(Base):
    """What a browser is in the middle of, for some minutes. The cookie holds a random text, this row only its digest."""

    __tablename__ = "sign_in_steps"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[StepKind] = mapped_column(Code(StepKind))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """None: nobody is known yet."""
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    """The person's epoch when it began: a new password ends it."""
    challenge: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    """What a passkey must sign; empty: none was asked for. It is signed once."""
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class FactorReset(Seconded, Base):
    """An administrator asks that a person's second step be taken away, and another person decides: see ``ged.entry.resets``."""

    __tablename__ = "factor_resets"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    reason: Mapped[str] = mapped_column(String(300))
