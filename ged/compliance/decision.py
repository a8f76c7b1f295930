"""The draft of the internal decision on electronic documents (loi n° 2017-007 of 22 June 2017, article 127)."""

import re
from collections.abc import Iterator

from ged.compliance import words
from ged.compliance.facts import LAWFUL_YEARS, Facts
from ged.compliance.text import Block, Heading, Items, Paragraph, Rows, Signing, Text, plain
from ged.days import long_day
from ged.unit import Role

_COMMON_NAME = re.compile(r"(?:^|,)CN=((?:[^,\\]|\\.)+)")


def decision(facts: Facts) -> Text:
    """The draft, with the points of article 127 in their order."""
    name = plain(facts.entity.name)
    return Text(
        f"decision-{facts.entity.code.lower()}",
        ("DÉCISION N° [[numéro]] DU [[date]]", f"relative à l'archivage et à la signature électroniques du courrier : {name}"),
        tuple(_blocks(facts, name)),
    )  # fmt: skip


def _blocks(facts: Facts, name: str) -> Iterator[Block]:
    yield Paragraph(
        "Projet établi par le système à partir de ses réglages. Les passages entre crochets, surlignés, sont à compléter ou à "
        "confirmer par l'institution ; un juriste relit l'ensemble avant la signature.",
        is_note=True,
    )
    yield from _recitals()
    yield Paragraph("DÉCIDE :")
    yield Heading("Article 1er : Objet")
    yield Paragraph(
        f"La présente décision détermine, pour {name}, le mode d'archivage, le format et les modalités d'émission des "
        "documents électroniques, la nature et l'apposition de la signature électronique, et le contrôle de leur authenticité "
        "et de leur conservation, conformément à l'article 127 de la loi n° 2017-007. Elle s'applique au courrier arrivé, au "
        "courrier départ et au courrier interne, à compter du [[date d'effet]]."
    )
    yield from _archiving(facts)
    yield from _signature(facts)
    yield from _control(facts)
    yield from _rest(facts)


def _recitals() -> Iterator[Block]:
    yield Paragraph("[[L'autorité qui décide : le ministre, le directeur général…]],")
    yield Items((
        "Vu [[la Constitution, dans sa rédaction en vigueur]] ;",
        "Vu la loi n° 2017-007 du 22 juin 2017 relative aux transactions électroniques, notamment ses articles 71, 72, 76 à 79, "
        "121, 122 et 127 [[textes qui l'ont modifiée, s'il y en a]] ;",
        "Vu la loi n° 2019-014 du 29 octobre 2019 relative à la protection des données à caractère personnel ;",
        "Vu le décret n° 2018-062/PR [[date à vérifier]] portant réglementation des transactions et services électroniques au Togo ;",
        "Vu [[le texte portant attributions et organisation de l'institution]] ;",
        "Vu [[l'acte de nomination de l'autorité qui décide]] ;",
        "[[Sur proposition de…]]",
    ))  # fmt: skip


def _archiving(facts: Facts) -> Iterator[Block]:
    yield Heading("Article 2 : Mode d'archivage")
    yield Paragraph(
        "Chaque courrier reçoit un numéro de registre, sans trou ni doublon. Les fichiers reçus et les pages numérisées sont "
        "conservés tels qu'ils sont entrés : le système ne les réécrit jamais, et une nouvelle version se range à côté de "
        "l'ancienne avec sa raison. Le texte lu par machine sert à la recherche et ne remplace pas l'original."
    )
    yield Paragraph(
        "L'original sur papier numérisé est [[conservé ou éliminé : lieu, durée et autorité qui en décide]]. "
        + (
            f"La numérisation se fait sur {facts.stations} poste{'s' if facts.stations > 1 else ''} apparié"
            f"{'s' if facts.stations > 1 else ''} au système."
            if facts.stations
            else "[[Postes de numérisation : aucun n'est encore apparié]]."
        )
    )
    yield Heading("Article 3 : Format et modalités d'émission")
    yield Items((
        "Courriers, bordereaux, récépissés et registres émis par le système : PDF/A-2b (ISO 19005-2).",
        "Pages numérisées : l'image d'origine, et une copie PDF dont le texte peut être recherché.",
        "Fichiers reçus : le format dans lequel ils sont arrivés.",
        _leaving(facts),
    ))  # fmt: skip
    yield Heading("Article 4 : Lieu de conservation")
    yield Paragraph(
        "Les documents, les registres et le journal sont conservés sur le serveur qui porte le système "
        f"({words.site(facts)}), situé [[adresse du local, salle, institution qui l'exploite]]. "
        + ("La base de données se trouve sur le même serveur. " if facts.is_embedded else "")
        + "Des copies de sauvegarde sont conservées [[lieu, support, fréquence, personne responsable]]. "
        + (
            f"Une restauration a été vérifiée le {long_day(facts.backup_seen)}."
            if facts.backup_seen
            else "[[Date de la première restauration vérifiée]]."
        )
    )
    yield from _servers(facts)
    yield Heading("Article 5 : Durée de conservation")
    yield Paragraph(
        f"Sauf durée plus longue prévue par un autre texte, les documents électroniques sont conservés pendant {LAWFUL_YEARS} ans ou "
        "pour la durée applicable aux documents sur papier (article 72 de la loi n° 2017-007). Les durées suivantes courent à "
        "partir de la clôture du courrier :"
    )
    yield words.retention(facts)
    if any(one.years is not None and one.years < LAWFUL_YEARS for one in facts.natures):
        yield Paragraph(
            f"Des durées inférieures à {LAWFUL_YEARS} ans figurent dans ce tableau : [[texte qui les permet, ou durée corrigée]]."
        )
    yield Paragraph(
        "Le système ne détruit aucun courrier de lui-même. L'élimination au terme de la durée est décidée par [[autorité et procédure, "
        "avec l'avis du service des archives]]."
    )


