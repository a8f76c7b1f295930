"""A TWAIN source through pytwain: its capabilities, its settings, its pictures, and its errors as our faults.

This module avoids three bugs of pytwain 2.3, by private names of pytwain. pytwain reads the values of fixed-point lists
after their memory was freed. It asks Windows for the size of a picture that a TWAIN 2 manager allocated. It writes a
wrong bitmap header for eight bits with the usual palette.
"""

import ctypes
import io
import logging
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

import twain
from PIL import Image
from twain import exceptions
from twain.lowlevel import constants, structs

from scanner_bridge import capabilities
from scanner_bridge.faults import ScanFault

log = logging.getLogger(__name__)

FLATBED, FEEDER, DUPLEX = "Flatbed", "ADF", "ADF Duplex"
_MODES: Final = {constants.TWPT_BW: "Lineart", constants.TWPT_GRAY: "Gray", constants.TWPT_RGB: "Color"}
_MAX_PIXELS: Final = 250_000_000
_MM_PER_INCH: Final = 25.4
_TWCC_INTERLOCK: Final = 24  # the cover or another safety switch is open; pytwain has no name for it
_FAULTS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (exceptions.PaperJam, "jammed"),
    (exceptions.PaperDoubleFeedError, "double_feed"),
    (exceptions.CheckDeviceOnlineError, "unplugged"),
    (exceptions.NoDataSourceError, "no_device"),
    (exceptions.SMLoadFileFailed, "no_device"),
    (exceptions.SMGetProcAddressFailed, "no_device"),
    (exceptions.MaxConnectionsError, "busy"),
    (exceptions.DeniedError, "access_denied"),
    (exceptions.DSTransferCancelled, "interrupted"),
    (exceptions.FileWriteError, "spool_io"),
    (exceptions.BadCapability, "unsupported"),
    (exceptions.CapUnsupported, "unsupported"),
    (exceptions.CapBadOperation, "unsupported"),
    (exceptions.CapSeqError, "unsupported"),
    (MemoryError, "no_mem"),
    (ValueError, "unsupported"),
)
_UNNAMED: Final = {
    _TWCC_INTERLOCK: "cover_open",
    constants.TWCC_NOMEDIA: "no_docs",
    constants.TWCC_DAMAGEDCORNER: "jammed",
}
TROUBLES: Final = (exceptions.TwainError, MemoryError, ValueError, RuntimeError, OSError)
"""The exceptions of pytwain: its own, and Python's for some condition codes."""


def fault_of(error: Exception, doing: str) -> ScanFault:
    """Our fault for an error of pytwain."""
    number = re.search(r"ConditionCode = (\d+)", str(error))
    if isinstance(error, exceptions.UnknownError) and number is not None:
        code = _UNNAMED.get(int(number[1]), "io")
    else:
        code = next((code for kind, code in _FAULTS if isinstance(error, kind)), "io")
    return ScanFault(code, f"{doing}: {type(error).__name__} {error}".strip())


