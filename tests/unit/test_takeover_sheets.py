"""Columns of a register kept as a spreadsheet are guessed, days are read in every usual French form, lines are known again."""

import json
from datetime import date

import pytest

from ged.days import read_day
from ged.errors import Invalid
from ged.takeover import sheets, uploads
from ged.takeover.sheets import FIELDS
from web.words import takeovers

TODAY = date(2026, 11, 27)
WORDS_MEANT = {
    "2026-03-01", "2026-03-01T00:00:00", "1/3/26", "01-03-2026", "01.03.26", "1 3 2026", "01032026", "010326",
    "1er mars 2026", "dim. 1 mars 26", "dimanche, 1er mars 2026", "1-mars-26", "01/03/2026 14:05", "46082", "1er MARS 2026",
}  # fmt: skip


@pytest.mark.parametrize("text", sorted(WORDS_MEANT))
def test_a_day_is_read_in_every_usual_form(text: str) -> None:
    assert read_day(text, today=TODAY) == date(2026, 3, 1)


@pytest.mark.parametrize(
    "text",
    ["", "31/02/2026", "mars 2026", "5 jui 26", "le lendemain", "3/13/2026", "1/1/1", "99999999"],
)
def test_what_is_no_day_is_none(text: str) -> None:
    assert read_day(text, today=TODAY) is None


def test_two_figures_mean_the_last_such_year() -> None:
    assert read_day("12/07/98", today=TODAY) == date(1998, 7, 12)
    assert read_day("12/07/26", today=TODAY) == date(2026, 7, 12)


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (
            ["N° d'ordre", "Date d'arrivée", "N° et date de la lettre", "Date de la lettre", "Expéditeur", "Objet", "Imputation", "Observations"],
            ["number", "received_on", "their_reference", "written_on", "sender", "subject", "unit", ""],
        ),
        (["N°", "Date", "Provenance", "Analyse", "Réf.", "Affectation"], ["number", "registered_on", "sender", "subject", "their_reference", "unit"]),
        (
            ["N° d’arrivée", "Date d'enregistrement", "Date du courrier", "N° du courrier", "Destinataire", "OBJET DU COURRIER"],
            ["number", "registered_on", "written_on", "their_reference", "addressee", "subject"],
        ),
        (["", "Total"], ["", ""]),
    ],
)  # fmt: skip
def test_a_column_is_guessed_by_its_name(names: list[str], fields: list[str]) -> None:
    assert sheets.guessed(names) == fields


def test_what_was_chosen_for_the_last_file_goes_before_a_guess() -> None:
    assert sheets.guessed(["Objet", "Colonne Z"], {"objet": "", "colonne z": "subject"}) == ["", "subject"]


def test_the_line_of_the_names_is_found_below_a_title() -> None:
    assert sheets.head_row([["REGISTRE DU COURRIER 2026"], [], ["N°", "Date", "Objet"], ["1", "2", "3"]]) == 3
    assert sheets.head_row([[], ["rien", "de connu"]]) == 2
    assert sheets.head_row([]) == 1


def told(rows: list[list[str]], columns: list[str]) -> list[dict[str, str]]:
    return [json.loads(raw) for raw in sheets.lines(rows, 1, columns, {"etudes": "ETU"}, today=TODAY) if raw]


def test_a_letter_is_known_by_its_number_and_year_or_by_its_line() -> None:
    rows = [
        ["N°", "Date", "Objet"],
        ["7", "1/3/26", "Un"],
        ["7", "01/03/25", "Deux"],
        ["", "2/3/26", "Sans"],
        ["", "2/3/26", "Sans"],
        ["", "", ""],
    ]
    first = told(rows, ["number", "registered_on", "subject"])
    assert [one["id"] for one in first[:2]] == ["7 (2026)", "7 (2025)"]
    assert len({one["id"] for one in first}) == 4, "two equal lines without a number are two letters"
    again = told([rows[0], rows[3], rows[1]], ["number", "registered_on", "subject"])
    assert [one["id"] for one in again] == [first[2]["id"], first[0]["id"]], "whatever line they stand in"


def test_a_total_below_the_letters_is_no_letter() -> None:
    rows = [["N°", "Date", "Objet"], ["7", "", "Un"], ["", "1/3/26", "Deux"], ["", "", "TOTAL : 2"]]
    assert [bool(one["id"]) for one in told(rows, ["number", "registered_on", "subject"])] == [True, True, False]
    assert told(rows, ["", "", "subject"])[2]["id"], "a register without numbers and days has lines without them"
    (*_good, (number, refused)) = sheets.first_lines(
        rows, 1, ["number", "registered_on", "subject"], {}, today=TODAY, count=9
    )
    assert number == 4
    assert isinstance(refused, Invalid)
    assert uploads.code_of_books(refused.code) == "takeover.no_number_no_day"


def test_idem_is_read_as_the_cell_above_and_a_number_is_never_repeated() -> None:
    rows = [
        ["N°", "Date", "Expéditeur", "Objet", "Observations"],
        ["1", "1/3/26", "CEET", "Facture", "idem"],
        ["2", "Idem", "- // -", '"', "idem"],
        ["idem", "2/3/26", "", "Idem pour avril", ""],
        ["4", "id.", "«", "Autre", ""],
    ]
    columns = ["number", "registered_on", "sender", "subject", ""]
    second, third, fourth = told(rows, columns)[1:]
    assert (second["registered_on"], second["sender"], second["subject"]) == ("2026-03-01", "CEET", "Facture")
    assert (third["number"], third["subject"]) == ("idem", "Idem pour avril"), "a person reads more than a repetition"
    assert (fourth["registered_on"], fourth["sender"]) == ("2026-03-02", "CEET"), "above an empty cell stands the value"
    assert sheets.count_repeated(rows, 1, columns) == 5
    (_no, alone) = sheets.first_lines([rows[0], rows[2]], 1, columns, {}, today=TODAY, count=1)[0]
    assert isinstance(alone, Invalid), "no day stands above"
    assert alone.code == "import.date"


def test_a_unit_is_named_by_code_or_name_and_a_wrong_day_stays_as_typed() -> None:
    (one,) = told([["Objet", "Service", "Date"], ["Un", "Études", "hier"]], ["subject", "unit", "received_on"])
    assert (one["unit"], one["received_on"]) == ("ETU", "hier")


def test_the_choice_of_columns_is_checked() -> None:
    with pytest.raises(Invalid, match="takeover.no_subject"):
        sheets.check_columns(["number", ""])
    with pytest.raises(Invalid, match="takeover.field_twice"):
        sheets.check_columns(["subject", "number", "number"])
    with pytest.raises(Invalid, match="takeover.no_day_column"):
        sheets.check_columns(["subject", "number", ""])
    sheets.check_columns(["subject", "", "written_on"])


def test_the_greatest_number_of_a_book() -> None:
    assert sheets.greatest_number(["0457/MEM/SG", "458 bis", "sans", "99"]) == 458
    assert sheets.greatest_number(["sans"]) is None


def test_each_field_has_its_french() -> None:
    assert set(takeovers.FIELDS) == set(FIELDS)
