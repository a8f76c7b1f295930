"""Mailboxes on IMAP servers: always TLS (except on loopback), a password from a file or a token for XOAUTH2."""

import logging
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ged.errors import ConfigError, EngineFailed
from ged.links import is_loopback, tls_context
from ged.ports import MessageRef, OpenMailbox

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0
TOKEN_TIMEOUT_S = 30.0
_LOST = (IMAPClientError, OSError, EOFError)


class MailboxSettings(BaseModel):
    """One ``[[mailbox]]`` of the file named by ``GED_MAILBOXES_FILE``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    unit: str = Field(min_length=1)
    """Code of the unit whose clerks get the messages."""
    host: str = Field(min_length=1)
    port: int = Field(default=993, ge=1, le=65535)
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    ca_file: Path | None = None
    user: str = Field(min_length=1)
    password_file: Path | None = None
    token_file: Path | None = None
    """File with an OAuth2 access token; another program renews it."""
    token_command: tuple[str, ...] = ()
    """A program that prints an OAuth2 access token; run without a shell at each connection."""
    folder: str = "INBOX"
    done: str = ""
    """Folder for captured messages; empty: they are deleted."""
    errors: str = "GED-erreurs"

    @model_validator(mode="after")
    def _one_way_in(self) -> "MailboxSettings":
        if sum((self.password_file is not None, self.token_file is not None, bool(self.token_command))) != 1:
            raise ValueError("give one of password_file, token_file, token_command")
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError("tls = 'none' is for loopback only")
        if len({self.folder, self.done or self.errors, self.errors}) < 2 or self.folder in (self.done, self.errors):
            raise ValueError("folder, done and errors are different folders")
        return self


def load_mailboxes(path: Path | None) -> tuple["ImapMailbox", ...]:
    """The mailboxes of a settings file.

    Raises:
        ConfigError: ``config.invalid``.
    """
    if path is None:
        return ()
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        found = [MailboxSettings(**one) for one in given.pop("mailbox", [])]
        if given or len({one.name for one in found}) != len(found):
            raise ValueError("only [[mailbox]] tables, each with a name of its own")
    except (OSError, ValueError, TypeError, ValidationError) as error:
        raise ConfigError("config.invalid", f"correct {path}: {error}"[:500], setting="GED_MAILBOXES_FILE") from None
    return tuple(ImapMailbox(one) for one in found)


class ImapMailbox:
    """A mailbox; each ``open`` makes a new connection."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """As ``Mailbox.name``."""
        return self._settings.name

    @property
    def unit_code(self) -> str:
        """As ``Mailbox.unit_code``."""
        return self._settings.unit

    @contextmanager
    def open(self) -> Iterator[OpenMailbox]:
        """As ``Mailbox.open``."""
        try:
            client = self._connect()
        except _LOST as lost:
            raise self._unavailable(lost) from lost
        try:
            self._sign_in(client)
            yield _Opened(client, self._settings)
        except _LOST as lost:
            raise self._unavailable(lost) from lost
        finally:
            try:
                client.logout()
            except _LOST:
                client.shutdown()

    def _connect(self) -> IMAPClient:
        settings = self._settings
        context = tls_context(settings.ca_file)
        implicit = settings.tls == "implicit"
        client = IMAPClient(
            settings.host, settings.port, ssl=implicit, ssl_context=context if implicit else None, timeout=TIMEOUT_S
        )
        if settings.tls == "starttls":
            client.starttls(context)
        return client

    def _sign_in(self, client: IMAPClient) -> None:
        settings = self._settings
        try:
            if settings.password_file is not None:
                client.login(settings.user, _secret(settings.password_file, settings.name))
            else:
                client.oauth2_login(settings.user, self._token())
        except LoginError as refused:
            raise EngineFailed(
                "mailbox.login", "check the account's name and secret", mailbox=settings.name
            ) from refused

    def _token(self) -> str:
        settings = self._settings
        if settings.token_file is not None:
            return _secret(settings.token_file, settings.name)
        try:
            # The administrator's own program, from the settings file; no shell.
            done = subprocess.run(
                settings.token_command, capture_output=True, timeout=TOKEN_TIMEOUT_S, check=True, text=True
            )
        except (OSError, subprocess.SubprocessError) as failed:
            # The output may contain the token: only the type of the exception is reported.
            cause = type(failed).__name__
            raise EngineFailed(
                "mailbox.token", "run the token command by hand", retryable=True, mailbox=settings.name, cause=cause
            ) from None
        return done.stdout.strip()

    def _unavailable(self, lost: BaseException) -> EngineFailed:
        detail = f"{type(lost).__name__}: {lost}"[:200]
        return EngineFailed(
            "mailbox.unavailable", "check the server and the network", retryable=True, mailbox=self.name, detail=detail
        )


def _secret(path: Path, mailbox: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as missing:
        cause = missing.strerror
        raise EngineFailed("mailbox.token", "make the file readable", mailbox=mailbox, cause=cause) from None


class _Opened:
    """As ``OpenMailbox``."""

    def __init__(self, client: IMAPClient, settings: MailboxSettings) -> None:
        self._client, self._settings = client, settings
        self._uid_validity = int(client.select_folder(settings.folder)[b"UIDVALIDITY"])

    def waiting(self) -> Sequence[MessageRef]:
        """As ``OpenMailbox.waiting``."""
        # On a server without UIDPLUS, what was put away stays in the folder, marked as deleted.
        uids = sorted(self._client.search(["UNDELETED"]))
        sizes = self._client.fetch(uids, ["RFC822.SIZE"]) if uids else {}
        return [MessageRef(self._uid_validity, uid, int(sizes[uid][b"RFC822.SIZE"])) for uid in uids if uid in sizes]

    def read(self, ref: MessageRef) -> bytes | None:
        """As ``OpenMailbox.read``."""
        # PEEK: a message that we fetch stays unread for people who look into the mailbox (RFC 3501, 6.4.5).
        found: dict[int, dict[bytes, Any]] = self._client.fetch([ref.uid], ["BODY.PEEK[]"])
        body = found.get(ref.uid, {}).get(b"BODY[]")
        return body if isinstance(body, bytes) else None

    def put_away(self, ref: MessageRef, *, refused: bool) -> None:
        """As ``OpenMailbox.put_away``."""
        target = self._settings.errors if refused else self._settings.done
        if not target:
            self._delete(ref.uid)
            return
        if not self._client.folder_exists(target):
            self._client.create_folder(target)
            self._client.subscribe_folder(target)
        try:
            self._client.move([ref.uid], target)
        # Without MOVE (RFC 6851). Killed between the two steps, the message is found again, is known, and is only moved.
        except CapabilityError:
            self._client.copy([ref.uid], target)
            self._delete(ref.uid)

    def _delete(self, uid: int) -> None:
        self._client.delete_messages([uid], silent=True)
        if self._client.has_capability("UIDPLUS"):
            # This never expunges other messages that somebody marked as deleted.
            self._client.uid_expunge([uid])
