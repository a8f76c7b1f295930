"""Who sees a letter, and why: for the heads on its path, and for the auditor, who is shown nothing else of it."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ged.administration import letter_readers
from ged.ports import Confidentiality
from web.site import context
from web.site.pages import offset_of, past_the_end
from web.words import readers as words

blueprint = Blueprint("letter_readers", __name__, url_prefix="/courriers")
PAGE = 50


@blueprint.get("/<int:mail_id>/qui-voit")
def index(mail_id: int) -> ResponseReturnValue:
    """Each person who may see the letter today, by what post and act; and who may not, though the letter passed them."""
    services, actor = context.services(), context.actor()
    offset = offset_of(PAGE)
    with services.reading() as session:
        found = letter_readers.readers_of(
            session, mail_id, actor, services.installation_accounts, on=context.today(), zone=services.zone,
            offset=offset, limit=PAGE,
        )  # fmt: skip
    elsewhere = past_the_end(offset, PAGE, max(found.total, found.kept_out_total))
    if elsewhere is not None:
        return elsewhere
    if found.level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            letter_readers.record_shown(uow, mail_id, found.level, actor=actor)
    return render_template(
        "letter_readers/index.html", found=found, offset=offset, limit=PAGE, way_words=words.way_words,
        kept_words=words.kept_words, through_words=words.through_words, act_words=words.act_words,
    )  # fmt: skip
