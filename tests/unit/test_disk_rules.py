"""Passphrases, sealed parts, words and their shards of a disk."""

import base64
import json
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ged.disk import passphrase, reading, sealing, terms, words
from ged.disk.sealing import DiskKey
from ged.disk.strength import is_strong
from ged.errors import EngineFailed, Invalid
from ged.register.models import MailNumber
from tests.disk_kit import unpacked
from web.words.labels import label

FEW = 10
"""Iterations: a test does not try what they cost."""


def test_a_made_passphrase_is_long_and_another_each_time() -> None:
    found = {passphrase.made() for _ in range(50)}
    assert len(found) == 50
    assert is_strong(min(found))
    for one in found:
        assert [len(word) for word in one.split()] == [4] * passphrase.WORDS
        assert not set(one.split()) & passphrase.COARSE


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ministère",
        "aaaa aaaa aaaa aaaa aaaa",
        "  court   et   bref  ",
        "passwordpassword12345",
        "abcdefghijklmnopqrstuvwxyz",
        "azertyuiopqsdfghjklm",
        "motdepasse motdepasse 2026",
        "ministre ministre cabinet togo",
    ],
)
def test_a_weak_passphrase_is_refused(typed: str) -> None:
    assert not is_strong(typed)


@pytest.mark.parametrize(
    ("carries", "told"), [({"mail_id": 1}, words.VOIDED), ({"envelope_id": 1}, words.VOIDED), ({"slip_id": 1}, words.VOIDED), ({}, "Donné deux fois")]
)  # fmt: skip
def test_why_a_number_was_voided_is_told_where_it_can_name_no_letter(carries: dict[str, int], told: str) -> None:
    """The reason of a slip may name any letter that it carried."""
    now = datetime(2026, 11, 28, tzinfo=UTC)
    number = MailNumber(text="1/2026", registered_at=now, voided_at=now, void_reason="Donné deux fois", **carries)
    assert reading._line(number, None, ("DGE", "DAF"), ZoneInfo("UTC"))["v"] == told


def test_a_passphrase_of_words_that_do_not_belong_together_is_taken() -> None:
    assert is_strong("le hibou range six parapluies verts")


def test_the_passphrase_opens_the_key_however_it_is_typed() -> None:
    key = DiskKey.made("café noir du  matin", FEW)
    assert DiskKey.opened(key.file, " cafe\u0301 noir du matin ").key == key.key
    with pytest.raises(Invalid, match=r"disk\.passphrase_wrong"):
        DiskKey.opened(key.file, "Café noir du matin")


def test_a_damaged_key_is_no_wrong_passphrase() -> None:
    key = DiskKey.made("phrase", FEW)
    content = bytearray(key.file)
    at = content.index(b"sealed") + 12
    content[at] ^= 1
    for file in (bytes(content), b"", key.file[:-9]):
        with pytest.raises(EngineFailed, match=r"disk\.key_damaged"):
            DiskKey.opened(file, "phrase")


@pytest.mark.parametrize(
    "change",
    [{"iterations": 10**12}, {"iterations": "9"}, {"iterations": 0}, {"sealed": None}, {"salt": 5}, {"sealed": "é"}],
)
def test_a_key_that_somebody_else_put_there_is_damaged_and_costs_no_day(change: dict[str, object]) -> None:
    told = {"salt": "c2FsdA==", "iterations": FEW, "sealed": "c2VhbGVk", **change}
    told["sum"] = sealing._sum(told)
    for content in (json.dumps(told), json.dumps([told]), '{"a":' * 100_000 + "1" + "}" * 100_000):
        with pytest.raises(EngineFailed, match=r"disk\.key_damaged"):
            DiskKey.opened(f"GED_DISK_KEY({content});\n".encode(), "café noir du matin")


@pytest.mark.parametrize("packed", [True, False])
def test_a_part_opens_under_its_own_name_alone(packed: bool) -> None:
    key = DiskKey.made("phrase", FEW)
    script = key.sealed("lettres/0", "Tsévié".encode(), packed=packed)
    assert key.unsealed("lettres/0", script) == "Tsévié".encode()
    for name, content in (
        ("lettres/1", script),
        ("lettres/1", script.replace(b"lettres/0", b"lettres/1")),
        ("lettres/0", script[:40] + (b"A" if script[40:41] != b"A" else b"B") + script[41:]),
        ("lettres/0", b""),
    ):
        with pytest.raises(EngineFailed, match=r"disk\.part_altered"):
            key.unsealed(name, content)
    with pytest.raises(EngineFailed):
        DiskKey.made("phrase", FEW).unsealed("lettres/0", script)


def test_a_part_says_nothing_in_clear_and_is_never_sealed_twice_alike() -> None:
    key = DiskKey.made("phrase", FEW)
    one, other = (key.sealed("lettres/0", b"secret" * 9, packed=False) for _ in range(2))
    assert one != other
    assert b"secret" not in base64.b64decode(one.split(b'"')[3])
    digest = "a" * 64
    assert key.name_of(digest) != DiskKey.made("phrase", FEW).name_of(digest)


def test_words_are_folded() -> None:
    assert terms.words_of("L'Élève d'Œuvre, ŋutsu et 2026 à 7 !") == {"eleve", "oeuvre", "nutsu", "2026", "7"}


@pytest.mark.parametrize(
    ("text", "sequence", "found"),
    [
        ("00042/2026/MEM", 42, {"#42/2026/mem"}),
        ("2026-0042", 42, {"#2026/42", "#42/2026/42"}),
        ("MEM-7", 7, {"#mem/7", "#7/mem/7"}),
        ("7", 7, {"#7"}),
    ],
)
def test_a_number_is_found_as_written_and_by_its_place(text: str, sequence: int, found: set[str]) -> None:
    assert terms.terms_of_number(text, sequence) == found


@pytest.mark.parametrize("held", [1, 3, 1000])
def test_what_was_spilled_is_found_in_one_order(tmp_path: Path, held: int) -> None:
    gathering = terms.Gathering(tmp_path, held=held)
    gathering.add(0, {"forage"}, {"eau", "forage"})
    gathering.add(1, {"eau"}, set())
    gathering.add(4, {"zone"}, {"eau"})
    assert list(gathering.all()) == [("eau", [0, 3, 8]), ("forage", [1]), ("zone", [9])]
    assert bool(list(tmp_path.iterdir())) is (held < 5)


def test_shards_hold_every_term_once_and_are_small() -> None:
    given = [(f"mot{n:04d}", list(range(n % 7, 300, 7))) for n in range(500)]
    made = list(terms.shards(given, most_bytes=2_000))
    assert [(term, unpacked(packed)) for shard in made for term, packed in shard] == given
    assert len(made) > 10
    assert max(sum(len(t) + len(p) for t, p in shard) for shard in made) < 2_100
    assert list(terms.shards([])) == []


def test_letters_are_packed_whatever_their_distance() -> None:
    for places in ([], [0], [1, 2, 129, 130, 300_000, 2**31]):
        assert unpacked(terms.pack(places)) == places


@pytest.mark.parametrize(
    "table",
    [words.STATES, words.DIRECTIONS, words.PURPOSES, words.ASSIGNMENTS, words.SLIPS, words.DISPATCHES, words.KINDS, words.NATURES],
)  # fmt: skip
def test_every_member_has_the_word_that_the_site_has_for_it(table: dict[Enum, str]) -> None:
    """``ged`` knows nothing of the site's catalogue, so these words stand twice."""
    members = type(next(iter(table)))
    assert set(table) == set(members)
    assert {one: word.casefold() for one, word in table.items()} == {one: str(label(one)).casefold() for one in members}
