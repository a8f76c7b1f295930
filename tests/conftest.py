"""Fixtures for all tests: private servers, databases, a browser; and the summary at the end of the run."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import signal
import sys
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from tests import compiled_once, correlation_watch, servers, steady_chromium
from tests.lock_watch import Watch, watching
from tests.servers import postgres, redis
from tests.servers.elastic import elasticsearch_url

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

    from tests.site import Clock

# pytest explains failed asserts in kits as well.
pytest.register_assert_rewrite(*(f"tests.{kit.stem}" for kit in Path(__file__).parent.glob("*_kit.py")))

# No deadline for examples: they may be slow on a busy machine. A normal run draws the same examples as the run before,
# so that a failure is due to a change. The long run draws new examples, and many more.
settings.register_profile(
    "ged", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=40
)
settings.register_profile("long", settings.get_profile("ged"), derandomize=False, max_examples=1_000)
LONG_RUN = "GED_TEST_LONG" in os.environ
settings.load_profile("long" if LONG_RUN else "ged")
if not LONG_RUN:
    # Hypothesis also draws constants of the modules that are loaded. So the same test drew other examples in another order
    # of tests, and each process parsed two thousand files for them. The long run draws them.
    providers._get_local_constants = Constants

CHROMIUM = Path(steady_chromium.__file__)
"""What Playwright starts: it starts ``steady_chromium.PROGRAM``."""
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

__all__ = ["elasticsearch_url"]  # a fixture

LONGEST = (
    "test_main_job",
    "test_every_page",
    "test_figure_pages",
    "test_search_index",
    "test_bad_input",
    "test_rq_worker",
    "test_two_ministries",
    "test_figures",
    "test_migrations",
    "test_ocr_pdfa",
    "test_malformed",
    "test_destruction_killed",
    "test_list_queries",
    "test_told_figures",
    "test_openings_by_route",
    "test_answered_is_durable",
    "test_monthly_report",
    "test_refused_alike",
    "test_ocr_engine",
    "test_workbook_in_calc",
    "test_patterns",
    "test_ocr_faults",
    "test_figure_pages_browser",
    "test_by_keyboard",
    "test_administration_killed",
    "test_backup",
    "test_letter_readers",
    "test_monthly_journal",
    "test_numbering_postgres",
    "test_signbook_browser",
    "test_tolerance",
    "test_hot_queries",
    "test_destroyed_backups",
    "test_entity_take_in",
    "test_database",
    "test_letter_exceptions_routes",
    "test_paper_codes",
    "test_web_browser",
)
"""Files that cost more than about ten processor seconds in turn 0, with their children, Chromium and waiting counted, the longest first
(measured on a busy machine): one that began late would run alone at the end."""
ON_POSTGRES = 4
"""Of so many integration tests of both databases, one runs on PostgreSQL in the usual run and the others on SQLite: a test
costs two to three times as much on PostgreSQL."""
TESTS_BETWEEN_COLLECTIONS = 80
TESTS_BETWEEN_FREEZES = 160
"""After so many tests, and after the first collection, what is there is excluded from later collections. Without it a
collection took two seconds at the end of a run: a tenth of the run's processor time."""
_RUN = pytest.StashKey[tuple[Path, TextIO]]()
_LEFT = pytest.StashKey[Counter[str]]()
"""Why tests were taken out of the run -> how many."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's folder in the controlling process. Workers inherit the variables that name it and the parent of
    the tests' folders."""
    # A run in the background of a script ignores SIGINT. Programs that tests interrupt would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    compiled_once.install()
    correlation_watch.install()
    gc.disable()  # until all tests are collected: objects made before stay to the end of the run
    if not hasattr(config, "workerinput"):
        memory = servers.in_memory()
        if memory is not None:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))
        config.stash[_RUN] = servers.open_run(memory)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what is long to the long run, and put the longest files first, so that all workers end at about one time
    (with ``--no-loadscope-reorder``).

    `make test` takes out what it leaves, and keeps the reasons: of the collected tests this is a third, and to skip each took
    five seconds of processor time. Who calls pytest for a test sees it skipped.
    """
    from tests.sample_kit import IN_TURNS

    left = _left(config)
    if not LONG_RUN:
        shares, turns, kept = _shares(items), _turns(items), []
        for item in items:
            why = _left_to_the_long_run(item, shares, turns)
            if why and IN_TURNS:
                left[_runs_it(why)] += 1
                continue
            if why:
                item.add_marker(pytest.mark.skip(reason=_runs_it(why)))
            kept.append(item)
        items[:] = kept
    order = (*LONGEST, "journeys", "contracts", "faults", "integration", "migrations")
    ranks = {name: rank for rank, name in enumerate(order)}

    def rank(item: pytest.Item) -> int:
        return min(ranks.get(name, len(order)) for name in (item.path.stem, *item.path.parts))

    items.sort(key=rank)


def _left(config: pytest.Config) -> Counter[str]:
    return config.stash.setdefault(_LEFT, Counter[str]())


def _runs_it(why: str) -> str:
    return f"{why}: `make test-long` runs it"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controlling process what this worker has left out."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left"] = dict(_left(session.config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take from a worker what it has left out. All workers leave the same tests; one that died says nothing."""
    left = getattr(node, "workeroutput", {}).get("left")
    if left is not None:
        node.config.stash[_LEFT] = Counter(left)


