"""Everything that search must show, in one run, as JSON lines: relevance, speed, growth, indexing.

    make bench-search            python -m bench.search [--seed N] [--letters 20000] [--queries 500] [--sizes 10000 100000]

Relevance is the worst of three seeds made from ``--seed``. Speed is that of our search (access filter, highlights) beside
the bare client with the same query, each at eight at once, and grows over ``--sizes``; tantivy inside this process at
``--embedded`` letters. A private Elasticsearch is started unless ``--url`` names one.
"""

import argparse
import random
import secrets
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from bench import index_bulk
from bench.relevance import made_letters, server, tell
from ged.ports import IndexDocument, Principal, Principals, SearchQuery
from indexer import elastic_query
from indexer.elastic_index import ElasticIndex
from indexer.query import parse
from indexer.tantivy_index import TantivyIndex

FACETS = ("register", "year", "unit")
AT_ONCE = 8
ASKED = 300
WARM = 50
_SOURCE = {"includes": ["subject", "sender", "addressee", "shown", "pages"]}


def readers(source: random.Random) -> Principals:
    """Somebody who sees about a fifth of the letters."""
    held = frozenset(Principal(f"u{source.randint(1, 300)}") for _ in range(20))
    return Principals(held, held, held)


def asked(made: list[IndexDocument], source: random.Random) -> list[str]:
    """Two or three words of some letter each."""
    texts = (source.choice(made).pages[0].text.split() for _ in range(ASKED + WARM))
    return [" ".join(source.sample(words, source.randint(2, 3))) for words in texts]


def p95(call: Callable[[str], Any], queries: list[str], *, at_once: int) -> float:
    """Milliseconds below which nineteen of twenty answers stay."""

    def timed(text: str) -> float:
        began = time.perf_counter()
        call(text)
        return (time.perf_counter() - began) * 1000

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(timed, queries[:WARM]))
        spent = sorted(pool.map(timed, queries[WARM:]))
    return spent[int(len(spent) * 0.95)]


def speed(url: str, client: Elasticsearch, sizes: list[int], seed: int) -> None:
    """Ours beside the bare client at each size."""
    alias = f"bench-speed-{secrets.token_hex(4)}"
    index = ElasticIndex(url, alias=alias, replicas=0, timeout_s=30)
    index.reset()
    done = 0
    made = index_bulk.make(max(sizes), seed)
    source = random.Random(f"speed {seed}")
    for size in sorted(sizes):
        index.put(made[done:size])
        done = size
        who, queries = readers(source), asked(made[:size], source)

        def bare(text: str, who: Principals = who) -> None:
            body = elastic_query.build(SearchQuery(text), parse(text), who)
            client.search(index=alias, query=body, size=20, source=_SOURCE, track_total_hits=10_000)

        def ours(text: str, who: Principals = who) -> None:
            index.search(SearchQuery(text), principals=who)

        def counted(text: str, who: Principals = who) -> None:
            index.facets(SearchQuery(text, facets=FACETS), principals=who)

        raw, own = p95(bare, queries, at_once=AT_ONCE), p95(ours, queries, at_once=AT_ONCE)
        facets = p95(counted, queries, at_once=AT_ONCE)
        tell(
            bench="speed", engine="elasticsearch", letters=size, seed=seed, raw_p95_ms=round(raw, 1),
            ours_p95_ms=round(own, 1), facets_p95_ms=round(facets, 1), ratio_vs_raw_p95=round(own / raw, 2),
        )  # fmt: skip
    client.indices.delete(index=index.status().generation)
    index.close()


def embedded(count: int, seed: int) -> None:
    """Tantivy inside this process, one question after the other."""
    source = random.Random(f"embedded {seed}")
    with tempfile.TemporaryDirectory() as folder:
        index = TantivyIndex(Path(folder) / "index", writable=True)
        made = index_bulk.make(count, seed)
        index.put(made)
        who, queries = readers(source), asked(made, source)
        spent = p95(lambda text: index.search(SearchQuery(text), principals=who), queries, at_once=1)
        index.close()
    tell(bench="speed", engine="tantivy", letters=count, seed=seed, embedded_p95_ms=round(spent, 1), target_ms=20)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--letters", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--embedded", type=int, default=100_000)
    parser.add_argument("--bulk", type=int, default=20_000)
    parser.add_argument("--url")
    given = parser.parse_args()
    seeds = [given.seed, given.seed + 1, given.seed + 2]
    with server(given.url) as url, Elasticsearch(url, request_timeout=60) as client:
        if given.letters:
            index = ElasticIndex(url, alias=f"bench-search-{secrets.token_hex(4)}", replicas=0, timeout_s=30)
            made_letters(index, "elasticsearch", given.letters, given.queries, seeds)
            client.indices.delete(index=index.status().generation)
            index.close()
        index_bulk.measure(url, given.bulk, given.seed)
        speed(url, client, given.sizes, given.seed)
    embedded(given.embedded, given.seed)


if __name__ == "__main__":
    main()
