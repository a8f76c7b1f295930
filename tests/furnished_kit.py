"""A site in which every page has content, and example addresses for each route.

The examples of a route come from the names of its arguments: the first id in ``Furnished.samples`` that the person may
see.
"""

from __future__ import annotations

import dataclasses
import fcntl
import io
import pickle
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from ged.administration import wanted
from ged.capture import bridges
from ged.capture.models import Scan, ScanState
from ged.codes import CodeKind
from ged.dispatch.models import DispatchLine
from ged.disposal.models import Disposal, DisposalLine
from ged.envelopes import operations as envelopes
from ged.figures import operations as figures
from ged.followup import notes
from ged.monthly import operations as monthly
from ged.monthly.models import OpenDataAct
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.ports import Digest, MailId, RegisterId
from ged.ports.search import SearchQuery
from ged.register.models import AttachmentKind, Direction, FilingClass, MailNumber, Register, RegisterNature
from ged.register.operations import SourcePage, attach, close
from ged.resuming import operations as resuming
from ged.resuming.models import RegisterHold
from ged.search import saved
from ged.signbook import operations
from ged.signed_codes.models import LetterToken
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.spreadsheet import marking
from ged.supervisors import operations as supervisors
from ged.supervisors.operations import SupervisorForm
from ged.takeover import folders as scan_folders
from ged.takeover import uploads
from ged.unit import SYSTEM, Actor, Role, Services
from tests import administration_kit, pages, paper_kit, reserve_kit, signed_outside_kit, slip_kit
from tests.factories import DATABASE, NOW, TODAY, actor, make_natures, make_services
from tests.letter_kit import given_on, linked, make_place, opened_envelope, rectified, sent_on, signed_answer
from tests.routing_kit import impute, register
from tests.servers import run_dir
from tests.signbook_kit import PASSPHRASE, CountingSigner, House, make_institution
from tests.site import give_passwords, open_site, post, sign_in
from web.site import guard, guide

ROLES = ("agent", "sg", "secretaire", "dge", "etudes", "daf", "admin", "auditeur")
"""Accounts: mail office, authority, its secretary, head, officer, head of another direction, administrator, auditor."""


FIGURES = "du=2026-11-01&au=2026-11-30"
"""The days of the letters of a furnished site, in an address of figures."""


@dataclass
class Furnished:
    """The site and its content.

    Attributes:
        samples: name of a route's argument -> values to try.
        own: (endpoint, account) -> address, for routes whose address needs more than ids. An empty account: everybody.
    """

    app: Flask
    house: House
    samples: Mapping[str, Sequence[Any]]
    own: Mapping[tuple[str, str], str]

    @property
    def services(self) -> Services:
        return self.house.services


