"""Installations that move to servers: a furnished one as it stands in its folder, and how a move of it is asked."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alembic import command

from ged.config import Settings, load_settings
from ged.unit import Services
from tests.factories import SECRET
from web.processes import move as process
from web.processes.migrate import alembic_config
from web.processes.move import Outcome, Wanted
from web.wiring import moved


@dataclass
class Embedded:
    """An embedded installation, its settings file, and lines that its servers' settings have too."""

    settings: Settings
    env_file: Path
    more: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, services: Services, more: Mapping[str, str]) -> Embedded:
        """The installation in whose folder services work that were made without settings."""
        data = Path(services.data_dir)
        folder = data.with_name(f"{data.name}-settings")
        folder.mkdir(mode=0o700)
        env_file = folder / "ged.env"
        env_file.write_text(f"GED_DATA_DIR={data}\nGED_SECRET={SECRET}\n", encoding="utf-8")
        with services.engine.begin() as connection:
            command.stamp(alembic_config(connection), "head")
        services.engine.dispose()
        return cls(load_settings(env_file), env_file, more)

    def wanted(self, url: str, *, letters: int = 3, anew: bool = False, batch: int = 500, **more: str) -> Wanted:
        """A move to this database."""
        new = {"GED_DATABASE_URL": url, "GED_UNSAFE_DATABASE": "for-tests", **self.more, **more}
        return Wanted(moved.lines_of(self.env_file, new), moved.place_of(self.env_file), letters, anew, batch)

    def move(self, wanted: Wanted, *, progress: Callable[[str, int], None] = lambda _what, _count: None) -> Outcome:
        """Move in this process."""
        return process.move(self.settings, wanted, progress=progress)


def killed(act: Callable[[Callable[[str, int], None]], object], at: int) -> bool:
    """Run an act in a fork that kills itself when the act tells something for the time ``at``. Returns whether it was killed."""
    child = os.fork()
    if child == 0:
        count = 0

        def told(_what: str, _count: int) -> None:
            nonlocal count
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

        code = 0
        try:
            act(told)
        except BaseException:  # noqa: BLE001  nothing may return into the test
            traceback.print_exc(file=sys.stderr)
            code = 1
        finally:
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the move failed, see its traceback"
    return False
