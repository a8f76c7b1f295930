"""Delegations with limits, checked before anything is signed; and the capacity in which a delegate signs."""

import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged.errors import Invalid
from ged.org import delegations
from ged.org.delegations import DelegationForm
from ged.org.models import DelegationKind
from ged.paper import ink
from ged.ports import MailId
from ged.register.models import MailNumber, Register
from ged.register.states import MailState
from ged.signbook import drafts, operations, queries
from ged.signbook.drafts import DraftForm
from ged.signbook.models import CircuitAct
from tests.factories import NOW, TODAY
from tests.signbook_kit import House, house, pdf_of
from tests.signbook_site_kit import Site, site

__all__ = ["house", "site"]

pytestmark = pytest.mark.in_turns(2)


def delegate(house: House, of: str = "sg", to: str = "dge", **changes: object) -> int:
    values: dict[str, object] = {
        "post_id": house.who(of).posts[0].post_id, "person_id": house.who(to).person_id,
        "kind": DelegationKind.DELEGATION, "act": "Arrêté n° 9", "from_on": TODAY, "until_on": TODAY + timedelta(days=9),
    }  # fmt: skip
    with house.services.unit_of_work(NOW) as uow:
        form = DelegationForm(**{**values, **changes})  # type: ignore[arg-type]
        return delegations.delegate(uow, form, actor=house.who(of))


def amounting(house: House, amount: int | None) -> MailId:
    """A letter that waits for the signature and states an amount."""
    mail_id = house.answer()
    row = house.show(mail_id, "dge")
    form = DraftForm(row.civility, row.subject, row.body, row.addressees, row.copies, amount)
    drafts.save(house.services, mail_id, form, version=row.version, actor=house.who("dge"), now=NOW)
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    house.visa(mail_id, "etudes")
    return mail_id


def numbers_used(house: House) -> int:
    with house.services.reading() as session:
        query = select(func.count(MailNumber.id)).join(Register).where(Register.code == "DEP")
        return session.scalar(query) or 0


def test_beyond_the_amount_or_the_type_nothing_is_signed_and_no_number_used(house: House) -> None:
    delegate(house, template_codes=("favourable",), max_amount_xof=5_000_000)
    key = house.key("dge")
    within, above = amounting(house, 5_000_000), amounting(house, 7_000_000)
    with house.services.reading() as session:
        rows = queries.signature_book(session, house.who("dge")).signatures
    assert {row.mail_id: row.may_sign for row in rows} == {within: True, above: False}
    refused, signed = house.sign(above, within, key=key, account="dge")
    assert refused.failure is not None
    assert refused.failure.code == "power.amount"
    assert (signed.failure, numbers_used(house)) == (None, 1)
    may = house.show(above, "dge").may
    assert (may.sign, may.refuse, may.beyond and may.beyond.code) == (False, False, "power.amount")
    with pytest.raises(Invalid, match=r"power\.amount"):
        ink.confirm_ink(house.services, above, version_no=3, actor=house.who("dge"), now=NOW)
    with pytest.raises(Invalid, match=r"power\.amount"), house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, above, reason="Non", version_no=3, actor=house.who("dge"))
    # The holder has no limit.
    assert house.show(above, "sg").may.sign


def test_a_visa_by_delegation_has_the_same_bounds(house: House) -> None:
    delegate(house, "daf", "agent", template_codes=("refusal",))
    mail_id = house.answer()
    house.submit(mail_id)
    with pytest.raises(Invalid, match=r"power\.type"):
        house.visa(mail_id, "agent")
    delegate(house, "daf", "agent", act="Note n° 10", template_codes=("favourable", "refusal"))
    house.visa(mail_id, "agent")
    assert house.show(mail_id, "dge").entries[0].act_reference == "Note n° 10"


