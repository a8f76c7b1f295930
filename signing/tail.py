"""Whether the later revisions of a file follow the standard exactly, so that no reader has a reason to rebuild it.

A reader that finds a malformed table scans for objects by itself. It then takes the last object of each number, even if
no table lists it. This module works on the plain bytes.
"""

import re
from collections.abc import Iterator

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType

# ISO 32000-2, 7.5.4: each entry has 20 bytes, its end of line included.
_HEAD = re.compile(rb"\s{0,64}xref {0,8}(?:\r\n|\r|\n)")
_PART = re.compile(rb"(\d{1,10}) (\d{1,10}) {0,8}(?:\r\n|\r|\n)")
_ENTRY = re.compile(rb"\d{10} \d{5} [nf](?: \r| \n|\r\n)")
_TRAILER = re.compile(rb"\s{0,64}trailer")
_ENTRY_BYTES = 20
_WINDOW = 64
_HEADING = re.compile(rb"(?<!\d)(\d+)[\s\0]+(\d+)[\s\0]*\Z")
_PADDED = re.compile(rb"[\d\s\0]*\d[\s\0]*\Z")

_Places = dict[tuple[int, int], set[int]]


def is_strict_after(pdf: bytes, reader: PdfFileReader, end: int) -> bool:
    """Whether the tables after byte ``end`` have the standard's form, and list every object written there."""
    places: _Places = {}
    xrefs = reader.xrefs
    for revision in range(xrefs.total_revisions):
        about, data = xrefs.get_xref_container_info(revision), xrefs.get_xref_data(revision)
        if about.end_location <= end:
            continue
        if about.xref_section_type is not XRefSectionType.STREAM and not _is_table(pdf, about.declared_startxref):
            return False
        for number, (generation, offset) in data.standard_xrefs.items():
            places.setdefault((number, generation), set()).add(offset)
        if about.stream_ref is not None:
            own = (about.stream_ref.idnum, about.stream_ref.generation)
            places.setdefault(own, set()).add(about.declared_startxref)
    return all(_is_placed(pdf, at, places) for at in _objects(pdf, end))


def _is_table(pdf: bytes, at: int) -> bool:
    head = _HEAD.match(pdf, at)
    if head is None:
        return False
    at = head.end()
    while (part := _PART.match(pdf, at)) is not None:
        first, at = part.end(), part.end() + int(part[2]) * _ENTRY_BYTES
        if at > len(pdf) or not all(_ENTRY.match(pdf, entry) for entry in range(first, at, _ENTRY_BYTES)):
            return False
    return _TRAILER.match(pdf, at) is not None


def _objects(pdf: bytes, end: int) -> Iterator[int]:
    """Offsets of the word ``obj`` behind an object number."""
    at = pdf.find(b"obj", end)
    while at >= 0:
        before = pdf[max(end, at - _WINDOW) : at]
        if _HEADING.search(before) or _PADDED.fullmatch(before):
            yield at
        at = pdf.find(b"obj", at + 3)


def _is_placed(pdf: bytes, at: int, places: _Places) -> bool:
    begin = max(0, at - _WINDOW)
    heading = _HEADING.search(pdf[begin:at])
    if heading is None:
        return False
    starts = places.get((int(heading[1]), int(heading[2])), set())
    here = begin + heading.start()
    return any(start <= here <= start + _WINDOW and not pdf[start:here].strip(b"\0\t\n\f\r ") for start in starts)
