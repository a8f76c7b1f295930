"""The memory of processes: what they share with those that they fork, and the garbage collector."""

import gc

from sqlalchemy.orm import configure_mappers

THRESHOLDS = (700, 10, 1000)
"""Collections of everything are a hundred times rarer than with Python's own numbers, which are for small programs: of twenty large pages,
one waited 40 ms for one. Those of young objects stay frequent. A page leaves a thousand objects that refer to each other: with 10,000 at
once, one of twelve pages waited 5 to 14 ms for the others' garbage; now nearly each page frees its own, in half a millisecond."""


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
