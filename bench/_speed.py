"""Compares our site with an equivalent plain Elasticsearch query. Part of ``bench.search``."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from elasticsearch import Elasticsearch

from bench import _house, index_bulk
from bench._percentiles import percentile_95
from bench.finding import collection
from bench.relevance import tell
from ged.ports import IndexDocument, Principals, SearchQuery
from ged.search.letter_search import FACETS
from indexer import elastic_query, fields
from indexer.elastic_facets import FACET_SIZE
from indexer.elastic_index import EXACT_TOTAL, ElasticIndex
from indexer.query import parse
from tests import servers
from tests.factories import actor
from tests.servers import postgres

AT_ONCE = 20
ASKED = 160
WARM = 40
TURN = 40
POOL = 2_000
"""Letters from whose words the queries are made."""
PAGE = 20
GROWING = ("raw_p95_ms", "by_hand_p95_ms", "first_hits_p95_ms", "both_p95_ms")
_MARKED = {"subject": {}, "pages.text": {"fragment_size": 250, "number_of_fragments": 2}}


def asked(made: list[IndexDocument], source: random.Random, count: int = ASKED + WARM) -> list[str]:
    """Queries of two or three words of a random letter."""
    texts = (source.choice(made).pages[0].text.split() for _ in range(count))
    return [" ".join(source.sample(words, source.randint(2, 3))) for words in texts]


def p95(call: Callable[[str], Any], queries: list[str], *, at_once: int) -> float:
    """The 95th percentile of the response time, in milliseconds."""
    return p95s({"": call}, queries, at_once=at_once)[""]


def p95s(calls: Mapping[str, Callable[[str], Any]], queries: list[str], *, at_once: int) -> dict[str, float]:
    """``p95`` of several functions, which take turns, so that a busy machine slows all of them equally."""
    spent: dict[str, list[float]] = {name: [] for name in calls}

    def timed(call: Callable[[str], Any], text: str) -> float:
        began = time.perf_counter()
        call(text)
        return (time.perf_counter() - began) * 1000

    with ThreadPoolExecutor(at_once) as pool:
        for call in calls.values():
            list(pool.map(call, queries[:WARM]))
        for start in range(WARM, len(queries), TURN):
            for name, call in calls.items():
                spent[name] += pool.map(partial(timed, call), queries[start : start + TURN])
    return {name: percentile_95(times) for name, times in spent.items()}


@contextmanager
def house(url: str, alias: str) -> Iterator[_house.House]:
    """An installation on a private PostgreSQL and the given Elasticsearch."""
    run, handle = servers.open_run()
    try:
        with TemporaryDirectory(prefix="ged-bench-") as folder:
            database = postgres.create_database(postgres.server().url, "ged_bench")
            made = _house.make_house(
                Path(folder), database_url=database, elasticsearch_url=url, elasticsearch_index=alias,
                elasticsearch_replicas="0",
            )  # fmt: skip
            index = ElasticIndex(url, alias=alias, replicas=0, timeout_s=30)
            index.reset()
            yield replace(made, services=replace(made.services, index=index))
            made.services.engine.dispose()
            index.close()
    finally:
        servers.close_run(run, handle)


def speed(url: str, client: Elasticsearch, alias: str, sizes: list[int], seed: int) -> None:
    """Print lines for each size, and the growth of both from the first size to the last one."""
    source, lines = random.Random(f"speed {seed}"), list[dict[str, float]]()
    with house(url, alias) as made:
        letters, done = _house.letters(made, max(sizes), seed), 0
        pool = list(islice(index_bulk.letters(POOL, seed), min(POOL, *sizes)))
        for size in sorted(sizes):
            _house.fill(made, letters, size - done)
            done = size
            lines.append(_line(made, client, alias, asked(pool, source)))
            tell(bench="speed", engine="elasticsearch", letters=size, seed=seed, at_once=AT_ONCE, **lines[-1])
    if len(lines) > 1:
        grown = {name: round(lines[-1][name] / lines[0][name], 2) for name in GROWING}
        tell(bench="growth", letters=[min(sizes), max(sizes)], seed=seed, **grown)


def _line(made: _house.House, client: Elasticsearch, alias: str, queries: list[str]) -> dict[str, float]:
    who = actor(made.services, _house.READER).principals

    def bare(text: str) -> None:
        client.search(index=alias, **_raw(text, who))

    def by_hand(text: str) -> None:
        client.search(index=alias, **_by_hand(text, who))

    with _house.served(made) as site:

        def page(text: str) -> None:
            _house.ask(site.port, f"/recherche/?{urlencode({'q': text})}", cookie=site.cookie)

        def counts(text: str) -> None:
            _house.ask(site.port, f"/recherche/filtres?{urlencode({'q': text})}", cookie=site.cookie)

        def both(text: str) -> None:
            page(text)
            counts(text)

        calls = {"raw": bare, "by_hand": by_hand, "first_hits": page, "both": both}
        spent = p95s(calls, queries, at_once=AT_ONCE)
        figures = {f"{name}_p95_ms": round(value, 1) for name, value in spent.items()}
        for name, asking in (("first_hits", page), ("facets", counts)):
            before = site.cpu_s()
            for text in queries[:WARM]:
                asking(text)
            figures[f"{name}_cpu_ms"] = round((site.cpu_s() - before) * 1000 / WARM, 1)
    figures["first_hits_ratio"] = round(spent["first_hits"] / spent["raw"], 2)
    figures["ratio_vs_raw_p95"] = round(spent["both"] / spent["raw"], 2)
    figures["ratio_vs_by_hand_p95"] = round(spent["both"] / spent["by_hand"], 2)
    return figures


def _raw(text: str, who: Principals) -> dict[str, Any]:
    """The page and its filters as one query: rights, hits, marked words by Elasticsearch, and all facets."""
    return _page_of(elastic_query.build(SearchQuery(text), parse(text), who))


def _by_hand(text: str, who: Principals) -> dict[str, Any]:
    """The page by a query that a careful developer would write who does not consider OCR errors."""
    asked = collection.hand_made(text, title="subject", body="pages.text", plain="exact")
    return _page_of({"bool": {"filter": [{"terms": {"access": fields.access_terms(who)}}], "must": [asked]}})


def _page_of(query: dict[str, Any]) -> dict[str, Any]:
    return {
        "query": query,
        "size": PAGE,
        "source": ["subject", "sender"],
        "highlight": {"fields": _MARKED},
        "aggs": {name: {"terms": {"field": fields.FACETS[name].name, "size": FACET_SIZE}} for name in FACETS},
        "track_total_hits": EXACT_TOTAL,
    }
