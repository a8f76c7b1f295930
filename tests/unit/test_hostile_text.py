"""Text from outside takes time in proportion to its length, not to its square. Otherwise it is cut first."""

import time
from collections.abc import Callable

import pytest

from ged.errors import Invalid
from ged.mailbox.messages import MAX_HEAD_BYTES, read_letter
from ged.ports import Word
from ocr.field_layout import Piece
from ocr.fields import _BEFORE_DATE, _NO_DATE
from signing.suspects import _hybrids, _in_use

MILLION = 1_000_000
MOST_S = 2.0
"""Processor seconds, for a million characters. A quadratic rule would take hours."""


def _line(unit: str) -> Callable[[int], object]:
    def look(size: int) -> object:
        line = Piece(1, 0, (Word((unit * (size // len(unit) + 1))[:size], 0.1, 0.1, 0.5, 0.01, 90.0),))
        return _NO_DATE.search(line.folded), _BEFORE_DATE.search(line.folded)

    return look


def _tables(unit: bytes) -> Callable[[int], object]:
    def look(size: int) -> object:
        many = unit * (size // len(unit))
        return list(_hybrids(many + b"/XRefStm")), list(_hybrids(b"/XRefStm " + many)), _in_use(many)

    return look


WORST: dict[str, Callable[[int], object]] = {
    "letters in one word": _line("a"),
    "words in one line": _line("ab "),
    "dots and places": _line("a. "),
    "cross-reference words": _tables(b"xref "),
    "cross-reference words and trailers": _tables(b"xref trailer "),
    "names of streams": _tables(b"/XRefStm 1 "),
    "figures": _tables(b"1"),
    "blanks": _tables(b"1 "),
    "sections": _tables(b"xref 0 1 trailer /XRefStm 1 startxref "),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", WORST)
def test_a_million_characters_take_no_square_of_time(case: str) -> None:
    look = WORST[case]
    # Eight times as many take eight times as long, and a square would take 64 times: a busy machine lies between them.
    eighth = min(_time(look, MILLION // 8) for _ in range(3))
    most = min(max(24 * eighth, 0.1), MOST_S)
    # Usually one look is enough.
    assert any(_time(look, MILLION) <= most for _ in range(3))


def _time(look: Callable[[int], object], size: int) -> float:
    began_s = time.process_time()
    look(size)
    return time.process_time() - began_s


@pytest.mark.parametrize(
    "head", [b"To: " + b"a," * MAX_HEAD_BYTES, b"Content-Type: text/plain; " + b'a="' * MAX_HEAD_BYTES, b"a" * MILLION]
)
def test_headers_longer_than_any_letter_has_are_refused_unread(head: bytes) -> None:
    raw = b"From: a@b.tg\r\n" + head + b"\r\n\r\ntext"
    began_s = time.process_time()
    with pytest.raises(Invalid, match=r"message\.malformed"):
        read_letter(raw)
    assert time.process_time() - began_s < MOST_S
