"""Translates the tree of a query to tantivy's queries."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tantivy import FieldType, Occur, Query, Schema

from ged.ports import Dated, Principals, SearchQuery
from indexer import analysis, fields
from indexer.analysis import Forms, fuzzy_distance
from indexer.fields import BY_NAME, FACETS, TEXT_FIELDS, Kind
from indexer.ranking import RUN_FIELDS, Weights, akin_boost, also_boost, number_boost
from indexer.rereading import weight
from indexer.tantivy_store import NEAR_FIELDS, near_keys
from indexer.tree import AnyOf, Node, Number, ParsedQuery, Prefix, Run

if TYPE_CHECKING:
    from tantivy import Searcher

FOLDED = 0.6
RUN = 0.9
NEAR = 0.25
"""Weights of this engine alone: a near word has one score, whatever the word, and there is no second pass."""
SURE_SHARE = 0.3
MIN_SURE = 1_000
"""A word in more letters than both is typed correctly. Nearly as many letters contain near words, which say nothing."""


def any_of(queries: Iterable[Query]) -> Query:
    """At least one of the queries; without queries, no letter matches."""
    found = list(queries)
    return Query.boolean_query([(Occur.Should, query) for query in found]) if found else Query.empty_query()


def near(schema: Schema, folded: str) -> Query:
    """Letters that contain a word with a typing or reading mistake, in any text field."""
    keys, distance = zip(NEAR_FIELDS, near_keys(folded), strict=True), fuzzy_distance(folded)
    return any_of(Query.fuzzy_term_query(schema, name, key, distance=distance) for name, key in keys)


@dataclass(frozen=True)
class Translator:
    """Builds the query of one search.

    Attributes:
        searcher: counts how many letters hold a word; without a searcher, every word is searched with mistakes.
    """

    schema: Schema
    searcher: "Searcher | None" = None

    def build(self, query: SearchQuery, parsed: ParsedQuery, principals: Principals) -> Query:
        """The whole query: access, exclusions, filters, days and the typed text."""
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
        stems = [form.stem for form in analysis.words(dated.mention)]
        if len(stems) == 1:
            yield from (Query.term_query(self.schema, name, stems[0]) for name in RUN_FIELDS)
        elif stems:
            yield from (Query.phrase_query(self.schema, name, [*stems]) for name in RUN_FIELDS)

    def _asked(self, parsed: ParsedQuery) -> Query:
        must = [(Occur.Must, self._node(node, fuzzy=False)) for node in parsed.required]
        if parsed.words:
            words = [(Occur.Should, self._node(node, fuzzy=True)) for node in parsed.words]
            must.append((Occur.Must, Query.boolean_query(words, minimum_number_should_match=parsed.minimum)))
        if not must:
            return Query.all_query()
        query = Query.boolean_query(must)
        for item in self._run(parsed.run):  # one by one: tantivy computes a union also for letters that do not match
            query = Query.boolean_query([(Occur.Must, query), (Occur.Should, item)])
        if parsed.whole_number:
            return any_of([query, self._number(Number(tuple(parsed.whole_number.split("/"))))])
        return query

    def _run(self, run: tuple[Forms, ...]) -> Iterable[Query]:
        run = run[: Weights.RUN_WORDS]
        for name in RUN_FIELDS if run else ():
            phrase = Query.phrase_query(self.schema, name, [form.stem for form in run], slop=Weights.RUN_SLOP)
            yield Query.boost_query(phrase, RUN)

    def _node(self, node: Node, *, fuzzy: bool) -> Query:
        if isinstance(node, AnyOf):
            return any_of(self._node(inner, fuzzy=fuzzy) for inner in node.nodes)
        if isinstance(node, Number):
            return self._number(node)
        if isinstance(node, Prefix):
            return any_of(self._prefix(f"{name}_exact", node.folded) for name in node.fields or TEXT_FIELDS)
        names = node.fields or TEXT_FIELDS
        asked = self._words(node.forms, names, fuzzy=fuzzy and not node.quoted)
        also = [
            Query.boost_query(self._words(run, names, fuzzy=False), also_boost(node.forms, run, self._weight))
            for run in node.also
        ]
        akin = [
            Query.boost_query(self._words(run, RUN_FIELDS, fuzzy=False), akin_boost(node.forms, run, self._weight))
            for run in node.akin
        ]
        apart = [self._apart(node.apart, name) for name in names if node.apart]
        others = [*also, *akin, *apart]
        # The best of them, not their sum: a letter with the word gains nothing by its synonyms.
        return Query.disjunction_max_query([asked, *others]) if others else asked

    def _apart(self, words: Run, name: str) -> Query:
        """Letters that hold the words of a compound apart."""
        each = [(Occur.Must, self._term(name, form.stem, BY_NAME[name].boost)) for form in words]
        return Query.boost_query(Query.boolean_query(each), Weights.APART)

    def _words(self, run: Run, names: tuple[str, ...], *, fuzzy: bool) -> Query:
        if len(run) > 1:
            return any_of(self._phrase(name, run) for name in names)
        return self._word(run[0], names, fuzzy=fuzzy)

    def _phrase(self, name: str, run: Run) -> Query:
        stems = Query.phrase_query(self.schema, name, [form.stem for form in run])
        # The exact words keep no places: those of a letter with the phrase count, wherever they stand in it.
        words = [Query.term_query(self.schema, f"{name}_exact", form.folded, "freq") for form in run]
        exact, boost = Query.boolean_query([(Occur.Must, one) for one in words]), BY_NAME[name].boost
        both = ((Occur.Must, Query.boost_query(stems, boost)), (Occur.Should, Query.boost_query(exact, boost * FOLDED)))
        return Query.boolean_query(both)

    def _word(self, form: Forms, names: tuple[str, ...], *, fuzzy: bool) -> Query:
        found: list[Query] = []
        for name in names:
            boost = BY_NAME[name].boost
            found.append(self._term(name, form.stem, boost))
            found.append(self._term(f"{name}_exact", form.folded, boost * FOLDED))
            if form.written != form.folded:
                found.append(self._term(f"{name}_exact", form.written, boost * Weights.WRITTEN))
        if fuzzy and names == TEXT_FIELDS:
            found.append(self._term(fields.BESIDE, form.stem, Weights.BESIDE))
        asked = any_of(found)
        if fuzzy and fuzzy_distance(form.folded) and not self._is_sure(form.folded):
            return any_of([asked, Query.const_score_query(near(self.schema, form.folded), NEAR)])
        return asked

    def _weight(self, stem: str) -> float:
        """How rare a stem is in the text of all letters."""
        return 1.0 if self.searcher is None else weight(self.searcher.num_docs, self.searcher.doc_freq("text", stem))

    def _is_sure(self, folded: str) -> bool:
        if self.searcher is None:
            return False
        holding = self.searcher.doc_freq(NEAR_FIELDS[0], near_keys(folded)[0])
        return holding > max(MIN_SURE, self.searcher.num_docs * SURE_SHARE)

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
        return any_of(found)

    def _parts(self, name: str, node: Number) -> Query:
        *before, last = node.parts
        if not before:
            return self._prefix(name, last) if node.prefix else Query.term_query(self.schema, name, last)
        if node.prefix:
            return Query.phrase_prefix_query(self.schema, name, [*before, last])
        return Query.phrase_query(self.schema, name, [*before, last])
