"""What each check says: its title, what it found, and what to do. French is the source; the command speaks the English.

Figures stand in the sentences by name; the end of a name tells how it is written (``web.words.checks``).
"""

from collections.abc import Mapping

from ged.health.findings import Group


def _(message: str) -> str:
    """Mark a message for the catalogue. It is looked up when it is told: the command and the page tell it in their language."""
    return message


GROUPS: Mapping[Group, str] = {
    Group.PROGRAM: _("Le programme et ce qu'il appelle"),
    Group.FILES: _("Réglages, dossiers et disques"),
    Group.CLOCK: _("L'heure"),
    Group.DATABASE: _("La base de données"),
    Group.WORK: _("Les traitements de fond et la recherche"),
    Group.MAIL: _("Les courriels"),
    Group.PROOF: _("Preuves, certificats et sauvegardes"),
    Group.SITE: _("L'adresse du site"),
}

TITLES: Mapping[str, str] = {
    "python": "Python",
    "packages": _("Bibliothèques du programme"),
    "reading": _("Lecture des pages"),
    "second_reader": _("Second lecteur"),
    "printing": _("Mise en pages"),
    "office": "LibreOffice",
    "isolation": _("Isolement des fichiers reçus"),
    "settings": _("Réglages"),
    "settings.private": _("Fichier des réglages fermé aux autres"),
    "settings.apart": _("Secret à part des données"),
    "services": _("Démarrage"),
    "data": _("Dossier des données"),
    "data.files": _("Propriétaire des fichiers"),
    "data.keys": _("Clés fermées aux autres"),
    "keyring": _("Clés des fichiers"),
    "store": _("Stockage des fichiers (S3)"),
    "space": _("Place sur les disques"),
    "inodes": _("Nombre de fichiers possibles"),
    "clock.database": _("Heure de la base de données"),
    "clock.journal": _("Heure de la dernière écriture"),
    "clock.authority": _("Heure de l'autorité d'horodatage"),
    "time_zone": _("Fuseau horaire"),
    "database": _("Base de données"),
    "database.tables": _("Tables"),
    "database.safe": _("Écriture sur le disque"),
    "database.servers": _("Serveur et secours"),
    "database.connections": _("Connexions libres"),
    "database.whole": _("Fichier de la base"),
    "database.client": "pg_dump",
    "redis": "Redis",
    "workers": _("Traitements de fond"),
    "queue": _("Attente des tâches"),
    "jobs": _("Tâches en échec"),
    "destructions": _("Éliminations décidées"),
    "index": _("Index de recherche"),
    "index.lag": _("Retard de l'index"),
    "stations": _("Stations de numérisation"),
    "scanner": _("Antivirus"),
    "mail.server": _("Serveur d'envoi"),
    "mail.boxes": _("Boîtes relevées"),
    "mail.loop": _("Aller-retour d'un courriel"),
    "mail.people": _("Personnes qui ne reçoivent pas"),
    "secret": _("Secret de cette installation"),
    "journal.seal": _("Sceau du journal"),
    "journal.verified": _("Dernière vérification"),
    "certificates.authority": _("Autorité de certification"),
    "certificates.seal": _("Cachet du ministère"),
    "certificates.people": _("Certificats des personnes"),
    "backup": _("Dernière sauvegarde"),
    "registers": _("Registres après une restauration"),
    "address": _("Adresse du site"),
    "directory": _("Annuaire du ministère"),
    "provider": _("Fournisseur d'identité"),
    "certificates.site": _("Certificat du site"),
}

COMMON: Mapping[str, tuple[str, str]] = {
    "late": (
        _("Pas de réponse en %(limit_s)s."),
        _("Regardez ce que ce contrôle interroge (disque, serveur, réseau) : il est bloqué ou très lent."),
    ),
    "refused": (_("Refusé par le programme : %(error)s%(details)s."), "%(remedy)s"),
    "broken": (
        _("Le contrôle lui-même a échoué : %(error)s, %(why)s."),
        _("Donnez cette ligne à qui maintient le programme."),
    ),
    "needs.settings": (_("Pas regardé : les réglages ne se lisent pas."), ""),
    "needs.services": (_("Pas regardé : le programme ne démarre pas."), ""),
    "needs.folder": (_("Pas regardé : le dossier des données n'est pas là."), ""),
    "needs.database": (_("Pas regardé : la base de données ne répond pas."), ""),
}
"""What any check may say."""

