"""The orientation of a page, and words that are read twice, with a scripted recogniser."""

import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from ged.errors import EngineFailed
from ocr.image import turn
from ocr.lines import Line, Token
from ocr.paper import freshened
from ocr.reading import Reader, Reading, _Sheet
from ocr.scan import Scan
from ocr.skew import skew_degrees
from ocr.tesseract import BLOCK, LINE, PAGE, SPARSE
from ocr.unread import Box
from tests.ocr_pages import draw, with_light_lines

pytestmark = [pytest.mark.slow, pytest.mark.in_turns(3)]


def words(*read: str, confidence: float) -> list[Line]:
    return [Line(tuple(Token(word, 0.1, 0.1, 0.1, 0.02, confidence) for word in read), starts_paragraph=True)]


@dataclass
class Scripted:
    """A recogniser that answers by the width of the image: a page on its side is wider."""

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


def test_the_page_as_it_was_scanned_is_turned_with_the_freshened_one() -> None:
    page = turn(draw(size=(1240, 1754)).convert("L"), 270)
    engine = Scripted(words("I", "l", "|", "ii", confidence=76), words(*LETTER, confidence=76))
    Reader(engine, ("fra",), time.monotonic() + 60).read(
        page, page, 150, scan=Scan(page.point(lambda light: light // 2))
    )
    assert (1240, 1754) in engine.asked


def test_a_page_read_surely_as_it_came_is_not_turned() -> None:
    flags, text = read(words(*LETTER, confidence=88), words(*LETTER, *LETTER, *LETTER, confidence=94))
    assert flags == ()
    assert text.startswith("Monsieur")


@dataclass
class Wider:
    """A recogniser that answers for the narrow page, the page in full width, a line of it, a band of it."""

    narrow: list[Line]
    full: list[Line] = field(default_factory=list)
    line: list[Line] = field(default_factory=list)
    band: list[Line] = field(default_factory=list)
    fails: EngineFailed | None = None
    asked: list[str] = field(default_factory=list)

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        name = {SPARSE: "band", LINE: "line", PAGE: "full" if gray.width == 1240 else "narrow"}.get(psm, "rest")
        self.asked.append(name)
        if self.fails and name in ("full", "line"):
            raise self.fails
        found: list[Line] = getattr(self, name, [])
        return found

    def languages(self) -> frozenset[str]:
        return frozenset({"fra"})


def row(y: float, *read: str, confidence: float) -> Line:
    return Line(tuple(Token(word, 0.1 + 0.12 * n, y, 0.1, 0.02, confidence) for n, word in enumerate(read)))


def read_wider(recogniser: Wider) -> Reading:
    page = draw(size=(1240, 1754)).convert("L")
    return Reader(recogniser, ("fra",), time.monotonic() + 60).read(page, page, 150)


def text(reading: Reading) -> list[str]:
    return [token.text for line in reading.lines for token in line.tokens]


SURE = [row(0.1 + 0.05 * n, "Monsieur", "le", "Ministre", "délégué", confidence=94) for n in range(4)]


def test_a_page_read_surely_is_read_once() -> None:
    engine = Wider(SURE)
    read_wider(engine)
    assert [name for name in engine.asked if name != "rest"] == ["narrow"]


def test_a_doubtful_line_alone_is_read_again_in_full_width() -> None:
    again = Line(tuple(Token(word, 0.08 + 0.46 * n, 0.2, 0.38, 0.6, 93) for n, word in enumerate(("transmis", "hier"))))
    engine = Wider([*SURE, row(0.6, "transrnis", "luer", confidence=60)], line=[again])
    assert text(read_wider(engine))[-2:] == ["transmis", "hier"]
    assert engine.asked.count("line") == 1
    assert "full" not in engine.asked


@dataclass
class Lights(Wider):
    """Keeps the light of the paper of each image too."""

    light: dict[str, int] = field(default_factory=dict)

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        found = super().read(gray, dpi=dpi, languages=languages, timeout_s=timeout_s, psm=psm)
        self.light.setdefault(self.asked[-1], gray.getextrema()[1])
        return found


@pytest.mark.parametrize(("doubtful", "again"), [(1, "line"), (9, "full")])
def test_what_is_doubtful_is_read_again_as_it_was_scanned(doubtful: int, again: str) -> None:
    rows = [row(0.35 + 0.03 * n, "transrnis", "Mirnistre", confidence=76) for n in range(doubtful)]
    engine = Lights([*SURE, *rows])
    page = draw(size=(1240, 1754)).convert("L")
    scanned = page.point([180 - (255 - level) // 2 for level in range(256)])
    Reader(engine, ("fra",), time.monotonic() + 60).read(page, page, 150, scan=Scan(scanned))
    assert engine.light["narrow"] == 255
    assert engine.light[again] == 180


def test_a_doubtful_line_is_read_again_from_the_page_in_more_pixels_which_is_not_made_as_a_whole() -> None:
    seen: list[tuple[int, float]] = []

    class Keeps(Wider):
        def read(
            self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE
        ) -> list[Line]:
            if psm == LINE:
                seen.append((gray.width, dpi))
            return super().read(gray, dpi=dpi, languages=languages, timeout_s=timeout_s, psm=psm)

    page = draw(size=(1240, 1754)).convert("L")
    scan = Scan(page.resize((2480, 3508)))
    lines = [row(y, "transrnis", "luer", confidence=60) for y in (0.6, 0.7)]
    Reader(Keeps([*SURE, *lines]), ("fra",), time.monotonic() + 60).read(page, page, 150, scan=scan)
    assert "whole" not in vars(scan)
    assert [dpi for _, dpi in seen] == [300, 300]
    assert min(width for width, _ in seen) > 2480 * 0.2


@pytest.mark.parametrize("degrees", [0, 90, 180])
def test_a_part_of_the_page_as_it_was_scanned_is_turned_with_the_page(degrees: int) -> None:
    page = draw(size=(1240, 1754)).convert("L")
    sheet = _Sheet(0, page, Scan(page), 150, 1.0).turned(degrees)
    region = Box(0.1, 0.15, 0.6, 0.2)
    whole, part = (np.asarray(one, dtype=np.int16) for one in (region.cut(sheet.fresh), sheet.scanned_part(region)))
    assert part.shape == whole.shape
    assert np.abs(part - whole).mean() < 1


def test_the_page_as_it_was_scanned_is_levelled_before_it_is_read_again() -> None:
    seen: list[Image.Image] = []

    class Keeps(Wider):
        def read(
            self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE
        ) -> list[Line]:
            seen.append(gray)
            return super().read(gray, dpi=dpi, languages=languages, timeout_s=timeout_s, psm=psm)

    page = draw(size=(1240, 1754)).convert("L")
    leaning = page.rotate(-2.0, Image.Resampling.BILINEAR, fillcolor="white")
    engine = Keeps([row(0.2, "Morisieur", "Mirnistre", confidence=76)])
    Reader(engine, ("fra",), time.monotonic() + 60).read(page, page, 150, scan=Scan(leaning, lean=2.0))
    assert engine.asked[1] == "full"
    assert skew_degrees(leaning) == pytest.approx(2.0, abs=0.2)
    assert skew_degrees(seen[1]) == 0.0


def test_a_page_that_may_not_be_squeezed_is_read_in_full_width_at_once() -> None:
    engine = Wider([], full=SURE)
    page = draw(size=(1240, 1754)).convert("L")
    found = Reader(engine, ("fra",), time.monotonic() + 60).read(page, page, 150, squeezed=False)
    assert text(found)[0] == "Monsieur"
    assert engine.asked[0] == "full"


def test_what_was_read_more_surely_the_first_time_stays() -> None:
    worse = Line((Token("trausmis", 0.1, 0.2, 0.15, 0.5, 62),))
    engine = Wider([*SURE, row(0.6, "transmis", confidence=78)], line=[worse])
    assert text(read_wider(engine))[-1] == "transmis"


def test_where_most_lines_are_doubtful_the_page_is_read_again() -> None:
    engine = Wider(
        [row(0.2, "Morisieur", "Mirnistre", confidence=76)], [row(0.2, "Monsieur", "Ministre", confidence=91)]
    )
    reading = read_wider(engine)
    assert text(reading) == ["Monsieur", "Ministre"]
    assert reading.flags == ()
    assert "line" not in engine.asked


@pytest.mark.parametrize(("as_scanned", "looks"), [(91, 1), (40, 2)])
def test_a_doubtful_page_is_read_freshened_in_full_width_too_where_its_scan_reads_much_worse(
    as_scanned: int, looks: int
) -> None:
    engine = Wider(
        [row(0.2, "Morisieur", "Mirnistre", confidence=76)], [row(0.2, "Monsieur", "Ministre", confidence=as_scanned)]
    )
    read_wider(engine)
    assert engine.asked.count("full") == looks


def test_a_faint_page_of_small_letters_is_read_freshened_and_larger_where_its_scan_reads_much_worse() -> None:
    seen: list[tuple[int, int]] = []

    class Keeps(Wider):
        def read(
            self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE
        ) -> list[Line]:
            if psm == PAGE:
                seen.append((gray.width, gray.getextrema()[1]))
            return super().read(gray, dpi=dpi, languages=languages, timeout_s=timeout_s, psm=psm)

    engine = Keeps([], full=[row(0.2, "Morisieur", "Mirnistre", confidence=76)])
    page = draw(size=(1240, 1754)).convert("L")
    large = page.resize((1860, 2631)).point([180 - (255 - level) // 2 for level in range(256)])
    Reader(engine, ("fra",), time.monotonic() + 60).read(page, page, 150, scan=Scan(large), squeezed=False)
    assert seen == [(1240, 255), (1860, 180), (1860, 255)]


def test_small_print_that_is_lost_when_narrow_is_read_in_full_width() -> None:
    legible = [row(0.2 + 0.03 * n, *LETTER[:6], confidence=92) for n in range(3)]
    engine = Wider([row(0.2, "rnrnii", "uuvvw", confidence=30)], full=legible, band=legible)
    assert text(read_wider(engine))[0] == "Monsieur"


@pytest.mark.parametrize(("page", "turned"), [(60, ()), (95, ("rotated_180",))])
def test_a_page_is_turned_head_down_only_where_the_whole_of_it_then_reads_better(
    page: int, turned: tuple[str, ...]
) -> None:
    first = [row(0.2 + 0.05 * n, *LETTER[:6], confidence=65) for n in range(4)]
    samples = iter([[row(0.2, *LETTER, confidence=80)], [row(0.2, "a", confidence=40)]])
    pages = iter([first, [row(0.2 + 0.05 * n, *LETTER[:6], confidence=page) for n in range(4)]])

    class Turned(Wider):
        def read(
            self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE
        ) -> list[Line]:
            return next({SPARSE: samples, PAGE: pages}.get(psm, iter(())), [])

    assert tuple(flag for flag in read_wider(Turned([])).flags if flag != "low_confidence") == turned


def test_handwriting_is_not_read_again() -> None:
    scribble = [row(0.2, "rnrnii", "uuvvw", confidence=30)]
    engine = Wider(scribble, full=SURE, band=scribble)
    reading = read_wider(engine)
    assert "full" not in engine.asked
    assert text(reading) == []
    assert reading.flags == ("low_confidence",)


def test_what_was_read_in_time_stays() -> None:
    engine = Wider([*SURE, row(0.6, "transrnis", confidence=60)], fails=EngineFailed("ocr.timeout", retryable=True))
    assert text(read_wider(engine))[-1] == "transrnis"


def test_any_other_failure_of_the_second_reading_is_told() -> None:
    engine = Wider([*SURE, row(0.6, "transrnis", confidence=60)], fails=EngineFailed("ocr.failed"))
    with pytest.raises(EngineFailed):
        read_wider(engine)


def test_a_word_hardly_read_makes_its_line_doubtful() -> None:
    line = Line((*row(0.6, "doit", "rendre", "son", confidence=97).tokens, Token("lapport", 0.5, 0.6, 0.1, 0.02, 9)))
    engine = Wider([*SURE, line], line=[Line((Token("rapport", 0.84, 0.2, 0.15, 0.6, 93),))])
    assert text(read_wider(engine))[-1] == "rapport"


def unknown(confidence: float, *, told: bool | None = False, word: str = "ganins") -> Line:
    return Line(
        (Token(word, 0.1, 0.6, 0.1, 0.02, confidence, told), *row(0.6, "", "arrivent", confidence=96).tokens[1:])
    )


@pytest.mark.parametrize(("misread", "word"), [("ganins,", "gamins,"), ("(bicn-aimés", "(bien-aimés")])
def test_a_line_with_a_word_that_the_dictionary_lacks_is_read_again(misread: str, word: str) -> None:
    again = Line((Token(word, 0.2, 0.2, 0.3, 0.6, 84, True),))
    engine = Wider([*SURE, unknown(89, word=misread)], line=[again])
    assert text(read_wider(engine))[-2:] == [word, "arrivent"]


@pytest.mark.parametrize(
    "line",
    [
        unknown(93),
        unknown(89, told=None),
        unknown(89, told=True),
        *(unknown(89, word=w) for w in ("2026/114", "Agbodjan")),
    ],
)
def test_a_word_read_surely_a_number_a_name_and_a_word_of_which_nothing_is_told_are_read_once(line: Line) -> None:
    engine = Wider([*SURE, line])
    read_wider(engine)
    assert "line" not in engine.asked


@pytest.mark.parametrize(
    ("confidences", "parts"),
    [
        ((97, 96, 97, 49, 96, 97, 96), [(0.34, 0.68)]),  # a word and its neighbours
        ((49, 96, 97, 97, 97, 96, 49), [(0.1, 0.32), (0.7, 0.92)]),
        ((97, 49, 97, 49, 97, 97, 96), [(0.1, 0.68)]),  # they meet
        ((70, 75, 80, 75, 80, 75, 80), [(0.1, 0.92)]),  # the line as a whole
    ],
)
def test_of_a_line_that_was_read_well_only_doubtful_words_and_their_neighbours_are_read_again(
    confidences: tuple[int, ...], parts: list[tuple[float, float]]
) -> None:
    widths: list[float] = []

    class Keeps(Wider):
        def read(
            self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE
        ) -> list[Line]:
            if psm == LINE:
                widths.append(gray.width / 1240)
            return super().read(gray, dpi=dpi, languages=languages, timeout_s=timeout_s, psm=psm)

    words_read = ("entreprises", "rapprochement", "ministre", "lapport", "administratif", "gouvernement", "directeur")
    line = Line(
        tuple(
            Token(word, 0.1 + 0.12 * n, 0.6, 0.1, 0.02, confidence)
            for n, (word, confidence) in enumerate(zip(words_read, confidences, strict=True))
        )
    )
    read_wider(Keeps([*SURE, line]))
    assert widths == pytest.approx([right - left + 0.04 for left, right in parts], abs=0.002)


@pytest.mark.parametrize(("confidence", "is_kept"), [(88, True), (60, False)])
def test_a_light_line_that_the_page_lacks_is_read_from_its_strengthened_picture(
    monkeypatch: pytest.MonkeyPatch, confidence: float, *, is_kept: bool
) -> None:
    # Else a dark word beside the made lines would be read here too.
    monkeypatch.setattr(Reader, "_with_what_was_left", lambda _self, _sheet, lines: lines)
    page, rows = with_light_lines(draw(size=(1240, 1754)).convert("L"), 0.3)
    starts, ends = (np.nonzero(np.diff(rows.astype(np.int8)) == step)[0] + 1 for step in (1, -1))
    between = zip(ends, [*starts[1:], 1754], strict=True)
    dark = [Line((Token("sur", 0.05, top / 1754, 0.9, (bottom - top) / 1754, 94.0),)) for top, bottom in between]

    darkest: list[int] = []

    class Light(Wider):
        def read(
            self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE
        ) -> list[Line]:
            if psm == BLOCK:
                darkest.append(gray.getextrema()[0])
                return [Line((Token("faible", 0.1, 0.3, 0.3, 0.4, confidence),))]
            return super().read(gray, dpi=dpi, languages=languages, timeout_s=timeout_s, psm=psm)

    fresh = freshened(page)
    found = Reader(Light([*dark, *SURE]), ("fra",), time.monotonic() + 60).read(fresh, page, 150, scan=Scan(page))
    assert ("faible" in text(found)) is is_kept
    assert min(darkest) < 60
