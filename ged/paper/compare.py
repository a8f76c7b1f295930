"""Compares the known text of a print with the text read on its scan: which words and which figures differ. Pure.

All steps take linear time, except the alignment of words, whose input is limited.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import pairwise

MAX_CHARACTERS = 40_000
"""Some fifteen full pages."""
MAX_WORDS = 2500
MAX_WORD = 80
"""Longer words are truncated: OCR of a drawing may give one word for a whole page."""
MOST_OF_A_CODE = 2
"""Number of false figures that OCR may read in the picture of a code, above the first figure of the print."""
MOST_OF_A_PAGE_NUMBER = 3
MONTHS = (
    "janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre", "octobre", "novembre",
    "decembre",
)  # fmt: skip
_DAY = re.compile(r"(\d{1,2})(?:er)?")
_YEAR = re.compile(r"\d{4}")
_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_FOOT = re.compile(r"(?:^|\s)page\s{0,3}\d{1,3}\s{0,3}[/|]\s{0,3}\d{1,3}\s*$", re.IGNORECASE)
"""The end of the last line of our pages: ``Ministère · 00042/2026/MIN Page 1 / 2``."""
_BARE_FOOT = re.compile(r"\s*\d{1,3}\s{0,3}/\s{0,3}\d{1,3}\s*")
_BOX = re.compile(r"[\[({|]+\d[\])}|]*|\d[\]}|]+")
"""A ticked box of our sheets, as OCR reads it."""
_GROUPED = re.compile(r"\d{1,3}(?:[.]\d{3})+")


class Mark(StrEnum):
    """The relation of a run of words to the other text."""

    SAME = "same"
    MOVED = "moved"
    """The other text has these words as often, at another place: OCR reads columns in its own order."""
    DIFFERS = "differs"


@dataclass(frozen=True)
class Piece:
    """A run of words, or of the spaces and line ends behind them."""

    text: str
    mark: Mark = Mark.SAME

    @property
    def differs(self) -> bool:
        """Whether the other text lacks these words."""
        return self.mark is Mark.DIFFERS


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison.

    Attributes:
        missing: numbers, amounts and dates of the print that were not read on the scan.
        added: numbers, amounts and dates read on the scan that are not on the print.
        known, read: both texts, word by word.
        is_cut: a text was longer than the limit.
    """

    missing: tuple[str, ...]
    added: tuple[str, ...]
    known: tuple[Piece, ...]
    read: tuple[Piece, ...]
    is_cut: bool = False

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        return any(piece.differs for piece in (*self.known, *self.read)) or bool(self.missing or self.added)

    @property
    def is_moved(self) -> bool:
        """Whether words are in another order."""
        return any(piece.mark is Mark.MOVED for piece in (*self.known, *self.read))


def compare(known: str, read: str, *, is_sheet: bool = False) -> Comparison:
    """Compare both texts word by word. Case, accents, punctuation, and the format of amounts and dates are ignored.

    Args:
        known: the text of the print.
        read: the text read on the scan. The foot of its pages is ignored: page numbers, and repeated figures of the
            print.
        is_sheet: the print is one of our sheets: figures read in its boxes and in the picture of its code are ignored.
    """
    ours, theirs = _words(known), _words(read)
    missing, added = _figures_apart(ours, theirs, is_sheet=is_sheet)
    is_cut = max(len(ours), len(theirs)) > MAX_WORDS or max(len(known), len(read)) > MAX_CHARACTERS
    ours, theirs = ours[:MAX_WORDS], theirs[:MAX_WORDS]
    here, there = [word.key for word in ours], [word.key for word in theirs]
    same_here, same_there = set[int](), set[int]()
    for block in SequenceMatcher(None, here, there).get_matching_blocks():
        same_here.update(range(block.a, block.a + block.size))
        same_there.update(range(block.b, block.b + block.size))
    return Comparison(
        missing, added, _pieces(ours, same_here, Counter(there)), _pieces(theirs, same_there, Counter(here)), is_cut
    )


@dataclass(frozen=True)
class _Word:
    key: str
    raw: str


def _words(text: str) -> list[_Word]:
    keys: list[str] = []
    raws: list[list[str]] = []
    for raw in re.findall(r"\S+\s*", text[:MAX_CHARACTERS]):
        key = _folded(raw[:MAX_WORD])
        if key or not keys:
            keys.append(key)
            raws.append([raw])
        else:
            # Separate punctuation is ignored: it is appended to the word before.
            raws[-1].append(raw)
    return [_Word(key, "".join(parts)) for key, parts in zip(keys, raws, strict=True)]


