"""The case file of a letter contains its proof. ``ged_verify.py`` alone checks it."""

import dataclasses
import errno
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import text

import ged_verify
from ged import case_export
from ged.archive import merkle
from ged.archive.anchor import journal_anchors
from ged.archive.keeping import anchor_journal, seal_folder
from ged.errors import NotFound
from ged.ports import Confidentiality
from ged.register.levels import change_level
from ged.register.operations import link
from ged.verify import verify
from tests.case_kit import Stamper, case, held_by_judge, house
from tests.factories import NOW
from tests.signbook_kit import make_house
from tests.tampering import lift_guards

__all__ = ["case", "house"]  # fixtures

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture(scope="module")
def held(house, tmp_path_factory):
    """The journal's key and the roots, which the judge got by another way."""
    roots, key = held_by_judge(house, tmp_path_factory.mktemp("held"))
    return [*roots, *key]


def _verified(folder, held, capsys):
    code = ged_verify.main([str(folder), *held, "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_everything_is_proven_to_who_holds_key_and_roots(case, held, capsys):
    code, lines = _verified(case, held, capsys)
    assert code == 0, [line for line in lines if line["state"] != "proven"]
    proven = " | ".join(line["what"] for line in lines)
    for part in ("octets inchangés", "de courrier", "horodatage de l'ancrage", "journal n°"):
        assert part in proven, part
    (signature,) = [line for line in lines if line["what"].startswith("signature ")]
    assert signature["by"] == "Sg"
    assert signature["when"].startswith("2026-11-24T09:00:00")
    (stamped,) = [line for line in lines if line["what"].startswith("horodatage")]
    assert (stamped["by"], stamped["when"]) == ("CN=Horodateur", NOW.isoformat())
    assert {line["by"] for line in lines if "mail.signed" in line["what"]} <= {"Sg"}


def test_a_linked_letter_is_told_only_to_who_may_see_it(house, held, tmp_path, capsys):
    hidden = house.house.incoming()
    with house.services.unit_of_work(NOW) as uow:
        link(uow, house.mail_id, hidden, kind="related", actor=house.house.who("sg"))
        change_level(uow, hidden, Confidentiality.SECRET, reason="Enquête", actor=house.house.who("sg"))
    for who, told in (("sg", True), ("dge", False)):
        folder = tmp_path / who
        case_export.write_folder(
            house.services,
            case_export.collect(house.services, house.mail_id, actor=house.house.who(who), now=NOW),
            folder,
        )
        entries = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
        linked = [entry for entry in entries if entry["action"] == "mail.linked"]
        assert any(entry.get("payload", {}).get("to") == hidden for entry in linked) is told, who
        _code, lines = _verified(folder, held, capsys)
        assert not [line for line in lines if line["state"] == "broken"], "the chain holds without the payload"


def test_a_folder_that_could_not_be_written_whole_is_not_there(case, house, tmp_path, monkeypatch):
    assert case.exists(), "exported before: this export adds an entry to the journal"
    collected = case_export.collect(house.services, house.mail_id, actor=None, now=NOW)
    copied = case_export._copy

    def full(source, target):
        copied(source, target)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(case_export, "_copy", full)
    with pytest.raises(OSError, match="No space left"):
        case_export.write_folder(house.services, collected, tmp_path / "new" / "case")
    assert not list((tmp_path / "new").iterdir())
    monkeypatch.undo()
    case_export.write_folder(house.services, collected, tmp_path / "new" / "case")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["case"]
    with pytest.raises(FileExistsError):
        case_export.write_folder(house.services, collected, tmp_path / "new" / "case")


def test_without_them_nothing_is_broken_and_the_rest_is_said_to_be_open(case, capsys):
    code, lines = _verified(case, [], capsys)
    assert code == 3
    assert {line["state"] for line in lines} == {"open"}
    ged_verify.main([str(case)])
    assert "0 prouvés" in capsys.readouterr().out


def test_the_program_runs_alone_and_tells_its_own_digest(case, held, tmp_path):
    """In twenty years: the folder, a Python and the judge's copy of one file. Nothing else of the program is needed."""
    own = shutil.copy(Path(ged_verify.__file__), tmp_path / "ged_verify.py")
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-P", own, ".", *held],
        cwd=case, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 NON CONFORMES." in done.stdout
    digest = hashlib.sha256(Path(own).read_bytes()).hexdigest()
    assert digest in done.stdout.splitlines()[0]
    assert digest in (case / "LISEZ-MOI.txt").read_text()
    assert not list(case.rglob("*.py")), "what lies in the folder is never what is run"
    imports = Path(own).read_text()
    assert not [
        line for line in imports.splitlines() if line.strip().startswith(("from ged", "import ged", "from web"))
    ]


def test_every_single_byte_change_of_the_folder_is_found(case, held, capsys, tmp_path):
    """In each file, at random places. For rows of the journal also where the manifest is made again, without the
    key."""
    dice = random.Random(os.environ.get("GED_TEST_SEED"))
    folder = shutil.copytree(case, tmp_path / "case")
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        content = path.read_bytes()
        for place in dice.sample(range(len(content)), 2):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            code, lines = _verified(folder, held, capsys)
            assert code in (1, 2), (path.name, place, [one for one in lines if one["state"] != "proven"])
        path.write_bytes(content)
    assert _verified(folder, held, capsys)[0] == 0


def test_an_altered_time_stamp_never_proves_and_never_ends_the_check(case):
    dice = random.Random(os.environ.get("GED_TEST_SEED"))
    token, anchor = (case / "anchor.tst").read_bytes(), json.loads((case / "anchor.json").read_text())["anchor"]
    for place in dice.sample(range(len(token)), 400):
        altered = token[:place] + bytes([token[place] ^ dice.randrange(1, 256)]) + token[place + 1 :]
        line = ged_verify.check_token(altered, ged_verify.canonical(anchor), "x", [])
        assert line.state in ("broken", "open"), (place, line)


def test_the_journal_alone_tells_every_altered_row(case, held, capsys, tmp_path):
    """Not by the digest in the manifest, but by hash, order, place in the tree and salted payload."""
    folder = shutil.copytree(case, tmp_path / "case")
    rows = [json.loads(line) for line in (folder / "journal.jsonl").read_bytes().splitlines()]
    checked = ged_verify.Case(folder, [], None)
    for number, row in enumerate(rows[:-1]):
        for column, value in row.items():
            if column == "proof":
                continue
            altered = dict(row)
            altered[column] = (
                {"other": 1}
                if isinstance(value, dict)
                else (value or 0) + 1
                if not isinstance(value, str)
                else _other(value)
            )
            changed = [*rows[:number], altered, *rows[number + 1 :]]
            (folder / "journal.jsonl").write_bytes(b"\n".join(map(ged_verify.canonical, changed)))
            states = {line.state for line in checked._the_journal()}
            assert "broken" in states, (row["action"], column)
    (folder / "journal.jsonl").write_bytes(b"\n".join(map(ged_verify.canonical, [rows[1], rows[0], *rows[2:]])))
    assert "broken" in {line.state for line in checked._the_journal()}


def _other(value):
    return ("0" if value[:1] != "0" else "1") + value[1:] if value else "x"


def test_an_anchor_of_another_journal_proves_nothing(case, held, capsys, tmp_path):
    folder = shutil.copytree(case, tmp_path / "case")
    record = json.loads((folder / "anchor.json").read_text())
    record["anchor"]["root"] = "00" * 32
    (folder / "anchor.json").write_text(json.dumps(record, sort_keys=True))
    code, lines = _verified(folder, held, capsys)
    assert code == 1
    assert "n'est pas signé par la clé du journal" in {line["why"] for line in lines}
    (folder / "extra.txt").write_text("ajouté")
    assert "ne figure pas au manifeste" in {line["why"] for line in _verified(folder, held, capsys)[1]}


def test_a_folder_that_is_none_ends_with_two(tmp_path, capsys):
    assert ged_verify.main([str(tmp_path)]) == 2
    assert "FileNotFoundError" in capsys.readouterr().err


def test_the_zip_holds_the_same_and_access_is_kept(house):
    collected = case_export.collect(house.services, house.mail_id, actor=house.house.who("dge"), now=NOW)
    packed = io.BytesIO()
    case_export.write_zip(house.services, collected, packed)
    with zipfile.ZipFile(packed) as opened:
        names = set(opened.namelist())
    assert {"manifest.json", "manifest.sig", "journal.jsonl", "LISEZ-MOI.txt", case_export.VERIFIER_COPY} <= names
    assert names == {*collected.parts, *collected.blobs}
    with pytest.raises(NotFound):
        case_export.collect(house.services, house.mail_id, actor=house.house.who("admin"), now=NOW)
    with house.services.reading() as session:
        assert case_export.find_mail(session, house.number) == house.mail_id
        with pytest.raises(NotFound):
            case_export.find_mail(session, "99999/1900")


# --- anchors


def test_proofs_lead_to_the_root_for_every_place_and_size():
    for size in (1, 2, 3, 5, 6, 7, 8, 11, 31, 33):
        leaves = [bytes([number] * 32) for number in range(size)]
        found, whole = merkle.proofs(leaves, range(size)), merkle.root(leaves)
        for place, leaf in enumerate(leaves):
            assert ged_verify.root_from(leaf.hex(), place, size, list(found[place])) == whole
            assert (
                ged_verify.root_from(leaf.hex(), (place + 1) % (size + 1), size, list(found[place])) != whole
                or size == 1
            )
        assert merkle.roots(leaves, {1, size})[1] == merkle.root(leaves[:1])


def test_an_authority_that_was_away_stamps_later_and_a_rewritten_journal_is_found(tmp_path):
    house = make_house(tmp_path)
    stamper = Stamper()
    services = dataclasses.replace(house.services, timestamper=stamper)
    house.incoming()
    stamper.away = True
    assert anchor_journal(services, now=NOW) == (True, 0)
    assert anchor_journal(services, now=NOW) == (False, 0)
    stamper.away = False
    house.incoming()
    assert anchor_journal(services, now=NOW) == (True, 2)
    anchors = journal_anchors(services)
    assert len(anchors.all()) == 2
    assert [p.code for p in verify(services, now=NOW).problems] == []
    line = seal_folder(services) / "anchors.jsonl"
    kept = line.read_text()
    line.write_text(kept.split("\n", 1)[1])
    assert "anchor.line_missing" in {p.code for p in verify(services, now=NOW).problems}
    line.write_text(kept.replace('"count": ', '"count": 1', 1))
    assert "anchor.line_altered" in {p.code for p in verify(services, now=NOW).problems}
    line.write_text(kept)
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET hash = :h WHERE sequence = 2"), {"h": "ab" * 32})
    assert "journal.rewritten_behind_anchor" in {p.code for p in verify(services, now=NOW).problems}
    services.checker.close()
    services.engine.dispose()
