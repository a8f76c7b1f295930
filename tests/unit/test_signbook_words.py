"""Placeholders, titles, capacities, days and paragraphs, as letters write them."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from ged.days import place_of
from ged.dispatch.models import Party
from ged.org.titles import signatory_for, with_article, with_unit
from ged.richtext.placeholders import fill, unfilled
from ged.signbook.render import Letter, french_day, paragraphs


def test_known_names_are_filled_once_and_unknown_ones_stay() -> None:
    text = "{civilite}, votre {votre_reference} du {date_courrier}"
    assert fill(text, {"votre_reference": "{objet}", "objet": "x", "date_courrier": ""}) == (
        "{civilite}, votre {objet} du {date_courrier}"
    )


def test_only_names_left_are_told_and_the_live_one_is_none() -> None:
    assert unfilled("{civilite} {motif}", "{delai} {motif} { pas un nom } {NON}") == ("motif", "delai")
    assert unfilled("{civilite}") == ()


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Secrétaire générale", "La Secrétaire générale"),
        ("Secrétaire général", "Le Secrétaire général"),
        ("Directrice des affaires juridiques", "La Directrice des affaires juridiques"),
        ("Directeur de cabinet", "Le Directeur de cabinet"),
        ("Cheffe du service", "La Cheffe du service"),
        ("Administrateur", "L'Administrateur"),
        ("Le ministre", "Le ministre"),
        ("la secrétaire générale", "La secrétaire générale"),
        ("L’inspecteur général", "L’inspecteur général"),
        ("Lecteur public", "Le Lecteur public"),
        ("Économiste", "L'Économiste"),
        ("Ministre des Mines", "Le Ministre des Mines"),
        ("Direction des affaires financières", "La Direction des affaires financières"),
        ("Comité de direction", "Le Comité de direction"),
        ("Compagnie Énergie Électrique du Togo", "La Compagnie Énergie Électrique du Togo"),
        ("", ""),
    ],
)
def test_a_title_has_its_article(title: str, expected: str) -> None:
    assert with_article(title) == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("confié à {service}, qui", "Service des études", "confié au Service des études, qui"),
        ("confié à {service}, qui", "Direction générale", "confié à la Direction générale, qui"),
        ("auprès de {service}", "Secrétariat général", "auprès du Secrétariat général"),
        ("auprès de {service}", "Agence de l'eau", "auprès de l'Agence de l'eau"),
        ("suite. {service} prendra", "Service des études", "suite. Le Service des études prendra"),
        ("que {service} prendra", "Direction générale", "que la Direction générale prendra"),
        ("{service}", "Direction générale", "La Direction générale"),
        ("confié à {service}", "Le Cabinet", "confié au Cabinet"),
        ("confié à {service}", "Les Archives nationales", "confié aux Archives nationales"),
        ("auprès de {service}", "les services centraux", "auprès des services centraux"),
        ("dela {service}", "Direction générale", "dela la Direction générale"),
    ],
)
def test_a_unit_is_named_as_french_says_it(text: str, unit: str, expected: str) -> None:
    assert with_unit(text, unit) == expected


def test_capacities() -> None:
    def sign(because: str) -> tuple[tuple[str, ...], str]:
        words = signatory_for(
            post_title="Ministre", own_title="Directeur de cabinet", name="X", because=because, act="arrêté 3"
        )
        return words.capacity, words.title

    assert sign("holder") == ((), "Le Ministre")
    assert sign("delegation") == (("Pour le Ministre et par délégation,",), "Le Directeur de cabinet")
    assert sign("interim") == ((), "Le Ministre par intérim")
    assert sign("order") == (("Pour le Ministre et par ordre,",), "Le Directeur de cabinet")


def test_days_and_places() -> None:
    assert french_day(date(2026, 3, 1)) == "1er mars 2026"
    assert french_day(date(2026, 11, 21)) == "21 novembre 2026"
    assert french_day(date(2026, 11, 11)) == "11 novembre 2026"
    assert place_of(ZoneInfo("Africa/Lome")) == "Lomé"


def test_paragraphs_stand_between_empty_lines() -> None:
    body = "{civilite},\r\n\r\nUn.\nDeux.\n\n\n- a\n- b\n\n  \n"
    assert paragraphs(body, "Madame") == [["Madame,"], ["Un.", "Deux."], ["- a", "- b"]]


def test_what_a_draft_keeps_gives_the_letter_back() -> None:
    letter = Letter(
        organisation="Ministère", units=("SG",), country="TG", place="Lomé", sender="Le Ministre", civility="Madame",
        subject="Objet", body="Texte", addressees=(Party("A", "BP 1", "a@b.tg"),), copies=("B",), annexes=("c",),
        reference="12",
    )  # fmt: skip
    assert Letter.restored(letter.stored()) == letter
