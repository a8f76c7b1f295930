"""TWAIN through the bridge's scanner, its child process and pytwain, over our own data source manager.

No Windows was available: these tests do not show how a real driver behaves.
"""

import copy
import json
import os
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scanner_bridge.device import ScanRequest
from scanner_bridge.faults import ScanFault
from scanner_bridge.twain_device import TwainScanner
from tests import twain_fake_names as names

pytestmark = pytest.mark.in_turns(3)

BOOL, FIX32, UINT16, INT16 = 6, 7, 4, 1


def enum(kind: int, values: list[Any], current: Any) -> dict[str, Any]:
    return {"kind": "enum", "type": kind, "values": values, "current": current}


def one(kind: int, current: Any) -> dict[str, Any]:
    return {"kind": "one", "type": kind, "current": current}


MFP: dict[str, Any] = {
    "pages": 3,
    "caps": {
        "CAP_FEEDERENABLED": enum(BOOL, [0, 1], 0),
        "CAP_FEEDERLOADED": one(BOOL, 1),
        "CAP_DUPLEX": one(UINT16, 1),
        "CAP_DUPLEXENABLED": enum(BOOL, [0, 1], 0),
        "CAP_XFERCOUNT": one(INT16, -1),
        "CAP_AUTOFEED": one(BOOL, 0),
        "CAP_INDICATORS": one(BOOL, 1),
        "ICAP_UNITS": one(UINT16, 0),
        "ICAP_XFERMECH": enum(UINT16, [0, 2], 0),
        "ICAP_PIXELTYPE": enum(UINT16, [0, 1, 2], 0),
        "ICAP_XRESOLUTION": enum(FIX32, [100, 200, 300, 600], 200),
        "ICAP_YRESOLUTION": enum(FIX32, [100, 200, 300, 600], 200),
        "ICAP_BRIGHTNESS": one(FIX32, 0),
    },
}
GLASS: dict[str, Any] = {
    "pages": 1,
    "old": True,  # TWAIN 1: memory from Windows, not from the manager
    "caps": {
        "CAP_XFERCOUNT": one(INT16, -1),
        "ICAP_PIXELTYPE": enum(UINT16, [1, 2], 1),
        "ICAP_XRESOLUTION": {"kind": "range", "type": FIX32, "values": [75, 1200, 1], "current": 150},
        "ICAP_YRESOLUTION": {"kind": "range", "type": FIX32, "values": [75, 1200, 1], "current": 150},
    },
}


class FakeScanner(TwainScanner):
    child_module = "tests.twain_fake"


class Stage:
    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self.folder = root / "calls", root / "pages"
        self.folder.mkdir()
        self.play: dict[str, Any] = {
            "sources": {"Copieur A": copy.deepcopy(MFP), "Vitre B": copy.deepcopy(GLASS)}, "log": str(self.log)
        }  # fmt: skip
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))

    def scanner(self, devices: dict[str, dict[str, Any]] | None = None, stall_timeout_s: float = 30.0) -> FakeScanner:
        self._monkeypatch.setenv("GED_FAKE_TWAIN", json.dumps(self.play))
        return FakeScanner(devices or {}, stall_timeout_s=stall_timeout_s)

    def scan(self, *, devices: dict[str, dict[str, Any]] | None = None, stall: float = 30.0, **values: Any) -> int:
        """Scan all pages. Returns their number."""
        request = ScanRequest(**{"device": "Copieur A", "source": "adf", "dpi": 200} | values)
        with closing(self.scanner(devices, stall)) as scanner:
            return len(list(scanner.scan(request, self.folder, first=1)))

    def pages(self) -> list[Image.Image]:
        found = []
        for path in sorted(self.folder.glob("*.png")):
            with Image.open(path) as image:
                image.load()
                found.append(image)
        return found

    def calls(self) -> list[Any]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def settings(self) -> dict[str, float]:
        return {call[1]: call[2] for call in self.calls() if call[0] == "set"}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def shade(x: int, y: int, page: int) -> int:
    return (x + 3 * y + 10 * page) % 256


def test_sources_are_described_by_what_they_offer(stage: Stage) -> None:
    with closing(stage.scanner()) as scanner:
        found = {device.name: device for device in scanner.devices()}
    mfp, glass = found["Copieur A"], found["Vitre B"]
    assert (mfp.sources, mfp.modes) == (("Flatbed", "ADF", "ADF Duplex"), ("Lineart", "Gray", "Color"))
    assert mfp.resolutions == (100, 200, 300, 600)
    assert (glass.sources, glass.modes) == (("Flatbed",), ("Gray", "Color"))
    assert glass.resolutions == (150, 200, 300, 400, 600)


def test_the_feeder_gives_every_page_pixel_for_pixel(stage: Stage) -> None:
    assert stage.scan() == 3
    for number, image in enumerate(stage.pages(), start=1):
        assert (image.mode, image.size, round(image.info["dpi"][0])) == ("L", (50, 40), 200)
        for x, y in ((0, 0), (49, 39), (7, 31)):
            assert image.getpixel((x, y)) == shade(x, y, number)
    settings = stage.settings()
    assert (settings["CAP_FEEDERENABLED"], settings["CAP_XFERCOUNT"], settings["CAP_DUPLEXENABLED"]) == (1, -1, 0)
    assert (settings["ICAP_PIXELTYPE"], settings["ICAP_XRESOLUTION"], settings["ICAP_YRESOLUTION"]) == (1, 200, 200)
    assert ["layout", 0.0, 0.0, 8.27, 11.69] in stage.calls()
    assert stage.calls()[-3:] == [names.DISABLE, names.CLOSE, names.CLOSE_MANAGER]


