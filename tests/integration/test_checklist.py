"""What is still to be set before a ministry works: read from what is there, few statements, no letter, each in its ministry."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from ged.administration import checklist, wanted
from ged.administration.checklist import Item, Line
from ged.archive.copies import DRILL_FAILED, DRILLED
from ged.capture.models import Bridge
from ged.errors import ConfigError, EngineFailed
from ged.notices.models import MailLoop
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.ports import SignedPdf, SignRequest
from ged.register.models import Register
from ged.routing.load import fill_calendar
from ged.routing.models import Holiday
from ged.unit import SYSTEM, Role, Services
from tests.administration_kit import do
from tests.administration_site_kit import place
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.site import post, sign_in

__all__ = ["place"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
ROOT = "/administration/mise-en-service"


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    yield made
    made.engine.dispose()


def lines(services: Services, *, who: str = "admin", now: datetime = NOW) -> dict[Item, Line]:
    with services.reading() as session:
        found = checklist.checklist(session, services, actor(services, who), on=now.date(), now=now)
    return {one.item: one for one in found}


def unit_id(services: Services, code: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Unit.id).where(Unit.code == code)).one()


def test_each_line_is_read_from_what_is_there(services: Services) -> None:
    before = lines(services)
    assert list(before) == list(Item)
    assert before[Item.HOLIDAYS].missing == 1
    assert before[Item.MAIL_LOOP].missing == 1
    assert before[Item.BACKUP].missing == 1
    assert before[Item.FIRST_CLOSING].missing == 1
    assert before[Item.TIME_STAMP].missing == int(services.timestamper is None)
    assert set(before[Item.SCANNERS].names) == {"ARR", "ARR-DGE"}
    with services.unit_of_work(NOW) as uow:
        fill_calendar(uow)
        uow.session.add_all(
            Bridge(name="Bureau", unit_id=unit_id(services, code), token_hash=code, paired_at=NOW, last_seen_at=NOW)
            for code in ("BO", "DGE")
        )
        uow.session.add(MailLoop(message_id="<x@exemple.tg>", sent_at=NOW, seen_at=NOW))
        checklist.see_backup(uow, actor=actor(services, "admin"))
    after = lines(services)
    for item in (Item.HOLIDAYS, Item.SCANNERS, Item.MAIL_LOOP, Item.BACKUP):
        assert after[item].is_done, item
    assert lines(services, now=NOW + timedelta(days=40))[Item.BACKUP].missing == 1, "it is asked again"
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Bridge).where(Bridge.token_hash == "BO")).one().revoked_at = NOW
    assert lines(services)[Item.SCANNERS].names == ("ARR",)


class NoSeal:
    """A sealer whose key is not there, or cannot be opened."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def certificate(self) -> None:
        if self._error is not None:
            raise self._error

    def seal(self, pdf: bytes, request: SignRequest) -> SignedPdf:
        raise AssertionError("nothing is sealed here")


@pytest.mark.parametrize("error", [None, ConfigError("seal.none", "x"), EngineFailed("key.unreachable", "x")])
def test_a_seal_is_in_place_only_where_its_key_can_be_opened(services: Services, error: Exception | None) -> None:
    """Each installation has a sealer; a new one has no key for it."""
    assert lines(replace(services, sealer=NoSeal(error)))[Item.SEAL].missing == 1


def test_a_post_that_falls_vacant_shows_in_its_lines(services: Services) -> None:
    before = lines(services)
    do(services, lambda now: wanted.given_post(now, "DGE-C", holder=None))
    do(services, lambda now: wanted.given_post(now, "BO-A", holder=None))
    after = lines(services)
    assert after[Item.VACANT].missing == before[Item.VACANT].missing + 2
    assert after[Item.HEADS].missing == before[Item.HEADS].missing + 1
    assert after[Item.CLERKS].missing > before[Item.CLERKS].missing
    assert "ARR" in after[Item.CLERKS].names


def test_a_closed_unit_or_register_or_account_is_not_missed(services: Services) -> None:
    do(services, lambda now: wanted.given_post(now, "DGE-C", holder=None))
    before = lines(services)
    do(services, lambda now: wanted.closed_unit(now, "DGE", successor="DAF", keeps_posts=True))
    after = lines(services)
    assert after[Item.HEADS].missing < before[Item.HEADS].missing
    assert after[Item.VACANT].missing < before[Item.VACANT].missing
    do(services, lambda now: wanted.closed_register(now, "ARR-DGE"))
    assert "ARR-DGE" not in lines(services)[Item.SCANNERS].names


def test_the_second_step_is_asked_of_all_who_bind_the_ministry(services: Services) -> None:
    assert lines(services)[Item.SECOND_STEP].missing == 3
    some = replace(services, second_factor_roles=frozenset({Role.SIGNATORY, Role.AUDITOR}))
    assert lines(some)[Item.SECOND_STEP].missing == 2
    assert lines(replace(services, second_factor_roles=checklist.BINDING))[Item.SECOND_STEP].is_done


