"""Finds a printed form of ours on a page, and measures its boxes. Pure; nothing is guessed.

The QR code says roughly where the form lies, solid squares around it say it exactly: turned, skewed, scaled, in
perspective. Each box is then found by its own outline, which follows a fold or a wave of the paper. A box is *empty* or
*filled* only where its ink says so clearly; all between is *doubtful*, and a person looks.

All places are in millimetres of the form until ``_sampled`` takes pixels.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import zxingcpp
from PIL import Image
from scipy import ndimage

from ged.ports import BoxState, FormArea, FormBox, FormReading, PrintedForm, Quad, ReadArea, ReadBox
from ocr.filters import Mask
from ocr.image import grayscale, shrink

_QUICK_LONG_SIDE_PX = 1754
_GRAIN = 10  # pixels of a sample to a millimetre
_MARK_REACH_MM = 5.0
_MOST_MARKS_LOST = 2
_OFF_MM = 0.6  # a mark farther from its place than this is something else
_SHIFT_MM = 1.0  # a box may lie so far from where the marks put it: a fold, a wave
_LEAST_OUTLINE = 0.12
_MOST_WEAK = 0.35
_SIDE_MM, _RIM_MM = 3.4, 2.0  # around a box, sampled with it
_INSET_MM = 0.55  # the outline and its blur
_STROKE_FROM_MM, _STROKE_TO_MM = 0.8, 2.8  # beside a box, where only a long stroke comes
_TRUST_MM = 0.45
_AROUND_FROM_MM, _AROUND_TO_MM = 0.6, 1.6  # around a box: a tick seldom goes there on two sides
_LINE_SHARE, _BLOT_SHARE = 0.6, 0.3
_EDGE_MM = 0.2  # at the rim of a sample
_RIM_SHARE = 0.28  # of a box on each side of its middle
_LEAST_MIDDLE, _LEAST_MIDDLE_MM = (
    0.08,
    0.75,
)  # a tick goes through the middle; an outline that a fold moved stays at the rim
_BESIDE = 0.02  # ink on the left and on the right of a box: dirt in a row
_PALE, _PALISH = 0.37, 0.55  # as dark as this share of the outline: a cloud; a pencil, or the dirt of a drum
_SPREAD, _TRACE = 0.05, 0.005  # ink far beside a box
_SPECK = 0.003  # of an empty box: what a pencil leaves in a copy of two tones

Pixels = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


def read_form(page: Image.Image, form: PrintedForm) -> FormReading | None:
    """Find the form on a page and read it; None when it is not there, or not found exactly."""
    gray = grayscale(page)
    corners = _code_corners(gray, form.code)
    if corners is None:
        return None
    pixels = np.asarray(gray, dtype=np.float32)
    to_page = _laid(pixels, form, corners)
    if to_page is None:
        return None
    sheet = _Sheet(pixels, to_page)
    patches = [_Patch.of(sheet, box) for box in form.boxes]
    shifts = _shifts(form.boxes, patches)
    if shifts is None:
        return None
    found = [patch.moved(sheet, shift) for patch, shift in zip(patches, shifts, strict=True)]
    level = _ink_level(found)
    boxes = _specks([_judged(sheet, patch, level) for patch in found])
    return FormReading(boxes, tuple(_area(sheet, area, level) for area in form.areas))


# --- where the form lies -------------------------------------------------------------------------------------------


def _code_corners(gray: Image.Image, text: str) -> Matrix | None:
    """Corners of the form's code in pixels, in the order upper left, upper right, lower right, lower left of the code."""
    smaller = shrink(gray, _QUICK_LONG_SIDE_PX)
    for image in (gray, smaller) if smaller is not gray else (gray,):
        for result in zxingcpp.read_barcodes(
            np.asarray(image), formats=zxingcpp.BarcodeFormats((zxingcpp.BarcodeFormat.QRCode,)), try_invert=False
        ):
            if result.text == text:
                at = result.position
                scale = gray.width / image.width
                corners = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
                return np.array([(scale * (one.x + 0.5), scale * (one.y + 0.5)) for one in corners])
    return None


