"""Settings -> Services: the only place that plugs engines into sockets."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ged import slots
from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.clamd import Clamd
from ged.adapters.imap import load_mailboxes
from ged.adapters.post_smtp import FolderPost, SmtpPost
from ged.adapters.queue_polled import PolledQueue
from ged.archive.seal import journal_seal
from ged.codes import derive_secret
from ged.config import Settings
from ged.db import make_engine
from ged.errors import ConfigError, Invalid
from ged.org.certificates import known_as, own_lists, revoked
from ged.pipeline import lane_of
from ged.ports import Certificate, JobQueue, Post, SearchIndex, TokenSealer
from ged.signbook.wiring import connect
from ged.unit import SYSTEM, Services
from indexer.synonyms import SHIPPED, SynonymFile
from ocr.engine import TesseractEngine
from signing import pki, published
from signing.anchor_stamp import AuthorityStamper
from signing.house import HouseCertificates
from signing.keys import PASSPHRASE_MIN_CHARS, LocalVault, describe
from signing.pades import PadesSigner
from signing.payload import PayloadSealer
from signing.pki import Authority, OfflineRoot
from signing.preserve import PadesPreserver
from signing.profiles import StatusAddress
from signing.sealing import PadesSealer
from signing.status import AuthorityStatus
from signing.token_keys import Tokens
from signing.validation import PdfChecker, load_crl
from web.wiring.sealing import seal_key

SYNONYMS = "synonyms.txt"
"""The list of synonyms, in the data folder: made by the first edit on the site, or by hand."""


def build_services(settings: Settings, *, writes_index: bool = False, authority: Authority | None = None) -> Services:
    """The plugs of one process.

    Args:
        authority: the ministry's own, opened (``open_authority``), for a command that certifies.
        writes_index: true in the one embedded worker, which alone writes the tantivy index.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    connect()
    slots.share(settings.data_dir / "run")
    secret = settings.secret.get_secret_value()
    keystore = _keystore_secret(settings)
    vault = LocalVault(
        authority_dir(settings),
        keystore,
        rsa_bits=3072 if settings.key_type == "rsa3072" else None,
        curve=settings.key_type,
        address=status_address(settings),
        trusted_dir=settings.trusted_dir,
        token_module=settings.key_module,
        authority=authority,
    )
    signer = PadesSigner(settings.tsa_urls)
    institution = seal_key(settings, keystore)
    synonyms = SynonymFile(settings.data_dir / SYNONYMS, otherwise=SHIPPED)
    house = HouseCertificates(authority_dir(settings), lambda serial, digest: known_as(services, serial, digest))
    services = Services(
        engine=make_engine(settings.url),
        blobs=FileBlobs(settings.data_dir / "blobs"),
        index=_index(settings, synonyms, writes_index=writes_index),
        synonyms=synonyms,
        queue=_queue(settings),
        lane_of=lane_of,
        ocr=TesseractEngine(jobs=settings.ocr_jobs, reader=settings.ocr_reader),
        vault=vault,
        signer=signer,
        checker=PdfChecker(
            vault.trust_roots_pem(), crls=lambda: own_lists(services, now=datetime.now(UTC)), house=house
        ),
        post=_post(settings),
        zone=settings.zone,
        country=settings.country,
        code_key=derive_secret(secret, "codes"),
        journal_secret=derive_secret(secret, "journal"),
        public_url=settings.public_url.rstrip("/"),
        data_dir=str(settings.data_dir),
        ocr_languages=settings.ocr_languages,
        max_upload_bytes=settings.max_upload_bytes,
        unacknowledged_hours=settings.mail_unacknowledged_hours,
        mailboxes=load_mailboxes(settings.mailboxes_file),
        preserver=PadesPreserver(settings.tsa_urls, vault.trust_roots_pem) if settings.tsa_urls else None,
        revocation=AuthorityStatus(authority_dir(settings), keystore),
        sealer=PadesSealer(signer, institution),
        timestamper=AuthorityStamper(settings.tsa_urls) if settings.tsa_urls else None,
        tokens=PayloadSealer(institution),
        scanner=Clamd(settings.clamd) if settings.clamd else None,
    )
    journal_seal(services).protect()
    return services


