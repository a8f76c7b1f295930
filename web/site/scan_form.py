"""The form 'Numériser': named settings, and its initial values."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import LazyString

from ged.capture.desks import BridgeRow
from ged.capture.orders import Settings
from ged.capture.profiles import LastChoice, Profile
from web.site.forms import FormReader
from web.site.numbers import id_of
from web.words.messages import lazy_gettext as _l

BUILT_IN: tuple[tuple[str, LazyString, Settings], ...] = (
    ("courrier", _l("Courrier N&B 300"), Settings(source="adf", mode="lineart", dpi=300)),
    ("couleur", _l("Couleur"), Settings(source="", mode="color", dpi=300)),
    ("recto-verso", _l("Recto verso"), Settings(source="adf", mode="gray", dpi=300, sides="duplex")),
)
SIDES = (
    ("one", _l("Recto seul")),
    ("duplex", _l("Recto verso")),
    ("two_pass", _l("Recto puis verso (deux passages)")),
)
PAPERS = (
    ("a4", _l("A4")),
    ("a5", _l("A5")),
    ("a3", _l("A3")),
    ("letter", _l("Lettre US")),
    ("legal", _l("Legal US")),
    ("whole", _l("Toute la vitre")),
)
RESOLUTIONS = tuple((dpi, str(dpi)) for dpi in (150, 200, 300, 400, 600))


@dataclass(frozen=True)
class ScanChoice:
    """A filled form: the desk, the scanner and the settings."""

    bridge_id: int
    device: str | None
    settings: Settings


def read_choice(fields: FormReader) -> ScanChoice:
    """The choice of a filled form; a field that the form does not have takes the value of a plain letter."""
    # One choice contains desk, scanner and source: "7|pnm:0|ADF"; a desk alone ("7") uses its first scanner.
    desk, _sep, rest = fields.text("device", required=True, maximum=400).partition("|")
    device, _sep, source = rest.rpartition("|")
    settings = Settings(
        source=source,
        mode=fields.text("mode", maximum=32) or "gray",
        dpi=fields.integer("dpi", minimum=50, maximum=1200) or 300,
        sides=fields.text("sides", maximum=16) or ("duplex" if fields.ticked("duplex") else "one"),
        paper=fields.text("paper", maximum=16) or "a4",
        more=fields.ticked("more"),
    )
    return ScanChoice(id_of(desk) or 0, device or None, settings)


@dataclass(frozen=True)
class ScanForm:
    """The data of the form: the profiles, the chosen profile, and the initial values."""

    own: Sequence[Profile]
    profile: str
    device: str
    settings: Settings
    built_in = BUILT_IN

    @property
    def sides(self) -> list[tuple[str, str]]:
        """Choices of the form."""
        return [(key, str(label)) for key, label in SIDES]

    @property
    def papers(self) -> list[tuple[str, str]]:
        """Choices of the form."""
        return [(key, str(label)) for key, label in PAPERS]


def source_kind(source: str) -> str:
    """``duplex``, ``adf``, ``flatbed``, or an empty string for any other word."""
    name = source.lower()
    if "duplex" in name:
        return "duplex"
    if "adf" in name or "feeder" in name:
        return "adf"
    return "flatbed" if any(word in name for word in ("flatbed", "platen", "document table")) else ""


def scan_form(bridges: Sequence[BridgeRow], own: Sequence[Profile], last: LastChoice | None, wanted: str) -> ScanForm:
    """The form with a profile (``courrier``, or the id of an own profile), else with the last choice, else defaults."""
    named = {key: settings for key, _label, settings in BUILT_IN} | {str(row.id): row.settings for row in own}
    settings = named.get(wanted) or (last.settings if last else Settings())
    return ScanForm(own, wanted if wanted in named else "", _device(bridges, last, settings.source), settings)


def _device(bridges: Sequence[BridgeRow], last: LastChoice | None, source: str) -> str:
    """The best choice of the list: the last scanner, an online desk, the wanted source."""
    choices = [
        (bridge, device.name, name)
        for bridge in bridges
        for device in bridge.devices
        for name in device.sources or [""]
    ]
    kind = source_kind(source)

    def fits(choice: tuple[BridgeRow, str, str]) -> tuple[bool, bool, bool, bool, bool]:
        bridge, device, name = choice
        is_last = last is not None and (bridge.id, device) == (last.bridge_id, last.device)
        same_desk = last is not None and bridge.id == last.bridge_id
        return bridge.online, is_last, same_desk, name == source, bool(kind) and source_kind(name) == kind

    if not choices:
        return f"{bridges[0].id}||" if bridges else ""
    bridge, device, name = max(choices, key=fits)
    return f"{bridge.id}|{device}|{name}"
