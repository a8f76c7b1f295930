"""Calls to Elasticsearch: bulk requests of bounded size, and every failure as an exception of ours.

An exception never carries the server's message about a document, which could quote the document's text.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError
from elasticsearch.helpers import streaming_bulk

from ged.errors import EngineFailed

CHUNK_DOCUMENTS = 500
CHUNK_BYTES = 5_000_000
RETRIES = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 2.0  # a job holds its lease meanwhile; what is still refused then waits as a job
_BUSY = (429, 502, 503, 504)

Operation = dict[str, Any]
"""An action of a bulk request on one letter, in the format of the client's helper."""


def operation(kind: str, mail_id: int, version: int, source: Mapping[str, Any] | None) -> Operation:
    """Index or delete a letter, unless a newer version of it is there.

    Half a surrogate, which no server takes, becomes a question mark.
    """
    about = {"_op_type": kind, "_id": str(mail_id), "version": version, "version_type": "external_gte"}
    if source is None:
        return about
    return about | {"_source": json.dumps(source, ensure_ascii=False).encode("utf-8", "replace")}


def bulk(client: Elasticsearch, alias: str, operations: Iterable[Operation]) -> int:
    """Send all operations. A version conflict counts as done: the index already has a newer version.

    Letters that a busy server refuses are sent again, after pauses.

    Returns:
        How many were sent.
    """
    sent = 0
    for is_done, item in streaming_bulk(
        client,
        operations,
        index=alias,
        chunk_size=CHUNK_DOCUMENTS,
        max_chunk_bytes=CHUNK_BYTES,
        # Where the alias is gone, the server would create an index of this name, without our mapping.
        require_alias=True,
        raise_on_error=False,
        max_retries=RETRIES,
        initial_backoff=FIRST_PAUSE_S,
        max_backoff=LONGEST_PAUSE_S,
        retry_on_status=429,
    ):
        if not is_done:
            _accept(next(iter(item.values())))
        sent += 1
    return sent


def _accept(outcome: Mapping[str, Any]) -> None:
    status = int(outcome["status"])
    if (status in (404, 409) and "error" not in outcome) or _is_conflict(outcome):
        return
    kind = str(outcome.get("error", {}).get("type", status))
    if status in _BUSY or kind == "index_not_found_exception":
        raise _unavailable(kind)
    raise EngineFailed("index.rejected", "Look at the letter's index job.", mail_id=int(outcome["_id"]), why=kind)


def _is_conflict(outcome: Mapping[str, Any]) -> bool:
    return bool(outcome.get("error", {}).get("type") == "version_conflict_engine_exception")


def answered(response: Mapping[str, Any]) -> Mapping[str, Any]:
    """One response of a multi-search, checked for failure."""
    status = int(response.get("status", 200))
    if status in _BUSY or status == 404:
        raise _unavailable(str(status))
    if "error" in response:
        raise EngineFailed("index.rejected", "Look at the log of Elasticsearch.", status=status)
    return response


def _unavailable(why: str) -> EngineFailed:
    remedy = "Start Elasticsearch, or look at its log; waiting jobs catch up by themselves."
    return EngineFailed("index.unavailable", remedy, retryable=True, why=why)


@contextmanager
def calls() -> Iterator[None]:
    """Turn the client's exceptions into ours."""
    try:
        yield
    except TransportError as error:
        raise _unavailable(type(error).__name__) from error
    except ApiError as error:
        status = error.meta.status
        if status in (401, 403):
            raise EngineFailed(
                "index.forbidden", "Check GED_ELASTICSEARCH_API_KEY and its rights.", status=status
            ) from error
        if status in _BUSY or error.error == "index_not_found_exception":
            raise _unavailable(error.error or str(status)) from error
        raise EngineFailed(
            "index.rejected", "Look at the log of Elasticsearch.", why=error.error, status=status
        ) from error
