"""Settings -> Services: the only place that plugs engines into sockets."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.imap import load_mailboxes
from ged.adapters.post_smtp import FolderPost, SmtpPost
from ged.adapters.queue_polled import PolledQueue
from ged.codes import derive_secret
from ged.config import Settings
from ged.db import make_engine
from ged.pipeline import plug_proofs
from ged.ports import JobQueue, Post, SearchIndex
from ged.unit import Services
from ocr.engine import TesseractEngine
from signing.anchor_stamp import AuthorityStamper
from signing.keys import LocalVault
from signing.pades import PadesSigner
from signing.pki import Authority
from signing.preserve import PadesPreserver
from signing.profiles import StatusAddress
from signing.status import AuthorityStatus
from signing.validation import PdfChecker, load_crl


def build_services(settings: Settings, *, writes_index: bool = False) -> Services:
    """The plugs of one process.

    Args:
        writes_index: true in the one embedded worker, which alone writes the tantivy index.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    plug_proofs()
    secret = settings.secret.get_secret_value()
    keystore = derive_secret(secret, "keystore")
    vault = LocalVault(authority_dir(settings), keystore, address=status_address(settings))
    return Services(
        engine=make_engine(settings.url),
        blobs=FileBlobs(settings.data_dir / "blobs"),
        index=_index(settings, writes_index=writes_index),
        queue=_queue(settings),
        ocr=TesseractEngine(jobs=settings.ocr_jobs),
        vault=vault,
        signer=PadesSigner(settings.tsa_urls),
        checker=PdfChecker(vault.trust_roots_pem() if authority_dir(settings).exists() else ()),
        post=_post(settings),
        zone=settings.zone,
        country=settings.country,
        code_key=derive_secret(secret, "codes"),
        public_url=settings.public_url.rstrip("/"),
        data_dir=str(settings.data_dir),
        ocr_languages=settings.ocr_languages,
        max_upload_bytes=settings.max_upload_bytes,
        unacknowledged_hours=settings.mail_unacknowledged_hours,
        mailboxes=load_mailboxes(settings.mailboxes_file),
        preserver=PadesPreserver(settings.tsa_urls, vault.trust_roots_pem) if settings.tsa_urls else None,
        revocation=AuthorityStatus(authority_dir(settings), keystore),
        timestamper=AuthorityStamper(settings.tsa_urls) if settings.tsa_urls else None,
    )


def build_checker(trust_roots_pem: Sequence[str], crls: Sequence[bytes] = ()) -> PdfChecker:
    """A checker of signatures alone, without an installation.

    Raises:
        ConfigError: ``trust.root_unreadable``, ``trust.crl_unreadable``.
    """
    lists = tuple(load_crl(one) for one in crls)
    return PdfChecker(trust_roots_pem, crls=lambda: lists)


def create_authority(settings: Settings, *, organisation: str, now: datetime) -> None:
    """Make the ministry's own certificate authority, once.

    Raises:
        Invalid: ``authority.exists``.
    """
    key = derive_secret(settings.secret.get_secret_value(), "keystore")
    Authority.create(
        authority_dir(settings), key, organisation, now, country=settings.country, address=status_address(settings)
    )


def status_address(settings: Settings) -> StatusAddress:
    """Where the certificates say that the site tells of revocations."""
    return StatusAddress(settings.public_url.rstrip("/"))


def authority_dir(settings: Settings) -> Path:
    """Where the ministry's own certificate authority lies."""
    return settings.data_dir / "authority"


def _index(settings: Settings, *, writes_index: bool) -> SearchIndex:
    # Each shape imports its own engine only: the other's client would cost a second at every start.
    if settings.elasticsearch_url:
        from indexer.elastic_index import ElasticIndex

        key = settings.elasticsearch_api_key
        return ElasticIndex(
            settings.elasticsearch_url,
            alias=settings.elasticsearch_index,
            api_key=key.get_secret_value() if key else None,
            ca_path=settings.elasticsearch_ca,
            shards=settings.elasticsearch_shards,
            replicas=settings.elasticsearch_replicas,
            zone=settings.zone,
        )
    from indexer.tantivy_index import TantivyIndex

    return TantivyIndex(settings.data_dir / "index", writable=writes_index, zone=settings.zone)


def _queue(settings: Settings) -> JobQueue:
    if settings.redis_url is None:
        return PolledQueue()
    from ged.adapters.queue_rq import RqQueue

    return RqQueue(settings.redis_url)


def rq_queue_names() -> tuple[str, ...]:
    """The queues that a worker looks at, in this order."""
    from ged.adapters.queue_rq import QUEUE_NAMES

    return QUEUE_NAMES


def _post(settings: Settings) -> Post:
    if settings.smtp_url is not None:
        return SmtpPost(settings.smtp_url.get_secret_value(), settings.mail_from)
    return FolderPost(settings.data_dir / "outbox", settings.mail_from)
