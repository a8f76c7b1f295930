"""People who act on letters at random, those that come in and those that they write, for the tests of what is counted.

``RARE`` are the acts on more than a letter, or from outside: the organisation, the calendar, closings, archives, scans, lost numbers, a ministry that arrives.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from copy import copy, deepcopy
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import delete, select, update

from ged import schema
from ged.administration import wanted
from ged.capture.models import BatchSource, Scan, ScanBatch, ScanPage, ScanState
from ged.closing import operations as closing
from ged.dispatch import operations as dispatch
from ged.dispatch.models import DispatchLine, DispatchState, Party
from ged.dispatch.operations import Departure
from ged.errors import GedError
from ged.figures import operations as figures
from ged.figures import sums
from ged.figures.models import NO_REGISTER, STATE, FigureKey, FigureState
from ged.figures.stages import ALL, NATURES, SUMS
from ged.followup import undoing
from ged.natures.circuit import one_by_one
from ged.org import keys
from ged.org.models import Unit
from ged.ports import Confidentiality, MailId, RegisterId, StoredKey, UnlockedKey
from ged.register import levels
from ged.register import operations as register_operations
from ged.register.models import (
    Attachment,
    AttachmentKind,
    Channel,
    Direction,
    FilingClass,
    Mail,
    MailNumber,
    PageText,
    Priority,
    Register,
    RegisterCounter,
    RegisterNature,
)
from ged.register.operations import IncomingForm
from ged.register.states import MailState
from ged.resuming import operations as resuming
from ged.resuming.holding import hold_registers
from ged.resuming.models import RegisterHold
from ged.routing import calendar_changes, operations
from ged.routing.models import Assignment, Imputation, Purpose
from ged.routing.operations import ImputationForm
from ged.routing.rectify_letter import rectify
from ged.routing.states import LIVE
from ged.signbook import book, drafts
from ged.signbook import operations as signbook
from ged.signbook.drafts import DraftForm
from ged.signbook.models import SignatureWay
from ged.slips import operations as slip_operations
from ged.slips import receive
from ged.slips.drafting import LineForm
from ged.slips.models import Slip
from ged.slips.receive import Decision
from ged.slips.states import LineState, SlipState
from ged.transfer.take_in import take_in
from ged.unit import SYSTEM, Services, UnitOfWork
from tests import arriving_kit, packed_kit, slip_kit
from tests.administration_kit import Wanted, do
from tests.factories import NOW, PASSPHRASE, actor
from tests.routing_kit import post_id, unit_id

UNITS = ("DGE", "DAF")


class Play:
    """People who act on letters, at a time that goes on."""

    received_as: Sequence[LineState] = (LineState.RECEIVED, LineState.RECEIVED, LineState.MISSING, LineState.DAMAGED)
    """What a receiver says of a line of a slip."""

    def __init__(self, services: Services, seed: int = 1) -> None:
        self.services, self.now, self.chance = services, NOW, random.Random(seed)
        self.done: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.mails: list[int] = []
        self._keys: dict[str, StoredKey] = {}
        self.written: list[int] = []
        """Letters that go out: acts on them name them by states of their own."""
        self.made_units: list[str] = []
        """Codes of the units that a reorganisation made, and that are open."""
        self._next = count(1)
        with services.reading() as session:
            self.register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
        with services.unit_of_work(NOW) as uow:
            row = FilingClass(code="Z9", title="Essais")
            uow.session.add(row)
            uow.session.flush()
            self.class_id = row.id

    def in_copy(self, services: Services) -> Play:
        """The same people, at the same moment, in a copy of the installation."""
        made = copy(self)
        vars(made).update(deepcopy(vars(self) | {"services": None}), services=services)
        return made

    @property
    def today(self) -> date:
        return self.now.astimezone(self.services.zone).date()

    def act(self, name: str) -> bool:
        """Do one act, on any letter. What the rules refuse is no act."""
        try:
            getattr(self, name)()
        except (GedError, IndexError) as refusal:
            self.refused[name, str(refusal)] += 1
            return False
        self.done[name] += 1
        return True

    def turns(self, count: int) -> None:
        """Do acts by chance. Some hours pass and a letter comes now and then: a register whose clock leaps asks for a person."""
        for turn in range(count):
            self.act(self.chance.choice(ACTS))
            if turn % 9 == 0:
                self.now += self.some_hours()
                self.register()

    def some_hours(self) -> timedelta:
        """How long nothing happens."""
        return timedelta(hours=self.chance.choice([2, 5]))

    def any_mail(self, *states: MailState, written: bool = False) -> int:
        with self.services.reading() as session:
            found = select(Mail.id).where(Mail.id.in_(self.written if written else self.mails)).order_by(Mail.id)
            ids = session.scalars(found.where(Mail.state.in_(states)) if states else found).all()
        if not ids:
            raise IndexError
        return self.chance.choice(ids)

    def live(self, mail_id: int, *, top: bool | None = None) -> Assignment:
        with self.services.reading() as session:
            found = select(Assignment).where(Assignment.mail_id == mail_id, Assignment.state.in_(LIVE))
            if top is not None:
                found = found.where(Assignment.parent_id.is_(None) if top else Assignment.parent_id.is_not(None))
            return session.scalars(found.order_by(Assignment.id)).unique().all()[0]

    def register(self, who: str = "agent", **given: Any) -> int:
        days = self.chance.choice([None, None, 2, 5])
        form = IncomingForm(
            **{
                "subject": "Demande",
                "sender_name": "Préfecture de l'Ogou",
                "addressed_post_id": post_id(self.services, "SG-T"),
                "priority": self.chance.choice(list(Priority)),
                "due_days": days,
                "received_on": self.today - timedelta(days=self.chance.choice([0, 0, 1, 4])),
                **given,
            }
        )
        with self.services.unit_of_work(self.now) as uow:
            made = register_operations.register_incoming(
                uow,
                RegisterId(self.register_id),
                form,
                actor=actor(self.services, who, on=self.today),
                now=self.now,
            )
        self.mails.append(int(made.mail_id))
        return int(made.mail_id)

    def impute(self, mail_id: int | None = None, unit: str = "") -> None:
        mail_id = mail_id or self.any_mail(MailState.TO_IMPUTE, MailState.ASSIGNED, MailState.ANSWERED)
        chosen = unit or self.chance.choice([*UNITS, *self.made_units])
        form = ImputationForm(unit_id(self.services, chosen), (), (), "", None)  # type: ignore[arg-type]
        with self.services.unit_of_work(self.now) as uow:
            operations.impute(uow, MailId(mail_id), form, version=None, actor=actor(self.services, "sg"), now=self.now)

    def assign(self, mail_id: int | None = None) -> None:
        above = self.live(mail_id or self.any_mail(MailState.ASSIGNED), top=True)
        head = "dge" if above.unit.code == "DGE" else "daf"
        unit, post = ("ETU", "ETU-M") if head == "dge" else ("DAF", "DAF-C")
        with self.services.unit_of_work(self.now) as uow:
            operations.assign(
                uow, MailId(above.mail_id), from_assignment_id=above.id, to_unit_id=unit_id(self.services, unit),  # type: ignore[arg-type]
                to_post_id=post_id(self.services, post), purpose=Purpose.ACTION, instruction="", due_on=None,  # type: ignore[arg-type]
                actor=actor(self.services, head), now=self.now,
            )  # fmt: skip

    def finish(self, mail_id: int | None = None) -> None:
        row = self.live(mail_id or self.any_mail(MailState.ASSIGNED), top=True)
        head = "dge" if row.unit.code == "DGE" else "daf"
        with self.services.unit_of_work(self.now) as uow:
            operations.finish(
                uow, MailId(row.mail_id), row.id, outcome="Fait", actor=actor(self.services, head), now=self.now
            )

    def give_back(self, mail_id: int | None = None) -> None:
        row = self.live(mail_id or self.any_mail(MailState.ASSIGNED), top=True)
        head = "dge" if row.unit.code == "DGE" else "daf"
        with self.services.unit_of_work(self.now) as uow:
            operations.give_back(
                uow, MailId(row.mail_id), row.id, reason="Pas à nous", actor=actor(self.services, head), now=self.now
            )

    def close(self, mail_id: int | None = None) -> None:
        mail_id = mail_id or self.any_mail(MailState.TO_IMPUTE, MailState.ASSIGNED, MailState.ANSWERED)
        with self.services.unit_of_work(self.now) as uow:
            register_operations.close(
                uow, MailId(mail_id), outcome="Classé", filing_class_id=self.class_id, version=None,
                actor=actor(self.services, "sg"), now=self.now,
            )  # fmt: skip

    def reopen(self) -> None:
        mail_id = self.any_mail(MailState.CLOSED)
        with self.services.unit_of_work(self.now) as uow:
            operations.reopen(uow, MailId(mail_id), reason="À revoir", actor=actor(self.services, "sg"))

    def void(self, mail_id: int | None = None) -> None:
        mail_id = mail_id or self.any_mail(MailState.TO_IMPUTE, MailState.ASSIGNED)
        with self.services.reading() as session:
            number_id = session.scalars(select(MailNumber.id).where(MailNumber.mail_id == mail_id)).first()
        with self.services.unit_of_work(self.now) as uow:
            register_operations.void_number(
                uow, number_id or 0, reason="Double", actor=actor(self.services, "agent"), now=self.now
            )

    def redate(self, mail_id: int | None = None, day: date | None = None) -> None:
        changes = {"received_on": day or self.today - timedelta(days=self.chance.randrange(1, 12))}
        with self.services.unit_of_work(self.now) as uow:
            rectify(
                uow, MailId(mail_id or self.any_mail()), changes, reason="Cachet", version=None,
                actor=actor(self.services, "agent"), now=self.now,
            )  # fmt: skip

    def undo(self) -> None:
        mail_id = self.any_mail(MailState.ASSIGNED)
        with self.services.reading() as session:
            last = session.scalars(
                select(Imputation.id).where(Imputation.mail_id == mail_id).order_by(Imputation.id.desc())
            ).first()
        with self.services.unit_of_work(self.now) as uow:
            undoing.undo(uow, [last or 0], actor=actor(self.services, "sg"))

    def raise_level(self, mail_id: int | None = None) -> None:
        with self.services.unit_of_work(self.now) as uow:
            levels.change_level(
                uow, MailId(mail_id or self.any_mail(MailState.ASSIGNED)), Confidentiality.RESTRICTED, reason="Sensible",
                actor=actor(self.services, "sg"),
            )  # fmt: skip

    # --- letters that go out: the acts that change what is counted of them. No page is typeset, and no file signed.

    def draft(self, addressees: int | None = None) -> int:
        author = actor(self.services, "dge")
        with self.services.unit_of_work(self.now) as uow:
            mail_id = drafts.draft_new(uow, "", actor=author, now=self.now)
        parties = tuple(Party(f"Préfecture {n}", "", "") for n in range(addressees or self.chance.choice([1, 2])))
        saved = drafts.save(
            self.services, mail_id, DraftForm("Monsieur le Préfet", "Réponse", "Voici.", parties, ()), version=1,
            actor=author, now=self.now,
        )  # fmt: skip
        with self.services.unit_of_work(self.now) as uow:
            signatory = post_id(self.services, "SG-T")
            drafts.set_circuit(uow, mail_id, one_by_one([]), signatory, version=saved.version, actor=author)
        self.written.append(int(mail_id))
        return int(mail_id)

    def number(self, mail_id: int | None = None) -> None:
        signatory = actor(self.services, "sg")
        with self.services.unit_of_work(self.now) as uow:
            found = book.lock(uow, mail_id or self.any_mail(MailState.DRAFT, written=True))
            found.mail.state, found.way = MailState.IN_CIRCUIT, SignatureWay.DIGITAL
            signbook.number_letter(uow, found, actor=signatory, post=signatory.posts[0])

    def sign(self, mail_id: int | None = None) -> None:
        signatory = actor(self.services, "sg")
        with self.services.unit_of_work(self.now) as uow:
            found = book.lock(uow, mail_id or self.any_mail(MailState.NUMBERED, written=True))
            signbook.finish_signature(uow, found, actor=signatory, post=signatory.posts[0])

    def leave(self, mail_id: int | None = None) -> None:
        """One of its copies leaves."""
        mail_id = mail_id or self.any_mail(MailState.SIGNED, written=True)
        with self.services.reading() as session:
            waits = select(DispatchLine.id).where(
                DispatchLine.mail_id == mail_id, DispatchLine.state == DispatchState.TO_SEND
            )
            line_id = session.scalars(waits.order_by(DispatchLine.id)).all()[0]
        with self.services.unit_of_work(self.now) as uow:
            dispatch.leave(
                uow, line_id, Departure(Channel.POST), version=None, actor=actor(self.services, "agent", on=self.today)
            )

    def close_written(self, mail_id: int | None = None) -> None:
        mail_id = mail_id or self.any_mail(MailState.DISPATCHED, written=True)
        with self.services.unit_of_work(self.now) as uow:
            register_operations.close(
                uow, MailId(mail_id), outcome="Classé", filing_class_id=self.class_id, version=None,
                actor=actor(self.services, "dge"), now=self.now,
            )  # fmt: skip

    def reopen_written(self, mail_id: int | None = None) -> None:
        mail_id = mail_id or self.any_mail(MailState.CLOSED, written=True)
        with self.services.unit_of_work(self.now) as uow:
            operations.reopen(uow, MailId(mail_id), reason="À revoir", actor=actor(self.services, "dge"))

    # --- slips: signed at both ends, as people sign them

    def key(self, account: str) -> UnlockedKey:
        """The person's key, opened anew: it closes by itself after a while."""
        if account not in self._keys:
            me = actor(self.services, account)
            with self.services.unit_of_work(self.now) as uow:
                self._keys[account] = keys.issue_key(uow, me.person_id, passphrase=PASSPHRASE, actor=me)
        return self.services.vault.unlock(self._keys[account], PASSPHRASE, now=self.now)

    def hand(self, mail_id: int | None = None) -> None:
        """The mail office sends a letter to a unit with a slip; some go without a letter of ours."""
        line = LineForm(mail_id=MailId(mail_id or self.any_mail())) if mail_id or self.chance.random() < 0.8 else LineForm(description="Un rouleau de plans")  # fmt: skip
        (made,) = slip_operations.issue(
            self.services, slip_kit.form(self.services, line, to=(self.chance.choice(UNITS),)), key=self.key("agent"),
            actor=actor(self.services, "agent", on=self.today), now=self.now,
        )  # fmt: skip
        if made.failure is not None:
            raise made.failure

    def any_slip(self) -> tuple[int, str]:
        """A slip on its way, and the account of who receives it."""
        with self.services.reading() as session:
            waits = select(Slip.id, Unit.code).join(Unit, Unit.id == Slip.receiver_unit_id)
            sent = waits.where(Slip.state == SlipState.SENT, Unit.code.in_(UNITS))
            found = session.execute(sent.order_by(Slip.id)).all()
        slip_id, code = self.chance.choice(found)
        return slip_id, "dge" if code == "DGE" else "daf"

    def acknowledge(self) -> None:
        slip_id, account = self.any_slip()
        state = self.chance.choice(self.received_as)
        decision = Decision(state, "" if state is LineState.RECEIVED else "Coin plié")
        receive.receive(
            self.services, slip_id, {1: decision}, key=self.key(account),
            actor=actor(self.services, account, on=self.today), now=self.now,
        )  # fmt: skip

    def take_slip_back(self) -> None:
        slip_id, _account = self.any_slip()
        with self.services.unit_of_work(self.now) as uow:
            slip_operations.void_slip(
                uow, slip_id, reason="Erreur", actor=actor(self.services, "agent", on=self.today), now=self.now
            )

    # --- what changes more than a letter, or comes from outside

    def rectify_due(self) -> None:
        day = self.chance.choice([None, self.today - timedelta(days=2), self.today + timedelta(days=9)])
        with self.services.unit_of_work(self.now) as uow:
            rectify(
                uow, MailId(self.any_mail()), {"due_on": day}, reason="Faute", version=None,
                actor=actor(self.services, "agent"), now=self.now,
            )  # fmt: skip

    def rectify_nature(self) -> None:
        changes = {
            "subject": f"Demande {next(self._next)}",
            "nature": self.chance.choice(["", "invitation", "plainte"]),
        }
        with self.services.unit_of_work(self.now) as uow:
            rectify(
                uow, MailId(self.any_mail()), changes, reason="Faute", version=None,
                actor=actor(self.services, "agent"), now=self.now,
            )  # fmt: skip

    def lower_level(self) -> None:
        with self.services.reading() as session:
            hidden = select(Mail.id).where(Mail.level == Confidentiality.RESTRICTED, Mail.id.in_(self.mails))
            mail_id = self.chance.choice(session.scalars(hidden.order_by(Mail.id)).all())
        with self.services.unit_of_work(self.now) as uow:
            levels.change_level(
                uow, MailId(mail_id), Confidentiality.ORDINARY, reason="Public", actor=actor(self.services, "sg")
            )

    def number_twice(self) -> None:
        """A letter gets a number of a second register. It stands, or is voided."""
        with self.services.unit_of_work(self.now) as uow:
            other = uow.session.scalars(select(Register.id).where(Register.code == "AR2")).first()
            if other is None:
                row = Register(
                    code="AR2", name="Second registre", nature=RegisterNature.ARRIVAL, direction=Direction.INCOMING,
                    pattern="{seq}/AR2", unit_id=unit_id(self.services, "BO"),
                )  # fmt: skip
                uow.session.add(row)
                uow.session.flush()
                other = row.id
            mail_id = self.any_mail(MailState.TO_IMPUTE, MailState.ASSIGNED)
            who = actor(self.services, "agent", on=self.today)
            number_id = register_operations.take_number(uow, MailId(mail_id), RegisterId(other), actor=who).id
        if self.chance.random() < 0.7:
            with self.services.unit_of_work(self.now) as uow:
                register_operations.void_number(uow, number_id, reason="Erreur", actor=who, now=self.now)

    def find_lost_number(self) -> None:
        """The installation is put back: a number stood on paper that it does not know, and a letter gets it."""
        who = actor(self.services, "agent", on=self.today)
        with self.services.unit_of_work(self.now) as uow:
            hold_registers(uow, copied_at=self.now - timedelta(minutes=1), code="ARR")
        with self.services.reading() as session:
            counters = select(RegisterCounter.last_sequence).where(RegisterCounter.register_id == self.register_id)
            last = session.scalars(counters.order_by(RegisterCounter.year.desc()).limit(1)).one()
            held = session.scalars(select(RegisterHold.id).where(RegisterHold.released_at.is_(None))).one()
        with self.services.unit_of_work(self.now) as uow:
            resuming.release(uow, held, last_sequence=last + 1, confirmed=True, actor=who)
        mail_id = self.register()
        with self.services.unit_of_work(self.now) as uow:
            free = uow.session.scalars(
                select(MailNumber.id).where(MailNumber.mail_id.is_(None)).order_by(MailNumber.id.desc())
            ).all()[0]
            resuming.retake(uow, free, mail_id, actor=who)

    def take_over(self) -> None:
        """Letters of a paper book, of this month and of earlier years."""
        with self.services.reading() as session:
            has_book = session.scalars(select(Register.id).where(Register.code == "PAPIER")).first() is not None
        if not has_book:
            packed_kit.with_book(self.services)
        lines: list[dict[str, Any]] = []
        for n in (next(self._next) for _ in range(self.chance.choice([1, 2, 3]))):
            # An archive has no day of the future, by the clock of the machine.
            day = min(self.today, NOW.date()) - timedelta(days=self.chance.choice([0, 1, 3, 20, 400]))
            came = {"received_on": str(day - timedelta(days=1))} if self.chance.random() < 0.5 else {}
            out = {"direction": "outgoing", "addressee": "Préfet"} if self.chance.random() < 0.3 else came
            lines.append(
                {"id": n, "number": f"{n}/SG", "registered_on": str(day), "subject": f"Vieux {n}", **out,
                 "unit": self.chance.choice(["", *UNITS]), "confidentiality": self.chance.choice(["", "restricted"])}
            )  # fmt: skip
        packed_kit.run(self.services, *lines)
        with self.services.reading() as session:
            taken = session.scalars(
                select(Mail.id).where(Mail.direction == Direction.INCOMING).order_by(Mail.id.desc()).limit(1)
            )
            self.mails += taken.all()

    def scan(self) -> None:
        """Pages come from a station; of some a document is made, and joined to a letter, and read."""
        mail_id = self.any_mail()
        desk = unit_id(self.services, self.chance.choice(UNITS))
        state = self.chance.choice([ScanState.WAITING, ScanState.DISCARDED, ScanState.JOINED, ScanState.JOINED])
        with self.services.unit_of_work(self.now) as uow:
            batch = ScanBatch(
                key=f"lot{next(self._next)}", unit_id=desk, source=BatchSource.UPLOAD, created_at=self.now
            )
            uow.session.add(batch)
            uow.session.flush()
            for page in range(self.chance.choice([1, 2, 3])):
                uow.session.add(
                    ScanPage(
                        batch_id=batch.id, token=f"{batch.key}-{page}", digest="0" * 64, media_type="image/png",
                        size_bytes=1, received_at=self.now,
                    )
                )  # fmt: skip
            uow.record("scan.page_received", "scan_batch", batch.id, actor=SYSTEM)
            joined = mail_id if state is ScanState.JOINED else None
            made = Scan(batch_id=batch.id, unit_id=desk, state=state, created_at=self.now, mail_id=joined)
            uow.session.add(made)
            uow.session.flush()
            uow.record("scan.joined", "scan", made.id, actor=SYSTEM)
            if joined is not None:
                made.attachment_id = self._read(uow, joined)
                uow.record("attachment.read", "mail", joined, actor=SYSTEM)

    def _read(self, uow: UnitOfWork, mail_id: int) -> int:
        row = Attachment(
            mail_id=mail_id, kind=AttachmentKind.ANNEX, media_type="image/png", page_count=1, added_at=uow.now
        )
        uow.session.add(row)
        uow.session.flush()
        text, confidence = self.chance.choice([("des mots", 92.4), ("mot", 40.0), ("", 0.0)])
        flags = [] if confidence > 60 else ["low_confidence"]
        uow.session.add(
            PageText(
                attachment_id=row.id, page_no=1, text=text, words=[], confidence=confidence, flags=flags,
                read_at=uow.now,
            )
        )  # fmt: skip
        return row.id

    def close_day(self) -> None:
        closing.close_days(self.services, self.register_id, self.today - timedelta(days=1), now=self.now)

    def change_holiday(self) -> None:
        day = self.today + timedelta(days=self.chance.randrange(-8, 15))
        with self.services.unit_of_work(self.now) as uow:
            calendar_changes.set_holiday(
                uow, day, name=f"Fête {next(self._next)}", is_off=self.chance.random() < 0.6,
                actor=actor(self.services, "admin"),
            )  # fmt: skip

    def reorganise(self) -> None:
        """A unit gets another name or another place; one is made, and closed again with the letters that it was given."""
        code = f"U{next(self._next)}"
        way = self.chance.choice(["rename", "move", "move", "make", "close"])
        if way == "close" and self.made_units:
            code = self.made_units.pop(0)
        steps: dict[str, Wanted] = {
            "rename": lambda org: wanted.changed_unit(org, "DGE", name=f"Direction {code}", kind="service"),
            "move": lambda org: wanted.moved_unit(org, "ETU", below=self.chance.choice(UNITS)),
            "make": lambda org: wanted.new_unit(
                org, code=code, name=f"Service {code}", kind="service", below="DAF", is_entity=False
            ),
            "close": lambda org: wanted.closed_unit(org, code, successor="DAF", keeps_posts=True),
        }
        do(self.services, steps[way], now=self.now)
        if way == "make":
            self.made_units.append(code)

    def arrive(self) -> None:
        """A ministry comes from another installation, once, with letters on which its people had acted: the journal here has no entries of these acts."""
        if arriving_kit.letters(self.services):
            raise IndexError
        with TemporaryDirectory() as folder:
            entity, key = arriving_kit.leaving(Path(folder) / "source")
            take_in(self.services, entity, key, now=self.now)

    def act_with_who_arrived(self) -> None:
        """One of those who came registers a letter, or acts on one: on one that came, or that was registered since."""
        came = arriving_kit.letters(self.services)
        chosen = self.chance.choice((None, *arriving_kit.ACTS, *arriving_kit.ACTS))
        if chosen is None and came:
            arriving_kit.register(self.services, self.now)
        elif chosen is not None:
            chosen(self.services, self.chance.choice(came), self.now)
        else:
            raise IndexError

    def count(self) -> None:
        figures.run(self.services, now=self.now)


