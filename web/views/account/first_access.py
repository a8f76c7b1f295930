"""The first access of a new person: the code of the sheet or of the link, then an own password."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.administration import first_access
from ged.administration.first_access import Bearer
from ged.errors import Invalid
from ged.org.accounts import words_of
from ged.org.passwords import hash_password, refuse_guessable
from web.site import context
from web.site.forms import FormReader
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("first_access", __name__, url_prefix="/premier-acces")


@blueprint.get("/")
def form() -> ResponseReturnValue:
    """The page that asks for the code. A link has it behind the #, which no server and no proxy sees: a script types it."""
    return render_form("first_access/code.html")


@blueprint.post("/code")
def read() -> ResponseReturnValue:
    """The code that was typed: whom it lets in, and a form for the password."""
    fields = FormReader(request.form)
    code = fields.text("code", required=True, maximum=100)
    try:
        fields.check()
        known = _bearer(code)
    except Invalid as refused:
        return render_form("first_access/code.html", error=refused)
    return render_form("first_access/choose.html", code=code, known=known)


def _bearer(code: str) -> Bearer:
    with context.services().reading() as session:
        return first_access.bearer(session, code, now=context.now())


@blueprint.post("/")
def choose() -> ResponseReturnValue:
    """Set the password; the code is used up."""
    fields = FormReader(request.form)
    code = fields.text("code", maximum=100)
    password, again = fields.secret("password"), fields.secret("password_again")
    try:
        known = _bearer(code)
    except Invalid as refused:
        return render_form("first_access/code.html", error=refused)
    try:
        fields.check()
        if password != again:
            raise Invalid("password.differs", "type it twice", field="password_again")
        with context.services().reading() as session:
            words = words_of(session, known.person_id)
        refuse_guessable(password, *words)
        password_hash = hash_password(password)
    except Invalid as refused:
        return render_form("first_access/choose.html", error=refused, code=code, known=known)
    try:
        with context.services().unit_of_work(context.now()) as uow:
            first_access.choose(uow, code, password_hash)
    except Invalid as refused:  # used meanwhile
        return render_form("first_access/code.html", error=refused)
    flash(
        _("Votre mot de passe est choisi. Connectez-vous avec le compte %(account)s.", account=known.account), "success"
    )
    return redirect(url_for("session.sign_in_form"), 303)
