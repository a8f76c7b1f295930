"""Tables of born-digital pages: pdfplumber finds the rows and cells; the words are those of PDFium.

Runs only inside ``ocr.child``, for the page may be hostile. If pdfplumber fails, the page keeps its words.
"""

import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from ocr.lines import Line, Token, by_height

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in fractions of the page as shown."""
Grid = tuple[tuple[Box, ...], ...]
"""The cells of a table, row by row."""

MAX_WORDS = 5_000
MAX_PAGE_NO = 100
"""Later pages of a document keep the order of their words: hundreds of pages of tables are a list."""
MAX_CELLS = 3_000
"""Of a page; more are a drawing, or an attack."""
_WIDE_GAP_HEIGHTS = 1.2  # a blank is a third of a letter's height
_ROWS = 2
_GUTTER_PT = 5.0
_LEVEL_PT, _ENDS_PT, _RULE_PT, _NEXT_ROW_PT = 3.0, 4.0, 60.0, 18.0
_SAME_ROW = 0.003  # of the height: half the height of small letters
_RULES = 3
_COLUMNS = 3  # two columns of prose have a gutter too
_PROSE_WORDS = 7  # so many without a gap are a line of prose
_STACKED = 1.5  # cells for each row: with fewer, the rows are boxes of the whole width
_MOSTLY = 0.6  # of the rows: their last cell is a figure
_APART = 1.3  # of the least distance of lines: a line that stands further from the next one does not belong to it
_FIGURE = re.compile(r"(?=.*\d)[\d\s.,'’%€$£+\-−()]+(?:EUR|FCFA|XOF|USD|F|HT|TTC)?$")
_BESIDE_FIGURES = frozenset({"€", "$", "£", "EUR", "FCFA", "F", "CFA", "XOF", "USD", "%", "HT", "TTC"})


class TablesUnread(Exception):
    """pdfplumber failed, or did not finish in time."""


class _Late(BaseException):
    """Raised by the timer inside pdfplumber, which takes every ``Exception`` for a damaged file."""


def has_gaps(lines: Sequence[Line]) -> bool:
    """Whether some lines have wide gaps between words; without gaps, no table is searched."""
    return sum(map(_is_gapped, by_height([token for line in lines for token in line.tokens]))) >= _ROWS


def _is_gapped(row: Sequence[Token]) -> bool:
    return any(
        right.x - left.x - left.width > _WIDE_GAP_HEIGHTS * min(left.height, right.height)
        for left, right in pairwise(row)
    )


def find_grids(path: Path, page_index: int, rotation: int, lines: Sequence[Line], *, timeout_s: float) -> list[Grid]:
    """The tables of a page that is displayed turned clockwise by ``rotation``; ``lines`` are its words.

    Raises:
        TablesUnread: pdfplumber failed, did not finish in time, or found too many cells.
    """
    tokens = [token for line in lines for token in line.tokens]
    try:
        with _limited(timeout_s):
            import pdfplumber  # noqa: PLC0415 - a third of a second, and few pages have tables

            with pdfplumber.open(path, pages=[page_index + 1]) as document:
                page = document.pages[0]
                frame = _frame(page)
                words = [_points(_turned(_box(token), -rotation), frame) for token in tokens]
                found = [
                    _in_order([_turned(_fraction(cell, frame), rotation) for cell in cells])
                    for cells in _tables(page, words, _figures(words, tokens), is_turned=rotation % 180 != 0)
                ]
                if sum(len(row) for grid in found for row in grid) > MAX_CELLS:
                    raise TablesUnread("cells")
                boxes = list(map(_box, tokens))
                return [grid for grid in found if _is_table(grid, boxes)]
    except _Late as late:
        raise TablesUnread("late") from late
    except TablesUnread:
        raise
    except Exception as error:  # a hostile page may make pdfplumber raise anything
        raise TablesUnread(type(error).__name__) from error


@contextmanager
def _limited(timeout_s: float) -> Iterator[None]:
    """Interrupt the block at the timeout, by a timer that fires again if its exception was swallowed."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("the clock rings in the main thread alone")

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(timeout_s, 0.001), 0.5)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _figures(words: Sequence[Box], tokens: Sequence[Token]) -> frozenset[Box]:
    """The words that are numbers or sums, or stand beside them: currencies, %, HT, TTC."""
    named = zip(words, tokens, strict=True)
    return frozenset(word for word, token in named if _FIGURE.match(token.text) or token.text in _BESIDE_FIGURES)


