"""``ged_verify.py`` on an exported entity: each finding, and how each change of its folder is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import ged_verify
from ged.archive import merkle
from tests import verify_kit as kit
from tests.verify_kit import REPLY, SCAN, Entity, FrozenClock, journal_key, letter, ministry, sha

Finding = tuple[str, str, str, str, str]
"""(state, what, by, when, why)."""

ONLY_FOLDER = "dit par le dossier seul ; donnez la clé du journal que vous tenez (--key)"
ITS_ROOT = "autorité reconnue par le dossier lui-même ; donnez la vôtre (--trust)"
KEY = "la clé du journal"
STAMPED = ("CN=Horodateur", "2026-03-02T18:30:00+00:00")
PARTS = 15
"""Listed files of the made entity: six tables and nine others."""


@dataclass
class Held:
    """What the judge has from another source, as arguments."""

    root: list[str]
    key: list[str]


@pytest.fixture(autouse=True)
def _the_clock_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ged_verify, "datetime", FrozenClock)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    folder = tmp_path_factory.mktemp("held")
    root, key = folder / "held.pem", folder / "held.pub"
    root.write_text(ministry().root.pem)
    key.write_bytes(kit.pem_of(journal_key()))
    return Held(["--trust", str(root)], ["--key", str(key)])


@pytest.fixture
def entity(tmp_path: Path) -> Entity:
    return Entity(tmp_path / "entity")


class Told:
    """Checks a folder with what is held from another source."""

    def __init__(self, held: Held, capsys: pytest.CaptureFixture[str]) -> None:
        self._held, self._capsys = held, capsys

    def __call__(self, path: Path, arguments: list[str] | None = None) -> list[Finding]:
        held = [*self._held.root, *self._held.key] if arguments is None else arguments
        ged_verify.main([str(path), *held, "--json"])
        lines = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        return [tuple(line[name] for name in ("state", "what", "by", "when", "why")) for line in lines]  # type: ignore[misc]


@pytest.fixture
def told(held: Held, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(held, capsys)


def sound() -> list[tuple[str, str, str]]:
    """The findings for the made entity, in order: (what, by, when)."""
    return [
        ("entité MIN (Ministère) exportée entière", "la clé du journal que vous avez donnée", "2026-03-03T09:00:00+00:00"),
        ("horodatage du manifeste", *STAMPED),
        (f"{PARTS} parties du dossier inchangées", "", ""),
        ("7 documents inchangés", "", ""),
        ("19 enregistrements, dont 2 courriers", "", ""),
        ("3 têtes scellées du journal", KEY, "2026-03-09T19:00:00+00:00"),
        ("ancrage du journal (5 inscriptions)", KEY, "2026-03-05T20:00:00+00:00"),
        ("ancrage du journal (7 inscriptions)", KEY, "2026-03-07T20:00:00+00:00"),
        ("horodatage de l'ancrage du journal (7 inscriptions)", *STAMPED),
        ("ancrage du journal (8 inscriptions)", KEY, "2026-03-08T20:00:00+00:00"),
        ("8 inscriptions de l'entité, à leur place parmi les 9 du journal", "", ""),
        ("registre ARR 2026 : 457 à 459, sans trou", "", ""),
        ("registre DEP 2026 : aucun numéro, sans trou", "", ""),
        ("registre SUI : 1 à 1, sans trou", "", ""),
        ("2 documents joints sont ceux que dit le journal", "", ""),
        ("clôture du registre ARR au 2026-03-01", KEY, "2026-03-01T18:00:00+00:00"),
        ("clôture du registre ARR au 2026-12-31", KEY, "2026-12-31T18:00:00+00:00"),
        ("clôture du registre SUI au 2026-03-02", KEY, "2026-03-02T18:00:00+00:00"),
        ("clôture du registre DEP au 2026-03-02", KEY, "2026-03-02T18:00:00+00:00"),
        ("clôture du registre ARR au 2026-03-02", KEY, "2026-03-02T18:00:00+00:00"),
    ]  # fmt: skip


def test_a_sound_entity_is_proven_thing_by_thing(entity: Entity, told: Told) -> None:
    assert told(entity.write()) == [("proven", *one, "") for one in sound()]


def test_it_exits_with_nothing_to_say_only_when_everything_is_proven(entity: Entity, held: Held, told: Told) -> None:
    path = str(entity.write())
    assert ged_verify.main([path, *held.root, *held.key]) == 0
    assert ged_verify.main([path, *held.root]) == 3
    (entity.path / "rows/mails.jsonl").write_bytes(b"")
    assert ged_verify.main([path, *held.root, *held.key]) == 1


def test_without_the_key_the_folder_alone_says_it(entity: Entity, held: Held, told: Told) -> None:
    raw = journal_key().public_key().public_bytes_raw()
    lines = told(entity.write(), held.root)
    assert lines[0] == (
        "open", "entité MIN (Ministère) exportée entière", KEY, "2026-03-03T09:00:00+00:00",
        f"clé jointe au dossier, empreinte {sha(raw)[:32]} : comparez-la à celle publiée (--key)",
    )  # fmt: skip
    assert lines[1:] == [("open", *one, ONLY_FOLDER) for one in sound()[1:]]


def test_without_roots_stamps_are_open(entity: Entity, held: Held, told: Told) -> None:
    opened = [line for line in told(entity.write(), held.key) if line[0] != "proven"]
    assert [(line[0], line[1].split()[0], line[4]) for line in opened] == [("open", "horodatage", ITS_ROOT)] * 2


def test_a_manifest_without_a_stamp_is_none_the_worse(entity: Entity, told: Told) -> None:
    lines = told(entity.write(is_stamped=False))
    assert lines == [("proven", *one, "") for one in sound() if one[0] != "horodatage du manifeste"]


def test_an_entity_on_its_first_day_is_proven(entity: Entity, told: Told) -> None:
    entity.entries, entity.hidden, entity.heads, entity.anchors = [], frozenset(), [], []
    entity.rows = {table: [] for table in entity.rows}
    entity.documents = []
    assert [line[:2] for line in told(entity.write())] == [
        ("proven", one)
        for one in (
            "entité MIN (Ministère) exportée entière",
            "horodatage du manifeste",
            "14 parties du dossier inchangées",
            "0 documents inchangés",
            "0 enregistrements, dont 0 courriers",
            "0 inscriptions de l'entité, à leur place parmi les 0 du journal",
            "0 documents joints sont ceux que dit le journal",
        )
    ]


def test_the_signatures_of_its_letters_are_checked(entity: Entity, told: Told) -> None:
    entity.documents.append(letter())
    path = f"files/{sha(letter())[:2]}/{sha(letter())}"
    entity.signed = [{"path": path, "name": "courrier 458", "revisions": [sha(letter())]}]
    lines = told(entity.write())
    assert ("8 documents inchangés", lines[-1][:4]) == (
        lines[3][1],
        ("proven", "signature signature de courrier 458", "AMAVI Kossi", "2026-03-03T10:12:00+00:00 (heure du signataire)"),
    )  # fmt: skip


def test_another_format_is_read_as_a_case_file(entity: Entity) -> None:
    entity.manifest["format"] = "ged-case-1"
    assert ged_verify._folder(entity.write()) is ged_verify.Case
    entity.manifest["format"] = "ged-entity-1"
    entity.sign()
    assert ged_verify._folder(entity.path) is ged_verify.Entity


# --- what is changed: before the folder is sealed (by one who holds its key), or after

Change = Callable[[Entity], object]
PARTS_WHOLE = f"{PARTS} parties du dossier inchangées"
DOCUMENTS_WHOLE = "7 documents inchangés"
RECORDS = "19 enregistrements, dont 2 courriers"
OWN = "8 inscriptions de l'entité, à leur place parmi les 9 du journal"
ARR = "registre ARR 2026 : 457 à 459, sans trou"
ATTACHED = "2 documents joints sont ceux que dit le journal"
OTHER = sha(b"another")
ZEROS = "0" * 64


def row(table: str, at: int, **values: Any) -> Change:
    """Changes a row."""
    return lambda entity: entity.rows[table][at].update(values)


def more(table: str, **values: Any) -> Change:
    """Adds a row."""
    return lambda entity: entity.rows[table].append(values)


def less(table: str, at: int) -> Change:
    """Drops a row."""
    return lambda entity: entity.rows[table].pop(at)


def noted(at: int, **values: Any) -> Change:
    """Changes an entry of the journal."""
    return lambda entity: entity.entries[at - 1].update(values)


def payload(at: int, **values: Any) -> Change:
    """Changes the payload of an entry of the journal."""
    return lambda entity: entity.entries[at - 1]["payload"].update(values)


def head(at: int, **values: Any) -> Change:
    """Changes a sealed head."""
    return lambda entity: entity.heads.__setitem__(at, (entity.heads[at][0], values))


def anchor(at: int, **values: Any) -> Change:
    """Changes an anchor."""
    return lambda entity: entity.anchors.__setitem__(at, (entity.anchors[at][0], values))


def forged(*what: str) -> Change:
    """Has something sealed by another key."""
    return lambda entity: setattr(entity, "forged", frozenset(what))


def manifest(**values: Any) -> Change:
    """Changes a field of the manifest."""
    return lambda entity: entity.manifest.update(values)


def journal(**values: Any) -> Change:
    """What the manifest says of the journal."""

    def change(entity: Entity) -> None:
        entity._chain()
        told = {"count": 9, "head": entity.entries[-1]["hash"], "entries": 8}
        entity.manifest["journal"] = told | values

    return change


def twice(at: int) -> Change:
    """Lists an entry of the journal a second time, at its end."""

    def change(entity: Entity) -> None:
        entity._chain()
        lines = [one for one in entity.entries if one["sequence"] not in entity.hidden]
        entity.files["journal/entries.jsonl"] = kit._jsonl([*lines, entity.entries[at - 1]])
        entity.manifest["journal"] = {"count": 9, "head": entity.entries[-1]["hash"], "entries": 9}

    return change


def moved(at: int, **values: Any) -> Change:
    """Changes an entry, whose own hash is computed again, without its neighbours."""

    def change(entity: Entity) -> None:
        entity._chain()
        lines = [dict(one) for one in entity.entries if one["sequence"] not in entity.hidden]
        for one in lines:
            if one["sequence"] == at:
                one.update(values)
                one["hash"] = kit.digest_of(one)
        entity.files["journal/entries.jsonl"] = kit._jsonl(lines)

    return change


def head_hash(count: int, of: int) -> Change:
    """A sealed head names the hash of another entry."""

    def change(entity: Entity) -> None:
        entity._chain()
        entity.heads[1] = (5, {"count": count, "hash": entity.entries[of - 1]["hash"]})

    return change


HEADS_OF_TWO = "2 têtes scellées du journal"
NOT_THERE = "ne tient pas au journal"
UNSEALED = "n'est pas signée par la clé du journal"
UNSEALED_ANCHOR = "n'est pas signé par la clé du journal"
NOT_SEALED = "n'est pas scellée par la clé du journal"
CLOSED = "clôture du registre ARR au 2026-03-02"
FIRST_CLOSED = "clôture du registre ARR au 2026-03-01"
SECOND_DAY = ("clôture du registre ARR au 2026-03-02", KEY, "2026-03-02T18:00:00+00:00")
OTHER_BYTES = "l'horodatage porte sur d'autres octets"


@pytest.mark.parametrize(
    ("change", "lost", "found"),
    [
        # registers
        (row("mail_numbers", 2, sequence=457), [ARR], [("registre ARR 2026", "3 numéros au lieu de 457 à 459")]),
        (row("mail_numbers", 2, sequence=460), [ARR], [("registre ARR 2026", "3 numéros au lieu de 457 à 459")]),
        (row("register_counters", 0, last_sequence=460), [ARR], [("registre ARR 2026", "3 numéros au lieu de 457 à 460")]),
        (row("register_counters", 0, opening_sequence=457), [ARR], [("registre ARR 2026", "3 numéros au lieu de 458 à 459")]),
        (less("register_counters", 0), [ARR, RECORDS],
         [("registre 1 2026", "3 numéros sans compteur"), ("=", "18 enregistrements, dont 2 courriers")]),
        (row("register_counters", 2, last_sequence=0), ["registre SUI : 1 à 1, sans trou"],
         [("registre SUI", "1 numéros au lieu de 1 à 0")]),
        *[(noted(9, action=action, payload={"number": "9/ARR"}), [],
           [("numéro 9/ARR", "donné au journal (n° 9), et il manque au registre")])
          for action in ("mail.registered", "mail.imported", "mail.numbered", "envelope.registered", "slip.issued")],
        *[(noted(8, action=action.upper(), payload={"number": "9/ARR"}), [], [])
          for action in ("mail.registered", "mail.imported", "mail.numbered", "envelope.registered", "slip.issued")],
        (noted(5, subject_kind="mail"), [], [("numéro 459/ARR", "donné au journal (n° 5), et il manque au registre")]),
        (noted(7, subject_id=8), [], [("numéro 1/SUI", "donné au journal (n° 7), et il manque au registre")]),
        # documents joined to letters
        (payload(2, digest=sha(REPLY)), [ATTACHED], [("document n° 31 du courrier n° 12", "n'est pas celui que dit le journal")]),
        (noted(2, subject_id=13), [ATTACHED], [("document n° 31 du courrier n° 12", "n'est pas celui que dit le journal")]),
        (noted(4, action="mail.read"), [ATTACHED], [("document n° 32 du courrier n° 13", "n'est pas celui que dit le journal")]),
        (row("attachments", 1, mail_id=12), [ATTACHED], [("document n° 32 du courrier n° 12", "n'est pas celui que dit le journal")]),
        (less("attachments", 0), [ATTACHED, RECORDS],
         [("document n° 31", "le journal le dit, et il manque"), ("=", "18 enregistrements, dont 2 courriers")]),
        (payload(2, attachment=33), [ATTACHED],
         [("document n° 31 du courrier n° 12", "n'est pas celui que dit le journal"),
          ("document n° 33", "le journal le dit, et il manque")]),
        (lambda entity: (payload(2, digest=None)(entity), row("attachments", 0, digest=None)(entity)), [], []),
        # closings
        (forged("closing 1 day 2"), [CLOSED], [(CLOSED, NOT_SEALED)]),
        (forged("closing 1 year 1"), ["clôture du registre ARR au 2026-12-31"],
         [("clôture du registre ARR au 2026-12-31", NOT_SEALED)]),
        (row("register_closings", 0, sequence=3), [CLOSED], [(CLOSED, "ne suit pas la clôture d'avant")]),
        (row("register_closings", 0, previous_digest=sha(SCAN)), [CLOSED], [(CLOSED, "ne suit pas la clôture d'avant")]),
        (row("register_closings", 1, previous_digest=sha(SCAN)), [FIRST_CLOSED], [(FIRST_CLOSED, "ne suit pas la clôture d'avant")]),
        (row("register_closings", 0, number_count=3), [CLOSED], [(CLOSED, "2 numéros de ces jours au lieu de 3")]),
        (row("register_closings", 0, from_on="2026-03-01"), [CLOSED], [(CLOSED, "3 numéros de ces jours au lieu de 2")]),
        (row("mail_numbers", 0, registered_on="2026-02-28"), [FIRST_CLOSED], [(FIRST_CLOSED, "0 numéros de ces jours au lieu de 1")]),
        (less("register_closings", 1), [CLOSED, FIRST_CLOSED, DOCUMENTS_WHOLE, RECORDS],
         [(CLOSED, "ne suit pas la clôture d'avant"), ("=", "6 documents inchangés"),
          ("=", "18 enregistrements, dont 2 courriers")]),
        # the journal's heads and anchors
        (forged("head 5"), ["3 têtes scellées du journal"], [("tête scellée n° 2", UNSEALED), ("=", HEADS_OF_TWO)]),
        (head(1, previous=OTHER), ["3 têtes scellées du journal"], [("tête scellée n° 2", NOT_THERE), ("=", HEADS_OF_TWO)]),
        (head(0, previous=OTHER), ["3 têtes scellées du journal"], [("tête scellée n° 1", NOT_THERE), ("=", HEADS_OF_TWO)]),
        (head(1, hash=OTHER), ["3 têtes scellées du journal"], [("tête scellée n° 2", NOT_THERE), ("=", HEADS_OF_TWO)]),
        (head(0, hash=OTHER), ["3 têtes scellées du journal"], [("tête scellée n° 1", NOT_THERE), ("=", HEADS_OF_TWO)]),
        (head_hash(10, 5), ["3 têtes scellées du journal"], [("tête scellée n° 2", NOT_THERE), ("=", HEADS_OF_TWO)]),
        (head_hash(4, 5), ["3 têtes scellées du journal"], [("tête scellée n° 2", NOT_THERE), ("=", HEADS_OF_TWO)]),
        (head_hash(-1, 8), ["3 têtes scellées du journal"], [("tête scellée n° 2", NOT_THERE), ("=", HEADS_OF_TWO)]),
        (head_hash(0, 9), ["3 têtes scellées du journal"], [("tête scellée n° 2", NOT_THERE), ("=", HEADS_OF_TWO)]),
        (head_hash(1, 1), [], []),
        (head(1, count=3, hash=ZEROS), ["3 têtes scellées du journal"], [("tête scellée n° 2", NOT_THERE), ("=", HEADS_OF_TWO)]),
        (forged("head 0", "head 5", "head 9"), ["3 têtes scellées du journal"],
         [(f"tête scellée n° {one}", UNSEALED) for one in (1, 2, 3)]),
        (forged("anchor 5"), ["ancrage du journal (5 inscriptions)"], [("ancrage du journal (5 inscriptions)", UNSEALED_ANCHOR)]),
        (anchor(1, previous=OTHER), ["ancrage du journal (7 inscriptions)"], [("ancrage du journal (7 inscriptions)", NOT_THERE)]),
        (anchor(0, previous=OTHER), ["ancrage du journal (5 inscriptions)"], [("ancrage du journal (5 inscriptions)", NOT_THERE)]),
        (anchor(2, root=OTHER), ["ancrage du journal (8 inscriptions)"], [("ancrage du journal (8 inscriptions)", NOT_THERE)]),
        (anchor(2, count=10), ["ancrage du journal (8 inscriptions)"], [("ancrage du journal (10 inscriptions)", NOT_THERE)]),
        (lambda entity: entity.stamped.update({7: b"other bytes"}), ["horodatage de l'ancrage du journal (7 inscriptions)"],
         [("horodatage de l'ancrage du journal (7 inscriptions)", OTHER_BYTES)]),
        (journal(count=8), [], [("journal", "la chaîne des empreintes n'a pas la fin que dit le manifeste")]),
        (journal(head=OTHER), [], [("journal", "la chaîne des empreintes n'a pas la fin que dit le manifeste")]),
        (journal(entries=9), [OWN], [("journal", "8 inscriptions au lieu de 9")]),
        # its own entries
        (twice(9), [OWN], [
            ("journal n° 9 : mail.numbered", "l'inscription n'est pas à cette place du journal"),
            ("=", "9 inscriptions de l'entité, à leur place parmi les 9 du journal")]),
        (twice(2), [OWN], [
            ("journal n° 2 : attachment.added", "l'inscription n'est pas à cette place du journal"),
            ("=", "9 inscriptions de l'entité, à leur place parmi les 9 du journal")]),
        (moved(4, person_id=8), [], [("journal n° 4 : attachment.added", "l'inscription n'est pas à cette place du journal")]),
        (moved(1, previous_hash=OTHER), [], [("journal n° 1 : mail.registered", "l'inscription n'est pas à cette place du journal")]),
        (moved(9, previous_hash=OTHER), [], [("journal n° 9 : mail.numbered", "l'inscription n'est pas à cette place du journal")]),
        (moved(3, payload={"number": "458/ARR", "more": 1}), [],
         [("journal n° 3 : mail.imported", "le détail de l'inscription a été modifié")]),
        # records and documents
        (manifest(counts={"mails": 3, "registers": 3, "register_counters": 3, "mail_numbers": 4, "attachments": 2,
                          "register_closings": 5}), [RECORDS], [("enregistrements mails", "2 au lieu de 3")]),
        (row("attachments", 1, read_digest=OTHER), [DOCUMENTS_WHOLE],
         [("documents", "1 enregistrements nomment un document qui manque")]),
        (lambda entity: [row("mails", at, page_digest=OTHER)(entity) for at in (0, 1)], [DOCUMENTS_WHOLE],
         [("documents", "2 enregistrements nomment un document qui manque")]),
        (row("mails", 0, digest=OTHER), [DOCUMENTS_WHOLE], [("documents", "1 enregistrements nomment un document qui manque")]),
        (row("mails", 0, digest_of_nothing=OTHER), [], []),
    ],
)  # fmt: skip
def test_a_contradiction_is_told_though_all_is_sealed(
    entity: Entity, told: Told, change: Change, lost: list[str], found: list[tuple[str, str]]
) -> None:
    """A finding ``("=", text)`` is proven; the others are broken."""
    change(entity)
    lines = told(entity.write())
    before = Counter({one: 1 for one, *_ in sound()})
    now = Counter(line[1] for line in lines if line[0] == "proven")
    broken = Counter((line[1], line[4]) for line in lines if line[0] == "broken")
    assert broken == Counter(one for one in found if one[0] != "=")
    assert now == before - Counter(lost) + Counter(what for mark, what in found if mark == "=")
    assert len(lines) == sum(now.values()) + sum(broken.values())


def test_what_is_broken_is_told_with_its_day(entity: Entity, told: Told) -> None:
    moved(4, person_id=8)(entity)
    (line,) = [line for line in told(entity.write()) if line[0] == "broken"]
    why = "l'inscription n'est pas à cette place du journal"
    assert line == ("broken", "journal n° 4 : attachment.added", "", "2026-03-04T08:00:00+00:00", why)


def test_the_day_of_the_last_sound_head_is_told(entity: Entity, told: Told) -> None:
    entity.forged = frozenset({"head 9"})
    (line,) = [line for line in told(entity.write()) if line[1] == HEADS_OF_TWO]
    assert line == ("proven", HEADS_OF_TWO, KEY, "2026-03-05T19:00:00+00:00", "")


def test_bytes_that_were_changed_are_named(entity: Entity, told: Told) -> None:
    entity.write()
    scan, reply = (f"files/{sha(one)[:2]}/{sha(one)}" for one in (SCAN, REPLY))
    (entity.path / "journal.pub").unlink()
    (entity.path / "rows/mails.jsonl").write_bytes(b'{"id":12}\n{"id":14}\n')
    (entity.path / scan).write_bytes(b"another")
    (entity.path / reply).unlink()
    (entity.path / "rows/more.jsonl").write_bytes(b"")
    lines = told(entity.path)
    whole = {PARTS_WHOLE, DOCUMENTS_WHOLE}
    assert [line for line in lines if line[0] == "proven"] == [
        ("proven", *one, "") for one in sound() if one[0] not in whole
    ]
    changed = f"les octets ont changé (SHA-256 {sha((entity.path / 'rows/mails.jsonl').read_bytes())})"
    assert [line[1::3] for line in lines if line[0] == "broken"] == [
        ("fichier rows/mails.jsonl", changed),
        ("fichier journal.pub", "manque"),
        ("fichier rows/more.jsonl", "ne figure pas au manifeste"),
        (f"fichier {scan}", f"les octets ont changé (SHA-256 {OTHER})"),
        (f"fichier {reply}", "manque"),
    ]


def test_bytes_of_another_size_than_listed_are_changed(entity: Entity, told: Told) -> None:
    entity.write()
    entity.manifest["files"] = [
        {"path": name, "sha256": sha(content), "size": len(content) + (name == "signed.jsonl")}
        for name, content in entity.files.items()
    ]
    entity.sign()
    lines = told(entity.path)
    assert [line[1] for line in lines if line[0] == "broken"] == ["fichier signed.jsonl"]
    assert PARTS_WHOLE not in [line[1] for line in lines]


def test_a_folder_with_a_file_more_is_not_whole(entity: Entity, told: Told) -> None:
    entity.write()
    (entity.path / "rows/more.jsonl").write_bytes(b"")
    lines = told(entity.path)
    assert [line[1] for line in lines if line[0] == "broken"] == ["fichier rows/more.jsonl"]
    assert PARTS_WHOLE not in [line[1] for line in lines]


def test_a_large_document_is_read_to_its_end(entity: Entity, told: Told) -> None:
    large = b"x" * ((2 << 20) + 5)
    entity.documents.append(large)
    assert told(entity.write())[3][1] == "8 documents inchangés"
    (entity.path / f"files/{sha(large)[:2]}/{sha(large)}").write_bytes(large[:-1] + b"y")
    assert [line[1] for line in told(entity.path) if line[0] == "broken"] == [
        f"fichier files/{sha(large)[:2]}/{sha(large)}"
    ]


def test_what_a_disposal_destroyed_is_told_and_is_not_missing(entity: Entity, told: Told) -> None:
    entity.rows["mails"][0]["page_digest"] = OTHER
    entity.files["destroyed.jsonl"] = json.dumps({"sha256": OTHER}).encode() + b"\n"
    lines = told(entity.write())
    assert [line for line in lines if line[0] != "proven"] == []
    assert lines[3][1] == "7 documents inchangés, 1 détruits par une élimination"
    entity.rows["mails"][1]["page_digest"] = sha(b"a third one")
    entity.files = {"destroyed.jsonl": entity.files["destroyed.jsonl"]}
    lines = told(entity.write())
    assert [line[1::3] for line in lines if line[0] == "broken"] == [
        ("documents", "1 enregistrements nomment un document qui manque")
    ]


def test_a_list_of_destroyed_files_that_nobody_signed_excuses_nothing(entity: Entity, told: Told) -> None:
    entity.rows["mails"][0]["page_digest"] = OTHER
    entity.write()
    entity.put("destroyed.jsonl", json.dumps({"sha256": OTHER}).encode() + b"\n")
    assert [line[1::3] for line in told(entity.path) if line[0] == "broken"] == [
        ("fichier destroyed.jsonl", "ne figure pas au manifeste"),
        ("documents", "1 enregistrements nomment un document qui manque"),
    ]


def test_a_file_that_no_check_needs_is_only_missing(entity: Entity, told: Told) -> None:
    entity.files["notes.txt"] = b"notes"
    entity.write()
    (entity.path / "notes.txt").unlink()
    lines = [line for line in told(entity.path) if line[0] != "proven"]
    assert lines == [("broken", "fichier notes.txt", "", "", "manque")]


@pytest.mark.parametrize(
    ("name", "checks"),
    [
        ("documents.jsonl", ["parties du dossier", "documents"]),
        ("rows/mails.jsonl", ["documents", "enregistrements"]),
        ("rows/registers.jsonl", ["documents", "enregistrements", "registres", "clôtures"]),
        ("rows/register_counters.jsonl", ["documents", "enregistrements", "registres"]),
        ("rows/attachments.jsonl", ["documents", "enregistrements", "documents joints aux courriers"]),
        ("rows/register_closings.jsonl", ["documents", "enregistrements", "clôtures"]),
        ("journal/hashes.bin", ["journal"]),
        ("journal/heads.jsonl", ["journal"]),
        ("journal/anchors.jsonl", ["journal"]),
        ("journal/entries.jsonl", ["journal", "registres", "documents joints aux courriers"]),
        ("signed.jsonl", ["signatures"]),
    ],
)
def test_what_cannot_be_read_is_broken_and_the_other_checks_still_run(
    entity: Entity, told: Told, name: str, checks: list[str]
) -> None:
    entity.write()
    (entity.path / name).unlink()
    lines = told(entity.path)
    unread = [line for line in lines if "illisible" in line[4]]
    assert unread == [("broken", check, "", "", "illisible (FileNotFoundError)") for check in checks]
    assert lines[-1][1] == (checks[-1] if checks[-1] in ("clôtures", "signatures") else SECOND_DAY[0])


def test_a_stamp_outside_the_folder_is_not_read(entity: Entity, told: Told) -> None:
    entity.write()
    outside = entity.path.parent / "outside.tst"
    (entity.path / "manifest.tst").rename(outside)
    (entity.path / "manifest.tst").symlink_to(outside)
    broken = [line for line in told(entity.path) if line[0] == "broken"]
    assert broken == [("broken", "horodatage du manifeste", "", "", "illisible (FileNotFoundError)")]


def test_a_document_is_named_by_its_digest_alone(entity: Entity, told: Told) -> None:
    entity.files["documents.jsonl"] = b'{"sha256":"../../outside","size":5}\n'
    broken = [line[1::3] for line in told(entity.write()) if line[0] == "broken"]
    assert broken == [("parties du dossier", "illisible (ValueError)"), ("documents", "illisible (ValueError)")]


def test_a_root_of_the_folder_is_reported_for_each_number_of_entries() -> None:
    leaves = [bytes([one]) * 32 for one in range(13)]
    hashed = [one.hex() for one in leaves]
    assert ged_verify._roots(hashed, {1, 2, 3, 7, 12}) == {
        count: merkle.root(leaves[:count]) for count in (1, 2, 3, 7, 12)
    }
    assert ged_verify._roots(hashed, {0, 14}) == {}
