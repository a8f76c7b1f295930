"""The preservation levels of signatures: administrators may retry documents, auditors may read."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, InvalidTransition, NotFound
from ged.preservation import operations, queries
from ged.preservation.documents import SignedKind
from ged.preservation.queries import Group
from ged.unit import Role
from web.site import context, unknown_filters
from web.site.errors import view_of
from web.site.pages import place
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("preservations", __name__, url_prefix="/administration/preuves")

PAGE = 50


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Levels in numbers, and the documents of one group."""
    wanted = unknown_filters.choice("groupe", [one.value for one in Group], "")
    services = context.services()
    with services.reading() as session:
        totals = queries.totals(session)
        group = Group(wanted) if wanted else _first(totals)
        rows, page = queries.standings(session, group, place(), limit=PAGE)
        levels = queries.counts(session)
    return render_template(
        "preservations/index.html",
        rows=rows,
        levels=levels,
        totals=totals,
        group=group,
        groups=tuple(Group),
        reasons={row.failure: view_of(GedError(row.failure)) for row in rows if row.failure},
        page=page,
        now=context.now(),
        has_authority=services.preserver is not None,
        may_retry=context.actor().has(Role.ADMINISTRATOR),
    )


def _first(totals: dict[Group, int]) -> Group:
    return next((group for group in Group if totals[group]), Group.LASTING)


@blueprint.post("/<any(mail, slip, closing, report):sort>/<int:subject_id>/reprendre")
def retry(sort: str, subject_id: int) -> ResponseReturnValue:
    """Try one document again, now."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            operations.ask_again(uow, SignedKind(sort), subject_id, actor=context.actor())
        flash(_("L'essai est demandé : il se fait dans un instant."), "success")
    except (InvalidTransition, NotFound) as refusal:
        flash(view_of(refusal).message, "danger")
    return redirect(url_for("preservations.index", groupe=Group.FAILING.value), 303)


@blueprint.post("/reprendre")
def retry_all() -> ResponseReturnValue:
    """Try all that failed again, now."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            count = operations.ask_all_again(uow, actor=context.actor())
        flash(ngettext("%(num)s essai est demandé.", "%(num)s essais sont demandés.", count), "success")
    except InvalidTransition as refusal:
        flash(view_of(refusal).message, "danger")
    return redirect(url_for("preservations.index"), 303)
