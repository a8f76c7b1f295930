"""Slips: to receive, sent, tasks; make, sign, receive, answer; the delivery book."""

from datetime import datetime
from io import BytesIO
from typing import Any

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ged.capture import drawing, files
from ged.capture.files import Upload
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition
from ged.paper import slip_receipt
from ged.ports import Digest
from ged.slips import answers, delivery_book, letter_panel, numbering, operations, queries, receive, tasks
from ged.slips import view as slip_views
from ged.slips.answers import AnswerLine
from ged.slips.models import SlipKind, SlipPurpose
from ged.slips.operations import Issued
from ged.slips.receive import PaperReceipt
from ged.slips.reception_form import TABLE
from ged.slips.states import LineState
from web.site import context, keyring, pictures, unknown_filters
from web.site.errors import REFUSALS
from web.site.forms import FormReader
from web.site.numbers import id_of, whole
from web.site.pages import place, render_form
from web.site.panels import Panel
from web.views.slips import forms
from web.views.slips.forms import refused
from web.words import labels, verdicts
from web.words.messages import gettext as _

blueprint = Blueprint("slips", __name__, url_prefix="/bordereaux")

TABLE_PX, PART_PX, MAX_PART = 1200, 760, 40
"""Widths of pictures of a scanned slip; characters of a part's name."""


@blueprint.app_template_filter("signature_reason")
def signature_reason(reason: str) -> str:
    """The French text of a verdict's reason."""
    return verdicts.reason_words(reason)


@blueprint.app_template_filter("slip_option")
def slip_option(purpose: SlipPurpose) -> tuple[str, str]:
    """A purpose as a choice of a list."""
    return purpose.value, labels.label(purpose)


# --- lists -------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Slips that wait for me, sent slips, open tasks."""
    return _index()


