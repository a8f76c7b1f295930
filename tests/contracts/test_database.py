"""Guarantees that the rules rely on, on both databases: units of work, order of the journal, claims, numbers, times."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, MetaData, Table, event, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError
from sqlalchemy.orm import Session

from ged import audit, jobs, pipeline
from ged.adapters.keyring import Keyring
from ged.archive import keeping, register_check
from ged.archive.seal import HeadSeal
from ged.audit import AuditEntry
from ged.db import (
    Base,
    array_text,
    give_back_log,
    make_engine,
    planned_once,
    read_session,
    snapshot_session,
    write_session,
)
from ged.errors import NotFound, RowGone
from ged.faults import fault_of
from ged.jobs import Job, JobKind, JobState
from ged.org.models import Unit
from ged.ports import Digest, JobId, Lane
from ged.register import allocation
from ged.register.models import MailNumber, Register
from ged.unit import SYSTEM, Services
from ged.verify import verify
from tests.factories import NOW, actor, make_organisation, make_services
from tests.routing_kit import register
from tests.tampering import lift_guards

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    yield made
    made.engine.dispose()


def at_once(workers: int, work: Callable[[int], object]) -> list[object]:
    """Run ``work(0)`` to ``work(n-1)`` in threads that start together. Returns their results or exceptions, in
    order."""
    start = threading.Barrier(workers)

    def run(number: int) -> object:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(workers) as pool:
        return [future.result() for future in [pool.submit(run, n) for n in range(workers)]]


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


# --- the unit of work --------------------------------------------------------------------------------------------


def test_an_error_rolls_back_rows_journal_and_jobs(services: Services) -> None:
    def fail() -> None:
        with services.unit_of_work(NOW) as uow:
            uow.session.add(Unit(code="A", name="A", kind="service"))
            uow.session.flush()
            uow.record("unit.added", "unit", 1, actor=SYSTEM)
            uow.defer(JobKind.INDEX, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with services.reading() as session:
        assert session.scalars(select(Unit)).all() == []
        assert session.scalars(select(Job)).all() == []
        assert audit.head(session).count == 0


def test_an_error_of_the_commit_rolls_back_everything_and_the_next_may_try(services: Services) -> None:
    def add(*codes: str) -> None:
        with services.unit_of_work(NOW) as uow:
            uow.record("unit.added", "unit", None, actor=SYSTEM)
            uow.defer(JobKind.INDEX, 1)
            uow.session.add_all(Unit(code=code, name=code, kind="service") for code in codes)

    with pytest.raises(IntegrityError):
        add("A", "A")
    with services.reading() as session:
        assert audit.head(session).count == 0
        assert session.scalars(select(Job)).all() == []
    add("A")
    with services.reading() as session:
        assert audit.head(session).count == 1


def test_the_queue_hears_of_a_job_only_after_its_commit(services: Services) -> None:
    seen: list[tuple[JobId, bool, Lane]] = []

    class Listening:
        def submit(self, job_id: JobId, *, lane: Lane = Lane.QUICK) -> None:
            with services.reading() as session:
                seen.append((job_id, session.get(Job, job_id) is not None, lane))

        def waiting(self) -> frozenset[JobId]:
            return frozenset()

    heard = replace_queue(services, Listening())
    with heard.unit_of_work(NOW) as uow:
        uow.defer(JobKind.INDEX, 1)
        uow.defer(JobKind.RECOGNISE, 1)
        uow.session.flush()
        assert seen == []
    assert [(there, lane) for _, there, lane in seen] == [(True, Lane.QUICK), (True, Lane.SLOW)]


def replace_queue(services: Services, queue: object) -> Services:
    return replace(services, queue=queue)  # type: ignore[arg-type]


def test_a_reader_sees_nothing_of_an_open_change(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Unit(code="A", name="A", kind="service"))
        uow.session.flush()
        with services.reading() as session:
            assert session.scalars(select(Unit.code)).all() == []
    with services.reading() as session:
        assert session.scalars(select(Unit.code)).all() == ["A"]


def test_a_snapshot_sees_one_moment(services: Services) -> None:
    with services.snapshot() as session:
        assert session.scalars(select(Unit.code)).all() == []
        with services.unit_of_work(NOW) as uow:
            uow.session.add(Unit(code="A", name="A", kind="service"))
        assert session.scalars(select(Unit.code)).all() == []
    with services.snapshot() as session:
        assert session.scalars(select(Unit.code)).all() == ["A"]


def test_the_log_of_many_writes_is_given_back_unless_somebody_reads(services: Services, tmp_path: Path) -> None:
    def log_bytes() -> int:
        return sum(one.stat().st_size for one in tmp_path.glob("*-wal"))

    def write() -> None:
        with services.unit_of_work(NOW) as uow:
            uow.record("test", "mail", 1, actor=SYSTEM, reason="x" * 100_000)

    write()
    with services.snapshot() as session:
        session.scalar(select(func.count(AuditEntry.sequence)))
        write()
        give_back_log(services.engine)
    give_back_log(services.engine)
    assert log_bytes() == 0
    write()
    with services.reading() as session:
        assert session.scalar(select(func.count(AuditEntry.sequence))) == 3


def test_a_reference_to_nothing_is_refused(services: Services) -> None:
    with pytest.raises((IntegrityError, RowGone)), services.unit_of_work(NOW) as uow:
        uow.session.add(Unit(code="A", name="A", kind="service", parent_id=999))


# --- the journal -------------------------------------------------------------------------------------------------


def test_the_journal_stays_a_chain_when_many_write_at_once(services: Services) -> None:
    """Also for an empty journal: its first entries compete to make the head's row."""

    def work(number: int) -> None:
        for n in range(10):
            with services.unit_of_work(NOW) as uow:
                uow.record("thing.changed", "thing", number * 100 + n, actor=SYSTEM, by=number)
                uow.record("thing.seen", "thing", number * 100 + n, actor=SYSTEM)

    at_once(6, work)
    with services.snapshot() as session:
        assert list(audit.verify_chain(session)) == []
        assert audit.head(session).count == 120
        told = session.execute(select(AuditEntry.action, AuditEntry.subject_id).order_by(AuditEntry.sequence)).all()
    for change, look in zip(told[::2], told[1::2], strict=True):
        assert (change.action, look.action) == ("thing.changed", "thing.seen"), "entries of one change stand together"
        assert change.subject_id == look.subject_id


