"""Ages a clean page as paper, ink, a stamp pad and a scanner would; the text stays readable by machine.

The damage is that of a mail office: a sheet laid askew, a lamp that dims to one side, grain, a worn ribbon,
show-through of thin paper, stamps. Stamps go where the page has least ink, and never on the label's corner.
"""

import io
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
import typst
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from demo.letters import A4_MM, LABEL_BOX_MM

MAX_SKEW_DEG = 1.5
_STAMPS = Path(__file__).with_name("stamp.typ")
_STAMP_DPI = 300
_CELL = 16
"""Side in pixels of the cells of the search for the emptiest place for a stamp."""


class AgeingKind(StrEnum):
    """The damage of a page. Every kind is skewed, unevenly lit and grainy."""

    OFFICE = "office"
    STAMPED = "stamped"
    SEALED = "sealed"
    TYPESCRIPT = "typescript"
    TYPESCRIPT_STAMPED = "typescript_stamped"
    THIN = "thin"


@dataclass(frozen=True, slots=True)
class _Recipe:
    arrival_stamp: bool = False
    round_seal: bool = False
    faint: bool = False
    show_through: float = 0.0


_RECIPES = {
    AgeingKind.OFFICE: _Recipe(),
    AgeingKind.STAMPED: _Recipe(arrival_stamp=True),
    AgeingKind.SEALED: _Recipe(arrival_stamp=True, round_seal=True),
    AgeingKind.TYPESCRIPT: _Recipe(faint=True),
    AgeingKind.TYPESCRIPT_STAMPED: _Recipe(faint=True, arrival_stamp=True),
    AgeingKind.THIN: _Recipe(show_through=0.16, round_seal=True),
}


def age(image: Image.Image, seed: int, kind: str) -> Image.Image:
    """Age an A4 page; the same arguments give the same pixels.

    Args:
        image: a clean page, any resolution.
        seed: chooses angle, light, grain and places.
        kind: one of `AgeingKind`.

    Raises:
        ValueError: no such kind.
    """
    recipe = _RECIPES[AgeingKind(kind)]
    rng = np.random.default_rng(seed)
    page = image.convert("L")
    if recipe.faint:
        page = _faint(page, rng)
    if recipe.show_through:
        page = _show_through(page, recipe.show_through)
    if recipe.arrival_stamp:
        page = _stamp(page, "arrival", rng, upper_half=True)
    if recipe.round_seal:
        page = _stamp(page, "seal", rng, upper_half=False)
    page = _skew(page, rng)
    aged = _light_and_grain(page, rng)
    aged.info["dpi"] = image.info.get("dpi", (round(image.width / A4_MM[0] * 25.4),) * 2)
    return aged


def _faint(page: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Imitate a worn ribbon: strokes spread a little and have uneven force."""
    soft = np.asarray(page.filter(ImageFilter.BoxBlur(0.8 * page.width / 2480)))
    force = _field(rng, page.size, cells=(24, 34), low=0.5, high=0.85)
    return Image.fromarray(_lighten(soft, force))


def _show_through(page: Image.Image, strength: float) -> Image.Image:
    """Imitate the other side of thin paper: the page itself, mirrored and blurred."""
    small = page.resize((page.width // 6, page.height // 6), Image.Resampling.BOX)
    other = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT).filter(ImageFilter.GaussianBlur(0.8)).resize(page.size)
    table = [round(255 - (255 - level) * strength) for level in range(256)]
    return ImageChops.multiply(page, other.point(table))


def _stamp(page: Image.Image, shape: str, rng: np.random.Generator, *, upper_half: bool) -> Image.Image:
    ink = _stamp_ink(shape)
    scale = page.width / A4_MM[0] * 25.4 / _STAMP_DPI
    ink = ink.rotate(float(rng.uniform(-9, 9)), expand=True, resample=Image.Resampling.BILINEAR, fillcolor=255)
    ink = ink.resize((round(ink.width * scale), round(ink.height * scale)), Image.Resampling.BILINEAR)
    sheet = Image.new("L", page.size, 255)
    sheet.paste(ink, _emptiest_place(page, ink.size, upper_half=upper_half))
    return ImageChops.multiply(page, sheet)


@lru_cache(maxsize=4)
def _stamp_ink(shape: str) -> Image.Image:
    png = typst.compile(
        str(_STAMPS), format="png", ppi=float(_STAMP_DPI), ignore_system_fonts=True, sys_inputs={"shape": shape}
    )
    drawn = Image.open(io.BytesIO(png)).convert("RGBA")
    # A stamp pad's ink is thin: its blue gives a middle gray.
    return (
        Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn)
        .convert("L")
        .point([round(255 - (255 - level) * 0.8) for level in range(256)])
    )


def _emptiest_place(page: Image.Image, size: tuple[int, int], *, upper_half: bool) -> tuple[int, int]:
    """The upper left corner of the place where a stamp covers least ink, off the edges and the label's corner."""
    cells = page.resize((page.width // _CELL, page.height // _CELL), Image.Resampling.BOX)
    ink = 255.0 - np.asarray(cells, dtype=np.float64)
    mm = cells.width / A4_MM[0]
    edge = round(8 * mm)
    ink[:edge], ink[-edge:], ink[:, :edge], ink[:, -edge:] = 1e4, 1e4, 1e4, 1e4
    left, _, right, bottom = (round(v * mm) for v in LABEL_BOX_MM)
    ink[:bottom, left:right] = 1e4
    half = cells.height * 55 // 100
    ink[half:] += 12.0 * upper_half
    ink[:half] += 12.0 * (not upper_half)
    width, height = size[0] // _CELL + 2, size[1] // _CELL + 2
    total = np.pad(ink, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    cover = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    row, column = np.unravel_index(int(cover.argmin()), cover.shape)
    return int(column) * _CELL + _CELL, int(row) * _CELL + _CELL


def _skew(page: Image.Image, rng: np.random.Generator) -> Image.Image:
    angle = float(rng.uniform(0.3, MAX_SKEW_DEG)) * (1 if rng.random() < 0.5 else -1)
    return page.rotate(angle, resample=Image.Resampling.BILINEAR, fillcolor=255)


def _light_and_grain(page: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Dim one side, add sensor grain and a few specks."""
    light = _field(rng, page.size, cells=(3, 4), low=0.84, high=0.97)
    pixels = np.asarray(page, dtype=np.float32) * light
    tile = rng.standard_normal((512, 512), dtype=np.float32) * np.float32(6.0)
    rows, columns = -(-page.height // 512), -(-page.width // 512)
    # Each tile is rolled, so that no pattern shows; a tile is a hundred times cheaper than a page of fresh noise.
    band = [
        np.hstack([np.roll(tile, tuple(rng.integers(0, 512, 2)), (0, 1)) for _ in range(columns)]) for _ in range(rows)
    ]
    pixels += np.vstack(band)[: page.height, : page.width]
    specks = 150
    pixels[rng.integers(0, page.height, specks), rng.integers(0, page.width, specks)] -= 120
    return Image.fromarray(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8))


def _field(
    rng: np.random.Generator, size: tuple[int, int], *, cells: tuple[int, int], low: float, high: float
) -> NDArray[np.float32]:
    """A smooth random surface between two values, as large as the page (rows, columns)."""
    coarse = rng.uniform(low, high, (cells[1], cells[0])).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR))


def _lighten(pixels: NDArray[np.uint8], force: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale the ink (darkness) of each pixel by ``force``."""
    ink = (255 - pixels).astype(np.float32)
    ink *= force
    return (255 - ink).astype(np.uint8)
