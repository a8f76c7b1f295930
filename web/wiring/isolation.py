"""Checks that the child processes that open files from outside are isolated on this machine."""

import logging
from pathlib import Path

import sandbox
from ged.config import Settings
from ged.errors import ConfigError
from web.wiring import settings_file

logger = logging.getLogger(__name__)


def require_isolation(settings: Settings) -> None:
    """Stop a production server whose parsers could access its data, its settings or the network.

    Otherwise a vulnerability in a library that opens PDFs, pictures or office files would expose the whole server. A
    trial installation (embedded, without https) starts with a warning.

    Raises:
        ConfigError: ``parsers.open``: neither bubblewrap nor Landlock works here; ``parsers.see_data``: the data folder
            or the settings are in a folder that the parsers can read.
    """
    fault = isolation_fault(settings)
    if fault is None:
        return
    is_trial = settings.embedded and not settings.public_url.startswith("https://")
    if is_trial or settings.open_parsers:
        logger.warning("%s: %s", fault.code, fault.remedy)
        return
    raise fault


def isolation_fault(settings: Settings) -> ConfigError | None:
    """What is wrong with the isolation on this machine; None: nothing."""
    isolation = sandbox.chosen()
    if not isolation.holds:
        return ConfigError(
            "parsers.open",
            "install bubblewrap (apt install bubblewrap) and allow user namespaces, or run a kernel with Landlock; "
            "GED_OPEN_PARSERS=accepted starts all the same: files from outside are then opened with the server's rights",
            setting="GED_OPEN_PARSERS",
        )
    held = [settings.data_dir, *(one for one in (settings_file.find(),) if one is not None)]
    seen = next((place for place in held if isolation.shows(Path(place))), None)
    if seen is None:
        return None
    return ConfigError(
        "parsers.see_data",
        f"move {seen} out of the folders of programs (/usr, the Python environment): files from outside are opened "
        "where it can be read",
        setting="GED_DATA_DIR",
        path=str(seen),
    )
