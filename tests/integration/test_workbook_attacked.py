"""A workbook as an attack: an administrator gains access to no letter; hostile cells and names are refused in words."""

import datetime
import re
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.org.actors import actor_of_account
from ged.routing.load import fill_calendar
from ged.spreadsheet.reading import read_apart
from ged.unit import Role, Services
from ged.workbook import operations, writing
from ged.workbook.merging import merge
from ged.workbook.state import organisation_now
from tests.factories import NOW, TODAY
from tests.site import make_site, post, sign_in
from tests.workbook_kit import book, take

pytestmark = pytest.mark.in_turns(3)


def hand_in(client: FlaskClient, content: bytes, name: str = "classeur.xlsx") -> str:
    answer = post(client, "/administration/deploiement/", {"file": (BytesIO(content), name)})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def site(tmp_path: Path) -> tuple[FlaskClient, Services]:
    app, services = make_site(tmp_path)
    with services.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    return sign_in(app, "admin"), services


def test_an_administrator_gives_himself_no_letters_by_a_workbook(tmp_path: Path) -> None:
    client, services = site(tmp_path)
    content = book(
        services,
        {
            "Personnes": [["admin", "", "", "secret"]],
            "Postes": [["SG-T", "", "", "admin", ""]],
        },
    )
    shown = hand_in(client, content)
    post(client, f"{shown}/importer", {})
    with services.reading() as session:
        me = actor_of_account(session, "admin", on=datetime.datetime.now(datetime.UTC).date())
    assert not me.has(Role.AUTHORITY, Role.HEAD, Role.SIGNATORY), me.posts
    assert int(me.clearance) == 0
    assert not any(p.works for p in me.posts)


def test_an_administrator_gives_his_own_post_no_working_role(tmp_path: Path) -> None:
    client, services = site(tmp_path)
    shown = hand_in(client, book(services, {"Postes": [["ADM", "", "MIN", "", "administrateur, chef"]]}))
    post(client, f"{shown}/importer", {})
    with services.reading() as session:
        me = actor_of_account(session, "admin", on=datetime.datetime.now(datetime.UTC).date())
    assert not me.headed_unit_ids


def test_the_holder_of_a_vacant_post_is_told_before_and_in_the_journal(tmp_path: Path) -> None:
    client, services = site(tmp_path)
    shown = hand_in(client, book(services, {"Postes": [["ADM2", "Adjoint", "SG", "", "chef"]]}))
    post(client, f"{shown}/importer", {})
    shown = hand_in(client, book(services, {"Postes": [["ADM2", "", "", "etudes", ""]]}))
    page = client.get(shown).text
    told = re.search(r"ADM2", page) is not None
    post(client, f"{shown}/importer", {})
    with services.reading() as session:
        me = actor_of_account(session, "etudes", on=datetime.datetime.now(datetime.UTC).date())
        rows = operations.handed_in(session)
    assert any(p.title == "Adjoint" for p in me.posts)
    assert told, "the page said that nothing changes"
    assert rows[0].may_undo, "it can be taken back"


def test_the_undo_gives_an_administrator_no_post_back(tmp_path: Path) -> None:
    """The operator's second workbook takes a directorate from the administrator, who undoes that workbook."""
    client, services = site(tmp_path)
    take(services, {"Postes": [["DAF-C", "", "", "admin", ""]]})
    take(services, {"Postes": [["DAF-C", "", "", "daf", ""]]}, now=NOW + datetime.timedelta(minutes=5))
    with services.reading() as session:
        row = operations.handed_in(session)[0]
    post(client, f"/administration/deploiement/{row.id}/reprendre", {})
    with services.reading() as session:
        me = actor_of_account(session, "admin", on=datetime.datetime.now(datetime.UTC).date())
    assert not any(p.works for p in me.posts), me.posts


def test_a_mention_that_an_imputation_names_hangs(tmp_path: Path) -> None:
    import pytest

    from ged.errors import Invalid
    from tests.factories import make_organisation, make_services
    from tests.routing_kit import impute, register

    services = make_services(tmp_path)
    make_organisation(services)
    take(services, {"Mentions": [["urgent", "Très urgent", ""]]})
    mail = register(services)
    impute(services, mail.mail_id, "DGE", mentions=("urgent",))
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid):
        operations.undo(uow)


