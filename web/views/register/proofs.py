"""Signatures of files from outside, in words; and the export of a case file with its proof."""

from contextlib import ExitStack
from io import BytesIO
from tempfile import TemporaryFile

from flask import Blueprint, render_template, request, send_file
from flask.typing import ResponseReturnValue

from ged import case_export, slots
from ged.ports import Confidentiality
from ged.recognition import signatures as signature_checks
from ged.register import documents
from web.site import context
from web.site.numbers import whole
from web.words import verdicts

blueprint = Blueprint("proofs", __name__)


@blueprint.app_template_filter("reason_words")
def _reason_words(reason: str) -> str:
    return verdicts.reason_words(reason)


@blueprint.app_template_filter("change_words")
def _change_words(change: str) -> str:
    return verdicts.change_words(change)


@blueprint.get("/documents/<int:attachment_id>/signatures")
def signatures(attachment_id: int) -> ResponseReturnValue:
    """Each signature of a received document: the result on arrival, and the result of a check now as of that day."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        row = documents.attachment(session, attachment_id, actor)
    checks = signature_checks.on_view(services, attachment_id, actor)
    return render_template("documents/signatures.html", row=row, checks=checks)


@blueprint.get("/documents/<int:attachment_id>/signatures/partie-signee.pdf")
def signed_revision(attachment_id: int) -> ResponseReturnValue:
    """The revision of the file that was signed, for comparison with a later change."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        file = documents.original(session, attachment_id, actor)
    if file.level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            documents.record_opening(uow, file, actor=actor)
    pdf = signature_checks.signed_revision(
        services, attachment_id, request.args.get("fichier", ""), request.args.get("fin", 0, type=whole), actor
    )
    name = f"partie-signee-{attachment_id}.pdf"
    return send_file(BytesIO(pdf), mimetype="application/pdf", download_name=name)


@blueprint.post("/courriers/<int:mail_id>/preuve")
def case(mail_id: int) -> ResponseReturnValue:
    """The letter's case file as one ZIP."""
    services = context.services()
    with slots.heavy(), ExitStack() as unless_sent:
        packed = unless_sent.enter_context(TemporaryFile())
        collected = case_export.collect(services, mail_id, actor=context.actor(), now=context.now())
        case_export.write_zip(services, collected, packed)
        unless_sent.pop_all()  # the response streams from the file and closes it
    # The slot is given back before the file is sent: a slow line would hold it for minutes.
    packed.seek(0)
    name = f"preuve-{(collected.number or str(mail_id)).replace('/', '-')}.zip"
    return send_file(packed, mimetype="application/zip", as_attachment=True, download_name=name)
