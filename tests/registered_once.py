"""Registers the views of the site once for all applications of a process: this was a third of the time of making a site.

The first application registers them as in the product. What its blueprints left in it is copied to each further one; all of
them have one map of addresses, to which nothing more can be added.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from flask import Blueprint, Flask

from web import api, views

BY_NAME = (
    "before_request_funcs", "after_request_funcs", "teardown_request_funcs", "url_value_preprocessors",
    "url_default_functions", "template_context_processors",
)  # fmt: skip
"""What an application calls before and after a request: name of a blueprint, or None for all -> functions."""
_VIEWS, _API = views.blueprints, api.blueprints
_LEFT: list[_Left] = []
"""What the first application was left, once there is one."""


@contextmanager
def registered_once() -> Iterator[None]:
    """Meanwhile an application gets the views of an earlier one. A test that gives other views gets those."""
    if views.blueprints is not _VIEWS or api.blueprints is not _API:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(views, "blueprints", lambda: (_All(),))
        patch.setattr(api, "blueprints", tuple)
        yield


class _All(Blueprint):
    """Stands for all blueprints of the site."""

    def __init__(self) -> None:
        super().__init__("all", __name__)

    def register(self, app: Any, _options: dict[str, Any]) -> None:
        """Register each blueprint, or give the application what an earlier one was left."""
        if _LEFT:
            _LEFT[0].give(app)
            return
        before = _Left(app)
        for blueprint in (*_VIEWS(), *_API()):
            app.register_blueprint(blueprint)
        _LEFT.append(_Left(app).without(before))
        app.url_map.add = _refuse


def _refuse(*_given: object) -> NoReturn:
    raise AssertionError("the applications of this process share their routes: make this one with adds_routes=True")


class _Left:
    """What an application holds of its blueprints.

    Attributes:
        named: attribute -> name -> value.
        functions: attribute -> name of a blueprint -> functions in their order.
    """

    def __init__(self, app: Flask) -> None:
        environment = app.jinja_env
        self.url_map = app.url_map
        self.named: dict[str, dict[Any, Any]] = {
            "blueprints": dict(app.blueprints),
            "view_functions": dict(app.view_functions),
            "error_handler_spec": dict(app.error_handler_spec),
        }
        self.of_templates = {one: dict(getattr(environment, one)) for one in ("filters", "tests", "globals")}
        self.functions = {one: {name: list(own) for name, own in getattr(app, one).items()} for one in BY_NAME}

    def without(self, before: _Left) -> _Left:
        """What was left since."""
        for own, earlier in ((self.named, before.named), (self.of_templates, before.of_templates)):
            for one, values in own.items():
                own[one] = {name: value for name, value in values.items() if name not in earlier[one]}
        for one, by_name in self.functions.items():
            for name, functions in by_name.items():
                del functions[: len(before.functions[one].get(name, ()))]
        return self

    def give(self, app: Flask) -> None:
        """Add it to another application."""
        app.url_map = self.url_map
        for one, values in self.named.items():
            getattr(app, one).update(values)
        for one, values in self.of_templates.items():
            getattr(app.jinja_env, one).update(values)
        for one, by_name in self.functions.items():
            for name, functions in by_name.items():
                getattr(app, one).setdefault(name, []).extend(functions)
