"""What a search costs Elasticsearch beside a bare ``multi_match``: processor time of the node. Part of ``bench.search``.

A node that was just started spends most of this time on compiling its own code: 45 ms for a search of one word, and 9 ms
after a thousand searches. A ministry's node has run for weeks. So both figures are told: of the first searches, and of
searches after ``WARM`` others of each length.
"""

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
FIRST = 160
WARM = 1_000
TURN = 40
PAGE = 20
READING_S = 1.2
POOL = 2_000
"""Letters from whose words the queries are made."""


def cost(url: str, client: Elasticsearch, alias: str, letters: int, seed: int, who: Principals) -> None:
    """Print lines for each length of a query, of a node just started and of a warm one: milliseconds of the node's
    processors, and their ratio."""
    index = ElasticIndex(url, alias=alias, replicas=0, timeout_s=60, write_timeout_s=300)
    index.reset()
    pool = _filled(index, letters, seed)
    client.indices.forcemerge(index=alias, max_num_segments=1)

    def ours(text: str) -> None:
        index.search(SearchQuery(text, limit=PAGE), principals=who)

    def bare(text: str) -> None:
        client.search(index=alias, query=usual(text, who), size=PAGE)

    calls: dict[str, Callable[[str], None]] = {"ours": ours, "bare": bare}
    for state, count in (("just_started", FIRST), ("warm", ASKED)):
        for length in LENGTHS:
            spent = _spent(client, calls, _texts(pool, length, f"{state} {seed}", count))
            tell(
                bench="cost",
                node=state,
                letters=letters,
                seed=seed,
                words=length,
                ours_cpu_ms=round(spent["ours"], 2),
                bare_cpu_ms=round(spent["bare"], 2),
                ratio=round(spent["ours"] / spent["bare"], 2),
            )
        for length in LENGTHS if state == "just_started" else ():
            for text in _texts(pool, length, f"warming {seed}", WARM):
                ours(text)
                bare(text)
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


def _texts(pool: list[IndexDocument], length: int, seed: str, count: int) -> list[str]:
    """Queries of ``length`` words of one letter each."""
    source = random.Random(f"cost {seed} {length}")
    return [" ".join(source.sample(_words(pool, source), length)) for _ in range(count)]


def _words(pool: list[IndexDocument], source: random.Random) -> list[str]:
    return source.choice(pool).pages[0].text.split()


def _spent(client: Elasticsearch, calls: dict[str, Callable[[str], None]], texts: list[str]) -> dict[str, float]:
    """Milliseconds of processor time for a query of each function; they take turns."""
    spent = dict.fromkeys(calls, 0.0)
    for start in range(0, len(texts), TURN):
        for name, call in calls.items():
            before = _processor_ms(client)
            for text in texts[start : start + TURN]:
                call(text)
            spent[name] += _processor_ms(client) - before
    return {name: total / len(texts) for name, total in spent.items()}


def _processor_ms(client: Elasticsearch) -> float:
    """The node's processor time until now. The node keeps a reading for a second, so an older one is waited out."""
    time.sleep(READING_S)
    nodes = client.nodes.stats(metric="process")["nodes"].values()
    return float(sum(node["process"]["cpu"]["total_in_millis"] for node in nodes))
