"""Seconds until a letter of today is found, while an archive is imported. Part of ``bench.search``."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from bench import _house, index_bulk
from bench._percentiles import percentile_95
from bench.relevance import tell
from ged import jobs
from ged.adapters.queue_rq import RqQueue
from ged.ports import PostId, SearchQuery
from ged.register import operations as register_operations
from ged.register.models import Register
from ged.unit import Services
from indexer.elastic_index import ElasticIndex
from indexer.tantivy_index import TantivyIndex
from tests import servers
from tests.factories import actor
from tests.routing_kit import post_id
from tests.servers import Running, postgres, redis, started_ticks_of, stop

EVERY_S = 0.4
LOOK_EVERY_S = 0.02
LONGEST_S = 60.0
TARGET_S = 2.0
BEFORE = 5
"""Letters registered before the measurement, so that the worker is running."""


def freshness(url: str | None, alias: str, *, backlog: int, letters: int, seed: int) -> None:
    """Measure the seconds from the commit of a letter until a search of another process finds it. Returns one line.

    Args:
        url: Elasticsearch, with PostgreSQL, Redis and an RQ worker; None: the embedded shape.
        backlog: letters of the archive that is imported meanwhile.
        letters: letters of today.
    """
    with _installation(url, alias) as made, _process(made, "worker"):
        for no in range(BEFORE):
            _found_after(made.services, f"attente{no}")
        with _process(made, *_import(made, backlog, seed)) as archive:
            spent, during = [], 0
            for no in range(letters):
                began = time.monotonic()
                spent.append(_found_after(made.services, f"nouveau{no}lettre"))
                during += archive.is_running()
                time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))
            waits = _waiting(made.services)
    ordered = sorted(spent)
    tell(
        bench="freshness", engine="elasticsearch" if url else "tantivy", backlog=backlog, seed=seed, letters=letters,
        while_importing=during, backlog_jobs_left=waits, freshness_p50_s=round(ordered[len(ordered) // 2], 2),
        freshness_p95_s=round(percentile_95(ordered), 2), worst_s=round(ordered[-1], 2), target_s=TARGET_S,
    )  # fmt: skip


def _import(made: _house.House, backlog: int, seed: int) -> tuple[str, ...]:
    """The command that imports an archive. In the embedded shape only the worker writes the index."""
    path = made.folder / "archive.jsonl"
    with path.open("w", encoding="utf-8") as lines:
        for one in index_bulk.letters(backlog, seed):
            letter = {
                "id": int(one.mail_id),
                "number": f"{one.mail_id:06d}/B",
                "subject": one.subject,
                "sender": one.sender,
            }
            lines.write(json.dumps(letter | {"text": one.pages[0].text, "registered_on": "2015-03-09"}) + "\n")
    return ("import", str(path), "--into", "PAPIER")


def _found_after(services: Services, word: str) -> float:
    """Register a letter with a unique word and search until it is found. Returns the seconds."""
    source = random.Random(word)
    form = register_operations.IncomingForm(
        subject=f"{word} numéro {source.randint(1, 10**6)}", sender_name="Préfecture de l'Ogou",
        addressed_post_id=PostId(post_id(services, "SG-T")),
    )  # fmt: skip
    now = datetime.now(UTC)
    with services.reading() as session:
        register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
    with services.unit_of_work(now) as uow:
        register_operations.register_incoming(uow, register_id, form, actor=actor(services, "agent"), now=now)  # type: ignore[arg-type]
    began, who = time.monotonic(), actor(services, "sg").principals
    while time.monotonic() - began < LONGEST_S:
        if services.index.search(SearchQuery(f'objet:"{word}"', highlight=False), principals=who).hits:
            break
        time.sleep(LOOK_EVERY_S)
    return time.monotonic() - began


def _waiting(services: Services) -> int:
    with services.reading() as session:
        return sum(jobs.counts_of(session, jobs.JobKind.INDEX_BACKLOG).values())


class _Process:
    def __init__(self, running: Running) -> None:
        self._running = running

    def is_running(self) -> bool:
        return started_ticks_of(self._running.pid) == self._running.started_ticks


@contextmanager
def _process(made: _house.House, *arguments: str) -> Iterator[_Process]:
    process = made.start(*arguments)
    running = Running("", process.pid, started_ticks=started_ticks_of(process.pid))
    try:
        yield _Process(running)
    finally:
        stop(running, timeout_s=30)
        process.wait()


@contextmanager
def _installation(url: str | None, alias: str) -> Iterator[_house.House]:
    run, handle = servers.open_run()
    try:
        with TemporaryDirectory(prefix="ged-bench-") as folder:
            yield from _servers(Path(folder), url, alias) if url else _embedded(Path(folder))
    finally:
        servers.close_run(run, handle)


def _servers(folder: Path, url: str, alias: str) -> Iterator[_house.House]:
    queue_url = redis.server().url
    made = _house.make_house(
        folder, database_url=postgres.create_database(postgres.server().url, "ged_bench"), redis_url=queue_url,
        elasticsearch_url=url, elasticsearch_index=alias, elasticsearch_replicas="0",
    )  # fmt: skip
    index = ElasticIndex(url, alias=alias, replicas=0, timeout_s=30)
    index.reset()
    yield replace(made, services=replace(made.services, index=index, queue=RqQueue(queue_url)))
    made.services.engine.dispose()
    index.close()


def _embedded(folder: Path) -> Iterator[_house.House]:
    made = _house.make_house(folder)
    made.services.index.close()  # type: ignore[attr-defined]  # only the worker writes it
    index = TantivyIndex(folder / "index", writable=False)
    yield replace(made, services=replace(made.services, index=index))
    index.close()
    made.services.engine.dispose()
