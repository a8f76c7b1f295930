"""Joining a file to a letter, from its page."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.capture import files, letter_files
from ged.errors import EngineFailed, Forbidden, GedError, Invalid
from ged.register import documents, queries
from ged.register.models import AttachmentKind
from web.site import context
from web.site.forms import FormReader
from web.site.pages import render_form
from web.words.labels import label
from web.words.messages import gettext as _

blueprint = Blueprint("letter_files", __name__, url_prefix="/courriers")


@blueprint.get("/<int:mail_id>/fichier")
def form(mail_id: int) -> ResponseReturnValue:
    """The choice of a file."""
    return _form(mail_id)


def _form(mail_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        mail = queries.visible_mail(session, mail_id, actor)
        kinds = letter_files.kinds(mail, actor)
        letter = queries.letter(session, mail_id, actor)
        has_document = documents.latest_document(session, mail_id) is not None
    if not kinds:
        raise Forbidden("mail.file_forbidden", "ask who works on the letter", id=mail_id)
    choices = [(kind.value, label(kind)) for kind in kinds]
    proposed = AttachmentKind.ANNEX if has_document else AttachmentKind.DOCUMENT  # as for the pages that are scanned
    return render_form("letter_files/form.html", error=error, letter=letter, kinds=choices, proposed=proposed.value)


@blueprint.post("/<int:mail_id>/fichier")
def join(mail_id: int) -> ResponseReturnValue:
    """Join the file; its text is read by a job."""
    services, actor, now = context.services(), context.actor(), context.now()
    fields = FormReader(request.form)
    kind, reason = fields.choice("kind", AttachmentKind), fields.text("reason", maximum=500)
    try:
        fields.check()
        with services.reading() as session:
            # Refused before any byte is read; the operation checks again.
            if not letter_files.kinds(queries.visible_mail(session, mail_id, actor), actor):
                raise Forbidden("mail.file_forbidden", "ask who works on the letter", id=mail_id)
        file = request.files.get("file")
        if file is None or not file.filename:
            raise Invalid("file.none", "choose a file", field="file")
        upload = files.examine(services, file.filename, file.stream)  # type: ignore[arg-type]  # IO[bytes]
        with services.unit_of_work(now) as uow:
            letter_files.join_file(
                uow, mail_id, upload, kind=kind or AttachmentKind.ANNEX, reason=reason, actor=actor, now=now
            )
    except (Invalid, EngineFailed) as error:
        return _form(mail_id, error)
    flash(_("Le fichier est joint au courrier ; son texte est en cours de lecture."), "success")
    return redirect(url_for("letters.show", mail_id=mail_id), 303)
