"""The key of a code in the lists that entities keep beside the common stock. No database."""

from itertools import product

from ged.workbook.merging import entity_and_code, listed


def test_two_records_never_have_one_key_and_each_is_read_back() -> None:
    words = ["".join(letters) for size in (1, 2, 3) for letters in product(("M", "/", "%", "2F"), repeat=size)]
    pairs = [(entity, code) for entity in ("", *words) for code in words]
    keys = [listed(code, entity or None) for entity, code in pairs]
    assert len(set(keys)) == len(pairs)
    assert [entity_and_code(key) for key in keys] == pairs


def test_a_plain_code_is_its_own_key_as_acts_of_before_named_it() -> None:
    assert (listed("demande", None), listed("demande", "MIN")) == ("demande", "MIN/demande")
