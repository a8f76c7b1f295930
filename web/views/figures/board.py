"""What a reader is told of figures, and how it is written: numbers, days, delays, and the cells of a panel.

All pages, pictures and files are made of these cells, so none of them tells more than another.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, TypeVar, overload

from flask_babel import format_date

from ged.dashboard import breakdown
from ged.dashboard.breakdown import By, Key, Line
from ged.dashboard.telling import FINEST, Step, ToldNumber, classes, is_few, step_of, tell, tell_part
from ged.figures.periods import Period, month_end, months_of
from ged.figures.queries import MOVING
from ged.figures.stages import LONGEST, bin_of, next_bin, percentile
from ged.org.names import unit_names
from ged.unit import Actor, ReadSession
from web.drawing.charts import HATCHED, Drawing, Group, Guide, Value
from web.site import context
from web.views.figures import closed
from web.views.figures.asked import CHOICES, EVER, AskedFigures
from web.words import figure_pages as words
from web.words.messages import gettext
from web.words.messages import gettext as _
from web.words.numbers import decimal

MOST_DAYS = 62
"""Longer periods are shown by months."""
MOST_ROWS = 12
"""Rows of a picture; the table has all of them."""
TWO = ("first", "second")
UNIT = "unite"
"""The filter of which each row of units is a choice."""
DELAY = "delai"
"""As ``UNIT``, of delays."""
MEDIAN, NINE_OF_TEN = 0.5, 0.9


@dataclass(frozen=True)
class Cell:
    """A cell of a panel's table."""

    text: str
    href: str = ""
    is_number: bool = True
    value: float | date | None = None
    """What the text says, for a spreadsheet; None: words, or a number that is not told exactly so."""
    unit: str = ""
    """What stands behind the value in a spreadsheet; see ``lists.Valued``."""
    saved: str = ""
    """The text in a file, where it needs a year; empty: the text."""


Thing = TypeVar("Thing")


