"""A fiche that comes back ticked proposes its imputation; a person confirms, corrects, answers for what is doubtful."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select, update

from ged import pipeline
from ged.audit import AuditEntry, AuditPayload
from ged.capture.models import PaperCode, PaperState
from ged.errors import EngineFailed
from ged.jobs import Job, JobKind
from ged.org.models import Unit
from ged.paper import operations, reading
from ged.ports import FormBox, MailId
from ged.register.models import Attachment, AttachmentKind, Mail
from ged.register.states import MailState
from ged.routing import sheet
from ged.routing.models import Assignment, Mention, SheetReading
from ged.routing.sheet_form import SheetForm, offered
from ged.unit import Services
from tests.factories import NOW, actor
from tests.fiche_kit import as_shown, cross, scanned, strike
from tests.routing_kit import make_mentions, register, unit_id
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.in_turns(3)


@dataclass
class Site:
    app: Flask
    services: Services
    mail_id: int = 0
    texts: list[str] = field(default_factory=list)

    def bring(self, *ticks: tuple[str, Callable[[Image.Image, FormBox], None]], mail_id: int = 0) -> int:
        """Print the blank sheet of a letter (0: of a new one), tick it, scan it. Returns the id of its waiting code."""
        self.mail_id = mail_id or int(register(self.services).mail_id)
        agent = sign_in(self.app, "agent")
        answer = agent.get(f"/courriers/{self.mail_id}/fiche-de-transmission.pdf?vierge=1")
        page, form = scanned(answer.data, self.services.code_key)
        for key, tick in ticks:
            tick(page, next(box for box in form.boxes if box.key == key))
        data = io.BytesIO()
        page.rotate(1.2, Image.Resampling.BICUBIC, fillcolor=255).save(data, "PNG", dpi=(150, 150))
        sent = {"file": (io.BytesIO(data.getvalue()), "fiche.png")}
        answer = post(agent, "/numerisations/fichiers", sent, content_type="multipart/form-data")
        assert answer.status_code == 303, answer.text[:800]
        with self.services.reading() as session:
            jobs = session.scalars(select(Job.id).where(Job.kind == JobKind.INTAKE)).all()
        for job_id in jobs:
            pipeline.run_job(self.services, job_id, worker="test")
        with self.services.reading() as session:
            return session.scalars(select(PaperCode.id).order_by(PaperCode.id.desc())).first() or 0

    def page(self, account: str = "secretaire") -> str:
        answer = sign_in(self.app, account).get(f"/a-imputer/{self.mail_id}")
        assert answer.status_code == 200
        return unescape(answer.text).replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")

    def send(self, sent: dict[str, object], account: str = "secretaire") -> tuple[int, str]:
        path = f"/a-imputer/{self.mail_id}"
        answer = post(sign_in(self.app, account), path, sent, page=path)
        return answer.status_code, unescape(answer.text)

    def state(self) -> MailState:
        with self.services.reading() as session:
            return session.get_one(Mail, self.mail_id).state

    def given(self) -> list[tuple[str, bool, tuple[str, ...]]]:
        """Code of the unit, whether it leads, mentions, of each assignment."""
        with self.services.reading() as session:
            rows = session.scalars(select(Assignment).where(Assignment.mail_id == self.mail_id).order_by(Assignment.id))
            return [(row.unit.code, row.is_leading, tuple(row.mentions)) for row in rows.unique()]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    app, services = make_site(tmp_path)
    make_mentions(services)
    return Site(app, services)


def key(site: Site, kind: str, code: str) -> str:
    if kind != "mention":
        return f"{kind}:{unit_id(site.services, code)}"
    with site.services.reading() as session:
        return f"mention:{session.scalars(select(Mention.id).where(Mention.code == code)).one()}"


def test_one_key_imputes_what_the_boxes_say_and_the_sheet_stays_as_proof(site: Site) -> None:
    services = site.services
    paper_id = site.bring(
        (key(site, "lead", "DGE"), cross), (key(site, "copy", "DAF"), cross), (key(site, "mention", "opinion"), cross),
        ("days:5", cross),
    )  # fmt: skip
    assert site.state() is MailState.TO_IMPUTE, "a code on paper proposes, no more"
    page = site.page()
    assert "Proposé d'après la fiche annotée" in page
    assert "data-autofocus" in page
    assert "data-begin" not in page, "the cursor would begin in the search, and Enter would choose there"
    assert "data-autofocus" in page, "the key that confirms"
    assert "Case douteuse" not in page
    assert f"/a-imputer/{site.mail_id}" in unescape(sign_in(site.app, "sg").get(f"/a-confirmer/{paper_id}").text)
    status, _text = site.send(as_shown(page))
    assert status == 303
    assert site.given() == [("DGE", True, ("opinion",)), ("DAF", False, ("opinion",))]
    with services.reading() as session:
        kinds = session.scalars(select(Attachment.kind).where(Attachment.mail_id == site.mail_id)).all()
        assert kinds == [AttachmentKind.PROOF]
        assert session.get_one(PaperCode, paper_id).state is PaperState.CONFIRMED
        assert session.get_one(Mail, site.mail_id).due_on is not None
        (told,) = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == "mail.imputed_by_sheet")
        )
        assert told["as_proposed"] is True
    assert "Proposé d'après la fiche" not in site.page(), "a decision followed"


def test_what_is_doubtful_is_asked_and_who_may_not_impute_sees_nothing(site: Site) -> None:
    doubtful = key(site, "copy", "DAF")
    site.bring((key(site, "lead", "DGE"), cross), (doubtful, strike), ("days:3", struck))
    page = site.page()
    assert "Case douteuse : Direction des affaires financières, en copie" in page
    begins = re.findall(r"<[^>]*data-autofocus[^>]*>", page)
    assert [f'name="box-{doubtful}"' in one for one in begins] == [True], (
        "the cursor begins at the question, not behind it"
    )
    assert "data-begin" not in page
    assert "Cochée puis barrée, donc non retenue : délai de 3 jours ouvrés" in page
    part = f"/a-imputer/{site.mail_id}/fiche.jpg?partie={doubtful}"
    with sign_in(site.app, "secretaire").get(part) as picture:
        assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(picture.data)).size == (160, 160)
    for account in ("agent", "dge"):
        assert sign_in(site.app, account).get(part).status_code in (403, 404)
    sent = as_shown(page)
    status, text = site.send(sent)
    assert (status, site.state()) == (422, MailState.TO_IMPUTE)
    assert "Une case douteuse de la fiche attend votre réponse" in text
    assert site.send({**sent, f"box-{doubtful}": "oui"})[0] == 303
    assert [(code, leads) for code, leads, _ in site.given()] == [("DGE", True), ("DAF", False)]


def test_of_two_people_the_second_is_told_and_what_was_typed_stays(site: Site) -> None:
    """Also where somebody refused the sheet meanwhile. The next letter needs no sheet: the form is sent as it is."""
    site.bring((key(site, "lead", "DGE"), cross))
    sent = as_shown(site.page()) | {"note": "À lire d'abord"}
    assert site.send(sent, "sg")[0] == 303
    status, text = site.send(sent)
    assert status == 409
    assert "La fiche affichée ne propose plus rien" in text
    assert "À lire d'abord" in text
    assert site.given() == [("DGE", True, ())]
    assert site.send(sent, "agent")[0] == 403
    paper_id = site.bring((key(site, "lead", "DGE"), cross))
    sent = as_shown(site.page()) | {"note": "À lire d'abord"}
    with site.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, paper_id, reason="Autre", version=None, actor=actor(site.services, "sg"))
    status, text = site.send(sent)
    assert (status, site.state()) == (409, MailState.TO_IMPUTE)
    assert "À lire d'abord" in text
    status, _text = site.send(as_shown(text))
    assert (status, site.state()) == (303, MailState.ASSIGNED)


def test_a_sheet_that_is_scanned_again_after_the_decision_is_not_a_key_away_from_replacing_it(site: Site) -> None:
    site.bring((key(site, "lead", "DGE"), cross))
    assert site.send(as_shown(site.page()))[0] == 303
    site.bring((key(site, "lead", "DGE"), cross), mail_id=site.mail_id)
    page = site.page()
    assert "Le courrier est déjà imputé : cette fiche remplacerait la décision." in page
    assert "data-autofocus" not in page


def test_a_ticked_copy_stands_first_in_the_list_that_scrolls(site: Site) -> None:
    site.bring((key(site, "lead", "DGE"), cross), (key(site, "copy", "DAF"), cross))
    boxes = re.findall(r"<input[^>]*other_unit_ids[^>]*>", site.page())
    assert len(boxes) > 3
    assert ["checked" in one for one in boxes] == [True] + [False] * (len(boxes) - 1)


def test_a_worker_that_is_killed_before_it_notes_the_boxes_leaves_them_to_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, done = reading._note, []

    def killed(*given: Any) -> None:
        done.append(given)
        if len(done) == 1:
            raise KeyboardInterrupt
        note(*given)

    monkeypatch.setattr(reading, "_note", killed)
    with pytest.raises(KeyboardInterrupt):
        site.bring((key(site, "lead", "DGE"), cross))
    with site.services.engine.begin() as connection:
        connection.execute(update(Job).where(Job.kind == JobKind.INTAKE).values(lease_until=NOW - timedelta(days=1)))
    with site.services.reading() as session:
        (job_id,) = session.scalars(select(Job.id).where(Job.kind == JobKind.INTAKE))
    assert pipeline.run_job(site.services, job_id, worker="next")
    assert "Proposé d'après la fiche" in site.page()


def test_an_engine_that_fails_once_is_asked_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    read, failed = type(site.services.ocr).read_form, []

    def flaky(*given: Any, **more: Any) -> object:
        if not failed:
            failed.append(1)
            raise EngineFailed("ocr.crashed", retryable=True)
        return read(*given, **more)

    monkeypatch.setattr(type(site.services.ocr), "read_form", flaky)
    site.bring((key(site, "lead", "DGE"), cross))
    assert failed
    assert "Proposé d'après la fiche" in site.page()


def struck(page: Image.Image, box: FormBox) -> None:
    cross(page, box)
    strike(page, box)


def test_a_unit_that_changed_since_the_print_is_told_and_not_proposed(site: Site) -> None:
    site.bring((key(site, "lead", "DGE"), cross), (key(site, "mention", "opinion"), cross))
    with site.services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Unit).where(Unit.code == "DGE")).one().code = "DGE2"
    page = site.page()
    assert "a changé depuis l'impression" in page
    sent = as_shown(page)
    assert (sent["leading_unit_id"], sent["mentions"]) == ("", ["opinion"])
    with site.services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(SheetReading)).one().code = "GEDM1/1/1/1AA///AAAAAAAAAA"
    assert "Proposé d'après la fiche" not in site.page(), "a sheet that is not ours, or of a later layout"


@pytest.mark.parametrize(("sender", "subject"), [(8, 20), (36, 95), (sheet.SHORT_SENDER, sheet.SHORT_BLANK)])
def test_a_full_blank_sheet_is_one_page(site: Site, sender: int, subject: int) -> None:
    """Under the letterhead of a long ministry and direction; as many rows as there is room for, with long names."""
    clerk, words = actor(site.services, "agent"), "Direction générale de la réglementation et du contrôle "
    letter = register(site.services)
    with site.services.reading() as session:
        found = sheet.imputation_sheet(session, site.services, MailId(letter.mail_id), clerk, now=NOW)
    lines = sheet.further_lines("x" * sender, "x" * subject)
    units, mentions = range(1, sheet.MAX_TICKED - lines + 1), range(1, sheet.MAX_BOXES - lines + 1)
    form = SheetForm(
        int(letter.mail_id), tuple(offered(n, "C") for n in units), tuple(offered(n, "M") for n in mentions)
    )
    names = {f"copy:{n}": words[:40] for n in units} | {f"mention:{n}": words[:25] for n in mentions}
    head = found.head | {"organisation": "Ministère des Mines et des Ressources énergétiques", "units": [words[:40]]}
    full = replace(
        found, head=head, sender=(words * 4)[:sender], subject=(words * 12)[:subject],
        form=sheet.form_data(form, names, key=site.services.code_key),
    )  # fmt: skip
    assert len(pypdfium2.PdfDocument(sheet.sheet_pdf(full, at=NOW))) == 1
