"""A small PDF of millions of words that nobody sees: it costs neither the worker its memory nor the clerk the page."""

from pathlib import Path

import pytest

from ged.ports import PageRef
from ocr import engine as engines
from ocr import pdfsource
from ocr.engine import TesseractEngine
from ocr.inspection import inspect
from ocr.limits import Limits
from ocr.pdfsource import MOST_CHARACTERS
from tests.hostile_pdf_kit import unseen_words
from tests.ocr_pages import digital_pdf

pytestmark = pytest.mark.in_turns(3)

SEEN = "Demande de passeport pour la famille"


@pytest.fixture
def engine():
    made = TesseractEngine(jobs=1)
    yield made
    made.stop()


def _read(engine: TesseractEngine, source: Path, folder: Path, count: int):
    folder.mkdir()
    refs = [PageRef(source, "application/pdf", index) for index in range(count)]
    return engine.recognise(refs, languages=("fra",), timeout_s=200, out=folder)


def test_words_beyond_those_of_any_page_are_left_and_the_seen_ones_are_read(engine, tmp_path):
    source = tmp_path / "source.pdf"
    source.write_bytes(unseen_words(1, 40_000, SEEN))
    assert source.stat().st_size < 5_000
    assert engine.inspect(source, filename="source.pdf", timeout_s=60).pages[0].width_px
    (page,) = _read(engine, source, tmp_path / "out", 1).pages
    assert "passeport pour la famille" in page.text
    assert len(page.text) < 1_000
    assert "born_digital" not in page.flags


def test_a_full_page_keeps_its_own_words(engine, tmp_path):
    source = tmp_path / "source.pdf"
    source.write_bytes(unseen_words(1, MOST_CHARACTERS // 3 // 1000 * 1000 - 1000, SEEN))
    (page,) = _read(engine, source, tmp_path / "out", 1).pages
    assert page.flags == ("born_digital",)
    assert len(page.words) > 30_000


def test_a_first_look_finds_no_words(tmp_path, monkeypatch):
    """Words are found letter by letter, which takes a hundred times as long as to draw them; a look has no use for them."""

    def found(*_: object) -> None:
        raise AssertionError

    source = digital_pdf(tmp_path / "source.pdf")
    monkeypatch.setattr(pdfsource, "_born_digital_lines", found)
    assert inspect(source, Limits())["pages"][0]["width_px"]


def test_words_of_a_document_are_bounded_and_its_pictures_are_kept(engine, tmp_path, monkeypatch):
    source = digital_pdf(tmp_path / "source.pdf")
    one = len(_read(engine, source, tmp_path / "one", 1).pages[0].words)
    monkeypatch.setattr(engines, "MOST_WORDS", 2 * one)
    folder = tmp_path / "three"
    folder.mkdir()
    read = engine.recognise([PageRef(source, "application/pdf", 0)] * 3, languages=("fra",), timeout_s=200, out=folder)
    assert [(len(page.words), "failed" in page.flags) for page in read.pages] == [(one, False), (one, False), (0, True)]
    assert all(page.image is not None and page.image.exists() for page in read.pages)
    assert read.thumbnail is not None
