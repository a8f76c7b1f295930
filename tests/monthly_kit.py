"""Helpers for the tests of monthly reports: services with a seal, a report made and proven, words of its pages."""

import dataclasses
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ged.codes import derive_secret
from ged.figures import operations as figures
from ged.monthly import checking, operations
from ged.monthly.checking import Proof
from ged.monthly.models import MonthlyReport
from ged.org.models import Holding, Person, Post, PostRole
from ged.ports import Certificate, Digest, SignedPdf, SignRequest
from ged.preservation import documents
from ged.preservation.documents import SignedKind
from ged.unit import Role, Services
from signing.pades import PadesSigner
from signing.pki import Authority, make_seal
from signing.sealing import PadesSealer, own_seal
from tests.factories import NOW, SECRET, actor
from tests.routing_kit import unit_id
from web.wiring.attached import report_file

KEY = derive_secret(SECRET, "keystore")
MONTH = date(NOW.year, NOW.month, 1)
LATER = datetime(2026, 12, 5, 9, 0, tzinfo=UTC)
"""The month is over, and the report on it is made."""


REPORTS = "/rapports-mensuels/"


def last_month() -> str:
    """The last month that is over, as the form sends it."""
    now = datetime.now(UTC)
    year, month = divmod(now.year * 12 + now.month - 2, 12)
    return f"{year}-{month + 1:02d}"


def add_minister(services: Services) -> None:
    """Add the head of the ministry (account ``ministre``), who heads the mail office by another post named first, and their secretary
    (``cabinet``)."""
    with services.unit_of_work(NOW) as uow:
        other = Post(
            code="A-BO",
            title="Chef du bureau d'ordre",
            unit_id=unit_id(services, "BO"),
            roles=[PostRole(role=Role.HEAD)],
        )
        head = Post(
            code="MIN-C", title="Ministre", unit_id=unit_id(services, "MIN"), roles=[PostRole(role=Role.AUTHORITY)]
        )
        uow.session.add(other)
        uow.session.flush()
        uow.session.add(head)
        uow.session.flush()
        desk = Post(
            code="MIN-S", title="Secrétariat", unit_id=unit_id(services, "MIN"), roles=[PostRole(role=Role.SECRETARY)],
            secretary_of_id=head.id,
        )  # fmt: skip
        people = {name: Person(account=name, name=name.capitalize()) for name in ("ministre", "cabinet")}
        uow.session.add_all([desk, *people.values()])
        uow.session.flush()
        for name, post in (("ministre", other), ("ministre", head), ("cabinet", desk)):
            uow.session.add(Holding(post_id=post.id, person_id=people[name].id, from_on=date(2020, 1, 1)))


class Seal:
    """The seal of our authority."""

    def __init__(self, folder: Path) -> None:
        authority = Authority.open(folder / "authority", KEY)
        make_seal(authority, folder / "authority", KEY, identifier="", now=NOW)
        self._sealer = PadesSealer(PadesSigner(), lambda: own_seal(folder / "authority", KEY))

    def seal(self, pdf: bytes, request: SignRequest) -> SignedPdf:
        return self._sealer.seal(pdf, request)

    def certificate(self) -> Certificate | None:
        return self._sealer.certificate()


def with_seal(services: Services, folder: Path) -> Services:
    """The services with a seal and without time-stamp authorities."""
    return dataclasses.replace(services, sealer=Seal(folder))


def make(
    services: Services,
    *,
    entity: str = "MIN",
    by: str = "admin",
    month: date = MONTH,
    now: datetime = LATER,
    reason: str = "Essai",
) -> MonthlyReport:
    """A report, after the figures are counted."""
    figures.run(services, now=now)
    return operations.make(
        services, unit_id(services, entity), month, actor=actor(services, by, on=now.date()), now=now, reason=reason
    )


def file_of(services: Services, row: MonthlyReport) -> bytes:
    """The last stored file of a report."""
    with services.reading() as session:
        last = documents.last_of(session, SignedKind.REPORT, row.id)
    assert last is not None
    with services.blobs.open(Digest(last.digest)) as stored:
        return stored.read()


def prove(services: Services, pdf: bytes, *, now: datetime = LATER) -> Proof:
    """The proof of a file."""
    return checking.verify(services, pdf, report_file, now=now)


def words(pdf: bytes, folder: Path, *, is_drawn: bool = True) -> str:
    """The text of a PDF, as it stands on its pages; ``is_drawn=False``: cell by cell, as a table is read aloud."""
    (folder / "report.pdf").write_bytes(pdf)
    how = ["-layout"] if is_drawn else []
    done = subprocess.run(
        ["pdftotext", *how, str(folder / "report.pdf"), "-"], capture_output=True, timeout=60, check=True
    )
    return done.stdout.decode()


def told(proof: Proof) -> list[tuple[str, str, int, int]]:
    """Its changes of the whole entity: number, before, now; and of a unit with its code."""
    return [(one.unit, one.number, one.reported, one.now) for one in proof.changes]


def number_of(data: dict[str, Any], name: str, unit: int | None = None) -> int:
    """How many letters a number of a report counts."""
    (found,) = [one["letters"] for one in data["numbers"] if (one["number"], one["unit"]) == (name, unit)]
    return int(found)
