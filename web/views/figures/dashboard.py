"""The dashboard: the figures of the reader's own services; and the letters behind each figure, by the rule of access."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from werkzeug.datastructures import MultiDict

from ged.dashboard import letters as letter_lists
from ged.dashboard.letters import GIVEN, SCANS, WAITING_THERE, AskedLetters, What
from ged.dashboard.reach import reach_on
from ged.figures.days import HOURS
from ged.figures.stages import Stage, bin_of, next_bin
from ged.org.names import post_names, unit_names
from ged.paging import Slice
from ged.routing import calendar
from ged.routing.deadlines import WorkCalendar
from ged.routing.queries import MailRow
from web.site import context
from web.site.navigation import stand_under
from web.site.numbers import id_of
from web.site.pages import place
from web.views.figures import asked as address
from web.views.figures import closed, deciding, loads, offered, pages, panels, paper_links, papers
from web.views.figures.asked import AskedFigures, Problem
from web.views.figures.board import period_name
from web.views.figures.offered import Chosen
from web.views.figures.pages import Page, untold
from web.words import figure_pages as words
from web.words.due import DueWords, due_words, late_end
from web.words.messages import gettext as _

blueprint = Blueprint("dashboard", __name__)

PAGE = Page(
    "dashboard.index",
    "dashboard.table",
    "dashboard.export",
    "dashboard.criteria",
    "dashboard/index.html",
    "tableau-de-bord",
    {**panels.OWN, **loads.PANELS, **papers.PANELS, **deciding.OWN},
    {**deciding.with_slower(panels.OWN_VIEWS), **loads.VIEWS, **papers.VIEWS, **deciding.OWN_VIEWS},
    sign=address.OWN,
    overseen=False,
)
LETTERS = 35
"""Letters of a page of the list: on a slow line it is there as soon as a page of figures."""
WEEK = 7
"""Days of a week, each with its hours."""


@blueprint.get("/tableau/")
def index() -> ResponseReturnValue:
    """The figures of the reader's services."""
    return pages.show(PAGE)


@blueprint.get("/tableau/chiffres")
def table() -> ResponseReturnValue:
    """A table of the page."""
    return pages.table(PAGE)


@blueprint.get("/tableau/criteres")
def criteria() -> ResponseReturnValue:
    """The fields of the filter."""
    return pages.criteria(PAGE)


@blueprint.get("/tableau/fichier")
def export() -> Response:
    """A table of the page as a file."""
    return pages.save(PAGE)


@blueprint.get("/tableau/courriers")
def letters() -> ResponseReturnValue:
    """The letters behind a figure."""
    return _letters(request.args)


@blueprint.get(f"{address.SHORT}<path:short>")
def listed(short: str) -> ResponseReturnValue:
    """The letters behind a figure, by the address that the links of pictures and tables have."""
    return _letters(address.listed(short, request.args))


def _letters(args: MultiDict[str, str]) -> ResponseReturnValue:
    """The letters behind a figure that the reader may see: who has each of them, how late it is, and the way back to the figure."""
    actor, today = context.actor(), context.today()
    what = next((one for one in What if one.value == args.get("quoi")), What.RECEIVED)
    given = args.get
    rows: list[MailRow] = []
    page, total = Slice(()), 0
    with context.services().reading() as session:
        reach = reach_on(session, actor, on=today)
        asked = address.read(args, actor, reach, reach.own, today=today, for_list=True)
        asked = offered.checked(session, actor, reach, reach.own, asked)
        wanted = AskedLetters(
            what, asked.period, asked.stage, _bins(args), (id_of(given("depuis", "")) or 0, id_of(given("vers", "")) or 0),
            id_of(given("expediteur", "")), id_of(given("poste", "")), context.services().zone,
            paper_links.station(given("station", "")),
        )  # fmt: skip
        if asked.sight.opens:
            rows, page, total = letter_lists.letters(session, actor, asked.cut, wanted, place(), limit=LETTERS)
        held = letter_lists.held(session, [int(row.mail_id) for row in rows])
        units = closed.marked(unit_names(actor), actor.units, context.services().zone)
        days = calendar.calendar(session)
        dates = (
            letter_lists.given_dates(session, asked.cut, wanted, [int(row.mail_id) for row in rows])
            if what in WAITING_THERE
            else {int(row.mail_id): row.due_on for row in rows}
        )
        chosen = offered.chosen(asked, offered.few(session, actor, reach.sight(reach.own), asked, units))
        if rows and what in GIVEN and wanted.post_id is not None:
            post = post_names(session, [wanted.post_id], on=today)[wanted.post_id]
            chosen = [*chosen, ("poste", words.filter_name("poste"), post.text)]
        if rows and what in SCANS and wanted.station is not None:
            chosen = [
                *chosen,
                ("station", words.filter_name("station"), paper_links.station_text(session, wanted.station)),
            ]
        sender = letter_lists.sender(session, wanted.sender_id) if rows and wanted.sender_id is not None else ""
        chosen = [*chosen, *_of_the_figure(wanted, sender, units)]
        of_papers = paper_links.counted(session, asked, wanted)
    problems = (*asked.problems, *_problems(what, args))
    board, back = _way_back(asked, given("retour", ""), has_supervision=bool(reach.overseen))
    stand_under(board)

    def line(row: MailRow) -> tuple[MailRow, str, date | None, DueWords | None]:
        of, due_on = held[row.mail_id], dates.get(int(row.mail_id))
        ended_on = of.ended_on if what not in WAITING_THERE else None
        return row, units.get(of.unit_id, "—"), due_on, _late(due_on, ended_on, days)

    return render_template(
        "dashboard/letters.html",
        rows=[line(row) for row in rows if row.mail_id in held],
        due_title=_("Échéance de l'attribution") if what in WAITING_THERE else _("Échéance"),
        page=page,
        total=total,
        most=letter_lists.MOST_LETTERS_COUNTED,
        of_papers=of_papers,
        title=_title(what, asked.stage),
        period=period_name(asked.period),
        definition=words.definition(what),
        chosen=chosen,
        **untold(asked, problems),
        without_them=_again(args, {one.name for one in problems} | ({"du", "au"} if asked.ahead or asked.reversed_days else set())),
        without_sender=_again(args, {"expediteur"}) if given("expediteur") and not rows else "",
        back=back,
    )  # fmt: skip


