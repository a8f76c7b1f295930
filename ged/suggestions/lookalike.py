"""Whether two first pages are the same sheet: by their text, tolerant of OCR errors, and by the image of the page.

Pure. A sketch is a MinHash (Broder 1997) over runs of five characters. Its bands are the keys for finding likely pairs;
then the texts themselves are compared.
"""

import re
import unicodedata
import zlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

RUN = 5
HASHES = 64
BAND = 2
"""Rows in a band: two pages that share 0.3 of their runs share one of the 32 bands with probability 0.95."""
MIN_RUNS = 60
"""Texts with fewer runs (a stamp, a visiting card) are not compared."""
MIN_NUMBERS = 3
SAME_NUMBERS = 0.7
IMAGE_BITS = 256
_PRIME = (1 << 31) - 1


def letters_of(text: str) -> str:
    """Fold a text to letters and digits in lower case without accents; other characters (dust, for OCR) are dropped."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"[a-z0-9]{2,}", "".join(c for c in plain if not unicodedata.combining(c))))


def runs_of(text: str) -> frozenset[str]:
    """All runs of five characters of a text, spaces left out."""
    plain = letters_of(text).replace(" ", "")
    return frozenset(plain[i : i + RUN] for i in range(len(plain) - RUN + 1))


def bands_of(text: str) -> tuple[int, ...]:
    """The band keys of a text's sketch; empty when the text is too short."""
    runs = runs_of(text)
    if len(runs) < MIN_RUNS:
        return ()
    values = np.fromiter((zlib.crc32(run.encode()) & _PRIME for run in runs), dtype=np.uint64, count=len(runs))
    factors, shifts = _permutations()
    sketch = ((values[None, :] * factors[:, None] + shifts[:, None]) % np.uint64(_PRIME)).min(axis=1)
    pairs = sketch.reshape(-1, BAND)
    return tuple(int(pair[0]) << 31 | int(pair[1]) for pair in pairs)


@cache
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    # The seed must never change: sketches made years apart are compared.
    rng = np.random.Generator(np.random.PCG64(20260101))
    factors = rng.integers(1, _PRIME, size=HASHES, dtype=np.uint64)
    return factors, rng.integers(0, _PRIME, size=HASHES, dtype=np.uint64)


def text_score(one: str, other: str) -> float:
    """The similarity of two texts, 0..1 (Jaccard index over runs of five)."""
    a, b = runs_of(one), runs_of(other)
    if len(a) < MIN_RUNS or len(b) < MIN_RUNS:
        return 0.0
    return len(a & b) / len(a | b)


def numbers_agree(one: str, other: str) -> bool:
    """Whether two texts can be the same letter, judging by their numbers: references, days, amounts.

    Letters from one template have the same words but different numbers. A stamp may add numbers.
    """
    a, b = (set(re.findall(r"\d{2,}", text)) for text in (one, other))
    few = min(len(a), len(b))
    return few < MIN_NUMBERS or len(a & b) >= SAME_NUMBERS * few


def image_score(one: str, other: str) -> float:
    """The similarity of two page images, 0..1, from their perceptual hashes (hexadecimal); 0 when one is missing.

    Unrelated pages differ in about half of the bits: that counts as 0.
    """
    if len(one) != IMAGE_BITS // 4 or len(other) != IMAGE_BITS // 4:
        return 0.0
    differing = (int(one, 16) ^ int(other, 16)).bit_count()
    return max(0.0, 1.0 - differing / (IMAGE_BITS / 2))
