"""All pages of a search come from one copy of each shard; what stands beside the hits does not hide them."""

import json
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders
from elastic_transport._node import NodeApiResponse
from elasticsearch import Elasticsearch

from ged.errors import EngineFailed
from ged.ports import MailId, SearchQuery, SortOrder
from indexer.elastic_correct import MOST_READ
from indexer.elastic_index import ElasticIndex
from indexer.elastic_query import MAX_TERMS_SENT
from indexer.elastic_suggest import allowed
from indexer.fields import SCHEMA_VERSION
from tests.contracts.letters import ALL

MISTYPED = "obsrvation"


class Wire(BaseNode):
    """Notes the preference of each search, and finds ``hits``. Several searches as one (``asked``) are refused with the status ``failing``;
    else each of them finds a letter with the text ``near``, but those that count letters with a mistyped word. The bytes of all calls are counted (``sent``)."""

    preferences: ClassVar[list[str]] = []
    hits: ClassVar[list[dict[str, Any]]] = []
    failing: ClassVar[int] = 0
    near: ClassVar[str] = ""
    asked: ClassVar[list[dict[str, Any]]] = []
    sent: ClassVar[list[int]] = []

    def perform_request(
        self, method: str, target: str, body: bytes | None = None, headers: Any = None, request_timeout: Any = None
    ) -> NodeApiResponse:
        address = urlsplit(target)
        several = json.loads(body or b"{}").get("aggs", {}).get("several")
        if address.path.endswith("/_search") and not several:
            Wire.preferences += parse_qs(address.query).get("preference", [""])
        answer: dict[str, Any] = {"hits": {"total": {"value": len(Wire.hits), "relation": "eq"}, "hits": Wire.hits}}
        status = 200
        Wire.sent.append(len(body or b""))
        if several:
            Wire.asked.append(several)
            letters = {"hits": {"hits": [{"_source": {"subject": Wire.near}}]}}
            near = letters if Wire.near else {"hits": {"hits": []}}
            clauses = several["filters"]["filters"]
            counts = [int(bool(Wire.near) and MISTYPED not in json.dumps(clause)) for clause in clauses]
            answer = {"aggregations": {"several": {"buckets": [{"doc_count": one, "newest": near} for one in counts]}}}
            status = Wire.failing or 200
        types = {"content-type": "application/vnd.elasticsearch+json", "x-elastic-product": "Elasticsearch"}
        meta = ApiResponseMeta(status, "1.1", HttpHeaders(types), 0.0, self.config)
        return NodeApiResponse(meta, json.dumps(answer).encode())

    def close(self) -> None:
        """Do nothing: no connection is open."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> ElasticIndex:
    Wire.preferences, Wire.hits, Wire.failing, Wire.near, Wire.asked, Wire.sent = [], [], 0, "", [], []
    made = ElasticIndex("http://127.0.0.1:9", alias="ged")
    monkeypatch.setattr(made, "_client", Elasticsearch("http://127.0.0.1:9", node_class=Wire, max_retries=0))
    monkeypatch.setattr(made._frequencies, "_client", made._client)
    monkeypatch.setattr(made._corrections, "_client", made._client)
    monkeypatch.setattr(made._readers, "_client", made._client)
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


@pytest.mark.parametrize("failing", [429, 503])
def test_a_correction_that_cannot_be_made_does_not_hide_the_hits(index: ElasticIndex, failing: int) -> None:
    """It takes more searches than the hits themselves, so a busy server refuses one of these first."""
    Wire.hits = [{"_id": "7", "_score": 1.0, "_source": {"subject": "Autre"}, "sort": [1.0, 7]}]
    Wire.failing = failing
    found = index.search(SearchQuery("electrifcation mobiler", highlight=True), principals=ALL)
    assert [int(hit.mail_id) for hit in found.hits] == [7]
    assert (found.did_you_mean, found.not_together) == (None, None)


def test_a_failure_without_a_hit_is_no_empty_page(index: ElasticIndex) -> None:
    Wire.failing = 429
    with pytest.raises(EngineFailed):
        index.search(SearchQuery("electrifcation mobiler", highlight=True), principals=ALL)


def test_the_letters_that_are_read_for_corrections_are_bounded_for_all_words_together(index: ElasticIndex) -> None:
    words = " ".join(f"{MISTYPED}{end}" for end in "abcdefghijkl")
    index.search(SearchQuery(words), principals=ALL)
    read = [
        len(one["filters"]["filters"]) * one["aggs"]["newest"]["top_hits"]["size"]
        for one in Wire.asked
        if "aggs" in one
    ]
    assert 0 < sum(read) <= MOST_READ


def test_the_letters_whose_rights_changed_are_sent_once_a_call(index: ElasticIndex) -> None:
    """Each of the searches for corrections named them: a search of a few kilobytes sent megabytes."""
    Wire.near = " ".join(f"observation{end}" for end in "abcdefghijkl")
    words = " ".join(f"{MISTYPED}{end}" for end in "abcdefghijkl")
    calls = {}
    index.search(SearchQuery(words), principals=ALL)  # how many letters hold the words is asked once
    for changed in (0, 5_000):
        Wire.sent.clear()
        index._corrections._known.clear()
        index._readers._known.clear()
        index.search(SearchQuery(words, exclude=frozenset(map(MailId, range(1, changed + 1)))), principals=ALL)
        calls[changed] = list(Wire.sent)
    one_list = len(json.dumps(list(range(1, 5_001)), separators=(",", ":")))
    more = [after - before for before, after in zip(calls[0], calls[5_000], strict=True)]
    assert len(more) == 6, (
        "the search, three calls for corrections, the search with them, one for the words that are nowhere"
    )
    assert all(one_list < one < one_list + 100 for one in more)


def test_more_letters_than_one_list_may_have_are_left_out(index: ElasticIndex) -> None:
    changed = frozenset(map(MailId, range(1, MAX_TERMS_SENT + 2)))
    lists = [one["terms"]["mail_id"] for one in allowed(ALL, changed)["bool"]["must_not"]]
    assert [len(one) for one in lists] == [MAX_TERMS_SENT, 1]
    assert {MailId(one) for part in lists for one in part} == changed
