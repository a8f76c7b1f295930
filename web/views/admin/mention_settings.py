"""Mentions that an authority ticks, in the browser: look, create, change."""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.administration import lists, wanted
from web.site import context
from web.views.admin import act_form
from web.views.admin.act_form import ActForm, Field, code_field
from web.views.admin.nature_settings import owner_field
from web.views.admin.organisation import reach
from web.words.messages import gettext as _

blueprint = Blueprint("mention_settings", __name__, url_prefix="/administration/mentions")
BOTH = ("GET", "POST")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The mentions: the common stock, and those of the entities."""
    with context.services().reading() as session:
        rows = lists.mentions(session, reach())
    return render_template("mention_settings/index.html", rows=rows)


def _fields(label: str = "", reminder: str = "") -> tuple[Field, ...]:
    return (
        Field("label", _("Libellé"), value=label, hint=_("Ce qui est imprimé sur la fiche."), required=True),
        Field(
            "reminder", _("Rappels"), value=reminder, maximum=8,
            hint=_("Jours ouvrés avant la date, après, puis tous les : 2/1/3. Un tiret (-) : aucun rappel. Vide : la règle générale."),
        ),
    )  # fmt: skip


@blueprint.route("/creer", methods=BOTH)
def create() -> ResponseReturnValue:
    """A mention at the end of the list."""
    form = ActForm(
        "mention.new", _("Créer une mention"), _("Ce que l'autorité coche quand elle impute un courrier."), "",
        (url_for("mention_settings.index"), _("Mentions")),
        (
            code_field(_("Code"), 64),
            *_fields(), owner_field(),
        ),
    )  # fmt: skip
    return act_form.answer(form, lambda now, said: wanted.new_listed(now, "mentions", dict(said)))


@blueprint.route("/<int:mention_id>/modifier", methods=BOTH)
def change(mention_id: int) -> ResponseReturnValue:
    """Another text or rule of reminders."""
    with context.services().reading() as session:
        row = lists.mention(session, mention_id, reach())
    form = ActForm(
        "mention.change", _("Modifier une mention"),
        _("Les fiches déjà imprimées gardent l'ancien libellé ; les courriers montrent le nouveau."), row.code,
        (url_for("mention_settings.index"), _("Mentions")), _fields(row.label, row.reminder),
    )  # fmt: skip
    entity = row.entity.code if row.entity else None
    return act_form.answer(form, lambda now, said: wanted.changed_listed(now, "mentions", row.code, entity, dict(said)))
