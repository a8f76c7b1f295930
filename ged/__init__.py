"""Rules, register and database of the electronic document and mail service."""
