"""What may go wrong around small texts that are rows: a dead file in front of a row, a restore, keys that a copy still needs, a lock."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from ged.adapters import blobs_fs
from ged.adapters import keyring as keyring_module
from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.blobs_packed import PackedBlobs
from ged.config import load_settings
from ged.errors import ConfigError, EngineFailed, NotFound
from ged.jobs import Job, JobKind, JobState
from ged.ports import ByDisposal, Digest
from ged.takeover.models import PackedFile
from ged.takeover.operations import TakeoverTarget, find_register, take_over
from ged.unit import Services
from tests.backup_kit import Copied
from tests.destroyed_kit import carry_out, decided, keyed, keyring_of, opens, store_of
from tests.factories import make_organisation, make_services
from tests.migration_kit import migrated
from tests.packed_kit import letters, rows, run, text_of, with_book
from tests.site import make_settings
from web.commands import imports
from web.processes import restore as process
from web.wiring import stored_files
from web.wiring.services import build_services
from web.wiring.stored_files import prepare_keyring

NOW = datetime.now(UTC)
YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)
NIGHT = NOW.replace(microsecond=0) - timedelta(days=30)
TEXT = "Bail du magasin de Kara"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = keyed(make_services(tmp_path), tmp_path)
    make_organisation(made)
    yield with_book(replace(made, blobs=PackedBlobs(store_of(made), made.engine, keyring_of(tmp_path))))
    made.engine.dispose()


class Killed(BaseException):
    """The process ends here."""


def test_a_file_whose_key_is_gone_does_not_hide_the_row_of_a_new_letter(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep that was killed between key and file leaves the file; the next start puts it back."""
    blobs = services.blobs
    assert isinstance(blobs, PackedBlobs)
    digest = blobs.put(io.BytesIO(TEXT.encode())).digest
    destroy = FileBlobs._destroy_key

    def killed(store: FileBlobs, path: Path, because: ByDisposal | None = None) -> None:
        destroy(store, path, because)
        raise Killed

    monkeypatch.setattr(FileBlobs, "_destroy_key", killed)
    with pytest.raises(Killed):
        blobs.discard(digest, written_before=TOMORROW)
    monkeypatch.undo()
    monkeypatch.setattr(blobs_fs, "MOVED_FOR_S", -1)
    FileBlobs(tmp_path / "blobs", keyring_of(tmp_path))
    with pytest.raises(NotFound, match="blob.no_key"):
        blobs.open(digest)
    run(services, {"id": 1, "text": TEXT})
    (mail,) = letters(services)
    assert opens(services, mail)
    assert text_of(services, mail) == TEXT.encode()
    key_id, stored = blobs.open_stored(digest)
    stored.close()
    keyring_of(tmp_path).key(bytes.fromhex(key_id), digest)  # what a backup copies can be opened


def restored(services: Services, digest: Digest, at: datetime) -> None:
    """Let a text be as after a restore: its row is as old as the copy, its file new, both under one key."""
    blobs = services.blobs
    assert isinstance(blobs, PackedBlobs)
    _, stored = blobs.open_stored(digest)
    with stored:
        blobs._files.put_stored(digest, stored)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(PackedFile).where(PackedFile.digest == digest).values(written_at=at))


def test_bytes_that_are_handed_in_after_a_restore_keep_their_key(services: Services) -> None:
    run(services, {"id": 1, "text": TEXT})
    (digest,) = rows(services)
    restored(services, digest, YESTERDAY - timedelta(days=9))
    services.blobs.put(io.BytesIO(TEXT.encode()))
    assert not services.blobs.discard(digest, written_before=YESTERDAY)
    with services.blobs.open(digest) as plain:
        assert plain.read() == TEXT.encode()


def test_a_text_that_comes_again_after_a_restore_and_a_destruction_is_read(services: Services) -> None:
    run(services, {"id": 1, "text": TEXT})
    (digest,) = rows(services)
    restored(services, digest, YESTERDAY - timedelta(days=9))
    (gone,) = letters(services)
    decided(services, [gone], now=NOW)
    from ged.disposal import destroying

    destroying.run(services, now=datetime.now(UTC))  # within a day of the restore: its file is young
    run(services, {"id": 2, "text": TEXT})
    new = letters(services)[-1]
    assert text_of(services, new) == TEXT.encode()
    carry_out(services)
    assert text_of(services, new) == TEXT.encode()


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Copied]:
    made = Copied.make(tmp_path)
    with_book(made.services)
    yield made
    made.installation.close()


