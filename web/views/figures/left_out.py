"""Days that a forecast leaves aside, a strike say: chosen in the address (``sans=2026-11-09..2026-11-13``, several with commas between them)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from werkzeug.datastructures import MultiDict

from ged.errors import Invalid
from ged.figures.periods import ONE_DAY, Period
from ged.outlook.forecast import NOW
from web.site.forms import FormReader

NAME, FIRST, LAST = "sans", "sans_du", "sans_au"
"""The days in an address; the two fields of the form that adds some."""
MOST = 10
"""Spans of days in an address."""


class LeftOut(NamedTuple):
    """The days that an address leaves aside.

    Attributes:
        spans: in the order of time and without doubles.
        wrong: what was typed and is no such span.
        errors: at the two fields of the form.
    """

    spans: tuple[Period, ...]
    wrong: list[str]
    errors: tuple[Invalid, ...]


def read(args: MultiDict[str, str], today: date) -> LeftOut:
    """Read the days that are left aside.

    Only days of the weeks at which a forecast looks have a meaning: before today, and 16 weeks back.
    """
    typed = [one.strip() for text in args.getlist(NAME) for one in text.split(",") if one.strip()]
    wrong: list[str] = []
    spans: list[Period] = []
    for one in typed:
        span = _span(one)
        if span is None or _error(span, today) is not None or len(spans) == MOST:
            wrong.append(one)
        else:
            spans.append(span)
    added, errors = _typed_in_form(args, today, is_full=len(spans) == MOST)
    if errors:
        # As the person wrote them. A day that is right is not applied without the other one: the span would be another.
        wrong.append(" – ".join(args[name].strip() for name in (FIRST, LAST) if args.get(name, "").strip()))
    return LeftOut(_joined([*spans, *added]), wrong, errors)


def _typed_in_form(
    args: MultiDict[str, str], today: date, *, is_full: bool
) -> tuple[tuple[Period, ...], tuple[Invalid, ...]]:
    """The span of the two fields, if there is one; and the errors at them."""
    fields = FormReader(args)
    first, last = fields.days(FIRST, LAST)
    refused = fields.wrong()
    if refused is not None:
        return (), refused.errors
    since, until = first or last, last or first
    if since is None or until is None:
        return (), ()
    span = Period(since, until)
    error = _error(span, today, field=LAST if last is not None else FIRST)
    if error is None and is_full:
        error = Invalid("figures.left_many", "count some of them again first", field=FIRST, most=MOST)
    return ((), (error,)) if error is not None else ((span,), ())


def _span(typed: str) -> Period | None:
    since, _dots, until = typed.partition("..")
    try:
        return Period(date.fromisoformat(since), date.fromisoformat(until or since))
    except ValueError:
        return None


def _error(span: Period, today: date, field: str = NAME) -> Invalid | None:
    """Why a forecast does not look at a span, or not at all of it."""
    if span.until >= today:
        return Invalid("figures.left_ahead", "choose days before today", field=field)
    if span.until < today - timedelta(days=NOW):
        return Invalid("figures.left_old", "choose later days", field=field, weeks=NOW // 7)
    return None


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
