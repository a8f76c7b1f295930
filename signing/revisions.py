"""Which bytes of a file a signature covers, and whether the rest is ours. Works on plain bytes without a PDF reader: it
cannot be misled by how a reader resolves objects."""

import hashlib
from collections.abc import Iterable, Sequence

_EOF_WINDOW = 32
_WHITESPACE = b"\x00\t\n\x0c\r "


class BadByteRange(ValueError):
    """The signed byte range violates ISO 32000-2, 12.8.1; the text is a stable English reason."""


def covered_end(pdf: bytes, byte_range: Sequence[object], contents: bytes) -> int:
    """The end of the signed bytes. They must start at 0, omit exactly the /Contents and end with a revision.

    Raises:
        BadByteRange: the signed bytes do otherwise.
    """
    numbers = [number for number in byte_range if isinstance(number, int) and number >= 0]
    if len(byte_range) != 4 or len(numbers) != 4 or numbers[0] != 0:
        raise BadByteRange("shape")
    _, gap_start, gap_end, tail = numbers
    end = gap_end + tail
    if not gap_start < gap_end <= end <= len(pdf):
        raise BadByteRange("bounds")
    if _hex_string(pdf[gap_start:gap_end]) != contents:
        raise BadByteRange("gap")
    if not pdf[max(0, gap_start - _EOF_WINDOW) : gap_start].rstrip(_WHITESPACE).endswith(b"/Contents"):
        raise BadByteRange("gap_elsewhere")
    if not pdf[max(0, end - _EOF_WINDOW) : end].rstrip(_WHITESPACE).endswith(b"%%EOF"):
        raise BadByteRange("inside_a_revision")
    return end


def is_issued(pdf: bytes, end: int, ends: Iterable[int], issued: Sequence[str]) -> bool:
    """Whether we stored the file up to ``end``, up to each later end of signed bytes, and as a whole.

    Args:
        ends: where the signed bytes of the file's signatures end.
        issued: SHA-256 of the files we stored, in the order in which we stored them.
    """
    running, start, place = hashlib.sha256(), 0, -1
    for stop in sorted({other for other in ends if other >= end} | {end, len(pdf)}):
        running.update(pdf[start:stop])
        start = stop
        try:
            place = issued.index(running.hexdigest(), place + 1)
        except ValueError:
            return False
    return True


def _hex_string(raw: bytes) -> bytes | None:
    if not (raw.startswith(b"<") and raw.endswith(b">")):
        return None
    try:
        return bytes.fromhex(raw[1:-1].decode("ascii"))
    except ValueError:
        return None
