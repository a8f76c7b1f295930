"""Settings: read once at start, frozen, from ``GED_*`` variables and an optional environment file.

An unknown name is refused: a typing error must not silently become a default. A combination of engines that cannot work
is refused too.
"""

import os
import re
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from ged.errors import ConfigError
from ged.links import require_checked_database, require_checked_web, require_closed_redis, require_near_scanner

TRAINING_MARK = "EXERCICE.txt"
"""The file in a data folder that says: this is a training installation, and may be emptied."""
# Other programs of the project have their own variables with this prefix.
FOREIGN_PREFIXES = ("GED_BRIDGE_", "GED_TEST_", "GED_ENV_FILE")


BUCKET = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?"
"""How a bucket and a prefix in it are written."""


class Settings(BaseSettings):
    """All settings of a server process."""

    model_config = SettingsConfigDict(env_prefix="GED_", frozen=True, extra="forbid", use_attribute_docstrings=True)

    data_dir: Path = Path("data")
    """Folder of the letters' files, of the embedded database and index, and of the keys that the secret opens."""
    secret: SecretStr = Field(min_length=32)
    """Server secret: cookie, label and keystore secrets are derived from it. Never stored in the database."""

    keyring: Path | None = None
    """Folder of the keys that encrypt the letters' files, outside of the data (``ged init`` names one). It is backed up as often as the
    data, and elsewhere. With PostgreSQL the keys are in its schema ``ged_keys`` and the folder holds the master key. Several
    hosts share the folder. Unset: files are stored in clear."""
    blobs: str = Field(default="", pattern=rf"^({BUCKET})?$")
    """``s3://bucket/prefix``: the letters' files are there; unset: in the data folder. `ged blobs move` brings them from one to the other."""
    s3_endpoint: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Address of the S3 store; unset: Amazon's, of the region."""
    s3_region: str = "us-east-1"
    """Region of the bucket; a store of one's own has a name for it, or takes any."""
    s3_access_key: str = ""
    """Id of the access key, which has the rights that docs/operate/storage.md names and no others."""
    s3_secret_key: SecretStr | None = None
    """The secret key that belongs to it."""
    s3_ca: Path | None = None
    """PEM of the authority of the store's certificate; unset: those that Python's libraries bring."""
    s3_lock: str = Field(default="", pattern=r"^((governance|compliance) [1-9]\d{0,4})?$")
    """``governance 30`` or ``compliance 30``: the store lets nobody remove a file for so many days, in a bucket that was made with
    object lock. Only with a keyring: what is disposed of meanwhile is destroyed by its key."""
    training: bool = False
    """``true``: a training installation, made by ``ged training start`` and by nothing else. All its settings stand in its file:
    variables of the process are not read. Those that lead to real addresses, servers or keys are refused."""
    training_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Address of the training installation beside this one (``ged training start --url``): the administration links it and tells
    whether it is served."""
    database_url: str = ""
    """``postgresql+psycopg://user:password@host/name``; empty: SQLite in the data folder. A primary and its standby
    (docs/operate/hosts.md): ``…@/name?host=db1,db2&port=5432,5432&target_session_attrs=read-write``."""
    database_patience_s: int = Field(default=20, ge=5, le=600)
    """Seconds after which PostgreSQL ends a statement of the site, also one that waits for a lock: the page then says so, and its thread
    is free. Jobs, commands, migrations and copies are never ended so."""
    unsafe_database: Literal["", "for-tests"] = ""
    """``for-tests``: start although PostgreSQL does not write to disk (``fsync``, ``full_page_writes`` off). Never for
    real letters: they are lost when the machine fails."""
    open_parsers: Literal["", "accepted"] = ""
    """``accepted``: start although files from outside are opened with the server's own rights (``web.wiring.isolation``)."""
    redis_url: str | None = None
    """``rediss://:password@host:6380/0``, or ``redis://`` on this machine: RQ queues the jobs, any number of workers; unset: one."""
    redis_ca: Path | None = None
    """PEM of the authority of Redis' certificate (``rediss://``); unset: the system's authorities."""
    elasticsearch_url: str | None = None
    """``https://host:9200`` (9.x); unset: tantivy, written by the one worker."""
    elasticsearch_api_key: SecretStr | None = None
    """API key that may manage the index."""
    elasticsearch_ca: Path | None = None
    """PEM of the authority of Elasticsearch's certificate; unset: the system's authorities."""
    elasticsearch_index: str = "ged"
    """Name of the index (an alias); each installation on one cluster needs its own name."""
    elasticsearch_shards: int = Field(default=1, ge=1, le=64)
    """Number of shards; takes effect at the next rebuild."""
    elasticsearch_replicas: int | None = Field(default=None, ge=0, le=8)
    """Replicas of each shard; unset: one if there is a second node."""
    elasticsearch_snapshots: str = ""
    """Folder for snapshots of the index, under the nodes' ``path.repo``."""

    public_url: str = "http://127.0.0.1:8000"
    """Address by which browsers reach the site. Used in printed codes, in mails, and to check the ``Host`` header."""
    hosts: tuple[str, ...] = ()
    """Further host names of the site, besides those of ``public_url`` and of this machine."""
    proxies: int = Field(default=0, ge=0, le=8)
    """Number of our reverse proxies before the site; their forwarded headers give the client's address."""
    direct: bool = False
    """For an ``https`` public URL without a proxy: browsers connect to the site itself, so their addresses are real."""

    log: Literal["text", "json"] = "text"
    """``json``: the log is an object a line, for a collector; ``text``: for people. It goes to standard error."""
    slow_query_ms: int = Field(default=500, ge=1, le=600_000)
    """Statements of the database that take longer are logged, with placeholders instead of values."""
    metrics_bind: str = Field(default="", pattern=r"^((127(\.\d{1,3}){3}|localhost|\[::1\]):\d{2,5}|unix:/\S+)?$")
    """Where the figures for Prometheus are served: a port of this machine (``127.0.0.1:9108``), or ``unix:/run/ged/metrics.sock``;
    empty: nothing is counted. Never an address that others reach."""

    processes: int | None = Field(default=None, ge=1, le=64)
    """Processes of the site; unset: one for each core."""

    disk_reserve_bytes: int = Field(default=500_000_000, ge=0)
    """Space that uploads leave free on the disk of the data folder (``ged.space``)."""

    timezone: str = "Africa/Lome"
    """Time zone of the dates of register numbers and of the schedules of jobs."""
    locale: str = "fr_TG"
    """How dates and numbers are written in French; in English they are written as in Britain."""
    country: str = "TG"
    """ISO 3166 code: holidays, and the country in certificates."""
    ocr_jobs: int = Field(default=2, ge=1, le=64)
    """Pages on which one worker runs OCR at once."""
    ocr_reader: Literal["automatic", "library", "program"] = "automatic"
    """What reads pages: ``library``, tesseract inside the program, in half the time; ``program``, the system's
    ``tesseract``, which the system's security updates reach; ``automatic``: the library where it is installed."""
    ocr_second_reader: Literal["automatic", "on", "off"] = "automatic"
    """Whether doubtful pages are read a second time by other models, when nothing else waits (the extra ``second-reader``;
    some seconds a page on one processor): ``automatic``, where the extra is installed."""
    ocr_languages: tuple[str, ...] = ("fra",)
    """Installed languages of tesseract, the usual language first."""
    clamd: str = ""
    """ClamAV's daemon, which scans every outside file first: ``unix:/run/clamav/clamd.ctl``, ``tcp://host:3310``."""
    max_upload_bytes: int = Field(default=200_000_000, ge=1_000_000)
    """Size of the largest file that is accepted."""
    tsa_urls: tuple[str, ...] = ()
    """RFC 3161 authorities, the preferred first."""
    trusted_dir: Path | None = None
    """Roots of accredited authorities (PEM), besides those in ``authority/trusted`` of the data folder."""
    key_type: Literal["p256", "p384", "rsa3072"] = "p256"
    """Type of the keys issued from now on."""
    key_module: Path | None = None
    """PKCS#11 library of people's own tokens (``ged keys attach``)."""
    seal_chain: Path | None = None
    """Certificate of the institution's seal, then the certificates above it (PEM); unset: from ``ged pki seal``."""
    seal_pkcs12: Path | None = None
    """PKCS#12 file that holds the seal's key."""
    seal_secret: SecretStr | None = None
    """Opens the seal's key: passphrase of the PKCS#12, PIN of the token, or bearer token of the signing service."""
    seal_module: Path | None = None
    """PKCS#11 library of the token that holds the seal's key."""
    seal_token: str = ""
    """Name of the token that holds the seal's key."""
    seal_url: str = ""
    """Signing service that holds the seal's key (CSC API 2)."""
    seal_label: str = ""
    """Name of the key in the token, or with the signing service."""
    smtp_url: SecretStr | None = None
    """``smtp://user:password@host:587`` (with STARTTLS, except on loopback) or ``smtps://``."""
    smtp_ca: Path | None = None
    """Authority of the mail server's certificate (PEM); unset: the system's authorities."""
    protected_hosts: tuple[str, ...] = ()
    """Hosts of servers to which clear text may be sent, because something else protects the link (a tunnel)."""
    mail_from: str = "ged@localhost"
    """Sender of outgoing e-mails."""
    mailboxes_file: Path | None = None
    """TOML file with a ``[[mailbox]]`` for each mailbox to collect (``ged.adapters.imap.MailboxSettings``)."""
    reminder_rule: str = Field(default="2/1/5", pattern=r"^(\d{1,2}/\d{1,2}/\d{1,2}|-)$")
    """Reminders of dates: working days before, after, then every so many; 0: no such one, ``-``: none at all.
    In the organisation file a mention may have a rule of its own (``reminder``), and a nature its days
    (``reminders: [-1, 0, 1]``: working days from the date); the mention comes first."""
    installation_accounts: tuple[str, ...] = ()
    """Accounts whose administrator's or auditor's post counts for the whole installation, where it holds several ministries
    (several roots in the tree of units): jobs, mailboxes, synonyms, the workbook, the whole journal. With one ministry
    every administrator and auditor has this."""
    second_factor_roles: tuple[
        Literal["clerk", "member", "head", "authority", "secretary", "signatory", "administrator", "auditor"], ...
    ] = ()
    """Whoever holds a post with one of these roles arms a second step before anything else, and signs in with it from then on:
    ``["signatory", "clerk", "administrator"]`` for a ministry that works. Empty: everybody may, nobody must."""
    backup_to: str | None = None
    """Where `ged backup` writes: the folder of a mounted disk or of a share, which must be there and is never made; or ``s3://bucket/prefix``."""
    backup_s3_endpoint: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Address of the store of the copies. It and its access key unset: those of the files (``GED_S3_...``), which one burglar then has both."""
    backup_s3_region: str = "us-east-1"
    """Region of the bucket of the copies."""
    backup_s3_access_key: str = ""
    """Id of the access key for the copies."""
    backup_s3_secret_key: SecretStr | None = None
    """The secret key that belongs to it."""
    backup_s3_ca: Path | None = None
    """PEM of the authority of that store's certificate."""
    backup_s3_lock: str = Field(default="", pattern=r"^((governance|compliance) [1-9]\d{0,4})?$")
    """``compliance 30``: nobody, not even with this server's keys, removes a copy for so many days; as ``s3_lock``."""
    ldap_url: str = Field(default="", pattern=r"^(ldaps?://[^\s/]+/?( ldaps?://[^\s/]+/?)*)?$")
    """Directory that proves passwords (`docs/operate/directory.md`): ``ldaps://dc1.ministere.example``, or ``ldap://`` with StartTLS;
    several separated by a space. Its certificate is always checked. Needs the extra ``ldap``."""
    ldap_base: str = ""
    """Entry below which people are looked for: ``OU=Agents,DC=ministere,DC=example``."""
    ldap_bind_dn: str = ""
    """Account that searches: it may read entries and nothing else."""
    ldap_bind_password: SecretStr | None = None
    """Password of the account that searches."""
    ldap_filter: str = Field(default="(objectClass=person)", pattern=r"^\(.*\)$")
    """Filter of the entries that are people; a group can stand in it."""
    ldap_account_attribute: str = Field(default="sAMAccountName", pattern=r"^[A-Za-z][A-Za-z0-9;-]*$")
    """Attribute that holds the account as it is typed here: OpenLDAP has ``uid``."""
    ldap_id_attribute: str = Field(default="objectGUID", pattern=r"^[A-Za-z][A-Za-z0-9;-]*$")
    """Attribute that an entry keeps when it is renamed, and that is never given to another: OpenLDAP has ``entryUUID``."""
    ldap_closed_filter: str = Field(default="", pattern=r"^(\(.*\))?$")
    """Filter of the entries that may not sign in; empty: disabled in Active Directory, or locked by an administrator in OpenLDAP."""
    ldap_ca: Path | None = None
    """PEM of the authority of the directory's certificate; unset: the system's authorities."""
    oidc_issuer: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Identity provider, OpenID Connect, exactly as it spells its issuer: ``https://connexion.example/realms/ministere``."""
    oidc_client_id: str = ""
    """Name under which the provider knows this site."""
    oidc_client_secret: SecretStr | None = None
    """Secret that the provider gave this site; unset: a public client (PKCE alone)."""
    oidc_ca: Path | None = None
    """PEM of the authority of the provider's certificate; unset: the system's authorities."""
    oidc_scopes: tuple[str, ...] = ("openid", "profile")
    """What is asked of the provider; ``openid`` must be there."""
    oidc_account_claim: str = "preferred_username"
    """Claim that names the account at the first sign-in. Choose one that people cannot change for themselves."""
    oidc_second_step: tuple[str, ...] = ()
    """Values of ``acr`` or ``amr`` by which the provider says that it asked for a second step: ours is then not due."""
    oidc_label: str = ""
    """What the button of the sign-in page says the provider is: ``le compte du ministère``."""
    own_passwords: Literal["unlinked", "break_glass"] = "unlinked"
    """With a directory or provider: whose password here still opens the account. ``unlinked``: accounts that were never linked;
    ``break_glass``: break-glass accounts alone."""
    backup_recipients: tuple[str, ...] = ()
    """Public keys ``age1…`` for which copies are encrypted (`ged backup keygen`); each of their private keys opens all."""
    backup_keys_to: Path | None = None
    """Folder of another medium, for the secret, the authority and the journal's key; unset: they are copied by hand."""
    backup_keys_recipients: tuple[str, ...] = ()
    """Public keys for the archive of the keys; unset: those of the copies."""
    backup_keep: str = Field(default="7/5/24", pattern=r"^\d{1,3}/\d{1,3}/\d{1,3}$")
    """Copies that are kept: the last of each of so many days, weeks, months."""
    backup_at: str = Field(default="", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """Time of day at which the worker calls `ged backup`, ``01:15``; empty: something else calls it (a timer)."""
    mail_unacknowledged_hours: int = 24
    """Hours after which a slip that nobody has received is shown as late."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        """Refuse a time zone that this machine does not know, before a date is computed by it."""
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError):
            raise ValueError(f"no time zone {name} is known here: correct it, or install tzdata") from None
        return name

    @property
    def embedded(self) -> bool:
        """Whether the database is SQLite (one worker process)."""
        return self.url.startswith("sqlite")

    @property
    def url(self) -> str:
        """The database URL, with the embedded default inside ``data_dir``."""
        return self.database_url or f"sqlite:///{self.data_dir / 'ged.sqlite3'}"

    @property
    def zone(self) -> ZoneInfo:
        """The installation's time zone. Register numbers bear the local date of this zone."""
        return ZoneInfo(self.timezone)


class _FileSettings(Settings):
    """Settings of a file alone."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave the variables of the process out."""
        return init_settings, dotenv_settings


def load_settings(env_file: Path | None = None, *, alone: bool = False) -> Settings:
    """Read and check the settings.

    Args:
        env_file: file of ``GED_NAME=value`` lines; environment variables of the process take precedence, except over the
            file of a training installation.
        alone: the file counts alone: it is of another installation than the process's variables.

    Raises:
        ConfigError: ``config.unknown``, ``config.invalid`` or ``config.mixture``, naming the setting; ``config.training``,
            ``config.training_folder``: a training and a real installation would meet.
    """
    in_file = _read_env_file(env_file)
    is_alone = alone or "GED_TRAINING" in in_file
    given = in_file if is_alone else {**in_file, **_own_variables()}
    known = {f"GED_{name.upper()}" for name in Settings.model_fields}
    for name in given:
        if name not in known:
            raise ConfigError("config.unknown", f"remove {name} or correct its spelling", setting=name)
    try:
        kind = _FileSettings if is_alone else Settings
        settings = kind(_env_file=env_file)  # type: ignore[call-arg]  # pydantic-settings' own argument
    except SettingsError as error:
        # A list that is no JSON. Its own text names the field alone.
        setting = f"GED_{str(error).partition(chr(34))[2].partition(chr(34))[0]}".upper()
        raise ConfigError(
            "config.invalid", f'set {setting}: write a list, as ["one", "two"]', setting=setting
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        field, *within = first["loc"]
        setting = f"GED_{field}".upper()
        entry = "".join(f" (entry {part + 1})" for part in within if isinstance(part, int))
        raise ConfigError("config.invalid", f"set {setting}{entry}: {first['msg']}", setting=setting) from None
    refuse_meeting(settings)
    _refuse_mixtures(settings)
    _refuse_clear_links(settings)
    _refuse_half_of_the_servers(settings)
    _refuse_half_a_store(settings)
    _refuse_half_of_a_directory(settings)
    return settings


OUTSIDE = (
    "database_url", "redis_url", "redis_ca", "elasticsearch_url", "elasticsearch_api_key", "elasticsearch_ca",
    "elasticsearch_snapshots", "clamd", "tsa_urls", "trusted_dir", "key_module", "seal_chain", "seal_pkcs12", "seal_secret",
    "seal_module", "seal_token", "seal_url", "seal_label", "smtp_url", "smtp_ca", "mailboxes_file", "protected_hosts",
    "keyring", "blobs", "s3_endpoint", "s3_secret_key", "s3_ca",
    "backup_to", "backup_keys_to", "backup_s3_endpoint", "backup_s3_secret_key", "backup_s3_ca",
    "ldap_url", "ldap_bind_password", "ldap_ca", "oidc_issuer", "oidc_client_secret", "oidc_ca",
)  # fmt: skip
"""Settings that lead out of an installation's own folder: to servers, addresses, keys and authorities."""


def refuse_meeting(settings: Settings) -> None:
    """Check that a training installation and a real one cannot meet.

    Raises:
        ConfigError: ``config.training``: a setting of a training installation leads out of its folder, or
            ``GED_TRAINING`` is a variable of a real installation's process; ``config.training_folder``: the data folder is
            of the other kind; ``config.data_denied``: this user may not look into it.
    """
    if settings.training:
        led_out = next(
            (name for name in OUTSIDE if name in settings.model_fields_set and getattr(settings, name)), None
        )
        if led_out is not None:
            setting = f"GED_{led_out.upper()}"
            raise ConfigError("config.training", f"remove {setting}: a training installation is alone", setting=setting)
        if not isinstance(settings, _FileSettings) and "GED_TRAINING" in os.environ:
            raise ConfigError(
                "config.training", "make a training installation by `ged training start`", setting="GED_TRAINING"
            )
    if settings.training != _is_of_training(settings.data_dir):
        remedy = "is no training installation" if settings.training else "is a training installation"
        raise ConfigError(
            "config.training_folder", f"{settings.data_dir} {remedy}: name another folder", setting="GED_DATA_DIR"
        )


def _is_of_training(folder: Path) -> bool:
    try:
        return (folder / TRAINING_MARK).is_file()
    except PermissionError:
        raise ConfigError(
            "config.data_denied",
            f"run this as the user who owns {folder}, or give the folder back to the user of the service",
            setting="GED_DATA_DIR",
        ) from None


def refuse_unknown_addresses(settings: Settings) -> None:
    """Refuse to serve behind an undeclared proxy: all clients would seem to have the same address.

    Raises:
        ConfigError: ``config.proxies``.
    """
    if settings.public_url.startswith("https://") and not settings.proxies and not settings.direct:
        raise ConfigError(
            "config.proxies",
            "set GED_PROXIES to the number of proxies before the site (1 behind one nginx), each passing "
            "X-Forwarded-For and X-Forwarded-Proto; or GED_DIRECT=true when browsers reach the site itself",
            setting="GED_PROXIES",
        )


def _own_variables() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k.startswith("GED_") and not k.startswith(FOREIGN_PREFIXES)}


def _read_env_file(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def _refuse_mixtures(settings: Settings) -> None:
    if settings.embedded and settings.redis_url:
        raise ConfigError(
            "config.mixture",
            "RQ workers need PostgreSQL: set GED_DATABASE_URL=postgresql+psycopg://… or remove GED_REDIS_URL",
            setting="GED_REDIS_URL",
        )
    if settings.redis_url and not settings.elasticsearch_url:
        raise ConfigError(
            "config.mixture",
            "several workers cannot write one tantivy index: set GED_ELASTICSEARCH_URL or remove GED_REDIS_URL",
            setting="GED_ELASTICSEARCH_URL",
        )
    if settings.embedded and settings.elasticsearch_url:
        raise ConfigError(
            "config.mixture",
            "Elasticsearch belongs to the servers shape: set GED_DATABASE_URL=postgresql+psycopg://… or remove "
            "GED_ELASTICSEARCH_URL",
            setting="GED_ELASTICSEARCH_URL",
        )


def _refuse_half_of_the_servers(settings: Settings) -> None:
    """There are two shapes, each proven whole: everything in the data folder, or PostgreSQL, Redis and Elasticsearch."""
    if not settings.embedded and not settings.redis_url:
        raise ConfigError(
            "config.mixture",
            "PostgreSQL belongs to the servers shape: set GED_REDIS_URL and GED_ELASTICSEARCH_URL too, or remove "
            "GED_DATABASE_URL to keep everything in the data folder",
            setting="GED_REDIS_URL",
        )


def _refuse_half_a_store(settings: Settings) -> None:
    to = settings.backup_to or ""
    if to.startswith("s3:") and not re.fullmatch(BUCKET, to):
        raise ConfigError("config.invalid", "write GED_BACKUP_TO as s3://bucket/prefix", setting="GED_BACKUP_TO")
    if settings.blobs and not (settings.s3_access_key and settings.s3_secret_key):
        raise ConfigError(
            "config.mixture",
            "files in S3 need GED_S3_ACCESS_KEY and GED_S3_SECRET_KEY, or remove GED_BLOBS",
            setting="GED_S3_ACCESS_KEY",
        )
    if settings.blobs and settings.s3_lock and settings.keyring is None:
        raise ConfigError(
            "config.mixture",
            "a locked file can only be disposed of by its key: set GED_KEYRING, or remove GED_S3_LOCK",
            setting="GED_S3_LOCK",
        )


def _refuse_half_of_a_directory(settings: Settings) -> None:
    needed = {
        "ldap_url": ("ldap_base", "ldap_bind_dn", "ldap_bind_password"),
        "oidc_issuer": ("oidc_client_id",),
    }
    for led_by, others in needed.items():
        for name in others:
            if getattr(settings, led_by) and not getattr(settings, name):
                setting = f"GED_{name.upper()}"
                raise ConfigError("config.invalid", f"set {setting}, or remove GED_{led_by.upper()}", setting=setting)
    if settings.oidc_issuer and "openid" not in settings.oidc_scopes:
        raise ConfigError("config.invalid", 'let GED_OIDC_SCOPES hold "openid"', setting="GED_OIDC_SCOPES")


def _refuse_clear_links(settings: Settings) -> None:
    require_checked_database(settings.url, settings.protected_hosts)
    if settings.redis_url:
        require_closed_redis(settings.redis_url, settings.protected_hosts)
    if settings.redis_ca and not (settings.redis_url or "").startswith("rediss://"):
        raise ConfigError(
            "config.invalid", "begin GED_REDIS_URL with rediss://, or remove GED_REDIS_CA", setting="GED_REDIS_CA"
        )
    if settings.elasticsearch_url:
        require_checked_web("GED_ELASTICSEARCH_URL", settings.elasticsearch_url, settings.protected_hosts)
    if settings.seal_url:
        require_checked_web("GED_SEAL_URL", settings.seal_url, settings.protected_hosts)
    if settings.s3_endpoint:
        require_checked_web("GED_S3_ENDPOINT", settings.s3_endpoint, settings.protected_hosts)
    if settings.backup_s3_endpoint:
        require_checked_web("GED_BACKUP_S3_ENDPOINT", settings.backup_s3_endpoint, settings.protected_hosts)
    if settings.oidc_issuer:
        require_checked_web("GED_OIDC_ISSUER", settings.oidc_issuer, settings.protected_hosts)
    if settings.clamd:
        require_near_scanner(settings.clamd, settings.protected_hosts)
    smtp = settings.smtp_url.get_secret_value() if settings.smtp_url else "smtp://localhost"
    if not smtp.startswith(("smtp://", "smtps://")):
        raise ConfigError("config.invalid", "begin GED_SMTP_URL with smtp:// or smtps://", setting="GED_SMTP_URL")
