"""Pictures of pages: stored renditions, or drawn from the page's source file."""

from ged import slots
from ged.capture.files import fetch, private_dir
from ged.ports import PageRef, Quad
from ged.register.documents import PictureSource
from ged.space import disk_full_of
from ged.unit import Services

THUMBNAIL_PX = 240
TIMEOUT_S = 30.0
QUICK_BYTES = 60_000
"""Of a large page on a slow link; two seconds at 256 kbit/s."""


def draw(services: Services, picture: PictureSource, *, width_px: int, limit_bytes: int | None = None) -> bytes:
    """The JPEG of a picture source; with ``limit_bytes`` a WebP that is no larger.

    Raises:
        Invalid: the page's bytes cannot be drawn.
        EngineFailed: ``ocr.timeout``; ``work.busy``: too many pictures are being drawn now.
    """
    if picture.made is not None:
        with services.blobs.open(picture.made) as made:
            return made.read()
    with slots.drawing(), private_dir(services) as folder:
        source = fetch(services.blobs, picture.source, folder / "source")
        page = PageRef(source, picture.media_type, picture.page_index, picture.rotation)
        return _drawn(services, page, width_px, limit_bytes)


def draw_part(services: Services, picture: PictureSource, place: Quad, *, width_px: int) -> bytes:
    """The JPEG of a place of a page, upright.

    Raises:
        Invalid, EngineFailed: as ``draw``.
    """
    with slots.drawing(), private_dir(services) as folder:
        source = fetch(services.blobs, picture.source, folder / "source")
        page, out = PageRef(source, picture.media_type, picture.page_index, picture.rotation), folder / "picture"
        services.ocr.draw_part(page, place, width_px=width_px, out=out, timeout_s=TIMEOUT_S)
        return out.read_bytes()


def draw_pdf(services: Services, pdf: bytes, page_index: int, *, width_px: int) -> bytes:
    """The JPEG of a page of a PDF that is typeset but not stored.

    Raises:
        Invalid, EngineFailed: as ``draw``.
        DiskFull: ``disk.full``.
    """
    with slots.drawing(), private_dir(services) as folder:
        source = folder / "source"
        try:
            source.write_bytes(pdf)
        except OSError as error:
            raise disk_full_of(error) or error from error
        return _drawn(services, PageRef(source, "application/pdf", page_index), width_px)


def _drawn(services: Services, page: PageRef, width_px: int, limit_bytes: int | None = None) -> bytes:
    out = page.source.with_name("picture")
    services.ocr.thumbnail(page, width_px=width_px, out=out, timeout_s=TIMEOUT_S, limit_bytes=limit_bytes)
    return out.read_bytes()
