"""Charts as shapes. What a chart shows is also in the table below it, so a shape needs no more than a name and a link.

Each look (a CSS class) is told apart without colour too: by lightness, by a pattern, by dashes, or by the number in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from flask_babel import format_decimal
from markupsafe import Markup

from web.drawing.scale import named_places, ticks

WIDTH = 720
HEIGHT = 240
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 14, 34
ROOT_PIXELS = 16
"""What a ``rem`` has where nobody chose larger letters."""
ROW = 42
"""Height of a row: its total and its name, and its bar below them."""
BAR = 16
"""Height of the bar of a row."""
ROW_SIGNS = 34
"""Signs of a total and a name that have room above a bar where the screen is 320 px wide (WCAG 1.4.10)."""
WIDE_SIGNS = 88
"""As ``ROW_SIGNS``, on paper and where the screen is wide."""
TOTAL_SIGN = 9
"""Width of a sign of a total."""
FULL = 100
"""Where a row ends, in hundredths of the width that the page gives the picture."""
DIGIT = 7.5
"""The width of a digit of twelve pixels, in the widest of the usual typefaces."""
NAMES_IN_WIDTH = 12
"""Names of an axis that have room side by side."""
NAME_SIGN = 7
"""Width of a sign of a name of an axis."""
SMALLEST = 2
"""Height of the lowest shape: a number above zero is always seen."""
STEPS_OF_HEAT = 5
EMPTY = "heat-0"
"""The look of a cell without letters."""
MOST_GUIDES = 12
"""Lines of guides' texts that have room above a chart."""
GUIDE_LINE = 15
"""Height of such a line."""
GUIDE_GAP = 5
"""Between the text of a guide and its line."""
NEWEST = 476
"""Where a screen that is 360 px wide begins to show a chart that stands at its newest day: its scale lies over what is at the left of it."""
HATCHED = frozenset({"second", "in-time"})
"""The looks with a pattern. It stands on the page once: the macro ``chart_patterns``, whose ``legend`` draws these looks too."""


@dataclass(frozen=True)
class Value:
    """A number to draw.

    Attributes:
        label: what it is, in words; read out, and shown under the pointer.
        href: the letters behind it; empty: no link.
        text: the number as it is written, where the chart writes it.
        series: what is counted; read out before the numbers of a look that count it, and shown behind the label.
    """

    amount: float
    label: str
    href: str = ""
    text: str = ""
    series: str = ""


@dataclass(frozen=True)
class Group:
    """The numbers of one place of the axis, one for each look; ``note`` stands below the name."""

    name: str
    values: tuple[Value, ...]
    note: str = ""


@dataclass(frozen=True)
class Band:
    """Between which numbers a number may lie."""

    least: float
    most: float
    label: str
    series: str = ""


@dataclass(frozen=True)
class Guide:
    """A line across a chart, at a place between 0 and the number of groups."""

    at: float
    text: str
    look: str


@dataclass(frozen=True)
class Shape:
    """A rectangle, or (``is_round``) a disk in it."""

    x: float
    y: float
    width: float
    height: float
    look: str
    label: str
    href: str = ""
    is_round: bool = False
    series: str = ""

    @property
    def path(self) -> str:
        """The outline of a rectangle. It is two thirds as long as a ``rect``, and a page has hundreds."""
        low = _round(self.y + self.height)
        by_ends, by_height = f"V{self.y}h{self.width}V{low}z", f"v-{self.height}h{self.width}v{self.height}z"
        return f"M{self.x} {low}{min(by_ends, by_height, key=len)}"

    def _fluid_rect(self) -> str:
        """A rectangle whose place and width are shares of the page's width: a path has no such lengths. The style sheet knows the height of a bar."""
        left = f' x="{self.x}%"' if self.x else ""
        return f'rect{left} y="{self.y}" width="{self.width}%"'

    def mark(self, *, is_fluid: bool) -> str:
        """Its SVG: the shape with its label, inside its link if it has one. The style sheet knows the radius of a disk."""
        if self.is_round:
            name = "circle"
            drawn = f'circle cx="{_round(self.x + self.width / 2)}" cy="{_round(self.y + self.height / 2)}"'
        elif is_fluid:
            name, drawn = "rect", self._fluid_rect()
        else:
            name, drawn = "path", f'path d="{self.path}"'
        label = f"<title>{escaped_text(self.label)}</title>"
        if self.href:
            # The table has the same links for the keyboard: a hundred stops would bar the way.
            return f'<a href="{escape(self.href)}" tabindex="-1">{label}<{drawn}/></a>'
        return f"<{drawn}>{label}</{name}>"


