"""A register kept as a spreadsheet is taken over: handed in, its columns named, checked, taken in with pause and resume."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged import slots
from ged.days import read_day
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition
from ged.spreadsheet.marking import MEDIA_TYPE, Fault, place
from ged.spreadsheet.marking import marked as marked_book
from ged.spreadsheet.reading import MAX_BYTES, read_apart
from ged.takeover import archives, folders, sheets, uploads
from ged.takeover.lines import ArchiveLine
from ged.takeover.sheets import Rows
from ged.takeover.uploads import Checked, FileRow, Refused
from web.site import context
from web.site.errors import view_of
from web.site.forms import FormReader, chosen_file
from web.site.i18n import short_date
from web.site.pages import render_form
from web.words.messages import gettext as _
from web.words.takeovers import FIELDS, field_words

blueprint = Blueprint("takeovers", __name__, url_prefix="/reprises")
SHOWN = 100
"""Refused lines on the page; the workbook has all of them."""
PREVIEW = 10
REFUSALS = (Invalid, InvalidTransition, EngineFailed)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The form, and the spreadsheets that the person handed in."""
    return with_error()


def with_error(error: GedError | None = None) -> ResponseReturnValue:
    """The page of take-overs, with what is wrong in one of its forms."""
    with context.services().reading() as session:
        targets = archives.targets(session, context.actor())
        rows = uploads.files(session, context.actor())
        scan_folders = folders.folders(session, context.actor())
    return render_form("takeovers/index.html", error=error, targets=targets, rows=rows, folders=scan_folders)


@blueprint.post("/")
def hand_in() -> ResponseReturnValue:
    """Keep a spreadsheet that can be read; the next page shows its columns."""
    fields = FormReader(request.form)
    register_id = fields.integer("register_id", required=True, minimum=1)
    try:
        fields.check()
        file = chosen_file()
        # One byte more than is allowed: ``read_apart`` sees that the file is too big, and the rest is not read.
        content = file.stream.read(MAX_BYTES + 1)
        book = read_apart(content, lists=True)
        with context.services().unit_of_work(context.now()) as uow:
            file_id = uploads.hand_in(uow, register_id or 0, content, file.name, book, actor=context.actor())
    except REFUSALS as error:
        return with_error(error)
    return redirect(url_for("takeovers.show", file_id=file_id), 303)


def _file(file_id: int) -> tuple[FileRow, dict[str, list[list[str]]]]:
    """A file of the person with its sheets, read in a child while no transaction is open."""
    with context.services().reading() as session:
        row = uploads.file(session, file_id, context.actor())
        content = uploads.content_of(session, file_id, context.actor())
    return row, read_apart(content, lists=True)


@blueprint.get("/<int:file_id>")
def show(file_id: int) -> ResponseReturnValue:
    """What each column holds, and the first letters as they would be read."""
    return _show(file_id)


def _show(file_id: int, error: GedError | None = None) -> ResponseReturnValue:
    row, book = _file(file_id)
    if row.asked_at is not None and error is None:
        return redirect(url_for("takeovers.check", file_id=file_id), 303)
    rows = book.get(row.sheet, [])
    with context.services().reading() as session:
        units, _near = uploads.units_of(session, row.register_id)
    names = rows[row.head_row - 1] if row.head_row <= len(rows) else []
    preview = uploads.first_lines(rows, row, units, today=context.today(), count=PREVIEW)
    return render_form(
        "takeovers/columns.html",
        error=error,
        row=row,
        titles=[(title, title or row.filename) for title in book],
        columns=[
            (n, names[n] if n < len(names) else "", field, _examples(rows, row.head_row, n, field))
            for n, field in enumerate(row.columns)
        ],
        choices=[(name, str(words)) for name, words in FIELDS.items()],
        shown_fields=[name for name in FIELDS if name in row.columns],
        heads=[str(words) for name, words in FIELDS.items() if name in row.columns],
        preview=[_previewed(number, line, row) for number, line in preview],
        repeated=sheets.count_repeated(rows, row.head_row, row.columns),
        field_words=field_words,
    )


def _examples(rows: Rows, head: int, column: int, field: str) -> list[str]:
    """The first texts of a column; days as they are written in French."""
    texts = (line[column] for line in rows[head:] if column < len(line) and line[column])
    return [_day_or_text(text, field) for text, _n in zip(texts, range(3), strict=False)]


def _day_or_text(text: str, field: str) -> str:
    day = read_day(text, today=context.today()) if field in sheets.DAYS else None
    return text if day is None else short_date(day)


def _previewed(number: int, line: ArchiveLine | Invalid, row: FileRow) -> tuple[int, Mapping[str, object], str, str]:
    """The line, its fields as they would be read, and where it is wrong and why."""
    if isinstance(line, ArchiveLine):
        said = {name: getattr(line, name, "") for name in FIELDS} | {"confidentiality": line.level}
        return number, said, "", ""
    return (
        number,
        {},
        *_refusal_words(
            (
                number,
                sheets.column_of(str(line.params.get("field", "")), row.columns),
                uploads.code_of_books(line.code),
                line.params,
            )
        ),
    )