def _tables(page: Any, words: Sequence[Box], figures: frozenset[Box], *, is_turned: bool) -> Iterator[list[Box]]:
    """The cells of ruled tables, then of tables with only horizontal lines, whose columns are separated by gutters."""
    finder = page.debug_tablefinder()
    stacked = [table for table in finder.tables if len(table.cells) <= _STACKED * len(table.rows)]
    for table in finder.tables:
        if is_turned or table not in stacked:
            yield list(table.cells)
    if is_turned:
        return
    # A shaded row is no table; boxes of the whole width, one on the other, are rows without columns.
    framed = [table.bbox for table in finder.tables if len(table.rows) >= _ROWS and table not in stacked]
    for left, right, levels in _ruled_regions(finder.edges, framed):
        band = [word for word in words if left <= _middle(word)[0] <= right]
        for part in _parts(levels, band):
            rows = _ruled_across(left, right, part, band, figures)
            if rows:
                yield [cell for row in rows for cell in row]
    for table in stacked:
        yield list(table.cells)


def _in_order(cells: Sequence[Box]) -> Grid:
    """Cells row by row, as displayed; a cell that spans several rows counts in the first of them."""
    rows: list[list[Box]] = []
    for cell in sorted(cells, key=lambda cell: cell[1]):
        if rows and cell[1] - rows[-1][0][1] < _SAME_ROW:
            rows[-1].append(cell)
        else:
            rows.append([cell])
    return tuple(tuple(sorted(row)) for row in rows)


def _parts(levels: Sequence[float], words: Sequence[Box]) -> Iterator[list[float]]:
    """The heights of the lines of each table: between two tables is nothing, or prose, or other columns begin."""
    part = [levels[0]]
    for above, below in pairwise(levels):
        inside = [word for word in words if above <= _middle(word)[1] <= below]
        own = len(
            _gutters(inside)
        )  # gutters of this band; below, those of the part ``before`` it, and of both ``together``
        row = _cells_of_row([0.0, *_gutters_between(words, part[0], above), 0.0], above, below)
        if len(part) > 1 and sum(_is_across(line, row) for line in _base_lines(inside)) > 1:
            own = 0  # one line of prose may stand between rows; more are a text
        if not own:
            yield part
            part = [below]
            continue
        if len(part) > 1:
            before = len(_gutters_between(words, part[0], above))
            together = len(_gutters_between(words, part[0], below))
            if together < min(own, before) or together < own - 1:  # one gap of a row may be by chance
                # Where two tables touch, the last band may be the head of the second.
                is_head = len(part) > 2 and len(_gutters_between(words, part[-2], below)) >= own
                yield part[:-1] if is_head else part
                part = part[-2:] if is_head else [above]
        part.append(below)
    yield part


def _gutters_between(words: Sequence[Box], above: float, below: float) -> list[float]:
    return _gutters([word for word in words if above <= _middle(word)[1] <= below])


