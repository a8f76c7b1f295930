"""The child that typesets pages: typst with the templates beside it, in a process that may be ended and replaced.

A compiler never frees its cache; the end of the child frees it.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typst

from sandbox import Message, Service

TEMPLATES = Path(__file__).resolve().parent / "templates"
AROUND = "training.typ"
"""Sets another template, with EXERCICE over its pages."""
STAND_IN = "\ufffd"
"""Printed for a character that no font has."""
_UNUSUAL = re.compile(r"[^\n\r\t -~\xa0-\u024f\u2010-\u2015\u2018-\u201e\u2026\u202f\u20ac\ufffd]")
"""Characters for which the fonts are checked; a test checks that the fonts have all others."""
_NAMED = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_LINE = re.compile(r"__typst_py_bytes__\.typ:(\d+):")
"""A line of a text that is no file, in the compiler's message: its name is the compiler's own."""
_PDF_A: dict[str, Any] = {"format": "pdf", "pdf_standards": "a-2b"}
_WITH_DATA: dict[str, Any] = {"format": "pdf", "pdf_standards": "a-3b"}


def service(_settings: Message) -> Service:
    """Return the function that serves requests: ``template``, ``timestamp`` (s), ``label`` (or empty), ``strict``,
    ``training`` (every page bears EXERCICE), ``standard`` (``a-3b``: the template attaches data).

    The payload is the data as JSON. The answer holds the PDF, and ``values``: the metadata under the label. On a
    failure it holds ``error``, and ``glyph``: the first character that no font has if this is the cause, else empty.
    Unless ``strict``, such characters are printed as ``STAND_IN``. A request with ``characters`` typesets nothing: the
    answer's ``lacking`` lists those characters that no font has. A request with ``opening`` looks for the first mistake of a text that
    somebody else wrote: the payload is JSON with ``source`` and ``data``, and the answer has ``error`` (or empty) and its ``line``.
    """
    compilers: dict[str, typst.Compiler] = {}
    characters = _Characters()

    def set_page(
        name: str, inputs: dict[str, str], timestamp: int, label: str, kind: dict[str, Any]
    ) -> tuple[Message, bytes]:
        # A compiler takes its main file when it is made, and only then.
        outer = AROUND if "template" in inputs else name
        compiler = compilers.get(outer)
        if compiler is None:
            compiler = compilers[outer] = _compiler(outer)
        try:
            pdf = compiler.compile(**kind, sys_inputs=inputs, timestamp=timestamp)
            # Compiler and query share one layout of the pages.
            values = json.loads(compiler.query(f"<{label}>", field="value")) if label else []
        except typst.TypstError as error:
            return {"error": str(error)[:2000], "glyph": _named(error)[:1]}, b""
        return {"values": values}, bytes(pdf)  # type: ignore[arg-type]  # one document gives one value

    def answer(request: Message, payload: bytes) -> tuple[Message, bytes]:
        if "characters" in request:
            return {"lacking": "".join(sorted(characters.lacking(set(str(request["characters"])))))}, b""
        if "opening" in request:
            return _mistake(Path(str(request["opening"])).name, payload), b""
        name, timestamp = Path(str(request["template"])).name, int(str(request["timestamp"]))
        label, text = str(request["label"]), payload.decode()
        around = {"template": name} if request["training"] else {}
        kind = _WITH_DATA if request.get("standard") == "a-3b" else _PDF_A

        def page(data: str) -> tuple[Message, bytes]:
            return set_page(name, {"data": data, **around}, timestamp, label, kind)

        if request["strict"]:
            return page(text)
        data = json.loads(text)
        unusual = {character for one in _texts(data) for character in _UNUSUAL.findall(one)}
        if not unusual:
            return page(text)
        lacking = characters.lacking(unusual)
        found = page(_without(data, lacking))
        # The fonts may have each character alone, but not a combination: an accent over a letter that it does not fit.
        return page(_without(data, unusual)) if found[0].get("glyph") else found

    return answer


def _compiler(name: str) -> typst.Compiler:
    return typst.Compiler(TEMPLATES / name, root=TEMPLATES, ignore_system_fonts=True)


def _mistake(opening: str, payload: bytes) -> Message:
    given = json.loads(payload)
    before = (TEMPLATES / opening).read_text()
    compiler = typst.Compiler((before + given["source"]).encode(), root=TEMPLATES, ignore_system_fonts=True)
    try:
        compiler.compile(format="pdf", sys_inputs={"data": json.dumps(given["data"])}, timestamp=0)
    except typst.TypstError as error:
        # The innermost line of the text comes first, also where a function of ours calls the mistake.
        found = _LINE.search(error.diagnostic)
        return {"error": error.message[:500], "line": int(found[1]) - before.count("\n") if found else 0}
    return {"error": "", "line": 0}


class _Characters:
    """Which characters no font has. Each is typeset once on a test page, and cached, for the fonts never change."""

    def __init__(self) -> None:
        self._compiler = _compiler("characters.typ")
        self._known: dict[str, bool] = {}

    def lacking(self, characters: set[str]) -> set[str]:
        """The characters among ``characters`` that cannot be printed."""
        new = sorted(characters - self._known.keys())
        if new:
            named = self._named(new)
            self._known.update((character, character in named) for character in new)
        return {character for character in characters if self._known[character]}

    def _named(self, characters: list[str]) -> set[str]:
        try:
            self._compiler.compile(**_PDF_A, sys_inputs={"data": json.dumps(characters)}, timestamp=0)
        except typst.TypstError as error:
            named = set(_named(error))
            if not named:
                raise  # another error, which does not concern the characters
            return named
        return set()


def _unescaped(text: str) -> str:
    """Undo the escapes that the compiler writes in a message."""
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPES.get(m[2], m[2]), text)


def _named(error: typst.TypstError) -> str:
    """The characters that no font has, from the compiler's message."""
    return "".join(_unescaped(text) for text in _NAMED.findall(error.diagnostic))


def _without(data: Any, characters: set[str]) -> str:
    table = str.maketrans(dict.fromkeys(characters, STAND_IN))
    return json.dumps(_each(data, lambda one: one.translate(table)), ensure_ascii=False)


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, list | dict):
        for one in data.values() if isinstance(data, dict) else data:
            yield from _texts(one)


def _each(data: Any, change: Callable[[str], str]) -> Any:
    """A copy of the data with every text changed."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, list):
        return [_each(one, change) for one in data]
    return {name: _each(one, change) for name, one in data.items()} if isinstance(data, dict) else data
