"""Settings -> Services: the only place that connects engines to ports."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ged import slots, slow_queries
from ged.adapters.clamd import Clamd
from ged.adapters.imap import load_mailboxes
from ged.adapters.post_smtp import FolderPost, SmtpPost, TrainingPost
from ged.adapters.queue_polled import PolledQueue
from ged.archive.seal import journal_seal
from ged.codes import derive_secret
from ged.config import Settings, refuse_meeting
from ged.db import make_engine
from ged.notices import returned
from ged.org.certificates import known_as, own_lists
from ged.pipeline import lane_of
from ged.ports import JobQueue, Post, SearchIndex, SecondReader, TokenSealer
from ged.signbook.answers import answer_left
from ged.typeset import mark_training
from ged.unit import Role, Services
from indexer.synonyms import SHIPPED, SynonymFile
from indexer.tantivy_index import TantivyIndex
from ocr.engine import TesseractEngine
from ocr.second_engine import RapidSecondReader, is_installed
from ocr.word.engine import LibreOfficeWord
from signing.anchor_stamp import AuthorityStamper
from signing.house import HouseCertificates
from signing.keys import LocalVault
from signing.pades import PadesSigner
from signing.payload import PayloadSealer
from signing.pki import Authority
from signing.preserve import PadesPreserver
from signing.sealing import PadesSealer
from signing.status import AuthorityStatus
from signing.validation import PdfChecker, load_crl
from web.wiring import redis_jobs
from web.wiring.attached import report_file
from web.wiring.authority import authority_dir, keystore_secret, status_address
from web.wiring.directories import directory, provider
from web.wiring.meter import meter_of
from web.wiring.sealing import seal_key
from web.wiring.stored_files import stored_files
from web.words.translations import translations

SYNONYMS = "synonyms.txt"
"""The list of synonyms, in the data folder: made by the first edit on the site, or by hand."""


def build_services(
    settings: Settings,
    *,
    writes_index: bool = False,
    authority: Authority | None = None,
    patience_s: int | None = None,
) -> Services:
    """Build the services of one process.

    Args:
        patience_s: see ``make_engine``: for a process that serves people.
        authority: the ministry's own authority, opened (``open_authority``), for a command that certifies.
        writes_index: True only in the embedded worker, the only writer of the tantivy index.

    Raises:
        ConfigError: ``config.training``, ``config.training_folder`` and those of the engines.
    """
    # First: nothing may be written into a data folder of the other kind.
    refuse_meeting(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    mark_training(settings.training)
    slots.share(slots.of_this_machine(settings.data_dir))
    secret = settings.secret.get_secret_value()
    keystore = keystore_secret(settings)
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
    # ``services`` is made below and holds this: the name is looked up when somebody asks.
    house = HouseCertificates(authority_dir(settings), lambda serial, digest: known_as(services, serial, digest))
    engine = make_engine(settings.url, patience_s=patience_s)
    meter = meter_of(settings.data_dir, is_read=bool(settings.metrics_bind))
    slow_queries.watch(
        engine, longer_than_ms=settings.slow_query_ms, found=lambda: meter.count("ged_slow_queries_total")
    )
    services = Services(
        engine=engine,
        blobs=stored_files(settings, engine),
        index=_index(settings, synonyms, writes_index=writes_index),
        synonyms=synonyms,
        queue=_queue(settings),
        lane_of=lane_of,
        when_dispatched=(answer_left,),
        own_address=TrainingPost.SENDER if settings.training else settings.mail_from,
        when_collected=((returned.is_ours, returned.note),),
        ocr=TesseractEngine(jobs=settings.ocr_jobs, reader=settings.ocr_reader),
        vault=vault,
        signer=signer,
        checker=PdfChecker(
            vault.trust_roots_pem(),
            # A function: lists change while the process lives.
            crls=lambda: own_lists(services, now=datetime.now(UTC)),
            house=house,
        ),
        post=_post(settings),
        zone=settings.zone,
        country=settings.country,
        code_key=derive_secret(secret, "codes"),
        journal_secret=derive_secret(secret, "journal"),
        factor_secret=derive_secret(secret, "second-factor"),
        second_factor_roles=frozenset(Role(one) for one in settings.second_factor_roles),
        public_url=settings.public_url.rstrip("/"),
        data_dir=str(settings.data_dir),
        ocr_languages=settings.ocr_languages,
        max_upload_bytes=settings.max_upload_bytes,
        installation_accounts=settings.installation_accounts,
        unacknowledged_hours=settings.mail_unacknowledged_hours,
        reminder_rule=settings.reminder_rule,
        mailboxes=load_mailboxes(settings.mailboxes_file),
        preserver=PadesPreserver(settings.tsa_urls, vault.trust_roots_pem) if settings.tsa_urls else None,
        revocation=AuthorityStatus(authority_dir(settings), keystore),
        sealer=PadesSealer(signer, institution),
        directory=directory(settings),
        provider=provider(settings),
        own_passwords=settings.own_passwords == "unlinked",
        timestamper=AuthorityStamper(settings.tsa_urls) if settings.tsa_urls else None,
        tokens=PayloadSealer(institution),
        scanner=Clamd(settings.clamd) if settings.clamd else None,
        translations=translations,
        open_report=report_file,
        second_reader=_second_reader(settings),
        word=LibreOfficeWord(),
        training=settings.training,
        meter=meter,
        is_copied=settings.backup_to is not None,
    )
    journal_seal(services).protect()
    return services


def _second_reader(settings: Settings) -> SecondReader | None:
    """None where it is switched off, and where its extra is missing; ``on`` without the extra: its jobs fail and say why."""
    wanted = settings.ocr_second_reader
    return RapidSecondReader() if wanted == "on" or (wanted == "automatic" and is_installed()) else None


def build_checker(trust_roots_pem: Sequence[str], crls: Sequence[bytes] = ()) -> PdfChecker:
    """A signature checker without an installation.

    Raises:
        ConfigError: ``trust.root_unreadable``, ``trust.crl_unreadable``.
    """
    lists = tuple(load_crl(one) for one in crls)
    return PdfChecker(trust_roots_pem, crls=lambda: lists)


def build_token_reader() -> TokenSealer:
    """A reader of the signed codes on letters, without an installation; it cannot sign."""
    return PayloadSealer()


def _index(settings: Settings, synonyms: SynonymFile, *, writes_index: bool) -> SearchIndex:
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
    return TantivyIndex(settings.data_dir / "index", writable=writes_index, zone=settings.zone, synonyms=synonyms)


def _queue(settings: Settings) -> JobQueue:
    if settings.redis_url is None:
        return PolledQueue()
    return redis_jobs.queue(settings.redis_url, settings)


def _post(settings: Settings) -> Post:
    if settings.training:
        return TrainingPost(settings.data_dir / "outbox")
    if settings.smtp_url is not None:
        return SmtpPost(settings.smtp_url.get_secret_value(), settings.mail_from, ca_file=settings.smtp_ca)
    return FolderPost(settings.data_dir / "outbox", settings.mail_from)
