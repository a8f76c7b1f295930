"""The boxes of a printed reception table: where each stands, and the code by which a printed page says its lines. Pure.

A slip with many lines has several tables, each on a page of its own. Each table has a code that names the slip, its
lines, how many lines the slip has, and the version of the layout. So a page is read by itself, as it was printed.
``VERSION`` rises with every change of a place; the places of earlier versions stay in ``_PLACED``.

Lengths are millimetres from the upper left corner of the table, to the right and downwards.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ged.codes import RECEPTION_PREFIX, check_value, in_base_36
from ged.ports import BoxState, FormArea, FormBox, PrintedForm
from ged.slips.states import DECISIONS, LineState

VERSION = 1
MOST_LINES = 32
"""Lines of one table. With more, the boxes would stand too near to each other."""
TABLE = "table"
"""The area of the whole table, as a picture."""
HAND = ("name", "title", "date", "signature")
"""The areas at the foot of the last table, for the receiver's hand."""


@dataclass(frozen=True)
class ReceptionPart:
    """One table: ``count`` lines from position ``first`` on, of ``total`` lines of the slip."""

    slip_id: int
    first: int
    count: int
    total: int
    version: int = VERSION

    @property
    def positions(self) -> range:
        """The positions of its lines."""
        return range(self.first, self.first + self.count)

    @property
    def is_last(self) -> bool:
        """Whether the receiver signs at its foot."""
        return self.first + self.count > self.total


def parts_of(slip_id: int, total: int) -> tuple[ReceptionPart, ...]:
    """The tables of a slip with so many lines, of nearly equal length.

    >>> [(part.first, part.count) for part in parts_of(7, 50)]
    [(1, 25), (26, 25)]
    >>> [(part.first, part.count) for part in parts_of(7, 65)]
    [(1, 22), (23, 22), (45, 21)]
    """
    pages = -(-total // MOST_LINES)
    found, first = [], 1
    for page in range(pages):
        count = total // pages + (page < total % pages)
        found.append(ReceptionPart(slip_id, first, count, total))
        first += count
    return tuple(found)


# --- the code ------------------------------------------------------------------------------------------------------


def code_of(part: ReceptionPart, *, key: bytes) -> str:
    """The text of the table's code, with signs that need few modules of a QR code."""
    numbers = (part.version, part.slip_id, part.first, part.count, part.total)
    body = "/".join((RECEPTION_PREFIX, *map(in_base_36, numbers)))
    return f"{body}/{check_value(body, key)}"


def part_of(text: str, *, key: bytes) -> ReceptionPart | None:
    """What a code says; None when it is not ours, or of a version that this program does not know."""
    body, _, check = text.strip().rpartition("/")
    parts = body.split("/")
    is_ours = hmac.compare_digest(check.encode(), check_value(body, key).encode())
    if len(parts) != 6 or parts[0] != RECEPTION_PREFIX or not is_ours:
        return None
    version, slip_id, first, count, total = (int(one, 36) for one in parts[1:])
    return ReceptionPart(slip_id, first, count, total, version) if version in _PLACED else None


# --- the places ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReceptionPlaces:
    """Where everything of a table stands.

    Attributes:
        form: boxes, marks and areas, for the engine that reads them.
        width, height: of the table.
        columns: where each column ends, from the number to the remarks.
        head: height of the title, and where the heads of the columns end.
        pitch: from one row to the next.
        foot: where the foot begins.
        cells: left, top, width, height of the places of the foot, by the names in ``HAND``.
    """

    form: PrintedForm
    width: float
    height: float
    columns: tuple[float, ...]
    head: tuple[float, float]
    pitch: float
    foot: float
    cells: Mapping[str, tuple[float, float, float, float]]


def places(part: ReceptionPart, *, code: str) -> ReceptionPlaces:
    """The places of a table with this code.

    Raises:
        KeyError: a version that this program does not know.
    """
    return _PLACED[part.version](part, code)


def _place_1(part: ReceptionPart, code: str) -> ReceptionPlaces:
    """Version 1: a row for each line, four boxes in it; the receiver's places and the code under the rows."""
    width, box, foot_height, code_size = 170.0, 3.8, 24.0, 20.0
    columns = (8.0, 60.0, 73.0, 89.0, 107.0, 125.0, width)
    title, first = 6.0, 11.0
    pitch = min(8.0, round(185.0 / part.count, 2))
    foot = first + part.count * pitch + 1.5
    height = foot + foot_height
    boxes, areas = [], []
    for n, position in enumerate(part.positions):
        y = first + n * pitch
        for state, left, right in zip(DECISIONS, columns[1:5], columns[2:6], strict=True):
            boxes.append(FormBox(f"{state.value}:{position}", (left + right - box) / 2, y + (pitch - box) / 2, box))
        areas.append(FormArea(f"row:{position}", columns[1], y, width - columns[1], pitch))
        areas.append(FormArea(f"remark:{position}", columns[5] + 0.8, y, width - columns[5] - 1.6, pitch))
    half = foot_height / 2
    cells = {
        "name": (0.0, foot, 62.0, half),
        "title": (0.0, foot + half, 62.0, half),
        "date": (62.0, foot, 38.0, foot_height),
        "signature": (100.0, foot, 45.0, foot_height),
    }
    label = 4.0  # the printed word in a place of the foot
    if part.is_last:
        areas += [FormArea(name, x, y + label, w, h - label) for name, (x, y, w, h) in cells.items()]
    areas.append(FormArea(TABLE, -8.0, -5.0, width + 16.0, height + 10.0))
    side, out = 3.4, 3.3
    marks = tuple((x, y) for y in (side / 2, height / 2, height - side / 2) for x in (-out, width + out))
    code_at = (width - code_size - 2.0, foot + (foot_height - code_size) / 2, code_size)
    return ReceptionPlaces(
        PrintedForm(code, code_at, marks, side, tuple(boxes), tuple(areas)),
        width,
        height,
        columns,
        (title, first),
        pitch,
        foot,
        cells,
    )


_PLACED: Mapping[int, Callable[[ReceptionPart, str], ReceptionPlaces]] = {1: _place_1}


# --- what a reading says -------------------------------------------------------------------------------------------


class Why(StrEnum):
    """Why a line has to be asked."""

    DOUBTFUL = "doubtful"
    """A box is neither surely empty nor surely filled."""
    SEVERAL = "several"
    NONE = "none"
    SCANS = "scans"
    """Two scans say different things."""
    ABSENT = "absent"
    """The page of the line was not scanned, or its boxes were not found."""


def said(states: Mapping[str, BoxState], position: int) -> LineState | Why:
    """What the boxes of a line say: one finding, or why a person has to look.

    >>> empty = dict.fromkeys(("missing:1", "damaged:1", "wrong_unit:1"), BoxState.EMPTY)
    >>> said({**empty, "received:1": BoxState.FILLED}, 1)
    <LineState.RECEIVED: 'received'>
    >>> said({**empty, "received:1": BoxState.DOUBTFUL}, 1)
    <Why.DOUBTFUL: 'doubtful'>
    """
    own = {one: states.get(f"{one.value}:{position}", BoxState.DOUBTFUL) for one in DECISIONS}
    filled = [one for one in DECISIONS if own[one] is BoxState.FILLED]
    if len(filled) > 1:
        return Why.SEVERAL
    if BoxState.DOUBTFUL in own.values():
        # A box that the map does not have was not read.
        return Why.DOUBTFUL if any(f"{one.value}:{position}" in states for one in DECISIONS) else Why.ABSENT
    return filled[0] if filled else Why.NONE
