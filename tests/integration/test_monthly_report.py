"""Monthly reports: what they count and carry, and what `ged report verify` proves years later; on both databases."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, text

from ged import access
from ged.archive.institution_seal import FIELD, REPORT_REASON
from ged.audit import AuditEntry
from ged.dashboard import breakdown
from ged.dashboard.reach import reach_on
from ged.errors import EngineFailed, Forbidden, InvalidTransition, NotFound
from ged.figures import definitions
from ged.figures import operations as figures
from ged.figures import queries as figure_queries
from ged.figures.cuts import Cut
from ged.figures.models import FigureKey, FigureLetter
from ged.figures.periods import Period
from ged.figures.stages import UNTOLD, Stage, percentile
from ged.letterhead import letterhead
from ged.monthly import checking, operations, queries, rights, sheet
from ged.monthly.models import MonthlyReport, MonthlyReportRevision
from ged.monthly.numbers import Letter, below, numbers
from ged.org import tree
from ged.org.models import Person, Post
from ged.ports import CertifiedPerson, Confidentiality, Digest, MailId, SignRequest, unit_principal
from ged.preservation import operations as preservation
from ged.preservation.documents import SignedKind
from ged.register.models import Mail, MailNumber
from ged.register.queries import first_numbers
from ged.resuming import operations as resuming
from ged.routing.rectify_letter import rectify
from ged.slips import parties
from ged.slips.models import Slip, SlipKind, SlipLine, SlipPurpose
from ged.slips.states import LineState, SlipState
from ged.unit import Actor, Role, Services, UnitOfWork
from signing.pades import PadesSigner
from signing.pki import Authority, certificates_in
from signing.preserve import PadesPreserver
from signing.sealing import MemoryKey
from tests import clock_kit, resuming_kit
from tests.commands import Ended, ged
from tests.data.monthly.make import kept
from tests.factories import NOW, TODAY, SharedChecker, actor, add_entity
from tests.figure_letters_kit import add_auditor
from tests.figure_play_kit import ACTS, Play
from tests.judges import eudss, verapdf
from tests.letter_kit import opened_envelope
from tests.monthly_kit import KEY, LATER, MONTH, add_minister, file_of, make, number_of, prove, with_seal, words
from tests.routing_kit import impute, services_on_either, unit_id
from tests.servers.authorities import Authorities
from tests.signbook_kit import House, house_on_either
from tests.tampering import lift_guards
from tests.worker_kit import Installation
from web.wiring.attached import report_file
from web.words import monthly as monthly_words
from web.words.monthly import proof_lines

__all__ = ["house_on_either", "services_on_either"]  # fixtures

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def services(services_on_either: Services, tmp_path: Path) -> Services:
    """The organisation of the tests, with a seal."""
    return with_seal(services_on_either, tmp_path)


def content(pdf: bytes) -> dict[str, Any]:
    return dict(json.loads(report_file(pdf).data or b""))


def test_a_report_counts_what_the_figures_count_and_is_proven(services: Services, tmp_path: Path) -> None:
    play = Play(services, 5)
    play.turns(60)
    row = make(services)
    pdf = file_of(services, row)
    data = content(pdf)
    with services.reading() as session:
        units = tree.same_entity(session, [unit_id(services, "MIN")])
        cut = Cut(level=int(Confidentiality.ORDINARY), unit_ids=units)
        november = Period(MONTH, date(2026, 11, 30))
        by_day = figure_queries.by_day(session, cut, november.since, november.until).values()
        standing = figure_queries.standing(session, cut, november.until)
        delays = {stage: breakdown.delays(session, cut, november, stage) for stage in Stage}
    for name in ("received", "numbered", "voided", "imputed", "assigned", "answered", "closed", "returned"):
        assert number_of(data, name) == sum(one[name] for one in by_day), name
    assert (number_of(data, "open"), number_of(data, "overdue")) == (standing.open, standing.overdue)
    for stage in Stage:
        (told_of,) = [one for one in data["numbers"] if (one["number"], one["unit"]) == (stage.value, None)]
        bins = delays[stage]
        assert (told_of["letters"], told_of["median"], told_of["nine_of_ten"]) == (
            sum(bins.values()), percentile(bins, 0.5), percentile(bins, 0.9)
        )  # fmt: skip
    proof = prove(services, pdf)
    assert (proof.faults, proof.changes) == ((), ())
    assert proof.counted == proof.equal > 100
    assert proof.signer.startswith("Cachet ")


def later_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that counts a number and a stage more, in other bins."""
    old = definitions.VERSIONS[definitions.VERSION]
    more = definitions.Version(
        ("begun", *old.names, "handling"), {**old.spans, "handling": ("received_on", "closed_on")}, ((10, 2),), 11
    )
    monkeypatch.setitem(definitions.VERSIONS, definitions.VERSION + 1, more)
    monkeypatch.setattr(definitions, "VERSION", definitions.VERSION + 1)


