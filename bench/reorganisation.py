"""Thirty units of a ministry reorganised in one act among 100,000 letters, as JSON lines.

    python -m bench.reorganisation [--letters 100000] [--runs 5] [--sample 1000] [--shapes embedded servers] [--profile]

The ministry has 31 services in five entities and two hundred people. 14 services and four directions move, six services
merge, six close. Each run does it in both ways, in this process and through the pages of the site: by a workbook that is
taken in, and by an act that is confirmed. Each is undone by its button. Then the act is planned for tomorrow, and done by
the job of that day.

A line for each way has the seconds (median and longest) of the request, of the page that shows the changes before, and of the undoing;
the rows that were written, by table; the jobs that were queued, by kind; the writes to the index. The goal is 2 s and no write.

A line for each moment (before, after, undone) says who found what: every person searches and lists the letters of a sample, and
whatever differs from the rule, computed over the rows by code of its own, is ``wrong``. A letter of the sample whose readers
change is ``moved``.

``embedded`` is SQLite and tantivy; ``servers`` is PostgreSQL and Elasticsearch, private ones of this run, as those of the tests.
"""

import argparse
import cProfile
import io
import pstats
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import func, select

from bench.relevance import tell
from ged.administration import operations, planned
from ged.administration.lines import as_sheets
from ged.jobs import Job
from ged.unit import Services
from ged.workbook import writing
from indexer.elastic_index import ElasticIndex
from tests.factories import actor, make_services
from tests.reorganisation_kit import (
    UNITS_CHANGED,
    Letter,
    WatchedIndex,
    add_letters,
    check,
    jobs_of,
    make_ministry,
    reorganisation,
    rows_written,
    watched,
)
from tests.servers import close_run, elastic, open_run, postgres
from tests.site import PASSWORD, give_passwords, make_settings, open_site, post, sign_in
from web.processes.migrate import migrate_database

MOST_S = 2.0
ALIAS = "ged-bench-reorganisation"
ACTS, BOOKS = "/administration/actes", "/administration/deploiement"


@dataclass
class Way:
    """What was measured of one way: seconds of the page before, of the change and of its undoing; what the change wrote."""

    look_s: list[float] = field(default_factory=list)
    done_s: list[float] = field(default_factory=list)
    undo_s: list[float] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    index_writes: int = 0


@contextmanager
def installation(shape: str, letters: int, sample: int, now: datetime) -> Iterator[tuple[Services, Path, list[Letter]]]:
    """The ministry and its letters in a new installation."""
    with tempfile.TemporaryDirectory(prefix="ged-bench-") as name:
        folder = Path(name)
        url = postgres.create_database(postgres.server().url, "ged_bench") if shape == "servers" else None
        migrate_database(make_settings(folder, **({"database_url": url} if url else {})))
        services = make_services(folder, url=url, create=False)
        if shape == "servers":
            index = ElasticIndex(elastic.server().url, alias=ALIAS, replicas=0, timeout_s=30)
            index.reset()
            services = replace(services, index=index)
        began = time.monotonic()
        with services.unit_of_work(now) as uow:
            make_ministry(uow, on=now.astimezone(services.zone).date())
        give_passwords(services)
        made = add_letters(services, letters, sample=sample, now=now)
        with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        tell(bench="reorganisation_made", shape=shape, letters=letters, seconds=round(time.monotonic() - began, 1))
        yield services, folder, made
        services.engine.dispose()


@contextmanager
def noted(services: Services, index: WatchedIndex, way: Way) -> Iterator[None]:
    """Measure the change inside the block."""
    with services.reading() as session:
        last = session.scalar(select(func.max(Job.id))) or 0
    index.writes.clear()
    with rows_written(services.engine) as rows:
        began = time.perf_counter()
        yield
        way.done_s.append(time.perf_counter() - began)
    with services.reading() as session:
        way.jobs = jobs_of(session, last)
    way.rows, way.index_writes = rows, max(way.index_writes, index.writes.total())


def by_workbook(services: Services, index: WatchedIndex, client: FlaskClient, way: Way) -> None:
    """Take a workbook in, and take it back."""
    book = writing.marked(_sheets(services), ())
    answer = post(client, f"{BOOKS}/", {"file": (io.BytesIO(book), "reorganisation.xlsx")})
    address = _went(answer.status_code, answer.location)
    _timed(way.look_s, lambda: _shown(client, address))
    with noted(services, index, way):
        answer = post(client, f"{address}/importer", {})
    _went(answer.status_code, answer.location)
    _timed(way.undo_s, lambda: _sent(client, f"{address}/reprendre"))


def by_act(services: Services, index: WatchedIndex, client: FlaskClient, way: Way, now: datetime) -> None:
    """Confirm an act, and undo it."""
    act_id = propose(services, now)
    _timed(way.look_s, lambda: _shown(client, f"{ACTS}/{act_id}"))
    shown = operations.preview(services, act_id, actor=actor(services, "admin", on=now.date()), now=now).digest
    with noted(services, index, way):
        answer = post(client, f"{ACTS}/{act_id}/confirmer", {"shown": shown, "reference": "Décret n° 2026-112"})
    _went(answer.status_code, answer.location)
    _timed(way.undo_s, lambda: _sent(client, f"{ACTS}/{act_id}/annuler"))


