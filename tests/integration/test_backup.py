"""`ged backup` and `ged restore` by what they promise: all comes back, nothing is told to a thief, every other byte is named."""

import errno
import io
import json
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged import health
from ged.archive import copies
from ged.archive.seal import HeadSeal
from ged.audit import AuditEntry
from ged.backup import drill_sheet, making, restoring
from ged.backup.drill_sheet import digest_of
from ged.backup.medium import FolderMedium, alone_in
from ged.config import load_settings
from ged.errors import ConfigError, DiskFull, EngineFailed, GedError
from ged.jobs import Job, JobKind, JobState
from ged.org.certificates import note_issued
from ged.org.models import CertificateKind, OpenSession
from ged.ports import Digest, Verdict
from ged.register.models import Attachment, Mail, MailNumber
from ged.space import Space
from ged.unit import Services
from ged.verify import verify
from tests.backup_kit import Copied, page
from tests.commands import ged
from tests.word_kit import text_of
from web.processes import restore as process
from web.wiring import authority, backups
from web.wiring.services import build_services

pytestmark = pytest.mark.in_turns(3)

NIGHT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Copied]:
    made = Copied.make(tmp_path)
    made.letter("Construction d'un forage à Tsévié")
    yield made
    made.installation.close()


def restored(copied: Copied, tmp_path: Path, name: str = "back", **wanted: object) -> Services:
    outcome = process.restore(copied.wanted(**wanted), tmp_path / name / "data", tmp_path / name / "settings")  # type: ignore[arg-type]
    assert (outcome.broken, outcome.report.problems) == ((), ())
    return build_services(load_settings(outcome.settings, alone=True), writes_index=True)


def test_everything_comes_back(copied: Copied, tmp_path: Path) -> None:
    copied.letter("Marché de poteaux", page("un"), page("deux"))
    (copied.installation.settings.data_dir / "synonyms.txt").write_text("AR = accusé de réception\n")
    made = copied.copy()
    assert (made.objects, made.new, made.damaged, made.lost) == (3, 3, (), ())
    back = restored(copied, tmp_path)
    with copied.services.reading() as here, back.reading() as there:
        for model in (Mail, MailNumber, Attachment):
            rows = [[tuple(row) for row in one.execute(select(model.__table__)).all()] for one in (here, there)]
            assert rows[0] == rows[1]
            assert rows[0]
        digests = [digest for digest, _ in copied.services.blobs.digests()]
        assert all(back.blobs.verify(one) for one in digests)
    assert (Path(back.data_dir) / "synonyms.txt").read_text() == "AR = accusé de réception\n"
    assert (back.journal_secret, back.code_key) == (copied.services.journal_secret, copied.services.code_key)
    assert Path(back.data_dir).stat().st_mode & 0o077 == 0
    back.engine.dispose()


def test_what_was_restored_goes_on(copied: Copied, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with copied.services.unit_of_work(now) as uow:
        uow.session.add(
            OpenSession(token_hash="a" * 64, person_id=1, epoch=0, opened_at=now, seen_at=now, proved_at=now, address="", device="")
        )  # fmt: skip
        uow.defer(JobKind.NOTICE_MAIL, 1)
        uow.defer(JobKind.RECOGNISE, 99)
    with copied.services.unit_of_work(now) as uow:
        for job in uow.session.scalars(select(Job).where(Job.kind == JobKind.RECOGNISE)):
            job.state, job.worker, job.lease_until = JobState.RUNNING, "dead", now
    copied.copy()
    back = restored(copied, tmp_path)
    with back.reading() as session:
        assert session.scalars(select(OpenSession)).all() == [], "everybody signs in anew"
        states = {job.kind: job.state for job in session.scalars(select(Job))}
        assert states[JobKind.NOTICE_MAIL] is JobState.UNCERTAIN, "it may have left: a person decides"
        assert states[JobKind.RECOGNISE] is JobState.QUEUED
        assert states[JobKind.REBUILD_INDEX] is JobState.QUEUED
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence.desc())).first()
        assert last is not None
        assert last.action == "backup.restored"
    assert verify(back, now=datetime.now(UTC)).problems == ()
    back.engine.dispose()


