"""The shape of a page's picture, from the first bytes of the file that the reading made of it (WebP)."""

from ged.errors import GedError
from ged.ports import BlobStore, Digest

A4_RATIO = 1.4142
"""Height of an upright A4 sheet, in its widths."""
_HEAD_BYTES = 30


def ratio_of(blobs: BlobStore, digest: Digest) -> float:
    """Height of a picture, in its widths; that of an A4 sheet where the file is no WebP or is not there."""
    try:
        with blobs.open(digest) as file:
            size = webp_size(file.read(_HEAD_BYTES))
    except GedError:
        size = None
    return round(size[1] / size[0], 4) if size is not None else A4_RATIO


def webp_size(head: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels, from the first 30 bytes of a WebP file (RFC 9649, section 2); None: it is none, or is cut off."""
    if len(head) < _HEAD_BYTES or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    kind = head[12:16]
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":  # lossy: 14 bits each, above them a scale
        width, height = _number(head[26:28]) & 0x3FFF, _number(head[28:30]) & 0x3FFF
    elif kind == b"VP8L" and head[20] == 0x2F:  # lossless: 14 bits each, less one
        bits = _number(head[21:25])
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X":  # with more parts: 24 bits each, less one
        width, height = _number(head[24:27]) + 1, _number(head[27:30]) + 1
    else:
        return None
    return (width, height) if width and height else None


def _number(piece: bytes) -> int:
    return int.from_bytes(piece, "little")
