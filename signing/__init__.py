"""Keys, signatures (PAdES) and their validation. Ports implemented: ``KeyVault``, ``Signer``, ``SignatureChecker``."""