class TwainSource:
    """An open source: ``offer``, then ``configure``, then ``start``, and ``take`` until no picture follows."""

    def __init__(self, source: Any, manager: Any) -> None:
        """Take pytwain's Source and the SourceManager that opened it."""
        self._source, self._manager = source, manager

    # --- capabilities ----------------------------------------------------------------------------------------------

    def _values(self, capability: int) -> list[float] | tuple[float, float, float]:
        """The numbers that a capability allows: a list, or (least, most, step); empty when the source lacks it."""
        request = structs.TW_CAPABILITY(capability, constants.TWON_DONTCARE16, 0)
        try:
            self._source._call(constants.DG_CONTROL, constants.DAT_CAPABILITY, constants.MSG_GET, ctypes.byref(request))
        except (exceptions.TwainError, ValueError):
            return []
        address = self._source._lock(request.hContainer)
        try:
            return _container(address, int(request.ConType))
        finally:
            self._source._unlock(request.hContainer)
            self._source._free(request.hContainer)

    def _listed(self, capability: int) -> list[float]:
        values = self._values(capability)
        return values if isinstance(values, list) else []

    def _current(self, capability: int) -> Any:
        """The present value of a capability, None when the source lacks it."""
        try:
            return self._source.get_capability_current(capability)[1]
        except (exceptions.TwainError, ValueError, TypeError, KeyError):
            return None

    def _set(self, capability: int, kind: int, value: float, *, needed: bool = False) -> None:
        """Set a capability. Without ``needed``, a source may lack it. A value rounded by the source is accepted.

        Raises:
            ScanFault: ``unsupported``.
        """
        try:
            self._source.set_capability(capability, kind, value)
        except exceptions.CheckStatus:
            return
        except (exceptions.TwainError, ValueError) as error:
            if needed:
                raise fault_of(error, f"capability {capability}") from error

    def sources(self) -> list[str]:
        """Glass, feeder and both sides, as far as the source has them."""
        feeder = self._listed(constants.CAP_FEEDERENABLED)
        found = [FLATBED] if not feeder or 0 in feeder else []
        if any(feeder):
            found += [FEEDER] + ([DUPLEX] if self._current(constants.CAP_DUPLEX) else [])
        return found

    def modes(self) -> list[str]:
        """The colour modes, in the words of SANE."""
        return [_MODES[int(value)] for value in self._listed(constants.ICAP_PIXELTYPE) if int(value) in _MODES]

    def resolutions(self) -> list[float] | tuple[float, float, float] | None:
        """The resolutions: a list, a range, or None when the source names none."""
        return self._values(constants.ICAP_XRESOLUTION) or None

    # --- setting ---------------------------------------------------------------------------------------------------

    def configure(
        self, *, source: str | None, mode: str | None, dpi: int, duplex: bool, paper: str, options: dict[str, Any]
    ) -> bool:
        """Set everything for a scan; returns whether sheets are fed.

        Raises:
            ScanFault: ``unsupported``, ``no_docs`` when the feeder says that it is empty.
        """
        chosen = capabilities.choose_source(self.sources(), source, duplex=duplex)
        feeder = chosen in (FEEDER, DUPLEX) if chosen else bool(self._current(constants.CAP_FEEDERENABLED))
        if duplex and not (feeder and self._current(constants.CAP_DUPLEX)):
            raise ScanFault("unsupported", "no duplex on this device")
        # First: resolutions and the page are told in these units. Then the feeder, without which its other capabilities
        # are refused.
        self._set(constants.ICAP_UNITS, constants.TWTY_UINT16, constants.TWUN_INCHES)
        if chosen is not None and len(self.sources()) > 1:
            self._set(constants.CAP_FEEDERENABLED, constants.TWTY_BOOL, feeder, needed=True)
        if feeder:
            self._set(constants.CAP_AUTOFEED, constants.TWTY_BOOL, True)
            self._set(constants.CAP_DUPLEXENABLED, constants.TWTY_BOOL, duplex, needed=duplex)
        self._set(constants.CAP_XFERCOUNT, constants.TWTY_INT16, -1 if feeder else 1)
        # A driver's window of progress may wait for a click that nobody makes.
        self._set(constants.CAP_INDICATORS, constants.TWTY_BOOL, False)
        self._set_picture(mode, dpi, paper)
        for name, value in options.items():
            self._set_option(name, value)
        if feeder and self._current(constants.CAP_FEEDERLOADED) is False:
            raise ScanFault("no_docs", "the feeder says that it is empty")
        return feeder

    def _set_picture(self, mode: str | None, dpi: int, paper: str) -> None:
        chosen = capabilities.choose_mode(self.modes(), mode)
        if chosen is not None:
            pixel_type = next(number for number, word in _MODES.items() if word == chosen)
            self._set(constants.ICAP_PIXELTYPE, constants.TWTY_UINT16, pixel_type, needed=True)
        resolution = capabilities.choose_resolution(self.resolutions(), dpi)
        for capability in (constants.ICAP_XRESOLUTION, constants.ICAP_YRESOLUTION):
            self._set(capability, constants.TWTY_FIX32, resolution)
        corner = capabilities.page_corner(paper)
        if corner is not None:
            try:
                self._source.set_image_layout((0.0, 0.0, corner[0] / _MM_PER_INCH, corner[1] / _MM_PER_INCH))
            except exceptions.CheckStatus:
                return  # the source has set the nearest possible value
            except (exceptions.TwainError, ValueError):
                self._set(constants.ICAP_SUPPORTEDSIZES, constants.TWTY_UINT16, constants.TWSS_A4)

    def _set_option(self, name: str, value: Any) -> None:
        capability = getattr(constants, name, None) if name.startswith(("CAP_", "ICAP_")) else None
        if capability is None:
            raise ScanFault("unsupported", f"no capability {name!r} in TWAIN")
        try:
            kind = self._source.get_capability_current(capability)[0]
            self._source.set_capability(capability, kind, value)
        except exceptions.CheckStatus:
            return
        except (exceptions.TwainError, ValueError, TypeError, KeyError) as error:
            raise ScanFault("unsupported", f"{name}: {error}") from error

    # --- scanning --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin without the driver's windows, and wait until the first picture is ready.

        Raises:
            ScanFault: no picture became ready.
        """
        events: list[int] = []
        self._manager.set_callback(events.append)
        try:
            self._set_transfer()
            self._source.request_acquire(show_ui=False, modal_ui=False)
            self._source.modal_loop()
        except TROUBLES as error:
            raise fault_of(error, "start") from error
        if constants.MSG_XFERREADY not in events:
            empty = self._current(constants.CAP_FEEDERLOADED) is False
            raise ScanFault("no_docs" if empty else "interrupted", f"the source ended by itself: {events[-1:]}")

    def _set_transfer(self) -> None:
        # The standard requires native transfer of every source. It is lossless and needs no file.
        self._set(constants.ICAP_XFERMECH, constants.TWTY_UINT16, constants.TWSX_NATIVE)

    def take(self) -> tuple[Image.Image, float, bool]:
        """One picture, its resolution, and whether another one follows.

        Raises:
            ScanFault: jam, double feed, cover open...
        """
        try:
            dpi = float(self._source.image_info["XResolution"])
            handle, more = self._source.xfer_image_natively()
            try:
                image = self._picture(handle)
            finally:
                self._source._free(handle)
        except TROUBLES as error:
            raise fault_of(error, "transfer") from error
        return image, dpi, bool(more)

    def _picture(self, handle: Any) -> Image.Image:
        address = self._source._lock(handle)
        try:
            return picture_of_dib(lambda start, length: ctypes.string_at(address + start, length))
        finally:
            self._source._unlock(handle)

    def close(self) -> None:
        """End a running transfer and close the source."""
        _close(self._source)


def open_manager(window: int) -> Any:
    """The data source manager (``twaindsm.dll`` for 64 bits).

    Raises:
        ScanFault: ``no_device`` when it is not installed.
    """
    try:
        return twain.SourceManager(window, ProductName="ged-bridge", Manufacturer="GED", ProductFamily="GED")
    except TROUBLES as error:
        raise fault_of(error, "source manager") from error


def close_manager(manager: Any) -> None:
    """Close the manager."""
    _close(manager)


def _close(thing: Any) -> None:
    try:
        thing.close()
    except TROUBLES as error:  # after a fault it may refuse to close; the process ends anyway
        log.warning("%s was not closed well: %r", type(thing).__name__, error)


def open_source(manager: Any, name: str) -> TwainSource:
    """Open a source by its name.

    Raises:
        ScanFault: ``unplugged`` and others.
    """
    try:
        return TwainSource(manager.open_source(name), manager)
    except TROUBLES as error:
        fault = fault_of(error, f"open {name}")
        raise ScanFault("unplugged", fault.detail) if fault.code in {"io", "no_device"} else fault from error


def _container(address: int, kind: int) -> list[float] | tuple[float, float, float]:
    """Copy the numbers out of a capability's container (2-byte packing, as TWAIN defines)."""
    item_type = struct.unpack("<H", ctypes.string_at(address, 2))[0]
    if kind == constants.TWON_RANGE:
        raw = ctypes.string_at(address + 2, 12)
        least, most, step = (_number(item_type, raw[start : start + 4]) for start in (0, 4, 8))
        return least, most, step
    width = _WIDTHS.get(item_type, 0)
    if kind == constants.TWON_ONEVALUE:
        start, count = 2, 1
    elif kind in (constants.TWON_ENUMERATION, constants.TWON_ARRAY):
        start = 14 if kind == constants.TWON_ENUMERATION else 6
        count = struct.unpack("<I", ctypes.string_at(address + 2, 4))[0]
    else:
        return []
    if not width or count > 10_000:
        return []
    items = ctypes.string_at(address + start, count * width)
    return [_number(item_type, items[place : place + width]) for place in range(0, len(items), width)]


