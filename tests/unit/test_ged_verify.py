"""``ged_verify.py``: each finding (proven, broken, open), the words that report it, and the exit codes."""

import hashlib
import json
import logging
import os
import re
import runpy
import sys
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from types import SimpleNamespace

import pyhanko_certvalidator
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

import ged_verify
from ged.archive import merkle
from ged.audit import canonical
from signing.trust import _SIGNING_PURPOSES
from tests import shadow_kit as shadow
from tests import verify_kit as kit
from tests.pki_kit import NOW, YEAR, Ministry, holder, order_pdf, signed, stamped, with_validation_data
from tests.verify_kit import (
    SECOND,
    Folder,
    FrozenClock,
    Token,
    chain,
    journal_key,
    letter,
    ministry,
    other_key,
    stamper,
)

ONLY_FOLDER = "dit par le dossier seul ; donnez la clé du journal que vous tenez (--key)"
ITS_ROOT = "autorité reconnue par le dossier lui-même ; donnez la vôtre (--trust)"
BY_YOU = "la clé du journal que vous avez donnée"
ANCHOR = "ancrage du journal (5 inscriptions)"


@pytest.fixture(autouse=True)
def _the_clock_stands(monkeypatch):
    monkeypatch.setattr(ged_verify, "datetime", FrozenClock)


@pytest.fixture
def held(tmp_path):
    """(arguments of the root, arguments of the key): what the judge has from another source."""
    root, key = tmp_path / "held.pem", tmp_path / "held.pub"
    root.write_text(ministry().root.pem)
    key.write_bytes(kit.pem_of(journal_key()))
    return ["--trust", str(root)], ["--key", str(key)]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "case")


