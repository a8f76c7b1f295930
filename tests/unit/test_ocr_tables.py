"""Results from rows and cells: lines of text, amounts, references."""

import json
import time
from pathlib import Path

import pytest

from ged.ports import FieldReading, RecognisedPage, Table, Word
from ocr.field_layout import sheet_of
from ocr.field_tables import read_tables
from ocr.fields import read_fields
from ocr.lines import Line, Token
from ocr.tables import has_gaps, in_rows
from ocr.wire import PagePart, PageResult, PageTask, load_result


def tokens(text: str, x: float, y: float) -> tuple[Token, ...]:
    return tuple(Token(word, x + 0.05 * n, y, 0.04, 0.01, 100.0) for n, word in enumerate(text.split()))


def page_of(*rows: tuple[str, ...], text: str = "") -> RecognisedPage:
    """A page that consists of one table. A row is given cell by cell."""
    table: Table = tuple(
        tuple(
            tuple(Word(word, 0.1 + 0.2 * c + 0.03 * w, 0.2 + 0.03 * r, 0.02, 0.01, 100.0) for w, word in enumerate(cell.split()))
            for c, cell in enumerate(row)
        )
        for r, row in enumerate(rows)
    )  # fmt: skip
    words = tuple(word for row in table for cell in row for word in cell)
    lines = "\n".join(" | ".join(cell for cell in row if cell) for row in rows)
    return RecognisedPage(1, f"{text}\n{lines}", words, 100.0, "fra", None, ("born_digital", "tables"), tables=(table,))


def fields(*rows: tuple[str, ...], text: str = "") -> list[FieldReading]:
    return list(read_fields([page_of(*rows, text=text)]))


def amounts(*rows: tuple[str, ...], text: str = "") -> list[str]:
    return [one.value for one in fields(*rows, text=text) if one.name == "amount"]


def test_words_of_a_cell_stay_together_whatever_the_order_in_which_they_came() -> None:
    lines = [
        Line((*tokens("Ciment", 0.1, 0.1), *tokens("12", 0.6, 0.1))),
        Line(tokens("en sacs", 0.1, 0.12)),
        Line((*tokens("Fer", 0.1, 0.16), *tokens("3", 0.6, 0.16))),
    ]
    grid = (
        ((0.05, 0.08, 0.5, 0.15), (0.5, 0.08, 0.9, 0.15)),
        ((0.05, 0.15, 0.5, 0.2), (0.5, 0.15, 0.9, 0.2)),
    )
    found = in_rows(lines, [grid])
    assert [line.text for line in found] == ["Ciment en sacs | 12", "Fer | 3"]
    assert [line.cells for line in found] == [(3, 1), (1, 1)]


def test_a_table_stands_where_its_first_word_stood_and_words_beside_it_stay() -> None:
    lines = [
        Line(tokens("Avant", 0.1, 0.02)),
        Line((*tokens("A", 0.1, 0.1), *tokens("1", 0.6, 0.1), *tokens("marge", 0.95, 0.1))),
        Line((*tokens("B", 0.1, 0.16), *tokens("2", 0.6, 0.16))),
        Line(tokens("Après", 0.1, 0.5)),
    ]
    grid = (((0.05, 0.08, 0.5, 0.15), (0.5, 0.08, 0.9, 0.15)), ((0.05, 0.15, 0.5, 0.2), (0.5, 0.15, 0.9, 0.2)))
    assert [line.text for line in in_rows(lines, [grid])] == ["Avant", "A | 1", "B | 2", "marge", "Après"]


def test_an_empty_cell_leaves_its_place_to_the_columns_and_no_bar_in_the_text() -> None:
    grid = (((0.0, 0.0, 0.3, 0.2), (0.3, 0.0, 0.6, 0.2), (0.6, 0.0, 1.0, 0.2)),)
    (line,) = in_rows([Line((*tokens("A", 0.1, 0.1), *tokens("C", 0.8, 0.1)))], [grid])
    assert (line.text, line.cells) == ("A | C", (1, 0, 1))


def test_gaps_are_looked_for_in_lines_and_not_in_columns() -> None:
    wide = [Line((*tokens("A", 0.1, y), *tokens("B", 0.6, y))) for y in (0.1, 0.2)]
    assert has_gaps(wide)
    assert not has_gaps(wide[:1])
    assert not has_gaps([Line(tokens("un deux trois quatre", 0.1, y)) for y in (0.1, 0.2, 0.3)])


def test_bars_between_cells_part_pieces_where_only_the_text_is_kept() -> None:
    sheet = sheet_of(RecognisedPage(1, "Ciment | 12 | 5 000", (), 100.0, "fra", None))
    assert [piece.text for piece in sheet.pieces] == ["Ciment", "12", "5 000"]


