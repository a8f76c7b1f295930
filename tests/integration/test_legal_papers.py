"""The decision and the declaration of an entity: what is known is written, what is not is a marked blank, nothing of others is told."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pypdfium2
import pytest
from flask import Flask
from sqlalchemy import event, select

from ged.administration import checklist
from ged.administration.reach import Reach
from ged.audit import AuditEntry, AuditPayload
from ged.compliance import facts as known
from ged.compliance import operations
from ged.compliance.facts import Entity, Facts, Gap
from ged.compliance.operations import Paper
from ged.compliance.text import plain, runs
from ged.errors import NotFound
from ged.natures.models import Nature
from ged.org.models import Holding, Person, Post, PostRole, SigningKey, Unit
from ged.register.counters import year_of
from ged.register.models import Direction, Register, RegisterCounter
from ged.unit import Role, Services
from tests import commands
from tests.administration_site_kit import place
from tests.factories import NOW, SECRET, TODAY, actor, make_organisation, make_services
from tests.site import make_settings, post, sign_in

__all__ = ["place"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
ROOT = "/administration/decision-et-declaration/"
WORDS = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    yield made
    made.engine.dispose()


def facts_of(services: Services, folder: Path, *, who: str = "admin", code: str = "MIN", **settings: object) -> Facts:
    with services.reading() as session:
        reach = Reach(actor(services, who), services.installation_accounts)
        entity = next(one for one in known.entities(session, reach) if one.code == code)
        return known.gather(session, services, make_settings(folder, **settings), entity, on=TODAY)


def add_nature(services: Services, name: str, years: int | None, *, entity_id: int | None = None) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Nature(code=name, name=name, direction=Direction.INCOMING, retention_years=years, entity_id=entity_id)
        )


def add_ministry(services: Services) -> int:
    """A second ministry with its administrator ``loin``, a signatory and a nature of its own. Returns the id of its root."""
    with services.unit_of_work(NOW) as uow:
        top = Unit(code="AUTRE", name="Autre ministère", kind="ministry", is_entity=True)
        people = [Person(account=name, name=f"{name.title()} Zibeline", clearance=0) for name in ("loin", "signe")]
        uow.session.add_all([top, *people])
        uow.session.flush()
        for person, role in zip(people, (Role.ADMINISTRATOR, Role.SIGNATORY), strict=True):
            made = Post(code=f"Z-{role}", title=f"Zibeline {role}", unit_id=top.id, roles=[PostRole(role=role)])
            uow.session.add(made)
            uow.session.flush()
            uow.session.add(Holding(post_id=made.id, person_id=person.id, from_on=TODAY - timedelta(days=9)))
        top_id = top.id
    add_nature(services, "Nature zibeline", 30, entity_id=top_id)
    return top_id


def all_lines(facts: Facts) -> str:
    return " ".join(line for paper in Paper for line in operations.text_of(paper, facts)._lines())


def word_text(content: bytes) -> str:
    with zipfile.ZipFile(BytesIO(content)) as file:
        assert file.testzip() is None
        tree = ElementTree.fromstring(file.read("word/document.xml"))
    return "\n".join("".join(t.text or "" for t in p.iter(f"{WORDS}t")) for p in tree.iter(f"{WORDS}p"))


def test_a_register_that_continues_a_paper_book_says_where_it_begins_here(services: Services, tmp_path: Path) -> None:
    """The decision must not say that a register begins with 1 when its paper book stopped at 4127."""
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(Register).where(Register.code == "ARR")).one()
        uow.session.add(
            RegisterCounter(
                register_id=row.id, year=year_of(row, TODAY), opening_sequence=4127, last_sequence=4127, opening_reason="Tome 12"
            )
        )  # fmt: skip
    told = all_lines(facts_of(services, tmp_path))
    assert "04128/" in told
    assert "à la suite du registre papier (Tome 12)" in told


def test_an_address_that_only_the_server_opens_is_a_blank(services: Services, tmp_path: Path) -> None:
    told = all_lines(facts_of(services, tmp_path))
    assert "127.0.0.1" not in told
    assert "[[adresse du site]]" in told
    services = replace(services, public_url="https://ged.eau.gouv.tg")
    told = all_lines(facts_of(services, tmp_path))
    assert "https://ged.eau.gouv.tg/verifier" in told
    assert "adresse du site" not in told


def test_what_is_missing_is_told_until_it_is_set(services: Services, tmp_path: Path) -> None:
    add_nature(services, "Réclamation", None)
    add_nature(services, "Facture", 10)
    before = dict(facts_of(services, tmp_path).gaps)
    assert before[Gap.RETENTION] >= 1
    assert before[Gap.SHORT_RETENTION] == 1
    assert {Gap.KEYS, Gap.AUDITOR, Gap.SEAL, Gap.TIME_STAMP, Gap.VIRUS_SCANNER, Gap.BACKUP} <= set(before)
    assert Gap.SIGNATORY not in before
    with services.unit_of_work(NOW) as uow:
        for nature in uow.session.scalars(select(Nature)):
            nature.retention_years = 25
        sg = uow.session.scalars(select(Person).where(Person.account == "sg")).one()
        uow.session.add(
            SigningKey(person_id=sg.id, keystore=b"", salt=b"", certificate_pem="", issued_at=NOW, failed_tries=0)
        )
        auditor = Post(code="AUD", title="Auditeur", unit_id=1, roles=[PostRole(role=Role.AUDITOR)])
        uow.session.add(auditor)
        uow.session.flush()
        uow.session.add(Holding(post_id=auditor.id, person_id=sg.id, from_on=TODAY))
        checklist.see_backup(uow, actor=actor(services, "admin"))
    after = dict(facts_of(services, tmp_path).gaps)
    assert after.keys().isdisjoint({Gap.RETENTION, Gap.SHORT_RETENTION, Gap.KEYS, Gap.AUDITOR, Gap.BACKUP})
    with services.unit_of_work(NOW) as uow:
        for held in uow.session.scalars(select(Holding)):
            held.until_on = TODAY - timedelta(days=1)
    gone = dict(facts_of(services, tmp_path).gaps)
    assert gone[Gap.SIGNATORY] == 1
    assert Gap.AUDITOR in gone


def test_the_settings_are_written_and_what_is_not_set_is_a_blank(services: Services, tmp_path: Path) -> None:
    bare = all_lines(facts_of(services, tmp_path))
    assert "[[Autorité d'horodatage" in bare
    assert "[[chiffrement HTTPS à mettre en place]]" in bare
    assert "n'appelle aucun autre serveur" in bare
    whole = facts_of(
        services, tmp_path, tsa_urls=("https://tsa.exemple.tg/a", "https://tsa.exemple.tg/b"), key_type="rsa3072",
        smtp_url="smtps://compte:motdepasse@courriel.exemple.tg", clamd="tcp://127.0.0.1:3310",
    )  # fmt: skip
    said = all_lines(whole)
    assert said.count("fourni par tsa.exemple.tg,") == 1, "a host is named once"
    assert "B-LTA" in said
    assert "RSA de 3 072 bits" in said
    assert "courriel.exemple.tg, [[lieu et pays]]" in said
    assert "sur la même machine" in said
    assert "motdepasse" not in said, "no secret of the settings"
    assert str(tmp_path) not in said, "no path of the server"


def test_no_fact_is_invented_about_people_and_natures(services: Services, tmp_path: Path) -> None:
    add_nature(services, "Réclamation", None)
    facts = facts_of(services, tmp_path)
    said = all_lines(facts)
    assert "Réclamation" in said
    assert "[[durée de conservation]]" in said
    assert "Sg" in said
    for paper in Paper:
        blanks = operations.text_of(paper, facts).blanks
        assert len(blanks) >= 10
        assert len(set(blanks)) == len(blanks)
    add_nature(services, "[[Ruse]]", 20)
    assert "[Ruse]" in all_lines(facts_of(services, tmp_path))
    assert "Ruse" not in str([operations.text_of(one, facts_of(services, tmp_path)).blanks for one in Paper])


def test_an_administrator_sees_the_own_ministry_only(services: Services, tmp_path: Path) -> None:
    top = add_ministry(services)
    services = replace(services, installation_accounts=())
    with services.reading() as session:
        near, far = (Reach(actor(services, who), ()) for who in ("admin", "loin"))
        assert [one.code for one in known.entities(session, near)] == ["MIN"]
        assert [one.code for one in known.entities(session, far)] == ["AUTRE"]
        with pytest.raises(NotFound, match=r"act\.unknown"):
            operations.entity_of(session, near, top)
    assert "zibeline" not in all_lines(facts_of(services, tmp_path)).lower()
    other = all_lines(facts_of(services, tmp_path, who="loin", code="AUTRE"))
    assert "Signe Zibeline" in other
    assert "Nature zibeline" in other
    assert "Poste SG-T" not in other


def test_it_asks_as_much_of_a_large_entity_and_looks_at_no_letter(services: Services, tmp_path: Path) -> None:
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    event.listen(services.engine, "before_cursor_execute", note)
    facts_of(services, tmp_path)
    asked.clear()
    facts_of(services, tmp_path)
    before = len(asked)
    with services.unit_of_work(NOW) as uow:
        for number in range(100):
            made = Unit(code=f"U{number}", name=f"Service {number}", kind="service", is_entity=False, parent_id=1)
            uow.session.add(made)
            uow.session.flush()
            uow.session.add(Post(code=f"P{number}", title="Agent", unit_id=made.id, roles=[PostRole(role=Role.CLERK)]))
    asked.clear()
    facts_of(services, tmp_path)
    assert len(asked) == before
    assert not [one for one in asked if " mails" in one or "mail_numbers" in one]


def test_the_pages_the_preview_and_the_word_file(place: tuple[Flask, Services]) -> None:
    app, services = place
    add_nature(services, "Réclamation", None)
    client = sign_in(app, "admin")
    assert "Préparer les projets" in client.get("/administration/").text
    page = client.get(ROOT).text
    assert "À régler avant la signature" in page
    assert "/administration/natures" in page, "what a page sets is linked"
    assert "ged pki seal" in page
    entity_id = re.search(rf"{ROOT}(\d+)/decision", page)
    assert entity_id
    for paper in Paper:
        here = f"{ROOT}{entity_id.group(1)}/{paper.value}"
        assert f"{here}/apercu.pdf" in client.get(here).text
        shown = client.get(f"{here}/apercu.pdf")
        document = pypdfium2.PdfDocument(BytesIO(shown.data))
        pages = [one.get_textpage().get_text_range() for one in document]
        document.close()
        assert 2 <= len(pages) <= 8
        assert "2017-007" in " ".join(pages) or paper is Paper.DECLARATION
        assert "Projet" in pages[0]
        answer = post(client, here, {})
        assert answer.status_code == 200
        assert f"filename={paper.value}-min-" in answer.headers["Content-Disposition"]
        said = word_text(answer.data)
        assert "[nom et qualité]" in said or "[numéro]" in said
        assert "[[" not in said
        with zipfile.ZipFile(BytesIO(answer.data)) as file:
            body = file.read("word/document.xml").decode()
        assert body.count("<w:highlight") >= 10, "blanks are marked"
        assert body.count('w:val="Titre1"') >= 9, "headings are headings"
    with services.reading() as session:
        entries = session.execute(
            select(AuditEntry.person_id, AuditPayload.payload)
            .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.action == operations.MADE)
            .order_by(AuditEntry.sequence)
        ).all()
    assert [noted["paper"] for _, noted in entries] == ["decision", "declaration"], "looking is not noted, making is"
    assert all(person_id and len(noted["sha256"]) == 64 for person_id, noted in entries)
    assert client.get(f"{ROOT}{entity_id.group(1)}/autre").status_code == 404
    assert client.get(f"{ROOT}999/decision").status_code == 404
    assert sign_in(app, "sg").get(ROOT).status_code == 403


def test_the_other_ministry_is_not_found_and_not_told(place: tuple[Flask, Services]) -> None:
    app, services = place
    top = add_ministry(services)
    client = sign_in(app, "admin")
    for path in (f"{top}", f"{top}/decision", f"{top}/declaration/apercu.pdf"):
        assert client.get(ROOT + path).status_code == 404
    assert post(client, f"{ROOT}{top}/decision", {}).status_code == 404
    assert "zibeline" not in client.get(ROOT).text.lower()


def test_equal_facts_give_equal_files_and_a_training_installation_marks_them(
    services: Services, tmp_path: Path
) -> None:
    facts = facts_of(services, tmp_path)
    made = operations.as_word(Paper.DECISION, facts)
    assert made == operations.as_word(Paper.DECISION, facts)
    assert "EXERCICE" not in word_text(made.content)
    assert "EXERCICE" in word_text(operations.as_word(Paper.DECISION, replace(facts, is_training=True)).content)


def test_blanks_are_parted_from_text() -> None:
    assert runs("le [[date]], à [[lieu]].") == (
        ("le ", False),
        ("date", True),
        (", à ", False),
        ("lieu", True),
        (".", False),
    )
    assert runs("sans") == (("sans", False),)
    assert plain("[[x]]") == "[x]"


@pytest.mark.parametrize("name", ["[[signataire]]", "[[[signataire]]]", "[[[[signataire]]]]"])
def test_a_name_never_makes_a_blank(name: str) -> None:
    assert [is_blank for _, is_blank in runs(f"La {plain(name)}.")] == [False]


@pytest.mark.parametrize("sign", ["\uffff", "\ufffe", "\ud800", "\x00", "\x1b"])
def test_a_sign_that_no_xml_holds_leaves_the_word_file_readable(services: Services, tmp_path: Path, sign: str) -> None:
    facts = facts_of(services, tmp_path)
    named = replace(facts, entity=replace(facts.entity, name=f"Direction{sign} de l'eau"))
    assert "Direction de l" in word_text(operations.as_word(Paper.DECISION, named).content)


def test_the_command_writes_both_forms(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    services = make_services(data)
    make_organisation(services)
    env = tmp_path / "ged.env"
    env.write_text(f"GED_DATA_DIR={data}\nGED_SECRET={SECRET}\n")
    word, pdf = tmp_path / "d.docx", tmp_path / "d.pdf"
    done = commands.ged("--env", env, "org", "paper", "decision", "MIN", word)
    assert done.returncode == 0, done.stderr
    assert "blanks to fill in" in done.stdout
    assert "to be set: seal (1)" in done.stdout
    assert "DÉCIDE" in word_text(word.read_bytes())
    assert commands.ged("--env", env, "org", "paper", "declaration", "MIN", pdf).returncode == 0
    assert pdf.read_bytes().startswith(b"%PDF")
    wrong = commands.ged("--env", env, "org", "paper", "decision", "RIEN", tmp_path / "x.pdf")
    assert wrong.returncode == 1
    assert "paper.entity" in wrong.stderr
    assert commands.ged("--env", env, "org", "paper", "decision", "MIN", tmp_path / "x.txt").returncode == 2
    full = tmp_path / "plein.docx"
    full.symlink_to("/dev/full")
    assert commands.ged("--env", env, "org", "paper", "decision", "MIN", full).returncode != 0
    with services.reading() as session:
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == operations.MADE)).all()) == 2
    services.engine.dispose()


def test_entities_are_listed_from_the_largest(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Unit(code="AGE", name="Agence", kind="agency", is_entity=True, parent_id=1))
    with services.reading() as session:
        found = known.entities(session, Reach(actor(services, "admin"), ()))
        assert [(one.code, one.name) for one in found] == [("MIN", "Ministère"), ("AGE", "Agence")]
        assert isinstance(found[0], Entity)