def told(arguments, capsys):
    """(exit code, findings)."""
    code = ged_verify.main([*map(str, arguments), "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return code, [tuple(line[key] for key in ("state", "what", "by", "when", "why")) for line in lines]


def about(lines, what):
    """The only finding about a thing, without its name."""
    (line,) = [line for line in lines if line[1].startswith(what)]
    return (line[0], *line[2:])


def with_letter(folder, pdf=None, revisions=None):
    pdf = letter() if pdf is None else pdf
    folder.files["files/1.pdf"] = pdf
    folder.names["files/1.pdf"] = "projet n° 1"
    listed = [hashlib.sha256(pdf).hexdigest()] if revisions is None else revisions
    folder.manifest["signed"] = [{"path": "files/1.pdf", "name": "courrier 457", "revisions": listed}]
    return folder


def of_file(name, content):
    return f"{name}, {len(content)} octets inchangés, SHA-256 {hashlib.sha256(content).hexdigest()}"


# --- a whole folder, in each way to check it


def everything(folder):
    """The findings for a sound folder, in order: (what, by, when)."""
    names = folder.names
    yield "dossier 457/MMRE exporté", BY_YOU, "2026-03-03T09:00:00+00:00"
    for path, content in folder.files.items():
        yield of_file(f"fichier {names.get(path, path)}", content), "", ""
    yield "signature signature de courrier 457", "AMAVI Kossi", "2026-03-03T10:12:00+00:00 (heure du signataire)"
    yield ANCHOR, "la clé du journal", "2026-03-02T18:29:00+00:00"
    yield f"horodatage de l'{ANCHOR}", "CN=Horodateur", "2026-03-02T18:30:00+00:00"
    for number in (1, 2, 4, 5):
        by = "AMAVI Kossi" if number < 4 else ""
        yield f"journal n° {number} : mail.action{number}", by, f"2026-03-0{number}T08:00:00+00:00"


def test_a_sound_folder_is_proven_thing_by_thing(folder, held, capsys):
    path = with_letter(folder).write()
    code, lines = told([path, *held[0], *held[1]], capsys)
    assert lines == [("proven", *one, "") for one in everything(folder)]
    assert code == 0


def test_without_the_key_all_that_the_manifest_says_is_open(folder, held, capsys):
    path = with_letter(folder).write()
    code, lines = told([path, *held[0]], capsys)
    digest = hashlib.sha256(letter()).hexdigest()
    raw = journal_key().public_key().public_bytes_raw()
    print_ = hashlib.sha256(raw).hexdigest()[:32]
    expected = [("open", *one, ONLY_FOLDER) for one in everything(folder)]
    expected[0] = (
        "open", "dossier 457/MMRE exporté", "la clé du journal", "2026-03-03T09:00:00+00:00",
        f"clé jointe au dossier, empreinte {print_} : comparez-la à celle publiée (--key)",
    )  # fmt: skip
    at = next(number for number, one in enumerate(expected) if one[1].startswith("signature"))
    expected[at] = ("proven", f"signature signature de fichier de SHA-256 {digest}", *expected[at][2:4], "")
    assert lines == expected
    assert code == 3


def test_without_roots_stamps_and_signatures_are_open(folder, held, capsys):
    path = with_letter(folder).write()
    code, lines = told([path, *held[1]], capsys)
    opened = [line for line in lines if line[0] != "proven"]
    assert [line[1].split()[0] for line in opened] == ["signature", "horodatage"]
    assert {(line[0], line[4]) for line in opened} == {("open", ITS_ROOT)}
    assert code == 3


def test_the_words_for_people(folder, held, capsys, monkeypatch):
    monkeypatch.setattr(ged_verify.Path, "read_bytes", _own_bytes(ged_verify.Path.read_bytes))
    path = with_letter(folder).write()
    assert ged_verify.main([str(path), *held[0], *held[1]]) == 0
    printed = capsys.readouterr()
    first, *lines, last = printed.out.splitlines()
    assert (
        first == f"ged-verify, SHA-256 {hashlib.sha256(b'the program').hexdigest()} : comparez à l'empreinte publiée."
    )
    assert lines == [
        f"PROUVÉ      {what}" + (f", par {by}" if by else "") + (f", le {when}" if when else "")
        for what, by, when in everything(folder)
    ]
    assert last == f"{len(lines)} prouvés, 0 non vérifiables ici, 0 NON CONFORMES."
    assert printed.err == ""


def _own_bytes(read):
    """The program reports the digest of its own file."""
    return lambda path: b"the program" if path.name == "ged_verify.py" else read(path)


def test_the_words_for_what_is_open_and_broken(folder, capsys):
    folder.is_anchored = False
    path = folder.write()
    (path / "journal.jsonl").write_bytes(b"")
    assert ged_verify.main([str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[1:-2]] == [
        "À VÉRIFIER  dossier 457/MMRE exporté",
        "NON CONFORME fichier journal.jsonl : les octets ont changé (SHA-256 "
        f"{hashlib.sha256(b'').hexdigest()})",
        "À VÉRIFIER  fichier journal.pub",
        "À VÉRIFIER  fichier trust/root.pem",
        "À VÉRIFIER  ancrage du journal : le journal n'était pas encore ancré à l'exportation",
    ]  # fmt: skip
    assert lines[-2:] == [
        "0 prouvés, 4 non vérifiables ici, 1 NON CONFORMES.",
        "Tout n'est pas prouvé : ce qui est « À VÉRIFIER » ne tient à aucune clé que vous ayez donnée.",
    ]


def test_json_has_findings_alone_on_its_way_out(folder, held, capsys):
    path = folder.write()
    ged_verify.main([str(path), *held[0], *held[1], "--json"])
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert all(list(line) == ["state", "what", "by", "when", "why"] for line in lines)
    assert "exporté" in printed.out
    digest = hashlib.sha256(ged_verify.Path(ged_verify.__file__).read_bytes()).hexdigest()
    assert printed.err == f"ged-verify, SHA-256 {digest} : comparez à l'empreinte publiée.\n"


def test_broken_outweighs_open_and_nothing_said_is_not_proof(folder, held, capsys, monkeypatch):
    path = folder.write()
    (path / "more.txt").write_text("x")
    assert told([path], capsys)[0] == 1
    states = {"none": [], "open": ["open", "proven"], "broken": ["broken", "open"], "proven": ["proven"]}
    codes = {}
    for name, found in states.items():
        made = [ged_verify.Line(one, "x") for one in found]
        monkeypatch.setattr(ged_verify, "_asked", lambda _options, made=made: iter(made))
        codes[name] = ged_verify.main([str(path), "--json"])
    assert codes == {"none": 3, "open": 3, "broken": 1, "proven": 0}


def test_a_narrow_terminal_folds_further_in_than_the_marks(monkeypatch):
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True))
    line = ged_verify.Line("open", "PROUVÉ " * 12)
    for columns, width in (("60", 60), ("12", 40)):
        monkeypatch.setenv("COLUMNS", columns)
        first, *others = ged_verify._words(line).split("\n")
        assert first.startswith("À VÉRIFIER  PROUVÉ")
        assert width - 7 <= len(first) <= width
        assert others
        assert all(one.startswith(" " * 13 + "PROUVÉ") for one in others)


def test_the_narrowest_line_has_forty_places(monkeypatch):
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setenv("COLUMNS", "1")
    words = ged_verify._words(ged_verify.Line("proven", f"{'a' * 27} b"))
    assert words == f"PROUVÉ      {'a' * 27}\n{' ' * 13}b"
    assert ged_verify._words(ged_verify.Line("proven", f"{'a' * 26} b")) == f"PROUVÉ      {'a' * 26} b"


def test_letters_that_a_stream_lacks_are_spelt_and_end_nothing(folder, monkeypatch):
    path = folder.write()
    out, err = (TextIOWrapper(BytesIO(), "ascii") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert ged_verify.main([str(path), "--json"]) == 3
    out.flush()
    err.flush()
    assert b"export\\xe9" in out.buffer.getvalue()
    assert b"\\xe0 l'empreinte" in err.buffer.getvalue()


# --- what is asked


@pytest.mark.parametrize("arguments", [[], ["FOLDER", "--token", "A"], ["--what"]])
def test_a_question_that_is_none_ends_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        ged_verify.main(arguments)
    assert ended.value.code == 2
    if "--what" not in arguments:
        assert capsys.readouterr().err.endswith("ged-verify: error: give a folder, or --token with --cert\n")


def test_help_says_what_each_argument_is(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit) as ended:
        ged_verify.main(["--help"])
    assert ended.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for part in (
        "usage: ged-verify [-h] [--token TOKEN] [--cert CERT] [--file FILE] [--trust TRUST] [--key KEY] [--json] [folder]",
        "``ged-verify``: what an exported case file proves, offline, without the installation that made it. positional",
        "--token TOKEN the signed code of a letter, instead of a folder",
        "--cert CERT a certificate of the institution (PEM)",
        "--file FILE the letter's signed PDF, to compare with its code",
        "--trust TRUST a root that you trust (PEM)",
        "--key KEY the journal's public key, as you hold it",
        "--json one JSON line a finding",
    ):
        assert part in said
    assert said.endswith(
        " Exit 0: all is proven by what you gave; 1: something is broken; 2: unreadable; 3: something is open."
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: (path / "manifest.json").unlink(), "FileNotFoundError: "),
        (lambda path: (path / "journal.jsonl").unlink(), "FileNotFoundError: journal.jsonl"),
        (lambda path: (path / "journal.pub").write_text(ministry().root.pem), "ValueError: "),
        (lambda path: (path / "manifest.json").write_text('{"format": "ged-case-2"}'), "ValueError: format ged-case-2, not ged-case-1"),
        (lambda path: (path / "journal.pub").write_bytes(kit.pem_of(ministry().root.key)), "ValueError: the journal's key is no Ed25519 key"),
        (lambda path: (path / "manifest.json").write_text('{"format": "ged-case-1\\n\\u202e"}'), "format ged-case-1\\u000a\\u202e, not"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_ends_with_two_and_one_line(folder, spoil, said, capsys):
    path = folder.write()
    spoil(path)
    assert ged_verify.main([str(path), "--json"]) == 2
    printed = capsys.readouterr()
    *_, line = printed.err.splitlines()
    assert line.startswith(f"{path}: ")
    assert said in line
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 2


def test_a_code_that_cannot_be_looked_at_is_named_so(tmp_path, capsys):
    assert ged_verify.main(["--token", "A", "--cert", str(tmp_path / "none.pem"), "--json"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("--token: FileNotFoundError: ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Été à Lomé, 5 000 €", "Été à Lomé, 5 000 €"),
        ("a\nb\rc\x1b[2J\x00", "a\\u000ab\\u000dc\\u001b[2J\\u0000"),
        ("\u202e\u2066\u200f\ud800\u2028\u2029\ue000", "\\u202e\\u2066\\u200f\\ud800\\u2028\\u2029\\ue000"),
        ("a \u00a0\u2003  b c", "a b c"),
        ("x" * 400, "x" * 400),
        ("x" * 401, "x" * 400 + "…"),
        ("", ""),
    ],
)
def test_no_text_steers_a_terminal(text, shown):
    assert ged_verify.printable(text) == shown
    assert ged_verify._harmless(ged_verify.Line("open", text, text, text, text)) == ged_verify.Line(
        "open", shown, shown, shown, shown
    )


# --- manifest and files


@pytest.mark.parametrize(
    ("case", "name"), [({"number": "1/A", "mail_id": 3}, "1/A"), ({"number": None, "mail_id": 3}, "3"), ({"mail_id": 3}, "3")]
)  # fmt: skip
def test_a_case_is_called_by_its_number_or_its_identifier(folder, case, name, capsys):
    folder.case = case
    assert told([folder.write()], capsys)[1][0][1] == f"dossier {name} exporté"


@pytest.mark.parametrize("signature", ["", "zz", "00" * 64, "é", None])
def test_a_manifest_signed_by_another_hand_is_broken_and_proves_nothing(folder, held, signature, capsys):
    path = folder.write()
    sound = (path / "manifest.json").read_bytes()
    signature = other_key().sign(sound).hex() if signature is None else signature
    (path / "manifest.sig").write_text(signature)
    code, lines = told([path, *held[0], *held[1]], capsys)
    assert lines[0] == (
        "broken", "dossier 457/MMRE exporté", "", "", "le manifeste n'est pas signé par la clé du journal",
    )  # fmt: skip
    assert {line[0] for line in lines[1:]} == {"open"}
    assert code == 1


def test_a_signature_may_end_with_blanks(folder, held, capsys):
    path = folder.write()
    (path / "manifest.sig").write_text("\n " + (path / "manifest.sig").read_text() + " \n")
    assert told([path, *held[0], *held[1]], capsys)[0] == 0


def test_changed_lost_and_added_files_are_broken(folder, held, capsys):
    folder.files |= {"files/a.txt": b"a", "files/b.txt": b"b", "files/c.txt": b"c", "files/d/e.txt": b"e"}
    folder.names["files/a.txt"] = "annexe"
    path = folder.write()
    (path / "files/a.txt").write_bytes(b"A")
    (path / "files/b.txt").unlink()
    (path / "files/c.txt").unlink()
    (path / "files/c.txt").mkdir()
    (path / "extra.txt").write_bytes(b"x")
    (path / "files/empty").mkdir()
    (path / "link").symlink_to("nowhere")
    (path / "files/manifest.json").write_bytes(b"x")
    code, lines = told([path, *held[0], *held[1]], capsys)
    assert code == 1
    changed = f"les octets ont changé (SHA-256 {hashlib.sha256(b'A').hexdigest()})"
    assert [line for line in lines if line[0] != "proven"] == [
        ("broken", "fichier annexe", "", "", changed),
        ("broken", "fichier files/b.txt", "", "", "manque"),
        ("broken", "fichier files/c.txt", "", "", "manque"),
        ("broken", "fichier extra.txt", "", "", "ne figure pas au manifeste"),
        ("broken", "fichier files/manifest.json", "", "", "ne figure pas au manifeste"),
        ("broken", "fichier link", "", "", "ne figure pas au manifeste"),
    ]
    assert ("proven", of_file("fichier files/d/e.txt", b"e"), "", "", "") in lines


@pytest.mark.parametrize("wrong", [{"size": 2}, {"sha256": hashlib.sha256(b"b").hexdigest()}])
def test_size_and_digest_must_both_hold(folder, held, wrong, capsys):
    folder.files["a.txt"] = b"a"
    path = folder.write()
    manifest = json.loads((path / "manifest.json").read_text())
    next(one for one in manifest["files"] if one["path"] == "a.txt").update(wrong)
    folder.sign(manifest)
    assert about(told([path, *held[1]], capsys)[1], "fichier a.txt")[0] == "broken"


@pytest.mark.parametrize("outside", ["../secret.txt", "{}/secret.txt", "way/secret.txt"])
def test_no_path_leads_out_of_the_folder(folder, held, outside, tmp_path, capsys):
    (tmp_path / "secret.txt").write_bytes(b"secret")
    outside = outside.format(tmp_path)
    path = folder.write()
    (path / "way").symlink_to(tmp_path)
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["files"].append({"path": outside, "sha256": hashlib.sha256(b"secret").hexdigest(), "size": 6})
    manifest["signed"] = [{"path": outside, "name": "x", "revisions": []}]
    folder.sign(manifest)
    lines = told([path, *held[0], *held[1]], capsys)[1]
    assert about(lines, f"fichier {outside}") == ("broken", "", "", "manque")
    assert not [line for line in lines if line[1].startswith("signature")]


def test_a_program_in_the_folder_is_never_vouched_for_unless_it_is_an_early_copy(folder, held, capsys, monkeypatch):
    path, program = folder.write(), "programme ged_verify.py joint au dossier"
    everything = [path, *held[0], *held[1]]
    (path / "ged_verify.py").write_bytes(b"print()")
    code, lines = told(everything, capsys)
    assert (code, about(lines, program)) == (3, ("open", "", "", "nul ne l'a signé : ne l'exécutez pas"))
    monkeypatch.setattr(ged_verify, "_INNER_COPIES", frozenset({hashlib.sha256(b"print()").hexdigest()}))
    assert told(everything, capsys)[0] == 0
    (path / "ged_verify.py").rename(path / "moved")
    (path / "ged_verify.py").symlink_to("moved")
    assert about(told(everything, capsys)[1], program)[0] == "open"


def test_early_copies_are_known_by_their_digests():
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in ged_verify._INNER_COPIES)


# --- the anchor and its time-stamp


def test_an_anchor_that_the_key_did_not_sign_proves_no_entry(folder, held, capsys):
    path = folder.write(anchor_key=other_key())
    code, lines = told([path, *held[0], *held[1]], capsys)
    assert about(lines, ANCHOR) == ("broken", "", "", "n'est pas signé par la clé du journal")
    assert not [line for line in lines if line[1].startswith("horodatage")]
    entries = [line for line in lines if line[1].startswith("journal n°")]
    assert {(line[0], line[4]) for line in entries} == {
        ("open", "l'ancrage joint n'est pas signé par la clé du journal")
    }
    assert entries[0][1:4] == ("journal n° 1 : mail.action1", "AMAVI Kossi", "2026-03-01T08:00:00+00:00")
    assert code == 1


def test_without_an_anchor_or_its_time_stamp_that_is_said(folder, held, tmp_path, capsys):
    folder.is_stamped = False
    code, lines = told([folder.write(), *held[0], *held[1]], capsys)
    assert about(lines, f"horodatage de l'{ANCHOR}") == ("open", "", "", "pas encore obtenu à l'exportation")
    assert code == 3
    bare = Folder(tmp_path / "bare", is_anchored=False)
    lines = told([bare.write(), *held[0], *held[1]], capsys)[1]
    why = "le journal n'était pas encore ancré à l'exportation"
    assert about(lines, "ancrage du journal") == ("open", "", "", why)
    entries = [line for line in lines if line[1].startswith("journal n°")]
    assert {(line[0], line[4]) for line in entries} == {("open", "plus récent que l'ancrage joint")}
    assert entries[0][1:4] == ("journal n° 1 : mail.action1", "AMAVI Kossi", "2026-03-01T08:00:00+00:00")


def test_a_time_stamp_of_other_bytes_is_broken(folder, held, capsys):
    path = folder.write(token=Token(stamper(), b"another anchor").made())
    what = f"horodatage de l'{ANCHOR}"
    code, lines = told([path, *held[0], *held[1]], capsys)
    assert about(lines, what) == ("broken", "", "", "l'horodatage porte sur d'autres octets")
    assert code == 1


def test_a_time_stamp_in_a_folder_of_another_key_is_not_proven(folder, held, capsys):
    """The authority's signature is genuine; the anchor's key is not the one that the judge has."""
    path = folder.write()
    for arguments, why in ((held[0], ONLY_FOLDER), ([], ITS_ROOT)):
        line = about(told([path, *arguments], capsys)[1], f"horodatage de l'{ANCHOR}")
        assert line == ("open", "CN=Horodateur", "2026-03-02T18:30:00+00:00", why)


# --- the journal


def _wrong_hash(entries, _anchor):
    entries[1]["hash"] = "ab" * 32


def _wrong_order(entries, _anchor):
    entries[0], entries[1] = entries[1], entries[0]


def _twice(entries, _anchor):
    entries.insert(1, dict(entries[0]))


def _broken_chain(entries, _anchor):
    """The entry's hash is right; the hash of the entry before differs."""
    entries[1]["previous_hash"] = "cd" * 32
    entries[1]["hash"] = kit.digest_of(entries[1])


def _other_payload(entries, _anchor):
    entries[0]["payload"]["subject"] = "Marché accordé"


def _other_salt(entries, _anchor):
    entries[0]["salt"] = "pepper"


def _other_place(entries, _anchor):
    entries[2]["proof"] = entries[0]["proof"]


def _other_root(_entries, anchor):
    anchor["root"] = "00" * 32


def _other_head(_entries, anchor):
    anchor["head"] = "00" * 32


@pytest.mark.parametrize(
    ("forge", "broken", "why"),
    [
        (_wrong_hash, [2], "l'inscription a été modifiée"),
        (_wrong_order, [1], "l'ordre des inscriptions a été modifié"),
        (_twice, [1], "l'ordre des inscriptions a été modifié"),
        (_broken_chain, [2], "la chaîne est rompue"),
        (_other_payload, [1], "le détail de l'inscription a été modifié"),
        (_other_salt, [1], "le détail de l'inscription a été modifié"),
        (_other_place, [4], "l'inscription n'est pas à cette place du journal ancré"),
        (_other_root, [1, 2, 4, 5], "l'inscription n'est pas à cette place du journal ancré"),
        (_other_head, [5], "l'ancrage nomme une autre dernière inscription"),
    ],
)
def test_each_forgery_of_the_journal_is_named(folder, held, forge, broken, why, capsys):
    folder.chained()
    forge(folder.entries, folder.anchor)
    code, lines = told([folder.write(), *held[0], *held[1]], capsys)
    found = [line for line in lines if line[0] == "broken"]
    assert [(line[1].split()[2], line[4]) for line in found] == [(str(number), why) for number in broken]
    number = broken[0]
    assert found[0][2:4] == ("AMAVI Kossi" if number < 4 else "", f"2026-03-0{number}T08:00:00+00:00")
    assert code == 1


@pytest.mark.parametrize("column", kit.COLUMNS)
def test_each_column_of_an_entry_is_held_by_its_hash(folder, held, column, capsys):
    folder.chained()
    folder.entries[1][column] = 9 if column == "sequence" else "x"
    lines = told([folder.write(), *held[0], *held[1]], capsys)[1]
    assert "l'inscription a été modifiée" in {line[4] for line in lines if line[0] == "broken"}


def test_entries_after_the_anchor_are_open_and_those_before_proven(folder, held, capsys):
    folder.chained(5, (1, 2, 3, 4, 5), anchored=3)
    lines = told([folder.write(), *held[0], *held[1]], capsys)[1]
    entries = [line for line in lines if line[1].startswith("journal n°")]
    assert [(line[0], line[4]) for line in entries] == [("proven", "")] * 3 + [
        ("open", "plus récent que l'ancrage joint")
    ] * 2
    assert about(lines, "ancrage du journal (3 inscriptions)")[0] == "proven"


def test_a_broken_chain_behind_the_anchor_is_broken_too(folder, held, capsys):
    folder.chained(5, (1, 2, 3, 4, 5), anchored=3)
    _other_payload(folder.entries[4:], folder.anchor)
    lines = told([folder.write(), *held[0], *held[1]], capsys)[1]
    assert about(lines, "journal n° 5")[0::3] == ("broken", "le détail de l'inscription a été modifié")


def test_who_acted_may_be_unnamed(folder, held, capsys):
    folder.manifest["people"] = {}
    assert about(told([folder.write(), *held[1]], capsys)[1], "journal n° 1")[1] == ""
    manifest = json.loads((folder.path / "manifest.json").read_text())
    del manifest["people"]
    folder.sign(manifest)
    assert about(told([folder.path, *held[1]], capsys)[1], "journal n° 1")[1] == ""


@pytest.mark.parametrize("size", [*range(1, 18), 31, 32, 33])
def test_a_proof_leads_to_the_root_from_its_place_alone(size):
    leaves = [bytes([number] * 32) for number in range(size)]
    found, whole = merkle.proofs(leaves, range(size)), merkle.root(leaves)
    for place, leaf in enumerate(leaves):
        proof = list(found[place])
        assert ged_verify.root_from(leaf.hex(), place, size, proof) == whole
        assert ged_verify.root_from(leaf.hex(), place, size, [*proof, "00" * 32]) == ""
        if proof:
            assert ged_verify.root_from(leaf.hex(), place, size, proof[:-1]) == ""
        for other in range(size):
            if other != place:
                assert ged_verify.root_from(leaf.hex(), other, size, proof) != whole


def test_one_byte_form_of_a_value():
    value = {"b": [1, None, True], "a": "é\u2028", "C": {}}
    assert ged_verify.canonical(value) == '{"C":{},"a":"é\u2028","b":[1,null,true]}'.encode()
    assert ged_verify.canonical(value) == canonical(value)


# --- RFC 3161 tokens


def test_an_element_that_ends_behind_its_data_is_none():
    assert ged_verify._der(b"\x04\x02ab") == (4, 2, 4)
    assert ged_verify._der(b"x\x04\x81\x02ab", 1) == (4, 4, 6)
    for short in (b"\x04\x03ab", b"\x04\x81\x03ab", b"\x04\x84\xff\xff\xff\xffab"):
        with pytest.raises(ValueError, match="^DER: too short$"):
            ged_verify._der(short)


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        ([0], "0.0"), ([39], "0.39"), ([40], "1.0"), ([79], "1.39"), ([80], "2.0"), ([119], "2.39"), ([120], "2.40"),
        ([127], "2.47"), ([0x55, 29, 15], "2.5.29.15"), ([0x2A, 0x86, 0x48, 0x86, 0xF7, 13], "1.2.840.113549"),
        ([42, 0x7F], "1.2.127"), ([42, 0x81, 0], "1.2.128"),
    ],
)  # fmt: skip
def test_names_of_algorithms_are_read_octet_by_octet(octets, told):
    assert ged_verify._oid(bytes([6, len(octets), *octets])) == told


