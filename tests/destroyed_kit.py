"""Letters whose time of keeping is over, with files under keys, and two heads who decide that they are destroyed."""

import io
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ged import access
from ged.access import Because
from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.blobs_packed import PackedBlobs
from ged.adapters.blobs_s3 import S3Blobs
from ged.adapters.keyring import Keyring
from ged.adapters.s3 import Bucket
from ged.adapters.s3_wire import Place
from ged.capture.models import BatchSource, BatchState, Scan, ScanBatch, ScanLeaf, ScanPage, ScanState
from ged.disposal import destroying, operations
from ged.disposal.lists import digest_of, eligible
from ged.disposal.models import Disposal
from ged.errors import NotFound
from ged.natures.models import FinalAct, Nature
from ged.ports import Digest, MailId, UnitId, unit_principal
from ged.register.models import Attachment, AttachmentKind, AttachmentPage, Mail, PageText
from ged.register.operations import SourcePage, attach
from ged.register.states import MailState
from ged.unit import Services
from tests import s3_kit
from tests.exception_kit import imputed
from tests.factories import NOW, actor, database_with_tables, make_organisation, make_services

LONG_AGO = datetime(2010, 5, 4, 12, tzinfo=UTC)
NATURE = "PERIME"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.servers),
        pytest.param("s3", marks=pytest.mark.servers),
    ]
)
def services_in_any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    """Services with a keyring, over either database with files in a folder, and over SQLite with files in an S3 store."""
    url, place = None, None
    if request.param == "postgresql":
        make: Callable[..., str] = request.getfixturevalue("make_database")
        url = make(copy_of=database_with_tables(request.getfixturevalue("postgres_url")))
    elif request.param == "s3":
        place = s3_kit.new_place(s3_kit.store_url())
    made = keyed(make_services(tmp_path, url=url), tmp_path, place)
    make_organisation(made)
    yield made
    made.engine.dispose()


def keyed(services: Services, folder: Path, place: Place | None = None) -> Services:
    """The services, with a keyring, and files in a folder or in a bucket."""
    keyring = Keyring(folder / "keyring")
    keyring.prepare()
    if place is not None:
        return replace(services, blobs=S3Blobs(Bucket(place), folder / "drafts", keyring))
    return replace(services, blobs=FileBlobs(folder / "blobs", keyring))


def store_of(services: Services) -> FileBlobs | S3Blobs:
    """The store of files of ``keyed``, or of a whole installation, by its class."""
    store = services.blobs._files if isinstance(services.blobs, PackedBlobs) else services.blobs
    assert isinstance(store, FileBlobs | S3Blobs)
    return store


def stored_in_clear(services: Services, content: bytes) -> Digest:
    """Store a file as a program without a keyring does."""
    folder = Path(services.data_dir)
    known = store_of(services)
    clear = FileBlobs(folder / "blobs") if isinstance(known, FileBlobs) else S3Blobs(known._bucket, folder / "drafts")
    return clear.put(io.BytesIO(content)).digest


def lose(services: Services, digest: Digest) -> None:
    """Lose a file: its key stays."""
    known, name = store_of(services), f"{digest[:2]}/{digest[2:4]}/{digest}"
    if isinstance(known, FileBlobs):
        (Path(services.data_dir) / "blobs" / name).unlink()
    else:
        known._bucket.remove(name)


def left_over(services: Services) -> list[str]:
    """What removals have left in the store beside files."""
    known = store_of(services)
    if isinstance(known, FileBlobs):
        return [one.name for one in (Path(services.data_dir) / "blobs" / "trash").iterdir()]
    marks = [one.key for below in ("going/", "renewed/") for one in known._bucket.listed(below)]
    return [one for one in marks if one.startswith("going/") or not known.exists(Digest(one.partition("/")[2]))]


def keyring_of(folder: Path) -> Keyring:
    """The keyring that ``keyed`` made in a folder."""
    return Keyring(folder / "keyring")


def letter(services: Services, subject: str, *contents: bytes, now: datetime = NOW) -> MailId:
    """A letter of DGE with a scan: a page of each of these contents, and the text of the first. A batch of its own brought the pages."""
    mail = imputed(services, subject)
    pages = [services.blobs.put(io.BytesIO(one)).digest for one in contents or (f"page de {subject}".encode(),)]
    with services.unit_of_work(now) as uow:
        row = attach(
            uow, mail, kind=AttachmentKind.DOCUMENT, pages=[SourcePage(one, "image/png") for one in pages],
            media_type="image/png", actor=actor(services, "agent"), now=now, recognise=False,
        )  # fmt: skip
        uow.session.add(
            PageText(attachment_id=row, page_no=1, text=f"Texte {subject}", words=[], confidence=1.0, read_at=now)
        )
    scanned(services, mail, batch(services, pages, now=now), now=now)
    return mail


