"""Office files: recognised by content, drawn by the real LibreOffice, refused with a reason, without network and
disk."""

import http.server
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pikepdf
import pytest

from ged.errors import Invalid
from ged.ports import PROGRAMS, PageRef
from ocr import office
from ocr.engine import TesseractEngine
from ocr.sniff import DOC, DOCX, ODT, RTF
from tests.judges import verapdf
from tests.ocr_pages import draw, save
from tests.office_kit import TEXT, R, docx, with_macros
from tests.worker_kit import eventually

TIMEOUT_S = 120.0

pytestmark = [
    pytest.mark.in_turns(3),
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("soffice") is None, reason="LibreOffice (libreoffice-writer-nogui) is not installed"
    ),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[TesseractEngine]:
    engine = TesseractEngine(max_pages=20)
    yield engine
    engine.close()


def odt(path: Path, *, locked: bool = False) -> Path:
    """An OpenDocument text."""
    ns = "urn:oasis:names:tc:opendocument:xmlns"
    lock = "<manifest:encryption-data/>" if locked else ""
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("mimetype", ODT)
        content.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{ns}:office:1.0" xmlns:text="{ns}:text:1.0" office:version="1.2">'
            f"<office:body><office:text><text:p>{TEXT}</text:p></office:text></office:body></office:document-content>",
        )
        content.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{ns}:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
            f'manifest:media-type="{ODT}"/><manifest:file-entry manifest:full-path="content.xml" '
            f'manifest:media-type="text/xml">{lock}</manifest:file-entry></manifest:manifest>',
        )
    return path


def rtf(path: Path) -> Path:
    path.write_text("{\\rtf1\\ansi\\ansicpg1252 " + TEXT.replace("é", "\\'e9") + "\\par}", "ascii")
    return path


def doc(path: Path) -> Path:
    """A Word 97 document, which LibreOffice makes from an RTF."""
    source = rtf(path.with_suffix(".rtf"))
    profile = path.parent / "profile"
    command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", "doc:MS Word 97"]
    subprocess.run([*command, "--outdir", str(path.parent), str(source)], check=True, capture_output=True, timeout=120)
    return path


