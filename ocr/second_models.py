"""The second reader's models: PP-OCR by ``rapidocr``, and the French words of ``pyspellchecker``. Only in a limited child.

Nothing is downloaded: the two models come in the wheel of ``rapidocr``. One thread, so that a second reading takes at
most one processor.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rapidocr
from PIL import Image
from rapidocr.ch_ppocr_det.main import TextDetector
from rapidocr.ch_ppocr_rec.main import TextRecognizer
from rapidocr.utils.parse_parameters import ParseParams
from rapidocr.utils.process_img import get_rotate_crop_image
from rapidocr.utils.typings import EngineType
from spellchecker import SpellChecker

from ocr.image import shrink
from ocr.second_choice import Glyph, Strip
from ocr.second_letters import POSSIBLE
from ocr.unread import Box

FINDING_LONG_SIDE_PX = 2000
"""Lines are found on a page of this size (the library's own limit), and read in full size."""
_PACKAGE = Path(rapidocr.__file__).parent
_FINDS, _READS = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"
_STANDING = 1.5  # times as high as wide: writing that runs up the page, which these models do not read
_MIN_SIDE_PX = 4
_MOST_OTHERS = 3  # letters at a place: pairs of them are tried, and a hostile picture must not have many
_LONGEST = 60  # times as wide as high: a longer line is a rule, and would take all the memory

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Found:
    """A line that was found: its region in fractions of the page, and its corners in pixels."""

    box: Box
    corners: npt.NDArray[np.float32]


class SecondModels:
    """Finds lines on a page, and reads lines."""

    def __init__(self) -> None:
        """Load both models and the words, about two seconds."""
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        whole = ParseParams.load(_PACKAGE / "config.yaml")
        self._finder = TextDetector(_part(whole, "Det", _FINDS))
        self._reader = TextRecognizer(_part(whole, "Rec", _READS))
        self._letters: Sequence[str] = self._reader.postprocess_op.character
        self._words = SpellChecker(language="fr")

    def is_known(self, word: str) -> bool:
        """Whether a word in small letters is French."""
        return word in self._words

    def find(self, page: Image.Image) -> list[Found]:
        """Find the lines of a page.

        Args:
            page: upright and level, mode ``L``.
        """
        small = _pixels(shrink(page, FINDING_LONG_SIDE_PX))
        found = self._finder(small).boxes
        if found is None:
            return []
        width, height = page.size
        corners = [np.asarray(box, np.float32) * (width / small.shape[1]) for box in found]
        scale = np.array([width, height], np.float32)
        lying = [quad for quad in corners if np.ptp(quad[:, 1]) <= _STANDING * np.ptp(quad[:, 0])]
        return [Found(_box(quad / scale), quad) for quad in lying]

    def read(self, page: Image.Image, found: Found) -> Strip:
        """Read a line that was found on this page, or on one of its size; mode ``L``."""
        gray = get_rotate_crop_image(np.asarray(page), found.corners)
        return self._strip(np.repeat(gray[:, :, np.newaxis], 3, axis=2), found.box)

    def read_box(self, page: Image.Image, box: Box) -> Strip:
        """Read one line of a page at a known place."""
        return self._strip(_pixels(box.cut(page)), box)

    def _strip(self, pixels: Pixels, box: Box) -> Strip:
        height, width = pixels.shape[:2]
        if min(height, width) < _MIN_SIDE_PX or width > _LONGEST * height:
            return Strip((), box)
        shape = max(width / height, 1.0)
        guesses = self._reader.session(self._reader.resize_norm_img(pixels, shape)[np.newaxis].astype(np.float32))[0]
        best, likelihood = guesses.argmax(axis=1), guesses.max(axis=1)
        # A letter that stands over several columns counts once; class 0 is no letter.
        edges = np.append(np.flatnonzero(np.diff(best, prepend=-1)), len(best))
        columns = len(best) * (width / height) / shape
        return Strip(
            tuple(
                Glyph(
                    self._letters[int(best[n])],
                    box.left + (box.right - box.left) * (float(n) + 0.5) / columns,
                    100 * float(likelihood[n]),
                    self._others(guesses[n:end].max(axis=0), int(best[n])),
                )
                for n, end in pairwise(edges)
                if best[n] != 0
            ),
            box,
        )

    def _others(self, guesses: npt.NDArray[np.float32], best: int) -> tuple[tuple[str, float], ...]:
        possible = (n for n in np.flatnonzero(100 * guesses >= POSSIBLE) if n not in (0, best))
        likeliest = sorted(possible, key=lambda n: -guesses[n])[:_MOST_OTHERS]
        return tuple((self._letters[int(n)], 100 * float(guesses[n])) for n in likeliest)


def _part(whole: Any, name: str, model: str) -> Any:
    part = whole[name]
    part.engine_type = EngineType.ONNXRUNTIME
    part.engine_cfg = whole.EngineConfig.onnxruntime
    part.engine_cfg.intra_op_num_threads = part.engine_cfg.inter_op_num_threads = 1
    part.model_path = str(_PACKAGE / "models" / model)
    part.font_path = None
    return part


def _pixels(page: Image.Image) -> Pixels:
    return np.asarray(page.convert("RGB"), np.uint8)


def _box(quad: npt.NDArray[np.float32]) -> Box:
    """The region of four corners (from the upper left, clockwise): the middles of its sides, as lines lean a little."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (map(float, corner) for corner in quad)
    return Box((x0 + x3) / 2, (y0 + y1) / 2, (x1 + x2) / 2, (y2 + y3) / 2)
