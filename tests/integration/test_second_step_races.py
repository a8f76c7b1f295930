"""Of two uses of one code, or two decisions on one reset, at one moment, one wins: on both databases."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged.entry import recovery, resets, second, totp
from ged.entry.models import FactorReset, RecoveryCode, TotpSecret
from ged.errors import GedError
from ged.org.models import Person
from ged.unit import Services
from tests.factories import NOW, actor, make_organisation, make_services
from tests.second_step_kit import ELSEWHERE, arm, armed, code, half, journal
from tests.together_kit import together

SETTLED = {"second_step.reset_settled"}


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(password_hash="x"))
    yield made
    made.engine.dispose()


def _refusals(results: list[object]) -> list[str]:
    return [one.code for one in results if isinstance(one, GedError)]


def test_one_code_at_one_moment_opens_once(services: Services) -> None:
    arm(services, "agent", NOW)
    typed = code(services, "agent", NOW)
    steps = [half(services, "agent", NOW) for _ in range(3)]

    def by(step: str) -> Callable[[], object]:
        return lambda: second.by_totp(services, step, typed, caller=ELSEWHERE, now=NOW)

    assert _refusals(together(*(by(step) for step in steps))) == ["second_step.code_wrong"] * 2
    assert [action for action, _ in journal(services, "session.opened")] == ["session.opened"]


def test_one_recovery_code_at_one_moment_opens_once(services: Services) -> None:
    made = arm(services, "agent", NOW)
    steps = [half(services, "agent", NOW) for _ in range(3)]

    def by(step: str) -> Callable[[], object]:
        return lambda: second.by_recovery_code(services, step, made[0], caller=ELSEWHERE, now=NOW)

    assert _refusals(together(*(by(step) for step in steps))) == ["second_step.recovery_wrong"] * 2
    with services.reading() as session:
        assert len(session.scalars(select(RecoveryCode).where(RecoveryCode.used_at.is_not(None))).all()) == 1


def test_one_step_with_two_right_codes_at_one_moment_opens_once(services: Services) -> None:
    made = arm(services, "agent", NOW)
    step, typed = half(services, "agent", NOW), code(services, "agent", NOW)
    results = together(
        lambda: second.by_totp(services, step, typed, caller=ELSEWHERE, now=NOW),
        lambda: second.by_recovery_code(services, step, made[0], caller=ELSEWHERE, now=NOW),
    )
    assert _refusals(results) == ["second_step.over"]


def test_many_guesses_at_one_moment_have_no_more_room_than_one_after_the_other(services: Services) -> None:
    arm(services, "agent", NOW)
    steps = [half(services, "agent", NOW) for _ in range(8)]

    def by(step: str) -> Callable[[], object]:
        return lambda: second.by_totp(services, step, "12", caller=ELSEWHERE, now=NOW)

    refused = _refusals(together(*(by(step) for step in steps)))
    assert sorted(refused) == ["second_step.code_wrong"] * 5 + ["session.throttled"] * 3


def test_two_arm_one_waiting_secret_at_one_moment(services: Services) -> None:
    who = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        totp.begin(uow, actor=who)
    typed = code(services, "agent", NOW)

    def one() -> object:
        with services.unit_of_work(NOW) as uow:
            return totp.arm(uow, typed, actor=who)

    assert _refusals(together(one, one)) == ["second_step.over"]
    with services.reading() as session:
        assert len(session.scalars(select(TotpSecret)).all()) == 1
        assert len(session.scalars(select(RecoveryCode)).all()) == 10


def test_new_recovery_codes_from_two_windows_leave_ten(services: Services) -> None:
    arm(services, "agent", NOW)
    who = actor(services, "agent")

    def renew() -> object:
        with services.unit_of_work(NOW) as uow:
            return recovery.renew_own(uow, actor=who)

    results = together(renew, renew)
    assert _refusals(results) == []
    with services.reading() as session:
        assert len(session.scalars(select(RecoveryCode)).all()) == 10


def _asked(services: Services) -> int:
    arm(services, "agent", NOW - timedelta(hours=1))
    with services.unit_of_work(NOW) as uow:
        agent = uow.session.scalars(select(Person.id).where(Person.account == "agent")).one()
        resets.ask(uow, agent, "téléphone perdu", actor=actor(services, "admin"))
    with services.reading() as session:
        return session.scalars(select(FactorReset.id)).one()


def test_a_reset_is_decided_once(services: Services) -> None:
    reset = _asked(services)
    sg = actor(services, "sg")

    def settle(how: Callable[..., None]) -> Callable[[], object]:
        def act() -> None:
            with services.unit_of_work(NOW) as uow:
                how(uow, reset, actor=sg)

        return act

    results = together(settle(resets.confirm), settle(resets.confirm), settle(resets.refuse))
    assert _refusals(results) == [*SETTLED] * 2
    actions = [action for action, _ in journal(services, "second_step.reset")]
    assert len(actions) == 2, actions
    assert armed(services, "agent") is (actions[1] == "second_step.reset_refused")


def test_a_code_and_the_reset_at_one_moment(services: Services) -> None:
    reset, sg = _asked(services), actor(services, "sg")
    step, typed = half(services, "agent", NOW), code(services, "agent", NOW)

    def confirm() -> None:
        with services.unit_of_work(NOW) as uow:
            resets.confirm(uow, reset, actor=sg)

    together(lambda: second.by_totp(services, step, typed, caller=ELSEWHERE, now=NOW), confirm)
    assert not armed(services, "agent")
    with services.reading() as session:
        assert session.scalars(select(TotpSecret)).all() == []
