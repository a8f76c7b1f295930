"""Children of the sandbox serve one test after another: a start costs up to a third of a second of the processor, mostly imports.

A pool that ends its children (``close``, ``stop``, the end of a test's services) leaves those that are idle to the
next pool of its kind: with this service, these settings, limits, isolation and files. The mark ``own_children``
gives a test that looks at the processes itself pools as in the product.
"""

from __future__ import annotations

import atexit
import json
import os
import tempfile
from collections import defaultdict
from dataclasses import asdict
from weakref import WeakKeyDictionary

import pytest

from sandbox import pool as pools
from sandbox.pool import Child, Pool

MOST_OF_A_KIND = 2
_PATCH = pytest.MonkeyPatch()
_KEPT: defaultdict[str, list[Child]] = defaultdict(list)
_KINDS: WeakKeyDictionary[Child, str] = WeakKeyDictionary()
_start, _end = Pool._started, pools._end_all


def _kind(pool: Pool) -> str:
    """What a child of the pool has been given at its start, and how long it may serve."""
    given = (
        pool._service,
        pool._settings,
        pool._packages,
        asdict(pool._limits),
        pool._readable,
        pool._uses,
        pool._max_answer_bytes,
    )
    place = tempfile.gettempdir()  # where its room is: a test may have made the disk small
    return json.dumps([*given, repr(pool.isolation), place], default=str, sort_keys=True)


def _started(pool: Pool) -> Child:
    kind = _kind(pool)
    while _KEPT[kind]:
        child = _KEPT[kind].pop()
        if child.owner_pid == os.getpid() and child.alive:
            return child
        child.end()
    child = _start(pool)
    _KINDS[child] = kind
    return child


def _keep_all(children: list[Child]) -> None:
    if Pool._started is _start:  # removed: the end of the interpreter may come to a pool after it
        _end(children)
    while children:
        child = children.pop()
        kind = _KINDS.get(child, "")
        is_ours = child.owner_pid == os.getpid()
        if kind and is_ours and child.alive and len(_KEPT[kind]) < MOST_OF_A_KIND:
            child._room.clear()
            _KEPT[kind].append(child)
        else:
            child.end()


def install() -> None:
    """From now on, children of this process are kept."""
    if Pool._started is _start:
        _PATCH.setattr(Pool, "_started", _started)
        _PATCH.setattr(pools, "_end_all", _keep_all)


def remove() -> None:
    """End the kept children. From now on, each pool has its own."""
    _PATCH.undo()
    for kept in _KEPT.values():
        _end(kept)


atexit.register(remove)
