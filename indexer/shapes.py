"""Folds characters that look alike on a poor scan: the misread ``rnarche`` has the shape of ``marche``.

The rules are confusions that OCR is known for. The noise of our own benchmark overlaps with them, so that its figures
flatter the rules. Strokes that run together (``rn``/``m``, ``cl``/``d``, ``vv``/``w``, ``ii``/``u``), thin strokes
(``l``/``1``/``i``), round characters (``o``/``0``, ``e``/``c``), and a few pairs (``g``/``q``/``9``, ``s``/``5``,
``b``/``h``/``6``/``8``, ``z``/``2``). A shape is never shown.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product

from indexer.analysis import LETTERS, fold

RUNS: Mapping[str, str] = {"rn": "m", "cl": "d", "vv": "w", "ii": "u", "ri": "n"}
ALIKE: Mapping[str, str] = {
    "1": "l", "i": "l", "|": "l", "0": "o", "e": "c", "9": "q", "g": "q", "5": "s", "6": "b", "8": "b", "h": "b", "2": "z",
}  # fmt: skip
_ALIKE = str.maketrans(dict(ALIKE))
_MANY = re.compile(r"[^\W\u0000-\u00ff]|[æÆßµþÞðÐ¼½¾\u0300-\u036f]")
"""Characters that do not fold to one character within Latin-1."""
_ACCENTED = tuple(map(chr, (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))))


def shape(text: str) -> str:
    """The shape of a word: folded, then without the differences of characters that look alike."""
    folded = fold(text)
    for run, one in RUNS.items():
        folded = folded.replace(run, one)
    return folded.translate(_ALIKE)


def running(text: str) -> str:
    """The shapes of the words of a text that went through ``clean``, separated by single blanks.

    The same result as ``shape``, but computed on bytes for speed: a search needs it for fifty letters.
    """
    text = text.replace("’", " ").replace("œ", "oe")
    raw = (fold(text) if _MANY.search(text) else text).encode("latin-1", "replace").translate(_folding())
    for run, one in RUNS.items():
        raw = raw.replace(run.encode(), one.encode())
    return " ".join(raw.decode("ascii").translate(_ALIKE).split())


@cache
def _folding() -> bytes:
    """The folded form of each character of Latin-1: a plain letter, a digit, or a blank."""
    plain = (fold(chr(code)) for code in range(256))
    return "".join(one if re.fullmatch("[a-z0-9|]", one) else " " for one in plain).encode()


def mappings() -> Iterator[tuple[str, str]]:
    """The rules of ``shape`` as pairs for a filter of raw text: with capitals and accents, the longest match first."""
    known: set[str] = set()
    for run, one in RUNS.items():
        for spelled in sorted({"".join(each) for each in product(*(_variants(char) for char in run))}):
            yield spelled, ALIKE.get(one, one)
    for plain in sorted(set("abcdefghijklmnopqrstuvwxyz0123456789|")):
        for spelled in _variants(plain):
            made = ALIKE.get(plain, plain)
            known.add(spelled)
            if spelled != made:
                yield spelled, made
    for letter in LETTERS:
        for spelled in {letter, letter.upper()} - known:
            if len(spelled) == 1:
                yield spelled, shape(letter)


@cache
def _variants(char: str) -> list[str]:
    return sorted({char, char.upper(), *(other for other in _ACCENTED if fold(other) == char)})
