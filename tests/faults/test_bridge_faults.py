"""The bridge is killed, jammed, out of disk, without a server. No page is lost, duplicated or incomplete."""

import io
import os
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.bridge_double import ADF, Desk, Double, desk, double, order

__all__ = ["desk", "double"]  # fixtures

pytestmark = pytest.mark.in_turns(3)
GRID = {"test:0": {"test-picture": "Grid"}}


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("killed_after", [0, 1, 4])
def test_killed_between_pages_loses_none_and_says_interrupted(desk: Desk, double: Double, killed_after: int) -> None:
    desk.configure(GRID)
    site = double.site
    site.page_delay_s = 0.05
    desk.start()
    site.orders.put(order(1, **ADF))
    site.wait(lambda: (1, "scanning", killed_after, None) in site.states)
    desk.kill()
    double.finish_requests()
    on_disk = {path.name: path.read_bytes() for path in desk.spooled()}
    before = set(site.pages.get("batch-1", {}))
    desk.start()
    _, state, count, code = site.wait_final(1)
    assert (state, code) == ("failed", "interrupted")
    held = site.pages.get("batch-1", {})
    assert count == len(held) >= killed_after
    assert {name.split("-")[1].removesuffix(".png") for name in on_disk} | before == set(held)
    for name, data in on_disk.items():
        assert held[name.split("-")[1].removesuffix(".png")][1] == data
    assert site.completed == {}
    site.orders.put(order(2, **ADF))
    assert site.wait_final(2)[1:] == ("done", 10, None)
    assert len(site.completed["batch-1"]) == count + 10


def test_no_scanning_process_outlives_a_killed_agent(desk: Desk, double: Double) -> None:
    desk.configure({"test:0": {"read-delay": True, "read-delay-duration": 200000}})
    desk.start()
    assert desk.agent is not None
    double.site.orders.put(order(1, **ADF))
    children = Path(f"/proc/{desk.agent.pid}/task/{desk.agent.pid}/children")
    double.site.wait(lambda: any(b"sane_child" in _command(pid) for pid in children.read_text().split()))
    scanning = [pid for pid in children.read_text().split() if b"sane_child" in _command(pid)]
    desk.kill()
    double.site.wait(lambda: not any(b"sane_child" in _command(pid) for pid in scanning), 3)


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.mark.parametrize("lost_receipts", [0, 1])
def test_killed_during_an_upload_sends_again_and_the_server_has_it_once(
    desk: Desk, double: Double, lost_receipts: int
) -> None:
    desk.configure()
    pixels = desk.lay("pendant l'envoi")
    site = double.site
    site.page_delay_s, site.lose_receipts = 1.0, lost_receipts
    desk.start()
    site.orders.put(order(1, complete=False))
    site.wait(lambda: bool(site.puts) or any(state[1] == "scanning" and state[2] == 1 for state in site.states))
    desk.kill()
    assert len(desk.spooled()) == 1
    site.page_delay_s = 0.0
    desk.start()
    site.wait_final(1)
    assert [Image.open(io.BytesIO(data)).tobytes() for data in site.images("batch-1")] == [pixels]
    site.wait(lambda: not desk.spooled())


def test_a_receipt_lost_on_the_way_is_asked_again(desk: Desk, double: Double) -> None:
    desk.configure()
    desk.lay("reçu perdu")
    double.site.lose_receipts = 2
    desk.start()
    double.site.orders.put(order(1))
    assert double.site.wait_final(1) == (1, "done", 1, None)
    assert len(double.site.puts) == 3
    assert len(set(double.site.puts)) == 1


def test_pages_that_the_server_lost_are_sent_again(desk: Desk, double: Double) -> None:
    desk.configure(GRID)
    double.site.forget_once = True
    desk.start()
    double.site.orders.put(order(1, **ADF))
    assert double.site.wait_final(1) == (1, "done", 10, None)
    assert len(double.site.puts) == 11
    assert len(double.site.completed["batch-1"]) == 10


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("jammed", "jammed"),
        ("nodocs", "no_docs"),
        ("coveropen", "cover_open"),
        ("ioerror", "io"),
        ("nomem", "no_mem"),
        ("accessdenied", "access_denied"),
    ],
)
def test_the_scanners_faults_have_codes_and_the_next_scan_works(
    desk: Desk, double: Double, status: str, code: str
) -> None:
    desk.lay("bourrage")
    fault = {"filename": str(desk.lid), "status": False, f"status-{status}": True}
    desk.configure({"pnm:0": fault, "pnm:1": {"filename": str(desk.lid)}})
    desk.start()
    double.site.orders.put(order(1))
    assert double.site.wait_final(1) == (1, "failed", 0, code)
    double.site.orders.put(order(2, device="pnm:1"))
    assert double.site.wait_final(2) == (2, "done", 1, None)


def test_a_device_that_is_not_there_is_unplugged(desk: Desk, double: Double) -> None:
    desk.configure({})
    desk.start()
    double.site.orders.put(order(1, device="pnm:9"))
    double.site.orders.put(order(2, device="epson2:libusb:001:004"))
    assert double.site.wait_final(2) == (2, "failed", 0, "unplugged")
    assert double.site.final(1) == (1, "failed", 0, "unplugged")