STAMPED = b"the anchor"


def of_token(token, roots=None, **how):
    roots = [ministry().root.certificate] if roots is None else roots
    line = ged_verify.check_token(token if isinstance(token, bytes) else token.made(), STAMPED, "x", roots, **how)
    assert line.what == "x"
    return line.state, line.by, line.when, line.why


PROVEN = ("proven", "CN=Horodateur", "2026-03-02T18:30:00+00:00", "")


@pytest.mark.parametrize("kind", ["p256", "rsa", "ed25519"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_a_true_token_is_proven_with_every_kind_of_key(kind, digest):
    assert of_token(Token(stamper(kind), STAMPED, digest=digest)) == PROVEN


def altered(error):
    return "broken", "", "", f"l'horodatage est altéré ({error})"


def test_keys_and_digests_that_we_do_not_know_prove_nothing():
    assert of_token(Token(stamper("ed448"), STAMPED)) == altered("InvalidSignature")
    assert of_token(Token(stamper("dsa"), STAMPED)) == altered("InvalidSignature")
    assert of_token(Token(stamper(), STAMPED, digest="sha1")) == altered("KeyError")


@pytest.mark.parametrize(
    ("told", "when"),
    [
        (b"20260302183000Z", "2026-03-02T18:30:00+00:00"),
        (b"20260302183000.5Z", "2026-03-02T18:30:00.500000+00:00"),
        (b"20260302183000.123456789Z", "2026-03-02T18:30:00.123456+00:00"),
    ],
)
def test_the_time_is_told_to_its_fraction(told, when):
    assert of_token(Token(stamper(), STAMPED, told=told))[:3] == ("proven", "CN=Horodateur", when)


@pytest.mark.parametrize(
    "told", [b"2026", b"20261302183000Z", b"hier", b"20260302183000.xZ", b"20260302183000X", b"\xff"]
)
def test_a_time_that_is_none_is_an_altered_token(told):
    state, _, _, why = of_token(Token(stamper(), STAMPED, told=told))
    assert (state, why.split(" (")[0]) == ("broken", "l'horodatage est altéré")


def test_a_token_over_other_bytes_or_of_another_kind_is_broken():
    other = ("broken", "", "", "l'horodatage porte sur d'autres octets")
    assert of_token(Token(stamper(), b"other")) == other
    assert of_token(Token(stamper(), STAMPED, imprint=b"\0" * 32)) == other
    assert of_token(Token(stamper(), STAMPED, content_type="data")) == other


def test_a_token_whose_signature_does_not_hold_is_altered():
    assert of_token(Token(stamper(), STAMPED, message_digest=b"\0" * 32)) == altered("InvalidSignature")
    stranger = holder("Horodateur", ministry().root, usage="digital_signature", purposes=kit.STAMPING)
    assert of_token(Token(stranger, STAMPED, embedded=[stamper()])) == altered("InvalidSignature")
    assert of_token(Token(stamper(), STAMPED, embedded=[])) == altered("InvalidSignature")
    assert of_token(Token(stamper("rsa"), STAMPED, embedded=[stamper(), stamper("ed25519")])) == altered(
        "InvalidSignature"
    )
    assert of_token(Token(stamper(), STAMPED, infos=0)) == altered("IndexError")


def test_a_token_without_a_signer_at_its_end_is_altered():
    whole = ged_verify._content(Token(stamper(), STAMPED).made())
    kind, signed_ = ged_verify._children(b"\x30\x84" + len(whole).to_bytes(4, "big") + whole)
    parts = [*ged_verify._children(ged_verify._content(signed_)), b"\x04\x00"]

    def wrapped(tag, content):
        return bytes([tag, 0x84]) + len(content).to_bytes(4, "big") + content

    for ending in (parts, parts[:-2]):
        made = wrapped(0x30, kind + wrapped(0xA0, wrapped(0x30, b"".join(ending))))
        assert of_token(made) == altered("StopIteration")
    assert of_token(wrapped(0x30, kind + wrapped(0xA0, wrapped(0x30, b"".join(parts[:-1]))))) == PROVEN


def test_the_signer_is_found_among_the_certificates_of_the_token():
    assert of_token(Token(stamper(), STAMPED, embedded=[ministry().signer, stamper("rsa"), stamper()])) == PROVEN


@pytest.mark.parametrize("length", [0, 1, 2, 10, 60, 200])
def test_a_token_cut_short_is_altered(length):
    assert of_token(Token(stamper(), STAMPED).made()[:length])[0] == "broken"


def test_no_byte_of_a_token_can_change_and_leave_it_proven_with_another_time():
    """Some bytes around the certificate or the token may change; no byte that the signature covers."""
    token = Token(stamper("rsa"), STAMPED).made()
    for place in range(len(token)):
        found = of_token(token[:place] + bytes([token[place] ^ 1]) + token[place + 1 :])
        assert found[0] in ("broken", "open") or found == PROVEN, place


@pytest.mark.parametrize(
    "error",
    [
        ValueError, TypeError, KeyError, IndexError, StopIteration, OverflowError, NotImplementedError, UserWarning,
        ged_verify.InvalidSignature, ged_verify.UnsupportedAlgorithm,
    ],
)  # fmt: skip
def test_whatever_a_hostile_token_raises_it_is_altered(error, monkeypatch):
    def stumble(_data):
        raise error("odd")

    monkeypatch.setattr(ged_verify, "_children", stumble)
    assert of_token(b"token") == altered(error.__name__)


@pytest.mark.parametrize(
    "error",
    [
        ged_verify.x509.DuplicateExtension("odd", ged_verify.ExtendedKeyUsageOID.TIME_STAMPING),
        ged_verify.x509.InvalidVersion("odd", 7),
        ged_verify.x509.UnsupportedGeneralNameType("odd"),
    ],
)
def test_whatever_its_certificates_raise_it_is_altered(error, monkeypatch):
    def stumble(_certificate):
        raise error

    monkeypatch.setattr(ged_verify, "_is_for_stamping", stumble)
    assert of_token(Token(stamper(), STAMPED)) == altered(type(error).__name__)


UNKNOWN = ("open", "CN=Horodateur", "2026-03-02T18:30:00+00:00", "autorité d'horodatage non reconnue (--trust)")


def test_only_an_authority_for_stamping_that_a_root_leads_to_is_recognised():
    token = Token(stamper(), STAMPED)
    assert of_token(token, []) == UNKNOWN
    assert of_token(token, [Ministry().root.certificate]) == UNKNOWN
    assert of_token(token, own_roots=False) == ("open", *PROVEN[1:3], ITS_ROOT)
    assert of_token(token, [stamper().certificate]) == PROVEN
    root = ministry().root
    for purposes in ((), (kit.ExtendedKeyUsageOID.CODE_SIGNING,)):
        plain = holder("Horodateur", root, usage="digital_signature", purposes=purposes)
        assert of_token(Token(plain, STAMPED)) == UNKNOWN


def test_between_the_stamp_and_the_root_stand_authorities_alone():
    root = ministry().root
    false = holder("Autorité", root)  # a person's certificate
    assert of_token(Token(holder("Horodateur", false, purposes=kit.STAMPING), STAMPED)) == UNKNOWN
    bare = kit.certificate(holder("Autre", root).key.public_key(), "Autre", root)
    assert not ged_verify._is_authority(bare)
    namesake = holder("Racine", authority=True)  # the root's name, another key
    impostor = holder("Horodateur", namesake, purposes=kit.STAMPING)
    assert of_token(Token(impostor, STAMPED, embedded=[impostor, namesake])) == UNKNOWN


def test_a_chain_has_at_most_eight_certificates():
    for authorities, state in ((0, "proven"), (6, "proven"), (7, "open")):
        made = chain(authorities)
        assert of_token(Token(made[-1], STAMPED), [made[0].certificate])[0] == state, authorities


def test_a_certificate_counts_while_it_is_valid_by_the_second():
    at = kit.STAMPED_AT
    for start, end, state in (
        (at, at + YEAR, "proven"),
        (at + SECOND, at + YEAR, "open"),
        (at - YEAR, at, "proven"),
        (at - YEAR, at - SECOND, "open"),
    ):
        own = holder("Horodateur", ministry().root, purposes=kit.STAMPING, start=start, end=end)
        assert of_token(Token(own, STAMPED))[0] == state, (start, end)
        root = holder("Racine", authority=True, start=start, end=end)
        under = holder("Horodateur", root, purposes=kit.STAMPING)
        assert of_token(Token(under, STAMPED), [root.certificate])[0] == state, (start, end)


# --- signatures in PDFs


def of_pdf(pdf, revisions=(), roots=None, now=NOW, **how):
    """The findings without the name of the thing. ``revisions``: those with listed digests."""
    roots = [ministry().root.certificate] if roots is None else roots
    listed = None if revisions is None else [hashlib.sha256(one).hexdigest() for one in revisions]
    lines = list(ged_verify.check_pdf(pdf, "N", listed, roots, now, **how))
    return [(line.state, line.what, line.by, line.when, line.why) for line in lines]


SIGNED = ("signature signature de N", "AMAVI Kossi", "2026-03-03T10:12:00+00:00 (heure du signataire)")
UNTRUSTED = "certificat d'aucune autorité reconnue (--trust), expiré sans preuve, ou qui n'est pas fait pour signer"
AFTER = f"des octets la suivent, qui peuvent tout changer : {ONLY_FOLDER}"
CHANGED = "le fichier a été modifié après cette signature"


def test_a_signature_over_the_whole_file_is_proven():
    assert of_pdf(letter()) == [("proven", *SIGNED, "")]
    assert of_pdf(letter(), None) == [("proven", *SIGNED, "")]
    assert of_pdf(letter(), own_roots=False) == [("open", *SIGNED, ITS_ROOT)]
    assert of_pdf(letter(), roots=[]) == [("open", *SIGNED, UNTRUSTED)]
    assert of_pdf(letter(), roots=[Ministry().root.certificate]) == [("open", *SIGNED, UNTRUSTED)]


def test_a_changed_byte_is_broken():
    changed = letter().replace(b"page 1", b"page 7", 1)
    assert of_pdf(changed) == [("broken", *SIGNED[:2], "", "le contenu signé a été altéré")]


def test_what_follows_must_be_listed_in_order():
    first, more = letter(), with_validation_data(letter(), [ministry().root])
    assert of_pdf(more, [first, more]) == [("proven", *SIGNED, "")]
    assert of_pdf(more, None) == [("open", *SIGNED, AFTER)]
    broken = [("broken", *SIGNED[:2], "", CHANGED)]
    for listed in ([], [first], [more], [more, first], [first, b"other"], [more, more]):
        assert of_pdf(more, listed) == broken
    assert of_pdf(more, [b"before", first, b"between", more]) == [("proven", *SIGNED, "")]
    assert of_pdf(first + b"\n", None) == [("open", *SIGNED, AFTER)]


def test_a_file_without_signatures_or_that_is_none_is_broken():
    assert of_pdf(order_pdf()) == [("broken", "signatures de N", "", "", "le document n'en porte plus")]
    (line,) = of_pdf(b"%PDF-1.7 nothing")
    assert line[:4] == ("broken", "signatures de N", "", "")
    assert line[4].startswith("illisible (Pdf")


def test_a_file_that_is_written_oddly_is_read_and_nothing_of_it_is_logged(caplog):
    root = int(re.findall(rb"/Root (\d+)", letter())[-1])
    stated = re.findall(rb"\n%d 0 obj\n(<<.*?>>)\nendobj" % root, letter(), re.DOTALL)[-1]
    twice = b"%d 0 obj\n%s\nendobj\n" % (root, stated.replace(b"/Type /Catalog", b"/Type /Catalog " * 2))
    entries = b"0000000000 65535 f \n%d 1\n%010d 00000 n \n" % (root, len(letter()))
    assert of_pdf(shadow.with_table(letter(), twice, entries), None) == [("open", *SIGNED, AFTER)]
    names = ("pyhanko", "pyhanko_certvalidator")
    for name in names:
        logging.getLogger(name).setLevel(logging.NOTSET)
    unknown = letter().replace(b"/ETSI.CAdES.detached", b"/ETSI.CAdES.attached")
    assert of_pdf(unknown)[0][4] == "le document n'en porte plus"
    assert caplog.records == []
    assert {logging.getLogger(name).level for name in names} == {logging.CRITICAL}


def test_an_unreadable_signature_is_named_and_the_others_are_looked_at(monkeypatch):
    twice = signed(letter(), ministry().signer, name="second")
    contents = twice.index(b"/Contents <") + len(b"/Contents <")
    (line,) = of_pdf(twice[:contents] + b"00" * 20 + twice[contents + 40 :], None)
    assert line[:2] == ("broken", "signatures de N")
    judge = ged_verify._status

    def stumble(embedded, *arguments, **how):
        if embedded.field_name == "signature":
            raise KeyError("odd")
        return judge(embedded, *arguments, **how)

    monkeypatch.setattr(ged_verify, "_status", stumble)
    first, second = of_pdf(twice, None)
    assert first == ("broken", "signature signature de N", "", "", "illisible (KeyError)")
    assert second[:2] == ("proven", "signature second de N")


def test_nothing_is_fetched(monkeypatch):
    asked = []
    real = pyhanko_certvalidator.ValidationContext
    monkeypatch.setattr(
        pyhanko_certvalidator, "ValidationContext", lambda **how: asked.append(how["allow_fetching"]) or real(**how)
    )
    assert of_pdf(letter()) == [("proven", *SIGNED, "")]
    assert set(asked) == {False}


def test_a_certificate_without_a_name_names_nobody():
    nameless = SimpleNamespace(signer_cert=SimpleNamespace(subject=SimpleNamespace(native={})))
    assert ged_verify._signer_name(nameless) == ""


def test_an_expired_certificate_needs_a_time_that_is_believed():
    short = holder("AMAVI Kossi", ministry().root, end=NOW)
    later = NOW + YEAR
    bare = signed(order_pdf(), short)
    assert of_pdf(bare, [], now=later) == [("proven", *SIGNED, "")], "who holds the key believes the journal"
    assert of_pdf(bare, None, now=later) == [("open", *SIGNED, UNTRUSTED)]
    proof = signed(order_pdf(), short, stamper=ministry().stamps(NOW))
    told = (*SIGNED[:2], "2026-03-03T10:12:00+00:00 (horodaté)")
    assert of_pdf(proof, None, now=later) == [("proven", *told, "")]
    late = signed(order_pdf(), short, stamper=ministry().stamps(NOW + 2 * SECOND))
    assert of_pdf(late, [], now=later)[0][::4] == ("open", UNTRUSTED)
    strange = signed(order_pdf(), short, stamper=Ministry().stamps(NOW - YEAR))
    assert of_pdf(strange, None, now=later) == [("open", *SIGNED, UNTRUSTED)]


def test_a_time_stamp_of_the_document_is_looked_at_as_one():
    stamped_ = stamped(letter(), ministry().stamps(NOW), field="stamp")
    _, line = of_pdf(stamped_, None)
    assert line == ("proven", "signature stamp de N", "Horodateur", "2026-03-03T10:12:00+00:00 (horodaté)", "")
    _, line = of_pdf(stamped_, None, roots=[])
    assert line[0] == "open"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({"usage": "content_commitment"}, ("proven", "")),
        ({"usage": "digital_signature"}, ("proven", "")),
        ({"usage": "key_encipherment"}, ("open", UNTRUSTED)),
        ({"purposes": (Purpose.SERVER_AUTH,)}, ("open", UNTRUSTED)),
        ({"purposes": (Purpose.TIME_STAMPING,)}, ("open", UNTRUSTED)),
        ({"purposes": (Purpose.CODE_SIGNING,)}, ("open", UNTRUSTED)),
        ({"purposes": (Purpose.SERVER_AUTH, Purpose.EMAIL_PROTECTION)}, ("proven", "")),
        ({"purposes": (Purpose.CLIENT_AUTH,)}, ("proven", "")),
        ({"purposes": (Purpose.SERVER_AUTH, Purpose.CLIENT_AUTH)}, ("open", UNTRUSTED)),
        ({"purposes": (Purpose.ANY_EXTENDED_KEY_USAGE,)}, ("proven", "")),
    ],
)
def test_a_certificate_must_be_made_for_signing(made, expected):
    """As in the server's checker: the key of a web server signs no letter."""
    pdf = signed(order_pdf(), holder("AMAVI Kossi", ministry().root, **made))
    for listed in ([], None):
        assert of_pdf(pdf, listed)[0][::4] == expected


