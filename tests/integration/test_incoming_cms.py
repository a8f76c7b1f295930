"""Signed files other than PDFs, from the mailbox or the desk to the letter's page: judged, readable, bytes
unchanged."""

from __future__ import annotations

import base64
import dataclasses
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ged import pipeline
from ged.adapters.imap import ImapMailbox
from ged.capture import arrange, files, intake
from ged.capture.models import Scan, ScanState
from ged.capture.queries import ScanRow
from ged.errors import Invalid
from ged.jobs import Job, JobKind, JobState
from ged.ports import JobId, PageRef, ScanId, Verdict, has_programs
from ged.recognition import jobs as recognition
from ged.recognition.models import SignatureCheck
from ged.register.models import Attachment, AttachmentKind, PageText
from ged.register.signed_kinds import APART, is_to_check
from ged.unit import Services
from ocr.engine import TesseractEngine
from tests import pages
from tests.checker_kit import ministry
from tests.factories import NOW, SharedChecker, actor, make_organisation, make_services
from tests.intake_kit import quiet, register, waiting
from tests.mailbox_kit import collect, deliver, settings_of
from tests.message_kit import mail
from tests.office_kit import docx, spreadsheet_with_macros, with_macros
from tests.pki_kit import Ministry, _detached, order_pdf
from tests.site import make_site, sign_in

