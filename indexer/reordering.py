"""Orders the first letters found anew, on both engines: by nearness, and by a rereading of badly read letters."""

from collections.abc import Sequence
from dataclasses import dataclass

from ged.ports import SearchQuery, SortOrder
from indexer import nearness
from indexer.nearness import Nearness, WeightsOf
from indexer.passages import Stored
from indexer.rereading import Rereading
from indexer.tree import ParsedQuery


@dataclass(frozen=True)
class Reordering:
    """What orders the first letters of one search.

    Attributes:
        rereading: None for a query of few words.
        window: the number of letters to order, from the first. A page that begins behind them is not concerned.
        scale: the engine's score of a match, by that of Elasticsearch.
    """

    nearness: Nearness
    rereading: Rereading | None
    window: int
    scale: float = 1.0

    def lifts(self, letters: Sequence[Stored], weights_of: WeightsOf) -> list[float]:
        """The gain of each letter's score, for the first ``window`` letters in the order of the engine."""
        # Nearness counts beside a rereading as well: it costs badly read letters nothing that was measurable, and without
        # it clean letters are found lower (measured on the embedded engine).
        lifts = [self.scale * lift for lift in self.nearness.lifts(letters[: nearness.WINDOW], weights_of)]
        lifts += [0.0] * (len(letters) - len(lifts))
        if self.rereading is None or not letters or self.rereading.is_answered(letters[0]):
            return lifts
        again = self.rereading.lifts(letters, weights_of([word.stem for word in self.rereading.words]))
        return [one + other for one, other in zip(lifts, again, strict=True)]


def reordering_of(query: SearchQuery, parsed: ParsedQuery, *, window: int, scale: float = 1.0) -> Reordering | None:
    """The order for a search, None where it is of no use.

    Args:
        window: the letters that the engine rereads for badly read words.
        scale: see ``Reordering``.
    """
    near, again = Nearness(parsed), Rereading(parsed)
    if query.sort is not SortOrder.RELEVANCE or query.limit <= 0 or not near.is_worth_it:
        return None
    size = window if again.is_worth_it else nearness.WINDOW
    if query.offset >= size:
        return None
    return Reordering(near, again if again.is_worth_it else None, size, scale)
