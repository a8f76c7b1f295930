"""Copies of the whole installation on another medium, and the way back.

A medium is a folder (a USB disk, a share) or a bucket of an S3 store: ``places`` says what both do, ``medium`` is the folder,
``ged.adapters.backup_s3`` the bucket. On it everything is encrypted for a private key that is kept elsewhere:

    README.txt
    objects/ab/<key>-<sha256>      a stored file, once for all copies
    snapshots/<moment>/
        index.json.gz              in clear: sizes, digests of what is encrypted, names of objects; nothing of the letters
        index.sig                  the journal's signature over it
        manifest.age               what the copy holds: digests of the plain files, the journal's head, the last numbers
        database.age  files.age    the database of one moment; the small files (sealed heads, templates, synonyms)
    incoming/  lock

``<key>`` is a digest of the plain file's digest under a secret of the server: who knows a document cannot ask the medium
whether it is there. ``<sha256>`` is of the encrypted bytes: the medium is checked without any key. What the medium tells
all the same: how many files there are, how large each is, and when it came.

An object holds a file as it is stored, that is encrypted under a key of the keyring. The keys of the installation (its secret, the
authority, the key of the journal) go to another medium, as one archive, and the keyring as another: neither medium alone opens
and signs. Only the two latest keyrings are kept, so what was disposed of opens from no earlier copy.
"""
