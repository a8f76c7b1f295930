"""Time-stamps by a real authority (certomancer), and signing while it is unreachable."""

import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select

from ged.errors import EngineFailed, InvalidTransition
from ged.ports import Verdict
from ged.register import allocation
from ged.register.models import Register
from signing.anchor_stamp import AuthorityStamper
from signing.pades import PadesSigner
from tests.factories import SharedChecker, actor, make_organisation, make_services
from tests.servers import free_port
from tests.servers.authorities import Authorities
from tests.signing_kit import NOW, SENDER, page_pdf, request, unlocked, vault

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def authority(tmp_path):
    """Its clock is the real one."""
    authority = Authorities(tmp_path / "others", datetime.now(UTC))
    yield authority
    authority.close()


@pytest.fixture
def keys(tmp_path):
    return vault(tmp_path / "authority")


def _sign(signer, keys):
    key = unlocked(keys)
    return signer.sign(page_pdf(), request(SENDER), sealed=key.sealed, cookie_key=key.cookie_key, now=NOW)


def _check(roots, pdf):
    checker = SharedChecker(roots)
    (report,) = checker.check(pdf, at=datetime.now(UTC))  # the authority's clock is the real one
    checker.close()
    return report


def test_b_t_while_the_authority_answers_and_b_b_when_it_is_gone(authority, keys):
    signer = PadesSigner([authority.tsa()], tsa_timeout_s=3)
    stamped = _sign(signer, keys)
    assert stamped.level == "B-T"

    authority.close()
    plain = _sign(PadesSigner([authority.tsa()], tsa_timeout_s=3), keys)
    assert plain.level == "B-B"
    assert _sign(signer, keys).level == "B-B"  # also for a signer that used the authority before

    report = _check(keys.trust_roots_pem(), plain.pdf)
    assert (report.verdict, report.level, report.signed_at) == (Verdict.GREEN, "B-B", NOW)


def test_the_report_takes_the_time_of_an_authority_that_we_trust(authority, keys):
    stamped = _sign(PadesSigner([authority.tsa()]), keys).pdf
    ours = keys.trust_roots_pem()
    report = _check(ours, stamped)
    assert (report.verdict, report.level, report.signed_at) == (Verdict.GREEN, "B-T", NOW)
    report = _check([*ours, authority.root_pem], stamped)
    assert (report.verdict, report.level) == (Verdict.GREEN, "B-T")
    assert report.signed_at is not None
    assert report.signed_at != NOW  # the authority's clock, not the time that the signer claims


def test_a_changed_time_stamp_is_not_green(authority, keys):
    stamped = _sign(PadesSigner([authority.tsa()]), keys).pdf
    token = stamped.upper().index(b"060B2A864886F70D0109100104")  # id-ct-TSTInfo
    roots = [*keys.trust_roots_pem(), authority.root_pem]
    report = _check(
        roots,
        stamped[: token + 120] + b"%02X" % (int(stamped[token + 120 : token + 122], 16) ^ 1) + stamped[token + 122 :],
    )
    assert report.verdict in {Verdict.AMBER, Verdict.RED}


def test_the_second_authority_answers_for_the_first(authority, keys):
    dead = f"http://127.0.0.1:{free_port()}/"
    assert _sign(PadesSigner([dead, authority.tsa()]), keys).level == "B-T"


def test_an_answer_that_is_no_time_stamp_degrades_too(authority, keys):
    page = authority.tsa().removesuffix("/tsa/tsa") + "/crls/root/latest.crl"
    assert _sign(PadesSigner([page]), keys).level == "B-B"


@pytest.fixture
def endless():
    """An authority that sends for as long as somebody reads, in pieces of so many bytes, each after a pause."""
    servers = []

    def start(piece, pause_s):
        class Endless(BaseHTTPRequestHandler):
            def do_POST(self):
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.end_headers()
                with suppress(OSError):  # the caller went away
                    while True:
                        self.wfile.write(b"0" * piece)
                        server.sent += piece
                        time.sleep(pause_s)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
        server.sent = 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("piece", "pause_s"), [(65_536, 0.0), (1, 0.1)], ids=["quickly", "byte by byte"])
def test_an_authority_that_sends_without_end_is_left(endless, keys, piece, pause_s):
    server = endless(piece, pause_s)
    began = time.monotonic()
    signer = PadesSigner([f"http://127.0.0.1:{server.server_port}/"], tsa_timeout_s=3)
    assert _sign(signer, keys).level == "B-B"
    assert time.monotonic() - began < 20
    assert server.sent < 16 * 1024 * 1024  # what the two systems hold on the way is more than was read


def test_the_authority_tells_the_hour_and_says_so_when_it_is_gone(authority):
    stamper = AuthorityStamper((authority.tsa(),), timeout_s=3)
    told = stamper.time()
    assert abs((datetime.now(UTC) - told).total_seconds()) < 60
    authority.close()
    with pytest.raises(EngineFailed) as refused:
        stamper.time()
    assert refused.value.code == "sign.no_timestamp"


@pytest.mark.parametrize("hour", [b"20261301000000Z", b"20261126150000+2400"])
def test_an_hour_that_is_none_is_no_answer(authority, monkeypatch, hour):
    stamper = AuthorityStamper((authority.tsa(),), timeout_s=3)
    true = stamper._token

    def strange(digest):
        token = true(digest)
        told = token["content"]["encap_content_info"]["content"].parsed
        told["gen_time"].contents = hour
        return token

    monkeypatch.setattr(stamper, "_token", strange)
    with pytest.raises(EngineFailed) as refused:
        stamper.time()
    assert refused.value.code == "sign.no_timestamp"


def test_a_number_of_next_year_needs_the_authoritys_clock(authority, tmp_path):
    services = make_services(tmp_path)
    make_organisation(services)
    services = replace(services, timestamper=AuthorityStamper((authority.tsa(),), timeout_s=3))
    clerk = actor(services, "agent")
    today = datetime.now(UTC)

    def number(now):
        with services.unit_of_work(now) as uow:
            register_id = uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one()
            return allocation.allocate(uow, register_id, actor=clerk, post=clerk.posts[0]).text

    number(today)
    number(today + timedelta(days=1))
    with pytest.raises(InvalidTransition) as refused:
        number(today + timedelta(days=30))
    assert refused.value.code == "clock.ahead"
    authority.close()
    assert number(today + timedelta(days=30)), "an authority that is away raises no doubt"
