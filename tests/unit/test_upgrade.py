"""``ged upgrade``: the order of its steps, and the way back from each of them. No process is started here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ged.errors import ConfigError, EngineFailed, InvalidTransition
from tests.commands import ged
from web.processes import upgrade as process
from web.processes.systemd import running
from web.processes.upgrade import Ended, Place

UNITS = ("ged-site.service", "ged-worker@quick.service", "ged-worker@slow.service")


@dataclass
class Scripted:
    """A machine of which some commands fail, and some services of a release are never ready."""

    place: Place
    fails: set[str] = field(default_factory=set)
    never_ready: set[tuple[str, str]] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)
    alive: Sequence[int] = ()
    done: list[str] = field(default_factory=list)
    serves: dict[str, str] = field(default_factory=lambda: dict.fromkeys(UNITS, "1.0"))

    def ged(self, release: Path, *words: str) -> Ended:
        told = f"{release.name} {' '.join(words)}"
        if words[0] == "doctor":
            state = "fault" if release.name in self.faults else "ok"
            checks = [{"name": "space", "state": state, "code": self.faults.get(release.name, "")}]
            return Ended(0, json.dumps({"checks": checks}), "")
        self.done.append(told)
        return Ended(1, "", f"{told} failed") if told in self.fails else Ended(0, "", "")

    def units(self) -> Sequence[str]:
        return UNITS

    def restart(self, unit: str) -> bool:
        release = self.place.current.name
        self.done.append(f"{unit} {release}")
        self.serves[unit] = release
        return (unit, release) not in self.never_ready

    def older(self, release: Path) -> Sequence[int]:
        return self.alive


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("1.0", "1.1", "1.2"):
        (tmp_path / "releases" / name / "bin").mkdir(parents=True)
        (tmp_path / "releases" / name / "bin" / "ged").touch()
    (tmp_path / "state").mkdir()
    made = Place(tmp_path, tmp_path / "state")
    made.link("current", tmp_path / "releases" / "1.0")
    made.note(finished=True)
    return made


def release(place: Place, name: str) -> Path:
    return place.root / "releases" / name


def state_of(place: Place) -> tuple[str, str, bool, bool]:
    before = place.previous
    return place.current.name, before.name if before else "", place.is_finished, place.went_back


def test_checks_copy_expansions_then_one_service_after_another(place: Place) -> None:
    machine = Scripted(place)
    process.upgrade(machine, place, release(place, "1.1"))
    assert machine.done == ["1.0 backup", "1.1 migrate", *(f"{unit} 1.1" for unit in UNITS)]
    assert state_of(place) == ("1.1", "1.0", False, False)
    process.finish(machine, place)
    assert machine.done[-1] == "1.1 migrate --finish"
    assert state_of(place) == ("1.1", "1.0", True, False)
    with pytest.raises(InvalidTransition, match="upgrade.finished"):
        process.back(machine, place)


@pytest.mark.parametrize("unit", UNITS)
def test_a_service_that_is_not_ready_leads_back(place: Place, unit: str) -> None:
    machine = Scripted(place, never_ready={(unit, "1.1")})
    with pytest.raises(EngineFailed, match="upgrade.went_back") as caught:
        process.upgrade(machine, place, release(place, "1.1"))
    assert caught.value.params["why"] == f"{unit} is not ready"
    assert set(machine.serves.values()) == {"1.0"}
    assert state_of(place) == ("1.0", "", True, False)
    assert "1.1 migrate --finish" not in machine.done
    machine.never_ready.clear()
    process.upgrade(machine, place, release(place, "1.1"), copy=False)
    assert set(machine.serves.values()) == {"1.1"}


def test_a_fault_that_the_new_release_finds_leads_back(place: Place) -> None:
    machine = Scripted(place, faults={"1.1": "full"})
    with pytest.raises(EngineFailed, match="upgrade.went_back") as caught:
        process.upgrade(machine, place, release(place, "1.1"))
    assert caught.value.params["why"] == "space full"
    assert set(machine.serves.values()) == {"1.0"}


def test_a_release_before_that_does_not_start_again_is_told(place: Place) -> None:
    machine = Scripted(place, never_ready={(UNITS[1], "1.1"), (UNITS[0], "1.0")})
    with pytest.raises(EngineFailed, match="upgrade.stuck") as caught:
        process.upgrade(machine, place, release(place, "1.1"))
    assert caught.value.params["services"] == UNITS[0]


@pytest.mark.parametrize(
    ("fails", "code", "done"),
    [
        ("1.0 backup", "upgrade.no_copy", ["1.0 backup"]),
        ("1.1 migrate", "upgrade.migration", ["1.0 backup", "1.1 migrate"]),
    ],
)
def test_what_fails_before_the_links_changes_nothing(place: Place, fails: str, code: str, done: list[str]) -> None:
    machine = Scripted(place, fails={fails})
    with pytest.raises((EngineFailed, InvalidTransition), match=code):
        process.upgrade(machine, place, release(place, "1.1"))
    assert machine.done == done
    assert state_of(place) == ("1.0", "", True, False)


def test_an_installation_that_is_not_well_is_not_upgraded(place: Place) -> None:
    machine = Scripted(place, faults={"1.0": "full"})
    with pytest.raises(InvalidTransition, match="upgrade.not_well"):
        process.upgrade(machine, place, release(place, "1.1"))
    assert machine.done == []


def test_one_upgrade_is_closed_or_left_before_the_next(place: Place) -> None:
    machine = Scripted(place)
    process.upgrade(machine, place, release(place, "1.1"), copy=False)
    with pytest.raises(InvalidTransition, match="upgrade.unfinished"):
        process.upgrade(machine, place, release(place, "1.2"))
    process.back(machine, place)
    assert set(machine.serves.values()) == {"1.0"}
    assert state_of(place) == ("1.0", "1.1", False, True)
    with pytest.raises(InvalidTransition, match="upgrade.went_back_before"):
        process.finish(machine, place)
    process.upgrade(machine, place, release(place, "1.2"), copy=False)
    assert state_of(place) == ("1.2", "1.0", False, False)


def test_killed_behind_the_links_it_goes_on(place: Place) -> None:
    class Killed(Exception):
        pass

    class Fragile(Scripted):
        def restart(self, unit: str) -> bool:
            if unit == UNITS[1]:
                raise Killed
            return super().restart(unit)

    with pytest.raises(Killed):
        process.upgrade(Fragile(place), place, release(place, "1.1"))
    machine = Scripted(place)
    process.upgrade(machine, place, release(place, "1.1"))
    assert set(machine.serves.values()) == {"1.1"}
    with pytest.raises(InvalidTransition, match="upgrade.unfinished"):
        process.upgrade(machine, place, release(place, "1.2"))


def test_processes_of_the_release_before_hold_the_contractions_back(place: Place) -> None:
    machine = Scripted(place, alive=(4711,))
    process.upgrade(machine, place, release(place, "1.1"), copy=False)
    with pytest.raises(InvalidTransition, match="upgrade.older_runs"):
        process.finish(machine, place)
    assert not place.is_finished


def test_what_is_no_release_and_who_may_not(place: Place, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="upgrade.no_release"):
        process.upgrade(Scripted(place), place, tmp_path)
    with pytest.raises(ConfigError, match="upgrade.same"):
        process.upgrade(Scripted(place), place, release(place, "1.0"))
    for root, key in ((tmp_path / "nothing", "upgrade.nothing_installed"), (place.root, "upgrade.denied")):
        refused = ged("upgrade", "--root", root, "--state", tmp_path / "no-state")
        assert (refused.returncode, refused.stderr.split()[0]) == (1, key)
    assert running(tmp_path) == []
