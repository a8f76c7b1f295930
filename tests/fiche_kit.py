"""Draws a fiche's boxes as a scanner sees them, from its places alone: for the tests of the reader."""

import re

import numpy as np
import pypdfium2
import zxingcpp
from PIL import Image, ImageDraw

from ged.ports import FormBox, PrintedForm
from ged.routing.sheet_form import form_of, places

DPI = 150
MM = DPI / 25.4
CORNER = (20.0, 90.0)
"""Where the frame lies on the page, in millimetres."""


def _at(x: float, y: float) -> tuple[float, float]:
    return (CORNER[0] + x) * MM, (CORNER[1] + y) * MM


def drawn(form: PrintedForm, *, marks: int = 6) -> Image.Image:
    """A blank A4 page with the form, and so many of its marks."""
    page = Image.new("L", (round(210 * MM), round(297 * MM)), 255)
    pen = ImageDraw.Draw(page)
    half = form.mark_size / 2
    for x, y in form.marks[:marks]:
        pen.rectangle((_at(x - half, y - half), _at(x + half, y + half)), fill=0)
    for box in form.boxes:
        pen.rectangle((_at(box.x, box.y), _at(box.x + box.size, box.y + box.size)), outline=40, width=2)
    x, y, side = form.code_at
    barcode = zxingcpp.create_barcode(form.code, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    picture = Image.fromarray(np.array(barcode.to_image(scale=1, add_quiet_zones=False)))
    left, top = _at(x, y)
    size = round(side * MM)
    page.paste(picture.resize((size, size), Image.Resampling.NEAREST), (round(left), round(top)))
    return page


def line(page: Image.Image, box: FormBox, *points: tuple[float, float], gray: int = 50, width: float = 0.5) -> None:
    """A stroke over a box; points in millimetres from its middle."""
    middle = box.size / 2
    places = [_at(box.x + middle + x, box.y + middle + y) for x, y in points]
    ImageDraw.Draw(page).line(places, fill=gray, width=max(1, round(width * MM)), joint="curve")


def cross(page: Image.Image, box: FormBox, *, gray: int = 50) -> None:
    """A cross in a box."""
    line(page, box, (-1.3, -1.3), (1.3, 1.3), gray=gray)
    line(page, box, (1.3, -1.3), (-1.3, 1.3), gray=gray)


def strike(page: Image.Image, box: FormBox) -> None:
    """A long stroke through a box."""
    line(page, box, (-5.2, 0.4), (5.2, -0.3))


def scanned(pdf: bytes, key: bytes) -> tuple[Image.Image, PrintedForm]:
    """A printed sheet as a scanner sees it, moved so that ``CORNER`` is the corner of its frame; and its form."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0].render(scale=DPI / 72).to_pil().convert("L")
    finally:
        document.close()
    (code,) = [one.text for one in zxingcpp.read_barcodes(np.asarray(page)) if one.text.startswith("GEDM1/")]
    read = form_of(code, key=key)
    assert read is not None
    form = places(read, code=code).form
    # The frame begins at the left margin; the first dark place in the column of its marks is its first mark.
    column = np.asarray(page)[:, round((20.0 + form.marks[0][0]) * MM)]
    down = int((column < 64).argmax()) - round((form.marks[0][1] - form.mark_size / 2) * MM)
    moved = Image.new("L", page.size, 255)
    moved.paste(page, (0, round(CORNER[1] * MM) - down))
    return moved, form


def as_shown(page: str) -> dict[str, object]:
    """What the browser sends when the key that confirms is pressed: the form as it came."""
    main = page[page.index("data-guard") :]
    sent: dict[str, object] = {}
    for tag in re.findall(r"<input[^>]*>", main):
        name, value = (re.search(rf'{one}="([^"]*)"', tag) for one in ("name", "value"))
        if name is None or (re.search(r'type="(checkbox|radio)"', tag) and "checked" not in tag):
            continue
        if re.search(r'type="checkbox"', tag):
            kept = sent.setdefault(name[1], [])
            assert isinstance(kept, list)
            kept.append(value[1] if value else "on")
        elif name[1] != "csrf_token":
            sent[name[1]] = value[1] if value else ""
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"(.*?)</select>', main, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        sent[name] = chosen[1] if chosen else ""
    return sent