MADE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "docx": (docx, DOCX), "odt": (odt, ODT), "doc": (doc, DOC), "rtf": (rtf, RTF)
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PDFs that were drawn of documents, each by its ending. One start of veraPDF judges all when the last is there."""
    return tmp_path_factory.mktemp("drawn")


@pytest.mark.in_shares(4)
@pytest.mark.parametrize(
    "ending",
    ["docx", "odt", *(pytest.param(one, marks=pytest.mark.long("an older form of Word")) for one in ("doc", "rtf"))],
)
def test_a_document_is_drawn_and_its_own_words_are_kept(
    engine: TesseractEngine, drawn: Path, tmp_path: Path, ending: str
) -> None:
    make, media_type = MADE[ending]
    stored = make(tmp_path / f"made.{ending}").rename(tmp_path / "stored")
    before = stored.read_bytes()
    facts = engine.inspect(stored, filename="lettre", timeout_s=TIMEOUT_S)
    assert (facts.media_type, len(facts.pages), facts.signed) == (media_type, 1, False)
    assert facts.pages[0].height_px > facts.pages[0].width_px
    ref = PageRef(stored, facts.media_type, 0)
    engine.thumbnail(ref, width_px=200, out=tmp_path / "small.jpg", timeout_s=TIMEOUT_S)
    assert (tmp_path / "small.jpg").stat().st_size > 500
    out = tmp_path / "out"
    out.mkdir()
    result = engine.recognise([ref], languages=["fra"], timeout_s=TIMEOUT_S, out=out)
    assert result.pages[0].flags == ("born_digital",)
    assert TEXT in result.pages[0].text
    assert stored.read_bytes() == before
    shutil.copy(result.searchable_pdf, drawn / f"{ending}.pdf")
    made = sorted(drawn.iterdir())
    if len(made) in (2, len(MADE)):  # the last of the usual run, or of the long one
        assert all(one.compliant for one in verapdf.check(made))


def test_a_document_with_macros_is_marked_and_drawn_as_any_other(engine: TesseractEngine, tmp_path: Path) -> None:
    stored = with_macros(tmp_path / "stored", of=docx(tmp_path / "made.docx"))
    facts = engine.inspect(stored, filename="lettre.docx", timeout_s=TIMEOUT_S)
    assert (facts.media_type, len(facts.pages)) == (DOCX + PROGRAMS, 1)
    ref = PageRef(stored, facts.media_type, 0)
    engine.thumbnail(ref, width_px=200, out=tmp_path / "small.jpg", timeout_s=TIMEOUT_S)
    assert (tmp_path / "small.jpg").stat().st_size > 500


@pytest.mark.long("LibreOffice is started again; what it draws is shown beside it")
def test_it_is_drawn_once_for_all_questions(
    engine: TesseractEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = docx(tmp_path / "d", paragraphs=120)
    count = len(engine.inspect(stored, filename="d", timeout_s=TIMEOUT_S).pages)
    assert count > 2
    monkeypatch.setattr(engine._sandbox, "ask", _refusing(engine._sandbox.ask))
    for index in range(count):
        ref = PageRef(stored, DOCX, index)
        engine.thumbnail(ref, width_px=100, out=tmp_path / "small.jpg", timeout_s=TIMEOUT_S)


def _refusing(ask):  # type: ignore[no-untyped-def]
    def asked(request, **more):  # type: ignore[no-untyped-def]
        assert request["do"] != "convert"
        return ask(request, **more)

    return asked


def encrypted_docx(path: Path) -> Path:
    path.write_bytes(
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(900)
    )
    return path


def bomb(path: Path) -> Path:
    docx(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as content:
        for n in range(6):
            content.writestr(f"word/media/{n}.bmp", bytes(100_000_000))
    return path


def cut(path: Path) -> Path:
    data = docx(path, paragraphs=400).read_bytes()
    with zipfile.ZipFile(path) as content:
        start = content.getinfo("word/document.xml").header_offset + 60
    path.write_bytes(data[:start] + bytes(len(data) // 4) + data[start + len(data) // 4 :])
    return path


def nonsense(path: Path) -> Path:
    path.write_bytes(b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml" + b"rien" * 100)
    return path


def many_pages(path: Path) -> Path:
    return docx(path, paragraphs=2000)


@pytest.mark.in_shares(4)
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (encrypted_docx, "file.encrypted"),
        (lambda path: odt(path, locked=True), "file.encrypted"),
        (bomb, "file.too_large"),
        (cut, "file.truncated"),
        (nonsense, "file.truncated"),
        (many_pages, "file.too_many_pages"),
    ],
)
def test_bad_files_are_refused_with_a_reason(
    engine: TesseractEngine, tmp_path: Path, make: Callable[[Path], Path], code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        engine.inspect(make(tmp_path / "stored"), filename="lettre.docx", timeout_s=TIMEOUT_S)
    assert (refusal.value.code, refusal.value.params["filename"]) == (code, "lettre.docx")
    assert refusal.value.remedy


def test_nothing_is_fetched_from_the_network_or_the_disk(engine: TesseractEngine, tmp_path: Path) -> None:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    secret = tmp_path / "secret.txt"
    secret.write_text("MOT DE PASSE DU SERVEUR")
    drawing = (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
        '<wp:extent cx="990000" cy="990000"/><wp:docPr id="1" name="p"/><a:graphic xmlns:a="http://schemas.openxmlformats.'
        'org/drawingml/2006/main"><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic '
        'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:nvPicPr><pic:cNvPr id="0" name="p"/>'
        '<pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:link="far"/></pic:blipFill><pic:spPr><a:xfrm><a:ext cx="990000" '
        'cy="990000"/></a:xfrm></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>'
        f'<w:p><w:fldSimple w:instr=" INCLUDETEXT &quot;{secret}&quot; "><w:r><w:t>x</w:t></w:r></w:fldSimple></w:p>'
    )
    rels = f'<Relationship Id="far" Type="{R}/image" Target="{url}/pixel.png" TargetMode="External"/>'
    rels += f'<Relationship Id="t" Type="{R}/attachedTemplate" Target="{url}/normal.dotm" TargetMode="External"/>'
    stored = docx(tmp_path / "hostile", body=drawing, rels=rels)
    out = tmp_path / "out"
    out.mkdir()
    try:
        result = engine.recognise([PageRef(stored, DOCX, 0)], languages=["fra"], timeout_s=TIMEOUT_S, out=out)
    finally:
        server.shutdown()
        server.server_close()
    assert TEXT in result.pages[0].text
    assert asked == []
    assert "MOT DE PASSE" not in result.pages[0].text


def test_without_the_program_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "tesseract").symlink_to(shutil.which("tesseract") or "")
    monkeypatch.setenv("PATH", str(tools))
    engine = TesseractEngine()
    with pytest.raises(Invalid) as refusal:
        engine.inspect(docx(tmp_path / "d"), filename="d.docx", timeout_s=TIMEOUT_S)
    engine.close()
    assert refusal.value.code == "office.unavailable"


@pytest.mark.parametrize("timeout_s", [0.05, 0.4])
def test_a_document_that_takes_too_long_is_ended(tmp_path: Path, timeout_s: float) -> None:
    with pytest.raises(Exception, match=r"ocr\.timeout"):
        office.convert(docx(tmp_path / "d"), DOCX, tmp_path / "d.pdf", TesseractEngine()._limits, timeout_s=timeout_s)
    eventually(
        lambda: not any(str(tmp_path) in words for words in command_lines()), within_s=10, what="all of it has ended"
    )
    assert not (tmp_path / "d.pdf").exists()


def command_lines() -> Iterator[str]:
    """The command line of each process of this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_text(errors="replace")


@pytest.mark.long("LibreOffice is started again; what it draws is shown beside it")
def test_pages_of_images_and_documents_mix(engine: TesseractEngine, tmp_path: Path) -> None:
    refs = [
        PageRef(docx(tmp_path / "d"), DOCX, 0),
        PageRef(save(draw("Annexe", size=(1240, 1754)), tmp_path / "p.png"), "image/png", 0),
    ]
    out = tmp_path / "out"
    out.mkdir()
    result = engine.recognise(refs, languages=["fra"], timeout_s=TIMEOUT_S, out=out)
    assert [page.flags for page in result.pages] == [("born_digital",), ()]
    with pikepdf.open(result.searchable_pdf) as pdf:
        assert len(pdf.pages) == 2
