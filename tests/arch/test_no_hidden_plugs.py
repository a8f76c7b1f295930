"""No module fills a list or dictionary of another module: that would connect rooms out of sight. Parts are handed over.

The parts of a process are in the frozen ``Services``. Pages, panels and commands are found by their modules.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.source_kit import ROOT, modules, tree

PRODUCT = ("ged", "sandbox", "ocr", "indexer", "signing", "web", "scanner_bridge", "demo")
MAKERS = {
    "list",
    "dict",
    "set",
    "defaultdict",
    "deque",
    "Counter",
    "OrderedDict",
    "WeakKeyDictionary",
    "WeakValueDictionary",
    "WeakSet",
}
CHANGING = {
    "append", "appendleft", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "popleft", "remove",
    "discard", "clear", "__setitem__",
}  # fmt: skip
KEPT = {
    # "path:name" -> why a container may be changed, by its own module alone.
    "ged/slots.py:_shared": "the places of this installation on this machine, named once when a process begins",
    "ged/standby.py:_accepting": "which server of an address took the last connection; the child of a job inherits it",
    "ged/standby.py:_latest": "on which timeline a database went on, so that no process goes back to a former primary",
    "ged/figures/cells.py:_COMPOSED": "statements, composed once for each kind of database and of condition; their values are parameters",
    "ged/suggestions/lessons.py:_MODELS": "models read from their bytes, kept under the digest of these",
    "ged/typeset.py:_MARK": "whether this process is of a training installation, said once when its services are made",
    "ged/entry/second.py:_taken": "steps of codes used while no row can be written, so that none is taken twice",
    "ged/morning/scanned.py:_KNOWN": "letters that have a document, kept for each database: none that is under way loses it",
    "ged/suggestions/matching.py:_DIRECTORIES": "the directory of correspondents prepared, kept for each database",
}


@pytest.mark.slow
def test_no_module_fills_a_table_of_another() -> None:
    changed = {place for path in modules(*PRODUCT) for place in _changed(path.relative_to(ROOT).as_posix(), tree(path))}
    assert changed - KEPT.keys() == set(), "hand it over in Services, or let its module be found"
    assert KEPT.keys() - changed == set(), "gone: strike it out"


def test_each_way_to_fill_one_is_found() -> None:
    own = "PLUGS: list[str] = []\nKINDS = {}\nFIXED = ()\n\ndef plug(one):\n    PLUGS.append(one)\n    KINDS[one] = 1\n"
    assert set(_changed("ged/a.py", ast.parse(own))) == {"ged/a.py:PLUGS", "ged/a.py:KINDS"}
    other = "from ged import a\nfrom ged.a import KINDS as kinds\na.PLUGS.append(1)\nkinds['x'] = 1\ndel kinds['x']\n"
    assert set(_changed("web/b.py", ast.parse(other))) == {"ged/a.py:PLUGS", "ged/a.py:KINDS"}
    assert (
        set(_changed("web/c.py", ast.parse("WORDS = {}\ndef words():\n    WORDS = {}\n    WORDS['a'] = 1\n"))) == set()
    )
    assert set(
        _changed("web/d.py", ast.parse("COUNT = 0\ndef more():\n    global COUNT\n    COUNT = COUNT + 1\n"))
    ) == {"web/d.py:COUNT"}


def _changed(path: str, module: ast.Module) -> Iterator[str]:
    """``path:name`` of each module's container that this code changes."""
    names = {name: f"{path}:{name}" for name in _containers(module)} | _imported(module)
    known = _modules(module)
    for scope in [
        module,
        *(node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)),
    ]:
        local = _local(scope)
        for node in _inside(scope):
            if isinstance(node, ast.Global):
                yield from (f"{path}:{name}" for name in node.names)
            for target in _targets(node):
                match target:
                    # A module may fill its own table while it is loaded.
                    case ast.Name(id=name) if name in names and name not in local:
                        if scope is not module or not names[name].startswith(f"{path}:"):
                            yield names[name]
                    case ast.Attribute(value=ast.Name(id=alias), attr=name) if alias in known:
                        if name.strip("_").isupper():
                            yield f"{known[alias]}:{name}"


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module or function, without those of the functions in it."""
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from _inside(node)


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions whose value this statement or call changes."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        yield node.func.value
    if isinstance(node, ast.Assign | ast.Delete):
        yield from (one.value for one in node.targets if isinstance(one, ast.Subscript))
    if isinstance(node, ast.AugAssign):
        yield node.target.value if isinstance(node.target, ast.Subscript) else node.target


def _containers(tree: ast.Module) -> set[str]:
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _is_mutable(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def _is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rpartition(".")[2] in MAKERS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def _local(scope: ast.AST) -> set[str]:
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return set()
    arguments = scope.args
    named = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    return named | {
        node.id for node in _inside(scope) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _imported(tree: ast.Module) -> dict[str, str]:
    """Names in capitals that are imported from our modules."""
    return {
        (one.asname or one.name): f"{_path(node.module)}:{one.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in PRODUCT
        for one in node.names
        if one.name.strip("_").isupper()
    }


def _modules(tree: ast.Module) -> dict[str, str]:
    """Names of our modules as this module imports them."""
    return {
        (one.asname or one.name): _path(f"{node.module}.{one.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in PRODUCT
        for one in node.names
        if one.name.islower()
    }


def _path(module: str) -> str:
    return module.replace(".", "/") + ".py"
