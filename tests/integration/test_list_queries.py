"""Every page with a list sends as many queries for many rows as for few. Each round adds rows to each list."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from ged.capture.models import MailboxMessage, MessageState
from ged.closing import operations as closing
from ged.codes import CodeKind
from ged.dispatch.models import Party
from ged.envelopes import operations as envelopes
from ged.monthly.models import MonthlyReport
from ged.natures.steps import StepKind
from ged.org.models import Absence, Delegation, DelegationKind, Holding, Person, Post, PostRole, Unit
from ged.ports import PostId, SearchQuery
from ged.preservation.models import Preservation
from ged.register import books
from ged.register.books import Span
from ged.register.models import FilingClass
from ged.register.operations import IncomingForm, register_incoming
from ged.reports import exports
from ged.search import saved
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.unit import Role
from tests import intake_kit, pages, paper_kit, slip_kit
from tests.factories import NOW, TODAY
from tests.furnished_kit import may_enter
from tests.letter_kit import make_place, opened_envelope, signed_answer
from tests.routing_kit import impute, register
from tests.sample_kit import in_turn
from tests.signbook_kit import House
from tests.signbook_site_kit import arranged
from tests.site import Clock, sign_in

ACCOUNTS = ("agent", "sg", "secretaire", "dge", "etudes", "daf", "admin")
AGAIN = 1
ASKED = 3
"""The usual run looks at one of so many pages of each person, not at those same of all; the long run looks at all."""
GROWS = {
    ("agent", "/a-confirmer/"), ("agent", "/absences/"), ("agent", "/bordereaux/"), ("agent", "/a-transmettre/"),
    ("agent", "/correspondants/"), ("agent", "/departs/"), ("agent", "/numerisations/"), ("agent", "/numerisations/postes"),
    ("agent", "/plis/"), ("agent", "/registres/{ARR}"), ("agent", "/numerisations/separateurs/"),
    ("dge", "/bannette/"), ("dge", "/bordereaux/"), ("dge", "/parapheur/"), ("dge", "/registres/{ARR-DGE}/clotures"),
    ("sg", "/a-imputer"), ("sg", "/delegations/"), ("sg", "/parapheur/"), ("sg", "/plis/"), ("sg", "/recherches/"),
    ("agent", "/mes-fichiers/"), ("admin", "/absences/"), ("admin", "/rapports-mensuels/"),
    ("admin", "/administration/messagerie/"), ("admin", "/administration/preuves/"),
    ("admin", "/administration/sessions"), ("admin", "/administration/classement/"),
}  # fmt: skip
"""Pages whose lists must grow in each round: otherwise the comparison would prove nothing."""


NOT_COMPARED = {
    "static": "no page",
    "presign.index": "checks each letter by itself; a page has a few of them (``test_presign``)",
}


@pytest.mark.slow
def test_every_list_asks_as_many_queries_for_many_rows_as_for_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site_clock: Clock
) -> None:
    # Otherwise a slow machine would read the name again during the test.
    monkeypatch.setattr("web.site.pages.NAME_KEPT_S", 3600)
    # Seven days after the moment of the rows, a file is no longer kept.
    site_clock.at = NOW + timedelta(days=AGAIN + 2)
    app, house = make_place(tmp_path)
    clients = {who: sign_in(app, who) for who in ACCOUNTS}
    one_round(app, house, 0)
    before = counted(app, house, clients)
    for number in range(1, AGAIN + 1):
        one_round(app, house, number)
    after = counted(app, house, clients, before)
    house.services.engine.dispose()
    grown = {page for page in before if after[page][1] > before[page][1]}
    expected = {one for one in GROWS if in_turn(" ".join(one), ASKED)}
    assert len(expected) > 4
    assert grown >= expected, expected - grown
    more = {page: (before[page][0], after[page][0]) for page in before if after[page][0] > before[page][0]}
    assert more == {}


Found = dict[tuple[str, str], tuple[int, int]]


def counted(app: Flask, house: House, clients: dict[str, FlaskClient], few: Found | None = None) -> Found:
    """(account, page) -> (number of queries, number of rows), for the pages that the account may open.

    Args:
        few: what was found when there were fewer rows. A page that asks no more now, at its first opening, is not opened
            again: an opening after the first asks at most as much.
    """
    found: Found = {}
    for who in ACCOUNTS:
        for path in paths(app, may_enter(app, house.who(who))):
            if not in_turn(f"{who} {path}", ASKED):
                continue
            address = re.sub(r"\{(.+?)\}", lambda code: str(slip_kit.register_id(house.services, code[1])), path)
            sent, answer = asked(house, clients[who], address)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                if few is None or sent > few.get((who, path), (-1, 0))[0]:
                    sent = asked(house, clients[who], address)[0]
                found[who, path] = sent, rows(answer.text)
    return found


def paths(app: Flask, entered: set[str]) -> list[str]:
    """Every page without an argument in its address, of the endpoints that are entered, and the pages of a register."""
    plain = {
        rule.rule for rule in app.url_map.iter_rules()
        if rule.methods and "GET" in rule.methods and not rule.arguments
        and rule.endpoint in entered - NOT_COMPARED.keys()
    }  # fmt: skip
    return [
        *sorted(plain),
        "/bannette/?voir=termines",
        "/registres/{ARR}",
        "/registres/{DEP}",
        "/registres/{ARR-DGE}/clotures",
    ]


def rows(page: str) -> int:
    """The rows of tables, items of lists, cards and checkboxes of a page."""
    return len(re.findall(r"<(?:tr|li|article)\b|type=\"checkbox\"", page))


def asked(house: House, client: FlaskClient, address: str) -> tuple[int, TestResponse]:
    """The number of queries of a page, and the page."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            sent.append(statement)

    event.listen(house.services.engine, "before_cursor_execute", note)
    try:
        answer = client.get(address)
    finally:
        event.remove(house.services.engine, "before_cursor_execute", note)
    return len(sent), answer


