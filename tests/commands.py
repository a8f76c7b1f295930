"""Runs ``ged`` commands in the test's process. A new process takes seconds; only tests of the start need one."""

from __future__ import annotations

import logging
import os
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from web.commands import main


@dataclass(frozen=True)
class Ended:
    """The result of a command, with the attributes of ``subprocess.CompletedProcess``."""

    returncode: int
    stdout: str
    stderr: str


def ged(*words: object, cwd: Path | None = None, **variables: str) -> Ended:
    """Run a command to its end. It sees only these environment variables. Unexpected exceptions are raised."""
    env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("GED_")}
    own = os.environ.get("GED_ENV_FILE")
    level = logging.getLogger().level
    try:
        with chdir(cwd or Path.cwd()):
            done = CliRunner(env={**env, **variables}).invoke(main, [str(one) for one in words])
    finally:
        logging.getLogger().setLevel(level)  # some commands are quiet: in a process of their own
        # The command sets GED_ENV_FILE for the processes that it starts.
        os.environ.pop("GED_ENV_FILE", None)
        if own is not None:
            os.environ["GED_ENV_FILE"] = own
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)
