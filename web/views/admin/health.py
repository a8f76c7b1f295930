"""The health of this installation, for a supervisor, a monitor, a proxy. Served by a separate thread pool."""

import time

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from ged import health
from web.site import context, disk, readiness
from web.site.numbers import whole

blueprint = Blueprint("health", __name__)

KEPT_S = 2.0
_KEPT = "ged_health"


@blueprint.get("/sante")
def show() -> ResponseReturnValue:
    """200 when all works; 503 with the codes of the problems. For a monitor.

    The response also says when the database may lose committed data (tests).
    """
    looked_s, found = current_app.extensions.get(_KEPT, (-KEPT_S, []))
    if time.monotonic() - looked_s > KEPT_S:
        found = health.problems(context.services(), disk.space_of(current_app), now=context.now())
        current_app.extensions[_KEPT] = time.monotonic(), found
    unsafe = context.settings().unsafe_database
    warning = {"unsafe_database": unsafe} if unsafe else {}
    return jsonify(status="red" if found else "ok", problems=found, **warning), 503 if found else 200


@blueprint.get("/sante/site")
def site() -> ResponseReturnValue:
    """200 when this process reaches its database. For the browser that waits for the site; a proxy asks ``/sante/pret``."""
    is_there = health.reaches_database(context.services())
    return jsonify(status="ok" if is_there else "red"), 200 if is_there else 503


@blueprint.get("/sante/pret")
def ready() -> ResponseReturnValue:
    """200 when this process may be sent people; 503 with the reason when its database is away, when the tables are older
    or newer than the program, and while it stops. For a proxy, and for an upgrade that replaces processes one by one."""
    hindrance = readiness.hindrance(current_app, context.services())
    return jsonify(status="red" if hindrance else "ok", why=hindrance), 503 if hindrance else 200


@blueprint.get("/place")
def upload_room() -> ResponseReturnValue:
    """204 when a file of ``?octets=`` bytes would be accepted now. A browser checks this before a long upload.

    Raises:
        DiskFull: ``disk.low``.
    """
    disk.check_upload(disk.space_of(current_app), request.args.get("octets", 0, type=whole) or 0)
    return "", 204
