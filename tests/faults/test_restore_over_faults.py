"""A restore in the place of a live installation that is killed, or that meets what it cannot move: nothing is lost, and the next goes on."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged.audit import AuditEntry
from ged.config import load_settings
from ged.errors import ConfigError, DiskFull, InvalidTransition
from ged.register.models import Mail
from tests.backup_kit import Copied
from tests.factories import actor
from tests.killed_kit import killed
from tests.sample_kit import LONG_RUN
from web.processes import replacing
from web.processes.restore import Outcome
from web.processes.site_lock import serving
from web.processes.worker import only_worker
from web.wiring.services import build_services

pytestmark = pytest.mark.in_turns(2)

KILLS = 16 if LONG_RUN else 7


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Copied]:
    """A copy of one letter; a second one came after it."""
    made = Copied.make(tmp_path)
    made.letter("Construction d'un forage à Tsévié")
    made.second_administrator()
    made.copy()
    made.letter("Après la copie")
    made.services.engine.dispose()
    yield made
    made.installation.close()


def over(copied: Copied) -> Outcome:
    """As ``ged restore --over``, without a terminal."""
    data, settings = copied.installation.settings.data_dir, copied.installation.env_file.parent
    replacing.put_back(data)
    with replacing.stopped(data, settings):
        people = replacing.consent(
            data, settings, "", without_accounts=False,
            ask=lambda services, _what: (actor(services, "admin"), actor(services, "admin2")),
        )  # fmt: skip
        return replacing.replace(copied.wanted(), data, settings, people, now=datetime.now(UTC))


def letters(env_file: Path) -> int:
    services = build_services(load_settings(env_file, alone=True))
    with services.reading() as session:
        count = session.scalar(select(func.count(Mail.id)))
    services.engine.dispose()
    return count or 0


def rows(database: Path) -> int:
    with closing(sqlite3.connect(database)) as own:
        return int(own.execute("SELECT count(*) FROM mails").fetchone()[0])


def test_killed_at_any_moment_the_same_call_goes_on(copied: Copied, tmp_path: Path) -> None:
    house, data = copied.installation, copied.installation.settings.data_dir
    own = [one for one in tmp_path.iterdir() if one not in (copied.medium, copied.keys)]
    kept = tmp_path / "kept"
    kept.mkdir()
    for one in own:
        (shutil.copytree if one.is_dir() else shutil.copy2)(one, kept / one.name)

    def start_again() -> None:
        for one in tmp_path.iterdir():
            if one not in (copied.medium, copied.keys, kept):
                shutil.rmtree(one) if one.is_dir() else one.unlink()
        for one in kept.iterdir():
            (shutil.copytree if one.is_dir() else shutil.copy2)(one, tmp_path / one.name)

    count = killed(copied.services, lambda: over(copied), None)
    assert count > 40
    for at in sorted({round(n * (count - 1) / (KILLS - 1)) for n in range(KILLS)}):
        start_again()
        killed(copied.services, lambda: over(copied), at)
        is_halfway = data.with_name(f"{data.name}.{replacing.MARK}").exists()
        if is_halfway:
            with pytest.raises(InvalidTransition, match=r"backup\.over_halfway"):
                replacing.require_whole(data)
        outcome = over(copied)
        assert (outcome.broken, outcome.report.problems) == ((), ()), at
        assert letters(house.env_file) == 1, at
        services = build_services(load_settings(house.env_file, alone=True))
        with services.reading() as session:
            said = select(func.count(AuditEntry.sequence)).where(AuditEntry.action == replacing.OVER)
            assert session.scalar(said) == 1, at
        services.engine.dispose()
        asides = [one for one in data.parent.glob(f"{data.name}.before-restore-*") if (one / "ged.sqlite3").exists()]
        assert asides, f"what was live is nowhere, killed at {at}"
        assert 2 in {rows(one / "ged.sqlite3") for one in asides}, f"what was live has lost a letter, killed at {at}"
        assert not list(data.parent.glob("*.over.json"))
        assert not list(data.parent.glob("*.restoring"))


def test_an_empty_folder_made_by_hand_is_no_restore_that_came_to_its_end(copied: Copied) -> None:
    """Killed when all was set aside. Somebody misses the data folder, and makes it."""
    data, settings = copied.installation.settings.data_dir, copied.installation.env_file.parent
    moved = [(one, one.with_name(f"{one.name}.before-restore-then")) for one in (settings, data)]
    data.with_name(f"{data.name}.{replacing.MARK}").write_text(
        json.dumps({"moved": [[str(place), str(aside)] for place, aside in moved]})
    )
    for place, aside in moved:
        place.rename(aside)
    data.mkdir()
    replacing.put_back(data)
    assert letters(copied.installation.env_file) == 2
    assert [one.exists() for _, one in moved] == [False, False]


def test_a_folder_that_cannot_be_moved_moves_nothing(copied: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk is mounted there: the others, which were moved before it, are back."""
    data = copied.installation.settings.data_dir
    real = Path.replace

    def refused(path: Path, target: Path) -> Path:
        if path == data:
            raise OSError(16, "Device or resource busy")
        return real(path, target)

    before = sorted(one.name for one in data.parent.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refused)
        with pytest.raises(ConfigError, match=r"backup\.not_movable"):
            over(copied)
    assert sorted(one.name for one in data.parent.iterdir()) == before
    assert letters(copied.installation.env_file) == 2


def test_what_fails_after_the_new_settings_brings_the_earlier_ones_back(
    copied: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full when the restored settings have their place already: no mixture of the two stays."""
    data, settings = copied.installation.settings.data_dir, copied.installation.env_file
    before = settings.read_bytes()

    def full(*_: object, **__: object) -> None:
        if (data.with_name(data.name + ".restoring") / "unpacked").exists() and settings.exists():
            raise DiskFull("backup.no_room_here", "free room")

    with monkeypatch.context() as patched:
        patched.setattr("web.processes.restore.shutil.rmtree", full)
        with pytest.raises(DiskFull):
            over(copied)
    assert settings.read_bytes() == before
    assert letters(settings) == 2
    assert over(copied).broken == ()
    assert letters(settings) == 1


def test_a_site_or_a_worker_that_runs_is_not_replaced(copied: Copied) -> None:
    data = copied.installation.settings.data_dir
    for working in (serving(data), only_worker(data)):
        with working, pytest.raises(InvalidTransition, match=r"backup\.still_running"):
            over(copied)
    assert letters(copied.installation.env_file) == 2
