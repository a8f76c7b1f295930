"""What looks at outside files before anything of ours opens them."""

from pathlib import Path
from typing import Protocol


class VirusScanner(Protocol):
    """A scanner for viruses that runs beside the installation."""

    def check(self, source: Path) -> None:
        """Return when nothing was found in a file.

        Raises:
            Invalid: ``file.virus`` (``params['virus']``: its name): the file must reach nobody.
            EngineFailed: nobody knows what is in the file. ``scanner.unavailable`` (retryable): it cannot be reached;
                ``scanner.refused``: it did not look at the whole file, and will not.
        """
        ...

    def is_there(self) -> bool:
        """Whether it can be asked now."""
        ...
