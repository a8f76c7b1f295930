"""The child that sets pages: typst with the templates beside it, in a process that may be ended and replaced.

A compiler keeps what it has set, for ever; here it goes with the child.
"""

import json
from pathlib import Path

import typst

from sandbox import Message, Service

TEMPLATES = Path(__file__).resolve().parent / "templates"


def service(_settings: Message) -> Service:
    """Sets the page that a request names: ``template``, ``timestamp`` (s), ``label`` (of metadata; or empty).

    The payload is the data's JSON. The answer bears the PDF, and ``values`` under the label; or ``error``.
    """
    compilers: dict[str, typst.Compiler] = {}

    def answer(request: Message, payload: bytes) -> tuple[Message, bytes]:
        name = Path(str(request["template"])).name
        compiler = compilers.get(name)
        if compiler is None:
            compiler = compilers[name] = typst.Compiler(TEMPLATES / name, root=TEMPLATES, ignore_system_fonts=True)
        try:
            pdf = compiler.compile(
                format="pdf",
                pdf_standards="a-2b",
                sys_inputs={"data": payload.decode()},
                timestamp=int(str(request["timestamp"])),
            )
            label = str(request["label"])
            # The pages are laid out once for both.
            values = json.loads(compiler.query(f"<{label}>", field="value")) if label else []
        except typst.TypstError as error:
            return {"error": str(error)[:2000]}, b""
        return {"values": values}, bytes(pdf)  # type: ignore[arg-type]  # one document gives one value

    return answer
