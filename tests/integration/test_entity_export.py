"""An entity leaves whole and signed, nothing of another one leaves with it, and ``ged_verify.py`` finds each change."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from ged.archive.seal import journal_seal
from ged.audit import AuditEntry, AuditPayload, canonical
from ged.errors import EngineFailed, InvalidTransition, NotFound
from ged.org.models import Person, Unit
from ged.ports import Digest
from ged.register.models import Mail, MailNumber, Register
from ged.transfer import export as writing
from ged.verify import verify
from tests import transfer_kit as kit
from tests.signbook_kit import House
from tests.transfer_kit import LATER, THEIRS
from web.commands import main

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = kit.make_two(tmp_path_factory.mktemp("house"))
    yield made
    made.services.engine.dispose()


@pytest.fixture(scope="module")
def folder(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported ministry. Tests change copies of it."""
    return kit.written(house, tmp_path_factory.mktemp("out") / "entity")


@pytest.fixture(scope="module")
def given(house: House, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return kit.held(house, tmp_path_factory.mktemp("held"))


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"rows/{table}.jsonl").read_bytes().splitlines()]


def broken(lines: list[dict[str, Any]]) -> str:
    return " | ".join(f"{line['what']}: {line['why']}" for line in lines if line["state"] == "broken")


def test_an_entity_leaves_whole_and_is_proven_on_either_database(
    tmp_path: Path, either_database: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    house = kit.make_two(tmp_path, url=either_database)
    folder = kit.written(house, tmp_path / "entity")
    code, lines = kit.told(folder, kit.held(house, tmp_path), capsys)
    assert code == 0, [line for line in lines if line["state"] != "proven"]
    proven = " | ".join(line["what"] for line in lines)
    for part in (
        "entité MIN",
        "documents inchangés",
        "registre ARR 2026 : 1 à",
        "clôture du registre ARR",
        "signature signatory",
    ):
        assert part in proven, part
    with house.services.reading() as session:
        stands = set(
            session.scalars(select(MailNumber.text).join(Register).where(Register.code.not_like(f"{THEIRS}%")))
        )
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "entity.exported")).one()
        payload = session.get_one(AuditPayload, entry.sequence).payload
    assert {row["text"] for row in rows(folder, "mail_numbers")} == stands
    assert payload["manifest"] == hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert not verify(house.services, now=LATER).problems
    house.services.engine.dispose()


def test_nothing_of_the_other_ministry_leaves(house: House, folder: Path) -> None:
    content = {path: path.read_bytes().lower() for path in folder.rglob("*") if path.is_file()}
    assert len(content) > 100
    assert [path for path, found in content.items() if THEIRS.lower().encode() in found] == []
    with house.services.reading() as session:
        hashes = (folder / "journal/hashes.bin").read_bytes()
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)).all()
        theirs = session.scalars(select(Mail.id).where(Mail.subject.contains(THEIRS))).all()
    own = [json.loads(line) for line in (folder / "journal/entries.jsonl").read_bytes().splitlines()]
    assert theirs
    assert not [one for one in own if one["subject_kind"] == "mail" and one["subject_id"] in theirs]
    assert hashes == b"".join(bytes.fromhex(one.hash) for one in entries)[: len(hashes)], "and the chain is whole"
    told = {one["sequence"] for one in own}
    assert {one.sequence for one in entries if one.subject_kind == "mail" and one.subject_id not in theirs} <= told


def test_no_secret_leaves(house: House, folder: Path) -> None:
    with house.services.unit_of_work(LATER) as uow:
        uow.session.execute(update(Person).values(password_hash="never-to-leave"))
    found = kit.written(house, folder.parent / "with-secrets")
    assert not [path for path in found.rglob("*") if path.is_file() and b"never-to-leave" in path.read_bytes()]
    assert all("password_hash" not in row for row in rows(found, "people"))
    for path in ("rows/sessions.jsonl", "rows/signing_keys.jsonl", "rows/first_accesses.jsonl"):
        assert not (found / path).exists()


