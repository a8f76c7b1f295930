#!/usr/bin/env python3
"""Change the program in one small place at a time, and report whether the tests of its area notice.

    scripts/mutate.py               all areas of tests/mutation/areas.toml
    scripts/mutate.py access        one area (or several)
    scripts/mutate.py access --only grant    the mutants of one function, while its tests are written

A mutant is only in the memory of a forked process: no file is changed. It is killed when a test fails or takes far too
long. If possible, it is put into the running program after all tests of its area (``warm``); then only the tests that
cover the changed lines run. A mutant that cannot be put there, or that survives without a reason, runs all tests of its
area in a new process.

Exits with 1 when fewer than 90 % of an area's mutants are killed, when a survivor is not listed with its reason in
tests/mutation/survivors.toml, or when a listed mutant no longer survives.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import importlib
import importlib.machinery
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
AREAS = ROOT / "tests" / "mutation" / "areas.toml"
SURVIVORS = ROOT / "tests" / "mutation" / "survivors.toml"
RESULTS = ROOT / ".cache" / "mutate"
CHILDREN = 2
NICE = 15
GOAL = 0.9
NO_TESTS = 5  # pytest's own status

sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import pytest  # noqa: E402  (beside this file are the mutants, and the project is not installed)
from mutants import Mutant, mutants_of  # noqa: E402
from warm import BROKEN, LEFT, LIVES, Seen, Warm  # noqa: E402


class MutationError(Exception):
    """The reason why there is no result."""


@dataclass(frozen=True)
class Area:
    """The files to change, and the tests that must then fail."""

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """The results of an area's mutants; ``without`` are the survivors without a listed reason."""

    area: str
    total: int
    with_reason: list[Mutant]
    without: list[Mutant]
    stale: list[dict[str, str]]
    seconds: float

    @property
    def killed(self) -> int:
        """The number of mutants that a test noticed."""
        return self.total - len(self.with_reason) - len(self.without)

    @property
    def is_good(self) -> bool:
        """Whether enough mutants are killed, every survivor has a reason, and every listed reason is used."""
        return self.killed >= GOAL * self.total and not self.without and not self.stale


def areas() -> dict[str, Area]:
    """The areas of tests/mutation/areas.toml."""
    rows = tomllib.loads(AREAS.read_text())
    return {name: Area(name, tuple(row["sources"]), tuple(row["tests"])) for name, row in rows.items()}


def reasons() -> list[dict[str, str]]:
    """Mutants that may survive: their behaviour is equal, or differs where nobody relies on it."""
    rows: list[dict[str, str]] = tomllib.loads(SURVIVORS.read_text()).get("survivor", [])
    for row in rows:
        if row.keys() != {"path", "where", "was", "becomes", "reason"} or not row["reason"].strip():
            raise MutationError(f"{SURVIVORS.name}: path, where, was, becomes and a reason are needed: {row}")
    return rows


# --- Processes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """Tests to run in a separate process, on a mutant or (None) on the unchanged program."""

    mutant: Mutant | None
    tests: tuple[str, ...]


class Runner:
    """Forks a process for each run of pytest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self.limit_s = 60.0
        self.cpu_s = 600

    def run(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, int]]:
        """Run at most CHILDREN at once; yields each job with pytest's exit status when it ends."""
        running: dict[int, Job] = {}
        for job in jobs:
            running[self.start(job)] = job
            if len(running) == CHILDREN:
                yield self._one(running)
        while running:
            yield self._one(running)

    def _one(self, running: dict[int, Job]) -> tuple[Job, int]:
        pid, status = os.wait()
        return running.pop(pid), os.waitstatus_to_exitcode(status)

    def start(self, job: Job) -> int:
        """The id of the process that runs the job."""
        self._number += 1
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        status = BROKEN
        try:
            status = self._work(job, self._folder / str(self._number))
        except BaseException:  # noqa: BLE001  (reported by the status)
            traceback.print_exc()
        finally:
            os._exit(status)

    def _work(self, job: Job, folder: Path) -> int:
        self.write_down()
        resource.setrlimit(resource.RLIMIT_CPU, (self.cpu_s, self.cpu_s))
        if job.mutant:
            _put_in_place(job.mutant)
        status = run_pytest(job.tests, folder, self.limit_s)
        shutil.rmtree(folder, ignore_errors=True)
        return status

    def write_down(self) -> None:
        """Redirect the output of this process to a file."""
        said = os.open(self._folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)

    def said(self) -> str:
        """The end of pytest's output."""
        return (self._folder / "said").read_text()[-4000:]


