"""Foreign codes are never taken for ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ged.codes import CodeKind, OurCode, derive_secret, make_code, read_code

KEY = derive_secret("a secret", "codes")
OTHER = derive_secret("another secret", "codes")


@pytest.mark.parametrize("kind", list(CodeKind))
def test_ours_is_read_back(kind: CodeKind) -> None:
    assert read_code(f" {make_code(kind, 4711, key=KEY)}\n", key=KEY) == OurCode(kind, 4711)


def test_that_of_another_installation_is_foreign() -> None:
    assert read_code(make_code(CodeKind.LABEL, 1, key=OTHER), key=KEY) is None


def test_a_changed_number_is_foreign() -> None:
    assert read_code(make_code(CodeKind.LABEL, 12, key=KEY).replace("/12/", "/13/"), key=KEY) is None


@pytest.mark.slow
@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert read_code(text, key=KEY) is None
