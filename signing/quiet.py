"""What pyHanko logs. The child that examines files imports this, and nothing of signing, which takes as long again."""

import logging


def quiet_pyhanko() -> None:
    """Silence pyHanko: it logs whole tracebacks for findings that we return as values."""
    for name in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
