"""Chooses between two readings of a page, piece by piece: by agreement, known words and confidence. Pure.

The first reading has good spaces and lines. The second has better letters on damaged pages, but loses spaces, and its
confidences run high. So the two readings of a line are laid side by side, letter by letter. Where both have a space,
a piece ends. A piece that both read alike stays. Of the other pieces the likelier version goes into the text, and the
words of the other version are kept beside the text, for the search.
"""

import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rapidfuzz.distance import Levenshtein

from ged.ports import ReadBy
from ocr.lines import Line, Token
from ocr.unread import Box

_WIDE_GAP = 2.0  # times the usual distance of two letters: a space
_EVEN = 0.45  # a word as likely as this is neither won nor lost
_OF_KNOWN = 0.45  # what a known word counts, beside its confidence
_LONE = 0.5  # a letter by itself is a word or none
_SECOND_RUNS_HIGH = 1.5  # its doubts count for more
_WORD = re.compile(r"[^\W\d_]+")
_NEW_LINE = 0.5  # likelihood from which a line that only the second reader found goes into the text


@dataclass(frozen=True)
class Glyph:
    """A letter (or a space) that the second reader read: its centre in fractions of the page's width, confidence 0..100.

    ``others``: what else it held for possible there, each with its confidence.
    """

    text: str
    x: float
    confidence: float
    others: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Strip:
    """A line that the second reader read, from left to right, and its region."""

    glyphs: tuple[Glyph, ...]
    box: Box

    @property
    def confidence(self) -> float:
        """Mean over the letters; 0 without letters."""
        return statistics.fmean(glyph.confidence for glyph in self.glyphs) if self.glyphs else 0.0


