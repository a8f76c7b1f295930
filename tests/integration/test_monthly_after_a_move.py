"""A sealed monthly report is proven after what moves many letters at once: a reorganisation, a move to PostgreSQL, an entity that leaves, an
earlier archive that is taken over. Nobody is accused who altered nothing; each change is named with day, act and person; a row that somebody
altered by hand is named."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select, text, update

from ged import audit
from ged.administration import wanted
from ged.archive import taken_check
from ged.archive.seal import journal_seal
from ged.audit import AuditEntry, AuditPayload
from ged.db import make_engine
from ged.figures import operations as figures
from ged.monthly import arrived
from ged.monthly.checking import Proof
from ged.monthly.replaying import Act
from ged.moving import copying, sequences
from ged.org.models import Unit
from ged.ports import MailId
from ged.register.models import FilingClass, Mail, MailNumber
from ged.routing.models import Assignment, Imputation
from ged.routing.rectify_letter import rectify
from ged.taken import TakenEntity
from ged.transfer.take_in import take_in
from ged.unit import SYSTEM, Services
from tests import transfer_kit
from tests.administration_kit import do
from tests.factories import NOW, TODAY, SharedChecker, actor, make_organisation, make_services, make_tables
from tests.figure_play_kit import Play
from tests.monthly_kit import LATER, MONTH, Seal, file_of, make, prove, with_seal
from tests.packed_kit import run, with_book
from tests.routing_kit import impute, make_mentions, services_on_either
from tests.signbook_kit import House
from tests.tampering import lift_guards

__all__ = ["services_on_either"]  # a fixture

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def services(services_on_either: Services, tmp_path: Path) -> Services:
    """The organisation of the tests, with a seal."""
    return with_seal(services_on_either, tmp_path)


def days_later(play: Play) -> None:
    """Days go by, as the month of the report ends; a register whose clock leaps asks for a person."""
    while play.now < LATER:
        play.now += timedelta(days=1)
        play.register()


def altered(services: Services, statement: str, mail_id: int) -> None:
    """What somebody with the database's password does."""
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text(statement), {"mail": mail_id})


def named(proof: Proof) -> list[tuple[str, str]]:
    return [(one.code, one.where) for one in proof.faults]


def changed(proof: Proof) -> set[int]:
    """The letters that a number counts otherwise."""
    return {move.mail_id for one in proof.changes for move in one.moves}


def all_told(proof: Proof) -> bool:
    """Whether each change has its acts, each with the person who did it."""
    return all(move.acts and all(act.who for act in move.acts) for one in proof.changes for move in one.moves)


ELSEWHERE = "UPDATE mails SET received_on = '2026-10-20' WHERE id = :mail"
"""It leaves the report's month."""
DECIDED = "UPDATE imputations SET decided_at = '2026-11-26 10:00:00.000000' WHERE mail_id = :mail"


def at(place: Services) -> Play:
    """People who act where an entity arrived, with whom another play came."""
    with place.unit_of_work(LATER) as uow:
        uow.session.execute(update(FilingClass).values(code="ZZ").where(FilingClass.code == "Z9"))
    play = Play(place)
    play.now = LATER
    return play


# --- a reorganisation


def reorganise(play: Play) -> None:
    """Units are renamed, moved and closed, posts go to other units, people to other posts."""
    services, now = play.services, play.now
    do(
        services,
        lambda org: wanted.changed_unit(org, "DGE", name="Direction de l'énergie", kind="directorate"),
        now=now,
    )
    do(services, lambda org: wanted.moved_unit(org, "ETU", below="DAF"), now=now)
    do(services, lambda org: wanted.closed_unit(org, "DGE", successor="DAF", keeps_posts=True), now=now)


