"""The follow-up: what the units owe that a head leads, and what was given; reminders, prints and files of the list."""

from datetime import date
from io import BytesIO

from flask import Blueprint, Response, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.errors import Invalid, InvalidTransition
from ged.followup import listing, reminders
from ged.followup import sheet as printing
from ged.followup.listing import SOON_DAYS, DueTime, FollowFilter, FollowRow, Group, Grouping, Scope, Today
from ged.org.stock import entities_of
from ged.ports import Confidentiality, MailId
from ged.register.words import is_told
from ged.routing import choices
from ged.routing import path as letter_path
from ged.routing.deadlines import MAX_DAYS, WorkCalendar, add_working_days
from ged.typography import plain
from ged.unit import Role
from web.site import context, lists, unknown_filters
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.numbers import id_of
from web.site.pages import place, render_form
from web.site.paths import next_path
from web.words.due import due_words
from web.words.labels import label
from web.words.messages import gettext as _
from web.words.messages import lazy_gettext as _l
from web.words.messages import ngettext

blueprint = Blueprint("followup", __name__, url_prefix="/suivi")

PAGE = 50
MAX_TEXT = 200
SCOPES = {"services": Scope.UNITS, "confies": Scope.GIVEN}
GROUPINGS = {
    "service": Grouping.UNIT, "personne": Grouping.PERSON, "mention": Grouping.MENTION, "echeance": Grouping.DUE,
}  # fmt: skip
TIMES = {
    "retard": DueTime.LATE, "aujourdhui": DueTime.TODAY, "bientot": DueTime.SOON, "plus-tard": DueTime.LATER,
    "sans": DueTime.NONE,
}  # fmt: skip
WITHIN = "delai"
"""Due within a number of working days, which ``jours`` says."""
NO_MENTION = "sans"
HEADINGS = (
    _l("Numéro"), _l("Arrivé le"), _l("Expéditeur"), _l("Objet"), _l("Service"), _l("Poste"), _l("Titulaire"),
    _l("Confié par"), _l("Confié le"), _l("Demandé"), _l("Mentions"), _l("Échéance"), _l("Retard"), _l("État"),
    _l("Confidentialité"), _l("Rappelé le"),
)  # fmt: skip


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The figures by group, and the list, late first."""
    actor = context.actor()
    scope, grouping = _scope(), _grouping()
    with context.services().reading() as session:
        days = context.working_days(session)
        today = _today(days)
        asked, wrong = _filter(SCOPES[scope], days)
        figures = listing.figures(session, actor, asked, GROUPINGS[grouping], today=today)
        rows, page = listing.rows(session, actor, asked, place(), today=today, limit=PAGE)
        mentions = choices.mention_choices(session, entities_of(actor))
    return render_form(
        "followup/index.html",
        error=wrong,
        form={},
        status=200,
        rows=rows,
        page=page,
        figures=figures,
        scope=scope,
        grouping=grouping,
        narrowed=_narrowed(),
        due={row.assignment_id: due_words(row.due_on, today.on, days) for row in rows},
        mentions=[*mentions, (NO_MENTION, _("Sans mention"))],
        times=[(name, label(time)) for name, time in TIMES.items()],
        group_name=lambda group: _group_name(GROUPINGS[grouping], group),
        group_url=lambda group: _url(scope, grouping, **_group_filter(GROUPINGS[grouping], group)),
        here=lambda **changed: _url(scope, grouping, **changed),
        file_url=lambda endpoint, **named: url_for(endpoint, **(_arguments(scope, grouping) | named)),
        most=listing.MOST,
    )


def _usual_scope() -> str:
    """An authority first sees what it gave; a head what the units owe."""
    return "confies" if context.actor().has(Role.AUTHORITY) else "services"


def _scope() -> str:
    return unknown_filters.choice("voir", SCOPES, _usual_scope())


def _grouping() -> str:
    return unknown_filters.choice("par", GROUPINGS, "service")


def _today(days: WorkCalendar) -> Today:
    return Today(context.today(), add_working_days(context.today(), SOON_DAYS, days))


def _filter(scope: Scope, days: WorkCalendar) -> tuple[FollowFilter, Invalid | None]:
    """What the address asks for. A wrong value asks for nothing, and is told."""
    asked, mention = request.args, request.args.get("mention", "")
    time = _time()
    until, wrong = _until(days) if time == WITHIN else (None, None)
    found = FollowFilter(
        scope=scope,
        unit_id=unknown_filters.parsed("service", id_of),
        post_id=unknown_filters.parsed("poste", id_of),
        mention=("" if mention == NO_MENTION else mention) if mention else None,
        due=TIMES.get(time),
        until=until,
        sender=" ".join(asked.get("q", "")[:MAX_TEXT].split()),
    )
    return found, wrong


def _filter_of_file(scope: Scope, days: WorkCalendar) -> FollowFilter:
    """What the address asks for, for a file.

    Raises:
        Invalid: a value is wrong or not known.
    """
    found, wrong = _filter(scope, days)
    unknown_filters.refuse()
    if wrong is not None:
        raise wrong
    return found


def _until(days: WorkCalendar) -> tuple[date | None, Invalid | None]:
    fields = FormReader(request.args)
    count = fields.integer("jours", maximum=MAX_DAYS)
    if (wrong := fields.wrong()) is not None:
        return None, wrong
    return add_working_days(context.today(), SOON_DAYS if count is None else count, days), None


def _time() -> str:
    """The chosen time. Typed days choose it by themselves: whoever types them must not be shown every letter without a word."""
    chosen = unknown_filters.choice("echeance", (*TIMES, WITHIN), "")
    return chosen or (WITHIN if request.args.get("jours", "").strip() else "")


FILTERS = ("service", "poste", "mention", "echeance", "jours", "q")


def _narrowed() -> dict[str, str]:
    """The filters of the address that are set and known."""
    typed = {name: request.args.get(name, "").strip() for name in FILTERS} | {"echeance": _time()}
    ids = {name: "" for name in ("service", "poste") if unknown_filters.parsed(name, id_of) is None}
    return {name: value for name, value in (typed | ids).items() if value}


def _arguments(scope: str, grouping: str) -> dict[str, str]:
    return {"voir": scope, "par": grouping, **_narrowed()}


def _url(scope: str, grouping: str, **changed: str) -> str:
    """This page with changed arguments; an empty value takes one away."""
    arguments = {name: value for name, value in (_arguments(scope, grouping) | changed).items() if value}
    return url_for("followup.index", **arguments)  # type: ignore[arg-type]


def _group_filter(grouping: Grouping, group: Group) -> dict[str, str]:
    match grouping:
        case Grouping.UNIT:
            return {"service": group.key}
        case Grouping.PERSON:
            return {"service": str(group.unit_id), "poste": group.key}
        case Grouping.MENTION:
            return {"mention": group.key or NO_MENTION}
        case Grouping.DUE:
            return {"echeance": next(name for name, time in TIMES.items() if time == group.key), "jours": ""}


def _group_name(grouping: Grouping, group: Group) -> str:
    match grouping:
        case Grouping.UNIT:
            return group.label
        case Grouping.PERSON:
            nobody = _("Sans poste désigné")
            return f"{group.label or nobody} - {group.detail}"
        case Grouping.MENTION:
            return group.label or _("Sans mention")
        case Grouping.DUE:
            return label(DueTime(group.key))


# --- acts


@blueprint.post("/<int:assignment_id>/rappeler")
def remind(assignment_id: int) -> ResponseReturnValue:
    """Remind who has the letter."""
    actor, back = context.actor(), next_path(url_for("followup.index"))
    with context.services().reading() as session:
        row = letter_path.assignment(session, assignment_id, actor)
    try:
        with context.services().unit_of_work(context.now()) as uow:
            written = reminders.remind(uow, MailId(row.mail_id), assignment_id, actor=actor)
    except (Invalid, InvalidTransition) as error:
        view = view_of(error)
        flash(f"{view.message} {view.remedy}", "warning")
        return redirect(back, 303)
    to = row.post_title or row.unit_name
    if written:
        flash(
            ngettext(
                "Rappel noté et montré (%(to)s) ; un courriel part.",
                "Rappel noté et montré (%(to)s) ; %(num)s courriels partent.",
                written,
                to=to,
            ),
            "success",
        )
    else:
        flash(_("Rappel noté et montré (%(to)s) ; aucune adresse de courriel n'y est connue.", to=to), "success")
    return redirect(back, 303)


# --- on paper, as a file


@blueprint.get("/suivi.pdf")
def sheet() -> ResponseReturnValue:
    """The list on paper, by group."""
    services, actor = context.services(), context.actor()
    scope, grouping = SCOPES[_scope()], GROUPINGS[_grouping()]
    with services.reading() as session:
        days = context.working_days(session)
        today = _today(days)
        rows, is_cut = printing.whole_list(session, actor, _filter_of_file(scope, days), today=today)
        made = printing.follow_up_sheet(
            session, services, actor, rows, scope=scope, grouping=grouping, today=today, days=days, is_cut=is_cut,
            now=context.now(),
        )  # fmt: skip
    _record(rows, action="mail.printed", form="follow_up")
    return send_file(BytesIO(made.pdf()), mimetype="application/pdf", download_name=made.filename)


@blueprint.get("/liste")
def export() -> ResponseReturnValue:
    """The list as CSV or ODS."""
    scope = SCOPES[_scope()]
    with context.services().reading() as session:
        days = context.working_days(session)
        today = _today(days)
        rows, is_cut = printing.whole_list(session, context.actor(), _filter_of_file(scope, days), today=today)
    kind = "ods" if request.args.get("format") == "ods" else "csv"
    _record(rows, action="mail.exported", form=f"list_{kind}")
    lines: list[tuple[lists.Cell, ...]] = [
        tuple(plain(str(one)) for one in HEADINGS),
        *(_cells(row, today, days) for row in rows),
    ]
    if is_cut:
        lines.append((plain(_("Liste limitée aux %(num)s échéances les plus proches.", num=printing.MAX_ROWS)),))
    content = lists.as_ods(lines, name=_("Suivi")) if kind == "ods" else lists.as_csv(lines)
    sent = Response(content, content_type=lists.ODS_TYPE if kind == "ods" else lists.CSV_TYPE)
    sent.headers["Content-Disposition"] = f'attachment; filename="suivi-{today.on.isoformat()}.{kind}"'
    return sent


def _record(rows: list[FollowRow], *, action: str, form: str) -> None:
    if any(row.mail.level >= Confidentiality.RESTRICTED for row in rows):
        with context.services().unit_of_work(context.now()) as uow:
            printing.record(uow, rows, action=action, form=form, actor=context.actor())


def _cells(row: FollowRow, today: Today, days: WorkCalendar) -> tuple[lists.Cell, ...]:
    words = due_words(row.due_on, today.on, days)
    return (
        row.mail.number,
        lists.day(row.mail.received_on),
        row.mail.sender,
        row.mail.subject if is_told(row.mail.level) else plain(_("Courrier confidentiel")),
        row.unit_name,
        row.to_post,
        row.holder,
        row.assigned_by,
        lists.day(row.assigned_at.astimezone(context.services().zone).date()),
        plain(label(row.purpose)),
        ", ".join(row.mentions),
        lists.day(row.due_on),
        plain(words.text) if words is not None and words.is_late else "",
        plain(label(row.state)),
        plain(label(row.mail.level)),
        lists.day(row.reminded_on),
    )
