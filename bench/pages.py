"""What the site's main pages cost in a small and in a large archive, as JSON lines.

    python -m bench.pages [--sizes 10000 100000] [--turns 15] [--url URL]

One archive of made letters grows from size to size; each page is asked for in this process and told with the processor
time of a turn (median of the turns), its queries, and the growth against the first size; up to 1.3 is well. The database
is SQLite; its work counts as ours. With ``--url`` it is an empty PostgreSQL database, whose work does not count.
``GED_BENCH_SIZES`` may say other sizes: ``1000,10000``.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import event

from bench._house import House, fill, letters, make_house
from bench.relevance import tell
from tests.servers import close_run, open_run
from tests.site import open_site, sign_in

SIZES = os.environ.get("GED_BENCH_SIZES", "10000,100000")
TARGET = 1.3
CLERK, CHIEF, HEAD, ADMINISTRATOR = "agent", "sg", "dge", "admin"


def pages(house: House, size: int) -> list[tuple[str, str, str]]:
    """(name, account, address) of each page."""
    book = f"/registres/{house.register_id}"
    return [
        ("home of a clerk", CLERK, "/"),
        ("home of the authority", CHIEF, "/"),
        ("registers", CLERK, "/registres/"),
        ("register", CLERK, book),
        ("register, far page", CLERK, f"{book}?offset={size * 9 // 10}"),
        ("register, one number", CLERK, f"{book}?numero=7"),
        ("registration form", CLERK, "/enregistrer/"),
        ("correspondents", CLERK, "/correspondants/"),
        ("slips", CLERK, "/bordereaux/"),
        ("departures", CLERK, "/departs/"),
        ("queue of imputation", CHIEF, "/a-imputer"),
        ("inbox", HEAD, "/bannette/"),
        ("letter", HEAD, "/courriers/7"),
        ("journal", ADMINISTRATOR, "/administration/journal"),
    ]


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    """The queries sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SET")):
            sent.append(statement)

    event.listen(house.services.engine, "before_cursor_execute", note)
    yield sent
    event.remove(house.services.engine, "before_cursor_execute", note)


def measure(house: House, client: FlaskClient, address: str, turns: int) -> tuple[float, int, int]:
    """Milliseconds of processor (median), queries, and status of a page; the first turns warm it up."""
    status = client.get(address).status_code
    with counted(house) as sent:
        client.get(address)
    spent = []
    for _ in range(turns):
        began = time.process_time()
        client.get(address)
        spent.append(time.process_time() - began)
    return statistics.median(spent) * 1000, len(sent), status


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[int(one) for one in SIZES.split(",")])
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--url", default="")
    given = parser.parse_args()
    with ExitStack() as stack:
        stack.callback(close_run, *open_run())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = make_house(folder, database_url=given.url)
        stack.callback(house.services.engine.dispose)
        made = letters(house, max(given.sizes), 7)
        first: dict[str, float] = {}
        so_far = 0
        for size in sorted(given.sizes):
            fill(house, made, size - so_far)
            so_far = size
            app = open_site(folder, house.services)
            clients = {account: sign_in(app, account) for account in (CLERK, CHIEF, HEAD, ADMINISTRATOR)}
            for name, account, address in pages(house, size):
                cpu_ms, queries, status = measure(house, clients[account], address, given.turns)
                before = first.setdefault(name, cpu_ms)
                tell(
                    bench="pages", page=name, letters=size, cpu_ms=round(cpu_ms, 1), growth=round(cpu_ms / before, 2),
                    queries=queries, status=status, target=TARGET,
                )  # fmt: skip


if __name__ == "__main__":
    main()
