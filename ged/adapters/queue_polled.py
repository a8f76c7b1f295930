"""The embedded queue: the only worker process polls the jobs table, a few times a second."""

from ged.ports import JobId, Lane


class PolledQueue:
    """Adapter of ``JobQueue`` without messages: a committed row is already submitted."""

    def submit(self, job_id: JobId, *, lane: Lane = Lane.QUICK) -> None:
        """Nothing to send; the worker's next poll finds the row."""

    def waiting(self, lane: Lane) -> frozenset[JobId]:  # noqa: ARG002
        """Always empty: there are no messages."""
        return frozenset()
