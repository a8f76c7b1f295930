"""Proves that a restored copy is of use: letters taken by chance are opened, and found in an index made anew."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import destroyed, index_sync
from ged.backup.restoring import Copy
from ged.capture.files import fetch, private_dir
from ged.errors import GedError
from ged.ports import Digest, IndexDocument, PageRef, Principals, SearchQuery
from ged.register.models import Attachment, AttachmentPage, Mail
from ged.unit import Services
from ged.verify import Problem, VerifyReport

FORMAT = "ged-drill-1"
WIDTH_PX = 200
TIMEOUT_S = 60.0
_WORD = re.compile(r"[^\W\d_]{6,}")


@dataclass(frozen=True)
class Opened:
    """A letter that was opened.

    Attributes:
        number: its first number, or its id.
        files, size_bytes: stored files that were read whole, and whose digest is right.
        drawn: whether the first page was drawn.
        asked: for what it was searched: its number, a word of its text.
        faults: what went wrong, as codes.
    """

    number: str
    files: int
    size_bytes: int
    drawn: bool
    asked: tuple[str, ...]
    faults: tuple[str, ...]


def look(services: Services, count: int, *, writes_index: bool = True) -> tuple[Opened, ...]:
    """Open letters with files, taken by chance, and search each in the index.

    Args:
        writes_index: the index is new and empty: what is searched is written first.
    """
    with services.reading() as session:
        there = select(Attachment.mail_id).where(~destroyed.holds(Attachment.mail_id))
        ids = session.scalars(there.distinct()).all()
        chosen = sorted(random.SystemRandom().sample(ids, min(count, len(ids))))
        documents = index_sync.build_documents(session, dict.fromkeys(chosen, 1))
        files = {mail_id: _files(session, mail_id) for mail_id in chosen}
        missing = set(chosen) - set(session.scalars(select(Mail.id).where(Mail.id.in_(chosen))))
    if writes_index:
        services.index.put(documents)
    by_id = {int(one.mail_id): one for one in documents}
    return tuple(_open(services, one, files[one], by_id.get(one)) for one in chosen if one not in missing)


def faults_of(broken: Sequence[str], problems: Sequence[Problem], letters: Sequence[Opened]) -> tuple[str, ...]:
    """Everything that a drill found wrong, in one list."""
    found = [f"{one.code}: {one.where}" for one in problems]
    return (*broken, *found, *(f"{letter.number}: {fault}" for letter in letters for fault in letter.faults))


def report_of(
    copy: Copy,
    report: VerifyReport,
    letters: Sequence[Opened],
    faults: Sequence[str],
    seconds: Mapping[str, float],
    *,
    at: datetime,
    destroyed_since: int = 0,
) -> dict[str, object]:
    """What the signed report says, as JSON values: what was proven, and how long it took.

    Args:
        destroyed_since: letters that a disposal destroyed after the copy, and that cannot be opened from it.
    """
    made = copy.manifest
    return {
        "format": FORMAT,
        "at": at.isoformat(timespec="seconds"),
        "copy": {"snapshot": made.snapshot, "made_at": made.made_at, "journal_entries": made.entries, "head": made.head},
        "restored": {"stored_files": len(made.held), "database_sha256": made.database_sha256},
        "letters_destroyed_since": destroyed_since,
        "verify": {
            "entries": report.entries, "sealed_until": report.sealed_until, "stored_files": report.blobs,
            "signatures": report.signatures, "registers_without_gap": report.numbers_without_gap,
            "problems": len(report.problems),
        },
        "letters": [asdict(one) | {"asked": list(one.asked), "faults": list(one.faults)} for one in letters],
        "last_numbers": [f"{one.register} {one.text}" for one in made.books],
        "faults": list(faults),
        "seconds": {name: f"{one:.3f}" for name, one in seconds.items()},
        "proven": not faults,
    }  # fmt: skip


def _files(session: Session, mail_id: int) -> tuple[list[str], AttachmentPage | None]:
    """(digests of a letter's stored files, the page that is drawn)."""
    attachments = select(Attachment.id).where(Attachment.mail_id == mail_id)
    own = session.scalars(
        select(Attachment.digest).where(Attachment.mail_id == mail_id, Attachment.digest.is_not(None))
    )
    pages = session.scalars(
        select(AttachmentPage)
        .where(AttachmentPage.attachment_id.in_(attachments))
        .order_by(AttachmentPage.attachment_id, AttachmentPage.page_no)
    ).all()
    return sorted({*(one for one in own if one), *(page.digest for page in pages)}), next(iter(pages), None)


def _open(
    services: Services, mail_id: int, files: tuple[Sequence[str], AttachmentPage | None], document: IndexDocument | None
) -> Opened:
    digests, page = files
    faults: list[str] = []
    size = 0
    for digest in digests:
        if services.blobs.verify(Digest(digest)):
            with services.blobs.open(Digest(digest)) as stored:
                size += stored.seek(0, 2)
        else:
            faults.append(f"blob.altered {digest}")
    drawn = page is not None and not faults and _draw(services, page, faults)
    asked = _asked(document) if document is not None else ()
    faults += [f"search.not_found {one}" for one in asked if document and not _finds(services, document, one)]
    if not asked:
        faults.append("search.no_document")
    number = document.numbers[0] if document is not None and document.numbers else f"id {mail_id}"
    return Opened(number, len(digests), size, drawn, asked, tuple(faults))


def _draw(services: Services, page: AttachmentPage, faults: list[str]) -> bool:
    try:
        with private_dir(services) as folder:
            source = fetch(services.blobs, Digest(page.digest), folder / "source")
            shown = PageRef(source, page.media_type, page.page_index, page.rotation)
            services.ocr.thumbnail(shown, width_px=WIDTH_PX, out=folder / "picture", timeout_s=TIMEOUT_S)
            return (folder / "picture").stat().st_size > 0
    except GedError as error:
        faults.append(f"page.not_drawn {error.code}")
        return False


def _asked(document: IndexDocument) -> tuple[str, ...]:
    """Its number, and a long word of its text (a secret letter is indexed without text)."""
    words = _WORD.findall(" ".join([document.subject, *(page.text for page in document.pages)]))
    longest = max(words, key=len, default="")
    return tuple(one for one in (*document.numbers[:1], longest) if one)


def _finds(services: Services, document: IndexDocument, asked: str) -> bool:
    own = Principals(document.principals, document.principals, document.principals)
    found = services.index.search(SearchQuery(asked, limit=100, highlight=False), principals=own)
    return document.mail_id in {hit.mail_id for hit in found.hits}
