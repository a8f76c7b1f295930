"""Reading a SECRET letter by exception: asked for by its number, proposed and confirmed on the letter, ended."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import Forbidden, Invalid
from ged.exceptional import operations, queries
from ged.exceptional.reading import LONGEST
from ged.ports import MailId
from ged.register.queries import letter as letter_of
from ged.unit import Actor, ReadSession
from web.site import context
from web.site.auth import require_recent_proof
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.pages import render_form
from web.site.panels import Panel
from web.words.messages import gettext as _

blueprint = Blueprint("letter_exceptions", __name__, url_prefix="/courriers")


@blueprint.get("/<int:mail_id>/lecture-par-exception")
def form(mail_id: int) -> ResponseReturnValue:
    """Who is to read the letter, why and until when."""
    return _form(mail_id)


def _form(mail_id: int, error: Invalid | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        letter = letter_of(session, mail_id, actor)
        panel = _load(session, MailId(mail_id), actor)
    if panel is None or not panel.may_propose:
        raise Forbidden("exception.not_holder", "ask who works on the letter", id=mail_id)
    return render_form(
        "letter_exceptions/form.html", error=error, letter=letter, until=context.today() + LONGEST, today=context.today(),
        account=request.args.get("compte", "")[:64],
    )  # fmt: skip


@blueprint.post("/<int:mail_id>/lecture-par-exception")
def propose(mail_id: int) -> ResponseReturnValue:
    """Propose it: a second person decides."""
    require_recent_proof()
    fields = FormReader(request.form)
    account = fields.text("account", required=True, maximum=64)
    until = fields.day("until_on", required=True)
    reason = fields.text("reason", required=True, maximum=operations.MAX_REASON)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.propose(
                uow, MailId(mail_id), account=account, until_on=until or context.today(), reason=reason,
                actor=context.actor(),
            )  # fmt: skip
    except Invalid as error:
        return _form(mail_id, error)
    flash(_("La lecture est proposée : une seconde personne, qui en est avertie, la confirme dans les trois jours."), "success")  # fmt: skip
    return _back(mail_id)


@blueprint.post("/<int:mail_id>/lecture-par-exception/<int:exception_id>/confirmer")
def confirm(mail_id: int, exception_id: int) -> ResponseReturnValue:
    """The person reads the letter from now on."""
    return _act(mail_id, exception_id, operations.confirm, _("La lecture par exception est ouverte."))


@blueprint.post("/<int:mail_id>/lecture-par-exception/<int:exception_id>/refuser")
def refuse(mail_id: int, exception_id: int) -> ResponseReturnValue:
    """The proposal is refused, or taken back by who made it."""
    return _act(mail_id, exception_id, operations.refuse, _("La proposition est écartée."))


@blueprint.post("/<int:mail_id>/lecture-par-exception/<int:exception_id>/terminer")
def end(mail_id: int, exception_id: int) -> ResponseReturnValue:
    """The person reads the letter no more."""
    return _act(mail_id, exception_id, operations.end, _("La lecture par exception a pris fin."))


@blueprint.post("/<int:mail_id>/demandes-de-lecture/<int:request_id>/ecarter")
def set_aside(mail_id: int, request_id: int) -> ResponseReturnValue:
    """The request to read the letter is set aside."""
    return _act(mail_id, request_id, operations.set_aside, _("La demande est écartée."))


def _act(mail_id: int, row_id: int, act: Callable[..., None], said: str) -> ResponseReturnValue:
    require_recent_proof()
    try:
        with context.services().unit_of_work(context.now()) as uow:
            act(uow, MailId(mail_id), row_id, actor=context.actor())
    except Invalid as refused:
        view = view_of(refused)
        flash(f"{view.message} {view.remedy}", "danger")
        return _back(mail_id)
    flash(said, "success")
    return _back(mail_id)


def _back(mail_id: int) -> ResponseReturnValue:
    return redirect(url_for("letters.show", mail_id=mail_id, _anchor="exceptions"), 303)


@blueprint.get("/demander-une-lecture")
def request_form() -> ResponseReturnValue:
    """The number of a letter that the reader does not see, and why it must be read."""
    return render_form("letter_exceptions/request.html")


@blueprint.post("/demander-une-lecture")
def send_request() -> ResponseReturnValue:
    """Tell those who speak for the letter; the answer is alike whether there is one."""
    fields = FormReader(request.form)
    number = fields.text("number", required=True, maximum=64)
    reason = fields.text("reason", required=True, maximum=operations.MAX_REASON)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.request(uow, number, reason=reason, actor=context.actor())
    except Invalid as error:
        return render_form("letter_exceptions/request.html", error=error)
    flash(_("La demande est transmise à qui traite ce courrier, s'il existe. Vous recevrez un avis si la lecture vous est ouverte."), "success")  # fmt: skip
    return redirect(url_for("letter_exceptions.request_form"), 303)


def _load(session: ReadSession, mail_id: MailId, actor: Actor) -> queries.ExceptionPanel | None:
    return queries.panel(session, mail_id, actor, now=context.now(), on=context.today())


PANEL = Panel("exceptions", 15, _load, reads=True)