class RowsOf(Sequence[tuple[Cell, ...]]):
    """The rows of a table, each made when it is read. Beside a picture, a page has the table only once its reader opens it.

    Args:
        things: what the rows are of.
        make: makes a row. It reads nothing from the database.
    """

    def __init__(self, things: Sequence[Thing], make: Callable[[Thing], tuple[Cell, ...]]) -> None:
        """See the class."""
        self._things: Sequence[Any] = things
        self._make: Callable[[Any], tuple[Cell, ...]] = make

    def __len__(self) -> int:
        """The number of rows; none is made for it."""
        return len(self._things)

    @overload
    def __getitem__(self, place: int) -> tuple[Cell, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[tuple[Cell, ...]]: ...
    def __getitem__(self, place: int | slice) -> tuple[Cell, ...] | Sequence[tuple[Cell, ...]]:
        """A row, or several."""
        if isinstance(place, slice):
            return RowsOf(self._things[place], self._make)
        return self._make(self._things[place])


@dataclass(frozen=True)
class Panel:
    """A panel.

    Attributes:
        id: its name in addresses.
        text: what is shown and how, in a sentence or two: the picture's description.
        drawing: None: there is a table only, shown open.
        legend: (look, words).
        headings: of the columns; the first one is that of the names of the rows.
        nothing: what is said where there are no rows; empty: that there is no letter.
        is_over_time: its picture goes from the oldest day to the newest one, which is seen first where it has no room.
        days: place of a column -> the day that its heading names.
        counts: the days that are counted, where they are not those of the page.
    """

    id: str
    title: str
    text: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    drawing: Drawing | None = None
    legend: tuple[tuple[str, str], ...] = ()
    nothing: str = ""
    is_over_time: bool = False
    days: Mapping[int, date] = field(default_factory=dict)
    counts: Period | None = None

    @property
    def is_hatched(self) -> bool:
        """Whether its picture or its legend needs the pattern on the page. A legend names a look that no shape has, too."""
        is_drawn = self.drawing is not None and self.drawing.is_hatched
        return is_drawn or any(look in HATCHED for look, _words in self.legend)

    @property
    def is_cut(self) -> bool:
        """Whether its table has more rows than its picture."""
        return self.drawing is not None and 0 < self.drawing.rows < len(self.rows)

    @property
    def columns(self) -> list[str | tuple[str, str]]:
        """The headings for the macro of tables: numbers stand at the right."""
        first = self.rows[0] if self.rows else ()
        words = {n for n, cell in enumerate(first) if not cell.is_number} | {0}
        return [one if n in words else (one, "number") for n, one in enumerate(self.headings)]


@dataclass(frozen=True)
class Card:
    """A number with what it was before."""

    title: str
    text: str
    href: str
    before: str
    change: str
    definition: str
    values: tuple[int | None, int | None, float | None] = (None, None, None)
    """Of the number, of the one before and of the change, a share; None: it is not told exactly."""
    unit: str = ""
    curve: str = ""
    """The path of its course in the period (``curves``); empty: it has none."""


Span = tuple[int, int | None, int]
"""First working day, first day of the next one (None: there is none), letters."""


@dataclass(frozen=True)
class Stretch:
    """A day or a month of the period that is shown, as far as the period has it.

    Attributes:
        name: in words, with the days of a month that is cut.
        axis, note: on an axis; the note stands below: the days of a month that is cut.
    """

    name: str
    days: Period
    axis: str
    note: str = ""

    def group(self, values: Sequence[Value]) -> Group:
        """Numbers at this place of an axis."""
        return Group(self.axis, tuple(values), self.note)


@dataclass(frozen=True)
class Board:
    """One reader's figures: the session, what is asked, and the names that the panels need.

    Attributes:
        is_for_pictures: beside a picture, its table is not read: the page asks for it when its reader opens it.
        rows_of: the filters of which each row is a choice (``by``); none: the numbers are those of the whole panel.
        is_of_papers: what narrows letters narrows nothing here.
    """

    session: ReadSession
    actor: Actor
    asked: AskedFigures
    is_for_pictures: bool = False
    rows_of: frozenset[str] = frozenset()
    is_of_papers: bool = False
    kept: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)
    """What several panels of a page need is read once: a name or another key -> what was read."""

    @property
    def units(self) -> Mapping[int, str]:
        """Id -> name of every unit of the reader's ministry; the name of a closed one says until when it was. (The units: ``actor.units``.)"""
        if "units" not in self.kept:
            self.kept["units"] = closed.marked(self.unmarked, self.actor.units, context.services().zone)
        names: Mapping[int, str] = self.kept["units"]
        return names

    @property
    def unmarked(self) -> Mapping[int, str]:
        """As ``units``, without the days of closed ones. Read once, however many panels need the names."""
        if "unmarked" not in self.kept:
            self.kept["unmarked"] = unit_names(self.actor)
        names: Mapping[int, str] = self.kept["unmarked"]
        return names

    def closings(self, stretches: Sequence[Stretch]) -> list[Guide]:
        """The days of a chart on which units closed, as lines across it; none where months are shown."""
        if not self.by_days:
            return []
        first, zone = stretches[0].days.since, context.services().zone
        within = Period(first, stretches[-1].days.until)
        found = closed.codes_by_day(self.asked.sight.unit_ids, self.actor.units, zone, within)
        return [
            Guide((day - first).days, str(_("fermeture : %(codes)s", codes=closed.few(those))), "closing")
            for day, those in sorted(found.items())
        ]

    def lines(self, period: Period, by: By) -> Mapping[Key, Line]:
        """The figures of units, or of natures, in a period and at its end."""
        asked, key = self.asked, (by, period)
        if key not in self.kept:
            self.kept[key] = breakdown.lines(
                self.session,
                asked.cut,
                period,
                by,
                end=period.until,
                stage=asked.stage,
                is_now=period.until >= asked.today,
                counted=asked.movements,
            )
        found: Mapping[Key, Line] = self.kept[key]
        return found

    def whole(self, period: Period, before: tuple[Period, Line] | None = None) -> Line:
        """The figures of all units together: the sum of what the panels show side by side.

        Args:
            before: another period and its figures. Where ``period`` begins on the day after it, what stands at the end is
                counted from what stood.
        """
        found: Mapping[Key, Line] | None = self.kept.get((By.UNIT, period)) or self.kept.get((By.NATURE, period))
        if found is not None:
            return breakdown.added(list(found.values()))
        follows = before is not None and before[0].until + timedelta(days=1) == period.since
        stood = before[1].standing if before is not None and follows else None
        bins, counted = self.delays(period), self.asked.movements
        return breakdown.whole(
            self.session, self.asked.cut, period, bins=bins, stood=stood, counted=counted,
            found=self.counted(period) if period == self.asked.shown else None,
        )  # fmt: skip

    @property
    def course(self) -> Mapping[date, Mapping[str, int]]:
        """What moved in the period, by its days or by its months. Read once for the chart, the cards and their curves."""
        asked, columns = self.asked, (*self.asked.movements, *MOVING)
        key = ("course", asked.shown)
        if key not in self.kept:
            self.kept[key] = breakdown.course(
                self.session, asked.cut, asked.shown, by_days=self.by_days, counted=columns
            )
        found: Mapping[date, Mapping[str, int]] = self.kept[key]
        return found

    def counted(self, days: Period) -> Mapping[str, int]:
        """Column -> letters of some days of the period: of all of them, or of a stretch."""
        those = [counted for day, counted in self.course.items() if days.since <= day <= days.until]
        return {name: sum(one[name] for one in those) for name in (*self.asked.movements, *MOVING)}

    def delays(self, period: Period) -> Mapping[int, int]:
        """Bin -> letters whose stage ended in a period. Read once for the chart and for the cards."""
        key = ("delays", period)
        if key not in self.kept:
            self.kept[key] = breakdown.delays(self.session, self.asked.cut, period, self.asked.stage)
        found: Mapping[int, int] = self.kept[key]
        return found

    # --- how numbers, days and names are written

    @property
    def is_exact(self) -> bool:
        """Whether the reader is given exact numbers."""
        return self.asked.sight.is_exact

    @cached_property
    def step(self) -> Step:
        """How coarse this reader is told numbers: by what narrows them (``telling.step_of``)."""
        if self.is_exact:
            return FINEST
        narrowed = {name for name in CHOICES if name in self.asked.given and not self.is_of_papers}
        if self.asked.is_of_some_units:
            narrowed.add(UNIT)
        return step_of(len(narrowed | self.rows_of))

    def by(self, name: str) -> "Board":
        """The same figures, for the rows of a table that are of one choice each; ``name``: of that filter."""
        if self.is_exact or (name == UNIT and len(self.asked.sight.unit_ids) == 1):
            return self
        return replace(self, rows_of=self.rows_of | {name})

    def tell(self, number: int, whole: int | None = None) -> ToldNumber:
        """The number as this reader is told it, also as a part of a number that is told beside it (``whole``).

        Rows are put in the order of rounded numbers: the order of others would tell them.
        """
        if whole is None:
            return tell(number, is_exact=self.is_exact, step=self.step)
        return tell_part(number, whole, is_exact=self.is_exact, step=self.step)

    def text(self, number: ToldNumber) -> str:
        """A told number in words."""
        if number.is_hidden:
            return "—"
        if number.is_small:
            return str(_("moins de %(num)s", num=number.least))
        written: dict[int, str] = self.kept.setdefault("written", {})  # most numbers of a page stand there three times
        if number.amount not in written:
            written[number.amount] = decimal(number.amount)
        return written[number.amount]

    def href(self, number: int, href: str) -> str:
        """The link of a number: without letters there is none. A reader of rounded numbers always has it: a missing link would show that there is no letter."""
        return href if number or not self.is_exact else ""

    def cell(self, number: int, href: str = "", *, whole: int | None = None) -> Cell:
        """A number as a cell."""
        shown = self.tell(number, whole)
        return Cell(self.text(shown), self.href(number, href), value=amount_of(shown))

    def time_cell(self, one: Stretch) -> Cell:
        """The first cell of a day's row, or of a month's."""
        return day_cell(one.days.since) if self.by_days else Cell(one.name, is_number=False)

    def value(
        self, number: int, name: str, series: str | Callable[[int], str], href: str = "", *, whole: int | None = None
    ) -> Value:
        """A number as a shape.

        Args:
            series: the name of what is counted, or a function that words it for a number (``words.letters``).
        """
        shown = self.tell(number, whole)
        if "shape" not in self.kept:
            self.kept["shape"] = str(gettext("%(name)s : %(count)s"))
        if not isinstance(series, str):
            series = series(shown.least if shown.is_hidden or shown.is_small else shown.amount)
        label: str = self.kept["shape"] % {"name": name, "count": self.text(shown)}
        return Value(shown.amount, label, self.href(number, href), series=series)

    def delay(self, bins: Mapping[int, int], share: float) -> str:
        """A percentile in words; of rounded numbers the class in which it lies."""
        if not self.is_exact:
            spans = told_bins(bins, self.by(DELAY).step)
            place = told_percentile(spans, share, self.by(DELAY).step)
            return words.bin_name(*spans[place][:2]) if place is not None else "—"
        found = percentile(bins, share)
        return words.days(found) if found is not None else "—"

    def days_of(self, bins: Mapping[int, int], share: float) -> int | None:
        """A percentile in days; None where there is none, and where it is told as a class."""
        return percentile(bins, share) if self.is_exact else None

    def delay_cell(self, bins: Mapping[int, int], share: float) -> Cell:
        """A percentile as a cell."""
        return Cell(self.delay(bins, share), value=self.days_of(bins, share), unit=words.day_unit())

    def spans(self, bins: Mapping[int, int]) -> list[Span]:
        """The bins of a histogram, as this reader is told them; none of no letter."""
        if not self.is_exact:
            return told_bins(bins, self.by(DELAY).step)
        return [(first, after, bins.get(first, 0)) for first, after in bins_of(bins)] if any(bins.values()) else []

    def place(self, spans: Sequence[Span], bins: Mapping[int, int], share: float) -> int | None:
        """The place of a percentile among these bins."""
        if not self.is_exact:
            return told_percentile(spans, share, self.by(DELAY).step)
        found = percentile(bins, share)
        return place_of(spans, found) if found is not None else None

    @property
    def by_days(self) -> bool:
        """Whether the period is shown day by day."""
        return self.is_exact and self.asked.shown.days <= MOST_DAYS

    def of(self, period: Period) -> "Board":
        """The figures of another period, for the same reader."""
        return replace(self, asked=replace(self.asked, period=period))

    def stretches(self) -> list[Stretch]:
        """The days, or the months, of the period. They count its days and no others, as the cards do; a reader of rounded numbers is told whole months."""
        period = self.asked.shown
        if self.by_days:
            days = [period.since + timedelta(days=n) for n in range(period.days)]
            return [Stretch(day_name(day), Period(day, day), day_name(day)) for day in days]
        return [self.month(month) for month in months_of(period)]

    def month(self, first: date) -> Stretch:
        """A month as far as the period has it: for who is told exact numbers, cut at the ends of the period."""
        name, whole, shown = month_name(first), Period(first, month_end(first)), self.asked.shown
        if not self.is_exact or shown.since <= whole.since <= whole.until <= shown.until:
            return Stretch(name, whole, name)
        days = Period(max(first, shown.since), min(whole.until, shown.until))
        note = f"{days.since.day}–{days.until.day}" if days.days > 1 else words.calendar_days(1)
        return Stretch(_cut_name(name, days, whole), days, name, note)

    def cut_months(self, stretches: Sequence[Stretch]) -> str:
        """Which months are not counted whole, in a sentence; empty: each of them is."""
        if self.by_days or not any(one.note for one in stretches):
            return ""
        shown = period_name(Period(stretches[0].days.since, stretches[-1].days.until))
        return str(_("Seuls les jours de la période comptent : %(period)s.", period=shown))

    def percentiles(self, spans: Sequence[Span], bins: Mapping[int, int]) -> tuple[str, list[Guide]]:
        """The median and the delay that nine of ten keep: in words, and as guides over these bins."""
        phrases, guides = [], []
        for share, title, css_class in ((MEDIAN, _("médiane"), "median"), (NINE_OF_TEN, _("9 sur 10"), "ninety")):
            phrases.append(str(gettext("%(name)s : %(text)s", name=title, text=self.delay(bins, share))))
            place = self.place(spans, bins, share)
            if place is not None:
                guides.append(Guide(place + 0.5, phrases[-1], css_class))
        return and_then(*phrases), guides