def _of_the_figure(wanted: AskedLetters, sender: str, units: Mapping[int, str]) -> list[Chosen]:
    """Which of several figures of a kind the list is of: its delay, its hour, its two units, its sender."""
    first, last = wanted.bins
    found: list[tuple[str, str]] = []
    match wanted.what:
        case What.DELAY | What.WAITED:
            found.append(("delai", words.bin_name(bin_of(first), next_bin(last))))
        case What.HOUR if first // HOURS == last // HOURS < WEEK:
            # Any Monday, for the names of the days.
            day = format_date(date(2024, 1, 1) + timedelta(days=first // HOURS), "EEEE")
            found.append(("heure", f"{day}, {words.hours(first % HOURS, last % HOURS, HOURS)}"))
        case What.PASSED:
            found += [(name, units.get(one, "")) for name, one in zip(("depuis", "vers"), wanted.way, strict=True)]
        case _:
            pass
    found.append(("expediteur", sender))
    return [(name, words.filter_name(name), text) for name, text in found if text]


def _problems(what: What, args: MultiDict[str, str]) -> list[Problem]:
    """The wrong values that only a list of letters has."""
    typed = args.get("quoi", "")
    found = [Problem("quoi", typed)] if typed and typed != what.value else []
    for name in ("expediteur", "poste"):
        given = args.get(name, "")
        if given and id_of(given) is None:
            found.append(Problem(name, given))
    if (given := args.get("station", "")) and paper_links.station(given) is None:
        found.append(Problem("station", given))
    return found


def _again(args: MultiDict[str, str], left_out: Collection[str]) -> str:
    """This list without some filters, from its first page on."""
    kept = {name: one for name, one in args.items() if name not in left_out and name in LISTED}
    return url_for("dashboard.letters", **kept)  # type: ignore[arg-type]


LISTED = (*address.FILTERS, "quoi", "de", "a", "depuis", "vers", "expediteur", "poste", "station", "retour")
"""The names in the address of a list, but for those of its place."""


def _way_back(asked: AskedFigures, way: str, *, has_supervision: bool) -> tuple[str, str]:
    """(endpoint, address) of the page of figures from which the list was opened, with its filters."""
    page, filters = address.read_back(way, asked.given)
    board = "supervision.index" if page == address.SUPERVISION and has_supervision else "dashboard.index"
    return board, url_for(board, **filters)  # type: ignore[arg-type]


def _late(due_on: date | None, ended_on: date | None, days: WorkCalendar) -> DueWords | None:
    """How late it is, or was on the day on which it was dealt with; None: not, or it has no date."""
    if due_on is None:
        return None
    if ended_on is None:
        due = due_words(due_on, context.today(), days)
        return due if due is not None and due.is_late else None
    return DueWords(late_end(due_on, ended_on, days), "warning") if due_on < ended_on else None


def _bins(args: MultiDict[str, str]) -> tuple[int, int]:
    first, last = (id_of(args.get(name, "")) or 0 for name in ("de", "a"))
    return first, max(first, last)


def _title(what: What, stage: Stage) -> str:
    return words.stage(stage) if what is What.DELAY else words.what(what)
