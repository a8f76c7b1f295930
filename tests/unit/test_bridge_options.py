"""Settings of devices of different makers. A device is a set of options, as python-sane gives them."""

from typing import Any

import pytest

from scanner_bridge.faults import ScanFault
from scanner_bridge.sane_child import _is_double_feed, _pages, configure

STRING, FIXED, INT, BOOL = 3, 2, 1, 0
PIXEL, MM, DPI = 1, 3, 4


class Option:
    def __init__(self, kind: int, constraint: Any = None, *, unit: int = 0, settable: bool = True) -> None:
        self.type, self.constraint, self.unit, self._settable = kind, constraint, unit, settable

    def is_active(self) -> bool:
        return True

    def is_settable(self) -> bool:
        return self._settable


class Device:
    """Records the values that are set. As libsane, it refuses an option that it lacks and a value that it does not
    offer."""

    def __init__(self, **options: Option) -> None:
        self.__dict__["opt"] = options
        self.__dict__["set"] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        option = self.opt[name]
        if option.type == STRING:
            assert value in option.constraint, (name, value)
        if option.type == INT:
            assert isinstance(value, int), (name, value)
        self.set[name] = value

    def __getattr__(self, name: str) -> Any:
        return self.set[name] if name in self.set else self.opt[name].constraint[0]


def words(*offered: str) -> Option:
    return Option(STRING, list(offered))


A4_AREA = {name: Option(FIXED, (0.0, 356.0, 0.1), unit=MM) for name in ("tl_x", "tl_y", "br_x", "br_y")}
BROTHER = {
    "source": words("FlatBed", "Automatic Document Feeder(left aligned)", "Automatic Document Feeder(left aligned,Duplex)"),
    "mode": words("Black & White", "Gray[Error Diffusion]", "True Gray", "24bit Color[Fast]"),
    "resolution": Option(INT, [100, 150, 200, 300, 600], unit=DPI),
}  # fmt: skip
FUJITSU = {
    "source": words("ADF Back", "ADF Front", "ADF Duplex"),
    "mode": words("Lineart", "Halftone", "Gray", "Color"),
    "resolution": Option(INT, (50, 600, 1), unit=DPI),
    "page_width": Option(FIXED, (0.0, 221.0, 0.02), unit=MM),
    "page_height": Option(FIXED, (0.0, 876.0, 0.02), unit=MM),
    "df_action": words("Default", "Continue", "Stop"),
    "df_thickness": Option(BOOL),
    "double_feed": Option(BOOL, settable=False),
    **A4_AREA,
}
EPSON = {
    "source": words("Flatbed", "Automatic Document Feeder"),
    "adf_mode": words("Simplex", "Duplex"),
    "mode": words("Lineart", "Gray", "Color"),
    "resolution": Option(INT, [75, 300, 600], unit=DPI),
}
HP = {
    "source": words("Flatbed", "ADF"),
    "duplex": Option(BOOL),
    "mode": words("Lineart", "Gray", "Color"),
    "resolution": Option(INT, [75, 100, 300], unit=DPI),
}


def asked(**values: Any) -> dict[str, Any]:
    usual = {"source": None, "mode": "gray", "dpi": 300, "duplex": False, "paper": "a4", "options": {}}
    return usual | values


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        (BROTHER, {"source": "adf"}, {"source": "Automatic Document Feeder(left aligned)", "mode": "True Gray"}),
        (BROTHER, {"duplex": True}, {"source": "Automatic Document Feeder(left aligned,Duplex)"}),
        (BROTHER, {"source": "flatbed", "mode": "color"}, {"source": "FlatBed", "mode": "24bit Color[Fast]"}),
        (BROTHER, {"mode": "lineart"}, {"mode": "Black & White"}),
        (FUJITSU, {"source": "adf"}, {"source": "ADF Front", "page_width": 210.0, "br_y": 297.0, "resolution": 300}),
        (FUJITSU, {"source": "adf", "duplex": True}, {"source": "ADF Duplex", "df_action": "Stop", "df_thickness": 1}),
        (EPSON, {"source": "adf", "duplex": True}, {"source": "Automatic Document Feeder", "adf_mode": "Duplex"}),
        (EPSON, {"duplex": True, "dpi": 200}, {"source": "Automatic Document Feeder", "resolution": 300}),
        (HP, {"source": "adf", "duplex": True}, {"source": "ADF", "duplex": 1}),
    ],
)
def test_options_of_makers(options: dict[str, Option], values: dict[str, Any], expected: dict[str, Any]) -> None:
    device = Device(**options)
    configure(device, asked(**values))
    assert {name: device.set.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("paper", "corner"),
    [("a4", (210.0, 297.0)), ("a5", (148.0, 210.0)), ("a3", (297.0, 356.0)), ("whole", (356.0, 356.0))],
)
def test_paper_within_the_glass(paper: str, corner: tuple[float, float]) -> None:
    device = Device(**A4_AREA)
    configure(device, asked(paper=paper))
    assert (device.set["tl_x"], device.set["tl_y"]) == (0.0, 0.0)
    assert (device.set["br_x"], device.set["br_y"]) == corner


def test_an_area_in_pixels_follows_the_resolution() -> None:
    area = {name: Option(INT, (0, 2550, 1), unit=PIXEL) for name in ("br_x", "br_y")}
    device = Device(resolution=Option(INT, [200], unit=DPI), **area)
    configure(device, asked(dpi=150))
    assert (device.set["br_x"], device.set["br_y"]) == (1654, 2339)


def test_options_of_the_installation_are_set_last_and_must_exist() -> None:
    device = Device(**EPSON, brightness=Option(INT, (-100, 100, 1)))
    configure(device, asked(options={"brightness": 10}))
    assert device.set["brightness"] == 10
    with pytest.raises(ScanFault, match="no option 'gamma'"):
        configure(Device(**EPSON), asked(options={"gamma": 1}))


def test_a_device_of_one_side_says_so() -> None:
    with pytest.raises(ScanFault, match="unsupported"):
        configure(Device(source=words("Flatbed", "Automatic Document Feeder")), asked(source="adf", duplex=True))


class Jammed(Device):
    def start(self) -> None:
        raise RuntimeError("Document feeder jammed")


@pytest.mark.parametrize(("sensor", "code"), [(1, "double_feed"), (0, "jammed")])
def test_a_jam_that_the_sensor_explains_is_a_double_feed(sensor: int, code: str) -> None:
    device = Jammed(**FUJITSU)
    device.set["double_feed"] = sensor
    with pytest.raises(ScanFault) as caught:
        _pages(device, {"first": 1, "dpi": 300, "folder": "."}, feeder=True, tell=lambda _: None)
    assert caught.value.code == code
    assert not _is_double_feed(Device(**EPSON))
