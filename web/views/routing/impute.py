"""The authority's queue, its decision on one letter or several, and the fiche de transmission."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from io import BytesIO
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ged.capture import drawing
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition, StaleVersion
from ged.followup import undoing
from ged.natures import queries as natures
from ged.org.stock import entities_of
from ged.org.tree import entity_of
from ged.paper import fiche as paper_fiche
from ged.paper.fiche import Fiche
from ged.ports import Confidentiality, MailId, PostId, UnitId
from ged.recognition import signatures
from ged.register import opening
from ged.register.queries import LetterView, letter
from ged.register.states import MailState
from ged.routing import calendar, choices, deadlines, operations, queries
from ged.routing import path as letter_path
from ged.routing.choices import Choice
from ged.routing.operations import ImputationForm
from ged.routing.queries import MailRow
from ged.routing.sheet import imputation_sheet, sheet_pdf
from ged.routing.sheet_form import SHEET
from ged.suggestions import lessons
from ged.suggestions.models import Lesson
from ged.unit import HeldPost, ReadSession, Role
from web.site import context, pictures
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.kept_filter import KeptFilter, acts_for, list_filter
from web.site.numbers import id_of, whole
from web.site.pages import place, render_form
from web.site.paths import next_path
from web.words.due import due_words
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("impute", __name__)

REFUSALS = (Invalid, InvalidTransition, StaleVersion)
TICKED, NOT_TICKED = "oui", "non"
PART_PX = {SHEET: 1200, "note": 900}
"""Widths of pictures of a fiche's parts; of a box ``BOX_PX``."""
BOX_PX = 160
LISTS = {"mention": "mentions", "copy": "other_unit_ids"}
"""Kinds of boxes -> fields of which several are ticked."""
PAGE = 50
FILTER = KeptFilter("queue_filter", ("q", "urgence", "pour"))
MAX_BATCH = 50
MAX_PAGES_SHOWN = 12
INDENT = "\N{NO-BREAK SPACE}" * 4
POST = "p"
"""Before the id of a post, where a form offers units and posts."""
MAX_TEXT = 100


@blueprint.get("/a-imputer")
def queue() -> ResponseReturnValue:
    """Letters that wait for the actor's authority, narrowed by the address or by the session's last filter."""
    kept = FILTER.to_go_to()
    if kept is not None:
        return redirect(url_for("impute.queue", **kept), 303)  # type: ignore[arg-type]
    actor, today = context.actor(), context.today()
    with context.services().reading() as session:
        rows, page = queries.imputation_queue(session, actor, place(), asked=list_filter(FILTER.narrowed()), limit=PAGE)
        total = queries.imputation_count(session, actor)
        verdicts = signatures.of_letters(session, [row.mail_id for row in rows])
        days = calendar.calendar(session)
    due = {row.mail_id: due_words(row.due_on, today, days) for row in rows}
    return render_template(
        "impute/queue.html", rows=rows, total=total, page=page, due=due, verdicts=verdicts, acted_for=_acted_for(),
        narrowed=FILTER.narrowed(), acts_for=acts_for(),
    )  # fmt: skip


@blueprint.get("/a-imputer/<int:mail_id>")
def form(mail_id: int) -> ResponseReturnValue:
    """The form for the decision on one letter, beside its pages."""
    return _page(mail_id)


