"""Helpers for the tests of e-mail: a mailbox on the test's IMAP server, delivery to it, collection from it."""

from __future__ import annotations

import secrets
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.adapters.imap import ImapMailbox, MailboxSettings
from ged.capture.models import MailboxMessage
from ged.mailbox import operations as mailbox
from ged.org.models import Unit
from ged.unit import Services
from tests.factories import NOW, actor
from tests.intake_kit import quiet
from tests.servers import Unavailable, imap


@pytest.fixture
def box(tmp_path: Path, services: Services) -> ImapMailbox:
    """A new mailbox that is collected for the clerk's unit. Collected messages are moved to the folder 'recus'."""
    return ImapMailbox(settings_of(tmp_path, services))


def settings_of(folder: Path, services: Services, **changes: object) -> MailboxSettings:
    """Settings of a new mailbox for the clerk's unit; ``changes`` replace single settings."""
    unit_id = actor(services, "agent").posts[0].unit_id
    with services.reading() as session:
        code = session.get_one(Unit, unit_id).code
    return mailbox_settings(folder, code, **changes)


def mailbox_settings(folder: Path, unit_code: str, **changes: object) -> MailboxSettings:
    """Settings of a new mailbox on the run's IMAP server. Skips the test where the server is missing."""
    try:
        running = imap.server()
    except Unavailable as missing:
        pytest.skip(str(missing))
    secret = folder / "secret"
    secret.write_text(imap.PASSWORD + "\n")
    given = {
        "name": "courrier", "unit": unit_code, "host": "127.0.0.1", "port": imap.ports(running)[0],
        "ca_file": imap.ca_file(), "user": secrets.token_hex(6), "password_file": secret, "done": "recus",
    }  # fmt: skip
    return MailboxSettings(**{**given, **changes})  # type: ignore[arg-type]  # checked by the model


def deliver(box: ImapMailbox, *messages: EmailMessage | bytes) -> None:
    """Put messages into the mailbox's INBOX."""
    with box.open() as opened:
        for message in messages:
            raw = message if isinstance(message, bytes) else message.as_bytes()
            opened._client.append("INBOX", raw)  # type: ignore[attr-defined]


def held(box: ImapMailbox, folder: str) -> int:
    """The number of messages in a folder of the mailbox; 0 for a folder that does not exist."""
    with box.open() as opened:
        client = opened._client  # type: ignore[attr-defined]
        return client.select_folder(folder)[b"EXISTS"] if client.folder_exists(folder) else 0


def collect(services: Services, box: ImapMailbox) -> bool:
    """Collect the mailbox once, as the job does. Returns what ``mailbox.collect`` returns."""
    return mailbox.collect(services, box, heartbeat=quiet, now=NOW)


def rows(services: Services) -> list[MailboxMessage]:
    """All collected messages, by ascending id."""
    with services.reading() as session:
        return list(session.scalars(select(MailboxMessage).order_by(MailboxMessage.id)))
