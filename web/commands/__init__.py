"""The command line: ``ged``. Each command parses, calls one function, prints.

A command's module is imported when the command is called: ``ged ocr`` needs no database, ``ged token`` no engine.
"""

import gc
import logging
import os
from importlib import import_module
from pathlib import Path

import click

from ged.errors import GedError, Overtaken
from ged.faults import busy, fault_of
from web.commands.ending import stop
from web.processes import logs

COMMANDS = {
    "account": "web.commands.account:account",
    "anchor": "web.commands.proof:anchor",
    "backup": "web.commands.backup:backup",
    "blobs": "web.commands.blobs:blobs",
    "clock": "web.commands.clock:clock",
    "demo": "demo.commands:demo",
    "disk": "web.commands.disk:disk",
    "entity": "web.commands.entity:entity",
    "doctor": "web.commands.doctor:doctor",
    "export": "web.commands.export:export",
    "facts": "web.commands.facts:facts",
    "guide": "web.commands.guide:guide",
    "import": "web.commands.imports:import_letters",
    "index": "web.commands.index:index",
    "init": "web.commands.install:init",
    "keys": "web.commands.keys:keys",
    "metrics": "web.commands.metrics:metrics",
    "migrate": "web.commands.install:migrate",
    "move": "web.commands.move:move",
    "ocr": "web.commands.ocr:ocr",
    "org": "web.commands.org:org",
    "pki": "web.commands.pki:pki",
    "registers": "web.commands.registers:registers",
    "report": "web.commands.report:report",
    "restore": "web.commands.restore:restore",
    "run": "demo.commands:run",
    "seal": "web.commands.proof:seal",
    "search": "web.commands.search:search",
    "serve": "web.commands.serve:serve",
    "signatures": "web.commands.signatures:signatures",
    "token": "web.commands.token:token",
    "training": "demo.commands:training_group",
    "upgrade": "web.commands.upgrade:upgrade",
    "verify": "web.commands.proof:verify",
    "worker": "web.commands.serve:worker",
}
"""Name of a command -> module and object. The demonstration is listed only by name: no code imports it."""


class Group(click.Group):
    """A command group: an expected error, also a full disk or a database that is away, ends with its code and remedy, never
    with a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        found: click.Command = getattr(import_module(module), name)
        if not gc.isenabled():  # see ``program``
            gc.freeze()  # what is loaded stays: no later collection looks at it again
            gc.enable()
        return found

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except GedError as error:
            stop(error)
        except Overtaken:
            stop(busy())
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            stop(fault)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--env", type=click.Path(path_type=Path), default=None, help="File of GED_* settings.")
def main(env: Path | None) -> None:
    """GED: documents and mail of a ministry."""
    logs.configure(os.environ.get("GED_LOG", ""))
    for chatty in ("alembic", "elastic_transport"):  # a line for each call of each search
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if env is not None:
        os.environ["GED_ENV_FILE"] = str(env)


def program() -> None:
    """The program ``ged``: the command line in a process of its own.

    Imports make hundreds of thousands of objects and hardly any garbage. Looking at them again and again would take a
    third of the time of a start. So the process collects garbage only once the command's modules are loaded.
    """
    gc.disable()
    main()
