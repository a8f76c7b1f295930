"""``Preserver`` over real time-stamp and revocation authorities, for a key of our own authority and one of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from ged.errors import EngineFailed
from ged.ports import Preserver, UnlockedKey
from signing.preserve import PadesPreserver
from signing.status import AuthorityStatus
from tests.preserve_kit import other_key, signed
from tests.servers.authorities import Authorities
from tests.signing_kit import NOW, SECRET, page_pdf, unlocked, vault

pytestmark = pytest.mark.servers


@dataclass
class Place:
    """A preserver, a key, and the revocation lists that it is given: those of our own authority, or none."""

    preserver: Preserver
    key: UnlockedKey
    lists: Sequence[bytes]
    authorities: Authorities

    def refused(self, pdf: bytes) -> tuple[str, bool]:
        with pytest.raises(EngineFailed) as caught:
            self.preserver.next_step(pdf, now=NOW, crls=self.lists)
        return caught.value.code, caught.value.retryable


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authorities]:
    made = Authorities(tmp_path_factory.mktemp("others"), NOW)
    yield made
    made.close()


@pytest.fixture(scope="module", params=["our own authority", "another authority"])
def place(request: pytest.FixtureRequest, authorities: Authorities, tmp_path_factory: pytest.TempPathFactory) -> Place:
    keys = vault(tmp_path_factory.mktemp("authority"))
    roots = (*keys.trust_roots_pem(), authorities.root_pem)
    preserver = PadesPreserver([authorities.tsa()], lambda: roots, pause_s=0)
    if request.param == "another authority":
        return Place(preserver, other_key(authorities, "signer"), (), authorities)
    lists = AuthorityStatus(keys._dir, SECRET).crls((), now=NOW)
    return Place(preserver, unlocked(keys), lists, authorities)


@pytest.fixture(autouse=True)
def everything_answers(authorities: Authorities) -> None:
    authorities.down.clear()
    authorities.at(NOW)


def test_each_step_appends_and_waits_for_its_server_until_nothing_is_to_be_done(place: Place) -> None:
    pdf, levels = signed(place.key).pdf, []
    for server, code in (
        ("tsa", "sign.no_timestamp"),
        ("crls", "preserve.no_revocation"),
        ("tsa", "sign.no_timestamp"),
    ):
        place.authorities.down |= {server, "ocsp"}
        assert place.refused(pdf) == (code, True)
        place.authorities.down.clear()
        step = place.preserver.next_step(pdf, now=NOW, crls=place.lists)
        assert step is not None
        assert step.pdf.startswith(pdf)
        assert len(step.pdf) > len(pdf)
        levels.append(step.level)
        pdf, renew_at = step.pdf, step.renew_at
    assert levels == ["B-T", "B-LT", "B-LTA"]
    assert renew_at is not None
    assert renew_at > NOW
    assert place.preserver.next_step(pdf, now=NOW, crls=place.lists) is None


def test_what_bears_no_signature_is_left_alone_and_what_is_no_file_is_told(place: Place) -> None:
    assert place.preserver.next_step(page_pdf(), now=NOW, crls=place.lists) is None
    assert place.refused(b"no file at all") == ("preserve.failed", False)
