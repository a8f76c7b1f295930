"""Sign-in: attempts are delayed and never locked out, sessions are rows, passwords that are easily guessed."""

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from demo.installation import prepare
from ged.audit import AuditEntry, AuditPayload
from ged.db import make_engine
from ged.errors import ConfigError, Invalid
from ged.models import metadata
from ged.org import accounts, keys, passwords, sessions, throttle
from ged.org.accounts import Caller
from ged.org.models import Bucket, OpenSession, Person, Unit
from ged.org.throttle import Limit
from ged.unit import Services
from tests.factories import PASSPHRASE, actor, make_services
from tests.sample_kit import LONG_RUN
from tests.site import PASSWORD, Clock, filled_site, open_site, post, sign_in, token
from web.api import bridge
from web.commands.organisation import set_password_of
from web.site import context
from web.views.signbook import check

__all__ = ["filled_site"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]
NEW = "quatre chevaux sous la pluie"
AT = datetime(2026, 11, 26, 8, tzinfo=UTC)


@pytest.fixture
def site(filled_site: Path, tmp_path: Path) -> Iterator[Site]:
    shutil.copytree(filled_site, tmp_path, dirs_exist_ok=True)
    services = make_services(tmp_path, create=False)
    yield open_site(tmp_path, services), services
    services.engine.dispose()


def _try(
    services: Services, password: str, at: datetime, *, address: str = "10.0.0.1", device: str = "", account: str = "sg"
) -> str:
    try:
        accounts.sign_in(services, account, password, caller=Caller(address, device), now=at)
    except Invalid as error:
        return error.code
    return "opened"


def test_an_account_is_found_with_capitals_and_blanks(site: Site) -> None:
    assert _try(site[1], PASSWORD, AT, account=" SG ") == "opened"


def _journal(services: Services, action: str) -> list[dict[str, object]]:
    with services.reading() as session:
        rows = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.action == action)
        ).all()
    return [dict(row) for row in rows]


# --- delayed, not locked out ---


def test_errors_are_slowed_at_their_address_and_forgotten(site: Site) -> None:
    _app, services = site
    assert [_try(services, "faux", AT) for _ in range(6)] == ["session.refused"] * 5 + ["session.throttled"]
    assert _try(services, PASSWORD, AT) == "session.throttled"
    assert _try(services, PASSWORD, AT, address="10.0.0.2") == "opened", "foreign errors lock nobody elsewhere"
    assert _try(services, PASSWORD, AT + timedelta(seconds=61)) == "opened", "one more is free each minute"
    later = AT + timedelta(minutes=10)
    assert [_try(services, "faux", later) for _ in range(5)] == ["session.refused"] * 5, "forgotten"


def test_a_known_device_is_never_kept_out_by_others(site: Site) -> None:
    app, services = site
    client = sign_in(app, "sg")
    for n in range(8):  # from every address, the person's own too
        _try(services, "faux", datetime.now(UTC), address=f"10.0.0.{n}")
        _try(services, "faux", datetime.now(UTC), address="127.0.0.1")
    assert post(app.test_client(), "/connexion", {"account": "sg", "password": PASSWORD}).status_code == 429
    post(client, "/deconnexion", {}, page="/")
    assert post(client, "/connexion", {"account": "sg", "password": PASSWORD}).status_code == 303


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(context, "datetime", made)
    return made


class Guesser:
    """Tries passwords of one account through the site, each time from a new address and an unknown device."""

    def __init__(self, app: Flask, account: str) -> None:
        self.client, self.account, self.tries = app.test_client(), account, 0
        self.token = token(self.client.get("/connexion").text)

    def tries_one(self, password: str = "faux") -> TestResponse:
        self.tries += 1
        self.client.delete_cookie("ged_device")
        return self.client.post(
            "/connexion",
            data={"csrf_token": self.token, "account": self.account, "password": password},
            environ_base={"REMOTE_ADDR": f"10.{self.tries // 250}.0.{self.tries % 250}"},
        )

    def codes(self, times: int) -> list[int]:
        return [self.tries_one().status_code for _ in range(times)]


