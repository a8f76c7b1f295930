"""What is sent in place of a picture that cannot be drawn."""

from flask import Response, redirect, url_for
from flask.typing import ResponseReturnValue

from ged.errors import EngineFailed, Invalid

AGAIN_S = 2


def instead(error: Invalid | EngineFailed) -> ResponseReturnValue:
    """The picture of what is unreadable; while too many pictures are being drawn, a 429 without a body.

    A picture of a clock would stay on the page. After it the page asks again (``ged.js``).
    """
    if error.code == "work.busy":
        return Response(status=429, headers={"Retry-After": str(AGAIN_S), "Cache-Control": "no-store"})
    return redirect(url_for("static", filename="img/unreadable.svg"))
