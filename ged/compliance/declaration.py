"""The file for the data-protection authority (loi n° 2019-014 of 29 October 2019): what its form asks, ready to be copied."""

from collections.abc import Iterator

from ged.compliance import words
from ged.compliance.facts import Facts
from ged.compliance.text import Block, Heading, Items, Paragraph, Rows, Signing, Text, plain
from ged.days import long_day


def declaration(facts: Facts) -> Text:
    """The file of an entity."""
    name = plain(facts.entity.name)
    return Text(
        f"declaration-{facts.entity.code.lower()}",
        ("DOSSIER DE DÉCLARATION D'UN TRAITEMENT DE DONNÉES À CARACTÈRE PERSONNEL", f"Gestion du courrier et des documents : {name}"),
        tuple(_blocks(facts, name)),
    )  # fmt: skip


def _blocks(facts: Facts, name: str) -> Iterator[Block]:
    yield Paragraph(
        "Projet établi par le système à partir de ses réglages, pour l'Instance de protection des données à caractère personnel (IPDCP), "
        "au titre de l'article 6 de la loi n° 2019-014 du 29 octobre 2019. Le formulaire en vigueur de l'IPDCP l'emporte : ces rubriques y sont recopiées. "
        "Les passages entre crochets, surlignés, sont à compléter ou à confirmer par l'institution.",
        is_note=True,
    )
    yield Heading("1. Responsable du traitement")
    yield Rows(
        ("Rubrique", "Réponse"),
        (
            ("Institution", name),
            ("Représentant légal", "[[nom et qualité]]"),
            ("Adresse, téléphone, courriel", "[[coordonnées de l'institution]]"),
            ("Personne à contacter", "[[nom, fonction, téléphone, courriel]]"),
            ("Correspondant à la protection des données", "[[nom et coordonnées, ou « aucun »]]"),
            ("Nature de la démarche", "[[première déclaration, modification ou demande d'autorisation ; numéro du récépissé précédent]]"),
        ),
        (4, 7),
    )  # fmt: skip
    yield Heading("2. Finalités et fondement")
    yield Items((
        "Enregistrer le courrier arrivé, départ et interne, et en prouver la date et la remise.",
        "Instruire le courrier : imputation, suivi des délais, réponse, visas et signature.",
        "Conserver et retrouver les documents, et prouver qu'ils n'ont pas été modifiés.",
        "Gérer les comptes, les habilitations, les délégations et les absences des agents qui se servent du système.",
    ))  # fmt: skip
    yield Paragraph(
        "Fondement : [[mission de service public et texte qui la confie à l'institution]]. Les données ne servent à aucune prospection. Des "
        "propositions automatiques (expéditeur, service, mentions) sont tirées des courriers déjà traités ; une personne décide toujours."
    )
    yield from _data(facts)
    yield from _recipients(facts)
    yield from _retention(facts)
    yield from _measures(facts)
    yield from _transfers(facts)
    yield from _rights()


def _data(facts: Facts) -> Iterator[Block]:
    yield Heading("3. Personnes concernées et données traitées")
    yield Rows(
        ("Personnes", "Données", "Origine"),
        (
            ("Correspondants : usagers, entreprises, administrations", "Nom, adresse, courriel, téléphone ; courriers échangés, dates, références", "Le correspondant, par son courrier"),
            ("Personnes nommées dans les courriers et leurs pièces", "Tout ce que le courrier contient, et le texte lu par machine dans les pages", "L'auteur du courrier"),
            (f"Agents qui ont un compte ({facts.accounts} à ce jour)", "Nom, compte, courriel, poste, habilitation, délégations, absences ; empreinte du mot de passe ; certificat de signature", "L'institution"),
            ("Les mêmes agents", "Journal de leurs actes ; sessions ouvertes, avec l'adresse réseau et le navigateur", "Le système"),
            ("Porteurs et réceptionnaires des plis", "Nom, date et heure de la remise, signature sur le bordereau ou la décharge", "La remise du pli"),
        ),
        (4, 6, 3),
    )  # fmt: skip
    yield Paragraph(
        "Les courriers peuvent contenir des données sensibles (santé, opinions, poursuites ou sanctions), que le système ne recherche ni ne classe comme "
        "telles : [[natures de courrier qui en contiennent, et autorisation à demander s'il y a lieu (articles 8 et 10, à vérifier)]]. "
        "Numéros d'identification nationaux : [[l'institution en demande-t-elle dans ses courriers ?]]. Nombre approximatif de personnes concernées : [[nombre]]."
    )


