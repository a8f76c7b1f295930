"""``ged doctor``: green on a whole installation, and red in the right words on each that is really broken."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import select, update

import sandbox
from ged.config import load_settings
from ged.destroyed import DestroyedLetter
from ged.health import readiness
from ged.jobs import Job, JobKind, JobState
from ged.register.models import Mail
from ged.unit import SYSTEM
from ged.workers import Worker
from sandbox.pool import reached
from tests.commands import ged
from tests.doctor_kit import Patient, copied, patient, said, speaking_tls, whole
from tests.full_disk_kit import small_disk
from tests.servers import free_port
from tests.started import run
from tests.tls_kit import DAY, HOST, authority, lead_here
from web.wiring.stored_files import prepare_keyring

__all__ = ["patient", "whole"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root gives files to others")


@pytest.mark.slow
def test_all_is_well_in_a_whole_installation(patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_here(monkeypatch, HOST)
    house = authority(tmp_path, "autorite")
    monkeypatch.setenv("SSL_CERT_FILE", str(house.file))
    monkeypatch.setenv("TZ", "Africa/Lome")
    time.tzset()
    with speaking_tls(house.server(tmp_path, HOST)) as port:
        patient.env = {
            "GED_PUBLIC_URL": f"https://{HOST}:{port}", "GED_DIRECT": "true", "GED_SMTP_URL": f"smtps://{HOST}:{port}",
            "GED_SMTP_CA": str(house.file),
        }  # fmt: skip
        found = patient.doctor()
    wrong = {name: row["found"] for name, row in found["all"].items() if row["state"] not in ("ok", "not_applicable")}
    assert wrong == {}
    assert found["exit"] == 0
    for name in ("mail.server", "certificates.site", "isolation", "reading", "printing", "backup", "journal.seal"):
        assert found["all"][name]["state"] == "ok", name


def test_a_line_a_check_with_what_to_do_under_it_and_only_those_that_are_asked_for(patient: Patient) -> None:
    patient.file.chmod(0o644)
    done = ged("doctor", "--only", "settings", "--only", "python", GED_ENV_FILE=str(patient.file))
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines if not line.startswith(" ")][:-1] == [
        ["ok", "python"], ["ok", "settings"], ["FAULT", "settings.private"], ["ok", "settings.apart"],
    ]  # fmt: skip
    assert f"-> chmod 600 {patient.file}; if others could have read it, change the secret." in done.stdout
    assert lines[-1] == "4 checks; faults: 1, warnings: 0"
    french = ged("doctor", "--only", "python", "--language", "fr", GED_ENV_FILE=str(patient.file))
    assert "1 checks" in french.stdout
    unknown = ged("doctor", "--only", "pythons", GED_ENV_FILE=str(patient.file))
    assert (unknown.returncode, "no check pythons" in unknown.stderr) == (2, True)


# --- settings and files ---------------------------------------------------------------------------------------------


def test_settings_that_are_gone_wrong_or_closed(patient: Patient) -> None:
    with patient.file.open("a") as out:
        out.write("GED_DATA_DIRR=/srv\n")
    said(patient, "settings", "fault", "refused", "config.unknown", "remove GED_DATA_DIRR or correct its spelling")
    assert patient.doctor("database")["code"] == "needs.settings"
    patient.file.write_bytes(b"\xff\xfe\x00GED")
    said(patient, "settings", "fault", "no_text", "is no settings file")
    patient.file.unlink()
    said(patient, "settings", "fault", "missing", str(patient.file), "ged init", "GED_SECRET")
    patient.env = {"GED_SECRET": "x" * 40, "GED_DATA_DIR": str(patient.data), "GED_TIMEZONE": "Africa/Atlantis"}
    said(patient, "settings", "fault", "missing", "no time zone Africa/Atlantis is known here")


@as_root
@pytest.mark.slow
def test_another_user_is_told_in_words_and_root_leaves_no_file_of_its_own(whole: Path) -> None:
    with TemporaryDirectory() as name:  # that of pytest is closed to other users, again and again
        Path(name).chmod(0o711)
        _told_to_others(copied(whole, Path(name) / "patient"))


def _told_to_others(patient: Patient) -> None:
    patient.folder.chmod(0o711)
    patient.file.parent.chmod(0o755)
    found = _as_nobody(patient)
    assert (found["settings"]["code"], found["settings"]["state"]) == ("unreadable", "fault")
    assert f"{patient.file} cannot be read by nobody." in found["settings"]["found"]
    patient.file.chmod(0o644)
    found = _as_nobody(patient)
    assert (found["settings"]["code"], found["settings"]["state"]) == ("refused", "fault")
    assert f"run this as the user who owns {patient.data}" in found["settings"]["to_do"]
    patient.data.chmod(0o755)
    found = _as_nobody(patient)
    assert (found["data"]["code"], found["data"]["state"]) == ("other_user", "fault")
    assert "belongs to root, and the program runs as nobody." in found["data"]["found"]
    assert "sudo -u root" in found["data"]["to_do"]
    for path in (patient.data, *patient.data.rglob("*")):
        os.chown(path, 65534, 65534)
    shutil.rmtree(patient.data / "run")
    found = _as(patient)
    assert found["data"]["state"] == "warning", found["data"]
    assert found["data.files"]["state"] == "ok", found["data.files"]
    assert {path.stat().st_uid for path in patient.data.rglob("*")} == {65534}


def _as_nobody(patient: Patient) -> dict[str, dict[str, str]]:
    return _as(patient, user=65534, group=65534)


def _as(patient: Patient, **user: int) -> dict[str, dict[str, str]]:
    env = {"PATH": os.environ["PATH"], "GED_ENV_FILE": str(patient.file)}
    done = run("doctor", "--json", "--only", "settings", "--only", "data", env=env, **user)
    assert done.stdout, done.stderr[-2000:]
    return {row["name"]: row for row in json.loads(done.stdout)["checks"]}


def test_a_settings_file_that_is_open_to_others_or_lies_in_the_data(patient: Patient) -> None:
    patient.file.chmod(0o640)
    said(patient, "settings.private", "fault", "open", "mode 0640", "chmod 600")
    patient.file.chmod(0o600)
    patient.file.parent.chmod(0o755)
    said(patient, "settings.private", "warning", "folder_open", "mode 0755", "chmod 700")
    patient.file.parent.chmod(0o777)
    said(patient, "settings.private", "fault", "folder_writable", "Others can replace the settings")
    patient.file.parent.chmod(0o700)
    inside = patient.data / "ged.env"
    shutil.move(patient.file, inside)
    patient.env = {"GED_ENV_FILE": str(inside)}
    said(patient, "settings.apart", "fault", "inside", "can sign in the name of all", "ged init --move-settings")


def test_a_data_folder_that_is_open_gone_or_takes_nothing(patient: Patient) -> None:
    patient.data.chmod(0o755)
    said(patient, "data", "warning", "open", "mode 0755", f"chmod 700 {patient.data}")
    patient.data.chmod(0o777)
    said(patient, "data", "fault", "writable", "Other users can write into")
    patient.data.chmod(0o700)
    shutil.rmtree(patient.data / "tmp", ignore_errors=True)
    (patient.data / "tmp").symlink_to("/proc")
    said(patient, "data", "fault", "takes_nothing", "takes no file")
    patient.data.rename(patient.folder / "elsewhere")
    said(patient, "data", "fault", "none", "is not there", "mount the disk")
    assert not patient.data.exists()
    assert patient.doctor("workers")["code"] == "needs.folder"


@as_root
def test_a_file_of_another_user_and_a_key_that_others_read(patient: Patient) -> None:
    (patient.data / "authority" / "issuing.key").chmod(0o644)
    said(patient, "data.keys", "fault", "open", "issuing.key", "mode 0644", "chmod 600")
    os.chown(patient.data / "seal" / "heads.jsonl", 65534, 65534)
    said(patient, "data.files", "fault", "foreign", "heads.jsonl belongs to nobody", f"chown -R root {patient.data}")


def test_a_keyring_that_is_open_or_lost(patient: Patient) -> None:
    folder = patient.folder / "trousseau"
    patient.env = {"GED_KEYRING": str(folder)}
    said(patient, "keyring", "fault", "lost", "no encrypted file opens", "do not make a new one")
    prepare_keyring(load_settings(patient.file).model_copy(update={"keyring": folder}))
    said(patient, "keyring", "ok", "ok")
    (folder / "master.json").chmod(0o640)
    said(patient, "keyring", "fault", "open", "master.json (mode 0640)", "ged blobs rotate")
    (folder / "master.json").unlink()
    said(patient, "keyring", "fault", "lost", "from its last backup")


def test_a_full_disk(patient: Patient, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        moved = shutil.copytree(patient.data, disk / "data", ignore=shutil.ignore_patterns("index", "blobs"))
        (disk / "ballast").write_bytes(b"x" * 6_000_000)
        patient.env = {"GED_DATA_DIR": str(moved), "GED_DISK_RESERVE_BYTES": "15000000"}
        said(patient, "space", "fault", "low", "less than 15 MB: files are refused", "Make room")
        patient.env["GED_DISK_RESERVE_BYTES"] = "5000000"
        said(patient, "space", "warning", "soon", "uploads are refused below 5 MB")
        patient.env["GED_DISK_RESERVE_BYTES"] = "500000000"
        said(patient, "space", "fault", "full", "files and forms are refused")


def test_a_disk_without_inodes(patient: Patient, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,nr_inodes=400", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts no file system for tests")
    try:
        moved = shutil.copytree(patient.data, disk / "data", ignore=shutil.ignore_patterns("index", "blobs"))
        left = os.statvfs(disk).f_favail - 2
        for number in range(left):
            (disk / str(number)).touch()
        patient.env = {"GED_DATA_DIR": str(moved)}
        said(patient, "inodes", "fault", "few", "Files still possible on the disk", "Delete what is no longer used")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


# --- programs -------------------------------------------------------------------------------------------------------


def test_a_language_or_a_program_that_is_missing(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    patient.env = {"GED_OCR_LANGUAGES": '["fra", "ewe"]'}
    said(patient, "reading", "fault", "language", "Missing language for reading: ewe", "apt install tesseract-ocr-ewe")
    patient.env = {"GED_OCR_READER": "program"}
    monkeypatch.setenv("PATH", str(patient.folder))
    said(patient, "reading", "fault", "none", "no page is read", "apt install tesseract-ocr")
    assert patient.doctor("office")["code"] == "none"


def test_packages_that_are_missing_refused_or_other(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.wiring.check_programs.requires", lambda _name: ["click>=8", "no-such-package>=2"])
    said(patient, "packages", "fault", "missing", "Missing packages: no-such-package", "scripts/setup.py run")
    monkeypatch.setattr("web.wiring.check_programs.requires", lambda _name: ["click>=900"])
    said(patient, "packages", "fault", "wrong", "(>=900)")
    lock = patient.folder / "requirements.txt"
    lock.write_text("click==8.0.0 \\\n    --hash=sha256:00\n")
    monkeypatch.setattr("web.wiring.check_programs.requires", lambda _name: ["click>=8"])
    monkeypatch.setattr("web.wiring.check_programs.LOCK", lock)
    said(patient, "packages", "warning", "other", "(8.0.0)")
    monkeypatch.setattr("web.wiring.check_programs.platform.python_version", lambda: "3.10.1")
    said(patient, "python", "fault", "old", "Python 3.10.1, the program asks for >=3.11")


def test_isolation_that_is_not_there_or_does_not_hold(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(reached(sandbox.NONE, more_than_allowed=True)) >= {"file", "network"}
    assert reached(sandbox.chosen(), more_than_allowed=True) == []
    monkeypatch.setattr("web.wiring.check_programs.reached", lambda *_one, **_named: ["network", "memory"])
    said(patient, "isolation", "fault", "open", "could reach: the network, more memory than allowed.")
    monkeypatch.setattr("web.wiring.check_programs.sandbox.chosen", lambda: sandbox.NONE)
    said(patient, "isolation", "fault", "none", "a booby-trapped file could read everything", "apt install bubblewrap")
    patient.env = {"GED_OPEN_PARSERS": "accepted"}
    said(patient, "isolation", "warning", "none")


# --- clock ----------------------------------------------------------------------------------------------------------


def test_a_clock_that_went_back_and_another_time_zone(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    with patient.services.unit_of_work(datetime.now(UTC) + timedelta(hours=3)) as uow:
        uow.defer(JobKind.SEAL, 0)
        uow.record("clock.confirmed", "installation", None, actor=SYSTEM)
    said(patient, "clock.journal", "fault", "behind", "later than now by 3 h", "NTP")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        said(patient, "time_zone", "warning", "differs", "UTC+0900", "timedatectl set-timezone")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_stamp_authority_that_is_silent(patient: Patient) -> None:
    patient.env = {"GED_TSA_URLS": f'["http://127.0.0.1:{free_port()}/tsa"]'}
    said(patient, "clock.authority", "warning", "silent", "/tsa)", "GED_TSA_URLS")


# --- database -------------------------------------------------------------------------------------------------------


def test_a_database_that_is_gone_damaged_or_of_another_release(patient: Patient) -> None:
    path = patient.data / "ged.sqlite3"
    before_contractions = max(name for name, is_contraction in readiness.revisions().items() if not is_contraction)
    for revision, state, code, words in (
        (before_contractions, "warning", "unfinished", "ged migrate --finish"),
        ("0050", "fault", "older", "Make a backup, then: ged migrate."),
        ("9999", "warning", "newer", "Install the program of the new version."),
    ):
        with closing(sqlite3.connect(path)) as own, own:
            own.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        said(patient, "database.tables", state, code, words, revision)
    with closing(sqlite3.connect(path)) as own, own:
        own.execute("INSERT OR REPLACE INTO schema_tolerance (id, oldest_program) VALUES (1, '9999')")
    said(patient, "database.tables", "fault", "newer", "newer than this program")
    with closing(sqlite3.connect(path)) as own, own:
        own.execute("DROP TABLE alembic_version")
    said(patient, "database.tables", "fault", "none", "ged migrate --finish")
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 30] = b"\xff" * (4096 * 27)
    path.write_bytes(content)
    said(patient, "database.whole", "fault", "malformed", "The file of the database is damaged", "keep a copy")
    path.unlink()
    said(patient, "database", "fault", "no_file", "The file of the database is not there", "put the backup back")
    assert not path.exists()
    assert patient.doctor("workers")["code"] == "needs.database"


def test_a_server_of_the_database_that_is_stopped(patient: Patient) -> None:
    port = free_port()
    patient.env = {
        "GED_DATABASE_URL": f"postgresql+psycopg://ged:x@127.0.0.1:{port}/ged", "GED_REDIS_URL": f"redis://127.0.0.1:{port}",
        "GED_ELASTICSEARCH_URL": f"http://127.0.0.1:{port}",
    }  # fmt: skip
    said(patient, "database", "fault", "away", "The database server does not answer.", "Start it")
    said(patient, "redis", "fault", "away", "Redis does not answer (ConnectionError)", "no job is lost")
    said(patient, "index", "fault", "away", "The search engine does not answer", "ged index verify")
    assert patient.doctor("journal.seal")["code"] == "needs.database"


# --- work -----------------------------------------------------------------------------------------------------------


def test_workers_that_are_gone_and_jobs_that_wait_or_failed(patient: Patient) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    with patient.services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Worker).values(lanes=["quick", "desk"]))
        uow.defer(JobKind.NOTIFY, 1)
        uow.defer(JobKind.RECOGNISE, 1)
    with patient.services.engine.begin() as connection:
        connection.execute(
            update(Job).where(Job.kind == JobKind.NOTIFY).values(run_after=long_ago, created_at=long_ago)
        )
        connection.execute(update(Job).where(Job.kind == JobKind.RECOGNISE).values(state=JobState.FAILED))
        waits = {"state": JobState.QUEUED, "created_at": long_ago, "run_after": datetime.now(UTC) + DAY}
        connection.execute(update(Job).where(Job.kind == JobKind.INDEX).values(**waits))
    said(patient, "workers", "fault", "lanes", "the upkeep, the long jobs", "ged worker")
    waits_for = said(patient, "queue", "fault", "old", "A job has waited for 2 h (the jobs of a few seconds)")[
        "figures"
    ]
    assert 7200 <= waits_for["quick_s"] < 7300  # type: ignore[index]  # the time of each lane that waits, for a monitor
    said(patient, "jobs", "warning", "failed", "Failed or uncertain jobs: 1, among them", "(1)")
    said(patient, "index.lag", "fault", "behind", "for 2 h")
    with patient.services.engine.begin() as connection:
        connection.execute(update(Worker).values(beat_at=long_ago))
    said(patient, "workers", "fault", "none", "No worker runs", "Start the service: ged worker.")


def test_files_whose_destruction_was_decided_long_ago_and_that_are_still_there(patient: Patient) -> None:
    said(patient, "destructions", "ok", "ok")
    now = datetime.now(UTC)
    for days, swept_at, state, code, words in (
        (2, None, "ok", "ok", ()),
        (4, None, "warning", "not_tried", ("files are still there: 1", "has not come to its end since")),
        (4, now - 5 * DAY, "warning", "not_tried", ()),
        (4, now - DAY, "warning", "waits", ("files are still there: 1", "left them", "destroy.failed")),
    ):
        with patient.services.unit_of_work(now) as uow:
            mail_id = uow.session.scalars(select(Mail.id)).one()
            uow.session.merge(DestroyedLetter(mail_id=mail_id, slip_no=1, decided_at=now - days * DAY))
            if swept_at is not None:
                uow.session.add(
                    Job(
                        kind=JobKind.SWEEP, subject_id=0, state=JobState.DONE, run_after=swept_at, created_at=swept_at,
                        finished_at=swept_at,
                    )
                )  # fmt: skip
        said(patient, "destructions", state, code, *words)


def test_an_index_whose_folder_is_damaged(patient: Patient) -> None:
    (meta,) = (patient.data / "index").glob("*/meta.json")
    meta.write_bytes(b"\0" * meta.stat().st_size)
    said(patient, "index", "fault", "damaged", "The folder of the index cannot be read", "ged index rebuild")
    assert patient.doctor("index.lag")["code"] == "away"
    assert ged("index", "rebuild", cwd=None, GED_ENV_FILE=str(patient.file)).returncode == 0
    assert patient.doctor("index")["state"] == "ok"


def test_an_index_that_is_gone_or_lacks_letters(patient: Patient) -> None:
    shutil.rmtree(patient.data / "index")
    said(patient, "index", "fault", "none", "the database has letters: 1", "ged index rebuild")
    said(patient, "index.lag", "warning", "differs", "The index has 0 letters, the database 1", "ged index verify")


def test_a_virus_scanner_that_is_stopped(patient: Patient) -> None:
    patient.env = {"GED_CLAMD": f"unix:{patient.folder}/clamd.ctl"}
    said(patient, "scanner", "fault", "away", "no file is taken", "Start clamd")
