"""Lines that were typed at a desk without the server: kept once, proposed on the entry page, entered by a clerk alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from ged import verify
from ged.capture import bridges
from ged.closing import operations as closing
from ged.paper import reserve_sheets, reserve_typed
from ged.register.models import Mail, MailNumber
from ged.register.operations import IncomingForm, register_incoming
from ged.reserve import operations
from ged.reserve.models import ReserveLine, ReserveTyping
from ged.unit import Services
from tests.factories import actor
from tests.reserve_kit import enter, line_ids, make, register_id, sheet, states, third_desk, void
from tests.site import make_site, post, sign_in

KEY = "a" * 32


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Flask, Services]]:
    app, services = make_site(tmp_path)
    yield app, services
    services.engine.dispose()


def now() -> datetime:
    return datetime.now(UTC)


@cache
def started() -> datetime:
    """One moment for all lines: one that is sent twice must bear the same minute twice."""
    return now()


def book_of(services: Services, code: str = "ARR", account: str = "agent", pages: int = 1) -> int:
    return make(services, code, account=account, pages=pages, now=now() - timedelta(hours=4)).id


def token_of(services: Services, account: str = "agent") -> str:
    clerk = actor(services, account)
    with services.unit_of_work(now()) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=now())
    with services.unit_of_work(now()) as uow:
        return bridges.pair(uow, code, f"Guichet {account}", now=now())[0]


def body(services: Services, line_id: int, **more: object) -> dict[str, Any]:
    received = (started() - timedelta(minutes=30)).astimezone(services.zone)
    with services.reading() as session:
        text = session.get_one(ReserveLine, line_id).text
    return {
        "line": text, "received_on": f"{received:%Y-%m-%d}", "received_clock": f"{received:%H:%M}",
        "sender_name": "Préfecture de l'Ogou", "subject": "Pont de Glei", "their_reference": "12/PO", "enclosure_count": 3,
        "written_on": "2026-11-20", "addressee": "Le ministre", "is_urgent": True, **more,
    }  # fmt: skip


def send(app: Flask, token: str, sent: Mapping[str, Any], key: str = KEY) -> tuple[int, str]:
    answer = app.test_client().put(
        f"/api/bridge/reserve/{key}", json=sent, headers={"Authorization": f"Bearer {token}"}
    )
    given = answer.get_json(silent=True) or {}
    return answer.status_code, str(given.get("error", {}).get("code", ""))


def test_what_is_sent_twice_is_kept_once(site: tuple[Flask, Services]) -> None:
    app, services = site
    (line, other, *_rest) = line_ids(services, book_of(services))
    token = token_of(services)
    assert send(app, token, body(services, line)) == (201, "")
    for _ in range(2):
        assert send(app, token, body(services, line)) == (200, "")
    assert send(app, token, body(services, other))[1] == "reserve.key_reused"
    assert send(app, token, body(services, line), "b" * 32)[1] == "reserve.typed_before"
    assert send(app, "wrong", body(services, line), "c" * 32)[0] == 401
    with services.reading() as session:
        assert [row.key for row in session.scalars(select(ReserveTyping))] == [KEY]
        assert session.scalars(select(Mail.id)).all() == [], "a bridge is no person: it registers no letter"


def test_a_late_repetition_of_a_line_that_was_entered_since_is_no_refusal(site: tuple[Flask, Services]) -> None:
    """The answer was lost, and the clerk was quicker than the desk's next try."""
    app, services = site
    (line, *_rest) = line_ids(services, book_of(services))
    token, sent = token_of(services), body(services, line)
    assert send(app, token, sent)[0] == 201
    confirm(services, line)
    assert send(app, token, sent) == (200, "")
    assert send(app, token, sent, "b" * 32)[1] == "reserve.line_used"
    with services.reading() as session:
        assert len(session.scalars(select(Mail.id)).all()) == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"line": "CS-ARR-1999-001-01"}, "reserve.line_unknown"),
        ({"line": ""}, "reserve.line_unknown"),
        ({"received_on": "2026-02-31"}, "reserve.typed_field"),
        ({"received_on": 20261124}, "reserve.typed_field"),
        ({"received_clock": "24:00"}, "reserve.typed_field"),
        ({"received_on": "2020-01-01"}, "reserve.before_book"),
        ({"received_on": "2999-01-01"}, "reserve.received_in_future"),
        ({"sender_name": " "}, "reserve.typed_field"),
        ({"subject": ["x"]}, "reserve.typed_field"),
        ({"subject": "x" * 2001}, "reserve.typed_field"),
        ({"enclosure_count": -1}, "reserve.typed_field"),
        ({"enclosure_count": True}, "reserve.typed_field"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    site: tuple[Flask, Services], more: dict[str, Any], code: str
) -> None:
    app, services = site
    (line, *_rest) = line_ids(services, book_of(services))
    status, given = send(app, token_of(services), body(services, line, **more))
    assert (given, 400 <= status < 500) == (code, True)
    with services.reading() as session:
        assert session.scalars(select(ReserveTyping.id)).all() == []


