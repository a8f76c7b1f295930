"""Only ``ged.locks`` locks rows, so that one order holds for all code."""

from __future__ import annotations

import ast
from pathlib import Path

from ged import locks, models
from ged.db import Base
from tests.source_kit import ROOT, modules, nodes

PRODUCT = modules("ged", "ocr", "indexer", "signing", "web", "scanner_bridge", "demo")


def _locks_by_itself(path: Path) -> bool:
    names = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
    names |= {node.arg or "" for node in nodes(path) if isinstance(node, ast.keyword)}
    texts = [n.value.upper() for n in nodes(path) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    statements = [text for text in texts if "SELECT" in text and ("FOR UPDATE" in text or "FOR NO KEY" in text)]
    return "with_for_update" in names or bool(statements)


def test_only_the_module_of_locks_locks_rows() -> None:
    found = [path for path in PRODUCT if _locks_by_itself(path)]
    assert [str(path.relative_to(ROOT)) for path in found] == ["ged/locks.py"]


def test_every_table_of_the_written_order_is_a_table_and_stands_there_once() -> None:
    assert models is not None
    written = [table for step in locks.ORDER for table in step]
    assert len(written) == len(set(written))
    assert set(written) <= set(Base.metadata.tables)


def _leaves_an_attempt(path: Path) -> list[int]:
    loops = [
        node
        for node in nodes(path)
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and "attempts" in ast.dump(node.iter.func)
    ]
    return [n.lineno for loop in loops for n in ast.walk(loop) if isinstance(n, (ast.Return, ast.Break, ast.Continue))]


def test_no_attempt_is_left_before_it_is_known_to_be_committed() -> None:
    assert {str(path): lines for path in PRODUCT if (lines := _leaves_an_attempt(path))} == {}
