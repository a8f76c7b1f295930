"""The second step of signing in, page by page: after the password nothing opens but the second step; codes count once; whoever must
have a second step arms it first."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ged.entry import second
from ged.entry.models import SignInStep, TotpSecret
from ged.errors import Invalid
from ged.notices.models import PersonalNotice
from ged.org import accounts, sessions
from ged.org.models import OpenSession, Person
from ged.org.throttle import Unwritten
from ged.ports import PersonId
from ged.unit import SYSTEM, Role, Services
from tests.factories import make_services
from tests.second_step_kit import ELSEWHERE, arm, armed, code, half, id_of, journal
from tests.site import PASSWORD, Clock, filled_site, open_site, post, sign_in
from web.site import context, guard
from web.site.auth import OPEN_WHILE_UNARMED

__all__ = ["filled_site"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

STEP = "/connexion/etape-2"
OWN = "/mon-compte/verification/"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(context, "datetime", made)
    return made


class Place:
    """A site whose clock the test moves."""

    def __init__(self, app: Flask, services: Services, clock: Clock) -> None:
        self.app, self.services, self.clock = app, services, clock

    def first_step(self, account: str = "agent", client: FlaskClient | None = None) -> FlaskClient:
        client = client or self.app.test_client()
        answer = post(client, "/connexion", {"account": account, "password": PASSWORD, "next": "/recherche/"})
        assert answer.location == f"{STEP}?next=/recherche/", answer.location
        return client

    def code(self, steps: int = 0, account: str = "agent") -> str:
        return code(self.services, account, self.clock.at, steps)

    def later(self, seconds: int = 30) -> None:
        self.clock.at += timedelta(seconds=seconds)

    def is_in(self, client: FlaskClient) -> bool:
        return client.get("/recherche/").status_code == 200


@pytest.fixture
def place(filled_site: Path, tmp_path: Path, clock: Clock) -> Iterator[Place]:
    shutil.copytree(filled_site, tmp_path, dirs_exist_ok=True)
    services = make_services(tmp_path, create=False)
    yield Place(open_site(tmp_path, services), services, clock)
    services.engine.dispose()


@pytest.fixture
def strict(filled_site: Path, tmp_path: Path, clock: Clock) -> Iterator[Place]:
    """A site on which clerks must have a second step."""
    shutil.copytree(filled_site, tmp_path, dirs_exist_ok=True)
    services = replace(make_services(tmp_path, create=False), second_factor_roles=frozenset({Role.CLERK}))
    yield Place(open_site(tmp_path, services), services, clock)
    services.engine.dispose()


# --- arming ---


def test_a_telephone_counts_after_its_first_right_code_alone(place: Place) -> None:
    client = sign_in(place.app, "agent")
    refused = post(client, f"{OWN}telephone", {"current_password": "faux"})
    assert (refused.status_code, "Le mot de passe actuel est inexact" in refused.text) == (422, True)
    post(client, f"{OWN}telephone", {"current_password": PASSWORD})
    shown = client.get(f"{OWN}telephone")
    assert "<svg" in shown.text
    assert "otpauth" not in shown.text
    assert post(client, f"{OWN}telephone/armer", {"code": place.code(5)}).status_code == 422
    assert not armed(place.services, "agent")
    told = post(client, f"{OWN}telephone/armer", {"code": place.code(1)})
    assert len(re.findall(r"<code data-code>", told.text)) == 10
    assert "avance d'environ" in told.text
    assert armed(place.services, "agent")
    assert client.get(f"{OWN}telephone").status_code == 303, "shown no more"
    assert [action for action, _ in journal(place.services)] == ["second_step.armed", "second_step.codes_made"]
    assert "Il vous reste 10 codes" in client.get(OWN).text


def test_the_drift_of_a_telephone_that_is_far_off_is_told(place: Place) -> None:
    client = sign_in(place.app, "agent")
    post(client, f"{OWN}telephone", {"current_password": PASSWORD})
    late = post(client, f"{OWN}telephone/armer", {"code": place.code(-8)})
    assert "retarde d'environ 4 min" in late.text
    assert "avance d'environ 4 min" in post(client, f"{OWN}telephone/armer", {"code": place.code(8)}).text
    place.later(31 * 60)
    answer = post(client, f"{OWN}telephone/armer", {"code": place.code()})
    assert (answer.status_code, answer.location) == (303, OWN), "a secret waits for half an hour"
    assert not armed(place.services, "agent")


def test_the_first_factor_ends_sessions_that_the_password_alone_had_opened(place: Place) -> None:
    other, client = sign_in(place.app, "agent"), sign_in(place.app, "agent")
    post(client, f"{OWN}telephone", {"current_password": PASSWORD})
    with client.session_transaction() as cookie:
        before = cookie["sid"]
    post(client, f"{OWN}telephone/armer", {"code": place.code()})
    with client.session_transaction() as cookie:
        assert cookie["sid"] != before
    assert place.is_in(client)
    assert not place.is_in(other)


def test_the_codes_are_printed_from_the_page_that_shows_them_and_from_nothing_else(place: Place) -> None:
    made = arm(place.services, "agent", place.clock.at - timedelta(minutes=1))
    client = _through(place)
    answer = post(client, f"{OWN}codes/feuille", {"code": list(made)})
    assert answer.mimetype == "application/pdf"
    page = pypdfium2.PdfDocument(BytesIO(answer.data))[0]
    text = page.get_textpage().get_text_range()
    assert all(one in text for one in made)
    assert [one for one in ("CODES DE SECOURS", "agent", "enveloppe") if one not in text] == []
    foreign = post(client, f"{OWN}codes/feuille", {"code": ["AAAA-BBBB-CCCC-DDDD"]})
    assert (foreign.status_code, foreign.mimetype) == (422, "text/html")
    renewed = post(client, f"{OWN}codes", {"current_password": PASSWORD})
    assert len(re.findall(r"<code data-code>", renewed.text)) == 10
    assert post(client, f"{OWN}codes/feuille", {"code": list(made)}).status_code == 422, "void"


# --- signing in ---


def _through(place: Place, account: str = "agent", client: FlaskClient | None = None) -> FlaskClient:
    client = place.first_step(account, client)
    answer = post(client, STEP, {"code": place.code(account=account), "next": "/recherche/"})
    assert answer.location == "/recherche/", answer.text
    place.later()
    return client


def test_after_the_password_alone_nothing_opens(place: Place) -> None:
    arm(place.services, "agent", place.clock.at)
    client = place.first_step()
    with client.session_transaction() as cookie:
        assert "sid" not in cookie
    for rule in place.app.url_map.iter_rules():
        if guard.ACCESS[rule.endpoint] is guard.SIGNED_IN and not rule.arguments and "GET" in (rule.methods or ()):
            answer = client.get(rule.rule)
            assert (answer.status_code, (answer.location or "")[:11]) in ((303, "/connexion?"), (401, "")), rule.rule
    with place.services.reading() as session:
        assert session.scalars(select(OpenSession)).all() == []
    assert journal(place.services, "session.")[-1][0] == "session.password_right"


def test_a_code_opens_once(place: Place) -> None:
    arm(place.services, "agent", place.clock.at)
    typed = place.code()
    client = place.first_step()
    with client.session_transaction() as cookie:
        step = cookie["step"]
    assert post(client, STEP, {"code": typed, "next": "/recherche/"}).location == "/recherche/"
    assert place.is_in(client)
    with client.session_transaction() as cookie:
        assert "step" not in cookie
        assert cookie["sid"] != step
    second = place.first_step()
    assert "a déjà servi" in post(second, STEP, {"code": typed}).text
    assert not place.is_in(second)
    place.later()
    assert post(second, STEP, {"code": place.code()}).status_code == 303
    opened = [told["second_step"] for action, told in journal(place.services, "session.opened")]
    assert opened == ["totp", "totp"]


def test_a_wrong_code_says_so_at_the_field_which_takes_pasted_codes(place: Place) -> None:
    arm(place.services, "agent", place.clock.at)
    client = place.first_step()
    answer = post(client, STEP, {"code": "000000" if place.code() != "000000" else "111111"})
    assert answer.status_code == 422
    field = re.search(r"<input[^>]*id=\"code\"[^>]*>", answer.raw)
    assert field is not None
    assert 'autocomplete="one-time-code"' in field[0]
    assert "onpaste" not in field[0]
    assert 'value=""' in field[0], "the next code is typed into an empty field, not behind the refused one"
    assert journal(place.services)[-1][0] == "second_step.refused"


def test_the_square_of_an_earlier_page_is_told_as_such(place: Place) -> None:
    """Two tabs: the telephone has read the square of the first. "Wrong code" would send its owner to the next code, for ever."""
    client = sign_in(place.app, "agent")

    def begun() -> tuple[str, str]:
        post(client, f"{OWN}telephone", {"current_password": PASSWORD})
        shown = re.search(r'name="shown" value="(\w+)"', client.get(f"{OWN}telephone").text)
        assert shown is not None
        return shown[1], place.code()

    first, code_of_first = begun()
    second, code_of_second = begun()
    told = post(client, f"{OWN}telephone/armer", {"code": code_of_first, "shown": first})
    assert (told.status_code, "a été remplacé" in told.text) == (422, True)
    assert f'name="shown" value="{second}"' in told.raw
    assert post(client, f"{OWN}telephone/armer", {"code": code_of_second, "shown": second}).status_code == 200


def test_wrong_codes_are_slowed_and_a_known_device_is_not_kept_out(place: Place) -> None:
    owner = sign_in(place.app, "agent")  # the device is known from now on
    arm(place.services, "agent", place.clock.at)
    wrong = next(f"{n:06d}" for n in range(9) if f"{n:06d}" not in {place.code(steps) for steps in (-1, 0, 1)})
    guesser = place.first_step()
    told = [post(guesser, STEP, {"code": wrong}).status_code for _ in range(7)]
    assert told == [422] * 5 + [429] * 2
    right = post(guesser, STEP, {"code": place.code()})
    assert (right.status_code, int(right.headers["Retry-After"]) > 60) == (429, True)
    assert post(place.first_step(), STEP, {"code": place.code()}).status_code == 429, "another unknown device"
    kept = post(guesser, f"{STEP}/secours", {"recovery_code": "ABCD-EFGH"})
    assert (kept.status_code, "<details open>" in kept.raw, "ABCD-EFGH" in kept.raw) == (429, True, True)
    owner.get("/connexion")  # its session had ended: the telephone was added elsewhere
    place.first_step(client=owner)
    assert post(owner, STEP, {"code": place.code()}).status_code == 303, "the owner's device"
    assert [action for action, _ in journal(place.services)].count("second_step.throttled") == 1
    with place.services.reading() as session:
        keys = session.scalars(select(PersonalNotice.key)).all()
    assert [key for key in keys if key.endswith(":guessed")], "somebody knows the password: its owner is told"


def test_a_recovery_code_opens_once_and_its_owner_is_told_how_many_are_left(place: Place) -> None:
    made = arm(place.services, "agent", place.clock.at)
    client = place.first_step()
    answer = post(client, f"{STEP}/secours", {"recovery_code": made[3].lower().replace("-", " "), "next": "/"})
    assert answer.status_code == 303
    assert "il vous en reste 9" in client.get("/recherche/").text
    again = post(place.first_step(), f"{STEP}/secours", {"recovery_code": made[3]})
    assert (again.status_code, "a déjà servi" in again.text) == (422, True)
    assert ("second_step.code_used", {"left": 9}) in journal(place.services)
    page = client.get("/avis/").text
    assert "Un code de secours a ouvert votre compte" in page


def test_a_step_ends_with_time_and_with_a_new_password(place: Place) -> None:
    arm(place.services, "agent", place.clock.at)
    client = place.first_step()
    place.later(601)
    answer = post(client, STEP, {"code": place.code(), "next": "/recherche/"})
    assert answer.location == "/connexion?next=/recherche/"
    assert "Le délai est passé" in client.get("/connexion").text
    client = place.first_step()
    with place.services.unit_of_work(place.clock.at) as uow:
        accounts.set_password(uow, id_of(place.services, "agent"), "x", actor=SYSTEM)
    assert post(client, STEP, {"code": place.code()}).location == "/connexion"
    assert client.get(STEP).location == "/connexion"


def test_a_step_is_of_one_browser(place: Place) -> None:
    arm(place.services, "agent", place.clock.at)
    place.first_step()
    other = place.app.test_client()
    assert post(other, STEP, {"code": place.code()}).location == "/connexion"
    assert other.get(STEP).location == "/connexion"


def test_before_the_password_nobody_learns_who_has_a_second_step(place: Place) -> None:
    arm(place.services, "agent", place.clock.at)
    pages = {
        account: re.sub(r'value="[^"]*"|"X-CSRFToken": "[^"]*"', "", post(place.app.test_client(), "/connexion", {"account": account, "password": "faux"}).text)
        for account in ("agent", "dge", "personne")
    }  # fmt: skip
    assert len(set(pages.values())) == 1


def test_the_next_page_is_of_this_site(place: Place) -> None:
    arm(place.services, "agent", place.clock.at)
    client = place.app.test_client()
    answer = post(client, "/connexion", {"account": "agent", "password": PASSWORD, "next": "//evil.example/"})
    assert answer.location == STEP
    assert post(client, STEP, {"code": place.code(), "next": "https://evil.example/"}).location == "/"


def test_a_password_that_was_given_is_changed_after_the_second_step(place: Place) -> None:
    arm(place.services, "agent", place.clock.at)
    with place.services.unit_of_work(place.clock.at) as uow:
        uow.session.execute(update(Person).where(Person.account == "agent").values(must_change_password=True))
    client = place.first_step()
    assert client.get("/mon-compte/mot-de-passe").status_code == 303
    post(client, STEP, {"code": place.code()})
    assert client.get("/recherche/").location == "/mon-compte/mot-de-passe"


def test_a_full_disk_lets_an_administrator_in_by_the_telephone_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = arm(place.services, "admin", place.clock.at)
    admin = PersonId(id_of(place.services, "admin"))
    with place.services.reading() as session:
        epoch = sessions.epoch_of(session, admin)

    def full(*_: object, **__: object) -> PersonId:
        raise accounts.NotRecorded(admin, epoch)

    monkeypatch.setattr(second, "_taken", {})
    monkeypatch.setattr(second, "_unwritten", Unwritten())
    monkeypatch.setattr(accounts, "sign_in", full)
    client = place.app.test_client()
    answer = post(client, "/connexion", {"account": "admin", "password": PASSWORD})
    assert answer.location == STEP
    assert client.get("/administration/").status_code == 303, "the password alone opens nothing"
    assert "Code de secours" not in client.get(STEP).text
    assert post(client, f"{STEP}/secours", {"recovery_code": made[0]}).location == "/connexion"
    post(client, "/connexion", {"account": "admin", "password": PASSWORD})
    typed = place.code(account="admin")
    assert post(client, STEP, {"code": "12"}).status_code == 422
    assert post(client, STEP, {"code": typed}).status_code == 303
    assert "Disque plein" in client.get("/administration/").text
    other = place.app.test_client()
    post(other, "/connexion", {"account": "admin", "password": PASSWORD})
    assert post(other, STEP, {"code": typed}).status_code == 422, "once, here too"


# --- required ---


def test_whoever_must_arms_first_and_can_do_nothing_else(strict: Place) -> None:
    client = sign_in(strict.app, "agent")
    for rule in strict.app.url_map.iter_rules():
        if guard.ACCESS[rule.endpoint] is guard.PUBLIC or rule.arguments or rule.endpoint in OPEN_WHILE_UNARMED:
            continue
        if "GET" in (rule.methods or ()):
            assert client.get(rule.rule).location == OWN, rule.rule
    assert post(client, "/notes", {}).status_code in (303, 404)
    assert client.get("/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == OWN
    assert "Une seconde étape est demandée" in client.get(OWN).text
    post(client, f"{OWN}telephone", {})
    told = post(client, f"{OWN}telephone/armer", {"code": strict.code()})
    assert "Vos codes de secours" in told.text
    assert strict.is_in(client)
    assert sign_in(strict.app, "sg").get("/recherche/").status_code == 200, "another role"


def test_the_last_factor_of_whoever_must_have_one_stays(strict: Place, place: Place) -> None:
    arm(strict.services, "agent", strict.clock.at - timedelta(minutes=1))
    client = _through(strict)
    assert "Retirer le téléphone" not in client.get(OWN).text
    answer = post(client, f"{OWN}telephone/retirer", {"current_password": PASSWORD})
    assert (answer.status_code, "Ajoutez d'abord un autre" in answer.text) == (422, True)
    assert armed(strict.services, "agent")
    free = replace(strict.services, second_factor_roles=frozenset())
    client = _through(Place(open_site(Path(strict.services.data_dir), free), free, strict.clock))
    assert post(client, f"{OWN}telephone/retirer", {"current_password": "faux"}).status_code == 422
    assert post(client, f"{OWN}telephone/retirer", {"current_password": PASSWORD}).location == OWN
    assert not armed(free, "agent")
    assert journal(free)[-1] == ("second_step.removed", {"way": "totp", "name": ""})


def test_a_changed_secret_of_the_installation_is_told_and_a_recovery_code_opens(place: Place) -> None:
    made = arm(place.services, "agent", place.clock.at)
    changed = replace(place.services, factor_secret=bytes(32))
    app = open_site(Path(place.services.data_dir), changed)
    client = Place(app, changed, place.clock).first_step()
    answer = post(client, STEP, {"code": "123456"})
    assert "ne se lit plus" in answer.text
    assert post(client, f"{STEP}/secours", {"recovery_code": made[0]}).status_code == 303


def test_a_new_telephone_replaces_the_old_at_its_first_code(place: Place) -> None:
    made = arm(place.services, "agent", place.clock.at - timedelta(minutes=1))
    client = _through(place)
    old = place.code(2)
    post(client, f"{OWN}telephone", {"current_password": PASSWORD})
    with place.services.reading() as session:
        assert len(session.scalars(select(TotpSecret)).all()) == 2
    answer = post(client, f"{OWN}telephone/armer", {"code": place.code()})
    assert answer.location == OWN, "the recovery codes stay"
    assert place.is_in(client)
    with place.services.reading() as session:
        assert len(session.scalars(select(TotpSecret)).all()) == 1
    place.later(60)
    client = place.first_step()
    if old != place.code():
        assert post(client, STEP, {"code": old}).status_code == 422
    assert post(client, f"{STEP}/secours", {"recovery_code": made[0]}).status_code == 303


def test_steps_that_are_over_are_swept(place: Place) -> None:
    arm(place.services, "agent", place.clock.at)
    half(place.services, "agent", place.clock.at - timedelta(hours=1))
    half(place.services, "agent", place.clock.at)
    with place.services.reading() as session:
        assert len(session.scalars(select(SignInStep)).all()) == 1


def test_nobody_takes_anothers_page_of_arming(place: Place) -> None:
    client = place.app.test_client()
    assert client.get(OWN).status_code == 303
    assert post(client, f"{OWN}codes", {"current_password": PASSWORD}).status_code in (303, 401)
    with pytest.raises(Invalid, match=r"second_step\.over"):
        second.by_totp(place.services, "made up", "123456", caller=ELSEWHERE, now=datetime.now(UTC))
