"""`ged disk`: what may be read is on it, what may not is nowhere on it in clear, and a server comes back from it."""

import errno
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from sqlalchemy import select

import ged_verify
from ged.audit import AuditEntry, AuditPayload
from ged.backup.medium import FolderMedium, alone_in, digest_of
from ged.backup.retention import name_of
from ged.config import load_settings
from ged.disk import checking, making, readable
from ged.disk.checking import check
from ged.errors import DiskFull, EngineFailed, GedError, Invalid, InvalidTransition, NotFound
from ged.ports import BlobStore, Confidentiality, Digest
from ged.register.models import REPLY, Mail, MailLink
from tests import s3_kit, started
from tests.commands import ged
from tests.disk_kit import PHRASE, RESTRICTED_WORD, SECRET_WORD, Burned, part, parts, turned
from tests.routing_kit import impute, make_mentions
from tests.site import PASSWORD, give_passwords
from tests.terminal_kit import Terminal
from web.processes import restore as process
from web.processes.restore import Wanted
from web.wiring import backups
from web.wiring.services import build_services

pytestmark = pytest.mark.in_turns(3)

NOBODY = {"GED_REDIS_URL": "redis://127.0.0.1:1/0", "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def burned(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Burned]:
    extra = {}
    if request.param == "postgresql":
        url = request.getfixturevalue("make_database")()
        extra = {"GED_DATABASE_URL": url, "GED_UNSAFE_DATABASE": "for-tests", **NOBODY}
    made = Burned.make(tmp_path, extra)
    made.usual()
    yield made
    made.copied.installation.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Burned]:
    made = Burned.make(tmp_path)
    made.letter("Construction d'un forage à Tsévié", "Le château d'eau.")
    yield made
    made.copied.installation.close()


def test_letters_of_the_ordinary_level_are_read_and_others_are_nowhere(burned: Burned) -> None:
    disk = burned.disk()
    assert (disk.counts.letters, disk.counts.files, disk.counts.unreadable, disk.is_whole) == (2, 2, 0, True)
    letters = part(disk.folder, "lettres/0")
    assert [one["s"] for one in letters] == [
        "Construction d'un forage à Tsévié",
        "Élection du délégué des œuvres sociales",
    ]
    [book] = part(disk.folder, "accueil")["books"]
    lines = part(disk.folder, f"registre/{book['id']}-{book['years'][0][0]}-0")
    assert [one["m"] for one in lines] == [-1, -1, 1, 0]
    # What is hidden is not told apart: neither by its words nor by its level.
    assert {json.dumps(one | {"n": "", "d": ""}) for one in lines[:2]} == {json.dumps(lines[0] | {"n": "", "d": ""})}
    for _name, content in parts(disk.folder):
        assert SECRET_WORD.lower().encode() not in content.lower()
        assert RESTRICTED_WORD.lower().encode() not in content.lower()
    for path in disk.folder.rglob("*"):
        assert not path.is_file() or "Tsévié".encode() not in path.read_bytes()


def test_the_letter_s_file_comes_back_as_it_was_stored(burned: Burned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readable, "PIECE_BYTES", 50_000)
    content = os.urandom(130_000)
    burned.letter("Avec un long document", content=content)
    disk = burned.disk()
    told = next(one for one in part(disk.folder, "lettres/0") if one["s"] == "Avec un long document")
    [file] = told["files"]
    assert (file["c"], file["size"]) == (3, len(content))
    found = dict(parts(disk.folder))
    assert b"".join(found[f"{file['f']}-{n}"] for n in range(3)) == content


