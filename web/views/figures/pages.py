"""What both pages of figures share: reading the address, the choices of the filters, the frame of the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ged.dashboard import movements
from ged.dashboard.reach import Reach, reach_on
from ged.errors import Forbidden, Invalid
from ged.figures import queries
from ged.figures.periods import Period
from ged.ports import Confidentiality
from ged.routing.queries import InboxView, inbox_totals
from ged.supervisors import queries as supervisors
from ged.unit import Actor, ReadSession
from web.site import context
from web.site.errors import view_of
from web.site.i18n import short_date
from web.views.figures import asked as address
from web.views.figures import closed, curves, deciding, left_out, loads, offered, panels, papers, sent
from web.views.figures.asked import AskedFigures
from web.views.figures.board import Board, Maker, Panel, earlier_name, period_name
from web.words import figure_pages as words
from web.words.numbers import decimal

FOR_HEADS = frozenset(
    {panels.RHYTHM, panels.HOURS_VIEW, loads.LOADS, deciding.AHEAD, deciding.WRITERS, deciding.SENDERS}
)
"""The views that show something to who heads units alone: days, or letters one by one. Others find no way to them; an address leads to a page that
says why."""
CARDS = "cards"
"""The panel of the cards: it has no picture, and is no section of the page."""


@dataclass(frozen=True)
class Page:
    """One of the two pages.

    Attributes:
        endpoint: of the page; ``table``: of a table alone; ``files``: of a table as a file; ``criteria``: of the fields of its filter.
        saved_as: the first word of its files.
        makers: of its panels, by their names.
        views: name of a view -> its panels; the first one has no name.
        sign: stands for it in a link to letters.
        overseen: whether it shows what the reader oversees, and not only what is the reader's own.
    """

    endpoint: str
    table: str
    files: str
    criteria: str
    template: str
    saved_as: str
    makers: Mapping[str, Maker]
    views: Mapping[str, tuple[str, ...]]
    sign: str
    overseen: bool

    def view_of(self, panel: str) -> str:
        """The view with a panel."""
        return next((view for view, names in self.views.items() if panel in names), "")

    def usual(self, reach: Reach) -> frozenset[int]:
        """The units that it shows when none is chosen."""
        return reach.overseen if self.overseen else reach.own


def show(page: Page) -> ResponseReturnValue:
    """The page; without units, or while the figures are being made, it says so."""
    actor = context.actor()
    view = _view(page)
    with context.services().reading_sums() as session:
        reach, asked = _asked(session, actor, page, view)
        are_whole, counted_at = queries.are_whole(session), queries.counted_upto(session, context.now())
        recounts = _recounts(session, view)
        is_shown = are_whole and bool(asked.sight.unit_ids)
        board = Board(session, actor, asked, is_for_pictures=True)
        choices = _choices(board, reach, page) if is_shown else {}
        # Before the cards: these add up what a panel read side by side.
        made = panels.made(board, page.makers, page.views[view]) if is_shown else []
        cards = panels.cards(board) if is_shown else []
        shown = {
            "panels": made,
            "cards": cards,
            "curves": curves.explained(board) if any(one.curve for one in cards) else "",
            "mine": _mine(session, actor) if is_shown and not page.overseen else None,
            "choices": choices,
            "closures": _closures(board) if is_shown else [],
        }
    return render_template(
        page.template,
        **shown,
        chosen=[one for one in offered.chosen(asked, choices) if one[0] != left_out.NAME or view == deciding.AHEAD],
        left=_left(page, asked) if is_shown and _leaves_aside(view, asked) else None,
        leaves_aside=_leaves_aside(view, asked),
        asked=asked,
        **untold(asked, asked.problems),
        **_wrong_days(asked, view),
        cut_on=short_date(asked.today) if asked.is_cut else "",
        without_them=asked.address(page.endpoint, vue=view),
        oversees=bool(reach.overseen),
        are_whole=are_whole,
        counted_at=counted_at,
        recounts=words.recounts() if recounts else "",
        is_live=view == loads.LOADS,
        load_url=asked.address(page.endpoint, vue=loads.LOADS) if asked.sight.is_exact and view != loads.LOADS else "",
        usual_stage=words.stage(asked.usual_stage),
        # Also where a panel is empty: its picture may come while the page is open.
        hatched=any(not one.drawing or not one.drawing.shapes or one.is_hatched for one in made),
        further=asked.address(page.criteria, vue=view),
        apart=offered.apart(choices),
        page=page,
        period=period_name(asked.shown),
        earlier=earlier_name(asked),
        restricted=asked.sight.level >= Confidentiality.RESTRICTED,
        view=view,
        views=[
            (name, words.view(name, overseen=page.overseen), asked.address(page.endpoint, vue=name))
            for name in page.views
            if reach.headed or name not in FOR_HEADS or name == view
        ],
        is_of_years=asked.period.months > 1,
        whole_url=asked.address(page.endpoint, vue=view, periode=asked.last_whole, du="", au="")
        if not asked.is_comparable
        else "",
        may_be_shorter=asked.address(page.endpoint, vue=view, periode="", du="", au="") if asked.sight.is_exact else "",
        file_url=lambda panel, form: (
            asked.address(page.files, tableau=panel, format=form) if form else asked.address(page.table, tableau=panel)
        ),
    )


def untold(asked: AskedFigures, problems: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What the address asks for and the page does not tell, in words: see the macro ``figure_problems``."""
    return {
        "problems": words.problems(problems),
        "passed_over": words.problems(asked.passed_over),
        "ahead": period_name(asked.ahead) if asked.ahead else "",
        "reversed_days": words.problems(asked.reversed_days.items()),
        "widened": words.problems(asked.widened.items()),
    }


