"""Small texts of imported letters are rows: with their letters or not at all, copied, restored, exported, and destroyed with their keys."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.blobs_packed import PackedBlobs
from ged.adapters.keyring import Keyring
from ged.archive import blobs as archive_blobs
from ged.config import load_settings
from ged.errors import ConfigError, NotFound
from ged.ports import Digest, SealedBlob
from ged.register.models import Attachment, Mail, PageText
from ged.schema import SchemaTolerance
from ged.takeover import packed
from ged.unit import Services
from ged.verify import verify
from tests import transfer_kit
from tests.backup_kit import Copied
from tests.destroyed_kit import carry_out, decided, digests, keyring_of, later, opens, services_in_any_store
from tests.factories import NOW
from tests.packed_kit import letters, rows, run, text_of, with_book
from tests.site import make_site, open_site, sign_in
from tests.worker_kit import Installation
from web.processes import restore as process
from web.wiring.services import build_services
from web.wiring.stored_files import prepare_keyring

__all__ = ["services_in_any_store"]  # a fixture

pytestmark = pytest.mark.in_turns(3)
NIGHT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)


@pytest.fixture
def services(services_in_any_store: Services, tmp_path: Path) -> Services:
    files = services_in_any_store.blobs
    made = PackedBlobs(files, services_in_any_store.engine, keyring_of(tmp_path))  # type: ignore[arg-type]
    return with_book(replace(services_in_any_store, blobs=made))


def files(services: Services) -> set[Digest]:
    assert isinstance(services.blobs, PackedBlobs)
    return {digest for digest, _at in services.blobs._files.digests()}


LINES: list[dict[str, Any]] = [
    {"id": 1, "text": "La livraison des poteaux\fest retardée"},
    {"id": 2, "text": "Bail du magasin de Kara"},
    {"id": 3, "text": "Bail du magasin de Kara", "subject": "Le double"},
    {"id": 4, "subject": "Sans texte"},
]


def test_small_texts_are_rows_and_everything_else_is_a_file(services: Services, tmp_path: Path) -> None:
    (tmp_path / "lettre.txt").write_text("Un fichier de texte")
    run(services, *LINES, {"id": 5, "text": "é" * packed.MAX_BYTES}, {"id": 6, "file": "lettre.txt"}, files=tmp_path)
    first, second, third, bare, long, file = letters(services)
    assert [text_of(services, one) for one in (first, second, third, file)] == [
        "La livraison des poteaux\fest retardée".encode(), b"Bail du magasin de Kara", b"Bail du magasin de Kara",
        b"Un fichier de texte",
    ]  # fmt: skip
    assert digests(services, bare) == []
    assert rows(services) == {*digests(services, first), *digests(services, second), *digests(services, file)}
    assert files(services) == {*digests(services, long)}
    with services.reading() as session:
        told = session.execute(select(Attachment.size_bytes, Attachment.page_count).order_by(Attachment.id)).all()
        texts = session.scalars(select(PageText.text).order_by(PageText.attachment_id, PageText.page_no)).all()
        assert list(archive_blobs.broken_blobs(session, services.blobs)) == []
        assert archive_blobs.sweep(session, services.blobs, now=later()) == 0, "letters name them"
    assert [tuple(one) for one in told[:2]] == [(38, 2), (23, 1)]
    assert texts[:3] == ["La livraison des poteaux", "est retardée", "Bail du magasin de Kara"]
    assert verify(services, now=NOW).problems == ()
    assert services.blobs.in_clear(rows(services)) == set()
    again = run(services, *LINES)
    assert (again.already, again.taken) == (4, 0)


def test_until_the_upgrade_has_ended_texts_are_files(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(SchemaTolerance(id=1, oldest_program="0190"))
    run(services, LINES[0])
    assert rows(services) == set()
    assert files(services) == {*digests(services, *letters(services))}
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(SchemaTolerance).values(oldest_program=packed.OPENED_BY))
    run(services, LINES[1])
    assert len(rows(services)) == 1


def test_beside_a_store_under_a_lock_texts_are_files(services: Services, tmp_path: Path) -> None:
    locked = PackedBlobs(services.blobs._files, services.engine, keyring_of(tmp_path), packs=lambda: False)  # type: ignore[attr-defined]
    run(replace(services, blobs=locked), LINES[0])
    assert rows(services) == set()
    assert files(services) == {*digests(services, *letters(services))}


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["before_keys", "after_keys", "after_rows"])
def test_an_import_that_is_killed_goes_on_with_every_text_once(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    sealed, write = PackedBlobs.sealed, packed.write

    def sealing(blobs: PackedBlobs, contents: list[bytes]) -> list[SealedBlob] | None:
        if step != "before_keys":
            sealed(blobs, contents)
        raise Killed

    def writing(session: Any, found: Any) -> None:
        write(session, found)
        raise Killed

    if step == "after_rows":
        monkeypatch.setattr(packed, "write", writing)
    else:
        monkeypatch.setattr(PackedBlobs, "sealed", sealing)
    with pytest.raises(Killed):
        run(services, *LINES)
    monkeypatch.undo()
    assert (rows(services), letters(services)) == (set(), [])
    assert run(services, *LINES).taken == 4
    assert [opens(services, one) for one in letters(services)] == [True] * 4
    assert len(rows(services)) == 2
    assert verify(services, now=NOW).problems == ()
    assert {digest for _id, digest, _at in keyring_of(tmp_path).listed()} == rows(services)


def test_rows_that_nobody_names_go_after_a_day_with_their_keys(services: Services, tmp_path: Path) -> None:
    run(services, *LINES[:2])
    gone, stays = letters(services)
    alone = digests(services, gone)[0]
    with services.unit_of_work(NOW) as uow:
        for table in ("page_texts", "attachment_pages"):
            rows_of = Attachment.metadata.tables[table]
            uow.session.execute(
                rows_of.delete().where(rows_of.c.attachment_id.in_(select(Attachment.id).where(Attachment.mail_id == gone)))
            )  # fmt: skip
        uow.session.execute(Attachment.__table__.delete().where(Attachment.mail_id == gone))  # type: ignore[attr-defined]
    with services.reading() as session:
        assert archive_blobs.sweep(session, services.blobs, now=datetime.now(UTC)) == 0, "not within a day"
        assert archive_blobs.sweep(session, services.blobs, now=later()) == 1
    assert rows(services) == {*digests(services, stays)}
    assert {digest for _id, digest, _at in keyring_of(tmp_path).listed()} == rows(services)
    with pytest.raises(NotFound):
        services.blobs.open(alone)


def test_a_destroyed_letter_leaves_neither_row_nor_key_nor_text(services: Services, tmp_path: Path) -> None:
    run(services, *LINES)
    first, second, third, _bare = letters(services)
    alone, shared = digests(services, first)[0], digests(services, second)[0]
    slip = decided(services, [first, second])
    assert carry_out(services) == 2
    assert rows(services) == {shared}, "the third letter has the text of the second"
    assert not services.blobs.exists(alone)
    assert opens(services, third)
    told = keyring_of(tmp_path).destroyed()
    assert {(one.because.mail_id, one.because.slip_no) for one in told} == {(first, slip), (second, slip)}
    assert {one.digest for one in told if one.is_key} == {alone}
    with services.reading() as session:
        assert list(session.scalars(select(PageText.text))) == ["Bail du magasin de Kara"]
        assert list(archive_blobs.broken_blobs(session, services.blobs)) == []
    assert verify(services, now=NOW).problems == ()
    decided(services, [third])
    assert carry_out(services) == 1
    assert rows(services) == set()
    assert keyring_of(tmp_path).count() == 0


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Copied]:
    made = Copied.make(tmp_path)
    with_book(made.services)
    yield made
    made.installation.close()


def test_a_copy_brings_texts_back_but_that_of_a_letter_that_was_destroyed_since(copied: Copied, tmp_path: Path) -> None:
    here = copied.services
    run(here, *LINES)
    gone, stays, *_ = letters(here)
    alone = digests(here, gone)[0]
    first = copied.copy(now=NIGHT)
    assert (first.objects, first.damaged, first.lost) == (2, (), ())
    now = datetime.now(UTC)
    decided(here, [gone], now=now)
    assert carry_out(here, now=now) == 1
    copied.copy(now=NIGHT + timedelta(days=1))
    copied.copy(now=NIGHT + timedelta(days=2))
    wanted = copied.wanted(snapshot=first.snapshot)
    outcome = process.restore(wanted, tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert (outcome.broken, outcome.report.problems, outcome.destroyed) == ((), (), (gone,))
    back = build_services(load_settings(outcome.settings, alone=True), writes_index=True)
    with pytest.raises(NotFound, match=r"blob\.no_key"):
        back.blobs.open(alone)
    assert carry_out(back, now=now) == 1, "the copy's row was younger than a day: the next night removes it"
    assert alone not in rows(back)
    assert not back.blobs.exists(alone)
    assert text_of(back, stays) == b"Bail du magasin de Kara"
    assert run(back, *LINES).already == 4
    assert verify(back, now=datetime.now(UTC)).problems == ()
    back.engine.dispose()


def test_an_entity_leaves_with_its_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = transfer_kit.make_two(tmp_path)
    run(with_book(house.services), *LINES)
    assert len(rows(house.services)) == 2
    folder = transfer_kit.written(house, tmp_path / "entity")
    code, found = transfer_kit.told(folder, transfer_kit.held(house, tmp_path), capsys)
    assert code == 0, [line for line in found if line["state"] != "proven"]
    held = {path.name: path.read_bytes() for path in folder.rglob("*") if path.name in rows(house.services)}
    assert sorted(held.values()) == [b"Bail du magasin de Kara", "La livraison des poteaux\fest retardée".encode()]
    house.services.engine.dispose()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation.make(tmp_path)
    with_book(made.services)
    yield made
    made.close()


def test_rows_are_encrypted_compared_and_missed_by_the_commands(installation: Installation, tmp_path: Path) -> None:
    assert installation.settings.keyring is not None
    clear = PackedBlobs(installation.services.blobs, installation.services.engine)  # type: ignore[arg-type]
    run(replace(installation.services, blobs=clear), LINES[0])
    run(installation.services, LINES[1])
    assert installation.command("blobs", "check").stdout.startswith("1 files encrypted, 1 clear\n")
    assert installation.command("blobs", "encrypt").stdout == "1 files encrypted\n"
    done = installation.command("blobs", "check", "--drop-unused")
    assert (done.returncode, done.stdout) == (0, "2 files encrypted, 0 clear\n0 keys without a file\n")
    assert [opens(installation.services, one) for one in letters(installation.services)] == [True, True]
    installation.settings.keyring.rename(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"keyring\.lost"):
        prepare_keyring(installation.settings)


def test_a_letter_of_the_import_is_a_letter_as_any_other(services: Services) -> None:
    """Its text as a file, put in the ordinary way, is the row's very bytes; from then on the file is read."""
    run(services, LINES[1])
    (mail,) = letters(services)
    digest = digests(services, mail)[0]
    assert services.blobs.put(io.BytesIO(b"Bail du magasin de Kara")).digest == digest
    assert files(services) == rows(services) == {digest}
    assert opens(services, mail)
    decided(services, [mail])
    assert carry_out(services) == 1
    assert files(services) == rows(services) == set()
    with services.reading() as session:
        assert session.scalar(select(func.count(Mail.id))) == 1


@pytest.mark.parametrize("is_keyed", [True, False])
def test_the_site_sends_a_text_whole_and_in_part(tmp_path: Path, *, is_keyed: bool) -> None:
    app, made = make_site(tmp_path)
    services = with_book(made)
    if is_keyed:
        keyring = Keyring(tmp_path / "keyring")
        keyring.prepare()
        files = FileBlobs(tmp_path / "blobs", keyring)
        services = replace(services, blobs=PackedBlobs(files, services.engine, keyring))
        app = open_site(tmp_path, services)
    run(services, LINES[0])
    with services.reading() as session:
        document = session.scalars(select(Attachment.id)).one()
    client = sign_in(app, "agent")
    got = client.get(f"/documents/{document}/original")
    assert got.data == "La livraison des poteaux\fest retardée".encode()
    part = client.get(f"/documents/{document}/original", headers={"Range": "bytes=3-11"})
    assert (part.status_code, part.data) == (206, b"livraison")
    assert len(rows(services)) == 1
    services.engine.dispose()
