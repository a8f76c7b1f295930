"""Sandboxed child processes that open files from outside, so that a hostile file harms nobody.

A child has limits of memory, CPU time, file size, descriptors and processes. It gets none of our environment variables.
It has a folder of its own (its *room*), no network, and no view of the data folder and the settings. It is killed with
its owner, on a timeout, and after a number of uses. It imports only those of our packages that are named.

    pool = Pool("ocr.child:service", {"max_pages": 5}, packages=("ged", "ocr"), limits=Limits(memory_bytes=2 << 30))
    answer = pool.ask({"do": "count"}, timeout_s=10)                    # JSON goes in, JSON comes out
    answer = pool.ask({"do": "draw"}, payload=pdf_bytes, timeout_s=10)  # with bytes: answer.payload
    with pool.child(wait_s=10) as child:                                # with files, through the room
        child.ask({"source": str(child.put(path))}, timeout_s=10)
        child.take("page.png", target)

The service is a function in one of those packages. It gets the settings and returns the function that answers requests:

    def service(settings: Message) -> Service:
        def answer(request: Message, payload: bytes) -> tuple[Message, bytes]: ...
        return answer
"""

from sandbox.errors import Busy, ChildFailed, Gone, Late, SandboxError
from sandbox.frames import Answer, Message, Service
from sandbox.isolation import NONE, Isolation, Kind
from sandbox.limits import Limits
from sandbox.pool import Child, Pool, chosen

__all__ = [
    "NONE",
    "Answer",
    "Busy",
    "Child",
    "ChildFailed",
    "Gone",
    "Isolation",
    "Kind",
    "Late",
    "Limits",
    "Message",
    "Pool",
    "SandboxError",
    "Service",
    "chosen",
]
