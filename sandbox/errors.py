"""Why a request to a child has no answer."""


class SandboxError(Exception):
    """A child did not answer. The request may be sent again; the next child is a new one."""


class Late(SandboxError):
    """The child did not answer in time and was ended."""


class Gone(SandboxError):
    """The child ended, was ended by another thread, cannot be started, or answered nonsense."""


class Busy(SandboxError):
    """All children were at work for as long as the caller would wait."""


class ChildFailed(SandboxError):
    """The service raised an exception; ``name`` is its type's. The child lives on."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
