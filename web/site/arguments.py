"""Refuses addresses whose arguments hold control characters: no form sends them, and PostgreSQL takes no zero byte."""

import re

from flask import Flask, request
from flask.typing import ResponseReturnValue

from web.site import errors

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Not the tab and the ends of lines: they come with pasted text."""


def install(app: Flask) -> None:
    """Refuse such a request before any page reads its arguments, or keeps them in the session."""

    @app.before_request
    def refuse_control_characters() -> ResponseReturnValue | None:
        if any(_CONTROL.search(text) for pair in request.args.items(multi=True) for text in pair):
            return errors.answer_code("page.refused", 400)
        return None