__all__ = ["ministry"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

P7M, P7S = ("application", "pkcs7-mime"), ("application", "pkcs7-signature")
UNKNOWN = ("application", "octet-stream")


@pytest.fixture
def services(tmp_path: Path, ministry: Ministry) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    checker = SharedChecker([ministry.root.pem])
    yield dataclasses.replace(made, checker=checker)
    checker.close()
    made.engine.dispose()


def work(services: Services, *kinds: JobKind) -> None:
    """Run the waiting jobs of these kinds."""
    for kind in kinds:
        with services.reading() as session:
            ids = session.scalars(select(Job.id).where(Job.kind == kind, Job.state == JobState.QUEUED)).all()
        for job_id in ids:
            assert pipeline.run_job(services, JobId(job_id), worker="test")


def joined(services: Services, mail_id: int, scan: ScanRow | Scan) -> int:
    with services.unit_of_work(NOW) as uow:
        return arrange.join_to_mail(
            uow, ScanId(scan.id), mail_id, kind=AttachmentKind.ANNEX, actor=actor(services, "agent"), now=NOW
        )


def found(services: Services, attachment_id: int) -> list[tuple[Verdict, str, str]]:
    with services.reading() as session:
        rows = session.scalars(select(SignatureCheck).where(SignatureCheck.attachment_id == attachment_id))
        return [(one.verdict, one.reports[0]["reason"], one.reports[0]["signer"]) for one in rows]


def text_of(services: Services, attachment_id: int, page_no: int) -> str:
    recognition.run_recognise(services, attachment_id, heartbeat=quiet, now=NOW)  # type: ignore[arg-type]
    with services.reading() as session:
        return session.get_one(PageText, (attachment_id, page_no)).text


@pytest.mark.in_shares(2)
@pytest.mark.servers
@pytest.mark.parametrize("told", [P7M, UNKNOWN], ids=["told", "untold"])
def test_signed_files_in_a_message_are_taken_apart_for_the_eye_and_kept_whole(
    services: Services, ministry: Ministry, tmp_path: Path, told: tuple[str, str]
) -> None:
    box = ImapMailbox(settings_of(tmp_path, services))
    letter, annex = order_pdf(), pages.pdf("Annexe au marché")
    whole = _detached(ministry.signer, letter, detached=False)
    apart = _detached(ministry.signer, annex)
    message = mail("Ordre de paiement signé")
    message.add_attachment(whole, maintype=told[0], subtype=told[1], filename="ordre.pdf.p7m")
    message.add_attachment(annex, maintype="application", subtype="pdf", filename="annexe.pdf")
    message.add_attachment(
        apart, maintype=told[0], subtype="pkcs7-signature" if told == P7M else told[1], filename="annexe.pdf.p7s"
    )
    deliver(box, message)
    collect(services, box)

    scans = {scan.is_signed: scan for scan in waiting(services)}
    assert (scans[True].filename, [leaf.problem for leaf in scans[True].leaves]) == ("ordre.pdf.p7m", ["", ""])
    assert [(leaf.filename, leaf.problem) for leaf in scans[False].leaves] == [
        ("message.pdf", ""), ("annexe.pdf", ""), ("annexe.pdf.p7s", "file.signature_apart"),
    ]  # fmt: skip
    mail_id = register(services).mail_id
    enclosing, beside = (joined(services, mail_id, scans[signed]) for signed in (True, False))
    work(services, JobKind.CHECK_SIGNATURES)
    assert found(services, enclosing) == [(Verdict.GREEN, "ok", "AMAVI Kossi")]
    assert found(services, beside) == [(Verdict.GREEN, "ok", "AMAVI Kossi")]
    assert told == UNKNOWN or "Ordre de paiement" in text_of(services, enclosing, 1)
    with services.reading() as session:
        row = session.get_one(Attachment, enclosing)
        assert (row.digest, row.size_bytes) == (pages.sha256(whole), len(whole))
        assert pages.sha256(apart) in {page.digest for page in session.get_one(Attachment, beside).pages}


def test_signed_files_given_at_the_desk_end_on_the_letters_page_in_words(tmp_path: Path, ministry: Ministry) -> None:
    made = make_services(tmp_path)
    checker = SharedChecker([ministry.root.pem])
    app, services = make_site(tmp_path, services=dataclasses.replace(made, checker=checker))
    clerk = actor(services, "agent")
    plain = pages.pdf("Convention")
    whole = base64.encodebytes(_detached(ministry.signer, pages.pdf("Arrangement"), detached=False))
    broken = _detached(ministry.signer, b"un autre fichier")
    given = {
        "decision.p7m": whole, "convention.pdf": plain, "convention.p7s": _detached(ministry.signer, plain),
        "autre.p7s": broken,
    }  # fmt: skip
    mail_id = register(services).mail_id
    attached = {}
    for name, content in given.items():
        upload = files.examine(services, name, io.BytesIO(content))
        with services.unit_of_work(NOW) as uow:
            (scan_id,) = intake.accept_upload(uow, upload, unit_id=clerk.posts[0].unit_id, actor=clerk, now=NOW)
        with services.reading() as session:
            scan = session.get_one(Scan, scan_id)
            assert scan.state is ScanState.WAITING
        client = sign_in(app, "agent")
        if name.endswith(".p7s"):
            assert "signature séparée" in client.get(f"/numerisations/{scan_id}").text
        attached[name] = joined(services, mail_id, scan)
    work(services, JobKind.CHECK_SIGNATURES)
    assert found(services, attached["decision.p7m"]) == [(Verdict.GREEN, "ok", "AMAVI Kossi")]
    assert found(services, attached["convention.p7s"]) == [(Verdict.GREEN, "ok", "AMAVI Kossi")]
    assert found(services, attached["autre.p7s"])[0][0] is not Verdict.GREEN
    assert "Arrangement" in text_of(services, attached["decision.p7m"], 1)

    client = sign_in(app, "agent")
    page = client.get(f"/documents/{attached['decision.p7m']}/signatures").text.replace("&#39;", "'")
    assert "Fichier signé qui contient le document" in page
    assert "Signature valable" in page
    with client.get(f"/documents/{attached['decision.p7m']}/original") as answer:
        assert answer.data == whole
    page = client.get(f"/documents/{attached['convention.p7s']}/signatures").text
    assert "Fichier de signature séparé" in page
    assert client.get(f"/documents/{attached['convention.p7s']}").status_code == 200
    with services.reading() as session:
        row = session.get_one(Attachment, attached["convention.p7s"])
        assert (row.media_type, row.digest) == (APART, pages.sha256(given["convention.p7s"]))
    checker.close()
    services.engine.dispose()


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("form", ["der", "base64", "pem", "twice"])
def test_the_document_inside_is_found_in_every_form(ministry: Ministry, tmp_path: Path, form: str) -> None:
    made = _detached(ministry.signer, pages.pdf("un", "deux"), detached=False)
    content = {
        "der": made,
        "base64": base64.encodebytes(made),
        "pem": b"-----BEGIN PKCS7-----\n" + base64.encodebytes(made) + b"-----END PKCS7-----\n",
        "twice": _detached(ministry.signer, made, detached=False),
    }[form]
    (tmp_path / "given").write_bytes(content)
    engine = TesseractEngine(jobs=1)
    facts = engine.inspect(tmp_path / "given", filename="lettre.p7m", timeout_s=30)
    assert (facts.media_type, len(facts.pages), facts.signed) == ("application/pkcs7-mime", 2, True)
    engine.close()


@pytest.mark.parametrize("told", [P7M, UNKNOWN], ids=["told", "untold"])
def test_the_macros_of_a_signed_file_are_told_and_its_signature_checked(
    services: Services, ministry: Ministry, tmp_path: Path, told: tuple[str, str]
) -> None:
    box = ImapMailbox(settings_of(tmp_path, services))
    message = mail("Budget signé")
    whole = _detached(ministry.signer, spreadsheet_with_macros(), detached=False)
    message.add_attachment(whole, maintype=told[0], subtype=told[1], filename="budget.p7m")
    deliver(box, message)
    collect(services, box)
    [scan] = waiting(services)
    assert [(leaf.problem, leaf.has_programs) for leaf in scan.leaves] == [("", False), ("file.programs", True)]
    mail_id = register(services).mail_id
    attachment = joined(services, mail_id, scan)
    work(services, JobKind.CHECK_SIGNATURES)
    assert found(services, attachment) == [(Verdict.GREEN, "ok", "AMAVI Kossi")]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="no LibreOffice")
