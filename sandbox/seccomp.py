"""A filter of system calls (seccomp(2)): no socket, no access to other processes, no new namespace, no new process.

The filter is a short BPF program (``linux/filter.h``). It compares the number of each call with the refused numbers.
Only architectures whose numbers are listed here have the filter.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from itertools import chain

_SET_SECCOMP, _SET_NO_NEW_PRIVILEGES, _MODE_FILTER = 22, 38, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_UNKNOWN = 0x00050000 | errno.ENOSYS
_FOREIGN_TABLE = 0x40000000
_NEW_NAMESPACES = 0x7E020000
_THREAD = 0x00010000

_SAME_EVERYWHERE = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432,
    "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438, "mount_setattr": 442,
}  # fmt: skip
_TABLES = {
    "x86_64": (0xC000003E, {
        "socket": 41, "connect": 42, "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "kill": 62, "ptrace": 101,
        "setpgid": 109, "setsid": 112, "rt_sigqueueinfo": 129, "pivot_root": 155, "chroot": 161, "mount": 165,
        "umount2": 166, "init_module": 175, "tkill": 200, "tgkill": 234, "kexec_load": 246, "add_key": 248,
        "request_key": 249, "keyctl": 250, "unshare": 272, "rt_tgsigqueueinfo": 297, "perf_event_open": 298,
        "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "finit_module": 313, "bpf": 321, "execveat": 322, "userfaultfd": 323,
    }),
    "aarch64": (0xC00000B7, {
        "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "unshare": 97, "kexec_load": 104, "init_module": 105,
        "ptrace": 117, "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "setpgid": 154, "setsid": 157,
        "socket": 198, "connect": 203, "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220, "execve": 221,
        "rt_tgsigqueueinfo": 240, "perf_event_open": 241, "open_by_handle_at": 265, "setns": 268,
        "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "bpf": 280,
        "execveat": 281, "userfaultfd": 282,
    }),
}  # fmt: skip
_STARTS_PROGRAMS = frozenset({"fork", "vfork", "execve", "execveat"})
_SIGNALS = frozenset({"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"})
_LOCAL_SOCKET = 1
_LOOKED_AT = frozenset({"clone", "clone3", "socket"})


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def known() -> bool:
    """Whether this machine's system call numbers are listed here."""
    return sys.platform == "linux" and platform.machine() in _TABLES


def restrict(*, programs: bool) -> None:
    """Refuse these calls to this thread and to all that it starts.

    Args:
        programs: other programs may be started, signals sent to them, and local sockets created, though not connected.

    Raises:
        OSError: the kernel refuses the filter.
        KeyError: the machine is not listed (see ``known``).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    steps = b"".join(_steps(programs))
    # Kept by this name: the structure holds only its address, and the kernel reads it in the calls below.
    held = ctypes.create_string_buffer(steps, len(steps))
    program = _Program(len(steps) // 8, ctypes.addressof(held))
    for call in ((_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _steps(programs: bool) -> Iterator[bytes]:
    architecture, own = _TABLES[platform.machine()]
    table = {**_SAME_EVERYWHERE, **own}
    allowed = _LOOKED_AT | (_STARTS_PROGRAMS | _SIGNALS if programs else frozenset())
    yield _step(_LOAD, _ARCHITECTURE_AT)
    # First (seccomp(2)): a 32-bit call has other numbers, so each of those below would mean another call.
    yield _step(_EQUAL, architecture, if_not=0, if_so=1)
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER_AT)
    # The x32 calls name the same architecture, with this bit in the number.
    yield from _when(_AT_LEAST, _FOREIGN_TABLE, _REFUSE)
    # A filter cannot read the flags of clone3, which are in memory. So clone3 is refused as unknown, and the C library
    # falls back to clone.
    yield from _when(_EQUAL, table["clone3"], _UNKNOWN)
    yield from chain.from_iterable(
        _when(_EQUAL, number, _REFUSE) for name, number in table.items() if name not in allowed
    )
    yield from _socket(table["socket"], programs)
    yield _step(_EQUAL, table["clone"], if_so=1, if_not=0)
    yield _step(_RETURN, _ALLOW)
    yield _step(_LOAD, _FIRST_ARGUMENT_AT)
    yield from _when(_ANY_BIT, _NEW_NAMESPACES, _REFUSE)
    if not programs:
        yield _step(_ANY_BIT, _THREAD, if_so=1, if_not=0)
        yield _step(_RETURN, _REFUSE)
    yield _step(_RETURN, _ALLOW)


def _socket(number: int, programs: bool) -> Iterator[bytes]:
    """With ``programs``, allow local sockets: LibreOffice must listen on one to start. No socket can be connected."""
    if not programs:
        yield from _when(_EQUAL, number, _REFUSE)
        return
    yield _step(_EQUAL, number, if_so=0, if_not=4)
    yield _step(_LOAD, _FIRST_ARGUMENT_AT)
    yield _step(_EQUAL, _LOCAL_SOCKET, if_so=1, if_not=0)
    yield _step(_RETURN, _REFUSE)
    yield _step(_RETURN, _ALLOW)


def _when(test: int, value: int, then: int) -> Iterator[bytes]:
    yield _step(test, value, if_so=0, if_not=1)
    yield _step(_RETURN, then)


def _step(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
