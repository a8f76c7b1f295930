"""A folder of scans is taken over: its files go up one by one, in pieces, and join the letters whose numbers they bear."""

from typing import Any, BinaryIO, cast

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import EngineFailed, Forbidden, GedError, Invalid, InvalidTransition
from ged.register.models import AttachmentKind
from ged.takeover import folders
from ged.takeover.folders import Announced
from web.site import context
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.pages import render_form
from web.views.register import takeovers
from web.words.labels import label
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("scan_folders", __name__, url_prefix="/reprises/dossiers")
MOST_ANNOUNCED = 1_000
"""Files that a browser announces at once."""
PIECE_BYTES = 1_000_000
"""Bytes that a browser sends at once."""
LARGEST = 2**53
"""No whole number that a browser writes is larger."""
NUMBERED = ("takeover.scan_no_letter", "takeover.scan_has_document")
"""Refusals of a file whose number was read: it stands in the field already."""
REFUSALS = (Invalid, InvalidTransition, EngineFailed, Forbidden)


@blueprint.post("/")
def begin() -> ResponseReturnValue:
    """Begin a folder; its files are chosen on the next page."""
    fields = FormReader(request.form)
    register_id = fields.integer("folder_register_id", required=True, minimum=1)
    name = fields.text("folder_name", required=True, maximum=200)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            folder_id = folders.begin(uow, register_id or 0, name, actor=context.actor())
    except (Invalid, InvalidTransition) as error:
        return takeovers.with_error(error)
    return redirect(url_for("scan_folders.show", folder_id=folder_id), 303)


@blueprint.get("/<int:folder_id>")
def show(folder_id: int) -> ResponseReturnValue:
    """How far the folder is, the form for its files, and the files that were refused."""
    return _show(folder_id)


