"""A page or a file of a restricted letter leaves an entry in the journal, at whatever address it is read.

The routes come from the map of the site, so a new one is walked too. Here every letter is SECRET and everybody is cleared.
"""

from __future__ import annotations

from itertools import islice

import pytest
from sqlalchemy import func, select, update

from ged.audit import AuditEntry
from ged.org.models import Person
from ged.ports import Confidentiality
from ged.register.models import Mail
from tests.factories import NOW, actor
from tests.furnished_kit import Furnished, addresses, bare_refusals, furnished, may_enter
from tests.site import sign_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

READERS = ("agent", "dge")
MOST = 12
"""Addresses of one route that are tried for one person."""
A_LIST = "a list: it hides what is secret, or records each restricted letter of which it tells"
NO_LETTER = "no file of a letter"
SILENT = {
    "dispatch.book_pdf": A_LIST, "followup.sheet": A_LIST, "registers.pages": A_LIST,
    "paper.print_picture": "the print of a slip, as below", "slips.pdf": "a slip tells of a secret letter its number alone",
    "to_transmit.printed": "slips", "register.label": "a number and its code",
    "reserve.pdf": "numbers of lines and of the register alone", "legal_papers.preview": NO_LETTER, "pki.token_keys": NO_LETTER, "rollout.existing": NO_LETTER,
    "rollout.template": NO_LETTER, "takeovers.marked": NO_LETTER, "health.site": NO_LETTER, "health.ready": NO_LETTER, "pki.verifier": NO_LETTER, "pki.verifier_digest": NO_LETTER, "search.export": A_LIST, "impute.people": NO_LETTER,
    "register.known_senders": "of ordinary letters alone",
    "dashboard.export": "numbers, without letters", "supervision.export": "numbers, without letters",
}  # fmt: skip
"""Files without an entry, with the reason."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    made = furnished(tmp_path_factory.mktemp("openings"))
    with made.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).values(level=Confidentiality.SECRET))
        uow.session.execute(update(Person).values(clearance=Confidentiality.SECRET))
    return made


def _entries(place: Furnished) -> int:
    with place.services.reading() as session:
        return session.scalar(select(func.count(AuditEntry.sequence))) or 0


def test_whoever_reads_a_file_of_a_restricted_letter_stands_in_the_journal(place: Furnished) -> None:
    silent, read = dict[str, str](), set[str]()
    for account in READERS:
        client, entered = sign_in(place.app, account), may_enter(place.app, actor(place.services, account))
        for rule in place.app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint not in entered or rule.endpoint in SILENT:
                continue
            own = place.own.get((rule.endpoint, account)) or place.own.get((rule.endpoint, ""))
            for path in [own] if own else islice(addresses(place, rule), MOST):
                before = _entries(place)
                with bare_refusals(), client.get(path) as answer:
                    is_right, is_page = answer.status_code == 200, answer.mimetype == "text/html"
                if is_right and is_page:
                    break  # a route of pages
                if is_right and _entries(place) > before:
                    read.add(rule.endpoint)
                elif is_right:
                    silent.setdefault(rule.endpoint, f"{account} {path}")
    assert read > {"documents.page_image", "documents.original", "drafts.preview"}, read
    assert not silent, "\n".join(f"{name}: {how}" for name, how in sorted(silent.items()))
