"""The registers as books: their lines, their proof, their prints, and opening at a number."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.closing import operations as closing
from ged.closing import queries as closing_queries
from ged.errors import GedError, Invalid, InvalidTransition, NumberTaken, StaleVersion
from ged.monthly.rights import entities_to_prove
from ged.paging import Slice
from ged.ports import RegisterId
from ged.register import books, opening, registers
from ged.register.books import BookRow, Span, Wanted, YearRow
from ged.register.counters import is_by_year, year_of
from ged.register.models import ClosingPeriod, Direction, RegisterNature
from ged.register.numbering import MAX_LENGTH
from ged.register.states import MailState
from ged.reports import exports, register_pages
from web.site import context, destroyed_letters, unknown_filters
from web.site.forms import FormReader
from web.site.numbers import id_of, whole
from web.site.pages import place, render_form
from web.words.labels import label
from web.words.messages import gettext as _

blueprint = Blueprint("registers", __name__, url_prefix="/registres")

REFUSALS = (Invalid, NumberTaken)
_FAR = 10**9


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The registers that the actor may read, with the state of their numbers."""
    with context.services().reading() as session:
        rows = books.books(session, context.actor())
        years = books.years(session, [row.id for row in rows])
    may_take_over = any(row.is_kept and not row.is_closed and row.nature is RegisterNature.ARCHIVE for row in rows)
    return render_template(
        "registers/index.html",
        rows=rows,
        years=years,
        may_take_over=may_take_over,
        has_monthly_reports=bool(entities_to_prove(context.actor())),
    )


@blueprint.get("/<int:register_id>")
def show(register_id: int) -> ResponseReturnValue:
    """A year of a register, newest lines first (``?annee=&apres=&avant=&numero=``)."""
    return _show(register_id)