HEAD = ("Désignation", "Qté", "Montant (FCFA)")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([HEAD, ("Fer", "3", "7 500"), ("Total TTC", "", "67 500")], ["67 500 FCFA", "7 500 FCFA"]),
        ([("Total à payer", "1 250 000"), ("Devise", "à convenir")], []),
        ([("Total à payer (FCFA)", "1 250 000"), ("Remise", "5")], ["1 250 000 FCFA"]),
        ([("Libellé", "Somme", ""), ("Net à payer", "1 250 000", "francs CFA")], ["1 250 000 FCFA"]),
        ([("Poste", "Prix (€)"), ("Table", "1 200,50")], ["1 200,50 EUR"]),
        ([("Poste", "Prix (€)"), ("Table", "2026/12"), ("Chaise", "sur devis")], []),
        ([("Poste", "Effectif"), ("Secrétaires", "12"), ("Total", "12")], []),
    ],
    ids=["total", "no currency", "in the label", "beside", "cents", "no numbers", "no money"],
)  # fmt: skip
def test_amounts_are_numbers_with_a_currency_that_their_cell_column_or_label_names(
    rows: list[tuple[str, ...]], expected: list[str]
) -> None:
    assert amounts(*rows) == expected


def test_the_only_currency_of_a_page_is_that_of_its_tables() -> None:
    rows = [("Libellé", "Montant"), ("Fer", "7 500"), ("Total", "8 000")]
    assert amounts(*rows, text="Tous les prix sont en francs CFA.") == ["7 500 FCFA", "8 000 FCFA"]
    assert amounts(*rows, text="Prix en francs CFA ou en euros.") == []


@pytest.mark.parametrize(
    ("rows", "name", "value"),
    [
        ([("N° facture", "Date"), ("FA-141", "12/03/2026")], "their_reference", "FA-141"),
        ([("N° de la facture", "FA-141"), ("Date", "12/03/2026")], "their_reference", "FA-141"),
        ([("Notre référence", "DAF/26/7"), ("Date", "12/03/2026")], "their_reference", "DAF/26/7"),
        ([("Bon de commande", "BC-77/MEF"), ("Date", "12/03/2026")], "our_reference", "BC-77/MEF"),
        ([("Date", "V/Réf"), ("12/03/2026", "0042/MEF/SG")], "our_reference", "0042/MEF/SG"),
        ([("N° de marché", "Date"), ("M-14/2026", "12/03/2026")], "our_reference", "M-14/2026"),
    ],
)  # fmt: skip
def test_references_stand_under_their_head_or_beside_their_label(
    rows: list[tuple[str, ...]], name: str, value: str
) -> None:
    assert {one.name: one.value for one in fields(*rows) if one.name == name} == {name: value}


def test_a_column_of_references_names_goods_and_not_the_letter() -> None:
    found = fields(("Désignation", "N° de dossier"), ("Fer", "ART-1"), ("Ciment", "ART-2"))
    assert not [one for one in found if one.name.endswith("reference")]


@pytest.mark.parametrize(
    "cells",
    [[[0, 2], [1, 3]], [[2, 3], [0, 1]], [[0, 9]], [[-3, -1]], [[0, "x"]], [[0]]],
    ids=["twice", "backwards", "beyond", "before", "no number", "half"],
)
def test_cells_that_a_hostile_child_makes_up_are_no_result(tmp_path: Path, cells: list[list[object]]) -> None:
    task = PageTask("x.pdf", "application/pdf", 0, 0, 1, ("fra",), str(tmp_path), 60.0)
    image = task.stem.with_suffix(".jpeg")
    image.write_bytes(b"x")
    words = tuple((word, 0.1, 0.1, 0.1, 0.1, 100.0) for word in "abc")
    part = PagePart(image, "jpeg", 1, 1, True, 1.0, 1.0, None)
    PageResult("", words, 0.0, "fra", (), None, part, ((((0, 1), (1, 3)),),)).dump(task.result_path)
    assert load_result(task).tables == ((((0, 1), (1, 3)),),)
    data = json.loads(task.result_path.read_text())
    task.result_path.write_text(json.dumps(data | {"tables": [[cells]]}))
    with pytest.raises((ValueError, TypeError, KeyError)):
        load_result(task)


@pytest.mark.slow
def test_hostile_cells_are_read_in_little_time() -> None:
    nasty = (
        "!" * 9_000,
        "n° de " * 1_500 + "facture",
        "1 " * 4_000,
        "a/-" * 3_000,
        "9" * 9_000,
        "facture",
        "bc " * 3_000,
    )
    pages = [page_of(*[(first, *nasty)] * 8) for first in nasty]
    began = time.process_time()
    for page in pages:
        read_tables([page])
    assert time.process_time() - began < 12, "what grows with the square of a cell takes minutes"