def _ruled_across(
    left: float, right: float, levels: Sequence[float], words: Sequence[Box], figures: frozenset[Box]
) -> Grid:
    """The rows between horizontal lines; none if there are too few lines or columns, or if rows cannot be told apart."""
    columns = [left, *_gutters_between(words, levels[0], levels[-1]), right]
    if len(levels) < _RULES or len(columns) < _COLUMNS:
        return ()
    edges = [*_beyond(words, columns, levels[0], -1), *levels]
    below_last = _beyond(words, columns, levels[-1], 1)
    if below_last and _ends_in_figures([_cells_of_row(columns, levels[-1], below_last[0])], words, figures):
        edges += below_last  # a total; the foot of the page may stand there in columns too
    rows: list[tuple[Box, ...]] = []
    for above, below in pairwise(edges):
        row = _cells_of_row(columns, above, below)
        inside = [word for word in words if above <= _middle(word)[1] <= below]
        sums = _base_lines([word for word in inside if _holds(row[-1], word)])
        several = _holds_several(row, inside) or (len(sums) > 1 and _are_figures(sums, figures))
        if not several and not any(_is_across(line, row) for line in _base_lines(inside)):
            rows.append(row)
            continue
        parted = _parted(row, inside, figures)
        if not parted:
            return ()
        rows += parted
    if len(columns) == _COLUMNS and not _ends_in_figures(rows, words, figures):
        return ()
    return tuple(rows)


def _ends_in_figures(rows: Sequence[Sequence[Box]], words: Sequence[Box], figures: frozenset[Box]) -> bool:
    """Whether the last cells are sums: two columns of prose have no sums."""
    last = [held for row in rows if (held := [word for word in words if _holds(row[-1], word)])]
    return _are_figures(last, figures)


def _are_figures(cells: Sequence[Sequence[Box]], figures: frozenset[Box]) -> bool:
    return bool(cells) and sum(all(word in figures for word in held) for held in cells) >= _MOSTLY * len(cells)


def _parted(row: Sequence[Box], words: Sequence[Box], figures: frozenset[Box]) -> list[tuple[Box, ...]]:
    """The rows of a band without lines between them: each begins where its last cell has words, or another one a sum.

    Another line belongs to the row above, as the second line of a text does; a line of prose is a row of one cell.
    None if the last cells are not mostly figures (addresses side by side are no rows), or if a row may begin above them.
    """
    left, top, bottom, right = row[0][0], row[0][1], row[0][3], row[-1][2]
    lines = _base_lines(words)
    begins: list[int] = []
    for place, line in enumerate(lines):
        cells = [[word for word in line if _holds(cell, word)] for cell in row]
        has_sum = bool(cells[0]) and any(_are_figures([held], figures) for held in cells[1:] if held)
        if _is_across(line, row) or has_sum or (cells[-1] and sum(map(bool, cells)) > 1):
            begins.append(place)
    across = {place for place in begins if _is_across(lines[place], row)}
    last = [[word for word in lines[place] if _holds(row[-1], word)] for place in begins if place not in across]
    if not _are_figures([held for held in last if held], figures):
        return []
    if begins[0]:
        tops = [min(word[1] for word in line) for line in lines]
        steps = [below - above for above, below in pairwise(tops)]
        if steps[begins[0] - 1] < _APART * min(steps):
            return []
        begins.insert(0, 0)
    # Between the last line of a row and the first line of the next.
    ends = [(max(w[3] for w in lines[place - 1]) + min(w[1] for w in lines[place])) / 2 for place in begins[1:]]
    bands = pairwise([top, *ends, bottom])
    return [
        ((left, above, right, below),) if place in across else tuple((cell[0], above, cell[2], below) for cell in row)
        for place, (above, below) in zip(begins, bands, strict=True)
    ]


def _base_lines(words: Sequence[Box]) -> list[list[Box]]:
    """The words grouped by height, from the top, and from left to right."""
    found: list[list[Box]] = []
    for word in sorted(words, key=lambda word: _middle(word)[1]):
        if found and _middle(word)[1] < found[-1][0][3]:
            found[-1].append(word)
        else:
            found.append([word])
    return [sorted(line) for line in found]


def _runs_on(line: Sequence[Box]) -> bool:
    """Whether a line is prose: many words without a gap."""
    return len(line) >= _PROSE_WORDS and all(right[0] - left[2] <= _GUTTER_PT for left, right in pairwise(line))


