"""Signed files from outside: judged on arrival, explained in words, bytes unchanged."""

import dataclasses
import io
import re
import zipfile

import pytest
from sqlalchemy import select

from ged import jobs, pipeline
from ged.audit import AuditEntry
from ged.jobs import Job, JobKind
from ged.org.models import Unit
from ged.ports import JobId, Verdict
from ged.recognition.models import SignatureCheck
from ged.register.models import Attachment, AttachmentKind
from ged.register.operations import SourcePage, attach
from tests.checker_kit import ministry
from tests.factories import NOW, SharedChecker, actor, make_services
from tests.pki_kit import _detached, holder, order_pdf, signed, with_empty_field
from tests.routing_kit import register
from tests.site import make_site, post, sign_in

__all__ = ["ministry"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

P7S = "application/pkcs7-signature"


@pytest.fixture(scope="module")
def site(ministry, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    services = make_services(folder)
    services = dataclasses.replace(services, checker=SharedChecker([ministry.root.pem]))
    app, services = make_site(folder, services=services)
    yield app, services
    services.checker.close()
    services.engine.dispose()


def _arrive(services, *files, kind=AttachmentKind.DOCUMENT):
    """Register a letter with one attachment: the first file. The others are kept beside it as they arrived."""
    mail_id = register(services).mail_id
    stored = [services.blobs.put(io.BytesIO(content)) for content, _ in files]
    sources = [SourcePage(one.digest, media) for one, (_, media) in zip(stored, files, strict=True)]
    is_signed = b"/ByteRange" in files[0][0]
    with services.unit_of_work(NOW) as uow:
        attachment_id = attach(
            uow, mail_id, kind=kind, pages=sources, media_type=files[0][1], actor=actor(services, "agent"), now=NOW,
            digest=stored[0].digest, size_bytes=stored[0].size_bytes, is_signed=is_signed, filename="lettre.pdf",
            recognise=False,
        )  # fmt: skip
    return mail_id, attachment_id


def _work(services):
    """Run the jobs that check signatures."""
    with services.reading() as session:
        waiting = select(Job.id).where(Job.kind == JobKind.CHECK_SIGNATURES, Job.state == jobs.JobState.QUEUED)
        ids = list(session.scalars(waiting))
    for job_id in ids:
        pipeline.run_job(services, JobId(job_id), worker="test")
    return len(ids)


def _kept(services, attachment_id):
    with services.reading() as session:
        wanted = select(SignatureCheck).where(SignatureCheck.attachment_id == attachment_id)
        return [(one.verdict, [report["reason"] for report in one.reports]) for one in session.scalars(wanted)]


def test_a_signed_pdf_is_judged_on_arrival_and_its_bytes_stay(site, ministry):
    app, services = site
    whole = signed(order_pdf(), ministry.signer)
    mail_id, attachment_id = _arrive(services, (whole, "application/pdf"))
    client = sign_in(app, "agent")
    page = client.get(f"/documents/{attachment_id}/signatures").text
    assert "n'est pas encore enregistrée" in page.replace("&#39;", "'")
    assert _work(services) == 1
    assert _kept(services, attachment_id) == [(Verdict.GREEN, ["ok"])]
    page = client.get(f"/documents/{attachment_id}/signatures").text.replace("&#39;", "'")
    assert "Signature valable" in page
    assert "AMAVI Kossi" in page
    assert "Rien n'a changé depuis cette signature." in page
    assert "Même résultat qu'à l'arrivée" in page
    assert "heure annoncée par le signataire" in page
    assert "Voir la partie signée" not in page
    assert f"/documents/{attachment_id}/signatures" in client.get(f"/documents/{attachment_id}").text
    with client.get(f"/documents/{attachment_id}/original") as answer:
        assert answer.data == whole
    with services.reading() as session:
        (entry,) = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "signature.checked", AuditEntry.subject_id == mail_id)
        )
        assert entry.person_id is None
    job_again = jobs.new(JobKind.CHECK_SIGNATURES, attachment_id, now=NOW)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(job_again)
    _work(services)
    assert len(_kept(services, attachment_id)) == 1


def test_signed_again_is_amber_and_the_signed_part_is_offered(site, ministry):
    app, services = site
    first = signed(with_empty_field(order_pdf()), ministry.signer)
    _, attachment_id = _arrive(services, (signed(first, ministry.signer, name="second"), "application/pdf"))
    _work(services)
    assert _kept(services, attachment_id) == [(Verdict.AMBER, ["signed_again", "ok"])]
    client = sign_in(app, "agent")
    page = client.get(f"/documents/{attachment_id}/signatures").text.replace("&#39;", "'")
    assert "Signature à vérifier" in page
    assert "nouvelle signature dans un cadre prévu" in page
    link = page.split('href="')[1:]
    (offered,) = [one.split('"')[0].replace("&amp;", "&") for one in link if "partie-signee" in one]
    assert client.get(offered).data == first
    assert client.get(offered.replace("fin=", "fin=1")).status_code == 404
    assert sign_in(app, "admin").get(f"/documents/{attachment_id}/signatures").status_code == 404