def test_a_post_through_which_the_journal_says_somebody_acted_hangs(tmp_path: Path) -> None:
    import pytest

    from ged.errors import Invalid
    from ged.org.models import Post
    from ged.routing import calendar_changes
    from tests.factories import actor, make_organisation, make_services

    services = make_services(tmp_path)
    make_organisation(services)
    take(services, {"Postes": [["ADM3", "Administrateur adjoint", "SG", "etudes", "administrateur"]]})
    with services.unit_of_work(NOW) as uow:
        calendar_changes.set_holiday(
            uow, datetime.date(2030, 3, 4), name="Fermeture", is_off=True, actor=actor(services, "etudes")
        )
    with services.reading() as session:
        post_id = session.scalar(select(Post.id).where(Post.code == "ADM3"))
        acted = session.scalars(select(AuditEntry).where(AuditEntry.post_id == post_id)).all()
    assert acted
    try:
        with services.unit_of_work(NOW) as uow:
            operations.undo(uow)
    except Invalid:
        return
    take(services, {"Postes": [["CAB", "Directeur de cabinet", "SG", "", "chef"]]})
    with services.reading() as session:
        named = session.get(Post, post_id)
    pytest.fail(f"undone; the journal's post {post_id} is now {named.title if named else None!r}")


def test_a_cell_with_an_invisible_sign_comes_back_marked(tmp_path: Path) -> None:
    import openpyxl

    client, _services = site(tmp_path)
    made = openpyxl.Workbook()
    made.active.title = "Personnes"
    made.active.append(["Compte", "Nom et prénoms"])
    made.active.append(["x.y", "Rue_x0001_Lomé"])
    kept = BytesIO()
    made.save(kept)
    shown = hand_in(client, kept.getvalue())
    assert client.get(shown).status_code == 200
    assert client.get(f"{shown}/corrige.xlsx").status_code == 200


def test_a_name_of_a_file_with_a_line_break(tmp_path: Path) -> None:
    client, services = site(tmp_path)
    content = book(services, {"Personnes": [["admin", "", "", "faux"]]})
    from tests.site import token_of

    csrf = token_of(client)
    body = (
        b'--B\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n'
        + csrf.encode()
        + b"\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x%00.xlsx\r\n"
        b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n--B--\r\n"
    )
    answer = client.post("/administration/deploiement/", data=body, content_type="multipart/form-data; boundary=B")
    assert answer.status_code in (303, 422), answer.text[:300]
    if answer.status_code == 303:
        assert client.get(f"{answer.location}/corrige.xlsx").status_code == 200


