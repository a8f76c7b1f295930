"""Two people act at once, on both databases: one number, one signature, one dispatch; and the findings of ``ged
verify``."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select

from ged.audit import AuditEntry
from ged.dispatch import operations as dispatch
from ged.dispatch.models import DispatchLine
from ged.dispatch.operations import Departure
from ged.ports import Digest
from ged.register.models import Channel, MailNumber
from ged.register.states import MailState
from ged.signbook import operations
from ged.signbook.models import SignedRevision
from ged.signbook.operations import ToSign
from ged.verify import verify
from tests.factories import NOW
from tests.signbook_kit import House
from tests.signbook_kit import house_on_either as house
from tests.together_kit import together

__all__ = ["house"]  # a fixture


def test_one_letter_signed_from_two_windows_is_signed_once(house: House) -> None:
    mail_id, key, sg = house.ready(), house.key("sg"), house.who("sg")

    def sign() -> object:
        return operations.sign_many(house.services, [ToSign(mail_id, 2)], key=key, actor=sg, now=NOW)[0]

    results = together(sign, sign)
    failures = [result.failure for result in results if isinstance(result, operations.SignResult)]
    assert sum(failure is None for failure in failures) == 1, failures
    with house.services.reading() as session:
        assert len(session.scalars(select(MailNumber).where(MailNumber.mail_id == mail_id)).all()) == 1
        assert len(session.scalars(select(SignedRevision)).all()) == 1
        assert session.scalar(select(func.count(DispatchLine.id))) == 2


def test_two_last_lines_that_leave_at_once_dispatch_the_letter_once(house: House) -> None:
    mail_id, agent = house.ready(), house.who("agent")
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None
    with house.services.reading() as session:
        lines = session.scalars(select(DispatchLine.id).order_by(DispatchLine.id)).all()

    def leave(line_id: int) -> Callable[[], object]:
        def act() -> None:
            with house.services.unit_of_work(NOW) as uow:
                dispatch.leave(uow, line_id, Departure(Channel.POST), version=1, actor=agent)

        return act

    assert together(*(leave(line_id) for line_id in lines)) == [None, None]
    row = house.show(mail_id, "dge")
    assert row.state is MailState.DISPATCHED
    with house.services.reading() as session:
        for action, subject in (("mail.dispatched", mail_id), ("mail.answered", row.answers_id)):
            counted = select(func.count(AuditEntry.sequence)).where(
                AuditEntry.action == action, AuditEntry.subject_id == subject
            )
            assert session.scalar(counted) == 1, action


def test_two_visas_at_once_from_one_post_are_one(house: House) -> None:
    mail_id, daf = house.answer(), house.who("daf")
    house.submit(mail_id)

    def visa() -> None:
        with house.services.unit_of_work(NOW) as uow:
            operations.visa(uow, mail_id, version_no=2, actor=daf)

    answers = together(visa, visa)
    assert sorted(getattr(answer, "code", "") for answer in answers) == ["", "circuit.not_your_turn"]
    assert [step.state for step in house.show(mail_id, "dge").steps] == ["done", "now", "later"]


def test_verify_proves_the_letter_and_names_it_when_its_bytes_change(house: House) -> None:
    mail_id = house.ready()
    house.sign(mail_id, key=house.key("sg"))
    report = verify(house.services, now=NOW)
    assert (report.problems, report.signatures, report.numbers_without_gap) == ((), 1, True)
    with house.services.reading() as session:
        digest = Digest(session.scalars(select(SignedRevision.digest)).one())
    (stored,) = [
        path
        for path in Path(house.services.data_dir).glob("blobs/**/*")
        if digest[8:] in path.name or path.name == digest
    ]
    content = bytearray(stored.read_bytes())
    content[len(content) // 3] ^= 1
    stored.chmod(0o600)
    stored.write_bytes(bytes(content))
    problems = verify(house.services, now=NOW).problems
    assert any(problem.code == "blob.altered" and digest in problem.where for problem in problems)
    assert any(problem.code.startswith("signature.") and f"letter {mail_id} " in problem.where for problem in problems)
