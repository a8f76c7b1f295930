"""``python -m tests.twain_fake``: the bridge's TWAIN process over our own data source manager.

pytwain's code runs. Only the library's entry point (``DSM_Entry``, here a C function pointer) and the few Windows
functions that pytwain calls are replaced. The manager keeps the states of the TWAIN standard, and refuses calls out of
sequence. It overwrites freed memory at once. The variable GED_FAKE_TWAIN (JSON) configures it and names its log; there
it writes a line for each call.
"""

from __future__ import annotations

import ctypes as ct
import json
import os
import struct
import sys
import time
import traceback
from types import SimpleNamespace
from typing import Any

PLAY: dict[str, Any] = json.loads(os.environ["GED_FAKE_TWAIN"])


class Memory:
    """Memory blocks; a handle is an address. A freed block is overwritten and kept: a late read sees rubbish and does
    not crash."""

    def __init__(self) -> None:
        self.live: dict[int, Any] = {}
        self.dead: list[Any] = []

    def allocate(self, size: int) -> int:
        """A new block of ``size`` bytes. Returns its address."""
        block = ct.create_string_buffer(max(1, int(size)))
        self.live[ct.addressof(block)] = block
        return ct.addressof(block)

    def put(self, data: bytes) -> int:
        """A new block with these bytes. Returns its address."""
        address = self.allocate(len(data))
        ct.memmove(address, data, len(data))
        return address

    def free(self, address: Any) -> int:
        """Free a block: overwrite it and keep it. Returns 0, as Windows does."""
        block = self.live.pop(int(getattr(address, "value", address)))
        ct.memset(block, 0xDD, len(block))
        self.dead.append(block)
        return 0

    def lock(self, address: Any) -> int:
        """The address of a block. Fails when it is not allocated."""
        found = int(getattr(address, "value", address))
        assert found in self.live, "lock of memory that is not there"
        return found


MEMORY = Memory()


def note(*what: Any) -> None:
    """Write a line to the log."""
    with open(PLAY["log"], "a", encoding="utf-8") as file:
        file.write(json.dumps(what) + "\n")


