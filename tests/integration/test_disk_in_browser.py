"""A disk in Chromium, from its file, without network: opened by its passphrase, read, searched, and what was altered is named."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from ged.disk import readable, terms
from ged.register.models import Attachment
from ged.register.numbering import number_key
from tests.browsing import WIDTHS, axe_faults
from tests.disk_kit import PHRASE, RESTRICTED_WORD, SECRET_WORD, Burned, turned

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
DAMAGE = ("ERR_FILE_NOT_FOUND", "Unexpected end of input")
"""What the browser itself says of a file that is away or cut."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    burned = Burned.make(tmp_path_factory.mktemp("disk"))
    burned.usual()
    for n in range(7):
        burned.letter(f"Marché de poteaux, lot {n}", "Des poteaux en bois.")
    with pytest.MonkeyPatch.context() as small:
        small.setattr(readable, "LINES", 4)
        small.setattr(readable, "LETTERS", 3)
        small.setattr(readable, "PIECE_BYTES", 60_000)
        made = burned.disk()
    yield made.folder
    burned.copied.installation.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(offline=True, viewport={"width": WIDTHS[0], "height": 900})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert [text for text in said if not any(one in text for one in DAMAGE)] == []
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []


def opened(page: Page, folder: Path, phrase: str = PHRASE) -> None:
    page.goto((folder / "OUVRIR.html").as_uri())
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#phrase")).to_be_focused()
    page.keyboard.type(phrase)
    page.keyboard.press("Enter")


def searched(page: Page, text: str) -> list[str]:
    page.fill("#question", text)
    page.press("#question", "Enter")
    expect(page.locator("h1")).to_have_text(f"Recherche : {text}")
    return [one.inner_text().replace("\u00a0", " ") for one in page.locator(".hits a").all()]


@pytest.mark.long("another way in the browser; the whole disk is read in the test beside it")
def test_a_wrong_passphrase_opens_nothing(page: Page, disk: Path) -> None:
    opened(page, disk, "bako timu lora fusi dape noka rula")
    expect(page.locator("#faute")).to_contain_text("n’ouvre pas le disque")
    expect(page.locator("#phrase")).to_be_focused()
    page.fill("#phrase", f"  {PHRASE.replace(' ', '   ')} ")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Les registres")


def test_registers_letters_and_documents_are_read_by_keyboard(page: Page, disk: Path) -> None:
    opened(page, disk)
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("main")).to_contain_text("9 courriers lisibles")
    page.locator("td.years a").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".pager").first).to_contain_text("Page 1 sur 3")
    page.locator("text=Dernière").first.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.locator("text=Précédente").first.press("Enter")
    hidden = page.locator("tbody tr", has_text="Contenu non repris sur ce disque")
    expect(hidden).to_have_count(1)
    expect(hidden.locator("a")).to_have_count(0)
    page.locator("text=Dernière").first.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.locator("tbody a").last.press("Enter")
    expect(page.locator("h1")).to_contain_text("Construction d'un forage à Tsévié")
    page.locator(".files button").press("Enter")
    expect(page.locator("#document h3")).to_be_focused()
    with page.expect_download() as saved:
        page.locator("#document a[download]").press("Enter")
    assert Path(saved.value.path()).read_bytes().startswith(b"%PDF")
    assert saved.value.suggested_filename == "lettre.pdf"


def test_a_letter_is_found_by_its_number_and_by_words(page: Page, disk: Path) -> None:
    opened(page, disk)
    expect(page.locator("h1")).to_have_text("Les registres")
    well, election = "Construction d'un forage à Tsévié", "Élection du délégué des œuvres sociales"
    for text, found in {
        "château": [well], "CHATEAU d’eau": [well], "tsevie forages": [well], "oeuvre délégués": [election], "1": [well, "Marché de poteaux, lot 1"],
        "n° 0002/2026": [election], "00002/2026/MIN": [election], "scrutin": [election], "scrutin forage": [],
        SECRET_WORD: [], RESTRICTED_WORD: [], "a": [],
    }.items():  # fmt: skip
        assert [one.partition(" – ")[2] for one in searched(page, text)] == found, text
    assert len(searched(page, "poteau")) == 7
    assert [one[-5:] for one in searched(page, "lot 3")] == ["lot 3"]


