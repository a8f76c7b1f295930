"""Removes copies that are kept no longer, and the objects that no copy names."""

import logging
from zoneinfo import ZoneInfo

from ged.backup.papers import Index
from ged.backup.places import AnyMedium
from ged.backup.retention import Retention, kept
from ged.errors import EngineFailed
from ged.progress import Progress

logger = logging.getLogger(__name__)


def prune(
    medium: AnyMedium,
    keep: Retention,
    zone: ZoneInfo,
    *,
    coming: str = "",
    progress: Progress = lambda _: None,
) -> tuple[str, ...]:
    """Remove the copies that the rule does not keep, then the objects that no copy names. Call it under ``alone``.

    Args:
        coming: a copy that is being made: those that it makes superfluous are removed before it, where there is no room.

    Where an index cannot be read, no object is removed: what it names is unknown.
    """
    names = medium.snapshots()
    stays = kept([*names, *filter(None, [coming])], keep, zone)
    dropped = tuple(one for one in names if one not in stays)
    for one in dropped:
        medium.drop(one)
    try:
        named = {key for one in medium.snapshots() for key in Index.read(medium.path_of(one)).objects}
    except EngineFailed as error:
        progress(f"objects stay: {error}")
        logger.warning("backup.objects_kept cause=%s", error)
        return dropped
    for key, path in medium.objects().items():
        if key not in named:
            path.unlink(missing_ok=True)
    return dropped
