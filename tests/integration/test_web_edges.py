"""Numbers, bodies and names that no page of ours sends, and the site's responses."""

import io
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import MethodNotAllowed, NotFound

from ged.capture import bridges
from ged.config import load_settings, refuse_unknown_addresses
from ged.errors import ConfigError, Invalid
from ged.org.models import Unit
from ged.unit import Services
from tests.factories import actor
from tests.site import make_site, sign_in
from web.commands import main
from web.site import numbers
from web.site.errors import FormRefused
from web.site.forms import FormReader, chosen_file

pytestmark = pytest.mark.in_turns(3)

ROOT = Path(__file__).parents[2]
HOSTILE = (
    "--5",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775809",
    "9" * 400,
    "²",
    "٣",
    "1e9",
    "0x10",
)
SECURE = "https://courrier.example.tg"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Services]]:
    app, services = make_site(tmp_path_factory.mktemp("edges"))
    yield app, services
    services.engine.dispose()


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("du", "31/02/2026", "date"), ("au", "demain", "date"), ("numero", "zzz", "nombre entier"),
        ("numero", "--5", "nombre entier"), ("compte", "a" * 65, "trop long"),
    ],
)  # fmt: skip
def test_a_filter_of_the_journal_that_is_not_understood_shows_no_entry(
    site: tuple[Flask, Services], field: str, typed: str, said: str
) -> None:
    client, place = sign_in(site[0], "admin"), "/administration/journal"
    line = 'data-label="Empreinte"'
    assert line in client.get(place).text
    page = client.get(place, query_string={field: typed})
    assert page.status_code == 422
    assert line not in page.text
    assert f'href="#{field}"' in page.text
    assert said in page.text
    assert f'value="{typed}"' in page.text
    assert "Aucune écriture" not in page.text


def test_the_journal_of_days_that_end_before_they_begin_is_refused(site: tuple[Flask, Services]) -> None:
    client = sign_in(site[0], "admin")
    page = client.get("/administration/journal?du=02/12/2026&au=01/12/2026")
    assert page.status_code == 422
    assert "Le dernier jour est avant le premier." in page.text
    right = client.get("/administration/journal?du=01/12/2020&au=02/12/2099&numero=&compte=admin")
    assert right.status_code == 200
    assert 'data-label="Empreinte"' in right.text
    assert 'value="01/12/2020"' in right.text


def test_an_id_that_no_row_bears_is_not_there_on_any_route(site: tuple[Flask, Services]) -> None:
    app, _services = site
    places = app.url_map.bind("localhost")
    rules = [rule for rule in app.url_map.iter_rules() if "<int:" in rule.rule]
    assert len(rules) > 100
    for rule in rules:
        method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        for number in ("9223372036854775808", "18446744073709551616", "9" * 400, "--5", "1000000000000001"):
            path = re.sub(r"<[^>]+>", number, rule.rule)
            with pytest.raises((NotFound, MethodNotAllowed)):  # the second one: the path of another method is longer
                places.match(path, method=method)


def test_the_largest_id_is_looked_for_and_not_found(site: tuple[Flask, Services]) -> None:
    app, _services = site
    client = sign_in(app, "agent")
    for path in ("/courriers/%d", "/documents/%d", "/numerisations/%d", "/plis/%d"):
        assert client.get(path % numbers.MAX_NUMBER).status_code == 404, path


