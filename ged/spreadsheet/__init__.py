"""Spreadsheets from outside as rows of text, and the same rows given back with their wrong cells marked."""
