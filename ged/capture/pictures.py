"""Pictures of the pages of scans."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import destroyed
from ged.capture.drawing import THUMBNAIL_PX
from ged.capture.intake import VIRUS
from ged.capture.models import Scan, ScanLeaf, ScanPicture
from ged.capture.queries import seen_by, unknown
from ged.errors import Invalid
from ged.ports import Digest
from ged.register.documents import PictureSource
from ged.unit import Actor


def picture_source(
    session: Session, scan_id: int, leaf_id: int, actor: Actor, *, width_px: int, turned: int = 0
) -> PictureSource:
    """The picture source of a scan's page, under the access rule of ``scan``; ``turned`` by so many degrees clockwise more.

    Raises:
        NotFound: ``scan.unknown``; Gone: ``mail.destroyed``.
        Invalid: ``file.virus``: our code never opens such a page.
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
    rotation = (leaf.rotation + turned) % 360
    if rotation == 0 and width_px == THUMBNAIL_PX:
        picture = session.get(ScanPicture, (page.id, width_px))
        made = Digest(picture.digest) if picture is not None else None
    mail_id = session.scalar(select(Scan.mail_id).where(Scan.id == scan_id))
    if mail_id is not None:
        destroyed.require_readable(session, mail_id)
    return PictureSource(made, Digest(page.digest), page.media_type, page.page_index, rotation, mail_id)