def test_a_report_is_proven_by_a_later_program_that_counts_more(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(services)
    changed = counted_letter(services, play)
    play.assign(changed)
    play.finish(changed)
    pdf = file_of(services, make(services))
    later_version(monkeypatch)
    proof = prove(services, pdf)
    assert (proof.faults, proof.changes, proof.definitions) == ((), (), 1)
    assert proof.counted == proof.equal == 6 * 17, "lines and numbers of version 1"
    (remark,) = [line for line in proof_lines(proof, language="en", zone=services.zone) if "definitions" in line]
    assert "version 1 " in remark
    play.now = LATER + timedelta(days=3)
    play.redate(changed, date(2026, 10, 30))
    proof = prove(services, pdf, now=play.now)
    assert proof.faults == ()
    assert {one.number for one in proof.changes} >= {"received", "imputation"}
    # A program that does not know the version says so, and counts nothing.
    monkeypatch.delitem(definitions.VERSIONS, 1)
    assert [one.code for one in prove(services, pdf).faults] == ["file.definitions"]


@pytest.mark.parametrize("is_later", [False, True])
def test_a_report_of_each_version_that_was_ever_in_use_is_proven_by_its_own_letters(
    is_later: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red for a new version: ``python -m tests.data.monthly.make``."""
    versions = list(definitions.VERSIONS)
    if is_later:
        later_version(monkeypatch)
    for version in versions:
        data = content(kept(version).read_bytes())
        assert data["definitions"] == version
        assert len(data["letters"]) > 20
        assert list(checking.file_faults(data)) == []
        at = next(n for n, one in enumerate(data["numbers"]) if one["letters"])
        for altered in (
            [*data["numbers"][:at], *data["numbers"][at + 1 :]],
            [*data["numbers"], data["numbers"][at]],
            [{**one, "letters": one["letters"] + (n == at)} for n, one in enumerate(data["numbers"])],
        ):
            faults = list(checking.file_faults({**data, "numbers": altered}))
            assert [one.code for one in faults] == ["file.number"]


def counted_letter(services: Services, play: Play) -> int:
    """A letter of the month that is with a direction."""
    mail_id = play.register(received_on=TODAY)
    play.impute(mail_id, "DGE")
    return mail_id


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    ("act", "action", "who", "expected"),
    [
        (lambda play, mail_id: play.redate(mail_id, date(2026, 10, 30)), "mail.rectified", "Agent", ("received", 2, 1)),
        (lambda play, mail_id: play.void(mail_id), "number.voided", "Agent", ("received", 2, 1)),
        (lambda play, mail_id: play.raise_level(mail_id), "mail.level_changed", "Sg", ("numbered", 2, 1)),
        (lambda play, mail_id: play.impute(mail_id, "DAF"), "mail.imputed", "Sg", ("DGE", 2, 1)),
    ],
)
def test_what_changed_after_the_report_is_named_with_who_and_when(
    services: Services, act: Callable[[Play, int], None], action: str, who: str, expected: tuple[str, int, int]
) -> None:
    play = Play(services)
    counted_letter(services, play)
    changed = counted_letter(services, play)
    pdf = file_of(services, make(services))
    play.now = LATER + timedelta(days=400)
    act(play, changed)
    proof = prove(services, pdf, now=play.now)
    assert proof.faults == ()
    name, before, now = expected
    (change,) = [
        one for one in proof.changes if name in (one.unit or one.number, one.number) and name in (one.number, one.unit)
    ][:1]
    assert (change.reported, change.now) == (before, now)
    (move,) = change.moves
    assert (move.mail_id, move.before != move.after) == (changed, True)
    (named,) = move.acts
    assert (named.action, named.who, named.at) == (action, who, play.now)


def test_a_letter_that_comes_into_the_month_afterwards_is_named(services: Services) -> None:
    play = Play(services)
    pdf = file_of(services, make(services))
    play.now = LATER
    late = play.register(received_on=date(2026, 11, 27))
    proof = prove(services, pdf)
    assert proof.faults == ()
    (change,) = [one for one in proof.changes if (one.unit, one.number) == ("", "received")]
    assert (change.reported, change.now) == (0, 1)
    assert [(one.mail_id, one.before, one.after, one.acts[0].action) for one in change.moves] == [
        (late, "", "2026-11-27", "mail.registered")
    ]


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    "altered",
    [
        "UPDATE mails SET received_on = '2026-10-30' WHERE id = :mail",
        "UPDATE mails SET level = 1 WHERE id = :mail",
        "UPDATE mails SET responsible_unit_id = (SELECT id FROM units WHERE code = 'DAF') WHERE id = :mail",
        "UPDATE mail_numbers SET registered_on = '2026-10-30' WHERE mail_id = :mail",
        "UPDATE imputations SET decided_at = '2026-10-30 10:00:00.000000' WHERE mail_id = :mail",
        "UPDATE mails SET due_on = '2026-11-25' WHERE id = :mail",
        "UPDATE mails SET state = 'closed', closed_at = '2026-11-26 10:00:00.000000' WHERE id = :mail",
    ],
)
def test_a_row_that_was_altered_behind_the_program_is_found_and_its_letter_named(
    services: Services, altered: str
) -> None:
    """Also where somebody really did something with the letter afterwards: that act changes something else."""
    play = Play(services)
    counted_letter(services, play)
    changed = counted_letter(services, play)
    pdf = file_of(services, make(services))
    with services.unit_of_work(LATER) as uow:
        uow.record("mail.opened", "mail", changed, actor=actor(services, "dge"))
    assert prove(services, pdf).faults == ()
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text(altered), {"mail": changed})
    proof = prove(services, pdf)
    assert [(one.code, one.where) for one in proof.faults] == [("letter.unexplained", f"letter {changed}")]
    assert proof.changes


def test_a_day_of_arrival_that_was_altered_after_a_rectification_is_found(services: Services) -> None:
    """The rectification is a true act of that kind. The day that it wrote is another one."""
    play = Play(services)
    changed = counted_letter(services, play)
    pdf = file_of(services, make(services))
    play.redate(changed, date(2026, 10, 30))
    assert prove(services, pdf).faults == ()
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE mails SET received_on = '2026-10-29' WHERE id = :mail"), {"mail": changed})
    assert [(one.code, one.where) for one in prove(services, pdf).faults] == [
        ("letter.unexplained", f"letter {changed}")
    ]


def test_an_altered_digit_of_the_file_is_found_and_its_place_named(services: Services) -> None:
    counted_letter(services, Play(services))
    pdf = file_of(services, make(services))
    for share in (0.2, 0.5):
        at = int(len(pdf) * share)
        altered = pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :]
        proof = prove(services, altered)
        assert proof.changes == ()
        assert [one.code for one in proof.faults if one.code.startswith("seal.")]
        (named,) = [one.where for one in proof.faults if one.code == "file.altered"]
        assert named.endswith(f"1 bytes, first at {at}")


def test_an_altered_file_is_compared_with_those_of_its_length_alone(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the rows are older than the column of sizes: then files are opened, and none of another length is read."""
    counted_letter(services, Play(services))
    pdf = file_of(services, make(services))
    altered = pdf[:-9] + bytes([pdf[-9] ^ 1]) + pdf[-8:]
    files = [pdf + bytes(n) for n in range(1, 4)]
    digests = [services.blobs.put(BytesIO(one)).digest for one in files]
    with services.unit_of_work(LATER) as uow:
        report_id = uow.session.scalars(select(MonthlyReport.id)).one()
        for n, (digest, file) in enumerate(zip(digests, files, strict=True), start=2):
            size = len(file) if n < 4 else None
            uow.session.add(
                MonthlyReportRevision(
                    report_id=report_id, sequence=n, digest=digest, size_bytes=size, level="B-B", at=LATER
                )
            )
    with services.reading() as session:
        first = session.scalars(select(MonthlyReportRevision).where(MonthlyReportRevision.sequence == 1)).one()
    assert first.size_bytes == len(pdf)
    opened, real = [], services.blobs.open

    def watched(digest: Digest) -> BinaryIO:
        opened.append(digest)
        return real(digest)

    monkeypatch.setattr(services.blobs, "open", watched)
    assert [one.code for one in prove(services, altered).faults if one.code == "file.altered"] == ["file.altered"]
    assert opened == [first.digest, digests[-1]]


def test_a_report_with_another_number_that_our_own_seal_covers_is_found(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody at the server makes a report that says something else: its numbers are not those of its letters."""
    counted_letter(services, Play(services))
    read = operations.read

    def lying(*given: object, **named: object) -> object:
        made, lines = read(*given, **named)  # type: ignore[arg-type]
        made["numbers"][0]["letters"] += 1
        return made, lines

    monkeypatch.setattr(operations, "read", lying)
    proof = prove(services, file_of(services, make(services)))
    assert [one.code for one in proof.faults] == ["file.number"]


def test_a_journal_that_was_rewritten_is_found(services: Services) -> None:
    counted_letter(services, Play(services))
    row = make(services)
    pdf = file_of(services, row)
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET person_id = NULL WHERE sequence = :n"), {"n": row.sequence})
    assert [one.code for one in prove(services, pdf).faults] == ["journal.replaced"]
    with services.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_payloads WHERE sequence > :n"), {"n": row.sequence})
        connection.execute(text("DELETE FROM audit_entries WHERE sequence > :n"), {"n": row.sequence})
    assert "journal.report" in [one.code for one in prove(services, pdf).faults]


def test_an_altered_file_is_named_also_where_a_kept_one_of_its_length_is_lost(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lost file is no reason to say nothing of the altered one."""
    pdf = file_of(services, make(services))

    def lost(digest: Digest) -> BinaryIO:
        raise NotFound("blob.missing", "restore the file from a backup", digest=digest)

    monkeypatch.setattr(services.blobs, "open", lost)
    at = len(pdf) // 2
    altered = pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :]
    assert [one.code for one in prove(services, altered).faults] == ["seal.broken"]


def test_a_report_that_this_installation_did_not_keep_is_no_proof(services: Services) -> None:
    row = make(services)
    pdf = file_of(services, row)
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("DELETE FROM monthly_report_revisions"))
        connection.execute(text("DELETE FROM monthly_reports"))
    assert [one.code for one in prove(services, pdf).faults] == ["file.unknown"]


@pytest.mark.parametrize(
    ("altered", "fault"),
    [
        ("UPDATE monthly_reports SET month = '2026-10-01'", "database.report"),
        ("UPDATE monthly_reports SET made_at = '2026-12-04 09:00:00.000000'", "journal.report"),
        ("UPDATE monthly_reports SET made_by_id = (SELECT id FROM people WHERE account = 'dge')", "journal.report"),
        (f"UPDATE monthly_reports SET digest = '{64 * '0'}'", "file.unknown"),
    ],
)
def test_the_row_of_the_report_is_altered(services: Services, altered: str, fault: str) -> None:
    """The site says of each report when it was made, and by whom: the journal says so, too."""
    pdf = file_of(services, make(services))
    assert prove(services, pdf).faults == ()
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text(altered))
    assert [one.code for one in prove(services, pdf).faults] == [fault]


