"""Typed queries become a tree, and no text makes the parser fail."""

from datetime import date
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.days import read_day
from indexer.query import AS_WORDS, MAX_TERMS, NO_WORD, SHORTENED, parse
from indexer.tree import AnyOf, Number, Prefix, Words, plain


def stems(text: str) -> list[str]:
    return [form.stem for node in parse(text).words if isinstance(node, Words) for form in node.forms]


def test_plain_words_lose_their_stop_words() -> None:
    parsed = parse("l'électricité de la ville")
    assert [node.text for node in parsed.words if isinstance(node, Words)] == ["l'électricité", "ville"]
    assert [form.written for form in parsed.run] == ["électricité", "de", "la", "ville"]


def test_stop_words_stay_when_there_is_nothing_else() -> None:
    assert len(parse("de la").words) == 2
    assert parse('"avis" de la').words == ()


@pytest.mark.parametrize(("count", "minimum"), [(1, 1), (2, 1), (3, 2), (4, 2), (6, 3), (10, 5)])
def test_long_sentences_may_miss_words(count: int, minimum: int) -> None:
    assert parse(" ".join(f"motabc{'x' * n}" for n in range(count))).minimum == minimum


def test_every_sign_at_once() -> None:
    parsed = parse(
        'objet:marché -travaux "appel d\'offres" OR consultation réf:"00123/MEM" consul* du:2025-01-01 au:2025'
    )
    subject, either, number, prefix = parsed.required
    assert isinstance(subject, Words)
    assert subject.fields == ("subject",)
    assert isinstance(either, AnyOf)
    assert [node.text for node in either.nodes if isinstance(node, Words)] == ["appel d'offres", "consultation"]
    assert number == Number(("123", "mem"), ("number", "reference"))
    assert prefix == Prefix("consul")
    (travaux,) = parsed.excluded
    assert isinstance(travaux, Words)
    assert travaux.text == "travaux"
    assert (parsed.since, parsed.until, parsed.notice) == (date(2025, 1, 1), date(2025, 12, 31), None)


@pytest.mark.parametrize("text", ["N° 123 / MEM / SG", "n°123/MEM/SG", "№ 00123-mem-sg", "123 MEM SG"])
def test_a_number_however_written(text: str) -> None:
    assert parse(text).whole_number == "123/mem/sg"


def test_words_with_an_unknown_name_and_a_colon_stay_words() -> None:
    parsed = parse("Re: courrier http://exemple.tg/page 10:30")
    assert parsed.notice is None
    assert parsed.required == ()


def test_hyphens_inside_words_exclude_nothing() -> None:
    assert parse("sous-préfet vice - ministre").excluded == ()


@pytest.mark.parametrize(
    "text", ['"ouvert', "du:hier", "du:2025-13-01", "OR a", "a OR", "a OR OR b", "objet:!", "a SAUF", "a OR -b"]
)
def test_nonsense_becomes_words(text: str) -> None:
    parsed = parse(text)
    assert parsed.notice == AS_WORDS
    assert parsed.required == parsed.excluded == ()


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("(((", NO_WORD),
        ('""', NO_WORD),
        ("« »", NO_WORD),
        ("\U0001f642", NO_WORD),
        (" ", None),
        ("-audit", None),
        ("du:2026", None),
        ("le", None),
    ],
)
def test_signs_alone_find_every_letter_and_say_so(text: str, notice: str | None) -> None:
    assert parse(text).notice == notice


def numbered(count: int) -> str:
    return " ".join(f"mot{'abcdefghij'[n % 10]}{'abcdefghij'[n // 10]}" for n in range(count))


SMALL_WORDS = (
    "le la les un une des du de et ou est sont par pour sur sous avec sans dans chez vers qui que quoi dont où ce cet cette ces mon ton son "
    "ma ta sa mes tes ses nous vous ils elles leur leurs il elle on y en au aux à mais donc or ni car si"
)


@pytest.mark.parametrize(
    ("text", "count", "notice"),
    [
        (numbered(48), 48, None), (numbered(49), 32, SHORTENED), (" OU ".join(numbered(49).split()), 32, SHORTENED),
        (f'"{numbered(1)}" {numbered(60)}', 32, SHORTENED), (f'{numbered(60)} "ouvert', 32, SHORTENED),
        ("mot " * 400, 1, None), (f"{'mot ' * 400}autre", 2, None), (f"{'mot ' * 249}moteur", 2, None), ("a" * 1_001, 1, None),
        (f'"{" ".join(word * 10 for word in numbered(40).split())}"', 40, None), ("mot " * 2_501, 1, SHORTENED),
        (f"{SMALL_WORDS} budget", 10, None),
    ],
)  # fmt: skip
def test_too_many_words_are_shortened_and_said(text: str, count: int, notice: str | None) -> None:
    parsed = parse(text)
    assert (len(parsed.words), parsed.notice) == (count, notice)