def _show(folder_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        row = folders.folder(session, folder_id, context.actor())
        rows = folders.refused(session, folder_id, context.actor())
    return render_form(
        "scan_folders/show.html",
        error=error,
        row=row,
        refused=[(one, view_of(GedError(one.code, "see the list", **one.params))) for one in rows],
        kinds=[(kind.value, label(kind)) for kind in folders.KINDS],
        numbered=NUMBERED,
        kept_days=folders.KEPT.days,
        most=context.services().max_upload_bytes,
        piece_bytes=PIECE_BYTES,
    )


@blueprint.get("/<int:folder_id>/avancement")
def progress(folder_id: int) -> ResponseReturnValue:
    """Only the progress: the page asks for it while files go up and are matched."""
    with context.services().reading() as session:
        row = folders.folder(session, folder_id, context.actor())
    return render_template("scan_folders/_progress.html", row=row)


@blueprint.post("/<int:folder_id>/annonce")
def announce(folder_id: int) -> ResponseReturnValue:
    """The files of the chosen folder, as JSON ``[[path, bytes, milliseconds], ...]``; returns the ids of those that are to be
    sent, with their places in the list and the bytes that are here."""
    files = [_announced(one) for one in _list(_sent_json())]
    expected = folders.announce(context.services(), folder_id, files, actor=context.actor(), now=context.now())
    return jsonify([{"id": one.scan_id, "place": one.place, "offset": one.offset} for one in expected])


def _sent_json() -> object:
    try:
        return request.get_json(silent=True)
    except RecursionError:  # brackets in brackets in brackets
        return None


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_ANNOUNCED:
        raise Invalid("form.unknown_choice", "send a list of files", field="files")
    return value


def _announced(one: object) -> Announced:
    match one:
        case [str(name), int(size), int(modified)] if 0 <= size < LARGEST and 0 <= modified < LARGEST:
            return Announced(name.replace("\x00", " ").encode("utf-8", "replace").decode(), size, modified)
    raise Invalid("form.unknown_choice", "send a list of files", field="files")


@blueprint.post("/<int:folder_id>/fichiers/<int:entry_id>")
def receive(folder_id: int, entry_id: int) -> ResponseReturnValue:
    """A piece of a file, as the whole body, at ``?octet=``; returns how many bytes are here, or null once the file is."""
    request.max_content_length = PIECE_BYTES
    offset = request.args.get("octet", 0, type=int)
    here = folders.receive(
        context.services(),
        folder_id,
        entry_id,
        cast(BinaryIO, request.stream),
        offset=offset,
        actor=context.actor(),
        now=context.now(),
    )
    return jsonify(here=here)


@blueprint.post("/<int:folder_id>/fichiers")
def hand_in(folder_id: int) -> ResponseReturnValue:
    """Files sent by the form itself, where no script runs."""
    files = [file for name in ("folder", "files") for file in request.files.getlist(name) if file.filename]
    sent = 0
    try:
        if not files:
            raise Invalid("form.required", "choose files", field="files")
        for file in files:
            size = file.stream.seek(0, 2)
            file.stream.seek(0)
            folders.receive_whole(
                context.services(), folder_id, file.filename or "", cast(BinaryIO, file.stream), size,
                actor=context.actor(), now=context.now(),
            )  # fmt: skip
            sent += 1
    except REFUSALS as error:
        if sent:  # those before it stay
            _tell_sent(sent)
        return _show(folder_id, error)
    _tell_sent(sent)
    return redirect(url_for("scan_folders.show", folder_id=folder_id), 303)


def _tell_sent(count: int) -> None:
    flash(ngettext("%(num)s fichier est envoyé.", "%(num)s fichiers sont envoyés.", count), "success")


@blueprint.post("/<int:folder_id>/suspendre")
def pause(folder_id: int) -> ResponseReturnValue:
    """Stop sending and matching."""
    with context.services().unit_of_work(context.now()) as uow:
        folders.pause(uow, folder_id, actor=context.actor())
    return redirect(url_for("scan_folders.show", folder_id=folder_id), 303)


@blueprint.post("/<int:folder_id>/continuer")
def resume(folder_id: int) -> ResponseReturnValue:
    """Go on where it stopped."""
    with context.services().unit_of_work(context.now()) as uow:
        folders.resume(uow, folder_id, actor=context.actor())
    return redirect(url_for("scan_folders.show", folder_id=folder_id), 303)


@blueprint.post("/<int:folder_id>/fichiers/<int:entry_id>/rattacher")
def match(folder_id: int, entry_id: int) -> ResponseReturnValue:
    """Join a refused file to the letter with the typed number."""
    fields = FormReader(request.form)
    number = fields.text(f"number_{entry_id}", required=True, maximum=100)
    kind = fields.choice(f"kind_{entry_id}", AttachmentKind, required=True)
    try:
        fields.check()
        written = folders.match(
            context.services(), folder_id, entry_id, number, kind or AttachmentKind.DOCUMENT,
            actor=context.actor(), now=context.now(),
        )  # fmt: skip
    except REFUSALS as error:
        return _show(folder_id, _at_field_of(entry_id, error))
    flash(_("Le fichier est rattaché au courrier %(number)s.", number=written), "success")
    return redirect(url_for("scan_folders.show", folder_id=folder_id), 303)


def _at_field_of(entry_id: int, error: GedError) -> GedError:
    """An error that stands at the field of a file's own form."""
    field = error.params.get("field")
    if isinstance(error, Invalid) and field in ("number", "kind"):
        return Invalid(error.code, error.remedy, **{**error.params, "field": f"{field}_{entry_id}"})
    return error


@blueprint.post("/<int:folder_id>/fichiers/<int:entry_id>/retirer")
def drop(folder_id: int, entry_id: int) -> ResponseReturnValue:
    """Take a refused file from the list."""
    with context.services().unit_of_work(context.now()) as uow:
        folders.drop(uow, folder_id, entry_id, actor=context.actor())
    flash(_("Le fichier est retiré de la liste."), "success")
    return redirect(url_for("scan_folders.show", folder_id=folder_id), 303)
