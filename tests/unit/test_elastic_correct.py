"""Which words Elasticsearch is asked about before a correction, how long its answers are kept, and which words of texts are near."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from elasticsearch import Elasticsearch

from ged.ports import MailId, Principals
from indexer import elastic_correct
from indexer.elastic_correct import OFFERS, Corrections, near_words
from indexer.passages import Stored
from tests.contracts.letters import who

HELD = {"mobili": 1}
"""Stem -> the letters with it; others are in none."""


class Server:
    """Counts letters as Elasticsearch does, knows no near word, and notes how many clauses each call had."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def search(self, *, index: str, aggs: Mapping[str, Any], **_told: Any) -> SimpleNamespace:
        assert index == "ged"
        clauses = aggs["several"]["filters"]["filters"]
        self.calls.append(len(clauses))
        return SimpleNamespace(body={"aggregations": {"several": {"buckets": [*map(self._bucket, clauses)]}}})

    def _bucket(self, clause: Mapping[str, Any]) -> dict[str, Any]:
        terms = [one.get("term", {}).get("pages.text") for one in clause["bool"].get("should", ())]
        return {"doc_count": max((HELD.get(stem, 0) for stem in terms), default=0), "newest": {"hits": {"hits": []}}}


def corrections() -> tuple[Corrections, Server]:
    server = Server()
    return Corrections(cast(Elasticsearch, server), "ged"), server


def ask(known: Corrections, *words: str, first: Sequence[Stored] = (), reader: Principals | None = None, without: int = 0) -> None:  # fmt: skip
    exclude = frozenset({MailId(without)} if without else ())
    assert known.meant(words, first, reader or who(ordinary="u1"), exclude) == {}


def letter(text: str) -> Stored:
    return Stored({}, {}, [(1, 1, text)])


def test_near_words_are_asked_for_words_of_no_letter_alone() -> None:
    known, server = corrections()
    ask(known, "mobilier")
    assert server.calls == [1]
    ask(known, "rideau", "mobilier", "nulle")
    assert server.calls == [1, 2, 2], "how many letters have the unknown words, then the words near to both"


def test_a_word_that_one_of_the_first_letters_has_is_not_asked() -> None:
    known, server = corrections()
    ask(known, "mobilier", first=[letter("du bail"), letter("du Mobilier")])
    assert server.calls == []
    ask(known, "rideau", first=[letter("du bail")])
    assert server.calls == [1, 1], "whether a letter has the word, then the words near to it"


def test_no_more_first_letters_are_read_than_are_needed() -> None:
    known, _server = corrections()
    first = iter([letter("mobilier")] * 3)
    known.meant(["mobilier"], first, who(ordinary="u1"), frozenset())
    assert len(list(first)) == 2


def test_what_is_kept_for_a_reader_serves_no_other() -> None:
    known, server = corrections()
    for _ in range(2):
        ask(known, "mobilier")
        ask(known, "mobilier", reader=who(ordinary="u2"))
        ask(known, "mobilier", reader=who(restricted="u1"))
        ask(known, "mobilier", without=7)
    assert server.calls == [1, 1, 1, 1]


def test_a_word_of_no_letter_is_asked_again_after_minutes_and_another_after_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(elastic_correct, "time", SimpleNamespace(monotonic=lambda: now))
    known, server = corrections()
    asked = []
    for passed_s in (0, 599, 601, 6 * 3600 + 1):
        now = 1_000.0 + passed_s
        server.calls.clear()
        ask(known, "mobilier", "rideau")
        asked.append(server.calls[:-1])  # the last call is for near words
    assert asked == [[2], [], [1], [2]]


def test_the_nearest_words_of_the_texts_come_first_then_the_most_frequent() -> None:
    texts = ["Mobilier, mobilité: le mobiler", "des MOBILIERS et le mobilier", "mobiles mobile1 nobiler"]
    assert list(near_words("mobiler", texts)) == ["mobilier", "mobiles"]
    many = [" ".join(f"mobile{end}" for end in "abcdfghijklm")]
    assert len(near_words("mobiler", many)) == OFFERS
