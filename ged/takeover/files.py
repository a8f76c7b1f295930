"""The content of an imported letter: its text in the list, or a separate file. Stored before any transaction; a small text is sealed
before it, and stored in it."""

import codecs
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ged.capture.files import JOB_PATIENCE_S, examine, limited
from ged.errors import Invalid
from ged.filenames import harmless_name
from ged.ports import Digest, SealedBlob, StoredBlob
from ged.register.operations import SourcePage
from ged.takeover.lines import ArchiveLine
from ged.takeover.packed import MAX_BYTES
from ged.unit import Services

PLAIN = "text/plain"
TEXT_ENDINGS = frozenset({".txt", ".text"})
MAX_PAGES = 2_000
"""Pages of one text, as of a scanned batch: each is a row, written while others wait for the register."""
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Content:
    """The content for the letter's document.

    Attributes:
        texts: text of the pages; empty: OCR is needed.
    """

    digest: Digest
    size_bytes: int
    media_type: str
    filename: str
    pages: tuple[SourcePage, ...]
    texts: tuple[str, ...] = ()
    is_signed: bool = False
    sealed: SealedBlob | None = None
    """The row that holds it; None: a file of the store does."""


@dataclass(frozen=True)
class SmallText:
    """A text that is not stored yet: those of many letters are sealed together (``seal``)."""

    plain: bytes
    filename: str
    texts: tuple[str, ...]


def content_of(
    services: Services, line: ArchiveLine, files_dir: Path | None, *, look_only: bool, packs: bool
) -> Content | SmallText | None:
    """Store the content of a line; None when the line has neither text nor file, or with ``look_only``.

    Args:
        packs: a small text is left to ``seal``.

    Raises:
        Invalid: ``import.no_files_dir``, ``import.file_outside``, ``import.file_missing``, ``import.file_unreadable``,
            ``file.too_many_pages`` and the codes of ``examine``.
        EngineFailed: from the blob store, the virus scanner or the first look at a file.
    """
    _check_count(line.pages, line.file or line.own_id)
    if not line.file:
        return None if look_only or not line.pages else _text(services, line.pages, "", packs=packs)
    path = _inside(files_dir, line.file)
    if look_only:
        return None
    if path.suffix.casefold() in TEXT_ENDINGS:
        if services.scanner is not None:
            services.scanner.check(path)
        with _opened(path, line.file) as source:
            read = limited(source, services.max_upload_bytes).read()
        texts = line.pages or _pages(read)
        _check_count(texts, path.name)
        return _text(services, texts, path.name, packs=packs)
    with _opened(path, line.file) as source:
        upload = examine(services, path.name, source, wait_s=JOB_PATIENCE_S)
    facts = upload.facts
    pages = upload.pages
    texts = _spread(line.pages, len(pages))
    return Content(
        upload.digest, upload.size_bytes, facts.media_type, upload.filename, pages, texts, is_signed=facts.signed
    )


def waits_for_disk(line: ArchiveLine, *, packs: bool) -> bool:
    """Whether ``content_of`` reads or writes a file for a line."""
    return bool(line.file) or (bool(line.pages) and not (packs and _is_small("\f".join(line.pages).encode())))


def _is_small(plain: bytes) -> bool:
    return len(plain) <= MAX_BYTES


def _text(services: Services, texts: tuple[str, ...], name: str, *, packs: bool) -> Content | SmallText:
    plain, filename = "\f".join(texts).encode(), harmless_name(name) if name else ""
    if packs and _is_small(plain):
        return SmallText(plain, filename, texts)
    stored = services.blobs.put(io.BytesIO(plain))
    return _as_content(stored, filename, texts)


def _as_content(stored: StoredBlob | SealedBlob, filename: str, texts: tuple[str, ...]) -> Content:
    pages = tuple(SourcePage(stored.digest, PLAIN, index) for index in range(len(texts)))
    sealed = stored if isinstance(stored, SealedBlob) else None
    return Content(stored.digest, stored.size_bytes, PLAIN, filename, pages, texts, sealed=sealed)


def seal(services: Services, small: Sequence[SmallText]) -> list[Content]:
    """Make rows of small texts; where the store reads none, files.

    Raises:
        EngineFailed: from the blob store.
    """
    stored: Sequence[StoredBlob | SealedBlob] | None = services.blobs.sealed([one.plain for one in small])
    if stored is None:
        stored = [services.blobs.put(io.BytesIO(one.plain)) for one in small]
    return [_as_content(blob, one.filename, one.texts) for blob, one in zip(stored, small, strict=True)]


def _check_count(texts: tuple[str, ...], name: str) -> None:
    if len(texts) > MAX_PAGES:
        raise Invalid(
            "file.too_many_pages", "give it as several letters", field="file", filename=name, max_pages=MAX_PAGES
        )


def _opened(path: Path, name: str) -> BinaryIO:
    try:
        return path.open("rb")
    except PermissionError:
        raise Invalid("import.file_unreadable", "allow to read the file", field="file", value=name) from None


def _pages(read: bytes) -> tuple[str, ...]:
    """The pages of a text file: UTF-8, UTF-16 with its mark (what Windows calls Unicode), else that of Windows."""
    try:
        text = read.decode("utf-16", "replace") if read.startswith(_UTF_16) else read.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = read.decode("cp1252", "replace")
    # PostgreSQL takes no NUL in a text.
    return tuple(text.replace("\x00", " ").split("\f"))


def _inside(files_dir: Path | None, name: str) -> Path:
    if files_dir is None:
        raise Invalid("import.no_files_dir", "name the folder of the files with --files", field="file", value=name)
    root = files_dir.resolve()
    try:
        # Resolved before it is compared: a link may lead out of the folder.
        path = (root / name.replace("\\", "/")).resolve()
        if not path.is_relative_to(root):
            raise Invalid("import.file_outside", "name a file below the folder --files", field="file", value=name)
        is_file = path.is_file()
    except (OSError, ValueError, RuntimeError):  # RuntimeError: links that lead to each other
        is_file = False
    if not is_file:
        raise Invalid("import.file_missing", "put the file there, or correct its name", field="file", value=name)
    return path


def _spread(texts: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Distribute texts over the pages of a file; surplus texts go to the last page."""
    if not texts or not count:
        return ()
    return (*texts[: count - 1], "\n".join(texts[count - 1 :]))
