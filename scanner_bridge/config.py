"""The bridge's settings: the file ``config.json`` in its home folder. Only the owner may read it, for the token."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from scanner_bridge.durable import make_folder, write_durably

OptionValue = str | int | float | bool
CONFIG_NAME = "config.json"


class ConfigProblem(Exception):
    """The settings are invalid; the text says what to change."""


@dataclass(frozen=True)
class Folder:
    """A watched folder.

    Attributes:
        path: where a copier drops its scans.
        name: what the site shows as the device.
        token: bearer token of a separate pairing, so that the documents go to another unit; empty: the bridge's token.
        settle_s: a file is taken when its size and time have not changed for this long.
        incomplete_s: an incomplete file without a change for this long is refused.
    """

    path: str
    name: str = ""
    token: str = field(default="", repr=False)
    settle_s: float = 5.0
    incomplete_s: float = 600.0


@dataclass(frozen=True)
class Config:
    """The settings that the bridge keeps between two starts.

    Attributes:
        server: base URL of the site.
        token: bearer token from pairing; never logged.
        bridge_id: the server's name for this bridge.
        devices: SANE device name or pattern -> SANE options to set before each scan. When not empty, only these
            devices are offered, in this order, and the first one present is the default.
        stall_timeout_s: a driver that sends no event for this long is killed.
        free_bytes: no scan begins with less free space on the spool's disk.
        folders: watched folders, see ``Folder``.
        network: scanners on the network, name -> address, see ``scanner_bridge.network``.
        desk_port: port of the page for lines that are typed while the server is away; 0: there is no such page.
        desk_code: hash of the code that opens it.
        ca_file: PEM of the authority of the site's certificate; empty: the public authorities of every browser.
    """

    server: str = ""
    token: str = field(default="", repr=False)
    bridge_id: str = ""
    devices: Mapping[str, Mapping[str, OptionValue]] = field(default_factory=dict)
    stall_timeout_s: float = 120.0
    free_bytes: int = 64 * 1024 * 1024
    folders: tuple[Folder, ...] = ()
    network: Mapping[str, str] = field(default_factory=dict)
    ca_file: str = ""
    desk_port: int = 0
    desk_code: str = field(default="", repr=False)

    @property
    def is_paired(self) -> bool:
        """Whether a server and a token are set."""
        return bool(self.server and self.token)

    def paired(self, *, server: str, token: str, bridge_id: str, ca_file: str = "") -> "Config":
        """These settings, paired with a server."""
        return replace(self, server=server, token=token, bridge_id=bridge_id, ca_file=ca_file)

    def with_desk(self, port: int, code_hash: str) -> "Config":
        """A copy with the page for typed lines; port 0: without it."""
        return replace(self, desk_port=port, desk_code=code_hash)

    def with_scanner(self, name: str, address: str) -> "Config":
        """A copy with this network scanner."""
        return replace(self, network={**self.network, name: address})

    def without_scanner(self, name: str) -> "Config":
        """A copy without this network scanner."""
        return replace(self, network={each: address for each, address in self.network.items() if each != name})

    def with_folder(self, folder: Folder) -> "Config":
        """A copy with this folder watched. It replaces an entry with the same path."""
        return replace(self, folders=(*self.without_folder(folder.path).folders, folder))

    def without_folder(self, path: str) -> "Config":
        """A copy with this path no longer watched."""
        return replace(self, folders=tuple(each for each in self.folders if each.path != path))


def require_protected(server: str) -> None:
    """Refuse a server address that would send the token and the scanned letters in clear text.

    Raises:
        ConfigProblem: neither ``https://`` nor this machine.
    """
    parts = urlsplit(server)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return
    raise ConfigProblem(
        f"{server} : donnez une adresse https://. Sans elle, quiconque est sur le réseau lirait les courriers. "
        "Un certificat de l'autorité du ministère s'indique par --ca."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def default_home() -> Path:
    """GED_BRIDGE_HOME, else the folder of the XDG base directory specification for state."""
    named = os.environ.get("GED_BRIDGE_HOME")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(named) if named else Path(state) / "ged-bridge"


def load(home: Path) -> Config:
    """Read the settings; a missing file gives the defaults.

    Raises:
        ConfigProblem: the file is no JSON object, or holds an unknown key.
    """
    path = home / CONFIG_NAME
    if not path.exists():
        return Config()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        config = Config(**values | {"folders": tuple(Folder(**each) for each in values.get("folders", ()))})
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigProblem(f"{path} : {error}") from error
    if not isinstance(config.devices, dict) or not all(isinstance(value, dict) for value in config.devices.values()):
        raise ConfigProblem(f'{path} : "devices" doit être un objet {{"nom SANE": {{"option": valeur}}}}')
    if not isinstance(config.network, dict) or not all(isinstance(each, str) for each in config.network.values()):
        raise ConfigProblem(f'{path} : "network" doit être un objet {{"nom": "adresse"}}')
    return config


def save(home: Path, config: Config) -> None:
    """Write the settings, readable by their owner only."""
    make_folder(home)
    write_durably(home / CONFIG_NAME, json.dumps(asdict(config), indent=2, ensure_ascii=False).encode(), mode=0o600)
