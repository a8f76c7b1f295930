"""A judged collection, compared with two peers on the server: the usual ``multi_match``, and a careful hand-made query.

The folder holds ``documents.jsonl`` (id, title, text), ``queries.jsonl`` and, if there are any, ``variants.jsonl``
(query, relevant: ids). No collection is shipped.
"""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch, helpers

PEERS = "bench-peers"
_TEXT = {"type": "text", "analyzer": "french", "fields": {"plain": {"type": "text", "analyzer": "standard"}}}
Find = Callable[[str], list[str]]


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines; none when there is no such file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def fill(client: Elasticsearch, documents: list[dict[str, Any]]) -> None:
    """Fill the peers' own index."""
    client.options(ignore_status=404).indices.delete(index=PEERS)
    fields = {"id": {"type": "keyword"}, "title": _TEXT, "text": _TEXT}
    client.indices.create(index=PEERS, mappings={"properties": fields}, settings={"number_of_replicas": 0})
    helpers.bulk(client, ({"_index": PEERS, **one} for one in documents))
    client.indices.refresh(index=PEERS)


def usual(text: str) -> dict[str, Any]:
    """The query that most developers write."""
    return {"multi_match": {"query": text, "fields": ["title^3", "text"]}}


def hand_made(text: str, *, title: str = "title", body: str = "text", plain: str = "plain") -> dict[str, Any]:
    """French and unstemmed fields, most_fields, little fuzziness; phrases and hits of all words weigh more.

    Args:
        title, body: the fields searched.
        plain: the unstemmed field under each.
    """
    names = [f"{title}^3", body, f"{title}.{plain}^1.5", f"{body}.{plain}^0.5"]
    words = {"query": text, "type": "most_fields", "fields": names, "fuzziness": "AUTO", "prefix_length": 2}
    lifts = [
        {"multi_match": {"query": text, "type": "phrase", "slop": 2, "fields": [f"{title}^4", f"{body}^2"]}},
        {"multi_match": {"query": text, "operator": "and", "fields": [f"{title}^3", body]}},
    ]
    return {"bool": {"must": [{"multi_match": words | {"max_expansions": 20}}], "should": lifts}}


def peers(client: Elasticsearch) -> Iterator[tuple[str, Find]]:
    """Name -> search function of each peer."""
    for peer in (usual, hand_made):

        def find(text: str, build: Callable[[str], dict[str, Any]] = peer) -> list[str]:
            found = client.search(index=PEERS, query=build(text), size=10, source=["id"], track_total_hits=False)
            return [str(hit["_source"]["id"]) for hit in found["hits"]["hits"]]

        yield peer.__name__, find


def figures(queries: list[dict[str, Any]], find: Find) -> dict[str, float]:
    """nDCG@10 and hit@10 over the queries (0..1)."""
    gains, hits = 0.0, 0
    for one in queries:
        relevant = set(one["relevant"])
        found = [name in relevant for name in find(one["query"])[:10]]
        ideal = sum(1 / math.log2(place + 2) for place in range(min(10, len(relevant))))
        gains += sum(1 / math.log2(place + 2) for place, good in enumerate(found) if good) / ideal
        hits += any(found)
    return {"ndcg_10": round(gains / len(queries), 4), "hit_10": round(hits / len(queries), 4)}
