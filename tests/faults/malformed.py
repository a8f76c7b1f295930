"""Makes malformed files: wrong, truncated, endless or huge ones. The seed and a number give each file, byte by byte."""

import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pikepdf
from PIL import Image

from tests.ocr_pages import aged, digital_pdf, draw, save, scan_pdf
from tests.swollen_kit import MIB, swollen

SMALL = (496, 702)
Dice = random.Random


@dataclass(frozen=True)
class Malformed:
    """A file and how it was made."""

    kind: str
    filename: str
    content: bytes


class Maker:
    """Makes the malformed files of a seed by their number."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._seed = seed
        self._originals = _originals(folder)

    def make(self, number: int) -> Malformed:
        """Make a file: a damaged real one for each second number, and one built to do harm for the others."""
        dice = Dice(f"{self._seed}/{number}")
        if number % 2:
            name = dice.choice(sorted(self._originals))
            damage = dice.choice(DAMAGES)
            return Malformed(f"{damage.__name__} {name}", name, damage(self._originals[name], dice))
        build = BUILDERS[number // 2 % len(BUILDERS)]
        name, content = build(dice, self._originals)
        return Malformed(build.__name__, name, content)


def _originals(folder: Path) -> dict[str, bytes]:
    page = aged(draw(size=SMALL, font_px=60))
    save(page, folder / "p.png")
    save(page, folder / "p.jpg")
    save(page.convert("1"), folder / "g4.tif", compression="group4")
    save(page, folder / "lzw.tif", compression="tiff_lzw", save_all=True, append_images=[page])
    page.save(folder / "p.pgm")
    digital_pdf(folder / "digital.pdf")
    scan_pdf([page], folder / "scan.pdf")
    with pikepdf.open(folder / "scan.pdf") as pdf:
        pdf.save(folder / "packed.pdf", object_stream_mode=pikepdf.ObjectStreamMode.generate)
    (folder / "letter.docx").write_bytes(_zip({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}))
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# --- damage done to a real file -----------------------------------------------------------------------------------


def cut(data: bytes, dice: Dice) -> bytes:
    return data[: dice.randrange(1, len(data))]


def bits(data: bytes, dice: Dice) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 40)):
        changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def head(data: bytes, dice: Dice) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 12)):
        changed[dice.randrange(min(len(data), 400))] = dice.choice([0, 255, 127, dice.randrange(256)])
    return bytes(changed)


def hole(data: bytes, dice: Dice) -> bytes:
    start = dice.randrange(len(data))
    return data[:start] + data[start + dice.randrange(1, 2000) :]


def filling(data: bytes, dice: Dice) -> bytes:
    start = dice.randrange(len(data))
    return data[:start] + dice.randbytes(dice.randrange(1, 500)) + data[start:]


def zeros(data: bytes, dice: Dice) -> bytes:
    """The file after a power cut: the length is right, but the end is all zeros."""
    start = dice.randrange(1, len(data))
    return data[:start] + bytes(len(data) - start)


def numbers(data: bytes, dice: Dice) -> bytes:
    """Replace some decimal numbers: lengths, offsets, sizes."""
    places = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    changed = bytearray(data)
    for place in dice.sample(places, min(len(places), dice.randrange(1, 6))):
        changed[place] = dice.randrange(48, 58)
    return bytes(changed)


def shuffled(data: bytes, dice: Dice) -> bytes:
    size = dice.choice([16, 64, 512])
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    first, *others = pieces
    dice.shuffle(others)
    return b"".join([first, *others])


def twice(data: bytes, dice: Dice) -> bytes:
    return data + data[dice.randrange(len(data)) :]


DAMAGES: tuple[Callable[[bytes, Dice], bytes], ...] = (
    cut, bits, head, hole, filling, zeros, numbers, shuffled, twice
)  # fmt: skip


# --- images -------------------------------------------------------------------------------------------------------

Originals = dict[str, bytes]
Built = tuple[str, bytes]


def _chunk(name: bytes, data: bytes, *, declared: int | None = None) -> bytes:
    length = len(data) if declared is None else declared
    return struct.pack(">I", length) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IEND", b"")


def png_huge_size(dice: Dice, _: Originals) -> Built:
    side = dice.choice([20_000, 100_000, 2**31 - 1, 2**32 - 1])
    return "enorme.png", _png(side, dice.choice([1, side]), _chunk(b"IDAT", zlib.compress(bytes(100))))


def png_huge_chunk(dice: Dice, _: Originals) -> Built:
    name = dice.choice([b"IDAT", b"tEXt", b"iCCP", b"zTXt", b"PLTE", b"eXIf"])
    chunk = _chunk(name, dice.randbytes(50), declared=dice.choice([0x7FFFFFFF, 0xFFFFFFFF, 0x10000000]))
    return "morceau.png", _png(400, 500, chunk)


def png_bomb(dice: Dice, _: Originals) -> Built:
    """A size that is allowed, with data that decompresses far beyond it."""
    data = swollen(b"\0", 64)
    return "bombe.png", _png(300, dice.randrange(300, 900), _chunk(b"IDAT", data * dice.randrange(1, 4)))


def png_text_bomb(_: Dice, __: Originals) -> Built:
    return "texte.png", _png(300, 400, _chunk(b"zTXt", b"Comment\0\0" + swollen(b"\0", 96)))


def jpeg_huge_size(dice: Dice, originals: Originals) -> Built:
    data = bytearray(originals["p.jpg"])
    frame = data.find(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 65535, dice.choice([65535, 40_000, 1]))
    return "grand.jpg", bytes(data)


def jpeg_garbage(dice: Dice, _: Originals) -> Built:
    return "bruit.jpg", b"\xff\xd8\xff" + bytes([dice.choice([0xE0, 0xDB, 0xC0, 0xDA, 0xFE])]) + dice.randbytes(3000)


def jpeg_of_many_scans(dice: Dice, originals: Originals) -> Built:
    """A progressive picture whose passes are repeated a thousand times."""
    target = BytesIO()
    Image.open(BytesIO(originals["p.png"])).convert("L").save(target, format="JPEG", progressive=True)
    data = target.getvalue()
    start = data.rfind(b"\xff\xda")
    return "passes.jpg", data[:-2] + data[start:-2] * dice.randrange(50, 1000) + b"\xff\xd9"


def _tiff(*tags: tuple[int, int, int, int], following: int = 0, data: bytes = b"") -> bytes:
    entries = b"".join(struct.pack("<HHII", *tag[:3], tag[3] & 0xFFFFFFFF) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following) + data


def _plain_tags(width: int, height: int, offset: int = 200) -> list[tuple[int, int, int, int]]:
    return [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, 1, offset), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, width * height)]  # fmt: skip


def tiff_loop(dice: Dice, _: Originals) -> Built:
    """A directory of pages that points to itself."""
    return "boucle.tif", _tiff(*_plain_tags(20, 20), following=8, data=dice.randbytes(600))


def tiff_lies(dice: Dice, _: Originals) -> Built:
    tags = _plain_tags(dice.choice([20, 5000, 2**31 - 1]), dice.choice([20, 2**31 - 1, 0]), 0xFFFFFF00)
    tags.append((dice.choice([282, 320, 330, 34665]), dice.choice([4, 5, 12, 0]), 0x7FFFFFFF, 8))
    return "menteur.tif", _tiff(*tags, data=dice.randbytes(300))


def tiff_of_many_pages(_: Dice, __: Originals) -> Built:
    pieces, size = [b"II*\0" + struct.pack("<I", 8)], 2 + 9 * 12 + 4
    for number in range(4000):
        entries = b"".join(struct.pack("<HHII", *tag) for tag in _plain_tags(4, 4))
        pieces.append(struct.pack("<H", 9) + entries + struct.pack("<I", 8 + size * (number + 1)))
    return "pages.tif", b"".join(pieces) + bytes(200)


def pnm_lies(dice: Dice, _: Originals) -> Built:
    numbers = dice.choice([b"99999 99999 255", b"9" * 400 + b" 2 255", b"20 20 70000", b"0 0 255", b"-3 20 255"])
    return "gris.pgm", dice.choice([b"P5 ", b"P2 ", b"P6 ", b"P4 "]) + numbers + b"\n" + dice.randbytes(500)


# --- PDF ----------------------------------------------------------------------------------------------------------


def _pdf(*objects: bytes, trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF whose objects are numbered from 1."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, item in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer\n<</Size %d %s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, start))


def _stream(data: bytes, keys: bytes = b"") -> bytes:
    return b"<<%s /Length %d>>\nstream\n%s\nendstream" % (keys, len(data), data)


def _page_of(content: bytes, resources: bytes = b"", *others: bytes, box: bytes = b"0 0 300 400") -> bytes:
    """The objects of one page. Further objects are numbered from 5."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<<%s>>>>" % (box, resources)
    tree = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return _pdf(b"<</Type/Catalog/Pages 2 0 R>>", tree, page, content, *others)


