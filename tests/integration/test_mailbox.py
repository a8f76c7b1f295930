"""E-mails become waiting scans, over a real IMAP server; also after a kill, a refusal, or a second delivery."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged.adapters.imap import ImapMailbox, MailboxSettings, load_mailboxes
from ged.capture import arrange
from ged.capture.models import BatchSource
from ged.errors import ConfigError, EngineFailed
from ged.jobs import Job, JobKind
from ged.mailbox import operations as mailbox
from ged.pipeline import Run, collect_mail, schedule_periodic
from ged.ports import MessageRef, OpenMailbox, ScanId
from ged.recognition import jobs as recognition
from ged.register import documents
from ged.register import queries as register_queries
from ged.register.models import Attachment, PageText
from ged.unit import Services
from ocr.sniff import DOCX
from tests import pages, signing_kit
from tests.factories import NOW, actor, make_organisation, make_services
from tests.intake_kit import label, quiet, register, waiting
from tests.mailbox_kit import box, collect, deliver, held, rows, settings_of
from tests.message_kit import mail
from tests.office_kit import TEXT, docx, spreadsheet_with_macros
from tests.servers import imap
from tests.site import give_passwords, open_site, sign_in

__all__ = ["box"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.servers]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def test_a_message_becomes_one_waiting_scan_with_its_files_and_its_words(services: Services, box: ImapMailbox) -> None:
    message = mail("Demande de branchement 😀")
    message.add_attachment(pages.pdf("Demande", "Plan"), maintype="application", subtype="pdf", filename="demande.pdf")
    message.add_attachment(pages.png("Annexe"), maintype="image", subtype="png", filename="../annexe.png")
    message.add_attachment(b"\x78\x9f\x3e\x22", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    deliver(box, message)
    assert collect(services, box) is False

    [scan] = waiting(services)
    assert scan.source is BatchSource.EMAIL
    assert [(leaf.filename, leaf.problem) for leaf in scan.leaves] == [
        ("message.pdf", ""), ("demande.pdf", ""), ("demande.pdf", ""), ("annexe.png", ""),
        ("winmail.dat", "message.winmail"),
    ]  # fmt: skip
    with services.reading() as session:
        found = mailbox.message_of_scan(session, scan.id)
    assert found is not None
    assert (found.sender_name, found.subject) == ("Mairie de Tsévié", "Demande de branchement 😀")
    assert (held(box, "INBOX"), held(box, "recus")) == (0, 1)
    [row] = rows(services)
    assert row.digest is not None
    with services.blobs.open(row.digest) as kept:  # type: ignore[arg-type]
        assert b"Subject: Demande" in kept.read()
    recognition.run_intake(services, row.batch_id or 0, heartbeat=quiet, now=NOW)
    assert len(waiting(services)) == 1


@pytest.mark.long(
    "LibreOffice is started again; a Word document from the form is read in tests/integration/test_capture_pages.py"
)
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (libreoffice-writer-nogui) is not installed")
def test_a_word_document_that_was_mailed_is_read_with_the_letter(
    services: Services, box: ImapMailbox, tmp_path: Path
) -> None:
    message = mail("Demande de véhicules")
    given = docx(tmp_path / "demande.docx").read_bytes()
    maintype, _, subtype = DOCX.partition("/")
    message.add_attachment(given, maintype=maintype, subtype=subtype, filename="demande.docx")
    deliver(box, message)
    collect(services, box)
    [scan] = waiting(services)
    assert [(leaf.filename, leaf.problem) for leaf in scan.leaves] == [("message.pdf", ""), ("demande.docx", "")]
    letter, clerk = register(services), actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        joined = arrange.join_to_mail(uow, ScanId(scan.id), letter.mail_id, actor=clerk, now=NOW)
    recognition.run_recognise(services, joined, heartbeat=quiet, now=NOW)
    with services.reading() as session:
        assert TEXT in session.get_one(PageText, (joined, 2)).text
        assert session.get_one(Attachment, joined).pages[1].digest == pages.sha256(given), "the file as it came"


def test_a_spreadsheet_with_macros_is_told_before_anybody_opens_it(
    services: Services, box: ImapMailbox, tmp_path: Path
) -> None:
    message = mail("Budget")
    # Its sender may call it what they like.
    message.add_attachment(spreadsheet_with_macros(), maintype="application", subtype="pdf", filename="budget.pdf")
    deliver(box, message)
    collect(services, box)
    [scan] = waiting(services)
    assert [(leaf.filename, leaf.problem, leaf.has_programs) for leaf in scan.leaves] == [
        ("message.pdf", "", False), ("budget.pdf", "file.programs", True)
    ]  # fmt: skip
    letter, clerk = register(services), actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        joined = arrange.join_to_mail(uow, ScanId(scan.id), letter.mail_id, actor=clerk, now=NOW)
    with services.reading() as session:
        [line] = register_queries.attachments(session, letter.mail_id)
        assert line.has_programs, "where the files of the letter are listed"
        assert [one.has_programs for one in documents.shown(session, joined).pages] == [False, True]
    give_passwords(services)
    client = sign_in(open_site(tmp_path, services), "agent")
    assert "contient des macros" in client.get(f"/numerisations/{scan.id}").text
    assert "Ce document contient des macros." in client.get(f"/documents/{joined}").text
    assert "contient des macros" in client.get(f"/courriers/{letter.mail_id}").text


def test_killed_between_the_commit_and_the_move_nothing_is_made_twice(
    services: Services, box: ImapMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(box, mail("Une"), mail("Deux"))

    def killed(self: OpenMailbox, ref: MessageRef, *, refused: bool) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ged.adapters.imap._Opened.put_away", killed)
        with pytest.raises(KeyboardInterrupt):
            collect(services, box)
    assert (len(waiting(services)), held(box, "INBOX")) == (1, 2)
    collect(services, box)
    assert (len(waiting(services)), held(box, "INBOX"), held(box, "recus")) == (2, 0, 2)


def test_a_folder_numbered_anew_brings_nothing_twice(services: Services, box: ImapMailbox) -> None:
    message = mail()
    deliver(box, message)
    collect(services, box)
    deliver(box, message)  # equal bytes under another number, as after a restore of the server
    collect(services, box)
    assert (len(waiting(services)), held(box, "INBOX"), held(box, "recus")) == (1, 0, 2)


def test_what_cannot_be_taken_in_goes_to_the_errors_and_the_rest_goes_on(services: Services, box: ImapMailbox) -> None:
    sealed = mail("Chiffré", None)
    sealed.set_content(b"\x30\x80", maintype="application", subtype="pkcs7-mime")
    big = mail("Lourd")
    big.add_attachment(b"x" * 1_200_000, maintype="application", subtype="pdf", filename="lourd.pdf")
    deliver(box, sealed, big, mail("Bon"))
    collect(replace(services, max_upload_bytes=1_000_000), box)
    assert [row.reason for row in rows(services)] == ["message.encrypted", "message.too_large", ""]
    assert (held(box, "INBOX"), held(box, "GED-erreurs"), held(box, "recus")) == (0, 2, 1)
    with services.reading() as session:
        assert [row.reason for row in mailbox.refused(session)] == ["message.too_large", "message.encrypted"]
    assert len(waiting(services)) == 1


def test_a_logo_is_no_page_and_a_letter_pasted_as_a_picture_is_one(services: Services, box: ImapMailbox) -> None:
    message = mail(text=None)
    message.set_content("<p>Bonjour <img src='cid:a'><img src='cid:b'></p>", subtype="html")
    small = pages.draw("logo").resize((120, 60))
    out = io.BytesIO()
    small.save(out, "PNG")
    message.add_related(out.getvalue(), maintype="image", subtype="png", cid="<a>", filename="logo.png")
    message.add_related(pages.png("Lettre"), maintype="image", subtype="png", cid="<b>", filename="lettre.png")
    deliver(box, message)
    collect(services, box)
    [scan] = waiting(services)
    assert [leaf.filename for leaf in scan.leaves] == ["message.pdf", "lettre.png"]


def test_a_label_on_a_page_that_was_mailed_joins_nothing(services: Services, box: ImapMailbox) -> None:
    registered = register(services)
    message = mail()
    forged = pages.png("Page étrangère", code=label(services, registered))
    message.add_attachment(forged, maintype="image", subtype="png", filename="page.png")
    deliver(box, message)
    collect(services, box)
    assert len(waiting(services)) == 1
    with services.reading() as session:
        assert session.scalar(select(func.count(Attachment.id))) == 0


def test_a_signed_pdf_in_a_message_waits_for_itself_whole(services: Services, box: ImapMailbox, tmp_path: Path) -> None:
    message = mail()
    signed = signing_kit.signed_slip(signing_kit.unlocked(signing_kit.vault(tmp_path / "keys"))).received
    message.add_attachment(signed, maintype="application", subtype="pdf", filename="signe.pdf")
    deliver(box, message)
    collect(services, box)
    scans = {scan.is_signed: scan for scan in waiting(services)}
    assert set(scans) == {True, False}
    assert scans[True].filename == "signe.pdf"
    registered = register(services)
    with services.unit_of_work(NOW) as uow:
        attachment_id = arrange.join_to_mail(
            uow,
            scans[True].id,
            registered.mail_id,
            actor=actor(services, "agent"),
            now=NOW,  # type: ignore[arg-type]
        )
    with services.reading() as session:
        assert session.get_one(Attachment, attachment_id).digest == pages.sha256(signed)


def test_deleting_leaves_what_somebody_else_marked_as_deleted(services: Services, tmp_path: Path) -> None:
    box = ImapMailbox(settings_of(tmp_path, services, done=""))
    deliver(box, mail("Effacé par quelqu'un"), mail("À prendre"))
    with box.open() as opened:
        opened._client.delete_messages([1])  # type: ignore[attr-defined]
    collect(services, box)
    assert len(waiting(services)) == 1
    assert held(box, "INBOX") == 1


@pytest.mark.parametrize("way", ["starttls", "token_file", "token_command"])
def test_other_ways_in(services: Services, tmp_path: Path, way: str) -> None:
    base = settings_of(tmp_path, services)
    token = tmp_path / "token"
    token.write_text(imap.token(base.user))
    changes: dict[str, object] = {
        "starttls": {"tls": "starttls", "port": imap.ports(imap.server())[1]},
        "token_file": {"password_file": None, "token_file": token},
        "token_command": {"password_file": None, "token_command": ("cat", str(token))},
    }[way]  # type: ignore[assignment]
    box = ImapMailbox(MailboxSettings(**{**base.model_dump(), **changes}))
    deliver(box, mail())
    collect(services, box)
    assert len(waiting(services)) == 1


def test_refusals_of_the_server_are_told_without_the_secret(services: Services, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("mot de passe inconnu")
    cases = {
        "mailbox.login": {"password_file": wrong},
        "mailbox.unavailable": {"port": 9},
        "mailbox.token": {"password_file": None, "token_command": ("false",)},
        "mailbox.unit": {"unit": "NULLE-PART"},
    }
    for code, changes in cases.items():
        box = ImapMailbox(settings_of(tmp_path, services, **changes))
        with pytest.raises(EngineFailed) as failed:
            collect(services, box)
        assert failed.value.code == code
        assert "inconnu" not in str(failed.value)
    # A certificate of an unknown authority is refused.
    with pytest.raises(EngineFailed, match="unavailable"):
        collect(services, ImapMailbox(settings_of(tmp_path, services, ca_file=None)))


def test_one_mailbox_that_is_away_holds_up_no_other(services: Services, tmp_path: Path) -> None:
    away = ImapMailbox(settings_of(tmp_path, services, name="absente", port=9))
    here = ImapMailbox(settings_of(tmp_path, services))
    deliver(here, mail())
    both = replace(services, mailboxes=(away, here))
    with pytest.raises(EngineFailed, match="unavailable"):
        collect_mail(Run(both, None, quiet, NOW))  # type: ignore[arg-type]  # the job itself is not looked at
    assert len(waiting(services)) == 1


def test_collecting_is_asked_for_only_where_there_are_mailboxes(services: Services, box: ImapMailbox) -> None:
    def asked() -> int:
        with services.reading() as session:
            return session.scalar(select(func.count(Job.id)).where(Job.kind == JobKind.COLLECT_MAIL)) or 0

    schedule_periodic(services, now=NOW)
    assert asked() == 0
    later = NOW + timedelta(minutes=3)
    schedule_periodic(replace(services, mailboxes=(box,)), now=later)
    schedule_periodic(replace(services, mailboxes=(box,)), now=later)
    assert asked() == 1


@pytest.mark.parametrize(
    "text",
    [
        "[[mailbox]]\nname='a'\nunit='U'\nhost='mail.gouv.tg'\nuser='u'\npassword_file='x'\ntls='none'",
        "[[mailbox]]\nname='a'\nunit='U'\nhost='h'\nuser='u'",
        "[[mailbox]]\nname='a'\nunit='U'\nhost='h'\nuser='u'\npassword_file='x'\nerrors='INBOX'",
        "[[mailbox]]\nname='a'\nunit='U'\nhost='h'\nuser='u'\npassword_file='x'\npasswort='y'",
        "other = 1",
    ],
)
def test_a_wrong_file_of_mailboxes_is_refused_at_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "boxes.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"config\.invalid"):
        load_mailboxes(path)
