"""Fifty clerks on PostgreSQL at the turn of the year, some rolled back, some killed: no gap, no double, nothing lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import clerks
from tests.sample_kit import LONG_RUN

PROCESSES, LETTERS = 50, 12 if LONG_RUN else 6


@pytest.mark.slow
@pytest.mark.servers
def test_fifty_clerks_leave_no_gap_and_no_double(tmp_path: Path, make_database: Callable[[], str]) -> None:
    url = make_database()
    clerks.prepare(url, tmp_path)
    clerks.work_and_check(url, PROCESSES, LETTERS, tmp_path, timeout_s=500)