def _left_to_the_long_run(
    item: pytest.Item, shares: Mapping[str, frozenset[str]], turns: Mapping[tuple[Path, int], frozenset[str]]
) -> str:
    """Why the usual run does without a test; empty: it does not.

    Args:
        shares: a function with the mark ``in_shares`` -> the names of its cases that the usual run takes.
        turns: a module, and the argument of its mark ``in_turns`` -> the names of the tests that this turn takes.
    """
    mark = item.get_closest_marker("long")
    if mark is not None:
        return str(mark.args[0])
    matrix = _matrix(item)
    if matrix is not None and _case(item) not in shares[matrix]:
        return "other cases of a matrix, of which the usual run takes a part chosen by their names"
    turn = _turn(item)
    if turn is not None and turn[1] not in turns[turn[0]]:
        return "the other turns of large modules (`make test TURN=1` and `TURN=2` run them)"
    if _other_width(item):
        return "the other width of a test in the browser"
    return "the other database, of a test that runs on both" if _other_database(item) else ""


def _shares(items: Iterable[pytest.Item]) -> dict[str, frozenset[str]]:
    """Function with the mark ``in_shares`` -> the names of its cases that the usual run takes."""
    from tests.sample_kit import share  # only now: pytest has to rewrite the asserts of kits first

    cases: dict[str, set[str]] = {}
    of: dict[str, int] = {}
    for item in items:
        matrix, mark = _matrix(item), item.get_closest_marker("in_shares")
        if matrix is not None and mark is not None:
            cases.setdefault(matrix, set()).add(_case(item))
            of[matrix] = mark.args[0]
    return {matrix: share(matrix, names, of[matrix]) for matrix, names in cases.items()}


def _turns(items: Iterable[pytest.Item]) -> dict[tuple[Path, int], frozenset[str]]:
    """A module, and the argument of its mark ``in_turns`` -> the names of the tests that this turn takes, with all their cases."""
    from tests.sample_kit import tests_in_turn

    names: dict[tuple[Path, int], set[str]] = {}
    for item in items:
        turn = _turn(item)
        if turn is not None:
            names.setdefault(turn[0], set()).add(turn[1])
    return {module: tests_in_turn(those, module[1]) for module, those in names.items()}


def _turn(item: pytest.Item) -> tuple[tuple[Path, int], str] | None:
    """The module of a test and the argument of its mark ``in_turns``, and the test's name; None: each turn runs it."""
    from tests.sample_kit import IN_TURNS

    mark = item.get_closest_marker("in_turns")
    if mark is None or not IN_TURNS or not isinstance(item, pytest.Function):
        return None
    return (item.path, mark.args[0]), item.originalname


def _matrix(item: pytest.Item) -> str | None:
    """The function of a case with the mark ``in_shares``; None: all of the test runs."""
    if item.get_closest_marker("in_shares") is None or not hasattr(item, "callspec"):
        return None
    return item.nodeid.partition("[")[0]


def _case(item: Any) -> str:
    """The name of a case, without the database and the width: of those another rule takes one."""
    return "-".join(one for one in item.callspec.id.split("-") if one not in ("sqlite", "postgresql", "360", "1280"))


