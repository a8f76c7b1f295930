"""The inbox: assignments to the actor's posts and units, and acts on them; the letter's path."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid, InvalidTransition
from ged.followup import listing, notes
from ged.org.stock import entities_of
from ged.ports import MailId, PostId, UnitId
from ged.recognition import signatures
from ged.register import opening
from ged.register.queries import letter
from ged.routing import calendar, choices, operations, queries
from ged.routing import path as letter_path
from ged.routing.choices import Targets
from ged.routing.models import Purpose
from ged.routing.path import AssignmentRow
from ged.routing.queries import InboxView
from web.site import context, destroyed_letters, unknown_filters
from web.site.forms import FormReader
from web.site.kept_filter import KeptFilter, acts_for, list_filter
from web.site.numbers import id_of
from web.site.pages import place, render_form
from web.site.panels import Panel
from web.site.paths import next_path
from web.views.routing import routing_panel
from web.words.due import due_words
from web.words.labels import label
from web.words.messages import gettext as _

blueprint = Blueprint("inbox", __name__, url_prefix="/bannette")

PAGE = 50
REFUSALS = (Invalid, InvalidTransition)
FILTER = KeptFilter("inbox_filter", ("q", "mention", "urgence", "pour"))
VIEWS = {
    "en-cours": InboxView.OPEN,
    "en-retard": InboxView.LATE,
    "mes-services": InboxView.UNITS,
    "termines": InboxView.DONE,
}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Assignments of the actor, narrowed by the address; without a filter there, by the session's last one."""
    kept = FILTER.to_go_to()
    if kept is not None:
        return redirect(url_for("inbox.index", **kept), 303)  # type: ignore[arg-type]
    actor, today, asked = context.actor(), context.today(), list_filter(FILTER.narrowed())
    view = VIEWS[unknown_filters.choice("voir", VIEWS, "en-cours")]
    live = view is not InboxView.DONE
    with context.services().reading() as session:
        rows, page = queries.inbox(session, actor, place(), today=today, view=view, asked=asked, limit=PAGE)
        offered = {key: one for key, one in VIEWS.items() if one is not InboxView.UNITS or actor.headed_unit_ids}
        counts = queries.inbox_totals(session, actor, today=today, views=tuple(offered.values()), asked=asked)
        mentions = choices.mention_choices(session, entities_of(actor))
        verdicts = signatures.of_letters(session, [row.mail.mail_id for row in rows])
        reminded = listing.last_reminders(session, [row.assignment_id for row in rows]) if live else {}
        days = calendar.calendar(session)
        gone = {} if live else destroyed_letters.of_rows(session, [row.mail for row in rows])
    due = {row.assignment_id: due_words(row.due_on, today, days) for row in rows} if live else {}
    shown = next(key for key, one in VIEWS.items() if one is view)
    return render_template(
        "inbox/index.html", rows=rows, view=shown, totals={key: counts[one] for key, one in offered.items()}, page=page, due=due, verdicts=verdicts, live=live,
        reminded=reminded, destroyed=gone, narrowed=FILTER.narrowed(), mentions=mentions, acts_for=acts_for(),
    )  # fmt: skip


@blueprint.get("/<int:assignment_id>")
def show(assignment_id: int) -> ResponseReturnValue:
    """One assignment and the possible acts on it."""
    return _show(assignment_id)


def _show(assignment_id: int, error: GedError | None = None, *, act: str = "") -> ResponseReturnValue:
    actor, today = context.actor(), context.today()
    with context.services().reading() as session:
        row = letter_path.assignment(session, assignment_id, actor)
        found = letter(session, row.mail_id, actor)
        path = letter_path.path(session, row.mail_id, actor)
        paper = queries.documents(session, [row.mail_id]).get(row.mail_id)
        verdict = signatures.of_letters(session, [row.mail_id]).get(row.mail_id)
        offered = choices.targets(session, row.unit_id, actor, on=today) if row.may_assign else Targets((), ())
        reminded = [one for one in listing.reminders_of(session, row.mail_id) if one.assignment_id == row.id]
        written = notes.of_letter(session, row.mail_id, actor)
        days = calendar.calendar(session)
    # The letter is read here: set the seen mark, and add a journal entry if it is restricted.
    if opening.must_write(found.level, opened_at=found.opened_at, now=context.now()):
        with context.services().unit_of_work(context.now()) as uow:
            opening.mark_opened(uow, found.id, actor=actor, now=context.now())
    below = [one for one in path.assignments if one.parent_id == row.id]
    return render_form(
        "inbox/show.html",
        error=error,
        act=act,
        row=row,
        letter=found,
        verdict=verdict,
        document_id=paper[0] if paper is not None else None,
        below=below,
        reminded=reminded if row.is_live else [],
        notes=written,
        due=due_words(row.due_on, today, days) if row.is_live else None,
        targets=_targets(offered, row),
        purposes=[(purpose.value, label(purpose)) for purpose in Purpose],
    )


