"""Health of this installation: the codes of its problems for monitors, and its checks for people (``ged doctor``)."""

from ged.health.problems import problems, reaches_database

__all__ = ["problems", "reaches_database"]
