"""Saved searches: save, run, follow, see new letters, delete."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid
from ged.search import said_days
from ged.search import saved as saved_searches
from ged.search.saved import MAX_NAME, SavedRow
from web.site import context
from web.site.forms import FormReader
from web.site.pages import render_form
from web.views.search.search import words_of
from web.views.search.search_form import AS_WORDS, DATES, address_of, days_for_good, period_text, read_query
from web.words.messages import gettext as _

blueprint = Blueprint("saved_searches", __name__, url_prefix="/recherches")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The list."""
    return _list()


def _list(error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        rows = saved_searches.rows(session, context.actor())
    return render_form("saved_searches/index.html", error=error, rows=rows, run_url=_run_url, words=_words)


def _run_url(row: SavedRow) -> str:
    dates = {DATES: AS_WORDS} if row.days_are_words else {}
    return url_for("search.index", **address_of(row.query), **dates)  # type: ignore[arg-type]  # Flask's own hints


def _words(row: SavedRow) -> list[str]:
    """What a search asks beside its text, with the days of today that the text says."""
    said = None if row.days_are_words else said_days.asked(row.query, context.today())[1]
    return [*words_of(row.query), *([_("date comprise : %(period)s", period=period_text(said))] if said else [])]


@blueprint.get("/<int:saved_id>")
def show(saved_id: int) -> ResponseReturnValue:
    """The letters reported by the alert of a followed search."""
    with context.services().reading() as session:
        row, letters = saved_searches.new_letters(session, saved_id, context.actor())
    return render_form("saved_searches/show.html", row=row, letters=letters, run_url=_run_url(row))


@blueprint.post("/")
def save() -> ResponseReturnValue:
    """Save the search of the form."""
    fields = FormReader(request.form)
    name = fields.text("name", required=True, maximum=MAX_NAME)
    query, days_are_words = days_for_good(read_query(request.form)[0], request.form)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            saved_searches.save(
                uow, name, query, follows=fields.ticked("follows"), days_are_words=days_are_words, actor=context.actor()
            )
    except Invalid as error:
        return _list(error)
    flash(_("La recherche « %(name)s » est enregistrée.", name=name), "success")
    return redirect(url_for("saved_searches.index"), 303)


@blueprint.post("/<int:saved_id>/suivre")
def follow(saved_id: int) -> ResponseReturnValue:
    """Begin or end the alert."""
    follows = FormReader(request.form).ticked("follows")
    with context.services().unit_of_work(context.now()) as uow:
        saved_searches.follow(uow, saved_id, follows=follows, actor=context.actor())
    flash(_("Vous suivez cette recherche.") if follows else _("Vous ne suivez plus cette recherche."), "success")
    return redirect(url_for("saved_searches.index"), 303)


@blueprint.post("/<int:saved_id>/vu")
def mark_seen(saved_id: int) -> ResponseReturnValue:
    """Mark all reported letters as seen."""
    with context.services().unit_of_work(context.now()) as uow:
        saved_searches.mark_seen(uow, saved_id, actor=context.actor())
    return redirect(url_for("saved_searches.index"), 303)


@blueprint.post("/<int:saved_id>/supprimer")
def forget(saved_id: int) -> ResponseReturnValue:
    """Delete a saved search."""
    with context.services().unit_of_work(context.now()) as uow:
        saved_searches.forget(uow, saved_id, actor=context.actor())
    flash(_("La recherche est supprimée."), "success")
    return redirect(url_for("saved_searches.index"), 303)
