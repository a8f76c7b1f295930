"""Translates the tree of a query to tantivy's queries."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tantivy import FieldType, Occur, Query, Schema

from ged.ports import Dated, Principals, SearchQuery
from indexer import amounts, analysis, fields, frequent, numbers
from indexer.analysis import Forms, fuzzy_distance
from indexer.fields import BY_NAME, FACETS, TEXT_FIELDS, Kind
from indexer.ranking import RUN_FIELDS, Weights, akin_boost, also_boost, number_boost
from indexer.rereading import weight
from indexer.tantivy_own import OwnLetters
from indexer.tantivy_store import NEAR_FIELDS, near_keys
from indexer.tree import AnyOf, Node, Number, ParsedQuery, Prefix, Run, Words, plain

if TYPE_CHECKING:
    from tantivy import Searcher

SCALE = 2.2
"""tantivy multiplies BM25 by ``k1 + 1``, which Lucene leaves out. Scores that are no BM25 are told in Lucene's."""
FOLDED = 0.6
EXACT = 1.25
NEAR = 0.55
"""Weights of this engine alone. Its near words may begin otherwise than the word, so they are more, and tell less."""


def any_of(queries: Iterable[Query]) -> Query:
    """At least one of the queries; without queries, no letter matches."""
    found = list(queries)
    return Query.boolean_query([(Occur.Should, query) for query in found]) if found else Query.empty_query()


def near(schema: Schema, folded: str, distance: int) -> Query:
    """Letters that contain a word with so many typing or reading mistakes, in any text field."""
    keys = zip(NEAR_FIELDS, near_keys(folded), strict=True)
    return any_of(Query.fuzzy_term_query(schema, name, key, distance=distance) for name, key in keys)


