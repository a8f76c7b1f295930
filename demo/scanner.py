"""A simulated scanner: libsane's real ``pnm`` device, whose page the demonstration replaces.

The bridge only sees a SANE device with one option; this module controls the page under its lid.
"""

import json
import os
from pathlib import Path

from PIL import Image

DEVICE = "pnm:0"


class DeskScanner:
    """The folder of a desk: SANE's configuration, the bridge's home, and the page under the lid."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "bridge"
        self.page = folder / "under-the-lid.pgm"

    def install(self) -> None:
        """Write SANE's and the bridge's configuration."""
        sane = self.folder / "sane"
        sane.mkdir(parents=True, exist_ok=True)
        (sane / "dll.conf").write_text("pnm\n")
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = self.home / "config.json"
        if not config.exists():
            config.write_text(json.dumps({"devices": {DEVICE: {"filename": str(self.page)}}}))
            config.chmod(0o600)
        if not self.page.exists():
            self.lay(Image.new("L", (2480, 3508), 255))

    def environment(self) -> dict[str, str]:
        """The environment in which the bridge's process finds only this scanner."""
        return {**os.environ, "SANE_CONFIG_DIR": str(self.folder / "sane"), "GED_BRIDGE_HOME": str(self.home)}

    def lay(self, page: Image.Image) -> None:
        """Put a page under the lid, atomically."""
        draft = self.page.with_suffix(".new")
        page.convert("L").save(draft, format="PPM")
        os.replace(draft, self.page)
