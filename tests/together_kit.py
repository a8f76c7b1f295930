"""Several acts at one moment."""

import threading
from collections.abc import Callable

from ged.errors import GedError


def together(*acts: Callable[[], object]) -> list[object]:
    """Run all functions at one moment. Returns the result or exception of each."""
    barrier, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(n: int, act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            answers[n] = act()  # type: ignore[call-overload]
        except GedError as error:
            answers[n] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return list(answers)
