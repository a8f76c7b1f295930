"""An installation with the demonstration ministry, in which the mail office sends slips to a directorate."""

from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from sqlalchemy import select

from demo.installation import prepare
from demo.people import PASSPHRASE
from ged.org.actors import actor_of_account
from ged.org.keys import load_key
from ged.org.models import Unit
from ged.ports import UnitId, UnlockedKey
from ged.slips import operations, receive
from ged.slips.drafting import LineForm, SlipForm
from ged.slips.models import SlipPurpose
from ged.slips.receive import Decision
from ged.slips.states import LineState
from ged.unit import Actor
from web.wiring.services import build_services

LINES = 5
SENDER, RECEIVER, RECEIVING_UNIT = "bo.agent", "dge.chef", "DGE"


class SlipHouse:
    """A context manager: it closes the database at the end."""

    def __init__(self, folder: Path) -> None:
        self._services = build_services(prepare(folder, extra={}, say=lambda _text: None))
        with self._services.reading() as session:
            self._unit_id = UnitId(session.scalars(select(Unit.id).where(Unit.code == RECEIVING_UNIT)).one())
        self._keys = {account: self._open(account) for account in (SENDER, RECEIVER)}

    def rendered(self, n: int) -> bytes:
        """The PDF of a slip."""
        return operations.preview(self._services, self._form(n), actor=self._actor(SENDER), now=_now())

    def both_ends(self, n: int) -> None:
        """Number and sign a slip as its sender. Then receive it line by line, and countersign it."""
        sender, receiver = self._actor(SENDER), self._actor(RECEIVER)
        (issued,) = operations.issue(self._services, self._form(n), key=self._keys[SENDER], actor=sender, now=_now())
        if issued.failure is not None:
            raise issued.failure
        decisions = {line: Decision(LineState.RECEIVED) for line in range(1, LINES + 1)}
        receive.receive(self._services, issued.slip_id, decisions, key=self._keys[RECEIVER], actor=receiver, now=_now())

    def __enter__(self) -> "SlipHouse":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._services.engine.dispose()

    def _form(self, n: int) -> SlipForm:
        lines = tuple(LineForm(description=f"Dossier {n} de raccordement, pièce {line}") for line in range(LINES))
        return SlipForm(lines=lines, receiver_unit_ids=(self._unit_id,), purpose=SlipPurpose.HANDOVER)

    def _actor(self, account: str) -> Actor:
        with self._services.reading() as session:
            return actor_of_account(session, account, on=_now().astimezone(self._services.zone).date())

    def _open(self, account: str) -> UnlockedKey:
        with self._services.reading() as session:
            stored = load_key(session, self._actor(account).person_id)
        return self._services.vault.unlock(stored, PASSPHRASE, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
