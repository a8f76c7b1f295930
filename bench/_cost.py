"""What a search costs Elasticsearch beside a bare ``multi_match``: processor time of the node. Part of ``bench.search``."""

import random
import time
from collections.abc import Callable

from elasticsearch import Elasticsearch

from bench import index_bulk
from bench.relevance import tell
from ged.ports import IndexDocument, Principals, SearchQuery
from indexer import fields
from indexer.elastic_index import ElasticIndex

LENGTHS = (1, 3, 8)
"""In words."""
PIECE = 2_000
ASKED = 240
WARM = 160
TURN = 40
PAGE = 20
READING_S = 1.2
POOL = 2_000
"""Letters from whose words the queries are made."""


def cost(url: str, client: Elasticsearch, alias: str, letters: int, seed: int, who: Principals) -> None:
    """Print one line for each length of a query: milliseconds of the node's processors, and their ratio."""
    index = ElasticIndex(url, alias=alias, replicas=0, timeout_s=60, write_timeout_s=300)
    index.reset()
    pool = _filled(index, letters, seed)
    client.indices.forcemerge(index=alias, max_num_segments=1)

    def ours(text: str) -> None:
        index.search(SearchQuery(text, limit=PAGE), principals=who)

    def bare(text: str) -> None:
        client.search(index=alias, query=usual(text, who), size=PAGE)

    for length in LENGTHS:
        source = random.Random(f"cost {seed} {length}")
        texts = [" ".join(source.sample(_words(pool, source), length)) for _ in range(WARM + ASKED)]
        spent = _spent(client, {"ours": ours, "bare": bare}, texts)
        tell(
            bench="cost",
            letters=letters,
            seed=seed,
            words=length,
            ours_cpu_ms=round(spent["ours"], 2),
            bare_cpu_ms=round(spent["bare"], 2),
            ratio=round(spent["ours"] / spent["bare"], 2),
        )
    index.close()


def usual(text: str, who: Principals) -> dict[str, object]:
    """The query that most developers write, for the letters of the same reader."""
    asked = {"multi_match": {"query": text, "fields": ["subject^3", "pages.text"]}}
    return {"bool": {"filter": [{"terms": {"access": fields.access_terms(who)}}], "must": [asked]}}


def _filled(index: ElasticIndex, letters: int, seed: int) -> list[IndexDocument]:
    pool: list[IndexDocument] = []
    piece: list[IndexDocument] = []
    for one in index_bulk.letters(letters, seed):
        piece.append(one)
        if len(pool) < POOL:
            pool.append(one)
        if len(piece) == PIECE or one.mail_id == letters:
            index.put(piece)
            piece = []
    return pool


def _words(pool: list[IndexDocument], source: random.Random) -> list[str]:
    return source.choice(pool).pages[0].text.split()


def _spent(client: Elasticsearch, calls: dict[str, Callable[[str], None]], texts: list[str]) -> dict[str, float]:
    """Milliseconds of processor time for a query of each function; they take turns."""
    spent = dict.fromkeys(calls, 0.0)
    for call in calls.values():
        for text in texts[:WARM]:
            call(text)
    for start in range(WARM, len(texts), TURN):
        for name, call in calls.items():
            before = _processor_ms(client)
            for text in texts[start : start + TURN]:
                call(text)
            spent[name] += _processor_ms(client) - before
    return {name: total / (len(texts) - WARM) for name, total in spent.items()}


def _processor_ms(client: Elasticsearch) -> float:
    """The node's processor time until now. The node keeps a reading for a second, so an older one is waited out."""
    time.sleep(READING_S)
    nodes = client.nodes.stats(metric="process")["nodes"].values()
    return float(sum(node["process"]["cpu"]["total_in_millis"] for node in nodes))
