"""A forger's case file: nothing is reported as proven unless a key or a root that the judge gave proves it."""

import base64
import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

import ged_verify
from ged.ports import Digest, TokenFacts
from signing.payload import PayloadSealer
from signing.rawkeys import MemoryKey
from tests.case_kit import Forger, case, held_by_judge, house, overwritten
from tests.pki_kit import Ministry, holder, order_pdf, signed, stamped

__all__ = ["case", "house"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

MINISTER = "Koffi Edem Agbényo (ministre)"
CLAIM = "PROUVÉ      tout est prouvé"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def held(house, tmp_path_factory):
    """Arguments for (the true roots, the true key)."""
    return held_by_judge(house, tmp_path_factory.mktemp("held"))


def told(folder, arguments, capsys):
    code = ged_verify.main([str(folder), *arguments, "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def invented_journal(forger: Forger, _house) -> Path:
    for one in forger.entries:
        one["action"] = "mail.signed"
    return forger.write()


def invented_people(forger: Forger, _house) -> Path:
    forger.manifest["people"] = dict.fromkeys(forger.manifest["people"], MINISTER)
    return forger.write()


def stamped_invention(forger: Forger, house) -> Path:
    forger.manifest["people"] = dict.fromkeys(forger.manifest["people"], MINISTER)
    return forger.write(house.stamper.stamp)


def altered_detail(forger: Forger, _house) -> Path:
    forger.entries[0]["payload"] = {"subject": "Marché accordé"}
    return forger.write()


def removed_entry(forger: Forger, _house) -> Path:
    del forger.entries[1]
    return forger.write()


def text_drawn_over(forger: Forger, _house) -> Path:
    forger.replace_letter(overwritten(forger.pdf.read_bytes()))
    return forger.write()


def text_drawn_over_and_stamped(forger: Forger, house) -> Path:
    """The file's last signature covers all of it: a time-stamp of a true authority."""
    altered = overwritten(forger.pdf.read_bytes())
    forger.replace_letter(stamped(altered, house.stamper.ministry.stamps(ged_verify.datetime.now(ged_verify.UTC))))
    return forger.write()


def signed_by_a_stranger(forger: Forger, _house) -> Path:
    forger.pdf.write_bytes(signed(order_pdf(), Ministry().signer))
    forger.manifest["signed"][0]["revisions"] = [hashlib.sha256(forger.pdf.read_bytes()).hexdigest()]
    return forger.write()


def another_name(forger: Forger, _house) -> Path:
    """A letter with a true signature, under the name of another letter."""
    forger.manifest["signed"][0]["name"] = "décret de nomination"
    return forger.write()


def other_annex(forger: Forger, _house) -> Path:
    annex = next(one for one in forger.manifest["files"] if "version 1" in one.get("name", ""))
    (forger.folder / annex["path"]).write_bytes(b"%PDF-1.7 another annex")
    return forger.write()


def steering_number(forger: Forger, _house) -> Path:
    forger.manifest["case"]["number"] = f"1\x1b[2K\r\n{CLAIM}\n\x9b1A"
    return forger.write()


def steering_people(forger: Forger, _house) -> Path:
    forger.manifest["people"] = dict.fromkeys(forger.manifest["people"], f"Sg\n{CLAIM}\u2028\u202e{CLAIM}\u2066")
    forger.entries[0]["action"] = f"mail.signed\r\x1b]0;{CLAIM}\x07"
    return forger.write()


def steering_names(forger: Forger, _house) -> Path:
    for one in forger.manifest["files"]:
        one["name"] = "pièce" + " " * 300 + f"{CLAIM}\n{CLAIM}\ud800\x85"
    (forger.folder / f"x\n{CLAIM}.txt").write_text("ajouté")
    return forger.write()


FORGERIES = [
    invented_journal, invented_people, stamped_invention, altered_detail, removed_entry, text_drawn_over,
    text_drawn_over_and_stamped, signed_by_a_stranger, another_name, other_annex, steering_number, steering_people,
    steering_names,
]  # fmt: skip


@pytest.fixture(scope="module", params=FORGERIES, ids=lambda one: one.__name__)
def forged(request, case, house, tmp_path_factory):
    forge = request.param
    return forge(Forger(case, tmp_path_factory.mktemp("forged") / forge.__name__), house)


@pytest.mark.in_shares(2)
def test_without_key_and_roots_a_forgers_folder_proves_nothing(forged, capsys):
    code, lines = told(forged, [], capsys)
    assert code in (1, 3)
    assert [line for line in lines if line["state"] == "proven"] == []


@pytest.mark.in_shares(2)
def test_with_the_true_roots_only_whole_signed_bytes_are_proven_and_named_by_their_digest(forged, held, capsys):
    code, lines = told(forged, held[0], capsys)
    assert code in (1, 3)
    proven = [line for line in lines if line["state"] == "proven"]
    genuine = forged.name in {
        "invented_journal", "invented_people", "stamped_invention", "altered_detail", "removed_entry", "another_name",
        "other_annex", "steering_number", "steering_people", "steering_names",
    }  # fmt: skip
    letters = [path for path in forged.glob("files/*.pdf") if b"/ByteRange" in path.read_bytes()]
    digest = hashlib.sha256(letters[0].read_bytes()).hexdigest()
    for line in proven:
        assert line["what"].endswith(f"de fichier de SHA-256 {digest}"), line
        assert line["by"] in ("Sg", "Horodateur")
    if genuine:
        assert [line["by"] for line in proven] == ["Sg"], "the letter itself was signed, whatever stands around it"
    else:
        assert "Sg" not in {line["by"] for line in proven}


@pytest.mark.in_shares(2)
def test_with_the_true_key_a_forgers_folder_is_broken(forged, held, capsys):
    code, lines = told(forged, [*held[0], *held[1]], capsys)
    assert code == 1
    assert "le manifeste n'est pas signé par la clé du journal" in {line["why"] for line in lines}
    assert {line["what"].split()[0] for line in lines if line["state"] == "proven"} <= {"signature"}


@pytest.mark.in_shares(2)
def test_no_text_of_the_folder_steers_the_terminal_or_looks_like_a_verdict(forged, capsys):
    ged_verify.main([str(forged)])
    printed = capsys.readouterr()
    assert not STEERING.search(printed.out + printed.err)
    assert not [line for line in printed.out.splitlines() if line.startswith("PROUVÉ")]
    ged_verify.main([str(forged), "--json"])
    assert not STEERING.search(capsys.readouterr().out)


def test_a_long_text_never_begins_a_line_of_a_narrow_terminal(case, house, tmp_path):
    forger = Forger(case, tmp_path / "wide")
    forger.manifest["case"]["number"] = "x" * 41 + (" " + CLAIM) * 8
    folder = forger.write()
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "COLUMNS": "60"}
    with subprocess.Popen(
        [sys.executable, ged_verify.__file__, str(folder)], stdout=theirs, env=environment
    ) as running:
        os.close(theirs)
        read = bytearray()
        while piece := _read(ours):
            read += piece
        assert running.wait(60) == 3
    os.close(ours)
    lines = read.decode().splitlines()
    assert sum(CLAIM.split(maxsplit=1)[0] in line for line in lines) > 1
    assert not [line for line in lines if line.startswith("PROUVÉ")]


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:  # when the other side closes, Linux ends the terminal with this error
        return b""


def test_a_replaced_program_in_the_folder_is_named_and_keeps_all_from_being_proven(case, held, tmp_path, capsys):
    folder = shutil.copytree(case, tmp_path / "case")
    everything = [*held[0], *held[1]]
    assert told(folder, everything, capsys)[0] == 0
    (folder / "ged_verify.py").write_text("print('PROUVÉ tout')")
    code, lines = told(folder, everything, capsys)
    assert code == 3
    (line,) = [line for line in lines if line["state"] != "proven"]
    assert (line["what"], line["why"]) == (
        "programme ged_verify.py joint au dossier", "nul ne l'a signé : ne l'exécutez pas",
    )  # fmt: skip
    reference = folder / "reference/ged_verify.py.txt"
    reference.write_text("print('PROUVÉ tout')")
    assert told(folder, everything, capsys)[0] == 1


@pytest.mark.parametrize(
    "content", [b"[]", b'{"format": "ged-case-1", "case": 1}', b"[" * 100_000, b'{"format": "\x1b[2Jx"}'.replace(b"\x1b", b"\\u001b")]
)  # fmt: skip
def test_a_manifest_that_is_none_ends_with_two_and_one_harmless_line(case, content, tmp_path, capsys):
    folder = shutil.copytree(case, tmp_path / "case")
    (folder / "manifest.json").write_bytes(content)
    assert ged_verify.main([str(folder)]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert not STEERING.search(said)


# --- the signed code on a letter, and a file beside it


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    """A letter, its code, the institution's certificate and the root, on disk."""
    folder, ministry, seal = tmp_path_factory.mktemp("coded"), Ministry(), holder("Cachet du ministère")
    pages = order_pdf()
    facts = TokenFacts(
        "457/MMRE", date(2026, 3, 3), "AMAVI Kossi", bytes(16), Digest(hashlib.sha256(pages).hexdigest())
    )
    sealed = PayloadSealer(lambda: MemoryKey(seal.key, [seal.certificate])).seal(facts)
    assert sealed is not None
    (folder / "jetons.pem").write_text(seal.pem)
    (folder / "root.pem").write_text(ministry.root.pem)
    return folder, ministry, pages, sealed.text


def judge(coded, pdf, capsys, *, root=True, code=""):
    folder, _ministry, _pages, text = coded
    (folder / "letter.pdf").write_bytes(pdf)
    arguments = ["--token", code or text, "--cert", str(folder / "jetons.pem"), "--file", str(folder / "letter.pdf")]
    arguments += ["--trust", str(folder / "root.pem")] if root else []
    exit_code = ged_verify.main([*arguments, "--json"])
    states = [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()]
    return exit_code, states


def test_a_file_is_the_coded_letter_only_when_what_follows_is_signed_too(coded, capsys):
    _folder, ministry, pages, _text = coded
    genuine = signed(pages, ministry.signer)
    assert judge(coded, pages, capsys) == (0, ["proven", "proven"])
    assert judge(coded, genuine, capsys) == (0, ["proven", "proven"])
    assert judge(coded, genuine, capsys, root=False) == (3, ["proven", "open"])
    altered = overwritten(genuine)
    assert judge(coded, altered, capsys) == (3, ["proven", "open"])
    assert judge(coded, altered, capsys, root=False) == (3, ["proven", "open"])
    # A true time-stamp covers it, but proves nothing of its contents; or another signature of the ministry does.
    now = ged_verify.datetime.now(ged_verify.UTC)
    assert judge(coded, stamped(altered, ministry.stamps(now)), capsys) == (3, ["proven", "open"])
    colleague = holder("AYÉVA Afi", ministry.root)
    assert judge(coded, signed(overwritten(pages), colleague), capsys) == (3, ["proven", "open"])
    namesake = holder("AMAVI Kossi", holder("Racine", authority=True))
    assert judge(coded, signed(overwritten(pages), namesake), capsys) == (3, ["proven", "open"])
    assert judge(coded, signed(order_pdf(lambda pdf: pdf.pages.append(pdf.pages[0])), ministry.signer), capsys) == (
        1, ["proven", "broken"],
    )  # fmt: skip


def test_validation_data_behind_the_signature_leaves_the_letter_proven(coded, capsys):
    from tests.pki_kit import crl, with_validation_data

    _folder, ministry, pages, _text = coded
    genuine = signed(pages, ministry.signer)
    raised = with_validation_data(genuine, [ministry.root], [crl(ministry.root, {})], stamper=ministry.stamps(
        ged_verify.datetime.now(ged_verify.UTC)
    ))  # fmt: skip
    assert judge(coded, raised, capsys) == (0, ["proven", "proven"])


def test_a_code_with_steering_texts_prints_none(coded, capsys):
    folder, *_ = coded
    name = f"1\n{CLAIM}\x1b[1A".encode()
    content = bytes([1]) + bytes(58) + bytes([len(name)]) + name + bytes([3]) + "\u202e".encode() + b"signature"
    code = base64.b32encode(content).decode().rstrip("=")
    assert ged_verify.main(["--token", code, "--cert", str(folder / "jetons.pem")]) == 3
    printed = capsys.readouterr().out
    assert not STEERING.search(printed)
    assert not [line for line in printed.splitlines() if line.startswith("PROUVÉ")]
