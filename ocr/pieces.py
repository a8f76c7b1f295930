"""Finds separate pieces of paper on one sheet: receipts that were laid on the glass side by side, each with a slant of its own.

Paper darker or lighter than the glass is seen by its shade. Of white paper on white glass only the writing is seen: groups of
lines, each with the angle at which its rows are sharpest. One letter has one angle, whatever its columns and tables; so it is
left whole, and a look at its largest groups tells, for nearly every sheet is one letter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from scipy import ndimage

from ocr import filters
from ocr.filters import Mask
from ocr.image import shrink
from ocr.lines import Token
from ocr.skew import MAX_SKEW_DEGREES, sharpness

Labels = npt.NDArray[np.int32]
"""Rows, columns of the small sheet. 0: nothing; else the number of a group of writing, or of a piece."""
Light = npt.NDArray[np.float32]
"""Levels of light of the cells in which the shade of paper is measured."""
Points = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""Rows and columns of ink on the fine sheet."""

_SMALL = 2  # groups are found on a sheet so many times smaller than that on which angles are measured
_LEAST_SIDE_PX = 50
_JOINED_PX = (11, 13)  # of the small sheet, down and across: lines of a text, and words of a line
_MAX_DEGREES = 15.0
_COARSE, _STEP, _FINE_STEP = 1.5, 1.0, 0.2
_POINTS = 2000  # of a group: enough for its angle
_GROUPS = 6  # the largest ones: they tell whether a sheet has several angles
_LEAST_INK = 150  # of a group that shows an angle
_SURE = 2.0  # times as sharp as at most angles: rows of writing
_OWN = 1.25  # times as sharp at its own angle as at another's
_APART_DEGREES = 1.8  # two groups that differ by less lie on one piece, or are read as well together
# Rows of writing of the least piece, and its height and width as shares of the sheet's long side; the second beside a letter.
_LEAST, _BESIDE_A_LETTER = (4, 0.085, 0.06), (8, 0.12, 0.1)
_LETTER_WIDTH = 0.35  # of the sheet's long side
_ROWS = 5  # tell whether two groups have the same
_ROW = 0.35  # of the usual ink of a row
_CONTINUES = 0.3  # how alike the rows of two groups are that are beside each other on one piece
_AROUND_PX = 6  # of the small sheet, that belong to a piece around its writing
_CELL = 3  # in which the shade of paper is measured, of the small sheet
_SHADE, _LEAST_SHADE = 0.045, 9.0  # of the glass, and levels of light: paper differs by more
_FITS = 3  # of a surface to the glass
_WRITING_CELLS = 5  # over so many, writing is not seen
_GLASS = 0.6  # of the rim of the sheet is glass
_PAPER = (0.01, 0.6)  # of the sheet
_LONE = 0.35  # of the sheet: a paper alone that is larger is a letter, which is read as a sheet
_FILLED = 0.86  # of the rectangle around a paper
_PAPERS = 6
_ELSEWHERE, _NEAR_PX = 0.04, 9  # of the ink may lie so far outside of all papers: specks
_HALO_PX, _HALF = 28, 0.5
_AGREES_DEGREES = 1.5  # the sides of a paper tell its angle to 1.2: of a slight slant they tell none
_EDGE_PX = 6  # of the fine sheet
_SEVERAL = 2
_ROOM = 0.04  # of the sheet, at both sides of a piece
_LIGHTER = 12  # levels of light: the paper of a piece varies by no more
_SHADE_PX, _BLANK_PERCENT = 500, 60  # of so small a piece is darker than its blank paper usually is


@dataclass(frozen=True)
class Piece:
    """A piece of paper: its place on the sheet (a mask of any size, for the whole sheet), and by how many degrees its lines fall."""

    mask: Mask
    lean: float


@dataclass(frozen=True)
class _Paper(Piece):
    """A piece that is seen by its shade; ``is_lighter`` than the glass: then the glass beside it seems as dark as ink."""

    is_lighter: bool


