"""What is still to be set before the ministry works: each line with who acts, why, and where."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.administration import checklist as lines
from ged.administration.checklist import Item
from web.site import context
from web.words import checklist as words
from web.words.messages import gettext as _

blueprint = Blueprint("checklist", __name__, url_prefix="/administration/mise-en-service")
LEADS_TO = {
    Item.REGISTERS: "register_settings.index", Item.HEADS: "organisation.index", Item.VACANT: "organisation.index", Item.CLERKS: "register_settings.index",
    Item.FIRST_ACCESS: "people.index", Item.SCANNERS: "scans.desks", Item.HOLIDAYS: "work_calendar.index",
    Item.MAIL_LOOP: "post.index", Item.FIRST_CLOSING: "register_settings.index",
}  # fmt: skip
"""The page where a line is settled; without one it is settled on the server."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The lines, what is missing first told."""
    services = context.services()
    with services.reading() as session:
        found = lines.checklist(session, services, context.actor(), on=context.today(), now=context.now())
    return render_template(
        "checklist/index.html", left=lines.left(found), total=len(found), can_see_backup=any(one.item is Item.BACKUP for one in found),
        rows=[(one, words.TEXTS[one.item], url_for(LEADS_TO[one.item]) if one.item in LEADS_TO else "") for one in found],
        names_words=words.names_words,
    )  # fmt: skip


@blueprint.post("/sauvegarde")
def see_backup() -> ResponseReturnValue:
    """Say that a backup was restored elsewhere and verified."""
    with context.services().unit_of_work(context.now()) as uow:
        lines.see_backup(uow, actor=context.actor())
    flash(_("C'est noté au journal. La question revient dans un mois."), "success")
    return redirect(url_for("checklist.index"), 303)
