"""Translates the tree of a query to Elasticsearch's query language, as ``tantivy_query`` does for tantivy."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import attrgetter
from typing import Any

from ged.ports import Dated, Principals, SearchQuery
from indexer import amounts, fields, numbers
from indexer.analysis import MAX_WORD_LENGTH, Forms, fuzzy_distance
from indexer.elastic_schema import WHOLE, path
from indexer.fields import BESIDE, BY_NAME, FACETS, TEXT_FIELDS, Kind
from indexer.ranking import RUN_FIELDS, Weights, akin_boost, also_boost, number_boost
from indexer.tree import AnyOf, Node, Number, ParsedQuery, Prefix, Run, Words, plain

Clause = dict[str, Any]
NOTHING: Clause = {"match_none": {}}
_FORM: Mapping[str, Callable[[Forms], str]] = {
    "ged_stemmed": attrgetter("stem"), "ged_folded": attrgetter("folded"), "ged_written": attrgetter("written"),
}  # fmt: skip
"""The form of a word that an analyzer of Elasticsearch makes."""
_USUAL = re.compile("[a-zß-ïñ-öø-ýÿœ]+")
"""The letters of French, and their neighbours. A test compares the forms of words of them with those of Elasticsearch."""
PAIR = 2
MOST = 2
MAX_TERMS_SENT = 65_536
"""The server refuses a list of more terms."""


@dataclass(frozen=True)
class Known:
    """What the index tells of the words of a query.

    Attributes:
        mistakes: the most mistakes to search for in a word, by its stem. Else its length says how many.
        weights: the ``rereading.weight`` of each stem; a missing stem weighs 1.
        of_most: the stems that most letters hold. In a query of many words they have one score, however often a letter has them:
            to score each of these letters is most of the search's cost, and orders none of the first (measured).
    """

    mistakes: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    of_most: frozenset[str] = frozenset()

    def weight(self, stem: str) -> float:
        """The weight of a stem."""
        return self.weights.get(stem, 1.0)


NOTHING_KNOWN = Known()


def any_of(clauses: Iterable[Clause]) -> Clause:
    """At least one of the clauses; without clauses, no letter matches."""
    found = list(clauses)
    return {"bool": {"should": found, "minimum_should_match": 1}} if found else NOTHING


def build(query: SearchQuery, parsed: ParsedQuery, principals: Principals, *, known: Known = NOTHING_KNOWN) -> Clause:
    """The whole query: access, exclusions, filters, days and the typed text, with a first score."""
    return _build(query, parsed, principals, must=[_asked(parsed, known)])


def build_unscored(
    query: SearchQuery, parsed: ParsedQuery, principals: Principals, *, known: Known = NOTHING_KNOWN
) -> Clause:
    """The query of the same letters for counting: without the clauses that only score."""
    return _build(query, parsed, principals, filters=_held(parsed, known))


def around(query: SearchQuery, parsed: ParsedQuery, principals: Principals) -> Clause:
    """``build_unscored`` without the words: what the person may see, within the filters and days."""
    return _build(query, parsed, principals)


def containing(parsed: ParsedQuery) -> Clause:
    """What letters must contain, without mistakes."""
    return {"bool": {"filter": _held(parsed, NOTHING_KNOWN)}}


def rescored(parsed: ParsedQuery) -> Clause | None:
    """The clauses that order the first letters: they only add to the score. None without words.

    They are many, and the first pass has none of them, so that a search costs little over a large index.
    """
    words = [leaf for node in parsed.words if isinstance(leaf := plain(node), Words)]
    found = [clause for word in words for clause in _word_clauses(word)]
    found += _run(parsed)
    return {"bool": {"should": found}} if found else None


def _build(
    query: SearchQuery,
    parsed: ParsedQuery,
    principals: Principals,
    *,
    must: Iterable[Clause] = (),
    filters: Iterable[Clause] = (),
) -> Clause:
    access = fields.access_terms(principals)
    if not access:
        return NOTHING
    without = [any_of(_leaves(node, None)) for node in parsed.excluded]
    excluded = sorted(query.exclude)
    for start in range(0, len(excluded), MAX_TERMS_SENT):
        without.append({"terms": {"mail_id": excluded[start : start + MAX_TERMS_SENT]}})
    return {
        "bool": {
            "filter": [{"terms": {"access": access}}, *_filters(query, parsed), *filters],
            "must_not": without,
            "must": list(must),
        }
    }


def _filters(query: SearchQuery, parsed: ParsedQuery) -> Iterable[Clause]:
    for name, values in query.filters.items():
        item = FACETS[name]
        wanted: list[Any] = list(values)
        if item.kind is Kind.INTEGER:
            wanted = [int(value) for value in values if re.fullmatch(r"\d{1,9}", value)]
        yield {"terms": {item.name: wanted}}
    for since, until in ((query.since, query.until), (parsed.since, parsed.until)):
        bounds = {"gte": since and fields.day_number(since), "lte": until and fields.day_number(until)}
        given = {name: value for name, value in bounds.items() if value}
        if given:
            yield {"range": {"registered_day": given}}
    if query.dated:
        yield any_of(_dated(query.dated))


def _dated(dated: Dated) -> Iterable[Clause]:
    """Letters of a period, or that mention the period."""
    bounds = {"gte": fields.day_number(dated.first), "lte": fields.day_number(dated.last)}
    for name in fields.DATED_FIELDS:
        yield {"range": {name: bounds}}
    for words in dated.mentions:
        for name in RUN_FIELDS:
            yield {"match_phrase": {path(name): {"query": words, "analyzer": "ged_stemmed"}}}
    if parted := " ".join(numbers.parts(dated.number)):
        yield from ({"match_phrase": {name: {"query": parted}}} for name in fields.NUMBER_FIELDS)


def _asked(parsed: ParsedQuery, known: Known) -> Clause:
    must = [_node(node, None) for node in parsed.required]
    if parsed.words:
        words = _scored(parsed, known)
        found: Clause = {"bool": {"should": words, "minimum_should_match": parsed.minimum}}
        # The OCR may have read two words as one: then the letter contains neither of them.
        must.append(any_of([found, *_side(parsed)]) if len(words) == PAIR else found)
    if not must:
        return {"match_all": {}}
    query: Clause = must[0] if len(must) == 1 else {"bool": {"must": must}}
    if parsed.whole_number:
        return any_of([query, *_number(Number(tuple(parsed.whole_number.split("/"))))])
    return query


def _scored(parsed: ParsedQuery, known: Known) -> list[Clause]:
    of_most = [_of_most(node, known) for node in parsed.words]
    if all(of_most):
        return [_node(node, known) for node in parsed.words]
    pairs = zip(parsed.words, of_most, strict=True)
    return [_node(node, known) if word is None else _of_one_score(word, known) for node, word in pairs]


def _of_most(node: Node, known: Known) -> Words | None:
    """The word of a node, if most letters hold it."""
    is_plain = isinstance(node, Words) and len(node.forms) == 1 and not (node.quoted or node.fields)
    return node if isinstance(node, Words) and is_plain and node.forms[0].stem in known.of_most else None


def _of_one_score(word: Words, known: Known) -> Clause:
    """The letters of ``_node``, each with the same score."""
    boost = BY_NAME["text"].boost * known.weight(word.forms[0].stem)
    return {"constant_score": {"filter": any_of(_leaves(word, known)), "boost": boost}}


def _held(parsed: ParsedQuery, known: Known) -> list[Clause]:
    """What letters must contain to match ``_asked``, as filters."""
    held = [any_of(_leaves(node, None)) for node in parsed.required]
    if parsed.words:
        leaves = [list(_leaves(node, known)) for node in parsed.words]
        side = _side(parsed) if len(leaves) == PAIR else ()
        if parsed.minimum == 1:
            held.append(any_of([*chain.from_iterable(leaves), *side]))
        else:
            found: Clause = {"bool": {"should": [*map(any_of, leaves)], "minimum_should_match": parsed.minimum}}
            held.append(any_of([found, *side]) if len(leaves) == PAIR else found)
    if parsed.whole_number and held:
        whole = Number(tuple(parsed.whole_number.split("/")))
        return [any_of([{"bool": {"filter": held}}, *_number(whole)])]
    return held


def _run(parsed: ParsedQuery) -> Iterable[Clause]:
    """Clauses that score letters with the words together: in pairs in the text, in their order there and in the name of a correspondent."""
    text = " ".join(form.folded for form in parsed.run[: Weights.RUN_WORDS])
    if text:
        yield {"match": {f"{path('text')}.pairs": {"query": text, "boost": Weights.PAIRS}}}
        for name in fields.SAID_TOGETHER:
            yield {"match_phrase": {path(name): {"query": text, "slop": Weights.RUN_SLOP, "boost": Weights.RUN}}}


def _word_clauses(word: Words) -> Iterable[Clause]:
    """Clauses that score letters with a word: anywhere at all, in the subject, unstemmed, with its accents."""
    typed = replace(word, akin=())
    subject = any_of(_stems(typed, "subject"))
    elsewhere = any_of(chain.from_iterable(_stems(typed, name) for name in TEXT_FIELDS if name != "subject"))
    in_subject = {"constant_score": {"filter": subject, "boost": Weights.HELD + Weights.IN_SUBJECT}}
    yield {"dis_max": {"queries": [in_subject, {"constant_score": {"filter": elsewhere, "boost": Weights.HELD}}]}}
    accented = len(word.forms) == 1 and word.forms[0].written != word.forms[0].folded
    for name in RUN_FIELDS:
        yield _match(f"{path(name)}.exact", word.text, word.forms, "ged_folded", Weights.FOLDED[name])
        if accented:
            yield _match(f"{path(name)}.exact", word.text, word.forms, "ged_written", Weights.WRITTEN)


def _side(parsed: ParsedQuery) -> Iterable[Clause]:
    text = " ".join(form.folded for form in parsed.run)
    if text:
        yield {"match": {WHOLE: {"query": text, "analyzer": "ged_joined", "boost": Weights.SIDE}}}


def _node(node: Node, known: Known | None) -> Clause:
    """A node with its score. Without ``known`` it is searched without mistakes."""
    if isinstance(node, AnyOf):
        return any_of(_node(inner, known) for inner in node.nodes)
    if isinstance(node, Number):
        return any_of(_number(node))
    names = node.fields or TEXT_FIELDS
    if isinstance(node, Prefix):
        return any_of({"prefix": {f"{path(name)}.exact": {"value": node.folded}}} for name in names)
    found = _words(node, names, known)
    return {"bool": {"must": [found], "should": [_exact_amount(node.amount)]}} if node.amount else found


def _exact_amount(amount: str) -> Clause:
    """The letters with a whole amount: they stand above others that are found."""
    held = any_of({"term": {name: amount}} for name in fields.AMOUNT_FIELDS)
    return {"constant_score": {"filter": held, "boost": Weights.EXACT_AMOUNT}}


def _words(node: Words, names: tuple[str, ...], known: Known | None) -> Clause:
    """Words with their score."""
    if known is None:
        found = [any_of([*_stems(node, name), *_exact(node, name)]) for name in names]
        return {"dis_max": {"queries": [*found, *_called(node)], "tie_breaker": Weights.OTHER_FIELDS}}
    right = any_of(chain.from_iterable(_stems(node, name, known) for name in names))
    # The better of them, not their sum: a letter that has the word gains little by its mistakes.
    return {"dis_max": {"queries": [right, *_called(node), *_beside(node), *_mistaken(node, known)]}}


def _called(word: Words) -> Iterable[Clause]:
    """Letters with a telephone, in any writing."""
    if word.telephone:
        yield {"term": {"telephone": {"value": word.telephone, "boost": Weights.TELEPHONE}}}


def _stems(word: Words, name: str, known: Known = NOTHING_KNOWN) -> Iterable[Clause]:
    """The clause of a word, or the best of the clauses of the word, of its synonyms and of words of its matter."""
    boost = BY_NAME[name].boost
    found = [_match(path(name), word.text, word.forms, "ged_stemmed", boost)]
    for run in word.also:
        text = " ".join(form.folded for form in run)
        where = (f"{path(name)}.exact", "ged_folded") if amounts.has_zeros(run) else (path(name), "ged_stemmed")
        found.append(_match(where[0], text, run, where[1], boost * also_boost(word.forms, run, known.weight)))
    if word.apart:
        each = [_match(path(name), form.written, (form,), "ged_stemmed", boost) for form in word.apart]
        found.append({"bool": {"must": each, "boost": Weights.APART}})
    for run in word.akin if name in RUN_FIELDS else ():
        text = " ".join(form.folded for form in run)
        found.append(_match(path(name), text, run, "ged_stemmed", boost * akin_boost(word.forms, run, known.weight)))
    yield {"dis_max": {"queries": found}} if len(found) > 1 else found[0]


def _exact(word: Words, name: str) -> Iterable[Clause]:
    yield _match(f"{path(name)}.exact", word.text, word.forms, "ged_folded", BY_NAME[name].boost * Weights.OTHER_FIELDS)


def _beside(word: Words) -> Iterable[Clause]:
    """Letters in which one of two readers read the word."""
    if not (word.quoted or word.fields or len(word.forms) > 1):
        yield _match(BESIDE, word.text, word.forms, "ged_stemmed", Weights.BESIDE)


def _mistaken(word: Words, known: Known | None) -> Iterable[Clause]:
    """Letters with a typing or reading mistake in the word; fewer for a word that many letters hold.

    Near words have one score, by how rare the word itself is. A score for each near word, and their sum, which is what
    Elasticsearch counts by itself, puts letters with *mois*, *mais* and *moins* above those with *mois*. The word by its
    shapes finds nothing more, but it scores the word unstemmed: without it, variants of judged queries find fewer.
    """
    if known is None or word.quoted or word.fields or len(word.forms) > 1:
        return
    form = word.forms[0]
    distance = min(fuzzy_distance(form.folded), known.mistakes.get(form.stem, MOST))
    if distance:
        yield _alike(WHOLE, form.folded, Weights.SHAPE)
        near = any_of([_near(WHOLE, form.folded, distance), _alike(f"{WHOLE}.joined", form.folded)])
        yield {"constant_score": {"filter": near, "boost": Weights.NEAR * known.weight(form.stem)}}


def _leaves(node: Node, known: Known | None) -> Iterable[Clause]:
    """The clauses of ``_node`` of which one has to match, without the clauses that find no further letter.

    The clause of the stem also finds the written and the folded form; the clause of near words also finds the shape.
    """
    if isinstance(node, AnyOf):
        for inner in node.nodes:
            yield from _leaves(inner, known)
    elif isinstance(node, Number):
        yield from _number(node)
    elif isinstance(node, Prefix):
        for name in node.fields or TEXT_FIELDS:
            yield {"prefix": {f"{path(name)}.exact": {"value": node.folded}}}
    else:
        if known is not None:
            yield from _beside(node)
        for name in node.fields or TEXT_FIELDS:
            yield from _stems(node, name)
        yield from _called(node)
        yield from list(_mistaken(node, known))[1:]


def _match(name: str, text: str, run: Run, analyzer: str, boost: float) -> Clause:
    """Letters with a run of words. A usual word is sent as its term: the server has no text of a clause to analyse."""
    if len(run) == 1 and is_usual(run[0]):
        return {"term": {name: {"value": term(run[0], analyzer), "boost": boost}}}
    if all(form.folded.isdigit() for form in run):  # an amount, which may be typed in groups
        text = " ".join(form.folded for form in run)
    return {"match_phrase": {name: {"query": text, "analyzer": analyzer, "boost": boost}}}


def term(word: Forms, analyzer: str) -> str:
    """The term that an analyzer of Elasticsearch makes of a usual word."""
    return _FORM[analyzer](word)


def is_usual(word: Forms) -> bool:
    """Whether Elasticsearch surely makes the forms of a word that ``analysis.forms`` makes."""
    return len(word.written) < MAX_WORD_LENGTH and _USUAL.fullmatch(word.written) is not None


def _alike(name: str, folded: str, boost: float = 1.0) -> Clause:
    return {"match": {name: {"query": folded, "analyzer": "ged_shape", "boost": boost}}}


def _near(name: str, folded: str, distance: int) -> Clause:
    """Words near to a word by the shapes of their letters; a word that differs in shapes alone is one of them.

    All near words, and not the thirty first ones of the dictionary: in badly read letters there are more, and which ones come first
    depends on letters of others.
    """
    near = {"query": folded, "analyzer": "ged_shape", "fuzziness": distance, "prefix_length": Weights.NEAR_PREFIX}
    return {"match": {name: near | {"fuzzy_rewrite": "constant_score"}}}


def _exact_number(whole: str, names: tuple[str, ...]) -> Iterable[Clause]:
    for name in names:
        boost = Weights.EXACT_NUMBER * BY_NAME[name].boost
        yield {"constant_score": {"filter": {"term": {f"{name}_whole": whole}}, "boost": boost}}


def _number(node: Number) -> Iterable[Clause]:
    if not node.prefix:
        yield from _exact_number(node.whole, node.fields)
    text = " ".join(node.parts)
    for name in node.fields:
        boost = number_boost(len(node.parts)) * BY_NAME[name].boost
        # Not ``match_phrase_prefix``: it takes the first fifty words of the dictionary, and letters of others decide which.
        begun: Clause = {"prefix": {f"{name}_from": {"value": node.whole}}}
        held: Clause = begun if node.prefix else {"match_phrase": {name: {"query": text}}}
        yield {"constant_score": {"filter": held, "boost": boost}}
        if len(node.parts) > 1 and not node.prefix:
            anywhere = {"match": {name: {"query": text, "operator": "and"}}}
            yield {"constant_score": {"filter": anywhere, "boost": Weights.NUMBER_ANY_ORDER}}
        for one in node.glued:
            begun = {"regexp": {f"{name}_from": {"value": numbers.pattern(one), "flags": "NONE"}}}
            yield {"constant_score": {"filter": begun, "boost": Weights.EXACT_NUMBER * BY_NAME[name].boost}}
