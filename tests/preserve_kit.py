"""A signature to preserve, the steps that preserve it, and keys of other authorities."""

from __future__ import annotations

from datetime import timedelta

from ged.ports import RaisedPdf, SignedPdf, UnlockedKey
from signing.keys import seal
from signing.pades import PadesSigner
from signing.preserve import PadesPreserver
from tests.servers.authorities import Authorities
from tests.signing_kit import NOW, SENDER, page_pdf, request

COOKIE = "A" * 43 + "="


def signed(key: UnlockedKey, signer: PadesSigner | None = None) -> SignedPdf:
    """A page signed with this key."""
    signer = signer or PadesSigner()
    return signer.sign(page_pdf(), request(SENDER), sealed=key.sealed, cookie_key=key.cookie_key, now=NOW)


def other_key(authorities: Authorities, name: str) -> UnlockedKey:
    """A key with a certificate of an authority that is not ours."""
    chain = [authorities.certificate(name), authorities.certificate("issuing")]
    ends_at = NOW + timedelta(minutes=5)
    sealed = seal(authorities.key(name), chain, random_key=bytes(32), expires_at=ends_at)
    return UnlockedKey(sealed, COOKIE, ends_at)


def raised(preserver: PadesPreserver, pdf: bytes, lists, *, now=NOW) -> list[RaisedPdf]:
    """Raise the signature's level as often as possible at ``now``. Returns the results in order."""
    steps: list[RaisedPdf] = []
    while (step := preserver.next_step(pdf, now=now, crls=lists)) is not None:
        assert step.pdf.startswith(pdf)
        steps.append(step)
        pdf = step.pdf
        assert len(steps) < 10
    return steps