def test_verify_while_people_write_finds_nothing(services: Services) -> None:
    make_organisation(services)
    done = threading.Event()
    registered = 0

    def write() -> None:
        nonlocal registered
        while not done.is_set():
            register(services, f"Demande {registered}")
            registered += 1

    def seal() -> None:
        while not done.is_set():
            keeping.seal_head(services, now=NOW)

    threads = [threading.Thread(target=write), threading.Thread(target=seal)]
    for thread in threads:
        thread.start()
    try:
        reports = [verify(services, now=NOW) for _ in range(8)]
        until = time.monotonic() + 60
        while (
            reports[-1].entries <= reports[0].entries and time.monotonic() < until
        ):  # on a busy machine nobody may have written yet
            reports.append(verify(services, now=NOW))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert {report.problems for report in reports} == {()}
    assert reports[-1].entries > reports[0].entries, "nobody wrote meanwhile: nothing was shown"
    assert reports[-1].sealed_until > 0


def test_heads_sealed_at_one_moment_stay_one_chain(services: Services, tmp_path: Path) -> None:
    def work(number: int) -> None:
        for _ in range(5):
            with services.unit_of_work(NOW) as uow:
                uow.record("thing.changed", "thing", number, actor=SYSTEM)
            keeping.seal_head(services, now=NOW)

    at_once(5, work)
    with services.reading() as session:
        assert list(HeadSeal(tmp_path / "seal").verify(session)) == []
        assert audit.head(session).count == 25
    last = HeadSeal(tmp_path / "seal").last()
    assert last is not None
    assert last.count == 25


# --- jobs --------------------------------------------------------------------------------------------------------


