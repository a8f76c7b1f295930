"""Removes words that OCR imagined in scribbles, handwriting, stains and the other side of the sheet."""

import statistics
from collections.abc import Iterator, Sequence

from ocr.lines import Line, confidence_of

_SURE = 75.0
_LEGIBLE_SHARE = 0.25  # of the letters in long words, read surely: no printed page has less
_LONG = 4
_GUESS = 15.0  # measured: of the words below, fourteen in fifteen are not on the page
_DOUBTFUL_GUESS = 50.0  # on a page that is doubtful as a whole: of the words below, two in three
_LEGIBLE_LINE, _LEGIBLE_GUESS = 50.0, 30.0  # in its lines above the first: of the words below the second
_BROKEN_GUESS = 65.0  # on a page of illegible print: of the words above, one in six is not on the page
_HAND_GUESS = 80.0  # in handwriting: of the words below half, of those above one in seven
_TYPED_MM = 4.2  # boxes of typed words are 3 to 3.6 mm high (a very bad carbon copy: 4.7), of written ones 4.6 and more
_SURE_LINE = 80.0
_NEVER = 101.0  # no word is so sure


def unreadable(lines: Sequence[Line]) -> bool:
    """Whether the page as a whole is illegible: handwriting, or print too damaged.

    A scribble gives short words by chance, but no long words.
    """
    long = [token for line in lines for token in line.tokens if sum(map(str.isalnum, token.text)) >= _LONG]
    letters = sum(len(token.text) for token in long)
    sure = sum(len(token.text) for token in long if token.confidence >= _SURE)
    return sure < _LEGIBLE_SHARE * letters or not long


def is_tall(lines: Sequence[Line], page_height_mm: float) -> bool:
    """Whether the letters are taller than a typewriter's; on a doubtful page this means handwriting."""
    heights = [token.height for line in lines for token in line.tokens for _ in token.text]
    return bool(heights) and statistics.median(heights) * page_height_mm > _TYPED_MM


def legible_lines(lines: Sequence[Line], *, doubtful: bool, tall: bool, strict: bool) -> Iterator[Line]:
    """Drop words that are more likely imagined than read.

    Args:
        lines: of a page.
        doubtful: the page was read badly: only its surer words stay.
        tall: the result of ``is_tall``; of a doubtful page only the surest words of its doubtful lines stay.
        strict: the page is ``unreadable``. Of print only the surer words stay; of handwriting only lines read surely as a
            whole (a letterhead).
    """
    for line in lines:
        confidence = confidence_of([line])
        if not doubtful:
            guess = _GUESS
        elif strict:
            guess = _BROKEN_GUESS if not tall else _DOUBTFUL_GUESS if confidence >= _SURE_LINE else _NEVER
        elif confidence >= _LEGIBLE_LINE:
            guess = _DOUBTFUL_GUESS if tall else _LEGIBLE_GUESS
        else:
            guess = _HAND_GUESS if tall else _DOUBTFUL_GUESS
        tokens = tuple(token for token in line.tokens if token.confidence >= guess)
        if tokens:
            yield Line(tokens, line.starts_paragraph)