_FORMATS: Final = {
    constants.TWTY_INT8: "<b",
    constants.TWTY_UINT8: "<B",
    constants.TWTY_INT16: "<h",
    constants.TWTY_UINT16: "<H",
    constants.TWTY_BOOL: "<H",
    constants.TWTY_INT32: "<i",
    constants.TWTY_UINT32: "<I",
    constants.TWTY_FIX32: "<hH",
}
_WIDTHS: Final = {kind: struct.calcsize(layout) for kind, layout in _FORMATS.items()}


def _number(item_type: int, raw: bytes) -> float:
    values: Sequence[int] = struct.unpack(_FORMATS[item_type], raw[: _WIDTHS[item_type]])
    return values[0] + values[1] / 65536 if item_type == constants.TWTY_FIX32 else values[0]


def picture_of_dib(read: Callable[[int, int], bytes]) -> Image.Image:
    """The picture in a device-independent bitmap. Its size is computed from its header alone.

    Raises:
        OSError: the bytes are no supported bitmap, or the bitmap is too large.
    """
    size, width, height, _planes, bits, compression, _bytes, _x, _y, colours = struct.unpack("<IiiHHIIiiI", read(0, 36))
    if size < 40 or width <= 0 or height == 0 or bits not in (1, 4, 8, 24, 32) or compression not in (0, 3):
        raise OSError(f"no bitmap that we read: {size} {width} {height} {bits} {compression}")
    if width * abs(height) > _MAX_PIXELS:
        raise OSError(f"{width} x {height} pixels")
    palette = 4 * (colours or (1 << bits if bits <= 8 else 0)) + (12 if compression == 3 and size == 40 else 0)
    stride = (width * bits + 31) // 32 * 4
    with Image.open(io.BytesIO(read(0, size + palette + stride * abs(height))), formats=["DIB"]) as image:
        image.load()
        return _plain(image)


def _plain(image: Image.Image) -> Image.Image:
    """Convert to gray, colour or black and white; a palette of grays becomes gray."""
    if image.mode == "P":
        image = image.convert("RGB")
        red, green, blue = image.split()
        if red.tobytes() == green.tobytes() == blue.tobytes():
            return red
    return image.copy() if image.mode in ("1", "L") else image.convert("RGB")
