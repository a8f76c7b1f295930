"""The generated pages of `bench.ocr`: letters of seven kinds with known text. A seed always gives the same pixels."""

import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typst
from PIL import Image, ImageFilter

from demo.ageing import age
from demo.letters import make_letters

KINDS = ("clean", "typescript", "noisy", "skewed", "stamped", "columns", "carbon")
DPI = 300
QUALITY = 85  # scanners in offices send this format


@dataclass(frozen=True)
class MadePage:
    """A page on disk and its complete text."""

    path: Path
    kind: str
    truth: str


def draw(folder: Path, seed: int, count: int) -> Iterator[MadePage]:
    """Draw pages; the kinds take turns."""
    rnd = random.Random(seed)
    letters = make_letters(seed, count)
    sheets = [(letter, number) for letter in letters for number in range(1, letter.page_count + 1)]
    rnd.shuffle(sheets)
    long = [line for letter in letters for text in letter.pages_text for line in text.split("\n") if len(line) > 120]
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        if kind == "columns":
            image, truth = _columns(rnd.sample(long, 8))
            image = age(image, seed + number, "office")
        else:
            letter, page = sheets[number % len(sheets)]
            image, truth = _spoilt(letter.draw(page), kind, seed + number), letter.pages_text[page - 1]
        path = folder / f"{number:03d}-{kind}.jpg"
        image.convert("L").save(path, dpi=(DPI, DPI), quality=QUALITY)
        yield MadePage(path, kind, truth)


def _columns(paragraphs: list[str]) -> tuple[Image.Image, str]:
    source = Path(__file__).with_name("columns.typ")
    data = json.dumps(paragraphs, ensure_ascii=False)
    made = typst.compile(str(source), format="png", ppi=float(DPI), ignore_system_fonts=True, sys_inputs={"data": data})
    png = made if isinstance(made, bytes) else made[0]
    return Image.open(io.BytesIO(png)).convert("L"), "\n".join(paragraphs)


def _spoilt(page: Image.Image, kind: str, seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    if kind == "clean":
        return page
    if kind == "noisy":
        grain = rng.normal(0, 22, (page.height, page.width))
        return Image.fromarray(np.clip(np.asarray(age(page, seed, "office")) + grain, 0, 255).astype(np.uint8))
    if kind == "skewed":
        angle = float(rng.uniform(2, 4)) * (1 if rng.random() < 0.5 else -1)
        return age(page.rotate(angle, Image.Resampling.BILINEAR, fillcolor=255), seed, "office")
    if kind == "carbon":
        soft = page.filter(ImageFilter.GaussianBlur(2.2)).point(
            [255 - (255 - level) * 45 // 100 for level in range(256)]
        )
        return age(soft, seed, "office")
    return age(page, seed, {"typescript": "typescript_stamped", "stamped": "sealed"}[kind])
