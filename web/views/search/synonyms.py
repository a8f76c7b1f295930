"""The administrator's page of synonyms; changes take effect with the next search."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid, NotFound, StaleVersion
from ged.search import synonyms
from web.site import context
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.pages import offset_of, past_the_end, render_form
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("synonyms", __name__, url_prefix="/administration/synonymes")

PAGE = 50
MAX_GROUP = 1_000
MAX_GROUPS = 100_000
"""Largest number of characters of a line, and of all lines added at once."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The groups, invalid ones first."""
    return _page()


def _page(error: GedError | None = None) -> ResponseReturnValue:
    words = request.args.get("q", "")[:100]
    offset = offset_of(PAGE)
    services = context.services()
    found = synonyms.listed(services)
    with services.reading() as session:
        changes = synonyms.last_changes(services, session)
    rows = synonyms.matching(found.lines, words)
    elsewhere = past_the_end(offset, PAGE, len(rows)) if error is None else None
    return elsewhere or render_form(
        "admin/synonyms.html",
        error=error,
        rows=rows[offset : offset + PAGE],
        total=len(rows),
        offset=offset,
        limit=PAGE,
        found=found,
        words=words,
        wrong=sum(bool(row.error) for row in found.lines),
        changes=changes,
        reasons={row.line_no: _reason(row.error) for row in rows if row.error},
    )


def _reason(code: str) -> str:
    return view_of(Invalid(code)).remedy


@blueprint.post("/")
def add() -> ResponseReturnValue:
    """Add groups, one on each line; all or none, and every error names its line."""
    fields = FormReader(request.form)
    groups = fields.text("groups", required=True, maximum=MAX_GROUPS)
    for error in synonyms.check(context.services(), groups, field="groups"):
        fields.refuse(error)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            added = synonyms.add(uow, groups, actor=context.actor())
    except Invalid as refused:
        return _page(refused)
    flash(ngettext("%(num)s groupe ajouté.", "%(num)s groupes ajoutés.", added), "success")
    return redirect(url_for("synonyms.index"), 303)


@blueprint.post("/annuler/<int:sequence>")
def undo(sequence: int) -> ResponseReturnValue:
    """Take a change of the list back."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            synonyms.undo(uow, sequence, actor=context.actor())
    except Invalid as refused:
        return _page(refused)
    flash(_("Le changement est annulé."), "success")
    return redirect(url_for("synonyms.index"), 303)


@blueprint.get("/<int:line_no>")
def edit_form(line_no: int) -> ResponseReturnValue:
    """One group."""
    return _edit_page(line_no)


def _edit_page(line_no: int, error: GedError | None = None) -> ResponseReturnValue:
    found = synonyms.listed(context.services())
    row = next((line for line in found.lines if line.line_no == line_no), None)
    if row is None:
        raise NotFound("synonyms.unknown", "look at the list again")
    reason = _reason(row.error) if row.error else ""
    return render_form("admin/synonym.html", error=error, row=row, version=found.version, reason=reason)


@blueprint.post("/<int:line_no>")
def edit(line_no: int) -> ResponseReturnValue:
    """Change or remove a group."""
    fields = FormReader(request.form)
    removes = fields.ticked("remove")
    text = fields.text("text", required=not removes, maximum=MAX_GROUP)
    version = fields.text("version", maximum=64)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            if removes:
                synonyms.remove(uow, line_no, version=version, actor=context.actor())
            else:
                synonyms.change(uow, line_no, text, version=version, actor=context.actor())
    except StaleVersion as stale:
        return _page(stale)
    except Invalid as refused:
        return _edit_page(line_no, refused)
    flash(_("Le groupe est retiré.") if removes else _("Le groupe est enregistré."), "success")
    return redirect(url_for("synonyms.index"), 303)
