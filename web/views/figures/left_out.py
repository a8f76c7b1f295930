"""Days that a forecast leaves aside, a strike say: chosen in the address (``sans=2026-11-09..2026-11-13``, several with commas between them)."""

from collections.abc import Sequence
from datetime import date, timedelta

from werkzeug.datastructures import MultiDict

from ged.figures.periods import ONE_DAY, Period
from ged.outlook.forecast import NOW
from web.site.forms import FormReader

NAME, FIRST, LAST = "sans", "sans_du", "sans_au"
"""The days in an address; the two fields of the form that adds some."""
MOST = 10
"""Spans of days in an address."""


def read(args: MultiDict[str, str], today: date) -> tuple[tuple[Period, ...], list[str]]:
    """The spans of days that are left aside, in the order of time and without doubles; and what was typed and is no such span.

    Only days of the weeks at which a forecast looks have a meaning: before today, and 16 weeks back.
    """
    typed = [one.strip() for text in args.getlist(NAME) for one in text.split(",") if one.strip()]
    fields = FormReader(args)
    first, last = fields.day(FIRST), fields.day(LAST)
    wrong = [args[name] for name, day in ((FIRST, first), (LAST, last)) if args.get(name, "").strip() and day is None]
    if first is not None or last is not None:
        typed.append(f"{first or last}..{last or first}")
    spans: list[Period] = []
    for one in typed:
        span = _span(one, today)
        if span is None or len(spans) == MOST:
            wrong.append(one)
        else:
            spans.append(span)
    return _joined(spans), wrong


def _span(typed: str, today: date) -> Period | None:
    since, _dots, until = typed.partition("..")
    try:
        found = Period(date.fromisoformat(since), date.fromisoformat(until or since))
    except ValueError:
        return None
    return found if found.until < today and found.until >= today - timedelta(days=NOW) else None


def _joined(spans: Sequence[Period]) -> tuple[Period, ...]:
    """The spans in the order of time; those that touch are one."""
    found: list[Period] = []
    for one in sorted(spans, key=lambda span: span.since):
        if found and one.since <= found[-1].until + ONE_DAY:
            found[-1] = Period(found[-1].since, max(found[-1].until, one.until))
        else:
            found.append(one)
    return tuple(found)


def written(spans: Sequence[Period]) -> str:
    """The spans as the address has them."""
    return ",".join(
        one.since.isoformat() if one.days == 1 else f"{one.since.isoformat()}..{one.until.isoformat()}" for one in spans
    )


def days(spans: Sequence[Period], today: date) -> frozenset[date]:
    """The days of the spans at which a forecast looks."""
    earliest = today - timedelta(days=NOW)
    return frozenset(
        day
        for one in spans
        for n in range((one.until - max(one.since, earliest)).days + 1)
        if (day := max(one.since, earliest) + timedelta(days=n)) <= one.until
    )
