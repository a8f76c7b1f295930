"""The folder of an embedded index: schema, documents, and the name of the living generation.

``current.json`` names the schema version and the sub-folder in use; ``building.json`` names the sub-folder being filled
beside it, and its progress. Publishing replaces ``current.json``: a reader in another process notices the change, and
never sees half an index.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from tantivy import (
    Document,
    Filter,
    Index,
    PreTokenizedString,
    Schema,
    SchemaBuilder,
    TextAnalyzer,
    TextAnalyzerBuilder,
    Token,
    Tokenizer,
)

from ged.durable import make_folder, replace_file, sync_folder
from ged.ports import Building, IndexDocument
from indexer import analysis, fields
from indexer.fields import FIELDS, Kind, Record
from indexer.passages import Stored

CURRENT = "current.json"
BUILDING = "building.json"
LAYOUT = 6
"""Raised by one when the folder changes for this engine (``fields.SCHEMA_VERSION``: for both); it is then rebuilt."""
IN_TURN = "in_turn"
"""An integer by which letters are ordered: when each was registered, and its id where letters were registered at once (a book of
paper, a batch). tantivy orders by one field, and by nothing else: equal values stand in the order of the folder, which letters of
others change."""
_IDS = 1 << 21  # leaves the milliseconds of 139 years on either side of 1970
_EVERY = 1 << 30
PAGE_GAP = 100
"""Positions between two pages, so that no phrase crosses them."""
ADDED_TO_TEXT, ADDED_TO_SHORT = 290, 7
"""The number of words that are added to the text of each letter, and to each of its other fields of words.

BM25 of tantivy has a fixed ``b`` of 0.75. With as many words added as a letter has on average, lengths count as with the
``b`` of 0.4 of Elasticsearch (``elastic_schema.BM25``). The judged texts have 300 words, their titles five; in an archive
of shorter letters the length counts less.
"""
_ADDED = "_"
"""The word that is added: no text has it."""
WORDS, BLANKS = "ged_words", "whitespace"
"""Two analyses that part a text at its blanks, and leave each word as it comes. The first one also parts added words that are
written as one, all of them at one place: so they take no room among the places."""
NEAR_FIELDS = ("near_start", "near_end")
"""The fields with the words of all text fields, by their beginning and by their end (``near_keys``)."""
MIN_NEAR = 3
"""In letters. No search is near to a shorter word (``analysis.fuzzy_distance``)."""


@dataclass(frozen=True)
class Current:
    """The contents of ``current.json``."""

    schema_version: int
    folder: str
    layout: int

    @property
    def is_up_to_date(self) -> bool:
        """Whether this version of the program can read it."""
        return self.schema_version == fields.SCHEMA_VERSION and self.layout == LAYOUT


def read_current(path: Path) -> Current | None:
    """The living generation; None when there is no index yet. A damaged file counts as one of another layout."""
    found = _read(path / CURRENT)
    if found is None:
        return None
    return Current(int(found.get("schema_version", -1)), str(found.get("folder", "")), int(found.get("layout", 1)))


def read_building(path: Path) -> Building | None:
    """The generation being built, if it is of the current schema."""
    found = _read(path / BUILDING)
    if found is None or _versions().items() - found.items() or not (path / found["name"]).is_dir():
        return None
    # Killed between the two steps of ``publish``: the next rebuild would go on in the living generation.
    current = read_current(path)
    if current is not None and current.folder == found["name"]:
        return None
    return Building(str(found["name"]), int(found["version"]), int(found["position"]))


def create(path: Path) -> None:
    """Create an empty generation and make it the living generation; all others are removed."""
    forget_building(path)
    publish(path, create_folder(path))


def create_folder(path: Path) -> str:
    """Create an empty generation that neither file names yet; returns its name."""
    make_folder(path)
    before = [int(old.name.removeprefix("g")) for old in path.glob("g[0-9]*") if old.name[1:].isdigit()]
    name = f"g{max(before, default=0) + 1:06d}"
    (path / name).mkdir()
    Index(schema(), str(path / name))
    sync_folder(path / name)
    sync_folder(path)
    return name


def publish(path: Path, name: str) -> None:
    """Make a generation the living generation."""
    # First: in the other order a kill between the two loses the generation, which is swept when neither file names it.
    _write(path / CURRENT, _versions() | {"folder": name})
    forget_building(path)
    sweep(path)


def remember_building(path: Path, building: Building) -> None:
    """Store the progress of the rebuild."""
    _write(path / BUILDING, _versions() | asdict(building))


def forget_building(path: Path) -> None:
    """Delete the record of a rebuild."""
    (path / BUILDING).unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove the generations that neither file names."""
    current, building = read_current(path), read_building(path)
    named = {current and current.folder, building and building.name}
    for old in path.glob("g[0-9]*"):
        if old.name not in named:
            shutil.rmtree(old, ignore_errors=True)