def test_a_reorganisation_accuses_nobody(services: Services) -> None:
    play = Play(services)
    kept, given, back, waits, passed = (play.register(received_on=TODAY, due_days=None) for _ in range(5))
    for one in (given, back, passed):
        play.impute(one, "DGE")
    play.assign(passed)
    days_later(play)
    pdf = file_of(services, make(services))
    before = prove(services, pdf, now=play.now)
    assert (before.faults, before.changes) == ((), ())
    reorganise(play)
    moved = prove(services, pdf, now=play.now)
    assert (moved.faults, moved.changes) == ((), ()), "a reorganisation changes no figure"
    play.impute(given, "DAF")
    play.give_back(back)
    play.finish(passed)
    play.redate(passed, date(2026, 10, 30))
    do(
        services,
        lambda org: wanted.changed_post(org, "BO-A", title="Agent", unit="SG", roles=("clerk",), secretary_of=None),
        now=play.now,
    )
    play.impute(waits, "DAF")
    proof = prove(services, pdf, now=play.now)
    assert proof.faults == ()
    assert all_told(proof)
    assert {given, back, passed, waits} <= changed(proof)
    assert kept not in changed(proof)
    altered(services, ELSEWHERE, kept)
    altered(services, DECIDED, waits)
    assert named(prove(services, pdf, now=play.now)) == [
        ("letter.unexplained", f"letter {kept}"), ("letter.unexplained", f"letter {waits}"),
    ]  # fmt: skip


# --- the installation goes to PostgreSQL


@pytest.mark.servers
@pytest.mark.parametrize("when", ["never", "before the report", "after the report"])
def test_a_report_is_proven_after_the_installation_moved(
    when: str, tmp_path: Path, make_database: Callable[[], str]
) -> None:
    here = make_services(tmp_path)
    make_organisation(here)
    make_mentions(here)
    here = with_seal(here, tmp_path)
    play = Play(here)
    one, other = (play.register(received_on=TODAY, due_days=None) for _ in range(2))
    play.impute(one, "DGE")
    if when == "before the report":
        altered(here, "UPDATE imputations SET decided_at = '2026-11-20 10:00:00.000000' WHERE mail_id = :mail", one)
    days_later(play)
    pdf = file_of(here, make(here))
    if when == "after the report":
        altered(here, DECIDED, one)
    before = prove(here, pdf, now=play.now)
    url = make_database()
    target = make_engine(url)
    make_tables(target)
    with here.engine.connect() as own:
        copying.copy_rows(own, target, progress=lambda _what, _count: None)
        sequences.count_on(target, sequences.given(own))
        copying.settle(target)
    target.dispose()
    here.engine.dispose()
    there = dataclasses.replace(make_services(tmp_path, url=url), sealer=here.sealer, blobs=here.blobs)
    assert prove(there, pdf, now=play.now) == before
    play.services = there
    play.redate(other, date(2026, 10, 30))
    play.impute(one, "DAF")
    proof = prove(there, pdf, now=play.now)
    assert other in changed(proof)
    assert named(proof) == ([] if when == "never" else [("letter.unexplained", f"letter {one}")])
    there.engine.dispose()


# --- an entity leaves with its letters, and arrives elsewhere


def taken_over(services: Services, *lines: dict[str, Any], into: str = "PAPIER") -> list[int]:
    """The letters of these lines, taken over."""
    with services.reading() as session:
        last = session.scalars(select(Mail.id).order_by(Mail.id.desc())).unique().first() or 0
    run(services, *lines, into=into)
    with services.reading() as session:
        return list(session.scalars(select(Mail.id).where(Mail.id > last).order_by(Mail.id)).unique())


