"""Registers in the browser: look, open, change, go on from a paper book, close, with the next numbers beforehand."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.administration import registers as queries
from ged.administration import wanted
from ged.administration.registers import RegisterPage
from ged.errors import GedError, Invalid, NotFound
from ged.register.counters import is_by_year
from ged.register.models import Direction, RegisterNature
from ged.register.numbering import MAX_LENGTH
from web.site import context
from web.site.errors import view_of
from web.views.admin import act_form
from web.views.admin.act_form import ActForm, Field, code_field
from web.views.admin.organisation import reach, unit_options
from web.words import acts as words
from web.words.labels import label
from web.words.messages import gettext as _

blueprint = Blueprint("register_settings", __name__, url_prefix="/administration/registres")
BOTH = ("GET", "POST")
USUAL = "{seq:05d}/{year}/{entity}"


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The registers, those that are closed on demand."""
    with_closed = "fermes" in request.args
    with context.services().reading() as session:
        rows = queries.registers(session, reach(), with_closed=with_closed)
    return render_template("register_settings/index.html", rows=rows, with_closed=with_closed)


@blueprint.get("/<int:register_id>")
def show(register_id: int) -> ResponseReturnValue:
    """A register: its next numbers, the paper book that it continues, its acts."""
    page = _register(register_id)
    return render_template(
        "register_settings/register.html", page=page, row=page.row, is_by_year=is_by_year(page.row), what_words=words.what_words
    )  # fmt: skip


def _register(register_id: int) -> RegisterPage:
    with context.services().reading() as session:
        return queries.register_page(session, register_id, reach(), on=context.today())


@blueprint.get("/numeros")
def numbers() -> ResponseReturnValue:
    """The next numbers of a pattern that is being typed."""
    asked, coming, refused = request.args, None, None
    last = asked.get("paper_number", "").strip()
    try:
        with context.services().reading() as session:
            coming = queries.tried(
                session, reach(), pattern=asked.get("pattern", "").strip()[:MAX_LENGTH], unit=asked.get("unit", "")[:64],
                register=asked.get("code", "").strip()[:32], nature=asked.get("nature", "")[:32], restarts=bool(asked.get("restarts_yearly")),
                last=int(last) if last.isascii() and last.isdigit() and len(last) < 8 else None, on=context.today(),
            )  # fmt: skip
    except (Invalid, NotFound) as error:
        refused = _pattern_error(error)
    return render_template("register_settings/_numbers.html", coming=coming, refused=refused)


def _pattern_error(error: GedError) -> object:
    """What is wrong with the pattern; nothing while no unit is chosen."""
    return view_of(error) if isinstance(error, Invalid) else None


def _back(page: RegisterPage) -> tuple[str, str]:
    return url_for("register_settings.show", register_id=page.row.id), page.row.name


def _pattern_field(value: str) -> Field:
    return Field(
        "pattern", _("Modèle de numéro"), value=value, required=True, maximum=MAX_LENGTH,
        hint=_("{seq:05d} : le numéro sur cinq chiffres ; {year} : l'année ; {entity}, {unit}, {register} : les sigles."),
    )  # fmt: skip


def _paper_fields(number: str = "", reason: str = "") -> tuple[Field, ...]:
    return (
        Field(
            "paper_number", _("Dernier numéro du registre papier"), value=number, maximum=7, attrs={"inputmode": "numeric"},
            hint=_("Le registre continue au numéro suivant. Vide : il commence à 1."),
        ),
        Field(
            "paper_reason", _("Registre papier continué"), value=reason, maximum=300,
            hint=_("Son tome, et le jour où il est arrêté."),
        ),
    )  # fmt: skip


