"""The spool on a real disk. Files left by a kill, at each point of a page's upload, are taken over or removed."""

import hashlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner_bridge.device import PageFile
from scanner_bridge.durable import write_durably
from scanner_bridge.faults import ScanFault
from scanner_bridge.spool import Spool

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)


def spool(root: Path) -> Spool:
    return Spool(root, free_bytes=0)


def page(where: Spool, key: str, sequence: int, data: bytes) -> PageFile:
    token = f"{sequence:032x}"
    name = f"{sequence:06d}-{token}.png"
    write_durably(where.folder(key) / name, data)
    return PageFile(token, name, hashlib.sha256(data).hexdigest(), len(data), sequence)


def opened(root: Path, key: str = "k") -> Spool:
    store = spool(root)
    store.open_order(key, 1, device=None, complete=False, now=NOW)
    return store


@pytest.mark.parametrize("key", ["..", "a/b", "é ?#", "x" * 150])
def test_any_batch_key_stays_inside_and_comes_back(tmp_path: Path, key: str) -> None:
    opened(tmp_path / "spool", key)
    assert [path.name for path in tmp_path.iterdir()] == ["spool"]
    assert spool(tmp_path / "spool").open_batches() == [key]


def test_a_page_written_but_not_listed_is_taken_in_and_a_half_one_removed(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_page("k", 1, page(store, "k", 1, b"first"))
    page(store, "k", 2, b"second")
    half = store.folder("k") / "000003-x.png.part"
    half.write_bytes(b"thi")
    again = spool(tmp_path)
    manifest = again.get("k")
    assert manifest is not None
    assert [each.sequence for each in manifest.pages] == [1, 2]
    content = again.open("k", manifest.pages[1])
    assert content is not None
    with content:
        assert content.read() == b"second"
    assert not half.exists()
    assert (manifest.orders[0].outcome, manifest.orders[0].code) == ("failed", "interrupted")


def test_a_folder_made_before_the_kill_is_removed(tmp_path: Path) -> None:
    (tmp_path / "b-k").mkdir()
    assert spool(tmp_path).open_batches() == []
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_manifest_is_left_for_a_person(tmp_path: Path) -> None:
    store = opened(tmp_path)
    page(store, "k", 1, b"first")
    (store.folder("k") / "manifest.json").write_bytes(b"\0\0")
    assert spool(tmp_path).open_batches() == []
    assert len(list(store.folder("k").glob("*.png"))) == 1


def test_pages_leave_with_the_closed_order_and_numbers_go_on(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_page("k", 1, page(store, "k", 1, b"first"))
    store.end_order("k", 1, "done")
    manifest = store.get("k")
    assert manifest is not None
    store.set_page("k", manifest.pages[0].with_state("sent"))
    assert len(list(store.folder("k").glob("*.png"))) == 1
    store.close_order("k", 1)
    assert list(store.folder("k").glob("*.png")) == []
    again = spool(tmp_path)
    assert again.open_batches() == []
    assert again.open_order("k", 2, device=None, complete=False, now=NOW).next_sequence == 2


def test_a_closed_batch_is_forgotten_after_a_week(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.end_order("k", 1, "cancelled")
    store.close_order("k", 1)
    week_ago = time.time() - 8 * 24 * 3600
    os.utime(store.folder("k") / "manifest.json", (week_ago, week_ago))
    spool(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    store = spool(tmp_path / "spool")
    (tmp_path / "spool").rmdir()
    (tmp_path / "spool").write_text("a file stands where the folder should")
    with pytest.raises(ScanFault) as caught:
        store.open_order("k", 1, device=None, complete=False, now=NOW)
    assert caught.value.code == "spool_io"
