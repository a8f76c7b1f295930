"""The scanner of the training installation: a simulated one at the mail office, with a bridge that is paired already.

Under its lid lies a letter marked EXERCICE; once it was scanned, the next letter lies there. Without SANE or the bridge's program the
installation is served all the same, without a scanner.
"""

import json
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path

from PIL import Image
from sqlalchemy import func, select

from demo.arrivals import COLLEAGUE, pages
from demo.letters import DrawnLetter, make_letters
from demo.processes import BIN, Processes
from demo.scanner import DeskScanner
from ged.capture import bridges
from ged.capture.models import OrderState, ScanOrder
from ged.org.actors import actor_of_account
from ged.unit import Services

NAME = "Scanner d'entraînement"
PROGRAM = "ged-bridge"
SEED = 4051
LETTERS = 40
"""How many letters follow each other before the first one lies there again."""
SCANNED = (OrderState.UPLOADING, OrderState.DONE, OrderState.FAILED)
"""States of an order after which the sheet may be taken from under the lid."""


class Desk:
    """The desk in the data folder of a training installation; a reset brings it back as it was paired."""

    def __init__(self, data: Path) -> None:
        self.scanner = DeskScanner(data / "desk")
        self._laid: int | None = None
        self._letters: list[DrawnLetter] = []
        self._drawn: dict[int, Image.Image] = {}

    def pair(self, services: Services, now: datetime) -> None:
        """Install the scanner and pair its bridge with the mail office, without a site: the token stays in the folder."""
        self.scanner.install()
        with services.unit_of_work(now) as uow:
            colleague = actor_of_account(uow.session, COLLEAGUE, on=now.astimezone(services.zone).date())
            code = bridges.make_pairing_code(uow, colleague.posts[0].unit_id, actor=colleague, now=now)
            token, bridge_id = bridges.pair(uow, code, NAME, now=now)
        self._write(token=token, bridge_id=str(bridge_id))

    def _write(self, **values: str) -> None:
        path = self.scanner.home / "config.json"
        known = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**known, **values}), encoding="utf-8")

    def start(self, processes: Processes, url: str) -> bool:
        """Start the bridge; False: this machine lacks what it needs."""
        if find_spec("sane") is None or not (BIN / PROGRAM).exists():
            return False
        self._write(server=url)
        self._laid = None
        processes.start("bridge", PROGRAM, "run", env=self.scanner.environment())
        return True

    def follow(self, services: Services, now: datetime) -> None:
        """Lay the next letter, once the one under the lid was scanned."""
        with services.reading() as session:
            done = session.scalar(select(func.count()).where(ScanOrder.state.in_(SCANNED))) or 0
        if done != self._laid:
            self.scanner.lay(self._page(done, now.astimezone(services.zone).date()))
            self._laid = done
        self._page(done + 1, now.astimezone(services.zone).date())  # drawn before it is needed: a clerk may be quick

    def _page(self, number: int, today: date) -> Image.Image:
        if number not in self._drawn:
            self._letters = self._letters or [
                one for one in make_letters(SEED, LETTERS, before=today) if one.page_count == 1
            ]
            page = next(iter(pages(self._letters[number % len(self._letters)])))
            self._drawn = {**{n: kept for n, kept in self._drawn.items() if n == number - 1}, number: page}
        return self._drawn[number]