def _laid(pixels: Pixels, form: PrintedForm, corners: Matrix) -> Matrix | None:
    """The projection from millimetres to pixels, through the code and the marks around the form."""
    left, top, side = form.code_at
    known = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
    places: list[tuple[float, float]] = [(float(x), float(y)) for x, y in corners]
    centre = (left + side / 2, top + side / 2)
    lost = 0
    # From the code outwards: each mark that is found makes the guess at the next, farther one better.
    for mark in sorted(form.marks, key=lambda one: np.hypot(one[0] - centre[0], one[1] - centre[1])):
        affine = _affine(known, places)
        reach = _MARK_REACH_MM if len(known) < 6 else _MARK_REACH_MM * 0.6
        place = _mark_at(pixels, affine, mark, form.mark_size, reach)
        if place is None:
            lost += 1
        else:
            known.append(mark)
            places.append(place)
    if lost > _MOST_MARKS_LOST:
        return None
    projection = _projection(known, places)
    back: Matrix = np.asarray(np.linalg.inv(projection), np.float64)
    off = np.hypot(*(_applied(back, np.array(places)) - np.array(known)).T)
    return None if np.median(off[4:]) > _OFF_MM or off[4:].max() > 2 * _OFF_MM else projection


def _affine(known: list[tuple[float, float]], places: list[tuple[float, float]]) -> Matrix:
    ones = np.column_stack([np.array(known), np.ones(len(known))])
    solved, *_ = np.linalg.lstsq(ones, np.array(places), rcond=None)
    return np.vstack([solved.T, [0.0, 0.0, 1.0]])


def _projection(known: list[tuple[float, float]], places: list[tuple[float, float]]) -> Matrix:
    """The projection that fits best. The code's corners are known less exactly than the marks, and count less."""
    rows = []
    for n, ((x, y), (u, v)) in enumerate(zip(known, places, strict=True)):
        weight = 0.3 if n < 4 else 1.0
        rows.append(weight * np.array([x, y, 1, 0, 0, 0, -u * x, -u * y, -u]))
        rows.append(weight * np.array([0, 0, 0, x, y, 1, -v * x, -v * y, -v]))
    scale = np.array([100, 100, 1, 100, 100, 1, 0.1, 0.1, 0.001])  # the columns of one size
    solved = np.linalg.svd(np.array(rows) / scale)[2][-1] / scale
    matrix = solved.reshape(3, 3)
    return np.asarray(matrix / matrix[2, 2], np.float64)


def _applied(matrix: Matrix, points: Matrix) -> Matrix:
    """The points, the last axis of which is (x, y), seen through a projection."""
    depth = points @ matrix[2, :2] + matrix[2, 2]
    flat = points @ matrix[:2, :2].T + matrix[:2, 2]
    return np.asarray(flat / depth[..., None])


def _mark_at(
    pixels: Pixels, affine: Matrix, mark: tuple[float, float], side: float, reach: float
) -> tuple[float, float] | None:
    """The centre in pixels of the solid square near its place; None when nothing like it is there."""
    grain, ring = 6, 0.9
    half = reach + side / 2 + ring
    dark = _dark(_sampled(pixels, affine, mark[0] - half, mark[1] - half, 2 * half, 2 * half, grain))
    inside = ndimage.uniform_filter(dark, round(side * grain))
    wide = round((side + 2 * ring) * grain)
    around = ndimage.uniform_filter(dark, wide)
    share = (side * grain) ** 2 / wide**2
    ring_dark = (around - share * inside) / (1 - share)
    score = inside - 1.5 * ring_dark
    edge = round((side / 2 + ring) * grain)
    inner = score[edge:-edge, edge:-edge]
    y, x = np.unravel_index(int(inner.argmax()), inner.shape)
    if inner[y, x] < 0.3:
        return None
    peak = np.clip(inner - 0.9 * inner[y, x], 0, None)
    near = peak[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5]
    down, right = ndimage.center_of_mass(near)
    at = np.array([max(0, x - 4) + right + edge, max(0, y - 4) + down + edge]) / grain + 0.5 / grain
    found = _applied(affine, np.array([mark[0] - half + at[0], mark[1] - half + at[1]]))
    return float(found[0]), float(found[1])


