"""The page of a letter sends few queries, however much happened to the letter and whichever role opens it."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from ged.ports import MailId
from ged.register.models import AttachmentKind
from tests import letter_kit
from tests.routing_kit import impute, register
from tests.sample_kit import LONG_RUN
from tests.signbook_kit import House
from tests.site import sign_in
from web.site import natures, pages

MOST = 25
ACCOUNTS = ("agent", "dge", "sg", "secretaire", "etudes", "daf")
"""Clerk; a head of a direction who is also a clerk; secretary general; secretary; member of a service; another head."""


def counted(client: FlaskClient, house: House, mail_id: MailId) -> int | None:
    """The queries of the page when it is opened again; the first time it records the reading. None when the person may
    not."""
    if client.get(f"/courriers/{mail_id}").status_code == 404:
        return None
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "COMMIT", "ROLLBACK")):
            sent.append(statement)

    event.listen(house.services.engine, "before_cursor_execute", note)
    try:
        assert client.get(f"/courriers/{mail_id}").status_code == 200
    finally:
        event.remove(house.services.engine, "before_cursor_execute", note)
    return len(sent)


def counts(app: Flask, house: House, letters: dict[str, MailId]) -> dict[tuple[str, str], int]:
    """The counts for each letter and each account that may see it."""
    clients = {who: sign_in(app, who) for who in ACCOUNTS}
    told = {(who, name): counted(clients[who], house, letters[name]) for who in ACCOUNTS for name in letters}
    return {key: count for key, count in told.items() if count is not None}


def live(house: House, mail_id: MailId, *, name: str) -> None:
    """Add one row to each list of the letter's page."""
    letter_kit.document(house, mail_id, f"{mail_id} {name}")
    letter_kit.linked(house, mail_id, f"{mail_id} {name}")
    letter_kit.rectified(house, mail_id, f"{mail_id} {name}")


@pytest.fixture
def place(tmp_path: Path) -> tuple[Flask, House]:
    return letter_kit.make_place(tmp_path)


def full_letters(house: House) -> dict[str, MailId]:
    """Letters with imputations, assignments, slips, a signed answer, attachments, links, corrections; one from an
    envelope."""
    incoming, answer = letter_kit.signed_answer(house)
    opened = letter_kit.opened_envelope(house)
    impute(house.services, opened, "DGE", ("DAF",), mentions=("opinion",), note="Pour avis")
    for mail_id in (incoming, opened):
        letter_kit.document(house, mail_id, f"lettre {mail_id}", AttachmentKind.DOCUMENT)
        letter_kit.given_on(house, mail_id)
        live(house, mail_id, name="1")
    letter_kit.sent_on(house, incoming)
    # Letters wait in the signature books too: the navigation of this page counts them.
    house.submit(house.answer())
    house.ready()
    return {"incoming": incoming, "answer": answer, "opened envelope": opened}


def test_a_letter_asks_at_most_25_queries_for_every_role_and_as_many_for_many_rows_of_each_list_as_for_one(
    place: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine the half minute for which names are kept ends between two pages: one more query.
    monkeypatch.setattr(pages, "NAME_KEPT_S", 3600.0)
    monkeypatch.setattr(natures, "KEPT_S", 3600.0)
    app, house = place
    empty = {"empty": register(house.services, "Courrier neuf").mail_id}
    full = full_letters(house)
    before = counts(app, house, full)
    told = before | counts(app, house, empty)
    assert {who for who, _ in told} == set(ACCOUNTS)
    assert {name for _, name in told} == {"empty", *full}
    assert {key: count for key, count in told.items() if count > MOST} == {}
    for name in range(2, 21 if LONG_RUN else 8):
        for letter in ("incoming", "opened envelope"):
            live(house, full[letter], name=str(name))
        letter_kit.given_on(house, full["incoming"])
    letter_kit.sent_on(house, full["incoming"])
    after = counts(app, house, full)
    house.services.engine.dispose()
    assert after == before
