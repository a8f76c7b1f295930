"""Whether people find the letter that they look for: generated letters with OCR errors, and optionally a judged
collection.

    python -m bench.relevance [--letters 20000] [--queries 500] [--seeds S S S] [--collection FOLDER]

Both engines, through their own ``put`` and ``search``. Prints one JSON line for each seed and rate of errors, then the
worst of the seeds, then one line for each peer on the collection. A private Elasticsearch is started unless ``--url``
names one.
"""

import argparse
import json
import random
import secrets
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from bench.finding import collection
from bench.finding.letters import Asked, MadeLetter, letters, queries, read
from ged.ports import (
    AttachmentId,
    Confidentiality,
    IndexDocument,
    IndexedPage,
    MailId,
    Principal,
    Principals,
    SearchIndex,
    SearchQuery,
)  # fmt: skip
from indexer.elastic_index import ElasticIndex
from indexer.tantivy_index import TantivyIndex
from tests.servers import elastic, stop

RATES = (0.02, 0.05, 0.10)
TARGETS = {0.02: 0.99, 0.05: 0.97, 0.10: 0.92}
READERS = frozenset({Principal("unit:1")})
EVERYBODY = Principals(READERS, READERS, READERS)
_START = datetime(2025, 1, 2, 8, tzinfo=UTC)


def document(no: int, subject: str, text: str, *, sender: str = "", reference: str = "") -> IndexDocument:
    """A letter as a document of the index."""
    return IndexDocument(
        mail_id=MailId(no), version=1, level=Confidentiality.ORDINARY, principals=READERS, numbers=(f"A-2025-{no:06}",),
        registers=("A",), direction="incoming", state="registered", registered_at=_START + timedelta(minutes=no),
        subject=subject, sender=sender, their_reference=reference, pages=(IndexedPage(AttachmentId(no), 1, text),),
    )  # fmt: skip


def scanned(made: list[MadeLetter], rate: float, seed: int) -> Iterator[IndexDocument]:
    """The letters as in an archive: the typed fields are right, the text has OCR errors."""
    rng = random.Random(f"noise {seed} {rate}")
    for one in made:
        yield document(one.no, one.subject, read(one.text, rate, rng), sender=one.sender, reference=one.reference)


def success(index: SearchIndex, asked: list[Asked]) -> dict[str, Any]:
    """The part (0..1) of the queries whose letter is among the first three hits: in total and by kind."""
    kinds: dict[str, list[bool]] = defaultdict(list)
    for one in asked:
        found = index.search(SearchQuery(one.text, limit=3, highlight=False), principals=EVERYBODY)
        kinds[one.kind].append(one.letter in [int(hit.mail_id) for hit in found.hits])
    parts = {kind: round(sum(good) / len(good), 4) for kind, good in kinds.items()}
    return {"success_3": round(sum(map(sum, kinds.values())) / len(asked), 4), "kinds": parts}


def made_letters(index: SearchIndex, engine: str, count: int, asked: int, seeds: list[int]) -> None:
    """Print lines of one engine over the generated letters."""
    for rate in RATES:
        worst = 1.0
        for seed in seeds:
            made = letters(count, seed)
            index.reset()
            index.put(scanned(made, rate, seed))
            found = success(index, list(queries(made, asked, seed)))
            worst = min(worst, found["success_3"])
            tell(bench="relevance", engine=engine, noise=rate, seed=seed, letters=count, **found)
        tell(bench="relevance", engine=engine, noise=rate, worst_success_3=worst, target=TARGETS[rate])


def judged(folder: Path, client: Elasticsearch, index: SearchIndex) -> None:
    """Print lines over a judged collection: our engines and the peers."""
    documents = collection.lines(folder / "documents.jsonl")
    index.reset()
    index.put(document(no, one["title"], one["text"]) for no, one in enumerate(documents, start=1))
    collection.fill(client, documents)

    def ours(text: str) -> list[str]:
        found = index.search(SearchQuery(text, limit=10, highlight=False), principals=EVERYBODY)
        return [str(documents[int(hit.mail_id) - 1]["id"]) for hit in found.hits]

    for name in ("queries", "variants"):
        rows = collection.lines(folder / f"{name}.jsonl")
        for who, find in (("ours", ours), *collection.peers(client)) if rows else ():
            tell(
                bench="relevance",
                collection=folder.name,
                of=name,
                count=len(rows),
                who=who,
                **collection.figures(rows, find),
            )
    client.options(ignore_status=404).indices.delete(index=collection.PEERS)


def tell(**line: Any) -> None:
    """Print a line of JSON."""
    print(json.dumps(line, ensure_ascii=False), flush=True)


@contextmanager
def server(url: str | None) -> Iterator[str]:
    """The server that ``--url`` names, or a private one."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="ged-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        running = elastic.start(Path(folder), jvm=elastic.HEAP)
        try:
            yield running.url
        finally:
            stop(running)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[secrets.randbelow(10**6) for _ in range(3)])
    parser.add_argument("--collection", type=Path)
    parser.add_argument("--url")
    given = parser.parse_args()
    with (
        server(given.url) as url,
        tempfile.TemporaryDirectory() as folder,
        Elasticsearch(url, request_timeout=60) as client,
    ):
        index = ElasticIndex(url, alias="bench-relevance", timeout_s=30)
        try:
            made_letters(index, "elasticsearch", given.letters, given.queries, given.seeds)
            if given.collection:
                judged(given.collection, client, index)
        finally:
            index.close()
            for name in client.indices.get(index="bench-relevance*", features="aliases").body:
                client.indices.delete(index=name)
        embedded = TantivyIndex(Path(folder) / "index", writable=True)
        made_letters(embedded, "tantivy", given.letters, given.queries, given.seeds[:1])
        embedded.close()


if __name__ == "__main__":
    main()
