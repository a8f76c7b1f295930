"""Amounts that tesseract read as a column of their own stand in the lines of what they are the amounts of."""

import time

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


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((line("12", 0.9, 0.13),), id="the number of a page"),
        pytest.param(
            (line("la campagne de", 0.6, 0.1), line("2026", 0.6, 0.13), line("et de l'année", 0.6, 0.16), line("2027", 0.6, 0.19)),
            id="a column of text that has numbers",
        ),
        pytest.param((line("1.", 0.05, 0.1), line("2.", 0.05, 0.13), line("3.", 0.05, 0.16)), id="numbers before lines"),
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
