"""Settings -> what a backup needs: the medium, for whom it is encrypted, the keys that go elsewhere."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ged.adapters.age import AgeIdentities, AgePassphrase, AgeRecipients, make_pair
from ged.backup.medium import FolderMedium
from ged.backup.order import KeysOrder, Order
from ged.backup.places import AnyMedium
from ged.backup.retention import Retention
from ged.codes import derive_secret
from ged.config import FOREIGN_PREFIXES, Settings
from ged.errors import ConfigError
from ged.ports import Decryptor
from web.wiring import settings_file, stored_files

FILES = (
    "redis_ca", "elasticsearch_ca", "s3_ca", "backup_s3_ca", "smtp_ca", "ldap_ca", "oidc_ca", "trusted_dir", "seal_chain", "seal_pkcs12", "mailboxes_file",
)  # fmt: skip
"""Settings that name files or folders of this machine, which are copied with the keys."""


@dataclass(frozen=True)
class Given:
    """What a command says in place of the settings; None: as they say."""

    to: str | None = None
    recipients: Sequence[str] = ()
    keys_to: Path | None = None
    keys_recipients: Sequence[str] = ()
    keys_passphrase: str = ""
    keep: str | None = None


def order(settings: Settings, given: Given, file: Path) -> Order:
    """What is to be copied where.

    Args:
        file: of the settings; it goes with the keys.

    Raises:
        ConfigError: ``backup.not_set``, ``backup.recipient_invalid``, ``backup.settings_elsewhere``.
    """
    medium, recipients = given.to or settings.backup_to, given.recipients or settings.backup_recipients
    if medium is None:
        raise ConfigError("backup.not_set", "name the medium: --to, or GED_BACKUP_TO", setting="GED_BACKUP_TO")
    if not recipients:
        raise ConfigError(
            "backup.not_set",
            "name the public key: --recipient, or GED_BACKUP_RECIPIENTS (`ged backup keygen --to FILE` makes a pair)",
            setting="GED_BACKUP_RECIPIENTS",
        )
    return Order(
        medium=medium_at(settings, medium),
        encryptor=AgeRecipients(recipients),
        object_key=derive_secret(settings.secret.get_secret_value(), "backup"),
        keys=_keys(settings, given, recipients, file),
        keep=Retention.of(given.keep or settings.backup_keep),
    )


def medium_at(settings: Settings | None, address: str) -> AnyMedium:
    """The medium of an address: a folder, or ``s3://bucket/prefix`` with the access that the settings name, or the process's variables.

    Raises:
        ConfigError: ``backup.not_set``.
    """
    if not address.startswith("s3://"):
        return FolderMedium(Path(address))
    found: AnyMedium = stored_files.s3().medium(settings, address)
    return found


def _keys(settings: Settings, given: Given, recipients: Sequence[str], file: Path) -> KeysOrder:
    place, standing = given.keys_to, settings.backup_keys_to
    if place is None and standing is not None and standing.is_dir():
        place = standing  # its stick may lie in the safe: then letters are copied all the same
    content = settings_content(settings, file)
    copy_keyring = None if settings.keyring is None else partial(_copy_keyring, settings)
    if place is None:
        return KeysOrder(None, None, content, copy_keyring, settings.keyring)
    if given.keys_passphrase:
        return KeysOrder(place, AgePassphrase(given.keys_passphrase), content, copy_keyring, settings.keyring)
    encryptor = AgeRecipients(given.keys_recipients or settings.backup_keys_recipients or recipients)
    return KeysOrder(place, encryptor, content, copy_keyring, settings.keyring)


def _copy_keyring(settings: Settings, folder: Path) -> None:
    with stored_files.opened(settings) as (_, keyring):
        keyring.copy_to(folder)


def settings_content(settings: Settings, file: Path) -> Mapping[str, bytes]:
    """Name in the archive of keys -> content: the settings, and the files that they name.

    Raises:
        ConfigError: ``backup.settings_elsewhere``: they are not those by which the installation runs.
    """
    lines = file.read_text(encoding="utf-8").rstrip("\n") + "\n" if file.is_file() else ""
    if not settings.training:
        own = {
            k: v for k, v in sorted(os.environ.items()) if k.startswith("GED_") and not k.startswith(FOREIGN_PREFIXES)
        }
        # Behind those of the file, over which they take precedence: of two lines of one name the later counts.
        lines += "".join(f"{name}={value}\n" for name, value in own.items())
    pairs = [line.partition("=") for line in lines.splitlines()]
    secrets = [value.strip().strip("\"'") for name, _, value in pairs if name.strip() == "GED_SECRET"]
    if settings.secret.get_secret_value() not in secrets[-1:]:
        raise ConfigError(
            "backup.settings_elsewhere",
            f"set GED_ENV_FILE to the file of this installation's settings: {file} does not hold its secret",
            setting="GED_ENV_FILE",
        )
    found = {settings_file.NAME: lines.encode()}
    for name in FILES:
        place: Path | None = getattr(settings, name)
        if place is None or not place.exists():
            continue
        files = sorted(one for one in place.iterdir() if one.is_file()) if place.is_dir() else [place]
        found |= {f"files/{name}/{one.name}": one.read_bytes() for one in files}
    return found


def identities(file: Path) -> Decryptor:
    """The private keys of a file.

    Raises:
        ConfigError: ``backup.identity_invalid``.
    """
    return AgeIdentities(file)


def public_key(file: Path) -> bytes:
    """The journal's public key (PEM) of a file: another file would say of each copy that somebody else made it.

    Raises:
        ConfigError: ``backup.no_public_key``.
    """
    pem = file.read_bytes()
    try:
        is_one = isinstance(load_pem_public_key(pem), Ed25519PublicKey)
    except (ValueError, UnsupportedAlgorithm):
        is_one = False
    if not is_one:
        raise ConfigError(
            "backup.no_public_key",
            f"name a copy of the journal's public key (seal/journal.pub of the data folder): {file} is none",
            setting="--key",
        )
    return pem


def passphrase(text: str) -> Decryptor:
    """A passphrase, for the archive of the keys."""
    return AgePassphrase(text)


def new_pair(file: Path) -> str:
    """Write a new private key into a new file, and return the public one."""
    return make_pair(file)
