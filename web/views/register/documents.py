"""Documents of letters: their pages, text, originals and searchable form, each under the letter's access rule."""

from collections.abc import Sequence
from io import BytesIO

from flask import Blueprint, Response, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ged.capture import arrange, drawing
from ged.capture.files import MEDIA_TYPES
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.exceptional.queries import reads_until
from ged.ports import AttachmentId, Confidentiality, MailId
from ged.recognition import margin_notes, page_shape, second
from ged.recognition.margin_notes import Added, Area, Typed
from ged.register import documents, opening
from ged.register.documents import AttachmentRow, FileRow
from ged.takeover import files as takeover_files
from ged.unit import Role
from web.site import context, marks, pictures
from web.site.forms import FormReader
from web.site.numbers import whole
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("documents", __name__, url_prefix="/documents")

PAGE_PX = 1400
THUMBNAIL_PX = 240
ENDINGS = {
    "application/pdf": ".pdf",
    "image/tiff": ".tif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
}


@blueprint.get("/<int:attachment_id>")
def show(attachment_id: int) -> ResponseReturnValue:
    """A document: a large page with its text beside it, and thumbnails of all pages."""
    return _show(attachment_id)


def _show(attachment_id: int, error: GedError | None = None, *, typed: Sequence[Typed] = ()) -> ResponseReturnValue:
    """The page. ``typed``: what a refused form said of the notes; those that it did not touch are shown as they are stored now."""
    actor = context.actor()
    wanted, words = request.values.get("page", 1, type=whole), request.args.getlist("mot")
    with context.services().reading() as session:
        row = documents.attachment(session, attachment_id, actor)
        page = next((one for one in row.pages if one.page_no == wanted), row.pages[0] if row.pages else None)
        found = documents.words(session, attachment_id, page.page_no, actor) if page is not None and words else []
        notes = margin_notes.of_page(session, row.id, page.page_no) if page is not None else ()
        read_again = second.of_page(session, row.id, page.page_no, page.text) if page is not None else None
        reads_alone = reads_until(session, MailId(row.mail_id), actor) is not None
    if page is not None:
        _record(documents.text_of(row, page.page_no))
    _read(row.mail_id)
    is_plain = row.media_type == takeover_files.PLAIN
    may_write = not reads_alone and row.is_latest and _keeps(row)
    may_repair = may_write and not is_plain and not arrange.stays_whole(row.kind, is_signed=row.is_signed)
    return render_form(
        "documents/show.html",
        error=error,
        form=_as_typed(typed) if error is not None else None,
        changed_meanwhile=_changed_meanwhile(typed, notes),
        row=row,
        page=page,
        read_again=read_again,
        notes=notes,
        areas=tuple(Area),
        may_write=may_write,
        may_repair=may_repair,
        is_plain=is_plain,
        words=words,
        marks=marks.on_page([*found, *margin_notes.words(notes)], words),
    )


def _as_typed(typed: Sequence[Typed]) -> MultiDict[str, str]:
    form = MultiDict(request.form)
    for one in typed:
        if one.is_untouched:
            form.poplist(f"words-{one.note_id}")
    return form


def _changed_meanwhile(typed: Sequence[Typed], notes: Sequence[margin_notes.NoteRow]) -> set[int]:
    """The notes for which this person typed other words than those that a colleague stored meanwhile."""
    stored = {one.id: one for one in notes}
    return {
        one.note_id for one in typed
        if not one.is_untouched and one.note_id in stored
        and stored[one.note_id].version != one.version and stored[one.note_id].text != one.text.strip()
    }  # fmt: skip


def _keeps(row: AttachmentRow) -> bool:
    return any(post.unit_id == row.mail_unit_id and Role.CLERK in post.roles for post in context.actor().posts)


