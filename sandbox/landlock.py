"""Landlock (landlock(7)): the kernel denies this process, and all that it starts, every file but those named.

The constants are those of ``linux/landlock.h``, the same for all architectures. Features that the kernel is too old for
are left out: TCP from version 4, signals and abstract sockets from version 6.
"""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_SET_NO_NEW_PRIVILEGES = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_SOCKET, _REFER, _TRUNCATE, _IOCTL = 1 << 9, 1 << 13, 1 << 14, 1 << 15
_ALL_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_RIGHTS_NOW = (1 << 16) - 1
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OWN = (
    _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SOCKET | _REFER | _TRUNCATE
)  # no links: the owner takes files out by name
_OF_A_FILE = _EXECUTE | _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL
_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    # Packed in the kernel's header too: with the usual padding the call is refused.
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """The kernel's version of Landlock; 0 where there is none."""
    found = int(ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, _VERSION))
    return max(0, found)


def restrict(readable: Iterable[Path], room: Path) -> None:
    """Restrict this thread, and what it starts: it may read ``readable``, and write in ``room`` only.

    Raises:
        OSError: the kernel has no Landlock or refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    rights = _ALL_RIGHTS.get(version(), _ALL_RIGHTS_NOW)
    rules = _Ruleset(rights, _TCP, _ABSTRACT_SOCKETS_AND_SIGNALS)
    # The structure has grown: an older kernel refuses fields that it does not know (E2BIG).
    size = 8 if version() < 4 else 16 if version() < 6 else 24
    ruleset = _done(libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    try:
        for path in readable:
            _allow(libc, ruleset, path, _READ & rights)
        for device in _DEVICES:
            _allow(libc, ruleset, Path(device), (_READ | _WRITE_FILE) & rights)
        _allow(libc, ruleset, room, _OWN & rights)
        # Required of who has no privilege (landlock(7)): else a set-uid program would run under a foreign rule.
        _done(libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _done(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # this path is not on this machine
        return
    try:
        # Rights of folders in the rule of a file are an error (EINVAL): no child would start.
        rule = _Beneath(rights if path.is_dir() else rights & _OF_A_FILE, place)
        _done(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(place)


def _done(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