# --- pixels --------------------------------------------------------------------------------------------------------


def _sampled(
    pixels: Pixels, to_page: Matrix, x: float, y: float, width: float, height: float, grain: int = _GRAIN
) -> Pixels:
    """A place of the form, upright, ``grain`` pixels to a millimetre; what lies beyond the page is white."""
    across, down = (np.arange(round(one * grain)) for one in (width, height))
    grid = np.stack(np.meshgrid(x + (across + 0.5) / grain, y + (down + 0.5) / grain), axis=-1)
    at = _applied(to_page, grid) - 0.5
    found = ndimage.map_coordinates(pixels, (at[..., 1], at[..., 0]), order=1, mode="constant", cval=255.0)
    return np.asarray(found, np.float32)


def _dark(sample: Pixels) -> Pixels:
    """How dark each pixel is, against the paper around: 0 paper .. 1 black."""
    paper = max(float(np.percentile(sample, 80)), 40.0)
    return np.asarray(np.clip((paper - sample) / paper, 0.0, 1.0), np.float32)


@dataclass(frozen=True)
class _Sheet:
    pixels: Pixels
    to_page: Matrix

    def quad(self, x: float, y: float, width: float, height: float) -> Quad:
        corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
        rows, columns = self.pixels.shape
        one, two, three, four = (
            (round(float(right / columns), 5), round(float(down / rows), 5))
            for right, down in _applied(self.to_page, corners)
        )
        return one, two, three, four


@dataclass(frozen=True)
class _Patch:
    """A box and what is around it. ``outline``: how well its printed outline is seen; ``shift``: where it lies."""

    box: FormBox
    dark: Pixels
    outline: float
    shift: tuple[float, float]

    @classmethod
    def of(cls, sheet: _Sheet, box: FormBox) -> "_Patch":
        room = _SHIFT_MM + 0.7
        side = box.size + 2 * room
        dark = _dark(_sampled(sheet.pixels, sheet.to_page, box.x - room, box.y - room, side, side))
        outline, shift = _outline(dark, round(box.size * _GRAIN), round(room * _GRAIN))
        return cls(box, dark, outline, shift)

    def moved(self, sheet: _Sheet, shift: tuple[float, float]) -> "_Patch":
        """The box where it lies, with room at its sides for a long stroke."""
        x, y = self.box.x + shift[0] - _SIDE_MM, self.box.y + shift[1] - _RIM_MM
        width, height = self.box.size + 2 * _SIDE_MM, self.box.size + 2 * _RIM_MM
        sample = _sampled(sheet.pixels, sheet.to_page, x, y, width, height)
        return _Patch(self.box, _dark(sample), self.outline, shift)


def _outline(dark: Pixels, side: int, room: int) -> tuple[float, tuple[float, float]]:
    """How well a square outline is seen at its best place, and that place, in millimetres from the middle."""
    reach, off = round(_SHIFT_MM * _GRAIN), 5
    lines = np.minimum(ndimage.uniform_filter(dark, 3), 0.6)

    def edges(image: Pixels) -> Pixels:
        """Mean darkness along horizontal edges that begin at a pixel, against what lies half a millimetre beside."""
        along = np.cumsum(np.pad(image, ((0, 0), (1, 0))), axis=1)
        mean = (along[:, side:] - along[:, :-side]) / side
        above, below = np.roll(mean, off, axis=0), np.roll(mean, -off, axis=0)
        return np.asarray(mean - 0.5 * (above + below), np.float32)

    flat, upright = edges(lines), edges(lines.T).T
    size = 2 * reach + 1
    first = room - reach
    at = slice(first, first + size)
    far = slice(first + side, first + side + size)
    total = (flat[at, at] + flat[far, at] + upright[at, at] + upright[at, far]) / 4
    # Of places that fit alike, the one nearest to where it should be.
    steps = (np.arange(size) - reach) / _GRAIN
    total = total - 0.01 * (steps[:, None] ** 2 + steps[None, :] ** 2)
    y, x = np.unravel_index(int(total.argmax()), total.shape)
    return float(total[y, x]), (float(steps[x]), float(steps[y]))


