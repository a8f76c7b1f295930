"""The training installation as the administration of the real one sees it: how it is started, whether it is served, its address.

A process of the site starts no other installation: it would run with the rights, the memory and the folders of the real one.
"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from web.site import context
from web.site.training_place import standing

COMMAND = "ged training start --bind 127.0.0.1:8010"
blueprint = Blueprint("training_place", __name__, url_prefix="/administration/entrainement")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The command, the state, the link."""
    url = context.settings().training_url
    command = f"{COMMAND} --url {url}" if url else COMMAND
    return render_template("training_place/index.html", url=url, state=standing(url).value, command=command)
