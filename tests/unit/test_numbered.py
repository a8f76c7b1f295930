"""Which registers number otherwise after a change of the organisation, and which give the same numbers. No database."""

from typing import Any

import pytest

from ged.administration.numbered import alike, renumbered, told_otherwise
from ged.org.file import OrganisationFile, RegisterRecord, UnitRecord

UNITS: dict[str, Any] = {"MIN": (None, True), "ORG": ("MIN", True), "BO": ("MIN", False), "DGE": ("MIN", False), "ETU": ("DGE", False)}  # fmt: skip


def organisation(units: dict[str, Any] | None = None, **registers: dict[str, Any]) -> OrganisationFile:
    return OrganisationFile(
        organisation="Ministère",
        units=tuple(
            UnitRecord(code=code, name=code, kind="service", parent=parent, entity=entity)
            for code, (parent, entity) in (UNITS | (units or {})).items()
        ),
        registers=tuple(
            RegisterRecord(**{"code": code, "name": code, "unit": "BO", "direction": "incoming", "nature": "arrivee", "pattern": "{seq}/{year}/{register}"} | values)
            for code, values in registers.items()
        ),
    )  # fmt: skip


BY_ENTITY = {"pattern": "{seq}/{year}/{entity}"}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"name": "Autre nom"}, False),
        ({}, {"pattern": "{seq}/{yy}/{register}"}, True),
        ({"pattern": "{seq}/2000"}, {"pattern": "{seq}/{year}"}, True),
        ({}, {"unit": "DGE"}, False),
        ({"pattern": "{seq}/{unit}/{year}"}, {"unit": "DGE"}, True),
        (BY_ENTITY, {"unit": "ORG"}, True),
    ],
)
def test_a_change_of_a_register_is_seen_where_its_numbers_change(
    before: dict[str, Any], after: dict[str, Any], told: bool
) -> None:
    seen, wanted = organisation(A=before), organisation(A=before | after)
    assert (bool(renumbered(seen, wanted)), bool(told_otherwise(seen, wanted))) == (told, told)


@pytest.mark.parametrize("after", [{"restarts_yearly": False}, {"paper_number": 7, "paper_reason": "Tome 1"}])
def test_another_count_is_another_next_number_in_the_same_words(after: dict[str, Any]) -> None:
    seen, wanted = organisation(A={}), organisation(A=after)
    assert renumbered(seen, wanted) == {"A"}
    assert told_otherwise(seen, wanted) == frozenset()


def test_an_imported_book_does_not_number_otherwise_where_its_year_is_set() -> None:
    book = {"nature": "archive", "restarts_yearly": True}
    assert renumbered(organisation(A=book), organisation(A=book | {"restarts_yearly": False})) == frozenset()


def test_a_unit_that_moves_takes_the_numbers_of_all_below_it_along() -> None:
    registers = {"A": BY_ENTITY | {"unit": "ETU"}, "B": BY_ENTITY, "C": {"unit": "ETU"}}
    moved = organisation({"DGE": ("ORG", False)}, **registers)
    assert told_otherwise(organisation(**registers), moved) == {"A"}


def test_new_and_opened_registers_number_closed_ones_do_not() -> None:
    assert renumbered(organisation(A={"closed": True}), organisation(A={}, B={}, C={"closed": True})) == {"A", "B"}
    assert told_otherwise(organisation(A={"closed": True}), organisation(A={}, B={})) == frozenset()


@pytest.mark.parametrize(
    ("seen", "wanted", "count"),
    [
        ({"A": {}, "B": BY_ENTITY}, {"A": BY_ENTITY, "B": BY_ENTITY}, 1),
        ({"A": {}, "B": BY_ENTITY, "C": BY_ENTITY}, {"A": BY_ENTITY, "B": BY_ENTITY, "C": BY_ENTITY}, 2),
        ({"B": BY_ENTITY}, {"A": BY_ENTITY, "B": BY_ENTITY}, 1),
        ({"A": BY_ENTITY | {"closed": True}, "B": BY_ENTITY}, {"A": BY_ENTITY, "B": BY_ENTITY}, 1),
        ({"A": {}, "B": BY_ENTITY | {"closed": True}}, {"A": BY_ENTITY, "B": BY_ENTITY | {"closed": True}}, 0),
        ({"A": {}, "B": {}}, {"A": BY_ENTITY, "B": BY_ENTITY}, 1),
        ({"A": BY_ENTITY, "B": BY_ENTITY}, {"A": BY_ENTITY | {"unit": "ORG"}, "B": BY_ENTITY | {"unit": "ORG"}}, 0),
        ({"A": BY_ENTITY, "B": BY_ENTITY}, {"A": BY_ENTITY | {"paper_number": 7, "paper_reason": "T"}, "B": BY_ENTITY}, 0),
        ({"A": BY_ENTITY | {"unit": "ORG"}, "B": {}}, {"A": BY_ENTITY, "B": {}}, 0),
    ],
)  # fmt: skip
def test_registers_that_begin_to_give_the_same_numbers_are_counted(
    seen: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]], count: int
) -> None:
    assert alike(organisation(**seen), organisation(**wanted)) == count
