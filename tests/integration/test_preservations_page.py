"""The page of proofs for administrators and auditors. Only administrators may ask for another attempt."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from ged.closing import operations as closing
from ged.jobs import Job, JobKind
from ged.org.models import Post, PostRole
from ged.paging import Place
from ged.preservation import queries
from ged.preservation.models import Preservation
from ged.preservation.operations import SignedKind, preserve
from ged.preservation.queries import Group
from ged.register.models import MailNumber, RegisterClosing
from ged.slips.models import Slip, SlipRevision
from ged.unit import Role, Services
from signing.preserve import PadesPreserver
from tests import browsing
from tests.factories import NOW, TODAY, actor, make_services
from tests.site import make_site, post, served, sign_in
from tests.slip_kit import LineForm, letter, register_id, send
from tests.tampering import lift_guards

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.in_turns(3)

PATH = "/administration/preuves/"
LONG_AGO = NOW.replace(year=2020)
LONG = "00001/2026/MIN/SG/DGE-DIRECTION-GENERALE-DE-L-ENERGIE"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Services]]:
    """Three slips: a failed one, a preserved one, one that is as it was signed; and a closing without a seal."""
    folder = tmp_path_factory.mktemp("site")
    made = make_services(folder)
    app, services = make_site(
        folder, services=dataclasses.replace(made, preserver=PadesPreserver([], made.vault.trust_roots_pem))
    )
    failed, lasting, signed = (send(services, LineForm(mail_id=letter(services))).slip_id for _ in range(3))
    lift_guards(services.engine)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(SlipRevision).where(SlipRevision.slip_id == lasting).values(level="B-LTA"))
        given = {"updated_at": NOW}
        uow.session.add(
            Preservation(
                slip_id=failed,
                due_at=NOW + timedelta(hours=1),
                tries=3,
                failure="preserve.no_revocation",
                level="B-B",
                **given,
            )
        )
        later = NOW.replace(year=2059)
        uow.session.add(Preservation(slip_id=lasting, due_at=later, tries=0, failure="", level="B-LTA", **given))
    preserve(dataclasses.replace(services, preserver=None), SignedKind.SLIP, signed, now=LONG_AGO)
    closing.close_days(
        services, register_id(services, "ARR"), TODAY, actor=actor(services, "agent"), now=NOW + timedelta(days=1)
    )
    with services.unit_of_work(NOW) as uow:
        closed = uow.session.scalars(select(RegisterClosing.id)).one()
        uow.session.add(Preservation(closing_id=closed, due_at=LONG_AGO, tries=0, failure="", level="", **given))
        uow.session.add(
            PostRole(post_id=uow.session.scalars(select(Post.id).where(Post.code == "ETU-M")).one(), role=Role.AUDITOR)
        )
    yield app, services
    services.engine.dispose()


def test_levels_are_those_of_the_revisions(site: tuple[Flask, Services]) -> None:
    _, services = site
    with services.reading() as session:
        assert queries.counts(session) == {"": 1, "B-B": 2, "B-T": 0, "B-LT": 0, "B-LTA": 1}
        assert queries.totals(session) == {Group.FAILING: 1, Group.RISING: 2, Group.LASTING: 1}
        (failing,), _ = queries.standings(session, Group.FAILING, limit=50)
        rising, page = queries.standings(session, Group.RISING, limit=1)
        assert page.next is not None
        behind, last = queries.standings(session, Group.RISING, page.next, limit=1)
        assert (last.next, last.previous) == (None, Place(before=last.ids[0]))
    assert (failing.sort, failing.level, failing.failure, failing.tries) == (
        SignedKind.SLIP, "B-B", "preserve.no_revocation", 3,
    )  # fmt: skip
    assert failing.number
    assert {(one.sort, one.level, one.due_at) for one in (*rising, *behind)} == {
        (SignedKind.SLIP, "B-B", LONG_AGO),
        (SignedKind.CLOSING, "", LONG_AGO),
    }


def test_the_page_says_what_failed_and_why_and_when_the_next_try_is(site: tuple[Flask, Services]) -> None:
    app, _ = site
    client = sign_in(app, "admin")
    assert PATH in client.get("/administration/").text
    page = client.get(PATH).text.replace("&#39;", "'")
    for words in (
        "En échec (1)", "À prolonger (2)", "Tenues dans le temps (1)", "3 essais", "preserve.no_revocation",
        "L'état des certificats (CRL, OCSP) ne peut pas être obtenu.", "Réessayer",
    ):  # fmt: skip
        assert words in page, words
    rising = client.get(f"{PATH}?groupe=en-cours").text
    assert "pas encore examiné" in rising
    assert "sans cachet" in rising
    lasting = client.get(f"{PATH}?groupe=tenues").text
    assert "2059" in lasting
    assert "Réessayer" not in lasting


def test_an_auditor_reads_and_asks_for_nothing_and_nobody_else_comes_in(site: tuple[Flask, Services]) -> None:
    app, _ = site
    auditor = sign_in(app, "etudes")
    page = auditor.get(PATH)
    assert page.status_code == 200
    assert "Réessayer" not in page.text
    assert post(auditor, f"{PATH}slip/1/reprendre", {}, page=PATH).status_code == 403
    assert post(auditor, f"{PATH}reprendre", {}).status_code == 403
    assert sign_in(app, "sg").get(PATH).status_code == 403


def test_another_try_is_a_job_and_an_entry_of_the_journal(site: tuple[Flask, Services]) -> None:
    app, services = site
    client = sign_in(app, "admin")
    with services.reading() as session:
        failed = session.scalars(select(Preservation).where(Preservation.failure != "")).one().slip_id
        asked = select(func.count()).where(Job.kind == JobKind.PRESERVE, Job.subject_id == failed)
        before = session.scalar(asked)
    assert post(client, f"{PATH}slip/{failed}/reprendre", {}, page=PATH).status_code == 303
    assert post(client, f"{PATH}slip/9999/reprendre", {}).status_code == 303
    assert "pas signé" in client.get(PATH).text
    assert post(client, f"{PATH}reprendre", {}).status_code == 303
    assert "1 essai est demandé." in client.get(PATH).text
    with services.reading() as session:
        assert session.scalar(asked) == (before or 0) + 1
        assert session.scalar(select(func.count()).where(Job.kind == JobKind.PRESERVE_DUE)) == 1
        due_at = session.scalars(select(Preservation.due_at).where(Preservation.slip_id == failed)).one()
    assert due_at != NOW + timedelta(hours=1)
    assert "a demandé de prolonger" in client.get("/administration/journal").text


def test_without_authorities_the_page_says_so(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    client = sign_in(app, "admin")
    page = client.get(PATH).text.replace("&#39;", "'")
    assert "Aucune autorité d'horodatage n'est configurée" in page
    assert "Rien ici" in page
    assert post(client, f"{PATH}reprendre", {}, page=PATH).status_code == 303
    assert "aucune demande ne peut partir" in client.get(PATH).text
    services.engine.dispose()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 360])
def test_a_long_number_stays_in_its_cell(tmp_path: Path, browser: Browser, width: int) -> None:
    app, services = make_site(tmp_path)
    slip_id = send(services, LineForm(mail_id=letter(services))).slip_id
    preserve(services, SignedKind.SLIP, slip_id, now=NOW)
    lift_guards(services.engine)
    with services.unit_of_work(NOW) as uow:
        number_id = uow.session.scalars(select(Slip.number_id)).one()
        uow.session.execute(update(MailNumber).where(MailNumber.id == number_id).values(text=LONG))
    size = {"width": width, "height": 800}
    with served(app) as url, browser.new_context(base_url=url, locale="fr-FR", viewport=size) as context:
        page = context.new_page()
        browsing.sign_in(page, "admin")
        page.goto(PATH)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        number, cell = (page.locator(one).bounding_box() for one in (".table .number", "td:has(.number)"))
        assert page.locator(".table .number").text_content() == LONG
        assert number is not None
        assert cell is not None
        assert number["x"] + number["width"] <= cell["x"] + cell["width"]
    services.engine.dispose()
