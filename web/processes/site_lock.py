"""Tells whether a site serves an embedded installation: SQLite cannot tell who has it open."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ged.errors import ConfigError

NAME = "site.lock"
"""In the folder ``run`` of the data folder."""


@contextmanager
def serving(data_dir: Path) -> Iterator[None]:
    """Hold the lock that all sites share. Processes that a site forks hold it too, until the last one has ended.

    Raises:
        ConfigError: ``site.moving``.
    """
    with _taken(data_dir, fcntl.LOCK_SH) as is_taken:
        if not is_taken:
            raise ConfigError("site.moving", "wait for `ged move`, then start the site again", setting="GED_DATA_DIR")
        yield


@contextmanager
def site_stopped(data_dir: Path) -> Iterator[None]:
    """Hold the lock alone: no site serves, and none starts.

    Raises:
        ConfigError: ``site.serves``.
    """
    with _taken(data_dir, fcntl.LOCK_EX) as is_taken:
        if not is_taken:
            raise ConfigError(
                "site.serves", "stop the site (systemctl stop ged-site ged-worker)", setting="GED_DATA_DIR"
            )
        yield


@contextmanager
def _taken(data_dir: Path, how: int) -> Iterator[bool]:
    folder = data_dir / "run"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(place, how | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(place)
