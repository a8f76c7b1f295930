"""A day's mix of a hundred people on 100,000 letters, on servers set for production, as JSON lines.

    make bench-load           python -m bench.load [--letters 100000] [--people 100] [--minutes 20] [--rate 15]

The demonstration ministry grows as in ``bench.pages``, on a durable PostgreSQL, with Redis and Elasticsearch. The site and
two workers run as a technician starts them. Locust plays the people in a process of its own, first as fast as the site
answers, then at a steady rate, for which they sign in one a second. The goals: no error; 40 requests a second; at 15 a
second a 95th percentile of 300 ms; and memory that stays flat (PSS of site and workers, from the second minute to the
end). People and servers share the machine.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench.pages import arrivals_in, grow, models, pages, past_of, places
from bench.relevance import tell
from bench.web import memory_mb
from demo.people import PASSWORD
from demo.stage import free_port, start
from ged.config import load_settings
from ged.figures import operations as figures_of_all
from tests.servers import close_run, elastic, open_run, postgres, redis
from web.wiring import settings_file
from web.wiring.services import build_services

PEOPLE = Path(__file__).with_name("_people.py")
MOST_MS, LEAST_PER_S, MOST_GROWTH = 300.0, 40.0, 1.1


def play(
    url: str, load: dict[str, object], *, people: int, seconds: float, folder: Path, come: int = 10
) -> dict[str, dict[str, str]]:  # fmt: skip
    """Let the people sign in, ``come`` each second, and work for ``seconds`` from the moment when all are there.

    A sign-in takes a fifth of a second of processor (the hash of a password does). So the queue that 100 people make who
    sign in within ten seconds is a test of its own, and the times of pages count without it.

    Returns:
        The rows of Locust's statistics by name; "Aggregated" is the whole.

    Raises:
        RuntimeError: Locust did not start.
    """
    words = [
        "-f", str(PEOPLE), "--headless", "--host", url, "-u", str(people), "-r", str(come), "-t", f"{people / come + seconds:.0f}s", "--reset-stats",
        "--csv", str(folder / "load"), "--only-summary",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "locust", *words], env={**os.environ, "GED_LOAD": json.dumps(load), "PYTHONPATH": str(PEOPLE.parents[1])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    table = folder / "load_stats.csv"
    if not table.exists():
        raise RuntimeError(done.stderr[-2000:])
    with table.open(encoding="utf-8") as rows:
        return {row["Name"]: row for row in csv.DictReader(rows)}


def figures(rows: dict[str, dict[str, str]], name: str) -> dict[str, float]:
    """Requests, failures, rate and times of a row."""
    row = rows[name]
    return {
        "requests": int(row["Request Count"]), "failures": int(row["Failure Count"]), "per_s": round(float(row["Requests/s"]), 1),
        "p50_ms": float(row["50%"]), "p95_ms": float(row["95%"]), "p99_ms": float(row["99%"]),
    }  # fmt: skip


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=int(os.environ.get("GED_BENCH_LETTERS", "100000")))
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("GED_BENCH_MINUTES", "20")))
    parser.add_argument("--rate", type=float, default=15.0)
    given = parser.parse_args()
    with ExitStack() as stack:
        stack.callback(close_run, *open_run())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(postgres.durable())
        extra = {
            "GED_DATABASE_URL": cluster.url, "GED_REDIS_URL": redis.server().url, "GED_ELASTICSEARCH_URL": elastic.server().url,
        }  # fmt: skip
        data = folder / "data"
        arrivals = arrivals_in(data, extra)
        services = build_services(load_settings(settings_file.file_of(data)))
        grow(services.engine, models(services.engine, arrivals), past_of(services.engine), given.letters)
        figures_of_all.rebuild(
            services, now=datetime.now(UTC)
        )  # once in the life of an installation, not on the day measured
        addresses: dict[str, list[str]] = {}
        for account, address in pages(places(services, arrivals)):
            addresses.setdefault(account, []).append(address)
        services.engine.dispose()
        (data / "prepared.json").unlink()  # the address of the site is another one now
        stage = start(data, bind=f"127.0.0.1:{free_port()}", say=lambda _line: None, extra=extra, workers=2)
        stack.callback(stage.processes.stop)

        def memory() -> float:
            return sum(memory_mb(one.pid) for name, one in stage.processes.running.items() if name != "bridge")

        load: dict[str, object] = {"password": PASSWORD, "pages": addresses, "pace_s": 0}
        play(stage.url, load, people=given.people, seconds=60, folder=folder)  # warm
        before = memory()
        rows = play(stage.url, load, people=given.people, seconds=given.minutes * 30, folder=folder)
        whole = figures(rows, "Aggregated")
        tell(
            bench="load", what="as fast as it answers", people=given.people, letters=given.letters, **whole,
            is_met=whole["failures"] == 0 and whole["per_s"] >= LEAST_PER_S,
        )  # fmt: skip
        steady = load | {"pace_s": max(0.0, given.people / given.rate - 0.1)}
        rows = play(stage.url, steady, people=given.people, seconds=given.minutes * 30, folder=folder, come=1)
        whole = figures(rows, "Aggregated")
        tell(
            bench="load", what=f"{given.rate:g} a second", people=given.people, letters=given.letters, **whole,
            is_met=whole["failures"] == 0 and whole["p95_ms"] <= MOST_MS,
        )  # fmt: skip
        for name in ("page", "register", "search"):
            tell(bench="load", what=name, **figures(rows, name))
        time.sleep(5)
        after = memory()
        tell(
            bench="load", what="memory", before_mb=round(before), after_mb=round(after), ratio=round(after / before, 2),
            is_met=after / before <= MOST_GROWTH,
        )  # fmt: skip


if __name__ == "__main__":
    main()
