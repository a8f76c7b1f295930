"""E-mail: SMTP, or a folder where the messages lie to be read when no server is named."""

import smtplib
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ged.errors import EngineFailed
from ged.ports import Message


def _build(message: Message, sender: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Message-ID"], mail["From"], mail["To"], mail["Subject"] = (
        message.message_id,
        sender,
        message.to,
        message.subject,
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
    """Plug of ``Post`` over SMTP (``smtp://user:password@host:587`` with STARTTLS, or ``smtps://``)."""

    def __init__(self, url: str, sender: str) -> None:
        self._parts = urlsplit(url)
        self._sender = sender

    def send(self, message: Message) -> None:
        """Send; a failure before the message was handed over may be tried again."""
        mail = _build(message, self._sender)
        try:
            server = self._connect()
        except OSError as error:
            raise EngineFailed(
                "post.failed", "check the mail server", retryable=True, error=type(error).__name__
            ) from None
        try:
            with server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused:
            raise EngineFailed("post.refused", "correct the address", retryable=False) from None
        except (OSError, smtplib.SMTPException) as error:
            raise EngineFailed("post.failed", "ask the mail server's log", error=type(error).__name__) from None

    def _connect(self) -> smtplib.SMTP:
        host, port = self._parts.hostname or "localhost", self._parts.port
        if self._parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=30)
        else:
            server = smtplib.SMTP(host, port or 25, timeout=30)
        if self._parts.username:
            if self._parts.scheme == "smtp":
                server.starttls()
            server.login(unquote(self._parts.username), unquote(self._parts.password or ""))
        return server


class FolderPost:
    """Plug of ``Post`` for an installation without a mail server: messages lie in a folder as .eml files."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    def send(self, message: Message) -> None:
        """Write the message; the same Message-ID twice is one file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in message.message_id.strip("<>"))
        (self._folder / f"{name}.eml").write_bytes(bytes(_build(message, self._sender)))