def test_a_desk_sends_lines_of_its_own_books_alone(site: tuple[Flask, Services]) -> None:
    app, services = site
    (line, *_rest) = line_ids(services, book_of(services, "ARR-DGE", "dge"))
    assert send(app, token_of(services), body(services, line)) == (404, "reserve.line_unknown")
    assert send(app, token_of(services, "dge"), body(services, line))[0] == 201


def test_the_clerk_finds_the_line_in_the_form_and_confirms_it(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services)
    (line, following, *_rest) = line_ids(services, book_id)
    sent = body(services, line)
    send(app, token_of(services), sent)
    client = sign_in(app, "agent")
    assert "saisie au poste, à confirmer" in unescape(client.get(f"/registres/secours/{book_id}").text)
    assert "1 ligne semble avoir servi" in unescape(client.get(f"/registres/secours/{book_id}/annulation").text)
    page = unescape(client.get(f"/enregistrer/?carnet={book_id}").text)
    assert re.search(r"Saisi au poste «.Guichet agent.» sans le serveur", page)
    for name, value in (
        ("sender_name", "Préfecture de l'Ogou"), ("their_reference", "12/PO"), ("enclosure_count", "3"),
        ("received_clock", str(sent["received_clock"])), ("written_on", "20/11/2026"), ("addressee", "Le ministre"),
    ):  # fmt: skip
        (tag,) = re.findall(rf'<input[^>]*name="{name}"[^>]*>', page)
        assert f'value="{value}"' in tag, (name, tag)
    assert ">Pont de Glei</textarea>" in page
    assert '<option value="urgent" selected' in page
    received = date.fromisoformat(str(sent["received_on"]))
    form = {
        "carnet": book_id, "ligne": line, "received_on": f"{received:%d/%m/%Y}", "received_clock": sent["received_clock"],
        "register_id": register_id(services, "ARR"), "addressed_post_id": actor(services, "sg").posts[0].post_id,
        "sender_name": sent["sender_name"], "subject": sent["subject"],
    }  # fmt: skip
    answer = post(client, "/enregistrer/", form, page=f"/enregistrer/?carnet={book_id}")
    assert answer.status_code == 303
    after = unescape(client.get(answer.location).text)
    assert "sans le serveur" not in after
    assert f'<option value="{following}" selected' in after
    with services.reading() as session:
        (row,) = session.scalars(select(ReserveTyping))
        assert row.entered_at is not None
    assert states(services, book_id)[0][0] == "used"


def test_a_line_that_is_not_taken_stays_stored_and_may_be_typed_again(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services)
    (line, *_rest) = line_ids(services, book_id)
    token = token_of(services)
    send(app, token, body(services, line))
    with services.reading() as session:
        typing_id = session.scalars(select(ReserveTyping.id)).one()
    path = f"/registres/secours/saisie/{typing_id}/ecarter"
    assert post(sign_in(app, "dge"), path, {}).status_code == 404
    assert post(sign_in(app, "agent"), path, {}).status_code == 303
    assert post(sign_in(app, "agent"), path, {}).status_code == 404
    assert send(app, token, body(services, line, subject="Le pont"), "b" * 32)[0] == 201
    with services.reading() as session:
        assert [row.fields["subject"] for row in session.scalars(select(ReserveTyping).order_by(ReserveTyping.id))] == ["Pont de Glei", "Le pont"]  # fmt: skip


def test_a_line_that_a_desk_sends_while_the_form_stands_is_voided_by_no_one_who_was_not_told(
    site: tuple[Flask, Services],
) -> None:
    """The server is back: the desk sends its lines, and the clerk voids the free ones."""
    app, services = site
    book_id = book_of(services)
    (line, *_rest) = line_ids(services, book_id)
    client, path = sign_in(app, "agent"), f"/registres/secours/{book_id}/annulation"
    assert 'name="told"' not in client.get(path).text
    send(app, token_of(services), body(services, line))
    refused = post(client, path, {"first": 1, "last": 10, "reason": "Coupure terminée"}, page=path)
    assert refused.status_code == 409
    assert "semblent avoir servi, ce que le formulaire ne disait pas encore : 01" in unescape(refused.text)
    assert [state for state, _number in states(services, book_id)] == ["free"] * 10
    assert '<input type="hidden" name="told" value="1">' in refused.text
    done = post(client, path, {"first": 1, "last": 10, "reason": "Coupure terminée", "told": 1})
    assert done.status_code == 303
    assert "Préfecture de l'Ogou - Pont de Glei" in unescape(client.get(f"/registres/secours/{book_id}").text), (
        "what was typed can still be read, to register the letter without the book"
    )


