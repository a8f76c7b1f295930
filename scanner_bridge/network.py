"""Scanners on the network: an MFP that speaks eSCL or WSD (sane-airscan), or a scanner of another computer (``saned``).

Their addresses are part of the bridge's settings. The start writes them as a SANE configuration, which takes precedence
over the computer's own; the computer's backends and hosts stay available. If MFPs are named, airscan's search is off:
without an mDNS daemon it finds nothing, not even the named MFPs.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from scanner_bridge.config import ConfigProblem
from scanner_bridge.durable import write_durably

_SYSTEM: Final = Path("/etc/sane.d")
_AIRSCAN: Final = {"http": "eSCL", "https": "eSCL", "wsd": "WSD"}


def check_address(name: str, address: str) -> None:
    """Refuse names and addresses that would break the lines of SANE's files.

    Raises:
        ConfigProblem: the text says what an address looks like.
    """
    try:
        parts = urlsplit(address)
        good = parts.scheme in (*_AIRSCAN, "saned") and bool(parts.hostname)
        good = good and (parts.port is None or parts.scheme != "saned")
    except ValueError:
        good = False
    if not good or any(c.isspace() or c in '",#' for c in address):
        raise ConfigProblem(
            f"Adresse « {address} » : http://copieur.local/eSCL, wsd://copieur.local/wsd ou saned://poste.local"
        )
    if not name.strip() or any(c in '"=[]#\n\r' for c in name):
        raise ConfigProblem(f"Nom « {name} » : un texte sans guillemet, « = », « # » ni crochet")


def plug_in(home: Path, network: Mapping[str, str], environ: dict[str, str]) -> None:
    """Write the configuration and name it in ``environ`` for the processes that call libsane."""
    if not network:
        return
    folder, before = home / "sane", environ.get("SANE_CONFIG_DIR", "")
    if before.split(":")[0] == str(folder):
        return
    others = [Path(part) for part in before.split(":") if part]
    if not before or before.endswith(":"):
        others.append(_SYSTEM)
    (folder / "dll.d").mkdir(mode=0o700, parents=True, exist_ok=True)
    hosts = [urlsplit(address).hostname or "" for address in network.values() if address.startswith("saned:")]
    devices = {name: address for name, address in network.items() if not address.startswith("saned:")}
    _write(folder / "dll.d" / "ged-bridge", [*_backends(others), "net", "airscan"])
    _write(folder / "net.conf", [*_lines(others, "net.conf"), *hosts])
    quiet = ["[options]", "discovery = disable"] if devices else []
    _write(folder / "airscan.conf", [*_lines(others, "airscan.conf"), "[devices]", *_airscan(devices), *quiet])
    environ["SANE_CONFIG_DIR"] = f"{folder}:{before}"


def _write(path: Path, lines: list[str]) -> None:
    write_durably(path, "".join(f"{line}\n" for line in lines).encode())


def _airscan(devices: Mapping[str, str]) -> Iterator[str]:
    for name, address in devices.items():
        scheme, rest = address.split(":", 1)
        url = f"http:{rest}" if scheme == "wsd" else address
        yield f'"{name}" = {url}, {_AIRSCAN[scheme]}'


def _backends(folders: list[Path]) -> list[str]:
    """The lines of the first existing folder ``dll.d``: SANE reads only one."""
    found = next((folder / "dll.d" for folder in folders if (folder / "dll.d").is_dir()), None)
    paths = sorted(path for path in found.iterdir() if path.is_file()) if found else []
    return [line for path in paths for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]


def _lines(folders: list[Path], name: str) -> list[str]:
    """The lines of the first file of this name: SANE reads only one."""
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    return found.read_text(encoding="utf-8", errors="replace").splitlines() if found else []