def test_a_page_is_on_the_disk_before_the_next_is_asked_for(stage: Stage) -> None:
    with closing(stage.scanner()) as scanner:
        scan = scanner.scan(ScanRequest("Copieur A", "adf"), stage.folder, first=5)
        page = next(scan)
        assert (stage.folder / page.file).exists()
        assert page.sequence == 5
        assert stage.calls().count(names.TRANSFER) == 1
        scan.close()
    assert stage.calls().count(names.TRANSFER) == 1
    assert stage.calls()[-4:] == [names.RESET, names.DISABLE, names.CLOSE, names.CLOSE_MANAGER]


@pytest.mark.parametrize(("mode", "expected"), [("color", "RGB"), ("lineart", "1")])
def test_colour_and_black_and_white(stage: Stage, mode: str, expected: str) -> None:
    stage.scan(mode=mode)
    image = stage.pages()[0]
    assert image.mode == expected
    value = shade(20, 30, 1)
    assert image.getpixel((20, 30)) == ((7, 255 - value, value) if mode == "color" else 255 * (value >= 128))


def test_duplex_is_switched_on_or_refused(stage: Stage) -> None:
    assert stage.scan(duplex=True) == 3
    assert stage.settings()["CAP_DUPLEXENABLED"] == 1
    with pytest.raises(ScanFault) as caught:
        stage.scan(device="Vitre B", source=None, duplex=True)
    assert caught.value.code == "unsupported"


def test_glass_gives_one_page_by_the_memory_of_an_older_source(stage: Stage) -> None:
    assert stage.scan(device="Vitre B", source=None, dpi=140) == 1
    assert stage.settings()["CAP_XFERCOUNT"] == 1
    assert stage.settings()["ICAP_XRESOLUTION"] == 140
    assert stage.pages()[0].getpixel((3, 4)) == shade(3, 4, 1)


@pytest.mark.parametrize(
    ("condition", "code"),
    [(20, "jammed"), (21, "double_feed"), (24, "cover_open"), (23, "unplugged"), (2, "no_mem"), (5, "io"), (1, "io"),
     (29, "no_docs"), (16, "access_denied"), (999, "io")],
)  # fmt: skip
def test_troubles_in_mid_stack_keep_the_pages_before(stage: Stage, condition: int, code: str) -> None:
    stage.play["sources"]["Copieur A"]["page_faults"] = {"3": condition}
    with pytest.raises(ScanFault) as caught:
        stage.scan()
    assert caught.value.code == code
    assert len(stage.pages()) == 2
    assert stage.calls()[-4:] == [names.RESET, names.DISABLE, names.CLOSE, names.CLOSE_MANAGER]


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    ("at", "condition", "code"),
    [(names.OPEN, 23, "unplugged"), (names.OPEN, 4, "busy"), (names.OPEN, 5, "unplugged"), (names.ENABLE, 24, "cover_open"),
     (names.ENABLE, 16, "access_denied"), (names.TRANSFER, "crash", "crashed"), (names.ENABLE, "hang", "timeout")],
)  # fmt: skip
def test_troubles_before_the_first_page(stage: Stage, at: list[int], condition: Any, code: str) -> None:
    stage.play["at"] = {f"{at[0]}/{at[1]}": condition}
    with pytest.raises(ScanFault) as caught:
        stage.scan(stall=5.0)
    assert caught.value.code == code
    assert stage.pages() == []


def test_an_empty_feeder_a_source_that_ends_and_no_manager(stage: Stage) -> None:
    mfp = stage.play["sources"]["Copieur A"]
    mfp["caps"]["CAP_FEEDERLOADED"]["current"] = 0
    for play, code in (({}, "no_docs"), ({"closes": True}, "interrupted")):
        mfp |= play
        with pytest.raises(ScanFault) as caught:
            stage.scan()
        assert caught.value.code == code
        mfp["caps"]["CAP_FEEDERLOADED"]["current"] = 1
    stage.play["no_dsm"] = True
    with pytest.raises(ScanFault) as caught:
        stage.scan()
    assert caught.value.code == "no_device"


def test_a_source_may_lack_almost_everything(stage: Stage) -> None:
    caps = stage.play["sources"]["Copieur A"]["caps"]
    for name in ("CAP_AUTOFEED", "CAP_INDICATORS", "ICAP_UNITS", "ICAP_XFERMECH", "CAP_FEEDERLOADED", "CAP_DUPLEX"):
        del caps[name]
    assert stage.scan() == 3


def test_options_of_the_settings_are_capabilities_by_name(stage: Stage) -> None:
    assert stage.scan(devices={"Copieur*": {"ICAP_BRIGHTNESS": 120}}) == 3
    assert stage.settings()["ICAP_BRIGHTNESS"] == 120
    for options in ({"ICAP_NONSENSE": 1}, {"MSG_RESET": 1}, {"CAP_AUTHOR": 1}):
        with pytest.raises(ScanFault) as caught:
            stage.scan(devices={"Copieur*": options})
        assert caught.value.code == "unsupported"


@pytest.mark.parametrize("values", [{"size": 12}, {"width": -5}, {"height": 0}, {"bits": 7}, {"compression": 1},
                                    {"width": 100_000, "height": 100_000}])  # fmt: skip
def test_a_bitmap_that_is_none_is_refused_before_it_is_read(values: dict[str, int]) -> None:
    from scanner_bridge.twain_source import picture_of_dib

    head = {"size": 40, "width": 10, "height": 10, "planes": 1, "bits": 24, "compression": 0} | values
    data = struct.pack("<IiiHHI", *head.values()) + bytes(24) + os.urandom(400)

    def read(start: int, length: int) -> bytes:
        assert start + length <= len(data), "more was read than is there"
        return data[start : start + length]

    with pytest.raises(OSError, match=r"bitmap|pixels"):
        picture_of_dib(read)