@dataclasses.dataclass
class Left:
    """A ministry that was exported.

    Attributes:
        pdf: its report, where it came from.
        letters: name -> letter, where it came from.
    """

    house: House
    folder: Path
    key: bytes
    pdf: bytes
    letters: dict[str, int]

    def here(self, services: Services, name: str) -> int:
        """The letter where it arrived."""
        with services.reading() as session:
            return session.scalars(select(Mail.id).where(Mail.subject == name)).unique().one()


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    folder = tmp_path_factory.mktemp("left")
    house = transfer_kit.make_two(folder)
    house.services = with_seal(house.services, folder)
    make_mentions(house.services)
    with_book(house.services)
    play = Play(house.services)
    play.now += timedelta(days=1)
    letters = {}
    for name in ("decided", "waiting", "altered", "dated", "unit"):
        letters[name] = play.register(received_on=play.today, due_days=None, subject=name)
        if name not in ("waiting", "dated"):
            play.impute(letters[name], "DGE")
    letters["void"] = play.register(received_on=play.today, due_days=None, subject="void")
    play.void(letters["void"])
    (letters["old"],) = taken_over(
        house.services, {"id": 1, "number": "7/SG", "registered_on": "2026-11-03", "subject": "old", "unit": "DAF"}
    )
    days_later(play)
    pdf = file_of(house.services, make(house.services))
    altered(
        house.services,
        "UPDATE imputations SET decided_at = '2026-11-20 10:00:00.000000' WHERE mail_id = :mail",
        letters["altered"],
    )
    (folder / "out").mkdir()
    yield Left(
        house,
        transfer_kit.written(house, folder / "out" / "entity"),
        journal_seal(house.services).public_pem(),
        pdf,
        letters,
    )
    house.services.engine.dispose()


@pytest.fixture(scope="module")
def arrived_once(tmp_path_factory: pytest.TempPathFactory, left: Left) -> Path:
    """The folder of an installation on SQLite at which it has arrived, with counted figures. Tests copy it: to make one takes a second."""
    folder = tmp_path_factory.mktemp("arrived") / "place"
    made = taken_in(left, folder)
    figures.run(made, now=LATER)
    made.engine.dispose()
    return folder


@pytest.fixture
def place(tmp_path: Path, left: Left, arrived_once: Path, either_database: str | None) -> Iterator[Services]:
    """The installation at which it arrives, with another ministry."""
    if either_database is None:
        made = copied(left, arrived_once, tmp_path / "place")
    else:
        made = taken_in(left, tmp_path / "place", url=either_database)
        figures.run(made, now=LATER)
    yield made
    made.engine.dispose()


def copied(left: Left, there: Path, folder: Path) -> Services:
    """A copy of an installation at which the entity has arrived."""
    shutil.copytree(there, folder)
    return trusting(left, make_services(folder, create=False), folder)


def trusting(left: Left, made: Services, folder: Path) -> Services:
    """An installation that trusts the authority of the place from which the entity came."""
    roots = (*made.vault.trust_roots_pem(), *left.house.services.vault.trust_roots_pem())
    return dataclasses.replace(made, checker=SharedChecker(roots), sealer=Seal(folder))


def taken_in(left: Left, folder: Path, *, url: str | None = None, prefix: str = "") -> Services:
    """An installation with another ministry, at which the entity has arrived."""
    folder.mkdir()
    made = trusting(left, make_services(folder, url=url), folder)
    with made.unit_of_work(NOW) as uow:
        uow.session.add(Unit(code="ICI", name="Un ministère d'ici", is_entity=True))
    transfer_kit.add_other(made)
    # Of each table there are rows: no id of the entity stays as it was.
    theirs = transfer_kit.THEIRS
    impute(made, transfer_kit.their_letter(made), theirs, by=f"{theirs}-t".lower())
    take_in(made, left.folder, left.key, prefix=prefix, now=LATER)
    return made


def test_where_an_entity_left_its_reports_are_proven_as_before(left: Left) -> None:
    services, mail_id = left.house.services, left.letters["altered"]
    proof = prove(services, left.pdf, now=LATER)
    assert named(proof) == [("letter.unexplained", f"letter {mail_id}")]
    assert changed(proof) == {mail_id}


def test_where_an_entity_arrived_its_earlier_reports_are_proven_elsewhere_and_nobody_is_accused(
    left: Left, place: Services
) -> None:
    assert named(prove(place, left.pdf, now=LATER)) == [("file.unknown", "")]


