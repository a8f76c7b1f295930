"""Whether two PDF objects are read as the same value (ISO 32000-2, 7.3), whatever their numbers and spelling."""

import zlib
from decimal import Decimal

from pikepdf import Array, Dictionary, Name, Stream, String

_MOST_BYTES = 64 * 1024 * 1024
_WHITESPACE = b"\x00\t\n\x0c\r "
LENGTH = frozenset({"/Length"})
SPELLING = frozenset({"/Length", "/Filter", "/DecodeParms"})
"""Entries of a stream that describe its encoded bytes, not their meaning."""


def is_container(value: object) -> bool:
    """Whether the value holds other values."""
    return isinstance(value, (Dictionary, Array, Stream))


def same_kind(old: object, new: object) -> bool:
    """Whether both are dictionaries, arrays or streams."""
    return any(isinstance(old, kind) and isinstance(new, kind) for kind in (Dictionary, Array, Stream))


def same_scalar(old: object, new: object) -> bool:
    """Whether both are the same number (1 is 1.0), string (hexadecimal or not), name, truth value, or nothing."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, (int, Decimal)) and isinstance(new, (int, Decimal)):
        return old == new
    if isinstance(old, String) and isinstance(new, String):
        return bytes(old) == bytes(new)
    if isinstance(old, Name) and isinstance(new, Name):
        return str(old) == str(new)
    return old is None and new is None


def same_when_decoded(old: Stream, new: Stream) -> bool:
    """Whether both streams decode to the same bytes, with filters that all readers decode alike."""
    content = decoded(old)
    return content is not None and content == decoded(new)


def decoded(stream: Stream) -> bytes | None:
    """The bytes of an unfiltered stream, or of a complete, valid Flate stream; None where readers may differ."""
    coding, raw = _filter(stream), stream.read_raw_bytes()
    if stream.get("/DecodeParms") is not None or "/F" in stream:
        return None
    if coding is None:
        return raw
    if coding != "/FlateDecode":
        return None
    decoder = zlib.decompressobj()
    try:
        content = decoder.decompress(raw, _MOST_BYTES)
    except zlib.error:
        return None
    return content if decoder.eof and not decoder.unused_data.strip(_WHITESPACE) else None


def _filter(stream: Stream) -> str | None:
    coding: object = stream.get("/Filter")
    if isinstance(coding, Array) and len(coding) < 2:
        coding = coding[0] if len(coding) else None
    return None if coding is None else str(coding) if isinstance(coding, Name) else "several"
