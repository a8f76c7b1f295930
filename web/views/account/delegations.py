"""Delegations and interims: who acts for whom, until when, by which act."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid, InvalidTransition
from ged.org import delegations
from ged.org.delegations import DelegationForm
from ged.org.models import DelegationKind
from ged.org.stock import entities_of
from ged.ports import PersonId, PostId
from ged.signbook import queries
from web.site import auth, context
from web.site.forms import FormReader
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("delegations", __name__, url_prefix="/delegations")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Present and future delegations, and the form for a new one."""
    return _page()


def _page(error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        rows = delegations.listing(session, actor, on=context.today())
        posts = delegations.post_choices(session, actor, on=context.today())
        people = delegations.person_choices(session, actor, on=context.today())
        templates = [(one.code, one.title) for one in queries.templates(session, entities_of(actor))]
    return render_form(
        "delegations/index.html", error=error, rows=rows, posts=posts, people=people, kinds=list(DelegationKind),
        templates=templates, template_titles=dict(templates),
    )  # fmt: skip


@blueprint.post("/")
def create() -> ResponseReturnValue:
    """Delegate a post's powers to a person."""
    auth.require_recent_proof()
    fields = FormReader(request.form)
    post_id, person_id = fields.integer("post_id", required=True), fields.integer("person_id", required=True)
    kind = fields.choice("kind", DelegationKind, required=True)
    act = fields.printed("act", required=True, maximum=delegations.MAX_ACT)
    from_on, until_on = fields.day("from_on", required=True), fields.day("until_on")
    day_count, max_amount_xof = fields.integer("day_count", minimum=1, maximum=366), fields.amount("max_amount_xof")
    template_codes = tuple(dict.fromkeys(request.form.getlist("template_codes")))
    try:
        fields.check()
        if from_on is not None and day_count is not None:
            counted = from_on + timedelta(days=day_count - 1)
            if until_on is not None and until_on != counted:
                raise Invalid("delegation.until_twice", "give one of the two", field="until_on", counted=counted)
            until_on = counted
        if from_on is None or until_on is None:
            raise Invalid("form.required", "fill it in", field="until_on")
        _check_templates(template_codes)
        with context.services().unit_of_work(context.now()) as uow:
            form = DelegationForm(
                post_id=PostId(post_id or 0),
                person_id=PersonId(person_id or 0),
                kind=kind or DelegationKind.DELEGATION,
                act=act,
                from_on=from_on,
                until_on=until_on,
                may_sign=fields.ticked("may_sign"),
                template_codes=template_codes,
                max_amount_xof=max_amount_xof,
            )
            delegations.delegate(uow, form, actor=context.actor())
    except Invalid as error:
        return _page(error)
    is_interim = kind is DelegationKind.INTERIM
    flash(_("L'intérim est enregistré.") if is_interim else _("La délégation est enregistrée."), "success")
    return redirect(url_for("delegations.index"), 303)


def _check_templates(codes: tuple[str, ...]) -> None:
    with context.services().reading() as session:
        known = {one.code for one in queries.templates(session, entities_of(context.actor()))}
    if not known.issuperset(codes):
        raise Invalid("form.unknown_choice", "choose from the list", field="template_codes")


@blueprint.post("/<int:delegation_id>/retirer")
def withdraw(delegation_id: int) -> ResponseReturnValue:
    """End a delegation at once."""
    auth.require_recent_proof()
    try:
        with context.services().unit_of_work(context.now()) as uow:
            kind = delegations.withdraw(uow, delegation_id, actor=context.actor())
    except InvalidTransition as error:
        return _page(error)
    is_interim = kind is DelegationKind.INTERIM
    flash(_("L'intérim a pris fin.") if is_interim else _("La délégation a pris fin."), "success")
    return redirect(url_for("delegations.index"), 303)
