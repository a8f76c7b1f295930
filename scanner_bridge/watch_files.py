"""Files that a copier drops into a folder: which files count, and whether a file is complete. Decodes nothing."""

import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

if sys.platform != "win32":
    import fcntl

MEDIA_TYPES: Final = {
    "application/pdf": ".pdf",
    "image/tiff": ".tif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/jp2": ".jp2",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/msword": ".doc",
    "application/rtf": ".rtf",
}
_BY_ENDING: Final = {ending: media_type for media_type, ending in MEDIA_TYPES.items()}
_PASSING_ENDINGS: Final = (
    ".part",
    ".tmp",
    ".temp",
    ".partial",
    ".filepart",
    ".crdownload",
    ".lock",
    ".lck",
    ".swp",
    "~",
)
_SYSTEM_NAMES: Final = frozenset({"thumbs.db", "desktop.ini"})
_HEAD: Final = 1024
_TAIL: Final = 2048
_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"\xff\x4f\xff\x51", "image/jp2"),
    (b"{\\rtf", "application/rtf"),
)
# Containers for several types: the file name decides, and the server checks the content.
_CONTAINERS: Final = ((b"PK\x03\x04", (".docx", ".odt")), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", (".doc", ".docx")))
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_BYTES: Final = 22
_COMPOUND_HEAD: Final = 512
_NO_SECTOR: Final = 0xFFFFFFFA
_PADDING: Final = b"\0\r\n\t "
_MAX_IFDS: Final = 10_000
_TIFF_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8}
_STRIP_OFFSETS, _STRIP_COUNTS, _TILE_OFFSETS, _TILE_COUNTS = 273, 279, 324, 325


@dataclass(frozen=True)
class Seen:
    """A file's path, size and time at one poll."""

    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Verdict:
    """The result of ``examine``: ``media_type``, and a ``problem`` if the file is incomplete or unusable."""

    media_type: str = ""
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether the file is ready to be taken."""
        return bool(self.media_type) and not self.problem


def candidates(folder: Path) -> list[Seen]:
    """The plain files of a folder that may be documents, the oldest first. Skips links, hidden and temporary names.

    Raises:
        OSError: the folder cannot be read now.
    """
    with os.scandir(folder) as entries:
        found = [seen for entry in entries if (seen := _seen(entry)) is not None]
    return sorted(found, key=lambda seen: (seen.mtime_ns, seen.path.name))


def _seen(entry: os.DirEntry[str]) -> Seen | None:
    name = entry.name.lower()
    if name.startswith((".", "~$")) or name.endswith(_PASSING_ENDINGS) or name in _SYSTEM_NAMES:
        return None
    try:
        if entry.is_symlink() or not entry.is_file(follow_symlinks=False):
            return None
    except OSError:
        return None
    return look(Path(entry.path))


def look(path: Path) -> Seen | None:
    """The file as it is now (``scandir`` on Windows returns old sizes); None when it is gone."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return Seen(path, facts.st_size, facts.st_mtime_ns)


def is_free(path: Path) -> bool:
    """Whether no other program has the file open for writing, as far as the system can tell."""
    try:
        if sys.platform == "win32":
            path.rename(path)  # Windows refuses while a program has the file open without sharing deletion
        else:
            with open_plain(path) as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def open_plain(path: Path) -> BufferedReader:
    """Open a file, but not through a link.

    Raises:
        OSError: the file is gone, locked, or a link now.
    """
    # O_NONBLOCK: a pipe under the name would let the thread wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.fdopen(os.open(path, flags), "rb")


