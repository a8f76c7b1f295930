"""The pages of a batch are grouped: each page once, in its order, and every code in the right group."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ged.capture.grouping import Group, group_pages
from ged.capture.models import ScanPage
from ged.codes import CodeKind, OurCode, derive_secret, make_code, read_code

KEY, OTHER = derive_secret("a secret", "codes"), derive_secret("another secret", "codes")
OURS = st.tuples(st.sampled_from([CodeKind.LABEL, CodeKind.SLIP, CodeKind.SEPARATOR]), st.integers(1, 3))
PAGES = st.lists(
    st.none() | st.just("4006381333931") | OURS | st.tuples(st.just(CodeKind.SEPARATOR), st.integers(1, 2)), max_size=14
)


def page(sort: tuple[CodeKind, int] | str | None, *, key: bytes = KEY) -> ScanPage:
    """A page without a code, with a foreign barcode, or with one of our codes."""
    if isinstance(sort, tuple):
        return ScanPage(codes=[make_code(*sort, key=key)])
    return ScanPage(codes=[] if sort is None else [sort])


def code_of(one: ScanPage) -> OurCode | None:
    return next((read_code(text, key=KEY) for text in one.codes), None)


def is_sheet(one: ScanPage) -> bool:
    code = code_of(one)
    return code is not None and code.kind is CodeKind.SEPARATOR


def letters(group: Group) -> list[ScanPage]:
    return [one for n, one in enumerate(group.pages) if n not in group.sheets]


@given(PAGES)
def test_every_page_is_in_one_group_in_its_order(sorts: list[tuple[CodeKind, int] | str | None]) -> None:
    pages = [page(sort) for sort in sorts]
    groups = group_pages(pages, KEY)
    assert [id(one) for group in groups for one in group.pages] == [id(one) for one in pages]
    assert all(group.pages for group in groups)


@given(PAGES)
def test_sheets_and_nothing_else_are_laid_aside(sorts: list[tuple[CodeKind, int] | str | None]) -> None:
    for group in group_pages([page(sort) for sort in sorts], KEY):
        assert [n in group.sheets for n in range(len(group.pages))] == [is_sheet(one) for one in group.pages]


@given(PAGES)
def test_a_group_is_one_letter(sorts: list[tuple[CodeKind, int] | str | None]) -> None:
    """The first page has the group's code; later pages have that code or none; no separator sheet lies between them."""
    groups = group_pages([page(sort) for sort in sorts], KEY)
    for n, group in enumerate(groups):
        pages = letters(group)
        before = [is_sheet(one) for one in group.pages].index(False) if pages else len(group.pages)
        assert group.code == (code_of(pages[0]) if pages else None)
        assert {code_of(one) for one in pages} <= {group.code, None}
        assert [id(one) for one in group.pages[before : before + len(pages)]] == [id(one) for one in pages]
        if before + len(pages) < len(group.pages):
            assert n == len(groups) - 1  # separator sheets after a letter end the batch
        ruling = code_of(group.pages[before - 1]) if before else None
        assert group.separator_id == (ruling.subject_id if ruling else None)


@given(PAGES)
def test_no_group_begins_without_a_reason(sorts: list[tuple[CodeKind, int] | str | None]) -> None:
    groups = group_pages([page(sort) for sort in sorts], KEY)
    for before, group in pairwise(groups):
        first = code_of(group.pages[0])
        assert first is not None
        assert first != before.code
        assert letters(group)


@given(PAGES)
def test_codes_of_another_house_part_nothing(sorts: list[tuple[CodeKind, int] | str | None]) -> None:
    groups = group_pages([page(sort, key=OTHER) for sort in sorts], KEY)
    assert len(groups) == bool(sorts)
    assert all(group.code is None and not group.sheets and group.separator_id is None for group in groups)
