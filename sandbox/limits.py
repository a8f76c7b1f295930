"""Resource limits of one child (getrlimit(2)). They also apply to each program that it starts."""

import resource
from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """The limits of a child over its whole life.

    Attributes:
        memory_bytes: address space of each process.
        processor_s: CPU time of each process.
        file_bytes: size of one file that is written, or taken out of the room; 0: no file at all.
        descriptors: open at once.
        processes: processes and threads at once, where the kernel counts them: not for the user root.
        programs: whether other programs may be started. If False, the kernel refuses every new process.
    """

    memory_bytes: int = 1536 * MIB
    processor_s: int = 3600
    file_bytes: int = 1024 * MIB
    descriptors: int = 256
    processes: int = 512
    programs: bool = False

    def apply(self, *, own_count: bool) -> None:
        """Limit this process. ``own_count``: the kernel counts the processes of this child apart from its owner's."""
        _bind(resource.RLIMIT_AS, self.memory_bytes)
        _bind(resource.RLIMIT_CPU, self.processor_s)
        _bind(resource.RLIMIT_FSIZE, self.file_bytes)
        _bind(resource.RLIMIT_NOFILE, self.descriptors)
        # A core file would hold the letter, outside of the room.
        _bind(resource.RLIMIT_CORE, 0)
        if own_count:  # else all processes of the user count, and the site's threads alone would reach the limit
            _bind(resource.RLIMIT_NPROC, self.processes)


def _bind(kind: int, wanted: int) -> None:
    # The service may have lower limits: to raise a hard limit is refused, and the child would not start.
    hardest = resource.getrlimit(kind)[1]
    bound = wanted if hardest == resource.RLIM_INFINITY else min(wanted, hardest)
    resource.setrlimit(kind, (bound, bound))
