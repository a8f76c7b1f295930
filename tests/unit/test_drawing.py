"""The pictures of figures: where shapes stand, how large they are, what they say."""

from __future__ import annotations

import re
from html import escape
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.drawing import charts, curves, scale
from web.drawing.charts import BOTTOM, HEIGHT, LEFT, RIGHT, SMALLEST, TOP, WIDTH, Drawing, Group, Guide, Value


def group(name: str, *amounts: float) -> Group:
    return Group(name, tuple(Value(amount, f"{name} {amount:g}", f"/{name}/{n}") for n, amount in enumerate(amounts)))


@pytest.mark.parametrize("most", [0, 1, 2, 3, 4, 5, 9, 10, 11, 37, 99, 100, 101, 999, 1_000_000, 7_654_321])
def test_an_axis_begins_at_zero_and_ends_above_the_most_in_few_round_steps(most: int) -> None:
    ticks = scale.ticks(most)
    steps = {after - before for before, after in pairwise(ticks)}
    assert ticks[0] == 0
    assert ticks[-1] >= max(most, 1)
    assert len(steps) == 1
    assert steps.pop() in {step * 10**power for step in (1, 2, 5) for power in range(9)}
    assert 2 <= len(ticks) <= 6
    assert len(ticks) < 3 or ticks[-2] < max(most, 1), "no step more than is needed"


@pytest.mark.parametrize(("count", "room"), [(0, 12), (1, 12), (12, 12), (13, 12), (31, 12), (366, 12), (3, 1)])
def test_no_more_names_are_written_than_have_room_and_the_first_one_is(count: int, room: int) -> None:
    places = scale.named_places(count, room)
    assert len(places) <= room
    assert (0 in places) == bool(count)
    assert all(place < count for place in places)
    with_last = scale.named_places(count, room, with_last=True)
    assert len(with_last) <= room
    assert (count - 1 in with_last) == bool(count)


def test_the_last_column_of_hours_has_its_name() -> None:
    columns = [*(f"{hour} h" for hour in range(6, 21)), "dès 21 h"]
    drawing = charts.heat(["lun"], [Group(name, (Value(1, "un"),)) for name in columns])
    names = [one for one in drawing.texts if one.text.endswith("h")]
    assert names[-1].text == columns[-1]
    room = charts.NAME_SIGN
    for one, other in pairwise(names):
        assert one.x + len(one.text) * room / 2 < other.x - len(other.text) * room / 2, "no name lies over another"
    assert names[-1].x + len(columns[-1]) * room / 2 <= drawing.width


def test_a_column_is_as_high_as_its_number() -> None:
    drawing = charts.columns([group("a", 10, 5), group("b", 20, 0)], ("first", "second"))
    heights = [shape.height for shape in drawing.shapes]
    assert heights == pytest.approx([heights[1] * 2, heights[1], heights[1] * 4], abs=0.2)
    assert [shape.label for shape in drawing.shapes] == ["a 10", "a 5", "b 20"], "a zero has no shape"
    assert [shape.href for shape in drawing.shapes] == ["/a/0", "/a/1", "/b/0"]
    assert {shape.y + shape.height for shape in drawing.shapes} == {HEIGHT - BOTTOM}, "all stand on the base"


def test_the_least_number_above_zero_is_seen() -> None:
    drawing = charts.columns([group("a", 1), group("b", 1_000_000)], ("first",))
    assert drawing.shapes[0].height == SMALLEST


@pytest.mark.parametrize("count", [0, 1, 12, 31, 62, 80])
def test_columns_stay_within_the_picture_and_do_not_overlap(count: int) -> None:
    drawing = charts.columns([group(str(n), n, 3) for n in range(count)], ("first", "second"))
    _inside(drawing)
    ends = sorted((shape.x, shape.x + shape.width) for shape in drawing.shapes)
    assert all(end <= begin + 0.2 for (_, end), (begin, _) in pairwise(ends))


def test_a_guide_stands_at_its_place_and_its_words_have_room() -> None:
    groups = [group(str(n), 1) for n in range(10)]
    drawing = charts.columns(groups, ("first",), guides=[Guide(0, "début", "median"), Guide(10, "fin", "goal")])
    first, last = (line for line in drawing.lines if line.look in ("median", "goal"))
    assert first.points.startswith(f"{LEFT},")
    assert last.points.startswith(f"{WIDTH - RIGHT},")
    words = {text.text: text for text in drawing.texts if text.look == "guide"}
    assert (words["début"].anchor, words["fin"].anchor) == ("start", "end")
    _inside(drawing)


