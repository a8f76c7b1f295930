"""What looks at outside files before anything of ours opens them."""

from pathlib import Path
from typing import Protocol


class VirusScanner(Protocol):
    """A scanner for viruses that runs beside the installation."""

    def check(self, source: Path) -> None:
        """Return when nothing was found in a file.

        Raises:
            Invalid: ``file.virus`` (``params['virus']``: its name): the file must reach nobody.
            EngineFailed: ``scanner.unavailable``: it cannot be reached, or did not look at the whole file. Nobody
                knows what is in the file: try again later.
        """
        ...

    def is_there(self) -> bool:
        """Whether it can be asked now."""
        ...