def _other_width(item: pytest.Item) -> bool:
    """Whether a test of both widths runs at one of them in the usual run, and this is the other one.

    Half of the tests run at each width. Which one, follows from the test's name and the turn.
    """
    from tests.sample_kit import TURN

    given = [sorted(mark.args[1]) for mark in item.iter_markers("parametrize") if mark.args[0] == "width"]
    if given != [[360, 1280]] or not isinstance(item, pytest.Function):
        return False
    return item.callspec.params["width"] != given[0][(zlib.crc32(item.originalname.encode()) + TURN) % 2]


def _other_database(item: pytest.Item) -> bool:
    """Whether an integration test of both databases runs on one of them in the usual run, and this is the other one.

    One of ``ON_POSTGRES`` runs on PostgreSQL. Contracts, faults with their races, and migrations run on both.
    """
    from tests.sample_kit import TURN

    if item.path.parent.name != "integration" or not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return False
    of_both, params = ("sqlite", "postgresql"), item.callspec.params
    given = [one for one in params.values() if one in of_both]
    name = (
        f"{item.originalname}{sorted(f'{name} {_stable(one)}' for name, one in params.items() if one not in of_both)}"
    )
    return len(given) == 1 and given[0] != of_both[(zlib.crc32(name.encode()) + TURN) % ON_POSTGRES == 0]


def _stable(value: object) -> str:
    """A parameter as every process writes it: all workers must collect the same tests, and the address of a function differs."""
    written = str(value)
    return type(value).__name__ if " at 0x" in written else written


def pytest_collection_finish() -> None:
    """Exclude modules and collected tests, about a million objects, from all later garbage collections.

    A tenth of the tests' processor time went into collections that found little: what stays (compiled statements and
    templates) was looked through again and again. Now tests are followed by one collection of everything for
    ``TESTS_BETWEEN_COLLECTIONS`` of them, and what stays is excluded every ``TESTS_BETWEEN_FREEZES``.
    """
    # Only here: the process that hands out the tests loads nothing of it.
    from tests import cheap_cost

    cheap_cost.install()
    figures = sys.modules.get("ged.figures.operations")  # None: no test of this process counts figures
    if figures is not None:
        # Each new database gets the working days of 78 years, of the same few calendars.
        figures.worked_until = cache(figures.worked_until)  # type: ignore[attr-defined]
    gc.enable()
    gc.set_threshold(50_000, 20, 100)
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keep the children of the sandbox from test to test. A test with the mark ``own_children`` has new ones."""
    from tests import kept_authorities, kept_children

    kept_authorities.begin(item.path)
    if item.get_closest_marker("own_children") is None:
        kept_children.install()
    else:
        kept_children.remove()


_ENDED = itertools.count(1)


def pytest_runtest_logfinish() -> None:
    """Collect what ended tests have left."""
    ended = next(_ENDED)
    if ended % TESTS_BETWEEN_COLLECTIONS == 0:
        gc.collect()
        if ended == TESTS_BETWEEN_COLLECTIONS or ended % TESTS_BETWEEN_FREEZES == 0:
            gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the run's servers, however the run ended."""
    if _RUN in config.stash:
        servers.close_run(*config.stash[_RUN])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Print above pytest's closing line how many tests were left out of the run, how many could not run here, and why."""
    from tests.sample_kit import IN_TURNS, TURN

    yield
    if IN_TURNS:
        terminalreporter.ensure_newline()
        terminalreporter.write_line(f"This was turn {TURN} of the usual run: `make test TURN={TURN}` plays it again.")
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    reasons += _left(terminalreporter.config)
    left = Counter({reason: count for reason, count in reasons.items() if reason.endswith(_runs_it(""))})
    terminalreporter.ensure_newline()
    for those, what in (
        (left, "left out of this run"),
        (reasons - left, "skipped, which could not run on this machine"),
    ):
        if those:
            terminalreporter.write_line(f"Tests {what}: {those.total()}")
        for reason, count in those.most_common():
            terminalreporter.write_line(f"  {count} because {reason}")
    if reasons == left:
        terminalreporter.write_line("Every other test could run on this machine.")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _url(server: Callable[[], servers.Running]) -> str:
    try:
        return server().url
    except servers.Unavailable as refusal:
        pytest.skip(str(refusal))


@pytest.fixture(scope="session")
def _lock_watch() -> Iterator[Watch]:
    with watching() as watch:
        yield watch


