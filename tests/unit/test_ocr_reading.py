"""Which way up a page is read, with a recogniser whose answers are written here."""

import time
from dataclasses import dataclass, field

from PIL import Image

from ocr.image import turn
from ocr.lines import Line, Token
from ocr.reading import Reader
from ocr.tesseract import PAGE
from tests.ocr_pages import draw


def words(*read: str, confidence: float) -> list[Line]:
    return [Line(tuple(Token(word, 0.1, 0.1, 0.1, 0.02, confidence) for word in read), starts_paragraph=True)]


@dataclass
class Scripted:
    """Answers bands of a page by their width: on its side the page is wider than the right way up."""

    lying: list[Line]
    standing: list[Line]
    asked: list[tuple[int, int]] = field(default_factory=list)

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        self.asked.append(gray.size)
        return self.lying if gray.width == 1754 else self.standing

    def languages(self) -> frozenset[str]:
        return frozenset({"fra"})


LETTER = ("Monsieur", "le", "Ministre", "je", "vous", "prie", "de", "trouver", "ci-joint", "le", "rapport", "annuel")


def read(lying: list[Line], standing: list[Line]) -> tuple[tuple[str, ...], str]:
    page = turn(draw(size=(1240, 1754)).convert("L"), 270)
    found = Reader(Scripted(lying, standing), ("fra",), time.monotonic() + 60).read(page, page, 150)
    return found.flags, " ".join(token.text for line in found.lines for token in line.tokens)


def test_a_few_letters_read_surely_do_not_keep_a_page_on_its_side() -> None:
    flags, text = read(words("I", "l", "|", "ii", confidence=76), words(*LETTER, confidence=93))
    assert flags == ("rotated_90",)
    assert text.startswith("Monsieur")


def test_a_page_read_surely_as_it_came_is_not_turned() -> None:
    flags, text = read(words(*LETTER, confidence=88), words(*LETTER, *LETTER, *LETTER, confidence=94))
    assert flags == ()
    assert text.startswith("Monsieur")
