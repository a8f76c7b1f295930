"""Small rules of queries that both engines share."""

from collections.abc import Iterable
from dataclasses import replace

from ged.errors import Invalid
from ged.ports import SearchQuery
from indexer.fields import FACETS
from indexer.query import parse
from indexer.synonyms import Synonyms
from indexer.tree import ParsedQuery, telling

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


def understood(query: SearchQuery, synonyms: Synonyms) -> ParsedQuery:
    """What was typed, with synonyms.

    Where each word is asked for, a word of its matter is none of its forms: ``lacking`` would say that the letter lacks the word.
    """
    parsed = synonyms.applied(replace(parse(query.text), any_word=query.any_word, all_words=query.all_words))
    return replace(parsed, words=telling(parsed.words)) if query.all_words else parsed


def facet_values(counts: Iterable[tuple[object, int]]) -> tuple[tuple[str, int], ...]:
    """The counts of one field, the most frequent first, equal counts in alphabetical order."""
    pairs = [(str(int(key)) if isinstance(key, int | float) else str(key), count) for key, count in counts if count]
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))
