"""What a request knows: the services, the settings, who acts, and one time for everything it does.

Views ask here and nowhere else, so that a request has one ``now`` and one ``Actor``.
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
    """Give an application its services; ``g.services`` and ``g.now`` are there in every request."""
    app.extensions[_SERVICES] = services
    app.extensions[_SETTINGS] = settings
    app.before_request(open_request)


def open_request() -> None:
    """What each request begins with."""
    g.services = services()
    g.now = datetime.now(UTC)


def services() -> Services:
    """The plugs of this process."""
    return services_of(current_app)


def settings() -> Settings:
    """The settings of this process. Views need them rarely."""
    return settings_of(current_app)


def services_of(app: Flask) -> Services:
    """The plugs of an application, outside of a request."""
    return cast(Services, app.extensions[_SERVICES])


def settings_of(app: Flask) -> Settings:
    """The settings of an application, outside of a request."""
    return cast(Settings, app.extensions[_SETTINGS])


def now() -> datetime:
    """The time of this request, UTC; the same at every call."""
    return cast(datetime, g.now)


def today() -> date:
    """The local date of this request: what registers and deadlines count with."""
    return now().astimezone(services().zone).date()


def working_days(session: ReadSession) -> WorkCalendar:
    """The calendar that deadlines are counted with, read once in a request."""
    if "working_days" not in g:
        g.working_days = calendar.calendar(session)
    return cast(WorkCalendar, g.working_days)


def actor() -> Actor:
    """Who acts.

    Raises:
        Forbidden: ``session.required``: nobody is signed in (the access list keeps this from happening).
    """
    found = actor_or_none()
    if found is None:
        raise Forbidden("session.required", "sign in first")
    return found


def actor_or_none() -> Actor | None:
    """Who acts, or None on a public page."""
    return cast(Actor | None, g.get("actor"))
