"""The journal's key is encrypted on disk. Copies of the key and the heads elsewhere reveal a journal that was
rewritten."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from sqlalchemy import text

from ged import audit
from ged.archive.anchor import journal_anchors
from ged.archive.keeping import anchor_journal, seal_head
from ged.archive.outside import read_copy
from ged.archive.seal import HeadSeal, journal_seal
from ged.errors import ConfigError, Invalid
from ged.unit import SYSTEM, Services
from ged.verify import verify
from tests.commands import Ended, ged
from tests.factories import NOW, SECRET, make_services
from tests.tampering import lift_guards


@pytest.fixture
def services(tmp_path: Path):
    (tmp_path / "data").mkdir(mode=0o700)
    made = make_services(tmp_path / "data")
    for _ in range(3):
        work(made, 2)
    anchor_journal(made, now=NOW)
    yield made
    made.checker.close()
    made.engine.dispose()


def work(services: Services, entries: int) -> None:
    for n in range(entries):
        with services.unit_of_work(NOW) as uow:
            uow.record("mail.opened", "mail", n, actor=SYSTEM, who="a person")
    seal_head(services, now=NOW)


@pytest.fixture
def copied(services: Services, tmp_path: Path) -> tuple[Path, Path]:
    """Key and heads, copied to another machine."""
    key, heads = tmp_path / "held.pub", tmp_path / "held.jsonl"
    shutil.copy(tmp_path / "data/seal/journal.pub", key)
    shutil.copy(tmp_path / "data/seal/heads.jsonl", heads)
    return key, heads


def problems(services: Services, copied: tuple[Path, Path] | None = None) -> list[str]:
    held = read_copy(copied[0].read_bytes(), copied[1].read_bytes()) if copied else None
    return [one.code for one in verify(services, now=NOW, held=held).problems]


def command(data: Path, *words: object) -> Ended:
    return ged("verify", *words, cwd=data, GED_DATA_DIR=str(data), GED_SECRET=SECRET)


def rewrite(services: Services, sequence: int, *, keep: int | None = None) -> None:
    """An intruder with full control of the server changes an entry, and makes chain, heads and anchors again with the
    keys."""
    folder = Path(services.data_dir) / "seal"
    counts = [json.loads(line)["head"]["count"] for line in (folder / "heads.jsonl").read_text().splitlines()]
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        if keep is not None:
            connection.execute(text("DELETE FROM audit_payloads WHERE sequence > :n"), {"n": keep})
            connection.execute(text("DELETE FROM audit_entries WHERE sequence > :n"), {"n": keep})
    with services.unit_of_work(NOW) as uow:
        entries = uow.session.query(audit.AuditEntry).order_by(audit.AuditEntry.sequence).all()
        detail = uow.session.get_one(audit.AuditPayload, sequence)
        detail.payload = {"who": "somebody else"}
        previous = audit.GENESIS
        for one in entries:
            if one.sequence == sequence:
                one.payload_digest = audit.payload_digest(detail.salt, detail.payload)
            one.previous_hash = previous
            previous = one.hash = audit.entry_hash(one)
        head = audit.lock(uow.session)
        head.count, head.hash = len(entries), previous
        hashes = {one.sequence: one.hash for one in entries}
    (folder / "heads.jsonl").unlink()
    (folder / "anchors.jsonl").unlink()
    for count in counts:
        if count in hashes:
            journal_seal(services).seal(audit.Head(count, hashes[count]), now=NOW)
    with services.snapshot() as session:
        journal_anchors(services).make(session, now=NOW)


def test_a_journal_written_anew_with_all_keys_of_the_server_is_found_by_the_copy_alone(services, copied) -> None:
    assert problems(services, copied) == []
    rewrite(services, 3)
    assert problems(services) == [], "nothing on the server speaks against it: that is the point"
    assert "journal.rewritten_behind_copy" in problems(services, copied)
    told = command(Path(services.data_dir), "--key", copied[0], "--heads", copied[1])
    assert told.returncode == 1
    assert "BROKEN journal.rewritten_behind_copy: copy 4" in told.stdout
    assert "changed after the copy was made" in told.stdout


def test_a_journal_that_was_cut_and_sealed_anew_ends_before_the_copy(services, copied) -> None:
    rewrite(services, 5, keep=5)
    assert problems(services) == []
    found = problems(services, copied)
    assert "journal.cut_behind_copy" in found
    work(services, 4)
    assert "journal.rewritten_behind_copy" in problems(services, copied), "grown again, it is another"


def test_an_older_copy_holds_and_says_how_much_is_newer(services, copied) -> None:
    work(services, 2)
    told = command(Path(services.data_dir), "--key", copied[0], "--heads", copied[1])
    assert told.returncode == 0, told.stdout + told.stderr
    assert "copy: 3 heads, until entry 6; 2 entries are newer than the copy" in told.stdout
    assert json.loads(command(Path(services.data_dir), "--key", copied[0], "--heads", copied[1], "--json").stdout)[
        "copy_until"
    ] == 6  # fmt: skip
    assert command(Path(services.data_dir), "--key", copied[0]).returncode == 0


def test_a_copy_that_is_newer_than_the_server_says_that_a_backup_was_restored(services, copied, tmp_path) -> None:
    shutil.copytree(services.data_dir, tmp_path / "backup")
    work(services, 2)
    shutil.copy(Path(services.data_dir) / "seal/heads.jsonl", copied[1])
    told = command(tmp_path / "backup", "--key", copied[0], "--heads", copied[1])
    assert told.returncode == 1
    assert "BROKEN journal.cut_behind_copy: copy 8" in told.stdout
    assert "older backup was restored" in told.stdout


def test_another_installation_is_named_as_such(services, copied, tmp_path) -> None:
    (tmp_path / "other").mkdir(mode=0o700)
    other = make_services(tmp_path / "other")
    work(other, 7)
    told = command(tmp_path / "other", "--key", copied[0], "--heads", copied[1])
    assert told.returncode == 1
    assert {"journal.key_other", "journal.other_than_copy"} == set(problems(other, copied))
    assert "another installation's copy" in told.stdout
    other.engine.dispose()


def test_a_copy_that_cannot_be_used_ends_with_two(services, copied, tmp_path) -> None:
    data = Path(services.data_dir)
    HeadSeal(tmp_path / "x", b"another").public_pem()
    assert command(data, "--key", tmp_path / "x/journal.pub", "--heads", copied[1]).returncode == 2
    assert command(data, "--heads", copied[1]).returncode == 2
    for content in (b"", b"{}\n", b"[" * 100_000 + b"\n", copied[1].read_bytes().split(b"\n", 1)[1]):
        (tmp_path / "bad.jsonl").write_bytes(content)
        told = command(data, "--key", copied[0], "--heads", tmp_path / "bad.jsonl")
        assert (told.returncode, "Traceback" in told.stderr) == (2, False)
        assert "copy." in told.stderr
    with pytest.raises(Invalid, match="copy.key_unreadable"):
        read_copy(b"no key", None)
    torn = copied[1].read_bytes() + b'{"head": {"cou'
    assert read_copy(copied[0].read_bytes(), torn).until == 6


def test_the_key_lies_encrypted_and_opens_under_the_secret_only(services) -> None:
    path = Path(services.data_dir) / "seal/journal.key"
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY")
    for secret in (b"", b"another secret of another server"):
        with pytest.raises(ConfigError, match="seal.secret_wrong"):
            HeadSeal(path.parent, secret).sign_bytes(b"x")
    work(services, 1)
    assert problems(services) == []


def test_a_clear_key_of_before_is_taken_over_at_the_start(services) -> None:
    data = Path(services.data_dir)
    path = data / "seal/journal.key"
    key = journal_seal(services)._private()
    clear = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(clear)
    assert command(data).returncode == 0
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY")
    assert path.stat().st_mode & 0o777 == 0o600
    assert journal_seal(services)._private().private_bytes_raw() == key.private_bytes_raw()
    assert not list(path.parent.glob("*.half"))
    work(services, 1)
    assert problems(services) == []


def test_usage_names_the_option_that_is_missing(tmp_path: Path) -> None:
    from web.commands import main

    (tmp_path / "heads.jsonl").write_text("")
    done = CliRunner().invoke(main, ["verify", "--heads", str(tmp_path / "heads.jsonl")])
    assert done.exit_code == 2
    assert "--key" in done.output
