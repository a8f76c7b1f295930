"""What the site's main pages cost in a small and in a large archive, as JSON lines.

    python -m bench.pages [--sizes 10000 100000] [--turns 15] [--url URL]
    python -m bench.pages --numbers 1000000 [--url URL]

One archive of made letters grows from size to size; each page is asked for in this process and told with the processor
time of a turn (median of the turns), its queries, and the growth against the first size; up to 1.3 is well. The database
is SQLite; its work counts as ours. With ``--url`` it is an empty PostgreSQL database, whose work does not count.
``GED_BENCH_SIZES`` may say other sizes: ``1000,10000``.

``--numbers`` fills one register with that many letters by the database itself, and tells the time of its pages of 50
lines: the first, one in the middle, and the one at the end; up to 50 ms (median) is well.
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
from sqlalchemy import event, insert, text

from bench._house import House, fill, letters, make_house
from bench.relevance import tell
from ged.models import metadata
from ged.register.models import RegisterCounter
from tests.servers import close_run, open_run
from tests.site import open_site, sign_in

SIZES = os.environ.get("GED_BENCH_SIZES", "10000,100000")
TARGET = 1.3
MOST_MS = 50.0
CLERK, CHIEF, HEAD, ADMINISTRATOR = "agent", "sg", "dge", "admin"


def pages(house: House, size: int) -> list[tuple[str, str, str]]:
    """(name, account, address) of each page."""
    book = f"/registres/{house.register_id}"
    return [
        ("home of a clerk", CLERK, "/"),
        ("home of the authority", CHIEF, "/"),
        ("registers", CLERK, "/registres/"),
        ("register", CLERK, book),
        ("register, far page", CLERK, f"{book}?apres={size // 10}"),
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
    """The queries sent inside the block."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SET")):
            sent.append(statement)

    event.listen(house.services.engine, "before_cursor_execute", note)
    yield sent
    event.remove(house.services.engine, "before_cursor_execute", note)


def measure(house: House, client: FlaskClient, address: str, turns: int) -> tuple[float, int, int]:
    """CPU milliseconds (median), queries, and status of a page; the first turns are warm-up."""
    status = client.get(address).status_code
    with counted(house) as sent:
        client.get(address)
    spent = []
    for _ in range(turns):
        began = time.process_time()
        client.get(address)
        spent.append(time.process_time() - began)
    return statistics.median(spent) * 1000, len(sent), status


def multiply(house: House, count: int) -> None:
    """Copy one letter, with its number and its rights, by SQL."""
    (one,) = letters(house, 1, 7)
    fill(house, iter([one]), 1)
    engine = house.services.engine
    other = {
        "mails": {"id": "mails.id + n", "request_token": "NULL"},
        "mail_numbers": {
            "id": "mail_numbers.id + n", "mail_id": "mail_id + n", "sequence": "sequence + n",
            "text": "'P-' || n", "text_key": "'p-' || n",
        },
        "mail_access": {"mail_id": "mail_id + n"},
    }  # fmt: skip
    with engine.begin() as connection:
        for name, values in other.items():
            columns = [column.name for column in metadata.tables[name].columns]
            chosen = ", ".join(values.get(column, column) for column in columns)
            connection.execute(
                text(
                    f"INSERT INTO {name} ({', '.join(columns)}) WITH RECURSIVE steps(n) AS "
                    f"(SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < {count - 1}) SELECT {chosen} FROM {name}, steps"
                )
            )
        counter = insert(RegisterCounter).values(
            register_id=house.register_id, year=0, opening_sequence=0, opening_reason="", last_sequence=count
        )
        connection.execute(counter)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def million(house: House, folder: Path, count: int, turns: int) -> None:
    """The pages of one register with many numbers."""
    began = time.monotonic()
    multiply(house, count)
    tell(bench="fill", letters=count, seconds=round(time.monotonic() - began, 1))
    client = sign_in(open_site(folder, house.services), CLERK)
    book = f"/registres/{house.register_id}"
    places = {"first": book, "middle": f"{book}?apres={count // 2}", "last": f"{book}?apres=51"}
    for name, address in places.items():
        client.get(address)
        took = []
        for _ in range(turns):
            at = time.perf_counter()
            answer = client.get(address)
            took.append((time.perf_counter() - at) * 1000)
        median = statistics.median(took)
        tell(
            bench="pages", page=f"register, {name} page", numbers=count, rows=answer.text.count('class="entry'),
            database=house.services.engine.dialect.name, median_ms=round(median, 1), most_ms=round(max(took), 1),
            target_ms=MOST_MS, is_met=median <= MOST_MS,
        )  # fmt: skip


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[int(one) for one in SIZES.split(",")])
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--url", default="")
    parser.add_argument("--numbers", type=int, default=0)
    given = parser.parse_args()
    with ExitStack() as stack:
        stack.callback(close_run, *open_run())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = make_house(folder, database_url=given.url)
        stack.callback(house.services.engine.dispose)
        if given.numbers:
            million(house, folder, given.numbers, given.turns)
            return
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
