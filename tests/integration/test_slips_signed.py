"""The life of a slip with real plugs: numbered, signed at both ends, custody, tasks, answers, resumption."""

import itertools
import re
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pikepdf
import pypdfium2
import pytest
from sqlalchemy import event, select

from ged import access
from ged.archive import register_check
from ged.errors import EngineFailed, Forbidden, GedError, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.org.models import Unit
from ged.ports import Confidentiality, SignatureField, unit_principal
from ged.register.levels import change_level
from ged.slips import answers, custody, delivery_book, operations, queries, receive, render, tasks, view
from ged.slips.answers import AnswerLine
from ged.slips.drafting import LineForm
from ged.slips.models import SlipKind, SlipPurpose, SlipTask, TaskState
from ged.slips.receive import Decision
from ged.slips.states import LineState, SlipState
from tests import slip_kit as kit
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.signing_kit import changed, page_content, pdfsig

pytestmark = pytest.mark.in_turns(3)

OK, DAMAGED, MISSING, WRONG = LineState.RECEIVED, LineState.DAMAGED, LineState.MISSING, LineState.WRONG_UNIT


@pytest.fixture
def services(tmp_path):
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.checker.close()
    made.engine.dispose()


def _qpdf(pdf, folder):
    path = folder / "checked.pdf"
    path.write_bytes(pdf)
    done = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def _text(pdf, folder):
    path = folder / "read.pdf"
    path.write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def _appearance(pdf, folder):
    """The text of the receiver's appearance alone, as a reader sees the signature."""
    with pikepdf.open(BytesIO(pdf)) as signed:
        widget = next(w for page in signed.pages for w in page.get("/Annots", []) if w.get("/T") == "receiver")
        x1, y1, x2, y2 = (float(side) for side in widget.Rect)
        assert [float(side) for side in widget.AP.N.BBox] == pytest.approx([0, 0, x2 - x1, y2 - y1], abs=0.02)
        alone = pikepdf.new()
        page = alone.add_blank_page(page_size=(x2 - x1, y2 - y1))
        name = page.add_resource(alone.copy_foreign(widget.AP.N), pikepdf.Name.XObject)
        page.contents_add(f"{name} Do".encode())
        output = BytesIO()
        alone.save(output)
    return " ".join(_text(output.getvalue(), folder).split())


def _verdicts(services, slip_id, who="dge"):
    with services.reading() as session:
        shown = view.slip_view(session, slip_id, actor(services, who))
    reports = view.signatures(services, shown, now=NOW)
    return [(report.field, report.verdict.value, report.reason) for report in reports]


def _custodians(services, mail_id):
    with services.reading() as session:
        return [row.unit_name for row in custody.custody_of(session, mail_id)]