@pytest.mark.parametrize("what", ["over", "to come", "withdrawn"])
def test_a_delegation_not_in_force_is_named(house: House, what: str) -> None:
    # DGE itself gives a visa, so it knows the letter; the signature was delegated at another time.
    mail_id = house.ready()
    delegation_id = delegate(house, from_on=TODAY + timedelta(days=2 if what == "to come" else 0))
    on = TODAY
    if what == "withdrawn":
        with house.services.unit_of_work(NOW) as uow:
            delegations.withdraw(uow, delegation_id, actor=house.who("sg"))
    elif what == "over":
        on = TODAY + timedelta(days=30)
    now = NOW + (on - TODAY)
    with pytest.raises(Invalid, match=r"power\.not_in_force") as refused:
        operations.confirm(house.services, mail_id, version_no=2, actor=house.who("dge", on=on), now=now)
    assert refused.value.params["act"] == "Arrêté n° 9"
    assert (house.show(mail_id, "dge").state, numbers_used(house)) == (MailState.IN_CIRCUIT, 0)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (DelegationKind.DELEGATION, "Pour le Poste SG-T et par délégation,"),
        (DelegationKind.INTERIM, "Le Poste SG-T par intérim"),
        (DelegationKind.ORDER, "Pour le Poste SG-T et par ordre,"),
    ],
)
def test_mark_and_record_say_capacity_act_and_days(
    house: House, tmp_path: Path, kind: DelegationKind, words: str
) -> None:
    delegate(house, kind=kind)
    mail_id = house.ready()
    assert house.show(mail_id, "dge").may.capacity.startswith(words)
    (result,) = house.sign(mail_id, key=house.key("dge"), account="dge")
    assert result.failure is None
    (tmp_path / "s.pdf").write_bytes(pdf_of(house, house.show(mail_id, "dge").signed_id))
    text = subprocess.run(
        ["pdftotext", "-layout", "s.pdf", "-"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert words in text
    assert "Arrêté n° 9 (du 24/11/2026 au 03/12/2026)" in " ".join(text.split())
    row = house.show(mail_id, "dge")
    (entry,) = [entry for entry in row.entries if entry.act is CircuitAct.SIGN]
    assert (row.confirmed_capacity, entry.acted_as, entry.act_reference) == (
        words if "Pour" in words else "",
        kind.value,
        "Arrêté n° 9",
    )


def test_an_amount_is_content_and_its_change_asks_the_visas_anew(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    row = house.show(mail_id, "etudes")
    form = DraftForm(row.civility, row.subject, row.body, row.addressees, row.copies, 3_000_000)
    etudes = house.who("etudes")
    saved = drafts.save(house.services, mail_id, form, version=row.version, actor=etudes, now=NOW)
    assert (saved.cancelled, house.show(mail_id, "daf").amount_xof) == (1, 3_000_000)
    with pytest.raises(Invalid, match=r"draft\.amount"):
        drafts.save(
            house.services,
            mail_id,
            DraftForm("", "x", "y", amount_xof=0),
            version=saved.version,
            actor=house.who("daf"),
            now=NOW,
        )


def test_on_the_pages_it_is_given_with_its_bounds_and_the_delegate_reads_why(site: Site) -> None:
    today = datetime.now(site.services.zone).date()
    given = {
        "post_id": site.house.post("SG-T"), "person_id": site.house.who("dge").person_id, "kind": "order",
        "act": "Note n° 3", "from_on": f"{today:%d/%m/%Y}", "day_count": "10", "max_amount_xof": "5 000 000 F CFA",
        "template_codes": "favourable", "may_sign": "1",
    }  # fmt: skip
    page = site.send("sg", "/delegations/", 422, **{**given, "max_amount_xof": "cinq"})
    assert "pas un montant" in page
    site.send("sg", "/delegations/", 422, **{**given, "template_codes": "inconnu"})
    # A character without a glyph is refused with its name. Without it, the act would not be the one that was typed.
    assert "U+202E" in site.send("sg", "/delegations/", 422, **{**given, "act": "Note \u202en° 4"})
    site.send("sg", "/delegations/", **given)
    page = site.get("sg", "/delegations/")
    assert "5 000 000 F CFA" in page
    assert f"au {today + timedelta(days=9):%d/%m/%Y}" in page
    mail_id = site.house.answer()
    row = site.house.show(mail_id, "dge")
    site.send(
        "dge", f"/projets/{mail_id}", version=row.version, subject=row.subject, body=row.body, amount_xof="7.000.000",
        **{"addressee-rows": 1, "addressee-1-name": "CEET"},
    )  # fmt: skip
    assert site.house.show(mail_id, "dge").amount_xof == 7_000_000
    site.house.submit(mail_id)
    site.house.visa(mail_id, "daf")
    site.house.visa(mail_id, "etudes")
    site.house.key("dge")
    page = site.get("dge", f"/parapheur/{mail_id}")
    assert "arrête à 5 000 000 F CFA" in page
    assert "Signer électroniquement" not in page
    assert "hors de votre délégation" in site.get("dge", "/parapheur/")
    site.send("dge", f"/parapheur/{mail_id}/signer-a-la-main", 422, version_no=3)


def test_the_people_of_a_delegation_are_offered_with_their_posts(site: Site) -> None:
    page = site.get("sg", "/delegations/")
    offered = page.partition('name="person_id"')[2].partition("</select>")[0]
    names = re.findall(r'<option value="\d+"[^>]*>([^<]+)</option>', offered)
    assert "Daf — Poste DAF-C, Direction des affaires financières, Ministère" in names
    assert len(names) > 3
    assert all(" — Poste " in name for name in names), "nobody is offered by a first name alone"