def pdf_xref_loop(_: Dice, originals: Originals) -> Built:
    data = originals["scan.pdf"]
    start = int(data[data.rfind(b"startxref") + 9 :].split()[0])
    return "table.pdf", data.replace(b"trailer\n<<", b"trailer\n<</Prev %d" % start)


def pdf_tree_loop(dice: Dice, _: Originals) -> Built:
    kids = dice.choice([b"2 0 R", b"2 0 R 2 0 R 2 0 R", b"1 0 R", b"9 0 R"])
    return "arbre.pdf", _pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 3/Kids[%s]/Parent 2 0 R>>" % kids)


def pdf_many_pages(_: Dice, __: Originals) -> Built:
    kids = b"3 0 R " * 20_000
    tree = b"<</Type/Pages/Count 20000/Kids[%s]>>" % kids
    return "pages.pdf", _pdf(
        b"<</Type/Catalog/Pages 2 0 R>>", tree, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 400]>>"
    )


def pdf_deep(dice: Dice, _: Originals) -> Built:
    depth = dice.choice([500, 20_000, 300_000])
    deep = b"[" * depth + b"]" * depth if dice.random() < 0.5 else b"<</A" * depth + b"0" + b">>" * depth
    return "profond.pdf", _page_of(_stream(b""), b"/Font " + deep)


