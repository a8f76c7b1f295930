"""The numbers of reserve books, their lines in words, and the codes of their pages."""

import pytest

from ged.codes import read_code
from ged.register.numbering import number_key
from ged.reserve.codes import WITHOUT_BOXES, PageCode, make_page_code, read_page_code
from ged.reserve.numbers import book_code, line_number, spans

KEY = b"k" * 32
CODE_BEFORE = "GED1C/CS-ARR-2026-014-11/5IWTVQAUAL"


def test_a_line_s_number_names_register_year_book_and_line() -> None:
    code = book_code("ARR", 2026, 14)
    assert (code, line_number(code, 7), line_number(code, 120)) == (
        "CS-ARR-2026-014", "CS-ARR-2026-014-07", "CS-ARR-2026-014-120",
    )  # fmt: skip
    assert number_key("cs arr 2026 14 7") == number_key(line_number(code, 7))
    assert number_key(line_number(code, 1)) != number_key(line_number(book_code("ARR", 2026, 141), 1))


def test_lines_are_told_in_few_words() -> None:
    assert spans([]) == ""
    assert spans([3]) == "03"
    assert spans([9, 1, 2, 3, 7, 10]) == "01 à 03, 07, 09 à 10"


@pytest.mark.parametrize("page", [PageCode("CS-ARR-2026-014-11"), PageCode("CS-ARR-2026-014-11", 10, 1)])
def test_the_code_of_a_page_is_read_back_and_no_other(page: PageCode) -> None:
    code = make_page_code(page, key=KEY)
    assert read_page_code(f" {code}\n", key=KEY) == page
    for other in (
        code[:-1] + "!",
        code.replace("-11", "-12"),
        code.rpartition("/")[0],
        "GED1C//x",
        "",
        make_page_code(page, key=b"x" * 32),
    ):
        assert read_page_code(other, key=KEY) is None, other


def test_a_printed_page_of_an_earlier_release_is_still_read() -> None:
    """Its code, word for word: books of that release lie at the desks."""
    assert make_page_code(PageCode("CS-ARR-2026-014-11"), key=KEY) == CODE_BEFORE
    page = read_page_code(CODE_BEFORE, key=KEY)
    assert page == PageCode("CS-ARR-2026-014-11", 0, WITHOUT_BOXES)


def test_a_scanned_page_of_a_book_is_no_code_of_a_letter() -> None:
    assert read_code(make_page_code(PageCode("CS-ARR-2026-014-11", 10, 1), key=KEY), key=KEY) is None