def test_levels_sealed_envelopes_and_other_entities_are_in_no_number(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.CLERK, Role.HEAD, parent_id=unit_id(services, "MIN"))
    play = Play(services)
    plain = counted_letter(services, play)
    for level in (Confidentiality.RESTRICTED, Confidentiality.SECRET):
        hidden = play.register()
        with services.engine.begin() as connection:
            connection.execute(
                text("UPDATE mails SET level = :level WHERE id = :id"), {"level": int(level), "id": hidden}
            )
    moved = counted_letter(services, play)
    with services.engine.begin() as connection:
        connection.execute(
            text("UPDATE mails SET responsible_unit_id = :unit WHERE id = :id"),
            {"unit": unit_id(services, "CEET"), "id": moved},
        )
    with services.unit_of_work(NOW) as uow:
        access.grant(uow, moved, [unit_principal(unit_id(services, "CEET"))], access.Because.IMPUTED)
    figures.heal(services, now=NOW)
    of_ministry, of_entity = (content(file_of(services, make(services, entity=code))) for code in ("MIN", "CEET"))
    assert [one["id"] for one in of_ministry["letters"]] == [plain]
    assert [one["id"] for one in of_entity["letters"]] == [moved]
    assert [one["code"] for one in of_entity["units"]] == ["CEET"]
    for data in (of_ministry, of_entity):
        told_of = str(data)
        assert "Demande" not in told_of, "a subject"
        assert "Ogou" not in told_of, "a sender"
        assert max(one["letters"] for one in data["numbers"]) == 1


