"""Pages of an archive with known text, drawn and damaged by other projects' tools, which do not know our engine.

The typewriter and handwriting fonts are Debian's. The damage is Augraphy's (https://github.com/sparkfish/augraphy). The
text is that of the demonstration's letters. The pages imitate letters of 1896 to 1984: uneven types, stamps,
signatures, tables, pages on their side, carbon copies, show-through, the scanner's black background, handwriting.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import augraphy
import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from demo.letters import make_letters

KINDS = (
    "letter", "letter", "letter", "stamped", "table", "sideways", "carbon", "show-through", "border", "letter",
    "stamped", "carbon", "hand",
)  # fmt: skip
WIDTH, HEIGHT = 2480, 3508  # A4 at 300 dpi
DPI = 300
QUALITY = 80
_FONTS = Path("/usr/share/fonts")
_TYPEWRITERS = (
    "truetype/gnutypewriter/GNUTypewriter.ttf",
    "opentype/courier-prime/Courier Prime.otf",
    "opentype/courier-prime/Courier Prime Code.otf",
    "truetype/liberation/LiberationMono-Regular.ttf",
)
_HANDS = (
    "truetype/breip/Breip.ttf",
    "truetype/fifthhorseman/dkg.ttf",
    "truetype/ecolier-court/Ecolier-court.ttf",
    "truetype/kristi/Kristi.ttf",
    "opentype/joscelyn/Joscelyn-Regular.otf",
    "opentype/dancingscript/DancingScript-Regular.otf",
)
_LEFT, _RIGHT, _TOP, _BOTTOM = 330, 200, 300, 250


@dataclass(frozen=True)
class ArchivePage:
    """A page on disk, its kind, and its complete text."""

    path: Path
    kind: str
    truth: str


@dataclass(frozen=True)
class Wear:
    """The damage of an archive's pages.

    Attributes:
        inks: the largest number of ink faults on a page.
        papers: possible damage of the paper; a page gets a number of them between the two in ``damages``.
        blur: of a carbon copy, from and to, in pixels.
        ink_left: of a carbon copy, from and to, as a share of the ink (0..1).
    """

    inks: int
    papers: tuple[Callable[[], Any], ...]
    damages: tuple[int, int]
    blur: tuple[float, float]
    ink_left: tuple[float, float]


def draw(folder: Path, seed: int, count: int, *, wear: str = "usual") -> Iterator[ArchivePage]:
    """Draw pages; the kinds take turns. A seed always gives the same pages.

    Args:
        wear: ``light`` (bare tesseract reads some 0.85 of the words), ``usual``, or ``heavy`` (bad photocopies and much
            dirt).
    """
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        image, truth = _Page(seed * 1000 + number, WEARS[wear]).draw(kind)
        path = folder / f"{number:03d}-{kind}.jpg"
        image.save(path, quality=QUALITY, dpi=(DPI, DPI))
        yield ArchivePage(path, kind, truth)


class _Page:
    def __init__(self, seed: int, wear: Wear) -> None:
        self._rnd = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._wear = wear
        letters = make_letters(seed, 6)
        self._words = " ".join(text for letter in letters for text in letter.pages_text)
        self._paragraphs = [
            line for letter in letters for text in letter.pages_text for line in text.split("\n") if len(line) > 90
        ]
        # Characters that a typewriter lacks were replaced by ones that it has.
        self._font = self._face(_TYPEWRITERS, self._rnd.randint(42, 54))

    def draw(self, kind: str) -> tuple[Image.Image, str]:
        rnd = self._rnd
        image, lines = {"hand": self._hand, "table": self._table}.get(kind, self._typed)()
        if kind in ("letter", "stamped", "carbon", "border"):
            self._sign(image)
        if kind == "stamped":
            image = self._stamp(image)
        if kind == "carbon":
            blurred = image.filter(ImageFilter.GaussianBlur(rnd.uniform(*self._wear.blur)))
            image = _faint(blurred, rnd.uniform(*self._wear.ink_left))
        if kind == "show-through" or rnd.random() < 0.15:
            other, _ = self._typed()
            other = other.transpose(Image.Transpose.FLIP_LEFT_RIGHT).filter(ImageFilter.GaussianBlur(3))
            image = ImageChops.multiply(image, _faint(other, rnd.uniform(0.12, 0.35)))
        image = self._damaged(image)
        paper = rnd.randint(190, 250)
        image = image.point([level * paper // 255 for level in range(256)])
        image = image.rotate(rnd.gauss(0, 0.9), Image.Resampling.BICUBIC, fillcolor=paper)
        if kind == "border" or rnd.random() < 0.2:
            size = (WIDTH + rnd.randint(100, 400), HEIGHT + rnd.randint(50, 300))
            bed = Image.new("L", size, rnd.randint(5, 40))
            bed.paste(image, (rnd.randint(20, 90), rnd.randint(20, 90)))
            image = bed
        if kind == "sideways":
            image = image.transpose(rnd.choice([Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270]))
        grain = self._noise.normal(0, rnd.uniform(1, 6), (image.height, image.width))
        return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)), "\n".join(lines)

    def _face(self, faces: tuple[str, ...], size: int) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(str(_FONTS / self._rnd.choice(faces)), size)

    def _typed(self) -> tuple[Image.Image, list[str]]:
        """A letter in which each type is printed slightly off its place, more or less strongly."""
        rnd, font = self._rnd, self._font
        image = Image.new("L", (WIDTH, HEIGHT), 255)
        pen = ImageDraw.Draw(image)
        step = font.getlength("n")
        lead = round(font.size * rnd.choice([1.25, 1.5, 1.75, 2.0]))
        ribbon, y, written = float(rnd.randint(25, 90)), _TOP, []
        for line in self._letter(int((WIDTH - _LEFT - _RIGHT) / step)):
            if y > HEIGHT - _BOTTOM:
                break
            ribbon = min(150.0, max(15.0, ribbon + rnd.gauss(0, 5)))
            for column, letter in enumerate(line):
                if letter != " ":
                    place = (_LEFT + column * step + rnd.gauss(0, 1.5), y + rnd.gauss(0, 1.5))
                    pen.text(place, letter, font=font, fill=int(min(190, max(0, ribbon + rnd.gauss(0, 18)))))
            written += [line] if line.strip() else []
            y += lead
        return image, written

    def _letter(self, columns: int) -> list[str]:
        rnd = self._rnd
        lines = [
            rnd.choice(["TERRITOIRE DU TOGO", "REPUBLIQUE TOGOLAISE"]), "",
            rnd.choice(["CABINET DU GOUVERNEUR", "SERVICE DES MINES", "TRAVAUX PUBLICS"]), "",
            f"N° {rnd.randint(12, 4000)} / {rnd.choice(['AG', 'TP', 'AE', 'CAB'])}", "",
        ]  # fmt: skip
        for paragraph in rnd.sample(self._paragraphs, min(12, len(self._paragraphs))):
            lines += [*_wrapped("    " + paragraph.replace("’", "'"), columns), ""]
        return lines

    def _table(self) -> tuple[Image.Image, list[str]]:
        rnd, font = self._rnd, self._font
        image = Image.new("L", (WIDTH, HEIGHT), 255)
        pen = ImageDraw.Draw(image)
        title = "ETAT DU PERSONNEL ET DU MATERIEL"
        pen.text((300, 180), title, font=font, fill=30)
        words = [word for word in self._words.split() if 4 <= len(word) <= 9 and word.isalpha()]
        rules, height, y, written = (200, 900, 1350, 1800, 2280), round(font.size * 1.9), 300, [title]
        while y < HEIGHT - 400:
            pen.line((rules[0], y, rules[-1], y), fill=60, width=3)
            cells = [" ".join(rnd.sample(words, 2)), rnd.choice(words), *(str(rnd.randint(10, 99999)) for _ in "ab")]
            for left, cell in zip(rules, cells, strict=False):
                place = (left + 20 + rnd.gauss(0, 2), y + font.size * 0.4 + rnd.gauss(0, 2))
                pen.text(place, cell, font=font, fill=int(40 + rnd.random() * 50))
            written += cells
            y += height
        pen.line((rules[0], y, rules[-1], y), fill=60, width=3)
        for x in rules:
            pen.line((x, 300, x, y), fill=60, width=3)
        return image, written

    def _hand(self) -> tuple[Image.Image, list[str]]:
        rnd = self._rnd
        font = self._face(_HANDS, rnd.randint(70, 110))
        size = round(font.size)
        image, y, written = Image.new("L", (WIDTH, HEIGHT), 255), 250, []
        text = " ".join(rnd.sample(self._paragraphs, min(8, len(self._paragraphs))))
        for line in _wrapped(text, int((WIDTH - 550) / font.getlength("n"))):
            if y > HEIGHT - 300:
                break
            strip = Image.new("L", (WIDTH, size * 2), 255)
            place = (250 + rnd.gauss(0, 8), size // 2)
            ImageDraw.Draw(strip).text(place, line, font=font, fill=int(50 + rnd.random() * 40))
            strip = strip.rotate(rnd.gauss(0, 0.5), Image.Resampling.BICUBIC, fillcolor=255)
            image.paste(ImageChops.darker(strip, image.crop((0, y, WIDTH, y + size * 2))), (0, y))
            written.append(line)
            y += round(size * 1.35)
        return image, written

    def _sign(self, image: Image.Image) -> None:
        rnd = self._rnd
        x, y = float(rnd.randint(1200, 1900)), float(rnd.randint(2500, 3100))
        points = []
        for _ in range(40):
            x, y = x + rnd.gauss(12, 30), y + rnd.gauss(0, 35)
            points.append((x, y))
        ImageDraw.Draw(image).line(points, fill=rnd.randint(30, 110), width=rnd.randint(4, 8), joint="curve")

    def _stamp(self, image: Image.Image) -> Image.Image:
        rnd = self._rnd
        stamp = Image.new("L", (620, 620), 255)
        pen, font = ImageDraw.Draw(stamp), ImageFont.truetype(str(_FONTS / _TYPEWRITERS[1]), 52)
        if rnd.random() < 0.5:
            pen.ellipse((20, 20, 600, 600), outline=90, width=10)
            pen.ellipse((110, 110, 510, 510), outline=90, width=6)
            pen.text((130, 280), "GOUVERNEMENT", font=font, fill=90)
        else:
            pen.rectangle((10, 200, 600, 420), outline=90, width=8)
            pen.text((40, 230), f"ARRIVE LE\n{rnd.randint(1, 28)} AVRIL 19{rnd.randint(10, 84)}", font=font, fill=90)
        stamp = stamp.rotate(rnd.uniform(-25, 25), fillcolor=255).filter(ImageFilter.GaussianBlur(1.5))
        x, y = rnd.randint(200, 1800), rnd.choice([rnd.randint(150, 700), rnd.randint(2300, 2800)])
        result = image.copy()
        result.paste(ImageChops.darker(stamp, image.crop((x, y, x + 620, y + 620))), (x, y))
        return result

    def _damaged(self, image: Image.Image) -> Image.Image:
        seed = self._rnd.randint(0, 2**31 - 1)
        random.seed(seed)  # Augraphy takes its random numbers from both
        np.random.seed(seed)
        plane = np.stack([np.asarray(image)] * 3, -1)
        chosen = self._rnd.sample(_INKS, self._rnd.randint(0, self._wear.inks))
        for make in (*chosen, *self._rnd.sample(self._wear.papers, self._rnd.randint(*self._wear.damages))):
            found: Any = make()(plane)
            found = found[0] if isinstance(found, tuple) else found
            if found is not None:
                plane = np.stack([found] * 3, -1) if found.ndim == 2 else found
        return Image.fromarray(plane.astype(np.uint8)).convert("L")


_Damage = Callable[[], Any]
_INKS: tuple[_Damage, ...] = (
    lambda: augraphy.InkBleed(intensity_range=(0.2, 0.5), kernel_size=(3, 3), p=1),
    lambda: augraphy.Letterpress(
        n_samples=(100, 300), n_clusters=(200, 400), std_range=(500, 2000), value_range=(180, 250),
        value_threshold_range=(128, 128), blur=1, p=1,
    ),
    lambda: augraphy.LowInkRandomLines(count_range=(3, 8), use_consistent_lines=False, p=1),
)  # fmt: skip


def _photocopy(value: tuple[int, int], sparsity: tuple[float, float], concentration: tuple[float, float]) -> _Damage:
    return lambda: augraphy.BadPhotoCopy(
        noise_type=-1, noise_value=value, noise_sparsity=sparsity, noise_concentration=concentration, blur_noise=-1,
        wave_pattern=0, edge_effect=0, p=1,
    )  # fmt: skip


_PAPERS: tuple[_Damage, ...] = (
    lambda: augraphy.SubtleNoise(subtle_range=8, p=1),
    lambda: augraphy.NoiseTexturize(sigma_range=(2, 5), turbulence_range=(2, 4), p=1),
    _photocopy((120, 220), (0.15, 0.4), (0.01, 0.06)),
    lambda: augraphy.Brightness(brightness_range=(0.8, 1.05), p=1),
    lambda: augraphy.LightingGradient(min_brightness=60, p=1),
)
WEARS = {
    "light": Wear(1, tuple(_PAPERS[n] for n in (0, 1, 3, 4)), (0, 1), (1.2, 2.2), (0.55, 0.8)),
    "usual": Wear(1, _PAPERS, (1, 2), (1.8, 3), (0.4, 0.65)),
    "heavy": Wear(
        2,
        (
            *_PAPERS,
            _photocopy((100, 200), (0.3, 0.6), (0.05, 0.2)),
            lambda: augraphy.DirtyRollers(line_width_range=(4, 10), p=1),
            lambda: augraphy.Stains(p=1),
        ),
        (1, 2),
        (1.8, 3),
        (0.4, 0.65),
    ),
}


def _faint(image: Image.Image, share: float) -> Image.Image:
    return image.point([255 - round((255 - level) * share) for level in range(256)])


def _wrapped(text: str, columns: int) -> list[str]:
    lines = [""]
    indent = text[: len(text) - len(text.lstrip())]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) + 1 > columns:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else (indent if len(lines) == 1 else "") + word
    return lines