def run_pytest(tests: tuple[str, ...], folder: Path, limit_s: float, *more: str, plugin: Any = None) -> int:
    """Run tests in this process; returns pytest's exit status."""
    words = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    words += [f"--basetemp={folder}", f"--timeout={limit_s:.0f}", *more]
    return int(pytest.main([*words, *tests], plugins=[plugin] if plugin else []))


def _put_in_place(mutant: Mutant) -> None:
    """Make this process import the mutant instead of the file."""
    if _module(mutant.path) in sys.modules:
        raise MutationError(f"{mutant.path} is loaded already: its mutants would not be seen")
    target = str(ROOT / mutant.path)
    code = compile(mutant.source, target, "exec", dont_inherit=True)
    loader: Any = importlib.machinery.SourceFileLoader
    get_code = loader.get_code

    def instead(self: Any, name: str) -> Any:
        return code if self.path == target else get_code(self, name)

    loader.get_code = instead


# --- The program as it is -------------------------------------------------------------------------------------------


def meet_warm(area: Area, mutants: list[Mutant], runner: Runner, folder: Path) -> Seen:
    """Run the area's tests, then try the mutants that can be put into the running program.

    Raises:
        MutationError: the tests fail on the unchanged program, or depend on each other.
    """
    pid = os.fork()
    if not pid:
        status = BROKEN
        with os.fdopen(os.dup(1), "w") as out:
            runner.write_down()
            warm = Warm(ROOT, area.sources, mutants, folder, CHILDREN, partial(print, file=out, flush=True))
            try:
                status = run_pytest(area.tests, folder / "warm", 60, "--capture=no", plugin=warm)
            finally:
                os._exit(status)
    _, status = os.waitpid(pid, 0)
    written = folder / "seen.json"
    seen = Seen(**json.loads(written.read_text())) if written.exists() else Seen(trouble="ended early")
    if seen.trouble or status:
        raise MutationError(f"The tests of '{area.name}': {seen.trouble or 'they fail'}\n{runner.said()}")
    return seen


def load_ahead(modules: list[str], area: Area) -> None:
    """Import the modules that no mutant can affect, so that the forks have them.

    These are all third-party modules, and our modules that import none of the changed files, directly or indirectly.
    """
    for name in [*modules, *_apart(area)]:
        with contextlib.suppress(Exception):  # a module that is loaded in another way
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _apart(area: Area) -> list[str]:
    """Our modules that the area's files or tests import, and that import none of these files."""
    changed = {_module(path) for path in area.sources}
    needs: dict[str, set[str]] = {}
    rest = [*changed, *(_module(path) for path in area.tests)]
    while rest:
        name = rest.pop()
        if name not in needs:
            needs[name] = _needs(name)
            rest += needs[name]
    return sorted(name for name in needs if not name.startswith("tests.") and not _reached(name, needs) & changed)


def _reached(name: str, needs: dict[str, set[str]]) -> set[str]:
    found, rest = set[str](), [name]
    while rest:
        one = rest.pop()
        if one not in found:
            found.add(one)
            rest += needs[one]
    return found


def _needs(name: str) -> set[str]:
    """Our modules that a module imports, and their parent packages."""
    path = _file(name)
    found = set()
    for node in ast.walk(ast.parse(path.read_text())) if path else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found |= {".".join(name.split(".")[:n]) for name in [*found, name] for n in range(1, name.count(".") + 1)}
    return {name for name in found if _file(name)}


def _file(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    paths = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in paths if path.exists()), None)


def _module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


# --- An area --------------------------------------------------------------------------------------------------------


def examine(area: Area, only: str | None, tell: Callable[[str], None]) -> Outcome:
    """Try all mutants of an area.

    Raises:
        MutationError: the tests fail on the program as it is.
    """
    begin = time.monotonic()
    mutants = [m for path in area.sources for m in mutants_of(path, (ROOT / path).read_text())]
    mutants = [m for m in mutants if only is None or only in m.where]
    may = {(row["path"], row["where"], row["was"], row["becomes"]) for row in reasons()}
    with tempfile.TemporaryDirectory(prefix="ged-mutate-") as name:
        runner = Runner(Path(name))
        tell(f"{area.name}:")
        seen = meet_warm(area, mutants, runner, Path(name))
        load_ahead(seen.modules, area)
        runner.limit_s = 20 + 10 * max(seen.seconds.values(), default=0)
        runner.cpu_s = int(120 + 5 * sum(seen.seconds.values()))
        living = [m for m, fate in zip(mutants, seen.fates, strict=True) if fate == LIVES]
        left = {m for m in living if m.key in may}
        again = [
            m for m, fate in zip(mutants, seen.fates, strict=True) if fate == LEFT or (fate == LIVES and m not in left)
        ]
        tell(f"  {len(living)} live, {len(left)} of them with a reason; {len(again)} meet all tests from the beginning")
        left |= {job.mutant for job in _alive(runner, (Job(m, area.tests) for m in again), tell) if job.mutant}
        _require_passing(area, runner)  # a full disk would have killed every mutant
    survivors = [m for m in mutants if m in left]
    return _judge(area, mutants, survivors, only, time.monotonic() - begin)


