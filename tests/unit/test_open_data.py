"""Open data: no number below five, whatever the cells; the CSV and its dictionary say what the rule says."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import defaultdict
from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ged.figures.telling import SMALL
from ged.monthly.open_data import FIELDS, LEAST, MEASURES, OTHER, RULE, RULE_IN_ENGLISH, Key, merged, packed, table

DOCS = Path(__file__).parents[2] / "docs"

CELLS = st.dictionaries(
    st.tuples(st.sampled_from("ABCD"), st.sampled_from(["arrivee", "depart", "interne"]), st.sampled_from(["", "x", "y", "z"])),
    st.integers(0, 12),
)  # fmt: skip


def test_no_name_is_taken_for_a_formula() -> None:
    counted = {(date(2026, 10, 1), "received"): {("MIN", "arrivee", "x"): 7}}
    made = packed(table(counted), {"MIN": "\u200b\u2028 =HYPERLINK(1)"}, {"x": "＝1"}, {}, "Libre")
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        (row,) = csv.DictReader(io.StringIO(archive.read("courriers.csv").decode()))
    assert (row["entite_nom"], row["nature_nom"]) == ("'\u200b\u2028 =HYPERLINK(1)", "'＝1")


def test_the_counts_that_leave_are_named_one_by_one() -> None:
    """A figure that is added leaves when somebody writes it here, and not before."""
    assert [one.name for one in MEASURES] == [
        "received", "numbered", "voided", "imputed", "assigned", "answered", "closed", "returned", "signed", "dispatched",
    ]  # fmt: skip


def test_the_least_number_stands_in_each_text() -> None:
    assert LEAST == 5, "files that have left say so"
    assert LEAST >= SMALL, "what is told rounded on the pages does not leave exactly"
    said = (
        RULE,
        RULE_IN_ENGLISH,
        (DOCS / "guide" / "responsable.md").read_text(),
        (DOCS / "dev" / "figures.md").read_text(),
    )
    for text, words in zip(said, ("au-dessous de", "below", "n'est au-dessous de", "No number below"), strict=True):
        assert f"{words} {LEAST}" in text
    for text in said[:2]:
        assert set(re.findall(r"\d+", text)) == {str(LEAST)}


@given(CELLS)
def test_no_number_is_below_five_and_none_is_lost(cells: dict[Key, int]) -> None:
    found, left = merged(cells)
    assert all(count >= 5 for count in found.values())
    assert 0 <= left < 5
    assert sum(found.values()) + left == sum(cells.values())


@given(CELLS)
def test_a_number_under_a_code_is_that_of_its_cell_and_each_other_one_has_two_cells_at_least(
    cells: dict[Key, int],
) -> None:
    found, _left = merged(cells)
    hidden: dict[tuple[str, str], list[int]] = defaultdict(list)
    for (entity, direction, nature), count in cells.items():
        if (entity, direction, nature) in found:
            assert found[entity, direction, nature] == count
        elif count:
            hidden[entity, direction].append(count)
    for (entity, direction, nature), count in found.items():
        if nature == OTHER and entity != OTHER:
            assert sum(hidden[entity, direction]) == count
            assert len(hidden[entity, direction]) >= 2, "one cell alone would be told"
        elif entity == OTHER:
            assert direction == OTHER or sum(bool(those) for key, those in hidden.items() if key[1] == direction) >= 2


def test_small_natures_go_together_and_the_next_one_joins_them() -> None:
    one = {("A", "depart", "x"): 4, ("A", "depart", "y"): 9, ("A", "depart", "z"): 6}
    assert merged(one) == ({("A", "depart", OTHER): 10, ("A", "depart", "y"): 9}, 0)
    assert merged({("A", "depart", "x"): 4, ("B", "depart", "x"): 4}) == ({(OTHER, "depart", OTHER): 8}, 0)
    assert merged({("A", "depart", "x"): 4, ("B", "arrivee", "x"): 4}) == ({(OTHER, OTHER, OTHER): 8}, 0)
    assert merged({("A", "depart", "x"): 4}) == ({}, 4)


def test_the_file_has_rows_a_dictionary_and_the_licence() -> None:
    counted = {(date(2026, 10, 1), "received"): {("MIN", "arrivee", "x"): 7, ("MIN", "arrivee", ""): 5}}
    told = table(counted)
    made = packed(told, {"MIN": "=cmd()"}, {"x": "Demande"}, {"number": 3}, "Licence ouverte")
    assert made == packed(told, {"MIN": "=cmd()"}, {"x": "Demande"}, {"number": 3}, "Licence ouverte")
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        rows = list(csv.reader(io.StringIO(archive.read("courriers.csv").decode())))
        dictionary = json.loads(archive.read("datapackage.json"))
        assert archive.read("LICENCE.txt").decode() == "Licence ouverte"
    assert tuple(rows[0]) == FIELDS
    assert rows[1:] == [
        ["2026-10", "MIN", "'=cmd()", "arrivee", "", "", "received", "5"],
        ["2026-10", "MIN", "'=cmd()", "arrivee", "x", "Demande", "received", "7"],
    ]
    fields = dictionary["resources"][0]["schema"]["fields"]
    assert [one["name"] for one in fields] == list(FIELDS)
    assert all(one["description"] and one["description_en"] for one in fields)
    assert [one["name"] for one in dictionary["measures"]] == [one.name for one in MEASURES]
    assert dictionary["publication"]["number"] == 3