@dataclass(frozen=True)
class Text:
    """A text; ``anchor``: ``start``, ``middle`` or ``end``.

    Attributes:
        end: what stands after the place where the text was cut; empty: it is whole.
        between: what was cut out of it; shown there in place of an ellipsis where it has room (on paper, and where the screen is wide).
    """

    x: float
    y: float
    text: str
    anchor: str = "middle"
    look: str = "axis"
    between: str = ""
    end: str = ""

    @property
    def words(self) -> str:
        """Its SVG without its place."""
        if not self.between:
            return escaped_text(self.text)
        # Of the two the style sheet shows one.
        middle = f"<tspan>…</tspan><tspan>{escaped_text(self.between)}</tspan>"
        return f"{escaped_text(self.text)}{middle}{escaped_text(self.end)}"


@dataclass(frozen=True)
class Line:
    """A line through points ("x,y x,y ...")."""

    points: str
    look: str

    @property
    def path(self) -> str:
        """Its SVG. Of a level line, as those of the grid are, the height is written once."""
        first, *others = self.points.split(" ")
        height = first.partition(",")[2]
        if others and {one.partition(",")[2] for one in others} == {height}:
            return f"M{first}H{others[-1].partition(',')[0]}"
        return f"M{self.points}"


@dataclass(frozen=True)
class Drawing:
    """A picture: the lines are drawn first, then the shapes, then the texts.

    Attributes:
        is_fluid: the picture is as wide as the page lets it be; ``x`` and ``width`` of its shapes are hundredths of this
            width. The texts, and all heights, stay in pixels.
        scale: the texts at the left that say what a height or a row means.
        looks: the looks in the order in which a row has them: its links are read in it. Other looks come by their names.
        rows: how many rows are drawn; 0: it has none.
        scale_room: width of what they stand in; it is as high as the picture, so that no name of the axis is seen without its column. 0: it
            is not shown twice.
    """

    width: int
    height: int
    shapes: tuple[Shape, ...] = ()
    lines: tuple[Line, ...] = ()
    texts: tuple[Text, ...] = ()
    is_fluid: bool = False
    scale: tuple[Text, ...] = ()
    scale_room: int = 0
    looks: tuple[str, ...] = ()
    rows: int = 0

    @property
    def is_small(self) -> bool:
        """Whether it is drawn as large as it is: blown up to the width of its page, its cells would be huge."""
        return self.width < WIDTH

    @property
    def is_hatched(self) -> bool:
        """Whether it needs the pattern on its page."""
        return any(one.look in HATCHED for one in self.shapes)

    @property
    def marks(self) -> Markup:
        """The SVG of the lines, the shapes and the texts. They are no template: it would take four times as long, and a page has hundreds.

        Names and addresses are escaped. Looks and anchors are words of this program.
        """
        lines: dict[str, list[str]] = {}
        for line in self.lines:
            lines.setdefault(line.look, []).append(line.path)
        parts = [f'<path class="line line--{look}" d="{"".join(those)}"/>' for look, those in lines.items()]
        # What the shapes of a look count is written once, as the name of their group.
        shapes: dict[tuple[str, str], list[Shape]] = {}
        for shape in self.shapes:
            shapes.setdefault((shape.look, shape.series), []).append(shape)
        places = {look: place for place, look in enumerate(self.looks)}
        for (look, series), those in sorted(shapes.items(), key=lambda one: (places.get(one[0][0], 0), one[0])):
            pattern = ' fill="url(#hatched)"' if look in HATCHED else ""
            parts.append(f'<g class="shape shape--{look}"{pattern}>')
            # A cell without letters that leads nowhere tells no number: all of them are one shape, which is shorter.
            empty = [one for one in those if look == EMPTY and not one.href]
            numbered = [one for one in those if look != EMPTY or one.href]
            if series and numbered:
                parts.append(f"<title>{escaped_text(series)}</title>")
            if empty:
                parts.append(f'<path d="{"".join(one.path for one in empty)}"/>')
            parts += (*(one.mark(is_fluid=self.is_fluid) for one in numbered), "</g>")
        return Markup("".join(parts)) + _marks_of_texts(self.texts)  # noqa: S704, every text of people is escaped

    @property
    def scale_marks(self) -> Markup:
        """The SVG of ``scale``. A small screen shows it a second time, over the picture that moves below it."""
        return _marks_of_texts(self.scale)

    @property
    def scale_size(self) -> tuple[str, str]:
        """Width and height of the room of ``scale``, where the picture is as small as it gets (css/figures.css: 45rem, or as large as it is)."""
        sizes = self.scale_room, self.height
        width, height = (str(one) if self.is_small else f"{one / ROOT_PIXELS:g}rem" for one in sizes)
        return width, height


