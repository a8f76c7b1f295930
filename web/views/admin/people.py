"""People in the browser: find, add, change, let go, open again; no password and no letter is shown."""

from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.administration import first_access as codes
from ged.administration import openings, wanted
from ged.administration import people as queries
from ged.administration.people import PersonPage
from ged.administration.rights import rights_of
from ged.entry.factors import is_armed
from ged.errors import GedError, Invalid
from ged.ports import Confidentiality
from web.site import context
from web.site.auth import require_recent_proof
from web.site.errors import view_of
from web.site.pages import offset_of, past_the_end, render_form
from web.views.admin import act_form
from web.views.admin.act_form import ActForm, Field, Options
from web.views.admin.organisation import reach
from web.words import acts as words
from web.words.labels import label
from web.words.messages import gettext as _

blueprint = Blueprint("people", __name__, url_prefix="/administration/personnes")
BOTH = ("GET", "POST")
PAGE = 50
SUCCESSOR = "holder_"
"""Prefix of the fields that name who takes a post over, by its code."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The people, or those that a search finds."""
    asked, with_closed = request.args.get("q", "").strip()[:200], "fermes" in request.args
    offset = offset_of(PAGE)
    with context.services().reading() as session:
        rows, total = queries.people(
            session, reach(), asked, on=context.today(), offset=offset, limit=PAGE, with_closed=with_closed
        )
    return past_the_end(offset, PAGE, total) or render_template(
        "people/index.html", rows=rows, total=total, offset=offset, limit=PAGE, asked=asked, with_closed=with_closed
    )


@blueprint.get("/<int:person_id>")
def show(person_id: int) -> ResponseReturnValue:
    """A person: account, posts over time, delegations, acts."""
    return person_form(person_id)


def person_form(person_id: int, error: GedError | None = None) -> ResponseReturnValue:
    """The page of a person; with ``error``, its form as it was typed."""
    person = _person(person_id)
    with context.services().reading() as session:
        opening = openings.of_person(session, person_id, on=context.today(), now=context.now())
        factor_armed = person_id != int(context.actor().person_id) and is_armed(session, person_id)
    return render_form(
        "people/person.html",
        error=error,
        person=person,
        opening=opening,
        factor_armed=factor_armed,
        what_words=words.what_words,
    )


def _person(person_id: int) -> PersonPage:
    with context.services().reading() as session:
        return queries.person_page(session, person_id, reach(), on=context.today(), now=context.now())


@blueprint.get("/<int:person_id>/droits")
def rights(person_id: int) -> ResponseReturnValue:
    """What a person may see, and by what act; no letter."""
    with context.services().reading() as session:
        found = rights_of(session, person_id, reach(), on=context.today())
    return render_template("people/rights.html", rights=found, because_words=words.because_words)


def _levels() -> Options:
    return [(level.name.lower(), label(level)) for level in Confidentiality]


def _fields(name: str = "", email: str = "", clearance: str = "ordinary") -> tuple[Field, ...]:
    return (
        Field("name", _("Nom et prénoms"), value=name, hint=_("Tels qu'ils sont imprimés sur les bordereaux."), required=True),
        Field("email", _("Courriel"), value=email, hint=_("Pour les avis ; vide s'il n'y en a pas.")),
        Field(
            "clearance", _("Habilitation"), "select", value=clearance, options=_levels(), required=True,
            hint=_("Le niveau le plus élevé que la personne peut lire."),
        ),
    )  # fmt: skip


