"""The main job, played over HTTP by the people of the demonstration ministry: letters from the scanner to the archive.

This module does not import the service: a step only uses the site's pages and the scanner's lid.
"""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pypdfium2
from PIL import Image

from demo.ageing import age
from demo.client import Form, Page, Person
from demo.letters import DrawnLetter, make_letters, paste_label
from demo.people import PASSPHRASE, PASSWORD
from demo.processes import BIN, Processes
from demo.scanner import DeskScanner
from web.wiring import settings_file

Say = Callable[[str], None]
SEED = 2026
TIMEZONE = ZoneInfo("Africa/Lome")
DPI = 300
WAIT_S = 120.0
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 0.5
NOTE = "Étudier et me proposer un projet de réponse. M'en parler avant la réunion de cabinet."


class Place(Protocol):
    """The place of the journey: the address of a running site, and the desk's scanner."""

    @property
    def url(self) -> str:
        """Base address of the site."""
        ...

    @property
    def data(self) -> Path:
        """Folder of the installation (for the command ``ged verify``)."""
        ...

    @property
    def processes(self) -> Processes:
        """Its processes."""
        ...

    @property
    def scanner(self) -> DeskScanner:
        """The scanner at the desk."""
        ...


class Registered:
    """A numbered letter."""

    def __init__(self, letter: DrawnLetter, number: str, mail: str, entry: str, label: Image.Image) -> None:
        self.letter = letter
        self.number = number
        self.mail = mail
        """Path of the letter's page."""
        self.entry = entry
        """Path of its line in the register: ``/etiquette.pdf`` and ``/recepisse.pdf`` follow it."""
        self.label = label

    @property
    def mail_id(self) -> str:
        """The id in the letter's address."""
        return self.mail.rstrip("/").rsplit("/", 1)[1]


@dataclass(frozen=True)
class Outcome:
    """The results of a finished journey, as paths of pages."""

    letters: tuple[Registered, ...]
    slip: str
    """The first letter's slip, signed at both ends."""
    answer: str
    """The signed answer, in the signature book."""
    line: str
    """The answer's line of departure, with its discharge."""

    @property
    def answer_id(self) -> str:
        """The id of the answer."""
        return self.answer.rsplit("/", 1)[1]