def build_checker(trust_roots_pem: Sequence[str], crls: Sequence[bytes] = ()) -> PdfChecker:
    """A checker of signatures alone, without an installation.

    Raises:
        ConfigError: ``trust.root_unreadable``, ``trust.crl_unreadable``.
    """
    lists = tuple(load_crl(one) for one in crls)
    return PdfChecker(trust_roots_pem, crls=lambda: lists)


def build_token_reader() -> TokenSealer:
    """A reader of the signed codes on letters, without an installation; it signs none."""
    return PayloadSealer()


def create_authority(
    settings: Settings,
    *,
    organisation: str,
    now: datetime,
    root: Path | None = None,
    passphrase: str = "",
    issuing_passphrase: str = "",
) -> None:
    """Make the ministry's own certificate authority, once.

    Args:
        root: the folder, outside of the installation, that gets the root's key under ``passphrase``; without, the key
            lies in the installation (for trials).
        issuing_passphrase: opens the issuing authority's key; empty for trials.

    Raises:
        Invalid: ``authority.exists``, ``key.passphrase_short``.
    """
    folder, secret = authority_dir(settings), _keystore_secret(settings)
    if root is not None:
        _require_long(passphrase)
    if issuing_passphrase:
        _require_long(issuing_passphrase)
    made = Authority.create(
        folder,
        secret,
        organisation,
        now,
        country=settings.country,
        offline=OfflineRoot(root, passphrase) if root is not None else None,
        address=status_address(settings),
        passphrase=issuing_passphrase,
    )
    if issuing_passphrase:
        published.publish(folder, secret, made, (), now=now)


def _require_long(passphrase: str) -> None:
    if len(passphrase) < PASSPHRASE_MIN_CHARS:
        raise Invalid("key.passphrase_short", "Choose a longer passphrase.", minimum=PASSPHRASE_MIN_CHARS)


def open_authority(settings: Settings, passphrase: Callable[[], str]) -> Authority:
    """Open the ministry's own authority.

    Args:
        passphrase: asks for it; called only where the key needs one.

    Raises:
        ConfigError: ``authority.missing``, ``authority.secret_wrong``, ``authority.key_damaged``.
        Invalid: ``authority.passphrase_wrong``.
    """
    return Authority.open(
        authority_dir(settings), _keystore_secret(settings), address=status_address(settings), passphrase=passphrase
    )


def protect_authority(
    settings: Settings,
    services: Services,
    authority: Authority,
    passphrase: str,
    *,
    now: datetime,
    root: Path | None = None,
    root_passphrase: str = "",
) -> None:
    """Put the authority's key under a (new) passphrase, and leave the site what it publishes meanwhile.

    Args:
        root: the folder that gets the root's key of an authority for trials.

    Raises:
        ConfigError: ``authority.root_here``: the root's key lies in the installation and no folder was named.
        Invalid: ``key.passphrase_short``, ``authority.exists``, ``authority.root_passphrase``.
    """
    folder, secret = authority_dir(settings), _keystore_secret(settings)
    _require_long(passphrase)
    if has_root_here(settings):
        if root is None:
            raise ConfigError(
                "authority.root_here",
                "the root's key lies in the installation too: name the medium that it goes to with --root FOLDER",
                setting="--root",
            )
        _require_long(root_passphrase)
        pki.carry_root_out(folder, secret, OfflineRoot(root, root_passphrase))
    publish_status(settings, services, authority, now=now)
    authority.protect(folder, secret, passphrase)
    with services.unit_of_work(now) as uow:
        uow.record("authority.protected", "installation", None, actor=SYSTEM)


def has_root_here(settings: Settings) -> bool:
    """Whether the root's key lies in the installation."""
    return (authority_dir(settings) / "root.key").exists()


def publish_status(
    settings: Settings,
    services: Services,
    authority: Authority,
    *,
    now: datetime,
    validity: timedelta = published.LIST_VALIDITY,
) -> datetime:
    """Sign the revocation list and certify the OCSP responder that the site answers with; returns until when."""
    with services.reading() as session:
        gone = revoked(session)
    folder, secret = authority_dir(settings), _keystore_secret(settings)
    return published.publish(folder, secret, authority, gone, now=now, validity=validity)


