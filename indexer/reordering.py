"""Orders the first letters found anew, on both engines: by nearness, by a rereading of badly read letters, and a first page by
itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ged.ports import SearchQuery, SortOrder
from indexer import first_page, nearness
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

    def ordered(
        self, letters: Sequence[Stored], scores: Sequence[float], weights_of: WeightsOf
    ) -> list[tuple[int, float]]:
        """The first ``window`` letters in their new order: the place of each in the engine's order, and its new score."""
        lifted = [score + lift for score, lift in zip(scores, self.lifts(letters, weights_of), strict=True)]
        order = _best_first(enumerate(lifted))
        page, rest = order[: first_page.PAGE], order[first_page.PAGE :]
        weights = weights_of([word.stem for word in self.nearness.begins])
        gains = first_page.lifts(
            [letters[place] for place, _ in page], [score for _, score in page], self.nearness.begins, weights
        )
        again = [(place, score + gain) for (place, score), gain in zip(page, gains, strict=True)]
        return _best_first(again) + rest

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


def _best_first(scored: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """In the order of the scores; of equal scores as before."""
    return sorted(scored, key=lambda one: -one[1])


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
