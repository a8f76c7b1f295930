"""An entity that was exported elsewhere is taken in: numbers, proofs, rights and bytes are as they were, or nothing is."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from ged import access, jobs, pipeline
from ged.archive.seal import journal_seal
from ged.audit import AuditEntry
from ged.closing import operations as closing
from ged.dashboard import movements
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.figures import checking
from ged.figures import operations as figures
from ged.figures.periods import Period
from ged.models import metadata
from ged.monthly import operations as monthly
from ged.org.models import Holding, Person, Post, Unit
from ged.ports import Confidentiality, Digest
from ged.ports.search import SearchQuery
from ged.register import journal
from ged.register.models import Attachment, Mail, MailNumber, Register, RegisterCounter
from ged.routing import rectify_letter
from ged.search.letter_search import search_letters
from ged.taken import TakenEntity, TakenEntry
from ged.transfer import leaving, sealed
from ged.transfer import take_in as arriving
from ged.transfer.package import Package
from ged.transfer.take_in import take_in
from ged.unit import SYSTEM, Services
from ged.verify import verify
from tests import monthly_kit, reserve_kit
from tests import transfer_kit as kit
from tests.factories import NOW, SharedChecker, actor, make_services
from tests.figure_slips_kit import recount
from tests.routing_kit import unit_id
from tests.signbook_kit import House
from tests.site import give_passwords, open_site, post, sign_in
from tests.slip_kit import letter
from tests.tampering import lift_guards
from tests.transfer_kit import LATER, THEIRS
from web.wiring.attached import report_file

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The installation from which the ministry comes."""
    made = kit.make_two(tmp_path_factory.mktemp("source"))
    index(made.services)
    yield made
    made.services.engine.dispose()


@pytest.fixture(scope="module")
def folder(source: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kit.written(source, tmp_path_factory.mktemp("out") / "entity")


@pytest.fixture(scope="module")
def key(source: House) -> bytes:
    return journal_seal(source.services).public_pem()


def other_place(folder: Path, source: House, *, url: str | None = None) -> Services:
    """An installation with another ministry at work, which trusts the authority of the source as well."""
    folder.mkdir(exist_ok=True)
    made = make_services(folder, url=url)
    roots = (*made.vault.trust_roots_pem(), *source.services.vault.trust_roots_pem())
    made = dataclasses.replace(made, checker=SharedChecker(roots))
    with made.unit_of_work(NOW) as uow:
        uow.session.add(Unit(code="ICI", name="Un ministère d'ici", is_entity=True))
    kit.add_other(made)
    kit.their_letter(made)
    closing.close_days(made, register_id(made, f"{THEIRS}-ARR"), NOW.date(), now=LATER)
    return made


@pytest.fixture
def place(tmp_path: Path, source: House) -> Iterator[Services]:
    made = other_place(tmp_path / "place", source)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, source: House) -> Iterator[Services]:
    """The same for all tests in which nothing is taken in."""
    made = other_place(tmp_path_factory.mktemp("refusing"), source)
    yield made
    made.engine.dispose()


def index(services: Services) -> None:
    """Run all waiting jobs of the index, as a worker does."""
    with services.reading() as session:
        waiting = jobs.due(session, now=LATER, kinds=(jobs.JobKind.INDEX,), limit=500)
    for job_id in waiting:
        pipeline.run_job(services, job_id, worker="test")


def register_id(services: Services, code: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Register.id).where(Register.code == code)).one()


def counts(services: Services) -> dict[str, int]:
    with services.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in metadata.sorted_tables
        }


def book(services: Services) -> list[tuple[Any, ...]]:
    """The registers of the ministry: each number, in order, and the letter's subject."""
    with services.reading() as session:
        rows = session.execute(
            select(
                Register.code,
                MailNumber.year,
                MailNumber.sequence,
                MailNumber.text,
                MailNumber.registered_on,
                Mail.subject,
            )
            .join(MailNumber, MailNumber.register_id == Register.id)
            .outerjoin(Mail, Mail.id == MailNumber.mail_id)
            .where(Register.code.not_like(f"{THEIRS}%"))
            .order_by(Register.code, MailNumber.year, MailNumber.sequence)
        )
        return [tuple(row) for row in rows]


