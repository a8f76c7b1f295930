"""Counts of the letters that one reader may see, on the embedded engine."""

from functools import cached_property
from typing import TYPE_CHECKING

from tantivy import Occur, Query

from indexer import tantivy_store

if TYPE_CHECKING:
    from tantivy import Searcher


class OwnLetters:
    """The letters that a reader may see.

    Whatever decides which letters a search finds is counted here, and not in all letters: else a reader learns from the number of
    their own hits what letters of others hold.

    Args:
        may_see: the letters, as a query.
    """

    def __init__(self, searcher: "Searcher", may_see: Query) -> None:
        self._searcher = searcher
        self.may_see = may_see

    @cached_property
    def letters(self) -> int:
        """How many letters the reader may see."""
        return self._count(self.may_see)

    def holding(self, name: str, term: str, *, above: int) -> int:
        """How many of the letters hold a term in a field; 0 where no more than ``above`` do.

        The reader's letters are not counted where so few of all letters hold the term.
        """
        if self._searcher.doc_freq(name, term) <= above:
            return 0
        held = Query.term_query(tantivy_store.schema(), name, term, "basic")
        own = self._count(Query.boolean_query([(Occur.Must, self.may_see), (Occur.Must, held)]))
        return own if own > above else 0

    def _count(self, query: Query) -> int:
        return int(self._searcher.search(query, 1).count)  # type: ignore[attr-defined]  # missing in the stubs of 0.27