# --- one more row in every list


def one_round(app: Flask, house: House, number: int) -> None:
    """Add one row to each list, each with its own people, posts and correspondents."""
    post = colleague(house, number)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.add(FilingClass(code=f"9.{number}", title=f"Classe {number}"))
    received(house, number)
    sealed(house, number, post)
    scanned(house, number)
    departing(house, number)
    on_slips(house, number)
    closed_day(house, number)
    kept(app, house, number)


def colleague(house: House, number: int) -> int:
    """In each unit, a person who is away and replaced. The secretary general delegates too. Returns a post."""
    with house.services.unit_of_work(NOW) as uow:
        for code in ("BO", "SG", "DGE"):
            unit = uow.session.scalars(select(Unit).where(Unit.code == code)).one()
            away, other = (
                Person(account=f"{code}{number}{n}".lower(), name=f"{code} {number} {n}", clearance=0) for n in "ab"
            )
            post = Post(code=f"{code}-{number}", title=f"Poste {number}", unit=unit, roles=[PostRole(role=Role.MEMBER)])
            uow.session.add_all([away, other, post])
            uow.session.flush()
            uow.session.add(Holding(post_id=post.id, person_id=away.id, from_on=date(2020, 1, 1)))
            top = house.post("SG-T")
            for post_id in (post.id, top):
                row = Delegation(
                    kind=DelegationKind.DELEGATION, post_id=post_id, person_id=other.id, act=f"Décision {number}",
                    from_on=TODAY, until_on=TODAY + timedelta(days=30), granted_at=NOW,
                )  # fmt: skip
                uow.session.add(row)
                uow.session.flush()
                if post_id != top:
                    uow.session.add(
                        Absence(
                            person_id=away.id, from_on=TODAY, until_on=TODAY + timedelta(days=20), delegation_id=row.id,
                            declared_at=NOW,
                        )
                    )  # fmt: skip
        return post.id


def received(house: House, number: int) -> None:
    """A letter that waits for its imputation, and two that were assigned."""
    register(house.services, f"À imputer {number}", sender=f"Mairie {number}")
    for leading in ("DGE", "DAF"):
        mail_id = register(house.services, f"Imputé {leading} {number}", sender=f"Préfet {leading} {number}").mail_id
        impute(house.services, mail_id, leading, ("ETU",) if leading == "DAF" else ())


