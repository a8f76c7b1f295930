"""What waits is counted by one statement that PostgreSQL plans once, whoever asks: the counts are those of SQLite's form."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Select, select, text

from ged import counting
from ged.access import visible_clause
from ged.counting import counted
from ged.db import ByOtherIndex, array_text
from ged.register.models import Mail
from ged.register.states import MailState
from ged.routing import queries
from ged.routing.queries import InboxView, ListFilter, Whose, inbox, inbox_totals
from ged.unit import Actor, Services
from tests.factories import TODAY, actor, make_organisation, make_services
from tests.routing_kit import impute, make_mentions, register
from web.site.navigation import ENTRIES

pytestmark = [pytest.mark.in_turns(2), pytest.mark.servers]
COUNTERS = tuple(one for entry in ENTRIES for one in (entry.counter, entry.looks_among) if one is not None)


@pytest.fixture
def services(make_database: Callable[[], str], tmp_path: Path) -> Iterator[Services]:
    found = make_services(tmp_path, url=make_database())
    make_organisation(found)
    make_mentions(found)
    register(found, "Pour décision")
    impute(found, register(found, "Pour suite").mail_id, due_on=TODAY)
    yield found
    found.engine.dispose()


def one_by_one(services: Services, who: Actor) -> tuple[int, ...]:
    with services.reading() as session:
        return tuple(session.scalars(counter(who)).one() for counter in COUNTERS)


def test_the_counts_of_every_entry_are_those_of_its_own_statement(services: Services) -> None:
    found = {}
    for account in ("agent", "sg", "dge"):
        who = actor(services, account)
        with services.reading() as session:
            found[account] = counted(session, who, COUNTERS)
        assert found[account] == one_by_one(services, who)
    assert len(set(found.values())) == 3, "one of them has a letter, another an assignment, another a paper"
    assert all(any(counts) for counts in found.values())


def test_the_tabs_of_an_inbox_count_what_each_lists(services: Services) -> None:
    for account in ("sg", "dge", "daf"):
        who = actor(services, account)
        for asked in (ListFilter(), ListFilter(text="suite"), ListFilter(urgent=True), ListFilter(whose=Whose.MINE)):
            with services.reading() as session:
                counts = inbox_totals(session, who, today=TODAY, views=tuple(InboxView), asked=asked)
                lists = {view: len(inbox(session, who, today=TODAY, view=view, asked=asked)[0]) for view in InboxView}
            assert counts == lists, (account, asked)


def test_one_plan_serves_all_actors_with_the_same_roles(services: Services) -> None:
    with services.reading() as session:
        for account in ("dge", "daf") * 10:
            counted(session, actor(services, account), COUNTERS)
        asked = text(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%personal_notices%'"
        )
        plans = session.execute(asked).all()
        chosen = session.scalar(text("SHOW plan_cache_mode"))
    assert len(plans) == 1
    assert plans[0].generic_plans > 10
    assert plans[0].custom_plans == 0
    assert chosen == "auto", "the page's other statements are planned as before"


def test_states_are_written_out_and_whose_letters_they_are_is_a_parameter(services: Services) -> None:
    who = actor(services, "sg")
    sql, given, _sent = counting._for_server(who, counting._statement, ((COUNTERS,), ()), services.engine.dialect)
    assert "mails.state = 'to_impute'" in sql
    assert "LIMIT 100" in sql
    assert "POSTCOMPILE" not in sql
    principals = sorted(who.principals.ordinary)
    assert array_text(principals) in given.values()
    assert not any(f"'{one}'" in sql for one in principals)


def test_the_menu_counts_an_inbox_and_what_waits_for_a_decision_to_its_limit_and_no_further(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_IN_MENU", 3)
    for number in range(4):
        register(services, f"Pour décision {number}")
        impute(services, register(services, f"Pour suite {number}").mail_id, due_on=TODAY)
    with services.reading() as session:
        counts = counted(session, actor(services, "dge"), (queries.inbox_in_menu, queries.count_inbox))
        assert counts == (3, 5)
        assert counted(session, actor(services, "sg"), (queries.to_impute_in_menu, queries.count_to_impute)) == (3, 5)


def test_rows_of_a_statement_that_is_planned_once_are_those_of_the_statement(services: Services) -> None:
    who = actor(services, "sg")

    def letters(asked: Actor, subject: str) -> Select[int, str]:
        seen = visible_clause(Mail.id, Mail.level, asked.principals)
        return select(Mail.id, Mail.subject).where(seen, Mail.subject == subject).order_by(Mail.id)

    with services.reading() as session:
        for subject in ("Pour décision", "Pour suite", "Pour rien") * 7:
            assert counting.few_rows(session, who, letters, subject) == session.execute(letters(who, subject)).all()


def test_a_long_list_of_texts_is_hashed_and_finds_what_a_short_one_finds(services: Services) -> None:
    who = actor(services, "sg")

    def letters(_asked: Actor, subjects: tuple[str, ...]) -> Select[int]:
        return select(Mail.id).where(ByOtherIndex(Mail.subject).in_(subjects)).order_by(Mail.id)

    with services.reading() as session:
        for others in (1, counting.HASHED_FROM):
            subjects = ("Pour suite", *(f"Pour rien {n}" for n in range(others)))
            found = counting.few_rows(session, who, letters, subjects)
            assert found == session.execute(letters(who, subjects)).all() != []
            sql, _given, _sent = counting._for_server(who, letters, ((subjects,), ()), services.engine.dialect)
            assert ("SELECT unnest(" in sql) == (others > 1)


def test_the_rows_of_letters_are_planned_once_whichever_they_are(services: Services) -> None:
    others = [register(services, f"Lettre {n}").mail_id for n in range(9)]
    query = text("SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements")
    with services.reading() as session:
        for mail_id in others:
            (row,) = queries.mail_rows(session, actor(services, "sg"), [mail_id])
            assert row.mail_id == mail_id
        plans = [
            row[1:] for row in session.execute(query) if "mail_due_on" in row.statement or "page_count" in row.statement
        ]
    assert [(generic > 0, custom) for generic, custom in plans] == [(True, 0)] * 2


def test_a_bare_value_is_no_enumeration(services: Services) -> None:
    def states(_actor: Actor) -> Select[MailState]:
        return select(Mail.state)

    with services.reading() as session, pytest.raises(TypeError, match="bare value"):
        counting.few_rows(session, actor(services, "sg"), states)


def test_rights_are_asked_letter_by_letter_and_not_listed_first(services: Services) -> None:
    copies = {
        "mails": {"id": "one.id + 10 * n", "request_token": "NULL"},
        "mail_access": {"mail_id": "one.mail_id + 10 * n"},
        "assignments": {"id": "one.id + 10 * n", "mail_id": "one.mail_id + 10 * n"},
    }
    sql, given, _sent = counting._for_server(
        actor(services, "sg"), counting._statement, ((COUNTERS,), ()), services.engine.dialect
    )
    with services.engine.begin() as connection:
        for table, changed in copies.items():
            fields = ", ".join(f"'{column}', {value}" for column, value in changed.items())
            connection.exec_driver_sql(
                f"INSERT INTO {table} SELECT made.* FROM {table} AS one, generate_series(1, 400) AS n,"
                f" jsonb_populate_record(one, jsonb_build_object({fields})) AS made"
            )
        connection.exec_driver_sql("ANALYZE")
        plan = [row for (row,) in connection.exec_driver_sql(f"EXPLAIN {sql}", given)]
    conditions = [plan[n + 1].strip() for n, line in enumerate(plan) if " on mail_access" in line]
    assert len(conditions) > 5
    assert all(one.split(": ")[1].startswith("(mail_id = ") for one in conditions), conditions
