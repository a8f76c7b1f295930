"""How many letters hold a word is asked once, and kept."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from elasticsearch import ApiError, Elasticsearch

from ged.ports import MailId, SearchQuery
from indexer import elastic_query, elastic_words, frequent
from indexer.elastic_query import Known
from indexer.elastic_words import Frequencies, OwnLetters, Readers
from indexer.fields import BY_NAME
from indexer.query import parse
from tests.contracts.letters import ALL, who

TEXT = "(any)"
HELD = {"march": 4_000, "bail": 1_500, "budget": 700, "kozah": 3}


class Server:
    """Tells frequencies as Elasticsearch does, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.letters = 10_000
        self.meanwhile: Callable[[], object] = lambda: None

    def search(self, *, aggs: dict[str, Any], **_told: Any) -> SimpleNamespace:
        _all, *clauses = aggs["several"]["filters"]["filters"]
        words = [clause.get("term", {}).get("pages.text", TEXT) for clause in clauses]
        self.asked.append(" ".join(words))
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        held = HELD | {TEXT: self.letters}
        buckets = [{"doc_count": count} for count in (self.letters, *(held.get(word, 0) for word in words))]
        return SimpleNamespace(body={"aggregations": {"several": {"buckets": buckets}}})


def frequencies() -> tuple[Frequencies, Server]:
    server = Server()
    return Frequencies(cast(Elasticsearch, server), "ged"), server


def test_a_word_is_asked_once() -> None:
    known, server = frequencies()
    first = known.weights(["march", "kozah"])
    assert first["march"] < first["kozah"] < known.weights(["nulle"])["nulle"]
    assert known.weights(["kozah", "march"]) == first
    assert server.asked == ["march kozah (any)", "nulle"]


def test_a_word_in_many_letters_of_the_reader_is_searched_with_fewer_mistakes() -> None:
    def mistakes(*stems: str, is_long: bool = False) -> dict[str, int]:
        own = OwnLetters(cast(Elasticsearch, Server()), "ged", {"match_all": {}})
        return own.mistakes(stems, is_long=is_long)

    assert mistakes("march", "budget", "kozah", "nulle") == {"march": 0, "budget": 1}
    assert mistakes("bail", "budget") == {"bail": 1, "budget": 1}
    assert mistakes("bail", "budget", "kozah", is_long=True) == {"bail": 0, "budget": 1}, "of a query of many words"


@pytest.mark.parametrize(
    ("holding", "letters", "most"),
    [(500, 600, 2), (501, 600, 1), (1_000, 1_100, 1), (1_001, 1_100, 0), (600, 60_000, 2), (601, 60_000, 1), (30_000, 100_000, 1), (30_001, 100_000, 0)],
)  # fmt: skip
def test_a_word_is_frequent_by_its_number_and_by_its_share(holding: int, letters: int, most: int) -> None:
    assert frequent.mistakes(2, holding, lambda: letters) == most
    assert frequent.mistakes(1, holding, lambda: letters) == min(most, 1)
    assert frequent.mistakes(0, holding, lambda: letters) == 0, "a short word has none, however frequent"


def test_a_search_goes_on_where_a_busy_server_refuses_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    own = OwnLetters(cast(Elasticsearch, server), "ged", {"match_all": {}})

    def refuse(**_told: object) -> None:
        raise ApiError("busy", cast(Any, SimpleNamespace(status=429)), None)

    with monkeypatch.context() as busy:
        busy.setattr(server, "search", refuse)
        assert own.held_from({"march": 1, "kozah": 1}) == {"march": 0, "kozah": 0}
        assert own.mistakes(["march"]) == {}
    assert own.held(["march"]) == {"march": 4_000}, "a refusal is not kept"
    known, server = frequencies()
    with monkeypatch.context() as busy:
        busy.setattr(server, "search", refuse)
        equal = known.weights(["march", "nulle"])
        assert equal["march"] == equal["nulle"], "letters are found, and no word orders them more than another"
        assert known.at_most(["march"]) == {}
    assert known.at_most(["march"]) == {"march": 4_000}


def test_what_few_of_all_letters_hold_is_not_counted_for_the_reader() -> None:
    least = {"march": 501, "bail": 501, "budget": 501, "kozah": 3, "nulle": 3}
    known, _server = frequencies()
    server = Server()
    own = OwnLetters(cast(Elasticsearch, server), "ged", {"match_all": {}}, known)
    assert own.held_from(least) == {"march": 4_000, "bail": 1_500, "budget": 700, "kozah": 3, "nulle": 0}
    assert server.asked == ["march bail budget kozah"]
    own = OwnLetters(cast(Elasticsearch, server), "ged", {"match_all": {}}, known)
    assert own.held_from(least | {"kozah": 4, "budget": 701}) == {"march": 4_000, "bail": 1_500} | dict.fromkeys(
        ("budget", "kozah", "nulle"), 0
    )
    assert server.asked[1:] == ["march bail"]


