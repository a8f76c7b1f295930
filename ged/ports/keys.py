"""Signing keys, their certificates, and the authority that takes them back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True)
class TokenPlace:
    """Where a key lies in a token or HSM (PKCS#11): names of the token, and of the key in it."""

    token: str
    label: str


@dataclass(frozen=True)
class StoredKey:
    """A key as it lies in the database: useless without passphrase *and* the server's secret, or without its token.

    Attributes:
        keystore: PKCS#12 bytes, or a token's address (RFC 7512) and certificates.
        salt: of the argon2id derivation; empty for a key in a token.
        certificate_pem: the public part.
    """

    keystore: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    certificate_pem: str

    @property
    def is_in_token(self) -> bool:
        """Whether a PIN opens it, in the token of its owner."""
        return self.keystore.startswith(b"pkcs11:")


@dataclass(frozen=True)
class Certificate:
    """What people need to know of a certificate."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True)
class UnlockedKey:
    """An opened key, sealed under a random key that only the browser's cookie holds (at most five minutes)."""

    sealed: bytes = field(repr=False)
    cookie_key: str = field(repr=False)
    expires_at: datetime


class KeyVault(Protocol):
    """Where signing keys are made and opened."""

    def issue(
        self,
        *,
        name: str,
        title: str,
        organisation: str,
        email: str,
        passphrase: str,
        now: datetime,
        identifier: str = "",
    ) -> StoredKey:
        """Make a key pair and a certificate of the ministry's own authority.

        Args:
            identifier: tells people of one name apart (serialNumber, EN 319 412-2, 4.2.4); without, the key does.

        Raises:
            Invalid: ``key.passphrase_short`` (fewer than 12 characters).
        """
        ...

    def adopt(self, content: bytes, password: str, *, passphrase: str, now: datetime) -> StoredKey:
        """Take a key over that another authority gave as PKCS#12 under ``password``.

        Raises:
            Invalid: ``key.file_unreadable``, ``key.passphrase_short``, ``key.expired``.
        """
        ...

    def attach(self, place: TokenPlace, pin: str, *, chain_pem: str, now: datetime) -> StoredKey:
        """Take a key that lies in a token, with certificates of another authority, its own first.

        Raises:
            ConfigError: ``key.no_module``.
            Invalid: ``key.passphrase_wrong`` (the PIN), ``key.token_locked``, ``key.token_last_try`` (the token would
                lock), ``key.token_mismatch``, ``key.file_unreadable``, ``key.expired``.
            EngineFailed: retryable ``key.unreachable``; ``key.refused``.
        """
        ...

    def place(self, key: StoredKey) -> TokenPlace:
        """Where a key in a token lies.

        Raises:
            EngineFailed: ``key.damaged``.
        """
        ...

    def certify_token(
        self,
        place: TokenPlace,
        pin: str,
        *,
        name: str,
        title: str,
        organisation: str,
        email: str,
        now: datetime,
        identifier: str = "",
    ) -> StoredKey:
        """Take a key that lies in a token, and certify it by the ministry's own authority.

        Raises:
            As ``attach``.
        """
        ...

    @property
    def can_certify(self) -> bool:
        """Whether this process can issue certificates: nobody has to be asked for the authority's passphrase."""
        ...

    def recertify(
        self,
        key: StoredKey,
        *,
        name: str,
        title: str,
        organisation: str,
        email: str,
        now: datetime,
        identifier: str = "",
    ) -> StoredKey:
        """The key with a new certificate of our own authority; it need not be opened, and opens as before."""
        ...

    def unlock(self, key: StoredKey, passphrase: str, *, now: datetime) -> UnlockedKey:
        """Open a key. ``passphrase``: the PIN, for one in a token.

        Raises:
            Invalid: ``key.passphrase_wrong``, ``key.expired``; ``key.token_locked``, ``key.token_last_try``.
            EngineFailed: ``key.damaged`` (what the database holds is no key any more); of a token ``key.unreachable``,
                ``key.refused``.
        """
        ...

    def certificate(self, key: StoredKey) -> Certificate:
        """Public facts of the key's certificate."""
        ...

    def trust_roots_pem(self) -> tuple[str, ...]:
        """Certificates of the authorities that we trust, for checkers and for people."""
        ...


@dataclass(frozen=True)
class RevokedCertificate:
    """A line of a revocation list. ``serial`` is hexadecimal, ``reason`` as RFC 5280 spells it (``keyCompromise``)."""

    serial: str
    revoked_at: datetime
    reason: str = "unspecified"


LIST_WARNING = timedelta(days=7)
"""How long before its end a revocation list is told to end soon."""


@dataclass(frozen=True)
class AuthorityStanding:
    """How the ministry's own authority is kept.

    Attributes:
        is_protected: its key needs a passphrase, and the root's key is not in the installation; else it is for trials.
        list_until: when the list and the responder that were left for the site end; None where none was.
    """

    is_protected: bool
    list_until: datetime | None

    def ends_soon(self, now: datetime) -> bool:
        """Whether the authority's keeper has to sign the list again: within a week, or it is late."""
        return self.is_protected and (self.list_until is None or self.list_until <= now + LIST_WARNING)


class RevocationLists(Protocol):
    """The ministry's own authority telling which of its certificates no longer count."""

    def crls(self, revoked: Sequence[RevokedCertificate], *, now: datetime) -> tuple[bytes, ...]:
        """The lists in force, DER: that of the issuing authority, then that of the root.

        Nothing where there is no authority of our own. Where a passphrase keeps its key, its list is the last one that
        was signed: ``revoked`` may say more.
        """
        ...

    def newest(self, which: str, revoked: Sequence[RevokedCertificate], *, now: datetime) -> bytes | None:
        """The newest list of ``issuing`` or ``root``, DER, also one that should have been followed by another."""
        ...

    def standing(self) -> AuthorityStanding | None:
        """How the authority's key is kept; None where there is no authority of our own."""
        ...

    def answer(
        self, request: bytes, *, known: Callable[[str], RevokedCertificate | bool | None], now: datetime
    ) -> bytes:
        """Answer an OCSP request (RFC 6960), DER; never raises on a strange one.

        Args:
            known: of a serial (hexadecimal): False when we never issued it, None when it is good, else its revocation.
        """
        ...

    def certificate(self, which: str) -> bytes | None:
        """The certificate of ``root`` or ``issuing``, DER; None when there is none."""
        ...
