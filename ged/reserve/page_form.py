"""The boxes and cells of a page of a reserve book: where each stands, and what a reading says of each line. Pure.

The page's code names the version of the places and how many lines the page has. ``LAYOUT`` rises with every change of a
place; the places of earlier versions stay in ``_PLACED``. The receipts, which are torn off, lie outside of the form.

Lengths are millimetres from the upper left corner of the table, to the right and downwards.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ged.ports import BoxState, FormArea, FormBox, PrintedForm

LAYOUT = 1
URGENT, VOID = "urgent", "void"
BOXES = (URGENT, VOID)
CELLS = ("date", "clock", "sender", "subject", "reference", "enclosures", "addressee", "depositor")
"""What is written by hand on a line, from left to right."""
WITH_INK = tuple(cell for cell in CELLS if cell != "clock")
"""Cells in which nothing is printed: ink there was written by hand."""
ROW, PAGE = "row", "page"


@dataclass(frozen=True)
class PagePlaces:
    """Where everything of a page stands.

    Attributes:
        form: boxes, marks and areas, for the engine that reads them.
        columns: where each column ends: the number, ``CELLS``, the boxes.
        head: height of the heads of the columns.
        pitch: from one line to the next.
        gutter: width of the strip with marks, between the boxes and the receipts.
        receipt: width of a receipt.
        labels: height at which the words of the two boxes begin, from the top of a line.
    """

    form: PrintedForm
    columns: tuple[float, ...]
    head: float
    pitch: float
    gutter: float
    receipt: float
    labels: tuple[float, float]


def is_known(layout: int) -> bool:
    """Whether this program knows the places of a version."""
    return layout in _PLACED


def places(layout: int, count: int, *, code: str) -> PagePlaces:
    """The places of a page with so many lines.

    Raises:
        KeyError: a version that this program does not know.
    """
    return _PLACED[layout](count, code)


def _place_1(count: int, code: str) -> PagePlaces:
    """Version 1: a row for each line, two boxes at its end, one over the other."""
    columns = (23.0, 40.0, 53.0, 94.0, 135.0, 162.0, 171.0, 195.0, 215.0, 227.0)
    head, pitch, box, code_size, inset = 7.5, 15.6, 3.8, 21.0, 0.9
    tops, labels = (3.0, 10.6), (0.9, 8.5)
    width, height = columns[-1], head + pitch * count
    boxes, areas = [], []
    left = (columns[-2] + columns[-1] - box) / 2
    for n in range(1, count + 1):
        y = head + (n - 1) * pitch
        boxes += [FormBox(f"{name}:{n}", left, y + top, box) for name, top in zip(BOXES, tops, strict=True)]
        for name, start, end in zip(CELLS, columns, columns[1:], strict=False):
            areas.append(FormArea(f"{name}:{n}", start + inset, y + inset, end - start - 2 * inset, pitch - 2 * inset))
        areas.append(FormArea(f"{ROW}:{n}", 0.0, y, columns[-2], pitch))
    side, out = 3.4, 2.8
    marks = tuple((x, y) for y in (side / 2, height / 2, height - side / 2) for x in (-out, width + out))
    form = PrintedForm(code, (width - code_size, -1.5 - code_size, code_size), marks, side, tuple(boxes), tuple(areas))
    return PagePlaces(form, columns, head, pitch, 5.5, 44.0, labels)


_PLACED: Mapping[int, Callable[[int, str], PagePlaces]] = {1: _place_1}


class LineSaid(StrEnum):
    """What a scanned page says of a line."""

    WRITTEN = "written"
    """Something is written on it."""
    EMPTY = "empty"
    VOID = "void"
    """Its box « gâchée » is surely filled."""
    ASKED = "asked"
    """A person has to look."""


def said(boxes: Mapping[str, BoxState], ink: Mapping[str, bool], n: int) -> LineSaid:
    """What a reading says of the line at place ``n`` of its page.

    >>> boxes = {"urgent:1": BoxState.EMPTY, "void:1": BoxState.EMPTY}
    >>> ink = dict.fromkeys((f"{cell}:1" for cell in CELLS), False)
    >>> said(boxes, ink, 1), said(boxes, {**ink, "sender:1": True}, 1), said({}, {}, 1)
    (<LineSaid.EMPTY: 'empty'>, <LineSaid.WRITTEN: 'written'>, <LineSaid.ASKED: 'asked'>)
    """
    void, urgent = (boxes.get(f"{name}:{n}", BoxState.DOUBTFUL) for name in (VOID, URGENT))
    written = [ink.get(f"{cell}:{n}") for cell in WITH_INK]
    if void is BoxState.FILLED:
        return LineSaid.VOID
    if void is BoxState.DOUBTFUL or None in written:
        return LineSaid.ASKED
    if any(written):
        return LineSaid.WRITTEN
    return LineSaid.EMPTY if void is urgent is BoxState.EMPTY else LineSaid.ASKED


def said_of_page(boxes: Mapping[str, BoxState], ink: Mapping[str, bool], count: int) -> list[LineSaid]:
    """What a reading says of the lines of a page, in order.

    A pencil may leave nothing in a bad copy. Lines are used in order: where one seems empty before a used one, or all do, no line
    of the page that seems empty is sure. On every other page the first one after the last used one has to be looked at.

    >>> boxes = {f"{name}:{n}": BoxState.EMPTY for name in BOXES for n in range(1, 5)}
    >>> def told(*used):
    ...     ink = {f"{cell}:{n}": n in used for cell in CELLS for n in range(1, 5)}
    ...     return [one.value for one in said_of_page(boxes, ink, 4)]
    >>> told(1, 2), told(2), told()
    (['written', 'written', 'asked', 'empty'], ['asked', 'written', 'asked', 'asked'], ['asked', 'asked', 'asked', 'asked'])
    """
    found = [said(boxes, ink, n) for n in range(1, count + 1)]
    used = max((n for n, one in enumerate(found) if one is not LineSaid.EMPTY), default=-1)
    last = count if used < 0 or LineSaid.EMPTY in found[: used + 1] else used + 1
    return [LineSaid.ASKED if one is LineSaid.EMPTY and n <= last else one for n, one in enumerate(found)]


def is_urgent(boxes: Mapping[str, BoxState], n: int) -> bool | None:
    """Whether the box « urgent » of a line is surely filled, or surely not; None: a person has to look."""
    state = boxes.get(f"{URGENT}:{n}", BoxState.DOUBTFUL)
    return None if state is BoxState.DOUBTFUL else state is BoxState.FILLED
