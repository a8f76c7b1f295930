"""The decision and the declaration that the law asks of an entity: what is known, what is missing, a preview, the Word file."""

from io import BytesIO

from flask import Blueprint, abort, render_template, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.compliance import facts as known
from ged.compliance import operations
from ged.compliance.facts import Facts
from ged.compliance.operations import Paper
from web.site import context
from web.views.admin.organisation import reach
from web.words import legal_papers as words

blueprint = Blueprint("legal_papers", __name__, url_prefix="/administration/decision-et-declaration")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The entities that the administrator looks after; where there is one only, its papers."""
    with context.services().reading() as session:
        found = known.entities(session, reach())
    if len(found) == 1:
        return _show(found[0].id, alone=True)
    return render_template("legal_papers/index.html", entities=found)


@blueprint.get("/<int:entity_id>")
def show(entity_id: int) -> ResponseReturnValue:
    """The papers of an entity: what should be set first, and what is filled in by hand."""
    return _show(entity_id)


def _show(entity_id: int, *, alone: bool = False) -> ResponseReturnValue:
    facts = _facts(entity_id)
    return render_template(
        "legal_papers/entity.html", entity=facts.entity, alone=alone,
        gaps=[(words.GAPS[gap], count, _link(gap)) for gap, count in facts.gaps],
        papers=[(paper, words.PAPERS[paper], len(operations.text_of(paper, facts).blanks)) for paper in Paper],
    )  # fmt: skip


def _link(gap: known.Gap) -> str:
    endpoint = words.LEADS_TO.get(gap)
    return url_for(endpoint) if endpoint else ""


@blueprint.get("/<int:entity_id>/<paper>")
def read(entity_id: int, paper: str) -> ResponseReturnValue:
    """A paper to read, beside the button that makes its Word file."""
    chosen, facts = _paper(paper), _facts(entity_id)
    return render_template(
        "legal_papers/paper.html", entity=facts.entity, paper=chosen, text=words.PAPERS[chosen],
        blanks=len(operations.text_of(chosen, facts).blanks),
    )  # fmt: skip


@blueprint.get("/<int:entity_id>/<paper>/apercu.pdf")
def preview(entity_id: int, paper: str) -> ResponseReturnValue:
    """The pages of a paper."""
    chosen, facts = _paper(paper), _facts(entity_id)
    made = operations.as_pdf(chosen, facts, at=context.now())
    return send_file(BytesIO(made.content), mimetype=made.media_type, download_name=made.filename, max_age=0)


@blueprint.post("/<int:entity_id>/<paper>")
def make(entity_id: int, paper: str) -> ResponseReturnValue:
    """The Word file; the journal notes who made it."""
    chosen, facts = _paper(paper), _facts(entity_id)
    made = operations.as_word(chosen, facts)
    with context.services().unit_of_work(context.now()) as uow:
        operations.note(uow, chosen, facts.entity, made, actor=context.actor())
    return send_file(
        BytesIO(made.content), mimetype=made.media_type, as_attachment=True, download_name=made.filename, max_age=0
    )


def _paper(name: str) -> Paper:
    if name not in tuple(Paper):
        abort(404)
    return Paper(name)


def _facts(entity_id: int) -> Facts:
    services = context.services()
    with services.reading() as session:
        entity = operations.entity_of(session, reach(), entity_id)
        return known.gather(session, services, context.settings(), entity, on=context.today())