def _wrong_days(asked: AskedFigures, view: str) -> dict[str, object]:
    """The errors at the days of the form, and what was typed there: both days stay for whoever corrects one."""
    of_period = [Invalid("form.not_a_date", "write day/month/year", field=one) for one in asked.mistyped]
    if asked.reversed_days:
        of_period = [_reversed()]
    of_left = asked.left_errors if _leaves_aside(view, asked) else ()
    kept = (*(address.DAYS if of_period else ()), *((left_out.FIRST, left_out.LAST) if of_left else ()))
    return {
        "form": MultiDict({one: request.args[one] for one in kept if one in request.args}),
        "errors": [view_of(one) for one in (*of_period, *of_left)],
    }


def _closures(board: Board) -> list[str]:
    """Which units closed since the first day of the period before, in sentences."""
    asked, units = board.asked, board.actor.units
    within = Period(min(asked.earlier.since, asked.today), asked.today)
    return closed.closures(asked.sight.unit_ids, board.unmarked, units, context.services().zone, within)


def _leaves_aside(view: str, asked: AskedFigures) -> bool:
    """Whether the view is a forecast that can leave days aside."""
    return view == deciding.AHEAD and asked.sight.is_exact


def _left(page: Page, asked: AskedFigures) -> list[tuple[str, str]]:
    """(days, page where they count again) of the days that the forecast leaves aside."""
    return [
        (
            period_name(one),
            asked.address(
                page.endpoint, vue=deciding.AHEAD, sans=left_out.written([*asked.left[:n], *asked.left[n + 1 :]])
            ),
        )
        for n, one in enumerate(asked.left)
    ]


def _view(page: Page) -> str:
    """The view that the address names; the first one where it names none, or one that is not there."""
    named = request.args.get("vue", "").strip()
    return named if named in page.views else panels.FIRST


def _reversed() -> Invalid:
    return Invalid("form.days_reversed", "correct one of the two", field="au")


def criteria(page: Page) -> ResponseReturnValue:
    """The fields of the filter: alone for the page that asks for those it does not have, as a page of its own without JavaScript."""
    actor = context.actor()
    view = _view(page)
    with context.services().reading() as session:
        reach, asked = _asked(session, actor, page, view)
        if not (asked.sight.unit_ids and queries.are_whole(session)):
            abort(404)
        choices = _choices(Board(session, actor, asked), reach, page)
    return render_template(
        "dashboard/_criteria.html" if "HX-Request" in request.headers else "dashboard/criteria.html",
        asked=asked,
        **untold(asked, asked.problems),
        **_wrong_days(asked, view),
        without_them=asked.address(page.criteria, vue=view),
        period=period_name(asked.shown),
        choices=choices,
        apart=offered.apart(choices),
        usual_stage=words.stage(asked.usual_stage),
        leaves_aside=_leaves_aside(view, asked),
        view=view,
        page=page,
        back=asked.address(page.endpoint, vue=view),
    )


