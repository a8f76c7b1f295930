"""Bulk requests as the client's helper sends them, over a scripted connection: limits, pauses, outcomes."""

import json
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders
from elastic_transport._node import NodeApiResponse
from elasticsearch import Elasticsearch

from ged.errors import EngineFailed
from indexer import elastic_calls
from indexer.elastic_calls import bulk, calls, operation

Outcome = tuple[int, str]
"""Status and type of the error, or empty."""


class Wire(BaseNode):
    """Accepts bulk requests, and answers for each letter as the test says."""

    taken: ClassVar[list[list[dict[str, Any]]]] = []
    sizes: ClassVar[list[int]] = []
    outcome: ClassVar[Callable[[int, int], Outcome]]
    whole: ClassVar[Callable[[int], int]]

    def perform_request(
        self, method: str, target: str, body: bytes | None = None, headers: Any = None, request_timeout: Any = None
    ) -> NodeApiResponse:
        assert body is not None
        assert target == "/ged/_bulk?require_alias=true"
        lines = [json.loads(line) for line in body.split(b"\n") if line]
        heads = [line for line in lines if line and set(line) <= {"index", "delete"}]
        Wire.taken.append(heads)
        Wire.sizes.append(len(body))
        items = []
        for head in heads:
            ((kind, about),) = head.items()
            status, error = Wire.outcome(int(about["_id"]), len(Wire.taken))
            items.append({kind: about | {"status": status} | ({"error": {"type": error}} if error else {})})
        answer = {"errors": True, "items": items}
        types = {"content-type": "application/vnd.elasticsearch+json", "x-elastic-product": "Elasticsearch"}
        meta = ApiResponseMeta(Wire.whole(len(Wire.taken)), "1.1", HttpHeaders(types), 0.0, self.config)
        return NodeApiResponse(meta, json.dumps(answer).encode())

    def close(self) -> None:
        """Do nothing: no connection is open."""


@pytest.fixture
def client() -> Iterator[Elasticsearch]:
    Wire.taken, Wire.sizes = [], []
    Wire.outcome = lambda mail_id, turn: (200, "")
    Wire.whole = lambda turn: 200
    with Elasticsearch("http://127.0.0.1:9", node_class=Wire, max_retries=0) as made:
        yield made


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr("elasticsearch.helpers.actions.time.sleep", made.append)
    return made


def letters(count: int, text: str = "texte") -> Iterator[dict[str, Any]]:
    return (operation("index", number, 7, {"text": text}) for number in range(1, count + 1))


def test_each_letter_bears_its_version_and_newer_ones_win(client: Elasticsearch) -> None:
    assert bulk(client, "ged", [operation("index", 1, 7, {}), operation("delete", 2, 8, None)]) == 2
    assert Wire.taken == [
        [
            {"index": {"_id": "1", "version": 7, "version_type": "external_gte"}},
            {"delete": {"_id": "2", "version": 8, "version_type": "external_gte"}},
        ]
    ]


def test_pieces_are_bounded_in_letters_and_bytes(client: Elasticsearch, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bulk(client, "ged", letters(1201)) == 1201
    assert [len(piece) for piece in Wire.taken] == [500, 500, 201]
    monkeypatch.setattr(elastic_calls, "CHUNK_BYTES", 10_000)
    Wire.taken, Wire.sizes = [], []
    assert bulk(client, "ged", letters(20, "x" * 3_000)) == 20
    assert max(Wire.sizes) <= 10_000
    assert sum(map(len, Wire.taken)) == 20
    Wire.sizes = []
    assert bulk(client, "ged", letters(1, "x" * 30_000)) == 1, "a letter larger than a piece goes by itself"


def test_half_a_surrogate_is_sent_as_a_question_mark(client: Elasticsearch) -> None:
    assert b"?" in operation("index", 1, 1, {"text": "a\ud800"})["_source"]
    assert bulk(client, "ged", [operation("index", 1, 1, {"text": "a\ud800"})]) == 1


def test_letters_that_a_busy_server_refuses_are_sent_again_after_pauses(
    client: Elasticsearch, pauses: list[float]
) -> None:
    Wire.outcome = lambda mail_id, turn: (
        (429, "es_rejected_execution_exception") if mail_id == 2 and turn < 3 else (200, "")
    )
    assert bulk(client, "ged", letters(3)) == 3
    assert [[int(one["index"]["_id"]) for one in piece] for piece in Wire.taken] == [[1, 2, 3], [2], [2]]
    assert pauses == [0.5, 1.0]


def test_a_server_that_refuses_the_whole_is_asked_again(client: Elasticsearch, pauses: list[float]) -> None:
    Wire.whole = lambda turn: 429 if turn == 1 else 200
    assert bulk(client, "ged", letters(3)) == 3
    assert [len(piece) for piece in Wire.taken] == [3, 3]
    assert pauses == [0.5]


def test_a_server_that_stays_busy_is_left_to_the_job(client: Elasticsearch, pauses: list[float]) -> None:
    Wire.outcome = lambda mail_id, turn: (429, "es_rejected_execution_exception")
    with pytest.raises(EngineFailed) as failure, calls():
        bulk(client, "ged", letters(1))
    assert (failure.value.code, failure.value.retryable) == ("index.unavailable", True)
    assert (len(Wire.taken), pauses) == (4, [0.5, 1.0, 2.0])


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (409, "version_conflict_engine_exception", ""),
        (404, "", ""),
        (404, "index_not_found_exception", "index.unavailable"),
        (503, "unavailable_shards_exception", "index.unavailable"),
        (400, "document_parsing_exception", "index.rejected"),
    ],
)
def test_what_becomes_of_a_letter(client: Elasticsearch, status: int, error: str, code: str) -> None:
    Wire.outcome = lambda mail_id, turn: (status, error) if mail_id == 2 else (200, "")
    if not code:
        assert bulk(client, "ged", letters(3)) == 3
        return
    with pytest.raises(EngineFailed) as failure:
        bulk(client, "ged", letters(3))
    assert failure.value.code == code
    assert failure.value.params.get("mail_id") == (2 if code == "index.rejected" else None)
