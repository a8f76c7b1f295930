"""The cost of each page of the site in a small and in a large archive, as JSON lines.

    python -m bench.pages [--letters 10000 1000000] [--turns 40] [--servers] [--url URL] [--data FOLDER] [--only TEXT ...] [--profile] [--sleepy]

The demonstration ministry does its main job. Then the database copies its letters with all their rows. Copies of
finished letters are the past of five years, of 60 further units, on each working day, with thousands of cells of the figures
(``bench._varied``); at each size, 700 copies of open ones wait in the queues, and 4,000 with the further units. This process
requests each page as a person who works with it. A line has the time until the page is complete (median and 95th
percentile of the turns, with the database), the time of this process alone, the queries, the bytes, and the growth of
the median since the first size. The goal is 50 ms and a growth of 1.5. All pages are requested
in turn: a second in which the machine does something else is then in one turn of many pages, and not in all turns of
one. The last line has the turns of all pages. The two sizes are measured many minutes apart, and
a virtual processor may be half as quick then. So a fixed calculation is timed beside each turn, and a page is
counted in such calculations before its growth is told.

The database is SQLite. With ``--servers`` the installation has the shape of servers: PostgreSQL, Redis and Elasticsearch
are private ones of this run, as those of the tests. ``--url`` names an empty PostgreSQL database to use instead of the
private one. With ``--data`` the installation stays in a folder; the next run with this folder measures it again, or grows
it further. On PostgreSQL this needs ``--url``, because the private database ends with the run. ``--only`` measures the pages whose account and address
contain one of the texts. ``--profile`` writes the functions that take the time of each page to standard error. The search is
measured by ``bench.search``. The processors are kept awake (``bench._awake`` says why); ``--sleepy`` lets them halt.
"""

import argparse
import cProfile
import json
import os
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event, func, select, text

from bench._awake import processors_awake
from bench._past import Rows, Varied, copy, rows_of
from bench._percentiles import percentile_95
from bench._varied import Story, add_rounds, add_scans, house_of, story_of, traits
from bench.relevance import tell
from demo import stage
from demo.installation import add_settings
from demo.journey import Journey
from demo.people import PASSWORD
from ged.config import load_settings
from ged.figures import operations as figures
from ged.figures.models import FigureCell, FigureFlow, FigureHour, FigureKey, FigureRound
from ged.register.models import Mail, MailNumber
from ged.routing.models import Assignment
from ged.unit import Services
from tests.servers import close_run, elastic, open_run, postgres, redis
from tests.site import open_site, sign_in
from web.processes import memory
from web.wiring import settings_file
from web.wiring.services import build_services

SIZES = os.environ.get("GED_BENCH_SIZES", "10000,1000000")
MOST_MS, MOST_GROWTH = 50.0, 1.5
CLERK, AUTHORITY, SECRETARY, HEAD, OFFICER = "bo.agent", "sg", "sg.secretariat", "dge.chef", "dge.etudes"
ADMINISTRATOR, AUDITOR = "admin", "auditeur"
TO_IMPUTE, IN_INBOX, WITH_OFFICER = 400, 200, 100
WITH_OTHERS = 2000
"""Open letters of the further units: so many with directions, and so many with services."""
DIRECTION, SERVICE = "DGE", "DGE-ETUDES"
"""The units of the demonstration that the further ones stand for."""
ANSWERED_SHARE = 10
"""One of this number of past cases is a letter with its answer; the others were closed without one."""


@dataclass(frozen=True)
class Models:
    """For each kind of letter, the rows of one and its days, as the demonstration left them."""

    answered: tuple[Rows, Story]
    closed: tuple[Rows, Story]
    to_impute: tuple[Rows, Story]
    in_inbox: tuple[Rows, Story]
    with_officer: tuple[Rows, Story]


@dataclass(frozen=True)
class Places:
    """The rows that pages with an id are requested for."""

    letter: int
    answer: int
    assignment: int
    slip: int
    register: int
    correspondent: int
    far: int


def shape_of_servers(url: str) -> dict[str, str]:
    """Settings that name this run's Redis and Elasticsearch, and the database: this run's own when ``url`` is empty.

    Raises:
        Unavailable: one of the servers is not installed.
    """
    return {
        "GED_DATABASE_URL": url or postgres.create_database(postgres.server().url, "ged_bench"),
        "GED_UNSAFE_DATABASE": "for-tests",
        "GED_REDIS_URL": redis.server().url,
        "GED_ELASTICSEARCH_URL": elastic.server().url,
    }


