"""The check before the signature: it names each fault with its remedy, and blocks where the fault is certain."""

import dataclasses
import html
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from sqlalchemy import update

from ged import letterhead
from ged.capture.files import Upload
from ged.dispatch.models import Party
from ged.errors import ConfigError, Invalid
from ged.org.models import Delegation, DelegationKind
from ged.paper import ink
from ged.ports import Digest, MailId, PageFacts, PdfFacts, SourceFacts
from ged.register.models import Attachment, ClosingPeriod, Mail, MailNumber, Register, RegisterClosing
from ged.signbook import drafts, operations, presign
from ged.signbook.drafts import DraftForm
from ged.signbook.findings import CheckKind
from ged.signbook.models import CircuitEntry, Draft, DraftVersion
from ged.signbook.presign import Checked
from signing.inspection import inspect
from signing.payload import PayloadSealer
from tests.factories import NOW, TODAY
from tests.judges import verapdf
from tests.pages import pdf as picture_pdf
from tests.signbook_kit import CEET, COPY, House, house, make_institution
from tests.signing_kit import page_pdf
from tests.site import give_passwords, open_site, post, sign_in
from tests.tampering import lift_guards

__all__ = ["house"]

pytestmark = pytest.mark.in_turns(3)
FULL = Party(CEET.name, "BP 42\nLomé", "courrier@ceet.example.tg")


def changed(house: House, mail_id: int, **values: object) -> None:
    """The author's draft with other values."""
    row = house.show(mail_id, "dge")
    form = DraftForm(row.civility, row.subject, row.body, row.addressees, row.copies)
    form = dataclasses.replace(form, **values)  # type: ignore[arg-type]
    drafts.save(house.services, mail_id, form, version=row.version, actor=house.who("dge"), now=NOW)


def handed_in(house: House, mail_id: MailId) -> MailId:
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    house.visa(mail_id, "etudes")
    return mail_id


def in_order(house: House) -> MailId:
    """A letter without any fault."""
    make_institution(house)
    mail_id = house.answer()
    changed(house, mail_id, addressees=(FULL,))
    return mail_id


def check(house: House, mail_id: int, account: str = "sg") -> Checked:
    return presign.check(house.services, mail_id, actor=house.who(account), now=NOW)


def said(checked: Checked) -> list[tuple[str, str, bool]]:
    return [(finding.kind.value, finding.error.code, finding.blocks) for finding in checked.findings]


def join(house: House, mail_id: int, name: str) -> None:
    content = page_pdf(name)
    digest = house.services.blobs.put(BytesIO(content)).digest
    facts = SourceFacts("application/pdf", (PageFacts(1, 1, 72, 0.0),))
    upload = Upload(digest, len(content), name, facts)
    version = house.show(mail_id, "dge").version
    drafts.add_annex(house.services, mail_id, upload, version=version, actor=house.who("dge"), now=NOW)


def test_a_letter_in_order_has_nothing_to_tell_and_is_signed(house: House) -> None:
    mail_id = handed_in(house, in_order(house))
    found = check(house, mail_id)
    assert said(found) == []
    assert (found.dated_on, found.counts) == (
        TODAY, {CheckKind.ADDRESSEE: 1, CheckKind.COPIES: 1, CheckKind.ANNEXES: 0, CheckKind.VISAS: 2},
    )  # fmt: skip
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None


def test_what_a_person_has_to_judge_warns_and_stops_nothing(house: House) -> None:
    mail_id = house.answer()  # no seal
    body = house.show(mail_id, "dge").body + "\n\nVous trouverez ci-joint deux annexes."
    changed(house, mail_id, body=body, addressees=(Party(CEET.name),), copies=(COPY, Party(CEET.name), COPY))
    join(house, mail_id, "plan.pdf")
    handed_in(house, mail_id)
    with house.services.unit_of_work(NOW) as uow:
        answered = uow.session.get_one(Draft, mail_id).answers_id
        uow.session.execute(
            update(Mail).where(Mail.id == answered).values(their_reference="999/CEET", written_on=date(2027, 1, 1))
        )
    found = check(house, mail_id)
    assert said(found) == [
        ("reference", "presign.reference_changed", False),
        ("date", "presign.answers_later", False),
        ("addressee", "presign.no_address", False),
        ("copies", "presign.copies_twice", False),
        ("annexes", "presign.annexes_differ", False),
        ("code", "presign.no_code", False),
    ]
    differ = found.of(CheckKind.ANNEXES)[0].error
    assert (differ.params["announced"], differ.params["joined"]) == (2, 1)
    assert found.of(CheckKind.COPIES)[0].error.params["names"] == f"{COPY.name}, {CEET.name}"
    assert not found.blocks
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None


