"""Makes old paper look like a fresh print before reading: even light, white paper, dark ink, no scanner bed.

Ink is measured relative to the paper around each pixel, so that shadows, yellowed paper and dark photocopies do not
count. A whole region far darker than paper is the bed of the scanner; so is a darker and rougher one at the edge: felt,
a table. Ink of a weak ribbon or carbon is strengthened up
to a bound. Grain is smoothed only as far as it could pass for strokes.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from ocr import filters
from ocr.image import shrink

Ink = npt.NDArray[np.float32]

_STEP = 8  # pixels: side of a cell in which paper is measured
_BED = 0.4  # darker than this share of the usual paper, over a region: not paper
_DARKER = 0.85  # of the usual paper: a bed, if it is rough too, and reaches the edge of the picture
_ROUGH, _ROUGHER = 0.02, 2.0  # steps from pixel to pixel, of the paper's brightness; times those of the sheet
_ROUGH_AROUND, _LEAST_ROUGH = 7, 20  # cells, and percent of them: among lines of writing, some are smooth
_FULL_INK = 0.8  # the darkness that weak strokes are raised to
_MAX_GAIN = 3.0
_OTHER_SIDE, _LIGHT_LINE = 0.24, 0.34  # of the strokes around: below, the other side's; above, a line
_NO_INK = (0.06, 0.12)  # a smaller difference from the paper is paper: the first among faint strokes on smooth paper
_STROKES, _FAINT_STROKES = 0.2, (0.45, 0.6)  # darker is a stroke; the middle one where strokes are faint, and are not
_BLANK_SHARE, _ABOVE_GRAIN = 60, 1.4  # percent of the cells that hold no writing; their darkest points are grain
_STROKE = 0.55  # a cell as dark contains writing
_FILL = 0.6  # how far the faint parts of strokes beside dark ones are darkened towards their square root
_GRAIN = 0.03  # of the writing's contrast; more is smoothed
_CLEAN, _GRAINY = 0.035, 0.06  # below the first faint parts are darkened, above the second they would be grain
_GRAIN_TO_BLUR = 8.0
_ROUGH_SHARE = 0.3
_MAX_BLUR = 1.4


def freshened(gray: Image.Image, *, by_line: bool = False) -> Image.Image:
    """The page in black on white, mode ``L``, of the same size.

    Args:
        gray: mode ``L``, at the size at which it will be read.
        by_line: strengthen each line by its own strokes, so that a line lighter than those beside it becomes dark too. It also
            changes the letters of the other lines a little, and some of their words are read worse.
    """
    paper, bed = _paper(gray)
    ink = _share_of_ink(gray, paper)
    if bed.any():
        ink[np.asarray(Image.fromarray(bed).resize(gray.size))] = 0
    darkest = _darkest(ink)
    grain = _grain(ink, float(np.percentile(darkest, 90)))
    blur = min(_MAX_BLUR, (grain - _GRAIN) * _GRAIN_TO_BLUR)
    if blur > 0.3:
        ink = ndimage.gaussian_filter(ink, blur)
    gain, no_ink = _gain(darkest, by_line=by_line), _no_ink(darkest)
    # In place: each new array of these millions of values would be memory fetched from the kernel.
    _multiply(ink, gain / (_FULL_INK - no_ink))
    ink -= np.float32(no_ink / (_FULL_INK - no_ink))
    np.clip(ink, 0, 1, out=ink)
    fill = _FILL * min(1.0, max(0.0, (_GRAINY - grain) / (_GRAINY - _CLEAN)))
    if fill > 0:
        writing = ndimage.binary_dilation(darkest * gain > _STROKE, structure=np.ones((3, 5)))
        more = np.sqrt(ink)
        more -= ink
        _multiply(more, np.where(writing, fill, 0).astype(np.float32))
        ink += more
    ink *= -255
    ink += 255
    return Image.fromarray(ink.astype(np.uint8))


def _share_of_ink(gray: Image.Image, paper: Ink) -> Ink:
    # In whole steps of light: enlarging integers takes a third of the time of fractions.
    light = Image.fromarray(np.clip(paper + 0.5, 1, 255).astype(np.uint8)).resize(gray.size, Image.Resampling.BILINEAR)
    ink: Ink = np.divide(np.asarray(gray), np.asarray(light), dtype=np.float32)
    np.subtract(1, ink, out=ink)
    return ink


def _multiply(ink: Ink, factors: Ink) -> None:
    """Multiply by the factors of the cells, in 255 steps, for the reason that ``_share_of_ink`` gives."""
    step = max(float(factors.max()), 1e-6) / 255
    steps = Image.fromarray((factors / step + 0.5).astype(np.uint8)).resize(ink.shape[::-1], Image.Resampling.BILINEAR)
    ink *= np.asarray(steps)
    ink *= np.float32(step)


def _paper(gray: Image.Image) -> tuple[Ink, npt.NDArray[np.bool_]]:
    """Brightness of the paper in cells, and the cells of the scanner's bed, which get that of the nearest paper."""
    cells = shrink(gray, max(64, max(gray.size) // _STEP))
    paper = np.asarray(filters.greatest(filters.median(cells), 9), dtype=np.float32)
    lit = paper[paper > 60]
    usual = float(np.median(lit)) if lit.size else 255.0
    bed = (paper < _BED * usual) | _rough_bed(gray, paper, usual)
    if bed.any() and not bed.all():
        nearest = ndimage.distance_transform_edt(bed, return_distances=False, return_indices=True)
        paper = paper[tuple(nearest)]
        # As far as the brightest of 9 x 9 cells took from the bed, and no farther: in the corner between two sheets too.
        bed = ndimage.binary_dilation(bed, structure=np.ones((9, 9)))
    return ndimage.gaussian_filter(paper, 4), bed


def _rough_bed(gray: Image.Image, paper: Ink, usual: float) -> npt.NDArray[np.bool_]:
    """The cells of a bed of the scanner that is not black. A coloured band, a shadow and a dark picture are smooth."""
    darker = paper < _DARKER * usual
    if not darker.any():
        return darker
    steps = np.abs(np.diff(np.asarray(gray)[::2].astype(np.int16), axis=1, append=0))
    mean = Image.fromarray(steps.astype(np.float32)).resize(paper.shape[::-1], Image.Resampling.BOX)
    rough = ndimage.percentile_filter(np.asarray(mean) / np.maximum(paper, 1), _LEAST_ROUGH, size=_ROUGH_AROUND)
    of_sheet = float(np.median(rough[~darker])) if not darker.all() else 0.0
    labels, _ = ndimage.label(darker & (rough > max(_ROUGH, _ROUGHER * of_sheet)))
    at_edge = np.unique(np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1])))
    found: npt.NDArray[np.bool_] = np.isin(labels, at_edge[at_edge > 0])
    return found