class Journey:
    """The journey of some letters; ``run`` raises AssertionError, which names the failed step.

    Args:
        letters: the number to register and scan; only the first letter goes all the way.
        first: which of the drawn letters is the first one. The first (0) has three pages, the second one page.
        dpi: dots per inch of the scanner.
    """

    def __init__(
        self, place: Place, *, say: Say, start_bridge: Callable[[], None], letters: int = 10, first: int = 0,
        dpi: int = DPI,
    ) -> None:  # fmt: skip
        self.place = place
        self._first = first
        self._dpi = dpi
        self._letters = letters
        self.say = say
        self._start_bridge = start_bridge
        self._people: dict[str, Person] = {}
        self._began = time.monotonic()

    def person(self, account: str) -> Person:
        """The person of an account, signed in once."""
        if account not in self._people:
            self._people[account] = Person(self.place.url, account, PASSWORD)
        return self._people[account]

    def leave(self) -> None:
        """Close the browsers of all persons."""
        for person in self._people.values():
            person.close()
        self._people.clear()

    @contextmanager
    def step(self, what: str, where: str = "") -> Iterator[None]:
        """Report a step, its duration and the page to look at."""
        began = time.monotonic()
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        place = f"   -> {self.place.url}{where}" if where else ""
        self.say(f"  {time.monotonic() - began:6.2f} s  {what}{place}")

    def until(self, what: str, condition: Callable[[], bool], *, seconds: float = WAIT_S) -> None:
        """Wait until ``condition`` is true, for work of a machine.

        Raises:
            AssertionError: it did not happen in time.
        """
        ends, pause_s = time.monotonic() + seconds, SHORTEST_PAUSE_S
        while not condition():
            self.place.processes.check()
            assert time.monotonic() < ends, f"{what}: not within {seconds:.0f} s"
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)  # a page takes time from the work that is waited for

    # --- the whole ----------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Everything, in order."""
        with self.step(f"{self._letters} lettres dessinées et posées sur le scanner"):
            drawn = make_letters(SEED, self._first + self._letters, before=datetime.now(TIMEZONE).date())
            letters = drawn[self._first :]
        self.pair()
        registered = self.register(letters)
        self.scan(registered)
        self.read(registered)
        first = registered[0]
        self.decide(first)
        slip = self.transmit(first)
        place = self.answer(first)
        line = self.dispatch(place)
        self.confirm_discharge(line)
        self.close(first)
        self.find(first)
        self.prove()
        return Outcome(tuple(registered), slip, place, line)

    # --- the letter comes in ------------------------------------------------------------------------------------

    def pair(self) -> None:
        """Pair the desk's bridge with the site by a short code, once, and start it."""
        clerk = self.person("bo.agent")
        with self.step("station de numérisation appairée par un code", "/numerisations/postes"):
            page = clerk.open("/numerisations/postes")
            if "Guichet 1" not in page.words:
                form = page.form("appairer")
                unit = next(value for value, text in form.choices["unit_id"] if "Bureau d'ordre" in text)
                page = clerk.send(form, {"unit_id": unit})
                code = page.text.split('class="pairing-code">', 1)[1].split("<", 1)[0].strip()
                self._bridge("pair", "--server", self.place.url, "--code", code, "--name", "Guichet 1")
            self._start_bridge()
            self.until("scanner found", lambda: "pnm:0" in clerk.open("/numerisations/").text, seconds=30)

    def _bridge(self, *words: str) -> None:
        done = subprocess.run(
            [str(BIN / "ged-bridge"), *words],
            check=False,
            env=self.place.scanner.environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"ged-bridge {words[0]}: {done.stderr or done.stdout}"

    def register(self, letters: tuple[DrawnLetter, ...]) -> list[Registered]:
        """Number each letter, print its label and the depositor's receipt."""
        clerk = self.person("bo.agent")
        done = []
        with self.step(f"{len(letters)} courriers numérotés, étiquettes et récépissés imprimés", "/registres/"):
            for letter in letters:
                form = clerk.open("/enregistrer/").form("/enregistrer")
                authority = next(v for v, text in form.choices["addressed_post_id"] if "Secrétaire générale" in text)
                page = clerk.send(
                    form,
                    {
                        "addressed_post_id": authority,
                        "sender_name": letter.sender,
                        "subject": letter.subject,
                        "their_reference": letter.their_reference,
                        "written_on": letter.written_on.strftime("%d/%m/%Y"),
                        "enclosure_count": str(letter.enclosure_count),
                        "nature": letter.nature if letter.nature in dict(form.choices["nature"]) else "",
                    },
                )
                entry = urlsplit(page.link("etiquette")).path.removesuffix("/etiquette.pdf")
                receipt = clerk.fetch(page.form("recepisse").action)
                assert receipt.startswith(b"%PDF"), "the receipt is no PDF"
                number = page.text.split('class="confirmation__detail">', 1)[1].split("<", 1)[0].strip()
                mail = urlsplit(page.link("/courriers/")).path
                done.append(self.labelled(letter, number=number, mail=mail, entry=entry))
        return done

    def labelled(self, letter: DrawnLetter, *, number: str, mail: str, entry: str) -> Registered:
        """A numbered letter, with its printed label."""
        label = _first_page(self.person("bo.agent").fetch(f"{entry}/etiquette.pdf"), self._dpi)
        return Registered(letter, number, mail, entry, label)

    def scan(self, letters: list[Registered]) -> None:
        """Scan the whole stack, page by page, as one batch; the labels split it."""
        clerk, lid = self.person("bo.agent"), self.place.scanner
        pages = [(one, n) for one in letters for n in range(1, one.letter.page_count + 1)]
        with self.step(f"{len(pages)} pages numérisées par libsane, envoyées une à une", "/numerisations/"):
            for position, (one, n) in enumerate(pages):
                lid.lay(aged_page(one, n, self._dpi))
                page = clerk.open("/numerisations/")
                if position == 0:
                    form = page.form("/numeriser")
                    device = next(v for v, _ in form.choices["device"] if "pnm:0" in v)
                    clerk.send(form, {"device": device, "mode": "gray", "dpi": str(self._dpi), "more": "1"})
                else:
                    clerk.send(page.form("page-suivante"), {})
                self.until(f"page {position + 1}", lambda n=position + 1: self.received(n), seconds=30)  # type: ignore[misc]
            clerk.send(clerk.open("/numerisations/").form("/terminer"), {})

    def received(self, count: int) -> bool:
        """Whether the open batch has ``count`` pages and waits for the next."""
        page = self.person("bo.agent").open("/numerisations/")
        words = page.words
        counted = re.search(rf"(?<!\d){count} pages? reçues?", words)
        return counted is not None and any("/terminer" in form.action for form in page.forms)

    def read(self, letters: list[Registered]) -> None:
        """Wait until each letter has its document, with its text recognised."""
        clerk = self.person("bo.agent")
        with self.step("pages jointes à leur numéro par l'étiquette, texte reconnu, indexé", letters[0].mail):
            for one in letters:
                self.until(f"text of {one.number}", lambda one=one: self._is_read(clerk, one))  # type: ignore[misc]

    def _is_read(self, clerk: Person, one: Registered) -> bool:
        return "searchable.pdf" in clerk.open(one.mail).text

    # --- the letter moves ---------------------------------------------------------------------------------------

    def decide(self, one: Registered) -> None:
        """The authority's secretary imputes the letter in its name; the head assigns it with a due date."""
        self.impute(one)
        self.assign(one)

    def impute(self, one: Registered) -> None:
        """The authority's secretary decides in its name."""
        secretary = self.person("sg.secretariat")
        with self.step("imputé par le secrétariat au nom de la secrétaire générale, avec une note", "/a-imputer"):
            form = secretary.open(f"/a-imputer/{one.mail_id}").form(f"/a-imputer/{one.mail_id}")
            page = secretary.send(
                form,
                {
                    "leading_unit_id": _choice(form, "leading_unit_id", "Direction générale de l'énergie"),
                    "mentions": ["opinion", "draft_reply"],
                    "note": NOTE,
                    "due_days": "10",
                },
            )
            assert page.status == 200
            sheet = secretary.fetch(f"/courriers/{one.mail_id}/fiche-de-transmission.pdf")
            assert sheet.startswith(b"%PDF"), "the imputation sheet is no PDF"

    def assign(self, one: Registered) -> None:
        """The head of the unit gives the letter to somebody."""
        head = self.person("dge.chef")
        with self.step("confié par le directeur à un chargé d'études, avec un délai", "/bannette"):
            page = head.open("/bannette/")
            page = head.open(_link_of_number(page, one.number))
            form = page.form("/confier")
            head.send(
                form,
                {
                    "to": _choice(form, "to", "études"),
                    "purpose": "action",
                    "instruction": "Projet de réponse pour vendredi.",
                },
            )

    def transmit(self, one: Registered) -> str:
        """Send a signed slip, receive it line by line and countersign it; returns the path of its page."""
        slip = self.send_slip(one)
        self.receive_slip(slip)
        return slip

    def send_slip(self, one: Registered) -> str:
        """Send a slip signed by the mail office; returns the path of its page."""
        clerk = self.person("bo.agent")
        with self.step("bordereau signé par le bureau d'ordre", "/bordereaux"):
            form = clerk.open(f"/bordereaux/nouveau?mail={one.mail_id}").form("/bordereaux/nouveau")
            page = clerk.send(
                form,
                {
                    "receiver_unit_id": _choice(form, "receiver_unit_id", "Direction générale de l'énergie"),
                    "purpose": "handover",
                    "messenger": "Mawuli Dzidzo",
                    "passphrase": PASSPHRASE,
                },
                button="Signer et envoyer",
            )
            return urlsplit(page.link("bordereau.pdf")).path.removesuffix("/bordereau.pdf")

    def receive_slip(self, slip: str) -> None:
        """The receiver decides line by line and countersigns."""
        head = self.person("dge.chef")
        with self.step("bordereau reçu ligne par ligne et contresigné", slip):
            page = head.open(f"{slip}/recevoir")
            form = page.form("/recevoir")
            lines = {name: "received" for name in form.names if name.startswith("line-")}
            assert lines, "the slip has no line to receive"
            head.send(form, {**lines, "passphrase": PASSPHRASE}, button="Signer la réception")
            self._two_signatures(head.fetch(f"{slip}/bordereau.pdf"))

    @staticmethod
    def _two_signatures(pdf: bytes) -> None:
        assert pdf.count(b"/ByteRange") == 2, "the slip does not bear two signatures"

    # --- the letter answers -------------------------------------------------------------------------------------

    def answer(self, one: Registered) -> str:
        """Write an answer from a template, with two visas, a signature and a number; returns the path of its page."""
        place = self.draft(one)
        self.approve(place)
        self.sign(place)
        return place

    def draft(self, one: Registered) -> str:
        """Write an answer from a template, submit it for visas and signature; returns the path of its page."""
        author = self.person("dge.etudes")
        with self.step("réponse rédigée d'après un modèle", "/parapheur"):
            form = author.open(f"/projets/nouveau?repond_a={one.mail_id}").form("/projets/nouveau")
            draft = author.send(form, {"modele": "acknowledgement"})
            form = next(f for f in draft.forms if "body" in f.names)
            body = form.fields["body"][0].replace("{service}", "la Direction générale de l'énergie")
            draft = author.send(form, {"civility": "Monsieur le Directeur", "body": body})
            form = draft.form("/circuit")
            draft = author.send(
                form,
                {
                    "visa-1": _choice(form, "visa-1", "Chef du service des études"),
                    "visa-2": _choice(form, "visa-2", "Directeur général de l'énergie"),
                    "signatory_post_id": _choice(form, "signatory_post_id", "Secrétaire générale"),
                },
            )
            page = author.send(draft.form("/remettre"), {})
            return page.path if page.path.startswith("/parapheur/") else f"/parapheur/{draft.path.rsplit('/', 1)[1]}"

    def approve(self, place: str) -> None:
        """Two visas."""
        with self.step("deux visas", place):
            for account in ("dge.etudes.chef", "dge.chef"):
                approver = self.person(account)
                approver.send(approver.open(place).form("/viser"), {"remark": "Vu."})

    def sign(self, place: str) -> None:
        """The authority signs; the signature also gives the number."""
        with self.step("signé (PAdES) et numéroté par la secrétaire générale", place):
            signatory = self.person("sg")
            page = signatory.send(
                signatory.open(place).form("/signer"), {"passphrase": PASSPHRASE}, button="Signer électroniquement"
            )
            assert "MMRE/SG" in page.words, f"no number after the signature: {page.words[:400]}"

    def dispatch(self, place: str) -> str:
        """The mail office sends the answer and keeps proof of delivery; returns the path of the line of departure."""
        clerk = self.person("bo.agent")
        mail_id = place.rsplit("/", 1)[1]
        with self.step("expédié, décharge enregistrée", f"/departs/{mail_id}"):
            page = clerk.open(f"/departs/{mail_id}")
            line = page.link("/departs/lignes/")
            clerk.send(clerk.open(line).form("/depart"), {"channel": "hand", "carrier": "Mawuli Dzidzo"})
            clerk.send(
                clerk.open(line).form("/decharge"),
                {"name": "Ama Kossi", "capacity": "Secrétaire", "their_number": "A-118"},
            )
            page = clerk.open(f"/departs/{mail_id}")
            assert "Expédié" in page.words or "Remis" in page.words, page.words[:400]
        return urlsplit(line).path

    def confirm_discharge(self, line: str) -> None:
        """Scan the stamped copy that came back: its code only proposes the line; the clerk compares and confirms."""
        clerk = self.person("bo.agent")
        with self.step("décharge numérisée, comparée à l'imprimé, confirmée", line):
            printed = _first_page(clerk.fetch(f"{line}/decharge.pdf"), self._dpi)
            self.place.scanner.lay(age(printed, SEED, "stamped"))
            form = clerk.open("/numerisations/").form("/numeriser")
            device = next(v for v, _ in form.choices["device"] if "pnm:0" in v)
            clerk.send(form, {"device": device, "mode": "gray", "dpi": str(self._dpi), "more": "1"})
            self.until("the page of the discharge", lambda: self.received(1), seconds=30)
            before = _waiting_papers(clerk)
            clerk.send(clerk.open("/numerisations/").form("/terminer"), {})
            self.until("the discharge waits", lambda: bool(_waiting_papers(clerk) - before))
            paper = min(_waiting_papers(clerk) - before)
            self.until("the discharge is read", lambda: _is_compared(clerk, paper))
            assert "exemplaire déchargé" not in clerk.open(line).words, "a code was obeyed before anybody confirmed"
            page = clerk.send(clerk.open(paper).form("/confirmer"), {}, button="Confirmer")
            assert "Confirmé" in page.words, page.words[:400]
            assert "Voir l'exemplaire déchargé" in clerk.open(line).words

    def close(self, one: Registered) -> None:
        """The director closes and files the letter."""
        head = self.person("dge.chef")
        with self.step("clôturé et classé", f"/courriers/{one.mail_id}"):
            form = head.open(f"/courriers/{one.mail_id}/cloture").form("/cloture")
            filed = next(value for value, _ in form.choices["filing_class_id"] if value)
            page = head.send(form, {"outcome": "Réponse envoyée.", "filing_class_id": filed})
            assert "Clôturé" in page.words, page.words[:400]

    # --- found, and proven --------------------------------------------------------------------------------------

    def find(self, one: Registered) -> None:
        """Search a sentence of the text: only a person who may see the letter finds it."""
        words = " ".join(_long_words(one.letter.pages_text[0])[:4])
        finder, stranger = self.person("dge.etudes"), self.person("daf.agent")
        with self.step(f"retrouvé par « {words} » par qui peut le voir", "/recherche"):
            self.until(
                "the letter is found",
                lambda: names_number(finder.http.get("/recherche", params={"q": words}).text, one.number),
            )
        with self.step("introuvable pour qui ne peut pas le voir"):
            page = stranger.http.get("/recherche", params={"q": words})
            assert page.status_code == 200
            assert not names_number(page.text, one.number), "a letter is shown to somebody who may not see it"
            stranger.open(f"/courriers/{one.mail_id}", expect=404)

    def prove(self) -> None:
        """Run ``ged verify`` on the installation."""
        with self.step("ged verify : journal, octets et signatures prouvés"):
            done = subprocess.run(
                [str(BIN / "ged"), "verify"],
                check=False,
                env={**self.place.scanner.environment(), "GED_ENV_FILE": str(settings_file.file_of(self.place.data))},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            for line in done.stdout.splitlines():
                self.say(f"            {line}")


def _choice(form: Form, name: str, words: str) -> str:
    """The value of the first option whose text holds ``words``.

    Raises:
        AssertionError: there is none.
    """
    for value, text in form.choices.get(name, []):
        if words.lower() in text.lower() and value:
            return value
    raise AssertionError(f"{form.action}: no choice {words!r} for {name}: {form.choices.get(name)}")


def names_number(text: str, number: str) -> bool:
    """Whether the text names this number, and not only a longer one that begins or ends with it.

    Registers number side by side: a departure bears ``00001/2026/MMRE/SG`` while an arrival bears ``00001/2026/MMRE``.
    """
    return re.search(rf"(?<![\w/-]){re.escape(number)}(?![\w/])", text) is not None


def _link_of_number(page: Page, number: str) -> str:
    for href, text in page.links:
        if names_number(text, number):
            return href
    raise AssertionError(f"{page.url}: no link to {number}; {page.words[:300]}")


def _waiting_papers(clerk: Person) -> set[str]:
    """The pages of the sheets that wait to be confirmed."""
    found = (urlsplit(href).path for href, _ in clerk.open("/a-confirmer/").links)
    return {path for path in found if path.removeprefix("/a-confirmer/").isdigit()}


def _is_compared(clerk: Person, paper: str) -> bool:
    words = clerk.open(paper).words
    return "diffèrent" in words or "concordent" in words


def _long_words(text: str) -> list[str]:
    return [word.strip(".,;:()«»") for word in text.split() if len(word) >= 9 and word.isalpha()][3:]


def _first_page(pdf: bytes, dpi: int) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    image: Image.Image = document[0].render(scale=dpi / 72).to_pil().convert("L")
    document.close()
    return image


def aged_page(one: Registered, page_no: int, dpi: int = DPI) -> Image.Image:
    """A page of a letter as the scanner sees it: aged, and with its label."""
    page = one.letter.draw(page_no, dpi)
    if page_no == 1:
        page = paste_label(page, one.label)
    return age(page, SEED + page_no, one.letter.ageing_kind(page_no))
