"""Edits of a signed PDF: the attacks known as shadow attacks, and the changes that incremental saving makes.

Each edit takes the writer of an incremental update (pyHanko) and changes the file through it.
"""

import re
import zlib
from io import BytesIO

import pikepdf
from PIL import ImageCms
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string


def page(writer, number=0):
    """The dictionary of a page (from 0), to be changed in the update."""
    return writer.find_page_for_modification(number)[0].get_object()


def changed_page(writer):
    """The dictionary of the first page, which the update writes again."""
    place, _ = writer.find_page_for_modification(0)
    writer.mark_update(place)
    return place.get_object()


def stream(writer, content, **entries):
    """Add a stream with these bytes and dictionary entries. Returns the reference to it."""
    return writer.add_object(
        generic.StreamObject({pdf_name(f"/{key}"): value for key, value in entries.items()}, stream_data=content)
    )


def replace_the_shown_payee(writer):
    """Change the appearance of the field, not its value. pyHanko's default policy accepts this as form filling."""
    field = writer.root["/AcroForm"]["/Fields"][0]
    look = field["/AP"]["/N"]
    look._data = look.data.replace(b"Pharmacie du Port", b"Compte de M. Faux!")
    look._encoded_data = None
    writer.mark_update(field["/AP"].raw_get("/N"))


def replace_the_value(writer):
    field = writer.root["/AcroForm"]["/Fields"][0]
    field["/V"] = pdf_string("Compte de M. Faux")
    writer.mark_update(writer.root["/AcroForm"]["/Fields"].raw_get(0))


def uncover_by_an_empty_overlay(writer):
    place = page(writer)["/Resources"]["/XObject"].raw_get("/Ov")
    form = place.get_object()
    form._data, form._encoded_data = b"", None
    writer.mark_update(place)


def swap_the_content(writer):
    place = page(writer).raw_get("/Contents")
    stream = place.get_object()
    stream._data, stream._encoded_data = b"BT /F1 12 Tf 50 700 Td (Payez le double) Tj ET", None
    writer.mark_update(place)


def point_to_other_content(writer):
    leaf = changed_page(writer)
    leaf["/Contents"] = stream(writer, b"BT /F1 12 Tf 50 700 Td (Autre) Tj ET")


def swap_the_font(writer):
    place = page(writer)["/Resources"]["/Font"].raw_get("/F1")
    place.get_object()["/BaseFont"] = pdf_name("/Symbol")
    writer.mark_update(place)


def annotate(writer):
    note = {"/Type": "/Annot", "/Subtype": "/FreeText"}
    entries = {pdf_name(key): pdf_name(value) for key, value in note.items()}
    entries[pdf_name("/Rect")] = generic.ArrayObject([generic.NumberObject(n) for n in (0, 0, 300, 300)])
    entries[pdf_name("/Contents")] = pdf_string("Payez à un autre")
    page, _ = writer.find_page_for_modification(0)
    writer.register_annotation(page, writer.add_object(generic.DictionaryObject(entries)))


def remove_a_page(writer):
    tree = writer.root["/Pages"]
    del tree["/Kids"][1]
    tree["/Count"] = generic.NumberObject(1)
    writer.mark_update(writer.root.raw_get("/Pages"))


def turn_a_page(writer):
    changed_page(writer)["/Rotate"] = generic.NumberObject(180)


def open_with_a_script(writer):
    writer.root["/OpenAction"] = generic.DictionaryObject(
        {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): pdf_string("this.print()")}
    )
    writer.update_root()


def hide_a_layer(writer):
    group = writer.add_object(
        generic.DictionaryObject({pdf_name("/Type"): pdf_name("/OCG"), pdf_name("/Name"): pdf_string("x")})
    )
    shown = generic.DictionaryObject({pdf_name("/OFF"): generic.ArrayObject([group])})
    writer.root["/OCProperties"] = generic.DictionaryObject(
        {pdf_name("/OCGs"): generic.ArrayObject([group]), pdf_name("/D"): shown}
    )
    writer.update_root()


# --- equal values in another notation


def restate_everything(writer):
    for ref in _stated(writer):
        writer.mark_update(ref)


