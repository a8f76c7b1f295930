"""Limited children: processes of their own that open outside bytes, so that a hostile file harms nobody.

A child has limits of memory, processor, file size, descriptors and processes, no variable of ours in its environment, a
folder of its own (its *room*), no network, and no sight of the data folder and the settings. It is killed with its
owner, when it is late, and after a number of uses. It imports nothing of ours but the packages that are named.

    pool = Pool("ocr.child:service", {"max_pages": 5}, packages=("ged", "ocr"), limits=Limits(memory_bytes=2 << 30))
    answer = pool.ask({"do": "count"}, timeout_s=10)                    # JSON goes in, JSON comes out
    answer = pool.ask({"do": "draw"}, payload=pdf_bytes, timeout_s=10)  # with bytes: answer.payload
    with pool.child(wait_s=10) as child:                                # with files, through the room
        child.ask({"source": str(child.put(path))}, timeout_s=10)
        child.take("page.png", target)

The service is a function of a module of those packages: it gets the settings and returns what answers each request:

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
