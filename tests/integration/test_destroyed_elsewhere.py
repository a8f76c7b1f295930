"""What else tells of a letter that was destroyed: its page, its case file, its entity that leaves, the ministry on a disk."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, update

import ged_verify
from ged import case_export
from ged import unit as work
from ged.adapters.blobs_fs import FileBlobs
from ged.destroyed import DestroyedLetter
from ged.org.models import Unit
from ged.ports import Digest
from ged.preservation.documents import SignedKind, last_of
from ged.register.models import Attachment, Correspondent, Mail, MailLink, MailNumber
from ged.register.states import MailState
from ged.routing.models import Assignment
from ged.routing.states import AssignmentState
from ged.unit import Services, UnitOfWork
from ged.verify import verify
from tests import transfer_kit
from tests.destroyed_kit import carry_out, decided, digests, keyed, letter, over
from tests.disk_kit import Burned, part, parts
from tests.factories import NOW, make_services
from tests.routing_kit import run_jobs
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.in_turns(2)


def test_its_page_says_so_and_its_files_are_no_more(tmp_path: Path) -> None:
    app, services = make_site(tmp_path, services=keyed(make_services(tmp_path), tmp_path))
    gone, stays = letter(services, "Affaire périmée"), letter(services, "Affaire gardée")
    over(services, [gone])
    dge, sg = sign_in(app, "dge"), sign_in(app, "sg")
    unit = unit_of(services)
    page = dge.get(f"/eliminations/service/{unit}").text
    assert "destruction du papier et des fichiers" in page
    assert "Un courrier de cette liste est à détruire" in page
    shown = page.split('name="shown" value="')[1].split('"')[0]
    place = post(dge, f"/eliminations/service/{unit}", {"reason": "Tableau", "shown": shown}).location
    assert "Rien ne les rend" in sg.get(place).text
    assert "Dont à détruire, papier et fichiers" in sg.get(place).text
    with services.reading() as session:
        document = session.scalars(select(Attachment.id).where(Attachment.mail_id == gone)).one()
        kept = session.scalars(select(Attachment.id).where(Attachment.mail_id == stays)).one()
    assert dge.get(f"/documents/{document}/page/1/original").status_code == 200
    assert post(sg, f"{place}/confirmer", {"shown": shown}).location == place
    for address in (
        "",
        "/page/1/original",
        "/page/1.jpg",
        "/page/1/texte",
        "/thumbnail.jpg",
        "/searchable.pdf",
        "/original",
    ):
        answer = dge.get(f"/documents/{document}{address}")
        assert answer.status_code == 410, address
        assert "bordereau d'élimination n° 1" in answer.text, address
    assert dge.get(f"/documents/{kept}/page/1/original").status_code == 200
    waits = dge.get(f"/courriers/{gone}").text
    assert "Ses fichiers ne s'ouvrent plus ; leur destruction est en cours" in waits
    assert "Destruction décidée le" in waits
    assert "Détruit le" not in waits, "they are there until the job has run"
    assert "n'existent plus" not in waits
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(DestroyedLetter, gone).decided_at -= timedelta(days=4)
    assert "plus de trois jours après la décision ils ne sont pas encore détruits" in dge.get(f"/courriers/{gone}").text
    carry_out(services)
    told = dge.get(f"/courriers/{gone}").text
    assert "Détruit le" in told
    assert "1 fichier a été détruit avec sa clé" in told
    assert f"/documents/{document}" not in told
    assert "Rouvrir" not in told
    assert "Joindre un fichier" not in told
    assert "Affaire périmée" in told, "the register's entry stays"
    assert post(dge, f"/courriers/{gone}/rouvrir", {"reason": "Encore utile"}).status_code in (403, 409)
    assert "Détruit le" not in dge.get(f"/courriers/{stays}").text
    english = dge.get(f"/courriers/{gone}", headers={"Accept-Language": "en"}).text
    assert "Affaire périmée" in english
    services.engine.dispose()


def unit_of(services: Services) -> int:
    with services.reading() as session:
        return session.scalars(select(Unit.id).where(Unit.code == "DGE")).one()


def test_without_a_keyring_the_page_says_what_to_do(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    over(services, [letter(services, "Périmée")])
    dge, unit = sign_in(app, "dge"), unit_of(services)
    shown = dge.get(f"/eliminations/service/{unit}").text.split('name="shown" value="')[1].split('"')[0]
    refused = post(dge, f"/eliminations/service/{unit}", {"reason": "Tableau", "shown": shown})
    assert refused.status_code == 422
    assert "ged blobs encrypt" in refused.text
    services.engine.dispose()


def test_its_case_file_is_proven_and_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = transfer_kit.make_house(tmp_path)
    house.services = keyed(house.services, tmp_path)
    services = house.services
    gone = letter(services, "Périmée")
    slip = decided(services, [gone])
    carry_out(services)
    case_export.write_folder(services, case_export.collect(services, gone, actor=None, now=NOW), tmp_path / "case")
    manifest = json.loads((tmp_path / "case" / "manifest.json").read_bytes())
    assert manifest["destroyed"] == {"slip": slip, "decided_at": NOW.isoformat()}
    assert not (tmp_path / "case" / "files").exists()
    assert f"bordereau d'élimination n° {slip}" in (tmp_path / "case" / "LISEZ-MOI.txt").read_text(encoding="utf-8")
    code = ged_verify.main([str(tmp_path / "case"), *transfer_kit.held(house, tmp_path), "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code in (0, 3), lines
    assert not [line for line in lines if line["state"] == "broken"]
    services.engine.dispose()


def test_an_entity_leaves_with_it(
    tmp_path: Path, either_database: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    house = transfer_kit.make_two(tmp_path, url=either_database)
    house.services = keyed(house.services, tmp_path)
    services = house.services
    gone, stays = letter(services, "Périmée", b"alone", b"shared"), letter(services, "Gardée", b"shared")
    decided(services, [gone])
    carry_out(services)
    assert verify(services, now=transfer_kit.LATER).problems == ()
    folder = transfer_kit.written(house, tmp_path / "entity")
    code, lines = transfer_kit.told(folder, transfer_kit.held(house, tmp_path), capsys)
    assert code == 0, [line for line in lines if line["state"] != "proven"]
    assert any("1 détruits par une élimination" in line["what"] for line in lines)
    listed = {json.loads(one)["sha256"] for one in (folder / "documents.jsonl").read_bytes().splitlines()}
    alone, shared = digests(services, gone)
    assert alone not in listed
    assert shared in listed
    assert digests(services, stays) == [shared]
    [row] = (folder / "rows" / "destroyed_letters.jsonl").read_bytes().splitlines()
    assert json.loads(row)["mail_id"] == gone
    services.engine.dispose()


def test_a_signed_letter_that_is_destroyed_needs_no_more_proof(tmp_path: Path) -> None:
    house = transfer_kit.make_two(tmp_path)
    house.services = keyed(house.services, tmp_path)
    services = house.services
    with services.reading() as session:
        signed = session.scalars(select(Mail.id).where(Mail.state == MailState.SIGNED)).one()
        own = [
            Digest(one) for one in session.scalars(select(Attachment.digest).where(Attachment.mail_id == signed)) if one
        ]
    assert own
    for digest, _ in services.blobs.digests():
        services.blobs.encrypt(digest)  # type: ignore[attr-defined]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id != signed).values(state=MailState.CLOSED, closed_at=NOW))
    assert verify(services, now=transfer_kit.LATER).problems == ()
    decided(services, [signed])
    assert carry_out(services) == 1
    report = verify(services, now=transfer_kit.LATER)
    assert report.problems == ()
    assert not any(services.blobs.exists(one) for one in own)
    with services.reading() as session:
        assert last_of(session, SignedKind.MAIL, signed) is None, "nobody raises its signatures"
    services.engine.dispose()


def test_the_ministry_on_a_disk_says_so(tmp_path: Path) -> None:
    burned = Burned.make(tmp_path)
    services, now = burned.copied.services, datetime.now(UTC)
    gone = burned.letter("Affaire périmée", "Hydravion et rien d'autre.")
    burned.letter("Affaire gardée", "Le château d'eau.")
    decided(services, [gone], now=now)
    carry_out(services, now=now)
    disk = burned.disk()
    assert (disk.counts.letters, disk.counts.files, disk.counts.unreadable, disk.is_whole) == (2, 1, 0, True)
    told, other = part(disk.folder, "lettres/0")
    assert (told["s"], told["files"], len(other["files"])) == ("Affaire périmée", [], 1)
    assert any("Détruit" in json.dumps(one, ensure_ascii=False) for one in told.values())
    for _name, content in parts(disk.folder):
        assert b"hydravion" not in content.lower()
    burned.copied.installation.close()


def test_the_store_is_asked_before_anybody_is_kept_from_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket is asked a few times for each file of a slip: a minute, with the letters of years."""
    app, services = make_site(tmp_path, services=keyed(make_services(tmp_path), tmp_path))
    gone = letter(services, "Affaire périmée")
    over(services, [gone])
    opened, is_open, asked = work._unit_of_work, list[bool](), list[tuple[int, bool]]()
    looked = FileBlobs.in_clear

    @contextmanager
    def noted(services: Services, now: datetime) -> Iterator[UnitOfWork]:
        with opened(services, now) as uow:
            is_open.append(True)
            try:
                yield uow
            finally:
                is_open.pop()

    def in_clear(blobs: FileBlobs, digests: Collection[Digest]) -> set[Digest]:
        asked.append((len(digests), bool(is_open)))
        return looked(blobs, digests)

    monkeypatch.setattr(work, "_unit_of_work", noted)
    monkeypatch.setattr(FileBlobs, "in_clear", in_clear)
    dge, sg = sign_in(app, "dge"), sign_in(app, "sg")
    form = f"/eliminations/service/{unit_of(services)}"
    shown = dge.get(form).text.split('name="shown" value="')[1].split('"')[0]
    place = post(dge, form, {"reason": "Tableau", "shown": shown}).location
    assert asked == [(1, False)]
    assert post(sg, f"{place}/confirmer", {"shown": shown}).location == place
    assert asked == [(1, False)] * 2
    services.engine.dispose()


