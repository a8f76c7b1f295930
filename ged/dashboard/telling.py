"""How numbers are told to who may not see all letters behind them. Pure.

Whoever may see each letter is told the number. Others are told "less than five", also of none, or a multiple of five. What is shown to them follows from these
decisions alone, so it changes only where a number crosses one of their bounds:

- **a number** (``tell``): none and one to four are one and the same; larger ones are rounded;
- **a number of a narrow cut** (``step_of``) is told coarser: by several filters at once a small number would follow from its neighbours and their sums;
- **a part** of a number that is told as well (``tell_part``) is hidden if it is small, or if what remains is small: a reader could subtract;
- **classes of age** (``divided``) go together in halves until none of them is few;
- **delays** are told by classes that the told number of letters alone chooses (``classes``);
- **rows** (``apart``) that are small go together as one, with the smallest other ones until that one row holds five.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """How coarse numbers are told.

    Attributes:
        small: numbers below it are not told apart.
        multiple: larger ones are told as multiples of it.
    """

    small: int
    multiple: int


SMALL = 5
"""``Step.small`` of the finest step."""
STEPS = (Step(SMALL, 5), Step(8, 15), Step(23, 45))
"""From the finest to the coarsest. Each bound of a coarser step is one of each finer step: a number that is told by two of them is told by
the finer one alone."""
FINEST = STEPS[0]


def step_of(narrowings: int) -> Step:
    """How coarse the numbers of a cut are told: of more than one narrowing at once coarser.

    The numbers of a table and their sums, each rounded by itself, are a system of inequalities. With one step for all of them it told
    of one small number in twenty that it is not zero, and some of them exactly (``tests/unit/test_told_by_arithmetic.py``).

    Args:
        narrowings: what narrows the cut: a unit, a nature, a direction, ...; the row of a table is one, too.

    >>> [step_of(one).multiple for one in (0, 1, 2, 3, 6)]
    [5, 5, 15, 45, 45]
    """
    return STEPS[min(max(narrowings - 1, 0), len(STEPS) - 1)]


@dataclass(frozen=True)
class ToldNumber:
    """A number as it is told.

    Attributes:
        amount: what is drawn, compared and added up; 0 of a small number and of a hidden one.
        is_small: it is told as "less than ``least``".
        is_hidden: it is not told at all.
        least: ``Step.small`` of the step by which it is told.
    """

    amount: int
    is_small: bool = False
    is_hidden: bool = False
    least: int = SMALL


def is_few(number: int, step: Step = FINEST) -> bool:
    """Whether so many letters are not told apart."""
    return number < step.small


def tell(number: int, *, is_exact: bool, step: Step = FINEST) -> ToldNumber:
    """The number as it is told.

    >>> [tell(one, is_exact=False).amount for one in (0, 1, 4, 5, 7, 8)]
    [0, 0, 0, 5, 5, 10]
    >>> [tell(one, is_exact=False, step=STEPS[1]).amount for one in (7, 8, 22, 23)]
    [0, 15, 15, 30]
    """
    if is_exact:
        return ToldNumber(number)
    if is_few(number, step):
        return ToldNumber(0, is_small=True, least=step.small)
    return ToldNumber((number + step.multiple // 2) // step.multiple * step.multiple, least=step.small)


def added_up(*numbers: ToldNumber) -> ToldNumber:
    """The sum of numbers as they are told, for a total beside them. None of them is hidden.

    >>> added_up(ToldNumber(5), ToldNumber(0, is_small=True)).amount, added_up(ToldNumber(0, is_small=True)).is_small
    (5, True)
    """
    least = max((one.least for one in numbers), default=SMALL)
    return ToldNumber(sum(one.amount for one in numbers), is_small=all(one.is_small for one in numbers), least=least)


def tell_part(part: int, whole: int, *, is_exact: bool, step: Step = FINEST) -> ToldNumber:
    """A part of a number that is told beside it.

    >>> [tell_part(one, 12, is_exact=False).is_hidden for one in (0, 4, 5, 7, 8, 12)]
    [True, True, False, False, True, True]
    """
    if not is_exact and (is_few(part, step) or is_few(whole - part, step)):
        return ToldNumber(0, is_hidden=True, least=step.small)
    return tell(part, is_exact=is_exact, step=step)


def divided(numbers: Sequence[int], step: Step = FINEST) -> list[range]:
    """The places of neighbours that are told together; none where all of them are few.

    All of them are divided at their middle, and each half again, where neither half is few. Where the next neighbour that makes a group
    large ended it, the last one of each group was known not to be empty.

    >>> divided([1, 2, 3, 6, 0]), divided([9, 9]), divided([1, 3]), divided([0, 6, 0, 7, 1])
    ([range(0, 3), range(3, 5)], [range(0, 1), range(1, 2)], [], [range(0, 3), range(3, 5)])
    """
    return [] if is_few(sum(numbers), step) else _halves(numbers, range(len(numbers)), step)


def _halves(numbers: Sequence[int], those: range, step: Step) -> list[range]:
    middle = (those.start + those.stop + 1) // 2
    halves = range(those.start, middle), range(middle, those.stop)
    if any(is_few(sum(numbers[one.start : one.stop]), step) for one in halves):
        return [those]
    return [one for half in halves for one in _halves(numbers, half, step)]


def apart(rows: Sequence[Sequence[int]], step: Step = FINEST) -> list[int]:
    """The places of the rows that are told each by itself; all others are told as one row.

    A row is few where each of its numbers is: one letter may stand in several of them.

    Args:
        rows: the numbers of all rows that there may be, also of those without letters: else a row would tell of its first letter.

    >>> apart([[9], [0], [30], [2]]), apart([[9], [3], [30], [2]]), apart([[9], [30]]), apart([[1], [2]]), apart([[3, 3], [4, 0]])
    ([2], [0, 2], [0, 1], [], [])
    """
    kept = [place for place, numbers in enumerate(rows) if not is_few(max(numbers), step)]
    while kept and len(kept) < len(rows):
        rest = [numbers for place, numbers in enumerate(rows) if place not in kept]
        if not is_few(max(sum(column) for column in zip(*rest, strict=True)), step):
            break
        # Told numbers, not exact ones, say which row is the smallest.
        kept.remove(min(kept, key=lambda place: (tell(max(rows[place]), is_exact=False, step=step).amount, -place)))
    return kept


CLASSES = ((0, 5, 21), (0, 2, 5, 10, 21, 41), (0, 1, 2, 3, 4, 5, 7, 10, 15, 21, 31, 41, 61))
"""First working days of the classes of delays: of few letters, of more, of many."""
FEW_LETTERS, SOME_LETTERS = 8, 40
"""How many times ``Step.multiple`` is the first number of letters that has the second, and the third of ``CLASSES``."""


def classes(letters: int, step: Step) -> tuple[int, ...]:
    """The first working days of the classes by which the delays of so many letters are told. They follow from the told number: bins that
    were merged until they held enough told of each last one that it is not empty.

    >>> [len(classes(one, FINEST)) for one in (37, 38, 197, 198)]
    [3, 6, 6, 13]
    """
    multiples = tell(letters, is_exact=False, step=step).amount // step.multiple
    return CLASSES[(multiples >= FEW_LETTERS) + (multiples >= SOME_LETTERS)]


MOST_PERCENT = 999
"""A larger change is told by the two numbers alone: from 12 letters to 184, "+1433 %" says nothing."""
LEAST_BEFORE = 10
"""Of fewer letters before, the two numbers alone are told: from 2 letters to 21, "+950 %" says nothing."""


def percent(now: ToldNumber, earlier: ToldNumber) -> int | None:
    """The change in percent of the earlier number; None where it has no meaning: there were few or none, or too few are told.

    >>> percent(ToldNumber(12), ToldNumber(10)), percent(ToldNumber(184), ToldNumber(12)), percent(ToldNumber(4), ToldNumber(2))
    (20, None, None)
    """
    if now.is_small or earlier.is_small or now.is_hidden or earlier.is_hidden or earlier.amount < LEAST_BEFORE:
        return None
    change = round(100 * (now.amount - earlier.amount) / earlier.amount)
    return change if change <= MOST_PERCENT else None
