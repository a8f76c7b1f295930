"""An entity that moves whole: ``ged entity export`` writes a folder that ``ged_verify.py`` checks without us, and ``ged entity
take-in`` takes it in elsewhere (``take_in``).

**What leaves.** ``belonging`` says of every table to whom its rows belong, and by which path of foreign keys: to the
entity; to the common stock, which travels with each entity; to the installation, which stays. A test fails for a table
that no list names. Nothing of another entity leaves. Where a record of the entity hangs on a record of another one (a
slip between the two, a post above), nothing is written: the entity above both is what can leave. Whoever acted on the
entity's records and holds no post of it is told by name alone.

**What never leaves**: passwords, sessions, private keys, tokens of scanning stations, first accesses; columns of that kind
in tables that do leave are ``withheld``. People arrive with their accounts, and get a first access there.

**What proves it.** The folder has all rows as lines of JSON (ids as they were), all stored files by their digest, and of
the journal

- ``journal/hashes.bin``: the hash of each entry of the whole journal, 32 bytes each, in order. The entries of others are
  nothing but these. The root over the first *n* is what an anchor signed, the *n*-th is what a sealed head signed.
- ``journal/entries.jsonl``: the entries about the entity's records, with payload and salt. Each one's hash stands at its
  place in that file, and the hash before it is the one that it names: so its place in the journal is proven without a
  word of any other entry.
- ``journal/heads.jsonl``, ``journal/anchors.jsonl``, ``journal/anchors``: sealed heads, anchors, time-stamps.

``manifest.json`` names each file with its digest, and is signed by the journal's key. A verifier who holds that key
therefore knows that nothing was changed, left out or added since; and from rows and entries together that the numbers
have no gap, that closings are those that were sealed, that documents are those that were recorded.

**When it is whole.** All rows come from one snapshot. The folder is written under another name, and gets its own when
the signed manifest is on the disk: what bears the name is whole. An interrupted run is begun again from the beginning.
"""