def arrivals_in(data: Path, extra: dict[str, str]) -> list[int]:
    """The arrivals of the demonstration, the answered one first; it is played when the folder holds none.

    Args:
        extra: settings of the installation. A kept one gets those of this run's servers.
    """
    kept = data.parent / "arrivals.json"
    if kept.exists():
        add_settings(settings_file.file_of(data), extra)
    else:
        kept.write_text(json.dumps(play(data, extra)))
    return [int(one) for one in json.loads(kept.read_text())]


def play(data: Path, extra: dict[str, str]) -> list[int]:
    """Do the demonstration's main job in a new installation. Returns the arrivals, the answered one first."""
    running = stage.start(
        data, bind=f"127.0.0.1:{stage.free_port()}", say=_hush, extra=extra, workers=2 if extra else 1
    )
    try:
        journey = Journey(running, say=_hush, start_bridge=lambda: stage.start_bridge(running), letters=5)
        arrivals = journey.run().letters
        for one in arrivals[1:3]:
            journey.decide(one)
        journey.close(arrivals[1])
        journey.impute(arrivals[3])
        journey.leave()
    finally:
        running.processes.stop()
    return [int(one.mail_id) for one in arrivals]


def _hush(_line: str) -> None:
    """The demonstration's own lines are not figures: do not print them."""


def models(engine: Engine, arrivals: list[int]) -> Models:
    """The letters to copy."""
    with engine.connect() as connection:
        answer = connection.scalar(select(func.min(Mail.id)).where(Mail.id.not_in(arrivals)))
        answered, closed, officer, inbox, impute = arrivals[:5]
        mails: list[list[int]] = [[answered, answer or 0], [closed], [impute], [inbox], [officer]]
        found = [rows_of(connection, ids) for ids in mails]
        return Models(*((rows, story_of(connection, rows)) for rows in found))


def grow(engine: Engine, chosen: Models, before: int, letters: int) -> None:
    """Add past letters from ``before`` to ``letters``. The first call also adds the open ones."""
    began = time.monotonic()
    with engine.begin() as connection:
        house = house_of(connection, direction=DIRECTION, service=SERVICE)
        varied = traits(connection, house)
    with _without_foreign_keys(engine) as connection:
        made = _drop_indexes(connection)

        def add(of: tuple[Rows, Story], varied: Varied, kind: int, first: int, count: int) -> None:
            rows, story = of
            copy(connection, rows, story, varied=varied, kind=kind, first=first, count=count)

        if not before:
            add(chosen.to_impute, {}, 0, 1, TO_IMPUTE)
            add(chosen.in_inbox, {}, 1, 1, IN_INBOX)
            add(chosen.with_officer, {}, 2, 1, WITH_OFFICER)
            add(chosen.in_inbox, varied, 5, 1, WITH_OTHERS)
            add(chosen.with_officer, varied, 6, 1, WITH_OTHERS)
        # An answered case is two letters.
        old, new = (size // (ANSWERED_SHARE + 1) for size in (before, letters))
        add(chosen.answered, varied, 3, old + 1, new - old)
        shut = ANSWERED_SHARE - 1
        first, count = old * shut + 1, (new - old) * shut
        add(chosen.closed, varied, 4, first, count)
        add_rounds(connection, house, chosen.closed[0]["assignments"], kind=4, first=first, count=count)
        for statement in made:
            connection.execute(text(statement))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # the rebuild of the figures follows at once
            connection.execute(text("ANALYZE"))
        held = connection.scalar(select(func.count()).select_from(Mail))
    tell(bench="past", letters=held, seconds=round(time.monotonic() - began, 1))


@contextmanager
def _without_foreign_keys(engine: Engine) -> Iterator[Connection]:
    """A transaction that checks no foreign key: a number and its slip refer to each other, so one of them is copied first.

    SQLite could check them at the end. Then it looks for rows that refer to each new one, in tables without their indexes.
    """
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if engine.dialect.name == "sqlite":
            driver.execute("PRAGMA foreign_keys=OFF")  # has an effect only outside of a transaction
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL session_replication_role=replica"))
            yield connection
        if engine.dialect.name == "sqlite":
            driver.execute("PRAGMA foreign_keys=ON")


INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
}
"""The name of each index that no key or constraint needs, and how to make it."""
ROOM = {"sqlite": "PRAGMA cache_size=-2000000", "postgresql": "SET LOCAL maintenance_work_mem = '1GB'"}
"""Memory for the copying (SQLite's usual 2 MB are written again and again) and for making the indexes (PostgreSQL)."""


