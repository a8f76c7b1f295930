"""``ged-bridge``: pair, run, devices, status, desk, watch, simulate."""

import json
import logging
import os
import platform
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from scanner_bridge import config as settings
from scanner_bridge.api import Api, LinkDownError, RefusedError
from scanner_bridge.desk_page import hash_of, new_code
from scanner_bridge.device import SaneScanner, Scanner
from scanner_bridge.faults import ADVICE, ScanFault
from scanner_bridge.lock import HomeLock
from scanner_bridge.loop import STATUS_NAME, Agent
from scanner_bridge.network import check_address, plug_in
from scanner_bridge.simulate import SimulatedScanner, write_sane_config
from scanner_bridge.simulate_device import Device, parse_fault
from scanner_bridge.status import is_disk_full, last_fault, waiting_pages
from scanner_bridge.twain_device import TwainScanner
from scanner_bridge.watch import Watcher
from scanner_bridge.watch_inbox import waiting_documents

_LINKS = {
    "online": "connecté",
    # Of no answer, the desk knows no reason: a cut network and a stopped server look alike from here.
    "network_down": "le serveur ne répond pas",
    "server_down": "le serveur répond qu'il ne peut rien prendre pour le moment",
    "unpaired": "le serveur ne connaît plus ce poste",
}
_TO_DO = {
    "network_down": "Vérifiez le câble ou le wifi. Si d'autres sites s'ouvrent, c'est le serveur : prévenez l'administrateur.",
    "server_down": "Rien à faire à ce poste.",
    "unpaired": "Demandez un code à l'administrateur, puis : ged-bridge pair, et redémarrez ged-bridge.",
}
"""What a person does about a link that is away."""


def _link_words(link: str, since: str, kept: int) -> list[str]:
    """The link, and while it is away what is kept and what a person does.

    Args:
        since: ISO 8601, with its zone; told in the time of this computer. Empty: not known.
        kept: pages and documents on this computer that the server has not acknowledged.
    """
    when = f" depuis le {datetime.fromisoformat(since).astimezone():%d/%m/%Y à %H:%M}" if since else ""
    lines = [f"Liaison : {_LINKS.get(link, 'pas encore essayée')}{when}"]
    if link not in _TO_DO:
        return lines
    what = "Ce qui attend est gardé" if kept else "Ce qui sera numérisé est gardé"
    goes = "partira de soi-même dès que le serveur répondra"
    if link == "unpaired":
        goes = "partira de soi-même après le nouvel appairage"
    return [*lines, f"    {what} sur ce poste et {goes} : ne numérisez rien une seconde fois.", f"    {_TO_DO[link]}"]


def _config(home: Path) -> settings.Config:
    try:
        return settings.load(home)
    except settings.ConfigProblem as problem:
        raise click.ClickException(str(problem)) from problem


