"""The parts of the root's key (``signing.root_parts``), for the command line."""

from collections.abc import Callable
from pathlib import Path

from ged.errors import Invalid
from signing import root_parts
from signing.pki import OfflineRoot
from signing.root_parts import ENVELOPE, Parts

__all__ = ["ENVELOPE", "TRIES", "Parts", "parts_of", "split"]

TRIES = 3
"""How often a part is typed before the command gives up."""


def parts_of(root: Path) -> Parts | None:
    """The parts of the key in a folder; None: it is under a passphrase that somebody knows.

    Raises:
        ConfigError: ``authority.root_missing``, ``root.parts_damaged``.
    """
    return root_parts.read(root)


def split(
    root: Path,
    passphrase: str,
    holders: tuple[str, str],
    *,
    tell: Callable[[str, str, bool], str],
) -> None:
    """Put the root's key under three new parts.

    Args:
        passphrase: opens the key as it is.
        holders: the accounts of parts A and B.
        tell: called with a part's letter, its text, and whether it was typed wrongly before; returns what its holder typed of it, so
            that nobody leaves with a part that was written wrongly.

    Raises:
        Invalid: ``authority.root_passphrase``; ``root.part_wrong``: it was typed otherwise than it was told. Nothing is changed then.
        ConfigError: ``authority.root_missing``.
    """
    offline = OfflineRoot(root, passphrase)
    offline.open()
    made = root_parts.make(*holders)
    typed = {letter: _typed(tell, letter, text) for letter, text in made.texts.items()}
    for one, other in (("A", "B"), ("A", "C"), ("B", "C")):
        if made.parts.passphrase(typed[one], typed[other]) != made.new_passphrase:
            raise Invalid("root.part_wrong", "type the part as it is written")
    root_parts.put(made, offline)


def _typed(tell: Callable[[str, str, bool], str], letter: str, text: str) -> str:
    for attempt in range(TRIES):
        found = tell(letter, text, attempt > 0)
        if root_parts.is_same(found, text):
            return found
    raise Invalid("root.part_wrong", "type the part as it is written")
