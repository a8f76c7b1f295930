"""Files that people and scanners hand in: hostile until looked at, streamed, limited, named harmlessly."""

import fcntl
import io
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from ged import slots
from ged.errors import Invalid
from ged.ports import BlobStore, Digest, PageFacts, SourceFacts
from ged.register.operations import SourcePage
from ged.register.signed_kinds import APART, IS_APART
from ged.space import disk_full_of
from ged.unit import Services

NAME_LENGTH = 120
NOT_LOOKED = frozenset({"ocr.unavailable", "scanner.unavailable", "scanner.refused", "work.busy"})
"""Failures after which nobody knows what a file is: it stays unread until the engine does its work."""
INSPECT_TIMEOUT_S = 100.0  # 300 pages take 40 s on two cores; a request is given up after 120
PLACE_TIMEOUT_S = 15.0
"""For a place among the first looks: with the look itself it stays below a request's 120 seconds."""
JOB_PATIENCE_S = 300.0
"""A job or a command holds no page back: it waits until larger files before it were looked at."""
NO_PAGE = PageFacts(0, 0, 0, 0.0)
MEDIA_TYPES = ("application/pdf", "image/tiff", "image/jpeg", "image/png", "image/webp")
"""What we serve under its own type; anything else leaves as plain bytes."""


@dataclass(frozen=True)
class Upload:
    """A file that was stored and looked at."""

    digest: Digest
    size_bytes: int
    filename: str
    facts: SourceFacts

    @property
    def pages(self) -> tuple[SourcePage, ...]:
        """Its pages, in their order, as an attachment names them."""
        return tuple(
            SourcePage(self.digest, self.facts.media_type, page_index) for page_index in range(len(self.facts.pages))
        )


def harmless_name(name: str) -> str:
    """A display name without folders, control or direction characters, of at most 120 characters.

    >>> harmless_name("../../etc/passwd")
    'passwd'
    """
    last = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).name
    clean = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in last).split()).strip(" .")
    stem, dot, ending = clean.rpartition(".")
    if dot and 0 < len(ending) <= 5 and len(clean) > NAME_LENGTH:
        clean = f"{stem[: NAME_LENGTH - len(ending) - 2]}….{ending}"
    return clean[:NAME_LENGTH] or "document"


class _Limited(io.RawIOBase):
    """A stream that refuses to be longer than it may."""

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
    """The same stream; reading past the limit raises ``Invalid("file.too_large")``."""
    return cast(BinaryIO, io.BufferedReader(_Limited(content, limit_bytes)))


@contextmanager
def private_dir(services: Services) -> Iterator[Path]:
    """A folder of this call only, beside the data and not in a shared ``/tmp``; gone at the end."""
    parent = Path(services.data_dir) / "tmp"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="work-", dir=parent) as name:
        yield Path(name)


@contextmanager
def kept_dir(services: Services, name: str) -> Iterator[Path]:
    """A folder that the next call under this name finds again when this one was killed or failed; gone after a success.

    While one call has it, another one gets a folder of its own.
    """
    folder = Path(services.data_dir) / "tmp" / f"work-{name}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not _locked(place, folder):
            with private_dir(services) as other:
                yield other
            return
        os.utime(folder)  # not to be swept while it is in use
        yield folder
        shutil.rmtree(folder)
    finally:
        os.close(place)


def _locked(place: int, folder: Path) -> bool:
    """Whether the folder is ours now, and still the one of that name."""
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(place), folder.stat())
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
    """Copy a blob to a file that a program may read.

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
    """The first look at an outside file: for viruses, then at what it is. The only way to ``OcrEngine.inspect``.

    Raises:
        Invalid: ``file.virus`` and the codes of ``OcrEngine.inspect``.
        EngineFailed: ``scanner.unavailable``, ``scanner.refused``, ``ocr.unavailable``, ``ocr.timeout``; ``work.busy``:
            two files are looked at now, over all processes.
    """
    if services.scanner is not None:
        services.scanner.check(source)
    with slots.looking(wait_s=wait_s):
        return services.ocr.inspect(source, filename=filename, timeout_s=INSPECT_TIMEOUT_S)


def examine(services: Services, filename: str, content: BinaryIO, *, wait_s: float = PLACE_TIMEOUT_S) -> Upload:
    """Store an upload and look at it, in bounded time. A refused file leaves no trace but bytes that are swept. A
    signature that lies apart is one page without a picture.

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
    """The blobs that pages come from."""
    return frozenset(page.digest for page in pages)