def seen(services: Services) -> dict[str, list[tuple[str, ...]]]:
    """Account -> the letters that the person sees, by the bytes of their documents and their subject."""
    found: dict[str, list[tuple[str, ...]]] = {}
    with services.reading() as session:
        own = select(Holding.person_id).join(Post).join(Unit).where(Unit.code.not_in((THEIRS, "ICI")))
        for account in session.scalars(select(Person.account).where(Person.id.in_(own))):
            who = actor(services, account)
            wanted = select(Mail).where(access.visible_clause(Mail.id, Mail.level, who.principals)).order_by(Mail.id)
            found[account] = [
                (
                    mail.subject, mail.state.value, mail.sender_name,
                    *session.scalars(select(Attachment.digest).where(Attachment.mail_id == mail.id).order_by(Attachment.id)),
                )
                for mail in session.scalars(wanted)
            ]  # fmt: skip
    return found


def test_everything_is_as_it_was_on_either_database(
    tmp_path: Path, source: House, folder: Path, key: bytes, either_database: str | None
) -> None:
    services = other_place(tmp_path / "place", source, url=either_database)
    before = counts(services)
    with services.reading() as session:
        theirs = session.scalars(select(Mail.id)).one()
    assert take_in(services, folder, key, now=LATER, dry_run=True).letters
    assert counts(services) == before
    done = take_in(services, folder, key, now=LATER)
    index(services)
    report = verify(services, now=LATER)
    assert report.problems == verify(source.services, now=LATER).problems == ()
    assert report.signatures == verify(source.services, now=LATER).signatures
    assert report.numbers_without_gap
    assert book(services) == book(source.services)
    assert seen(services) == seen(source.services)
    assert any(letters for letters in seen(services).values())
    with services.reading() as session, source.services.reading() as there:
        assert session.scalar(select(func.count()).select_from(TakenEntry)) == done.entries
        # nobody of the ministry that is here sees a letter of the one that came, and the reverse
        clerk = actor(services, f"{THEIRS}-b".lower())
        assert session.scalars(
            select(Mail.id).where(access.visible_clause(Mail.id, Mail.level, clerk.principals))
        ).all() == [theirs]
        found = search_letters(services, session, actor(services, "sg"), SearchQuery("raccordement"))
        known = search_letters(source.services, there, actor(source.services, "sg"), SearchQuery("raccordement"))
        assert found.total == known.total > 0
        # the letter's page shows what was done before
        mail_id = session.scalars(select(Mail.id).where(Mail.subject == "Objet corrigé")).one()
        old_id = there.scalars(select(Mail.id).where(Mail.subject == "Objet corrigé")).one()
        shown, known_rows = (
            [
                (row.at, row.action, row.person_name, dict(row.details))
                for row in journal.of_page(s, one, readings=False)[0]
            ]
            for s, one in ((session, mail_id), (there, old_id))
        )
        assert [row for row in shown if row[1] != "mail.indexed"] == known_rows
    # its slips are counted from their rows: the journal here has no entries of them
    figures.heal(services, now=LATER)
    whole = Period(NOW.date(), LATER.date())
    came = {int(unit_id(services, code)) for code in ("BO", "SG", "DGE", "DAF")}
    slips = recount(services, came, whole)
    assert sum(one.received for one in slips.by_unit.values()) == 1
    with services.reading() as session:
        shown_slips = movements.slips(session, came, Confidentiality.ORDINARY, whole)
    assert (shown_slips.by_unit, shown_slips.delays_sent) == (slips.by_unit, slips.delays_sent)
    assert list(checking.compare(services)) == []
    # the next numbers go on, here and for the one that came
    with source.services.reading() as there:
        last = there.scalars(select(RegisterCounter.last_sequence).join(Register).where(Register.code == "ARR")).one()
    made = letter(services, "Après", now=LATER)
    with services.reading() as session:
        assert session.scalars(select(MailNumber.sequence).where(MailNumber.mail_id == made)).one() == last + 1
    kit.their_letter(services)
    closing.close_days(services, register_id(services, "ARR"), LATER.date(), now=LATER.replace(day=LATER.day + 1))
    assert not verify(services, now=LATER).problems
    services.engine.dispose()


