"""Reads the state for ``ged-bridge status`` from the spool on the disk, which the running agent owns."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from scanner_bridge.faults import ADVICE
from scanner_bridge.manifest import Manifest


def waiting_pages(home: Path) -> int:
    """Pages that the server has not acknowledged."""
    return sum(page.state == "spooled" for manifest in _manifests(home) for page in manifest.pages)


def last_fault(home: Path) -> dict[str, str] | None:
    """Code, time and remedy of the newest order, if it ended by a fault."""
    orders = [order for manifest in _manifests(home) for order in manifest.orders]
    newest = max(orders, key=lambda order: order.started_at, default=None)
    if newest is None or newest.outcome != "failed" or newest.code not in ADVICE:
        return None
    return {"code": newest.code, "since": newest.started_at, "remedy": ADVICE[newest.code].fr}


def is_disk_full(home: Path, free_bytes: int) -> bool:
    """Whether the next scan would be refused for lack of space."""
    return home.exists() and shutil.disk_usage(home).free < free_bytes


def _manifests(home: Path) -> Iterator[Manifest]:
    """All readable manifests. A file that vanishes meanwhile is finished; the agent reports a damaged file."""
    for path in (home / "spool").glob("b-*/manifest.json"):
        try:
            yield Manifest.from_json(path.read_bytes())
        except (OSError, ValueError):
            continue