def test_letters_that_came_with_an_entity_are_as_the_acts_of_both_journals_left_them(
    left: Left, place: Services
) -> None:
    pdf = file_of(place, make(place))
    assert prove(place, pdf).changes == ()
    play = at(place)
    one = {name: left.here(place, name) for name in left.letters}
    for name in ("decided", "waiting", "altered", "unit"):
        play.impute(one[name], "DAF")
    play.redate(one["dated"], date(2026, 10, 30))
    proof = prove(place, pdf)
    # What was altered before it left is told as soon as a number reads it again.
    assert named(proof) == [("letter.unexplained", f"letter {one['altered']}")]
    assert {one["decided"], one["unit"], one["dated"]} <= changed(proof)
    altered(place, DECIDED, one["decided"])
    altered(place, "UPDATE mails SET received_on = '2026-10-20' WHERE id = :mail", one["dated"])
    altered(
        place,
        "UPDATE mails SET responsible_unit_id = (SELECT id FROM units WHERE code = 'SG') WHERE id = :mail",
        one["unit"],
    )
    altered(place, "UPDATE mail_numbers SET registered_on = '2026-10-03' WHERE mail_id = :mail", one["old"])
    found = {where for _code, where in named(prove(place, pdf))}
    assert found == {f"letter {one[name]}" for name in ("altered", "decided", "dated", "unit", "old")}


def test_a_signed_journal_that_was_altered_beside_the_rows_is_told(left: Left, place: Services) -> None:
    pdf = file_of(place, make(place))
    play = at(place)
    mail_id = left.here(place, "decided")
    play.impute(mail_id, "DAF")
    altered(place, "UPDATE taken_entities SET proof = '00' WHERE :mail > 0", mail_id)
    assert ("taken.proof_altered", "entity MIN") in named(prove(place, pdf))


def test_what_an_act_of_the_other_journal_names_is_here_under_the_ids_and_codes_of_here(
    left: Left, tmp_path: Path
) -> None:
    place = taken_in(left, tmp_path / "place", prefix="N-")
    acts = dict[int, list[Act]]()
    with place.reading() as session:
        letters = {left.here(place, name): name for name in left.letters}
        assert arrived.add_acts(session, letters, acts)[0] == []
        codes = set(session.scalars(select(Unit.code)))
        for mail_id, name in letters.items():
            assert all(one.sequence < 0 for one in acts[mail_id]), "before each act here"
            said: dict[str, set[Any]] = {"imputation": set(), "assignments": set(), "units": set()}
            for one in acts[mail_id]:
                details = one.details or {}
                said["imputation"] |= {details["imputation"]} if "imputation" in details else set()
                said["assignments"] |= {*details.get("assignments", ())}
                said["units"] |= {*details.get("units", ()), details.get("unit"), details.get("registered_by")} - {
                    None,
                    "",
                }
            of_letter = {
                "imputation": set(session.scalars(select(Imputation.id).where(Imputation.mail_id == mail_id))),
                "assignments": set(session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id))),
            }
            assert {kind: said[kind] for kind in of_letter} == of_letter, name
            assert bool(said["units"]) is (name not in ("waiting", "dated", "void")), name
            assert said["units"] <= codes, name
            assert all(code.startswith("N-") for code in said["units"]), name
        (number,) = session.scalars(select(MailNumber.id).where(MailNumber.mail_id == left.here(place, "void")))
        assert number in {one.number_id for one in acts[left.here(place, "void")]}
        entity = session.scalars(select(TakenEntity)).one()
    altered(place, "UPDATE taken_entities SET manifest_sha256 = '00' WHERE :mail > 0", 1)
    with place.reading() as session:
        faults, _entries = arrived.add_acts(session, letters, {})
    assert {one.code for one in faults} == {"taken.unrecorded"}
    assert f"entity {entity.code}" in {one.where for one in faults}
    place.engine.dispose()


