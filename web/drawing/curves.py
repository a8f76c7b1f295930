"""Small curves beside a number. Pure.

A curve begins at zero, so that two of them may be compared and a small change looks small. It has no link and no number: a chart or a table has them.
"""

from collections.abc import Sequence
from itertools import pairwise

WIDTH, HEIGHT = 96, 28
MARGIN = 2
"""Above and below the line, for its own width."""
FEWEST = 3
"""Points: two of them are told by two numbers."""


def path(numbers: Sequence[float]) -> str:
    """The ``d`` of a path through numbers at equal distances, in whole pixels; empty: they are too few, or all of them are zero.

    >>> path([0, 5, 10]), path([4, 4, 4]), path([0, 0, 0]), path([1, 2])
    ('M0 26l48-12 48-12', 'M0 2l48 0 48 0', '', '')
    """
    most = max(numbers, default=0)
    if len(numbers) < FEWEST or most <= 0:
        return ""
    step, low = WIDTH // (len(numbers) - 1), HEIGHT - MARGIN
    heights = [low - round((low - MARGIN) * one / most) for one in numbers]
    # Each point by its distance to the one before: three signs where its place would take six. A minus needs no space before it.
    moves = (f"{step}{'' if after < before else ' '}{after - before}" for before, after in pairwise(heights))
    return f"M0 {heights[0]}l{' '.join(moves)}"