def test_a_name_at_the_edge_is_not_cut_off() -> None:
    for drawn in (charts.columns, charts.lines):
        drawing = drawn([group("déc. 26", 1) for _ in range(61)], ("first",))
        last = max((text for text in drawing.texts if text.text == "déc. 26"), key=lambda text: text.x)
        assert (last.x, last.anchor) == (WIDTH, "end")
    few = [text for text in charts.columns([group("déc. 26", 1)] * 12, ("first",)).texts if text.text == "déc. 26"]
    assert {text.anchor for text in few} == {"middle"}


def test_a_line_goes_through_its_points() -> None:
    drawing = charts.lines([group("a", 0, 4), group("b", 8, 4), group("c", 4, 4)], ("line-first", "line-second"))
    first, second = (line for line in drawing.lines if line.look.startswith("line-"))
    points = [tuple(map(float, point.split(","))) for point in first.points.split()]
    assert points[0][1] == HEIGHT - BOTTOM
    assert points[1][1] == TOP
    assert points[2][1] == pytest.approx((HEIGHT - BOTTOM + TOP) / 2)
    assert len({point.split(",")[1] for point in second.points.split()}) == 1
    assert [shape.is_round for shape in drawing.shapes] == [True] * 3 + [False] * 3
    for (x, y), shape in zip(points, drawing.shapes, strict=False):
        assert (shape.x + shape.width / 2, shape.y + shape.height / 2) == pytest.approx((x, y), abs=0.2)
    _inside(drawing)


def test_rows_are_stacked_in_one_scale_and_say_their_total() -> None:
    drawing = charts.stacked_rows([group("a", 10, 30), group("b", 5, 0)], ("age-0", "age-1"), ("40", "5"))
    one, two, three = drawing.shapes
    assert two.x == pytest.approx(one.x + one.width)
    assert two.width == pytest.approx(3 * one.width, abs=0.3)
    assert three.width == pytest.approx(one.width / 2, abs=0.3)
    assert three.y > one.y
    assert {"40", "5", "a", "b"} <= {text.text for text in drawing.texts}
    assert drawing.is_fluid
    _inside(drawing)
    _inside(charts.stacked_rows([group("a", 1_000_000, 1, 1)], ("age-0", "age-1", "age-2"), ("1 000 002",)))


def test_the_shapes_of_rows_are_read_in_the_order_in_which_a_row_has_them() -> None:
    """A look is told by its name, and « in-time » comes before « late » in the alphabet alone (WCAG 2.4.3)."""
    drawing = charts.stacked_rows([group("a", 0, 3), group("b", 1, 2)], ("late", "in-time"), ("3", "3"))
    assert re.findall("<title>([^<]+)</title>", drawing.marks) == ["b 1", "a 3", "b 2"]
    assert drawing.rows == 2


def test_the_total_of_a_row_stands_before_its_name_and_above_its_bar() -> None:
    rows = [group("Service de la planification et du suivi-évaluation", 10), group("b", 5)]
    drawing = charts.stacked_rows(rows, ("first",), ("1 044 → 1 052", "5"))
    total, name, short, _b = drawing.texts
    assert total.x == short.x < name.x, "totals are written one below the other, up to one line"
    assert (total.anchor, name.anchor) == ("end", "start")
    assert total.x >= 7 * len(total.text), "there is room for the longest"
    assert total.y == name.y < drawing.shapes[0].y
    assert drawing.shapes[0].y + drawing.shapes[0].height < short.y
    assert len(total.text) + len(f"{name.text}…{name.end}") <= charts.ROW_SIGNS
    assert f"{name.text}{name.between}{name.end}" == "Service de la planification et du suivi-évaluation"
    assert f">{name.text}<tspan>…</tspan><tspan>{name.between}</tspan>{name.end}<" in drawing.marks, (
        "one of them is shown"
    )


def test_names_that_differ_in_their_last_words_differ_in_the_picture() -> None:
    begin = "Service de la planification, de la programmation et du suivi"
    rows = [group(f"{begin} {end}", 1) for end in ("du Nord", "du Sud")]
    drawing = charts.stacked_rows(rows, ("first",), ("1", "1"))
    north, south = (f"{text.text}…{text.end}" for text in drawing.texts if text.look == "name")
    assert north != south
    assert north.startswith("Service de la")
    assert north.endswith("suivi du Nord")


