"""Counts of the filters' values on Elasticsearch."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ged.ports import Facets
from indexer.asking import facet_values
from indexer.fields import FACETS

FACET_SIZE = 100
"""The most values of a filter to count, the most frequent first."""
MONTHS = 12


def asking(names: Sequence[str]) -> dict[str, Any]:
    """The part of a search request that counts; ``counted`` reads its response."""
    return {name: _terms(name, names) for name in names if not _is_summed(name, names)}


def counted(names: Sequence[str], aggregations: Mapping[str, Any]) -> Facets:
    """The counts of each name."""
    return {
        name: facet_values(_years(aggregations) if _is_summed(name, names) else _values(aggregations, name))[
            :FACET_SIZE
        ]
        for name in names
    }


def _is_summed(name: str, names: Sequence[str]) -> bool:
    """A letter has one month, in one year: when both are requested, the years are sums of the months."""
    return name == "year" and "month" in names


def _terms(name: str, names: Sequence[str]) -> dict[str, Any]:
    size = FACET_SIZE * MONTHS if name == "month" and "year" in names else FACET_SIZE
    return {"terms": {"field": FACETS[name].name, "size": size}}


def _values(aggregations: Mapping[str, Any], name: str) -> Iterable[tuple[object, int]]:
    return ((one["key"], one["doc_count"]) for one in aggregations[name]["buckets"])


def _years(aggregations: Mapping[str, Any]) -> Iterable[tuple[object, int]]:
    years: Counter[int] = Counter()
    for month, count in _values(aggregations, "month"):
        years[int(str(month).partition("-")[0])] += count
    return years.items()
