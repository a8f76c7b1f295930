"""The signed code of a letter: its content, the proof of it, and that nothing else proves it."""

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import ged_verify
from ged.ports import Digest, TokenFacts, TokenState
from signing.payload import PayloadSealer
from tests.signing_kit import institution
from web.commands import main

LETTER = b"%PDF-1.7\nthe letter\n%%EOF\n"
FACTS = TokenFacts(
    "00457/2026/MMRE/SG", date(2026, 11, 24), "Mazalo Tchédré-Amouzou", bytes(range(16)),
    Digest(hashlib.sha256(LETTER).hexdigest()),
)  # fmt: skip


@pytest.fixture(scope="module", params=["p256", "p384", "rsa"])
def sealed(request: pytest.FixtureRequest):
    key = institution(request.param)
    made = PayloadSealer(lambda: key).seal(FACTS)
    assert made is not None
    return made


def test_it_says_what_was_sealed_and_the_certificate_proves_it(sealed) -> None:
    reader = PayloadSealer()
    assert reader.read(sealed.text) == FACTS
    found = reader.check(sealed.text, [sealed.certificates_pem])
    assert (found.state, found.facts, found.by) == (TokenState.PROVEN, FACTS, "CN=Cachet du ministère")
    assert reader.check(sealed.text, []).state is TokenState.UNKNOWN_KEY
    other = PayloadSealer(lambda: institution("p256")).seal(FACTS)
    assert other is not None
    assert reader.check(sealed.text, [other.certificates_pem]).state is TokenState.UNKNOWN_KEY


def test_it_is_read_as_people_and_readers_give_it(sealed) -> None:
    reader = PayloadSealer()
    parts = "-".join(sealed.text[n : n + 5] for n in range(0, len(sealed.text), 5))
    for given_text in (
        f"HTTPS://GED.X/V/{sealed.text}",
        f" {sealed.text.lower()}\r\n",
        parts,
        f"https://x/v/{sealed.text}/",
    ):
        assert reader.read(given_text) == FACTS


def test_every_changed_character_is_noticed(sealed) -> None:
    reader = PayloadSealer()
    for n in range(len(sealed.text)):
        other = "A" if sealed.text[n] != "A" else "B"
        changed = sealed.text[:n] + other + sealed.text[n + 1 :]
        assert reader.check(changed, [sealed.certificates_pem]).state is not TokenState.PROVEN, n
    for cut in (sealed.text[:-1], sealed.text[:-8], sealed.text + "A", sealed.text + "AAAAAAAA"):
        assert reader.check(cut, [sealed.certificates_pem]).state is not TokenState.PROVEN


@settings(max_examples=100)
@given(st.one_of(st.text(), st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", max_size=400), st.binary().map(repr)))
def test_what_is_no_code_is_read_as_none(text: str) -> None:
    reader = PayloadSealer()
    assert reader.read(text) is None or reader.check(text, []).state is TokenState.UNKNOWN_KEY


def test_long_names_are_cut_between_characters() -> None:
    key = institution("p256")
    long = TokenFacts("N" * 70, FACTS.on, "é" * 40, FACTS.token, FACTS.digest)
    made = PayloadSealer(lambda: key).seal(long)
    assert made is not None
    found = PayloadSealer().read(made.text)
    assert found is not None
    assert (found.number, found.signer) == ("N" * 64, "é" * 32)


def test_without_a_key_there_is_no_code() -> None:
    assert PayloadSealer().seal(FACTS) is None


def run(*arguments: str) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(main, ["token", "verify", *arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_the_command_and_the_one_file_verifier_agree(
    sealed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cert, file, other = tmp_path / "jetons.pem", tmp_path / "letter.pdf", tmp_path / "other.pdf"
    pages = tmp_path / "pages.pdf"
    pages.write_bytes(LETTER)
    cert.write_text(sealed.certificates_pem)
    file.write_bytes(LETTER + b"1 0 obj the mark endobj\n%%EOF\n")
    other.write_bytes(LETTER.replace(b"letter", b"lettre") + b"%%EOF")
    forged = sealed.text[:-9] + ("A" if sealed.text[-9] != "A" else "B") + sealed.text[-8:]
    stranger = PayloadSealer(lambda: institution("p256")).seal(FACTS)
    assert stranger is not None
    cases = [
        (sealed.text, pages, 0, "proven", True),
        (sealed.text, file, 3, "proven", True),
        (sealed.text, other, 1, "proven", False),
        (forged, file, 1, "forged", True),
        (stranger.text, file, 1, "unknown_key", True),
        ("00457/2026/MMRE/SG", file, 1, "unreadable", False),
    ]
    for text, pdf, code, state, same in cases:
        exit_code, said = run(text, "--cert", str(cert), "--file", str(pdf))
        assert (exit_code, said["state"], said["file_bears_it"]) == (code, state, same), text
        alone = ged_verify.main(["--token", text, "--cert", str(cert), "--file", str(pdf), "--json"])
        assert alone == (3 if state == "unknown_key" else code)
        first, *rest = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        states = {"proven": "proven", "forged": "broken", "unknown_key": "open", "unreadable": "broken"}
        assert first["state"] == states[state]
        beside = "broken" if not same else "proven" if code == 0 else "open"
        assert [line["state"] for line in rest] == ([] if state == "unreadable" else [beside])
    words = CliRunner().invoke(
        main, ["token", "verify", "-", "--cert", str(cert)], input=f"HTTPS://X/V/{sealed.text}\n"
    )
    assert (words.exit_code, "Tchédré" in words.stdout, "2026-11-24" in words.stdout) == (0, True, True)
