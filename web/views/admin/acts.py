"""Acts that change the organisation: what will change, confirm now or for a later day, withdraw, undo; their list."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.administration import apart, operations, queries
from ged.administration.apart import Unfit
from ged.administration.operations import Preview
from ged.administration.queries import ActPage
from ged.administration.states import ActState
from ged.errors import GedError, Invalid, InvalidTransition, NotFound
from web.site import context, unknown_filters
from web.site.auth import require_recent_proof
from web.site.errors import FormRefused, view_of, views_of
from web.site.forms import FormReader
from web.site.i18n import long_date
from web.site.pages import place, render_form
from web.views.admin import act_form
from web.views.admin.organisation import reach
from web.words import acts as words
from web.words.messages import gettext as _

blueprint = Blueprint("acts", __name__, url_prefix="/administration/actes")
PAGE = 50
SHOWN = 300
"""The most changed fields that a page shows."""
MOST_PLACES = 3
"""The most links to what an act made or changed."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The confirmed acts, the newest first; or those that wait for their day, and those that were refused on it."""
    waiting = bool(unknown_filters.choice("voir", ("prevus",), ""))
    services = context.services()
    with services.reading() as session:
        rows, page = queries.acts(session, reach(), place(), limit=PAGE, waiting=waiting)
    return render_template("acts/index.html", rows=rows, page=page, waiting=waiting, what_words=words.what_words)


@blueprint.get("/<int:act_id>")
def show(act_id: int) -> ResponseReturnValue:
    """What an act will change, or has changed."""
    return _show(act_id)


def _show(act_id: int, error: GedError | None = None) -> ResponseReturnValue:
    services = context.services()
    with services.reading() as session:
        reach().require_act(session, act_id)
        act = queries.act_page(session, act_id)
        if not apart.may_look(session, act.differences, reach(), is_done=act.done_at is not None):
            raise NotFound("act.unknown", "open it from the list again", id=act_id)
    shown, refusal = _looked_at(act)
    found = shown.differences if shown is not None else act.differences
    counts = shown.consequences if shown is not None else act.consequences
    new = {(one.kind, one.code): str(one.after) for one in found if one.is_new and one.field in ("name", "title")}
    names = {**act.names, **new}
    return render_form(
        "acts/show.html", error=error, act=act.row, done_at=act.done_at, shown=shown,
        places=_places(act), counts_letters=any(kind.startswith("letters_") for kind in counts),
        title=words.what_words(act.row.what), correct=act_form.correct_url(act_id, act.row.what),
        changes=[
            (
                words.KINDS.get(one.kind, one.kind), words.named(one.kind, one.code, names), one.is_new,
                words.FIELDS.get(one.field, one.field), *words.pair_words(one, names),
            )
            for one in found[:SHOWN]
        ],
        more=max(0, len(found) - SHOWN),
        consequences=[words.consequence_words(kind, count) for kind, count in counts.items()],
        refusals=[view_of(Invalid(code, **params)) for code, params in act.refusal] if refusal is None else views_of(refusal),
    )  # fmt: skip


def _places(act: ActPage) -> list[tuple[str, str]]:
    """Name and address of what a done act made or changed: of its subject first, then of some others."""
    shown = act.records[:MOST_PLACES] if act.row.state is ActState.DONE else ()
    return [(one.name, _place(kind, one.id)) for kind, one in shown]


def _place(kind: str, record_id: int) -> str:
    match kind:
        case "units":
            return url_for("organisation.show", unit_id=record_id)
        case "posts":
            return url_for("posts.show", post_id=record_id)
        case _:
            return url_for("people.show", person_id=record_id)


def _looked_at(act: ActPage) -> tuple[Preview | None, GedError | None]:
    """Of a proposed act what it would change today, or why it cannot be done."""
    if act.row.state is not ActState.PROPOSED:
        return None, None
    try:
        return operations.preview(context.services(), act.row.id, actor=context.actor(), now=context.now()), None
    except Unfit as refused:
        return None, FormRefused(refused.errors)
    except Invalid as refused:
        return None, refused


@blueprint.post("/<int:act_id>/confirmer")
def confirm(act_id: int) -> ResponseReturnValue:
    """Do it now, or on a later day."""
    require_recent_proof()
    services, now, actor = context.services(), context.now(), context.actor()
    fields = FormReader(request.form)
    on = fields.day("on")
    shown, reference = fields.text("shown", maximum=64), fields.on_paper("reference", maximum=200)
    try:
        fields.check()
        if on is not None and on != context.today():
            operations.plan(services, act_id, on=on, shown=shown, reference=reference, actor=actor, now=now)
            flash(
                _(
                    "La modification est prévue pour le %(day)s. Elle sera contrôlée de nouveau ce jour-là.",
                    day=long_date(on),
                ),
                "success",
            )
        else:
            with services.unit_of_work(now) as uow:
                operations.confirm(uow, act_id, shown=shown, reference=reference, actor=actor)
            flash(_("C'est fait. La modification peut être annulée tant que rien n'en dépend."), "success")
    except Unfit as refused:
        return _show(act_id, FormRefused(refused.errors))
    except (Invalid, InvalidTransition) as refused:
        return _show(act_id, refused)
    return redirect(url_for("acts.show", act_id=act_id), 303)


@blueprint.post("/<int:act_id>/retirer")
def withdraw(act_id: int) -> ResponseReturnValue:
    """Give up an act that was not done yet."""
    require_recent_proof()
    try:
        with context.services().unit_of_work(context.now()) as uow:
            operations.withdraw(uow, act_id, actor=context.actor())
    except InvalidTransition as refused:
        return _show(act_id, refused)
    flash(_("La modification n'aura pas lieu : rien ne change."), "success")
    return redirect(url_for("acts.show", act_id=act_id), 303)


@blueprint.post("/<int:act_id>/annuler")
def undo(act_id: int) -> ResponseReturnValue:
    """Take an act back, or say what hangs on it."""
    require_recent_proof()
    try:
        with context.services().unit_of_work(context.now()) as uow:
            operations.undo(uow, act_id, actor=context.actor())
    except (Invalid, InvalidTransition) as refused:
        hanging = refused.params.get("obstacles", ())
        for one in hanging if isinstance(hanging, tuple) else ():
            flash(words.obstacle_words(one), "warning")
        return _show(act_id, refused)
    flash(_("La modification est annulée : tout est comme avant."), "success")
    return redirect(url_for("acts.show", act_id=act_id), 303)
