"""Small rules of queries that both engines share."""

from collections.abc import Iterable

from ged.errors import Invalid
from ged.ports import SearchQuery
from indexer.fields import FACETS

MAX_LIMIT = 200
MAX_WINDOW = 10_000


def page_of(query: SearchQuery) -> tuple[int, int]:
    """Offset and limit, within the bounds of both engines.

    Raises:
        Invalid: ``search.unknown_field`` when a filter or facet names no field of the table.
    """
    for name in (*query.filters, *query.facets):
        if name not in FACETS:
            raise Invalid("search.unknown_field", f"Use one of {', '.join(FACETS)}.", field=name)
    limit = min(max(query.limit, 0), MAX_LIMIT)
    return min(max(query.offset, 0), MAX_WINDOW - limit), limit


def facet_values(counts: Iterable[tuple[object, int]]) -> tuple[tuple[str, int], ...]:
    """The counts of one field, the most frequent first, equal counts in alphabetical order."""
    pairs = [(str(int(key)) if isinstance(key, int | float) else str(key), count) for key, count in counts if count]
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))
