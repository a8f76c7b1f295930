"""Notes and questions on a letter, and the list of questions that wait."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid, InvalidTransition
from ged.followup import notes
from ged.followup.notes import MAX_TEXT, Notes
from ged.ports import MailId
from ged.register import opening
from ged.register.queries import letter
from ged.unit import Actor, ReadSession
from web.site import context, unknown_filters
from web.site.forms import FormReader
from web.site.pages import place, render_form
from web.site.panels import Panel
from web.site.paths import next_path
from web.words.messages import gettext as _

blueprint = Blueprint("notes", __name__)

REFUSALS = (Invalid, InvalidTransition)
PAGE = 50
ASKED = "posees"


@blueprint.get("/questions")
def index() -> ResponseReturnValue:
    """Questions that wait for the actor; with ``?voir=posees`` those that the actor asked and nobody answered yet."""
    asked = bool(unknown_filters.choice("voir", (ASKED,), ""))
    with context.services().reading() as session:
        rows, page = notes.questions(
            session, context.actor(), place(), on=context.today(), limit=PAGE, asked=asked
        )  # fmt: skip
    return render_template("notes/index.html", rows=rows, page=page, asked=asked)


@blueprint.get("/courriers/<int:mail_id>/notes")
def show(mail_id: int) -> ResponseReturnValue:
    """The notes of a letter, with their forms."""
    return _page(mail_id)


def _page(mail_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        found = letter(session, mail_id, context.actor())
        panel = notes.of_letter(session, mail_id, context.actor(), on=context.today())
    # The letter is read here too: set the seen mark, and add a journal entry if it is restricted.
    if opening.must_write(found.level, opened_at=found.opened_at, now=context.now()):
        with context.services().unit_of_work(context.now()) as uow:
            opening.mark_opened(uow, found.id, actor=context.actor(), now=context.now())
    return render_form("notes/show.html", error=error, letter=found, panel=panel)


@blueprint.post("/courriers/<int:mail_id>/notes")
def write(mail_id: int) -> ResponseReturnValue:
    """Write a note, or ask a question."""
    fields = FormReader(request.form)
    text, to_post = fields.text("note", required=True, maximum=MAX_TEXT), fields.integer("to_post")
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            notes.write(uow, MailId(mail_id), text=text, to_post_id=to_post, actor=context.actor())
    except REFUSALS as error:
        return _page(mail_id, error)
    flash(_("Votre note est inscrite.") if to_post is None else _("Votre question est posée."), "success")
    return redirect(next_path(url_for("notes.show", mail_id=mail_id)), 303)


@blueprint.post("/courriers/<int:mail_id>/notes/<int:question_id>")
def answer(mail_id: int, question_id: int) -> ResponseReturnValue:
    """Answer a question."""
    fields = FormReader(request.form)
    text = fields.text(f"answer-{question_id}", required=True, maximum=MAX_TEXT)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            notes.answer(uow, MailId(mail_id), question_id, text=text, actor=context.actor())
    except REFUSALS as error:
        return _page(mail_id, error)
    flash(_("Votre réponse est inscrite."), "success")
    return redirect(next_path(url_for("notes.show", mail_id=mail_id)), 303)


def load(session: ReadSession, mail_id: MailId, actor: Actor) -> Notes | None:
    """The panel of a letter; None when it has no notes and takes none."""
    found = notes.of_letter(session, mail_id, actor)
    return found if found.rows or found.may_write else None


PANEL = Panel("notes", 25, load)
