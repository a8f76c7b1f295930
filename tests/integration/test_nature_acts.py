"""Natures, mentions and circuits changed by acts: what is counted before, what runs on, who may."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from ged.administration import lists, operations, wanted
from ged.administration.apart import Unfit
from ged.administration.reach import Reach
from ged.errors import GedError, Invalid
from ged.natures import queries as natures
from ged.natures.models import Nature
from ged.ports import Confidentiality
from ged.register.models import Mail
from ged.register.states import MailState
from ged.routing.load import fill_calendar
from ged.routing.models import Mention
from ged.unit import Services
from ged.workbook.sheets import NEAREST_HEAD
from tests.administration_kit import confirm, do, dump, organisation, propose, undo
from tests.administration_site_kit import confirm as confirm_page
from tests.administration_site_kit import place, send
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import register
from tests.site import post, sign_in

__all__ = ["place"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
NEW = {"code": "demande", "name": "Demande", "direction": "incoming", "delay_days": "10", "entity": ""}


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    do(made, new("natures", **NEW))
    do(made, new("mentions", code="avis", label="Pour avis"))
    yield made
    made.engine.dispose()


def new(section: str, **values: object) -> Any:
    return lambda now: wanted.new_listed(now, section, values)


def changed(section: str, code: str, **values: object) -> Any:
    return lambda now: wanted.changed_listed(now, section, code, None, values)


def routed(*posts: str, signatory: str = "SG-T") -> Any:
    steps = [{"post": one, "kind": "visa", "compulsory": True, "with_previous": False} for one in posts]
    return lambda now: wanted.circuit_of(now, "demande", None, steps=steps, signatory=signatory)


def preview(services: Services, act_id: int) -> dict[str, int]:
    return operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW).consequences


def codes(refusal: pytest.ExceptionInfo[GedError]) -> set[str]:
    found = refusal.value
    return {one.code for one in found.errors} if isinstance(found, Unfit) else {found.code}


ACTS = {
    "new nature": new("natures", **(NEW | {"code": "facture", "name": "Facture"})),
    "new nature of an entity": new("natures", **(NEW | {"entity": "MIN"})),
    "all that it proposes": changed("natures", "demande", name="Demande", register="ARR", delay_days="5", mentions=("avis",), reminders="-2, 1", level="restricted", silence="refuses", retention_years="10", filing_class="1"),
    "closed": changed("natures", "demande", closed=True),
    "circuit": routed(NEAREST_HEAD, "DAF-C"),
    "new mention": new("mentions", code="suite", label="Suite à donner", reminder="2/1/3"),
    "changed mention": changed("mentions", "avis", label="Étude et avis", reminder="-"),
}  # fmt: skip


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_done_as_it_was_shown_and_taken_back_byte_by_byte(services: Services, name: str) -> None:
    before = dump(services)
    act_id = propose(services, ACTS[name])
    preview(services, act_id)
    assert dump(services) == before, "looking changes nothing"
    confirm(services, act_id)
    assert dump(services) != before
    undo(services, act_id, now=NOW + timedelta(hours=1))
    assert {table: rows for table, rows in dump(services).items() if rows != before[table]} == {}


def test_what_a_nature_proposes_reaches_the_forms(services: Services) -> None:
    do(services, ACTS["all that it proposes"])
    with services.reading() as session:
        found = natures.find(session, "demande", actor(services, "agent").posts[0].unit_id)
        row = session.scalars(select(Nature)).one()
    assert found is not None
    assert (found.level, found.delay_days, found.mentions, found.filing_code) == (
        Confidentiality.RESTRICTED,
        5,
        ("avis",),
        "1",
    )
    assert (row.silence, row.retention_years, row.reminders) == ("refuses", 10, [-2, 1])


def _letters(services: Services) -> None:
    ids = [register(services, subject).mail_id for subject in ("Un", "Deux", "Trois", "Quatre")]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).values(nature="demande", due_on=TODAY))
        uow.session.execute(update(Mail).where(Mail.id == ids[1]).values(state=MailState.CLOSED))
        uow.session.execute(update(Mail).where(Mail.id == ids[2]).values(level=int(Confidentiality.SECRET)))
        uow.session.execute(update(Mail).where(Mail.id == ids[3]).values(state=MailState.DRAFT))


def test_what_runs_is_counted_and_keeps_what_it_was_given(services: Services) -> None:
    _letters(services)
    act_id = propose(services, changed("natures", "demande", delay_days="3"))
    assert preview(services, act_id) == {"nature_keeps": 2}, "neither a closed nor a secret letter"
    confirm(services, act_id)
    with services.reading() as session:
        assert set(session.scalars(select(Mail.due_on))) == {TODAY}
    assert preview(services, propose(services, changed("natures", "demande", reminders="1"))) == {"reminders_change": 2}
    assert preview(services, propose(services, routed("DAF-C"))) == {"drafts_follow": 1}


def test_letters_of_an_entity_with_an_own_nature_are_not_counted_with_the_common_one(services: Services) -> None:
    _letters(services)
    do(services, new("natures", **(NEW | {"entity": "MIN"})))
    assert preview(services, propose(services, changed("natures", "demande", delay_days="3"))) == {}
    own = propose(services, lambda now: wanted.changed_listed(now, "natures", "demande", "MIN", {"delay_days": "3"}))
    assert preview(services, own) == {"nature_keeps": 2}


def test_a_nature_that_a_letter_bears_is_not_taken_back(services: Services) -> None:
    act_id = do(services, new("natures", **(NEW | {"code": "facture", "name": "Facture"})))
    register(services, "Une facture")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).values(nature="facture"))
    with pytest.raises(Invalid) as refusal:
        undo(services, act_id)
    assert refusal.value.code == "act.hangs"


REFUSED = {
    "a code that exists": (new("natures", **NEW), "cell.nearly_twice"),
    "a code of a mention that exists": (new("mentions", code="avis", label="x"), "cell.nearly_twice"),
    "a delay that is none": (changed("natures", "demande", delay_days="dix"), "cell.number"),
    "reminders that are none": (changed("natures", "demande", reminders="demain"), "cell.numbers"),
    "a register of another direction": (changed("natures", "demande", register="DEP"), "cell.other_direction"),
    "a register that is not there": (changed("natures", "demande", register="X"), "cell.unknown"),
    "a unit that is no entity": (new("natures", **(NEW | {"entity": "DGE"})), "cell.no_entity"),
    "a rule that is none": (changed("mentions", "avis", reminder="souvent"), "cell.refused"),
    "nobody signs": (routed("DAF-C", signatory=""), "act.no_signatory"),
    "a post that does not sign": (routed(signatory="BO-A"), "cell.no_signatory"),
    "a post twice": (routed("DAF-C", "DAF-C"), "cell.post_twice"),
    "nothing changes": (changed("natures", "demande", name="Demande"), "act.nothing"),
    "no such nature": (changed("natures", "autre", name="x"), "act.unknown"),
}  # fmt: skip


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_kept(services: Services, name: str) -> None:
    asked, code = REFUSED[name]
    before = dump(services)
    with pytest.raises(GedError) as refusal:
        propose(services, asked)
    assert code in codes(refusal)
    assert dump(services) == before


def test_of_two_ministries_each_keeps_its_own_lists_and_the_common_stock_is_the_installations(
    services: Services,
) -> None:
    from ged.org.models import Holding, Person, Post, PostRole, Unit
    from ged.unit import Role

    do(services, new("natures", **(NEW | {"code": "propre", "entity": "MIN"})))
    with services.unit_of_work(NOW) as uow:
        other = Unit(code="AUTRE", name="Autre ministère", kind="ministry", is_entity=True)
        person = Person(account="loin", name="Loin", clearance=1)
        uow.session.add_all([other, person])
        uow.session.flush()
        made = Post(code="LOIN", title="Administrateur", unit_id=other.id, roles=[PostRole(role=Role.ADMINISTRATOR)])
        uow.session.add(made)
        uow.session.flush()
        uow.session.add(Holding(post_id=made.id, person_id=person.id, from_on=TODAY - timedelta(days=9)))
    for asked, code in (
        (changed("natures", "demande", name="X"), "act.common_stock"),
        (changed("mentions", "avis", label="X"), "act.common_stock"),
        (lambda now: wanted.changed_listed(now, "natures", "propre", "MIN", {"name": "X"}), "cell.unknown"),
        (new("natures", **(NEW | {"entity": "MIN", "code": "z"})), "cell.unknown"),
        (new("natures", **(NEW | {"entity": "AUTRE", "register": "ARR"})), "cell.unknown"),
    ):
        with pytest.raises(GedError) as refusal:
            propose(services, asked, who="loin")
        assert codes(refusal) == {code}
    own = new("natures", **(NEW | {"entity": "AUTRE"}))
    do(services, own, who="loin")
    steps = [{"post": "DAF-C", "kind": "visa", "compulsory": False, "with_previous": False}]
    with pytest.raises(GedError) as refusal:
        propose(
            services, lambda now: wanted.circuit_of(now, "demande", "AUTRE", steps=steps, signatory="SG-T"), who="loin"
        )
    assert codes(refusal) == {"cell.unknown"}
    with services.reading() as session:
        rows = lists.natures(session, Reach(actor(services, "loin"), frozenset()))
    assert {(row.key, row.may_change) for row in rows} == {("demande", False), ("AUTRE/demande", True)}


# --- the pages ------------------------------------------------------------------------------------------------------

ROOT = "/administration/natures"


def _id(services: Services, model: type[Any], code: str) -> int:
    with services.reading() as session:
        return int(session.scalars(select(model.id).where(model.code == code)).one())


def test_a_nature_is_created_set_routed_closed_and_all_of_it_undone(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    created = send(client, f"{ROOT}/creer", dict(NEW))
    confirm_page(client, created)
    one = _id(services, Nature, "demande")
    values: dict[str, object] = {
        "name": "Demande d'accès",
        "register": "ARR",
        "delay_days": "12",
        "level": "restricted",
        "silence": "refuses",
        "retention_years": "10",
        "filing_class": "1",
        "reminders": "-2, 1",
    }
    changed_page = send(client, f"{ROOT}/{one}/modifier", values)
    assert "vaut rejet" in client.get(changed_page).text
    confirm_page(client, changed_page)
    shown = client.get(f"{ROOT}/{one}").text
    for words in ("12 jours ouvrés", "10 ans", "vaut rejet", "Demande d&#39;accès"):
        assert words in shown, words
    circuit = send(
        client,
        f"{ROOT}/{one}/circuit",
        {
            "post1": NEAREST_HEAD,
            "kind1": "visa",
            "flags1": "compulsory",
            "post2": "",
            "kind2": "visa",
            "signatory": "SG-T",
        },
    )
    assert "Le chef du rédacteur [Visa, le rédacteur ne peut pas l'ôter] › " in client.get(circuit).text
    confirm_page(client, circuit)
    assert "le rédacteur ne peut pas l'ôter" in client.get(f"{ROOT}/{one}").text
    wrong = post(
        client,
        f"{ROOT}/{one}/circuit",
        {
            "post1": "DAF-C",
            "kind1": "visa",
            "post2": "",
            "kind2": "visa",
            "post3": "",
            "kind3": "visa",
            "signatory": "",
        },
    )
    assert wrong.status_code == 422
    assert "personne ne signe" in wrong.text
    closed = send(client, f"{ROOT}/{one}/fermer", {})
    confirm_page(client, closed)
    assert "Rouvrir" in client.get(f"{ROOT}/{one}").text
    for act in (closed, circuit, changed_page, created):
        assert post(client, f"{act}/annuler", {}).status_code == 303
    assert "demande" not in {row.code for row in organisation(services).natures}


def test_a_form_takes_away_nothing_that_is_closed_since(place: tuple[Flask, Services]) -> None:
    app, services = place
    do(services, new("natures", **(NEW | {"register": "ARR-DGE"})))
    do(services, routed("DGE-C"))
    do(services, lambda now: wanted.closed_register(now, "ARR-DGE"))
    do(services, lambda now: wanted.closed_unit(now, "DGE", successor="DAF", keeps_posts=True))
    client, one = sign_in(app, "admin"), _id(services, Nature, "demande")
    assert 'value="ARR-DGE" selected' in client.get(f"{ROOT}/{one}/modifier").text
    assert 'value="DGE-C" selected' in client.get(f"{ROOT}/{one}/circuit").text


def test_the_form_of_registration_proposes_the_level_of_the_nature(place: tuple[Flask, Services]) -> None:
    app, services = place
    do(services, new("natures", **NEW))
    do(services, changed("natures", "demande", level="restricted"))
    page = sign_in(app, "agent").get("/enregistrer/").text
    assert "&#34;level&#34;: 1" in page
    assert "Proposée selon la nature : Demande Confidentiel." in page


def test_a_mention_is_created_and_changed(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    confirm_page(
        client,
        send(client, "/administration/mentions/creer", {"code": "avis", "label": "Pour avis", "reminder": "2/1/3"}),
    )
    one = _id(services, Mention, "avis")
    confirm_page(client, send(client, f"/administration/mentions/{one}/modifier", {"label": "Étude", "reminder": ""}))
    assert "Étude" in client.get("/administration/mentions/").text
    refused = post(client, f"/administration/mentions/{one}/modifier", {"label": "Étude", "reminder": "souvent"})
    assert refused.status_code == 422


def test_only_an_administrator_enters(place: tuple[Flask, Services]) -> None:
    app, services = place
    do(services, new("natures", **NEW))
    do(services, new("mentions", code="avis", label="Pour avis"))
    one, mention = _id(services, Nature, "demande"), _id(services, Mention, "avis")
    read = [
        f"{ROOT}/", f"{ROOT}/creer", *(f"{ROOT}/{one}{act}" for act in ("", "/modifier", "/circuit", "/fermer", "/rouvrir")),
        "/administration/mentions/", "/administration/mentions/creer", f"/administration/mentions/{mention}/modifier",
    ]  # fmt: skip
    for account in ("agent", "sg", "dge"):
        client = sign_in(app, account)
        assert {client.get(path).status_code for path in read} == {403}, account
    client = sign_in(app, "admin")
    assert {path: client.get(path).status_code for path in read if client.get(path).status_code != 200} == {}
    assert client.get(f"{ROOT}/9999").status_code == 404