def test_lists_say_it_in_the_place_of_closed(tmp_path: Path) -> None:
    app, services = make_site(tmp_path, services=keyed(make_services(tmp_path), tmp_path))
    gone = [letter(services, f"Affaire périmée {n}") for n in range(3)]
    closed, stays = letter(services, "Affaire close"), letter(services, "Affaire gardée")
    decided(services, gone)
    with services.unit_of_work(NOW) as uow:
        known = Correspondent(name="Préfecture", folded_name="prefecture")
        uow.session.add(known)
        uow.session.flush()
        uow.session.execute(update(Mail).where(Mail.id == closed).values(state=MailState.CLOSED, closed_at=NOW))
        uow.session.execute(update(Mail).where(Mail.id == gone[0]).values(sender_id=known.id))
        uow.session.add_all(MailLink(kind="related", from_id=stays, to_id=one) for one in gone)
    with services.reading() as session:
        number = session.scalars(select(MailNumber.text).where(MailNumber.mail_id == gone[0])).one()
        register, sender = session.execute(
            select(MailNumber.register_id, Mail.sender_id).join(Mail).where(Mail.id == gone[0])
        ).one()
    run_jobs(services)
    agent, decided_on = sign_in(app, "agent"), f"Destruction décidée le {NOW.astimezone(services.zone):%d/%m/%Y}"
    asked = list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM destroyed_letters" in statement and statement.startswith("SELECT destroyed_letters.mail_id,"):
            asked.append(statement)

    event.listen(services.engine, "before_cursor_execute", note)
    lists = {
        f"/registres/{register}": 3,
        f"/recherche/?q=%22{number}%22": 1,
        f"/courriers/{stays}": 3,
        f"/correspondants/{sender}/courriers": 1,
    }
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Assignment).where(Assignment.mail_id.in_(gone)).values(state=AssignmentState.DONE, finished_at=NOW)
        )
    head, ended, exported = sign_in(app, "dge"), "/bannette/?voir=termines", f"/recherche/liste?q=%22{number}%22"
    for address, count in lists.items():
        shown = agent.get(address).text
        assert (shown.count(decided_on), "Détruit le" in shown) == (count, False), address
    assert head.get(ended).text.count(decided_on) == 3
    assert decided_on in agent.get(exported).text
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(DestroyedLetter).values(done_at=NOW + timedelta(days=2)))
    gone_on = f"Détruit le {(NOW + timedelta(days=2)).astimezone(services.zone):%d/%m/%Y}"
    assert head.get(ended).text.count(gone_on) == 3
    for address, count in lists.items():
        asked.clear()
        answer = agent.get(address)
        assert answer.status_code == 200, address
        assert answer.text.count(gone_on) == count, address
        assert len(asked) <= 1, address
        assert "Destroyed on" in agent.get(address, headers={"Accept-Language": "en"}).text, address
    assert agent.get(f"/registres/{register}").text.count('badge--neutral">Clôturé') == 1, (
        "one is closed, and was not destroyed"
    )
    assert gone_on in agent.get(exported).text
    services.engine.dispose()