def test_announced_and_nothing_joined_is_told(house: House) -> None:
    mail_id = in_order(house)
    changed(house, mail_id, body="Monsieur,\n\nVeuillez trouver ci-joint le plan.\n\nSalutations.")
    assert said(check(house, handed_in(house, mail_id))) == [("annexes", "presign.annexes_none", False)]


def test_a_closed_day_moves_the_date_and_no_register_blocks(house: House) -> None:
    mail_id = handed_in(house, in_order(house))
    with house.services.unit_of_work(NOW) as uow:
        register = uow.session.query(Register).filter_by(code="DEP").one()
        uow.session.add(
            RegisterClosing(
                register_id=register.id, period=ClosingPeriod.DAY, sequence=1, from_on=TODAY, until_on=TODAY,
                digest="0" * 64, content_hash="0" * 64, seal="x", number_count=0, void_count=0,
                rectification_count=0, closed_at=NOW,
            )
        )  # fmt: skip
    found = check(house, mail_id)
    assert said(found) == [("date", "presign.dated_later", False)]
    assert found.dated_on == TODAY + timedelta(days=1)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Register).where(Register.code == "DEP").values(closed_at=NOW))
    assert said(check(house, mail_id)) == [("reference", "sign.no_register", True)]
    refused(house, mail_id, "sign.no_register")


def refused(house: House, mail_id: int, code: str) -> None:
    """Assert that the signature is refused with this code and that no number is used."""
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is not None
    assert (result.failure.code, result.number) == (code, "")
    with house.services.reading() as session:
        assert session.query(MailNumber).filter_by(mail_id=mail_id).count() == 0
    assert house.show(mail_id, "sg").signed_id is None


def test_without_addressee_it_cannot_be_signed(house: House) -> None:
    mail_id = handed_in(house, in_order(house))
    lift_guards(house.services.engine)
    with house.services.unit_of_work(NOW) as uow:
        version_no = uow.session.get_one(Draft, mail_id).version_no
        uow.session.get_one(DraftVersion, (mail_id, version_no)).addressees = []
    assert said(check(house, mail_id)) == [("addressee", "presign.no_addressee", True)]
    refused(house, mail_id, "presign.no_addressee")


def test_a_missing_visa_is_named(house: House) -> None:
    mail_id = in_order(house)
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    (told,) = check(house, mail_id).findings
    assert (told.kind, told.blocks) == (CheckKind.VISAS, True)
    assert told.error.params["posts"] == "Poste ETU-M"
    # A person who is not next is told so first.
    refused(house, mail_id, "circuit.not_your_turn")


def test_the_power_to_sign_is_looked_at_with_the_act_that_grants_it(house: House) -> None:
    mail_id = handed_in(house, in_order(house))
    assert said(check(house, mail_id, "secretaire")) == [("power", "sign.not_signatory", True)]
    dge = house.who("dge")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM, post_id=house.post("SG-T"), person_id=dge.person_id, act="arrêté n° 9",
                from_on=TODAY, until_on=TODAY,
            )
        )  # fmt: skip
    found = check(house, mail_id, "dge")
    assert said(found) == []
    assert "par intérim" in found.capacity
    assert "arrêté n° 9" in found.capacity


def test_a_visa_that_vanished_blocks(house: House) -> None:
    """The site cannot lose the list; a row that was removed from the database is still noticed."""
    mail_id = handed_in(house, in_order(house))
    lift_guards(house.services.engine)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.query(CircuitEntry).filter_by(mail_id=mail_id, act="visa").delete()
    assert ("visas", "presign.visas_missing", True) in said(check(house, mail_id))


