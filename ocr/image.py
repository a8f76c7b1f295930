"""Opens image files that may be hostile: the size is read from the header before anything is decoded."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from ged.errors import GedError
from ged.ports import Quad
from ocr.limits import Limits, truncated
from ocr.sniff import JP2, JPEG, PNG, PNM, TIFF

A4_LONG_SIDE_INCHES = 11.69
LONG_SIDE_PX = 3508  # A4 at 300 dpi: none of our files needs more
_SQUARE_UP_TO, _FAX_UP_TO = 1.05, 4.0  # ratio of both resolutions: below it is rounding, above nonsense

_BITS = (8, 10, 12, 14, 16)  # of light, in a file of 16
_BLOCK = 1_000_000  # pixels
_WHITE_IS_ZERO = 0  # TIFF 6.0, PhotometricInterpretation
_FORMATS = {PNG: "PNG", JPEG: "JPEG", TIFF: "TIFF", PNM: "PPM", JP2: "JPEG2000"}
_TURNS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Shown:
    """A page for display: mode ``L`` or ``RGB``, upright according to the file's metadata.

    ``full_size`` is the size in the file, in square pixels; ``image`` may be smaller.
    """

    image: Image.Image
    dpi: float
    full_size: tuple[int, int]

    @property
    def full_dpi(self) -> int:
        """Resolution of the page in the file."""
        return round(self.dpi * max(self.full_size) / max(self.image.size))


@contextmanager
def _damage_is_refused() -> Iterator[None]:
    # Our own bound, checked right after the header is read, names the page's size. Pillow's check would come first.
    bound, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except GedError:
            raise
        except Exception as error:  # the decoders raise nearly everything on bad bytes
            raise truncated() from error
        finally:
            Image.MAX_IMAGE_PIXELS = bound


def page_count(path: Path, media_type: str, limits: Limits) -> int:
    """Count the pages of an image file without decoding them; only TIFF has more than one.

    Raises:
        Invalid: ``file.truncated``, ``file.image_too_large``, ``file.too_many_pages``.
    """
    # By the one decoder of the type that was found: Pillow would try all others on hostile bytes.
    with _damage_is_refused(), Image.open(path, formats=[_FORMATS[media_type]]) as image:
        limits.check_pixels(*image.size)
        if media_type != TIFF:
            return 1
        count = 1
        try:
            while True:
                limits.check_pages(count)
                image.seek(count)
                limits.check_pixels(*image.size)
                count += 1
        except EOFError:
            return count
    raise truncated()


def load_page(path: Path, media_type: str, index: int, limits: Limits) -> Shown:
    """Decode one page.

    Raises:
        Invalid: ``file.truncated``, ``file.image_too_large``.
    """
    with _damage_is_refused(), Image.open(path, formats=[_FORMATS[media_type]]) as image:
        if media_type == TIFF:
            image.seek(index)
        limits.check_pixels(*image.size)
        across, down = _resolutions(image)
        dpi = max(across, down)
        full_size = _square(image.size, across, down)
        # Once more: the rows of a fax are stretched, and a header may state any ratio.
        limits.check_pixels(*full_size)
        if media_type == JPEG:
            image.draft(image.mode, _fitting(image.size, LONG_SIDE_PX))
        image.load()
        plain = _plain(image)
        if across != down:
            plain = plain.resize(_square(plain.size, across, down), Image.Resampling.BILINEAR)
        if max(plain.size) > LONG_SIDE_PX:
            plain = plain.resize(_fitting(plain.size, LONG_SIDE_PX), Image.Resampling.BOX, reducing_gap=2)
        ImageOps.exif_transpose(plain, in_place=True)  # copying an upright page takes as long as shrinking it
        if (plain.width > plain.height) != (full_size[0] > full_size[1]):
            full_size = full_size[::-1]
        return Shown(plain, dpi * max(plain.size) / max(full_size), full_size)
    raise truncated()


def _plain(image: Image.Image) -> Image.Image:
    """Convert every mode to ``L`` or ``RGB``; transparent areas become white."""
    exif = image.info.get("exif")
    if image.mode.startswith("I") or image.mode == "F":
        result = _in_eight_bits(image)
    elif image.has_transparency_data:
        rgba = image.convert("RGBA")
        result = Image.new("RGB", image.size, "white")
        result.paste(rgba, mask=rgba.getchannel("A"))
    elif image.mode in {"L", "RGB"}:
        return image
    else:
        result = image.convert("L" if image.mode == "1" else "RGB")
    if exif:
        result.info["exif"] = exif
    return result


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """An image with one channel of 16 or 32 bits or of fractions, in mode ``L``.

    A scanner with 10 or 12 bits of light writes them as they are into a file of 16: white is the end of the range that its lightest
    pixel lies in. Where zero is white, the highest value is ink: a page without ink has none, so that the range of a file of 16 bits
    is its whole one. A value that is no number is paper: it must not darken the others.
    """
    values = np.asarray(image)
    # Pillow turns the lights round with 8 bits and less alone.
    is_zero_white = isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO
    flat = values.reshape(-1)
    # By blocks: a copy of the whole with fractions would be four times as large as the result. A row may have one pixel.
    blocks = [flat[start : start + _BLOCK] for start in range(0, flat.size, _BLOCK)]
    top = max((float(one[np.isfinite(one)].max(initial=0)) for one in blocks), default=0.0)
    if values.dtype.kind == "f" and top < 2:  # fractions that were sharpened go somewhat beyond their white
        last = 1.0
    elif is_zero_white and values.dtype.itemsize == 2:
        last = 65_535.0
    else:
        last = float(next((2**bits - 1 for bits in _BITS if top < 2**bits), top))
    plain = np.empty(flat.size, dtype=np.uint8)
    for n, one in enumerate(blocks):
        lights = one * (255 / last)
        lights = np.nan_to_num(255 - lights if is_zero_white else lights, nan=255, posinf=255, neginf=0)
        plain[n * _BLOCK : n * _BLOCK + one.size] = np.clip(lights + 0.5, 0, 255)
    return Image.fromarray(plain.reshape(values.shape))


def _resolutions(image: Image.Image) -> tuple[float, float]:
    """Resolution of the file, horizontal and vertical; without a sensible value in the file, A4 is assumed."""
    stated = image.info.get("dpi", (0, 0))
    try:
        across, down = float(stated[0]), float(stated[1])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        across = down = 0.0
    if not (math.isfinite(across) and 72 < across <= 1200):
        assumed = max(max(image.size) / A4_LONG_SIDE_INCHES, 1.0)
        return assumed, assumed
    if not (math.isfinite(down) and _SQUARE_UP_TO < max(across, down) / max(min(across, down), 1.0) <= _FAX_UP_TO):
        return across, across
    return across, down


def _square(size: tuple[int, int], across: float, down: float) -> tuple[int, int]:
    """The size in square pixels: a fax has half the resolution vertically."""
    dpi = max(across, down)
    return round(size[0] * dpi / across), round(size[1] * dpi / down)


def _fitting(size: tuple[int, int], long_side_px: int) -> tuple[int, int]:
    scale = min(1.0, long_side_px / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def shrink(image: Image.Image, long_side_px: int) -> Image.Image:
    """Make an image no longer than ``long_side_px`` on its long side."""
    size = _fitting(image.size, long_side_px)
    if size == image.size:
        return image
    # A page of 300 dpi is read at half size. Whole squares of pixels give the same mean in a quarter of the time.
    factor = round(max(image.size) / long_side_px)
    if size == tuple(-(-side // factor) for side in image.size):
        return image.reduce(factor)
    return image.resize(size, Image.Resampling.BOX, reducing_gap=3)


def resized(image: Image.Image, long_side_px: int) -> Image.Image:
    """The image with this long side: shrunk as ``shrink`` does, or enlarged smoothly."""
    if long_side_px <= max(image.size):
        return shrink(image, long_side_px)
    scale = long_side_px / max(image.size)
    size = max(1, round(scale * image.width)), max(1, round(scale * image.height))
    return image.resize(size, Image.Resampling.BICUBIC)


def grayscale(image: Image.Image) -> Image.Image:
    """The image in mode ``L``; the image itself, not a copy, if it already is in this mode."""
    return image if image.mode == "L" else image.convert("L")


def turn(image: Image.Image, degrees: int) -> Image.Image:
    """Turn an image clockwise by 0, 90, 180 or 270 degrees."""
    return image.transpose(_TURNS[degrees]) if degrees % 360 else image


MAX_PART_PX = 4_000_000


def cut(image: Image.Image, place: Quad, width_px: int) -> Image.Image:
    """A place of an image, upright, with this width: its height is as the place's sides say.

    >>> cut(Image.new("L", (100, 200)), ((0.5, 0.25), (1.0, 0.25), (1.0, 0.5), (0.5, 0.5)), 20).size
    (20, 20)
    """
    corners = [(x * image.width, y * image.height) for x, y in place]
    across = math.dist(corners[0], corners[1]) + math.dist(corners[3], corners[2])
    down = math.dist(corners[0], corners[3]) + math.dist(corners[1], corners[2])
    height_px = max(1, min(round(width_px * down / max(across, 1.0)), MAX_PART_PX // width_px))
    upper_left, upper_right, lower_right, lower_left = corners
    data = [side for corner in (upper_left, lower_left, lower_right, upper_right) for side in corner]
    return image.transform(
        (width_px, height_px), Image.Transform.QUAD, data, Image.Resampling.BICUBIC, fillcolor="white"
    )
