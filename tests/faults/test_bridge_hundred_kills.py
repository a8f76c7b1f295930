"""A stack of 50 sheets while agent, server and network fail at random: 50 pages, once each, in their order.

The clerk of this test knows only the stack. When an order has ended, she counts the pages and lays the next sheet.
``KILLS=100`` (``make bench-bridge``) kills a hundred times; the usual run kills fewer times.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from ged.capture import bridges
from ged.capture.models import FINAL_ORDER_STATES, Scan, ScanBatch, ScanOrder, ScanPage
from ged.capture.orders import ScanTarget, Settings, order_scan
from ged.ports import Digest
from ged.recognition import jobs as recognition
from scanner_bridge.config import Config, save
from tests.bridge_double import ADF, Desk
from tests.factories import actor
from tests.started import GED, Started
from tests.wire import Wire
from tests.worker_kit import Installation, eventually

MANY = bool({"GED_TEST_LONG", "KILLS"} & set(os.environ))
SHEETS = 50 if MANY else 7  # on the glass, one order for each
LOADS = 5 if MANY else 3  # of ten sheets
KILLS = int(os.environ.get("KILLS", "6"))
WAIT_S = 90.0
VICTIMS = ("agent", "agent", "server", "whole server", "network", "network")
NOT_THE_AGENT = VICTIMS[2:]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass
class Office:
    """The installation, its server as a process, a network connection that can be cut, and the desk."""

    place: Installation
    wire: Wire
    desk: Desk
    bridge_id: int
    server: subprocess.Popen[bytes] | None = None
    killed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VICTIMS, 0))

    def start_server(self) -> None:
        with (self.place.folder / "server.log").open("ab") as log:
            self.server = Started(
                [str(GED), "serve", "--bind", f"127.0.0.1:{self.wire.target}", "--processes", "1"],
                env=os.environ | {"GED_ENV_FILE": str(self.place.env_file)}, stdout=log, stderr=log,
            )  # fmt: skip

    def stop_server(self) -> None:
        if self.server is not None:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()

    def _kill_site(self) -> None:
        """Kill the process that holds the site and every connection. Its master starts another one."""
        assert self.server is not None
        children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
        for pid in children:
            os.kill(int(pid), signal.SIGKILL)

    def kill(self, victim: str) -> None:
        """Kill one of the three. It restarts at once, and needs time to be ready."""
        self.killed[victim] += 1
        if victim == "agent":
            self.desk.kill()
            self.desk.start()
        elif victim == "whole server":
            self.stop_server()
            self.start_server()
        elif victim == "server":
            self._kill_site()
        else:
            self.wire.cut()

    def order(self, batch_key: str | None, device: str, settings: Settings) -> tuple[int, str]:
        now, clerk = datetime.now(UTC), actor(self.place.services, "agent")
        with self.place.services.unit_of_work(now) as uow:
            into = ScanTarget(batch_key=batch_key)
            order = order_scan(uow, self.bridge_id, settings, actor=clerk, now=now, device=device, into=into)
            return order.id, order.batch_key

    def ended(self, order_id: int) -> bool:
        with self.place.services.reading() as session:
            return session.get_one(ScanOrder, order_id).state in FINAL_ORDER_STATES

    def received(self, batch_key: str) -> int:
        with self.place.services.reading() as session:
            query = select(func.count(ScanPage.id)).join(ScanBatch, ScanBatch.id == ScanPage.batch_id)
            return session.scalar(query.where(ScanBatch.key == batch_key)) or 0

    def is_scanned(self, batch_key: str, order_id: int) -> bool:
        """Whether the spool knows how the order's scan ended: then no sheet moves any more."""
        path = self.desk.home / "spool" / f"b-{batch_key}" / "manifest.json"
        try:
            orders = json.loads(path.read_text())["orders"]
        except FileNotFoundError:
            return False
        return any(order["order_id"] == order_id and order["outcome"] for order in orders)

    def images(self, batch_key: str) -> list[Image.Image]:
        """The pages of the waiting scan, as images."""
        with self.place.services.reading() as session:
            batch_id = session.scalars(select(ScanBatch.id).where(ScanBatch.key == batch_key)).one()
        recognition.run_intake(self.place.services, batch_id, heartbeat=lambda _: None, now=datetime.now(UTC))
        with self.place.services.reading() as session:
            scan = session.scalars(select(Scan).where(Scan.batch_id == batch_id)).one()
            digests = [leaf.page.digest for leaf in scan.leaves]
            tokens = [leaf.page.token for leaf in scan.leaves]
        assert len(set(tokens)) == len(tokens)
        found = []
        for digest in digests:
            with self.place.services.blobs.open(Digest(digest)) as blob:
                found.append(Image.open(io.BytesIO(blob.read())))
        return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    place = Installation.make(tmp_path / "site")
    now, clerk = datetime.now(UTC), actor(place.services, "agent")
    with place.services.unit_of_work(now) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=now)
    with place.services.unit_of_work(now) as uow:
        token, bridge_id = bridges.pair(uow, code, "Guichet", now=now)
    wire = Wire(_free_port())
    (tmp_path / "desk").mkdir()
    desk = Desk(tmp_path / "desk", wire.url)
    devices = {"pnm:0": {"filename": str(desk.lid)}, "test:0": {"test-picture": "Grid"}}
    save(desk.home, Config(server=wire.url, token=token, bridge_id=str(bridge_id), devices=devices))
    made = Office(place, wire, desk, bridge_id)
    made.start_server()
    desk.start()
    yield made
    desk.kill()
    made.stop_server()
    wire.stop()
    place.close()