def confirm(services: Services, line_id: int, code: str = "ARR", account: str = "agent") -> str:
    """Enter a line as the site does it, in one unit of work: with its proposal and its scanned page."""
    clerk, at = actor(services, account), now()
    received = (at - timedelta(minutes=30)).astimezone(services.zone)
    form = IncomingForm(
        f"Lettre {line_id}", "Préfecture de l'Ogou",
        actor(services, "sg").posts[0].post_id, received_on=received.date(), request_token=f"line-{line_id}",
    )  # fmt: skip
    with services.unit_of_work(at) as uow:
        pages = reserve_sheets.hold_of_line(uow, line_id)
        done = register_incoming(uow, register_id(services, code), form, actor=clerk, now=at)
        if not done.is_repeated:
            operations.enter(uow, line_id, done.mail_id, done.number_id, received_at=received, actor=clerk)
            reserve_sheets.keep(uow, pages, actor=clerk)
            reserve_typed.entered(uow, line_id)
    return done.number


def test_a_cut_with_sixty_letters_by_hand_from_scans_and_typed_without_the_server(site: tuple[Flask, Services]) -> None:
    """Three desks, 20 letters each: no gap, no double, none lost; closings and the proof hold."""
    app, services = site
    third_desk(services)
    desks = {"ARR": "agent", "ARR-DGE": "dge", "ARR-DAF": "daf"}
    made = {code: book_of(services, code, account, pages=3) for code, account in desks.items()}
    lines = {code: line_ids(services, book_id)[:20] for code, book_id in made.items()}
    scans = [sheet(services, made["ARR-DGE"], first=first, written=10, now=now()) for first in (1, 11)]
    scans.append(sheet(services, made["ARR-DGE"], first=1, written=10, now=now()))  # a page scanned twice
    token = token_of(services, "daf")
    for n, line in enumerate(lines["ARR-DAF"]):
        sent = body(services, line, subject=f"Lettre {n}")
        answers = [send(app, token, sent, f"{n:032x}")[0] for _ in range(2)]  # each answer is lost once
        assert answers == [201, 200]
    with services.reading() as session:
        shown = reserve_sheets.lines_of(session, made["ARR-DGE"], actor(services, "dge"))
        assert [one.said.value for _no, one in sorted(shown.items())] == ["written"] * 20
        assert len(reserve_typed.of_book(session, made["ARR-DAF"], actor(services, "daf"))) == 20
    for n in range(20):  # the desks enter their lines side by side
        received = now() - timedelta(minutes=30)
        enter(services, lines["ARR"][n], f"Lettre {n}", received_at=received, now=now())
        for code in ("ARR-DGE", "ARR-DAF"):
            first = confirm(services, lines[code][n], code, desks[code])
            assert confirm(services, lines[code][n], code, desks[code]) == first, "the same form sent twice"
    year = now().astimezone(services.zone).year
    for code, account in desks.items():
        assert len(void(services, made[code], account=account, now=now())) == 10
        assert [state for state, _number in states(services, made[code], account)] == ["used"] * 20 + ["void"] * 10
    with services.reading() as session:
        for code in desks:
            given = session.scalars(
                select(MailNumber.sequence).where(MailNumber.register_id == register_id(services, code))
            )
            assert sorted(given) == list(range(1, 21)), code
        assert len(set(session.scalars(select(ReserveLine.mail_id).where(ReserveLine.mail_id.is_not(None))))) == 60
        assert len(session.scalars(select(Mail.id)).all()) == 60
        assert session.scalars(select(ReserveTyping.id).where(ReserveTyping.entered_at.is_(None))).all() == []
        kept = reserve_sheets.of_book(session, made["ARR-DGE"], actor(services, "dge"))
        assert {one.scan_id for one in kept if one.is_kept} == set(scans)
    later = datetime(year + 1, 1, 4, 9, 0, tzinfo=UTC)
    for code, account in desks.items():
        clerk = actor(services, account, on=later.date())
        closing.close_days(services, register_id(services, code), date(year, 12, 31), actor=clerk, now=later)
        closing.close_year(services, register_id(services, code), year, actor=clerk, now=later)
    report = verify.verify(services, now=later)
    assert report.problems == ()
    assert report.numbers_without_gap
