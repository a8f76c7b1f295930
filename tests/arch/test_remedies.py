"""Every error that is raised with a remedy has a sentence as remedy."""

import ast

import pytest

from ged import errors
from tests.remedies import is_remedy
from tests.source_kit import ROOT, modules, nodes

KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.GedError)}


def remedies() -> dict[str, str]:
    """Place -> remedy, for each error with a literal remedy."""
    found = {}
    for path in modules("ged", "sandbox", "ocr", "indexer", "signing", "web"):
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
                for said in node.args[1:2]:
                    if isinstance(said, ast.Constant):
                        found[f"{path.relative_to(ROOT)}:{node.lineno}"] = said.value
    return found


def test_a_remedy_is_a_sentence() -> None:
    found = remedies()
    assert len(found) > 600
    assert {place: text for place, text in found.items() if not is_remedy(text)} == {}


@pytest.mark.parametrize("text", ["", "CHOOSE A DATE", "XXchoose a dateXX", "choose", None])
def test_what_is_no_sentence(text: object) -> None:
    assert not is_remedy(text)
