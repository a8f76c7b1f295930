"""The main job over HTTP with running processes, in both shapes, and the conditions that hold at its end."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest

from demo.client import Person
from demo.journey import Journey, Outcome
from demo.stage import Stage
from ged.ports import Digest, SignatureReport, Verdict
from signing.pki import trusted_roots
from signing.validation import PdfChecker
from tests.journeys.conftest import journey_on
from tests.sample_kit import LONG_RUN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SHAPES = [  # (installation, number of letters, which of the drawn letters is the first)
    # Fewer letters than `make demo` has, to save time: the first goes the whole way, the others only into the index.
    pytest.param(("embedded", 2, 0), id="embedded"),
    # One letter of one page takes each step. That labels split a stack and pages become one document, the embedded shape shows,
    # and the long run here too.
    pytest.param(("servers", 2, 0) if LONG_RUN else ("servers", 1, 1), id="servers", marks=pytest.mark.servers),
    pytest.param(
        ("hosts", 2, 0),
        id="hosts",
        marks=[
            pytest.mark.servers,
            pytest.mark.long("the main job on two hosts: tests/faults/test_two_hosts.py shows both at work"),
        ],
    ),
]
DPI = 200
"""Many offices scan so. At the 300 of ``make demo`` a page costs twice the processor time."""
STRANGERS = ("daf.agent", "daf.chef", "ceet.bo", "ceet.chef", "admin")
"""Accounts: another directorate, its head, another entity, its head, and the administrator."""


@dataclass(frozen=True)
class Done:
    """A finished journey."""

    stage: Stage
    journey: Journey
    outcome: Outcome

    def slip(self) -> bytes:
        return self.journey.person("dge.chef").fetch(f"{self.outcome.slip}/bordereau.pdf")

    def answer(self) -> bytes:
        signatory = self.journey.person("sg")
        return signatory.fetch(signatory.open(self.outcome.answer).link("/original"))

    def document(self) -> str:
        """The path of the first letter's document."""
        page = self.journey.person("dge.chef").open(self.outcome.letters[0].mail)
        found = re.search(r"(/documents/\d+)/searchable\.pdf", page.text)
        assert found, page.words[:400]
        return found[1]


@pytest.fixture(scope="module", params=SHAPES)
def done(request: pytest.FixtureRequest) -> Iterator[Done]:
    """The main job, done once for each shape."""
    name, letters, first = request.param
    stage: Stage = request.getfixturevalue(name)
    with journey_on(stage, letters=letters, first=first, dpi=DPI) as journey:
        yield Done(stage, journey, journey.run())


@pytest.fixture(scope="module")
def checker(done: Done) -> Iterator[PdfChecker]:
    """Our checker, which trusts the installation's roots."""
    checker = PdfChecker(trusted_roots(done.stage.data / "authority"))
    yield checker
    checker.close()


def test_the_register_has_every_number_once(done: Done) -> None:
    clerk = done.journey.person("bo.agent")
    page = clerk.open(_register(clerk))
    count = len(done.outcome.letters)
    numbers = [int(n) for n in re.findall(r'class="number"[^>]*>[^<\d]*0*(\d+)', page.text)]
    assert sorted(numbers) == list(range(1, count + 1)), numbers
    assert f"sans lacune ni doublon : n° 1 à {count}" in page.words


def test_both_signatures_of_the_slip_hold(done: Done, checker: PdfChecker, tmp_path: Path) -> None:
    pdf = done.slip()
    assert _pdfsig(pdf, tmp_path) == ["Signature is Valid."] * 2
    revisions = [_digest(pdf[: _signed_length(pdf, n)]) for n in (0, 1)]
    reports = _check(checker, pdf, revisions)
    assert [report.verdict for report in reports] == [Verdict.GREEN] * 2, reports
    assert {report.reason for report in reports} == {"ok", "countersigned"}


def test_the_signature_of_the_answer_holds(done: Done, checker: PdfChecker, tmp_path: Path) -> None:
    pdf = done.answer()
    assert _pdfsig(pdf, tmp_path) == ["Signature is Valid."]
    (report,) = _check(checker, pdf, [_digest(pdf)])
    assert (report.verdict, report.reason) == (Verdict.GREEN, "ok")
    assert "Tchédré" in report.signer


@pytest.mark.parametrize("which", ["slip", "answer"])
def test_one_changed_byte_of_a_page_is_seen_by_both(
    done: Done, checker: PdfChecker, tmp_path: Path, which: str
) -> None:
    pdf = done.slip() if which == "slip" else done.answer()
    changed = _change_one_byte_of_a_page(pdf)
    verdicts = _pdfsig(changed, tmp_path)
    assert len(verdicts) == pdf.count(b"/ByteRange")
    assert all("Valid" not in verdict.replace("Invalid", "") for verdict in verdicts), verdicts
    reports = _check(checker, changed, [_digest(pdf)])
    assert reports
    assert {report.verdict for report in reports} == {Verdict.RED}, reports


def test_the_slip_page_shows_the_verdicts(done: Done) -> None:
    page = done.journey.person("bo.agent").open(done.outcome.slip)
    assert "Rien n'a changé depuis cette signature." in page.words
    assert "sauf les signatures suivantes" in page.words


