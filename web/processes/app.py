"""The Flask application over the services: security, languages, errors, access list, navigation, views.

    app = create_app(services, settings)

This module knows no feature: views and API are found by their ``blueprint`` in ``web.views`` and ``web.api``.
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
    arguments,
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
    unknown_filters,
)


class Site(Flask):
    """The application. A request whose transaction the database aborted in favour of another is retried once."""

    jinja_environment = pages.Environment

    def dispatch_request(self) -> ResponseReturnValue:
        """Call the view."""
        return once_more(super().dispatch_request, may_repeat=_body_again)


def _body_again() -> bool:
    """Rewind the request's body for a retry; False when the body was consumed as a stream."""
    if "files" in vars(request):
        for file in request.files.values():
            file.seek(0)
        return True
    return not request.content_length or request.is_json


def create_app(services: Services, settings: Settings) -> Flask:
    """The site and the API.

    Raises:
        RuntimeError: an endpoint is on no access list.
    """
    app = Site("web")  # the package of the templates and static files
    if settings.proxies:
        # Throttling counts by address: without this, all people behind the proxy would share one address.
        # Not x_host: the proxy passes Host itself, and what a client writes in X-Forwarded-Host would get into links.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    app.secret_key = derive_secret(settings.secret.get_secret_value(), "session-cookie")
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_upload_bytes,
        MAX_FORM_MEMORY_SIZE=2_000_000,
        MAX_FORM_PARTS=5_000,
        # As long as a session: with the library's hour, a letter that was typed during a meeting would be refused.
        WTF_CSRF_TIME_LIMIT=int(LONGEST_SESSION.total_seconds()),
        # The session cookie is SameSite and the token is bound to it; a proxy that strips the referrer is no attack.
        WTF_CSRF_SSL_STRICT=False,
    )
    # Installed first: its clock starts before all other handlers and stops after them, compression included.
    access_log.install(app, trusts_proxy=settings.proxies > 0, meter=services.meter)
    # The first installed handler runs last: so it compresses the finished response.
    compression.install(app)
    numbers.install(app)
    context.plug(app, services, settings)
    # Before the sign-in: under a foreign name nobody is signed in, so the page that refuses it tells nothing of them.
    hosts.install(app, settings)
    secure = settings.public_url.startswith("https://")
    i18n.install(app, locale=settings.locale, zone=settings.timezone, secure=secure)
    # Before the sign-in: Flask calls what follows a request in reverse order. So these two complete a redirection too, which
    # the sign-in may put in the place of a response.
    headers.install(app)
    pages.install(app)
    unknown_filters.install(app)
    auth.install(app, secure=secure)
    # Behind the sign-in: its page of refusal is that of a person who is signed in, with their menu and the way home.
    arguments.install(app)
    errors.install(app)
    # Before CSRFProtect, which reads the form for its token, and so writes the files of the request to the disk.
    disk.install(app, disk.space_of(app))
    # Behind the sign-in: a token that ended with its session is told as a session that ended, not as a forged form.
    csrf = CSRFProtect(app)
    guard.install(app)
    keyring.install(app)
    for blueprint in (*views.blueprints(), *api.blueprints()):
        app.register_blueprint(blueprint)
    panels.install(app, views.panels())
    guard.check_complete(app)
    navigation.install(app)
    # Bridges and the provider bear tokens, which no foreign page can make a browser send. Public look-ups change
    # nothing.
    for rule in (guard.BRIDGE, guard.PROVIDER, guard.PUBLISHED):
        for endpoint in guard.endpoints_of(app, rule):
            csrf.exempt(app.view_functions[endpoint])
    return app