def test_both_signatures_hold_and_one_changed_byte_breaks_both(services, tmp_path):
    letter = kit.letter(services)
    sent = kit.send(services, LineForm(mail_id=letter, remark="2 annexes"), LineForm("Plan A0", count=3))
    assert sent.number == "BT-0001/2026"
    assert _verdicts(services, sent.slip_id) == [("sender", "green", "ok")]
    kit.take(services, sent.slip_id, OK, DAMAGED)

    pdf = kit.stored_pdf(services, sent.slip_id)
    _qpdf(pdf, tmp_path)
    assert pdfsig(pdf, tmp_path) == ["Signature is Valid."] * 2
    assert _verdicts(services, sent.slip_id) == [("sender", "green", "countersigned"), ("receiver", "green", "ok")]

    issued = [revision.digest for revision in kit.slip(services, sent.slip_id).revisions]
    content = page_content(pdf)
    broken = changed(pdf, content[len(content) // 2])
    assert pdfsig(broken, tmp_path) == ["Digest Mismatch."] * 2
    found = services.checker.check(broken, at=NOW, issued=issued)
    assert [report.verdict.value for report in found] == ["red", "red"]


def test_the_receivers_appearance_is_the_filled_table(services, tmp_path):
    sent = kit.send(services, LineForm("Registre relié"), LineForm("Plan A0"), LineForm("Clé USB"))
    before = kit.stored_pdf(services, sent.slip_id)
    kit.take(services, sent.slip_id, OK, DAMAGED, MISSING, remark="Coin plié par la pluie")
    pdf = kit.stored_pdf(services, sent.slip_id)
    assert pdf.startswith(before)
    assert "Coin plié par la pluie" not in _text(before, tmp_path)
    text = _appearance(pdf, tmp_path)
    assert text.count("Coin plié par la pluie") == 2
    assert "Signé électroniquement" in text
    assert "Dge" in text
    assert "24/11/2026 à 09:00" in text
    assert b"/DocMDP" in before
    assert re.search(rb"/P 2\b", before)


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("count", [1, 9, 26, 50])
def test_any_number_of_lines_fits(services, tmp_path, count):
    sent = kit.send(services, *(LineForm(f"Dossier numéro {n} du projet d'électrification") for n in range(count)))
    states = [DAMAGED if n % 3 == 0 else OK for n in range(count)]
    kit.take(
        services, sent.slip_id, *states, remark="Chemise déchirée, pages 4 à 12 à relier de nouveau avant classement"
    )
    pdf = kit.stored_pdf(services, sent.slip_id)
    _qpdf(pdf, tmp_path)
    assert pdfsig(pdf, tmp_path) == ["Signature is Valid."] * 2
    text = _appearance(pdf, tmp_path)
    assert all(f"Dossier numéro {n} du" in text for n in range(count))
    assert text.count("Chemise déchirée") == states.count(DAMAGED)


def test_a_long_description_makes_no_line_of_the_reception_higher(services):
    def height(description):
        sent = kit.send(services, LineForm(description))
        with pikepdf.open(BytesIO(kit.stored_pdf(services, sent.slip_id))) as pdf:
            fields = [field for page in pdf.pages for field in page.get("/Annots", ())]
            rects = {str(field.T): [float(side) for side in field.Rect] for field in fields}
        return round(rects["receiver"][3] - rects["receiver"][1], 1)

    assert height("00002/2026/MMRE — Demande d'électrification de quatre localités du canton") == height("Plan")


def test_too_many_lines_cost_no_number(services):
    with pytest.raises(Invalid) as refused:
        kit.send(services, *(LineForm(f"Pièce {n}") for n in range(51)))
    assert (refused.value.code, refused.value.params["limit"]) == ("slip.too_many_lines", 50)
    assert kit.send(services, LineForm("Pièce")).number == "BT-0001/2026"


def test_a_sign_that_no_font_has_stops_no_slip(services, tmp_path):
    with pytest.raises(Invalid, match="typeset.glyph") as refused:  # the values typed for the slip itself are signed
        kit.send(services, LineForm("Lettre de 王"))
    assert refused.value.params["field"] == "description-1"
    sent = kit.send(services, LineForm(mail_id=kit.letter(services, "Vœux 🎉"), remark="Πλάι"))
    before = _text(kit.stored_pdf(services, sent.slip_id), tmp_path)
    assert "Vœux \ufffd" in before
    assert "Πλάι" in before
    kit.take(services, sent.slip_id, DAMAGED, remark="Coin plié")
    assert "Coin plié" in _appearance(kit.stored_pdf(services, sent.slip_id), tmp_path)


def test_a_remark_that_no_font_can_print_is_not_signed_by_the_receiver(services):
    slip_id = kit.send(services, LineForm("Plan de situation")).slip_id
    with pytest.raises(Invalid) as refused:
        kit.take(services, slip_id, DAMAGED, remark="Page 2 déchirée 🛵")
    assert (refused.value.code, refused.value.params["field"]) == ("typeset.glyph", "remark-1")
    assert kit.slip(services, slip_id).state is SlipState.SENT
    kit.take(services, slip_id, DAMAGED, remark="Page 2 déchirée")
    assert kit.slip(services, slip_id).state is SlipState.RECEIVED


def test_one_act_makes_a_slip_for_each_unit_and_the_paper_goes_to_the_first(services):
    letter = kit.letter(services)
    made = operations.issue(
        services,
        kit.form(services, LineForm(mail_id=letter), to=("DGE", "DAF")),
        key=kit.opened_key(services, "agent"),
        actor=actor(services, "agent"),
        now=NOW,
    )
    assert [one.number for one in made] == ["BT-0001/2026", "BT-0002/2026"]
    kit.take(services, made[1].slip_id, OK, receiver="daf")
    assert _custodians(services, letter) == ["Bureau d'ordre"]
    kit.take(services, made[0].slip_id, OK)
    assert _custodians(services, letter) == ["Bureau d'ordre", "Direction générale de l'énergie"]
    with services.reading() as session:
        principals = access.principals_of(session, letter)
    assert {unit_principal(kit.unit_id(services, code)) for code in ("DGE", "DAF")} <= principals


def test_custody_passes_for_accepted_lines_only_and_tasks_open(services):
    letters = [kit.letter(services, f"Lettre {n}") for n in range(4)]
    sent = kit.send(services, *(LineForm(mail_id=one) for one in letters))
    kit.take(services, sent.slip_id, OK, DAMAGED, MISSING, WRONG)
    moved = [len(_custodians(services, one)) == 2 for one in letters]
    assert moved == [True, True, False, False]
    with services.reading() as session:
        found = queries.open_tasks(session, actor(services, "agent"))
        assert [(task.kind, task.line_no) for task in found] == [(DAMAGED, 2), (MISSING, 3), (WRONG, 4)]
        assert queries.open_tasks(session, actor(services, "dge")) == []
        # A letter that was brought to the wrong unit is not opened to that unit.
        assert not access.may_see(session, letters[3], Confidentiality.ORDINARY, actor(services, "dge"))
        assert access.may_see(session, letters[2], Confidentiality.ORDINARY, actor(services, "dge"))


def test_a_task_is_settled_once_with_a_remark_by_its_unit(services):
    sent = kit.send(services, LineForm("Plan"))
    kit.take(services, sent.slip_id, MISSING)
    with services.reading() as session:
        task_id = session.scalars(select(SlipTask.id)).one()

    def settle(who, remark):
        with services.unit_of_work(NOW) as uow:
            tasks.settle_task(uow, task_id, remark=remark, actor=actor(services, who), now=NOW)

    with pytest.raises(NotFound):
        settle("daf", "Retrouvé")
    with pytest.raises(Invalid):
        settle("agent", "  ")
    settle("agent", "Retrouvé et porté")
    with pytest.raises(InvalidTransition):
        settle("agent", "Encore")
    with services.reading() as session:
        assert session.get_one(SlipTask, task_id).state is TaskState.SETTLED


def test_received_twice_and_stale_and_undecided_are_refused_clearly(services):
    sent = kit.send(services, LineForm("Plan"), LineForm("Clé"))
    key, who = kit.opened_key(services, "dge"), actor(services, "dge")

    def take(decisions, **more):
        receive.receive(services, sent.slip_id, decisions, key=key, actor=who, now=NOW, **more)

    both = {1: Decision(OK), 2: Decision(OK)}
    with pytest.raises(Invalid) as undecided:
        take({1: Decision(OK)})
    assert undecided.value.params["field"] == "line-2"
    with pytest.raises(Invalid) as unexplained:
        take({1: Decision(OK), 2: Decision(DAMAGED)})
    assert unexplained.value.code == "slip.remark_missing"
    with pytest.raises(StaleVersion):
        take(both, version=kit.slip(services, sent.slip_id).version - 1)
    take(both, version=kit.slip(services, sent.slip_id).version)
    with pytest.raises(InvalidTransition) as twice:
        take(both, version=1)
    assert twice.value.code == "slip.received"


def test_only_a_post_of_the_receiving_unit_receives_and_strangers_know_nothing(services):
    sent = kit.send(services, LineForm("Plan"))
    key = kit.opened_key(services, "agent")
    with pytest.raises(Forbidden) as refused:
        receive.receive(services, sent.slip_id, {1: Decision(OK)}, key=key, actor=actor(services, "agent"), now=NOW)
    assert refused.value.code == "slip.not_receiver"
    for stranger in ("daf", "admin", "etudes"):
        with services.reading() as session, pytest.raises(NotFound) as hidden:
            view.slip_view(session, sent.slip_id, actor(services, stranger))
        assert hidden.value.params["refused"]
        with pytest.raises(NotFound):
            view.slip_pdf(services, sent.slip_id, actor(services, stranger))


class _FailsOnce:
    """A signer that fails at its n-th signature, as a server without memory does."""

    def __init__(self, inner, at):
        self._inner, self._left = inner, at

    def prepare(self, pdf, fields):
        return self._inner.prepare(pdf, fields)

    def sign(self, pdf, request, **keys):
        self._left -= 1
        if self._left == 0:
            raise EngineFailed("sign.failed", field=request.field.name)
        return self._inner.sign(pdf, request, **keys)


def test_a_failed_signature_keeps_the_number_and_is_made_again(services):
    failing = replace(services, signer=_FailsOnce(services.signer, 1))
    key, who = kit.opened_key(services, "agent"), actor(services, "agent")
    letter = kit.letter(services)
    made = operations.issue(
        failing, kit.form(services, LineForm(mail_id=letter), to=("DGE", "DAF")), key=key, actor=who, now=NOW
    )
    assert [one.failure.code if one.failure else None for one in made] == ["sign.failed", None]
    first = kit.slip(services, made[0].slip_id)
    assert (first.state, first.number_text) == (SlipState.ISSUING, "BT-0001/2026")
    with services.reading() as session:
        assert unit_principal(kit.unit_id(services, "DGE")) not in access.principals_of(session, letter)
        assert queries.to_receive(session, actor(services, "dge")) == []
    operations.sign_slip(services, first.id, key=key, actor=who, now=NOW)
    again = kit.slip(services, first.id)
    assert (again.state, again.number_text) == (SlipState.SENT, "BT-0001/2026")
    with pytest.raises(InvalidTransition) as signed:
        operations.sign_slip(services, first.id, key=key, actor=who, now=NOW)
    assert signed.value.code == "slip.signed"
    with services.reading() as session:
        assert register_check.gaps(session) == []


def test_a_failed_reception_moves_nothing_and_is_made_again(services):
    letter = kit.letter(services)
    sent = kit.send(services, LineForm(mail_id=letter))
    failing = replace(services, signer=_FailsOnce(services.signer, 1))
    key, who = kit.opened_key(services, "dge"), actor(services, "dge")
    with pytest.raises(EngineFailed):
        receive.receive(failing, sent.slip_id, {1: Decision(DAMAGED, "Mouillé")}, key=key, actor=who, now=NOW)
    assert kit.slip(services, sent.slip_id).state is SlipState.RECEIVING
    assert len(_custodians(services, letter)) == 1
    with services.reading() as session:
        shown = view.slip_view(session, sent.slip_id, who)
        assert (shown.lines[0].state, shown.lines[0].decided) == (LineState.PENDING, DAMAGED)
    receive.receive(services, sent.slip_id, {1: Decision(OK)}, key=key, actor=who, now=NOW)
    assert kit.slip(services, sent.slip_id).state is SlipState.RECEIVED
    assert len(_custodians(services, letter)) == 2


def test_a_confidential_letter_is_not_printed_but_its_reader_reads_it_on_screen(services, tmp_path):
    letter = kit.letter(services, "Enquête sur le marché", level=Confidentiality.RESTRICTED)
    typed = LineForm("Enquête sur le marché", mail_id=letter)
    sent = kit.send(services, typed, sender="secretaire")
    text = _text(kit.stored_pdf(services, sent.slip_id), tmp_path)
    assert "Enquête" not in text
    assert "Courrier confidentiel" in text
    with services.reading() as session:
        shown = view.slip_view(session, sent.slip_id, actor(services, "dge")).lines[0]
    assert (shown.masked, shown.description, shown.mail_id) == (False, "Enquête sur le marché", letter)


def test_a_letter_made_confidential_later_hides_line_and_pages(services):
    letter = kit.letter(services, "Audit de la facturation")
    sent = kit.send(services, LineForm(mail_id=letter), to=("ETU",))
    reader = actor(services, "etudes")
    with services.reading() as session:
        assert view.slip_view(session, sent.slip_id, reader).lines[0].description == "Audit de la facturation"
    with services.unit_of_work(NOW) as uow:
        change_level(uow, letter, Confidentiality.RESTRICTED, reason="Enquête", actor=actor(services, "agent"))
    with services.reading() as session:
        line = view.slip_view(session, sent.slip_id, reader).lines[0]
    assert (line.masked, line.description, line.mail_id) == (True, "Courrier confidentiel", None)
    assert line.number.startswith("00001/2026")
    with pytest.raises(Forbidden) as refused:
        view.slip_pdf(services, sent.slip_id, reader)
    assert refused.value.code == "slip.pdf_confidential"


def test_a_letter_made_confidential_before_a_later_page_is_not_named_there(services, tmp_path):
    letter = kit.letter(services, "Audit de la facturation")
    failing = replace(services, signer=_FailsOnce(services.signer, 1))
    key, who = kit.opened_key(services, "agent"), actor(services, "agent")
    made = operations.issue(failing, kit.form(services, LineForm(mail_id=letter)), key=key, actor=who, now=NOW)
    with services.unit_of_work(NOW) as uow:
        change_level(uow, letter, Confidentiality.RESTRICTED, reason="Enquête", actor=who)
    operations.sign_slip(services, made[0].slip_id, key=key, actor=who, now=NOW)
    kit.take(services, made[0].slip_id, OK)
    back = answers.answer_slip(
        services, made[0].slip_id, kind=SlipKind.RETURN, lines=[AnswerLine(1)],
        key=kit.opened_key(services, "dge"), actor=actor(services, "dge"), now=NOW,
    )  # fmt: skip
    for slip_id in (made[0].slip_id, back.slip_id):
        text = _text(kit.stored_pdf(services, slip_id), tmp_path)
        assert "Audit" not in text
        assert "Courrier confidentiel" in text


def test_a_page_of_fifty_lines_asks_the_database_a_few_times(services):
    letters = [kit.letter(services, f"Lettre {n}") for n in range(12)]
    sent = kit.send(services, *(LineForm(mail_id=one) for one in letters), *(LineForm(f"P{n}") for n in range(38)))
    kit.take(services, sent.slip_id, *([OK] * 20 + [MISSING] * 30))
    who, asked = actor(services, "agent"), []
    listen = lambda *args: asked.append(args[2])  # noqa: E731
    event.listen(services.engine, "before_cursor_execute", listen)
    with services.reading() as session:
        shown = view.slip_view(session, sent.slip_id, who)
    event.remove(services.engine, "before_cursor_execute", listen)
    assert (len(shown.lines), len(shown.tasks)) == (50, 30)
    assert len(asked) <= 20


def test_a_return_cites_the_slip_and_brings_the_paper_back(services, tmp_path):
    letter = kit.letter(services)
    sent = kit.send(
        services, LineForm(mail_id=letter), purpose=SlipPurpose.ON_LOAN, return_by=TODAY + timedelta(days=3)
    )
    kit.take(services, sent.slip_id, OK)
    later = TODAY + timedelta(days=4)
    with services.reading() as session:
        assert [row.id for row in queries.overdue_loans(session, actor(services, "agent"), today=later)] == [
            sent.slip_id
        ]
    digest = kit.slip(services, sent.slip_id).revisions[-1].digest
    back = answers.answer_slip(
        services,
        sent.slip_id,
        kind=SlipKind.RETURN,
        lines=[AnswerLine(1, "Étudié")],
        key=kit.opened_key(services, "dge"),
        actor=actor(services, "dge"),
        now=NOW,
    )
    assert back.failure is None
    text = " ".join(_text(kit.stored_pdf(services, back.slip_id), tmp_path).split())
    assert "BORDEREAU DE RETOUR" in text
    assert sent.number in text
    assert digest in text.replace(" ", "")
    kit.take(services, back.slip_id, OK, receiver="agent")
    assert _custodians(services, letter)[-1] == "Bureau d'ordre"
    assert kit.slip(services, sent.slip_id).revisions[-1].digest == digest
    with services.reading() as session:
        assert queries.overdue_loans(session, actor(services, "agent"), today=later) == []
        assert view.slip_view(session, sent.slip_id, actor(services, "agent")).lines[0].returned_by == back.slip_id
    with pytest.raises(Invalid) as twice:
        answers.answer_slip(
            services, sent.slip_id, kind=SlipKind.RETURN, lines=[AnswerLine(1)],
            key=kit.opened_key(services, "dge"), actor=actor(services, "dge"), now=NOW,
        )  # fmt: skip
    assert twice.value.code == "slip.line_not_here"


def test_a_discrepancy_found_later_opens_a_task_at_the_first_sender(services):
    sent = kit.send(services, LineForm("Deux plans", count=2))
    kit.take(services, sent.slip_id, OK)
    answers.answer_slip(
        services, sent.slip_id, kind=SlipKind.DISCREPANCY, lines=[AnswerLine(1, "Un seul plan", MISSING)],
        key=kit.opened_key(services, "dge"), actor=actor(services, "dge"), now=NOW,
    )  # fmt: skip
    with services.reading() as session:
        task = queries.open_tasks(session, actor(services, "agent"))[0]
        above = queries.open_tasks(session, actor(services, "sg"))
    assert (task.kind, task.other_unit) == (MISSING, "Direction générale de l'énergie")
    assert (task.may_settle, [one.may_settle for one in above]) == (True, [False]), "who heads the unit only reads it"
    assert "Un seul plan" in task.reception_remark


def test_the_paper_goes_one_way_at_a_time(services):
    letter = kit.letter(services)
    sent = kit.send(services, LineForm(mail_id=letter))
    with pytest.raises(Invalid) as on_the_way:
        kit.send(services, LineForm(mail_id=letter, is_original=True), to=("DAF",))
    assert on_the_way.value.code == "slip.paper_on_the_way"
    kit.take(services, sent.slip_id, OK)
    with pytest.raises(Invalid) as elsewhere:
        kit.send(services, LineForm(mail_id=letter, is_original=True), to=("DAF",))
    assert elsewhere.value.params["unit"] == "Direction générale de l'énergie"
    copy = kit.send(services, LineForm(mail_id=letter), to=("DAF",))
    assert not kit.slip(services, copy.slip_id).lines[0].is_original


def test_a_voided_slip_keeps_its_number_and_gives_no_access(services):
    letter = kit.letter(services)
    sent = kit.send(services, LineForm(mail_id=letter))
    with services.unit_of_work(NOW) as uow:
        operations.void_slip(uow, sent.slip_id, reason="Mauvais service", actor=actor(services, "agent"), now=NOW)
    with services.reading() as session:
        assert not access.may_see(session, letter, Confidentiality.ORDINARY, actor(services, "dge"))
        assert register_check.gaps(session) == []
    with pytest.raises(InvalidTransition) as voided:
        kit.take(services, sent.slip_id, OK)
    assert voided.value.code == "slip.voided"
    assert kit.send(services, LineForm(mail_id=letter)).number == "BT-0002/2026"


def test_unacknowledged_slips_and_the_delivery_book(services, tmp_path):
    sent = kit.send(services, LineForm("Plan"), messenger="Koffi MENSAH")
    plain = kit.send(services, LineForm("Clé"))
    who = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        operations.hand_to_messenger(uow, [plain.slip_id], messenger="Koffi  MENSAH", actor=who, now=NOW)
    kit.take(services, plain.slip_id, OK)
    late = NOW + timedelta(hours=25)
    with services.reading() as session:
        assert [row.id for row in queries.unacknowledged(session, hours=24, now=late)] == [sent.slip_id]
        marked, _ = queries.sent(session, who, now=late, unacknowledged_hours=24)
        assert [row.unacknowledged for row in marked] == [False, True]
        unit = kit.unit_id(services, "BO")
        assert delivery_book.messengers_on(session, who, unit_id=unit, day=TODAY, zone=services.zone) == [
            ("Koffi MENSAH", 2)
        ]
    book = delivery_book.delivery_book_pdf(
        services, unit_id=unit, day=TODAY, messenger="Koffi MENSAH", actor=who, now=NOW
    )
    _qpdf(book, tmp_path)
    text = _text(book, tmp_path)
    assert sent.number in text
    assert plain.number in text
    with pytest.raises(Invalid):
        delivery_book.delivery_book_pdf(
            services, unit_id=unit, day=date(2026, 11, 20), messenger="", actor=who, now=NOW
        )


def test_a_successor_receives_what_was_sent_to_a_closed_unit(services):
    sent = kit.send(services, LineForm("Plan"))
    with services.unit_of_work(NOW) as uow:
        dge = uow.session.get_one(Unit, kit.unit_id(services, "DGE"))
        dge.closed_at, dge.successor_id = NOW, kit.unit_id(services, "DAF")
    with services.reading() as session:
        assert [row.id for row in queries.to_receive(session, actor(services, "daf"))] == [sent.slip_id]
        assert queries.to_receive(session, actor(services, "dge")) == []
    kit.take(services, sent.slip_id, OK, receiver="daf")


def test_every_failure_bears_a_code_of_ours(services):
    """Codes for which the site has a French message."""
    with pytest.raises(GedError) as caught:
        kit.send(services, LineForm("  "))
    assert caught.value.code == "slip.description_missing"


@pytest.mark.parametrize("height", [620.0, 545.0])
def test_no_row_of_a_filled_table_is_pressed_into_another(height):
    """Also where the table is drawn smaller than its field asks."""
    lines = tuple(render.SheetLine(n, "", f"Rang {n}", 1, "", False, decision=LineState.RECEIVED) for n in range(1, 41))
    mark = render.SignatureMark("Afi", "Poste", "", NOW)
    field = SignatureField("receiver", 1, (56.69, 100.0, 538.58, 100.0 + height))
    document = pypdfium2.PdfDocument(render.reception_table(lines, mark, field, ZoneInfo("Africa/Lome")))
    try:
        text = document[0].get_textpage()
        found = [text.get_charbox(match.start())[1] for match in re.finditer(r"Rang \d+", text.get_text_range())]
    finally:
        document.close()
    assert len(found) == 40
    assert min(upper - lower for upper, lower in itertools.pairwise(found)) > 10


DESIGNATION_ENDS_PT = 57 * 72 / 25.4
"""The end of the second column of a filled table."""


def test_a_filled_table_has_its_borders_and_breaks_a_word_that_is_wider_than_its_place():
    """A line at the very edge of the field was cut in half, and one long word stood over the boxes of the row, or was cut."""
    word = "Dechireesurtoutelalongueurdelapagedegarde"
    line = render.SheetLine(1, "", word, 1, "", False, decision=LineState.DAMAGED, reception_remark=word)
    mark = render.SignatureMark("Afi", word.upper(), "", NOW)
    field = SignatureField("receiver", 1, (56.19, 213.0, 539.08, 342.0))
    document = pypdfium2.PdfDocument(render.reception_table([line], mark, field, ZoneInfo("Africa/Lome")))
    try:
        page = document[0]
        shown = page.render(scale=8).to_pil().convert("L")
        text = page.get_textpage()
        signs = [text.get_text_range(n, 1) for n in range(text.count_chars())]
        printed = [(sign, text.get_charbox(n)[2]) for n, sign in enumerate(signs) if sign.strip()]
    finally:
        document.close()
    rows = range(160, 190)
    for side in (0, shown.width - 1):
        assert {shown.getpixel((side, y)) for y in rows} == {255}, "nothing is drawn where it would be cut"
    for side in (range(12), range(shown.width - 12, shown.width)):
        assert max(sum(shown.getpixel((x, y)) < 160 for x in side) for y in rows) >= 3, "the whole line of a border"
    at = "".join(sign for sign, _right in printed).index(word)
    ends = [right for _sign, right in printed]
    assert max(ends[at : at + len(word)]) < DESIGNATION_ENDS_PT, "the word stands beside the boxes"
    assert max(ends) < field.box[2] - field.box[0], "nothing leaves the field"
