"""For any accepted pattern: numbers differ, are complete, and are found however they are typed."""

import string
from datetime import date
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ged.errors import Invalid
from ged.register.numbering import MAX_KEY, MAX_LENGTH, MAX_SEQUENCE, check_pattern, format_number, number_key

# The two-digit years 2000 to 2009 would lose their zero. No register of this program is that old.
DAYS = st.dates(date(2010, 1, 1), date(2099, 12, 31))
CODES = st.text(string.ascii_letters + string.digits + "ÉÀÇ-", min_size=1, max_size=8)
SEQUENCES = st.integers(1, 12_000) | st.integers(1, MAX_SEQUENCE)
SPECS = st.sampled_from(["", ":03d", ":05d", ":d", ":6", ":07"])
LITERALS = st.text("/-. N°0TG19", max_size=3)
WHOLE = settings(max_examples=max(100, settings().max_examples))
"""No fewer examples in the usual run: a wrong number cannot be taken back."""
ODD = st.text(string.printable.replace("{", "").replace("}", ""), max_size=6)


@st.composite
def patterns(draw: st.DrawFn, *, must: tuple[str, ...] = ()) -> str:
    """Accepted patterns: ``seq``, the required fields, some optional ones, in any order, with text between them."""
    rest = draw(
        st.lists(st.sampled_from(["{year}", "{yy}", "{month}", "{entity}", "{unit}", "{register}"]), max_size=2)
    )
    parts = draw(st.permutations(["{seq" + draw(SPECS) + "}", *must, *rest]))
    pattern = "".join(part + draw(LITERALS) for part in parts)
    try:
        return check_pattern(pattern)
    except Invalid:
        assume(False)
        raise


def number(pattern: str, sequence: int, on: date, code: str = "MEM") -> str:
    return format_number(pattern, sequence=sequence, on=on, entity=code, unit=code, register=code)


@WHOLE
@given(patterns(), SEQUENCES, DAYS, st.text(string.ascii_uppercase, min_size=1, max_size=32))
def test_what_is_accepted_is_written_in_full(pattern: str, sequence: int, on: date, code: str) -> None:
    text = number(pattern, sequence, on, code)
    assert str(sequence) in text
    assert len(text) <= MAX_LENGTH
    assert 0 < len(number_key(text)) <= MAX_KEY


@WHOLE
@given(st.sampled_from(["{year}", "{yy}"]).flatmap(lambda year: patterns(must=(year,))), CODES, st.data())
def test_two_numbers_of_a_register_never_share_a_key(pattern: str, code: str, data: st.DataObject) -> None:
    """Numbers in the order in which they are given: later ones have later days, and restart only in another year."""
    first, later = sorted(data.draw(st.tuples(DAYS, DAYS)))
    one, other = data.draw(st.tuples(SEQUENCES, SEQUENCES))
    assume(first.year != later.year or one < other)
    texts = number(pattern, one, first, code), number(pattern, other, later, code)
    assert texts[0] != texts[1]
    assert number_key(texts[0]) != number_key(texts[1])


@WHOLE
@given(ODD, st.integers(1, MAX_SEQUENCE), st.integers(1, MAX_SEQUENCE))
def test_no_way_to_write_a_sequence_loses_a_digit(spec: str, one: int, other: int) -> None:
    """Python's formats can round, cut, or pad at the end. Such a pattern is refused, or its numbers differ."""
    assume(one != other)
    for pattern in ("{seq:" + spec + "}", "{seq!s:" + spec + "}", "{seq!r:" + spec + "}"):
        try:
            check_pattern(pattern)
        except Invalid:
            continue
        keys = {number_key(number(pattern, n, date(2026, 3, 4))) for n in (one, other, 10 * one, 10 * other)}
        assert len(keys) == len({one, other, 10 * one, 10 * other}), pattern


@st.composite
def typed(draw: st.DrawFn, text: str) -> str:
    """The number as a person may type it: capitals, spaces, other separators, zeros, and "n°" before it."""
    out = []
    for before, char in zip(" " + text, text, strict=False):
        if char.isdigit() and not before.isdigit():
            out.append(draw(st.sampled_from(["", "0", "00"])))
        if char in "/-. ":
            out.append(draw(st.sampled_from(["/", "-", " / ", ".", "  "])))
        else:
            out.append(draw(st.sampled_from([char, char.swapcase()])))
    return draw(st.sampled_from(["", "n° ", "N°", " №:"])) + "".join(out) + draw(st.sampled_from(["", " ", "."]))


@WHOLE
@given(st.sampled_from(["{seq:05d}/{year}/{entity}", "{seq}-{yy}", "{entity}-{seq:04d}/{month}/{unit}"]), SEQUENCES, DAYS,
       CODES, st.data())  # fmt: skip
def test_a_number_is_found_as_it_is_typed(
    pattern: str, sequence: int, on: date, code: str, data: st.DataObject
) -> None:
    text = number(pattern, sequence, on, code)
    assert number_key(data.draw(typed(text))) == number_key(text)


@WHOLE
@given(st.text(max_size=MAX_LENGTH))
def test_a_key_is_its_own_key(text: str) -> None:
    key = number_key(text)
    assume(len(key) < MAX_KEY)  # a cut number may end in the middle of a field
    assert number_key(key) == key


@WHOLE
@given(st.text("123456789", min_size=2, max_size=8), st.data())
def test_groups_of_digits_stay_apart(digits: str, data: st.DataObject) -> None:
    """``4/22026`` differs from ``42/2026``."""
    cuts = st.lists(st.integers(1, len(digits) - 1), unique=True).map(sorted)
    one, other = (
        "/".join(digits[a:b] for a, b in pairwise([0, *places, len(digits)]))
        for places in data.draw(st.tuples(cuts, cuts))
    )
    assert (number_key(one) == number_key(other)) == (one == other)
