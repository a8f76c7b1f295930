"""Marks found words on the picture of a page: the boxes of words that contain the marked text of a passage."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ged.ports import Passage

MAX_MARKS = 12
MAX_LENGTH = 40
MARGIN = 0.002
"""Margin of a mark around its word, as a fraction of the page."""

_PARTS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Mark:
    """A box on the page, in thousandths of its width and height."""

    x: float
    y: float
    width: float
    height: float


def of_passage(passage: Passage) -> list[str]:
    """The marked words of a passage, each once, for the URL of its page."""
    words = [one for text, is_marked in passage.pieces if is_marked for one in _PARTS.findall(text)]
    return list(dict.fromkeys(word[:MAX_LENGTH].lower() for word in words if len(word) > 1))[:MAX_MARKS]


def on_page(words: Iterable[Sequence[Any]], wanted: Iterable[str]) -> list[Mark]:
    """Boxes of the words of a page (text, x, y, width, height, confidence) that contain a wanted word."""
    names = {_fold(word[:MAX_LENGTH]) for word in list(wanted)[:MAX_MARKS]} - {""}
    return [_mark(word) for word in words if not names.isdisjoint(map(_fold, _PARTS.findall(str(word[0]))))]


def _mark(word: Sequence[Any]) -> Mark:
    x, y, width, height = (float(value) for value in word[1:5])
    return Mark(
        round((x - MARGIN) * 1000, 1),
        round((y - MARGIN) * 1000, 1),
        round((width + 2 * MARGIN) * 1000, 1),
        round((height + 2 * MARGIN) * 1000, 1),
    )


def _fold(word: str) -> str:
    apart = unicodedata.normalize("NFKD", word.lower())
    return "".join(char for char in apart if not unicodedata.combining(char))
