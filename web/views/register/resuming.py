"""Registers that wait after a restore: the last number on paper, and letters that are entered again from the paper."""

from flask import Blueprint, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid, InvalidTransition, NotFound
from ged.register.models import RegisterNature
from ged.resuming import operations, queries
from ged.resuming.queries import WaitingRow
from web.site import context
from web.site.forms import FormReader
from web.site.letter_numbers import letter_of
from web.site.pages import render_form
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("resuming", __name__, url_prefix="/registres/reprise")

JOINED_BY_HAND = frozenset(
    {RegisterNature.DEPARTURE, RegisterNature.INTERNAL, RegisterNature.NOTE, RegisterNature.DECISION}
)
"""Letters that are entered again on forms of their own, and joined to their lost number afterwards."""


@blueprint.app_template_global()
def waiting_registers() -> list[WaitingRow]:
    """The actor's registers that wait, read once in a request: what a page of the desk says first."""
    if "waiting_registers" not in g:
        with context.services().reading() as session:
            g.waiting_registers = queries.waiting(session, context.actor())
    found: list[WaitingRow] = g.waiting_registers
    return found


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The registers that wait, and the lost numbers whose letters are to be entered again."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        lost, total = queries.lost(session, context.actor())
    return render_form(
        "resuming/index.html", error=error, rows=waiting_registers(), lost=lost, total=total,
        arrival=RegisterNature.ARRIVAL, by_hand=JOINED_BY_HAND,
    )  # fmt: skip


@blueprint.get("/aucun")
def none_since() -> ResponseReturnValue:
    """The registers of which a clerk says at once that none has given a number since the copy: ticked, then shown once more."""
    fields = FormReader(request.args)
    return _none_since(fields.integers("hold"))


def _none_since(chosen: tuple[int, ...], error: GedError | None = None) -> ResponseReturnValue:
    rows = waiting_registers()
    return render_form(
        "resuming/none.html", error=error, rows=rows, chosen=[row for row in rows if row.id in chosen],
        unused=[row.id for row in rows if not row.last],
    )  # fmt: skip


@blueprint.post("/aucun")
def release_unused() -> ResponseReturnValue:
    """Let them go on."""
    fields = FormReader(request.form)
    chosen = fields.integers("hold")
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            done = operations.release_unused(uow, chosen, actor=context.actor())
    except Invalid as error:
        return _none_since((), error)
    except (InvalidTransition, NotFound) as error:
        return _index(error)
    flash(
        ngettext(
            "%(num)s registre donne de nouveau des numéros. Aucun n'est perdu.",
            "%(num)s registres donnent de nouveau des numéros. Aucun n'est perdu.", len(done),
        ),
        "success",
    )  # fmt: skip
    return redirect(url_for("resuming.index"), 303)


@blueprint.get("/<int:hold_id>")
def show(hold_id: int) -> ResponseReturnValue:
    """The form for the last number on paper."""
    return _show(hold_id)


def _show(hold_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        row = queries.waiting_one(session, context.actor(), hold_id)
    asked = next(
        (one for one in getattr(error, "errors", (error,)) if one is not None and one.code == "hold.far"), None
    )
    return render_form("resuming/show.html", error=error, row=row, asked=asked)


@blueprint.post("/<int:hold_id>")
def release(hold_id: int) -> ResponseReturnValue:
    """Let a register go on."""
    fields, actor, services = FormReader(request.form), context.actor(), context.services()
    typed, none = fields.text("last_number", maximum=64), fields.ticked("none")
    try:
        if bool(typed) == none:
            fields.refuse(Invalid("hold.both" if typed else "hold.neither", "say one of the two", field="last_number"))
        fields.check()
        with services.unit_of_work(context.now()) as uow:
            last = (
                queries.sequence_typed(uow.session, hold_id, typed, actor=actor, on=context.today()) if typed else None
            )
            done = operations.release(
                uow, hold_id, last_sequence=last, confirmed=request.form.get("sure") == str(last), actor=actor
            )
    except Invalid as error:
        return _show(hold_id, error)
    except InvalidTransition as error:
        return _index(error)
    if done.lost:
        message = ngettext(
            "« %(register)s » donne de nouveau des numéros. %(num)s numéro est annulé comme perdu : ressaisissez son courrier.",
            "« %(register)s » donne de nouveau des numéros. %(num)s numéros sont annulés comme perdus : ressaisissez leurs courriers.",
            done.lost, register=done.register,
        )  # fmt: skip
    else:
        message = _("« %(register)s » donne de nouveau des numéros. Aucun n'est perdu.", register=done.register)
    flash(message, "success")
    following = next((one.id for one in waiting_registers()), None)
    if following is not None:
        return redirect(url_for("resuming.show", hold_id=following), 303)
    return redirect(url_for("resuming.index"), 303)


@blueprint.get("/numero/<int:number_id>")
def lost(number_id: int) -> ResponseReturnValue:
    """The form that joins a letter that was entered again to its lost number."""
    return _lost(number_id)


def _lost(number_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        row = queries.lost_one(session, context.actor(), number_id)
    return render_form("resuming/lost.html", error=error, row=row)


@blueprint.post("/numero/<int:number_id>")
def retake(number_id: int) -> ResponseReturnValue:
    """Join the letter."""
    fields, actor, services = FormReader(request.form), context.actor(), context.services()
    number, chosen = fields.text("number", required=True, maximum=64), fields.integer("number_letter")
    try:
        fields.check()
        with services.reading() as session:
            mail_id = letter_of(session, number, field="number", chosen=chosen)
        with services.unit_of_work(context.now()) as uow:
            operations.retake(uow, number_id, mail_id, actor=actor)
    except Invalid as error:
        return _lost(number_id, error)
    except InvalidTransition as error:
        return _index(error)
    flash(_("Le courrier se retrouve maintenant aussi par le numéro de son papier."), "success")
    return redirect(url_for("resuming.index"), 303)
