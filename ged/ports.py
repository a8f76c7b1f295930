"""The sockets of the house, and the frozen values that cross them. No database, no I/O.

Engines (``ocr``, ``indexer``, ``signing``) import this module and ``ged.errors`` and nothing else of ``ged``.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import BinaryIO, NewType, Protocol

UnitId = NewType("UnitId", int)
PostId = NewType("PostId", int)
PersonId = NewType("PersonId", int)
RegisterId = NewType("RegisterId", int)
MailId = NewType("MailId", int)
AttachmentId = NewType("AttachmentId", int)
ScanId = NewType("ScanId", int)
SlipId = NewType("SlipId", int)
JobId = NewType("JobId", int)

Digest = NewType("Digest", str)
"""SHA-256 of plain bytes, 64 lower-case hexadecimal characters."""

Principal = NewType("Principal", str)
"""A unit (``u12``), post (``p7``; ``d7`` without its secretary, ``t7`` its holder alone) or person (``h3``) to whom a
letter was granted."""


def unit_principal(unit_id: int) -> Principal:
    """The principal of a unit."""
    return Principal(f"u{unit_id}")


def post_principal(post_id: int) -> Principal:
    """The principal of a post."""
    return Principal(f"p{post_id}")


def deciding_principal(post_id: int) -> Principal:
    """The principal of a post as it decides: its holder, or who acts for it by delegation or interim; no secretary."""
    return Principal(f"d{post_id}")


def holder_principal(post_id: int) -> Principal:
    """The principal of a post's holder alone: nobody acts for it."""
    return Principal(f"t{post_id}")


def person_principal(person_id: int) -> Principal:
    """The principal of a person."""
    return Principal(f"h{person_id}")


class Confidentiality(IntEnum):
    """Level of a letter; the order is that of secrecy."""

    ORDINARY = 0
    RESTRICTED = 1
    SECRET = 2


# --- BlobStore ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredBlob:
    """What ``BlobStore.put`` answers."""

    digest: Digest
    size_bytes: int


class BlobStore(Protocol):
    """Content-addressed bytes. Writing the same bytes twice stores them once."""

    def put(self, content: BinaryIO) -> StoredBlob:
        """Store a stream and return its digest; durable (fsynced) when it returns."""
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Open the plain bytes for reading.

        Raises:
            NotFound: ``blob.missing``.
        """
        ...

    def exists(self, digest: Digest) -> bool:
        """Whether the blob is there (its bytes are not read)."""
        ...

    def verify(self, digest: Digest) -> bool:
        """Read all bytes and compare; False also when missing."""
        ...

    def delete(self, digest: Digest) -> None:
        """Remove a blob; no error when it is gone already."""
        ...

    def digests(self) -> Iterator[tuple[Digest, datetime]]:
        """All blobs with the time they were written (aware UTC), for sweeps and checks."""
        ...


# --- SearchIndex -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Principals:
    """What an actor may see, one set of principals a level: the only form in which rights reach an index.

    A letter of level L is visible when one of its principals is in the set of L. An empty set shows nothing.
    """

    ordinary: frozenset[Principal]
    restricted: frozenset[Principal]
    secret: frozenset[Principal]

    def at(self, level: Confidentiality) -> frozenset[Principal]:
        """The set that counts for letters of this level."""
        return (self.ordinary, self.restricted, self.secret)[level]


@dataclass(frozen=True)
class IndexedPage:
    """Text of one page of one attachment (``page_no`` counts from 1)."""

    attachment_id: AttachmentId
    page_no: int
    text: str


@dataclass(frozen=True)
class IndexDocument:
    """All that an index may know of a letter. For SECRET letters only numbers, dates and principals are filled."""

    mail_id: MailId
    version: int
    level: Confidentiality
    principals: frozenset[Principal]
    numbers: tuple[str, ...]
    registers: tuple[str, ...]
    direction: str
    state: str
    registered_at: datetime
    subject: str = ""
    sender: str = ""
    addressee: str = ""
    their_reference: str = ""
    nature: str = ""
    priority: str = ""
    units: tuple[str, ...] = ()
    written_on: date | None = None
    received_on: date | None = None
    due_on: date | None = None
    pages: tuple[IndexedPage, ...] = ()


class SortOrder(StrEnum):
    """Order of hits."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True)
