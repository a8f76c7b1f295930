"""The memory of processes: what they share with those that they fork, and the garbage collector."""

import gc

from sqlalchemy.orm import configure_mappers

THRESHOLDS = (700, 10, 1000)
"""Objects and collections after which the young, the middle and the oldest objects are collected. The oldest ones are collected a hundred
times less often than Python does by itself: one of twenty large pages waited 40 ms for that. Young objects are collected as often as Python
does. A page leaves a thousand objects that refer to each other: at 10,000, one of twelve pages waited 5 to 14 ms for the garbage of the
others; at 700, nearly each page frees its own, in half a millisecond."""


def settle() -> None:
    """Leave what is loaded out of later collections, and have fewer of them. Call it before a fork: what is loaded then
    stays shared between the processes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def share() -> None:
    """Before a fork: set up the tables' classes, which each process would do, and leave all that is loaded out of collections."""
    configure_mappers()
    settle()
