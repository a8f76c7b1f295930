"""Errors of requests to a child."""


class SandboxError(Exception):
    """A child did not answer. The request may be sent again; a new child then serves it."""


class Late(SandboxError):
    """The child did not answer in time and was ended."""


class Gone(SandboxError):
    """The child ended, was ended by another thread, cannot be started, or sent an invalid answer."""


class Busy(SandboxError):
    """All children were busy for as long as the caller would wait."""


class ChildFailed(SandboxError):
    """The service raised an exception. The message is the name of its type. The child stays alive."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
