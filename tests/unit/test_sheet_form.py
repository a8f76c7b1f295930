"""The boxes of a fiche: what its code says, and that a printed sheet stays what it was."""

import hashlib
from dataclasses import replace
from itertools import combinations

import pytest

from ged.ports import BoxState
from ged.routing.sheet_form import SheetForm, code_of, form_of, offered, places, said

KEY = b"k" * 32


def form(units: int = 7, mentions: int = 9) -> SheetForm:
    """A sheet with so many rows."""
    return SheetForm(
        1234,
        tuple(offered(n + 40, f"U{n}") for n in range(units)),
        tuple(offered(n + 3, f"m{n}") for n in range(mentions)),
    )


def test_a_code_says_what_was_printed_to_this_installation_alone() -> None:
    made = code_of(form(), key=KEY)
    assert form_of(f" {made}\n", key=KEY) == form()
    assert form_of(made, key=b"x" * 32) is None
    assert form_of(made.replace("/YA", "/YB", 1), key=KEY) is None
    assert form_of("GED1/F/1234/ABCDEFGHIJ", key=KEY) is None
    assert form_of(code_of(replace(form(), version=99), key=KEY), key=KEY) is None, "a layout that is not known"
    assert form_of(code_of(form(0, 0), key=KEY), key=KEY) == form(0, 0)


def test_an_id_that_was_given_again_is_another_row() -> None:
    assert offered(40, "DGE") != offered(40, "DAF")


@pytest.mark.parametrize(
    ("units", "mentions", "digest"),
    [
        (0, 0, "22034cdf06795505"),
        (7, 9, "7a55095fca139d95"),
        (17, 6, "0d52d92bbbef4828"),
        (17, 16, "c4555a312b15eefc"),
        (24, 3, "b9b9f61be811218c"),
    ],
)
def test_the_places_of_a_printed_version_never_change(units: int, mentions: int, digest: str) -> None:
    """Sheets of this version lie on desks. To move a box, add a version; never change these digests."""
    printed = places(form(units, mentions), code="x").form
    told = repr([(box.key, round(box.x, 3), round(box.y, 3), box.size) for box in printed.boxes])
    told += repr([(round(x, 3), round(y, 3)) for x, y in printed.marks]) + repr([round(x, 3) for x in printed.code_at])
    assert hashlib.sha256(told.encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize(("units", "mentions"), [(0, 0), (7, 9), (17, 16), (24, 3)])
def test_boxes_and_code_lie_apart_inside_the_frame(units: int, mentions: int) -> None:
    placed = places(form(units, mentions), code="x")
    left, top, side = placed.form.code_at
    squares = [(box.x, box.y, box.size) for box in placed.form.boxes] + [(left, top, side)]
    for x, y, size in squares:
        assert x >= 0 and y >= 0 and x + size <= placed.width and y + size <= placed.height  # noqa: PT018
    for (x1, y1, size1), (x2, y2, size2) in combinations(squares, 2):
        assert max(x1 - x2 - size2, x2 - x1 - size1, y1 - y2 - size2, y2 - y1 - size1) > 1.0


def test_a_unit_that_leads_gets_no_copy_and_nothing_doubtful_is_said() -> None:
    filled, doubtful, back = BoxState.FILLED, BoxState.DOUBTFUL, BoxState.TAKEN_BACK
    found = said(
        {"lead:4": filled, "copy:4": filled, "copy:5": filled, "copy:6": back, "mention:3": doubtful, "days:5": filled}
    )
    assert (found.leads, found.copies, found.mentions, found.days) == ((4,), (5,), (), (5,))
