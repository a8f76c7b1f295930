"""Backups in a bucket: made, checked, pruned, restored; killed runs, two runs at once, a store that is away, a lock."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ged.adapters import backup_s3
from ged.adapters.backup_s3 import S3Medium
from ged.adapters.s3 import Bucket
from ged.adapters.s3_wire import Lock, Place
from ged.backup import checking, making
from ged.backup.medium import READ_ME
from ged.backup.order import Made
from ged.errors import EngineFailed, InvalidTransition, NotFound
from tests import s3_kit
from tests.backup_kit import Copied
from tests.commands import ged
from web.processes import restore as process
from web.wiring.backups import Given

pytestmark = pytest.mark.servers
NOW = datetime.now(UTC)


@pytest.fixture
def place() -> Place:
    return s3_kit.new_place(s3_kit.store_url())


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Copied]:
    made = Copied.make(tmp_path)
    yield made
    made.installation.close()


def medium_in(place: Place, tmp_path: Path) -> S3Medium:
    return S3Medium(Bucket(place), tmp_path / "spool")


def copy(copied: Copied, medium: S3Medium, *, now: datetime = NOW, keep: str = "7/5/24") -> Made:
    order = copied.order(Given(str(copied.medium), [copied.public], copied.keys, keep=keep))
    return making.make(copied.services, replace(order, medium=medium), now=now)


def test_a_copy_in_a_bucket_is_made_checked_and_restored(copied: Copied, place: Place, tmp_path: Path) -> None:
    medium = medium_in(place, tmp_path)
    copied.letter("Demande", b"one", b"two" * 100_000)
    first = copy(copied, medium)
    assert (first.new, first.damaged, first.lost) == (2, (), ()), first
    again = copy(copied, medium, now=NOW + timedelta(minutes=1))
    assert (again.new, again.objects) == (0, 2)
    assert medium.snapshots() == [first.snapshot, again.snapshot]
    public = (copied.installation.settings.data_dir / "seal" / "journal.pub").read_bytes()
    assert list(checking.check(medium, public)) == []
    assert Bucket(place).head("lock") is None

    wanted = replace(copied.wanted(), medium=medium)
    outcome = process.restore(wanted, tmp_path / "new" / "data", tmp_path / "new-settings")
    assert (outcome.broken, outcome.report.problems) == ((), ())

    altered = next(s3_kit.files_of(place).glob("objects/*/*"))
    altered.write_bytes(b"?" + altered.read_bytes()[1:])
    (broken,) = checking.check(medium, public)
    assert (broken.code, broken.snapshots) == ("object.altered", (first.snapshot, again.snapshot))


def test_what_is_kept_no_longer_is_removed_and_a_copy_without_its_signature_never_counts(
    copied: Copied, place: Place, tmp_path: Path
) -> None:
    medium, bucket = medium_in(place, tmp_path), Bucket(place)
    copied.letter("Demande", b"one")
    first = copy(copied, medium)
    bucket.put("snapshots/20200101T000000Z/index.json.gz", io.BytesIO(b"of a run that was killed"))
    assert medium.snapshots() == [first.snapshot]
    later = copy(copied, medium, now=NOW + timedelta(days=1), keep="1/0/0")
    assert later.dropped == (first.snapshot,)
    assert medium.snapshots() == [later.snapshot]
    assert {one.key.split("/")[1] for one in bucket.listed("snapshots/")} == {later.snapshot}
    assert len(medium.objects()) == 1


def test_two_runs_do_not_meet_and_a_killed_one_is_waited_for_an_hour(
    copied: Copied, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = medium_in(place, tmp_path), medium_in(place, tmp_path)
    with one.alone(), pytest.raises(InvalidTransition, match=r"backup\.running"), other.alone():
        pass
    Bucket(place).put("lock", io.BytesIO(b"of a run that was killed"))
    with pytest.raises(InvalidTransition, match=r"backup\.running"), other.alone():
        pass
    monkeypatch.setattr(backup_s3, "LEFT_AFTER", timedelta(minutes=-1))
    monkeypatch.setattr(backup_s3, "RENEWED_EACH_S", 0.0)
    with other.alone():
        other.write_object("ab" * 20, lambda out: out.write(b"renews its mark"))
        with one.alone(), pytest.raises(InvalidTransition, match=r"backup\.running"):
            other.write_object("cd" * 20, lambda out: out.write(b"after another took the medium"))
    assert Bucket(place).head("lock") is None


def test_a_store_that_goes_away_leaves_earlier_copies_whole(copied: Copied, place: Place, tmp_path: Path) -> None:
    copied.letter("Demande", b"one")
    with s3_kit.line_to(place.endpoint) as line:
        medium = medium_in(replace(place, endpoint=line.url), tmp_path)
        first = copy(copied, medium)
        copied.letter("Demande", b"two")
        line.refuse = True
        with pytest.raises(EngineFailed, match=r"store\.away"):
            copy(copied, medium, now=NOW + timedelta(minutes=1))
        line.refuse = False
        assert medium.snapshots() == [first.snapshot]
        with pytest.raises(NotFound, match=r"backup\.no_medium"):
            S3Medium(Bucket(replace(place, prefix="other/")), tmp_path).require()


def test_a_locked_copy_outlives_its_removal(copied: Copied, tmp_path: Path) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock("COMPLIANCE", 1))
    medium = medium_in(place, tmp_path)
    copied.letter("Demande", b"one")
    first = copy(copied, medium)
    medium.drop(first.snapshot)
    assert medium.snapshots() == []
    with s3_kit.bare(place) as bare:
        held = bare.list_object_versions(Bucket=place.bucket, Prefix=f"{place.prefix}snapshots/{first.snapshot}")
    assert {one["Key"].rpartition("/")[2] for one in held["Versions"]} >= {"index.sig", "database.age", "manifest.age"}


def test_the_command_writes_into_a_bucket_of_another_store_and_lists_it(copied: Copied, place: Place) -> None:
    with copied.installation.env_file.open("a") as settings:
        settings.write(
            f"GED_BACKUP_TO={place.address}\nGED_BACKUP_S3_ENDPOINT={place.endpoint}\n"
            f"GED_BACKUP_S3_ACCESS_KEY={place.access_key}\nGED_BACKUP_S3_SECRET_KEY={place.secret_key}\n"
            f'GED_BACKUP_RECIPIENTS=["{copied.public}"]\nGED_BACKUP_KEYS_TO={copied.keys}\n'
        )
    copied.letter("Demande", b"one")
    env = {"GED_ENV_FILE": str(copied.installation.env_file)}
    done = ged("backup", cwd=None, **env)
    assert done.returncode == 0, done.stderr
    assert "1 stored files, 1 of them new" in done.stdout
    assert "1 stored files" in ged("backup", "list", place.address, cwd=None, **env).stdout


def test_what_others_put_below_the_prefix_hinders_no_copy(copied: Copied, place: Place, tmp_path: Path) -> None:
    """Consoles make an object for each folder."""
    medium, bucket = medium_in(place, tmp_path), Bucket(place)
    copied.letter("Demande", b"one")
    first = copy(copied, medium)
    for name in ("snapshots/", "objects/", f"snapshots/{first.snapshot}/"):
        bucket.put(name, io.BytesIO())
    (key, _), *_ = medium.objects().items()
    assert medium.snapshots() == [first.snapshot]
    assert list(medium.objects()) == [key]
    later = copy(copied, medium, now=NOW + timedelta(minutes=1))
    assert medium.snapshots() == [first.snapshot, later.snapshot]


def test_a_lost_answer_about_the_lock_stops_no_copy(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_s3, "RENEWED_EACH_S", 0.0)
    with s3_kit.line_to(place.endpoint) as line:
        medium = medium_in(replace(place, endpoint=line.url), tmp_path)
        Bucket(place).put("README.txt", io.BytesIO(READ_ME.encode()))
        line.lose_answers_to = b"PUT"
        with medium.alone():
            line.lose_answers_to = b"PUT"
            medium.write_object("ab" * 20, lambda out: out.write(b"renews its mark"))
    assert Bucket(place).head("lock") is None


def test_of_two_who_find_a_lock_that_was_left_one_has_it(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = medium_in(place, tmp_path), medium_in(place, tmp_path)
    Bucket(place).put("lock", io.BytesIO(b"of a run that was killed"))
    monkeypatch.setattr(backup_s3, "LEFT_AFTER", timedelta(minutes=-1))
    now, holding = Bucket.now, []

    def first_the_other(bucket: Bucket) -> datetime:
        """Both have seen the mark that was left; the other is faster."""
        monkeypatch.setattr(Bucket, "now", now)
        holding.append(other.alone())
        holding[0].__enter__()
        return now(bucket)

    monkeypatch.setattr(Bucket, "now", first_the_other)
    with pytest.raises(InvalidTransition, match=r"backup\.running"), one.alone():
        pass
    monkeypatch.setattr(backup_s3, "RENEWED_EACH_S", 0.0)
    other.write_object("ab" * 20, lambda out: out.write(b"it has the medium still"))
    holding[0].__exit__(None, None, None)