def pdf_content_bomb(dice: Dice, _: Originals) -> Built:
    packed = zlib.compress(swollen(b"0 0 m 9 9 l S\n  ", dice.choice([8, 64])), 9)
    return "bombe.pdf", _page_of(_stream(packed, b"/Filter[/FlateDecode/FlateDecode]"))


def pdf_object_bomb(dice: Dice, _: Originals) -> Built:
    packed = swollen(b"\0", dice.choice([64, 200]))
    bomb = _stream(packed, b"/Type/ObjStm/N 1000000/First 9999999/Filter/FlateDecode")
    return "objets.pdf", _page_of(_stream(b""), b"/Font 900 0 R", bomb)


def pdf_recursive_form(_: Dice, __: Originals) -> Built:
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 300 400]/Resources<</XObject<</F 5 0 R/G 5 0 R>>>>"
    return "recursif.pdf", _page_of(
        _stream(b"/F Do /G Do"), b"/XObject<</F 5 0 R>>", _stream(b"/F Do /G Do /F Do", form)
    )


def pdf_doubling_forms(_: Dice, __: Originals) -> Built:
    """Thirty forms, of which each draws the next one twice: about a thousand million strokes."""
    forms = [
        _stream(b"/F Do /F Do", b"/Subtype/Form/BBox[0 0 300 400]/Resources<</XObject<</F %d 0 R>>>>" % (number + 1))
        for number in range(5, 35)
    ]
    last = _stream(b"0 0 300 400 re f", b"/Subtype/Form/BBox[0 0 300 400]")
    return "double.pdf", _page_of(_stream(b"/F Do"), b"/XObject<</F 5 0 R>>", *forms, last)


def pdf_strange_box(dice: Dice, _: Originals) -> Built:
    box = dice.choice([b"0 0 0 0", b"0 0 1e9 1e9", b"0 0 -5 -5", b"a b c d", b"0 0 200000 3", b"0 0 14400 14400"])
    return "format.pdf", _page_of(_stream(b"0 0 9 9 re f"), box=box)


def pdf_garbage_image(dice: Dice, _: Originals) -> Built:
    """Image data that is noise or ends at once: JBIG2, JPEG 2000, JPEG, fax, run-length."""
    name = dice.choice(
        [b"JBIG2Decode", b"JPXDecode", b"DCTDecode", b"CCITTFaxDecode", b"RunLengthDecode", b"LZWDecode"]
    )
    beginning = {b"JPXDecode": b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ", b"DCTDecode": b"\xff\xd8\xff\xe0"}.get(
        name, b""
    )
    side = dice.choice([400, 8000, 60_000, 2**31 - 1])
    keys = b"/Subtype/Image/Width %d/Height %d/BitsPerComponent %d/ColorSpace/DeviceGray/Filter/%s" % (
        side, dice.choice([1, side]), dice.choice([1, 8]), name
    )  # fmt: skip
    image = _stream(beginning + dice.randbytes(dice.randrange(0, 4000)), keys)
    return "image.pdf", _page_of(_stream(b"300 0 0 400 0 0 cm /I Do"), b"/XObject<</I 5 0 R>>", image)


