"""In which order a list has names."""

from web.words.name_order import name_order


def test_accents_and_case_do_not_part_names_and_numbers_go_by_their_value() -> None:
    names = ["Travaux", "Études", "études 2", "Bureau 10", "bureau 2", "Énergie", "12e bureau", "2e bureau", ""]
    assert sorted(names, key=name_order) == [
        "", "2e bureau", "12e bureau", "bureau 2", "Bureau 10", "Énergie", "Études", "études 2", "Travaux",
    ]  # fmt: skip


def test_signs_that_are_digits_in_other_scripts_are_no_fault() -> None:
    assert sorted(["Zone ²", "Zone ٣", "Zone ①", "½"], key=name_order)
