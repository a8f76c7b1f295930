"""Signed files that wait for their number. A worker makes the verdict; the card and the form show it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged import jobs, pipeline
from ged.audit import AuditEntry
from ged.capture import files, intake
from ged.capture.models import Scan, ScanState
from ged.jobs import Job, JobKind
from ged.ports import Verdict
from ged.recognition import signatures
from ged.recognition.models import ScanSignatureCheck
from ged.unit import Services
from tests.checker_kit import ministry
from tests.factories import NOW, SharedChecker, actor, make_organisation, make_services
from tests.pages import png
from tests.pki_kit import Ministry, order_pdf, signed
from tests.scripted_ocr import ScriptedEngine
from tests.site import make_site, sign_in

__all__ = ["ministry"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]
GREEN = "Rien n'a changé depuis cette signature."


class SignedEngine(ScriptedEngine):
    """An engine that recognises a signature in a file, as the real one does."""

    def inspect(self, source: Path, *, filename: str, timeout_s: float):  # type: ignore[no-untyped-def]
        found = super().inspect(source, filename=filename, timeout_s=timeout_s)
        return dataclasses.replace(found, signed=b"/ByteRange" in source.read_bytes())


@pytest.fixture
def site(tmp_path: Path, ministry: Ministry) -> Iterator[Site]:
    services = dataclasses.replace(
        make_services(tmp_path), ocr=SignedEngine(), checker=SharedChecker([ministry.root.pem])
    )
    app, services = make_site(tmp_path, services=services)
    yield app, services
    services.checker.close()
    services.engine.dispose()


def upload(services: Services, content: bytes, name: str = "lettre.pdf") -> int:
    clerk = actor(services, "agent")
    found = files.examine(services, name, BytesIO(content))
    with services.unit_of_work(NOW) as uow:
        (scan_id,) = intake.accept_upload(uow, found, unit_id=clerk.posts[0].unit_id, actor=clerk, now=NOW)
    return int(scan_id)


def work(services: Services, *kinds: JobKind) -> int:
    with services.reading() as session:
        ids = jobs.due(session, now=datetime.now(UTC) + timedelta(minutes=1), kinds=set(kinds))
    for job_id in ids:
        pipeline.run_job(services, job_id, worker="test")
    return len(ids)


def card(page: str) -> str:
    return page.partition('aria-label="Numérisations en attente"')[2].partition("</ul>")[0]


def test_the_card_and_the_form_say_what_the_signature_is_worth(site: Site, ministry: Ministry) -> None:
    app, services = site
    scan_id = upload(services, signed(order_pdf(), ministry.signer))
    client = sign_in(app, "agent")
    form, beside = f"/enregistrer/numerisation/{scan_id}", f"/numerisations/{scan_id}/signature"
    work(services, JobKind.INTAKE)
    assert "signature en cours de vérification" in card(client.get("/numerisations/").text)
    assert f'hx-get="{beside}"' in client.get(form).text
    assert client.get(beside).status_code == 204, "no request of the site checks a signature"
    mark = re.search(r"liste=(\w+)", client.get("/numerisations/").text)
    assert work(services, JobKind.CHECK_SIGNATURES) == 1
    shown = card(client.get("/numerisations/").text)
    assert "Signature valable" in shown
    assert GREEN in shown
    assert mark is not None
    followed = client.get(f"/numerisations/en-cours?liste={mark[1]}").text
    assert "Signature valable" in card(followed), "an open list follows"
    for place in (form, beside, f"/numerisations/{scan_id}", f"/enregistrer/depart?scan={scan_id}"):
        answer = client.get(place)
        assert answer.status_code == 200
        told = answer.text.partition('id="scan-verdict"')[2].partition("</div>\n</div>")[0]
        assert "Signature valable" in told, place
        assert GREEN in told, place
        assert "hx-get" not in told.partition(">")[0], place
    with services.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "signature.checked")).one()
        assert (entry.subject_kind, entry.subject_id) == ("scan", scan_id)
        assert session.get_one(Scan, scan_id).version == 1, "a machine makes no form stale"


def test_a_file_changed_after_its_signature_is_red_and_paper_says_nothing(site: Site, ministry: Ministry) -> None:
    app, services = site
    whole = signed(order_pdf(), ministry.signer)
    broken = whole.replace(b"Pharmacie du Port", b"Pharmacie du P0rt", 1)
    assert broken != whole
    changed, paper = upload(services, broken), upload(services, png("Lettre"), "papier.png")
    work(services, JobKind.INTAKE)
    assert work(services, JobKind.CHECK_SIGNATURES) == 1, "paper has no signature to check"
    with services.reading() as session:
        found = signatures.of_scans(session, [changed, paper])
    assert {scan_id: one.verdict for scan_id, one in found.items()} == {changed: Verdict.RED}
    client = sign_in(app, "agent")
    assert card(client.get("/numerisations/").text).count("Signature non valable") == 1
    assert "Signature" not in client.get(f"/numerisations/{paper}/signature").text
    assert sign_in(app, "daf").get(f"/numerisations/{changed}/signature").status_code in (403, 404)


def test_a_scan_is_checked_once_and_its_report_goes_with_it(site: Site, ministry: Ministry) -> None:
    services = site[1]
    scan_id = upload(services, signed(order_pdf(), ministry.signer))
    work(services, JobKind.INTAKE)
    work(services, JobKind.CHECK_SIGNATURES)
    for _ in range(2):
        signatures.run_scan_check(services, scan_id, now=NOW)
    with services.unit_of_work(NOW) as uow:
        signatures.ask_for_batch(uow, uow.session.get_one(Scan, scan_id).batch_id)
    with services.reading() as session:
        assert len(session.scalars(select(ScanSignatureCheck)).all()) == 1
        waiting = select(Job).where(Job.kind == JobKind.CHECK_SIGNATURES, Job.state == jobs.JobState.QUEUED)
        assert session.scalars(waiting).all() == [], "nothing is asked for twice"
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Scan, scan_id).state = ScanState.JOINED
    late = datetime.now(UTC) + timedelta(days=3)
    with services.unit_of_work(late) as uow:
        signatures.forget(uow, now=late)
    with services.reading() as session:
        assert session.scalars(select(ScanSignatureCheck)).all() == []


def test_a_scan_that_was_joined_meanwhile_gets_no_report(site: Site, ministry: Ministry) -> None:
    services = site[1]
    scan_id = upload(services, signed(order_pdf(), ministry.signer))
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Scan, scan_id).state = ScanState.JOINED
    signatures.run_scan_check(services, scan_id, now=NOW)
    with services.reading() as session:
        assert session.scalars(select(ScanSignatureCheck)).all() == []


def test_reports_are_kept_on_postgresql(tmp_path: Path, ministry: Ministry, make_database: Callable[[], str]) -> None:
    services = dataclasses.replace(
        make_services(tmp_path, url=make_database()), ocr=SignedEngine(), checker=SharedChecker([ministry.root.pem])
    )
    make_organisation(services)
    scan_id = upload(services, signed(order_pdf(), ministry.signer))
    signatures.run_scan_check(services, scan_id, now=NOW)
    signatures.run_scan_check(services, scan_id, now=NOW)
    with services.reading() as session:
        assert {scan: one.verdict for scan, one in signatures.of_scans(session, [scan_id]).items()} == {
            scan_id: Verdict.GREEN
        }
    services.checker.close()
    services.engine.dispose()