@blueprint.post("/a-imputer/<int:mail_id>")
def decide(mail_id: int) -> ResponseReturnValue:
    """Impute, and show the next waiting letter."""
    actor, services = context.actor(), context.services()
    if _asks_for_people():
        return _page(mail_id)
    with services.reading() as session:
        following = queries.following(session, actor, mail_id, asked=list_filter(FILTER.kept()))
        number = letter(session, mail_id, actor).number
        sheet = paper_fiche.of_letter(session, services, mail_id, actor) if "fiche" in request.form else None
    answers = _answers()
    form = _with_answers(sheet, answers)
    fields = FormReader(form)
    version, scan_id = fields.integer("version"), fields.integer("fiche")
    try:
        decision = _decision(fields, form)
        with services.unit_of_work(context.now()) as uow:
            if scan_id is None:
                made = operations.impute(
                    uow, MailId(mail_id), decision, version=version, actor=actor, now=context.now()
                )
            else:
                made = paper_fiche.impute(
                    uow, MailId(mail_id), decision, scan_id=scan_id, scan_version=fields.integer("fiche-version"),
                    answers=answers, version=version, actor=actor, now=context.now(),
                )  # fmt: skip
    except REFUSALS as error:
        return _page(mail_id, error)
    _tell_imputed(_("Courrier n° %(number)s imputé.", number=number), [made])
    if request.form.get("then") == "list" or following is None:
        return redirect(url_for("impute.queue"), 303)
    return redirect(url_for("impute.form", mail_id=following), 303)