def test_a_job_is_given_to_exactly_one_of_many_workers(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        for n in range(12):
            uow.defer(JobKind.INDEX, n)
    with services.reading() as session:
        waiting = jobs.due(session, now=NOW)
    assert len(waiting) == 12

    def work(number: int) -> list[JobId]:
        taken = []
        for job_id in waiting:
            with services.unit_of_work(NOW) as uow:
                if jobs.claim(uow.session, job_id, worker=f"w{number}", now=NOW) is not None:
                    taken.append(job_id)
        return taken

    taken = Counter(job_id for answer in at_once(6, work) for job_id in answer)  # type: ignore[attr-defined]
    # A worker may skip a row that another one reads: it stays due. Nobody takes a row that another one holds.
    assert set(taken.values()) == {1}
    assert set(taken) == set(waiting)


def test_the_lease_that_ended_is_given_to_exactly_one(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.INDEX, 1)
    with services.reading() as session:
        (job_id,) = jobs.due(session, now=NOW)
    with services.unit_of_work(NOW) as uow:
        assert jobs.claim(uow.session, job_id, worker="killed", now=NOW) is not None

    def work(number: int) -> bool:
        with services.unit_of_work(LATER) as uow:
            return jobs.claim(uow.session, job_id, worker=f"w{number}", now=LATER) is not None

    assert at_once(6, work).count(True) == 1


def test_the_numbers_of_jobs_follow_the_commits(services: Services) -> None:
    """The index relies on this: a job with a higher number sees all changes of the jobs with lower numbers."""
    with services.unit_of_work(NOW) as uow:
        for n in range(8):
            uow.session.add(Unit(code=f"U{n}", name="0", kind="service"))
    with services.reading() as session:
        ids = list(session.scalars(select(Unit.id).order_by(Unit.id)))

    def work(number: int) -> None:
        for n in range(12):
            with services.unit_of_work(NOW) as uow:
                uow.defer(JobKind.INDEX, number)  # deferred first, before the change itself
                uow.session.flush()
                uow.session.get_one(Unit, ids[number]).name = str(n + 1)

    watched: list[tuple[int, dict[int, int]]] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            with services.snapshot() as session:
                latest = jobs.latest_id(session)
                seen = Counter(session.scalars(select(Job.subject_id).where(Job.id <= latest)))
            watched.append((latest, dict(seen)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    at_once(8, work)
    stop.set()
    watcher.join()
    with services.reading() as session:
        rows = session.execute(select(Job.id, Job.subject_id).order_by(Job.id)).all()
    for latest, seen in watched:
        # A reader that sees job n also sees every job below n that will ever exist.
        assert seen == dict(Counter(subject for job_id, subject in rows if job_id <= latest))


def test_a_job_whose_workers_are_all_killed_ends(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.RECOGNISE, 1)
    at = NOW
    taken = 0
    for _ in range(jobs.MAX_ATTEMPTS + 3):
        with services.reading() as session:
            waiting = jobs.due(session, now=at)
        for job_id in waiting:
            with services.unit_of_work(at) as uow:
                taken += jobs.claim(uow.session, job_id, worker="killed", now=at) is not None
        at += timedelta(minutes=2)
    with services.reading() as session:
        job = session.scalars(select(Job)).one()
        assert (job.state, job.error_code, taken) == (JobState.FAILED, "job.worker_lost", jobs.MAX_ATTEMPTS)
        assert jobs.due(session, now=at + timedelta(days=1)) == []
    with services.unit_of_work(at) as uow:
        jobs.retry(uow.session, JobId(job.id), now=at)
    with services.unit_of_work(at) as uow:
        assert jobs.claim(uow.session, JobId(job.id), worker="w", now=at) is not None


def test_what_a_stopped_worker_gives_back_is_ready_and_no_try_is_counted(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.RECOGNISE, 1)
        uow.defer(JobKind.NOTIFY, 2)
        uow.defer(JobKind.INDEX, 3)
    with services.reading() as session:
        slow, irrevocable, others = jobs.due(session, now=NOW)
    with services.unit_of_work(NOW) as uow:
        held = {
            job_id: jobs.claim(uow.session, job_id, worker=worker, now=NOW)
            for job_id, worker in ((slow, "w1"), (irrevocable, "w1"), (others, "w2"))
        }
        uow.session.flush()
        jobs.mark_irrevocable(uow.session, held[irrevocable], now=NOW)
    with services.unit_of_work(NOW) as uow:
        jobs.put_back(uow.session, "w1", now=NOW)
    with services.unit_of_work(NOW) as uow:
        again = jobs.claim(uow.session, slow, worker="w3", now=NOW)
        assert again is not None
        assert again.attempts == 1
        assert jobs.claim(uow.session, irrevocable, worker="w3", now=NOW) is None
        assert jobs.claim(uow.session, others, worker="w3", now=NOW) is None
    with services.reading() as session:
        assert session.get_one(Job, irrevocable).state is JobState.UNCERTAIN


def test_after_a_clock_was_a_year_ahead_jobs_run_and_periodic_ones_are_asked_for(services: Services) -> None:
    ahead = NOW + timedelta(days=365)
    pipeline.schedule_periodic(services, now=ahead)
    with services.unit_of_work(ahead) as uow:
        uow.defer(JobKind.RECOGNISE, 7)
        uow.defer(JobKind.RECOGNISE, 8)
    with services.unit_of_work(ahead) as uow:
        first, second = uow.session.scalars(select(Job.id).where(Job.kind == JobKind.RECOGNISE).order_by(Job.id))
        assert jobs.claim(uow.session, JobId(first), worker="killed", now=ahead) is not None
        uow.session.execute(update(Job).where(Job.kind != JobKind.RECOGNISE).values(state=JobState.DONE))

    pipeline.schedule_periodic(services, now=NOW)
    with services.reading() as session:
        assert JobId(second) in jobs.due(session, now=NOW)
        assert JobId(first) in jobs.due(session, now=NOW + 2 * jobs.LEASE), "its worker is dead"
        asked = set(session.scalars(select(Job.kind).where(Job.state == JobState.QUEUED)))
        assert {JobKind.SEAL, JobKind.PRUNE_JOBS} <= asked
        before = session.scalar(select(func.count()).select_from(Job))
        assert not jobs.is_put_off(session, now=NOW)
    pipeline.schedule_periodic(services, now=NOW)
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == before, "once"


def test_workers_that_look_at_one_moment_ask_for_periodic_jobs_once(services: Services) -> None:
    at_once(5, lambda _: pipeline.schedule_periodic(services, now=NOW))
    with services.reading() as session:
        without_cause = {
            JobKind.COLLECT_MAIL,
            JobKind.ALERTS,
            JobKind.MAIL_LOOP,
            JobKind.PRESERVE_DUE,
            JobKind.ORGANISATION_ACTS,
            JobKind.DIRECTORY_CHECK,
            JobKind.MONTHLY_REPORTS,
        }  # no mailbox, follower, signature, planned act, directory or wanted report
        assert Counter(session.scalars(select(Job.kind))) == Counter(pipeline.SCHEDULED - without_cause)


# --- numbers and times -------------------------------------------------------------------------------------------


def test_numbers_have_no_gap_and_no_double_when_many_register(services: Services) -> None:
    make_organisation(services)
    clerk = actor(services, "agent")
    with services.reading() as session:
        register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()

    def allocate() -> int:
        with services.unit_of_work(NOW) as uow:
            return allocation.allocate(uow, register_id, actor=clerk, post=clerk.posts[0]).sequence

    def give_up() -> None:
        with services.unit_of_work(NOW) as uow:
            allocation.allocate(uow, register_id, actor=clerk, post=clerk.posts[0])
            raise RuntimeError

    def work(_number: int) -> list[int]:
        given = []
        for n in range(8):
            if n % 3 == 2:
                with pytest.raises(RuntimeError):
                    give_up()
            given.append(allocate())
        return given

    given = sorted(n for answer in at_once(6, work) for n in answer)  # type: ignore[attr-defined]
    assert given == list(range(1, 49))
    with services.reading() as session:
        assert register_check.gaps(session) == []


@pytest.mark.parametrize("which", [1, 24, 48])
def test_a_deleted_number_is_a_gap(services: Services, which: int) -> None:
    make_organisation(services)
    clerk = actor(services, "agent")
    with services.reading() as session:
        register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
    for _ in range(48):
        with services.unit_of_work(NOW) as uow:
            allocation.allocate(uow, register_id, actor=clerk, post=clerk.posts[0])
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(table_of(MailNumber).delete().where(MailNumber.sequence == which))
    with services.reading() as session:
        assert register_check.gaps(session) == [(register_id, 2026, 1)]


def test_a_register_whose_counter_was_removed_is_told(services: Services) -> None:
    make_organisation(services)
    register(services)
    with services.reading() as session:
        register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("DELETE FROM register_counters"))
    with services.reading() as session:
        assert [(found, year) for found, year, _ in register_check.gaps(session)] == [(register_id, 2026)]


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 24, 9, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=-5))),
        datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
)
def test_a_time_comes_back_as_the_same_moment_in_utc(services: Services, at: datetime) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.INDEX, 1, run_after=at)
    with services.reading() as session:
        found = session.scalars(select(Job.run_after)).one()
        by_value = session.scalars(select(Job.id).where(Job.run_after == at)).all()
    assert found == at
    assert found.utcoffset() == timedelta(0)
    assert len(by_value) == 1


