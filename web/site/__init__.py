"""Shared by all pages: authentication, access list, forms, errors, languages, navigation."""
