"""The second step of signing in, after the right password; and signing in by a passkey alone. Nobody has a session here."""

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from ged.directory import glass, links
from ged.entry import factors, passkeys, second, steps
from ged.entry.models import StepKind
from ged.errors import Invalid
from ged.org import accounts
from ged.ports import PersonId
from web.site import auth, context, entering
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.pages import render_form
from web.site.paths import safe_path
from web.views.account.session import has_passkeys, refused, sign_in_page
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("second_step", __name__, url_prefix="/connexion")
PAGE = "second_step/form.html"
FEW = 3
"""With so few recovery codes left, their owner is told to make new ones."""


@blueprint.get("/etape-2")
def form() -> ResponseReturnValue:
    """The page of the second step; whoever has no first step behind them is led to it."""
    try:
        values = _ways()
    except Invalid as over:
        return _again(over)
    return render_form(PAGE, form={"next": safe_path(request.args.get("next")) or ""}, **values)


def _ways() -> dict[str, Any]:
    """What the person has: told only after the right password.

    Raises:
        Invalid: ``second_step.over``.
    """
    if entering.FULL in session:
        return {"has_totp": True, "has_keys": False, "has_codes": False}
    with context.services().reading() as db:
        step = steps.require(db, entering.text(), StepKind.SECOND, now=context.now())
        found = factors.factors_of(db, step.person_id)
    return {
        "has_totp": found.totp_since is not None, "has_keys": bool(found.passkeys) and has_passkeys(),
        "has_codes": found.codes_left > 0,
    }  # fmt: skip


def _again(over: Invalid) -> ResponseReturnValue:
    view = view_of(over)
    session.pop(entering.STEP, None)
    session.pop(entering.FULL, None)
    flash(f"{view.message} {view.remedy}", "info")
    target = safe_path(request.values.get("next"))
    return redirect(url_for("session.sign_in_form", next=target), 303)


def _caller() -> accounts.Caller:
    step = _second()
    return auth.caller(step.account if step is not None else "")


def _second() -> steps.Step | None:
    with context.services().reading() as db:
        return steps.find(db, entering.text(), StepKind.SECOND, now=context.now())


def _epoch() -> int:
    """That of the step that is begun, of before its password was checked. 0: none is begun, and what proves a step refuses."""
    step = _second()
    return step.epoch if step is not None else 0


@blueprint.post("/etape-2")
def code() -> ResponseReturnValue:
    """A code of the telephone."""
    typed = FormReader(request.form).secret("code")
    if entering.FULL in session:
        return _on_full_disk(typed)
    try:
        return _step(
            lambda: second.by_totp(context.services(), entering.text(), typed, caller=_caller(), now=context.now())
        )
    except accounts.NotRecorded as full:
        # The last room of the disk went to the first step.
        entering.begin_on_full_disk(full, None)
        return _on_full_disk(typed)


def _on_full_disk(typed: str) -> ResponseReturnValue:
    try:
        pending = session[entering.FULL]
        person_id = second.by_totp_unrecorded(context.services(), pending, typed, now=context.now())
    except Invalid as wrong:
        return _wrong(wrong)
    auth.open_unrecorded(accounts.NotRecorded(person_id, pending["epoch"]))
    return entering.welcome()


@blueprint.post("/etape-2/secours")
def recovery() -> ResponseReturnValue:
    """A recovery code of the sheet in the envelope."""
    typed = FormReader(request.form).secret("recovery_code")
    services, epoch = context.services(), _epoch()
    try:
        person_id = second.by_recovery_code(services, entering.text(), typed, caller=_caller(), now=context.now())
        answer = _enter(person_id, epoch)
    except Invalid as wrong:
        return _wrong(wrong)
    with services.reading() as db:
        left = factors.factors_of(db, int(person_id)).codes_left
    flash(_left_words(left), "warning" if left <= FEW else "info")
    return answer


def _left_words(left: int) -> str:
    left_words = ngettext(
        "Ce code de secours ne vaut plus rien : il vous en reste %(num)s.",
        "Ce code de secours ne vaut plus rien : il vous en reste %(num)s.",
        left,
    )
    lost = _("Téléphone perdu ou changé ? Ouvrez « Vérification en deux étapes » et ajoutez le nouveau.")
    return f"{left_words} {lost}"


@blueprint.post("/etape-2/cle/demande")
def ask_passkey() -> ResponseReturnValue:
    """What the browser needs to sign with one of the person's passkeys."""
    return _asked(lambda: passkeys.ask(context.services(), entering.text(), now=context.now()))


@blueprint.post("/etape-2/cle")
def passkey() -> ResponseReturnValue:
    """A passkey as the second step."""
    return _step(lambda: _by_passkey(StepKind.SECOND).person_id)


@blueprint.post("/cle/demande")
def ask_alone() -> ResponseReturnValue:
    """What the browser needs to sign in by a passkey alone: it names nobody."""

    def ask() -> str:
        token, asked = passkeys.ask_alone(
            context.services(), instead_of=entering.text(), address=request.remote_addr or "", now=context.now()
        )
        session[entering.STEP] = token
        return asked

    return _asked(ask)


@blueprint.post("/cle")
def passkey_alone() -> ResponseReturnValue:
    """A passkey in place of account and password."""
    try:
        opened = _by_passkey(StepKind.ALONE)
        return _enter(opened.person_id, opened.epoch)
    except Invalid as wrong:
        return sign_in_page(wrong)


def _by_passkey(kind: StepKind) -> passkeys.Opened:
    answer = request.form.get("answer", "")
    caller = accounts.Caller(request.remote_addr or "")
    services = context.services()
    opened = passkeys.sign_in(
        services, entering.text(), answer, kind=kind, caller=caller, now=context.now(),
        may_alone=lambda db, owner: links.has_own_password(db, services, owner),
    )  # fmt: skip
    if kind is StepKind.ALONE:
        glass.note_alone(services, int(opened.person_id), address=caller.address, now=context.now())
    return opened


def _step(take: Callable[[], PersonId]) -> ResponseReturnValue:
    epoch = _epoch()
    try:
        return _enter(take(), epoch)
    except Invalid as wrong:
        return _wrong(wrong)


def _enter(person_id: PersonId, epoch: int) -> ResponseReturnValue:
    """Open the session. Its epoch is that of the check: a password changed meanwhile ends it."""
    try:
        return entering.enter(person_id, epoch=epoch)
    except accounts.NotRecorded as full:
        auth.open_unrecorded(full)
    return entering.welcome()


def _wrong(wrong: Invalid) -> ResponseReturnValue:
    if wrong.code == "second_step.over":
        return _again(wrong)
    try:
        values = _ways()
    except Invalid as over:
        return _again(over)
    # A refused code of the telephone is worth nothing: left there, the next would be typed behind it. A recovery code has a slip.
    kept = {name: request.form.get(name, "") for name in ("next", "recovery_code")}
    return refused(PAGE, wrong, form=kept, **values)


def _asked(ask: Callable[[], str]) -> ResponseReturnValue:
    try:
        return dict(json.loads(ask()))
    except Invalid as wrong:
        view = view_of(wrong)
        return {"message": f"{view.message} {view.remedy}"}, 422
