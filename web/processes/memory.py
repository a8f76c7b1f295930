"""The memory of processes: what they share with those that they fork, and the garbage collector."""

import gc

from sqlalchemy.orm import configure_mappers

THRESHOLDS = (700, 10, 50)
"""Objects and collections after which the young, the middle and the oldest objects are collected. Young objects are collected as often as
Python does by itself. A page leaves a thousand objects that refer to each other: at 10,000, one of twelve pages waited 5 to 14 ms for the
garbage of the others; at 700, nearly each page frees its own, in half a millisecond. The oldest ones are collected once in some five hundred
pages, which takes 40 ms: of objects that two collections found in use, with the bodies of uploads, a process would else keep more and more."""


def settle() -> None:
    """Leave what is loaded out of later collections, and have fewer of them. Call it before a fork: what is loaded then
    stays shared between the processes."""
    gc.collect()
    gc.freeze()
    # Python leaves the oldest objects alone until they are a fourth more than at the last collection: it must count those that are not frozen.
    gc.collect()
    gc.set_threshold(*THRESHOLDS)


def share() -> None:
    """Before a fork: set up the tables' classes, which each process would do, and leave all that is loaded out of collections."""
    configure_mappers()
    settle()