def _cells_of_row(columns: Sequence[float], above: float, below: float) -> tuple[Box, ...]:
    return tuple((begin, above, end, below) for begin, end in pairwise(columns))


def _is_table(grid: Grid, words: Sequence[Box]) -> bool:
    """Whether at least two rows have at least two cells with words each: a frame around a paragraph has not."""
    places = _Places([grid])
    filled = {place for word in words if (place := places.of(word)) is not None}
    rows = Counter(place.row for place in filled)
    return sum(count >= 2 for count in rows.values()) >= _ROWS


def _ruled_regions(edges: Sequence[Any], found: Sequence[Box]) -> Iterator[tuple[float, float, list[float]]]:
    """Regions of stacked lines with equal ends, outside of the tables found: left, right and the heights."""
    ruled: dict[tuple[int, int], list[float]] = {}
    for edge in edges:
        left, right, level = float(edge["x0"]), float(edge["x1"]), float(edge["top"])
        is_across = edge["orientation"] == "h" and right - left >= _RULE_PT
        if is_across and not any(_holds(box, (left, level, right, level)) for box in found):
            ruled.setdefault((round(left / _ENDS_PT), round(right / _ENDS_PT)), []).append(level)
    for (left_step, right_step), levels in ruled.items():
        apart = [level for before, level in pairwise([-_LEVEL_PT, *sorted(levels)]) if level - before >= _LEVEL_PT]
        if len(apart) >= _RULES:
            yield (left_step - 0.5) * _ENDS_PT, (right_step + 0.5) * _ENDS_PT, apart


def _beyond(words: Sequence[Box], columns: Sequence[float], level: float, side: int) -> list[float]:
    """The far edge of a row above the first line or below the last: words side by side, next to that line."""
    near = [word for word in words if 0 < side * (_middle(word)[1] - level) < _NEXT_ROW_PT]
    # Prose has no gutters; a head has all of them; a total at the foot may have empty cells.
    if len(_gutters(near)) < (len(columns) - 2 if side < 0 else 1):
        return []
    return [min(word[1] for word in near) - 1 if side < 0 else max(word[3] for word in near) + 1]


def _holds_several(row: Sequence[Box], words: Sequence[Box]) -> bool:
    """Whether each cell has words below words: the lines then separate groups of rows, which stay unchanged."""
    filled = [held for cell in row if (held := [word for word in words if _holds(cell, word)])]
    return len(filled) > 1 and all(
        max(word[1] for word in held) > min(word[3] for word in held) - _LEVEL_PT for held in filled
    )


def _gutters(words: Sequence[Box]) -> list[float]:
    """The middles of the vertical strips without words; a line of prose between rows closes none."""
    lines = _base_lines(words)
    strips = _strips([word for line in lines if not _runs_on(line) for word in line])
    kept = [line for line in lines if not (_runs_on(line) and _crosses(line, strips))]
    return [(left + right) / 2 for left, right in _strips([word for line in kept for word in line])]


