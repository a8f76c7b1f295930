"""The places on a page of a reserve book, and what a reading says of a line."""

import hashlib
from itertools import combinations

import pytest

from ged.ports import BoxState
from ged.reserve.page_form import CELLS, LAYOUT, WITH_INK, LineSaid, is_known, is_urgent, places, said

EMPTY, FILLED, DOUBTFUL, BACK = BoxState.EMPTY, BoxState.FILLED, BoxState.DOUBTFUL, BoxState.TAKEN_BACK


@pytest.mark.parametrize("count", [1, 10])
def test_every_line_has_its_cells_and_boxes_and_all_lies_before_the_receipts(count: int) -> None:
    placed = places(LAYOUT, count, code="GEDC1/X")
    form, width = placed.form, placed.columns[-1]
    assert [box.key for box in form.boxes] == [
        f"{name}:{n}" for n in range(1, count + 1) for name in ("urgent", "void")
    ]
    assert {area.key for area in form.areas} >= {f"{cell}:{n}" for n in range(1, count + 1) for cell in CELLS}
    for one, other in combinations(form.boxes, 2):
        assert max(abs(one.x - other.x), abs(one.y - other.y)) - one.size >= 2.5
    assert all(area.x >= 0 and area.x + area.width <= width for area in form.areas)
    assert max(x for x, _y in form.marks) + form.mark_size / 2 < width + placed.gutter, "the receipts are torn off"
    assert form.code_at[0] + form.code_at[2] <= width
    assert 11.5 + width + placed.gutter + placed.receipt <= 297 - 5, "a printer leaves its rim white"
    assert min(x for x, _y in form.marks) - form.mark_size / 2 >= -11.5 + 5


def test_a_printed_page_stays_what_it_was() -> None:
    """Whoever moves a box or a cell makes a new layout: pages of this one lie at the desks and come back."""
    found = repr([places(1, count, code="GEDC1/X") for count in (1, 10)])
    assert hashlib.sha256(found.encode()).hexdigest()[:16] == "b08144b56bf13005"
    assert is_known(1)
    assert not is_known(2)
    assert not is_known(0)


@pytest.mark.parametrize(
    ("void", "urgent", "cells", "expected"),
    [
        (EMPTY, EMPTY, (), LineSaid.EMPTY),
        (EMPTY, EMPTY, ("sender",), LineSaid.WRITTEN),
        (EMPTY, FILLED, ("subject",), LineSaid.WRITTEN),
        (BACK, EMPTY, ("subject",), LineSaid.WRITTEN),
        (FILLED, EMPTY, ("subject",), LineSaid.VOID),
        (DOUBTFUL, EMPTY, ("subject",), LineSaid.ASKED),
        (DOUBTFUL, EMPTY, (), LineSaid.ASKED),
        (EMPTY, FILLED, (), LineSaid.ASKED),
        (EMPTY, DOUBTFUL, (), LineSaid.ASKED),
        (EMPTY, EMPTY, ("clock",), LineSaid.EMPTY),  # an « h » is printed there
    ],
)
def test_a_line_is_empty_only_where_nothing_at_all_is_on_it(
    void: BoxState, urgent: BoxState, cells: tuple[str, ...], expected: LineSaid
) -> None:
    ink = {f"{cell}:3": cell in cells for cell in CELLS}
    assert said({"void:3": void, "urgent:3": urgent}, ink, 3) is expected


def test_a_cell_that_was_not_found_asks() -> None:
    ink = {f"{cell}:1": False for cell in WITH_INK[1:]}
    assert said({"void:1": EMPTY, "urgent:1": EMPTY}, ink, 1) is LineSaid.ASKED


def test_the_urgent_box_proposes_only_what_is_sure() -> None:
    assert [is_urgent({"urgent:1": state}, 1) for state in (EMPTY, FILLED, BACK, DOUBTFUL)] == [
        False,
        True,
        False,
        None,
    ]
    assert is_urgent({}, 1) is None