def _index(error: GedError | None = None, *, task_id: int = 0) -> ResponseReturnValue:
    """The page; with ``error``, as it was typed. ``task_id``: the task whose form was refused: another person may have closed it."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        sent, shown = queries.sent(
            session, actor, place(), now=context.now(), unacknowledged_hours=services.unacknowledged_hours
        )
        page: dict[str, Any] = {
            "waiting": queries.to_receive(session, actor),
            "sent": sent,
            "shown": shown,
            "open_tasks": queries.open_tasks(session, actor),
            "loans": queries.overdue_loans(session, actor, today=context.today()),
        }
    has_form = any(one.id == task_id and one.may_settle for one in page["open_tasks"])
    page["unplaced"] = "" if has_form else request.form.get(f"remark-{task_id}", "")
    units = {post.unit_id: post.unit_name for post in actor.working_posts}
    return render_form("slips/index.html", error=error, units=units, **page)


@blueprint.post("/porteur")
def hand() -> ResponseReturnValue:
    """Give sent slips to a messenger."""
    fields = FormReader(request.form)
    slip_ids, messenger = fields.integers("slip"), fields.text("messenger", required=True, maximum=120)
    if not slip_ids:
        fields.refuse(Invalid("slip.none_chosen", "tick a slip", field="slip"))
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.hand_to_messenger(uow, slip_ids, messenger=messenger, actor=context.actor(), now=context.now())
    except REFUSALS as error:
        return _index(error)
    flash(_("Remis au porteur %(name)s.", name=messenger), "success")
    return redirect(url_for("slips.index"), 303)


@blueprint.post("/taches/<int:task_id>")
def settle(task_id: int) -> ResponseReturnValue:
    """Close a task with a remark on what was done."""
    fields = FormReader(request.form)
    remark = fields.text(f"remark-{task_id}", required=True, maximum=tasks.MAX_REMARK)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            tasks.settle_task(uow, task_id, remark=remark, actor=context.actor(), now=context.now())
    except REFUSALS as error:
        return _index(error, task_id=task_id)
    flash(_("L'écart est réglé."), "success")
    return redirect(url_for("slips.index"), 303)


@blueprint.get("/cahier")
def book() -> ResponseReturnValue:
    """The messengers of a day, each with the book to print; of a day that cannot be read, nothing but the error at its field."""
    services, actor = context.services(), context.actor()
    units = {post.unit_id: post.unit_name for post in actor.working_posts}
    unit_id = unknown_filters.number("unit_id", units) or next(iter(units), 0)
    fields = FormReader(request.args)
    day = fields.day("day") or context.today()
    wrong = fields.wrong()
    with services.reading() as session:
        found = (
            delivery_book.messengers_on(session, actor, unit_id=unit_id, day=day, zone=services.zone)
            if units and wrong is None
            else []
        )
    typed = request.args if wrong is not None else None
    return render_form(
        "slips/book.html", error=wrong, form=typed, status=200, units=units, unit_id=unit_id, day=day, messengers=found
    )


@blueprint.get("/cahier.pdf")
def book_pdf() -> ResponseReturnValue:
    """The delivery book of a messenger on a day."""
    fields = FormReader(request.args)
    day = fields.day("day") or context.today()
    fields.check()
    pdf = delivery_book.delivery_book_pdf(
        context.services(),
        unit_id=request.args.get("unit_id", 0, type=whole),
        day=day,
        messenger=request.args.get("messenger", ""),
        actor=context.actor(),
        now=context.now(),
    )
    return _pdf(pdf, f"cahier-{day}.pdf")


def _pdf(content: bytes, name: str) -> ResponseReturnValue:
    return send_file(BytesIO(content), mimetype="application/pdf", download_name=name, max_age=0)


# --- making ------------------------------------------------------------------------------------------------------


@blueprint.get("/nouveau")
def new() -> ResponseReturnValue:
    """The form: letters from the URL (?mail=1&mail=2), and free pieces."""
    return _new(request.args)


def _new(given: MultiDict[str, str], error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    post = forms.sending_post(actor)
    lines = forms.lines_of(given, post, actor)
    with context.services().reading() as session:
        units = [(unit.id, unit.name) for unit in queries.receiving_units(session, actor)]
    return render_form(
        "slips/new.html",
        error=error,
        form=given if request.method == "POST" else None,
        lines=lines,
        units=units,
        post=post,
        posts=actor.working_posts,
        purposes=list(SlipPurpose),
        wanted=request.args,
    )


@blueprint.post("/nouveau")
def create() -> ResponseReturnValue:
    """Add a line or a letter, preview, or number and sign."""
    wanted = request.form.get("act", "")
    if wanted in ("line", "letter"):
        return _one_more(wanted)
    services, actor = context.services(), context.actor()
    fields = FormReader(request.form)
    post = forms.sending_post(actor)
    lines = forms.lines_of(request.form, post, actor)
    form = forms.read_slip(fields, lines, post)
    try:
        fields.check()
        if wanted == "preview":
            return _pdf(operations.preview(services, form, actor=actor, now=context.now()), "apercu.pdf")
        key = keyring.signing_key(fields.secret("passphrase", required=False))
        made = operations.issue(services, form, key=key, actor=actor, now=context.now())
    except GedError as error:
        return _new(request.form, refused(error))
    for one in made:
        _tell(one)
    target = url_for("slips.show", slip_id=made[0].slip_id) if len(made) == 1 else url_for("slips.index")
    return redirect(target, 303)


def _tell(one: Issued) -> None:
    if one.failure is None:
        flash(_("Bordereau %(number)s signé et envoyé.", number=one.number), "success")
    else:
        text = _(
            "Le bordereau %(number)s garde son numéro mais n'est pas signé : signez-le de nouveau.", number=one.number
        )
        flash(text, "warning")


def _one_more(wanted: str) -> ResponseReturnValue:
    given: MultiDict[str, str] = MultiDict(request.form)
    if wanted == "line":
        given["free"] = str(given.get("free", 0, type=whole) + 1)
        return _new(given)
    number, chosen = given.pop("add_number", "").strip(), id_of(given.pop("add_number_letter", ""))
    try:
        mail_id = str(forms.add_letter(number, chosen))
    except Invalid as error:
        return _new(request.form, error)
    if mail_id not in given.getlist("mail"):
        given.add("mail", mail_id)
        # The person could not untick this box yet: the paper goes if the unit holds it.
        given[f"original-m{mail_id}"] = "auto"
    return _new(given)


# --- one slip ----------------------------------------------------------------------------------------------------


@blueprint.get("/<int:slip_id>")
def show(slip_id: int) -> ResponseReturnValue:
    """The slip: lines, state, signatures, possible acts."""
    return _show(slip_id)


def _show(slip_id: int, error: GedError | None = None) -> ResponseReturnValue:
    services, actor = context.services(), context.actor()
    with services.reading_once() as session:
        view = slip_views.slip_view(session, slip_id, actor)
        gone = queries.away_at_receivers(session, [slip_id], on=context.today())
        own_numbers = numbering.offered(session, slip_id, actor)
        named = slip_views.restricted_letters(session, slip_id, actor)
    forms.record_named(named)
    reports = slip_views.signatures(services, view, now=context.now())
    return render_form(
        "slips/show.html",
        error=error,
        slip=view,
        reports=reports,
        away=gone.get(slip_id, ()),
        own_numbers=own_numbers,
    )


@blueprint.post("/<int:slip_id>/numeroter")
def number(slip_id: int) -> ResponseReturnValue:
    """Give the received letters their numbers in the receiver's own register."""
    fields = FormReader(request.form)
    register_id = fields.integer("register_id", required=True)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            given = numbering.number_received(uow, slip_id, register_id or 0, actor=context.actor())
    except (Invalid, InvalidTransition) as error:
        return _show(slip_id, error)
    if given:
        flash(_("Numéros donnés : %(numbers)s.", numbers=", ".join(one.text for one in given)), "success")
    else:
        flash(_("Ces courriers ont déjà leur numéro."), "info")
    return redirect(url_for("slips.show", slip_id=slip_id), 303)


