"""The served site under a ministry's load, as JSON lines: pages beside waiting bridges, and memory over heavy requests.

    make bench-web            python -m bench.web [--letters 100000] [--bridges 200] [--people 20] [--seconds 20] [--heavy 1000]

Twenty people open pages at once: first alone, then beside two hundred bridges that wait for orders, and again in turn.
The figure is the ratio of the 95th percentiles. Then lines of a register are printed many times. The memory of all
processes of the site (PSS, with child processes) is compared with that after the first twenty prints. The environment
variables ``GED_BENCH_LETTERS`` and ``GED_BENCH_HEAVY`` reduce the numbers.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from multiprocessing.synchronize import Event
from pathlib import Path

from bench._house import House, Site, ask, fill, letters, make_house, served
from bench.relevance import tell
from ged.capture import bridges
from tests.factories import actor

ACCOUNT = "agent"
TARGET = 1.2
ROUNDS = 3
WARM = 20
LINES = 700
"""Lines of a print: more than ``ged.typeset.HEAVY_BYTES``, but too few to need a job."""
AT_ONCE = 4


def pair(house: House, count: int) -> list[str]:
    """Pair ``count`` bridges at the mail office. Returns their tokens."""
    now, clerk = datetime.now(UTC), actor(house.services, ACCOUNT)
    tokens = []
    for number in range(count):
        with house.services.unit_of_work(now) as uow:
            code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=now)
            tokens.append(bridges.pair(uow, code, f"Guichet {number}", now=now)[0])
    return tokens


def wait_for_orders(port: int, tokens: Sequence[str], end: Event) -> None:
    """A process of idle bridges: each one polls, waits for the response, and pauses as long as the response says."""
    threads = [
        threading.Thread(target=_wait_one, args=(port, token, number, end), daemon=True)
        for number, token in enumerate(tokens)
    ]
    for thread in threads:
        thread.start()
    end.wait()


def _wait_one(port: int, token: str, number: int, end: Event) -> None:
    # Each bridge has its own address, as real machines do: the site limits the connections of one address.
    link = HTTPConnection(
        "127.0.0.1", port, timeout=60, source_address=(f"127.0.{1 + number // 250}.{1 + number % 250}", 0)
    )
    while not end.is_set():
        try:
            link.request("GET", "/api/bridge/order?wait_s=25", headers={"Authorization": f"Bearer {token}"})
            answer = link.getresponse()
            answer.read()
        except (HTTPException, OSError):  # the site closes idle connections; the real agent reconnects too
            link.close()
            end.wait(0.5)
            continue
        end.wait(float(answer.headers.get("Retry-After") or 0.5))


def turn_pages(site: Site, paths: Sequence[str], people: int, seconds: float) -> list[float]:
    """Seconds of each page, with ``people`` concurrent users."""
    until = time.monotonic() + seconds

    def one(start: int) -> list[float]:
        spent, turn = [], start
        while time.monotonic() < until:
            began = time.monotonic()
            ask(site.port, paths[turn % len(paths)], cookie=site.cookie)
            spent.append(time.monotonic() - began)
            turn += 1
        return spent

    with ThreadPoolExecutor(people) as pool:
        return [one_s for found in pool.map(one, range(people)) for one_s in found]


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[18]


def beside_bridges(house: House, site: Site, tokens: Sequence[str], people: int, seconds: float) -> None:
    """Pages alone and beside the bridges, in turns."""
    book = house.register_id
    paths = (
        "/",
        "/registres/",
        f"/registres/{book}",
        f"/registres/{book}?numero=7",
        "/enregistrer/",
        "/recherche/?q=marche",
    )
    turn_pages(site, paths, people, 2)
    alone: list[float] = []
    beside: list[float] = []
    context = multiprocessing.get_context("spawn")
    for _ in range(ROUNDS):
        alone += turn_pages(site, paths, people, seconds / ROUNDS)
        end = context.Event()
        process = context.Process(target=wait_for_orders, args=(site.port, tokens, end))
        process.start()
        time.sleep(6)  # all wait
        beside += turn_pages(site, paths, people, seconds / ROUNDS)
        end.set()
        process.join(20)
        process.kill()
    tell(
        bench="web", what="pages", bridges=len(tokens), people=people, pages_alone=len(alone), pages_beside=len(beside),
        p50_alone_ms=round(statistics.median(alone) * 1000), p95_alone_ms=round(p95(alone) * 1000),
        p50_beside_ms=round(statistics.median(beside) * 1000), p95_beside_ms=round(p95(beside) * 1000),
        ratio=round(p95(beside) / p95(alone), 2), target=TARGET,
    )  # fmt: skip


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found


def memory_mb(pid: int) -> float:
    """Memory of a process and its descendants; shared memory counts once."""
    total = 0
    for one in _family(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


def print_again(house: House, site: Site, count: int, *, letters: int) -> None:
    """Memory before and after ``count`` prints of a register, in MB."""

    def print_one(turn: int) -> int:
        first = 1 + turn * 7 % max(
            1, letters - LINES
        )  # other lines each time: prints that were made before are cached and cost nothing
        lines = f"premier={first}&dernier={first + LINES - 1}"
        return _printed(site, f"/registres/{house.register_id}/pages.pdf?annee=0&{lines}")

    pool = ThreadPoolExecutor(AT_ONCE)
    list(pool.map(print_one, range(WARM)))
    before, began = memory_mb(site.pid), time.monotonic()
    busy = sum(pool.map(print_one, range(WARM, WARM + count)))
    after = memory_mb(site.pid)
    pool.shutdown()
    tell(
        bench="web", what="memory", prints=count, lines=LINES, told_to_wait=busy,
        prints_per_s=round(count / (time.monotonic() - began), 1),
        before_mb=round(before), after_mb=round(after), ratio=round(after / before, 2), target=TARGET,
    )  # fmt: skip


def _printed(site: Site, path: str) -> int:
    """Fetch a print; returns how often the site was busy (503)."""
    link = HTTPConnection("127.0.0.1", site.port, timeout=120)
    for again in range(100):
        link.request("GET", path, headers={"Cookie": site.cookie})
        answer = link.getresponse()
        body = answer.read()
        if answer.status == 200 and body.startswith(b"%PDF"):
            link.close()
            return again
        if answer.status != 503:
            raise RuntimeError(f"{path}: {answer.status}")
        time.sleep(1)
    raise RuntimeError(f"{path}: always busy")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=int(os.environ.get("GED_BENCH_LETTERS", "100000")))
    parser.add_argument("--heavy", type=int, default=int(os.environ.get("GED_BENCH_HEAVY", "1000")))
    parser.add_argument("--bridges", type=int, default=200)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = make_house(folder)
        stack.callback(house.services.engine.dispose)
        fill(house, letters(house, given.letters, 7), given.letters)
        tokens = pair(house, given.bridges)
        site = stack.enter_context(served(house, ACCOUNT))
        tell(
            bench="web",
            what="site",
            letters=given.letters,
            processes=len(_family(site.pid)) - 1,
            memory_mb=round(memory_mb(site.pid)),
        )
        if given.bridges:
            beside_bridges(house, site, tokens, given.people, given.seconds)
        if given.heavy:
            print_again(house, site, given.heavy, letters=given.letters)


if __name__ == "__main__":
    main()
