"""The next release of this program: a copy of its sources with two more revisions. It runs in processes of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import ged
from ged.db import PROGRAM

ROOT = Path(ged.__file__).parent.parent
PACKAGES = ("ged", "web", "indexer", "ocr", "signing", "sandbox")

EXPANSION, CONTRACTION = "9001", "9002"

_HEAD = '''"""{what}

Revision ID: {revision}
Revises: {before}
"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
phase = "{phase}"
oldest_program = "{oldest}"


def upgrade() -> None:
    {does}


def downgrade() -> None:
    raise NotImplementedError
'''
_EXPAND = """op.add_column("mails", sa.Column("enclosures_told", sa.String(length=300), server_default="", nullable=False))
    op.alter_column("mails", "enclosure_note", server_default="")"""
_CONTRACT = 'op.drop_column("mails", "enclosure_note")'
_MODEL = '    enclosure_note: Mapped[str] = mapped_column(String(300), default="")\n'
_NEXT_MODEL = '    enclosure_note: Mapped[str] = mapped_column("enclosures_told", String(300), default="")\n'


@dataclass(frozen=True)
class Release:
    """The sources of a release, and ways to run them."""

    sources: Path

    def command(self, *words: str) -> list[str]:
        """The command line that runs ``ged`` of this release."""
        return [sys.executable, "-P", "-c", "from web.commands import program; program()", *words]

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """The environment of its processes."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GED_")}
        return {**kept, **settings, "PYTHONPATH": str(self.sources)}

    def run(self, *words: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run ``ged`` to its end. Returns exit code and output."""
        return subprocess.run(
            self.command(*words), env=self.environment(settings), capture_output=True, text=True, timeout=120,
            check=False, cwd=self.sources,
        )  # fmt: skip


THIS = Release(ROOT)


def make_next_release(folder: Path) -> Release:
    """Make a release in which letters keep the note on enclosures in a renamed column.

    Its expansion adds the new column and makes the old one optional. Its contraction drops the old column. This release
    writes both columns for every letter, and reads the new one.
    """
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            folder / package,
            ignore=shutil.ignore_patterns("__pycache__", "node_modules"),
            symlinks=True,
        )
    versions = folder / "ged" / "migrations" / "versions"
    for revision, before, phase, oldest, does in (
        (EXPANSION, PROGRAM, "expand", PROGRAM, _EXPAND),
        (CONTRACTION, EXPANSION, "contract", CONTRACTION, _CONTRACT),
    ):
        text = _HEAD.format(what=phase, revision=revision, before=before, phase=phase, oldest=oldest, does=does)
        (versions / f"{revision}_{phase}.py").write_text(text, encoding="utf-8")
    models = folder / "ged" / "register" / "models.py"
    text = models.read_text(encoding="utf-8")
    assert text.count(_MODEL) == 1, "the column is no longer there: choose another one of `mails`"
    models.write_text(text.replace(_MODEL, _NEXT_MODEL), encoding="utf-8")
    return Release(folder)
