"""Watched folders: files that a copier drops there are sent to the site. By polling, for shares send no events."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scanner_bridge import watch_moves
from scanner_bridge.api import Api, Link, LinkDownError, RefusedError
from scanner_bridge.config import Config, Folder
from scanner_bridge.faults import ADVICE, ScanFault
from scanner_bridge.manifest import Manifest, Order, Page
from scanner_bridge.upload import Backoff
from scanner_bridge.watch_files import Seen, Verdict, candidates, examine, is_free
from scanner_bridge.watch_inbox import INBOX_NAME, Entry, Inbox

log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 2.0
_REFUSED_AGAIN_S: Final = 600.0
_SEEN_EVERY_S: Final = 60.0
_FINAL: Final = frozenset({400, 413, 415, 422})
_REASONS: Final = {
    "empty": "Le fichier est vide.",
    "growing": "Le fichier est incomplet : son envoi s'est arrêté en route. Numérisez de nouveau le document.",
    "type": "Ce n'est ni un PDF, ni une image (TIFF, JPEG, PNG, JPEG 2000), ni un texte (Word, OpenDocument, RTF). "
    "Réglez le copieur sur l'un de ces formats.",
}


class Watcher:
    """Polls the folders and sends their documents, in its own thread."""

    def __init__(self, home: Path, config: Config, *, on_link: Callable[[Link], None] = lambda _link: None) -> None:
        """Open the inbox in ``home`` (recovering after a kill); no folder is read yet."""
        self._folders = [_Folder(folder) for folder in config.folders]
        self._inbox = Inbox(home / INBOX_NAME, free_bytes=config.free_bytes)
        self._apis = {token: Api(config.server, token, ca_file=config.ca_file) for token in _tokens(config)}
        self._tokens = {each.path: each.token or config.token for each in config.folders}
        self._names = {each.path: each.name or Path(each.path).name for each in config.folders}
        self._fallback = config.token
        self._own = [api for token, api in self._apis.items() if token != config.token]
        self._on_link = on_link
        self._stopping = threading.Event()
        self._refused_until: dict[str, float] = {}
        self._backoff = Backoff()
        self._send_from = self._tell_from = 0.0

    def run(self) -> None:
        """Poll and send until stopped."""
        settles = [folder.settings.settle_s / 2 for folder in self._folders]
        every_s = max(0.05, min([_LOOK_EVERY_S, *settles]))
        while not self._stopping.is_set():
            self.look()
            self.send()
            self._stopping.wait(every_s)
        for api in self._apis.values():
            api.close()

    def stop(self) -> None:
        """Let ``run`` return after the current call."""
        self._stopping.set()

    def look(self) -> None:
        """Poll each folder once: take complete documents, refuse unusable files."""
        live = frozenset(entry.key for entry in self._inbox.entries())
        for folder in self._folders:
            try:
                folder.look(self._inbox, live)
            except (OSError, ScanFault) as error:
                folder.is_away(error)
            else:
                folder.is_there()

    def send(self) -> None:
        """Send the taken documents, and move away the originals that the server has. Failures are retried later."""
        for entry in self._inbox.entries():
            if self._stopping.is_set():
                return
            try:
                self._advance(entry)
            except OSError as error:
                log.warning("%s will be moved away later: %s", entry.name, error)
            except ScanFault as fault:
                log.error("%s: %s; %s", entry.name, fault, fault.remedy)
        if self._own and time.monotonic() >= self._tell_from:
            self._tell_from = time.monotonic() + _SEEN_EVERY_S
            self._say_here()

    def _advance(self, entry: Entry) -> None:
        if entry.state == "taken":
            if time.monotonic() < max(self._send_from, self._refused_until.get(entry.key, 0.0)):
                return
            entry = self._send(entry)
        if entry.state == "sent":
            watch_moves.move_away(entry, watch_moves.DONE_NAME)
            self._inbox.drop(entry)
        elif entry.state == "refused":
            content = self._inbox.open(entry)
            try:
                watch_moves.refuse_entry(entry, content)
            finally:
                if content is not None:
                    content.close()
            self._inbox.drop(entry)

    def _send(self, entry: Entry) -> Entry:
        """Send one document. Every call is idempotent, so a kill between two calls does no harm."""
        try:
            if not self._upload(entry):
                return entry
        except LinkDownError as down:
            self._on_link(down.link)
            wait_s = self._backoff.next_wait_s()
            self._send_from = time.monotonic() + wait_s
            log.warning("documents wait %.1f s: %s", wait_s, down)
            return entry
        except RefusedError as refusal:
            log.error("the server refuses %s: %s", entry.name, refusal)
            if refusal.status in _FINAL:
                reason = f"Le serveur a refusé le document : {refusal.message} ({refusal.code or refusal.status})"
                return self._inbox.set_state(entry, "refused", reason)
            self._refused_until[entry.key] = time.monotonic() + _REFUSED_AGAIN_S
            return entry
        self._backoff.reset()
        self._on_link("online")
        log.info("%s is on the server", entry.name)
        return self._inbox.set_state(entry, "sent")

    def _upload(self, entry: Entry) -> bool:
        content = self._inbox.open(entry)
        if content is None:
            self._take_again(entry)
            return False
        api = self._apis.get(self._tokens.get(entry.folder, ""), self._apis[self._fallback])
        page = Page(entry.key, entry.file, entry.digest, entry.size, 0, 1, "sent")
        order = Order(0, self._names.get(entry.folder, entry.folder), entry.taken_at, complete=True)
        with content:
            # A name in a folder may hold bytes that are no UTF-8 (surrogates in Python): they cannot be sent.
            api.open_batch(entry.key, order, filename=entry.name.encode("utf-8", "replace").decode())
            receipt = api.put_page(entry.key, page, content)
        if receipt != (entry.digest, entry.size):
            raise LinkDownError("server_down", f"the receipt for {entry.name} names other bytes")
        if missing := api.complete(Manifest(entry.key, pages=(page,))):
            raise LinkDownError("server_down", f"the server lost {entry.name}: {missing}")
        return True

    def _take_again(self, entry: Entry) -> None:
        """Take the document again: the disk damaged our copy, but the original is still in its folder."""
        log.error("%s: %s", entry.name, ADVICE["page_lost"].fr)
        if entry.original.exists():
            self._inbox.drop(entry)
        else:
            self._refused_until[entry.key] = time.monotonic() + _REFUSED_AGAIN_S

    def _say_here(self) -> None:
        """Report folders with their own pairing as present: an empty list of scanners."""
        for api in self._own:
            try:
                api.announce_devices([])
            except (LinkDownError, RefusedError) as error:
                log.warning("a folder's pairing: %s", error)


class _Folder:
    """One folder and the files seen in it. Times are monotonic, for a copier's clock may be wrong."""

    def __init__(self, settings: Folder) -> None:
        self.settings = settings
        self._path = Path(settings.path)
        self._since: dict[Seen, float] = {}
        self._away = ""
        self._recovered = False

    def look(self, inbox: Inbox, live: frozenset[str]) -> None:
        present = candidates(self._path)
        now = time.monotonic()
        self._since = {seen: self._since.get(seen, now) for seen in present}
        if not self._recovered:
            watch_moves.prepare(self._path)
            watch_moves.recover(self._path, live)
            self._recovered = True
        for seen in present:
            still_s = now - self._since[seen]
            if still_s >= self.settings.settle_s and not inbox.holds(seen):
                self._decide(inbox, seen, still_s)

    def _decide(self, inbox: Inbox, seen: Seen, still_s: float) -> None:
        try:
            verdict = examine(seen.path) if is_free(seen.path) else Verdict(problem="held")
        except OSError as error:
            log.warning("%s cannot be read now: %s", seen.path, error)
            return
        if verdict.is_whole:
            if inbox.take(seen, verdict.media_type, now=datetime.now(UTC).isoformat()) is not None:
                log.info("%s taken from %s", seen.path.name, self._path)
        elif verdict.problem == "type" or (verdict.problem in _REASONS and still_s >= self.settings.incomplete_s):
            log.warning("%s refused: %s", seen.path, verdict.problem)
            watch_moves.refuse(seen, _REASONS[verdict.problem])

    def is_away(self, error: Exception) -> None:
        if str(error) != self._away:
            self._away = str(error)
            log.error("folder %s cannot be used now: %s", self._path, error)

    def is_there(self) -> None:
        if self._away:
            self._away = ""
            log.info("folder %s is back", self._path)


def _tokens(config: Config) -> Iterable[str]:
    return dict.fromkeys([config.token, *(folder.token for folder in config.folders if folder.token)])
