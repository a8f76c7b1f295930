"""Originals that the unit must pass on: the clerk ticks some, and one act makes a slip for each receiving unit."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import accumulate, pairwise

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid
from ged.slips import bundle, drafting, to_transmit, transmitting
from ged.slips import view as slip_views
from ged.slips.to_transmit import PaperFilter
from web.site import context, keyring, unknown_filters
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.kept_filter import KeptFilter, text_of
from web.site.numbers import id_of
from web.site.pages import render_form
from web.views.slips import forms
from web.views.slips.forms import refused
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("to_transmit", __name__, url_prefix="/a-transmettre")

MOST_PRINTED = 40
MOST_TICKED = 2 * to_transmit.MOST
"""No page shows more boxes; a database takes only so many values in one question."""
MOST_FIELDS = MOST_TICKED + 20
"""Names of fields in a form that are looked at: a reason for each box, and the rest."""
FILTER = KeptFilter("papers_filter", ("q", "service"))


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The waiting originals, by receiving unit, narrowed as the inbox is; after an act (``?fait=``) also its slips, to be printed."""
    kept = FILTER.to_go_to()
    if kept is not None:
        return redirect(url_for("to_transmit.index", **kept), 303)  # type: ignore[arg-type]
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    post = forms.sending_post(actor)
    with context.services().reading() as session:
        waiting = to_transmit.counts_by_unit(session, actor) if len(actor.working_posts) > 1 else {}
    if (
        error is None and unknown_filters.parsed("post_id", id_of) is None
    ):  # the navigation counts what waits at any post
        post = next((one for one in actor.working_posts if waiting.get(one.unit_id)), post)
    ticked = _of_form() if error is not None else _of_address()
    done = [number for value in request.args.getlist("fait")[:MOST_PRINTED] if (number := id_of(value)) is not None]
    narrowed = FILTER.narrowed()
    asked = PaperFilter(text_of(narrowed), id_of(narrowed.get("service", "")))
    with context.services().reading() as session:
        papers = to_transmit.page(session, actor, post=post, asked=asked)
        made = [slip_views.slip_view(session, slip_id, actor).row for slip_id in done]
    return render_form(
        "slips/to_transmit.html",
        error=error,
        papers=papers,
        ticked=ticked,
        narrowed=narrowed,
        made=made,
        is_long=len(made) + sum(row.line_count for row in made) > bundle.MOST_DOCUMENTS,
        post=post,
        posts=actor.working_posts,
        waiting=waiting,
    )


def _chosen() -> dict[str, list[int]]:
    """The ticked letters of the form, by the key of their group."""
    chosen: dict[str, list[int]] = {}
    for value in request.form.getlist("mail")[:MOST_TICKED]:
        group, _dot, number = value.partition(".")
        mail_id = id_of(number)
        if mail_id is not None:
            chosen.setdefault(group, []).append(mail_id)
    return chosen


def _reasons(fields: FormReader, chosen: Mapping[str, Sequence[int]]) -> dict[int, str]:
    """Why ticked letters go again to the unit that refused them. A reason beside a box without its tick is told: it would be lost."""
    ticked = {transmitting.reason_field(group, mail_id): mail_id for group, ids in chosen.items() for mail_id in ids}
    typed = [name for name in list(request.form)[:MOST_FIELDS] if name.startswith(transmitting.REASON)]
    found = {name: fields.on_paper(name, maximum=drafting.MAX_LINE_REMARK) for name in typed}
    for name, reason in found.items():
        if reason and name not in ticked:
            fields.refuse(Invalid("slip.reason_unticked", "tick the letter, or empty the field", field=name))
    return {ticked[name]: reason for name, reason in found.items() if reason and name in ticked}


def _of_form() -> frozenset[int]:
    """The ticked letters of the form."""
    return frozenset(mail_id for ids in _chosen().values() for mail_id in ids)


def _of_address() -> frozenset[int] | None:
    """The letters that are ticked on the page; None: all.

    After an act these are the chosen letters that still wait. What the clerk had not ticked stays so.
    """
    if "fait" not in request.args and "coches" not in request.args:
        return None
    steps = [id_of(step) or 0 for step in request.args.get("coches", "").split(".")]
    return frozenset(accumulate(steps))


