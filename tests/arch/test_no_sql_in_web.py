"""Pages contain no SQL. import-linter forbids the library; this test forbids queries on a session that ``web`` was
given."""

import ast
from collections.abc import Iterable, Iterator

from tests.source_kit import ROOT, modules, nodes

NOT_PAGES = ("wiring", "processes")  # the contract in pyproject.toml states why
ASKING = {"execute", "scalar", "scalars", "get_one", "add_all", "refresh", "expunge", "query"}
ALSO_OF_A_SESSION = {"get", "add", "delete", "merge", "flush", "commit", "rollback"}
SESSIONS = {"db", "uow.session"}
"""Methods by which ``web`` may call a session. Flask's ``session`` has methods of these names too."""


def test_no_page_asks_the_database_itself() -> None:
    web = [path for path in modules("web") if path.relative_to(ROOT / "web").parts[0] not in NOT_PAGES]
    assert len(web) > 80
    assert [f"{path.relative_to(ROOT)}:{place}" for path in web for place in _asked(nodes(path))] == []


def test_what_asks_is_found() -> None:
    asking = "a.scalar(b)\nuow.session.get(Mail, 1)\ndb.delete(row)\nsession.get('sid')\n"
    assert list(_asked(ast.walk(ast.parse(asking)))) == [1, 2, 3]


def _asked(page: Iterable[ast.AST]) -> Iterator[int]:
    for node in page:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of, method = ast.unparse(node.func.value), node.func.attr
            if method in ASKING or (method in ALSO_OF_A_SESSION and of in SESSIONS):
                yield node.lineno
