"""The parts of a Word file (ISO/IEC 29500-2), read under limits; what could call out or run is refused or left out."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from posixpath import normpath

from lxml import etree

from ged.errors import Invalid
from ocr.limits import MIB, truncated
from ocr.sniff import DOCX

MAX_PARTS = 2_000
MAX_UNPACKED_BYTES = 128 * MIB
MAX_XML_BYTES = 24 * MIB
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "[Content_Types].xml"
CUSTOM = "docProps/custom.xml"
MAIN_TYPE = f"{DOCX}.main+xml"
STORY_KINDS = ("header", "footer", "footnotes", "endnotes")
_OFFICE_2010 = "http://schemas.microsoft.com/office/word/2010/"
_DRAWN = frozenset({f"{_OFFICE_2010}{name}" for name in ("wordprocessingShape", "wordprocessingGroup", "wordml")})
"""What LibreOffice draws itself; of a content that requires more, it draws the copy for older programs."""
_ALTERNATIVES, _CHOICE, _FALLBACK = (f"{{{MC}}}{name}" for name in ("AlternateContent", "Choice", "Fallback"))
_PREFIX = "application/vnd.openxmlformats-officedocument.wordprocessingml."
_LEFT_OUT = {
    "attachedTemplate": "attachedTemplate",
    "mailMergeSource": "mailMerge",
    "mailMergeHeaderSource": "mailMerge",
}
"""Kinds of outside relations that Word writes by itself, each with the element of the settings that uses it."""
_SAFE_LINKS = ("http://", "https://", "mailto:")
_PROGRAMS = ("vbaproject", "vbadata", "activex", "macro")
_EMBEDDED = ("/embeddings/", "oleobject", "/afchunk")


@dataclass
class WordPackage:
    """The parts by name; ``main`` is the part with the text. ``left_out``: what was taken out on reading."""

    parts: dict[str, bytes]
    types: etree._Element
    main: str
    left_out: list[str] = field(default_factory=list)
    _trees: dict[str, etree._Element] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "WordPackage":
        """Read a file that is a Word document by its content, and check it.

        Raises:
            Invalid: ``file.truncated``, ``file.encrypted``, ``file.too_large``; ``word.not_docx``, ``word.macros``,
                ``word.embedded``, ``word.external``.
        """
        parts = _parts(path)
        if TYPES not in parts:
            raise truncated()
        types = tree(parts[TYPES])
        package = cls(parts, types, _main(parts))
        package._check()
        return package

    def tree(self, name: str) -> etree._Element:
        """The root of a part; changes of it are written.

        Raises:
            Invalid: ``file.truncated``, ``word.not_docx``.
        """
        if name not in self._trees:
            self._trees[name] = tree(self.parts[name])
        return self._trees[name]

    def stories(self) -> Iterator[tuple[str, etree._Element]]:
        """The parts with text of the letter: the main one first, then headers, footers and notes."""
        yield self.main, self.tree(self.main)
        for kind in STORY_KINDS:
            named = [*self._of_type(f"{_PREFIX}{kind}+xml"), *self._related(kind)]
            for name in dict.fromkeys(named):
                yield name, self.tree(name)

    def choose(self) -> None:
        """Of contents that are there in alternatives (ISO/IEC 29500-3, 7.6), keep the one that is printed."""
        for _, root in self.stories():
            for one in list(root.iter(_ALTERNATIVES)):
                parent = _parent(one)
                for child in _chosen(one):
                    one.addprevious(child)
                parent.remove(one)

    def relations(self, name: str) -> etree._Element:
        """The relations of a part, made where it has none."""
        place = _relations_of(name)
        if place not in self.parts:
            self.parts[place] = f'<Relationships xmlns="{PACKAGE}/relationships"/>'.encode()
        return self.tree(place)

    def add(self, name: str, content: bytes, *, extension: str = "", type_of: str) -> None:
        """Add a part, or write it anew, with its type: of all files of that extension, or of this part."""
        self.parts[name] = content
        self._trees.pop(name, None)
        of = f"{{{PACKAGE}/content-types}}"
        if extension:
            if all(one.get("Extension", "").lower() != extension for one in self.types.iter(f"{of}Default")):
                self.types.insert(0, etree.Element(f"{of}Default", Extension=extension, ContentType=type_of))
        elif all(one.get("PartName") != f"/{name}" for one in self.types.iter(f"{of}Override")):
            etree.SubElement(self.types, f"{of}Override", PartName=f"/{name}", ContentType=type_of)

    def write(self, path: Path) -> None:
        """Write all parts; equal parts give equal bytes."""
        self._trees[TYPES] = self.types
        for name, root in self._trees.items():
            self.parts[name] = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for name in sorted(self.parts, key=lambda one: (one != TYPES, one)):
                target.writestr(zipfile.ZipInfo(name), self.parts[name], zipfile.ZIP_DEFLATED)

    def _of_type(self, wanted: str) -> list[str]:
        overrides = self.types.iter(f"{{{PACKAGE}/content-types}}Override")
        named = [one.get("PartName", "").lstrip("/") for one in overrides if one.get("ContentType") == wanted]
        return [name for name in named if name in self.parts]

    def _related(self, kind: str) -> list[str]:
        """The parts that the main part names so, whatever type they are told to have.

        Raises:
            Invalid: ``file.truncated``: one is not there.
        """
        folder = PurePosixPath("/", self.main).parent
        found = [one for one in self.relations(self.main) if one.get("Type") == f"{R}/{kind}"]
        names = [normpath(folder / one.get("Target", "")).lstrip("/") for one in found]
        if not set(names) <= set(self.parts):
            raise truncated()
        return names

    def _type_of(self, name: str) -> str:
        overrides = self.types.iter(f"{{{PACKAGE}/content-types}}Override")
        return next((one.get("ContentType", "") for one in overrides if one.get("PartName") == f"/{name}"), "")

    def _check(self) -> None:
        found = self._type_of(self.main)
        content_types = [one.get("ContentType", "").casefold() for one in self.types]
        # Before the type: that of a file with macros is another one, and its author is told what to do.
        if any(word in text for text in (*content_types, *map(str.casefold, self.parts)) for word in _PROGRAMS):
            raise Invalid("word.macros", "save it as .docx, without macros", field="file")
        if found != MAIN_TYPE:
            raise Invalid("word.not_docx", "save it as a Word document (.docx)", field="file")
        for name in self.parts:
            if any(word in f"/{name}".casefold() for word in _EMBEDDED):
                raise Invalid("word.embedded", "take it out, or put a picture in its place", field="file")
        for name in [name for name in self.parts if name.endswith(".rels")]:
            self._check_relations(name)

    def _check_relations(self, name: str) -> None:
        root = self.tree(name)
        for one in list(root):
            # A comment in the XML: lxml gives it a function as its tag.
            if not isinstance(one.tag, str):
                continue
            kind = one.get("Type", "").rpartition("/")[2]
            if kind in {"oleObject", "package", "aFChunk", "control", "subDocument", "frame"}:
                raise Invalid("word.embedded", "take it out, or put a picture in its place", field="file")
            if one.get("TargetMode", "").casefold() != "external":
                continue
            if kind == "hyperlink" and one.get("Target", "").casefold().startswith(_SAFE_LINKS):
                continue
            if kind not in _LEFT_OUT:
                target = one.get("Target", "")[:120]
                raise Invalid("word.external", "put the thing itself into the document", field="file", target=target)
            root.remove(one)
            self._forget(_LEFT_OUT[kind])
            self.left_out.append(kind)

    def _forget(self, element: str) -> None:
        """Take an element out of the settings."""
        for name in self._of_type(f"{_PREFIX}settings+xml"):
            for found in list(self.tree(name).iter(f"{{{W}}}{element}")):
                _parent(found).remove(found)


def _chosen(alternatives: etree._Element) -> list[etree._Element]:
    for one in alternatives.findall(_CHOICE):
        if all(one.nsmap.get(prefix) in _DRAWN for prefix in one.get("Requires", "").split()):
            return list(one)
    fallback = alternatives.find(_FALLBACK)
    return list(fallback) if fallback is not None else []


def tree(content: bytes) -> etree._Element:
    """Parse a part. No entity is read, nothing is fetched, and depth is limited (256) by the library.

    Raises:
        Invalid: ``file.truncated``; ``word.not_docx``: it declares a document type, which no Word file does.
    """
    if len(content) > MAX_XML_BYTES:
        raise Invalid("file.too_large", "shorten it", field="file", limit_bytes=MAX_XML_BYTES)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise truncated() from error
    if root.getroottree().docinfo.doctype:
        raise Invalid("word.not_docx", "save it as a Word document (.docx)", field="file")
    return root


def _parts(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if any(entry.flag_bits & 1 for entry in entries):
                raise Invalid("file.encrypted", "Send the file without a password.", field="file")
            if len(entries) > MAX_PARTS:
                raise _too_large()
            found: dict[str, bytes] = {}
            left = MAX_UNPACKED_BYTES
            for entry in entries:
                with archive.open(entry) as part:  # the sizes that an archive tells may be wrong
                    found[entry.filename] = part.read(left + 1)
                left -= len(found[entry.filename])
                if left < 0:
                    raise _too_large()
    except zipfile.BadZipFile as error:
        if _begins_as_archive(path):
            raise truncated() from error
        raise Invalid("word.not_docx", "save it as a Word document (.docx)", field="file") from error
    except (OSError, ValueError, EOFError, NotImplementedError, KeyError, zlib.error) as error:
        raise truncated() from error
    names = [PurePosixPath(entry.filename) for entry in entries]
    # No two names differ in case alone (ISO/IEC 29500-2): LibreOffice might open the one that was not checked.
    if len({str(name).casefold() for name in names}) != len(names) or any(
        name.is_absolute() or ".." in name.parts or "\\" in str(name) for name in names
    ):
        raise truncated()
    return found


def _begins_as_archive(path: Path) -> bool:
    """A Word document that lost its end still begins as one; a picture or a PDF is no damaged Word document."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _too_large() -> Invalid:
    return Invalid("file.too_large", "shorten it", field="file", limit_bytes=MAX_UNPACKED_BYTES)


def _main(parts: dict[str, bytes]) -> str:
    """The part with the text, as the package's own relations name it."""
    if "_rels/.rels" not in parts:
        raise truncated()
    for one in tree(parts["_rels/.rels"]):
        if one.get("Type") == f"{R}/officeDocument":
            name = str(one.get("Target", "")).lstrip("/")
            if name in parts:
                return name
    raise Invalid("word.not_docx", "save it as a Word document (.docx)", field="file")


def _relations_of(name: str) -> str:
    place = PurePosixPath(name)
    return str(place.parent / "_rels" / f"{place.name}.rels")


def _parent(found: etree._Element) -> etree._Element:
    parent = found.getparent()
    if parent is None:
        raise truncated()
    return parent
