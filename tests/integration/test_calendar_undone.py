"""A day of the calendar and the working week: what a change moves is said before, it does what was shown, and it is taken back."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry, AuditPayload
from ged.errors import Forbidden, Invalid, NotFound, StaleVersion
from ged.routing import calendar, calendar_changes
from ged.routing.models import Holiday
from ged.unit import Services
from tests.administration_kit import dump
from tests.calendar_kit import MONDAY, counted, dates, made
from tests.factories import NOW, actor, make_services
from tests.site import make_site, post, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.in_turns(3)]
LATER = NOW + timedelta(hours=1)
PAGE = "/administration/calendrier"
WEEK = frozenset(range(5))
SATURDAY = WEEK | {5}


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
        return calendar_changes.last_holidays(session)


def undo(services: Services, sequence: int, who: str = "admin") -> None:
    with services.unit_of_work(LATER) as uow:
        calendar_changes.undo_holiday(uow, sequence, actor=actor(services, who))


def day(services: Services, on: date) -> tuple[object, ...] | None:
    with services.reading() as session:
        row = session.get(Holiday, on)
        return (row.name, row.is_off, row.is_edited, row.is_estimate) if row is not None else None


def test_what_would_move_is_said_and_nothing_is_done(services: Services) -> None:
    over = counted(services, 6)
    before, was = dump(services), dates(services, over)
    preview = calendar_changes.preview_holiday(
        services, MONDAY, name="Tabaski", is_off=True, actor=actor(services, "admin"), now=NOW
    )
    assert (preview.changed.letters, preview.before) == (1, None)
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


def set_week(services: Services, weekdays: frozenset[int], shown: frozenset[int] | None = None) -> None:
    with services.unit_of_work(NOW) as uow:
        calendar_changes.set_working_week(uow, weekdays, actor=actor(services, "admin"), shown=shown)


def week(services: Services) -> frozenset[int]:
    with services.reading() as session:
        return calendar.calendar(session).weekdays


def weeks(services: Services) -> list[calendar_changes.WeekChange]:
    with services.reading() as session:
        return calendar_changes.last_weeks(session)


def undo_week(services: Services, sequence: int, who: str = "admin") -> None:
    with services.unit_of_work(LATER) as uow:
        calendar_changes.undo_week(uow, sequence, actor=actor(services, who))


def test_another_week_is_shown_done_and_taken_back_with_the_dates_that_it_moved(services: Services) -> None:
    over = counted(services, 6)
    before, was = dump(services), dates(services, over)
    preview = calendar_changes.preview_week(services, SATURDAY, actor=actor(services, "admin"), now=NOW)
    assert (preview.changed.letters, preview.before) == (1, WEEK)
    assert dump(services) == before
    set_week(services, SATURDAY, WEEK)
    assert (week(services), dates(services, over) == was) == (SATURDAY, False)
    (change,) = weeks(services)
    assert (change.before, change.after, change.may_undo) == (WEEK, SATURDAY, True)
    undo_week(services, change.sequence)
    assert (week(services), dates(services, over)) == (WEEK, was)
    assert not weeks(services)[0].may_undo
    with services.reading() as session:
        told = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == "calendar.undone")
        ).one()
    assert (told["of"], told["before"], told["after"], told["moved"]) == (
        change.sequence, [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4], 1,
    )  # fmt: skip


def test_a_week_that_changed_again_is_not_taken_back(services: Services) -> None:
    set_week(services, SATURDAY)
    set_week(services, WEEK - {4})
    second, first = weeks(services)
    assert (second.may_undo, first.may_undo) == (True, False)
    with pytest.raises(Invalid, match=r"calendar\.week_changed_since"):
        undo_week(services, first.sequence)
    with pytest.raises(Forbidden):
        undo_week(services, second.sequence, "agent")
    with pytest.raises(NotFound):
        undo_week(services, second.sequence + 1)
    assert week(services) == WEEK - {4}


def test_what_is_confirmed_is_what_was_shown(services: Services) -> None:
    me = actor(services, "admin")
    seen = calendar_changes.preview_holiday(services, MONDAY, name="Aïd", is_off=True, actor=me, now=NOW)
    shown = calendar_changes.version_of(seen.before)
    set_day(services, MONDAY, "Deuil national")
    set_week(services, SATURDAY)
    before = dump(services)
    with pytest.raises(StaleVersion), services.unit_of_work(NOW) as uow:
        calendar_changes.set_holiday(uow, MONDAY, name="Aïd", is_off=True, actor=me, shown=shown)
    with pytest.raises(StaleVersion):
        set_week(services, WEEK - {4}, WEEK)
    assert dump(services) == before


def test_what_is_so_already_is_no_change(services: Services) -> None:
    set_day(services, MONDAY)
    set_week(services, SATURDAY)
    for change in (lambda: set_day(services, MONDAY), lambda: set_week(services, SATURDAY, WEEK)):
        with pytest.raises(Invalid, match=r"calendar\.nothing"):
            change()


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
    confirmed = {**sent, "shown": calendar_changes.version_of(None)}
    assert post(client, f"{PAGE}/jour", sent).status_code == 409, "without a preview"
    assert post(client, f"{PAGE}/jour", confirmed).status_code == 303
    assert "déjà ainsi" in post(client, f"{PAGE}/jour", confirmed).text
    overtaken = post(client, f"{PAGE}/jour", {**confirmed, "name": "Korité"})
    assert overtaken.status_code == 409
    for version in ("jour ordinaire", "Aïd el-Fitr (férié)", "Korité (férié)"):
        assert version in overtaken.text
    listed = client.get(f"{PAGE}?annee=2027").text
    assert "Derniers changements" in listed
    (change,) = last(services)
    assert post(client, f"{PAGE}/annuler/{change.sequence}", {}).status_code == 303
    assert day(services, date(2027, 3, 10)) is None
    assert post(client, f"{PAGE}/annuler/{change.sequence}", {}).status_code == 422
    assert post(client, f"{PAGE}/annuler/99999", {}).status_code == 404


def test_the_pages_show_a_week_before_and_take_it_back(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    client = sign_in(app, "admin")
    shown = client.get(f"{PAGE}/semaine/apercu?weekdays=0&weekdays=1").text
    assert "lundi, mardi, mercredi, jeudi, vendredi" in shown
    assert "Aucune échéance ne bouge" in shown
    assert week(services) == WEEK
    assert client.get(f"{PAGE}/semaine/apercu").status_code == 422
    assert client.get(f"{PAGE}/semaine/apercu?weekdays=x").status_code == 422
    sent = {"weekdays": ["0", "1"], "shown": "0 1 2 3 4"}
    assert post(client, f"{PAGE}/semaine", sent).status_code == 303
    assert week(services) == {0, 1}
    overtaken = post(client, f"{PAGE}/semaine", {**sent, "weekdays": ["5", "6"]})
    assert overtaken.status_code == 409
    for version in ("lundi, mardi, mercredi, jeudi, vendredi", "lundi, mardi<", "samedi, dimanche"):
        assert version in overtaken.text
    (change,) = weeks(services)
    assert f"{PAGE}/semaine/annuler/{change.sequence}" in client.get(PAGE).text
    assert "changé depuis" not in client.get(PAGE).text
    assert post(client, f"{PAGE}/semaine/annuler/{change.sequence}", {}).status_code == 303
    assert week(services) == WEEK
    assert "changé depuis" in client.get(PAGE).text, "what was taken back does not look as if it stood"
    assert post(client, f"{PAGE}/semaine/annuler/{change.sequence}", {}).status_code == 422


def test_the_pages_say_from_which_day_to_which_the_soonest_date_goes(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    later, soonest = counted(services, 8), counted(services, 6)
    shown = sign_in(app, "admin").get(f"{PAGE}/jour/apercu", query_string={"on": str(MONDAY), "name": "Deuil"}).text
    assert (
        "Les échéances de 2 courriers en cours seront déplacées. La plus proche passe du 02/12/2026 au 03/12/2026."
        in shown
    )
    assert [dates(services, one)[0] for one in (soonest, later)] == [date(2026, 12, 2), date(2026, 12, 4)]


def test_a_refused_day_leaves_the_boxes_of_the_week_as_they_are(tmp_path: Path) -> None:
    app, _services = make_site(tmp_path)
    refused = sign_in(app, "admin").get(f"{PAGE}/jour/apercu?on=x&name=Fête").text
    assert 'value="Fête"' in refused
    assert refused.count(" checked") == 5
