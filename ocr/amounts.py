"""Puts amounts that were read as a column of their own into the lines of what they are the amounts of.

tesseract takes the right side of a till receipt, or of an invoice without ruled lines, for a column of text: it reads all names first,
then all amounts. Then nobody finds "TOTAL 61 773", and a line that is copied has no amount. Of two receipts on one sheet, each laid
down with a slant of its own, tesseract follows the slant of one, and ends the lines of the other one with the amount of the line below.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ocr.lines import Line, Token

Boxes = npt.NDArray[np.float64]
"""A row for each line: left, top, right, bottom in fractions of the page."""

_AMOUNT = re.compile(r"[-+]?[\dlIOo][\dlIOo.,:/'’%-]*|[-+=x*€$£%]|FCFA|CFA|F|XOF|EUR|USD|HT|TTC|[ABC]")
"""Numbers, dates, hours, shares, also with letters that are read for figures; and what stands beside amounts: currencies,
signs, a letter for the rate of a tax."""
_PLACE_IN_A_LIST = re.compile(r"\d{1,2}\.")
"""It begins what stands at its right, also where its list is the right one of two columns of text."""
_LEAST: Final = 2
"""A number alone at the side may be a page's."""
_MOSTLY: Final = 0.6
"""Of the lines of a column: with fewer amounts it is a column of text, in which some line happens to be a number."""
_SAME_LEVEL: Final = 0.5
"""Of the lower one of two lines: what overlaps so much is one line."""
_AS_NEAR: Final = 0.25
"""Of an amount's height: lines whose levels differ by no more are cells of one row, and the last of them is meant."""
_OFF: Final = 0.75
"""Of an amount's height: an amount so far above or below its line may be of another line."""
_APART: Final = 2.5
"""Letters between two words: the second one begins a cell."""
_LEVEL: Final = 0.3
"""Of an amount's height: where lines fall by less on their way to their amounts, that part of the page lies level."""
_NEAR: Final = 12
"""Heights of a line: lines no further above or below tell how the page lies at this place."""


def with_amounts(lines: Sequence[Line]) -> list[Line]:
    """The lines of a level page, those of amounts alone as the ends of the lines at their left.

    An amount that ends a line of another level goes to the line of its level. No word is lost, and a page without a column of
    amounts is returned as it was.
    """
    cut, whole = _cut(lines)
    if whole and (ended := _ended_by_amounts(cut, whole)) is not None:
        return ended
    return _ended_by_amounts(lines, {}) or list(lines)


def _cut(lines: Sequence[Line]) -> tuple[list[Line], dict[int, int]]:
    """The lines, without the amounts that do not lie at their level; these follow as lines of their own.

    Returns them with the place of the line that it was cut from for the place of each amount.
    """
    ends = {place: _amounts_at_the_end(line) for place, line in enumerate(lines)}
    heads = [line.tokens[: len(line.tokens) - ends[place]] for place, line in enumerate(lines)]
    falls = [
        (
            (_middle(head[-1]) - _middle(head[0])) / (head[-1].x - head[0].x),
            head[0].x,
            head[-1].x + head[-1].width,
            _middle(head[0]),
        )
        for head in heads
        if len(head) > 1 and head[-1].x > head[0].x
    ]
    heights = [token.height for place, line in enumerate(lines) for token in line.tokens[len(heads[place]) :]]
    if not heights:
        return list(lines), {}
    height = float(np.median(heights))  # of a line that tesseract misplaced the boxes are too high
    kept: list[Line] = list(lines)
    whole: dict[int, int] = {}
    for place, count in ends.items():
        line = lines[place]
        if not count or line.cells:
            continue
        head, amount = heads[place], line.tokens[-count:]
        level = _middle(head[-1])
        if abs(_middle(amount[0]) - level) < _OFF * height:
            continue
        left, right = head[0].x, head[-1].x + head[-1].width
        near = [
            fall for fall, start, end, y in falls if start < right and end > left and abs(y - level) <= _NEAR * height
        ]
        if len(near) >= _LEAST and abs(float(np.median(near))) * (amount[0].x - left) < _LEVEL * height:
            kept[place] = replace(line, tokens=head)
            whole[len(kept)] = place
            kept.append(Line(amount))
    return kept, whole


