"""The directory of correspondents: a list, the letters exchanged, corrections, new entries, doubles that are merged."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.correspondents import directory, letters, merging
from ged.correspondents.directory import CorrespondentForm
from ged.correspondents.merging import Preview
from ged.errors import GedError, Invalid, NotFound, StaleVersion
from ged.register import correspondents
from ged.suggestions import matching
from ged.unit import Role
from web.site import context
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.numbers import whole
from web.site.pages import place, render_form
from web.words.messages import gettext as _

blueprint = Blueprint("correspondents", __name__, url_prefix="/correspondants")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The directory, by name (``?q=``)."""
    text = request.args.get("q", "")[: directory.MAX_NAME]
    with context.services().reading() as session:
        rows, page = directory.listing(session, text, place(), actor=context.actor())
    return render_template("correspondents/index.html", rows=rows, page=page, q=text, may_edit=_may_edit())


def _may_edit() -> bool:
    return context.actor().has(Role.CLERK)


@blueprint.get("/<int:correspondent_id>/courriers")
def show(correspondent_id: int) -> ResponseReturnValue:
    """The letters exchanged with a correspondent, and its doubles."""
    actor = context.actor()
    with context.services().reading() as session:
        row = directory.correspondent(session, correspondent_id, actor=actor)
        if row.merged_into_id is not None:
            return redirect(url_for("correspondents.show", correspondent_id=row.merged_into_id))
        found, page = letters.exchanged(session, row.id, place(), actor=actor)
        doubles = merging.doubles(session, row.id, actor=actor)
    return render_template(
        "correspondents/show.html", row=row, rows=found, page=page, doubles=doubles, may_edit=_may_edit()
    )


@blueprint.get("/nouveau")
def new() -> ResponseReturnValue:
    """The form for a new entry."""
    return render_form("correspondents/new.html")


@blueprint.post("/nouveau")
def create() -> ResponseReturnValue:
    """Add an entry."""
    fields = FormReader(request.form)
    form = _read(fields)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            correspondent_id = directory.add(uow, form, actor=context.actor())
    except Invalid as error:
        return render_form("correspondents/new.html", error=error)
    flash(_("Le correspondant est ajouté à l'annuaire."), "success")
    return redirect(url_for("correspondents.show", correspondent_id=correspondent_id), 303)


# --- doubles ------------------------------------------------------------------------------------------------------


@blueprint.get("/<int:correspondent_id>/fusion")
def merge_form(correspondent_id: int) -> ResponseReturnValue:
    """The choice of the entry that stays (``?q=``), then (``?vers=``) the preview of the merge."""
    return _merge(correspondent_id, request.args.get("vers", type=whole))


def _merge(correspondent_id: int, into: int | None, error: GedError | None = None) -> ResponseReturnValue:
    actor, text = context.actor(), request.args.get("q", "")[: directory.MAX_NAME]
    preview: Preview | None = None
    with context.services().reading() as session:
        row = directory.correspondent(session, correspondent_id, actor=actor)
        if into is not None and error is None:
            try:
                preview = merging.preview(session, correspondent_id, into, actor=actor)
            except (Invalid, NotFound) as refused:
                error = refused
        if text:
            found = [(one.id, one.name, one.address) for one in correspondents.suggest(session, text, actor=actor)]
        else:
            own = correspondents.entities_of(session, actor)
            found = [
                (one.id, one.name, "") for one in matching.best_matches(session, row.name, entity_ids=own, limit=8)
            ]
    choices = [one for one in found if one[0] != correspondent_id]
    return render_form("correspondents/merge.html", error=error, row=row, preview=preview, choices=choices, q=text)


@blueprint.post("/<int:correspondent_id>/fusion")
def merge(correspondent_id: int) -> ResponseReturnValue:
    """Let the other entry stand for both."""
    fields = FormReader(request.form)
    into, version = fields.integer("into", required=True), fields.integer("version", required=True)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            merging.merge(uow, correspondent_id, into or 0, version=version, actor=context.actor())
    except (Invalid, NotFound, StaleVersion) as error:
        return _merge(correspondent_id, None, error)
    flash(_("Les deux fiches n'en font plus qu'une : tous les courriers sont réunis ici."), "success")
    return redirect(url_for("correspondents.show", correspondent_id=into), 303)


@blueprint.post("/<int:correspondent_id>/separer")
def undo_merge(correspondent_id: int) -> ResponseReturnValue:
    """Show a merged entry by itself again."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            merging.undo(uow, correspondent_id, actor=context.actor())
    except Invalid as error:
        view = view_of(error)
        flash(f"{view.message} {view.remedy}", "warning")
        return redirect(url_for("correspondents.show", correspondent_id=correspondent_id), 303)
    flash(_("La fusion est annulée : les deux fiches sont de nouveau distinctes."), "success")
    return redirect(url_for("correspondents.show", correspondent_id=correspondent_id), 303)


# --- corrections --------------------------------------------------------------------------------------------------


@blueprint.get("/<int:correspondent_id>")
def edit_form(correspondent_id: int) -> ResponseReturnValue:
    """An entry."""
    return _form(correspondent_id)


def _form(correspondent_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        row = directory.correspondent(session, correspondent_id, actor=context.actor())
    return render_form("correspondents/edit.html", error=error, row=row, stale=isinstance(error, StaleVersion))


@blueprint.post("/<int:correspondent_id>")
def edit(correspondent_id: int) -> ResponseReturnValue:
    """Correct an entry."""
    fields = FormReader(request.form)
    form = _read(fields)
    version = fields.integer("version", required=True)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            directory.edit(uow, correspondent_id, form, version=version, actor=context.actor())
    except (Invalid, StaleVersion) as error:
        return _form(correspondent_id, error)
    flash(_("Le correspondant est corrigé."), "success")
    return redirect(url_for("correspondents.index"), 303)


def _read(fields: FormReader) -> CorrespondentForm:
    return CorrespondentForm(
        name=fields.text("name", required=True, maximum=directory.MAX_NAME),
        kind=fields.text("kind", maximum=directory.MAX_KIND),
        address=fields.text("address", maximum=directory.MAX_ADDRESS),
        email=fields.text("email", maximum=directory.MAX_EMAIL),
        phone=fields.text("phone", maximum=directory.MAX_PHONE),
        is_active=fields.ticked("is_active"),
        is_shared=fields.ticked("is_shared"),
    )
