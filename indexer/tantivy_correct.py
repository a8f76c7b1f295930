"""Corrections on the embedded engine. Its dictionary cannot be read, so the letters are read.

For a word that no letter contains that may be seen: reads the newest of these letters that contain a near word, and counts the near
words in them. A letter of others that contains the typed word changes nothing: a spelling that is offered no more would tell of it.
"""

from collections import Counter
from typing import TYPE_CHECKING

from tantivy import Occur, Order, Query

from indexer import analysis, correcting, tantivy_store
from indexer.correcting import Offer, Spellings
from indexer.fields import TEXT_FIELDS
from indexer.passages import within
from indexer.tantivy_query import near

if TYPE_CHECKING:
    from tantivy import Searcher

LETTERS_READ = 10
MAX_UNKNOWN = 4


def meant(searcher: "Searcher", words: tuple[str, ...], may_see: Query) -> dict[str, str]:
    """Mistyped word -> the word probably meant."""
    unknown = [word for word in words if not _is_held(searcher, word, may_see)]
    found = {word: correcting.best(word, _offers(searcher, word, may_see)) for word in unknown[:MAX_UNKNOWN]}
    return {typed: word for typed, word in found.items() if word is not None}


def _is_held(searcher: "Searcher", word: str, may_see: Query) -> bool:
    """Whether a letter that may be seen contains the word."""
    fields = [f"{name}_exact" for name in TEXT_FIELDS if searcher.doc_freq(f"{name}_exact", word)]
    terms = [(Occur.Should, Query.term_query(tantivy_store.schema(), field, word)) for field in fields]
    if not terms:
        return False
    asked = Query.boolean_query([(Occur.Must, may_see), (Occur.Must, Query.boolean_query(terms))])
    return bool(searcher.search(asked, 1, count=False).hits)


def _offers(searcher: "Searcher", word: str, may_see: Query) -> list[Offer]:
    distance = analysis.fuzzy_distance(word)
    asked = Query.boolean_query([(Occur.Must, may_see), (Occur.Must, near(tantivy_store.schema(), word, distance))])
    letters: Counter[str] = Counter()
    spellings = Spellings()
    # By their ids: near words have one score, and of equal scores the order is that of the folder, which letters of others change.
    found = searcher.search(asked, LETTERS_READ, count=False, order_by_field="mail_id", order=Order.Desc)
    for _, place in found.hits:
        stored = tantivy_store.read_source(searcher.doc(place))
        texts = (*stored.texts.values(), *(text for _, _, text in stored.pages))
        near_ones = {}
        for text in texts:
            for token in analysis.tokens(text):
                if (one := token.forms.folded)[0] == word[0] and within(word, one, distance):
                    near_ones[one] = text[token.start : token.end].replace("’", "'").rsplit("'", 1)[-1]
        letters.update(near_ones.keys())
        for one, written in near_ones.items():
            spellings.note(one, written)
    return [Offer(one, count, spellings.of(one)) for one, count in letters.items()]
