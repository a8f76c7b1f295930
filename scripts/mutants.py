"""Mutants of a source file: the file with one small change each, by the operators of mutmut and two of our own.

mutmut itself changes the bodies of functions only. Here the tables of a module, the members of its enumerations and the
properties of its classes are changed too. The columns of tables of the database are not: the schema has its own tests.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

MODULE = "(module)"
_LEFT_ALONE = {"len", "isinstance"}  # any change of their arguments is an error at once
_ENUMS = {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
_DISPLAYS = (cst.Dict, cst.Set, cst.Tuple, cst.List)


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        path: the file, from the project's folder.
        where: the function (``Class.method``), the class, or ``MODULE``.
        was: the changed lines as they are, without indentation.
        becomes: what stands there instead; empty where the lines are gone.
        first: first line of the statement that is changed.
        last: its last line.
        source: the whole file with the change.
    """

    path: str
    where: str
    was: str
    becomes: str
    first: int
    last: int
    source: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names the change also when the lines of the file move."""
        return self.path, self.where, self.was, self.becomes

    @property
    def is_at_import(self) -> bool:
        """Whether the changed lines run when the module is loaded, so that no single test comes by."""
        return self.where == MODULE or self.where.endswith(":")


def mutants_of(path: str, source: str) -> list[Mutant]:
    """All mutants of a file that compile and differ from it and from each other, in the order of its lines."""
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    module, positions = wrapper.module, wrapper.resolve(PositionProvider)
    members = {
        node.name.value: [target.value for target in _assigned(node)]
        for node in module.body
        if isinstance(node, cst.ClassDef) and _bases(node) & _ENUMS
    }
    found: dict[str, Mutant] = {}
    for index, statement in enumerate(module.body):  # one by one: a change is then made and compared in a small tree
        before = module.with_changes(body=module.body[:index], footer=()).code
        after = module.with_changes(header=(), body=module.body[index + 1 :]).code
        part = module.code_for_node(statement)
        seen = {ast.dump(ast.parse(part))}
        for place, node, changed in _changes(statement, members):
            text = module.code_for_node(statement.deep_replace(node, changed))
            try:
                tree = ast.dump(ast.parse(text))
            except SyntaxError:
                continue
            if tree in seen:
                continue
            seen.add(tree)
            was, becomes = _lines(part, text)
            first, last = _span(place, node, positions)
            found[before + text + after] = Mutant(path, place.where, was, becomes, first, last, before + text + after)
    return list(found.values())


# --- Where to change ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Where a walk through a file is: names of classes and functions, and the statement."""

    names: tuple[str, ...] = ()
    in_function: bool = False
    statement: Any = None

    @property
    def where(self) -> str:
        """A name for people; a class has a colon after it, for its own lines run when the module is loaded."""
        return MODULE if not self.names else ".".join(self.names) + ("" if self.in_function else ":")


def _changes(statement: Any, members: dict[str, list[str]]) -> Iterator[tuple[_Place, Any, Any]]:
    """Every (place, node, node instead) of a statement of a module."""
    for place, node in _walk(statement, _Place()):
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                yield from ((place, node, changed) for changed in operator(node))
        if not place.in_function:
            yield from ((place, node, changed) for changed in _without_a_row(node))
            yield from ((place, row, changed) for row, changed in _other_member(node, members))


def _walk(node: Any, place: _Place) -> Iterator[tuple[_Place, Any]]:
    """Every node that may be changed, parents first."""
    if isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom):
        return
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in _LEFT_ALONE:
        return
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString):
        return  # a docstring
    if isinstance(node, cst.ClassDef):
        place = _Place((*place.names, node.name.value), place.in_function, node)
        is_table = any(target.value == "__tablename__" for target in _assigned(node))
        for part in node.body.body:
            if isinstance(part, cst.FunctionDef) or not is_table:
                yield from _walk(part, place)
        return
    if isinstance(node, cst.FunctionDef):
        names = place.names if place.in_function else (*place.names, node.name.value)
        place = _Place(names, True, node)
    elif isinstance(node, cst.BaseStatement):
        place = _Place(place.names, place.in_function, node)
    yield place, node
    for child in node.children:
        yield from _walk(child, place)


def _assigned(node: Any) -> list[Any]:
    """The names that the lines of a class give a value."""
    lines = [line for line in node.body.body if isinstance(line, cst.SimpleStatementLine)]
    return [
        target.target
        for line in lines
        for part in line.body
        if isinstance(part, cst.Assign)
        for target in part.targets
        if isinstance(target.target, cst.Name)
    ]


def _bases(node: Any) -> set[str]:
    return {base.value.value for base in node.bases if isinstance(base.value, cst.Name)}


def _span(place: _Place, node: Any, positions: Any) -> tuple[int, int]:
    """Lines of the statement; of a compound one, those from its head to the node."""
    inner = positions[node]
    if place.statement is None:
        return inner.start.line, inner.end.line
    outer = positions[place.statement]
    if isinstance(place.statement, cst.SimpleStatementLine):
        return outer.start.line, outer.end.line
    return min(inner.start.line, outer.start.line), inner.end.line


# --- Changes of our own ---------------------------------------------------------------------------------------------


def _without_a_row(node: Any) -> Iterator[Any]:
    """A table of a module with one row less."""
    if isinstance(node, _DISPLAYS) and len(node.elements) > 1:
        for index in range(len(node.elements)):
            yield node.with_changes(elements=[*node.elements[:index], *node.elements[index + 1 :]])


def _other_member(node: Any, members: dict[str, list[str]]) -> Iterator[tuple[Any, Any]]:
    """A row of a table that leads to another member of the same enumeration."""
    if not isinstance(node, cst.DictElement) or not isinstance(node.value, cst.Attribute):
        return
    owner, name = node.value.value, node.value.attr.value
    names = members.get(owner.value, []) if isinstance(owner, cst.Name) else []
    if name in names:
        other = names[(names.index(name) + 1) % len(names)]
        yield node, node.with_changes(value=node.value.with_changes(attr=cst.Name(other)))


def _lines(source: str, text: str) -> tuple[str, str]:
    """The lines that differ, before and after, on one line each."""
    old, new = source.splitlines(), text.splitlines()
    first = next((n for n, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), len(new))
    tail = min(len(old), len(new)) - first
    last = next((n for n in range(tail) if old[-1 - n] != new[-1 - n]), tail)
    was, becomes = old[first : len(old) - last], new[first : len(new) - last]
    return " ".join(" ".join(was).split()), " ".join(" ".join(becomes).split())
