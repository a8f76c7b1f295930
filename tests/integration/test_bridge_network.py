"""Scanners on the network: the real sane-airscan with a simulated device, the real ``saned`` over SANE's net
backend."""

import fcntl
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from scanner_bridge.config import ConfigProblem
from scanner_bridge.network import check_address, plug_in
from scanner_bridge.simulate import SimulatedScanner
from scanner_bridge.simulate_device import Device
from tests.bridge_double import Desk, Double, double, order

__all__ = ["double"]  # a fixture

pytestmark = pytest.mark.in_turns(3)
SANED_PORT = 6566


@pytest.fixture
def desk(tmp_path: Path, double: Double) -> Iterator[Desk]:
    place = Desk(tmp_path, double.url)
    (place.sane / "dll.conf").write_text("")
    yield place
    place.stop()


def names(desk: Desk) -> list[str]:
    return [each["name"] for each in json.loads(desk.call("devices", "--json").stdout)]


def test_an_mfp_is_added_by_its_address_and_scans(desk: Desk, double: Double, tmp_path: Path) -> None:
    paper = tmp_path / "paper"
    paper.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        Image.new("L", (2480, 3508), 240).save(paper / name, dpi=(300, 300))
    simulated = SimulatedScanner(Device(paper))
    threading.Thread(target=simulated.serve_forever, args=(0.05,), daemon=True).start()
    desk.configure({})
    address = f"http://127.0.0.1:{simulated.server_address[1]}/eSCL"
    with closing(simulated.socket):
        assert desk.call("network", "Copieur 2e étage", "copieur").returncode == 1
        assert desk.call("network", "Copieur 2e étage", address).returncode == 0
        (device,) = names(desk)
        assert device == "airscan:e0:Copieur 2e étage"
        desk.start()
        double.site.orders.put(order(1, device=device, source="adf", dpi=100))
        assert double.site.wait_final(1) == (1, "done", 3, None)
        simulated.shutdown()
    assert desk.call("network", "Copieur 2e étage", "--remove").returncode == 0
    assert json.loads((desk.home / "config.json").read_text())["network"] == {}


@pytest.fixture
def saned(tmp_path: Path) -> Iterator[Path]:
    """``saned`` on its fixed port: one at a time on this machine. Skips the test where another one runs."""
    with (Path("/tmp") / "ged-tests-saned.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", SANED_PORT)) == 0:
                pytest.skip(f"port {SANED_PORT} is taken: another saned runs here")
        folder = tmp_path / "saned"
        folder.mkdir()
        (folder / "dll.conf").write_text("pnm\ntest\n")
        (folder / "test.conf").write_bytes(Path("/etc/sane.d/test.conf").read_bytes())
        (folder / "saned.conf").write_text("127.0.0.1\ndata_portrange = 10000 - 10100\n")
        process = subprocess.Popen(
            ["/usr/sbin/saned", "-l", "-b", "127.0.0.1"], env=os.environ | {"SANE_CONFIG_DIR": str(folder)}
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", SANED_PORT)) == 0:
                    break
            time.sleep(0.05)
        yield folder
        process.kill()
        process.wait()


@pytest.mark.skipif(not Path("/usr/sbin/saned").exists(), reason="saned (sane-utils) is not installed")
def test_the_scanner_of_another_computer_scans(desk: Desk, double: Double, saned: Path) -> None:
    desk.configure({"net:127.0.0.1:pnm:0": {"filename": str(desk.lid)}, "net:127.0.0.1:test:0": {}})
    pixels = desk.lay("par le réseau")
    assert desk.call("network", "Poste voisin", "saned://127.0.0.1").returncode == 0
    assert names(desk) == ["net:127.0.0.1:pnm:0", "net:127.0.0.1:test:0"]
    desk.start()
    double.site.orders.put(order(1))
    assert double.site.wait_final(1) == (1, "done", 1, None)
    (data,) = double.site.images("batch-1")
    path = saned / "page.png"
    path.write_bytes(data)
    assert Image.open(path).tobytes() == pixels
    double.site.orders.put(order(2, "batch-2", device="net:127.0.0.1:test:0", source="adf"))
    assert double.site.wait_final(2) == (2, "done", 10, None)


def test_the_computers_own_configuration_stays(tmp_path: Path) -> None:
    own, home = tmp_path / "own", tmp_path / "home"
    (own / "dll.d").mkdir(parents=True)
    (own / "dll.d" / "hplip").write_text("hpaio\n")
    (own / "net.conf").write_text("connect_timeout = 5\nvoisin\n")
    environ = {"SANE_CONFIG_DIR": str(own)}
    network = {"Copieur": "http://10.0.0.5/eSCL", "Vieux": "wsd://10.0.0.6/wsd", "Poste": "saned://10.0.0.7"}
    plug_in(home, network, environ)
    plug_in(home, network, environ)
    assert environ["SANE_CONFIG_DIR"] == f"{home}/sane:{own}"
    assert (home / "sane/dll.d/ged-bridge").read_text().split() == ["hpaio", "net", "airscan"]
    assert (home / "sane/net.conf").read_text().splitlines() == ["connect_timeout = 5", "voisin", "10.0.0.7"]
    assert '"Vieux" = http://10.0.0.6/wsd, WSD' in (home / "sane/airscan.conf").read_text()


@pytest.mark.parametrize("address", ["", "copieur", "ftp://x/", "http://", "http://a b/", 'http://x/",', "saned://a:1"])
def test_addresses_that_sane_would_misread(address: str) -> None:
    with pytest.raises(ConfigProblem):
        check_address("Copieur", address)
