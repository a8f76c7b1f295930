"""Amounts that tesseract read as a column of their own stand in the lines of what they are the amounts of."""

import time
from dataclasses import replace

import pytest

from ocr.amounts import with_amounts
from ocr.lines import Line, Token


def line(text: str, x: float, y: float, *, starts: bool = False) -> Line:
    """A line whose letters are a hundredth of the page wide and 0.02 high."""
    tokens: list[Token] = []
    for word in text.split():
        tokens.append(Token(word, x, y, 0.01 * len(word), 0.02, 90.0))
        x += 0.01 * (len(word) + 1)
    return Line(tuple(tokens), starts)


def texts(*lines: Line) -> list[str]:
    return [one.text for one in with_amounts(lines)]


NAMES = (line("Riz parfumé", 0.1, 0.1), line("Gasoil 12,50 L", 0.1, 0.13), line("TOTAL FCFA", 0.1, 0.16))


def test_a_column_of_amounts_goes_to_the_lines_at_its_left() -> None:
    # The page still falls a little to the right.
    amounts = (line("61 773", 0.8, 0.168), line("3 350", 0.81, 0.105, starts=True), line("14 100", 0.8, 0.137))
    assert texts(*NAMES, *amounts, line("Merci", 0.4, 0.2)) == [
        "Riz parfumé 3 350",
        "Gasoil 12,50 L 14 100",
        "TOTAL FCFA 61 773",
        "Merci",
    ]


def test_of_several_columns_each_row_keeps_its_order() -> None:
    quantities = [line(text, 0.5, y) for text, y in (("3", 0.1), ("40", 0.13), ("2", 0.16))]
    prices = [line(text, 0.65, y) for text, y in (("1.500", 0.1), ("l5 000", 0.13), ("7,5 %", 0.16))]
    totals = [line(text, 0.8, y) for text, y in (("4.500", 0.1), ("600 000 FCFA", 0.13), ("15/01/2026", 0.16))]
    assert texts(*totals, *NAMES, *prices, *quantities) == [
        "Riz parfumé 3 1.500 4.500",
        "Gasoil 12,50 L 40 l5 000 600 000 FCFA",
        "TOTAL FCFA 2 7,5 % 15/01/2026",
    ]


def test_an_amount_belongs_to_the_nearest_level_where_lines_are_close() -> None:
    close = (line("Ampoule de longue durée", 0.1, 0.1), line("6 x 2 350", 0.12, 0.115), line("Stylo", 0.1, 0.13))
    assert texts(*close, line("14 100", 0.8, 0.117), line("900", 0.8, 0.133)) == [
        "Ampoule de longue durée",
        "6 x 2 350 14 100",
        "Stylo 900",
    ]


def joined(*lines: Line) -> Line:
    return Line(tuple(token for one in lines for token in one.tokens))


def test_an_amount_that_ends_the_line_above_goes_to_its_own_line() -> None:
    # Of two receipts on one sheet the reader followed the slant of the other one.
    rows = ("Alcool 70° 250ml", "Compresses par 10", "Gants latex M", "TOTAL", "FLOOZ")
    names = [line(text, 0.1, 0.1 + 0.03 * row) for row, text in enumerate(rows)]
    amounts = [line(text, 0.8, 0.1 + 0.03 * row) for row, text in enumerate(("650", "1 200", "900", "2 750", "3 000"))]
    read = [amounts[0], *(joined(name, amount) for name, amount in zip(names, amounts[1:], strict=False)), names[-1]]
    assert texts(*read) == [
        "Alcool 70° 250ml 650",
        "Compresses par 10 1 200",
        "Gants latex M 900",
        "TOTAL 2 750",
        "FLOOZ 3 000",
    ]


def test_an_amount_stays_in_its_line_where_the_lines_of_that_part_fall() -> None:
    def falling(text: str, y: float) -> Line:
        words = [replace(token, y=y + token.x * 0.06) for token in line(text, 0.1, y).tokens]
        return joined(Line(tuple(words)), line("1 200", 0.6, y + 0.036))

    read = [
        falling(text, 0.1 + 0.03 * row) for row, text in enumerate(("Alcool 70° 250ml", "Compresses par 10", "TOTAL"))
    ]
    assert texts(*read) == [one.text for one in read]


def test_an_amount_below_its_line_stays_there_where_nothing_else_is_at_its_level() -> None:
    names = ("Alcool 70° 250ml", "Compresses par 10", "Gants latex M")
    read = [
        joined(line(text, 0.1, 0.1 + 0.09 * row), line("900", 0.8, 0.13 + 0.09 * row)) for row, text in enumerate(names)
    ]
    assert texts(*read) == [one.text for one in read]


