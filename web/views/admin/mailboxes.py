"""The administrators' view of mailboxes: which are collected, and which messages were refused, with the reason."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ged.errors import GedError
from ged.mailbox import operations as mailbox
from web.site import context
from web.site.errors import view_of

blueprint = Blueprint("mailboxes", __name__, url_prefix="/administration/messagerie")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The list. The messages themselves can only be read in the mailbox's own folder."""
    services = context.services()
    with services.reading() as session:
        rows = mailbox.refused(session)
    return render_template(
        "admin/mailboxes.html",
        boxes=[(box.name, box.unit_code) for box in services.mailboxes],
        rows=rows,
        reasons={row.id: view_of(GedError(row.reason, maximum=200)).message for row in rows},
    )
