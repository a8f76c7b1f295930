"""The reserve books: made and printed before a power cut; after it their lines are entered, and the unused ones voided."""

import secrets
from datetime import datetime
from io import BytesIO

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from ged.errors import GedError, Invalid, InvalidTransition
from ged.ports import RegisterId
from ged.register import entry
from ged.reserve import numbers, operations, queries, sheet
from ged.reserve.queries import ReserveState
from web.site import context
from web.site.forms import FormReader
from web.site.pages import render_form
from web.site.panels import Panel

blueprint = Blueprint("reserve", __name__, url_prefix="/registres/secours")

REFUSALS = (Invalid, InvalidTransition)
MAX_TOKEN = 43
USUAL_PAGES = 2


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The books of the registers that the reader keeps, the form for a new one, and the way to the lines of one."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        rows = queries.books(session, context.actor())
        registers = entry.arrival_registers(session, context.actor())
    return render_form(
        "reserve/index.html", error=error, rows=rows, registers=registers, usual_pages=USUAL_PAGES,
        most_pages=numbers.MOST_PAGES, page_lines=numbers.PAGE_LINES, request_token=secrets.token_urlsafe(),
    )  # fmt: skip


@blueprint.post("")
def make() -> ResponseReturnValue:
    """Make the next book of a register."""
    fields = FormReader(request.form)
    register_id = fields.integer("register_id", required=True)
    pages = fields.integer("pages", required=True, minimum=1, maximum=numbers.MOST_PAGES)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            made = operations.make_book(
                uow, RegisterId(register_id or 0), pages=pages or 0, actor=context.actor(),
                request_token=request.form.get("request_token", "")[:MAX_TOKEN] or None,
            )  # fmt: skip
    except REFUSALS as error:
        return _index(error)
    flash(_("Le carnet %(code)s est ouvert : imprimez-le, et gardez-le au guichet.", code=made.code), "success")
    return redirect(url_for("reserve.show", book_id=made.id), 303)


@blueprint.get("/ligne")
def find() -> ResponseReturnValue:
    """From a typed number or the code of a page to the form for its line."""
    code = request.args.get("code", "").strip()[:100]
    try:
        if not code:
            raise Invalid("form.required", "fill it in", field="code")
        with context.services().reading() as session:
            book_id, line_id = queries.typed(session, context.actor(), code, code_key=context.services().code_key)
    except Invalid as error:
        return _index(error)
    return redirect(url_for("register.index", carnet=book_id, ligne=line_id), 303)


@blueprint.get("/<int:book_id>")
def show(book_id: int) -> ResponseReturnValue:
    """A book, line by line."""
    return _show(book_id)


def _show(book_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        book = queries.book(session, actor, book_id)
        rows = queries.lines(session, actor, book_id)
    return render_form("reserve/show.html", error=error, book=book, rows=rows, states=ReserveState)


@blueprint.get("/<int:book_id>/carnet.pdf")
def pdf(book_id: int) -> ResponseReturnValue:
    """The book to print; printed again it is the same book."""
    services = context.services()
    with services.reading() as session:
        pages = sheet.book_sheet(session, services, book_id, context.actor())
    return send_file(BytesIO(pages.pdf()), mimetype="application/pdf", download_name=pages.filename)


@blueprint.get("/<int:book_id>/annulation")
def void_form(book_id: int) -> ResponseReturnValue:
    """The form that voids free lines in one act."""
    return _void_form(book_id)


def _void_form(book_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        book = queries.book(session, actor, book_id)
        free = [row.line_no for row in queries.lines(session, actor, book_id) if row.state is ReserveState.FREE]
    return render_form("reserve/void.html", error=error, book=book, free=free, told=numbers.spans(free))


@blueprint.post("/<int:book_id>/annulation")
def void(book_id: int) -> ResponseReturnValue:
    """Void them."""
    fields = FormReader(request.form)
    first, last = fields.integer("first", minimum=1), fields.integer("last", minimum=1)
    reason = fields.text("reason", required=True, maximum=operations.MAX_REASON)
    if first is not None and last is not None and last < first:
        fields.refuse(Invalid("form.numbers_reversed", "the last number comes first", field="last"))
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            voided = operations.void_lines(uow, book_id, first=first, last=last, reason=reason, actor=context.actor())
    except REFUSALS as error:
        return _void_form(book_id, error)
    flash(ngettext("%(num)s ligne est annulée.", "%(num)s lignes sont annulées.", len(voided)), "success")
    return redirect(url_for("reserve.show", book_id=book_id), 303)


@blueprint.app_template_filter()
def reserve_clock(value: datetime | None) -> str:
    """The hour of a reception as the form takes it."""
    return "" if value is None else f"{value.astimezone(context.services().zone):%H:%M}"


PANEL = Panel("reserve", 12, queries.of_letter)
