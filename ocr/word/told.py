"""What a Word file says: its text, paragraph by paragraph; changes that are followed; comments; our own properties."""

from dataclasses import dataclass

from lxml import etree

from ocr.word.package import CUSTOM, PACKAGE, R, W, WordPackage

MAX_TEXT = 200_000
_PROPERTIES = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VALUES = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_FORMAT = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
_BREAKS = {f"{{{W}}}tab": "\t", f"{{{W}}}br": "\n", f"{{{W}}}cr": "\n", f"{{{W}}}noBreakHyphen": "-"}
_TEXT, _PARAGRAPH, _ROW = f"{{{W}}}t", f"{{{W}}}p", f"{{{W}}}tr"
_NOT_PRINTED = (f"{{{W}}}moveFrom", f"{{{W}}}del")
_CHANGES = tuple(f"{{{W}}}{name}" for name in ("ins", "del", "moveFrom", "moveTo", "cellIns", "cellDel"))


@dataclass(frozen=True)
class Unsettled:
    """What a letter must not leave with."""

    changes: int
    comments: int


def text_of(package: WordPackage) -> str:
    """All text that is printed: a line for each paragraph or row of a table; heads, feet and notes at the end.

    Of alternatives, one was chosen before (``WordPackage.choose``).
    """
    lines = [line for _, root in package.stories() for line in _lines(root)]
    return "\n\n".join(line for line in lines if line.strip())[:MAX_TEXT]


def _lines(root: etree._Element) -> list[str]:
    texts: dict[etree._Element, list[str]] = {}
    for one in root.iter(_TEXT, *_BREAKS):
        above = list(one.iterancestors())
        if any(at.tag in _NOT_PRINTED for at in above):
            continue
        paragraph = next((at for at in above if at.tag == _PARAGRAPH), None)
        if paragraph is None or one.getparent().tag == f"{{{W}}}tabs":
            continue
        texts.setdefault(paragraph, []).append(_BREAKS.get(one.tag) or one.text or "")
    lines: list[str] = []
    row_before = None
    for paragraph in root.iter(_PARAGRAPH):
        if paragraph not in texts:
            continue
        text = "".join(texts[paragraph]).strip()
        row = next(paragraph.iterancestors(_ROW), None)
        if row is not None and row is row_before and lines:
            lines[-1] = f"{lines[-1]} | {text}"
        else:
            lines.append(text)
        row_before = row
    return lines


def unsettled(package: WordPackage) -> Unsettled:
    """The changes that are followed, and the comments."""
    changes = marks = comments = 0
    for _, root in package.stories():
        for one in root.iter(etree.Element):
            if not isinstance(one.tag, str):
                continue
            if one.tag in _CHANGES:
                parent = one.getparent()
                of_mark = parent is not None and parent.tag == f"{{{W}}}rPr"
                marks, changes = marks + of_mark, changes + (not of_mark)
            elif one.tag.startswith(f"{{{W}}}") and one.tag.endswith("Change"):
                changes += 1
            elif one.tag == f"{{{W}}}commentReference":
                comments += 1
    return Unsettled(changes or marks, comments)


def properties(package: WordPackage) -> dict[str, str]:
    """The custom properties of the file (ISO/IEC 29500-1, 22.3) that hold texts."""
    if CUSTOM not in package.parts:
        return {}
    found: dict[str, str] = {}
    for one in package.tree(CUSTOM):
        if isinstance(one.tag, str) and len(one):
            found[one.get("name", "")] = (one[0].text or "")[:200]
    return found


def set_properties(package: WordPackage, values: dict[str, str]) -> None:
    """Write custom properties; others stay."""
    if CUSTOM not in package.parts:
        package.add(
            CUSTOM, f'<Properties xmlns="{_PROPERTIES}" xmlns:vt="{_VALUES}"/>'.encode(),
            type_of="application/vnd.openxmlformats-officedocument.custom-properties+xml",
        )  # fmt: skip
        etree.SubElement(
            package.tree("_rels/.rels"), f"{{{PACKAGE}/relationships}}Relationship", Id="rIdGedProperties",
            Type=f"{R}/custom-properties", Target=CUSTOM,
        )  # fmt: skip
    root = package.tree(CUSTOM)
    for one in [one for one in root if one.get("name") in values]:
        root.remove(one)
    # From 2: in the property sets of OLE, from which these come, 0 and 1 mean something else (MS-OLEPS).
    used = [int(one.get("pid", "1")) for one in root if one.get("pid", "").isdigit()]
    for n, (name, value) in enumerate(values.items(), start=max([1, *used]) + 1):
        one = etree.SubElement(root, f"{{{_PROPERTIES}}}property", fmtid=_FORMAT, pid=str(n), name=name)
        etree.SubElement(one, f"{{{_VALUES}}}lpwstr").text = value
