"""Numbers as the reader's language writes them."""

import pytest
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import Babel, force_locale

from web.words.numbers import decimal


@pytest.mark.parametrize("code", ["fr", "en_GB"])
@pytest.mark.parametrize("number", [0, 7, -3, 999, 1000, 12_345_678, 0.5, 1234.5678])
def test_each_language_writes_its_own_marks(code: str, number: float) -> None:
    app = Flask(__name__)
    Babel(app, default_locale="fr")
    with app.test_request_context(), force_locale(code):
        assert decimal(number) == format_decimal(number, locale=code)
        assert decimal(number, places="#,##0.#") == format_decimal(number, "#,##0.#", locale=code)


def test_outside_a_request_french_is_written() -> None:
    assert decimal(1234.5) == format_decimal(1234.5, locale="fr")
