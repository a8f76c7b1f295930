"""The eSCL (AirScan) protocol as values: the documents of a device and the requests of a client. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from xml.etree import ElementTree

Source = Literal["Platen", "Feeder"]
ColorMode = Literal["Grayscale8", "RGB24"]
AdfState = Literal[
    "ScannerAdfLoaded", "ScannerAdfEmpty", "ScannerAdfJam", "ScannerAdfDoorOpen", "ScannerAdfMultipickDetected"
]

PWG: Final = "http://www.pwg.org/schemas/2010/12/sm"
SCAN: Final = "http://schemas.hp.com/imaging/escl/2011/05/03"
UNITS_PER_INCH: Final = 300
MAX_WIDTH: Final = 2550  # 8.5 inches: US letter and A4 fit on the glass
MAX_HEIGHT: Final = 4200  # 14 inches
MIN_SIDE: Final = 32
RESOLUTIONS: Final = (100, 150, 200, 300, 400, 600)
JPEG: Final = "image/jpeg"
_SOURCES: Final[dict[str, Source]] = {"Platen": "Platen", "Feeder": "Feeder"}
_COLOR_MODES: Final[dict[str, ColorMode]] = {"Grayscale8": "Grayscale8", "RGB24": "RGB24"}
_A4: Final = (2480, 3508)


class SettingsError(Exception):
    """The client's settings cannot be scanned; ``status`` is the HTTP status: 400 unreadable, 409 not offered."""

    def __init__(self, status: Literal[400, 409], detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True)