def _versions() -> dict[str, Any]:
    return {"schema_version": fields.SCHEMA_VERSION, "layout": LAYOUT}


def _read(path: Path) -> dict[str, Any] | None:
    """The contents of a file: None without it, nothing where it is damaged."""
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (TypeError, ValueError):
        return {}


def _write(path: Path, document: dict[str, Any]) -> None:
    replace_file(path, json.dumps(document).encode())


@cache
def schema() -> Schema:
    """The schema, from the table of fields. Integers are signed: deleting by an unsigned term does nothing in 0.27."""
    builder = SchemaBuilder()
    for item in FIELDS:
        if item.kind is Kind.TEXT:
            builder.add_text_field(item.name, tokenizer_name=WORDS)
            builder.add_text_field(f"{item.name}_exact", tokenizer_name=BLANKS, index_option="freq")
        elif item.kind is Kind.NUMBER:
            builder.add_text_field(item.name, tokenizer_name="raw")
            for form in ("whole", "from"):
                builder.add_text_field(f"{item.name}_{form}", tokenizer_name="raw", index_option="basic")
        elif item.kind is Kind.KEYWORD:
            builder.add_text_field(item.name, fast=bool(item.facet), tokenizer_name="raw", index_option="basic")
        else:
            builder.add_integer_field(item.name, indexed=True, fast=True)
    builder.add_integer_field(IN_TURN, fast=True)
    builder.add_text_field(fields.BESIDE, tokenizer_name="raw")
    for name in NEAR_FIELDS:
        builder.add_text_field(name, tokenizer_name=BLANKS, index_option="basic")
    builder.add_bytes_field("source", stored=True)
    return builder.build()


def counting(field: str, most: int) -> dict[str, Any]:
    """The part of a request that counts the values of a field, the ``most`` frequent ones.

    By itself tantivy counts ten times as many in each part of the folder: which ones then depends on how letters, those of others
    too, lie in the parts, and their counts are too small.
    """
    return {"terms": {"field": field, "size": most, "segment_size": _EVERY}}


def words_analysis() -> TextAnalyzer:
    """The analysis ``WORDS``, which a writer registers. Searches come analysed."""
    return TextAnalyzerBuilder(Tokenizer.whitespace()).filter(Filter.split_compound([_ADDED])).build()


def to_document(letter: IndexDocument, *, zone: tzinfo) -> Document:
    """A letter as a document of tantivy, already analysed."""
    record = fields.record(letter, zone=zone)
    document = Document()
    document.add_integer("mail_id", record.mail_id)
    document.add_integer("version", record.version)
    for name, value in record.integers.items():
        document.add_integer(name, value)
    document.add_integer(IN_TURN, _in_turn(record))
    for name, values in record.keywords.items():
        for keyword in values:
            document.add_text(name, keyword)
    words: set[str] = set()
    for name, text in record.texts.items():
        words |= _add_analysed(document, name, [text])
    words |= _add_analysed(document, "text", [text for _, _, text in record.pages])
    _add_near(document, words)
    _add_beside(document, record.beside)
    for name, values in record.numbers.items():
        _add_numbers(document, name, values)
    document.add_bytes("source", _source(record))
    return document


def _in_turn(record: Record) -> int:
    most = (1 << 63) // _IDS - 1
    return max(-most, min(record.integers["registered_ms"], most)) * _IDS + record.mail_id % _IDS