def _folded(raw: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", raw.casefold()) if not unicodedata.combining(c))
    return plain.replace("’", "'").strip().strip("«»\"'’“”()[]{}.,;:!?*_-–—…•|<>=+")


def _pieces(words: Sequence[_Word], same: set[int], others: Counter[str]) -> tuple[Piece, ...]:
    left = others.copy()
    left.subtract(words[n].key for n in same)
    pieces: list[tuple[Mark, list[str]]] = []
    for n, word in enumerate(words):
        mark = Mark.SAME
        if n not in same and word.key:
            mark = Mark.MOVED if left[word.key] > 0 else Mark.DIFFERS
            left[word.key] -= 1
        if pieces and pieces[-1][0] is mark:
            pieces[-1][1].append(word.raw)
        else:
            pieces.append((mark, [word.raw]))
    return tuple(piece for mark, raws in pieces for piece in _apart("".join(raws), mark))


def _apart(text: str, mark: Mark) -> Iterator[Piece]:
    """A marked run ends with its last word: the line end behind it is not marked."""
    bare = text.rstrip()
    if bare and mark is not Mark.SAME:
        yield Piece(bare, mark)
        text = text[len(bare) :]
    if text:
        yield Piece(text)


_Figure = tuple[str, str]
"""(normalised form, written form)."""


def _figures_apart(
    ours: Sequence[_Word], theirs: Sequence[_Word], *, is_sheet: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    here, marks_here = _told_apart(ours, frozenset(), is_sheet=is_sheet)
    borne = frozenset(key for key, _ in (*here, *marks_here))
    there, marks_there = _told_apart(theirs, borne, is_sheet=is_sheet)
    return _without(here, there, marks_there), _without(there, here, marks_here)


def _told_apart(
    words: Sequence[_Word], borne: frozenset[str], *, is_sheet: bool
) -> tuple[list[_Figure], list[_Figure]]:
    """(figures, optional figures): the optional ones are at the foot of a page, in boxes or in a code.

    Args:
        borne: figures of the other text: at the foot of a page only these may be repeated.
    """
    figures: list[_Figure] = []
    marks: list[_Figure] = []
    kept, foot = _without_page_numbers(words)
    is_above = is_sheet and bool(borne)
    for at, size, key, shown in _figures(kept):
        is_above = is_above and key not in borne
        is_mark = (
            (at in foot and key in borne)
            or (is_sheet and size == 1 and _BOX.fullmatch(shown) is not None)
            or (is_above and len(key) <= MOST_OF_A_CODE)
        )
        (marks if is_mark else figures).append((key, shown))
    return figures, marks


def _without_page_numbers(words: Sequence[_Word]) -> tuple[list[_Word], set[int]]:
    """(words without ``Page 1 / 2``, indexes of the words before it at the foot of a page)."""
    kept: list[_Word] = []
    foot: set[int] = set()
    lines = list(_lines(words))
    for number, line in enumerate(lines, 1):
        text = "".join(word.raw for word in line)
        if _FOOT.search(text) is not None:
            before = line[: _before_page_number(line)]
            foot.update(range(len(kept), len(kept) + len(before)))
            kept += before
        elif number < len(lines) or _BARE_FOOT.fullmatch(text) is None:
            kept += line
    return kept, foot


def _lines(words: Sequence[_Word]) -> Iterator[list[_Word]]:
    line: list[_Word] = []
    for word in words:
        line.append(word)
        if "\n" in word.raw:
            yield line
            line = []
    if line:
        yield line


def _before_page_number(line: Sequence[_Word]) -> int:
    """The number of words before the page number: ``Page 1 / 2``, ``Page1/2``, ``1/2``."""
    at = len(line)
    while at and not line[at - 1].key.startswith("page") and len(line) - at < MOST_OF_A_PAGE_NUMBER:
        at -= 1
    return at - 1 if at and line[at - 1].key.startswith("page") else 0


def _without(these: Sequence[_Figure], those: Sequence[_Figure], marks: Sequence[_Figure]) -> tuple[str, ...]:
    """The written forms of figures that are more frequent in ``these`` than in ``those``, each once."""
    over = Counter(key for key, _ in these) - Counter(key for key, _ in (*those, *marks))
    return tuple(dict.fromkeys(shown for key, shown in these if key in over))


def _figures(words: Sequence[_Word]) -> Iterator[tuple[int, int, str, str]]:
    """Numbers, amounts and dates: (place, number of words, normalised form, written form)."""
    at = 0
    while at < len(words):
        taken = _date_in_words(words, at) or _amount(words, at)
        if taken is None:
            word = words[at]
            if any(c.isdecimal() for c in word.key):
                yield at, 1, _one(word.key), _shown([word])
            at += 1
        else:
            key, size = taken
            yield at, size, key, _shown(words[at : at + size])
            at += size


def _shown(words: Sequence[_Word]) -> str:
    return " ".join(" ".join(word.raw.split()) for word in words).rstrip(".,;: ")


def _one(key: str) -> str:
    if (match := _DATE.fullmatch(key)) is not None:
        return f"{match[3]}-{int(match[2]):02d}-{int(match[1]):02d}"
    return key.replace(".", "") if _GROUPED.fullmatch(key) else key


def _date_in_words(words: Sequence[_Word], at: int) -> tuple[str, int] | None:
    day, month, year = ([word.key for word in words[at : at + 3]] + ["", "", ""])[:3]
    match = _DAY.fullmatch(day)
    if match is None or month not in MONTHS or _YEAR.fullmatch(year) is None:
        return None
    return f"{year}-{MONTHS.index(month) + 1:02d}-{int(match[1]):02d}", 3


def _amount(words: Sequence[_Word], at: int) -> tuple[str, int] | None:
    """An amount of groups of three digits separated by spaces: ``5 000 000``."""
    if re.fullmatch(r"\d{1,3}", words[at].key) is None:
        return None
    end = at + 1
    for one, following in pairwise(words[at : at + 8]):
        if one.raw.rstrip() != one.raw.rstrip().rstrip(".,;:)") or re.fullmatch(r"\d{3}", following.key) is None:
            break
        end += 1
    return ("".join(word.key for word in words[at:end]), end - at) if end > at + 1 else None
