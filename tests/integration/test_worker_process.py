"""``ged worker`` as a process, embedded: alone, killed, stopped, with three lanes. Mixed settings are refused."""

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ged.archive.seal import HeadSeal
from ged.db import make_engine
from ged.jobs import Job, JobKind, JobState
from ged.pipeline import KINDS, SCHEDULED, Kind
from ged.register.models import PageText, Rendition
from tests.commands import ged
from tests.migration_kit import migrated
from tests.site import make_settings
from tests.started import GED
from tests.worker_kit import Installation, alive, children, eventually, kill
from web.processes.migrate import migrate_database

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
SLOW_PAGES = 40


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    made = Installation.make(tmp_path)
    yield made
    made.close()


def read_pages(here: Installation, attachment_id: int) -> int:
    with here.services.reading() as session:
        return len(session.scalars(select(PageText).where(PageText.attachment_id == attachment_id)).all())


def wait_until_idle(here: Installation) -> None:
    """Wait until all jobs of a start are done."""

    def idle() -> bool:
        with here.services.reading() as session:
            found = session.scalars(select(Job)).all()
        # Of kinds with a cause, those that the entries of the journal give one.
        caused = {JobKind.SEAL, JobKind.NOTICES, JobKind.FIGURES}
        expected = {kind for kind in SCHEDULED if KINDS[kind].cause is Kind.cause} | caused
        return expected <= {job.kind for job in found} and {job.state for job in found} == {JobState.DONE}

    eventually(idle, within_s=30, what="the jobs of a start are done", log=here.log)


def test_a_start_seals_the_journal_sweeps_and_checks(here: Installation) -> None:
    here.start_worker()
    wait_until_idle(here)
    last = HeadSeal(here.settings.data_dir / "seal").last()
    assert last is not None
    assert here.command("verify").returncode == 0


def test_a_second_worker_on_the_same_data_is_refused(here: Installation) -> None:
    first = here.start_worker()
    wait_until_idle(here)
    second = here.command("worker")
    assert second.returncode == 1
    assert "worker.second" in second.stderr
    for setting in ("GED_DATABASE_URL", "GED_REDIS_URL", "GED_ELASTICSEARCH_URL"):
        assert setting in second.stderr
    assert "Traceback" not in second.stderr
    rebuild = here.command("index", "rebuild")
    assert rebuild.returncode == 0, rebuild.stderr  # the worker, the only writer of the index, does it
    assert first.poll() is None
    kill(first)
    third = here.start_worker()
    job_id = here.ask(JobKind.SWEEP)
    here.wait_for(job_id, JobState.DONE)
    assert third.poll() is None


def test_the_job_of_a_killed_worker_is_taken_up_by_the_next(here: Installation) -> None:
    _, attachment_id, job_id = here.letter_with_pages(4)
    first = here.start_worker()
    here.wait_for(job_id, JobState.RUNNING)
    eventually(lambda: children(first.pid), within_s=20, what="the page is being read")
    orphans = kill(first, with_children=False)
    held = here.job(job_id)
    assert held.state is JobState.RUNNING
    assert held.lease_until is not None
    assert read_pages(here, attachment_id) == 0
    here.start_worker()
    eventually(lambda: here.job(job_id).attempts == 2, within_s=40, what="taken up again", log=here.log)
    again = here.job(job_id).started_at
    assert again is not None
    assert again < held.lease_until, "the next worker waits for no lease: whoever held it is dead"
    here.wait_for(job_id, JobState.DONE, within_s=60)
    assert read_pages(here, attachment_id) == 4
    eventually(lambda: not any(map(alive, orphans)), within_s=30, what="the reading processes of the dead worker end")
    with here.services.reading() as session:
        renditions = session.scalars(select(Rendition.kind).where(Rendition.attachment_id == attachment_id)).all()
    assert sorted(set(renditions)) == ["page_image", "searchable_pdf", "thumbnail"]
    assert renditions.count("searchable_pdf") == 1


