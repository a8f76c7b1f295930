"""Operations of commands on the ministry's certificate authority, the seal and people's tokens, by ``signing``."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ged.codes import derive_secret
from ged.config import Settings
from ged.errors import ConfigError, Invalid
from ged.org.certificates import revoked
from ged.ports import Certificate
from ged.unit import SYSTEM, Services
from signing import pki, published
from signing.keys import PASSPHRASE_MIN_CHARS, describe
from signing.pki import Authority, OfflineRoot
from signing.profiles import StatusAddress
from signing.token_keys import Tokens


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
        root: the folder, outside of the installation, for the root's key, encrypted with ``passphrase``. Without it,
            the key stays in the installation (for trials).
        issuing_passphrase: opens the issuing authority's key; empty for trials.

    Raises:
        Invalid: ``authority.exists``, ``key.passphrase_short``.
    """
    folder, secret = authority_dir(settings), keystore_secret(settings)
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
        passphrase: returns the passphrase; called only if the key needs one.

    Raises:
        ConfigError: ``authority.missing``, ``authority.secret_wrong``, ``authority.key_damaged``.
        Invalid: ``authority.passphrase_wrong``.
    """
    return Authority.open(
        authority_dir(settings), keystore_secret(settings), address=status_address(settings), passphrase=passphrase
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
    """Encrypt the authority's key with a (new) passphrase; write the revocation list and the responder for the site.

    Args:
        root: the folder to which the root's key of a trial authority is moved.

    Raises:
        ConfigError: ``authority.root_here``: the root's key is in the installation, and no folder was named.
        Invalid: ``key.passphrase_short``, ``authority.exists``, ``authority.root_passphrase``.
    """
    folder, secret = authority_dir(settings), keystore_secret(settings)
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
    # Before the key is closed. Killed in between, the authority signs its list itself as before; closed without a list,
    # nobody would learn what is revoked.
    publish_status(settings, services, authority, now=now)
    authority.protect(folder, secret, passphrase)
    with services.unit_of_work(now) as uow:
        uow.record("authority.protected", "installation", None, actor=SYSTEM)


def has_root_here(settings: Settings) -> bool:
    """Whether the root's key is in the installation."""
    return (authority_dir(settings) / "root.key").exists()


def publish_status(
    settings: Settings,
    services: Services,
    authority: Authority,
    *,
    now: datetime,
    validity: timedelta = published.LIST_VALIDITY,
) -> datetime:
    """Sign the revocation list and certify the site's OCSP responder; returns until when they are valid."""
    with services.reading() as session:
        gone = revoked(session)
    folder, secret = authority_dir(settings), keystore_secret(settings)
    return published.publish(folder, secret, authority, gone, now=now, validity=validity)


def renew_issuing_authority(settings: Settings, *, root: Path, passphrase: str, now: datetime) -> datetime:
    """Let the root renew the issuing authority's certificate; returns its end.

    Raises:
        ConfigError: ``authority.missing``, ``authority.root_missing``.
        Invalid: ``authority.root_passphrase``.
    """
    made = pki.renew_issuing(
        authority_dir(settings), OfflineRoot(root, passphrase), now=now, address=status_address(settings)
    )
    return made.not_valid_after_utc


def renew_root_list(settings: Settings, *, root: Path, passphrase: str, now: datetime) -> None:
    """Let the root sign a new revocation list.

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
        authority: the opened authority; may be omitted for a trial authority.

    Raises:
        ConfigError: ``authority.missing``, ``authority.secret_wrong``, ``authority.locked``.
    """
    folder, secret = authority_dir(settings), keystore_secret(settings)
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


def keystore_secret(settings: Settings) -> bytes:
    """The secret that opens the keys in the data folder."""
    return derive_secret(settings.secret.get_secret_value(), "keystore")


def status_address(settings: Settings) -> StatusAddress:
    """The address of revocation status in certificates."""
    return StatusAddress(settings.public_url.rstrip("/"))


def authority_dir(settings: Settings) -> Path:
    """The folder of the ministry's own certificate authority."""
    return settings.data_dir / "authority"
