"""Tables of signing in through a directory."""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, LargeBinary, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class DirectoryLink(Base):
    """Which entry of a directory, or subject of a provider, a person is. Neither has two of the other."""

    __tablename__ = "directory_links"
    __table_args__ = (
        UniqueConstraint("provider", "subject", name="uq_directory_links_provider_subject"),
        UniqueConstraint("person_id", "provider", name="uq_directory_links_person_id_provider"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    provider: Mapped[str] = mapped_column(String(255))
    """``Directory.name`` or ``IdentityProvider.issuer``."""
    subject: Mapped[str] = mapped_column(String(255))
    """What is never given to another person: a name in the directory may be."""
    bound_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class BreakGlass(Base):
    """An account that signs in by its own password and second step, for when the directory is away."""

    __tablename__ = "break_glass_accounts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(300))
    named_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    named_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ProviderRequest(Base):
    """A browser that was sent to the identity provider, for some minutes. Each tab has its own; each is taken once."""

    __tablename__ = "provider_requests"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    """Of the text in the browser's cookie: an answer that another browser brings is nobody's."""
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    """Of PKCE."""
    proves_session_id: Mapped[int | None] = mapped_column(Id)
    """The open session whose person proves again who they are; None: a sign-in. No key: sessions come and go."""
    target: Mapped[str] = mapped_column(Text)
    """The path of this site where it leads."""
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ProviderSession(Base):
    """What the identity provider said of an open session."""

    __tablename__ = "provider_sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """Of the session (``OpenSession.token_hash``). No key: whatever ends a session need not know of this table."""
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    provider_sid: Mapped[str] = mapped_column(String(255))
    id_token: Mapped[str] = mapped_column(Text)
    """Names the session when it ends there too."""
    refresh_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """Asks whether the person may still sign in; empty: none was given. Encrypted: see ``ged.entry.sealing``."""
    second_done: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """The provider asked for a second step: ours is not due."""
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DirectoryOutage(Base):
    """A directory, or provider, that does not answer."""

    __tablename__ = "directory_outages"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    provider: Mapped[str] = mapped_column(String(255), unique=True)
    reason: Mapped[str] = mapped_column(String(100))
    since_at: Mapped[datetime] = mapped_column(UtcDateTime)