def test_of_a_pasted_letter_the_longest_words_are_searched_in_their_order() -> None:
    """The first words of each letter are those of the letterhead: the letter was not found by its own text."""
    head = " ".join(f"le {word}" for word in numbered(60).split())
    parsed = parse(f"{head} -autorisation du reboisement {head} objet: électrification")
    assert (parsed.required, parsed.excluded, len(parsed.words)) == ((), (), 32)
    found = [leaf.text for node in parsed.words if isinstance(leaf := plain(node), Words)]
    assert [word for word in found if not word.startswith("mot")] == ["autorisation", "reboisement", "électrification"]
    assert len(parse(f"{head} {head} {head} autorisation").words) == 32


@pytest.mark.parametrize(
    ("text", "forms", "also"),
    [
        ("630 k VA", "630 kva", ["630kva", "630 k va"]), ("630 kVA", "630 kva", ["630kva"]), ("2,5 M W", "2 5 mw", ["2 5mw", "2 5 m w"]),
        ("1 250 kg", "1250 kg", ["1250kg", "1 250 kg", "1 250kg"]), ("(1.250.000 kWh)", "1250000 kwh", ["1250000kwh", "1 250 000 kwh", "1 250 000kwh"]),
        ("1250 kg", "1250 kg", ["1250kg", "1 250 kg", "1 250kg"]), ("1250 k VA", "1250 kva", ["1250kva", "1 250 kva", "1 250kva", "1250 k va"]),
        ("12,500 km", "12 500 km", ["12 500km"]), ("1,250,000 kWh", "1250000 kwh", ["1250000kwh", "1 250 000 kwh", "1 250 000kwh"]),
    ],
)  # fmt: skip
def test_a_number_and_its_unit_are_one_word_with_blanks_inside_of_either(
    text: str, forms: str, also: list[str]
) -> None:
    for typed in (text, f"transformateur {text} urgent"):
        word = next(node for node in parse(typed).words if isinstance(node, Words) and node.also)
        assert " ".join(form.folded for form in word.forms) == forms
        assert [" ".join(form.folded for form in run) for run in word.also] == also


@pytest.mark.parametrize(
    ("sign", "notice"), [("-secret", AS_WORDS), ("OU marché", AS_WORDS), ("objet: marché", None), ("- un point", None)]
)
def test_a_pasted_text_says_where_its_signs_are_not_read(sign: str, notice: str | None) -> None:
    assert parse(f"{sign} {'mot ' * 300}").notice == notice


@pytest.mark.parametrize("text", ["12 m va", "10 g v", "1 250 k"])
def test_letters_behind_a_number_are_no_unit(text: str) -> None:
    assert len(parse(text).words) > 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("congé/koffi", ["congé", "koffi"]), ("Congé / Koffi,", ["Congé", "Koffi"]), ("eau/route/pont", ["eau", "route", "pont"]),
        ("MEF/CAB", ["MEF/CAB"]), ("km/h", ["km/h"]), ("mem/cab/12", ["mem/cab/12"]), ("réf/budget 2026", ["réf", "budget", "2026"]),
    ],
)  # fmt: skip
def test_words_with_a_stroke_between_them_are_words(text: str, words: list[str]) -> None:
    parsed = parse(text)
    assert [leaf.text for node in parsed.words if isinstance(leaf := plain(node), Words)] == words
    if "/" in text and "/" not in words[0] and "2026" not in text:
        first = parsed.words[0]
        assert isinstance(first, AnyOf), "it may be a reference too"
        assert isinstance(first.nodes[0], Number)


