"""Codes on paper that wait for a person: print and scan side by side, confirmed or refused."""

import logging
from collections.abc import Callable
from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.capture import drawing
from ged.capture.drawing import THUMBNAIL_PX
from ged.codes import CodeKind
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition, NotFound
from ged.paper import operations, prints, queries, slip_receipt
from ged.paper.queries import PaperPage
from ged.ports import Confidentiality
from ged.register import opening
from ged.routing import path as letter_path
from ged.typeset import page_count
from web.site import context, pictures
from web.site.forms import FormReader
from web.site.pages import render_form
from web.words.messages import gettext as _

log = logging.getLogger("ged.web")

blueprint = Blueprint("paper", __name__, url_prefix="/a-confirmer")

PAGE_PX = 1400
MAX_PRINT_PAGES = 20


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The codes that wait for the actor."""
    with context.services().reading() as session:
        rows = queries.waiting(session, context.actor())
    return render_template("paper/index.html", rows=rows)


@blueprint.get("/<int:paper_id>")
def show(paper_id: int) -> ResponseReturnValue:
    """Print and scan side by side, differences first."""
    return _show(paper_id)


def _show(paper_id: int, error: GedError | None = None) -> ResponseReturnValue:
    services, actor, now = context.services(), context.actor(), context.now()
    with services.reading() as session:
        page = queries.page(session, services, paper_id, actor, now=now)
        is_fiche = page.row.kind is CodeKind.IMPUTATION
        may_impute = is_fiche and letter_path.path(session, page.subject_id, actor).may_impute
        is_slip = page.row.kind is CodeKind.SLIP
        receipt = slip_receipt.of_slip(session, services, page.subject_id, actor) if is_slip else None
    if page.level >= Confidentiality.RESTRICTED and page.known.mail_id is not None:
        # The page shows the letter's subject: for a confidential letter this is recorded in the journal.
        with services.unit_of_work(now) as uow:
            opening.record_opening(uow, page.known.mail_id, where="paper", actor=actor)
    return render_form(
        "paper/show.html", error=error, page=page, print_url=_print_url(page), print_pages=_print_pages(page),
        may_impute=may_impute, proposes_receipt=receipt is not None and bool(receipt.scans),
    )  # fmt: skip


def _print_pages(page: PaperPage) -> int:
    """The number of print pages to show; 0 if it is stored as a document, or cannot be typeset (only its text)."""
    if page.row.kind not in queries.SHEETS:
        return 0
    try:
        pdf = prints.print_pdf(context.services(), page.row.id, context.actor(), now=context.now())
    except GedError as error:
        log.info("the print of %s is not shown: %s", page.row.id, error)
        return 0
    return min(page_count(pdf), MAX_PRINT_PAGES)


def _print_url(page: PaperPage) -> str:
    match page.row.kind:
        case CodeKind.DISCHARGE:
            return url_for("dispatch.sheet", line_id=page.subject_id)
        case CodeKind.IMPUTATION:
            return url_for("impute.sheet", mail_id=page.subject_id)
        case CodeKind.SLIP:
            return url_for("slips.pdf", slip_id=page.subject_id)
        case CodeKind.OUTGOING if page.known.attachment_id is not None:
            return url_for("documents.original", attachment_id=page.known.attachment_id)
    return ""


@blueprint.get("/<int:paper_id>/lecture")
def progress(paper_id: int) -> ResponseReturnValue:
    """Reload the page once the scan has been read; until then an empty response. Typed text is kept."""
    with context.services().reading() as session:
        if queries.is_awaited(session, paper_id, context.actor()):
            return "", 204
    return render_template("paper/_read.html", paper_id=paper_id)


@blueprint.get("/<int:paper_id>/pages/<int:leaf_id>.jpg")
def picture(paper_id: int, leaf_id: int) -> ResponseReturnValue:
    """The picture of a page of the scan."""
    width_px = THUMBNAIL_PX if "petit" in request.args else PAGE_PX
    services = context.services()
    with services.reading() as session:
        source = queries.picture_source(session, paper_id, leaf_id, context.actor())
    return _picture(lambda: drawing.draw(services, source, width_px=width_px))


@blueprint.get("/<int:paper_id>/imprime/<int:page_no>.jpg")
def print_picture(paper_id: int, page_no: int) -> ResponseReturnValue:
    """The picture of a page of the print, for people who may see the code's page."""
    services = context.services()
    pdf = prints.print_pdf(services, paper_id, context.actor(), now=context.now())
    if not 1 <= page_no <= page_count(pdf):
        raise NotFound("paper.unknown", "reload the list", id=paper_id)
    return _picture(lambda: drawing.draw_pdf(services, pdf, page_no - 1, width_px=PAGE_PX))


def _picture(draw: Callable[[], bytes]) -> ResponseReturnValue:
    try:
        drawn = draw()
    except (Invalid, EngineFailed) as error:
        return pictures.instead(error)
    return send_file(BytesIO(drawn), mimetype="image/jpeg")


@blueprint.post("/<int:paper_id>/confirmer")
def confirm(paper_id: int) -> ResponseReturnValue:
    """Confirm: the scan is what its code says."""
    return _decide(paper_id, confirmed=True)


@blueprint.post("/<int:paper_id>/refuser")
def refuse(paper_id: int) -> ResponseReturnValue:
    """Refuse: the scan is not what its code says."""
    return _decide(paper_id, confirmed=False)


def _decide(paper_id: int, *, confirmed: bool) -> ResponseReturnValue:
    fields = FormReader(request.form)
    version, actor = fields.integer("version", required=True), context.actor()
    reason = "" if confirmed else fields.text("reason", required=True, maximum=operations.MAX_REASON)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            if confirmed:
                operations.confirm(uow, paper_id, version=version, actor=actor)
            else:
                operations.refuse(uow, paper_id, reason=reason, version=version, actor=actor)
    except GedError as error:
        return _refused(paper_id, error)
    message = (
        _("Confirmé : la numérisation est à sa place.") if confirmed else _("Refusé : le service verra votre motif.")
    )
    flash(message, "success")
    return redirect(url_for("paper.index"), 303)


def _refused(paper_id: int, error: GedError) -> ResponseReturnValue:
    """The page again with the error, while the code is undecided; otherwise the general error page."""
    over = ("paper.decided", "paper.put_away")
    if error.code in over or (not isinstance(error, Invalid | InvalidTransition) and error.code != "paper.stale"):
        raise error
    return _show(paper_id, error)
