"""Finds places of a page where colour or tones carry meaning: stamps, signatures in blue ink, photographs.

These places are cut out as small JPEG patches. They do not contain black ink: it is drawn over them, sharp, from the
page's mask. In a patch of ink the paper is made white, so that the patch's edge does not show.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from PIL import Image, ImageChops
from scipy import ndimage

from ocr import bilevel, filters
from ocr.bilevel import Tones
from ocr.filters import Mask
from ocr.image import grayscale

GRID = 32  # pixels of a page at 300 dpi: 2.7 mm
_CHROMA = 0.1  # of the paper's light
_COLOURED_SHARE = 0.02  # of a grid cell: a stroke of a pen crosses more
_CAST = 0.02  # of a cell as a whole: the fringes at black letters, left by a scanner's colour lines, cancel out
_MIN_CELLS = 3
_PHOTO_CELLS = 25
_TONE_SHARE = 0.45
_DARK_IN_COLOUR = 0.36  # black letters under a stamp; blue and red ink keep more light in their own channel
_REACH = 0.92  # lighter than this share of the paper is paper
_PAPER = 0.97  # the same for photographs, whose light tones count
_PATCH_SCALE = 2
_LARGEST_SQUARE = 16  # pixels of a patch: paper is not taken from farther away
_ENOUGH_KNOWN = 0.1  # of a square
_QUALITY = 42
_PHOTO_QUALITY = 55

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Patch:
    """A coloured or toned place: its JPEG and its box on the page in pixels (left, top, right, bottom)."""

    box: Box
    size_px: tuple[int, int]
    gray: bool
    data: bytes


@dataclass(frozen=True)
class Layers:
    """The layers of a page.

    Attributes:
        ink: drawn black over the patches.
        places: each makes its patch.
        is_gray: no place has a colour.
        photo_share: the share of the page under photographs.
    """

    ink: Mask
    places: tuple[Callable[[], Patch], ...]
    is_gray: bool
    photo_share: float

    @cached_property
    def patches(self) -> tuple[Patch, ...]:
        """The patches, made when they are first asked for: a page that is kept as one JPEG needs none of them."""
        return tuple(place() for place in self.places)


def take_apart(image: Image.Image) -> Layers:
    """Separate a page (mode ``L`` or ``RGB``) into black ink and patches."""
    gray = grayscale(image)
    quarter = image.reduce(bilevel.CELL // 2)
    paper = [bilevel.paper_of(channel) for channel in quarter.reduce(2).split()]
    ink = bilevel.ink(gray)
    photos = _boxes(_toned(gray, paper), _PHOTO_CELLS, image.size)
    places: list[Callable[[], Patch]] = [partial(_photo, image, paper, box) for box in photos]
    for left, top, right, bottom in photos:
        ink[top:bottom, left:right] = False
    if image.mode == "RGB":
        places += _coloured_places(image, quarter, paper, ink, photos)
    area = sum((right - left) * (bottom - top) for left, top, right, bottom in photos)
    is_gray = image.mode == "L" or not places
    return Layers(ink, tuple(places), is_gray, area / (image.width * image.height))


def _coloured_places(
    image: Image.Image, quarter: Image.Image, paper: list[Image.Image], ink: Mask, photos: list[Box]
) -> list[Callable[[], Patch]]:
    """Places of coloured ink, which is removed from the black ink."""
    coloured, cells = _coloured(quarter, paper)
    for left, top, right, bottom in photos:
        cells[top // GRID : -(-bottom // GRID), left // GRID : -(-right // GRID)] = False
    limits = paper[1].point([round(value * _DARK_IN_COLOUR) for value in range(256)])
    places: list[Callable[[], Patch]] = []
    for box in _boxes(cells, _MIN_CELLS, image.size):
        left, top, right, bottom = box
        black = ink[top:bottom, left:right]
        black &= ~_enlarged(coloured, box) | _dark(image, limits, box)
        places.append(partial(_coloured_ink, image, paper, black, box))
    return places


# --- where -------------------------------------------------------------------------------------------------------


def _coloured(quarter: Image.Image, paper: list[Image.Image]) -> tuple[Mask, Mask]:
    """Coloured spots of a page at a quarter of its size, and the grid cells with some; the paper's tint does not count."""
    balanced: list[Tones] = []
    for channel, light in zip(quarter.split(), paper, strict=True):
        tint = np.maximum(np.asarray(light.resize(quarter.size, Image.Resampling.BILINEAR)).astype(np.float32), 1)
        balanced.append(np.minimum(np.asarray(channel) / tint, 1))
    spots: Mask = _spread(balanced) > _CHROMA
    side = GRID // 4
    cast = _spread([_share(one, side) for one in balanced]) > _CAST
    return spots, (_share(spots, side) > _COLOURED_SHARE) & cast


