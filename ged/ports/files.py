"""The virus scanner, which checks files from outside before our code opens them."""

from pathlib import Path
from typing import Protocol


class VirusScanner(Protocol):
    """A virus scanner that runs beside the installation."""

    def check(self, source: Path) -> None:
        """Scan a file; return if nothing was found.

        Raises:
            Invalid: ``file.virus`` (``params['virus']``: its name): the file must be given to nobody.
            EngineFailed: the file was not scanned. ``scanner.unavailable`` (retryable): the scanner cannot be reached;
                ``scanner.refused``: the scanner refuses to scan the whole file, also later.
        """
        ...

    def is_there(self) -> bool:
        """Whether the scanner answers now."""
        ...
