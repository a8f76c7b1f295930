"""A whole day of a ministry in Chromium, in French, by nine people.

The morning's post arrives in every way. In the evening each desk is empty, no register has a gap and everything is
proven. Nine letters are used, one of each kind; ``GED_TEST_DAY=40`` (``make day``) uses forty.
``GED_TEST_DAY_PICTURES`` names a folder for a picture of each page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.journey import SEED
from demo.letters import make_letters
from demo.stage import free_port, start
from ged.adapters.imap import ImapMailbox
from tests.day_kit import Day, Desks, put_mail
from tests.hosts_kit import ministry_on_two_hosts
from tests.journeys.conftest import journey_on
from tests.mailbox_kit import mailbox_settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(1800)]

KINDS = 9
LETTERS = int(os.environ.get("GED_TEST_DAY", KINDS))
TOGETHER = 10 if LETTERS > KINDS else 2
"""The number of letters that the authority signs in one act."""
PEOPLE = (
    "bo.agent", "sg", "sg.secretariat", "dge.chef", "dge.etudes.chef", "dge.etudes", "daf.chef", "dge.reg.chef",
    "auditeur",
)  # fmt: skip


@pytest.fixture(scope="module", params=["embedded", "hosts"])
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Day]:
    """An installation with a mailbox: on one machine, or on two hosts behind a front. Nobody has signed in yet."""
    folder = tmp_path_factory.mktemp("day")
    box = mailbox_settings(folder, "BO")
    (folder / "mailboxes.toml").write_text(
        "[[mailbox]]\n" + "".join(f'{name} = "{value}"\n' if isinstance(value, str | Path) else f"{name} = {value}\n"
                                  for name, value in box.model_dump(exclude_defaults=True).items()),
        encoding="utf-8",
    )  # fmt: skip
    put_mail(ImapMailbox(box), make_letters(SEED, 3)[2])
    extra = {"GED_MAILBOXES_FILE": str(folder / "mailboxes.toml")}
    with ExitStack() as stack:
        if request.param == "embedded":
            stage = start(folder / "data", bind=f"127.0.0.1:{free_port()}", say=print, extra=extra)
            stack.callback(stage.processes.stop)
            desks = Desks(browser, stage.url)
        else:
            search = request.getfixturevalue("elasticsearch_url")
            hosts = stack.enter_context(ministry_on_two_hosts(folder, search, extra=extra))
            stack.enter_context(hosts.tunnel(box.port))
            stage, desks = hosts.stage, Desks(stack.enter_context(hosts.browser(browser)), hosts.named)
        stack.callback(desks.close)
        yield Day(stage, stack.enter_context(journey_on(stage)), desks)


@pytest.mark.skipif(
    not {"GED_TEST_DAY", "GED_TEST_LONG"} & set(os.environ),
    reason="a whole day in the browser, of pages that other tests walk: `make day` plays it",
)
def test_a_day_of_the_ministry_ends_with_empty_desks_and_no_gap(day: Day) -> None:
    drawn = make_letters(SEED, 4 + LETTERS - KINDS)
    day.office.pair()
    scanned = day.scanned(drawn[0])
    filed = day.deposited(drawn[1])
    day.mailed(drawn[2])
    day.confidential(drawn[3])
    envelope = day.sealed("Cour des comptes")
    day.born_outside("depart", "Tarifs de l'année", addressees="Préfecture du Zio", copies="DAF")
    day.born_outside("interne", "Besoins en matériel", authority="Secrétaire générale")
    day.born_outside("note-de-service", "Horaires de fin d'année", addressees="DGE\nDAF")
    day.born_outside("decision", "Commission de réception", addressees="DAF")
    day.more_arrivals(drawn[4:])

    day.open_envelope(envelope, "Rapport définitif")
    day.impute_by_thumb(envelope, "Pour information")
    day.impute_by_thumb(scanned.number)
    day.impute_by_thumb(filed.number)
    answered = [filed, *list(day.letters.values())[: TOGETHER - 2]]
    for letter in answered[1:]:
        day.office.impute(letter)
    day.impute_the_rest()
    day.transmit()
    day.receive("dge.chef")
    day.receive("daf.chef")

    day.give(scanned, by="dge.chef", to="Service des études")
    answer = day.write(scanned)
    day.refuse_by_thumb(answer, "Préciser le délai")
    day.correct(answer, "Préciser le délai")
    day.visa_by_thumb(answer)
    day.delegate("Délali Ekoué")
    day.visa_by_thumb(answer, "dge.reg.chef")
    for letter in answered:
        day.office.assign(letter)
    day.more_answers(answered)
    day.sign_by_thumb(TOGETHER)

    day.email("courrier@arse.example.tg")
    day.round()
    day.discharge_all()
    day.follow_up()
    for account in ("daf.chef", "dge.chef", "dge.etudes.chef", "dge.etudes"):
        day.finish_all(account)
    day.file_all("dge.chef", [scanned, *answered])

    for account in PEOPLE:
        day.empty_desk(account)
    assert day.close_day() >= 6, "arrivals, departures, internal letters, notes, decisions, slips"
    day.office.prove()
    assert not day.desks.complaints
