"""Removes words that OCR imagined in scribbles, handwriting, stains and the other side of the sheet."""

import statistics
from collections.abc import Iterator, Sequence

from ocr.lines import Line, Token, confidence_of

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
# Measured on photocopies of typescripts and on handwriting: known words so long and so sure have 0.23 of the letters of the
# worst copies and more, and at most 0.03 of a hand's.
_KNOWN_LONG, _KNOWN_SURE, _PRINTED_SHARE = 5, 45.0, 0.1
# Letters. Of known words so long, read with a confidence below 15, two in three are on the page.
_SELDOM_GUESSED = 6


def unreadable(lines: Sequence[Line]) -> bool:
    """Whether the page as a whole is illegible: handwriting, or print too damaged.

    A scribble gives short words by chance, but no long words.
    """
    return _is_hardly_read(lines) and not _has_known_words(lines)


def is_tall(lines: Sequence[Line], page_height_mm: float) -> bool:
    """Whether the letters are taller than a typewriter's; on a doubtful page this means handwriting.

    The letters of a bad photocopy are blots, and its words seem as tall as a hand's.
    """
    heights = [token.height for line in lines for token in line.tokens for _ in token.text]
    if not heights or statistics.median(heights) * page_height_mm <= _TYPED_MM:
        return False
    return not (_is_hardly_read(lines) and _has_known_words(lines))


def _is_hardly_read(lines: Sequence[Line]) -> bool:
    long = _long(lines)
    sure = sum(len(token.text) for token in long if token.confidence >= _SURE)
    return sure < _LEGIBLE_SHARE * sum(len(token.text) for token in long) or not long


def _has_known_words(lines: Sequence[Line]) -> bool:
    """Whether the dictionary has enough of the long words for print; not where the reader does not tell."""
    long = _long(lines)
    known = (token for token in long if _is_known(token, _KNOWN_LONG) and token.confidence >= _KNOWN_SURE)
    return sum(len(token.text) for token in known) > _PRINTED_SHARE * sum(len(token.text) for token in long)


def _long(lines: Sequence[Line]) -> list[Token]:
    return [token for line in lines for token in line.tokens if sum(map(str.isalnum, token.text)) >= _LONG]


def _is_known(token: Token, letters: int) -> bool:
    return token.is_known is True and sum(map(str.isalpha, token.text)) >= letters


def legible_lines(lines: Sequence[Line], *, doubtful: bool, tall: bool, strict: bool) -> Iterator[Line]:
    """Drop words that are more likely imagined than read. A long word of the dictionary stays where any of its line may.

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
        tokens = tuple(
            token
            for token in line.tokens
            if token.confidence >= guess or (guess != _NEVER and _is_known(token, _SELDOM_GUESSED))
        )
        if tokens:
            yield Line(tokens, line.starts_paragraph)
