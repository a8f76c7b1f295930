"""Files too large for a request: a job makes them in pieces, their owner downloads them, a nightly sweep deletes them.

A register is printed in volumes of ``MAX_PRINTED`` lines, as its paper book would be bound, in one ZIP. Each volume is
read by the keys of its lines in its own session, and typeset in a limited child. Nothing is locked, and the job never
has more than one volume in memory.

Access is checked when the file is made, and again at the download: the register must still be open to the owner, and so
must each letter whose content is in the file.
"""

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, aliased

from ged import access, locks
from ged.capture.files import private_dir
from ged.errors import Forbidden, Invalid, NotFound
from ged.jobs import LIVE_STATES, Job, JobKind, JobState
from ged.org.actors import load_actor
from ged.org.models import Person
from ged.ports import Digest
from ged.register import books, opening
from ged.register.books import BookRow, Span
from ged.register.models import Mail
from ged.reports import register_pages
from ged.reports.models import RequestedFile
from ged.unit import Actor, Services, UnitOfWork

KEPT = timedelta(days=7)
"""Counted from the request; after this time the sweep deletes a file."""
MAX_OPEN = 3
"""The most files of one person that wait or are being made."""
PATIENCE_S = 3600.0
"""Timeout of a job for a slot of heavy work; longer than that of a page."""
CHECKED_AT_ONCE = 500
RECORDED_AT_ONCE = 200


@dataclass(frozen=True)
class FileRow:
    """A requested file, as its owner sees it.

    Attributes:
        ahead: files of all persons that are made before it.
        done: lines already typeset.
    """

    id: int
    title: str
    total: int
    asked_at: datetime
    expires_at: datetime
    state: JobState
    ahead: int
    done: int
    error_code: str
    size_bytes: int | None

    @property
    def is_open(self) -> bool:
        """Whether it waits or is being made."""
        return self.state in LIVE_STATES

    @property
    def is_ready(self) -> bool:
        """Whether it can be downloaded."""
        return self.size_bytes is not None


# --- requesting


