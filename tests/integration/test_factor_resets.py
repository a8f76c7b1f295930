"""The reset of a second step: one asks, another confirms within a day; the operator's way at the machine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from ged import jobs, pipeline
from ged.entry import resets
from ged.entry.models import FactorReset, Passkey, RecoveryCode, TotpSecret
from ged.errors import Forbidden, Invalid, NotFound
from ged.jobs import JobKind
from ged.org.models import Holding, OpenSession, Person
from ged.typography import plain
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.second_step_kit import arm, armed, id_of, journal
from tests.site import PASSWORD, make_site, post, sign_in
from web.commands.organisation import reset_second_step_of

Site = tuple[Flask, Services]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app, services = make_site(tmp_path)
    arm(services, "agent", NOW)
    yield app, services
    services.engine.dispose()


def ask(services: Services, account: str = "agent", *, by: str = "admin", at: datetime = NOW) -> int:
    with services.unit_of_work(at) as uow:
        resets.ask(uow, id_of(services, account), "téléphone volé", actor=actor(services, by))
        return uow.session.scalars(select(FactorReset.id).order_by(FactorReset.id.desc())).first() or 0


def settle(services: Services, reset: int, who: str, *, refuses: bool = False, at: datetime = NOW) -> None:
    with services.unit_of_work(at) as uow:
        (resets.refuse if refuses else resets.confirm)(uow, reset, actor=actor(services, who))


def actions(services: Services) -> list[str]:
    return [action for action, _ in journal(services, "second_step.reset")]


def test_one_asks_and_another_confirms(site: Site) -> None:
    app, services = site
    reset = ask(services)
    assert armed(services, "agent"), "asking alone changes nothing"
    settle(services, reset, "sg")
    with services.reading() as session:
        rows = [session.scalars(select(model)).all() for model in (TotpSecret, RecoveryCode, Passkey)]
    assert rows == [[], [], []]
    assert actions(services) == ["second_step.reset_asked", "second_step.reset"]
    client = sign_in(app, "agent")
    assert "Votre vérification en deux étapes est réinitialisée" in client.get("/avis/").text
    assert client.get("/recherche/").status_code == 200, "the password stays"


def test_sessions_end_at_the_reset(site: Site) -> None:
    _app, services = site
    agent = id_of(services, "agent")
    with services.unit_of_work(NOW) as uow:
        epoch = uow.session.get_one(Person, agent).session_epoch
        uow.session.add(
            OpenSession(
                token_hash="x",
                person_id=agent,
                epoch=epoch,
                opened_at=NOW,
                seen_at=NOW,
                proved_at=NOW,
                address="",
                device="",
            )
        )
    settle(services, ask(services), "sg")
    with services.reading() as session:
        assert session.get_one(Person, agent).session_epoch > epoch


@pytest.mark.parametrize(
    ("who", "code"),
    [("admin", "second_step.not_second"), ("agent", "second_step.not_second")]
    + [(stranger, "second_step.reset_unknown") for stranger in ("etudes", "daf", "secretaire")],
)
def test_neither_who_asked_nor_the_person_nor_a_stranger_decides(site: Site, who: str, code: str) -> None:
    _app, services = site
    reset = ask(services)
    for refuses in (False, True):
        with pytest.raises((Forbidden, NotFound), match=code):
            settle(services, reset, who, refuses=refuses)
    assert armed(services, "agent")


def test_nobody_asks_for_their_own(site: Site) -> None:
    _app, services = site
    arm(services, "admin", NOW)
    with pytest.raises(Forbidden, match=r"second_step\.own_reset"):
        ask(services, "admin")
    with pytest.raises(NotFound, match=r"person\.unknown"), services.unit_of_work(NOW) as uow:
        resets.ask(uow, 999, "x", actor=actor(services, "admin"))
    with pytest.raises(Invalid, match=r"second_step\.nothing"):
        ask(services, "dge")


def test_a_reset_lapses_after_a_day_and_the_journal_says_so(site: Site) -> None:
    _app, services = site
    reset = ask(services)
    late = NOW + timedelta(hours=24)
    with pytest.raises(Invalid, match=r"second_step\.reset_settled"):
        settle(services, reset, "sg", at=late)
    for _ in range(2):
        with services.unit_of_work(late) as uow:
            resets.lapse_due(uow)
    assert actions(services) == ["second_step.reset_asked", "second_step.reset_lapsed"]
    assert armed(services, "agent")


def test_asked_anew_the_earlier_lapses(site: Site) -> None:
    _app, services = site
    first, second = ask(services), ask(services)
    with pytest.raises(Invalid, match=r"second_step\.reset_settled"):
        settle(services, first, "sg")
    settle(services, second, "sg")
    assert actions(services) == [
        "second_step.reset_asked", "second_step.reset_lapsed", "second_step.reset_asked", "second_step.reset",
    ]  # fmt: skip


def test_a_refusal_is_told_to_who_asked_and_to_the_person(site: Site) -> None:
    app, services = site
    settle(services, ask(services), "sg", refuses=True)
    assert armed(services, "agent")
    assert "est refusée" in sign_in(app, "admin").get("/avis/").text
    with services.reading() as session:
        assert session.scalars(select(FactorReset.refused_at)).one() is not None
    assert actions(services)[-1] == "second_step.reset_refused"


def test_where_nobody_can_confirm_the_operator_is_named(site: Site) -> None:
    _app, services = site
    with services.unit_of_work(NOW) as uow:
        keep = [id_of(services, one) for one in ("agent", "admin")]
        uow.session.execute(update(Person).where(Person.id.not_in(keep)).values(is_active=False))
        uow.session.execute(update(Holding).where(Holding.person_id.not_in(keep)).values(until_on=TODAY))
    with pytest.raises(Invalid, match=r"second_step\.no_second"):
        ask(services)


def test_the_operator_resets_at_the_machine(site: Site) -> None:
    app, services = site
    reset_second_step_of(services, "agent", now=NOW)
    assert not armed(services, "agent")
    assert journal(services, "second_step.reset") == [("second_step.reset", {"at_machine": True})]
    assert sign_in(app, "agent").get("/recherche/").status_code == 200
    with pytest.raises(Invalid, match=r"second_step\.nothing"):
        reset_second_step_of(services, "agent", now=NOW)


def test_the_person_is_told_by_e_mail_too(site: Site) -> None:
    _app, services = site
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "agent").values(email="agent@example.tg"))
    settle(services, ask(services), "sg")
    with services.reading() as session:
        waiting = jobs.due(session, now=NOW, kinds=(JobKind.NOTICE_MAIL,), limit=10)
    for one in waiting:
        pipeline.run_job(services, one, worker="test")
    sent = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in Path(services.data_dir, "outbox").glob("*")
    ]
    bodies = [body.get_content() for one in sent if one["To"] == "agent@example.tg" and (body := one.get_body())]
    assert any("est réinitialisée" in plain(body) for body in bodies), bodies


def test_the_pages_ask_for_a_recent_password_and_lead_the_second_person(site: Site) -> None:
    app, services = site
    agent = id_of(services, "agent")
    admin = sign_in(app, "admin")
    page = admin.get(f"/administration/personnes/{agent}").text
    assert "Demander la réinitialisation" in page
    assert "Demander la réinitialisation" not in admin.get(f"/administration/personnes/{id_of(services, 'dge')}").text
    answer = post(admin, f"/verifications/personnes/{agent}", {"reason": ""})
    assert answer.status_code == 422, "a reason is needed"
    answer = post(admin, f"/verifications/personnes/{agent}", {"reason": "\u200f\u200b"})
    assert answer.status_code == 422, "and one that is read: signs that nobody sees are none"
    long = "Téléphone et clé volés à Lomé. " * 10
    answer = post(admin, f"/verifications/personnes/{agent}", {"reason": long})
    assert answer.status_code == 422
    assert f'value="{long.strip()}' in answer.text, "what was typed comes back"
    assert post(admin, f"/verifications/personnes/{agent}", {"reason": "téléphone volé"}).location == "/verifications/"
    assert post(sign_in(app, "dge"), f"/verifications/personnes/{agent}", {"reason": "x"}).status_code == 403
    shown = admin.get("/verifications/").text
    assert "téléphone volé" in shown
    assert "Confirmer</button>" not in shown
    second = sign_in(app, "sg")
    assert "attend votre accord" in second.get("/avis/").text
    assert "Confirmer" in second.get("/verifications/").text
    assert "téléphone volé" not in sign_in(app, "dge").get("/verifications/").text
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(OpenSession).values(proved_at=datetime.now(UTC) - timedelta(hours=1)))
        (reset,) = uow.session.scalars(select(FactorReset.id)).all()
    asked = post(second, f"/verifications/{reset}/confirmer", {})
    assert asked.location.startswith("/mon-compte/confirmer")
    assert armed(services, "agent")
    post(second, "/mon-compte/confirmer", {"current_password": PASSWORD})
    assert post(second, f"/verifications/{reset}/confirmer", {}).location == "/verifications/"
    assert not armed(services, "agent")
    again = post(second, f"/verifications/{reset}/confirmer", {})
    assert "n'attend plus" in second.get(again.location).text