def test_only_what_is_new_is_written(copied: Copied) -> None:
    copied.copy(now=NIGHT)
    copied.letter("Une autre lettre")
    second = copied.copy(now=NIGHT + timedelta(days=1))
    assert (second.objects, second.new) == (2, 1)
    assert copied.copy(now=NIGHT + timedelta(days=2)).new == 0
    assert copied.broken() == []


def test_letters_are_registered_while_copies_are_made(copied: Copied, tmp_path: Path) -> None:
    stop, registered = threading.Event(), list[int]()

    def register() -> None:
        while not stop.is_set():
            registered.append(copied.letter(f"Lettre {len(registered)}"))

    clerk = threading.Thread(target=register)
    clerk.start()
    try:
        for n in range(3):
            before = len(registered)
            copied.copy(now=NIGHT + timedelta(seconds=n))
            while len(registered) < before + 2:
                pass  # the clerk was not stopped by the copy
    finally:
        stop.set()
        clerk.join()
    for n, name in enumerate(FolderMedium(copied.medium).snapshots()):
        back = restored(copied, tmp_path, f"back{n}", snapshot=name)
        back.engine.dispose()


def test_the_wrong_key_opens_nothing(copied: Copied, tmp_path: Path) -> None:
    copied.copy()
    other = tmp_path / "other.key"
    backups.new_pair(other)
    with pytest.raises(GedError, match="backup.wrong_key"):
        process.restore(copied.wanted(identity=other), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert not (tmp_path / "back" / "data").exists()


def test_a_medium_alone_tells_nothing_and_opens_nothing(copied: Copied, tmp_path: Path) -> None:
    copied.letter("Zanzibar confidentiel", page("Zanzibar confidentiel"))
    made = copied.copy(keys=False)
    assert not made.keys_there
    secret = copied.installation.settings.secret.get_secret_value().encode()
    digests = [one.encode() for one, _ in copied.services.blobs.digests()]
    private = copied.identity.read_bytes().splitlines()[-1]
    for path in (one for one in copied.medium.rglob("*") if one.is_file()):
        content = path.read_bytes() + str(path).encode()
        for hidden in (b"Zanzibar", b"CEET", secret, private, *digests):
            assert hidden not in content, (hidden, path)
    with pytest.raises(GedError, match="backup.no_keys"):
        process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")


def test_keys_go_elsewhere_once_and_again_when_they_change(copied: Copied) -> None:
    assert copied.copy(now=NIGHT).keys_written
    again = copied.copy(now=NIGHT + timedelta(days=1))
    assert (again.keys_written, again.keys_there) == (False, True)
    (copied.installation.settings.data_dir / "authority").mkdir(exist_ok=True)
    (copied.installation.settings.data_dir / "authority" / "people.key").write_text("new")
    changed = copied.copy(now=NIGHT + timedelta(days=2), keys=False)
    assert (changed.keys_written, changed.keys_there) == (False, False)
    assert changed.keys != again.keys
    with copied.services.reading() as session:
        assert copies.keys_written(session) == again.keys
    with pytest.raises(GedError, match="backup.keys_beside_data"):
        copied.keys = copied.medium
        copied.copy(now=NIGHT + timedelta(days=3))


def test_every_other_byte_is_named(copied: Copied, tmp_path: Path) -> None:
    name = copied.copy().snapshot
    assert copied.broken() == []
    for path in sorted(one for one in copied.medium.rglob("*") if one.is_file() and one.stat().st_size):
        if path.name in ("README.txt", "lock"):
            continue
        whole = path.read_bytes()
        for at in {0, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            told = {one.where for one in copied.broken()}
            place = path.relative_to(copied.medium).as_posix().removeprefix("snapshots/")
            wanted = f"{name}/index.json.gz" if path.name == "index.sig" else place
            assert wanted in told, (path, at, told)
        path.write_bytes(whole)
    assert copied.broken() == []


def test_a_broken_object_is_named_and_the_rest_comes_back(copied: Copied, tmp_path: Path) -> None:
    copied.letter("Une autre lettre")
    copied.copy()
    path = sorted(copied.medium.glob("objects/*/*"))[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    outcome = process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert len(outcome.broken) == 1
    assert path.name in outcome.broken[0]
    assert [one.code for one in outcome.report.problems] == ["blob.missing"]
    ended = ged("backup", "check", copied.medium)
    assert ended.returncode == 1
    assert path.name in ended.stdout


def test_a_copy_that_somebody_else_made_is_refused(copied: Copied, tmp_path: Path) -> None:
    """Whoever has the public key can encrypt: the signature of the journal says who did."""
    other = Copied.make(tmp_path_of(tmp_path, "other"))
    other.public, other.keys, other.medium = copied.public, tmp_path_of(tmp_path, "their-keys"), copied.medium
    copied.copy(now=NIGHT)
    other.copy(now=NIGHT + timedelta(days=1))
    with pytest.raises(GedError, match="backup.not_ours"):
        process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert [one.code for one in copied.broken()] == ["index.not_ours"]
    restored(copied, tmp_path, snapshot=FolderMedium(copied.medium).snapshots()[0]).engine.dispose()
    other.installation.close()


def tmp_path_of(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


def test_retention_removes_copies_and_what_only_they_named(copied: Copied) -> None:
    gone = copied.letter("Un projet sans suite", page("projet"))
    copied.copy(now=NIGHT)
    with copied.services.unit_of_work(NIGHT) as uow:
        for one in uow.session.scalars(select(Attachment).where(Attachment.mail_id == gone)):
            uow.session.delete(one)
    second = copied.copy(now=NIGHT + timedelta(days=2), keep="1/0/0")
    medium = FolderMedium(copied.medium)
    assert medium.snapshots() == [second.snapshot]
    assert len(second.dropped) == 1
    assert len(medium.objects()) == second.objects == 1
    assert copied.broken() == []


def test_where_an_index_is_damaged_no_object_is_removed(copied: Copied) -> None:
    copied.letter("Une autre", page("une autre"))
    first = copied.copy(now=NIGHT)
    (copied.medium / "snapshots" / first.snapshot / "index.json.gz").write_bytes(b"x")
    with copied.services.unit_of_work(NIGHT) as uow:
        for one in uow.session.scalars(select(Attachment)):
            uow.session.delete(one)
    assert copied.copy(now=NIGHT + timedelta(hours=2)).objects == 0
    assert len(FolderMedium(copied.medium).objects()) == 2


def test_a_second_run_is_refused_in_words(copied: Copied) -> None:
    with FolderMedium(copied.medium).alone(), pytest.raises(GedError, match="backup.running"):
        copied.copy()
    run = copied.installation.settings.data_dir / "run"
    with alone_in(run / "backup.lock"), pytest.raises(GedError, match="backup.running"):
        copied.copy()
    copied.copy()


def test_what_a_sweep_removes_meanwhile_makes_the_database_copied_again(
    copied: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = copied.letter("Un projet", page("projet"))
    with copied.services.reading() as session:
        digest = session.scalars(select(Attachment.id).where(Attachment.mail_id == gone)).one()
    swept = list[str]()
    plain = copied.services.blobs.open_stored

    def open_after_sweep(asked: Digest) -> object:
        if not swept:
            with copied.services.unit_of_work(datetime.now(UTC)) as uow:
                own = uow.session.get_one(Attachment, digest)
                swept.extend(one.digest for one in own.pages)
                uow.session.delete(own)
            for one in swept:
                copied.services.blobs.delete(one)  # type: ignore[arg-type]
        return plain(asked)

    monkeypatch.setattr(copied.services.blobs, "open_stored", open_after_sweep)
    made = copied.copy()
    assert swept
    assert (made.objects, made.damaged, made.lost) == (1, (), ())


def test_what_the_server_itself_lost_is_told_and_the_rest_is_copied(copied: Copied, tmp_path: Path) -> None:
    copied.letter("Une lettre", page("perdue"))
    copied.letter("Une autre", page("altérée"))
    digests = sorted(one for one, _ in copied.services.blobs.digests())
    blobs = copied.installation.settings.data_dir / "blobs"
    lost, altered = digests[0], digests[1]
    copied.services.blobs.delete(lost)
    path = blobs / altered[:2] / altered[2:4] / altered
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    made = copied.copy(now=NIGHT)
    assert (made.objects, made.damaged, made.lost) == (1, (altered,), (lost,))
    ended = ged(
        "backup", "--to", copied.medium, "--recipient", copied.public, GED_ENV_FILE=str(copied.installation.env_file)
    )
    assert ended.returncode == 3
    assert f"BROKEN blob.missing: {lost}" in ended.stdout


def test_nothing_is_restored_over_what_is_there(copied: Copied, tmp_path: Path) -> None:
    copied.copy()
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "mine").write_text("mine")
    with pytest.raises(GedError, match="backup.not_empty"):
        process.restore(copied.wanted(), tmp_path / "back", tmp_path / "settings")
    with pytest.raises(GedError, match="backup.not_empty"):
        process.restore(copied.wanted(), tmp_path / "data2", tmp_path / "back")
    with pytest.raises(ConfigError, match="settings.inside_data"):
        process.restore(copied.wanted(), tmp_path / "data2", tmp_path / "data2" / "settings")


def test_an_interrupted_restore_goes_on(copied: Copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied.copy()

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(process, "_bring_database", fail)
        process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert not (tmp_path / "back" / "data").exists()
    restored(copied, tmp_path).engine.dispose()


def test_a_disk_that_is_full_at_once_is_told_as_room(
    copied: Copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.copy()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(restoring, "unpack_files", full)
    with pytest.raises(DiskFull, match="backup.no_room_here") as told:
        process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert "larger disk" in told.value.remedy


def test_a_drill_proves_and_leaves_nothing(copied: Copied, tmp_path: Path) -> None:
    copied.letter("Électrification rurale de Kévé")
    copied.copy()
    env = {"GED_ENV_FILE": str(copied.installation.env_file)}
    report = tmp_path / "report.json"
    ended = ged(
        "restore", copied.medium, "--identity", copied.identity, "--keys", copied.keys, "--drill",
        "--spare", tmp_path / "spare", "--report", report, **env,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "proven; 2 letters opened and found" in ended.stdout
    assert not (tmp_path / "spare").exists()
    told = json.loads(report.read_text())["report"]
    assert told["proven"] is True
    paper = " ".join(text_of(report.with_suffix(".pdf").read_bytes()).split())
    assert "Exercice réussi" in paper
    assert "Registres sans lacune ni doublon oui" in paper
    assert told["letters"][0]["number"] in paper
    assert digest_of(told) in paper.replace("\u200b", "").replace(" ", "")
    assert [len(one["asked"]) for one in told["letters"]] == [2, 2]
    assert all(one["drawn"] for one in told["letters"])
    key = copied.installation.settings.data_dir / "seal" / "journal.pub"
    checked = ged("backup", "report", report, "--key", key)
    assert (checked.returncode, digest_of(told) in checked.stdout) == (0, True)
    report.write_text(
        report.read_text()
        .replace('"proven": true', '"proven" : true')
        .replace("Kévé", "Lomé")
        .replace('"faults": []', '"faults": ["x"]')
    )
    assert ged("backup", "report", report, "--key", key).returncode == 1
    with copied.services.reading() as session:
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "backup.drilled")).one()


def test_the_report_on_paper_bears_the_seal_where_its_key_is_in_the_copy(copied: Copied, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority.create_authority(copied.installation.settings, organisation="Ministère d'essai", now=now)
    facts, pem = authority.make_seal(copied.installation.settings, identifier="", now=now)
    with copied.services.unit_of_work(now) as uow:
        note_issued(uow, facts, pem, kind=CertificateKind.SEAL)
    copied.copy()
    done = process.drill(copied.wanted(), tmp_path / "spare", letters=1)
    assert done.unsealed == ""
    (report,) = build_services(copied.installation.settings).checker.check(done.sheet, at=datetime.now(UTC))
    assert report.verdict is Verdict.GREEN, report


def test_a_report_that_cannot_be_set_costs_no_proof(
    copied: Copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.letter("Construction d'un forage à Tsévié")
    copied.copy()

    def busy(*_: object) -> bytes:
        raise EngineFailed("work.busy", "try again later", retryable=True)

    monkeypatch.setattr(drill_sheet, "sheet", busy)
    done = process.drill(copied.wanted(), tmp_path / "spare", letters=1)
    assert (done.sheet, done.unsealed, done.faults) == (b"", "work.busy", ())
    assert HeadSeal.of_public(written(tmp_path / "journal.pub", done.public)).is_signed(done.body, done.signature)


def written(place: Path, content: bytes) -> Path:
    """A file with this content."""
    place.write_bytes(content)
    return place


def test_a_drill_says_what_it_could_not_prove(copied: Copied, tmp_path: Path) -> None:
    copied.copy()
    next(iter(copied.medium.glob("objects/*/*"))).unlink()
    done = process.drill(copied.wanted(), tmp_path / "spare", letters=5)
    assert any("missing" in one for one in done.faults)
    assert any(one.startswith("blob.missing") for one in done.faults)
    assert done.unsealed == "seal.none"
    paper = text_of(done.sheet)
    assert "Exercice non réussi" in paper
    assert "un fichier manque dans la copie" in paper
    assert done.body["proven"] is False
    assert not (tmp_path / "spare").exists()


def test_health_tells_a_copy_that_is_too_old(copied: Copied) -> None:
    copied.copy(now=NIGHT)
    services = build_services(copied.installation.settings.model_copy(update={"backup_to": str(copied.medium)}))
    space = Space(Path(services.data_dir), 0)
    assert "backup.old" not in health.problems(services, space, now=NIGHT + copies.OLD_AFTER)
    assert "backup.old" in health.problems(services, space, now=NIGHT + copies.OLD_AFTER + timedelta(minutes=1))
    assert "backup.old" not in health.problems(copied.services, space, now=NIGHT + timedelta(days=9))
    services.engine.dispose()


def test_a_copy_is_read_by_the_format_alone(copied: Copied) -> None:
    """What README.txt on the medium says: the private key and gunzip open the database."""
    made = copied.copy()
    plain = io.BytesIO()
    with (copied.medium / "snapshots" / made.snapshot / "database.age").open("rb") as stored:
        backups.identities(copied.identity).decrypt(stored, plain)
    place = copied.installation.folder / "alone.sqlite3"
    place.write_bytes(zlib.decompress(plain.getvalue(), wbits=31))
    with closing(sqlite3.connect(place)) as own:
        assert own.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert own.execute("SELECT count(*) FROM mails").fetchone() == (1,)


def test_commands_say_what_is_missing(copied: Copied, tmp_path: Path) -> None:
    env = {"GED_ENV_FILE": str(copied.installation.env_file)}
    assert "GED_BACKUP_TO" in ged("backup", **env).stderr
    assert "--recipient" in ged("backup", "--to", copied.medium, **env).stderr
    away = ged("backup", "--to", tmp_path / "nowhere", "--recipient", copied.public, **env)
    assert (away.returncode, "plug the disk in" in away.stderr) == (1, True)
    assert not (tmp_path / "nowhere").exists()
    assert ged("backup", "status", **env).stdout == "never\n"
    first = ged("backup", "--to", copied.medium, "--recipient", copied.public, **env)
    assert first.returncode == 3
    assert "keys: NOT COPIED" in first.stdout
    assert "keyring: NOT COPIED" in first.stdout
    assert ged("backup", "status", **env).stdout == "never\n", "what was stored since cannot be opened from it"
    whole = ged("backup", "--to", copied.medium, "--recipient", copied.public, "--keys-to", copied.keys, **env)
    assert (whole.returncode, "keys: written" in whole.stdout) == (0, True)
    assert ged("backup", "status", **env).stdout != "never\n"
    listed = ged("backup", "list", copied.medium).stdout
    assert "1 stored files" in listed
    assert ged("backup", "check", copied.medium).returncode == 0
    assert ged("backup", "check", tmp_path).returncode == 1
    assert "no copy is due" in ged("backup", "--due", "--to", copied.medium, "--recipient", copied.public, **env).stderr
    again = ged("backup", "keygen", "--to", copied.identity)
    assert again.returncode == 2


def test_what_is_typed_wrong_is_told_with_what_to_type(copied: Copied, tmp_path: Path) -> None:
    env = {"GED_ENV_FILE": str(copied.installation.env_file)}
    nowhere = ged("backup", "keygen", "--to", tmp_path / "stick" / "ged.key")
    assert (nowhere.returncode, "plug the medium in" in nowhere.stderr) == (2, True)
    rule = ged("backup", "--to", copied.medium, "--recipient", copied.public, "--keep", "ten", **env)
    assert (rule.returncode, "7/5/24" in rule.stderr) == (2, True)
    inside = copied.installation.settings.data_dir / "copies"
    inside.mkdir()
    same = ged("backup", "--to", inside, "--recipient", copied.public, **env)
    assert (same.returncode, "another disk" in same.stderr, list(inside.iterdir())) == (1, True, [])
    copied.copy()
    other = ged("backup", "check", copied.medium, "--key", copied.identity)
    assert (other.returncode, "seal/journal.pub" in other.stderr, "not_ours" in other.stdout) == (1, True, False)
    checked = ged(
        "backup", "check", copied.medium, "--key", copied.installation.settings.data_dir / "seal" / "journal.pub"
    )
    assert (checked.returncode, "objects: 1/1" in checked.stderr) == (0, True)
    report = tmp_path / "report.json"
    for content in ("%PDF-1.7", "[]", '{"report": 1}'):
        report.write_text(content, encoding="utf-8")
        key = copied.installation.settings.data_dir / "seal" / "journal.pub"
        told = ged("backup", "report", report, "--key", key)
        assert (told.returncode, "no report of a drill" in told.stderr) == (2, True)


def test_without_settings_a_command_names_their_file(tmp_path: Path) -> None:
    told = ged("backup", "status", cwd=tmp_path).stderr
    assert "ged --env FILE" in told
    assert "data-settings/ged.env is not there" in told


def test_what_was_disposed_of_opens_from_no_earlier_copy(copied: Copied, tmp_path: Path) -> None:
    """Its key is destroyed with it, and the keyring's copies replace one another."""
    gone = copied.letter("Un dossier éliminé", page("éliminé"))
    first = copied.copy(now=NIGHT)
    with copied.services.unit_of_work(NIGHT) as uow:
        own = uow.session.scalars(select(Attachment).where(Attachment.mail_id == gone)).one()
        digest = Digest(own.pages[0].digest)
        uow.session.delete(own)
    copied.services.blobs.delete(digest)
    for n in range(1, 3):
        copied.copy(now=NIGHT + timedelta(days=n))
    assert len(list(copied.keys.glob("ged-keyring-*.age"))) == 2
    assert copied.broken() == [], "the object itself is still there"
    outcome = process.restore(
        copied.wanted(snapshot=first.snapshot), tmp_path / "back" / "data", tmp_path / "back" / "settings"
    )
    assert len(outcome.broken) == 1
    assert (
        f"its key was destroyed: it was disposed of since, or the keyring is older than the copy ({digest})"
        in outcome.broken[0]
    )
    latest = process.restore(copied.wanted(), tmp_path / "latest" / "data", tmp_path / "latest" / "settings")
    assert latest.broken == ()


def test_without_the_keyring_nothing_is_restored(copied: Copied, tmp_path: Path) -> None:
    copied.copy()
    for one in copied.keys.glob("ged-keyring-*.age"):
        one.unlink()
    with pytest.raises(GedError, match="backup.no_keyring"):
        process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")


def test_an_installation_that_stores_in_clear_comes_back_too(tmp_path: Path) -> None:
    made = Copied.make(tmp_path)
    env_file = made.installation.env_file
    lines = [line for line in env_file.read_text().splitlines() if not line.startswith("GED_KEYRING")]
    env_file.write_text("\n".join([*lines, ""]))
    made.installation.close()
    settings = load_settings(env_file)
    made.installation = replace(made.installation, settings=settings, services=build_services(settings))
    made.letter("Une lettre en clair")
    assert made.copy().is_whole
    restored(made, tmp_path).engine.dispose()
    assert sorted(one.name for one in (tmp_path / "back").iterdir()) == ["data", "settings"]
    made.installation.close()


@pytest.mark.slow
def test_the_keys_open_by_a_passphrase(copied: Copied, tmp_path: Path) -> None:
    given = backups.Given(str(copied.medium), [copied.public], copied.keys, keys_passphrase="une phrase de passe")
    making.make(copied.services, copied.order(given), now=NIGHT)
    wanted = copied.wanted()
    with pytest.raises(GedError, match="backup.wrong_key"):
        process.restore(wanted, tmp_path / "b" / "data", tmp_path / "b" / "settings")
    opened = process.Wanted(wanted.medium, "", wanted.decryptor, wanted.keys, backups.passphrase("une phrase de passe"))
    outcome = process.restore(opened, tmp_path / "b" / "data", tmp_path / "b" / "settings")
    assert outcome.report.problems == ()
