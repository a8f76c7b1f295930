"""Text typed in a draft is stored before it is saved: for its person, without a version or an entry of the journal."""
# ruff: noqa: F811

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from ged import pipeline
from ged.audit import AuditEntry
from ged.errors import Forbidden, Invalid, NotFound, StaleVersion
from ged.natures.models import Nature
from ged.register.models import Direction, Mail
from ged.register.states import MailState
from ged.runner import Run
from ged.signbook import drafts
from ged.signbook.models import DraftVersion, WorkingCopy
from ged.writing import working
from tests.draft_kit import draft, form_of
from tests.factories import NOW
from tests.signbook_kit import House, make_house
from tests.signbook_kit import house_on_either as either
from tests.signbook_site_kit import Site, site  # noqa: F401

__all__ = ["either"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

FIELDS = [("subject", "Objet repris"), ("body", "Texte en cours"), ("csrf_token", "secret"), ("file", "x")]


def keep(house: House, mail_id: int, *, revision: int, account: str = "dge", base: int = 1, text: str = "") -> int:
    fields = [*FIELDS, ("body", text)] if text else FIELDS
    with house.services.unit_of_work(NOW) as uow:
        return working.keep(
            uow, mail_id, fields, base_version=base, revision=revision, actor=house.who(account)
        ).revision


def copies(house: House, mail_id: int, account: str = "dge") -> tuple[working.Copy, ...]:
    with house.services.reading() as session:
        return working.copies(session, mail_id, house.who(account))


def counts(house: House) -> tuple[int, int]:
    with house.services.reading() as session:
        rows = [session.scalar(select(func.count()).select_from(table)) for table in (DraftVersion, AuditEntry)]
    return rows[0] or 0, rows[1] or 0


def test_a_copy_is_stored_again_and_again_without_a_version_or_an_entry(either: House) -> None:
    mail_id = either.answer()
    base, before = either.show(mail_id, "dge").version, counts(either)
    for revision in range(3):
        assert keep(either, mail_id, revision=revision, base=base, text=f"Texte {revision}") == revision + 1
    (copy,) = copies(either, mail_id)
    assert (copy.revision, copy.base_version, copy.saved_at) == (3, base, NOW)
    assert copy.fields[-1] == ("body", "Texte 2")
    assert {name for name, _ in copy.fields} == {"subject", "body"}, "no token, no file"
    assert counts(either) == before
    assert either.show(mail_id, "dge").version == base


def test_of_two_pages_that_know_one_revision_one_stores_and_the_other_is_told(either: House) -> None:
    mail_id = either.answer()
    keep(either, mail_id, revision=0, text="Premier onglet")
    with pytest.raises(StaleVersion, match="draft.copy_elsewhere"):
        keep(either, mail_id, revision=0, text="Second onglet")
    keep(either, mail_id, revision=1)
    with pytest.raises(StaleVersion):
        keep(either, mail_id, revision=1)
    assert len(copies(either, mail_id)) == 1


@pytest.mark.servers
def test_pages_that_store_at_the_same_moment(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    house = make_house(tmp_path, url=request.getfixturevalue("make_database")())
    try:
        mail_id = house.answer()
        for known in (0, 1):
            told: list[str] = []
            ready = threading.Barrier(4)

            def act(n: int, known: int = known, told: list[str] = told, ready: threading.Barrier = ready) -> None:
                ready.wait()
                try:
                    keep(house, mail_id, revision=known, text=f"Onglet {n}")
                    told.append("stored")
                except StaleVersion:
                    told.append("refused")

            hands = [threading.Thread(target=act, args=(n,)) for n in range(4)]
            for hand in hands:
                hand.start()
            for hand in hands:
                hand.join()
            assert sorted(told) == ["refused"] * 3 + ["stored"]
    finally:
        house.services.engine.dispose()


def test_each_person_has_a_copy_and_strangers_none(either: House) -> None:
    with either.services.unit_of_work(NOW) as uow:
        mail_id = drafts.draft_new(uow, "favourable", actor=either.who("etudes"), now=NOW)
    keep(either, mail_id, revision=0, account="etudes", text="De l'auteur")
    keep(either, mail_id, revision=0, account="dge", text="De la direction")
    assert [copies(either, mail_id, name)[0].fields[-1][1] for name in ("etudes", "dge")] == [
        "De l'auteur",
        "De la direction",
    ]
    with pytest.raises((Forbidden, NotFound)):
        keep(either, mail_id, revision=0, account="daf")


def test_a_copy_has_a_limit(either: House) -> None:
    mail_id = either.answer()
    with pytest.raises(Invalid, match="draft.copy_large"):
        keep(either, mail_id, revision=0, text="x" * (working.MAX_CHARACTERS + 1))


def test_copies_of_letters_that_nobody_writes_and_old_ones_are_swept(either: House) -> None:
    written, old, signed = either.answer(), either.answer(), either.answer()
    for mail_id in (written, old, signed):
        keep(either, mail_id, revision=0)
    with either.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == signed).values(state=MailState.SIGNED))
        uow.session.execute(
            update(WorkingCopy).where(WorkingCopy.mail_id == old).values(saved_at=NOW - timedelta(days=32))
        )
    pipeline.sweep(Run(either.services, None, lambda _: None, NOW))  # type: ignore[arg-type]  # needs no job
    with either.services.reading() as session:
        assert session.scalars(select(WorkingCopy.mail_id)).all() == [written]


