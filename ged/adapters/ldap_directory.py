"""A directory over LDAP: OpenLDAP, Active Directory. The only place that imports python-ldap, the extra ``ldap``.

A password is checked by a bind as the entry that was found, on a link of its own. What would let anybody in, or show what is not
ours, is closed: an empty password (RFC 4513, 5.1.2: such a bind is a success), characters that mean something in a filter
(RFC 4515), referrals to other servers, a certificate that is not checked.
"""

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ldap
from ldap.filter import escape_filter_chars

from ged.errors import ConfigError, EngineFailed
from ged.links import tls_context
from ged.ports import Proof, Proved, Standing

_log = logging.getLogger(__name__)

CONNECT_S = 3.0
ANSWER_S = 5.0
LDAPS = 636
AT_ONCE = 100
"""Entries in one question."""
MOST_ENTRIES = 2 * AT_ONCE
QUESTIONS = 8
"""Questions of one process at the same moment: a directory that hangs must not hold all threads of the site."""
LONGEST_PASSWORD = 1024
NOBODY = "cn=nobody-7d0c5f"
"""An entry that is not there: the bind of an account that the directory does not know takes as long as another."""
BINARY = frozenset({"objectguid", "objectsid"})
"""Attributes of bytes: stored as hexadecimal."""
CLOSED_BY_DEFAULT = "(|(userAccountControl:1.2.840.113556.1.4.803:=2)(pwdAccountLockedTime=000001010000Z))"
"""Disabled in Active Directory; locked by an administrator in OpenLDAP. Not a lock after wrong passwords, which ends by itself:
whoever types five wrong passwords in another's name would end the other's sessions."""
NOT_PROVED = (
    ldap.INVALID_CREDENTIALS, ldap.INAPPROPRIATE_AUTH, ldap.UNWILLING_TO_PERFORM, ldap.CONSTRAINT_VIOLATION,
    ldap.INSUFFICIENT_ACCESS, ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX,
)  # fmt: skip


@dataclass(frozen=True)
class DirectorySettings:
    """How the directory is asked.

    Attributes:
        url: ``ldaps://host``, or ``ldap://host`` with StartTLS; several, separated by a space: the first that answers.
        people_filter: of the entries that are people.
        account_attribute: holds what is typed as the account.
        id_attribute: is kept when an entry is renamed or moved.
        closed_filter: of the entries that may not sign in; empty: ``CLOSED_BY_DEFAULT``.
        ca_file: PEM of the directory's authority; None: the system's.
    """

    url: str
    base: str
    bind_dn: str
    bind_password: str
    people_filter: str = "(objectClass=person)"
    account_attribute: str = "sAMAccountName"
    id_attribute: str = "objectGUID"
    closed_filter: str = ""
    ca_file: Path | None = None


@dataclass(frozen=True)
class _Entry:
    dn: str
    subject: str


