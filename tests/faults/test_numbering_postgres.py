"""Fifty clerks on PostgreSQL at the turn of the year, some rolled back, some killed: no gap, no double, nothing lost."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import clerks

PROCESSES, LETTERS = 50, 12


@pytest.mark.slow
@pytest.mark.servers
def test_fifty_clerks_leave_no_gap_and_no_double(tmp_path: Path, make_database: Callable[[], str]) -> None:
    url = make_database()
    clerks.prepare(url, tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "tests.clerks", url, str(PROCESSES), str(LETTERS), str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    given = clerks.check(url, tmp_path, tried=PROCESSES * LETTERS)
    assert set(given) == {2025, 2026}
    assert sum(given.values()) > PROCESSES * LETTERS * 0.8
