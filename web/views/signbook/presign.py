"""The check before the signature, for all waiting letters; each letter's own page shows it too."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ged.errors import GedError
from ged.signbook import presign, queries
from ged.signbook.findings import CheckKind
from ged.signbook.presign import ON_PAPER
from web.site import context
from web.site.errors import ErrorView, view_of
from web.site.pages import offset_of, past_the_end

blueprint = Blueprint("presign", __name__, url_prefix="/parapheur")

SHOWN = 20
"""Letters of one page: the pages of each are typeset again and compared, some 50 ms of processor."""


@blueprint.app_template_filter("error_view")
def _error_view(error: GedError) -> ErrorView:
    return view_of(error)


@blueprint.app_context_processor
def _kinds() -> dict[str, object]:
    return {"check_kinds": list(CheckKind), "checks_on_paper": ON_PAPER}


@blueprint.get("/controle")
def index() -> ResponseReturnValue:
    """The findings of the letters that wait for my signature, the longest waiting first; ``?offset=``."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        rows = [row for row in queries.signature_book(session, actor).signatures if row.may_sign and not row.number]
    offset = offset_of(SHOWN)
    elsewhere = past_the_end(offset, SHOWN, len(rows))
    if elsewhere is not None:
        return elsewhere
    here = rows[offset : offset + SHOWN]
    letters = [presign.check(services, row.mail_id, actor=actor, now=context.now()) for row in here]
    letters.sort(key=lambda checked: (not checked.blocks, not checked.findings))
    return render_template("signbook/checks.html", letters=letters, offset=offset, limit=SHOWN, total=len(rows))