def renumber_the_pages(writer):
    """Copy page, content and font to new numbers. References to the page keep the old numbers."""
    tree = writer.root["/Pages"]
    for number, place in enumerate(list(tree["/Kids"])):
        copy = _copied(place.get_object())
        copy["/Contents"] = writer.add_object(_copied(copy["/Contents"]))
        copy["/Resources"] = writer.add_object(_copied(copy["/Resources"]))
        tree["/Kids"][number] = writer.add_object(copy)
    writer.mark_update(writer.root.raw_get("/Pages"))


def renumber_the_catalogue(writer):
    writer._root = writer.add_object(_copied(writer.root))


def spell_numbers_otherwise(writer):
    """Write 595 as 595.0 in a separate object, and keys in another order."""
    leaf = changed_page(writer)
    box = generic.ArrayObject(writer.add_object(generic.FloatObject(f"{side}.00")) for side in leaf["/MediaBox"])
    leaf["/MediaBox"] = writer.add_object(box)
    for key in reversed(list(leaf)):
        value = leaf.raw_get(key)
        del leaf[key]
        leaf[key] = value


def spell_strings_otherwise(writer):
    place = writer.root["/AcroForm"]["/Fields"].raw_get(0)
    field = place.get_object()
    field["/DA"] = generic.ByteStringObject(field["/DA"].original_bytes)
    field["/Ff"] = generic.NullObject()
    writer.mark_update(place)


def compress_the_content(writer):
    place = page(writer).raw_get("/Contents")
    place.get_object().compress()
    writer.mark_update(place)


def write_object_streams(writer):
    """Move a page into an object stream."""
    leaf = page(writer)
    packed = writer.prepare_object_stream()
    copy = writer.add_object(_copied(leaf), obj_stream=packed)
    tree = writer.root["/Pages"]
    tree["/Kids"][0] = copy
    writer.mark_update(writer.root.raw_get("/Pages"))


def say_who_wrote(writer):
    """Add Acrobat's extension level, and a metadata packet that only names the program."""
    levels = generic.DictionaryObject({pdf_name("/BaseVersion"): pdf_name("/1.7")})
    levels[pdf_name("/ExtensionLevel")] = generic.NumberObject(8)
    writer.root["/Extensions"] = generic.DictionaryObject({pdf_name("/ADBE"): levels})
    writer.update_root()


def _stated(writer):
    xrefs = writer.prev.xrefs
    for revision in range(xrefs.total_revisions):
        for ref in xrefs.explicit_refs_in_revision(revision):
            value = ref.get_object()
            kind = value.get("/Type") if isinstance(value, generic.DictionaryObject) else None
            if kind not in ("/XRef", "/ObjStm") and not isinstance(value, generic.NullObject):
                yield ref


def _copied(value):
    entries = {key: value.raw_get(key) for key in value}
    if isinstance(value, generic.StreamObject):
        return generic.StreamObject(entries, encoded_data=value.encoded_data)
    return generic.DictionaryObject(entries)


def add_defaults_that_no_field_uses(writer):
    """Add a default appearance and resources to the form, as programs built on iText do. No field uses them."""
    form = writer.root["/AcroForm"]
    form["/DA"] = pdf_string("/Helv 0 Tf 0 g")
    font = generic.DictionaryObject(
        {pdf_name("/Type"): pdf_name("/Font"), pdf_name("/BaseFont"): pdf_name("/Helvetica")}
    )
    form["/DR"]["/Font"][pdf_name("/Helv")] = writer.add_object(font)
    form["/DR"][pdf_name("/XObject")] = generic.DictionaryObject({pdf_name("/FRM"): stream(writer, b"")})
    writer.mark_update(writer.root.raw_get("/AcroForm"))


# --- other values that look like harmless changes


def one_figure_of_a_restated_page(writer):
    leaf = changed_page(writer)
    leaf["/MediaBox"][3] = generic.FloatObject("842.5")


def one_figure_of_a_renumbered_page(writer):
    renumber_the_pages(writer)
    leaf = writer.root["/Pages"]["/Kids"][1]
    leaf["/Contents"]._data = leaf["/Contents"].data.replace(b"page 2", b"page 3")
    leaf["/Contents"]._encoded_data = None


def truth_for_a_number(writer):
    place = writer.root["/AcroForm"]["/Fields"].raw_get(0)
    place.get_object()["/F"] = generic.BooleanObject(True)
    writer.mark_update(place)


