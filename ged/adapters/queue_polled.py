"""The embedded queue: the one worker process looks at the jobs table itself, a few times a second."""

from ged.ports import JobId, Lane


class PolledQueue:
    """Plug of ``JobQueue`` that needs no messenger: a committed row is already submitted."""

    def submit(self, job_id: JobId, *, lane: Lane = Lane.QUICK) -> None:
        """Nothing to send; the worker's next look finds the row."""

    def waiting(self) -> frozenset[JobId]:
        """No message ever waits here."""
        return frozenset()
