"""Translates errors for people: one table of codes, one page, one JSON form.

To add an error: raise a ``GedError`` subclass with a new dotted code, and add its French text here, in the block of the
code's first word: what happened, then what to do. ``%(name)s`` inserts a value of ``params``. A test finds missing
codes.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Flask, flash, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from ged.errors import (
    DiskFull,
    EngineFailed,
    Forbidden,
    GedError,
    GivenUp,
    Gone,
    Invalid,
    InvalidTransition,
    Malformed,
    NotFound,
    NumberTaken,
    Overtaken,
    StaleVersion,
)
from ged.faults import busy, fault_of
from ged.languages import LANGUAGES
from ged.org import delegations, refusals
from ged.org.models import DelegationKind
from ged.unit import SYSTEM
from web.site import access_log, context, i18n
from web.site.paths import safe_path
from web.words.error_table import MESSAGES, Params
from web.words.messages import gettext
from web.words.messages import lazy_gettext as _l

log = logging.getLogger("ged.web")

STATUS_FULL = 507
STATUS: tuple[tuple[type[GedError], int], ...] = (
    (Gone, 410),
    (NotFound, 404),
    (Forbidden, 403),
    (InvalidTransition, 409),
    # Before its class StaleVersion: the first that fits counts. So do Gone before NotFound and Malformed before
    # Invalid.
    (GivenUp, 503),
    (StaleVersion, 409),
    (NumberTaken, 409),
    (Malformed, 400),
    (Invalid, 422),
    (DiskFull, STATUS_FULL),
    (EngineFailed, 503),
)
_WAITS = frozenset({"work.busy", "database.busy", "database.overtaken"})
RETRY_AFTER_S = 10
"""Seconds in ``Retry-After`` of a temporary 503."""


@dataclass(frozen=True)
class ErrorView:
    """An error in French. ``field`` is the form field to correct, or an empty string."""

    code: str
    message: str
    remedy: str
    status: int
    field: str = ""
    choices: tuple[tuple[int, str], ...] = ()
    """(id, text) pairs from which the person chooses, if the typed text is ambiguous."""

    @property
    def is_wait(self) -> bool:
        """Whether the person only has to wait: no administrator is needed."""
        return self.code in _WAITS


class FormRefused(Invalid):
    """Several fields of one form are wrong; see ``web.site.forms``."""

    def __init__(self, errors: tuple[Invalid, ...]) -> None:
        super().__init__(errors[0].code, errors[0].remedy, **errors[0].params)
        self.errors = errors


REFUSALS = (Invalid, InvalidTransition, StaleVersion, EngineFailed)
"""What a form shows above what was typed."""


def refused(error: GedError, *also: str) -> GedError:
    """Return an error that the form shows; raise others, as of an unknown letter.

    Args:
        also: codes of other errors that the form shows: a missing key, an unknown unit.
    """
    if isinstance(error, REFUSALS) or error.code in also:
        return error
    raise error


def status_of(error: GedError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def view_of(error: GedError) -> ErrorView:
    """The French text of an error; an unknown code is shown itself."""
    field = str(error.params.get("field") or "")
    message = MESSAGES.get(error.code)
    if message is None:
        log.error("error.without_message code=%s", error.code)
        what = gettext("L'opération n'a pas abouti (code %(code)s).", code=error.code)
        remedy = gettext("Réessayez ; si l'erreur revient, donnez ce code à l'administrateur.")
        return ErrorView(error.code, what, remedy, status_of(error), field)
    params = Params({key: _plain(value) for key, value in error.params.items()})
    choices = error.params.get("choices")
    return ErrorView(
        error.code,
        gettext(message.what) % params,
        gettext(message.remedy) % params,
        status_of(error),
        field,
        choices if isinstance(choices, tuple) else (),
    )


def _plain(value: object) -> object:
    if isinstance(value, date):
        return i18n.date_and_time(value) if isinstance(value, datetime) else i18n.short_date(value)
    return "" if value is None else value


def views_of(error: GedError) -> tuple[ErrorView, ...]:
    """All the errors of a refused form, or the one error."""
    return tuple(view_of(one) for one in error.errors) if isinstance(error, FormRefused) else (view_of(error),)


def install(app: Flask) -> None:
    """Answer every failure with a page inside the layout, or with JSON under ``/api/``."""
    app.register_error_handler(GedError, _on_ged_error)
    app.register_error_handler(Overtaken, _on_overtaken)
    app.register_error_handler(CSRFError, _on_csrf_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_crash)


_PRIVATE = frozenset(
    {
        "assignment.unknown", "attachment.unknown", "dispatch.unknown", "envelope.unknown", "first_access.unknown", "mail.unknown",
        "number.unknown", "order.unknown", "paper.unknown", "profile.unknown", "register.unknown", "scan.unknown",
        "second_step.reset_unknown", "separator.unknown", "slip.unknown",
    }
)  # fmt: skip
"""Errors that are the same whether a thing does not exist or may not be seen. Both cases write the same, so that
neither the journal's growth nor the response time distinguishes them."""