def test_guesses_from_everywhere_slow_the_account_but_never_its_owners_device(site: Site, clock: Clock) -> None:
    app, _services = site
    owner = sign_in(app, "sg")
    post(owner, "/deconnexion", {}, page="/")
    guesser = Guesser(app, "sg")
    assert guesser.codes(60) == [422] * 60
    assert sign_in(app, "sg").get("/").status_code == 200, "a new device of the owner"
    assert guesser.codes(40) == [422] * 40, "a hundred errors from everywhere are free"
    slowed = guesser.tries_one(PASSWORD)
    assert (slowed.status_code, slowed.headers.get("Retry-After")) == (429, "30"), "the owner forgave nothing of these"
    assert post(owner, "/connexion", {"account": "sg", "password": PASSWORD}).status_code == 303, "the owner's device"
    assert Guesser(app, "agent").tries_one(PASSWORD).status_code == 303, "another account is not slowed"
    assert guesser.tries_one(PASSWORD).status_code == 429, "and forgave nothing here either"
    clock.at += timedelta(seconds=29)
    assert guesser.codes(1) == [429]
    clock.at += timedelta(seconds=1)
    assert guesser.codes(2) == [422, 429], "one more each thirty seconds"


def test_guesses_at_an_account_are_forgotten_in_an_hour(site: Site, clock: Clock) -> None:
    app, services = site
    guesser = Guesser(app, "sg")
    _a_hundred_guesses(services, clock)
    assert guesser.codes(1) == [429]
    clock.at += timedelta(seconds=10 * 30)
    assert guesser.codes(11) == [422] * 10 + [429], "each thirty seconds forget one"
    clock.at += timedelta(minutes=50)
    assert guesser.tries_one(PASSWORD).status_code == 303, "a new device"
    post(guesser.client, "/deconnexion", {}, page="/")
    guesser = Guesser(app, "sg")
    assert guesser.codes(1) == [422]
    _a_hundred_guesses(services, clock, but=1)
    assert guesser.codes(1) == [429]


def _a_hundred_guesses(services: Services, clock: Clock, *, but: int = 0) -> None:
    """From everywhere, without the pages: the test above sends them through the site."""
    with services.unit_of_work(clock.at) as uow:
        for n in range(100 - but):
            for limit, subject in Caller(f"10.{n}.1.1").buckets("sg"):
                throttle.add(uow.session, limit, subject, now=clock.at)


def test_the_owners_errors_on_a_known_device_slow_nobody_elsewhere(site: Site, clock: Clock) -> None:
    app, services = site
    owner = sign_in(app, "sg")
    post(owner, "/deconnexion", {}, page="/")
    page = "/connexion"
    codes = [post(owner, page, {"account": "sg", "password": "faux"}).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]
    shared = [subject for _limit, subject in Caller("127.0.0.1").buckets("sg")]
    filled = select(Bucket.subject).where(Bucket.subject.in_(shared), Bucket.drained_ms > clock.at.timestamp() * 1000)
    with services.reading() as session:
        assert session.scalars(filled).all() == []
    assert Guesser(app, "sg").tries_one(PASSWORD).status_code == 303


def test_a_known_device_has_a_bucket_too(site: Site) -> None:
    _app, services = site
    codes = [_try(services, "faux", AT, device="d1") for _ in range(11)]
    assert codes == ["session.refused"] * 10 + ["session.throttled"]
    assert _try(services, PASSWORD, AT + timedelta(seconds=31), device="d1") == "opened"


def test_a_forged_device_is_none(site: Site) -> None:
    app, services = site
    for _ in range(5):
        _try(services, "faux", datetime.now(UTC), address="127.0.0.1")
    client = app.test_client()
    client.set_cookie("ged_device", '["d1", ["sg"]]')
    assert post(client, "/connexion", {"account": "sg", "password": PASSWORD}).status_code == 429


