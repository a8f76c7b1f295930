"""Signing in through a directory: who somebody is. Posts alone say what a person may do.

The account here stays the row of the person. A *link* says which entry of a directory (LDAP), or which subject of an identity provider
(OpenID Connect), is that person: bound at the first sign-in, by an identifier that is never given to another (``links``). A linked
account has no password of its own any more, except a *break-glass* account (``glass``), which signs in while the directory is away.
``passwords`` decides which password counts, ``provider`` the way through an identity provider, ``closing`` ends the sessions of
people who are closed there, ``outages`` tells the journal that a directory is away. No sign-in opens a signing key.
"""
