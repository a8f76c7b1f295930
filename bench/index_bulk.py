"""Documents per second into Elasticsearch: our ``put`` compared with the client's bulk helper on equal documents.

``python -m bench.index_bulk [--url URL] [--letters N] [--seed N]`` prints one JSON line (``bulk_ratio``). Each side
writes its own index with an equal mapping. They take turns in parts, so that a busy machine slows both equally.
"""

import argparse
import json
import random
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from bench.relevance import server
from ged.ports import AttachmentId, Confidentiality, IndexDocument, IndexedPage, MailId, Principal
from indexer import elastic_schema, fields
from indexer.elastic_index import ElasticIndex

PIECE = 2_000
START = datetime(2020, 1, 1, tzinfo=UTC)


def make(count: int, seed: int) -> list[IndexDocument]:
    """Letters of 60 to 180 words from 20,000 generated words, with frequencies as in real text."""
    return list(letters(count, seed))


def letters(count: int, seed: int) -> Iterator[IndexDocument]:
    """Yield the letters of ``make`` one after the other."""
    source = random.Random(seed)
    words = ["".join(source.choices("abcdefgilmnoprstuvéèà", k=source.randint(2, 11))) for _ in range(20_000)]
    weights = list(accumulate(1 / (rank + 1) for rank in range(len(words))))
    for number in range(1, count + 1):
        yield _letter(number, source, words, weights)


def _letter(number: int, source: random.Random, words: list[str], weights: list[float]) -> IndexDocument:
    drawn = source.choices(words, cum_weights=weights, k=source.randint(60, 180))
    return IndexDocument(
        mail_id=MailId(number),
        version=number,
        level=Confidentiality.ORDINARY,
        principals=frozenset(Principal(f"u{source.randint(1, 300)}") for _ in range(3)),
        numbers=(f"2025-{number:06d}",),
        registers=("ARR",),
        direction="incoming",
        state="closed",
        registered_at=START + timedelta(minutes=number),
        subject=" ".join(drawn[:9]),
        sender=" ".join(drawn[9:12]),
        nature="lettre",
        units=(f"U{source.randint(1, 300)}",),
        pages=(IndexedPage(AttachmentId(number), 1, " ".join(drawn[12:])),),
    )


def main() -> None:
    """Measure once, in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    parser.add_argument("--url", help="a running Elasticsearch; without, a private one is started")
    given = parser.parse_args()
    with server(given.url) as url:
        measure(url, given.letters, given.seed)


def measure(url: str, count: int, seed: int) -> None:
    """Print the figures of one run."""
    letters = make(count, seed)
    alias, peer = f"ged-bench-{secrets.token_hex(4)}", f"ged-bench-peer-{secrets.token_hex(4)}"
    ours, bare = ElasticIndex(url, alias=alias, replicas=0), Elasticsearch(url, request_timeout=60)
    ours.reset()
    bare.indices.create(
        index=peer, mappings=elastic_schema.mapping(), settings=elastic_schema.settings(shards=1, replicas=0)
    )
    spent = {"ours": 0.0, "bare": 0.0}
    for start in range(0, count, PIECE):
        piece = letters[start : start + PIECE]
        ready = [
            {"_index": peer, "_id": str(one.mail_id), "_source": elastic_schema.to_source(fields.record(one))}
            for one in piece
        ]
        began = time.perf_counter()
        bulk(bare, ready, chunk_size=500, refresh=False)
        bare.indices.refresh(index=peer)
        spent["bare"] += time.perf_counter() - began
        began = time.perf_counter()
        ours.put(piece)
        spent["ours"] += time.perf_counter() - began
    for name in (peer, ours.status().generation):
        bare.indices.delete(index=name)
    ours.close()
    bare.close()
    rates = {name: count / seconds for name, seconds in spent.items()}
    print(
        json.dumps(
            {
                "bench": "index_bulk",
                "letters": count,
                "seed": seed,
                "ours_per_s": round(rates["ours"]),
                "bare_per_s": round(rates["bare"]),
                "bulk_ratio": round(rates["ours"] / rates["bare"], 3),
            }
        )
    )


if __name__ == "__main__":
    main()
