"""The numbers of reserve books, their lines in words, and the codes of their pages."""

from ged.codes import read_code
from ged.register.numbering import number_key
from ged.reserve.codes import make_page_code, read_page_code
from ged.reserve.numbers import book_code, line_number, spans

KEY = b"k" * 32


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


def test_the_code_of_a_page_is_read_back_and_no_other() -> None:
    code = make_page_code("CS-ARR-2026-014-11", key=KEY)
    assert read_page_code(f" {code}\n", key=KEY) == "CS-ARR-2026-014-11"
    for other in (
        code[:-1] + "!",
        code.replace("-11", "-12"),
        "GED1C/CS-ARR-2026-014-11",
        "GED1C//x",
        "",
        make_page_code("CS-ARR-2026-014-11", key=b"x" * 32),
    ):
        assert read_page_code(other, key=KEY) is None, other


def test_a_scanned_page_of_a_book_is_no_code_of_a_letter() -> None:
    assert read_code(make_page_code("CS-ARR-2026-014-11", key=KEY), key=KEY) is None