# --- the page -----------------------------------------------------------------------------------------------------


def autosave(site: Site, place: str, form: dict[str, str], *, known: int = 0, status: int = 200) -> str:
    return site.send("dge", f"{place}/saisie", status, **form, copy_revision=str(known))


def test_what_was_typed_is_there_when_the_page_is_opened_again_and_is_gone_once_saved(site: Site) -> None:
    mail_id, place, form = draft(site)
    answer = autosave(site, place, form | {"body": "En cours de frappe", "visa-2": "", "annex_title": "Rapport"})
    assert '"revision":1' in answer.replace(" ", "")
    assert "Saisie enregistr" in answer
    page = site.get("dge", place)
    assert "Votre saisie non enregistrée est reprise" in page
    again = form_of(page)
    assert (again["body"], again["annex_title"], again["visa-2"]) == ("En cours de frappe", "Rapport", "")
    assert 'data-copy-revision="1"' in page
    assert site.house.show(mail_id, "dge").body != "En cours de frappe", "nothing is saved yet"
    site.send("dge", place, 303, **again)
    assert site.house.show(mail_id, "dge").body == "En cours de frappe"
    assert "non enregistrée" not in site.get("dge", place)
    assert copies(site.house, mail_id) == ()


def test_a_copy_on_a_draft_that_another_changed_is_offered_and_overwrites_nothing(site: Site) -> None:
    mail_id, place, form = draft(site)
    autosave(site, place, form | {"body": "Ma saisie"})
    site.send("dge", place, 303, **form | {"body": "Texte de l'autre onglet"})
    assert copies(site.house, mail_id) == (), "the same person saved from that very version"
    answer = autosave(site, place, form | {"body": "Ma saisie, suite"})
    assert '"stale":true' in answer.replace(" ", "")
    page = site.get("dge", place)
    assert form_of(page)["body"] == "Texte de l'autre onglet"
    assert "n'est pas dans le projet" in page
    base = copies(site.house, mail_id)[0].base_version
    taken = form_of(site.get("dge", f"{place}?reprendre={base}"))
    assert taken["body"] == "Ma saisie, suite"
    site.send("dge", place, 303, **taken)
    assert site.house.show(mail_id, "dge").body == "Ma saisie, suite"
    assert copies(site.house, mail_id) == ()


def test_the_nature_is_kept_while_it_is_typed_and_when_it_is_closed(site: Site) -> None:
    with site.services.unit_of_work(NOW) as uow:
        uow.session.add_all(
            Nature(code=code, name=code, direction=Direction.OUTGOING, position=n)
            for n, code in enumerate(("simple", "marche"))
        )
    mail_id, place, form = draft(site)
    autosave(site, place, form | {"nature": "marche"})
    again = form_of(site.get("dge", place))
    assert again["nature"] == "marche"
    site.send("dge", place, 303, **again)
    with site.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Nature).where(Nature.code == "marche").values(is_closed=True))
    form = form_of(site.get("dge", place))
    assert form["nature"] == "marche"
    site.send("dge", place, 303, **form | {"body": "Autre texte"})
    with site.services.reading() as session:
        assert session.get_one(Mail, mail_id).nature == "marche"


def test_a_copy_is_given_up(site: Site) -> None:
    mail_id, place, form = draft(site)
    saved = site.house.show(mail_id, "dge").body
    autosave(site, place, form | {"body": "À oublier"})
    site.send("dge", f"{place}/saisie/abandonner", 303, base_version=form["version"])
    assert form_of(site.get("dge", place))["body"] == saved.replace("\r\n", "\n")
    assert copies(site.house, mail_id) == ()


def test_another_page_is_told_and_a_stranger_gets_nothing(site: Site) -> None:
    _mail_id, place, form = draft(site)
    autosave(site, place, form | {"body": "Un"})
    autosave(site, place, form | {"body": "Deux"}, known=0, status=409)
    autosave(site, place, form | {"version": ""}, status=422)
    form.pop("csrf_token")
    site.send("agent", f"{place}/saisie", 404, **form, copy_revision="0")


def test_a_letter_that_is_away_keeps_no_more(site: Site) -> None:
    mail_id, place, form = draft(site)
    site.send("dge", f"{place}/remettre", 303, **form)
    autosave(site, place, form | {"body": "Trop tard"}, status=403)
    with site.services.reading() as session:
        assert session.get_one(Mail, mail_id).subject == form["subject"]
