"""Unit tests reach nobody: no server, no browser, no network, no child process, no database on disk.

Python tells an audit hook of each of these calls before it is made. A refusal that the program catches fails the test
all the same. Allowed are temporary files, rows in SQLite's memory, threads, and to bind an address.
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

_said: list[str] | None = None
"""What the running unit test reached for; None while none runs, because an audit hook stays for the whole process."""


def reached(event: str, args: tuple[Any, ...]) -> str:
    """The outside thing for which an audit event reaches, in words; empty if it is none."""
    if event in CHILDREN:
        return f"a child process ({event}: {str(args[:2])[:200]})"
    if event == "sqlite3.connect" and args[0] not in IN_MEMORY:
        return f"a database on disk ({args[0]!r})"
    if event == "socket.connect" and args[0].family in OUTSIDE:
        return f"an address ({args[1]})"
    return ""


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _said is not None and (what := reached(event, args)):
        _said.append(what)
        raise PermissionError(f"a unit test reaches for {what}: it belongs to tests/integration")


sys.addaudithook(_hook)


@contextmanager
def alone() -> Generator[None]:
    """Fail at the end if anything was reached for within; a guard within a guard replaces it."""
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
    """Fixtures of every scope are held too."""
    for mark in ("servers", "browser"):
        assert item.get_closest_marker(mark) is None, "it belongs to tests/integration"
    with alone():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """The test itself."""
    with alone():
        return (yield)
