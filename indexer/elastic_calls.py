"""Calls to Elasticsearch: bulk in bounded pieces, and every failure as one of ours.

A failure never carries what the server says about a document: its text could be in it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError

from ged.errors import EngineFailed

CHUNK_DOCUMENTS = 500
CHUNK_BYTES = 5_000_000
_JSON = "application/vnd.elasticsearch+json; compatible-with=9"
_NDJSON = "application/vnd.elasticsearch+x-ndjson; compatible-with=9"
_BUSY = (429, 502, 503, 504)


@dataclass(frozen=True)
class Operation:
    """One line of a bulk request, with its document when there is one."""

    mail_id: int
    action: dict[str, Any]
    source: dict[str, Any] | None

    def lines(self) -> bytes:
        """As the bulk interface wants it: one JSON text a line."""
        parts = [self.action] if self.source is None else [self.action, self.source]
        return b"".join(json.dumps(part, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for part in parts)


def bulk(client: Elasticsearch, alias: str, operations: Iterable[Operation]) -> int:
    """Send all operations; a version conflict means that a newer one is there, which is as good as done.

    Returns:
        How many were sent.
    """
    sent = 0
    for ids, body in _pieces(operations):
        answer = client.perform_request(
            "POST",
            f"/{alias}/_bulk",
            headers={"accept": _JSON, "content-type": _NDJSON},
            body=body,
        )
        for mail_id, item in zip(ids, answer.body["items"], strict=True):
            _accept(mail_id, next(iter(item.values())))
        sent += len(ids)
    return sent


def _pieces(operations: Iterable[Operation]) -> Iterator[tuple[list[int], bytes]]:
    ids: list[int] = []
    body = bytearray()
    for operation in operations:
        lines = operation.lines()
        if ids and (len(ids) >= CHUNK_DOCUMENTS or len(body) + len(lines) > CHUNK_BYTES):
            yield ids, bytes(body)
            ids, body = [], bytearray()
        ids.append(operation.mail_id)
        body += lines
    if ids:
        yield ids, bytes(body)


def _accept(mail_id: int, outcome: dict[str, Any]) -> None:
    status = int(outcome["status"])
    if status < 300 or (status in (404, 409) and "error" not in outcome) or _is_conflict(outcome):
        return
    kind = str(outcome.get("error", {}).get("type", status))
    if status in _BUSY or kind == "index_not_found_exception":
        raise _unavailable(kind)
    raise EngineFailed("index.rejected", "Look at the letter's index job.", mail_id=mail_id, why=kind)


def _is_conflict(outcome: dict[str, Any]) -> bool:
    return bool(outcome.get("error", {}).get("type") == "version_conflict_engine_exception")


def answered(response: Mapping[str, Any]) -> Mapping[str, Any]:
    """One answer of several asked for at once."""
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