def _drop_indexes(connection: Connection) -> list[str]:
    """Drop the indexes: to sort millions of keys at once takes a fraction of the time. Returns how to make them."""
    connection.execute(text(ROOM[connection.dialect.name]))
    found = connection.execute(text(INDEXES[connection.dialect.name]))
    indexes = [(str(name), str(statement)) for name, statement in found]
    for name, _ in indexes:
        connection.execute(text(f'DROP INDEX "{name}"'))
    return [statement for _, statement in indexes]


FIGURES = ("figure_cells", "figure_delays", "figure_flows", "figure_hours")


def settle(engine: Engine) -> None:
    """Bring PostgreSQL to where five years of work would have brought it: the figures of a day beside each other, and statistics.

    A rebuild writes the figures in the order of the letters. SQLite never has statistics: the program makes none there.
    """
    if engine.dialect.name != "postgresql":
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in FIGURES:
            connection.execute(text(f"CLUSTER {table} USING pk_{table}"))
        connection.execute(text("VACUUM ANALYZE"))


def past_of(engine: Engine) -> int:
    """How many letters the past of a kept installation holds; 0: it has not grown yet."""
    with engine.connect() as connection:
        held = connection.scalar(select(func.count()).select_from(Mail)) or 0
    return round(max(0, held - TO_IMPUTE - IN_INBOX - WITH_OFFICER - 2 * WITH_OTHERS), -3)


def counted_figures(engine: Engine) -> dict[str, int]:
    """How many rows the figures have: keys, cells, hours, flows, letters that go round."""
    kinds = {"keys": FigureKey, "cells": FigureCell, "hours": FigureHour, "flows": FigureFlow, "rounds": FigureRound}
    with engine.connect() as connection:
        return {name: connection.scalar(select(func.count()).select_from(kind)) or 0 for name, kind in kinds.items()}


