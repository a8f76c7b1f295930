"""Each store that confirms a write keeps it through a power cut, also what it writes into folders that it has just made."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.keyring import Keyring
from ged.archive.seal import HeadSeal
from ged.audit import Head
from ged.moving.files import copy_files
from ged.ports import SearchQuery
from indexer.synonyms import SynonymFile
from indexer.tantivy_index import TantivyIndex
from signing.pki import Authority, OfflineRoot
from tests.cheap_cost import FAST
from tests.contracts.letters import ALL, letter
from tests.power_kit import Disk

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
SECRET = b"the secret of this installation!"
SYNONYMS = "BO = bureau d'ordre\n"


def write_all(root: Path) -> None:
    """Runs in a process of its own, on the disk that forgets."""
    keyring = Keyring(root / "new" / "keyring")
    keyring.prepare()
    FileBlobs(root / "new" / "blobs", keyring).put(io.BytesIO(b"a scanned page"))
    HeadSeal(root / "new" / "seal", SECRET).seal(Head(1, "a" * 64), now=NOW)
    Authority.create(
        root / "new" / "authority",
        SECRET,
        "Ministère",
        NOW,
        offline=OfflineRoot(root / "stick" / "root", "phrase"),
        cost=FAST,
    )
    index = TantivyIndex(root / "new" / "index", writable=True)
    index.put([letter(1, "Construction d'une école")])
    index.put([letter(2, "Réfection d'un hôpital")])
    SynonymFile(root / "synonyms.txt").replace(SYNONYMS)
    deep = root / "old" / "keys" / "deep"
    deep.mkdir(parents=True)
    (deep / "one").write_bytes(b"a file of the folder that moves")
    copy_files(root / "old", root / "new" / "moved", progress=lambda _step, _count: None)


def kept(root: Path) -> dict[str, object]:
    """What is there of it."""
    keyring = Keyring(root / "new" / "keyring")
    blobs = FileBlobs(root / "new" / "blobs", keyring)
    index = TantivyIndex(root / "new" / "index", writable=False)
    seal = HeadSeal(root / "new" / "seal", SECRET)
    found = {
        "pages": [blobs.open(digest).read() for digest, _ in blobs.digests()],
        "sealed": seal.last(),
        "signature": seal.sign_bytes(b"x"),
        "authority": sorted(one.name for one in (root / "new" / "authority").iterdir()),
        "root": sorted(one.name for one in (root / "stick" / "root").iterdir()),
        "letters": sorted(int(hit.mail_id) for hit in index.search(SearchQuery(""), principals=ALL).hits),
        "synonyms": (root / "synonyms.txt").read_text(),
        "moved": (root / "new" / "moved" / "keys" / "deep" / "one").read_bytes(),
    }
    index.close()
    return found


def test_what_a_store_confirmed_is_there(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk", tmp_path / "kept")
    disk.root.mkdir()
    disk.aside.mkdir()
    for names_too in (True, False):
        environment = {**os.environ, **disk.environment()}
        code = f"from pathlib import Path; from {__name__} import write_all; write_all(Path({str(disk.root)!r}))"
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)
        before = kept(disk.root)
        lost = disk.cut(names_too=names_too)
        assert kept(disk.root) == before, lost
        for one in disk.root.iterdir():
            subprocess.run(["rm", "-r", one], check=True)
