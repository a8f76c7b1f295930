"""A signed letter with its case file, and a forger who changes a case file and signs all of it with his own key."""

import asyncio
import dataclasses
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from ged import case_export
from ged.archive import merkle
from ged.archive.keeping import anchor_journal, seal_folder
from ged.audit import canonical
from ged.errors import EngineFailed
from ged.register.models import AttachmentKind
from ged.register.operations import SourcePage, attach
from tests import pages
from tests.factories import NOW
from tests.pki_kit import Ministry, updated
from tests.signbook_kit import House, make_house

COLUMNS = (
    "sequence", "at", "person_id", "post_id", "acting_for_post_id", "action", "subject_kind", "subject_id",
    "payload_digest", "previous_hash",
)  # fmt: skip


class Stamper:
    """A time-stamp authority in the test's process. A test can make it unavailable."""

    def __init__(self) -> None:
        self.ministry, self.away = Ministry(), False

    def stamp(self, digest: bytes) -> bytes:
        """A time-stamp token of ``NOW`` for a SHA-256 digest, DER.

        Raises:
            EngineFailed: ``sign.no_timestamp``, while ``away`` is set.
        """
        if self.away:
            raise EngineFailed("sign.no_timestamp", retryable=True)
        return asyncio.run(self.ministry.stamps(NOW).async_timestamp(digest, "sha256")).dump()


@dataclasses.dataclass
class CaseHouse:
    """A ministry with one letter that is signed and whose journal is anchored."""

    house: House
    stamper: Stamper
    mail_id: int
    number: str

    @property
    def services(self) -> Any:
        return self.house.services

    def close(self) -> None:
        self.services.checker.close()
        self.services.engine.dispose()


def make_case_house(folder: Path) -> CaseHouse:
    """Sign a letter with an annex, then anchor the journal. The caller closes the result."""
    made, stamper = make_house(folder), Stamper()
    made.services = dataclasses.replace(made.services, timestamper=stamper)
    mail_id = made.ready()
    (result,) = made.sign(mail_id, key=made.key("sg"))
    assert result.failure is None
    stored = made.services.blobs.put(io.BytesIO(pages.pdf("Annexe")))
    with made.services.unit_of_work(NOW) as uow:
        attach(
            uow, mail_id, kind=AttachmentKind.ANNEX, pages=[SourcePage(stored.digest, "application/pdf")],
            media_type="application/pdf", actor=made.who("dge"), now=NOW, digest=stored.digest,
            size_bytes=stored.size_bytes,
        )  # fmt: skip
    assert anchor_journal(made.services, now=NOW) == (True, 1)
    return CaseHouse(made, stamper, mail_id, result.number)


def exported(house: CaseHouse, folder: Path) -> Path:
    """Write the letter's case file; returns its folder."""
    collected = case_export.collect(house.services, house.mail_id, actor=None, now=NOW)
    case_export.write_folder(house.services, collected, folder)
    return folder


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseHouse]:
    """The ministry of ``make_case_house``, for all tests of a module."""
    made = make_case_house(tmp_path_factory.mktemp("house"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def case(house: CaseHouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the exported case file. Tests change copies of it."""
    return exported(house, tmp_path_factory.mktemp("out") / "case")


def held_by_judge(house: CaseHouse, folder: Path) -> tuple[list[str], list[str]]:
    """The certificates and the journal's key that a judge received by another way, as arguments of ``ged_verify.py``.

    Returns:
        Two lists of words for the command line: for the trusted roots, and for the journal's key.
    """
    roots = [house.services.vault.trust_roots_pem()[0], house.stamper.ministry.root.pem]
    paths = [folder / f"{number}.pem" for number in range(len(roots))]
    for path, pem in zip(paths, roots, strict=True):
        path.write_text(pem)
    key = folder / "journal.pub"
    shutil.copy(seal_folder(house.services) / "journal.pub", key)
    return [one for path in paths for one in ("--trust", str(path))], ["--key", str(key)]


class Forger:
    """A copy of a case file. The forger changes it and signs it with his own key."""

    def __init__(self, case: Path, folder: Path) -> None:
        self.folder = shutil.copytree(case, folder)
        self.key = Ed25519PrivateKey.generate()
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        self.entries = [json.loads(line) for line in (folder / "journal.jsonl").read_bytes().splitlines()]

    @property
    def pdf(self) -> Path:
        """The path of the signed letter."""
        return self.folder / str(self.manifest["signed"][0]["path"])

    def replace_letter(self, content: bytes) -> None:
        """Replace the letter's bytes at their path, and write their digest into the revisions."""
        self.pdf.write_bytes(content)
        self.manifest["signed"][0]["revisions"].append(hashlib.sha256(content).hexdigest())

    def write(self, stamp: Callable[[bytes], bytes] | None = None) -> Path:
        """Write journal, anchor, manifest and public key so that they agree, all signed by the forger. Returns the
        folder."""
        self._journal(stamp)
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (self.folder / "journal.pub").write_bytes(public)
        self.manifest["files"] = [one for one in self.manifest["files"] if (self.folder / one["path"]).exists()]
        for one in self.manifest["files"]:
            content = (self.folder / one["path"]).read_bytes()
            one |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        content = json.dumps(self.manifest).encode()  # ASCII: JSON can hold a lone surrogate only as an escape
        (self.folder / "manifest.json").write_bytes(content)
        (self.folder / "manifest.sig").write_text(self.key.sign(content).hex())
        return self.folder

    def _journal(self, stamp: Callable[[bytes], bytes] | None) -> None:
        previous = "0" * 64
        for number, one in enumerate(self.entries, start=1):
            if "payload" in one:
                salted = str(one["salt"]).encode() + canonical(one["payload"])
                one["payload_digest"] = hashlib.sha256(salted).hexdigest()
            one |= {"sequence": number, "previous_hash": previous}
            previous = one["hash"] = hashlib.sha256(canonical([one[name] for name in COLUMNS])).hexdigest()
        leaves = [bytes.fromhex(one["hash"]) for one in self.entries]
        proofs = merkle.proofs(leaves, range(len(leaves)))
        for number, one in enumerate(self.entries):
            one["proof"] = list(proofs[number])
        (self.folder / "journal.jsonl").write_bytes(b"".join(canonical(one) + b"\n" for one in self.entries))
        anchor = {
            "count": len(leaves), "root": merkle.root(leaves), "head": previous, "at": NOW.isoformat(),
            "previous": "0" * 64,
        }  # fmt: skip
        record = {"anchor": anchor, "signature": self.key.sign(canonical(anchor)).hex()}
        (self.folder / "anchor.json").write_text(json.dumps(record))
        (self.folder / "anchor.tst").unlink()
        if stamp is not None:
            (self.folder / "anchor.tst").write_bytes(stamp(hashlib.sha256(canonical(anchor)).digest()))


def overwritten(pdf: bytes) -> bytes:
    """The letter with other text drawn over its first page by an incremental update. No signed byte changes."""

    def draw(writer: IncrementalPdfFileWriter) -> None:
        page = writer.find_page_for_modification(0)[0].get_object()
        stream = generic.StreamObject(
            stream_data=b"q 1 1 1 rg 0 0 600 900 re f Q BT /F1 14 Tf 60 700 Td (ACCORDE 5 000 000 000) Tj ET"
        )
        page["/Contents"] = writer.add_object(stream)
        writer.update_container(page)

    return updated(pdf, draw)
