"""The signed code on a letter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from ged.ports.names import Digest


@dataclass(frozen=True)
class TokenFacts:
    """What the signed code on a letter says.

    Attributes:
        token: 16 random bytes; who knows them holds the letter.
        digest: of the letter's PDF before mark and signature.
    """

    number: str
    on: date
    signer: str
    token: bytes = field(repr=False)
    digest: Digest


@dataclass(frozen=True)
class SealedToken:
    """The signed code. ``certificates_pem``: of the key that signed it, then those above it."""

    text: str
    key_id: str
    certificates_pem: str


class TokenState(StrEnum):
    """What a code is worth."""

    PROVEN = "proven"
    FORGED = "forged"
    """It names a key that we know, which did not sign it."""
    UNKNOWN_KEY = "unknown_key"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class TokenCheck:
    """A code looked at. ``by``: the subject of the certificate that proves it."""

    state: TokenState
    facts: TokenFacts | None = None
    key_id: str = ""
    by: str = ""


class TokenSealer(Protocol):
    """Makes and reads the signed code that is printed on a letter (``docs/dev/signed-code.md``)."""

    def seal(self, facts: TokenFacts) -> SealedToken | None:
        """Sign the facts with the institution's key; None when there is none.

        Raises:
            EngineFailed: retryable ``key.unreachable``; ``key.refused``.
        """
        ...

    def has_key(self) -> bool:
        """Whether there is a key, so that codes are made."""
        ...

    def read(self, text: str) -> TokenFacts | None:
        """What a code or an address that ends in one says, whoever made it; None when it is no code."""
        ...

    def check(self, text: str, certificates_pem: Sequence[str]) -> TokenCheck:
        """Whether the holder of one of these certificates says it."""
        ...