def _cut_name(month: str, days: Period, whole: Period) -> str:
    """A month that is cut, in words."""
    since, until = day_of_month(days.since), day_of_month(days.until)
    if days.until == whole.until:
        return str(_("%(month)s, dès le %(first)s", month=month, first=since))
    if days.since == whole.since:
        return str(_("%(month)s, jusqu'au %(last)s", month=month, last=until))
    return str(_("%(month)s, du %(first)s au %(last)s", month=month, first=since, last=until))


def day_of_month(day: date) -> str:
    """The day of a month: French has a word for the first one."""
    return str(_("1er")) if day.day == 1 else str(day.day)


def sentences(*those: str) -> str:
    """Several sentences, without those that are empty."""
    return " ".join(one for one in those if one)


def and_then(first: str, second: str) -> str:
    """Two parts of a sentence."""
    return str(_("%(first)s ; %(second)s", first=first, second=second))


def change_name(change: int | None) -> str:
    """A change in percent, in words; empty: it is not told."""
    if change is None:
        return ""
    # The minus sign is typed as typography has it; a table that is saved has the numbers themselves.
    signed = f"{'+' if change > 0 else '−'}{decimal(abs(change))}"
    return str(_("sans changement")) if change == 0 else str(_("%(num)s\u00a0%%", num=signed))


