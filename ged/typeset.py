"""PDFs typeset by typst from a template of ours and data: PDF/A-2b, the same bytes for the same data.

A page of ours never depends on the fonts of the machine: the ones carried by typst are used. A character that no
font has stops the compiler (PDF/A refuses it); the error names the character.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import typst
import zxingcpp

from ged.errors import Invalid

SEPARATOR = b"\n"
_OF_THREAD = threading.local()


def typeset(template: Path, data: dict[str, Any], *, at: datetime) -> bytes:
    """Compile ``template`` with ``data`` (read there by ``json(bytes(sys.inputs.data))``).

    Args:
        template: a ``.typ`` file; what it imports lies beside it.
        data: JSON values.
        at: the document's date: the same data and time give the same bytes.

    Raises:
        Invalid: ``typeset.glyph`` when a character cannot be printed, ``typeset.failed`` otherwise.
    """
    with _explained(template):
        pdf = _compiler(template).compile(
            format="pdf",
            pdf_standards="a-2b",
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
            timestamp=int(at.timestamp()),
        )
    # typst ends without a line end: the first incremental update would stand on the last line (ISO 19005-2, 6.1.9).
    return bytes(pdf) + SEPARATOR  # type: ignore[arg-type]  # one document gives one value


def typeset_with_places(
    template: Path, data: dict[str, Any], *, at: datetime, label: str
) -> tuple[bytes, list[dict[str, Any]]]:
    """The same, and the values of the template's metadata under ``label``: what it tells of its places.

    The second costs nothing: the pages are laid out once for both.

    Raises:
        Invalid: as ``typeset``.
    """
    pdf = typeset(template, data, at=at)
    with _explained(template):
        answer = _compiler(template).query(f"<{label}>", field="value")
    found: list[dict[str, Any]] = json.loads(answer)
    return pdf, found


def _compiler(template: Path) -> typst.Compiler:
    # A compiler keeps its fonts and belongs to one thread.
    kept: dict[Path, typst.Compiler] = _OF_THREAD.__dict__.setdefault("compilers", {})
    if template not in kept:
        kept[template] = typst.Compiler(template, root=template.parent, ignore_system_fonts=True)
    return kept[template]


@contextmanager
def _explained(template: Path) -> Iterator[None]:
    try:
        yield
    except typst.TypstError as error:
        message = str(error)
        if "glyph" in message or "could not be displayed" in message or "codepoint" in message:
            raise Invalid("typeset.glyph", "remove the character that no font has", detail=message[:200]) from None
        raise Invalid(
            "typeset.failed", "report this with the template's name", template=template.name, detail=message[:300]
        ) from None


def qr_svg(text: str) -> str:
    """A QR code as SVG text, for templates (``image(bytes(data.qr), format: "svg")``)."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return str(barcode.to_svg(scale=4, add_quiet_zones=True))