class SearchQuery:
    """What a person asks.

    Attributes:
        text: as typed; never raises: what cannot be parsed is searched as words and said in ``notice``.
        filters: exact values by field name (``register``, ``direction``, ``nature``, ``state``, ``priority``,
            ``unit``, ``correspondent``, ``year``, ``month`` as YYYY-MM), OR within a field, AND between fields.
        since, until: bounds of ``registered_at`` (inclusive days).
        exclude: letters whose access changed while their index job is open.
        facets: names of the fields that ``SearchIndex.facets`` counts, same names as ``filters``; ``search`` counts nothing.
    """

    text: str
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: date | None = None
    until: date | None = None
    sort: SortOrder = SortOrder.RELEVANCE
    offset: int = 0
    limit: int = 20
    facets: tuple[str, ...] = ()
    highlight: bool = True
    exclude: frozenset[MailId] = frozenset()


@dataclass(frozen=True)
class Passage:
    """A highlighted excerpt: pieces of plain text, each marked or not. Never HTML."""

    field: str
    pieces: tuple[tuple[str, bool], ...]
    attachment_id: AttachmentId | None = None
    page_no: int | None = None


@dataclass(frozen=True)
class Hit:
    """One letter found."""

    mail_id: MailId
    score: float
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class SearchResult:
    """A page of hits. ``total`` counts letters under the same access filter, exact when ``total_is_exact``.

    Attributes:
        notice: code of what the person should know (``query.as_words`` …).
        did_you_mean: the query written in words that letters which these principals may see do hold.
    """

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool = True
    notice: str | None = None
    did_you_mean: str | None = None


Facets = Mapping[str, tuple[tuple[str, int], ...]]
"""Values and counts by field name, the most frequent first."""


class SuggestionKind(StrEnum):
    """What a suggestion is a value of."""

    CORRESPONDENT = "correspondent"
    SUBJECT = "subject"
    NUMBER = "number"


@dataclass(frozen=True)
class Suggestion:
    """A value that letters hold, offered while a person types.

    Attributes:
        letters: how many letters hold it, as far as they were counted.
        mail_id: the letter, when it is one only.
    """

    kind: SuggestionKind
    text: str
    letters: int = 1
    mail_id: MailId | None = None


@dataclass(frozen=True)
class IndexedLetter:
    """What the index holds of a letter, as far as ``ged index verify`` compares it with SQL."""

    mail_id: MailId
    version: int
    level: Confidentiality
    principals: frozenset[Principal]


@dataclass(frozen=True)
class Building:
    """A generation being built beside the living one.

    Attributes:
        name: its own name.
        version: the version given at its beginning: what changed after that is not in it yet.
        position: the letter up to which it is filled (0: none).
    """

    name: str
    version: int
    position: int = 0


@dataclass(frozen=True)
class IndexStatus:
    """State of an index: engine, schema version, number of letters, name of the living generation, one being built."""

    engine: str
    schema_version: int
    documents: int
    generation: str = ""
    building: Building | None = None


