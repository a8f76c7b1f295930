"""A printed page of a reserve book as a scanner sees it, with lines written by hand."""

import io
import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np
import pypdfium2
import zxingcpp
from PIL import Image, ImageDraw

from ged.ports import FormArea, FormBox
from ged.reserve import sheet
from ged.reserve.codes import read_page_code
from ged.reserve.page_form import PagePlaces, places
from ged.unit import Services
from tests.factories import actor

DPI = 150
MM = DPI / 25.4
CORNER = (11.5, 30.5)
"""Where the table begins on the page, in millimetres: the left margin; under the code."""


class Page:
    """A page of a book, on which lines are written."""

    def __init__(self, image: Image.Image, placed: PagePlaces) -> None:
        """Take the picture of a printed page, and its places."""
        self.image, self.placed = image, placed
        self.boxes: dict[str, FormBox] = {one.key: one for one in placed.form.boxes}
        self.areas: dict[str, FormArea] = {one.key: one for one in placed.form.areas}

    def write(self, n: int, *, cells: Collection[str] = ("date", "sender", "subject", "addressee")) -> None:
        """Waves that look like handwriting, in cells of a line."""
        rnd = random.Random(n)
        for cell in cells:
            area = self.areas[f"{cell}:{n}"]
            x, y = CORNER[0] + area.x + 1.5, CORNER[1] + area.y + area.height / 2
            points = [(x + 0.7 * k, y + rnd.uniform(-1.8, 1.8)) for k in range(round((area.width - 3) / 0.7))]
            at = [(right * MM, down * MM) for right, down in points]
            ImageDraw.Draw(self.image).line(at, fill=60, width=3, joint="curve")

    def cross(self, key: str) -> None:
        """A cross in a box."""
        box = self.boxes[key]
        x, y = CORNER[0] + box.x + box.size / 2, CORNER[1] + box.y + box.size / 2
        for down in (1.3, -1.3):
            at = [((x - 1.3) * MM, (y - down) * MM), ((x + 1.3) * MM, (y + down) * MM)]
            ImageDraw.Draw(self.image).line(at, fill=50, width=3)

    def recoded(self, text: str) -> None:
        """Another code instead of that of the page."""
        barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
        code = Image.fromarray(np.array(barcode.to_image(scale=4, add_quiet_zones=True)))
        x, y, side = self.placed.form.code_at
        left, top = round((CORNER[0] + x) * MM), round((CORNER[1] + y) * MM)
        ImageDraw.Draw(self.image).rectangle(
            (left - 6, 0, left + round(side * MM) + 6, top + round(side * MM)), fill=255
        )
        self.image.paste(code.resize((round(side * MM), round(side * MM))), (left, top))


@contextmanager
def _document(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        yield document
    finally:
        document.close()


def printed(services: Services, book_id: int, account: str = "agent") -> list[Page]:
    """The pages of a book as they are printed now."""
    with services.reading() as session:
        pdf = sheet.book_sheet(session, services, book_id, actor(services, account)).pdf()
    found = []
    with _document(pdf) as document:
        for one in document:
            image = one.render(scale=DPI / 72).to_pil().convert("L")
            (text,) = [code.text for code in zxingcpp.read_barcodes(np.asarray(image))]
            code = read_page_code(text, key=services.code_key)
            assert code is not None
            found.append(Page(image, places(code.layout, code.count, code=text)))
    return found


def scanned(*images: Image.Image, turn: float = 1.2) -> bytes:
    """One PDF of pages, each a little turned. So small that no upload of it goes through a file, which nobody would close."""
    turned = [one.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=255) for one in images]
    data = io.BytesIO()
    turned[0].save(data, "PDF", save_all=True, append_images=turned[1:], resolution=DPI, quality=55)
    return data.getvalue()
