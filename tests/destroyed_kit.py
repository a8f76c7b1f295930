"""Letters whose time of keeping is over, with files under keys, and two heads who decide that they are destroyed."""

import io
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select, update

from ged import access
from ged.access import Because
from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.keyring import Keyring
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
from tests.exception_kit import imputed
from tests.factories import NOW, actor

LONG_AGO = datetime(2010, 5, 4, 12, tzinfo=UTC)
NATURE = "PERIME"


def keyed(services: Services, folder: Path) -> Services:
    """The services, with a keyring."""
    keyring = Keyring(folder / "keyring")
    keyring.prepare()
    return replace(services, blobs=FileBlobs(folder / "blobs", keyring))


def letter(services: Services, subject: str, *contents: bytes, now: datetime = NOW) -> MailId:
    """A letter of DGE with a scan: a page of each of these contents, and the text of the first."""
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
    return mail


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
