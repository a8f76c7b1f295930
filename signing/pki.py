"""The ministry's own authority: a root that is kept offline, an issuing authority, certificates for people and seal.

To use an accredited authority instead, put its root into the folder ``trusted`` beside ours. Profiles:
``signing.profiles``.
"""

import errno
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ged.durable import make_folder, replace_file, sync_folder
from ged.errors import ConfigError, Invalid
from ged.ports import CertifiedPerson, RevokedCertificate
from signing import authority_key, profiles
from signing.authority_key import curve_key, encrypted, secret_password
from signing.profiles import PersonKey, PublicKey, StatusAddress, Wish
from signing.secrets import Argon2Cost
from signing.trust import TRAINING

__all__ = ["Authority", "OfflineRoot", "PersonKey", "trusted_roots"]

ROOT_VALIDITY = timedelta(days=20 * 365 + 5)
ISSUING_VALIDITY = timedelta(days=10 * 365 + 2)
PERSON_VALIDITY = timedelta(days=3 * 365)
ROOT_LIST_VALIDITY = timedelta(days=400)
"""The root's revocation list is made by hand once a year."""


@dataclass(frozen=True)
class OfflineRoot:
    """The folder of the root's key, outside of the installation, and the passphrase that opens it."""

    folder: Path
    passphrase: str = field(repr=False)

    def open(self) -> ec.EllipticCurvePrivateKey:
        """The key.

        Raises:
            ConfigError: ``authority.root_missing``.
            Invalid: ``authority.root_passphrase``.
        """
        try:
            content = (self.folder / "root.key").read_bytes()
        except OSError as error:
            raise ConfigError(
                "authority.root_missing", "Name the folder that holds the root's key.", setting="--root"
            ) from error
        try:
            return curve_key(content, self.passphrase.encode())
        except ValueError:
            raise Invalid("authority.root_passphrase", "Type the passphrase of the root again.") from None


