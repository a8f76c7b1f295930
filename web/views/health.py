"""Whether this process serves and reaches its database: for the supervisor, a proxy, a monitor."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from ged.reports.journal import head
from web import context

blueprint = Blueprint("health", __name__)


@blueprint.get("/sante")
def show() -> ResponseReturnValue:
    """200 when the database answers; says so when it is allowed to lose what it was given (tests)."""
    with context.services().reading() as session:
        head(session)
    unsafe = context.settings().unsafe_database
    return jsonify(status="ok", **({"unsafe_database": unsafe} if unsafe else {}))
