"""Notices: acts of others that a person must know, shown until the person acknowledges them."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.org import notices
from web.site import context
from web.site.forms import FormReader

blueprint = Blueprint("notices", __name__, url_prefix="/avis")


@blueprint.post("/connaissance")
def acknowledge() -> ResponseReturnValue:
    """Acknowledge the notices shown."""
    read = FormReader(request.form).integers("notice")
    with context.services().unit_of_work(context.now()) as uow:
        notices.acknowledge(uow, read, actor=context.actor())
    return redirect(url_for("session.home"), 303)
