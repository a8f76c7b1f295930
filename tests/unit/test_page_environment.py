"""The environment of templates drops their indentation, and nothing that separates two words."""

import re
from pathlib import Path

import pytest
from flask import Flask, templating
from jinja2 import nodes

from web.site import pages

TEMPLATES = Path(pages.__file__).parents[1] / "templates"


def environment(*, is_ours: bool) -> templating.Environment:
    app = Flask(__name__)
    found = (pages.Environment if is_ours else Flask.jinja_environment)(
        app, trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"]
    )
    assert isinstance(found, pages.Environment) is is_ours
    return found


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<p>\n    one\n\ttwo\n</p>", "<p>\none\ntwo\n</p>"),
        ("{% if 1 %}one{% endif %}\n    <b>two</b>", "one <b>two</b>"),
        ("{% if 1 %}one{% endif %}{# why #}\n    {{ 2 }}", "one 2"),
        ("<p{% if 1 %} id='a'{% endif %}\n   class='b'>", "<p id='a' class='b'>"),
        ("    {% if 1 %}\n    one\n    {% endif %}\n", " one\n"),
    ],
)
def test_words_stay_apart(source: str, shown: str) -> None:
    assert environment(is_ours=True).from_string(source).render() == shown


def test_each_template_has_its_words_apart_as_it_was_written() -> None:
    """Its texts are those of an environment that keeps indentation, but for the length of a gap."""
    ours, kept = environment(is_ours=True), environment(is_ours=False)
    names = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
    assert names
    for name in names:
        source = (TEMPLATES / name).read_text(encoding="utf-8")
        assert _texts(ours, source) == _texts(kept, source), name


def _texts(env: templating.Environment, source: str) -> list[str]:
    outputs = env.parse(source).find_all(nodes.Output)
    parts = [one.data if isinstance(one, nodes.TemplateData) else "{}" for output in outputs for one in output.nodes]
    return [re.sub(r"\s+", " ", part) for part in parts]