def swap_the_pages(writer):
    tree = writer.root["/Pages"]
    tree["/Kids"] = generic.ArrayObject(reversed([tree["/Kids"].raw_get(at) for at in (0, 1)]))
    writer.mark_update(writer.root.raw_get("/Pages"))


def swap_renumbered_pages(writer):
    renumber_the_pages(writer)
    swap_the_pages(writer)


def show_a_page_twice(writer):
    tree = writer.root["/Pages"]
    tree["/Kids"].append(tree["/Kids"].raw_get(0))
    tree["/Count"] = generic.NumberObject(3)
    writer.mark_update(writer.root.raw_get("/Pages"))


def broken_compression(writer):
    """Compressed content that one reader decodes completely and another one truncates."""
    place = page(writer).raw_get("/Contents")
    content = place.get_object()
    content.compress()
    writer.mark_update(place)
    content._encoded_data = content.encoded_data[:-4] + b"\0\0\0\0"


def appended_compression(writer):
    """A second compressed stream behind the first; only some readers decode it."""
    place = page(writer).raw_get("/Contents")
    content = place.get_object()
    content.compress()
    writer.mark_update(place)
    content._encoded_data = content.encoded_data + zlib.compress(b" BT /F1 12 Tf 50 500 Td (Signez ici) Tj ET")


def exchange_the_parameters(writer):
    """Change the filter's parameters, which are a separate object. The bytes of the stream stay."""
    place = page(writer, 1)["/Contents"].raw_get("/DecodeParms")
    place.get_object()["/Columns"] = generic.NumberObject(3)
    writer.mark_update(place)


def list_a_page_directly(writer):
    """Put a page with a note directly into the list of pages, not as a reference. Some readers show it."""
    tree = writer.root["/Pages"]
    leaf = _copied(tree["/Kids"][1])
    note = {"/Type": pdf_name("/Annot"), "/Subtype": pdf_name("/FreeText"), "/Contents": pdf_string("Payez le double")}
    leaf[pdf_name("/Annots")] = generic.ArrayObject(
        [generic.DictionaryObject({pdf_name(key): value for key, value in note.items()})]
    )
    tree["/Kids"][1] = leaf
    writer.mark_update(writer.root.raw_get("/Pages"))


def exchange_twin_layers(writer):
    """Move the page's text from one layer to another one of that name."""
    names = changed_page(writer)["/Resources"]["/Properties"]
    first, second = (names.raw_get(key) for key in ("/L1", "/L2"))
    names["/L1"], names["/L2"] = second, first


def copy_a_layer(writer):
    """Replace the page's layer by a copy that no layer configuration lists."""
    names = changed_page(writer)["/Resources"]["/Properties"]
    names["/L1"] = writer.add_object(_copied(names["/L1"]))


def draw_values_anew(writer):
    writer.root["/AcroForm"]["/NeedAppearances"] = generic.BooleanObject(True)
    writer.mark_update(writer.root.raw_get("/AcroForm"))


def lend_a_font(writer):
    """Add the font that a field names and that was missing."""
    fonts = writer.root["/AcroForm"]["/DR"]["/Font"]
    fonts["/F9"] = fonts.raw_get("/F1")
    writer.mark_update(writer.root.raw_get("/AcroForm"))


def exchange_a_font_of_the_form(writer):
    font = generic.DictionaryObject({pdf_name("/Type"): pdf_name("/Font"), pdf_name("/BaseFont"): pdf_name("/Symbol")})
    writer.root["/AcroForm"]["/DR"]["/Font"]["/F1"] = writer.add_object(font)
    writer.mark_update(writer.root.raw_get("/AcroForm"))


def colours_of_another_paper(writer):
    """Add an output intent that shows red as blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    turned = profile.replace(b"rXYZ", b"red?").replace(b"bXYZ", b"rXYZ").replace(b"red?", b"bXYZ")
    output_intent(writer, turned)


def colours_of_a_screen(writer):
    output_intent(writer, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def output_intent(writer, profile):
    """Make this ICC profile the file's only output intent."""
    entries = {pdf_name("/S"): pdf_name("/GTS_PDFA1"), pdf_name("/OutputConditionIdentifier"): pdf_string("sRGB")}
    entries[pdf_name("/DestOutputProfile")] = stream(writer, profile, N=generic.NumberObject(3))
    writer.root["/OutputIntents"] = generic.ArrayObject([generic.DictionaryObject(entries)])
    writer.update_root()


