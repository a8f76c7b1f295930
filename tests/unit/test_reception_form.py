"""The boxes of a reception table: what its code says, and that a printed table stays what it was."""

import hashlib
from dataclasses import replace
from itertools import combinations

import pytest

from ged.codes import CodeKind, OurCode, read_code
from ged.ports import BoxState
from ged.slips.reception_form import MOST_LINES, Why, code_of, part_of, parts_of, places, said
from ged.slips.states import LineState

KEY = b"k" * 32


def test_a_code_says_its_lines_to_this_installation_alone() -> None:
    (first, last) = parts_of(1234, MOST_LINES + 1)
    made = code_of(last, key=KEY)
    assert part_of(f" {made}\n", key=KEY) == last
    assert read_code(made, key=KEY) == OurCode(CodeKind.SLIP, 1234)
    assert part_of(made, key=b"x" * 32) is None
    assert part_of(code_of(first, key=KEY).replace("/YA/", "/YB/", 1), key=KEY) is None
    assert part_of("GED1/B/1234/ABCDEFGHIJ", key=KEY) is None
    assert part_of(code_of(replace(first, version=99), key=KEY), key=KEY) is None, "a layout that is not known"
    assert (first.is_last, last.is_last) == (False, True)


@pytest.mark.parametrize("total", [1, 24, MOST_LINES, MOST_LINES + 1, 200])
def test_every_line_stands_on_one_table_and_no_box_near_another(total: int) -> None:
    parts = parts_of(7, total)
    assert [position for part in parts for position in part.positions] == list(range(1, total + 1))
    for part in parts:
        placed = places(part, code="GEDN1/X")
        assert placed.height <= 225, "it is on one page"
        boxes = placed.form.boxes
        assert len(boxes) == 4 * part.count
        for one, other in combinations(boxes, 2):
            assert max(abs(one.x - other.x), abs(one.y - other.y)) - one.size >= 1.5


def test_a_printed_table_stays_what_it_was() -> None:
    """Whoever moves a box makes a new version: tables of this one lie in folders and come back."""
    found = repr([places(part, code="GEDN1/X") for total in (1, 12, 50) for part in parts_of(7, total)])
    assert hashlib.sha256(found.encode()).hexdigest()[:16] == "53133cd6b57ddab4"


def test_a_line_says_one_finding_or_is_asked() -> None:
    filled, doubtful, empty, back = BoxState.FILLED, BoxState.DOUBTFUL, BoxState.EMPTY, BoxState.TAKEN_BACK

    def line(*states: BoxState) -> LineState | Why:
        keys = ("received:3", "missing:3", "damaged:3", "wrong_unit:3")
        return said(dict(zip(keys, states, strict=True)), 3)

    assert line(empty, empty, filled, empty) is LineState.DAMAGED
    assert line(back, filled, empty, back) is LineState.MISSING
    assert line(filled, doubtful, empty, empty) is Why.DOUBTFUL
    assert line(filled, empty, filled, empty) is Why.SEVERAL
    assert line(back, empty, empty, empty) is Why.NONE
    assert said({"received:1": filled}, 3) is Why.ABSENT