@dataclass(frozen=True)
class Strip:
    """A piece by itself, in the middle of a strip as high as its sheet, so that sizes mean what they mean on a sheet.

    Attributes:
        image: mode ``L``; around the piece is the shade of its paper.
        corner: the place of the strip's upper left corner on the sheet, in pixels; the strip has the sheet's scale.
        sheet: size of the sheet in pixels.
    """

    image: Image.Image
    corner: tuple[int, int]
    sheet: tuple[int, int]

    def placed(self, token: Token) -> Token:
        """A word of the strip as a word of the sheet."""
        (left, top), (width, height), (across, down) = self.corner, self.sheet, self.image.size
        return replace(
            token,
            x=min(1.0, max(0.0, (left + token.x * across) / width)),
            y=min(1.0, max(0.0, (top + token.y * down) / height)),
            width=token.width * across / width,
            height=token.height * down / height,
        )


@dataclass(eq=False)
class _Cluster:
    """Groups of writing with one angle, and their ink."""

    lean: float
    groups: set[int]
    points: Points

    def add(self, group: int, points: Points) -> None:
        self.groups.add(group)
        self.points = np.concatenate((self.points[0], points[0])), np.concatenate((self.points[1], points[1]))


def find_pieces(gray: Image.Image, ink: Mask, lean: float) -> list[Piece]:
    """The pieces of paper of a sheet in the order of reading; empty for a usual page, which is read as a whole.

    Args:
        gray: the sheet in mode ``L``, dark on light.
        ink: its writing, as ``ocr.skew.writing`` returns it.
        lean: by how many degrees the lines of the whole fall to the right, as ``ocr.skew.skew_of`` returns it.
    """
    rows, columns = (side // _SMALL for side in ink.shape)
    if min(rows, columns) < _LEAST_SIDE_PX:
        return []
    small = np.logical_or.reduce(
        [ink[y : _SMALL * rows : _SMALL, x : _SMALL * columns : _SMALL] for y in range(_SMALL) for x in range(_SMALL)]
    )
    found = _papers(gray, (rows, columns))
    for papers in found:
        if alone := _alone(papers, small, ink):
            return _in_order(alone)
    papers = found[0]
    groups, sizes = _groups(small, papers)
    points = {one: _points(ink, groups, one) for one in _largest(sizes)}
    if all(_lies_at(some, lean) for some in points.values()):
        return []
    clusters = _clusters(points)
    if not _are_pieces(clusters):
        return []
    for one in np.flatnonzero(sizes):
        if not any(int(one) in cluster.groups for cluster in clusters):
            _join(clusters, int(one), _points(ink, groups, int(one)))
    pieces = [one for one in _large(clusters, max(ink.shape)) if not _is_cut(one, ink.shape)]
    if not _are_pieces(pieces):
        return []
    for cluster in clusters:
        if cluster not in pieces:  # a stamp, a note, the next page of the book
            pieces[0].groups |= cluster.groups
    labels = np.zeros_like(groups)
    for number, cluster in enumerate(pieces, 1):
        labels[np.isin(groups, sorted(cluster.groups)) & (groups > 0)] = number
    away, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    labels = np.where(away <= _AROUND_PX, labels[tuple(nearest)], 0)
    return _in_order([Piece(labels == number, cluster.lean) for number, cluster in enumerate(pieces, 1)])


def cut_out(gray: Image.Image, piece: Piece) -> Strip:
    """A piece of a sheet by itself; it lies there as on the sheet.

    Args:
        gray: the sheet in mode ``L``, of any size.
    """
    (rows,), (columns,) = (np.nonzero(piece.mask.any(axis=axis)) for axis in (1, 0))
    across, down = gray.width / piece.mask.shape[1], gray.height / piece.mask.shape[0]
    left, right = round(columns[0] * across), round((columns[-1] + 1) * across)
    top, bottom = round(rows[0] * down), round((rows[-1] + 1) * down)
    wide, high = right - left, bottom - top
    sine, cosine = abs(math.sin(math.radians(piece.lean))), abs(math.cos(math.radians(piece.lean)))
    width = round(cosine * wide + sine * high + _ROOM * max(gray.size))
    height = max(*gray.size, round(sine * wide + cosine * high))
    part = gray.crop((left, top, right, bottom))
    inside = piece.mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    mask = Image.fromarray(inside).resize(part.size, Image.Resampling.NEAREST)
    few = shrink(part, _SHADE_PX)
    shade = int(np.percentile(np.asarray(few)[np.asarray(Image.fromarray(inside).resize(few.size))], _BLANK_PERCENT))
    strip = Image.new("L", (width, height), shade)
    corner = (width - wide) // 2, (height - high) // 2
    # A sliver of white glass would make its gray paper seem dark around it.
    strip.paste(part.point([min(level, shade + _LIGHTER) for level in range(256)]), corner, mask)
    return Strip(strip, (left - corner[0], top - corner[1]), gray.size)


def _groups(small: Mask, papers: Sequence[Piece]) -> tuple[Labels, npt.NDArray[np.intp]]:
    """The groups of writing near to each other, and how much ink each has; what is written on a paper is one group."""
    room = max(_JOINED_PX)
    plane = np.pad(small, room)
    for step in (filters.any_along, filters.all_along):
        for axis, length in enumerate(_JOINED_PX):
            plane = step(plane, length, axis)
    groups, count = ndimage.label(plane[room:-room, room:-room])
    for number, paper in enumerate(papers, count + 1):
        groups[paper.mask] = np.where(small[paper.mask], number, 0)
    sizes = np.bincount(groups[small], minlength=count + len(papers) + 1)
    sizes[0] = 0
    return groups, sizes


def _largest(sizes: npt.NDArray[np.intp]) -> list[int]:
    return [int(one) for one in np.argsort(-sizes)[:_GROUPS] if sizes[one] >= _LEAST_INK]


def _points(ink: Mask, groups: Labels, number: int) -> Points:
    """The ink of a group, or a part of it."""
    inside = groups == number
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    top, left, bottom, right = (_SMALL * int(side) for side in (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1))
    fine = np.repeat(np.repeat(inside[place], _SMALL, axis=0), _SMALL, axis=1)
    ys, xs = np.nonzero(ink[top:bottom, left:right] & fine)
    step = len(ys) // _POINTS + 1
    return ys[::step] + top, xs[::step] + left


def _lies_at(points: Points, lean: float) -> bool:
    """Whether a group shows no angle that differs from the sheet's."""
    others = [sharpness(*points, float(angle)) for angle in np.arange(-_MAX_DEGREES, _MAX_DEGREES + 0.1, _COARSE)]
    return max(others) <= _OWN * max(sharpness(*points, lean + step) for step in (-0.5, 0.0, 0.5))


def _clusters(points: dict[int, Points]) -> list[_Cluster]:
    """The groups that show an angle, those of one angle together; the largest group is in the first."""
    found: list[_Cluster] = []
    for group, some in points.items():
        lean, sharp, usual = _sharpest(some)
        if sharp < _SURE * usual:
            continue
        like = [
            one for one in found if abs(one.lean - lean) < _APART_DEGREES or _OWN * sharpness(*some, one.lean) >= sharp
        ]
        if not like:
            found.append(_Cluster(lean, {group}, some))
        elif len(like) == 1:
            like[0].add(group, some)
    return found


def _sharpest(points: Points) -> tuple[float, float, float]:
    """The angle at which the rows of a group are sharpest, how sharp they are there, and at most other angles."""
    angles = np.arange(-_MAX_DEGREES, _MAX_DEGREES + _STEP / 2, _STEP)
    found = np.array([sharpness(*points, float(angle)) for angle in angles])
    best = float(angles[found.argmax()])
    fine = np.arange(best - _STEP, best + _STEP + _FINE_STEP / 2, _FINE_STEP)
    sharp = np.array([sharpness(*points, float(angle)) for angle in fine])
    return float(fine[sharp.argmax()]), float(sharp.max()), float(np.median(found))


def _are_pieces(clusters: Sequence[_Cluster]) -> bool:
    """Whether they are several, or one that leans more than a page is levelled."""
    return len(clusters) >= _SEVERAL or any(abs(cluster.lean) > MAX_SKEW_DEGREES for cluster in clusters)


def _large(clusters: Sequence[_Cluster], side_px: int) -> list[_Cluster]:
    """The clusters that are no stamp and no note: beside a letter, which may bear one, they must be larger than beside a receipt."""
    sizes = [_size(cluster, side_px) for cluster in clusters]
    least = _BESIDE_A_LETTER if max(width for _, _, width in sizes) > _LETTER_WIDTH else _LEAST
    return [
        one
        for one, size in zip(clusters, sizes, strict=True)
        if all(side >= bound for side, bound in zip(size, least, strict=True))
    ]


def _is_cut(cluster: _Cluster, shape: tuple[int, ...]) -> bool:
    """Whether the writing runs over the edge of the sheet: it is on the page beside this one in its book."""
    return any(
        np.percentile(places, 1) < _EDGE_PX or np.percentile(places, 99) >= side - _EDGE_PX
        for places, side in zip(cluster.points, shape, strict=True)
    )


def _size(cluster: _Cluster, side_px: int) -> tuple[int, float, float]:
    """The number of rows of writing, and their height and width as shares of the sheet's long side."""
    rows = _rows(cluster.points, cluster.lean)[0]
    written = rows > _ROW * np.percentile(rows[rows > 0], 75)
    xs = cluster.points[1] + cluster.points[0] * math.tan(math.radians(cluster.lean))
    left, right = np.percentile(xs, (2, 98))
    return int((written[1:] & ~written[:-1]).sum()), len(rows) / side_px, float(right - left) / side_px


def _rows(points: Points, degrees: float) -> tuple[npt.NDArray[np.float64], int]:
    """The ink of each row of a levelled group, and the number of the first row."""
    level = np.floor(points[0] - points[1] * math.tan(math.radians(degrees))).astype(np.intp)
    start = int(level.min())
    return ndimage.gaussian_filter1d(np.bincount(level - start).astype(np.float64), 1.0), start


def _join(clusters: Sequence[_Cluster], group: int, points: Points) -> None:
    """Add a group to the cluster whose rows it continues (amounts beside their names), else to the nearest."""
    alike = [_likeness(cluster, points) for cluster in clusters]
    if max(alike) >= _CONTINUES:
        chosen = clusters[int(np.argmax(alike))]
    else:
        y, x = (float(side.mean()) for side in points)
        away = [float(np.hypot(one.points[0] - y, one.points[1] - x).min()) for one in clusters]
        chosen = clusters[int(np.argmin(away))]
    chosen.add(group, points)


def _likeness(cluster: _Cluster, points: Points) -> float:
    """How alike the rows of a cluster and of a group beside it are, from -1 to 1; -1: it is not beside it."""
    rows, start = _rows(cluster.points, cluster.lean)
    others, other_start = _rows(points, cluster.lean)
    first, last = max(start, other_start), min(start + len(rows), other_start + len(others))
    if last - first < 0.6 * len(others) or last - first < _ROWS:
        return -1.0
    pair = rows[first - start : last - start], others[first - other_start : last - other_start]
    if min(float(side.std()) for side in pair) == 0:
        return -1.0
    return float(np.corrcoef(*pair)[0, 1])


def _papers(gray: Image.Image, shape: tuple[int, int]) -> list[list[_Paper]]:
    """The rectangles that are darker or lighter than the glass around them, with their angles.

    Returns them for a glass of one shade, then for one that grows darker towards a side (a lid half open, the light of a room).
    """
    cells = gray.reduce(max(1, round(_CELL * max(gray.size) / max(shape))))
    blank = ImageOps.invert(filters.greatest(ImageOps.invert(filters.greatest(cells, _WRITING_CELLS)), _WRITING_CELLS))
    light, shade = np.asarray(cells, dtype=np.float32), np.asarray(blank, dtype=np.float32)
    on_rim = np.ones(shade.shape, dtype=np.bool_)
    on_rim[2:-2, 2:-2] = False
    even = np.full_like(shade, np.median(shade[on_rim]))
    return [_rectangles(light, shade, glass, on_rim, shape) for glass in (even, _uneven(shade, on_rim))]


def _uneven(shade: Light, on_rim: Mask) -> Light:
    """The shade of the glass as its rim tells it: at each cell, by a surface of the second degree."""
    ys, xs = (side - side.mean() for side in np.indices(shade.shape, dtype=np.float32) / max(shade.shape))
    terms = np.stack((np.ones_like(xs), xs, ys, xs * xs, xs * ys, ys * ys), axis=-1)
    of_rim, seen = terms[on_rim], shade[on_rim]
    kept = np.ones(len(seen), dtype=np.bool_)
    for _ in range(_FITS):  # a piece that lies over the rim is no glass
        found = np.linalg.lstsq(of_rim[kept], seen[kept], rcond=None)[0]
        off = np.abs(of_rim @ found - seen)
        kept = off <= max(_LEAST_SHADE, 2 * float(np.median(off)))
    return np.asarray(np.clip(terms @ found, 1, 255), dtype=np.float32)


def _rectangles(light: Light, shade: Light, glass: Light, on_rim: Mask, shape: tuple[int, int]) -> list[_Paper]:
    step = np.maximum(_LEAST_SHADE, _SHADE * glass)
    differs = (light - glass > step) | (glass - shade > step)  # writing is darker than light paper, not than its glass
    if not _PAPER[0] < differs.mean() < _PAPER[1] or np.mean(np.abs(shade - glass)[on_rim] <= _LEAST_SHADE) < _GLASS:
        return []
    labels, count = ndimage.label(ndimage.binary_fill_holes(ndimage.binary_opening(differs, np.ones((3, 3)))))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    found = []
    for number in np.flatnonzero(sizes >= _PAPER[0] * shade.size)[:_PAPERS]:
        if number and (lean := _angle_of_rectangle(labels == number)) is not None:
            inner = ndimage.binary_erosion(labels == number)
            large = Image.fromarray(inner).resize(shape[::-1], Image.Resampling.NEAREST)
            found.append(_Paper(np.asarray(large), lean, bool(np.mean((light > glass)[inner]) > _HALF)))
    return found


def _angle_of_rectangle(mask: Mask) -> float | None:
    """By how many degrees a rectangle is turned, at most 45; ``None``: the shape is another one."""
    ys, xs = np.nonzero(mask & ~ndimage.binary_erosion(mask))

    def area(degrees: float) -> float:
        sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        return float((np.ptp(cosine * xs + sine * ys) + 1) * (np.ptp(cosine * ys - sine * xs) + 1))

    coarse = min(np.arange(-45.0, 45.0, 3.0), key=area)
    best = float(min(np.arange(coarse - 3, coarse + 3.1, 0.5), key=area))
    return best if mask.sum() >= _FILLED * area(best) else None


def _alone(papers: Sequence[_Paper], small: Mask, ink: Mask) -> list[Piece]:
    """The papers that are written on, where nothing is written elsewhere."""
    if not papers:
        return []
    on_each = [int((small & paper.mask).sum()) for paper in papers]
    few = _ELSEWHERE * sum(on_each)
    found = [paper for paper, count in zip(papers, on_each, strict=True) if count > few]
    if not found:
        return []
    if (small & ~_around(papers, lighter=_NEAR_PX)).sum() > few:
        elsewhere = small & ~_around(papers, lighter=_HALO_PX)
        if elsewhere.sum() > few and _has_writing(elsewhere, ink):
            return []
        # What was cut off a paper may lie so near to it, or be too narrow for a piece.
        if not all(_is_whole(paper, small, ink) for paper in found):
            return []
    return [*found] if len(found) >= _SEVERAL or found[0].mask.mean() < _LONE else []


def _around(papers: Sequence[_Paper], *, lighter: int) -> Mask:
    """The papers and what lies near to them, up to ``lighter`` pixels from those that are lighter than the glass."""
    found = np.zeros(papers[0].mask.shape, dtype=np.bool_)
    for one in papers:
        found |= ndimage.binary_dilation(one.mask, iterations=lighter if one.is_lighter else _NEAR_PX)
    return found


def _is_whole(paper: Piece, small: Mask, ink: Mask) -> bool:
    """Whether the rows on a paper have the angle of its sides: one that is as light as the glass at a side was cut there."""
    written = (small & paper.mask).astype(np.int32)
    lean, sharp, usual = _sharpest(_points(ink, written, 1))
    return sharp < _SURE * usual or abs(lean - paper.lean) <= _AGREES_DEGREES


def _has_writing(small: Mask, ink: Mask) -> bool:
    """Whether ink has rows enough for a piece: the grain of a table has none."""
    groups, sizes = _groups(small, ())
    clusters = _clusters({one: _points(ink, groups, one) for one in _largest(sizes)})
    return bool(clusters and _large(clusters, max(ink.shape)))


def _in_order(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces from the top, those beside each other from the left."""
    found: list[tuple[int, list[Piece]]] = []
    for piece in sorted(pieces, key=lambda one: int(one.mask.any(axis=1).argmax())):
        rows = np.flatnonzero(piece.mask.any(axis=1))
        if found and int(rows[0]) + int(rows[-1]) < 2 * found[-1][0]:
            found[-1][1].append(piece)
        else:
            found.append((int(rows[-1]), [piece]))
    return [piece for _, row in found for piece in sorted(row, key=lambda one: int(one.mask.any(axis=0).argmax()))]