def pdf_tiles(_: Dice, __: Originals) -> Built:
    """A pattern of cells that are a thousandth of a point wide."""
    keys = b"/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep 0.001/YStep 0.001/Resources<<>>"
    draws = b"/Pattern cs /P scn 0 0 300 400 re f"
    return "motif.pdf", _page_of(_stream(draws), b"/Pattern<</P 5 0 R>>", _stream(b"0 0 1 1 re f", keys))


def pdf_in_pdf(dice: Dice, originals: Originals) -> Built:
    inner = originals["digital.pdf"]
    for _ in range(dice.randrange(1, 6)):
        inner = _page_of(_stream(inner), b"", _stream(inner, b"/Type/EmbeddedFile"))
    return "poupee.pdf", dice.randbytes(dice.choice([0, 500])) + inner


def pdf_locked(dice: Dice, originals: Originals) -> Built:
    target = BytesIO()
    with pikepdf.open(BytesIO(originals["digital.pdf"])) as pdf:
        pdf.save(target, encryption=pikepdf.Encryption(owner="a", user="b", R=dice.choice([4, 6])))
    return "verrou.pdf", target.getvalue()


def pdf_of_nothing(dice: Dice, _: Originals) -> Built:
    return "rien.pdf", dice.choice([b"%PDF-", b"%PDF-1.7\n%%EOF", b"%PDF-1.4\n" + dice.randbytes(4000) + b"%%EOF"])


# --- others -------------------------------------------------------------------------------------------------------


def _zip(members: dict[str, bytes]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.getvalue()


def docx_bomb(dice: Dice, _: Originals) -> Built:
    swollen = b"<w:p/>" * (dice.choice([1, 5]) * MIB)
    return "bombe.docx", _zip({"[Content_Types].xml": b"<Types/>", "word/document.xml": swollen})


def docx_entities(_: Dice, __: Originals) -> Built:
    """An XML entity that expands to a thousand million others ("billion laughs")."""
    rows = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a0 "ha">{rows}]><d>&a9;</d>'.encode()
    return "rires.docx", _zip({"[Content_Types].xml": xml, "word/document.xml": xml})


def zip_in_zip(dice: Dice, _: Originals) -> Built:
    inner = bytes(8 * MIB)
    for _level in range(dice.randrange(1, 5)):
        inner = _zip({"../../a.docx": inner, "word/document.xml": inner})
    return dice.choice(["nid.docx", "nid.odt", "nid.zip"]), inner


def not_a_document(dice: Dice, _: Originals) -> Built:
    heads = (
        b"MZ\x90\0",
        b"\x7fELF",
        b"GIF89a",
        b"BM",
        b"<html>",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"RIFF",
        b"\0\0\0\x0cjP  ",
        b"{\\rtf1",
    )
    return dice.choice(["virus.pdf", "photo.jpg", "lettre.doc", "a.heic"]), dice.choice(heads) + dice.randbytes(2000)


def nothing(_: Dice, __: Originals) -> Built:
    return "vide.pdf", b""


BUILDERS: tuple[Callable[[Dice, Originals], Built], ...] = (
    png_huge_size, png_huge_chunk, png_bomb, png_text_bomb, jpeg_huge_size, jpeg_garbage, jpeg_of_many_scans, tiff_loop,
    tiff_lies, tiff_of_many_pages, pnm_lies, pdf_xref_loop, pdf_tree_loop, pdf_many_pages, pdf_deep, pdf_content_bomb,
    pdf_object_bomb, pdf_recursive_form, pdf_doubling_forms, pdf_strange_box, pdf_garbage_image, pdf_tiles, pdf_in_pdf,
    pdf_locked, pdf_of_nothing, docx_bomb, docx_entities, zip_in_zip, not_a_document, nothing,
)  # fmt: skip
