"""What follows by arithmetic from all numbers that a reader of rounded figures is told: a table by several filters, and all its sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from ged.dashboard.telling import FINEST, STEPS, Step, ToldNumber, step_of, tell

Numbers = npt.NDArray[np.int64]
HOUSES = 30


def _table(chance: np.random.Generator, choices: Sequence[int], letters: int) -> Numbers:
    """A house's letters by each choice of each filter, some choices much more frequent than others; place 0: without this filter."""
    table = np.zeros(choices, dtype=np.int64)
    places = []
    for size in choices:
        share = 1 / np.arange(1, size + 1) ** chance.uniform(0.3, 1.5)
        places.append(chance.choice(size, size=letters, p=share / share.sum()))
    np.add.at(table, tuple(places), 1)
    for axis in range(len(choices)):
        table = np.concatenate([table.sum(axis, keepdims=True), table], axis=axis)
    return table


def _told(table: Numbers, steps: Callable[[int], Step]) -> tuple[Numbers, Numbers]:
    """The least and the largest number that each told one can be, asked of ``tell`` itself."""
    narrowings = (np.indices(table.shape) > 0).sum(axis=0)
    least, largest = np.zeros_like(table), np.zeros_like(table)
    for one in range(table.ndim + 1):
        found: dict[ToldNumber, list[int]] = {}
        of = narrowings == one
        for number in range(int(table[of].max()) + 60):
            found.setdefault(tell(number, is_exact=False, step=steps(one)), []).append(number)
        bounds = np.array([(those[0], those[-1]) for those in found.values() for _ in those])
        least[of], largest[of] = bounds[table[of], 0], bounds[table[of], 1]
    return least, largest


def _follows(least: Numbers, largest: Numbers) -> tuple[Numbers, Numbers]:
    """Each number is the sum of those of each filter's choices: the bounds that are left when nothing more follows."""
    before = -1
    while before != int(largest.sum() - least.sum()):
        before = int(largest.sum() - least.sum())
        for axis in range(least.ndim):
            low, high = np.moveaxis(least, axis, 0), np.moveaxis(largest, axis, 0)
            low[0, ...] = np.maximum(low[0], low[1:].sum(axis=0))
            high[0, ...] = np.minimum(high[0], high[1:].sum(axis=0))
            rest_low, rest_high = low[1:].sum(axis=0) - low[1:], high[1:].sum(axis=0) - high[1:]
            low[1:] = np.maximum(low[1:], low[0] - rest_high)
            high[1:] = np.minimum(high[1:], high[0] - rest_low)
    return least, largest


def _solved(steps: Callable[[int], Step], choices: Sequence[int], letters: int) -> tuple[int, int, int]:
    """(small numbers that are not zero, how many of these are known exactly, how many are known not to be zero)"""
    chance, small, exact, there = np.random.default_rng(7), 0, 0, 0
    for _ in range(HOUSES):
        table = _table(chance, choices, letters)
        least, largest = _follows(*_told(table, steps))
        assert ((least <= table) & (table <= largest)).all()
        asked = (table < FINEST.small) & (table > 0)
        small += int(asked.sum())
        exact += int((asked & (least == largest)).sum())
        there += int((asked & (least > 0)).sum())
    return small, exact, there


MINISTRY = (6, 8, 3, 6, 3)
"""Units, natures, directions, channels, priorities."""
OWN_UNIT = (8, 3, 6, 3)


@pytest.mark.parametrize(
    ("choices", "letters"), [(MINISTRY, 200), (MINISTRY, 1000), (MINISTRY, 5000), (OWN_UNIT, 100), (OWN_UNIT, 500)]
)
def test_all_filters_together_tell_no_small_number(choices: Sequence[int], letters: int) -> None:
    small, exact, there = _solved(step_of, choices, letters)
    assert small > 1000
    assert exact == 0
    assert there <= small / 1000, "two or three choices that are all large: docs/dev/figures.md says so"


def test_the_attack_works_against_one_step_for_all() -> None:
    small, exact, there = _solved(lambda _narrowings: FINEST, MINISTRY, 1000)
    assert exact > 20
    assert there > small / 50


@pytest.mark.parametrize("number", [0, 4, 5, 7, 8, 12, 13, 22, 23, 37, 38, 67, 68, 112, 113, 500])
def test_a_coarser_step_tells_nothing_beside_a_finer_one(number: int) -> None:
    """A reader may know that two cuts are one: of a register that has all letters that come in, say."""
    alike = [
        {one for one in range(600) if tell(one, is_exact=False, step=step) == tell(number, is_exact=False, step=step)}
        for step in STEPS
    ]
    assert all(finer <= coarser for finer, coarser in pairwise(alike))
