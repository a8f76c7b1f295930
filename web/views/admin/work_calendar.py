"""The calendar by which time limits are counted: public holidays and the working week. Shown before, confirmed, taken back."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid, StaleVersion
from ged.routing import calendar, calendar_changes
from ged.routing.calendar_changes import Changed
from web.site import context, unknown_filters
from web.site.forms import FormReader
from web.site.i18n import full_date, short_date
from web.site.pages import render_form
from web.words.labels import WEEKDAYS
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("work_calendar", __name__, url_prefix="/administration/calendrier")
YEARS = 3
"""Years that are filled at once."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Working week and holidays of a year."""
    return _index()


def _index(error: GedError | None = None, *, of_week: bool = False) -> ResponseReturnValue:
    """The page; after an error with what was sent, in the form of the week or in that of a day."""
    years = range(calendar_changes.FIRST_YEAR, calendar_changes.LAST_YEAR + 1)
    year = unknown_filters.number("annee", years) or context.today().year
    with context.services().reading() as session:
        rows = calendar.list_holidays(session, year)
        weekdays = sorted(calendar.calendar(session).weekdays)
        days, weeks = calendar_changes.last_holidays(session), calendar_changes.last_weeks(session)
    return render_form(
        "work_calendar/index.html",
        error=error,
        form=request.values if error is not None else None,
        rows=rows,
        weekdays=weekdays,
        choices=list(WEEKDAYS.items()),
        year=year,
        days=days,
        weeks=weeks,
        of_week=of_week,
        day_words=_day_words,
        week_words=_week_words,
    )


def _day_words(day: Mapping[str, Any] | None) -> str:
    """A day of the calendar as it is, was or will be."""
    if day is None:
        return str(_("jour ordinaire"))
    kind = _("férié") if day["is_off"] else _("travaillé")  # in an f-string it would not be found for translation
    return f"{day['name']} ({kind})"


def _week_words(weekdays: frozenset[int]) -> str:
    """The days worked, as a list."""
    return ", ".join(str(WEEKDAYS[day]) for day in sorted(weekdays))


# --- a day --------------------------------------------------------------------------------------------------------


@blueprint.get("/jour/apercu")
def check_day() -> ResponseReturnValue:
    """What a changed day would move, before it is saved."""
    fields = FormReader(request.args)
    try:
        return _show_day(*_day_of(fields))
    except Invalid as error:
        return _index(error)


def _day_of(fields: FormReader) -> tuple[date, str, bool]:
    """The day of a form, its name, and whether it is off.

    Raises:
        FormRefused: a field is missing or wrong.
    """
    on, name = fields.day("on", required=True), fields.text("name", required=True, maximum=calendar_changes.MAX_NAME)
    is_off = not fields.ticked("worked")
    fields.check()
    if on is None:
        raise Invalid("form.required", "fill it in", field="on")
    return on, name, is_off


def _show_day(
    on: date, name: str, is_off: bool, error: StaleVersion | None = None, shown: str = ""
) -> ResponseReturnValue:
    """The preview of a day; after a conflict (``error``) also what the page had shown."""
    preview = calendar_changes.preview_holiday(
        context.services(), on, name=name, is_off=is_off, actor=context.actor(), now=context.now()
    )
    values = {"on": on.isoformat(), "name": name, "shown": calendar_changes.version_of(preview.before)}
    return render_form(
        "work_calendar/check.html",
        error=error,
        title=full_date(on),
        action=url_for(".set_day"),
        values=list((values if is_off else {**values, "worked": "1"}).items()),
        seen=_seen_day(shown) if error is not None else "",
        before=_day_words(preview.before),
        after=_day_words({"name": name, "is_off": is_off}),
        moved=_will_move(preview.changed),
        year=on.year,
    )


def _seen_day(shown: str) -> str:
    """The day that a preview had shown, in words; a dash where the form does not say it."""
    try:
        return _day_words(json.loads(shown))
    except (ValueError, TypeError, KeyError, RecursionError):
        return "—"


@blueprint.post("/jour")
def set_day() -> ResponseReturnValue:
    """Add, correct or strike out a holiday, as it was shown."""
    fields, shown = FormReader(request.form), request.form.get("shown", "")
    try:
        on, name, is_off = _day_of(fields)
        try:
            with context.services().unit_of_work(context.now()) as uow:
                changed = calendar_changes.set_holiday(
                    uow, on, name=name, is_off=is_off, actor=context.actor(), shown=shown
                )
        except StaleVersion as error:
            return _show_day(on, name, is_off, error, shown)
    except Invalid as error:
        return _index(error)
    flash(_("Le calendrier est enregistré.") + _moved(changed), "success")
    return redirect(url_for(".index", annee=on.year), 303)