def _chance() -> random.Random:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed {seed}, {KILLS} kills")
    return random.Random(seed)


def _await_end(office: Office, order_id: int) -> None:
    log = office.place.folder / "server.log"
    eventually(lambda: office.ended(order_id), within_s=WAIT_S, what=f"order {order_id} ends", log=log)


def _print_figures(office: Office, sheets: int, begun: float, again: int) -> None:
    line = {"sheets": sheets, "killed": office.killed, "laid_again": again, "seconds": round(time.monotonic() - begun)}
    print(json.dumps(line))
    assert sum(office.killed.values()) == KILLS


LONG = pytest.mark.skipif(
    not MANY,
    reason="takes over a minute, for the same path as pnm: GED_TEST_LONG=1 runs it too",
)


@pytest.mark.parametrize("backend", ["pnm", pytest.param("test", marks=LONG)])
def test_fifty_sheets_on_the_glass(office: Office, backend: str) -> None:
    """One order for each sheet. A sheet is recognised by its pixels (pnm) or by its resolution (test)."""
    chance, begun, again = _chance(), time.monotonic(), 0
    key, pixels = None, []
    for sheet in range(1, SHEETS + 1):
        pixels.append(office.desk.lay(f"feuille {sheet}", (400, 560)))
        kills = sheet * KILLS // SHEETS - (sheet - 1) * KILLS // SHEETS
        while True:
            dpi = 100 if backend == "pnm" else 50 + sheet
            source = "" if backend == "pnm" else "Flatbed"
            settings = Settings(source=source, dpi=dpi, more=sheet < SHEETS)
            order_id, key = office.order(key, f"{backend}:0", settings)
            for _ in range(kills):
                time.sleep(chance.uniform(0, 1.0))
                office.kill(chance.choice(VICTIMS))
            _await_end(office, order_id)
            if office.received(key) == sheet:
                break
            assert office.received(key) == sheet - 1
            kills, again = 0, again + 1
    _print_figures(office, SHEETS, begun, again)
    found = office.images(key or "")
    assert len(found) == SHEETS
    if backend == "pnm":
        assert [image.tobytes() for image in found] == pixels
    else:
        assert [round(float(image.info["dpi"][0])) for image in found] == [50 + n for n in range(1, SHEETS + 1)]


@pytest.mark.long("the feeder of another scanner; fifty sheets on the glass in the usual run")
def test_five_loads_of_the_feeder(office: Office) -> None:
    """Five loads of ten sheets through SANE's test feeder; in the usual run three.

    The feeder fills itself when it is opened. So the agent is killed only between loads, while it still uploads; server
    and network are killed at any moment.
    """
    chance, begun = _chance(), time.monotonic()
    key: str | None = None
    for load in range(LOADS):
        order_id, key = office.order(key, "test:0", Settings(**ADF, dpi=60 + load, more=load < LOADS - 1))
        for _ in range((load + 1) * KILLS // LOADS - load * KILLS // LOADS):
            time.sleep(chance.uniform(0, 0.7))
            safe = VICTIMS if office.is_scanned(key, order_id) else NOT_THE_AGENT
            office.kill(chance.choice(safe))
        _await_end(office, order_id)
        assert office.received(key) == 10 * (load + 1)
    _print_figures(office, 10 * LOADS, begun, 0)
    found = [round(float(image.info["dpi"][0])) for image in office.images(key or "")]
    assert found == [60 + load for load in range(LOADS) for _ in range(10)]
