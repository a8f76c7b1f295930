"""``python -m scanner_bridge.sane_child``: the only caller of libsane, in a process that may hang, crash or be killed."""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from scanner_bridge import capabilities
from scanner_bridge.child_side import may_go_on, serve, write_page
from scanner_bridge.faults import ScanFault, code_of_sane

try:
    import sane
except ImportError as refusal:
    _missing = f"python-sane: {refusal}"
else:
    _missing = ""

_UNIT_PIXEL, _UNIT_MM = 1, 3
_MM_PER_INCH = 25.4


def _sane() -> Any:
    if _missing:
        raise ScanFault("no_device", _missing)
    sane.init()
    return sane


def _open(name: str) -> Any:
    module = _sane()
    try:
        return module.open(name)
    except Exception as error:  # python-sane raises the private class _sane.error
        raise ScanFault(code_of_sane(str(error), opening=True), f"open {name}: {error}") from error


def _offered(device: Any, name: str) -> list[str]:
    """The words that an option accepts; empty if the device lacks the option or the option has no list."""
    option = device.opt.get(name)
    constraint = option.constraint if option is not None and option.is_active() else None
    return [str(value) for value in constraint] if isinstance(constraint, list) else []


def _settable(device: Any, name: str) -> bool:
    option = device.opt.get(name)
    return option is not None and option.is_active() and option.is_settable()


def _numbers(device: Any, name: str) -> Any:
    return device.opt[name].constraint if name in device.opt else None


def _set_number(device: Any, name: str, value: float) -> None:
    """Set a number: libsane's fixed-point options take a float, its integer options only an int."""
    setattr(device, name, round(value) if device.opt[name].type == 1 else float(value))


def _set_page(device: Any, paper: str, dpi: float) -> None:
    """Set the paper size. Else many devices scan (or pad to) their whole glass, and feeders centre on its width."""
    corner = capabilities.page_corner(paper)
    width, height = corner or (math.inf, math.inf)
    if corner is not None:
        _set_length(device, "page_width", width, dpi)
        _set_length(device, "page_height", height, dpi)
    for name, value in (("tl_x", 0.0), ("tl_y", 0.0), ("br_x", width), ("br_y", height)):
        _set_length(device, name, value, dpi)


def _set_length(device: Any, name: str, value_mm: float, dpi: float) -> None:
    """Set a length within the device's limits, in the device's unit. An option that it lacks is skipped."""
    if not _settable(device, name) or device.opt[name].unit not in (_UNIT_PIXEL, _UNIT_MM):
        return
    value = value_mm if device.opt[name].unit == _UNIT_MM else value_mm / _MM_PER_INCH * dpi
    limits = device.opt[name].constraint
    if isinstance(limits, tuple):
        value = min(max(value, limits[0]), limits[1])
    elif isinstance(limits, list) and limits:
        fitting = [one for one in limits if one >= value]
        value = min(fitting) if fitting else max(limits)
    if math.isfinite(value):
        _set_number(device, name, value)


def _set_duplex(device: Any, source: str | None) -> None:
    """Scan both sides, by the first of the three usual options that the device has."""
    if source is not None and "duplex" in source.lower():
        return
    if _settable(device, "duplex"):
        device.duplex = 1
        return
    both = [word for word in _offered(device, "adf_mode") if "duplex" in word.lower()]
    if not both:
        raise ScanFault("unsupported", "no duplex on this device")
    device.adf_mode = both[0]


def _stop_at_double_feeds(device: Any) -> None:
    """If the feeder detects double feeds, let it stop at them: an unnoticed missing page is the worst outcome."""
    stops = [word for word in _offered(device, "df_action") if word.lower() == "stop"]
    if stops and _settable(device, "df_action"):
        device.df_action = stops[0]
        if _settable(device, "df_thickness"):  # the ultrasonic sensor; active once there is an action
            device.df_thickness = 1


def _is_double_feed(device: Any) -> bool:
    """Whether the fault was a double feed. SANE has one status for all feeder faults; some devices have a sensor."""
    option = device.opt.get("double_feed")
    if option is None or not option.is_active() or option.is_settable():
        return False
    return bool(device.double_feed)