@blueprint.post("/annuler/<int:sequence>")
def undo_day(sequence: int) -> ResponseReturnValue:
    """Bring a day back to what it was before a change."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            done, changed = calendar_changes.undo_holiday(uow, sequence, actor=context.actor())
    except Invalid as error:
        return _index(error)
    flash(_("Le changement est annulé.") + _moved(changed), "success")
    return redirect(url_for(".index", annee=done.on.year), 303)


# --- the working week ---------------------------------------------------------------------------------------------


@blueprint.get("/semaine/apercu")
def check_week() -> ResponseReturnValue:
    """What another working week would move, before it is saved."""
    try:
        return _show_week(_week_of(FormReader(request.args)))
    except Invalid as error:
        return _index(error, of_week=True)


def _week_of(fields: FormReader) -> frozenset[int]:
    """The days worked of a form.

    Raises:
        FormRefused: a value is no number.
    """
    weekdays = frozenset(fields.integers("weekdays"))
    fields.check()
    return weekdays


def _show_week(
    weekdays: frozenset[int], error: StaleVersion | None = None, seen: frozenset[int] = frozenset()
) -> ResponseReturnValue:
    """The preview of a working week; after a conflict (``error``) also what the page had shown."""
    preview = calendar_changes.preview_week(context.services(), weekdays, actor=context.actor(), now=context.now())
    return render_form(
        "work_calendar/check.html",
        error=error,
        title=_("Semaine de travail"),
        action=url_for(".set_week"),
        values=[
            *(("weekdays", day) for day in sorted(weekdays)),
            ("shown", " ".join(map(str, sorted(preview.before)))),
        ],
        seen=_week_words(seen) or "—" if error is not None else "",
        before=_week_words(preview.before),
        after=_week_words(weekdays),
        moved=_will_move(preview.changed),
        year=context.today().year,
    )


@blueprint.post("/semaine")
def set_week() -> ResponseReturnValue:
    """Set the working week, as it was shown."""
    shown = frozenset(day for day in WEEKDAYS if str(day) in request.form.get("shown", "").split())
    try:
        weekdays = _week_of(FormReader(request.form))
        try:
            with context.services().unit_of_work(context.now()) as uow:
                changed = calendar_changes.set_working_week(uow, weekdays, actor=context.actor(), shown=shown)
        except StaleVersion as error:
            return _show_week(weekdays, error, shown)
    except Invalid as error:
        return _index(error, of_week=True)
    flash(_("La semaine de travail est enregistrée.") + _moved(changed), "success")
    return redirect(url_for(".index"), 303)


@blueprint.post("/semaine/annuler/<int:sequence>")
def undo_week(sequence: int) -> ResponseReturnValue:
    """Bring the working week back to what it was before a change."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            changed = calendar_changes.undo_week(uow, sequence, actor=context.actor())
    except Invalid as error:
        return _index(error, of_week=True)
    flash(_("Le changement est annulé.") + _moved(changed), "success")
    return redirect(url_for(".index"), 303)


@blueprint.post("/remplir")
def fill() -> ResponseReturnValue:
    """Fill the coming years from the list of holidays; edited holidays are kept."""
    with context.services().unit_of_work(context.now()) as uow:
        years = range(context.today().year, context.today().year + YEARS)
        changed = calendar_changes.fill(uow, years, actor=context.actor())
    flash(ngettext("%(num)s jour ajouté.", "%(num)s jours ajoutés.", changed.days) + _moved(changed), "success")
    return redirect(url_for(".index"), 303)


def _will_move(changed: Changed) -> str:
    """How many letters will have another date, and the soonest of these dates. Which letters: not all may know."""
    if not changed.letters or changed.soonest is None:
        return str(_("Aucune échéance ne bouge."))
    said: str = ngettext(
        "L'échéance de %(num)s courrier en cours sera déplacée.",
        "Les échéances de %(num)s courriers en cours seront déplacées.",
        changed.letters,
    )
    old, new = (short_date(day) for day in changed.soonest)
    return f"{said} " + str(_("La plus proche passe du %(old)s au %(new)s.", old=old, new=new))


def _moved(changed: Changed) -> str:
    """A text with the number of letters whose date moved, to append to the confirmation."""
    if not changed.letters:
        return " " + str(_("Aucune échéance n'a bougé."))
    said: str = ngettext(
        "L'échéance de %(num)s courrier en cours a été déplacée.",
        "Les échéances de %(num)s courriers en cours ont été déplacées.",
        changed.letters,
    )
    return f" {said}"
