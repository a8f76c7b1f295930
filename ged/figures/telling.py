"""How a number is told to who may not see all letters behind it. Pure.

Whoever may see each letter is told the number. Others are told 0, "less than five", or a multiple of five: a number of one
letter would tell of this letter, and two exact numbers would tell the small one between them.
"""

from dataclasses import dataclass

SMALL = 5
"""Numbers from 1 up to below it are not told apart; larger ones are told as multiples of it."""


@dataclass(frozen=True)
class Told:
    """A number as it is told.

    Attributes:
        amount: what is drawn, compared and added up; of a small number always the same.
        is_small: it is told as "less than ``SMALL``".
    """

    amount: int
    is_small: bool = False


def tell(number: int, *, is_exact: bool) -> Told:
    """The number as it is told.

    >>> [tell(one, is_exact=False).amount for one in (0, 1, 4, 5, 7, 8)]
    [0, 2, 2, 5, 5, 10]
    """
    if is_exact:
        return Told(number)
    if 0 < number < SMALL:
        return Told(SMALL // 2, is_small=True)
    return Told((number + SMALL // 2) // SMALL * SMALL)


MOST_PERCENT = 999
"""A larger change is told by the two numbers alone: from 3 letters to 184, "+6033 %" says nothing."""


def percent(now: Told, earlier: Told) -> int | None:
    """The change in percent of the earlier number; None where it has no meaning: there was none, or too few are told.

    >>> percent(Told(12), Told(10)), percent(Told(184), Told(3)), percent(Told(4), Told(0))
    (20, None, None)
    """
    if now.is_small or earlier.is_small or not earlier.amount:
        return None
    change = round(100 * (now.amount - earlier.amount) / earlier.amount)
    return change if change <= MOST_PERCENT else None