def configure(device: Any, request: Mapping[str, Any]) -> str | None:
    """Set source, mode, resolution, page and the installation's own options; returns the source in use."""
    duplex, dpi = bool(request["duplex"]), float(request["dpi"])
    # In this order: each option may change what the next ones offer (SANE_INFO_RELOAD_OPTIONS).
    source = capabilities.choose_source(_offered(device, "source"), request["source"], duplex=duplex)
    if source is not None:
        device.source = source
    mode = capabilities.choose_mode(_offered(device, "mode"), request["mode"])
    if mode is not None:
        device.mode = mode
    if duplex:
        _set_duplex(device, source)
    if _settable(device, "resolution"):
        wanted = capabilities.choose_resolution(_numbers(device, "resolution"), int(request["dpi"]))
        _set_number(device, "resolution", wanted)
        dpi = float(wanted)
    _set_page(device, request["paper"], dpi)
    _stop_at_double_feeds(device)
    for name, value in request["options"].items():
        key = name.replace("-", "_")
        if key not in device.opt:
            raise ScanFault("unsupported", f"no option {name!r} on this device")
        setattr(device, key, int(value) if isinstance(value, bool) else value)
    return str(device.source) if _settable(device, "source") else None


def _snap(device: Any, tell: Callable[[dict[str, Any]], None]) -> Image.Image:
    """Scan one page. Once a second, report that the driver is alive."""
    last = time.monotonic()

    def alive(_line: int, _lines: int) -> None:
        nonlocal last
        if time.monotonic() - last > 1.0:
            last = time.monotonic()
            tell({"event": "alive"})

    device.start()
    depth = device.get_parameters()[3]
    # True: no cancel behind the page, which would end the feeder's run.
    image: Image.Image = device.snap(True, alive)
    return image.convert("1") if depth == 1 and image.mode == "L" else image


def _pages(device: Any, request: Mapping[str, Any], *, feeder: bool, tell: Callable[[dict[str, Any]], None]) -> None:
    """Scan until the feeder is empty, or one page from the glass; stop when the agent does not say "next"."""
    sequence = int(request["first"])
    while True:
        try:
            image = _snap(device, tell)
        except Exception as error:
            code = code_of_sane(str(error))
            # Before the first page an empty feeder is a fault that the clerk must hear of.
            if code == "no_docs" and feeder and sequence > int(request["first"]):
                return
            if code == "jammed" and _is_double_feed(device):
                code = "double_feed"
            raise ScanFault(code, str(error)) from error
        dpi = float(device.resolution) if "resolution" in device.opt else float(request["dpi"])
        tell(write_page(image, dpi, Path(request["folder"]), sequence))
        sequence += 1
        if not may_go_on() or not feeder:
            return


def _scan_open(device: Any, request: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
    try:
        source = configure(device, request)
    except (AttributeError, TypeError, ValueError) as error:
        raise ScanFault("unsupported", str(error)) from error
    except ScanFault:
        raise
    except Exception as error:  # _sane.error
        raise ScanFault(code_of_sane(str(error)), f"options: {error}") from error
    _pages(device, request, feeder=capabilities.is_feeder(source, request["type"]), tell=tell)


def scan(request: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
    """Scan pages. Report the end or the fault before the device is released: the release may take seconds or hang."""
    device = _open(request["device"])
    try:
        _scan_open(device, request, tell)
        tell({"event": "end"})
    except ScanFault as fault:
        tell({"event": "fault", "code": fault.code, "detail": fault.detail})
    device.cancel()
    device.close()


def describe(request: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
    """Report each device. A device not in ``request["known"]`` is opened, to report what it offers."""
    for name, vendor, model, kind in _sane().get_devices():
        event = {"event": "device", "name": name, "vendor": vendor, "model": model, "type": kind}
        if name not in request["known"]:
            try:
                device = _open(name)
            except ScanFault as fault:
                tell(event | {"fault": fault.code})
                continue
            event |= {
                "sources": _offered(device, "source"),
                "modes": _offered(device, "mode"),
                "resolutions": capabilities.list_resolutions(_numbers(device, "resolution")),
            }
            device.close()
        tell(event)
    tell({"event": "end"})


if __name__ == "__main__":
    serve(scan, describe)