def test_a_driver_that_hangs_is_killed_and_the_next_scan_works(desk: Desk, double: Double) -> None:
    pipe = desk.home.parent / "never-written"
    os.mkfifo(pipe)
    desk.lay("après le blocage")
    desk.configure({"pnm:0": {"filename": str(pipe)}, "pnm:1": {"filename": str(desk.lid)}}, stall_timeout_s=1.5)
    desk.start()
    double.site.orders.put(order(1))
    assert double.site.wait_final(1) == (1, "failed", 0, "timeout")
    double.site.orders.put(order(2, device="pnm:1"))
    assert double.site.wait_final(2) == (2, "done", 1, None)


def test_a_full_disk_stops_the_scan_and_keeps_what_was_scanned(desk: Desk, double: Double) -> None:
    desk.configure()
    desk.lay("petite")
    desk.start(prefix=("prlimit", "--fsize=40000"))
    double.site.orders.put(order(1, complete=False))
    assert double.site.wait_final(1) == (1, "done", 1, None)
    noise = Image.frombytes("L", (800, 800), os.urandom(640_000))
    noise.save(desk.lid, "PPM")
    double.site.orders.put(order(2, complete=False))
    assert double.site.wait_final(2) == (2, "failed", 0, "disk_full")
    # The manifest is written under a temporary name, at any moment; no such file remains.
    double.site.wait(lambda: not list(desk.home.glob("spool/*/*.part")))
    desk.lay("petite encore")
    double.site.orders.put(order(3, complete=False))
    assert double.site.wait_final(3) == (3, "done", 1, None)
    assert len(double.site.images("batch-1")) == 2


def test_no_paper_is_drawn_in_when_the_disk_is_nearly_full(desk: Desk, double: Double) -> None:
    desk.configure(GRID, free_bytes=1 << 60)
    desk.start()
    double.site.orders.put(order(1, **ADF))
    assert double.site.wait_final(1) == (1, "failed", 0, "disk_full")


SAID = {
    "server_down": ("le serveur répond qu'il ne peut rien prendre pour le moment", "Rien à faire à ce poste."),
    "network_down": ("le serveur ne répond pas", "Vérifiez le câble ou le wifi."),
}


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("way", ["server_down", "network_down"])
def test_a_server_that_goes_and_comes_back_gets_every_page(desk: Desk, double: Double, way: str) -> None:
    desk.configure({"test:0": {"test-picture": "Grid"}})
    site = double.site
    site.page_delay_s = 0.2
    desk.start()
    site.orders.put(order(1, **ADF))
    site.wait(lambda: (1, "scanning", 2, None) in site.states)
    if way == "server_down":
        site.down = True
    else:
        double.stop()
    site.wait(lambda: len(desk.spooled()) == 10)
    site.wait(lambda: f'"{way}"' in (desk.home / "status.json").read_text())
    held = len(site.images("batch-1"))
    assert held < 10
    told = desk.call("status").stdout
    what, to_do = SAID[way]
    assert re.search(rf"Liaison : {what} depuis le \d\d/\d\d/\d{{4}} à \d\d:\d\d\n", told), told
    assert "Ce qui attend est gardé sur ce poste et partira de soi-même dès que le serveur répondra" in told
    assert to_do in told
    assert re.search(r"Pages en attente d'envoi : [1-9]", told), told
    if way == "server_down":
        site.down = False
    else:
        double.start()
    assert site.wait_final(1, 25) == (1, "done", 10, None)
    assert len(site.completed["batch-1"]) == 10
    site.wait(lambda: not desk.spooled())
    told = desk.call("status").stdout
    assert "Liaison : connecté" in told
    assert "gardé sur ce poste" not in told


def test_a_revoked_token_keeps_the_pages_until_it_is_valid(desk: Desk, double: Double) -> None:
    desk.configure()
    desk.lay("révoqué")
    site = double.site
    site.page_delay_s = 0.3
    desk.start()
    site.orders.put(order(1))
    site.wait(lambda: bool(site.batches))
    site.unauthorised = True
    site.wait(lambda: '"unpaired"' in (desk.home / "status.json").read_text())
    assert len(desk.spooled()) == 1
    site.unauthorised = False
    assert site.wait_final(1, 25) == (1, "done", 1, None)


def test_a_refused_batch_stays_on_the_disk_and_holds_nothing_up(desk: Desk, double: Double) -> None:
    desk.configure()
    desk.lay("refusé")
    site = double.site
    site.refused_batches = frozenset({"batch-1"})
    desk.start()
    site.orders.put(order(1))
    assert site.wait_final(1)[1:] == ("failed", 0, "refused")
    assert len(desk.spooled()) == 1
    site.orders.put(order(2, "batch-2"))
    assert site.wait_final(2) == (2, "done", 1, None)
    # The good page leaves the disk after the order's last report; the refused one stays.
    site.wait(lambda: len(desk.spooled()) == 1)
    desk.stop()
    site.refused_batches = frozenset()
    desk.start()
    site.wait(lambda: "batch-1" in site.completed)


def test_a_page_damaged_on_the_disk_is_never_sent_as_good(desk: Desk, double: Double) -> None:
    desk.configure()
    desk.lay("abîmée")
    site = double.site
    desk.start()
    site.page_delay_s = 1.0
    site.orders.put(order(1))
    manifest = desk.home / "spool" / "b-batch-1" / "manifest.json"
    site.wait(lambda: manifest.exists() and '"outcome": "done"' in manifest.read_text())
    desk.kill()
    page = desk.spooled()[0]
    page.write_bytes(page.read_bytes()[:-20])
    double.finish_requests()  # a piece that was on its way when the agent died may be stored: it is removed too
    site.pages.clear()
    desk.start()
    assert site.wait_final(1)[1:] == ("failed", 0, "page_lost")
    assert site.images("batch-1") == []
    assert site.completed == {}
