"""What became of each letter of a batch, kept for an hour: the page that shows it is a GET, which may be reloaded.

A file of ``data_dir/run/outcomes`` for each batch, read by nobody but the person who acted. It holds ids, numbers and
messages of errors; subjects are read anew, under the access rule.
"""

import json
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from web.site import context

KEPT_S = 3600.0
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True)
class Outcome:
    """What became of one letter; ``message`` and ``remedy`` are empty where it succeeded.

    Attributes:
        done_before: nothing is left to do: the letter was signed meanwhile, in another tab or by another person.
    """

    mail_id: int
    number: str = ""
    message: str = ""
    remedy: str = ""
    done_before: bool = False

    @property
    def failed(self) -> bool:
        """Whether the act was refused for this letter, and is still to be done."""
        return bool(self.message) and not self.done_before


def _folder() -> Path:
    folder = Path(context.services().data_dir) / "run" / "outcomes"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _path(token: str) -> Path:
    return _folder() / f"{context.actor().person_id}-{token}"


def keep(outcomes: Sequence[Outcome]) -> str:
    """Keep the results of a batch for the actor; returns the text under which ``find`` gives them back."""
    _sweep()
    token = secrets.token_urlsafe(16)
    path = _path(token)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(json.dumps([asdict(one) for one in outcomes]), encoding="utf-8")
    return token


def find(token: str) -> tuple[Outcome, ...] | None:
    """The actor's results under this text; None when they are no longer kept, or another person's."""
    if _TOKEN.fullmatch(token) is None:
        return None
    try:
        rows = json.loads(_path(token).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return tuple(Outcome(**row) for row in rows)


def _sweep() -> None:
    oldest = context.now().timestamp() - KEPT_S
    for path in _folder().iterdir():
        with suppress(FileNotFoundError):  # another process swept it first
            if path.stat().st_mtime < oldest:
                path.unlink()
