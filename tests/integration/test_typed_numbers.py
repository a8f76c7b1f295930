"""A number leads to its letter however it is typed. When two letters have one number, the person chooses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select, text, update

from ged import case_export
from ged.capture import letters as scan_letters
from ged.errors import Invalid
from ged.register import typed_numbers
from ged.register.models import Mail, MailNumber
from ged.register.numbering import number_key
from ged.search import letter_search
from ged.unit import Services
from tests.factories import SECRET, actor, make_organisation, make_services
from tests.migration_kit import migrated
from tests.site import make_settings, make_site, post, sign_in
from tests.slip_kit import letter
from tests.tampering import lift_guards
from web.commands import main

PRINTED = "0457 / MÉM.SG"
TYPED = "n° 457/mem sg"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Flask, Services]]:
    app, services = make_site(tmp_path)
    yield app, services
    services.engine.dispose()


def renumber(services: Services, *mail_ids: int) -> None:
    """The letters get one number, as in a paper book that begins again each year."""
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        for place, mail_id in enumerate(mail_ids):
            connection.execute(
                update(MailNumber)
                .where(MailNumber.mail_id == mail_id)
                .values(text=PRINTED, text_key=number_key(PRINTED), year=1960 + place)
            )


def test_search_scan_link_and_export_read_a_number_alike(site: tuple[Flask, Services]) -> None:
    _, services = site
    mail_id = letter(services)
    renumber(services, mail_id)
    clerk = actor(services, "agent")
    with services.reading() as session:
        assert typed_numbers.letter_by_number(session, TYPED, clerk, field="number") == mail_id
        assert scan_letters.letter_by_number(session, TYPED, clerk).mail_id == mail_id
        assert case_export.find_mail(session, TYPED) == mail_id
        assert [one.mail_id for one in letter_search.exact_number(session, clerk, TYPED)[0]] == [mail_id]


def test_a_number_given_while_the_previous_release_runs_is_found_as_printed(site: tuple[Flask, Services]) -> None:
    _, services = site
    mail_id = letter(services)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE mail_numbers SET text_key = ''"))
    with services.reading() as session:
        printed = session.scalars(select(MailNumber.text)).one()
        assert typed_numbers.letter_by_number(session, printed, actor(services, "agent"), field="number") == mail_id


def test_the_page_offers_both_letters_of_a_number_and_takes_the_one_chosen(site: tuple[Flask, Services]) -> None:
    app, services = site
    here, first, second = letter(services), letter(services, "Premier"), letter(services, "Second")
    renumber(services, first, second)
    client, path = sign_in(app, "agent"), f"/courriers/{here}/lier"
    sent: dict[str, object] = {"number": TYPED, "kind": "related"}
    refused = post(client, path, sent, page=path)
    assert refused.status_code == 422
    for mail_id in (first, second):
        assert f'name="number_letter" value="{mail_id}"' in refused.text
    assert post(client, path, {**sent, "number_letter": str(second)}).status_code == 303
    with services.reading() as session:
        assert session.scalars(text("SELECT to_id FROM mail_links")).all() == [second]


def test_a_void_number_leads_to_its_letter_only_when_no_other_bears_it(site: tuple[Flask, Services]) -> None:
    _, services = site
    first, second = letter(services), letter(services)
    renumber(services, first, second)
    with services.reading() as session:
        with pytest.raises(Invalid) as several:
            case_export.find_mail(session, TYPED)
        assert several.value.code == "number.several"
        assert case_export.find_mail(session, TYPED, letter=second) == second
        now = session.get_one(Mail, first).created_at
    with services.engine.begin() as connection:
        connection.execute(update(MailNumber).where(MailNumber.mail_id == first).values(voided_at=now))
    with services.reading() as session:
        assert case_export.find_mail(session, TYPED) == second


def test_the_command_line_names_both_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrated(make_settings(tmp_path))
    services = make_services(tmp_path, create=False)
    make_organisation(services)
    first, second = letter(services), letter(services)
    renumber(services, first, second)
    services.engine.dispose()
    monkeypatch.setenv("GED_ENV_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("GED_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GED_SECRET", SECRET)
    done = CliRunner().invoke(main, ["export", "case", TYPED, "--out", str(tmp_path / "out")])
    assert done.exit_code == 1, done.output
    assert f"--letter {first}: " in done.output
    assert f"--letter {second}: " in done.output