@blueprint.get("/<int:attachment_id>/page/<int:page_no>.jpg")
def page_image(attachment_id: int, page_no: int) -> ResponseReturnValue:
    """The picture of a page; drawn from the original while the document is not read yet."""
    services, actor = context.services(), context.actor()
    width_px = THUMBNAIL_PX if "petit" in request.args else PAGE_PX
    with services.reading() as session:
        file, source = documents.page_source(session, attachment_id, page_no, actor)
        try:
            made = documents.rendition(session, attachment_id, "page_image", actor, page_no=page_no)
        except NotFound:
            made = None
    if made is not None and width_px == PAGE_PX:
        return _send(made, inline=True)
    # A thumbnail is not legible: only the view of a large page is recorded.
    if width_px == PAGE_PX:
        _record(file)
    limit_bytes = drawing.QUICK_BYTES if width_px == PAGE_PX else None
    try:
        # Outside of the session: a child draws for up to seconds, and a connection of the database would wait with it.
        drawn = drawing.draw(services, source, width_px=width_px, limit_bytes=limit_bytes)
    except EngineFailed as error:
        if error.code != "work.busy":
            raise
        return pictures.instead(error)
    return send_file(BytesIO(drawn), mimetype="image/webp" if limit_bytes else "image/jpeg")


@blueprint.get("/<int:attachment_id>/thumbnail.jpg")
def thumbnail(attachment_id: int) -> ResponseReturnValue:
    """The small picture of the first page."""
    with context.services().reading() as session:
        try:
            made = documents.rendition(session, attachment_id, "thumbnail", context.actor())
        except NotFound as missing:
            if missing.code != "document.not_read":
                raise
            return redirect(url_for("documents.page_image", attachment_id=attachment_id, page_no=1, petit=1))
    return _send(made, inline=True, record=False)


@blueprint.get("/<int:attachment_id>/original")
def original(attachment_id: int) -> ResponseReturnValue:
    """The original file, byte for byte."""
    with context.services().reading() as session:
        file = documents.original(session, attachment_id, context.actor())
    _read(file.mail_id)
    return _send(file, inline=False)


@blueprint.get("/<int:attachment_id>/page/<int:page_no>/original")
def original_page(attachment_id: int, page_no: int) -> ResponseReturnValue:
    """The original file of one page, as the scanner sent it."""
    with context.services().reading() as session:
        file = documents.original_page(session, attachment_id, page_no, context.actor())
    _read(file.mail_id)
    return _send(file, inline=False)


@blueprint.get("/<int:attachment_id>/searchable.pdf")
def searchable(attachment_id: int) -> ResponseReturnValue:
    """The document as PDF with the text that was read."""
    with context.services().reading() as session:
        file = documents.rendition(session, attachment_id, "searchable_pdf", context.actor())
    _read(file.mail_id)
    return _send(file, inline=True)


@blueprint.get("/<int:attachment_id>/page/<int:page_no>/texte")
def text(attachment_id: int, page_no: int) -> ResponseReturnValue:
    """The text of a page, to copy."""
    with context.services().reading() as session:
        row = documents.attachment(session, attachment_id, context.actor())
    page = next((one for one in row.pages if one.page_no == page_no), None)
    if page is None or not page.is_read:
        raise NotFound("document.not_read", "wait until the document is read", id=attachment_id, page=page_no)
    _record(documents.text_of(row, page_no))
    return Response(page.text, mimetype="text/plain")


@blueprint.post("/<int:attachment_id>/reparer")
def repair(attachment_id: int) -> ResponseReturnValue:
    """Make a new version with reordered, rotated or removed pages; the old version stays."""
    fields = FormReader(request.form)
    reason = fields.text("reason", maximum=500)
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        row = documents.attachment(session, attachment_id, actor)
    try:
        fields.check()
        with services.unit_of_work(context.now()) as uow:
            new = arrange.repair(
                uow, AttachmentId(attachment_id), _arrangement(row), reason=reason, actor=actor, now=context.now()
            )
    except (Invalid, InvalidTransition) as error:
        return _show(attachment_id, error)
    flash(_("La nouvelle version est enregistrée ; l'ancienne reste consultable."), "success")
    return redirect(url_for("documents.show", attachment_id=new), 303)