def sealed(house: House, number: int, post: int) -> None:
    """Envelopes: one for a colleague, one that the authority has not opened, one that it opened."""
    with house.services.unit_of_work(NOW) as uow:
        for post_id in (post, house.post("SG-T")):
            outside = envelopes.EnvelopeForm(NOW, post_id, f"Cour {number}", "", "confidentiel", 1)
            envelopes.register_envelope(
                uow, slip_kit.register_id(house.services, "PLI"), outside, actor=house.who("agent"), now=NOW
            )
    opened_envelope(house)


def scanned(house: House, number: int) -> None:
    """Waiting scans, and codes that wait for a person."""
    mail = register(house.services, f"Avec papier {number}", sender=f"Tribunal {number}")
    intake_kit.upload(house.services, f"arrivee-{number}.png", pages.png(f"texte {number}"))
    for kind, subject in ((CodeKind.IMPUTATION, mail.mail_id), (CodeKind.LABEL, mail.number_id)):
        paper_kit.bring(house.services, kind, subject, text=f"feuille {number}")
    intake_kit.make_sheet(house.services, nature=("demande", "plainte", "invitation", "facture")[number % 4])
    intake_kit.pair(house.services)


def departing(house: House, number: int) -> None:
    """Drafts, letters in their circuit or at their signature, and one of two copies that was dispatched."""
    house.answer()
    arranged(house, ("DAF-C", 1, StepKind.VISA), ("ETU-M", 1, StepKind.OPINION))
    house.ready(copies=(Party(f"Direction {number}", "", ""),))
    signed_answer(house, copies=2)


def on_slips(house: House, number: int) -> None:
    """A slip on its way, a slip received with a remark, and letters whose papers go on."""
    services = house.services
    for to, state in (("DGE", LineState.DAMAGED), ("DAF", None)):
        sent = slip_kit.send(
            services, LineForm(mail_id=register(services, f"Sur bordereau {number}").mail_id), to=(to,)
        )
        if state is not None and sent.slip_id is not None:
            slip_kit.take(services, sent.slip_id, state)


def closed_day(house: House, number: int) -> None:
    """A day of a register is closed."""
    day, register_id = NOW + timedelta(days=number), slip_kit.register_id(house.services, "ARR-DGE")
    with house.services.unit_of_work(day) as uow:
        form = IncomingForm(f"Au service {number}", f"ONG {number}", PostId(house.post("SG-T")))
        register_incoming(uow, register_id, form, actor=house.who("dge"), now=day)
    closing.close_days(house.services, register_id, day.date(), actor=house.who("dge"), now=day + timedelta(days=1))


def kept(app: Flask, house: House, number: int) -> None:
    """A person's saved searches and files; and messages, proofs and sessions for administrators."""
    arrivals = slip_kit.register_id(house.services, "ARR")
    sent = slip_kit.send(house.services, LineForm(description=f"Dossier {number}"))
    with house.services.unit_of_work(NOW) as uow:
        saved.save(uow, f"Recherche {number}", SearchQuery(f"mot{number}"), follows=False, actor=house.who("sg"))
        book = books.book(uow.session, arrivals, house.who("agent"))
        if number < exports.MAX_OPEN:
            exports.ask(uow, book, Span(2026, until_sequence=number + 1), actor=house.who("agent"))
        uow.session.add(
            MonthlyReport(
                entity_id=1,
                month=date(2020, 1, 1),
                digest=f"{number:064d}",
                content_hash="0" * 64,
                sequence=1,
                made_at=NOW,
            )
        )
        uow.session.add(
            MailboxMessage(
                mailbox="courrier", uid_validity=1, uid=number, size_bytes=9, state=MessageState.REFUSED,
                reason="message.too_large", sender_address=f"a{number}@exemple.tg", taken_at=NOW,
            )
        )  # fmt: skip
        uow.session.add(
            Preservation(
                slip_id=sent.slip_id, due_at=NOW, tries=1, failure="preserve.no_revocation", updated_at=NOW, level="B-B"
            )
        )  # fmt: skip
    sign_in(app, "etudes")
