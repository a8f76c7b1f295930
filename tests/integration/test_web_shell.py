"""The shell of the site: sessions, delayed sign-in, headers, errors, forms, the key opened for a browser."""

import html
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from jinja2 import ChoiceLoader, FileSystemLoader
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict

from ged.audit import AuditEntry, AuditPayload
from ged.errors import Forbidden, Invalid, NotFound
from ged.org import accounts, certificates, keys, passwords
from ged.org.accounts import Caller
from ged.org.models import IssuedCertificate, Person, SigningKey
from ged.register.states import MailState
from ged.unit import Services
from tests.factories import PASSPHRASE, actor, make_services
from tests.site import PASSWORD, filled_site, make_site, open_site, post, sign_in, token
from web.site import context, guard, i18n, keyring
from web.site.errors import FormRefused, view_of
from web.site.forms import FormReader
from web.site.pages import render_form
from web.site.paths import safe_path
from web.words.messages import gettext, ngettext

__all__ = ["filled_site"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]  # whole seconds: part of `make test`, not of the quick round

Site = tuple[Flask, Services]
TEMPLATES = Path(__file__).parents[1] / "templates"


def _refuse(kind: type[Exception]) -> str:
    raise kind("mail.unknown", "", id=7, refused=True)


def _raise(error: Exception) -> str:
    raise error


@pytest.fixture
def site(filled_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    shutil.copytree(filled_site, tmp_path, dirs_exist_ok=True)
    services = make_services(tmp_path, create=False)
    app = open_site(tmp_path, services, adds_routes=True)
    pages = {
        "probe.gallery": ("/essai/galerie", lambda: render_form("gallery.html", states=list(MailState))),
        "probe.hidden": ("/essai/cache", lambda: _refuse(NotFound)),
        "probe.forbidden": ("/essai/interdit", lambda: _raise(Forbidden("access.role_missing"))),
        "probe.crash": ("/essai/panne", lambda: _raise(ZeroDivisionError("secret text"))),
        "probe.api": ("/api/essai", lambda: _raise(Invalid("form.required", "", field="x"))),
        "probe.admin": ("/essai/admin", lambda: "ok"),
        "probe.key": ("/essai/cle", lambda: "ouverte" if keyring.unlocked() else "fermée"),
    }
    for endpoint, (path, view) in pages.items():
        monkeypatch.setitem(guard.ACCESS, endpoint, guard.SIGNED_IN)  # type: ignore[arg-type]
        app.add_url_rule(path, endpoint, view)
    monkeypatch.setitem(guard.ACCESS, "probe.admin", guard.roles(guard.Role.ADMINISTRATOR))  # type: ignore[arg-type]
    app.jinja_env.loader = ChoiceLoader([app.jinja_env.loader, FileSystemLoader(TEMPLATES)])  # type: ignore[list-item]
    yield app, services
    services.engine.dispose()


def _journal(services: Services, action: str) -> list[dict[str, object]]:
    with services.reading() as session:
        rows = session.execute(
            select(AuditEntry.person_id, AuditPayload.payload)
            .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.action == action)
        ).all()
    return [{"person_id": person_id, **payload} for person_id, payload in rows]


# --- signing in ---


def test_nobody_is_sent_to_the_sign_in_and_back(site: Site) -> None:
    app, _services = site
    client = app.test_client()
    asked = client.get("/mon-compte/mot-de-passe?x=1")
    assert asked.status_code == 303
    assert asked.location == "/connexion?next=/mon-compte/mot-de-passe?x%3D1"
    answer = client.post(
        "/connexion",
        data={
            "csrf_token": token(client.get(asked.location).text),
            "next": "/mon-compte/mot-de-passe?x=1",
            "account": " SG ",
            "password": PASSWORD,
        },
    )
    assert answer.location == "/mon-compte/mot-de-passe?x=1"
    assert client.get("/").status_code == 200


