"""The main job, acted over HTTP by the people of the demonstration ministry: ten letters from the scanner to the archive.

Nothing here imports the service: a step knows the site by its pages, the scanner by its lid.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import pypdfium2
from PIL import Image

from demo.ageing import age
from demo.client import Person
from demo.letters import DrawnLetter, make_letters, paste_label
from demo.people import PASSWORD
from demo.processes import BIN, Processes
from demo.scanner import DeskScanner

Say = Callable[[str], None]
SEED = 2026
TIMEZONE = ZoneInfo("Africa/Lome")
DPI = 300
WAIT_S = 120.0
NOTE = "Étudier et me proposer un projet de réponse. M'en parler avant la réunion de cabinet."


class Place(Protocol):
    """Where the journey is played: the address of a running site, and the desk's scanner."""

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
    """A letter that got its number."""

    def __init__(self, letter: DrawnLetter, number: str, mail: str, label: Image.Image) -> None:
        self.letter = letter
        self.number = number
        self.mail = mail
        """Path of the letter's page."""
        self.label = label

    @property
    def mail_id(self) -> str:
        """The id in the letter's address."""
        return self.mail.rstrip("/").rsplit("/", 1)[1]


class Journey:
    """The path of ten letters; ``run`` raises AssertionError naming the step that failed."""

    def __init__(self, place: Place, *, say: Say, start_bridge: Callable[[], None]) -> None:
        self.place = place
        self.say = say
        self._start_bridge = start_bridge
        self._people: dict[str, Person] = {}
        self._began = time.monotonic()

    def person(self, account: str) -> Person:
        """Somebody, signed in once."""
        if account not in self._people:
            self._people[account] = Person(self.place.url, account, PASSWORD)
        return self._people[account]

    @contextmanager
    def step(self, what: str, where: str = "") -> Iterator[None]:
        """Tell a step, its time and where to look."""
        began = time.monotonic()
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        place = f"   -> {self.place.url}{where}" if where else ""
        self.say(f"  {time.monotonic() - began:6.2f} s  {what}{place}")

    def until(self, what: str, look: Callable[[], bool], *, seconds: float = WAIT_S) -> None:
        """Wait for something that a machine does.

        Raises:
            AssertionError: it did not come.
        """
        ends = time.monotonic() + seconds
        while not look():
            self.place.processes.check()
            assert time.monotonic() < ends, f"{what}: not within {seconds:.0f} s"
            time.sleep(0.1)

    # --- the whole ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Everything, in order."""
        with self.step("dix lettres dessinées et posées sur le scanner"):
            letters = make_letters(SEED, before=datetime.now(TIMEZONE).date())
        self.pair()
        registered = self.register(letters)
        self.scan(registered)
        self.read(registered)
        self.decide(registered)

    # --- the letter comes in ------------------------------------------------------------------------------------

    def pair(self) -> None:
        """Pair the desk's bridge with the site by a short code, once, and start it."""
        clerk = self.person("bo.agent")
        with self.step("poste de numérisation appairé par un code", "/numerisations/postes"):
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
                label = _first_page(clerk.fetch(page.link("etiquette")))
                receipt = clerk.fetch(page.form("recepisse").action)
                assert receipt.startswith(b"%PDF"), "the receipt is no PDF"
                number = page.text.split('class="confirmation__detail">', 1)[1].split("<", 1)[0].strip()
                done.append(Registered(letter, number, page.link("/courriers/"), label))
        return done

    def scan(self, letters: list[Registered]) -> None:
        """Scan the whole stack, page after page, as one batch; the labels part it."""
        clerk, lid = self.person("bo.agent"), self.place.scanner
        pages = [(one, n) for one in letters for n in range(1, one.letter.page_count + 1)]
        with self.step(f"{len(pages)} pages numérisées par libsane, envoyées une à une", "/numerisations/"):
            for position, (one, n) in enumerate(pages):
                lid.lay(_aged(one, n))
                page = clerk.open("/numerisations/")
                if position == 0:
                    form = page.form("/numeriser")
                    device = next(v for v, _ in form.choices["device"] if "pnm:0" in v)
                    clerk.send(form, {"device": device, "mode": "gray", "dpi": str(DPI), "more": "1"})
                else:
                    clerk.send(page.form("page-suivante"), {})
                self.until(f"page {position + 1}", lambda n=position + 1: self._received(n), seconds=30)  # type: ignore[misc]
            clerk.send(clerk.open("/numerisations/").form("/terminer"), {})

    def _received(self, count: int) -> bool:
        page = self.person("bo.agent").open("/numerisations/")
        words = page.words
        return (f"{count} pages reçues" in words or f"{count} page reçue" in words) and any(
            "/terminer" in form.action for form in page.forms
        )

    def read(self, letters: list[Registered]) -> None:
        """Wait until each letter has its document, read by the machine."""
        clerk = self.person("bo.agent")
        with self.step("pages jointes à leur numéro par l'étiquette, texte reconnu, indexé", letters[0].mail):
            for one in letters:
                self.until(f"text of {one.number}", lambda one=one: self._is_read(clerk, one))  # type: ignore[misc]

    def _is_read(self, clerk: Person, one: Registered) -> bool:
        return "searchable.pdf" in clerk.open(one.mail).text

    def decide(self, letters: list[Registered]) -> None:
        """The rest follows."""


def _first_page(pdf: bytes) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    image: Image.Image = document[0].render(scale=DPI / 72).to_pil().convert("L")
    document.close()
    return image


def _aged(one: Registered, page_no: int) -> Image.Image:
    page = one.letter.draw(page_no, DPI)
    if page_no == 1:
        page = paste_label(page, one.label)
    return age(page, SEED + page_no, one.letter.ageing_kind(page_no))