def test_words_and_numbers_are_folded_as_in_the_disk_s_index(page: Page, disk: Path) -> None:
    """The page's own functions, taken out of its script."""
    script = (disk / "lecture" / "programme" / "disque.js").read_text()
    start, end = script.index("  function fold("), script.index("  function places(")
    letters = script[script.index("  const LETTERS") : script.index("  const byId")]
    stop = script[script.index("  const STOP") : script.index("  const LETTERS")]
    texts = [
        "L’Élève d’Œuvre",
        "ŋutsu ɖe Ɛʋe",
        "ÉTAT n°3 à 10 h",
        "ﬁche",
        "STRASSE ß",
        "Là-bas, demain",
        "x" * 60,
        "2026",
    ]
    numbers = [
        "00042/2026/MÉM-SG",
        " N° 00042 / 2026 / MEM SG",
        "№ 042 2026 memsg",
        "2026-0001",
        "a-b/1-c.d",
        "000",
        "n°",
    ]
    page.goto("about:blank")
    told = page.evaluate(
        f"([texts, numbers]) => {{ {stop} {letters} {script[start:end]} return [texts.map(asked), numbers.map(numberKey)]; }}",
        [texts, numbers],
    )
    assert [sorted(one) for one in told[0]] == [sorted(terms.words_of(one)) for one in texts]
    assert told[1] == [number_key(one) for one in numbers]


