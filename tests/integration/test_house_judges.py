"""Independent judges check what the program really signs: poppler's pdfsig, EU DSS, veraPDF.

A letter with its visible mark, a slip signed at both ends, a register's closing; each of them also raised to B-LTA.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.closing import operations as closing
from ged.codes import derive_secret
from ged.ports import Digest, SignatureReport
from ged.preservation.operations import SignedKind, preserve
from ged.register.models import ClosingRevision
from ged.signbook.models import SignedRevision
from ged.slips.drafting import LineForm
from ged.slips.models import SlipRevision
from ged.slips.states import LineState
from ged.unit import Services
from signing.pades import PadesSigner
from signing.pki import Authority, make_seal
from signing.preserve import PadesPreserver
from signing.sealing import PadesSealer, own_seal
from tests.factories import NOW, SECRET, TODAY, SharedChecker, actor
from tests.judges import eudss, verapdf
from tests.sample_kit import LONG_RUN
from tests.servers.authorities import Authorities
from tests.signbook_kit import make_house
from tests.signing_kit import pdfsig
from tests.slip_kit import letter, register_id, send, take

pytestmark = pytest.mark.in_turns(3)

KEY = derive_secret(SECRET, "keystore")


@dataclasses.dataclass(frozen=True)
class Judged:
    """Name -> bytes of each file (also written to ``folder``), our verdicts on them, and the paths of the roots."""

    folder: Path
    files: dict[str, bytes]
    ours: dict[str, list[SignatureReport]]
    roots: list[Path]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    folder = tmp_path_factory.mktemp("house")
    authorities = Authorities(folder / "others", NOW)
    house = make_house(folder)
    made = house.services

    def roots() -> tuple[str, ...]:
        return (*made.vault.trust_roots_pem(), authorities.root_pem)

    checker = SharedChecker(roots())
    make_seal(Authority.open(folder / "authority", KEY), folder / "authority", KEY, identifier="", now=NOW)
    services = house.services = dataclasses.replace(
        made,
        checker=checker,
        sealer=PadesSealer(PadesSigner(), lambda: own_seal(folder / "authority", KEY)),
        preserver=PadesPreserver([authorities.tsa()], roots, pause_s=0),
    )
    mail_id = house.ready()
    assert house.sign(mail_id, key=house.key("sg"))[0].failure is None
    slip_id = send(services, LineForm(mail_id=letter(services))).slip_id
    take(services, slip_id, LineState.RECEIVED)
    closed = closing.close_days(
        services, register_id(services, "ARR"), TODAY, actor=actor(services, "agent"), now=NOW + timedelta(days=1)
    )
    documents = {
        "letter": (SignedKind.MAIL, mail_id, lambda: _digests(services, SignedRevision.digest, SignedRevision.mail_id, mail_id)),
        "slip": (SignedKind.SLIP, slip_id, lambda: _digests(services, SlipRevision.digest, SlipRevision.slip_id, slip_id)),
        "closing": (
            SignedKind.CLOSING, closed.id,
            lambda: [closed.digest, *_digests(services, ClosingRevision.digest, ClosingRevision.closing_id, closed.id)],
        ),
    }  # fmt: skip
    authorities.at(NOW + timedelta(days=1))
    yield _judged(services, documents, folder, roots())
    checker.close()
    authorities.close()
    services.engine.dispose()


def _digests(services: Services, column, of, subject_id: int) -> list[str]:  # type: ignore[no-untyped-def]
    with services.reading() as session:
        return list(session.scalars(select(column).where(of == subject_id).order_by(column.class_.sequence)))


def _judged(
    services: Services,
    documents: dict[str, tuple[SignedKind, int, Callable[[], list[str]]]],
    folder: Path,
    roots: tuple[str, ...],
) -> Judged:
    files, ours = {}, {}
    for name, (sort, subject_id, digests) in documents.items():
        for suffix in ("", "_lta"):
            if suffix:
                assert preserve(services, sort, subject_id, now=NOW + timedelta(days=1)) == ""
            issued = [Digest(one) for one in digests()]
            with services.blobs.open(issued[-1]) as stored:
                files[name + suffix] = stored.read()
            reports = services.checker.check(files[name + suffix], at=NOW + timedelta(days=1), issued=issued)
            ours[name + suffix] = [one for one in reports if not one.is_timestamp]
            (folder / f"{name}{suffix}.pdf").write_bytes(files[name + suffix])
    places = [folder / f"root{number}.pem" for number in range(len(roots))]
    for place, pem in zip(places, roots, strict=True):
        place.write_text(pem)
    return Judged(folder, files, ours, places)


def test_we_say_green_of_all_at_the_level_that_was_reached(judged: Judged) -> None:
    for name, reports in judged.ours.items():
        assert len(reports) == (2 if name.startswith("slip") else 1)
        level = "B-LTA" if name.endswith("_lta") else "B-B"
        assert {(one.verdict.value, one.level) for one in reports} == {("green", level)}, name


def test_eu_dss_agrees(judged: Judged) -> None:
    """The usual run asks of each kind once, and of either level."""
    names = [*judged.files] if LONG_RUN else ["letter_lta", "slip", "closing"]
    paths = [judged.folder / f"{name}.pdf" for name in names]
    said = eudss.check(paths, judged.roots, at=NOW + timedelta(days=1, minutes=1))
    for name in names:
        reports = judged.ours[name]
        theirs = {one.field: one for one in said if one.file == f"{name}.pdf"}
        assert set(theirs) == {one.field for one in reports}, name
        for dss in theirs.values():
            assert (dss.indication, dss.intact) == ("TOTAL_PASSED", True), (name, dss)


def test_pdfsig_agrees(judged: Judged, tmp_path: Path) -> None:
    for name, pdf in judged.files.items():
        people = judged.ours[name]
        assert pdfsig(pdf, tmp_path)[: len(people)] == ["Signature is Valid."] * len(people), name


def test_verapdf_passes_all(judged: Judged) -> None:
    paths = [judged.folder / f"{name}.pdf" for name in judged.files]
    for path, verdict in zip(paths, verapdf.check(paths), strict=True):
        assert (verdict.flavour, verdict.failures) == ("2b", ()), path.name