def table(page: Page) -> ResponseReturnValue:
    """The table of a panel: alone for the page that asks for it, as a page of its own without JavaScript."""
    panel, asked, chosen, counted_at, recounts = _panel(page)
    is_part = "HX-Request" in request.headers
    return render_template(
        "dashboard/_table.html" if is_part else "dashboard/table.html",
        panel=panel,
        chosen=chosen,
        **untold(asked, asked.problems),
        without_them=asked.address(page.table, tableau=panel.id),
        counted_at=counted_at,
        recounts=words.recounts() if recounts else "",
        is_live=page.view_of(panel.id) == loads.LOADS,
        back=asked.address(page.endpoint),
        cut_on=short_date(asked.today) if asked.is_cut else "",
        period=period_name(asked.shown),
    )


def save(page: Page) -> Response:
    """The table of a panel as a file.

    Raises:
        Invalid: ``figures.filters``: a filter is not applied, and a file that is kept would not say so; ``figures.ahead``:
            its period has not begun; ``form.days_reversed``.
    """
    panel, asked, chosen, counted_at, recounts = _panel(page)
    if asked.ahead:
        raise Invalid("figures.ahead", "choose a period that has begun", period=period_name(asked.ahead))
    if asked.reversed_days:
        raise _reversed()
    if asked.problems:
        raise Invalid("figures.filters", "ask without these filters", filters=words.problems(asked.problems))
    return sent.as_file(
        panel,
        request.args.get("format", ""),
        page=page.saved_as,
        period=period_name(panel.counts or asked.shown),
        chosen=chosen,
        counted_at=counted_at,
        recounts=recounts,
    )


def _asked(session: ReadSession, actor: Actor, page: Page, view: str) -> tuple[Reach, AskedFigures]:
    """The reader's reach, and what the address asks of it; ``view``: where its links to letters stand.

    Raises:
        Forbidden: ``access.role_missing``: the page is of who oversees something, and this reader does not.
    """
    reach = reach_on(session, actor, on=context.today())
    if page.overseen and not reach.overseen and not supervisors.is_named(session, actor):
        raise Forbidden("access.role_missing", "ask an administrator for the role", endpoint=page.endpoint)
    usual = page.usual(reach)
    asked = address.read(request.args, actor, reach, usual, today=context.today(), views=page.views)
    asked = replace(asked, seen_on=(page.sign, view))
    return reach, offered.checked(session, actor, reach, usual, asked)


def _panel(page: Page) -> tuple[Panel, AskedFigures, list[offered.Chosen], datetime | None, bool]:
    """The panel that the address names, the filters that hold for it, up to when it is counted, and whether it changes; an unknown one, and one with nothing to show, is not found."""
    actor = context.actor()
    name = request.args.get("tableau", "")
    make = panels.cards_panel if name == CARDS else page.makers.get(name)
    with context.services().reading_sums() as session:
        reach, asked = _asked(session, actor, page, page.view_of(name))
        is_shown = make is not None and asked.sight.unit_ids and queries.are_whole(session)
        board = Board(session, actor, asked)
        panel = make(board) if make is not None and is_shown else None
        choices = _choices(board, reach, page) if panel is not None and asked.given else {}
        counted_at = queries.counted_upto(session, context.now())
        recounts = _recounts(session, page.view_of(name))
    if panel is None:
        abort(404)
    return (
        panel,
        asked,
        [one for one in offered.chosen(asked, choices) if sent.holds(one[0], name)],
        counted_at,
        recounts,
    )


def _recounts(session: ReadSession, view: str) -> bool:
    """Whether days of what a view shows are about to be counted again."""
    kind = papers.DAYS_OF.get(view)
    return kind is not None and movements.waits_for_days(session, kind)


def _mine(session: ReadSession, actor: Actor) -> tuple[int, int, str, str] | None:
    """(waiting, late, both as they are written) in the reader's inbox, as the inbox itself counts; None for who has none."""
    if not actor.working_posts:
        return None
    views = (InboxView.OPEN, InboxView.LATE)
    found = inbox_totals(session, actor, today=context.today(), views=views)
    waiting, late = found[InboxView.OPEN], found[InboxView.LATE]
    return waiting, late, decimal(waiting), decimal(late)


def _choices(board: Board, reach: Reach, page: Page) -> offered.Choices:
    """What the page offers to choose."""
    names, units = board.units, page.usual(reach) | reach.offered
    named = {one: names[one] for one in units if one in names}
    return offered.choices(board.session, board.actor, reach.sight(page.usual(reach)), board.asked, named)