def test_a_signed_letter_with_macros_is_read_and_told(ministry: Ministry, tmp_path: Path) -> None:
    content = with_macros(tmp_path / "macros.docm", of=docx(tmp_path / "plain.docx")).read_bytes()
    (tmp_path / "given").write_bytes(_detached(ministry.signer, content, detached=False))
    engine = TesseractEngine(jobs=1)
    facts = engine.inspect(tmp_path / "given", filename="lettre.p7m", timeout_s=60)
    drawn = tmp_path / "page.jpg"
    engine.thumbnail(PageRef(tmp_path / "given", facts.media_type, 0), width_px=100, out=drawn, timeout_s=60)
    engine.close()
    assert (has_programs(facts.media_type), len(facts.pages), facts.signed) == (True, 1, True)
    assert is_to_check(AttachmentKind.ANNEX, [facts.media_type], is_signed=False)


@pytest.mark.parametrize("form", ["cut", "nonsense", "encrypted"])
def test_what_is_no_signed_file_is_told(ministry: Ministry, tmp_path: Path, form: str) -> None:
    made = _detached(ministry.signer, pages.pdf("un"), detached=False)
    kind = made.index(b"\x01\x07\x02")
    content, code = {
        "cut": (made[: len(made) // 2], "file.truncated"),
        "nonsense": (made[:40] + b"\xff" * 200, "file.truncated"),
        "encrypted": (made[:kind] + b"\x01\x07\x03" + made[kind + 3 :].replace(b"%PDF", b"?PDF"), "file.type_unknown"),
    }[form]
    (tmp_path / "given").write_bytes(content)
    engine = TesseractEngine(jobs=1)
    with pytest.raises(Invalid) as refused:
        engine.inspect(tmp_path / "given", filename="lettre.p7m", timeout_s=30)
    engine.close()
    assert refused.value.code == code
