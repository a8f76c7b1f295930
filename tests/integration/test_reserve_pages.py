"""The pages of reserve books: made, entered line after line with the form of every day, voided; and who may not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from ged.register.models import Mail, MailNumber, Rectification, Register
from ged.reports.register_pages import FIELDS
from ged.reserve import checking
from ged.reserve.codes import PageCode, make_page_code
from ged.reserve.models import ReserveBook, ReserveLine
from ged.reserve.operations import MOMENT
from ged.routing import rectify_letter
from ged.unit import Services
from tests.factories import NOW, actor
from tests.reserve_kit import BACK, CUT, enter, line_ids, make, register_id, states
from tests.site import Clock, make_site, post, sign_in
from web.site import context

pytestmark = pytest.mark.in_turns(3)

HERE = "/registres/secours"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Flask, Services]]:
    app, services = make_site(tmp_path)
    yield app, services
    services.engine.dispose()


AT = (datetime.now(UTC) - timedelta(days=1)).replace(hour=14, minute=30)
"""The time of the site: an hour of the afternoon, for an hour before midnight and after it has two days."""


@pytest.fixture(autouse=True)
def afternoon(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.at = AT
    monkeypatch.setattr(context, "datetime", clock)


def an_hour_ago() -> datetime:
    """When the book was made."""
    return AT - timedelta(hours=1)


def typed(services: Services, book_id: int, line_id: int, **more: object) -> dict[str, object]:
    received = (AT - timedelta(minutes=10)).astimezone(services.zone)
    return {
        "carnet": book_id, "ligne": line_id, "received_on": f"{received:%d/%m/%Y}", "received_clock": f"{received:%Hh%M}",
        "register_id": register_id(services, "ARR"), "addressed_post_id": actor(services, "sg").posts[0].post_id,
        "sender_name": "Préfecture de l'Ogou", "subject": "Demande d'audience", **more,
    }  # fmt: skip


def test_a_clerk_opens_prints_and_enters_a_book(site: tuple[Flask, Services]) -> None:
    app, services = site
    client = sign_in(app, "agent")
    assert "Aucun carnet" in client.get(HERE).text
    made = post(client, HERE, {"register_id": register_id(services, "ARR"), "pages": "1"}, page=HERE)
    assert made.status_code == 303
    with services.reading() as session:
        book = session.scalars(select(ReserveBook)).one()
    shown = client.get(made.location).text
    assert f"Le carnet {book.code} est ouvert" in shown
    printed = client.get(f"{HERE}/{book.id}/carnet.pdf")
    assert (printed.status_code, printed.mimetype, printed.data[:5]) == (200, "application/pdf", b"%PDF-")
    assert book.code in client.get(HERE).text


def test_line_after_line_is_entered_with_the_usual_form(site: tuple[Flask, Services]) -> None:
    app, services = site
    book = make(services, now=an_hour_ago())
    ids, client = line_ids(services, book.id), sign_in(app, "agent")
    code = make_page_code(PageCode(f"{book.code}-01"), key=services.code_key)
    found = client.get(f"{HERE}/ligne", query_string={"code": code})
    assert found.status_code == 303
    form = client.get(found.location).text
    assert f'<option value="{ids[0]}" selected' in form
    sent = post(client, "/enregistrer/", typed(services, book.id, ids[0]), page=found.location)
    assert sent.status_code == 303, sent.text
    following = client.get(sent.location).text
    assert f"Ligne {book.code}-01 du carnet, reçu le" in following
    assert f'<option value="{ids[1]}" selected' in following
    assert "9 lignes encore à saisir ou à annuler" in following
    with services.reading() as session:
        mail_id = session.scalars(select(ReserveLine.mail_id).where(ReserveLine.mail_id.is_not(None))).one()
        number = session.scalars(select(MailNumber.text).where(MailNumber.mail_id == mail_id)).one()
    letter = client.get(f"/courriers/{mail_id}").text
    assert "Reçu pendant une coupure" in letter
    assert f"{book.code}-01" in letter
    assert "a inscrit le courrier d'après le carnet de secours" in letter.replace("&#39;", "'")
    assert number in letter
    assert client.get("/recherche/", query_string={"q": f"{book.code}-01"}).location == f"/courriers/{mail_id}"


def test_a_line_that_a_colleague_took_is_told_and_what_was_typed_stays(site: tuple[Flask, Services]) -> None:
    app, services = site
    book = make(services, now=an_hour_ago())
    ids, client = line_ids(services, book.id), sign_in(app, "agent")
    page = f"/enregistrer/?carnet={book.id}"
    client.get(page)
    enter(services, ids[0], "D'un collègue", received_at=AT - timedelta(minutes=10), now=AT)
    sent = post(client, "/enregistrer/", typed(services, book.id, ids[0], subject="Une autre demande"), page=page)
    assert sent.status_code == 409
    assert f"La ligne {book.code}-01 est déjà inscrite, sous le n° 00001/" in sent.text
    assert "Une autre demande" in sent.text
    lines = sent.text.partition('name="ligne"')[2].partition("</select>")[0]
    assert f'<option value="{ids[1]}"' in lines
    assert f'<option value="{ids[0]}"' not in lines
    assert (
        'value="" selected' in lines or "selected" not in lines
    )  # the clerk chooses: nothing goes to the next line unseen
    with services.reading() as session:
        assert len(session.scalars(select(MailNumber.id)).all()) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"received_clock": ""}, "received_clock"),
        ({"received_clock": "25:00"}, "Cette heure n'est pas écrite comme attendu."),
        ({"received_on": ""}, "received_on"),
        ({"received_on": "31/11"}, "received_on"),
        ({"ligne": ""}, "ligne"),
        ({"received_on": "01/01/2026"}, "Ce moment est avant l'ouverture du carnet"),
    ],
)
def test_a_line_without_its_true_moment_is_refused(
    site: tuple[Flask, Services], wrong: dict[str, str], told: str
) -> None:
    app, services = site
    book = make(services, now=an_hour_ago())
    ids, client = line_ids(services, book.id), sign_in(app, "agent")
    sent = post(
        client, "/enregistrer/", typed(services, book.id, ids[0]) | wrong, page=f"/enregistrer/?carnet={book.id}"
    )
    assert sent.status_code == 422
    assert told in sent.text.replace("&#39;", "'")
    summary = sent.text.partition("error-summary__list")[2].partition("</ul>")[0]
    assert summary.count("<li>") == 1  # a day that is read twice is told once
    with services.reading() as session:
        assert session.scalars(select(Mail.id)).all() == []


def at(services: Services, minutes: int) -> dict[str, str]:
    """The day and hour so many minutes ago, as a clerk types them."""
    moment = (AT - timedelta(minutes=minutes)).astimezone(services.zone)
    return {"received_on": f"{moment:%d/%m/%Y}", "received_clock": f"{moment:%H:%M}"}


def test_a_moment_before_that_of_the_line_before_is_asked_once(site: tuple[Flask, Services]) -> None:
    app, services = site
    book = make(services, now=AT - timedelta(days=3))
    ids, client = line_ids(services, book.id), sign_in(app, "agent")
    page, a_day = f"/enregistrer/?carnet={book.id}", 24 * 60
    post(client, "/enregistrer/", typed(services, book.id, ids[0], **at(services, a_day)), page=page)
    wrong = typed(services, book.id, ids[1], sender_name="Mairie de Kpalimé", **at(services, 2 * a_day - 30))
    asked = post(client, "/enregistrer/", wrong)
    assert asked.status_code == 422
    assert f"La ligne {book.code}-01 porte le" in asked.text
    assert "Mairie de Kpalimé" in asked.text
    mark = asked.text.partition('name="order_looked_at" value="')[2].partition('"')[0]
    other = wrong | at(services, 2 * a_day - 40) | {"order_looked_at": mark}
    assert post(client, "/enregistrer/", other).status_code == 422  # another moment was confirmed
    assert post(client, "/enregistrer/", wrong | {"order_looked_at": mark}).status_code == 303


def test_a_moment_after_that_of_the_line_after_is_asked(site: tuple[Flask, Services]) -> None:
    app, services = site
    book = make(services, now=an_hour_ago())
    ids, client = line_ids(services, book.id), sign_in(app, "agent")
    page = f"/enregistrer/?carnet={book.id}"
    post(client, "/enregistrer/", typed(services, book.id, ids[2], **at(services, 30)), page=page)
    sent = post(
        client,
        "/enregistrer/",
        typed(services, book.id, ids[1], sender_name="Mairie de Kpalimé", **at(services, 20)),
    )
    assert sent.status_code == 422
    assert "cette ligne-ci serait reçue après" in sent.text
    sent = post(
        client,
        "/enregistrer/",
        typed(services, book.id, ids[1], sender_name="Mairie de Kpalimé", **at(services, 30)),
    )
    assert sent.status_code == 303


def test_the_day_that_is_proposed_is_that_of_the_line_before(site: tuple[Flask, Services]) -> None:
    app, services = site
    now = AT
    book = make(services, now=now - timedelta(days=9))
    ids, client = line_ids(services, book.id), sign_in(app, "agent")
    for line_id, days in ((ids[0], 5), (ids[5], 3)):
        enter(services, line_id, f"Il y a {days} jours", received_at=now - timedelta(days=days), now=now)
    for line_id, days in ((ids[1], 5), (ids[6], 3)):
        shown = client.get(f"/enregistrer/?carnet={book.id}&ligne={line_id}").text
        field = shown.partition('id="received_on"')[2].partition(">")[0]
        assert f"{(now - timedelta(days=days)).astimezone(services.zone):%d/%m/%Y}" in field


def test_a_spoiled_line_is_voided_between_two_lines(site: tuple[Flask, Services]) -> None:
    app, services = site
    book = make(services, now=an_hour_ago())
    ids, client = line_ids(services, book.id), sign_in(app, "agent")
    form = client.get(f"/enregistrer/?carnet={book.id}&ligne={ids[3]}").text
    link = form.partition("data-void-line")[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert link == f"{HERE}/{book.id}/annulation?ligne=4&suite={ids[3]}"
    shown = client.get(link).text
    assert "Annuler la ligne 04" in shown
    assert 'value="Ligne gâchée"' in shown
    sent = post(client, f"{HERE}/{book.id}/annulation", {"first": "4", "last": "4", "ligne": "4", "suite": ids[3], "reason": "Ligne gâchée"}, page=link)  # fmt: skip
    assert sent.status_code == 303
    assert f'<option value="{ids[4]}" selected' in client.get(sent.location).text
    assert [state for state, _number in states(services, book.id)] == ["free"] * 3 + ["void"] + ["free"] * 6


def test_free_lines_are_voided_with_a_reason(site: tuple[Flask, Services]) -> None:
    app, services = site
    book, client = make(services, now=an_hour_ago()), sign_in(app, "agent")
    page = f"{HERE}/{book.id}/annulation"
    assert "10 lignes sont libres" in client.get(page).text
    assert post(client, page, {"first": "1", "last": "10", "reason": ""}, page=page).status_code == 422
    assert post(client, page, {"first": "9", "last": "3", "reason": "x"}).status_code == 422
    sent = post(client, page, {"first": "3", "last": "10", "reason": "Coupure terminée"})
    assert sent.status_code == 303
    shown = client.get(sent.location).text
    assert "8 lignes sont annulées." in shown
    assert "Coupure terminée" in shown
    assert [state for state, _number in states(services, book.id)] == ["free"] * 2 + ["void"] * 8
    again = post(client, page, {"first": "3", "last": "10", "reason": "Encore"})
    assert again.status_code == 409
    assert "n'a aucune ligne libre ici" in again.text.replace("&#39;", "'")


def test_a_wrong_hour_is_rectified_with_the_letter_and_the_old_one_stays_readable(site: tuple[Flask, Services]) -> None:
    app, services = site
    made_at = an_hour_ago()
    book, client = make(services, now=made_at), sign_in(app, "agent")
    line = line_ids(services, book.id)[0]
    wrong, right = made_at + timedelta(minutes=10), made_at + timedelta(minutes=20)
    mail_id = int(enter(services, line, received_at=wrong, now=made_at + timedelta(minutes=50)).mail_id)
    page = f"/courriers/{mail_id}/rectifier"
    assert f'value="{wrong:%H:%M}"' in client.get(page).text
    form = {"version": "1", "received_on": f"{wrong:%Y-%m-%d}", "subject": "Demande d'audience", "reason": "Mal lu"}
    late = post(client, page, {**form, "received_clock": f"{made_at - timedelta(minutes=9):%H:%M}"}, page=page)
    assert late.status_code == 422
    assert post(client, page, {**form, "received_clock": f"{right:%H:%M}"}).status_code == 303
    letter = client.get(f"/courriers/{mail_id}").text
    assert f"{wrong:%d/%m/%Y %H:%M}" in letter
    assert f"{right:%d/%m/%Y %H:%M}" in letter
    with services.reading() as session:
        received_at = session.scalars(select(ReserveLine.received_at).where(ReserveLine.id == line)).one()
        assert received_at == right.replace(second=0, microsecond=0)
        assert list(checking.broken(session)) == []
        told = session.scalars(select(Rectification.field).where(Rectification.mail_id == mail_id)).all()
    assert told == [MOMENT]
    assert MOMENT in FIELDS, "closings and printed registers name the field"
    with services.engine.begin() as connection:
        connection.execute(update(ReserveLine).where(ReserveLine.id == line).values(received_at=wrong))
    with services.reading() as session:
        assert [code for code, _where in checking.broken(session)] == ["reserve.not_cited"]


def test_the_day_of_arrival_is_rectified_on_the_line_too(site: tuple[Flask, Services]) -> None:
    _app, services = site
    before = NOW - timedelta(days=2)
    line = line_ids(services, make(services, now=before).id)[0]
    mail_id, sg = enter(services, line, received_at=CUT).mail_id, actor(services, "sg")
    day = (CUT - timedelta(days=1)).date()
    with services.unit_of_work(BACK) as uow:
        changed = rectify_letter.rectify(
            uow, mail_id, {"received_on": day}, reason="Arrivé la veille", version=None, actor=sg, now=BACK
        )
    assert changed == 2
    with services.reading() as session:
        assert session.scalars(select(ReserveLine.received_at).where(ReserveLine.id == line)).one() == CUT - timedelta(
            days=1
        )
        assert list(checking.broken(session)) == []


def test_the_free_lines_of_a_closed_register_are_voided_and_nothing_else_is_done_with_its_book(
    site: tuple[Flask, Services],
) -> None:
    app, services = site
    book, client = make(services, now=an_hour_ago()), sign_in(app, "agent")
    page, form = f"{HERE}/{book.id}", f"{HERE}/{book.id}/annulation"
    assert "Le registre est fermé" not in client.get(page).text
    with services.engine.begin() as connection:
        connection.execute(update(Register).where(Register.code == "ARR").values(closed_at=AT))
    shown = client.get(page).text
    assert "Le registre est fermé" in shown
    assert form in shown
    for gone in ("carnet.pdf", "/enregistrer/"):
        assert gone not in shown[shown.index("<main") :], gone
    assert client.get(f"{page}/carnet.pdf").status_code == 409
    assert post(client, form, {"first": "1", "last": "10", "reason": "Registre fermé"}, page=form).status_code == 303
    assert {state for state, _number in states(services, book.id)} == {"void"}


def test_the_book_of_another_desk_is_not_there(site: tuple[Flask, Services]) -> None:
    app, services = site
    book, client = make(services, now=an_hour_ago()), sign_in(app, "dge")
    ids = line_ids(services, book.id)
    for address in (f"{HERE}/{book.id}", f"{HERE}/{book.id}/annulation", f"/enregistrer/?carnet={book.id}"):
        assert client.get(address).status_code == 404, address
    assert client.get(f"{HERE}/{book.id}/carnet.pdf").status_code == 404
    assert book.code not in client.get(HERE).text
    values = typed(services, book.id, ids[0], register_id=register_id(services, "ARR-DGE"))
    assert post(client, "/enregistrer/", values, page="/enregistrer/").status_code == 404
    voided = post(client, f"{HERE}/{book.id}/annulation", {"reason": "x"}, page=HERE)
    assert voided.status_code == 404
    assert states(services, book.id) == [("free", "")] * 10
    assert sign_in(app, "etudes").get(HERE).status_code == 403
