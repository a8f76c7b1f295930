"""Measures and corrects a page image: emptiness, ink, level lines. Without scipy, which a first look does not wait for."""

import math

import numpy as np
from PIL import Image, ImageFilter

from ocr import filters
from ocr.filters import Mask
from ocr.image import grayscale, shrink

FINE_LONG_SIDE_PX = 3000
_INK = 0.62  # darker than this share of the paper around it is ink
_FAINT_INK = 0.8  # where the question is whether there is any
_DARK_PAGE, _PAPER = 100, 160  # levels of light; at 400 pixels thin letters are grey
_SHEET_SHARE = 0.05  # so much paper on a dark page is a sheet on the scanner's bed
_NEGATIVE_CONTRAST = 20
_BLANK_INK_SHARE = 0.0003  # of a page: half of one short line of text


def ink(gray: Image.Image, share: float = _INK) -> Mask:
    """The pixels that are ink: darker than the paper around them, so that shadows and yellow paper do not count."""
    eighth = shrink(gray, max(64, max(gray.size) // 8))
    paper = filters.greatest(eighth, 9).filter(ImageFilter.GaussianBlur(8))
    limit = paper.point(lambda value: value * share).resize(gray.size, Image.Resampling.NEAREST)
    mask: Mask = np.asarray(gray) < np.asarray(limit)
    return mask


def is_negative(gray: Image.Image) -> bool:
    """Whether writing is light on a dark page, as on negative copies; a small sheet on a dark bed does not count."""
    levels = np.asarray(shrink(gray, 400))
    dark, middle, light = (float(level) for level in np.percentile(levels, (0.5, 50, 99.5)))
    if middle > _DARK_PAGE or float((levels > _PAPER).mean()) > _SHEET_SHARE:
        return False
    return light - middle > max(_NEGATIVE_CONTRAST, 2 * (middle - dark))


def blank_score(image: Image.Image) -> float:
    """How empty a page is, from 0 (full) to 1 (empty); dust, noise, shadows and black edges do not count as writing."""
    small = filters.median(shrink(grayscale(image), 900))
    mask = filters.with_company(ink(small, _FAINT_INK))  # the rest is dust
    margin_y, margin_x = max(1, mask.shape[0] // 30), max(1, mask.shape[1] // 30)
    inner = mask[margin_y:-margin_y, margin_x:-margin_x]
    share = float(inner.mean()) if inner.size else 0.0
    dark = float((np.asarray(small) < 60).mean())
    if dark > 0.5:  # a black page is no blank page
        return 0.0
    return math.exp(-share / _BLANK_INK_SHARE)


def levelled(image: Image.Image, degrees: float) -> Image.Image:
    """Turn a page back by ``degrees``, by which its lines fall to the right; new areas at the edges are white.

    A page of 300 dpi is turned by whole pixels: this takes a sixth of the time, and black on white looks the same.
    """
    how = Image.Resampling.NEAREST if max(image.size) > FINE_LONG_SIDE_PX else Image.Resampling.BILINEAR
    return image.rotate(degrees, how, fillcolor="white") if degrees else image
