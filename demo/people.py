"""Accounts of the demonstration that the screen names, their common password, and the persons with a signing key."""

PASSWORD = "demonstration-2026"  # noqa: S105  # printed at every start: an installation of invented people
PASSPHRASE = "phrase de demonstration"  # noqa: S105
SIGNERS = (
    "bo.agent",
    "bo.chef",
    "sg",
    "cab.dir",
    "ministre",
    "dge.chef",
    "dge.etudes.chef",
    "daf.chef",
    "ceet.bo",
    "ceet.chef",
)
SHOWN = (
    ("bo.agent", "bureau d'ordre : enregistre, numérise, transmet"),
    ("sg.secretariat", "secrétariat de la secrétaire générale : impute en son nom"),
    ("sg", "secrétaire générale : décide, signe"),
    ("dge.chef", "directeur général de l'énergie : reçoit, répartit, vise"),
    ("dge.etudes", "chargé d'études : traite, répond"),
    ("daf.agent", "affaires financières : ne voit pas ce courrier"),
    ("admin", "administrateur : tâches, journal, jours fériés"),
)