def test_right_sign_ins_at_once_all_pass(site: Site) -> None:
    _app, services = site
    start = threading.Barrier(8)

    def one(_n: int) -> str:
        start.wait()
        return _try(services, PASSWORD, AT)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == ["opened"] * 8


def test_a_ministry_behind_one_address_never_meets_its_bucket(site: Site) -> None:
    _app, services = site
    limit, subject = accounts.ADDRESS, accounts.ADDRESS.subject("192.0.2.1")
    # 500 people with ten failures each: a thousand in the first ten minutes, which fill two thirds of the bucket, the rest over
    # eight hours, in which it stays nearly empty.
    moments = [AT + timedelta(seconds=0.6 * n) for n in range(1_000)]
    moments += [AT + timedelta(minutes=10, seconds=7 * n) for n in range(4_000 if LONG_RUN else 100)]
    with services.unit_of_work(AT) as uow:
        for moment in moments:
            assert throttle.wait_s(uow.session, limit, subject, now=moment) == 0
            throttle.add(uow.session, limit, subject, now=moment)


def test_an_address_that_tries_every_account_is_delayed_by_seconds(site: Site) -> None:
    _app, services = site
    with services.unit_of_work(AT) as uow:
        for _ in range(600):
            throttle.add(uow.session, accounts.ADDRESS, accounts.ADDRESS.subject("10.9.9.9"), now=AT)
    with pytest.raises(Invalid) as refused:
        accounts.sign_in(services, "sg", PASSWORD, caller=Caller("10.9.9.9"), now=AT)
    assert refused.value.params["seconds"] == 1


def test_a_slowed_page_says_how_long_and_the_journal_counts(site: Site) -> None:
    app, services = site
    for _ in range(5):
        _try(services, "faux", datetime.now(UTC), address="127.0.0.1")
    for _ in range(11):
        answer = post(app.test_client(), "/connexion", {"account": "sg", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "votre compte n'est pas bloqué" in answer.text
    entries = _journal(services, "session.throttled")
    assert [entry["times"] for entry in entries] == [1, 10]


@pytest.mark.servers
def test_tries_side_by_side_are_all_counted_and_no_more_than_the_room_pass(make_database: Callable[[], str]) -> None:
    engine = make_engine(make_database())
    metadata.create_all(engine)
    limit = Limit("essai", 7, 30)
    start = threading.Barrier(20)

    def one(n: int) -> bool:
        start.wait()
        with Session(engine) as session:
            throttle.add(session, limit, "essai:failures", now=AT)
            session.commit()
            taken = throttle.take(session, limit, "essai:tries", now=AT)
            session.commit()
        return taken

    with ThreadPoolExecutor(20) as pool:
        taken = list(pool.map(one, range(20)))
    with Session(engine) as session:
        assert throttle.wait_s(session, limit, "essai:failures", now=AT) == (20 - 6) * 30
    engine.dispose()
    assert sum(taken) == 7


def test_a_public_page_and_pairing_are_counted_for_all_processes(tmp_path: Path, site: Site) -> None:
    app, services = site
    other = open_site(tmp_path, services)  # as a second process: one database, separate memory
    for limit, path in ((check.LOOKUPS, "/V/inconnu"), (bridge.PAIRINGS, "/api/bridge/pair")):
        method = "GET" if limit is check.LOOKUPS else "POST"
        answers = [one.test_client().open(path, method=method, json={"code": "C"}) for one in (app, other)]
        assert [answer.status_code for answer in answers] == [404, 404]
        with services.unit_of_work(datetime.now(UTC)) as uow:
            for _ in range(40):
                throttle.add(uow.session, limit, limit.subject("127.0.0.1"), now=uow.now)
        for one in (app, other):
            answer = one.test_client().open(path, method=method, json={"code": "C"})
            assert answer.status_code == 429
            assert int(answer.headers["Retry-After"]) > 0


def test_tokens_that_are_tried_are_counted_for_all_processes(tmp_path: Path, site: Site) -> None:
    app, services = site
    other = open_site(tmp_path, services)
    wrong = {"Authorization": "Bearer inconnu"}
    path = "/api/bridge/order"
    assert [one.test_client().get(path, headers=wrong).status_code for one in (app, other)] == [401, 401]
    with services.unit_of_work(datetime.now(UTC)) as uow:
        for _ in range(1000):
            throttle.add(uow.session, bridge.TOKENS, bridge.TOKENS.subject("127.0.0.1"), now=uow.now)
    assert [one.test_client().get(path, headers=wrong).status_code for one in (app, other)] == [429, 429]


# --- sessions ---


def test_a_copied_cookie_opens_nothing_after_the_sign_out(site: Site) -> None:
    app, _services = site
    client, thief = sign_in(app, "sg"), app.test_client()
    thief.set_cookie("ged", client.get_cookie("ged").value)  # type: ignore[union-attr]
    assert thief.get("/").status_code == 200
    answer = post(client, "/deconnexion", {}, page="/")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert thief.get("/").status_code == 303


def test_only_the_digest_of_the_cookie_is_stored(site: Site) -> None:
    app, services = site
    client = sign_in(app, "sg")
    with client.session_transaction() as cookie:
        sid = cookie["sid"]
        assert set(cookie) <= {"sid", "csrf_token", "_permanent"}
    with services.reading() as session:
        row = session.scalars(select(OpenSession)).one()
    assert sid not in (row.token_hash, row.device)
    assert row.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("column", "ago"), [("opened_at", timedelta(hours=13)), ("seen_at", timedelta(hours=3))], ids=["too old", "idle"]
)
def test_a_session_ends_with_time(site: Site, column: str, ago: timedelta) -> None:
    app, services = site
    client = sign_in(app, "sg")
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(OpenSession).values({column: datetime.now(UTC) - ago}))
    answer = client.get("/")
    assert answer.location == "/connexion?next=/&fin=1"
    assert "Votre session a pris fin" in client.get(answer.location).text


