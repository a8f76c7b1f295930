"""Helpers for the tests of slips: a registered letter, an opened key, a slip sent and received."""

from datetime import datetime

from sqlalchemy import select

from ged.org import keys
from ged.org.models import Post, Unit
from ged.ports import Confidentiality, MailId, PostId, RegisterId, UnitId, UnlockedKey
from ged.register.models import Channel, Register
from ged.register.operations import IncomingForm, register_incoming
from ged.slips import operations, receive
from ged.slips.drafting import LineForm, SlipForm
from ged.slips.models import Slip, SlipPurpose
from ged.slips.operations import Issued
from ged.slips.receive import Decision
from ged.slips.states import LineState
from ged.unit import Services
from tests.factories import NOW, PASSPHRASE, actor


def unit_id(services: Services, code: str) -> UnitId:
    """The id of the unit with this code."""
    with services.reading() as session:
        return UnitId(session.scalars(select(Unit.id).where(Unit.code == code)).one())


def register_id(services: Services, code: str) -> RegisterId:
    """The id of the register with this code."""
    with services.reading() as session:
        return RegisterId(session.scalars(select(Register.id).where(Register.code == code)).one())


def opened_key(services: Services, account: str, *, now: datetime = NOW) -> UnlockedKey:
    """Issue a key to the person of the account, and open it."""
    person = actor(services, account).person_id
    with services.unit_of_work(now) as uow:
        stored = keys.issue_key(uow, person, passphrase=PASSPHRASE, actor=actor(services, account))
    return services.vault.unlock(stored, PASSPHRASE, now=now)


def letter(
    services: Services,
    subject: str = "Demande d'autorisation",
    *,
    level: Confidentiality = Confidentiality.ORDINARY,
    channel: Channel = Channel.HAND,
    now: datetime = NOW,
) -> MailId:
    """Register an incoming letter for the secretary general. Returns its id."""
    with services.reading() as session:
        authority = PostId(session.scalars(select(Post.id).where(Post.code == "SG-T")).one())
    form = IncomingForm(subject=subject, sender_name="CEET", addressed_post_id=authority, level=level, channel=channel)
    with services.unit_of_work(now) as uow:
        registered = register_incoming(uow, register_id(services, "ARR"), form, actor=actor(services, "agent"), now=now)
    return registered.mail_id


def form(services: Services, *lines: LineForm, to: tuple[str, ...] = ("DGE",), **more: object) -> SlipForm:
    """The form of a slip with these lines for the units ``to``; ``more`` replaces its other fields."""
    return SlipForm(
        lines=lines,
        receiver_unit_ids=tuple(unit_id(services, code) for code in to),
        **{"purpose": SlipPurpose.HANDOVER, **more},
    )


def send(services: Services, *lines: LineForm, sender: str = "agent", now: datetime = NOW, **more: object) -> Issued:
    """Issue one slip, signed by its sender."""
    made = operations.issue(
        services,
        form(services, *lines, **more),
        key=opened_key(services, sender, now=now),
        actor=actor(services, sender),
        now=now,
    )
    assert [one.failure for one in made] == [None] * len(made)
    return made[0]


def take(
    services: Services, slip_id: int, *states: LineState, receiver: str = "dge", remark: str = "Coin plié", now=NOW
) -> None:
    """Receive a slip: one state for each line, in the order of the lines."""
    decisions = {
        n: Decision(state, "" if state is LineState.RECEIVED else remark) for n, state in enumerate(states, start=1)
    }
    receive.receive(
        services,
        slip_id,
        decisions,
        key=opened_key(services, receiver, now=now),
        actor=actor(services, receiver),
        now=now,
    )


def slip(services: Services, slip_id: int) -> Slip:
    """The stored slip."""
    with services.reading() as session:
        return session.get_one(Slip, slip_id)


def stored_pdf(services: Services, slip_id: int) -> bytes:
    """The bytes of the slip's last revision."""
    with services.blobs.open(slip(services, slip_id).revisions[-1].digest) as blob:
        return blob.read()
