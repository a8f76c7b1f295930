"""The guide, in the site."""

from flask import Blueprint, abort, redirect, render_template, send_from_directory, url_for
from flask.typing import ResponseReturnValue

from web.site import guide, i18n

blueprint = Blueprint("help", __name__, url_prefix="/aide")
PICTURE_KEPT_S = 86_400
"""On a slow link a picture is fetched once a day."""


@blueprint.get("/")
def start() -> ResponseReturnValue:
    """To the first page."""
    return redirect(url_for("help.show", name=guide.START))


@blueprint.get("/<name>")
def show(name: str) -> ResponseReturnValue:
    """A page of the guide."""
    if name not in guide.names():
        abort(404)
    pages = [guide.page(one, i18n.language()) for one in guide.names()]
    return render_template("help/show.html", page=guide.page(name, i18n.language()), pages=pages)


@blueprint.get("/images/<name>.webp")
def picture(name: str) -> ResponseReturnValue:
    """A picture of the guide."""
    return send_from_directory(guide.PICTURES, f"{name}.webp", mimetype="image/webp", max_age=PICTURE_KEPT_S)
