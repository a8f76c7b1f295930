"""Natures of letters in the browser: look, create, change, close, and the circuit that each asks for."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.administration import lists, wanted
from ged.administration.lists import NatureItem
from ged.ports import Confidentiality
from ged.register.models import Direction
from ged.workbook.sheets import NEAREST_HEAD
from web.site import context
from web.views.admin import act_form
from web.views.admin.act_form import ActForm, Field, code_field
from web.views.admin.organisation import reach
from web.words import acts as words
from web.words.labels import label
from web.words.messages import gettext as _

blueprint = Blueprint("nature_settings", __name__, url_prefix="/administration/natures")
BOTH = ("GET", "POST")
MOST_STEPS, FREE_STEPS = 12, 2


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The natures: the common stock, and those of the entities."""
    with context.services().reading() as session:
        rows = lists.natures(session, reach())
    return render_template("nature_settings/index.html", rows=rows, silence_words=words.silence_words)


@blueprint.get("/<int:nature_id>")
def show(nature_id: int) -> ResponseReturnValue:
    """A nature: what it proposes, its circuit, its acts."""
    with context.services().reading() as session:
        row, acts = lists.nature(session, nature_id, reach())
    return render_template(
        "nature_settings/nature.html",
        row=row,
        acts=acts,
        what_words=words.what_words,
        silence_words=words.silence_words,
        final_words=words.final_words,
    )


def _nature(nature_id: int) -> NatureItem:
    with context.services().reading() as session:
        return lists.nature(session, nature_id, reach())[0]


def _entity(row: NatureItem) -> str | None:
    return row.entity.code if row.entity else None


def _back(row: NatureItem) -> tuple[str, str]:
    return url_for("nature_settings.show", nature_id=row.id), row.name


def owner_field() -> Field:
    """Whose list: an entity's, or the common stock."""
    with context.services().reading() as session:
        options = lists.owners(session, reach())
    common = _("Toutes les entités") if reach().is_whole else ""
    return Field(
        "entity", _("Pour"), "select", options=options, empty=common or _("Choisir"), required=not common,
        hint=_("Une entité peut avoir la sienne, qui remplace chez elle celle de toutes."),
    )  # fmt: skip


@blueprint.route("/creer", methods=BOTH)
def create() -> ResponseReturnValue:
    """A nature; what it proposes is said afterwards, on its page."""
    form = ActForm(
        "nature.new", _("Créer une nature"),
        _("Ce qui distingue les courriers. Ce qu'elle propose se règle ensuite sur sa page."), "",
        (url_for("nature_settings.index"), _("Natures")),
        (
            code_field(_("Code"), 32),
            Field("name", _("Nom"), hint=_("Ce que l'agent choisit dans la liste."), required=True, maximum=100),
            Field(
                "direction", _("Sens"), "select", empty=_("Choisir"), required=True,
                options=[(one.value, label(one)) for one in Direction],
            ),
            Field("delay_days", _("Délai en jours ouvrés"), maximum=3, attrs={"inputmode": "numeric"}),
            owner_field(),
        ),
    )  # fmt: skip
    return act_form.answer(form, lambda now, said: wanted.new_listed(now, "natures", dict(said)))


@blueprint.route("/<int:nature_id>/modifier", methods=BOTH)
def change(nature_id: int) -> ResponseReturnValue:
    """What a nature proposes."""
    row = _nature(nature_id)
    form = ActForm(
        "nature.change", _("Modifier une nature"),
        _("Les courriers en cours gardent ce qu'elle leur a donné ; la page suivante les compte."), row.code, _back(row),
        _fields(row),
    )  # fmt: skip
    return act_form.answer(
        form, lambda now, said: wanted.changed_listed(now, "natures", row.code, _entity(row), dict(said))
    )


def _fields(row: NatureItem) -> tuple[Field, ...]:
    with context.services().reading() as session:
        registers = lists.open_registers(session, reach(), row.direction)
        mentions = lists.known_mentions(session, reach(), row.entity)
        templates = lists.known_templates(session, reach(), row.entity)
        classes = lists.filing_classes(session)
    if row.register is not None:
        registers = with_present(registers, (row.register.code, row.register.name))
    mentions = with_present(mentions, *((code, code) for code in row.mentions))
    templates = with_present(templates, *([(row.template_code, row.template_code)] if row.template_code else []))
    classes = with_present(classes, *([(row.filing_code, row.filing_code)] if row.filing_code else []))
    number = {"inputmode": "numeric"}
    return (
        Field("name", _("Nom"), value=row.name, hint=_("Ce que l'agent choisit dans la liste."), required=True, maximum=100),
        Field("register", _("Registre"), "select", value=row.register.code if row.register else "", options=registers, empty=_("Aucun")),
        Field("delay_days", _("Délai en jours ouvrés"), value=_number_text(row.delay_days), maximum=3, attrs=number),
        Field("mentions", _("Mentions cochées d'avance"), "checks", value=row.mentions, options=mentions),
        Field(
            "reminders", _("Rappels"), value=", ".join(map(str, row.reminders)), maximum=60,
            hint=_("Jours ouvrés autour de l'échéance : -2, 1, 5. Vide : la règle générale."),
        ),
        Field(
            "level", _("Confidentialité proposée"), "select", value=row.level.name.lower() if row.level is not None else "",
            options=[(one.name.lower(), label(one)) for one in Confidentiality], empty=_("Aucune"),
        ),
        Field(
            "silence", _("Silence de l'administration"), "select", value=row.silence, empty=_("Sans effet particulier"),
            options=[(one, words.silence_words(one)) for one in words.SILENCES],
            hint=_("Ce qu'il vaut en droit quand le délai est passé."),
        ),
        Field("retention_years", _("Conservation en années"), value=_number_text(row.retention_years), maximum=3, attrs=number, hint=_("Après la clôture.")),
        Field(
            "final_act", _("Sort final"), "select", value=row.final_act, empty=words.final_words(""),
            options=[(one, words.final_words(one)) for one in words.FINAL_ACTS if one],
            hint=_("Ce que devient le courrier quand ces années sont passées et que deux responsables l'ont décidé."),
        ),
        Field("filing_class", _("Classement"), "select", value=row.filing_code, options=classes, empty=_("Aucun")),
        Field("template", _("Modèle de lettre"), "select", value=row.template_code, options=templates, empty=_("Aucun")),
    )  # fmt: skip


