"""The file in the data folder of an embedded installation that is being moved, or was: nobody works on there."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ged.durable import replace_file, sync_folder
from ged.errors import ConfigError

MARK = "moved.json"


@dataclass(frozen=True)
class Mark:
    """This installation is being moved, or was.

    Attributes:
        source: SHA-256 of the SQLite file: it must not change between two runs.
        settings: the settings of the servers, once everything is verified; empty before.
        entries: of the target's journal, when the move ended.
    """

    source: str
    began_at: str
    settings: str = ""
    entries: int = 0

    @property
    def is_done(self) -> bool:
        """Whether the servers' installation is there, and verified."""
        return bool(self.settings)


def read_mark(data: Path) -> Mark | None:
    """The mark of a data folder; None: nobody moves it."""
    try:
        return Mark(**json.loads((data / MARK).read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConfigError("move.mark", f"remove {data / MARK}: it cannot be read", setting="GED_DATA_DIR") from error


def write_mark(data: Path, mark: Mark) -> None:
    """Write the mark, whole and durable."""
    replace_file(data / MARK, json.dumps(asdict(mark), indent=1).encode())


def remove_mark(data: Path) -> None:
    """The embedded installation may be served again."""
    (data / MARK).unlink(missing_ok=True)
    sync_folder(data)


def require_not_moved(data: Path) -> None:
    """Refuse to serve an embedded installation that is being moved, or was: what people typed there would be lost.

    Raises:
        ConfigError: ``move.moved``, ``move.unfinished``.
    """
    mark = read_mark(data)
    if mark is None:
        return
    if mark.is_done:
        raise ConfigError(
            "move.moved",
            f"name the settings of the servers ({mark.settings}); or go back to the embedded installation: ged move --back",
            setting="GED_ENV_FILE",
        )
    raise ConfigError(
        "move.unfinished", "call `ged move` again: it goes on; or give it up: ged move --back", setting="GED_ENV_FILE"
    )