def add_a_text_field(writer):
    box = generic.ArrayObject(generic.NumberObject(side) for side in (300, 400, 500, 420))
    entries = {"/FT": pdf_name("/Tx"), "/T": pdf_string("montant"), "/V": pdf_string("9 000 000"), "/Rect": box}
    entries |= {"/Type": pdf_name("/Annot"), "/Subtype": pdf_name("/Widget")}
    field = writer.add_object(generic.DictionaryObject({pdf_name(key): value for key, value in entries.items()}))
    leaf = changed_page(writer)
    leaf["/Annots"].append(field)
    writer.mark_update(leaf.raw_get("/Annots"))
    writer.root["/AcroForm"]["/Fields"].append(field)
    writer.mark_update(writer.root.raw_get("/AcroForm"))


def lock_by_another_hand(writer):
    writer.root["/Perms"] = generic.DictionaryObject()
    writer.update_root()


# --- what the field of a second signature must not do


def _own(writer):
    """The field of the second signature, which pyHanko has just made."""
    form = writer.root["/AcroForm"]
    place = form["/Fields"].raw_get(len(form["/Fields"]) - 1)
    writer.mark_update(place)
    return place.get_object()


def own_field_acts(writer):
    action = {pdf_name("/S"): pdf_name("/URI"), pdf_name("/URI"): pdf_string("https://example.org")}
    _own(writer)["/A"] = generic.DictionaryObject(action)


def own_field_acts_on_touch(writer):
    _own(writer)["/AA"] = generic.DictionaryObject()


def own_field_on_a_layer(writer):
    _own(writer)["/OC"] = changed_page(writer)["/Resources"]["/Properties"].raw_get("/L1")


def own_field_grows_on_the_screen(writer):
    _own(writer)["/F"] = generic.NumberObject(4 | 8)


def own_field_on_paper_alone(writer):
    _own(writer)["/F"] = generic.NumberObject(4 | 32)


def own_field_has_the_name_of_another(writer):
    _own(writer)["/T"] = pdf_string("payee")


def own_field_on_two_pages(writer):
    place = writer.root["/AcroForm"]["/Fields"].raw_get(len(writer.root["/AcroForm"]["/Fields"]) - 1)
    other, _ = writer.find_page_for_modification(1)
    writer.register_annotation(other, place)


def own_field_names_another_page(writer):
    _own(writer)["/P"] = writer.root["/Pages"]["/Kids"].raw_get(1)


def own_field_lies_elsewhere(writer):
    """The field lies over the text of the page."""
    _own(writer)["/Rect"] = generic.ArrayObject(generic.NumberObject(side) for side in (40, 690, 240, 720))


def own_field_covers_the_page(writer):
    _own(writer)["/Rect"] = generic.ArrayObject(generic.NumberObject(side) for side in (595, 842, 0, 0))


def own_field_is_a_button_too(writer):
    _own(writer)["/FT"] = pdf_name("/Btn")


def own_field_with_a_comment(writer):
    own = _own(writer)
    own["/Popup"] = writer.add_object(generic.DictionaryObject({pdf_name("/Contents"): pdf_string("Nul")}))


# --- appearances that some readers do not clip to the field's rectangle


def look(writer, bounds=None, **entries):
    """An appearance that draws white paper and another amount over the whole page, wherever the field is."""
    font = {"/Type": pdf_name("/Font"), "/Subtype": pdf_name("/Type1"), "/BaseFont": pdf_name("/Helvetica")}
    fonts = {pdf_name("/F1"): generic.DictionaryObject({pdf_name(key): value for key, value in font.items()})}
    entries["Resources"] = generic.DictionaryObject({pdf_name("/Font"): generic.DictionaryObject(fonts)})
    if bounds is not None:
        entries["BBox"] = numbers(*bounds)
    content = b"q 1 g -600 -850 1800 2500 re f Q BT 0 g /F1 24 Tf 50 650 Td (PAYEZ 9 000 000) Tj -300 -200 Td (9) Tj ET"
    return stream(writer, content, Type=pdf_name("/XObject"), Subtype=pdf_name("/Form"), **entries)


def numbers(*given):
    return generic.ArrayObject(generic.FloatObject(one) for one in given)


