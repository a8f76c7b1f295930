"""All pages of a search come from one copy of each shard."""

import json
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders
from elastic_transport._node import NodeApiResponse
from elasticsearch import Elasticsearch

from ged.ports import SearchQuery, SortOrder
from indexer.elastic_index import ElasticIndex
from indexer.fields import SCHEMA_VERSION
from tests.contracts.letters import ALL


class Wire(BaseNode):
    """Notes the preference of each search, and finds nothing."""

    preferences: ClassVar[list[str]] = []

    def perform_request(
        self, method: str, target: str, body: bytes | None = None, headers: Any = None, request_timeout: Any = None
    ) -> NodeApiResponse:
        address = urlsplit(target)
        if address.path.endswith("/_search"):
            Wire.preferences += parse_qs(address.query).get("preference", [""])
        answer: dict[str, Any] = {"hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}}
        if address.path.endswith("/_msearch"):
            answer = {"responses": [answer] * (len((body or b"").splitlines()) // 2)}
        types = {"content-type": "application/vnd.elasticsearch+json", "x-elastic-product": "Elasticsearch"}
        meta = ApiResponseMeta(200, "1.1", HttpHeaders(types), 0.0, self.config)
        return NodeApiResponse(meta, json.dumps(answer).encode())

    def close(self) -> None:
        """Do nothing: no connection is open."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> ElasticIndex:
    Wire.preferences = []
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