def _shifts(boxes: tuple[FormBox, ...], patches: list[_Patch]) -> list[tuple[float, float]] | None:
    """Where each box lies. One whose outline is hidden, or lies apart, goes with the boxes around it."""
    seen = np.array([patch.outline for patch in patches])
    usual = float(np.median(seen))
    weak = seen < max(0.4 * usual, 0.05)
    if usual < _LEAST_OUTLINE or weak.mean() > _MOST_WEAK:
        return None
    centres = np.array([(box.x, box.y) for box in boxes])
    shifts = np.array([patch.shift for patch in patches])
    strong = np.flatnonzero(~weak)
    found = []
    for n in range(len(boxes)):
        others = strong[strong != n]
        away = np.hypot(*(centres[others] - centres[n]).T)
        around = np.median(shifts[others[np.argsort(away)[:7]]], axis=0)
        own = shifts[n]
        take = around if weak[n] or np.hypot(*(own - around)) > _TRUST_MM else own
        found.append((float(take[0]), float(take[1])))
    return found


# --- what a box is -------------------------------------------------------------------------------------------------


def _inner(patch: _Patch, inset: float = _INSET_MM) -> Pixels:
    left, top = round((_SIDE_MM + inset) * _GRAIN), round((_RIM_MM + inset) * _GRAIN)
    side = round((patch.box.size - 2 * inset) * _GRAIN)
    return patch.dark[top : top + side, left : left + side]