def _show(register_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        book = books.book(session, register_id, actor)
        asked = unknown_filters.parsed("annee", id_of)
        years = books.years(session, [book.id], chosen=asked).get(book.id, [])
        if asked not in (None, year_of(book, context.today()), *(row.year for row in years)):
            unknown_filters.tell("annee")
            asked = None
        year = _chosen(book, years, asked)
        wanted = request.args.get("numero", "").strip()[:MAX_LENGTH]
        span = books.find(session, book.id, wanted, year.year) if wanted else Span(year.year)
        filters = _filters()
        if span is not None and not wanted:
            span = replace(span, from_on=filters.days[0], until_on=filters.days[1])
        if span is not None and span.year != year.year:
            years = books.years(session, [book.id], chosen=span.year).get(book.id, [])
            year = _chosen(book, years, span.year)
        rows, page = (
            books.page(session, book.id, span, actor, place(), wanted=filters.wanted)
            if span is not None
            else ([], Slice(()))
        )
        gone = destroyed_letters.of_rows(session, rows)
    return render_form(
        "registers/show.html",
        error=error or filters.wrong,
        form=request.values if error is not None else {},
        status=None if error is not None else 200,
        book=book,
        years=years,
        year=year,
        rows=rows,
        destroyed=gone,
        page=page,
        wanted=wanted,
        is_number=span is not None,
        filters=filters,
        states=[(state.value, label(state)) for state in _STATES[book.direction]],
    )


@dataclass(frozen=True)
class _Filters:
    """What the reader typed above the lines: days, a name, a state (``?depuis=&jusqu=&nom=&etat=``)."""

    days: tuple[date | None, date | None]
    wanted: Wanted | None
    wrong: Invalid | None


_INCOMING = (MailState.TO_IMPUTE, MailState.ASSIGNED, MailState.ANSWERED, MailState.CLOSED, MailState.VOIDED)
_OUTGOING = (MailState.NUMBERED, MailState.SIGNED, MailState.DISPATCHED, MailState.CLOSED, MailState.VOIDED)
_STATES = {
    Direction.INCOMING: _INCOMING,
    Direction.OUTGOING: _OUTGOING,
    Direction.INTERNAL: tuple(dict.fromkeys((*_INCOMING[:-2], *_OUTGOING[1:]))),
}


def _filters() -> _Filters:
    """A wrong value is no filter, and is told at its field."""
    fields = FormReader(request.args)
    name, state = " ".join(request.args.get("nom", "")[:200].split()), fields.choice("etat", MailState)
    days = fields.days("depuis", "jusqu")
    return _Filters(days, Wanted(name, state) if name or state is not None else None, fields.wrong())


def _chosen(book: BookRow, years: list[YearRow], asked: int | None) -> YearRow:
    """The requested year, else the newest year, else an empty year."""
    found = next((row for row in years if row.year == asked), None)
    if found is not None:
        return found
    if years and asked is None:
        return years[0]
    this_year = year_of(book, context.today())
    return YearRow(asked or this_year, 0, "", 0, None, 0, 0, 0)


@blueprint.get("/<int:register_id>/pages.pdf")
def pages(register_id: int) -> ResponseReturnValue:
    """Pages to print for days (``du``, ``au``) or numbers (``premier``, ``dernier``) of a year (``annee``). If there
    are too many lines for one document, a job makes a file."""
    services, actor, now = context.services(), context.actor(), context.now()
    try:
        typed = _typed()
        with services.reading() as session:
            book = books.book(session, register_id, actor)
            asked = _year_asked(book, typed)
            year = _chosen(book, books.years(session, [book.id], chosen=asked, whole=True).get(book.id, []), asked)
            span = replace(typed, year=year.year)
            total = books.count_entries(session, book.id, span)
            if total > books.MAX_PRINTED:
                return render_template(
                    "registers/large.html", book=book, total=total, span=span, told=register_pages.span_text(span)
                )
            sheet, restricted = register_pages.register_pages(session, services, book, span, actor, year=year, now=now)
    except Invalid as error:
        return _show(register_id, error)
    if restricted:
        with services.unit_of_work(now) as uow:
            for mail_id in restricted:
                opening.record_printing(uow, mail_id, what="register", actor=actor)
    return send_file(BytesIO(sheet.pdf()), mimetype="application/pdf", download_name=sheet.filename)


@blueprint.post("/<int:register_id>/fichier")
def ask_file(register_id: int) -> ResponseReturnValue:
    """Request the pages as a file, which a job makes."""
    services, actor = context.services(), context.actor()
    try:
        typed = _typed()
        with services.unit_of_work(context.now()) as uow:
            book = books.book(uow.session, register_id, actor)
            asked = _year_asked(book, typed)
            year = _chosen(book, books.years(uow.session, [book.id], chosen=asked).get(book.id, []), asked)
            exports.ask(uow, book, replace(typed, year=year.year), actor=actor)
    except Invalid as error:
        return _show(register_id, error)
    flash(
        _("Le fichier est demandé : la liste ci-dessous dit quand il est prêt. Vous pouvez continuer votre travail."),
        "success",
    )
    return redirect(url_for("exports.index"), 303)


def _typed() -> Span:
    """The days or numbers of a form, without the year.

    Raises:
        Invalid: a value is no day or number, or the end is before the beginning.
    """
    fields = FormReader(request.values)
    from_on, until_on = fields.days("du", "au")
    first, last = fields.integer("premier", maximum=_FAR), fields.integer("dernier", maximum=_FAR)
    if first is not None and last is not None and last < first:
        fields.refuse(Invalid("form.numbers_reversed", "the last number comes first", field="dernier"))
    fields.check()
    return Span(0, from_on, until_on or from_on, first, last)


def _year_asked(book: BookRow, typed: Span) -> int | None:
    return _year_of(book, typed.from_on) or request.values.get("annee", type=whole)


def _year_of(book: BookRow, day: date | None) -> int | None:
    """The year of the register that a day implies."""
    return day.year if day is not None and is_by_year(book) else None


@blueprint.get("/<int:register_id>/ouverture")
def opening_form(register_id: int) -> ResponseReturnValue:
    """The form for the last number of the paper book to continue."""
    return _opening(register_id)


def _opening(register_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        book = books.book(session, register_id, context.actor())
    return render_form("registers/opening.html", error=error, book=book, year=year_of(book, context.today()))


@blueprint.post("/<int:register_id>/ouverture")
def open_at(register_id: int) -> ResponseReturnValue:
    """Continue a paper book."""
    fields = FormReader(request.form)
    last = fields.integer("last_number", required=True, maximum=_FAR)
    reason = fields.text("reason", required=True, maximum=300)
    _require_readable(register_id)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            registers.open_at(
                uow,
                RegisterId(register_id),
                last_number=last or 0,
                on=context.today(),
                reason=reason,
                actor=context.actor(),
            )
    except REFUSALS as error:
        return _opening(register_id, error)
    flash(_("Le registre s'ouvre au numéro %(number)s.", number=(last or 0) + 1), "success")
    return redirect(url_for("registers.show", register_id=register_id), 303)


@blueprint.get("/<int:register_id>/clotures")
def closings(register_id: int) -> ResponseReturnValue:
    """Closed days and years, and the numbers that still wait."""
    return _closings(register_id)


def _closings(register_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor, yesterday = context.actor(), context.today() - timedelta(days=1)
    with context.services().reading() as session:
        book = books.book(session, register_id, actor)
        rows = closing_queries.closings(session, register_id, actor)
        waiting = closing_queries.waiting(session, register_id, yesterday)
    return render_form(
        "registers/closings.html", error=error, book=book, rows=rows, waiting=waiting, yesterday=yesterday
    )


@blueprint.post("/<int:register_id>/clotures")
def close(register_id: int) -> ResponseReturnValue:
    """Close past days, or a past year (``period``), once the person has said that they are ``sure``."""
    fields = FormReader(request.form)
    until_on = fields.day("until_on", required=True)
    is_year = fields.text("period") == ClosingPeriod.YEAR.value
    services, actor, now = context.services(), context.actor(), context.now()
    _require_readable(register_id)
    try:
        fields.check()
        day = until_on or context.today()
        if not fields.ticked("sure"):
            return _ask_to_close(register_id, day, is_year=is_year)
        if is_year:
            closing.close_year(services, register_id, day.year, actor=actor, now=now)
        else:
            closing.close_days(services, register_id, day, actor=actor, now=now)
    except (Invalid, InvalidTransition, StaleVersion) as error:
        return _closings(register_id, error)
    flash(_("Clôture faite : plus rien ne s'inscrit à ces dates."), "success")
    return redirect(url_for("registers.closings", register_id=register_id), 303)


def _require_readable(register_id: int) -> None:
    """Refuse a register that the actor may not read as one that is not there: only a clerk's refusal names its register."""
    with context.services().reading() as session:
        books.book(session, register_id, context.actor())


def _ask_to_close(register_id: int, day: date, *, is_year: bool) -> ResponseReturnValue:
    with context.services().reading() as session:
        book = books.book(session, register_id, context.actor())
    return render_template("registers/closing_confirm.html", book=book, until_on=day, is_year=is_year)


@blueprint.get("/<int:register_id>/clotures/<int:closing_id>.pdf")
def closing_pdf(register_id: int, closing_id: int) -> ResponseReturnValue:
    """The latest stored revision of the sealed list."""
    services = context.services()
    with services.reading() as session:
        row = closing_queries.closing(session, register_id, closing_id, context.actor())
    name = f"cloture-{row.period.value}-{row.until_on.isoformat()}.pdf"
    with services.blobs.open(row.last) as stored:
        return send_file(BytesIO(stored.read()), mimetype="application/pdf", download_name=name)
