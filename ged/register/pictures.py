"""Pictures of pages: made already, or drawn from where the page comes from."""

from dataclasses import dataclass
from pathlib import Path

from ged import slots
from ged.ports import Digest, PageRef
from ged.register.files import fetch, private_dir
from ged.unit import Services

THUMBNAIL_PX = 240
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class PictureSource:
    """Where a picture of a leaf comes from: made already, or to be drawn."""

    made: Digest | None
    source: Digest
    media_type: str
    page_index: int
    rotation: int
    etag: str
    mail_id: int | None = None
    """The letter to which the scan was joined: its pages are the letter's."""


def draw(services: Services, picture: PictureSource, *, width_px: int) -> bytes:
    """The JPEG of a picture source.

    Raises:
        Invalid: the page's bytes cannot be drawn.
        EngineFailed: ``ocr.timeout``; ``work.busy``: too many pictures are drawn now.
    """
    if picture.made is not None:
        with services.blobs.open(picture.made) as made:
            return made.read()
    with slots.drawing(), private_dir(services) as folder:
        source = fetch(services.blobs, picture.source, folder / "source")
        out = folder / "picture.jpg"
        ref = PageRef(source, picture.media_type, picture.page_index, picture.rotation)
        services.ocr.thumbnail(ref, width_px=width_px, out=out, timeout_s=TIMEOUT_S)
        return Path(out).read_bytes()