def _marks_of_texts(texts: Iterable[Text]) -> Markup:
    """The SVG of texts. What those of a look and an anchor share is written once."""
    alike: dict[tuple[str, str], list[Text]] = {}
    for text in texts:
        alike.setdefault((text.look, text.anchor), []).append(text)
    parts = [_marks_alike(look, anchor, those) for (look, anchor), those in alike.items()]
    return Markup("".join(parts))  # noqa: S704, every text of people is escaped


def escaped_text(text: str) -> str:
    """A text between two tags. Quotes need no escape there, and names of French services are full of them."""
    return escape(str(text), quote=False)


def _marks_alike(look: str, anchor: str, those: Sequence[Text]) -> str:
    """Texts of a look and an anchor. Where all stand in one column, or in one line, the place of it is written once."""
    places = [(round(one.x), round(one.y)) for one in those]
    xs, ys = {x for x, _y in places}, {y for _x, y in places}
    column, line = (xs.pop() if len(xs) == 1 else 0), (ys.pop() if len(ys) == 1 else 0)
    moved = f' transform="translate({column} {line})"' if column or line else ""
    anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'  # a text starts at its place anyway
    marks = [f'<g class="chart__text chart__text--{look}"{anchored}{moved} aria-hidden="true">']
    for one, (x, y) in zip(those, places, strict=True):
        at_x, at_y = (f' x="{x}"' if x != column else ""), (f' y="{y}"' if y != line else "")
        marks.append(f"<text{at_x}{at_y}>{one.words}</text>")
    return "".join((*marks, "</g>"))


