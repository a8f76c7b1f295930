"""``ged doctor`` on what leaves the machine and what proves later: mail, journal, backups, certificates, the site's address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from ged.config import load_settings
from ged.health.proof import note_verified
from ged.notices.models import MailLoop
from ged.unit import SYSTEM
from tests.commands import ged
from tests.doctor_kit import PASSPHRASE, Patient, at, patient, said, speaking_tls, whole
from tests.servers import free_port
from tests.tampering import lift_guards
from tests.tls_kit import DAY, HOST, authority, lead_here
from web.wiring.authority import make_seal, open_authority

__all__ = ["patient", "whole"]  # fixtures

pytestmark = pytest.mark.in_turns(3)


# --- mail -----------------------------------------------------------------------------------------------------------


def test_a_mail_server_that_is_stopped_or_shows_a_wrong_certificate(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_here(monkeypatch, HOST)
    house = authority(tmp_path, "autorite")
    patient.env = {"GED_SMTP_URL": f"smtps://{HOST}:{free_port()}", "GED_SMTP_CA": str(house.file)}
    said(patient, "mail.server", "fault", "away", "The mail server does not answer (ConnectionRefusedError)")
    for ends, state, code, words in (
        (-DAY, "fault", "certificate", "certificate has expired"),
        (5 * DAY, "warning", "ends", "Renew it before that day"),
        (30 * DAY, "ok", "ok", "is valid until"),
    ):
        with speaking_tls(house.server(tmp_path, HOST, ends=ends)) as port:
            patient.env["GED_SMTP_URL"] = f"smtps://{HOST}:{port}"
            said(patient, "mail.server", state, code, words)


def test_mailboxes_that_do_not_open_and_a_message_that_did_not_come_back(patient: Patient) -> None:
    boxes = patient.folder / "boites.toml"
    boxes.write_text(
        f'[[mailbox]]\nname = "courrier"\nunit = "DGE"\nhost = "127.0.0.1"\nport = {free_port()}\ntls = "none"\n'
        f'user = "courrier"\npassword_file = "{patient.folder}/secret"\n'
    )
    patient.env = {"GED_MAILBOXES_FILE": str(boxes)}
    said(patient, "mail.boxes", "fault", "away", "The mailbox “courrier” does not open", "GED_MAILBOXES_FILE")
    said(patient, "mail.loop", "warning", "never", "No test message has left yet.")
    with patient.services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.add(MailLoop(message_id="<boucle-1@ged>", sent_at=datetime.now(UTC) - timedelta(hours=2)))
    said(patient, "mail.loop", "fault", "lost", "did not come back: e-mails may be lost")
    boxes.write_text("[[mailbox]]\nname = 1\n")
    said(patient, "services", "fault", "refused", "config.invalid", str(boxes))
    assert patient.doctor("workers")["code"] == "needs.services"


# --- proof ----------------------------------------------------------------------------------------------------------


def test_a_journal_that_is_not_sealed_or_was_cut(patient: Patient) -> None:
    services, long_ago = patient.services, datetime.now(UTC) - timedelta(hours=3)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.record("clock.confirmed", "installation", None, actor=SYSTEM)
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET at = :at"), {"at": str(long_ago.replace(tzinfo=None))})
    said(patient, "journal.seal", "fault", "old", "have not been sealed for 3 h", "ged seal")
    said(patient, "backup", "ok", "ok")
    (patient.data / "seal" / "heads.jsonl").unlink()
    said(patient, "journal.seal", "fault", "never", "was never sealed")


def test_a_secret_of_another_installation(patient: Patient) -> None:
    patient.env = {"GED_SECRET": "un-secret-d-une-autre-installation-0123456789"}
    said(patient, "secret", "fault", "other", "is not that of these data", "do not make a new one")


def test_a_verification_that_is_old_found_something_or_was_never_run(patient: Patient) -> None:
    now = datetime.now(UTC)
    note_verified(patient.data, at=now - timedelta(days=40), entries=3, problems=0)
    said(patient, "journal.verified", "warning", "old", "each month: ged verify")
    note_verified(patient.data, at=now, entries=3, problems=2)
    said(patient, "journal.verified", "fault", "wrong", "found something wrong", ": 2")
    (patient.data / "run" / "verified.json").unlink()
    said(patient, "journal.verified", "warning", "never", "ged verify was never run on these data")
    done = ged("verify", GED_ENV_FILE=str(patient.file))
    assert patient.doctor("journal.verified")["state"] == ("ok" if done.returncode == 0 else "fault")


def test_a_backup_that_is_old_or_was_never_made(patient: Patient) -> None:
    services = patient.services
    lift_guards(services.engine)
    for hours, state, code, words in ((27, "warning", "old", "27 h ago"), (49, "fault", "old", "2 days ago")):
        at = datetime.now(UTC) - timedelta(hours=hours)
        with services.engine.begin() as connection:
            connection.execute(
                text("UPDATE audit_entries SET at = :at WHERE action = 'backup.made'"),
                {"at": str(at.replace(tzinfo=None))},
            )
        said(patient, "backup", state, code, words)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET action = 'x' WHERE action = 'backup.made'"))
    said(patient, "backup", "warning", "never", "The journal knows of no backup.")


def test_the_list_of_the_authority_that_ends(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    said(patient, "certificates.authority", "ok", "ok", "protected by a passphrase")
    later = datetime.now(UTC) + timedelta(days=33)
    with at(monkeypatch, later):
        said(patient, "certificates.authority", "warning", "list", "ged pki crl")
    with at(monkeypatch, later + timedelta(days=30)):
        said(patient, "certificates.authority", "fault", "list")
    with at(monkeypatch, later + timedelta(days=9 * 365 + 290)):
        said(patient, "certificates.authority", "warning", "ends", "The certificate of the issuing authority ends")


def test_the_seal_whose_certificate_ends_or_whose_key_does_not_open(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(patient, "certificates.seal", "not_applicable", "none")
    settings = load_settings(patient.file)
    opened = open_authority(settings, lambda: PASSPHRASE)
    facts, _pem = make_seal(settings, identifier="", now=datetime.now(UTC), authority=opened)
    said(patient, "certificates.seal", "ok", "ok", facts.subject)
    with at(monkeypatch, facts.not_after - 30 * DAY):
        said(patient, "certificates.seal", "warning", "ends", "Renew it before that day: ged pki seal")
    with at(monkeypatch, facts.not_after + DAY):
        said(patient, "certificates.seal", "fault", "ended", "nothing is sealed any more")
    patient.env = {"GED_SEAL_PKCS12": str(patient.folder / "gone.p12"), "GED_SEAL_SECRET": "x"}
    said(patient, "certificates.seal", "fault", "unreadable", "(seal.unreadable)", "GED_SEAL_")


# --- the site -------------------------------------------------------------------------------------------------------


def test_an_address_that_others_cannot_open(patient: Patient) -> None:
    said(patient, "address", "warning", "here", "opens on this machine only")
    patient.env = {"GED_PUBLIC_URL": "https://ged.invalid"}
    said(patient, "address", "fault", "proxies", "The site does not start", "GED_PROXIES")
    patient.env["GED_PROXIES"] = "1"
    said(patient, "address", "warning", "no_name", "This machine does not know the name ged.invalid")
    patient.env = {"GED_PUBLIC_URL": "http://ged.invalid"}
    said(patient, "address", "warning", "clear", "travel in clear text")


def test_a_certificate_of_the_site_that_ended_or_ends(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_here(monkeypatch, HOST)
    house = authority(tmp_path, "autorite")
    monkeypatch.setenv("SSL_CERT_FILE", str(house.file))
    for ends, state, code, words in (
        (-DAY, "fault", "refused", "certificate has expired"),
        (10 * DAY, "warning", "ends", "on the server in front of the site"),
    ):
        with speaking_tls(house.server(tmp_path, HOST, ends=ends)) as port:
            patient.env = {"GED_PUBLIC_URL": f"https://{HOST}:{port}", "GED_PROXIES": "1"}
            said(patient, "certificates.site", state, code, words, HOST)
    said(patient, "certificates.site", "warning", "away", "does not answer from this machine")
