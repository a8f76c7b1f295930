"""Detects the type of a file from its first bytes. The name proves nothing: anybody can name a text ``.pdf``."""

import base64
import binascii
import mmap
import re
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ged.errors import Invalid
from ged.ports.reading import PROGRAMS

PDF = "application/pdf"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
PNM = "image/x-portable-anymap"
JP2 = "image/jp2"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"
DOC = "application/msword"
RTF = "application/rtf"
P7M = "application/pkcs7-mime"
"""Signed data (RFC 5652): with the document inside, or only a signature."""

HEAD_BYTES = 1024

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00\x08\x00\x00\x00", TIFF),
    (b"MM\x00+\x00\x08\x00\x00", TIFF),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", JP2),
    (b"\xff\x4f\xff\x51", JP2),
    (b"{\\rtf", RTF),
)
_ZIP = b"PK\x03\x04"
_LOCAL_BYTES = 30  # before a part's name
_ODT_BEGINS = b"mimetype" + ODT.encode()  # stored first and as it is (ODF 1.2, part 3, 3.3)
_ODT_AT = 30
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DOCX_PART = b"word/document.xml"
_ZIP_PROGRAMS = (b"vbaproject", b"vbadata", b"activex", b"macrosheets")
"""In the names of parts of an Office file (ISO/IEC 29500-2; MS-OFFMACRO2), which a ZIP stores as they are."""
_TYPES_PART = re.compile(rb"\[content_types\]\.xml", re.IGNORECASE)
_TYPES_OF_PROGRAMS = (*_ZIP_PROGRAMS, b"macroenabled", b"macrosheet", b"&#")
"""In the list of the parts' types (ISO/IEC 29500-2, 10.1.2.2). Office finds programs by it, whatever their part is called. A character that
is written as a number is what no program that saves such files writes, and what hides a type."""
_TYPES_BYTES = 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_OVERLAP_BYTES = 32  # longer than each word
_TYPES_PARTS = 100  # each file in the file has one, and names it twice
_ODT_PROGRAMS = re.compile(rb"Basic/script-lc\.xml|Scripts/\w")
_COMPOUND_PROGRAMS = re.compile(re.escape("_VBA_PROJECT".encode("utf-16-le")), re.IGNORECASE)
"""MS-OVBA 2.2.1. Names are compared without regard to case (MS-CFB 2.6.4)."""
_DOC_PARTS = ("WordDocument".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le"))
_DIRECTORY_BYTES = 1024 * 1024  # of a file's end, where a ZIP lists its parts
_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"  # 1.2.840.113549.1.7.2
_SIGNED_AT = 24  # after a tag and a length of at most nine bytes
_PNM = re.compile(rb"P[1-6][ \t\r\n](?:\s|#[^\n]*\n)*\d+\s")


def media_type(head: bytes) -> str | None:
    """The media type of a file from its first ``HEAD_BYTES`` bytes; ``None`` when we do not read this type.

    A PDF may begin with up to a kilobyte of something else (ISO 32000-1, implementation note 13).
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if _PNM.match(head):
        return PNM
    if _is_signed_data(head):
        return P7M
    return PDF if b"%PDF-" in head[:HEAD_BYTES] else None


def _is_signed_data(head: bytes) -> bool:
    """DER or BER, either of them in base64, or PEM."""
    if head.startswith((b"-----BEGIN PKCS7-----", b"-----BEGIN CMS-----")):
        return True
    if head.startswith(b"M"):
        with suppress(binascii.Error):
            head = base64.b64decode(b"".join(head[:80].split())[:64])
    return head[:1] == b"\x30" and _SIGNED_DATA in head[:_SIGNED_AT]


def sniff(path: Path) -> str:
    """The media type of a stored file; with ``PROGRAMS`` at its end where it carries programs.

    Raises:
        Invalid: ``file.empty``, ``file.type_unknown``; ``file.programs``: of a type that we do not read, with programs.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not head:
            raise Invalid("file.empty", "Scan or choose the file again.")
        found, has_programs = media_type(head), False
        if found is None:
            found, has_programs = _office_type(file, head), _has_programs(file, head)
    if found is not None and has_programs:
        return found + PROGRAMS
    if has_programs:
        raise Invalid("file.programs", "Do not open it; ask the sender for a PDF.")
    if found is None:
        raise Invalid("file.type_unknown", "Send a PDF, an image (PNG, JPEG, TIFF, JPEG 2000) or a text document.")
    return found


def _office_type(file: BinaryIO, head: bytes) -> str | None:
    """The type of a text document in a container; an encrypted document passes here, and is refused later."""
    if head.startswith(_ZIP):
        if head[_ODT_AT:].startswith(_ODT_BEGINS):
            return ODT
        file.seek(max(0, file.seek(0, 2) - _DIRECTORY_BYTES))
        return DOCX if _DOCX_PART in file.read() else None
    if head.startswith(_COMPOUND):
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            return DOC if any(whole.find(part) >= 0 for part in _DOC_PARTS) else None
    return None


def _has_programs(file: BinaryIO, head: bytes) -> bool:
    """Whether an Office or OpenDocument file carries programs, by the names of its parts."""
    if not head.startswith((_ZIP, _COMPOUND)):
        return False
    # In the whole file: the list of parts at its end may be of any length.
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        if head.startswith(_COMPOUND):
            return _COMPOUND_PROGRAMS.search(whole) is not None
        return bool(_names(whole, _ZIP_PROGRAMS) or _ODT_PROGRAMS.search(whole) or _lists_programs(whole))


def _names(content: bytes | mmap.mmap, words: Sequence[bytes]) -> bool:
    """Whether one of these words is there, in either case.

    Piece by piece: a regular expression that ignores the case takes four seconds for 90 MB, and no other thread runs meanwhile.
    """
    for start in range(0, len(content), _PIECE_BYTES):
        piece = content[start : start + _PIECE_BYTES + _OVERLAP_BYTES].lower()
        if any(word in piece for word in words):
            return True
    return False


def _lists_programs(whole: mmap.mmap) -> bool:
    """Whether the list of the parts' types names programs, or cannot be read to its end.

    It is found by its name, without the archive's own list, which may be of any length.
    """
    is_named = is_read = False
    for n, named in enumerate(_TYPES_PART.finditer(whole)):
        is_named, at = True, named.start() - _LOCAL_BYTES
        if at < 0 or whole[at : at + len(_ZIP)] != _ZIP:
            continue  # in the archive's list
        start = named.end() + int.from_bytes(whole[at + 28 : at + 30], "little")  # after the extra field
        listed = whole[start : start + _TYPES_BYTES]
        with suppress(zlib.error):  # it is stored as it is
            listed = zlib.decompressobj(-zlib.MAX_WBITS).decompress(listed, _TYPES_BYTES)
            if len(listed) == _TYPES_BYTES:
                return True
        # It may be in UTF-16.
        if n == _TYPES_PARTS or _names(listed.replace(b"\0", b""), _TYPES_OF_PROGRAMS):
            return True
        is_read = True
    return is_named and not is_read