class SearchIndex(Protocol):
    """A full-text index that respects access.

    Everything it answers stands under the principals given and leaves the excluded letters out. Every call may raise
    ``EngineFailed`` ``index.unavailable`` (retryable), ``index.schema_outdated`` (retryable: after a rebuild).
    """

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """Add or replace letters; an older ``version`` never overwrites a newer one. Searchable when it returns."""
        ...

    def remove(self, mail_ids: Iterable[MailId]) -> None:
        """Forget letters; unknown ids are no error."""
        ...

    def search(self, query: SearchQuery, *, principals: Principals) -> SearchResult:
        """Find letters that these principals may see; counts and passages stand under the same filter."""
        ...

    def facets(self, query: SearchQuery, *, principals: Principals) -> Facets:
        """Count the values of ``query.facets`` over all that ``search`` would find."""
        ...

    def suggest(
        self, text: str, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 8
    ) -> tuple[Suggestion, ...]:
        """Correspondents, subjects and numbers that go on from what was typed so far; numbers alone of SECRET letters.

        The text may be the beginning of any word of the value. Nothing for a text without letters and digits.
        """
        ...

    def similar(
        self, mail_id: MailId, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 5
    ) -> tuple[Hit, ...]:
        """Letters like this one, the nearest first; nothing when these principals may not see it."""
        ...

    def versions(self, mail_ids: Sequence[MailId]) -> Mapping[MailId, int]:
        """The version held of each letter that is there."""
        ...

    def scan(self, *, after: int = 0, limit: int = 1_000) -> tuple[IndexedLetter, ...]:
        """Letters held whose id is above ``after``, by id (for ``ged index verify``)."""
        ...

    def reset(self) -> None:
        """Drop everything and create an empty index of the current schema."""
        ...

    def begin_rebuild(self, version: int) -> Building:
        """Begin a generation of the current schema beside the living one, or go on with the one that was begun.

        Searches, ``put`` and ``remove`` keep to the living one; what they changed since ``Building.version`` is put
        into the new one before it is published, and once more after.
        """
        ...

    def extend(self, documents: Iterable[IndexDocument], *, position: int | None = None) -> None:
        """Put letters into the generation being built, then remember how far it is.

        Raises:
            EngineFailed: ``index.not_building``.
        """
        ...

    def publish(self) -> None:
        """The generation being built becomes the living one in one step; the old one is removed afterwards.

        Raises:
            EngineFailed: ``index.not_building``.
        """
        ...

    def abandon(self) -> None:
        """Remove the generation being built, if there is one."""
        ...

    def status(self) -> IndexStatus:
        """Engine, schema version, number of letters, generations."""
        ...


@dataclass(frozen=True)
class SynonymError:
    """A line of synonyms that cannot be taken: its number (from 1), a code and the line."""

    line_no: int
    code: str
    text: str


class SynonymBook(Protocol):
    """The file of synonyms that an administrator edits; the next search reads it as it is then."""

    @property
    def is_own(self) -> bool:
        """Whether the installation has a list of its own; until then the shipped one counts."""
        ...

    def text(self) -> str:
        """The list that counts now: a group a line, its members parted by ``=`` or commas."""
        ...

    def errors(self, text: str) -> tuple[SynonymError, ...]:
        """The lines of a text that could not be taken."""
        ...

    def replace(self, text: str) -> None:
        """Let the list be this text, whole or not at all.

        Raises:
            EngineFailed: ``synonyms.not_written``.
        """
        ...


# --- JobQueue ----------------------------------------------------------------------------------------------------


class Lane(StrEnum):
    """In which lane a job travels; none holds up the ones before it.

    QUICK: seconds. SLOW: minutes. BACKLOG: of an archive taken over, when nothing of today waits.
    """

    QUICK = "quick"
    SLOW = "slow"
    BACKLOG = "backlog"


class JobQueue(Protocol):
    """Hands committed job rows to a worker, at least once."""

    def submit(self, job_id: JobId, *, lane: Lane = Lane.QUICK) -> None:
        """Called after the commit that created the row; may be lost (the sweep submits again)."""
        ...

    def waiting(self) -> frozenset[JobId]:
        """Jobs submitted and not taken yet; empty when the queue is away. The sweep leaves these alone."""
        ...


# --- OcrEngine ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PageCode:
    """A QR code or barcode read on a page; ``text`` is whatever it says: check that it is ours."""

    text: str
    format: str