def renew_issuing_authority(settings: Settings, *, root: Path, passphrase: str, now: datetime) -> datetime:
    """Let the root certify the issuing authority anew; returns until when.

    Raises:
        ConfigError: ``authority.missing``, ``authority.root_missing``.
        Invalid: ``authority.root_passphrase``.
    """
    made = pki.renew_issuing(
        authority_dir(settings), OfflineRoot(root, passphrase), now=now, address=status_address(settings)
    )
    return made.not_valid_after_utc


def renew_root_list(settings: Settings, *, root: Path, passphrase: str, now: datetime) -> None:
    """Let the root sign its revocation list anew.

    Raises:
        ConfigError: ``authority.root_missing``.
        Invalid: ``authority.root_passphrase``.
    """
    pki.renew_root_list(authority_dir(settings), OfflineRoot(root, passphrase), now=now)


def make_seal(
    settings: Settings, *, identifier: str, now: datetime, authority: Authority | None = None
) -> tuple[Certificate, str]:
    """Make the key of the institution's seal, certified by our own authority; returns its certificate, also as PEM.

    Args:
        authority: opened; without, it is one for trials.

    Raises:
        ConfigError: ``authority.missing``, ``authority.secret_wrong``, ``authority.locked``.
    """
    folder, secret = authority_dir(settings), _keystore_secret(settings)
    opened = authority or Authority.open(folder, secret, address=status_address(settings))
    made = pki.make_seal(opened, folder, secret, identifier=identifier, now=now)
    return describe(made), made.public_bytes(Encoding.PEM).decode("ascii")


def describe_pem(certificate_pem: str) -> Certificate:
    """Public facts of a certificate."""
    return describe(x509.load_pem_x509_certificate(certificate_pem.encode("ascii")))


def tokens_seen(settings: Settings) -> list[str]:
    """Names of the tokens that the PKCS#11 library of people's keys reaches now.

    Raises:
        ConfigError: ``key.no_module``.
        EngineFailed: ``key.unreachable``.
    """
    return Tokens(settings.key_module).names()


def _keystore_secret(settings: Settings) -> bytes:
    return derive_secret(settings.secret.get_secret_value(), "keystore")


def status_address(settings: Settings) -> StatusAddress:
    """Where the certificates say that the site tells of revocations."""
    return StatusAddress(settings.public_url.rstrip("/"))


def authority_dir(settings: Settings) -> Path:
    """Where the ministry's own certificate authority lies."""
    return settings.data_dir / "authority"


def _index(settings: Settings, synonyms: SynonymFile, *, writes_index: bool) -> SearchIndex:
    # Each shape imports its own engine only: the other's client would cost a second at every start.
    if settings.elasticsearch_url:
        from indexer.elastic_index import ElasticIndex  # noqa: PLC0415  # half a second, and only where the index is Elasticsearch

        key = settings.elasticsearch_api_key
        return ElasticIndex(
            settings.elasticsearch_url,
            alias=settings.elasticsearch_index,
            api_key=key.get_secret_value() if key else None,
            ca_path=settings.elasticsearch_ca,
            shards=settings.elasticsearch_shards,
            replicas=settings.elasticsearch_replicas,
            zone=settings.zone,
            synonyms=synonyms,
        )
    from indexer.tantivy_index import TantivyIndex  # noqa: PLC0415  # only where the index is embedded

    return TantivyIndex(settings.data_dir / "index", writable=writes_index, zone=settings.zone, synonyms=synonyms)


def _queue(settings: Settings) -> JobQueue:
    if settings.redis_url is None:
        return PolledQueue()
    from web.wiring import redis_jobs  # noqa: PLC0415  # half a second, and only where jobs go by Redis

    return redis_jobs.queue(settings.redis_url, settings)


def _post(settings: Settings) -> Post:
    if settings.smtp_url is not None:
        return SmtpPost(settings.smtp_url.get_secret_value(), settings.mail_from, ca_file=settings.smtp_ca)
    return FolderPost(settings.data_dir / "outbox", settings.mail_from)
