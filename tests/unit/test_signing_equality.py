"""Which values of a PDF are equal, which packets say equal things, which colours look equal."""

import zlib
from decimal import Decimal
from functools import cache

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String
from PIL import ImageCms

from signing.colours import _is_close, shows_the_same
from signing.equality import decoded, is_container, same_kind, same_scalar, same_when_decoded
from signing.packets import says_nothing, says_the_same

PDF = pikepdf.new()


def stream(raw, **entries):
    """A stream with exactly these bytes and entries."""
    made = pikepdf.Stream(PDF, b"")
    for key, value in entries.items():
        made[f"/{key}"] = value
    coding, parameters = made.get("/Filter"), made.get("/DecodeParms")
    made.write(raw, filter=coding, decode_parms=parameters)
    return made


# --- values


def test_what_holds_other_values():
    assert [is_container(one) for one in (Dictionary(), Array(), stream(b""))] == [True] * 3
    assert [is_container(one) for one in (1, None, True, Decimal(1), Name.A, String("a"))] == [False] * 6


def test_containers_are_of_one_kind_with_their_like_alone():
    kinds = [Dictionary(), Array(), stream(b"")]
    for number, one in enumerate(kinds):
        assert [same_kind(one, other) for other in kinds] == [number == at for at in range(3)]
        assert not same_kind(one, 1)
        assert not same_kind(1, one)
    assert not same_kind(1, 1)


SCALARS = [
    ([1, Decimal("1.0"), Decimal("1.00")], "number"),
    ([2], "another number"),
    ([0, Decimal("0.0")], "nought"),
    ([True], "true"),
    ([False], "false"),
    ([None], "nothing"),
    ([String("a"), String(b"a")], "string"),
    ([String("1")], "string of a figure"),
    ([Name("/a"), Name("/a")], "name"),
    ([Name("/b")], "another name"),
    ([String("/a")], "string spelt as a name"),
    ([String("")], "empty string"),
]


@pytest.mark.parametrize("one", range(len(SCALARS)))
def test_scalars_are_the_same_as_their_like_alone(one):
    for other, (values, _) in enumerate(SCALARS):
        for mine in SCALARS[one][0]:
            for theirs in values:
                assert same_scalar(mine, theirs) is (one == other), (mine, theirs)


def test_containers_are_no_scalars():
    assert same_scalar(Dictionary(), None) is False
    assert same_scalar(None, Dictionary()) is False
    assert same_scalar(Dictionary(), Dictionary()) is False


# --- streams

TEXT = b"BT (1 000) Tj ET"
PACKED = zlib.compress(TEXT)


@pytest.mark.parametrize(
    ("raw", "entries", "told"),
    [
        (TEXT, {}, TEXT),
        (PACKED, {"Filter": Name.FlateDecode}, TEXT),
        (PACKED, {"Filter": Array([Name.FlateDecode])}, TEXT),
        (TEXT, {"Filter": Array([])}, TEXT),
        (PACKED + b"\r\n \t\0\f", {"Filter": Name.FlateDecode}, TEXT),
        (PACKED + b"x", {"Filter": Name.FlateDecode}, None),
        (PACKED + b"X", {"Filter": Name.FlateDecode}, None),
        (PACKED + zlib.compress(b"more"), {"Filter": Name.FlateDecode}, None),
        (PACKED[:-1], {"Filter": Name.FlateDecode}, None),
        (PACKED[:-4] + b"\0\0\0\0", {"Filter": Name.FlateDecode}, None),
        (b"", {"Filter": Name.FlateDecode}, None),
        (TEXT, {"Filter": Name.FlateDecode}, None),
        (PACKED, {"Filter": Name.FlateDecode, "DecodeParms": Dictionary(Predictor=1)}, None),
        (TEXT, {"DecodeParms": Dictionary()}, None),
        (TEXT, {"F": String("elsewhere")}, None),
        (TEXT.hex().encode() + b">", {"Filter": Name.ASCIIHexDecode}, None),
        (PACKED, {"Filter": Array([Name.FlateDecode, Name.FlateDecode])}, None),
        (TEXT, {"Filter": Array([Name.ASCIIHexDecode, Name.FlateDecode])}, None),
    ],
)
def test_only_what_every_reader_decodes_alike_is_decoded(raw, entries, told):
    assert decoded(stream(raw, **entries)) == told


