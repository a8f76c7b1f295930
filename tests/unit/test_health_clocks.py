"""The clock of a host beside that of the database."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from ged.health import clocks
from ged.health.ground import Ground
from ged.jobs import LEASE
from ged.runner import BEATS_A_LEASE


@pytest.mark.parametrize(
    ("off_s", "state"), [(0, "ok"), (-8, "warning"), (8, "warning"), (20, "fault"), (-20, "fault")]
)
def test_a_host_that_would_take_the_jobs_of_another_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, off_s: int, state: str
) -> None:
    monkeypatch.setattr(clocks, "server_time", lambda _: datetime.now(UTC) + timedelta(seconds=off_s))
    ground = cast(Ground, SimpleNamespace(reading=lambda: nullcontext(None)))
    assert clocks.against_database(ground).state == state


def test_two_hosts_that_the_doctor_lets_pass_take_no_job_from_each_other() -> None:
    shortest = LEASE - LEASE / BEATS_A_LEASE
    """What is left of a lease just before the next beat."""
    assert shortest > 2 * clocks.APART