def test_owner_and_administrator_end_sessions_and_nobody_else(site: Site) -> None:
    app, services = site
    here, there, other, admin = (sign_in(app, name) for name in ("sg", "sg", "agent", "admin"))
    with services.reading() as session:
        rows = sessions.listing(session, actor(services, "sg"), now=datetime.now(UTC))
    first, second = sorted(row.id for row in rows)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(OpenSession).values(device="Mozilla/5.0 (Windows NT 10.0) Gecko/1 Firefox/128.0"))
    page = here.get("/mon-compte/sessions").text
    assert "cette session" in page
    assert "Firefox, Windows" in page
    assert "Mozilla" not in page
    assert post(other, f"/mon-compte/sessions/{first}/fin", {}, page="/").status_code == 404
    assert other.get("/administration/sessions").status_code == 403
    assert post(admin, f"/mon-compte/sessions/{first}/fin", {}, page="/").status_code == 404
    assert post(here, f"/mon-compte/sessions/{second}/fin", {}, page="/").status_code == 303
    assert (here.get("/").status_code, there.get("/").status_code) == (200, 303)
    assert "Sg" in admin.get("/administration/sessions").text
    assert post(admin, f"/administration/sessions/{first}/fin", {}, page="/").status_code == 303
    assert here.get("/").status_code == 303
    assert len(_journal(services, "session.ended")) == 2


def test_a_session_is_noted_at_most_once_a_minute_and_read_once(site: Site) -> None:
    app, services = site
    client = sign_in(app, "sg")
    statements: list[str] = []
    event.listen(services.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    client.get("/mon-compte/mot-de-passe")
    assert sum("FROM sessions" in one for one in statements) == 1
    assert not [one for one in statements if one.startswith("UPDATE sessions")]
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(OpenSession).values(seen_at=datetime.now(UTC) - timedelta(minutes=2)))
    statements.clear()
    client.get("/mon-compte/mot-de-passe")
    client.get("/mon-compte/mot-de-passe")
    assert len([one for one in statements if one.startswith("UPDATE sessions")]) == 1