def batch(
    services: Services, pages: Sequence[Digest], *, uploaded: Digest | None = None, into: int | None = None,
    now: datetime = NOW,
) -> int:  # fmt: skip
    """A batch whose pages are all received, and in no scan yet. Returns its id.

    Args:
        uploaded: the file of which these are the pages.
        into: the waiting scan into which the pages are inserted.
    """
    unit = int(actor(services, "agent").posts[0].unit_id)
    with services.unit_of_work(now) as uow:
        row = ScanBatch(
            key=secrets.token_hex(16), unit_id=unit, source=BatchSource.UPLOAD, state=BatchState.SETTLED,
            digest=uploaded, into_scan_id=into, created_at=now,
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        uow.session.add_all(
            ScanPage(
                batch_id=row.id, token=f"{n}", position=n, digest=one, media_type="image/png", size_bytes=1, received_at=now
            )
            for n, one in enumerate(pages, start=1)
        )  # fmt: skip
        return row.id


def scanned(
    services: Services, mail: int | None, batch_id: int, *, state: ScanState = ScanState.JOINED, pages: int = 1000,
    now: datetime = NOW,
) -> int:  # fmt: skip
    """A scan of a letter (None: of none yet) with the first so many pages of a batch that are in no scan. Returns its id."""
    with services.unit_of_work(now) as uow:
        brought = uow.session.get_one(ScanBatch, batch_id)
        row = Scan(batch_id=batch_id, unit_id=brought.unit_id, state=state, mail_id=mail, created_at=now)
        uow.session.add(row)
        uow.session.flush()
        _lay(uow.session, row.id, batch_id, pages)
        return row.id


def laid(services: Services, scan_id: int, batch_id: int, *, now: datetime = NOW) -> None:
    """Put the pages of a batch that are in no scan into a scan of another batch, as a rescanned page is."""
    with services.unit_of_work(now) as uow:
        _lay(uow.session, scan_id, batch_id, 1000)


def merged(services: Services, scan_id: int, into_id: int, *, now: datetime = NOW) -> None:
    """Put all pages of a scan into another one, as ``ged.capture.arrange.merge`` does."""
    with services.unit_of_work(now) as uow:
        uow.session.execute(update(ScanLeaf).where(ScanLeaf.scan_id == scan_id).values(scan_id=into_id))
        uow.session.execute(
            update(Scan).where(Scan.id == scan_id).values(state=ScanState.MERGED, merged_into_id=into_id, digest=None)
        )


def _lay(session: Session, scan_id: int, batch_id: int, most: int) -> None:
    free = select(ScanPage.id).where(ScanPage.batch_id == batch_id, ScanPage.id.not_in(select(ScanLeaf.scan_page_id)))
    for n, page_id in enumerate(session.scalars(free.order_by(ScanPage.position).limit(most)).all(), start=1):
        session.add(ScanLeaf(scan_id=scan_id, scan_page_id=page_id, position=n))


def over(services: Services, mails: Collection[int], final_act: str = FinalAct.DESTROY, *, now: datetime = NOW) -> None:
    """Let the time of keeping of letters be over."""
    unit = int(actor(services, "dge").posts[0].unit_id)
    with services.unit_of_work(now) as uow:
        known = uow.session.scalar(select(Nature).where(Nature.code == NATURE))
        if known is None:
            uow.session.add(
                Nature(
                    code=NATURE, name="Pièce périmée", position=1, direction="incoming", retention_years=10,
                    final_act=final_act,
                )
            )  # fmt: skip
        uow.session.execute(
            update(Mail)
            .where(Mail.id.in_(sorted(mails)))
            .values(nature=NATURE, state=MailState.CLOSED, closed_at=LONG_AGO, responsible_unit_id=unit)
        )
        for mail_id in mails:
            access.grant(uow, mail_id, (unit_principal(UnitId(unit)),), Because.COPIED)


def propose(services: Services, *, now: datetime = NOW) -> int:
    """The head of DGE proposes all that may be eliminated. Returns the slip's number."""
    one = actor(services, "dge")
    unit = int(one.posts[0].unit_id)
    on = now.astimezone(services.zone).date()
    with services.unit_of_work(now) as uow:
        shown = digest_of(unit, eligible(uow.session, unit, one, on=on, zone=services.zone))
        return operations.propose(uow, unit, reason="Tableau de gestion, art. 4", shown=shown, actor=one).id


def confirm(services: Services, slip: int, *, now: datetime = NOW) -> None:
    """The authority confirms a slip."""
    with services.unit_of_work(now) as uow:
        shown = uow.session.get_one(Disposal, slip).content_hash
        operations.confirm(uow, slip, shown=shown, actor=actor(services, "sg"))


def decided(services: Services, mails: Collection[int], *, now: datetime = NOW) -> int:
    """Two heads decide that letters are destroyed. Returns the slip's number."""
    over(services, mails, now=now)
    slip = propose(services, now=now)
    confirm(services, slip, now=now)
    return slip


def later(now: datetime = NOW) -> datetime:
    """When files that were stored today are old enough to be removed (by the clock of their folder)."""
    return max(now, datetime.now(UTC)) + timedelta(days=2)


def carry_out(services: Services, *, now: datetime = NOW) -> int:
    """The nightly job; returns how many letters it finished."""
    return destroying.run(services, now=later(now))


def digests(services: Services, mail: int) -> list[Digest]:
    """The digests of a letter's pages, as its rows bear them."""
    with services.reading() as session:
        rows = session.scalars(
            select(AttachmentPage.digest)
            .join(Attachment, Attachment.id == AttachmentPage.attachment_id)
            .where(Attachment.mail_id == mail)
            .order_by(AttachmentPage.page_no)
        )
        return [Digest(one) for one in rows]


def opens(services: Services, mail: int) -> bool:
    """Whether each file of a letter is read whole from the store, and is what its rows name."""
    try:
        return all(services.blobs.verify(one) for one in digests(services, mail))
    except NotFound:
        return False
