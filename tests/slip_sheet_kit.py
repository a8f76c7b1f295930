"""A printed slip as a scanner sees it, ticked by hand."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pypdfium2
import zxingcpp
from PIL import Image, ImageDraw

from ged.ports import FormBox
from ged.slips.reception_form import ReceptionPart, part_of, places

DPI = 150
MM = DPI / 25.4
LEFT = 20.0
"""Where the table begins, in millimetres."""


@dataclass
class Page:
    """A page with a table: ``corner`` of the table in millimetres."""

    image: Image.Image
    part: ReceptionPart
    boxes: dict[str, FormBox]
    corner: tuple[float, float]
    hand: Mapping[str, tuple[float, float, float, float]]

    def line(self, key: str, *points: tuple[float, float], width: float = 0.5) -> None:
        """A stroke over a box; points in millimetres from its middle."""
        box = self.boxes[key]
        x, y = self.corner[0] + box.x + box.size / 2, self.corner[1] + box.y + box.size / 2
        at = [((x + right) * MM, (y + down) * MM) for right, down in points]
        ImageDraw.Draw(self.image).line(at, fill=50, width=max(1, round(width * MM)), joint="curve")

    def cross(self, key: str) -> None:
        """A cross in a box."""
        self.line(key, (-1.3, -1.3), (1.3, 1.3))
        self.line(key, (1.3, -1.3), (-1.3, 1.3))

    def write(self, area: str) -> None:
        """Handwriting in a place at the foot of the table."""
        x, y, _width, height = self.hand[area]
        points = [(x + 6 + n, y + height * 0.6 + (n % 3)) for n in range(18)]
        at = [((self.corner[0] + right) * MM, (self.corner[1] + down) * MM) for right, down in points]
        ImageDraw.Draw(self.image).line(at, fill=50, width=3, joint="curve")

    def strike(self, key: str) -> None:
        """A long stroke through a box."""
        self.line(key, (-4.4, 0.4), (4.4, -0.3))


def tables(pdf: bytes, key: bytes) -> list[Page]:
    """The pages of a printed slip that bear a table."""
    found = []
    document = pypdfium2.PdfDocument(pdf)
    try:
        for sheet in document:
            image = sheet.render(scale=DPI / 72).to_pil().convert("L")
            for code in zxingcpp.read_barcodes(np.asarray(image)):
                part = part_of(code.text, key=key)
                if part is None:
                    continue
                placed = places(part, code=code.text)
                form = placed.form
                # Nothing else stands in the column of the marks: the first dark place there is the first mark.
                column = np.asarray(image)[:, round((LEFT + form.marks[0][0]) * MM)]
                top = float((column < 64).argmax()) / MM - (form.marks[0][1] - form.mark_size / 2)
                found.append(Page(image, part, {box.key: box for box in form.boxes}, (LEFT, top), placed.cells))
    finally:
        document.close()
    return found


def pdf_of(pages: list[Page], *, turn: float = 1.2) -> bytes:
    """The scan of pages, a little turned."""
    turned = [page.image.rotate(turn, Image.Resampling.BICUBIC, fillcolor=255) for page in pages]
    data = io.BytesIO()
    turned[0].save(data, "PDF", save_all=True, append_images=turned[1:], resolution=DPI)
    return data.getvalue()
