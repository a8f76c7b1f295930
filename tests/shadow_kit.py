"""Edits of a signed file: what shadow attacks and incremental saving change."""

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string


def page(writer, number=0):
    return writer.find_page_for_modification(number)[0].get_object()


def changed_page(writer):
    place, _ = writer.find_page_for_modification(0)
    writer.mark_update(place)
    return place.get_object()


def stream(writer, content, **entries):
    return writer.add_object(
        generic.StreamObject({pdf_name(f"/{key}"): value for key, value in entries.items()}, stream_data=content)
    )


def replace_the_shown_payee(writer):
    """The look of the field changes, its value does not: pyHanko's default policy calls it form filling."""
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
