"""A signature book signed in one act. Failed letters are listed, and signed when the batch is sent again; none is
signed twice."""

from typing import TypeVar

from sqlalchemy import func, inspect, select

from ged import access
from ged.access import Because
from ged.db import Base
from ged.errors import EngineFailed
from ged.ports import MailId, Principal
from ged.register.models import Mail, MailNumber, Register
from ged.register.states import MailState
from ged.signbook import drafts, operations
from ged.signbook.models import CircuitAct, CircuitEntry, Draft, DraftVersion, SignedRevision
from ged.signbook.operations import ToSign
from tests.factories import NOW
from tests.signbook_kit import House, house

__all__ = ["house"]
LETTERS, FAILING = 30, 4
Row = TypeVar("Row", bound=Base)


def numbers(house: House) -> list[int]:
    with house.services.reading() as session:
        query = select(MailNumber.sequence).join(Register).where(Register.code == "DEP").order_by(MailNumber.sequence)
        return list(session.scalars(query))


def copies(house: House, mail_id: int, count: int) -> list[ToSign]:
    """A letter that waits for the signature, and copies of it. They are written as rows: only the signing is tested."""
    made = [ToSign(MailId(mail_id), 2)]
    with house.services.unit_of_work(NOW) as uow:
        for _ in range(count - 1):
            mail = copied(uow.session.get_one(Mail, mail_id), id=None)
            uow.session.add(mail)
            uow.session.flush()
            uow.session.add(copied(uow.session.get_one(Draft, mail_id), mail_id=mail.id))
            uow.session.flush()
            uow.session.add(copied(uow.session.get_one(DraftVersion, (mail_id, 2)), mail_id=mail.id))
            principals = [Principal(p) for p in access.principals_of(uow.session, mail_id)]
            access.grant(uow, mail.id, principals, Because.SHARED)
            made.append(ToSign(MailId(mail.id), 2))
    return made


def copied(row: Row, **changes: object) -> Row:
    values = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
    return type(row)(**{**values, **changes})


def bare(house: House) -> int:
    """A letter whose circuit consists of the signatory alone."""
    mail_id = house.answer()
    with house.services.unit_of_work(NOW) as uow:
        version = house.show(mail_id, "dge").version
        drafts.set_circuit(uow, mail_id, [], house.post("SG-T"), version=version, actor=house.who("dge"))
    house.submit(mail_id)
    return mail_id


def test_thirty_letters_of_which_some_fail_are_sent_again_as_they_are(house: House) -> None:
    letters = copies(house, bare(house), LETTERS)
    changed = letters[-1].mail_id
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, changed, reason="Non", version_no=2, actor=house.who("sg"))
    house.signer.failures = [EngineFailed("sign.failed") for _ in range(FAILING)]
    key, sg = house.key("sg"), house.who("sg")

    first = operations.sign_many(house.services, letters, key=key, actor=sg, now=NOW)
    codes = [result.failure.code if result.failure is not None else "" for result in first]
    assert codes == ["sign.failed"] * FAILING + [""] * (LETTERS - FAILING - 1) + ["mail.wrong_state"]
    assert numbers(house) == list(range(1, LETTERS)), "what was sent back takes no number"
    kept = {result.mail_id: house.show(result.mail_id, "sg").number for result in first[:FAILING]}

    again = operations.sign_many(house.services, letters, key=key, actor=sg, now=NOW)
    assert {result.mail_id: result.number for result in again[:FAILING]} == kept
    assert all(result.failure is None for result in again[:FAILING])
    assert {result.failure.code for result in again[FAILING:] if result.failure} == {"mail.wrong_state"}
    assert house.signer.signed == LETTERS - 1
    assert numbers(house) == list(range(1, LETTERS))
    assert house.show(changed, "dge").state is MailState.DRAFT
    with house.services.reading() as session:
        revisions = session.execute(select(SignedRevision.mail_id, func.count()).group_by(SignedRevision.mail_id)).all()
        acts = session.scalars(select(CircuitEntry.mail_id).where(CircuitEntry.act == CircuitAct.SIGN)).all()
    assert [count for _, count in revisions] == [1] * (LETTERS - 1)
    assert len(acts) == len(set(acts)) == LETTERS - 1
