"""No log, job or table contains keys, passphrases or contents of documents, whatever fails."""

import base64
import dataclasses
import logging
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import select, text

from ged import pipeline
from ged.errors import EngineFailed, GedError
from ged.jobs import Job, JobState
from ged.ports import JobId
from ged.signbook import operations
from signing.keys import unseal
from signing.pades import PadesSigner
from signing.preserve import PadesPreserver
from signing.rawkeys import MemoryKey
from tests.factories import NOW
from tests.servers import free_port
from tests.signbook_kit import PASSPHRASE, House, house
from tests.signing_kit import SENDER, request
from tests.site import give_passwords, open_site, post, sign_in

__all__ = ["house"]
WRONG = "une phrase que personne ne doit lire"
BODY = "dossier complet"  # in the letter that is signed (tests.signbook_kit)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """All log records of any level, with their tracebacks."""
    logged: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.append(logging.Formatter().format(record))

    root, handler = logging.getLogger(), Keeping()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield logged
    root.removeHandler(handler)
    root.setLevel(before)


def spellings(secret: bytes) -> list[str]:
    """How bytes may be written: as they are, in base64, in hexadecimal, as Python's repr."""
    return [
        secret.decode("latin-1"),
        base64.b64encode(secret).decode().strip("="),
        base64.urlsafe_b64encode(secret).decode().strip("="),
        secret.hex(),
        repr(secret)[2:-1],
    ]


def test_nothing_secret_is_written_down(house: House, lines: list[str]) -> None:
    dead = f"http://127.0.0.1:{free_port()}/"
    preserver = PadesPreserver([dead], house.services.vault.trust_roots_pem)
    services = house.services = dataclasses.replace(house.services, preserver=preserver)
    app = open_site(Path(services.data_dir), services)
    give_passwords(services)
    mail_id, crashing = house.ready(), house.ready()
    opened = house.key("sg")
    client = sign_in(app, "sg")
    for passphrase in (WRONG, PASSPHRASE):
        post(client, "/cle/deverrouiller", {"passphrase": passphrase}, page="/cle/deverrouiller")
    cookie = client.get_cookie("ged_key")
    assert cookie is not None
    browser_key = cookie.value.partition(".")[2]

    # The time-stamp authority is unreachable; the signer fails; the engine dies with the document.
    stamping = dataclasses.replace(services, signer=PadesSigner([dead]))
    letters = [operations.ToSign(mail_id, house.show(mail_id, "sg").version_no)]
    (result,) = operations.sign_many(stamping, letters, key=opened, actor=house.who("sg"), now=NOW)
    assert result.failure is None
    house.signer.failures.append(EngineFailed("sign.failed"))
    assert house.sign(crashing, key=opened)[0].failure is not None
    with pytest.raises(GedError):
        PadesSigner().sign(
            b"%PDF-1.7 " + BODY.encode(), _request(), sealed=opened.sealed, cookie_key=opened.cookie_key, now=NOW
        )
    with services.reading() as session:
        waiting = session.scalars(select(Job.id).where(Job.state == JobState.QUEUED)).all()
    for job_id in waiting:
        pipeline.run_job(services, JobId(job_id), worker="w")

    held = unseal(opened.sealed, opened.cookie_key, now=NOW)
    assert isinstance(held, MemoryKey)
    key = held.key
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    number = key.private_numbers().private_value  # type: ignore[union-attr]
    secrets = [PASSPHRASE, WRONG, browser_key, opened.cookie_key, f"{number:x}", str(number)]
    secrets += [one for content in (der, der[36:68], opened.sealed) for one in spellings(content)]
    log = "\n".join(lines)
    assert "time-stamp authority" in log  # the log was recorded
    for secret in [*secrets, BODY, "%PDF-1.7"]:
        assert secret not in log, secret
    kept = _tables(services)
    assert "signing_keys" in kept
    for secret in secrets:
        assert secret not in kept, secret


def _request():  # type: ignore[no-untyped-def]
    return request(SENDER, at=NOW)


def _tables(services) -> str:  # type: ignore[no-untyped-def]
    """All rows of all tables, as text."""
    written = BytesIO()
    with services.engine.connect() as connection:
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        for name in names:
            for row in connection.execute(text(f'SELECT * FROM "{name}"')):
                for value in (name, *row):
                    written.write(value if isinstance(value, bytes) else str(value).encode())
                    written.write(b"\n")
    return written.getvalue().decode("latin-1")
