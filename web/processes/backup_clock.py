"""Calls ``ged backup`` at its time of day, from a worker: in a process of its own, so that no lane waits for a slow disk.

It is no job of the table: an installation that cannot make copies must not collect jobs that failed, and a program of the
release before would not know the kind. The journal says when the last copy was made, so several workers agree.
"""

import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from ged.archive.copies import last_made
from ged.backup.clock import AGAIN, is_due
from ged.config import Settings
from ged.unit import Services

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "web.commands", "backup", "--due")
LOOK_EVERY = timedelta(minutes=1)


class BackupClock:
    """Looks whether a copy is due, and starts it."""

    def __init__(
        self,
        settings: Settings,
        services: Services,
        *,
        start: Callable[[Sequence[str]], "subprocess.Popen[bytes]"] = subprocess.Popen,
    ) -> None:
        self._settings, self._services, self._start = settings, services, start
        self._running: subprocess.Popen[bytes] | None = None
        self._tried_at: datetime | None = None
        self._looked_at: datetime | None = None

    def look(self, now: datetime) -> None:
        """Start a copy where one is due and none of ours runs. One that failed is tried again an hour later."""
        if not self._settings.backup_at or (self._looked_at is not None and now - self._looked_at < LOOK_EVERY):
            return
        self._looked_at = now
        if self._running is not None:
            code = self._running.poll()
            if code is None:
                return
            if code:
                logger.error("backup.failed exit=%s: see the lines above", code)
            self._running = None
        if self._tried_at is not None and now - self._tried_at < AGAIN:
            return
        with self._services.reading() as session:
            last = last_made(session)
        if is_due(self._settings.backup_at, last, now=now, zone=self._settings.zone):
            self._tried_at = now
            logger.info("backup.started last=%s", last)
            self._running = self._start(COMMAND)
