"""One messenger carries several letters: one act, one sheet. Short numbers and label codes identify letters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from pypdfium2 import PdfDocument
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.codes import CodeKind, make_code
from ged.dispatch import operations as dispatch
from ged.dispatch import queries as dispatch_queries
from ged.dispatch.models import DispatchLine, DispatchState
from ged.errors import Forbidden, GedError, Invalid, NotFound
from ged.ports import Confidentiality, MailId
from ged.register import typed_numbers
from ged.register.models import Channel, Mail
from ged.register.states import MailState
from ged.unit import Services
from tests.factories import NOW, actor
from tests.routing_kit import register
from tests.signed_outside_kit import enter
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path)
    yield made
    made[1].engine.dispose()


def lines(services: Services, *mail_ids: int) -> list[DispatchLine]:
    with services.reading() as session:
        query = select(DispatchLine).where(DispatchLine.mail_id.in_(mail_ids)).order_by(DispatchLine.id)
        return list(session.scalars(query))


def printed(pdf: bytes) -> str:
    """The text of the first page, on one line."""
    return " ".join(PdfDocument(pdf)[0].get_textpage().get_text_range().split())


def leave(services: Services, line_ids: list[int], who: str = "agent", carrier: str = "Koffi") -> list[int]:
    with services.unit_of_work(NOW) as uow:
        left = dispatch.leave_together(uow, dict.fromkeys(line_ids), carrier, actor=actor(services, who))
        return [line.id for line in left]


def test_what_is_ticked_leaves_with_the_messenger_in_one_act(site: Site) -> None:
    services = site[1]
    one, two = enter(services, copies=("DAF",)).mail_id, enter(services, addressees=("Mairie",), copies=()).mail_id
    first, second, copy, other = lines(services, one, two)
    assert leave(services, [other.id, first.id, second.id]) == [first.id, second.id, other.id]
    states = {line.id: (line.state, line.channel, line.carrier) for line in lines(services, one, two)}
    assert states[first.id] == (DispatchState.LEFT, Channel.HAND, "Koffi")
    assert states[copy.id][0] is DispatchState.TO_SEND
    with services.reading() as session:
        letters = dict(session.execute(select(Mail.id, Mail.state)).all())
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "dispatch.left")).all()
        rows = dispatch_queries.lines_of_round(session, [first.id, copy.id, other.id], actor(services, "agent"))
        waiting = dispatch_queries.waiting_lines(session, actor(services, "agent"))
    assert letters == {one: MailState.SIGNED, two: MailState.DISPATCHED}
    assert len(told) == 3
    assert [row.id for row in rows] == [first.id, other.id], "what has not left is on no sheet"
    assert [row.id for row in waiting] == [copy.id]


@pytest.mark.parametrize(
    ("carrier", "count", "code"), [(" ", 1, "dispatch.carrier"), ("Koffi", 0, "dispatch.none_chosen")]
)
def test_a_round_without_messenger_or_line_is_refused(site: Site, carrier: str, count: int, code: str) -> None:
    services = site[1]
    ids = [line.id for line in lines(services, enter(services).mail_id)][:count]
    with pytest.raises(Invalid) as refused:
        leave(services, ids, carrier=carrier)
    assert refused.value.code == code


def test_one_line_that_may_not_leave_keeps_all_of_them(site: Site) -> None:
    services = site[1]
    first, second, third = lines(services, enter(services).mail_id)
    leave(services, [first.id])
    with pytest.raises(GedError) as gone:
        leave(services, [first.id, second.id])
    assert gone.value.code == "dispatch.gone"
    assert lines(services, second.mail_id)[1].state is DispatchState.TO_SEND
    with pytest.raises(Forbidden):
        leave(services, [third.id], "daf")
    with pytest.raises(NotFound):
        leave(services, [third.id], "etudes")
    with pytest.raises(Invalid) as many:
        leave(services, list(range(1, 102)))
    assert many.value.code == "dispatch.too_many"


def test_the_site_ticks_notes_and_prints_one_sheet(site: Site) -> None:
    app, services = site
    assert "Rien n'attend d'être porté" in sign_in(app, "agent").get("/departs/tournee/").text
    done = enter(services, addressees=("Mairie de Lomé",), copies=("DAF",))
    client = sign_in(app, "agent")
    assert "Tournée du porteur" in client.get("/departs/").text
    page = client.get("/departs/tournee/").text
    assert "Mairie de Lomé" in page
    ids = [line.id for line in lines(services, done.mail_id)]
    data = {"line": ids, "carrier": "Mawuli Dzidzo", **{f"version-{one}": 1 for one in ids}}
    bare = post(client, "/departs/tournee/", {**data, "carrier": ""}, page="/departs/tournee/")
    assert bare.status_code == 422
    assert bare.text.count(" checked") == 2, "the ticks stay"
    stale = post(client, "/departs/tournee/", {**data, f"version-{ids[0]}": 9})
    assert stale.status_code == 409
    noted = post(client, "/departs/tournee/", data, follow_redirects=True).text
    assert "2 départs sont notés." in noted
    assert "Imprimer la feuille de tournée" in noted
    sheet = client.get("/departs/tournee/feuille.pdf", query_string={"ligne": ids})
    text = printed(sheet.data)
    for word in ("FEUILLE DE TOURNÉE", "Mawuli Dzidzo", "Mairie de Lomé", done.number):
        assert word in text, word
    assert client.get("/departs/tournee/feuille.pdf?ligne=999").status_code == 404
    assert sign_in(app, "daf").get("/departs/tournee/feuille.pdf", query_string={"ligne": ids}).status_code == 404
    assert sign_in(app, "etudes").get("/departs/tournee/").status_code == 403


def test_a_confidential_subject_is_masked_on_the_sheet_and_its_printing_recorded(site: Site) -> None:
    app, services = site
    done = enter(services, subject="Affaire réservée", copies=(), level=Confidentiality.RESTRICTED)
    leave(services, [line.id for line in lines(services, done.mail_id)])
    ids = [line.id for line in lines(services, done.mail_id)]
    sheet = sign_in(app, "agent").get("/departs/tournee/feuille.pdf", query_string={"ligne": ids})
    text = printed(sheet.data)
    assert "Courrier confidentiel" in text
    assert "réservée" not in text
    with services.reading() as session:
        told = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_id == done.mail_id)).all()
    assert any("print" in action for action in told)


# --- short numbers ------------------------------------------------------------------------------------------------


def found(services: Services, text: str, who: str = "agent", *, year: int = 2026, chosen: int | None = None) -> MailId:
    with services.reading() as session:
        return typed_numbers.letter_by_short_number(
            session,
            text,
            actor(services, who),
            year=year,
            code_key=services.code_key,
            field="add_number",
            chosen=chosen,
        )


def test_a_letter_is_named_by_its_count_of_the_year_or_by_the_code_of_its_label(site: Site) -> None:
    services = site[1]
    arrivals = [register(services, f"Lettre {n}") for n in range(3)]
    departure = enter(services)
    for text in ("3", "00003", " 3 ", "3/2026", "00003 / 2026", "3-2026", arrivals[2].number, "3/2026/min"):
        assert found(services, text) == arrivals[2].mail_id, text
    assert found(services, "3/2026", year=2027) == arrivals[2].mail_id, "a letter of another year says its year"
    assert found(services, "1") == arrivals[0].mail_id, "an arrival comes before a departure"
    assert found(services, departure.number) == departure.mail_id
    assert found(services, "3", "sg") == arrivals[2].mail_id, (
        "the register is of the mail office, the letter is the head's"
    )
    code = make_code(CodeKind.LABEL, arrivals[1].number_id, key=services.code_key)
    assert found(services, code) == arrivals[1].mail_id
    for text, who, year in (
        ("4", "agent", 2026),
        ("3", "agent", 2025),
        ("3/2025", "agent", 2026),
        ("3", "daf", 2026),
        ("12345678", "agent", 2026),
    ):
        with pytest.raises(Invalid) as unknown:
            found(services, text, who, year=year)
        assert unknown.value.code == "number.none_visible", text
    wrong = make_code(CodeKind.LABEL, arrivals[1].number_id, key=b"x" * 32)
    with pytest.raises(Invalid):
        found(services, wrong)


@pytest.mark.usefixtures("site_clock")
def test_a_slip_takes_a_letter_by_its_short_number(site: Site) -> None:
    app, services = site
    done = register(services, "Demande de compteurs")
    client = sign_in(app, "agent")
    assert "son seul rang (4)" in client.get("/bordereaux/nouveau").text
    added = post(client, "/bordereaux/nouveau", {"act": "letter", "add_number": "00001"})
    assert "Demande de compteurs" in added.text
    assert f'name="mail" value="{done.mail_id}"' in added.text
