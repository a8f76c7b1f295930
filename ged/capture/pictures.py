"""Pictures of pages: made already, or drawn from where the page comes from."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import slots
from ged.capture.intake import VIRUS
from ged.capture.models import Scan, ScanLeaf, ScanPicture
from ged.capture.queries import seen_by, unknown
from ged.errors import Invalid
from ged.ports import Digest, PageRef
from ged.recognition.jobs import PICTURE_TIMEOUT_S, THUMBNAIL_PX
from ged.register.files import fetch, private_dir
from ged.unit import Actor, Services


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


def picture_source(session: Session, scan_id: int, leaf_id: int, actor: Actor, *, width_px: int) -> PictureSource:
    """What to show for a page of a scan, under the rule of ``scan``.

    Raises:
        NotFound: ``scan.unknown``.
        Invalid: ``file.virus``: nothing of ours opens such a page.
    """
    leaf = session.scalar(
        select(ScanLeaf)
        .join(Scan, Scan.id == ScanLeaf.scan_id)
        .where(ScanLeaf.id == leaf_id, Scan.id == scan_id, seen_by(actor))
    )
    if leaf is None:
        raise unknown(session, scan_id)
    page = leaf.page
    if page.problem == VIRUS:
        raise Invalid("file.virus", "do not open the file; tell its sender", filename=page.filename, virus="")
    made = None
    if leaf.rotation == 0 and width_px == THUMBNAIL_PX:
        picture = session.get(ScanPicture, (page.id, width_px))
        made = Digest(picture.digest) if picture is not None else None
    etag = f"{page.digest[:32]}-{page.page_index}-{leaf.rotation}-{width_px}"
    mail_id = session.scalar(select(Scan.mail_id).where(Scan.id == scan_id))
    return PictureSource(made, Digest(page.digest), page.media_type, page.page_index, leaf.rotation, etag, mail_id)


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
        services.ocr.thumbnail(ref, width_px=width_px, out=out, timeout_s=PICTURE_TIMEOUT_S)
        return Path(out).read_bytes()
