"""Finds writing that a reading missed, and merges the words of another reading."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from ocr import filters
from ocr.filters import Mask
from ocr.image import shrink
from ocr.lines import Line, Token

_INK, _LIGHT_INK = 200, 245  # levels of light at the size below; freshened paper is white
_DARK_SHARE = 0.3  # of a line's ink: with more it is no light line, and was looked at before
_LONG_SIDE_PX = 440  # a line of writing is 4 to 8 pixels high
_RULE_PX = 40
_RUN_TOGETHER = (7, 15)  # pixels down and across
_LEAST_SIDE_PX = 3  # a figure alone in its cell
_ROOM_PX = 8  # half of the longest closing
# A run of words of a line: so near to each other, so high, so wide, so much of its place ink.
_WORD_GAP_PX, _RUN_HEIGHTS_PX, _RUN_WIDTH_PX, _FILLED = 13, (3, 8), 23, 0.15
_AROUND_REGION_PX, _AROUND_RUN_PX = (3, 4), (3, 8)  # down and across
_MAX_REGIONS, _MAX_RUNS = 8, 32
_SAME_PLACE = 0.4  # of the smaller box
_BETTER_BY = 4.0
_NUMBER, _SURE_NUMBER = re.compile(r"\d[\d.,]*"), 80.0
_KNOWN = 10.0  # what a word of the reader's dictionary counts more: two readings of a faint word differ by a letter


@dataclass(frozen=True)
class Box:
    """A region of a page in fractions 0..1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Its share of the page."""
        return (self.right - self.left) * (self.bottom - self.top)

    def cut(self, image: Image.Image) -> Image.Image:
        """The region of an image."""
        width, height = image.size
        edges = (
            round(self.left * width),
            round(self.top * height),
            round(self.right * width),
            round(self.bottom * height),
        )
        return image.crop(edges)

    def placed(self, line: Line) -> Line:
        """A line read in the region, as a line of the page."""
        width, height = self.right - self.left, self.bottom - self.top
        tokens = (
            replace(
                token,
                x=self.left + token.x * width,
                y=self.top + token.y * height,
                width=token.width * width,
                height=token.height * height,
            )
            for token in line.tokens
        )
        return replace(line, tokens=tuple(tokens))


def unread_regions(fresh: Image.Image, lines: Sequence[Line]) -> tuple[list[Box], float]:
    """Regions with ink that looks like writing but is outside all words, and their share of the ink of writing.

    Args:
        fresh: the page as ``ocr.paper.freshened`` returns it.
        lines: the lines read on it.
    """
    ink, every = _ink_outside(np.asarray(shrink(fresh, _LONG_SIDE_PX)), lines, _INK)
    # Joins the letters of a line, and the lines of a paragraph.
    joined = _closed(ink, _RUN_TOGETHER) & (ndimage.uniform_filter(ink.astype(np.float32), _RUN_TOGETHER) > 0.06)
    labels, count = ndimage.label(joined)
    weights = np.bincount(labels[ink], minlength=count + 1)
    found = [
        (int(weights[number]), _grown(place, ink.shape, *_AROUND_REGION_PX))
        for number, place in enumerate(ndimage.find_objects(labels), 1)
        if all(side.stop - side.start >= _LEAST_SIDE_PX for side in place)
    ]
    return _largest(found, _MAX_REGIONS), sum(weight for weight, _ in found) / every


def light_regions(fresh: Image.Image, lines: Sequence[Line]) -> tuple[list[Box], float]:
    """Runs of words outside all words read, lighter than the lines around, and their share of the page's ink.

    Most light ink of a scan is no writing: the shade of its edges, the grain of its paper. So only what has the shape of a
    run of words counts. Measured: runs are 0.04 to 0.18 of the ink of pages with light lines, and at most 0.01 elsewhere.
    """
    small = np.asarray(shrink(fresh, _LONG_SIDE_PX))
    ink, every = _ink_outside(small, lines, _LIGHT_INK)
    labels, count = ndimage.label(_closed(ink, (1, _WORD_GAP_PX)))
    weights, of_dark = (np.bincount(labels[mask], minlength=count + 1) for mask in (ink, ink & (small < _INK)))
    found: list[tuple[int, Box]] = []
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        high, wide = (side.stop - side.start for side in place)
        weight = int(weights[number])
        if (
            _RUN_HEIGHTS_PX[0] <= high <= _RUN_HEIGHTS_PX[1]
            and wide >= _RUN_WIDTH_PX
            and weight >= _FILLED * high * wide
            and of_dark[number] <= _DARK_SHARE * weight
        ):
            found.append((weight, _grown(place, ink.shape, *_AROUND_RUN_PX)))
    return _largest(found, _MAX_RUNS), sum(weight for weight, _ in found) / every


def _ink_outside(small: npt.NDArray[np.uint8], lines: Sequence[Line], level: int) -> tuple[Mask, int]:
    """The ink outside all words, and how much the page has, without rules."""
    ink = small < level
    ink = ink & ~_rules(ink)
    every = int(ink.sum())
    for token in (token for line in lines for token in line.tokens):
        _blank(ink, token)
    return ink, max(every, 1)


def _grown(place: tuple[slice, slice], shape: tuple[int, ...], down: int, across: int) -> Box:
    """A place of the small page with a margin, in fractions."""
    (rows, columns), (height, width) = place, shape
    return Box(
        max(0, columns.start - across) / width,
        max(0, rows.start - down) / height,
        min(width, columns.stop + across) / width,
        min(height, rows.stop + down) / height,
    )


def _largest(found: Iterable[tuple[int, Box]], most: int) -> list[Box]:
    """The regions with most ink, those that touch each other as one."""
    heaviest = sorted(found, key=lambda pair: -pair[0])
    return united([box for _, box in heaviest[: 3 * most]])[:most]


def _closed(ink: Mask, lengths: tuple[int, int]) -> Mask:
    """A binary closing over so many pixels down and across, one axis at a time."""
    plane = np.pad(ink, _ROOM_PX)
    for step in (filters.any_along, filters.all_along):
        for axis, length in enumerate(lengths):
            plane = step(plane, length, axis)
    return plane[_ROOM_PX:-_ROOM_PX, _ROOM_PX:-_ROOM_PX]


def _rules(ink: Mask) -> Mask:
    found = np.zeros_like(ink)
    for axis in (0, 1):
        found |= filters.any_along(filters.all_along(ink, _RULE_PX, axis), _RULE_PX + 2, axis)
    return found


def _blank(ink: Mask, token: Token) -> None:
    height, width = ink.shape
    top, bottom = int(token.y * height) - 1, int((token.y + token.height) * height) + 2
    left, right = int(token.x * width) - 2, int((token.x + token.width) * width) + 3
    ink[max(0, top) : bottom, max(0, left) : right] = False


def united(boxes: Iterable[Box]) -> list[Box]:
    """Join boxes that touch each other."""
    result: list[Box] = []
    for box in boxes:
        grown = box
        while touching := [other for other in result if _touch(grown, other)]:
            for other in touching:
                result.remove(other)
                grown = Box(
                    min(grown.left, other.left),
                    min(grown.top, other.top),
                    max(grown.right, other.right),
                    max(grown.bottom, other.bottom),
                )
        result.append(grown)
    return sorted(result, key=lambda box: -box.area)


def _touch(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def merged(lines: Sequence[Line], others: Sequence[Line]) -> list[Line]:
    """Add the words of ``others`` where ``lines`` have none, or replace words that were read less surely."""
    result = [list(line.tokens) for line in lines]
    starts = [line.starts_paragraph for line in lines]
    for line in others:
        # All of a line give way first: a word that is added must not keep its neighbour out.
        fresh = [(token, freed) for token in line.tokens if (freed := _freed(result, token)) is not None]
        rest = [token for token, freed in fresh if not (_joined_to_line(result, token) or _put_into(freed, token))]
        if rest:
            place = _place_of(result, rest)
            result.insert(place, rest)
            starts.insert(place, line.starts_paragraph)
    return [Line(tuple(tokens), start) for tokens, start in zip(result, starts, strict=True) if tokens]


def added(lines: Sequence[Line], others: Sequence[Line]) -> list[Line]:
    """Add the words of ``others`` where ``lines`` have none; no word that was read gives way."""
    taken = [token for line in lines for token in line.tokens]
    free = [
        replace(
            line,
            tokens=tuple(token for token in line.tokens if all(_overlap(token, one) <= _SAME_PLACE for one in taken)),
        )
        for line in others
    ]
    return merged(lines, [line for line in free if line.tokens])


def _freed(lines: list[list[Token]], token: Token) -> list[list[Token]] | None:
    """The lines whose less sure words were removed, for a word lies there; ``None``: its place is taken."""
    there = [(tokens, other) for tokens in lines for other in tokens if _overlap(token, other) > _SAME_PLACE]
    if any(_lacks_figures(token, other) or _holds(other, token) for _, other in there):
        return None
    for tokens, other in there:
        tokens.remove(other)
    return [tokens for tokens, _ in there]


def _put_into(freed: Sequence[list[Token]], token: Token) -> bool:
    """Add a number to the line from which it removed a word: an amount is far from its name. Returns whether there is such a line."""
    if not _NUMBER.fullmatch(token.text):
        return False
    for tokens in freed:
        if tokens:
            _insert(tokens, token)
            return True
    return False


def _insert(tokens: list[Token], token: Token) -> None:
    tokens.insert(next((n for n, other in enumerate(tokens) if other.x > token.x), len(tokens)), token)


def _holds(other: Token, token: Token) -> bool:
    """Whether a word stays where it was read, though another reading has ``token`` there."""
    return not _lacks_figures(other, token) and _sure(other) + _BETTER_BY > _sure(token)


def _lacks_figures(short: Token, long: Token) -> bool:
    """Whether one number is the other one without its first figures: 950 of 6.950. tesseract drops a lone figure more often than it
    sees one where there is none."""
    return (
        len(short.text) < len(long.text)
        and _NUMBER.fullmatch(short.text) is not None
        and _NUMBER.fullmatch(long.text) is not None
        and long.text.endswith(short.text)
        and min(short.confidence, long.confidence) > _SURE_NUMBER
    )


def _sure(token: Token) -> float:
    return token.confidence + (_KNOWN if token.is_known else 0.0)


def _overlap(one: Token, other: Token) -> float:
    if other.y >= one.y + one.height or one.y >= other.y + other.height:  # nearly all pairs
        return 0.0
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / max(min(one.width * one.height, other.width * other.height), 1e-9)


def _joined_to_line(lines: list[list[Token]], token: Token) -> bool:
    """Add a word to the line that it continues; returns whether there is such a line."""
    for tokens in lines:
        if tokens and _continues(tokens, token):
            _insert(tokens, token)
            return True
    return False


def _continues(tokens: list[Token], token: Token) -> bool:
    near = min(tokens, key=lambda other: abs(other.x + other.width / 2 - token.x - token.width / 2))
    shared = min(near.y + near.height, token.y + token.height) - max(near.y, token.y)
    gap = max(near.x - token.x - token.width, token.x - near.x - near.width)
    return shared > 0.5 * min(near.height, token.height) and gap < 2.5 * max(near.height, token.height)


def _place_of(lines: list[list[Token]], fresh: list[Token]) -> int:
    """The index of the first line that is lower and in the same column."""
    top = min(token.y for token in fresh)
    left, right = min(token.x for token in fresh), max(token.x + token.width for token in fresh)
    for number, tokens in enumerate(lines):
        if not tokens:
            continue
        beside = min(right, max(t.x + t.width for t in tokens)) - max(left, min(t.x for t in tokens))
        if beside > 0 and min(token.y for token in tokens) > top:
            return number
    return len(lines)
