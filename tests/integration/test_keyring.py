"""The keyring of an installation: made once, never silently anew, renewed and compared by commands."""

import io
import shutil
from pathlib import Path

import pytest

from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.master_keys import MASTER
from ged.config import load_settings
from ged.errors import ConfigError, EngineFailed
from ged.ports import Digest
from tests import commands
from tests.commands import Ended
from tests.migration_kit import make_at_head
from web.wiring.services import build_services
from web.wiring.stored_files import opened


def ged(folder: Path, *words: str) -> Ended:
    return commands.ged(*words, cwd=folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new installation, as ``ged init`` and ``ged migrate`` make it."""
    folder = tmp_path_factory.mktemp("made")
    assert ged(folder, "init").returncode == 0
    make_at_head(f"sqlite:///{folder / 'data' / 'ged.sqlite3'}", folder)
    assert ged(folder, "migrate").returncode == 0
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is where the commands are called."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(content: bytes) -> Digest:
    services = build_services(load_settings(Path("data-settings/ged.env")))
    try:
        return services.blobs.put(io.BytesIO(content)).digest
    finally:
        services.engine.dispose()


def test_a_new_installation_encrypts_and_a_copy_of_its_data_opens_nothing(place: Path) -> None:
    digest = put(b"Monsieur le Ministre")
    (stored,) = place.glob("data/blobs/??/??/*")
    assert b"Ministre" not in stored.read_bytes()
    with pytest.raises(EngineFailed, match="blob.no_keyring"):
        FileBlobs(place / "data" / "blobs").open(digest)
    assert sorted(path.name for path in (place / "data-keyring").iterdir()) == ["documents.sqlite3", MASTER]


def test_a_lost_keyring_is_told_and_none_is_made_in_its_place(place: Path) -> None:
    put(b"a letter")
    (place / "data-keyring").rename(place / "elsewhere")
    for words in (("migrate",), ("verify",), ("blobs", "check")):
        done = ged(place, *words)
        assert done.returncode == 1
        assert "keyring.lost" in done.stderr or "keyring.unreadable" in done.stderr
        assert "backup" in done.stderr
    (place / "elsewhere").rename(place / "data-keyring")
    assert ged(place, "blobs", "check").stdout == "1 files encrypted, 0 clear\n0 keys without a file\n"


def test_a_keyring_in_the_data_is_refused(place: Path) -> None:
    settings = place / "data-settings/ged.env"
    settings.write_text(settings.read_text().replace("data-keyring", "data/keyring"))
    assert "keyring.inside_data" in ged(place, "migrate").stderr
    with pytest.raises(ConfigError, match="keyring.inside_data"):
        build_services(load_settings(settings))


def test_an_installation_from_before_is_encrypted_by_one_command(place: Path) -> None:
    settings = place / "data-settings/ged.env"
    with_keyring = settings.read_text()
    settings.write_text("\n".join(line for line in with_keyring.splitlines() if "KEYRING" not in line))
    digests = [put(b"letter %d" % n) for n in range(3)]
    assert "keyring.none" in ged(place, "blobs", "encrypt").stderr
    settings.write_text(with_keyring)
    (torn,) = place.glob(f"data/blobs/??/??/{digests[0]}")
    whole = torn.read_bytes()
    torn.write_bytes(whole[:-1])
    done = ged(place, "blobs", "encrypt")
    assert (done.returncode, done.stdout) == (1, "2 files encrypted\n")
    assert f"{digests[0]} (blob.altered)" in done.stderr
    torn.write_bytes(whole)
    assert ged(place, "blobs", "encrypt").stdout == "1 files encrypted\n"
    with opened(load_settings(settings)) as (files, _):
        assert all(files.verify(one) for one in digests)


def test_a_new_master_key_and_keys_that_are_not_used(place: Path) -> None:
    digest = put(b"a letter")
    assert ged(place, "blobs", "rotate").stdout.startswith("master key 2; replace the backups of the keyring now")
    with opened(load_settings(place / "data-settings/ged.env")) as (files, keyring):
        assert files.verify(digest)
        ((key_id, _, _),) = keyring.listed()
        keyring.destroy(key_id)
    done = ged(place, "blobs", "check")
    assert (done.returncode, f"{digest} (blob.no_key)" in done.stderr) == (1, True)
    assert put(b"a letter") == digest, "handed in again, it can be read again"
    assert ged(place, "blobs", "check", "--drop-unused").returncode == 0
