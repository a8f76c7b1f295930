"""Replaces a release by another one while people work, and goes back where anything fails.

Nothing here knows the database or the settings: each release's own ``ged`` is called. So the release before makes the copy with
what it knows, and the new one runs its expansions.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ged.errors import ConfigError, EngineFailed, InvalidTransition
from ged.progress import Progress

CHECKS = ("settings", "data", "keyring", "space", "inodes", "clock.database", "database", "redis")
"""What must work before anything is replaced, and afterwards (``ged doctor --only``)."""
FAULT = "fault"


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Its last line, for a message."""
        lines = [*self.out.strip().splitlines(), *self.err.strip().splitlines()]
        return lines[-1][:300] if lines else ""


class Machine(Protocol):
    """What runs the services. On a server systemd does; the tests run real processes."""

    def ged(self, release: Path, *words: str) -> Ended:
        """Run ``ged`` of a release, as the account of the services."""
        ...

    def units(self) -> Sequence[str]:
        """The services that run, the sites first."""
        ...

    def restart(self, unit: str) -> bool:
        """Restart a service, as the link ``current`` says. Returns whether it was ready in time."""
        ...

    def older(self, release: Path) -> Sequence[int]:
        """Processes that run a release."""
        ...


@dataclass(frozen=True)
class Place:
    """Where releases lie (``current``, ``previous``), and the folder of what ``deploy/install.sh`` remembers."""

    root: Path
    state: Path

    @property
    def current(self) -> Path:
        """The release that runs."""
        return (self.root / "current").resolve()

    @property
    def previous(self) -> Path | None:
        """The release before; None: none is kept."""
        link = self.root / "previous"
        return link.resolve() if link.is_symlink() and link.exists() else None

    @property
    def is_finished(self) -> bool:
        """Whether the database has forgotten the release before."""
        return (self.state / "finished").exists()

    @property
    def went_back(self) -> bool:
        """Whether the newer release was left again."""
        return (self.state / "went-back").exists()

    def note(self, *, finished: bool = False, went_back: bool = False) -> None:
        """Remember how far an upgrade came."""
        for name, holds in (("finished", finished), ("went-back", went_back)):
            (self.state / name).touch(mode=0o600) if holds else (self.state / name).unlink(missing_ok=True)

    def link(self, name: str, release: Path | None) -> None:
        """Let a link name a release: in one step; None: remove it."""
        link = self.root / name
        if release is None:
            link.unlink(missing_ok=True)
            return
        draft = self.root / f"{name}.new"
        draft.unlink(missing_ok=True)
        # A link cannot be overwritten: renamed over the old one, it is at each moment one of the two, also after a
        # power cut.
        draft.symlink_to(release)
        draft.replace(link)


def upgrade(
    machine: Machine, place: Place, new: Path, *, copy: bool = True, progress: Progress = lambda _: None
) -> None:
    """Replace the running release by a new one.

    Args:
        copy: make a copy first (``ged backup``).

    Raises:
        ConfigError: ``upgrade.no_release``, ``upgrade.same``, ``upgrade.denied``.
        InvalidTransition: ``upgrade.unfinished``, ``upgrade.not_well``, ``upgrade.no_copy``: nothing was changed.
        EngineFailed: ``upgrade.migration``: nothing was replaced; ``upgrade.went_back``: the release before serves again;
            ``upgrade.stuck``: it does not.
    """
    new, was = new.resolve(), place.current
    if new == was and place.previous is not None and not place.is_finished and not place.went_back:
        # An earlier call was killed behind the links: its services may still run the release before.
        _restart_or_back(machine, place, Before(place.previous, None, is_finished=True), progress)
        return
    _require_possible(place, new, was)
    progress(f"checks of {was.name}")
    before = _faults(machine, was)
    if before:
        raise InvalidTransition("upgrade.not_well", "mend it first: ged doctor", checks=", ".join(before))
    if copy:
        progress("copy")
        made = machine.ged(was, "backup")
        if made.code:
            raise InvalidTransition(
                "upgrade.no_copy", "set up the copies (ged backup), or add --no-backup", said=made.said
            )
    progress(f"expansions of {new.name}, while {was.name} serves")
    migrated = machine.ged(new, "migrate")
    if migrated.code:
        raise EngineFailed(
            "upgrade.migration", f"{was.name} serves as before; do what the message says", said=migrated.said
        )
    _replace(machine, place, new, was, progress)