def told_without_the_journal(services: Services, row: MonthlyReport, folder: Path) -> tuple[list[str], dict[str, Any]]:
    """The lines of a report's paper and its data, but for the entry of the journal that it was made after: each act moves it."""
    pdf = file_of(services, row)
    data = content(pdf)
    head = data.pop("journal")["hash"]
    return [line for line in words(pdf, folder).splitlines() if head not in line], data


def test_hidden_letters_change_no_word_of_the_paper_and_no_value_of_its_data(
    services: Services, tmp_path: Path
) -> None:
    """The report on a month, and a second one after letters that none of its readers may know of have come into it."""
    play = Play(services)
    counted_letter(services, play)

    def report(reason: str) -> tuple[list[str], dict[str, Any]]:
        figures.heal(services, now=LATER)
        return told_without_the_journal(services, make(services, reason=reason), tmp_path)

    first = report("Premier")
    for level in (Confidentiality.RESTRICTED, Confidentiality.SECRET):
        for hidden in (play.register(), counted_letter(services, play)):
            with services.engine.begin() as connection:
                connection.execute(
                    text("UPDATE mails SET level = :level WHERE id = :id"), {"level": int(level), "id": hidden}
                )
    assert report("Deuxième") == first
    counted_letter(services, play)
    assert report("Troisième") != first, "a letter that its readers may know of does"


def test_who_may_make_and_read_reports(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.HEAD, parent_id=unit_id(services, "MIN"))
    by_head = make(services, entity="CEET", by="ceet")
    by_admin = make(services, by="admin")
    add_auditor(services)
    add_minister(services)
    by_minister = make(services, by="ministre")
    for account, expected in (
        ("sg", NotFound), ("agent", NotFound), ("dge", NotFound), ("ceet", NotFound), ("auditeur", Forbidden),
        ("cabinet", Forbidden),
    ):  # fmt: skip
        with pytest.raises(expected):
            make(services, by=account)
    with services.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "report.made", AuditEntry.subject_id == by_minister.id)
        ).one()
        assert session.get_one(Post, entry.post_id).code == "MIN-C", "the post that gives the right"
        of_ministry = [by_minister.id, by_admin.id]
        for account, listed, opened in (
            ("admin", [*of_ministry, by_head.id], []),
            ("auditeur", [*of_ministry, by_head.id], []),
            ("ministre", of_ministry, of_ministry),
            ("cabinet", of_ministry, of_ministry),
            ("ceet", [by_head.id], [by_head.id]),
            ("sg", [], []),
            ("agent", [], []),
        ):
            who = actor(services, account)
            rows, _page = queries.reports(session, who)
            assert [one.id for one in rows] == listed, account
            for report_id in (*of_ministry, by_head.id):
                if report_id in opened:
                    assert queries.to_open(session, report_id, who).id == report_id
                    continue
                with pytest.raises(Forbidden if report_id in listed else NotFound):
                    queries.to_open(session, report_id, who)


def test_who_opens_a_report_is_told_exact_figures_of_each_of_its_units(services: Services) -> None:
    """One rule for one reader: whoever is told rounded figures on the pages gets no exact ones on paper."""
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.HEAD, parent_id=unit_id(services, "MIN"))
    add_auditor(services)
    add_minister(services)
    with services.reading() as session:
        accounts = session.scalars(select(Person.account)).all()
        for account in accounts:
            who = actor(services, account)
            for code in ("MIN", "CEET"):
                units = tree.same_entity(session, [unit_id(services, code)])
                sight = reach_on(session, who, on=TODAY).sight(units)
                is_exact = sight.is_exact and sight.unit_ids == units
                assert (unit_id(services, code) in rights.entities_to_open(who)) == is_exact, (account, code)
    assert len(accounts) > 8


