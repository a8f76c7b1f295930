"""The queue that hands jobs to workers."""

from enum import StrEnum
from typing import Protocol

from ged.ports.names import JobId


class Lane(StrEnum):
    """The lane (queue) of a job. A lane never delays the lanes listed before it, with one exception.

    UPKEEP and SLOW share a worker's time. Each signed slip brings upkeep: where upkeep never ends, pages are still read.

    QUICK: seconds. DESK: seconds to minutes, a clerk waits. FILES: minutes, large files that people requested. UPKEEP:
    minutes, scheduled jobs. SLOW: up to hours. BACKLOG: jobs of an imported archive and second readings, run when no other
    job waits.
    """

    QUICK = "quick"
    DESK = "desk"
    FILES = "files"
    UPKEEP = "upkeep"
    SLOW = "slow"
    BACKLOG = "backlog"


MOST_WAITING = 1_000
"""Messages of a lane among which the sweep looks for those that were lost."""


class JobQueue(Protocol):
    """Hands committed job rows to a worker, at least once."""

    def submit(self, job_id: JobId, *, lane: Lane = Lane.QUICK) -> None:
        """Submit a job after the commit of its row. A submission may be lost: the sweep submits again."""
        ...

    def waiting(self, lane: Lane) -> frozenset[JobId] | None:
        """Jobs of a lane that were submitted and not yet claimed.

        None: more than ``MOST_WAITING``, or the queue is unreachable. The sweep then has nothing to add to the lane.
        """
        ...
