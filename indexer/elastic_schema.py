"""Elasticsearch's mapping and analysis, from the table of fields.

It uses only modules of every build of the server (no mapper-extras, no ICU). The analysis gives the same terms as
``indexer.analysis``; an integration test compares the two word by word.
"""

from typing import Any

from indexer import shapes
from indexer.analysis import ARTICLES, MAX_WORD_LENGTH, REPLACED, STOP_WORDS, fold
from indexer.fields import BESIDE, FIELDS, SCHEMA_VERSION, Field, Kind, Record, number_ends, number_forms

POSITION_GAP = 100
"""Positions between two pages, so that no phrase crosses them."""

BM25 = {"type": "BM25", "k1": 1.2, "b": 0.4}
"""The length of a letter lowers its score less than by default (b 0.75): measured on French texts, judged queries."""

WHOLE = "whole"
"""All text fields as one, by the shapes of their words: words with mistakes are searched in one field, not in each."""

PATHS = {"text": "pages.text"}
"""Path of a field in a document, where it differs from the field's name."""


def path(name: str) -> str:
    """Path of a field of the table in Elasticsearch's documents."""
    return PATHS.get(name, name)


def settings(*, shards: int, replicas: int | None) -> dict[str, Any]:
    """Settings of a new index."""
    return {"number_of_shards": shards, **copies(replicas), "similarity": {"default": BM25}, "analysis": _analysis()}


def copies(replicas: int | None) -> dict[str, Any]:
    """Settings of the replicas of an index; without a number: one replica if there is a second node."""
    return {"auto_expand_replicas": "0-1"} if replicas is None else {"number_of_replicas": replicas}


def _analysis() -> dict[str, Any]:
    def analyzer(*filters: str) -> dict[str, Any]:
        # In the order of ``analysis.forms``: an article is cut off before the length of the word counts.
        first = ["lowercase", "ged_apart", "ged_elision", "ged_cut"]
        return {"type": "custom", "tokenizer": "standard", "char_filter": ["ged_letters"], "filter": [*first, *filters]}

    def shaped(*filters: str) -> dict[str, Any]:
        first = ["ged_letters", "ged_alike"]
        return analyzer(*filters) | {"char_filter": first}

    letters = REPLACED | {letter.upper(): plain for letter, plain in REPLACED.items()}
    return {
        "char_filter": {
            "ged_letters": {"type": "mapping", "mappings": [f"{a} => {b}" for a, b in sorted(letters.items())]},
            "ged_alike": {"type": "mapping", "mappings": [f"{a} => {b}" for a, b in sorted(shapes.mappings())]},
        },
        "filter": {
            "ged_elision": {"type": "elision", "articles_case": True, "articles": list(ARTICLES)},
            # The tokenizer leaves 61.773, 773,00, 61 773 with a narrow blank, S.E.M and a_b as one.
            "ged_apart": {
                "type": "word_delimiter",
                "split_on_case_change": False,
                "split_on_numerics": False,
                "stem_english_possessive": False,
                "type_table": ["' => ALPHA"],
            },
            "ged_cut": {"type": "truncate", "length": MAX_WORD_LENGTH},
            "ged_zeros": {"type": "pattern_replace", "pattern": "^0+(?=[0-9]+$)", "replacement": ""},
            "ged_stem": {"type": "stemmer", "language": "light_french"},
            "ged_stop": {"type": "stop", "stopwords": sorted({fold(word) for word in STOP_WORDS})},
            "ged_pair": {
                "type": "shingle",
                "min_shingle_size": 2,
                "max_shingle_size": 2,
                "output_unigrams": False,
                "filler_token": "",
            },
            "ged_side": {
                "type": "shingle",
                "min_shingle_size": 2,
                "max_shingle_size": 2,
                "output_unigrams": False,
                "token_separator": "",
            },
            "ged_both": {"type": "asciifolding", "preserve_original": True},
        },
        "analyzer": {
            "ged_stemmed": analyzer("ged_zeros", "asciifolding", "ged_stem"),
            # Stop words go before the stems are made: their list has words.
            "ged_pairs": analyzer("ged_zeros", "asciifolding", "ged_stop", "ged_stem", "ged_pair"),
            "ged_exact": analyzer("ged_both"),
            "ged_shape": shaped("asciifolding"),
            "ged_joined": shaped("asciifolding", "ged_side"),
            "ged_folded": analyzer("asciifolding"),
            "ged_written": analyzer(),
        },
    }


def mapping() -> dict[str, Any]:
    """Mapping of a new index: strict, with the schema version in ``_meta``."""
    properties: dict[str, Any] = {}
    for item in FIELDS:
        if item.name == "text":
            properties["pages"] = _pages(item)
        else:
            properties |= _properties(item)
    beside = {"type": "text", "analyzer": "ged_stemmed", "position_increment_gap": POSITION_GAP, "norms": False}
    properties[BESIDE] = beside
    properties[WHOLE] = _whole()
    properties["shown"] = {"type": "object", "enabled": False}
    return {"dynamic": "strict", "_meta": {"schema_version": SCHEMA_VERSION}, "properties": properties}


def _properties(item: Field) -> dict[str, Any]:
    if item.kind is Kind.TEXT:
        return {item.name: _text()}
    if item.kind is Kind.NUMBER:
        parts = {"type": "text", "analyzer": "whitespace", "position_increment_gap": POSITION_GAP, "norms": False}
        exact = {"type": "keyword", "ignore_above": 1024}
        ends = exact | {"doc_values": False}
        return {item.name: parts, f"{item.name}_whole": exact, f"{item.name}_from": ends}
    if item.kind is Kind.KEYWORD:
        return {item.name: {"type": "keyword", "ignore_above": 1024, "doc_values": bool(item.facet)}}
    return {item.name: {"type": "long"}}


def _text() -> dict[str, Any]:
    exact = {"type": "text", "analyzer": "ged_exact", "position_increment_gap": POSITION_GAP}
    return {
        "type": "text",
        "analyzer": "ged_stemmed",
        "position_increment_gap": POSITION_GAP,
        "fields": {
            "exact": exact,
            "pairs": {"type": "text", "analyzer": "ged_pairs", "index_options": "freqs"},
        },
        "copy_to": WHOLE,
    }


def _whole() -> dict[str, Any]:
    joined = {"type": "text", "analyzer": "ged_joined", "index_options": "docs", "norms": False}
    return {"type": "text", "analyzer": "ged_shape", "index_options": "freqs", "fields": {"joined": joined}}


def _pages(item: Field) -> dict[str, Any]:
    stored_only = {"type": "long", "index": False, "doc_values": False}
    return {"properties": {"attachment_id": stored_only, "page_no": stored_only, item.name: _text()}}


def to_source(record: Record) -> dict[str, Any]:
    """A letter as a document of Elasticsearch."""
    source: dict[str, Any] = {"mail_id": record.mail_id, "version": record.version}
    source |= record.integers
    source |= {name: list(values) for name, values in record.keywords.items() if values}
    source |= record.texts
    for name, values in record.numbers.items():
        forms = number_forms(values)
        if forms:
            source[name] = [" ".join(parts) for _, parts in forms]
            source[f"{name}_whole"] = [whole for whole, _ in forms]
            source[f"{name}_from"] = number_ends(values)
    source["pages"] = [{"attachment_id": a, "page_no": no, "text": text} for a, no, text in record.pages]
    if record.beside:
        source[BESIDE] = list(record.beside)
    source["shown"] = {name: list(values) for name, values in record.numbers.items() if values}
    return source