@blueprint.route("/inscrire", methods=BOTH)
def create() -> ResponseReturnValue:
    """A person with an account, and the post that it is for."""
    with context.services().reading() as session:
        posts = queries.post_options(session, reach(), vacant_on=context.today())
    form = ActForm(
        "person.new", _("Créer le compte d'un agent"), _("Un compte et, s'il le faut, un poste vacant."), "",
        (url_for("people.index"), _("Agents et postes")),
        (
            Field("account", _("Compte"), hint=_("Ce que la personne tape pour se connecter : minuscules, sans espace ; il ne change plus."), required=True, maximum=64),
            *_fields(),
            Field("post", _("Poste"), "select", options=posts, empty=_("Aucun pour l'instant"), hint=_("Un poste vacant.")),
        ),
    )  # fmt: skip
    return act_form.answer(
        form,
        # Accounts are compared in lower case when somebody signs in.
        lambda now, said: wanted.new_person(
            now, account=said["account"].lower(), name=said["name"], email=said["email"], clearance=said["clearance"],
            post=said["post"] or None,
        ),
    )  # fmt: skip


@blueprint.route("/<int:person_id>/modifier", methods=BOTH)
def change(person_id: int) -> ResponseReturnValue:
    """Another name, address or clearance."""
    person = _person(person_id)
    form = ActForm(
        "person.change", _("Modifier une personne"), f"{person.name} ({person.account})", person.account, _back(person),
        _fields(person.name, person.email, person.clearance.name.lower()),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.changed_person(
            now, person.account, name=said["name"], email=said["email"], clearance=said["clearance"]
        ),
    )


def _back(person: PersonPage) -> tuple[str, str]:
    return url_for("people.show", person_id=person.id), person.name


@blueprint.route("/<int:person_id>/depart", methods=BOTH)
def leave(person_id: int) -> ResponseReturnValue:
    """The account is closed; each post goes to a successor or becomes vacant."""
    person = _person(person_id)
    with context.services().reading() as session:
        others = queries.person_options(session, reach(), on=context.today(), but=person.account)
    form = ActForm(
        "person.leave", _("Cessation de fonctions"),
        _("Le compte de %(name)s est fermé, ses sessions et délégations prennent fin, ses certificats sont révoqués. Son courrier reste à ses postes.", name=person.name),
        person.account, _back(person),
        tuple(
            Field(f"{SUCCESSOR}{post.code}", _("Successeur : %(post)s", post=post.title), "select", options=others, empty=_("Aucun titulaire (le poste reste vacant)"))
            for post in person.posts
        ),
    )  # fmt: skip
    return act_form.answer(
        form,
        lambda now, said: wanted.departure(
            now, person.account, successors={key.removeprefix(SUCCESSOR): value or None for key, value in said.items()}
        ),
    )


@blueprint.route("/<int:person_id>/rouvrir", methods=BOTH)
def reopen(person_id: int) -> ResponseReturnValue:
    """A closed account is opened again, without posts and keys."""
    person = _person(person_id)
    form = ActForm(
        "person.return", _("Rouvrir un compte"),
        _("%(name)s se connecte de nouveau ; postes, délégations et clés se donnent à nouveau.", name=person.name),
        person.account, _back(person), (),
    )  # fmt: skip
    return act_form.answer(form, lambda now, _said: wanted.return_of(now, person.account))


@blueprint.post("/<int:person_id>/premier-acces")
def first_access(person_id: int) -> ResponseReturnValue:
    """A code for a new person: on a sheet to print, or in a link that is shown once."""
    require_recent_proof()
    services = context.services()
    try:
        with services.unit_of_work(context.now()) as uow:
            made = codes.make(uow, person_id, actor=context.actor())
    except Invalid as refused:
        view = view_of(refused)
        flash(f"{view.message} {view.remedy}", "danger")
        return redirect(url_for("people.show", person_id=person_id), 303)
    address = services.public_url.rstrip("/") + url_for("first_access.form")
    link = f"{address}#code={made.code}"
    if request.form.get("way") != "sheet":
        return render_template("people/link.html", made=made, link=link, address=address, person_id=person_id)
    with services.reading() as session:
        sheet = codes.sheet(session, services, made, address=address, link=link, now=context.now())
    # As a file: a viewer in the page that sends the form again would make another code.
    return send_file(
        BytesIO(sheet.pdf()), mimetype="application/pdf", download_name=sheet.filename, as_attachment=True, max_age=0
    )
