"""Numbers a second when fifty desks register at once in one register, on PostgreSQL with the settings of production.

    python -m bench.numbering [--processes 50] [--letters 100] [--url URL]

Each process registers its letters one after the other, as the site does: letter, rights, number, journal, index job, one
commit that waits for the disk. Without ``--url`` a private cluster is started. Prints one JSON line; exit 1 when a
number is missing, was given twice, or is not where it was answered.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

from sqlalchemy import select, text

from bench._percentiles import percentile_95
from ged.db import make_engine
from ged.register.models import MailNumber
from ged.register.operations import register_incoming
from ged.unit import Services
from tests import clerks
from tests.servers import close_run, open_run, postgres
from web.processes import memory

Answers = list[tuple[str, float]]


def register(
    services: Services, clerk: int, letters: int, ready: Barrier, answers: "multiprocessing.Queue[Answers]"
) -> None:
    """Register letters. Puts (number, seconds) of each into ``answers``."""
    actor, register_id, usual = clerks._desk(services, "")
    given: Answers = []
    ready.wait(300)
    for n in range(letters):
        began, now = time.perf_counter(), datetime.now(UTC)
        form = replace(usual, subject=f"lettre {clerk}-{n}")
        with services.unit_of_work(now) as uow:
            done = register_incoming(uow, register_id, form, actor=actor, now=now)
        given.append((done.number, time.perf_counter() - began))
    answers.put(given)
    services.engine.dispose()


def measure(url: str, processes: int, letters: int) -> dict[str, object]:
    """Run once; see the module."""
    clerks.prepare(url, Path())
    services = clerks._warmed(url, Path())
    memory.settle()  # as the site does before it starts its processes
    context = multiprocessing.get_context("fork")
    ready: Barrier = context.Barrier(processes + 1)
    answers: multiprocessing.Queue[Answers] = context.Queue()
    desks = [
        context.Process(target=register, args=(services, clerk, letters, ready, answers)) for clerk in range(processes)
    ]
    for desk in desks:
        desk.start()
    ready.wait(300)
    began = time.perf_counter()
    given = [one for _ in desks for one in answers.get(timeout=600)]
    took = time.perf_counter() - began
    for desk in desks:
        desk.join()
    numbers, times = [number for number, _ in given], sorted(seconds for _, seconds in given)
    there, settings = _there(url)
    return {
        "bench": "numbering", "processes": processes, "numbers": len(numbers),
        "numbers_a_second": round(len(numbers) / took, 1), "median_ms": round(statistics.median(times) * 1000, 1),
        "p95_ms": round(percentile_95(times) * 1000, 1), "twice": len(numbers) - len(set(numbers)),
        "missing": len(set(numbers) ^ set(there)), "gaps": sorted(there.values()) != list(range(1, len(there) + 1)), **settings,
    }  # fmt: skip


def _there(url: str) -> tuple[dict[str, int], dict[str, str]]:
    """(number -> sequence) of all stored numbers, and the database's settings for durability."""
    engine = make_engine(url)
    with engine.connect() as connection:
        there = {row.text: row.sequence for row in connection.execute(select(MailNumber.text, MailNumber.sequence))}
        names = ("fsync", "full_page_writes", "synchronous_commit")
        settings = {name: str(connection.execute(text(f"SHOW {name}")).scalar()) for name in names}
    engine.dispose()
    return there, settings


@contextmanager
def run() -> Iterator[None]:
    """Run with a folder for private servers, which are stopped at the end."""
    folder, handle = open_run()
    try:
        yield
    finally:
        close_run(folder, handle)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty database that may be filled; default: a private cluster")
    parser.add_argument("--processes", type=int, default=50)
    parser.add_argument("--letters", type=int, default=100, help="of each process")
    given = parser.parse_args()
    with ExitStack() as stack:
        stack.enter_context(run())
        url = given.url or stack.enter_context(postgres.durable()).url
        found = measure(url, given.processes, given.letters)
    print(json.dumps(found))
    return 1 if found["twice"] or found["missing"] or found["gaps"] else 0


if __name__ == "__main__":
    sys.exit(main())