def hidden(left: Left, place: Services) -> tuple[bytes, int]:
    """The report, and a letter that came with the entity and whose row was altered behind a true act."""
    pdf = file_of(place, make(place))
    mail_id = left.here(place, "decided")
    at(place).impute(mail_id, "DAF")
    altered(place, DECIDED, mail_id)
    assert named(prove(place, pdf)) == [("letter.unexplained", f"letter {mail_id}")]
    return pdf, mail_id


Accused = tuple[Services, bytes, int]
"""The place, its report, and the letter that is accused (``hidden``)."""


@pytest.fixture(scope="module")
def hidden_once(tmp_path_factory: pytest.TempPathFactory, left: Left, arrived_once: Path) -> tuple[Path, bytes, int]:
    """The folder of such an installation on SQLite, its report and the letter."""
    folder = tmp_path_factory.mktemp("hidden") / "place"
    made = copied(left, arrived_once, folder)
    pdf, mail_id = hidden(left, made)
    made.engine.dispose()
    return folder, pdf, mail_id


@pytest.fixture
def accused(
    tmp_path: Path, left: Left, hidden_once: tuple[Path, bytes, int], either_database: str | None
) -> Iterator[Accused]:
    """What ``hidden`` makes at ``place``, on either database."""
    if either_database is None:
        folder, pdf, mail_id = hidden_once
        made = copied(left, folder, tmp_path / "place")
    else:
        made = taken_in(left, tmp_path / "place", url=either_database)
        figures.run(made, now=LATER)
        pdf, mail_id = hidden(left, made)
    yield made, pdf, mail_id
    made.engine.dispose()


ARRIVAL = "(SELECT sequence FROM audit_entries WHERE action = 'entity.taken_in')"


@pytest.mark.parametrize(
    ("statements", "place_of_it"),
    [
        (["UPDATE taken_entities SET offsets = :offsets"], "entity MIN"),
        (["UPDATE taken_entities SET prefix = 'X'"], "entity MIN"),
        (["DELETE FROM taken_entries", "DELETE FROM taken_entities"], "manifest "),
        ([f"DELETE FROM audit_payloads WHERE sequence IN {ARRIVAL}"], "entry "),
        ([f"UPDATE audit_payloads SET salt = 'x' WHERE sequence IN {ARRIVAL}"], "entry "),
        ([f"UPDATE audit_entries SET subject_id = 1 WHERE sequence IN {ARRIVAL}"], "entry "),
        (
            [
                "DELETE FROM taken_entries",
                "DELETE FROM taken_entities",
                f"DELETE FROM audit_payloads WHERE sequence IN {ARRIVAL}",
                "DELETE FROM audit_entries WHERE action = 'entity.taken_in'",
            ],
            "",
        ),
    ],
)
def test_altering_the_arrival_of_an_entity_hides_no_altered_letter(
    statements: list[str], place_of_it: str, accused: Accused
) -> None:
    place, pdf, mail_id = accused
    with place.reading() as session:
        offsets = json.dumps(session.scalars(select(TakenEntity.offsets)).one() | {"mails": 1_000_000})
    lift_guards(place.engine)
    with place.engine.begin() as connection:
        for one in statements:
            connection.execute(text(one), {"offsets": offsets} if ":offsets" in one else {})
    found = named(prove(place, pdf))
    assert ("letter.not_begun", f"letter {mail_id}") in found
    if place_of_it:
        assert any(code == "taken.unrecorded" and where.startswith(place_of_it) for code, where in found), found
        with place.snapshot() as session:
            assert any(code == "taken.unrecorded" for code, _where in taken_check.broken(session))