def test_a_server_comes_back_from_it(burned: Burned, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    disk = burned.disk()
    url = request.getfixturevalue("make_database")() if burned.copied.services.engine.dialect.name != "sqlite" else ""
    copied, opens = burned.copied, backups.identities(burned.copied.identity)
    wanted = Wanted(FolderMedium(disk.folder / "sauvegarde"), "", opens, copied.keys, opens, None, url)
    outcome = process.restore(wanted, tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert (outcome.broken, outcome.report.problems) == ((), ())
    back = build_services(load_settings(outcome.settings, alone=True))
    with back.reading() as session:
        subjects = set(session.scalars(select(Mail.subject)))
    back.engine.dispose()
    # All letters come back, also those that are not readable on the disk.
    assert {f"Affaire {SECRET_WORD}", f"Affaire {RESTRICTED_WORD}", "Construction d'un forage à Tsévié"} <= subjects
    assert list(check(disk.folder, None)) == []  # the restore has written nothing on it


def test_the_journal_says_who_made_it_of_what_and_its_digest(burned: Burned) -> None:
    disk = burned.disk()
    with burned.copied.services.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == making.MADE)).one()
        told = session.get_one(AuditPayload, entry.sequence).payload
    assert entry.person_id == burned.wanted().actor.person_id
    assert (told["manifest"], told["holder"], told["scope"]) == (
        disk.manifest_sha256,
        "Cabinet du ministre",
        "ordinary",
    )
    assert (told["letters"], told["name"]) == (2, disk.folder.name)


def test_the_path_is_told_and_names_no_letter_that_is_not_readable(burned: Burned) -> None:
    services = burned.copied.services
    make_mentions(services)
    with services.reading() as session:
        ids = list(session.scalars(select(Mail.id).order_by(Mail.id)))
    impute(services, ids[0], note="M'en parler avant jeudi.")
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.add_all(
            [
                MailLink(from_id=ids[1], to_id=ids[0], kind=REPLY),
                MailLink(from_id=ids[0], to_id=ids[2], kind="related"),
                MailLink(from_id=ids[3], to_id=ids[0], kind=REPLY),
            ]
        )
    letters = part(burned.disk().folder, "lettres/0")
    assert [one["links"] for one in letters] == [[["Réponse", 1]], [["Répond à", 0]]]
    told = [what for _at, what, _more in letters[0]["events"]]
    assert told[0].startswith("Imputé par Poste SG-T")
    assert any(what.startswith("Confié à") and what.endswith("pour attribution") for what in told)
    assert "M'en parler avant jeudi." in letters[0]["events"][0][2]


def verified(folder: Path, key: Path) -> list[dict[str, str]]:
    done = subprocess.run(
        [sys.executable, ged_verify.__file__, str(folder), "--key", str(key), "--json"], capture_output=True, text=True, check=False
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_verifier_and_the_command_name_each_file_that_is_not_as_it_was(small: Burned, tmp_path: Path) -> None:
    disk = small.disk()
    key = tmp_path / "held.pub"
    shutil.copy(disk.folder / "journal.pub", key)
    assert list(check(disk.folder, key)) == []
    assert [one for one in verified(disk.folder, key) if one["state"] == "broken"] == []
    turned(disk.folder / "lecture" / "lettres" / "0.js")
    (disk.folder / "lecture" / "mots" / "0.js").unlink()
    (disk.folder / "lecture" / "programme" / "autre.js").write_text("alert(1)")
    piece = next((disk.folder / "sauvegarde" / "objects").rglob("*-*"))
    turned(piece)
    names = {
        "lecture/lettres/0.js": "disk.altered", "lecture/mots/0.js": "disk.missing", "lecture/programme/autre.js": "disk.added",
        piece.relative_to(disk.folder).as_posix(): "disk.altered",
    }  # fmt: skip
    assert {one.where: one.code for one in check(disk.folder, key)} == names
    broken = {one["what"].removeprefix("fichier ") for one in verified(disk.folder, key) if one["state"] == "broken"}
    assert broken == set(names)


def test_another_key_did_not_sign_it(small: Burned, tmp_path: Path) -> None:
    disk = small.disk()
    (tmp_path / "b").mkdir()
    other = Burned.make(tmp_path / "b")
    other.letter("Une lettre d'ailleurs")
    theirs = other.disk().folder / "journal.pub"
    other.copied.installation.close()
    assert [(one.code, one.where) for one in check(disk.folder, theirs)] == [("disk.not_ours", "manifest.json")]
    manifest = disk.folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    assert [one.code for one in check(disk.folder, None)] == ["disk.not_ours"]


@pytest.mark.in_shares(4)
@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (lambda disk: (disk / "journal.pub").unlink(), {"disk.not_ours: manifest.json", "disk.missing: journal.pub"}),
        (lambda disk: os.mkfifo(disk / "lecture" / "tube"), {"disk.added: lecture/tube"}),
        (lambda disk: (disk / "lecture" / "lien").symlink_to("/etc"), {"disk.added: lecture/lien"}),
        (lambda disk: (disk / "lecture" / "perdu").symlink_to("nowhere"), {"disk.added: lecture/perdu"}),
        (lambda disk: listed(disk, "a\0b"), {"disk.not_ours: manifest.json", "disk.unreadable: a\0b"}),
        (lambda disk: listed(disk, "a" * 300), {"disk.not_ours: manifest.json", f"disk.unreadable: {'a' * 300}"}),
        (lambda disk: listed(disk, "/etc/passwd"), {"disk.not_ours: manifest.json", "disk.missing: /etc/passwd"}),
    ],
)
def test_a_hostile_disk_is_judged_to_its_end(
    small: Burned, tmp_path: Path, harm: Callable[[Path], object], found: set[str]
) -> None:
    harm(folder := small.disk().folder)
    assert {f"{one.code}: {one.where}" for one in check(folder, None)} == found


