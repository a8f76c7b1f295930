"""Directories: who somebody is. What a person may do is said by posts alone: nothing here names a role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Proof(StrEnum):
    """What a directory says of an account and a password."""

    PROVED = "proved"
    WRONG = "wrong"
    """The entry is there, and the password is wrong, or the account is closed: not told apart."""
    UNKNOWN = "unknown"
    """The directory has no such entry."""


@dataclass(frozen=True)
class Proved:
    """The answer of a directory.

    Attributes:
        subject: what the entry keeps when it is renamed or moved; empty: there is no entry.
    """

    proof: Proof
    subject: str = ""


class Standing(StrEnum):
    """How an entry of the directory stands."""

    OPEN = "open"
    CLOSED = "closed"
    GONE = "gone"


class Directory(Protocol):
    """A directory that checks passwords (LDAP, Active Directory)."""

    @property
    def name(self) -> str:
        """Names it in links: entries of another directory are other people."""
        ...

    def prove(self, account: str, password: str, *, subject: str = "") -> Proved:
        """Check a password, by a bind as the entry that was found. Whatever the answer, the work is the same: time tells nothing.

        Args:
            account: finds the entry where ``subject`` is empty.
            subject: finds the entry of a linked account.

        Raises:
            EngineFailed: ``directory.away``, ``directory.certificate``, ``directory.bind``, ``directory.base``.
        """
        ...

    def standing(self, subjects: Sequence[str]) -> Mapping[str, Standing]:
        """How these entries stand.

        Raises:
            EngineFailed: as ``prove``.
        """
        ...

    def look(self) -> str:
        """Try what a sign-in does, without a person. Returns the server's address.

        Raises:
            EngineFailed: as ``prove``; ``directory.filter``: a filter of the settings is none.
        """
        ...


@dataclass(frozen=True)
class Identity:
    """Who came back from an identity provider, checked.

    Attributes:
        subject: what the provider never gives to another person (``sub``).
        account: the value of the claim that names the account; empty: there was none.
        sid: the provider's own session, empty: not told.
        id_token: as it was signed: it names the session at a logout.
        refresh_token: asks later whether the person may still sign in; empty: none was given.
        second_done: the provider itself asked for a second step, as the settings say.
    """

    subject: str
    account: str
    sid: str
    id_token: str
    refresh_token: str
    second_done: bool


@dataclass(frozen=True)
class Leaving:
    """A session that ended at the provider: of ``sid``, or all of ``subject``."""

    subject: str
    sid: str
    issued_at: int


class IdentityProvider(Protocol):
    """An OpenID provider (Keycloak, Entra ID)."""

    @property
    def issuer(self) -> str:
        """Names it in links."""
        ...

    @property
    def label(self) -> str:
        """What the button of the sign-in page calls it; empty: nothing special."""
        ...

    def address(self, *, redirect_uri: str, state: str, nonce: str, verifier: str, anew: bool) -> str:
        """Where the browser is sent to sign in.

        Args:
            verifier: of PKCE; the address holds its digest alone.
            anew: the person signs in there again, although a session is open.

        Raises:
            EngineFailed: ``provider.away``.
        """
        ...

    def identity(
        self, code: str, *, redirect_uri: str, nonce: str, verifier: str, max_age_s: int | None = None
    ) -> Identity:
        """Exchange a code for an identity: signature, issuer, audience, nonce and times are checked.

        Args:
            max_age_s: the person must have signed in there in these last seconds.

        Raises:
            EngineFailed: ``provider.away``.
            Invalid: ``provider.refused``: the code was used, or the answer is not for us.
        """
        ...

    def renewed(self, refresh_token: str) -> str | None:
        """The next refresh token, while the person may sign in; None: no more.

        Raises:
            EngineFailed: ``provider.away``.
        """
        ...

    def leaving(self, logout_token: str) -> Leaving:
        """Check the provider's message that a session ended (OpenID Connect Back-Channel Logout 1.0).

        Raises:
            EngineFailed: ``provider.away``.
            Invalid: ``provider.refused``.
        """
        ...

    def way_out(self, *, id_token: str, back: str) -> str:
        """Where the browser ends the provider's own session; empty: the provider has no such page, or is away."""
        ...

    def look(self) -> str:
        """Try to reach it. Returns its issuer.

        Raises:
            EngineFailed: ``provider.away``, ``provider.issuer``.
        """
        ...