TEXTS: Mapping[tuple[str, str], tuple[str, str]] = {
    # --- the program ---
    ("python", "ok"): ("Python %(version)s.", ""),
    ("python", "old"): (
        _("Python %(version)s, le programme demande %(wanted)s."),
        _("Installez un Python qui convient, puis refaites l'environnement : scripts/setup.py run."),
    ),
    ("packages", "ok"): (_("Les %(packages)s bibliothèques déclarées sont là."), ""),
    ("packages", "missing"): (
        _("Bibliothèques absentes : %(names)s."),
        _("Refaites l'environnement du programme : scripts/setup.py run."),
    ),
    ("packages", "wrong"): (
        _("Versions refusées : %(names)s."),
        _("Refaites l'environnement du programme : scripts/setup.py run."),
    ),
    ("packages", "other"): (
        _("D'autres versions que celles qui ont été essayées : %(names)s."),
        _("Installez celles de requirements.txt : scripts/setup.py run."),
    ),
    ("reading", "ok"): (_("tesseract %(version)s lit %(languages)s."), ""),
    ("reading", "old"): (
        _("tesseract %(version)s est ancien."),
        _("Installez une version plus récente (4.1 au moins)."),
    ),
    ("reading", "language"): (
        _("Langue de lecture absente : %(names)s."),
        _("Installez-la (apt install %(package)s), ou corrigez GED_OCR_LANGUAGES."),
    ),
    ("reading", "none"): (
        _("tesseract ne répond pas : aucune page n'est lue."),
        _("Installez-le : apt install tesseract-ocr."),
    ),
    ("second_reader", "ok"): (_("%(models)s relit les pages douteuses."), ""),
    ("second_reader", "off"): (_("Éteint par GED_OCR_SECOND_READER : aucune page n'est relue."), ""),
    ("second_reader", "none"): (_("Non installé : les pages douteuses ne sont pas relues, ce qui reste permis."), ""),
    ("second_reader", "missing"): (
        _("GED_OCR_SECOND_READER demande le second lecteur, et ses bibliothèques manquent."),
        _("Installez-les : pip install \"ged[second-reader]\", ou retirez ce réglage."),
    ),
    ("printing", "ok"): (_("typst %(version)s met une page en forme."), ""),
    ("office", "ok"): ("%(version)s.", ""),
    ("office", "old"): (
        _("%(version)s est ancien : les lettres écrites dans Word peuvent mal se mettre en pages."),
        _("Installez LibreOffice 7.4 ou plus récent."),
    ),
    ("office", "none"): (_("Non installé : les lettres ne s'écrivent pas dans Word, ce qui reste permis."), ""),
    ("office", "missed"): (
        _("Des lettres ont été écrites dans Word ici, et LibreOffice n'est plus là : leurs pages ne se font plus."),
        _("Installez de nouveau libreoffice-writer-nogui et bubblewrap, puis redémarrez."),
    ),
    ("isolation", "ok"): (_("Un fichier reçu est ouvert à part (%(kind)s) : sans réseau, sans vue des données, mémoire limitée."), ""),
    ("isolation", "landlock"): (
        _("Isolement par Landlock : les textes Word et OpenDocument ne sont pas lus."),
        _("Installez bubblewrap (apt install bubblewrap), puis redémarrez."),
    ),
    ("isolation", "none"): (
        _("Les fichiers reçus sont ouverts avec les droits du serveur : un fichier piégé pourrait tout lire."),
        _("Installez bubblewrap (apt install bubblewrap) et permettez les espaces de noms, puis redémarrez."),
    ),
    ("isolation", "open"): (
        _("L'isolement (%(kind)s) ne tient pas : un programme enfermé a pu atteindre : %(reached)s."),
        _("Arrêtez le site et les traitements, mettez à jour bubblewrap et le noyau, puis regardez de nouveau."),
    ),
    ("isolation", "silent"): (
        _("Le programme enfermé (%(kind)s) ne répond pas : aucun fichier ne s'ouvre."),
        _("Regardez s'il reste de la mémoire et des processus, puis redémarrez le service."),
    ),
    ("isolation", "see_data"): (
        _("%(path)s est dans un dossier de programmes, que les fichiers reçus peuvent lire."),
        _("Déplacez-le hors de /usr et de l'environnement Python."),
    ),
    # --- settings, folders, disks ---
    ("settings", "ok"): (_("Lus dans %(path)s."), ""),
    ("settings", "variables"): (_("Lus dans les variables du processus."), ""),
    ("settings", "unreadable"): (
        _("%(path)s ne se lit pas par %(user)s."),
        _("Lancez la commande comme l'utilisateur du service (sudo -u …) ou comme root."),
    ),
    ("settings", "no_text"): (
        _("%(path)s n'est pas un fichier de réglages : ce n'est pas du texte."),
        _("Remettez-le depuis sa sauvegarde, ou nommez le bon fichier : GED_ENV_FILE."),
    ),
    ("settings", "missing"): (
        _("Il n'y a pas de réglages : %(path)s n'existe pas, et les variables du processus ne suffisent pas (%(remedy)s)."),
        _("Donnez le fichier (ged --env FICHIER doctor, ou GED_ENV_FILE) ; nouvelle installation : ged init."),
    ),
    ("settings.private", "ok"): (_("Seul son propriétaire lit %(path)s."), ""),
    ("settings.private", "credential"): (_("Remis par systemd, à ce service seul."), ""),
    ("settings.private", "no_file"): (_("Pas de fichier de réglages."), ""),
    ("settings.private", "open"): (
        _("D'autres utilisateurs peuvent lire %(path)s, qui contient le secret (droits %(mode)s)."),
        _("chmod 600 %(path)s ; si d'autres ont pu le lire, changez le secret."),
    ),
    ("settings.private", "owner"): (
        _("%(path)s appartient à %(owner)s, qui peut donc changer les réglages du service."),
        _("Donnez-le à l'utilisateur du service : chown."),
    ),
    ("settings.private", "folder_writable"): (
        _("D'autres peuvent remplacer les réglages : leur dossier %(path)s est ouvert en écriture (droits %(mode)s)."),
        "chmod 700 %(path)s",
    ),
    ("settings.private", "folder_open"): (
        _("Le dossier des réglages %(path)s est ouvert aux autres (droits %(mode)s)."),
        "chmod 700 %(path)s",
    ),
    ("settings.apart", "ok"): (_("Le secret n'est pas dans le dossier des données."), ""),
    ("settings.apart", "no_file"): (_("Pas de fichier de réglages."), ""),
    ("settings.apart", "inside"): (
        _("%(path)s contient le secret et se trouve dans les données : qui a une sauvegarde peut signer au nom de tous."),
        _("Sortez-le, puis redémarrez : ged init --move-settings."),
    ),
    ("services", "ok"): (_("Le programme démarre avec ces réglages."), ""),
    ("services", "denied"): (
        _("Le dossier des données refuse l'accès à %(user)s : %(why)s."),
        _("Lancez la commande comme l'utilisateur du service (sudo -u …) ou comme root."),
    ),
    ("data", "ok"): (_("%(path)s est à %(owner)s, fermé aux autres, et prend des fichiers."), ""),
    ("data", "none"): (
        _("Le dossier %(path)s n'existe pas."),
        _("Corrigez GED_DATA_DIR, ou montez le disque qui le porte."),
    ),
    ("data", "other_user"): (
        _("%(path)s est à %(owner)s, et le programme tourne comme %(user)s."),
        _("Lancez-le comme %(owner)s (sudo -u %(owner)s …)."),
    ),
    ("data", "writable"): (
        _("D'autres utilisateurs peuvent écrire dans %(path)s (droits %(mode)s)."),
        "chmod 700 %(path)s",
    ),
    ("data", "open"): (_("D'autres utilisateurs peuvent lire %(path)s (droits %(mode)s)."), "chmod 700 %(path)s"),
    ("data", "takes_nothing"): (
        _("%(path)s ne prend aucun fichier : %(why)s."),
        _("Regardez si le disque est plein, en lecture seule, ou le dossier « tmp » fermé."),
    ),
    ("data.files", "ok"): (_("Fichiers regardés : %(files)s ; tous ont le même propriétaire."), ""),
    ("data.files", "foreign"): (
        _("%(path)s est à %(owner)s : le service (%(user)s) ne pourra pas l'écrire."),
        "chown -R %(user)s %(folder)s",
    ),
    ("data.keys", "ok"): (_("Fichiers de clés regardés : %(files)s, tous fermés aux autres."), ""),
    ("data.keys", "no_keys"): (_("Pas encore de clé dans les données."), ""),
    ("data.keys", "open"): (
        _("D'autres utilisateurs peuvent lire la clé %(path)s (droits %(mode)s)."),
        "chmod 600 %(path)s",
    ),
    ("keyring", "ok"): (_("Le trousseau %(path)s est là, fermé aux autres."), ""),
    ("keyring", "not_set"): (_("Aucun trousseau n'est réglé (GED_KEYRING) : les fichiers ne sont pas chiffrés."), ""),
    ("keyring", "lost"): (
        _("Le trousseau n'est pas en %(path)s : aucun fichier chiffré ne s'ouvre."),
        _("Remettez-le depuis sa dernière sauvegarde ; n'en faites pas un nouveau. Nouvelle installation : ged migrate --finish."),
    ),
    ("keyring", "denied"): (
        _("%(user)s ne peut pas lire le trousseau %(path)s : aucun fichier chiffré ne s'ouvre."),
        _("Rendez-le à l'utilisateur du service : chown -R."),
    ),
    ("keyring", "open"): (
        _("D'autres utilisateurs peuvent lire le trousseau : %(path)s (droits %(mode)s)."),
        _("chmod 700 pour le dossier, 600 pour ses fichiers ; si d'autres ont pu les lire : ged blobs rotate."),
    ),
    ("keyring", "owner"): (
        _("%(path)s est à %(owner)s : le service (%(user)s) ne pourra pas l'écrire."),
        _("Rendez-le à l'utilisateur du service : chown -R."),
    ),
    ("store", "ok"): (_("%(store)s répond, compare les empreintes et prend, rend et supprime un essai ; versions : %(versions)s, verrou : %(lock)s."), ""),
    ("store", "not_set"): (_("Les fichiers sont dans le dossier des données."), ""),
    ("store", "unchecked"): (_("%(store)s garde un fichier dont l'empreinte est fausse : une altération passerait."), _("Prenez un autre logiciel de stockage, ou une version qui compare les empreintes SHA-256.")),
    ("store", "altered"): (_("%(store)s rend autre chose que ce qui a été écrit."), _("N'y mettez aucun fichier ; changez de stockage.")),
    ("store", "stays"): (_("%(store)s ne supprime pas un essai."), _("Donnez le droit de supprimer (docs/operate/storage.md).")),
    ("store", "no_lock"): (_("GED_S3_LOCK demande un verrou que %(store)s n'offre pas : aucun fichier ne pourra être écrit."), _("Faites un emplacement avec verrou d'objets, ou retirez GED_S3_LOCK.")),
    ("store", "unseen_lock"): (_("%(store)s ne nous laisse pas voir ses verrous : une ancienne version en clair passe pour verrouillée, et l'élimination de ce courrier est refusée."), _("Donnez ces droits à la clé d'accès (docs/operate/storage.md) : %(rights)s.")),
    ("store", "own_rule"): (_("%(store)s verrouille tout de lui-même (%(rule)s) : ce qui n'est pas chiffré ne pourra pas être éliminé avant."), _("Réglez un trousseau (GED_KEYRING), et préférez GED_S3_LOCK à la règle de l'emplacement.")),
    ("store", "clock"): (_("L'heure de %(store)s diffère de la nôtre (secondes) : %(apart_s)s."), _("Réglez les horloges (NTP) : au-delà d'un quart d'heure tout est refusé.")),
    ("space", "ok"): (_("Il reste %(free_bytes)s sur le disque le plus rempli (%(path)s)."), ""),
    ("space", "soon"): (
        _("Il reste %(free_bytes)s sur le disque de %(path)s ; les envois sont refusés sous %(reserve_bytes)s."),
        _("Libérez de la place ou agrandissez le disque cette semaine."),
    ),
    ("space", "low"): (
        _("Il reste %(free_bytes)s sur le disque de %(path)s, moins que %(reserve_bytes)s : les fichiers sont refusés."),
        _("Libérez de la place ou agrandissez le disque maintenant."),
    ),
    ("space", "full"): (
        _("Il reste %(free_bytes)s sur le disque de %(path)s : les fichiers et les formulaires sont refusés."),
        _("Libérez de la place ou agrandissez le disque maintenant."),
    ),
    ("space", "temporary"): (
        _("Il reste %(free_bytes)s dans %(path)s, où le programme ouvre les fichiers reçus : un fichier permis n'y tient pas."),
        _("Libérez de la place dans %(path)s, ou donnez-lui un disque plus grand."),
    ),
    ("inodes", "ok"): (_("Fichiers encore possibles sur le disque le plus rempli : %(free)s (%(percent)s %%)."), ""),
    ("inodes", "unlimited"): (_("Ces disques ne limitent pas le nombre de fichiers."), ""),
    ("inodes", "few"): (
        _("Fichiers encore possibles sur le disque de %(path)s : %(free)s (%(percent)s %%)."),
        _("Supprimez ce qui ne sert plus, ou donnez un disque fait pour plus de fichiers."),
    ),
    # --- the clock ---
    ("clock.database", "ok"): (_("Écart avec le serveur de la base : %(off_s)s."), ""),
    ("clock.database", "same_machine"): (_("La base est un fichier de cette machine : elle n'a pas d'horloge à elle."), ""),
    ("clock.database", "differs"): (
        _("L'horloge de cette machine et celle de la base diffèrent de %(off_s)s."),
        _("Réglez les deux par NTP (timedatectl) avant de donner d'autres numéros."),
    ),
    ("clock.journal", "ok"): (_("La dernière écriture du journal est du %(last_at)s."), ""),
    ("clock.journal", "empty"): (_("Le journal est vide."), ""),
    ("clock.journal", "behind"): (
        _("La dernière écriture du journal est du %(last_at)s, plus tard que maintenant de %(behind_s)s."),
        _("L'horloge a reculé, ou avançait ce jour-là : réglez-la par NTP (timedatectl)."),
    ),
    ("clock.authority", "ok"): (_("L'autorité d'horodatage répond ; écart : %(off_s)s."), ""),
    ("clock.authority", "not_set"): (_("Aucune autorité d'horodatage n'est réglée (GED_TSA_URLS)."), ""),
    ("clock.authority", "silent"): (
        _("Aucune autorité d'horodatage ne répond (%(addresses)s) : les signatures restent au premier niveau."),
        _("Vérifiez le réseau et GED_TSA_URLS ; les horodatages sont repris d'eux-mêmes ensuite."),
    ),
    ("clock.authority", "differs"): (
        _("L'horloge de cette machine et celle de l'autorité d'horodatage diffèrent de %(off_s)s."),
        _("Réglez l'horloge par NTP (timedatectl), puis, si elle est juste : ged clock confirm."),
    ),
    ("time_zone", "ok"): (_("%(zone)s, comme la machine."), ""),
    ("time_zone", "differs"): (
        _("Les réglages disent %(zone)s (%(setting)s), la machine est à %(machine)s."),
        _("Mettez la machine au même fuseau (timedatectl set-timezone) : journaux et sauvegardes se liront mieux."),
    ),
    # --- the database ---
    ("database", "ok"): (_("%(name)s %(version)s répond."), ""),
    ("database", "old"): (
        _("%(name)s %(version)s n'est plus maintenu."),
        _("Passez à une version plus récente, après une sauvegarde."),
    ),
    ("database", "away"): (
        _("Le serveur de la base ne répond pas."),
        _("Démarrez-le, ou corrigez l'adresse dans GED_DATABASE_URL ; ce qui est déjà enregistré n'est pas perdu."),
    ),
    ("database", "password"): (
        _("La base refuse ce compte ou ce mot de passe."),
        _("Corrigez le mot de passe dans GED_DATABASE_URL."),
    ),
    ("database", "unknown"): (
        _("Le serveur répond, mais il n'a pas cette base ou ce compte."),
        _("Corrigez GED_DATABASE_URL, ou créez la base puis : ged migrate --finish."),
    ),
    ("database", "certificate"): (
        _("Le certificat du serveur de la base n'est pas accepté."),
        _("Renouvelez-le, ou donnez son autorité : sslrootcert dans GED_DATABASE_URL."),
    ),
    ("database", "full"): (
        _("La base n'accepte plus de connexion."),
        _("Augmentez max_connections, ou baissez GED_PROCESSES."),
    ),
    ("database", "no_file"): (
        _("Le fichier de la base n'existe pas."),
        _("Nouvelle installation : ged migrate --finish. Sinon, remettez la sauvegarde, sans rien démarrer avant."),
    ),
    ("database", "denied"): (
        _("Le fichier de la base ne se lit pas par cet utilisateur."),
        _("Lancez le programme comme le propriétaire des données, ou rendez-lui le fichier : chown."),
    ),
    ("database", "malformed"): (
        _("Le fichier de la base est abîmé."),
        _("Arrêtez tout, gardez une copie du dossier, puis remettez la dernière sauvegarde."),
    ),
    ("database.tables", "ok"): (_("Les tables sont celles du programme (%(revision)s)."), ""),
    ("database.tables", "none"): (_("La base n'a pas encore de tables."), "ged migrate --finish"),
    ("database.tables", "older"): (
        _("Les tables sont à %(revision)s, le programme attend %(program)s : il ne démarre pas."),
        _("Faites une sauvegarde, puis : ged migrate."),
    ),
    ("database.tables", "unfinished"): (
        _("La mise à jour n'est pas finie : les tables sont à %(revision)s."),
        _("Quand plus aucun programme de la version d'avant ne tourne : ged migrate --finish."),
    ),
    ("database.tables", "newer"): (
        _("Les tables sont à %(revision)s, plus récentes que ce programme (%(program)s)."),
        _("Installez le programme de la nouvelle version."),
    ),
    ("database.safe", "ok"): (_("Ce qui est confirmé est écrit sur le disque."), ""),
    ("database.safe", "read_only"): (
        _("La base ne prend rien : rien ne s'enregistre."),
        _("C'est une copie, ou ce compte n'a que le droit de lire : donnez-lui l'écriture, ou corrigez GED_DATABASE_URL."),
    ),
    ("database.safe", "unsafe"): (
        _("PostgreSQL n'écrit pas tout de suite sur le disque (%(names)s) : une panne perd des courriers enregistrés."),
        _("Remettez ces réglages à « on » dans postgresql.conf, puis redémarrez PostgreSQL."),
    ),
    ("database.safe", "allowed"): (
        _("GED_UNSAFE_DATABASE est posé : ce réglage n'est permis que pour des essais."),
        _("Retirez-le, puis redémarrez."),
    ),
    ("database.servers", "file"): (_("La base est un fichier : elle n'a pas de secours."), ""),
    ("database.servers", "one"): (_("%(primary)s prend les écritures ; aucun secours n'est nommé."), ""),
    ("database.servers", "synchronous"): (
        _("%(primary)s prend les écritures ; le secours %(standby)s a déjà ce qui est confirmé."),
        "",
    ),
    ("database.servers", "asynchronous"): (
        _("%(primary)s prend les écritures ; le secours %(standby)s suit avec un peu de retard."),
        "",
    ),
    ("database.servers", "away"): (
        _("%(primary)s prend les écritures ; ne répond pas : %(away)s. Une panne ne se rattraperait pas."),
        _("Remettez ce serveur en marche, comme secours de celui qui prend les écritures (docs/operate/hosts.md)."),
    ),
    ("database.servers", "any"): (
        _("%(primary)s prend les écritures, mais l'adresse ne demande pas un serveur qui écrit."),
        _("Ajoutez target_session_attrs=read-write à GED_DATABASE_URL : sans cela, un secours peut répondre à sa place."),
    ),
    ("database.servers", "no_primary"): (
        _("Aucun serveur ne prend les écritures ; en secours : %(standby)s."),
        _("Si le serveur principal est perdu, arrêtez-le pour de bon, puis promouvez le secours : pg_ctl promote."),
    ),
    ("database.servers", "two"): (
        _("Deux serveurs prennent les écritures : %(primary)s. Des courriers s'enregistrent à deux endroits."),
        _("Arrêtez tout de suite celui qui n'a pas été promu, et gardez une copie de ses données (docs/operate/hosts.md)."),
    ),
    ("database.connections", "ok"): (_("Connexions encore libres : %(left)s sur %(most)s."), ""),
    ("database.connections", "file"): (_("La base est un fichier : il n'y a pas de connexions à compter."), ""),
    ("database.connections", "few"): (
        _("Connexions encore libres : %(left)s sur %(most)s."),
        _("Augmentez max_connections dans PostgreSQL, ou baissez GED_PROCESSES et le nombre de traitements."),
    ),
    ("database.whole", "ok"): (_("Le fichier de la base (%(size_bytes)s) est entier."), ""),
    ("database.whole", "server"): (_("PostgreSQL contrôle ses pages lui-même."), ""),
    ("database.whole", "malformed"): (
        _("Le fichier de la base est abîmé. %(why)s"),
        _("Arrêtez tout, gardez une copie du dossier, puis remettez la dernière sauvegarde."),
    ),
    ("database.client", "ok"): (_("pg_dump %(client)s, pour PostgreSQL %(server)s."), ""),
    ("database.client", "file"): (_("La base est un fichier : pg_dump ne sert pas."), ""),
    ("database.client", "none"): (
        _("pg_dump n'est pas installé ici : la base ne se sauvegarde pas depuis cette machine."),
        _("Installez le client de PostgreSQL (apt install postgresql-client), ou sauvegardez depuis une autre machine."),
    ),
    ("database.client", "old"): (
        _("pg_dump %(client)s est plus ancien que PostgreSQL %(server)s, et refuse de le copier."),
        _("Installez le client de la version %(server)s."),
    ),
    # --- the work behind the pages ---
    ("redis", "ok"): (_("Redis %(version)s répond ; il occupe %(used_bytes)s."), ""),
    ("redis", "not_set"): (_("Non réglé : les traitements lisent la base."), ""),
    ("redis", "away"): (
        _("Redis ne répond pas (%(why)s) : les tâches attendent dans la base."),
        _("Démarrez Redis, ou corrigez GED_REDIS_URL ; aucune tâche n'est perdue."),
    ),
    ("redis", "password"): (_("Redis refuse le mot de passe."), _("Corrigez GED_REDIS_URL.")),
    ("redis", "refuses"): (_("Redis refuse : %(why)s."), _("Corrigez les droits de ce compte dans Redis.")),
    ("redis", "cannot_save"): (
        _("Redis %(version)s n'arrive plus à s'écrire sur son disque : il refuse les messages."),
        _("Libérez le disque de Redis, ou désactivez sa sauvegarde (save \"\") : les tâches sont dans la base."),
    ),
    ("redis", "evicts"): (
        _("Redis %(version)s efface des messages quand sa mémoire est pleine (%(policy)s)."),
        _("Réglez maxmemory-policy à noeviction."),
    ),
    ("redis", "full"): (
        _("Redis occupe %(used_bytes)s sur %(most_bytes)s."),
        _("Augmentez maxmemory, et regardez pourquoi les tâches ne partent pas."),
    ),
    ("workers", "ok"): (_("Traitements en marche : %(workers)s (%(hosts)s)."), ""),
    ("workers", "none"): (
        _("Aucun traitement de fond n'est en marche : pages non lues, recherche arrêtée, courriels en attente."),
        _("Démarrez le service : ged worker."),
    ),
    ("workers", "lanes"): (
        _("Aucun traitement ne prend : %(lanes)s."),
        _("Démarrez un traitement de cette version (ged worker), et arrêtez les anciens."),
    ),
    ("queue", "ok"): (
        _("Tâches qui attendent : %(waiting)s ; la plus ancienne depuis %(waited_s)s (%(lane)s)."),
        "",
    ),
    ("queue", "empty"): (_("Aucune tâche n'attend."), ""),
    ("queue", "old"): (
        _("Une tâche attend depuis %(waited_s)s (%(lane)s) ; en tout, tâches qui attendent : %(waiting)s."),
        _("Regardez si un traitement est bloqué : « Administration », « Tâches », et son journal."),
    ),
    ("jobs", "ok"): (_("Aucune tâche n'est en échec."), ""),
    ("jobs", "failed"): (
        _("Tâches en échec ou incertaines : %(jobs)s, dont %(kinds)s."),
        _("« Administration », « Tâches » : chaque échec y dit sa cause, et se relance."),
    ),
    ("destructions", "ok"): (_("Aucun fichier n'attend d'être détruit depuis plus de trois jours."), ""),
    ("destructions", "waits"): (
        _("Courriers dont l'élimination est décidée et dont les fichiers sont encore là : %(letters)s, depuis le %(since_at)s. La tâche de la nuit (sweep) les a laissés, la dernière fois le %(ran_at)s."),
        _("Personne ne les ouvre. Le stockage les garde sous un verrou ou ils ont été déposés de nouveau (destroy.waits), ou leur suppression a échoué (destroy.failed) : le journal de la tâche le dit courrier par courrier."),
    ),
    ("destructions", "not_tried"): (
        _("Courriers dont l'élimination est décidée et dont les fichiers sont encore là : %(letters)s, depuis le %(since_at)s. La tâche de la nuit (sweep) n'a pas abouti depuis."),
        _("Personne ne les ouvre. Regardez si les traitements de fond tournent, et la tâche « Supprimer les fichiers sans rattachement » : « Administration », « Tâches »."),
    ),
    ("index", "ok"): (_("%(engine)s répond ; courriers indexés : %(documents)s."), ""),
    ("index", "none_yet"): (_("Pas encore d'index : aucun courrier n'est enregistré."), ""),
    ("index", "building"): (
        _("L'index (%(engine)s) est en cours de reconstruction à côté de l'ancien, qui sert encore."),
        _("Laissez le traitement finir ; interrompu, il reprend où il en était."),
    ),
    ("index", "none"): (_("Il n'y a pas d'index, et la base a des courriers : %(letters)s."), "ged index rebuild"),
    ("index", "outdated"): (
        _("L'index (%(engine)s) est d'une autre version du programme : la recherche est arrêtée."),
        "ged index rebuild",
    ),
    ("index", "rebuilding"): (
        _("L'index (%(engine)s) d'une autre version du programme est en cours de reconstruction (courriers indexés : %(done)s sur %(letters)s). En attendant, la recherche porte sur les numéros, les objets et les expéditeurs."),
        _("Laissez le traitement finir ; interrompu, il reprend où il en était."),
    ),
    ("index", "away"): (
        _("Le moteur de recherche ne répond pas (%(why)s) : l'enregistrement continue, la recherche attend."),
        _("Démarrez-le, ou corrigez GED_ELASTICSEARCH_URL ; ensuite : ged index verify."),
    ),
    ("index", "damaged"): (
        _("Le dossier de l'index ne se lit pas (%(why)s) : l'enregistrement continue, la recherche attend."),
        _("Regardez l'espace libre du disque et les droits de ce dossier. Si les deux sont bons, le dossier est abîmé : ged index rebuild le refait."),
    ),
    ("index.lag", "ok"): (_("L'index suit la base (courriers indexés : %(documents)s sur %(letters)s, en attente : %(waiting)s)."), ""),
    ("index.lag", "unreadable"): (_("Pas regardé : l'index est d'une autre version du programme."), ""),
    ("index.lag", "away"): (_("Pas regardé : le moteur de recherche ne répond pas."), ""),
    ("index.lag", "backlog"): (
        _("Une archive reprise s'indexe quand rien d'autre n'attend (courriers indexés : %(documents)s sur %(letters)s)."),
        "",
    ),
    ("index.lag", "behind"): (
        _("Des courriers attendent l'index depuis %(waited_s)s ; en attente : %(waiting)s."),
        _("Regardez si un traitement est en marche et si le moteur de recherche répond."),
    ),
    ("index.lag", "failed"): (
        _("L'indexation de courriers a échoué : %(failed)s."),
        _("« Administration », « Tâches » : relancez-les ; ensuite : ged index verify."),
    ),
    ("index.lag", "differs"): (
        _("L'index a %(documents)s courriers, la base %(letters)s, et rien n'attend."),
        "ged index verify",
    ),
    ("stations", "ok"): (_("Stations : %(stations)s ; la moins récente a été vue le %(oldest_at)s."), ""),
    ("stations", "none"): (_("Aucune station de numérisation."), ""),
    ("stations", "silent"): (
        _("Stations muettes depuis plus de quatre jours : %(silent)s sur %(stations)s (%(names)s)."),
        _("Allumez-les, ou retirez-les dans « Stations de numérisation » si elles ne servent plus."),
    ),
    ("scanner", "ok"): (_("L'antivirus répond (%(address)s)."), ""),
    ("scanner", "not_set"): (_("Aucun antivirus n'est réglé (GED_CLAMD)."), ""),
    ("scanner", "away"): (
        _("L'antivirus ne répond pas (%(address)s) : aucun fichier n'est pris."),
        _("Démarrez clamd, ou corrigez GED_CLAMD."),
    ),
    # --- mail ---
    ("mail.server", "ok"): (_("Le serveur d'envoi répond ; son certificat vaut jusqu'au %(ends_at)s."), ""),
    ("mail.server", "near"): (_("Le serveur d'envoi répond, sur cette machine."), ""),
    ("mail.server", "not_set"): (_("Aucun serveur d'envoi n'est réglé (GED_SMTP_URL) : les courriels restent dans un dossier."), ""),
    ("mail.server", "away"): (
        _("Le serveur d'envoi ne répond pas (%(why)s) : les courriels attendent."),
        _("Vérifiez le serveur, le réseau et GED_SMTP_URL."),
    ),
    ("mail.server", "password"): (
        _("Le serveur d'envoi refuse le compte ou le mot de passe."),
        _("Corrigez GED_SMTP_URL."),
    ),
    ("mail.server", "certificate"): (
        _("Le certificat du serveur d'envoi %(host)s n'est pas accepté : %(why)s."),
        _("Renouvelez-le, nommez le serveur comme lui, ou donnez son autorité dans GED_SMTP_CA."),
    ),
    ("mail.server", "no_tls"): (
        _("Le serveur d'envoi %(host)s n'offre pas de liaison chiffrée : rien ne part."),
        _("Employez smtps://, ou activez STARTTLS sur le serveur."),
    ),
    ("mail.server", "ends"): (
        _("Le certificat du serveur d'envoi finit le %(ends_at)s."),
        _("Renouvelez-le avant ce jour, ou plus aucun courriel ne partira."),
    ),
    ("mail.boxes", "ok"): (_("Boîtes ouvertes : %(boxes)s ; messages à relever : %(waiting)s."), ""),
    ("mail.boxes", "none"): (_("Aucune boîte n'est relevée."), ""),
    ("mail.boxes", "away"): (
        _("La boîte « %(box)s » ne s'ouvre pas : %(why)s."),
        _("Vérifiez le serveur, son certificat et le réseau, puis le fichier de GED_MAILBOXES_FILE."),
    ),
    ("mail.boxes", "login"): (
        _("La boîte « %(box)s » refuse le compte ou le mot de passe."),
        _("Corrigez le compte, ou son fichier de mot de passe."),
    ),
    ("mail.boxes", "token"): (
        _("La boîte « %(box)s » n'a pas de mot de passe ou de jeton : %(why)s."),
        _("Rendez le fichier lisible par le service, ou lancez à la main la commande qui donne le jeton."),
    ),
    ("mail.loop", "ok"): (_("Le message d'essai du %(sent_at)s est revenu."), ""),
    ("mail.loop", "under_way"): (_("Le message d'essai du %(sent_at)s est parti ; il est attendu."), ""),
    ("mail.loop", "no_way_back"): (_("Aucune boîte n'est relevée : rien ne peut revenir."), ""),
    ("mail.loop", "never"): (
        _("Aucun message d'essai n'est encore parti."),
        _("« Administration », « Courriels envoyés » : essayez un aller-retour."),
    ),
    ("mail.loop", "unsent"): (
        _("Le message d'essai du %(sent_at)s n'est pas parti (%(error)s)."),
        _("« Administration », « Courriels envoyés » dit ce qu'il faut vérifier."),
    ),
    ("mail.loop", "lost"): (
        _("Le message d'essai du %(sent_at)s est parti et n'est pas revenu : des courriels se perdent peut-être."),
        _("« Administration », « Courriels envoyés » dit ce qu'il faut vérifier."),
    ),
    ("mail.people", "ok"): (_("Les derniers courriels sont arrivés."), ""),
    ("mail.people", "deaf"): (
        _("Personnes dont le dernier courriel a été refusé : %(people)s."),
        _("« Administration », « Courriels envoyés » les nomme : corrigez leur adresse."),
    ),
    # --- proof ---
    ("secret", "ok"): (_("Le secret des réglages ouvre les clés de ces données."), ""),
    ("secret", "no_key"): (_("Le journal n'a pas encore de clé."), ""),
    ("secret", "other"): (
        _("Le secret des réglages n'est pas celui de ces données : leurs clés ne s'ouvrent pas."),
        _("Remettez le fichier de réglages de cette installation ; n'en faites pas un nouveau."),
    ),
    ("journal.seal", "ok"): (_("Le journal est scellé jusqu'à l'écriture %(sealed)s sur %(entries)s, le %(sealed_at)s."), ""),
    ("journal.seal", "soon"): (_("Le journal (écritures : %(entries)s) va être scellé pour la première fois."), ""),
    ("journal.seal", "empty"): (_("Le journal est vide."), ""),
    ("journal.seal", "never"): (
        _("Le journal n'a jamais été scellé ; sa plus ancienne écriture attend depuis %(waited_s)s."),
        _("Regardez si un traitement est en marche ; puis : ged seal."),
    ),
    ("journal.seal", "old"): (
        _("Des écritures du journal ne sont pas scellées depuis %(waited_s)s : leur perte ne se verrait pas."),
        _("Regardez si un traitement est en marche et si le disque a de la place ; puis : ged seal."),
    ),
    ("journal.seal", "cut"): (
        _("Écritures du journal : %(entries)s ; quand il a été scellé : %(sealed)s. Il en manque."),
        _("Arrêtez tout, gardez une copie, puis : ged verify. Une vieille sauvegarde a peut-être été remise."),
    ),
    ("journal.verified", "ok"): (_("ged verify a tout prouvé le %(verified_at)s (écritures : %(entries)s)."), ""),
    ("journal.verified", "never"): (
        _("ged verify n'a jamais été lancé sur ces données."),
        _("Lancez-le une nuit, puis chaque mois : ged verify."),
    ),
    ("journal.verified", "unreadable"): (_("La note de la dernière vérification ne se lit pas."), "ged verify"),
    ("journal.verified", "old"): (
        _("ged verify a été lancé pour la dernière fois le %(verified_at)s."),
        _("Lancez-le une nuit, puis chaque mois : ged verify."),
    ),
    ("journal.verified", "wrong"): (
        _("ged verify a trouvé des anomalies le %(verified_at)s : %(problems)s."),
        _("Gardez une copie de tout, lancez-le de nouveau, et comparez avec la dernière bonne sauvegarde."),
    ),
    ("certificates.authority", "ok"): (_("L'autorité est protégée par une phrase secrète ; sa liste vaut jusqu'au %(ends_at)s."), ""),
    ("certificates.authority", "none"): (_("Cette installation n'a pas d'autorité à elle."), ""),
    ("certificates.authority", "trial"): (
        _("L'autorité est une autorité d'essai : qui a les données et le secret peut délivrer des certificats."),
        _("Avant tout courrier réel : ged pki protect."),
    ),
    ("certificates.authority", "ends"): (
        _("Le certificat de l'autorité %(which)s finit le %(ends_at)s."),
        _("ged pki renew, avec le support de la racine."),
    ),
    ("certificates.authority", "list"): (
        _("La liste des certificats révoqués finit le %(ends_at)s : ensuite, les autres ne savent plus ce qui est révoqué."),
        "ged pki crl",
    ),
    ("certificates.seal", "ok"): (_("%(subject)s, jusqu'au %(ends_at)s."), ""),
    ("certificates.seal", "none"): (_("Pas de cachet : registres arrêtés et preuves ne portent pas la signature du ministère."), ""),
    ("certificates.seal", "unreadable"): (
        _("La clé du cachet ne s'ouvre pas (%(error)s)."),
        _("Branchez son support, ou corrigez les réglages GED_SEAL_…"),
    ),
    ("certificates.seal", "ends"): (
        _("Le certificat du cachet finit le %(ends_at)s."),
        _("Renouvelez-le avant ce jour : ged pki seal, ou l'autorité qui l'a vendu."),
    ),
    ("certificates.seal", "ended"): (
        _("Le certificat du cachet a fini le %(ends_at)s : rien n'est plus scellé."),
        _("Renouvelez-le maintenant : ged pki seal, ou l'autorité qui l'a vendu."),
    ),
    ("certificates.people", "ok"): (_("Clés en usage : %(keys)s ; la première à finir : le %(first_at)s."), ""),
    ("certificates.people", "none"): (_("Personne n'a encore de clé de signature."), ""),
    ("certificates.people", "ending"): (
        _("Certificats qui finissent dans les soixante jours : %(ending)s sur %(keys)s, le premier le %(first_at)s."),
        _("Ils se renouvellent quand leur propriétaire ouvre sa clé ; sinon : ged pki renewals."),
    ),
    ("certificates.people", "waiting"): (
        _("Personnes qui attendent un nouveau certificat : %(waiting)s."),
        "ged pki renewals",
    ),
    ("certificates.people", "ended"): (
        _("Certificats finis de clés en usage : %(ended)s sur %(keys)s : ces personnes ne signent plus."),
        _("Elles ouvrent leur clé une fois, puis : ged pki renewals."),
    ),
    ("backup", "ok"): (_("La dernière sauvegarde est du %(made_at)s."), ""),
    ("backup", "never"): (
        _("Le journal ne connaît aucune sauvegarde."),
        _("Réglez une sauvegarde de chaque nuit (ged backup), sur un autre support, puis essayez-la : ged restore --drill."),
    ),
    ("backup", "old"): (
        _("La dernière sauvegarde est du %(made_at)s, il y a %(age_s)s."),
        _("Regardez pourquoi elle n'a pas été faite : son support, sa place, son heure."),
    ),
    ("registers", "ok"): (_("Aucun registre n'attend."), ""),
    ("registers", "waiting"): (
        _("Registres qui attendent le dernier numéro donné avant la panne : %(registers)s (%(names)s)."),
        _("Les bureaux d'ordre qui les tiennent l'inscrivent à la page « Reprise après une panne » : /registres/reprise."),
    ),
    # --- the site ---
    # --- who says who somebody is ---
    ("directory", "ok"): (_("%(url)s répond, le compte qui cherche y entre."), ""),
    ("directory", "not_set"): (_("Pas d'annuaire réglé (GED_LDAP_URL)."), ""),
    ("directory", "away"): (
        _("L'annuaire ne répond pas : %(why)s."),
        _(
            "Vérifiez qu'il tourne, son adresse dans GED_LDAP_URL et le pare-feu (636, ou 389 avec StartTLS). Les comptes de secours se connectent."
        ),
    ),
    ("directory", "certificate"): (
        _("Le certificat de l'annuaire est refusé."),
        _("Nommez le serveur comme son certificat, ou donnez son autorité dans GED_LDAP_CA."),
    ),
    ("directory", "bind"): (
        _("L'annuaire refuse le compte qui cherche."),
        _("Corrigez GED_LDAP_BIND_DN et GED_LDAP_BIND_PASSWORD : le mot de passe a peut-être expiré."),
    ),
    ("directory", "base"): (_("L'entrée de GED_LDAP_BASE n'est pas dans l'annuaire."), _("Corrigez GED_LDAP_BASE.")),
    ("directory", "filter"): (
        _("Un filtre de l'annuaire ne se lit pas."),
        _("Corrigez GED_LDAP_FILTER ou GED_LDAP_CLOSED_FILTER."),
    ),
    ("provider", "ok"): (_("%(issuer)s répond."), ""),
    ("provider", "not_set"): (_("Pas de fournisseur d'identité réglé (GED_OIDC_ISSUER)."), ""),
    ("provider", "away"): (
        _("Le fournisseur d'identité ne répond pas : %(why)s."),
        _(
            "Vérifiez qu'il tourne, son adresse, son certificat (GED_OIDC_CA) et le pare-feu. Les comptes de secours se connectent."
        ),
    ),
    ("provider", "issuer"): (
        _("Le fournisseur d'identité se nomme %(told)s."),
        _("Écrivez GED_OIDC_ISSUER exactement ainsi."),
    ),
    ("address", "ok"): ("%(url)s", ""),
    ("address", "none"): (_("GED_PUBLIC_URL n'a pas de nom : %(url)s."), _("Donnez l'adresse que les gens tapent, avec https://.")),
    ("address", "proxies"): (
        _("Le site ne démarre pas : %(url)s est en https, et le nombre de serveurs devant lui n'est pas dit."),
        _("Posez GED_PROXIES (1 derrière un nginx), ou GED_DIRECT=true."),
    ),
    ("address", "here"): (
        _("%(url)s ne s'ouvre que sur cette machine : feuilles, courriels et codes mènent là."),
        _("Posez GED_PUBLIC_URL à l'adresse que les gens tapent, avant d'imprimer."),
    ),
    ("address", "clear"): (
        _("%(url)s n'est pas chiffrée : mots de passe et courriers passent en clair."),
        _("Mettez le site derrière un serveur qui parle TLS, et GED_PUBLIC_URL en https://."),
    ),
    ("address", "no_name"): (
        _("Le nom %(host)s est inconnu de cette machine."),
        _("Vérifiez le DNS du ministère, ou GED_PUBLIC_URL."),
    ),
    ("certificates.site", "ok"): (_("Le certificat de %(host)s vaut jusqu'au %(ends_at)s."), ""),
    ("certificates.site", "no_tls"): (_("L'adresse du site n'est pas en https."), ""),
    ("certificates.site", "away"): (
        _("L'adresse %(host)s ne répond pas depuis cette machine (%(why)s)."),
        _("Vérifiez le serveur placé devant le site ; s'il n'est joignable que du dehors, regardez le certificat de là."),
    ),
    ("certificates.site", "refused"): (
        _("Le certificat de %(host)s n'est pas accepté : %(why)s."),
        _("Renouvelez-le, avec toute sa chaîne, sur le serveur placé devant le site."),
    ),
    ("certificates.site", "ends"): (
        _("Le certificat de %(host)s finit le %(ends_at)s."),
        _("Renouvelez-le avant ce jour sur le serveur placé devant le site."),
    ),
}  # fmt: skip
