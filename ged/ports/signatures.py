"""Making signatures and seals, time-stamping them, and preserving their proof."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ged.ports.keys import Certificate


@dataclass(frozen=True)
class SignatureField:
    """An empty signature field to prepare. ``box`` is (x1, y1, x2, y2) in points from the page's lower left corner.

    ``page_no`` counts from 1.
    """

    name: str
    page_no: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class PrintedCode:
    """A QR code to print into an appearance: its text, and its square in points from the lower left corner."""

    text: str = field(repr=False)
    x: float
    y: float
    size: float


@dataclass(frozen=True)
class SignRequest:
    """One signature to make.

    Attributes:
        field: name of an existing empty field, or a field to make, with its place.
        appearance_pdf: one-page PDF (of the field's size) that becomes the field's appearance: text for people (the
            mark, or the filled reception table).
        docmdp_level: 2 on a first signature that allows the later filling of prepared fields only; None otherwise.
        code: QR code printed over the appearance.
    """

    field: SignatureField
    reason: str
    location: str
    signer_name: str
    at: datetime
    appearance_pdf: bytes = dataclasses.field(repr=False)
    docmdp_level: int | None = None
    code: PrintedCode | None = None


@dataclass(frozen=True)
class SignedPdf:
    """Signed bytes and the level reached (``B-B``, ``B-T``, ``B-LT``, ``B-LTA``)."""

    pdf: bytes = field(repr=False)
    level: str


@dataclass(frozen=True)
class PdfFacts:
    """Facts that show whether a PDF can be read in twenty years.

    Attributes:
        flavour: level of PDF/A that the file claims, unless something contradicts the claim (``2b``); empty for none.
        loose_fonts: names of the fonts that the file uses and does not embed.
    """

    flavour: str
    loose_fonts: tuple[str, ...] = ()


class Signer(Protocol):
    """Makes PAdES signatures (ETSI EN 319 142)."""

    def prepare(self, pdf: bytes, fields: Sequence[SignatureField]) -> bytes:
        """Add empty signature fields before the first signature."""
        ...

    def sign(self, pdf: bytes, request: SignRequest, *, sealed: bytes, cookie_key: str, now: datetime) -> SignedPdf:
        """Sign by an incremental update: the bytes given are a prefix of the bytes returned.

        Raises:
            Invalid: ``key.locked`` (the five minutes are over, or the cookie is not the right one).
            EngineFailed: ``sign.failed``.
        """
        ...

    def inspect(self, pdf: bytes) -> PdfFacts:
        """Inspect a PDF that we made, signed or not.

        Raises:
            EngineFailed: ``sign.unreadable``.
        """
        ...

    def for_printing(self, pdfs: Sequence[bytes]) -> bytes:
        """The pages of PDFs that we made, in one PDF for the printer.

        The looks of the signatures become part of the pages; no signature holds in the result.

        Raises:
            EngineFailed: ``sign.unreadable``.
        """
        ...


class Sealer(Protocol):
    """Signs in the name of the institution (EN 319 412-3): registers closed, exports. No person's key is needed."""

    def seal(self, pdf: bytes, request: SignRequest) -> SignedPdf:
        """Seal by an incremental update, as ``Signer.sign`` does.

        Raises:
            ConfigError: ``seal.none``: no key from the settings or from ``ged pki seal``.
            EngineFailed: ``sign.failed``, ``key.refused``; retryable ``key.unreachable``.
        """
        ...

    def certificate(self) -> Certificate | None:
        """Public facts of the seal's certificate; None when there is none."""
        ...


@dataclass(frozen=True)
class RaisedPdf:
    """A signed file with one more revision.

    Attributes:
        level: the lowest level of its signatures (``B-B``, ``B-T``, ``B-LT``, ``B-LTA``).
        renew_at: when a new time-stamp has to cover the last; None while further steps can be made at once.
    """

    pdf: bytes = field(repr=False)
    level: str
    renew_at: datetime | None = None


class Preserver(Protocol):
    """Raises signatures to a level at which they can be verified without us, and keeps them there."""

    def next_step(self, pdf: bytes, *, now: datetime, crls: Sequence[bytes] = ()) -> RaisedPdf | None:
        """Append the next revision: a time-stamp, or revocation data; the bytes given are a prefix of those returned.

        None when nothing is to be done at ``now``.

        Args:
            crls: available revocation lists (DER), besides those at the addresses in certificates.

        Raises:
            EngineFailed: retryable: ``sign.no_timestamp``, ``preserve.no_revocation`` (a server is unreachable),
                ``preserve.untrusted``; else ``preserve.revoked``, ``preserve.expired``, ``preserve.failed``.
        """
        ...


class Timestamper(Protocol):
    """An outside time-stamp authority (RFC 3161), which proves that bytes existed at a time."""

    def stamp(self, digest: bytes) -> bytes:
        """A token (DER) over a SHA-256 digest.

        Raises:
            EngineFailed: ``sign.no_timestamp``: no authority answered.
        """
        ...

    def time(self) -> datetime:
        """The time of the authority's clock (UTC), from a token over random bytes. The token's signer is not checked.

        Raises:
            EngineFailed: ``sign.no_timestamp``: no authority answered.
        """
        ...