@dataclass(frozen=True)
class Translator:
    """Builds the query of one search.

    Attributes:
        searcher: tells how rare a word is in all letters. That orders the letters found, and finds none; without a searcher, all
            words weigh alike.
        own: the letters of the reader, which decide how many mistakes a word is searched with; without them, its length does alone.
    """

    schema: Schema
    searcher: "Searcher | None" = None
    own: OwnLetters | None = None

    def build(self, query: SearchQuery, parsed: ParsedQuery, principals: Principals) -> Query:
        """The whole query: access, exclusions, filters, days and the typed text, with a first score."""
        access = fields.access_terms(principals)
        if not access:
            return Query.empty_query()
        clauses = [(Occur.Must, self._silent(self._terms("access", access)))]
        clauses += [(Occur.Must, self._silent(item)) for item in self._filters(query, parsed)]
        if query.exclude:
            clauses.append((Occur.MustNot, Query.term_set_query(self.schema, "mail_id", sorted(query.exclude))))
        clauses += [(Occur.MustNot, self._node(node, fuzzy=False)) for node in parsed.excluded]
        clauses.append((Occur.Must, self._asked(parsed)))
        return Query.boolean_query(clauses)

    def ordering(self, parsed: ParsedQuery, among: Sequence[int]) -> Query | None:
        """What adds to the scores of the first letters: the second pass of ``elastic_query.rescored``. None without words.

        tantivy computes such clauses for each letter that one of them matches, so the first pass has none of them.

        Args:
            among: the ids of these letters.
        """
        words = [leaf for node in parsed.words if isinstance(leaf := plain(node), Words)]
        found = [clause for word in words for clause in self._lifting(word)]
        found += self._together(parsed.run[: Weights.RUN_WORDS])
        if not found:
            return None
        these = self._silent(Query.term_set_query(self.schema, "mail_id", [*among]))
        return Query.boolean_query([(Occur.Must, these), *((Occur.Should, clause) for clause in found)])

    def among(self, asked: Query, mail_ids: Sequence[int]) -> Query:
        """A query within these letters, with its scores."""
        these = self._silent(Query.term_set_query(self.schema, "mail_id", [*mail_ids]))
        return Query.boolean_query([(Occur.Must, asked), (Occur.Must, these)])

    def _lifting(self, word: Words) -> Iterable[Query]:
        """What a letter gains by a word that it holds: anywhere, in its subject, unstemmed, with its accents."""
        lifts = dict.fromkeys(TEXT_FIELDS, Weights.HELD) | {"subject": Weights.HELD + Weights.IN_SUBJECT}
        yield Query.disjunction_max_query(
            [Query.const_score_query(self._holding(word, name), lift * SCALE) for name, lift in lifts.items()]
        )
        for name in RUN_FIELDS if len(word.forms) == 1 else ():
            (form,) = word.forms
            yield self._term(f"{name}_exact", form.folded, Weights.FOLDED[name])
            if form.written != form.folded:
                yield self._term(f"{name}_exact", form.written, Weights.WRITTEN)

    def _holding(self, word: Words, name: str) -> Query:
        """Letters that hold a word, or a synonym of it, in a field."""
        held = [self._phrase_of_stems(name, run) for run in (word.forms, *word.also)]
        return any_of([*held, self._apart(word.apart, name)] if word.apart else held)

    def _together(self, run: Run) -> Iterable[Query]:
        """The words together: in pairs in the text, in their order there and in the name of a correspondent."""
        telling = [at for at, form in enumerate(run) if not analysis.is_stop_word(form)]
        for first, last in pairwise(telling):
            yield Query.boost_query(self._phrase_of_stems("text", run[first : last + 1]), Weights.PAIRS)
        if run:
            for name in fields.SAID_TOGETHER:
                yield Query.boost_query(self._phrase_of_stems(name, run, slop=Weights.RUN_SLOP), Weights.RUN)

    def _phrase_of_stems(self, name: str, run: Run, *, slop: int = 0) -> Query:
        if len(run) == 1:
            return self._term(name, run[0].stem, 1.0)
        return Query.phrase_query(self.schema, name, [form.stem for form in run], slop=slop)

    def _silent(self, query: Query) -> Query:
        return Query.const_score_query(query, 0.0)

    def _terms(self, name: str, values: list[str]) -> Query:
        return Query.term_set_query(self.schema, name, values)

    def _filters(self, query: SearchQuery, parsed: ParsedQuery) -> Iterable[Query]:
        for name, values in query.filters.items():
            item = FACETS[name]
            if item.kind is Kind.INTEGER:
                years = [int(value) for value in values if re.fullmatch(r"\d{1,9}", value)]
                yield Query.term_set_query(self.schema, item.name, years) if years else Query.empty_query()
            else:
                yield self._terms(item.name, list(values)) if values else Query.empty_query()
        for since, until in ((query.since, query.until), (parsed.since, parsed.until)):
            if since or until:
                yield Query.range_query(
                    self.schema,
                    "registered_day",
                    FieldType.Integer,
                    fields.day_number(since) if since else None,
                    fields.day_number(until) if until else None,
                )
        if query.dated:
            yield any_of(self._dated(query.dated))

    def _dated(self, dated: Dated) -> Iterable[Query]:
        """Letters of a period, or that mention the period."""
        first, last = fields.day_number(dated.first), fields.day_number(dated.last)
        for name in fields.DATED_FIELDS:
            yield Query.range_query(self.schema, name, FieldType.Integer, first, last)
        for words in dated.mentions:
            if run := analysis.words(words):
                yield from (self._phrase_of_stems(name, tuple(run)) for name in RUN_FIELDS)
        if parted := tuple(numbers.parts(dated.number)):
            yield from (self._parts(name, Number(parted)) for name in fields.NUMBER_FIELDS)

    def _asked(self, parsed: ParsedQuery) -> Query:
        must = [(Occur.Must, self._node(node, fuzzy=False)) for node in parsed.required]
        if parsed.words:
            words = [(Occur.Should, self._node(node, fuzzy=True)) for node in parsed.words]
            must.append((Occur.Must, Query.boolean_query(words, minimum_number_should_match=parsed.minimum)))
        if not must:
            return Query.all_query()
        query = Query.boolean_query(must)
        if parsed.whole_number:
            return any_of([query, self._number(Number(tuple(parsed.whole_number.split("/"))))])
        return query

    def _node(self, node: Node, *, fuzzy: bool) -> Query:
        if isinstance(node, AnyOf):
            return any_of(self._node(inner, fuzzy=fuzzy) for inner in node.nodes)
        if isinstance(node, Number):
            return self._number(node)
        if isinstance(node, Prefix):
            return any_of(self._prefix(f"{name}_exact", node.folded) for name in node.fields or TEXT_FIELDS)
        names = node.fields or TEXT_FIELDS
        asked = self._words(node.forms, names, fuzzy=fuzzy and not node.quoted, exact=not fuzzy)
        also = [
            Query.boost_query(self._also(run, names), also_boost(node.forms, run, self._weight)) for run in node.also
        ]
        akin = [
            Query.boost_query(self._words(run, RUN_FIELDS), akin_boost(node.forms, run, self._weight))
            for run in node.akin
        ]
        apart = [self._apart(node.apart, name) for name in names if node.apart]
        others = [*also, *akin, *apart]
        if node.telephone:
            called = Query.term_query(self.schema, "telephone", node.telephone)
            others.append(Query.boost_query(called, Weights.TELEPHONE))
        # The best of them, not their sum: a letter with the word gains nothing by its synonyms.
        found = Query.disjunction_max_query([asked, *others]) if others else asked
        return self._lifted(found, node.amount) if node.amount else found

    def _lifted(self, found: Query, amount: str) -> Query:
        """The letters found, those with a whole amount above the others."""
        exact = any_of(Query.term_query(self.schema, name, amount) for name in fields.AMOUNT_FIELDS)
        lift = Query.const_score_query(exact, Weights.EXACT_AMOUNT * SCALE)
        return Query.boolean_query([(Occur.Must, found), (Occur.Should, lift)])

    def _apart(self, words: Run, name: str) -> Query:
        """Letters that hold the words of a compound apart."""
        each = [(Occur.Must, self._term(name, form.stem, BY_NAME[name].boost)) for form in words]
        return Query.boost_query(Query.boolean_query(each), Weights.APART)

    def _also(self, run: Run, names: tuple[str, ...]) -> Query:
        if not amounts.has_zeros(run):
            return self._words(run, names)
        return any_of(self._amount(name, run) for name in names)

    def _amount(self, name: str, run: Run) -> Query:
        """An amount in groups: the phrase of its stems, and each group as it is written, wherever it stands in the letter."""
        each = [(Occur.Must, Query.term_query(self.schema, f"{name}_exact", form.folded, "freq")) for form in run]
        return Query.boolean_query([(Occur.Must, self._phrase(name, run)), *each])

    def _words(self, run: Run, names: tuple[str, ...], *, fuzzy: bool = False, exact: bool = False) -> Query:
        if len(run) > 1:
            return any_of(self._phrase(name, run) for name in names)
        return self._word(run[0], names, fuzzy=fuzzy, exact=exact)

    def _phrase(self, name: str, run: Run) -> Query:
        stems = Query.phrase_query(self.schema, name, [form.stem for form in run])
        # The exact words keep no places: those of a letter with the phrase count, wherever they stand in it.
        words = [Query.term_query(self.schema, f"{name}_exact", form.folded, "freq") for form in run]
        exact, boost = Query.boolean_query([(Occur.Must, one) for one in words]), BY_NAME[name].boost
        both = ((Occur.Must, Query.boost_query(stems, boost)), (Occur.Should, Query.boost_query(exact, boost * FOLDED)))
        return Query.boolean_query(both)

    def _word(self, form: Forms, names: tuple[str, ...], *, fuzzy: bool, exact: bool) -> Query:
        found = [self._term(name, form.stem, BY_NAME[name].boost) for name in names]
        for name in names if exact else ():
            found.append(self._term(f"{name}_exact", form.folded, BY_NAME[name].boost * FOLDED))
        if fuzzy and names == TEXT_FIELDS:
            found.append(self._term(fields.BESIDE, form.stem, Weights.BESIDE))
        distance = self._mistakes(form.folded) if fuzzy else 0
        if not distance:
            return any_of(found)
        mistaken = near(self.schema, form.folded, distance)
        # The best of them, as on Elasticsearch: a letter that has the word gains little by its mistakes.
        return Query.disjunction_max_query(
            [
                any_of(found),
                self._term("text_exact", form.folded, EXACT),
                Query.const_score_query(mistaken, NEAR * SCALE * self._weight(form.stem)),
            ]
        )

    def _weight(self, stem: str) -> float:
        """How rare a stem is in the text of all letters."""
        return 1.0 if self.searcher is None else weight(self.searcher.num_docs, self.searcher.doc_freq("text", stem))

    def _mistakes(self, folded: str) -> int:
        """The most mistakes to search for: fewer in a word that many of the reader's letters hold."""
        most, own = fuzzy_distance(folded), self.own
        if own is None or not most:
            return most
        holding = own.holding(NEAR_FIELDS[0], near_keys(folded)[0], above=frequent.MIN_FREQUENT)
        return frequent.mistakes(most, holding, lambda: own.letters)

    def _term(self, name: str, value: str, boost: float) -> Query:
        return Query.boost_query(Query.term_query(self.schema, name, value, "freq"), boost)

    def _prefix(self, name: str, start: str) -> Query:
        return Query.regex_query(self.schema, name, re.escape(start) + ".*")

    def _exact_number(self, whole: str, names: tuple[str, ...]) -> Query:
        return any_of(
            Query.const_score_query(
                Query.term_query(self.schema, f"{name}_whole", whole), Weights.EXACT_NUMBER * BY_NAME[name].boost
            )
            for name in names
        )

    def _number(self, node: Number) -> Query:
        found: list[Query] = [] if node.prefix else [self._exact_number(node.whole, node.fields)]
        for name in node.fields:
            found.append(
                Query.const_score_query(self._parts(name, node), number_boost(len(node.parts)) * BY_NAME[name].boost)
            )
            if len(node.parts) > 1 and not node.prefix:
                anywhere = [(Occur.Must, Query.term_query(self.schema, name, part)) for part in node.parts]
                found.append(Query.const_score_query(Query.boolean_query(anywhere), Weights.NUMBER_ANY_ORDER))
            for one in node.glued:
                begun = Query.regex_query(self.schema, f"{name}_from", numbers.pattern(one))
                found.append(Query.const_score_query(begun, Weights.EXACT_NUMBER * BY_NAME[name].boost))
        return any_of(found)

    def _parts(self, name: str, node: Number) -> Query:
        if node.prefix:
            # Not a phrase whose last word is a beginning: that takes the first fifty words of the dictionary, and letters of
            # others decide which ones these are.
            return self._prefix(f"{name}_from", node.whole)
        if len(node.parts) == 1:
            return Query.term_query(self.schema, name, node.parts[0])
        return Query.phrase_query(self.schema, name, [*node.parts])
