"""The tree of units in the browser: look, create, rename, move, merge, close; and the posts of a unit."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.administration import queries, wanted
from ged.administration.queries import Node, UnitPage
from ged.administration.reach import Reach
from ged.org.file import OrganisationFile
from ged.workbook.sheets import KINDS_OF_UNIT
from web.site import context
from web.views.admin import act_form
from web.views.admin.act_form import ActForm, Field, Options, code_field
from web.words import acts as words
from web.words.messages import gettext as _

blueprint = Blueprint("organisation", __name__, url_prefix="/administration/organisation")
BOTH = ("GET", "POST")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The tree, or the units that a search finds."""
    asked, with_closed = request.args.get("q", "").strip()[:200], "fermees" in request.args
    services = context.services()
    with services.reading() as session:
        top = queries.tree(session, reach(), on=context.today(), with_closed=with_closed)
        waiting = queries.waiting_count(session, reach())
    hits = queries.found(top, asked) if asked else []
    return render_template(
        "organisation/index.html", top=top, asked=asked, hits=hits, with_closed=with_closed, waiting=waiting,
        unit_kind=words.unit_kind,
    )  # fmt: skip


@blueprint.get("/<int:unit_id>")
def show(unit_id: int) -> ResponseReturnValue:
    """A unit: its posts, what is below it, its registers, its acts."""
    return render_template(
        "organisation/unit.html", unit=_unit(unit_id), unit_kind=words.unit_kind, what_words=words.what_words
    )


def reach() -> Reach:
    """What the administrator looks after."""
    return Reach(context.actor(), context.services().installation_accounts)


def _unit(unit_id: int) -> UnitPage:
    with context.services().reading() as session:
        return queries.unit_page(session, unit_id, reach(), on=context.today())


def unit_options(*, but: str = "") -> Options:
    """The open units by code, indented as the tree; without a unit and all below it."""
    with context.services().reading() as session:
        top = queries.tree(session, reach(), on=context.today())

    def walk(node: Node, depth: int) -> list[tuple[str, str]]:
        if node.code == but:
            return []
        own = [] if node.is_closed else [(node.code, "\u2003" * depth + f"{node.name} ({node.code})")]
        return own + [option for child in node.children for option in walk(child, depth + 1)]

    return [option for root in top.roots for option in walk(root, 0)]


def _kinds(present: str = "") -> Options:
    known = [(kind, words.unit_kind(kind)) for kind in KINDS_OF_UNIT.values()]
    return known if present in {"", *KINDS_OF_UNIT.values()} else [(present, present), *known]


def _back(unit: UnitPage) -> tuple[str, str]:
    return url_for("organisation.show", unit_id=unit.id), unit.name


@blueprint.route("/<int:unit_id>/creer", methods=BOTH)
def create(unit_id: int) -> ResponseReturnValue:
    """A unit below this one."""
    above = _unit(unit_id)
    form = ActForm(
        "unit.new", _("Créer un service"), _("Sous « %(unit)s ».", unit=above.name), "", _back(above),
        (
            code_field(_("Sigle"), 32),
            Field("name", _("Nom"), hint=_("Le nom entier, tel qu'il est imprimé."), required=True),
            Field("kind", _("Type"), "select", value="service", options=_kinds(), required=True),
            Field(
                "entity", _("C'est un organisme qui tient ses propres registres"), "check", value=False,
                hint=_("Les chefs placés au-dessus ne voient pas son courrier. Cela ne change plus ensuite."),
            ),
        ),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.new_unit(
            now, code=said["code"], name=said["name"], kind=said["kind"], below=above.code, is_entity=said["entity"]
        ),
    )


@blueprint.route("/<int:unit_id>/modifier", methods=BOTH)
def change(unit_id: int) -> ResponseReturnValue:
    """Another name, kind or printed address."""
    unit = _unit(unit_id)
    form = ActForm(
        "unit.change", _("Modifier un service"), unit.name, unit.code, _back(unit),
        (
            Field("name", _("Nom"), value=unit.name, hint=_("Le nom entier, tel qu'il est imprimé."), required=True),
            Field("kind", _("Type"), "select", value=unit.kind, options=_kinds(unit.kind), required=True),
            Field(
                "address", _("Adresse imprimée"), value=unit.address,
                hint=_("Au bas des lettres et des récépissés : rue, boîte postale, téléphone. Un service qui n'en a pas prend celle du service au-dessus, dans son entité."),
            ),
        ),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.changed_unit(
            now, unit.code, name=said["name"], kind=said["kind"], address=said["address"]
        ),
    )


@blueprint.route("/<int:unit_id>/deplacer", methods=BOTH)
def move(unit_id: int) -> ResponseReturnValue:
    """Under another unit, with all below it."""
    unit = _unit(unit_id)
    present = unit.path[-1].code if unit.path else ""
    form = ActForm(
        "unit.move", _("Déplacer un service"),
        _("« %(unit)s » et tout ce qui est dessous. Aucun courrier ne change de place.", unit=unit.name), unit.code,
        _back(unit),
        (Field("parent", _("Déplacer sous"), "select", value=present, options=unit_options(but=unit.code), empty=_("Choisir"), required=True),),
    )  # fmt: skip
    return act_form.answer(form, lambda now, said: wanted.moved_unit(now, unit.code, below=said["parent"]))


@blueprint.route("/<int:unit_id>/reunir", methods=BOTH)
def merge(unit_id: int) -> ResponseReturnValue:
    """Into another unit, with posts, holders, registers and the units below."""
    unit = _unit(unit_id)
    form = ActForm(
        "unit.merge", _("Fusionner avec un autre service"),
        _("« %(unit)s » est fermé. Ses postes avec leurs titulaires, ses registres, son courrier et les services placés dessous passent à l'autre.", unit=unit.name),
        unit.code, _back(unit), (_successor(unit, _("Fusionner avec")),),
    )  # fmt: skip
    return act_form.answer(form, lambda now, said: _closed(now, unit, said, keeps_posts=False))


@blueprint.route("/<int:unit_id>/fermer", methods=BOTH)
def close(unit_id: int) -> ResponseReturnValue:
    """Closed, with a successor."""
    unit = _unit(unit_id)
    form = ActForm(
        "unit.close", _("Fermer un service"),
        _("« %(unit)s » n'est jamais supprimé : son courrier, ses registres et les services placés dessous passent à son successeur.", unit=unit.name),
        unit.code, _back(unit),
        (
            _successor(unit, _("Successeur")),
            Field(
                "posts", _("Ses postes"), "radio", value="vacant", required=True,
                options=((("vacant"), _("ferment avec lui et deviennent vacants")), ("moved", _("passent au successeur, avec leurs titulaires"))),
            ),
        ),
    )  # fmt: skip
    return act_form.answer(form, lambda now, said: _closed(now, unit, said, keeps_posts=said["posts"] != "moved"))


def _successor(unit: UnitPage, label: str) -> Field:
    options = [option for option in unit_options() if option[0] != unit.code]
    return Field("successor", label, "select", options=options, empty=_("Choisir"), required=True)


def _closed(now: OrganisationFile, unit: UnitPage, said: Mapping[str, Any], *, keeps_posts: bool) -> Any:
    return wanted.closed_unit(now, unit.code, successor=said["successor"], keeps_posts=keeps_posts)
