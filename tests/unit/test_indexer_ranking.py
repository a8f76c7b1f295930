"""Weights of synonyms, and the clauses of words on Elasticsearch."""

import json

import pytest

from ged.ports import SearchQuery
from indexer import analysis, elastic_query
from indexer.query import parse
from indexer.ranking import Weights, also_boost
from tests.contracts.letters import ALL

RARE = {"13em": 8.0, "13": 2.0, "e": 1.0, "cdd": 3.0, "contrat": 2.0, "dure": 2.0}


def boost(typed: str, also: str) -> float:
    return also_boost(tuple(analysis.words(typed)), tuple(analysis.words(also)), lambda stem: RARE.get(stem, 1.0))


def test_a_long_name_weighs_no_more_than_its_abbreviation() -> None:
    assert boost("cdd", "contrat durée") == pytest.approx(Weights.ALSO * 3 / 4)
    assert boost("contrat durée", "cdd") == pytest.approx(Weights.ALSO)


def test_an_ordinal_number_in_two_words_weighs_what_it_weighs_in_one() -> None:
    assert boost("13eme", "13 e") == pytest.approx(Weights.ALSO * 8 / 3)


def test_a_usual_word_is_sent_as_its_term() -> None:
    sent = json.dumps(elastic_query.build(SearchQuery("Décrets"), parse("Décrets"), ALL))
    assert '{"term": {"subject": {"value": "decret", "boost": 1.7}}}' in sent
    assert "match_phrase" not in sent


@pytest.mark.parametrize("typed", ["aujourd'hui", "Éŋlɔ", "13e", "文書", "x" * 60])
def test_a_word_that_the_server_may_part_otherwise_is_sent_as_its_text(typed: str) -> None:
    assert '"match_phrase": {"subject"' in json.dumps(elastic_query.build(SearchQuery(typed), parse(typed), ALL))