@pytest.mark.parametrize(
    ("address", "missing"), [("http://127.0.0.1:8000", 1), ("http://localhost", 1), ("https://ged.eau.gouv.tg", 0)]
)
def test_the_address_that_is_printed_for_people_is_not_that_of_the_machine_itself(
    services: Services, address: str, missing: int
) -> None:
    assert lines(replace(services, public_url=address))[Item.ADDRESS].missing == missing


def test_a_ministry_without_a_register_is_told_to_open_some(services: Services) -> None:
    """Nothing lacks a clerk or a scanner on the first day: the list must not look nearly done."""
    assert lines(services)[Item.REGISTERS].is_done
    with services.reading() as session:
        codes = session.scalars(select(Register.code).where(Register.closed_at.is_(None))).all()
    for code in codes:
        do(services, lambda now, code=code: wanted.closed_register(now, code))
    assert lines(services)[Item.REGISTERS].missing == 1


def test_the_holidays_of_next_year_are_asked_for(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Holiday(on=date(TODAY.year, 12, 25), name="Noël"))
    assert lines(services)[Item.HOLIDAYS].missing == 1
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Holiday(on=date(TODAY.year + 1, 1, 1), name="Jour de l'an"))
    assert lines(services)[Item.HOLIDAYS].is_done


def test_an_administrator_of_one_ministry_sees_its_lines_only(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        other = Unit(code="AUTRE", name="Autre ministère", kind="ministry", is_entity=True)
        person = Person(account="loin", name="Loin", clearance=1, password_hash="x")
        uow.session.add_all([other, person])
        uow.session.flush()
        made = Post(code="LOIN", title="Administrateur", unit_id=other.id, roles=[PostRole(role=Role.ADMINISTRATOR)])
        vacant = Post(code="VIDE", title="Poste vide", unit_id=other.id)
        uow.session.add_all([made, vacant])
        uow.session.flush()
        uow.session.add(Holding(post_id=made.id, person_id=person.id, from_on=TODAY - timedelta(days=9)))
    services = replace(services, installation_accounts=())
    seen = lines(services, who="loin")
    assert set(seen) == set(Item) - checklist.OF_INSTALLATION
    assert seen[Item.HEADS].names == ("Autre ministère",)
    assert seen[Item.VACANT].names == ("Poste vide",)
    assert not seen[Item.FIRST_ACCESS].missing
    assert not seen[Item.SCANNERS].missing


def test_it_asks_as_much_of_a_large_ministry_and_looks_at_no_letter(services: Services) -> None:
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    me = actor(services, "admin")
    event.listen(services.engine, "before_cursor_execute", note)

    def count() -> int:
        asked.clear()
        with services.reading() as session:
            checklist.checklist(session, services, me, on=TODAY, now=NOW)
        return len(asked)

    before = count()
    top = unit_id(services, "MIN")
    with services.unit_of_work(NOW) as uow:
        for number in range(300):
            made = Unit(code=f"U{number}", name=f"Service {number}", kind="service", is_entity=False, parent_id=top)
            uow.session.add(made)
            uow.session.flush()
            uow.session.add(Post(code=f"P{number}", title="Agent", unit_id=made.id))
            uow.session.add(Person(account=f"p{number}", name=f"Personne {number}", clearance=1))
    me = actor(services, "admin")
    assert count() == before <= 14
    assert not [one for one in asked if " mails" in one or "mail_numbers" in one]
    started = time.process_time()
    count()
    assert time.process_time() - started < 1, "50 ms on a quiet machine"


def test_the_home_page_of_an_administrator_leads_there_until_all_is_done(
    place: tuple[Flask, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _services = place
    client = sign_in(app, "admin")
    assert f"{ROOT}/" in client.get("/").text
    page = client.get(f"{ROOT}/").text
    assert "Le cachet du ministère est en place" in page
    assert "points restent à régler" in page
    assert f"{ROOT}/" not in sign_in(app, "agent").get("/").text
    monkeypatch.setattr(checklist, "left", lambda _lines: 0)
    assert f"{ROOT}/" not in client.get("/").text
    assert "Tout est en place." in client.get(f"{ROOT}/").text


def test_a_restored_backup_is_said_once_and_stands_in_the_journal(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    assert post(client, f"{ROOT}/sauvegarde", {}, page=f"{ROOT}/").status_code == 303
    assert "a vu une sauvegarde restaurée" in client.get("/administration/journal").text
    now = datetime.now(UTC)
    with services.reading() as session:
        found = checklist.checklist(session, services, actor(services, "admin"), on=now.date(), now=now)
    assert next(one for one in found if one.item is Item.BACKUP).is_done


def test_a_drill_that_proved_a_copy_counts_and_one_that_failed_does_not(place: tuple[Flask, Services]) -> None:
    _app, services = place
    for action, is_done in ((DRILL_FAILED, False), (DRILLED, True)):
        with services.unit_of_work(NOW) as uow:
            uow.record(action, "backup", None, actor=SYSTEM)
        assert lines(services)[Item.BACKUP].is_done is is_done


def test_only_an_administrator_enters(place: tuple[Flask, Services]) -> None:
    app, _services = place
    for account in ("agent", "sg", "dge"):
        client = sign_in(app, account)
        assert client.get(f"{ROOT}/").status_code == 403, account
        assert post(client, f"{ROOT}/sauvegarde", {}).status_code == 403, account