def amount_of(number: ToldNumber) -> int | None:
    """The number that is told; None where words stand for it."""
    return None if number.is_small or number.is_hidden else number.amount


def day_cell(day: date) -> Cell:
    """A day of the rows' names: without a year on the page, with it in a file."""
    return Cell(day_name(day), is_number=False, value=day)


def days_cell(number: int, text: str = "") -> Cell:
    """A number of days as a cell, with other words for it (``text``)."""
    return Cell(text or words.days(number), value=number, unit=words.day_unit())


def day_name(day: date) -> str:
    """A day on an axis."""
    # In both languages; Babel takes a twelfth of a page's time for those of a month.
    return f"{day.day}/{day.month:02}"


def month_name(month: date) -> str:
    """A month on an axis."""
    return str(format_date(month, "MMM yy"))


def period_name(period: Period) -> str:
    """A period in words."""
    if period.since == EVER:
        return str(_("jusqu'au %(last)s", last=format_date(period.until, "dd/MM/yyyy")))
    if period.since == period.until:
        return str(_("le %(day)s", day=format_date(period.since, "dd/MM/yyyy")))
    return str(
        _(
            "du %(first)s au %(last)s",
            first=format_date(period.since, "dd/MM/yyyy"),
            last=format_date(period.until, "dd/MM/yyyy"),
        )
    )


