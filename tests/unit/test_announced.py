"""The enclosures that a letter's text announces."""

import pytest

from ged.richtext.announced import Announced, announced


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Veuillez agréer mes salutations.", Announced(None, False)),
        ("Veuillez trouver ci-joint le rapport.", Announced(None, True)),
        ("Le plan est en annexe.", Announced(None, True)),
        ("Vous trouverez en pièce jointe le plan.", Announced(None, True)),
        ("La note jointe à la présente dit tout.", Announced(None, True)),
        ("Je vous adresse les trois pièces jointes.", Announced(3, True)),
        ("Je vous adresse deux (2) annexes.", Announced(2, True)),
        ("12 documents ci-joints", Announced(12, True)),
        ("P.J. : 4", Announced(4, True)),
        ("Pièces\n jointes : (deux) plans", Announced(2, True)),
        ("Annexe 1 : plan ; annexe n° 2 : devis.", Announced(2, True)),
        ("une pièce annexée", Announced(1, True)),
        ("La jointure des pièces de la machine", Announced(None, False)),
        ("En 2026, annexer un terrain", Announced(None, False)),
    ],
)
def test_counts_and_mentions(body: str, expected: Announced) -> None:
    assert announced(body) == expected
