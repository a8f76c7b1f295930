"""The reserve books: made and printed before a power cut; after it their pages are scanned, their lines entered, and the
unused ones voided."""

import secrets
from datetime import datetime
from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.capture import drawing
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition
from ged.paper import reserve_sheets, reserve_typed, reserve_voiding
from ged.ports import RegisterId
from ged.register import entry, opening
from ged.reserve import numbers, operations, queries, sheet
from ged.reserve.page_form import CELLS, PAGE, ROW, LineSaid
from ged.reserve.queries import ReserveState
from web.site import context, pictures
from web.site.forms import FormReader
from web.site.numbers import whole
from web.site.pages import render_form
from web.site.panels import Panel
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("reserve", __name__, url_prefix="/registres/secours")

REFUSALS = (Invalid, InvalidTransition)
MAX_TOKEN = 43
USUAL_PAGES = 2
MAX_PART = 40
PART_PX = {PAGE: 1800, ROW: 1600}
CELL_PX = 560
CELLS_SHOWN = tuple(cell for cell in CELLS if cell != "depositor")
"""Cells that the clerk types; the signature of who brought the letter is seen on the page."""


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
        sheets = reserve_sheets.of_book(session, book_id, actor)
        typed = reserve_typed.of_book(session, book_id, actor)
    return render_form(
        "reserve/show.html", error=error, book=book, rows=rows, sheets=sheets, typed=typed, states=ReserveState
    )


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
        lines = reserve_voiding.free_lines(session, book_id, actor)
    only = request.values.get("ligne", type=whole)
    if only in lines.free:
        lines = lines.of(only)
    return render_form(
        "reserve/void.html", error=error, book=book, lines=lines, only=only, spans=numbers.spans,
        following=request.values.get("suite", type=whole),
    )  # fmt: skip


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
            voided = reserve_voiding.void(
                uow,
                book_id,
                first=first,
                last=last,
                reason=reason,
                named=fields.integers("told"),
                actor=context.actor(),
            )
    except REFUSALS as error:
        return _void_form(book_id, error)
    flash(ngettext("%(num)s ligne est annulée.", "%(num)s lignes sont annulées.", len(voided)), "success")
    following = fields.integer("suite")
    if following is not None:  # the line was voided while the lines were entered: the next one is shown
        return redirect(url_for("register.index", carnet=book_id, ligne=following), 303)
    return redirect(url_for("reserve.show", book_id=book_id), 303)


@blueprint.get("/feuille/<int:scan_id>")
def sheet_page(scan_id: int) -> ResponseReturnValue:
    """A scanned page: its picture, and what it says of each of its lines."""
    return _sheet_page(scan_id)


def _sheet_page(scan_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        book_id, page = reserve_sheets.sheet(session, scan_id, actor)
        book = queries.book(session, actor, book_id)
        found = reserve_sheets.lines_of(session, book_id, actor)
        rows = [row for row in queries.lines(session, actor, book_id) if page.first <= row.line_no <= page.last]
    left = reserve_sheets.to_type(rows, found)
    return render_form(
        "reserve/sheet_page.html", error=error, book=book, page=page, rows=rows, found=found, left=left,
        states=ReserveState, said=LineSaid,
    )  # fmt: skip


@blueprint.post("/feuille/<int:scan_id>/garder")
def keep_page(scan_id: int) -> ResponseReturnValue:
    """Keep a scanned page as proof, when none of its lines is to be entered any more."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            book_id = reserve_sheets.keep_one(uow, scan_id, actor=context.actor())
    except REFUSALS as error:
        return _sheet_page(scan_id, error)
    flash(_("La feuille est gardée comme preuve."), "success")
    return redirect(url_for("reserve.show", book_id=book_id), 303)


@blueprint.get("/feuille/<int:scan_id>/image.jpg")
def sheet_part(scan_id: int) -> ResponseReturnValue:
    """The picture of a part (``?partie=``) of a scanned page: a cell, a line, or the whole."""
    services, actor = context.services(), context.actor()
    name = request.args.get("partie", PAGE)[:MAX_PART]
    with services.reading() as session:
        part = reserve_sheets.part(session, scan_id, name, actor)
    if part.confidential:
        with services.unit_of_work(context.now()) as uow:
            for mail_id in part.confidential:
                opening.record_opening(uow, mail_id, where="reserve_sheet", actor=actor)
    width_px = PART_PX.get(name.partition(":")[0], CELL_PX)
    try:
        drawn = drawing.draw_part(services, part.picture, part.place, width_px=width_px)
    except (Invalid, EngineFailed) as error:
        return pictures.instead(error)
    return send_file(BytesIO(drawn), mimetype="image/jpeg")


@blueprint.post("/saisie/<int:typing_id>/ecarter")
def drop_typing(typing_id: int) -> ResponseReturnValue:
    """Decide not to take what was typed at a desk for a line."""
    with context.services().unit_of_work(context.now()) as uow:
        book_id = reserve_typed.drop(uow, typing_id, actor=context.actor())
    flash(_("La saisie du poste est écartée. La ligne reste à saisir ou à annuler."), "success")
    return redirect(url_for("reserve.show", book_id=book_id), 303)


@blueprint.get("/<int:book_id>/cases")
def cells(book_id: int) -> ResponseReturnValue:
    """The pictures of a line's cells (``?ligne=``), beside the form, when another line is chosen there."""
    line_id, actor = request.args.get("ligne", type=whole), context.actor()
    with context.services().reading() as session:
        found = reserve_sheets.lines_of(session, book_id, actor)
        row = next((one for one in queries.lines(session, actor, book_id) if one.id == line_id), None)
    line = found.get(row.line_no) if row is not None else None
    return render_template("reserve/_cells.html", shown_line=line, row=row, book_id=book_id)


@blueprint.app_template_global()
def reserve_cells() -> tuple[str, ...]:
    """The cells whose pictures stand beside the form."""
    return CELLS_SHOWN


@blueprint.app_template_filter()
def reserve_clock(value: datetime | None) -> str:
    """The hour of a reception as the form takes it."""
    return "" if value is None else f"{value.astimezone(context.services().zone):%H:%M}"


PANEL = Panel("reserve", 12, reserve_sheets.of_letter)
