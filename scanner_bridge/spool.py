"""Keeps pages on the disk until the server has them. Survives a kill at any point, and a full disk.

A batch is a folder with its pages and a manifest. The scanning process writes, flushes and renames a page; then the
manifest lists it. A page file that no manifest lists was written just before a kill; the next start adds it.
"""

import hashlib
import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from scanner_bridge.device import PageFile
from scanner_bridge.durable import PART_SUFFIX, fault_of, make_folder, sync_folder, write_durably
from scanner_bridge.faults import ScanFault
from scanner_bridge.manifest import Manifest, Order, OrderId, Outcome, Page, page_of

log = logging.getLogger(__name__)

_MANIFEST = "manifest.json"
_KEEP_CLOSED_S = 7 * 24 * 3600


class Spool:
    """All batches of this bridge; safe to use from the scanning and the uploading thread."""

    def __init__(self, root: Path, *, free_bytes: int) -> None:
        """Open the spool below ``root`` and recover after a kill; ``free_bytes`` must be free to begin a scan."""
        self._root = root
        self._free_bytes = free_bytes
        self._lock = threading.RLock()
        self._batches: dict[str, Manifest] = {}
        make_folder(root)
        for folder in sorted(path for path in root.iterdir() if path.is_dir()):
            self._recover(folder)

    def folder(self, batch_key: str) -> Path:
        """The folder of a batch; the prefix makes a key like '..' harmless."""
        return self._root / f"b-{quote(batch_key, safe='')}"

    def _recover(self, folder: Path) -> None:
        for part in folder.glob(f"*{PART_SUFFIX}"):
            part.unlink()
        path = folder / _MANIFEST
        if not path.exists():
            if not any(folder.iterdir()):
                folder.rmdir()
            return
        try:
            manifest = Manifest.from_json(path.read_bytes())
        except ValueError:
            log.exception("manifest %s is damaged; its folder is left as it is", path)
            return
        if manifest.is_closed and path.stat().st_mtime < time.time() - _KEEP_CLOSED_S:
            shutil.rmtree(folder)
            return
        self._batches[manifest.batch_key] = manifest
        self._adopt(manifest, folder)
        for order in manifest.orders:
            if order.outcome is None:
                self.end_order(manifest.batch_key, order.order_id, "failed", code="interrupted")

    def _adopt(self, manifest: Manifest, folder: Path) -> None:
        listed = {page.file for page in manifest.pages}
        for path in sorted(folder.glob("*.png")):
            if path.name not in listed:
                sequence, token = path.stem.split("-", 1)
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                found = PageFile(token, path.name, digest, path.stat().st_size, int(sequence))
                self.add_page(manifest.batch_key, manifest.orders[-1].order_id, found)

    def _change(self, batch_key: str, change: Callable[[Manifest], Manifest]) -> Manifest:
        """Change a batch in memory and on the disk; memory keeps the change even when the disk is full."""
        with self._lock:
            manifest = change(self._batches.get(batch_key, Manifest(batch_key)))
            self._batches[batch_key] = manifest
            write_durably(self.folder(batch_key) / _MANIFEST, manifest.to_json())
            return manifest

    def find(self, batch_key: str, order_id: OrderId) -> Order | None:
        """The order, if the spool already has it."""
        with self._lock:
            manifest = self._batches.get(batch_key)
            return manifest.order(order_id) if manifest else None

    def get(self, batch_key: str) -> Manifest | None:
        """The current manifest of a batch, if there is one."""
        with self._lock:
            return self._batches.get(batch_key)

    def open_order(
        self, batch_key: str, order_id: OrderId, *, device: str | None, complete: bool, now: datetime
    ) -> Manifest:
        """Record an order before its first page.

        Raises:
            ScanFault: ``disk_full`` before any sheet is fed; the order is then in memory, so that it can be ended.
        """
        order = Order(order_id, device, now.isoformat(), complete)
        folder = self.folder(batch_key)
        with self._lock:
            self._batches[batch_key] = self._batches.get(batch_key, Manifest(batch_key)).with_order(order)
        try:
            folder.mkdir(exist_ok=True, mode=0o700)
            sync_folder(self._root)
            free = shutil.disk_usage(self._root).free
        except OSError as error:
            raise fault_of(error) from error
        if free < self._free_bytes:
            raise ScanFault("disk_full", f"{free} bytes free, {self._free_bytes} needed")
        return self._change(batch_key, lambda manifest: manifest)

    def add_page(self, batch_key: str, order_id: OrderId, file: PageFile) -> None:
        """List a page that is on the disk."""
        self._change(batch_key, lambda manifest: manifest.with_page(page_of(file, order_id)))

    def end_order(
        self, batch_key: str, order_id: OrderId, outcome: Outcome, *, code: str | None = None, detail: str | None = None
    ) -> None:
        """Record how an order's scan ended."""
        self.update_order(batch_key, order_id, outcome=outcome, code=code, detail=detail)

    def update_order(self, batch_key: str, order_id: OrderId, **values: object) -> None:
        """Change fields of an order. A full disk is only logged: a restart then repeats idempotent calls."""
        self._change_or_log(batch_key, lambda manifest: _order_changed(manifest, order_id, values))

    def set_page(self, batch_key: str, page: Page) -> None:
        """Change a page's state, as ``update_order`` does."""
        self._change_or_log(batch_key, lambda manifest: manifest.with_page(page))

    def _change_or_log(self, batch_key: str, change: Callable[[Manifest], Manifest]) -> bool:
        try:
            self._change(batch_key, change)
        except ScanFault as fault:
            log.error("the manifest of batch %s was not written: %s", batch_key, fault)
            return False
        return True

    def open(self, batch_key: str, page: Page) -> BinaryIO | None:
        """A page's bytes; None if the disk does not return the bytes that were scanned."""
        try:
            file = (self.folder(batch_key) / page.file).open("rb")
            if hashlib.file_digest(file, "sha256").hexdigest() == page.digest:
                file.seek(0)
                return file
            file.close()
        except OSError as error:
            log.error("page %s of batch %s cannot be read: %s", page.file, batch_key, error)
        return None

    def close_order(self, batch_key: str, order_id: OrderId) -> None:
        """Close an order once the server has outcome and pages: delete the page files, and the completed batch."""
        with self._lock:
            # The manifest first: killed between the two, files are left that nobody needs, never a page that is to be
            # sent.
            written = self._change_or_log(batch_key, lambda each: _order_changed(each, order_id, {"closed": True}))
            manifest = self._batches[batch_key]
            for page in manifest.pages_of(order_id):
                if page.state == "sent":
                    (self.folder(batch_key) / page.file).unlink(missing_ok=True)
            if not written:  # the disk was full; the deletion freed space
                self._change_or_log(batch_key, lambda each: each)
            completed = any(order.complete and order.outcome == "done" for order in manifest.orders)
            if manifest.is_closed and completed and all(page.state == "sent" for page in manifest.pages):
                shutil.rmtree(self.folder(batch_key), ignore_errors=True)
                del self._batches[batch_key]

    def open_batches(self) -> list[str]:
        """Batches that are not fully reported to the server, the oldest order first."""
        with self._lock:
            waiting = [manifest for manifest in self._batches.values() if not manifest.is_closed]
            return [each.batch_key for each in sorted(waiting, key=lambda each: each.orders[0].started_at)]

    def waiting_pages(self) -> int:
        """Pages that the server has not acknowledged."""
        with self._lock:
            return sum(page.state == "spooled" for each in self._batches.values() for page in each.pages)


def _order_changed(manifest: Manifest, order_id: OrderId, values: Mapping[str, object]) -> Manifest:
    order = manifest.order(order_id)
    return manifest.with_order(replace(order, **values)) if order else manifest  # type: ignore[arg-type]
