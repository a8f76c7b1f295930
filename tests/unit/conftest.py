"""Unit tests may use no server, browser, network, child process or database on disk.

Python reports each of these calls to an audit hook before it is made. The test fails even if the program catches the
refusal. Allowed are temporary files, rows in SQLite's memory, threads, and binding an address.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

OUTSIDE = (socket.AF_INET, socket.AF_INET6)
CHILDREN = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "os.exec"}
IN_MEMORY = {"", ":memory:", b"", b":memory:"}
WATCHED = {*CHILDREN, "sqlite3.connect", "socket.connect"}
"""Most events are others, such as each call of ``id``: the hook looks at the name alone."""

_said: list[str] | None = None
"""The refused calls of the running test. None while no unit test runs: an audit hook stays for the whole process."""


def reached(event: str, args: tuple[Any, ...]) -> str:
    """The forbidden call that an audit event announces, in words; empty when it is allowed."""
    if event in CHILDREN:
        return f"a child process ({event}: {str(args[:2])[:200]})"
    if event == "sqlite3.connect" and args[0] not in IN_MEMORY:
        return f"a database on disk ({args[0]!r})"
    if event == "socket.connect" and args[0].family in OUTSIDE:
        return f"an address ({args[1]})"
    return ""


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event in WATCHED and _said is not None and (what := reached(event, args)):
        _said.append(what)
        raise PermissionError(f"a unit test reaches for {what}: it belongs to tests/integration")


sys.addaudithook(_hook)


@contextmanager
def alone() -> Generator[None]:
    """Fail at the end of the block when a forbidden call was made in it. A block within a block counts for itself."""
    global _said  # noqa: PLW0603  # the hook belongs to the process
    said: list[str] = []
    outer = _said
    _said = said
    try:
        yield
    finally:
        _said = outer
    assert not said, f"a unit test reaches for {said[0]}: it belongs to tests/integration"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Guard the fixtures of every scope too."""
    for mark in ("servers", "browser"):
        assert item.get_closest_marker(mark) is None, "it belongs to tests/integration"
    with alone():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Guard the test itself."""
    with alone():
        return (yield)