def furnished(folder: Path) -> Furnished:
    """A ministry in the middle of its work: letters in each state, slips, scans, a sealed envelope, drafts, notes.

    In an empty folder it is a copy of one that is made once for each run.
    """
    if (folder / DATABASE).exists():
        return furnished_anew(folder)
    kept, told = run_dir() / "furnished", run_dir() / "furnished.pickle"
    with (run_dir() / "furnished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            shutil.rmtree(kept, ignore_errors=True)  # of a test that failed while it made one
            kept.mkdir()
            made = furnished_anew(kept)
            made.services.engine.dispose()  # closing the last connection writes the write-ahead log into the file
            told.write_bytes(pickle.dumps((dict(made.samples), dict(made.own))))
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    signer = CountingSigner()
    services = dataclasses.replace(make_services(folder, create=False), signer=signer)
    samples, own = pickle.loads(told.read_bytes())
    return Furnished(open_site(folder, services), House(services, signer), samples, own)


def furnished_anew(folder: Path) -> Furnished:
    """Make the ministry of ``furnished`` in a folder, beside what its database holds."""
    app, house = make_place(folder)
    services = house.services
    make_institution(house)
    make_natures(services)
    signed_outside_kit.make_books(services)
    _auditor(services)
    incoming, answer = signed_answer(house, copies=2)
    _pages(house, incoming, "Annexe")
    linked(house, incoming, "voisin")
    rectified(house, incoming, "corrigé")
    sent_on(house, incoming)
    given_on(house, incoming)
    opened_envelope(house)
    sealed = _sealed(house)
    waiting = register(services, "Pour imputation").mail_id
    register(services, "Pour imputation aussi")
    departed = signed_outside_kit.enter(services).mail_id
    draft, returned, seen = house.answer(), _returned(house), _to_visa(house)
    closed = _closed(house)
    house.ready()
    question = register(services, "Avec une question").mail_id
    impute(services, question)
    with services.unit_of_work(NOW) as uow:
        notes.write(uow, question, text="Quel délai ?", to_post_id=house.post("SG-T"), actor=house.who("dge"))
    slips = _slips(services)
    with services.unit_of_work(NOW) as uow:
        saved.save(uow, "Poteaux", SearchQuery("poteaux"), follows=True, actor=house.who("agent"))
    with services.reading() as session:
        lines = session.scalars(select(DispatchLine.id).order_by(DispatchLine.id)).all()
        numbers = session.scalars(select(MailNumber.id).order_by(MailNumber.id)).all()
        code = session.get_one(LetterToken, answer).payload
    hold_id, lost_id = _restored(services)
    book_id = _reserve_book(services)
    sheet_id = reserve_kit.sheet(services, book_id)
    paper = paper_kit.bring(services, CodeKind.SLIP, slips[0])
    samples = {
        "file_id": _spreadsheets(services), "folder_id": (_scan_folder(services),),
        "mail_id": (incoming, answer, waiting, draft, returned, seen, departed, closed, question),
        "number_id": numbers[:3], "line_id": lines[:4], "slip_id": slips, "hold_id": (hold_id,), "book_id": (book_id,), "envelope_id": (sealed,),
        "disposal_id": (_disposal(house, closed),), "paper_id": (paper,), "bridge_id": (_bridge(services),), "saved_id": (1,), "correspondent_id": (1,), "register_id": range(1, 9), "nature_id": (1,), "mention_id": (1,), "class_id": (1,), "text_id": (1,),
        "scan_id": range(1, 6), "attachment_id": range(1, 12), "page_no": (0, 1), "assignment_id": range(1, 12),
        "unit_id": (_unit(services),), "person_id": (4,), "post_id": (4,), "act_id": _acts(services), "line_no": range(1, 40), "name": guide.names(), "entity_id": (1,), "report_id": (_monthly_report(services),), "publication_id": (_publication(services),), "paper": ("decision", "declaration"), "kind": ("depart", "interne", "note-de-service", "decision"),
    }  # fmt: skip
    own = {
        ("first_access.form", ""): "/premier-acces/",
        ("second_factor.act_form", ""): "/mon-compte/verification/acte?acte=telephone",
        ("impute.batch_form", ""): f"/a-imputer/lot?mail={waiting}",
        ("check.letter", ""): f"/v/{code.lower()}",
        ("dispatch_rounds.done", "agent"): f"/departs/tournee/faite?ligne={lines[0]}",
        ("disposals.form", "sg"): f"/eliminations/service/{house.who('dge').posts[0].unit_id}",
        ("slips.new", "agent"): f"/bordereaux/nouveau?mail={waiting}",
        ("drafts.new", "dge"): f"/projets/nouveau?repond_a={closed}",
        ("search.index", ""): "/recherche/?q=demande&filtres=1",
        ("dashboard.index", ""): f"/tableau/?{FIGURES}",
        ("dashboard.letters", ""): f"/tableau/courriers?{FIGURES}&quoi=open",
        ("dashboard.listed", ""): "/l/open~20261130~~t",
        ("dashboard.criteria", ""): f"/tableau/criteres?{FIGURES}",
        ("dashboard.table", ""): f"/tableau/chiffres?{FIGURES}&tableau=arrivals",
        ("supervision.criteria", ""): f"/supervision/criteres?{FIGURES}",
        ("supervision.table", ""): f"/supervision/chiffres?{FIGURES}&tableau=units",
        ("dashboard.export", ""): f"/tableau/fichier?{FIGURES}&tableau=cards",
        ("supervision.index", ""): f"/supervision/?{FIGURES}",
        ("supervision.export", ""): f"/supervision/fichier?{FIGURES}&tableau=units",
        ("work_calendar.check_day", ""): "/administration/calendrier/jour/apercu?on=10/03/2027&name=Aid",
        ("work_calendar.check_week", ""): "/administration/calendrier/semaine/apercu?weekdays=0&weekdays=1",
        ("reserve.find", "agent"): "/registres/secours/ligne?code=CS-ARR-2026-001",
        ("reserve.sheet_page", "agent"): f"/registres/secours/feuille/{sheet_id}",
        ("reserve.sheet_part", "agent"): f"/registres/secours/feuille/{sheet_id}/image.jpg?partie=row:1",
        ("resuming.lost", "dge"): f"/registres/reprise/numero/{lost_id}",
        ("register.form", "agent"): f"/enregistrer/numerisation/{_scans(app, services)}",
        **_results(app, house),
    }  # fmt: skip
    _supervisors(services)
    figures.run(services, now=NOW)
    return Furnished(app, house, samples, own)


def _supervisors(services: Services) -> None:
    """A person and a post that supervise a unit; one act has ended."""
    with services.reading() as session:
        person_id = session.scalars(select(Person.id).where(Person.account == "etudes")).one()
        post_id = session.scalars(select(Post.id).where(Post.code == "DAF-C")).one()
    admin = actor(services, "admin")
    with services.unit_of_work(NOW) as uow:
        for form in (
            SupervisorForm(_unit(services), person_id, None, "Décision n° 12 du 3 mars 2026", TODAY),
            SupervisorForm(_unit(services), None, post_id, "Décision n° 13 du 4 mars 2026", TODAY),
        ):
            given = supervisors.give(uow, form, actor=admin)
        supervisors.end(uow, given, "Décision n° 14", actor=admin)


def _monthly_report(services: Services) -> int:
    figures.run(services, now=NOW)
    with services.reading() as session:
        entity_id = session.scalars(select(Unit.id).where(Unit.code == "MIN")).one()
    return monthly.make(services, entity_id, date(2026, 10, 1), actor=SYSTEM, now=NOW).id


def _publication(services: Services) -> int:
    with services.unit_of_work(NOW) as uow:
        admin = actor(services, "admin")
        row = OpenDataAct(
            ministry_id=uow.session.scalars(select(Unit.id).where(Unit.code == "MIN")).one(), number=1,
            since=date(2026, 9, 1), until=date(2026, 10, 1), act_reference="Décision n° 12/MIN", act_on=date(2026, 11, 3),
            licence="Licence ouverte", digest=services.blobs.put(BytesIO(b"zip")).digest, rows=12,
            published_at=NOW, published_by_id=admin.person_id,
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        return row.id


def _restored(services: Services) -> tuple[int, int]:
    """A register that still waits for numbers of a year that is long over, and a lost number of another one: both hinder
    nothing of today."""
    with services.unit_of_work(NOW) as uow:
        register_id = uow.session.scalars(select(Register.id).where(Register.code == "ARR-DGE")).one()
        waits, goes_on = (
            RegisterHold(register_id=register_id, year=year, copied_at=NOW, restored_at=NOW) for year in (2019, 2018)
        )
        uow.session.add_all([waits, goes_on])
        uow.session.flush()
        resuming.release(uow, goes_on.id, last_sequence=1, actor=actor(services, "dge"))
        lost = select(MailNumber.id).where(MailNumber.register_id == register_id, MailNumber.year == 2018)
        return waits.id, uow.session.scalars(lost).one()


def _reserve_book(services: Services) -> int:
    """A reserve book with a used line, a void one, and free ones."""
    book = reserve_kit.make(services)
    reserve_kit.enter(services, reserve_kit.line_ids(services, book.id)[0], "Reçue pendant la coupure")
    reserve_kit.void(services, book.id, first=2, last=2)
    return book.id


def _unit(services: Services) -> int:
    with services.reading() as session:
        return session.scalars(select(Unit.id).where(Unit.code == "DGE")).one()


def _acts(services: Services) -> tuple[int, ...]:
    """An act that waits to be confirmed; another one made a nature."""
    nature = {"code": "reclamation", "name": "Réclamation", "direction": "incoming", "entity": ""}
    whole = dataclasses.replace(
        services, installation_accounts=("admin",)
    )  # the common stock is the whole installation's
    administration_kit.do(whole, lambda now: wanted.new_listed(now, "natures", nature))
    return (
        administration_kit.propose(
            services, lambda now: wanted.closed_unit(now, "DAF", successor="DGE", keeps_posts=True)
        ),
    )


def _spreadsheets(services: Services) -> tuple[int, int]:
    """Two registers kept as spreadsheets: one that is looked at, with a wrong day, and one that is being taken in."""
    book = {
        "2026": [
            ["N°", "Date", "Expéditeur", "Objet"],
            ["1", "05/01/26", "CEET", "Un"],
            ["2", "31/02/26", "CEET", "Deux"],
        ]
    }
    content = marking.marked(book, "2026", ())
    agent = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        archive = Register(
            code="PAPIER", name="Livres", unit_id=agent.posts[0].unit_id, direction=Direction.INCOMING,
            nature=RegisterNature.ARCHIVE, pattern="P-{seq:05d}",
        )  # fmt: skip
        uow.session.add(archive)
        uow.session.flush()
        made = [uploads.hand_in(uow, archive.id, content, f"registre {n}.xlsx", book, actor=agent) for n in (1, 2)]
        uploads.ask(uow, made[1], actor=agent)
    return made[0], made[1]


def _disposal(house: House, mail_id: int) -> int:
    """A slip of disposal that waits for a second person; its letter is not what it was."""
    dge = house.who("dge")
    with house.services.unit_of_work(NOW) as uow:
        row = Disposal(
            unit_id=dge.posts[0].unit_id, reason="Tableau de gestion", count=1, content_hash="0" * 64,
            behind=[int(dge.person_id)], asked_by_id=int(dge.person_id), asked_at=NOW,
            expires_at=NOW + timedelta(days=9_000),
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        uow.session.add(
            DisposalLine(
                disposal_id=row.id, mail_id=mail_id, number="00001/2010/MIN", closed_on=TODAY, kept_until=TODAY
            )
        )
        return row.id


def _bridge(services: Services) -> int:
    """The desk of the mail office, whose scanner was seen long ago."""
    agent = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        code = bridges.make_pairing_code(uow, agent.posts[0].unit_id, actor=agent, now=NOW)
        made = bridges.pair(uow, code, "Accueil", now=NOW)[1]
        bridges.tell_devices(uow, made, [{"name": "fi-7160", "vendor": "Fujitsu", "model": "fi-7160"}], now=NOW)
    return made


def _scan_folder(services: Services) -> int:
    """A folder of scans: a file without content, and one without a number."""
    agent = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        archive = uow.session.scalars(select(Register.id).where(Register.code == "PAPIER")).one()
        folder_id = scan_folders.begin(uow, archive, "Arrivée 2015", actor=agent)
    for name, content in (("vide.pdf", b""), ("page sans numéro.png", pages.png("Page"))):
        scan_folders.receive_whole(services, folder_id, name, io.BytesIO(content), len(content), actor=agent, now=NOW)
    scan_folders.take(services, folder_id, heartbeat=lambda _said: None, now=NOW)
    return folder_id


def addresses(place: Furnished, rule: Rule) -> Iterator[str]:
    """The addresses to try for a route, in order. Empty when an argument of the route has no sample."""
    adapter = place.app.url_map.bind("localhost")
    given = [place.samples.get(name, ()) for name in rule.arguments]
    for values in product(*given):
        with suppress(ValueError):  # a word that the route does not accept
            yield adapter.build(rule.endpoint, dict(zip(rule.arguments, values, strict=True)))


@contextmanager
def bare_refusals() -> Iterator[None]:
    """Refused requests get no page: whoever walks all addresses reads the status alone, and most are refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.site.errors._page", lambda _view: "")
        yield


@contextmanager
def without_navigation() -> Iterator[None]:
    """No page counts what waits: most of a refusal's time goes there, and what it shows does not depend on the address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.site.navigation._navigation", lambda _actor: [])
        yield


def may_enter(app: Flask, who: Actor) -> set[str]:
    """The endpoints that the access list opens to a person, whatever the ids in their addresses."""
    with app.app_context():
        return {endpoint for endpoint, rule in guard.ACCESS.items() if guard.opens(rule, who)}


def _auditor(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        unit_id = uow.session.scalars(select(Unit.id).where(Unit.code == "SG")).one()
        post = Post(code="AUD", title="Poste AUD", unit_id=unit_id, roles=[PostRole(role=Role.AUDITOR)])
        person = Person(account="auditeur", name="Auditeur")
        uow.session.add_all([post, person])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))
    give_passwords(services)


def _pages(house: House, mail_id: MailId, text: str) -> None:
    """Add an attachment of one drawn page."""
    stored = house.services.blobs.put(io.BytesIO(pages.png(text)))
    with house.services.unit_of_work(NOW) as uow:
        attach(
            uow, mail_id, kind=AttachmentKind.ANNEX, pages=[SourcePage(Digest(stored.digest), "image/png", 0)],
            media_type="image/png", actor=house.who("agent"), now=NOW, filename=f"{text}.png",
        )  # fmt: skip


def _sealed(house: House) -> int:
    with house.services.unit_of_work(NOW) as uow:
        register_id = RegisterId(uow.session.scalars(select(Register.id).where(Register.code == "PLI")).one())
        outside = envelopes.EnvelopeForm(NOW, house.post("SG-T"), "Inspection des finances", "", "confidentiel", 1)
        return envelopes.register_envelope(uow, register_id, outside, actor=house.who("agent"), now=NOW).envelope_id


def _to_visa(house: House) -> MailId:
    mail_id = house.answer()
    house.submit(mail_id)
    return mail_id


def _returned(house: House) -> MailId:
    mail_id = _to_visa(house)
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(
            uow, mail_id, reason="À reprendre", version_no=house.version_no(mail_id), actor=house.who("daf")
        )
    return mail_id


def _closed(house: House) -> MailId:
    mail_id = house.incoming()
    with house.services.unit_of_work(NOW) as uow:
        filed = uow.session.scalars(select(FilingClass.id)).first()
        close(uow, mail_id, outcome="Fait", filing_class_id=filed, version=None, actor=house.who("dge"), now=NOW)
    return mail_id


def _slips(services: Services) -> tuple[int, ...]:
    """Three slips: on its way, received damaged, received. Returns their ids."""
    made = [slip_kit.send(services, LineForm(description=what)).slip_id or 0 for what in ("Dossier", "Cartes", "Plans")]
    slip_kit.take(services, made[1], LineState.DAMAGED)
    slip_kit.take(services, made[2], LineState.RECEIVED)
    return tuple(made)


def _scans(app: Flask, services: Services) -> int:
    """Add two waiting scans of the mail office; returns the id of one."""
    client = sign_in(app, "agent")
    for text in ("Préfecture du Zio", "Mairie de Tsévié"):
        sent = post(
            client, "/numerisations/fichiers", {"file": (io.BytesIO(pages.png(text)), f"{text}.png")},
            content_type="multipart/form-data",
        )  # fmt: skip
        assert sent.status_code == 303, sent.text[:500]
    with services.reading() as session:
        waiting = session.scalars(select(Scan.id).where(Scan.state == ScanState.WAITING).order_by(Scan.id)).all()
    return waiting[-1]


def _results(app: Flask, house: House) -> dict[tuple[str, str], str]:
    """The pages with the results of a batch of visas and of a batch of signatures."""
    mail_id = _to_visa(house)
    given = post(
        sign_in(app, "daf"), "/parapheur/viser", {"visa": f"{mail_id}:{house.version_no(mail_id)}"},
    )  # fmt: skip
    ready = house.ready()
    signed = post(
        sign_in(app, "sg"), "/parapheur/signer",
        {"letter": f"{ready}:{house.version_no(ready)}", "passphrase": PASSPHRASE},
    )  # fmt: skip
    return {("signbook.given", "daf"): given.location, ("signbook.signed", "sg"): signed.location}