def earlier_name(asked: AskedFigures) -> str:
    """The period with which the cards compare."""
    return period_name(asked.earlier)


def others(kept: Sequence[object]) -> str:
    """The name of the row of those that are told together."""
    return str(_("Autres, ensemble") if kept else _("Tous ensemble"))


Maker = Callable[[Board], Panel | None]
"""Makes a panel of a page; None: there is nothing to show."""


# --- delays as they are told ----------------------------------------------------------------------------------------


def told_bins(bins: Mapping[int, int], step: Step, firsts: Sequence[int] = ()) -> list[Span]:
    """The classes of delays that are told (``telling.classes``), also those without letters; the last one has no end. None of few letters.

    Args:
        firsts: other classes than those that so many letters have.
    """
    letters = sum(bins.values())
    if is_few(letters, step):
        return []
    firsts = firsts or classes(letters, step)
    numbers = [0] * len(firsts)
    for first, number in bins.items():
        numbers[bisect_right(firsts, first) - 1] += number
    return list(zip(firsts, (*firsts[1:], None), numbers, strict=True))


def told_letters(bins: Mapping[int, int], others: Mapping[int, int], step: Step) -> dict[int, int]:
    """The last bin of each class -> letters as they are told: whatever follows from them tells no more.

    Args:
        others: the delays with which they are compared: both have the classes of the fewer ones.
    """
    spans = told_bins(bins, step, _classes_of_both(bins, others, step))
    return {_last_of(span): tell(span[2], is_exact=False, step=step).amount for span in spans}


def class_name(bins: Mapping[int, int], others: Mapping[int, int], step: Step, last: int) -> str:
    """The class of ``told_letters`` with a last bin, in words."""
    firsts = _classes_of_both(bins, others, step)
    return next(words.bin_name(*span[:2]) for span in told_bins(bins, step, firsts) if _last_of(span) == last)


def _classes_of_both(bins: Mapping[int, int], others: Mapping[int, int], step: Step) -> tuple[int, ...]:
    return classes(min(sum(bins.values()), sum(others.values())), step)


def _last_of(span: Span) -> int:
    return last_bin(span[1])


def told_percentile(spans: Sequence[Span], share: float, step: Step) -> int | None:
    """The place of the span with a percentile, of rounded numbers alone: exact ones would move it with each letter. None where each of them is small."""
    letters = [tell(number, is_exact=False, step=step).amount for _first, _after, number in spans]
    wanted, seen = share * sum(letters), 0
    for place, number in enumerate(letters):
        seen += number
        if wanted and seen >= wanted:
            return place
    return None


def last_bin(after: int | None) -> int:
    """The last bin before another one."""
    return LONGEST if after is None else bin_of(after - 1)


def bins_of(bins: Mapping[int, int]) -> list[tuple[int, int | None]]:
    """(first day, first day of the next one) of all bins up to the last one with letters, ten at least."""
    last, at, found = max([10, *(one for one, letters in bins.items() if letters)]), 0, list[tuple[int, int | None]]()
    while at <= last:
        after = next_bin(at)
        found.append((at, after))
        if after is None:
            break
        at = after
    return found


def place_of(spans: Sequence[Span], at_least: int) -> int:
    """The place of a bin on the axis; behind the last one: the end."""
    return next((n for n, (first, _after, _letters) in enumerate(spans) if first >= at_least), len(spans) - 1)
