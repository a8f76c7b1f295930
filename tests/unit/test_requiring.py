"""The words of a search that a letter must have."""

import pytest

from ged.search.requiring import requiring


@pytest.mark.parametrize(
    ("typed", "words", "text"),
    [
        ("courriers de Ablavi", {"Ablavi"}, 'courriers de "Ablavi"'),
        ("Ablavi, ablavi Ablavienne", {"Ablavi"}, '"Ablavi", ablavi Ablavienne'),
        ("appel-d'offres, kara ?", {"appel-d'offres", "kara"}, '"appel-d\'offres", "kara" ?'),
        ("de:Ablavi -Ablavi Ablavi*", {"Ablavi"}, "de:Ablavi -Ablavi Ablavi*"),
        ('"forage" Ablavi', {"Ablavi"}, '"forage" Ablavi'),
        ("« forage » Ablavi", {"Ablavi"}, "« forage » Ablavi"),
        ("forage (Ablavi) Kara", {"Ablavi", "Kara"}, 'forage ("Ablavi") "Kara"'),
        ("bornes‑fontaines Kara", {"bornes-fontaines", "Kara"}, "bornes‑fontaines Kara"),
        ("forage", set(), "forage"),
        ("appel d'offres Kara", {"d'offres", "Kara"}, 'appel "d\'offres" "Kara"'),
        ("22 30 81 40 Kara", {"22 30 81 40"}, "22 30 81 40 Kara"),
        ("00017 forage Kara", {"00017", "Kara"}, "00017 forage Kara"),
    ],
)
def test_lacking_words_are_put_into_quotes(typed: str, words: set[str], text: str) -> None:
    assert requiring(typed, words) == text
