"""Whether the training installation beside this one is served: asked of its address, for the two share nothing else."""

from enum import StrEnum

import httpx

ASK_S = 2.0


class Standing(StrEnum):
    """What the address of the training installation tells."""

    UNSET = "unset"
    """No address is set."""
    SERVED = "served"
    SILENT = "silent"
    """Nothing answers there."""
    OTHER = "other"
    """Something else answers: a real installation, or another program."""


def standing(url: str) -> Standing:
    """Ask the address. Waits two seconds at most."""
    if not url:
        return Standing.UNSET
    try:
        answer = httpx.get(f"{url.rstrip('/')}/sante/site", timeout=ASK_S)
    except (httpx.HTTPError, httpx.InvalidURL):
        return Standing.SILENT
    is_training = answer.headers.get("X-GED-Training") == "EXERCICE"
    return Standing.SERVED if is_training else Standing.OTHER
