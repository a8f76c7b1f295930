"""Helpers for the tests of capture: a paired bridge, batches of pages, letters with printed labels."""

from __future__ import annotations

import io

from sqlalchemy import select

from ged.capture import bridges, files, intake, separators
from ged.capture import queries as scan_queries
from ged.capture.bridges import BridgeIdentity
from ged.capture.models import ScanBatch
from ged.codes import CodeKind, make_code
from ged.ports import Confidentiality, ScanId
from ged.recognition import jobs as recognition
from ged.register.models import Register
from ged.register.operations import IncomingForm, Registered, register_incoming
from ged.unit import Services
from tests import pages
from tests.factories import NOW, actor


def quiet(_progress: str) -> None:
    """A heartbeat that does nothing."""


def pair(services: Services, account: str = "agent") -> BridgeIdentity:
    """Pair a bridge for the account's unit; returns the identity with which it authenticates."""
    clerk = actor(services, account)
    with services.unit_of_work(NOW) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=NOW)
    with services.unit_of_work(NOW) as uow:
        token, _ = bridges.pair(uow, code.lower(), "Guichet 1", now=NOW)
    with services.reading() as session:
        return bridges.authenticate(session, token)


def register(services: Services, subject: str = "Demande de branchement") -> Registered:
    """Register an incoming letter in the register ARR."""
    clerk, sg = actor(services, "agent"), actor(services, "sg")
    with services.reading() as session:
        register_id = session.scalar(select(Register.id).where(Register.code == "ARR"))
    form = IncomingForm(subject=subject, sender_name="Mairie de Tsévié", addressed_post_id=sg.posts[0].post_id)
    with services.unit_of_work(NOW) as uow:
        return register_incoming(uow, register_id, form, actor=clerk, now=NOW)  # type: ignore[arg-type]


def send(services: Services, bridge: BridgeIdentity, key: str, *contents: bytes) -> int:
    """Begin a batch, send pages (image bytes), complete it. Returns the batch's id."""
    with services.unit_of_work(NOW) as uow:
        intake.begin_batch(uow, bridge, key, device="pnm:0", started_at=NOW, now=NOW)
    sent = []
    for n, content in enumerate(contents, start=1):
        digest = pages.sha256(content)
        intake.receive_page(
            services, bridge, key, f"t{n}", io.BytesIO(content), digest=digest, order=str(n), media_type="image/png",
            now=NOW,
        )  # fmt: skip
        sent.append((f"t{n}", digest))
    with services.unit_of_work(NOW) as uow:
        assert intake.complete_batch(uow, bridge, key, sent, now=NOW) == []
        return uow.session.scalar(select(ScanBatch.id).where(ScanBatch.key == key)) or 0


def take_in(services: Services, bridge: BridgeIdentity, key: str, *contents: bytes) -> int:
    """``send``, then process the batch as the intake job does. Returns the batch's id."""
    batch_id = send(services, bridge, key, *contents)
    recognition.run_intake(services, batch_id, heartbeat=quiet, now=NOW)
    return batch_id


def upload(services: Services, name: str, content: bytes, account: str = "agent") -> list[ScanId]:
    """Upload a file as a clerk does; returns the ids of the scans that it became."""
    clerk = actor(services, account)
    looked_at = files.examine(services, name, io.BytesIO(content))
    with services.unit_of_work(NOW) as uow:
        return intake.accept_upload(uow, looked_at, unit_id=clerk.posts[0].unit_id, actor=clerk, now=NOW)


def waiting(services: Services, account: str = "agent") -> list[scan_queries.ScanRow]:
    """The waiting scans that the account sees."""
    with services.reading() as session:
        return scan_queries.waiting(session, actor(services, account))


def label(services: Services, registered: Registered) -> str:
    """The text of the QR code on the label of a registered letter."""
    return make_code(CodeKind.LABEL, registered.number_id, key=services.code_key)


def make_sheet(services: Services, nature: str = "demande", level: Confidentiality = Confidentiality.RESTRICTED) -> int:
    """Make a separator sheet for a batch; returns its id."""
    clerk = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        return separators.make(uow, clerk.posts[0].unit_id, nature=nature, level=level, actor=clerk, now=NOW).id
