"""Ink in black and white, and the places of a page where colour or gray tones matter."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from ocr import bilevel
from ocr.mixed import _fill, take_apart

pytestmark = pytest.mark.slow

SIZE = (800, 1120)


def page(ink: int = 20, paper: int = 240, *, width: int = 4) -> Image.Image:
    """Pen strokes on paper."""
    image = Image.new("L", SIZE, paper)
    pen = ImageDraw.Draw(image)
    for x in range(100, 700, 40):
        pen.line((x, 200, x, 260), ink, width)
    return image.filter(ImageFilter.GaussianBlur(0.6))


def grainy(image: Image.Image, deviation: float) -> Image.Image:
    noise = np.random.default_rng(1).normal(0, deviation, (image.height, image.width, len(image.getbands())))
    pixels = np.asarray(image).astype(np.float32).reshape(noise.shape) + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8).squeeze())


@pytest.mark.parametrize(("ink", "paper"), [(20, 240), (150, 240), (175, 240), (60, 130)])
def test_strokes_are_kept_however_faint(ink: int, paper: int) -> None:
    mask = bilevel.ink(grainy(page(ink, paper), 3))
    assert mask[220:240, 96:105].any(axis=1).all()
    assert mask.sum() == pytest.approx(15 * 60 * 4, rel=0.4)


def test_paper_stays_white_under_grain_shade_and_dust() -> None:
    shade = np.linspace(150, 250, SIZE[0], dtype=np.float32)[None, :].repeat(SIZE[1], 0)
    paper = grainy(Image.fromarray(shade.astype(np.uint8)), 9)
    paper.putpixel((300, 700), 0)
    assert bilevel.ink(paper).sum() <= 3


def test_weak_marks_beside_strong_ink_are_those_of_the_other_side() -> None:
    both = np.minimum(np.asarray(page()), np.asarray(page(198).transpose(Image.Transpose.FLIP_TOP_BOTTOM)))
    mask = bilevel.ink(Image.fromarray(both))
    assert mask[200:260].any()
    assert not mask[800:].any()


def test_two_tones_are_the_mask_to_the_pixel() -> None:
    mask = np.random.default_rng(2).random((37, 53)) < 0.5
    assert (np.asarray(bilevel.two_tones(mask)) == mask).all()


def coloured(*, blue: tuple[int, int, int] = (40, 60, 170)) -> Image.Image:
    """Black strokes on yellowish paper, with a blue ring over some of them."""
    image = Image.merge("RGB", [page()] * 3)
    ImageDraw.Draw(image).ellipse((200, 150, 400, 350), outline=blue, width=10)
    return grainy(Image.fromarray((np.asarray(image) * [1.0, 0.98, 0.88]).astype(np.uint8)), 3)


def test_colour_becomes_a_patch_and_black_stays_in_the_ink() -> None:
    layers = take_apart(coloured())
    (patch,) = layers.patches
    assert not patch.gray
    left, top, right, bottom = patch.box
    assert (left <= 200, right >= 400) == (True, True)
    assert (top <= 150, bottom >= 350) == (True, True)
    assert right - left < 330, "no more than the place of the colour"
    assert not layers.ink[150:160, 290:310].any(), "the ring is no black ink"
    assert layers.ink[220:240, 298:303].any(axis=1).all(), "black letters under the ring are"


def test_tint_of_the_paper_and_fringes_of_letters_are_no_colour() -> None:
    red, green = page(), page()
    blue = Image.new("L", SIZE, 240)
    blue.paste(page().crop((1, 0, SIZE[0], SIZE[1])), (0, 0))  # a third line of a scanner, shifted by a pixel
    image = Image.merge("RGB", (red, green, blue.point([value * 85 // 100 for value in range(256)])))
    layers = take_apart(grainy(image, 3))
    assert layers.patches == ()
    assert layers.ink[200:260].any()


def test_a_photograph_is_a_patch_without_ink() -> None:
    image = page()
    y, x = np.mgrid[0:400, 0:400]
    tones = 110 + 60 * np.sin(x / 40) * np.cos(y / 30)
    image.paste(Image.fromarray(tones.astype(np.uint8)), (200, 500))
    layers = take_apart(image)
    (patch,) = layers.patches
    assert patch.gray
    assert (patch.box[0] <= 200, patch.box[2] >= 600) == (True, True)
    assert layers.photo_share == pytest.approx(0.2, abs=0.06)
    assert not layers.ink[520:880, 220:580].any()


def test_under_black_letters_a_patch_has_the_colours_around_them() -> None:
    picture = np.full((90, 70, 3), (0.9, 0.5, 0.3), dtype=np.float32)
    picture[40:, :] = (0.2, 0.4, 0.8)
    known = np.ones((90, 70, 1), dtype=np.bool_)
    known[10:16, 10:60] = known[70:76, 10:60] = False
    hidden = np.where(known, picture, np.float32(0))
    _fill(hidden, known[..., 0])
    assert hidden == pytest.approx(picture, abs=0.01)


def test_far_from_all_known_colours_a_patch_is_paper() -> None:
    known = np.zeros((90, 70, 1), dtype=np.bool_)
    known[:, :4] = True
    filled = np.zeros((90, 70, 3), dtype=np.float32)
    _fill(filled, known[..., 0])
    assert filled[:, :4].max() == 0
    assert filled[:, 40:].min() == 1