@dataclass
class _Sheet:
    """A drawing that is being made, with an axis of numbers at its left."""

    most: float
    guides: Sequence[Guide] = ()
    places: int = 1
    """How many groups stand side by side."""
    height: int = HEIGHT
    shapes: list[Shape] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    scale: list[Text] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.step = (WIDTH - LEFT - RIGHT) / max(1, self.places)
        placed = _placed([(_round(LEFT + self.step * min(one.at, self.places)), one) for one in self.guides])
        # Their texts have room of their own: over a shape nobody could read them.
        head = GUIDE_LINE * (1 + max((line for _x, _guide, line in placed), default=-1))
        self.height += head
        self.top = TOP + head
        self._guided(placed)
        self.ticks = ticks(self.most)
        for tick in self.ticks:
            y = self.y(tick)
            self.lines.append(_line([(LEFT, y), (WIDTH - RIGHT, y)], "base" if tick == 0 else "grid"))
            self.scale.append(Text(LEFT - 6, _round(y + 4), str(format_decimal(tick)), "end"))

    @property
    def bottom(self) -> int:
        return self.height - BOTTOM

    def y(self, amount: float) -> int:
        """In whole pixels: nobody sees the half of one, and a page would carry its digits a hundred times."""
        return round(self.bottom - (self.bottom - self.top) * amount / self.ticks[-1])

    def names(self, groups: Sequence[Group]) -> None:
        for n in sorted(named_places(len(groups), NAMES_IN_WIDTH)):
            middle = _round(LEFT + self.step * (n + 0.5))
            for text, below in ((groups[n].name, 16), (groups[n].note, 30)):
                if text:
                    # A name at the edge would be cut off there: it ends with the picture.
                    is_wide = middle + len(text) * NAME_SIGN / 2 > WIDTH
                    x, anchor = (WIDTH, "end") if is_wide else (_right_of(LEFT, middle, text), "middle")
                    self.texts.append(Text(x, self.bottom + below, text, anchor))

    def _guided(self, placed: Sequence[tuple[float, Guide, int]]) -> None:
        for x, guide, line in placed:
            y = self.top - 8 - GUIDE_LINE * line
            begin, end = _room_of_guide(x, guide.text)
            # A line does not go through its own text.
            self.lines.append(_line([(x, y + 4 if begin < x < end else y - 8), (x, self.bottom)], guide.look))
            beside, anchor = (x - GUIDE_GAP, "end") if end == x else (begin + GUIDE_GAP, "start")
            self.texts.append(Text(_round(beside), y, guide.text, anchor, "guide"))

    def drawing(self) -> Drawing:
        return Drawing(
            WIDTH, self.height, tuple(self.shapes), tuple(self.lines), tuple(self.texts),
            scale=tuple(self.scale), scale_room=LEFT - 2,
        )  # fmt: skip


def columns(
    groups: Sequence[Group], looks: Sequence[str], *, guides: Sequence[Guide] = (), bands: Sequence[Band | None] = ()
) -> Drawing:
    """Columns side by side; a group of none is a free place.

    Args:
        bands: of each group, over its first column; None: no band.
    """
    sheet = _Sheet(max([_most(groups), *(band.most for band in bands if band is not None)]), guides, len(groups))
    step = sheet.step
    width = step * 0.76 / max(1, len(looks))
    for n, group in enumerate(groups):
        for place, (value, look) in enumerate(zip(group.values, looks, strict=True)):
            if value.amount <= 0:
                continue
            height = max(SMALLEST, sheet.bottom - sheet.y(value.amount))
            x = LEFT + step * (n + 0.12) + width * place
            left = round(x)
            wide, top = round(x + width) - left, sheet.bottom - height
            sheet.shapes.append(Shape(left, top, wide, height, look, value.label, value.href, series=value.series))
    for n, band in enumerate(bands):
        if band is not None:
            top, low = sheet.y(band.most), sheet.y(max(0, band.least))
            middle = LEFT + step * (n + 0.12) + width / 2
            height = max(SMALLEST, low - top)
            sheet.shapes.append(Shape(round(middle) - 2, top, 4, height, "whisker", band.label, series=band.series))
    sheet.names(groups)
    return sheet.drawing()


def lines(groups: Sequence[Group], looks: Sequence[str], *, guides: Sequence[Guide] = ()) -> Drawing:
    """A line for each look through the numbers of all groups, with a point for each number."""
    sheet = _Sheet(_most(groups), guides, len(groups))
    step = sheet.step
    for place, look in enumerate(looks):
        points = [(round(LEFT + step * (n + 0.5)), sheet.y(one.values[place].amount)) for n, one in enumerate(groups)]
        if points:
            sheet.lines.append(_line(points, look))
        for (x, y), group in zip(points, groups, strict=True):
            value = group.values[place]
            # The first look has round points, the others square ones.
            sheet.shapes.append(Shape(x - 4, y - 4, 8, 8, look, value.label, value.href, place == 0, value.series))
    sheet.names(groups)
    return sheet.drawing()