def _on_ged_error(error: GedError) -> ResponseReturnValue:
    if error.code == "session.required":
        return _ask_to_sign_in(error.code)
    if isinstance(error, Forbidden) or error.params.get("refused") or error.code in _PRIVATE:
        try:
            _record_refusal(error)
        except Exception as fault:  # noqa: BLE001  # above all, the database may be unreachable
            return _on_crash(fault)
    view = view_of(error)
    if view.status >= 500:
        log.error("page.failed method=%s error=%s", request.method, error)
    answer = make_response(_answer(view))
    if isinstance(error, GivenUp):
        answer.headers["Retry-After"] = "1"
    return answer


def _on_overtaken(_error: Overtaken) -> ResponseReturnValue:
    """Handle an aborted unit of work outside of the view (before it, or for the journal of a refusal)."""
    return _on_ged_error(busy())


def _record_refusal(error: GedError) -> None:
    """Record a refusal in the journal, in a separate unit of work: the act's own was rolled back."""
    subject_id = error.params.get("id")
    actor = context.actor_or_none() or SYSTEM
    # No post of the actor allowed the act: the entry names the first post, an own post if there is one.
    post = next(iter(actor.posts), None)
    with context.services().unit_of_work(context.now()) as uow:
        counted = refusals.count(uow.session, f"person:{actor.person_id}", now=uow.now)
        if not refusals.is_told(counted):
            return
        uow.record(
            "access.refused",
            error.code.partition(".")[0],
            subject_id if isinstance(subject_id, int) else None,
            actor=actor,
            post=post,
            code=error.code,
            endpoint=request.endpoint or "",
            within_the_hour=counted,
        )


WAYS_OUT = frozenset({"session.sign_out", "session.change_person"})


def _ask_to_sign_in(error_code: str) -> ResponseReturnValue:
    if _wants_json():
        return _json(ErrorView(error_code, *_words(error_code), 401))
    if "HX-Request" in request.headers:
        # A background request: the page and its typed text stay; ged.js shows the message.
        return "", 401
    if request.endpoint in WAYS_OUT:
        # Signed out in another window: what was asked for is done.
        return redirect(url_for("session.sign_in_form"), 303)
    if request.method in ("GET", "HEAD"):
        ended = "1" if g.get("session_ended") else None
        return redirect(url_for("session.sign_in_form", next=request.full_path.removesuffix("?"), fin=ended), 303)
    return _answer(ErrorView(error_code, *_words(error_code), 401))


def _words(code: str) -> tuple[str, str]:
    message = MESSAGES[code]
    return gettext(message.what), gettext(message.remedy)


def _on_csrf_error(error: CSRFError) -> ResponseReturnValue:
    log.warning("page.forged_form why=%s", error.description)
    if request.endpoint == "session.sign_in":
        flash(gettext("La page est restée ouverte longtemps : connectez-vous maintenant."), "info")
        return redirect(url_for("session.sign_in_form", next=safe_path(request.form.get("next"))), 303)
    if context.actor_or_none() is None:
        # The CSRF token ended with the session, so the real cause is the missing session.
        return _ask_to_sign_in("session.required")
    return _answer(ErrorView("form.expired", *_words("form.expired"), 400))


def _on_http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    code = {404: "page.unknown", 405: "page.method", 413: "upload.too_large"}.get(status, "page.refused")
    return _answer(ErrorView(code, *_words(code), status))


def _on_crash(error: Exception) -> ResponseReturnValue:
    known = fault_of(error)
    if known is not None:
        log.error("page.failed method=%s error=%s cause=%s", request.method, known, error)
        return _answer(view_of(known))
    reference = access_log.request_id()
    log.error("page.crashed method=%s request=%s", request.method, reference, exc_info=error)
    what = gettext("Une erreur inattendue s'est produite (référence %(reference)s).", reference=reference)
    return _answer(ErrorView("page.crash", what, _words("page.crash")[1], 500))


