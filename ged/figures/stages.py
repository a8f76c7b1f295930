"""What is counted, and the steps of a letter's path whose delays are counted. Pure.

What each number means, in French and in English, stands in ``definitions``.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum

COUNTED = (
    "received", "numbered", "imputed", "assigned", "answered", "closed", "returned", "voided", "signed", "dispatched",
    "opened", "ended", "fell_due", "relieved",
)  # fmt: skip
"""The columns of a cell: how many letters did this on the day. ``returned`` alone may count a letter more than once.

The letters that are open at a day's end are all that were ``opened`` less all that were ``ended`` until that day. Those that
are overdue then are ``fell_due`` less ``relieved``. A letter falls due on the day after its date, without any act: so
the figure of a day on which nobody works is right too.
"""


UNTOLD = 3
"""Above every level: of letters of which their own unit may not know. See ``counted.CountedRegister``."""


FIRST_DAY = date(1950, 1, 1)
"""Delays of letters from before this day are not counted, and no list goes back further."""


class Grain(StrEnum):
    """How long the time of a cell is. The cell of a month, or of a year, is the sum of the cells of its days."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    """Of ``FigureCell`` alone: what stands at a day's end would else be the sum of all months there ever were."""
    SUM_DAY = "sum_day"
    """A day of the key of a sum (``sums``); the next two: a month, and a year."""
    SUM_MONTH = "sum_month"
    SUM_YEAR = "sum_year"
    NATURES_DAY = "natures_day"
    """A day of the key of all natures together (``sums``); the next two: a month, and a year."""
    NATURES_MONTH = "natures_month"
    NATURES_YEAR = "natures_year"
    ALL_DAY = "all_day"
    """A day of the key of all units together, of a nature; the next two: a month, and a year."""
    ALL_MONTH = "all_month"
    ALL_YEAR = "all_year"


class SlipSide(StrEnum):
    """Whose slips a cell of slips counts, and on which day."""

    SENT = "sent"
    """Those that the unit sent, on the day of its signature."""
    RECEIVED = "received"
    """Those that the unit acknowledged, on the day of its signature."""
    ACKNOWLEDGED = "acknowledged"
    """Those that the unit sent, on the day on which they were acknowledged."""
    FAULTY = "faulty"
    """Not slips, but lines that were missing or damaged when the unit acknowledged their slip, on the day of its signature."""


NO_DELAY = -1
"""In the place of a bin: of a slip that was only sent, that was acknowledged on a day before that of its sending (the clock of a desk may differ
by minutes), or of which a day is not in ``FigureDay``."""

SUMS = (Grain.SUM_DAY, Grain.SUM_MONTH, Grain.SUM_YEAR)
"""The grains of the cells of sums."""
NATURES = (Grain.NATURES_DAY, Grain.NATURES_MONTH, Grain.NATURES_YEAR)
"""The grains of the cells of all natures together."""
ALL = (Grain.ALL_DAY, Grain.ALL_MONTH, Grain.ALL_YEAR)
"""The grains of the cells of all units together."""


class Stage(StrEnum):
    """A step of a letter's path."""

    IMPUTATION = "imputation"
    """From the reception to the authority's first decision."""
    ASSIGNMENT = "assignment"
    """From that decision to the first assignment below it."""
    ANSWER = "answer"
    """From that assignment (the decision, where none was made) to the answer."""
    SIGNATURE = "signature"
    """Of a letter written here: from its first draft to its signature."""
    DISPATCH = "dispatch"
    """Of a letter written here: from its signature to the departure of its last copy."""


SPANS: Mapping[Stage, tuple[str, str]] = {
    Stage.IMPUTATION: ("received_on", "imputed_on"),
    Stage.ASSIGNMENT: ("imputed_on", "assigned_on"),
    Stage.ANSWER: ("given_on", "answered_on"),
    Stage.SIGNATURE: ("begun_on", "signed_on"),
    Stage.DISPATCH: ("signed_on", "dispatched_on"),
}
"""Stage -> the columns with its first day and its last day."""


def day_of(counted: str) -> str:
    """The column of a letter with the day on which it counts in a counted column (but ``returned`` and ``relieved``)."""
    return f"{counted}_on"


def delay_of(stage: Stage) -> str:
    """The column of a letter with its delay in a stage."""
    return f"to_{stage.value}"


STEPS = ((60, 1), (120, 5), (260, 20))
"""(last delay, width) of the bins: one a working day up to 60, one a week up to 120, one a month up to 260, then one for all."""
LONGEST = 261
"""The least delay of the last bin."""


def bin_of(days: int, steps: Sequence[tuple[int, int]] = STEPS, longest: int = LONGEST) -> int:
    """The bin of a delay: the least number of working days in it.

    Args:
        days: the delay.
        steps, longest: the bins; others than those of today for what was counted by others.

    >>> [bin_of(one) for one in (0, 60, 61, 65, 66, 121, 260, 261, 999)]
    [0, 60, 61, 61, 66, 121, 241, 261, 261]
    """
    since = 0
    for last, width in steps:
        if days <= last:
            return since + (days - since) // width * width
        since = last + 1
    return longest


def next_bin(at_least: int) -> int | None:
    """The bin behind the bin of a delay; None behind the last one.

    >>> [next_bin(one) for one in (0, 60, 63, 116, 121, 241, 261)]
    [1, 61, 66, 121, 141, 261, None]
    """
    here = bin_of(at_least)
    widest = max(width for _, width in STEPS)
    return next((days for days in range(here + 1, here + widest + 1) if bin_of(days) != here), None)


def percentile(bins: Mapping[int, int], share: float) -> int | None:
    """The delay in working days within which this share of the letters was done: the least day of its bin.

    Args:
        bins: bin -> letters.
        share: 0.5 for the median, 0.9 for the delay that nine of ten letters keep.

    Returns:
        None when there is no letter. Up to 60 working days the number is exact.

    >>> percentile({0: 5, 3: 4, 261: 1}, 0.9)
    3
    """
    wanted, seen = share * sum(bins.values()), 0
    for at_least, letters in sorted(bins.items()):
        seen += letters
        if letters and seen >= wanted:
            return at_least
    return None
