"""Texts that people read are in the catalogue: words for error codes, texts of templates, labels. Its template is
current."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment

from ged import errors
from tests.source_kit import ROOT, modules, nodes
from web.words import catalogue, labels
from web.words.error_table import MESSAGES

PACKAGES = ("ged", "ocr", "indexer", "signing", "web")
TEMPLATES = sorted((ROOT / "web" / "templates").rglob("*.html"))
ERROR_CLASSES = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.GedError) and kind is not errors.ConfigError
}
CODE = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z0-9_]*)+")
READ_ATTRIBUTES = ("aria-label", "alt", "title", "placeholder", "data-confirm")
WORD = re.compile(r"[^\W\d_]{2,}")


def _codes() -> Iterator[tuple[str, str]]:
    """Error code -> the places that raise it. Codes of settings are left out: they are raised before there is a
    site."""
    for path in modules(*PACKAGES):
        for node in nodes(path):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name in ERROR_CLASSES and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_error_code_has_its_french() -> None:
    found = dict(_codes())
    assert len(found) > 20, "the search for codes finds too little to mean anything"
    missing = {code: where for code, where in sorted(found.items()) if code not in MESSAGES}
    assert not missing, "add to web/words/error_table.py MESSAGES:\n" + "\n".join(
        f"  {c}  ({w})" for c, w in missing.items()
    )


def test_codes_are_dotted_and_english() -> None:
    assert not [code for code, _where in _codes() if not CODE.fullmatch(code)]


def test_messages_can_be_formatted() -> None:
    class Anything(dict[str, object]):
        def __missing__(self, key: str) -> str:
            return key

    for code, message in MESSAGES.items():
        for text in (message.what, message.remedy):
            assert str(text) % Anything(), code


@pytest.mark.parametrize("kind", list(labels.LABELS), ids=lambda kind: kind.__name__)
def test_every_member_has_its_name(kind: type) -> None:
    assert set(labels.LABELS[kind]) == set(kind), f"complete {kind.__name__} in web/words/labels.py"  # type: ignore[call-overload]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "web" / "templates")))
def test_templates_hold_no_bare_text(path: Path) -> None:
    bare = list(_bare_texts(path.read_text(encoding="utf-8")))
    assert not bare, f"put into _() in {path.relative_to(ROOT)}: {bare}"


def test_bare_text_is_found() -> None:
    assert list(_bare_texts('<p title="Ouvrir">{{ _("Objet") }} <b>Courrier</b></p>')) == ["Courrier", "Ouvrir"]
    assert list(_bare_texts('{# un mot #}<p class="lead">{{ x }}{% if a %}: {% endif %}<code>/</code></p>')) == []


def _bare_texts(source: str) -> Iterator[str]:
    """Texts between tags, or in attributes that people read, that no expression makes."""
    source = re.sub(r"{% block body_class %}[\w -]*{% endblock %}", "", source)
    environment = Environment(autoescape=True)
    # Replace each expression of Jinja by a mark, so that only literal text remains.
    literal = "".join(text if kind == "data" else "\0" for _line, kind, text in environment.lex(source))
    literal = re.sub(r"<!--.*?-->|<(script|style)\b.*?</\1>", "", literal, flags=re.DOTALL)
    for text in re.findall(r">([^<>]*)<", f">{literal}<"):
        # A macro that writes only attributes contains no text.
        if WORD.search(re.sub(r'[\w-]+="[^"]*"', "", text)):
            yield text.replace("\0", " ").strip()
    for attribute in READ_ATTRIBUTES:
        for text in re.findall(rf'\b{attribute}="([^"]*)"', literal):
            if WORD.search(text):
                yield text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "web" / "templates")))
def test_templates_obey_the_content_policy(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    found = re.findall(r"<style\b|\sstyle=|\son[a-z]+=\"|<script(?![^>]*\bsrc=)|javascript:|hx-on", source)
    assert not found, f"{path.relative_to(ROOT)}: {found} is forbidden by the content policy"


def test_no_message_stands_inside_an_f_string() -> None:
    """There the search for messages does not see it: it would stay French in every language."""
    hidden = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in modules("web", "ged")
        for node in nodes(path)
        if isinstance(node, ast.JoinedStr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in catalogue.KEYWORDS
    ]
    assert not hidden, "\n".join(hidden)