def test_a_naive_time_is_refused(services: Services) -> None:
    with pytest.raises(Exception, match="naive datetime"), services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.INDEX, 1, run_after=datetime(2026, 1, 1))  # noqa: DTZ001


def test_an_unknown_code_is_refused(services: Services) -> None:
    with pytest.raises(Exception, match="nonsense"), services.unit_of_work(NOW) as uow:
        uow.defer("nonsense", 1)  # type: ignore[arg-type]


@pytest.mark.servers
def test_every_key_is_wide_enough_for_decades(make_database: Callable[[], str], tmp_path: Path) -> None:
    """An INTEGER of SQLite has 64 bits. On PostgreSQL, keys and references must be BIGINT."""
    services = make_services(tmp_path, url=make_database())
    narrow = [
        f"{table.name}.{column.name}"
        for table in reflected(services.engine).tables.values()
        for column in table.columns
        if (column.name == "id" or column.foreign_keys) and str(column.type) in ("INTEGER", "SMALLINT")
    ]
    services.engine.dispose()
    assert narrow == []


def reflected(engine: Engine) -> MetaData:
    found = MetaData()
    found.reflect(engine)
    return found


@pytest.mark.servers
def test_a_page_costs_the_server_one_process_and_the_index_that_gives_its_order(
    make_database: Callable[[], str],
) -> None:
    """With the server's own values a correspondent's letters took 178 ms instead of 1 in an archive of a million."""
    engine = make_engine(make_database())
    wanted = {"jit": "off", "random_page_cost": "1.1", "max_parallel_workers_per_gather": "0"}
    with engine.connect() as connection:
        found = {name: connection.scalar(text("SELECT current_setting(:name)"), {"name": name}) for name in wanted}
    engine.dispose()
    assert found == wanted


