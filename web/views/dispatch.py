"""Departures: letters signed by hand to number and scan, lines to send, e-mail, discharges, the day's book."""

from datetime import datetime
from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.capture import files
from ged.capture.files import Upload
from ged.dispatch import operations as dispatch
from ged.dispatch import print as dispatch_print
from ged.dispatch import queries as dispatch_queries
from ged.dispatch.operations import Departure, Discharge
from ged.dispatch.queries import DispatchPage
from ged.errors import GedError, Invalid
from ged.paper import desk, ink
from ged.paper import operations as paper
from ged.ports import Confidentiality
from ged.register import opening
from ged.register.models import Channel
from ged.signbook import queries
from web.site import context
from web.site.errors import REFUSALS, view_of
from web.site.forms import FormReader, chosen_file
from web.site.pages import render_form
from web.site.panels import Panel
from web.words.messages import gettext as _

blueprint = Blueprint("dispatch", __name__, url_prefix="/departs")

ON_PAPER = tuple(channel for channel in Channel if channel is not Channel.EMAIL)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The mail office's tasks with departures."""
    with context.services().reading() as session:
        actor = context.actor()
        return render_template(
            "dispatch/index.html",
            printed=desk.printed(session, actor),
            waiting=dispatch_queries.to_dispatch(session, actor),
            open_lines=dispatch_queries.without_discharge(session, actor),
        )


# --- signed by hand ----------------------------------------------------------------------------------------------


@blueprint.post("/<int:mail_id>/numeroter")
def number(mail_id: int) -> ResponseReturnValue:
    """Number and date an original signed by hand."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            text = ink.number_ink(uow, mail_id, actor=context.actor())
    except REFUSALS as error:
        return _original(mail_id, error)
    flash(
        _("Écrivez sur l'original le numéro %(number)s et la date du jour, puis numérisez-le.", number=text), "success"
    )
    return redirect(url_for("dispatch.original_form", mail_id=mail_id), 303)


@blueprint.get("/<int:mail_id>/original")
def original_form(mail_id: int) -> ResponseReturnValue:
    """Join the scan of the signed original by hand, when its code was not read."""
    return _original(mail_id)


def _original(mail_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        row = queries.letter(session, mail_id, context.actor(), on=context.today())
    return render_form("dispatch/original.html", error=error, row=row)


@blueprint.post("/<int:mail_id>/original")
def join_original(mail_id: int) -> ResponseReturnValue:
    """Upload the scan, which then waits for the comparison with its print."""
    services, actor, now = context.services(), context.actor(), context.now()
    try:
        with services.reading() as session:
            # Refused before any byte is stored; the operation asks again in its transaction.
            ink.office_for_original(session, mail_id, actor)
        upload = _file()
        with services.unit_of_work(now) as uow:
            paper_id = paper.bring_original(uow, mail_id, upload, actor=actor, now=now)
    except REFUSALS as error:
        return _original(mail_id, error)
    return redirect(url_for("paper.show", paper_id=paper_id), 303)


def _file() -> Upload:
    file = chosen_file()
    return files.examine(context.services(), file.name, file.stream)


# --- lines -------------------------------------------------------------------------------------------------------


@blueprint.get("/<int:mail_id>")
def show(mail_id: int) -> ResponseReturnValue:
    """A letter's lines."""
    with context.services().reading() as session:
        page = dispatch_queries.page(session, mail_id, context.actor())
        lines = dispatch_queries.lines(session, mail_id, context.actor())
    _record_opening(page)
    return render_template("dispatch/show.html", page=page, lines=lines)


@blueprint.get("/lignes/<int:line_id>")
def line(line_id: int) -> ResponseReturnValue:
    """One line: its departure, or its discharge."""
    return _line(line_id)


def _line(line_id: int, error: GedError | None = None) -> ResponseReturnValue:
    services = context.services()
    with services.reading() as session:
        row = dispatch_queries.line(session, line_id, context.actor())
        page = dispatch_queries.page(session, row.mail_id, context.actor())
        typed = request.form.get("email", row.email)[:200]
        asked = dispatch.address_to_confirm(session, dispatch.line_for(session, line_id, context.actor()), typed)
    _record_opening(page)
    local = context.now().astimezone(services.zone)
    cause = view_of(GedError(row.cause)).message if row.cause else ""
    return render_form(
        "dispatch/line.html", error=error, line=row, page=page, channels=ON_PAPER, local=local, cause=cause, asked=asked
    )


def _record_opening(page: DispatchPage) -> None:
    """Record the opening of a confidential letter: these pages show its subject."""
    if page.level >= Confidentiality.RESTRICTED:
        with context.services().unit_of_work(context.now()) as uow:
            opening.record_opening(uow, page.mail_id, where="dispatch", actor=context.actor())


def _done(line_id: int, message: str) -> ResponseReturnValue:
    flash(message, "success")
    with context.services().reading() as session:
        row = dispatch_queries.line(session, line_id, context.actor())
    return redirect(url_for("dispatch.show", mail_id=row.mail_id), 303)