def test_the_session_cookie_is_shut_up(tmp_path: Path) -> None:
    app, _services = make_site(tmp_path, public_url="https://courrier.example.tg")
    client = app.test_client()
    shown = client.get("/connexion", base_url="https://localhost")
    cookie = shown.headers["Set-Cookie"]
    assert cookie.startswith("__Host-ged=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert shown.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(("account", "password"), [("sg", "faux mot de passe"), ("personne", PASSWORD), ("", "")])
def test_a_refusal_says_the_same_of_every_account(site: Site, account: str, password: str) -> None:
    app, _services = site
    answer = post(app.test_client(), "/connexion", {"account": account, "password": password})
    assert answer.status_code == 422
    if account:
        assert "Identifiant ou mot de passe inexact." in answer.text
        assert f'value="{account}"' in answer.text
    assert password not in answer.text or not password


def test_an_unknown_account_costs_a_hash_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _app, services = site
    looked_at: list[str] = []
    real = passwords._hasher.verify
    monkeypatch.setattr(
        passwords,
        "_hasher",
        type(
            "Counting",
            (),
            {"hash": passwords._hasher.hash, "verify": lambda s, h, p: looked_at.append(h) or real(h, p)},
        )(),
    )
    for account in ("sg", "personne"):
        with pytest.raises(Invalid, match=r"session\.refused"):
            accounts.sign_in(services, account, "faux", caller=Caller("10.0.0.1"), now=datetime.now(UTC))
    assert len(looked_at) == 2
    assert all(h.startswith("$argon2id$") for h in looked_at)


def test_a_closed_account_cannot_sign_in(site: Site) -> None:
    app, services = site
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(is_active=False))
    assert post(app.test_client(), "/connexion", {"account": "sg", "password": PASSWORD}).status_code == 422


def test_openings_and_refusals_are_in_the_journal(site: Site) -> None:
    app, services = site
    sign_in(app, "sg")
    post(app.test_client(), "/connexion", {"account": "sg", "password": "faux"})
    post(app.test_client(), "/connexion", {"account": "mon mot de passe", "password": "faux"})
    assert [entry["person_id"] for entry in _journal(services, "session.opened")] == [actor(services, "sg").person_id]
    assert [entry["account"] for entry in _journal(services, "session.refused")] == ["sg", ""]


# --- the session's end ---


def test_a_new_password_ends_the_other_sessions_only(site: Site) -> None:
    app, _services = site
    here, elsewhere = sign_in(app, "sg"), sign_in(app, "sg")
    page = "/mon-compte/mot-de-passe"
    fields = {"current_password": PASSWORD, "password": "un tout autre mot", "password_again": "un tout autre mot"}
    wrong = post(here, page, {**fields, "password_again": "autre chose"}, page=page)
    assert wrong.status_code == 422
    assert "un tout autre mot" not in wrong.text
    assert post(here, page, {**fields, "current_password": "faux"}, page=page).status_code == 422
    assert post(here, page, {**fields, "password": "court", "password_again": "court"}, page=page).status_code == 422
    assert post(here, page, fields, page=page).status_code == 303
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 303
    assert sign_in(app, "sg", "un tout autre mot").get("/").status_code == 200


def test_a_closed_account_loses_its_session(site: Site) -> None:
    app, services = site
    client = sign_in(app, "sg")
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(is_active=False))
    assert client.get("/").status_code == 303


def test_signing_out_is_a_post_and_ends_it(site: Site) -> None:
    app, services = site
    client = sign_in(app, "sg")
    assert client.get("/deconnexion").status_code == 405
    assert post(client, "/deconnexion", {}).location == "/connexion"
    assert client.get("/").status_code == 303
    assert len(_journal(services, "session.closed")) == 1


