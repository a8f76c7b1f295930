"""The filing plan in the browser: look, create, change, close and open again, each on the day that is chosen."""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.administration import lists, wanted
from ged.administration.lists import ClassItem
from web.site import context
from web.site.pages import place
from web.views.admin import act_form
from web.views.admin.act_form import ActForm, Field, code_field
from web.words import acts as words
from web.words.messages import gettext as _

blueprint = Blueprint("filing_settings", __name__, url_prefix="/administration/classement")
BOTH = ("GET", "POST")
PAGE = 100


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The classes, by code."""
    with context.services().reading() as session:
        rows, page = lists.filing_plan(session, place(), limit=PAGE)
    return render_template("filing_settings/index.html", rows=rows, page=page)


@blueprint.get("/<int:class_id>")
def show(class_id: int) -> ResponseReturnValue:
    """A class and its acts."""
    with context.services().reading() as session:
        row, acts = lists.filing_class(session, class_id)
    return render_template("filing_settings/class.html", row=row, acts=acts, what_words=words.what_words)


def _class(class_id: int) -> ClassItem:
    with context.services().reading() as session:
        return lists.filing_class(session, class_id)[0]


def _back(row: ClassItem) -> tuple[str, str]:
    return url_for("filing_settings.show", class_id=row.id), row.title


def _title_field(title: str = "") -> Field:
    return Field("title", _("Intitulé"), value=title, required=True)


@blueprint.route("/creer", methods=BOTH)
def create() -> ResponseReturnValue:
    """A class of the plan."""
    form = ActForm(
        "filing.new", _("Créer une classe"), _("Où les courriers clos sont rangés."), "",
        (url_for("filing_settings.index"), _("Plan de classement")), (code_field(_("Code"), 32), _title_field()),
    )  # fmt: skip
    return act_form.answer(form, lambda _now, said: wanted.new_class(code=said["code"], title=said["title"]))


@blueprint.route("/<int:class_id>/modifier", methods=BOTH)
def change(class_id: int) -> ResponseReturnValue:
    """Another title."""
    row = _class(class_id)
    form = ActForm(
        "filing.change", _("Modifier une classe"), _("Les courriers qui y sont rangés montreront le nouvel intitulé."), row.code,
        _back(row), (_title_field(row.title),),
    )  # fmt: skip
    return act_form.answer(form, lambda _now, said: wanted.changed_class(row.code, title=said["title"]))


@blueprint.route("/<int:class_id>/fermer", methods=BOTH)
def close(class_id: int) -> ResponseReturnValue:
    """Nothing is filed there any more."""
    row = _class(class_id)
    form = ActForm(
        "filing.close", _("Fermer une classe"),
        _("Elle ne sera plus offerte à la clôture ; les courriers qui y sont rangés y restent."), row.code, _back(row), (),
    )  # fmt: skip
    return act_form.answer(form, lambda _now, _said: wanted.closed_class(row.code, closed=True))


@blueprint.route("/<int:class_id>/rouvrir", methods=BOTH)
def reopen(class_id: int) -> ResponseReturnValue:
    """It takes letters again."""
    row = _class(class_id)
    form = ActForm(
        "filing.reopen", _("Rouvrir une classe"), _("On peut y classer de nouveau."), row.code, _back(row), ()
    )
    return act_form.answer(form, lambda _now, _said: wanted.closed_class(row.code, closed=False))
