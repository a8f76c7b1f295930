"""How e-mail goes: what reached nobody, what mail servers report, and a message that the program writes to itself."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.errors import EngineFailed
from ged.notices import returned
from web.site import context
from web.site.errors import view_of
from web.words.messages import gettext as _

blueprint = Blueprint("post", __name__, url_prefix="/administration/courriels")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The state of e-mail."""
    services = context.services()
    with services.reading() as session:
        health = returned.health(session)
        last = returned.last_loop(session, now=context.now())
    return render_template(
        "admin/post.html",
        health=health,
        loop=last,
        is_wrong=last.state in returned.WRONG,
        why=view_of(EngineFailed(last.failure)) if last.failure else None,
        is_daily=returned.may_loop(services),
        address=services.own_address,
        boxes=services.mailboxes,
    )


@blueprint.post("/boucle")
def loop() -> ResponseReturnValue:
    """Write a message to ourselves."""
    try:
        returned.try_loop(context.services(), actor=context.actor(), now=context.now())
    except EngineFailed as failure:
        flash(_("Le message n'est pas parti : %(why)s", why=view_of(failure).message), "danger")
    else:
        flash(_("Le message est parti. Il doit revenir à la prochaine relève des boîtes."), "success")
    return redirect(url_for("post.index"), 303)