def _spread(channels: list[Tones]) -> Tones:
    """The greatest value of the three channels less the least: plane by plane, which is faster than along a last axis."""
    red, green, blue = channels
    return np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)


def _toned(gray: Image.Image, paper: list[Image.Image]) -> Mask:
    """Grid cells filled with neither ink nor paper, as photographs are."""
    sample = np.asarray(gray.resize((gray.width // 4, gray.height // 4), Image.Resampling.NEAREST)).astype(np.float32)
    light = np.asarray(paper[0].resize((sample.shape[1], sample.shape[0]))).astype(np.float32)
    bright = max(float(np.percentile(light, 75)), 1.0)
    tones = sample / bright
    return _share((tones > 0.12) & (tones < 0.72), GRID // 4) > _TONE_SHARE


def _share(mask: Mask | Tones, side: int) -> Tones:
    """Mean over squares; area beyond the edge counts as 0."""
    rows, columns = -(-mask.shape[0] // side), -(-mask.shape[1] // side)
    padded = np.pad(mask, ((0, rows * side - mask.shape[0]), (0, columns * side - mask.shape[1])))
    means = padded.reshape(rows, side, columns, side).mean(axis=(1, 3), dtype=np.float32)
    return np.asarray(means, dtype=np.float32)


def _boxes(grid: Mask, min_cells: int, size: tuple[int, int]) -> list[Box]:
    """Boxes in pixels around the groups of marked cells, a cell wider on each side; touching boxes are joined."""
    found = [(x1 - 1, y1 - 1, x2 + 1, y2 + 1) for x1, y1, x2, y2, count in _groups(grid) if count >= min_cells]
    joined = _joined(found)
    width, height = size
    return [
        (max(0, x1 * GRID), max(0, y1 * GRID), min(width, x2 * GRID), min(height, y2 * GRID))
        for x1, y1, x2, y2 in joined
    ]


def _groups(grid: Mask) -> Iterator[tuple[int, int, int, int, int]]:
    """Groups of cells that touch or nearly touch: left, top, right, bottom (exclusive) and number of cells."""
    # Each cell with those to its right and below it, so that two cells with one cell between them touch.
    wider = np.pad(grid, ((0, 1), (0, 1)))
    wider[1:, :-1] |= grid
    wider[:, 1:] |= wider[:, :-1].copy()
    labels = ndimage.label(wider, structure=np.ones((3, 3), dtype=np.uint8))[0][:-1, :-1] * grid
    counts = np.bincount(labels.ravel())
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        yield columns.start, rows.start, columns.stop, rows.stop, int(counts[number])


def _joined(boxes: list[Box]) -> list[Box]:
    result: list[Box] = []
    for box in boxes:
        whole = box
        while meeting := [other for other in result if _meet(whole, other)]:
            result = [other for other in result if other not in meeting]
            x1, y1, x2, y2 = zip(whole, *meeting, strict=True)
            whole = (min(x1), min(y1), max(x2), max(y2))
        result.append(whole)
    return sorted(result)


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _enlarged(coloured: Mask, box: Box) -> Mask:
    """Coloured spots and their neighbourhood, for the pixels of a box."""
    spots = Image.fromarray(coloured.astype(np.uint8) * 255)
    left, top, right, bottom = (-(-side // 4) for side in box)
    crop = spots.crop((left, top, right, bottom))
    near = filters.greatest(crop, 3)
    return np.asarray(near.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.NEAREST)) > 0


def _dark(image: Image.Image, limits: Image.Image, box: Box) -> Mask:
    """Pixels of a box that are darker in every channel than the limit of their cell."""
    red, green, blue = image.crop(box).split()
    lightest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    dark: Mask = np.asarray(lightest) < np.asarray(
        limits.resize(lightest.size, Image.Resampling.NEAREST, box=_in_eighths(box))
    )
    return dark


def _in_eighths(box: Box) -> tuple[float, float, float, float]:
    left, top, right, bottom = (side / bilevel.CELL for side in box)
    return left, top, right, bottom


# --- patches -----------------------------------------------------------------------------------------------------


def _photo(image: Image.Image, paper: list[Image.Image], box: Box) -> Patch:
    """A photograph, brightened by the page's paper, so that its margin is as white as the page."""
    crop = image.crop(box).reduce(_PATCH_SCALE)
    lights = [max(float(np.percentile(np.asarray(channel), 75)), 1.0) * _PAPER for channel in paper]
    table = [min(255, round(value * 255 / light)) for light in lights for value in range(256)]
    return _coded(crop.point(table), box, _PHOTO_QUALITY)


def _coloured_ink(image: Image.Image, paper: list[Image.Image], black: Mask, box: Box) -> Patch:
    """A patch of coloured ink on white paper, without its black ink, which would be stored twice."""
    cover = filters.greatest(Image.fromarray(black.astype(np.uint8) * 255), 5)
    known = np.asarray(cover.reduce(_PATCH_SCALE)) == 0
    balanced: Tones = np.asarray(image.crop(box).reduce(_PATCH_SCALE)).astype(np.float32)
    height, width = known.shape
    tint = Image.merge("RGB", paper).resize((width, height), Image.Resampling.BILINEAR, box=_in_eighths(box))
    # In place: each array of a patch as large as a page has 25 MB.
    white = np.asarray(tint).astype(np.float32)
    np.maximum(white, 1, out=white)
    white *= np.float32(_REACH)
    balanced /= white
    np.minimum(balanced, 1, out=balanced)
    _fill(balanced, known)
    balanced *= np.float32(255)
    return _coded(Image.fromarray(balanced.astype(np.uint8)), box, _QUALITY)


def _fill(picture: Tones, known: Mask) -> None:
    """Fill the unknown pixels, in place, from the known pixels around them: from the smallest square that holds enough of them.

    Args:
        picture: height x width x colours.
        known: height x width.
    """
    height, width = known.shape
    rows, columns = height + -height % _LARGEST_SQUARE, width + -width % _LARGEST_SQUARE
    weight: Tones = np.zeros((rows, columns), np.float32)
    weight[:height, :width] = known
    planes: Tones = np.zeros((picture.shape[2], rows, columns), np.float32)
    np.multiply(np.moveaxis(picture, 2, 0), known, out=planes[:, :height, :width])
    ys, xs = np.nonzero(~known)
    fill = np.ones((len(ys), picture.shape[2]), np.float32)  # far from all known pixels: paper
    waiting, side = np.arange(len(ys)), 1
    while len(waiting) and side < _LARGEST_SQUARE:
        side *= 2
        planes, weight = _halved(planes), _halved(weight)
        at = ys[waiting] // side, xs[waiting] // side
        share = weight[at]
        enough = share > _ENOUGH_KNOWN
        fill[waiting[enough]] = (planes[:, at[0][enough], at[1][enough]] / share[enough]).T
        waiting = waiting[~enough]
    picture[ys, xs] = np.minimum(fill, 1)


def _halved(planes: Tones) -> Tones:
    """Mean of each two by two pixels, over the last two axes."""
    rows = planes[..., ::2, :] + planes[..., 1::2, :]
    return np.asarray((rows[..., ::2] + rows[..., 1::2]) / np.float32(4), dtype=np.float32)


def _coded(picture: Image.Image, box: Box, quality: int) -> Patch:
    target = io.BytesIO()
    picture.save(target, format="JPEG", quality=quality, optimize=True)
    return Patch(box, picture.size, picture.mode == "L", target.getvalue())
