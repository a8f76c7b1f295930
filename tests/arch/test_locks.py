"""Rows are locked in one place only, so that one order holds for all."""

from __future__ import annotations

import ast
from pathlib import Path

from ged import locks, models
from ged.db import Base

ROOT = Path(__file__).parents[2]
PRODUCT = ("ged", "ocr", "indexer", "signing", "web", "scanner_bridge", "demo")


def _locks_by_itself(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.arg or "" for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    texts = [n.value.upper() for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    statements = [text for text in texts if "SELECT" in text and ("FOR UPDATE" in text or "FOR NO KEY" in text)]
    return "with_for_update" in names or bool(statements)


def test_only_the_module_of_locks_locks_rows() -> None:
    found = [p for name in PRODUCT for p in sorted((ROOT / name).rglob("*.py")) if _locks_by_itself(p)]
    assert [str(path.relative_to(ROOT)) for path in found] == ["ged/locks.py"]


def test_every_table_of_the_written_order_is_a_table_and_stands_there_once() -> None:
    assert models is not None
    written = [table for step in locks.ORDER for table in step]
    assert len(written) == len(set(written))
    assert set(written) <= set(Base.metadata.tables)