def test_the_purposes_are_those_of_the_server():
    assert _SIGNING_PURPOSES == ged_verify._SIGNING_PURPOSES


def test_a_signature_that_leaves_out_more_than_itself_is_broken():
    def end(pdf, *numbers, contents=b"\x0a"):
        return ged_verify._signed_end(SimpleNamespace(byte_range=numbers, pkcs7_content=contents), pdf)

    assert end(b"abc<0a>1234", 0, 3, 7, 4) == 11
    assert end(b"abc<0A >1234", 0, 3, 8, 4) == 12
    for pdf, *numbers in (
        (b"abc<0a>1234", 1, 3, 7, 4),
        (b"abc(0a>1234", 0, 3, 7, 4),
        (b"abc<0a)1234", 0, 3, 7, 4),
        (b"abc<0a>1234", 0, 2, 7, 4),
        (b"abc<0a>1234", 0, 3, 8, 3),
        (b"abc<0b>1234", 0, 3, 7, 4),
        (b"abc<0a00>1234", 0, 3, 9, 4),
        (b"abc<0a0>1234", 0, 3, 8, 4),
        (b"abc<\xe90>1234", 0, 3, 7, 4),
        (b"abc<>1234", 0, 3, 5, 4),
    ):
        assert end(pdf, *numbers) == 0, pdf