def test_a_name_that_has_room_is_written_once_and_the_longest_is_cut_on_paper_too() -> None:
    drawing = charts.stacked_rows([group("Service du Nord", 1), group("x" * 199, 1)], ("first",), ("1", "1"))
    names = [text for text in drawing.texts if text.look == "name"]
    assert [bool(name.between) for name in names] == [False, True]
    assert len(f"{names[1].text}{names[1].between}{names[1].end}") <= charts.WIDE_SIGNS
    assert "…" in names[1].between, "it is told that it is cut there, too"


def test_guides_stand_across_columns_and_lines_alike() -> None:
    days = [group(f"{n}/11", n) for n in range(1, 11)]
    guides = [charts.Guide(2, "fermeture : A", "closing"), charts.Guide(9, "fermeture : B", "closing")]
    for drawing in (
        charts.columns(days, ("first",), guides=guides),
        charts.lines(days, ("line-first",), guides=guides),
    ):
        assert [line.look for line in drawing.lines].count("closing") == 2
        first, last = (text for text in drawing.texts if text.look == "guide")
        assert (first.anchor, last.anchor) == ("start", "end"), "a text at the right end stands before its line"
        _inside(drawing)


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(3, 40)), min_size=1, max_size=6))
def test_the_words_of_guides_lie_over_no_shape_and_over_no_other_words(places: list[tuple[int, int]]) -> None:
    guides = [Guide(at, "x" * signs, "median") for at, signs in places]
    drawing = charts.columns([group(str(n), 9) for n in range(10)], ("first",), guides=guides)
    words = [one for one in drawing.texts if one.look == "guide"]
    assert max(one.y for one in words) < min(one.y for one in drawing.shapes)
    spans = [
        (one.x - (wide := len(one.text) * 7) * (one.anchor == "end"), one.x + wide * (one.anchor == "start"), one.y)
        for one in words
    ]
    for (first, last, y), (begin, end, other) in combinations(spans, 2):
        assert y != other or last <= begin or end <= first


def test_what_a_height_or_a_row_means_stands_in_a_room_beside_all_else() -> None:
    """A small screen shows this room a second time, as high as the picture, over the picture that moves below it."""
    many = charts.heat(["lun", "mar"], [Group(f"avant {n} h", (Value(0, "a"), Value(0, "b"))) for n in range(8)])
    for drawing in (charts.columns([group("12/12", 12)] * 30, ("first",)), many):
        width = drawing.scale_room
        assert drawing.scale
        assert all(one.anchor == "end" and 0 < one.x < width for one in drawing.scale)
        names = [one for one in drawing.texts if one.look == "axis"]
        assert names
        assert min(one.x - len(one.text) * charts.NAME_SIGN / 2 for one in names if one.anchor == "middle") >= width
        assert all(one.x >= width for one in drawing.shapes)
    assert charts.columns([group("a", 1)], ("first",)).scale_size[0].endswith("rem")
    assert many.scale_size == (str(many.scale_room), str(many.height)), "drawn as large as it is"
    wide = charts.heat(["lun"], [Group(str(n), (Value(123456, "a", "", "123 456"),)) for n in range(15)])
    assert wide.width > charts.WIDTH
    assert wide.scale_room == 0, "it is drawn smaller than it is: what lies over it would not fit"


def test_what_texts_share_is_written_once() -> None:
    drawing = charts.heat(["lun", "mar"], [Group(str(n), (Value(0, "a"), Value(0, "b"))) for n in range(3)])
    named, axis = re.findall(
        r'<g class="chart__text[^>]*>(?:<text[^>]*>[^<]*</text>)*</g>', drawing.scale_marks + drawing.marks
    )
    column, line = (
        '<g class="chart__text chart__text--name" text-anchor="end"',
        '<g class="chart__text chart__text--axis" text-anchor="middle"',
    )
    assert re.fullmatch(
        column + r' transform="translate\(\d+ 0\)" aria-hidden="true">(<text y="\d+">\w+</text>){2}</g>', named
    )
    assert re.fullmatch(
        line + r' transform="translate\(0 \d+\)" aria-hidden="true">(<text x="\d+">\d</text>){3}</g>', axis
    )


