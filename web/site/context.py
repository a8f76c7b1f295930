"""The context of a request: the services, the settings, the actor, and one time for all its acts.

Views use only this module for these, so that a request has one ``now`` and one ``Actor``.
"""

from datetime import UTC, date, datetime
from typing import cast

from flask import Flask, current_app, g

from ged.config import Settings
from ged.errors import Forbidden
from ged.routing import calendar
from ged.routing.deadlines import WorkCalendar
from ged.unit import Actor, ReadSession, Services

_SERVICES = "ged_services"
_SETTINGS = "ged_settings"


def plug(app: Flask, services: Services, settings: Settings) -> None:
    """Attach the services to an application; ``g.services`` and ``g.now`` are set in every request."""
    app.extensions[_SERVICES] = services
    app.extensions[_SETTINGS] = settings
    app.before_request(open_request)


def open_request() -> None:
    """Set the services and the time of a request."""
    g.services = services()
    g.now = datetime.now(UTC)


def services() -> Services:
    """The services of this process."""
    return services_of(current_app)


def settings() -> Settings:
    """The settings of this process. Views need them rarely."""
    return settings_of(current_app)


def services_of(app: Flask) -> Services:
    """The services of an application, outside of a request."""
    return cast(Services, app.extensions[_SERVICES])


def settings_of(app: Flask) -> Settings:
    """The settings of an application, outside of a request."""
    return cast(Settings, app.extensions[_SETTINGS])


def now() -> datetime:
    """The time of this request, UTC; the same at every call."""
    return cast(datetime, g.now)


def today() -> date:
    """The local date of this request, for registers and deadlines."""
    return now().astimezone(services().zone).date()


def working_days(session: ReadSession) -> WorkCalendar:
    """The calendar for deadlines, read once in a request."""
    if "working_days" not in g:
        g.working_days = calendar.calendar(session)
    return cast(WorkCalendar, g.working_days)


def actor() -> Actor:
    """The actor.

    Raises:
        Forbidden: ``session.required``: nobody is signed in (the access list prevents this).
    """
    found = actor_or_none()
    if found is None:
        raise Forbidden("session.required", "sign in first")
    return found


def actor_or_none() -> Actor | None:
    """The actor, or None on a public page."""
    return cast(Actor | None, g.get("actor"))