def _leaving(facts: Facts) -> str:
    by_email = "par courriel, le fichier signé en pièce jointe, " if facts.has_smtp else ""
    return (
        f"Émission : {by_email}sur papier remis ou posté, avec une preuve de remise ; chaque document signé porte un code "
        "vérifiable par le public."
    )


def _servers(facts: Facts) -> Iterator[Block]:
    if not facts.reached:
        return
    yield Paragraph("Le système fait appel aux serveurs suivants :")
    rows = tuple((words.SERVERS[one.what], words.place(one), words.RECEIVES[one.what]) for one in facts.reached)
    yield Rows(("Serveur", "Emplacement", "Ce qu'il reçoit"), rows, (3, 4, 5))


def _signature(facts: Facts) -> Iterator[Block]:
    yield Heading("Article 6 : Nature de la signature et espace réservé")
    level = "B-LTA, renouvelé pendant toute la conservation" if facts.time_stamp_hosts else "B-B, sans horodatage"
    yield Paragraph(
        "La signature électronique est une signature PAdES (ETSI EN 319 142-1), propre à une personne, posée dans le fichier PDF ; "
        f"niveau visé : {level}. Elle vaut [[signature électronique simple, sécurisée ou qualifiée, selon l'autorité qui délivre les "
        "certificats : articles 77 à 79 de la loi n° 2017-007]]. L'espace qui lui est réservé se trouve à la fin du texte, sous la "
        "qualité du signataire : il porte le nom, la date et l'heure."
    )
    issuer = {
        "own": "l'autorité de certification propre à l'installation, dont la clé est protégée par une phrase secrète",
        "trial": "une autorité d'essai, [[autorité de certification définitive : à mettre en place avant tout acte réel]]",
        "none": "[[l'autorité de certification]]",
    }[facts.authority]
    device = " ou dans un support matériel (PKCS#11) détenu par le signataire" if facts.tokens else ""
    yield Paragraph(
        f"Les certificats sont délivrés par {issuer}. Les clés ({words.KEYS[facts.key_type]}) sont gardées chiffrées{device} ; seule la "
        "phrase secrète du signataire les ouvre. [[Accréditation ou reconnaissance de l'autorité de certification, s'il y a lieu]]."
    )
    yield Heading("Article 7 : Apposition de la signature")
    yield Paragraph(
        "Avant de signer, le signataire voit le document tel qu'il sera émis, les visas donnés ou refusés et les points à contrôler. Il signe avec "
        "sa phrase secrète, un document ou plusieurs en une fois. Nul n'est contraint de signer électroniquement (article 76) : la "
        "signature manuscrite reste possible, et le document porte alors un code qui le rattache au registre."
    )
    yield Paragraph("Sont habilités à signer à la date du projet :")
    signatories = facts.of(Role.SIGNATORY)
    rows = tuple(
        (f"{plain(one.title)} ({plain(one.unit)})", words.holder(one), "oui" if one.has_key else "[[certificat à délivrer]]")
        for one in signatories
    )  # fmt: skip
    yield Rows(("Poste", "Titulaire", "Certificat"), rows or (("[[postes des signataires]]", "", ""),), (6, 4, 3))
    yield Paragraph(
        "Une délégation ou un intérim n'a d'effet que par un acte nommé et daté, enregistré dans le système"
        + (
            f" ; {facts.delegations} {'sont' if facts.delegations > 1 else 'est'} en vigueur"
            if facts.delegations
            else ""
        )
        + ". La personne signe alors de sa propre clé, avec la mention de l'acte."
    )
    yield Heading("Article 8 : Cachet et horodatage")
    yield Paragraph(_seal(facts))
    yield Paragraph(
        f"L'horodatage (RFC 3161) est fourni par {', '.join(map(plain, facts.time_stamp_hosts))}, qui ne reçoit que des empreintes ; "
        "[[qualité de cette autorité au regard des articles 113 et 114]]."
        if facts.time_stamp_hosts
        else "[[Autorité d'horodatage : aucune n'est réglée ; sans elle, une signature ne se prouve plus quand son certificat expire]]."
    )


