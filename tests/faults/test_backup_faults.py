"""Copies on media that fail: killed at each write, full, lying; and a restore that is killed. Earlier copies stay whole."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from ged.backup import database, medium
from ged.backup.medium import FolderMedium
from ged.config import load_settings
from ged.errors import DiskFull, EngineFailed
from ged.register.models import Attachment
from tests.backup_kit import Copied, page
from tests.full_disk_kit import fill, small_disk
from tests.killed_kit import killed
from web.processes import restore as process

pytestmark = pytest.mark.in_turns(2)

NIGHT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
KILLS = 12


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Copied]:
    made = Copied.make(tmp_path)
    made.letter("Construction d'un forage à Tsévié")
    yield made
    made.installation.close()


def moments(count: int) -> list[int]:
    """Some of so many moments, with the first and the last."""
    return sorted({round(n * (count - 1) / (KILLS - 1)) for n in range(KILLS)})


def test_a_copy_that_is_killed_leaves_the_earlier_ones_and_the_next_goes_on(copied: Copied, tmp_path: Path) -> None:
    first = copied.copy(now=NIGHT)
    copied.letter("Une autre lettre", page("un"), page("deux"))
    empty = copied.medium
    work = tmp_path / "work"

    def start_again() -> None:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(empty, work)
        copied.medium = work

    start_again()
    at_night = NIGHT + timedelta(days=1)
    count = killed(copied.services, lambda: copied.copy(now=at_night), None)
    assert count > 30
    for at in moments(count):
        start_again()
        killed(copied.services, lambda: copied.copy(now=at_night), at)
        assert copied.broken() == [], at
        assert first.snapshot in FolderMedium(work).snapshots()
        made = copied.copy(now=at_night + timedelta(minutes=1))
        assert (made.objects, made.damaged, made.lost) == (3, (), ())
        assert copied.broken() == []
        assert list((work / "incoming").iterdir()) == []
        assert list((copied.installation.settings.data_dir / "run").glob("backup-*")) == []


@pytest.mark.long("a killed restore: tests/faults/test_restore_over_faults.py kills one at any moment")
def test_a_restore_that_is_killed_shows_nothing_and_goes_on(copied: Copied, tmp_path: Path) -> None:
    copied.letter("Une autre lettre", page("un"), page("deux"))
    copied.copy(now=NIGHT)
    back = tmp_path / "back"

    def restore() -> process.Outcome:
        return process.restore(copied.wanted(), back / "data", back / "settings")

    count = killed(copied.services, restore, None)
    assert count > 20
    for at in moments(count):
        shutil.rmtree(back)
        killed(copied.services, restore, at)
        if not (back / "data").exists():
            outcome = restore()
            assert (outcome.broken, outcome.report.problems) == ((), ()), at
        assert load_settings(back / "settings" / "ged.env", alone=True).data_dir == back / "data"
        assert sorted(one.name for one in back.iterdir()) == ["data", "data-keyring", "settings"]
        assert sorted(one.name for one in (back / "settings").iterdir()) == ["ged.env"]


def test_a_medium_without_room_is_refused_before_a_byte_is_written(copied: Copied, tmp_path: Path) -> None:
    copied.letter("Une grande carte", page("carte") + os.urandom(18_000_000))
    with small_disk(tmp_path / "small") as folder:
        copied.medium = folder
        with pytest.raises(DiskFull, match="backup.no_room") as refused:
            copied.copy()
        assert 1_000_000 < int(str(refused.value.params["missing_bytes"])) < 15_000_000
        assert FolderMedium(folder).objects() == {}


def test_a_medium_that_is_full_in_the_middle_keeps_its_copies(
    copied: Copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "small") as folder:
        copied.medium = folder
        first = copied.copy(now=NIGHT)
        copied.letter("Une carte", page("carte") + os.urandom(1_000_000))
        fill(folder / "ballast")
        with monkeypatch.context() as patched:
            patched.setattr(
                FolderMedium, "require_room", lambda *_: None
            )  # others fill the disk after the look at its room
            with pytest.raises(DiskFull, match="backup.no_room"):
                copied.copy(now=NIGHT + timedelta(days=1))
        assert FolderMedium(folder).snapshots() == [first.snapshot]
        (folder / "ballast").unlink()
        assert copied.broken() == []
        assert copied.copy(now=NIGHT + timedelta(days=2)).objects == 2
        assert copied.broken() == []


def test_a_full_medium_gives_up_what_is_kept_no_longer_first(copied: Copied, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as folder:
        copied.medium = folder
        old = copied.letter("Une carte", page("carte") + os.urandom(4_000_000))
        first = copied.copy(now=NIGHT)
        with copied.services.unit_of_work(NIGHT) as uow:
            for one in uow.session.scalars(select(Attachment).where(Attachment.mail_id == old)):
                uow.session.delete(one)
        copied.letter("Une autre", page("autre") + os.urandom(3_800_000))
        with pytest.raises(DiskFull, match="backup.no_room"):
            copied.copy(now=NIGHT + timedelta(days=2), keep="2/0/0")
        assert FolderMedium(folder).snapshots() == [first.snapshot]
        made = copied.copy(now=NIGHT + timedelta(days=2), keep="1/0/0")
        assert made.dropped == (first.snapshot,)
        assert copied.broken() == []


class Usage(NamedTuple):
    total: int = 1
    used: int = 1
    free: int = 10


def test_the_server_s_own_disk_has_no_room_for_the_copy_of_its_database(
    copied: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.shutil, "disk_usage", lambda _: Usage())
    with pytest.raises(DiskFull, match="backup.no_room_here") as refused:
        copied.copy()
    assert int(str(refused.value.params["missing_bytes"])) > 0


def test_a_medium_that_reads_back_something_else_is_told(copied: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(medium, "_forget_cached", lambda handle: os.pwrite(handle, b"x", 0))
        with pytest.raises(EngineFailed, match="backup.medium_damaged"):
            copied.copy(now=NIGHT)
    assert FolderMedium(copied.medium).snapshots() == []
    assert FolderMedium(copied.medium).objects() == {}
    copied.copy(now=NIGHT + timedelta(minutes=1))
    assert copied.broken() == []


def test_a_damaged_database_is_told_and_not_copied(copied: Copied) -> None:
    first = copied.copy(now=NIGHT)
    copied.services.engine.dispose()
    place = Path(str(copied.services.engine.url.database))
    with place.open("r+b") as out:
        size = place.stat().st_size
        for at in range(4096 * 3, size, 4096 * 2):
            out.seek(at)
            out.write(b"\xff" * 200)
    with pytest.raises((EngineFailed, DatabaseError)):
        copied.copy(now=NIGHT + timedelta(days=1))
    assert FolderMedium(copied.medium).snapshots() == [first.snapshot]
    assert copied.broken() == []
