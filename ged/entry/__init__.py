"""The second step of signing in: codes of a telephone, passkeys, recovery codes, and their reset by two people.

After the password and before the second step there is no session: only a row of ``sign_in_steps`` and its text in the browser's cookie
(``steps``), which opens nothing but the second step. All that one person's factors undergo is done under the lock of the
person's row, so that of two uses of one code, or two confirmations of one reset, one wins. The passphrase of the signing key is
no part of this: no sign-in opens a key.
"""