def _darkest(ink: Ink) -> Ink:
    """The darkest ink of each cell."""
    rows, columns = (side // _STEP for side in ink.shape)
    if not (rows and columns):
        return np.asarray(ink.max(keepdims=True), dtype=np.float32)
    cut = ink[: rows * _STEP, : columns * _STEP]
    lines = np.maximum.reduce([cut[n::_STEP] for n in range(_STEP)])
    darkest: Ink = np.maximum.reduce([lines[:, n::_STEP] for n in range(_STEP)])
    return darkest


def _gain(darkest: Ink, *, by_line: bool) -> Ink:
    """How much the ink around each cell is strengthened: not where there is only grain, and not without bound.

    By line, marks much lighter than the lines around stay as weak as they are: they may be those of the other side.
    """
    strokes = ndimage.gaussian_filter(ndimage.maximum_filter(darkest, size=(9, 15)), 6)
    if by_line:
        line = ndimage.gaussian_filter(ndimage.maximum_filter(darkest, size=(3, 15)), (1, 6))
        written = np.clip((line / np.maximum(strokes, 0.05) - _OTHER_SIDE) / (_LIGHT_LINE - _OTHER_SIDE), 0, 1)
        strokes += written * (np.minimum(line, strokes) - strokes)
    return np.asarray(np.clip(_FULL_INK / np.maximum(strokes, 0.05), 1, _MAX_GAIN), dtype=np.float32)


def _no_ink(darkest: Ink) -> float:
    """The darkness up to which ink is grain. Where the strokes are faint, it is low, or they would break; where they are
    dark, their blurred edges count as grain, so that the letters do not run together."""
    strokes = darkest[darkest > _STROKES]
    usual = float(np.median(strokes)) if strokes.size else 1.0
    grain = _ABOVE_GRAIN * float(np.percentile(darkest, _BLANK_SHARE))
    return min(max(grain, float(np.interp(usual, _FAINT_STROKES, _NO_INK))), _NO_INK[1])


def _grain(ink: Ink, contrast: float) -> float:
    """How rough the paper is, relative to the contrast of the writing."""
    steps = np.abs(np.diff(ink[::6], axis=1))
    rough = steps[steps > 0]
    if rough.size < _ROUGH_SHARE * steps.size:  # paper without grain: the changes are writing
        return 0.0
    return float(np.median(rough)) / 0.954 / max(contrast, 0.05)
