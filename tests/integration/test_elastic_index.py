"""Behaviour that only a real Elasticsearch shows: analysis of words, schema versions, two workers, failures,
security."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from elasticsearch import Elasticsearch

from ged.errors import EngineFailed
from ged.ports import MailId, SearchQuery
from indexer import analysis, elastic_query, elastic_schema, fields, shapes
from indexer.elastic_index import ElasticIndex
from indexer.synonyms import SHIPPED, SynonymFile
from tests.contracts.letters import ALL, letter
from tests.elastic_kit import bare, server
from tests.servers import elastic as servers

__all__ = ["bare", "server"]  # fixtures

pytestmark = [pytest.mark.in_turns(3), pytest.mark.servers]

ENDINGS = [
    "issement",
    "issements",
    "issant",
    "ivement",
    "ement",
    "ements",
    "ficatrice",
    "ficateur",
    "catrice",
    "cateur",
    "atrice",
    "ateur",
    "ateurs",
    "trice",
    "trices",
    "ième",
    "ièmes",
    "teuse",
    "teur",
    "euse",
    "euses",
    "ère",
    "ères",
    "ive",
    "ives",
    "folle",
    "molle",
    "nnelle",
    "nnel",
    "nnels",
    "ète",
    "ètes",
    "ique",
    "iques",
    "esse",
    "inage",
    "isation",
    "ualisation",
    "isateur",
    "ation",
    "ations",
    "ition",
    "itions",
    "ie",
    "ies",
    "er",
    "ée",
    "ées",
    "és",
    "eaux",
    "aux",
    "oux",
    "x",
    "s",
    "elle",
    "ette",
    "té",
    "tés",
    "ité",
]
WORDS = [
    "Élèves",
    "œuvres",
    "l'électricité",
    "d’Almeida",
    "N'Guessan",
    "aujourd'hui",
    "aujourd’hui",
    "Aného",
    "Kɔdzo",
    "Ɖɔkuta",
    "ŊUTƆ",
    "Éɣi",
    "ƐWƐ",
    "ƒe",
    "ʋu",
    "Ʋɔ",
    "présidentiels",
    "ministère",
    "directrice",
    "naïf",
    "noël",
    "maïs",
    "Côte",
    "ÉCOLE",
    "2025",
    "00123",
    "000",
    "12e",
    "n°",
    "straße",
    "Ärzte",
    "Łódź",
    "señor",
    "ça",
]


@pytest.fixture
def alias(server: servers.Connection) -> Iterator[str]:
    name = f"ged-test-{uuid4().hex}"
    yield name
    servers.forget(server, name)


@pytest.fixture
def index(server: servers.Connection, alias: str) -> Iterator[ElasticIndex]:
    plug = ElasticIndex(server.url, alias=alias, api_key=server.api_key, ca_path=server.ca_path)
    yield plug
    plug.close()


def made_words() -> list[str]:
    source = random.Random(20250301)
    starts = ["".join(source.choices("abcdefgilmnoprstuvéèêçôœ", k=source.randint(1, 8))) for _ in range(40)]
    return WORDS + [start + ending for start in starts for ending in ENDINGS]


def test_both_engines_see_the_same_terms(bare: Elasticsearch, index: ElasticIndex, alias: str) -> None:
    index.reset()
    for word in WORDS:
        exact = {token["token"] for token in _analysed(bare, alias, "ged_exact", word)}
        (forms,) = analysis.words(word)
        assert exact == {forms.written, forms.folded}, word
    for text in (
        "61 773,00 et 61.773 ; 1.234,5",
        "61\u202f773\u00a0F",
        "S.E.M l'école aujourd'hui a_b 10:30 v2.0 13e O'NEIL's",
    ):
        parted = [token["token"] for token in _analysed(bare, alias, "ged_folded", text)]
        assert parted == [form.folded for form in analysis.words(text)]
    words = made_words()
    stems = [token["token"] for token in _analysed(bare, alias, "ged_stemmed", " ".join(words))]
    assert stems == [form.stem for word in words for form in analysis.words(word)]


def test_a_word_that_is_sent_as_its_term_has_the_terms_of_the_server(
    bare: Elasticsearch, index: ElasticIndex, alias: str
) -> None:
    """Each Latin letter, small and capital, inside a word; and all made words."""
    index.reset()
    letters = [chr(code) for code in range(0xAA, 0x260) if chr(code).isalpha()]
    words = [analysis.clean(f"marc{one}hement") for one in letters] + made_words()
    usual = [forms for word in words for forms in analysis.words(word) if elastic_query.is_usual(forms)]
    assert len(usual) > len(made_words()) // 2
    assert sum(not form.written.isascii() for form in usual) > 50
    for analyzer in ("ged_stemmed", "ged_folded", "ged_written"):
        text = " ".join(form.written for form in usual)
        told = [token["token"] for token in _analysed(bare, alias, analyzer, text)]
        assert told == [elastic_query.term(form, analyzer) for form in usual]


def test_both_see_the_same_shapes(bare: Elasticsearch, index: ElasticIndex, alias: str) -> None:
    index.reset()
    words = [word for word in made_words() if "'" not in word and "’" not in word and word.isalnum() and len(word) < 30]
    shaped = [token["token"] for token in _analysed(bare, alias, "ged_shape", " ".join(words))]
    assert shaped == [shapes.shape(analysis.forms(word).written) for word in words]


@pytest.mark.parametrize(
    ("asked", "read"),
    [("marche", "le rnarche couvert"), ("lome", "1ome le 3"), ("décret", "le projet de clecret"),
     ("transformateur", "les transfor mateur de Kara"), ("appel offres", "un appeloffres ouvert")],
)  # fmt: skip
def test_a_badly_read_word_is_found_below_the_word_itself(index: ElasticIndex, asked: str, read: str) -> None:
    index.put([letter(1, "x", read), letter(2, "y", f"le {asked} de Kara"), letter(3, "z", "un bail")])
    found = index.search(SearchQuery(asked), principals=ALL)
    assert [int(hit.mail_id) for hit in found.hits] == [2, 1]


def _analysed(bare: Elasticsearch, alias: str, analyzer: str, text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bare.indices.analyze(index=alias, analyzer=analyzer, text=text)["tokens"]
    return found


def test_mapping_is_strict_and_says_its_version(bare: Elasticsearch, index: ElasticIndex, alias: str) -> None:
    index.put([letter(1, "école", "texte", their_reference="A/1", units=("DG",))])
    (found,) = bare.indices.get_mapping(index=alias).body.values()
    assert found["mappings"]["dynamic"] == "strict"
    assert found["mappings"]["_meta"]["schema_version"] == fields.SCHEMA_VERSION
    known = set(elastic_schema.mapping()["properties"])
    assert set(found["mappings"]["properties"]) == known


def test_a_letter_that_is_refused_is_named_and_its_piece_is_written(
    index: ElasticIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.reset()
    plain = elastic_schema.to_source

    def with_a_field_of_its_own(record: Any) -> dict[str, Any]:
        source = plain(record)
        return source | {"unknown": "secret text"} if source["mail_id"] == 2 else source

    monkeypatch.setattr(elastic_schema, "to_source", with_a_field_of_its_own)
    with pytest.raises(EngineFailed) as failure:
        index.put([letter(1, "un"), letter(2, "deux"), letter(3, "trois")])
    assert (failure.value.code, failure.value.params["mail_id"]) == ("index.rejected", 2)
    assert failure.value.params["why"] == "strict_dynamic_mapping_exception"
    assert "secret" not in repr(failure.value.params)
    assert set(index.versions([MailId(1), MailId(2), MailId(3)])) == {1, 3}


def test_reset_swaps_the_alias_and_leaves_one_index(bare: Elasticsearch, index: ElasticIndex, alias: str) -> None:
    index.put([letter(1, "école")])
    index.reset()
    index.reset()
    assert list(bare.indices.get(index=f"{alias}*").body) == [f"{alias}-v{fields.SCHEMA_VERSION}-000003"]


def test_an_index_of_another_schema_is_refused_until_reset(
    bare: Elasticsearch, index: ElasticIndex, alias: str
) -> None:
    bare.indices.create(index=f"{alias}-v0-000007", mappings={"_meta": {"schema_version": 99}}, aliases={alias: {}})
    for call in (lambda: index.put([letter(1)]), lambda: index.search(SearchQuery(""), principals=ALL)):
        with pytest.raises(EngineFailed, match=r"index\.schema_outdated") as failure:
            call()
        assert failure.value.retryable  # it waits for the rebuild
    assert index.status().schema_version == 99
    index.reset()
    index.put([letter(1, "école")])
    assert index.search(SearchQuery("école"), principals=ALL).total == 1


def test_without_an_index_search_says_so(index: ElasticIndex) -> None:
    with pytest.raises(EngineFailed, match=r"index\.unavailable") as failure:
        index.search(SearchQuery("x"), principals=ALL)
    assert failure.value.retryable
    assert index.status().documents == 0


def test_a_lost_index_is_not_made_up_by_the_server(server: servers.Connection, index: ElasticIndex, alias: str) -> None:
    index.put([letter(1)])
    servers.forget(server, alias)
    with pytest.raises(EngineFailed, match=r"index\.unavailable"):
        index.put([letter(1)])
    index.put([letter(1, "école")])
    assert index.search(SearchQuery("école"), principals=ALL).total == 1


def test_two_workers_make_one_index(server: servers.Connection, bare: Elasticsearch, alias: str) -> None:
    plugs = [ElasticIndex(server.url, alias=alias, api_key=server.api_key, ca_path=server.ca_path) for _ in range(4)]
    failures: list[BaseException] = []

    def put(number: int) -> None:
        try:
            plugs[number].put([letter(1, f"version {number}", version=number + 1), letter(10 + number, "autre")])
        except BaseException as failure:  # noqa: BLE001  (shown by the test below)
            failures.append(failure)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(bare.indices.get_alias(name=alias).body) == 1
    assert plugs[0].versions([MailId(1)]) == {1: 4}
    assert plugs[0].status().documents == 5
    for plug in plugs:
        plug.close()


def test_a_server_that_is_down_is_said_quickly() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        down = ElasticIndex(f"http://127.0.0.1:{taken.getsockname()[1]}")
        start = time.monotonic()
        for call in (lambda: down.search(SearchQuery("x"), principals=ALL), lambda: down.put([letter(1)]), down.status):
            with pytest.raises(EngineFailed, match=r"index\.unavailable") as failure:
                call()
            assert failure.value.retryable
        assert time.monotonic() - start < 4.5
        down.close()


def test_a_server_that_hangs_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hung = ElasticIndex(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.5)
        start = time.monotonic()
        with pytest.raises(EngineFailed, match=r"index\.unavailable"):
            hung.search(SearchQuery("x"), principals=ALL)
        assert time.monotonic() - start < 4.5
        hung.close()


def test_totals_are_a_bound_when_they_are_many(index: ElasticIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.elastic_index.EXACT_TOTAL", 10)
    index.put([letter(number, "avis") for number in range(1, 31)])
    result = index.search(SearchQuery("avis"), principals=ALL)
    assert not result.total_is_exact
    assert result.total == 10


def test_an_edit_of_the_synonyms_counts_in_the_next_search_and_writes_nothing(
    server: servers.Connection, bare: Elasticsearch, alias: str, tmp_path: Path
) -> None:
    book = SynonymFile(tmp_path / "synonyms.txt", otherwise=SHIPPED)
    index = ElasticIndex(server.url, alias=alias, api_key=server.api_key, ca_path=server.ca_path, synonyms=book)
    try:
        index.put([letter(1, subject="Rapport du fonds de développement rural")])

        def found(text: str) -> list[int]:
            return [int(hit.mail_id) for hit in index.search(SearchQuery(text), principals=ALL).hits]

        def writes() -> int:
            return int(bare.indices.stats(index=alias)["_all"]["total"]["indexing"]["index_total"])

        before = writes()
        assert found("FDR") == []
        book.replace("FDR = fonds de développement rural")
        assert found("FDR") == [1]
        book.replace("")
        assert found("FDR") == []
        assert writes() == before
    finally:
        index.close()
