"""Keys, signatures (PAdES) and their validation: the plugs of ``KeyVault``, ``Signer`` and ``SignatureChecker``."""