@blueprint.get("/<int:slip_id>/bordereau.pdf")
def pdf(slip_id: int) -> ResponseReturnValue:
    """The latest signed bytes."""
    content, name = slip_views.slip_pdf(context.services(), slip_id, context.actor())
    forms.record_openings(slip_id, printed=True)
    return _pdf(content, name)


@blueprint.post("/<int:slip_id>/signer")
def sign(slip_id: int) -> ResponseReturnValue:
    """Sign a numbered slip whose signature failed."""
    fields = FormReader(request.form)
    try:
        key = keyring.signing_key(fields.secret("passphrase", required=False))
        operations.sign_slip(context.services(), slip_id, key=key, actor=context.actor(), now=context.now())
    except GedError as error:
        return _show(slip_id, refused(error))
    flash(_("Bordereau signé et envoyé."), "success")
    return redirect(url_for("slips.show", slip_id=slip_id), 303)


@blueprint.post("/<int:slip_id>/annuler")
def void(slip_id: int) -> ResponseReturnValue:
    """Void the slip; its number stays, voided."""
    fields = FormReader(request.form)
    reason = fields.text("reason", required=True, maximum=500)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.void_slip(uow, slip_id, reason=reason, actor=context.actor(), now=context.now())
    except REFUSALS as error:
        return _show(slip_id, error)
    flash(_("Le bordereau est annulé ; son numéro reste au registre."), "success")
    return redirect(url_for("slips.show", slip_id=slip_id), 303)


# --- receiving ---------------------------------------------------------------------------------------------------


@blueprint.get("/<int:slip_id>/recevoir")
def receive_form(slip_id: int) -> ResponseReturnValue:
    """The form: a choice for each line."""
    return _receive(slip_id)


