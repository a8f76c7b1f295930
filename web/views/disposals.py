"""Slips of disposal: letters whose time of keeping is over, proposed by one head and confirmed by a second one."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.disposal import holds, operations, queries
from ged.errors import GedError, Invalid, InvalidTransition
from ged.ports import MailId
from ged.register.queries import letter
from ged.unit import Actor, ReadSession
from web.site import context
from web.site.auth import require_recent_proof
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.pages import render_form
from web.site.panels import Panel
from web.words.acts import final_words
from web.words.messages import gettext as _

blueprint = Blueprint("disposals", __name__, url_prefix="/eliminations")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The slips of the units that the reader heads, and the units for which one may be proposed."""
    actor = context.actor()
    with context.services().reading() as session:
        rows = queries.listing(session, actor, now=context.now(), on=context.today())
        units = queries.units_of(session, actor)
    return render_template("disposals/index.html", rows=rows, units=units)


@blueprint.get("/service/<int:unit_id>")
def form(unit_id: int) -> ResponseReturnValue:
    """The letters of a unit that may be eliminated."""
    return _form(unit_id)


def _form(unit_id: int, error: Invalid | None = None) -> ResponseReturnValue:
    services = context.services()
    with services.reading() as session:
        found = queries.proposal(session, unit_id, context.actor(), on=context.today(), zone=services.zone)
    return render_form("disposals/form.html", error=error, found=found, final_words=final_words)


@blueprint.post("/service/<int:unit_id>")
def propose(unit_id: int) -> ResponseReturnValue:
    """Freeze the list: a second head decides."""
    require_recent_proof()
    fields = FormReader(request.form)
    reason = fields.text("reason", required=True, maximum=operations.MAX_REASON)
    shown = fields.text("shown", required=True, maximum=64)
    try:
        fields.check()
        services, actor, now = context.services(), context.actor(), context.now()
        looked = operations.look_to_propose(services, unit_id, actor=actor, now=now)
        with services.unit_of_work(now) as uow:
            row_id = operations.propose(uow, unit_id, reason=reason, shown=shown, actor=actor, looked=looked).id
    except Invalid as error:
        return _form(unit_id, error)
    flash(_("Le bordereau est proposé : une seconde personne le lit et le confirme dans les quinze jours."), "success")
    return redirect(url_for("disposals.show", disposal_id=row_id), 303)


@blueprint.get("/<int:disposal_id>")
def show(disposal_id: int) -> ResponseReturnValue:
    """A slip with its letters, for the screen and for paper."""
    services = context.services()
    with services.reading() as session:
        found = queries.slip(
            session, disposal_id, context.actor(), now=context.now(), on=context.today(), zone=services.zone
        )
    return render_template("disposals/show.html", found=found, final_words=final_words)


@blueprint.post("/<int:disposal_id>/confirmer")
def confirm(disposal_id: int) -> ResponseReturnValue:
    """The disposal is decided."""
    shown = request.form.get("shown", "")
    require_recent_proof()
    try:
        services, actor, now = context.services(), context.actor(), context.now()
        looked = operations.look_to_confirm(services, disposal_id, actor=actor, now=now)
        with services.unit_of_work(now) as uow:
            operations.confirm(uow, disposal_id, shown=shown, actor=actor, looked=looked)
    except Invalid as refused:
        return _refused(disposal_id, refused)
    flash(_("L'élimination est décidée ; le bordereau peut être imprimé et signé."), "success")
    return redirect(url_for("disposals.show", disposal_id=disposal_id), 303)


@blueprint.post("/<int:disposal_id>/refuser")
def refuse(disposal_id: int) -> ResponseReturnValue:
    """The slip is refused, or taken back by who proposed it."""
    require_recent_proof()
    try:
        with context.services().unit_of_work(context.now()) as uow:
            operations.refuse(uow, disposal_id, actor=context.actor())
    except Invalid as refused:
        return _refused(disposal_id, refused)
    flash(_("Le bordereau est écarté ; ses courriers peuvent être proposés de nouveau."), "success")
    return redirect(url_for("disposals.index"), 303)


def _refused(disposal_id: int, refused: Invalid) -> ResponseReturnValue:
    view = view_of(refused)
    flash(f"{view.message} {view.remedy}", "danger")
    return redirect(url_for("disposals.show", disposal_id=disposal_id), 303)


@blueprint.post("/courriers/<int:mail_id>/geler")
def hold(mail_id: int) -> ResponseReturnValue:
    """Keep a letter off slips of disposal."""
    fields = FormReader(request.form)
    reason = fields.text("reason", required=True, maximum=operations.MAX_REASON)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            holds.hold(uow, MailId(mail_id), reason=reason, actor=context.actor())
    except (Invalid, InvalidTransition) as error:
        return _hold_form(mail_id, error)
    flash(_("Le courrier est gelé : aucun bordereau d'élimination ne le reçoit."), "success")
    return redirect(url_for("letters.show", mail_id=mail_id), 303)


def _hold_form(mail_id: int, error: GedError) -> ResponseReturnValue:
    """The refused form of a hold, as it was typed. Of the letter it shows the number alone, so it is no reading of the letter.

    Another head may have held the letter meanwhile. The page then says who, and the typed reason stands as text.
    """
    actor = context.actor()
    with context.services().reading() as session:
        found = letter(session, mail_id, actor)
        holds.require_head(session, found.id, actor)
        held = holds.of_letter(session, found.id)
    return render_form("disposals/hold.html", error=error, letter=found, held=held)


@blueprint.post("/courriers/<int:mail_id>/degeler")
def lift(mail_id: int) -> ResponseReturnValue:
    """Let a letter be on slips of disposal again."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            holds.lift(uow, MailId(mail_id), actor=context.actor())
        flash(_("Le gel est levé."), "success")
    except (Invalid, InvalidTransition) as refused:
        view = view_of(refused)
        flash(f"{view.message} {view.remedy}", "danger")
    return redirect(url_for("letters.show", mail_id=mail_id), 303)


def _load(session: ReadSession, mail_id: MailId, actor: Actor) -> queries.Panel | None:
    return queries.panel(session, mail_id, actor, now=context.now())


PANEL = Panel("disposal", 70, _load, reads=True)
