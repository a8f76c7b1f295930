"""What hands jobs to workers."""

from enum import StrEnum
from typing import Protocol

from ged.ports.names import JobId


class Lane(StrEnum):
    """In which lane a job travels; none holds up the ones before it.

    QUICK: seconds. DESK: seconds to minutes, and a clerk waits. FILES: minutes, large files that people asked for.
    UPKEEP: minutes, what the clock asks for. SLOW: up to hours. BACKLOG: of an archive taken over, when nothing of today
    waits.
    """

    QUICK = "quick"
    DESK = "desk"
    FILES = "files"
    UPKEEP = "upkeep"
    SLOW = "slow"
    BACKLOG = "backlog"


class JobQueue(Protocol):
    """Hands committed job rows to a worker, at least once."""

    def submit(self, job_id: JobId, *, lane: Lane = Lane.QUICK) -> None:
        """Called after the commit that created the row; may be lost (the sweep submits again)."""
        ...

    def waiting(self) -> frozenset[JobId]:
        """Jobs submitted and not taken yet; empty when the queue is away. The sweep leaves these alone."""
        ...