@pytest.mark.servers
def test_the_server_keeps_the_plans_of_what_is_read_often(make_database: Callable[[], str]) -> None:
    engine = make_engine(make_database())
    for _ in range(10):
        with read_session(engine) as session:
            session.execute(text("SELECT 17"))
    with engine.connect() as connection:
        kept = connection.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    engine.dispose()
    assert "SELECT 17" in kept


def kept_statements(engine: Engine) -> list[str]:
    with read_session(engine) as session:
        return list(session.scalars(text("SELECT statement FROM pg_prepared_statements")))


@pytest.mark.servers
def test_the_key_of_a_document_takes_no_plan_away(make_database: Callable[[], str], tmp_path: Path) -> None:
    """The driver forgets every prepared statement when a transaction ends without a commit. A page with a document took
    10 ms more, and each page after it had its statements planned anew."""
    engine = make_engine(make_database())
    keyring = Keyring(tmp_path / "keyring", engine)
    keyring.prepare()
    digest = Digest("a" * 64)
    keyring.keep(b"k" * 16, digest, b"s" * 32)
    for _ in range(10):
        with read_session(engine) as session:
            session.execute(text("SELECT 17"))
    assert keyring.key(b"k" * 16, digest) == b"s" * 32
    assert keyring.count() == 1
    kept = kept_statements(engine)
    engine.dispose()
    assert "SELECT 17" in kept