@dataclass(frozen=True)
class PageFacts:
    """What a first look at a page shows.

    Attributes:
        blank_score: 0 full .. 1 empty (flag, never drop).
        warnings: what would spoil the reading, to be told before the letter is numbered: ``too_dark``, ``too_light``,
            ``cut_edge``, ``low_resolution``, ``skewed``.
    """

    width_px: int
    height_px: int
    dpi: int
    blank_score: float
    codes: tuple[PageCode, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceFacts:
    """What an uploaded or scanned file is. ``signed``: a PDF with a signature, whose bytes must not change."""

    media_type: str
    pages: tuple[PageFacts, ...]
    signed: bool = False


@dataclass(frozen=True)
class PageRef:
    """One page of one source file, turned clockwise by ``rotation`` degrees (0, 90, 180, 270) by a person."""

    source: Path
    media_type: str
    page_index: int
    rotation: int = 0


@dataclass(frozen=True)
class Word:
    """A word and its box on the page, in fractions 0..1 of width and height; confidence 0..100."""

    text: str
    x: float
    y: float
    width: float
    height: float
    confidence: float


@dataclass(frozen=True)
class RecognisedPage:
    """One page read. ``flags``: ``blank``, ``low_confidence``, ``failed``, ``born_digital``, ``rotated_90`` …

    ``likeness``: 64 hexadecimal digits that are nearly the same for the same sheet scanned twice; empty when the engine
    does not tell.
    """

    page_no: int
    text: str
    words: tuple[Word, ...]
    confidence: float
    language: str
    image: Path | None
    flags: tuple[str, ...] = ()
    likeness: str = ""


@dataclass(frozen=True)
class FieldReading:
    """A field of a letter as the machine read it: a suggestion with its place, never a fact.

    Attributes:
        name: ``subject``, ``their_reference``, ``our_reference``, ``written_on``, ``place``, ``sender``,
            ``addressee``, ``copies`` (one reading a recipient), ``enclosures``, ``amount``.
        value: plain text; ISO date for ``written_on``, digits for ``enclosures``.
        page_no: counts from 1; the box is in fractions 0..1 of the page.
        confidence: 0..100.
    """

    name: str
    value: str
    page_no: int
    x: float
    y: float
    width: float
    height: float
    confidence: float


@dataclass(frozen=True)
class Recognition:
    """A document read; all paths lie in the ``out`` folder given. ``searchable_pdf`` is PDF/A-2.

    ``thumbnail``, and ``image`` of a page: ``None`` when the engine was told to make no pictures.
    """

    pages: tuple[RecognisedPage, ...]
    searchable_pdf: Path
    thumbnail: Path | None
    fields: tuple[FieldReading, ...] = ()


class OcrEngine(Protocol):
    """Reads pages. Uploads are hostile: nothing is decoded before its size was checked."""

    def inspect(self, source: Path, *, filename: str, timeout_s: float) -> SourceFacts:
        """First look: type by content, pages, codes, blanks, signature.

        Raises:
            Invalid: ``file.empty``, ``file.type_unknown``, ``file.encrypted``, ``file.image_too_large``,
                ``file.truncated``, ``file.too_many_pages``.
            EngineFailed: ``ocr.timeout``.
        """
        ...

    def thumbnail(self, page: PageRef, *, width_px: int, out: Path, timeout_s: float) -> None:
        """Write a small JPEG of one page to ``out`` (waiting scans are shown before they are read)."""
        ...

    def recognise(
        self,
        pages: Sequence[PageRef],
        *,
        languages: Sequence[str],
        timeout_s: float,
        out: Path,
        on_page: Callable[[RecognisedPage], None] = lambda _: None,
    ) -> Recognition:
        """Read pages in order; a page that fails is flagged and the others go on.

        ``on_page`` is told of each page, in order, as soon as it is read. Pages that a killed call left finished in
        ``out`` are not read again.

        Raises:
            EngineFailed: ``ocr.timeout``, ``ocr.unavailable``.
        """
        ...


# --- Mailbox -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MessageRef:
    """A message that lies in a mailbox: the server's own number for it, and its size."""

    uid_validity: int
    uid: int
    size_bytes: int


class OpenMailbox(Protocol):
    """A connection to a mailbox."""

    def waiting(self) -> Sequence[MessageRef]:
        """What lies in the folder that is collected, oldest first."""
        ...

    def read(self, ref: MessageRef) -> bytes | None:
        """The message as it came, not marked as read; None when it is gone."""
        ...

    def put_away(self, ref: MessageRef, *, refused: bool) -> None:
        """Delete it or move it to the folder for what was taken in; to that for errors when it was refused."""
        ...


class Mailbox(Protocol):
    """A mailbox that is collected for a unit.

    ``open`` raises EngineFailed: ``mailbox.unavailable``, ``mailbox.login``, ``mailbox.token``; so do all methods of
    what it opens (the first of them).
    """

    @property
    def name(self) -> str:
        """What it is called here; its messages are known under this name."""
        ...

    @property
    def unit_code(self) -> str:
        """The unit whose clerks get its messages."""
        ...

    def open(self) -> AbstractContextManager[OpenMailbox]:
        """Connect."""
        ...


# --- Signer, SignatureChecker ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TokenPlace:
    """Where a key lies in a token or HSM (PKCS#11): names of the token, and of the key in it."""

    token: str
    label: str


@dataclass(frozen=True)
class StoredKey:
    """A key as it lies in the database: useless without passphrase *and* the server's secret, or without its token.

    Attributes:
        keystore: PKCS#12 bytes, or a token's address (RFC 7512) and certificates.
        salt: of the argon2id derivation; empty for a key in a token.
        certificate_pem: the public part.
    """

    keystore: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    certificate_pem: str

    @property
    def is_in_token(self) -> bool:
        """Whether a PIN opens it, in the token of its owner."""
        return self.keystore.startswith(b"pkcs11:")


@dataclass(frozen=True)
class Certificate:
    """What people need to know of a certificate."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True)
class UnlockedKey:
    """An opened key, sealed under a random key that only the browser's cookie holds (at most five minutes)."""

    sealed: bytes = field(repr=False)
    cookie_key: str = field(repr=False)
    expires_at: datetime


class KeyVault(Protocol):
    """Where signing keys are made and opened."""

    def issue(
        self,
        *,
        name: str,
        title: str,
        organisation: str,
        email: str,
        passphrase: str,
        now: datetime,
        identifier: str = "",
    ) -> StoredKey:
        """Make a key pair and a certificate of the ministry's own authority.

        Args:
            identifier: tells people of one name apart (serialNumber, EN 319 412-2, 4.2.4); without, the key does.

        Raises:
            Invalid: ``key.passphrase_short`` (fewer than 12 characters).
        """
        ...

    def adopt(self, content: bytes, password: str, *, passphrase: str, now: datetime) -> StoredKey:
        """Take a key over that another authority gave as PKCS#12 under ``password``.

        Raises:
            Invalid: ``key.file_unreadable``, ``key.passphrase_short``, ``key.expired``.
        """
        ...

    def attach(self, place: TokenPlace, pin: str, *, chain_pem: str, now: datetime) -> StoredKey:
        """Take a key that lies in a token, with certificates of another authority, its own first.

        Raises:
            ConfigError: ``key.no_module``.
            Invalid: ``key.passphrase_wrong`` (the PIN), ``key.token_locked``, ``key.token_last_try`` (the token would
                lock), ``key.token_mismatch``, ``key.file_unreadable``, ``key.expired``.
            EngineFailed: retryable ``key.unreachable``; ``key.refused``.
        """
        ...

    def place(self, key: StoredKey) -> TokenPlace:
        """Where a key in a token lies.

        Raises:
            EngineFailed: ``key.damaged``.
        """
        ...

    def certify_token(
        self,
        place: TokenPlace,
        pin: str,
        *,
        name: str,
        title: str,
        organisation: str,
        email: str,
        now: datetime,
        identifier: str = "",
    ) -> StoredKey:
        """Take a key that lies in a token, and certify it by the ministry's own authority.

        Raises:
            As ``attach``.
        """
        ...

    def unlock(self, key: StoredKey, passphrase: str, *, now: datetime) -> UnlockedKey:
        """Open a key. ``passphrase``: the PIN, for one in a token.

        Raises:
            Invalid: ``key.passphrase_wrong``, ``key.expired``; ``key.token_locked``, ``key.token_last_try``.
            EngineFailed: ``key.damaged`` (what the database holds is no key any more); of a token ``key.unreachable``,
                ``key.refused``.
        """
        ...

    def certificate(self, key: StoredKey) -> Certificate:
        """Public facts of the key's certificate."""
        ...

    def trust_roots_pem(self) -> tuple[str, ...]:
        """Certificates of the authorities that we trust, for checkers and for people."""
        ...


@dataclass(frozen=True)
class RevokedCertificate:
    """A line of a revocation list. ``serial`` is hexadecimal, ``reason`` as RFC 5280 spells it (``keyCompromise``)."""

    serial: str
    revoked_at: datetime
    reason: str = "unspecified"


class RevocationLists(Protocol):
    """The ministry's own authority telling which of its certificates no longer count."""

    def crls(self, revoked: Sequence[RevokedCertificate], *, now: datetime) -> tuple[bytes, ...]:
        """The lists in force, DER: that of the issuing authority, signed now, then that of the root.

        Nothing where there is no authority of our own.
        """
        ...

    def answer(
        self, request: bytes, *, known: Callable[[str], RevokedCertificate | bool | None], now: datetime
    ) -> bytes:
        """Answer an OCSP request (RFC 6960), DER; never raises on a strange one.

        Args:
            known: of a serial (hexadecimal): False when we never issued it, None when it is good, else its revocation.
        """
        ...

    def certificate(self, which: str) -> bytes | None:
        """The certificate of ``root`` or ``issuing``, DER; None when there is none."""
        ...


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
        field: name of an empty field that exists, or a field to make with its place.
        appearance_pdf: one-page PDF (of the field's size) that becomes the field's appearance; it holds text a
            person reads (mark, or the filled reception table).
        docmdp_level: 2 on a first signature that allows the later filling of prepared fields only; None otherwise.
        code: printed over the appearance.
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
    """What of a PDF shows whether it can be read in twenty years.

    Attributes:
        flavour: of PDF/A, as the file claims it and nothing speaks against it (``2b``); empty for none.
        loose_fonts: names of the fonts that it uses and does not carry.
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
        """Look at a PDF of ours, signed or not.

        Raises:
            EngineFailed: ``sign.unreadable``.
        """
        ...


class Sealer(Protocol):
    """Signs in the name of the institution (EN 319 412-3): registers closed, exports. No person's key is needed."""

    def seal(self, pdf: bytes, request: SignRequest) -> SignedPdf:
        """Seal by an incremental update, as ``Signer.sign`` does.

        Raises:
            ConfigError: ``seal.none``: neither settings nor ``ged pki seal`` named a key.
            EngineFailed: ``sign.failed``, ``key.refused``; retryable ``key.unreachable``.
        """
        ...

    def certificate(self) -> Certificate | None:
        """Public facts of the seal's certificate; None when there is none."""
        ...


@dataclass(frozen=True)
class TokenFacts:
    """What the signed code on a letter says.

    Attributes:
        token: 16 random bytes; who knows them holds the letter.
        digest: of the letter's PDF before mark and signature.
    """

    number: str
    on: date
    signer: str
    token: bytes = field(repr=False)
    digest: Digest


@dataclass(frozen=True)
class SealedToken:
    """The signed code. ``certificates_pem``: of the key that signed it, then those above it."""

    text: str
    key_id: str
    certificates_pem: str


class TokenState(StrEnum):
    """What a code is worth."""

    PROVEN = "proven"
    FORGED = "forged"
    """It names a key that we know, which did not sign it."""
    UNKNOWN_KEY = "unknown_key"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class TokenCheck:
    """A code looked at. ``by``: the subject of the certificate that proves it."""

    state: TokenState
    facts: TokenFacts | None = None
    key_id: str = ""
    by: str = ""


class TokenSealer(Protocol):
    """Makes and reads the signed code that is printed on a letter (``docs/code-signe.md``)."""

    def seal(self, facts: TokenFacts) -> SealedToken | None:
        """Sign the facts with the institution's key; None when there is none.

        Raises:
            EngineFailed: retryable ``key.unreachable``; ``key.refused``.
        """
        ...

    def has_key(self) -> bool:
        """Whether there is a key, so that codes are made."""
        ...

    def read(self, text: str) -> TokenFacts | None:
        """What a code or an address that ends in one says, whoever made it; None when it is no code."""
        ...

    def check(self, text: str, certificates_pem: Sequence[str]) -> TokenCheck:
        """Whether the holder of one of these certificates says it."""
        ...


@dataclass(frozen=True)
class RaisedPdf:
    """A signed file with one revision more.

    Attributes:
        level: the lowest level of its signatures (``B-B``, ``B-T``, ``B-LT``, ``B-LTA``).
        renew_at: when a new time-stamp has to cover the last; None while further steps can follow at once.
    """

    pdf: bytes = field(repr=False)
    level: str
    renew_at: datetime | None = None


class Preserver(Protocol):
    """Raises signatures to a level that proves them without us, and keeps them there."""

    def next_step(self, pdf: bytes, *, now: datetime, crls: Sequence[bytes] = ()) -> RaisedPdf | None:
        """Append the next revision: a time-stamp, or revocation data; the bytes given are a prefix of those returned.

        None when nothing is to be done at ``now``.

        Args:
            crls: revocation lists that are at hand (DER), beside those which certificates point to.

        Raises:
            EngineFailed: retryable: ``sign.no_timestamp``, ``preserve.no_revocation`` (a server is away),
                ``preserve.untrusted``; else ``preserve.revoked``, ``preserve.expired``, ``preserve.failed``.
        """
        ...


class Verdict(StrEnum):
    """How a signature is shown. ``NONE``: the file carries no signature."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    NONE = "none"


@dataclass(frozen=True)
class SignatureReport:
    """What is known of one signature, in stable English codes (``ok``, ``countersigned``, ``modified_after`` …).

    Attributes:
        signed_at: by a time-stamp that we trust, else what the signer claims.
        level: of ETSI EN 319 142-1 (``B-B`` .. ``B-LTA``), else the kind of signature that it is.
        covers_bytes: the signed revision is the file's first bytes, this many; 0 when it is not known.
        timestamp: time of the signature's time-stamp, whoever gave it; where it has none, or an altered one, that of the
            first trusted time-stamp of the whole document after it.
        timestamp_trusted: whether its authority is one that we trust.
        changes: what came after the signature (``signing.changes``); empty for nothing.
        is_timestamp: a time-stamp of the whole document, no signature of a person.
        issuer: the authority that names the signer.
    """

    field: str
    verdict: Verdict
    reason: str
    signer: str
    signed_at: datetime | None
    level: str
    covers_bytes: int
    timestamp: datetime | None = None
    timestamp_trusted: bool = False
    changes: tuple[str, ...] = ()
    is_timestamp: bool = False
    issuer: str = ""


class SignatureChecker(Protocol):
    """Checks signatures without being fooled; never raises on a hostile file."""

    def check(self, pdf: bytes, *, at: datetime, issued: Sequence[Digest] = ()) -> tuple[SignatureReport, ...]:
        """A report per signature.

        Args:
            at: the time for which certificates are judged.
            issued: digests of the revisions that we stored, in order: an earlier signature is green
                (``countersigned``) when the file begins with exactly such bytes and every later revision is one too.

        Raises:
            EngineFailed: ``check.unavailable``: checking cannot be started at all; never because of the file.
        """
        ...

    def check_cms(self, cms: bytes, *, at: datetime, content: bytes | None = None) -> tuple[SignatureReport, ...]:
        """A report per signer of a CMS file (.p7m, .p7s; DER, PEM or base64).

        Args:
            at: the time for which certificates are judged.
            content: the signed file, when it is not inside.

        Raises:
            EngineFailed: ``check.unavailable``, as above.
        """
        ...


class Timestamper(Protocol):
    """An authority outside that says when some bytes existed (RFC 3161)."""

    def stamp(self, digest: bytes) -> bytes:
        """A token (DER) over a SHA-256 digest.

        Raises:
            EngineFailed: ``sign.no_timestamp``: no authority answered.
        """
        ...


# --- Post --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """An e-mail; ``message_id`` is fixed before the first attempt."""

    message_id: str
    to: str
    subject: str
    text: str
    attachment_name: str | None = None
    attachment: bytes | None = None


class Post(Protocol):
    """Sends e-mail."""

    def send(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            EngineFailed: ``post.failed``; retryable only when it is certain that nothing left.
        """
        ...
