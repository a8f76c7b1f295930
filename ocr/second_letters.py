"""Mends words that the second reader misread by a letter or two, from the letters that it also saw there. Pure.

The second reader takes the likeliest letter at each place and knows no words: on a blurred page ``encore`` becomes
``enoore``. Where a letter that it also held for possible makes the word a French one, that letter is taken. No letter is
put that it did not see, and the word as it was first read is kept for the search. A word with a capital may be a name, which no
dictionary has: ``Lomé`` must not become ``Logé``. It stays as it was read.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, groupby

from ocr.second_choice import Glyph, Strip

POSSIBLE = 5.0
"""Confidence 0..100 from which another letter at a place is held for possible. Measured on eight real typescripts: between 1 and 10
the words gained are nearly as many."""
_LEGIBLE = 82.0  # confidence of a line: a surer one is type; a hand's, read less surely, would become words that it never wrote
_SHORTEST, _LONGEST = 4, 30  # letters of a word: many a short misreading is a letter from some word
_MOST_LETTERS = 2  # so many of a word are replaced

_Other = tuple[int, Glyph, float]


def mended(strip: Strip, known: Callable[[str], bool]) -> tuple[Strip, tuple[str, ...]]:
    """A line with its mended words, and those words as they were read.

    Args:
        strip: a line with the other letters of each place.
        known: whether a word in small letters is one of the language.
    """
    if strip.confidence < _LEGIBLE:
        return strip, ()
    result: list[Glyph] = []
    before: list[str] = []
    for is_word, run in groupby(strip.glyphs, key=lambda glyph: glyph.text.isalpha()):
        glyphs = tuple(run)
        found = _known_version(glyphs, known) if is_word else None
        if found is not None:
            before.append(_text(glyphs))
        result += found or glyphs
    return replace(strip, glyphs=tuple(result)), tuple(before)


def _known_version(glyphs: Sequence[Glyph], known: Callable[[str], bool]) -> list[Glyph] | None:
    """The likeliest version of an unknown word that is known, with as few other letters as possible; None without one."""
    read = _text(glyphs)
    if not (_SHORTEST <= len(glyphs) <= _LONGEST and read.islower()) or known(read):
        return None
    others = list(_others(glyphs))
    for letters in range(1, _MOST_LETTERS + 1):
        versions = [
            (_likelihood(some), some)
            for some in combinations(others, letters)
            if len({place for place, _, _ in some}) == letters and known(_text(_with(glyphs, some)))
        ]
        if versions:
            return _with(glyphs, max(versions, key=lambda version: version[0])[1])
    return None


def _others(glyphs: Sequence[Glyph]) -> Iterator[_Other]:
    """Each other letter of each place, with its confidence as a share of that of the letter read there."""
    for place, glyph in enumerate(glyphs):
        for text, confidence in glyph.others:
            if text.isalpha() and text.casefold() != glyph.text.casefold():
                # It was one of the two: what the reader gave to either counts for the place.
                letter = Glyph(text.lower(), glyph.x, min(100.0, glyph.confidence + confidence))
                yield place, letter, confidence / max(glyph.confidence, 1.0)


def _with(glyphs: Sequence[Glyph], others: Sequence[_Other]) -> list[Glyph]:
    result = list(glyphs)
    for place, letter, _ in others:
        result[place] = letter
    return result


def _likelihood(others: Sequence[_Other]) -> float:
    product = 1.0
    for _, _, share in others:
        product *= share
    return product


def _text(glyphs: Sequence[Glyph]) -> str:
    return "".join(glyph.text for glyph in glyphs)
