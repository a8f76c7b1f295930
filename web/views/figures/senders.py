"""The panel of who writes: letters by correspondent, beside the period before."""

from ged.dashboard.letters import What
from ged.dashboard.telling import percent
from ged.figures.periods import Period
from ged.outlook import senders
from ged.outlook.senders import Sender
from ged.register.models import Direction
from web.drawing import charts
from web.drawing.charts import Group
from web.site import lists
from web.views.figures.board import MOST_ROWS, TWO, Board, Cell, Panel, RowsOf, change_name, period_name, sentences
from web.words import figure_pages as words
from web.words.messages import gettext as _
from web.words.numbers import decimal

MOST_SENDERS = 100


def panel(board: Board) -> Panel:
    """Who sent most letters: for who may open each of them."""
    asked = board.asked
    title, headings = str(_("Qui écrit le plus")), (
        str(_("Expéditeur")), str(_("Reçus")), str(_("Avant")), str(_("Évolution")),
    )  # fmt: skip
    if not asked.sight.is_exact:
        nothing = str(_("Les correspondants sont montrés à qui peut ouvrir leurs courriers."))
        return Panel("senders", title, "", headings, (), nothing=nothing)
    now, before = senders.compared(board.session, asked.cut, asked.shown, asked.earlier)
    found = senders.most_letters(board.session, board.actor, asked.cut, now, before)
    shown = found[:MOST_SENDERS]

    def href(one: Sender, days: Period) -> str:
        if one.sender_id is None:
            return ""
        return asked.letters(What.RECEIVED, days, sens=Direction.INCOMING.value, expediteur=str(one.sender_id))

    def cells(one: Sender) -> tuple[Cell, ...]:
        change = percent(board.tell(one.letters), board.tell(one.before))
        return (
            Cell(one.name or "—", is_number=False),
            board.cell(one.letters, href(one, now)),
            board.cell(one.before, href(one, before)),
            Cell(change_name(change), value=change / 100 if change is not None else None, unit=lists.PERCENT),
        )

    drawn = [one for one in shown[:MOST_ROWS] if one.letters]
    groups = [
        Group(one.name or "—", (board.value(one.letters, one.name or "—", words.letters, href(one, now)),))
        for one in drawn
    ]
    totals = [board.text(board.tell(one.letters)) for one in drawn]
    return Panel(
        "senders",
        title,
        sentences(
            str(
                _(
                    "Courriers à l'arrivée reçus %(period)s, par expéditeur ; « avant » : %(earlier)s.",
                    period=period_name(now), earlier=period_name(before),
                )
            ),
            str(_("Cette période, ou celle d'avant, compte plus de %(most)s courriers : seuls les derniers jours sont montrés ici.", most=decimal(senders.MOST_READ)))
            if now != asked.shown
            else "",
            str(_("Les %(most)s premiers.", most=MOST_SENDERS)) if len(found) > MOST_SENDERS else "",
        ),
        headings,
        RowsOf(shown, cells),
        charts.stacked_rows(groups, TWO[:1], totals) if groups else None,
        nothing=str(_("Aucun courrier.")),
        counts=now,
    )  # fmt: skip
