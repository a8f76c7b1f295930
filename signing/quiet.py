"""Silences pyHanko. It is a module of its own for the child that examines files: to import what signs would double its start."""

import logging


def quiet_pyhanko() -> None:
    """Silence pyHanko: it logs whole tracebacks for findings that we return as values."""
    for name in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
