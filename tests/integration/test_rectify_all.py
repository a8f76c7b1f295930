"""Every typed value can be corrected. Consequences that were already acted on are not undone silently."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from ged import access
from ged.audit import AuditEntry
from ged.dispatch import operations as dispatch
from ged.dispatch import rectify_outside
from ged.dispatch.models import DispatchLine
from ged.dispatch.operations import Departure
from ged.dispatch.rectify_outside import OutsideChanges, Receivers
from ged.errors import GedError, Invalid
from ged.org.models import Post, PostRole, Unit
from ged.ports import Confidentiality, MailId, PostId, UnitId
from ged.register.models import Channel, Mail, Priority, Rectification
from ged.register.states import MailState
from ged.routing import queries as routing_queries
from ged.routing import rectify_letter
from ged.routing.models import Assignment
from ged.unit import Role, Services
from tests.factories import NOW, TODAY, actor, make_natures
from tests.lock_watch import watching
from tests.routing_kit import impute, make_mentions, post_id, register, unit_id
from tests.signed_outside_kit import enter, make_books
from tests.site import make_site, post, sign_in

Site = tuple[Flask, Services]
SOON, LATE = TODAY + timedelta(days=5), TODAY + timedelta(days=30)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app, services = make_site(tmp_path)
    make_mentions(services)
    make_books(services)
    make_natures(services)
    with services.unit_of_work(NOW) as uow:
        head = uow.session.scalars(select(Post).where(Post.code == "DGE-C")).one()
        uow.session.add(PostRole(post_id=head.id, role=Role.AUTHORITY))
    yield app, services
    services.engine.dispose()


def rectify(
    services: Services, mail_id: int, outside: OutsideChanges | None = None, who: str = "agent", **changes: Any
) -> int:
    with services.unit_of_work(NOW) as uow:
        return rectify_letter.rectify(
            uow, MailId(mail_id), changes, reason="Erreur de saisie", version=None, actor=actor(services, who), now=NOW,
            outside=outside,
        )  # fmt: skip


def refused(services: Services, mail_id: int, outside: OutsideChanges | None = None, **changes: Any) -> str:
    with pytest.raises(GedError) as error:
        rectify(services, mail_id, outside, **changes)
    return error.value.code


def mail(services: Services, mail_id: int) -> Mail:
    with services.reading() as session:
        return session.scalars(select(Mail).where(Mail.id == mail_id)).one()


def kept(services: Services, mail_id: int) -> dict[str, tuple[str, str]]:
    with services.reading() as session:
        rows = session.scalars(select(Rectification).where(Rectification.mail_id == mail_id)).all()
    return {row.field: (row.old_value, row.new_value) for row in rows}


def names(services: Services, mail_id: int) -> list[tuple[str, bool]]:
    with services.reading() as session:
        query = select(DispatchLine).where(DispatchLine.mail_id == mail_id).order_by(DispatchLine.position)
        return [(line.name, line.is_copy) for line in session.scalars(query)]


def may_see(services: Services, mail_id: int, who: str) -> bool:
    with services.reading() as session:
        return access.may_see(session, mail_id, Confidentiality.ORDINARY, actor(services, who))


def dues(services: Services, mail_id: int) -> list[date | None]:
    with services.reading() as session:
        return list(session.scalars(select(Assignment.due_on).where(Assignment.mail_id == mail_id)))


def leave(services: Services, mail_id: int, place: int) -> None:
    with services.unit_of_work(NOW) as uow:
        line = uow.session.scalars(
            select(DispatchLine).where(DispatchLine.mail_id == mail_id).order_by(DispatchLine.position)
        ).all()[place]
        dispatch.leave(
            uow, line.id, Departure(Channel.HAND, carrier="Koffi"), version=None, actor=actor(services, "agent")
        )


# --- arrivals -----------------------------------------------------------------------------------------------------


def test_all_that_was_typed_of_an_arrival_changes_with_old_and_new_value(site: Site) -> None:
    services = site[1]
    done = register(services, "Demande")
    count = rectify(
        services, done.mail_id, channel=Channel.POST, priority=Priority.URGENT, nature="plainte", enclosure_count=3,
        enclosure_note="Plans", due_on=SOON, received_on=TODAY - timedelta(days=1),
    )  # fmt: skip
    assert count == 7
    row = mail(services, done.mail_id)
    assert (row.channel, row.priority, row.nature, row.enclosure_count) == (Channel.POST, Priority.URGENT, "plainte", 3)
    assert (row.due_on, row.due_from, row.due_days) == (SOON, SOON, 0)
    told = kept(services, done.mail_id)
    assert told["channel"] == ("hand", "post")
    assert told["enclosure_count"] == ("0", "3")
    assert told["due_on"] == ("", str(SOON))
    with services.reading() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.rectified")).all()
    assert len(entries) == 7
    assert rectify(services, done.mail_id, channel=Channel.POST, enclosure_count=3) == 0


def test_a_letter_that_nobody_imputed_yet_goes_to_the_queue_of_the_other_authority(site: Site) -> None:
    services = site[1]
    done = register(services, "Pour le directeur")
    other = PostId(post_id(services, "DGE-C"))
    assert not may_see(services, done.mail_id, "dge")
    rectify(services, done.mail_id, addressed_post_id=other)
    with services.reading() as session:
        waiting = [session.scalar(routing_queries.count_to_impute(actor(services, who))) for who in ("sg", "dge")]
    assert waiting == [0, 1]
    assert may_see(services, done.mail_id, "dge")
    assert kept(services, done.mail_id)["addressed_post_id"] == (
        "Poste SG-T - Secrétariat général", "Poste DGE-C - Direction générale de l'énergie",
    )  # fmt: skip
    assert refused(services, done.mail_id, addressed_post_id=post_id(services, "ETU-M")) == "mail.addressed_unknown"


def test_an_imputed_letter_keeps_its_way_and_its_new_deadline_binds_those_who_work_on_it(site: Site) -> None:
    services = site[1]
    done = register(services, "Demande", due_on=LATE)
    impute(services, done.mail_id, "DGE", ("DAF",))
    assert refused(services, done.mail_id, addressed_post_id=post_id(services, "DGE-C")) == "rectify.imputed"
    rectify(services, done.mail_id, due_on=SOON)
    assert dues(services, done.mail_id) == [SOON, SOON]
    rectify(services, done.mail_id, due_on=None)
    assert dues(services, done.mail_id) == [None, None]
    with services.reading() as session:
        moved = session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.due_moved")).all()
    assert len(moved) == 2
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, done.mail_id).state = MailState.ANSWERED
    assert refused(services, done.mail_id, due_on=SOON) == "rectify.due_over"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"enclosure_count": 10_000}, "mail.enclosures"),
        ({"enclosure_note": "a" * 301}, "form.too_long"),
        ({"due_on": TODAY - timedelta(days=400)}, "mail.due_before_arrival"),
        ({"written_on": TODAY + timedelta(days=1)}, "mail.received_in_future"),
        ({"state": "closed"}, "rectify.field"),
    ],
)
def test_a_wrong_value_is_refused(site: Site, changes: dict[str, Any], code: str) -> None:
    done = register(site[1], "Demande")
    assert refused(site[1], done.mail_id, **changes) == code
    assert kept(site[1], done.mail_id) == {}


# --- departures ---------------------------------------------------------------------------------------------------


def test_writer_and_signatory_of_a_departure_change_with_their_rights(site: Site) -> None:
    services = site[1]
    done = enter(services, copies=())
    assert may_see(services, done.mail_id, "dge")
    changes = OutsideChanges(UnitId(unit_id(services, "DAF")), PostId(post_id(services, "DAF-C")))
    assert rectify(services, done.mail_id, changes) == 2
    assert mail(services, done.mail_id).sender_name == "Direction des affaires financières"
    assert [may_see(services, done.mail_id, who) for who in ("daf", "dge")] == [True, False]
    assert kept(services, done.mail_id)["signatory"] == ("Poste SG-T", "Poste DAF-C")


def rename(services: Services, code: str, name: str) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Unit).where(Unit.code == code)).one().name = name


def test_a_unit_that_was_renamed_meanwhile_loses_the_letter_that_it_did_not_write(site: Site) -> None:
    services = site[1]
    done = enter(services, copies=())
    rename(services, "DGE", "Direction de l'électricité")
    assert rectify(services, done.mail_id, OutsideChanges(UnitId(unit_id(services, "DGE")))) == 0
    assert rectify(services, done.mail_id, OutsideChanges(UnitId(unit_id(services, "DAF")))) == 1
    assert [may_see(services, done.mail_id, who) for who in ("daf", "dge")] == [True, False]


def test_no_text_takes_the_place_of_the_unit_that_wrote_a_letter_of_the_house(site: Site) -> None:
    app, services = site
    done = enter(services)
    client = sign_in(app, "agent")
    page = f"/courriers/{done.mail_id}/rectifier"
    answer = post(client, page, {"sender_name": "Présidence", "reason": "x", "version": "1"})
    assert answer.status_code == 422
    assert mail(services, done.mail_id).sender_name == "Direction générale de l'énergie"
    assert refused(services, done.mail_id, sender_name="Présidence") == "rectify.field"


def test_an_internal_letter_is_not_rectified_to_an_authority_of_another_entity(site: Site) -> None:
    app, services = site
    with services.unit_of_work(NOW) as uow:
        top = uow.session.scalars(select(Unit).where(Unit.code == "MIN")).one()
        ceet = Unit(code="CEET", name="CEET", is_entity=True, parent_id=top.id)
        uow.session.add(ceet)
        uow.session.flush()
        far = Post(code="CEET-DG", title="Directeur de la CEET", unit_id=ceet.id)
        far.roles = [PostRole(role=Role.AUTHORITY)]
        uow.session.add(far)
        uow.session.flush()
        far_id = far.id
    inside = enter(services, "INT", addressees=(), copies=(), addressed_post_id=PostId(post_id(services, "SG-T")))
    arrival = register(services)
    client = sign_in(app, "agent")
    assert "Directeur de la CEET" not in client.get(f"/courriers/{inside.mail_id}/rectifier").text
    assert "Directeur de la CEET" in client.get(f"/courriers/{arrival.mail_id}/rectifier").text
    assert refused(services, inside.mail_id, addressed_post_id=far_id) == "mail.addressed_unknown"
    assert rectify(services, inside.mail_id, addressed_post_id=post_id(services, "DGE-C")) == 1
    assert rectify(services, arrival.mail_id, addressed_post_id=far_id) == 1


def test_the_writer_changes_to_a_unit_of_the_same_name(site: Site) -> None:
    services = site[1]
    rename(services, "DAF", "Direction générale de l'énergie")
    done = enter(services, sender_unit_id=UnitId(unit_id(services, "DAF")), copies=())
    with services.reading() as session:
        born = rectify_outside.entry(session, done.mail_id)
    assert born is not None
    assert born.sender_unit_id == unit_id(services, "DAF")
    assert rectify(services, done.mail_id, OutsideChanges(UnitId(unit_id(services, "DGE")))) == 1
    assert [may_see(services, done.mail_id, who) for who in ("daf", "dge")] == [False, True]
    assert kept(services, done.mail_id)["sender_name"] == (
        "Direction générale de l'énergie (DAF)", "Direction générale de l'énergie (DGE)",
    )  # fmt: skip


def test_of_two_units_of_one_name_none_is_guessed(site: Site) -> None:
    services = site[1]
    rename(services, "ETU", "Direction des affaires financières")
    for where in ("addressees", "copies"):
        with pytest.raises(Invalid) as error:
            typed: dict[str, Any] = {"copies": (), where: ("Direction des affaires financières",)}
            enter(services, **typed)
        assert error.value.code == "unit.ambiguous"
        assert error.value.params["field"] == where
    done = enter(services, addressees=("Mairie",), copies=("DAF",))
    assert [may_see(services, done.mail_id, who) for who in ("daf", "etudes")] == [True, False]
    # The form of the correction sends the name back. It means the unit that was named.
    same = Receivers(("Mairie", "Lycée"), ("Direction des affaires financières",))
    assert rectify(services, done.mail_id, OutsideChanges(receivers=same)) == 1
    assert [may_see(services, done.mail_id, who) for who in ("daf", "etudes")] == [True, False]
    # A unit's code takes precedence over another unit's name.
    rename(services, "ETU", "DAF")
    other = enter(services, addressees=("Mairie",), copies=("DAF",))
    assert [may_see(services, other.mail_id, who) for who in ("daf", "etudes")] == [True, False]


def test_receivers_are_added_and_taken_out_as_long_as_they_have_not_got_it(site: Site) -> None:
    services = site[1]
    done = enter(services, addressees=("Mairie", "Préfecture"), copies=("DAF",))
    leave(services, done.mail_id, 0)
    taken = OutsideChanges(receivers=Receivers(("Préfecture",), ("DAF",)))
    assert refused(services, done.mail_id, taken) == "rectify.line_left"
    assert refused(services, done.mail_id, OutsideChanges(receivers=Receivers())) == "mail.addressee_missing"
    assert rectify(services, done.mail_id, OutsideChanges(receivers=Receivers(("Mairie", "Lycée"), ("ETU",)))) == 2
    assert names(services, done.mail_id) == [("Mairie", False), ("Lycée", False), ("Service des études", True)]
    assert [may_see(services, done.mail_id, who) for who in ("daf", "etudes")] == [False, True]
    assert mail(services, done.mail_id).addressee == "Mairie; Lycée"
    assert kept(services, done.mail_id)["addressees"] == ("Mairie; Préfecture", "Mairie; Lycée")
    assert rectify(services, done.mail_id, OutsideChanges(receivers=Receivers(("Mairie",), ()))) == 2
    assert mail(services, done.mail_id).state is MailState.DISPATCHED, "nothing waits any more"
    more = OutsideChanges(receivers=Receivers(("Mairie", "Lycée"), ()))
    assert refused(services, done.mail_id, more) == "rectify.dispatched"


# --- the site -----------------------------------------------------------------------------------------------------


def test_the_page_offers_what_can_change_and_shows_both_values(site: Site) -> None:
    app, services = site
    done = register(services, "Demande")
    client = sign_in(app, "agent")
    path = f"/courriers/{done.mail_id}/rectifier"
    page = client.get(path).text
    for name in ("channel", "priority", "nature", "enclosure_count", "enclosure_note", "due_on", "addressed_post_id"):
        assert f'name="{name}"' in page, name
    version = mail(services, done.mail_id).version
    data = {
        "version": version, "reason": "Erreur", "subject": "Demande", "channel": "post", "nature": "plainte",
        "enclosure_count": "4", "due_on": "",
    }  # fmt: skip
    shown = post(client, path, data, page=path, follow_redirects=True).text
    for word in ("Voie postale", "Remise en main propre", "Plainte ou réclamation"):
        assert word in shown, word
    wrong = post(client, path, {**data, "version": version + 1, "enclosure_count": "beaucoup"})
    assert wrong.status_code == 422
    assert "beaucoup" in wrong.text
    impute(services, done.mail_id)
    assert 'name="addressed_post_id"' not in client.get(path).text


def test_an_authority_passes_a_letter_on_and_no_longer_finds_it(site: Site) -> None:
    app, services = site
    done = register(services, "Pour un autre")
    rectify(services, done.mail_id, addressed_post_id=PostId(post_id(services, "DGE-C")))
    client = sign_in(app, "dge")
    path = f"/courriers/{done.mail_id}/rectifier"
    data = {
        "version": mail(services, done.mail_id).version, "reason": "Mal adressé", "subject": "Pour un autre",
        "addressed_post_id": post_id(services, "SG-T"),
    }  # fmt: skip
    gone = post(client, path, data, page=path)
    assert (gone.status_code, gone.location) == (303, "/")
    assert client.get(f"/courriers/{done.mail_id}").status_code == 404
    with services.reading() as session:
        assert session.scalar(routing_queries.count_to_impute(actor(services, "sg"))) == 1


def test_the_page_of_a_departure_rectifies_its_receivers(site: Site) -> None:
    app, services = site
    done = enter(services, addressees=("Mairie",), copies=())
    client = sign_in(app, "agent")
    path = f"/courriers/{done.mail_id}/rectifier"
    assert "Mairie</textarea>" in client.get(path).text
    data = {
        "version": mail(services, done.mail_id).version, "reason": "Oubli", "subject": "Tarifs de l'année",
        "sender_unit_id": "", "signatory_post_id": post_id(services, "SG-T"), "addressees": "Mairie\r\nLycée",
        "copies": "", "written_on": "20/11/2026",
    }  # fmt: skip
    shown = post(client, path, data, page=path, follow_redirects=True).text
    assert "Mairie; Lycée" in shown
    assert names(services, done.mail_id) == [("Mairie", False), ("Lycée", False)]


def test_a_rectified_departure_locks_the_answered_letter_before_its_lines(site: Site) -> None:
    """Without the last open line the departure is complete: the answered letter is locked too."""
    services = site[1]
    asked = register(services, "Demande").mail_id
    impute(services, asked, "DGE")
    names = ("Compagnie d'électricité", "Préfecture du Zio")
    done = enter(services, addressees=names, copies=(), answers=MailId(asked))
    with services.unit_of_work(NOW) as uow:
        line = select(DispatchLine.id).where(DispatchLine.mail_id == done.mail_id).order_by(DispatchLine.position)
        departure = Departure(Channel.HAND, carrier="Kossi")
        clerk = actor(services, "agent")
        dispatch.leave(uow, uow.session.scalars(line).first() or 0, departure, version=None, actor=clerk)
    with watching() as watch:
        rectify(services, done.mail_id, OutsideChanges(receivers=Receivers(names[:1], ())))
    with services.reading() as session:
        assert session.get_one(Mail, asked).state is MailState.ANSWERED
    assert watch.broken == []
