"""The second pass of the embedded engine: what it adds to the scores of the first letters."""

from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

import pytest

from indexer import tantivy_store
from indexer.query import parse
from indexer.tantivy_folder import Folder
from indexer.tantivy_query import Translator
from tests.contracts.letters import letter

TEXTS = {
    1: "le contrat et plus loin le travail", 2: "le contrat de travail", 3: "rien", 4: "le contrat de travail", 5: "les contrats",
}  # fmt: skip


@pytest.fixture
def translator(tmp_path: Path) -> Translator:
    folder = Folder(tmp_path / tantivy_store.create_folder(tmp_path), zone=UTC)
    folder.put([letter(n, "Contrat" if n == 4 else "Divers", text) for n, text in TEXTS.items()])
    searcher = folder.searcher()
    folder.close()
    return Translator(tantivy_store.schema(), searcher)


def gains(translator: Translator, text: str, among: list[int]) -> Mapping[int, float]:
    """The letters that are ordered, and the gain of each."""
    asked = translator.ordering(parse(text), among)
    assert asked is not None
    assert translator.searcher is not None
    hits = translator.searcher.search(asked, 10).hits
    ids = translator.searcher.fast_field_values("mail_id", [place for _, place in hits])
    return {int(one or 0): gain for one, (gain, _) in zip(ids, hits, strict=True)}


def test_only_the_first_letters_gain(translator: Translator) -> None:
    found = gains(translator, "contrat", [1, 3])
    assert set(found) == {1, 3}
    assert found[1] > found[3] == 0.0


def test_a_word_of_the_subject_neighbours_and_the_word_as_typed_gain_more(translator: Translator) -> None:
    found = gains(translator, "contrat de travail", [1, 2, 3, 4, 5])
    assert found[4] > found[2] > found[1] > found[5] > found[3]
    one = gains(translator, "contrat", [1, 5])
    assert one[1] > one[5] > 0


def test_a_query_without_words_orders_nothing(translator: Translator) -> None:
    assert translator.ordering(parse('"contrat de travail"'), [1, 2]) is None