def signed_by_another(lines: Sequence[Mapping[str, Any]], *, times: int = 1) -> dict[str, Any]:
    """The columns of an entity whose journal has these entries, so many times, signed with a key of somebody's own."""
    key, before, hashes, entries = Ed25519PrivateKey.generate(), audit.GENESIS, b"", b""
    for number, line in enumerate(lines, 1):
        entry = dict.fromkeys(audit.HASHED) | {"sequence": number, "previous_hash": before, "salt": "aa"} | dict(line)
        details: dict[str, Any] = entry.get("payload") or {}
        entry["payload_digest"] = audit.payload_digest("aa", details)
        before = hashlib.sha256(audit.canonical([entry[name] for name in audit.HASHED])).hexdigest()
        hashes += bytes.fromhex(before)
        entries += audit.canonical(entry) + b"\n"
    parts = {"journal/hashes.bin": hashes, "journal/entries.jsonl": entries * times}
    listed = [{"path": path, "sha256": hashlib.sha256(part).hexdigest()} for path, part in parts.items()]
    manifest = json.dumps({"files": listed}).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for path, part in {
            "manifest.json": manifest,
            "manifest.sig": key.sign(manifest).hex().encode(),
            **parts,
        }.items():
            out.writestr(path, part)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return {
        "proof": packed.getvalue(), "proof_sha256": hashlib.sha256(packed.getvalue()).hexdigest(),
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(), "key_pem": pem,
    }  # fmt: skip


def put_in(place: Services, columns: Mapping[str, Any], *, wholly: bool) -> None:
    """Another proof in an entity's row, and in the details of its arrival.

    Args:
        wholly: as if it had arrived so: also the entry's hashes are those of the new details.
    """
    lift_guards(place.engine)
    with place.unit_of_work(LATER) as uow:
        uow.session.execute(update(TakenEntity).values(**columns))
        entry = uow.session.scalars(select(AuditEntry).where(AuditEntry.action == taken_check.TAKEN_IN)).one()
        details = uow.session.get_one(AuditPayload, entry.sequence)
        told = details.payload | {
            "manifest": columns["manifest_sha256"], "proof": columns["proof_sha256"],
            "key": hashlib.sha256(columns["key_pem"].encode()).hexdigest(),
        }  # fmt: skip
        details.payload = told
        if wholly:
            entry.payload_digest = audit.payload_digest(details.salt, told)
            entry.hash = audit.entry_hash(entry)


def test_a_journal_that_somebody_signed_with_a_key_of_his_own_is_told(accused: Accused) -> None:
    place, pdf, mail_id = accused
    put_in(place, signed_by_another([]), wholly=False)
    found = named(prove(place, pdf))
    assert "taken.unrecorded" in {code for code, _where in found}
    assert ("letter.not_begun", f"letter {mail_id}") in found


def test_an_arrival_from_before_the_report_that_was_rewritten_with_its_own_hash_is_told(
    left: Left, place: Services
) -> None:
    """The journal that is put in for the true one says of the letter what its altered row says: no letter is accused."""
    with place.unit_of_work(LATER) as uow:
        uow.record("backup.made", "backup", None, actor=SYSTEM)  # the report names another entry than the arrival's
    pdf, mail_id = hidden(left, place)
    there = left.letters["decided"]
    with left.house.services.reading() as session:
        acts = session.execute(
            select(AuditEntry, AuditPayload.payload)
            .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.subject_kind == "mail", AuditEntry.subject_id == there)
            .order_by(AuditEntry.sequence)
        ).all()
    said = [
        {"action": entry.action, "payload": payload, "subject_kind": "mail", "subject_id": there,
         "at": "2026-11-26T10:00:00.000000+00:00" if entry.action == "mail.imputed" else entry.at.isoformat(timespec="microseconds")}
        for entry, payload in acts
    ]  # fmt: skip
    put_in(place, signed_by_another(said), wholly=True)
    with place.reading() as session:
        (arrival,) = session.scalars(select(AuditEntry.sequence).where(AuditEntry.action == taken_check.TAKEN_IN))
    found = named(prove(place, pdf))
    assert ("letter.unexplained", f"letter {mail_id}") not in found
    assert ("journal.entry_altered", f"entry {arrival}") in found


