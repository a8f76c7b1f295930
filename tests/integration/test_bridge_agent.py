"""The bridge as a process, with real libsane (its test and pnm devices) and a real HTTP server."""

import contextlib
import io
import json
import stat
import time

import pytest
from PIL import Image

from scanner_bridge import VERSION
from tests.bridge_double import ADF, CODE, TOKEN, Desk, Double, desk, double, order

__all__ = ["desk", "double"]  # fixtures

pytestmark = pytest.mark.in_turns(3)


def test_pairing_keeps_the_token_private_and_the_devices(desk: Desk, double: Double) -> None:
    desk.configure({"pnm:0": {"filename": "/x.pgm"}})
    refused = desk.call("pair", "--server", double.url, "--code", "wrong")
    assert refused.returncode == 1
    assert "Code inconnu" in refused.stderr
    paired = desk.call("pair", "--server", double.url, "--code", CODE, "--name", "Guichet 1")
    assert paired.returncode == 0, paired.stderr
    path = desk.home / "config.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    values = json.loads(path.read_text())
    assert (values["token"], values["bridge_id"]) == (TOKEN, "7")
    assert values["devices"] == {"pnm:0": {"filename": "/x.pgm"}}
    assert TOKEN not in paired.stdout + paired.stderr


def test_running_unpaired_says_what_to_do(desk: Desk) -> None:
    answer = desk.call("run")
    assert answer.returncode == 1
    assert "ged-bridge pair" in answer.stderr


def test_devices_shows_what_each_offers(desk: Desk) -> None:
    desk.configure({})
    found = {each["name"]: each for each in json.loads(desk.call("devices", "--json").stdout)}
    assert set(found) == {"pnm:0", "pnm:1", "test:0", "test:1"}
    assert found["test:0"]["sources"] == ["Flatbed", "Automatic Document Feeder"]
    assert found["test:0"]["modes"] == ["Gray", "Color"]
    assert 300 in found["pnm:0"]["resolutions"]


def test_only_configured_devices_are_offered_in_their_order(desk: Desk) -> None:
    desk.configure({"test:1": {}, "pnm:*": {}})
    names = [each["name"] for each in json.loads(desk.call("devices", "--json").stdout)]
    assert names == ["test:1", "pnm:0", "pnm:1"]


def test_flatbed_pages_arrive_pixel_for_pixel_within_the_promised_time(desk: Desk, double: Double) -> None:
    desk.configure()
    pixels = [desk.lay("premiere page", (2480, 3508))]
    desk.start()
    site = double.site
    site.wait(lambda: bool(site.devices))
    assert site.version == VERSION
    site.orders.put(order(1, dpi=300, complete=False))
    assert site.wait_final(1) == (1, "done", 1, None)
    scanned_at = next(at for (_, state, pages, _), (_, at) in zip(site.states, site.state_times, strict=True)
                      if (state, pages) == ("scanning", 1))  # fmt: skip
    stored_at = next(iter(site.pages["batch-1"].values()))[2]
    assert stored_at - scanned_at < 0.3
    pixels.append(desk.lay("deuxieme page", (2480, 3508)))
    site.orders.put(order(2, dpi=300, complete=False))
    assert site.wait_final(2) == (2, "done", 1, None)
    images = [Image.open(io.BytesIO(data)) for data in site.images("batch-1")]
    assert [image.tobytes() for image in images] == pixels
    assert [round(value) for value in images[0].info["dpi"]] == [300, 300]
    assert site.completed == {}
    assert site.batches["batch-1"] == [1, 2]
    site.wait(lambda: desk.spooled() == [])


def test_feeder_gives_all_pages_and_completes_in_order(desk: Desk, double: Double) -> None:
    desk.configure({"test:0": {"test-picture": "Grid"}})
    desk.start()
    site = double.site
    site.orders.put(order(5, source="adf"))
    assert site.wait_final(5) == (5, "done", 10, None)
    assert site.completed["batch-1"] == [token for token, _ in sorted(site.pages["batch-1"].items(),
                                                                      key=lambda item: item[1][0])]  # fmt: skip
    progress = [pages for _, state, pages, _ in site.states if state == "scanning"]
    assert progress == list(range(11))
    site.wait(lambda: not list(desk.home.glob("spool/*")))


def test_cancel_stops_after_the_page_and_keeps_what_was_scanned(desk: Desk, double: Double) -> None:
    desk.configure({"test:0": {}})
    double.site.cancel_at = 3
    desk.start()
    double.site.orders.put(order(6, **ADF))
    assert double.site.wait_final(6) == (6, "cancelled", 3, None)
    assert len(double.site.images("batch-1")) == 3
    assert double.site.completed == {}


def test_duplex_is_refused_where_the_device_has_one_side_only(desk: Desk, double: Double) -> None:
    desk.configure({"test:0": {}})
    desk.start()
    double.site.orders.put(order(7, duplex=True, **ADF))
    assert double.site.wait_final(7) == (7, "failed", 0, "unsupported")


def test_an_order_that_comes_twice_is_scanned_once(desk: Desk, double: Double) -> None:
    desk.configure()
    desk.lay("une fois")
    desk.start()
    site = double.site
    site.orders.put(order(8, complete=False))
    site.wait_final(8)
    # An order that arrives while its report is being recorded gets that report. The site sends it once more.
    for _ in range(10):
        site.orders.put(order(8, complete=False))
        with contextlib.suppress(AssertionError):
            site.wait(lambda: sum(state[1] == "done" for state in site.states) >= 2, 2.0)
            break
    assert sum(state[1] == "done" for state in site.states) >= 2
    assert len(site.images("batch-1")) == 1
    assert site.final(8) == (8, "done", 1, None)


def test_status_and_stop(desk: Desk, double: Double) -> None:
    desk.configure()
    desk.start()
    double.site.wait(lambda: bool(double.site.devices))
    double.site.wait(lambda: json.loads(desk.call("status", "--json").stdout)["link"] == "online")
    seen = json.loads(desk.call("status", "--json").stdout)
    assert (seen["running"], seen["waiting_pages"]) == (True, 0)
    second = desk.call("run")
    assert second.returncode == 1
    assert "utilise" in second.stderr
    started = time.monotonic()
    assert desk.stop() == 0
    assert time.monotonic() - started < 3
    assert json.loads(desk.call("status", "--json").stdout)["running"] is False