def test_an_index_of_an_earlier_release_is_rebuilt_by_the_worker_that_starts(here: Installation) -> None:
    mail_id = here.register("Dossier du forage")
    here.ask(JobKind.INDEX, mail_id)
    first = here.start_worker()
    wait_until_idle(here)
    kill(first)
    current = here.settings.data_dir / "index" / "current.json"
    told = json.loads(current.read_text())
    current.write_text(json.dumps({**told, "layout": 1}))
    assert here.services.index.status().is_outdated
    second = here.start_worker()
    eventually(lambda: here.latest(JobKind.REBUILD_INDEX), within_s=30, what="it asks for the rebuild", log=here.log)
    kill(second)  # somewhere in it
    here.start_worker()
    here.wait_for(here.latest(JobKind.REBUILD_INDEX), JobState.DONE)
    status = here.services.index.status()
    assert (status.is_outdated, status.documents) == (False, 1)
    assert status.generation != told["folder"]
    with here.services.reading() as session:
        asked = session.scalars(select(Job.id).where(Job.kind == JobKind.REBUILD_INDEX)).all()
    assert len(asked) == 1, "once, however often the worker starts"


def stop(process: subprocess.Popen[bytes], *, within_s: float) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=within_s)


def test_told_to_stop_it_ends_at_once(here: Installation) -> None:
    worker = here.start_worker()
    wait_until_idle(here)
    assert stop(worker, within_s=15) == 0


@pytest.mark.long("a worker that is told to stop; one that is killed is replaced in the test beside it")
def test_told_to_stop_in_the_middle_it_gives_the_job_back(here: Installation) -> None:
    _, attachment_id, job_id = here.letter_with_pages(SLOW_PAGES)
    worker = here.start_worker()
    here.wait_for(job_id, JobState.RUNNING)
    eventually(lambda: children(worker.pid), within_s=20, what="the page is being read")
    below = children(worker.pid)
    assert stop(worker, within_s=30) == 0
    job = here.job(job_id)
    assert (job.state, job.attempts, job.error_code) == (JobState.QUEUED, 0, ""), here.log.read_text()
    assert job.run_after <= datetime.now(UTC)
    eventually(lambda: not any(map(alive, below)), within_s=30, what="the reading processes end too")
    assert read_pages(here, attachment_id) == 0
    here.start_worker()
    assert here.wait_for(job_id, JobState.RUNNING).attempts == 1


def test_a_quick_job_is_not_held_up_by_a_slow_one(here: Installation) -> None:
    _, _, slow = here.letter_with_pages(SLOW_PAGES)
    here.start_worker()
    here.wait_for(slow, JobState.RUNNING)
    mail_id, _, _ = here.letter_with_pages(1)
    quick = here.latest(JobKind.INDEX)
    assert here.job(quick).subject_id == mail_id
    here.wait_for(quick, JobState.DONE, within_s=10)
    assert here.job(slow).state is JobState.RUNNING, "the slow job was over too soon to show anything"


def test_a_job_that_cannot_succeed_says_why_and_others_go_on(here: Installation) -> None:
    _, _, job_id = here.letter_with_pages(1)
    with here.services.reading() as session:
        digest = session.scalars(select(Rendition.digest)).first()
        assert digest is None
    for digest, _ in here.services.blobs.digests():
        here.services.blobs.delete(digest)
    here.start_worker()
    job = here.wait_for(job_id, JobState.FAILED)
    assert job.error_code == "blob.missing"
    other = here.ask(JobKind.SWEEP)
    here.wait_for(other, JobState.DONE)


@pytest.mark.long("a worker is started; tests/contracts/test_job_queue.py shows a job for later")
def test_a_job_for_later_waits(here: Installation) -> None:
    here.start_worker()
    wait_until_idle(here)
    with here.services.unit_of_work(datetime.now(UTC)) as uow:
        uow.defer(JobKind.INDEX, 1, run_after=datetime.now(UTC) + timedelta(seconds=4))
    job_id = here.latest(JobKind.INDEX)
    here.wait_for(here.ask(JobKind.SWEEP), JobState.DONE)
    assert here.job(job_id).state is JobState.QUEUED
    job = here.wait_for(job_id, JobState.DONE, within_s=15)
    assert job.finished_at is not None
    assert job.finished_at >= job.run_after