def test_a_cookie_made_elsewhere_is_nobody(site: Site) -> None:
    app, _services = site
    client = app.test_client()
    client.set_cookie("ged", "eyJwZXJzb25faWQiOjF9.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert client.get("/").status_code == 303


# --- guard, CSRF, headers ---


def test_a_role_opens_its_door_only(site: Site) -> None:
    app, services = site
    assert sign_in(app, "admin").get("/essai/admin").status_code == 200
    refused = sign_in(app, "agent").get("/essai/admin")
    assert refused.status_code == 403
    assert "Votre fonction ne donne pas accès" in refused.text
    assert [e["endpoint"] for e in _journal(services, "access.refused")] == ["probe.admin"]


def test_a_form_without_token_changes_nothing(site: Site) -> None:
    app, services = site
    client = sign_in(app, "sg")
    answer = client.post("/deconnexion")
    assert answer.status_code == 400
    assert "rien n'a été enregistré" in answer.text
    assert not _journal(services, "session.closed")


def test_a_sign_in_page_left_open_asks_again(site: Site) -> None:
    app, services = site
    client = app.test_client()
    answer = client.post("/connexion", data={"account": "sg", "password": PASSWORD, "next": "/mon-compte/mot-de-passe"})
    assert answer.location == "/connexion?next=/mon-compte/mot-de-passe"
    assert "connectez-vous maintenant" in client.get(answer.location).text
    assert not _journal(services, "session.opened")


def test_a_form_sent_after_the_session_leads_back_to_itself(site: Site) -> None:
    app, _services = site
    page = "/mon-compte/mot-de-passe"
    answer = app.test_client().post(page, data={"password": "x"}, headers={"Referer": f"http://localhost{page}"})
    assert answer.status_code == 401
    assert "Votre session a pris fin" in answer.text
    assert "data-form-lost" in answer.text
    assert f'href="/connexion?next={page}"' in answer.text


def test_pages_are_not_kept_and_run_nothing_foreign(site: Site) -> None:
    app, _services = site
    headers = sign_in(app, "sg").get("/").headers
    assert headers["Cache-Control"] == "no-store, private"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    needed = {"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"}
    assert needed <= set(policy.split("; "))


def test_static_files_are_kept_under_an_address_that_follows_their_bytes(site: Site) -> None:
    app, _services = site
    client = app.test_client()
    address = next(part for part in client.get("/connexion").text.split('"') if "ged.css" in part)
    assert "?v=" in address
    with client.get(address) as kept:
        assert "immutable" in kept.headers["Cache-Control"]
        assert "Set-Cookie" not in kept.headers
    with client.get(address.partition("?")[0]) as bare:
        assert "immutable" not in bare.headers["Cache-Control"]
    # During an upgrade of two hosts a page of the new release may ask the old one. Browser and proxy kept the old bytes for a year.
    with client.get(address + "0") as of_another_release:
        assert of_another_release.status_code == 200
        assert of_another_release.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("/bannette?page=2", True),
        ("//mal.example", False),
        ("/\\mal.example", False),
        ("https://mal.example/", False),
        ("/a\nb", False),
        ("javascript:alert(1)", False),
        ("", False),
        (None, False),
    ],
)
def test_only_our_own_paths_are_gone_back_to(target: str | None, kept: bool) -> None:
    assert (safe_path(target) == target) is (kept or target is None)
    assert bool(safe_path(target)) is kept


# --- errors ---


def test_a_refused_letter_is_not_found_and_in_the_journal(site: Site) -> None:
    app, services = site
    answer = sign_in(app, "sg").get("/essai/cache", headers={"Referer": "http://localhost/bannette?page=2"})
    assert answer.status_code == 404
    assert "Ce courrier n'existe pas, ou vous n'y avez pas accès." in answer.text
    assert 'href="/bannette?page=2"' in answer.text
    with services.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "access.refused")).one()
    assert (entry.subject_kind, entry.subject_id, entry.person_id) == ("mail", 7, actor(services, "sg").person_id)


