"""An import whose second process is killed, stopped, hangs or lacks memory ends, loses nothing, and says what happened."""

import json
import logging
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_uint64
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ged import index_sync, workers
from ged.config import Settings
from ged.jobs import Job, JobState
from ged.ports import Lane
from ged.takeover.operations import Takeover
from ged.unit import Services
from tests.factories import NOW, make_organisation, make_services
from tests.migration_kit import migrated
from tests.packed_kit import run, with_book
from tests.site import make_settings
from web.commands import imports
from web.commands.index_services import writing
from web.processes.worker import only_worker

pytestmark = pytest.mark.in_turns(3)

LONG_S = 600.0
Harm = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The commands change the log level of the whole process: restore it afterwards."""
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = make_settings(tmp_path)
    migrated(made)
    return made


@pytest.fixture
def services(settings: Settings, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, create=False)
    make_organisation(made)
    with_book(made)
    made.index.close()  # type: ignore[attr-defined]  # one process writes it: here the second one does
    yield made
    made.engine.dispose()


def send(which: signal.Signals) -> None:
    (second,) = multiprocessing.active_children()
    assert second.pid is not None
    os.kill(second.pid, which)


def only_there(monkeypatch: pytest.MonkeyPatch, name: str, instead: Callable[..., Any]) -> None:
    """Put a function in the place of one of the command's, in the second process alone."""
    ours, plain = os.getpid(), getattr(imports, name)

    def one_of_both(*given: object) -> object:
        return (plain if os.getpid() == ours else instead)(*given)

    monkeypatch.setattr(imports, name, one_of_both)


def hang_for_ever(_here: Services) -> bool:
    time.sleep(LONG_S)
    return False


def hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    only_there(monkeypatch, "_index_next", hang_for_ever)


def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_here: Services) -> bool:
        raise MemoryError

    only_there(monkeypatch, "_index_next", refuse)


def without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def limited(settings: Settings) -> Iterator[Services]:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used, used))
        with writing(settings) as here:
            yield here

    only_there(monkeypatch, "writing", limited)


@pytest.mark.parametrize(
    ("harm", "which", "told"),
    [
        pytest.param(None, signal.SIGKILL, "was ended by SIGKILL, perhaps for lack of memory", id="killed"),
        pytest.param(None, signal.SIGSTOP, "got on no more, and was ended", id="stopped"),
        pytest.param(hanging, None, "got on no more, and was ended", id="hanging"),
        pytest.param(refusing, None, "ended with an error (see above)", id="an error"),
        pytest.param(without_memory, None, "the second process, which indexes, ", id="without memory"),
    ],
)
def test_the_import_ends_and_nothing_is_lost(
    settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    harm: Harm | None, which: signal.Signals | None, told: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(imports, "HANGS_AFTER_S", 3.0)
    if harm is not None:
        harm(monkeypatch)
    with imports._indexing(settings, wanted=True):
        if which is not None:
            send(which)
        run(services, *({"id": n, "text": f"Le barrage {n}"} for n in range(3)))
    assert multiprocessing.active_children() == []
    said = capfd.readouterr().err
    assert told in said
    assert "what it left is indexed after the import" in said
    assert ("hang_for_ever" in said) == (harm is hanging), "where it hangs is told"
    with services.unit_of_work(NOW) as uow:  # what it was at is due when its lease is over
        past = datetime.now(UTC) - timedelta(seconds=1)
        uow.session.execute(update(Job).where(Job.state == JobState.RUNNING).values(lease_until=past))
    assert imports._indexed(settings, services) == 0
    report = index_sync.compare(services, progress=lambda _done, _total: None)
    assert (report.letters, report.differences, report.waiting) == (3, {}, 0)


def test_an_import_that_is_broken_off_waits_for_no_stopped_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BROKEN_OFF_S", 0.5)
    with pytest.raises(KeyboardInterrupt), imports._indexing(settings, wanted=True):
        send(signal.SIGSTOP)
        raise KeyboardInterrupt
    assert multiprocessing.active_children() == []


def with_jobs(services: Services) -> None:
    run(services, *({"id": n, "text": f"Le barrage {n}"} for n in range(3)))


def test_a_stopped_process_that_holds_the_index_is_not_waited_for_without_end(
    settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(imports, "HANGS_AFTER_S", 1.0)
    with_jobs(services)
    with only_worker(settings.data_dir):
        assert imports._indexed(settings, services) == 1
    assert "does not get on" in capfd.readouterr().err
    assert imports._indexed(settings, services) == 0, "later nobody holds it"


def test_a_living_worker_is_waited_for(
    settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(imports, "HANGS_AFTER_S", 0.5)
    with_jobs(services)
    with services.unit_of_work(NOW) as uow:
        workers.beat(uow.session, "one", host="here", lanes=tuple(Lane), now=datetime.now(UTC))
    left: list[int] = []
    waiting = threading.Thread(target=lambda: left.append(imports._indexed(settings, services)))
    with only_worker(settings.data_dir):
        waiting.start()
        waiting.join(2.0)
        assert waiting.is_alive()
    waiting.join(120.0)
    assert left == [0]
    assert capfd.readouterr().err == ""


def test_the_wait_for_the_index_is_told_apart_from_the_taking_over(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (True, False):
        output = imports._Output(as_json=as_json)
        output.taken()
        time.sleep(imports.REPORTED_FROM_S)
        output.end(Takeover(lines=3, taken=3), 0, dry_run=False)
    figures, line = capsys.readouterr().out.splitlines()
    assert json.loads(figures)["seconds"] == 0.0
    assert json.loads(figures)["seconds_until_found"] >= imports.REPORTED_FROM_S
    assert line.startswith("3 taken over, 0 were there, 0 refused, 0.0 s; then 1.")


class Busy:
    """A process that ends after so many writes."""

    def __init__(self, writes: c_uint64, last: int) -> None:
        self._writes, self._last = writes, last

    @property
    def exitcode(self) -> int | None:
        return 0 if self._writes.value == self._last else None

    def join(self, _limit_s: float) -> None:
        time.sleep(0.05)
        self._writes.value += 1


def test_a_process_that_gets_on_is_waited_for_beyond_the_limit() -> None:
    writes = RawValue(c_uint64, 0)
    imports._wait_for(Busy(writes, 20), writes, 0.2)  # type: ignore[arg-type]  # what is asked of a process
    assert writes.value == 20
