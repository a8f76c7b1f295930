"""Writing in Word through the site: the draft's page offers the file, takes it back, shows its state, submits it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from ged import health
from ged.errors import Invalid
from ged.register.models import Mail
from ged.space import Space
from ged.writing import word
from tests.factories import NOW
from tests.signbook_site_kit import hidden
from tests.site import build_app, make_settings, sign_in
from tests.word_kit import DOCUMENT, ENGINE, edited, needs_office, parts_of
from tests.word_site_kit import SAID, WordSite

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WordSite]:
    needs_office()
    made = WordSite(tmp_path)
    yield made
    made.services.engine.dispose()


def test_a_letter_is_written_in_word_and_handed_in(site: WordSite) -> None:
    mail_id = site.house.answer()
    place = f"/projets/{mail_id}"
    page = site.get("dge", place)
    assert "Rédiger dans Word" in page
    assert "Choisissez un modèle" in page
    site.give(mail_id, edited(site.take(mail_id), {SAID: "Votre demande est rejetée"}))
    page = site.get("dge", place)
    assert "Mise en pages en cours" in page
    assert 'name="body"' not in page
    refused = site.send("dge", f"{place}/remettre", 422, version=hidden(page, "version"))
    assert "en cours de mise en pages" in refused
    word.run_pages(site.services, mail_id, now=NOW)
    assert "Pages prêtes" in site.get("dge", f"{place}/redaction/etat")
    page = site.get("dge", place)
    preview = site.as_("dge").get(f"{place}/apercu.pdf")
    assert preview.data.startswith(b"%PDF")
    site.send("dge", f"{place}/remettre", version=hidden(page, "version"))
    assert "rejetée" in site.get("daf", f"/parapheur/{mail_id}")


def test_the_page_saves_its_fields_beside_the_word_file(site: WordSite) -> None:
    mail_id = site.house.answer()
    site.give(mail_id, site.take(mail_id))
    page = site.get("dge", f"/projets/{mail_id}")
    site.send(
        "dge", f"/projets/{mail_id}", version=hidden(page, "version"), subject="Objet corrigé", civility="Monsieur"
    )
    row = site.house.show(mail_id, "dge")
    assert row.subject == "Objet corrigé"
    assert SAID in row.body


def test_of_two_texts_both_are_shown_and_the_author_decides(site: WordSite) -> None:
    mail_id = site.house.answer()
    mine = edited(site.take(mail_id), {SAID: "Texte de Word"})
    site.give(mail_id, edited(site.take(mail_id), {SAID: "Texte d'un collègue"}))
    both = site.give(mail_id, mine, 409)
    assert "Deux textes pour un projet" in both
    assert "Texte" in both
    assert "<del>" in both
    values = {name: hidden(both, name) for name in ("version", "knows_of", "waits")}
    site.send("dge", f"/projets/{mail_id}/redaction/decider", **{**values, "waits": values["waits"][:-2]}, status=422)
    site.send("dge", f"/projets/{mail_id}/redaction/decider", **values)
    assert "Texte de Word" in site.house.show(mail_id, "dge").body


def test_wrong_files_are_refused_in_words(site: WordSite, monkeypatch: pytest.MonkeyPatch) -> None:
    mail_id = site.house.answer()
    good = site.take(mail_id)
    assert "n'est pas un document Word (.docx)" in site.give(mail_id, b"%PDF-1.7 no word", 422)
    assert "Champ de fusion inconnu : destinatere" in site.give(
        mail_id, edited(good, {"MERGEFIELD destinataires": "MERGEFIELD destinatere"}), 422
    )
    assert "rempli à la signature : signature" in site.give(
        mail_id, edited(good, {"MERGEFIELD signature": "MERGEFIELD objet"}), 422
    )
    with monkeypatch.context() as patch:
        patch.setattr(word, "MAX_BYTES", len(good) - 1)
        large = site.give(mail_id, good, 422)
    assert "dépasse la taille permise" in large
    assert 'href="#word"' in large
    other = site.house.answer()
    assert "celui d'un autre projet" in site.give(other, good, 422)
    assert site.house.show(mail_id, "dge").version_no == 2
    assert "Choisissez" in site.send("dge", f"/projets/{mail_id}/redaction", 422, version="1")


def test_what_is_left_in_word_is_told(site: WordSite) -> None:
    mail_id = site.house.answer()
    marked = '<w:body><w:p><w:ins w:id="1" w:author="K"><w:r><w:t>Mot</w:t></w:r></w:ins></w:p>'
    site.give(mail_id, edited(site.take(mail_id), {"<w:body>": marked}))
    page = site.get("dge", f"/projets/{mail_id}")
    assert "1 modification suivie" in page
    refused = site.send("dge", f"/projets/{mail_id}/remettre", 422, version=hidden(page, "version"))
    assert "modifications suivies (1)" in refused


def test_a_stranger_gets_nothing(site: WordSite) -> None:
    mail_id = site.house.answer()
    for path in (f"/projets/{mail_id}/redaction.docx?modele=lettre", f"/projets/{mail_id}/redaction/etat"):
        assert (
            site.as_("agent").get(path).status_code
            == site.as_("agent").get(path.replace(str(mail_id), "999")).status_code
            == 404
        )


def test_without_libreoffice_the_page_says_so(site: WordSite) -> None:
    site.services = dataclasses.replace(site.services, word=None)
    mail_id = site.house.answer()
    client = sign_in(build_app(site.services, make_settings(Path(site.services.data_dir))), "dge")
    page = client.get(f"/projets/{mail_id}").text
    assert "LibreOffice n'est pas installé" in re.sub("&#39;", "'", page)
    assert 'name="word"' not in page


def test_the_administrator_and_the_monitor_read_what_makes_the_pages(site: WordSite) -> None:
    space, line = Space(Path(site.services.data_dir), 0), "Courriers rédigés dans Word"
    without = dataclasses.replace(site.services, word=None)
    page = site.get("admin", "/administration/")
    assert line in page
    assert f"mis en pages par {ENGINE.version()}" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "word.away" not in health.problems(without, space, now=NOW), "nobody has written in Word here"
    mail_id = site.house.answer()
    site.give(mail_id, site.take(mail_id))
    assert "a téléchargé le projet pour l'écrire dans Word" in unescape(site.get("admin", "/administration/journal"))
    with pytest.raises(Invalid, match=r"office\.unavailable"):
        word.run_pages(without, mail_id, now=NOW)
    word.run_pages(site.services, mail_id, now=NOW)
    assert "Pages prêtes" in site.get("dge", f"/projets/{mail_id}"), (
        "a program that was gone for a while spoils nothing"
    )
    assert "word.away" not in health.problems(site.services, space, now=NOW)
    assert "word.away" in health.problems(without, space, now=NOW)
    client = sign_in(build_app(without, make_settings(Path(site.services.data_dir))), "admin")
    assert "non proposés : installez LibreOffice" in client.get("/administration/").text.replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_a_ministry_has_templates_of_its_own(site: WordSite) -> None:
    mail_id = site.house.answer()
    shipped = (word.SHIPPED / "lettre.docx").read_bytes()
    with site.services.reading() as session:
        assert word.templates(session, site.services, ()) == word.TEMPLATES
    folder = Path(site.services.data_dir) / word.OWN
    folder.mkdir()
    (folder / "Note verbale.docx").write_bytes(edited(shipped, {"Ampliations": "Copies du cabinet"}))
    (folder / "note.docx").write_bytes(edited(shipped, {"Ampliations": "Note du ministère"}))
    (folder / "fausse.docx").write_bytes(edited(shipped, {"MERGEFIELD objet": "MERGEFIELD sujet"}))
    (folder / "~$note.docx").write_bytes(b"a lock file of Word")
    page = site.get("dge", f"/projets/{mail_id}")
    assert '<option value="Note verbale"' in page
    assert "~$note" not in page
    assert b"Copies du cabinet" in parts_of(site.take(mail_id, "?modele=Note+verbale"))[DOCUMENT]
    assert "Note du ministère".encode() in parts_of(site.take(mail_id, "?modele=note"))[DOCUMENT]
    refused = site.get("dge", f"/projets/{mail_id}/redaction.docx?modele=fausse", 422)
    assert "Champ de fusion inconnu : sujet" in refused.replace("\N{NO-BREAK SPACE}", " ")
    for name in ("../lettre", "inconnu", "~$note"):
        assert (
            site.as_("dge").get(f"/projets/{mail_id}/redaction.docx", query_string={"modele": name}).status_code == 404
        )
    with site.services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, mail_id).nature = "Note verbale"
    assert '<option value="Note verbale" selected' in site.get("dge", f"/projets/{mail_id}")