@click.group()
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=settings.default_home,
    show_default="GED_BRIDGE_HOME, sinon ~/.local/state/ged-bridge",
    help="Dossier du programme : réglages et pages en attente.",
)
@click.option("--verbose", is_flag=True, help="Journal détaillé.")
@click.pass_context
def main(context: click.Context, home: Path, verbose: bool) -> None:
    """Relie les scanners de ce poste au serveur de courrier."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in ("httpx", "httpcore", "PIL"):
        logging.getLogger(name).setLevel(logging.WARNING)
    context.obj = home


@main.command()
@click.option("--server", required=True, help="Adresse du site, par exemple https://courrier.gouv.tg")
@click.option("--code", required=True, help="Code d'appairage affiché par le site.")
@click.option("--name", default=platform.node, help="Nom de ce poste sur le site.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Certificat de l'autorité du ministère (PEM), si les navigateurs ne la connaissent pas.",
)
@click.pass_obj
def pair(home: Path, server: str, code: str, name: str, ca: Path | None) -> None:
    """Appaire ce poste avec le site."""
    config = _config(home)
    try:
        settings.require_protected(server)
    except settings.ConfigProblem as problem:
        raise click.ClickException(str(problem)) from problem
    ca_file = str(ca.absolute()) if ca else ""
    token, bridge_id = _exchange(server, code, name, ca_file)
    settings.save(home, config.paired(server=server, token=token, bridge_id=bridge_id, ca_file=ca_file))
    click.echo(f"Poste « {name} » appairé avec {server}.")


def _scanner(home: Path, config: settings.Config) -> Scanner:
    """The scanners of this system: TWAIN on Windows, SANE elsewhere, with the scanners on the network."""
    environ = dict(os.environ)
    plug_in(home, config.network, environ)
    os.environ.update(environ)
    plug = TwainScanner if sys.platform == "win32" else SaneScanner
    return plug(config.devices, stall_timeout_s=config.stall_timeout_s)


def _exchange(server: str, code: str, name: str, ca_file: str) -> tuple[str, str]:
    try:
        api = Api(server, ca_file=ca_file)
    except OSError as unreadable:
        raise click.ClickException(f"{ca_file} : ce n'est pas un certificat PEM lisible.") from unreadable
    try:
        return api.pair(code, name)
    except RefusedError as refusal:
        raise click.ClickException(f"Code refusé : {refusal.message} ({refusal.code})") from refusal
    except LinkDownError as down:
        raise click.ClickException(f"Serveur injoignable : {down}") from down
    finally:
        api.close()


@main.command()
@click.pass_obj
def run(home: Path) -> None:
    """Attend les ordres de numérisation et envoie les pages."""
    config = _config(home)
    if not config.is_paired:
        raise click.ClickException("Ce poste n'est pas appairé : ged-bridge pair --server URL --code CODE")
    try:
        settings.require_protected(config.server)
    except settings.ConfigProblem as problem:  # paired by an earlier release: its pages must not stay at the desk
        click.echo(f"Attention : {problem}", err=True)
    lock = HomeLock(home)
    if not lock.take():
        raise click.ClickException(f"Un autre ged-bridge utilise déjà {home}.")
    agent = Agent(home, config, _scanner(home, config))
    watcher = Watcher(home, config)
    watching = threading.Thread(target=watcher.run, name="folders", daemon=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: agent.stop())
    click.echo(f"ged-bridge : {config.server}, dossier {home}")
    watching.start()
    agent.run()
    watcher.stop()
    watching.join(timeout=5.0)
    lock.release()


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Sortie JSON.")
@click.pass_obj
def devices(home: Path, as_json: bool) -> None:
    """Liste les scanners de ce poste (SANE, ou TWAIN sous Windows)."""
    config = _config(home)
    scanner = _scanner(home, config)
    try:
        found = scanner.devices()
    except ScanFault as fault:
        raise click.ClickException(f"{ADVICE[fault.code].fr} ({fault})") from fault
    finally:
        scanner.close()
    if as_json:
        click.echo(json.dumps([asdict(device) for device in found], ensure_ascii=False, indent=1))
        return
    for device in found:
        click.echo(f"{device.name}  {device.vendor} {device.model} ({device.type})")
        click.echo(f"    sources {list(device.sources)}, modes {list(device.modes)}, ppp {list(device.resolutions)}")
    if not found:
        click.echo(ADVICE["no_device"].fr)
        sys.exit(1)


@main.command()
@click.argument("name")
@click.argument("address", required=False)
@click.option("--remove", is_flag=True, help="Ne plus proposer ce scanner.")
@click.pass_obj
def network(home: Path, name: str, address: str | None, remove: bool) -> None:
    """Ajoute un scanner du réseau : http://copieur/eSCL, wsd://copieur/wsd, ou saned://poste pour un autre poste."""
    config = _config(home)
    if remove:
        settings.save(home, config.without_scanner(name))
        click.echo(f"« {name} » n'est plus proposé. Redémarrez ged-bridge.")
        return
    try:
        check_address(name, address or "")
    except settings.ConfigProblem as problem:
        raise click.ClickException(str(problem)) from problem
    settings.save(home, config.with_scanner(name, address or ""))
    click.echo(f"« {name} » est ajouté. Redémarrez ged-bridge ; ged-bridge devices le montre.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Sortie JSON.")
