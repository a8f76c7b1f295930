"""Letters a second of ``ged import``, from the first line until every letter can be found, as JSON lines.

    python -m bench.takeover [--file LETTERS.jsonl] [--letters 10000] [--servers] [--encrypted] [--rounds 1]

Without ``--file`` the letters are made: 60 to 180 words each. The letters go into a register of the nature archive of a new
installation: SQLite, files and the embedded index; with ``--servers`` PostgreSQL with the settings of production, and
Elasticsearch. The command runs alone, as on a machine that has no worker for the archive.

Each line says the letters, the seconds by the clock, the seconds of processor of the command and of its children (those of the
servers are not in it), letters a second, and the kB of disk a letter: of the database, of the files and of the embedded index. Each is
told twice: with the empty installation, and what the letters add to it (``added``).
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench import index_bulk
from bench.relevance import tell
from ged.adapters.keyring import Keyring
from ged.db import give_back_log
from ged.register.models import Direction, Register, RegisterNature
from ged.unit import Services
from tests.factories import NOW, SECRET, make_organisation, make_services
from tests.routing_kit import unit_id
from tests.servers import close_run, elastic, open_run, postgres
from tests.site import make_settings
from web.processes.migrate import migrate_database

GED = str(Path(sys.executable).with_name("ged"))
FIRST_DAY = date(2015, 1, 5)


def made_letters(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Lines of an archive: a number, a day, a subject, one of 500 senders, a text."""
    source = random.Random(seed)
    for number, one in enumerate(index_bulk.letters(count, seed), start=1):
        yield {
            "id": f"A{number}", "number": f"{number:05d}/2015", "subject": one.subject,
            "registered_on": str(FIRST_DAY + timedelta(days=number // 40)), "sender": f"Préfecture {source.randint(1, 500)}",
            "text": one.pages[0].text,
        }  # fmt: skip


def lines_of(given: argparse.Namespace) -> Iterator[bytes]:
    """The lines to import."""
    if given.file is None:
        for one in made_letters(given.letters, given.seed):
            yield json.dumps(one, ensure_ascii=False).encode() + b"\n"
        return
    with given.file.open("rb") as lines:
        yield from islice(lines, given.letters)


def on_disk(folder: Path) -> int:
    """Bytes of the disk that a folder takes, with its own blocks."""
    return sum(one.lstat().st_blocks * 512 for one in (folder, *folder.rglob("*")))


def sizes_of(services: Services, data: Path) -> dict[str, int]:
    """Bytes of the database, of the files and of the embedded index."""
    if services.engine.dialect.name == "sqlite":
        database = sum(one.stat().st_blocks * 512 for one in data.glob("ged.sqlite3*"))
    else:
        with services.engine.connect() as connection:
            database = int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    return {"database": database, "files": on_disk(data / "blobs"), "index": on_disk(data / "index")}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--letters", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--servers", action="store_true")
    parser.add_argument("--encrypted", action="store_true", help="with a keyring")
    parser.add_argument("--profile", type=Path, help="write the profile of the command there")
    given = parser.parse_args()
    with ExitStack() as stack:
        stack.callback(close_run, *open_run())
        for _ in range(given.rounds):
            with tempfile.TemporaryDirectory(prefix="ged-bench-") as folder:
                one_round(given, Path(folder), stack)


def one_round(given: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    """Import into a new installation, and print its line."""
    settings: dict[str, str] = {}
    if given.servers:
        cluster = stack.enter_context(postgres.durable())
        settings["GED_DATABASE_URL"] = postgres.create_database(cluster.url, "ged_bench")
        settings["GED_ELASTICSEARCH_URL"] = elastic.server().url
        settings["GED_REDIS_URL"] = (
            "redis://127.0.0.1:1"  # nothing is sent there: the jobs of an archive wait in the table
        )
    data = folder / "data"
    data.mkdir()
    database_url = settings.get("GED_DATABASE_URL", "")
    migrate_database(make_settings(data, database_url=database_url))
    services = make_services(data, url=database_url or None, create=False)
    make_organisation(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Register(
                code="PAPIER", name="Livres", unit_id=unit_id(services, "BO"), direction=Direction.INCOMING,
                nature=RegisterNature.ARCHIVE, pattern="P-{seq:05d}",
            )
        )  # fmt: skip
    services.index.close()  # type: ignore[attr-defined]
    letters = folder / "letters.jsonl"
    letters.write_bytes(b"".join(lines_of(given)))
    environment = {
        **os.environ, **settings, "GED_ENV_FILE": str(folder / "none"), "GED_DATA_DIR": str(data), "GED_SECRET": SECRET,
    }  # fmt: skip
    if given.encrypted:
        environment["GED_KEYRING"] = str(folder / "keyring")
        Keyring(folder / "keyring", services.engine if given.servers else None).prepare()
    program = [sys.executable, "-m", "cProfile", "-o", str(given.profile), GED] if given.profile else [GED]
    give_back_log(services.engine)
    empty = sizes_of(services, data)
    before = os.times()
    began = time.monotonic()
    done = subprocess.run(
        [*program, "import", str(letters), "--into", "PAPIER", "--json"], env=environment, stdout=subprocess.PIPE, check=False
    )  # fmt: skip
    seconds, after = time.monotonic() - began, os.times()
    figures = json.loads(done.stdout.splitlines()[-1])
    if figures["index_jobs_waiting"] or done.returncode:
        raise RuntimeError(f"not taken over as it should be: {figures}")
    taken = figures["taken"]
    sizes = sizes_of(services, data)
    added = {name: size - empty[name] for name, size in sizes.items()}
    services.engine.dispose()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    tell(
        bench="takeover", database="postgresql" if given.servers else "sqlite", encrypted=given.encrypted, letters=taken,
        seconds=round(seconds, 1), processor_s=round(processor, 1), per_second=round(taken / seconds),
        processor_ms_a_letter=round(processor * 1000 / taken, 2),
        kb_a_letter=round(sum(sizes.values()) / taken / 1000, 2),
        kb={name: round(size / taken / 1000, 2) for name, size in sizes.items()},
        added_kb_a_letter=round(sum(added.values()) / taken / 1000, 2),
        added_kb={name: round(size / taken / 1000, 2) for name, size in added.items()},
    )  # fmt: skip


if __name__ == "__main__":
    main()
