"""A software token (SoftHSM 2) in the test's folder. Its keys are generated inside it."""

import os
import shutil
import subprocess
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
PIN, OFFICER_PIN = "483920771564", "11112222"  # so long that no clock in a log shows it by chance


class SoftToken:
    """A token named ``seal``. ``taken_out`` and ``plugged_in`` imitate the hand of a person."""

    name = "seal"
    pin = PIN

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        found = [path for path in LIBRARIES if Path(path).exists()]
        if not found or shutil.which("softhsm2-util") is None:
            pytest.skip("softhsm2 is not installed: python3 scripts/setup.py test")
        self.module = Path(found[0])
        self._tokens, self._away = folder / "tokens", folder / "pulled-out"
        self._tokens.mkdir(parents=True)
        config = folder / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {self._tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        monkeypatch.setenv("SOFTHSM2_CONF", str(config))
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", self.name, "--pin", PIN, "--so-pin", OFFICER_PIN],
            check=True, capture_output=True, timeout=30, env=dict(os.environ),
        )  # fmt: skip
        self._library = pkcs11.lib(str(self.module))
        self._library.reinitialize()

    def make_rsa(self, label: str, bits: int = 3072) -> rsa.RSAPublicKey:
        """Make an RSA key inside the token. Returns its public half."""
        with self._library.get_token(token_label=self.name).open(rw=True, user_pin=PIN) as session:
            public, _ = session.generate_keypair(pkcs11.KeyType.RSA, bits, label=label, store=True)
            loaded = serialization.load_der_public_key(_spki(encode_rsa_public_key(public)))
        assert isinstance(loaded, rsa.RSAPublicKey)
        return loaded

    def make_ec(self, label: str, curve: str = "secp384r1") -> ec.EllipticCurvePublicKey:
        """Make an elliptic-curve key inside the token. Returns its public half."""
        with self._library.get_token(token_label=self.name).open(rw=True, user_pin=PIN) as session:
            parameters = session.create_domain_parameters(
                pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True
            )
            public, _ = parameters.generate_keypair(label=label, store=True)
            loaded = serialization.load_der_public_key(encode_ec_public_key(public))
        assert isinstance(loaded, ec.EllipticCurvePublicKey)
        return loaded

    def taken_out(self) -> None:
        """Pull the token out."""
        self._tokens.rename(self._away)
        self._tokens.mkdir()

    def plugged_in(self) -> None:
        """Plug it in again."""
        self._tokens.rmdir()
        self._away.rename(self._tokens)


def _spki(pkcs1: bytes) -> bytes:
    """DER of a SubjectPublicKeyInfo, which all libraries read, from the PKCS#1 key that PKCS#11 returns."""
    key = serialization.load_der_public_key(pkcs1)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