def test_certificates_are_judged_for_the_day_of_reception(site, ministry):
    """The certificate has expired since: the letter was good when it came."""
    _, services = site
    brief = holder("Bref", ministry.root, end=NOW.replace(hour=12))
    _, attachment_id = _arrive(services, (signed(order_pdf(), brief), "application/pdf"))
    _work(services)
    assert _kept(services, attachment_id) == [(Verdict.GREEN, ["ok"])]


def test_a_detached_signature_is_held_against_the_files_of_the_letter(site, ministry):
    app, services = site
    plain = order_pdf()
    _, attachment_id = _arrive(services, (plain, "application/pdf"), (_detached(ministry.signer, plain), P7S))
    _work(services)
    assert _kept(services, attachment_id) == [(Verdict.GREEN, ["ok"])]
    page = sign_in(app, "agent").get(f"/documents/{attachment_id}/signatures").text
    assert "Fichier de signature séparé" in page
    _, other = _arrive(services, (order_pdf(), "application/pdf"), (_detached(ministry.signer, b"autre"), P7S))
    _work(services)
    assert _kept(services, other) == [(Verdict.RED, ["broken"])]
    _, enclosed = _arrive(
        services,
        (order_pdf(), "application/pdf"),
        (_detached(ministry.signer, plain, detached=False), "application/pkcs7-mime"),
    )
    _work(services)
    assert _kept(services, enclosed) == [(Verdict.GREEN, ["ok"])]


def test_what_is_not_signed_or_is_ours_is_not_looked_at(site, ministry):
    _, services = site
    _arrive(services, (order_pdf(), "application/pdf"))
    whole = signed(order_pdf(), ministry.signer)
    _arrive(services, (whole, "application/pdf"), kind=AttachmentKind.SIGNED)
    assert _work(services) == 0


def test_the_case_file_leaves_by_a_button(site, ministry):
    app, services = site
    whole = signed(order_pdf(), ministry.signer)
    mail_id, attachment_id = _arrive(services, (whole, "application/pdf"))
    client = sign_in(app, "agent")
    assert "Dossier de preuve (ZIP)" in client.get(f"/courriers/{mail_id}").text
    answer = post(client, f"/courriers/{mail_id}/preuve", {}, page=f"/courriers/{mail_id}")
    assert answer.mimetype == "application/zip"
    with services.reading() as session:
        digest = session.get_one(Attachment, attachment_id).digest
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        assert packed.read(f"files/{digest}.pdf") == whole
    answer.close()
    assert post(sign_in(app, "admin"), f"/courriers/{mail_id}/preuve", {}).status_code == 404


def test_the_verdict_stands_wherever_the_letter_is_read(site, ministry):
    """The queue, the imputation page, the inbox and the letter show the worst verdict of the letter's files."""
    app, services = site
    whole = signed(order_pdf(), ministry.signer)
    at = whole.index(b"/MediaBox") + len(b"/MediaBox")
    mail_id, attachment_id = _arrive(services, (whole[:at] + b"\n" + whole[at + 1 :], "application/pdf"))
    _work(services)
    assert [verdict for verdict, _ in _kept(services, attachment_id)] == [Verdict.RED]
    sg = sign_in(app, "sg")
    for path in ("/a-imputer", f"/a-imputer/{mail_id}", f"/courriers/{mail_id}"):
        page = sg.get(path).text
        assert "Signature non valable" in page, path
        assert "Le contenu signé a été altéré." in page, path
        assert f'href="/documents/{attachment_id}/signatures"' in page, path
    with services.reading() as session:
        unit_id = session.scalars(select(Unit.id).where(Unit.code == "DGE")).one()
    impute = {"leading_unit_id": str(unit_id), "then": "list"}
    assert post(sg, f"/a-imputer/{mail_id}", impute, page=f"/a-imputer/{mail_id}").status_code == 303
    head = sign_in(app, "dge")
    inbox = head.get("/bannette/").text
    assert "Signature non valable" in inbox
    (assignment,) = set(re.findall(r'href="/bannette/([0-9]+)"', inbox))
    assert "Le contenu signé a été altéré." in head.get(f"/bannette/{assignment}").text
    other = register(services).mail_id
    assert "Signature" not in sg.get(f"/a-imputer/{other}").text.split("</header>")[-1].split("<footer")[0]