def _seal(facts: Facts) -> str:
    if facts.seal is None:
        return (
            "[[Cachet électronique de l'institution : aucun n'est en place ; les registres arrêtés n'en portent pas]]."
        )
    return (
        "Le cachet électronique de l'institution scelle les registres arrêtés et les exports. Son certificat est au nom de "
        f"« {_name(facts.seal.subject)} », délivré par « {_name(facts.seal.issuer)} », valable jusqu'au {long_day(facts.seal.not_after)} ; sa clé est "
        f"{words.SEAL_KINDS[facts.seal_kind]}. [[Personne responsable du cachet]]."
    )


def _name(subject: str) -> str:
    """The common name in a distinguished name (RFC 4514), or the whole where there is none."""
    found = _COMMON_NAME.search(subject)
    return plain(re.sub(r"\\(.)", r"\1", found[1]) if found else subject)


def _control(facts: Facts) -> Iterator[Block]:
    yield Heading("Article 9 : Contrôle de l'authenticité et conservation sûre")
    yield Items((
        "Chaque acte (enregistrement, imputation, visa, signature, transmission, lecture d'un courrier protégé) est inscrit dans un journal "
        "dont chaque écriture contient l'empreinte de la précédente ; le journal est scellé régulièrement.",
        "Chaque registre est arrêté ; aucun numéro ne s'ajoute ensuite. Une erreur est rectifiée ou annulée avec sa raison, jamais effacée.",
        "Chaque semaine, l'empreinte de chaque fichier conservé est recalculée et comparée.",
        "Les signatures des documents reçus sont vérifiées à l'arrivée ; le résultat est montré à tous ceux qui traitent le courrier.",
        f"Quiconque reçoit un document signé peut le vérifier par son code, à l'adresse {words.site(facts)}/verifier, et par un programme "
        "indépendant publié par le système.",
        "Les fichiers entrants sont contrôlés par un antivirus et ouverts dans un processus isolé."
        if facts.has_scanner
        else "Les fichiers entrants sont ouverts dans un processus isolé. [[Antivirus : aucun n'est réglé]].",
        f"L'accès suit l'organigramme, le poste et l'habilitation ; niveaux pour lesquels des agents sont habilités : {words.levels(facts)}.",
    ))  # fmt: skip
    yield Paragraph(
        "Le contrôle périodique de ces garanties est fait par [[service ou personne chargés du contrôle, et fréquence]] avec l'auditeur du journal."
    )


def _rest(facts: Facts) -> Iterator[Block]:
    yield Heading("Article 10 : Responsabilités")
    yield words.offices(facts)
    yield Heading("Article 11 : Registres et numéros")
    yield words.books(facts)
    yield Heading("Article 12 : Paiements")
    yield Paragraph(
        "Le système ne reçoit aucun paiement. [[Mode de paiement des documents délivrés, si l'institution en perçoit]]."
    )
    yield Heading("Article 13 : Exécution")
    yield Paragraph(
        "[[Fonction du responsable]] est chargé de l'exécution de la présente décision, qui abroge toutes dispositions antérieures contraires et "
        "sera [[publiée ou communiquée partout où besoin sera]]."
    )
    yield Paragraph("Fait à [[lieu]], le [[date]]")
    yield Signing("[[Qualité de l'autorité qui décide]]")
    yield Paragraph("Ampliations : [[destinataires]]")