def test_a_month_that_is_not_over_has_no_report(services: Services) -> None:
    with pytest.raises(InvalidTransition) as refused:
        make(services, now=datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert refused.value.code == "monthly.not_over"
    assert make(services, now=datetime(2026, 12, 1, 0, 1, tzinfo=UTC)).month == MONTH


def test_figures_that_are_being_made_give_no_report(services: Services) -> None:
    with pytest.raises(InvalidTransition) as refused:
        operations.make(services, unit_id(services, "MIN"), MONTH, actor=actor(services, "admin"), now=LATER)
    assert refused.value.code == "monthly.not_counted"


@pytest.mark.long(
    "veraPDF over a report of an extreme; tests/integration/test_report_templates.py judges an ordinary one"
)
def test_an_empty_month_and_long_names_are_printed_as_pdf_a(services: Services, tmp_path: Path) -> None:
    long_name = "Direction de la Coordination interministérielle " * 4
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE units SET name = :name WHERE code = 'ETU'"), {"name": long_name[:199]})
        connection.execute(text("UPDATE units SET name = :name WHERE code = 'MIN'"), {"name": "M" * 199})
    counted_letter(services, Play(services))
    full, empty = make(services), make(services, month=date(2025, 2, 1))
    files = [tmp_path / "full.pdf", tmp_path / "empty.pdf"]
    for file, row in zip(files, (full, empty), strict=True):
        file.write_bytes(file_of(services, row))
    assert [(one.flavour, one.failures) for one in verapdf.check(files)] == [("3b", ())] * 2
    data = content(files[1].read_bytes())
    assert data["letters"] == []
    assert {one["letters"] for one in data["numbers"]} == {0}
    shown = words(files[1].read_bytes(), tmp_path)
    assert "février 2025" in shown
    assert "courriers du niveau ordinaire seulement" in " ".join(shown.split())
    assert prove(services, files[1].read_bytes()).faults == ()


def test_each_definition_stands_on_the_paper_word_for_word(services: Services, tmp_path: Path) -> None:
    shown = words(file_of(services, make(services)), tmp_path, is_drawn=False).replace("’", "'")
    for one in definitions.ALL:
        assert re.sub(r"\s", "", one.meaning) in re.sub(r"\s", "", shown), one.name


def test_a_seal_that_cannot_be_had_is_laid_on_later(services: Services) -> None:
    away = replace(services, sealer=None)
    row = make(away)
    pdf = file_of(services, row)
    assert prove(services, pdf).faults == (), "the row names its bytes"
    assert preservation.preserve(services, SignedKind.REPORT, row.id, now=LATER) == ""
    sealed = file_of(services, row)
    assert sealed.startswith(pdf)
    proof = prove(services, sealed)
    assert (proof.faults, proof.signer[:7]) == ((), "Cachet ")
    with services.reading() as session:
        (shown,), _page = queries.reports(session, actor(services, "admin"))
    assert shown.level == "B-B"


@pytest.mark.in_shares(2)
@pytest.mark.parametrize(
    "acts",
    [
        60,
        *(
            pytest.param(acts, marks=pytest.mark.long("plays more acts; sixty show the matter"))
            for acts in (1000, 10_000)
        ),
    ],
)
def test_after_many_later_acts_each_change_is_named(services: Services, acts: int) -> None:
    """Every number is counted again by a report made anew, and every letter that came or went has its act."""
    play = Play(services, 7)
    for turn in range(120):
        play.act(play.chance.choice(ACTS))
        if turn % 6 == 0:
            play.now += timedelta(hours=1)
            play.register()
    while play.now < LATER:  # day by day: a register whose clock leaps asks for a person
        play.now += timedelta(days=1)
        play.register()
    pdf = file_of(services, make(services, now=play.now))
    turn = 0
    before = play.done.total()
    while play.done.total() < before + acts:
        turn += 1
        play.act(play.chance.choice(ACTS))
        if turn % 9 == 0:
            year = play.today.year
            play.now += timedelta(hours=play.chance.choice([1, 3, 6]))
            if play.today.year > year:  # the clock of PostgreSQL is behind
                clock_kit.confirm(services, play.now)
            play.register()
    proof = prove(services, pdf, now=play.now)
    assert proof.faults == ()
    again = make(services, now=play.now)
    anew = {(one["unit"], one["number"]): one["letters"] for one in content(file_of(services, again))["numbers"]}
    codes = {one["id"]: one["code"] for one in content(pdf)["units"]}
    was = {(one["unit"], one["number"]): one["letters"] for one in content(pdf)["numbers"]}
    changed = {(one.unit, one.number): (one.reported, one.now) for one in proof.changes}
    assert len(changed) > 10
    for (unit, name), now in anew.items():
        expected = changed.get((codes.get(unit, ""), name), (was[unit, name],) * 2)
        assert expected == (was[unit, name], now), (unit, name)
    assert all(move.acts for change in proof.changes for move in change.moves)


@pytest.mark.long("the commands in both languages; their operations are shown beside it")
def test_the_commands_make_a_report_and_tell_in_both_languages_what_changed(tmp_path: Path) -> None:
    here = Installation.make(tmp_path)

    def report(*said: object) -> Ended:
        return ged("report", *said, GED_ENV_FILE=str(here.env_file))

    try:
        play = Play(here.services)
        changed = play.register(received_on=date(2026, 10, 20))  # the command asks the real clock: a month that is over
        file = tmp_path / "rapport.pdf"
        month = "2026-10"
        unknown = report("make", "DGE", month)
        assert (unknown.returncode, unknown.stderr.splitlines()[0]) == (1, "monthly.unknown_entity (id: DGE)")
        assert report("make", "MIN", month).stderr.startswith("monthly.not_counted")
        figures.run(here.services, now=NOW)
        made = report("make", "MIN", month, "--to", file)
        assert made.returncode == 0, made.stderr
        equal = report("verify", file)
        assert (equal.returncode, equal.stdout.splitlines()[-1]) == (0, "All numbers are those of the report.")
        play.redate(changed, date(2026, 9, 30))
        english, french = report("verify", file), report("verify", file, "--language", "fr")
        assert (english.returncode, french.returncode) == (1, 1)
        assert "Received, the whole entity: 1 in the report, 0 today" in english.stdout
        assert re.search(rf"letter \S+ \({changed}\): went out, 2026-10-20 in the report", english.stdout), (
            english.stdout
        )
        assert "on 24/11/2026 at 09:00, Agent " in english.stdout
        assert "Reçus, ensemble" in french.stdout
        assert "Agent a rectifié l’inscription au registre" in french.stdout
        file.write_bytes(file.read_bytes().replace(b"obj", b"obk", 1))
        broken = report("verify", file)
        assert broken.returncode == 2
        assert "not proven" in broken.stdout
        assert report("verify", here.env_file).returncode == 2
    finally:
        here.close()


def test_what_is_no_file_or_cannot_be_judged_is_not_told_as_a_change_that_the_journal_explains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Installation.make(tmp_path)
    try:
        pipe, large, file = tmp_path / "pipe.pdf", tmp_path / "large.pdf", tmp_path / "file.pdf"
        os.mkfifo(pipe)
        with large.open("wb") as grown:
            grown.truncate(300 * 1024 * 1024)  # sparse
        file.write_bytes(b"%PDF-1.7\n")
        for one in (pipe, large):
            refused = ged("report", "verify", one, GED_ENV_FILE=str(here.env_file))
            assert refused.returncode == 2
            assert "no monthly report" in refused.stderr

        def away(*_args: object, **_named: object) -> None:
            raise EngineFailed("check.unavailable", "try again")

        monkeypatch.setattr(checking, "verify", away)
        unknown = ged("report", "verify", file, GED_ENV_FILE=str(here.env_file))
        assert (unknown.returncode, unknown.stdout) == (3, "")
        assert unknown.stderr.startswith("check.unavailable")
    finally:
        here.close()


def test_another_paper_with_the_data_of_a_report_proves_nothing(services: Services, tmp_path: Path) -> None:
    """Whoever has a certificate of the ministry prints other numbers, attaches the data of a true report, and signs."""
    counted_letter(services, Play(services))
    true = content(file_of(services, make(services)))
    with services.reading() as session:
        head = letterhead(session, true["entity"]["id"], country=services.country).data()
    lines = numbers(operations.month_of(true), [Letter.of(one) for one in true["letters"]], below(true["units"]))
    lying = [replace(one, items=one.items * 77) if one.name == "received" else one for one in lines]
    paper = sheet.report_pdf(true, lying, head, made="le 5 décembre 2026 à 9 h", at=LATER)
    assert "77" in words(paper, tmp_path)
    authority, own = Authority.open(tmp_path / "authority", KEY), ec.generate_private_key(ec.SECP256R1())
    named = CertifiedPerson("Agent", "Agent", "Ministère", "")
    key = MemoryKey(
        own, [authority.certify(own.public_key(), named, now=NOW), *certificates_in(tmp_path / "authority")]
    )
    request = SignRequest(FIELD, REPORT_REASON, "", "", LATER, appearance_pdf=b"")
    signed = PadesSigner(()).sign_with(key, paper, request).pdf
    assert content(signed) == true
    proof = prove(services, signed)
    assert [one.code for one in proof.faults] == ["file.unknown"]
    assert proof.counted == 0
    with services.unit_of_work(LATER) as uow:  # nor does a row that names it as a revision of the true report
        report_id = uow.session.scalars(select(MonthlyReport.id)).one()
        digest = services.blobs.put(BytesIO(signed)).digest
        row = MonthlyReportRevision(report_id=report_id, sequence=2, digest=digest, level="B-B", at=LATER)
        uow.session.add(row)
    assert [one.code for one in prove(services, signed).faults] == ["file.unknown"]


def test_the_last_month_of_the_calendar_is_not_over(services: Services) -> None:
    with pytest.raises(InvalidTransition) as refused:
        make(services, month=date(9999, 12, 1))
    assert refused.value.code == "monthly.not_over"


def _of_an_envelope(house: House) -> int:
    """The letter of a sealed envelope that its addressee gave to a directorate: from then on it is counted."""
    mail_id = opened_envelope(house)
    impute(house.services, mail_id, "DGE")
    return int(mail_id)


@pytest.mark.parametrize("action", ["assignment.returned", "mail.imputation_undone"])
def test_the_letter_of_an_envelope_that_goes_back_to_its_addressee_is_explained(
    house_on_either: House, tmp_path: Path, action: str
) -> None:
    """It leaves the report, for its unit may not know of it any more, and no act changed its level."""
    services = with_seal(house_on_either.services, tmp_path)
    house = replace(house_on_either, services=services)
    mail_id = _of_an_envelope(house)
    pdf = file_of(services, make(services))
    assert [one["id"] for one in content(pdf)["letters"]] == [mail_id]
    play = Play(services)
    play.mails = [mail_id]
    assert play.act("give_back" if action == "assignment.returned" else "undo"), play.refused
    proof = prove(services, pdf)
    assert proof.changes
    assert proof.faults == ()
    assert {act.action for change in proof.changes for move in change.moves for act in move.acts} == {action}


def test_the_letter_of_an_envelope_that_is_sent_to_its_unit_with_a_slip_is_explained(
    house_on_either: House, tmp_path: Path
) -> None:
    """From then on its unit may know of it, so it counts, and no act on the letter says why."""
    services = with_seal(house_on_either.services, tmp_path)
    mail_id = int(opened_envelope(replace(house_on_either, services=services)))
    pdf = file_of(services, make(services))
    assert content(pdf)["letters"] == []
    figures.run(services, now=LATER)
    with services.unit_of_work(LATER) as uow:
        mail = uow.session.get_one(Mail, mail_id)
        slip_id = _sent_slip(uow, actor(services, "dge"), mail)
    figures.run(services, now=LATER)
    with services.reading() as session:
        key = session.get_one(FigureKey, session.get_one(FigureLetter, mail_id).key_id)
        assert key.level == Confidentiality.ORDINARY, "the run finds the letter by the entry of its slip"
    proof = prove(services, pdf)
    assert proof.changes
    assert proof.faults == ()
    acts = {(act.action, move.mail_id) for change in proof.changes for move in change.moves for act in move.acts}
    assert acts >= {("slip.signed", mail_id)}
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("DELETE FROM slip_lines WHERE slip_id = :slip"), {"slip": slip_id})
    assert {one.code for one in prove(services, pdf).faults} == {"letter.unexplained"}, (
        "a slip without the letter is none"
    )


