"""The worker calls `ged backup` at its time of day, once, and again an hour after one that failed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from web.processes import backup_clock
from web.processes.backup_clock import COMMAND, BackupClock

NOW = datetime(2026, 11, 28, 1, 16, tzinfo=UTC)


class Child:
    """A process that ends when the test says so."""

    code: int | None = None

    def poll(self) -> int | None:
        return self.code


class Night:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: str = "01:15") -> None:
        self.started = list[tuple[Sequence[str], Child]]()
        self.last: datetime | None = None
        monkeypatch.setattr(backup_clock, "last_made", lambda _: self.last)
        settings = SimpleNamespace(backup_at=at, zone=ZoneInfo("Africa/Lome"))
        services = SimpleNamespace(reading=_Nothing)
        self.clock = BackupClock(settings, services, start=self._start)  # type: ignore[arg-type]

    def _start(self, command: Sequence[str]) -> Child:
        self.started.append((command, Child()))
        return self.started[-1][1]


class _Nothing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def test_a_copy_is_started_once_and_then_the_next_night(monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(monkeypatch)
    night.clock.look(NOW)
    night.clock.look(NOW + timedelta(minutes=5))
    assert [command for command, _ in night.started] == [COMMAND]
    night.started[0][1].code, night.last = 0, NOW
    for hours in range(1, 23):
        night.clock.look(NOW + timedelta(hours=hours))
    assert len(night.started) == 1
    night.clock.look(NOW + timedelta(hours=24))
    assert len(night.started) == 2


def test_one_that_failed_is_tried_again_after_an_hour(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    night = Night(monkeypatch)
    night.clock.look(NOW)
    night.started[0][1].code = 1
    night.clock.look(NOW + timedelta(minutes=30))
    assert len(night.started) == 1
    assert "backup.failed exit=1" in caplog.text
    night.clock.look(NOW + timedelta(minutes=61))
    assert len(night.started) == 2


def test_one_that_runs_for_hours_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(monkeypatch)
    for hours in range(30):
        night.clock.look(NOW + timedelta(hours=hours))
    assert len(night.started) == 1


def test_without_a_time_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(monkeypatch, at="")
    night.clock.look(NOW)
    assert night.started == []