def _require_possible(place: Place, new: Path, was: Path) -> None:
    if not (new / "bin" / "ged").is_file():
        raise ConfigError("upgrade.no_release", "name the folder of an installed release", setting="RELEASE")
    if new == was:
        raise ConfigError("upgrade.same", f"{new.name} runs already; to close the upgrade: --finish", setting="RELEASE")
    if not (was / "bin" / "ged").is_file():
        raise ConfigError("upgrade.no_release", "install the first release by install.sh", setting="--root")
    if place.previous is not None and not place.is_finished and not place.went_back:
        raise InvalidTransition(
            "upgrade.unfinished", "close the last upgrade first (--finish), or go back (--back)", release=was.name
        )


def _faults(machine: Machine, release: Path) -> list[str]:
    found = machine.ged(release, "doctor", "--json", *(word for name in CHECKS for word in ("--only", name)))
    try:
        checks = json.loads(found.out)["checks"]
    except (ValueError, KeyError, TypeError):
        return [f"ged doctor: {found.said}"]
    return [f"{one['name']} {one['code']}" for one in checks if one["state"] == FAULT]


@dataclass(frozen=True)
class Before:
    """How it was before an upgrade: the release that ran, the one before it, and what was remembered."""

    release: Path
    previous: Path | None
    is_finished: bool
    went_back: bool = False


def _replace(machine: Machine, place: Place, new: Path, was: Path, progress: Progress) -> None:
    before = Before(was, place.previous, place.is_finished, place.went_back)
    place.link("previous", was)
    place.note()
    place.link("current", new)
    _restart_or_back(machine, place, before, progress)


def _restart_or_back(machine: Machine, place: Place, before: Before, progress: Progress) -> None:
    new, was = place.current, before.release
    replaced: list[str] = []
    failed = ""
    for unit in machine.units():
        progress(f"restart of {unit}")
        replaced.append(unit)
        if not machine.restart(unit):
            failed = f"{unit} is not ready"
            break
    failed = failed or "; ".join(_faults(machine, new))
    if not failed:
        progress(f"{new.name} serves; close the upgrade when it has proven itself: ged upgrade --finish")
        return
    progress(f"{failed}: back to {was.name}")
    # Before the restarts: a service that is restarted runs what the link says.
    place.link("current", was)
    place.link("previous", before.previous)
    place.note(finished=before.is_finished, went_back=before.went_back)
    stuck = _restart_all(machine, replaced, progress)
    if stuck:
        raise EngineFailed(
            "upgrade.stuck", "look at the logs of these services now", services=", ".join(stuck), why=failed
        )
    raise EngineFailed(
        "upgrade.went_back",
        f"look at the log of the service, and report it; {was.name} serves as before",
        why=failed,
        release=new.name,
    )


def _restart_all(machine: Machine, units: Sequence[str], progress: Progress) -> list[str]:
    """Restart services one after another; returns those that are not ready."""
    stuck = []
    for unit in units:
        progress(f"restart of {unit}")
        if not machine.restart(unit):
            stuck.append(unit)
    return stuck


def finish(machine: Machine, place: Place, *, progress: Progress = lambda _: None) -> None:
    """Close an upgrade: the database forgets the release before. Only a backup leads back from here.

    Raises:
        InvalidTransition: ``upgrade.went_back_before``, ``upgrade.older_runs``; EngineFailed: ``upgrade.migration``.
    """
    now, before = place.current, place.previous
    if place.went_back:
        raise InvalidTransition(
            "upgrade.went_back_before", "the newer release was left: upgrade again first", release=now.name
        )
    older = machine.older(before) if before is not None and before != now else ()
    if older:
        raise InvalidTransition(
            "upgrade.older_runs", "stop these processes of the release before", processes=", ".join(map(str, older))
        )
    progress(f"contractions of {now.name}")
    done = machine.ged(now, "migrate", "--finish")
    if done.code:
        raise EngineFailed("upgrade.migration", "everything works as before; do what the message says", said=done.said)
    place.note(finished=True)


def back(machine: Machine, place: Place, *, progress: Progress = lambda _: None) -> None:
    """Let the release before serve again, with what was registered meanwhile.

    Raises:
        InvalidTransition: ``upgrade.nothing_before``, ``upgrade.finished``; EngineFailed: ``upgrade.stuck``.
    """
    was, before = place.current, place.previous
    if before is None:
        raise InvalidTransition("upgrade.nothing_before", "install a release first: there is none before this one")
    if place.is_finished:
        raise InvalidTransition(
            "upgrade.finished", "only a backup leads back: the database has forgotten the release before"
        )
    place.link("current", before)
    place.link("previous", was)
    place.note(went_back=True)
    stuck = _restart_all(machine, machine.units(), progress)
    if stuck:
        raise EngineFailed("upgrade.stuck", "look at the logs of these services", services=", ".join(stuck))
    progress(f"{before.name} serves")