def with_present(options: lists.Options, *present: tuple[str, str]) -> lists.Options:
    """Choices with those that stand now: what is closed since, or not offered any more, is not taken away by a form."""
    offered = {code for code, _text in options}
    return [*options, *dict.fromkeys(one for one in present if one[0] not in offered)]


def _number_text(number: int | None) -> str:
    return "" if number is None else str(number)


@blueprint.route("/<int:nature_id>/circuit", methods=BOTH)
def circuit(nature_id: int) -> ResponseReturnValue:
    """Who is asked for a letter of this nature, then who signs."""
    row = _nature(nature_id)
    with context.services().reading() as session:
        posts, signatories = lists.posts(session, reach()), lists.posts(session, reach(), signing=True)
    standing = [(step.post.code, step.post.name) for step in row.steps if step.post]
    posts = with_present(posts, *standing)
    if row.signatory is not None:
        signatories = with_present(signatories, (row.signatory.code, row.signatory.name))
    asked = [(NEAREST_HEAD, _("Le chef du rédacteur")), *posts]
    count = min(MOST_STEPS, len(row.steps) + FREE_STEPS)
    fields: list[Field] = []
    for n in range(1, count + 1):
        step = row.steps[n - 1] if n <= len(row.steps) else None
        post = "" if step is None else step.post.code if step.post else NEAREST_HEAD
        flags = (
            ()
            if step is None
            else tuple(
                name for name, on in (("compulsory", step.is_compulsory), ("with_previous", step.with_previous)) if on
            )
        )
        fields += [
            Field(f"post{n}", _("Étape %(n)s", n=n), "select", value=post, options=asked, empty=_("Pas d'étape")),
            Field(
                f"kind{n}", _("Étape %(n)s : ce qui est demandé", n=n), "select", value=step.kind.value if step else "visa",
                options=[("visa", _("Visa")), ("opinion", _("Avis"))], required=True,
            ),
            Field(
                f"flags{n}", _("Étape %(n)s : règles", n=n), "checks", value=flags,
                options=[("compulsory", _("le rédacteur ne peut pas l'ôter")), ("with_previous", _("en même temps que la précédente"))],
            ),
        ]  # fmt: skip
    signatory = Field(
        "signatory", _("Signataire"), "select", value=row.signatory.code if row.signatory else "", options=signatories,
        empty=_("Aucun circuit"), hint=_("Sans signataire, la nature n'a pas de circuit."),
    )  # fmt: skip
    form = ActForm(
        "nature.circuit", _("Circuit d'une nature"), _("Les parapheurs déjà soumis gardent le circuit de leur départ."),
        row.code, _back(row), (*fields, signatory),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.circuit_of(
            now, row.code, _entity(row), steps=_steps(said, count), signatory=said["signatory"]
        ),
    )


def _steps(said: Mapping[str, Any], count: int) -> list[dict[str, object]]:
    return [
        {
            "post": said[f"post{n}"], "kind": said[f"kind{n}"], "compulsory": "compulsory" in said[f"flags{n}"],
            "with_previous": "with_previous" in said[f"flags{n}"],
        }
        for n in range(1, count + 1)
        if said[f"post{n}"]
    ]  # fmt: skip


@blueprint.route("/<int:nature_id>/fermer", methods=BOTH)
def close(nature_id: int) -> ResponseReturnValue:
    """It is not chosen any more."""
    row = _nature(nature_id)
    form = ActForm(
        "nature.close", _("Fermer une nature"), _("Elle ne sera plus proposée ; les courriers qui la portent la gardent."), row.code,
        _back(row), (),
    )  # fmt: skip
    return act_form.answer(
        form, lambda now, _said: wanted.changed_listed(now, "natures", row.code, _entity(row), {"closed": True})
    )


@blueprint.route("/<int:nature_id>/rouvrir", methods=BOTH)
def reopen(nature_id: int) -> ResponseReturnValue:
    """It is chosen again."""
    row = _nature(nature_id)
    form = ActForm(
        "nature.reopen", _("Rouvrir une nature"), _("On peut la choisir de nouveau."), row.code, _back(row), ()
    )
    return act_form.answer(
        form, lambda now, _said: wanted.changed_listed(now, "natures", row.code, _entity(row), {"closed": False})
    )
