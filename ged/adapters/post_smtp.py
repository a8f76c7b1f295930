"""E-mail: sent by SMTP, or written to a folder when no server is named."""

import smtplib
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.errors import HeaderParseError
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ged.errors import EngineFailed
from ged.links import is_loopback, tls_context
from ged.ports import Message

TIMEOUT_S = 30.0
REFUSED, FOR_GOOD = 400, 500
"""Codes of a mail server from which it refuses, and refuses for good (RFC 5321, 4.2.1)."""


def _one_address(typed: str) -> str:
    """The text, where it is one address and nothing else: a header reads ``a, b`` as two, ``a:b`` as ``b``, and ``a(b`` as ``a``.

    Raises:
        EngineFailed: ``post.refused``.
    """
    try:
        read = [one.addr_spec for one in policy.default.header_factory("To", typed).addresses]
    except (HeaderParseError, ValueError, IndexError, AttributeError):  # the parser raises the last three on some texts
        read = []
    if read != [typed]:
        raise EngineFailed("post.refused", "correct the address", retryable=False)
    return typed


def _build(message: Message, sender: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Message-ID"], mail["From"], mail["To"], mail["Subject"] = (
        message.message_id,
        sender,
        _one_address(message.to),
        # A header of two lines is refused, also where another sign ends a line (Word's soft return, U+2028). A name that somebody
        # typed (of a saved search) must not stop the e-mails of others.
        " ".join(message.subject.splitlines()),
    )
    mail.set_content(message.text)
    if message.attachment is not None:
        mail.add_attachment(
            message.attachment,
            maintype="application",
            subtype="pdf",
            filename=message.attachment_name or "courrier.pdf",
        )
    return mail


class SmtpPost:
    """Adapter of ``Post`` over SMTP: ``smtp://user:password@host:587`` with STARTTLS, or ``smtps://`` (RFC 8314).

    The server's certificate and name are checked before a name, a password or a letter is sent. Clear text is used only
    on loopback.
    """

    def __init__(self, url: str, sender: str, *, ca_file: Path | None = None) -> None:
        """Prepare; no connection is made yet.

        Args:
            url: of the server.
            sender: sender address of the messages.
            ca_file: authority of the server's certificate (PEM); None: the authorities of the system.

        Raises:
            ConfigError: ``config.invalid``: ``ca_file`` cannot be used.
        """
        self._parts = urlsplit(url)
        self._sender = sender
        self._tls = tls_context(ca_file)

    def send(self, message: Message) -> None:
        """Send; a failure before the server got the message may be retried.

        Raises:
            EngineFailed: ``post.certificate``, ``post.no_tls``, ``post.failed``, ``post.refused``.
        """
        mail = _build(message, self._sender)
        server = self._opened()
        try:
            with server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            if all(code < FOR_GOOD for code, _ in error.recipients.values()):
                # The server did not take the message yet: greylisting, a full or locked mailbox.
                raise EngineFailed(
                    "post.failed", "the mail server asks to try later", retryable=True, error=type(error).__name__
                ) from None
            raise EngineFailed("post.refused", "correct the address", retryable=False) from None
        # The server may have taken the message by now: sent again by itself, it would come twice. A person decides.
        except (OSError, smtplib.SMTPException) as error:
            raise EngineFailed("post.failed", "ask the mail server's log", error=type(error).__name__) from None

    def reach(self) -> datetime | None:
        """Connect and sign in as for a message, and leave. Returns when the server's certificate ends; None without TLS.

        Raises:
            EngineFailed: ``post.certificate``, ``post.no_tls``, ``post.failed``.
        """
        server = self._opened()
        try:
            with server:
                code, said = server.noop()
                link = server.sock
                certificate = link.getpeercert() if isinstance(link, ssl.SSLSocket) else None
        except (OSError, smtplib.SMTPException) as error:
            raise EngineFailed("post.failed", "ask the mail server's log", error=type(error).__name__) from None
        if code >= REFUSED:
            raise EngineFailed("post.failed", "ask the mail server's log", error=said.decode("ascii", "replace")[:80])
        ends = str(certificate["notAfter"]) if certificate else ""
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None

    def _opened(self) -> smtplib.SMTP:
        try:
            return self._connect()
        except ssl.SSLCertVerificationError as error:
            raise EngineFailed(
                "post.certificate",
                "name the server as its certificate does, renew that, or give its authority in GED_SMTP_CA",
                retryable=True,
                host=self._host,
                reason=error.verify_message,
            ) from None
        except OSError as error:
            raise EngineFailed(
                "post.failed", "check the mail server", retryable=True, error=type(error).__name__
            ) from None

    @property
    def _host(self) -> str:
        return self._parts.hostname or "localhost"

    def _connect(self) -> smtplib.SMTP:
        if self._parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._parts.port or 465, timeout=TIMEOUT_S, context=self._tls
            )
        else:
            server = smtplib.SMTP(self._host, self._parts.port or 25, timeout=TIMEOUT_S)
        try:
            if self._parts.scheme != "smtps" and not is_loopback(self._host):
                self._protect(server)
            if self._parts.username:
                server.login(unquote(self._parts.username), unquote(self._parts.password or ""))
        except BaseException:
            server.close()
            raise
        return server

    def _protect(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if not server.has_extn("starttls"):
            raise EngineFailed(
                "post.no_tls", "use smtps://, or let the server offer STARTTLS", retryable=True, host=self._host
            )
        server.starttls(context=self._tls)


class TrainingPost:
    """Adapter of ``Post`` for a training installation: keeps messages in a folder, marked; it knows no server."""

    SENDER = "exercice@exercice.invalid"
    """No mail can come from or go to this name (RFC 2606)."""

    def __init__(self, folder: Path) -> None:
        self._kept = FolderPost(folder, self.SENDER)

    def send(self, message: Message) -> None:
        """Keep the message in the folder."""
        text = f"EXERCICE : ce message n'est pas parti.\n\n{message.text}"
        name = f"EXERCICE-{message.attachment_name or 'courrier.pdf'}" if message.attachment is not None else None
        self._kept.send(replace(message, subject=f"[EXERCICE] {message.subject}", text=text, attachment_name=name))


class FolderPost:
    """Adapter of ``Post`` for an installation without a mail server: writes messages to a folder as .eml files."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    def send(self, message: Message) -> None:
        """Write the message; messages with the same Message-ID share one file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in message.message_id.strip("<>"))
        (self._folder / f"{name}.eml").write_bytes(bytes(_build(message, self._sender)))