def test_nothing_is_written_into_the_padding_of_a_signature():
    """A forger's words in the signature's dictionary, where no signed byte changes: pyHanko reports it as intact."""
    found = re.search(rb"/Contents <([0-9a-fA-F]+)>", letter())
    der = bytes.fromhex(found[1].decode())
    assert der[:2] == b"\x30\x82", "its length stands in the two bytes that follow (X.690, 8.1.3.5)"
    # By its length: one signature in 256 ends with a zero byte, which is no padding.
    start = found.start(1) + 2 * (4 + int.from_bytes(der[2:4], "big"))
    padding = b"> /Reason (Approuve par le ministre) /X <".ljust(found.end(1) - start, b"0")
    forged = letter()[:start] + padding + letter()[found.end(1) :]
    assert len(forged) == len(letter())
    for listed in ([], None):
        assert of_pdf(forged, listed) == [("broken", *SIGNED[:2], "", "le contenu signé a été altéré")]


def test_without_pyhanko_signatures_are_open(folder, held, capsys, monkeypatch):
    def missing(_pdf):
        raise ImportError("pyhanko")

    monkeypatch.setattr(ged_verify, "_embedded", missing)
    lines = told([with_letter(folder).write(), *held[0], *held[1]], capsys)[1]
    assert about(lines, "signatures de courrier 457") == ("open", "", "", "installez pyhanko pour les vérifier")