def test_an_entry_that_came_without_its_details_is_told(left: Left, accused: Accused) -> None:
    place, pdf, _mail_id = accused
    bare = {"action": "mail.registered", "at": "2026-11-01T10:00:00.000000+00:00", "subject_kind": "mail"}
    put_in(place, signed_by_another([bare | {"subject_id": left.letters["decided"]}]), wholly=True)
    assert ("taken.payload_missing", "entity MIN: entry 1") in named(prove(place, pdf))


@pytest.mark.parametrize(
    "odd",
    [
        {"action": "mail.imputed", "payload": {"units": [1], "assignments": [1], "imputation": 3}},
        {"action": "mail.imputed", "payload": {"assignments": 5}},
        {"action": "mail.imputed", "payload": {"imputation": [1]}},
        {"action": "mail.registered", "payload": {"due_on": "nonsense"}},
        {"action": "mail.imported", "payload": {"registered_on": "2026-01-01"}},
        {"action": "mail.registered", "payload": {}, "at": "2026-11-01"},
        {"action": "mail.registered", "payload": {}, "at": "0001-01-01T00:00:00+14:00"},
        {"action": "mail.registered", "payload": {}, "subject_id": "abc"},
    ],
    ids=str,
)
def test_odd_entries_of_a_signed_journal_are_told_and_end_no_proof(
    odd: dict[str, Any], left: Left, accused: Accused
) -> None:
    place, pdf, _mail_id = accused
    usual = {"at": "2026-11-01T10:00:00.000000+00:00", "subject_kind": "mail", "subject_id": left.letters["decided"]}
    put_in(place, signed_by_another([usual | odd]), wholly=True)
    found = named(prove(place, pdf))
    assert any(code == "taken.entry_unreadable" and "entity MIN" in where for code, where in found), found


def spoiled(how: str) -> bytes:
    """A packed part that cannot be unpacked."""
    ways = {"deflate": zipfile.ZIP_DEFLATED, "lzma": zipfile.ZIP_LZMA, "bomb": zipfile.ZIP_DEFLATED}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("manifest.json", b"{}" * (5_000_000 if how == "bomb" else 50), ways.get(how, zipfile.ZIP_STORED))
    found = bytearray(packed.getvalue())
    start, listed = 30 + len("manifest.json"), found.index(b"PK\x01\x02")
    match how:
        case "deflate":
            found[start : start + 6] = b"\xff" * 6
        case "lzma":
            found[start + 6 : start + 16] = b"\xff" * 10
        case "method":
            found[listed + 10 : listed + 12] = b"\x63\x00"
        case "encrypted":
            found[listed + 8 : listed + 10] = b"\x01\x00"
        case "cut":
            found[listed + 20 : listed + 28] = b"\xff\xff\x00\x00" * 2
    return bytes(found)


@pytest.mark.parametrize("how", ["deflate", "lzma", "method", "encrypted", "cut", "bomb"])
def test_a_proof_that_cannot_be_unpacked_is_told(how: str, accused: Accused) -> None:
    place, pdf, _mail_id = accused
    proof = spoiled(how)
    columns = signed_by_another([]) | {"proof": proof, "proof_sha256": hashlib.sha256(proof).hexdigest()}
    put_in(place, columns, wholly=True)
    tracemalloc.start()
    try:
        found = named(prove(place, pdf))
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ("taken.proof_altered", "entity MIN") in found
    assert how != "bomb" or most < 5_000_000
    with place.snapshot() as session:
        assert ("taken.proof_altered", "entity MIN") in list(taken_check.broken(session))


@pytest.mark.parametrize("how", ["repeated", "long"])
def test_lines_of_a_proof_that_would_take_all_memory_are_told(
    how: str, left: Left, arrived_once: Path, tmp_path: Path
) -> None:
    place = copied(left, arrived_once, tmp_path / "place")
    usual = {"at": "2026-11-01T10:00:00.000000+00:00", "subject_kind": "mail", "action": "mail.opened", "subject_id": 1}
    if how == "repeated":
        put_in(place, signed_by_another([usual | {"payload": {"reason": "x"}}], times=3), wholly=True)
    else:
        put_in(place, signed_by_another([usual | {"payload": {"reason": "x" * (1 << 22)}}]), wholly=True)
    with place.snapshot() as session:
        assert ("taken.proof_altered", "entity MIN") in list(taken_check.broken(session))
    place.engine.dispose()