MIXTURES = {
    "RQ on SQLite": ({"GED_REDIS_URL": "redis://127.0.0.1:1/0"}, "GED_REDIS_URL", "GED_DATABASE_URL=postgresql"),
    "RQ on tantivy": (
        {"GED_REDIS_URL": "redis://127.0.0.1:1/0", "GED_DATABASE_URL": "postgresql+psycopg://u@127.0.0.1:1/x"},
        "GED_ELASTICSEARCH_URL",
        "tantivy",
    ),
    "Elasticsearch on SQLite": (
        {"GED_ELASTICSEARCH_URL": "http://127.0.0.1:1"},
        "GED_ELASTICSEARCH_URL",
        "GED_DATABASE_URL=postgresql",
    ),
    "PostgreSQL without Redis": (
        {"GED_DATABASE_URL": "postgresql+psycopg://u@127.0.0.1:1/x"},
        "GED_REDIS_URL",
        "GED_ELASTICSEARCH_URL",
    ),
    "a name misspelt": ({"GED_REDDIS_URL": "redis://127.0.0.1:1/0"}, "GED_REDDIS_URL", "spelling"),
    "a short secret": ({"GED_SECRET": "short"}, "GED_SECRET", "32"),
}


@pytest.mark.parametrize(("program", "case"), [*(("worker", case) for case in MIXTURES), ("serve", "RQ on SQLite")])
def test_settings_that_make_no_sense_are_refused_at_start(tmp_path: Path, program: str, case: str) -> None:
    extra, setting, remedy = MIXTURES[case]
    env_file = tmp_path / "ged.env"
    values = {"GED_DATA_DIR": str(tmp_path / "data"), "GED_SECRET": "s" * 40, **extra}
    env_file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    ended = ged("--env", env_file, program)
    assert ended.returncode == 1
    assert setting in ended.stderr
    assert remedy in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists(), "nothing was begun"


DATABASES = {
    "none": ("", "database.not_migrated", "ged migrate"),
    "an empty one": ("empty", "database.not_migrated", "ged migrate"),
    "an older one": ("0001", "database.not_migrated", "ged migrate"),
    "a newer one": ("newer", "database.newer", "or a later one"),
}


@pytest.mark.parametrize("program", ["worker", "serve"])
@pytest.mark.parametrize("case", DATABASES)
def test_a_database_of_another_version_is_told_in_a_sentence(tmp_path: Path, program: str, case: str) -> None:
    state, code, remedy = DATABASES[case]
    data = tmp_path / "data"
    settings = make_settings(data)
    if state == "empty":
        data.mkdir()
        make_engine(settings.url).connect().close()
    elif state == "0001":
        migrate_database(settings, revision=state)
    elif state:
        migrated(settings)
    if state == "newer":
        engine = make_engine(settings.url)
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            connection.execute(text("UPDATE schema_tolerance SET oldest_program = '9999'"))
        engine.dispose()
    env_file = tmp_path / "ged.env"
    env_file.write_text(f"GED_DATA_DIR={data}\nGED_SECRET={'s' * 40}\n")
    ended = ged("--env", env_file, program, *(["--bind", "127.0.0.1:1"] if program == "serve" else []))
    assert ended.returncode == 1
    assert code in ended.stderr
    assert remedy in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_workers_on_the_servers_shape_need_redis_that_answers(tmp_path: Path) -> None:
    env_file = tmp_path / "ged.env"
    values = {
        "GED_DATA_DIR": str(tmp_path / "data"),
        "GED_SECRET": "s" * 40,
        "GED_DATABASE_URL": "postgresql+psycopg://u@127.0.0.1:1/x",
        "GED_REDIS_URL": "redis://127.0.0.1:1/0",
        "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1",
    }
    env_file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    ended = subprocess.run(
        [str(GED), "--env", str(env_file), "worker"], capture_output=True, text=True, timeout=90, check=False
    )
    assert (ended.returncode, "worker.redis_unreachable" in ended.stderr) == (1, True)
    assert "GED_REDIS_URL" in ended.stderr
