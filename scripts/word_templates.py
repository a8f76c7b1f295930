"""Writes the Word templates of the product (``ged/word/templates``): ``python -m scripts.word_templates``.

They are the project's own, made of the fields of ``ged.word.fields``; equal code writes equal bytes.
"""

from pathlib import Path

from ged.docx import Run, forms, packed, paragraph, table, text

TARGET = Path(__file__).parents[1] / "ged" / "word" / "templates"


def merge(name: str, *, bold: bool = False, italic: bool = False, half_points: int = 0) -> Run:
    """A merge field in runs, as Word writes it."""
    shown = forms(bold, italic, half_points=half_points)
    parts = (
        '<w:fldChar w:fldCharType="begin"/>',
        f'<w:instrText xml:space="preserve"> MERGEFIELD {name} </w:instrText>',
        '<w:fldChar w:fldCharType="separate"/>',
        f"<w:t>«{name}»</w:t>",
        '<w:fldChar w:fldCharType="end"/>',
    )
    return "".join(f"<w:r>{shown}{part}</w:r>" for part in parts)


def head() -> str:
    """The letterhead: sender and country, then number, place and date."""
    house = paragraph(merge("organisation", bold=True), align="center", after=60) + paragraph(
        merge("services", half_points=20), align="center"
    )
    country = paragraph(merge("pays", bold=True), align="center", after=60) + paragraph(
        merge("devise", italic=True, half_points=18), align="center"
    )
    number = paragraph(text("N° "), merge("numero", bold=True))
    day = paragraph(merge("lieu"), text(", le "), merge("date_lettre"), align="right")
    return table((4536, 4536), (house, country), (number, day)) + paragraph(after=60)


def to_whom() -> str:
    """Sender and addressee."""
    return (
        paragraph(merge("expediteur", bold=True), left=4536, after=60)
        + paragraph(text("à"), left=6000, after=60)
        + paragraph(merge("destinataires"), left=4536, after=240)
    )


def facts(*names: tuple[str, str]) -> str:
    """Subject, references, enclosures."""
    return "".join(
        paragraph(text(label, bold=True, under=True), text(" : "), merge(name, bold=name == "objet"), after=60)
        for label, name in names
    )


def end() -> str:
    """The place of the signature, and the copies."""
    return (
        paragraph(merge("signature"), after=120)
        + paragraph(text("Ampliations", bold=True, under=True), text(" :"), after=40, keep=True)
        + paragraph(merge("ampliations", half_points=19), left=227, after=0)
    )


REFERENCES = (
    ("Objet", "objet"),
    ("N/Réf.", "notre_reference"),
    ("V/Réf.", "votre_reference"),
    ("P.J.", "pieces_jointes"),
)


def body(*paragraphs: str) -> str:
    """Paragraphs of text, justified."""
    return "".join(
        paragraph(text(one), align="both", first=567, keep=n == len(paragraphs) - 1) for n, one in enumerate(paragraphs)
    )


def written() -> str:
    """The place of the text that the author has begun in the site."""
    return paragraph(merge("texte"), align="both", first=567)


def letter() -> str:
    """The template of a letter."""
    return head() + to_whom() + facts(*REFERENCES) + paragraph(after=120) + written() + end()


def note() -> str:
    """The template of a note to services."""
    return (
        head()
        + paragraph(text("NOTE", bold=True, half_points=32), align="center", after=60)
        + paragraph(text("à l'attention de"), align="center", after=60)
        + paragraph(merge("destinataires", bold=True), align="center", after=240)
        + facts(("Objet", "objet"), ("N/Réf.", "notre_reference"), ("P.J.", "pieces_jointes"))
        + paragraph(after=120)
        + written()
        + end()
    )


def slip() -> str:
    """The template of a slip that sends documents in answer to a letter."""
    cells = (("N°", "Désignation des pièces", "Nombre", "Observations"), ("1", " ", " ", " "), ("2", " ", " ", " "))
    widths = (680, 4762, 1134, 2496)
    rows = (
        tuple(paragraph(text(cell, bold=n == 0), align="center" if n == 0 else "left", after=60) for cell in row)
        for n, row in enumerate(cells)
    )
    return (
        head()
        + to_whom()
        + paragraph(text("BORDEREAU D'ENVOI", bold=True, half_points=30), align="center", after=200)
        + facts(("Objet", "objet"), ("N/Réf.", "notre_reference"), ("V/Réf.", "votre_reference"))
        + paragraph(after=80)
        + table(widths, *rows, ruled=True)
        + paragraph(after=120)
        + body(
            "Arrêté le présent bordereau au nombre de pièces indiqué. Un exemplaire est à retourner pour accusé de réception."
        )
        + end()
    )


def certificate() -> str:
    """The template of a certificate."""
    return (
        head()
        + paragraph(text("ATTESTATION", bold=True, half_points=34), align="center", after=360)
        + facts(
            ("Objet", "objet"),
        )
        + paragraph(after=160)
        + paragraph(
            text("Je soussigné(e), "),
            merge("signataire"),
            text(", "),
            merge("signataire_fonction"),
            text(", atteste que "),
            merge("destinataire", bold=True),
            text(" ..."),
            align="both",
            first=567,
        )
        + body("En foi de quoi la présente attestation est délivrée pour servir et valoir ce que de droit.")
        + end()
    )


TEMPLATES = {"lettre": letter, "note": note, "bordereau": slip, "attestation": certificate}


def file_of(name: str) -> bytes:
    """The Word file of a template."""
    return packed(TEMPLATES[name](), foot_name=merge("organisation", half_points=16))


def main() -> None:
    """Write the files."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in TEMPLATES:
        (TARGET / f"{name}.docx").write_bytes(file_of(name))


if __name__ == "__main__":
    main()
