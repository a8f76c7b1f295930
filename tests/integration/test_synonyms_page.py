"""The administrator's page of synonyms: each change affects the next search, is in the journal, and loses nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from ged.audit import AuditEntry, AuditPayload
from ged.errors import EngineFailed, Invalid, StaleVersion
from ged.ports import SearchQuery
from ged.search import letter_search, synonyms
from ged.unit import Services
from indexer.synonyms import SHIPPED, SynonymFile
from tests.factories import NOW, actor
from tests.routing_kit import make_mentions, register, run_jobs
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.in_turns(3)

PAGE = "/administration/synonymes/"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Services]]:
    app, services = make_site(tmp_path_factory.mktemp("synonyms"))
    yield app, services
    services.engine.dispose()


@pytest.fixture(scope="module")
def admin(house: tuple[Flask, Services]) -> FlaskClient:
    return sign_in(house[0], "admin")


@pytest.fixture
def site(house: tuple[Flask, Services], admin: FlaskClient) -> Iterator[tuple[FlaskClient, Services]]:
    yield admin, house[1]
    _own_file(house[1]).unlink(missing_ok=True)


def _own_file(services: Services) -> Path:
    return Path(services.data_dir) / "synonyms.txt"


def _journal(services: Services) -> list[dict[str, object]]:
    with services.reading() as session:
        rows = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == synonyms.ACTION)
            .order_by(AuditEntry.sequence)
        )
        return [dict(row) for row in rows]


def _texts(services: Services) -> list[str]:
    return [line.text for line in synonyms.listed(services).lines]


def _line(services: Services, text: str) -> int:
    return next(line.line_no for line in synonyms.listed(services).lines if line.text == text)


def test_an_edit_counts_in_the_next_search_and_indexes_nothing(
    site: tuple[FlaskClient, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, services = site
    make_mentions(services)
    mail_id = register(services, subject="Rapport du fonds de développement rural").mail_id
    run_jobs(services)

    def found(text: str) -> list[int]:
        with services.reading() as session:
            who = actor(services, "sg")
            return [
                int(one.mail_id)
                for one in letter_search.search_letters(services, session, who, SearchQuery(text)).letters
            ]

    def refuse(*_args: object) -> None:
        raise AssertionError("the index was written")

    before = len(_journal(services))
    monkeypatch.setattr(services.index, "put", refuse)
    assert found("FDR") == []
    assert post(page, PAGE, {"groups": "FDR = fonds de développement rural"}, page=PAGE).status_code == 303
    assert found("FDR") == [mail_id]
    line = _line(services, "FDR = fonds de développement rural")
    edit = f"{PAGE}{line}"
    version = _version(page, edit)
    assert (
        post(page, edit, {"text": "FADR = fonds de développement rural", "version": version}, page=edit).status_code
        == 303
    )
    assert (found("FDR"), found("FADR")) == ([], [mail_id])
    assert post(page, edit, {"remove": "1", "version": _version(page, edit)}).status_code == 303
    assert found("FADR") == []
    assert _journal(services)[before:] == [
        {"added": ["FDR = fonds de développement rural"], "count": 1},
        {"removed": ["FDR = fonds de développement rural"], "added": ["FADR = fonds de développement rural"]},
        {"removed": ["FADR = fonds de développement rural"]},
    ]


def _version(page: FlaskClient, edit: str) -> str:
    found = re.search(r'name="version" value="([0-9a-f]+)"', page.get(edit).text)
    assert found
    return found[1]


def test_the_shipped_list_stands_until_the_first_edit(site: tuple[FlaskClient, Services]) -> None:
    page, services = site
    assert "La liste livrée avec le programme est en usage" in page.get(PAGE).text
    shipped = _texts(services)
    post(page, PAGE, {"groups": "XY = ypsilon\n\n# remarque\nAR = Accusé de réception"}, page=PAGE)
    assert _texts(services) == [*shipped, "XY = ypsilon"], "a group that stands there already is not added again"
    assert services.synonyms.text().startswith("# Abréviations"), "remarks stay"
    assert "synonyms.txt" in page.get(PAGE).text


def test_behind_the_last_page_is_the_last_page(site: tuple[FlaskClient, Services]) -> None:
    client, services = site
    last = (len(synonyms.listed(services).lines) - 1) // 50 * 50
    assert client.get("/administration/synonymes/?offset=99999").location == f"/administration/synonymes/?offset={last}"
    assert client.get("/administration/synonymes/?offset=7").status_code == 200


def test_every_fault_is_told_with_its_line_and_nothing_typed_is_lost(site: tuple[FlaskClient, Services]) -> None:
    page, services = site
    before = services.synonyms.text()
    typed = "XY = ypsilon\nseul\nZ = //\nlong = " + "mot " * 9
    answer = post(page, PAGE, {"groups": typed}, page=PAGE)
    assert answer.status_code == 422
    told = answer.text
    for line, text in ((2, "seul"), (3, "Z = //"), (4, "long = mot")):
        assert re.search(rf"Ligne {line}, « {text}", told), line
    assert "Ligne 1," not in told
    assert "XY = ypsilon\nseul" in told
    assert services.synonyms.text() == before
    assert post(page, PAGE, {"groups": "AR = accusé de réception"}).status_code == 422


def test_a_faulty_line_of_a_file_edited_by_hand_stands_first(site: tuple[FlaskClient, Services]) -> None:
    page, services = site
    _own_file(services).write_text("\ufeffAR = accusé de réception\nDG\n", "utf-8")
    shown = page.get(PAGE).text
    assert "1 ligne n'est pas prise en compte" in shown.replace("&#39;", "'").replace("’", "'")
    assert shown.index(">DG ") < shown.index("accusé de réception")
    assert "au moins deux membres différents" in page.get(f"{PAGE}2").text
    assert page.get(f"{PAGE}3").status_code == 404
    assert page.get(f"{PAGE}?q=ACCUSE").text.count("Modifier<") == 1


def test_a_stale_form_changes_nothing(site: tuple[FlaskClient, Services]) -> None:
    page, services = site
    line = synonyms.listed(services).lines[0].line_no
    edit = f"{PAGE}{line}"
    version = _version(page, edit)
    post(page, PAGE, {"groups": "XY = ypsilon"}, page=PAGE)
    answer = post(page, edit, {"text": "A = alpha", "version": version}, page=edit)
    assert answer.status_code == 409
    assert "A = alpha" not in _texts(services)


def test_a_transaction_that_fails_leaves_the_list_as_it_was(site: tuple[FlaskClient, Services]) -> None:
    _page, services = site
    before, told = services.synonyms.text(), len(_journal(services))
    with pytest.raises(RuntimeError, match="no commit"), services.unit_of_work(NOW) as uow:
        synonyms.add(uow, "XY = ypsilon", actor=actor(services, "admin"))
        assert "ypsilon" in services.synonyms.text()
        raise RuntimeError("no commit")
    assert services.synonyms.text() == before
    assert len(_journal(services)) == told
    with services.unit_of_work(NOW) as uow:
        synonyms.add(uow, "XY = ypsilon", actor=actor(services, "admin"))
    with pytest.raises(Invalid, match="nothing_new"), services.unit_of_work(NOW) as uow:
        synonyms.add(uow, "ypsilon, xy", actor=actor(services, "admin"))
    with pytest.raises(StaleVersion), services.unit_of_work(NOW) as uow:
        synonyms.remove(uow, 2, version="", actor=actor(services, "admin"))
    assert "ypsilon" in services.synonyms.text()


def test_a_list_that_cannot_be_written_stays_and_says_so(tmp_path: Path) -> None:
    book = SynonymFile(tmp_path / "gone" / "synonyms.txt", otherwise=SHIPPED)
    with pytest.raises(EngineFailed, match="not_written"):
        book.replace("A = alpha")
    assert not book.is_own
    assert book.text() == SHIPPED.read_text("utf-8")


def test_only_the_administrator_edits(house: tuple[Flask, Services]) -> None:
    assert sign_in(house[0], "dge").get(PAGE).status_code == 403


def test_a_change_is_taken_back_from_the_page_while_its_groups_stand(site: tuple[FlaskClient, Services]) -> None:
    page, services = site
    before = _texts(services)
    post(page, PAGE, {"groups": "XY = ypsilon\nXZ = xylophone"}, page=PAGE)
    line = _line(services, "XY = ypsilon")
    edit = f"{PAGE}{line}"
    post(page, edit, {"text": "XY = ypsilon, i grec", "version": _version(page, edit)}, page=edit)
    with services.reading() as session:
        changed, added = synonyms.last_changes(services, session)[:2]
    assert (changed.may_undo, added.may_undo) == (True, False), "one of its groups has changed again"
    assert post(page, f"{PAGE}annuler/{added.sequence}", {}).status_code == 422
    assert post(page, f"{PAGE}annuler/{changed.sequence}", {}).status_code == 303
    assert _line(services, "XY = ypsilon") == line, "where it stood"
    assert post(page, f"{PAGE}annuler/{added.sequence}", {}).status_code == 303
    assert _texts(services) == before
    assert _journal(services)[-1] == {
        "removed": ["XY = ypsilon", "XZ = xylophone"], "added": [], "undone": added.sequence,
    }  # fmt: skip
    assert post(page, f"{PAGE}annuler/{added.sequence}", {}).status_code == 422, "it is taken back already"
    assert post(page, f"{PAGE}annuler/1", {}).status_code == 404, "an entry of another kind"


def test_a_group_that_was_removed_comes_back(site: tuple[FlaskClient, Services]) -> None:
    page, services = site
    post(page, PAGE, {"groups": "XY = ypsilon"}, page=PAGE)
    edit = f"{PAGE}{_line(services, 'XY = ypsilon')}"
    post(page, edit, {"remove": "1", "version": _version(page, edit)}, page=edit)
    assert "XY = ypsilon" not in _texts(services)
    told = page.get(PAGE).text
    assert "Derniers changements" in told
    address = re.search(rf'action="({PAGE}annuler/\d+)"', told)
    assert address
    assert post(page, address[1], {}).status_code == 303
    assert "XY = ypsilon" in _texts(services)
