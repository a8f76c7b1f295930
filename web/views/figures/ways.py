"""The panels of the ways of letters: flows between units, letters that go round, correspondents whose letters wait longest."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import url_for
from flask_babel import format_date

from ged.dashboard.letters import What
from ged.dashboard.telling import apart
from ged.figures.moving import FEWEST_ROUNDS
from ged.figures.periods import Period
from ged.outlook import ways
from ged.register.models import Direction
from ged.routing.queries import mail_rows
from web.drawing import charts
from web.drawing.charts import Group
from web.views.figures.asked import EVER
from web.views.figures.board import MOST_ROWS, TWO, Board, Cell, Panel, RowsOf, days_cell, others
from web.words import figure_pages as words
from web.words.messages import gettext as _

MOST_ROUNDS = 12
"""Letters that go round, of a panel; the list has all of them."""
MOST_CORRESPONDENTS = 30


@dataclass(frozen=True)
class _Ways:
    """Letters that one unit gave to another; ``way`` None: those of several such pairs together."""

    name: str
    short: str
    letters: int
    way: tuple[int, int] | None = None


def flows(board: Board) -> Panel:
    """Letters that units gave to each other."""
    asked, names = board.asked, board.units
    board = board.by(What.PASSED.value)
    found = ways.flows(board.session, asked.cut, asked.shown)
    order = sorted(found, key=lambda way: (-board.tell(found[way]).amount, _way(names, way), way))
    rest: int | None = None
    if not board.is_exact:
        # The last row stands for the ways without letters: a way that appears would tell of its first one.
        kept = apart([*([found[way]] for way in order), [0]], board.step)
        rest = sum(found[way] for n, way in enumerate(order) if n not in kept)
        order = [order[n] for n in kept]
    shown_ways = [_Ways(_way(names, way), _short(board, way), found[way], way) for way in order]
    if rest is not None:
        shown_ways.append(_Ways(others(order), others(order), rest))

    def href(one: _Ways) -> str:
        if one.way is None:
            return ""
        return asked.letters(What.PASSED, asked.shown, depuis=str(one.way[0]), vers=str(one.way[1]))

    def cells(one: _Ways) -> tuple[Cell, ...]:
        return Cell(one.name, is_number=False), board.cell(one.letters, href(one))

    groups = [
        Group(one.short, (board.value(one.letters, one.name, words.letters, href(one)),))
        for one in shown_ways[:MOST_ROWS]
    ]
    totals = [board.text(board.tell(one.letters)) for one in shown_ways[:MOST_ROWS]]
    return Panel(
        "flows",
        str(_("D'un service à l'autre")),
        str(
            _(
                "Courriers passés d'un service à l'autre par une imputation, une attribution ou un retour. Un courrier compte une fois par "
                "chemin, le jour de son dernier passage. Les copies pour information ne comptent pas. Le graphique porte les sigles."
            )
        ),
        (str(_("De → vers")), str(_("Courriers"))),
        RowsOf(shown_ways, cells),
        charts.stacked_rows(groups, TWO[:1], totals) if shown_ways else None,
    )


def _waited(days: int) -> Cell:
    return days_cell(days, words.calendar_days(days))


def _way(names: Mapping[int, str], way: tuple[int, int]) -> str:
    return " → ".join(names.get(one, "—") for one in way)


def _short(board: Board, way: tuple[int, int]) -> str:
    """A way by the codes of its units: two long names have no room beside a bar. Units of other ministries are not named."""
    units, near = board.actor.units, board.units
    return " → ".join(units[one].code if one in near and one in units else "—" for one in way)


def rounds(board: Board) -> Panel:
    """Letters that came back to units which had had them, with their path."""
    asked = board.asked
    title = words.what(What.ROUND)
    rows: list[tuple[Cell, ...]] = []
    if asked.sight.opens:
        names = board.units
        found = ways.going_round(board.session, board.actor, asked.cut, asked.shown, limit=MOST_ROUNDS)
        letters = {
            int(one.mail_id): one for one in mail_rows(board.session, board.actor, [one.mail_id for one in found])
        }
        for one in found:
            if one.mail_id in letters:
                letter = letters[one.mail_id]
                number = letter.number or str(_("Sans numéro"))
                subject = letter.subject or str(_("Courrier confidentiel"))
                rows.append(
                    (
                        Cell(number, url_for("letters.show", mail_id=one.mail_id), is_number=False),
                        Cell(subject, is_number=False),
                        Cell(" → ".join(names.get(unit_id, "—") for unit_id in one.path), is_number=False),
                        Cell(str(one.times), value=one.times),
                        Cell(str(format_date(one.last_on, "dd/MM/yyyy")), value=one.last_on),
                    )
                )
    return Panel(
        "rounds",
        title,
        str(
            _(
                "Revenus au moins %(times)s fois à un service qui les avait déjà eus, retours compris ; dernier mouvement dans la période. "
                "Les %(most)s qui sont revenus le plus souvent.",
                times=FEWEST_ROUNDS, most=MOST_ROUNDS,
            )
        ),
        (str(_("Courrier")), str(_("Objet")), str(_("Parcours")), str(_("Retours")), str(_("Dernier mouvement"))),
        tuple(rows),
        nothing=str(_("Aucun courrier que vous pouvez ouvrir ne tourne en rond.")),
    )  # fmt: skip


def correspondents(board: Board) -> Panel:
    """The correspondents whose letters wait longest: for who may open each of these letters."""
    asked = board.asked
    rows: list[tuple[Cell, ...]] = []
    text = ""
    if asked.sight.is_exact:
        found, until = ways.waiting_longest(board.session, board.actor, asked.cut, today=asked.today)
        for one in found[:MOST_CORRESPONDENTS]:
            href = (
                asked.letters(
                    What.WAITING, Period(EVER, until), sens=Direction.INCOMING.value, expediteur=str(one.sender_id)
                )
                if one.sender_id is not None
                else ""
            )
            rows.append(
                (
                    Cell(one.name or "—", is_number=False),
                    board.cell(len(one.since), href),
                    Cell(str(format_date(one.since[0], "dd/MM/yyyy")), value=one.since[0]),
                    _waited((asked.today - one.since[0]).days),
                    _waited((asked.today - one.median_since).days),
                )
            )
        text = str(
            _(
                "Courriers à l'arrivée en instance aujourd'hui, arrivés au plus tard le %(day)s, par expéditeur ; l'attente la plus longue "
                "d'abord. Attente en jours depuis l'arrivée. La période choisie n'y change rien.",
                day=format_date(until, "dd/MM/yyyy"),
            )
        )
        if len(found) > MOST_CORRESPONDENTS:
            first = _("Les %(most)s premiers.", most=MOST_CORRESPONDENTS)
            text = f"{text} {first}"
    return Panel(
        "correspondents",
        str(_("Qui attend le plus longtemps")),
        text,
        (
            str(_("Expéditeur")), str(_("En instance")), str(_("Le plus ancien")), str(_("Attente la plus longue")),
            str(_("Attente médiane")),
        ),
        tuple(rows),
        nothing=str(_("Aucun courrier.")) if asked.sight.is_exact else str(_("Les correspondants sont montrés à qui peut ouvrir leurs courriers.")),
    )  # fmt: skip