def by_plan(services: Services, index: WatchedIndex, way: Way, now: datetime) -> int:
    """Plan the act for tomorrow, and let the job of that day do it. Returns the act."""
    act_id, tomorrow = propose(services, now), now + timedelta(days=1)
    me, on = actor(services, "admin", on=now.date()), tomorrow.astimezone(services.zone).date()
    _timed(way.look_s, lambda: operations.preview(services, act_id, actor=me, now=now, on=on))
    shown = operations.preview(services, act_id, actor=me, now=now, on=on).digest
    operations.plan(services, act_id, on=on, shown=shown, reference="Décret n° 2026-112", actor=me, now=now)
    with noted(services, index, way):
        planned.run(services, now=tomorrow)
    return act_id


def propose(services: Services, now: datetime) -> int:
    """Propose the reorganisation. Returns the act."""
    on = now.astimezone(services.zone).date()
    with services.unit_of_work(now) as uow:
        lines = reorganisation(operations.current(uow.session, on=on))
        return operations.propose(uow, "unit.move", "MIN", lines, actor=actor(services, "admin", on=on))


def _sheets(services: Services) -> dict[str, list[list[str]]]:
    with services.reading() as session:
        return as_sheets(reorganisation(operations.current(session, on=datetime.now(services.zone).date())))


def _timed(kept: list[float], call: Callable[[], object]) -> None:
    began = time.perf_counter()
    call()
    kept.append(time.perf_counter() - began)


def _shown(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")


def _sent(client: FlaskClient, address: str) -> None:
    answer = post(client, address, {})
    _went(answer.status_code, answer.location)


def _went(status: int, location: str | None) -> str:
    if status != 303 or location is None:
        raise RuntimeError(f"refused with {status}")
    return location


def tell_way(shape: str, services: Services, name: str, letters: int, way: Way) -> None:
    """Print the line of one way."""
    p50, jobs = statistics.median(way.done_s), dict(sorted(way.jobs.items()))
    undone = {"undo_p50_s": round(statistics.median(way.undo_s), 2)} if way.undo_s else {}
    tell(
        bench="reorganisation", shape=shape, database=services.engine.dialect.name, way=name, letters=letters,
        units=UNITS_CHANGED, runs=len(way.done_s), p50_s=round(p50, 2), longest_s=round(max(way.done_s), 2),
        look_p50_s=round(statistics.median(way.look_s), 2), **undone, rows=dict(way.rows.most_common()), jobs=jobs,
        index_writes=way.index_writes, is_met=p50 <= MOST_S and not way.index_writes and "index" not in jobs,
    )  # fmt: skip


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sample", type=int, default=1_000, help="letters that every person searches and lists")
    parser.add_argument("--shapes", nargs="+", choices=("embedded", "servers"), default=["embedded", "servers"])
    parser.add_argument("--profile", action="store_true", help="write where the time goes to standard error")
    given = parser.parse_args()
    run, handle = open_run()
    try:
        for shape in given.shapes:
            _measure(shape, given)
    finally:
        close_run(run, handle)


def _measure(shape: str, given: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    with installation(shape, given.letters, given.sample, now) as (made, folder, sample):
        services, index = watched(made)
        today = now.astimezone(services.zone).date()
        client = sign_in(open_site(folder, services), "admin", PASSWORD)
        before = check(services, sample, on=today)
        _tell_found(shape, "before", before.people, before.found, before.wrong, 0)
        workbook, act, plan = Way(), Way(), Way()
        profile = cProfile.Profile()
        for _ in range(given.runs):
            by_workbook(services, index, client, workbook)
            if given.profile:
                profile.enable()
            by_act(services, index, client, act, datetime.now(UTC))
            profile.disable()
        act_id = by_plan(services, index, plan, now)
        for name, way in (("workbook", workbook), ("act", act), ("planned", plan)):
            tell_way(shape, services, name, given.letters, way)
        after = check(services, sample, on=today + timedelta(days=1))
        moved = sum(before.by[one] != after.by[one] for one in before.by)
        _tell_found(shape, "after", after.people, after.found, after.wrong, moved)
        with services.unit_of_work(now + timedelta(days=1)) as uow:
            operations.undo(uow, act_id, actor=actor(services, "admin", on=today + timedelta(days=1)))
        undone = check(services, sample, on=today + timedelta(days=1))
        moved = sum(before.by[one] != undone.by[one] for one in before.by)
        _tell_found(shape, "undone", undone.people, undone.found, undone.wrong, moved)
        if given.profile:
            figures = pstats.Stats(profile, stream=sys.stderr)
            figures.sort_stats("cumulative").print_stats(80)
            figures.sort_stats("tottime").print_stats(40)


def _tell_found(shape: str, moment: str, people: int, found: int, wrong: tuple[str, ...], moved: int) -> None:
    tell(
        bench="reorganisation_found", shape=shape, moment=moment, people=people, found=found, moved=moved, wrong=len(wrong),
        first_wrong=wrong[:5], is_met=not wrong,
    )  # fmt: skip


if __name__ == "__main__":
    main()
