"""The ministry on a disk: what may be read without a server, and beside it the copy from which a server comes back.

A disk is a folder that is complete, or has another name (``DRAFT``):

    OUVRIR.html                    the page that people open, in a browser, without network and installation
    LISEZ-MOI.txt                  how to open, check and restore it
    lecture/programme/             the page's script and style
    lecture/cle.js                 the key of the readable part, sealed under the passphrase
    lecture/accueil.js             registers, years, the verdict of the checks, the sealed heads, the directory of words
    lecture/registre/R-Y-P.js      a page of lines of a register and year
    lecture/lettres/N.js           a hundred letters
    lecture/mots/N.js              words, and the letters that hold them
    lecture/fichiers/ab/NAME-N.js  a piece of a file
    sauvegarde/                    a medium of ``ged.backup``: the whole installation, for another key
    manifest.json, manifest.sig    the digest of each file, signed by the journal's key, as ``ged_verify.py`` checks them
    journal.pub, anchor.json, anchor.tst, trust/, journal.jsonl, reference/

A page of a file may load scripts from beside it, and nothing else: so each part of the readable copy is a script that hands over
one sealed text (``sealing``). Names, numbers and words of letters stand in no name and in no clear text of the disk.

Only letters of the ordinary level are readable. What is above it, and sealed envelopes, are in ``sauvegarde`` alone: a passphrase
is told to more people than a private key.
"""