def _require_passing(area: Area, runner: Runner) -> None:
    ((_, status),) = runner.run(iter([Job(None, area.tests)]))
    if status:
        raise MutationError(f"The tests of '{area.name}' fail by now without any mutant:\n{runner.said()}")


def _alive(runner: Runner, jobs: Iterator[Job], tell: Callable[[str], None]) -> list[Job]:
    alive = []
    for number, (job, status) in enumerate(runner.run(jobs), 1):
        if status in (NO_TESTS, BROKEN):
            raise MutationError(f"pytest ran nothing:\n{runner.said()}")
        if not status:
            alive.append(job)
            tell(f"  lives: {_line(job.mutant)}" if job.mutant else "")
        if number % 50 == 0:
            tell(f"  {number} tried")
    return alive


def _judge(area: Area, mutants: list[Mutant], survivors: list[Mutant], only: str | None, seconds: float) -> Outcome:
    """Compare the survivors with the listed reasons; each reason is for one mutant."""
    rows = [row for row in reasons() if row["path"] in area.sources]
    may = Counter((row["path"], row["where"], row["was"], row["becomes"]) for row in rows)
    with_reason: list[Mutant] = []
    without: list[Mutant] = []
    for mutant in survivors:
        listed = may[mutant.key] > 0
        may[mutant.key] -= listed
        (with_reason if listed else without).append(mutant)
    left = [row for row in rows if may[row["path"], row["where"], row["was"], row["becomes"]] > 0]
    return Outcome(area.name, len(mutants), with_reason, without, [] if only else left, seconds)


def _line(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.first} {mutant.where}\n      - {mutant.was}\n      + {mutant.becomes}"


def report(outcome: Outcome) -> str:
    """The report for a person."""
    share = 100 * outcome.killed / outcome.total if outcome.total else 100.0
    lines = [
        f"{outcome.area}: {outcome.total} mutants, {outcome.killed} killed ({share:.1f} %), "
        f"{len(outcome.with_reason)} survive with a reason, {len(outcome.without)} without; {outcome.seconds:.0f} s"
    ]
    lines += [f"  no reason: {_line(mutant)}" for mutant in outcome.without]
    lines += [
        f"  survives no more, strike it out: {row['where']}: {row['was']} -> {row['becomes']}" for row in outcome.stale
    ]
    return "\n".join(lines)


def main() -> int:
    """Parse, examine, report; returns the exit status."""
    table = areas()
    parser = argparse.ArgumentParser(description="Change the program and see whether its tests notice.")
    parser.add_argument("area", nargs="*", help=f"of {', '.join(table)}; all without any")
    parser.add_argument("--only", help="only functions with this text in their name")
    arguments = parser.parse_args()
    unknown = set(arguments.area) - table.keys()
    if unknown:
        parser.error(f"no area {', '.join(sorted(unknown))}; there are {', '.join(table)}")
    os.chdir(ROOT)
    os.nice(NICE)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"  # threads do not survive a fork
    RESULTS.mkdir(parents=True, exist_ok=True)
    names, statuses = arguments.area or list(table), []
    for name in names:
        pid = os.fork()  # an area preloads modules that the next area may change
        if not pid:
            os._exit(_report_on(table[name], arguments.only))
        statuses.append(os.waitpid(pid, 0)[1])
    print("\n".join(["", *((RESULTS / f"{name}.txt").read_text().rstrip() for name in names)]))
    return 1 if any(statuses) else 0


def _report_on(area: Area, only: str | None) -> int:
    """Examine an area and write its report to a file; returns the exit status."""
    (RESULTS / f"{area.name}.txt").write_text(f"{area.name}: stopped\n")
    try:
        outcome = examine(area, only, lambda text: print(text, flush=True))
        text, good = report(outcome), outcome.is_good
    except MutationError as error:
        text, good = f"{area.name}: {error}", False
    (RESULTS / f"{area.name}.txt").write_text(text + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