@blueprint.route("/creer", methods=BOTH)
def create() -> ResponseReturnValue:
    """A register of a unit."""
    form = ActForm(
        "register.new", _("Ouvrir un registre"), _("Ses numéros se suivent sans trou ; aucun n'est jamais redonné."), "",
        (url_for("register_settings.index"), _("Registres")),
        (
            code_field(_("Code"), 32),
            Field("name", _("Nom"), hint=_("Le nom sur la couverture du registre."), required=True),
            Field(
                "unit", _("Service"), "select", value=request.args.get("unit", ""), options=unit_options(),
                empty=_("Choisir"), required=True, hint=_("Le bureau d'ordre qui le tient."),
            ),
            Field(
                "nature", _("Nature"), "select", empty=_("Choisir"), required=True,
                options=[(one.value, label(one)) for one in RegisterNature], hint=_("Ce qui y est numéroté."),
            ),
            Field(
                "direction", _("Sens"), "select", empty=_("Choisir"), required=True,
                options=[(one.value, label(one)) for one in Direction],
            ),
            _pattern_field(USUAL),
            Field("restarts_yearly", _("Recommence à 1 chaque année"), "check", value=True),
            *_paper_fields(),
            Field(
                "numbers", "", "live", value=url_for("register_settings.numbers"),
                options=("code", "unit", "nature", "pattern", "restarts_yearly", "paper_number"),
            ),
        ),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.new_register(
            now, code=said["code"], name=said["name"], unit=said["unit"], nature=said["nature"],
            direction=said["direction"], pattern=said["pattern"], restarts_yearly=said["restarts_yearly"],
            paper_number=said["paper_number"], paper_reason=said["paper_reason"],
        ),
    )  # fmt: skip


@blueprint.route("/<int:register_id>/modifier", methods=BOTH)
def change(register_id: int) -> ResponseReturnValue:
    """Another name, unit or pattern."""
    page = _register(register_id)
    row = page.row
    form = ActForm(
        "register.change", _("Modifier un registre"),
        _("Les numéros déjà donnés restent tels qu'ils sont. Un nouveau modèle peut prendre effet un autre jour, par exemple le 1er janvier : ce jour se choisit à la confirmation."),
        row.code, _back(page),
        (
            Field("name", _("Nom"), value=row.name, hint=_("Le nom sur la couverture du registre."), required=True),
            Field("unit", _("Service"), "select", value=row.unit.code, options=unit_options(), required=True),
            _pattern_field(row.pattern),
            Field(
                "numbers", "", "live",
                value=url_for("register_settings.numbers", code=row.code, nature=row.nature, restarts_yearly="on" if row.restarts_yearly else ""),
                options=("unit", "pattern"),
            ),
        ),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.changed_register(
            now, row.code, name=said["name"], unit=said["unit"], pattern=said["pattern"]
        ),
    )


@blueprint.route("/<int:register_id>/papier", methods=BOTH)
def continue_paper(register_id: int) -> ResponseReturnValue:
    """The paper book that a register goes on from, before its first number."""
    page = _register(register_id)
    number, reason = page.paper or ("", "")
    form = ActForm(
        "register.continue", _("Continuer un registre papier"), f"{page.row.name} ({page.row.code})", page.row.code,
        _back(page),
        (
            *_paper_fields(str(number), reason),
            Field(
                "numbers", "", "live", options=("paper_number",),
                value=url_for(
                    "register_settings.numbers", code=page.row.code, unit=page.row.unit.code, pattern=page.row.pattern,
                    nature=page.row.nature, restarts_yearly="on" if page.row.restarts_yearly else "",
                ),
            ),
        ),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.continued_register(
            now, page.row.code, paper_number=said["paper_number"], paper_reason=said["paper_reason"]
        ),
    )


@blueprint.route("/<int:register_id>/fermer", methods=BOTH)
def close(register_id: int) -> ResponseReturnValue:
    """Nothing is numbered in it any more; it stays readable."""
    page = _register(register_id)
    form = ActForm(
        "register.close", _("Fermer un registre"),
        _("On n'y numérote plus. Ses numéros restent lisibles, s'impriment et se prouvent comme avant ; il peut être rouvert."),
        page.row.code, _back(page), (),
    )  # fmt: skip
    return act_form.answer(form, lambda now, _said: wanted.closed_register(now, page.row.code))


@blueprint.route("/<int:register_id>/rouvrir", methods=BOTH)
def reopen(register_id: int) -> ResponseReturnValue:
    """It numbers again, from where it was."""
    page = _register(register_id)
    form = ActForm(
        "register.reopen", _("Rouvrir un registre"), _("Sa suite de numéros continue où elle était."), page.row.code,
        _back(page), (),
    )  # fmt: skip
    return act_form.answer(form, lambda now, _said: wanted.reopened_register(now, page.row.code))
