"""Several searches of one reader as one: which letters may be seen is sent once, and not with each of them.

While the rights of many letters change, every search names these letters. Twenty thousand of them are 140 kB, and a search with
mistyped words would send them a hundred times.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.elastic_query import Clause

_SEVERAL = "several"
_NEWEST = "newest"


def asking(may_see: Clause, wanted: Sequence[Clause], *, newest: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The search whose response ``counts`` reads, or ``newest``.

    Args:
        newest: how many letters of each clause are sent too, in which order, and which of their fields.
    """
    each: dict[str, Any] = {"filters": {"filters": list(wanted)}}
    if newest is not None:
        each["aggs"] = {_NEWEST: {"top_hits": dict(newest)}}
    return {"query": may_see, "size": 0, "track_total_hits": False, "aggs": {_SEVERAL: each}}


def counts(found: Mapping[str, Any]) -> list[int]:
    """How many letters match each clause."""
    return [int(one["doc_count"]) for one in found["aggregations"][_SEVERAL]["buckets"]]


def newest(found: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """The fields of the letters of each clause."""
    buckets = found["aggregations"][_SEVERAL]["buckets"]
    return [[hit["_source"] for hit in one[_NEWEST]["hits"]["hits"]] for one in buckets]