@pytest.mark.parametrize("coding", [String("FlateDecode"), Array([String("/FlateDecode")]), 5])
def test_a_filter_that_is_no_name_is_not_decoded(coding):
    made = stream(PACKED)
    made["/Filter"] = coding
    assert decoded(made) is None


def test_streams_are_the_same_when_both_can_be_decoded_to_the_same():
    packed = stream(PACKED, Filter=Name.FlateDecode)
    assert same_when_decoded(packed, stream(TEXT))
    assert same_when_decoded(stream(TEXT), packed)
    assert not same_when_decoded(packed, stream(TEXT + b" "))
    odd = stream(PACKED + b"x", Filter=Name.FlateDecode)
    assert not same_when_decoded(odd, odd)
    assert not same_when_decoded(stream(TEXT), odd)
    assert same_when_decoded(stream(b""), stream(b""))


def test_a_stream_that_swells_beyond_all_measure_is_not_decoded(monkeypatch):
    monkeypatch.setattr("signing.equality._MOST_BYTES", 1000)
    assert decoded(stream(zlib.compress(b"a" * 1000), Filter=Name.FlateDecode)) == b"a" * 1000
    assert decoded(stream(zlib.compress(b"a" * 1001), Filter=Name.FlateDecode)) is None


def test_a_page_may_swell_to_sixty_four_megabytes():
    full = 64 * 1024 * 1024
    assert len(decoded(stream(zlib.compress(bytes(full), 1), Filter=Name.FlateDecode))) == full
    assert decoded(stream(zlib.compress(bytes(full + 1), 1), Filter=Name.FlateDecode)) is None


# --- packets

WRAPPED = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>%s<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
xmlns:dc="http://purl.org/dc/elements/1.1/"%s/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def packet(said=b"", aside=b""):
    return WRAPPED % (aside, b" " + said)


def test_what_tells_when_and_by_what_it_was_written_says_the_same():
    before = packet(b'xmp:ModifyDate="2026-01-01" xmp:MetadataDate="2026-01-01" pdf:Producer="A" dc:format="x"')
    for after in (
        packet(b'xmp:ModifyDate="2026-02-02" xmp:MetadataDate="2026-02-02" pdf:Producer="B" dc:format="x"'),
        packet(b'dc:format="x" xmp:ModifyDate="2027-01-01"'),
        packet(b'dc:format="x"'),
        packet(b'dc:format="x"').replace(b' rdf:about=""', b""),
        packet(b'dc:format="x"').replace(b'begin=""', b"begin='\xef\xbb\xbf'").replace(b'end="w"', b"end='r'"),
        packet(b'dc:format="x"').replace(b"rdf:", b"r:").replace(b"s:rdf", b"s:r"),
    ):
        assert says_the_same(before, after), after
        assert says_the_same(after, before)


def test_everything_else_that_a_packet_tells_is_compared():
    before = packet(b'dc:format="x" xmp:CreateDate="2026-01-01"')
    for after in (
        packet(b'dc:format="y" xmp:CreateDate="2026-01-01"'),
        packet(b'dc:format="x" xmp:CreateDate="2026-01-02"'),
        packet(b'dc:format="x"'),
        packet(b'dc:format="x" xmp:CreateDate="2026-01-01" dc:source="y"'),
        packet(b'dc:format="x" xmp:CreateDate="2026-01-01" xmp:Producer="y"'),
        packet(b'dc:format="x" xmp:CreateDate="2026-01-01" pdf:ModifyDate="y"'),
    ):
        assert not says_the_same(before, after), after
        assert not says_the_same(after, before)


@pytest.mark.parametrize("aside", [b"<!-- 1 000 -->", b"<!-- 1\n000 -->", b"<?note 1 000?>", b"<?note 1\n000?>"])
def test_what_stands_aside_may_go_and_not_come(aside):
    before, without = packet(b'dc:format="x"', aside), packet(b'dc:format="x" xmp:ModifyDate="2026"')
    assert says_the_same(before, without)
    assert not says_the_same(without, before)
    assert not says_the_same(before, packet(b'dc:format="x"', aside.replace(b"000", b"999")))
    assert says_the_same(before, packet(b'dc:format="x" pdf:Producer="A"', aside))
    assert not says_nothing(packet(b'xmp:ModifyDate="2026"', aside))


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        (b'begin=""', b'begin="x"'),
        (b"W5M0MpCehiHzreSzNTczkc9d", b"W5M0MpCehiHzreSzNTczkc9e"),
        (b'end="w"', b'end="x"'),
        (b'end="w"', b'end="w" note="x"'),
        (b'kc9d"?', b'kc9d" note="x"?'),
    ],
)
def test_a_wrapper_that_says_something_is_none(was, is_now):
    before = packet(b'dc:format="x"')
    after = before.replace(was, is_now)
    assert after != before
    assert not says_the_same(before, after)
    assert not says_nothing(packet().replace(was, is_now))


