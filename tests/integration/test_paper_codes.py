"""A code on paper only proposes; a person of the register decides. Over the site, and when two people act at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from ged.audit import AuditEntry, AuditPayload
from ged.capture import bridges, intake
from ged.capture.models import PaperCode, PaperState, Scan, ScanBatch, ScanState
from ged.codes import CodeKind
from ged.dispatch import operations as dispatch
from ged.dispatch.models import DispatchLine
from ged.dispatch.operations import Departure
from ged.errors import GedError
from ged.jobs import Job, JobKind
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.paper import ink, operations
from ged.ports import Confidentiality, MailId
from ged.recognition import scans as scan_reading
from ged.register.levels import change_level
from ged.register.models import Attachment, AttachmentKind, Channel, Mail, MailNumber
from ged.register.operations import void_number
from ged.register.states import MailState
from ged.slips.drafting import LineForm
from ged.slips.models import SlipProof
from ged.unit import Role, Services
from tests import paper_kit, resuming_kit, slip_kit
from tests.factories import NOW, actor
from tests.routing_kit import register
from tests.sample_kit import in_turn
from tests.signbook_kit import House, make_house
from tests.site import build_app, give_passwords, make_settings, post, sign_in

pytestmark = pytest.mark.in_turns(3)

AMOUNT = "Le marché est ACCORDÉ pour 5 000 000 000 F CFA"


def add_clerk(services: Services, account: str, unit: str, *, entity: bool = False) -> None:
    """Add a clerk of another unit, which may be an entity."""
    with services.unit_of_work(NOW) as uow:
        place = uow.session.scalar(select(Unit).where(Unit.code == unit))
        if place is None:
            place = Unit(code=unit, name=unit, kind="service", is_entity=entity)
        person = Person(account=account, name=account.title(), clearance=0)
        held = Post(code=f"{unit}-{account}", title=account, unit=place, roles=[PostRole(role=Role.CLERK)])
        uow.session.add_all([place, person, held])
        uow.session.flush()
        uow.session.add(Holding(post_id=held.id, person_id=person.id, from_on=date(2020, 1, 1)))


@dataclass
class Desk:
    """The site, with a mail office and a clerk of another entity."""

    house: House
    app: Flask
    clients: dict[str, FlaskClient]

    @property
    def services(self) -> Services:
        return self.house.services

    def as_(self, account: str) -> FlaskClient:
        if account not in self.clients:
            self.clients[account] = sign_in(self.app, account)
        return self.clients[account]

    def get(self, account: str, path: str, status: int = 200) -> str:
        answer = self.as_(account).get(path)
        told = answer.text if answer.mimetype == "text/html" else ""
        assert answer.status_code == status, (account, path, answer.status_code, told[:1500])
        return told

    def send(self, account: str, path: str, status: int = 303, **data: Any) -> str:
        answer = post(self.as_(account), path, data, content_type="multipart/form-data")
        assert answer.status_code == status, (account, path, answer.status_code, answer.text[:1500])
        return answer.location or answer.text

    def upload(self, account: str, page: bytes) -> int:
        """Upload a file through the form of waiting scans. Returns the id of its scan."""
        place = self.send(account, "/numerisations/fichiers", file=(BytesIO(page), "arrivee.png"))
        return int(place.rsplit("/", 1)[1])

    def paper(self, scan_id: int) -> PaperCode:
        with self.services.reading() as session:
            return session.scalars(select(PaperCode).where(PaperCode.scan_id == scan_id)).one()

    def scan(self, scan_id: int) -> Scan:
        with self.services.reading() as session:
            return session.get_one(Scan, scan_id)

    def state(self, mail_id: int) -> MailState:
        with self.services.reading() as session:
            return session.get_one(Mail, mail_id).state

    def confirm(self, account: str, paper_id: int, status: int = 303) -> str:
        page = self.get(account, f"/a-confirmer/{paper_id}")
        return self.send(account, f"/a-confirmer/{paper_id}/confirmer", status, version=version_of(page))

    def journal(self, action: str) -> list[tuple[int | None, dict[str, Any]]]:
        """(account, payload) of each entry of an action in the journal."""
        with self.services.reading() as session:
            rows = session.execute(
                select(AuditEntry.person_id, AuditPayload.payload)
                .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
                .where(AuditEntry.action == action)
                .order_by(AuditEntry.sequence)
            ).all()
        return [(person_id, dict(payload)) for person_id, payload in rows]

    def person(self, account: str) -> int:
        return int(actor(self.services, account).person_id)

    def in_ink(self) -> MailId:
        """A letter with a number that is signed by hand. Its original is to be scanned."""
        mail_id = self.house.ready()
        ink.confirm_ink(self.services, mail_id, version_no=2, actor=self.house.who("sg"), now=NOW)
        with self.services.unit_of_work(NOW) as uow:
            ink.number_ink(uow, mail_id, actor=self.house.who("agent"))
        return mail_id

    def dispatched(self) -> tuple[MailId, int]:
        """A signed letter whose first line left by hand."""
        mail_id = self.in_ink()
        paper_kit.confirm(self.services, paper_kit.bring(self.services, CodeKind.OUTGOING, mail_id))
        with self.services.reading() as session:
            line_id = session.scalars(
                select(DispatchLine.id).where(DispatchLine.mail_id == mail_id).order_by(DispatchLine.position)
            ).first()
        assert line_id is not None
        with self.services.unit_of_work(NOW) as uow:
            departure = Departure(Channel.HAND, "", "Mawuli")
            dispatch.leave(uow, line_id, departure, version=None, actor=actor(self.services, "agent"))
        return mail_id, line_id


def version_of(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found, page[:500]
    return found[1]


def open_desk(folder: Path, url: str | None = None) -> Desk:
    house = make_house(folder, url=url)
    add_clerk(house.services, "ceet", "CEET", entity=True)
    add_clerk(house.services, "agent2", "BO")
    give_passwords(house.services)
    app = build_app(house.services, make_settings(folder))
    app.testing = False
    return Desk(house, app, {})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = open_desk(tmp_path)
    yield made
    made.services.engine.dispose()


def sheet(desk: Desk, kind: CodeKind, subject_id: int, text: str = "feuille") -> bytes:
    return paper_kit.sheet(desk.services, kind, subject_id, text)


# --- files that are not believed -----------------------------------------------------------------------------------


def test_a_clerk_of_another_entity_with_a_print_makes_no_signed_original(desk: Desk) -> None:
    mail_id = desk.in_ink()
    desk.get("ceet", f"/courriers/{mail_id}", 404)
    scan_id = desk.upload("ceet", sheet(desk, CodeKind.OUTGOING, mail_id, AMOUNT))
    assert desk.state(mail_id) is MailState.NUMBERED
    assert desk.journal("mail.signed") == []
    with desk.services.reading() as session:
        assert session.scalars(select(Attachment.kind).where(Attachment.mail_id == mail_id)).all().count("signed") == 0
    # It waits at the unit that brought it, and nothing of the letter is revealed.
    number = desk.house.show(mail_id, "agent").number
    page = desk.get("ceet", f"/numerisations/{scan_id}")
    assert "à confirmer par le service concerné" in page
    assert number not in page
    assert "Suite favorable" not in page
    paper_id = desk.paper(scan_id).id
    for path in ("", "/lecture", "/pages/1.jpg"):
        desk.get("ceet", f"/a-confirmer/{paper_id}{path}", 404)
    for act in ("confirmer", "refuser"):
        desk.send("ceet", f"/a-confirmer/{paper_id}/{act}", 404, version="1", reason="x")
    # The clerk of the register sees who brought it, and refuses it.
    page = desk.get("agent", f"/a-confirmer/{paper_id}")
    assert number in page
    assert "Ceet" in page
    desk.send("agent", f"/a-confirmer/{paper_id}/refuser", 422, version=version_of(page), reason=" ")
    desk.send("agent", f"/a-confirmer/{paper_id}/refuser", version=version_of(page), reason="Ce n'est pas notre papier")
    assert desk.state(mail_id) is MailState.NUMBERED
    assert "Ce n&#39;est pas notre papier" in desk.get("ceet", f"/numerisations/{scan_id}")
    kept = desk.paper(scan_id)
    assert (kept.state, kept.decided_by_id, kept.uploaded_by_id) == (
        PaperState.REFUSED, desk.person("agent"), desk.person("ceet"),
    )  # fmt: skip


def test_the_clerk_who_confirms_an_original_stands_in_the_journal_with_who_brought_it(desk: Desk) -> None:
    mail_id = desk.in_ink()
    scan_id = desk.upload("agent2", sheet(desk, CodeKind.OUTGOING, mail_id))
    assert desk.state(mail_id) is MailState.NUMBERED
    paper_id = desk.paper(scan_id).id
    assert f"/a-confirmer/{paper_id}" in desk.get("agent", "/a-confirmer/")
    desk.confirm("agent", paper_id)
    assert desk.state(mail_id) is MailState.SIGNED
    ((person_id, payload),) = desk.journal("mail.signed")
    assert person_id == desk.person("agent")
    assert (payload["uploaded_by"], payload["bridge"], payload["scan"]) == (desk.person("agent2"), None, scan_id)
    scan = desk.scan(scan_id)
    with desk.services.reading() as session:
        joined = session.get_one(Attachment, scan.attachment_id)
        assert (scan.state, joined.kind, joined.is_signed, joined.added_by_id) == (
            ScanState.JOINED, AttachmentKind.SIGNED, False, desk.person("agent"),
        )  # fmt: skip
    # A second one waits, shows that one exists, and cannot be confirmed.
    other = desk.paper(desk.upload("agent", sheet(desk, CodeKind.OUTGOING, mail_id, AMOUNT))).id
    page = desk.get("agent", f"/a-confirmer/{other}")
    assert "Un original signé est déjà joint" in page
    assert f"/a-confirmer/{other}/confirmer" not in page
    desk.send("agent", f"/a-confirmer/{other}/confirmer", 409, version=version_of(page))


def test_an_original_brought_by_hand_is_compared_too(desk: Desk) -> None:
    mail_id = desk.in_ink()
    place = desk.send("agent", f"/departs/{mail_id}/original", file=(BytesIO(sheet(desk, CodeKind.SLIP, 9)), "o.png"))
    assert desk.state(mail_id) is MailState.NUMBERED
    assert "/a-confirmer/" in place
    desk.confirm("agent", int(place.rsplit("/", 1)[1]))
    assert desk.state(mail_id) is MailState.SIGNED


def test_a_label_joins_where_its_register_is_kept_and_nowhere_else(desk: Desk) -> None:
    letter = register(desk.services)
    label = sheet(desk, CodeKind.LABEL, letter.number_id)
    scan_id = desk.upload("ceet", label)
    with desk.services.reading() as session:
        assert session.scalars(select(Attachment).where(Attachment.mail_id == letter.mail_id)).all() == []
    assert letter.number not in desk.get("ceet", f"/numerisations/{scan_id}")
    assert letter.number not in desk.get("ceet", "/numerisations/")
    own = desk.scan(desk.upload("agent", label))
    assert (own.state, own.mail_id) == (ScanState.JOINED, letter.mail_id)
    ((_person, joined),) = desk.journal("scan.joined")
    assert joined["uploaded_by"] == desk.person("agent")
    # The letter has its document now. The other one, when confirmed, is kept beside it.
    desk.confirm("agent2", desk.paper(scan_id).id)
    with desk.services.reading() as session:
        found = session.execute(
            select(Attachment.kind, Attachment.added_by_id)
            .where(Attachment.mail_id == letter.mail_id)
            .order_by(Attachment.id)
        ).all()
    assert [tuple(one) for one in found] == [
        (AttachmentKind.DOCUMENT, None), (AttachmentKind.ANNEX, desk.person("agent2")),
    ]  # fmt: skip


def test_a_label_that_may_be_of_a_lost_letter_waits_for_a_person(desk: Desk) -> None:
    """The lost installation printed labels with ids that the restored one gives again, to other letters."""
    resuming_kit.hold(desk.services)
    resuming_kit.release(desk.services, "ARR", None)
    letter = register(desk.services)
    scan_id = desk.upload("agent", sheet(desk, CodeKind.LABEL, letter.number_id))
    assert desk.scan(scan_id).state is ScanState.WAITING
    paper = desk.paper(scan_id)
    assert paper.reason == "after_restore"
    assert "comparez le numéro imprimé" in desk.get("agent", f"/a-confirmer/{paper.id}")
    desk.confirm("agent", paper.id)
    assert desk.scan(scan_id).mail_id == letter.mail_id


def test_the_label_of_a_sealed_envelope_tells_other_desks_nothing_and_is_not_read(desk: Desk) -> None:
    with desk.services.unit_of_work(NOW) as uow:
        number = MailNumber(
            register_id=slip_kit.register_id(desk.services, "PLI"), year=2026, sequence=1, text="PLI-0001/2026",
            registered_at=NOW, registered_on=NOW.date(),
        )  # fmt: skip
        uow.session.add(number)
        uow.session.flush()
        number_id = number.id
    scan_id = desk.upload("ceet", sheet(desk, CodeKind.LABEL, number_id))
    assert paper_kit.waiting(desk.services) == []
    page = desk.get("ceet", f"/numerisations/{scan_id}")
    assert "PLI-0001" not in page
    with desk.services.unit_of_work(NOW) as uow:
        scan_reading.ask(uow, uow.session.get_one(Scan, scan_id))
    with desk.services.reading() as session:
        assert session.scalars(select(Job).where(Job.kind == JobKind.READ_SCAN)).all() == []


def test_a_second_discharge_never_replaces_the_first(desk: Desk) -> None:
    mail_id, line_id = desk.dispatched()
    for account, text in (("agent", "cachet reçu le 24"), ("ceet", "un autre cachet")):
        scan_id = desk.upload(account, sheet(desk, CodeKind.DISCHARGE, line_id, text))
        assert desk.scan(scan_id).state is ScanState.WAITING
        desk.confirm("agent", desk.paper(scan_id).id)
    with desk.services.reading() as session:
        kept = session.scalars(
            select(Attachment).where(Attachment.mail_id == mail_id, Attachment.kind == AttachmentKind.PROOF)
        ).all()
        line = session.get_one(DispatchLine, line_id)
    assert [(one.version_no, one.replaces_id) for one in kept] == [(1, None), (1, None)]
    assert line.discharge_attachment_id == kept[0].id
    page = desk.get("agent", f"/departs/lignes/{line_id}")
    assert all(f"/documents/{one.id}" in page for one in kept)
    assert [payload["uploaded_by"] for _, payload in desk.journal("dispatch.proof")] == [
        desk.person("agent"), desk.person("ceet"),
    ]  # fmt: skip


def test_a_fiche_from_another_desk_is_no_proof_until_it_is_confirmed(desk: Desk) -> None:
    letter = register(desk.services)
    scan_id = desk.upload("ceet", sheet(desk, CodeKind.IMPUTATION, letter.mail_id, "Attribution : DAF"))
    assert desk.journal("mail.sheet_returned") == []
    assert "/a-confirmer/" in desk.get("secretaire", "/")
    desk.confirm("secretaire", desk.paper(scan_id).id)
    ((person_id, payload),) = desk.journal("mail.sheet_returned")
    assert (person_id, payload["uploaded_by"]) == (desk.person("secretaire"), desk.person("ceet"))


def test_a_signed_slip_from_another_desk_is_no_proof_until_an_end_confirms_it(desk: Desk) -> None:
    sent = slip_kit.send(desk.services, LineForm("Plan"))
    scan_id = desk.upload("ceet", sheet(desk, CodeKind.SLIP, sent.slip_id))
    with desk.services.reading() as session:
        assert session.scalars(select(SlipProof)).all() == []
    desk.confirm("dge", desk.paper(scan_id).id)
    with desk.services.reading() as session:
        assert session.scalars(select(SlipProof.scan_id)).all() == [scan_id]
    ((person_id, payload),) = desk.journal("slip.proof_arrived")
    assert (person_id, payload["uploaded_by"]) == (desk.person("dge"), desk.person("ceet"))


# --- who sees, who may ---------------------------------------------------------------------------------------------


def test_only_who_may_dispose_knows_of_a_code(desk: Desk) -> None:
    """The usual run tries half of the people with each kind of code."""
    letter = register(desk.services)
    _mail_id, line_id = desk.dispatched()
    original = desk.in_ink()
    sent = slip_kit.send(desk.services, LineForm("Plan"))
    office = {"agent", "agent2"}
    may = {
        (CodeKind.LABEL, letter.number_id): office,
        (CodeKind.OUTGOING, int(original)): office,
        (CodeKind.DISCHARGE, line_id): office,
        (CodeKind.IMPUTATION, int(letter.mail_id)): office | {"sg", "secretaire"},
        (CodeKind.SLIP, int(sent.slip_id)): office | {"dge"},
    }
    everybody = ("agent", "agent2", "sg", "secretaire", "dge", "etudes", "daf", "ceet", "admin")
    for (kind, subject_id), allowed in may.items():
        paper_id = paper_kit.bring(desk.services, kind, subject_id, by="ceet")
        with desk.services.reading() as session:
            kept = session.get_one(PaperCode, paper_id)
            leaf_id = session.get_one(Scan, kept.scan_id).leaves[0].id
        for account in everybody:
            if not in_turn(f"{kind} {account}", 2):
                continue
            status = 200 if account in allowed else 404
            listed = f"/a-confirmer/{paper_id}" in desk.get(account, "/a-confirmer/")
            assert listed is (account in allowed), (kind, account)
            desk.get(account, f"/a-confirmer/{paper_id}", status)
            desk.get(account, f"/a-confirmer/{paper_id}/pages/{leaf_id}.jpg", status)
            desk.send(
                account, f"/a-confirmer/{paper_id}/refuser", 422 if status == 200 else 404, version="1", reason=""
            )
            if status == 404:
                desk.send(account, f"/a-confirmer/{paper_id}/confirmer", 404, version="1")
                desk.get(account, f"/a-confirmer/{paper_id}/lecture", 404)


def test_a_letter_that_the_clerk_may_not_see_is_not_the_clerks_to_confirm(desk: Desk) -> None:
    letter = register(desk.services)
    paper_id = paper_kit.bring(desk.services, CodeKind.IMPUTATION, letter.mail_id, by="ceet")
    desk.get("agent2", f"/a-confirmer/{paper_id}")
    with desk.services.unit_of_work(NOW) as uow:
        change_level(
            uow, letter.mail_id, Confidentiality.RESTRICTED, reason="Enquête", actor=actor(desk.services, "sg")
        )
    desk.get("agent2", f"/a-confirmer/{paper_id}", 404)
    assert desk.journal("mail.opened") == []
    desk.get("sg", f"/a-confirmer/{paper_id}")
    assert [(who, payload["form"]) for who, payload in desk.journal("mail.opened")] == [(desk.person("sg"), "paper")]


def test_print_and_scan_stand_side_by_side_with_what_differs(desk: Desk) -> None:
    mail_id = desk.in_ink()
    scan_id = desk.upload("agent", sheet(desk, CodeKind.OUTGOING, mail_id, "Accorde pour 5 000 000 000 F CFA"))
    paper_id = desk.paper(scan_id).id
    with desk.services.unit_of_work(NOW) as uow:
        scan_reading.ask(uow, uow.session.get_one(Scan, scan_id))
    page = desk.get("agent", f"/a-confirmer/{paper_id}")
    assert "Lecture en cours" in page
    assert desk.as_("agent").get(f"/a-confirmer/{paper_id}/lecture").status_code == 204
    scan_reading.run_read_scan(desk.services, scan_id, heartbeat=lambda _: None, now=NOW)
    page = desk.get("agent", f"/a-confirmer/{paper_id}")
    first, _, rest = page.partition('class="compared"')
    assert "Nombres, montants et dates qui diffèrent" in first
    assert "5 000 000 000" in first
    assert desk.house.show(mail_id, "agent").number in first
    assert '<del class="differs' in rest
    assert '<ins class="differs' in rest
    assert f"/documents/{desk.house.show(mail_id, 'agent').print_id}/page/1.jpg" in rest


@pytest.mark.parametrize("kind", ["fiche", "discharge", "slip"])
def test_the_print_is_shown_beside_the_scan(desk: Desk, kind: str) -> None:
    """Only a person who sees the page of the code sees its pictures. They are drawn from what is printed."""
    if kind == "fiche":
        code, subject_id = CodeKind.IMPUTATION, register(desk.services).mail_id
    elif kind == "discharge":
        code, (_mail_id, subject_id) = CodeKind.DISCHARGE, desk.dispatched()
    else:
        code, subject_id = CodeKind.SLIP, slip_kit.send(desk.services, LineForm("Plan")).slip_id
    paper_id = paper_kit.bring(desk.services, code, subject_id)
    shown = desk.get("agent", f"/a-confirmer/{paper_id}")
    sides = shown.split('<section class="compared__side"')
    assert f'src="/a-confirmer/{paper_id}/imprime/1.jpg"' in sides[1]
    assert f"/a-confirmer/{paper_id}/pages/" in sides[2]
    path = f"/a-confirmer/{paper_id}/imprime/1.jpg"
    answer = desk.as_("agent").get(path)
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    picture = Image.open(BytesIO(answer.data))
    assert picture.width == 1400
    assert picture.convert("L").getextrema()[0] < 100, "something is printed on it"
    assert "ETag" not in answer.headers
    desk.get("agent", f"/a-confirmer/{paper_id}/imprime/{shown.count('/imprime/') + 1}.jpg", 404)
    desk.get("agent", f"/a-confirmer/{paper_id}/imprime/0.jpg", 404)
    desk.get("etudes", path, 404)
    paper_kit.confirm(desk.services, paper_id)
    desk.get("agent", path, 404)


def test_pages_that_were_arranged_since_are_looked_at_again(desk: Desk) -> None:
    mail_id = desk.in_ink()
    scan_id = desk.upload("agent", sheet(desk, CodeKind.OUTGOING, mail_id))
    paper_id = desk.paper(scan_id).id
    version = version_of(desk.get("agent", f"/a-confirmer/{paper_id}"))
    leaf_id = desk.scan(scan_id).leaves[0].id
    desk.send("agent2", f"/numerisations/{scan_id}/arranger", do="turn-right", leaf=leaf_id)
    desk.send("agent", f"/a-confirmer/{paper_id}/confirmer", 409, version=version)
    assert desk.state(mail_id) is MailState.NUMBERED
    # Its unit discarded it: nobody can confirm it. Restored, it waits again.
    desk.send("agent2", f"/numerisations/{scan_id}/arranger", do="discard")
    assert f"/a-confirmer/{paper_id}" not in desk.get("agent", "/a-confirmer/")
    desk.get("agent", f"/a-confirmer/{paper_id}", 409)


# --- when two meet -------------------------------------------------------------------------------------------------


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run functions at one moment. Returns the result or the refusal of each."""
    barrier, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(n: int, act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            answers[n] = act()  # type: ignore[call-overload]
        except GedError as refusal:
            answers[n] = refusal.code  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(answers)


@pytest.fixture
def busy(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[Desk]:
    made = open_desk(tmp_path, make_database())
    yield made
    made.services.engine.dispose()


def confirming(desk: Desk, paper_id: int, account: str) -> Callable[[], object]:
    clerk = actor(desk.services, account)

    def act() -> str:
        with desk.services.unit_of_work(NOW) as uow:
            operations.confirm(uow, paper_id, version=None, actor=clerk)
        return "done"

    return act


@pytest.mark.servers
def test_of_two_clerks_who_confirm_at_once_one_did_it(busy: Desk) -> None:
    for _ in range(8):
        letter = register(busy.services)
        paper_id = paper_kit.bring(busy.services, CodeKind.LABEL, letter.number_id, by="ceet")
        answers = at_once(*(confirming(busy, paper_id, account) for account in ("agent", "agent2")))
        assert sorted(map(str, answers)) == ["done", "paper.decided"]
        with busy.services.reading() as session:
            assert len(session.scalars(select(Attachment).where(Attachment.mail_id == letter.mail_id)).all()) == 1


@pytest.mark.servers
def test_a_confirmation_that_meets_a_voiding_leaves_no_signed_letter_without_number(busy: Desk) -> None:
    mail_id = busy.in_ink()
    paper_id = paper_kit.bring(busy.services, CodeKind.OUTGOING, mail_id)
    with busy.services.reading() as session:
        number_id = session.scalars(select(MailNumber.id).where(MailNumber.mail_id == mail_id)).one()
    clerk = actor(busy.services, "agent2")

    def void() -> str:
        with busy.services.unit_of_work(NOW) as uow:
            void_number(uow, number_id, reason="Erreur", actor=clerk, now=NOW)
        return "voided"

    confirmed, voided = at_once(confirming(busy, paper_id, "agent"), void)
    with busy.services.reading() as session:
        number = session.get_one(MailNumber, number_id)
        assert (number.voided_at is not None) is (busy.state(mail_id) is MailState.VOIDED)
    assert confirmed in ("done", "paper.voided"), confirmed
    assert voided in ("voided", "mail.wrong_state", "form.stale", "mail.stale"), voided


@pytest.mark.servers
def test_a_batch_begun_twice_at_once_is_one_batch(busy: Desk) -> None:
    clerk = actor(busy.services, "agent")
    with busy.services.unit_of_work(NOW) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=NOW)
    with busy.services.unit_of_work(NOW) as uow:
        token, _ = bridges.pair(uow, code, "Guichet 1", now=NOW)
    with busy.services.reading() as session:
        bridge = bridges.authenticate(session, token)

    def begin(key: str) -> bool:
        with busy.services.unit_of_work(NOW) as uow:
            return intake.begin_batch(uow, bridge, key, device="pnm:0", started_at=NOW, now=NOW)

    for n in range(10):
        answers = at_once(*(lambda n=n: begin(f"lot-{n}") for _ in range(4)))
        assert sorted(map(str, answers)) == ["False", "False", "False", "True"]
    with busy.services.reading() as session:
        assert len(session.scalars(select(ScanBatch)).all()) == 10
