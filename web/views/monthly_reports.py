"""Monthly reports of an entity: their list, making one, its sealed file; each month's by itself; proofs of a kept report and of a file."""

from datetime import date
from functools import partial
from io import BytesIO
from typing import TypeGuard

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from ged.errors import GedError, Invalid, InvalidTransition
from ged.figures.periods import months_later
from ged.monthly import again, operations, proofs, publications, queries, rights, templates, wishes
from ged.monthly.again import MAX_REASON
from ged.monthly.proofs import ProofRow, Unknown
from web.site import context, i18n
from web.site.forms import FormReader, chosen_file
from web.site.pages import place, render_form
from web.words import monthly as words
from web.words.languages import language
from web.words.messages import gettext as _
from web.words.verdicts import REASONS

blueprint = Blueprint("monthly_reports", __name__, url_prefix="/rapports-mensuels")

MONTHS = 24
"""How many past months the form offers. The command makes reports on any."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The reports that the reader may read, the newest first, and the form for another one."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        before = queries.report(session, int(str(error.params["id"])), actor) if _is_before(error) else None
        entities = queries.entities(session, actor)
        rows, page = queries.reports(session, actor, place())
        wanted = wishes.wishes(session, actor)
    months = _months(context.today())
    return render_form(
        "monthly_reports/index.html",
        error=error,
        entities=[(one.id, one.name) for one in entities],
        months=[(f"{one:%Y-%m}", _named(one)) for one in months],
        rows=[(row, _named(row.month)) for row in rows],
        opened=rights.entities_to_open(actor),
        before=before,
        page=page,
        publishes=bool(publications.readers_of(actor)),
        wishes=[(row, _named(row.next_month) if row.next_month else "") for row in wanted],
    )


def _is_before(error: GedError | None) -> TypeGuard[GedError]:
    """Whether a report is refused because the month has one with the same numbers."""
    return error is not None and error.code == "monthly.made_before"


@blueprint.post("/chaque-mois")
def wish() -> ResponseReturnValue:
    """Have the reports of an entity made by themselves, or no more."""
    fields = FormReader(request.form)
    entity_id, on = fields.integer("entity_id", required=True), fields.ticked("on")
    fields.check()
    with context.services().unit_of_work(context.now()) as uow:
        wishes.switch(uow, entity_id or 0, on=on, actor=context.actor())
    flash(
        _("Le rapport de chaque mois se fera de lui-même.") if on else _("Le rapport ne se fait plus de lui-même."),
        "success",
    )
    return redirect(url_for("monthly_reports.index"), 303)


@blueprint.post("/")
def make() -> ResponseReturnValue:
    """Make a report."""
    fields = FormReader(request.form)
    entity_id = fields.integer("entity_id", required=True)
    asked = fields.text("month", required=True, maximum=7)
    reason = fields.text("reason", maximum=MAX_REASON)
    months = {f"{one:%Y-%m}": one for one in _months(context.today())}
    try:
        if asked and asked not in months:
            fields.refuse(Invalid("form.unknown_choice", "choose a month of the list", field="month"))
        fields.check()
        with context.services().reading() as session:
            earlier = again.last_on(session, entity_id or 0, months[asked])
        operations.make(
            context.services(), entity_id or 0, months[asked], actor=context.actor(), now=context.now(), reason=reason
        )
    except (Invalid, InvalidTransition) as error:
        return _index(error)
    made = str(_("Le rapport est établi et gardé."))
    if earlier is not None:
        more = _(
            "Ce mois en avait un, établi le %(day)s : les deux sont gardés.", day=i18n.date_and_time(earlier.made_at)
        )
        made = f"{made} {more}"
    flash(made, "success")
    return redirect(url_for("monthly_reports.index"), 303)


@blueprint.get("/<int:report_id>.pdf")
def fetch(report_id: int) -> ResponseReturnValue:
    """The latest sealed file of a report."""
    services = context.services()
    with services.reading() as session:
        row = queries.to_open(session, report_id, context.actor())
    name = f"rapport-{row.month:%Y-%m}-{row.id}.pdf"
    with services.blobs.open(row.last) as stored:
        return send_file(BytesIO(stored.read()), mimetype="application/pdf", download_name=name)


@blueprint.get("/<int:report_id>")
def show(report_id: int) -> ResponseReturnValue:
    """One report: its seal, and the proofs that people asked for."""
    with context.services().reading() as session:
        row = queries.report(session, report_id, context.actor())
        reason = again.reason_of(session, report_id)
        template = templates.told_of(session, report_id)
    opens = row.entity_id in rights.entities_to_open(context.actor())
    return render_template(
        "monthly_reports/show.html",
        row=row,
        month=_named(row.month),
        opens=opens,
        reason=reason,
        template=template,
        **_proofs(report_id),
    )


@blueprint.get("/<int:report_id>/preuves")
def progress(report_id: int) -> ResponseReturnValue:
    """Only the proofs: the page polls them while one runs."""
    return render_template("monthly_reports/_proofs.html", report_id=report_id, **_proofs(report_id))


@blueprint.post("/<int:report_id>/preuves")
def prove(report_id: int) -> ResponseReturnValue:
    """Ask for a proof."""
    with context.services().unit_of_work(context.now()) as uow:
        proofs.ask(uow, report_id, actor=context.actor())
    flash(_("La vérification est demandée."), "success")
    return redirect(url_for("monthly_reports.show", report_id=report_id) + "#preuves", 303)


@blueprint.get("/verifier")
def check_form() -> ResponseReturnValue:
    """Bring a file."""
    return _check_form()


def _check_form(error: GedError | None = None, unknown: Unknown | None = None) -> ResponseReturnValue:
    signatures = [
        (signer, verdict, str(REASONS.get(reason, reason)))
        for signer, verdict, reason in (unknown.signatures if unknown is not None else ())
    ]
    return render_form("monthly_reports/check.html", error=error, unknown=unknown, signatures=signatures)


@blueprint.post("/verifier")
def check() -> ResponseReturnValue:
    """Prove the file that was brought: on the page of its report, or here what its signatures say."""
    try:
        pdf = chosen_file().stream.read(proofs.MAX_BYTES + 1)
        found = proofs.bring(context.services(), pdf, actor=context.actor(), now=context.now())
    except Invalid as error:
        return _check_form(error)
    if isinstance(found, Unknown):
        return _check_form(unknown=found)
    flash(_("C'est un rapport gardé ici. Sa vérification est demandée."), "success")
    return redirect(url_for("monthly_reports.show", report_id=found) + "#preuves", 303)


def _proofs(report_id: int) -> dict[str, object]:
    with context.services().reading() as session:
        rows: list[ProofRow] = proofs.proofs(session, report_id, context.actor())
    code = language()
    return {
        "proofs": rows,
        "told": {
            "change": partial(words.change_words, language=code),
            "acts": partial(words.acts_words, language=code),
            "fault": partial(words.fault_words, language=code),
            "seal": partial(words.seal_words, language=code),
            "definitions": partial(words.definitions_words, language=code),
            "certificate": partial(words.certificate_words, language=code),
        },
    }


def _months(today: date) -> list[date]:
    """The first days of the past months, the last month first."""
    return [months_later(today.replace(day=1), -n) for n in range(1, MONTHS + 1)]


def _named(month: date) -> str:
    return str(format_date(month, "MMMM y"))
