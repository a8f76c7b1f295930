"""When the journal's head is sealed, and what `ged verify` reports on entries after it and on a broken database."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import audit, pipeline
from ged.archive import keeping
from ged.archive.seal import BLOCK_BYTES, HeadSeal
from ged.audit import Head
from ged.health import proof
from ged.health.ground import Ground, SettingsFile
from ged.jobs import Job, JobKind, JobState
from ged.unit import SYSTEM, Services
from ged.verify import verify
from tests.factories import NOW, SECRET, make_services
from web.commands import main


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


def write(services: Services, count: int) -> None:
    with services.unit_of_work(NOW) as uow:
        for n in range(count):
            uow.record("thing.changed", "thing", n, actor=SYSTEM)


def asked(services: Services, *, after: timedelta) -> bool:
    """Whether sealing is due a time after the last seal. If so, it is done at once."""
    pipeline.schedule_periodic(services, now=NOW + after)
    with services.unit_of_work(NOW + after) as uow:
        found = uow.session.scalars(select(Job).where(Job.kind == JobKind.SEAL, Job.state == JobState.QUEUED)).all()
        for job in found:
            job.state = JobState.DONE
    if found:
        keeping.seal_head(services, now=NOW + after)
    return bool(found)


def test_the_head_is_sealed_after_five_minutes_or_five_hundred_entries(services: Services) -> None:
    write(services, 1)
    assert asked(services, after=timedelta(0))
    write(services, 1)
    assert not asked(services, after=timedelta(minutes=4))
    assert asked(services, after=timedelta(minutes=5)), "one entry, five minutes old"
    write(services, 499)
    assert not asked(services, after=timedelta(minutes=6))
    write(services, 1)
    assert asked(services, after=timedelta(minutes=6)), "five hundred entries"


def test_a_head_sealed_while_the_doctor_counts_is_no_cut_journal(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(services, 1)
    keeping.seal_head(services, now=NOW)
    real, left = audit.head, [1]

    def head(session: Session) -> Head:
        counted = real(session)
        while left:
            left.pop()
            write(services, 1)
            keeping.seal_head(services, now=NOW)
        return counted

    monkeypatch.setattr(audit, "head", head)
    assert proof.seal(Ground(NOW, SettingsFile(tmp_path / "ged.env"), services=services)).state == "ok"
    assert not left


def test_nothing_is_asked_for_while_nothing_is_written(services: Services) -> None:
    write(services, 1)
    assert asked(services, after=timedelta(0))
    assert not asked(services, after=timedelta(days=3))


def test_the_size_and_age_of_the_unsealed_tail_are_told(services: Services) -> None:
    write(services, 3)
    keeping.seal_head(services, now=NOW)
    assert verify(services, now=NOW).unsealed == 0
    write(services, 2)
    report = verify(services, now=NOW + timedelta(seconds=90))
    assert (report.sealed_until, report.unsealed, report.unsealed_age_s) == (3, 2, 90)


def test_heads_are_found_from_the_end_of_a_long_file(tmp_path: Path) -> None:
    """Blocks do not end where lines end, and the last line may be incomplete."""
    seal, count = HeadSeal(tmp_path, b"a secret kept elsewhere"), 3 * BLOCK_BYTES // 250
    for n in range(1, count + 1):
        assert seal.seal(Head(n, f"{n:064x}"), now=NOW)
    lines = (tmp_path / "heads.jsonl").read_text().splitlines()
    assert [json.loads(line)["head"]["count"] for line in lines] == list(range(1, count + 1))
    assert list(seal._from_the_end()) == lines[::-1]
    with (tmp_path / "heads.jsonl").open("a") as heads:
        heads.write('{"head": {"count": 9')
    assert seal.seal(Head(count + 1, "0" * 64), now=NOW)
    last = seal.last()
    assert last is not None
    assert last.count == count + 1
    assert len((tmp_path / "heads.jsonl").read_text().splitlines()) == count + 1


def call_verify(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.setenv("GED_ENV_FILE", str(folder / "ged.env"))
    monkeypatch.setenv("GED_DATA_DIR", str(folder))
    monkeypatch.setenv("GED_SECRET", SECRET)
    return CliRunner().invoke(main, ["verify"])


def test_a_sound_file_is_told_with_its_unsealed_tail(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(services, 2)
    services.engine.dispose()
    told = call_verify(tmp_path, monkeypatch)
    assert told.exit_code == 0, told.output
    assert "unsealed: 2" in told.output


@pytest.mark.parametrize("damage", ["cut", "page", "header", "empty"])
def test_a_damaged_database_gets_a_sentence_and_an_exit_code_of_its_own(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    write(services, 400)
    services.engine.dispose()  # closing the last connection writes the log (WAL) into the file
    path = tmp_path / "ged.sqlite3"
    whole = path.read_bytes()
    broken = {
        "cut": whole[: len(whole) // 2],
        "page": whole[: len(whole) // 4] + b"\xa5" * 40960 + whole[len(whole) // 4 + 40960 :],
        "header": b"\0" * 100 + whole[100:],
        "empty": b"",
    }[damage]
    assert broken != whole
    path.write_bytes(broken)
    told = call_verify(tmp_path, monkeypatch)
    assert told.exit_code == 3, (told.output, told.exception)
    assert "database.malformed" in told.output
    assert "Traceback" not in told.output
    assert isinstance(told.exception, SystemExit)
