"""Axes: round steps from zero up, and which names of an axis are written."""

from collections.abc import Sequence

STEPS = (1, 2, 5)


def ticks(most: float, *, wanted: int = 4) -> list[int]:
    """Whole numbers from 0 in equal, round steps, the last one not below ``most``.

    >>> ticks(37)
    [0, 10, 20, 30, 40]
    >>> ticks(0)
    [0, 1]
    """
    step = next(size for size in _sizes() if size * wanted >= most)
    last = max(1, -(-int(most + 0.999999) // step))
    return [step * n for n in range(last + 1)]


def _sizes() -> Sequence[int]:
    return [step * 10**power for power in range(12) for step in STEPS]


def named_places(count: int, room: int, *, with_last: bool = False) -> set[int]:
    """The places of an axis whose names are written: every n-th, so that at most ``room`` are.

    Args:
        with_last: the last one is named, too, in place of one that is too near.

    >>> sorted(named_places(10, 4)), sorted(named_places(16, 12, with_last=True))
    ([0, 3, 6, 9], [0, 2, 4, 6, 8, 10, 12, 15])
    """
    every = max(1, -(-count // max(1, room)))
    places = set(range(0, count, every))
    return {one for one in places if count - 1 - one >= every} | {count - 1} if with_last and count else places
