"""When a reminder of a date is due. Pure: a rule, the date, the day, the calendar."""

import re
from dataclasses import dataclass
from datetime import date

from ged.errors import Invalid
from ged.routing.deadlines import WorkCalendar, working_days_between

_TEXT = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{1,2})")
NONE = "-"


@dataclass(frozen=True)
class Rule:
    """When a date is reminded of.

    Attributes:
        on: working days after the date, ascending; before it: negative.
        every: after the last of them, again each so many working days; 0: not again.
    """

    on: tuple[int, ...]
    every: int = 0


def rule_of(text: str) -> Rule:
    """A rule from its text: working days before the date, after it, then every so many (``2/1/5``; 0: no such reminder),
    or ``-`` for none at all.

    Raises:
        Invalid: ``reminder.rule``.
    """
    found = _TEXT.fullmatch(text.strip())
    if text.strip() == NONE:
        return Rule(())
    if found is None:
        raise Invalid("reminder.rule", "write three numbers of working days, as in 2/1/5", field="reminder")
    before, after, every = (int(one) for one in found.groups())
    return Rule((*((-before,) if before else ()), *((after,) if after else ())), every if after else 0)


def chosen(*given: str | Rule) -> Rule:
    """The first rule that is given, of the nearest to the most general: a mention's, the nature's, the installation's.

    Args:
        given: rules or their texts; an empty text and a rule without a day are skipped.

    Raises:
        Invalid: ``reminder.rule``.
    """
    for one in given:
        if isinstance(one, Rule) and one.on:
            return one
        if isinstance(one, str) and one.strip():
            return rule_of(one)
    return Rule(())


def step(rule: Rule, due_on: date, today: date, calendar: WorkCalendar) -> str | None:
    """The name of the reminder that is due now: its day in the rule, with a count where it comes again; or None.

    A reminder that a stopped service missed is made up by the next one, not one by one. After the date nobody is
    reminded that it comes.
    """
    elapsed = -working_days_between(today, due_on, calendar)
    reached = [day for day in rule.on if day <= elapsed]
    if not reached or (today > due_on and reached[-1] <= 0):
        return None
    again = (elapsed - reached[-1]) // rule.every if rule.every and reached[-1] == rule.on[-1] else 0
    return f"{reached[-1]:+d}" + (f".{again}" if again else "")
