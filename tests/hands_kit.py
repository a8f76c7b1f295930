"""Several hands that do something in one moment."""

from collections.abc import Callable
from threading import Barrier, Thread


def at_once(*acts: Callable[[], object]) -> list[Exception]:
    """Run the acts in threads that start together. Returns what they raised."""
    start, raised = Barrier(len(acts)), list[Exception]()

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except Exception as error:  # noqa: BLE001  # returned to the test
            raised.append(error)

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