def test_the_undo_asks_no_query_for_each_row(tmp_path: Path) -> None:
    from sqlalchemy import event

    from tests.factories import make_organisation, make_services

    services = make_services(tmp_path)
    make_organisation(services)
    take(services, {"Correspondants": [[f"Société {i}", "", "", "", ""] for i in range(200)]})
    asked = []
    event.listen(services.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    with services.unit_of_work(NOW) as uow:
        operations.undo(uow)
    assert len(asked) < 200, len(asked)


def test_a_vertical_tab_pasted_from_word_does_not_break_the_marked_workbook() -> None:
    """No finding reports it (it is read as a space), so any other wrong cell makes the download fail."""
    from ged.org.file import OrganisationFile

    rows = {"Personnes": [["Compte", "Nom et prénoms", "Courriel"], ["x.y", "Rue\x0bLomé", "sans arobase"]]}
    merged = merge(OrganisationFile(organisation="x"), rows)
    assert [one.column for one in merged.findings] == [3]
    writing.marked(rows, merged.findings)


def test_a_long_text_of_a_letter_comes_back_whole(tmp_path: Path) -> None:
    """The workbook as it is, handed in again, changes nothing: no text is cut on the way."""
    from ged.signbook.models import LetterTemplate
    from tests.factories import make_organisation, make_services

    services = make_services(tmp_path)
    make_organisation(services)
    body = "\n".join(f"Article {n} : les dispositions qui suivent s'appliquent." for n in range(1, 351))
    assert 19_000 < len(body) <= 20_000
    with services.unit_of_work(NOW) as uow:
        uow.session.add(LetterTemplate(code="long", title="Long", subject="Objet", body=body))
    with services.reading() as session:
        now = organisation_now(session, on=TODAY)
    merged = merge(now, read_apart(writing.filled(now)))
    assert merged.findings == ()
    assert merged.file is not None
    assert [one.body for one in merged.file.templates] == [one.body for one in now.templates]
    longer = read_apart(writing.marked({"Modèles de lettres": [["Code", "Texte"], ["long", body + "x" * 2_000]]}, ()))
    assert [one.code for one in merge(now, longer).findings] == ["workbook.too_long"]


@pytest.mark.parametrize("sign", ["\uffff", "\ufdd0"])
def test_a_name_with_a_sign_that_no_file_holds_is_found(sign: str) -> None:
    """It would make the Word files and workbooks in which the name stands unreadable."""
    from ged.org.file import OrganisationFile

    rows = {"Personnes": [["Compte", "Nom et prénoms"], ["x.y", f"Rue{sign}Lomé"]]}
    assert [(one.column, one.code) for one in merge(OrganisationFile(organisation="x"), rows).findings] == [
        (2, "workbook.control")
    ]


def test_a_busy_reader_is_said_in_words(tmp_path: Path, monkeypatch) -> None:
    """One child process reads all workbooks. A person who waits too long gets a page, not an error."""
    from ged.spreadsheet import reading
    from sandbox import Busy

    client, services = site(tmp_path)
    content = book(services, {"Personnes": [["x.y", "Nom", "", ""]]})

    class Full:
        def child(self, **_k):
            raise Busy("workbooks")

    monkeypatch.setattr(reading, "_readers", Full)
    answer = post(client, "/administration/deploiement/", {"file": (BytesIO(content), "c.xlsx")})
    assert answer.status_code in {422, 503}, answer.status_code


def test_a_circuit_is_taken_away_by_a_dash() -> None:
    from ged.org.file import CircuitRecord, NatureRecord, OrganisationFile, PostRecord, UnitRecord

    now = OrganisationFile(
        organisation="x",
        units=(UnitRecord(code="U", name="U", entity=True),),
        posts=(PostRecord(code="P", title="P", unit="U", roles=(Role.SIGNATORY,)),),
        natures=(NatureRecord(code="n", name="N", direction="outgoing", circuit=CircuitRecord(signatory="P")),),
    )
    merged = merge(now, {"Circuits": [["Nature", "Poste", "Étape"], ["n", "—", ""]]})
    assert merged.file is not None, merged.findings
    assert merged.file.natures[0].circuit is None


def test_a_small_file_does_not_make_the_marked_workbook_of_millions_of_cells(tmp_path: Path) -> None:
    """Two distant cells (5 kB): only cells with text are read and written again."""
    import openpyxl

    made = openpyxl.Workbook()
    made.remove(made.active)
    for n in range(2):
        made.create_sheet(f"F{n}").cell(20000, 60).value = "x"
    kept = BytesIO()
    made.save(kept)
    rows = read_apart(kept.getvalue())
    assert sum(len(row) for lines in rows.values() for row in lines) < 200_000


def test_an_entity_is_not_made_a_plain_unit_by_a_line_in_the_other_sheet(tmp_path: Path) -> None:
    """Otherwise the entity's border would vanish: the heads above would see its letters."""
    _client, services = site(tmp_path)
    with services.reading() as session:
        now = organisation_now(session, on=TODAY)
    rows = read_apart(writing.filled(now))
    merged = merge(now, {"Unités": [rows["Unités"][0], ["MIN", "Ministère", "", ""]]})
    assert merged.findings, [u for u in merged.file.units if u.code == "MIN"]


def test_a_merged_correspondent_is_not_written_behind_the_scenes(tmp_path: Path) -> None:
    from ged.register.models import Correspondent

    _client, services = site(tmp_path)
    with services.unit_of_work(NOW) as uow:
        gone = Correspondent(name="Trésor public", folded_name="tresor public")
        kept = Correspondent(name="DGTCP", folded_name="dgtcp")
        uow.session.add_all([gone, kept])
        uow.session.flush()
        gone.merged_into_id = kept.id
    take(services, {"Correspondants": [["Trésor public", "administration", "Atakpamé", "", ""]]})
    with services.reading() as session:
        row = session.scalars(select(Correspondent).where(Correspondent.name == "Trésor public")).one()
    assert row.address == ""
