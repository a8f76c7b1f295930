"""Fills the blanks of a script with consistent names, figures and dates, chosen by a seed."""

import random
from datetime import date, timedelta
from typing import Any

from demo.texts import LAST_NAMES, MEN, VILLAGES, WOMEN, Script

_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip


def french_date(day: date) -> str:
    """A date as a letter writes it: ``1er mars 2026``."""
    return f"{'1er' if day.day == 1 else day.day} {_MONTHS[day.month - 1]} {day.year}"


def fill(rng: random.Random, written_on: date, script: Script) -> dict[str, Any]:
    """The values of all blanks of a letter written on that day, by their names in `demo.texts`."""
    past, deadline = written_on - timedelta(days=rng.randint(15, 60)), written_on + timedelta(days=rng.randint(25, 50))
    family = rng.sample(LAST_NAMES, 3)
    signs = rng.choice(WOMEN if script.title.startswith("La ") else MEN)
    rows, total = _invoice(rng)
    return {
        "number": rng.randint(12, 98),
        "year": written_on.year,
        "signer": f"{signs} {family[0]}",
        "contact": f"{rng.choice(MEN)} {family[1]}",
        "contact_woman": f"{rng.choice(WOMEN)} {family[2]}",
        "village": rng.sample(VILLAGES, 4),
        "phone": f"+228 22 {rng.randint(10, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)}",
        "households": _grouped(rng.randint(1200, 9800)),
        "count": rng.randint(112, 980),
        "few": rng.randint(21, 79),
        "percent": rng.randint(31, 68),
        "peak": rng.randint(240, 310),
        "amount": _grouped(rng.randint(1200, 9800) * 1_000_000),
        "bill": _grouped(rng.randint(180, 420) * 1000 + 500),
        "tonnage": _grouped(rng.randint(210, 640) * 1000),
        "area": rng.randint(310, 870),
        "contract": f"{rng.randint(100000, 999999)}",
        "account": f"{rng.randint(1000, 9999)} {rng.randint(1000, 9999)} {rng.randint(1000, 9999)}",
        "past_date": french_date(weekday_before(past)),
        "deadline": french_date(weekday_before(deadline)),
        "meeting_date": french_date(weekday_before(deadline + timedelta(days=14))),
        "last_month": _MONTHS[(written_on.month - 2) % 12],
        "next_month": _MONTHS[(written_on.month + 2) % 12],
        "invoice_rows": rows,
        "invoice_total": total,
    }


def _invoice(rng: random.Random) -> tuple[str, str]:
    """A bill whose figures add up, with 18 % value added tax; returns its rows and its total."""
    items = ("Vidange et filtres", "Batterie de démarrage", "Révision de l'alternateur", "Main-d'œuvre et déplacement")
    lines = ["|Désignation|Quantité|Prix unitaire|Montant|"]
    net = 0
    for item in items:
        quantity, price = rng.randint(2, 9), rng.randint(15, 180) * 1000
        net += quantity * price
        lines.append(f"|{item}|{quantity}|{_grouped(price)}|{_grouped(quantity * price)}|")
    tax = net * 18 // 100
    lines.append(f"|Total hors taxes|||{_grouped(net)}|")
    lines.append(f"|Taxe sur la valeur ajoutée, 18 pour cent|||{_grouped(tax)}|")
    lines.append(f"|Total toutes taxes comprises|||{_grouped(net + tax)}|")
    return "\n".join(lines), _grouped(net + tax)


def weekday_before(day: date) -> date:
    """The day itself, or the Friday before if it is a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")
