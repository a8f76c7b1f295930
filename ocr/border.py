"""The border of a reader's process: whatever goes wrong inside becomes a message to the process that asked."""

from collections.abc import Callable

from ged.errors import EngineFailed, GedError
from ocr.limits import FULL, is_full
from ocr.wire import Message


def message_of_work(work: Callable[[], object]) -> Message:
    """What the work returns, as ``ok``; or how it failed (``failed``, ``refused``)."""
    try:
        return {"ok": work()}
    except EngineFailed as failure:
        return {"failed": failure.code, "params": dict(failure.params), "retryable": failure.retryable}
    except GedError as refusal:
        return {"refused": refusal.code, "remedy": refusal.remedy, "params": dict(refusal.params)}
    except OSError as error:
        return {"failed": FULL, "retryable": True} if is_full(error) else _crashed(error)
    except MemoryError:
        return {"failed": "ocr.out_of_memory", "params": {}, "retryable": False}
    except Exception as error:  # noqa: BLE001 - the engine must always have an answer
        return _crashed(error)


def _crashed(error: Exception) -> Message:
    return {"failed": "ocr.crashed", "params": {"error": type(error).__name__}, "retryable": False}
