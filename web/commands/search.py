"""``ged search``: searches with an account's rights, for people and for programs."""

import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

import click

from ged.org.actors import actor_of_account
from ged.ports import Confidentiality, NotTogether, Passage, SearchQuery
from ged.search import export as search_export
from ged.search import letter_search, said_days
from ged.search.letter_search import FoundLetter, SearchPage
from ged.search.said_days import SaidDays
from ged.takeover import queries as takeover_queries
from ged.unit import Actor, Services
from web.commands.shared import settings_of
from web.wiring.services import build_services

MAX_LIMIT = 200


@dataclass(frozen=True)
class Asked:
    """A query, and its name in a file of queries."""

    text: str
    name: object = None


@click.command("search")
@click.argument("query", required=False, default="")
@click.option("--as", "account", required=True, metavar="ACCOUNT", help="Whose rights count.")
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option(
    "--batch", type=click.File("r", encoding="utf-8"), metavar="FILE",
    help='File of queries (- is standard input): a text or {"query": ..., "id": ...} a line; one JSON line each.',
)  # fmt: skip
@click.option("--no-passages", is_flag=True, help="Only ids and scores.")
def search(query: str, account: str, limit: int, as_json: bool, batch: IO[str] | None, no_passages: bool) -> None:
    """Search with the rights of ACCOUNT: prints ids (also the own id of an imported letter), scores and passages.

    Days in words are understood as on the site ("hier", "lettre du 18 novembre 2026"); in quotes they are words.
    The journal names the restricted letters that it prints.
    """

    if bool(query) == bool(batch):
        raise click.UsageError("give a QUERY, or --batch FILE")
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
    services = build_services(settings_of())
    try:
        who = _actor(services, account)
        for asked in [Asked(query)] if batch is None else _queries(batch):
            found = _found(services, who, asked, limit=limit, passages=not no_passages)
            click.echo(json.dumps(found, ensure_ascii=False) if as_json or batch else _sentences(found))
            if batch:
                sys.stdout.flush()
    finally:
        services.engine.dispose()


def _actor(services: "Services", account: str) -> "Actor":

    with services.reading() as session:
        return actor_of_account(session, account, on=datetime.now(UTC).astimezone(services.zone).date())


def _queries(batch: IO[str]) -> Iterator[Asked]:
    for line in batch:
        text = line.strip()
        if not text:
            continue
        yield _asked(text)


def _asked(text: str) -> Asked:
    """Parse a line: a JSON object with a query, or the query itself (a text in quotes is a phrase, not JSON)."""
    if text.startswith("{"):
        try:
            line = json.loads(text)
        except ValueError:
            return Asked(text)
        for key in ("query", "text", "q"):
            if isinstance(line.get(key), str):
                return Asked(line[key], line.get("id"))
    return Asked(text)


def _found(services: "Services", who: "Actor", asked: Asked, *, limit: int, passages: bool) -> dict[str, Any]:

    began = time.perf_counter()
    with services.reading() as session:
        typed = SearchQuery(asked.text, limit=limit, highlight=passages)
        meant, said = said_days.asked(typed, datetime.now(UTC).astimezone(services.zone).date())
        page, _meant, is_of_no_day = letter_search.search_said(services, session, who, typed, meant, said)
        own = takeover_queries.own_ids(session, [letter.mail_id for letter in page.letters])
    took_ms = round((time.perf_counter() - began) * 1000, 1)
    if any(letter.level >= Confidentiality.RESTRICTED for letter in page.letters):
        with services.unit_of_work(datetime.now(UTC)) as uow:
            search_export.record(uow, list(page.letters), form="list_cli", actor=who)
    return _answer(asked, page, own, took_ms) | _days(said, is_of_no_day)


def _answer(asked: Asked, page: "SearchPage", own: dict[int, str], took_ms: float) -> dict[str, Any]:
    named = {} if asked.name is None else {"id": asked.name}
    return named | {
        "query": asked.text,
        "total": page.total,
        "total_is_exact": page.total_is_exact,
        "notice": page.notice,
        "did_you_mean": page.did_you_mean,
        "not_together": _apart(page.not_together),
        "took_ms": took_ms,
        "hits": [_hit(letter, own.get(int(letter.mail_id))) for letter in page.letters],
    }


def _apart(apart: NotTogether | None) -> dict[str, Any] | None:
    """The words that no letter contains together, and those that none contains."""
    return None if apart is None else {"words": list(apart.words), "nowhere": list(apart.nowhere)}


def _days(said: SaidDays | None, is_of_no_day: bool) -> dict[str, Any]:
    """The days that the query says; ``is_used`` is false where no letter is of these days, and the other words were searched."""
    if said is None:
        return {"days": None}
    first, last = said.dated.first.isoformat(), said.dated.last.isoformat()
    return {"days": {"words": said.words, "first": first, "last": last, "is_used": not is_of_no_day}}


def _hit(letter: "FoundLetter", own_id: str | None) -> dict[str, Any]:
    return {
        "id": int(letter.mail_id),
        "own_id": own_id,
        "number": letter.number,
        "score": round(letter.score, 4),
        "subject": letter.subject,
        "correspondent": letter.correspondent,
        "registered_on": letter.registered_on.isoformat() if letter.registered_on else None,
        "passages": _passages(letter.passages),
        "lacking": [*letter.lacking],
    }


def _passages(passages: Sequence["Passage"]) -> list[dict[str, Any]]:
    return [
        {
            "field": one.field,
            "attachment": int(one.attachment_id) if one.attachment_id else None,
            "page": one.page_no,
            "text": "".join(text for text, _marked in one.pieces),
            "marked": [text for text, marked in one.pieces if marked],
        }
        for one in passages
    ]


def _sentences(found: dict[str, Any]) -> str:
    lines = [f"{found['total']}{'' if found['total_is_exact'] else '+'} letters"]
    if days := found["days"]:
        of_days = f"{days['first']} to {days['last']} ({days['words']})"
        lines.append(
            f"days: {of_days}" if days["is_used"] else f"no letter of {of_days}: the other words were searched"
        )
    if found["notice"]:
        lines.append(f"notice: {found['notice']}")
    if found["did_you_mean"]:
        lines.append(f"did you mean: {found['did_you_mean']}")
    if apart := found["not_together"]:
        lines.append(
            f"no letter has all of: {', '.join(apart['words'])}; in none: {', '.join(apart['nowhere']) or '-'}"
        )
    for hit in found["hits"]:
        own = f" [{hit['own_id']}]" if hit["own_id"] else ""
        lines.append(f"{hit['score']:9.2f}  {hit['id']}{own}  {hit['number']}  {hit['subject'][:100]}")
        lines += [f"           {' '.join(one['text'].split())}" for one in hit["passages"] if one["field"] != "subject"]
    return "\n".join(lines)