def stacked_rows(groups: Sequence[Group], looks: Sequence[str], totals: Sequence[str]) -> Drawing:
    """A row for each group: its total and its name, and below them its numbers one behind the other.

    The total stands before the name, and the picture is as wide as its page: both are seen on the smallest screen.

    Args:
        totals: the text before the name of each row.
    """
    whole = max((sum(value.amount for value in group.values) for group in groups), default=0) or 1
    longest = max(map(len, totals), default=0)
    shapes, texts = [], []
    for n, (group, total) in enumerate(zip(groups, totals, strict=True)):
        y = TOP + ROW * n
        texts.append(Text(TOTAL_SIGN * longest, y + 11, total, "end", "total"))
        begin, end = _ends(group.name, ROW_SIGNS - longest)
        fuller = cut(group.name, WIDE_SIGNS - longest)
        between = fuller[len(begin) : len(fuller) - len(end)]
        texts.append(Text(TOTAL_SIGN * (longest + 1), y + 11, begin, "start", "name", between, end))
        x = 0.0
        for value, look in zip(group.values, looks, strict=True):
            if value.amount > 0:
                width = max(FULL * SMALLEST / WIDTH, FULL * value.amount / whole)
                # Beside a full row, the least numbers that are seen have no room: the row ends with the picture.
                x = min(x, FULL - width)
                at, wide = _round(x), _round(width)
                shapes.append(Shape(at, y + 17, wide, BAR, look, value.label, value.href, series=value.series))
                x += width
    height, rows = TOP + ROW * len(groups), len(groups)
    return Drawing(WIDTH, height, tuple(shapes), (), tuple(texts), is_fluid=True, looks=tuple(looks), rows=rows)


def heat(names: Sequence[str], groups: Sequence[Group]) -> Drawing:
    """A table of cells, the darker the more, each with its number.

    Args:
        names: of the rows.
        groups: the columns; each has a number for each row.
    """
    left, cell = 84, 26
    longest = max((_room_of(value.text) for group in groups for value in group.values), default=0.0)
    # A number of five digits is wider than a cell: the picture is rather wider than its place, and moves in it.
    width = max(min(48.0, (WIDTH - left - RIGHT) / max(1, len(groups))), longest)
    most = max((value.amount for group in groups for value in group.values), default=0)
    shapes, texts = [], []
    scale = tuple(Text(left - 8, TOP + cell * n + 17, name, "end", "name") for n, name in enumerate(names))
    for m, group in enumerate(groups):
        x = left + width * m
        for n, value in enumerate(group.values):
            step = step_of_heat(value.amount, most)
            y = TOP + cell * n
            look = f"heat-{step}"
            shapes.append(
                Shape(round(x), y, round(width) - 2, cell - 2, look, value.label, value.href, series=value.series)
            )
            if value.text:
                texts.append(Text(_round(x + width / 2 - 1), y + 16, value.text, "middle", f"on-heat-{step}"))
    bottom = TOP + cell * len(names)
    for m in sorted(named_places(len(groups), NAMES_IN_WIDTH, with_last=True)):
        middle = _right_of(left - 2, _round(left + width * (m + 0.5)), groups[m].name)
        texts.append(Text(middle, bottom + 15, groups[m].name))
    # No wider than its columns: a small screen begins at the right end, and would show what is beside them.
    whole = round(left + width * len(groups) + RIGHT)
    # A picture that is wider than others is drawn smaller: what lies over it would not fit.
    room = left - 4 if whole <= WIDTH else 0
    return Drawing(whole, bottom + 24, tuple(shapes), (), tuple(texts), scale=scale, scale_room=room)