def _page(mail_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor, services = context.actor(), context.services()
    with services.reading() as session:
        found = letter(session, mail_id, actor)
        path = letter_path.path(session, mail_id, actor)
        paper = queries.documents(session, [mail_id]).get(mail_id)
        waiting = queries.imputation_count(session, actor)
        verdict = signatures.of_letters(session, [mail_id]).get(mail_id)
        tree = choices.unit_choices(session, actor)
        before = undoing.taken_back(session, mail_id, actor) if request.method == "GET" else None
        sheet = paper_fiche.of_letter(session, services, mail_id, actor) if path.may_impute else None
        proposed = before or (sheet.proposed if sheet is not None and request.method == "GET" else None)
        typed = _typed(proposed) if proposed is not None else request.form
        recent, people = choices.recent_unit_ids(session, actor), _people(session, typed)
        offered = _offered(tree, recent, people, typed.getlist("other_unit_ids"))
        learned = lessons.safely(session, services, Lesson.UNIT, lessons.text_of_letter(session, mail_id))
        own = [entity_of(found.unit_id, actor.units)]
        mentions = choices.mention_choices(session, own)
        days = calendar.calendar(session)
        nature = (
            natures.find(session, found.nature, found.unit_id)
            if found.nature and not path.imputations and proposed is None
            else None
        )
    _record_opening(found)
    pages = [(paper[0], n) for n in range(1, min(paper[1], MAX_PAGES_SHOWN) + 1)] if paper is not None else []
    return render_form(
        "impute/form.html",
        error=error,
        form=typed if proposed is not None or _asks_for_people() else None,
        is_taken_back=before is not None,
        fiche=sheet,
        is_clear=sheet is not None and _is_clear(sheet),
        letter=found,
        path=path,
        verdict=verdict,
        pages=pages,
        more_pages=max(paper[1] - MAX_PAGES_SHOWN, 0) if paper is not None else 0,
        document_id=paper[0] if paper is not None else None,
        waiting=waiting,
        due=due_words(found.due_on, context.today(), days),
        acted_for=_acted_for(),
        mentions=mentions,
        nature=nature,
        learned=learned,
        learned_unit=next((one.label for one in tree if learned and str(one.id) == learned.choice), ""),
        **offered,
    )


def _is_clear(sheet: Fiche) -> bool:
    """Whether nothing is left but to confirm what the sheet says."""
    return sheet.proposed.leading_unit_id is not None and not sheet.questions and not sheet.remarks


def _answers() -> dict[str, bool]:
    """Doubtful box -> whether the person sees it ticked; a box without an answer is left out."""
    known = {TICKED: True, NOT_TICKED: False}
    return {name[4:]: known[text] for name, text in request.form.items() if name.startswith("box-") and text in known}


def _with_answers(sheet: Fiche | None, answers: dict[str, bool]) -> MultiDict[str, str]:
    """The form as it was sent, with the boxes that the person sees ticked; a field that was filled stands."""
    form = MultiDict(list(request.form.items(multi=True)))
    for row in sheet.questions if sheet is not None else ():
        if not answers.get(row.key) or not row.value:
            continue
        if row.kind in LISTS and row.value not in form.getlist(LISTS[row.kind]):
            form.add(LISTS[row.kind], row.value)
        elif row.kind == "lead" and not form.get("leading_unit_id"):
            form["leading_unit_id"] = row.value
        elif row.kind == "days" and not form.get("due_days") and not form.get("due_on"):
            form["due_days"] = row.value
    return form


@blueprint.get("/a-imputer/<int:mail_id>/fiche.jpg")
def sheet_part(mail_id: int) -> ResponseReturnValue:
    """The picture of a part (``?partie=``) of the fiche that proposes: the boxes, the instructions, one box."""
    services, actor, part = context.services(), context.actor(), request.args.get("partie", SHEET)[:MAX_TEXT]
    with services.reading() as session:
        level = letter(session, mail_id, actor).level
        source, place_of = paper_fiche.part_source(session, services, mail_id, part, actor)
    if level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            opening.record_opening(uow, mail_id, where="paper", actor=actor)
    try:
        drawn = drawing.draw_part(services, source, place_of, width_px=PART_PX.get(part, BOX_PX))
    except (Invalid, EngineFailed) as error:
        return pictures.instead(error)
    return send_file(BytesIO(drawn), mimetype="image/jpeg")


def _record_opening(found: LetterView) -> None:
    """Record that the letter was opened here: set the seen mark, and add a journal entry if it is restricted."""
    if opening.must_write(found.level, opened_at=found.opened_at, now=context.now()):
        with context.services().unit_of_work(context.now()) as uow:
            opening.mark_opened(uow, found.id, actor=context.actor(), now=context.now())


@blueprint.get("/a-imputer/lot")
def batch_form() -> ResponseReturnValue:
    """The form for one decision on all ticked letters."""
    return _batch_page(request.args.getlist("mail", type=whole))


@blueprint.post("/a-imputer/lot")
def decide_batch() -> ResponseReturnValue:
    """Impute all of them, or none."""
    actor = context.actor()
    if _asks_for_people():
        return _batch_page(request.form.getlist("mail", type=whole))
    fields = FormReader(request.form)
    mail_ids = list(dict.fromkeys(fields.integers("mail")))[:MAX_BATCH]
    versions = {MailId(mail_id): fields.integer(f"version-{mail_id}") for mail_id in mail_ids}
    try:
        decision = _decision(fields, request.form)
        if not mail_ids:
            raise Invalid("impute.none_ticked", "tick the letters", field="mail")
        with context.services().unit_of_work(context.now()) as uow:
            made = operations.impute_all(uow, versions, decision, actor=actor, now=context.now())
    except REFUSALS as error:
        return _batch_page(mail_ids, error)
    _tell_imputed(ngettext("%(num)s courrier imputé.", "%(num)s courriers imputés.", len(mail_ids)), made)
    return redirect(url_for("impute.queue"), 303)


def _batch_page(mail_ids: Sequence[int], error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        rows: list[MailRow] = queries.mail_rows(session, actor, list(dict.fromkeys(mail_ids))[:MAX_BATCH])
        recent, people = choices.recent_unit_ids(session, actor), _people(session, request.form)
        copied = request.form.getlist("other_unit_ids")
        offered = _offered(choices.unit_choices(session, actor), recent, people, copied)
        mentions = choices.mention_choices(session, entities_of(actor))
    if not rows and error is None:
        flash(_("Cochez au moins un courrier."), "warning")
        return redirect(url_for("impute.queue"), 303)
    return render_form(
        "impute/batch.html", error=error, form=request.form if _asks_for_people() else None, rows=rows,
        acted_for=_acted_for(), mentions=mentions, **offered,
    )  # fmt: skip


# --- an imputation taken back


def _tell_imputed(text: str, imputation_ids: Sequence[int]) -> None:
    """The message with the button that takes the imputations back."""
    flash(text, f"imputed {' '.join(str(one) for one in imputation_ids)}")


@blueprint.post("/a-imputer/annuler")
def undo() -> ResponseReturnValue:
    """Take imputations back, all or none, and show what waits for a decision again."""
    texts = request.form.get("imputations", "").split()[:MAX_BATCH]
    try:
        with context.services().unit_of_work(context.now()) as uow:
            mail_ids = undoing.undo(uow, _ids(texts), actor=context.actor())
    except Invalid as error:
        return _not_undone(error, is_batch=len(texts) > 1)
    if len(mail_ids) > 1:
        text = ngettext("%(num)s imputation annulée.", "%(num)s imputations annulées.", len(mail_ids))
        flash(text, "success")
        return redirect(url_for("impute.queue"), 303)
    with context.services().reading() as session:
        found = letter(session, mail_ids[0], context.actor())
    if found.state is MailState.TO_IMPUTE:
        flash(_("Imputation annulée : le courrier n° %(number)s attend de nouveau sa décision.", number=found.number),
              "success")  # fmt: skip
        return redirect(next_path(url_for("impute.form", mail_id=found.id)), 303)
    text = _("Imputation annulée : le courrier n° %(number)s est comme il était avant elle.", number=found.number)
    flash(text, "success")
    return redirect(next_path(url_for("letters.show", mail_id=found.id)), 303)


def _not_undone(error: Invalid, *, is_batch: bool) -> ResponseReturnValue:
    view, mail_id = view_of(error), int(str(error.params["mail"]))
    text = f"{view.message} {view.remedy}"
    if is_batch:
        with context.services().reading() as session:
            number = letter(session, mail_id, context.actor()).number
        text = _("Rien n'est annulé. Courrier n° %(number)s : %(text)s", number=number, text=text)
    flash(text, "warning")
    return redirect(next_path(url_for("letters.show", mail_id=mail_id)), 303)


# --- posts and people


@blueprint.get("/a-imputer/destinataires")
def people() -> ResponseReturnValue:
    """Posts and people by a text (``?q=``), while it is typed: pairs (value, label)."""
    with context.services().reading() as session:
        found = choices.find_posts(session, request.args.get("q", "")[:MAX_TEXT], context.actor(), on=context.today())
    return jsonify([(f"{POST}{one.id}", one.label) for one in found])


def _asks_for_people() -> bool:
    """Whether the button of the search was pressed: the form comes back as typed, with what was found."""
    return "find" in request.form


def _typed(decision: ImputationForm) -> MultiDict[str, str]:
    """A decision as its form is sent (``_decision`` reads it)."""
    posts = [f"{POST}{one}" for one in decision.other_post_ids]
    leading = f"{POST}{decision.leading_post_id}" if decision.leading_post_id else str(decision.leading_unit_id or "")
    typed = [
        ("leading_unit_id", leading),
        ("note", decision.note),
        *(("other_unit_ids", one) for one in [*(str(one) for one in decision.other_unit_ids), *posts]),
        *(("mentions", one) for one in decision.mentions),
    ]
    if decision.due_days is not None:
        typed += [("due_days", str(decision.due_days)), ("due_on", "")]
    elif decision.due_on is not None:
        typed.append(("due_on", f"{decision.due_on:%d/%m/%Y}"))
    return MultiDict(typed)


def _people(session: ReadSession, form: MultiDict[str, str]) -> list[Choice]:
    """The posts chosen in a form, and those found by its search."""
    typed = [form.get("leading_unit_id", ""), *form.getlist("other_unit_ids")]
    chosen = {post_id for text in typed if (post_id := _post_of(text)) is not None}
    actor, today = context.actor(), context.today()
    found = choices.posts_of_ids(session, chosen, actor, on=today)
    if _asks_for_people():
        found += choices.find_posts(session, request.form.get("person", "")[:MAX_TEXT], actor, on=today)
    return list({one.id: one for one in found}.values())


def _post_of(text: str) -> int | None:
    return id_of(text[len(POST) :]) if text.startswith(POST) else None


def _offered(
    tree: Sequence[Choice], recent: Sequence[int], people: Sequence[Choice], copied: Collection[str]
) -> dict[str, Any]:
    """What both fields offer: units (for who leads a tree, with recent units first), and posts that were looked for.

    The list of copies scrolls. Those that are ticked (``copied``) come first, or nobody would see them.
    """
    by_id = {one.id: one for one in tree}
    names = [(one.id, INDENT * one.depth + one.label) for one in tree]
    latest = [(i, by_id[i].label) for i in recent if i in by_id]
    posts = [(f"{POST}{one.id}", one.label) for one in people]
    groups = [(_("Postes et personnes"), posts), (_("Récemment choisies"), latest), (_("Tous les services"), names)]
    leading = [(name, options) for name, options in groups if options] if posts or latest else names
    others = sorted(((one.id, one.label, one.code) for one in tree), key=lambda one: str(one[0]) not in copied)
    return {
        "leading": leading,
        "others": [*posts, *others],
        "codes": {one.id: one.code for one in tree},
        "searched": _asks_for_people(),
        "people": posts,
    }


def _decision(fields: FormReader, form: MultiDict[str, str]) -> ImputationForm:
    """The parsed decision.

    Raises:
        FormRefused: with all errors found.
    """
    text = fields.text("leading_unit_id", required=True, maximum=20)
    leading_post = _post_of(text)
    # An empty field is refused above, once.
    leading = fields.integer("leading_unit_id") if text and leading_post is None else None
    copied = [one for one in form.getlist("other_unit_ids") if one != text]
    note = fields.text("note", maximum=2000)
    due_on, due_days = _due(fields)
    fields.check()
    return ImputationForm(
        leading_unit_id=UnitId(leading) if leading is not None else None,
        other_unit_ids=tuple(UnitId(one) for one in _ids(copied)),
        leading_post_id=PostId(leading_post) if leading_post is not None else None,
        other_post_ids=tuple(PostId(one) for text in copied if (one := _post_of(text)) is not None),
        mentions=tuple(form.getlist("mentions")),
        note=note,
        due_on=due_on,
        due_days=due_days,
    )


def _ids(texts: Iterable[str]) -> list[int]:
    return [number for text in texts if (number := id_of(text)) is not None]


def _due(fields: FormReader) -> tuple[date | None, int | None]:
    """(typed date, None), or (resulting day, number of working days from today)."""
    typed, days = fields.day("due_on"), fields.integer("due_days", minimum=0, maximum=deadlines.MAX_DAYS)
    if days is None:
        return typed, None
    with context.services().reading() as session:
        counted = deadlines.add_working_days(context.today(), days, calendar.calendar(session))
    if typed is not None and typed != counted:
        fields.refuse(Invalid("impute.due_twice", "give one of the two", field="due_days", counted=counted))
    return counted, days


def _acted_for() -> list[HeldPost]:
    """Authorities for whom the actor decides without being their holder."""
    return [post for post in context.actor().posts if Role.AUTHORITY in post.roles and post.because != "holder"]


@blueprint.get("/courriers/<int:mail_id>/fiche-de-transmission.pdf")
def sheet(mail_id: int) -> ResponseReturnValue:
    """The fiche: of the latest decision, or blank (also ``?vierge=1``) to be annotated by hand."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        found = imputation_sheet(
            session, services, mail_id, actor, now=context.now(), blank=bool(request.args.get("vierge"))
        )
    if found.level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            opening.record_printing(uow, mail_id, what="imputation_sheet", actor=actor)
    pdf = sheet_pdf(found, at=found.decided_at or context.now())
    name = f"fiche-{found.number.replace('/', '-') or mail_id}.pdf"
    return send_file(BytesIO(pdf), mimetype="application/pdf", download_name=name)