@pytest.mark.parametrize("is_named", [True, False])
def test_a_slip_is_of_the_letters_that_the_act_names_with_which_it_was_issued(
    house_on_either: House, tmp_path: Path, is_named: bool
) -> None:
    """A line that was put to another letter would else take the acts of the slip along."""
    services = with_seal(house_on_either.services, tmp_path)
    mail_id = int(opened_envelope(replace(house_on_either, services=services)))
    pdf = file_of(services, make(services))
    figures.run(services, now=LATER)
    with services.unit_of_work(LATER) as uow:
        clerk = actor(services, "dge")
        lines = [[mail_id if is_named else mail_id + 1, None, 1]]
        uow.record("slip.issued", "slip", 1, actor=clerk, lines=lines)
        assert _sent_slip(uow, clerk, uow.session.get_one(Mail, mail_id)) == 1
    found = {one.code for one in prove(services, pdf).faults}
    assert found == (set() if is_named else {"letter.unexplained"})


@pytest.mark.parametrize("action", ["slip.voided", "slip.received"])
def test_the_letter_of_an_envelope_whose_slip_gives_its_unit_nothing_more_is_counted_no_more_and_explained(
    house_on_either: House, tmp_path: Path, action: str
) -> None:
    """The slip is voided, or its receiver says that the letter is for another unit: the unit may not know of the letter any more."""
    services = with_seal(house_on_either.services, tmp_path)
    mail_id = int(opened_envelope(replace(house_on_either, services=services)))
    with services.unit_of_work(LATER) as uow:
        slip_id = _sent_slip(uow, actor(services, "dge"), uow.session.get_one(Mail, mail_id))
    pdf = file_of(services, make(services))
    assert [one["id"] for one in content(pdf)["letters"]] == [mail_id]
    with services.unit_of_work(LATER) as uow:
        slip = uow.session.get_one(Slip, slip_id)
        parties.withdraw_access(uow, slip, slip.lines[0])
        uow.record(action, "slip", slip_id, actor=actor(services, "dge"))
    figures.run(services, now=LATER)
    with services.reading() as session:
        key = session.get_one(FigureKey, session.get_one(FigureLetter, mail_id).key_id)
        assert key.level == UNTOLD, "the head of the unit is told of it no more, and not only after the night"
    proof = prove(services, pdf)
    assert proof.changes
    assert proof.faults == ()
    assert {act.action for change in proof.changes for move in change.moves for act in move.acts} == {action}


