"""The page as it was scanned, with its lines level. Doubtful lines, or a doubtful page, are read again from it."""

import math
from functools import cached_property

from PIL import Image

from ocr import clean
from ocr.image import resized
from ocr.unread import Box

_ROOM_PX = 2  # the pixels at a corner round to the next ones, and what is turned mixes neighbours


class Scan:
    """A page in gray, dark on light, at the size at which it is read again."""

    def __init__(self, gray: Image.Image, *, long_side_px: int = 0, lean: float = 0.0) -> None:
        """Only remembers the page: an image is made when ``whole`` or ``part`` is asked for.

        Args:
            gray: the page in mode ``L``, dark on light.
            long_side_px: of the page when it is read again, at most that of ``gray``; 0: that of ``gray``.
            lean: by how many degrees its lines fall to the right.
        """
        self._gray = gray
        self._lean = lean
        scale = (long_side_px or max(gray.size)) / max(gray.size)
        self.size = max(1, round(scale * gray.width)), max(1, round(scale * gray.height))

    @cached_property
    def whole(self) -> Image.Image:
        """The page with its lines level."""
        return clean.levelled(resized(self._gray, max(self.size)), self._lean)

    def part(self, box: Box) -> Image.Image:
        """A region of the level page, as ``box.cut(self.whole)``; to make a line takes a tenth of the time of the whole page."""
        width, height = self.size
        left, right = round(box.left * width), round(box.right * width)
        top, bottom = round(box.top * height), round(box.bottom * height)
        wide, high = right - left, bottom - top
        # The region as it lies on the leaning page, and around it what its corners take in when it is turned.
        sine, cosine = math.sin(math.radians(self._lean)), math.cos(math.radians(self._lean))
        across, down = (left + right - width) / 2, (top + bottom - height) / 2
        x, y = cosine * across - sine * down + width / 2, sine * across + cosine * down + height / 2
        room_x, room_y = (math.ceil(abs(sine) * side / 2) + _ROOM_PX if sine else 0 for side in (high, wide))
        corner = round(x - wide / 2) - room_x, round(y - high / 2) - room_y
        level = clean.levelled(self._cut(*corner, wide + 2 * room_x, high + 2 * room_y), self._lean)
        return level.crop((room_x, room_y, room_x + wide, room_y + high))

    def _cut(self, left: int, top: int, width: int, height: int) -> Image.Image:
        """A region of the leaning page; what lies outside of it is white."""
        region = Image.new("L", (width, height), "white")
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(self.size[0], left + width), min(self.size[1], top + height)
        if x1 > x0 and y1 > y0:
            across, down = self._gray.width / self.size[0], self._gray.height / self.size[1]
            box = across * x0, down * y0, min(across * x1, self._gray.width), min(down * y1, self._gray.height)
            piece = self._gray.resize((x1 - x0, y1 - y0), Image.Resampling.BOX, box=box)
            region.paste(piece, (x0 - left, y0 - top))
        return region
