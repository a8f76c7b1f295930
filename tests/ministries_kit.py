"""Two ministries in one installation, each in the middle of its work, and what one of them is shown.

Both are furnished alike. The codes of the first (OWN) are then changed, so that the second (OTHER) can be furnished with
the same; at the end each text that the second wrote bears ``MARK``.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

import pypdfium2
from flask.testing import FlaskClient
from sqlalchemy import Column, String, delete, func, select, text, update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from ged.db import Code
from ged.models import metadata
from ged.natures.models import Nature
from ged.org.models import Person, Post, Unit
from ged.register.models import FilingClass, Mail, Register
from ged.routing.models import Mention
from ged.signbook.models import LetterTemplate
from ged.unit import Services
from tests.factories import NOW, actor
from tests.furnished_kit import ROLES, Furnished, addresses, bare_refusals, furnished, may_enter
from tests.routing_kit import run_jobs
from tests.sample_kit import LONG_RUN, in_turn
from tests.site import sign_in

MARK = "zibeline"
"""Stands in every text of the other ministry, and nowhere else."""
WALKERS = ROLES if LONG_RUN else ("agent", "admin", "auditeur")
"""Who walks all pages; ``GED_TEST_LONG=1``: each role."""
ASKED_OF = 2
"""The usual run asks for one of so many routes as each of them, not for those same as all; the long run asks for all."""
PREFIX = "x-"
"""Before the codes and accounts of the own ministry."""
CODED = ((Unit, "code"), (Post, "code"), (Register, "code"), (Mention, "code"), (Nature, "code"),
         (LetterTemplate, "code"), (FilingClass, "code"), (Person, "account"))  # fmt: skip
WRITTEN = frozenset(
    [
        "name",
        "title",
        "label",
        "subject",
        "body",
        "text",
        "instruction",
        "note",
        "remark",
        "outcome",
        "act",
        "messenger",
        "filename",
        "folded_name",
        "addressee",
        "sender_name",
        "sender_title",
        "person_name",
        "post_title",
        "description",
        "carrier",
        "their_reference",
    ]
)
"""Columns in which people write."""
KEPT = frozenset(
    {"installation", "throttle_buckets", "refusal_counts", "holidays", "attachment_fields", "scan_page_fields"}
)
"""Tables of which those columns hold something else."""
ARGUMENTS = {
    "mail_id": "mails", "number_id": "mail_numbers", "line_id": "dispatch_lines", "slip_id": "slips", "hold_id": "register_holds", "book_id": "reserve_books", "typing_id": "reserve_typings",
    "envelope_id": "sealed_envelopes", "paper_id": "paper_codes", "saved_id": "saved_searches",
    "correspondent_id": "correspondents", "register_id": "registers", "scan_id": "scans",
    "attachment_id": "attachments", "assignment_id": "assignments", "unit_id": "units", "act_id": "organisation_acts",
    "person_id": "people", "post_id": "posts", "template_id": "word_templates", "bridge_id": "bridges", "file_id": "takeover_files", "folder_id": "takeover_folders", "entity_id": "units",
    "disposal_id": "disposals", "exception_id": "letter_exceptions", "request_id": "exception_requests", "sheet_id": "separator_sheets", "notice_id": "personal_notices", "import_id": "workbook_imports", "report_id": "monthly_reports", "publication_id": "open_data_acts",
}  # fmt: skip
"""The table of an argument of a route."""
WITH_ANOTHER = frozenset({"closing_id", "leaf_id", "proof_id"})
"""Arguments that only follow one of ``ARGUMENTS``."""
OF_ALL = frozenset({"class_id", "nature_id", "mention_id", "text_id"})
"""Arguments that name a row of lists which ministries share."""
SKIPPED = frozenset(
    {
        "static",
        "help.picture",
        "session.sign_in_form",
        "health.show",
        "health.site",
        "health.ready",
        "health.upload_room",
    }
)
"""Routes that read nothing of a ministry; so do the certificates of the authority (``pki``)."""
ASKED = MARK[:-2]
QUESTIONS = (
    "/recherche/?q=demande", f"/recherche/suggestions?q={ASKED}", f"/correspondants/?q={ASKED}",
    f"/enregistrer/expediteurs?sender_name={ASKED}", f"/enregistrer/doublons?sender_name={ASKED}",
    "/enregistrer/connus",
    f"/a-imputer/destinataires?q={ASKED}", "/recherche/?q=raccordement", "/recherche/liste?q=demande",
)  # fmt: skip
"""Addresses with words of the other ministry."""
COMMON = (Mention, Nature, LetterTemplate, FilingClass)
NAMED = {(model.__tablename__, column) for model, column in CODED}
MOST = 8
"""Ids of one kind that are tried for one person."""
MOST_OF_ALL = 24
"""Addresses of one route that are tried for one person."""


@dataclass
class Ministries:
    """One installation with the own ministry, and perhaps another."""

    own: Furnished
    clients: Mapping[str, FlaskClient]
    entered: Mapping[str, set[str]]
    """Account -> the routes that the access list opens to it."""
    before: Mapping[str, int]
    """The last id in each table before the other ministry came."""
    folder: Path
    found: list[AskedAddress] = field(default_factory=list)
    shown: dict[AskedAddress, str] = field(default_factory=dict)
    """What was shown before the other ministry came."""

    @property
    def services(self) -> Services:
        return self.own.services


def first_ministry(folder: Path) -> Ministries:
    """The own ministry alone."""
    place = furnished(folder)
    run_jobs(place.services)
    with place.services.unit_of_work(NOW) as uow:
        for model, column in CODED:
            held = getattr(model, column)
            uow.session.execute(update(model).values({column: PREFIX + held}))
        # The installation serves several ministries from the beginning: who administers all of it does not change.
        uow.session.add(Unit(code="third", name="Troisième", is_entity=True))
    clients = {account: sign_in(place.app, PREFIX + account) for account in WALKERS}
    entered = {account: may_enter(place.app, actor(place.services, PREFIX + account)) for account in WALKERS}
    made = Ministries(place, clients, entered, _last_ids(place.services), folder)
    for rule in routes(made):  # what is read here is marked as seen, and is the same afterwards
        for account, client in clients.items():
            if rule.endpoint in entered[account] and in_turn(f"{account} {rule.endpoint}", ASKED_OF):
                made.found += _first_opened(made, rule, account, client)
    made.shown = walk(made)
    return made


def join_second(both: Ministries) -> None:
    """Furnish the other ministry beside the own one."""
    other = furnished(both.folder)
    with other.services.unit_of_work(NOW) as uow:
        for (name,) in uow.session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            uow.session.execute(text(f'DROP TRIGGER "{name}"'))  # of rows that are never changed
        common = uow.session.scalars(select(FilingClass.id).order_by(FilingClass.id)).first()
        uow.session.execute(update(Mail).where(Mail.filing_class_id.is_not(None)).values(filing_class_id=common))
        for model in COMMON:  # of the whole installation: two ministries have one list of them
            uow.session.execute(delete(model).where(model.id > both.before[model.__tablename__]))
        for table in metadata.sorted_tables:
            written = [c for c in table.c if _is_written(c) and table.name in both.before]
            if written:
                values = {c.name: c + MARK for c in written}
                uow.session.execute(update(table).where(table.c.id > both.before[table.name]).values(values))
        for mail_id in uow.session.scalars(select(Mail.id).where(Mail.id > both.before["mails"])):
            uow.reindex(mail_id)
    other.services.engine.dispose()
    run_jobs(both.services)  # one process writes the index


def _is_written(column: Column[Any]) -> bool:
    where = column.table.name
    is_text = isinstance(column.type, String) and not isinstance(column.type, Code)
    return is_text and where not in KEPT and (column.name in WRITTEN or (where, column.name) in NAMED)


def _last_ids(services: Services) -> dict[str, int]:
    with services.reading() as session:
        return {
            table.name: session.scalar(select(func.max(table.c.id))) or 0
            for table in metadata.sorted_tables
            if "id" in table.c and table.c.id.type.python_type is int
        }


class AskedAddress(NamedTuple):
    """A page as one person asks for it."""

    endpoint: str
    account: str
    path: str


def routes(both: Ministries) -> Iterator[Rule]:
    """The routes that are read."""
    for rule in both.own.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in SKIPPED and not rule.endpoint.startswith("pki."):
            yield rule


def walk(both: Ministries) -> dict[AskedAddress, str]:
    """What each role is shown on every route with ids of the own ministry: at the first address that opened."""
    return {one: read(both.clients[one.account].get(one.path)) for one in both.found}


def _first_opened(both: Ministries, rule: Rule, account: str, client: FlaskClient) -> Iterator[AskedAddress]:
    own = both.own.own.get((rule.endpoint, account)) or both.own.own.get((rule.endpoint, ""))
    for path in [own] if own else islice(addresses(both.own, rule), MOST):
        with bare_refusals():
            answer = client.get(path)
        answer.close()
        if answer.status_code == 200:
            yield AskedAddress(rule.endpoint, account, path)
        if answer.status_code in (200, 403):
            return


def foreign_addresses(both: Ministries, rule: Rule, account: str) -> list[str]:
    """The addresses of a route with ids of the other ministry; none where it takes no id.

    One where the access list closes the route to the account: it looks at no id.
    """
    if not any(name in ARGUMENTS for name in rule.arguments):
        return []
    adapter = both.own.app.url_map.bind("localhost")
    given: list[Sequence[Any]] = []
    with both.services.reading() as session:
        for name in sorted(rule.arguments):
            if name in ARGUMENTS:
                table = metadata.tables[ARGUMENTS[name]]
                ids = session.scalars(
                    select(table.c.id).where(table.c.id > both.before[table.name]).order_by(table.c.id)
                )
                given.append(list(ids)[:MOST])
            else:
                given.append(list(both.own.samples.get(name, ()))[:2])
    names = sorted(rule.arguments)
    found = []
    for values in islice(product(*given), MOST_OF_ALL):
        try:
            found.append(adapter.build(rule.endpoint, dict(zip(names, values, strict=True))))
        except ValueError:
            continue
    return found if rule.endpoint in both.entered[account] else found[:1]


_CHANGING = re.compile(
    r'name="csrf[-_]token" (value|content)="[^"]*"|csrf[^"\s]*"?:\s*"[^"]*"|nonce="[^"]*"|X-CSRFToken[^}]*|'
    r'name="(request_token|token|session_token)" value="[^"]*"|'
    # When figures were counted: it tells when somebody did anything in the program, and no letter.
    r'<p class="muted" data-fresh="counted">.*?</p>|Compté le;[^\r\n]*'
)


_MADE_AT = re.compile(r"(?<=W3CDTF\">)[0-9TZ:-]+")
"""The moment at which a workbook was made, in its properties."""


def read(answer: TestResponse) -> str:
    """What an answer tells: headers but for cookies, and its text; of a PDF its pages' text, of a workbook its cells."""
    told = [f"{answer.status_code}", answer.headers.get("Location", ""), answer.headers.get("Content-Disposition", "")]
    body = answer.get_data()
    if body.startswith(b"%PDF"):
        told += _pages(body)
    elif body.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(body)) as packed:
            told += [
                name + _MADE_AT.sub("", packed.read(name).decode("utf-8", "replace")) for name in packed.namelist()
            ]
    elif not answer.mimetype.startswith("image/"):
        told.append(_CHANGING.sub("", body.decode("utf-8", "replace")))
    answer.close()
    return "\n".join(told)


def _pages(pdf: bytes) -> list[str]:
    try:
        opened = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError:  # a file without pages
        return []
    with closing(opened):
        return [page.get_textpage().get_text_bounded() for page in opened]
