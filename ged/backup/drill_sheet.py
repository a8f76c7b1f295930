"""A drill's report on paper, for those who answer for the archive: a PDF/A of what the signed report says.

The signed JSON stays the proof. The paper bears its digest, so that each of the two leads to the other.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ged import audit
from ged.archive.institution_seal import institution_seal
from ged.days import hour, long_day
from ged.errors import GedError
from ged.letterhead import letterhead
from ged.org.tree import all_units
from ged.typeset import TEMPLATES, typeset
from ged.unit import Services

TEMPLATE = TEMPLATES / "drill_report.typ"
SEAL_REASON = "Exercice de restauration"
STEPS = {
    "keys": "Clés et paramètres",
    "small files": "Petits fichiers",
    "stored files": "Fichiers des courriers",
    "database": "Base de données",
    "verify": "Contrôle complet (ged verify)",
    "letters": "Ouverture et recherche des courriers tirés au sort",
}
"""The steps of a drill, by the names that its report gives them."""
FAULTS = {
    "blob.altered": "un fichier n'a plus l'empreinte attendue",
    "blob.missing": "un fichier manque dans la copie",
    "page.not_drawn": "la première page ne s'affiche pas",
    "search.not_found": "le courrier n'est pas retrouvé par",
    "search.no_document": "le courrier n'a rien à rechercher",
}
"""What a fault's code says in words. Another fault is printed as it is: it is one of ``ged verify``."""


def digest_of(body: Mapping[str, Any]) -> str:
    """SHA-256 of the bytes that the journal's key signed, in hexadecimal."""
    return hashlib.sha256(audit.canonical(dict(body))).hexdigest()


def sheet(services: Services, body: Mapping[str, Any]) -> bytes:
    """The report of a drill as a PDF/A.

    Args:
        services: the restored installation. Its organisation heads the sheet.
        body: what ``drilling.report_of`` returned.

    Raises:
        Invalid: ``typeset.failed``.
        EngineFailed: ``work.busy``, ``typeset.crashed``.
    """
    with services.reading() as session:
        head = _head(session, services)
    return typeset(TEMPLATE, _data(body, head, services), at=datetime.fromisoformat(str(body["at"])))


def printed(services: Services, body: Mapping[str, Any], *, at: datetime) -> tuple[bytes, str]:
    """The report on paper under the institution's seal, and why it is less than that.

    The machine of a drill often lacks the device that holds the seal's key, and may be busy. The drill is no less proven
    then: nothing is raised.

    Returns:
        (the sealed PDF, ""), (the PDF without a seal, code of the reason), or (no bytes, code of the reason).
    """
    pdf = b""
    try:
        pdf = sheet(services, body)
        return institution_seal(services, pdf, reason=SEAL_REASON, at=at).pdf, ""
    except GedError as error:
        return pdf, error.code


def _head(session: Session, services: Services) -> dict[str, Any]:
    top = next((row for row in all_units(session).values() if row.parent_id is None), None)
    if top is None:  # a copy that was made before the organisation was entered
        return {"organisation": "", "units": [], "country": services.country, "motto": "", "qr": "", "caption": ""}
    return letterhead(session, top.id, country=services.country).data()


def _data(body: Mapping[str, Any], head: dict[str, Any], services: Services) -> dict[str, Any]:
    def moment(text: str) -> str:
        local = datetime.fromisoformat(text).astimezone(services.zone)
        return f"{long_day(local.date())} à {hour(local)}"

    copy, checked, stored = body["copy"], body["verify"], body["restored"]
    seconds = {name: float(one) for name, one in body["seconds"].items()}
    return {
        "head": head,
        "at": moment(body["at"]),
        "proven": bool(body["proven"]),
        "copy": copy["snapshot"],
        "made_at": moment(copy["made_at"]),
        "journal_head": copy["head"],
        "database": stored["database_sha256"],
        "facts": [
            ["Fichiers restitués", _figure(stored["stored_files"])],
            ["Écritures du journal contrôlées", _figure(checked["entries"])],
            ["Journal couvert par le cachet jusqu'à l'écriture", _figure(checked["sealed_until"])],
            ["Fichiers dont l'empreinte a été contrôlée", _figure(checked["stored_files"])],
            ["Signatures contrôlées", _figure(checked["signatures"])],
            ["Registres sans lacune ni doublon", "oui" if checked["registers_without_gap"] else "non"],
            ["Anomalies du contrôle complet", _figure(checked["problems"])],
        ],
        "letters": [
            [
                one["number"], _figure(one["files"]), _size(one["size_bytes"]), "oui" if one["drawn"] else "—",
                " · ".join(one["asked"]) or "—", "; ".join(map(fault_in_words, one["faults"])) or "conforme",
            ]
            for one in body["letters"]
        ],
        "last_numbers": list(body["last_numbers"]),
        "faults": [fault_in_words(one) for one in body["faults"]],
        "steps": [[STEPS.get(name, name), lasted(one)] for name, one in seconds.items()],
        "lasted": lasted(sum(seconds.values())),
        "digest": digest_of(body),
    }  # fmt: skip


def fault_in_words(fault: str) -> str:
    """A fault of a drill for a reader who knows no codes; the place where it is stays as it is.

    >>> fault_in_words("blob.missing: 2f0c")
    'un fichier manque dans la copie (2f0c)'
    """
    for code, words in FAULTS.items():
        before, found, after = fault.partition(code)
        if found:
            place = after.removeprefix(":").strip()
            return f"{before}{words}{f' ({place})' if place else ''}"
    return fault


def lasted(seconds: float) -> str:
    """A duration as one says it: seconds with a tenth, then minutes, then hours.

    >>> lasted(4.26), lasted(59.96), lasted(7384)
    ('4,3 s', '1 min 00 s', '2 h 03 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s".replace(".", ",")
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _figure(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _size(size_bytes: int) -> str:
    names: Sequence[tuple[str, int]] = (("Go", 10**9), ("Mo", 10**6), ("ko", 10**3))
    for name, unit in names:
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}".replace(".", ",")
    return f"{size_bytes} octets"
