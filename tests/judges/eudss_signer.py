"""PDFs signed by EU DSS with Apache PDFBox, which share no code with our checkers."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from tests.judges import eudss
from tests.pki_kit import NOW, Holder, Ministry, crl
from tests.servers import Unavailable

SOURCE = Path(__file__).parent / "EuDssSigner.java"
SIGN_S = 300


def sign(folder: Path, ministry: Ministry, steps: Sequence[str]) -> None:
    """Sign as ``steps`` say (see EuDssSigner.java), in one start. Skips the test when DSS is unavailable."""
    try:
        home = eudss.fetch()
    except Unavailable as refusal:
        pytest.skip(str(refusal))
    for name, holder in (("signer", ministry.signer), ("stamper", ministry.stamper)):
        (folder / f"{name}.p12").write_bytes(_pkcs12(holder, ministry.root))
    (folder / "root.crl").write_bytes(crl(ministry.root, {}))
    command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]
    command += ["-cp", f"{home}/lib/*", str(SOURCE), str(folder), str(int(NOW.timestamp() * 1000)), *steps]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=SIGN_S)


def _pkcs12(holder: Holder, root: Holder) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"x", holder.key, holder.certificate, [root.certificate], BestAvailableEncryption(b"x")
    )
