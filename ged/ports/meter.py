"""The socket of what is counted while the program works, for a monitor."""

from typing import Protocol


class Meter(Protocol):
    """Counts and times. The names and their labels stand in ``web.wiring.meter``. It never raises for want of a disk."""

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""
        ...

    def time(self, name: str, seconds: float, *labels: str) -> None:
        """Note how long something took."""
        ...

    def flush(self, *, at_once: bool = False) -> None:
        """Hand what was counted to whoever reads it; ``at_once``: this process ends."""
        ...


class NoMeter:
    """Counts nothing: no ``GED_METRICS_BIND`` is set."""

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Do nothing."""

    def time(self, name: str, seconds: float, *labels: str) -> None:
        """Do nothing."""

    def flush(self, *, at_once: bool = False) -> None:
        """Do nothing."""
