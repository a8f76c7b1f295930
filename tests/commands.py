"""Calls ``ged`` in this process: a new process costs seconds, which only tests of the start need."""

from __future__ import annotations

import os
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from web.commands import main


@dataclass(frozen=True)
class Ended:
    """As ``subprocess.CompletedProcess``."""

    returncode: int
    stdout: str
    stderr: str


def ged(*words: object, cwd: Path | None = None, **variables: str) -> Ended:
    """Run a command to its end, with only these variables; unexpected exceptions are raised."""
    env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("GED_")}
    own = os.environ.get("GED_ENV_FILE")
    try:
        with chdir(cwd or Path.cwd()):
            done = CliRunner(env={**env, **variables}).invoke(main, [str(one) for one in words])
    finally:
        # The command names the file of its settings to what it starts.
        os.environ.pop("GED_ENV_FILE", None)
        if own is not None:
            os.environ["GED_ENV_FILE"] = own
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)
