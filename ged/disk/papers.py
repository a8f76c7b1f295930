"""The note on a disk, for whoever finds it."""

_READ_ME = """\
LE MINISTÈRE SUR UN DISQUE

Ce dossier permet de lire les registres, les courriers et leurs documents sans serveur, sans réseau et sans rien installer,
puis de remettre un serveur en service.

LIRE
  Ouvrez OUVRIR.html dans un navigateur récent (Chrome, Edge ou Firefox), et tapez la phrase secrète remise avec le disque. Elle n’est
  écrite nulle part sur le disque : qui l’a perdue ne lit plus rien, et personne ne peut la retrouver. Seuls les courriers du niveau
  ordinaire s’y lisent ; ce qui est au-dessus, et les plis fermés, ne se trouvent que dans la sauvegarde chiffrée.

AVANT DE TAPER LA PHRASE SECRÈTE
  Qui a eu le disque en main a pu changer la page qui la demande. Si le disque a quitté le coffre, vérifiez-le d’abord.
  Sur un ordinateur qui n’est pas le vôtre, ouvrez la page dans une fenêtre privée : sinon l’historique du navigateur garde le numéro et l’objet
  des courriers ouverts, et les mots recherchés.

VÉRIFIER
  Avec le programme ged_verify.py, obtenu ailleurs que sur ce disque : auprès de l’institution (adresse /pki/ged_verify.py de son site), ou
  de vos propres archives. La copie {copy} ne sert qu'à la lecture, ne l’exécutez jamais.

  Empreinte SHA-256 du programme, que l’institution publie aussi (/pki/ged_verify.sha256) :
  {digest}

      python ged_verify.py CE-DOSSIER --key CLÉ_DU_JOURNAL.pub --trust RACINE.pem

  Sans Python, la page « Les preuves » relit aussi tout le disque ; mais qui aurait changé la page aurait changé ce qu’elle dit.

  Le programme dit d’abord quand le disque a été fait : un disque plus ancien, mis à la place du dernier, est entier lui aussi.
  Puis il nomme chaque fichier changé, absent ou ajouté. La clé du journal jointe ne dit que ce qu’affirme l’auteur du disque : donnez celle
  que vous tenez. Avec GED : ged disk verify CE-DOSSIER --key CLÉ_DU_JOURNAL.pub

REMETTRE UN SERVEUR EN SERVICE
  Le dossier sauvegarde est une sauvegarde complète, chiffrée pour une clé privée qui est gardée ailleurs, comme les clés de
  l’installation. Sur une machine vide, avec GED :

      ged restore CE-DOSSIER/sauvegarde --identity CLÉ_PRIVÉE --keys SUPPORT_DES_CLÉS --data ... --settings ...

  Faites-le depuis une copie de ce dossier : rien ne doit être écrit sur le disque.
"""


def read_me(copy: str, digest: str) -> str:
    """The note.

    Args:
        copy: path of the copy of ``ged_verify.py``; ``digest``: the program’s SHA-256.
    """
    return _READ_ME.format(copy=copy, digest=digest)