def _ink_level(patches: list[_Patch]) -> float:
    """How dark a pixel must be to be ink on this sheet: above the grain of the paper in its emptiest boxes."""
    smooth = [ndimage.uniform_filter(_inner(patch), 3) for patch in patches]
    means = np.array([float(one.mean()) for one in smooth])
    calm = [smooth[n] for n in np.argsort(means)[: max(3, len(smooth) // 2)]]
    grain = np.concatenate([one.ravel() for one in calm])
    base, noise = float(np.median(grain)), float(np.percentile(grain, 97.5) - np.median(grain)) / 2
    return float(np.clip(base + max(0.10, 4.5 * noise), 0.10, 0.45))


@dataclass(frozen=True)
class _Ink:
    """The ink inside a box: its share, the length in millimetres of its longest stroke, its share near the middle."""

    share: float
    extent: float
    middle: float


def _ink(mask: Mask) -> _Ink:
    labels, _count = ndimage.label(mask, structure=np.ones((3, 3)))
    extent = 0.0
    for down, right in ndimage.find_objects(labels):
        extent = max(extent, float(np.hypot(down.stop - down.start, right.stop - right.start)) / _GRAIN)
    side = mask.shape[0]
    rim = round(0.22 * side)
    return _Ink(float(mask.mean()), extent, float(mask[rim:-rim, rim:-rim].mean()))


def _judged(sheet: _Sheet, patch: _Patch, level: float) -> ReadBox:
    ink_of_all = ndimage.uniform_filter(patch.dark, 3) > level
    left, top = round((_SIDE_MM + _INSET_MM) * _GRAIN), round((_RIM_MM + _INSET_MM) * _GRAIN)
    side = round((patch.box.size - 2 * _INSET_MM) * _GRAIN)
    inside = ink_of_all[top : top + side, left : left + side]
    found = _ink(inside)
    box, (right, down) = patch.box, patch.shift
    place = sheet.quad(box.x + right - 1.0, box.y + down - 1.0, box.size + 2.0, box.size + 2.0)
    state = _state(ink_of_all, found, box.size)
    if state is BoxState.FILLED and _may_be_dirt(patch, ink_of_all, inside):
        state = BoxState.DOUBTFUL
    return ReadBox(box.key, state, round(found.share, 4), place)


def _specks(boxes: list[ReadBox]) -> tuple[ReadBox, ...]:
    """Empty boxes that have more ink than the other empty ones of their sheet are doubtful: a pencil may leave no more in a bad copy."""
    shares = sorted(box.ink for box in boxes if box.state is BoxState.EMPTY)
    usual = shares[int(0.8 * (len(shares) - 1))] if shares else 0.0
    most = max(_SPECK, 3 * usual)
    return tuple(
        replace(box, state=BoxState.DOUBTFUL) if box.state is BoxState.EMPTY and box.ink > most else box
        for box in boxes
    )


def _may_be_dirt(patch: _Patch, ink: Mask, inside: Mask) -> bool:
    """Whether the ink in a box may be something that no pen left: at the rim alone, also beside the box on both sides, or pale."""
    rim = round(_RIM_SHARE * inside.shape[0])
    middle = _ink(inside[rim:-rim, rim:-rim])
    if middle.share < _LEAST_MIDDLE or middle.extent < _LEAST_MIDDLE_MM:
        return True
    left, top, side = round(_SIDE_MM * _GRAIN), round(_RIM_MM * _GRAIN), round(patch.box.size * _GRAIN)
    near, far, edge = (round(one * _GRAIN) for one in (_AROUND_FROM_MM, _AROUND_TO_MM, _EDGE_MM))
    rows = ink[top : top + side]
    if min(rows[:, left - far : left - near].mean(), rows[:, left + side + near : left + side + far].mean()) > _BESIDE:
        return True
    inset = round(_INSET_MM * _GRAIN)
    here = patch.dark[top + inset : top + inset + inside.shape[0], left + inset : left + inset + inside.shape[1]]
    outline = np.percentile(patch.dark[top - 2 : top + side + 3, left - 2 : left + side + 3], 97)
    darkness = float(np.percentile(here[inside], 75)) / max(float(outline), 0.01)
    if darkness < _PALE:
        return True
    beside = (rows[:, edge : left - near].mean(), rows[:, left + side + near : -edge].mean())
    return darkness < _PALISH and (min(beside) > _TRACE or max(beside) > _SPREAD)


def _state(ink_of_all: Mask, found: _Ink, size: float) -> BoxState:
    if found.extent <= 0.9 and found.share <= 0.035:
        return BoxState.EMPTY
    if _is_crossed(ink_of_all, size):
        return BoxState.DOUBTFUL
    stroke = _long_stroke(ink_of_all, size)
    if stroke is not None:
        clear, rest = stroke
        # A stroke alone may be a careless tick. Only a tick under a stroke was surely taken back.
        return BoxState.TAKEN_BACK if clear and rest.extent >= 1.0 and rest.share >= 0.03 else BoxState.DOUBTFUL
    if found.share > 0.55 and _is_smeared(ink_of_all, size):
        return BoxState.DOUBTFUL
    if found.extent >= 1.5 and found.share >= 0.035 and found.middle >= 0.02:
        return BoxState.FILLED
    return BoxState.DOUBTFUL


def _long_stroke(ink: Mask, size: float) -> tuple[bool, _Ink] | None:
    """A straight stroke through the box that goes on far at both sides: whether it is clear, and the ink beside it."""
    height, width = ink.shape
    first, last = round(_STROKE_FROM_MM * _GRAIN), round(_STROKE_TO_MM * _GRAIN)
    middle_left, middle_right = round(_SIDE_MM * _GRAIN), width - round(_SIDE_MM * _GRAIN)
    sides = [np.arange(middle_left - last, middle_left - first), np.arange(middle_right + first, middle_right + last)]
    points, covered = [], []
    above = round((_RIM_MM - 1.0) * _GRAIN)  # farther up and down stand lines of the sheet
    for columns in sides:
        band = ink[above : height - above, columns]
        has = band.any(axis=0)
        covered.append(float(has.mean()))
        if not has.any():
            return None
        tops, bottoms = above + band.argmax(axis=0), height - above - 1 - band[::-1].argmax(axis=0)
        points.append(np.column_stack([columns, (tops + bottoms) / 2, bottoms - tops])[has])
    if min(covered) < 0.55:
        return None
    both = np.vstack(points)
    thick = float(np.median(both[:, 2]))
    slope, start = np.polyfit(both[:, 0], both[:, 1], 1)
    off = np.abs(both[:, 1] - (slope * both[:, 0] + start))
    if abs(slope) > 0.75 or float(np.median(off)) > 3.0 or thick > 13:
        return None
    down, right = np.mgrid[0:height, 0:width]
    beside = np.abs(down - (slope * right + start)) > max(5.0, thick / 2 + 3)
    inset = round(_INSET_MM * _GRAIN)
    top, left, side = round(_RIM_MM * _GRAIN) + inset, middle_left + inset, round(size * _GRAIN) - 2 * inset
    inside = (slice(top, top + side), slice(left, left + side))
    through = ink[inside] & ~beside[inside]
    if through.any(axis=0).mean() < 0.6:
        return None
    return min(covered) >= 0.85, _ink(ink[inside] & beside[inside])


def _is_crossed(ink: Mask, size: float) -> bool:
    """Whether something that is no tick goes through a box. It is an upright line that goes on above and below the box, as a
    copier's drum draws it. Or it is a blot, which darkens the paper all around."""
    left, top, side = round(_SIDE_MM * _GRAIN), round(_RIM_MM * _GRAIN), round(size * _GRAIN)
    near, far = round(_AROUND_FROM_MM * _GRAIN), round(_AROUND_TO_MM * _GRAIN)
    columns = slice(left - near, left + side + near)
    above, below = ink[top - far : top - near, columns], ink[top + side + near : top + side + far, columns]
    lines = [ndimage.binary_dilation(one.mean(axis=0) > _LINE_SHARE, iterations=near) for one in (above, below)]
    if bool((lines[0] & lines[1]).any()):
        return True
    beside = (
        ink[top : top + side, left - far : left - near],
        ink[top : top + side, left + side + near : left + side + far],
    )
    return sum(float(one.mean()) > _BLOT_SHARE for one in (above, below, *beside)) >= 3


def _is_smeared(ink: Mask, size: float) -> bool:
    """Whether a full box is scribbled over, beyond its outline on at least three sides."""
    left, top, side = round(_SIDE_MM * _GRAIN), round(_RIM_MM * _GRAIN), round(size * _GRAIN)
    out = slice(5, 12)
    bands = (
        ink[top - out.stop : top - out.start, left : left + side],
        ink[top + side + out.start : top + side + out.stop, left : left + side],
        ink[top : top + side, left - out.stop : left - out.start],
        ink[top : top + side, left + side + out.start : left + side + out.stop],
    )
    return sum(float(band.mean()) > 0.25 for band in bands) >= 3


def _area(sheet: _Sheet, area: FormArea, level: float) -> ReadArea:
    grain, rim = 5, 0.5
    sample = _sampled(
        sheet.pixels, sheet.to_page, area.x + rim, area.y + rim, area.width - 2 * rim, area.height - 2 * rim, grain
    )
    ink = _dark(sample) > max(level, 0.15)
    labels, _count = ndimage.label(ink, structure=np.ones((3, 3)))
    lengths = [np.hypot(d.stop - d.start, r.stop - r.start) / grain for d, r in ndimage.find_objects(labels)]
    written = sum(length for length in lengths if length >= 0.8)
    return ReadArea(area.key, bool(written >= 4.0), sheet.quad(area.x, area.y, area.width, area.height))
