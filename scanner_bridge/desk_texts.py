"""What the page of this desk says and looks like."""

import html
from collections.abc import Mapping, Sequence
from typing import Final

from scanner_bridge.desk_lines import DeskLine
from scanner_bridge.desk_sender import iso_clock

TROUBLES: Final = {
    "code": "Ce code n’ouvre pas la page. Après plusieurs essais, attendez trente secondes.",
    "closed": "La page s’est refermée\u00a0: écrivez le code, ce qui était saisi est gardé.",
    "sent": "Cette ligne est déjà gardée ou partie, et reste comme elle était. Ce que vous venez de saisir est ci-dessous, comme une nouvelle ligne.",
    "sending": "Cette ligne est en cours d’envoi\u00a0: attendez la réponse du serveur.",
    "full": "Ce poste garde trop de lignes\u00a0: attendez le serveur.",
}
FAULTS: Final = {
    "missing": "À remplir.",
    "day": "Écrivez le jour ainsi\u00a0: 24/11/2026.",
    "hour": "Écrivez l’heure ainsi\u00a0: 10h20.",
    "number": "Écrivez un nombre.",
    "long": "Trop long.",
}
_STATES: Final = {
    "waiting": "attend le serveur",
    "sent": "reçue par le serveur\u00a0: à confirmer sur le site",
    "refused": "refusée par le serveur",
}
_LINKS: Final = {
    "online": "Le serveur répond\u00a0: les lignes partent. Le travail peut reprendre sur le site.",
    # Of no answer, the desk knows no reason: a cut network and a stopped server look alike from here.
    "network_down": "Le serveur ne répond pas\u00a0: vos lignes sont gardées ici et partiront seules.",
    "server_down": "Le serveur ne peut pas prendre les lignes pour le moment\u00a0: elles sont gardées ici et partiront seules.",
    "unpaired": "Le serveur ne connaît plus ce poste\u00a0: appelez l’administrateur. Les lignes sont gardées ici.",
}
_REFUSED_AT: Final = {
    "reserve.received_in_future": "received_clock",
    "reserve.before_book": "received_clock",
    "reserve.other_day": "received_on",
}
"""Where a line is corrected that the server refused; every other reason is one of its number."""
# In the order of the paper's columns.
_FIELDS: Final = (
    ("line", "Numéro de la ligne (imprimé au carnet)", "text", True),
    ("received_on", "Reçu le", "numeric", True),
    ("received_clock", "Heure", "numeric", True),
    ("sender_name", "Expéditeur", "text", True),
    ("subject", "Objet", "text", True),
    ("their_reference", "Référence de la lettre", "text", False),
    ("written_on", "Date de la lettre", "numeric", False),
    ("enclosure_count", "Pièces jointes", "numeric", False),
    ("addressee", "Destinataire", "text", False),
)

STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 46rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; color: #15241f; background: #f6f4ee; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; }
form.card, li { background: #fff; border: 1px solid #8a8f88; border-radius: 6px; padding: 1rem; }
label { display: block; margin-top: .75rem; font-weight: 600; }
input { box-sizing: border-box; width: 100%; min-height: 2.75rem; padding: .4rem .6rem; font: inherit; border: 1px solid #5c655f; border-radius: 4px; }
input[type=checkbox] { width: 1.5rem; min-height: 1.5rem; vertical-align: middle; }
input[aria-invalid=true] { border: 2px solid #9c1f1f; }
button { min-height: 2.75rem; margin-top: 1rem; padding: .4rem 1rem; font: inherit; font-weight: 600; color: #fff; background: #0b5d43; border: 0; border-radius: 4px; }
button.quiet { color: #0b5d43; background: #fff; border: 1px solid #0b5d43; }
:focus-visible { outline: 3px solid #b3690b; outline-offset: 2px; }
.trouble { padding: .75rem; background: #fbe9e7; border-left: 4px solid #9c1f1f; }
.told { padding: .75rem; background: #e6f2ec; border-left: 4px solid #0b5d43; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.error { color: #9c1f1f; } ul { list-style: none; padding: 0; } li { margin-top: .75rem; } li form { display: inline; }
"""

SCRIPT: Final = """
"use strict";
const form = document.querySelector("form[data-line]");
if (form) {
  let timer = 0;
  const keep = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const note = document.getElementById("kept");
      fetch("/brouillon", { method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: true })
        .then((answer) => { note.textContent = answer.ok ? "Brouillon gardé sur ce poste." : "Brouillon non gardé."; })
        .catch(() => { note.textContent = "Brouillon non gardé\u00a0: le programme du poste ne répond pas."; });
    }, 600);
  };
  form.addEventListener("input", keep);
  form.addEventListener("submit", () => clearTimeout(timer));
}
"""


class _Page:
    """The page, as HTML. Whatever was typed, or came from the server, is escaped."""

    def door(self, trouble: str, typed: Mapping[str, str]) -> str:
        """Where the code is asked for. ``typed``: key and fields of a line that was sent after the page was closed."""
        kept = "".join(
            f"<input type='hidden' name='{_e(name)}' value='{_e(text)}'>" for name, text in typed.items() if text
        )
        return _whole(
            f"{_trouble(trouble)}<form class='card' method='post' action='/ouvrir'>{kept}<label for='code'>Code du poste</label>"
            "<input id='code' name='code' type='password' autocomplete='off' required autofocus>"
            "<p>L’administrateur l’a reçu de «\u00a0ged-bridge desk\u00a0».</p><button>Ouvrir</button></form>"
        )

    def lines(
        self,
        session: str,
        line: DeskLine,
        kept: Sequence[DeskLine],
        faults: dict[str, str],
        trouble: str,
        kept_line: str,
        link: str | None,
    ) -> str:
        """The form for a line, and the lines that are kept."""
        said = f"<p class='told' role='status'>Ligne {_e(kept_line)} gardée sur ce poste.</p>" if kept_line else ""
        refused = f"{line.message} Corrigez, puis gardez de nouveau." if line.state == "refused" else ""
        fields = "".join(_field(line, faults, *one, focus=_first(line, faults)) for one in _FIELDS)
        urgent = " checked" if line.fields.get("is_urgent") == "1" else ""
        rows = "".join(_line_row(session, one) for one in kept)
        return _whole(
            f"<p>{_e(_LINKS.get(link or '', 'Le serveur n’a pas encore répondu.'))}</p>{said}{_trouble(trouble)}{_trouble(refused)}"
            f"<form class='card' method='post' action='/ligne' data-line>{_hidden(session, line.key, line.mark)}{fields}"
            f"<label><input type='checkbox' name='is_urgent' value='1'{urgent}> Urgent</label>"
            "<button>Garder la ligne</button><p id='kept' role='status'></p></form>"
            f"<h2>Lignes de ce poste</h2><ul>{rows or '<li>Aucune ligne.</li>'}</ul>"
            f"<form method='post' action='/voir'>{_hidden(session)}<button class='quiet'>Actualiser</button></form>"
        )


PAGE: Final = _Page()


def _e(text: str) -> str:
    return html.escape(text, quote=True)


def _whole(body: str) -> str:
    return (
        "<!doctype html><html lang='fr'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        "<title>Saisie sans le serveur</title><link rel='stylesheet' href='/desk.css'><script src='/desk.js' defer></script>"
        "</head><body><main><h1>Carnet de secours\u00a0: saisie sans le serveur</h1>" + body + "</main></body></html>"
    )


def _hidden(session: str, key: str = "", seen: str = "") -> str:
    named = (("key", key), ("seen", seen))
    more = "".join(f"<input type='hidden' name='{name}' value='{_e(value)}'>" for name, value in named if value)
    return f"<input type='hidden' name='session' value='{_e(session)}'>{more}"


def _trouble(text: str) -> str:
    return f"<p class='trouble' role='alert'>{_e(text)}</p>" if text else ""


def _first(line: DeskLine, faults: dict[str, str]) -> str:
    """The field that is typed first: a faulty one, the one for which the server refused the line, else the first that is missing."""
    wrong = next((name for name, *_ in _FIELDS if name in faults), "")
    if not wrong and line.state == "refused":
        wrong = _REFUSED_AT.get(line.code, "line")
    missing = (name for name, _label, _mode, is_required in _FIELDS if is_required and not line.fields.get(name))
    return wrong or next(missing, "line")


def _field(
    line: DeskLine, faults: dict[str, str], name: str, label: str, mode: str, is_required: bool, *, focus: str
) -> str:
    wrong = FAULTS[faults[name]] if name in faults else ""
    said = f"<span class='error' id='{name}-error'>{_e(wrong)}</span>" if wrong else ""
    more = f" aria-invalid='true' aria-describedby='{name}-error'" if wrong else ""
    more += " required" if is_required else ""
    more += " autofocus" if name == focus else ""
    optional = "" if is_required else " (facultatif)"
    return (
        f"<label for='{name}'>{_e(label)}{optional}</label>{said}<input id='{name}' name='{name}' inputmode='{mode}' "
        f"autocomplete='off' value='{_e(line.fields.get(name, ''))}'{more}>"
    )


def _clock(typed: str) -> str:
    """``0322``, ``3h22`` or ``3:22`` as ``03:22``, whichever way it was typed; what is no hour as it was typed."""
    try:
        return iso_clock(typed)
    except ValueError:
        return typed


def _line_row(session: str, line: DeskLine) -> str:
    fields = line.fields
    received = f"<strong>{_e(fields.get('line', ''))}</strong>, {_e(fields.get('received_on', ''))} à {_e(_clock(fields.get('received_clock', '')))}\u00a0: "
    why = f"<br><span class='error'>{_e(line.message or line.code)}</span>" if line.state == "refused" else ""
    state = "envoi en cours" if line.state == "waiting" and line.tried else _STATES[line.state]
    acts = "".join(
        f"<form method='post' action='{action}'>{_hidden(session, line.key)}<button class='quiet'>{word}"
        f"<span class='hidden'> {_e(fields.get('line', ''))}</span></button></form> "
        for action, word in (("/reprendre", "Corriger"), ("/retirer", "Retirer"))
        if line.is_editable
    )
    return f"<li>{received}{_e(fields.get('sender_name', ''))}, {_e(fields.get('subject', ''))}<br>{_e(state)}{why}<br>{acts}</li>"
