"""The source of a revision: one that runs while the previous release works takes nothing from it (``ged.schema``).

``tests/migrations/test_tolerance.py`` compares the resulting tables.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ged.migrations
from tests.migration_kit import RELEASES

VERSIONS = Path(ged.migrations.__file__).parent / "versions"
TAKES = {"drop_table", "drop_column", "drop_constraint", "rename_table", "let_go"}
ADDS = {"create_table", "add_column"}


def phase_of(source: str) -> str:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "phase":
            return str(ast.literal_eval(node.value))
    return ""


def refused(source: str) -> list[str]:
    """The operations of a revision's ``upgrade`` that its phase does not allow."""
    phase = phase_of(source)
    if phase not in ("expand", "contract"):
        return ["it has no phase"]
    tree = ast.parse(source)
    tree.body = [one for one in tree.body if not (isinstance(one, ast.FunctionDef) and one.name == "downgrade")]
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
    named = [
        (ast.unparse(one.func).rpartition(".")[2], {k.arg: ast.unparse(k.value) for k in one.keywords}) for one in calls
    ]
    if phase == "contract":
        return [f"{name} in a contraction" for name, _ in named if name in ADDS]
    texts = [
        one.value.upper() for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    return (
        [f"{name} in an expansion" for name, _ in named if name in TAKES]
        + [f"{name} narrows or renames" for name, given in named if name == "alter_column"
           and (given.get("nullable") == "False" or "new_column_name" in given or given.get("server_default") in ("None", "False"))]
        + [f"add_column without a default: {given}" for name, given in named if name == "Column" and _is_asked_for(given)
           and not any(other == "create_table" for other, _ in named)]
        + [f"SQL: {one[:60]}" for one in texts if "DROP " in one or "RENAME " in one]
    )  # fmt: skip


def _is_asked_for(given: dict[str | None, str]) -> bool:
    return given.get("nullable") == "False" and "server_default" not in given


def revisions() -> list[Path]:
    return [one for one in sorted(VERSIONS.glob("[0-9]*.py")) if one.name[:4] > RELEASES[0]]


def test_no_expansion_drops_renames_or_narrows_and_no_contraction_adds() -> None:
    wrong = {one.name: found for one in revisions() if (found := refused(one.read_text(encoding="utf-8")))}
    assert wrong == {}, "see docs/dev/add.md, a revision of the database"


HEAD = 'phase = "{phase}"\ndef upgrade():\n    {does}\ndef downgrade():\n    op.drop_table("x")\n'


@pytest.mark.parametrize(
    ("phase", "does", "is_refused"),
    [
        ("expand", 'op.create_table("x", sa.Column("id", sa.Integer(), nullable=False))', False),
        ("expand", 'op.add_column("x", sa.Column("y", sa.Text(), nullable=True))', False),
        ("expand", 'op.add_column("x", sa.Column("y", sa.Text(), nullable=False, server_default=""))', False),
        ("expand", 'op.add_column("x", sa.Column("y", sa.Text(), nullable=False))', True),
        ("expand", 'op.alter_column("x", "y", nullable=True, server_default="")', False),
        ("expand", 'op.alter_column("x", "y", nullable=False)', True),
        ("expand", 'op.alter_column("x", "y", new_column_name="z")', True),
        ("expand", 'batch.drop_column("y")', True),
        ("expand", 'op.drop_table("x")', True),
        ("expand", 'op.execute("ALTER TABLE x DROP COLUMN y")', True),
        ("contract", 'op.drop_table("x")', False),
        ("contract", 'op.alter_column("x", "y", nullable=False)', False),
        ("contract", 'op.add_column("x", sa.Column("y", sa.Text(), nullable=True))', True),
        ("", "pass", True),
    ],
)
def test_what_a_phase_does_not_allow_is_seen(phase: str, does: str, is_refused: bool) -> None:
    assert bool(refused(HEAD.format(phase=phase, does=does))) is is_refused