def test_a_listed_letter_that_is_lost_is_told_among_the_files(folder, held, capsys):
    path = with_letter(folder).write()
    (path / "files/1.pdf").unlink()
    lines = told([path, *held[0], *held[1]], capsys)[1]
    assert about(lines, "fichier projet n° 1") == ("broken", "", "", "manque")
    assert not [line for line in lines if line[1].startswith("signature")]


def test_a_lost_letter_does_not_hide_the_next(folder, held, capsys):
    path = with_letter(folder).write()
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["signed"].insert(0, {"path": "files/none.pdf", "name": "x", "revisions": []})
    folder.sign(manifest)
    assert about(told([path, *held[0], *held[1]], capsys)[1], "signature")[0] == "proven"


def test_revisions_count_only_under_the_key_that_the_judge_holds(folder, held, capsys):
    more = with_validation_data(letter(), [ministry().root])
    digests = [hashlib.sha256(one).hexdigest() for one in (letter(), more)]
    path = with_letter(folder, more, digests).write()
    assert told([path, *held[0], *held[1]], capsys)[0] == 0
    line = about(told([path, *held[0]], capsys)[1], "signature")
    assert (line[0], line[3]) == ("open", AFTER)


def test_a_certificate_is_judged_today(folder, held, capsys):
    """The day is that of the program's clock, which the test sets. The machine's clock is later."""
    short = signed(order_pdf(), holder("AMAVI Kossi", ministry().root, end=NOW + SECOND))
    path = with_letter(folder, short).write()
    assert about(told([path, *held[0]], capsys)[1], "signature")[0] == "proven"