def test_a_crash_shows_a_reference_and_nothing_of_itself(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    app, _services = site
    answer = sign_in(app, "sg").get("/essai/panne")
    assert answer.status_code == 500
    assert "référence" in answer.text
    assert "secret text" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_the_api_answers_json(site: Site) -> None:
    app, _services = site
    client = app.test_client()
    assert client.get("/api/essai").status_code == 401
    answer = sign_in(app, "sg").get("/api/essai")
    assert answer.status_code == 422
    assert answer.get_json()["error"]["code"] == "form.required"
    assert client.get("/api/nulle-part").get_json()["error"]["code"] == "page.unknown"


def test_an_unknown_page_keeps_the_layout(site: Site) -> None:
    app, _services = site
    answer = sign_in(app, "sg").get("/nulle-part", headers={"Referer": "https://mal.example/x"})
    assert answer.status_code == 404
    assert "Navigation principale" in answer.text
    assert "mal.example" not in answer.text


def test_an_unknown_code_is_shown_with_its_code(site: Site) -> None:
    app, _services = site
    with app.test_request_context():
        view = view_of(Invalid("nothing.known", field="x"))
    assert "nothing.known" in view.message
    assert (view.status, view.field) == (422, "x")


def test_a_message_survives_a_missing_value(site: Site) -> None:
    app, _services = site
    with app.test_request_context():
        assert "…" in view_of(Invalid("form.too_long")).message
        limit = view_of(Invalid("deadline.later_than_above", limit=date(2026, 11, 24)))
    assert "24/11/2026" in limit.message


# --- forms ---


def test_a_form_tells_all_its_errors_at_once() -> None:
    fields = FormReader(
        MultiDict({"subject": "", "day": "31/02/2026", "count": "douze", "clock": "25:00", "state": "gone", "n": "99"})
    )
    fields.text("subject", required=True)
    fields.day("day")
    fields.integer("count")
    fields.clock("clock")
    fields.choice("state", MailState)
    fields.integer("n", maximum=10)
    with pytest.raises(FormRefused) as caught:
        fields.check()
    assert [error.params["field"] for error in caught.value.errors] == [
        "subject",
        "day",
        "count",
        "clock",
        "state",
        "n",
    ]


def test_errors_come_in_the_order_of_the_form_whatever_is_read_first() -> None:
    """One of a box, which a browser does not send, follows the error that was found before it."""
    fields = FormReader(MultiDict([("count", "douze"), ("subject", ""), ("day", "31/02/2026")]))
    fields.day("day")
    fields.refuse(Invalid("form.required", "fill it in", field="box"))
    fields.text("subject", required=True)
    fields.integer("count")
    wrong = fields.wrong()
    assert wrong is not None
    assert [error.params["field"] for error in wrong.errors] == ["count", "subject", "day", "box"]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("14:05", time(14, 5)), ("14h05", time(14, 5)), ("9 H", time(9)), ("1405", time(14, 5)), ("9:05", time(9, 5)),
        ("14:05:00", time(14, 5)), ("25:00", None), ("12:60", None), ("9:5", None), ("14", None), ("midi", None),
    ],
)  # fmt: skip
def test_an_hour_is_read_as_people_write_it(typed: str, read: time | None) -> None:
    fields = FormReader(MultiDict({"clock": typed}))
    assert fields.clock("clock") == read
    if read is None:
        with pytest.raises(FormRefused):
            fields.check()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("3 novembre 2026", date(2026, 11, 3)), ("1er déc. 2026", date(2026, 12, 1)), ("Lundi 9 Août 2027", date(2027, 8, 9)),
        ("31 novembre 2026", None), ("3 ju 2026", None), ("3 novembre 26", None), ("3 brumaire 2026", None),
        ("3 mai 1200", None),
    ],
)  # fmt: skip
def test_a_day_is_read_as_letters_bear_it(typed: str, read: date | None) -> None:
    fields = FormReader(MultiDict({"day": typed}))
    assert fields.day("day") == read
    if read is None:
        with pytest.raises(FormRefused):
            fields.check()


def test_a_form_is_read() -> None:
    fields = FormReader(
        MultiDict(
            [("s", " a\r\nb\x00 "), ("d", "2026-11-24"), ("e", "24/11/2026"), ("n", "12"), ("l", "1"), ("l", "2")]
        )
    )
    assert fields.text("s") == "a\nb"
    assert fields.day("d") == fields.day("e") == date(2026, 11, 24)
    assert (fields.integer("n"), fields.integers("l"), fields.integer("none")) == (12, (1, 2), None)
    fields.check()


def test_what_was_typed_comes_back_with_its_errors(site: Site) -> None:
    app, services = site
    error = FormRefused((Invalid("form.required", field="subject"), Invalid("form.unknown_choice", field="mentions")))
    form = MultiDict([("note", "<b>à suivre</b>"), ("mentions", "1"), ("mentions", "3"), ("register_id", "3")])
    with app.test_request_context("/essai/galerie", method="POST", data=form):
        g.services, g.now, g.actor = services, datetime.now(UTC), actor(services, "sg")
        page, status = render_form("gallery.html", error=error, states=list(MailState))  # type: ignore[misc]
    assert status == 422
    assert "2 corrections sont nécessaires" in page
    assert 'href="#subject"' in page
    assert 'aria-describedby="subject-hint subject-error"' in page
    assert "&lt;b&gt;à suivre&lt;/b&gt;" in page
    ticked = [n for n in range(1, 5) if f'name="mentions" value="{n}" checked' in page]
    assert ticked == [1, 3], "a box that was unticked stays so"
    assert '<option value="3" selected>' in page


def test_all_components_render(site: Site) -> None:
    app, _services = site
    page = sign_in(app, "sg").get("/essai/galerie").text
    for piece in ("confirmation", "timeline", "two-pane", "thumbs", "pager", "error-summary"):
        assert (f'class="{piece}' in page) is (piece != "error-summary"), piece


# --- local forms ---


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 octets"), (999, "999 octets"), (1_200, "1,2 Ko"), (999_600, "1 Mo"), (48_000_000, "48 Mo")],
)
def test_sizes_are_french(site: Site, size: int, shown: str) -> None:
    app, _services = site
    with app.test_request_context():
        assert i18n.file_size(size) == shown


