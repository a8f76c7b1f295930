"""The contract of ``SecondReader``: the models in their limited child, and what a hostile child may send."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from ged.errors import EngineFailed, Invalid
from ged.ports import PageRef, ReadBy, Word
from ocr import second_engine
from ocr.second_engine import RapidSecondReader, is_installed

needs_models = pytest.mark.skipif(not is_installed(), reason="the extra second-reader (290 MB) is not installed here")
LINES = ("Le ministre a bien reçu votre lettre", "du gouvernement de la République")
SIZE, TOP, STEP = (1240, 1754), 300, 90


@pytest.fixture(scope="module")
def reader() -> Iterator[RapidSecondReader]:
    made = RapidSecondReader()
    yield made
    made.stop()


def page(folder: Path) -> PageRef:
    """A page with two lines of type."""
    image = Image.new("L", SIZE, 245)
    font = ImageFont.truetype("DejaVuSansMono.ttf", 36)
    for n, line in enumerate(LINES):
        ImageDraw.Draw(image).text((150, TOP + n * STEP), line, font=font, fill=30)
    path = folder / "page.png"
    image.save(path)
    return PageRef(path, "image/png", 0)


def first_words(text: str, confidence: float) -> tuple[Word, ...]:
    """The first line as a first reader may have read it, at its place."""
    width, found, at = 21.7 / SIZE[0], list[Word](), 150 / SIZE[0]
    for word in text.split():
        found.append(Word(word, at, TOP / SIZE[1], width * len(word), 36 / SIZE[1], confidence))
        at += width * (len(word) + 1)
    return tuple(found)


@pytest.mark.slow  # the models are loaded and read pages
@needs_models
def test_doubtful_words_are_replaced_and_a_missed_line_is_found(reader: RapidSecondReader, tmp_path: Path) -> None:
    first = "Le rninistre a bien recu votre 1ettre"
    found = reader.read_again(
        page(tmp_path), text=first, words=first_words(first, 55), flags=("low_confidence",), timeout_s=120
    )
    assert found.text.split("\n")[0] == LINES[0]
    assert "gouvernement" in found.text.split("\n")[1]
    assert [word.text for word in found.words] == found.text.split()
    assert found.read_by[1] is ReadBy.SECOND
    assert {"rninistre", "1ettre"} <= set(found.others)


@pytest.mark.slow  # the models are loaded and read pages
@needs_models
def test_a_damaged_page_is_refused_and_the_next_is_read(reader: RapidSecondReader, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 100)
    with pytest.raises(Invalid):
        reader.read_again(PageRef(broken, "image/png", 0), text="", words=(), flags=(), timeout_s=60)
    assert reader.read_again(page(tmp_path), text="", words=(), flags=(), timeout_s=60).text


def test_other_files_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_engine, "is_installed", lambda: True)
    monkeypatch.setattr(second_engine, "version", lambda _: "1")
    with pytest.raises(Invalid) as refused:
        RapidSecondReader().read_again(
            PageRef(tmp_path, "application/msword", 0), text="", words=(), flags=(), timeout_s=1
        )
    assert refused.value.code == "ocr.not_read_again"


def test_without_its_libraries_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_engine, "is_installed", lambda: False)
    with pytest.raises(EngineFailed) as failed:
        RapidSecondReader().check()
    assert failed.value.code == "ocr.second_unavailable"


WORD = ["mot", 0.1, 0.1, 0.1, 0.1, 90.0]


@pytest.mark.parametrize(
    "sent",
    [
        {"lines": [[True, "nobody", [WORD]]], "others": []},
        {"lines": [[True, "first", [["mot", 0.1, 0.1, 0.1, 0.1, 900.0]]]], "others": []},
        {"lines": [[True, "first", [["mot", 7.0, 0.1, 0.1, 0.1, 90.0]]]], "others": []},
        {"lines": [[True, "first", [["", 0.1, 0.1, 0.1, 0.1, 90.0]]]], "others": []},
        {"lines": [[True, "first", [["mot", float("nan"), 0.1, 0.1, 0.1, 90.0]]]], "others": []},
        {"others": []},
        {"lines": [[True, "first", [["a\x00b", 0.1, 0.1, 0.1, 0.1, 90.0]]]], "others": []},
        {"lines": [[True, "first", [["a\ud800", 0.1, 0.1, 0.1, 0.1, 90.0]]]], "others": []},
        {"lines": [], "others": ["a\x00b"]},
        {"lines": [], "others": ["\udfff"]},
    ],
)
def test_what_a_child_sends_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: dict[str, object]
) -> None:
    reader = RapidSecondReader()
    monkeypatch.setattr(reader, "check", lambda: "double")
    answers = iter([{"lines": [[True, "first", [WORD]]], "others": ["x"]}, sent])
    monkeypatch.setattr(reader, "_asked", lambda *_: next(answers))
    ref = page(tmp_path)
    assert reader.read_again(ref, text="", words=(), flags=(), timeout_s=1).text == "mot"
    with pytest.raises(EngineFailed) as failed:
        reader.read_again(ref, text="", words=(), flags=(), timeout_s=1)
    assert failed.value.code == "ocr.crashed"