class ScanSettings:
    """The settings that a client requests; the region is in 1/300 of an inch from the upper left corner."""

    source: Source = "Platen"
    color_mode: ColorMode = "Grayscale8"
    dpi: int = 300
    duplex: bool = False
    left: int = 0
    top: int = 0
    width: int = _A4[0]
    height: int = _A4[1]

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the requested picture, in pixels."""
        return max(1, self.width * self.dpi // UNITS_PER_INCH), max(1, self.height * self.dpi // UNITS_PER_INCH)


def parse_settings(body: bytes) -> ScanSettings:
    """Read a ``ScanSettings`` document; missing elements get default values.

    Raises:
        SettingsError: the document is invalid, or requests what the device does not offer.
    """
    if b"<!" in body.replace(b"<!--", b""):
        raise SettingsError(400, "no document type declarations")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - without a DTD there is nothing to expand
    except (ElementTree.ParseError, ValueError) as error:
        raise SettingsError(400, f"no XML: {error}") from error
    if _local(root.tag) != "ScanSettings":
        raise SettingsError(400, f"{_local(root.tag)} instead of ScanSettings")
    values = {_local(element.tag): (element.text or "").strip() for element in root.iter()}
    return _checked(values)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _checked(values: dict[str, str]) -> ScanSettings:
    source: Source | None = _SOURCES.get(values.get("InputSource") or "Platen")
    color_mode: ColorMode | None = _COLOR_MODES.get(values.get("ColorMode") or "Grayscale8")
    dpi, other = (_number(values, name, 300) for name in ("XResolution", "YResolution"))
    formats = {values.get("DocumentFormat") or JPEG, values.get("DocumentFormatExt") or JPEG}
    if source is None or color_mode is None:
        raise SettingsError(409, "no such source or colour mode")
    if dpi != other or not RESOLUTIONS[0] <= dpi <= RESOLUTIONS[-1]:
        raise SettingsError(409, f"no resolution {dpi} x {other}")
    if formats != {JPEG}:
        raise SettingsError(409, f"only {JPEG}")
    left, top = _number(values, "XOffset", 0), _number(values, "YOffset", 0)
    width = min(_number(values, "Width", _A4[0]), MAX_WIDTH - left)
    height = min(_number(values, "Height", _A4[1]), MAX_HEIGHT - top)
    if left < 0 or top < 0 or min(width, height) < MIN_SIDE:
        raise SettingsError(409, "the region lies beside the glass")
    duplex = values.get("Duplex", "").lower() in ("true", "1") and source == "Feeder"
    return ScanSettings(source, color_mode, dpi, duplex, left, top, width, height)


def _number(values: dict[str, str], name: str, usual: int) -> int:
    text = values.get(name) or str(usual)
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit() or len(text) > 9:
        raise SettingsError(400, f"{name} is no number")
    return int(text)


def capabilities(name: str, uuid: str) -> bytes:
    """``ScannerCapabilities``: glass, feeder, both sides; gray and colour; JPEG."""
    return _document(
        "ScannerCapabilities",
        "<pwg:Version>2.63</pwg:Version>",
        f"<pwg:MakeAndModel>{name}</pwg:MakeAndModel><pwg:SerialNumber>{uuid[:8]}</pwg:SerialNumber>",
        f"<scan:UUID>{uuid}</scan:UUID>",
        f"<scan:Platen><scan:PlatenInputCaps>{_input_caps()}</scan:PlatenInputCaps></scan:Platen>",
        f"<scan:Adf><scan:AdfSimplexInputCaps>{_input_caps()}</scan:AdfSimplexInputCaps>",
        f"<scan:AdfDuplexInputCaps>{_input_caps()}</scan:AdfDuplexInputCaps><scan:FeederCapacity>50</scan:FeederCapacity>",
        "<scan:AdfOptions><scan:AdfOption>DetectPaperLoaded</scan:AdfOption>",
        "<scan:AdfOption>Duplex</scan:AdfOption></scan:AdfOptions></scan:Adf>",
    )


def _input_caps() -> str:
    modes = "".join(f"<scan:ColorMode>{mode}</scan:ColorMode>" for mode in _COLOR_MODES)
    resolutions = "".join(
        f"<scan:DiscreteResolution><scan:XResolution>{dpi}</scan:XResolution>"
        f"<scan:YResolution>{dpi}</scan:YResolution></scan:DiscreteResolution>"
        for dpi in RESOLUTIONS
    )
    return (
        f"<scan:MinWidth>{MIN_SIDE}</scan:MinWidth><scan:MaxWidth>{MAX_WIDTH}</scan:MaxWidth>"
        f"<scan:MinHeight>{MIN_SIDE}</scan:MinHeight><scan:MaxHeight>{MAX_HEIGHT}</scan:MaxHeight>"
        f"<scan:SettingProfiles><scan:SettingProfile><scan:ColorModes>{modes}</scan:ColorModes>"
        f"<scan:DocumentFormats><pwg:DocumentFormat>{JPEG}</pwg:DocumentFormat>"
        f"<scan:DocumentFormatExt>{JPEG}</scan:DocumentFormatExt></scan:DocumentFormats>"
        f"<scan:SupportedResolutions><scan:DiscreteResolutions>{resolutions}</scan:DiscreteResolutions>"
        "</scan:SupportedResolutions></scan:SettingProfile></scan:SettingProfiles>"
    )


def status(*, processing: bool, adf: AdfState, jobs: Iterable[tuple[str, str, int]]) -> bytes:
    """``ScannerStatus``; each job is its path, its state and the number of pages delivered."""
    infos = "".join(
        f"<scan:JobInfo><pwg:JobUri>{path}</pwg:JobUri><pwg:JobUuid>{path.rpartition('/')[2]}</pwg:JobUuid>"
        f"<pwg:ImagesCompleted>{pages}</pwg:ImagesCompleted><pwg:JobState>{state}</pwg:JobState></scan:JobInfo>"
        for path, state, pages in jobs
    )
    return _document(
        "ScannerStatus",
        "<pwg:Version>2.63</pwg:Version>",
        f"<pwg:State>{'Processing' if processing else 'Idle'}</pwg:State><scan:AdfState>{adf}</scan:AdfState>",
        f"<scan:Jobs>{infos}</scan:Jobs>",
    )


def _document(root: str, *parts: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><scan:{root} xmlns:pwg="{PWG}" xmlns:scan="{SCAN}">'
        f"{''.join(parts)}</scan:{root}>"
    ).encode()