def ask(uow: UnitOfWork, book: BookRow, span: Span, *, actor: Actor) -> int:
    """Request the pages of a register (from ``books.book``, for the actor). Equal requests share one file.

    Raises:
        Invalid: ``export.empty``; ``export.too_many``: ``MAX_OPEN`` files of the actor already wait.
    """
    locks.hold(uow.session, Person, [actor.person_id])  # so that a double click requests one file
    last = books.last_sequence(uow.session, book.id, span)
    if last is None:
        raise Invalid("export.empty", "choose days or numbers that have lines")
    # Letters numbered later are not in the file: its description states its last number.
    wanted = _written(replace(span, until_sequence=last))
    waiting = list(_open(uow.session, actor))
    same = next((one for one in waiting if (one.register_id, one.span) == (book.id, wanted)), None)
    if same is not None:
        return same.id
    if len(waiting) >= MAX_OPEN:
        raise Invalid("export.too_many", "wait for those, or cancel one", limit=MAX_OPEN)
    row = RequestedFile(
        person_id=actor.person_id, register_id=book.id, span=wanted, total=books.count_entries(uow.session, book.id, span),
        title=f"{book.name}, {register_pages.span_text(span)}"[:300], asked_at=uow.now, expires_at=uow.now + KEPT,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    uow.record("register.file_asked", "register", book.id, actor=actor, lines=row.total, span=wanted)
    uow.defer(JobKind.EXPORT, row.id)
    return row.id


def _open(session: Session, actor: Actor) -> Sequence[RequestedFile]:
    return session.scalars(
        select(RequestedFile)
        .join(Job, (Job.subject_id == RequestedFile.id) & (Job.kind == JobKind.EXPORT))
        .where(RequestedFile.person_id == actor.person_id, Job.state.in_(LIVE_STATES))
    ).all()


def cancel(uow: UnitOfWork, file_id: int, *, actor: Actor) -> None:
    """Delete a requested file, made or not; its job stops at the next volume.

    Raises:
        NotFound: ``export.unknown``.
    """
    gone = uow.session.scalars(
        delete(RequestedFile)
        .where(RequestedFile.id == file_id, RequestedFile.person_id == actor.person_id)
        .returning(RequestedFile.id)
        .execution_options(synchronize_session=False)
    )
    if gone.first() is None:
        raise NotFound("export.unknown", "read the list again")


# --- listing and downloading


def files(session: Session, actor: Actor, *, now: datetime) -> list[FileRow]:
    """The files of a person, the newest first: one query."""
    of_file = (Job.subject_id == RequestedFile.id) & (Job.kind == JobKind.EXPORT)
    earlier = aliased(Job)
    ahead = (
        select(func.count(earlier.id))
        .where(earlier.kind == JobKind.EXPORT, earlier.state.in_(LIVE_STATES), earlier.id < Job.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(RequestedFile, Job, ahead)
        .outerjoin(Job, of_file)
        .where(RequestedFile.person_id == actor.person_id, RequestedFile.expires_at > now)
        .order_by(RequestedFile.id.desc())
    )
    return [_file_row(one, job, count) for one, job, count in rows]


def _file_row(one: RequestedFile, job: Job | None, ahead: int) -> FileRow:
    done = (job.progress if job is not None else "").partition("/")[0]
    return FileRow(
        one.id, one.title, one.total, one.asked_at, one.expires_at,
        JobState.DONE if one.digest or job is None else job.state, ahead, int(done) if done.isdigit() else 0,
        job.error_code if job is not None else "", one.size_bytes if one.digest else None,
    )  # fmt: skip


def fetch(services: Services, file_id: int, *, actor: Actor, now: datetime) -> tuple[Digest, str]:
    """The digest and the name of a file, if its owner may still have it; the download is recorded in the journal.

    Raises:
        NotFound: ``export.unknown``; ``register.unknown``: the register is no longer open to its owner.
        Forbidden: ``export.rights_changed``: a letter in it is no longer open to its owner.
    """
    with services.reading() as session:
        row = session.get(RequestedFile, file_id)
        if row is None or row.person_id != actor.person_id or row.digest is None or row.expires_at <= now:
            raise NotFound("export.unknown", "read the list again")
        books.book(session, row.register_id, actor)
        if not all(_still_seen(session, letters, actor) for letters in _batches(_unpacked(row.shown), CHECKED_AT_ONCE)):
            raise Forbidden("export.rights_changed", "ask for the file again")
    for attempt in services.attempts(now):
        with attempt as uow:
            uow.record("register.file_fetched", "register", row.register_id, actor=actor, digest=row.digest)
    return Digest(row.digest), row.filename


def _still_seen(session: Session, letters: Sequence[int], actor: Actor) -> bool:
    seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
    count = session.scalar(select(func.count()).select_from(Mail).where(Mail.id.in_(letters), seen))
    return count == len(letters)


# --- making


def make(services: Services, file_id: int, *, heartbeat: Callable[[str], None], now: datetime) -> None:
    """Make a file that is still wanted.

    Raises:
        NotFound: ``person.unknown``, ``register.unknown``: its owner may no longer have it.
        Invalid: ``typeset.failed``.
        EngineFailed: ``typeset.crashed``, ``blob.write_failed``.
    """
    with services.reading() as session:
        row = session.get(RequestedFile, file_id)
        if row is None or row.digest is not None:
            return
        # With the owner's rights of today: rights lost since the request do not count.
        actor = load_actor(session, row.person_id, on=now.astimezone(services.zone).date())
        book = books.book(session, row.register_id, actor)
    span, shown, restricted = _read(row.span), list[int](), list[int]()
    with private_dir(services) as folder:
        place = folder / "file.zip"
        # Stored, not deflated: the streams of a PDF are compressed already.
        with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as packed:
            done = 0
            for number, volume in enumerate(_volumes(services, book, span, actor, now), start=1):
                if not _is_wanted(services, file_id):
                    return
                packed.writestr(f"{number:03d}-{volume.sheet.filename}", volume.sheet.pdf(wait_s=PATIENCE_S))
                shown += volume.shown
                restricted += volume.restricted
                done += volume.lines
                heartbeat(f"{done}/{row.total}")
        with place.open("rb") as content:
            stored = services.blobs.put(content)
    # Before the file can be fetched: killed in between, the printing is recorded twice rather than never.
    _record(services, restricted, actor, now)
    _keep(services, file_id, stored.digest, stored.size_bytes, register_pages.file_name(book, span, "zip"), shown, now)


def _volumes(
    services: Services, book: BookRow, span: Span, actor: Actor, now: datetime
) -> Iterator[register_pages.Volume]:
    """The volumes of a span, read one at a time: each begins after the last line of the volume before."""
    with services.reading() as session:
        years = books.years(session, [book.id], chosen=span.year, whole=True).get(book.id, [])
    year = next((one for one in years if one.year == span.year), None)
    rest: Span | None = span
    while rest is not None:
        with services.reading() as session:
            part = register_pages.volume(session, services, book, rest, actor, year=year, now=now)
        if part is not None:
            yield part
        rest = replace(rest, from_sequence=part.last_sequence + 1) if part is not None else None


def _is_wanted(services: Services, file_id: int) -> bool:
    with services.reading() as session:
        return session.get(RequestedFile, file_id) is not None


def _record(services: Services, restricted: Sequence[int], actor: Actor, now: datetime) -> None:
    """Record the restricted letters in the journal, as for a direct print; a job that runs twice records them twice."""
    for letters in _batches(restricted, RECORDED_AT_ONCE):
        for attempt in services.attempts(now):
            with attempt as uow:
                for mail_id in letters:
                    opening.record_printing(uow, mail_id, what="register", actor=actor)


def _keep(
    services: Services, file_id: int, digest: Digest, size_bytes: int, name: str, shown: Sequence[int], now: datetime
) -> None:
    for attempt in services.attempts(now):
        with attempt as uow:
            # If the file was cancelled meanwhile, its row is gone: the sweep removes the bytes.
            uow.session.execute(
                update(RequestedFile)
                .where(RequestedFile.id == file_id)
                .values(
                    digest=digest, size_bytes=size_bytes, filename=name, shown=_packed(sorted(set(shown))), made_at=now
                )
                .execution_options(synchronize_session=False)
            )


def forget(uow: UnitOfWork, *, now: datetime) -> int:
    """Delete the files older than ``KEPT``; the sweep of blobs then removes their bytes. Returns their number."""
    gone = uow.session.scalars(
        delete(RequestedFile)
        .where(RequestedFile.expires_at <= now)
        .returning(RequestedFile.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


# --- encoding


def _written(span: Span) -> dict[str, Any]:
    days = {name: day.isoformat() for name in ("from_on", "until_on") if (day := getattr(span, name)) is not None}
    return {"year": span.year, "from_sequence": span.from_sequence, "until_sequence": span.until_sequence, **days}


def _read(written: Mapping[str, Any]) -> Span:
    from_on, until_on = (
        date.fromisoformat(written[name]) if name in written else None for name in ("from_on", "until_on")
    )
    return Span(written["year"], from_on, until_on, written["from_sequence"], written["until_sequence"])


def _packed(ids: Sequence[int]) -> bytes:
    """Encode sorted ids as their differences, which are small and similar, and so compress well."""
    ordered = sorted(ids)
    steps = [one - before for before, one in zip([0, *ordered], ordered, strict=False)]
    return zlib.compress(json.dumps(steps).encode())


def _unpacked(packed: bytes | None) -> list[int]:
    return list(accumulate(json.loads(zlib.decompress(packed)))) if packed else []


def _batches(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
