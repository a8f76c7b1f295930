"""Eight clerks on SQLite at the turn of the year, some rolled back, some killed: no gap, no double, nothing lost."""

from pathlib import Path

import pytest

from tests import clerks

PROCESSES, LETTERS = 8, 20


@pytest.mark.slow
def test_eight_clerks_leave_no_gap_and_no_double(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ged.sqlite3'}"
    clerks.prepare(url, tmp_path)
    clerks.work_and_check(url, PROCESSES, LETTERS, tmp_path, timeout_s=300)
