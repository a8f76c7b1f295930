"""Signing in through a directory, for the administrator: what is set, who is linked, which accounts are break-glass."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.directory import glass, links, outages
from ged.errors import GedError
from web.site import context
from web.site.auth import require_recent_proof
from web.site.errors import status_of, view_of, views_of
from web.site.forms import FormReader
from web.words.messages import gettext as _

blueprint = Blueprint("directory_settings", __name__, url_prefix="/administration/annuaire")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What is set, who is linked, which accounts are break-glass."""
    return _page()


def _page(error: GedError | None = None) -> ResponseReturnValue:
    services = context.services()
    with services.reading() as session:
        glasses, linked, away = glass.listing(session), links.listing(session), outages.away(session)
    page = render_template(
        "directory_settings/index.html", directory=services.directory, provider=services.provider, glasses=glasses,
        links=linked, away=away, most=glass.MOST, own_passwords=services.own_passwords,
        form=request.form if error is not None else {}, errors=views_of(error) if error is not None else (),
    )  # fmt: skip
    return page, status_of(error) if error is not None else 200


@blueprint.post("/secours")
def name_glass() -> ResponseReturnValue:
    """Name a break-glass account."""
    require_recent_proof()
    fields = FormReader(request.form)
    account, reason = (
        fields.text("account", required=True, maximum=64),
        fields.text("reason", required=True, maximum=300),
    )
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            glass.name(uow, account, reason, actor=context.actor())
    except GedError as error:
        return _page(error)
    flash(_("Ce compte est un compte de secours. Tous les administrateurs en sont avertis."), "success")
    return redirect(url_for("directory_settings.index"), 303)


@blueprint.post("/secours/<int:row_id>/retirer")
def withdraw_glass(row_id: int) -> ResponseReturnValue:
    """A break-glass account becomes an ordinary one."""
    require_recent_proof()
    with context.services().unit_of_work(context.now()) as uow:
        glass.withdraw(uow, row_id, actor=context.actor())
    flash(_("Ce compte n'est plus un compte de secours."), "success")
    return redirect(url_for("directory_settings.index"), 303)


@blueprint.post("/liens/<int:link_id>/defaire")
def unlink(link_id: int) -> ResponseReturnValue:
    """Undo the link of an account: its sessions end, and the next sign-in binds it anew."""
    require_recent_proof()
    try:
        with context.services().unit_of_work(context.now()) as uow:
            links.unlink(uow, link_id, actor=context.actor())
    except GedError as error:
        view = view_of(error)
        flash(f"{view.message} {view.remedy}", "danger")
        return redirect(url_for("directory_settings.index"), 303)
    flash(
        _(
            "Le lien est défait, les sessions de la personne sont fermées. Sa prochaine connexion par l'annuaire le refait."
        ),
        "success",
    )
    return redirect(url_for("directory_settings.index"), 303)