def _receive(
    slip_id: int, error: GedError | None = None, typed: MultiDict[str, str] | None = None
) -> ResponseReturnValue:
    with context.services().reading() as session:
        view = slip_views.slip_view(session, slip_id, context.actor())
    if not view.may_receive and error is None:
        return redirect(url_for("slips.show", slip_id=slip_id), 303)
    forms.record_openings(slip_id)
    before = typed if typed is not None else forms.decided_before(view.lines)
    return render_form(
        "slips/receive.html",
        error=error,
        form=before if error is None else None,
        slip=view,
        choices=receive.decisions_on(view.row.kind),
    )


@blueprint.post("/<int:slip_id>/recevoir")
def take(slip_id: int) -> ResponseReturnValue:
    """Set every undecided line to received, or sign the reception."""
    services, actor = context.services(), context.actor()
    fields = FormReader(request.form)
    with services.reading() as session:
        view = slip_views.slip_view(session, slip_id, actor)
    if request.form.get("act") == "all":
        return _receive(slip_id, typed=forms.all_received(view.lines))
    decisions = forms.read_decisions(fields, view)
    capacity, version = fields.text("capacity", maximum=200), fields.integer("version")
    try:
        fields.check()
        key = keyring.signing_key(fields.secret("passphrase", required=False))
        receive.receive(
            services, slip_id, decisions, key=key, capacity=capacity, version=version, actor=actor, now=context.now()
        )
    except GedError as error:
        return _receive(slip_id, refused(error))
    flash(_("Bordereau %(number)s reçu et signé.", number=view.row.number), "success")
    return redirect(url_for("slips.show", slip_id=slip_id), 303)


@blueprint.get("/<int:slip_id>/papier")
def paper_form(slip_id: int) -> ResponseReturnValue:
    """The form for a print signed by hand."""
    return _paper(slip_id)


def _paper(slip_id: int, error: GedError | None = None) -> ResponseReturnValue:
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        view = slip_views.slip_view(session, slip_id, actor)
        proposal = slip_receipt.of_slip(session, services, slip_id, actor)
        signers = queries.paper_signers(session, slip_id, actor)
    if not view.may_record_paper and error is None:
        return redirect(url_for("slips.show", slip_id=slip_id), 303)
    forms.record_openings(slip_id)
    usual = queries.usual_signer(signers) if proposal is not None and "name" in proposal.written else None
    return render_form(
        "slips/paper.html",
        error=error,
        form=forms.as_proposed(proposal, usual) if proposal is not None and error is None else None,
        slip=view,
        choices=receive.decisions_on(view.row.kind),
        here=context.now().astimezone(services.zone),
        proposal=proposal,
        told={line.position: line for line in proposal.lines} if proposal is not None else {},
        usual=usual,
        names=sorted({name for name, _capacity in signers}),
    )


@blueprint.post("/<int:slip_id>/papier")
def paper(slip_id: int) -> ResponseReturnValue:
    """Record who signed the print and what was ticked on it."""
    services, actor = context.services(), context.actor()
    fields = FormReader(request.form)
    with services.reading() as session:
        view = slip_views.slip_view(session, slip_id, actor)
    day, clock = fields.day("received_on", required=True), fields.clock("received_time", required=True)
    name, capacity = fields.text("name", required=True, maximum=200), fields.text("capacity", maximum=200)
    decisions, version = forms.read_decisions(fields, view), fields.integer("version")
    seen, now = forms.read_scans(), context.now()
    try:
        fields.check()
        if day is None or clock is None:
            raise Invalid("form.required", "fill it in", field="received_on")
        upload = _upload() if view.may_record_paper and not seen else None
        receipt = PaperReceipt(name, datetime.combine(day, clock, tzinfo=services.zone), decisions, capacity)
        pages = upload.pages if upload is not None else ()
        with services.unit_of_work(now) as uow:
            if seen:
                slip_receipt.record(uow, slip_id, receipt, seen=seen, version=version, actor=actor, now=now)
            else:
                receive.record_paper_receipt(uow, slip_id, receipt, pages=pages, version=version, actor=actor, now=now)
    except GedError as error:
        return _paper(slip_id, refused(error))
    flash(_("Réception sur papier enregistrée."), "success")
    return redirect(url_for("slips.show", slip_id=slip_id), 303)