def _middle(token: Token) -> float:
    return token.y + token.height / 2


def _amounts_at_the_end(line: Line) -> int:
    """The number of words of the amount that a line of other words ends with."""
    count = 0
    while count < len(line.tokens) and _AMOUNT.fullmatch((token := line.tokens[-1 - count]).text):
        if count and line.tokens[-count].x - token.x - token.width > _APART * token.width / len(token.text):
            break
        count += 1
    has_digits = any(char.isdigit() for token in line.tokens[len(line.tokens) - count :] for char in token.text)
    return count if has_digits and count < len(line.tokens) else 0


def _ended_by_amounts(lines: Sequence[Line], cut_from: Mapping[int, int]) -> list[Line] | None:
    """The lines with amounts at their ends.

    ``None``: without a column of amounts, or where an amount that was cut from a line has no line above or below that one.
    """
    amounts = [place for place, line in enumerate(lines) if _is_amounts(line)]
    goes_to: dict[int, int] = {}
    if len(amounts) >= _LEAST:
        boxes = np.array([_box(line) for line in lines])
        is_amount = np.zeros(len(lines), dtype=np.bool_)
        is_amount[amounts] = True
        for place in amounts:
            left = _line_at_the_left(place, boxes)
            if left is not None and _is_in_a_column_of_amounts(place, boxes, is_amount):
                goes_to[place] = left
    if len(goes_to) < _LEAST or not all(place in goes_to for place in cut_from):
        return None
    if not all(_lie_over_each_other(boxes[goes_to[place]], boxes[origin]) for place, origin in cut_from.items()):
        return None
    ends: dict[int, list[Line]] = defaultdict(list)
    for place, to in goes_to.items():
        first = to
        while first in goes_to:  # of several columns of amounts; each step leads further to the left
            first = goes_to[first]
        ends[first].append(lines[place])
    return [_ended(line, ends.get(place, ())) for place, line in enumerate(lines) if place not in goes_to]


def _is_amounts(line: Line) -> bool:
    if _PLACE_IN_A_LIST.fullmatch(line.text):
        return False
    return any(char.isdigit() for char in line.text) and all(_AMOUNT.fullmatch(token.text) for token in line.tokens)


def _box(line: Line) -> tuple[float, float, float, float]:
    return (
        min(token.x for token in line.tokens),
        min(token.y for token in line.tokens),
        max(token.x + token.width for token in line.tokens),
        max(token.y + token.height for token in line.tokens),
    )


def _line_at_the_left(place: int, boxes: Boxes) -> int | None:
    """The line that an amount ends: of those at its level the one that ends nearest to it."""
    left, top, _, bottom = boxes[place]
    shared = np.minimum(boxes[:, 3], bottom) - np.maximum(boxes[:, 1], top)
    lower = np.minimum(boxes[:, 3] - boxes[:, 1], bottom - top)
    # Begins at the left too: a box without a width would else be at its own left, and ``first in goes_to`` would never end.
    is_at_the_left = (boxes[:, 2] <= left) & (boxes[:, 0] < left)
    found = np.flatnonzero(is_at_the_left & (shared >= _SAME_LEVEL * lower) & (shared > 0))
    if not found.size:
        return None
    away = np.abs(boxes[found, 1] + boxes[found, 3] - top - bottom) / 2
    row = found[away <= away.min() + _AS_NEAR * (bottom - top)]
    return int(row[boxes[row, 2].argmax()])


def _lie_over_each_other(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    return bool(one[0] < other[2] and one[2] > other[0])


def _is_in_a_column_of_amounts(place: int, boxes: Boxes, is_amount: npt.NDArray[np.bool_]) -> bool:
    """Whether most lines above and below an amount, that do not begin far to the left of it, are amounts too."""
    left, top, right, bottom = boxes[place]
    reach = left - max(right - left, 2 * (bottom - top))
    column = (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 0] >= reach)
    return bool(is_amount[column].mean() >= _MOSTLY)


def _ended(line: Line, amounts: Sequence[Line]) -> Line:
    if not amounts:
        return line
    ordered = sorted(amounts, key=lambda one: one.tokens[0].x)
    return replace(line, tokens=(*line.tokens, *(token for one in ordered for token in one.tokens)))
