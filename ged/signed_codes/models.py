"""Tables of the signed code on letters: the code of each letter, and the keys that signed codes."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, UtcDateTime


class LetterToken(Base):
    """An electronically signed letter's digest before mark and signature, and the code printed in the mark.

    Without a key of the institution there is only a digest, and no code.
    """

    __tablename__ = "letter_tokens"

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True)
    unsigned_sha256: Mapped[str] = mapped_column(String(64))
    """Digest of the unsigned bytes, which are not stored separately: the signed file begins with them."""
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """SHA-256 of the random token. Lookups use this hash, so that their time reveals nothing about tokens."""
    payload: Mapped[str] = mapped_column(Text, default="")
    key_id: Mapped[str | None] = mapped_column(ForeignKey("token_keys.key_id"))
    certificate_id: Mapped[int | None] = mapped_column(ForeignKey("certificates.id"))
    """The signer's certificate, if our own authority issued it: the public page shows its revocation."""


class TokenKey(Base):
    """A key of the institution that signed codes, with its certificates, which are published for checks."""

    __tablename__ = "token_keys"

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    certificates_pem: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