def test_what_is_counted_is_the_name_of_its_shapes_and_written_once() -> None:
    days = [Group(str(n), (Value(n, f"{n}/11 : {n}", series="courriers" if n > 1 else "courrier"),)) for n in (1, 2, 3)]
    groups = re.findall(
        r'<g class="shape shape--first"><title>(\w+)</title>(.*?)</g>', charts.columns(days, ("first",)).marks
    )
    assert {series: re.findall("<title>([^<]+)</title>", marks) for series, marks in groups} == {
        "courrier": ["1/11 : 1"], "courriers": ["2/11 : 2", "3/11 : 3"],
    }  # fmt: skip


def test_a_picture_is_short_for_a_slow_line() -> None:
    """As many letters and as long names as a ministry of a million letters has. The rest of a page takes up to 15,500 bytes of its 30,000."""

    def counted(number: int, name: str, series: str) -> Value:
        return Value(number, f"{name} : 12\u202f345", "/l/received~261116~~t~circulation~~!87", series=series)

    days = [Group(f"{n}/11", tuple(counted(9_999 - n, f"{n}/11", "Reçus") for _ in range(2))) for n in range(1, 31)]
    name = "Service de la planification et du suivi des ouvrages n° 51"
    rows = [Group(name, tuple(counted(n, name, "plus de 60 jours") for n in range(1, 6))) for _ in range(12)]
    # The desks are open thirteen hours on six days.
    cell = Value(9, "mardi, 12 h : 9\u202f999", "/l/hour~251202~261201~t~heures?de=32", "9\u202f999", "courriers")
    hours = [Group(str(hour), (*[cell if hour < 13 else Value(0, "")] * 6, Value(0, ""))) for hour in range(16)]
    pictures = {
        "columns": charts.columns(days, ("first", "second")),
        "lines": charts.lines(days, ("line-first", "line-second")),
        "rows": charts.stacked_rows(rows, [f"age-{n}" for n in range(5)], ["12\u202f345"] * 12),
        "heat": charts.heat([str(n) for n in range(7)], hours),
    }
    sizes = {name: len(f"{one.scale_marks}{one.marks}".encode()) for name, one in pictures.items()}
    assert max(sizes.values()) <= 14_500, sizes


def test_what_people_typed_is_no_element_of_a_picture() -> None:
    typed = '<b>"&'
    marks = charts.stacked_rows([Group(typed, (Value(1, typed, f"/x?y={typed}"),))], ("first",), (typed,)).marks
    assert "<b>" not in marks
    told = escape(typed, quote=False)
    assert f"<title>{told}</title>" in marks
    assert f'href="/x?y={escape(typed)}"' in marks
    heat = charts.heat([typed], [Group(typed, (Value(1, "un", "", typed),))])
    worded = heat.scale_marks + heat.marks
    assert "<b>" not in worded
    assert worded.count(f">{told}</text>") == 3, "the names of the row and the column, and the text of the cell"


@pytest.mark.parametrize("looks", [("first", "second"), ("late", "in-time")])
def test_the_second_of_two_looks_is_hatched(looks: tuple[str, str]) -> None:
    for drawing in (charts.columns([group("a", 1, 2)], looks), charts.stacked_rows([group("a", 1, 2)], looks, ("3",))):
        groups = re.findall(r'<g class="shape shape--([^"]+)"([^>]*)>', drawing.marks)
        assert dict(groups) == {looks[0]: "", looks[1]: ' fill="url(#hatched)"'}
        assert drawing.is_hatched, "its page has the pattern"
    assert not charts.columns([group("a", 1)], looks[:1]).is_hatched


def test_the_shapes_of_a_fluid_picture_are_as_wide_as_its_page() -> None:
    fluid = charts.stacked_rows([group("a", 1)], ("first",), ("1",)).marks
    assert re.search(r'<rect y="[\d.]+" width="[\d.]+%"/>', fluid)
    fixed = charts.columns([group("a", 1)], ("first",)).marks
    assert re.search(r'<path d="M\d+ \d+V\d+h\d+V\d+z"/>', fixed)


