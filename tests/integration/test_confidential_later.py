"""A letter becomes confidential after it was printed and sent around. From then on no list and no print names it to
others."""

import subprocess
from pathlib import Path

import pytest
from flask import Flask

from ged import access
from ged.access import Because
from ged.ports import Confidentiality, MailId, unit_principal
from ged.register.levels import change_level
from ged.slips import operations as slips
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.unit import Services
from tests import slip_kit
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import impute, make_mentions, unit_id
from tests.site import make_site, sign_in

SUBJECT = "Enquête sur le directeur"
SENDER = "CEET"
ACCOUNTS = ("sg", "secretaire", "agent", "dge", "etudes", "daf", "admin")


@pytest.fixture
def site(tmp_path: Path) -> tuple[Flask, Services]:
    return make_site(tmp_path)


def told(answer_bytes: bytes, mimetype: str, folder: Path) -> str:
    """The words of a page or of a print."""
    if mimetype != "application/pdf":
        return answer_bytes.decode()
    path = folder / "print.pdf"
    path.write_bytes(answer_bytes)
    done = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, timeout=60, check=True)
    return " ".join(done.stdout.split())


def test_no_list_and_no_print_names_it_to_whoever_may_not_see_it(site: tuple[Flask, Services], tmp_path: Path) -> None:
    app, services = site
    make_mentions(services)
    mail_id = slip_kit.letter(services, SUBJECT)
    impute(services, mail_id, "DGE", ("DAF",), note="Voir l'enquête")
    issued = slip_kit.send(services, LineForm(SUBJECT, mail_id=mail_id), to=("DGE",), messenger="Kossi")
    with services.unit_of_work(NOW) as uow:
        slips.hand_to_messenger(uow, [issued.slip_id], messenger="Kossi", actor=actor(services, "agent"), now=NOW)
    slip_kit.take(services, issued.slip_id, LineState.DAMAGED)
    paths = [
        "/", "/registres/", f"/registres/{slip_kit.register_id(services, 'ARR')}",
        f"/registres/{slip_kit.register_id(services, 'ARR')}/pages.pdf?annee=2026",
        "/bordereaux/", f"/bordereaux/{issued.slip_id}", f"/bordereaux/{issued.slip_id}/bordereau.pdf",
        *(f"/bordereaux/cahier.pdf?unit_id={unit_id(services, code)}&day={TODAY}&messenger=Kossi" for code in ("BO",)),
        f"/courriers/{mail_id}", f"/courriers/{mail_id}/fiche-de-transmission.pdf", "/bannette/",
        "/bannette/?vue=tout", "/a-imputer", "/recherche/?q=CEET", "/numerisations/", "/departs/",
        f"/departs/cahier.pdf?jour={TODAY}", "/parapheur/", "/plis/", "/correspondants/", "/correspondants/1",
        "/administration/", "/administration/taches", "/administration/journal",
    ]  # fmt: skip

    def naming(account: str) -> list[str]:
        client = sign_in(app, account)
        found = []
        for path in paths:
            answer = client.get(path, follow_redirects=True)
            assert answer.status_code < 500, path
            if SUBJECT in told(answer.data, answer.mimetype, tmp_path):
                found.append(path)
        return found

    before = {account: naming(account) for account in ("agent", "dge")}
    assert any("pages.pdf" in path for path in before["agent"]), "the test would see it in a print"
    assert any("bordereau.pdf" in path for path in before["dge"])
    with services.unit_of_work(NOW) as uow:
        change_level(uow, MailId(mail_id), Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    with services.reading() as session:
        seeing = {
            account for account in ACCOUNTS
            if access.may_see(session, mail_id, Confidentiality.SECRET, actor(services, account))
        }  # fmt: skip
    assert "sg" in seeing
    assert seeing.isdisjoint({"agent", "dge", "etudes", "daf", "admin"})
    after = {account: naming(account) for account in ACCOUNTS if account not in seeing}
    assert not any(after.values()), after
    assert naming("sg"), "whoever may see it still finds it"
    with services.unit_of_work(NOW) as uow:
        access.grant(uow, mail_id, [unit_principal(unit_id(services, "DAF"))], Because.SHARED)
    assert naming("daf") == [], "a unit's right needs the clearance"
