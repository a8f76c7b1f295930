"""Names in certificates fit their limits however many accents they have."""

import pytest

from signing.profiles import fit


@pytest.mark.parametrize(
    "value", ["a" * 64, "é" * 64, "Ministère des Mines et des Ressources énergétiques du Togo entier", "x"]
)
def test_a_name_fits_in_64_bytes(value: str) -> None:
    fitted = fit(value)
    assert len(fitted.encode()) <= 64
    assert fitted == value or fitted.endswith("…")