def examine(path: Path) -> Verdict:
    """Determine a file's type from its bytes, and whether the file is complete.

    ``problem`` is ``growing`` (incomplete), ``empty``, or ``type`` (unknown type).

    Raises:
        OSError: it cannot be read now.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(_HEAD)
        file.seek(max(0, size - _TAIL))
        tail = file.read(_TAIL)
        if not head.strip(b"\0"):
            return Verdict(problem="empty")
        media_type = _media_type(head, path.suffix.lower())
        if not media_type:
            return Verdict(problem="type")
        whole = _is_tiff_whole(file, size) if media_type == "image/tiff" else _has_end(media_type, head, tail, size)
    return Verdict(media_type, "" if whole else "growing")


def _media_type(head: bytes, ending: str) -> str:
    if b"%PDF-" in head:
        return "application/pdf"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "image/tiff"
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return media_type
    kinds = next((kinds for magic, kinds in _CONTAINERS if head.startswith(magic)), ())
    return _BY_ENDING[ending] if ending in kinds else ""


def _has_end(media_type: str, head: bytes, tail: bytes, size: int) -> bool:
    match media_type:
        case "application/pdf":
            return b"%%EOF" in tail
        case "image/jpeg" | "image/jp2":
            return tail.rstrip(_PADDING).endswith(b"\xff\xd9")
        case "image/png":
            return b"IEND\xaeB`\x82" in tail
        case "application/rtf":
            return tail.rstrip(_PADDING).endswith(b"}")
    if head.startswith(b"PK"):
        return _is_zip_whole(tail, size)
    return _are_sectors_whole(head, size)


def _is_zip_whole(tail: bytes, size: int) -> bool:
    """Whether the central directory, which is written last, is complete and directly before the end record."""
    at = tail.rfind(_ZIP_END)
    if at < 0 or len(tail) - at < _ZIP_END_BYTES:
        return False
    length, start, comment = struct.unpack("<IIH", tail[at + 12 : at + _ZIP_END_BYTES])
    return bool(start + length <= size - len(tail) + at and len(tail) - at >= _ZIP_END_BYTES + comment)


def _are_sectors_whole(head: bytes, size: int) -> bool:
    """Whether directory and tables of a compound file (Word 97) lie inside the file. The format has no end mark."""
    if len(head) < _COMPOUND_HEAD:
        return False
    shift, directory = struct.unpack("<H", head[30:32])[0], struct.unpack("<I", head[48:52])[0]
    tables = [sector for sector in struct.unpack("<109I", head[76:_COMPOUND_HEAD]) if sector < _NO_SECTOR]
    return shift in (9, 12) and all((sector + 1) << shift < size for sector in (directory, *tables))


def _is_tiff_whole(file: BinaryIO, size: int) -> bool:
    """Whether every directory and every strip of a TIFF (classic or big) lies inside the file."""
    try:
        pages = 0
        for end in _tiff_ends(file):
            if end > size:
                return False
            pages += 1
    except (struct.error, ValueError, OverflowError):
        return False
    return pages > 0


def _tiff_ends(file: BinaryIO) -> Iterator[int]:
    """For each directory, the end offset of its picture data."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = struct.unpack(f"{order}H", head[2:4])[0] == 43
    offset = struct.unpack(f"{order}Q", head[8:16])[0] if big else struct.unpack(f"{order}I", head[4:8])[0]
    seen: set[int] = set()
    while offset:
        if offset in seen or len(seen) >= _MAX_IFDS:
            raise ValueError("directories go round")
        seen.add(offset)
        file.seek(offset)
        count = struct.unpack(f"{order}{'Q' if big else 'H'}", file.read(8 if big else 2))[0]
        if count > 4096:
            raise ValueError("too many tags")
        entries, width = file.read(count * (20 if big else 12)), 20 if big else 12
        if len(entries) < count * width:
            raise ValueError("cut")
        offset = struct.unpack(f"{order}{'Q' if big else 'I'}", file.read(8 if big else 4))[0]
        tags = [entries[start : start + width] for start in range(0, len(entries), width)]
        yield _data_end(file, tags, order, big=big)


def _data_end(file: BinaryIO, tags: list[bytes], order: str, *, big: bool) -> int:
    found = {struct.unpack(f"{order}H", tag[:2])[0]: tag for tag in tags}
    ends = [0]
    for starts, counts in ((_STRIP_OFFSETS, _STRIP_COUNTS), (_TILE_OFFSETS, _TILE_COUNTS)):
        if starts in found and counts in found:
            first, sizes = (_numbers(file, found[tag], order, big=big) for tag in (starts, counts))
            ends += [start + length for start, length in zip(first, sizes, strict=True)]
    if len(ends) == 1:
        raise ValueError("a directory without a picture")
    return max(ends)


def _numbers(file: BinaryIO, tag: bytes, order: str, *, big: bool) -> tuple[int, ...]:
    kind, count = struct.unpack(f"{order}H{'Q' if big else 'I'}", tag[2 : 12 if big else 8])
    width = _TIFF_SIZES.get(kind, 0)
    if not width or count > 1_000_000:
        raise ValueError("odd tag")
    data = tag[12:20] if big else tag[8:12]
    if count * width > len(data):
        file.seek(struct.unpack(f"{order}{'Q' if big else 'I'}", data)[0])
        data = file.read(count * width)
    letter = {1: "B", 2: "H", 4: "I", 8: "Q"}[width]
    return struct.unpack(f"{order}{count}{letter}", data[: count * width])