@blueprint.get("/<int:slip_id>/papier/image.jpg")
def sheet_part(slip_id: int) -> ResponseReturnValue:
    """The picture of a part (``?partie=``) of the scans that propose: the boxes of a line, a table, a place of the foot."""
    services, actor, part = context.services(), context.actor(), request.args.get("partie", "")[:MAX_PART]
    with services.reading() as session:
        source, place_of = slip_receipt.part_source(session, services, slip_id, part, actor)
    if part.startswith(TABLE):
        forms.record_openings(slip_id, printed=True)  # it shows the texts of the lines; the boxes alone do not
    width_px = TABLE_PX if part.startswith(TABLE) else PART_PX
    try:
        drawn = drawing.draw_part(services, source, place_of, width_px=width_px)
    except (Invalid, EngineFailed) as error:
        return pictures.instead(error)
    return send_file(BytesIO(drawn), mimetype="image/jpeg")


def _upload() -> Upload | None:
    file = request.files.get("file")
    if file is None or not file.filename:
        return None
    return files.examine(context.services(), file.filename, file.stream)  # type: ignore[arg-type]  # IO[bytes]


@blueprint.get("/<int:slip_id>/preuve/<int:proof_id>")
def proof(slip_id: int, proof_id: int) -> ResponseReturnValue:
    """A page of the scanned print, byte for byte."""
    services = context.services()
    with services.reading() as session:
        page = slip_views.proof_page(session, slip_id, proof_id, context.actor())
    forms.record_openings(slip_id, printed=True)
    known = page.media_type in files.MEDIA_TYPES
    with services.blobs.open(Digest(page.digest)) as stored:
        content = stored.read()
    return send_file(
        BytesIO(content),
        mimetype=page.media_type if known else "application/octet-stream",
        as_attachment=not known or page.media_type == "image/tiff",
        download_name=f"preuve-{proof_id}",
        max_age=0,
    )


# --- answers -----------------------------------------------------------------------------------------------------


@blueprint.get("/<int:slip_id>/retour")
def answer_form(slip_id: int) -> ResponseReturnValue:
    """The form of a return, or of a discrepancy found later (?nature=discrepancy)."""
    return _answer(slip_id)


def _answer(slip_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        view = slip_views.slip_view(session, slip_id, context.actor())
    if not view.may_answer and error is None:
        return redirect(url_for("slips.show", slip_id=slip_id), 303)
    forms.record_openings(slip_id)
    kind = SlipKind.DISCREPANCY if request.values.get("nature") == SlipKind.DISCREPANCY.value else SlipKind.RETURN
    return render_form("slips/answer.html", error=error, slip=view, kind=kind)


@blueprint.post("/<int:slip_id>/retour")
def answer(slip_id: int) -> ResponseReturnValue:
    """Number and sign the answer."""
    fields = FormReader(request.form)
    kind = fields.choice("nature", SlipKind, required=True)
    chosen, remark = fields.integers("line"), fields.text("remark", maximum=500)
    lines = [
        AnswerLine(
            no,
            fields.text(f"remark-{no}", maximum=200),
            fields.choice(f"claim-{no}", LineState) or LineState.DAMAGED,
        )
        for no in chosen
    ]
    try:
        fields.check()
        key = keyring.signing_key(fields.secret("passphrase", required=False))
        made = answers.answer_slip(
            context.services(),
            slip_id,
            kind=SlipKind.DISCREPANCY if kind is SlipKind.DISCREPANCY else SlipKind.RETURN,
            lines=lines,
            remark=remark,
            key=key,
            actor=context.actor(),
            now=context.now(),
        )
    except GedError as error:
        return _answer(slip_id, refused(error))
    _tell(made)
    return redirect(url_for("slips.show", slip_id=made.slip_id), 303)


# --- the letter's page -------------------------------------------------------------------------------------------


PANEL = Panel("slips", 40, letter_panel.load)