class Function:
    """Accepts the attributes that functions of ctypes have."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __call__(self, *values: Any) -> Any:
        return self._call(*values)


def install_windows() -> None:
    """Replace the Windows functions that pytwain calls."""
    kernel = SimpleNamespace(
        GlobalAlloc=Function(lambda _flags, size: MEMORY.allocate(size)),
        GlobalFree=Function(MEMORY.free),
        GlobalLock=Function(MEMORY.lock),
        GlobalUnlock=Function(lambda _address: 1),
        GlobalSize=Function(lambda address: len(MEMORY.live[address])),
    )
    user = SimpleNamespace(
        GetMessageW=Function(lambda *_values: 1),
        TranslateMessage=Function(lambda _message: 0),
        DispatchMessageW=Function(lambda _message: 0),
        CreateWindowExW=Function(lambda *_values: 4711),
    )
    windows: Any = ct
    windows.windll = SimpleNamespace(kernel32=kernel, user32=user)
    windows.WINFUNCTYPE, windows.WinDLL = ct.CFUNCTYPE, Library
    real, sys.platform = sys.platform, "win32"
    try:
        import twain
    finally:
        sys.platform = real
    pytwain: Any = twain
    pytwain.sys = SimpleNamespace(
        platform="win32", maxsize=sys.maxsize, getfilesystemencoding=sys.getfilesystemencoding
    )
    pytwain.utils.platform = SimpleNamespace(system=lambda: "Windows")


class Library:
    """The library ``twaindsm.dll``."""

    def __init__(self, name: str) -> None:
        if PLAY.get("no_dsm"):
            raise OSError(f"{name} not found")
        assert name == "twaindsm.dll", name
        self._manager = Manager()

    def __getitem__(self, name: str) -> Any:
        assert name == "DSM_Entry"
        return self._manager.entry


def container(kind: str, item_type: int, values: list[Any], current: Any) -> tuple[int, bytes]:
    """A TWAIN container: its type and its bytes."""

    def packed(value: Any) -> bytes:
        if item_type == 7:  # TWTY_FIX32
            return struct.pack("<hH", int(value // 1), int(value % 1 * 65536))
        return struct.pack({0: "<b", 1: "<h", 2: "<i", 3: "<B", 4: "<H", 5: "<I", 6: "<H"}[item_type], int(value))

    if kind == "one":
        return 5, struct.pack("<H", item_type) + packed(current).ljust(4, b"\0")
    if kind == "range":
        wide = [packed(value).ljust(4, b"\0") for value in (*values, current, current)]
        return 6, struct.pack("<H", item_type) + b"".join(wide)
    head = struct.pack("<HIII", item_type, len(values), values.index(current), 0)
    return 4, head + b"".join(map(packed, values))


def dib(page: int, mode: str, size: tuple[int, int], dpi: int) -> bytes:
    """A bitmap (DIB) as drivers deliver it: rows from the bottom up, without a count of its palette.

    The value of the pixel (x, y) is x + 3y + 10 * page.
    """
    width, height = size
    bits = {"Gray": 8, "Color": 24, "Lineart": 1}[mode]
    stride = (width * bits + 31) // 32 * 4
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, dpi * 39, dpi * 39, 0, 0)
    rows = []
    for y in reversed(range(height)):
        shades = bytes((x + 3 * y + 10 * page) % 256 for x in range(width))
        if mode == "Color":
            row = b"".join(bytes((shade, 255 - shade, 7)) for shade in shades)  # blue, green, red
        elif mode == "Gray":
            row = shades
        else:
            row = bytes(
                sum((shades[x + n] >= 128) << (7 - n) for n in range(min(8, width - x))) for x in range(0, width, 8)
            )
        rows.append(row.ljust(stride, b"\0"))
    levels = {8: range(256), 1: (0, 255), 24: ()}[bits]
    return head + b"".join(bytes((level, level, level, 0)) for level in levels) + b"".join(rows)


class Manager:
    """The entry point. Its states are those of the standard.

    3: manager open. 4: source open. 5: source enabled. 6: transfer ready. 7: transferring.
    """

    def __init__(self) -> None:
        from twain.lowlevel import constants, structs

        self.c, self.s = constants, structs
        self.state, self.condition, self.source, self.page, self.listed = 2, 0, "", 0, 0
        kind = ct.CFUNCTYPE(ct.c_uint16, ct.c_void_p, ct.c_void_p, ct.c_uint32, ct.c_uint16, ct.c_uint16, ct.c_void_p)
        self.entry = kind(self._entry)
        self._memory = [
            ct.CFUNCTYPE(ct.c_void_p, ct.c_uint32)(MEMORY.allocate),
            ct.CFUNCTYPE(None, ct.c_void_p)(MEMORY.free),
            ct.CFUNCTYPE(ct.c_void_p, ct.c_void_p)(MEMORY.lock),
            ct.CFUNCTYPE(None, ct.c_void_p)(lambda _address: None),
        ]

    def _entry(self, app: int, _dest: int, _group: int, dat: int, msg: int, data: int) -> int:
        try:
            return self._answer(app, dat, msg, data)
        except BaseException:  # noqa: BLE001 - ctypes would go on with 0 for an answer
            traceback.print_exc()
            os._exit(70)

    def _fail(self, condition: int) -> int:
        self.condition = condition
        return int(self.c.TWRC_FAILURE)

    def _answer(self, app: int, dat: int, msg: int, data: int) -> int:
        c = self.c
        if dat == c.DAT_CAPABILITY:
            return self._capability(msg, self.s.TW_CAPABILITY.from_address(data))
        if dat != c.DAT_STATUS:
            note(dat, msg)
        trouble = PLAY.get("at", {}).get(f"{dat}/{msg}")
        if trouble == "crash":
            os._exit(66)
        if trouble == "hang":
            time.sleep(60)
        if trouble:
            return self._fail(int(trouble))
        if dat == c.DAT_STATUS:
            self.s.TW_STATUS.from_address(data).ConditionCode = self.condition
            return int(c.TWRC_SUCCESS)
        step = getattr(self, f"_on_{dat}")
        return int(step(app, msg, data))

    def _on_4(self, app: int, msg: int, data: int) -> int:  # DAT_PARENT
        assert ct.c_void_p.from_address(data).value == 4711
        self.state = 3 if msg == self.c.MSG_OPENDSM else 2
        self.s.TW_IDENTITY.from_address(app).SupportedGroups |= self.c.DF_DSM2
        return 0

    def _on_1027(self, _app: int, _msg: int, data: int) -> int:  # DAT_ENTRYPOINT
        found = self.s.TW_ENTRYPOINT.from_address(data)
        for name, function in zip(("Allocate", "Free", "Lock", "Unlock"), self._memory, strict=True):
            field = getattr(self.s.TW_ENTRYPOINT, f"DSM_Mem{name}")
            address = ct.cast(function, ct.c_void_p).value or 0
            ct.c_void_p.from_address(ct.addressof(found) + field.offset).value = address
        return 0

    def _on_3(self, _app: int, msg: int, data: int) -> int:  # DAT_IDENTITY
        c, identity, names = self.c, self.s.TW_IDENTITY.from_address(data), list(PLAY["sources"])
        if msg in (c.MSG_GETFIRST, c.MSG_GETNEXT):
            self.listed = 0 if msg == c.MSG_GETFIRST else self.listed + 1
            if self.listed >= len(names):
                return int(c.TWRC_ENDOFLIST) if msg == c.MSG_GETNEXT else self._fail(c.TWCC_NODS)
            identity.ProductName = names[self.listed].encode()
            return 0
        if msg == c.MSG_OPENDS:
            name = identity.ProductName.decode()
            if self.state != 3:
                return self._fail(c.TWCC_SEQERROR)
            if name not in names:
                return self._fail(c.TWCC_NODS)
            self.state, self.source = 4, name
            identity.SupportedGroups = c.DG_IMAGE | c.DG_CONTROL | (0 if self._play().get("old") else c.DF_DS2)
            return 0
        if self.state != 4:
            return self._fail(c.TWCC_SEQERROR)
        self.state = 3
        return 0

    def _play(self) -> dict[str, Any]:
        return dict(PLAY["sources"][self.source])

    def _value(self, name: str) -> Any:
        found = PLAY["sources"][self.source]["caps"].get(name)
        return found["current"] if found else None

    def _capability(self, msg: int, request: Any) -> int:
        c = self.c
        if self.state != 4:
            return self._fail(c.TWCC_SEQERROR)
        name = next((n for n in PLAY["sources"][self.source]["caps"] if getattr(c, n) == request.Cap), None)
        if name is None:
            return self._fail(c.TWCC_CAPUNSUPPORTED)
        found = PLAY["sources"][self.source]["caps"][name]
        if msg == c.MSG_SET:
            raw = ct.string_at(request.hContainer, 6)
            layout = {1: "<h", 4: "<H", 6: "<H", 7: "<hH"}[found["type"]]
            values = struct.unpack(layout, raw[2 : 2 + struct.calcsize(layout)])
            value = values[0] + (values[1] / 65536 if len(values) > 1 else 0)
            note("set", name, value)
            if found["kind"] == "enum" and value not in found["values"]:
                return self._fail(c.TWCC_BADVALUE)
            found["current"] = value
            return 0
        kind = "one" if msg == c.MSG_GETCURRENT else found["kind"]
        code, data = container(kind, found["type"], found.get("values", []), found["current"])
        heap = MEMORY.put(data)
        request.ConType, request.hContainer = code, heap
        return 0

    def _on_258(self, _app: int, _msg: int, data: int) -> int:  # DAT_IMAGELAYOUT
        frame = self.s.frame2tuple(self.s.TW_IMAGELAYOUT.from_address(data).Frame)
        note("layout", *(round(value, 2) for value in frame))
        return int(self.c.TWRC_CHECKSTATUS)

    def _on_9(self, _app: int, msg: int, data: int) -> int:  # DAT_USERINTERFACE
        wanted, then = (4, 5) if msg == self.c.MSG_ENABLEDS else (5, 4)
        if self.state != wanted:
            return self._fail(self.c.TWCC_SEQERROR)
        if then == 5:
            assert self.s.TW_USERINTERFACE.from_address(data).ShowUI == 0
            self.page = 0
        self.state = then
        return 0

    def _on_2(self, _app: int, _msg: int, data: int) -> int:  # DAT_EVENT
        event = self.s.TW_EVENT.from_address(data)
        if self._play().get("closes"):
            event.TWMessage = self.c.MSG_CLOSEDSREQ
        else:
            event.TWMessage, self.state = self.c.MSG_XFERREADY, 6
        return int(self.c.TWRC_DSEVENT)

    def _mode(self) -> str:
        return ["Lineart", "Gray", "Color"][int(self._value("ICAP_PIXELTYPE") or 0)]

    def _on_257(self, _app: int, _msg: int, data: int) -> int:  # DAT_IMAGEINFO
        if self.state not in (6, 7):
            return self._fail(self.c.TWCC_SEQERROR)
        info = self.s.TW_IMAGEINFO.from_address(data)
        info.XResolution = info.YResolution = self.s.float2fix(float(self._value("ICAP_XRESOLUTION")))
        return 0

    def _on_260(self, _app: int, _msg: int, data: int) -> int:  # DAT_IMAGENATIVEXFER
        if self.state != 6:
            return self._fail(self.c.TWCC_SEQERROR)
        trouble = self._play().get("page_faults", {}).get(str(self.page + 1))
        if trouble is not None:
            return self._fail(int(trouble))
        self.page, self.state = self.page + 1, 7
        picture = dib(self.page, self._mode(), tuple(self._play().get("size", (50, 40))), 200)
        ct.c_void_p.from_address(data).value = MEMORY.put(picture)
        return int(self.c.TWRC_XFERDONE)

    def _on_5(self, _app: int, msg: int, data: int) -> int:  # DAT_PENDINGXFERS
        if self.state not in (6, 7):
            return self._fail(self.c.TWCC_SEQERROR)
        left = 0 if msg == self.c.MSG_RESET else self._pages() - self.page
        self.s.TW_PENDINGXFERS.from_address(data).Count = 0xFFFF if left > 0 else 0
        self.state = 6 if left > 0 else 5
        return 0

    def _pages(self) -> int:
        count = int(self._value("CAP_XFERCOUNT") or 1)
        return int(self._play()["pages"]) if count == -1 else count


if __name__ == "__main__":
    install_windows()
    from scanner_bridge.child_side import serve
    from scanner_bridge.twain_child import describe, scan

    serve(scan, describe)
