"""Refuses what no form sends: control characters in the arguments of an address, for PostgreSQL takes no zero byte; and texts of a
form that would keep a thread busy for minutes."""

import re

from flask import Flask, request
from flask.typing import ResponseReturnValue

from web.site import errors

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Not the tab and the ends of lines: they come with pasted text."""


def install(app: Flask) -> None:
    """Refuse such a request before any page reads its arguments, or keeps them in the session."""

    @app.before_request
    def limit_typed_texts() -> None:
        """Werkzeug limits the texts of forms with files alone. Without this limit, 18 MB of typed text took 12 s, before anybody signed in."""
        if request.mimetype == "application/x-www-form-urlencoded":
            request.max_content_length = app.config["MAX_FORM_MEMORY_SIZE"]

    @app.before_request
    def refuse_control_characters() -> ResponseReturnValue | None:
        if any(_CONTROL.search(text) for pair in request.args.items(multi=True) for text in pair):
            return errors.answer_code("page.refused", 400)
        return None