class Authority:
    """The issuing authority, opened."""

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        certificate: x509.Certificate,
        root: x509.Certificate,
        country: str,
        address: StatusAddress | None = None,
    ) -> None:
        self._key = key
        self._country = country
        self._address = address or StatusAddress()
        self.certificate = certificate
        self.root = root

    @classmethod
    def create(
        cls,
        folder: Path,
        secret: bytes,
        organisation: str,
        now: datetime,
        country: str = "TG",
        *,
        offline: OfflineRoot | None = None,
        address: StatusAddress | None = None,
        passphrase: str = "",
        cost: Argon2Cost | None = None,
    ) -> Self:
        """Make root and issuing authority in ``folder``.

        Args:
            passphrase: opens the issuing key, together with the server's secret. Without a passphrase the secret alone
                opens it (for trials only: a thief of data and secret can certify anybody).
            cost: of the passphrase's derivation.
            offline: where the root's key goes, encrypted with a passphrase. Without it, the key stays in ``folder``
                (for trials only: a thief of the server has the root).
            address: where the site publishes revocation status.

        Raises:
            Invalid: ``authority.exists``: an authority is never overwritten, else its signatures would lose their root.
        """
        if any((place / "root.key").exists() for place in [folder, *([offline.folder] if offline else [])]):
            raise _exists()
        if (folder / "root.pem").exists():
            raise _exists()
        root_key, issuing_key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
        root_name = profiles.institution(f"Autorité racine {organisation}", organisation, country)
        issuing_name = profiles.institution(f"Autorité de signature {organisation}", organisation, country)
        public = root_key.public_key()
        wish = Wish(root_name, public, root_name, public, now, now + ROOT_VALIDITY)
        root = profiles.authority(wish, path_length=1).sign(root_key, hashes.SHA384())
        issuing = _issuing(issuing_name, issuing_key.public_key(), root, root_key, now, address)
        files = {
            "issuing.key": authority_key.locked(issuing_key, secret, passphrase, cost=cost),
            "issuing.pem": _pem(issuing),
            "root.pem": _pem(root),
            "root.crl": _root_list(root, root_key, (), now),
        }
        kept = {"root.key": encrypted(root_key, offline.passphrase.encode() if offline else secret_password(secret))}
        if offline is not None:
            # The root's key first: killed between the two, a medium has a key of nothing, never a server an authority
            # without root.
            _write_folder(offline.folder, {**kept, "root.pem": _pem(root)})
            _write_folder(folder, files)
        else:
            _write_folder(folder, {**files, **kept})
        return cls(issuing_key, issuing, root, country, address)

    @classmethod
    def open(
        cls,
        folder: Path,
        secret: bytes,
        *,
        address: StatusAddress | None = None,
        passphrase: Callable[[], str] | None = None,
    ) -> Self:
        """Open the issuing authority; the root's key is not touched and may be kept elsewhere.

        Args:
            passphrase: returns the passphrase (it may prompt for it); called only when the key needs one.

        Raises:
            ConfigError: ``authority.missing``, ``authority.secret_wrong``, ``authority.locked`` (a passphrase is needed
                and ``passphrase`` is not given), ``authority.key_damaged``.
            Invalid: ``authority.passphrase_wrong``.
        """
        root, issuing = certificates_in(folder)
        try:
            content = (folder / "issuing.key").read_bytes()
        except FileNotFoundError as error:
            raise _missing() from error
        words = ""
        if authority_key.is_protected(folder):
            if passphrase is None:
                raise ConfigError(
                    "authority.locked", "Only the command line opens the authority (ged pki).", setting="authority_dir"
                )
            words = passphrase()
        key = authority_key.opened(content, secret, words)
        countries = issuing.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)
        return cls(key, issuing, root, str(countries[0].value) if countries else "TG", address)

    def protect(self, folder: Path, secret: bytes, passphrase: str, *, cost: Argon2Cost | None = None) -> None:
        """Encrypt the issuing key with a passphrase and the server's secret. The old passphrase opens it no more."""
        content = authority_key.locked(self._key, secret, passphrase, cost=cost)
        replace_file(folder / "issuing.key", content, mode=0o600)

    def certify(self, public_key: PublicKey, person: CertifiedPerson, *, now: datetime) -> x509.Certificate:
        """Issue a certificate to a person, valid for three years (never longer than the authority itself)."""
        known = person.identifier or x509.SubjectKeyIdentifier.from_public_key(public_key).digest.hex()
        subject = profiles.person(person.name, person.organisation, self._country, title=person.title, identifier=known)
        builder = self._signer(subject, public_key, now)
        if person.email and person.email.isascii():  # rfc822Name is an IA5String
            name = x509.RFC822Name(person.email)
            builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        return builder.sign(self._key, hashes.SHA384())

    def certify_seal(
        self, public_key: PublicKey, *, organisation: str, identifier: str = "", now: datetime
    ) -> x509.Certificate:
        """Issue a certificate to the institution, for its seal (EN 319 412-3).

        Raises:
            ConfigError: ``seal.identifier``.
        """
        known = identifier or profiles.identifier_of(organisation, self._country)
        subject = profiles.institution(f"Cachet {organisation}", organisation, self._country, identifier=known)
        return self._signer(subject, public_key, now).sign(self._key, hashes.SHA384())

    def certify_responder(self, public_key: PublicKey, *, now: datetime, not_after: datetime) -> x509.Certificate:
        """Issue a certificate to the OCSP responder."""
        organisation = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        organisation_name = str(organisation[0].value) if organisation else ""
        subject = profiles.institution("Répondeur OCSP", organisation_name, self._country)
        return profiles.responder(self._wish(subject, public_key, now, not_after)).sign(self._key, hashes.SHA384())

    def revocation_list(self, revoked: Sequence[RevokedCertificate], *, now: datetime, next_update: datetime) -> bytes:
        """The revocation list of this authority, DER."""
        return profiles.revocation_list(self.certificate, self._key, revoked, now=now, next_update=next_update)

    def _signer(self, subject: x509.Name, public_key: PublicKey, now: datetime) -> x509.CertificateBuilder:
        wish = self._wish(subject, public_key, now, now + PERSON_VALIDITY)
        return self._address.added(profiles.signer(wish), by="issuing")

    def _wish(self, subject: x509.Name, public_key: PublicKey, now: datetime, not_after: datetime) -> Wish:
        ends_at = min(not_after, self.certificate.not_valid_after_utc)
        return Wish(subject, public_key, self.certificate.subject, self._key.public_key(), now, ends_at)


def certificates_in(folder: Path) -> tuple[x509.Certificate, x509.Certificate]:
    """The certificates of root and issuing authority.

    Raises:
        ConfigError: ``authority.missing``.
    """
    try:
        root, issuing = ((folder / name).read_bytes() for name in ("root.pem", "issuing.pem"))
    except FileNotFoundError as error:
        raise _missing() from error
    return x509.load_pem_x509_certificate(root), x509.load_pem_x509_certificate(issuing)


def carry_root_out(folder: Path, secret: bytes, offline: OfflineRoot) -> None:
    """Move the root's key of a trial authority out of the installation, onto a medium, encrypted with a passphrase.

    An interrupted call loses nothing: the next call goes on.

    Raises:
        ConfigError: ``authority.root_foreign``: the secret does not open the key.
        Invalid: ``authority.exists``: another root is on the medium; ``authority.root_passphrase``.
    """
    root, _ = certificates_in(folder)
    try:
        key = curve_key((folder / "root.key").read_bytes(), secret_password(secret))
    except ValueError as error:
        raise ConfigError(
            "authority.root_foreign",
            "Move root.key out of the installation by hand: the server's secret does not open it.",
            setting="--root",
        ) from error
    if not (offline.folder / "root.key").exists():
        kept = {"root.key": encrypted(key, offline.passphrase.encode()), "root.pem": _pem(root)}
        _write_folder(offline.folder, kept)
    elif offline.open().public_key() != key.public_key():
        raise _exists()
    # Last: the medium holds the key durably, or held it before.
    (folder / "root.key").unlink()


