"""All figures of the search in one run, as JSON lines: relevance, speed, growth, indexing, freshness.

    make bench-search            python -m bench.search [--seed N] [--letters 20000] [--sizes 10000 1000000] ...

Relevance is the worst of three seeds made from ``--seed``.

Speed is that of the served site over HTTP, with twenty requests at once, for a person who sees half of the letters. Our
side is the page with its hits and marked passages, and the counts of the filters where the page does not contain them.
The other side is one plain query for these hits, marks and facets. Further figures are the processor time that our
processes use for a request, and the growth of all over ``--sizes``. Tantivy is measured in this process with
``--embedded`` letters.

Cost is the processor time of the server, just started and warm, for a search of 1, 3 and 8 words, beside a bare
``multi_match`` for the same reader and as many hits.

Freshness is the time until a letter of today is found while ``--backlog`` letters of an archive are imported, in both
shapes. A private Elasticsearch is started unless ``--url`` names one, or only the embedded figure is asked for.
"""

import argparse
import random
import secrets
import tempfile
from pathlib import Path

from elasticsearch import Elasticsearch

from bench import index_bulk
from bench._cost import cost
from bench._freshness import freshness
from bench._speed import AT_ONCE, asked, p95, speed
from bench.relevance import made_letters, server, tell
from ged.ports import Principal, Principals, SearchQuery
from indexer.elastic_index import ElasticIndex
from indexer.tantivy_index import TantivyIndex


def readers(source: random.Random) -> Principals:
    """Principals that see about a fifth of the letters."""
    held = frozenset(Principal(f"u{source.randint(1, 300)}") for _ in range(20))
    return Principals(held, held, held)


def embedded(count: int, seed: int) -> None:
    """Tantivy in this process, one query after the other."""
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--letters", type=int, default=20_000, help="of the relevance; 0: without it")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--embedded", type=int, default=100_000, help="letters in tantivy; 0: without")
    parser.add_argument("--bulk", type=int, default=20_000, help="letters of the comparison of bulks; 0: without")
    parser.add_argument("--backlog", type=int, default=5_000, help="letters of the archive while one looks; 0: without")
    parser.add_argument("--cost", type=int, default=102_000, help="letters of the cost of a search; 0: without")
    parser.add_argument("--today", type=int, default=60, help="letters registered meanwhile")
    parser.add_argument("--url", help="a running Elasticsearch; without, a private one is started")
    given = parser.parse_args()
    if given.letters or given.bulk or given.sizes or given.cost or given.backlog:
        _on_elasticsearch(given)
    if given.backlog:
        freshness(None, "", backlog=given.backlog, letters=given.today, seed=given.seed)
    if given.embedded:
        embedded(given.embedded, given.seed)


def _on_elasticsearch(given: argparse.Namespace) -> None:
    with server(given.url) as url, Elasticsearch(url, request_timeout=60, connections_per_node=AT_ONCE) as client:
        alias = f"bench-search-{secrets.token_hex(4)}"
        try:
            _figures(given, url, client, alias)
        finally:
            for name in client.indices.get(index=f"{alias}*", features="aliases").body:
                client.indices.delete(index=name)
            client.options(ignore_status=404).indices.delete_index_template(name=f"{alias}*")


def _figures(given: argparse.Namespace, url: str, client: Elasticsearch, alias: str) -> None:
    if given.letters:
        index = ElasticIndex(url, alias=f"{alias}-found", replicas=0, timeout_s=30)
        seeds = [given.seed, given.seed + 1, given.seed + 2]
        made_letters(index, "elasticsearch", given.letters, given.queries, seeds)
        index.close()
    if given.bulk:
        index_bulk.measure(url, given.bulk, given.seed)
    if given.sizes:
        speed(url, client, f"{alias}-speed", given.sizes, given.seed)
    if given.cost:
        cost(url, client, f"{alias}-cost", given.cost, given.seed, readers(random.Random(f"readers {given.seed}")))
    if given.backlog:
        freshness(url, f"{alias}-fresh", backlog=given.backlog, letters=given.today, seed=given.seed)


if __name__ == "__main__":
    main()