@dataclass(frozen=True)
class Chosen:
    """The result: lines of the text, by whom each was read, and the words that were read and not chosen."""

    lines: tuple[Line, ...]
    read_by: tuple[ReadBy, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class _Word:
    text: str
    left: float
    right: float
    confidence: float
    token: Token | None = None


_Version = tuple[_Word, ...]
Known = Callable[[str], bool]


def choose(lines: Sequence[Line], strips: Sequence[Strip], known: Known) -> Chosen:
    """The better text of a page, line by line.

    Args:
        lines: the first reading.
        strips: the second reading: lines of its own finding, and of the first reading's lines.
        known: whether a word, in small letters, is a word of the language.
    """
    on_page = _read_alike(lines, strips)

    def is_known(word: str) -> bool:
        return word in on_page or known(word)

    places = _places(lines, strips)
    result: list[tuple[Line, ReadBy]] = []
    others: list[str] = []
    for number, line in enumerate(lines):
        mine = [strips[n] for n, place in enumerate(places) if place == number]
        chosen, read_by, left_over = _line(line, mine, is_known)
        others += left_over
        if chosen.tokens:
            result.append((chosen, read_by))
    for n, place in enumerate(places):
        if place is None:
            _add_new(result, others, strips[n], is_known)
    return Chosen(tuple(line for line, _ in result), tuple(by for _, by in result), tuple(others))


def likelier(one: Strip, other: Strip, known: Known) -> tuple[Strip, tuple[str, ...]]:
    """Of two readings of one line by the second reader: the likelier, and the words that only the other has."""
    better, worse = sorted((one, other), key=lambda strip: -_worth(_alone(strip, known), known, second=True))
    return better, tuple(_different(_alone(worse, known), _alone(better, known)))


def _alone(strip: Strip, known: Known) -> _Version:
    """The words of a line of the second reader, spaced in the likelier way."""
    letters, own, wide = _spaced(strip)
    if not letters:
        return ()
    return max((_version(letters, cuts) for cuts in (own, own | wide)), key=lambda v: _worth(v, known, second=True))


def _read_alike(lines: Sequence[Line], strips: Sequence[Strip]) -> frozenset[str]:
    """Words of four letters and more that both readers found on the page: names, mostly."""
    first = {word for line in lines for word in _words(line.text)}
    second = {word for strip in strips for word in _words("".join(glyph.text for glyph in strip.glyphs))}
    return frozenset(word for word in first & second if len(word) >= 4)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


# --- which strip is which line -----------------------------------------------------------------------------------


def _places(lines: Sequence[Line], strips: Sequence[Strip]) -> list[int | None]:
    """For each strip the number of the line with most letters in it."""
    return [place_of(lines, strip.box) for strip in strips]


def place_of(lines: Sequence[Line], box: Box) -> int | None:
    """The number of the line with most letters in a region; None when none is there."""
    best, most = None, 0
    for number, line in enumerate(lines):
        letters = sum(len(token.text) for token in line.tokens if is_inside(token, box))
        if letters > most:
            best, most = number, letters
    return best


def is_inside(token: Token, box: Box) -> bool:
    """Whether the middle of a word is in a region."""
    x, y = token.x + token.width / 2, token.y + token.height / 2
    return box.left <= x <= box.right and box.top <= y <= box.bottom


# --- a line ------------------------------------------------------------------------------------------------------


def _line(line: Line, strips: Sequence[Strip], known: Known) -> tuple[Line, ReadBy, list[str]]:
    tokens, others = list(line.tokens), list[str]()
    taken = 0
    for strip in sorted(strips, key=lambda strip: strip.box.left):
        inside = [token for token in tokens if is_inside(token, strip.box)]
        if not inside or not _spaced(strip):
            continue
        chosen, left_over, replaced = _merged(inside, strip, known)
        start = tokens.index(inside[0])
        tokens = [token for token in tokens if token not in inside]
        tokens[start:start] = chosen
        others += left_over
        taken += replaced
    by = ReadBy.FIRST if not taken else ReadBy.SECOND if taken >= len(tokens) else ReadBy.BOTH
    return replace(line, tokens=tuple(tokens)), by, others


def _merged(tokens: Sequence[Token], strip: Strip, known: Known) -> tuple[list[Token], list[str], int]:
    """Both readings of a line merged; the words that were not chosen; how many tokens are the second reader's."""
    height = statistics.median(token.height for token in tokens)
    top = statistics.median(token.y for token in tokens)
    result: list[Token] = []
    others: list[str] = []
    replaced = 0
    for first, versions in _pieces(tokens, strip):
        second = max(versions, key=lambda version: _worth(version, known, second=True), default=())
        if _text(first) == _text(second):
            result += [word.token for word in first if word.token]
            continue
        if _is_better(second, first, known):
            result += [_token(word, top, height) for word in second]
            replaced += len(second)
            others += _different(first, second)
        else:
            result += [word.token for word in first if word.token]
            others += _different(second, first)
    return result, others, replaced


def _is_better(second: _Version, first: _Version, known: Known) -> bool:
    """Whether the second version says more that is likely: a long reading beats a lucky word in the middle of a gap."""
    return _worth(second, known, second=True) > _worth(first, known)


def _different(version: _Version, other: _Version) -> list[str]:
    there = set(_words(_text(other)))
    return [word.text for word in version if any(part not in there for part in _words(word.text))]


def _text(version: _Version) -> str:
    return " ".join(word.text for word in version)


def _token(word: _Word, top: float, height: float) -> Token:
    return Token(word.text, word.left, top, max(word.right - word.left, 1e-4), height, round(word.confidence, 1))


def _worth(version: _Version, known: Known, *, second: bool = False) -> float:
    """The letters of a version, each by how much likelier than not it was on the page."""
    return sum(len(word.text) * (_likelihood(word, known, second=second) - _EVEN) for word in version)


def _mean(version: _Version, known: Known) -> float:
    letters = sum(len(word.text) for word in version)
    return sum(len(word.text) * _likelihood(word, known, second=True) for word in version) / max(letters, 1)


def _likelihood(word: _Word, known: Known, *, second: bool) -> float:
    """How likely a word was on the page, 0..1."""
    parts = _words(word.text)
    sure = word.confidence / 100
    if second:
        sure = max(0.0, 1 - _SECOND_RUNS_HIGH * (1 - sure))
    if not parts:
        return 0.5 * sure
    share = sum(len(part) * _known(part, known) for part in parts) / sum(map(len, parts))
    return _OF_KNOWN * share + (1 - _OF_KNOWN) * sure


def _known(part: str, known: Known) -> float:
    return _LONE if len(part) == 1 else float(known(part))


# --- pieces ------------------------------------------------------------------------------------------------------


def _pieces(tokens: Sequence[Token], strip: Strip) -> Iterator[tuple[_Version, list[_Version]]]:
    """The pieces of a line between spaces that both have: the first version, and the second with each way of spacing."""
    glyphs, own, wide = _spaced(strip)
    first = "".join(token.text for token in tokens)
    second = "".join(glyph.text for glyph in glyphs)
    ends: list[int] = []
    for token in tokens:
        ends.append((ends[-1] if ends else 0) + len(token.text))
    path = _path(first, second)
    cuts = own | wide
    # Where letters were added at the end of a word, it ends before them, unless the second reader saw a space behind.
    beside = dict(reversed(path)) | {i: j for i, j in path if j in own}
    common = [(i, j) for i, j in path if (i in ends or i == 0) and (j in cuts or j in {0, len(glyphs)})]
    for (i, j), (i2, j2) in pairwise(_ordered(common, len(first), len(second))):
        mine = tuple(
            _Word(token.text, token.x, token.x + token.width, token.confidence, token)
            for token, end in zip(tokens, ends, strict=True)
            if i < end <= i2
        )
        theirs = glyphs[j:j2]
        as_first = {beside[end] for end in ends}
        ways = (own, own | wide, as_first, as_first | own)
        yield mine, [version for way in ways if (version := _version(theirs, {n - j for n in way}))]


def _ordered(common: Iterable[tuple[int, int]], first: int, second: int) -> list[tuple[int, int]]:
    points = [(0, 0)]
    for i, j in sorted({*common, (first, second)}):
        if i >= points[-1][0] and j >= points[-1][1] and (i, j) != points[-1]:
            points.append((i, j))
    return points


def _version(glyphs: Sequence[Glyph], cuts: set[int]) -> _Version:
    edges = sorted({0, len(glyphs), *(cut for cut in cuts if 0 < cut < len(glyphs))})
    return tuple(_word(glyphs[start:end]) for start, end in pairwise(edges))


def _word(glyphs: Sequence[Glyph]) -> _Word:
    half = 0.5 * (glyphs[-1].x - glyphs[0].x) / max(len(glyphs) - 1, 1)
    return _Word(
        "".join(glyph.text for glyph in glyphs),
        glyphs[0].x - half,
        glyphs[-1].x + half,
        statistics.fmean(glyph.confidence for glyph in glyphs),
    )


def _spaced(strip: Strip) -> tuple[tuple[Glyph, ...], set[int], set[int]]:
    """The letters without spaces; where the reader itself saw spaces; where the letters stand far apart."""
    letters: list[Glyph] = []
    own: set[int] = set()
    for glyph in strip.glyphs:
        if glyph.text.isspace():
            own.add(len(letters))
        else:
            letters.append(glyph)
    gaps = [(n, right.x - left.x) for n, (left, right) in enumerate(pairwise(letters), 1)]
    usual = statistics.median(gap for n, gap in gaps if n not in own) if any(n not in own for n, _ in gaps) else 0.0
    wide = {n for n, gap in gaps if usual and gap > _WIDE_GAP * usual}
    return tuple(letters), own - {0, len(letters)}, wide


def _path(first: str, second: str) -> list[tuple[int, int]]:
    """The places in both texts that stand beside each other, from the fewest edits."""
    path = [(0, 0)]
    for edit in Levenshtein.opcodes(first.casefold(), second.casefold()):
        across, down = edit.src_end - edit.src_start, edit.dest_end - edit.dest_start
        for step in range(1, max(across, down) + 1):
            path.append((edit.src_start + min(step, across), edit.dest_start + min(step, down)))
    return path


# --- lines of the second reader alone ----------------------------------------------------------------------------


def _add_new(result: list[tuple[Line, ReadBy]], others: list[str], strip: Strip, known: Known) -> None:
    version = _alone(strip, known)
    if not version:
        return
    if _mean(version, known) < _NEW_LINE:
        others += [word.text for word in version]
        return
    height = 0.7 * (strip.box.bottom - strip.box.top)
    top = strip.box.top + 0.15 * (strip.box.bottom - strip.box.top)
    line = Line(tuple(_token(word, top, height) for word in version))
    place = next((n for n, (other, _) in enumerate(result) if _is_below(other, line)), len(result))
    result.insert(place, (line, ReadBy.SECOND))


def _is_below(other: Line, line: Line) -> bool:
    left, right = line.tokens[0].x, line.tokens[-1].x + line.tokens[-1].width
    beside = min(right, max(t.x + t.width for t in other.tokens)) - max(left, min(t.x for t in other.tokens))
    return beside > 0 and min(t.y for t in other.tokens) > line.tokens[0].y
