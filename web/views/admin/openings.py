"""First accesses: a second person confirms or refuses a code; administrators see all that were made, used and not confirmed."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.administration import first_access, openings
from ged.errors import Invalid
from ged.org.openings import OpeningRow
from ged.paging import Slice
from ged.unit import Role
from web.site import context
from web.site.auth import require_recent_proof
from web.site.errors import view_of
from web.site.pages import place
from web.views.admin.organisation import reach
from web.words.messages import gettext as _

blueprint = Blueprint("openings", __name__, url_prefix="/premiers-acces")
PAGE = 50


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Those that wait for a second person; of administrators, all others too."""
    actor, services, on, now = context.actor(), context.services(), context.today(), context.now()
    rows: tuple[OpeningRow, ...] = ()
    page: Slice | None = None
    with services.reading() as session:
        waiting = openings.waiting(session, actor, services.installation_accounts, on=on, now=now)
        if actor.has(Role.ADMINISTRATOR):
            rows, page = openings.listing(session, reach(), place(), limit=PAGE, on=on, now=now)
    return render_template("openings/index.html", waiting=waiting, rows=rows, page=page)


@blueprint.post("/<int:opening_id>/confirmer")
def confirm(opening_id: int) -> ResponseReturnValue:
    """The code works from now on."""
    return _settle(opening_id, is_confirmed=True)


@blueprint.post("/<int:opening_id>/refuser")
def refuse(opening_id: int) -> ResponseReturnValue:
    """The code is worth nothing any more; its maker and the others are told."""
    return _settle(opening_id, is_confirmed=False)


def _settle(opening_id: int, *, is_confirmed: bool) -> ResponseReturnValue:
    require_recent_proof()
    settle = first_access.confirm if is_confirmed else first_access.refuse
    shown = request.form.get("shown", "")
    try:
        with context.services().unit_of_work(context.now()) as uow:
            settle(uow, opening_id, shown=shown, actor=context.actor())
    except Invalid as refused:
        view = view_of(refused)
        flash(f"{view.message} {view.remedy}", "danger")
        return redirect(url_for("openings.index"), 303)
    said = (
        _("Le premier accès est confirmé : la personne peut choisir son mot de passe.")
        if is_confirmed
        else _("Le premier accès est refusé : son code ne vaut plus rien, et celui qui l'a fait en est averti.")
    )
    flash(said, "success")
    return redirect(url_for("openings.index"), 303)
