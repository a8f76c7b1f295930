"""What a manifest says of the database of a moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from ged import audit
from ged.archive import blobs as archive_blobs
from ged.backup import database
from ged.backup.papers import Book
from ged.ports import Digest
from ged.register.models import MailNumber, Register


@dataclass(frozen=True)
class Facts:
    """Of the database of a moment: see ``papers.Manifest``; ``digests`` -> where they are named."""

    kind: str
    version: int
    entries: int
    head: str
    books: tuple[Book, ...]
    digests: Mapping[Digest, str] = field(repr=False)
    sha256: str = ""
    size_bytes: int = 0

    def copied(self, sha256: str, size_bytes: int) -> "Facts":
        """These facts, with digest and size of the copy."""
        return replace(self, sha256=sha256, size_bytes=size_bytes)


def of(moment: database.Moment) -> Facts:
    """Read the facts of a moment."""
    session = moment.session
    head = audit.head(session)
    is_file = moment.kind == database.SQLITE
    version = 0 if is_file else int(session.scalars(text("SHOW server_version_num")).one()) // 10_000
    digests = dict(archive_blobs.named_digests(session))
    return Facts(moment.kind, version, head.count, head.hash, tuple(last_numbers(session)), digests)


def last_numbers(session: Session) -> list[Book]:
    """The last number of each register in its latest year: what a clerk compares with paper."""
    years = session.execute(select(MailNumber.register_id, func.max(MailNumber.year)).group_by(MailNumber.register_id))
    found = []
    for register_id, year in years.all():
        last = session.execute(
            select(Register.code, MailNumber.sequence, MailNumber.text)
            .join(Register, MailNumber.register_id == Register.id)
            .where(MailNumber.register_id == register_id, MailNumber.year == year)
            .order_by(MailNumber.sequence.desc())
            .limit(1)
        ).first()
        if last is not None:
            found.append(Book(last.code, year, last.sequence, last.text))
    return sorted(found, key=lambda one: one.register)
