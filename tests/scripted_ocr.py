"""An OCR engine with given results: it counts pages, returns texts and fields that the test gave, and draws white
images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pikepdf
from PIL import Image

from ged.ports import (
    BoxState,
    FieldReading,
    FormReading,
    PageFacts,
    PageRef,
    PrintedForm,
    Quad,
    ReadArea,
    ReadBox,
    ReaderFacts,
    RecognisedPage,
    Recognition,
    SourceFacts,
)
from tests.pages import draw


def reading(name: str, value: str, *, page_no: int = 1, confidence: float = 87.0) -> FieldReading:
    """A field in the upper half of a page; ``confidence`` from 0 to 100."""
    return FieldReading(name, value, page_no, 0.1, 0.2, 0.3, 0.05, confidence)


@dataclass
class ScriptedEngine:
    """An ``OcrEngine`` whose results the test gives: the texts of the pages in order, and the fields."""

    texts: tuple[str, ...] = ("Rien",)
    fields: tuple[FieldReading, ...] = ()
    flags: tuple[str, ...] = ()
    likeness: str = ""
    codes: tuple[str, ...] = ()
    boxes: dict[str, BoxState] = field(default_factory=dict)
    written: tuple[str, ...] = ()
    asked: list[int] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def reads_with(self) -> ReaderFacts:
        """A library without a version."""
        return ReaderFacts("library", "0")

    def inspect(self, source: Path, *, filename: str, timeout_s: float) -> SourceFacts:
        """A PDF or a PNG, of which no page is blank."""
        is_pdf = source.read_bytes().startswith(b"%PDF")
        count = 1
        if is_pdf:
            with pikepdf.open(source) as pdf:
                count = len(pdf.pages)
        page = PageFacts(827, 1169, 100, 0.1)
        return SourceFacts("application/pdf" if is_pdf else "image/png", (page,) * count)

    def thumbnail(
        self, page: PageRef, *, width_px: int, out: Path, timeout_s: float, limit_bytes: int | None = None
    ) -> None:
        """Write a white page."""
        Image.new("L", (width_px, width_px * 7 // 5), 255).save(out, "WEBP" if limit_bytes else "JPEG")

    def draw_part(self, page: PageRef, place: Quad, *, width_px: int, out: Path, timeout_s: float) -> None:
        """Write a white picture."""
        Image.new("L", (width_px, width_px), 255).save(out, "JPEG")

    def read_codes(self, page: PageRef, *, timeout_s: float) -> tuple[str, ...]:
        """Return the codes that the test gave."""
        return self.codes

    def read_form(self, page: PageRef, form: PrintedForm, *, timeout_s: float) -> FormReading | None:
        """Return the boxes that the test named as they are said, all others empty; without any, no form is found."""
        if not self.boxes:
            return None
        place = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))
        return FormReading(
            tuple(ReadBox(box.key, self.boxes.get(box.key, BoxState.EMPTY), 0.0, place) for box in form.boxes),
            tuple(ReadArea(area.key, area.key in self.written, place) for area in form.areas),
        )

    def recognise(
        self, pages: Sequence[PageRef], *, languages: Sequence[str], timeout_s: float, out: Path, **_: object
    ) -> Recognition:
        """Return the results that the test gave."""
        self.asked.append(len(pages))
        self.meanwhile()
        image, pdf = out / "page.jpg", out / "searchable.pdf"
        Image.new("L", (100, 140), 255).save(image)
        pdf.write_bytes(b"%PDF-1.7 scripted")
        read = []
        for n in range(1, len(pages) + 1):
            text = self.texts[min(n, len(self.texts)) - 1]
            look = self.likeness if n == 1 else ""
            read.append(RecognisedPage(n, text, (), 90.0, "fra", image, self.flags, look))
        return Recognition(tuple(read), pdf, image, self.fields)


def pdf_of(*texts: str) -> bytes:
    """A scanned document as a PDF, one page for each text."""
    out = BytesIO()
    first, *others = [draw(text) for text in texts]
    first.save(out, "PDF", save_all=True, append_images=others, resolution=100)
    return out.getvalue()