def test_dates_are_local_and_french(site: Site) -> None:
    app, _services = site
    moment = datetime(2026, 11, 24, 23, 5, tzinfo=UTC)
    with app.test_request_context():
        assert i18n.date_and_time(moment) == "24/11/2026 à 23:05"
        assert i18n.long_date(date(2026, 11, 24)) == "24 novembre 2026"
        assert i18n.full_date(date(2026, 11, 24)) == "mardi 24 novembre 2026"


def test_zero_is_singular_in_french(site: Site) -> None:
    app, _services = site
    with app.test_request_context():
        said = [ngettext("%(num)s lettre", "%(num)s lettres", n) for n in (0, 1, 2)]
        drawn = app.jinja_env.from_string("{{ ngettext('%(num)s lettre', '%(num)s lettres', 0) }}").render()
    assert said == ["0 lettre", "1 lettre", "2 lettres"]
    assert drawn == "0 lettre"


# --- the signing key ---


@pytest.fixture
def keyed(site: Site) -> Site:
    app, services = site
    sg = actor(services, "sg")
    with services.unit_of_work(datetime.now(UTC)) as uow:
        keys.issue_key(uow, sg.person_id, passphrase=PASSPHRASE, actor=sg)
    return app, services


def _unlock(client: object, passphrase: str = PASSPHRASE) -> object:
    return post(
        client, "/cle/deverrouiller", {"passphrase": passphrase, "next": "/essai/cle"}, page="/cle/deverrouiller"
    )  # type: ignore[arg-type]


def test_a_key_opens_for_this_browser_only(keyed: Site, tmp_path: Path) -> None:
    app, _services = keyed
    here, elsewhere = sign_in(app, "sg"), sign_in(app, "sg")
    answer = _unlock(here)
    assert answer.location == "/essai/cle"  # type: ignore[attr-defined]
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("ged_key="))  # type: ignore[attr-defined]
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert here.get("/essai/cle").text == "ouverte"
    assert elsewhere.get("/essai/cle").text == "fermée"
    (sealed,) = (tmp_path / "run" / "unlocked").iterdir()
    assert sealed.stat().st_mode & 0o777 == 0o600
    assert "déverrouillée jusqu'à" in here.get("/essai/galerie").text


def test_another_person_cannot_use_the_cookie(keyed: Site) -> None:
    app, _services = keyed
    here, other = sign_in(app, "sg"), sign_in(app, "dge")
    _unlock(here)
    other.set_cookie("ged_key", here.get_cookie("ged_key").value)  # type: ignore[union-attr]
    assert other.get("/essai/cle").text == "fermée"


def test_signing_out_and_locking_forget_the_key(keyed: Site, tmp_path: Path) -> None:
    app, _services = keyed
    for path in ("/cle/verrouiller", "/deconnexion"):
        client = sign_in(app, "sg")
        _unlock(client)
        assert client.get("/essai/cle").text == "ouverte"
        post(client, path, {}, page="/cle/deverrouiller")
        assert list((tmp_path / "run" / "unlocked").iterdir()) == []
        assert client.get_cookie("ged_key") is None


def test_an_opened_key_ends_by_itself_and_is_swept(keyed: Site, tmp_path: Path) -> None:
    app, services = keyed
    later = datetime.now(UTC) + timedelta(minutes=6)
    client = sign_in(app, "sg")
    _unlock(client)
    cookie = client.get_cookie("ged_key")
    assert cookie is not None
    with app.test_request_context(headers={"Cookie": f"ged_key={cookie.value}"}):
        g.services, g.now, g.actor = services, datetime.now(UTC), actor(services, "sg")
        assert keyring.unlocked() is not None
        g.now = later
        assert keyring.unlocked() is None
        assert keyring.sweep() == 1
    assert list((tmp_path / "run" / "unlocked").iterdir()) == []


@contextmanager
def _in_browser(site: Site, client: FlaskClient, now: datetime) -> Iterator[None]:
    """A request with the browser's half of the key."""
    app, services = site
    cookie = client.get_cookie("ged_key")
    assert cookie is not None
    with app.test_request_context(headers={"Cookie": f"ged_key={cookie.value}"}):
        g.services, g.now, g.actor = services, now, actor(services, "sg")
        yield


