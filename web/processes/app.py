"""The Flask application over the services: security, languages, errors, access list, navigation, views.

    app = create_app(services, settings)

Nothing here knows a feature: ``web.views`` and ``web.api`` are found by their ``blueprint``.
"""

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from ged.codes import derive_secret
from ged.config import Settings
from ged.org.sessions import LONGEST_SESSION
from ged.unit import Services, once_more
from web import api, views
from web.site import (
    access_log,
    auth,
    compression,
    context,
    disk,
    errors,
    guard,
    headers,
    hosts,
    i18n,
    keyring,
    navigation,
    numbers,
    pages,
    panels,
)


class Site(Flask):
    """A request whose transaction the database gave up for another's is run once more before anybody hears of it."""

    def dispatch_request(self) -> ResponseReturnValue:
        """Call the view."""
        return once_more(super().dispatch_request, may_repeat=_body_again)


def _body_again() -> bool:
    """Let the view read the request's body from its start; False when it went by as a stream."""
    if "files" in vars(request):
        for file in request.files.values():
            file.seek(0)
        return True
    return not request.content_length or request.is_json


def create_app(services: Services, settings: Settings) -> Flask:
    """The site and the API.

    Raises:
        RuntimeError: an endpoint stands on no access list.
    """
    app = Site("web")  # whose templates and static files they are
    if settings.proxies:
        # Throttling counts by address: without this all people behind the proxy would be one.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    app.secret_key = derive_secret(settings.secret.get_secret_value(), "session-cookie")
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_upload_bytes,
        MAX_FORM_MEMORY_SIZE=2_000_000,
        MAX_FORM_PARTS=5_000,
        WTF_CSRF_TIME_LIMIT=int(LONGEST_SESSION.total_seconds()),
        # The session cookie is SameSite and the token is bound to it; a proxy that strips the referrer is no attack.
        WTF_CSRF_SSL_STRICT=False,
    )
    access_log.install(app, trusts_proxy=settings.proxies > 0)
    # What is added first is called last: it compresses what the others have finished.
    compression.install(app)
    numbers.install(app)
    context.plug(app, services, settings)
    hosts.install(app, settings)
    i18n.install(app, locale=settings.locale, zone=settings.timezone)
    auth.install(app, secure=settings.public_url.startswith("https://"))
    errors.install(app)
    disk.install(app, disk.space_of(app))
    csrf = CSRFProtect(app)
    guard.install(app)
    headers.install(app)
    keyring.install(app)
    pages.install(app)
    for blueprint in (*views.blueprints(), *api.blueprints()):
        app.register_blueprint(blueprint)
    panels.install(app, views.panels())
    guard.check_complete(app)
    navigation.install(app)
    for endpoint in (*guard.endpoints_of(app, guard.BRIDGE), *guard.endpoints_of(app, guard.PUBLISHED)):
        csrf.exempt(app.view_functions[endpoint])
    return app
