"""All pages of a search come from one copy of each shard; what stands beside the hits does not hide them."""

import json
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders
from elastic_transport._node import NodeApiResponse
from elasticsearch import Elasticsearch

from ged.errors import EngineFailed
from ged.ports import SearchQuery, SortOrder
from indexer.elastic_correct import MOST_READ
from indexer.elastic_index import ElasticIndex
from indexer.fields import SCHEMA_VERSION
from tests.contracts.letters import ALL


class Wire(BaseNode):
    """Notes the preference of each search, and finds ``hits``. Of several searches in one call (``asked``), ``failing`` fails: each, or the call."""

    preferences: ClassVar[list[str]] = []
    hits: ClassVar[list[dict[str, Any]]] = []
    failing: ClassVar[str] = ""
    asked: ClassVar[list[dict[str, Any]]] = []

    def perform_request(
        self, method: str, target: str, body: bytes | None = None, headers: Any = None, request_timeout: Any = None
    ) -> NodeApiResponse:
        address = urlsplit(target)
        if address.path.endswith("/_search"):
            Wire.preferences += parse_qs(address.query).get("preference", [""])
        answer: dict[str, Any] = {"hits": {"total": {"value": len(Wire.hits), "relation": "eq"}, "hits": Wire.hits}}
        status = 200
        if address.path.endswith("/_msearch"):
            one = {"status": 429, "error": {"type": "es_rejected_execution_exception"}} if Wire.failing else answer
            Wire.asked += [json.loads(line) for line in (body or b"").splitlines()[1::2]]
            answer = {"responses": [one] * (len((body or b"").splitlines()) // 2)}
            status = 503 if Wire.failing == "call" else 200
        types = {"content-type": "application/vnd.elasticsearch+json", "x-elastic-product": "Elasticsearch"}
        meta = ApiResponseMeta(status, "1.1", HttpHeaders(types), 0.0, self.config)
        return NodeApiResponse(meta, json.dumps(answer).encode())

    def close(self) -> None:
        """Do nothing: no connection is open."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> ElasticIndex:
    Wire.preferences, Wire.hits, Wire.failing, Wire.asked = [], [], "", []
    made = ElasticIndex("http://127.0.0.1:9", alias="ged")
    monkeypatch.setattr(made, "_client", Elasticsearch("http://127.0.0.1:9", node_class=Wire, max_retries=0))
    monkeypatch.setattr(made._frequencies, "_client", made._client)
    monkeypatch.setattr(made._corrections, "_client", made._client)
    monkeypatch.setattr(made._generations, "schema_version", lambda _alias: SCHEMA_VERSION)
    return made


@pytest.mark.parametrize("sort", SortOrder)
def test_pages_of_one_search_ask_one_copy_and_searches_are_spread(index: ElasticIndex, sort: SortOrder) -> None:
    """Copies order letters of one score each in its own way: with a page from each, a letter was told twice, another not at all."""
    for text in ("demande d'audience", "bail"):
        for offset in (0, 20, 60):
            index.search(SearchQuery(text, offset=offset, sort=sort), principals=ALL)
    first, second = Wire.preferences[:3], Wire.preferences[3:]
    assert len(set(first)) == len(set(second)) == 1
    assert first[0]
    assert not first[0].startswith("_")
    assert first[0] != second[0]


@pytest.mark.parametrize("failing", ["each", "call"])
def test_a_correction_that_cannot_be_made_does_not_hide_the_hits(index: ElasticIndex, failing: str) -> None:
    """It takes more searches than the hits themselves, so a busy server refuses one of these first."""
    Wire.hits = [{"_id": "7", "_score": 1.0, "_source": {"subject": "Autre"}, "sort": [1.0, 7]}]
    Wire.failing = failing
    found = index.search(SearchQuery("electrifcation mobiler", highlight=True), principals=ALL)
    assert [int(hit.mail_id) for hit in found.hits] == [7]
    assert (found.did_you_mean, found.not_together) == (None, None)


def test_a_failure_without_a_hit_is_no_empty_page(index: ElasticIndex) -> None:
    Wire.failing = "each"
    with pytest.raises(EngineFailed):
        index.search(SearchQuery("electrifcation mobiler", highlight=True), principals=ALL)


def test_the_letters_that_are_read_for_corrections_are_bounded_for_all_words_together(index: ElasticIndex) -> None:
    words = " ".join(f"obsrvation{end}" for end in "abcdefghijkl")
    index.search(SearchQuery(words), principals=ALL)
    assert 0 < sum(one["size"] for one in Wire.asked) <= MOST_READ
