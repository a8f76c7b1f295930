"""Makes the files of the present release that every later one must verify: ``python -m tests.data.releases.make``.

They go into a folder named like the version. The folder of a delivered release is never made anew: that would prove nothing of the
release that wrote it. Keys, letters and people are made for this alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from ged import case_export
from ged.archive.keeping import anchor_journal, seal_folder, seal_head
from ged.closing import operations as closing
from ged.codes import derive_secret
from ged.ports import Digest
from ged.register.models import Attachment
from ged.signbook.queries import issued_letters
from ged.signed_codes.models import LetterToken
from ged.slips.revisions import issued_slips
from ged.transfer.export import export
from ged.unit import Services
from signing.sealing import PadesSealer, own_seal
from tests import slip_kit
from tests.backup_kit import Copied
from tests.case_kit import Stamper
from tests.data.monthly import make as monthly
from tests.disk_kit import PHRASE, Burned
from tests.factories import NOW, SECRET, TODAY
from tests.signbook_kit import House, make_house, make_institution
from web.processes import restore

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def version() -> str:
    """Of the program whose sources these are."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def make(folder: Path) -> None:
    """Write every kind into a new folder."""
    folder.mkdir()
    with tempfile.TemporaryDirectory(prefix="ged-release-") as spare:
        work = Path(spare)
        _of_a_ministry(folder, work)
        _of_a_copy(folder, work)
        of_a_disk(folder, work)
        monthly.make(folder / "report.pdf")
    listed = {str(one.relative_to(folder)): _sha256(one) for one in sorted(folder.rglob("*")) if one.is_file()}
    made = {"version": version(), "made_at": NOW.isoformat(), "files": listed}
    (folder / "made.json").write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _of_a_ministry(folder: Path, work: Path) -> None:
    (work / "house").mkdir()
    house, stamper = make_house(work / "house"), Stamper()
    authority, keystore = Path(house.services.data_dir) / "authority", derive_secret(SECRET, "keystore")
    make_institution(house)
    house.services = dataclasses.replace(
        house.services,
        timestamper=stamper,
        sealer=PadesSealer(house.services.signer, lambda: own_seal(authority, keystore)),
    )
    mail_id = house.ready()
    (result,) = house.sign(mail_id, key=house.key("sg"))
    if result.failure is not None:
        raise AssertionError(result.failure)
    slip_kit.send(house.services, slip_kit.LineForm(description="Dossier"))
    closing.close_days(
        house.services, slip_kit.register_id(house.services, "ARR"), TODAY, now=NOW.replace(day=NOW.day + 1)
    )
    anchor_journal(house.services, now=NOW)
    held = folder / "held"
    held.mkdir()
    shutil.copy(seal_folder(house.services) / "journal.pub", held / "journal.pub")
    for number, pem in enumerate((house.services.vault.trust_roots_pem()[0], stamper.ministry.root.pem)):
        (held / f"root{number}.pem").write_text(pem, encoding="utf-8")
    case_export.write_folder(
        house.services, case_export.collect(house.services, mail_id, actor=None, now=NOW), work / "case"
    )
    _pack(work / "case", folder / "case.zip")
    _pack(export(house.services, "MIN", work / "entity", now=NOW).folder, folder / "entity.zip")
    _signed(house.services, folder)
    _token(house, mail_id, folder)
    house.services.engine.dispose()


def _signed(services: Services, folder: Path) -> None:
    """The last revision of each document that was signed here, with the digests of all its revisions."""
    issued: dict[str, list[str]] = {}
    with services.reading() as session:
        kinds = {"letter": issued_letters(session), "slip": issued_slips(session), "closing": closing.issued(session)}
        for kind, found in kinds.items():
            for _label, digests in list(found)[:1]:
                issued[f"{kind}.pdf"] = list(digests)
    for name, digests in issued.items():
        with services.blobs.open(Digest(digests[-1])) as stored:
            (folder / name).write_bytes(stored.read())
    (folder / "signed.json").write_text(json.dumps(issued, indent=1) + "\n", encoding="utf-8")


def _token(house: House, mail_id: int, folder: Path) -> None:
    """The code on the letter's paper, with the certificate that is published."""
    with house.services.reading() as session:
        token = session.get_one(LetterToken, mail_id)
        digest = session.get_one(Attachment, house.show(mail_id, "sg").signed_id).digest
        payload = token.payload
    if digest is None:
        raise AssertionError("a signed letter has a file")
    with house.services.blobs.open(Digest(digest)) as stored:
        (folder / "letter.pdf").write_bytes(stored.read())
    seal = own_seal(Path(house.services.data_dir) / "authority", derive_secret(SECRET, "keystore"))
    if seal is None:
        raise AssertionError("the institution has a seal")
    (folder / "code.txt").write_text(payload, encoding="utf-8")
    (folder / "held" / "seal.pem").write_bytes(seal.chain[0].public_bytes(Encoding.PEM))


def _of_a_copy(folder: Path, work: Path) -> None:
    """A copy on a medium, the archive of its keys, what opens both, and the report of a drill."""
    (work / "copied").mkdir()
    copied = Copied.make(work / "copied")
    copied.letter("Construction d'un forage à Tsévié")
    seal_head(copied.services, now=NOW)
    anchor_journal(copied.services, now=NOW)
    copied.copy(now=NOW)
    drill = restore.drill(copied.wanted(), work / "spare", letters=1)
    if drill.faults:
        raise AssertionError(drill.faults)
    (folder / "drill.json").write_text(
        json.dumps({"report": drill.body, "signature": drill.signature}, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    (folder / "drill.pub").write_bytes(drill.public)
    _pack(copied.medium, folder / "medium.zip")
    _pack(copied.keys, folder / "keys.zip")
    shutil.copy(copied.identity, folder / "opens-the-copy.key")
    copied.installation.close()


def of_a_disk(folder: Path, work: Path) -> None:
    """A disk that is read without a server, and its passphrase."""
    (work / "burned").mkdir()
    burned = Burned.make(work / "burned")
    burned.letter("Construction d'un forage à Tsévié", "Le château d'eau.", content=b"%PDF-1.4 a letter")
    disk = burned.disk()
    burned.copied.installation.close()
    _pack(disk.folder, folder / "disk.zip")
    (folder / "disk.txt").write_text(PHRASE, encoding="utf-8")


def _pack(folder: Path, place: Path) -> None:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for one in sorted(folder.rglob("*")):
            if one.is_file():
                out.write(one, one.relative_to(folder))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    target = HERE / version()
    if target.exists():
        sys.exit(f"{target} is there: give the program a new version first (pyproject.toml)")
    make(target)