def test_the_same_bytes_say_the_same_whatever_they_are():
    assert says_the_same(b"no packet", b"no packet")
    assert not says_the_same(b"no packet", b"none")


def test_two_graphs_or_none_are_not_compared():
    one = packet(b'dc:format="x"')
    graph = one[one.index(b"<rdf:RDF") : one.index(b"</x:xmpmeta>")]
    two = one.replace(b"</x:xmpmeta>", graph.replace(b'"x"', b'"y"') + b"</x:xmpmeta>")
    assert not says_the_same(two, two + b" ")
    assert not says_the_same(one, two)
    assert not says_nothing(two)
    assert not says_nothing(b"<x/>")
    assert not says_nothing(packet().replace(b"</x:xmpmeta>", b"<RDF/></x:xmpmeta>"))


@pytest.mark.parametrize("odd", [b"<rdf:RDF", packet()[:-30], packet() + b"</x>", packet(b'dc:format="\xff"')])
def test_what_cannot_be_read_says_neither(odd):
    assert not says_nothing(odd)
    assert not says_the_same(odd, packet())
    assert not says_the_same(packet(), odd)


def test_a_packet_that_tells_the_time_alone_says_nothing():
    assert says_nothing(packet())
    assert says_nothing(packet(b'xmp:ModifyDate="2026-01-01" xmp:MetadataDate="2026" pdf:Producer="A"'))
    assert not says_nothing(packet(b'xmp:CreateDate="2026-01-01"'))
    assert not says_nothing(packet(b'dc:format="x"'))


# --- colours


@cache
def screen():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped():
    """Red and blue are exchanged."""
    return screen().replace(b"rXYZ", b"red?").replace(b"bXYZ", b"rXYZ").replace(b"red?", b"bXYZ")


def intents(profile=None, count=1, n=3, **entries):
    made = stream(screen() if profile is None else profile)
    if n is not None:
        made["/N"] = n
    entry = Dictionary(
        S=Name("/GTS_PDFA1"), OutputConditionIdentifier=String("sRGB"), DestOutputProfile=made, **entries
    )
    return Array([entry] * count)


def test_an_intent_of_the_screen_changes_no_colour():
    assert shows_the_same(intents())
    packed = intents()
    packed[0]["/DestOutputProfile"].write(zlib.compress(screen()), filter=Name.FlateDecode)
    assert shows_the_same(packed)


def test_every_other_intent_may():
    other = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    lacking = intents()
    del lacking[0]["/DestOutputProfile"]
    text = intents()
    text[0]["/DestOutputProfile"] = String("sRGB")
    coded = intents()
    coded[0]["/DestOutputProfile"].write(b"00>", filter=Name.ASCIIHexDecode)
    for one in (
        None, Dictionary(), Array([]), intents(count=2), Array([1]), Array([Array([])]), lacking, text, coded,
        intents(swapped()), intents(other), intents(b""), intents(b"no profile"), intents(screen()[:200]),
        intents(n=4), intents(n=1), intents(n=None), intents(Info=Dictionary()), intents(Info=Array([])),
    ):  # fmt: skip
        assert shows_the_same(one) is False


def test_a_profile_may_be_a_megabyte(monkeypatch):
    monkeypatch.setattr("signing.colours._is_srgb", lambda _raw: True)
    assert shows_the_same(intents(bytes(1024 * 1024)))
    assert not shows_the_same(intents(bytes(1024 * 1024 + 1)))


def test_nobody_sees_six_steps_of_a_colour():
    assert _is_close(b"\x10\x20\x30", b"\x10\x20\x30")
    assert _is_close(b"\x10\x20\x30", b"\x16\x1a\x30")
    assert not _is_close(b"\x10\x20\x30", b"\x17\x20\x30")
    assert not _is_close(b"\x10\x20\x30", b"\x10\x20\x29")
    assert not _is_close(b"\x10\x20", b"\x10\x20\x30")
    assert not _is_close(b"\x10\x20\x30", b"\x10\x20")
