"""Finds what a hand wrote beside the type of a page, by geometry alone: nothing of it is read.

The ink outside the words that were read is grouped into regions. A region is kept where it looks like writing: thin
strokes, taller or more uneven than the letters of the machine. Edges, shadows, rules, punched holes, round and framed
stamps and typed words that were not read are left out where that is sure. A false region costs a person one key, so in
doubt a region is kept. What a hand corrected inside the typed lines is not looked for, unless it is large.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from ocr import filters
from ocr.filters import Mask
from ocr.image import shrink
from ocr.lines import Line, Token
from ocr.rules import rules
from ocr.unread import Box, united
from ocr.wire import MAX_WRITTEN

LONG_SIDE_PX = 877
"""A typed line is 8 to 12 pixels high, a stroke of a pen 1 to 3."""

Numbers = npt.NDArray[np.int64]
Place = tuple[slice, slice]

_WRITTEN, _DARK = 170, 110  # of a freshened page, darker than this; what has nothing of the second is grain or shadow
_RULE_PX = 45
_READ, _SURELY_READ = 45.0, 75.0  # of the words below the first, more are imagined in handwriting than read
_TYPED_PX = 9.0  # the height of a typed word on a page without any
_EDGE = 0.012  # of a page: what comes so near its edge is the edge of the sheet
_TOUCHING = np.ones((3, 3), dtype=np.uint8)
# From here on lengths are heights of a typed word, and areas its squares. Chosen on real typescripts, looked at by eye.
_HAND_HEIGHT, _CLEARLY_READ = 1.6, 90.0  # a word so tall is a hand's, unless it was read as surely
_JOIN = 0.8, 1.8  # down and across: joins the words of a hand
_BLOCK = 1.2, 6.0  # joins typed words into a block
_SHADE, _DENSE = 2.5, 0.6  # side of a square, and its ink: a shadow or an edge, no writing
_SOLID, _BROAD = 0.6, 0.5  # share of a box, width of a stroke: a hole or a blot
_LEAST_AREA, _LEAST_HEIGHT, _LEAST_WIDTH, _LEAST_PIECE = 0.35, 1.5, 1.2, 1.2
_INKED, _SOME_SIZE, _WHOLE = 0.3, 0.6, 0.6  # dark share of a region; height of a piece, and the share of such pieces
_LETTER, _LEAST_LETTERS, _TYPED_SHARE = (0.45, 1.35), 4, 0.7
_AMONG_TYPE, _TALL_AMONG_TYPE, _LARGE_AMONG_TYPE = 0.4, 2.2, 1.5
_STAMP = 1.8
_ROUND, _RIM, _ON_RIM, _SECTORS, _CLOSED = 1.35, 0.72, 0.35, 24, 0.8
_FRAME, _SIDES = 0.7, 3


@dataclass(frozen=True)
class _Pieces:
    """Pieces of joined ink in the order of their numbers: sides in pixels, area, dark part of it, length of the outline."""

    top: Numbers
    left: Numbers
    bottom: Numbers
    right: Numbers
    area: Numbers
    dark: Numbers
    outline: Numbers

    @property
    def heights(self) -> Numbers:
        return self.bottom - self.top

    @property
    def widths(self) -> Numbers:
        return self.right - self.left


def written_regions(fresh: Image.Image, lines: Sequence[Line]) -> list[Box]:
    """The regions of a page that look like handwriting beside type, from the top, at most ``MAX_WRITTEN``.

    Args:
        fresh: the page as ``ocr.paper.freshened`` returns it, upright.
        lines: the words of its text, in fractions of ``fresh``.
    """
    small = np.asarray(shrink(fresh, LONG_SIDE_PX))
    every = small < _WRITTEN
    height = every.shape[0]
    tokens = [token for line in lines for token in line.tokens if token.confidence >= _READ]
    sure = [token.height * height for token in tokens if token.confidence >= _SURELY_READ]
    letter = statistics.median(sure) if sure else _TYPED_PX
    ink, typed = every & ~rules(every, _RULE_PX), np.zeros_like(every)
    for token in tokens:
        if token.height * height <= _HAND_HEIGHT * letter or token.confidence >= _CLEARLY_READ:
            place = _around(token, every.shape)
            ink[place], typed[place] = False, True
    labels, count = ndimage.label(ink, structure=_TOUCHING)
    if not count:
        return []
    pieces = _measured(ink, small < _DARK, labels, count)
    kept = _may_be_writing(pieces, letter, every.shape)
    kept[labels[_dense(every, letter) & ink] - 1] = False
    ink = np.concatenate(([False], kept))[labels]
    groups, many = ndimage.label(_closed(ink, letter, *_JOIN, step=2))
    group_of = np.zeros(count, dtype=np.int64)
    group_of[labels[ink] - 1] = groups[ink]
    block = _closed(typed, letter, *_BLOCK, step=4)
    found: list[tuple[int, Box]] = []
    for number, place in enumerate(ndimage.find_objects(groups, many), 1):
        own = group_of == number
        if _is_writing(pieces, own, letter, block[place], has_type=bool(sure)) and not _is_stamp(
            every[place], ink[place], letter
        ):
            found.append((int(pieces.area[own].sum()), _box(place, every.shape)))
    found.sort(key=lambda one: -one[0])
    return sorted(united(box for _, box in found)[:MAX_WRITTEN], key=lambda box: (box.top, box.left))


def _measured(ink: Mask, dark: Mask, labels: npt.NDArray[np.int32], count: int) -> _Pieces:
    sides = np.array([[y.start, x.start, y.stop, x.stop] for y, x in ndimage.find_objects(labels)], dtype=np.int64)
    inner = ink.copy()
    inner[1:] &= ink[:-1]
    inner[:-1] &= ink[1:]
    inner[:, 1:] &= ink[:, :-1]
    inner[:, :-1] &= ink[:, 1:]
    area, within, of_dark = (np.bincount(labels[mask], minlength=count + 1)[1:] for mask in (ink, inner, ink & dark))
    top, left, bottom, right = sides.T
    return _Pieces(top, left, bottom, right, area, of_dark, area - within)


def _may_be_writing(pieces: _Pieces, letter: float, shape: tuple[int, ...]) -> Mask:
    """Pieces that are no edge of the sheet, no hole and no speck."""
    height, width = shape
    near_y, near_x = _EDGE * height, _EDGE * width
    edge = (pieces.top < near_y) | (pieces.left < near_x)
    edge |= (pieces.bottom > height - near_y) | (pieces.right > width - near_x)
    stroke = 2.0 * pieces.area / np.maximum(pieces.outline, 1)
    solid = (pieces.area > _SOLID * pieces.heights * pieces.widths) & (stroke > _BROAD * letter)
    speck = np.maximum(pieces.heights, pieces.widths) < 3
    kept: Mask = ~(edge | solid | speck | (stroke > letter))
    return kept


def _dense(every: Mask, letter: float) -> Mask:
    """Where ink is denser than any writing; measured in steps of four pixels, which is enough for a shadow."""
    step = 4
    rows, columns = (side // step * step for side in every.shape)
    shares = (
        every[:rows, :columns].reshape(rows // step, step, columns // step, step).mean(axis=(1, 3), dtype=np.float32)
    )
    return _enlarged(ndimage.uniform_filter(shares, max(1, round(_SHADE * letter / step))) > _DENSE, every.shape, step)


def _is_writing(pieces: _Pieces, own: Mask, letter: float, typed: Mask, *, has_type: bool) -> bool:
    """Whether pieces look like writing. ``typed``: of the region's pixels, those of a block of type.

    Where nothing of a page was surely read, what looks like letters of type is a hand that does not join its letters.
    """
    heights, widths, areas = pieces.heights[own], pieces.widths[own], pieces.area[own]
    if not len(areas):
        return False
    height, width = pieces.bottom[own].max() - pieces.top[own].min(), pieces.right[own].max() - pieces.left[own].min()
    area, tallest = float(areas.sum()), float(heights.max())
    if height < _LEAST_HEIGHT * letter or width < _LEAST_WIDTH * letter or tallest < _LEAST_PIECE * letter:
        return False
    if area < _LEAST_AREA * letter**2 or float(pieces.dark[own].sum()) < _INKED * area:
        return False
    if float(areas[heights > _SOME_SIZE * letter].sum()) < _WHOLE * area:  # grain
        return False
    low, high = (side * letter for side in _LETTER)
    letters = (heights > low) & (heights < high) & (widths < high)
    if has_type and int(letters.sum()) >= _LEAST_LETTERS and float(areas[heights < high].sum()) > _TYPED_SHARE * area:
        return False
    among_type = float(typed.mean()) > _AMONG_TYPE
    return not among_type or (tallest > _TALL_AMONG_TYPE * letter and area > _LARGE_AMONG_TYPE * letter**2)


def _is_stamp(every: Mask, own: Mask, letter: float) -> bool:
    """Whether a region is surely a stamp: a closed ring, or a frame."""
    height, width = every.shape
    if min(height, width) < _STAMP * letter:
        return False
    deep, wide = height // 4 + 1, width // 4 + 1
    sides = every[:deep], every[-deep:], every[:, :wide].T, every[:, -wide:].T
    if sum(float(side.mean(axis=1).max()) > _FRAME for side in sides) >= _SIDES:
        return True
    if max(height, width) > _ROUND * min(height, width):
        return False
    ys, xs = np.nonzero(own)
    y, x = (2 * ys - height + 1) / height, (2 * xs - width + 1) / width
    rim = np.hypot(y, x) > _RIM
    if float(rim.mean()) < _ON_RIM:
        return False
    sectors = ((np.arctan2(y[rim], x[rim]) / (2 * np.pi) + 0.5) * _SECTORS).astype(np.int64) % _SECTORS
    return len(np.unique(sectors)) >= _CLOSED * _SECTORS


def _around(token: Token, shape: tuple[int, ...]) -> Place:
    height, width = shape
    top, bottom = int(token.y * height) - 1, int((token.y + token.height) * height) + 2
    left, right = int(token.x * width) - 2, int((token.x + token.width) * width) + 3
    return slice(max(0, top), bottom), slice(max(0, left), right)


def _closed(mask: Mask, letter: float, down: float, across: float, *, step: int) -> Mask:
    """A binary closing by heights of a letter, one axis at a time, in steps of some pixels."""
    rows, columns = (-(-side // step) * step for side in mask.shape)
    plane = np.pad(mask, ((0, rows - mask.shape[0]), (0, columns - mask.shape[1])))
    cells_of = plane.reshape(rows // step, step, columns // step, step)
    lengths = [2 * round(side * letter / step / 2) + 1 for side in (down, across)]
    reach = max(lengths)
    cells = np.pad(cells_of.max(axis=(1, 3)), reach)
    for extreme in (filters.any_along, filters.all_along):
        for axis, length in enumerate(lengths):
            cells = extreme(cells, length, axis)
    return _enlarged(cells[reach:-reach, reach:-reach], mask.shape, step)


def _enlarged(cells: Mask, shape: tuple[int, ...], step: int) -> Mask:
    whole = cells.repeat(step, axis=0).repeat(step, axis=1)
    missing = [(0, max(0, side - own)) for side, own in zip(shape, whole.shape, strict=True)]
    enlarged: Mask = np.pad(whole, missing)[: shape[0], : shape[1]]
    return enlarged


def _box(place: Place, shape: tuple[int, ...]) -> Box:
    """A region with a small margin, in fractions of the page."""
    height, width = shape
    rows, columns = place
    return Box(
        max(0, columns.start - 5) / width,
        max(0, rows.start - 4) / height,
        min(width, columns.stop + 5) / width,
        min(height, rows.stop + 4) / height,
    )
