"""How fast ``ged move`` copies and compares rows: letters with number and rights, in PostgreSQL that writes to its disk, as JSON lines.

    python -m bench.move [--letters 100000] [--seed N]

Part of ``docs/operate/move.md``. The files and the index are measured elsewhere (``bench.store``, ``bench.search``).
"""

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path

from sqlalchemy import select

from bench import _house
from bench.relevance import tell
from ged.db import make_engine
from ged.moving import comparing, copying, fitness, sequences
from tests.servers import close_run, open_run, postgres
from tests.site import make_settings
from web.processes.migrate import finish_database


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    run, handle = open_run()
    try:
        with tempfile.TemporaryDirectory(prefix="ged-bench-move-") as folder, postgres.durable() as cluster:
            _measure(Path(folder), cluster.url, given)
    finally:
        close_run(run, handle)


def _measure(folder: Path, url: str, given: argparse.Namespace) -> None:
    house = _house.make_house(folder)
    made = _house.letters(house, given.letters, given.seed)
    while piece := list(islice(made, _house.PIECE)):
        _house.into_sql(house, piece)
    house.services.engine.dispose()
    source, target = make_engine(f"sqlite:///{folder / 'ged.sqlite3'}"), make_engine(url)
    finish_database(make_settings(folder, database_url=url))
    with target.begin() as there:
        copying.forget_made(there)
    began = time.monotonic()
    unfit = len(list(fitness.unfit(folder / "ged.sqlite3")))
    fit_s = time.monotonic() - began
    with source.connect() as own:
        own.execute(select(1))
        began = time.monotonic()
        rows = copying.copy_rows(own, target, progress=lambda _what, _count: None)
        sequences.count_on(target, sequences.given(own))
        copy_s = time.monotonic() - began
        with target.connect() as there:
            began = time.monotonic()
            found = comparing.compare(own, there, progress=lambda _what, _count: None)
            compare_s = time.monotonic() - began
    tell(
        bench="move", letters=given.letters, rows=rows, unfit=unfit, differing=found.differing, fit_s=round(fit_s, 1),
        copy_s=round(copy_s, 1), compare_s=round(compare_s, 1), copied_per_s=round(rows / copy_s),
        compared_per_s=round(rows / compare_s),
    )  # fmt: skip
    source.dispose()
    target.dispose()


if __name__ == "__main__":
    main()
