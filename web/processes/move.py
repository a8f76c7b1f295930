"""Moves an embedded installation to PostgreSQL and Elasticsearch, and proves that everything arrived."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from ged import audit, index_sync
from ged.backup import database, drilling
from ged.config import Settings, load_settings
from ged.db import WRITES, make_engine
from ged.errors import ConfigError, EngineFailed, InvalidTransition
from ged.moving import comparing, copying, files, fitness, mark, sequences, state
from ged.moving.mark import Mark
from ged.moving.state import Begun, Stage
from ged.progress import CountedProgress
from ged.unit import SYSTEM, Services
from ged.verify import Problem, VerifyReport, verify
from web.processes.migrate import finish_database
from web.processes.schema_check import is_at_own_revision
from web.processes.site_lock import site_stopped
from web.processes.worker import only_worker
from web.wiring import moved
from web.wiring.services import build_services

MOVED = "installation.moved"
SHOWN = 20


@dataclass(frozen=True)
class Wanted:
    """What is wanted.

    Attributes:
        lines: of the new settings.
        place: where they come.
        letters: taken by chance, opened and found in the new index.
        anew: forget what an earlier move left in the target.
    """

    lines: str = field(repr=False)
    place: Path
    letters: int = 20
    anew: bool = False
    batch: int = copying.BATCH


@dataclass
class Outcome:
    """What a move did.

    Attributes:
        rows, digest: of all tables; the same in both.
        copied: rows that this run copied.
        keys: of the keyring.
        files: of the data folder that were copied; 0: it is used in place.
        report: of ``ged verify`` on the new installation; ``None``: an earlier run has verified.
        known: problems that the embedded installation has too.
        seconds: how long each step took.
    """

    settings: Path
    rows: int = 0
    digest: str = ""
    copied: int = 0
    keys: int = 0
    files: int = 0
    letters: int = 0
    opened: int = 0
    report: VerifyReport | None = None
    known: tuple[Problem, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


class Differs(EngineFailed):
    """The target is not the source: nothing was changed over. ``named``: what differs."""

    def __init__(self, named: list[str], count: int) -> None:
        super().__init__(
            "move.differs",
            "look who writes into the new database, then begin again: ged move … --anew",
            differences=count,
        )
        self.named = named


def move(settings: Settings, wanted: Wanted, *, progress: CountedProgress = lambda _what, _count: None) -> Outcome:
    """Move. Interrupted, the same call goes on.

    Raises:
        ConfigError, InvalidTransition: what is not ready, with what to do: ``move.*``, ``config.*``, ``database.*``.
        EngineFailed: ``move.refused``, ``move.unfit``, ``move.problems``; Differs.
    """
    _require_embedded(settings)
    outcome = Outcome(wanted.place)
    data = settings.data_dir
    with site_stopped(data), only_worker(data):
        made = mark.read_mark(data)
        if made is not None and made.is_done:
            raise ConfigError("move.done", f"the settings of the servers are in {made.settings}", setting="--to")
        target = moved.settings_of(wanted.lines)
        moved.require_servers(target)
        own, there = make_engine(settings.url), make_engine(target.url)
        try:
            with _held(own) as (source, print_of):
                began = _begin(print_of, settings, target, there, wanted, progress)
                with state.alone(there):
                    _go_on(source, settings, target, there, wanted, outcome, began, progress)
        finally:
            own.dispose()
            there.dispose()
    return outcome


def _require_embedded(settings: Settings) -> None:
    if not settings.embedded or settings.database_url:
        raise ConfigError(
            "move.not_embedded", "call it with the settings of the embedded installation", setting="GED_DATABASE_URL"
        )
    if settings.training:
        raise ConfigError("move.training", "a training installation is made anew, never moved", setting="GED_TRAINING")


@contextmanager
def _held(engine: Engine) -> Iterator[tuple[Connection, str]]:
    """The source while nobody can write it, and the digest of its file."""
    file = Path(str(engine.url.database))
    if not file.is_file() or not is_at_own_revision(engine):
        raise ConfigError(
            "move.not_migrated", "finish the upgrade first: ged migrate --finish", setting="GED_DATABASE_URL"
        )
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        # All changes into the file itself: its digest must be the database's, and stay so over an interrupted move.
        busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] if driver else 1
        if busy:
            raise InvalidTransition("move.in_use", "stop every program that has the database open", file=str(file))
        connection.rollback()
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        connection.execute(text("SELECT 1"))  # begins: from here on nobody else writes
        found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
        if found != "ok":
            raise EngineFailed("database.malformed", "restore the last good backup first", reason=str(found)[:200])
        yield connection, state.fingerprint(file)


def _begin(
    print_of: str, settings: Settings, target: Settings, there: Engine, wanted: Wanted, progress: CountedProgress
) -> Begun:
    """Find the target empty, or where an earlier run left it."""
    with there.connect() as connection:
        running = state.programs(connection)
        begun = state.begun(connection)
    if running:
        raise InvalidTransition(
            "move.target_in_use", "stop what is connected to the new database", programs=", ".join(running)
        )
    if begun is not None and wanted.anew:
        there.dispose()
        database.empty_again(there)
        with there.begin() as connection:
            state.end(connection)
        begun = None
    if begun is not None:
        if begun.source != print_of:
            raise InvalidTransition(
                "move.source_changed",
                "something was written in the embedded installation since: begin again with --anew",
                was=begun.source[:12], now=print_of[:12],
            )  # fmt: skip
        return begun
    _require_empty(there)
    moved.require_own_index(target)
    _require_fit(settings, progress)
    progress("migrations", 0)
    finish_database(target)
    with there.begin() as connection:
        full = copying.rows_in(connection)
        if full:
            raise _not_empty(full)
        copying.forget_made(connection)
        state.begin(connection, print_of)
    mark.write_mark(settings.data_dir, _begun_now(print_of))
    return Begun(print_of, Stage.COPYING)


def _begun_now(source: str) -> Mark:
    return Mark(source, datetime.now(UTC).isoformat(timespec="seconds"))


def _require_empty(there: Engine) -> None:
    if database.is_empty(there):
        return
    if not is_at_own_revision(there):
        raise _not_empty([])
    with there.connect() as connection:
        full = copying.rows_in(connection)
    if full:
        raise _not_empty(full)


def _not_empty(full: list[str]) -> InvalidTransition:
    return InvalidTransition(
        "move.not_empty",
        "name a new, empty database: nothing is ever written over rows that are there",
        tables=", ".join(full[:8]) or "of another program, or of another release",
    )


def _require_fit(settings: Settings, progress: CountedProgress) -> None:
    file = settings.data_dir / files.DATABASE
    progress("fitness", 0)
    found = list(fitness.unfit(file))
    if found:
        places = [f"{one.table}.{one.column} {one.row}: {one.why}" for one in found[:SHOWN]]
        raise EngineFailed(
            "move.unfit",
            "correct these values in the embedded installation: PostgreSQL does not take them",
            values=len(found), first="; ".join(places),
        )  # fmt: skip
    strange = fitness.others(file)
    if strange:
        progress(f"left behind, none of ours: {', '.join(strange)}", len(strange))


def _go_on(
    source: Connection,
    settings: Settings,
    target: Settings,
    there: Engine,
    wanted: Wanted,
    outcome: Outcome,
    began: Begun,
    progress: CountedProgress,
) -> None:
    if began.stage is Stage.COPYING:
        with _timed(outcome, "rows"):
            outcome.copied = copying.copy_rows(source, there, progress=progress, batch=wanted.batch)
            sequences.count_on(there, sequences.given(source))
            copying.settle(there)
        with _timed(outcome, "files"):
            _bring_files(settings, target, outcome, progress)
        with _timed(outcome, "comparison"):
            _compare(source, there, outcome, progress, wanted.batch)
    services = moved.services_of(target)
    try:
        if began.stage is Stage.COPYING:
            with _timed(outcome, "ged verify"):
                progress("ged verify", 0)
                _verify(services, settings, outcome)
            _reach(there, Stage.COMPARED)
        if began.stage is not Stage.NOTED:
            with _timed(outcome, "index"):
                _index(services, outcome, wanted.letters, progress)
            _note(services, outcome)
        with services.reading() as session:
            entries = audit.head(session).count
    finally:
        services.engine.dispose()
    # Settings, then the mark, then the table: each can be done again, and the mark names settings that exist.
    moved.write(wanted.place, wanted.lines)
    progress("settings", 0)
    made = mark.read_mark(settings.data_dir) or _begun_now(began.source)
    mark.write_mark(settings.data_dir, Mark(made.source, made.began_at, str(wanted.place.resolve()), entries))
    with there.begin() as connection:
        state.end(connection)


def _bring_files(settings: Settings, target: Settings, outcome: Outcome, progress: CountedProgress) -> None:
    progress("keyring", 0)
    outcome.keys, differing = moved.bring_keyring(settings, target)
    if differing:
        raise Differs([f"keyring {one}: differs" for one in differing[:SHOWN]], len(differing))
    if target.data_dir.resolve() != settings.data_dir.resolve():
        outcome.files = files.copy_files(settings.data_dir, target.data_dir, progress=progress)


def _compare(source: Connection, there: Engine, outcome: Outcome, progress: CountedProgress, batch: int) -> None:
    # One state for all tables: their digest is compared as a whole.
    with there.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        found = comparing.compare(source, connection, progress=progress, batch=batch)
    if found.differing or found.source != found.target:
        raise Differs([str(one) for one in found.named], found.differing)
    outcome.rows, outcome.digest = found.rows, found.digest


def _verify(services: Services, settings: Settings, outcome: Outcome) -> None:
    report = verify(services, now=datetime.now(UTC))
    if report.problems:
        embedded = build_services(settings)
        try:
            before = set(verify(embedded, now=datetime.now(UTC)).problems)
        finally:
            embedded.engine.dispose()
        new = [one for one in report.problems if one not in before]
        if new:
            raise Differs([f"{one.code}: {one.where}" for one in new[:SHOWN]], len(new))
        outcome.known = report.problems
    outcome.report = report


def _index(services: Services, outcome: Outcome, letters: int, progress: CountedProgress) -> None:
    outcome.letters = index_sync.rebuild(services, progress=lambda done, _total: progress("index", done))
    left = index_sync.compare(services, progress=lambda _done, _total: None).differences
    if left:
        raise Differs([f"index, letter {one}: {what}" for one, what in list(left.items())[:SHOWN]], len(left))
    progress("letters taken by chance", letters)
    opened = drilling.look(services, letters, writes_index=False)
    lost = {one.where.rpartition(" ")[2] for one in outcome.known}
    faults = [
        f"{one.number}: {fault}" for one in opened for fault in one.faults if fault.rpartition(" ")[2] not in lost
    ]
    if faults:
        raise Differs(faults[:SHOWN], len(faults))
    outcome.opened = len(opened)


def _note(services: Services, outcome: Outcome) -> None:
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.record(MOVED, "installation", None, actor=SYSTEM, rows=outcome.rows, digest=outcome.digest)
        state.reach(uow.session.connection(), Stage.NOTED)


def _reach(there: Engine, stage: Stage) -> None:
    with there.begin() as connection:
        state.reach(connection, stage)


@contextmanager
def _timed(outcome: Outcome, step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    outcome.seconds[step] = round(time.monotonic() - began, 3)


def go_back(settings: Settings, *, lose: bool = False) -> None:
    """Let the embedded installation be served again.

    Args:
        lose: although people have worked with the servers since, or nobody can tell.

    Raises:
        ConfigError: ``move.none``; InvalidTransition: ``move.servers_run``, ``move.worked_on``, ``move.unknown``.
    """
    _require_embedded(settings)
    data = settings.data_dir
    with site_stopped(data), only_worker(data):
        made = mark.read_mark(data)
        if made is None:
            raise ConfigError("move.none", "nothing is to be taken back: serve it", setting="--back")
        if made.is_done and not lose:
            _require_untouched(made)
        mark.remove_mark(data)


def _require_untouched(made: Mark) -> None:
    try:
        services = moved.services_of(load_settings(Path(made.settings), alone=True))
    except (ConfigError, OSError) as error:
        raise InvalidTransition(
            "move.unknown", "put the settings of the servers back; or add --lose", settings=made.settings
        ) from error
    try:
        with services.engine.connect() as connection:
            running = state.programs(connection)
        with services.reading() as session:
            entries = audit.head(session).count
    finally:
        services.engine.dispose()
    if running:
        raise InvalidTransition(
            "move.servers_run", "stop the sites and workers of the servers", programs=", ".join(running)
        )
    if entries > made.entries:
        raise InvalidTransition(
            "move.worked_on",
            "what was typed since the move is in the servers' database alone: add --lose to leave it there",
            entries=entries - made.entries,
        )