def test_a_revoked_certificate_closes_the_key_that_is_open(keyed: Site) -> None:
    app, services = keyed
    client = sign_in(app, "sg")
    _unlock(client)
    now = datetime.now(UTC)
    with services.reading() as session:
        serial = session.scalar(select(IssuedCertificate.serial)) or ""
    with _in_browser(keyed, client, now):
        in_hand = keyring.signing_key()
        assert in_hand.sealed
        with services.unit_of_work(now) as uow:
            certificates.revoke(uow, serial, reason="keyCompromise", actor=actor(services, "admin"))
        with pytest.raises(Invalid, match=r"key\.locked"):
            in_hand.sealed  # noqa: B018  # a batch that is running stops here
        assert keyring.unlocked() is None
        with pytest.raises(NotFound, match=r"key\.none"):
            keyring.signing_key(PASSPHRASE)
    assert client.get("/essai/cle").text == "fermée"


def test_a_replaced_key_is_closed_and_the_new_one_opens(keyed: Site) -> None:
    app, services = keyed
    client, sg = sign_in(app, "sg"), actor(services, "sg")
    _unlock(client)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        keys.issue_key(uow, sg.person_id, passphrase=PASSPHRASE, actor=sg)
    assert client.get("/essai/cle").text == "fermée"
    _unlock(client)
    assert client.get("/essai/cle").text == "ouverte"


def test_the_right_passphrase_at_the_last_try_counts(keyed: Site) -> None:
    app, services = keyed
    client = sign_in(app, "sg")
    for _ in range(4):
        _unlock(client, "pas la bonne phrase")
    assert _unlock(client).status_code == 303  # type: ignore[attr-defined]
    with services.reading() as session:
        assert session.scalar(select(SigningKey.failed_tries)) == 0


def test_nobody_without_a_key_can_open_one(site: Site) -> None:
    app, _services = site
    answer = _unlock(sign_in(app, "agent"))
    assert answer.status_code == 404  # type: ignore[attr-defined]
    assert "Vous n'avez pas de clé de signature." in answer.text  # type: ignore[attr-defined]


def test_a_new_key_revokes_the_old(keyed: Site) -> None:
    _app, services = keyed
    sg = actor(services, "sg")
    with services.reading() as session:
        first = keys.load_key(session, sg.person_id)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        keys.issue_key(uow, sg.person_id, passphrase="une autre phrase de passe", actor=sg)
    with services.reading() as session:
        assert keys.load_key(session, sg.person_id) != first
        assert keys.has_key(session, sg.person_id)
        assert not keys.has_key(session, actor(services, "agent").person_id)


def test_context_has_one_time_and_one_local_day(site: Site) -> None:
    app, _services = site
    with app.test_request_context("/connexion"):
        app.preprocess_request()
        assert context.now() is context.now()
        assert context.now().tzinfo is UTC
        assert context.actor_or_none() is None
        with pytest.raises(Forbidden):
            context.actor()


def test_messages_have_french_typography_and_what_people_typed_has_not(site: Site) -> None:
    app, _services = site
    client = sign_in(app, "sg")
    typed = "l'un : l'autre ; « deux » ? n° 3"
    answer = client.get("/recherche/", query_string={"q": typed}, follow_redirects=True)
    field = re.search(r'<input[^>]*name="q"[^>]*value="([^"]*)"', answer.raw)
    assert field is not None
    assert html.unescape(field[1]) == typed
    home = client.get("/", follow_redirects=True).raw
    assert "’" in home
    assert not re.findall(r"[a-zé]'[a-zé]", re.sub(r"<script.*?</script>|<[^>]*>", "", home, flags=re.DOTALL))


def test_a_message_is_set_once_in_pages_and_in_code(site: Site) -> None:
    app, _services = site
    with app.test_request_context():
        said = gettext("Jusqu'au %(day)s : l'avis n° %(number)s", day="d'abord : 1", number=2)
        drawn = app.jinja_env.from_string("{% trans %}<b title='l : m'>L'unité</b> : « a » ?{% endtrans %}").render()
        one, two = (ngettext("l'avis : %(num)s", "les avis : %(num)s", n) for n in (1, 2))
    assert said == "Jusqu’au d'abord : 1\u00a0: l’avis n°\u202f2", "what is filled in stays as it is"
    assert drawn == "<b title='l : m'>L’unité</b>\u00a0: «\u00a0a\u00a0»\u202f?"
    assert (one, two) == ("l’avis\u00a0: 1", "les avis\u00a0: 2")


def test_a_redirection_speaks_french_to_who_does_not_follow_it(site: Site) -> None:
    app, _services = site
    answer = sign_in(app, "sg").get("/parapheur")
    assert (answer.status_code, answer.location) == (308, "http://localhost/parapheur/")
    assert 'Cette page se trouve à l\'adresse <a href="http://localhost/parapheur/">' in answer.text
    assert "should be" not in answer.text