def test_a_cell_is_the_darker_the_more_and_has_its_number() -> None:
    values = tuple(Value(amount, str(amount), "", str(amount)) for amount in (0, 1, 5, 10))
    drawing = charts.heat(["lun", "mar", "mer", "jeu"], [Group("1/11", values)])
    looks = [shape.look for shape in drawing.shapes]
    assert looks[0] == "heat-0"
    assert looks == sorted(looks)
    assert looks[-1] == "heat-4"
    assert {"0", "1", "5", "10"} <= {text.text for text in drawing.texts}
    _inside(drawing)


def test_a_cell_is_as_wide_as_its_number() -> None:
    """A ministry with ten thousand letters a day: the numbers of neighbours ran into each other."""
    hours = [Group(str(n), (Value(133_332, "a", "", "133\u202f332"),)) for n in range(24)]
    drawing = charts.heat(["lun"], hours)
    assert all(shape.width >= 6 * charts.DIGIT + charts.DIGIT / 2 for shape in drawing.shapes)
    _inside(drawing)


def test_few_columns_of_cells_make_a_small_picture() -> None:
    """A small screen shows the right end of a picture first: there must be cells."""
    weeks = [Group(f"{n}/11", (Value(1, "a", "", "1"),)) for n in range(1, 6)]
    small, full = charts.heat(["lun"], weeks), charts.heat(["lun"], weeks * 5)
    assert (small.is_small, full.is_small) == (True, False)
    last = small.shapes[-1]
    assert small.width - (last.x + last.width) < 20
    assert full.width <= charts.WIDTH
    for drawing in (small, full):
        _inside(drawing)


@pytest.mark.parametrize("most", [1, 3, 4, 7, 100])
def test_heat_has_a_step_for_every_number(most: int) -> None:
    steps = [charts.step_of_heat(amount, most) for amount in range(most + 1)]
    assert steps[0] == 0
    assert steps == sorted(steps)
    assert min(steps[1:]) >= 1
    assert steps[-1] == charts.STEPS_OF_HEAT - 1


def test_nothing_to_draw_is_drawn() -> None:
    assert charts.columns([], ("first",)).shapes == ()
    assert charts.lines([], ("line-first",)).shapes == ()
    assert charts.stacked_rows([], ("age-0",), ()).shapes == ()
    assert charts.heat([], []).shapes == ()


def _inside(drawing: Drawing) -> None:
    for shape in drawing.shapes:
        assert 0 <= shape.x <= shape.x + shape.width <= (charts.FULL if drawing.is_fluid else drawing.width) + 0.2
        assert 0 <= shape.y <= shape.y + shape.height <= drawing.height + 0.2
    for text in drawing.texts:
        assert 0 <= text.x <= drawing.width
        assert 0 < text.y <= drawing.height


@given(st.floats(0, 30), st.integers(3, 34))
def test_the_words_of_a_guide_are_seen_whole_where_a_small_screen_shows_the_newest_days(at: float, signs: int) -> None:
    """A screen of 360 px shows such a chart from its right end: what stands before ``NEWEST`` is not seen."""
    drawing = charts.columns(
        [group(str(n), 9) for n in range(30)], ("first",), guides=[Guide(at, "x" * signs, "closing")]
    )
    (words,) = (one for one in drawing.texts if one.look == "guide")
    (line,) = (one for one in drawing.lines if one.look == "closing")
    wide = signs * charts.NAME_SIGN
    first, last = (words.x - wide, words.x) if words.anchor == "end" else (words.x, words.x + wide)
    x, top = map(float, line.points.split(" ")[0].split(","))
    assert last <= WIDTH, "the picture cuts nothing off"
    assert first >= charts.NEWEST or x <= WIDTH * 0.75, "nor does a small screen, of a line in its sight"
    assert not first < x < last or top > words.y, "the line does not go through its words"


def test_a_curve_begins_at_zero_and_fills_its_height() -> None:
    drawn = curves.path([10, 20, 5, 20])
    start, moves = re.fullmatch(r"M0 (\d+)l(.+)", drawn).groups()  # type: ignore[union-attr]
    steps = [int(one) for one in re.findall(r"-?\d+", moves)]
    heights = [int(start)]
    for step in steps[1::2]:
        heights.append(heights[-1] + step)
    low = curves.HEIGHT - curves.MARGIN
    assert [low - one for one in heights] == [12, 24, 6, 24]
    assert len(set(steps[::2])) == 1, "at equal distances"
    assert sum(steps[::2]) <= curves.WIDTH
    assert curves.path([0, 0, 0]) == curves.path([3, 4]) == "", "two numbers are told by themselves"
