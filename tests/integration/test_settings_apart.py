"""The secret is outside of the data folder: a backup of the data alone opens nothing and signs nothing."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from ged.archive.keeping import seal_head
from ged.archive.seal import HeadSeal
from ged.codes import derive_secret
from ged.config import load_settings
from ged.errors import ConfigError, GedError
from ged.org.keys import issue_key, load_key
from ged.ports import CertifiedPerson
from ged.unit import SYSTEM
from signing.pki import Authority, open_seal
from tests import commands
from tests.commands import Ended
from tests.factories import NOW, PASSPHRASE, actor
from tests.migration_kit import make_at_head
from tests.worker_kit import Installation
from web.wiring import settings_file
from web.wiring.authority import authority_dir, create_authority, make_seal
from web.wiring.services import build_services

pytestmark = pytest.mark.in_turns(3)


def ged(folder: Path, *words: str, **extra: str) -> Ended:
    return commands.ged(*words, cwd=folder, **extra)


def with_database(folder: Path) -> Path:
    """The folder, whose installation has all tables already: `ged migrate` finds them without making them."""
    make_at_head(f"sqlite:///{folder / 'data' / 'ged.sqlite3'}", folder)
    return folder


def test_init_writes_the_secret_beside_the_data_and_says_where(tmp_path: Path) -> None:
    done = ged(tmp_path, "init")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "data-settings/ged.env"
    assert done.stdout.strip() == "data-settings/ged.env"
    assert "Réglages et secret : data-settings/ged.env" in done.stderr
    assert "Settings and secret" in done.stderr
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    assert list((tmp_path / "data").iterdir()) == []
    content = path.read_text()
    assert ged(tmp_path, "init").returncode == 0
    assert path.read_text() == content, "a secret is never written over"
    assert ged(with_database(tmp_path), "migrate").returncode == 0, "the commands find it"


@pytest.mark.parametrize("place", ["data", "data/etc", "link"])
def test_a_folder_in_the_data_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "data/etc").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data/etc")
    done = ged(tmp_path, "init", "--settings", place)
    assert done.returncode == 1
    assert "settings.inside_data" in done.stderr
    assert not list(tmp_path.rglob("ged.env"))


def test_a_folder_that_others_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir(mode=0o755)
    assert "settings.folder_open" in ged(tmp_path, "init", "--settings", "etc").stderr
    (tmp_path / "etc").chmod(0o700)
    assert ged(tmp_path, "init", "--settings", "etc").returncode == 0
    assert ged(with_database(tmp_path), "migrate", GED_ENV_FILE="etc/ged.env").returncode == 0


def test_a_systemd_credential_is_read(tmp_path: Path) -> None:
    assert ged(tmp_path, "init", "--settings", "credentials").returncode == 0
    assert ged(tmp_path, "migrate").returncode == 1, "nothing else names it"
    assert ged(with_database(tmp_path), "migrate", CREDENTIALS_DIRECTORY=str(tmp_path / "credentials")).returncode == 0


def test_an_installation_from_before_starts_with_a_warning_and_one_command_mends_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert ged(tmp_path, "init").returncode == 0
    assert ged(with_database(tmp_path), "migrate").returncode == 0
    shutil.move(tmp_path / "data-settings/ged.env", tmp_path / "data/ged.env")
    (tmp_path / "data-settings").rmdir()
    before = (tmp_path / "data/ged.env").read_text()
    told = ged(tmp_path, "migrate")
    assert told.returncode == 0
    assert "ged init --move-settings" in caplog.text
    caplog.clear()
    moved = ged(tmp_path, "init", "--move-settings")
    assert moved.returncode == 0, moved.stderr
    assert (tmp_path / "data-settings/ged.env").read_text() == before
    assert not (tmp_path / "data/ged.env").exists()
    told = ged(tmp_path, "migrate")
    assert (told.returncode, "settings.inside_data" in caplog.text) == (0, False)
    assert "settings.nothing_to_move" in ged(tmp_path, "init", "--move-settings").stderr


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """An installation with an authority, a seal, the journal's key and a person's key."""
    made = Installation.make(tmp_path_factory.mktemp("here"))
    create_authority(made.settings, organisation="Ministère d'essai", now=NOW)
    make_seal(made.settings, identifier="", now=NOW)
    with made.services.unit_of_work(NOW) as uow:
        issue_key(uow, actor(made.services, "sg").person_id, passphrase=PASSPHRASE, actor=SYSTEM)
    seal_head(made.services, now=NOW)
    yield made
    made.services.engine.dispose()


def test_a_backup_of_the_data_alone_opens_nothing_and_signs_nothing(here, tmp_path: Path) -> None:
    data = shutil.copytree(here.settings.data_dir, tmp_path / "stolen")
    secret = here.settings.secret.get_secret_value()
    for path in filter(Path.is_file, data.rglob("*")):
        content = path.read_bytes()
        assert secret.encode() not in content, path
        assert b"-----BEGIN PRIVATE KEY" not in content, path
    for guess in ("", "x" * 48):
        key = derive_secret(guess, "keystore")
        with pytest.raises(ConfigError, match="authority.secret_wrong"):
            Authority.open(data / "authority", key)
        with pytest.raises(ValueError, match=r"."):
            open_seal(data / "authority", key)
        with pytest.raises(ConfigError, match="seal.secret_wrong"):
            HeadSeal(data / "seal", derive_secret(guess, "journal")).sign_bytes(b"x")
    for path in data.rglob("*.key"):
        with pytest.raises((TypeError, ValueError)):
            serialization.load_pem_private_key(path.read_bytes(), None)
    assert "settings.lost" in ged(tmp_path, "init", "--data", "stolen").stderr
    own = tmp_path / "own.env"
    own.write_text(f"GED_DATA_DIR={data}\nGED_SECRET={'y' * 48}\n")
    thief = build_services(load_settings(own))
    with thief.reading() as session:
        stored = load_key(session, actor(thief, "sg").person_id)
    for attempt in (
        lambda: thief.vault.unlock(stored, PASSPHRASE, now=NOW),
        lambda: thief.vault.issue(
            CertifiedPerson("Koffi Agbényo", "Ministre", "M", ""), passphrase=PASSPHRASE, now=NOW
        ),
        lambda: seal_head(with_an_entry_more(thief), now=NOW),
    ):
        with pytest.raises((GedError, ValueError)):
            attempt()
    thief.engine.dispose()
    assert here.services.vault.unlock(stored, PASSPHRASE, now=NOW), "with the secret it opens"


def with_an_entry_more(services):
    """The journal with one more entry, so that there is something to seal."""
    with services.unit_of_work(NOW) as uow:
        uow.record("thing.changed", "thing", 1, actor=SYSTEM)
    return services


def test_the_administration_page_says_so(here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not settings_file.lies_inside(here.env_file, here.settings.data_dir)
    inside = shutil.copy(here.env_file, here.settings.data_dir / "ged.env")
    try:
        assert settings_file.lies_inside(inside, here.settings.data_dir)
        from tests.site import build_app, give_passwords, sign_in

        monkeypatch.setenv("GED_ENV_FILE", str(inside))
        assert authority_dir(here.settings).exists()
        app = build_app(here.services, here.settings)
        give_passwords(here.services)
        page = sign_in(app, "admin").get("/administration/").get_data(as_text=True)
        assert "ged init --move-settings" in page
        monkeypatch.setenv("GED_ENV_FILE", str(here.env_file))
        assert "--move-settings" not in sign_in(app, "admin").get("/administration/").get_data(as_text=True)
    finally:
        inside.unlink()
