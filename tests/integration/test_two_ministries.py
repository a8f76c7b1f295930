"""Two ministries in one installation: what a person of one is shown does not depend on the other.

Every page, file and proposal is asked for by each role, before the other ministry comes and after: nothing may differ.
What does differ by itself (the journal, the open sessions) is looked through for the words of the other. Each route is
also asked for with ids of the other ministry.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged.models import metadata
from ged.transfer.export import export
from tests import ministries_kit as kit
from tests import transfer_kit
from tests.factories import NOW
from tests.furnished_kit import without_navigation
from tests.ministries_kit import MARK, Ministries
from tests.sample_kit import LONG_RUN, in_turn
from tests.site import Clock, sign_in
from web.site import context

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

OF_INSTALLATION = {
    "admin.index": "numbers of the installation, without names",
    "admin.entries": "what was read is in the journal, and the length of the whole chain is told",
    "check.form": "public", "check.letter": "public",
}  # fmt: skip
"""Routes whose answers may differ, with the reason."""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministries]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "datetime", Clock())
        made = kit.first_ministry(tmp_path_factory.mktemp("ministries"))
        kit.join_second(made)
        yield made
        made.services.engine.dispose()


def test_nothing_that_a_ministry_is_shown_depends_on_another(both: Ministries) -> None:
    after = kit.walk(both)
    assert after.keys() == both.shown.keys()
    assert len(after) > (60 if LONG_RUN else 30) * len(both.clients), "the pages are no longer found"
    wrong = []
    for one, told in after.items():
        if MARK in told.casefold():
            wrong.append(f"{one.account} {one.path}: {_around(told)}")
        elif told != both.shown[one] and one.endpoint not in OF_INSTALLATION:
            wrong.append(f"{one.account} {one.path}: {_difference(both.shown[one], told)}")
    assert not wrong, "\n".join(wrong)


def test_the_other_ministry_is_at_work(both: Ministries) -> None:
    """Else there would be nothing to find."""
    found = sign_in(both.own.app, "agent" + MARK).get("/recherche/?q=demande")
    assert MARK in kit.read(found).casefold()


def test_no_address_with_an_id_of_another_ministry_opens(both: Ministries) -> None:
    wrong, asked = [], set[str]()
    for rule in kit.routes(both):
        for account, client in both.clients.items():
            if not in_turn(f"{account} {rule.endpoint}", kit.ASKED_OF):
                continue
            for path in kit.foreign_addresses(both, rule, account):
                with without_navigation():  # what it shows is compared above
                    answer = client.get(path)
                asked.add(path)
                told = kit.read(answer)
                if answer.status_code not in (403, 404) or MARK in told.casefold():
                    wrong.append(f"{account} {path}: {answer.status_code}")
    assert len(asked) > (120 if LONG_RUN else 60), "the addresses are no longer found"
    assert not wrong, "\n".join(wrong)


def test_each_argument_that_names_a_row_is_tried_with_one_of_the_other_ministry(both: Ministries) -> None:
    named = {name for rule in kit.routes(both) for name in rule.arguments if name.endswith("_id")}
    assert not named - kit.ARGUMENTS.keys() - kit.WITH_ANOTHER - kit.OF_ALL
    with both.services.reading() as session:
        for name in ("bridge_id", "mail_id", "person_id", "register_id"):
            table = metadata.tables[kit.ARGUMENTS[name]]
            last = session.scalar(select(func.max(table.c.id)))
            assert (last or 0) > both.before[table.name], f"the other ministry has no {name}"


@pytest.mark.parametrize("path", kit.QUESTIONS)
def test_no_question_finds_what_is_of_another_ministry(both: Ministries, path: str) -> None:
    for account, client in both.clients.items():
        answer = client.get(path)
        assert answer.status_code in (200, 204, 403), (account, answer.status_code)
        told = kit.read(answer).casefold()
        assert MARK not in told, (account, _around(told))


def test_nothing_of_another_ministry_leaves_with_an_entity(
    both: Ministries, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = export(both.services, f"{kit.PREFIX}MIN", tmp_path / "entity", now=NOW).folder
    content = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert [path for path, found in content.items() if MARK.encode() in found.lower()] == []
    key = folder / "journal.pub"
    lines = transfer_kit.told(folder, ["--key", str(key), "--trust", str(folder / "trust" / "root-1.pem")], capsys)[1]
    assert not [line for line in lines if line["state"] == "broken"]
    assert any(line["what"].startswith("registre ARR") or "ARR 2026" in line["what"] for line in lines)


def _around(told: str) -> str:
    at = told.casefold().index(MARK)
    return " ".join(told[max(0, at - 100) : at + 20].split())


def _difference(one: str, other: str) -> str:
    found = difflib.unified_diff(one.splitlines(), other.splitlines(), n=0, lineterm="")
    return " | ".join(line[:120] for line in list(found)[2:8])
