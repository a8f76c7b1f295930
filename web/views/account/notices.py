"""Notices: what a person must know. Acts that must be acknowledged, on the home page; all others, on a page of their own."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import Invalid
from ged.notices import choices, date_reminders, queries
from ged.notices.mail import factor_sentence
from ged.notices.models import FactorStep, Occasion, Way
from ged.notices.queries import NoticeRow
from ged.org import delegations, notices
from web.site import context, unknown_filters
from web.site.forms import FormReader
from web.site.pages import place, render_form
from web.site.panels import Panel
from web.words import acts as words
from web.words.labels import label
from web.words.languages import language
from web.words.messages import gettext as _

blueprint = Blueprint("notices", __name__, url_prefix="/avis")
UNREAD = "non-lus"


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The person's notices, the newest first."""
    actor, unread = context.actor(), bool(unknown_filters.choice("voir", (UNREAD,), ""))
    with context.services().reading() as session:
        rows, page = queries.page(session, actor, place(), on=context.today(), now=context.now(), unread_only=unread)
        address = queries.address(session, actor)
        failed = queries.undelivered(session, actor.person_id, address) if address else None
        is_some_given = any(row.occasion is Occasion.DELEGATED for row in rows)
        given = delegations.listing(session, actor, on=context.today()) if is_some_given else []
    return render_template(
        "notices/index.html", rows=rows, page=page, unread=unread, address=address, failed=failed,
        given={row.id: row for row in given}, opening_words=words.opening_words, factor_words=_factor_words, newest=max((row.id for row in rows), default=0), is_some_unread=any(not row.is_read for row in rows),
    )  # fmt: skip


def _factor_words(step: FactorStep, name: str) -> str:
    return factor_sentence(step, name, context.services().translations(language()))


@blueprint.get("/<int:notice_id>")
def follow(notice_id: int) -> ResponseReturnValue:
    """Mark a notice as read, and go where it leads."""
    with context.services().reading() as session:
        row = queries.one(session, notice_id, context.actor())
    if not row.is_read:
        with context.services().unit_of_work(context.now()) as uow:
            queries.mark_read(uow, notice_id, actor=context.actor())
    return redirect(_target(row), 303)


def _target(row: NoticeRow) -> str:
    match row.occasion:
        case Occasion.ASSIGNED | Occasion.DUE_SOON | Occasion.LATE:
            return url_for("inbox.show", assignment_id=row.subject_id)
        case Occasion.TO_SIGN:
            return url_for("signbook.show", mail_id=row.mail_id)
        case Occasion.DELEGATED:
            return url_for("delegations.index")
        case Occasion.ACCOUNT:
            return url_for("openings.index")
        case Occasion.EXCEPTION:
            # The reader's own notice names no letter as such: see ``ged.exceptional.operations``.
            return url_for("letters.show", mail_id=row.mail_id or row.subject_id, _anchor="exceptions")
        case Occasion.DISPOSAL:
            return url_for("disposals.show", disposal_id=row.subject_id)
        case Occasion.SUPERVISES:
            return url_for("supervision.index")
        case Occasion.MORNING:
            return url_for("morning.index")
        case Occasion.CHANGE_REFUSED:
            return url_for("acts.show", act_id=row.subject_id)
        case Occasion.SECOND_STEP if row.factor_step in (FactorStep.GLASS_USED, FactorStep.GLASS_NAMED):
            return url_for("session.all_sessions")
        case Occasion.SECOND_STEP:
            is_own = row.subject_id == int(context.actor().person_id)
            return url_for("second_factor.index" if is_own else "factor_resets.index")
        case _:
            return url_for("drafts.edit" if row.is_draft else "letters.show", mail_id=row.mail_id)


@blueprint.post("/tout-lu")
def read_all() -> ResponseReturnValue:
    """Mark all notices as read, up to the newest that the page showed."""
    upto = FormReader(request.form).integer("upto") or 0
    with context.services().unit_of_work(context.now()) as uow:
        queries.mark_all_read(uow, upto=upto, actor=context.actor())
    flash(_("Vos avis sont marqués comme lus."), "success")
    return redirect(url_for("notices.index"), 303)


@blueprint.get("/choix")
def choice_form() -> ResponseReturnValue:
    """By which way each occasion is told by e-mail."""
    return _choice_form()


def _choice_form(error: Invalid | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        ways, may = choices.ways_of(session, [int(actor.person_id)])[int(actor.person_id)], choices.chosen_now(session)
        address = queries.address(session, actor)
    return render_form(
        "notices/choices.html",
        error=error,
        ways={occasion: ways[occasion] for occasion in may},
        address=address,
        offered=lambda occasion: [(way.value, label(way)) for way in choices.offered(occasion)],
    )


@blueprint.post("/choix")
def choose() -> ResponseReturnValue:
    """Store the choices."""
    fields = FormReader(request.form)
    with context.services().reading() as session:
        may = choices.chosen_now(session)
    chosen = {occasion: fields.choice(occasion.value, Way, required=True) for occasion in may}
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            choices.choose(
                uow, {occasion: way for occasion, way in chosen.items() if way is not None}, actor=context.actor()
            )
    except Invalid as error:
        return _choice_form(error)
    flash(_("Vos choix sont enregistrés."), "success")
    return redirect(url_for("notices.index"), 303)


@blueprint.post("/connaissance")
def acknowledge() -> ResponseReturnValue:
    """Acknowledge the notices shown."""
    read = FormReader(request.form).integers("notice")
    with context.services().unit_of_work(context.now()) as uow:
        notices.acknowledge(uow, read, actor=context.actor())
    return redirect(url_for("session.home"), 303)


PANEL = Panel("date_reminders", 28, date_reminders.of_letter)
