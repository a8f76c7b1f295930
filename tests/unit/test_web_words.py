"""Each action in the journal has French words."""

import ast
from collections.abc import Iterator

from ged.signbook.models import CircuitAct
from tests.source_kit import modules, nodes
from web.words.labels import ACTIONS, REFUSED, SUBJECTS


def _recorded() -> Iterator[tuple[str, str]]:
    """Action and kind of subject of each call of ``record`` that names them."""
    for path in modules("ged", "web"):
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "record":
                action, kind = (one.value if isinstance(one, ast.Constant) else "" for one in node.args[:2])
                yield str(action), str(kind)


def test_each_recorded_action_has_its_french() -> None:
    found = {action for action, _ in _recorded() if action}
    assert len(found) > 50
    assert not sorted(found - set(ACTIONS))
    assert not [act for act in CircuitAct if f"signbook.{act.value}" not in ACTIONS]


def test_each_subject_of_the_journal_has_its_french() -> None:
    found = {kind for _, kind in _recorded() if kind}
    assert "mail" in found
    assert not sorted(found - set(SUBJECTS))


def test_what_each_refused_act_was_about_has_its_french() -> None:
    """The journal names the subject of a refusal by the first word of the error's code."""
    found = set()
    for path in modules("ged", "web"):
        for node in nodes(path):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in ("Forbidden", "NotFound"):
                continue
            if any(one.arg == "id" for one in node.keywords) and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value).partition(".")[0])
    assert "readers" in found
    assert not sorted(found - SUBJECTS.keys() - REFUSED.keys())
