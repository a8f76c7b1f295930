"""A page of another PDF as the whole appearance of a signature field: no border, no text, no scaling.

All letters of a batch carry the same mark. It is read once and cached as serialised bytes; only the numbers of its
objects are filled in for each letter.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import IO

import numpy as np
import zxingcpp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter, PdfFileWriter
from pyhanko.stamp import BaseStamp, BaseStampStyle

from ged.ports import PrintedCode

_MARKS_KEPT = 32
_MARK_MAX_BYTES = 1 << 18
_LONG_CODE = 500


@dataclass(frozen=True)
class PageStyle(BaseStampStyle):
    """Makes the first page of a PDF the appearance of a field."""

    page_pdf: bytes = b""
    code: PrintedCode | None = None

    def create_stamp(self, writer: BasePdfFileWriter, box: BoxConstraints, text_params: object) -> "_PageStamp":  # noqa: ARG002
        """The appearance inside one writer."""
        return _PageStamp(writer, self, box)


class _PageStamp(BaseStamp):
    def __init__(self, writer: BasePdfFileWriter, style: PageStyle, box: BoxConstraints) -> None:
        super().__init__(writer, style, box)
        self._target = writer
        self._page = style.page_pdf
        self._code = style.code
        self._size = (float(box.width), float(box.height))

    def register(self) -> generic.IndirectObject:
        """Add the page as a form XObject; its box is the box of the field."""
        written = _kept if len(self._page) <= _MARK_MAX_BYTES else _write
        form = written(self._page).add_to(self._target)
        return form if self._code is None else self._with_code(form, self._code)

    def _with_code(self, form: generic.IndirectObject, code: PrintedCode) -> generic.IndirectObject:
        """Draw a code over the page. Each letter gets its own picture; the page is cached for the batch."""
        width, height = self._size
        picture = self._target.add_object(qr_picture(code.text))
        names = b"/Mark %d 0 R /Code %d 0 R" % (form.idnum, picture.idnum)
        head = f"/Type /XObject /Subtype /Form /BBox [0 0 {width:.2f} {height:.2f}] /Resources << /XObject << ".encode()
        square = f"{code.size:.2f} 0 0 {code.size:.2f} {code.x:.2f} {code.y:.2f}".encode()
        drawn = b"q /Mark Do Q q " + square + b" cm /Code Do Q"
        return self._target.add_object(_stream(head + names + b" >> >>", drawn))


def qr_picture(text: str) -> "_Raw":
    """A QR code with its quiet zone: one pixel per module, black on white. Readers are asked not to smooth it."""
    drawn = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=_level(text))
    modules = np.array(drawn.to_image(scale=1, add_quiet_zones=True))
    height, width = modules.shape
    # Gray, not RGB: PDF/A allows it with any output intent, RGB only with one of RGB (ISO 19005-2, 6.2.4.3).
    head = b"/Type /XObject /Subtype /Image /ColorSpace /DeviceGray /BitsPerComponent 1 /Interpolate false"
    size = b" /Width %d /Height %d" % (width, height)
    return _stream(head + size, np.packbits(modules > 0, axis=1).tobytes())


def _stream(entries: bytes, content: bytes) -> "_Raw":
    return _Raw(b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content))


def _level(text: str) -> str:
    """Error correction: M (15 %) as long as the modules stay big, L for the long code of an RSA key."""
    return "M" if len(text) <= _LONG_CODE else "L"


@dataclass(frozen=True)
class _WrittenForm:
    """A form and the objects it needs, serialised. An ``int`` ``i`` between bytes is the number of ``objects[i]``."""

    form: int
    objects: tuple[tuple[bytes | int, ...], ...]

    def add_to(self, writer: BasePdfFileWriter) -> generic.IndirectObject:
        references = [writer.allocate_placeholder() for _ in self.objects]
        numbers = [b"%d 0 R" % reference.idnum for reference in references]
        for reference, pieces in zip(references, self.objects, strict=True):
            written = b"".join(numbers[piece] if isinstance(piece, int) else piece for piece in pieces)
            writer.add_object(_Raw(written), idnum=reference.idnum)
        return references[self.form]


class _Raw(generic.PdfObject):
    """An object that is already serialised."""

    def __init__(self, written: bytes) -> None:
        self._written = written

    def write_to_stream(self, stream: IO[bytes], handler: object = None, container_ref: object = None) -> None:  # noqa: ARG002
        stream.write(self._written)


def _write(page_pdf: bytes) -> _WrittenForm:
    scratch = PdfFileWriter()  # type: ignore[no-untyped-call]
    before = set(scratch.objects)
    form = scratch.import_page_as_xobject(PdfFileReader(BytesIO(page_pdf), strict=False))
    numbers = [number for generation, number in scratch.objects if (generation, number) not in before]
    places = {number: index for index, number in enumerate(numbers)}
    return _WrittenForm(places[form.idnum], tuple(_pieces(scratch.objects[0, number], places) for number in numbers))


_kept = lru_cache(maxsize=_MARKS_KEPT)(_write)


def _pieces(found: generic.PdfObject, places: Mapping[int, int]) -> tuple[bytes | int, ...]:
    hole = secrets.token_hex(16).encode()  # random, so that no stream contains it by chance
    _open_references(found, places, hole)
    output = BytesIO()
    found.write_to_stream(output)
    split = re.split(hole + rb"(\d+);", output.getvalue())
    return tuple(int(piece) if n % 2 else piece for n, piece in enumerate(split))


def _open_references(found: generic.PdfObject, places: Mapping[int, int], hole: bytes) -> None:
    if isinstance(found, generic.DictionaryObject):
        slots = [(key, found.raw_get(key)) for key in found]
    elif isinstance(found, generic.ArrayObject):
        slots = [(index, found.raw_get(index)) for index in range(len(found))]
    else:
        return
    for key, value in slots:
        if isinstance(value, generic.IndirectObject):
            found[key] = _Raw(hole + b"%d;" % places[value.idnum])
        else:
            _open_references(value, places, hole)
