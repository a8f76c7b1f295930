"""A letter's formatted text: one document from JSON and from light marks; text from outside adds only characters."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ged.errors import Invalid
from ged.richtext import document, marks, screen
from ged.richtext.document import Document, Heading, Item, Items, Mark, PageBreak, Paragraph, Run, Table, normal
from ged.richtext.pages import sheet_blocks
from tests.sample_kit import examples

ALPHABET = "ab*_ \\|#-1.\n[)é\t•n\u00a0\u202f"
texts = st.text(alphabet=ALPHABET, max_size=10)
runs = st.lists(st.builds(Run, texts, st.frozensets(st.sampled_from(list(Mark)))), max_size=3).map(tuple)
flat = st.builds(Items, st.lists(st.builds(Item, runs), max_size=3).map(tuple), st.sampled_from([0, 0, 1, 3]))
deep = st.builds(
    Items,
    st.lists(st.builds(Item, runs, st.lists(flat, max_size=2).map(tuple)), max_size=3).map(tuple),
    st.sampled_from([0, 1, 7]),
)
tables = st.builds(Table, st.lists(st.lists(runs, max_size=3).map(tuple), max_size=3).map(tuple), st.booleans())
blocks = st.one_of(
    st.builds(Paragraph, runs), st.builds(Heading, st.sampled_from([1, 2]), runs), deep, tables, st.just(PageBreak())
)


@settings(max_examples=examples(150))
@given(st.lists(blocks, max_size=4))
@pytest.mark.slow
def test_a_document_comes_back_from_its_stored_form_and_from_its_light_marks(made: list[Any]) -> None:
    found = normal(made)
    assert normal(found.blocks) == found
    assert document.read(document.dump(found)) == found
    assert marks.parse(marks.write(found)) == found


@settings(max_examples=examples(200))
@given(st.text(alphabet=ALPHABET, max_size=40))
def test_any_text_is_read_and_a_plain_one_keeps_its_characters(text: str) -> None:
    found = marks.parse(text)
    assert marks.parse(marks.write(found)) == found
    kept = document.plain(marks.from_plain(text))
    assert [c for c in kept if c in "*_\\#b"] == [c for c in text if c in "*_\\#b"]


def test_a_text_of_before_has_no_forms_behind_blanks_either() -> None:
    for text in (" # 1", "\t## y", " | a | b |", "  [saut de page]"):
        assert document.plain(marks.from_plain(text)) == text.strip(), text


def test_light_marks_are_forms() -> None:
    text = (
        "Bonjour **gras** *penché* __souligné__ 2 * 3\nsuite\n- un\n- deux\n  1. dessous\n\n# Titre\n\n"
        "| Poste | Montant |\n|---|---|\n| 410 | 60 000 000 |\n\n[saut de page]\n\nFin"
    )
    paragraph, items, heading, table, broken, last = marks.parse(text).blocks
    assert isinstance(paragraph, Paragraph)
    assert [(run.text, *sorted(run.marks)) for run in paragraph.runs] == [
        ("Bonjour ",), ("gras", "strong"), (" ",), ("penché", "em"), (" ",), ("souligné", "underline"), (" 2 * 3\nsuite",),
    ]  # fmt: skip
    assert isinstance(items, Items), "a line of - after a line of text begins a list"
    assert [len(item.below) for item in items.items] == [0, 1]
    assert isinstance(heading, Heading)
    assert isinstance(table, Table)
    assert table.headed
    assert isinstance(broken, PageBreak)
    assert document.plain_block(last) == "Fin"


def test_a_tab_never_joins_two_numbers() -> None:
    (table,) = marks.parse("410\t60 000 000\n411\t7 000 000").blocks
    assert document.plain_block(table) == "410 | 60 000 000\n411 | 7 000 000"
    assert isinstance(table, Table)
    (line,) = marks.parse("410\t60 000 000").blocks
    assert document.plain_block(line) == "410 60 000 000"
    stored = '{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"410\\t60"}]}]}'
    assert document.plain(document.read(stored)) == "410 60"
    assert document.plain(marks.parse("1.\tPremier\n2.\tSecond")) == "1. Premier\n2. Second", "as Word writes a list"


def paragraph(*content: Any) -> str:
    return json.dumps({"type": "doc", "content": [{"type": "paragraph", "content": list(content)}]})


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "null",
        "[]",
        '{"type":"doc","content":{}}',
        '{"type":"doc","content":[{"type":"script"}]}',
        '{"type":"doc","content":[{"type":"image","attrs":{"src":"x"}}]}',
        '{"type":"doc","content":[{"type":"text","text":"a"}]}',
        '{"type":"doc","content":[{"type":"heading","attrs":{"level":"1"}}]}',
        '{"type":"doc","content":[{"type":"heading","attrs":{"level":true}}]}',
        '{"type":"doc","content":[{"type":"heading","attrs":null}]}',
        '{"type":"doc","content":[{"type":"table","content":[{"type":"table_row","content":[{"type":"paragraph"}]}]}]}',
        paragraph({"type": "text", "text": 3}),
        paragraph({"type": "text", "text": "a", "marks": [{"type": "link", "attrs": {"href": "javascript:x"}}]}),
        paragraph({"type": "text"}),
        '{"type":"doc","content":' + '[{"type":"bullet_list","content":[{"type":"list_item","content":' * 400,
    ],
)
def test_what_is_not_on_the_list_is_refused(stored: str) -> None:
    with pytest.raises(Invalid, match="draft.rich_unknown"):
        document.read(stored)


def test_a_nest_of_lists_is_refused_or_flattened() -> None:
    node: dict[str, Any] = {
        "type": "list_item",
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "x"}]}],
    }
    for _ in range(10):
        node = {"type": "list_item", "content": [node["content"][0], {"type": "bullet_list", "content": [node]}]}
    found = document.read(json.dumps({"type": "doc", "content": [{"type": "bullet_list", "content": [node]}]}))
    assert document.plain(found).count("x") == 11
    for _ in range(30):
        node = {"type": "list_item", "content": [node["content"][0], {"type": "bullet_list", "content": [node]}]}
    with pytest.raises(Invalid):
        document.read(json.dumps({"type": "doc", "content": [{"type": "bullet_list", "content": [node]}]}))


def test_limits_are_told() -> None:
    with pytest.raises(Invalid, match="draft.too_long"):
        marks.parse("x" * (document.MAX_TEXT + 1))
    with pytest.raises(Invalid, match="draft.table_large"):
        marks.parse("|" + "a|" * (document.MAX_COLUMNS + 1))


HOSTILE = '<script>alert(1)</script> <img src=x onerror="alert(2)"> &amp; "é"'


def test_html_in_a_text_is_characters_on_the_screen() -> None:
    text = f"# {HOSTILE}\n\n{HOSTILE}\n- **{HOSTILE}**\n\n| {HOSTILE} | b |\n|---|---|\n| {HOSTILE} | c |"
    shown = screen.html(marks.parse(text))
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.count("&lt;script&gt;") == 5
    assert "&amp;amp;" in shown
    assert "<strong>&lt;script" in shown
    assert '<th scope="col">' in shown


def test_a_sheet_gets_texts_and_numbers_alone() -> None:
    found = sheet_blocks(marks.parse("| Poste | Montant |\n|---|---|\n| #let x | 60 000 000 |\n| $y$ | 7 |"))
    (table,) = found
    assert table["right"] == [False, True]
    shown = screen.html(marks.parse("| Poste | Montant |\n|---|---|\n| A4 | 60 000 000 |\n| A3 | 7 |"))
    assert '<td>A4</td><td class="rich-figures">60 000 000</td>' in shown, "the screen shows figures as paper does"
    assert table["rows"][1][0] == [{"text": "#let x", "strong": False, "em": False, "underline": False}]


def test_an_empty_text_is_an_empty_document() -> None:
    for text in ("", "  \n\n \t\n", "[saut de page]", "| | |"):
        assert marks.parse(text) == Document()


LONG = {"type": "paragraph", "content": [{"type": "text", "text": "a" * 400_000}]}


@pytest.mark.parametrize(
    "body",
    ["** " * 130_000, "a" * 400_000, json.dumps({"type": "doc", "content": [LONG]}, separators=(",", ":"))],
    ids=["signs", "plain", "json"],
)
def test_a_text_that_is_too_long_is_refused_before_it_is_taken_apart(body: str) -> None:
    """Each character takes some hundred bytes when it is parsed: one request would fill the memory."""
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match=r"draft\.too_long"):
            marks.document_of(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000, f"{peak / 1e6:.0f} MB for {len(body)} characters"