def _sent_slip(uow: UnitOfWork, sender: Actor, mail: Mail) -> int:
    """A slip with the letter, which its sender signs: what ``slips.operations`` writes then."""
    post = sender.posts[0]
    slip = Slip(
        kind=SlipKind.TRANSMITTAL, state=SlipState.SENT, purpose=SlipPurpose.HANDOVER, sender_unit_id=post.unit_id,
        receiver_unit_id=mail.unit_id, sender_post_id=post.post_id, sender_person_id=sender.person_id, sender_name="A",
        sender_title="B", issued_at=uow.now, sent_at=uow.now,
    )  # fmt: skip
    uow.session.add(slip)
    uow.session.flush()
    uow.session.add(
        SlipLine(slip_id=slip.id, position=1, mail_id=mail.id, description="Pièce", state=LineState.PENDING)
    )
    access.grant(uow, mail.id, (unit_principal(mail.unit_id),), access.Because.SLIP)
    uow.record("slip.signed", "slip", slip.id, actor=sender, post=post)
    return slip.id


def test_a_proof_tells_letters_by_their_numbers_unless_they_are_above_the_ordinary_level(services: Services) -> None:
    play = Play(services)
    changed, raised, altered = (counted_letter(services, play) for _ in range(3))
    pdf = file_of(services, make(services))
    play.now = LATER
    play.redate(changed, date(2026, 10, 30))
    play.raise_level(raised)
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE mails SET received_on = '2026-10-29' WHERE id = :mail"), {"mail": altered})
    with services.reading() as session:
        numbers_of = first_numbers(session, [changed, raised, altered])
    told = "\n".join(monthly_words.proof_lines(prove(services, pdf), language="en", zone=services.zone))
    assert f"letter {numbers_of[changed]} ({changed}): " in told
    assert f"letter {raised}: " in told
    assert numbers_of[raised] not in told, "it became confidential: the paper would tell so"
    assert f"(letter {numbers_of[altered]} ({altered}))" in told