class LdapDirectory:
    """See ``ged.ports.Directory``."""

    def __init__(self, settings: DirectorySettings) -> None:
        """Prepare; no connection is made yet.

        Raises:
            ConfigError: ``config.invalid``: the certificate of the authority cannot be read; the password of the account that
                searches is empty.
        """
        if settings.ca_file is not None and not settings.ca_file.is_file():
            raise ConfigError("config.invalid", f"name a readable PEM file: {settings.ca_file}", setting="GED_LDAP_CA")
        if not settings.bind_dn or not settings.bind_password:
            raise ConfigError(
                "config.invalid", "give the account that searches, and its password", setting="GED_LDAP_BIND_PASSWORD"
            )
        self._settings = settings
        self._places = threading.BoundedSemaphore(QUESTIONS)
        self._closed = settings.closed_filter or CLOSED_BY_DEFAULT

    @property
    def name(self) -> str:
        """By the base: the servers behind it may change."""
        return f"ldap:{self._settings.base.lower().replace(' ', '')}"[:255]

    def prove(self, account: str, password: str, *, subject: str = "") -> Proved:
        """See ``ged.ports.Directory.prove``."""
        if not password or len(password) > LONGEST_PASSWORD or "\0" in password:
            return Proved(Proof.WRONG)
        with self._searching() as link:
            entry = self._found(link, self._by_id(subject) if subject else self._by_account(account))
            is_closed = bool(self._search(link, entry.dn if entry else NOBODY, ldap.SCOPE_BASE, self._closed))
        is_right = self._binds(entry.dn if entry else f"{NOBODY},{self._settings.base}", password)
        if entry is None:
            return Proved(Proof.UNKNOWN)
        return Proved(Proof.PROVED if is_right and not is_closed else Proof.WRONG, entry.subject)

    def standing(self, subjects: Sequence[str]) -> Mapping[str, Standing]:
        """See ``ged.ports.Directory.standing``."""
        standings: dict[str, Standing] = {}
        with self._searching() as link:
            # Where the base is not there, each search finds nothing: everybody would be taken for gone.
            self._require_base(link)
            for begin in range(0, len(subjects), AT_ONCE):
                asked = subjects[begin : begin + AT_ONCE]
                any_of = f"(|{''.join(map(self._by_id, asked))})"
                there = self._subjects(link, any_of)
                closed = self._subjects(link, f"(&{any_of}{self._closed})")
                for one in asked:
                    standings[one] = (
                        Standing.GONE if one not in there else Standing.CLOSED if one in closed else Standing.OPEN
                    )
        return standings

    def look(self) -> str:
        """See ``ged.ports.Directory.look``."""
        with self._searching() as link:
            self._require_base(link)
            with suppress(ldap.SIZELIMIT_EXCEEDED):  # more are closed than are asked for: the question is understood
                self._subjects(link, f"(&{self._by_account('*')}{self._closed})")
        return self._settings.url

    # --- questions ---

    def _by_account(self, account: str) -> str:
        return f"({self._settings.account_attribute}={escape_filter_chars(account)})"

    def _by_id(self, subject: str) -> str:
        if self._is_binary():
            with suppress(ValueError):
                subject_bytes = bytes.fromhex(subject)
                return f"({self._settings.id_attribute}={''.join(f'{chr(92)}{one:02x}' for one in subject_bytes)})"
        return f"({self._settings.id_attribute}={escape_filter_chars(subject)})"

    def _is_binary(self) -> bool:
        return self._settings.id_attribute.lower() in BINARY

    def _found(self, link: Any, which: str) -> _Entry | None:
        try:
            entries = self._search(
                link, self._settings.base, ldap.SCOPE_SUBTREE, f"(&{self._settings.people_filter}{which})"
            )
        except ldap.SIZELIMIT_EXCEEDED:
            return None
        # A right password would not say which of the two it is.
        if len(entries) > 1:
            _log.warning("directory.ambiguous entries=%s", len(entries))
            return None
        return entries[0] if entries and entries[0].subject else None

    def _subjects(self, link: Any, which: str) -> set[str]:
        """The entries that are meant. A server that gives only some of them has told nothing: whoever is missing is not gone."""
        asked = f"(&{self._settings.people_filter}{which})"
        return {one.subject for one in self._search(link, self._settings.base, ldap.SCOPE_SUBTREE, asked)}

    def _search(self, link: Any, base: str, scope: int, which: str) -> list[_Entry]:
        attribute = self._settings.id_attribute
        try:
            rows = link.search_ext_s(base, scope, which, [attribute], timeout=ANSWER_S, sizelimit=MOST_ENTRIES)
        except (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX):
            return []
        except ldap.FILTER_ERROR:
            raise EngineFailed("directory.filter", "correct GED_LDAP_FILTER or GED_LDAP_CLOSED_FILTER") from None
        # Without an address of its own: a referral to another server.
        return [_Entry(dn, self._subject(given)) for dn, given in rows if dn]

    def _subject(self, given: Mapping[str, Sequence[bytes]]) -> str:
        wanted = self._settings.id_attribute.lower()
        value = next((values[0] for name, values in given.items() if name.lower() == wanted and values), b"")
        return value.hex() if self._is_binary() else value.decode("utf-8", "replace")

    def _require_base(self, link: Any) -> None:
        try:
            # "1.1" asks for no attribute (RFC 4511, 4.5.1.8): that the entry is there is enough.
            link.search_ext_s(self._settings.base, ldap.SCOPE_BASE, "(objectClass=*)", ["1.1"], timeout=ANSWER_S)
        except (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX):
            raise EngineFailed("directory.base", "correct GED_LDAP_BASE", base=self._settings.base) from None

    # --- links ---

    @contextmanager
    def _searching(self) -> Iterator[Any]:
        """A link of the account that searches."""
        with self._our_errors(), self._linked() as link:
            try:
                link.simple_bind_s(self._settings.bind_dn, self._settings.bind_password)
            except NOT_PROVED:
                raise EngineFailed(
                    "directory.bind", "give the account that searches, and its password, in the settings"
                ) from None
            yield link

    def _binds(self, dn: str, password: str) -> bool:
        with self._our_errors(), self._linked() as link:
            try:
                link.simple_bind_s(dn, password)
            except NOT_PROVED:
                return False
            return True

    @contextmanager
    def _linked(self) -> Iterator[Any]:
        if not self._places.acquire(timeout=CONNECT_S):
            raise ldap.TIMEOUT("too many questions wait")
        try:
            with self._open_link() as link:
                yield link
        finally:
            self._places.release()

    @contextmanager
    def _open_link(self) -> Iterator[Any]:
        link = self._opened()
        try:
            yield link
        finally:
            with suppress(ldap.LDAPError):
                link.unbind_s()

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        """Turn the library's errors into ours. They hold neither an account nor a password."""
        try:
            yield
        except ldap.LDAPError as error:
            last = self._settings.url.split()[-1]
            # What StartTLS says of a certificate is this alone.
            is_tls = isinstance(error, ldap.CONNECT_ERROR) or (
                isinstance(error, ldap.SERVER_DOWN)
                and last.startswith("ldaps://")
                and _is_certificate_refused(last, self._settings.ca_file)
            )
            if is_tls:
                raise EngineFailed(
                    "directory.certificate", "name the server as its certificate does, or give its authority", url=last
                ) from None
            raise EngineFailed(
                "directory.away", "look at the directory and the network", retryable=True, reason=type(error).__name__
            ) from None

    def _opened(self) -> Any:
        tries: list[Callable[[], Any]] = [lambda url=url: self._open(url) for url in self._settings.url.split()]  # type: ignore[misc]
        for one in tries[:-1]:
            with suppress(ldap.LDAPError):
                return one()
        return tries[-1]()

    def _open(self, url: str) -> Any:
        link = ldap.initialize(url, trace_level=0)
        link.protocol_version = ldap.VERSION3
        link.set_option(ldap.OPT_REFERRALS, 0)
        link.set_option(ldap.OPT_DEREF, ldap.DEREF_NEVER)
        link.set_option(ldap.OPT_NETWORK_TIMEOUT, CONNECT_S)
        link.set_option(ldap.OPT_TIMEOUT, ANSWER_S)
        link.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
        link.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2)
        if self._settings.ca_file is not None:
            link.set_option(ldap.OPT_X_TLS_CACERTFILE, str(self._settings.ca_file))
        # The last of these options: it makes the context of those that were set before it.
        link.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        if url.startswith("ldap://"):
            link.start_tls_s()
        else:
            link.whoami_s()  # the link is made by its first question
        return link


def _is_certificate_refused(url: str, ca_file: Path | None) -> bool:
    """What the library does not tell of a link that begins with TLS: whether the certificate was the reason."""
    parts = urlsplit(url)
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or LDAPS), timeout=CONNECT_S) as link,
            tls_context(ca_file).wrap_socket(link, server_hostname=parts.hostname),
        ):
            return False
    except ssl.SSLCertVerificationError:
        return True
    except OSError:
        return False
