"""Uploaded files: treated as hostile until inspected, streamed, limited in size, with sanitised names."""

import fcntl
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from ged import slots
from ged.errors import Invalid
from ged.filenames import harmless_name
from ged.ports import UNREAD_PROGRAMS, BlobStore, Digest, PageFacts, SourceFacts
from ged.register.operations import SourcePage
from ged.register.signed_kinds import APART, IS_APART, SIGNED_PROGRAMS
from ged.space import disk_full_of
from ged.unit import Services

NOT_LOOKED = frozenset({"disk.full", "ocr.unavailable", "scanner.unavailable", "scanner.refused", "work.busy"})
"""Failures after which a file's type is unknown: it stays uninspected until the engine works again, or has room."""
INSPECT_TIMEOUT_S = 100.0  # 300 pages take 40 s on two cores; a request times out after 120 s
PLACE_TIMEOUT_S = 15.0
"""Timeout for a slot of the first look. Together with the look it stays below a request's 120 seconds."""
JOB_PATIENCE_S = 300.0
"""A job or a command delays no page: it may wait until larger files before it are inspected."""
NO_PAGE = PageFacts(0, 0, 0, 0.0)
MEDIA_TYPES = ("application/pdf", "image/tiff", "image/jpeg", "image/png", "image/webp")
"""Types that are served as themselves; any other file is served as plain bytes."""


def type_of_refused(refusal: Invalid) -> str:
    """The media type of a file that is kept without pages; empty: the refusal tells none."""
    if refusal.code == "file.programs":
        return SIGNED_PROGRAMS if refusal.params.get("signed") else UNREAD_PROGRAMS
    return APART if refusal.code == IS_APART else ""


@dataclass(frozen=True)
class Upload:
    """A stored and inspected file."""

    digest: Digest
    size_bytes: int
    filename: str
    facts: SourceFacts

    @property
    def pages(self) -> tuple[SourcePage, ...]:
        """The file's pages, in order, in the form for an attachment."""
        return tuple(
            SourcePage(self.digest, self.facts.media_type, page_index) for page_index in range(len(self.facts.pages))
        )


class _Limited(io.RawIOBase):
    """A stream that raises when its length exceeds a limit."""

    def __init__(self, content: BinaryIO, limit_bytes: int) -> None:
        self._content, self._left, self._limit = content, limit_bytes, limit_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # typeshed: WriteableBuffer
        data = self._content.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise Invalid("file.too_large", "send a smaller file", field="file", limit_bytes=self._limit)
        buffer[: len(data)] = data
        return len(data)


def limited(content: BinaryIO, limit_bytes: int) -> BinaryIO:
    """Wrap a stream: reading past the limit raises ``Invalid("file.too_large")``."""
    return cast(BinaryIO, io.BufferedReader(_Limited(content, limit_bytes)))


@contextmanager
def private_dir(services: Services) -> Iterator[Path]:
    """A temporary folder for this call, in the data folder and not in a shared ``/tmp``; removed at the end."""
    parent = Path(services.data_dir) / "tmp"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="work-", dir=parent) as name:
        yield Path(name)


@contextmanager
def kept_dir(services: Services, name: str) -> Iterator[Path]:
    """A working folder that survives a kill or failure, so that the next call can resume; removed on success.

    While one call uses it, another call with this name gets a separate folder.
    """
    folder = Path(services.data_dir) / "tmp" / f"work-{name}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = os.open(_lock_of(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _locked(place, folder):
            with private_dir(services) as other:
                yield other
            return
        os.utime(folder)  # so that the sweep does not remove it while in use
        yield folder
        # Under the lock: who has opened this lock file already finds that its name leads to another one, or none (``_locked``).
        shutil.rmtree(folder)
    finally:
        os.close(place)


def _lock_of(folder: Path) -> Path:
    """A file in the folder: on NFS the lock of a folder is known to this machine alone, that of a file to all."""
    return folder / ".lock"


def _locked(place: int, folder: Path) -> bool:
    """Try to lock the folder; False when another call has it, or the name now leads to another folder."""
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another call may have ended and removed the folder between the opening and the lock.
        return os.path.samestat(os.fstat(place), _lock_of(folder).stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def sweep_private_dirs(services: Services, *, older_than: datetime) -> int:
    """Remove the folders of calls that were killed before their end; returns how many."""
    left = [
        folder
        for folder in (Path(services.data_dir) / "tmp").glob("work-*")
        if folder.stat().st_mtime < older_than.timestamp()
    ]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def fetch(blobs: BlobStore, digest: Digest | str, path: Path) -> Path:
    """Copy a blob to a file for a program to read.

    Raises:
        DiskFull: ``disk.full``.
    """
    try:
        with blobs.open(Digest(digest)) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise disk_full_of(error) or error from error
    return path


def store_file(blobs: BlobStore, path: Path) -> tuple[Digest, int]:
    """Store a file that an engine made; returns digest and size."""
    with path.open("rb") as source:
        stored = blobs.put(source)
    return stored.digest, stored.size_bytes


def look_at(services: Services, source: Path, *, filename: str, wait_s: float = PLACE_TIMEOUT_S) -> SourceFacts:
    """The first look at an outside file: scan for viruses, then inspect. The only caller of ``OcrEngine.inspect``.

    Raises:
        Invalid: ``file.virus`` and the codes of ``OcrEngine.inspect``.
        EngineFailed: ``scanner.unavailable``, ``scanner.refused``, ``ocr.unavailable``, ``ocr.timeout``; ``work.busy``:
            two files are being inspected now, over all processes; DiskFull: ``disk.full``.
    """
    if services.scanner is not None:
        services.scanner.check(source)
    with slots.looking(wait_s=wait_s):
        return services.ocr.inspect(source, filename=filename, timeout_s=INSPECT_TIMEOUT_S)


def examine(services: Services, filename: str, content: BinaryIO, *, wait_s: float = PLACE_TIMEOUT_S) -> Upload:
    """Store and inspect an upload, in bounded time. Of a refused file only bytes remain, which the sweep removes. A
    detached signature counts as one page without a picture.

    Raises:
        Invalid: ``file.too_large`` and the codes of ``look_at``; ``params['field']`` is ``file``.
        EngineFailed: ``ocr.timeout``, ``scanner.unavailable``, ``work.busy``.
    """
    name = harmless_name(filename)
    stored = services.blobs.put(limited(content, services.max_upload_bytes))
    if stored.size_bytes == 0:
        raise Invalid("file.empty", "choose a file with content", field="file", filename=name)
    with private_dir(services) as folder:
        source = fetch(services.blobs, stored.digest, folder / "upload")
        try:
            facts = look_at(services, source, filename=name, wait_s=wait_s)
        except Invalid as refusal:
            if refusal.code == IS_APART:
                return Upload(stored.digest, stored.size_bytes, name, SourceFacts(APART, (NO_PAGE,)))
            params = {**refusal.params, "field": "file", "filename": name}
            raise Invalid(refusal.code, refusal.remedy, **params) from None
    return Upload(stored.digest, stored.size_bytes, name, facts)


def digests_of(pages: Sequence[SourcePage]) -> frozenset[Digest]:
    """The digests of the pages' blobs."""
    return frozenset(page.digest for page in pages)
