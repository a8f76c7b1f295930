"""``ged upgrade`` with processes of two real releases: people register meanwhile, and no letter is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, inspect, select

from ged.errors import EngineFailed
from ged.register.models import MailNumber
from tests.clerk_kit import Clerk, wait_for
from tests.factories import SECRET, make_organisation, make_services
from tests.release_kit import THIS, Release, make_next_release
from tests.servers import Unavailable, free_port, postgres
from tests.site import give_passwords
from web.processes import upgrade as process
from web.processes.systemd import running
from web.processes.upgrade import Ended, Place

WAIT_S = 120.0


@dataclass
class Processes:
    """A machine whose services are processes of this test (``web.processes.upgrade.Machine``)."""

    place: Place
    settings: dict[str, str]
    services: dict[str, tuple[str, ...]]
    site: str
    log: Path
    alive: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def ged(self, release: Path, *words: str) -> Ended:
        done = subprocess.run(
            [release / "bin" / "ged", *words], capture_output=True, text=True, check=False, env=self._environment()
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def units(self) -> Sequence[str]:
        return tuple(self.services)

    def restart(self, unit: str) -> bool:
        self.stop(unit)
        with self.log.open("ab") as out:
            self.alive[unit] = subprocess.Popen(
                [self.place.current / "bin" / "ged", *self.services[unit]], env=self._environment(), stdout=out,
                stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        ended = self.alive[unit].poll
        if unit == "site":
            with suppress(AssertionError):
                wait_for(lambda: ended() is not None or self._answers(), within_s=WAIT_S)
            return ended() is None and self._answers()
        with suppress(subprocess.TimeoutExpired):
            self.alive[unit].wait(3)
        return ended() is None

    def older(self, release: Path) -> Sequence[int]:
        return running(release)

    def stop(self, unit: str) -> None:
        started = self.alive.pop(unit, None)
        if started is None:
            return
        started.terminate()
        try:
            started.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, 9)
            started.wait()

    def _environment(self) -> dict[str, str]:
        return {**{k: v for k, v in os.environ.items() if not k.startswith("GED_")}, **self.settings}

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.site}/sante/site", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


def installed(place: Place, name: str, sources: Release, *, broken: str = "") -> Path:
    """A release as install.sh leaves one; ``broken``: this command of it ends at once."""
    folder = place.root / "releases" / name
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "program.py"
    program.write_text(
        f"import sys\nif sys.argv[1] == {broken!r}:\n    sys.exit(1)\nfrom web.commands import program\nprogram()\n"
    )
    script = folder / "bin" / "ged"
    script.write_text(
        f'#!/bin/sh\ncd {sources.sources}\nPYTHONPATH={sources.sources} exec {sys.executable} -P {program} "$@"\n'
    )
    script.chmod(0o755)
    return folder


@pytest.fixture
def database() -> Iterator[str]:
    """In a cluster that writes to its disk: an upgrade asks for it."""
    try:
        with postgres.durable() as cluster:
            yield cluster.url
    except Unavailable as refusal:
        pytest.skip(str(refusal))


@pytest.fixture
def machine(database: str, empty_redis_url: str, tmp_path: Path) -> Iterator[Processes]:
    port = free_port()
    settings = {
        "GED_DATA_DIR": str(tmp_path / "data"), "GED_SECRET": SECRET, "GED_DATABASE_URL": database,
        "GED_REDIS_URL": empty_redis_url, "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1",  # nobody searches
        "GED_DISK_RESERVE_BYTES": "0",
    }  # fmt: skip
    (tmp_path / "state").mkdir()
    place = Place(tmp_path / "opt", tmp_path / "state")
    words = ("serve", "--bind", f"127.0.0.1:{port}", "--processes", "1", "--threads", "4")
    made = Processes(
        place, settings, {"site": words, "worker": ("worker",)}, f"http://127.0.0.1:{port}", tmp_path / "log"
    )
    yield made
    for unit in tuple(made.alive):
        made.stop(unit)


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(1200)
@pytest.mark.long("services of three releases are started one after another")
def test_a_release_replaces_another_and_one_that_does_not_start_is_left(machine: Processes, tmp_path: Path) -> None:
    place = machine.place
    was = installed(place, "1.0", THIS)
    later = make_next_release(tmp_path / "next")
    broken, good = installed(place, "1.1", later, broken="worker"), installed(place, "1.2", later)
    place.link("current", was)
    place.note(finished=True)
    assert machine.ged(was, "migrate", "--finish").code == 0
    services = make_services(tmp_path / "data", url=machine.settings["GED_DATABASE_URL"], create=False)
    make_organisation(services)
    give_passwords(services)
    services.engine.dispose()
    assert all(machine.restart(unit) for unit in machine.units())
    stop = threading.Event()
    clerk = Clerk(machine.site, "a", stop)
    thread = threading.Thread(target=clerk.work, daemon=True)
    thread.start()

    def more() -> None:
        count = len(clerk.answered)
        wait_for(lambda: len(clerk.answered) > count + 3, within_s=WAIT_S)

    more()
    with pytest.raises(EngineFailed, match="upgrade.went_back"):
        process.upgrade(machine, place, broken, copy=False)
    assert (place.current, place.previous) == (was.resolve(), None)
    assert running(broken) == []
    more()  # the release before, on the expanded tables
    process.upgrade(machine, place, good, copy=False)
    assert running(was) == []
    more()
    process.back(machine, place)
    more()
    process.upgrade(machine, place, good, copy=False)
    process.finish(machine, place)
    more()
    stop.set()
    thread.join(60)
    with services.reading() as session:
        texts = session.scalars(select(MailNumber.text)).all()
        told = {text for _, text in clerk.answered.values()}
        assert told <= set(texts), "every number that was displayed stays"
        assert session.scalar(select(func.count(MailNumber.id))) == len(set(texts))
    assert "enclosure_note" not in {one["name"] for one in inspect(services.engine).get_columns("mails")}
    services.engine.dispose()