def test_a_sensitive_act_asks_for_the_password_again(site: Site) -> None:
    app, services = site
    admin, victim = sign_in(app, "admin"), sign_in(app, "sg")
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(OpenSession).values(proved_at=datetime.now(UTC) - timedelta(minutes=16)))
        sg = actor(services, "sg").person_id
        row_id = uow.session.scalar(select(OpenSession.id).where(OpenSession.person_id == sg))
    path = f"/administration/sessions/{row_id}/fin"
    asked = post(
        admin,
        path,
        {},
        page="/administration/sessions",
        headers={"Referer": "http://localhost/administration/sessions"},
    )
    assert asked.location == "/mon-compte/confirmer?next=/administration/sessions"
    assert victim.get("/").status_code == 200
    page = "/mon-compte/confirmer"
    assert post(admin, page, {"current_password": "faux"}, page=page).status_code == 422
    proved = post(admin, page, {"current_password": PASSWORD, "next": "/administration/sessions"}, page=page)
    assert proved.location == "/administration/sessions"
    assert post(admin, path, {}, page=page).status_code == 303
    assert victim.get("/").status_code == 303
    assert post(victim, "/delegations/", {}, page="/connexion").status_code in (303, 401, 405)


@pytest.mark.parametrize(
    ("account", "path", "form"),
    [
        ("sg", "/delegations/", {}),
        ("sg", "/delegations/1/retirer", {}),
        ("agent", "/numerisations/postes/appairer", {"unit_id": "3"}),
        ("sg", "/courriers/1/niveau", {"level": "0", "reason": "Publié"}),
        ("sg", "/courriers/1/niveau/1/accepter", {}),
        ("admin", "/administration/sessions/1/fin", {}),
        ("sg", "/mon-compte/sessions/1/fin", {}),
        ("sg", "/mon-compte/sessions/autres", {}),
    ],
)
def test_what_a_thief_of_an_open_session_would_do_first_asks_for_the_password(
    site: Site, account: str, path: str, form: dict[str, object]
) -> None:
    app, services = site
    client = sign_in(app, account)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(OpenSession).values(proved_at=datetime.now(UTC) - timedelta(minutes=16)))
    answer = post(client, path, form, page="/mon-compte/confirmer")
    assert answer.status_code == 303
    assert answer.location.startswith("/mon-compte/confirmer")


def test_the_password_cannot_be_tried_without_end_in_an_open_session(site: Site) -> None:
    app, _services = site
    client, page = sign_in(app, "sg"), "/mon-compte/confirmer"
    codes = [post(client, page, {"current_password": f"faux {n}"}, page=page).status_code for n in range(6)]
    assert codes == [422] * 5 + [429]


# --- passwords ---


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaa", "1234567890", "password12", "motdepasse1", "azertyuiop", "ministere2026", "dge.etudes2",
        "Etudes-2026", "courrier2026", "mines-energie", "Bonjour2026!", "x" * 128,
        "Mémouna Études 2026", "MémounaÉtudes2026", "Ministère des Mines 2026", "mmre 2026 lome", "Lomé, MMRE 2026 !",
        "MME\u0301MOUNA.e\u0301tudes",
    ],
)  # fmt: skip
def test_what_others_would_guess_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match=r"password\.common"):
        passwords.refuse_guessable(
            password, "dge.etudes", "Mémouna Études", "", "Ministère des mines et de l'énergie", "MMRE"
        )


def test_the_page_and_the_command_refuse_what_others_would_guess(site: Site) -> None:
    app, services = site
    client, page = sign_in(app, "sg"), "/mon-compte/mot-de-passe"
    for new in ("Bonjour2026!", "sg.sg.sg.sg", "court"):
        form = {"current_password": PASSWORD, "password": new, "password_again": new}
        assert post(client, page, form, page=page).status_code == 422, new
        with pytest.raises(Invalid, match=r"password\.(common|too_short)"):
            set_password_of(services, "sg", new, now=datetime.now(UTC))
    sign_in(app, "sg")


