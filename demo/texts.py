"""The texts of the generated letters: ten scripts in administrative French, with blanks that a seed fills.

Everything here is invented: people, figures, quarrels. Only the names of offices are plausible for Togo. A body is in a
small notation that `demo.letters` parses: blank lines separate paragraphs, a line ``---`` separates pages, ``# ``
begins a heading, ``- `` a list item, ``|`` the row of a table (the first row is its head).
"""

from dataclasses import dataclass

MINISTER = ("À Monsieur le Ministre des Mines", "et des Ressources énergétiques", "LOMÉ")

WOMEN = ("Afi", "Ama", "Akouvi", "Essi", "Abla", "Dédé", "Pyalo", "Mazalo", "Rachidatou", "Kafui", "Adjo", "Nadou")
MEN = ("Kossi", "Komlan", "Yao", "Kodjo", "Mawuli", "Tchaa", "Essowè", "Ibrahim", "Edem", "Sénam", "Kwami", "Laré")
LAST_NAMES = (
    "Mensah", "Amouzou", "Agbodjan", "Koudjo", "Tchalla", "Gnassi", "Bawa", "Adjavon", "Dossou", "Kpodar", "Ayité",
    "Lamboni", "Takougnadi", "Sossou", "Akakpo", "Batchassi", "Nabédé", "Ouro", "Folly", "Messan",
)  # fmt: skip
VILLAGES = (
    "Agbélouvé", "Kévé", "Tabligbo", "Amlamé", "Élavagnon", "Kougnohou", "Anié", "Blitta", "Pagala", "Bafilo",
    "Guérin-Kouka", "Kandé", "Mandouri", "Gando", "Afagnan", "Danyi", "Tohoun", "Sotouboua",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Script:
    """A letter with blanks. ``look``: print, plain (no letterhead art) or typescript; ``ageing``: kinds of
    `demo.ageing` for the first page and for those that follow."""

    key: str
    sender: str
    sender_kind: str
    nature: str
    look: str
    emblem: str
    accent: str
    head: tuple[str, ...]
    footer: str
    reference: str
    place: str
    subject: str
    enclosures: tuple[str, ...]
    title: str
    copies: tuple[str, ...]
    ageing: tuple[str, str]
    body: str
    addressee: tuple[str, ...] = MINISTER


_CEET = Script(
    key="ceet-qualite-service",
    sender="Compagnie Énergie Électrique du Togo (CEET)",
    sender_kind="entity",
    nature="rapport",
    look="print",
    emblem="bolt",
    accent="#0b5c8a",
    head=(
        "COMPAGNIE ÉNERGIE ÉLECTRIQUE DU TOGO",
        "Direction générale",
        "Avenue du Mono, Lomé",
        "courrier@ceet.example.tg",
    ),
    footer="Compagnie Énergie Électrique du Togo - Direction générale - Lomé",
    reference="{number:04d}/{year}/CEET/DG/DT",
    place="Lomé",
    subject="Rapport sur la qualité de la fourniture d'électricité au cours du trimestre écoulé",
    enclosures=("rapport détaillé par poste source", "carte des départs moyenne tension"),
    title="Le Directeur général",
    copies=("Secrétariat général", "Direction générale de l'énergie", "ARSE", "Archives"),
    ageing=("stamped", "office"),
    body="""
Monsieur le Ministre,

J'ai l'honneur de vous rendre compte de la qualité de la fourniture d'électricité sur l'ensemble du territoire national
au cours du trimestre écoulé, conformément aux dispositions du contrat de performance qui lie notre compagnie à l'État.

La période a été marquée par une pointe de consommation de {peak} mégawatts, enregistrée le {past_date} à dix-neuf
heures trente, en hausse sensible par rapport à la même période de l'année précédente. Cette progression tient à la
chaleur exceptionnelle de la saison et au raccordement de {households} nouveaux abonnés dans les régions Maritime et des
Plateaux.

Malgré les efforts des équipes d'exploitation, trois incidents majeurs ont affecté la continuité du service. Le premier
est un déclenchement du transformateur du poste de {village[0]}, à la suite d'un défaut d'isolement. Le deuxième
provient de la chute de plusieurs poteaux entre {village[1]} et {village[2]} après de violents orages. Le troisième est
la conséquence d'une limitation des importations, qui a imposé des délestages tournants pendant quatre soirées.

Les abonnés ont été informés par voie de presse et par messages courts. Les hôpitaux, les stations de pompage et les
marchés ont été maintenus sous tension, selon la liste des clients prioritaires arrêtée par votre département.
---
# Mesures prises par la compagnie

Le transformateur endommagé a été remplacé par une unité mobile de vingt mégavoltampères, mise en service dans un délai
de cinq jours. Les lignes tombées ont été relevées avec des supports en béton, plus résistants que les anciens supports
en bois, et les couloirs ont été élagués sur quarante-deux kilomètres.

Un stock stratégique de disjoncteurs, de parafoudres et de câbles souterrains a été constitué au magasin central. Les
équipes de dépannage disposent désormais de six véhicules supplémentaires, équipés de nacelles, et d'une permanence
téléphonique ouverte jour et nuit.

# Difficultés rencontrées

- Les impayés des administrations et des collectivités atteignent {amount} francs CFA à la fin du trimestre.
- Les vols de câbles et le vandalisme sur les postes de distribution se multiplient dans la périphérie de la capitale.
- Les délais de dédouanement du matériel importé dépassent trois semaines et retardent les chantiers.
- Les branchements frauduleux représentent encore une part importante des pertes non techniques.

Ces difficultés compromettent l'équilibre financier de l'exploitation et l'exécution du programme d'investissement,
notamment la construction du poste de {village[3]} dont l'achèvement était prévu pour le mois de {next_month}.
---
# Demandes soumises à votre haute appréciation

Au regard de ce qui précède, je vous saurais gré de bien vouloir intervenir auprès du ministère chargé des finances en
vue de l'apurement progressif de la dette des administrations, selon un échéancier de douze mensualités.

Je sollicite également votre appui pour l'adoption du texte réprimant les atteintes aux ouvrages électriques, dont le
projet vous a été transmis par lettre du {past_date}.

Une réunion de travail pourrait se tenir le {meeting_date}, à dix heures, au siège de la compagnie, avec les directions
concernées, afin d'arrêter un plan d'action commun avant la saison sèche.

Je vous prie d'agréer, Monsieur le Ministre, l'expression de ma très haute considération.
""",
)

_PREFECTURE = Script(
    key="prefecture-electrification",
    sender="Préfecture de l'Ogou",
    sender_kind="prefecture",
    nature="demande",
    look="typescript",
    emblem="",
    accent="#000000",
    head=(
        "RÉPUBLIQUE TOGOLAISE",
        "Travail - Liberté - Patrie",
        "RÉGION DES PLATEAUX",
        "PRÉFECTURE DE L'OGOU",
        "SECRÉTARIAT GÉNÉRAL",
    ),
    footer="",
    reference="{number:03d}/PO/SG/{year}",
    place="Atakpamé",
    subject="Demande d'électrification de quatre localités du canton",
    enclosures=("procès-verbal de la réunion du comité cantonal",),
    title="Le Préfet",
    copies=("Gouverneur de la région", "Chefs des localités", "Chrono"),
    ageing=("typescript_stamped", "typescript"),
    body="""
Monsieur le Ministre,

J'ai l'honneur de porter à votre connaissance que les populations de {village[0]}, {village[1]}, {village[2]} et
{village[3]} sollicitent le raccordement de leurs localités au réseau électrique.

Ces quatre localités comptent environ {households} ménages, deux collèges, un centre de santé et un marché
hebdomadaire. La ligne moyenne tension passe à moins de trois kilomètres du premier village, mais aucun poste de
transformation n'a encore été installé.

Lors de la réunion du {past_date}, les chefs traditionnels se sont engagés à céder gratuitement les terrains nécessaires
et à fournir la main-d'oeuvre pour le débroussaillage des couloirs.

Je vous serais reconnaissant de bien vouloir inscrire ces localités au prochain programme et de dépêcher une mission
technique sur le terrain avant le {deadline}.

Veuillez agréer, Monsieur le Ministre, l'assurance de ma haute considération.
""",
)

_CITIZEN = Script(
    key="citoyen-facturation",
    sender="Ablavi Kokoè Sényo",
    sender_kind="citizen",
    nature="plainte",
    look="plain",
    emblem="",
    accent="#000000",
    head=(
        "Ablavi Kokoè Sényo",
        "Revendeuse au marché d'Adawlato",
        "Quartier Bè-Klikamé, maison numéro 14",
        "Lomé",
        "Téléphone : {phone}",
    ),
    footer="",
    reference="",
    place="Lomé",
    subject="Plainte contre une facture d'électricité anormalement élevée",
    enclosures=("copie de la facture", "copie de la carte d'identité", "photographie du compteur"),
    title="",
    copies=(),
    ageing=("office", "office"),
    body="""
Monsieur le Ministre,

Je viens très respectueusement vous exposer la situation suivante. Je suis abonnée à l'électricité depuis neuf ans,
sous le contrat numéro {contract}. Ma consommation habituelle ne dépasse pas douze mille francs par mois, car je n'ai
chez moi que quatre lampes, un ventilateur et un petit réfrigérateur.

Or, la facture du mois de {last_month} s'élève à {bill} francs CFA. Je me suis rendue trois fois à l'agence du quartier.
On m'a répondu que le compteur avait été relevé correctement et que je devais payer avant le {deadline}, sous peine de
coupure. Aucun agent n'est venu vérifier l'appareil, malgré ma réclamation écrite du {past_date}.

Mon voisin, Monsieur {contact}, a connu le même problème et l'erreur a été reconnue après six mois. Je ne peux pas
attendre aussi longtemps, car mon commerce de poisson dépend du réfrigérateur.

C'est pourquoi je vous prie de bien vouloir ordonner une vérification de mon compteur et la suspension de toute coupure
jusqu'au résultat.

Dans l'attente d'une suite favorable, je vous prie de recevoir, Monsieur le Ministre, mes salutations respectueuses.
""",
)

_AT2ER = Script(
    key="at2er-kits-solaires",
    sender="Agence togolaise d'électrification rurale et des énergies renouvelables (AT2ER)",
    sender_kind="entity",
    nature="note",
    look="print",
    emblem="sun",
    accent="#a85b00",
    head=(
        "AGENCE TOGOLAISE D'ÉLECTRIFICATION RURALE",
        "ET DES ÉNERGIES RENOUVELABLES",
        "AT2ER - Direction générale",
        "Boulevard de la Paix, Lomé",
    ),
    footer="AT2ER - Boulevard de la Paix - Lomé - contact@at2er.example.tg",
    reference="{number:03d}-{year}/AT2ER/DG/DP",
    place="Lomé",
    subject="Note d'avancement du programme de kits solaires et de mini-réseaux",
    enclosures=(
        "tableau de bord du programme",
        "liste des localités retenues",
        "rapport de mission",
        "projet d'arrêté",
    ),
    title="La Directrice générale",
    copies=("Cabinet", "Direction générale de l'énergie", "Fonds de développement du secteur de l'électricité"),
    ageing=("stamped", "thin"),
    body="""
Monsieur le Ministre,

J'ai l'honneur de vous transmettre la note d'avancement du programme national de kits solaires individuels et de
mini-réseaux, arrêtée à la fin du mois de {last_month}.

# 1. Rappel des objectifs

Le programme vise à donner un premier accès à l'électricité aux ménages éloignés du réseau. Il repose sur trois
instruments : la subvention mensuelle versée aux bénéficiaires, l'agrément des opérateurs privés et la construction de
mini-réseaux dans les localités de plus de cinq cents habitants.

La cible de l'année est de {households} ménages équipés, dont la moitié dans les régions de la Kara et des Savanes. Le
budget alloué s'élève à {amount} francs CFA, financé pour un tiers par le budget de l'État et pour deux tiers par les
partenaires techniques et financiers.
---
# 2. Kits solaires individuels

À la date d'arrêté de la présente note, {count} kits ont été distribués par les quatre opérateurs agréés. Le taux de
remboursement des bénéficiaires demeure satisfaisant, grâce au paiement par téléphone mobile et au suivi des équipes
de proximité.

Les principales observations recueillies sur le terrain sont les suivantes :

- les batteries de la première génération perdent leur capacité après trente mois d'utilisation ;
- les ménages demandent des kits plus puissants, capables d'alimenter un téléviseur et un congélateur ;
- les techniciens formés dans les chefs-lieux de préfecture quittent souvent la zone au bout d'une année ;
- les pièces de rechange ne sont pas disponibles dans les localités situées au nord de {village[0]}.

Un atelier de concertation avec les opérateurs a eu lieu le {past_date}. Il a recommandé la création de centres de
maintenance régionaux et la révision du cahier des charges techniques.
---
# 3. Mini-réseaux

Les études de faisabilité sont achevées pour les sites de {village[1]}, {village[2]} et {village[3]}. Les dossiers
d'appel d'offres ont été soumis à la personne responsable des marchés publics, dont l'avis est attendu.

Sur le site de {village[1]}, la centrale photovoltaïque est installée et les essais de réception ont débuté. La
distribution intérieure de cent vingt logements reste à réaliser. L'entreprise titulaire a demandé une prolongation du
délai contractuel de quarante-cinq jours, en raison de l'état de la piste pendant les pluies.

Le comité de gestion local, composé de sept membres dont trois femmes, a été installé en présence du préfet et du chef
de canton. Le tarif proposé aux usagers fait l'objet d'une consultation de l'autorité de réglementation.

# 4. Situation financière

Les décaissements atteignent {percent} pour cent des engagements. Le retard provient principalement de la mobilisation
tardive de la contrepartie nationale, inscrite au budget mais non encore ordonnancée.
---
# 5. Recommandations

Afin de tenir les objectifs de l'année, il vous est proposé de bien vouloir :

- autoriser le déblocage de la deuxième tranche de la contrepartie nationale avant le {deadline} ;
- signer le projet d'arrêté fixant les spécifications techniques des équipements solaires ;
- présider la cérémonie de mise en service de la centrale de {village[1]}, envisagée pour le {meeting_date} ;
- désigner un point focal de votre cabinet au sein du comité de pilotage.

Madame {contact_woman}, directrice des programmes, se tient à la disposition de vos services pour tout complément
d'information.

Je vous prie d'agréer, Monsieur le Ministre, l'expression de ma respectueuse considération.
""",
)

_ARSE = Script(
    key="arse-avis-tarifaire",
    sender="Autorité de réglementation du secteur de l'électricité (ARSE)",
    sender_kind="entity",
    nature="rapport",
    look="print",
    emblem="scales",
    accent="#3b3b6d",
    head=(
        "AUTORITÉ DE RÉGLEMENTATION",
        "DU SECTEUR DE L'ÉLECTRICITÉ",
        "Le Comité de direction",
        "Rue des Hydrocarbures, Lomé",
    ),
    footer="ARSE - Rue des Hydrocarbures - Lomé - secretariat@arse.example.tg",
    reference="{number:04d}/ARSE/CD/DG/{year}",
    place="Lomé",
    subject="Avis sur la proposition de révision de la grille tarifaire",
    enclosures=("avis motivé du comité de direction",),
    title="Le Président du Comité de direction",
    copies=("Secrétariat général", "CEET"),
    ageing=("sealed", "office"),
    body="""
Monsieur le Ministre,

Par lettre du {past_date}, vous avez bien voulu saisir l'Autorité d'une demande d'avis relative à la proposition de
révision de la grille tarifaire applicable aux usagers de la basse tension.

L'instruction du dossier a porté sur les charges d'exploitation déclarées, le programme d'investissement, les pertes du
réseau et l'incidence de la mesure sur les ménages modestes. Les services de l'Autorité ont procédé à l'audition de la
compagnie, des associations de consommateurs et de la chambre de commerce.

Il ressort de l'examen que les charges de combustible ont augmenté de {percent} pour cent en douze mois, tandis que le
prix de vente moyen est demeuré inchangé. La demande de révision repose donc sur une base économique réelle. Toutefois,
les pertes non techniques demeurent supérieures au plafond fixé par le contrat et leur coût, évalué à {amount} francs
CFA, ne saurait être supporté par les usagers qui paient régulièrement.
---
En conséquence, le comité de direction, réuni en session ordinaire, a émis un avis favorable assorti des réserves
suivantes :

- le tarif de la première tranche, dite tranche sociale, reste inchangé pendant vingt-quatre mois ;
- la hausse est étalée sur deux exercices et ne dépasse pas la moitié du taux demandé ;
- la compagnie présente, avant le {deadline}, un plan de réduction des pertes assorti d'indicateurs vérifiables ;
- les redevances d'entretien des compteurs sont supprimées pour les abonnés au prépaiement.

L'Autorité recommande en outre une campagne d'information dans les langues nationales, préalablement à l'entrée en
vigueur des nouveaux tarifs, et la publication de l'arrêté au Journal officiel.

L'avis motivé, joint à la présente, sera rendu public quinze jours après sa notification, sauf observation de votre part
fondée sur un motif de confidentialité.

Je vous prie d'agréer, Monsieur le Ministre, l'assurance de ma haute considération.
""",
)

_INVOICE = Script(
    key="societe-facture-groupe",
    sender="Société Golfe Équipements SARL",
    sender_kind="company",
    nature="facture",
    look="print",
    emblem="square",
    accent="#7a1f2b",
    head=("GOLFE ÉQUIPEMENTS SARL", "Groupes électrogènes et onduleurs", "Zone portuaire, Lomé", "Téléphone : {phone}"),
    footer="Golfe Équipements SARL - capital de 10 000 000 francs CFA - Zone portuaire - Lomé",
    reference="FA-{year}-{number:04d}",
    place="Lomé",
    subject="Facture relative à l'entretien des groupes électrogènes du ministère",
    enclosures=("bon de commande", "procès-verbal de réception"),
    title="Le Gérant",
    copies=(),
    ageing=("stamped", "office"),
    addressee=(
        "À Monsieur le Directeur",
        "des affaires financières",
        "Ministère des Mines",
        "et des Ressources énergétiques",
        "LOMÉ",
    ),
    body="""
Monsieur le Directeur,

Nous avons l'honneur de vous adresser la facture des prestations exécutées au mois de {last_month}, conformément au bon
de commande numéro {contract} et au procès-verbal de réception signé le {past_date} par Monsieur {contact}.

{invoice_rows}

La présente facture est arrêtée à la somme de {invoice_total} francs CFA, toutes taxes comprises.

Nous vous prions de bien vouloir en effectuer le règlement par virement, dans un délai de soixante jours à compter de la
réception, sur le compte ouvert dans les livres de la Banque du Littoral sous le numéro {account}.

Veuillez agréer, Monsieur le Directeur, l'expression de nos sentiments distingués.
""",
)

_EMBASSY = Script(
    key="ambassade-invitation",
    sender="Ambassade du Royaume du Maroc à Lomé",
    sender_kind="embassy",
    nature="invitation",
    look="print",
    emblem="ring",
    accent="#8a1c1c",
    head=("AMBASSADE DU ROYAUME DU MAROC", "LOMÉ", "Section économique"),
    footer="",
    reference="{number:03d}/AMB/SE/{year}",
    place="Lomé",
    subject="Invitation au forum sur les énergies renouvelables et le stockage",
    enclosures=("programme provisoire", "fiche d'inscription"),
    title="L'Ambassadeur",
    copies=("Ministère des Affaires étrangères",),
    ageing=("sealed", "office"),
    body="""
Excellence, Monsieur le Ministre,

Dans le cadre du renforcement de la coopération entre nos deux pays, j'ai l'honneur de vous inviter à prendre part au
forum sur les énergies renouvelables et le stockage de l'électricité, qui se tiendra à Marrakech à partir du
{meeting_date}, pour une durée de trois jours.

Cette rencontre réunira les ministres chargés de l'énergie, les opérateurs publics, les bailleurs de fonds et les
entreprises de plus de trente pays. Une séance plénière sera consacrée aux mini-réseaux et à l'interconnexion régionale.
Il serait hautement apprécié que vous y prononciez une allocution sur l'expérience togolaise.

Les frais de séjour de votre Excellence et de deux collaborateurs seront pris en charge par les organisateurs. Les
billets d'avion demeurent à la charge des délégations.

Je vous saurais gré de bien vouloir faire parvenir à l'ambassade, au plus tard le {deadline}, la fiche d'inscription
dûment remplie ainsi que la copie des passeports.

Je vous prie d'agréer, Excellence, Monsieur le Ministre, les assurances de ma très haute considération.
""",
)

_ASSOCIATION = Script(
    key="association-carriere",
    sender="Association des riverains de la carrière du Zio",
    sender_kind="association",
    nature="plainte",
    look="typescript",
    emblem="",
    accent="#000000",
    head=(
        "ASSOCIATION DES RIVERAINS",
        "DE LA CARRIÈRE DU ZIO",
        "Récépissé n° 0417",
        "Siège : école primaire publique",
        "Tsévié",
    ),
    footer="",
    reference="{number:02d}/ARCZ/BE/{year}",
    place="Tsévié",
    subject="Nuisances causées par l'exploitation d'une carrière de granulats",
    enclosures=("pétition des habitants", "photographies des maisons fissurées"),
    title="La Présidente",
    copies=("Préfet du Zio", "Maire de la commune"),
    ageing=("typescript_stamped", "typescript"),
    body="""
Monsieur le Ministre,

Nous avons l'honneur de vous exposer les nuisances que subissent les habitants de {village[0]} et de {village[1]} depuis
la reprise de l'exploitation de la carrière de granulats.

Les tirs de mines ont lieu sans avertissement, parfois à la tombée de la nuit. {count} maisons présentent des fissures
et le mur de l'école s'est effondré le {past_date}, heureusement pendant les congés.

La poussière recouvre les cultures de maïs et de manioc. L'eau du puits principal est devenue trouble et les femmes
parcourent quatre kilomètres pour s'approvisionner à la rivière. L'infirmier du dispensaire signale une forte hausse des
maladies respiratoires chez les enfants.

Nous avons rencontré le responsable du site à trois reprises. Il affirme détenir une autorisation régulière, mais refuse
de montrer l'étude d'impact et le cahier des charges.
---
Devant cette situation, l'assemblée générale de notre association, tenue en présence du chef de village, demande :

- une mission d'inspection de vos services sur le site ;
- la suspension des tirs jusqu'à la remise des conclusions ;
- l'indemnisation des familles dont la maison est endommagée ;
- la construction d'un forage et l'arrosage régulier de la piste.

Nous ne sommes pas opposés à l'activité minière, qui emploie {few} jeunes de nos villages. Nous souhaitons seulement
qu'elle respecte la loi et la santé des populations.

Monsieur {contact}, secrétaire de l'association, peut être joint au {phone} pour organiser la visite.

Veuillez agréer, Monsieur le Ministre, l'expression de notre profond respect.
""",
)

_MINE = Script(
    key="societe-permis-miniere",
    sender="Société minière du Mono SA",
    sender_kind="company",
    nature="demande",
    look="print",
    emblem="diamond",
    accent="#2f5d3a",
    head=(
        "SOCIÉTÉ MINIÈRE DU MONO SA",
        "Exploitation de calcaire et de phosphates",
        "Route de Tabligbo, Aného",
        "direction@minieredumono.example.tg",
    ),
    footer="Société minière du Mono SA - Route de Tabligbo - Aného",
    reference="{number:03d}/SMM/DG/{year}",
    place="Aného",
    subject="Demande de renouvellement d'un permis d'exploitation à grande échelle",
    enclosures=(
        "rapport d'activité",
        "étude d'impact environnemental",
        "plan topographique",
        "attestation fiscale",
        "reçu des droits",
    ),
    title="Le Directeur général",
    copies=("Direction générale des mines et de la géologie", "Préfecture des Lacs"),
    ageing=("stamped", "thin"),
    body="""
Monsieur le Ministre,

Nous avons l'honneur de solliciter le renouvellement du permis d'exploitation à grande échelle numéro {contract},
accordé à notre société pour le calcaire et dont la validité expire le {deadline}.

Le périmètre concerné couvre une superficie de {area} hectares, dans les cantons de {village[0]} et de {village[1]}.
Depuis l'octroi du titre, notre société a investi {amount} francs CFA dans la découverte des gisements, l'installation
d'un concasseur et la réhabilitation de la piste de desserte.

La production de l'année écoulée s'établit à {tonnage} tonnes, destinées pour l'essentiel aux cimenteries nationales.
Elle a permis de maintenir deux cent quarante emplois directs, dont les trois quarts sont occupés par des habitants des
villages riverains.

Les redevances et la contribution au développement local ont été acquittées dans les délais, ainsi que l'attestent les
quittances jointes au dossier.
---
# Engagements pour la nouvelle période

Notre société s'engage, pour la durée du titre renouvelé, à réaliser les travaux suivants :

- le reboisement des zones épuisées, à raison de quinze hectares par an ;
- la construction d'un centre de santé et de trois salles de classe ;
- le suivi trimestriel de la qualité de l'air et des eaux souterraines ;
- la formation de vingt apprentis aux métiers de la maintenance industrielle.

Le plan de fermeture et de remise en état a été actualisé par un cabinet indépendant. La garantie financière
correspondante est déposée auprès d'un établissement bancaire de la place.

Nous vous serions reconnaissants de bien vouloir faire instruire notre demande par la direction compétente et de nous
indiquer la date de la visite contradictoire. Monsieur {contact}, ingénieur géologue, en assurera la préparation.

Veuillez agréer, Monsieur le Ministre, l'expression de notre considération distinguée.
""",
)

_FINANCE = Script(
    key="finances-previsions-budgetaires",
    sender="Ministère de l'Économie et des Finances",
    sender_kind="ministry",
    nature="demande",
    look="print",
    emblem="star",
    accent="#1d4d2b",
    head=(
        "MINISTÈRE DE L'ÉCONOMIE ET DES FINANCES",
        "Direction générale du budget",
        "République togolaise",
        "Travail - Liberté - Patrie",
    ),
    footer="",
    reference="{number:04d}/MEF/SG/DGB/{year}",
    place="Lomé",
    subject="Transmission des prévisions de dépenses pour la préparation du budget",
    enclosures=("canevas de saisie",),
    title="Le Secrétaire général",
    copies=("Direction des affaires financières", "Contrôle financier"),
    ageing=("stamped", "office"),
    body="""
Monsieur le Ministre,

Dans le cadre de la préparation du projet de loi de finances, j'ai l'honneur de vous demander de bien vouloir faire
parvenir à la direction générale du budget les prévisions de dépenses de votre département et des organismes placés sous
sa tutelle.

Ces prévisions, établies selon le canevas ci-joint, distinguent les dépenses de personnel, les biens et services, les
transferts et les investissements. Chaque projet nouveau est accompagné d'une fiche de maturité précisant son coût, son
calendrier et ses résultats attendus. L'enveloppe indicative notifiée à votre département s'élève à {amount} francs CFA.

Les conférences budgétaires débuteront le {meeting_date}. La séance réservée à votre département aura lieu à quinze
heures, dans la salle de réunion du troisième étage.

Le respect du calendrier étant impératif, je vous saurais gré de veiller à ce que les documents soient déposés, en trois
exemplaires et sur support numérique, au plus tard le {deadline}.

Monsieur {contact}, chef de la division des dépenses, demeure à la disposition de vos services.

Je vous prie de croire, Monsieur le Ministre, à l'assurance de ma haute considération.
""",
)

SCRIPTS: tuple[Script, ...] = (
    _CEET,
    _PREFECTURE,
    _CITIZEN,
    _AT2ER,
    _ARSE,
    _INVOICE,
    _EMBASSY,
    _ASSOCIATION,
    _MINE,
    _FINANCE,
)
