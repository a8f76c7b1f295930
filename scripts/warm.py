"""A warm run of pytest: runs all tests of an area once, then each mutant with some of the tests in a forked process.

The forks have the fixtures of the tests (keys, certificates, files, compiled statements) and the loaded program. A
mutant that cannot be put into the running program (``living``) is left to a cold run.
"""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import coverage
import pytest
from living import Living, NotInPlace
from mutants import Mutant

BROKEN, ANEW = 70, 71  # exit status of a process: this program failed; the mutant needs a cold run
KILLED, LIVES, LEFT = "killed", "lives", "left"
LEAST_CPU_S = 3


@dataclass
class Seen:
    """The results of a run.

    Attributes:
        seconds: duration of each test in the first, cold run, by its id.
        fates: of each mutant: ``killed``, ``lives``, or ``left`` to a cold run.
        modules: third-party modules that the tests loaded.
        trouble: the reason why there is no result.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    fates: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    trouble: str = ""


class Warm:
    """Plugin of pytest that first runs all tests, then the mutants.

    Args:
        root: the project's folder, the working directory.
        sources: the changed files, relative to ``root``.
        folder: for the tests' files and the results.
        children: the number of mutants to try at once.
        tell: reports the progress.
    """

    def __init__(
        self,
        root: Path,
        sources: tuple[str, ...],
        mutants: Sequence[Mutant],
        folder: Path,
        children: int,
        tell: Callable[[str], None],
    ) -> None:
        self._root, self._sources, self._mutants, self._folder = root, sources, mutants, folder
        self._children, self._tell = children, tell
        self._killers = defaultdict[tuple[str, str], Counter[str]](Counter)
        self._number = 0
        self._limits: dict[str, float] = {}
        self.seen = Seen()
        self._watch = self._watching()

    # --- pytest

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add up the durations of set-up, call and tear-down."""
        self.seen.seconds[report.nodeid] = self.seen.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed and not self._limits:
            print(f"\n{report.nodeid}: {report.longreprtext}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests, then the mutants; write the results to a file."""
        at_import = self._lines(self._watch)
        self._items = {item.nodeid: item for item in session.items}
        self._session: Any = session
        if failed := self._run(session.items):
            self.seen.trouble = f"fails without any mutant: {failed}"
        else:
            self.seen.seconds = dict(self.seen.seconds)
            self._try(at_import)
        self.seen.modules = sorted(name for name, module in [*sys.modules.items()] if _is_foreign(module, self._root))
        (self._folder / "seen.json").write_text(json.dumps(asdict(self.seen)))
        return True

    def _run(self, items: Sequence[pytest.Item]) -> str:
        """Run tests; returns the first that fails. Fixtures of the session stay."""
        # pytest needs the session alone for the steps after the last test.
        for item, following in zip(items, [*items[1:], self._session], strict=True):
            if self._limits:
                limit = math.ceil(time.process_time() + self._limits[item.nodeid])
                resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._session.testsfailed:
                return item.nodeid
        return ""

    # --- the tests that cover each line

    def _watching(self) -> coverage.Coverage:
        watch = coverage.Coverage(data_file=None, include=[str(self._root / path) for path in self._sources])
        watch.start()
        return watch

    def _lines(self, watch: coverage.Coverage) -> dict[str, dict[int, list[str]]]:
        watch.stop()
        data = watch.get_data()
        return {path: data.contexts_by_lineno(str(self._root / path)) for path in self._sources}

    def _lines_and_seconds(self) -> tuple[dict[str, dict[int, list[str]]], dict[str, float]]:
        """The tests by line, and their CPU seconds, in a warm run."""
        to = self._folder / "lines.json"

        def look() -> int:
            watch, seconds = self._watching(), dict[str, float]()
            for item in self._items.values():
                watch.switch_context(item.nodeid)
                began = time.process_time()  # CPU time: a busy machine must not change the limits
                if self._run([item]):
                    return 1
                seconds[item.nodeid] = time.process_time() - began
            to.write_text(json.dumps([self._lines(watch), seconds]))
            return 0

        if self._status(self._fork(look)):
            return {}, {}
        lines, seconds = json.loads(to.read_text())
        return {path: {int(n): tests for n, tests in rows.items()} for path, rows in lines.items()}, seconds

    # --- mutants

    def _try(self, at_import: dict[str, dict[int, list[str]]]) -> None:
        lines, seconds = self._lines_and_seconds()
        if not seconds:
            self.seen.trouble = "the tests do not pass a second time in one process"
            return
        self._tell(f"  {len(self._mutants)} mutants, {len(seconds)} tests, {sum(seconds.values()):.1f} s once prepared")
        living = Living(self._root, self._sources)
        gc.collect()
        gc.freeze()
        alone = self._together([(item.nodeid, self._alone(item)) for item in self._items.values()])
        if failed := [test for test, status in alone if status]:
            self.seen.trouble = f"fails without the tests before it: {', '.join(sorted(failed))}"
            return
        self.seen.fates = [LEFT] * len(self._mutants)
        tries = self._tries(living, lines, seconds, at_import)
        for number, (place, status) in enumerate(self._together(tries), 1):
            mutant = self._mutants[place]
            if status == BROKEN:
                self.seen.trouble = f"no test could be run on {mutant.key}"
                return
            self.seen.fates[place] = {0: LIVES, ANEW: LEFT}.get(status, KILLED)
            if (killer := self._killer(place)).exists():
                self._killers[mutant.path, mutant.where][killer.read_text()] += 1
            if number % 200 == 0:
                counts = Counter(self.seen.fates)
                self._tell(f"  {number} tried, {counts[LIVES]} live")

    def _alone(self, item: pytest.Item) -> Callable[[], int]:
        return lambda: 1 if self._run([item]) else 0

    def _tries(
        self,
        living: Living,
        lines: dict[str, dict[int, list[str]]],
        seconds: dict[str, float],
        at_import: dict[str, dict[int, list[str]]],
    ) -> Iterator[tuple[int, Callable[[], int]]]:
        for place, mutant in enumerate(self._mutants):
            span = range(mutant.first, mutant.last + 1)
            if mutant.is_at_import:
                tests = set(seconds)
            else:
                tests = {test for line in span for test in lines[mutant.path].get(line, []) if test}
                if not tests or any(line in at_import[mutant.path] for line in span):
                    continue  # the line runs only once, before or while the tests are prepared
            # The test that killed a mutant mostly kills its neighbours. After it the fastest tests come first.
            killers = self._killers[mutant.path, mutant.where]
            order = sorted((-killers[test], seconds[test], test) for test in tests)
            yield place, self._meeting(living, place, [test for *_, test in order], seconds)

    def _killer(self, place: int) -> Path:
        return self._folder / f"killer-{place}"

    def _meeting(self, living: Living, place: int, tests: list[str], seconds: dict[str, float]) -> Callable[[], int]:
        """Put the mutant in place and run the tests. Runs in a process of its own."""
        mutant = self._mutants[place]

        def meet() -> int:
            try:
                living.put(mutant.path, mutant.source)
            except NotInPlace:
                return ANEW
            self._limits = {test: LEAST_CPU_S + 5 * seconds[test] for test in tests}
            try:
                failed = self._run([self._items[test] for test in tests])
            except BaseException:  # noqa: BLE001  the mutant may break the run in any way
                return 1
            if failed:
                self._killer(place).write_text(failed)
            return 1 if failed else 0

        return meet

    # --- processes

    def _together(self, jobs: Iterable[tuple[Any, Callable[[], int]]]) -> Iterator[tuple[Any, int]]:
        """Run jobs in separate processes, a few at once. Yields each name with its status when it ends."""
        running: dict[int, Any] = {}

        def one() -> tuple[Any, int]:
            pid, status = os.wait()
            return running.pop(pid), os.waitstatus_to_exitcode(status)

        for name, job in jobs:
            running[self._fork(job)] = name
            if len(running) == self._children:
                yield one()
        while running:
            yield one()

    def _fork(self, job: Callable[[], int]) -> int:
        self._number += 1
        folder = self._folder / str(self._number)
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        status = BROKEN
        try:
            folder.mkdir()
            self._session.config._tmp_path_factory._basetemp = folder  # each process has its own folder
            tempfile.tempdir = str(folder)
            status = job()
            shutil.rmtree(folder, ignore_errors=True)
        except BaseException:  # noqa: BLE001  (reported by the status)
            traceback.print_exc()
        finally:
            os._exit(status)

    @staticmethod
    def _status(pid: int) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _is_foreign(module: Any, root: Path) -> bool:
    """Whether a module is third-party, so that it contains no mutant."""
    path = getattr(module, "__file__", None)
    own = path is not None and Path(path).is_relative_to(root) and "site-packages" not in path
    return path is not None and not own and module.__name__ != "__main__" and "pytest_cov" not in module.__name__