def test_the_words_of_a_person_are_those_of_the_house_too(site: Site) -> None:
    services = site[1]
    with services.reading() as session:
        words = accounts.words_of(session, accounts.person_of_account(session, "sg").id)
        codes = session.scalars(select(Unit.code).where(Unit.is_entity)).all()
    assert codes
    assert set(codes) <= set(words)


def test_a_sentence_is_taken_and_lengths_are_bounded() -> None:
    passwords.refuse_guessable(NEW, "dge.etudes", "Afi Etudes", "")
    passwords.refuse_guessable("le lézard traverse Lomé à midi", "dge.etudes", "Afi Etudes", "", "MMRE")
    with pytest.raises(Invalid, match=r"password\.too_long"):
        passwords.hash_password("ab c" * 40)
    with pytest.raises(Invalid, match=r"password\.too_short"):
        passwords.refuse_guessable("court")


def test_a_given_password_opens_nothing_but_its_change(site: Site) -> None:
    app, services = site
    given = "donné par l'administrateur, une fois"
    set_password_of(services, "sg", given, now=datetime.now(UTC))
    client = sign_in(app, "sg", given)
    page = "/mon-compte/mot-de-passe"
    for path in ("/", "/bannette/", "/mon-compte/sessions"):
        assert client.get(path).location == page, path
    assert post(client, "/delegations/", {}, page=page).status_code in (303, 405)
    assert "vous a été donné" in client.get(page).text
    fields = {"current_password": given, "password": given, "password_again": given}
    assert post(client, page, fields, page=page).status_code == 422, "the given one is no change"
    changed = post(client, page, {**fields, "password": NEW, "password_again": NEW}, page=page)
    assert changed.status_code == 303
    assert client.get("/").status_code == 200
    with services.reading() as session:
        assert not session.scalar(select(Person.must_change_password).where(Person.account == "sg"))


def test_a_real_installation_is_given_no_demonstration_passwords(tmp_path: Path) -> None:
    (tmp_path / "ged.env").write_text(f"GED_SECRET={'s' * 40}\n")
    with pytest.raises(ConfigError, match=r"demo\.real"):
        prepare(tmp_path, extra={}, say=lambda _text: None)
    assert [path.name for path in tmp_path.iterdir()] == ["ged.env"]


# --- the signing key ---


def test_wrong_passphrases_slow_the_key_and_are_told_to_its_owner(site: Site) -> None:
    app, services = site
    sg = actor(services, "sg")
    with services.unit_of_work(datetime.now(UTC)) as uow:
        keys.issue_key(uow, sg.person_id, passphrase=PASSPHRASE, actor=sg)
    client, page = sign_in(app, "sg"), "/cle/deverrouiller"
    left = [post(client, page, {"passphrase": "pas la bonne phrase"}, page=page).text for _ in range(5)]
    assert ["essais restants : 4" in left[0], "essais restants : 0" in left[4]] == [True, True]
    assert "la clé attend" in post(client, page, {"passphrase": PASSPHRASE}, page=page).text
    assert "5 phrases secrètes inexactes" in client.get("/").text
    assert len(_journal(services, "key.refused")) == 5
    with services.unit_of_work(datetime.now(UTC) + timedelta(minutes=6)) as uow:
        assert keys.note_try(uow, sg.person_id) == 0
    with services.unit_of_work(datetime.now(UTC) + timedelta(minutes=60)) as uow:
        assert keys.note_try(uow, sg.person_id) == 4, "forgotten without anybody's help"
    with services.unit_of_work(datetime.now(UTC)) as uow:
        keys.free_key(uow, sg.person_id, actor=actor(services, "admin"))
    assert post(client, page, {"passphrase": PASSPHRASE}, page=page).status_code == 303