ACTS = ("register", "register", "impute", "impute", "impute", "assign", "assign", "finish", "finish", "give_back", "close", "reopen",
        "void", "redate", "undo", "raise_level", "draft", "number", "sign", "leave", "leave", "close_written", "reopen_written")  # fmt: skip
WITH_SLIPS = (*ACTS, "hand", "hand", "acknowledge", "take_slip_back")
"""A slip is typeset and signed: it costs as much as thirty other acts."""
RARE = ("rectify_due", "rectify_nature", "lower_level", "number_twice", "find_lost_number", "take_over", "scan", "close_day",
        "change_holiday", "reorganise",
        "arrive", "act_with_who_arrived", "act_with_who_arrived")  # fmt: skip
ALL_KINDS = (*WITH_SLIPS, *RARE)


def without_sums(services: Services, oldest_program: str) -> None:
    """The figures as an upgrade finds them."""
    with services.unit_of_work(NOW) as uow:
        for model in sums.MODELS:
            of_sums = model.grain.in_([*SUMS, *NATURES, *ALL])  # type: ignore[attr-defined]
            uow.session.execute(delete(model).where(of_sums))
        uow.session.execute(update(FigureKey).values(sum_id=None, natures_id=None, all_id=None))
        uow.session.execute(delete(FigureKey).where(FigureKey.register_id <= NO_REGISTER))
        uow.session.get_one(FigureState, STATE).sums_whole = False
        schema.keep(uow.session.connection(), oldest_program)
