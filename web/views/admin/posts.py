"""Posts in the browser: look, create, change, give to a person or leave vacant."""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.administration import people as queries
from ged.administration import queries as units
from ged.administration import wanted
from ged.administration.people import PostPage
from ged.unit import Role
from web.site import context
from web.views.admin import act_form
from web.views.admin.act_form import ActForm, Field, code_field
from web.views.admin.organisation import reach, unit_options
from web.words import acts as words
from web.words.labels import label
from web.words.messages import gettext as _

blueprint = Blueprint("posts", __name__, url_prefix="/administration/postes")
BOTH = ("GET", "POST")


@blueprint.get("/<int:post_id>")
def show(post_id: int) -> ResponseReturnValue:
    """A post: its holders over time, delegations, acts."""
    return render_template("posts/post.html", post=_post(post_id), what_words=words.what_words)


def _post(post_id: int) -> PostPage:
    with context.services().reading() as session:
        return queries.post_page(session, post_id, reach(), on=context.today())


def _roles_field(value: tuple[str, ...] = ()) -> Field:
    return Field(
        "roles", _("Rôles"), "checks", value=value, options=[(role.value, label(role)) for role in Role],
        hint=_("Les droits vont au poste, jamais à la personne."),
    )  # fmt: skip


def _secretary_field(value: str = "", *, but: str = "") -> Field:
    with context.services().reading() as session:
        options = queries.post_options(session, reach(), but=but)
    return Field("secretary_of", _("Secrétariat de"), "select", value=value, options=options, empty=_("Aucun poste"))


@blueprint.route("/creer/<int:unit_id>", methods=BOTH)
def create(unit_id: int) -> ResponseReturnValue:
    """A post in a unit."""
    with context.services().reading() as session:
        unit = units.unit_page(session, unit_id, reach(), on=context.today())
        people = queries.person_options(session, reach(), on=context.today())
    form = ActForm(
        "post.new", _("Créer un poste"), unit.name, "", (url_for("organisation.show", unit_id=unit.id), unit.name),
        (
            code_field(_("Code"), 64),
            Field("title", _("Intitulé"), hint=_("Tel qu'il est imprimé sous une signature."), required=True),
            _roles_field(),
            Field("holder", _("Titulaire"), "select", options=people, empty=_("Vacant")),
            _secretary_field(),
        ),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.new_post(
            now, code=said["code"], title=said["title"], unit=unit.code, roles=said["roles"], holder=said["holder"] or None,
            secretary_of=said["secretary_of"] or None,
        ),
    )  # fmt: skip


@blueprint.route("/<int:post_id>/modifier", methods=BOTH)
def change(post_id: int) -> ResponseReturnValue:
    """Another title, unit, roles or authority."""
    post = _post(post_id)
    form = ActForm(
        "post.change", _("Modifier un poste"), f"{post.title} ({post.code})", post.code, _back(post),
        (
            Field("title", _("Intitulé"), value=post.title, hint=_("Tel qu'il est imprimé sous une signature."), required=True),
            Field("unit", _("Service"), "select", value=post.unit.code, options=unit_options(), required=True),
            _roles_field(tuple(role.value for role in post.roles)),
            _secretary_field(post.secretary_of.code if post.secretary_of else "", but=post.code),
        ),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.changed_post(
            now, post.code, title=said["title"], unit=said["unit"], roles=said["roles"],
            secretary_of=said["secretary_of"] or None,
        ),
    )  # fmt: skip


def _back(post: PostPage) -> tuple[str, str]:
    return url_for("posts.show", post_id=post.id), post.title


@blueprint.route("/<int:post_id>/attribuer", methods=BOTH)
def give(post_id: int) -> ResponseReturnValue:
    """To a person, or to nobody."""
    post = _post(post_id)
    with context.services().reading() as session:
        people = queries.person_options(session, reach(), on=context.today())
    form = ActForm(
        "post.give", _("Nommer un titulaire"),
        _("« %(post)s » garde son courrier. Les délégations que l'ancien titulaire a données prennent fin.", post=post.title),
        post.code, _back(post),
        (Field("holder", _("Titulaire"), "select", value=post.holder.code if post.holder else "", options=people, empty=_("Aucun titulaire (poste vacant)")),),
    )  # fmt: skip
    return act_form.answer(form, lambda now, said: wanted.given_post(now, post.code, holder=said["holder"] or None))
