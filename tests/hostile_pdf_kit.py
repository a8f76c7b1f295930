"""PDFs that are small and cost their reader much, or are written against the program that opens them."""

import zlib
from collections.abc import Sequence
from itertools import accumulate

from tests.swollen_kit import MIB, swollen

_HEAD = b"%PDF-1.7\n"
_CATALOG, _TREE = b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def pdf_of(objects: Sequence[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1; the first is its catalogue."""
    written = [b"%d 0 obj\n%s\nendobj\n" % (number, one) for number, one in enumerate(objects, 1)]
    *places, end = accumulate(map(len, written), initial=len(_HEAD))
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(
        b"%010d 00000 n \n" % at for at in places
    )
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, end)
    return b"".join([_HEAD, *written, table, tail])


def stream_of(content: bytes, keys: bytes = b"") -> bytes:
    """A deflated stream."""
    packed = zlib.compress(content, 9)
    return b"<< /Filter /FlateDecode /Length %d %s >>\nstream\n%s\nendstream" % (len(packed), keys, packed)


def page_of(entries: bytes = b"", *others: bytes, catalog: bytes = b"") -> bytes:
    """An empty page with these entries; other objects are numbered from 4."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %s >>" % entries
    return pdf_of([_CATALOG[:-2] + catalog + b" >>", _TREE, page, *others])


def unseen_words(pages: int, words: int, seen: str) -> bytes:
    """Pages of one sentence that people read and of many words that nobody sees; all pages share one stream of some kilobytes."""
    a_thousand = b"(" + b"ab " * 1000 + b") Tj T* "
    text = b"BT /F 16 Tf 1 0 0 1 50 700 Tm (%s) Tj ET " % seen.encode("cp1252")
    hidden = b"BT 3 Tr /F 0.2 Tf 1 0 0 1 2 840 Tm 0.4 TL " + a_thousand * (words // 1000) + b"ET"
    kids = b" ".join(b"%d 0 R" % (5 + number) for number in range(pages))
    fonts = b"/Resources << /Font << /F 3 0 R >> >>"
    tree = b"<< /Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 595 842] %s >>" % (kids, pages, fonts)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    page = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>"
    return pdf_of([_CATALOG, tree, font, stream_of(text + hidden), *[page] * pages])


def swollen_objects(mebibytes: int) -> bytes:
    """A PDF of a few kilobytes a mebibyte whose object stream unpacks to so much: object 1 to 3, then blanks."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"
    inner = [_CATALOG, _TREE, page]
    starts = [*accumulate((len(one) + 1 for one in inner), initial=0)][:-1]
    index = b" ".join(b"%d %d" % (number, at) for number, at in enumerate(starts, 1)) + b" "
    objects = (index + b" ".join(inner)).ljust(MIB)
    packed = _joined(objects, mebibytes)
    head = b"<< /Type /ObjStm /N 3 /First %d /Filter /FlateDecode /Length %d >>" % (len(index), len(packed))
    written = b"4 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (head, packed)
    at = len(_HEAD) + len(written)
    rows = [(0, 0, 0), *((2, 4, place) for place in range(3)), (1, len(_HEAD), 0), (1, at, 0)]
    table = b"".join(
        kind.to_bytes(1, "big") + one.to_bytes(4, "big") + two.to_bytes(1, "big") for kind, one, two in rows
    )
    keys = b"/Type /XRef /Size 6 /W [1 4 1] /Root 1 0 R"
    return _HEAD + written + b"5 0 obj\n" + stream_of(table, keys) + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % at


def _joined(first: bytes, mebibytes: int) -> bytes:
    """A zlib stream of a mebibyte and of blanks behind it, without its checksum: no reader of PDFs asks for it."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    begin = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + begin + swollen(b" " * MIB, mebibytes)[2:]


def many_numbers(count: int) -> bytes:
    """A PDF whose catalogue has a list of so many numbers."""
    return page_of(catalog=b"/Big [" + b"0 " * count + b"]")