@click.pass_obj
def status(home: Path, as_json: bool) -> None:
    """Dit si le programme tourne, l'état de la liaison et les pages en attente."""
    config = _config(home)
    link = home / STATUS_NAME
    values: dict[str, object] = {"link": None, "since": None}
    if link.exists():
        values |= json.loads(link.read_text(encoding="utf-8"))
    lock = HomeLock(home)
    running = home.exists() and not lock.take()
    lock.release()
    values |= {"home": str(home), "server": config.server, "running": running, "waiting_pages": waiting_pages(home)}
    values["waiting_documents"] = waiting_documents(home)
    values |= {"fault": last_fault(home), "disk_full": is_disk_full(home, config.free_bytes)}
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False))
        return
    click.echo(f"Serveur : {config.server or 'pas appairé'}")
    click.echo(f"Programme : {'en marche' if running else 'arrêté'}")
    if running:
        kept = int(str(values["waiting_pages"])) + int(str(values["waiting_documents"]))
        for line in _link_words(str(values["link"] or ""), str(values["since"] or ""), kept):
            click.echo(line)
    click.echo(f"Pages en attente d'envoi : {values['waiting_pages']}")
    if values["disk_full"]:
        click.echo(f"Disque : {ADVICE['disk_full'].fr}")
    if isinstance(fault := values["fault"], dict):
        click.echo(f"Dernier incident : {fault['code']}, {fault['since']} : {ADVICE[fault['code']].fr}")
    if config.folders:
        click.echo(f"Documents en attente d'envoi : {values['waiting_documents']}")


@main.command()
@click.option(
    "--port", type=click.IntRange(1024, 65535), default=8427, show_default=True, help="Port, sur ce poste seulement."
)
@click.option("--remove", is_flag=True, help="Ne plus servir cette page ; les lignes déjà saisies partent encore.")
@click.pass_obj
def desk(home: Path, port: int, remove: bool) -> None:
    """Sert sur ce poste la page où saisir le carnet de secours sans le serveur, et en donne le code."""
    config = _config(home)
    if remove:
        settings.save(home, config.with_desk(0, ""))
        click.echo("La page n'est plus servie. Redémarrez ged-bridge.")
        return
    code = new_code()
    settings.save(home, config.with_desk(port, hash_of(code)))
    click.echo(
        f"Page : http://127.0.0.1:{port}/\nCode du poste : {code}\nNotez-le pour le guichet : il n'est plus montré. Redémarrez ged-bridge."
    )


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="Nom de ce dossier sur le site ; par défaut le sien.")
@click.option("--code", help="Code d'appairage d'une autre unité, à laquelle vont ces documents.")
@click.option("--remove", is_flag=True, help="Ne plus surveiller ce dossier.")
@click.pass_obj
def watch(home: Path, folder: Path, name: str | None, code: str | None, remove: bool) -> None:
    """Surveille un dossier où un copieur dépose ses numérisations (dès le prochain « run »)."""
    config, path = _config(home), folder.absolute()
    if remove:
        settings.save(home, config.without_folder(str(path)))
        click.echo(f"{path} n'est plus surveillé.")
        return
    if not config.is_paired:
        raise click.ClickException("Ce poste n'est pas appairé : ged-bridge pair --server URL --code CODE")
    if not path.is_dir():
        raise click.ClickException(f"{path} n'est pas un dossier.")
    shown = name or path.name
    token = _exchange(config.server, code, shown, config.ca_file)[0] if code else ""
    settings.save(home, config.with_folder(settings.Folder(str(path), shown, token)))
    click.echo(f"{path} est surveillé.")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Adresse d'écoute ; par défaut ce poste seulement."
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port ; 0 : un port libre.")
@click.option("--fault", "faults", multiple=True, metavar="PANNE[:N]",
              help="jam:3 (bourrage à la page 3), double:2, cut:4 (coupure), busy:2 (deux fois occupé), cover, empty.")  # fmt: skip
@click.option("--seconds-per-page", type=click.FloatRange(0, 60), default=0.0, help="Durée d'une page.")
@click.option("--sane-config", type=click.Path(path_type=Path, file_okay=False), help="Écrit là un SANE_CONFIG_DIR.")
def simulate(
    folder: Path, host: str, port: int, faults: tuple[str, ...], seconds_per_page: float, sane_config: Path | None
) -> None:
    """Sert un scanner réseau simulé (eSCL) qui numérise les images de FOLDER, pour s'exercer."""
    try:
        device = Device(folder, [parse_fault(text) for text in faults], seconds_per_page=seconds_per_page)
        server = SimulatedScanner(device, host=host, port=port)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--fault") from problem
    except OSError as problem:
        raise click.ClickException(f"{host}:{port} : {problem}") from problem
    if sane_config is not None:
        write_sane_config(sane_config, server.sane_line)
    click.echo(f"{server.url}\nairscan.conf, [devices] : {server.sane_line}")
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