def test_people_arrive_without_a_secret_and_rights_stay_in_the_folder(
    place: Services, folder: Path, key: bytes
) -> None:
    take_in(place, folder, key, now=LATER)
    with place.reading() as session:
        came = session.scalars(select(Person).where(Person.account.not_like(f"{THEIRS.lower()}%"))).all()
        assert {one.password_hash for one in came} == {""}
        assert all(one.must_change_password for one in came)
        entity = session.scalars(select(TakenEntity)).one()
        assert (
            session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence.desc())).first() == "entity.taken_in"
        )
        assert entity.offsets["mails"] == 1


@pytest.mark.long("an entity is taken in again; everything is as it was in the test beside it")
def test_a_folder_is_taken_in_once_and_codes_may_get_a_prefix(
    tmp_path: Path, place: Services, source: House, folder: Path, key: bytes
) -> None:
    take_in(place, folder, key, now=LATER)
    before = counts(place)
    for given, code in (
        (folder, "entity.taken_already"),
        (kit.written(source, tmp_path / "again"), "entity.codes_taken"),
    ):
        with pytest.raises(Invalid) as found:
            take_in(place, given, key, now=LATER)
        assert found.value.code == code
    assert counts(place) == before
    take_in(place, tmp_path / "again", key, prefix="b-", now=LATER)
    assert not verify(place, now=LATER).problems
    with place.reading() as session:
        numbers = session.scalars(
            select(MailNumber.text).join(Register).where(Register.code == "b-ARR").order_by(MailNumber.sequence)
        ).all()
        assert (
            numbers
            == session.scalars(
                select(MailNumber.text).join(Register).where(Register.code == "ARR").order_by(MailNumber.sequence)
            ).all()
        )


def test_an_account_that_runs_the_installation_does_not_arrive(refusing: Services, folder: Path, key: bytes) -> None:
    with pytest.raises(Invalid) as found:
        take_in(dataclasses.replace(refusing, installation_accounts=("admin",)), folder, key, now=LATER)
    assert found.value.code == "entity.account_of_installation"


