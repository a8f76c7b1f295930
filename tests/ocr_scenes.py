"""Pages with colour and gray tones for the tests of the reading engine: stamps, a signature in blue ink, a
photograph."""

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from tests.ocr_pages import FONT, draw

STAMP_BOX = (1300, 2250, 1900, 2850)
SIGNATURE_BOX = (1500, 2700, 2250, 3050)
PHOTO_BOX = (400, 2300, 1200, 2900)
BLUE, RED, PEN = (45, 60, 165), (190, 30, 45), (35, 50, 130)


def stamped(*, photo: bool = False, faint: bool = False, noise: float = 5.0) -> Image.Image:
    """The letter of ``tests.ocr_pages``, scanned in colour: a blue stamp over its end, a red mark, a signature."""
    page = Image.merge("RGB", [draw()] * 3)
    page = ImageChops.multiply(page, _stamp(page.size, 170 if faint else 0))
    page = ImageChops.multiply(page, _signature(page.size))
    if photo:
        page.paste(_photograph(), PHOTO_BOX)
    return scanned(page, noise=noise)


def scanned(
    page: Image.Image, *, noise: float = 5.0, tint: tuple[float, float, float] = (0.93, 0.92, 0.87)
) -> Image.Image:
    """The page as a colour scanner delivers it: soft edges, warm paper colour, grain."""
    pixels = np.asarray(page.filter(ImageFilter.GaussianBlur(0.9))).astype(np.float32) * np.array(tint, np.float32)
    pixels += np.random.default_rng(3).normal(0, noise, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _stamp(size: tuple[int, int], paler: int) -> Image.Image:
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    blue = tuple(c + (255 - c) * paler // 255 for c in BLUE)
    left, top, right, bottom = STAMP_BOX
    pen.ellipse(STAMP_BOX, outline=blue, width=12)
    pen.ellipse((left + 70, top + 70, right - 70, bottom - 70), outline=blue, width=6)
    pen.text((left + 150, top + 230), "MINISTÈRE\nDE L'EAU", blue, ImageFont.truetype(FONT, 62), align="center")
    pen.text((1500, 1900), "REÇU LE 14 MARS 2026", RED, ImageFont.truetype(FONT, 56))
    grain = np.random.default_rng(5).random((size[1] // 4, size[0] // 4)) < 0.06
    dry = Image.fromarray(np.where(grain, 255, 0).astype(np.uint8)).resize(size).filter(ImageFilter.GaussianBlur(2))
    return ImageChops.lighter(sheet, Image.merge("RGB", [dry] * 3))


def _signature(size: tuple[int, int]) -> Image.Image:
    sheet = Image.new("RGB", size, "white")
    left, top, right, bottom = SIGNATURE_BOX
    points = [
        (
            left + (right - left) * t / 300 + 40 * math.sin(t / 9),
            (top + bottom) / 2 + 130 * math.sin(t / 17) * (1 - t / 400),
        )
        for t in range(301)
    ]
    ImageDraw.Draw(sheet).line(points, fill=PEN, width=7, joint="curve")
    return sheet


def _photograph() -> Image.Image:
    width, height = PHOTO_BOX[2] - PHOTO_BOX[0], PHOTO_BOX[3] - PHOTO_BOX[1]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    tones = [110 + 70 * np.sin(x / 90 + k) * np.cos(y / 70) + 20 * np.sin((x + y) / 13) for k in (0.0, 0.7, 1.4)]
    return Image.fromarray(np.clip(np.stack(tones, axis=2), 0, 255).astype(np.uint8))


def photograph_page() -> Image.Image:
    """A page that a photograph fills to its edges."""
    return _photograph().resize((2480, 3508), Image.Resampling.BICUBIC)


SMALL = (1240, 1754)


def noisy_blank(*, specks: int = 300, black_edge: bool = False, paper: int = 225) -> Image.Image:
    """A blank page with dark specks and a shadow to the right; ``paper`` is the gray level (0..255)."""
    random = np.random.default_rng(3)
    sheet = np.clip(paper + random.normal(0, 9, SMALL[::-1]), 0, 255)
    sheet[random.integers(0, SMALL[1], specks), random.integers(0, SMALL[0], specks)] = 30
    sheet *= np.linspace(1, 0.75, SMALL[0])[None, :]
    if black_edge:
        sheet[:, :25] = 10
    return Image.fromarray(sheet.astype(np.uint8))
