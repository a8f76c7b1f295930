"""Who sees a letter, and why: for the heads on its path, and for the auditor, who is shown nothing else of it."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ged.administration import letter_readers
from ged.ports import Confidentiality
from web.site import context
from web.site.numbers import whole
from web.words import readers as words

blueprint = Blueprint("letter_readers", __name__, url_prefix="/courriers")
PAGE = 50


@blueprint.get("/<int:mail_id>/qui-voit")
def index(mail_id: int) -> ResponseReturnValue:
    """Each person who may see the letter today, by what post and act; and who may not, though the letter passed them."""
    services, actor = context.services(), context.actor()
    offset = max(0, request.args.get("offset", 0, type=whole) or 0)
    with services.reading() as session:
        found = letter_readers.readers_of(
            session, mail_id, actor, services.installation_accounts, on=context.today(), zone=services.zone,
            offset=offset, limit=PAGE,
        )  # fmt: skip
    if found.level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            letter_readers.record_shown(uow, mail_id, found.level, actor=actor)
    return render_template(
        "letter_readers/index.html", found=found, offset=offset, limit=PAGE, way_words=words.way_words,
        kept_words=words.kept_words, through_words=words.through_words, act_words=words.act_words,
    )  # fmt: skip
