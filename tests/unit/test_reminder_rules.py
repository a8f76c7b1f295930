"""When reminders of a due date are sent: pure rules."""

from datetime import date

import pytest

from ged.errors import Invalid
from ged.notices.rules import Rule, chosen, rule_of, step
from ged.routing.deadlines import WorkCalendar

WEEK = WorkCalendar(frozenset(range(5)), frozenset({date(2026, 12, 25)}))
RULE = rule_of("2/1/5")
DUE = date(2026, 11, 26)
"""A Thursday."""


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 11, 23), None),  # three working days before
        (date(2026, 11, 24), "-2"),
        (date(2026, 11, 26), "-2"),
        (date(2026, 11, 27), "+1"),
        (date(2026, 12, 3), "+1"),  # the fifth working day
        (date(2026, 12, 4), "+1.1"),
        (date(2026, 12, 11), "+1.2"),
    ],
)
def test_reminders_come_two_working_days_before_the_day_after_then_each_week(today: date, expected: str | None) -> None:
    assert step(RULE, DUE, today, WEEK) == expected


def test_a_week_end_after_the_date_is_no_working_day_late() -> None:
    friday = date(2026, 11, 27)
    assert step(RULE, friday, date(2026, 11, 28), WEEK) is None
    assert step(RULE, friday, date(2026, 11, 30), WEEK) == "+1"


def test_a_holiday_is_not_counted() -> None:
    monday = date(2026, 12, 28)
    assert step(rule_of("1/1/5"), monday, date(2026, 12, 23), WEEK) is None
    assert step(rule_of("1/1/5"), monday, date(2026, 12, 24), WEEK) == "-1"


def test_zero_and_a_dash_mean_none() -> None:
    assert step(rule_of("0/1/0"), DUE, DUE, WEEK) is None
    assert step(rule_of("0/1/0"), DUE, date(2026, 12, 24), WEEK) == "+1", "and no other"
    assert step(rule_of("-"), DUE, date(2026, 12, 24), WEEK) is None


def test_a_rule_may_name_several_days() -> None:
    rule = Rule((-5, 0, 3))
    days = {date(2026, 11, 18): None, date(2026, 11, 19): "-5", DUE: "+0", date(2026, 11, 27): None}
    days |= {date(2026, 12, 1): "+3", date(2026, 12, 31): "+3"}
    assert {day: step(rule, DUE, day, WEEK) for day in days} == days


def test_the_nearest_rule_holds() -> None:
    assert chosen("", " ", "1/0/0", "2/1/5") == Rule((-1,))
    assert chosen("-", "2/1/5") == Rule(())
    assert chosen("", "") == Rule(())
    assert chosen("", Rule(()), "2/1/5") == RULE, "a nature without days"
    assert chosen("", Rule((-1, 0)), "2/1/5") == Rule((-1, 0))
    assert chosen("-", Rule((-1, 0)), "2/1/5") == Rule(())


@pytest.mark.parametrize("text", ["", "2/1", "a/b/c", "2/1/5/7", "-1/1/5", "200/1/5"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rule_of(text)