def test_every_root_that_is_given_or_lies_in_the_folder_counts(folder, held, tmp_path, capsys):
    other = tmp_path / "other.pem"
    other.write_text(Ministry().root.pem + ministry().root.pem)
    path = with_letter(folder).write()
    assert told([path, "--trust", other, *held[1]], capsys)[0] == 0
    other.write_text(Ministry().root.pem)
    assert told([path, "--trust", other, *held[0], *held[1]], capsys)[0] == 0
    line = about(told([path, "--trust", other, *held[1]], capsys)[1], "signature")
    assert line[3] == UNTRUSTED, "given roots stand in place of those in the folder"
    assert os.listdir(path / "trust") == ["root.pem"]


def test_notes_of_other_kinds_in_trust_are_no_roots(folder, held, capsys):
    folder.files["trust/note.txt"] = b"no certificate"
    assert told([folder.write(), *held[1]], capsys)[0] == 3


def test_a_line_says_all_it_has():
    line = ged_verify.Line("broken", "x", "y", "z", "w")
    assert ged_verify._words(line) == "NON CONFORME x, par y, le z : w"
    assert ged_verify._words(replace(line, by="", when="", why="")) == "NON CONFORME x"


def test_a_signature_that_tells_no_time_is_told_with_none(monkeypatch):
    monkeypatch.setattr(ged_verify, "_times", lambda _: (None, None))
    (line,) = ged_verify.check_pdf(letter(), "N", None, [ministry().root.certificate], NOW)
    assert (line.state, line.when) == ("proven", "")


def test_the_file_is_a_program(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["ged_verify.py", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("ged_verify", run_name="__main__")
    assert ended.value.code == 2
    assert "none" in capsys.readouterr().err