def answer_code(code: str, status: int) -> ResponseReturnValue:
    """The error page, or JSON, of a code without an exception."""
    return _answer(ErrorView(code, *_words(code), status))


def _wants_json() -> bool:
    return request.path.startswith("/api/")


def _json(view: ErrorView) -> ResponseReturnValue:
    body: Mapping[str, object] = {"code": view.code, "message": view.message, "remedy": view.remedy}
    return jsonify(error={**body, "field": view.field} if view.field else body), view.status


def _answer(view: ErrorView) -> ResponseReturnValue:
    response = make_response(_json(view) if _wants_json() else (_page(view), view.status))
    if view.status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    if _asks_again(view):
        response.headers["Refresh"] = str(RETRY_AFTER_S)
    return response


def _asks_again(view: ErrorView) -> bool:
    """Whether the error page reloads itself: only for a GET request that failed because the server is busy."""
    return view.code == "work.busy" and request.method == "GET" and not _wants_json()


@dataclass(frozen=True)
class Plain:
    """A response rendered beforehand, for use without the application."""

    status: str
    media_type: str
    body: bytes


def plain_words(app: Flask, codes: Sequence[str]) -> dict[tuple[str, str, str], Plain]:
    """The responses of these codes, as ``html`` and as ``json``, in each language."""
    made: dict[tuple[str, str, str], Plain] = {}
    for language in LANGUAGES:
        made.update(_plain_words(app, codes, language))
    return made


def _plain_words(app: Flask, codes: Sequence[str], language: str) -> dict[tuple[str, str, str], Plain]:
    made: dict[tuple[str, str, str], Plain] = {}
    with app.test_request_context("/", headers={"Accept-Language": language}):
        context.open_request()
        for code in codes:
            status = 413 if code == "upload.too_large" else STATUS_FULL
            view = ErrorView(code, *_words(code), status)
            line = f"{status} {HTTP_STATUS_CODES[status]}"
            page = render_template("errors/bare.html", failure=view, title=_TITLES[status], is_form_lost=False)
            made[code, "html", language] = Plain(line, "text/html; charset=utf-8", page.encode())
            body = json.dumps({"error": {"code": code, "message": view.message, "remedy": view.remedy}})
            made[code, "json", language] = Plain(line, "application/json", body.encode())
    return made


_SENT_AGAIN = frozenset({"session.required", "form.expired", "upload.too_large"})


def _loses_a_form(view: ErrorView) -> bool:
    """Whether a sent form may be sent again unchanged: the previous page restores the typed text (ged.js)."""
    return request.method == "POST" and (view.status >= 500 or view.code in _SENT_AGAIN)


def _page(view: ErrorView) -> str:
    title = _TITLES.get(view.status, _REFUSED)
    shown = {"failure": view, "title": title, "is_form_lost": _loses_a_form(view)}
    if view.code in _WITHOUT_DATABASE:
        # Set: else the menu of the error page would ask the database that has just failed.
        g.navigation = []  # its counters cannot be queried now
    try:
        return render_template("errors/error.html", **shown, ended=_ended(view))
    except Exception as error:
        if fault_of(error) is None:
            raise
        return render_template("errors/bare.html", **shown)


def _ended(view: ErrorView) -> list[tuple[DelegationKind, str, date]]:
    """What the actor could do until lately, and is refused now: it says nothing of what was asked for."""
    actor = context.actor_or_none()
    if actor is None or view.status not in (403, 404):
        return []
    with context.services().reading() as session:
        return delegations.ended(session, actor, since=context.today() - SHOWN_FOR, on=context.today())


SHOWN_FOR = timedelta(days=7)
_WITHOUT_DATABASE = frozenset({"database.away", "database.busy", "database.slow"})


_REFUSED = _l("Opération refusée")
_TITLES = {
    401: _l("Votre session a pris fin"),
    403: _l("Accès refusé"),
    404: _l("Introuvable"),
    409: _l("La situation a changé"),
    413: _l("Fichier trop lourd"),
    422: _l("Opération refusée"),
    500: _l("Erreur inattendue"),
    503: _l("Service momentanément indisponible"),
    507: _l("Plus de place sur le serveur"),
}