def _recipients(facts: Facts) -> Iterator[Block]:
    yield Heading("4. Destinataires")
    yield Paragraph(
        "Dans l'institution, chaque courrier n'est vu que des services, des postes et des personnes auxquels il est confié, et de leurs chefs, dans la limite "
        f"de leur habilitation (niveaux utilisés : {words.levels(facts)}). L'administrateur n'ouvre aucun courrier. Postes qui ont un rôle particulier :"
    )
    yield words.offices(facts)
    out = ["Les correspondants auxquels l'institution écrit, pour le courrier qui leur est adressé."]
    if facts.has_mailboxes:
        out.append("Des boîtes électroniques de l'institution sont relevées : [[hébergeur de la messagerie]].")
    out.append(
        "Autres destinataires extérieurs : [[corps de contrôle, archives nationales, justice…, et texte qui le prévoit]]."
    )
    out.append("Sous-traitants : [[hébergeur du serveur, prestataire de maintenance, et clauses de confidentialité]].")
    yield Paragraph("Hors de l'institution :")
    yield Items(tuple(out))


def _retention(facts: Facts) -> Iterator[Block]:
    yield Heading("5. Durées de conservation")
    yield words.retention(facts)
    yield Items((
        "Registres et journal des actes : [[durée ; ils sont la preuve des courriers]]. Le système ne les efface pas.",
        "Comptes des agents : fermés à leur départ ; leur nom reste dans les actes qu'ils ont faits.",
        "Sessions : douze heures au plus, deux heures sans activité.",
        "Copies de sauvegarde : [[durée]].",
    ))  # fmt: skip


def _measures(facts: Facts) -> Iterator[Block]:
    yield Heading("6. Sécurité et confidentialité")
    https = facts.public_url.startswith("https://")
    backup = (
        f"restauration vérifiée le {long_day(facts.backup_seen)} ; [[lieu, fréquence et chiffrement des sauvegardes]]"
        if facts.backup_seen
        else "[[lieu, fréquence et chiffrement des sauvegardes ; date d'une restauration vérifiée]]"
    )
    yield Items((
        "Accès par compte nominatif ; mots de passe conservés sous forme d'empreinte (Argon2id) ; essais répétés ralentis ; premier accès confirmé par une seconde personne.",
        "Droits selon l'organigramme, le poste et l'habilitation, par une règle unique appliquée aux listes, aux recherches, aux exports et aux statistiques.",
        "Journal de tous les actes, chaîné par empreintes et scellé ; contrôle hebdomadaire de l'empreinte de chaque fichier.",
        f"Liaison du navigateur au serveur : {'chiffrée (HTTPS)' if https else '[[chiffrement HTTPS à mettre en place]]'}.",
        f"Antivirus sur les fichiers entrants : {'oui' if facts.has_scanner else '[[aucun n’est réglé]]'} ; ils sont ouverts dans un processus isolé.",
        f"Sauvegardes : {backup}.",
        "Serveur : [[accès au local, chiffrement des disques, personnes qui ont un accès technique]].",
        "Engagement de confidentialité des agents : [[texte, charte]].",
        "Violation de données : [[personne à prévenir et procédure]].",
    ))  # fmt: skip


def _transfers(facts: Facts) -> Iterator[Block]:
    yield Heading("7. Serveurs appelés et transferts hors du territoire")
    if facts.reached:
        rows = tuple((words.SERVERS[one.what], words.place(one), words.RECEIVES[one.what]) for one in facts.reached)
        yield Rows(("Serveur", "Emplacement", "Ce qu'il reçoit"), rows, (3, 4, 5))
    else:
        yield Paragraph("D'après ses réglages, le système n'appelle aucun autre serveur.")
    yield Paragraph(
        "Le serveur du système se trouve [[lieu et pays]]. Transferts hors du Togo : [[aucun, ou pays, données, garanties et autorisation de l'IPDCP]]. "
        "Interconnexion avec d'autres fichiers : [[aucune, ou lesquels]]."
    )


def _rights() -> Iterator[Block]:
    yield Heading("8. Droits des personnes")
    yield Paragraph(
        "Les personnes sont informées par [[mention sur le récépissé, affiche, site de l'institution]]. Les droits d'accès, d'opposition, de rectification et de "
        "suppression s'exercent auprès de [[service, adresse, courriel]], qui répond sous [[délai]]. Le système permet de retrouver les courriers d'un correspondant, "
        "de corriger sa fiche et de rectifier une écriture du registre avec sa raison ; un courrier enregistré n'est pas effacé, parce qu'il fait preuve."
    )
    yield Heading("9. Engagement")
    yield Paragraph(
        "Le responsable du traitement s'engage à ce que le traitement soit conforme à la loi n° 2019-014 et à signaler à l'IPDCP toute modification des présentes rubriques."
    )
    yield Paragraph("Fait à [[lieu]], le [[date]]")
    yield Signing("[[Qualité du représentant légal]]")
