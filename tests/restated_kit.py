"""Objects of a signed PDF that a later revision states again: attacks, additions in a separate field, harmless
changes."""

from __future__ import annotations

import zlib

from pikepdf import Array, Dictionary, Name

from tests import shadow_kit as shadow

SOUND = [
    shadow.restate_everything,
    shadow.renumber_the_pages,
    shadow.renumber_the_catalogue,
    shadow.spell_numbers_otherwise,
    shadow.spell_strings_otherwise,
    shadow.compress_the_content,
    shadow.say_who_wrote,
    shadow.add_defaults_that_no_field_uses,
]
ATTACKS = [
    (shadow.replace_the_shown_payee, "annotations"),
    (shadow.replace_the_value, "annotations"),
    (shadow.uncover_by_an_empty_overlay, "page_content"),
    (shadow.swap_the_content, "page_content"),
    (shadow.point_to_other_content, "page_content"),
    (shadow.swap_the_font, "page_content"),
    (shadow.annotate, "annotations"),
    (shadow.remove_a_page, "pages"),
    (shadow.turn_a_page, "page_content"),
    (shadow.open_with_a_script, "actions"),
    (shadow.hide_a_layer, "layers"),
    (shadow.one_figure_of_a_restated_page, "page_content"),
    (shadow.one_figure_of_a_renumbered_page, "page_content"),
    (shadow.truth_for_a_number, "annotations"),
    (shadow.swap_the_pages, "page_content"),
    (shadow.swap_renumbered_pages, "page_content"),
    (shadow.show_a_page_twice, "pages"),
    (shadow.broken_compression, "page_content"),
    (shadow.appended_compression, "page_content"),
    (shadow.exchange_the_parameters, "page_content"),
    (shadow.list_a_page_directly, "annotations"),
    (shadow.exchange_twin_layers, "layers"),
    (shadow.copy_a_layer, "layers"),
    (shadow.lend_a_font, "form_values"),
    (shadow.exchange_a_font_of_the_form, "form_values"),
    (shadow.colours_of_another_paper, "structure"),
    (shadow.add_a_text_field, "annotations"),
    (shadow.lock_by_another_hand, "structure"),
]
OWN_FIELD = [
    shadow.own_field_acts,
    shadow.own_field_acts_on_touch,
    shadow.own_field_on_a_layer,
    shadow.own_field_grows_on_the_screen,
    shadow.own_field_on_paper_alone,
    shadow.own_field_has_the_name_of_another,
    shadow.own_field_on_two_pages,
    shadow.own_field_names_another_page,
    shadow.own_field_lies_elsewhere,
    shadow.own_field_covers_the_page,
    shadow.own_field_with_a_comment,
    shadow.draw_values_anew,
    shadow.own_look_without_bounds,
    shadow.own_look_without_area,
    shadow.own_look_with_three_bounds,
    shadow.own_look_with_a_name_for_bounds,
    shadow.own_look_folded_flat,
    shadow.own_look_of_a_field_nowhere,
    shadow.own_look_of_a_field_nowhere_without_bounds,
]


def layered(pdf):
    """Add two visible layers of one name, a field that names a missing font, and a filter's parameters as a separate
    object."""
    twins = [pdf.make_indirect(Dictionary(Type=Name.OCG, Name="x")) for _ in range(2)]
    pdf.Root.OCProperties = Dictionary(OCGs=Array(twins), D=Dictionary(ON=Array(twins)))
    pdf.pages[0].Resources.Properties = Dictionary(L1=twins[0], L2=twins[1])
    pdf.Root.AcroForm.Fields[0].DA = "/F9 12 Tf"
    pressed = zlib.compress(pdf.pages[1].Contents.read_bytes())
    parameters = pdf.make_indirect(Dictionary(Predictor=1, Columns=1))
    pdf.pages[1].Contents = pdf.make_stream(pressed, Filter=Name.FlateDecode, DecodeParms=parameters)


def with_packet(packet):
    """A function that gives a PDF this packet of metadata, as an object that can be restated."""

    def add(pdf):
        pdf.Root.Metadata = pdf.make_indirect(pdf.make_stream(packet, Type=Name.Metadata, Subtype=Name.XML))

    return add
