"""The guard of the unit tests (``conftest``) recognises forbidden calls, and allows the others."""

import contextlib
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit import conftest


def refused(reach: Callable[[], object], words: str) -> None:
    """The call is refused. It fails the test even if the program catches the refusal."""
    caught = []
    with pytest.raises(AssertionError, match=words), conftest.alone(), contextlib.suppress(PermissionError):
        try:
            reach()
        except PermissionError as refusal:
            caught.append(refusal)
            raise
    assert len(caught) == 1


def test_a_child_process_is_refused() -> None:
    refused(lambda: subprocess.run([sys.executable, "-c", ""], check=False), "child process")


def test_a_database_on_disk_is_refused(tmp_path: Path) -> None:
    refused(lambda: sqlite3.connect(tmp_path / "ged.sqlite3"), "on disk")
    assert list(tmp_path.iterdir()) == []


def test_an_address_is_refused() -> None:
    with socket.socket() as bound, socket.socket() as client:
        bound.bind(("127.0.0.1", 0))
        refused(lambda: client.connect(bound.getsockname()), "an address")


def test_rows_in_memory_and_files_are_allowed(tmp_path: Path) -> None:
    with conftest.alone():
        sqlite3.connect(":memory:").close()
        (tmp_path / "file").write_text("x")
