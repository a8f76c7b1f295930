"""Two hosts behind a front, on networks of their own: each request of a person may come to either, and one host may be lost."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from demo.client import Person
from demo.journey import SEED, Journey
from demo.letters import make_letters
from demo.people import PASSPHRASE, PASSWORD
from ged.config import load_settings
from ged.jobs import Job, JobKind, JobState
from ged.unit import Services
from ged.workers import Worker
from tests.browsing import authenticator, leading_on, press, sign_in
from tests.chaos_kit import Work, people_at_work, settle
from tests.hosts_kit import NAME, Hosts, Machine, ministry_on_two_hosts
from tests.pages import pdf
from web.wiring import settings_file
from web.wiring.services import build_services

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.servers,
    pytest.mark.timeout(900),
    pytest.mark.long("two hosts in network namespaces: tests/faults/test_failover.py shows a machine that goes away"),
]
OWN_SESSIONS = "/mon-compte/sessions"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, elasticsearch_url: str) -> Iterator[Hosts]:
    with ministry_on_two_hosts(tmp_path_factory.mktemp("hosts"), elasticsearch_url) as made:
        yield made


@pytest.fixture
def services(hosts: Hosts) -> Iterator[Services]:
    made = build_services(load_settings(settings_file.file_of(hosts.stage.data)))
    yield made
    made.engine.dispose()


@pytest.fixture
def desk(hosts: Hosts) -> Iterator[Journey]:
    made = Journey(hosts.stage, say=print, start_bridge=lambda: None)
    yield made
    made.leave()


def test_a_session_a_form_and_an_opened_key_hold_on_both_hosts(hosts: Hosts, desk: Journey) -> None:
    """The front gives requests in turn: what one host shows, the other takes."""
    before = hosts.asked()
    (letter,) = make_letters(SEED, 1)
    (one,) = desk.register((letter,))
    clerk = desk.person("bo.agent")
    clerk.send(clerk.open("/cle/deverrouiller").form("/cle"), {"passphrase": PASSPHRASE})
    for _ in range(4):
        assert (
            "passphrase" not in clerk.open(f"/bordereaux/nouveau?mail={one.mail_id}").form("/bordereaux/nouveau").names
        )
    after = hosts.asked()
    assert min(after[name] - before[name] for name in after) >= 5, after


def test_only_the_front_is_believed_whose_request_it_is(hosts: Hosts) -> None:
    """A client says that it is somebody else, to the front and to a host itself: neither listens."""
    claim = {"X-Forwarded-For": "192.0.2.66", "X-Real-IP": "192.0.2.66", "Forwarded": "for=192.0.2.66"}
    for url in (hosts.stage.url, *(f"https://{host.address}" for host in hosts.hosts)):
        with hosts.asking(url) as client:
            client.headers.update(claim)
            form = client.get("/connexion")
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)
            assert token is not None
            values = {"csrf_token": token[1], "account": "daf.agent", "password": PASSWORD}
            assert client.post("/connexion", data=values).status_code in (302, 303), url
            shown = client.get(OWN_SESSIONS).text
        assert hosts.network.near in shown, url
        assert "192.0.2.66" not in shown, url


def test_the_parts_of_an_upload_come_to_both_hosts_and_a_worker_of_either_reads_it(
    hosts: Hosts, services: Services, desk: Journey
) -> None:
    clerk, before = desk.person("bo.agent"), hosts.asked()
    for n in range(2):
        deposit(clerk, f"lettre-{n}.pdf", pages=1)
    settle(services)
    after = hosts.asked()
    assert min(after[name] - before[name] for name in after) >= 2, after
    with services.reading() as session:
        names = session.scalars(select(Worker.host)).all()
    assert sorted(names) == ["alpha", "beta"]


def deposit(clerk: Person, name: str, *, pages: int) -> None:
    """Deposit a file of so many pages."""
    form = clerk.open("/numerisations/").form("/fichiers")
    content = pdf(*(f"Page {n} de {name}: demande d'autorisation" for n in range(pages)))
    clerk.send(form, {}, files=[("file", (name, content, "application/pdf"))])


@pytest.fixture
def work(hosts: Hosts, services: Services, request: pytest.FixtureRequest) -> Iterator[Work]:
    with people_at_work(hosts.stage, services, request.node.callspec.id[0]) as made:
        yield made


@pytest.mark.browser
@pytest.mark.long("a passkey on two hosts: a session and an opened key show that either takes what the other gave")
def test_a_passkey_made_at_one_host_opens_the_site_at_the_other(hosts: Hosts, browser: Browser) -> None:
    """Each of its steps is two requests: the question comes from one host, the answer goes to the other."""
    with hosts.browser(browser) as own:
        page = own.new_context(base_url=hosts.named, locale="fr-FR").new_page()
        session, device = authenticator(page)
        sign_in(page, "daf.agent", PASSWORD)
        page.goto("/mon-compte/verification/")
        with leading_on(page):
            page.get_by_role("link", name="Ajouter une clé d’accès", exact=True).click()
        page.fill("#name", "Clé du bureau")
        page.fill("#current_password", PASSWORD)
        press(page, "Continuer")
        press(page, "Continuer")
        expect(page.locator("[data-code]")).to_have_count(10)
        (made,) = session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
        assert made["rpId"] == NAME
        page.context.clear_cookies()
        for _ in range(2):
            before = hosts.asked()
            page.goto("/connexion?next=/bannette/")
            press(page, "Se connecter par une clé d’accès")
            expect(page).to_have_url(f"{hosts.named}/bannette/")
            after = hosts.asked()
            assert min(after[name] - before[name] for name in after) >= 2, after
            page.context.clear_cookies()


def host_at_work(hosts: Hosts, services: Services, clerk: Person) -> tuple[Machine, int]:
    """The host whose worker reads a letter now, and the job."""
    deposit(clerk, f"longue-{time.time():.0f}.pdf", pages=12)
    reading = select(Job.worker, Job.id).where(
        Job.kind.in_((JobKind.RECOGNISE, JobKind.READ_SCAN, JobKind.INTAKE)), Job.state == JobState.RUNNING
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with services.reading() as session:
            found = session.execute(reading).first()
        if found is not None:
            return next(one for one in hosts.hosts if one.name == found.worker.partition(":")[0]), found.id
        time.sleep(0.002)
    raise AssertionError("no worker reads")


LOSSES = {
    "killed": (Hosts.kill, Hosts.start),
    "frozen": (lambda _hosts, one: one.freeze(), lambda _hosts, one: one.thaw()),
    "unplugged": (lambda _hosts, one: one.unplug(), lambda _hosts, one: one.plug_in()),
}


@pytest.mark.long("a host is lost while people work, three times: the tests above show both at work")
@pytest.mark.parametrize("how", LOSSES)
def test_a_host_is_lost_while_people_work_and_comes_back(
    hosts: Hosts, services: Services, desk: Journey, work: Work, how: str
) -> None:
    lose, bring_back = LOSSES[how]
    work.after(0, count=6)
    host, job_id = host_at_work(hosts, services, desk.person("bo.agent"))
    known = len(work.told.repeated)
    lost = time.monotonic()
    lose(hosts, host)
    first = work.after(lost + 0.5) - lost  # what was confirmed in the same moment came from before
    work.after(lost + 0.5, count=12)
    repeated = work.told.repeated[known:]
    while True:
        with services.reading() as session:
            job = session.get_one(Job, job_id)
        if job.state is JobState.DONE:
            break
        assert time.monotonic() - lost < 180, (job.state, job.worker)
        time.sleep(0.2)
    taken_over = time.monotonic() - lost
    assert not job.worker.startswith(f"{host.name}:"), job.worker
    back = time.monotonic()
    bring_back(hosts, host)
    hosts.wait_for(host)
    asked = hosts.asked()[host.name]
    until = time.monotonic() + 60
    while hosts.asked()[host.name] < asked + 5:
        assert time.monotonic() < until, "the front gives it nothing"
        time.sleep(0.1)
    print(f"{how}: the next confirmation after {first:.1f} s, requests repeated by three people: {len(repeated)}, its job was done"
          f" by the other host after {taken_over:.1f} s, asked again {time.monotonic() - back:.1f} s after it came back\n{repeated}")  # fmt: skip
    assert len(repeated) <= 3, "nobody loses more than one request"
    assert first < 30
