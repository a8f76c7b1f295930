"""The paper of the simulated scanner: the pictures of a folder, fed one by one in the order of their names."""

import io
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from scanner_bridge.escl import UNITS_PER_INCH, ScanSettings

log = logging.getLogger(__name__)

DONE_NAME: Final = "done"
_ENDINGS: Final = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})
_MAX_PIXELS: Final = 120_000_000
_A4_WIDTH_IN: Final = 8.27
_QUALITY: Final = 90


@dataclass(frozen=True)
class Side:
    """One side of paper: one picture (frame) of a file."""

    path: Path
    frame: int
    is_last: bool


class Stack:
    """The paper in the feeder (or on the glass) now. A file that is added later is sorted in by its name."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it must exist."""
        self._folder = folder
        self._next_frame: dict[Path, int] = {}
        self._counted: dict[tuple[Path, int, int], int] = {}

    def top(self) -> Side | None:
        """The side of the next page; None when the feeder is empty. Files that are no pictures are skipped."""
        for path in sorted(self._folder.iterdir()):
            if path.suffix.lower() not in _ENDINGS or path.name.startswith(".") or not path.is_file():
                continue
            frames = self._frames(path)
            frame = self._next_frame.get(path, 0)
            if frame < frames:
                return Side(path, frame, frame + 1 == frames)
        return None

    def _frames(self, path: Path) -> int:
        """The number of pages in a file; 0 when it cannot be read now, for instance while it is being copied."""
        try:
            facts = path.stat()
            seen = (path, facts.st_size, facts.st_mtime_ns)
            if seen not in self._counted:
                self._counted[seen] = _count(path)
            return self._counted[seen]
        except OSError:
            return 0  # removed between the listing and this call

    def consume(self, side: Side) -> None:
        """Mark the side as scanned. After its last page, a file is moved to ``done``."""
        if not side.is_last:
            self._next_frame[side.path] = side.frame + 1
            return
        self._next_frame.pop(side.path, None)
        done = self._folder / DONE_NAME
        done.mkdir(exist_ok=True)
        target, number = done / side.path.name, 1
        while target.exists():
            number += 1
            target = done / f"{side.path.stem} ({number}){side.path.suffix}"
        side.path.replace(target)


def _count(path: Path) -> int:
    try:
        with Image.open(path) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels")
            frames = int(getattr(image, "n_frames", 1))
            image.seek(frames - 1)
            image.load()
            return frames
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        log.warning("%s is skipped: %s", path.name, error)
        return 0


def scan(side: Side | None, settings: ScanSettings) -> bytes:
    """The requested region as JPEG; without a side, white paper (the back of an odd last sheet).

    Raises:
        OSError: the file is gone or damaged.
    """
    mode = "RGB" if settings.color_mode == "RGB24" else "L"
    glass = Image.new(mode, settings.size_px, "white")
    if side is not None:
        sheet = _sheet(side, mode, settings.dpi)
        glass.paste(
            sheet,
            (-settings.left * settings.dpi // UNITS_PER_INCH, -settings.top * settings.dpi // UNITS_PER_INCH),
        )
    target = io.BytesIO()
    glass.save(target, "JPEG", quality=_QUALITY, dpi=(settings.dpi, settings.dpi))
    return target.getvalue()


def _sheet(side: Side, mode: str, dpi: int) -> Image.Image:
    """The picture at its paper size: by the resolution in the file, else as wide as an A4 sheet."""
    try:
        with Image.open(side.path) as image:
            image.seek(side.frame)
            own_dpi = float(image.info.get("dpi", (0, 0))[0])
            if own_dpi < 50:
                own_dpi = image.width / _A4_WIDTH_IN
            scale = dpi / own_dpi
            size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
            if size[0] * size[1] > _MAX_PIXELS:
                raise OSError(f"{side.path.name}: {size[0]} x {size[1]} pixels at {dpi} dpi")
            sheet = image.convert(mode)
    except (SyntaxError, ValueError, EOFError, UnidentifiedImageError) as error:
        raise OSError(f"{side.path.name}: {error}") from error
    return sheet if sheet.size == size else sheet.resize(size, Image.Resampling.LANCZOS)
