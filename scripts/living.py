"""Puts a mutant into a running program: modules and fixtures that were loaded for the tests stay.

The code of a function is replaced in the function object, so that all references see it. A value of a module is
computed again, and so are all values of that module that depend on it. Any other change needs the program to be loaded
with the mutant: a change of a class, a default, a decorator, or of values from which another module computed its own.
"""

from __future__ import annotations

import ast
import functools
import gc
import inspect
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

Name = tuple[str, str]
"""A module, and a name in it."""


class NotInPlace(Exception):
    """The change takes effect only if the program is loaded with it."""


class Living:
    """The loaded modules of a project some of whose files are changed.

    Args:
        root: the project's folder.
        paths: paths of the changed files, relative to ``root``.
    """

    def __init__(self, root: Path, paths: tuple[str, ...]) -> None:
        self._files = {path: str(root / path) for path in paths}
        self._was = {path: Path(file).read_text() for path, file in self._files.items()}
        self._code = {path: self._compiled(path, text) for path, text in self._was.items()}
        self._own = {name: module for name, module in [*sys.modules.items()] if _is_in(module, root)}
        self._at_import = {name: _AtImport(Path(str(module.__file__))) for name, module in self._own.items()}
        changed = {*self._files.values()}
        gc.unfreeze()  # what the tests' configuration has frozen is not among the collector's objects
        found = gc.get_objects()
        self._functions: dict[tuple[object, ...], list[FunctionType]] = {}
        for one in found:
            if isinstance(one, FunctionType) and one.__code__.co_filename in changed:
                self._functions.setdefault(_mark(one.__code__), []).append(one)
        self._caches = [one for one in found if isinstance(one, functools._lru_cache_wrapper)]
        self._caches = [one for one in self._caches if _file_of(one) in changed]

    def put(self, path: str, source: str) -> None:
        """Change this process.

        Raises:
            NotInPlace: nothing was changed; the file has to be loaded with the mutant.
        """
        try:
            pairs = [pair for pair in _bodies(self._code[path], self._compiled(path, source)) if not _is_same(*pair)]
        except NotInPlace:
            self._put_values(path, source)
        else:
            self._put_bodies(pairs)
        for cache in self._caches:
            cache.cache_clear()

    def _compiled(self, path: str, source: str) -> CodeType:
        return compile(source, self._files[path], "exec", dont_inherit=True)

    def _put_bodies(self, pairs: list[tuple[CodeType, CodeType]]) -> None:
        for old, new in pairs:
            if not self._functions.get(_mark(old)) or old.co_freevars != new.co_freevars:
                raise NotInPlace
        for old, new in pairs:
            for function in self._functions[_mark(old)]:
                function.__code__ = new

    def _put_values(self, path: str, source: str) -> None:
        name = path.removesuffix(".py").replace("/", ".")
        old, new = ast.parse(self._was[path]).body, ast.parse(source).body
        other = [at for at, pair in enumerate(zip_longest(old, new)) if _dump(pair[0]) != _dump(pair[1])]
        if len(other) != 1 or len(old) != len(new):
            raise NotInPlace
        names, again = set[str](), list[ast.stmt]()
        for at, statement in enumerate(new[other[0] :]):
            if at and not names & _loaded(statement):
                continue
            names.add(_target(statement))
            again.append(statement)
        held = list(self._holders({(name, one) for one in names}))
        module = self._own[name]
        for statement in again:
            try:
                part = compile(ast.Module([statement], []), self._files[path], "exec", dont_inherit=True)
                exec(part, module.__dict__)  # noqa: S102  the project's own text
            except Exception as error:
                raise NotInPlace from error
        for here, there in held:
            self._own[here[0]].__dict__[here[1]] = self._own[there[0]].__dict__[there[1]]

    def _holders(self, changed: set[Name]) -> Iterator[tuple[Name, Name]]:
        """(the name that holds a value, the name it was imported from), nearer names first.

        Raises:
            NotInPlace: a module computed another value from it at import.
        """
        rest, origins = [*changed], {module for module, _ in changed}
        while rest:
            module, name = rest.pop(0)
            for other, at_import in self._at_import.items():
                if other not in origins and name in at_import.attributes:
                    raise NotInPlace
                for own in at_import.taken.get((module, name), ()):
                    if own in at_import.loaded or (other, own) in changed:
                        raise NotInPlace
                    yield (other, own), (module, name)
                    rest.append((other, own))


class _AtImport:
    """The imported and the used names in the lines of a module that run at import."""

    def __init__(self, file: Path) -> None:
        self.loaded, self.attributes = set[str](), set[str]()
        self.taken: dict[Name, list[str]] = {}
        for statement in ast.parse(file.read_text()).body if file.suffix == ".py" else ():
            self.loaded |= _loaded(statement)
            self.attributes |= {one.attr for one in _at_once(statement) if isinstance(one, ast.Attribute)}
            if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
                for alias in statement.names:
                    self.taken.setdefault((statement.module, alias.name), []).append(alias.asname or alias.name)


def _at_once(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement that run at import: all but bodies of functions."""
    yield node
    for field, value in ast.iter_fields(node):
        if field == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield from _at_once(part)


def _loaded(statement: ast.stmt) -> set[str]:
    found = (one for one in _at_once(statement) if isinstance(one, ast.Name))
    return {one.id for one in found if isinstance(one.ctx, ast.Load)}


def _target(statement: ast.stmt) -> str:
    """The only name that the statement assigns."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        raise NotInPlace
    return targets[0].id


def _dump(statement: ast.stmt | None) -> str:
    return "" if statement is None else ast.dump(statement)


def _bodies(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The old and the new code of each function of a module.

    Raises:
        NotInPlace: more than the bodies of functions differs.
    """
    if not _is_like(old, new):
        raise NotInPlace
    for one, other in zip(old.co_consts, new.co_consts, strict=True):
        if isinstance(one, CodeType):
            if not one.co_flags & inspect.CO_OPTIMIZED:
                yield from _bodies(one, other)  # of a class
            else:
                yield one, other


def _is_like(old: CodeType, new: CodeType) -> bool:
    """Whether both are equal, the functions in them left out."""
    kinds = [[_shown(one) for one in code.co_consts] for code in (old, new)]
    facts = [(c.co_code, c.co_names, c.co_varnames, c.co_freevars, c.co_cellvars, c.co_flags) for c in (old, new)]
    facts = [(*one, c.co_exceptiontable, c.co_argcount) for one, c in zip(facts, (old, new), strict=True)]  # type: ignore[misc]
    return kinds[0] == kinds[1] and facts[0] == facts[1]


def _shown(value: object) -> str:
    return f"code {value.co_qualname}" if isinstance(value, CodeType) else repr(value)


def _is_same(old: CodeType, new: CodeType) -> bool:
    inner = [[one for one in code.co_consts if isinstance(one, CodeType)] for code in (old, new)]
    return _is_like(old, new) and all(_is_same(one, other) for one, other in zip(*inner, strict=True))


def _mark(code: CodeType) -> tuple[object, ...]:
    """Identifies a function within its file, also when two are on one line."""
    return code.co_filename, code.co_qualname, code.co_firstlineno, code.co_code, code.co_names


def _is_in(module: ModuleType, root: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(root) and "site-packages" not in file


def _file_of(cache: object) -> str:
    code = getattr(getattr(cache, "__wrapped__", None), "__code__", None)
    return code.co_filename if isinstance(code, CodeType) else ""
