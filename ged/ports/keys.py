"""Signing keys, their certificates, and the authority that revokes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True)
class TokenPlace:
    """The address of a key in a token or HSM (PKCS#11): names of the token, and of the key in it."""

    token: str
    label: str


@dataclass(frozen=True)
class StoredKey:
    """A key as stored in the database. To use it, passphrase *and* server's secret are needed, or its token.

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
        """Whether the key is in its owner's token, opened by a PIN."""
        return self.keystore.startswith(b"pkcs11:")


@dataclass(frozen=True)
class Certificate:
    """The facts of a certificate that people need."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True)
class SealedFile:
    """What a sealed PDF of ours bears.

    Attributes:
        data: what it carries under the name that is asked for; None: nothing.
        certificate: that of its first signature; None: it has none.
    """

    data: bytes | None
    certificate: Certificate | None


@dataclass(frozen=True)
class UnlockedKey:
    """An opened key, encrypted with a random key that only the browser's cookie holds (at most five minutes)."""

    sealed: bytes = field(repr=False)
    cookie_key: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class CertifiedPerson:
    """The person whom a certificate of our own authority names.

    Attributes:
        identifier: distinguishes people of the same name (serialNumber, EN 319 412-2, 4.2.4). Without it, the key does.
    """

    name: str
    title: str
    organisation: str
    email: str
    identifier: str = ""


class KeyVault(Protocol):
    """Makes and opens signing keys."""

    def issue(self, person: CertifiedPerson, *, passphrase: str, now: datetime) -> StoredKey:
        """Make a key pair and a certificate of the ministry's own authority.

        Raises:
            Invalid: ``key.passphrase_short`` (fewer than 12 characters).
        """
        ...

    def adopt(self, content: bytes, password: str, *, passphrase: str, now: datetime) -> StoredKey:
        """Take over a key that another authority delivered as PKCS#12, encrypted with ``password``.

        Raises:
            Invalid: ``key.file_unreadable``, ``key.passphrase_short``, ``key.expired``.
        """
        ...

    def attach(self, place: TokenPlace, pin: str, *, chain_pem: str, now: datetime) -> StoredKey:
        """Register a key in a token. ``chain_pem``: certificates of another authority, the key's own first.

        Raises:
            ConfigError: ``key.no_module``.
            Invalid: ``key.passphrase_wrong`` (the PIN), ``key.token_locked``, ``key.token_last_try`` (the token would
                lock), ``key.token_mismatch``, ``key.file_unreadable``, ``key.expired``.
            EngineFailed: retryable ``key.unreachable``; ``key.refused``.
        """
        ...

    def place(self, key: StoredKey) -> TokenPlace:
        """The address of a key in a token.

        Raises:
            EngineFailed: ``key.damaged``.
        """
        ...

    def certify_token(self, place: TokenPlace, pin: str, person: CertifiedPerson, *, now: datetime) -> StoredKey:
        """Register a key in a token, and certify it by the ministry's own authority.

        Raises:
            As ``attach``.
        """
        ...

    @property
    def can_certify(self) -> bool:
        """Whether this process can issue certificates without a prompt for the authority's passphrase."""
        ...

    def recertify(self, key: StoredKey, person: CertifiedPerson, *, now: datetime) -> StoredKey:
        """Give a key a new certificate of our own authority. The key is not opened, and its passphrase stays."""
        ...

    def unlock(self, key: StoredKey, passphrase: str, *, now: datetime) -> UnlockedKey:
        """Open a key. ``passphrase``: the PIN, for a key in a token.

        Raises:
            Invalid: ``key.passphrase_wrong``, ``key.expired``; ``key.token_locked``, ``key.token_last_try``.
            EngineFailed: ``key.damaged`` (the stored bytes are no valid key); for a token ``key.unreachable``,
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
"""A warning is shown this long before a revocation list expires."""


@dataclass(frozen=True)
class AuthorityStanding:
    """How the ministry's own authority is kept.

    Attributes:
        is_protected: the authority's key needs a passphrase, and the root's key is not in the installation. If False,
            the authority is for trials only.
        list_until: when the list and the responder's certificate published for the site expire; None without a list.
    """

    is_protected: bool
    list_until: datetime | None

    def ends_soon(self, now: datetime) -> bool:
        """Whether the authority's keeper has to sign a new list: it expires within a week, or has expired."""
        return self.is_protected and (self.list_until is None or self.list_until <= now + LIST_WARNING)


class RevocationLists(Protocol):
    """Publishes which certificates of the ministry's own authority are revoked."""

    def crls(self, revoked: Sequence[RevokedCertificate], *, now: datetime) -> tuple[bytes, ...]:
        """The lists in force, DER: the issuing authority's, then the root's.

        Empty without an own authority. If a passphrase protects its key, its list is the last signed list: ``revoked``
        may contain more.
        """
        ...

    def newest(self, which: str, revoked: Sequence[RevokedCertificate], *, now: datetime) -> bytes | None:
        """The newest list of ``issuing`` or ``root``, DER, even if it has expired."""
        ...

    def standing(self) -> AuthorityStanding | None:
        """How the authority's key is kept; None without an own authority."""
        ...

    def answer(
        self, request: bytes, *, known: Callable[[str], RevokedCertificate | bool | None], now: datetime
    ) -> bytes:
        """Answer an OCSP request (RFC 6960), DER. Never raises on a malformed request.

        Args:
            known: called with a serial number (hexadecimal). Returns False when we never issued the certificate, None
                when it is good, else its revocation.
        """
        ...

    def certificate(self, which: str) -> bytes | None:
        """The certificate of ``root`` or ``issuing``, DER; None when there is none."""
        ...
