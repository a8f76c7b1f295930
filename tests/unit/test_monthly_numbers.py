"""The numbers of a monthly report, and their definitions: one source for code, paper and documents."""

import hashlib
import re
from datetime import date
from pathlib import Path

import pytest

from ged.dashboard.letters import What
from ged.figures import counted, definitions
from ged.figures.models import LISTED, FigureLetter
from ged.figures.operations import SLIP_ACCESS_ACTS
from ged.figures.stages import COUNTED, LONGEST, SPANS, STEPS, Stage, day_of
from ged.monthly import explaining
from ged.monthly.numbers import DAYS, Letter, Month, below, columns, numbers
from ged.routing.deadlines import WorkCalendar

DOCUMENT = Path(__file__).parents[2] / "docs" / "dev" / "figures.md"
WEEK = WorkCalendar(frozenset(range(5)), frozenset({date(2026, 11, 2)}))
TODAYS = definitions.VERSIONS[definitions.VERSION]
NOVEMBER = Month(date(2026, 11, 1), WEEK, TODAYS)


def test_the_document_says_word_for_word_what_the_report_prints() -> None:
    told = DOCUMENT.read_text(encoding="utf-8").splitlines()
    for one in definitions.LETTERS:
        assert f"| {one.place} | {one.french} | {one.english} | {one.meaning} {one.meaning_in_english} |" in told
    for one in definitions.DELAYS:
        line = f"| `{one.name}` | {one.french} | {one.english} | {one.place} | {one.meaning} {one.meaning_in_english} |"
        assert line in told


def test_a_definition_that_changes_has_another_version() -> None:
    """Red: raise ``VERSION`` if the text counts something else, and write the new digest here."""
    said = "\n".join(f"{one.name} {one.meaning} {one.meaning_in_english}" for one in definitions.ALL)
    found = (definitions.VERSION, hashlib.sha256(said.encode()).hexdigest()[:16])
    assert found == (1, "c90265e2cf26d282")


def test_the_last_version_counts_what_the_figures_count() -> None:
    """Red: a number, a stage or a bin was added or changed. Raise ``VERSION``, write the new one into ``VERSIONS``, and leave the others."""
    assert (
        definitions.Version(
            tuple(one.name for one in definitions.ALL), {one.value: span for one, span in SPANS.items()}, STEPS, LONGEST
        )
        == TODAYS
    )
    assert list(definitions.VERSIONS) == list(range(1, definitions.VERSION + 1))


def test_a_version_that_was_in_use_stays_as_it_was() -> None:
    """Never write another digest here: reports that were sealed under this version would be forgeries."""
    found = {
        number: hashlib.sha256(
            repr((one.names, sorted(one.spans.items()), one.steps, one.longest)).encode()
        ).hexdigest()[:16]
        for number, one in definitions.VERSIONS.items()
    }
    assert found[1] == "a9bc9904d54645c6"


def test_every_counted_column_and_stage_is_defined_and_has_acts_that_explain_it() -> None:
    named = {one.name for one in definitions.ALL}
    assert named == set(COUNTED) - {"opened", "ended", "fell_due", "relieved"} | {"open", "overdue"} | set(Stage)
    used = {column for name in named for column in columns(name, TODAYS)}
    assert used <= {*DAYS, "returned"}
    assert DAYS == counted.DAYS, "the days of a letter in a report are those of the figures"
    assert {*DAYS, "returned", "unit", "level", "told"} == set(explaining.ACTS)


def test_the_letters_of_each_counted_column_are_found_by_an_index() -> None:
    listed = {day_of(one.value) for one in What if one.value in COUNTED and one is not What.RETURNED}
    assert set(LISTED) == listed
    indexes = {index.columns.keys()[0] for index in FigureLetter.__table__.indexes}  # type: ignore[attr-defined]
    assert listed <= indexes
    assert {day_of(one) for one in COUNTED if one not in ("returned", "relieved")} <= set(counted.DAYS)


@pytest.mark.parametrize(
    ("name", "days", "expected"),
    [
        ("received", {"received_on": (2026, 11, 30)}, [(7, "2026-11-30")]),
        ("received", {"received_on": (2026, 12, 1)}, []),
        ("received", {"received_on": (2026, 10, 31)}, []),
        ("open", {"opened_on": (2026, 10, 1)}, [(7, "2026-10-01")]),
        ("open", {"opened_on": (2026, 10, 1), "ended_on": (2026, 11, 30)}, []),
        ("open", {"opened_on": (2026, 10, 1), "ended_on": (2026, 12, 1)}, [(7, "2026-10-01")]),
        ("open", {"opened_on": (2026, 12, 1)}, []),
        ("overdue", {"fell_due_on": (2026, 11, 30)}, [(7, "2026-11-30")]),
        ("overdue", {"fell_due_on": (2026, 12, 1)}, []),
        # Friday to Tuesday, the Monday is a holiday.
        ("imputation", {"received_on": (2026, 10, 30), "imputed_on": (2026, 11, 3)}, [(7, "2026-11-03", 1)]),
        ("imputation", {"received_on": (2026, 11, 4), "imputed_on": (2026, 11, 3)}, []),
        ("imputation", {"received_on": (1949, 12, 31), "imputed_on": (2026, 11, 3)}, []),
    ],
)  # fmt: skip
def test_when_a_letter_is_in_a_number(name: str, days: dict[str, tuple[int, int, int]], expected: list[object]) -> None:
    letter = Letter(7, 1, {column: date(*day) for column, day in days.items()})
    assert NOVEMBER.items(name, letter) == expected


def test_a_line_counts_the_units_below_and_its_digest_follows_from_the_letters() -> None:
    units = [{"id": 1, "above": None}, {"id": 2, "above": 1}, {"id": 3, "above": 2}]
    letters = [Letter(one, unit, {"received_on": date(2026, 11, one)}) for one, unit in ((5, 1), (6, 2), (9, 3))]
    found = {one.unit_id: one for one in numbers(NOVEMBER, letters, below(units)) if one.name == "received"}
    assert {line: one.letters for line, one in found.items()} == {None: 3, 2: 2, 3: 1}
    said = b'[[6,"2026-11-06"],[9,"2026-11-09"]]'
    assert found[2].digest == hashlib.sha256(said).hexdigest()
    assert Letter.of(letters[0].data()) == letters[0]


def test_returns_count_each_time() -> None:
    letter = Letter(4, 1, {}, ((date(2026, 11, 3), 2), (date(2026, 12, 3), 1)))
    (found,) = [one for one in numbers(NOVEMBER, [letter], below([{"id": 1, "above": None}])) if one.name == "returned"]
    assert (found.letters, found.items) == (2, ((4, "2026-11-03", 2),))
    assert re.fullmatch("[0-9a-f]{64}", found.digest)
    assert Letter.of(letter.data()) == letter


def test_an_act_on_a_slip_that_changes_a_figure_explains_the_change() -> None:
    assert set(SLIP_ACCESS_ACTS) <= explaining.ACTS["told"], (
        "a proof would say that somebody changed the database by hand"
    )