def test_letters_that_came_since_a_count_may_hold_the_word() -> None:
    known, server = frequencies()
    assert known.at_most(["kozah", "nulle"]) == {"kozah": 3, "nulle": 0}
    server.letters += 20
    assert known.at_most(["march", "kozah"]) == {"march": 4_000, "kozah": 23}


def test_a_process_keeps_so_many_counts_of_all_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    readers = Readers(cast(Elasticsearch, server), "ged")
    monkeypatch.setattr(elastic_words, "MAX_KEPT_OF_READERS", 2)
    first, second = (readers.letters_of(who(ordinary=one), frozenset()) for one in ("u1", "u2"))
    first.held(["march"])
    second.held(["march"])
    assert readers.letters_of(who(ordinary="u1"), frozenset()) is first
    first.held(["bail"])
    assert readers.letters_of(who(ordinary="u1"), frozenset()) is not first


def test_what_is_kept_of_one_reader_is_not_used_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    readers = Readers(cast(Elasticsearch, server), "ged")
    first, none = who(ordinary="u1"), frozenset[MailId]()
    assert readers.letters_of(first, none).held(["march"]) == {"march": 4_000}
    assert readers.letters_of(first, none).held(["march"]) == {"march": 4_000}
    assert server.asked == ["march"], "kept"
    readers.letters_of(who(ordinary="u2"), none).held(["march"])
    readers.letters_of(first, frozenset({MailId(7)})).held(["march"])
    assert server.asked == ["march"] * 3
    monkeypatch.setattr(elastic_words, "MAX_READERS", 3)
    readers.letters_of(who(ordinary="u4"), none).held(["march"])
    readers.letters_of(first, none).held(["march"])
    assert server.asked == ["march"] * 5, "all are forgotten where there are too many"


def test_the_words_of_most_letters_are_of_more_than_half(monkeypatch: pytest.MonkeyPatch) -> None:
    known, server = frequencies()
    assert known.of_most(["march", "bail"]) == frozenset()
    known, server = frequencies()
    server.letters = 7_999
    assert known.of_most(["march", "bail", "nulle"]) == {"march"}
    known, server = frequencies()
    server.letters = 800
    monkeypatch.setitem(HELD, "march", 800)
    assert known.of_most(["march"]) == frozenset(), "of few letters, each costs little"


def test_a_word_of_most_letters_has_one_score_beside_words_that_tell_more() -> None:
    def scores(*of_most: str) -> list[float | None]:
        """The one score of each word; None where it has several."""
        text, known = "budget kozah", Known(weights={"budget": 0.5}, of_most=frozenset(of_most))
        built = elastic_query.build(SearchQuery(text), parse(text), ALL, known=known)
        both = built["bool"]["must"][0]["bool"]["should"][0]
        return [word.get("constant_score", {}).get("boost") for word in both["bool"]["should"]]

    assert scores("budget") == [BY_NAME["text"].boost / 2, None]
    assert scores() == scores("budget", "kozah") == [None, None]


def test_a_rare_word_is_asked_again_after_minutes_and_a_frequent_one_after_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(elastic_words, "time", SimpleNamespace(monotonic=lambda: now))
    known, server = frequencies()
    for passed_s in (0, 599, 601, 6 * 3600):
        now = 1_000.0 + passed_s
        known.weights(["march", "kozah"])
    now += 10
    known.weights(["march", "kozah"])
    assert server.asked == ["march kozah (any)", "kozah", "kozah", "march (any)"]


def test_words_are_asked_again_when_the_number_of_letters_has_changed_much() -> None:
    known, server = frequencies()
    known.weights(["march"])
    server.letters = 10_900
    known.weights(["budget"])
    known.weights(["march"])
    server.letters = 12_000
    known.weights(["nulle"])
    known.weights(["march", "budget"])
    assert server.asked == ["march (any)", "budget", "nulle", "march budget (any)"]


def test_a_search_keeps_its_words_while_another_one_forgets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads of one process: the second one finds too many words kept, between the first one's look and its sum."""
    monkeypatch.setattr(elastic_words, "MAX_KEPT", 2)
    known, server = frequencies()
    known.weights(["march", "budget"])

    def others() -> None:
        known.weights(["nulle"])
        known.weights(["part"])

    server.meanwhile = others
    assert known.held(["march", "kozah"]) == {"march": 4_000, "kozah": 3}
