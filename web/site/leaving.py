"""Between this site and the identity provider: what the browser keeps meanwhile, and the page from which it leaves.

The browser leaves from a page of its own, not by a redirection of a form: the policy of our pages lets forms lead to this site alone.
"""

import secrets

from flask import Response, make_response, render_template, session, url_for

from ged.directory import links, provider
from web.site import auth, context

BROWSER = "provider_browser"
ANEW = "provider_anew"


def browser() -> str:
    """The text of this browser, one for all its tabs; made when it is first asked for."""
    if BROWSER not in session:
        session[BROWSER] = secrets.token_urlsafe(32)
    return str(session[BROWSER])


def known_browser() -> str:
    """The text of this browser; empty: it was never sent to the provider."""
    return str(session.get(BROWSER, ""))


def ask_anew() -> None:
    """The next sign-in through the provider is another person's: the provider asks who it is, though somebody is signed in there."""
    session[ANEW] = True


def is_anew() -> bool:
    """Whether the person before gave the place to another."""
    return ANEW in session


def redirect_uri() -> str:
    """The one address to which the provider sends browsers back. It is told to the provider once, by hand."""
    return context.services().public_url + url_for("provider.returned")


def page(way: str) -> Response:
    """The page from which the browser leaves for the provider."""
    return make_response(render_template("session/leaving.html", way=way))


def way_out() -> str:
    """Where this session ends at the provider too; empty: it was not opened by one."""
    services = context.services()
    if services.provider is None:
        return ""
    with services.reading() as db:
        row = provider.of_session(db, auth.session_id()) if auth.has_row() else None
        id_token = row.id_token if row is not None else ""
    if not id_token:
        return ""
    return services.provider.way_out(id_token=id_token, back=services.public_url + url_for("session.sign_in_form"))


def by_provider() -> bool:
    """Whether the person of this session proves who they are at the provider: they have no password that we could ask for."""
    services, person_id = context.services(), int(context.actor().person_id)
    if services.provider is None:
        return False
    with services.reading() as db:
        return bool(links.subject_of(db, person_id, services.provider.issuer)) and not (
            services.directory is not None and links.subject_of(db, person_id, services.directory.name)
        )
