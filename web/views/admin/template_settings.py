"""The texts by which letters begin, in the browser: look, create, change, each on the day that is chosen."""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.administration import lists, wanted
from web.site import context
from web.views.admin import act_form
from web.views.admin.act_form import ActForm, Field, code_field
from web.views.admin.nature_settings import owner_field
from web.views.admin.organisation import reach
from web.words import acts as words
from web.words.messages import gettext as _

blueprint = Blueprint("template_settings", __name__, url_prefix="/administration/modeles-de-lettres")
BOTH = ("GET", "POST")
MOST_SUBJECT, MOST_BODY = 500, 20_000


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The templates: the common stock, and those of the entities."""
    with context.services().reading() as session:
        rows = lists.templates(session, reach())
    return render_template("template_settings/index.html", rows=rows)


@blueprint.get("/<int:text_id>")
def show(text_id: int) -> ResponseReturnValue:
    """A template with its text, and its acts."""
    with context.services().reading() as session:
        row, acts = lists.template(session, text_id, reach())
    return render_template("template_settings/template.html", row=row, acts=acts, what_words=words.what_words)


def _fields(title: str = "", subject: str = "", body: str = "") -> tuple[Field, ...]:
    return (
        Field("title", _("Intitulé"), value=title, hint=_("Ce que le rédacteur choisit dans la liste."), required=True),
        Field("subject", _("Objet"), value=subject, required=True, maximum=MOST_SUBJECT),
        Field(
            "body", _("Texte"), "lines", value=body, required=True, maximum=MOST_BODY,
            hint=_(
                "Rempli quand une réponse commence : {civilite}, {objet}, {votre_reference}, {date_courrier}, {numero_arrivee}, "
                "{date_arrivee}, {service}, {delai}."
            ),
        ),
    )  # fmt: skip


@blueprint.route("/creer", methods=BOTH)
def create() -> ResponseReturnValue:
    """A template at the end of the list."""
    form = ActForm(
        "template.new", _("Créer un modèle de lettre"), _("Un texte par lequel un projet de lettre commence."), "",
        (url_for("template_settings.index"), _("Modèles de lettres")), (code_field(_("Code"), 64), *_fields(), owner_field()),
    )  # fmt: skip
    return act_form.answer(form, lambda now, said: wanted.new_listed(now, "templates", dict(said)))


@blueprint.route("/<int:text_id>/modifier", methods=BOTH)
def change(text_id: int) -> ResponseReturnValue:
    """Another title, subject or text."""
    with context.services().reading() as session:
        row, _acts = lists.template(session, text_id, reach())
    form = ActForm(
        "template.change", _("Modifier un modèle de lettre"), _("Les projets déjà commencés gardent leur texte."), row.code,
        (url_for("template_settings.show", text_id=row.id), row.title), _fields(row.title, row.subject, row.body),
    )  # fmt: skip
    entity = row.entity.code if row.entity else None
    return act_form.answer(
        form, lambda now, said: wanted.changed_listed(now, "templates", row.code, entity, dict(said))
    )