@blueprint.post("/<int:attachment_id>/annotations")
def margin(attachment_id: int) -> ResponseReturnValue:
    """Store all that was typed of the handwriting on a page, and what was pressed: a note dismissed, or brought back. A note
    that the machine missed comes with them."""
    fields = FormReader(request.form)
    ids = fields.integers("note")
    dismissed, restored = (request.form.get(name, type=whole) for name in ("dismiss", "restore"))
    gone_before = set(fields.integers("gone"))
    gone = (gone_before | {dismissed}) - {restored}
    typed = [
        Typed(
            one,
            fields.text(f"words-{one}", maximum=margin_notes.MAX_TEXT),
            one in gone,
            fields.integer(f"version-{one}", required=True) or 0,
            (fields.text(f"seen-{one}", maximum=margin_notes.MAX_TEXT), one in gone_before)
            if f"seen-{one}" in request.form
            else None,
        )
        for one in ids
    ]
    page_no = request.form.get("page", 1, type=whole) or 1
    new_words = fields.text(margin_notes.ADDED_TEXT, maximum=margin_notes.MAX_TEXT, required="add" in request.form)
    area = fields.choice("added-area", Area, required=bool(new_words))
    try:
        fields.check()
        added = Added(page_no, area, new_words, _ratio(attachment_id, page_no)) if new_words and area else None
        with context.services().unit_of_work(context.now()) as uow:
            changed = margin_notes.write(uow, attachment_id, typed, added=added, actor=context.actor())
    except (Invalid, InvalidTransition, StaleVersion) as error:
        return _show(attachment_id, error, typed=typed)
    if changed:
        flash(_("Les annotations sont enregistrées ; la recherche les trouvera."), "success")
    after = ids[ids.index(dismissed) + 1 :] if dismissed in ids else ()
    following = next((one for one in after if one not in gone), None)  # so that the keyboard goes on there
    place = f"words-{following}" if following else "annotations"
    return redirect(url_for("documents.show", attachment_id=attachment_id, page=page_no, _anchor=place), 303)


def _ratio(attachment_id: int, page_no: int) -> float:
    """Height of a page in its widths, from its picture; asked before the letter is locked, for the store may be far."""
    with context.services().reading() as session:
        try:
            made = documents.rendition(session, attachment_id, "page_image", context.actor(), page_no=page_no)
        except NotFound:  # the act itself refuses what is not there
            return page_shape.A4_RATIO
    return page_shape.ratio_of(context.services().blobs, made.digest)


def _arrangement(row: AttachmentRow) -> list[tuple[int, int]]:
    """(page number, rotation) in the typed order, without pages whose box 'keep' is not ticked."""
    wanted: list[tuple[int, int, int]] = []
    for page in row.pages:
        if not request.form.get(f"keep-{page.page_no}"):
            continue
        place = request.form.get(f"place-{page.page_no}", type=whole) or page.page_no
        turned = request.form.get(f"turn-{page.page_no}", type=whole) or 0
        wanted.append((place, page.page_no, turned))
    return [(page_no, turned) for _place, page_no, turned in sorted(wanted)]


def _read(mail_id: int) -> None:
    """Who reads a document from a list has opened its letter too."""
    actor, now = context.actor(), context.now()
    with context.services().reading() as session:
        was_opened = opening.was_opened(session, mail_id, actor=actor, now=now)
    if not was_opened:
        with context.services().unit_of_work(now) as uow:
            opening.mark_read(uow, mail_id, actor=actor, now=now)


def _record(file: FileRow) -> None:
    if file.level >= Confidentiality.RESTRICTED:
        with context.services().unit_of_work(context.now()) as uow:
            documents.record_opening(uow, file, actor=context.actor())


def _send(file: FileRow, *, inline: bool, record: bool = True) -> ResponseReturnValue:
    """Send a stored file with its type if the type is known; any other file as plain bytes, only to be saved."""
    if record:
        _record(file)
    # A file from outside may be HTML or SVG: shown inline, its scripts would run as the site's own.
    known = file.media_type in MEDIA_TYPES
    name = file.filename
    ending = ENDINGS.get(file.media_type, "")
    if ending and not name.lower().endswith((ending, ".jpeg", ".tiff")):
        name += ending
    return send_file(
        context.services().blobs.open(file.digest),
        mimetype=file.media_type if known else "application/octet-stream",
        as_attachment=not (inline and known),
        download_name=name,
        etag=file.digest,
        conditional=True,
    )
