"""Reads a page a second time, in a child of its own (``ocr.second_engine``): pages, lines and limits as of the first."""

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from ocr import clean
from ocr.border import message_of_work
from ocr.image import grayscale, shrink, turn
from ocr.limits import Limits
from ocr.lines import Line, Token, by_height, confidence_of
from ocr.page import SLIGHT_LEAN_DEGREES
from ocr.paper import freshened
from ocr.reading import READING_LONG_SIDE_PX
from ocr.second_choice import Chosen, Strip, choose, likelier, place_of
from ocr.second_letters import mended
from ocr.second_models import SecondModels
from ocr.showing import show
from ocr.skew import skew_degrees
from ocr.unread import Box
from ocr.wire import Message
from sandbox import Service

LONG_SIDE_PX = 3000
"""A larger page is shrunk to this: a line of type is then still higher than the models need."""
_SURE_LINE, _SURE_WORD = (
    93.0,
    60.0,
)  # measured: reading surer lines too costs a third more, and gains 0.001 of the words
_CLEAR = 96.0  # confidence; measured: a line below it, read on the freshened page too, gains 0.008 of the words
_LINE_HEIGHTS = (0.004, 0.06)  # of a page; others are specks, or lines run together
_MARGIN_WIDTH, _MARGIN_HEIGHTS = 0.02, 0.3
_NICE = 15


def service(settings: Message) -> Service:
    """The handler of requests of ``ocr.second_engine``; all paths in the requests are in the child's room."""
    os.nice(_NICE)  # whoever waits for a page goes first
    limits = Limits(settings["max_pixels"], settings["max_pages"], settings["memory_limit_bytes"])
    served = _Service(limits)
    return lambda request, _: (served.answer(request), b"")


class _Service:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._models: SecondModels | None = None

    def answer(self, request: Message) -> Message:
        return message_of_work(lambda: self._read(request))

    def _read(self, request: Message) -> object:
        source = Path(request["source"])
        shown = show(source, request["media_type"], request["page_index"], request["rotation"], self._limits)
        lines = lines_of(request["text"], request["words"])
        if self._models is None:
            self._models = SecondModels()
        page = as_first_read(shown.image, request["flags"])
        return message_of(read_again(self._models, page, lines))


def lines_of(text: str, words: Sequence[Sequence[Any]]) -> list[Line]:
    """The lines of a first reading, from its stored text and words (text, x, y, width, height, confidence)."""
    tokens = [_token(*word) for word in words]
    rows = text.split("\n")
    if [part for row in rows for part in row.split()] != [token.text for token in tokens]:
        return [Line(tuple(row)) for row in by_height(tokens)]
    left, lines, starts = iter(tokens), list[Line](), True
    for row in rows:
        if row.strip():
            lines.append(Line(tuple(islice(left, len(row.split()))), starts))
        starts = not row.strip()
    return lines


def _token(text: str, x: float, y: float, width: float, height: float, confidence: float) -> Token:
    return Token(str(text), float(x), float(y), float(width), float(height), float(confidence))


def as_first_read(shown: Image.Image, flags: Iterable[str]) -> Image.Image:
    """The page in gray, level and upright as the first reading had it (``ocr.page``), so that its words lie on it."""
    gray = grayscale(shrink(shown, READING_LONG_SIDE_PX))
    lean = skew_degrees(freshened(ImageOps.invert(gray) if clean.is_negative(gray) else gray))
    page = shrink(grayscale(shown), LONG_SIDE_PX)
    if abs(lean) >= SLIGHT_LEAN_DEGREES:
        page = clean.levelled(page, lean)
    turned = next((int(flag.removeprefix("rotated_")) for flag in flags if flag.startswith("rotated_")), 0)
    return turn(page, turned)


def read_again(models: SecondModels, page: Image.Image, lines: Sequence[Line]) -> Chosen:
    """Read the lines that the second reader finds on a doubtful page, and doubtful ones that it does not find; and choose.

    Lines that the first reader is sure of are read too: it costs a quarter more, and gains 0.003 of the words.
    """
    fresh = freshened(page)
    strips, others = list[Strip](), list[str]()
    seen: set[int] = set()

    def in_words(strip: Strip) -> Strip:
        strip, before = mended(strip, models.is_known)
        others.extend(before)
        return strip

    for found in models.find(page):
        place = place_of(lines, found.box)
        if place is not None:
            seen.add(place)
        read = models.read(page, found)
        strip = in_words(read)
        if read.confidence < _CLEAR:  # a faint line is read better where its paper is white
            strip, left_over = likelier(strip, in_words(models.read(fresh, found)), models.is_known)
            others += left_over
        strips.append(strip)
    for number, line in enumerate(lines):
        region = region_of(line)
        if (
            number not in seen
            and is_doubtful(line)
            and _LINE_HEIGHTS[0] < region.bottom - region.top < _LINE_HEIGHTS[1]
        ):
            strips.append(in_words(models.read_box(page, region)))
    chosen = choose(lines, strips, models.is_known)
    return replace(chosen, others=(*chosen.others, *others))


def is_doubtful(line: Line) -> bool:
    """Whether a line of the first reading is worth reading again."""
    return confidence_of([line]) < _SURE_LINE or any(token.confidence < _SURE_WORD for token in line.tokens)


def region_of(line: Line) -> Box:
    """The region of a line with a margin; words whose boxes reach into other lines do not count."""
    usual = 1.6 * statistics.median(token.height for token in line.tokens)
    level = [token for token in line.tokens if token.height <= usual]
    top, bottom = min(token.y for token in level), max(token.y + token.height for token in level)
    room = _MARGIN_HEIGHTS * (bottom - top)
    left, right = line.tokens[0].x - _MARGIN_WIDTH, line.tokens[-1].x + line.tokens[-1].width + _MARGIN_WIDTH
    return Box(max(0.0, left), max(0.0, top - room), min(1.0, right), min(1.0, bottom + room))


def message_of(chosen: Chosen) -> Message:
    """The result as JSON."""
    return {
        "lines": [
            [line.starts_paragraph, by.value, [_values(token) for token in line.tokens]]
            for line, by in zip(chosen.lines, chosen.read_by, strict=True)
        ],
        "others": list(chosen.others),
    }


def _values(token: Token) -> list[object]:
    word = token.word()
    return [word.text, word.x, word.y, word.width, word.height, word.confidence]
