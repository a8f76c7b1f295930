"""``ged verify`` names every altered, swapped or missing object, and finds nothing in a sound installation."""

import io
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text, update

from ged import audit
from ged.adapters.blob_drafts import HEADER
from ged.archive import blobs as archive_blobs
from ged.archive.keeping import seal_head
from ged.archive.seal import HeadSeal
from ged.codes import derive_secret
from ged.ports import Digest
from ged.signbook.models import SignedRevision
from ged.slips.drafting import LineForm
from ged.slips.models import SlipRevision
from ged.slips.states import LineState
from ged.unit import Services
from ged.verify import verify
from signing.pki import Authority
from tests import pages, slip_kit
from tests.factories import NOW, SECRET, actor, make_organisation, make_services
from tests.signbook_kit import make_house
from tests.started import run
from tests.tampering import lift_guards
from tests.verify_kit import read_document

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]

KINDS = {
    "attachments.digest": "the file as it came, and the letter as it was signed",
    "attachment_pages.digest": "a page as it came",
    "renditions.digest": "page image, thumbnail, searchable PDF",
    "slip_revisions.digest": "a slip at each signature",
    "signed_revisions.digest": "a letter at its signature",
}


def make_slip(services: Services, now: datetime) -> None:
    """A slip signed at both ends."""
    line = LineForm("Rapport d'inspection", mail_id=slip_kit.letter(services, now=now))
    issued = slip_kit.send(services, line, now=now)
    slip_kit.take(services, issued.slip_id, LineState.RECEIVED, now=now)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with one of each object that can be verified."""
    folder = tmp_path_factory.mktemp("sound")
    house = make_house(folder)
    services = house.services
    (result,) = house.sign(house.ready(), key=house.key("sg"))
    assert result.failure is None
    make_slip(services, NOW)
    read_document(services, slip_kit.letter(services), NOW)
    seal_head(services, now=NOW)
    with services.unit_of_work(NOW) as uow:
        uow.record("thing.after_the_seal", "thing", 1, actor=actor(services, "agent"))
    services.engine.dispose()
    return folder


@pytest.fixture
def here(sound: Path, tmp_path: Path) -> Services:
    """A copy of it, to be damaged."""
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    services = make_services(tmp_path, create=False)
    lift_guards(services.engine)
    return services


def problems(services: Services) -> list[tuple[str, str]]:
    return [(problem.code, problem.where) for problem in verify(services, now=NOW).problems]


def blob_path(services: Services, digest: str) -> Path:
    return Path(services.data_dir) / "blobs" / digest[:2] / digest[2:4] / digest


def digests_of(services: Services, kind: str) -> list[Digest]:
    table, _, column = kind.partition(".")
    with services.engine.connect() as connection:
        found = connection.execute(text(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL"))
        return [Digest(digest) for (digest,) in found if digest]


def test_a_sound_installation_holds(here: Services) -> None:
    report = verify(here, now=NOW)
    assert report.problems == ()
    assert report.numbers_without_gap
    assert report.signatures == 3
    assert report.sealed_until == report.entries - 1
    assert report.blobs >= 9


def test_every_kind_of_blob_of_the_model_stands_in_these_tests_or_is_empty_here(here: Services) -> None:
    filled = {
        f"{table.name}.{column.name}"
        for table, column in archive_blobs.blob_columns()
        if digests_of(here, f"{table.name}.{column.name}")
    }
    assert filled == set(KINDS)


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(HEADER) + (len(raw) - len(HEADER)) // 2] ^= 1
    path.write_bytes(raw)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def behead(path: Path) -> None:
    path.write_bytes(b"\0" + path.read_bytes()[1:])


SPOILINGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a bit": (flip, "blob.altered"),
    "the end": (cut, "blob.altered"),
    "the header": (behead, "blob.altered"),
    "removed": (Path.unlink, "blob.missing"),
}


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("kind", KINDS)
def test_every_blob_of_each_kind_is_named_when_it_is_altered_or_gone(here: Services, kind: str) -> None:
    digests = digests_of(here, kind)
    assert digests
    for digest in digests:
        path = blob_path(here, digest)
        kept = path.read_bytes()
        for name, (spoil, code) in SPOILINGS.items():
            spoil(path)
            found = problems(here)
            named = [(problem, where) for problem, where in found if digest in where and problem.startswith("blob.")]
            assert [problem for problem, _ in named] == [code], (name, found)
            assert all(digest in where for _, where in found), f"{name}: others are named too: {found}"
            path.write_bytes(kept)
    assert problems(here) == []


@pytest.mark.parametrize("model", [SlipRevision, SignedRevision])
def test_a_signed_file_replaced_together_with_its_row_is_told_by_its_signature(
    here: Services, model: type[SlipRevision] | type[SignedRevision]
) -> None:
    with here.reading() as session:
        digest = session.scalars(select(model.digest).order_by(model.sequence.desc())).first()
    assert digest is not None
    with here.blobs.open(Digest(digest)) as stored:
        pdf = bytearray(stored.read())
    place = pdf.index(b"stream\n") + 40  # page content: the first stream of the file
    pdf[place] ^= 1
    forged = here.blobs.put(io.BytesIO(bytes(pdf))).digest
    with here.engine.begin() as connection:
        connection.execute(update(model).where(model.digest == digest).values(digest=forged))
    found = problems(here)
    assert found, "a forged file passes"
    assert all(code.startswith("signature.") and forged in where for code, where in found), found


def test_an_unsigned_file_in_place_of_a_signed_one_is_told(here: Services) -> None:
    forged = here.blobs.put(io.BytesIO(pages.pdf("Sans signature"))).digest
    with here.engine.begin() as connection:
        connection.execute(update(SignedRevision).values(digest=forged))
    assert ("signature.missing", forged) in [(code, where[-64:]) for code, where in problems(here)]


def test_a_deleted_number_is_a_gap_in_its_register(here: Services) -> None:
    with here.engine.begin() as connection:
        connection.execute(text("PRAGMA foreign_keys=OFF"))
    with here.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql(
            "DELETE FROM mail_numbers WHERE sequence = 2 AND register_id = (SELECT id FROM registers WHERE code='ARR')"
        )
        connection.commit()
    (gap, missing) = problems(here)
    assert gap == ("register.gap", "ARR 2026: 1")
    assert missing[0] == "register.number_missing"
    assert "ARR 00002/2026" in missing[1]
    assert not verify(here, now=NOW).numbers_without_gap


def spoil(services: Services, *statements: str) -> None:
    """Change rows as an intruder with the database file would: foreign keys do not stop them."""
    with closing(sqlite3.connect(str(services.engine.url.database))) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount, statement


def one(services: Services, query: str) -> str:
    with services.engine.connect() as connection:
        return str(connection.exec_driver_sql(query).scalar_one())


ARR = "register_id = (SELECT id FROM registers WHERE code='ARR')"


def test_the_last_number_taken_out_together_with_its_counter_is_named_by_the_journal(here: Services) -> None:
    last = one(here, f"SELECT max(sequence) FROM mail_numbers WHERE {ARR}")
    number = one(here, f"SELECT text FROM mail_numbers WHERE sequence = {last} AND {ARR}")
    spoil(
        here,
        f"DELETE FROM mail_numbers WHERE sequence = {last} AND {ARR}",
        f"UPDATE register_counters SET last_sequence = last_sequence - 1 WHERE {ARR}",
    )
    missing, lowered = problems(here)
    assert missing[0] == "register.number_missing"
    assert missing[1].startswith(f"ARR {number} (mail ")
    assert lowered == ("register.counter_lowered", f"ARR 2026: {int(last) - 1} < {last}")
    assert not verify(here, now=NOW).numbers_without_gap


@pytest.mark.parametrize("column", ["mail_id", "slip_id"])
def test_a_number_moved_to_another_letter_or_written_anew_is_named(here: Services, column: str) -> None:
    row = one(here, f"SELECT max(id) FROM mail_numbers WHERE {column} IS NOT NULL")
    spoil(here, f"UPDATE mail_numbers SET text = '99999/2026' WHERE id = {row}")
    assert [code for code, _ in problems(here)] == ["register.number_missing"]
    spoil(here, f"UPDATE mail_numbers SET {column} = 1000000 WHERE id = {row}")
    assert [code for code, _ in problems(here)] == ["register.number_missing"]


def test_every_document_whose_row_leads_to_another_valid_blob_is_named(here: Services) -> None:
    other = here.blobs.put(io.BytesIO(pages.pdf("Un autre contenu"))).digest
    with here.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, digest FROM attachments WHERE digest IS NOT NULL").all()
    assert len(rows) >= 2
    for attachment_id, digest in rows:
        spoil(here, f"UPDATE attachments SET digest = '{other}' WHERE id = {attachment_id}")
        found = problems(here)
        named = [where for code, where in found if code == "attachment.other_bytes"]
        assert len(named) == 1, found
        assert named[0].startswith(f"attachment {attachment_id} ")
        assert other in named[0]
        spoil(here, f"UPDATE attachments SET digest = '{digest}' WHERE id = {attachment_id}")
    assert problems(here) == []


def test_every_page_and_rendition_whose_row_leads_to_another_valid_blob_is_named(here: Services) -> None:
    other = here.blobs.put(io.BytesIO(pages.png("Une autre page"))).digest
    for table in ("attachment_pages", "renditions"):
        with here.engine.connect() as connection:
            rows = connection.exec_driver_sql(f"SELECT rowid, attachment_id, digest FROM {table}").all()
        assert rows
        for row, attachment_id, digest in rows:
            spoil(here, f"UPDATE {table} SET digest = '{other}' WHERE rowid = {row}")
            ((code, where),) = problems(here)
            assert code == ("rendition.other_bytes" if table == "renditions" else "attachment.other_bytes")
            assert where.startswith(f"attachment {attachment_id} ")
            spoil(here, f"UPDATE {table} SET digest = '{digest}' WHERE rowid = {row}")


def test_a_document_moved_removed_or_slipped_in_is_named(here: Services) -> None:
    last = one(here, "SELECT max(attachment_id) FROM attachment_pages")
    mail = one(here, f"SELECT mail_id FROM attachments WHERE id = {last}")
    spoil(here, f"UPDATE attachments SET mail_id = (SELECT min(id) FROM mails) WHERE id = {last}")
    assert [code for code, _ in problems(here)] == ["attachment.moved"]
    spoil(here, f"UPDATE attachments SET mail_id = {mail}, id = 1000000 WHERE id = {last}")
    found = {code for code, _ in problems(here)}
    assert {"attachment.missing", "attachment.unrecorded"} <= found
    spoil(here, f"UPDATE attachments SET id = {last} WHERE id = 1000000")
    spoil(here, f"DELETE FROM attachment_pages WHERE attachment_id = {last} AND page_no = 2")
    assert problems(here) == [("attachment.other_pages", f"attachment {last} (mail {mail}): 1 / 2")]


def test_a_cut_behind_the_sealed_head_is_named(here: Services) -> None:
    cut_journal(here, keep=3)
    found = problems(here)
    assert found == [("journal.cut_behind_seal", f"sealed head {sealed_count(here)}")]


def test_a_cut_of_what_is_not_sealed_yet_is_told_by_the_head(here: Services) -> None:
    with here.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_payloads WHERE sequence = (SELECT count FROM audit_head)"))
        connection.execute(text("DELETE FROM audit_entries WHERE sequence = (SELECT count FROM audit_head)"))
    assert [code for code, _ in problems(here)] == ["journal.tail_cut"]


def test_a_journal_written_anew_behind_the_seal_is_named(here: Services) -> None:
    """The entry, its hash and all that follow are computed again: the chain is consistent, but the seal does not
    fit."""
    with here.unit_of_work(NOW) as uow:
        entries = uow.session.scalars(select(audit.AuditEntry).order_by(audit.AuditEntry.sequence)).all()
        entries[1].action, previous = "other.action", entries[0].hash
        for entry in entries[1:]:
            entry.previous_hash = previous
            entry.hash = previous = audit.entry_hash(entry)
        uow.session.get_one(audit.AuditHead, audit.HEAD_ID).hash = previous
    assert problems(here) == [("journal.rewritten_behind_seal", f"sealed head {sealed_count(here)}")]


def sealed_count(services: Services) -> int:
    return verify(services, now=NOW).sealed_until


def cut_journal(services: Services, *, keep: int) -> None:
    """Cut the end and adapt the head, as an intruder with the database would."""
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text(f"DELETE FROM audit_payloads WHERE sequence > {keep}"))
        connection.execute(text(f"DELETE FROM audit_entries WHERE sequence > {keep}"))
        connection.execute(
            text(f"UPDATE audit_head SET count={keep}, hash=(SELECT hash FROM audit_entries WHERE sequence={keep})")
        )


# --- the file of sealed heads ------------------------------------------------------------------------------------


def seal_file(services: Services) -> Path:
    return Path(services.data_dir) / "seal" / "heads.jsonl"


def test_the_file_of_seals_removed_is_told(here: Services) -> None:
    seal_file(here).unlink()
    assert [code for code, _ in problems(here)] == ["seal.file_missing"]


def test_looking_while_the_first_head_is_sealed_finds_nothing(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    found = []

    class Watched(HeadSeal):
        def _private(self) -> Ed25519PrivateKey:
            key = super()._private()  # the key exists now, the first line does not
            with services.reading() as session:
                found.append([finding.code for finding in self.verify(session)])
            return key

    with services.reading() as session:
        assert Watched(tmp_path / "seal", b"a secret kept elsewhere").seal(audit.head(session), now=NOW)
    assert found == [[]]
    services.engine.dispose()


@pytest.mark.parametrize("line", ["nonsense", "{}", '{"head": 3, "signature": "00"}', "\xff\xfe"])
def test_a_line_that_is_no_seal_is_told_and_stops_nothing(here: Services, line: str) -> None:
    with seal_file(here).open("ab") as out:
        out.write(line.encode("latin-1") + b"\n")
    assert [code for code, _ in problems(here)] == ["seal.line_altered"]
    with here.unit_of_work(NOW) as uow:
        uow.record("thing.changed", "thing", 1, actor=actor(here, "agent"))
    assert seal_head(here, now=NOW), "sealing goes on behind it"
    assert [code for code, _ in problems(here)] == ["seal.line_altered"]


def test_a_line_torn_by_a_power_cut_is_written_again(here: Services) -> None:
    whole = seal_file(here).read_bytes()
    with here.unit_of_work(NOW) as uow:
        uow.record("thing.changed", "thing", 1, actor=actor(here, "agent"))
    assert seal_head(here, now=NOW)
    seal_file(here).write_bytes(seal_file(here).read_bytes()[:-20])
    assert seal_head(here, now=NOW)
    assert seal_file(here).read_bytes().startswith(whole)
    assert problems(here) == []


# --- the command -------------------------------------------------------------------------------------------------


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GED_")}
    return run(*words, cwd=folder, env={**kept, "GED_DATA_DIR": str(folder), "GED_SECRET": SECRET})


def test_the_command_says_yes_and_names_what_is_broken(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    key = derive_secret(SECRET, "keystore")
    Authority.create(tmp_path / "authority", key, "Ministère d'essai", now - timedelta(hours=1))
    services = make_services(tmp_path)
    make_organisation(services)
    make_slip(services, now)
    seal_head(services, now=now)
    sound = command(tmp_path, "verify")
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "no gap" in sound.stdout
    assert "signatures: 2" in sound.stdout
    assert "BROKEN" not in sound.stdout
    flip(blob_path(services, digests_of(services, "slip_revisions.digest")[0]))
    cut_journal(services, keep=2)
    broken = command(tmp_path, "verify")
    assert broken.returncode == 1
    assert "BROKEN blob.altered: slip_revisions.digest" in broken.stdout
    assert "BROKEN journal.cut_behind_seal: sealed head" in broken.stdout
    as_json = command(tmp_path, "verify", "--json")
    assert as_json.returncode == 1
    assert '"code": "journal.cut_behind_seal"' in as_json.stdout
    services.engine.dispose()
