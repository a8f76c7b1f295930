"""Faults at the desk: each has a stable code and a remedy."""

from typing import Final, NamedTuple


class Advice(NamedTuple):
    """What a person can do: in English for logs and the server, in French for the desk."""

    en: str
    fr: str


ADVICE: Final[dict[str, Advice]] = {
    "jammed": Advice(
        "Open the feeder, take the jammed sheet out, scan the remaining sheets.",
        "Ouvrez le chargeur, retirez la feuille coincée, puis numérisez les feuilles restantes.",
    ),
    "double_feed": Advice(
        "Two sheets went in at once: take them out, fan the stack, lay both back on top, scan the remaining sheets.",
        "Deux feuilles sont passées ensemble : retirez-les, aérez la pile, remettez-les dessus, puis reprenez.",
    ),
    "no_docs": Advice("Put the sheets into the feeder.", "Placez les feuilles dans le chargeur."),
    "cover_open": Advice("Close the scanner's cover.", "Fermez le capot du scanner."),
    "busy": Advice(
        "Another program uses the scanner: close it, or wait a moment.",
        "Un autre programme utilise le scanner : fermez-le ou patientez.",
    ),
    "io": Advice(
        "Check the scanner's cable and power, then scan again.",
        "Vérifiez le câble et l'alimentation du scanner, puis recommencez.",
    ),
    "no_mem": Advice(
        "The scanner or this computer is out of memory: choose a lower resolution.",
        "Mémoire insuffisante : choisissez une résolution plus basse.",
    ),
    "access_denied": Advice(
        "The bridge's account may not use the scanner: add it to the group 'scanner'.",
        "Le compte du programme n'a pas accès au scanner : ajoutez-le au groupe « scanner ».",
    ),
    "unplugged": Advice(
        "The scanner does not answer: plug it in and switch it on.",
        "Le scanner ne répond pas : branchez-le et allumez-le.",
    ),
    "timeout": Advice(
        "The scanner stopped answering and was given up: switch it off and on, then scan again.",
        "Le scanner ne répond plus : éteignez-le, rallumez-le, puis recommencez.",
    ),
    "crashed": Advice(
        "The scanner's driver crashed: switch the scanner off and on, then scan again.",
        "Le pilote du scanner s'est arrêté : éteignez le scanner, rallumez-le, puis recommencez.",
    ),
    "unsupported": Advice(
        "The scanner does not offer this: choose another source, colour mode or device.",
        "Le scanner ne propose pas ce réglage : choisissez une autre source ou un autre mode.",
    ),
    "disk_full": Advice(
        "The disk of the scanning computer is full: free some space, then scan the remaining sheets.",
        "Le disque du poste est plein : libérez de la place, puis numérisez les feuilles restantes.",
    ),
    "spool_io": Advice(
        "The spool folder of the scanning computer cannot be written: check the disk and its permissions.",
        "Le dossier d'attente du poste n'est pas accessible en écriture : vérifiez le disque et les droits.",
    ),
    "interrupted": Advice(
        "The bridge was stopped during the scan: the pages scanned so far are kept, scan the remaining sheets.",
        "Le programme a été arrêté pendant la numérisation : les pages faites sont gardées, numérisez le reste.",
    ),
    "page_lost": Advice(
        "A page was damaged on the scanning computer's disk: scan it again.",
        "Une page a été abîmée sur le disque du poste : numérisez-la de nouveau.",
    ),
    "refused": Advice(
        "The server refused the pages; they are kept on the scanning computer: call the administrator.",
        "Le serveur a refusé les pages, qui restent sur le poste : appelez l'administrateur.",
    ),
    "no_device": Advice(
        "No scanner is connected: plug it in and switch it on.",
        "Aucun scanner n'est connecté : branchez-le et allumez-le.",
    ),
}

# The texts of sane_strstatus(). The SANE standard defines their meaning; libsane never translates them.
_SANE_TEXTS: Final[dict[str, str]] = {
    "Document feeder jammed": "jammed",
    "Document feeder out of documents": "no_docs",
    "Scanner cover is open": "cover_open",
    "Device busy": "busy",
    "Error during device I/O": "io",
    "End of file reached": "io",
    "Scanner returned no data": "io",
    "Out of memory": "no_mem",
    "Access to resource has been denied": "access_denied",
    "Operation not supported": "unsupported",
    "Invalid argument": "unsupported",
    "Operation was cancelled": "interrupted",
}


class BridgeError(Exception):
    """An expected failure at the desk.

    Attributes:
        code: stable and English, a key of ``ADVICE``.
        detail: the message of the device or the system, for the log.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail

    @property
    def remedy(self) -> str:
        """What to do, in English."""
        return ADVICE[self.code].en


class ScanFault(BridgeError):
    """The scanner, its driver or the spool ended the scan; the pages before it are safe."""


def code_of_sane(text: str, *, opening: bool = False) -> str:
    """Map the text of a SANE status to a code. While ``opening``, two statuses mean that the device is unplugged."""
    code = _SANE_TEXTS.get(text, "io")
    return "unplugged" if opening and code in {"io", "unsupported"} else code
