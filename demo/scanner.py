"""A scanner that is not there: libsane's real ``pnm`` device, whose page the demonstration swaps.

The bridge knows only a SANE device with one option; what lies under its lid is our business.
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
        """What the bridge's process needs to find this scanner and no other."""
        return {**os.environ, "SANE_CONFIG_DIR": str(self.folder / "sane"), "GED_BRIDGE_HOME": str(self.home)}

    def lay(self, page: Image.Image) -> None:
        """Lay a page under the lid, whole or not at all."""
        draft = self.page.with_suffix(".new")
        page.convert("L").save(draft, format="PPM")
        os.replace(draft, self.page)