@pytest.mark.servers
def test_the_server_keeps_the_plans_of_more_statements_than_all_pages_send(make_database: Callable[[], str]) -> None:
    engine = make_engine(make_database())
    for _ in range(8):
        with read_session(engine) as session:
            for number in range(330):
                session.execute(text(f"SELECT {number}"))
    kept = kept_statements(engine)
    engine.dispose()
    assert len(kept) >= 330


@pytest.mark.servers
def test_a_session_for_queries_writes_nothing(make_database: Callable[[], str], tmp_path: Path) -> None:
    services = make_services(tmp_path, url=make_database())
    make_organisation(services)
    with pytest.raises(InternalError, match="read-only"), services.reading() as session:
        session.execute(update(Unit).values(name="x"))
    with services.reading() as session:
        for unit in session.scalars(select(Unit)):
            unit.name = "x"  # never flushed
    with services.unit_of_work(NOW) as uow:  # a connection of the pool may write again
        assert "x" not in uow.session.scalars(select(Unit.name)).all()
        uow.session.execute(update(Unit).values(name="y"))
    services.engine.dispose()


@pytest.mark.servers
def test_a_query_costs_the_server_no_message_but_itself(make_database: Callable[[], str]) -> None:
    """With one transaction a session and one question a connection, most messages of a page carried no query."""
    engine = make_engine(make_database())
    with read_session(engine) as session:
        session.execute(text("SELECT 1"))  # connects, and learns that it only reads
    began = text("SELECT xact_start = statement_timestamp() FROM pg_stat_activity WHERE pid = pg_backend_pid()")
    with read_session(engine) as session:
        session.execute(text("SELECT 1"))
        assert session.scalar(began), "a query is a transaction of its own"
        assert session.scalar(text("SHOW transaction_read_only")) == "on"
    with snapshot_session(engine) as session:
        session.execute(text("SELECT 1"))
        assert not session.scalar(began)
        assert session.scalar(text("SHOW transaction_read_only")) == "on"
        assert session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
    with write_session(engine) as session:
        assert session.scalar(text("SHOW transaction_read_only")) == "off", "the connection served queries before"
    engine.dispose()


@pytest.mark.servers
@pytest.mark.parametrize("idle", [True, False])
def test_connections_that_the_server_has_cut_are_replaced_when_they_were_idle(
    make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, *, idle: bool
) -> None:
    monkeypatch.setattr("ged.db.IDLE_S", 0.0 if idle else 60.0)
    url = make_database()
    engine, other = make_engine(url), make_engine(url)
    with read_session(engine) as session:
        cut = session.scalar(text("SELECT pg_backend_pid()"))
    with other.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": cut})
    if not idle:  # asked for nothing: the first use fails, is told as "away", and the next one has a new connection
        with pytest.raises(DBAPIError) as lost, read_session(engine) as session:
            session.execute(text("SELECT 1"))
        fault = fault_of(lost.value)
        assert fault is not None
        assert fault.code == "database.away"
    with read_session(engine) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != cut
    engine.dispose()
    other.dispose()


@pytest.mark.servers
@pytest.mark.parametrize("failing", ["SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1 / 0"])
@pytest.mark.parametrize("session_of", [read_session, write_session])
def test_a_failure_among_statements_that_are_planned_once_is_told_as_itself_and_leaves_no_mode(
    make_database: Callable[[], str], session_of: Callable[[Engine], AbstractContextManager[Session]], failing: str
) -> None:
    engine = make_engine(make_database())
    with pytest.raises(DBAPIError) as told, session_of(engine) as session:
        connection = session.connection()
        with planned_once(connection):
            connection.exec_driver_sql(failing)
    fault = fault_of(told.value)
    assert (fault.code if fault else str(told.value.orig)) == (
        "database.away" if "pid" in failing else "division by zero"
    )
    with read_session(engine) as session:
        assert session.scalar(text("SHOW plan_cache_mode")) == "auto"
    engine.dispose()


