"""Letters as documents of the embedded index: where their words stand."""

from datetime import UTC

import pytest
from tantivy import Index, Query

from indexer import analysis, tantivy_store
from tests.contracts.letters import letter

FAR = tantivy_store.PAGE_GAP


@pytest.mark.parametrize(
    ("words", "most_between", "is_found"),
    [("marché public", 0, True), ("public ouvert", FAR - 1, False), ("public ouvert", FAR + 2, True),
     ("ouvert routes", FAR - 1, False), ("ouvert routes", FAR + 2, True)],
)  # fmt: skip
def test_pages_stand_apart_and_the_words_of_a_page_side_by_side(words: str, most_between: int, is_found: bool) -> None:
    index = Index(tantivy_store.schema())
    index.register_tokenizer(tantivy_store.WORDS, tantivy_store.words_analysis())
    writer = index.writer(15_000_000, 1)
    pages = ("Un marché public", "ouvert", "routes neuves")
    writer.add_document(tantivy_store.to_document(letter(1, "", *pages), zone=UTC))
    writer.commit()
    index.reload()
    stems = [form.stem for form in analysis.words(words)]
    asked = Query.phrase_query(tantivy_store.schema(), "text", stems, slop=most_between)
    assert bool(index.searcher().search(asked, 1).hits) == is_found