def _room_of(number: str) -> float:
    """The width that a written number takes in a cell, with a little space beside it. A thin space between thousands is half a digit."""
    return sum(DIGIT / 2 if sign.isspace() else DIGIT for sign in number) + 4


def step_of_heat(amount: float, most: float) -> int:
    """How dark a cell is: 0 (none) up to ``STEPS_OF_HEAT`` - 1.

    >>> [step_of_heat(one, 8) for one in (0, 1, 2, 3, 4, 8)]
    [0, 1, 1, 2, 2, 4]
    """
    if amount <= 0 or most <= 0:
        return 0
    darkest = STEPS_OF_HEAT - 1
    return min(darkest, max(1, -(-int(amount * darkest * 1000) // int(most * 1000))))


def cut(name: str, signs: int) -> str:
    """A name in so many signs. It is cut in its middle: names of services differ in their last words.

    >>> cut("Service de la planification et du suivi-évaluation", 36)
    'Service de la pla…u suivi-évaluation'
    >>> cut("Direction générale de l'énergie", 36)
    "Direction générale de l'énergie"
    """
    begin, end = _ends(name, signs)
    return f"{begin}…{end}" if end else begin


def _ends(name: str, signs: int) -> tuple[str, str]:
    """What stays of a name at both sides of the cut; the whole name and nothing where it has room."""
    if len(name) <= signs:
        return name, ""
    end = signs // 2
    return name[: signs - end - 1].rstrip(), name[-end:].lstrip()


def _right_of(edge: float, middle: float, text: str) -> float:
    """The middle of a name of an axis that does not begin at the left of the picture's own edge: the scale may lie there."""
    return max(middle, _round(edge + len(text) * NAME_SIGN / 2))


def _is_at_right(x: float) -> bool:
    """Whether the text of a guide stands at the left of its line where it has room there."""
    return x > WIDTH * 0.75


def _room_of_guide(x: float, text: str) -> tuple[float, float]:
    """Where the text of a guide begins and ends. It stands beside its line; where neither side has room for it, it lies over the line."""
    width = len(text) * NAME_SIGN + 2 * GUIDE_GAP
    if not _is_at_right(x):
        begin = x
    elif x - width >= NEWEST:
        begin = x - width
    else:  # at the left of the line, a small screen would cut its first words off
        begin = x if x + width <= WIDTH else NEWEST
    begin = min(begin, WIDTH - width)
    return begin, begin + width


def _placed(guides: Sequence[tuple[float, Guide]]) -> list[tuple[float, Guide, int]]:
    """Each guide with the line of its text, 0 next to the chart: no text lies over another one, or over the line of another guide."""
    found: list[tuple[float, Guide, int]] = []
    taken: list[tuple[int, float, float]] = []
    # A text goes over the lines of those that come before it here: these begin lower. (A text that lies over its own line may cross later ones too.)
    for x, guide in sorted(guides, key=lambda one: one[0] if _is_at_right(one[0]) else WIDTH + LEFT - one[0]):
        first, last = _room_of_guide(x, guide.text)
        lines = [line for other, _guide, line in found if first < other < last]
        lines += [line for line, begin, end in taken if first < end and begin < last]
        line = min(max(lines, default=-1) + 1, MOST_GUIDES - 1)
        taken.append((line, first, last))
        found.append((x, guide, line))
    return sorted(found, key=lambda one: one[0])


def _most(groups: Sequence[Group]) -> float:
    return max((value.amount for group in groups for value in group.values), default=0)


def _line(points: Sequence[tuple[float, float]], look: str) -> Line:
    return Line(" ".join(f"{_round(x):g},{_round(y):g}" for x, y in points), look)


def _round(number: float) -> float:
    """To a tenth; a whole number without its zero, which a page would carry a hundred times."""
    rounded = round(number, 1)
    return int(rounded) if rounded == int(rounded) else rounded
