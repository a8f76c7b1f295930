"""A slip that comes back signed on paper proposes its reception line by line; a person confirms, and decides what is asked."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from threading import Barrier, Thread

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from ged import pipeline
from ged.audit import AuditEntry, AuditPayload
from ged.capture.models import PaperCode, PaperState
from ged.errors import GedError
from ged.jobs import Job, JobKind
from ged.paper import operations, slip_receipt
from ged.slips import operations as slips
from ged.slips import receive
from ged.slips.drafting import LineForm
from ged.slips.models import SlipProof, SlipReading
from ged.slips.receive import Decision, PaperReceipt
from ged.slips.reception_form import MOST_LINES
from ged.slips.states import LineState, SlipState
from ged.unit import Actor, Services
from tests import slip_kit as kit
from tests.factories import NOW, actor, make_services
from tests.fiche_kit import as_shown
from tests.site import make_site, post, sign_in
from tests.slip_sheet_kit import Page, pdf_of, tables

pytestmark = pytest.mark.in_turns(3)

Tick = Callable[[list[Page]], None]


@dataclass
class Site:
    app: Flask
    services: Services
    slip_id: int = 0

    def send(self, lines: int) -> list[Page]:
        """Sign a slip with so many lines. Returns the printed pages with its tables."""
        self.slip_id = int(kit.send(self.services, *(LineForm(f"Pièce {n}") for n in range(1, lines + 1))).slip_id)
        return tables(kit.stored_pdf(self.services, self.slip_id), self.services.code_key)

    def bring(self, pages: list[Page]) -> int:
        """Scan pages at the mail office. Returns the id of the waiting code."""
        agent = sign_in(self.app, "agent")
        sent = {"file": (io.BytesIO(pdf_of(pages)), "bordereau.pdf")}
        answer = post(agent, "/numerisations/fichiers", sent, content_type="multipart/form-data")
        assert answer.status_code == 303, answer.text[:800]
        with self.services.reading() as session:
            jobs = session.scalars(select(Job.id).where(Job.kind == JobKind.INTAKE)).all()
        for job_id in jobs:
            pipeline.run_job(self.services, job_id, worker="test")
        with self.services.reading() as session:
            return session.scalars(select(PaperCode.id).order_by(PaperCode.id.desc())).first() or 0

    def page(self, account: str = "agent") -> str:
        answer = sign_in(self.app, account).get(f"/bordereaux/{self.slip_id}/papier")
        assert answer.status_code == 200, answer.status_code
        return unescape(answer.text).replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")

    def enter(self, sent: dict[str, object], account: str = "agent") -> tuple[int, str]:
        path = f"/bordereaux/{self.slip_id}/papier"
        answer = post(sign_in(self.app, account), path, sent)
        return answer.status_code, unescape(answer.text)

    def lines(self) -> list[LineState]:
        return [line.state for line in kit.slip(self.services, self.slip_id).lines]

    def told(self) -> dict[str, object]:
        with self.services.reading() as session:
            (found,) = session.scalars(
                select(AuditPayload.payload)
                .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
                .where(AuditEntry.action == "slip.received_by_sheet")
            )
            return dict(found)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(*make_site(tmp_path))


def shown(page: str) -> dict[str, object]:
    """What the browser sends when Enter is pressed: the form as it came, with one choice for each line."""
    scans = re.findall(r'name="scan" value="([^"]*)"', page)
    return as_shown(page) | ({"scan": scans} if scans else {})


def test_one_key_enters_what_the_boxes_say_and_the_scan_stays_as_proof(site: Site) -> None:
    """Also the name, where one person signed the last slips of the service; who is not of either end sees nothing."""
    for _ in range(3):
        site.send(1)
        receipt = PaperReceipt("Afi DOSSOU", NOW, {1: Decision(LineState.RECEIVED)}, "Secrétaire")
        with site.services.unit_of_work(NOW) as uow:
            uow.session.add(SlipProof(slip_id=site.slip_id, digest="0" * 64, media_type="image/png", page_index=0, rotation=0, added_at=NOW))  # fmt: skip
            uow.session.flush()
            receive.record_paper_receipt(uow, site.slip_id, receipt, actor=actor(site.services, "agent"), now=NOW)
    (page,) = site.send(4)
    page.cross("received:1")
    page.line("missing:2", (-1.0, 0), (-0.3, 1.0), (1.5, -1.6))
    page.cross("missing:3")
    page.strike("missing:3")
    page.cross("received:3")
    page.cross("wrong_unit:4")
    page.write("name")
    page.write("signature")
    paper_id = site.bring([page])
    assert kit.slip(site.services, site.slip_id).state is SlipState.SENT, "a code on paper proposes, no more"
    compared = unescape(sign_in(site.app, "agent").get(f"/a-confirmer/{paper_id}").text)
    assert f"/bordereaux/{site.slip_id}/papier" in compared
    text = site.page()
    assert "Proposé d'après l'exemplaire numérisé" in text
    (begins,) = re.findall(r"<[^>]*data-autofocus[^>]*>", text)
    assert begins.startswith("<button"), "Enter confirms"
    assert "pas signé" not in text
    part = f"/bordereaux/{site.slip_id}/papier/image.jpg?partie="
    for one in ("row:2", "table:1", "name", "date"):
        with sign_in(site.app, "agent").get(part + one) as picture:
            assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
            assert Image.open(io.BytesIO(picture.data)).width > 300
        assert sign_in(site.app, "daf").get(part + one).status_code in (403, 404)
    assert sign_in(site.app, "agent").get(part + "row:9").status_code == 404
    status, _text = site.enter(shown(text))
    assert status == 303
    expected = [LineState.RECEIVED, LineState.MISSING, LineState.RECEIVED, LineState.WRONG_UNIT]
    slip = kit.slip(site.services, site.slip_id)
    assert (site.lines(), slip.receipt.name) == (expected, "Afi DOSSOU")
    assert (site.told()["asked"], site.told()["changed"]) == ({}, [])
    with site.services.reading() as session:
        assert session.get_one(PaperCode, paper_id).state is PaperState.CONFIRMED
        assert len(session.scalars(select(SlipProof.id).where(SlipProof.slip_id == site.slip_id)).all()) == 1


def test_doubtful_and_contradictory_lines_are_asked_and_damage_needs_words(site: Site) -> None:
    (page,) = site.send(5)
    page.cross("received:1")
    page.cross("missing:1")
    page.strike("received:2")
    page.cross("damaged:4")
    page.cross("received:5")
    site.bring([page])
    text = site.page()
    assert "n'est peut-être pas signé" in text
    sent = shown(text) | {"name": "Afi DOSSOU"}
    assert [sent.get(f"line-{n}") for n in range(1, 6)] == [None, None, None, "damaged", "received"]
    for why in ("Plusieurs cases sont cochées", "Case douteuse", "Aucune case n'est cochée"):
        assert text.count(why) == 1, why
    assert [int(n) for n in re.findall(r"partie=row%3A(\d)|partie=row:(\d)", text) for n in n if n] == [1, 2, 3, 4]
    status, answer = site.enter(sent)
    assert status == 422
    assert kit.slip(site.services, site.slip_id).state is SlipState.SENT
    sent |= {"line-1": "received", "line-2": "missing", "line-3": "received"}
    status, answer = site.enter(sent)
    assert status == 422, "what is damaged is not said"
    assert 'value="Afi DOSSOU"' in answer
    assert site.enter(sent | {"remark-4": "Coin plié", "line-5": "missing"})[0] == 303
    assert site.lines()[3:] == [LineState.DAMAGED, LineState.MISSING]
    assert site.told()["asked"] == {"1": "several", "2": "doubtful", "3": "none"}
    assert site.told()["changed"] == [5]


@pytest.mark.long("a slip of several pages; one page is read and entered in the test beside it")
def test_each_page_says_its_lines_a_missing_one_is_told_and_may_come_later(site: Site) -> None:
    """The second page is scanned by itself; then the whole again, and a line says something else there."""
    first, last = site.send(MOST_LINES + 2)
    for page in (first, last):
        for position in page.part.positions:
            page.cross(f"received:{position}")
    cut = last.part.first
    site.bring([last])
    text = site.page()
    assert f"Il manque la page des lignes 1 à {cut - 1}" in text
    sent = shown(text)
    assert (sent.get("line-1"), sent.get(f"line-{cut}")) == (None, "received")
    before = sent
    first.cross("missing:2")
    first.strike("received:2")
    site.bring([first])
    text = site.page()
    assert "Il manque la page" not in text
    assert shown(text).get("line-2") == "missing"
    assert (site.enter(before | {"name": "A"})[0], site.lines()[0]) == (409, LineState.PENDING), "another scan came"
    last.cross(f"damaged:{cut}")
    last.strike(f"received:{cut}")
    site.bring([last])
    text = site.page()
    assert text.count("Deux numérisations disent deux choses") == 1
    sent = shown(text) | {"name": "Afi DOSSOU", f"line-{cut}": "received"}
    assert site.enter(sent)[0] == 303
    assert set(site.lines()) == {LineState.RECEIVED, LineState.MISSING}
    with site.services.reading() as session:
        proofs = session.scalars(select(SlipProof.id).where(SlipProof.slip_id == site.slip_id)).all()
        assert len(proofs) == 3
        assert session.scalars(select(PaperCode.state)).all() == [PaperState.CONFIRMED] * 3


def test_what_cannot_propose_is_told_and_loses_nothing(site: Site) -> None:
    """A print without boxes; a slip received meanwhile; a scan that was refused; a slip that was voided."""
    (page,) = site.send(1)
    page.cross("received:1")
    paper_id = site.bring([page])
    with site.services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(SlipReading)).one()
        row.pages, kept = [], row.pages
    text = site.page()
    assert "imprimé sans cases à lire" in text
    assert f"/a-confirmer/{paper_id}" in text
    assert "Proposé d'après" not in text
    with site.services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(SlipReading)).one().pages = kept
    sent = shown(site.page()) | {"name": "Afi DOSSOU"}
    kit.take(site.services, site.slip_id, LineState.RECEIVED, now=NOW + timedelta(minutes=1))
    status, _answer = site.enter(sent)
    assert status == 409
    agent = sign_in(site.app, "agent")
    assert "déjà reçu : cet exemplaire serait gardé à côté" in _plain(agent.get(f"/a-confirmer/{paper_id}").text)
    (page,) = site.send(1)
    page.cross("received:1")
    paper_id = site.bring([page])
    with site.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, paper_id, reason="Autre", version=None, actor=actor(site.services, "agent"))
    assert "Proposé d'après" not in site.page()
    paper_id = site.bring([page])
    with site.services.unit_of_work(NOW) as uow:
        slips.void_slip(uow, site.slip_id, reason="Erreur", actor=actor(site.services, "agent"), now=NOW)
    told = _plain(agent.get(f"/a-confirmer/{paper_id}").text)
    assert "Ce bordereau est annulé" in told
    assert '/confirmer"' not in told


@pytest.mark.long("hundreds of scans; one slip is read and entered in the test beside it")
def test_very_many_scans_of_one_slip_keep_nobody_from_entering_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds a copy of the print can scan it again and again: the latest scans propose, the others go on waiting."""
    monkeypatch.setattr(slip_receipt, "MOST_SCANS", 2)
    (page,) = site.send(1)
    page.cross("received:1")
    papers = [site.bring([page]) for _ in range(4)]
    sent = shown(site.page()) | {"name": "Afi DOSSOU"}
    assert len(sent["scan"]) == 2  # type: ignore[arg-type]  # a list
    status, text = site.enter(sent)
    assert status == 303, text[:800]
    with site.services.reading() as session:
        states = [session.get_one(PaperCode, paper_id).state for paper_id in papers]
    assert states == [PaperState.WAITING] * 2 + [PaperState.CONFIRMED] * 2


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def test_of_two_people_who_enter_a_reception_at_once_one_does(
    tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    """Both confirm the same two scans; the second finds the slip received, and nothing is kept twice."""
    url = request.getfixturevalue("make_database")() if database == "postgresql" else None
    site = Site(*make_site(tmp_path, services=make_services(tmp_path, url=url)))
    first, last = site.send(MOST_LINES + 2)
    for page in (first, last):
        for position in page.part.positions:
            page.cross(f"received:{position}")
        site.bring([page])
    with site.services.reading() as session:
        proposal = slip_receipt.of_slip(session, site.services, site.slip_id, actor(site.services, "agent"))
    assert proposal is not None
    seen: dict[int, int | None] = {scan.scan_id: scan.version for scan in proposal.scans}
    assert len(seen) == 2
    everything = {n: Decision(LineState.RECEIVED) for n in range(1, MOST_LINES + 3)}
    receipt, start, told = PaperReceipt("Afi DOSSOU", NOW, everything), Barrier(2), list[str]()

    def enter(who: Actor) -> None:
        start.wait()
        try:
            for attempt in site.services.attempts(NOW):
                with attempt as uow:
                    slip_receipt.record(uow, site.slip_id, receipt, seen=seen, version=None, actor=who, now=NOW)
        except GedError as error:
            told.append(error.code)
        else:
            told.append("entered")

    people = [Thread(target=enter, args=(actor(site.services, "agent"),)) for _ in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sorted(told) == ["entered", "slip.received"]
    with site.services.reading() as session:
        assert len(session.scalars(select(SlipProof.id)).all()) == 2
        assert len(session.scalars(select(AuditEntry.sequence).where(AuditEntry.action == "slip.received")).all()) == 1
    site.services.engine.dispose()


def _plain(text: str) -> str:
    return unescape(text).replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