def test_every_pdf_of_the_journey_is_clean(done: Done, tmp_path: Path) -> None:
    clerk, head = done.journey.person("bo.agent"), done.journey.person("dge.chef")
    first, count = done.outcome.letters[0], len(done.outcome.letters)
    made = {
        "label": clerk.fetch(f"{first.entry}/etiquette.pdf"),
        "receipt": clerk.fetch(f"{first.entry}/recepisse.pdf"),
        "sheet": head.fetch(f"/courriers/{first.mail_id}/fiche-de-transmission.pdf"),
        "slip": done.slip(),
        "answer": done.answer(),
        "register": clerk.fetch(f"{_register(clerk)}/pages.pdf?premier=1&dernier={count}"),
        "delivery-book": clerk.fetch(clerk.open("/bordereaux/cahier").link("cahier.pdf")),
        "departures": clerk.fetch(clerk.open("/departs/cahier").link("cahier.pdf")),
        "discharge": clerk.fetch(f"{done.outcome.line}/decharge.pdf"),
        "searchable": head.fetch(f"{done.document()}/searchable.pdf"),
    }
    for name, pdf in made.items():
        path = tmp_path / f"{name}.pdf"
        path.write_bytes(pdf)
        answer = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, f"{name}: {answer.stdout}{answer.stderr}"


def test_the_searchable_pdf_holds_the_letters_words(done: Done, tmp_path: Path) -> None:
    path = tmp_path / "searchable.pdf"
    path.write_bytes(done.journey.person("dge.chef").fetch(f"{done.document()}/searchable.pdf"))
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    printed = {word.lower() for word in " ".join(done.outcome.letters[0].letter.pages_text).split() if len(word) > 6}
    found = {word for word in printed if word in text.lower()}
    assert len(found) / len(printed) > 0.85, sorted(printed - found)


@pytest.mark.parametrize("account", STRANGERS)
def test_nothing_of_the_letter_is_shown_to_others(done: Done, account: str) -> None:
    stranger, first, document = done.journey.person(account), done.outcome.letters[0], done.document()
    answer_page = done.journey.person("sg").open(done.outcome.answer)
    answer_file = re.sub(r"^https?://[^/]+", "", answer_page.link("/original"))
    hidden = [
        first.mail,
        document,
        f"{document}/thumbnail.jpg",
        f"{document}/page/1.jpg",
        f"{document}/page/1/original",
        f"{document}/page/1/texte",
        f"{document}/searchable.pdf",
        f"/courriers/{first.mail_id}/fiche-de-transmission.pdf",
        f"/courriers/{first.mail_id}/cloture",
        done.outcome.answer,
        answer_file,
    ]
    shown = {path: stranger.http.get(path).status_code for path in hidden}
    # A person without any role for an act is refused before the letter is read: nothing is revealed either way.
    assert all(status == 404 or (status == 403 and "/cloture" in path) for path, status in shown.items()), shown
    for path in ("/recherche", "/recherche/filtres"):
        told = stranger.http.get(path, params={"q": first.letter.sender.split("(")[0].strip()})
        assert told.status_code in (200, 403), path
        assert first.letter.subject not in told.text
        assert f"/courriers/{first.mail_id}" not in told.text
        assert 'class="facets__count"' not in told.text, f"{path}: counts are shown"


def test_only_who_may_see_the_letter_counts_it(done: Done) -> None:
    words = "/recherche?q=courrier+OU+lettre+OU+ministre"
    filters = words.replace("/recherche", "/recherche/filtres")
    allowed, stranger = done.journey.person("dge.chef"), done.journey.person("daf.agent")
    assert done.outcome.letters[0].number in allowed.open(words).words
    assert 'class="facets__count"' in allowed.http.get(filters).text
    assert "Aucun courrier trouvé" in stranger.open(words).words
    assert 'class="facets__count"' not in stranger.http.get(filters).text


def test_the_journal_shows_no_content(done: Done) -> None:
    admin, first = done.journey.person("admin"), done.outcome.letters[0]
    page = admin.open(f"/administration/journal?numero={first.mail_id}&objet=mail")
    assert "Sénam Afatsawo" in page.words, "who closed it is told, and not what it says"
    assert f"/courriers/{first.mail_id}" not in page.text
    for secret in (first.letter.subject, first.letter.sender, first.number, "Mawuli Dzidzo", "projet de réponse"):
        assert secret not in page.words


def _register(clerk: Person) -> str:
    """The path of the mail office's register of arrivals."""
    for href, text in clerk.open("/registres/").links:
        if "rriv" in text and re.search(r"/registres/\d+$", href):
            return href
    raise AssertionError("no register of arrivals")


def _pdfsig(pdf: bytes, folder: Path) -> list[str]:
    path = folder / "signed.pdf"
    path.write_bytes(pdf)
    told = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=False).stdout
    return re.findall(r"Signature Validation: (.*)", told)


def _check(checker: PdfChecker, pdf: bytes, issued: list[Digest]) -> tuple[SignatureReport, ...]:
    return checker.check(pdf, at=datetime.now(UTC), issued=issued)


def _digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())


def _signed_length(pdf: bytes, position: int) -> int:
    """The length of the file that the n-th signature covers."""
    ranges = re.findall(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", pdf)
    return sorted(int(start) + int(length) for _zero, _first, start, length in ranges)[position]


def _change_one_byte_of_a_page(pdf: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        contents = opened.pages[0].Contents
        stream = contents[0] if isinstance(contents, pikepdf.Array) else contents
        raw = bytes(stream.read_raw_bytes())
    at = pdf.index(raw) + len(raw) // 2
    return pdf[:at] + bytes([pdf[at] ^ 0x01]) + pdf[at + 1 :]
