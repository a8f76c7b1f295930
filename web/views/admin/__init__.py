"""Pages of administrators: accounts and units, health, certificates, proofs of signatures, mailboxes."""
