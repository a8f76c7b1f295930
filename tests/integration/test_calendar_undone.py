"""A day of the calendar: what it moves is said before, and a change is taken back while the day is as it left it."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry, AuditPayload
from ged.errors import Forbidden, Invalid, NotFound
from ged.routing import calendar_changes
from ged.routing.models import Holiday
from ged.unit import Services
from tests.administration_kit import dump
from tests.calendar_kit import MONDAY, counted, dates, made
from tests.factories import NOW, actor, make_services
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.slow
LATER = NOW + timedelta(hours=1)
PAGE = "/administration/calendrier"


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    services = made(make_services(tmp_path, url=either_database))
    yield services
    services.engine.dispose()


def set_day(services: Services, on: date, name: str = "Tabaski", *, is_off: bool = True) -> None:
    with services.unit_of_work(NOW) as uow:
        calendar_changes.set_holiday(uow, on, name=name, is_off=is_off, actor=actor(services, "admin"))


def last(services: Services) -> list[calendar_changes.DayChange]:
    with services.reading() as session:
        return calendar_changes.last_changes(session)


def undo(services: Services, sequence: int, who: str = "admin") -> None:
    with services.unit_of_work(LATER) as uow:
        calendar_changes.undo(uow, sequence, actor=actor(services, who))


def day(services: Services, on: date) -> tuple[object, ...] | None:
    with services.reading() as session:
        row = session.get(Holiday, on)
        return (row.name, row.is_off, row.is_edited, row.is_estimate) if row is not None else None


def test_what_would_move_is_said_and_nothing_is_done(services: Services) -> None:
    over = counted(services, 6)
    before, was = dump(services), dates(services, over)
    changed, told = calendar_changes.preview_holiday(
        services, MONDAY, name="Tabaski", is_off=True, actor=actor(services, "admin"), now=NOW
    )
    assert (changed.letters, told) == (1, None)
    assert dump(services) == before
    set_day(services, MONDAY)
    assert dates(services, over) != was


def test_a_day_added_is_taken_back_with_the_dates_that_it_moved(services: Services) -> None:
    over = counted(services, 6)
    was = dates(services, over)
    set_day(services, MONDAY)
    (change,) = last(services)
    assert (change.on, change.before, change.may_undo) == (MONDAY, None, True)
    undo(services, change.sequence)
    assert (day(services, MONDAY), dates(services, over)) == (None, was)
    assert not last(services)[0].may_undo
    with services.reading() as session:
        told = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == "calendar.undone")
        ).one()
    assert (told["of"], told["after"], told["moved"]) == (change.sequence, None, 1)


def test_a_feast_that_was_an_estimate_is_one_again(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Holiday(on=date(2027, 3, 10), name="Aïd el-Fitr", is_estimate=True))
    was = day(services, date(2027, 3, 10))
    set_day(services, date(2027, 3, 10), "Aïd el-Fitr", is_off=False)
    undo(services, last(services)[0].sequence)
    assert day(services, date(2027, 3, 10)) == was == ("Aïd el-Fitr", True, False, True)


def test_of_two_changes_of_a_day_only_the_last_is_taken_back(services: Services) -> None:
    set_day(services, MONDAY, "Un")
    set_day(services, MONDAY, "Deux")
    second, first = last(services)
    assert (second.may_undo, first.may_undo) == (True, False)
    with pytest.raises(Invalid) as refusal:
        undo(services, first.sequence)
    assert refusal.value.code == "calendar.changed_since"
    undo(services, second.sequence)
    undo(services, first.sequence)
    assert day(services, MONDAY) is None


def test_who_may_not_and_what_is_no_change(services: Services) -> None:
    set_day(services, MONDAY)
    (change,) = last(services)
    with pytest.raises(Forbidden):
        undo(services, change.sequence, "agent")
    with pytest.raises(NotFound):
        undo(services, change.sequence + 1)


def test_the_pages_say_before_and_take_back(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    client = sign_in(app, "admin")
    sent = {"on": "10/03/2027", "name": "Aïd el-Fitr"}
    shown = client.get(f"{PAGE}/jour/apercu", query_string=sent).text
    assert "jour ordinaire" in shown
    assert "Aïd el-Fitr (férié)" in shown
    assert "Aucune échéance ne bouge" in shown
    assert day(services, date(2027, 3, 10)) is None
    assert client.get(f"{PAGE}/jour/apercu", query_string={"on": "10/03/2027"}).status_code == 422
    assert post(client, f"{PAGE}/jour", sent).status_code == 303
    listed = client.get(f"{PAGE}?annee=2027").text
    assert "Derniers jours changés" in listed
    (change,) = last(services)
    assert post(client, f"{PAGE}/annuler/{change.sequence}", {}).status_code == 303
    assert day(services, date(2027, 3, 10)) is None
    assert post(client, f"{PAGE}/annuler/{change.sequence}", {}).status_code == 422
    assert post(client, f"{PAGE}/annuler/99999", {}).status_code == 404
