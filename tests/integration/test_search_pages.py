"""Functions of the search pages: marked words, lists as files, saved searches, alerts by e-mail."""

import csv
import json
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from io import BytesIO, StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlalchemy import select, update

from ged import index_sync
from ged.audit import AuditEntry
from ged.errors import Invalid
from ged.jobs import Job, JobKind, JobState
from ged.org.models import Person
from ged.ports import Confidentiality, Passage, SearchQuery
from ged.search import alerts as saved_alerts
from ged.search import saved as saved_searches
from ged.search.models import SavedSearch
from ged.typography import plain
from ged.unit import Services
from tests.commands import ged
from tests.factories import NOW, SECRET, actor, make_services
from tests.routing_kit import make_mentions, register, run_jobs
from tests.site import make_site, post, sign_in
from web.site import lists, marks
from web.words.translations import translations

pytestmark = [pytest.mark.slow, pytest.mark.in_turns(3)]


def test_marks_stand_on_the_words_of_a_passage() -> None:
    passage = Passage("text", (("l'", False), ("Électricité", True), (" et le ", False), ("poste", True)), None, 1)
    wanted = marks.of_passage(passage)
    assert wanted == ["électricité", "poste"]
    words = [["L'électricité,", 0.1, 0.2, 0.3, 0.05, 90.0], ["postes", 0.5, 0.2, 0.1, 0.05, 90.0]]
    assert marks.on_page(words, wanted) == [marks.Mark(98.0, 198.0, 304.0, 54.0)]
    assert marks.on_page(words, []) == []