def places(services: Services, arrivals: list[int]) -> Places:
    """The rows that pages with an id are requested for."""
    with services.engine.connect() as connection:
        answer = connection.scalar(select(func.min(Mail.id)).where(Mail.id.not_in(arrivals))) or 0
        number = connection.execute(
            select(MailNumber.register_id, MailNumber.id).where(MailNumber.mail_id == arrivals[0])
        ).first()
        assert number is not None
        last = connection.scalar(
            select(func.max(MailNumber.sequence)).where(MailNumber.register_id == number.register_id)
        )
        task = connection.scalar(select(func.max(Assignment.id)).where(Assignment.mail_id == arrivals[2]))
        sender = connection.scalar(select(Mail.sender_id).where(Mail.id == arrivals[0]))
    return Places(arrivals[0], answer, task or 0, 1, number.register_id, sender or 0, (last or 0) // 2)


def pages(at: Places) -> list[tuple[str, str]]:
    """(account, address) of each page."""
    book = f"/registres/{at.register}"
    by_account = {
        CLERK: [
            "/", "/enregistrer/", "/enregistrer/depart", "/enregistrer/note-de-service", "/enregistrer/expediteurs?q=com",
            "/enregistrer/doublons?sender=CEET&subject=Rapport", "/numerisations/", "/numerisations/postes", "/registres/",
            "/registres/secours", book, f"{book}?apres={at.far}", f"{book}?apres=51", f"{book}?numero=7", f"{book}/clotures", "/correspondants/",
            f"/correspondants/{at.correspondent}", f"/correspondants/{at.correspondent}/courriers", "/bordereaux/",
            f"/bordereaux/{at.slip}", "/bordereaux/nouveau", "/bordereaux/cahier", "/a-transmettre/", "/a-confirmer/",
            "/departs/", f"/departs/{at.answer}", "/departs/cahier", "/departs/tournee/", "/plis/",
            f"/courriers/{at.letter}", f"/courriers/{at.letter}/rectifier", "/matin/",
        ],
        AUTHORITY: ["/", "/a-imputer", f"/a-imputer/{at.letter + 4}", "/parapheur/", "/suivi/", f"/courriers/{at.letter}", "/matin/",
            "/tableau/", "/tableau/?vue=attente", "/tableau/?periode=12mois&vue=delais", "/supervision/", "/supervision/?vue=natures",
            "/supervision/?periode=12mois", "/supervision/?vue=mois", "/tableau/courriers?quoi=received&periode=12mois",
            "/tableau/chiffres?tableau=arrivals", "/tableau/?vue=prevision", "/supervision/?vue=prevision",
            "/supervision/?periode=12mois&vue=circulation", "/supervision/?vue=correspondants", "/supervision/?vue=expediteurs", "/supervision/?periode=12mois&vue=expediteurs", "/tableau/courriers?quoi=round", "/tableau/?vue=charge", "/tableau/?periode=12mois&vue=charge",
            "/tableau/?vue=numerisation", "/tableau/?periode=12mois&vue=heures", "/supervision/?periode=12mois&vue=numerisation", "/supervision/?vue=bordereaux",
            "/supervision/?nature=demande&periode=12mois", "/tableau/?vue=delais&canal=hand&periode=12mois", "/supervision/?vue=natures&periode=12mois",
            "/supervision/?vue=bordereaux&periode=12mois", "/supervision/?vue=decharge", "/tableau/courriers?quoi=sent&periode=12mois", "/tableau/?vue=lecture", "/supervision/?periode=12mois&vue=lecture",
            "/tableau/?vue=expediteurs", "/supervision/?periode=12mois&vue=expediteurs",
        ],
        SECRETARY: ["/", "/a-imputer", "/bannette/"],
        HEAD: [
            "/", "/bannette/", "/bannette/?voir=termines", f"/bannette/{at.assignment - 1}", "/suivi/", "/questions", "/avis/", "/recherches/",
            f"/courriers/{at.letter}", f"/courriers/{at.letter}/notes", "/delegations/", "/absences/", "/matin/",
            "/tableau/", "/tableau/?vue=rythme", "/tableau/?periode=12mois", "/tableau/courriers?quoi=open", "/tableau/?vue=prevision", "/tableau/?vue=circulation", "/tableau/?vue=correspondants", "/tableau/?vue=expediteurs", "/tableau/?vue=charge",
        ],
        OFFICER: [
            "/", "/tableau/", "/bannette/", "/bannette/?voir=termines", f"/bannette/{at.assignment}", "/parapheur/", f"/projets/nouveau?repond={at.letter}",
            f"/courriers/{at.answer}",
        ],
        ADMINISTRATOR: [
            "/", "/administration/", "/administration/journal", "/administration/taches", "/administration/sessions",
            "/administration/messagerie/", "/administration/preuves/", "/administration/preuves/?groupe=en-cours", "/administration/modele-du-rapport/", "/matin/",
        ],
        AUDITOR: ["/", "/registres/", book, "/supervision/", "/supervision/?vue=attente", "/supervision/?vue=circulation"],
    }  # fmt: skip
    return [(account, address) for account, addresses in by_account.items() for address in addresses]


WARM = 12
"""A connection to PostgreSQL has its statements planned anew at first: the driver prepares one when it comes for the sixth
time, and the server decides on a lasting plan after five more. A process that has served for some minutes is past that, and
its connections keep all statements of the site (``ged.db.STATEMENTS_KEPT``)."""


CALCULATION = 40_000
"""Steps of the fixed calculation: half a millisecond where the processor is undisturbed."""


def calculation_ms() -> float:
    """Milliseconds that a fixed calculation takes now."""
    at = time.perf_counter()
    for _ in range(CALCULATION):
        pass
    return (time.perf_counter() - at) * 1000


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The queries sent inside the block."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SET")):
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@dataclass
class Watched:
    """A page, and the milliseconds of each of its turns: until it is complete, of the processor, and of the calculation."""

    account: str
    address: str
    client: FlaskClient
    queries: int = 0
    size: int = 0
    status: int = 0
    took: list[float] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)
    calculated: list[float] = field(default_factory=list)

    def warm(self, engine: Engine) -> None:
        """Request the page ``WARM`` times, of which the last tells its queries and bytes."""
        for _ in range(WARM - 1):
            self.client.get(self.address)
        with counted(engine) as sent:
            answer = self.client.get(self.address)
        self.queries, self.size, self.status = len(sent), len(answer.data), answer.status_code

    def turn(self) -> None:
        """Request the page once."""
        self.calculated.append(calculation_ms())
        at, cpu = time.perf_counter(), time.process_time()
        self.client.get(self.address)
        self.took.append((time.perf_counter() - at) * 1000)
        self.spent.append((time.process_time() - cpu) * 1000)

    def figures(self) -> dict[str, float]:
        """Median and 95th percentile of the turns, and what else a line has."""
        return {
            "p50_ms": round(statistics.median(self.took), 1),
            "p95_ms": round(percentile_95(self.took), 1),
            "cpu_ms": round(statistics.median(self.spent), 1),
            "calculation_ms": round(statistics.median(self.calculated), 3),
            "queries": self.queries,
            "bytes": self.size,
            "status": self.status,
        }