def test_an_annex_without_its_bytes_blocks(house: House) -> None:
    mail_id = in_order(house)
    join(house, mail_id, "plan.pdf")
    handed_in(house, mail_id)
    assert said(check(house, mail_id)) == []
    with house.services.reading() as session:
        digest = session.query(Attachment).filter_by(mail_id=mail_id, filename="plan.pdf").one().digest
    assert digest is not None
    house.services.blobs.delete(Digest(digest))
    assert said(check(house, mail_id)) == [("annexes", "presign.annex_missing", True)]
    refused(house, mail_id, "presign.annex_missing")


def test_pages_that_another_release_would_set_otherwise_are_handed_in_again_and_the_visas_stay(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:

    mail_id = handed_in(house, in_order(house))
    monkeypatch.setitem(letterhead._COUNTRIES, "TG", ("République togolaise", "Une autre devise"))
    assert said(check(house, mail_id)) == [("pages", "presign.pages_changed", True)]
    refused(house, mail_id, "presign.pages_changed")
    version_no = house.show(mail_id, "sg").version_no
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="Mise en page", version_no=version_no, actor=house.who("sg"))
    house.submit(mail_id, now=NOW + timedelta(minutes=1))
    assert said(check(house, mail_id)) == []
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None


def test_a_font_left_out_and_a_lost_pdf_a_block(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    mail_id = handed_in(house, in_order(house))
    monkeypatch.setattr(house.signer, "inspect", lambda pdf: PdfFacts("", ("Courier",)))
    assert said(check(house, mail_id)) == [("fonts", "presign.fonts", True), ("archive", "presign.not_archive", True)]
    refused(house, mail_id, "presign.fonts")


def test_a_signature_that_loses_pdf_a_is_not_kept_and_made_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    mail_id, key = handed_in(house, in_order(house)), house.key("sg")
    real = house.signer.inspect
    monkeypatch.setattr(house.signer, "inspect", lambda pdf: real(pdf) if b"/ByteRange" not in pdf else PdfFacts(""))
    (result,) = house.sign(mail_id, key=key)
    assert result.failure is not None
    assert (result.failure.code, result.number) == ("presign.not_archivable", "00001/2026/MIN/SG")
    row = house.show(mail_id, "sg")
    assert (row.failure, row.may.retry, row.signed_id) == ("presign.not_archivable", True, None)
    monkeypatch.undo()
    (again,) = house.sign(mail_id, key=key)
    assert (again.failure, again.number) == (None, "00001/2026/MIN/SG")


def test_a_seal_that_cannot_be_opened_is_told_before_a_number_is_used(house: House) -> None:
    def broken() -> None:
        raise ConfigError("seal.unreadable", "correct the file")

    mail_id = handed_in(house, in_order(house))
    house.services = dataclasses.replace(house.services, tokens=PayloadSealer(broken))
    assert said(check(house, mail_id)) == [("code", "presign.seal_unreadable", True)]
    refused(house, mail_id, "presign.seal_unreadable")


def test_the_inspection_agrees_with_the_judge_of_pdf_a(tmp_path: Path) -> None:
    ours = page_pdf("Une page")
    with pikepdf.open(BytesIO(ours)) as opened:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Courier)
        opened.pages[0].Resources.Font[pikepdf.Name.Loose] = opened.make_indirect(font)
        opened.pages[0].contents_add(b"BT /Loose 9 Tf 20 20 Td (x) Tj ET")
        loose = BytesIO()
        opened.save(loose)
        del opened.Root[pikepdf.Name.OutputIntents]
        bare = BytesIO()
        opened.save(bare)
    files = {"ours": ours, "loose": loose.getvalue(), "bare": bare.getvalue(), "picture": picture_pdf("Une image")}
    for name, content in files.items():
        (tmp_path / f"{name}.pdf").write_bytes(content)
    judged = dict(zip(files, verapdf.check([tmp_path / f"{name}.pdf" for name in files]), strict=True))
    found = {name: inspect(content) for name, content in files.items()}
    assert found["ours"] == PdfFacts("2b")
    assert found["loose"] == PdfFacts("2b", ("Courier",))
    assert (found["bare"].flavour, found["picture"].flavour) == ("", "")
    assert [judged[name].compliant for name in files] == [True, False, False, False]