def renew_issuing(
    folder: Path, offline: OfflineRoot, *, now: datetime, address: StatusAddress | None = None
) -> x509.Certificate:
    """Renew the issuing authority's certificate. Name and key stay the same, so its certificates stay valid."""
    root, before = certificates_in(folder)
    issuing = _issuing(before.subject, before.public_key(), root, offline.open(), now, address)
    replace_file(folder / "issuing.pem", _pem(issuing), mode=0o644)
    return issuing


def renew_root_list(
    folder: Path, offline: OfflineRoot, revoked: Sequence[RevokedCertificate] = (), *, now: datetime
) -> None:
    """Renew the root's revocation list. The keeper then carries it to the site, which publishes it."""
    root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
    replace_file(folder / "root.crl", _root_list(root, offline.open(), revoked, now), mode=0o644)


def root_list(folder: Path, secret: bytes, *, now: datetime) -> bytes | None:
    """The root's revocation list, DER; None when it has expired. Renewed here if the root's key is in the folder."""
    root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
    path, key = folder / "root.crl", folder / "root.key"
    content = path.read_bytes() if path.exists() else None
    ends_at = x509.load_der_x509_crl(content).next_update_utc if content is not None else None
    if ends_at is not None and ends_at > now:
        return content
    return _root_list(root, curve_key(key.read_bytes(), secret_password(secret)), (), now) if key.exists() else None


def trusted_roots(folder: Path, more: Path | None = None) -> tuple[str, ...]:
    """Our own root, then every certificate in the folder ``trusted`` and in ``more``, as PEM.

    Raises:
        ConfigError: ``authority.training``: one of them is of a training installation.
    """
    own = [folder / "root.pem"] if (folder / "root.pem").exists() else []
    given = [path for place in (folder / "trusted", more) if place for path in sorted(place.glob("*.pem"))]
    for path in given:
        _refuse_training(path)
    return tuple(path.read_text("ascii") for path in [*own, *given])


def _refuse_training(path: Path) -> None:
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError:
        return  # whoever uses the root says that it cannot be read
    names = [str(one.value) for certificate in found for one in certificate.subject]
    if any(name.startswith(TRAINING) for name in names):
        raise ConfigError("authority.training", f"remove {path}: it is of a training installation", setting=str(path))


def make_seal(authority: Authority, folder: Path, secret: bytes, *, identifier: str, now: datetime) -> x509.Certificate:
    """Make and certify a key for the institution's seal. It replaces the previous key; earlier seals stay valid."""
    key = ec.generate_private_key(ec.SECP384R1())
    organisation = authority.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    made = authority.certify_seal(key.public_key(), organisation=str(organisation), identifier=identifier, now=now)
    sealed = _pem(made) + _pem(authority.certificate) + encrypted(key, secret_password(secret))
    replace_file(folder / "seal.pem", sealed, mode=0o600)  # key and certificate change together
    return made


def open_seal(folder: Path, secret: bytes) -> tuple[ec.EllipticCurvePrivateKey, list[x509.Certificate]] | None:
    """The seal's key and certificates; None when none was made."""
    try:
        content = (folder / "seal.pem").read_bytes()
    except FileNotFoundError:
        return None
    return curve_key(content[content.index(b"-----BEGIN ENCRYPTED") :], secret_password(secret)), (
        x509.load_pem_x509_certificates(content)
    )


def _issuing(
    subject: x509.Name,
    public_key: object,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    address: StatusAddress | None,
) -> x509.Certificate:
    if not isinstance(public_key, ec.EllipticCurvePublicKey):
        raise ConfigError("authority.key_unsupported", "Use an elliptic-curve key.", setting="authority_dir")
    not_after = min(now + ISSUING_VALIDITY, root.not_valid_after_utc)
    wish = Wish(subject, public_key, root.subject, root_key.public_key(), now, not_after)
    builder = profiles.authority(wish, path_length=0)
    return (address or StatusAddress()).added(builder, by="root").sign(root_key, hashes.SHA384())


def _root_list(
    root: x509.Certificate, key: ec.EllipticCurvePrivateKey, revoked: Sequence[RevokedCertificate], now: datetime
) -> bytes:
    return profiles.revocation_list(root, key, revoked, now=now, next_update=now + ROOT_LIST_VALIDITY)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files at once, or none: of two concurrent commands one wins, and nobody sees half an authority."""
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        new = Path(scratch) / "authority"
        new.mkdir(mode=0o700)
        for name, content in files.items():
            replace_file(new / name, content, mode=0o600 if name.endswith(".key") else 0o644)
        try:
            new.rename(folder)  # over a missing or empty folder only
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise _exists() from error
            raise
    sync_folder(folder.parent)


def _missing() -> ConfigError:
    return ConfigError("authority.missing", "Create the authority first: ged pki init.", setting="authority_dir")


def _exists() -> Invalid:
    return Invalid("authority.exists", "Use the authority that is there, or name an empty folder.")