def near_keys(folded: str) -> tuple[str, str]:
    """The two keys of a word in ``NEAR_FIELDS``: with its first letter three times, and the same of the reversed word.

    Two changed letters then cannot give another first letter. So a search for near words follows one branch of the
    dictionary, not all of them. A word misread at one end is found by its other end.
    """
    backwards = folded[::-1]
    return folded[0] * 2 + folded, backwards[0] * 2 + backwards


def _add_near(document: Document, words: set[str]) -> None:
    keys = [one for one in map(_near_keys_of, words) if one is not None]
    if keys:
        for name, one in zip(NEAR_FIELDS, zip(*keys, strict=True), strict=True):
            document.add_text(name, " ".join(one))


@lru_cache(maxsize=32_768)
def _near_keys_of(word: str) -> tuple[str, str] | None:
    """The keys of a word that is searched by nearness. Kept: letters share most of their words."""
    return near_keys(word) if len(word) >= MIN_NEAR and not word.isdigit() else None


@cache
def _added(name: str, between: str) -> str:
    """The added words of a field as one text, with this text between each two."""
    return between.join([_ADDED] * (ADDED_TO_TEXT if name == "text" else ADDED_TO_SHORT))


@cache
def _gap() -> PreTokenizedString:
    """What stands between two pages: an added word at such a distance that the second page begins ``PAGE_GAP`` places later."""
    return PreTokenizedString("", [Token(_ADDED, PAGE_GAP - 2, 0, 0)])


def _add_analysed(document: Document, name: str, texts: Iterable[str]) -> set[str]:
    """Add the texts of a field; returns their words, folded."""
    pages = [page for page in (list(map(analysis.forms, analysis.spelled(text))) for text in texts) if page]
    if not pages:
        return set()
    # Texts of words parted by blanks, which the engine parts again: an object for each word cost three times as much.
    exact, words = [_added(name, " ")], set[str]()
    for number, page in enumerate(pages):
        stems, folded = [one.stem for one in page], [one.folded for one in page]
        if number:
            document.add_pre_tokenized_text(name, _gap())
        else:
            stems.insert(0, _added(name, ""))
        document.add_text(name, " ".join(stems))
        exact += folded
        exact += [one.written for one in page if one.written != one.folded]
        words.update(folded)
    document.add_text(f"{name}_exact", " ".join(exact))
    return words


def _add_beside(document: Document, texts: Iterable[str]) -> None:
    stems = [token.forms.stem for text in texts for token in analysis.tokens(text)]
    if stems:
        held = [Token(stem, at, 0, 0) for at, stem in enumerate(stems)]
        document.add_pre_tokenized_text(fields.BESIDE, PreTokenizedString("", held))


def _add_numbers(document: Document, name: str, values: tuple[str, ...]) -> None:
    tokens: list[Token] = []
    at = 0
    for whole, parts in fields.number_forms(values):
        document.add_text(f"{name}_whole", whole)
        tokens += [Token(part, at + step, 0, 0) for step, part in enumerate(parts)]
        at += len(parts) + PAGE_GAP
    if tokens:
        document.add_pre_tokenized_text(name, PreTokenizedString("", tokens))
    for end in fields.number_ends(values):
        document.add_text(f"{name}_from", end)


def _source(record: Record) -> bytes:
    access = record.keywords["access"]
    stored = {"texts": record.texts, "numbers": record.numbers, "pages": record.pages, "access": access}
    if record.beside:
        stored[fields.BESIDE] = record.beside
    return json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode()


def read_source(document: Document) -> Stored:
    """The stored parts of a letter, for display."""
    found = json.loads(bytes(document.get_first("source") or b"{}"))
    pages = [(item[0], item[1], item[2]) for item in found["pages"]]
    return Stored(found["texts"], found["numbers"], pages, tuple(found.get(fields.BESIDE, ())))


def read_access(document: Document) -> list[str]:
    """The stored access terms."""
    found = json.loads(bytes(document.get_first("source") or b"{}"))
    return list(found.get("access", ()))