def test_of_lines_that_both_overlap_an_amount_the_nearer_one_gets_it() -> None:
    close = (line("Ampoule de longue durée", 0.1, 0.1), line("6 x 2 350", 0.12, 0.112), line("Stylo", 0.1, 0.16))
    assert texts(*close, line("14 100", 0.8, 0.109), line("900", 0.8, 0.16)) == [
        "Ampoule de longue durée",
        "6 x 2 350 14 100",
        "Stylo 900",
    ]


def test_an_amount_between_two_levels_stays_alone() -> None:
    amounts = [line(text, 0.8, y) for text, y in (("3 350", 0.1), ("14 100", 0.13), ("9 000", 0.177))]
    assert texts(*NAMES, *amounts) == ["Riz parfumé 3 350", "Gasoil 12,50 L 14 100", "TOTAL FCFA", "9 000"]


def test_of_a_row_of_cells_the_last_one_gets_the_amount() -> None:
    cells = (line("Riz", 0.1, 0.1), line("sac de 5 kg", 0.4, 0.1), line("Savon", 0.1, 0.13))
    assert texts(*cells, line("3 350", 0.8, 0.1), line("900", 0.8, 0.13)) == ["Riz", "sac de 5 kg 3 350", "Savon 900"]


def test_lines_over_the_whole_page_are_not_of_the_column() -> None:
    wide = [line("x" * 80, 0.1, 0.3 + n / 30) for n in range(8)]
    amounts = [line(text, 0.8, y) for text, y in (("3 350", 0.1), ("14 100", 0.13), ("61 773", 0.16))]
    assert texts(*NAMES, *wide, *amounts)[:3] == ["Riz parfumé 3 350", "Gasoil 12,50 L 14 100", "TOTAL FCFA 61 773"]


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((line("12", 0.9, 0.13),), id="the number of a page"),
        pytest.param(
            (line("la campagne de", 0.6, 0.1), line("2026", 0.6, 0.13), line("et de l'année", 0.6, 0.16), line("2027", 0.6, 0.19)),
            id="a column of text that has numbers",
        ),
        pytest.param(
            (line("2026", 0.6, 0.1), line("la campagne de", 0.6, 0.13), line("2027", 0.6, 0.16), line("et l'année", 0.6, 0.19)),
            id="numbers beside lines in a column of text",
        ),
        pytest.param((line("HT", 0.8, 0.1), line("TTC", 0.8, 0.13), line("F CFA", 0.8, 0.16)), id="signs without a number"),
        pytest.param((line("350", 0.8, 0.13), line("400", 0.8, 0.43)), id="one amount beside a line"),
        pytest.param((line("1.", 0.05, 0.1), line("2.", 0.05, 0.13), line("3.", 0.05, 0.16)), id="numbers before lines"),
        pytest.param(
            (line("1.", 0.5, 0.1), line("2.", 0.5, 0.13), line("3.", 0.5, 0.16), line("Objet", 0.55, 0.1), line("Prix", 0.55, 0.13), line("Durée", 0.55, 0.16)),
            id="a numbered list at the right",
        ),
        pytest.param((line("350", 0.8, 0.4), line("400", 0.8, 0.43)), id="amounts beside nothing"),
        pytest.param((line("M. Koffi", 0.8, 0.1), line("Mme Ama", 0.8, 0.13)), id="a column of names"),
    ],
)  # fmt: skip
def test_other_lines_stay_as_they_were_read(others: tuple[Line, ...]) -> None:
    assert with_amounts((*NAMES, *others)) == [*NAMES, *others]


@pytest.mark.timeout(20)
def test_words_without_a_width_lead_to_no_line_of_their_own_place() -> None:
    amounts = [line("12000", 0.79, y) for y in (0.1, 0.13, 0.16)]
    bare = [Line((Token(text, 0.8, y, 0.0, 0.02, 90.0),)) for text, y in (("3", 0.1), ("4", 0.13), ("5", 0.13))]
    assert texts(*NAMES, *amounts, *bare) == [
        "Riz parfumé 12000 3",
        "Gasoil 12,50 L 12000 4 5",
        "TOTAL FCFA 12000",
    ]


def test_no_word_is_lost_and_a_page_full_of_numbers_is_done_soon() -> None:
    grid = [line(str(across * down), across / 60, down / 60) for across in range(1, 50) for down in range(1, 50)]
    begun_s = time.process_time()
    done = with_amounts(grid)
    assert time.process_time() - begun_s < 5
    assert sorted(token.text for one in done for token in one.tokens) == sorted(
        token.text for one in grid for token in one.tokens
    )
    assert len(done) < len(grid) / 10
    assert with_amounts([]) == []
