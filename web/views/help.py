"""The guide, in the site."""

from io import BytesIO

from flask import Blueprint, abort, redirect, render_template, request, send_file, send_from_directory, url_for
from flask.typing import ResponseReturnValue

from ged.languages import LANGUAGES
from ged.letterhead import Letterhead, country_and_motto, letterhead, organisation_name
from ged.org.stock import entities_of
from web.site import booklets, context, guide, i18n
from web.site.booklets import BOOKLETS, BY_NAME
from web.words.languages import language

blueprint = Blueprint("help", __name__, url_prefix="/aide")


@blueprint.get("/")
def start() -> ResponseReturnValue:
    """To the first page."""
    return redirect(url_for("help.show", name=guide.START))


@blueprint.get("/<name>")
def show(name: str) -> ResponseReturnValue:
    """A page of the guide."""
    if name not in guide.names():
        abort(404)
    pages = [guide.page(one, language()) for one in guide.names()]
    return render_template(
        "help/show.html", page=guide.page(name, language()), pages=pages, booklet=booklets.booklet_of(name)
    )


@blueprint.get("/a-imprimer")
def all_booklets() -> ResponseReturnValue:
    """The booklets of all roles, in each language; those of the reader's own roles first."""
    roles = {role for post in context.actor().posts for role in post.roles}
    own = [one for one in BOOKLETS if one.roles & roles and one.page != "formateur"]
    others = [one for one in BOOKLETS if one not in own]
    return render_template("help/booklets.html", own=own, others=others, languages=i18n.NAMES)


@blueprint.get("/a-imprimer/<role>.pdf")
def booklet(role: str) -> ResponseReturnValue:
    """A booklet, in the language that the address names, else in the reader's; with the letterhead of the reader's entity."""
    asked = request.args.get("langue", "")
    shown_in = asked if asked in LANGUAGES else language()
    if role not in BY_NAME:
        abort(404)
    chosen, actor, services = BY_NAME[role], context.actor(), context.services()
    with services.reading() as session:
        entity = min(entities_of(actor), default=None)
        head = (
            Letterhead(organisation_name(session), (), "", *country_and_motto(services.country))
            if entity is None
            else letterhead(session, entity, country=services.country, of_entity=True)
        )
    pdf = booklets.printed(chosen, head, language=shown_in, at=context.now())
    return send_file(BytesIO(pdf), mimetype="application/pdf", download_name=booklets.filename(chosen, shown_in))


@blueprint.get("/images/<name>.webp")
def picture(name: str) -> ResponseReturnValue:
    """A picture of the guide."""
    return send_from_directory(guide.PICTURES, f"{name}.webp", mimetype="image/webp")