@pytest.mark.servers
def test_statements_that_are_planned_once_are_said_once_and_others_as_usual(make_database: Callable[[], str]) -> None:
    engine = make_engine(make_database())
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _connection, _cursor, statement, *_: sent.append(statement))

    def planned(connection: Connection) -> str:
        with planned_once(connection):
            return str(connection.scalar(text("SHOW plan_cache_mode")))

    for session_of in (read_session, write_session, snapshot_session):
        sent.clear()
        with session_of(engine) as session:
            connection = session.connection()
            assert [planned(connection) for _ in range(3)] == ["force_generic_plan"] * 3
            told = [one for one in sent if one.startswith("SET plan_cache_mode")]
            assert len(told) == (1 if session_of is read_session else 6)
            assert session.scalar(text("SHOW plan_cache_mode")) == "auto"
            assert planned(connection) == "force_generic_plan"
            sent.clear()
            with planned_once(connection):
                assert [planned(connection), planned(connection)] == ["force_generic_plan"] * 2
                assert connection.scalar(text("SHOW plan_cache_mode")) == "force_generic_plan", (
                    "an inner block ended it"
                )
                assert not any("DEFAULT" in one for one in sent)
        # The same connection, of who has not heard of it.
        with write_session(engine) as session:
            assert session.scalar(text("SHOW plan_cache_mode")) == "auto"
            session.rollback()
            assert session.scalar(text("SHOW plan_cache_mode")) == "auto"
    engine.dispose()


@pytest.mark.servers
def test_what_is_raised_among_statements_that_are_planned_once_costs_no_connection(
    make_database: Callable[[], str],
) -> None:
    engine = make_engine(make_database())
    with read_session(engine) as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    with pytest.raises(NotFound), read_session(engine) as session, planned_once(session.connection()):
        raise NotFound("register.letter_unknown", "open the list anew")
    with read_session(engine) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) == pid
        assert session.scalar(text("SHOW plan_cache_mode")) == "auto"
    engine.dispose()


@pytest.mark.servers
def test_a_list_that_is_sent_as_text_is_read_as_it_was(make_database: Callable[[], str]) -> None:
    engine = make_engine(make_database())
    odd = ["", "NULL", "null", "a,b", "{c}", 'd"', "e\\", "\\", "f g", " h ", "é’", "\n", "%s", "'", "--"]
    keys = [0, -1, 2**62]
    with read_session(engine) as session:
        of_texts = session.scalars(text("SELECT unnest(CAST(:sent AS TEXT[]))"), {"sent": array_text(odd)})
        assert of_texts.all() == odd
        of_keys = session.scalars(text("SELECT unnest(CAST(:sent AS BIGINT[]))"), {"sent": array_text(keys)})
        assert of_keys.all() == keys
        assert session.scalars(text("SELECT unnest(CAST(:sent AS BIGINT[]))"), {"sent": array_text([])}).all() == []
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT * FROM nowhere", None),
        ("SELEC 1", None),
        ("SELECT CAST(x'ff' AS TEXT)", None),
        ("ATTACH DATABASE '/nowhere/at/all' AS other", "database.away"),
    ],
)
def test_a_wrong_statement_is_not_told_as_a_database_that_is_away(
    tmp_path: Path, statement: str, code: str | None
) -> None:
    """It would be told to wait, again and again, and the log would not show where it stands."""
    engine = make_engine(f"sqlite:///{tmp_path}/x.sqlite3")
    with pytest.raises(DBAPIError) as told, engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(statement).fetchall()
    fault = fault_of(told.value)
    assert (fault.code if fault else None) == code
    engine.dispose()