@blueprint.post("/lignes/<int:line_id>/depart")
def leave(line_id: int) -> ResponseReturnValue:
    """Record that the line leaves on paper."""
    fields = FormReader(request.form)
    channel, version = fields.choice("channel", Channel, required=True), fields.integer("version")
    reference, carrier = fields.text("reference", maximum=300), fields.text("carrier", maximum=200)
    try:
        fields.check()
        departure = Departure(channel or Channel.HAND, reference, carrier)
        with context.services().unit_of_work(context.now()) as uow:
            dispatch.leave(uow, line_id, departure, version=version, actor=context.actor())
    except REFUSALS as error:
        return _line(line_id, error)
    return _done(line_id, _("Le départ est noté."))


@blueprint.post("/lignes/<int:line_id>/courriel")
def send(line_id: int) -> ResponseReturnValue:
    """Send the line by e-mail, with the signed document."""
    fields = FormReader(request.form)
    email, version = fields.text("email", required=True, maximum=200), fields.integer("version")
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            dispatch.send_by_email(
                uow, line_id, email=email, version=version, actor=context.actor(),
                compared=fields.text("compared", maximum=200),
            )  # fmt: skip
    except REFUSALS as error:
        return _line(line_id, error)
    return _done(line_id, _("Le message est confié à l'envoi ; la ligne passera à « parti » une fois envoyé."))


@blueprint.post("/lignes/<int:line_id>/trancher")
def settle(line_id: int) -> ResponseReturnValue:
    """Settle an interrupted e-mail."""
    fields = FormReader(request.form)
    version = fields.integer("version")
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            was_sent = request.form.get("verdict") == "sent"
            dispatch.settle_email(uow, line_id, was_sent=was_sent, version=version, actor=context.actor())
    except REFUSALS as error:
        return _line(line_id, error)
    return _done(line_id, _("La décision est notée."))


@blueprint.post("/lignes/<int:line_id>/decharge")
def discharge(line_id: int) -> ResponseReturnValue:
    """Record the receiver's entries on the stamped copy."""
    fields = FormReader(request.form)
    name = fields.text("name", required=True, maximum=200)
    capacity = fields.text("capacity", required=True, maximum=200)
    day, clock = fields.day("received_on", required=True), fields.clock("received_time", required=True)
    number_, version = fields.text("their_number", maximum=100), fields.integer("version")
    try:
        fields.check()
        if day is None or clock is None:
            raise Invalid("form.required", "fill it in", field="received_on")
        at = datetime.combine(day, clock, tzinfo=context.services().zone)
        with context.services().unit_of_work(context.now()) as uow:
            given = Discharge(name, capacity, at, number_)
            dispatch.discharge(uow, line_id, given, version=version, actor=context.actor())
    except REFUSALS as error:
        return _line(line_id, error)
    return _done(line_id, _("La décharge est enregistrée."))


@blueprint.post("/lignes/<int:line_id>/preuve")
def proof(line_id: int) -> ResponseReturnValue:
    """Join the scan of the stamped copy by hand."""
    services, actor = context.services(), context.actor()
    try:
        with services.reading() as session:
            row = dispatch_queries.line(session, line_id, actor)
            dispatch.dispatching_post(session, row.mail_id, actor)
        upload = _file()
        with services.unit_of_work(context.now()) as uow:
            dispatch.join_proof(uow, line_id, upload.pages, filename=upload.filename, actor=actor, now=context.now())
    except REFUSALS as error:
        return _line(line_id, error)
    return _done(line_id, _("L'exemplaire déchargé est joint."))


@blueprint.get("/lignes/<int:line_id>/decharge.pdf")
def sheet(line_id: int) -> ResponseReturnValue:
    """The sheet that accompanies the copy and comes back stamped."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        row = dispatch_queries.line(session, line_id, actor)
        level = dispatch_queries.page(session, row.mail_id, actor).level
    if level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            opening.record_printing(uow, row.mail_id, what="discharge_sheet", actor=actor)
    pdf = dispatch_print.discharge_sheet(services, line_id, actor, at=context.now())
    return _pdf(pdf, "decharge.pdf")


# --- the day's book ----------------------------------------------------------------------------------------------


@blueprint.get("/cahier")
def book() -> ResponseReturnValue:
    """The departures of a day; of a day that cannot be read, nothing but the error at its field."""
    services, fields = context.services(), FormReader(request.args)
    day = fields.day("jour") or context.today()
    wrong = fields.wrong()
    with services.reading() as session:
        rows = dispatch_queries.left_on(session, context.actor(), day, zone=services.zone) if wrong is None else []
    typed = request.args if wrong is not None else None
    return render_form("dispatch/book.html", error=wrong, form=typed, status=200, rows=rows, day=day)


@blueprint.get("/cahier.pdf")
def book_pdf() -> ResponseReturnValue:
    """The departure book of a day, to print."""
    fields = FormReader(request.args)
    day = fields.day("jour") or context.today()
    fields.check()
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        restricted = dispatch_queries.restricted_on(session, actor, day, zone=services.zone)
    if restricted:
        with services.unit_of_work(context.now()) as uow:
            for mail_id in restricted:
                opening.record_printing(uow, mail_id, what="departure_book", actor=actor)
    pdf = dispatch_print.departure_book(services, actor, day, at=context.now())
    return _pdf(pdf, f"departs-{day.isoformat()}.pdf")


def _pdf(pdf: bytes, name: str) -> ResponseReturnValue:
    return send_file(BytesIO(pdf), mimetype="application/pdf", download_name=name)


# --- the letter's page -------------------------------------------------------------------------------------------


PANEL = Panel("dispatch", 60, dispatch_queries.panel)
