"""Merge fields as Word and other programs write them; hostile Word files; the text of a file. Without LibreOffice."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from lxml import etree

from ged.errors import Invalid
from ged.word.letters import FIELDS, PLACES, Values, WordFile, WordSheets, check_fields
from ged.writing.word import SHIPPED, TEMPLATES
from ocr.word import fields, told
from ocr.word.package import MC, W, WordPackage
from scripts import word_templates
from tests.office_kit import R, docx
from tests.word_kit import edited, packed, parts_of


def field(name: str, *, cut: bool = True, shown: str = "avant") -> str:
    """A merge field. With ``cut`` its instruction is split into several runs."""
    instruction = (" MERGEF", f"IELD {name[:2]}", f"{name[2:]} ") if cut else (f" MERGEFIELD {name} ",)
    inner = [
        '<w:fldChar w:fldCharType="begin"/>', *(f'<w:instrText xml:space="preserve">{one}</w:instrText>' for one in instruction),
        '<w:fldChar w:fldCharType="separate"/>', *(f"<w:t>{one}</w:t>" for one in (shown[:2], shown[2:])),
        '<w:fldChar w:fldCharType="end"/>',
    ]  # fmt: skip
    return "".join(f"<w:r><w:rPr><w:b/></w:rPr>{one}</w:r>" for one in inner)


def package(tmp_path: Path, body: str, **values: str) -> WordPackage:
    return WordPackage.read(docx(tmp_path / "a.docx", paragraphs=0, body=body, **values))


def refused(tmp_path: Path, body: str = "", code: str = "", **values: str) -> None:
    with pytest.raises(Invalid) as error:
        found = package(tmp_path, body, **values)
        fields.names(found)
    assert error.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        f"<w:p>{field('objet')}</w:p>",
        f"<w:p>{field('objet', cut=False)}</w:p>",
        '<w:p><w:fldSimple w:instr=" MERGEFIELD  &quot;Objet&quot; \\* MERGEFORMAT "><w:r><w:t>x</w:t></w:r></w:fldSimple></w:p>',
        # as users of python-docx write it: all in one run, and without a result
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/><w:instrText> MERGEFIELD objet </w:instrText><w:fldChar w:fldCharType="end"/></w:r></w:p>',
        f"<w:tbl><w:tr><w:tc><w:p>{field('objet')}</w:p></w:tc></w:tr></w:tbl>",
        f"<w:p><w:r><w:pict><w:textbox><w:txbxContent><w:p>{field('objet')}</w:p></w:txbxContent></w:textbox></w:pict></w:r></w:p>",
        # its result extends over two paragraphs: its author pressed Enter in it
        "<w:p>" + field("objet").replace("<w:t>ant</w:t></w:r>", "<w:t>ant</w:t></w:r></w:p><w:p><w:r><w:t>z</w:t></w:r>") + "</w:p>",
        # within another field
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> IF 1 = 1 </w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{field("objet")}<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>',
    ],
    ids=["cut", "whole", "simple", "one-run", "table", "text-box", "two-paragraphs", "nested"],
)  # fmt: skip
def test_a_field_is_found_and_filled_however_it_is_written(tmp_path: Path, body: str) -> None:
    found = package(tmp_path, body)
    assert fields.names(found) == ["objet"]
    for text in ("Suite\nde <b>", "autre"):  # it stays a field: when it is filled again, it shows the last value
        fields.fill(found, {"objet": text})
        assert told.text_of(found).split("\n\n")[0].strip() == text
    assert fields.names(found) == ["objet"]
    path = tmp_path / "b.docx"
    found.write(path)
    assert "autre" in told.text_of(WordPackage.read(path))
    fields.freeze(found, {})
    assert fields.names(found) == []
    assert "autre" in told.text_of(found)


@pytest.mark.parametrize("body", [
    "<w:p><w:r><w:t>N° «numero» du «date_lettre», </w:t></w:r></w:p>",
    "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>N° «numero»</w:t><w:tab/><w:t>du «date_lettre», </w:t></w:r></w:p>",
])  # fmt: skip
def test_a_place_whose_field_became_text_is_a_field_again(tmp_path: Path, body: str) -> None:
    found = package(tmp_path, body + f"<w:p>{field('signature')}</w:p>")
    before = told.text_of(found)
    fields.restore(found, PLACES)
    assert sorted(fields.names(found)) == sorted(PLACES)
    assert told.text_of(found) == before
    fields.fill(found, {"numero": "12", "date_lettre": "3 mai"})
    assert told.text_of(found).split("\n\n")[0].replace("\t", " ").strip() == "N° 12 du 3 mai,"
    fields.restore(found, PLACES)
    assert len(fields.names(found)) == len(PLACES), "what is a field stays one"


def test_a_field_of_a_place_makes_way_for_a_picture_of_its_size(tmp_path: Path) -> None:
    found = package(tmp_path, f"<w:p>{field('signature')}</w:p>")
    fields.freeze(found, {"signature": (160.0, 36.0)})
    drawn = etree.tostring(found.tree(found.main)).decode()
    assert 'cx="5760000" cy="1296000"' in drawn
    assert "avant" not in drawn
    assert "MERGEFIELD" not in drawn


def test_what_announces_an_empty_field_is_left_out_of_the_pages_alone(tmp_path: Path) -> None:
    def line(inner: str) -> str:
        return f"<w:p>{inner}</w:p>"

    label = "<w:r><w:t xml:space='preserve'>{} : </w:t></w:r>"
    body = (
        line(label.format("V/Réf.") + field("votre_reference")) + line(label.format("Objet") + field("objet"))
        + line(label.format("Ampliations")) + line(field("ampliations")) + line(label.format("Le Ministre") + field("signature"))
        + f"<w:tbl><w:tr><w:tc>{line(label.format('P.J.') + field('pieces_jointes'))}</w:tc></w:tr></w:tbl>"
    )  # fmt: skip
    found = package(tmp_path, body)
    fields.fill(found, {"votre_reference": "", "ampliations": "", "pieces_jointes": "", "objet": "Eau"})
    said = told.text_of(found)
    assert all(one in said for one in ("V/Réf.", "Ampliations", "P.J.")), "in Word they stay: they may be filled later"
    fields.freeze(found, PLACES)
    said = told.text_of(found)
    assert "V/Réf." not in said
    assert "Ampliations" not in said
    assert all(one in said for one in ("Objet : Eau", "Le Ministre", "P.J.")), "a cell keeps its only line"


def test_fields_of_heads_and_feet_are_filled(tmp_path: Path) -> None:
    found = WordPackage.read(SHIPPED / "lettre.docx")
    fields.fill(found, {"organisation": "Ministère des essais"})
    assert "Ministère des essais" in etree.tostring(found.tree("word/footer1.xml"), encoding="unicode")


def test_a_poured_text_becomes_paragraphs(tmp_path: Path) -> None:
    found = package(tmp_path, f'<w:p><w:pPr><w:jc w:val="both"/></w:pPr>{field("texte")}</w:p>')
    fields.pour(found, {"texte": "Un.\nDeux.\n\nTrois."})
    assert told.text_of(found) == "Un.\nDeux.\n\nTrois."
    assert len(found.tree(found.main).findall(f".//{{{W}}}jc")) == 2
    assert fields.names(found) == []


def test_unknown_missing_and_doubled_fields_are_named(tmp_path: Path) -> None:
    check_fields([*PLACES, "objet", "objet"])
    for names, code, said in (
        ([*PLACES, "objt", "x"], "word.field_unknown", "objt, x"), (["numero", "signature"], "word.field_missing", "date_lettre"),
        ([*PLACES, "numero"], "word.field_twice", "numero"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as error:
            check_fields(names)
        assert error.value.code == code
        assert said in (error.value.params["names"])


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_shipped_templates_are_those_of_the_code_and_know_their_fields(name: str) -> None:
    assert (SHIPPED / f"{name}.docx").read_bytes() == word_templates.file_of(name)
    check_fields(fields.names(WordPackage.read(SHIPPED / f"{name}.docx")))


def test_each_field_is_explained_in_the_guide_in_both_languages() -> None:
    root = Path(__file__).parents[2]
    for page in ("docs/guide/agent.md", "web/translations/en/guide/agent.md"):
        text = (root / page).read_text(encoding="utf-8")
        assert [name for name in FIELDS if f" {name}" not in text] == [], page


def test_changes_comments_and_text_are_told(tmp_path: Path) -> None:
    body = (
        '<w:p><w:ins w:id="1" w:author="a"><w:r><w:t>neuf </w:t></w:r></w:ins>'
        '<w:del w:id="2" w:author="a"><w:r><w:delText>vieux</w:delText></w:r></w:del><w:r><w:rPr><w:rPrChange w:id="3" w:author="a"/></w:rPr>'
        '<w:t>mot</w:t><w:tab/><w:commentReference w:id="4"/></w:r></w:p>'
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    found = package(tmp_path, body)
    assert told.text_of(found) == "neuf mot\n\na | b"
    assert told.unsettled(found) == told.Unsettled(3, 1)


def alternatives(choice: str, fallback: str, requires: str = "urn:zz") -> str:
    """Alternative contents, of which a program uses the one that it knows."""
    return (
        f'<mc:AlternateContent xmlns:mc="{MC}" xmlns:zz="{requires}"><mc:Choice Requires="zz">{choice}</mc:Choice>'
        f"<mc:Fallback>{fallback}</mc:Fallback></mc:AlternateContent>"
    )


SHAPE = "http://schemas.microsoft.com/office/word/2010/wordprocessingShape"


@pytest.mark.parametrize(("requires", "said"), [("urn:zz", "autre"), (SHAPE, "mot")], ids=["foreign", "known"])
def test_of_alternatives_that_one_is_told_which_is_printed(tmp_path: Path, requires: str, said: str) -> None:
    found = package(tmp_path, f"<w:p><w:r>{alternatives('<w:t>mot</w:t>', '<w:t>autre</w:t>', requires)}</w:r></w:p>")
    found.choose()
    assert told.text_of(found) == said
    assert "AlternateContent" not in etree.tostring(found.tree(found.main)).decode()


def test_followed_changes_and_fields_of_a_printed_alternative_are_told(tmp_path: Path) -> None:
    old = '<w:del w:id="1" w:author="a"><w:r><w:delText>vieux</w:delText></w:r></w:del>' + field("objet")
    found = package(tmp_path, f"<w:p>{alternatives('<w:r><w:t>mot</w:t></w:r>', old)}</w:p>")
    found.choose()
    assert told.unsettled(found) == told.Unsettled(1, 0)
    assert fields.names(found) == ["objet"]


@pytest.mark.parametrize("is_typed", [True, False])
def test_heads_and_feet_are_told_at_the_end(tmp_path: Path, *, is_typed: bool) -> None:
    """Also a footer whose type the file hides: programs find it by its relation."""
    parts = parts_of((SHIPPED / "lettre.docx").read_bytes())
    foot = parts["word/footer1.xml"].decode().replace("</w:ftr>", "<w:p><w:r><w:t>Vu</w:t></w:r></w:p></w:ftr>")
    types = parts["[Content_Types].xml"].decode()
    relations = parts["word/_rels/document.xml.rels"].decode()
    if not is_typed:
        types = types.replace("footer+xml", "unknown+xml")
        relations = relations.replace('"footer1.xml"', '"../word/footer1.xml"')
    parts["word/_rels/document.xml.rels"] = relations.encode()
    path = tmp_path / "a.docx"
    path.write_bytes(packed({**parts, "word/footer1.xml": foot.encode(), "[Content_Types].xml": types.encode()}))
    assert told.text_of(WordPackage.read(path)).endswith("\n\nVu")


def test_properties_are_written_beside_those_of_others(tmp_path: Path) -> None:
    found = package(tmp_path, "<w:p/>")
    told.set_properties(found, {"ged_projet": "12"})
    told.set_properties(found, {"ged_projet": "13", "ged_version": "4"})
    path = tmp_path / "b.docx"
    found.write(path)
    assert told.properties(WordPackage.read(path)) == {"ged_projet": "13", "ged_version": "4"}


def test_the_key_of_pages_changes_with_file_and_texts() -> None:
    sheets = WordSheets("a" * 64, Values.of({"objet": "x"}))
    assert (
        sheets.key
        != WordSheets("a" * 64, Values.of({"objet": "y"})).key
        != WordSheets("b" * 64, Values.of({"objet": "y"})).key
    )
    assert WordFile("a", "n", id=1) == WordFile("a", "n", id=2)


# --- hostile files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("image", "word.external"), ("frame", "word.embedded"), ("oleObject", "word.embedded"), ("aFChunk", "word.embedded"),
        ("subDocument", "word.embedded"), ("settings", "word.external"),
    ],
)  # fmt: skip
def test_what_is_fetched_from_elsewhere_is_refused(tmp_path: Path, kind: str, code: str) -> None:
    rels = f'<Relationship Id="x" Type="{R}/{kind}" Target="http://127.0.0.1/x" TargetMode="External"/>'
    refused(tmp_path, code=code, rels=rels)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "\\\\serveur\\x", "ftp://x/y", "javascript:x"])
def test_links_lead_to_the_web_or_to_mail_alone(tmp_path: Path, target: str) -> None:
    rels = f'<Relationship Id="x" Type="{R}/hyperlink" Target="{target}" TargetMode="External"/>'
    refused(tmp_path, code="word.external", rels=rels)
    package(tmp_path, "", rels=rels.replace(target, "https://exemple.tg"))


def test_the_link_to_a_template_is_left_out(tmp_path: Path) -> None:
    rels = (
        f'<Relationship Id="x" Type="{R}/attachedTemplate" Target="http://mal.example/t.dotm" TargetMode="External"/>'
    )
    found = package(tmp_path, "", rels=rels)
    assert found.left_out == ["attachedTemplate"]
    path = tmp_path / "b.docx"
    found.write(path)
    assert b"mal.example" not in b"".join(parts_of(path.read_bytes()).values())


@pytest.mark.parametrize("name", ["DDEAUTO", "INCLUDETEXT", "INCLUDEPICTURE", "LINK", "DATABASE", "MACROBUTTON"])
def test_fields_that_call_out_are_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, f'<w:p><w:fldSimple w:instr=" {name} c:\\\\x "/></w:p>', code="word.field_forbidden")
    cut = field("objet").replace(" MERGEF", f" {name[:3]}").replace("IELD ob", f"{name[3:]} ")
    refused(tmp_path, f"<w:p>{cut}</w:p>", code="word.field_forbidden")


def test_other_formats_macros_and_embedded_files_are_refused(tmp_path: Path) -> None:
    good = docx(tmp_path / "good.docx").read_bytes()
    types = parts_of(good)["[Content_Types].xml"]
    cases = {
        "word.macros": packed({**parts_of(good), "word/vbaProject.bin": b"x"}),
        "word.embedded": packed({**parts_of(good), "word/embeddings/a.xlsx": b"x"}),
        "word.not_docx": edited(good, {"document.main+xml": "template.main+xml"}, "[Content_Types].xml"),
        "file.truncated": good[: len(good) // 2],
    }
    docm = types.replace(
        b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
        b"application/vnd.ms-word.document.macroEnabled.main+xml",
    )
    for code, content in [*cases.items(), ("word.macros", packed({**parts_of(good), "[Content_Types].xml": docm}))]:
        path = tmp_path / "bad.docx"
        path.write_bytes(content)
        with pytest.raises(Invalid) as error:
            WordPackage.read(path)
        assert error.value.code == code


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0 a picture", b"%PDF-1.7", b"{\\rtf1", b"du texte"])
def test_a_picture_or_a_pdf_is_no_damaged_word_document(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lettre.docx"
    path.write_bytes(content)
    with pytest.raises(Invalid, match=r"word\.not_docx"):
        WordPackage.read(path)


def test_bombs_end_at_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = docx(tmp_path / "good.docx")
    monkeypatch.setattr("ocr.word.package.MAX_UNPACKED_BYTES", 1_000_000)
    with zipfile.ZipFile(good, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/bomb.png", b"\0" * 5_000_000)
    with pytest.raises(Invalid, match=r"file\.too_large"):
        WordPackage.read(good)
    deep = tmp_path / "deep.docx"
    with pytest.raises(Invalid, match=r"file\.truncated"):  # the library allows 256 levels
        package(deep.parent, "<w:p>" * 5_000 + "</w:p>" * 5_000).tree("word/document.xml")


def test_no_entity_is_read(tmp_path: Path) -> None:
    good = docx(tmp_path / "good.docx").read_bytes()
    text = parts_of(good)["word/document.xml"].decode()
    evil = text.replace("<w:document", '<!DOCTYPE w:document [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document', 1)
    path = tmp_path / "evil.docx"
    path.write_bytes(packed({**parts_of(good), "word/document.xml": evil.replace("<w:t>", "<w:t>&x;", 1).encode()}))
    with pytest.raises(Invalid, match=r"word\.not_docx"):
        told.text_of(WordPackage.read(path))


def test_two_parts_of_one_name_are_refused(tmp_path: Path) -> None:
    good = docx(tmp_path / "good.docx")
    with zipfile.ZipFile(good, "a") as archive:
        archive.writestr("word/Document.xml", b"<x/>")
    with pytest.raises(Invalid, match=r"file\.truncated"):
        WordPackage.read(good)
