#!/usr/bin/env python3
"""Starts Chromium so that it does not hear when networks of this machine come and go.

The tests of several hosts add and remove networks. A Chromium of another test hears of each one over a netlink socket, and
fails the loads of that moment (``net::ERR_NETWORK_CHANGED``). Here a filter of system calls (seccomp(2)) refuses that socket;
Chromium then takes the network for unchanged. The filter is left out on a machine whose call numbers are not listed.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

PROGRAM = os.environ.get("GED_TEST_CHROMIUM") or "/usr/bin/chromium-headless-shell"
"""Debian's Chromium without its window: the engine alone costs a third less processor time."""
_SOCKET = {"x86_64": 41, "aarch64": 198}.get(platform.machine())
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _FIRST_ARGUMENT_AT, _NETLINK = 0, 16, 16
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def refuse_netlink() -> None:
    """Let this process, and the programs that it starts, create no netlink socket.

    Raises:
        OSError: the kernel refuses the filter.
    """
    if _SOCKET is None:
        return
    steps = b"".join(
        struct.pack("=HBBI", code, if_so, if_not, value)
        for code, value, if_so, if_not in (
            (_LOAD, _NUMBER_AT, 0, 0),
            (_EQUAL, _SOCKET, 0, 3),
            (_LOAD, _FIRST_ARGUMENT_AT, 0, 0),
            (_EQUAL, _NETLINK, 0, 1),
            (_RETURN, _REFUSE, 0, 0),
            (_RETURN, _ALLOW, 0, 0),
        )
    )
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(steps, len(steps))
    made = _Filter(len(steps) // 8, ctypes.addressof(held))
    for call in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SET_SECCOMP, _MODE_FILTER, ctypes.byref(made), 0, 0)):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    refuse_netlink()
    os.execv(PROGRAM, [PROGRAM, *sys.argv[1:]])
