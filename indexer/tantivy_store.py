"""The folder of an embedded index: schema, documents, and which generation is the living one.

``current.json`` names the schema version and the sub-folder in use. A reset makes a new sub-folder beside the old
one and swaps the file, so that a reader in another process notices and never sees half an index.
"""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tantivy import Document, Index, PreTokenizedString, Schema, SchemaBuilder, Token

from indexer import analysis, fields
from indexer.fields import FIELDS, Kind, Record
from indexer.passages import Stored

CURRENT = "current.json"
PAGE_GAP = 100
"""Positions between two pages, so that no phrase crosses them."""


@dataclass(frozen=True)
class Current:
    """What ``current.json`` says."""

    schema_version: int
    folder: str


def read_current(path: Path) -> Current | None:
    """The living generation; None when there is no index yet."""
    try:
        found = json.loads((path / CURRENT).read_text())
    except FileNotFoundError:
        return None
    return Current(int(found["schema_version"]), str(found["folder"]))


def create(path: Path) -> Current:
    """Make an empty generation and let it be the living one; the earlier ones are removed."""
    path.mkdir(parents=True, exist_ok=True)
    before = read_current(path)
    number = int(before.folder.removeprefix("g")) + 1 if before else 1
    current = Current(fields.SCHEMA_VERSION, f"g{number:06d}")
    fresh = path / current.folder
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    Index(schema(), str(fresh))
    waiting = path / (CURRENT + ".new")
    waiting.write_text(json.dumps({"schema_version": current.schema_version, "folder": current.folder}))
    os.replace(waiting, path / CURRENT)
    for old in path.glob("g[0-9]*"):
        if old.name != current.folder:
            shutil.rmtree(old, ignore_errors=True)
    return current


def schema() -> Schema:
    """The schema, from the table of fields. Integers are signed: deleting by an unsigned term does nothing in 0.27."""
    builder = SchemaBuilder()
    for item in FIELDS:
        if item.kind is Kind.TEXT:
            builder.add_text_field(item.name, tokenizer_name="raw")
            builder.add_text_field(f"{item.name}_exact", tokenizer_name="raw")
        elif item.kind is Kind.NUMBER:
            builder.add_text_field(item.name, tokenizer_name="raw")
            builder.add_text_field(f"{item.name}_whole", tokenizer_name="raw", index_option="basic")
        elif item.kind is Kind.KEYWORD:
            builder.add_text_field(item.name, fast=bool(item.facet), tokenizer_name="raw", index_option="basic")
        else:
            builder.add_integer_field(item.name, indexed=True, fast=True)
    builder.add_bytes_field("source", stored=True)
    return builder.build()


def to_document(record: Record) -> Document:
    """A letter as tantivy takes it, analysed by us."""
    document = Document()
    document.add_integer("mail_id", record.mail_id)
    document.add_integer("version", record.version)
    for name, value in record.integers.items():
        document.add_integer(name, value)
    for name, values in record.keywords.items():
        for keyword in values:
            document.add_text(name, keyword)
    for name, text in record.texts.items():
        _add_analysed(document, name, [text])
    _add_analysed(document, "text", [text for _, _, text in record.pages])
    for name, values in record.numbers.items():
        _add_numbers(document, name, values)
    document.add_bytes("source", _source(record))
    return document


def _add_analysed(document: Document, name: str, texts: Iterable[str]) -> None:
    stems: list[Token] = []
    exact: list[Token] = []
    at = 0
    for text in texts:
        for token in analysis.tokens(text):
            forms = token.forms
            stems.append(Token(forms.stem, at, 0, 0))
            exact.append(Token(forms.folded, at, 0, 0))
            if forms.written != forms.folded:
                exact.append(Token(forms.written, at, 0, 0))
            at += 1
        at += PAGE_GAP
    if stems:
        document.add_pre_tokenized_text(name, PreTokenizedString("", stems))
        document.add_pre_tokenized_text(f"{name}_exact", PreTokenizedString("", exact))


def _add_numbers(document: Document, name: str, values: tuple[str, ...]) -> None:
    tokens: list[Token] = []
    at = 0
    for whole, parts in fields.number_forms(values):
        document.add_text(f"{name}_whole", whole)
        tokens += [Token(part, at + step, 0, 0) for step, part in enumerate(parts)]
        at += len(parts) + PAGE_GAP
    if tokens:
        document.add_pre_tokenized_text(name, PreTokenizedString("", tokens))


def _source(record: Record) -> bytes:
    stored = {"texts": record.texts, "numbers": record.numbers, "pages": record.pages}
    return json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode()


def read_source(document: Document) -> Stored:
    """What was kept for showing."""
    found = json.loads(bytes(document.get_first("source") or b"{}"))
    return Stored(found["texts"], found["numbers"], [(item[0], item[1], item[2]) for item in found["pages"]])