def dictionary_of_look(writer, content):
    bounds = numbers(0, 0, 20, 20)
    return generic.DictionaryObject({pdf_name("/N"): stream(writer, content, BBox=bounds)})


def with_look(own, look, *, box=None):
    own["/AP"] = generic.DictionaryObject({pdf_name("/N"): look})
    own["/F"] = generic.NumberObject(4)
    if box is not None:
        own["/Rect"] = numbers(*box)


def own_look_without_bounds(writer):
    with_look(_own(writer), look(writer))


def own_look_without_area(writer):
    with_look(_own(writer), look(writer, (5, 5, 5, 5)))


def own_look_with_three_bounds(writer):
    with_look(_own(writer), look(writer, (0, 0, 5)))


def own_look_with_a_name_for_bounds(writer):
    with_look(_own(writer), look(writer, BBox=pdf_name("/x")))


def own_look_folded_flat(writer):
    with_look(_own(writer), look(writer, (0, 0, 500, 500), Matrix=numbers(0, 0, 0, 0, 0, 0)))


def own_look_of_a_field_nowhere(writer):
    with_look(_own(writer), look(writer, (0, 0, 595, 842)), box=(0, 0, 0, 0))


def own_look_of_a_field_nowhere_without_bounds(writer):
    with_look(_own(writer), look(writer), box=(0, 0, 0, 0))


def foreseen_field(writer):
    fields = writer.root["/AcroForm"]["/Fields"]
    for number in range(len(fields)):
        if fields[number]["/T"] == "second":
            writer.mark_update(fields.raw_get(number))
            return fields[number]
    raise AssertionError("no such field")


def shown_stamp_field(writer):
    """An empty time-stamp field without a rectangle, but with an appearance."""
    entries = {"/FT": "/Sig", "/Type": "/Annot", "/Subtype": "/Widget"}
    field = generic.DictionaryObject({pdf_name(key): pdf_name(value) for key, value in entries.items()})
    field[pdf_name("/T")] = pdf_string("stamp")
    with_look(field, look(writer), box=(0, 0, 0, 0))
    place = writer.add_object(field)
    writer.root["/AcroForm"]["/Fields"].append(place)
    writer.mark_update(writer.root.raw_get("/AcroForm"))
    writer.register_annotation(writer.find_page_for_modification(0)[0], place)


# --- objects that no cross-reference table lists


def hidden_content(pdf, page=0):
    """Another text for the page, under the object number of the first, as bytes to append to a file."""
    with pikepdf.open(BytesIO(pdf)) as opened:
        number = opened.pages[page].Contents.objgen[0]
    content = b"BT /F1 24 Tf 50 650 Td (Payez 9 000 000) Tj ET"
    return b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, len(content), content)


def with_table(pdf, objects=b"", entries=b"0000000000 65535 f \n"):
    """The file with these bytes appended, and a cross-reference table that lists only object 0."""
    root = re.findall(rb"/Root (\d+ \d+ R)", pdf)[-1]
    size = max(int(one) for one in re.findall(rb"/Size (\d+)", pdf))
    previous = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    trailer = b"trailer\n<< /Size %d /Root %s /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    return pdf + objects + b"xref\n0 1\n" + entries + trailer % (size, root, previous, len(pdf) + len(objects))


ODD_ENTRY = b"0000000000 65535 f\n"  # 19 bytes: PDFium rebuilds the file


# --- a page whose content is also a metadata packet

_PACKET = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">%s<rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""%s/></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def packet(aside, written=b""):
    return _PACKET % (aside, b' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:ModifyDate="%s"' % written)


def restated_packet(pdf, content):
    """The file with another packet, and no other change."""
    with pikepdf.open(BytesIO(pdf)) as opened:
        number = opened.Root.Metadata.objgen[0]
    head = b"%d 0 obj\n<< /Type /Metadata /Subtype /XML /Length %d >>" % (number, len(content))
    entries = b"0000000000 65535 f \n%d 1\n%010d 00000 n \n" % (number, len(pdf))
    return with_table(pdf, b"%s\nstream\n%s\nendstream\nendobj\n" % (head, content), entries)


def as_object_streams(pdf):
    """The file with object streams and a cross-reference stream, as newer programs write it."""
    output = BytesIO()
    with pikepdf.open(BytesIO(pdf)) as opened:
        opened.save(output, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return output.getvalue()