def _asked_names() -> list[str]:
    """Names of the ids that views take from the address."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "web").rglob("*.py")]
    found = {
        name for text in texts for name in re.findall(r'(?:args|values|given)\.get\("(\w+)"[^)\n]*type=whole', text)
    }
    return sorted(found | {"personne", "mail", "envelope", "page"})


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("account", ["admin", "agent"])
def test_no_number_in_an_address_is_a_failure(site: tuple[Flask, Services], account: str) -> None:
    app, _services = site
    client, names = sign_in(app, account), _asked_names()
    assert len(names) > 8
    plain = [r.rule for r in app.url_map.iter_rules() if "GET" in (r.methods or ()) and "<" not in r.rule]
    for path in plain:
        if path.startswith(("/api/", "/deconnexion", "/sante")):  # health is red here: no worker lives
            continue
        # Each page one of them: what reads a number is shared, and is given each below.
        value = HOSTILE[1:5:3][zlib.crc32(path.encode()) % 2]
        answer = client.get(path, query_string=[(name, value) for name in names])
        assert answer.status_code < 500, f"{path} {value}: {answer.status_code}"


@pytest.mark.parametrize("value", HOSTILE)
def test_a_form_says_that_it_is_no_number(value: str) -> None:
    for read in (lambda f: f.integer("n"), lambda f: f.integers("n")):
        fields = FormReader(MultiDict({"n": value}))
        assert not read(fields)
        with pytest.raises(FormRefused):
            fields.check()


def test_a_ticked_number_is_never_cut_to_another() -> None:
    fields = FormReader(MultiDict([("n", "1234567890123"), ("n", "7")]))
    assert fields.integers("n") == (1234567890123, 7)


@pytest.mark.parametrize("sent", [{}, {"word": (io.BytesIO(), "")}, {"other": (io.BytesIO(b"x"), "a.pdf")}])
def test_a_form_says_at_its_field_that_no_file_was_chosen(sent: dict[str, object]) -> None:
    with Flask(__name__).test_request_context(method="POST", data=sent), pytest.raises(Invalid) as refusal:
        chosen_file("word")
    assert (refusal.value.code, refusal.value.params["field"]) == ("file.not_chosen", "word")


def _bridge_token(services: Services) -> str:
    now = datetime.now(UTC)
    with services.reading() as session:
        unit = session.scalar(select(Unit.id).limit(1))
    with services.unit_of_work(now) as uow:
        code = bridges.make_pairing_code(uow, unit or 0, actor=actor(services, "admin"), now=now)
    with services.unit_of_work(now) as uow:
        return bridges.pair(uow, code, "Bureau", now=now)[0]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 5_000 + b"]" * 5_000,
        b'{"devices":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"devices":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"devices": [' + b"1," * 2_000_000 + b"1]}",
        b'{"devices": ' + b"9" * 10_000 + b"}",
        b'{"devices": [{"name": "\\ud800"}]}',
        b'{"devices": [{"name": "a\\u0000b"}]}',
        b"\xff\xfe",
        b"null",
        b"",
    ],
    ids=["deep", "deeper", "deep objects", "long", "number", "half a surrogate", "nul", "no text", "null", "empty"],
)
def test_json_of_any_depth_and_size_is_refused_in_words(site: tuple[Flask, Services], body: bytes) -> None:
    app, services = site
    headers = {"Authorization": f"Bearer {_bridge_token(services)}", "Content-Type": "application/json"}
    answer = app.test_client().post("/api/bridge/devices", data=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "api.json"  # type: ignore[index]


@pytest.mark.parametrize("pages", [10**18, 10**30, -1, True, 1.5, "7"])
def test_a_count_of_a_bridge_is_bounded(site: tuple[Flask, Services], pages: object) -> None:
    app, services = site
    headers = {"Authorization": f"Bearer {_bridge_token(services)}"}
    answer = app.test_client().post("/api/bridge/order/1/state", json={"pages": pages, "state": "x"}, headers=headers)
    assert answer.status_code < 500


# --- names ---


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("courrier.example.tg", 200),
        ("courrier.example.tg:443", 200),
        ("autre.example.tg", 200),
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("[::1]:8000", 200),
        ("pirate.example.com", 421),
        ("courrier.example.tg.pirate.example.com", 421),
        ("xcourrier.example.tg", 421),
        ("courrier.example.tg@pirate.example.com", 421),
        ("", 421),
    ],
)
def test_only_own_names_are_served(tmp_path: Path, host: str, status: int) -> None:
    app, services = make_site(tmp_path, public_url=SECURE, hosts=["autre.example.tg"])
    answer = app.test_client().get("/connexion", headers={"Host": host})
    assert answer.status_code == status
    if status == 421:
        assert "GED_HOSTS" in answer.text
        assert "pirate" not in answer.text
    services.engine.dispose()


@pytest.mark.parametrize(("url", "told"), [(SECURE, True), ("http://127.0.0.1:8000", False)])
def test_https_is_asked_for_ever_where_the_public_address_has_it(tmp_path: Path, url: str, told: bool) -> None:
    app, services = make_site(tmp_path, public_url=url)
    answer = app.test_client().get("/connexion")  # the proxy uses plain HTTP to us
    assert (answer.headers.get("Strict-Transport-Security") == "max-age=31536000; includeSubDomains") is told
    services.engine.dispose()


# --- proxies ---


def _env(folder: Path, *lines: str) -> Path:
    path = folder / "ged.env"
    path.write_text("\n".join([f"GED_SECRET={'s' * 40}", f"GED_DATA_DIR={folder}", *lines]) + "\n")
    return path


def test_an_unknown_proxy_keeps_the_site_from_starting(tmp_path: Path) -> None:
    env = _env(tmp_path, f"GED_PUBLIC_URL={SECURE}")
    stopped = CliRunner().invoke(main, ["--env", str(env), "serve"])
    assert stopped.exit_code == 1
    assert "GED_PROXIES to the number of proxies" in stopped.output
    with pytest.raises(ConfigError, match=r"config\.proxies"):
        refuse_unknown_addresses(load_settings(env))


@pytest.mark.parametrize(
    "lines",
    [(f"GED_PUBLIC_URL={SECURE}", "GED_PROXIES=1"), (f"GED_PUBLIC_URL={SECURE}", "GED_DIRECT=true"), ()],
    ids=["proxy named", "direct", "plain"],
)
def test_a_known_way_to_the_site_starts(tmp_path: Path, lines: tuple[str, ...]) -> None:
    refuse_unknown_addresses(load_settings(_env(tmp_path, *lines)))


@pytest.mark.parametrize(
    "path", ["/bannette/?q=%00", "/suivi/?q=a%1F", "/a-imputer/destinataires?q=a%00", "/correspondants/?%00=1"]
)
def test_an_address_with_a_control_character_is_refused_in_words_and_kept_nowhere(tmp_path: Path, path: str) -> None:
    """PostgreSQL accepts no zero byte. Stored in the session, it would break the inbox until the person signs out."""
    app, services = make_site(tmp_path)
    client = sign_in(app, "dge")
    answer = client.get(path)
    assert answer.status_code == 400
    assert "pas été comprise" in answer.text
    assert client.get("/bannette/").status_code == 200, "the filter is not kept"
    assert client.get("/bannette/?q=a%09b%0A").status_code == 200, "pasted text"
    services.engine.dispose()


def test_typed_text_has_a_limit_as_in_forms_with_files(tmp_path: Path) -> None:
    """Nobody needs to be signed in to send it: the token of a form is read of it first."""
    app, services = make_site(tmp_path)
    client = app.test_client()
    for path in ("/connexion", "/enregistrer/"):
        sent = client.post(path, data={"account": "%" * 1_000_000})
        assert sent.status_code == 413, path
        assert "Fichier trop lourd" in sent.text
    assert client.post("/connexion", data={"account": "x" * 100_000}).status_code != 413
    services.engine.dispose()
