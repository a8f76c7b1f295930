"""Watched folders: the agent as a process, a real HTTP server. A copier's documents arrive once, whichever process
dies."""

import fcntl
import hashlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner_bridge.config import Folder
from tests.bridge_double import CODE, Desk, Double
from tests.sample_kit import LONG_RUN
from tests.watch_kit import PDF, office, picture

pytestmark = pytest.mark.in_turns(3)


class Copier:
    """A desk whose bridge watches one folder."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.double = Double()
        self.desk = Desk(root, self.double.url)
        self.folder = root / "partage"
        self.folder.mkdir()
        self.settings = {"settle_s": 0.2, "incomplete_s": 600.0} | settings
        (self.desk.sane / "dll.conf").write_text("")

    def configure(self) -> None:
        self.desk.configure({}, folders=(Folder(str(self.folder), "Copieur 2e étage", **self.settings),))

    def drop(self, name: str, data: bytes) -> bytes:
        part = self.folder / f".{name}.copy"
        part.write_bytes(data)
        part.replace(self.folder / name)
        return data

    def arrived(self) -> Counter[str]:
        site = self.double.site
        return Counter(
            hashlib.sha256(data).hexdigest() for key in list(site.completed) for _, data, _ in site.pages[key].values()
        )

    def names(self, sub: str) -> list[str]:
        return sorted(path.name for path in (self.folder / sub).glob("*"))

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.is_file())

    def wait(self, true: Any, timeout_s: float = 20.0) -> None:
        self.double.site.wait(true, timeout_s)

    def inbox(self) -> list[Path]:
        return [path for path in (self.desk.home / "inbox").glob("*") if path.suffix != ".part"]


@pytest.fixture
def copier(tmp_path: Path) -> Iterator[Copier]:
    place = Copier(tmp_path)
    place.configure()
    yield place
    place.desk.stop()
    place.double.stop()


def unique(number: int) -> bytes:
    return PDF.replace(b"1.4\n", b"1.4\n%% %06d\n" % number)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_each_kind_of_document_arrives_whole_and_is_put_away(copier: Copier) -> None:
    laid = [
        copier.drop("lettre é.pdf", unique(1)),
        copier.drop("pages.tif", picture("TIFF", 5)),
        copier.drop("photo.jpg", picture("JPEG")),
        copier.drop("page.png", picture("PNG")),
        copier.drop("photo.jp2", picture("JPEG2000")),
        copier.drop("note.rtf", b"{\\rtf1 Lettre}"),
        *(copier.drop(f"texte.{ending}", office(ending)) for ending in ("docx", "odt", "doc")),
    ]
    copier.desk.start()
    copier.wait(lambda: len(copier.names("traités")) == len(laid))
    assert copier.arrived() == Counter(map(digest, laid))
    assert copier.left() == []
    copier.wait(lambda: copier.inbox() == [])
    assert copier.names("refusés") == []


def test_nothing_is_put_away_before_the_receipt(copier: Copier) -> None:
    copier.double.site.down = True
    laid = copier.drop("a.pdf", unique(1))
    copier.desk.start()
    copier.wait(lambda: sum("/batch/" in path for path in copier.double.site.turned_away) >= 2)
    assert len(copier.inbox()) == 1
    assert copier.left() == ["a.pdf"]
    assert json.loads(copier.desk.call("status", "--json").stdout)["waiting_documents"] == 1
    copier.double.site.down = False
    copier.wait(lambda: copier.names("traités") == ["a.pdf"])
    assert copier.arrived() == Counter([digest(laid)])


def test_a_file_that_grows_is_waited_for(copier: Copier) -> None:
    copier.desk.start()
    data = unique(1) + b"%" + b"x" * 5000 + b"\n%%EOF\n"
    with (copier.folder / "slow.pdf").open("wb") as file:
        for start in range(0, len(data), 1000):
            file.write(data[start : start + 1000])
            file.flush()
            time.sleep(0.08)
        assert copier.arrived() == Counter()
    (copier.folder / "stalled.pdf").write_bytes(PDF[:30])  # its end arrives much later
    copier.wait(lambda: copier.names("traités") == ["slow.pdf"])
    later = copier.drop("z.pdf", unique(2))  # seen after the stalled one; when it was sent, both were still long enough
    copier.wait(lambda: copier.names("traités") == ["slow.pdf", "z.pdf"])
    assert copier.left() == ["stalled.pdf"]
    (copier.folder / "stalled.pdf").write_bytes(PDF)
    copier.wait(lambda: copier.arrived() == Counter(map(digest, (data, later, PDF))))


def test_a_file_held_by_a_writer_is_waited_for(copier: Copier) -> None:
    with (copier.folder / "a.pdf").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(PDF)
        file.flush()
        # Seen together: when one is put away, the held one had been checked too.
        other = copier.drop("b.pdf", unique(2))
        copier.desk.start()
        copier.wait(lambda: copier.names("traités") == ["b.pdf"])
        assert copier.arrived() == Counter([digest(other)])
        assert copier.left() == ["a.pdf"]
    copier.wait(lambda: copier.names("traités") == ["a.pdf", "b.pdf"])


def test_the_same_name_and_the_same_bytes_again_are_two_documents(copier: Copier) -> None:
    copier.desk.start()
    first = copier.drop("scan.pdf", unique(1))
    copier.wait(lambda: copier.names("traités") == ["scan.pdf"])
    copier.drop("scan.pdf", first)
    copier.wait(lambda: len(copier.names("traités")) == 2)
    second = copier.drop("scan.pdf", unique(2))
    copier.wait(lambda: len(copier.names("traités")) == 3)
    assert copier.names("traités") == ["scan (2).pdf", "scan (3).pdf", "scan.pdf"]
    assert copier.arrived() == Counter([digest(first), digest(first), digest(second)])


def test_a_name_that_comes_again_before_the_receipt_loses_neither(copier: Copier) -> None:
    copier.double.site.down = True
    copier.desk.start()
    first = copier.drop("scan.pdf", unique(1))
    copier.wait(lambda: len(copier.inbox()) == 1)
    second = copier.drop("scan.pdf", unique(2))
    copier.wait(lambda: len(copier.inbox()) == 2)
    copier.double.site.down = False
    copier.wait(lambda: sum(copier.arrived().values()) == 2)
    assert copier.arrived() == Counter([digest(first), digest(second)])
    copier.wait(lambda: copier.names("traités") == ["scan.pdf"])
    copier.wait(lambda: copier.inbox() == [])


def test_what_is_of_no_use_is_refused_with_a_reason_beside_it(tmp_path: Path) -> None:
    copier = Copier(tmp_path, incomplete_s=0.5)
    copier.configure()
    try:
        (copier.folder / "notes.xlsx").write_bytes(b"PK\x03\x04 not for us")
        (copier.folder / "cut.pdf").write_bytes(PDF[:-9])
        (copier.folder / "void.pdf").write_bytes(b"")
        secret = tmp_path / "secret.pdf"
        secret.write_bytes(PDF)
        (copier.folder / "link.pdf").symlink_to(secret)
        copier.desk.start()
        copier.wait(lambda: len(copier.names("refusés")) == 6)
        assert copier.names("refusés") == [
            "cut.pdf", "cut.pdf.txt", "notes.xlsx", "notes.xlsx.txt", "void.pdf", "void.pdf.txt"
        ]  # fmt: skip
        assert "PDF" in (copier.folder / "refusés" / "notes.xlsx.txt").read_text("utf-8")
        assert "incomplet" in (copier.folder / "refusés" / "cut.pdf.txt").read_text("utf-8")
        assert copier.arrived() == Counter()
        assert secret.exists()
    finally:
        copier.desk.stop()
        copier.double.stop()


def test_what_the_server_refuses_is_explained_and_kept(copier: Copier) -> None:
    copier.double.site.refuse_pages = (413, "file.too_large", "Le fichier est trop gros")
    laid = copier.drop("a.pdf", unique(1))
    copier.desk.start()
    copier.wait(lambda: copier.names("refusés") == ["a.pdf", "a.pdf.txt"])
    assert (copier.folder / "refusés" / "a.pdf").read_bytes() == laid
    assert "trop gros" in (copier.folder / "refusés" / "a.pdf.txt").read_text("utf-8")
    copier.wait(lambda: copier.inbox() == [])


def test_a_share_that_goes_and_comes_back_sends_nothing_twice(copier: Copier) -> None:
    copier.double.site.down = True
    laid = copier.drop("a.pdf", unique(1))
    copier.desk.start()
    copier.wait(lambda: len(copier.inbox()) == 1)
    elsewhere = copier.folder.with_name("away")
    copier.folder.rename(elsewhere)
    copier.folder.mkdir()  # the mount point without its share
    copier.double.site.down = False
    copier.wait(lambda: sum(copier.arrived().values()) == 1)
    copier.wait(lambda: copier.desk.has_logged("a.pdf will be moved away later"))
    copier.folder.rmdir()
    copier.wait(lambda: copier.desk.has_logged("cannot be used now"))
    elsewhere.rename(copier.folder)
    copier.wait(lambda: copier.names("traités") == ["a.pdf"])
    assert copier.arrived() == Counter([digest(laid)])


@pytest.mark.long("a bridge more is started; killed at any point each document arrives in the test beside it")
def test_a_folder_with_a_pairing_of_its_own_is_added_and_removed(copier: Copier, tmp_path: Path) -> None:
    other = tmp_path / "autre"
    other.mkdir()
    refused = copier.desk.call("watch", str(other), "--code", "wrong")
    assert (refused.returncode, "Code inconnu" in refused.stderr) == (1, True)
    assert copier.desk.call("watch", str(other), "--code", CODE, "--name", "DGB").returncode == 0
    folders = json.loads((copier.desk.home / "config.json").read_text())["folders"]
    assert [(each["path"], bool(each["token"])) for each in folders] == [
        (str(copier.folder), False),
        (str(other), True),
    ]
    copier.desk.call("watch", str(copier.folder), "--remove")
    (other / "a.pdf").write_bytes(PDF)
    copier.desk.start()
    copier.wait(lambda: copier.arrived() == Counter([digest(PDF)]), 30.0)


@pytest.mark.slow
def test_killed_at_any_point_each_document_arrives_once(copier: Copier) -> None:
    """Documents arrive while the agent is killed 20 times, in the usual run ten. Receipts are lost; the server stops and returns."""
    chance = random.Random(4)
    copier.double.site.page_delay_s = 0.02
    laid: list[bytes] = []
    for kills in range(20 if LONG_RUN else 10):
        name = f"scan{chance.randrange(6)}.pdf"  # names repeat
        if not (copier.folder / name).exists():
            laid.append(copier.drop(name, unique(len(laid))))
        laid.append(copier.drop(f"n{kills}.tif", picture("TIFF", 2) + b"%06d" % kills))
        copier.double.site.lose_receipts = chance.choice([0, 0, 1])
        copier.double.site.down = chance.random() < 0.2
        copier.desk.start()
        time.sleep(chance.uniform(0.4, 1.6))
        copier.desk.kill()
    copier.double.site.down = False
    copier.double.site.lose_receipts = 0
    copier.desk.start()
    copier.wait(lambda: copier.left() == [] and copier.inbox() == [], 60.0)
    assert copier.arrived() == Counter(map(digest, laid))
    kept = Counter(digest((copier.folder / "traités" / name).read_bytes()) for name in copier.names("traités"))
    assert kept == Counter(map(digest, laid))
    assert not [name for name in os.listdir(copier.folder / "traités") if name.startswith(".")]
