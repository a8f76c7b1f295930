"""Parses a typed text into a tree that both engines translate. Pure; never raises.

Words, "phrases", -exclusion, OR between neighbours, prefix*, and fields in French and English::

    objet:marché -travaux "appel d'offres" OR consultation réf:"123/MEM" du:2025-01-01 au:2025-06-30

A text that cannot be parsed (an unclosed quote, an invalid date, OR without a neighbour) is searched as plain words,
and ``notice`` says so.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import date

from ged.ports import NO_WORD
from indexer import amounts, analysis, numbers, telephones
from indexer.days import read_day
from indexer.fields import NUMBER_FIELDS, QUERY_NAMES, SINCE_NAMES, SPACED_NAMES, UNTIL_NAMES
from indexer.tree import AnyOf, Node, Number, ParsedQuery, Prefix, Words, plain

AS_WORDS = "query.as_words"
SHORTENED = "query.shortened"
MAX_LENGTH = 1_000
"""The most characters of a text whose signs are read: of a longer one, which was pasted, each word is a word."""
MAX_READ = 10_000
"""The first characters of a text that are read."""
MAX_TERMS = 48
"""The most different words that are searched: each is asked of every field, with its mistakes."""
MAX_CHOSEN = 32
"""So many words of a text with more different words are searched. Half of the different words of French are small ones, so that this
costs what the first 48 did."""
MAX_QUESTION_FORMS = 3


class _Unparsable(Exception):
    """Used inside this module: fall back to plain words."""


_BRACKET = r"(?:[,;(\[{]+(?=\+?\d)(?!(?:\+|00)?\d{1,3}\)\x20?\d))"
"""A bracket before a number, but not that of a country before a telephone; or the comma between two numbers."""
_CHUNK = re.compile(
    rf"""(?P<minus>(?<!\S)-(?=\S))?
        (?:(?P<field>[^\W\d_][\w.°º]*°?)\s?:(?=\S))?
        (?:"(?P<phrase>[^"]*)"|(?P<open>")|{_BRACKET}?(?P<bare>{amounts.MONEY}|{amounts.MEASURE}|{telephones.TELEPHONE}|{amounts.GROUPED}|[^\s"]+))""",
    re.VERBOSE,
)
_QUOTES = str.maketrans({"«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "‐": "-", "‑": "-", "−": "-"})
_SLASHES = re.compile(r"(?<=\w)\s*/\s*(?=\w)")
_SIGN = re.compile(
    r"(?<!\S)(?:(?:n\s?[°º]|№)\s*(?=\d)|[nvs]/r[ée]f(?:[ée]rences?)?(?![^\W\d_])\.?\s?:?\s{0,9}(?=\S{0,40}\d))",
    re.IGNORECASE,
)
"""What stands before a number: N°, and V/Réf. or N/Réf. of a letterhead, which each letter has."""
_SPACED_NAME = re.compile(
    rf"(?<!\S)(-?(?:{'|'.join(re.escape(name) for name in SPACED_NAMES)}))\s?:\s+(?=\S)", re.IGNORECASE
)
_SPACED_CALL = re.compile(r"(?<!\S)(?P<name>-?[^\W\d_]+\.?)\s?:\s+(?=[+(\d])")
_DOTTED = re.compile(r"(?:[^\W\d_]\.){2,}[^\W\d_]?[,;:!?]?")
_STROKED = re.compile(
    rf"[(\[{{]*(?P<words>[^\W\d_]{{3,40}}(?:/[^\W\d_]{{3,40}}){{1,3}})[{re.escape(analysis.PUNCTUATION)}]*"
)
"""Words with strokes between them. Those of fewer letters are a reference, or one sign: km/h, s/c."""
_SIGNED = re.compile(r"(?<!\S)(?:-(?=[^\W\d])|(?:OR|OU|AND|ET|NOT|SAUF)(?!\S))")
"""A sign of a search that a pasted letter hardly has; quotes and colons stand in every letter."""
_OR = ("OR", "OU")
_AND = ("AND", "ET")
_NOT = ("NOT", "SAUF")


@dataclass
class _State:
    wanted: list[Node] = field(default_factory=list)
    excluded: list[Node] = field(default_factory=list)
    since: date | None = None
    until: date | None = None
    joining: bool = False
    excluding: bool = False
    last_was_wanted: bool = False


def parse(text: str) -> ParsedQuery:
    """Parse a text; plain words with a notice when it cannot be parsed. A word that is typed again asks for nothing more."""
    is_typed, is_longer = bool(text.strip()), len(text) > MAX_READ
    text = _tidy(_begin(text))
    if is_longer or len(text) > MAX_LENGTH:
        return _as_words(text, SHORTENED if is_longer else AS_WORDS if _SIGNED.search(text) else None)
    try:
        state = _read(text)
    except _Unparsable:
        return _as_words(text, AS_WORDS)
    wanted, excluded = _once(state.wanted), _once(state.excluded)
    if _count(wanted) + _count(excluded) > MAX_TERMS:
        has_signs = bool(excluded) or not all(map(_is_plain, wanted))
        return _as_words(text, AS_WORDS if has_signs else None)
    typed = [node for node in wanted if _is_plain(node)]
    required = tuple(node for node in wanted if not _is_plain(node))
    words = _without_stop_words(typed, all_may_go=bool(required))
    run = _run([node for node in state.wanted if _is_plain(node)])
    # Each word apart is a clause for each field: five hundred words joined by hyphens would be thousands.
    if len(run) <= MAX_TERMS:
        words = tuple(map(_with_apart, words))
    says_nothing = not (wanted or excluded or state.since or state.until)
    return ParsedQuery(
        required=required,
        words=words,
        excluded=tuple(excluded),
        whole_number=_whole_number(text, state),
        run=run,
        since=state.since,
        until=state.until,
        notice=NO_WORD if is_typed and says_nothing else None,
    )


def _begin(text: str) -> str:
    """The words of a text within ``MAX_READ``."""
    if len(text) <= MAX_READ:
        return text
    begin = text[:MAX_READ]
    return begin if begin[-1].isspace() or text[MAX_READ].isspace() else begin.rsplit(maxsplit=1)[0]


def _once(nodes: list[Node]) -> list[Node]:
    """The nodes, each at its first place."""
    found: dict[Node, Node] = {}
    for node in nodes:
        one = replace(node, nodes=tuple(_once([*node.nodes]))) if isinstance(node, AnyOf) and node.typed else node
        found.setdefault(_untyped(one), one)
    return list(found.values())


def _count(nodes: list[Node]) -> int:
    return sum(len(node.nodes) if isinstance(node, AnyOf) and node.typed else 1 for node in nodes)


def _untyped(node: Node) -> Node:
    """A node without the text that was typed: *Budget* and *budget,* ask for one word."""
    if isinstance(node, AnyOf):
        return replace(node, nodes=tuple(map(_untyped, node.nodes)))
    return replace(node, text="") if isinstance(node, Words) else node


def _tidy(text: str) -> str:
    text = analysis.clean(text).translate(_QUOTES)
    text = "".join(char if char.isprintable() else " " for char in text)
    text = _SPACED_NAME.sub(r"\1:", _SIGN.sub("", _SLASHES.sub("/", telephones.apart(text))))
    return _SPACED_CALL.sub(lambda found: f"{found['name']}:" if _calls(found["name"]) else found[0], text).strip()


def _calls(name: str) -> bool:
    """Whether a telephone stands behind this name and its colon."""
    return analysis.fold(name).strip("-.") in telephones.NAMES


def _as_words(text: str, notice: str | None) -> ParsedQuery:
    typed = [_node_of_word(form) for form in analysis.words(text)]
    once = _once(typed)
    nodes = _longest(once)
    is_cut = len(once) > MAX_TERMS and len(_without_stop_words(once, all_may_go=False)) > MAX_CHOSEN
    # Of quotes around nothing no word is left: every letter is found, and a search "on the words" would be none.
    said = SHORTENED if is_cut else notice if nodes else NO_WORD
    return ParsedQuery(words=_without_stop_words(nodes, all_may_go=False), run=_run(typed[:MAX_TERMS]), notice=said)


def _longest(nodes: list[Node]) -> list[Node]:
    """These words; of too many the longest, in their order.

    A text that was pasted is mostly a letter, and its first words stand in each letter: those of the letterhead. The rare words find it.
    How rare a word is in the archive must not decide which letters are found (``docs/dev/search.md``). The longer a word is, the rarer.
    The small words of French go first: where all others are few enough, nothing that tells is left out.
    """
    if len(nodes) <= MAX_TERMS:
        return nodes
    telling = _without_stop_words(nodes, all_may_go=False)
    longest = sorted(range(len(telling)), key=lambda at: -_length(telling[at]))
    return [telling[at] for at in sorted(longest[:MAX_CHOSEN])]


def _length(node: Node) -> int:
    leaf = plain(node)
    return len(leaf.forms[0].folded) if isinstance(leaf, Words) else 0


def _is_plain(node: Node) -> bool:
    if isinstance(node, AnyOf):
        return not node.typed
    return isinstance(node, Words) and not node.quoted and not node.fields


def _node_of_word(form: analysis.Forms) -> Node:
    words = Words(form.written, (form,), also=amounts.writings(form.written)[1:], amount=amounts.key(form.written))
    if numbers.looks_like_number(form.written):
        return AnyOf((Number(tuple(numbers.parts(form.written))), words))
    return words


def _read(text: str) -> _State:
    state = _State()
    for match in _CHUNK.finditer(text):
        if match["open"] is not None:
            raise _Unparsable
        if match["field"] is None and match["minus"] is None and match["bare"] in (*_OR, *_AND, *_NOT):
            _operator(match["bare"], state)
            continue
        _place(match, state)
    if state.joining or state.excluding:
        raise _Unparsable
    return state


def _operator(word: str, state: _State) -> None:
    if word in _OR:
        if not state.last_was_wanted or state.joining:
            raise _Unparsable
        state.joining = True
    elif word in _NOT:
        state.excluding = True


def _place(match: "re.Match[str]", state: _State) -> None:
    name = analysis.fold(match["field"]).rstrip(".") if match["field"] else ""
    if name in SINCE_NAMES and _bound(match, state, first=True):
        return
    if name in UNTIL_NAMES and _bound(match, state, first=False):
        return
    fields = QUERY_NAMES.get(name, ())
    body = match["phrase"] if match["phrase"] is not None else match["bare"]
    # « Tél: » is not searched for: letters write it in many ways. Any other name is a word.
    is_call = _calls(name) and bool(telephones.key(body))
    if name and not fields and match["phrase"] is None and not is_call:
        body = f"{match['field']}:{body}"
    is_plain = not (fields or state.joining or state.excluding) and match["phrase"] is None and match["minus"] is None
    if is_plain and (several := _beside_strokes(body)):
        for one in several:
            _add(one, state, excluded=False)
        return
    node = _leaf(body, fields, quoted=match["phrase"] is not None)
    if node is None:
        if fields or match["phrase"] is not None:
            raise _Unparsable
        return
    _add(node, state, excluded=match["minus"] is not None or state.excluding)


def _add(node: Node, state: _State, *, excluded: bool) -> None:
    if excluded:
        if state.joining:
            raise _Unparsable
        state.excluded.append(node)
    elif state.joining:
        before = state.wanted.pop()
        earlier = before.nodes if isinstance(before, AnyOf) and before.typed else (before,)
        state.wanted.append(AnyOf((*earlier, node), typed=True))
    else:
        state.wanted.append(node)
    state.joining = state.excluding = False
    state.last_was_wanted = not excluded


def _beside_strokes(body: str) -> tuple[Node, ...]:
    """The words of « congé/koffi », one by one; none of any other text. The first may also be the whole as a reference: mem/cab."""
    found = _STROKED.fullmatch(body)
    if found is None or found["words"].isupper():
        return ()
    first, *others = found["words"].split("/")
    reference = Number(tuple(numbers.parts(found["words"])))
    words = [Words(word, tuple(analysis.words(word))) for word in (first, *others)]
    return (AnyOf((reference, words[0])), *words[1:])


def _leaf(body: str, fields: tuple[str, ...], *, quoted: bool) -> Node | None:
    typed = body
    if not quoted:
        body = amounts.without_currency(body)
    prefix = not quoted and body.endswith("*")
    asks_number = bool(fields) and set(fields) <= set(NUMBER_FIELDS)
    if asks_number:
        found = tuple(numbers.parts(body))
        return Number(found, fields, prefix, () if prefix else numbers.glued(body)) if found else None
    forms = tuple(analysis.words(body))
    if not forms:
        return None
    if not quoted and _DOTTED.fullmatch(
        body
    ):  # S.E.M. and SEM are one abbreviation: its letters alone are in each letter
        return Words(body, (analysis.forms("".join(form.written for form in forms)),), fields, also=(forms,))
    if prefix and len(forms) == 1 and len(forms[0].folded) > 1 and not numbers.looks_like_number(body):
        return Prefix(forms[0].folded, fields)
    if not quoted and (measured := amounts.measures(body)):
        # Elasticsearch is sent the text of the first writing, which is none of « 1 250 kg » and « 630 k VA » as they are typed.
        text = body if forms == measured[0] else " ".join(form.written for form in measured[0])
        return Words(text, measured[0], fields, also=measured[1:])
    written = amounts.writings(body)
    also = tuple(run for run in written if run != forms)
    if written and not quoted:  # the plain writing first: it is one word
        forms, also = written[0], (*written[1:], *amounts.glued(written))
    telephone = "" if quoted or body != typed else telephones.key(body)
    if telephone:
        forms, *in_groups = telephones.writings(telephone)
        also = (*also, *in_groups)
    references = () if quoted else numbers.writings(body)
    also = (*also, *(run for one in references if (run := tuple(analysis.words(one))) != forms))
    node = Words(body, forms, fields, quoted, also, amount=amounts.key(body), telephone="" if fields else telephone)
    if not fields and not quoted and numbers.looks_like_number(body):
        parted = tuple(numbers.parts(body))
        is_one = bool(written or telephone) and parted != (forms[0].folded,)
        as_one = (Number((forms[0].folded,)),) if is_one else ()
        others = (Number(parts) for one in references if (parts := tuple(numbers.parts(one))) != parted)
        joined = () if prefix else numbers.glued(body)
        return AnyOf((Number(parted, prefix=prefix, glued=joined), *as_one, *others, node))
    return node


def _bound(match: "re.Match[str]", state: _State, *, first: bool) -> bool:
    body = match["phrase"] if match["phrase"] is not None else match["bare"]
    day = read_day(body, first=first)
    if day is None:
        raise _Unparsable
    if first:
        state.since = day
    else:
        state.until = day
    return True


def _without_stop_words(nodes: list[Node], *, all_may_go: bool) -> tuple[Node, ...]:
    """Drop single stop words and the beginnings of questions, unless there is nothing else."""
    kept = [node for node in nodes if not _is_stop(node)]
    kept = [node for node in kept if not _is_question(node)] or kept
    return tuple(kept if kept or all_may_go else nodes)


def _with_apart(node: Node) -> Node:
    """A compound with its words apart: people write with a hyphen words that letters write without one, or in two places."""
    if not isinstance(node, Words):
        return node
    telling = tuple(dict.fromkeys(form for form in node.forms if not analysis.is_stop_word(form)))
    return replace(node, apart=telling) if len(telling) > 1 else node


def _is_stop(node: Node) -> bool:
    return isinstance(node, Words) and len(node.forms) == 1 and analysis.is_stop_word(node.forms[0])


def _is_question(node: Node) -> bool:
    if not isinstance(node, Words) or len(node.forms) > MAX_QUESTION_FORMS:
        return False
    if node.text.lower().strip(analysis.PUNCTUATION).replace("’", "'") in analysis.QUESTION_WORDS:
        return True
    return len(node.forms) > 1 and all(
        analysis.is_stop_word(form) or form.written in analysis.QUESTION_WORDS for form in node.forms
    )


def _run(nodes: list[Node]) -> tuple[analysis.Forms, ...]:
    leaves = [node.nodes[-1] if isinstance(node, AnyOf) else node for node in nodes]
    run = tuple(form for leaf in leaves if isinstance(leaf, Words) for form in leaf.forms)
    return run if len(run) > 1 else ()


def _whole_number(text: str, state: _State) -> str:
    is_alone = not state.excluded and state.since is None and state.until is None
    if not is_alone or not any(char.isdigit() for char in text) or len(text) > 80:
        return ""
    return numbers.whole(text)
