"""The page of a correspondent, new entries, and duplicates that are merged and separated again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.correspondents import directory, letters, merging
from ged.errors import Forbidden, GedError, Invalid
from ged.org.models import Unit
from ged.org.tree import entities
from ged.paging import Place
from ged.ports import Confidentiality
from ged.register import correspondents
from ged.register.models import Correspondent, Mail
from ged.suggestions import matching
from ged.unit import Services
from tests.factories import NOW, actor
from tests.routing_kit import register, unit_id
from tests.signed_outside_kit import enter
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]
OGOU, DOUBLE = "Préfecture de l'Ogou", "Préfecture Ogou"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path)
    yield made
    made[1].engine.dispose()


def entry(services: Services, name: str) -> Correspondent:
    with services.reading() as session:
        return session.scalars(select(Correspondent).where(Correspondent.name == name)).one()


def merge(services: Services, double: str = DOUBLE, kept: str = OGOU, who: str = "agent") -> None:
    with services.unit_of_work(NOW) as uow:
        merging.merge(
            uow, entry(services, double).id, entry(services, kept).id, version=None, actor=actor(services, who)
        )


def undo(services: Services, double: str = DOUBLE, who: str = "agent") -> None:
    with services.unit_of_work(NOW) as uow:
        merging.undo(uow, entry(services, double).id, actor=actor(services, who))


def exchanged(services: Services, name: str, who: str = "agent") -> list[int]:
    with services.reading() as session:
        rows, _page = letters.exchanged(session, entry(services, name).id, actor=actor(services, who))
        assert letters.count(session, entry(services, name).id, actor=actor(services, who)) == len(rows)
    return [row.mail_id for row in rows]


def change(services: Services, name: str, **values: object) -> None:
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(Correspondent).where(Correspondent.name == name)).one()
        for field, value in values.items():
            setattr(row, field, value)


# --- letters exchanged --------------------------------------------------------------------------------------------


def test_the_page_shows_what_came_and_what_was_sent_to_those_who_may_read_it(site: Site) -> None:
    services = site[1]
    came = register(services, "Demande", sender=OGOU)
    sent = enter(services, addressees=("prefecture de l’ogou", "Mairie"), copies=())
    secret = register(services, "Confidentiel", sender=OGOU)
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, secret.mail_id).level = int(Confidentiality.SECRET)
    assert exchanged(services, OGOU) == [sent.mail_id, came.mail_id]
    assert exchanged(services, OGOU, "sg") == [secret.mail_id, sent.mail_id, came.mail_id]
    assert exchanged(services, OGOU, "daf") == [], "a direction that has none of them sees none"


def test_its_pages_follow_each_other_without_a_gap(site: Site) -> None:
    services = site[1]
    all_of = [register(services, f"Lettre {n}", sender=OGOU).mail_id for n in range(5)][::-1]
    ogou, who = entry(services, OGOU).id, actor(services, "agent")
    with services.reading() as session:
        first, page = letters.exchanged(session, ogou, actor=who, limit=2)
        second, page = letters.exchanged(session, ogou, Place(after=first[-1].mail_id), actor=who, limit=2)
        third, page = letters.exchanged(session, ogou, Place(after=second[-1].mail_id), actor=who, limit=2)
    assert [row.mail_id for row in (*first, *second, *third)] == all_of
    assert page.next is None


def test_the_site_shows_the_page_and_leads_there_from_a_letter(site: Site) -> None:
    app, services = site
    came = register(services, "Demande de lampadaires", sender=OGOU)
    address = f"/correspondants/{entry(services, OGOU).id}/courriers"
    client = sign_in(app, "agent")
    assert address in client.get(f"/courriers/{came.mail_id}").text
    assert address in client.get("/correspondants/").text
    page = client.get(address).text
    assert "Demande de lampadaires" in page
    assert "Fusionner avec une autre fiche" in page
    reader = sign_in(app, "admin").get(address)
    assert reader.status_code == 200, "the administrator reads the directory, and is not sent to himself"
    assert "Demande de lampadaires" not in reader.text
    assert "Fusionner" not in reader.text
    assert sign_in(app, "admin").get("/correspondants/").status_code == 200
    assert client.get("/correspondants/999/courriers").status_code == 404


def test_an_administrator_is_not_sent_to_the_administrator(site: Site) -> None:
    refused = sign_in(site[0], "admin").get("/enregistrer/")
    assert refused.status_code == 403
    assert "demandez à l'administrateur" not in refused.text
    assert "demandez à l'administrateur" in sign_in(site[0], "etudes").get("/enregistrer/").text


# --- new entries --------------------------------------------------------------------------------------------------


def test_a_correspondent_is_added_once_and_only_by_the_office(site: Site) -> None:
    app, services = site
    client = sign_in(app, "agent")
    data = {"name": "Mairie d'Aného", "address": "Aného", "is_active": "1"}
    answer = post(client, "/correspondants/nouveau", data, follow_redirects=True)
    assert "Le correspondant est ajouté" in answer.text
    made = entry(services, "Mairie d'Aného")
    with services.reading() as session:
        assert made.entity_id == entities(session)[unit_id(services, "BO")]
        told = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "correspondent")).all()
    assert told == ["correspondent.added"]
    again = post(client, "/correspondants/nouveau", {**data, "name": "mairie d’aného"})
    assert again.status_code == 422
    assert "porte déjà ce nom" in again.text
    assert post(client, "/correspondants/nouveau", {"name": " "}).status_code == 422
    assert sign_in(app, "etudes").get("/correspondants/nouveau").status_code == 403
    with pytest.raises(Forbidden), services.unit_of_work(NOW) as uow:
        directory.add(uow, directory.CorrespondentForm("X"), actor=actor(services, "etudes"))


# --- duplicates ---------------------------------------------------------------------------------------------------


def test_merged_the_letters_of_both_are_together_and_new_ones_go_to_the_entry_that_stays(site: Site) -> None:
    services = site[1]
    one, two = register(services, "Un", sender=OGOU), register(services, "Deux", sender=DOUBLE)
    merge(services)
    assert exchanged(services, OGOU) == [two.mail_id, one.mail_id]
    three = register(services, "Trois", sender=DOUBLE)
    with services.reading() as session:
        row = session.get_one(Mail, three.mail_id)
        assert (row.sender_id, row.sender_name) == (entry(services, OGOU).id, OGOU)
        assert session.get_one(Mail, two.mail_id).sender_name == DOUBLE, (
            "a letter keeps the name it was registered with"
        )
        who = actor(services, "agent")
        assert [c.name for c in correspondents.suggest(session, "ogou", actor=who)] == [OGOU]
        own = correspondents.entities_of(session, who)
        assert [m.name for m in matching.best_matches(session, "prefecture ogou", entity_ids=own)] == [OGOU]
        rows, _page = directory.listing(session, "ogou", actor=who)
        assert [r.name for r in rows] == [OGOU]
        assert correspondents.is_known(session, DOUBLE, actor=who)
    sent = enter(services, addressees=(DOUBLE,), copies=())
    assert exchanged(services, OGOU)[0] == sent.mail_id


def test_a_merge_is_undone_exactly_while_nothing_new_hangs_on_it(site: Site) -> None:
    services = site[1]
    one, two = register(services, "Un", sender=OGOU), register(services, "Deux", sender=DOUBLE)
    merge(services)
    undo(services)
    assert (exchanged(services, OGOU), exchanged(services, DOUBLE)) == ([one.mail_id], [two.mail_id])
    with services.reading() as session:
        told = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "correspondent")).all()
    assert told == ["correspondent.merged", "correspondent.unmerged"]
    merge(services)
    later = register(services, "Trois", sender=DOUBLE)
    with services.unit_of_work(NOW) as uow:  # the tests' clock does not move
        uow.session.get_one(Mail, later.mail_id).created_at = NOW.replace(hour=15)
    with pytest.raises(Invalid) as used:
        undo(services)
    assert used.value.code == "correspondent.merge_used"


def shared_with_the_double_of_another_entity(services: Services) -> None:
    """The ministry shares OGOU. The DAF, now an entity, has merged its DOUBLE into OGOU."""
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Unit).where(Unit.code == "DAF")).one().is_entity = True
    for who, name in (("agent", OGOU), ("daf", DOUBLE)):
        with services.unit_of_work(NOW) as uow:
            form = directory.CorrespondentForm(name, is_shared=name == OGOU)
            directory.add(uow, form, actor=actor(services, who))
    merge(services, who="daf")


def edit(services: Services, name: str, form: directory.CorrespondentForm, who: str) -> None:
    with services.unit_of_work(NOW) as uow:
        directory.edit(uow, entry(services, name).id, form, version=None, actor=actor(services, who))


def test_an_entry_that_stands_for_doubles_of_other_entities_stays_in_their_sight(site: Site) -> None:
    services = site[1]
    shared_with_the_double_of_another_entity(services)
    with pytest.raises(Invalid) as error:
        edit(services, OGOU, directory.CorrespondentForm(OGOU, phone="22"), "agent")
    assert error.value.code == "correspondent.stands_for_others"
    edit(services, OGOU, directory.CorrespondentForm(OGOU, phone="22", is_shared=True), "agent")
    undo(services, who="daf")
    edit(services, OGOU, directory.CorrespondentForm(OGOU), "agent")


@pytest.mark.parametrize("name", ["Préfecture d'Atakpamé", DOUBLE])
def test_a_corrected_copy_of_a_shared_entry_takes_the_doubles_along(site: Site, name: str) -> None:
    services = site[1]
    shared_with_the_double_of_another_entity(services)
    edit(services, OGOU, directory.CorrespondentForm(name, address="BP 12"), "daf")
    with services.reading() as session:
        entity = entities(session)[unit_id(services, "DAF")]
        found = correspondents.entries(session, [correspondents.fold(DOUBLE)], entity_id=entity)
    assert [(one.name, one.address) for one in found.values()] == [(name, "BP 12")]
    assert entry(services, name).merged_into_id is None
    if name != DOUBLE:
        undo(services, who="daf")
        assert entry(services, DOUBLE).merged_into_id is None


def test_letters_of_other_entities_do_not_hold_a_merge(site: Site) -> None:
    services = site[1]
    shared_with_the_double_of_another_entity(services)
    theirs = register(services, "Du ministère", sender=OGOU)
    with services.unit_of_work(NOW) as uow:  # the tests' clock does not move
        uow.session.get_one(Mail, theirs.mail_id).created_at = NOW.replace(hour=15)
    undo(services, who="daf")
    assert entry(services, DOUBLE).merged_into_id is None


def test_doubles_of_doubles_stay_together(site: Site) -> None:
    services = site[1]
    ids = [register(services, name, sender=name).mail_id for name in ("A", "B", "C")]
    merge(services, "A", "B")
    merge(services, "B", "C")
    assert exchanged(services, "C") == ids[::-1]
    with pytest.raises(Invalid) as used:
        undo(services, "A")
    assert used.value.code == "correspondent.merge_used", "the later merge is undone first"
    undo(services, "B")
    undo(services, "A")
    assert exchanged(services, "C") == [ids[2]]


def test_what_may_not_be_merged_is_refused(site: Site) -> None:
    services = site[1]
    register(services, "Un", sender=OGOU)
    register(services, "Deux", sender=DOUBLE)

    def refused(double: str, kept: str, who: str = "agent") -> str:
        with pytest.raises(GedError) as error:
            merge(services, double, kept, who)
        return error.value.code

    assert refused(OGOU, OGOU) == "correspondent.merge_itself"
    assert refused(DOUBLE, OGOU, "etudes") == "correspondent.forbidden"
    change(services, DOUBLE, is_shared=True)
    assert refused(DOUBLE, OGOU) == "correspondent.merge_shared"
    change(services, DOUBLE, is_shared=False, entity_id=None)
    assert refused(DOUBLE, OGOU) == "correspondent.merge_not_own", "the common stock is nobody's"
    merge(services, OGOU, DOUBLE)
    assert refused(OGOU, DOUBLE) == "correspondent.merged"
    with pytest.raises(Invalid) as twice:
        undo(services)
    assert twice.value.code == "correspondent.merge_not_own"
    undo(services, OGOU)
    with pytest.raises(Invalid) as never:
        undo(services, OGOU)
    assert never.value.code == "correspondent.not_merged"


def test_the_site_proposes_near_names_shows_the_preview_merges_and_undoes(site: Site) -> None:
    app, services = site
    register(services, "Un", sender=OGOU)
    register(services, "Deux", sender=DOUBLE)
    double, kept = entry(services, DOUBLE), entry(services, OGOU)
    client = sign_in(app, "agent")
    offered = client.get(f"/correspondants/{double.id}/fusion").text
    assert f"vers={kept.id}" in offered
    assert f"vers={kept.id}" in client.get(f"/correspondants/{double.id}/fusion?q=ogou").text
    assert "Aucune autre fiche" in client.get(f"/correspondants/{double.id}/fusion?q=zzz").text
    preview = client.get(f"/correspondants/{double.id}/fusion?vers={kept.id}").text
    assert "1 courrier que vous pouvez lire rejoint la fiche qui reste." in preview
    assert client.get(f"/correspondants/{double.id}/fusion?vers={double.id}").status_code == 422
    stale = post(client, f"/correspondants/{double.id}/fusion", {"into": kept.id, "version": 99})
    assert stale.status_code == 409
    done = post(
        client, f"/correspondants/{double.id}/fusion", {"into": kept.id, "version": double.version},
        follow_redirects=True,
    )  # fmt: skip
    assert "Les deux fiches n'en font plus qu'une" in done.text
    assert DOUBLE in done.text
    assert "Deux" in done.text
    followed = client.get(f"/correspondants/{double.id}/courriers")
    assert followed.location.endswith(f"/correspondants/{kept.id}/courriers")
    apart = post(client, f"/correspondants/{double.id}/separer", {}, follow_redirects=True)
    assert "La fusion est annulée" in apart.text
    assert "Deux" in apart.text
    assert sign_in(app, "etudes").get(f"/correspondants/{double.id}/fusion").status_code == 403
