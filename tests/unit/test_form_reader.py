"""The reader of ticked forms: what is clear is said, what is not is asked, what is not found exactly is refused."""

import pytest
from PIL import Image

from ged.ports import BoxState, FormReading, PrintedForm
from ged.routing.sheet_form import SheetForm, offered, places
from ocr.forms import read_form
from tests.fiche_kit import cross, drawn, line, strike

pytestmark = pytest.mark.slow

FORM: PrintedForm = places(
    SheetForm(1234, tuple(offered(n, f"U{n}") for n in range(1, 8)), (offered(1, "a"), offered(2, "b"))), code="GEDM1/X"
).form
BOX = {box.key: box for box in FORM.boxes}


def states(found: FormReading | None) -> dict[str, BoxState]:
    """The boxes that are not empty."""
    assert found is not None
    return {box.key: box.state for box in found.boxes if box.state is not BoxState.EMPTY}


@pytest.fixture(scope="module")
def ticked() -> Image.Image:
    """A tick, a cross, a pencil's cross, a full box, a tick taken back, a stroke alone, a speck, a touched edge, a note."""
    page = drawn(FORM)
    line(page, BOX["lead:2"], (-1.0, 0), (-0.3, 1.0), (1.5, -1.6))
    cross(page, BOX["copy:3"])
    cross(page, BOX["mention:1"], gray=165)
    for n in range(-4, 5):
        line(page, BOX["days:5"], (-1.6, n * 0.4), (1.6, n * 0.4))
    cross(page, BOX["copy:5"])
    strike(page, BOX["copy:5"])
    strike(page, BOX["lead:6"])
    line(page, BOX["copy:1"], (0, 0), (0.1, 0.1), width=0.2)
    line(page, BOX["mention:2"], (0.6, -1.4), (1.4, -0.9))
    note = next(area for area in FORM.areas if area.key == "note")
    line(page, BOX["lead:1"], *((note.x + n, note.y + 4 + (n % 3)) for n in range(12)))
    return page


TOLD = {
    "lead:2": BoxState.FILLED, "copy:3": BoxState.FILLED, "mention:1": BoxState.FILLED, "days:5": BoxState.FILLED,
    "copy:5": BoxState.TAKEN_BACK, "lead:6": BoxState.DOUBTFUL, "mention:2": BoxState.DOUBTFUL,
    "copy:1": BoxState.DOUBTFUL,
}  # fmt: skip


@pytest.mark.parametrize("turn", [0, 2.5, 178, 90])
def test_each_box_is_said_as_it_is_however_the_sheet_lies(ticked: Image.Image, turn: float) -> None:
    page = ticked.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    found = read_form(page, FORM)
    assert states(found) == TOLD
    assert found is not None
    written = {area.key: area.has_ink for area in found.areas}
    assert (written["note"], written["other"], written["date"]) == (True, False, False)


def test_a_sheet_that_is_not_found_exactly_is_not_read(ticked: Image.Image) -> None:
    assert read_form(drawn(FORM, marks=3), FORM) is None
    assert read_form(Image.new("L", ticked.size, 255), FORM) is None
    other = places(SheetForm(1234, tuple(offered(n, f"U{n}") for n in range(1, 12)), ()), code=FORM.code).form
    assert read_form(drawn(FORM), other) is None, "the boxes of another sheet"


def test_a_line_that_a_copier_draws_down_the_page_ticks_nothing() -> None:
    page = drawn(FORM)
    line(page, BOX["copy:4"], (0.2, -9.0), (0.4, 9.0), width=0.6)
    found = states(read_form(page, FORM))
    assert found["copy:4"] is BoxState.DOUBTFUL
    assert set(found.values()) == {BoxState.DOUBTFUL}


def test_dirt_is_asked_never_taken_for_a_tick() -> None:
    """A cloud of a stain, dirt in a row across the page, an outline that a fold bent into its box, the end of a tick of the box above."""
    page = drawn(FORM)
    for n in range(-14, 15):
        line(page, BOX["copy:2"], (-1.5, n * 0.1), (5.0 - 0.1 * abs(n), n * 0.1), gray=215)
    for n in range(-30, 31, 3):
        line(page, BOX["mention:1"], (n * 0.15, -0.6), (n * 0.15 + 0.1, 0.9), gray=90, width=0.2)
    line(page, BOX["days:5"], (-1.1, 1.4), (-1.1, -1.1), (1.3, -1.1), width=0.4)
    line(page, BOX["lead:3"], (0.9, -2.6), (0.5, -0.6), width=0.5)
    cross(page, BOX["copy:5"])
    dirty = dict.fromkeys(("copy:2", "mention:1", "days:5", "lead:3"), BoxState.DOUBTFUL)
    found = states(read_form(page, FORM))
    assert {**dirty, "copy:5": BoxState.FILLED}.items() <= found.items()
    assert [key for key, state in found.items() if state is not BoxState.DOUBTFUL] == ["copy:5"]