# --- in ink --------------------------------------------------------------------------------------------------------


def printed(house: House, mail_id: int) -> None:
    version_no = house.show(mail_id, "sg").version_no
    ink.confirm_ink(house.services, mail_id, version_no=version_no, actor=house.who("sg"), now=NOW)


def not_printed(house: House, mail_id: int, code: str) -> None:
    """Assert that the print is refused with this code and that the letter still waits for its signature."""
    with pytest.raises(Invalid, match=code.replace(".", r"\.")):
        printed(house, mail_id)
    row = house.show(mail_id, "sg")
    assert (row.way, row.print_id, row.may.sign) == (None, None, True)


def test_in_ink_a_letter_without_addressee_or_with_other_pages_is_not_printed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:

    mail_id = handed_in(house, in_order(house))
    with monkeypatch.context() as other:
        other.setitem(letterhead._COUNTRIES, "TG", ("République togolaise", "Une autre devise"))
        not_printed(house, mail_id, "presign.pages_changed")
    version_no = house.show(mail_id, "sg").version_no
    lift_guards(house.services.engine)
    with house.services.unit_of_work(NOW) as uow:
        version = uow.session.get_one(DraftVersion, (mail_id, version_no))
        kept, version.addressees = version.addressees, []
    not_printed(house, mail_id, "presign.no_addressee")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.get_one(DraftVersion, (mail_id, version_no)).addressees = kept
    printed(house, mail_id)
    assert house.show(mail_id, "sg").print_id is not None


def test_in_ink_a_lost_annex_a_lost_visa_and_a_closed_register_are_refused(house: House) -> None:
    mail_id = in_order(house)
    join(house, mail_id, "plan.pdf")
    handed_in(house, mail_id)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Register).where(Register.code == "DEP").values(closed_at=NOW))
    not_printed(house, mail_id, "sign.no_register")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Register).where(Register.code == "DEP").values(closed_at=None))
        digest = uow.session.query(Attachment).filter_by(mail_id=mail_id, filename="plan.pdf").one().digest
    assert digest is not None
    with house.services.blobs.open(Digest(digest)) as stored:
        plan = stored.read()
    house.services.blobs.delete(Digest(digest))
    not_printed(house, mail_id, "presign.annex_missing")
    house.services.blobs.put(BytesIO(plan))
    printed(house, mail_id)


def test_in_ink_what_warns_stops_nothing_and_the_file_and_seal_are_not_asked_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_id = house.answer()  # no seal
    body = house.show(mail_id, "dge").body + "\n\nVous trouverez ci-joint deux annexes."
    changed(house, mail_id, body=body, addressees=(Party(CEET.name),))
    handed_in(house, mail_id)
    monkeypatch.setattr(house.signer, "inspect", lambda pdf: PdfFacts("", ("Courier",)))
    found = check(house, mail_id)
    assert said(found.in_ink()) == [
        ("addressee", "presign.no_address", False),
        ("annexes", "presign.annexes_differ", False),
    ]
    assert (found.blocks, found.in_ink().blocks) == (True, False)
    printed(house, mail_id)
    assert house.show(mail_id, "sg").print_id is not None


# --- the pages of the site -----------------------------------------------------------------------------------------


