"""The language in which a person reads the site."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import Invalid, NotFound
from ged.languages import LANGUAGES
from ged.org import accounts
from web.site import context, i18n
from web.site.forms import FormReader
from web.site.pages import render_form
from web.site.paths import next_path
from web.words.messages import gettext as _

blueprint = Blueprint("language", __name__)


@blueprint.get("/langue/<code>")
def switch(code: str) -> ResponseReturnValue:
    """Show the pages before the sign-in in a language: it is remembered in this browser alone."""
    if code not in LANGUAGES:
        raise NotFound("page.unknown", "choose a language of the list")
    i18n.choose(code)
    return redirect(next_path(), 303)


@blueprint.get("/mon-compte/langue")
def form() -> ResponseReturnValue:
    """The form to choose one's language."""
    return render_form("language/form.html", languages=i18n.NAMES)


@blueprint.post("/mon-compte/langue")
def choose() -> ResponseReturnValue:
    """Keep the language with the person, and in this browser for the sign-in page."""
    fields = FormReader(request.form)
    language = fields.text("language", required=True, maximum=8)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            accounts.choose_language(uow, language, actor=context.actor())
    except Invalid as error:
        return render_form("language/form.html", error=error, languages=i18n.NAMES)
    i18n.choose(language)
    flash(_("Les pages et les courriels que vous recevez sont maintenant en français."), "success")
    return redirect(url_for("session.home"), 303)