def test_another_key_or_release_is_refused(
    tmp_path: Path, refusing: Services, source: House, folder: Path, key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts(refusing)
    with pytest.raises(Invalid) as found:
        take_in(refusing, folder, journal_seal(refusing).public_pem(), now=LATER)
    assert found.value.code == "entity.not_signed"
    changed = Resigned(source, folder, tmp_path / "entity")
    changed.manifest(lambda manifest: manifest.update(schema="0001"))
    with pytest.raises(Invalid) as found:
        take_in(refusing, changed.folder, key, now=LATER)
    assert found.value.code == "entity.other_schema"
    (changed.folder / "rows/mails.jsonl").write_bytes(b"")
    changed.manifest(lambda manifest: manifest.update(json.loads((folder / "manifest.json").read_bytes())))
    with pytest.raises(Invalid) as found:
        take_in(refusing, changed.folder, key, now=LATER)
    assert found.value.code == "entity.broken"
    assert counts(refusing) == before


class Resigned:
    """A copy that the true key signed again after a change: a dishonest sender."""

    def __init__(self, house: House, folder: Path, copy: Path) -> None:
        self.folder, self._seal = shutil.copytree(folder, copy), journal_seal(house.services)

    def manifest(self, how: Callable[[dict[str, Any]], object]) -> None:
        manifest = json.loads((self.folder / "manifest.json").read_bytes())
        how(manifest)
        content = json.dumps(manifest).encode()
        (self.folder / "manifest.json").write_bytes(content)
        (self.folder / "manifest.sig").write_text(self._seal.sign_bytes(content))

    def rows(self, path: str, how: Callable[[list[dict[str, Any]]], object]) -> None:
        found = [json.loads(line) for line in (self.folder / path).read_bytes().splitlines()]
        how(found)
        content = b"".join(json.dumps(one).encode() + b"\n" for one in found)
        (self.folder / path).write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()

        def told(manifest: dict[str, Any]) -> None:
            next(one for one in manifest["files"] if one["path"] == path).update(sha256=sha256, size=len(content))
            manifest["counts"][Path(path).stem] = len(found)

        self.manifest(told)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    ("table", "how"),
    [
        ("mail_access", lambda found: found[0].update(principal="u999")),
        ("mail_access", lambda found: found[0].update(principal="u1; x")),
        ("holdings", lambda found: found[0].update(person_id=999)),
        ("posts", lambda found: found[0].update(unit_id=10**30)),
        ("mails", lambda found: found[0].update(subject=5)),
        ("mails", lambda found: found[0].update(subject="\ud800")),
        ("mails", lambda found: found[0].update(state="unheard")),
        ("mails", lambda found: found[0].update(more="x")),
        ("mails", lambda found: found[0].update(request_token="x")),
        ("mails", lambda found: found.append(found[0])),
        ("mails", lambda found: found[0].update(created_at="2026-01-01")),
        ("people", lambda found: found[0].update(account="x" * 65)),
        ("people", lambda found: found[0].update(password_hash="x")),
        ("units", lambda found: found[1].update(parent_id=found[1]["id"], id=found[1]["id"]) or found[2].update(parent_id=-1)),
    ],
)  # fmt: skip
def test_a_row_that_is_none_of_ours_stops_all_of_it(
    tmp_path: Path,
    refusing: Services,
    source: House,
    folder: Path,
    key: bytes,
    table: str,
    how: Callable[[list[dict[str, Any]]], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = counts(refusing)
    # The verifier finds some of these too; here it is asked what the writing of rows refuses by itself.
    monkeypatch.setattr(Package, "verify", lambda _self: None)
    forged = Resigned(source, folder, tmp_path / "entity")
    forged.rows(f"rows/{table}.jsonl", how)
    with pytest.raises(Invalid) as found:
        take_in(refusing, forged.folder, key, now=LATER)
    assert found.value.code == "entity.unfit", found.value
    assert counts(refusing) == before


def test_a_run_that_ends_in_the_middle_leaves_nothing(
    place: Services, folder: Path, key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts(place)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(arriving._Arrival, "_keep", stop)
        take_in(place, folder, key, now=LATER)
    assert counts(place) == before
    take_in(place, folder, key, now=LATER)
    assert not verify(place, now=LATER).problems


def test_verify_finds_what_is_changed_after_it_was_taken_in(place: Services, folder: Path, key: bytes) -> None:
    take_in(place, folder, key, now=LATER)
    lift_guards(place.engine)
    changes: list[tuple[Any, str]] = [
        (update(TakenEntry).where(TakenEntry.sequence == 9).values(action="mail.opened"), "taken.entry_altered"),
        (update(TakenEntry).where(TakenEntry.sequence == 9).values(sequence=90_000), "taken.entry_missing"),
        (update(TakenEntity).values(key_pem=journal_seal(place).public_pem().decode()), "taken.unrecorded"),
        (update(TakenEntity).values(proof=b"x"), "taken.proof_altered"),
        (update(Attachment).where(Attachment.id == 3).values(digest="0" * 64), "attachment.other_bytes"),
        (update(MailNumber).where(MailNumber.id == 4).values(text="77/2026"), "register.number_missing"),
    ]  # fmt: skip
    for change, code in changes:
        with place.engine.connect() as connection:
            transaction = connection.begin()
            connection.execute(change)
            transaction.commit()
        assert code in {one.code for one in verify(place, now=LATER).problems}, code


# --- sealed, from the browser -----------------------------------------------------------------------------------------


SECRET = b"phrase de reception"


@pytest.fixture(scope="module")
def reception() -> tuple[bytes, bytes, str]:
    return sealed.make_key("Là-bas", SECRET, now=NOW)


def running_all(source: House, certificate: bytes = b"") -> Services:
    """The source, whose administrator administers the whole installation, and on whose server a certificate was accepted."""
    services = dataclasses.replace(source.services, installation_accounts=("admin",))
    if certificate:
        leaving.accept(services, certificate, sealed.fingerprint(sealed.receiver(certificate, now=NOW)), now=NOW)
    return services


def ask(services: Services, certificate: bytes, typed: str, who: str = "admin") -> None:
    with services.unit_of_work(LATER) as uow:
        leaving.ask(uow, "MIN", certificate, typed, actor=actor(services, who))


def make(services: Services) -> int:
    """Run the job that was asked for last. Returns its id."""
    with services.reading() as session:
        job = session.scalars(
            select(jobs.Job).where(jobs.Job.kind == jobs.JobKind.ENTITY_EXPORT).order_by(jobs.Job.id.desc())
        ).first()
        assert job is not None
        job_id, params = int(job.id), dict(job.params)
    leaving.make(services, job_id, params, heartbeat=lambda _said: None, now=LATER)
    with services.unit_of_work(LATER) as uow:
        uow.session.get_one(jobs.Job, job_id).state = jobs.JobState.DONE
    return job_id


def test_a_sealed_entity_is_read_by_its_receiver_alone_and_taken_in(
    source: House, place: Services, key: bytes, tmp_path: Path, reception: tuple[bytes, bytes, str]
) -> None:
    held, certificate, digest = reception
    services = running_all(source, certificate)
    ask(services, certificate, f"{digest[:8]} {digest[8:20]}".upper())
    job_id = make(services)
    with services.reading() as session:
        row = leaving.exports(services, session)[0]
    assert row.size_bytes
    assert (row.fingerprint, row.fetched_at) == (digest, None)
    content, name = leaving.fetch(services, job_id, actor=actor(services, "admin"), now=LATER)
    file = tmp_path / name
    file.write_bytes(content.read())
    content.close()
    raw = file.read_bytes()
    assert not any(word in raw for word in (b"raccordement", b"manifest", b"PROGRAM", b"rows/"))
    with pytest.raises(Invalid, match=r"entity\.key"):
        sealed.open_sealed(file, tmp_path / "a", held, b"wrong")
    with pytest.raises(Invalid, match=r"entity\.other_key"):
        sealed.open_sealed(file, tmp_path / "b", sealed.make_key("Autre", SECRET, now=NOW)[0], SECRET)
    opened = tmp_path / "opened"
    sealed.open_sealed(file, opened, held, SECRET)
    Package(opened, key).verify()
    take_in(place, opened, key, now=LATER)
    assert book(place) == book(source.services)
    assert verify(place, now=LATER).problems == verify(services, now=LATER).problems == ()
    with services.reading() as session:
        told = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.like("entity.%")).order_by(AuditEntry.sequence)
        )
        assert list(told)[-3:] == ["entity.export_asked", "entity.exported", "entity.export_fetched"]


def test_an_accepted_certificate_and_a_sealed_entity_outlast_a_power_cut(
    source: House, reception: tuple[bytes, bytes, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, real = set[int](), os.fsync

    def fsync(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    services = running_all(source, reception[1])
    accepted = Path(services.data_dir) / leaving.RECEIVERS / f"{reception[2]}.crt"
    assert {accepted.stat().st_ino, accepted.parent.stat().st_ino} <= synced
    ask(services, reception[1], reception[2])
    job_id = make(services)
    content, _name = leaving.fetch(services, job_id, actor=actor(services, "admin"), now=LATER)
    with content:
        file = Path(content.name)
    assert {file.stat().st_ino, file.parent.stat().st_ino} <= synced


def test_whoever_asks_reads_nothing_by_a_certificate_of_their_own(source: House) -> None:
    services = running_all(source)
    _held, own, digest = sealed.make_key("Moi", SECRET, now=NOW)
    with pytest.raises(Forbidden, match=r"entity\.receiver_unknown"):
        ask(services, own, digest)
    for typed in ("", digest[:15], "0" * 16):
        with pytest.raises(Invalid, match=r"entity\.fingerprint"):
            leaving.accept(services, own, typed, now=NOW)
    with pytest.raises(Forbidden, match=r"entity\.receiver_unknown"):
        ask(services, own, digest)
    leaving.accept(services, own, digest, now=NOW)
    ask(services, own, digest)
    (Path(services.data_dir) / leaving.RECEIVERS / f"{digest}.crt").unlink()
    with pytest.raises(Forbidden, match=r"entity\.receiver_unknown"):
        make(services)
    with services.unit_of_work(LATER) as uow:
        for job in uow.session.scalars(select(jobs.Job).where(jobs.Job.kind == jobs.JobKind.ENTITY_EXPORT)):
            job.state = jobs.JobState.FAILED


def test_openssl_opens_a_piece(tmp_path: Path, reception: tuple[bytes, bytes, str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("texte")
    sealed.seal(tmp_path / "in", tmp_path / "out.zip", sealed.receiver(reception[1], now=NOW))
    (tmp_path / "key.pem").write_bytes(reception[0])
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        packed.extract("000001.p7m", tmp_path)
    done = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", "000001.p7m", "-inkey", "key.pem", "-passin", f"pass:{SECRET.decode()}"],
        cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert tar.getnames() == ["a.txt"]


def test_pieces_that_are_left_out_or_exchanged_and_paths_that_lead_outside_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reception: tuple[bytes, bytes, str]
) -> None:
    monkeypatch.setattr(sealed, "PIECE_BYTES", 5_000)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(os.urandom(20_000))
    whole, broken = tmp_path / "whole.zip", tmp_path / "broken.zip"
    sealed.seal(tmp_path / "in", whole, sealed.receiver(reception[1], now=NOW))
    with zipfile.ZipFile(whole) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    names = [name for name in parts if name != sealed.READ_ME]
    assert len(names) >= 5
    for number, kept in enumerate((names[1:], [*names[:2], *names[3:]], names[:2], [*names, "../x"], [])):
        with zipfile.ZipFile(broken, "w") as packed:
            for name in kept:
                packed.writestr(name, parts.get(name, b""))
        with pytest.raises(Invalid, match=r"entity\.(unreadable|other_key)"):
            sealed.open_sealed(broken, tmp_path / f"out{number}", reception[0], SECRET)
    for number, (name, sort) in enumerate(
        (("../x", tarfile.REGTYPE), ("/tmp/x", tarfile.REGTYPE), ("x", tarfile.SYMTYPE))
    ):
        with tarfile.open(tmp_path / "bad.tar", "w") as tar:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = sort, "/etc"
            tar.addfile(member, io.BytesIO())
        with tarfile.open(tmp_path / "bad.tar") as tar, pytest.raises(tarfile.TarError):
            sealed._extract(tar, tar.getmembers()[0], tmp_path / f"bad{number}")
    sealed.open_sealed(whole, tmp_path / "out", reception[0], SECRET)
    assert (tmp_path / "out" / "a.bin").read_bytes() == (tmp_path / "in" / "a.bin").read_bytes()


def test_a_path_that_stands_twice_and_a_sparse_file_are_refused(
    tmp_path: Path, reception: tuple[bytes, bytes, str]
) -> None:
    """A sparse file says its length and holds a few bytes of it: it would fill the disk."""
    told = {"major": "1", "minor": "0", "name": "large", "realsize": "1000000000000"}
    sparse = {f"GNU.sparse.{name}": text for name, text in told.items()}
    for number, members in enumerate(([("a", {}), ("a", {})], [("a", {}), ("a/b", {})], [("large", sparse)])):
        with zipfile.ZipFile(tmp_path / "made.zip", "w") as out:
            pieces = sealed._Sealing(out, sealed.receiver(reception[1], now=NOW))
            with tarfile.open(mode="w|", fileobj=pieces, format=tarfile.PAX_FORMAT) as tar:
                for name, headers in members:
                    content = b"1\n0\n4\n".ljust(512, b"\0") + b"data" if headers else b"x"
                    member = tarfile.TarInfo(name)
                    member.size, member.pax_headers = len(content), headers
                    tar.addfile(member, io.BytesIO(content))
            pieces.end()
        with pytest.raises(Invalid, match=r"entity\.unreadable"):
            sealed.open_sealed(tmp_path / "made.zip", tmp_path / f"out{number}", reception[0], SECRET)


def test_who_may_ask_and_for_whom(source: House, reception: tuple[bytes, bytes, str]) -> None:
    _held, certificate, digest = reception
    services = running_all(source, certificate)
    for account in ("sg", "agent", f"{THEIRS}-b".lower()):
        with pytest.raises(Forbidden, match=r"entity\.not_yours"):
            ask(services, certificate, digest, account)
    with pytest.raises(Forbidden):
        ask(dataclasses.replace(services, installation_accounts=()), certificate, digest)
    for typed in ("", digest[:15], "0" * 16, digest + "0"):
        with pytest.raises(Invalid, match=r"entity\.fingerprint"):
            ask(services, certificate, typed)
    for wrong in (b"", b"rien", certificate[:-40], reception[0][:500]):
        with pytest.raises(Invalid, match=r"entity\.certificate"):
            ask(services, wrong, digest)
    with pytest.raises(Invalid, match=r"entity\.certificate"):
        sealed.receiver(certificate, now=NOW + timedelta(days=800))
    with services.unit_of_work(LATER) as uow, pytest.raises(NotFound):
        leaving.ask(uow, "BO", certificate, digest, actor=actor(services, "admin"))


def test_a_sealed_file_is_fetched_once_and_goes_after_some_days(
    source: House, reception: tuple[bytes, bytes, str]
) -> None:
    services, now = running_all(source, reception[1]), datetime.now(UTC)
    admin = actor(services, "admin")
    ask(services, reception[1], reception[2])
    with pytest.raises(InvalidTransition, match=r"entity\.being_written"):
        ask(services, reception[1], reception[2])
    job_id = make(services)
    for later, is_there in ((timedelta(0), True), (timedelta(minutes=50), True), (timedelta(minutes=70), False)):
        if is_there:
            leaving.fetch(services, job_id, actor=admin, now=now + later)[0].close()
            continue
        with pytest.raises(NotFound, match=r"entity\.export_gone"):
            leaving.fetch(services, job_id, actor=admin, now=now + later)
    ask(services, reception[1], reception[2])
    job_id = make(services)
    for days, size in ((6, True), (8, False)):
        leaving.forget(services, now=now + timedelta(days=days))
        with services.reading() as session:
            assert (leaving.exports(services, session)[0].size_bytes is not None) is size
    with pytest.raises(NotFound):
        leaving.fetch(services, job_id, actor=admin, now=now)


def test_the_page_asks_shows_and_removes(source: House, reception: tuple[bytes, bytes, str]) -> None:
    services = running_all(source, reception[1])
    app = open_site(Path(services.data_dir), services)
    give_passwords(services)
    client = sign_in(app, "admin")
    at = "/administration/export-entite/"
    assert "Vous ne pouvez pas lire ce fichier" in client.get(at).text
    _held, certificate, digest = reception
    good = {"entity": "MIN", "fingerprint": digest[:16]}
    wrong = post(client, at, {**good, "fingerprint": "0" * 16, "certificate": (io.BytesIO(certificate), "r.crt")})
    assert wrong.status_code == 422
    assert "L'empreinte ne correspond pas à ce certificat." in wrong.text
    assert post(client, at, good).status_code == 422
    done = post(client, at, {**good, "certificate": (io.BytesIO(certificate), "r.crt")})
    assert done.status_code == 303, done.text
    assert "en attente" in client.get(f"{at}liste").text
    job_id = make(services)
    assert "prêt" in client.get(at).text
    answer = post(client, f"{at}{job_id}/telecharger", {}, page=at)
    assert answer.status_code == 200
    assert answer.data[:2] == b"PK"
    answer.close()
    assert post(client, f"{at}{job_id}/supprimer", {}).status_code == 303
    assert post(client, f"{at}{job_id}/telecharger", {}).status_code == 404
    for account in ("sg", f"{THEIRS}-b".lower()):
        assert sign_in(app, account).get(at).status_code == 403


@pytest.mark.long("an entity is taken in again; everything is as it was in the test beside it")
def test_a_report_counts_the_letters_that_came_with_an_entity(place: Services, folder: Path, key: bytes) -> None:
    """The journal here has no entries of them. A report that is made before the night would be told as altered ever after."""
    figures.run(place, now=LATER)
    take_in(place, folder, key, now=LATER)
    figures.run(place, now=monthly_kit.LATER)
    row = monthly.make(place, unit_id(place, "MIN"), monthly_kit.MONTH, actor=SYSTEM, now=monthly_kit.LATER)
    with place.blobs.open(Digest(row.digest)) as stored:
        pdf = stored.read()
    figures.heal(place, now=monthly_kit.LATER)
    proof = monthly_kit.prove(place, pdf)
    assert (proof.faults, proof.changes) == ((), ())
    assert monthly_kit.number_of(json.loads(report_file(pdf).data or b""), "received")


@pytest.mark.long(
    "a ministry of its own leaves and arrives; what belongs to it is held by the table of ``ged.transfer.belonging``"
)
def test_reserve_books_arrive_with_their_lines_and_go_on(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    house = kit.make_two(tmp_path / "source")
    services, cut, back = house.services, LATER + timedelta(hours=1), LATER + timedelta(hours=4)
    book = reserve_kit.make(services, now=cut)
    first, second, *_rest = reserve_kit.line_ids(services, book.id)
    done = reserve_kit.enter(services, first, "Demande d'audience", received_at=cut, now=back)
    reserve_kit.enter(services, second, "Transmission du budget", received_at=cut, now=back)
    with services.unit_of_work(back) as uow:
        rectify_letter.rectify(
            uow, done.mail_id, {}, reason="Mal lu", version=None, actor=actor(services, "agent"), now=back,
            received_clock=(cut + timedelta(minutes=7)).time(),
        )  # fmt: skip
    reserve_kit.void(services, book.id, first=5, now=back)
    index(services)
    folder, key = kit.written(house, tmp_path / "entity"), journal_seal(services).public_pem()
    place = other_place(tmp_path / "place", house)
    take_in(place, folder, key, now=back)
    third = reserve_kit.line_ids(place, 1)[2]
    reserve_kit.enter(place, third, "Plainte d'un riverain", received_at=cut, now=back)
    assert reserve_kit.make(place, now=back).code == "CS-ARR-2026-002"
    states = [state for state, _number in reserve_kit.states(place, 1)]
    assert states == ["used"] * 3 + ["free"] + ["void"] * 6
    assert verify(place, now=back + timedelta(hours=1)).problems == ()
    for made in (services, place):
        made.engine.dispose()
