"""The signed code on a letter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from ged.ports.names import Digest


@dataclass(frozen=True)
class TokenFacts:
    """The facts in the signed code on a letter.

    Attributes:
        token: 16 random bytes; only a holder of the letter knows them.
        digest: of the letter's PDF before mark and signature.
    """

    number: str
    on: date
    signer: str
    token: bytes = field(repr=False)
    digest: Digest


@dataclass(frozen=True)
class SealedToken:
    """The signed code. ``certificates_pem``: the certificate of the signing key, then those above it."""

    text: str
    key_id: str
    certificates_pem: str


class TokenState(StrEnum):
    """The result of checking a code."""

    PROVEN = "proven"
    FORGED = "forged"
    """The code names a key that we know, but this key did not sign it."""
    UNKNOWN_KEY = "unknown_key"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class TokenCheck:
    """A checked code. ``by``: the subject of the certificate that proves it."""

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
        """Whether there is a key, so that codes can be made."""
        ...

    def read(self, text: str) -> TokenFacts | None:
        """The facts in a code, or in an address that ends in a code, not verified; None when the text is no code."""
        ...

    def check(self, text: str, certificates_pem: Sequence[str]) -> TokenCheck:
        """Check whether the holder of one of these certificates signed the code."""
        ...
