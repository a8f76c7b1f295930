"""Mailboxes as administrators see them: which are collected, and which messages were put aside, with the reason."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ged.errors import GedError
from ged.mailbox import operations as mailbox
from web.site import context
from web.site.errors import view_of

blueprint = Blueprint("mailboxes", __name__, url_prefix="/administration/messagerie")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The list; a message itself is opened in the mailbox's own folder, by whoever may."""
    services = context.services()
    with services.reading() as session:
        rows = mailbox.refused(session)
    return render_template(
        "admin/mailboxes.html",
        boxes=[(box.name, box.unit_code) for box in services.mailboxes],
        rows=rows,
        reasons={row.id: view_of(GedError(row.reason, maximum=200)).message for row in rows},
    )