def test_a_lost_number_that_is_joined_to_a_counted_letter_is_explained(services: Services) -> None:
    """It is older than the letter's own number: the letter is numbered on another day than the report says."""
    resuming_kit.register(services)
    resuming_kit.hold(services)
    resuming_kit.release(services, "ARR", 2)
    mail_id = int(resuming_kit.register(services, now=NOW + timedelta(days=1)).mail_id)
    pdf = file_of(services, make(services))
    with services.unit_of_work(LATER) as uow:
        lost = uow.session.scalars(select(MailNumber.id).where(MailNumber.mail_id.is_(None))).one()
        resuming.retake(uow, lost, mail_id, actor=actor(services, "agent"))
    proof = prove(services, pdf)
    assert "numbered" in {change.number for change in proof.changes}
    assert proof.faults == ()


def test_the_rectification_of_a_subject_explains_no_day(services: Services) -> None:
    play = Play(services)
    counted_letter(services, play)
    changed = counted_letter(services, play)
    pdf = file_of(services, make(services))
    with services.unit_of_work(LATER) as uow:
        rectify(
            uow, MailId(changed), {"subject": "Autre objet"}, reason="Faute", version=None,
            actor=actor(services, "agent"), now=LATER,
        )  # fmt: skip
    assert prove(services, pdf).faults == ()
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE mails SET received_on = '2026-10-30' WHERE id = :mail"), {"mail": changed})
    assert [(one.code, one.where) for one in prove(services, pdf).faults] == [
        ("letter.unexplained", f"letter {changed}")
    ]


@pytest.mark.long("judges in Java over a seal of ten years; tests/integration/test_register_closing.py raises one")
def test_the_seal_is_raised_over_the_years_and_judges_call_it_sound(services: Services, tmp_path: Path) -> None:
    authorities = Authorities(tmp_path / "others", NOW)
    authorities.at(LATER)

    def roots() -> tuple[str, ...]:
        return (*services.vault.trust_roots_pem(), authorities.root_pem)

    checker = SharedChecker(roots())
    raising = replace(services, preserver=PadesPreserver([authorities.tsa()], roots, pause_s=0), checker=checker)
    try:
        counted_letter(raising, Play(raising))
        row = make(raising)
        first = file_of(raising, row)
        assert preservation.preserve(raising, SignedKind.REPORT, row.id, now=LATER) == ""
        last = file_of(raising, row)
        assert last.startswith(first)
        years_later = LATER + timedelta(days=5 * 365)
        proof = prove(raising, last, now=years_later)
        assert (proof.faults, proof.changes) == ((), ())
        (report, *stamps) = checker.check(last, at=years_later)
        assert (report.level, {one.is_timestamp for one in stamps}) == ("B-LTA", {True})
        files = [tmp_path / "first.pdf", tmp_path / "last.pdf"]
        for file, pdf in zip(files, (first, last), strict=True):
            file.write_bytes(pdf)
        assert [(one.flavour, one.failures) for one in verapdf.check(files)] == [("3b", ())] * 2
        for number, pem in enumerate(roots()):
            (tmp_path / f"root{number}.pem").write_text(pem)
        said = eudss.check(files[1:], sorted(tmp_path.glob("root*.pem")), at=LATER + timedelta(minutes=1))
        assert [(one.indication, one.intact) for one in said] == [("TOTAL_PASSED", True)], said
    finally:
        checker.close()
        authorities.close()


def test_days_are_those_of_the_zone_that_the_report_was_made_in(services: Services) -> None:
    """The setting of the installation may be another one years later."""
    play = Play(services)
    play.now = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    play.impute(play.register(), "DGE")
    pdf = file_of(services, make(services))
    proof = prove(replace(services, zone=ZoneInfo("Africa/Kinshasa")), pdf)
    assert (proof.faults, proof.changes) == ((), ())