@pytest.fixture(autouse=True)
def _locks_in_one_order(_lock_watch: Watch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail each test that locks rows against ``ged.locks.ORDER``."""
    _lock_watch.broken.clear()
    yield
    broken = list(dict.fromkeys(_lock_watch.broken))
    if request.node.get_closest_marker("locks_backwards") is None:
        assert not broken, "locked against ged.locks.ORDER:\n" + "\n".join(broken)


@pytest.fixture(autouse=True)
def _cost_of_derivations(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give a test with the mark ``real_cost`` what a derivation of a key costs in the product."""
    if request.node.get_closest_marker("real_cost") is None:
        yield
        return
    from tests import cheap_cost

    cheap_cost.remove()
    yield
    cheap_cost.install()


@pytest.fixture
def site_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the test's site stands at ``NOW``, and the test can move it.

    A test asks for it when it expects a year, a date or a delay on a page. Without it the site's time is that of the
    machine: the test would fail in the next year, or as soon as a delay has passed.
    """
    from tests.factories import NOW
    from tests.site import Clock
    from web.site import context

    clock = Clock(NOW)
    monkeypatch.setattr(context, "datetime", clock)
    return clock


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The URL of the run's private PostgreSQL, database ``postgres``. Tests make databases of their own by
    ``make_database``."""
    return _url(postgres.server)


@pytest.fixture
def make_database(postgres_url: str) -> Iterator[Callable[..., str]]:
    """A function that makes an empty database, or one that is a ``copy_of`` another, and returns its SQLAlchemy URL. The
    database is dropped after the test.

    A test that leaves a session open fails here. Otherwise the garbage collector would find the session during a later
    test and fail that one.
    """
    names: list[str] = []

    def make(**options: str) -> str:
        names.append(f"ged_{uuid.uuid4().hex[:12]}")
        return postgres.create_database(postgres_url, names[-1], **options)

    yield make
    left = {name: postgres.open_sessions(postgres_url, name) for name in names}
    for name in names:
        postgres.drop_database(postgres_url, name)
    assert not any(left.values()), f"sessions left open (dispose the engine): {left}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def either_database(request: pytest.FixtureRequest) -> str | None:
    """Run the test twice: with None (``make_services`` makes a SQLite file), and with the URL of a database of PostgreSQL
    that has all tables and no row."""
    if request.param == "sqlite":
        return None
    from tests.factories import database_with_tables

    make: Callable[..., str] = request.getfixturevalue("make_database")
    return make(copy_of=database_with_tables(request.getfixturevalue("postgres_url")))


@pytest.fixture(scope="session")
def redis_url(worker_id: str) -> str:
    """The URL of the run's private Redis, in a database that only this worker uses."""
    number = int(worker_id.removeprefix("gw")) + 1 if worker_id != "master" else 0
    return f"{_url(redis.server).rpartition('/')[0]}/{number}"


@pytest.fixture
def empty_redis_url(redis_url: str) -> str:
    """The run's private Redis, emptied before the test."""
    redis.empty(redis_url)
    return redis_url


class _Chromium:
    """Chromium and its driver, which stay open from the first browser test of a process to the end of its run.

    While Playwright is in use, this thread has a running event loop, and ``asyncio.run``, which pyHanko uses, would
    fail. So the loop is taken away from the thread after each module, and given back for the next.
    """

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._loop = asyncio.get_running_loop()
        self._browser: Browser | None = None
        self.away()

    def here(self) -> Browser:
        """The open browser, for a module."""
        asyncio._set_running_loop(self._loop)
        if self._browser is None or not self._browser.is_connected():
            self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        return self._browser

    def away(self) -> None:
        """Close the windows that the module left open."""
        if self._browser is not None:
            for context in self._browser.contexts:
                context.close()
        asyncio._set_running_loop(None)

    def close(self) -> None:
        """Close the browser at the end of the run."""
        asyncio._set_running_loop(self._loop)
        if self._browser is not None:
            self._browser.close()


@pytest.fixture(scope="session")
def _chromium() -> Iterator[_Chromium]:
    if not Path(steady_chromium.PROGRAM).exists():
        pytest.skip(f"Chromium is not installed (no {steady_chromium.PROGRAM})")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = _Chromium(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def browser(_chromium: _Chromium) -> Iterator[Browser]:
    """The engine of Debian's Chromium (``CHROMIUM``), driven by Playwright. It is started once for all modules."""
    yield _chromium.here()
    _chromium.away()