@pytest.mark.parametrize(
    "text",
    ["7", "7 ", "123 ", "/", "a/", "%", "e\u0301", "\u0301\u0323", "😀", "👩\u200d", '"', "a:", "l'", "(", "-a ", "n° "],
)  # fmt: skip
def test_a_megabyte_of_one_sign_is_understood_at_once(text: str) -> None:
    whole = text * (1_000_000 // len(text))
    started = process_time()
    parse(whole)
    assert process_time() - started < 0.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("transf0rmateur " * 200, ["transf0rmateur"]), ("Budget, budget de la ville de Lomé BUDGET", ["Budget,", "ville", "Lomé"]),
        ("12/2026 divers 12/2026", ["12/2026", "divers"]), ('divers "divers"', ["divers"]),
    ],
)  # fmt: skip
def test_a_word_that_is_typed_again_is_asked_once(text: str, words: list[str]) -> None:
    leaves = [plain(node) for node in parse(text).words]
    assert [node.text for node in leaves if isinstance(node, Words)] == words


def test_one_of_several_words_and_a_compound_are_asked_once_for_each_word() -> None:
    (either,) = parse("eau OU Eau OU route").required
    assert isinstance(either, AnyOf)
    assert len(either.nodes) == 2
    (compound,) = parse("eau-route-eau").words
    assert isinstance(compound, Words)
    assert [form.written for form in compound.apart] == ["eau", "route"]


def test_the_run_of_the_words_keeps_a_word_that_is_typed_again() -> None:
    assert [form.written for form in parse("fin de la campagne de coton").run].count("de") == 2


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2025-02-03", date(2025, 2, 3), date(2025, 2, 3)),
        ("03/02/2025", date(2025, 2, 3), date(2025, 2, 3)),
        ("3.2.2025", date(2025, 2, 3), date(2025, 2, 3)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("12/2025", date(2025, 12, 1), date(2025, 12, 31)),
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
    ],
)
def test_days(text: str, first: date, last: date) -> None:
    assert (read_day(text, first=True), read_day(text, first=False)) == (first, last)


@pytest.mark.parametrize("text", ["", "hier", "32/01/2025", "2025-02-30", "25", "2025-01-01-01", "9999-99", "0000"])
def test_no_days(text: str) -> None:
    assert read_day(text, first=True) is None


SIGNS = st.sampled_from(
    ['"', "-", "OR ", "OU", "AND", "SAUF ", "*", "objet:", "réf:", "n°:", "N° ", "du:", "au:", "2025-01-01", "00123", "/",
     ":", "'", "l'", "«", "»", "(", ")", "\\", "~", "^", "\x00", "\ud800", "é", "mot", " ", "\n", "٣", "²", "ⅷ"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(SIGNS, max_size=40).map("".join)))
@example("²")
@example("du:٢٠٢٥")
@example("au:9999-12")
@example("n°:²³")
def test_no_text_raises(text: str) -> None:
    parsed = parse(text)
    assert len(parsed.wanted) + len(parsed.excluded) <= MAX_TERMS
    assert 0 <= parsed.minimum <= len(parsed.words)


@pytest.mark.parametrize("sign", ["V/REF ", "V/Réf : ", "N/Réf.: ", "S/ref. ", "v/références : ", "N° ", "n°"])
def test_what_stands_before_a_number_is_no_word(sign: str) -> None:
    assert parse(f"{sign}0017/MEF") == parse("0017/MEF")


@pytest.mark.parametrize("text", ["V/Réf du ministère", "V/Réf", "MV/Réf 0017", "N/Réforme2026 budget"])
def test_words_like_those_before_a_number_stay(text: str) -> None:
    assert len(parse(text).words) == len(text.replace(" du ", " ").split())


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("630 KVA", ["630 kva", "630kva"]), ("630kVA", ["630 kva", "630kva"]), ("(630 kVA),", ["630 kva", "630kva"]), ("0,4 kV", ["0 4 kv", "0 4kv"]),
        ("12 ha", ["12 ha", "12ha"]), ("3 KM", ["3 km", "3km"]),
    ],
)  # fmt: skip
def test_a_number_with_its_unit_is_no_number_of_a_letter(text: str, runs: list[str]) -> None:
    (node,) = parse(f"{text} de poteaux").words[:1]
    assert isinstance(node, Words)
    assert [" ".join(form.folded for form in run) for run in (node.forms, *node.also)] == runs


@pytest.mark.parametrize("text", ["630", "630 KVA-2", "12 mois", "12 ha/2026", "12 g", "A630 kVA", '"630 kVA"'])
def test_other_numbers_are_numbers_or_words(text: str) -> None:
    assert not any(isinstance(node, Words) and len(node.forms) > 1 and node.also for node in parse(text).words)
