"""Keeps what was read apart from what was imagined: scribbles, handwriting, stains, the other side of the sheet."""

from collections.abc import Iterator, Sequence

from ocr.lines import Line, confidence_of

_SURE = 75.0
_LEGIBLE_SHARE = 0.25  # of the letters in long words, read surely: less on no printed page
_LONG = 4
_GUESS = 15.0  # measured: of the words below, fourteen in fifteen are not on the page
_SURE_LINE = 80.0


def unreadable(lines: Sequence[Line]) -> bool:
    """Whether a page as a whole was not understood: handwriting, or print too far gone.

    Short words come out of any scribble by chance; long ones do not.
    """
    long = [token for line in lines for token in line.tokens if sum(map(str.isalnum, token.text)) >= _LONG]
    letters = sum(len(token.text) for token in long)
    sure = sum(len(token.text) for token in long if token.confidence >= _SURE)
    return sure < _LEGIBLE_SHARE * letters or not long


def legible_lines(lines: Sequence[Line], *, strict: bool) -> Iterator[Line]:
    """Leave out guesses; on a page that was not understood only lines read surely as a whole stay (a letterhead)."""
    for line in lines:
        if strict and confidence_of([line]) < _SURE_LINE:
            continue
        tokens = tuple(token for token in line.tokens if token.confidence >= _GUESS)
        if tokens:
            yield Line(tokens, line.starts_paragraph)
