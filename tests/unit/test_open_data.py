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

from ged.dashboard.telling import SMALL
from ged.monthly.open_data import (
    FIELDS,
    FIRST,
    LEAST,
    LEAVING,
    MEASURES,
    OTHER,
    RULE,
    RULE_IN_ENGLISH,
    Counts,
    Key,
    leaving_counts,
    merged,
    packed,
    table,
)  # fmt: skip

DOCS = Path(__file__).parents[2] / "docs"

MONTH = date(2026, 10, 1)
NONE = (0,) * (len(LEAVING) - 3)
COUNTS = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 5)).map(lambda first: (*first, *NONE))
CELLS = st.dictionaries(
    st.tuples(st.sampled_from("ABCD"), st.sampled_from(["arrivee", "depart", "interne"]), st.sampled_from(["", "x", "y", "z"])),
    COUNTS,
)  # fmt: skip


def received(*cells: tuple[str, str, str, int]) -> dict[Key, Counts]:
    return {(entity, direction, nature): (count, 0, 0, *NONE) for entity, direction, nature, count in cells}


def test_no_name_is_taken_for_a_formula() -> None:
    counted = {MONTH: received(("MIN", "arrivee", "x", 7))}
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
    for text, words in zip(said, ("inférieur à", "below", "n'est au-dessous de", "No number below"), strict=True):
        assert f"{words} {LEAST}" in text
    for text in said[:2]:
        assert set(re.findall(r"\d+", text)) == {str(LEAST)}


@given(CELLS)
def test_no_number_is_below_five_and_no_difference_in_a_group(cells: dict[Key, Counts]) -> None:
    published = table({MONTH: cells})
    assert sum(one.count for one in published) <= sum(map(sum, cells.values()))
    groups: dict[Key, list[int]] = defaultdict(list)
    for one in published:
        groups[one.entity, one.direction, one.nature].append(one.count)
    for counts in groups.values():
        assert min(counts) >= 5
        assert not [1 for one in counts for other in counts if 0 < abs(one - other) < 5]


@given(CELLS)
def test_a_cell_stands_in_one_group_for_all_measures_and_no_group_hides_one_cell(cells: dict[Key, Counts]) -> None:
    """Else one measure under a group and another one without it would tell the cell by their difference."""
    found = merged(cells)
    hidden: dict[tuple[str, str], list[Counts]] = defaultdict(list)
    for (entity, direction, nature), counts in cells.items():
        if (entity, direction, nature) in found:
            assert found[entity, direction, nature] == counts
        elif any(counts):
            hidden[entity, direction].append(counts)
    for (entity, direction, nature), counts in found.items():
        assert max(counts) >= 5
        if nature == OTHER and entity != OTHER:
            those = hidden.pop((entity, direction))
            assert tuple(map(sum, zip(*those, strict=True))) == counts
            assert len(those) >= 2, "one cell alone would be told"
    for (entity, direction, _nature), counts in sorted(found.items(), reverse=True):
        if entity == OTHER:
            those = [one for key in [*hidden] if direction in (OTHER, key[1]) for one in hidden.pop(key)]
            assert tuple(map(sum, zip(*those, strict=True))) == counts


def test_small_natures_go_together_and_the_next_one_joins_them() -> None:
    def counts(*cells: tuple[str, str, str, int]) -> dict[Key, int]:
        return {key: found[0] for key, found in merged(received(*cells)).items()}

    one = (("A", "depart", "x", 4), ("A", "depart", "y", 9), ("A", "depart", "z", 6))
    assert counts(*one) == {("A", "depart", OTHER): 10, ("A", "depart", "y"): 9}
    assert counts(("A", "depart", "x", 4), ("B", "depart", "x", 4)) == {(OTHER, "depart", OTHER): 8}
    assert counts(("A", "depart", "x", 4), ("B", "arrivee", "x", 4)) == {(OTHER, OTHER, OTHER): 8}
    assert counts(("A", "depart", "x", 4)) == {}


def test_what_would_follow_by_difference_does_not_leave() -> None:
    assert set(FIRST) == set(LEAVING)
    assert leaving_counts((8, 9, 1, 8, *NONE[1:])) == {"received": 8, "imputed": 8}, "one was voided"
    assert leaving_counts((8, 9, 1, 3, *NONE[1:])) == {"received": 8}
    assert leaving_counts((8, 13, 5, 3, *NONE[1:])) == {"received": 8, "numbered": 13}, "no difference is small"
    signed = dict(zip(LEAVING, (0,) * len(LEAVING), strict=True)) | {"received": 7, "signed": 12, "numbered": 20}
    assert set(leaving_counts(tuple(signed.values()))) == {"received", "signed"}, "of directions that are put together"
    # Numbered 5 and 12, received 4 and 12: a group of the latter alone would be 16.
    cells = {("A", "arrivee", "x"): (4, 5, 1, *NONE), ("A", "arrivee", "y"): (12, 12, 0, *NONE)}
    assert merged(cells) == cells


def test_the_file_has_rows_a_dictionary_and_the_licence() -> None:
    published = table({MONTH: received(("MIN", "arrivee", "x", 7), ("MIN", "arrivee", "", 5))})
    made = packed(published, {"MIN": "=cmd()"}, {"x": "Demande"}, {"number": 3}, "Licence ouverte")
    assert made == packed(published, {"MIN": "=cmd()"}, {"x": "Demande"}, {"number": 3}, "Licence ouverte")
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