def _targets(offered: Targets, row: AssignmentRow) -> list[tuple[str, list[tuple[str, str]]]]:
    posts = [(f"p{one.id}", one.label) for one in offered.posts if one.id != row.post_id]
    units = [(f"u{one.id}", one.label) for one in offered.units]
    below = [(f"p{one.id}", one.label) for one in offered.below if one.id != row.post_id]
    groups = [
        (_("Services placés dessous"), units),
        (_("Postes du service"), posts),
        (_("Postes des services placés dessous"), below),
    ]
    return [(name, options) for name, options in groups if options]


@blueprint.post("/<int:assignment_id>/prendre")
def take(assignment_id: int) -> ResponseReturnValue:
    """Take the assignment: the actor works on it."""
    row = _assignment_row(assignment_id)
    try:
        with context.services().unit_of_work(context.now()) as uow:
            operations.take(uow, MailId(row.mail_id), assignment_id, actor=context.actor())
    except REFUSALS as error:
        return _show(assignment_id, error)
    flash(_("Vous avez pris ce courrier en charge."), "success")
    return redirect(next_path(url_for("inbox.show", assignment_id=assignment_id)), 303)


@blueprint.post("/<int:assignment_id>/terminer")
def finish(assignment_id: int) -> ResponseReturnValue:
    """Give the outcome: the requested opinion, or the action done."""
    row = _assignment_row(assignment_id)
    fields = FormReader(request.form)
    outcome = fields.text("outcome", maximum=4000)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.finish(
                uow, MailId(row.mail_id), assignment_id, outcome=outcome, actor=context.actor(), now=context.now()
            )
    except REFUSALS as error:
        return _show(assignment_id, error, act="finish")
    flash(_("La suite donnée est enregistrée."), "success")
    return redirect(next_path(url_for("inbox.index")), 303)


@blueprint.post("/<int:assignment_id>/rendre")
def give_back(assignment_id: int) -> ResponseReturnValue:
    """Return the assignment to its giver."""
    row = _assignment_row(assignment_id)
    fields = FormReader(request.form)
    reason = fields.text("reason", maximum=1000)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.give_back(
                uow, MailId(row.mail_id), assignment_id, reason=reason, actor=context.actor(), now=context.now()
            )
    except REFUSALS as error:
        return _show(assignment_id, error, act="give_back")
    flash(_("Le courrier est retourné à la personne qui vous l'avait confié."), "success")
    # The right to see the letter may be lost now, so do not redirect to its page.
    return redirect(url_for("inbox.index"), 303)


@blueprint.post("/<int:assignment_id>/confier")
def assign(assignment_id: int) -> ResponseReturnValue:
    """Assign the letter to a unit below or to a post."""
    row = _assignment_row(assignment_id)
    fields = FormReader(request.form)
    target = fields.text("to", required=True, maximum=20)
    purpose = fields.choice("purpose", Purpose, required=True)
    instruction, due_on = fields.text("instruction", maximum=2000), fields.day("assign_due_on")
    try:
        fields.check()
        unit_id, post_id = _target(target, row.unit_id)
        with context.services().unit_of_work(context.now()) as uow:
            operations.assign(
                uow,
                MailId(row.mail_id),
                from_assignment_id=assignment_id,
                to_unit_id=unit_id,
                to_post_id=post_id,
                purpose=purpose or Purpose.ACTION,
                instruction=instruction,
                due_on=due_on,
                actor=context.actor(),
                now=context.now(),
            )
    except REFUSALS as error:
        return _show(assignment_id, _at_our_fields(error), act="assign")
    flash(_("Le courrier est confié."), "success")
    return redirect(next_path(url_for("inbox.show", assignment_id=assignment_id)), 303)


def _target(text: str, own_unit_id: int) -> tuple[UnitId, PostId | None]:
    kind, digits = text[:1], text[1:]
    number = id_of(digits)
    if kind not in ("u", "p") or number is None:
        raise Invalid("form.unknown_choice", "choose from the list", field="to")
    if kind == "u":
        return UnitId(number), None
    with context.services().reading() as session:
        return UnitId(choices.unit_of_post(session, number) or own_unit_id), PostId(number)


def _at_our_fields(error: GedError) -> GedError:
    """Map an error to the fields of this page's form."""
    ours = {"to_unit_id": "to", "to_post_id": "to", "due_on": "assign_due_on"}.get(str(error.params.get("field")))
    if ours is None or not isinstance(error, Invalid):
        return error
    return Invalid(error.code, error.remedy, **{**error.params, "field": ours})


def _assignment_row(assignment_id: int) -> AssignmentRow:
    with context.services().reading() as session:
        return letter_path.assignment(session, assignment_id, context.actor())


PANEL = Panel("routing", 20, routing_panel.load, reads=True)