def test_a_long_journal_is_compared_with_what_is_shown_of_it_without_holding_it(
    left: Left, arrived_once: Path, tmp_path: Path
) -> None:
    place = copied(left, arrived_once, tmp_path / "place")
    usual = {"at": "2026-11-01T10:00:00.000000+00:00", "subject_kind": "mail", "payload": {"reason": "x" * 400}}
    put_in(place, signed_by_another([usual | {"action": "mail.opened", "subject_id": 1}] * 10_000), wholly=True)
    tracemalloc.start()
    try:
        with place.snapshot() as session:
            found = sum(code == "taken.entry_missing" for code, _where in taken_check.broken(session))
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found > 9_900
    assert most < 8_000_000, most
    place.engine.dispose()


# --- an earlier archive is taken over


def test_letters_that_were_taken_over_afterwards_are_named_and_altered_ones_too(services: Services) -> None:
    with_book(services)
    play = Play(services)
    play.register(received_on=TODAY, due_days=None)
    (earlier,) = taken_over(services, {"id": 0, "number": "6/SG", "registered_on": "2026-11-02", "subject": "Avant"})
    days_later(play)
    pdf = file_of(services, make(services))
    day = {"registered_on": "2026-11-03"}
    came = taken_over(
        services,
        {"id": 1, "number": "7/SG", **day, "subject": "Arrivé"},
        {"id": 2, "number": "8/SG", **day, "received_on": "2026-11-02", "subject": "Reçu avant", "unit": "DGE"},
        {"id": 3, "number": "9/SG", **day, "direction": "outgoing", "subject": "Parti", "addressee": "Préfet"},
        {"id": 4, "number": "1/SG", "registered_on": "2019-01-04", "subject": "Vieux"},
        {"id": 5, "number": "2/SG", **day, "confidentiality": "restricted", "subject": "Réservé", "unit": "DGE"},
    )
    # Another register gives its own numbers, of the day on which it takes them over.
    came += taken_over(services, {"id": 6, "number": "3/2011", "subject": "Tardif"}, into="ARR")
    proof = prove(services, pdf, now=play.now)
    assert proof.faults == ()
    assert changed(proof) == set(came[:3])
    assert {act.action for one in proof.changes for move in one.moves for act in move.acts} == {"mail.imported"}
    for statement, mail_id in (
        (ELSEWHERE, earlier),
        ("UPDATE mails SET received_on = '2026-11-09' WHERE id = :mail", came[1]),
        ("UPDATE mails SET closed_at = '2026-11-20 10:00:00.000000' WHERE id = :mail", came[2]),
        ("UPDATE mail_numbers SET registered_on = '2026-11-20' WHERE mail_id = :mail", came[3]),
        ("UPDATE mails SET level = 0 WHERE id = :mail", came[4]),
    ):
        altered(services, statement, mail_id)
        assert ("letter.unexplained", f"letter {mail_id}") in named(prove(services, pdf, now=play.now)), statement


# --- years


def test_a_letter_of_another_year_that_is_rectified_is_named_with_day_act_and_person(services: Services) -> None:
    play = Play(services)
    play.register(received_on=TODAY, due_days=None)
    old = play.register(received_on=date(2025, 12, 30), due_days=None)
    days_later(play)
    pdf = file_of(services, make(services))
    with services.unit_of_work(play.now) as uow:
        rectify(
            uow, MailId(old), {"received_on": date(2026, 11, 3)}, reason="Mal lu", version=None,
            actor=actor(services, "agent"), now=play.now,
        )  # fmt: skip
    proof = prove(services, pdf, now=play.now)
    assert proof.faults == ()
    assert changed(proof) == {old}
    assert all_told(proof)
    assert MONTH.year == 2026