def _in_address(mail_ids: Iterable[int]) -> str:
    """Ids as the steps from one to the next. They are short, for an address holds hundreds of them."""
    return ".".join(str(after - before) for before, after in pairwise((0, *sorted(mail_ids))))


@blueprint.post("/")
def send() -> ResponseReturnValue:
    """Make the slips of the ticked originals, or note that the originals stay here."""
    fields, actor, services = FormReader(request.form), context.actor(), context.services()
    post = forms.sending_post(actor)
    is_kept = request.form.get("act") == "keep"
    # Here and not by the operation alone: of each group it would be told apart, beside no field.
    messenger = "" if is_kept else fields.on_paper("messenger", maximum=120)
    chosen = _chosen()
    reasons = _reasons(fields, chosen)
    if not is_kept:
        with services.reading() as session:
            for lacking in transmitting.unexplained(session, chosen, reasons, post=post, actor=actor):
                fields.refuse(lacking)
    try:
        fields.check()
        if is_kept:
            with services.unit_of_work(context.now()) as uow:
                kept = transmitting.keep_here(uow, sorted(_of_form()), post=post, actor=actor)
            text = ngettext("%(num)s original reste ici.", "%(num)s originaux restent ici.", kept)
            flash(text, "success")
            return redirect(url_for("to_transmit.index", post_id=post.post_id), 303)
        key = keyring.signing_key(fields.secret("passphrase", required=False))
        sent = transmitting.send(
            services, chosen, post=post, messenger=messenger, key=key, actor=actor, now=context.now(), reasons=reasons
        )
    except GedError as error:
        return _index(refused(error))
    _tell(sent)
    gone = _of_form().difference(*(one.mail_ids for one in sent))
    if gone:
        text = ngettext(
            "%(num)s courrier coché n'est pas parti : il a été envoyé, gardé ou imputé ailleurs entre-temps.",
            "%(num)s courriers cochés ne sont pas partis : ils ont été envoyés, gardés ou imputés ailleurs entre-temps.",
            len(gone),
        )
        flash(text, "warning")
    made = [slip.slip_id for one in sent for slip in one.issued]
    waiting = _in_address(mail_id for one in sent if one.waits for mail_id in one.mail_ids)
    return redirect(url_for("to_transmit.index", post_id=post.post_id, fait=made, coches=waiting), 303)


def _tell(sent: tuple[transmitting.Sent, ...]) -> None:
    issued = [slip for one in sent for slip in one.issued]
    signed = [slip for slip in issued if slip.failure is None]
    if signed:
        text = ngettext("%(num)s bordereau signé et envoyé.", "%(num)s bordereaux signés et envoyés.", len(signed))
        flash(text, "success")
    for slip in issued:
        if slip.failure is not None:
            text = _("Le bordereau %(number)s garde son numéro mais n'est pas signé : signez-le de nouveau.",
                     number=slip.number)  # fmt: skip
            flash(text, "warning")
    left = len({one.destination.key for one in sent if one.is_left})
    if left:
        text = ngettext(
            "%(num)s groupe attend encore : envoyez de nouveau, sans autre saisie.",
            "%(num)s groupes attendent encore : envoyez de nouveau, sans autre saisie.",
            left,
        )
        flash(text, "warning")
    for one in sent:
        if one.refusal is not None:
            view = view_of(one.refusal)
            flash(
                _("%(name)s : %(text)s", name=one.destination.unit_name, text=f"{view.message} {view.remedy}"),
                "warning",
            )


@blueprint.get("/impression.pdf")
def printed() -> ResponseReturnValue:
    """The slips of an act in one file, each with the fiches of its letters (``?fiches=1``)."""
    services, actor = context.services(), context.actor()
    slip_ids = [number for value in request.args.getlist("bordereau") if (number := id_of(value)) is not None]
    pdf = bundle.bundle_pdf(
        services, slip_ids[:MOST_PRINTED], with_sheets="fiches" in request.args, actor=actor, now=context.now()
    )
    for slip_id in slip_ids[:MOST_PRINTED]:
        forms.record_openings(slip_id, printed=True)
    return send_file(BytesIO(pdf), mimetype="application/pdf", download_name="bordereaux.pdf", max_age=0)
