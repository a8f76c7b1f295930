"""When the clock has jumped ahead, no number is given, least of all one of the next year."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.errors import Invalid
from ged.register import clock
from ged.unit import SYSTEM, Services
from tests.clock_kit import DAY, confirm, number, refusal
from tests.factories import NOW, make_organisation, make_services


@pytest.fixture
def services(tmp_path: Path) -> Services:
    made = make_services(tmp_path)
    make_organisation(made)
    return made


def test_a_clock_four_hundred_days_ahead_gives_no_number_and_nothing_is_lost(services: Services) -> None:
    first = number(services, NOW)
    assert refusal(services, NOW + 400 * DAY) == "clock.jump"
    assert (first, number(services, NOW)) == ("00001/2026/MIN", "00002/2026/MIN")


def test_a_new_installation_and_a_quiet_month_are_no_jump(services: Services) -> None:
    number(services, NOW)
    number(services, NOW + 3 * DAY)
    assert number(services, NOW + 45 * DAY) == "00001/2027/MIN"


def test_an_administrator_lets_numbers_go_on_for_the_day_that_was_confirmed(services: Services) -> None:
    number(services, NOW)
    later = NOW + 100 * DAY
    with pytest.raises(Invalid), services.unit_of_work(later) as uow:
        clock.confirm(uow, reason=" ", actor=SYSTEM)
    confirm(services, later - DAY)
    assert refusal(services, later) == "clock.jump", "confirmed for the day before"
    confirm(services, later)
    assert number(services, later) == "00001/2027/MIN"
    assert number(services, later + DAY) == "00002/2027/MIN"
    with services.reading() as session:
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.action == clock.CONFIRMED)).all()


@pytest.mark.parametrize(
    ("hour", "database", "code"),
    [
        (datetime(2027, 1, 1, 0, 5, tzinfo=UTC), datetime(2026, 12, 31, 23, 0, tzinfo=UTC), "clock.ahead"),
        (datetime(2027, 1, 1, 0, 5, tzinfo=UTC), datetime(2027, 1, 1, 0, 4, tzinfo=UTC), ""),
        (datetime(2027, 1, 1, 0, 5, tzinfo=UTC), datetime(2027, 1, 1, 9, 0, tzinfo=UTC), ""),
        (datetime(2027, 1, 1, 0, 5, tzinfo=UTC), None, ""),
    ],
)
def test_next_year_is_not_opened_before_the_databases_clock_opens_it(
    hour: datetime, database: datetime | None, code: str
) -> None:
    assert clock.doubt(hour.date(), date(2026, 12, 31), now=hour, others=[database] if database else []) == code


def test_the_first_number_ever_is_given_whatever_the_clock_says(services: Services) -> None:
    assert number(services, NOW + 4000 * DAY).startswith("00001/2037")
    assert date(2037, 11, 6) == (NOW + 4000 * DAY).date()
