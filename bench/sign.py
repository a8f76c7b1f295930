"""Signing many letters, and slips at both ends, compared with pyHanko as its manual describes it.

    python -m bench.sign [--letters 200] [--slips 60]

Letters: one page each, typeset beforehand. The peer is the loop of pyHanko's manual: ``SimpleSigner.load_pkcs12`` and
``sign_pdf`` for each letter, an invisible PAdES signature of level B-B. Our code makes the same level, and also the
visible mark, and opens the sealed key for each letter. Both take turns of ten, so that a busy machine slows both.
Slips: the operations of the site in a separate installation (SQLite, files), including the commit. Prints one JSON line
for each figure.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter

from bench._slips import SlipHouse
from ged.dispatch.models import Party
from ged.org.titles import Signatory
from ged.ports import CertifiedPerson, SignRequest, UnlockedKey
from ged.signbook import render
from ged.signbook.render import Letter, PageMode, Pages
from signing.keys import LocalVault, unseal
from signing.pades import PadesSigner
from signing.pki import Authority
from signing.rawkeys import MemoryKey

TURN = 10
SECRET = b"a server secret of the benchmark, 32 bytes or more"
PASSPHRASE = "une longue phrase de passe"  # for a key used only in this run
KEY_TYPES = {"rsa-3072": 3072, "p-256": None}
_SIGNATORY = Signatory("La Secrétaire générale", "Mazalo Tchédré")


def letters(count: int, at: datetime) -> list[Pages]:
    """One-page letters, each with its own number and addressee."""
    body = "{civilite},\n\n" + "Votre demande du mois dernier a été examinée par le service compétent.\n\n" * 4
    return [
        render.letter_pages(
            Letter(
                "Ministère des Mines", ("Secrétariat général",), "TG", "Lomé", _SIGNATORY.title, "Monsieur le Directeur",
                f"Suite donnée à la demande {n}", body, (Party(f"Société n° {n}", "BP 42\nLomé", ""),),
            ),
            mode=PageMode.SIGN, at=at, number=f"{n:05d}/2026/MMRE/SG", on=at.date(),
        )
        for n in range(1, count + 1)
    ]  # fmt: skip


def ours(book: Sequence[Pages], signer: PadesSigner, key: UnlockedKey, at: datetime) -> list[bytes]:
    """Sign each typeset letter as the site does."""
    return [
        signer.sign(
            pages.pdf,
            SignRequest(
                field=pages.signature_field,
                reason="Courrier départ",
                location="Lomé",
                signer_name=_SIGNATORY.name,
                at=at,
                appearance_pdf=render.mark(_SIGNATORY, pages.mark_box, at=at, zone=UTC),  # type: ignore[arg-type]
            ),
            sealed=key.sealed,
            cookie_key=key.cookie_key,
            now=at,
        ).pdf
        for pages in book
    ]


def peer(book: Sequence[Pages], keystore: Path) -> list[bytes]:
    """Sign with pyHanko as its manual describes."""
    made = []
    for pages in book:
        signer = signers.SimpleSigner.load_pkcs12(str(keystore), passphrase=PASSPHRASE.encode())
        writer = IncrementalPdfFileWriter(BytesIO(pages.pdf))
        meta = signers.PdfSignatureMetadata(field_name="signatory", subfilter=SigSeedSubFilter.PADES)
        made.append(signers.sign_pdf(writer, meta, signer=signer).getvalue())
    return made


def measure_key(name: str, book: Sequence[Pages], folder: Path, at: datetime) -> dict[str, object]:
    """Measure both on one set of letters with one key."""
    folder.mkdir()
    Authority.create(folder / "authority", SECRET, "Ministère", at)
    vault = LocalVault(folder / "authority", SECRET, rsa_bits=KEY_TYPES[name])
    person = CertifiedPerson(_SIGNATORY.name, "SG", "MMRE", "sg@x.example")
    stored = vault.issue(person, passphrase=PASSPHRASE, now=at)
    opened, keystore = vault.unlock(stored, PASSPHRASE, now=at), folder / "key.p12"
    held = unseal(opened.sealed, opened.cookie_key, now=at)
    assert isinstance(held, MemoryKey)
    key, chain = held.key, list(held.chain)
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    keystore.write_bytes(pkcs12.serialize_key_and_certificates(b"key", key, chain[0], chain[1:], encryption))
    signer, spent = PadesSigner(), {"ours": 0.0, "peer": 0.0}
    ours(book[:TURN], signer, opened, at)
    peer(book[:2], keystore)
    before = resident_mb()
    for start in range(0, len(book), TURN):
        some = book[start : start + TURN]
        spent["ours"] += timed(lambda some=some: ours(some, signer, opened, at))
        spent["peer"] += timed(lambda some=some: peer(some, keystore))
    return {
        "bench": "sign", "key": name, "letters": len(book), "level": "B-B",
        "signatures_per_s": round(len(book) / spent["ours"], 1), "pyhanko_per_s": round(len(book) / spent["peer"], 1),
        "ratio_vs_pyhanko": round(spent["peer"] / spent["ours"], 2), "rss_before_mb": before, "rss_after_mb": resident_mb(),
    }  # fmt: skip


def measure_slips(folder: Path, count: int) -> dict[str, object]:
    """Slips rendered per second, and the median time to sign a slip as sender and receiver."""
    with SlipHouse(folder) as house:
        house.both_ends(0)
        rendered = timed(lambda: [house.rendered(n) for n in range(count)])
        ends = [timed(lambda n=n: house.both_ends(n)) for n in range(1, count + 1)]
    return {
        "bench": "sign", "slips": count, "slips_per_s": round(count / rendered, 1),
        "both_ends_ms_median": round(statistics.median(ends) * 1000, 1), "both_ends_ms_worst": round(max(ends) * 1000, 1),
    }  # fmt: skip


def timed(work: Callable[[], object]) -> float:
    """The seconds that ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def resident_mb() -> float:
    """Resident memory of this process now, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def main() -> None:
    """Measure in one run."""
    parser = argparse.ArgumentParser(description="Benchmark of signing.")
    parser.add_argument("--letters", type=int, default=200)
    parser.add_argument("--slips", type=int, default=60)
    arguments = parser.parse_args()
    at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        book = letters(arguments.letters, at)
        for key_type in KEY_TYPES:
            print(json.dumps(measure_key(key_type, book, Path(name) / key_type, at)), flush=True)
        print(json.dumps(measure_slips(Path(name) / "house", arguments.slips)), flush=True)


if __name__ == "__main__":
    main()
