"""The e-mails of a training installation: they are kept in its folder, and none has left."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from ged.unit import Services

SHOWN = 100


@dataclass(frozen=True)
class KeptMail:
    """An e-mail that would have left.

    Attributes:
        subject, text: empty for a letter that is sent to a correspondent: whoever watches over a training opens no letter.
        files: names of the files that it carries.
    """

    at: datetime
    to: str
    subject: str
    text: str
    files: tuple[str, ...]


def kept_mails(services: Services) -> tuple[tuple[KeptMail, ...], int]:
    """The newest e-mails, and how many there are."""
    folder = Path(services.data_dir) / "outbox"
    paths = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return tuple(_read(path) for path in paths[:SHOWN]), len(paths)


def _read(path: Path) -> KeptMail:
    with path.open("rb") as file:
        message = BytesParser(_class=EmailMessage, policy=default).parse(file)
    files = tuple(part.get_filename() or "" for part in message.iter_attachments())
    body = message.get_body(("plain",))
    shows_text = not files
    return KeptMail(
        datetime.fromtimestamp(path.stat().st_mtime, UTC), str(message["To"] or ""),
        str(message["Subject"] or "") if shows_text else "", str(body.get_content()).strip() if body is not None and shows_text else "", files,
    )  # fmt: skip