@pytest.mark.parametrize("cell", ["=1+1", "+33", "-2", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_no_cell_of_a_list_is_a_formula(cell: str) -> None:
    written = lists.as_csv([["Numéro", cell]])
    assert written.startswith(b"\xef\xbb\xbf")
    (row,) = csv.reader(StringIO(written.decode("utf-8-sig"), newline=""), delimiter=";")
    assert row == ["Numéro", "'" + cell]


def test_an_ods_is_text_cells_in_well_formed_xml() -> None:
    made = lists.as_ods([["=1+1 <&> \x00é", "b"]], name='Liste "A"')
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert archive.infolist()[0].filename == "mimetype"
        assert archive.read("mimetype").decode() == lists.ODS_TYPE
        tree = ElementTree.fromstring(archive.read("content.xml"))  # made by us
    cells = [cell for cell in tree.iter() if cell.tag.endswith("}table-cell")]
    assert ["".join(cell.itertext()) for cell in cells] == ["=1+1 <&>  é", "b"]
    assert not any(name.endswith("}formula") for cell in cells for name in cell.attrib)


def test_numbers_and_days_of_a_list_have_their_values() -> None:
    """A phone number or a number of a register stays text: only what the program knows for a value is one."""
    row = [
        lists.day(date(2026, 11, 30)),
        lists.Valued("1250", 1250),
        lists.percent(0.04),
        lists.percent(-0.5),
        "+228 90 12",
        "0012",
    ]
    (told,) = csv.reader(StringIO(lists.as_csv([row]).decode("utf-8-sig")), delimiter=";")
    assert told == ["30/11/2026", "1250", "+4 %", "-50 %", "'+228 90 12", "0012"]
    assert (
        lists.as_csv([[lists.Valued("=1+1", 2), lists.Valued("+1+cmd", 2)]]).decode("utf-8-sig") == "'=1+1;'+1+cmd\r\n"
    )
    with zipfile.ZipFile(
        BytesIO(lists.as_ods([[*row, lists.Valued("5 <j>", 5, " <j>")], []], name="Liste"))
    ) as archive:
        tree = ElementTree.fromstring(archive.read("content.xml"))  # made by us
    cells = [
        {name.partition("}")[2]: value for name, value in cell.attrib.items()}
        for cell in tree.iter()
        if cell.tag.endswith("}table-cell")
    ]
    assert [cell.get("value-type") for cell in cells] == [
        "date", "float", "percentage", "percentage", "string", "string", "float", None,
    ]  # fmt: skip
    assert (cells[0]["date-value"], cells[1]["value"], cells[2]["value"]) == ("2026-11-30", "1250", "0.04")


def _follow(services: Services, account: str, text: str) -> int:
    with services.unit_of_work(NOW) as uow:
        return saved_searches.save(uow, "veille", SearchQuery(text), follows=True, actor=actor(services, account))


def test_a_list_names_restricted_letters_in_the_journal(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    make_mentions(services)
    plain, close = register(services, "Audience"), register(services, "Audience", level=Confidentiality.RESTRICTED)
    run_jobs(services)
    answer = sign_in(app, "sg").get("/recherche/liste?q=audience&format=csv")
    assert answer.headers["Content-Disposition"].endswith('.csv"')
    assert {plain.number, close.number} <= {line.split(";")[0] for line in answer.text.splitlines()}
    with services.reading() as session:
        told = session.scalars(select(AuditEntry.subject_id).where(AuditEntry.action == "mail.exported")).all()
    assert told == [close.mail_id]
    other = sign_in(app, "daf").get("/recherche/liste?q=audience&format=ods")
    assert other.mimetype == lists.ODS_TYPE
    with zipfile.ZipFile(BytesIO(other.data)) as archive:
        assert plain.number not in archive.read("content.xml").decode()


def test_saved_searches_are_their_owners(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    client = sign_in(app, "sg")
    data: dict[str, object] = {
        "name": "Suivi",
        "q": "audience",
        "state": ["to_impute", "assigned"],
        "follows": "1",
        "mots": "tous",
    }
    assert post(client, "/recherches/", data, page="/recherche/?q=audience").status_code == 303
    assert post(client, "/recherches/", data).status_code == 303, "a double click"
    again = post(client, "/recherches/", data | {"q": "préfet"})
    assert again.status_code == 422
    assert 'value="assigned"' in again.text
    with services.reading() as session:
        (row,) = saved_searches.rows(session, actor(services, "sg"))
        assert row.query.filters == {"state": ("to_impute", "assigned")}
        assert row.query.all_words
        assert saved_searches.rows(session, actor(services, "daf")) == []
    listed = client.get("/recherches/").text
    assert "mots=tous" in listed
    assert "tous les mots" in listed
    other = sign_in(app, "daf")
    for path in ("suivre", "vu", "supprimer"):
        assert post(other, f"/recherches/{row.id}/{path}", {}, page="/recherches/").status_code == 404
    assert other.get(f"/recherches/{row.id}").status_code == 404
    assert post(client, f"/recherches/{row.id}/supprimer", {}).status_code == 303
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid):
        saved_searches.save(uow, "vide", SearchQuery(""), follows=False, actor=actor(services, "sg"))


@pytest.mark.parametrize(
    ("language", "subject", "text"),
    [
        (
            "",
            "Recherche suivie : veille (1 nouveau courrier)",
            "Votre recherche suivie « veille » a trouvé 1 nouveau",
        ),
        (
            "en",
            "Followed search: veille (1 new letter)",
            "Your followed search “veille” has found 1 new letter that",
        ),
    ],
)
def test_an_alert_is_written_in_the_language_of_its_reader(
    tmp_path: Path, language: str, subject: str, text: str
) -> None:
    services = replace(make_services(tmp_path), translations=translations)
    make_site(tmp_path, services=services)
    make_mentions(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Person).where(Person.account == "sg").values(email="sg@example.tg", language=language)
        )
    saved_id = _follow(services, "sg", "audience")
    run_jobs(services, JobKind.ALERTS, JobKind.ALERT_MAIL)
    register(services, "Audience du maire")
    run_jobs(services)
    assert saved_alerts.check(services, saved_id, now=NOW) == 1
    run_jobs(services, JobKind.ALERT_MAIL)
    (sent,) = (tmp_path / "outbox").glob("*.eml")
    message = message_from_bytes(sent.read_bytes(), policy=default)
    assert plain(str(message["Subject"])) == subject
    body = message.get_body()
    assert body is not None
    assert plain(body.get_content()).startswith(text)


def test_a_followed_search_reads_its_days_anew_at_each_run(tmp_path: Path) -> None:
    """ "hier" is the day before the run, whenever the search was saved."""
    _app, services = make_site(tmp_path)
    make_mentions(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(email="sg@example.tg"))
    saved_id = _follow(services, "sg", "audience reçue hier")
    assert saved_alerts.check(services, saved_id, now=NOW) == 0
    register(services, "Audience du maire")  # on the day of NOW, and its words are not "reçue hier"
    run_jobs(services, JobKind.INDEX)
    assert saved_alerts.check(services, saved_id, now=NOW) == 0, "it is of today"
    assert saved_alerts.check(services, saved_id, now=NOW + timedelta(days=1)) == 1
    assert saved_alerts.check(services, saved_id, now=NOW + timedelta(days=2)) == 0


def test_the_command_understands_days_as_the_site_does(tmp_path: Path) -> None:
    _app, services = make_site(tmp_path)
    make_mentions(services)
    register(services, "Audience du maire")  # of 24 November 2026
    run_jobs(services, JobKind.INDEX)

    def found(text: str, *more: str) -> str:
        done = ged(
            "search",
            "--as",
            "sg",
            *more,
            text,
            GED_ENV_FILE=str(tmp_path / "none"),
            GED_DATA_DIR=str(tmp_path),
            GED_SECRET=SECRET,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    asked = {
        "audience novembre 2026": (1, True),
        "audience mars 1999": (1, False),  # of no such day: the other words are searched
        '"audience" mars 1999': (0, None),  # signs: each word is meant
    }
    for text, (count, is_used) in asked.items():
        told = json.loads(found(text, "--json"))
        assert (told["total"], told["days"] and told["days"]["is_used"]) == (count, is_used), text
    assert "days: 2026-11-01 to 2026-11-30 (novembre 2026)" in found("audience novembre 2026")
    assert "no letter of 1999-03-01 to 1999-03-31 (mars 1999): the other words were searched" in found(
        "audience mars 1999"
    )


def test_days_that_a_person_took_away_stay_away_in_a_saved_search(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    client = sign_in(app, "sg")
    page = "/recherche/?q=audience"
    for name, dates in (("comprise", ""), ("en mots", "mots"), ("sans date", "sans")):
        typed = {"name": name, "q": "audience mars 2026", "dates": dates}
        assert post(client, "/recherches/", typed, page=page).status_code == 303
    assert post(client, "/recherches/", {"name": "seule", "q": "hier", "dates": "sans"}).status_code == 303
    with services.reading() as session:
        rows = {row.name: row for row in saved_searches.rows(session, actor(services, "sg"))}
    told = {name: (row.query.text, row.days_are_words) for name, row in rows.items()}
    assert told == {
        "comprise": ("audience mars 2026", False),
        "en mots": ("audience mars 2026", True),
        "sans date": ("audience", False),
        "seule": ("hier", True),  # nothing else is said: the word is searched
    }
    with services.reading() as session:
        kept = {one.name: one.query for one in session.scalars(select(SavedSearch))}
    today = date(2026, 11, 24)
    assert saved_searches.read_on(kept["comprise"], today).dated is not None
    assert saved_searches.read_on(kept["en mots"], today).dated is None
    listed = client.get("/recherches/").text
    assert listed.count("date comprise : du 1er mars 2026 au 31 mars 2026") == 1
    assert listed.count("dates=mots") == 4  # two searches, each with two links


def test_a_search_that_is_followed_while_the_index_is_rebuilt_reports_no_earlier_letter(tmp_path: Path) -> None:
    """Without the index numbers and subjects alone are searched: what else the search finds was there before."""
    _app, services = make_site(tmp_path)
    make_mentions(services)
    register(services, "Audience du préfet")
    run_jobs(services)
    services.index.close()  # type: ignore[attr-defined]
    current = tmp_path / "index" / "current.json"
    current.write_text(json.dumps({**json.loads(current.read_text()), "layout": 1}))  # as of a release before
    assert not index_sync.ask_rebuild_if_outdated(services, now=NOW)
    saved_id = _follow(services, "sg", "audiences")
    assert saved_alerts.check(services, saved_id, now=NOW) == 0
    run_jobs(services, JobKind.REBUILD_INDEX)
    assert saved_alerts.check(services, saved_id, now=NOW) == 0, "the letter is older than the search"
    register(services, "Audience du maire")
    run_jobs(services)
    assert saved_alerts.check(services, saved_id, now=NOW) == 1


def test_an_alert_is_sent_once_and_not_without_rights(tmp_path: Path) -> None:
    _app, services = make_site(tmp_path)
    make_mentions(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(email="sg@example.tg"))
    register(services, "Audience du préfet")
    run_jobs(services)
    saved_id = _follow(services, "sg", "audience")
    run_jobs(services, JobKind.ALERTS, JobKind.ALERT_MAIL)
    register(services, "Audience du maire")
    run_jobs(services)
    assert saved_alerts.check(services, saved_id, now=NOW) == 1
    assert saved_alerts.check(services, saved_id, now=NOW) == 0
    run_jobs(services, JobKind.ALERT_MAIL)
    (sent,) = (tmp_path / "outbox").glob("*.eml")
    assert "maire" not in sent.read_text()
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(is_active=False))
    register(services, "Audience du ministre")
    run_jobs(services)
    assert saved_alerts.check(services, saved_id, now=NOW) == 0
    with services.unit_of_work(NOW) as uow:
        assert uow.session.get_one(SavedSearch, saved_id).paused_at == NOW
        uow.session.execute(update(Person).where(Person.account == "sg").values(is_active=True))
    assert saved_alerts.check(services, saved_id, now=NOW) == 1
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(is_active=False))
    run_jobs(services, JobKind.ALERT_MAIL)
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1
    with services.reading() as session:
        states = session.scalars(select(Job.state).where(Job.kind == JobKind.ALERT_MAIL)).all()
        assert set(states) == {JobState.DONE}
