"""What a file is, by its first bytes. A name says nothing: anybody can write ``.pdf`` behind a text."""

import re
from pathlib import Path

from ged.errors import Invalid

PDF = "application/pdf"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
PNM = "image/x-portable-anymap"

HEAD_BYTES = 1024

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00\x08\x00\x00\x00", TIFF),
    (b"MM\x00+\x00\x08\x00\x00", TIFF),
)
_PNM = re.compile(rb"P[1-6][ \t\r\n](?:\s|#[^\n]*\n)*\d+\s")


def media_type(head: bytes) -> str | None:
    """Name the media type of a file from its first ``HEAD_BYTES`` bytes, ``None`` when it is none that we read.

    A PDF may begin with up to a kilobyte of something else (ISO 32000-1, implementation note 13).
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if _PNM.match(head):
        return PNM
    return PDF if b"%PDF-" in head[:HEAD_BYTES] else None


def sniff(path: Path) -> str:
    """Name the media type of a stored file.

    Raises:
        Invalid: ``file.empty``, ``file.type_unknown``.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise Invalid("file.empty", "Scan or choose the file again.")
    found = media_type(head)
    if found is None:
        raise Invalid("file.type_unknown", "Send a PDF, PNG, JPEG or TIFF file.")
    return found