def listed(disk: Path, name: str) -> None:
    """Let the manifest name one more file."""
    place = disk / "manifest.json"
    told = json.loads(place.read_bytes())
    told["files"].append({"path": name, "sha256": "0", "size": 1})
    place.write_text(json.dumps(told))


def test_a_file_that_an_old_stick_no_longer_gives_is_named_and_the_rest_is_read(
    small: Burned, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small.disk().folder
    turned(folder / "lecture" / "parties.js")

    def failing(path: Path) -> str:
        if path.name == "accueil.js":
            raise OSError(errno.EIO, "Input/output error")
        return digest_of(path)

    monkeypatch.setattr(checking, "digest_of", failing)
    assert {(one.code, one.where) for one in check(folder, None)} == {
        ("disk.unreadable", "lecture/accueil.js"), ("disk.altered", "lecture/parties.js"),
    }  # fmt: skip


def test_a_manifest_that_names_a_file_twice_or_never_ends_is_damaged(small: Burned) -> None:
    folder = small.disk().folder
    for content in (None, "[" * 100_000):
        if content is None:
            listed(folder, "OUVRIR.html")
        else:
            (folder / "manifest.json").write_text(content)
        with pytest.raises(EngineFailed, match=r"disk\.manifest_damaged"):
            list(check(folder, None))


def test_an_interrupted_disk_never_looks_whole_and_goes_on_with_its_passphrase(
    small: Burned, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.letter("Une autre lettre", "Texte.")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for step in ("_complete", "_first_page"):
        with monkeypatch.context() as patched:
            patched.setattr(making._Run, step, killed)
            with pytest.raises(KeyboardInterrupt):
                small.disk()
        assert not list(small.usb.rglob("OUVRIR.html"))
    draft = making.draft_of(small.usb)
    assert draft is not None
    assert [one.name for one in small.usb.iterdir()] == ["GED-INCOMPLET"]
    with pytest.raises(NotFound, match=r"disk\.none"):
        list(check(draft, None))
    written = {path: path.stat().st_mtime_ns for path in (draft / "lecture" / "fichiers").rglob("*.js")}
    assert len(written) == 2
    with pytest.raises(Invalid, match=r"disk\.passphrase_wrong"):
        small.disk(passphrase="une autre phrase que la première")
    stray = draft / "lecture" / "fichiers" / "ab" / "of-a-letter-that-is-gone-0.js"
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("left")
    disk = small.disk()
    assert disk.counts.files == 2
    assert {one.stat().st_mtime_ns for one in (disk.folder / "lecture" / "fichiers").rglob("*.js")} == set(
        written.values()
    )
    assert not list(disk.folder.rglob("of-a-letter*"))
    assert list(check(disk.folder, None)) == []
    assert [one.name for one in small.usb.iterdir()] == [disk.folder.name]
    assert not list((Path(small.copied.services.data_dir) / "run").glob("disk-*"))


@pytest.mark.long("a disk more is made; an interrupted one goes on in the test beside it")
def test_what_lies_on_an_interrupted_disk_is_signed_only_if_it_is_ours(
    small: Burned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that a power cut left half written, and what somebody put onto the stick meanwhile."""
    with monkeypatch.context() as patched:
        patched.setattr(making._Run, "_complete", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            small.disk()
    draft = making.draft_of(small.usb)
    assert draft is not None
    with small.copied.services.reading() as session:
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "disk")).all() == [
            making.BEGUN
        ]
    whole = dict(parts(draft))
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (kept := elsewhere / "other.js").write_text("kept")
    left = ["manifest.json.part", "LISEZ-MOI.txt.part", "OUVRIR.html.part.part", "lecture/cle.js.part"]
    put = [
        "OUVRIR-ICI.html", "lecture/mots/9999.js", "lecture/programme/vole.js", "lecture/fichiers/ouvrir.exe", "lecture/fichiers/ab/lisez.html",
        "sauvegarde/ouvrir.exe", "sauvegarde/lock", "sauvegarde/objects/00/lisez.html", "sauvegarde/objects/00/00-" + 64 * "0",
        f"sauvegarde/snapshots/{name_of(datetime.now(UTC) + timedelta(hours=1))}/index.json.gz",
    ]  # fmt: skip
    for name in (*left, *put):
        (draft / name).parent.mkdir(parents=True, exist_ok=True)
        (draft / name).write_text("not ours")
    os.mkfifo(draft / "lecture" / "fichiers" / "tube")
    (draft / "lecture" / "lien").symlink_to(elsewhere)
    turned(next((draft / "lecture" / "fichiers").rglob("*.js")))
    disk = small.disk()
    assert list(check(disk.folder, None)) == []
    assert [name for name in (*left, *put, "lecture/lien") if (disk.folder / name).exists()] == []
    assert not (disk.folder / "lecture" / "fichiers" / "tube").exists()
    assert [one.name for one in (disk.folder / "sauvegarde" / "snapshots").iterdir()] == [disk.copy.snapshot]
    assert kept.read_text() == "kept"
    assert {name: text for name, text in parts(disk.folder) if name.startswith("fichiers/")} == {
        name: text for name, text in whole.items() if name.startswith("fichiers/")
    }, "a document that was altered is written anew"


@pytest.mark.long("a disk more is made; a lost file is told in the test beside it")
def test_a_store_that_is_away_for_a_moment_leaves_no_document_out(
    small: Burned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> BinaryIO:
        raise EngineFailed("blob.unreachable", "try again", retryable=True)

    with monkeypatch.context() as patched:
        patched.setattr(readable.Readable, "_pieces", away)
        with pytest.raises(EngineFailed, match=r"blob\.unreachable"):
            small.disk()
    disk = small.disk()
    assert (disk.counts.files, disk.counts.unreadable) == (1, 0)


def test_a_disk_that_ended_before_its_key_begins_again(small: Burned) -> None:
    (small.usb / "GED-INCOMPLET" / "lecture").mkdir(parents=True)
    (small.usb / "GED-INCOMPLET" / "lecture" / "cle.js.part").write_text("half")
    draft = making.draft_of(small.usb)
    assert draft is not None
    assert not making.has_key(draft)
    assert list(check(small.disk().folder, None)) == []


@pytest.mark.long("a disk more is made; an interrupted one goes on in the test beside it")
def test_a_level_raised_after_an_interruption_takes_the_letter_off(
    small: Burned, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_id = small.letter("Bientôt secret", "Texte.")
    with monkeypatch.context() as patched:
        patched.setattr(making.Readable, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            small.disk()
    with small.copied.services.engine.begin() as connection:
        connection.execute(Mail.__table__.update().where(Mail.id == mail_id).values(level=int(Confidentiality.SECRET)))  # type: ignore[attr-defined]
    disk = small.disk()
    assert len(list((disk.folder / "lecture" / "fichiers").rglob("*.js"))) == 1
    assert [one["s"] for one in part(disk.folder, "lettres/0")] == ["Construction d'un forage à Tsévié"]


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("free_bytes", [1_000_000, 16_500_000])
def test_a_full_disk_is_refused_before_a_large_byte_is_written(
    small: Burned, monkeypatch: pytest.MonkeyPatch, free_bytes: int
) -> None:
    """Room for nothing; and room for either part, but not for both."""
    with monkeypatch.context() as full:
        full.setattr(FolderMedium, "free_bytes", lambda _: free_bytes)
        with pytest.raises(DiskFull, match=r"backup\.no_room") as refused:
            small.disk()
    assert int(str(refused.value.params["missing_bytes"])) > 0
    assert not list(small.usb.rglob("objects/*/*"))
    assert not list(small.usb.rglob("fichiers/*/*"))
    assert [one.name for one in small.usb.iterdir()] == ["GED-INCOMPLET"]
    assert small.disk().is_whole


def test_a_disk_that_is_full_in_the_middle_leaves_nothing_that_looks_whole(
    small: Burned, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = readable.put

    def full(place: Path, content: bytes) -> None:
        if "mots" in place.parts:
            raise DiskFull("backup.no_room", "free room on the medium", folder=str(place))
        write(place, content)

    with monkeypatch.context() as patched:
        patched.setattr(readable, "put", full)
        with pytest.raises(DiskFull):
            small.disk()
    assert [one.name for one in small.usb.iterdir()] == ["GED-INCOMPLET"]
    assert list(check(small.disk().folder, None)) == []


def test_a_file_that_is_lost_is_told_and_the_rest_is_there(small: Burned) -> None:
    services = small.copied.services
    small.letter("Document perdu", "Texte.", content=b"%PDF-1.4 lost")
    lost = services.blobs.put(io.BytesIO(b"%PDF-1.4 lost")).digest
    services.blobs.delete(lost)
    disk = small.disk()
    assert (disk.counts.unreadable, disk.counts.files, disk.is_whole) == (1, 1, False)
    letters = part(disk.folder, "lettres/0")
    assert letters[1]["files"][0]["lost"] == "blob.missing"
    assert part(disk.folder, "accueil")["verdict"]["problems"] == [["blob.missing", 1]]


def test_what_is_wrong_with_a_secret_letter_is_told_without_the_letter(small: Burned) -> None:
    """The digest of a file tells whoever has that file that it is here."""
    small.letter("Affaire secrète", "Texte.", level=Confidentiality.SECRET, content=b"%PDF-1.4 secret")
    small.copied.services.blobs.delete(Digest(hashlib.sha256(b"%PDF-1.4 secret").hexdigest()))
    first = part(small.disk().folder, "accueil")
    assert first["verdict"]["problems"] == [["blob.missing", 1]]
    assert hashlib.sha256(b"%PDF-1.4 secret").hexdigest() not in json.dumps(first)


class Altered:
    """A store that gives other bytes for one file, as a clear file on a bad sector does."""

    def __init__(self, blobs: BlobStore, digest: str) -> None:
        self._blobs, self._digest = blobs, digest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    def open(self, digest: Digest) -> BinaryIO:
        return io.BytesIO(b"%PDF other") if digest == self._digest else self._blobs.open(digest)


def test_a_file_that_is_altered_is_not_given_out_as_the_letter_s(small: Burned) -> None:
    services = small.copied.services
    small.letter("Document altéré", "Texte.", content=b"%PDF-1.4 as it came")
    digest = hashlib.sha256(b"%PDF-1.4 as it came").hexdigest()
    altered = replace(services, blobs=cast(BlobStore, Altered(services.blobs, digest)))
    disk = making.make(altered, small.wanted(), now=datetime.now(UTC) + timedelta(seconds=1))
    assert disk.counts.unreadable == 1
    assert part(disk.folder, "lettres/0")[1]["files"][0]["lost"] == "blob.altered"
    assert all(b"%PDF other" not in content for _name, content in parts(disk.folder))


@pytest.mark.servers
def test_files_in_a_bucket_come_onto_a_disk(tmp_path: Path) -> None:
    place = s3_kit.new_place(s3_kit.store_url())
    burned = Burned.make(
        tmp_path,
        {
            "GED_BLOBS": place.address, "GED_S3_ENDPOINT": place.endpoint, "GED_S3_ACCESS_KEY": place.access_key,
            "GED_S3_SECRET_KEY": place.secret_key,
        },
    )  # fmt: skip
    content = os.urandom(200_000)
    burned.letter("Document dans un seau", "Texte.", content=content)
    disk = burned.disk()
    burned.copied.installation.close()
    [file] = part(disk.folder, "lettres/0")[0]["files"]
    assert dict(parts(disk.folder))[f"{file['f']}-0"] == content
    assert (disk.is_whole, disk.copy.objects, list(check(disk.folder, None))) == (True, 1, [])


def test_where_a_disk_may_not_be_made(small: Burned, tmp_path: Path) -> None:
    wanted = small.wanted()
    inside = Path(small.copied.services.data_dir) / "disk"
    inside.mkdir()
    beside = small.usb / "keys"
    beside.mkdir()
    cases: list[tuple[Path, Path | None, type[GedError], str]] = [
        (tmp_path / "away", None, NotFound, "backup.medium_away"),
        (inside, None, InvalidTransition, "backup.medium_in_data"),
        (small.usb, beside, InvalidTransition, "backup.keys_beside_data"),
    ]
    for folder, keys, kind, code in cases:
        small.usb, small.copied.keys = folder, keys or small.copied.keys
        with pytest.raises(kind, match=code.replace(".", r"\.")):
            small.disk()
    assert wanted.passphrase not in repr(wanted)


def test_another_folder_of_the_disk_s_stick_is_no_medium_for_the_keys(
    small: Burned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(small.copied.services.data_dir)
    monkeypatch.setattr(making, "device_of", lambda folder: 1 if folder == data else 2)
    with pytest.raises(InvalidTransition, match=r"backup\.keys_beside_data"):
        small.disk()
    monkeypatch.setattr(making, "device_of", lambda folder: 2 if folder == small.usb else 1)
    assert small.disk().is_whole


# --- the command


@pytest.fixture
def command(small: Burned, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    give_passwords(small.copied.services)
    env = {**small.copied.installation.environment(), "GED_BACKUP_RECIPIENTS": json.dumps([small.copied.public])}

    def run(*words: object, typed: str = "", passphrase: str = PHRASE) -> subprocess.CompletedProcess[str]:
        if words[1] != "make":
            return started.run(*words, env=env, typed=typed)
        held = tmp_path / "phrase"
        held.write_text(f"{passphrase}\n")
        with held.open() as file:
            given = [*words, "--passphrase-fd", file.fileno()]
            return started.run(*given, env=env, typed=typed, pass_fds=[file.fileno()])

    return run


def test_an_administrator_makes_and_checks_a_disk_at_the_terminal(
    small: Burned, command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    own = f"admin\n{PASSWORD}\n"
    weak = command("disk", "make", small.usb, "--keys-to", small.copied.keys, typed=own, passphrase="court")
    assert (weak.returncode, "disk.passphrase_weak" in weak.stderr) == (1, True)
    nobody = command("disk", "make", small.usb, typed=f"agent\n{PASSWORD}\n")
    assert nobody.returncode == 1
    assert list(small.usb.iterdir()) == []
    began = datetime.now(UTC)
    made = command("disk", "make", small.usb, "--keys-to", small.copied.keys, "--for", "Le coffre", typed=own)
    assert made.returncode == 0, made.stderr
    assert PHRASE not in made.stdout + made.stderr
    [disk] = small.usb.iterdir()
    assert part(disk, "accueil")["holder"] == "Le coffre"
    good = command("disk", "verify", disk, "--key", disk / "journal.pub")
    assert good.returncode == 0
    sha256 = hashlib.sha256((disk / "manifest.json").read_bytes()).hexdigest()
    assert (sha256 in made.stdout, sha256 in good.stdout) == (True, True), "an earlier disk is signed too"
    days = {f"{at:%Y-%m-%d}" for at in (began, datetime.now(UTC))}  # a day may have ended
    assert any(f"made: {day}" in good.stdout for day in days)
    turned(disk / "OUVRIR.html")
    told = command("disk", "verify", disk)
    assert (told.returncode, "BROKEN disk.altered: OUVRIR.html" in told.stdout) == (1, True)


@pytest.mark.long("a disk more is made; its command is shown beside it")
def test_a_new_passphrase_is_typed_from_paper_and_stays_on_no_screen(small: Burned) -> None:
    give_passwords(small.copied.services)
    env = {**small.copied.installation.environment(), "GED_BACKUP_RECIPIENTS": json.dumps([small.copied.public])}
    terminal = Terminal(["disk", "make", str(small.usb), "--keys-to", str(small.copied.keys)], env)
    terminal.answer("Administrator: account:", "admin")
    terminal.answer("Password of admin:", PASSWORD)
    phrase = terminal.told(r"\n    ([a-z ]{34})\r")
    terminal.answer("press a key", "")
    terminal.answer("from the paper:", "bako timu")
    assert terminal.told(r"\n    ([a-z ]{34})\r") == phrase
    terminal.answer("press a key", "")
    terminal.answer("from the paper:", phrase)
    assert terminal.end() == 0, terminal.screen
    assert phrase not in terminal.stays()
    [disk] = small.usb.iterdir()
    assert part(disk, "accueil", phrase)["letters"] == 1


@pytest.mark.long("a disk more is made; a full one is refused in the test beside it")
def test_nobody_writes_a_passphrase_down_for_a_disk_that_cannot_be_made(
    small: Burned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_passwords(small.copied.services)
    own, no_key = small.copied.installation.environment(), {"GED_BACKUP_RECIPIENTS": "[]"}
    key = {"GED_BACKUP_RECIPIENTS": json.dumps([small.copied.public])}
    for folder, more, code in (
        (small.usb, no_key, "backup.not_set"), (tmp_path / "away", key, "backup.medium_away"),
        (Path(small.copied.services.data_dir), key, "backup.medium_in_data"),
    ):  # fmt: skip
        terminal = Terminal(["disk", "make", str(folder)], {**own, **more})
        terminal.answer("Administrator: account:", "admin")
        terminal.answer("Password of admin:", PASSWORD)
        assert terminal.end() == 1
        assert code in terminal.screen
        assert "passphrase of the disk" not in terminal.screen
    assert list(small.usb.iterdir()) == []
    monkeypatch.setattr(os, "access", lambda *_: False)  # the owner of this test may write anywhere
    with pytest.raises(InvalidTransition, match=r"backup\.medium_read_only"):
        small.disk()
    with pytest.raises(InvalidTransition, match=r"backup\.medium_read_only"), FolderMedium(small.usb).alone():
        pass


def test_a_disk_that_is_begun_anew_removes_nothing_of_one_that_is_being_made(small: Burned) -> None:
    (small.usb / "GED-INCOMPLET" / "lecture").mkdir(parents=True)
    (begun := small.usb / "GED-INCOMPLET" / "lecture" / "cle.js").write_text("of another passphrase")
    anew = replace(small.wanted(), anew=True)
    (run := Path(small.copied.services.data_dir) / "run").mkdir(exist_ok=True)
    with (
        alone_in(run / "disk.lock"),
        pytest.raises(InvalidTransition, match=r"backup\.running"),
    ):
        making.make(small.copied.services, anew, now=datetime.now(UTC))
    assert begun.read_text() == "of another passphrase"
    assert making.make(small.copied.services, anew, now=datetime.now(UTC)).is_whole


def test_no_passphrase_is_shown_where_there_is_no_terminal(small: Burned) -> None:
    done = ged("disk", "verify", small.usb, GED_ENV_FILE=str(small.copied.installation.env_file))
    assert (done.returncode, "disk.none" in done.stderr) == (1, True)
    with pytest.raises(EngineFailed, match=r"disk\.manifest_damaged"):
        (small.usb / "manifest.json").write_text("{}")
        list(check(small.usb, None))
