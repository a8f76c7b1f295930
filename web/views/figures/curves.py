"""The curves of the cards: the course of a number in the period that is shown. They need no query of their own: they are drawn from
the days and months that the cards add up."""

from collections.abc import Mapping, Sequence

from ged.dashboard.letters import What
from ged.figures.queries import Standing
from web.drawing import curves
from web.views.figures.board import Board, Stretch
from web.words.messages import gettext as _

WEEK = 7
"""Days of a point of a longer period: by single days, each week-end would be a pit."""
MOST_POINTS = 15


def of_cards(board: Board, standing: Standing) -> dict[What, str]:
    """Card -> the path of its curve (``web.drawing.curves``); a card without one is missing.

    Args:
        standing: what stands at the end of the period.
    """
    stretches = board.stretches()
    counted = [board.counted(one.days) for one in stretches]
    stood = [standing]
    for moved in reversed(counted[1:]):
        stood.append(_before(stood[-1], moved))
    stood.reverse()
    numbers = {
        one: _of_days([moved[one.value] for moved in counted])
        if board.by_days
        else _by_months(board, stretches, [moved[one.value] for moved in counted])
        for one in board.asked.moved
    }
    places = _places(len(stretches)) if board.by_days else range(len(stretches))
    ends = [(board.tell(stood[n].open), board.tell(stood[n].overdue, stood[n].open)) for n in places]
    numbers[What.OPEN] = [one.amount for one, _late in ends]
    # What is not told is not drawn: a gap would be read as zero.
    numbers[What.OVERDUE] = [] if any(late.is_hidden for _open, late in ends) else [late.amount for _open, late in ends]
    found = {what: curves.path(those) for what, those in numbers.items()}
    return {what: drawn for what, drawn in found.items() if drawn}


def explained(board: Board) -> str:
    """What a point of the curves counts, in a sentence."""
    if not board.by_days:
        return str(_("Courbes : par mois, à durée égale."))
    if board.asked.shown.days > 2 * WEEK:
        return str(_("Courbes : sur sept jours glissants."))
    return str(_("Courbes : jour par jour."))


def _before(stands: Standing, moved: Mapping[str, int]) -> Standing:
    """What stood before days, by what stands after them."""
    return Standing(
        stands.open - moved["opened"] + moved["ended"], stands.overdue - moved["fell_due"] + moved["relieved"]
    )


def _places(days: int) -> list[int]:
    """The places of the days that have a point, in a period of so many days: the last one, and others at equal distances before it.

    >>> _places(3), _places(30)[:2], len(_places(30)), len(_places(62))
    ([0, 1, 2], [7, 9], 12, 14)
    """
    first = 0 if days <= 2 * WEEK else WEEK - 1
    step = -(-(days - first) // MOST_POINTS)
    return sorted(range(days - 1, first - 1, -step))


def _of_days(numbers: Sequence[int]) -> list[int]:
    """The points of numbers by day: the numbers themselves, or sums of the seven days that end with a point."""
    days = 1 if len(numbers) <= 2 * WEEK else WEEK
    return [sum(numbers[place - days + 1 : place + 1]) for place in _places(len(numbers))]


def _by_months(board: Board, stretches: Sequence[Stretch], numbers: Sequence[int]) -> list[float]:
    """The points of numbers by month: letters for each day, because months differ and the first or the last one may be cut. A stretch of
    less than a week says too little."""
    found = []
    for one, number in zip(stretches, numbers, strict=True):
        days = (min(one.days.until, board.asked.today) - one.days.since).days + 1
        if days >= WEEK:
            found.append(board.tell(number).amount / days)
    return found
