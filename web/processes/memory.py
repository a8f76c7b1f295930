"""The memory of processes: what they share with those that they fork, and the garbage collector."""

import gc

from sqlalchemy.orm import configure_mappers

THRESHOLDS = (10_000, 20, 50)
"""Python's own are for small programs: of twenty large pages, one waited 40 ms for a collection of everything."""


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
