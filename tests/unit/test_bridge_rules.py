"""Decisions of the bridge without I/O: by capability, by code, by manifest."""

import pytest

from scanner_bridge.capabilities import choose_mode, choose_resolution, choose_source, is_feeder, list_resolutions
from scanner_bridge.faults import ADVICE, ScanFault, code_of_sane
from scanner_bridge.manifest import Manifest, Order, Page
from scanner_bridge.upload import Backoff

FUJITSU = ["ADF Front", "ADF Back", "ADF Duplex"]
EPSON = ["Flatbed", "Automatic Document Feeder"]
ESCL = ["Flatbed", "ADF", "ADF Duplex"]


@pytest.mark.parametrize(
    ("offered", "wanted", "duplex", "chosen"),
    [
        ([], "adf", False, None),
        (EPSON, None, False, None),
        (EPSON, "adf", False, "Automatic Document Feeder"),
        (EPSON, "flatbed", False, "Flatbed"),
        (EPSON, "flatbed", True, "Flatbed"),
        (ESCL, "adf", False, "ADF"),
        (ESCL, "adf", True, "ADF Duplex"),
        (ESCL, "ADF Duplex", False, "ADF Duplex"),
        (FUJITSU, "feeder", False, "ADF Front"),
        (FUJITSU, None, True, "ADF Duplex"),
    ],
)
def test_source(offered: list[str], wanted: str | None, duplex: bool, chosen: str | None) -> None:
    assert choose_source(offered, wanted, duplex=duplex) == chosen


@pytest.mark.parametrize("offered", [["Flatbed"], ["Document Table", "ADF Duplex"]])
def test_a_source_the_device_lacks_is_refused(offered: list[str]) -> None:
    with pytest.raises(ScanFault) as caught:
        choose_source(offered, "adf", duplex=False)
    assert caught.value.code == "unsupported"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("source", "device_type", "feeder"),
    [
        ("Flatbed", "", False),
        ("ADF Duplex", "", True),
        ("Automatic Document Feeder", "", True),
        ("Document Table", "", False),
        (None, "flatbed scanner", False),
        (None, "sheetfed scanner", True),
        (None, "virtual device", False),
    ],
)
def test_feeder(source: str | None, device_type: str, feeder: bool) -> None:
    assert is_feeder(source, device_type) is feeder


@pytest.mark.parametrize(
    ("offered", "wanted", "chosen"),
    [
        (["Gray", "Color"], "gray", "Gray"),
        (["Lineart", "Halftone", "Gray", "Color"], "lineart", "Lineart"),
        (["Black & White", "True Gray", "24bit Color"], "gray", "True Gray"),
        (["Black & White", "True Gray", "24bit Color"], "color", "24bit Color"),
        (["Binary", "Gray", "Color"], "lineart", "Binary"),
        (["Halftone", "Gray"], "halftone", "Halftone"),
        ([], "gray", None),
    ],
)
def test_mode(offered: list[str], wanted: str, chosen: str | None) -> None:
    assert choose_mode(offered, wanted) == chosen


def test_a_mode_the_device_lacks_is_refused() -> None:
    with pytest.raises(ScanFault, match="unsupported"):
        choose_mode(["Gray"], "color")


@pytest.mark.parametrize(
    ("constraint", "dpi", "chosen"),
    [
        ([75, 150, 300, 600], 300, 300),
        ([75, 150, 600], 300, 600),
        ([75, 150], 300, 150),
        ((50.0, 1200.0, 1.0), 300, 300),
        ((50.0, 200.0, 1.0), 300, 200),
        ((100.0, 600.0, 100.0), 320, 300),
        (None, 240, 240),
    ],
)
def test_resolution(constraint: object, dpi: int, chosen: float) -> None:
    assert choose_resolution(constraint, dpi) == chosen  # type: ignore[arg-type]


def test_resolutions_shown() -> None:
    assert list_resolutions((1.0, 350.0, 1.0)) == [150, 200, 300]
    assert list_resolutions([300, 75]) == [75, 300]


def test_every_code_has_advice_in_both_languages() -> None:
    codes = {code_of_sane(text) for text in ("Document feeder jammed", "Device busy", "Invalid argument", "?")}
    assert codes == {"jammed", "busy", "unsupported", "io"}
    assert code_of_sane("Invalid argument", opening=True) == "unplugged"
    assert code_of_sane("Device busy", opening=True) == "busy"
    assert all(advice.en and advice.fr for advice in ADVICE.values())


def test_manifest_goes_to_disk_and_back_and_numbers_on() -> None:
    first, second = (Order(n, None, "2026-01-05T08:00:00+00:00", complete=n == 2) for n in (1, 2))
    pages = [Page(f"t{n}", f"{n}.png", "d", 1, 1 if n < 3 else 2, n) for n in (3, 1, 2)]
    manifest = Manifest("k/é").with_order(first).with_order(second)
    for page in pages:
        manifest = manifest.with_page(page)
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert [page.sequence for page in manifest.pages] == [1, 2, 3]
    assert manifest.next_sequence == 4
    assert [page.token for page in manifest.pages_of(1)] == ["t1", "t2"]
    assert manifest.with_page(pages[0].with_state("sent")).pages[2].state == "sent"


@pytest.mark.parametrize("data", [b"", b"{}", b'{"batch_key": "k", "orders": [{}], "pages": []}', b"[]"])
def test_a_damaged_manifest_is_told(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error or ours
        Manifest.from_json(data)


def test_waits_grow_with_jitter_up_to_a_limit() -> None:
    backoff = Backoff(first_s=1.0, longest_s=8.0)
    for limit in (1, 2, 4, 8, 8, 8):
        assert limit / 2 <= backoff.next_wait_s() <= limit
    backoff.reset()
    assert backoff.next_wait_s() <= 1.0
