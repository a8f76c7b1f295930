"""What the lines of the log say of the work that wrote them: the request, its page, the job.

    with log_context.bound(job="17", kind="index"):
        ...

The values are ids and names from our own tables, never what somebody typed. Jobs keep the id of the request that asked
for them in ``params`` under ``REQUEST``, so the lines of a worker bear it too.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

REQUEST = "request"
ROUTE = "route"
_ID = re.compile(r"[0-9a-f]{16,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTEXT: ContextVar[Mapping[str, str]] = ContextVar("log_context", default={})  # noqa: B039  # it is replaced, never filled


def current() -> Mapping[str, str]:
    """The values of this thread's work."""
    return _CONTEXT.get()


def is_id(text: str) -> bool:
    """Whether a text has the form of a request's id: 16 to 64 hexadecimal digits, or a UUID. Nothing else can stand in it."""
    return _ID.fullmatch(text) is not None


def begin(**values: str) -> None:
    """Forget what this thread did before, and say what it does now. Empty values are left out."""
    _CONTEXT.set({name: value for name, value in values.items() if value})


@contextmanager
def bound(**values: str) -> Iterator[None]:
    """Add values for a block. Empty values are left out."""
    before = _CONTEXT.set({**_CONTEXT.get(), **{name: value for name, value in values.items() if value}})
    try:
        yield
    finally:
        _CONTEXT.reset(before)


def request_id() -> str:
    """The id of the request that this work is done for; empty for none."""
    return _CONTEXT.get().get(REQUEST, "")
