"""A right by exception on every address of the site: it opens what shows the letter, it writes each opening, and nothing else opens.

The routes come from the map of the site, so a new one is walked too: it stays shut until ``web.site.by_exception`` names it.
"""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice

import pytest
from sqlalchemy import func, select, update

from ged import access
from ged.access import Because
from ged.audit import AuditEntry
from ged.org.models import Person
from ged.ports import Confidentiality, exception_principal
from ged.register.models import Attachment, Mail
from tests.factories import NOW, actor
from tests.furnished_kit import Furnished, addresses, bare_refusals, furnished, may_enter
from tests.sample_kit import in_turn
from tests.site import sign_in
from web.site.by_exception import ENDPOINTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WHO = "daf"
UNWRITTEN = {"documents.thumbnail", "proofs.signatures", "search.index", "search.facets"}
"""They lead to a page that writes the opening, or tell of a secret letter its number alone."""
Answers = dict[tuple[str, str], tuple[int, int]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    return furnished(tmp_path_factory.mktemp("by-exception"))


def entries(place: Furnished) -> int:
    with place.services.reading() as session:
        return session.scalar(select(func.count(AuditEntry.sequence))) or 0


def walk(place: Furnished, among: Container[str] | None = None) -> Answers:
    """(endpoint, address) -> (code, new entries of the journal). The usual run asks for half of the addresses.

    Args:
        among: the addresses that are asked for; None: all.
    """
    client, entered, found = sign_in(place.app, WHO), may_enter(place.app, actor(place.services, WHO)), Answers()
    for rule in place.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint not in entered or not rule.arguments:
            continue
        paths = islice(addresses(place, rule), 40)
        for path in paths if rule.endpoint == "letters.show" else filter(partial(in_turn, of=2), paths):
            if among is not None and path not in among:
                continue
            before = entries(place)
            with client.get(path) as answer:
                found[rule.endpoint, path] = answer.status_code, entries(place) - before
    return found


def excepted(place: Furnished, until: date | None) -> None:
    """Let the person read by exception until a day; None: not at all."""
    with place.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == WHO).values(excepted_until=until))


def test_only_what_shows_the_letter_opens_and_each_opening_is_written(place: Furnished) -> None:
    services, daf = place.services, actor(place.services, WHO)
    with services.reading() as session:
        with_files = session.scalars(select(Attachment.mail_id).distinct().order_by(Attachment.mail_id)).all()
        unseen = [one for one in with_files if not access.may_see(session, one, Confidentiality.SECRET, daf)]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id.in_(unseen)).values(level=int(Confidentiality.SECRET)))
    until = datetime.now(UTC).astimezone(services.zone).date() + timedelta(days=3)
    excepted(place, until)
    with services.unit_of_work(NOW) as uow:
        for mail_id in unseen:
            access.grant(uow, mail_id, [exception_principal(int(daf.person_id), until)], Because.SHARED)
    with bare_refusals():
        shown = {key: answer for key, answer in walk(place).items() if answer[0] not in (403, 404)}
        excepted(place, None)
        shut = walk(place, {path for _endpoint, path in shown})
    excepted(place, until)
    opened = {key: answer for key, answer in shown.items() if answer[0] != shut[key][0]}
    assert {endpoint for endpoint, _path in opened} <= ENDPOINTS
    assert {"letters.show", "documents.show", "documents.page_image", "documents.original"} <= {
        one for one, _ in opened
    }
    silent = [path for (endpoint, path), (_, new) in opened.items() if endpoint not in UNWRITTEN and not new]
    assert silent == []
    client = sign_in(place.app, WHO)
    for mail_id in unseen:
        page = client.get(f"/courriers/{mail_id}").text
        main = page[page.index('id="registration"') :]
        assert 'method="post"' not in main
        for path in re.findall(r'(?:href|hx-get|src)="(/[^"#]*)', page):
            with client.get(path.replace("&amp;", "&")) as answer:
                assert answer.status_code in (200, 302, 303), f"{path} on the page of {mail_id}"