def profile(client: FlaskClient, account: str, address: str, turns: int) -> None:
    """Write on standard error in which functions the time of a page is spent."""
    with cProfile.Profile() as found:
        for _ in range(turns):
            client.get(address)
    print(f"--- {account} {address}, {turns} turns", file=sys.stderr)
    stats = pstats.Stats(found, stream=sys.stderr)
    stats.sort_stats("cumulative").print_stats(90)
    stats.sort_stats("tottime").print_stats(40)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, nargs="+", default=[int(one) for one in SIZES.split(",")])
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--servers", action="store_true", help="on PostgreSQL, with private servers")
    parser.add_argument("--url", default="", help="an empty PostgreSQL database, in place of a private one")
    parser.add_argument("--data", type=Path, help="keep the installation in this folder; default: a temporary one")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of 'account address' of the pages to measure")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--sleepy", action="store_true", help="let processors halt that wait")
    given = parser.parse_args()
    if given.servers and given.data and not given.url:
        parser.error("a kept installation on PostgreSQL needs --url: the private database ends with the run")
    with ExitStack() as stack:
        stack.callback(close_run, *open_run())
        folder = given.data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        data = folder / "data"
        arrivals = arrivals_in(data, shape_of_servers(given.url) if given.servers or given.url else {})
        services = build_services(load_settings(settings_file.file_of(data)))
        engine = services.engine
        stack.callback(engine.dispose)
        chosen = models(engine, arrivals)
        at = places(services, arrivals)
        first: dict[tuple[str, str], float] = {}
        before = past_of(engine)
        for letters in sorted(one for one in given.letters if one >= before):
            if letters > before:
                grow(engine, chosen, before, letters)
                before = letters
                at_figures = time.monotonic()
                figures.rebuild(services, now=datetime.now(UTC))
                with engine.begin() as connection:
                    add_scans(connection)
                settle(engine)
                tell(
                    bench="figures",
                    letters=letters,
                    seconds=round(time.monotonic() - at_figures, 1),
                    **counted_figures(engine),
                )
            else:
                figures.run(services, now=datetime.now(UTC))
            app = open_site(data, services)
            memory.settle()  # as the site does before it starts its processes: else a collection of everything is measured
            clients: dict[str, FlaskClient] = {}
            with nullcontext() if given.sleepy else processors_awake():
                watched: list[Watched] = []
                for account, address in pages(at):
                    if not any(part in f"{account} {address}" for part in given.only):
                        continue
                    client = clients.get(account) or clients.setdefault(account, sign_in(app, account, PASSWORD))
                    if given.profile:
                        profile(client, account, address, given.turns)
                        continue
                    watched.append(Watched(account, address, client))
                    watched[-1].warm(engine)
                for _ in range(given.turns):
                    for page in watched:
                        page.turn()
            of_all = {"bench": "pages", "database": engine.dialect.name, "letters": letters, "awake": not given.sleepy}
            for page in watched:
                found = page.figures()
                cost = found["p50_ms"] / found["calculation_ms"]
                growth = round(cost / first.setdefault((page.account, page.address), cost), 2)
                is_met = found["p95_ms"] <= MOST_MS and growth <= MOST_GROWTH
                tell(**of_all, account=page.account, page=page.address, **found, growth=growth, is_met=is_met)
            took = [one for page in watched for one in page.took]
            if took:
                p50, p95 = round(statistics.median(took), 1), round(percentile_95(took), 1)
                tell(**of_all, pages=len(watched), p50_ms=p50, p95_ms=p95, is_met=p95 <= MOST_MS)


if __name__ == "__main__":
    main()
