"""Makes mutants of a source file, each with one small change, by the operators of mutmut and two operators of ours.

mutmut itself changes only the bodies of functions. Here also the tables of a module, the members of its enumerations
and the properties of its classes are changed. Columns of database tables are not: the schema has its own tests.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import libcst as cst
from libcst._nodes.internal import CodegenState
from libcst.metadata import MetadataWrapper, PositionProvider, WhitespaceInclusivePositionProvider
from mutmut.mutation.mutators import mutation_operators

MODULE = "(module)"
_LEFT_ALONE = {"len", "isinstance"}  # any change of their arguments fails at once
_ENUMS = {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
_DISPLAYS = (cst.Dict, cst.Set, cst.Tuple, cst.List)


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        path: the file, from the project's folder.
        where: the function (``Class.method``), the class, or ``MODULE``.
        was: the original lines, without indentation.
        becomes: the new lines; empty if the lines are removed.
        first: first line of the changed statement.
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
        """Identifies the change, also when the lines of the file move."""
        return self.path, self.where, self.was, self.becomes

    @property
    def is_at_import(self) -> bool:
        """Whether the changed lines run at import, so that no single test covers them."""
        return self.where == MODULE or self.where.endswith(":")


def mutants_of(path: str, source: str) -> list[Mutant]:
    """All mutants of a file that compile, and that differ from the file and from each other; in the order of its
    lines."""
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    module, positions = wrapper.module, wrapper.resolve(PositionProvider)
    text = _Text(source, module, wrapper.resolve(WhitespaceInclusivePositionProvider))
    members = {
        node.name.value: [target.value for target in _assigned(node)]
        for node in module.body
        if isinstance(node, cst.ClassDef) and _bases(node) & _ENUMS
    }
    found: dict[str, Mutant] = {}
    for statement in module.body:
        start, stop = text.span(statement)
        part = source[start:stop]
        (as_is,) = ast.parse(part).body
        seen = set[tuple[int, str]]()
        for place, node, changed in _changes(statement, members):
            begin, end = text.span(node)
            instead = source[start:begin] + text.code(changed, place.depth) + source[end:stop]
            try:
                old, new = _meaning(as_is, part, instead)
            except SyntaxError:
                continue
            if new == old or new in seen:
                continue
            seen.add(new)
            was, becomes = _lines(part, instead)
            first, last = _span(place, node, positions)
            whole = source[:start] + instead + source[stop:]
            found[whole] = Mutant(path, place.where, was, becomes, first, last, whole)
    return list(found.values())


class _Text:
    """The text of a file, the positions of its nodes, and the text of replacement nodes."""

    def __init__(self, source: str, module: Any, positions: Any) -> None:
        self._module, self._positions = module, positions
        self._starts = [0, *accumulate(map(len, source.splitlines(keepends=True)))]

    def span(self, node: Any) -> tuple[int, int]:
        """Start and end of the node, with its blanks and comments."""
        found = self._positions[node]
        return tuple(self._starts[one.line - 1] + one.column for one in (found.start, found.end))

    def code(self, node: Any, depth: int) -> str:
        """The node's text, indented by ``depth`` blocks."""
        state = CodegenState(self._module.default_indent, self._module.default_newline)
        for _ in range(depth):
            state.increase_indent(self._module.default_indent)
        node._codegen(state)
        return "".join(state.tokens)


def _meaning(old: ast.stmt, part: str, instead: str) -> tuple[tuple[int, str], tuple[int, str]]:
    """The meanings of a statement and of its replacement; of a class, only those of the member that differs.

    Raises:
        SyntaxError: the replacement is not valid Python.
    """
    (new,) = ast.parse(instead).body
    if not (isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef)):
        return (0, ast.dump(old)), (0, ast.dump(new))
    before, after = part.splitlines(), instead.splitlines()
    line = next((n for n, pair in enumerate(zip(before, after, strict=False), 1) if pair[0] != pair[1]), 0)
    at = next((n for n, one in enumerate(old.body) if one.lineno <= line <= (one.end_lineno or 0)), -1)
    if at < 0 or len(old.body) != len(new.body):
        return (-1, ast.dump(old)), (-1, ast.dump(new))
    return (at, ast.dump(old.body[at])), (at, ast.dump(new.body[at]))


# --- Where to change ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """The position of a walk through a file: names of classes and functions, and the statement."""

    names: tuple[str, ...] = ()
    in_function: bool = False
    statement: Any = None
    depth: int = 0

    @property
    def where(self) -> str:
        """The place, for people. A colon follows the name of a class, because its own lines run at import."""
        return MODULE if not self.names else ".".join(self.names) + ("" if self.in_function else ":")


def _changes(statement: Any, members: dict[str, list[str]]) -> Iterator[tuple[_Place, Any, Any]]:
    """Every (place, node, replacement node) of a statement of a module."""
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
        place = replace(place, names=(*place.names, node.name.value), statement=node, depth=place.depth + 1)
        is_table = any(target.value == "__tablename__" for target in _assigned(node))
        for part in node.body.body:
            if isinstance(part, cst.FunctionDef) or not is_table:
                yield from _walk(part, place)
        return
    if isinstance(node, cst.FunctionDef):
        names = place.names if place.in_function else (*place.names, node.name.value)
        place = replace(place, names=names, in_function=True, statement=node)
    elif isinstance(node, cst.BaseStatement):
        place = replace(place, statement=node)
    yield place, node
    if isinstance(node, cst.IndentedBlock):
        place = replace(place, depth=place.depth + 1)
    for child in node.children:
        yield from _walk(child, place)


def _assigned(node: Any) -> list[Any]:
    """The names that the lines of a class assign."""
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
    """The lines of the statement; of a compound statement, the lines from its head to the node."""
    inner = positions[node]
    if place.statement is None:
        return inner.start.line, inner.end.line
    outer = positions[place.statement]
    if isinstance(place.statement, cst.SimpleStatementLine):
        return outer.start.line, outer.end.line
    return min(inner.start.line, outer.start.line), inner.end.line


# --- Changes that mutmut does not make --------------------------------------------------------------------------------


def _without_a_row(node: Any) -> Iterator[Any]:
    """A table of a module with one row less."""
    if isinstance(node, _DISPLAYS) and len(node.elements) > 1:
        for index in range(len(node.elements)):
            yield node.with_changes(elements=[*node.elements[:index], *node.elements[index + 1 :]])


def _other_member(node: Any, members: dict[str, list[str]]) -> Iterator[tuple[Any, Any]]:
    """A row of a table, with another member of the same enumeration as its value."""
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