def test_only_what_hangs_on_the_given_key_is_proven(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = kit.told(folder, [], capsys)
    assert (code, {line["state"] for line in lines}) == (3, {"open"})


def test_each_altered_dropped_or_added_file_is_found(
    folder: Path, given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(5)
    changed = shutil.copytree(folder, tmp_path / "entity")
    files = sorted(path for path in changed.rglob("*") if path.is_file() and path.stat().st_size)
    kinds = {path.relative_to(changed).parts[0]: path for path in files}  # of documents, roots ...: one each
    chosen = [*kinds.values(), *dice.sample([path for path in files if path.parent.name in ("rows", "journal")], 6)]
    for path in chosen:
        content = path.read_bytes()
        place = dice.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert kit.told(changed, given, capsys)[0] in (1, 2), path
        path.unlink()
        assert kit.told(changed, given, capsys)[0] in (1, 2), path
        path.write_bytes(content)
    (changed / "rows/autre.jsonl").write_text("{}\n")
    assert "rows/autre.jsonl" in broken(kit.told(changed, given, capsys)[1])


class Resigned:
    """A copy whose manifest agrees with its files again, signed with the true key: only the records contradict each other."""

    def __init__(self, house: House, folder: Path, copy: Path) -> None:
        self.folder, self._seal = shutil.copytree(folder, copy), journal_seal(house.services)

    def change(self, path: str, how: Callable[[list[dict[str, Any]]], object]) -> None:
        found = [json.loads(line) for line in (self.folder / path).read_bytes().splitlines()]
        how(found)
        self.replace(path, b"".join(canonical(one) + b"\n" for one in found))

    def replace(self, path: str, content: bytes) -> None:
        (self.folder / path).write_bytes(content)
        manifest = json.loads((self.folder / "manifest.json").read_bytes())
        table = Path(path).stem
        if path.startswith("rows/"):
            manifest["counts"][table] = len(content.splitlines())
        listed = next(one for one in manifest["files"] if one["path"] == path)
        listed |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        text = json.dumps(manifest).encode()
        (self.folder / "manifest.json").write_bytes(text)
        (self.folder / "manifest.sig").write_text(self._seal.sign_bytes(text))


def _drop_number(found: list[dict[str, Any]]) -> None:
    del found[2]


def _swap_bytes(found: list[dict[str, Any]]) -> None:
    found[0]["digest"] = found[1]["digest"]


def _move(found: list[dict[str, Any]]) -> None:
    found[3]["sequence"], found[3]["hash"] = found[4]["sequence"], found[4]["hash"]


@pytest.mark.parametrize(
    ("path", "how", "why"),
    [
        ("rows/mail_numbers.jsonl", _drop_number, "registre"),
        ("rows/mail_numbers.jsonl", lambda found: found[0].update(text="9999/2026"), "il manque au registre"),
        ("rows/register_counters.jsonl", lambda found: found.pop(0), "sans compteur"),
        ("rows/attachments.jsonl", _swap_bytes, "n'est pas celui que dit le journal"),
        ("rows/attachments.jsonl", lambda found: found.pop(), "le journal le dit, et il manque"),
        ("rows/register_closings.jsonl", lambda found: found[0].update(void_count=9), "n'est pas scellée"),
        ("journal/entries.jsonl", lambda found: found[5].update(action="mail.opened"), "a été modifiée"),
        ("journal/entries.jsonl", lambda found: found[-1]["payload"].update(x=1), "le détail de l'inscription"),
        ("journal/entries.jsonl", lambda found: found.pop(4), "inscriptions au lieu de"),
        ("journal/entries.jsonl", _move, "a été modifiée"),
        ("documents.jsonl", lambda found: found.pop(), "ne figure pas au manifeste"),
    ],
)  # fmt: skip
def test_records_that_contradict_the_journal_are_found_under_a_true_signature(
    house: House, folder: Path, given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    path: str, how: Callable[[list[dict[str, Any]]], object], why: str,
) -> None:  # fmt: skip
    forged = Resigned(house, folder, tmp_path / "entity")
    forged.change(path, how)
    code, lines = kit.told(forged.folder, given, capsys)
    assert code == 1
    assert why in broken(lines)


def test_another_chain_of_hashes_is_found_under_a_true_signature(
    house: House, folder: Path, given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = Resigned(house, folder, tmp_path / "entity")
    content = (folder / "journal/hashes.bin").read_bytes()
    others = {json.loads(line)["sequence"] for line in (folder / "journal/entries.jsonl").read_bytes().splitlines()}
    place = next(n for n in range(1, len(content) // 32) if not {n, n + 1} & others)  # one of the other ministry
    forged.replace("journal/hashes.bin", content[: 32 * (place - 1)] + bytes(32) + content[32 * place :])
    assert "ne tient pas au journal" in broken(kit.told(forged.folder, given, capsys)[1])


def test_a_path_out_of_the_folder_is_not_followed(
    house: House, folder: Path, given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    forged = Resigned(house, folder, tmp_path / "entity")
    digest = "../" * 30 + str(tmp_path / "secret").lstrip("/")
    forged.change("documents.jsonl", lambda found: found[0].update(sha256=digest))
    assert kit.told(forged.folder, given, capsys)[0] == 1


def test_an_interrupted_run_leaves_nothing_that_looks_whole_and_is_begun_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(writing._Writer, "_sign", stop)
        kit.written(house, tmp_path / "entity")
    assert not (tmp_path / "entity").exists()
    assert not (tmp_path / "entity.half" / "manifest.json").exists()
    (tmp_path / "entity.half" / "of the killed run").write_text("x")
    done = kit.written(house, tmp_path / "entity")
    assert (done / "manifest.sig").exists()
    assert not (done / "of the killed run").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["entity"]
    with pytest.raises(FileExistsError):
        kit.written(house, done)
    (tmp_path / "mine.half").mkdir()
    with pytest.raises(FileExistsError):
        kit.written(house, tmp_path / "mine")


def test_an_entity_that_hangs_on_another_one_does_not_leave(house: House, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        writing.export(house.services, "DGE", tmp_path / "none", now=LATER)  # a direction, no entity
    with house.services.unit_of_work(LATER) as uow:
        uow.session.execute(update(Unit).where(Unit.code == "DGE").values(is_entity=True))
    with pytest.raises(InvalidTransition) as found:
        writing.export(house.services, "DGE", tmp_path / "none", now=LATER)
    assert found.value.code == "entity.entangled"
    assert list(tmp_path.iterdir()) == []
    with house.services.unit_of_work(LATER) as uow:
        uow.session.execute(update(Unit).where(Unit.code == "DGE").values(is_entity=False))


def test_a_damaged_document_stops_the_export(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Digest(next(iter(sorted(rows(kit.written(house, tmp_path / "whole"), "attachments"), key=str)))["digest"])
    exists = house.services.blobs.exists
    monkeypatch.setattr(
        type(house.services.blobs), "exists", lambda _self, digest: digest != missing and exists(digest)
    )
    with pytest.raises(EngineFailed) as found:
        kit.written(house, tmp_path / "entity")
    assert found.value.code == "blob.missing"
    assert not (tmp_path / "entity").exists()


def test_the_command_explains_itself() -> None:
    told = CliRunner().invoke(main, ["entity", "export", "--help"]).output
    assert "in clear text" in " ".join(told.split())
