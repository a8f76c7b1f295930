"""A view that reads what a person typed checks it, and shows it again when it is refused: nothing typed is lost."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source_kit import ROOT, modules

TEXTS = frozenset({"text", "on_paper", "printed", "day", "days", "clock", "amount"})
"""Methods of ``FormReader`` that read what was typed. A password, a ticked box and an id are no text to be lost."""

READ_AGAIN = {"_order_mark": "reads fields that were checked before it is called"}

Functions = dict[str, ast.FunctionDef]


def _functions(tree: ast.Module) -> Functions:
    return {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}


def _is_reader(node: ast.AST) -> bool:
    """``FormReader(request.form)``, or a reader of a copy of it: what a person sent to be done, not to be found."""
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "FormReader"
        and ast.unparse(node.args[0]) != "request.args"
    )


def _method_of(node: ast.AST, names: set[str]) -> str | None:
    """The method that a node calls on one of these names, or on a reader that is made there."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    of = node.func.value
    return node.func.attr if _is_reader(of) or (isinstance(of, ast.Name) and of.id in names) else None


def _names(function: ast.FunctionDef) -> set[str]:
    """The variables of a function that hold a reader."""
    found = {
        one.arg for one in function.args.args if one.annotation and ast.unparse(one.annotation) == "FormReader"
    }  # fmt: skip
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            targets = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else [node.targets[0]]
            found |= {
                target.id for target, value in zip(targets, values, strict=False) if isinstance(target, ast.Name) and _is_reader(value)
            }  # fmt: skip
    return found


def _called(node: ast.AST, functions: Functions) -> Iterator[tuple[ast.Call, ast.FunctionDef]]:
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in functions:
            yield one, functions[one.func.id]


def _methods(function: ast.FunctionDef, functions: Functions, seen: frozenset[str] = frozenset()) -> set[str]:
    """What a function calls on its readers, itself or in functions of its module to which it hands them."""
    names = _names(function)
    found = {method for node in ast.walk(function) if (method := _method_of(node, names)) is not None}
    for call, other in _called(function, functions):
        arguments = [*call.args, *(one.value for one in call.keywords)]
        is_given = any(_is_reader(one) or (isinstance(one, ast.Name) and one.id in names) for one in arguments)
        if is_given and other.name not in seen:
            found |= _methods(other, functions, seen | {function.name})
    return found


def _redirects(handler: ast.ExceptHandler, functions: Functions) -> bool:
    """Whether a refusal ends in another page, which has nothing of what was typed."""
    if any(isinstance(one, ast.Call) and ast.unparse(one.func) == "redirect" for one in ast.walk(handler)):
        return True
    return any(
        isinstance(last := other.body[-1], ast.Return)
        and isinstance(last.value, ast.Call)
        and ast.unparse(last.value.func) == "redirect"
        for _call, other in _called(handler, functions)
    )


def unchecked(source: str) -> list[str]:
    """Functions that make a reader of a sent form, read a text with it and never check it."""
    functions = _functions(ast.parse(source))
    found = []
    for function in functions.values():
        if any(_is_reader(node) for node in ast.walk(function)):
            methods = _methods(function, functions)
            if methods & TEXTS and "check" not in methods and function.name not in READ_AGAIN:
                found.append(function.name)
    return found


def losing(source: str) -> list[str]:
    """Functions that read a text of a sent form and lead to another page when it is refused."""
    functions = _functions(ast.parse(source))
    found = []
    for function in functions.values():
        if any(_is_reader(node) for node in ast.walk(function)) and _methods(function, functions) & TEXTS:
            handlers = [one for one in ast.walk(function) if isinstance(one, ast.ExceptHandler)]
            if any("Invalid" in ast.unparse(one.type or one) and _redirects(one, functions) for one in handlers):
                found.append(function.name)
    return found


def _views() -> list[Path]:
    return [one for one in modules("web") if one.is_relative_to(ROOT / "web" / "views")]


def test_every_view_checks_the_texts_that_it_reads() -> None:
    read = [one for one in _views() if "FormReader(request.form)" in one.read_text()]
    assert len(read) > 30
    found = {str(one.relative_to(ROOT)): names for one in read if (names := unchecked(one.read_text()))}
    assert found == {}
    assert all(any(f"def {name}(" in one.read_text() for one in read) for name in READ_AGAIN)


def test_no_view_loses_the_texts_that_it_refuses() -> None:
    found = {str(one.relative_to(ROOT)): names for one in _views() if (names := losing(one.read_text()))}
    assert found == {}


CHECKED = """
def hold():
    fields = FormReader(request.form)
    reason = fields.text("reason", maximum=300)
    try:
        fields.check()
        act(reason)
    except Invalid as error:
        return _form(error)
    return redirect("/", 303)
"""
HANDED_ON = """
def decide():
    fields = FormReader(request.form)
    return act(_read(fields))

def _read(fields: FormReader):
    text = fields.text("reason")
    {check}
    return text
"""


def test_the_rule_itself_finds_what_it_is_made_for() -> None:
    assert unchecked(CHECKED) == []
    assert unchecked(CHECKED.replace("fields.check()", "pass")) == ["hold"]
    assert unchecked('def hold():\n    act(FormReader(request.form).text("reason"))') == ["hold"]
    assert unchecked('def code():\n    act(FormReader(request.form).secret("code"))') == []
    assert unchecked('def found():\n    find(FormReader(request.args).text("words"))') == []
    assert unchecked(HANDED_ON.format(check="fields.check()")) == []
    assert unchecked(HANDED_ON.format(check="pass")) == ["decide"]


@pytest.mark.parametrize("lost", ["return redirect('/', 303)", "return _refused(error)"])
def test_the_rule_itself_finds_what_is_lost(lost: str) -> None:
    refused = "\ndef _refused(error):\n    flash(error)\n    return redirect('/', 303)\n"
    assert losing(CHECKED + refused) == []
    assert losing(CHECKED.replace("return _form(error)", lost) + refused) == ["hold"]