def test_the_signatory_sees_the_check_before_signing(house: House, tmp_path: Path) -> None:
    mail_id = handed_in(house, in_order(house))
    other = house.ready()
    give_passwords(house.services)
    app = open_site(tmp_path, house.services)
    client = sign_in(app, "sg")
    page = client.get(f"/parapheur/{mail_id}").text
    assert page.count("en ordre") == len(CheckKind) + 1
    assert "Signer électroniquement" in page
    with house.services.unit_of_work(NOW) as uow:
        preview = uow.session.get_one(Attachment, uow.session.get_one(Draft, other).preview_id)
        preview.digest = "0" * 64
    page = client.get(f"/parapheur/{other}").text
    assert "Les pages montrées ne sont plus celles" in page
    assert "les visas donnés restent" in page
    assert "Signer électroniquement" not in page
    assert "Signer à la main" not in page
    assert "électronique ou à la main, attend" in page
    answer = post(client, f"/parapheur/{other}/signer-a-la-main", {"version_no": "2"})
    assert answer.status_code == 422
    assert "Les pages montrées ne sont plus celles" in answer.text
    listed = client.get("/parapheur/controle").text
    assert listed.index(f"courrier-{other}") < listed.index(f"courrier-{mail_id}")
    assert "ne peut pas être signé" in listed
    assert listed.count(CEET.name) >= 2, "letters of one subject are told apart"
    inspected = house.signer.inspect
    house.signer.inspect = lambda pdf: PdfFacts("")  # type: ignore[method-assign]
    page = html.unescape(client.get(f"/parapheur/{mail_id}").text)
    house.signer.inspect = inspected  # type: ignore[method-assign]
    assert "ne peut être signé qu'à la main" in page
    assert "empêche de signer électroniquement" in page
    assert "Signer à la main" in page
    assert "Signer électroniquement" not in page
    assert "Rien n&#39;attend" in sign_in(app, "daf").get("/parapheur/controle").text.replace("'", "&#39;")
    assert "courrier-" not in sign_in(app, "secretaire").get("/parapheur/controle").text


def test_a_refusal_stands_before_the_next_signers_eyes_until_its_post_gives_its_visa(
    house: House, tmp_path: Path
) -> None:
    """The author removed the refuser from the circuit. The next signer reads the refusal instead."""
    mail_id = in_order(house)
    house.submit(mail_id)
    version_no = house.show(mail_id, "daf").version_no
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="Citer le décret", version_no=version_no, actor=house.who("daf"))
    assert [entry.text for entry in house.show(mail_id, "dge").refusals] == ["Citer le décret"]
    with house.services.unit_of_work(NOW) as uow:
        drafts.set_circuit(
            uow, mail_id, [], house.post("SG-T"), version=house.show(mail_id, "dge").version, actor=house.who("dge")
        )
    house.submit(mail_id)
    shown = house.show(mail_id, "sg")
    assert [(entry.by, entry.text) for entry in shown.refusals] == [("Daf", "Citer le décret")]
    assert shown.refusal.text == "", "it did come back to its author, and left again"
    assert ("visas", "presign.refused", False) in said(check(house, mail_id))
    give_passwords(house.services)
    page = sign_in(open_site(tmp_path, house.services), "sg").get(f"/parapheur/{mail_id}").text
    assert page.count("Citer le décret") >= 2, "the history, and above the pages"


def test_a_refusal_ends_with_the_visa_of_its_post(house: House) -> None:
    mail_id = in_order(house)
    house.submit(mail_id)
    version_no = house.show(mail_id, "daf").version_no
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="Citer le décret", version_no=version_no, actor=house.who("daf"))
    house.submit(mail_id)
    assert len(house.show(mail_id, "daf").refusals) == 1
    house.visa(mail_id, "daf")
    house.visa(mail_id, "etudes")
    assert house.show(mail_id, "sg").refusals == ()
    assert "presign.refused" not in {code for _, code, _ in said(check(house, mail_id))}


def test_the_page_of_checks_sets_the_pages_of_a_few_letters_only(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.views.signbook.presign.SHOWN", 2)
    waiting = [house.ready() for _ in range(3)]
    give_passwords(house.services)
    client = sign_in(open_site(tmp_path, house.services), "sg")
    for offset, here in (
        ("", waiting[:2]),
        ("?offset=2", waiting[2:]),
        ("?offset=3", waiting[2:]),
        ("?offset=-5", waiting[:2]),
        ("?offset=9", waiting[2:]),
    ):
        page = client.get(f"/parapheur/controle{offset}", follow_redirects=True).text
        assert [one for one in waiting if f'id="courrier-{one}"' in page] == here, offset
    assert "offset=2" in client.get("/parapheur/controle").text