def _strips(words: Sequence[Box]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    reached = None
    for left, _, right, _ in sorted(words):
        if reached is not None and left - reached > _GUTTER_PT:
            found.append((reached, left))
        reached = right if reached is None else max(reached, right)
    return found


def _is_across(line: Sequence[Box], row: Sequence[Box]) -> bool:
    """Whether a line is prose that goes through several cells."""
    return _runs_on(line) and _crosses(line, [(cell[0], cell[0]) for cell in row[1:]])


def _crosses(line: Sequence[Box], strips: Sequence[tuple[float, float]]) -> bool:
    return any(line[0][0] < left and right < line[-1][2] for left, right in strips)


def _frame(page: Any) -> Box:
    """The visible part of the page in pdfplumber's coordinates: it turns the page, but not the crop box."""
    outer, inner = page.page_obj.mediabox, page.page_obj.cropbox
    cut = (inner[0] - outer[0], outer[3] - inner[3], outer[2] - inner[2], inner[1] - outer[1])
    margins = [max(0.0, float(one)) for one in cut]  # left, top, right, bottom
    turns = int(page.rotation) // 90 % 4
    left, top, right, bottom = margins[-turns:] + margins[:-turns] if turns else margins
    x0, y0, x1, y1 = map(float, page.bbox)
    return x0 + left, y0 + top, x1 - right, y1 - bottom


def _fraction(box: Sequence[float], frame: Box) -> Box:
    width, height = frame[2] - frame[0], frame[3] - frame[1]
    left, top, right, bottom = box
    return (
        (left - frame[0]) / width,
        (top - frame[1]) / height,
        (right - frame[0]) / width,
        (bottom - frame[1]) / height,
    )


def _points(box: Box, frame: Box) -> Box:
    width, height = frame[2] - frame[0], frame[3] - frame[1]
    return box[0] * width + frame[0], box[1] * height + frame[1], box[2] * width + frame[0], box[3] * height + frame[1]


def _turned(box: Box, degrees: int) -> Box:
    """A box of a page, in coordinates of the page turned clockwise."""
    left, top, right, bottom = box
    for _ in range(degrees // 90 % 4):
        left, top, right, bottom = 1 - bottom, left, 1 - top, right
    return left, top, right, bottom


def _box(token: Token) -> Box:
    return token.x, token.y, token.x + token.width, token.y + token.height


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _holds(outer: Box, inner: Box) -> bool:
    across, down = _middle(inner)
    return outer[0] <= across <= outer[2] and outer[1] <= down <= outer[3]


@dataclass(frozen=True)
class _Place:
    table: int
    row: int
    cell: int


class _Places:
    """Finds the cell in which a word stands."""

    def __init__(self, grids: Sequence[Grid]) -> None:
        self._bands: dict[int, list[tuple[Box, _Place]]] = {}
        for table, grid in enumerate(grids):
            for number, row in enumerate(grid):
                for place, box in enumerate(row):
                    for band in range(_band(box[1]), _band(box[3]) + 1):
                        self._bands.setdefault(band, []).append((box, _Place(table, number, place)))

    def of(self, word: Box) -> _Place | None:
        """The first cell that holds the middle of a word."""
        near = self._bands.get(_band(_middle(word)[1]), ())
        return next((place for box, place in near if _holds(box, word)), None)


def _band(height: float) -> int:
    return round(min(max(height, 0.0), 1.0) * 100)


def in_rows(lines: Sequence[Line], grids: Sequence[Grid]) -> tuple[Line, ...]:
    """The lines of a page with each row of a table in one line, its words cell by cell; no word is lost."""
    places = _Places(grids)
    held: dict[_Place, list[Token]] = {}
    result: list[Line | int] = []
    begun: set[int] = set()
    for line in lines:
        outside: list[Token] = []
        for token in line.tokens:
            place = places.of(_box(token))
            if place is None:
                outside.append(token)
                continue
            if place.table not in begun:
                begun.add(place.table)
                result.append(place.table)
            held.setdefault(place, []).append(token)
        if outside:
            result.append(Line(tuple(outside), line.starts_paragraph))
    made: list[Line] = []
    for one in result:
        made += [one] if isinstance(one, Line) else _lines_of(one, grids[one], held)
    return tuple(made)


def _lines_of(table: int, grid: Grid, held: dict[_Place, list[Token]]) -> Iterator[Line]:
    starts = True
    for number, row in enumerate(grid):
        cells = [_as_read(held.get(_Place(table, number, place), [])) for place in range(len(row))]
        tokens = tuple(token for cell in cells for token in cell)
        if tokens:
            yield Line(tokens, starts, cells=tuple(map(len, cells)), table=table + 1)
            starts = False


def _as_read(words: Sequence[Token]) -> list[Token]:
    """The words of a cell line by line: on a page that lies on its side, PDFium returns another order."""
    return [word for line in by_height(words) for word in line]
