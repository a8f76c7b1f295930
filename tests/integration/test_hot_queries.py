"""A list sends as many queries for thirty rows as for one, and an index serves the queries of every page."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import Select, event, select, text
from sqlalchemy.sql.visitors import iterate

from ged.dispatch import queries as dispatch_queries
from ged.figures import operations as figures
from ged.followup import notes
from ged.models import metadata
from ged.morning import queries as morning
from ged.notices import finding
from ged.paging import Place
from ged.ports import MailId
from ged.register import books, entry, opening, typed_numbers
from ged.register.books import Span
from ged.reports import home, journal
from ged.routing import queries as routing
from ged.routing.models import Assignment
from ged.routing.operations import give_back
from ged.search import letter_search
from ged.slips.drafting import LineForm
from ged.unit import Services
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import impute, make_mentions, post_id, register
from tests.sample_kit import LONG_RUN
from tests.servers import postgres
from tests.site import make_site, sign_in
from tests.slip_kit import letter, register_id, send
from web.site import natures, pages

pytestmark = pytest.mark.in_turns(3)

Statement = tuple[str, Any]
LETTERS = 20_000
A_YEAR = 1_000


@contextmanager
def statements(services: Services) -> Iterator[list[Statement]]:
    """The statements that are sent to the database during the block."""
    sent: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            sent.append((statement, parameters))

    event.listen(services.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(services.engine, "before_cursor_execute", note)


# --- equally many queries for many rows and for one


LISTS = [
    ("agent", "/"), ("dge", "/avis/"), ("agent", "/registres/"), ("agent", "/registres/{ARR}"), ("agent", "/numerisations/"), ("agent", "/departs/"),
    ("agent", "/bordereaux/"), ("agent", "/plis/"), ("agent", "/correspondants/"), ("agent", "/enregistrer/"),
    ("sg", "/"), ("sg", "/a-imputer"), ("etudes", "/bannette/"), ("etudes", "/bannette/?voir=termines"), ("etudes", "/"),
    ("sg", "/questions"), ("dge", "/questions?voir=posees"), ("dge", "/suivi/"),
    ("dge", "/suivi/?par=personne"), ("sg", "/suivi/?par=mention"), ("admin", "/administration/journal"),
    ("admin", "/administration/taches"), ("agent", "/correspondants/1/courriers"), ("agent", "/matin/"), ("dge", "/matin/"),
    ("dge", "/tableau/?du=2026-11-01&au=2026-11-30"), ("agent", "/tableau/?du=2026-11-01&au=2026-11-30"),
    ("dge", "/supervision/?du=2026-11-01&au=2026-11-30"), ("dge", "/tableau/courriers?du=2026-11-01&au=2026-11-30&quoi=received"),
]  # fmt: skip


def test_a_list_asks_as_many_queries_for_many_rows_as_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Names are kept for half a minute. On a busy machine this ends between two pages, which adds a query.
    monkeypatch.setattr(pages, "NAME_KEPT_S", 3600.0)
    monkeypatch.setattr(natures, "KEPT_S", 3600.0)
    app, services = make_site(tmp_path)
    make_mentions(services)
    one_more(services)
    before = counts(app, services)
    for _ in range(29 if LONG_RUN else 9):
        one_more(services)
    after = counts(app, services)
    services.engine.dispose()
    assert after == before


def one_more(services: Services) -> None:
    """Add a row to each list and to each part of a desk."""
    register(services, "Pour imputation")
    mail_id = register(services, "Pour suite").mail_id
    impute(services, mail_id, due_on=TODAY)
    with services.unit_of_work(NOW) as uow:
        to_post = post_id(services, "SG-T")
        notes.write(uow, mail_id, text="Quel délai ?", to_post_id=to_post, actor=actor(services, "dge"))
    finding.run(services, now=NOW)
    came_back = register(services, "Pour un autre").mail_id
    impute(services, came_back)
    with services.unit_of_work(NOW) as uow:
        given = uow.session.scalars(select(Assignment).where(Assignment.mail_id == came_back)).one()
        give_back(uow, came_back, given.id, reason="Pas à nous", actor=actor(services, "dge"), now=NOW)
        opening.mark_opened(uow, came_back, actor=actor(services, "sg"), now=NOW)
    send(services, LineForm(description="Dossier"))


def counts(app: Flask, services: Services) -> dict[str, int]:
    figures.run(services, now=NOW)
    found: dict[str, int] = {}
    clients = {account: sign_in(app, account) for account in {account for account, _path in LISTS}}
    for account, path in LISTS:
        client = clients[account]
        address = path.format(ARR=register_id(services, "ARR"))
        assert client.get(address).status_code == 200, path
        with statements(services) as sent:
            client.get(address)
        found[f"{account} {path}"] = len(sent)
    return found


# --- what depends on the reader's rights is composed once


COMPOSED = {
    ("agent", "/mon-compte/langue"): 0,  # what every page asks: the session, the rights, the counts of the navigation
    ("agent", "/"): 22, ("sg", "/"): 22, ("agent", "/courriers/1"): 24, ("etudes", "/bannette/"): 12, ("sg", "/a-imputer"): 5,
    ("dge", "/suivi/"): 13, ("agent", "/numerisations/"): 33, ("agent", "/departs/"): 5,
}  # fmt: skip
"""Largest number of SELECTs (inner ones included) that a page composes when it is requested again. To compose them took
more than half of the time of a home page. A new query may need a few more; see ``ged.counting.composed``."""


def test_a_page_that_is_requested_again_composes_few_statements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "NAME_KEPT_S", 3600.0)
    monkeypatch.setattr(natures, "KEPT_S", 3600.0)
    app, services = make_site(tmp_path)
    make_mentions(services)
    one_more(services)
    found: dict[tuple[str, str], int] = {}
    for account, path in COMPOSED:
        client = sign_in(app, account)
        client.get(path)
        client.get(path)
        with selects(monkeypatch) as composed:
            assert client.get(path).status_code == 200, path
        found[account, path] = len(composed)
    services.engine.dispose()
    assert {place: n for place, n in found.items() if n > COMPOSED[place]} == {}


def test_who_decides_on_codes_of_paper_is_asked_only_when_one_waits(tmp_path: Path) -> None:
    # PostgreSQL plans that statement for as long as all others of the navigation together, on every page.
    app, services = make_site(tmp_path)
    client = sign_in(app, "agent")
    with statements(services) as sent:
        assert client.get("/mon-compte/langue").status_code == 200
    services.engine.dispose()
    about = [statement for statement, _ in sent if "paper_codes.state" in statement]
    assert about
    assert [statement for statement in about if "paper_codes.subject_id" in statement] == []


@contextmanager
def selects(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Select[Any]]]:
    """The statements composed meanwhile."""
    made: list[Select[Any]] = []
    begin = Select.__init__

    def note(self: Select[Any], *entities: Any, **options: Any) -> None:
        made.append(self)
        begin(self, *entities, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Select, "__init__", note)
        yield made


# --- no rows are skipped, and no list is counted to its end


PAGED = [
    ("agent", "/registres/"), ("agent", "/registres/{ARR}?apres=2"), ("agent", "/registres/{ARR}?avant=1"),
    ("agent", "/bordereaux/?apres=3"), ("agent", "/correspondants/?apres=1"), ("agent", "/correspondants/?q=pre"),
    ("sg", "/a-imputer?apres=1"), ("etudes", "/bannette/?apres=1"), ("etudes", "/bannette/?voir=termines&apres=1"),
    ("etudes", "/bannette/?q=x&urgence=1&mention=opinion&pour=moi"),
    ("dge", "/suivi/?apres=1"), ("sg", "/suivi/?par=personne"), ("admin", "/administration/journal?apres=3"), ("admin", "/administration/journal?acte=mail.registered"),
    ("dge", "/avis/?apres=2"), ("admin", "/administration/taches?groupe=finies&apres=9"), ("agent", "/departs/"), ("agent", "/plis/"),
    ("agent", "/numerisations/"), ("agent", "/correspondants/1/courriers?apres=3"),
    ("admin", "/administration/classement/?apres=1"),
]  # fmt: skip


COUNTS = re.compile(r"\bcount\(")
BOUNDED = (
    "LIMIT",
    "mail_numbers.sequence <=",  # the last numbers of a register, for the range of numbers
    "slip_lines.slip_id = slips.id",  # for each row of the page
    "sealed_envelopes.state",  # the navigation: what waits for the person
    "paper_codes.state",  # waiting codes
    "assignments.parent_id IN",  # for the rows of the page
    "mails.state =",  # letters that wait for a decision or for dispatch
    "assignments.state IN",  # what waits, of the letters under way
    "letter_notes.to_post_id IN",  # the navigation: questions that wait for the person
    "scan_orders.side",  # pages that arrive for a running order
)


def test_a_page_of_a_growing_list_skips_no_rows_and_counts_none_whole(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    make_mentions(services)
    for _ in range(3):
        one_more(services)
    wrong = {f"{who} {path}": found for who, path in PAGED if (found := growing(app, services, who, path))}
    services.engine.dispose()
    assert wrong == {}


def growing(app: Flask, services: Services, account: str, path: str) -> list[str]:
    """Statements of a page that skip rows, or that count a list to its end."""
    client, found = sign_in(app, account), list[str]()

    def judge(_connection: object, element: Any, *_rest: object) -> None:
        text_of = str(element)
        # OFFSET 0 skips nothing: it keeps the planner from another order.
        skips = any(getattr(getattr(one, "_offset_clause", None), "value", 0) != 0 for one in iterate(element))
        if skips or (COUNTS.search(text_of) and not any(one in text_of for one in BOUNDED)):
            found.append(text_of)

    event.listen(services.engine, "before_execute", judge)
    try:
        assert client.get(path.format(ARR=register_id(services, "ARR"))).status_code == 200, path
    finally:
        event.remove(services.engine, "before_execute", judge)
    return found


# --- by an index, in a large database


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Services]:
    """A PostgreSQL with 20,000 letters of twenty years."""

    server = request.getfixturevalue("postgres_url")
    url = postgres.create_database(server, "ged_hot_queries")
    services = make_services(tmp_path_factory.mktemp("large"), url=url)
    make_organisation(services)
    letter(services)
    multiply(services)
    yield services
    services.engine.dispose()
    postgres.drop_database(server, "ged_hot_queries")


def multiply(services: Services) -> None:
    """Copies of the one letter, its number and its rights."""
    other = {
        "mails": {"id": "id + n", "request_token": "NULL", "state": "'closed'"},
        "mail_numbers": {
            "id": "id + n", "mail_id": "mail_id + n", "year": f"year - 1 - n / {A_YEAR}", "sequence": f"1 + n % {A_YEAR}",
            "text": "n || '/old'", "text_key": "n || '/old'", "registered_on": f"registered_on - 365 * (1 + n / {A_YEAR})",
        },
        "mail_access": {"mail_id": "mail_id + n"},
        "audit_entries": {"sequence": "(SELECT max(sequence) FROM audit_entries) + n", "hash": "md5(n::text)"},
    }  # fmt: skip
    with services.engine.begin() as connection:
        for name, values in other.items():
            columns = [column.name for column in metadata.tables[name].columns]
            chosen = ", ".join(values.get(column, column) for column in columns)
            first = "WHERE sequence = 1" if name == "audit_entries" else ""
            connection.execute(
                text(
                    f"INSERT INTO {name} ({', '.join(columns)}) SELECT {chosen} FROM "
                    f"(SELECT * FROM {name} {first}) AS one, generate_series(1, {LETTERS}) AS n"
                )
            )
        connection.execute(
            text(
                "INSERT INTO register_counters (register_id, year, opening_sequence, opening_reason, last_sequence) "
                "SELECT register_id, year, 0, '', max(sequence) FROM mail_numbers WHERE year < 2026 GROUP BY 1, 2"
            )
        )
    with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def read_whole(services: Services, sent: list[Statement]) -> set[str]:
    """Large tables that some plan reads completely."""
    found: set[str] = set()
    with services.engine.connect() as connection:
        for statement, parameters in sent:
            plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
            found |= whole_tables((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    return found & {"mails", "mail_numbers", "mail_access", "audit_entries"}


def whole_tables(plan: dict[str, Any]) -> set[str]:
    here = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return here.union(*(whole_tables(one) for one in plan.get("Plans", ())))


HOT: dict[str, Callable[[Any, Any, Any], object]] = {
    "number": lambda session, who, _: typed_numbers.bearers(session, "n° 0777 OLD", who),
    "search": lambda session, who, _: letter_search.exact_number(session, who, "777/old"),
    "to_dispatch": lambda session, who, _: dispatch_queries.count_to_dispatch(session, who),
    "last_addressed": lambda session, who, _: entry.last_addressed(session, who),
    "years": lambda session, _, register: books.years(session, [register]),
    "entries": lambda session, who, register: books.page(session, register, Span(2020), who, Place(after=100)),
    "rows": lambda session, who, _: routing.mail_rows(session, who, [MailId(one) for one in range(100, 140)]),
    "desk": lambda session, who, _: home.home(session, who, today=TODAY, zone=ZoneInfo("Africa/Lome")),
    "journal": lambda session, *_: journal.entries(session, journal.JournalFilter(), Place(after=5_000), reader=None),
}


@pytest.mark.servers
@pytest.mark.parametrize("name", HOT)
def test_a_hot_query_reads_no_large_table_whole(large: Services, name: str) -> None:
    who = actor(large, "agent")
    with statements(large) as sent, large.reading() as session:
        HOT[name](session, who, register_id(large, "ARR"))
    assert sent
    assert read_whole(large, sent) == set()


@pytest.mark.servers
@pytest.mark.parametrize("account", ["agent", "sg", "dge", "admin"])
def test_the_mornings_point_reads_no_large_table_whole(large: Services, account: str) -> None:
    with statements(large) as sent, large.reading() as session:
        morning.parts(session, large, actor(large, account), now=NOW + timedelta(days=1))
    assert len(sent) > 5
    assert read_whole(large, sent) == set()