def made_long_ago(copied: Copied) -> None:
    """Let all keys be older than a day."""
    keyring = stored_files.keyring_of(copied.installation.settings, copied.services.engine)
    assert keyring is not None
    with keyring._writing() as connection:
        connection.execute(keyring_module._keys.update().values(made_at=NOW - timedelta(days=9)))


def test_a_key_that_an_earlier_copy_needs_is_not_dropped_as_unused(copied: Copied, tmp_path: Path) -> None:
    here = copied.services
    run(here, {"id": 1, "text": TEXT})
    made_long_ago(copied)
    first = copied.copy(now=NIGHT)
    run(here, {"id": 2, "text": TEXT})
    done = copied.installation.command("blobs", "check", "--drop-unused")
    assert done.returncode == 0, done.stderr
    copied.copy(now=NIGHT + timedelta(days=1))
    copied.copy(now=NIGHT + timedelta(days=2))
    wanted = copied.wanted(snapshot=first.snapshot)
    outcome = process.restore(wanted, tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert outcome.broken == ()
    back = build_services(load_settings(outcome.settings, alone=True), writes_index=True)
    assert text_of(back, letters(back)[0]) == TEXT.encode()
    back.engine.dispose()


def test_beside_a_lock_a_text_that_the_store_refuses_is_told_of_its_line(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = PackedBlobs(
        store_of(replace(services, blobs=services.blobs._files)),
        services.engine,
        keyring_of(tmp_path),
        packs=lambda: False,
    )  # type: ignore[attr-defined]
    put = FileBlobs.put

    def refusing(store: FileBlobs, content: Any) -> Any:
        plain = content.read()
        if plain == b"refused":
            raise EngineFailed("store.refused", "see the log")
        return put(store, io.BytesIO(plain))

    monkeypatch.setattr(FileBlobs, "put", refusing)
    refused: list[Any] = []
    with services.reading() as session:
        place = TakeoverTarget(find_register(session, "PAPIER").id, "letters.jsonl", None, dry_run=False)
    lines = ({"id": 1, "text": "refused"}, {"id": 2, "text": TEXT})
    done = take_over(
        replace(services, blobs=locked), place, (json.dumps(one).encode() for one in lines), refuse=refused.append,
        progress=lambda _done: None,
    )  # fmt: skip
    assert [one.error.code for one in refused] == ["store.refused"]
    assert done.taken == 1


def test_a_lost_keyring_is_noticed_behind_many_clear_files(
    copied: Copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied.installation.settings
    assert settings.keyring is not None
    clear = FileBlobs(settings.data_dir / "blobs")
    for n in range(3):
        clear.put(io.BytesIO(f"{n}".encode()))
    run(copied.services, {"id": 1, "text": TEXT})
    settings.keyring.rename(tmp_path / "elsewhere")
    monkeypatch.setattr(stored_files, "LOOKED_AT", 2)
    with pytest.raises(ConfigError, match=r"keyring\.lost"):
        prepare_keyring(settings)


def test_what_a_killed_second_process_was_indexing_is_indexed_when_its_lease_is_over(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    migrated(settings)
    made = make_services(tmp_path, create=False)
    make_organisation(made)
    with_book(made)
    made.index.close()  # type: ignore[attr-defined]
    run(made, {"id": 1, "text": "Le premier barrage"})
    run(made, {"id": 2, "text": "Le second barrage"})
    with made.unit_of_work(NOW) as uow:
        first = uow.session.scalars(select(Job).where(Job.kind == JobKind.INDEX_BACKLOG).order_by(Job.id)).first()
        assert first is not None
        first.state, first.worker, first.lease_until = (
            JobState.RUNNING,
            "dead",
            datetime.now(UTC) + timedelta(seconds=2),
        )
    assert imports._indexed(settings, made) == 0
    made.engine.dispose()