def _refusal_words(one: Refused) -> tuple[str, str]:
    """The cell of a refused line, and what is wrong and what to do in words."""
    number, column, code, params = one
    field = str(params.get("field", ""))
    said = view_of(GedError(code, "correct the cell", **{**params, "field": field_words(field)}))
    where = place(number, column) if column else _("ligne %(row)s", row=number) if number else ""
    return where, f"{said.message} {said.remedy}"


@blueprint.post("/<int:file_id>/feuille")
def choose_sheet(file_id: int) -> ResponseReturnValue:
    """Read another sheet, or take the names of the columns from another line."""
    fields = FormReader(request.form)
    head = fields.integer("head_row", minimum=1, maximum=sheets.HEAD_ROWS * 10)
    try:
        fields.check()
        _row, book = _file(file_id)
        sheet = request.form.get("sheet", "")
        with context.services().unit_of_work(context.now()) as uow:
            uploads.choose_sheet(uow, file_id, book, sheet, head, actor=context.actor())
    except REFUSALS as error:
        return _show(file_id, error)
    return redirect(url_for("takeovers.show", file_id=file_id), 303)


@blueprint.post("/<int:file_id>/colonnes")
def choose_columns(file_id: int) -> ResponseReturnValue:
    """Keep what each column holds; then the preview again, or the check of all lines."""
    with context.services().reading() as session:
        count = len(uploads.file(session, file_id, context.actor()).columns)
    columns = [request.form.get(f"column_{n}", "") for n in range(count)]
    try:
        with context.services().unit_of_work(context.now()) as uow:
            uploads.choose_columns(uow, file_id, columns, actor=context.actor())
    except REFUSALS as error:
        return _show(file_id, error)
    to = "takeovers.show" if "again" in request.form else "takeovers.check"
    return redirect(url_for(to, file_id=file_id), 303)


@blueprint.get("/<int:file_id>/controle")
def check(file_id: int) -> ResponseReturnValue:
    """What taking the file in would do; once it was asked for, how far it is and what was refused."""
    return _check(file_id)


def _check(file_id: int, error: GedError | None = None) -> ResponseReturnValue:
    services = context.services()
    with services.reading() as session:
        row = uploads.file(session, file_id, context.actor())
        opening = uploads.opening(session, row, year=context.today().year) if row.done_at is not None else None
    if row.asked_at is not None:
        return render_form("takeovers/progress.html", error=error, row=row, opening=opening, **_refused(row.refusals))
    row, book = _file(file_id)
    found = uploads.check(services, row, book.get(row.sheet, []), now=context.now())
    return render_form("takeovers/check.html", error=error, row=row, found=found, **_refused(found.refusals))


def _refused(refusals: tuple[Refused, ...]) -> dict[str, Any]:
    return {"refused": [_refusal_words(one) for one in refusals[:SHOWN]], "refused_count": len(refusals)}


@blueprint.get("/<int:file_id>/avancement")
def progress(file_id: int) -> ResponseReturnValue:
    """Only the progress: the page asks for it while lines are taken in. Once all are, the whole page is loaded again:
    its buttons, its refused lines and what comes next are others then."""
    with context.services().reading() as session:
        row = uploads.file(session, file_id, context.actor())
    answer = make_response(render_template("takeovers/_progress.html", row=row))
    if row.done_at is not None or row.is_paused:
        answer.headers["HX-Refresh"] = "true"
    return answer


@blueprint.get("/<int:file_id>/corrige.xlsx")
def marked(file_id: int) -> ResponseReturnValue:
    """The spreadsheet with the wrong cells of refused lines in red, each with a note."""
    row, book = _file(file_id)
    refusals = row.refusals
    if row.done_at is None:
        checked: Checked = uploads.check(context.services(), row, book.get(row.sheet, []), now=context.now())
        refusals = checked.refusals
    faults = [Fault(max(1, one[0]), one[1], _refusal_words(one)[1]) for one in refusals]
    name = f"{row.filename.rpartition('.')[0] or row.filename} - a corriger.xlsx"
    with slots.heavy():
        content = marked_book(book, row.sheet, faults)
    return send_file(BytesIO(content), mimetype=MEDIA_TYPE, as_attachment=True, download_name=name, max_age=0)


@blueprint.post("/<int:file_id>/reprendre")
def start(file_id: int) -> ResponseReturnValue:
    """Have the lines taken in by a job."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            uploads.ask(uow, file_id, actor=context.actor())
    except REFUSALS as error:
        return _check(file_id, error)
    return redirect(url_for("takeovers.check", file_id=file_id), 303)


@blueprint.post("/<int:file_id>/suspendre")
def pause(file_id: int) -> ResponseReturnValue:
    """Stop after the lines that are being written."""
    with context.services().unit_of_work(context.now()) as uow:
        uploads.pause(uow, file_id, actor=context.actor())
    flash(_("La reprise est suspendue. Ce qui est inscrit le reste."), "success")
    return redirect(url_for("takeovers.check", file_id=file_id), 303)


@blueprint.post("/<int:file_id>/continuer")
def resume(file_id: int) -> ResponseReturnValue:
    """Go on where it stopped."""
    with context.services().unit_of_work(context.now()) as uow:
        uploads.resume(uow, file_id, actor=context.actor())
    flash(_("La reprise continue."), "success")
    return redirect(url_for("takeovers.check", file_id=file_id), 303)