def test_what_was_altered_is_named(page: Page, disk: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(disk, copy)
    turned(copy / "lecture" / "lettres" / "0.js")
    (copy / "lecture" / "mots" / "0.js").write_text("GED_DISK(")
    files = sorted((copy / "lecture" / "fichiers").rglob("*.js"))
    files[0].unlink()
    page.goto((copy / "OUVRIR.html").as_uri())
    page.fill("#phrase", PHRASE)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Les registres")
    page.evaluate("location.hash = '#/lettre/0'")
    expect(page.locator("main [role=alert]")).to_contain_text("lecture/lettres/0.js a été altéré")
    page.locator("text=Les preuves").press("Enter")
    page.locator("text=Vérifier la partie lisible").press("Enter")
    bad = page.locator(".note--bad li")
    expect(bad).to_have_count(3)
    told = " ".join(bad.all_inner_texts())
    for path in (copy / "lecture" / "lettres" / "0.js", copy / "lecture" / "mots" / "0.js", files[0]):
        assert path.relative_to(copy).as_posix() in told


def whole(page: Page, folder: Path) -> None:
    opened(page, folder)
    expect(page.locator("h1")).to_have_text("Les registres")
    page.locator("text=Les preuves").press("Enter")
    page.set_input_files("#dossier", folder)


def test_the_whole_disk_is_read_against_its_signed_manifest(page: Page, disk: Path, tmp_path: Path) -> None:
    whole(page, disk)
    expect(page.locator(".note--good").last).to_contain_text("tous sont tels que les a signés la clé du journal")
    expect(page.locator("main")).to_contain_text(hashlib.sha256((disk / "manifest.json").read_bytes()).hexdigest())
    copy = tmp_path / "copy"
    shutil.copytree(disk, copy)
    piece = next((copy / "sauvegarde" / "objects").rglob("*-*"))
    turned(piece)
    (copy / "LISEZ-MOI.txt").unlink()
    (copy / "autre.html").write_text("autre")
    manifest = copy / "manifest.json"
    whole(page, copy)
    bad = page.locator(".note--bad li")
    expect(bad).to_have_text(
        ["LISEZ-MOI.txt manque.", f"{piece.relative_to(copy).as_posix()} a changé.", "autre.html a été ajouté."]
    )
    manifest.write_text(manifest.read_text() + " ")
    whole(page, copy)
    expect(bad.first).to_have_text("manifest.json n’est pas signé par la clé du journal.")
    (copy / "journal.pub").write_bytes(theirs())
    whole(page, copy)
    expect(bad.first).to_have_text("journal.pub n’est pas la clé du journal.")


def theirs() -> bytes:
    """Another key's public half, as PEM."""
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_an_address_that_is_none_shows_that_it_is_none(page: Page, disk: Path) -> None:
    """An address that was typed, cut, or kept from another disk: the disk is not to blame, and nothing stays as it was."""
    opened(page, disk)
    for address in ("#/lettre/999", "#/lettre/-1", "#/lettre/0.5", "#/lettre/abc", "#/registre/1/1999/1"):
        page.evaluate("address => { location.hash = address; }", address)
        expect(page.locator("h1")).to_have_text("Ceci ne peut pas être lu")
        expect(page.locator("main .note")).to_contain_text("n’est pas sur le disque")
        page.evaluate("() => { location.hash = '#/'; }")
        expect(page.locator("h1")).to_have_text("Les registres")
    page.evaluate("() => { location.hash = '#/recherche/%E0%A4'; }")
    expect(page.locator("h1")).to_have_text("Recherche : %E0%A4")


def test_what_strangers_wrote_is_shown_as_text_and_turns_nothing_round(page: Page, tmp_path: Path) -> None:
    """Who writes to the ministry chooses the subject and the names of the files."""
    burned = Burned.make(tmp_path)
    subject = "</script><img src=x onerror=alert(1)> \u202efin"
    mail_id = burned.letter(subject)
    with burned.copied.services.unit_of_work(datetime.now(UTC)) as uow:
        found = uow.session.scalars(select(Attachment).where(Attachment.mail_id == mail_id)).one()
        found.filename = "../facture\u202efdp.exe"
    made = burned.disk()
    burned.copied.installation.close()
    opened(page, made.folder)
    page.evaluate("() => { location.hash = '#/lettre/0'; }")
    expect(page.locator("h1")).to_contain_text("</script><img src=x onerror=alert(1)> \ufffdfin")
    page.locator(".files button").click()
    expect(page.locator("#document h3")).to_have_text("../facture\ufffdfdp.exe")
    assert "\u202e" not in page.content() + page.title()
    with page.expect_download() as saved:
        page.locator("#document a[download]").click()
    assert "/" not in saved.value.suggested_filename
    assert "\u202e" not in saved.value.suggested_filename


def test_a_damaged_key_is_told(page: Page, disk: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(disk, copy, ignore=shutil.ignore_patterns("sauvegarde"))
    key = copy / "lecture" / "cle.js"
    content = key.read_text()
    told = json.loads(content[content.index("{") : content.rindex("}") + 1])
    key.write_text(content.replace(told["salt"], told["salt"][::-1]))
    opened(page, copy)
    expect(page.locator("#faute")).to_contain_text("lecture/cle.js a été altéré")


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_view_fits_and_has_no_fault_of_axe(page: Page, disk: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((disk / "OUVRIR.html").as_uri())
    assert axe_faults(page) == []
    page.fill("#phrase", PHRASE)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Les registres")
    link = page.locator("td.years a").get_attribute("href") or ""
    for view, title in (
        ("#/", "Les registres"), (link, "ARR"), ("#/lettre/0", "forage"), ("#/recherche/poteaux", "Recherche"), ("#/preuve", "Les preuves"),
        ("#/lettre/999", "Ceci ne peut pas être lu"),
    ):  # fmt: skip
        page.evaluate("view => { location.hash = view; }", view)
        expect(page.locator("h1")).to_contain_text(title)
        assert axe_faults(page) == [], view
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
