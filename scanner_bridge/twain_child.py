"""``python -m scanner_bridge.twain_child``: the only caller of TWAIN, in a process that may hang, crash or be killed."""

import ctypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanner_bridge import capabilities
from scanner_bridge.child_side import Tell, may_go_on, serve, write_page
from scanner_bridge.faults import ScanFault

try:
    from scanner_bridge import twain_source
except ImportError as refusal:
    _missing = f"pytwain: {refusal}"
else:
    _missing = ""


def _window() -> int:
    """Create an invisible window: TWAIN sources send their messages to a window of this thread."""
    library: Any = ctypes
    create = library.windll.user32.CreateWindowExW
    create.restype = ctypes.c_void_p
    return int(create(0, "STATIC", "ged-bridge", 0, 0, 0, 0, 0, None, None, None, None) or 0)


def _twain() -> Any:
    if _missing:
        raise ScanFault("no_device", _missing)
    return twain_source


def scan(request: Mapping[str, Any], tell: Tell) -> None:
    """Scan pages. Report the end or the fault before the source is closed: closing may take seconds or hang."""
    library = _twain()
    manager = library.open_manager(_window())
    source = library.open_source(manager, request["device"])
    try:
        feeder = source.configure(
            source=request["source"],
            mode=request["mode"],
            dpi=int(request["dpi"]),
            duplex=bool(request["duplex"]),
            paper=request["paper"],
            options=request["options"],
        )
        source.start()
        _pages(source, request, feeder=feeder, tell=tell)
        tell({"event": "end"})
    except ScanFault as fault:
        tell({"event": "fault", "code": fault.code, "detail": fault.detail})
    source.close()
    library.close_manager(manager)


def _pages(source: Any, request: Mapping[str, Any], *, feeder: bool, tell: Tell) -> None:
    """Take pictures until the source has no more, or one from the glass. Stop unless the agent says "next"."""
    sequence, more = int(request["first"]), True
    while more:
        image, dpi, more = source.take()
        tell(write_page(image, dpi or float(request["dpi"]), Path(request["folder"]), sequence))
        sequence += 1
        if not may_go_on() or not feeder:
            return


def describe(request: Mapping[str, Any], tell: Tell) -> None:
    """Report each source. A source not in ``request["known"]`` is opened, to report what it offers."""
    library = _twain()
    manager = library.open_manager(_window())
    for name in manager.source_list:
        event = {"event": "device", "name": name, "vendor": "", "model": name, "type": "twain"}
        if name not in request["known"]:
            try:
                source = library.open_source(manager, name)
            except ScanFault as fault:
                tell(event | {"fault": fault.code})
                continue
            event |= {
                "sources": source.sources(),
                "modes": source.modes(),
                "resolutions": capabilities.list_resolutions(source.resolutions()),
            }
            source.close()
        tell(event)
    tell({"event": "end"})
    library.close_manager(manager)


if __name__ == "__main__":
    serve(scan, describe)
