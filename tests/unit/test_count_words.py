"""Numbers of things in a page's sentences: written as a reader writes them from a thousand on."""

from __future__ import annotations

import pytest
from flask import Flask

from web.site import i18n
from web.words.messages import ngettext


@pytest.mark.parametrize(
    ("language", "number", "written"),
    [
        ("fr", 1, "1 suite attendue"),
        ("fr", 999, "999 suites attendues"),
        ("fr", 1153, "1\u202f153 suites attendues"),
        ("en", 12_345, "12,345"),
    ],
)
def test_a_count_in_a_sentence_is_written_in_groups_of_three_digits(language: str, number: int, written: str) -> None:
    app = Flask(__name__)
    i18n.install(app, locale="fr_TG", zone="Africa/Lome")
    page = app.jinja_env.from_string(
        '{{ ngettext("%(num)s suite attendue", "%(num)s suites attendues", count) }}|{{ count | decimal }}'
    )
    with app.test_request_context(headers={"Accept-Language": language}):
        shown, alone = page.render(count=number).split("|")
        assert shown.startswith(written)
        assert shown.startswith(alone)
        in_view = ngettext("%(num)s suite attendue", "%(num)s suites attendues", number)
        assert in_view.startswith(written)
